//! [`Op`]: one primitive with its derivative, and what it sees of the tape.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use fanin_tensor::Write;
use fanin_tensor::{IntoShape, Scalar, Tensor, subnormal};

use super::node::{Grad, Node, grow};
use super::spare::{Spare, memory};

/// How the gradient of one primitive operation flows back.
///
/// The forward pass is a closure beside it. [`Tape::apply`](super::Tape::apply) takes both, and a new
/// primitive needs nothing else.
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

    /// Whether the op normalizes its first input, as layer normalization does: then a
    /// [diagnosis](crate::diagnose) looks behind it for the activation of a linear layer.
    fn is_normalization(&self) -> bool {
        false
    }

    /// Whether the op computes a layer's weight from its first input, a parameter, as weight
    /// normalization does: then a [diagnosis](crate::diagnose) names the layer by this parameter.
    fn reparametrizes(&self) -> bool {
        false
    }
}

/// A function of one number, `x ↦ (f(x), f′(x))`.
pub type Curve = Arc<dyn Fn(f64) -> (f64, f64) + Send + Sync>;

/// The values of an op's inputs.
#[derive(Clone, Copy)]
struct Inputs<'a, T> {
    nodes: &'a [Node<T>],
    edges: &'a [u32],
}

impl<'a, T: Scalar> Inputs<'a, T> {
    #[inline]
    fn node(self, i: usize) -> &'a Node<T> {
        &self.nodes[self.edges[i] as usize]
    }
}

/// What an op sees in the forward pass.
pub struct Forward<'a, T: Scalar> {
    inputs: Inputs<'a, T>,
    value: &'a mut Option<Tensor<T>>,
    saved: &'a mut Option<Tensor<T>>,
    small: &'a mut Option<Tensor<T>>,
    slots: &'a mut [u32; 2],
    /// Where memory comes from if the step is not recorded.
    spare: Option<&'a mut Spare<T>>,
    differentiated: bool,
    /// Whether the output's memory was asked for.
    pub(super) written: bool,
}

impl<'a, T: Scalar> Forward<'a, T> {
    pub(super) fn new(
        nodes: &'a [Node<T>],
        edges: &'a [u32],
        node: &'a mut Node<T>,
        spare: Option<&'a mut Spare<T>>,
    ) -> Self {
        Self {
            inputs: Inputs { nodes, edges },
            value: &mut node.own,
            saved: &mut node.saved,
            small: &mut node.small,
            slots: &mut node.slots,
            spare,
            differentiated: node.differentiated,
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
        self.inputs.node(i).value()
    }

    /// Whether a backward pass may follow. If not, nothing need be saved.
    pub fn differentiated(&self) -> bool {
        self.differentiated
    }

    /// The memory of the result. What it holds is unspecified: all of it must be written.
    pub fn output(&mut self, shape: impl IntoShape) -> &mut [T] {
        self.written = true;
        shape.with_shape(|shape| match &mut self.spare {
            None => grow(self.value, shape),
            Some(spare) => memory(spare, self.value, self.small, &mut self.slots[0], shape),
        })
    }

    /// Memory for what the backward pass needs besides inputs and output. All of it must be written.
    pub fn save(&mut self, shape: impl IntoShape) -> &mut [T] {
        shape.with_shape(|shape| match &mut self.spare {
            None => grow(self.saved, shape),
            Some(spare) => memory(spare, self.saved, &mut None, &mut self.slots[1], shape),
        })
    }

    /// [`output`](Self::output) and [`save`](Self::save) at once.
    pub fn output_and_save(
        &mut self,
        output: impl IntoShape,
        saved: impl IntoShape,
    ) -> (&mut [T], &mut [T]) {
        self.output(output);
        self.save(saved);
        let [Some(value), Some(saved)] = [&mut *self.value, &mut *self.saved] else {
            unreachable!("both have just got memory")
        };
        (value.as_mut_slice(), saved.as_mut_slice())
    }
}

/// What an op sees in the backward pass.
pub struct Backward<'a, T: Scalar> {
    inputs: Inputs<'a, T>,
    node: &'a Node<T>,
    dy: &'a [T],
    grads: &'a mut [Grad<T>],
}

impl<'a, T: Scalar> Backward<'a, T> {
    pub(super) fn new(
        nodes: &'a [Node<T>],
        edges: &'a [u32],
        node: &'a Node<T>,
        dy: &'a [T],
        grads: &'a mut [Grad<T>],
    ) -> Self {
        Self { inputs: Inputs { nodes, edges }, node, dy, grads }
    }

    /// How many inputs the op was given.
    pub fn inputs(&self) -> usize {
        self.inputs.edges.len()
    }

    /// The value of the `i`-th input.
    #[inline]
    pub fn input(&self, i: usize) -> &'a Tensor<T> {
        self.inputs.node(i).value()
    }

    /// The op's own value.
    pub fn output(&self) -> &'a Tensor<T> {
        self.node.value()
    }

    /// What the forward pass saved.
    pub fn saved(&self) -> &'a [T] {
        self.node.saved.as_ref().map_or(&[], |s| s.as_slice())
    }

    /// The gradient of the loss with respect to the op's value, in the value's shape.
    pub fn dy(&self) -> &'a [T] {
        self.dy
    }

    /// The size below which an op should write 0 for a gradient of the `i`-th input: see
    /// [`subnormal`](fanin_tensor::subnormal). It is 0 for a parameter or an input of the tape, whose
    /// gradient goes into no further product and keeps every digit.
    #[inline]
    pub fn limit(&self, i: usize) -> T {
        let (first, end) = self.inputs.node(i).inputs;
        if first == end { T::ZERO } else { subnormal::limit() }
    }

    /// Where the gradient of the `i`-th input goes and how, or `None` if nobody needs it.
    ///
    /// The caller must write the buffer; with [`Write::Set`], every element of it.
    #[inline]
    pub fn grad(&mut self, i: usize) -> Option<(Write, &mut [T])> {
        let node = self.inputs.node(i);
        if !node.differentiated {
            return None;
        }
        let grad = &mut self.grads[self.inputs.edges[i] as usize];
        let write = if grad.ready { Write::Add } else { Write::Set };
        grad.ready = true;
        Some((write, grow(&mut grad.value, node.value().shape())))
    }
}
