//! Optimizers: one a file, each rule one loop that looks like its paper's algorithm.

mod adam;
mod sgd;

pub use adam::{Adam, AdamW};
pub use sgd::Sgd;

use fanin_tensor::{Scalar, Tensor, show_shape};

use crate::module::{Module, ParamPath};
use crate::param::Param;
use crate::tape::Gradients;

/// Changes parameters by their gradients.
///
/// An optimizer keeps what it remembers of a parameter (momentum, moments) by the parameter's place in
/// the model, so one optimizer serves one model. Two models that play against each other have an
/// optimizer each, and the gradients are handed to both. A parameter that is to learn at another rate
/// than the rest has a [scale](Param::set_lr_scale) for it.
pub trait Optimizer<T: Scalar = f32>: Send {
    /// One step, in place. Parameters that are frozen, or on which the loss does not depend, stay as
    /// they are.
    ///
    /// # Panics
    /// **Panics** if the model shows none of the parameters that the loss depends on, or a parameter has
    /// another shape than in the steps before.
    #[track_caller]
    fn step(&mut self, model: &mut dyn Module<T>, grads: Gradients<'_, T>);

    /// The learning rate.
    fn lr(&self) -> f64;

    /// Sets the learning rate of the steps to come, as a schedule does.
    ///
    /// # Panics
    /// **Panics** if it is negative or not finite.
    #[track_caller]
    fn set_lr(&mut self, lr: f64);
}

/// What an optimizer remembers of each parameter, by the parameter's place in the model, with the
/// parameter's shape.
#[derive(Clone, Debug)]
struct States<S>(Vec<Option<(Box<[usize]>, S)>>);

impl<S> Default for States<S> {
    fn default() -> Self {
        Self(vec![])
    }
}

impl<S> States<S> {
    /// Calls `rule` with the state, value, gradient and scale of the learning rate of every parameter
    /// that has a gradient; `new` makes the state of one that has none yet.
    #[track_caller]
    fn step<T: Scalar>(
        &mut self,
        model: &mut dyn Module<T>,
        grads: &Gradients<'_, T>,
        new: impl Fn(&Tensor<T>) -> S,
        mut rule: impl FnMut(&mut S, &mut [T], &[T], f64),
    ) {
        let (mut place, mut hint, mut found, mut stranger) = (0, 0, 0, None);
        model.visit_mut(&ParamPath::ROOT, &mut |path, param: &mut Param<T>| {
            let at = place;
            place += 1;
            if self.0.len() == at {
                self.0.push(None);
            }
            let Some(grad) = grads.next(&mut hint, param) else { return };
            found += 1;
            let lr_scale = f64::from(param.lr_scale());
            let value = param.value_mut();
            let (shape, state) =
                self.0[at].get_or_insert_with(|| (value.shape().into(), new(value)));
            if **shape != *value.shape() {
                stranger.get_or_insert_with(|| {
                    let (was, is) = (show_shape(shape), show_shape(value.shape()));
                    format!("parameter {path} is {is}, but was {was} in the steps before")
                });
                return;
            }
            rule(state, value.as_mut_slice(), grad.as_slice(), lr_scale);
        });
        if let Some(what) = stranger {
            panic!("step: {what}: an optimizer serves one model");
        }
        assert!(
            found > 0 || grads.count() == 0,
            "step: the model shows none of the {} parameters that the loss depends on; list its parts \
             with module!",
            grads.count()
        );
    }
}

/// # Panics
/// **Panics** unless `low ≤ value < high`.
#[track_caller]
fn require(optimizer: &str, what: &str, value: f64, low: f64, high: f64) {
    assert!(value >= low && value < high, "{optimizer}: {what} {value} is outside [{low}, {high})");
}
