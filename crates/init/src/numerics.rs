//! Numerical methods that know nothing of parameters.

pub(crate) mod erf;
pub(crate) mod qr;
pub(crate) mod quadrature;
