//! Normalizations: signals brought to mean 0 and variance 1.

mod batch_norm;
mod layer_norm;

use fanin_init::ParamSpec;
use fanin_tensor::{Scalar, Tensor};

use crate::Parameters;
use crate::param::Param;
use crate::tape::Var;

pub use batch_norm::BatchNorm1d;
pub use layer_norm::LayerNorm;

/// The ε of both, as in PyTorch.
const EPSILON: f64 = 1e-5;

/// γ and β of a normalization.
#[derive(Clone, Parameters)]
struct Affine<T: Scalar> {
    weight: Param<T>,
    bias: Param<T>,
}

impl Affine<f32> {
    /// γ = 1, β = 0.
    fn new(features: usize) -> Self {
        let scale = ParamSpec::scale_of(features).named("weight");
        let shift = ParamSpec::shift_of(features).named("bias");
        Self {
            weight: Param::with_spec(Tensor::ones(features), scale),
            bias: Param::with_spec(Tensor::zeros(features), shift),
        }
    }
}

impl<T: Scalar> Affine<T> {
    fn cast<U: Scalar>(&self) -> Affine<U> {
        Affine { weight: self.weight.cast(), bias: self.bias.cast() }
    }

    fn vars<'t>(&self, x: Var<'t, T>) -> [Var<'t, T>; 2] {
        [x.tape().param(&self.weight), x.tape().param(&self.bias)]
    }
}

#[track_caller]
fn require_epsilon(layer: &str, epsilon: f64) {
    assert!(
        epsilon >= 0.0 && epsilon.is_finite(),
        "{layer}: an epsilon of {epsilon} is negative or not finite"
    );
}

/// γ and β are named as in PyTorch, `weight` and `bias`, without the struct that holds them.
macro_rules! parameters {
    ($layer:ident, $($buffer:ident)*) => {
        impl<T: Scalar> $crate::Parameters<T> for $layer<T> {
            fn visit<'m>(&'m self, path: &$crate::ParamPath<'_>, visitor: &mut dyn $crate::Visitor<'m, T>) {
                self.affine.visit(path, visitor);
                $(visitor.buffer(&path.name(stringify!($buffer)), &self.$buffer);)*
            }
            fn visit_mut<'m>(
                &'m mut self,
                path: &$crate::ParamPath<'_>,
                visitor: &mut dyn $crate::VisitorMut<'m, T>,
            ) {
                self.affine.visit_mut(path, visitor);
                $(visitor.buffer(&path.name(stringify!($buffer)), &mut self.$buffer);)*
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
