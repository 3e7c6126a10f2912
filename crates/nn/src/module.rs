//! [`Module`]: anything that maps a value to a value.

use fanin_tensor::{Scalar, Tensor};

use crate::describe::Describe;
use crate::idle_tape::IdleTape;
use crate::layers::Linear;
use crate::parameters::Parameters;
use crate::tape::{Mode, Scope, Var};

/// A layer or a whole network that maps one value to another.
///
/// A struct derives [`Parameters`] and writes `forward`:
///
/// # Example
/// ```
/// use fanin_nn::{Linear, Module, Parameters, Tensor, Var};
///
/// #[derive(Parameters)]
/// struct Residual {
///     inner: Linear,
///     outer: Linear,
/// }
///
/// impl Module for Residual {
///     fn forward<'t>(&self, x: Var<'t>) -> Var<'t> {
///         x + self.outer.forward(self.inner.forward(x).tanh())
///     }
/// }
///
/// let net = Residual { inner: Linear::new(8, 32), outer: Linear::new(32, 8) };
/// assert_eq!(net.predict(&Tensor::zeros([5, 8])).shape(), [5, 8]);
/// assert_eq!(net.named_params()[0].0, "inner.weight");
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no layer with elements of type `{T}`",
    label = "no `Module`, such as `Linear::new(784, 10)` or `Relu`",
    note = "call `build()` on a builder, write a function without parameters as `Lambda::new(…)`, or \
            derive `Parameters` and `Clone` for your type and implement `Module` for it"
)]
pub trait Module<T: Scalar = f32>: Parameters<T> + Describe + Send + Sync {
    /// What the layer computes. The tape decides whether it is recorded, and has the
    /// [mode](crate::Tape::mode).
    #[track_caller]
    fn forward<'t>(&self, x: Var<'t, T>) -> Var<'t, T>;

    /// What the module makes of a linear layer's output in a step that is not recorded, if it can be
    /// computed together with that output.
    #[doc(hidden)]
    fn after_linear<'t>(&self, linear: &Linear<T>, x: Var<'t, T>) -> Option<Var<'t, T>> {
        let _ = (linear, x);
        None
    }

    /// What the module makes of `x` in [`Mode::Evaluate`], without recording. Several threads may
    /// predict at once.
    ///
    /// # Shapes
    /// `(rows, features)` gives a row of outputs for each row. Most layers also take a single sample `(features)`.
    ///
    /// Each thread keeps some memory for its next prediction: see [`Tape`](crate::Tape#memory). A call of
    /// [`release_memory`](crate::release_memory) frees it.
    #[doc(alias("eval", "inference"))]
    #[track_caller]
    fn predict(&self, x: &Tensor<T>) -> Tensor<T> {
        let mut tape = IdleTape::take();
        // No closure, so that a panic in `forward` shows the line that calls `predict`.
        tape.begin(false, Mode::Evaluate);
        let y = self.forward(tape.input(x)).node();
        tape.end(y)
    }
}

/// The modules one behind the other.
impl<T: Scalar, M: Module<T>> Module<T> for Vec<M> {
    #[track_caller]
    fn forward<'t>(&self, x: Var<'t, T>) -> Var<'t, T> {
        let (mut x, mut scope) = (x, Scope::new(x));
        for module in self {
            x = module.forward(x);
            scope.keep(x);
        }
        x
    }
}

/// A module that may be left out.
impl<T: Scalar, M: Module<T>> Module<T> for Option<M> {
    #[track_caller]
    fn forward<'t>(&self, x: Var<'t, T>) -> Var<'t, T> {
        match self {
            Some(module) => module.forward(x),
            None => x,
        }
    }
}

impl<T: Scalar, M: Module<T> + ?Sized> Module<T> for Box<M> {
    #[track_caller]
    fn forward<'t>(&self, x: Var<'t, T>) -> Var<'t, T> {
        (**self).forward(x)
    }

    fn after_linear<'t>(&self, linear: &Linear<T>, x: Var<'t, T>) -> Option<Var<'t, T>> {
        (**self).after_linear(linear, x)
    }
}
