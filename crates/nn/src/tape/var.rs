//! [`Var`]: a node's handle.

use std::fmt;

use fanin_tensor::{Scalar, Shape, Tensor};

use super::Tape;

/// A value on a [`Tape`]. `Copy`, so that `a * b + a` needs neither clones nor references.
///
/// # All operations
/// They are methods. Shapes that do not fit panic at the caller's line with the operation and all shapes.
///
/// | | |
/// |---|---|
/// | arithmetic, with broadcasting | `+` `-` `*` `/` between values and with numbers, unary `-`, `+=` and its kin, [`Iterator::sum`], [`add_scaled`](Self::add_scaled), [`maximum`](Self::maximum), [`minimum`](Self::minimum) |
/// | functions of each element | [`exp`](Self::exp), [`ln`](Self::ln), [`sqrt`](Self::sqrt), [`square`](Self::square), [`abs`](Self::abs), [`recip`](Self::recip), [`rsqrt`](Self::rsqrt), [`sin`](Self::sin), [`cos`](Self::cos), [`powf`](Self::powf), [`powi`](Self::powi), [`clamp`](Self::clamp) |
/// | activations | [`relu`](Self::relu), [`leaky_relu`](Self::leaky_relu), [`tanh`](Self::tanh), [`sigmoid`](Self::sigmoid), [`gelu`](Self::gelu), [`gelu_tanh`](Self::gelu_tanh), [`silu`](Self::silu), [`elu`](Self::elu), [`selu`](Self::selu), [`softplus`](Self::softplus), [`mish`](Self::mish), [`relu6`](Self::relu6), [`celu`](Self::celu), [`log_sigmoid`](Self::log_sigmoid), [`softplus_with`](Self::softplus_with), [`softsign`](Self::softsign), [`hardtanh`](Self::hardtanh), [`hardsigmoid`](Self::hardsigmoid), [`hardswish`](Self::hardswish), [`tanhshrink`](Self::tanhshrink), [`softshrink`](Self::softshrink), [`hardshrink`](Self::hardshrink), [`threshold`](Self::threshold), [`sine`](Self::sine) |
/// | activations of halves and of rows | [`glu`](Self::glu), [`reglu`](Self::reglu), [`geglu`](Self::geglu), [`swiglu`](Self::swiglu), [`softmax`](Self::softmax), [`softmin`](Self::softmin), [`log_softmax`](Self::log_softmax) |
/// | activations with parameters or noise | [`prelu`](Self::prelu), [`rrelu`](Self::rrelu), [`dropout`](Self::dropout), [`alpha_dropout`](Self::alpha_dropout) |
/// | products | [`matmul`](Self::matmul), [`linear`](Self::linear) |
/// | sums and extremes | [`sum`](Self::sum), [`mean`](Self::mean), [`sum_axis`](Self::sum_axis), [`mean_axis`](Self::mean_axis), [`max`](Self::max), [`min`](Self::min), [`max_axis`](Self::max_axis), [`min_axis`](Self::min_axis), [`log_sum_exp`](Self::log_sum_exp) |
/// | norms and distances | [`norm`](Self::norm), [`norm_axis`](Self::norm_axis), [`pairwise_distance`](Self::pairwise_distance), [`cosine_similarity`](Self::cosine_similarity) |
/// | normalization | [`layer_norm`](Self::layer_norm), [`group_norm`](Self::group_norm), [`rms_norm`](Self::rms_norm), [`weight_norm`](Self::weight_norm) |
/// | shape | [`reshape`](Self::reshape), [`flatten`](Self::flatten), [`transpose`](Self::transpose), [`expand`](Self::expand), [`concat`](Self::concat), [`stack`](Self::stack) |
/// | selection | [`slice`](Self::slice), [`gather`](Self::gather), [`select`](Self::select), [`rows`](Self::rows) |
/// | losses | [`mse`](Self::mse), [`cross_entropy`](Self::cross_entropy), [`bce_with_logits`](Self::bce_with_logits); all others are values of [`losses`](crate::losses) |
/// | of the tape | [`value`](Self::value), [`shape`](Self::shape), [`tape`](Self::tape), [`detach`](Self::detach) |
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
