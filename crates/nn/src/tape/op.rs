//! [`Op`]: one primitive with its derivative, and what it sees of the tape.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use fanin_tensor::Write;
use fanin_tensor::{IntoShape, Scalar, Tensor};

use super::slot::{Grad, Slot, grow};

/// How the gradient of one primitive operation flows back.
///
/// The way forward is a closure beside it; [`Tape::apply`](super::Tape::apply) takes both, and that is
/// all there is to a new primitive.
///
/// # Example
/// ```
/// use fanin_nn::tensor::{Scalar, Write, map::map};
/// use fanin_nn::{Backward, Op, Var, gradcheck};
///
/// /// `y = x²`
/// fn square<'t, T: Scalar>(x: Var<'t, T>) -> Var<'t, T> {
///     x.tape().apply(Square, &[x], |cx| {
///         let x = cx.input(0);
///         map([x.as_slice()], Write::Set, cx.output(x.shape()), move |[x]| x * x);
///     })
/// }
///
/// /// `dx = dy · 2x`
/// #[derive(Debug)]
/// struct Square;
///
/// impl<T: Scalar> Op<T> for Square {
///     fn backward(&self, cx: &mut Backward<'_, T>) {
///         let (x, dy) = (cx.input(0).as_slice(), cx.dy());
///         if let Some((write, dx)) = cx.grad(0) {
///             map([x, dy], write, dx, move |[x, dy]| dy * (x + x));
///         }
///     }
/// }
///
/// gradcheck(&[&[4, 7]], 1, |_, x| square(x[0])).assert_below(1e-6);
/// ```
pub trait Op<T: Scalar>: fmt::Debug + Any + Send {
    /// Adds what this op contributes to the gradients of its inputs: for each input that wants one,
    /// [`Backward::grad`] says where, and whether it is the first contribution.
    fn backward(&self, cx: &mut Backward<'_, T>);

    /// The function f if the op is an activation, which is f of every element by itself.
    ///
    /// Training does not ask; a [diagnosis](crate::diagnose) does, to name the activation behind a
    /// layer (by the op's `Debug`) and to compute what it makes of a signal.
    fn activation(&self) -> Option<Curve> {
        None
    }
}

/// A function of one number, `x ↦ (f(x), f′(x))`.
pub type Curve = Arc<dyn Fn(f64) -> (f64, f64) + Send + Sync>;

/// The values of an op's inputs.
#[derive(Clone, Copy)]
struct Inputs<'a, T> {
    slots: &'a [Slot<T>],
    edges: &'a [u32],
}

impl<'a, T: Scalar> Inputs<'a, T> {
    #[inline]
    fn slot(self, i: usize) -> &'a Slot<T> {
        &self.slots[self.edges[i] as usize]
    }
}

/// What an op sees on its way forward.
pub struct Forward<'a, T: Scalar> {
    inputs: Inputs<'a, T>,
    value: &'a mut Option<Tensor<T>>,
    saved: &'a mut Option<Tensor<T>>,
    differentiated: bool,
    /// Whether the output's memory was asked for.
    pub(super) written: bool,
}

impl<'a, T: Scalar> Forward<'a, T> {
    pub(super) fn new(slots: &'a [Slot<T>], edges: &'a [u32], slot: &'a mut Slot<T>) -> Self {
        Self {
            inputs: Inputs { slots, edges },
            value: &mut slot.own,
            saved: &mut slot.saved,
            differentiated: slot.differentiated,
            written: false,
        }
    }

    /// How many inputs the op was given.
    pub fn inputs(&self) -> usize {
        self.inputs.edges.len()
    }

    /// The value of the `i`-th input.
    #[inline]
    pub fn input(&self, i: usize) -> &'a Tensor<T> {
        self.inputs.slot(i).value()
    }

    /// Whether there will be a way back: if not, nothing need be saved.
    pub fn differentiated(&self) -> bool {
        self.differentiated
    }

    /// The memory of the result. What it holds is unspecified: all of it must be written.
    pub fn output(&mut self, shape: impl IntoShape) -> &mut [T] {
        self.written = true;
        shape.with_shape(|shape| grow(self.value, shape))
    }

    /// Memory for what the way back needs beside inputs and output, likewise to be written.
    pub fn save(&mut self, shape: impl IntoShape) -> &mut [T] {
        shape.with_shape(|shape| grow(self.saved, shape))
    }

    /// [`output`](Self::output) and [`save`](Self::save) at once.
    pub fn output_and_save(
        &mut self,
        output: impl IntoShape,
        saved: impl IntoShape,
    ) -> (&mut [T], &mut [T]) {
        self.written = true;
        let (value, save) = (&mut *self.value, &mut *self.saved);
        (output.with_shape(|shape| grow(value, shape)), saved.with_shape(|shape| grow(save, shape)))
    }
}

/// What an op sees on its way back.
pub struct Backward<'a, T: Scalar> {
    inputs: Inputs<'a, T>,
    slot: &'a Slot<T>,
    dy: &'a [T],
    grads: &'a mut [Grad<T>],
}

impl<'a, T: Scalar> Backward<'a, T> {
    pub(super) fn new(
        slots: &'a [Slot<T>],
        edges: &'a [u32],
        slot: &'a Slot<T>,
        dy: &'a [T],
        grads: &'a mut [Grad<T>],
    ) -> Self {
        Self { inputs: Inputs { slots, edges }, slot, dy, grads }
    }

    /// How many inputs the op was given.
    pub fn inputs(&self) -> usize {
        self.inputs.edges.len()
    }

    /// The value of the `i`-th input.
    #[inline]
    pub fn input(&self, i: usize) -> &'a Tensor<T> {
        self.inputs.slot(i).value()
    }

    /// The op's own value.
    pub fn output(&self) -> &'a Tensor<T> {
        self.slot.value()
    }

    /// What the forward pass saved.
    pub fn saved(&self) -> &'a [T] {
        self.slot.saved.as_ref().map_or(&[], |s| s.as_slice())
    }

    /// The gradient of the loss with respect to the op's value, in the value's shape.
    pub fn dy(&self) -> &'a [T] {
        self.dy
    }

    /// Where the gradient of the `i`-th input goes and how, or `None` if nobody needs it.
    ///
    /// Whoever asks must write: every element if told to [`Write::Set`].
    #[inline]
    pub fn grad(&mut self, i: usize) -> Option<(Write, &mut [T])> {
        let slot = self.inputs.slot(i);
        if !slot.differentiated {
            return None;
        }
        let grad = &mut self.grads[self.inputs.edges[i] as usize];
        let write = if grad.ready { Write::Add } else { Write::Set };
        grad.ready = true;
        Some((write, grow(&mut grad.value, slot.value().shape())))
    }
}
