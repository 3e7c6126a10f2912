//! A layer behind a pointer with another element type.
//!
//! Not a method of the layers: every program would compile all of them for `f64` as well.

use std::any::Any;

use fanin_tensor::Scalar;

use super::layer::Layer;
use super::*;

/// The same layer with another element type, if it is one of this crate and no [`Lambda`], whose function
/// has one element type.
pub(super) fn cast_layer<T: Scalar, U: Scalar>(layer: &dyn Layer<T>) -> Option<Box<dyn Layer<U>>> {
    let layer: &dyn Any = layer;
    macro_rules! with_parameters {
        ($($layer:ident)*) => {$(
            if let Some(layer) = layer.downcast_ref::<$layer<T>>() {
                return Some(Box::new(layer.cast::<U>()));
            }
        )*};
    }
    with_parameters!(
        Linear Sequential Residual Parallel FixupBranch WeightNorm SpectralNorm LayerNorm BatchNorm1d
        GroupNorm RmsNorm Prelu
    );
    macro_rules! without_parameters {
        ($($layer:ident)*) => {$(
            if let Some(layer) = layer.downcast_ref::<$layer>() {
                return Some(Box::new(layer.clone()));
            }
        )*};
    }
    without_parameters!(AlphaDropout Dropout Flatten Geglu Glu Identity Reglu Rrelu Swiglu Unflatten);
    activation::cast_activation(layer)
}
