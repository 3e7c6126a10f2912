//! [`Buffer`]: state of a layer that is saved and never trained.

use fanin_tensor::{Scalar, Tensor};

use crate::param::next_id;

/// A tensor that belongs to a layer's state and is not trained, such as a running mean.
///
/// A buffer has a path, is saved, loaded, cast and cloned with the model, and does not count among
/// the parameters. `forward` takes `&self`, so it does not write to a buffer: a training step records
/// the new value by [`Tape::update`](crate::Tape::update), it travels with the gradients, and
/// [`Optimizer::step`](crate::Optimizer::step) applies it. So predictions may run on `&model` from
/// several threads, and no lock is needed.
///
/// A clone has the same value and an identity of its own.
///
/// # Example
/// A layer that subtracts a running mean of its input:
/// ```
/// use fanin_nn::{Buffer, Mode, Module, Optimizer, Parameters, Sgd, Tape, Tensor, Var};
///
/// #[derive(Parameters)]
/// struct Centre {
///     mean: Buffer,
/// }
///
/// impl Module for Centre {
///     fn forward<'t>(&self, x: Var<'t>) -> Var<'t> {
///         let t = x.tape();
///         let mean = t.buffer(&self.mean);
///         if t.mode() == Mode::Train {
///             t.update(&self.mean, 0.9, 0.1, x.mean_axis(0)); // mean ← 0.9 · mean + 0.1 · that of x
///         }
///         x - mean
///     }
/// }
///
/// let mut layer = Centre { mean: Buffer::new(Tensor::zeros(1)) };
/// let x = Tensor::from_vec([2, 1], vec![1.0, 3.0]);
/// let mut tape = Tape::new();
/// let (_, grads) = tape.value_and_grad(|t| layer.forward(t.input(&x)).sum());
/// Sgd::new(0.1).step(&mut layer, grads);
/// assert!((layer.mean.value().item() - 0.2).abs() < 1e-6);
/// ```
#[derive(Debug)]
pub struct Buffer<T: Scalar = f32> {
    id: u64,
    value: Tensor<T>,
}

impl<T: Scalar> Buffer<T> {
    /// A buffer with this value.
    pub fn new(value: Tensor<T>) -> Self {
        Self { id: next_id(), value }
    }

    /// Its value.
    pub fn value(&self) -> &Tensor<T> {
        &self.value
    }

    /// Its value, to be changed in place. The shape must stay.
    pub fn value_mut(&mut self) -> &mut Tensor<T> {
        &mut self.value
    }

    /// The same buffer with another element type.
    pub fn cast<U: Scalar>(&self) -> Buffer<U> {
        Buffer::new(self.value.cast())
    }

    pub(crate) fn id(&self) -> u64 {
        self.id
    }
}

impl<T: Scalar> Clone for Buffer<T> {
    fn clone(&self) -> Self {
        Self::new(self.value.clone())
    }
}
