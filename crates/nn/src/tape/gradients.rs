//! [`Gradients`]: what a step lends to the optimizer.

use std::fmt;

use fanin_tensor::{Scalar, Tensor};

use super::Graph;
use crate::param::Param;

/// The gradient of a loss with respect to every trainable parameter that it depends on.
///
/// Lent by [`Tape::value_and_grad`](super::Tape::value_and_grad) until the next step. `Copy`, so that
/// several optimizers may each take a step on their part of a model.
#[derive(Clone, Copy)]
pub struct Gradients<'g, T: Scalar = f32> {
    graph: &'g Graph<T>,
}

impl<'g, T: Scalar> Gradients<'g, T> {
    pub(super) fn new(graph: &'g Graph<T>) -> Self {
        Self { graph }
    }

    /// The gradient of one parameter, or `None` if the loss does not depend on it.
    pub fn get(&self, param: &Param<T>) -> Option<&Tensor<T>> {
        self.graph.grad_of(param.id(), 0).map(|(_, grad)| grad)
    }

    /// [`get`](Self::get) for parameters asked for in the order of their use: `at` remembers where.
    pub(crate) fn next(&self, at: &mut usize, param: &Param<T>) -> Option<&Tensor<T>> {
        let (found, grad) = self.graph.grad_of(param.id(), *at)?;
        *at = found + 1;
        Some(grad)
    }

    /// How many parameters have a gradient.
    pub fn count(&self) -> usize {
        self.graph.reached()
    }
}

impl<T: Scalar> fmt::Debug for Gradients<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Gradients of {} parameters", self.count())
    }
}
