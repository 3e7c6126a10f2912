//! What one node of the tape holds, in memory that outlives the step.

use fanin_tensor::{Scalar, Tensor};

use super::spare::NO_SLOT;

/// Node *i* of the tape, in memory that outlives the step.
pub(super) struct Node<T> {
    /// A computed value.
    pub(super) own: Option<Tensor<T>>,
    /// Memory of its own, while `own` has some of the tape's.
    pub(super) small: Option<Tensor<T>>,
    /// A value that the caller shares with the tape: an input or a parameter.
    pub(super) shared: Option<Tensor<T>>,
    /// What the op saves for the backward pass.
    pub(super) saved: Option<Tensor<T>>,
    /// In a step that is not recorded, which memory of the tape `own` and `saved` have.
    pub(super) slots: [u32; 2],
    /// Where in `edges` the inputs begin and end.
    pub(super) inputs: (u32, u32),
    /// Whether a gradient must reach this node.
    pub(super) differentiated: bool,
    /// Whether it is a parameter, which whatever comes later may use.
    pub(super) is_param: bool,
}

impl<T: Scalar> Node<T> {
    pub(super) fn new() -> Self {
        Self {
            own: None,
            small: None,
            shared: None,
            saved: None,
            slots: [NO_SLOT; 2],
            inputs: (0, 0),
            differentiated: false,
            is_param: false,
        }
    }

    #[inline]
    pub(super) fn value(&self) -> &Tensor<T> {
        self.shared.as_ref().or(self.own.as_ref()).expect("a recorded node has a value")
    }
}

/// Memory of this shape in `tensor`, made or used again.
#[inline]
pub(super) fn grow<'a, T: Scalar>(
    tensor: &'a mut Option<Tensor<T>>,
    shape: &[usize],
) -> &'a mut [T] {
    tensor.get_or_insert_with(|| Tensor::zeros(shape)).reuse(shape)
}

/// A node's gradient. `ready` is false until the first contribution of this step.
pub(super) struct Grad<T> {
    pub(super) value: Option<Tensor<T>>,
    pub(super) ready: bool,
}
