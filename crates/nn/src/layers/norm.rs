//! Normalizations: signals brought to mean 0 and variance 1.

mod batch_norm;
mod group_norm;
mod layer_norm;
mod rms_norm;

use fanin_init::ParamSpec;
use fanin_tensor::{Scalar, Shape, Tensor};

use crate::Parameters;
use crate::param::Param;
use crate::tape::Var;

pub use batch_norm::BatchNorm1d;
pub use group_norm::GroupNorm;
pub use layer_norm::LayerNorm;
pub use rms_norm::RmsNorm;

/// The ε of all but [`RmsNorm`], as in PyTorch.
pub(super) const EPSILON: f64 = 1e-5;

/// γ and β of a normalization, where it has them.
#[derive(Clone, Parameters)]
struct Affine<T: Scalar> {
    weight: Option<Param<T>>,
    bias: Option<Param<T>>,
}

impl<T: Scalar> Affine<T> {
    /// γ = 1, β = 0.
    fn new(features: usize) -> Self {
        Self { weight: Some(gamma(features)), bias: Some(beta(features)) }
    }

    /// Both if the layer is to have them, else none. Those that are there stay.
    fn both(self, affine: bool, features: usize) -> Self {
        Self {
            weight: affine.then(|| self.weight.unwrap_or_else(|| gamma(features))),
            bias: affine.then(|| self.bias.unwrap_or_else(|| beta(features))),
        }
    }

    fn cast<U: Scalar>(&self) -> Affine<U> {
        Affine {
            weight: self.weight.as_ref().map(Param::cast),
            bias: self.bias.as_ref().map(Param::cast),
        }
    }

    fn scale<'t>(&self, x: Var<'t, T>) -> Option<Var<'t, T>> {
        self.weight.as_ref().map(|weight| x.tape().param(weight))
    }

    fn shift<'t>(&self, x: Var<'t, T>) -> Option<Var<'t, T>> {
        self.bias.as_ref().map(|bias| x.tape().param(bias))
    }

    /// What a description says of them.
    fn text(&self) -> &'static str {
        match (&self.weight, &self.bias) {
            (None, _) => ", no affine",
            (Some(_), None) => ", no bias",
            (Some(_), Some(_)) => "",
        }
    }
}

/// γ = 1.
fn gamma<T: Scalar>(features: usize) -> Param<T> {
    Param::with_spec(Tensor::ones(features), ParamSpec::scale_of(features).named("weight"))
}

/// β = 0.
fn beta<T: Scalar>(features: usize) -> Param<T> {
    Param::with_spec(Tensor::zeros(features), ParamSpec::shift_of(features).named("bias"))
}

#[track_caller]
fn require_epsilon(layer: &str, epsilon: f64) {
    assert!(
        epsilon >= 0.0 && epsilon.is_finite(),
        "{layer}: an epsilon of {epsilon} is negative or not finite"
    );
}

/// The shape of an input that ends in the features of the layer.
#[track_caller]
fn fitting<T: Scalar>(
    op: &str,
    x: Var<'_, T>,
    features: usize,
    layer: &dyn crate::Describe,
) -> Shape {
    let shape = x.shape();
    if shape.last() != Some(&features) {
        panic!("{op}: input {shape} does not fit {}", layer.describe());
    }
    shape
}

/// γ and β are named as in PyTorch, `weight` and `bias`, without the struct that holds them.
macro_rules! parameters {
    ($layer:ident, $($buffer:ident)*) => {
        impl<T: Scalar> $crate::Parameters<T> for $layer<T> {
            fn visit<'m>(
                &'m self,
                path: &$crate::ParamPath<'_>,
                visitor: &mut dyn $crate::Visitor<'m, T>,
            ) {
                self.affine.visit(path, visitor);
                $(self.$buffer.visit(&path.name(stringify!($buffer)), visitor);)*
            }
            fn visit_mut<'m>(
                &'m mut self,
                path: &$crate::ParamPath<'_>,
                visitor: &mut dyn $crate::VisitorMut<'m, T>,
            ) {
                self.affine.visit_mut(path, visitor);
                $(self.$buffer.visit_mut(&path.name(stringify!($buffer)), visitor);)*
            }
        }

        impl<T: Scalar> std::fmt::Debug for $layer<T> {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.describe())
            }
        }
    };
}
use parameters;
