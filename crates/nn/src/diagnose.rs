//! What a network makes of a signal, before any training.
//!
//! A [`Probe`] runs any [`Module`](crate::Module) on a batch and shows, for each of its linear layers,
//! what came in, what came out, the activation behind it, and the gradients.

mod probe;

pub use probe::{Activation, LayerProbe, Probe};
