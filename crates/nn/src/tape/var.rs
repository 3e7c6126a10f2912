//! [`Var`]: a node's handle.

use std::fmt;

use fanin_tensor::{Scalar, Shape, Tensor};

use super::Tape;

/// A value on a [`Tape`]. `Copy`, so that `a * b + a` needs neither clones nor references.
///
/// The operations are methods: arithmetic and reshaping, activations, losses; see below. Shapes that
/// do not fit panic at the caller's line with the operation and both shapes.
pub struct Var<'t, T: Scalar = f32> {
    tape: &'t Tape<T>,
    node: u32,
}

impl<T: Scalar> Clone for Var<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: Scalar> Copy for Var<'_, T> {}

impl<'t, T: Scalar> Var<'t, T> {
    pub(super) fn new(tape: &'t Tape<T>, node: u32) -> Self {
        Self { tape, node }
    }

    pub(crate) fn node(self) -> u32 {
        self.node
    }

    /// The tape that it is on.
    pub fn tape(self) -> &'t Tape<T> {
        self.tape
    }

    /// The lengths of its axes.
    pub fn shape(self) -> Shape {
        self.with_shape(|shape| shape.into())
    }

    /// Looks at the lengths of its axes, without a copy.
    #[inline]
    pub(crate) fn with_shape<R>(self, f: impl FnOnce(&[usize]) -> R) -> R {
        self.tape.with_value(self.node, |value| f(value.shape()))
    }

    /// Its value, sharing its elements. While it is kept, the tape takes new memory for this node.
    pub fn value(self) -> Tensor<T> {
        self.tape.with_value(self.node, Tensor::clone)
    }

    /// The same value, through which no gradient flows.
    ///
    /// ```
    /// use fanin_nn::{Param, Tape, Tensor};
    /// let p = Param::new(Tensor::from_vec(1, vec![3.0]));
    /// let mut tape = Tape::new();
    /// let (_, grads) = tape.value_and_grad(|t| (t.param(&p) * t.param(&p).detach()).sum());
    /// assert_eq!(grads.get(&p).unwrap().item(), 3.0); // and not 6
    /// ```
    #[must_use]
    pub fn detach(self) -> Self {
        self.tape.input(&self.value())
    }
}

impl<T: Scalar> fmt::Debug for Var<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Var {}", self.shape())
    }
}
