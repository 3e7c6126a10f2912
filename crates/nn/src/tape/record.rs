//! [`Tape`]: where a step is recorded.

use std::cell::RefCell;
use std::fmt;

use fanin_tensor::{Scalar, Tensor, show_shape};

use super::{Forward, Gradients, Graph, Op, Var};
use crate::debug_build;
use crate::param::Param;

/// Records what is computed on it, and differentiates it.
///
/// Make one tape and use it for every step: it keeps its memory, so that from the second step on the
/// built-in layers and losses allocate nothing here. One thread uses it at a time; threads that train side by side have a tape
/// each.
///
/// # Example
/// ```
/// use fanin_nn::{Linear, Module, Optimizer, Sgd, Tape, Tensor};
///
/// let x = Tensor::from_vec([4, 1], vec![0.0, 1.0, 2.0, 3.0]);
/// let y = Tensor::from_vec([4, 1], vec![1.0, 3.0, 5.0, 7.0]); // 2x + 1
/// let mut model = Linear::new(1, 1);
/// let mut sgd = Sgd::new(0.1);
/// let mut tape = Tape::new();
/// let mut loss = f32::MAX;
/// for _ in 0..300 {
///     let (l, grads) = tape.value_and_grad(|t| model.forward(t.input(&x)).mse(t.input(&y)));
///     sgd.step(&mut model, grads);
///     loss = l;
/// }
/// assert!(loss < 1e-6);
/// ```
pub struct Tape<T: Scalar = f32> {
    graph: RefCell<Graph<T>>,
}

impl Tape<f32> {
    /// An empty tape for `f32`. (`Tape::<f64>::default()` is one for `f64`.)
    pub fn new() -> Self {
        Self::default()
    }
}

impl<T: Scalar> Default for Tape<T> {
    fn default() -> Self {
        Self { graph: RefCell::new(Graph::new()) }
    }
}

impl<T: Scalar> Tape<T> {
    /// The value of `f`, a single number, and its gradient with respect to every trainable [`Param`]
    /// that `f` used.
    ///
    /// The gradients live on the tape: hand them to an optimizer before the next step.
    ///
    /// # Panics
    /// **Panics** if the result has more than one element: reduce it, by
    /// [`mean`](Var::mean) or [`sum`](Var::sum).
    #[track_caller]
    pub fn value_and_grad(
        &mut self,
        f: impl for<'t> FnOnce(&'t Tape<T>) -> Var<'t, T>,
    ) -> (T, Gradients<'_, T>) {
        debug_build::warn();
        self.begin(true);
        let root = f(self).node();
        let graph = self.graph.get_mut();
        let value = match graph.value(root).as_slice() {
            [value] => *value,
            _ => not_a_number(graph.value(root).shape()),
        };
        graph.sweep(root);
        (value, Gradients::new(graph))
    }

    /// The value of `f`, without recording how it came about: for prediction.
    ///
    /// ```
    /// use fanin_nn::{Tape, Tensor};
    /// let x = Tensor::from_vec(3, vec![-1.0, 0.0, 2.0]);
    /// assert_eq!(Tape::new().value(|t| t.input(&x).relu()).as_slice(), [0.0, 0.0, 2.0]);
    /// ```
    pub fn value(&mut self, f: impl for<'t> FnOnce(&'t Tape<T>) -> Var<'t, T>) -> Tensor<T> {
        self.begin(false);
        let root = f(self).node();
        self.end(root)
    }

    /// Forgets the step before; what is computed from now on will be differentiated, or not.
    pub(crate) fn begin(&mut self, recording: bool) {
        self.graph.get_mut().reset(recording);
    }

    /// Forgets the step before; of what is computed from now on, [`graph`](Self::graph) will show
    /// everything, with frozen parameters' and inputs' gradients.
    pub(crate) fn begin_probing(&mut self) {
        self.graph.get_mut().reset_probing();
    }

    /// The nodes of this step.
    pub(crate) fn graph(&mut self) -> &mut Graph<T> {
        self.graph.get_mut()
    }

    /// The value of a node, as the result of a step that is over.
    pub(crate) fn end(&mut self, root: u32) -> Tensor<T> {
        let graph = self.graph.get_mut();
        let value = graph.value(root).clone();
        graph.reset(false);
        value
    }

    /// Whether what is computed now will be differentiated: true in
    /// [`value_and_grad`](Self::value_and_grad), which is where layers such as dropout do their work.
    pub fn is_recording(&self) -> bool {
        let graph = self.graph.borrow();
        graph.recording && !graph.probing
    }

    /// A tensor that is given: no gradient is computed for it. Shares its elements, copies nothing.
    pub fn input(&self, x: &Tensor<T>) -> Var<'_, T> {
        let node = self.graph.borrow_mut().leaf(x.clone(), false);
        Var::new(self, node)
    }

    /// A single number that is given.
    pub fn scalar(&self, value: T) -> Var<'_, T> {
        self.input(&Tensor::scalar(value))
    }

    /// A parameter. However often one is used in a step, its gradient is one sum.
    pub fn param(&self, param: &Param<T>) -> Var<'_, T> {
        let node = self.graph.borrow_mut().param(param);
        Var::new(self, node)
    }

    /// Computes a value by `forward`, and records `op` as its way back if there is to be one.
    ///
    /// The closure sees inputs and output through its [`Forward`]; the tape itself, and so every
    /// [`Var`], is out of its reach.
    ///
    /// # Panics
    /// **Panics** if an input is on another tape, or `forward` uses a `Var` or asks for no output.
    #[track_caller]
    pub fn apply<'t>(
        &'t self,
        op: impl Op<T>,
        inputs: &[Var<'t, T>],
        forward: impl FnOnce(&mut Forward<'_, T>),
    ) -> Var<'t, T> {
        assert!(
            inputs.iter().all(|x| std::ptr::eq(x.tape(), self)),
            "{op:?}: an input is on another tape"
        );
        let nodes = inputs.iter().map(|x| x.node());
        let node = self.graph.borrow_mut().apply(op, nodes, forward);
        Var::new(self, node)
    }

    /// Looks at the value of a node.
    pub(super) fn with_value<R>(&self, node: u32, f: impl FnOnce(&Tensor<T>) -> R) -> R {
        f(self.graph.borrow().value(node))
    }
}

#[cold]
#[inline(never)]
#[track_caller]
fn not_a_number(shape: &[usize]) -> ! {
    panic!(
        "value_and_grad: the result must be a single number, not {}; reduce it by mean() or sum()",
        show_shape(shape)
    )
}

impl<T: Scalar> fmt::Debug for Tape<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tape")
    }
}
