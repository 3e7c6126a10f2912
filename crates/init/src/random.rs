//! PyTorch's generator, and what is drawn from it: uniform and normal numbers, permutations.

pub(crate) mod boxmuller;
pub(crate) mod default_rng;
pub(crate) mod draw;
mod keyed;
pub(crate) mod permutation;
pub(crate) mod request;
pub(crate) mod torch_rng;
pub(crate) mod truncated;
