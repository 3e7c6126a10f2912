//! [`Tape`]: where a step is recorded.

use std::cell::RefCell;
use std::fmt;
use std::mem;
use std::panic::Location;

use fanin_tensor::{Scalar, Shape, Tensor, show_shape};

use super::gradients::Rate;
use super::{Forward, Gradients, Graph, Mode, Op, Var};
use crate::buffer::Buffer;
use crate::debug_build;
use crate::note::Note;
use crate::param::Param;

/// Records what is computed on it, and differentiates it.
///
/// Make one tape and use it for every step: it keeps its memory, so that from the second step on the
/// built-in layers and losses allocate nothing here. One thread uses it at a time; threads that train
/// side by side have a tape each.
///
/// # Memory
/// What is recorded keeps its memory until [`release_memory`](Self::release_memory) or until the tape is
/// dropped. What is not recorded ([`value`](Self::value), [`predict`](crate::Module::predict)) needs less:
/// a [`Sequential`](crate::Sequential), a [`Residual`](crate::layers::Residual) and a `Vec` of modules
/// use the memory of a value again once the value is dead, so that two values are alive at a time, and
/// in a branch a third. A value of at most 4 KiB has memory of its own, and a hand-written `forward` keeps
/// its values until it returns.
///
/// A tape keeps up to 16 MiB of this memory for the next prediction. Beyond that it keeps what both of its
/// last two predictions needed: a single large prediction leaves nothing behind, and large ones in a row
/// allocate nothing.
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
    pub(super) graph: RefCell<Graph<T>>,
}

impl<T: Scalar> Default for Tape<T> {
    fn default() -> Self {
        Self { graph: RefCell::new(Graph::new()) }
    }
}

impl Tape<f32> {
    /// An empty tape for `f32`. With the prelude, or [`NewF64`], `Tape::<f64>::new()` is one for `f64`.
    //
    // Not for every T: a program that says nowhere what its floats are would get f64.
    pub fn new() -> Self {
        Self::default()
    }
}

/// `Tape::<f64>::new()`.
pub trait NewF64 {
    /// An empty tape for `f64`.
    fn new() -> Self;
}

impl NewF64 for Tape<f64> {
    fn new() -> Self {
        Self::default()
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
    #[doc(alias("backward", "zero_grad"))]
    #[track_caller]
    pub fn value_and_grad(
        &mut self,
        f: impl for<'t> FnOnce(&'t Tape<T>) -> Var<'t, T>,
    ) -> (T, Gradients<'_, T>) {
        self.value_and_grad_in(Mode::Train, f)
    }

    /// [`value_and_grad`](Self::value_and_grad) in either mode: in [`Mode::Evaluate`] the gradient of
    /// the network as it predicts.
    ///
    /// # Panics
    /// **Panics** if the result has more than one element.
    #[track_caller]
    pub fn value_and_grad_in(
        &mut self,
        mode: Mode,
        f: impl for<'t> FnOnce(&'t Tape<T>) -> Var<'t, T>,
    ) -> (T, Gradients<'_, T>) {
        debug_build::warn();
        self.begin(true, mode);
        self.set_caller(Location::caller());
        let panics = EndOnPanic(self);
        let root = f(self).node();
        mem::forget(panics);
        self.differentiate(root)
    }

    /// [`value_and_grad`](Self::value_and_grad) that also gives back another value of the step, such
    /// as the network's output beside the loss. No gradient flows from it.
    ///
    /// For more values than one, or of other types, assign them in the closure:
    /// `out = Some((a.value(), b.value()))`.
    ///
    /// # Panics
    /// **Panics** if the first result has more than one element.
    ///
    /// # Example
    /// ```
    /// use fanin_nn::{Linear, Module, Tape, Tensor};
    ///
    /// let (model, x, mut tape) = (Linear::new(3, 2), Tensor::ones([4, 3]), Tape::new());
    /// let (loss, logits, grads) = tape.value_and_grad_with(|t| {
    ///     let logits = model.forward(t.input(&x));
    ///     (logits.cross_entropy(&[0, 1, 1, 0]), logits)
    /// });
    /// assert!(loss > 0.0 && logits.shape() == [4, 2] && grads.count() == 2);
    /// ```
    #[doc(alias("has_aux"))]
    #[track_caller]
    pub fn value_and_grad_with(
        &mut self,
        f: impl for<'t> FnOnce(&'t Tape<T>) -> (Var<'t, T>, Var<'t, T>),
    ) -> (T, Tensor<T>, Gradients<'_, T>) {
        debug_build::warn();
        self.begin(true, Mode::Train);
        self.set_caller(Location::caller());
        let panics = EndOnPanic(self);
        let (root, other) = f(self);
        mem::forget(panics);
        let (root, other) = (root.node(), other.value());
        let (value, grads) = self.differentiate(root);
        (value, other, grads)
    }

    /// The value of a node and its gradients.
    #[track_caller]
    fn differentiate(&mut self, root: u32) -> (T, Gradients<'_, T>) {
        let graph = self.graph.get_mut();
        let value = match graph.value(root).as_slice() {
            [value] => *value,
            _ => {
                let shape = Shape::from(graph.value(root).shape());
                graph.reset(false, Mode::Evaluate);
                not_a_number(&shape)
            }
        };
        graph.backward(root);
        if cfg!(debug_assertions) && !value.is_finite() && graph.reports_at().is_none() {
            Note::NonFiniteLoss(value.to_f64()).say(Location::caller());
        }
        let reports_at = graph.reports_at();
        (value, Gradients::new(graph, reports_at))
    }

    /// The value of `f` in [`Mode::Evaluate`], without recording how it is computed: for prediction.
    ///
    /// ```
    /// use fanin_nn::{Tape, Tensor};
    /// let x = Tensor::from_vec(3, vec![-1.0, 0.0, 2.0]);
    /// assert_eq!(Tape::new().value(|t| t.input(&x).relu()).as_slice(), [0.0, 0.0, 2.0]);
    /// ```
    #[doc(alias("eval", "no_grad"))]
    pub fn value(&mut self, f: impl for<'t> FnOnce(&'t Tape<T>) -> Var<'t, T>) -> Tensor<T> {
        self.value_in(Mode::Evaluate, f)
    }

    /// [`value`](Self::value) in either mode: in [`Mode::Train`] dropout drops and batch normalization
    /// uses the batch. Buffers keep their values.
    pub fn value_in(
        &mut self,
        mode: Mode,
        f: impl for<'t> FnOnce(&'t Tape<T>) -> Var<'t, T>,
    ) -> Tensor<T> {
        self.begin(false, mode);
        let panics = EndOnPanic(self);
        let root = f(self).node();
        mem::forget(panics);
        self.end(root)
    }

    /// Frees all memory that the tape keeps for its next steps. They allocate it again.
    ///
    /// For the memory of [`predict`](crate::Module::predict) there is
    /// [`release_memory`](crate::release_memory).
    ///
    /// # Example
    /// ```
    /// use fanin_nn::{Linear, Module, Tape, Tensor};
    ///
    /// let (model, x, mut tape) = (Linear::new(8, 8), Tensor::ones([4096, 8]), Tape::new());
    /// let (loss, _) = tape.value_and_grad(|t| model.forward(t.input(&x)).mean());
    /// tape.release_memory();
    /// assert_eq!(tape.value_and_grad(|t| model.forward(t.input(&x)).mean()).0, loss);
    /// ```
    #[doc(alias("empty_cache", "shrink_to_fit"))]
    pub fn release_memory(&mut self) {
        self.graph.get_mut().release_memory();
    }

    /// Forgets the step before. What is computed after it will be differentiated or not.
    pub(crate) fn begin(&mut self, recording: bool, mode: Mode) {
        self.graph.get_mut().reset(recording, mode);
    }

    /// Forgets the step before. [`graph`](Self::graph) will show all that is computed after it, with
    /// the gradients of frozen parameters and of inputs.
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
        let value = graph.result(root);
        graph.reset(false, Mode::Evaluate);
        value
    }

    /// Ends a step that has no result, if there is one.
    pub(crate) fn end_without_result(&mut self) {
        let graph = self.graph.get_mut();
        if graph.len() > 0 {
            graph.reset(false, Mode::Evaluate);
        }
    }

    /// Whether what is computed will be differentiated.
    #[inline]
    pub(crate) fn is_recording(&self) -> bool {
        self.graph.borrow().is_recording()
    }

    /// Where the next node will be.
    #[inline]
    pub(super) fn mark(&self) -> u32 {
        self.graph.borrow().len()
    }

    /// See [`Graph::forget`].
    #[inline]
    pub(super) fn forget(&self, start: u32, one: Option<u32>, kept: u32) -> u32 {
        {
            // Usually there is nothing to take back, and a call would slow down a small network.
            let graph = self.graph.borrow();
            if !graph.lends() {
                return graph.len();
            }
        }
        self.graph.borrow_mut().forget(start, one, kept)
    }

    /// Whether the step trains or evaluates, for layers that differ.
    pub fn mode(&self) -> Mode {
        self.graph.borrow().mode
    }

    /// Whether layers may draw random numbers, as dropout does: in [`Mode::Train`], but not while the
    /// network is [diagnosed](crate::diagnose).
    pub fn is_stochastic(&self) -> bool {
        let graph = self.graph.borrow();
        graph.mode == Mode::Train && !graph.probing
    }

    /// A tensor that is given: no gradient is computed for it. Shares its elements, copies nothing.
    ///
    /// For the gradient with respect to an input, give [`param`](Self::param) a [`Param::new`] of it.
    pub fn input(&self, x: &Tensor<T>) -> Var<'_, T> {
        let node = self.graph.borrow_mut().leaf(x.clone(), false);
        Var::new(self, node)
    }

    /// A single number that is given.
    pub fn scalar(&self, value: T) -> Var<'_, T> {
        self.input(&Tensor::scalar(value))
    }

    /// A parameter. However often one is used in a step, its gradient is one sum.
    ///
    /// # Example
    /// The gradient of a network's output with respect to its input. The sum gives each row its own gradient,
    /// since rows do not meet. While the weights are frozen, no gradient of theirs is computed.
    /// ```
    /// use fanin_nn::layers::Tanh;
    /// use fanin_nn::{Linear, Mode, Module, Param, Parameters, Sequential, Tape, Tensor};
    ///
    /// let mut net = Sequential::new().add(Linear::new(2, 16)).add(Tanh).add(Linear::new(16, 1));
    /// net.set_trainable("*", false);
    /// let x = Param::new(Tensor::from([[0.1, 0.2], [0.3, 0.4], [0.5, 0.6]]));
    /// let mut tape = Tape::new();
    /// let (_, grads) = tape.value_and_grad_in(Mode::Evaluate, |t| net.forward(t.param(&x)).sum());
    /// assert_eq!(grads.get(&x).unwrap().shape(), [3, 2]);
    /// assert_eq!(grads.count(), 1);
    /// ```
    #[doc(alias("requires_grad_", "autograd.grad", "watch", "saliency"))]
    pub fn param(&self, param: &Param<T>) -> Var<'_, T> {
        let node = self.graph.borrow_mut().param(param);
        Var::new(self, node)
    }

    /// The value of a buffer: no gradient is computed for it.
    pub fn buffer(&self, buffer: &Buffer<T>) -> Var<'_, T> {
        self.input(buffer.value())
    }

    /// Records `buffer ← keep · buffer + factor · value`, which the optimizer's step applies. It is
    /// forgotten where there is no such step: in a prediction or a diagnosis.
    ///
    /// Several updates of one buffer are applied one after the other.
    ///
    /// # Panics
    /// **Panics** if the value has another number of elements than the buffer.
    #[track_caller]
    pub fn update(&self, buffer: &Buffer<T>, keep: T, factor: T, value: Var<'_, T>) {
        self.record_update(buffer, Rate { keep, factor, averages: false }, value);
    }

    /// Records that a buffer, the mean of `count` values, becomes the mean of these and of
    /// `scale · value`. Several updates of one buffer, recorded from the same state, count as one value
    /// each.
    #[track_caller]
    pub(crate) fn update_average(
        &self,
        buffer: &Buffer<T>,
        count: f64,
        scale: f64,
        value: Var<'_, T>,
    ) {
        let part = 1.0 / (count + 1.0);
        let (keep, factor) = (T::from_f64(1.0 - part), T::from_f64(part * scale));
        self.record_update(buffer, Rate { keep, factor, averages: true }, value);
    }

    /// Records that the rows of a table get at most the norms that are in `caps`, one for each row,
    /// before the optimizer's rule changes the table. It is forgotten where there is no such step.
    pub(crate) fn cap_rows(&self, table: &Param<T>, caps: Var<'_, T>) {
        let rate = Rate { keep: T::ZERO, factor: T::ZERO, averages: false };
        self.graph.borrow_mut().update(table.id(), rate, caps.node());
    }

    #[track_caller]
    fn record_update(&self, buffer: &Buffer<T>, rate: Rate<T>, value: Var<'_, T>) {
        let same = value.with_shape(|shape| shape == buffer.value().shape());
        assert!(
            same && std::ptr::eq(value.tape(), self),
            "update: a value {} on this tape cannot go into a buffer {}",
            value.shape(),
            show_shape(buffer.value().shape())
        );
        // A leaf gives its elements back before the optimizer's step, so record the value as a node of its own.
        let is_leaf = self.graph.borrow().is_leaf(value.node());
        let value = if is_leaf { value.reshape(value.shape()) } else { value };
        self.graph.borrow_mut().update(buffer.id(), rate, value.node());
    }

    /// Computes a value by `forward`, and records `op` for its backward pass if there is to be one.
    ///
    /// The closure sees inputs and output through its [`Forward`]. It cannot use the tape, nor any
    /// [`Var`].
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
    pub(crate) fn with_value<R>(&self, node: u32, f: impl FnOnce(&Tensor<T>) -> R) -> R {
        f(self.graph.borrow().value(node))
    }
}

/// Ends a step in which a panic happens: the tape would share parameters and inputs until its next step,
/// so that a write to them would copy them first.
struct EndOnPanic<'t, T: Scalar>(&'t Tape<T>);

impl<T: Scalar> Drop for EndOnPanic<'_, T> {
    fn drop(&mut self) {
        if let Ok(mut graph) = self.0.graph.try_borrow_mut() {
            graph.reset(false, Mode::Evaluate);
        }
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
