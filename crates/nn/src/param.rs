//! [`Param`]: a tensor that is learnt.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use fanin_init::{Gain, ParamSpec};
use fanin_tensor::{Scalar, Tensor, show_shape};

/// A tensor that training changes, with what an initializer may need to know of it.
///
/// Its layer states what it is. Nothing is guessed from a shape:
///
/// | constructor | kind | fans | drawn by a plan |
/// |---|---|---|---|
/// | [`weight`](Self::weight) | multiplies an input | stated | for all weights |
/// | [`bias`](Self::bias) | is added to the sum | stated, and its length | for all biases |
/// | [`scale`](Self::scale) | multiplies a signal, element by element | 1, and its length | by its full name |
/// | [`shift`](Self::shift) | is added to a signal, outside a linear layer | 1, and its length | by its full name |
/// | [`with_spec`](Self::with_spec) | any | any | by its kind |
/// | [`new`](Self::new) | not stated | not stated | by its full name; a plan for all weights or biases is an error |
///
/// A clone has the same value and an identity of its own.
///
/// # Example
/// A layer that multiplies by a matrix and a scale:
/// ```
/// use fanin_nn::init::KaimingNormal;
/// use fanin_nn::{InitPlan, Module, Param, Parameters, Tensor, Var};
///
/// #[derive(Parameters)]
/// struct Scaled {
///     weight: Param,
///     scale: Param,
/// }
///
/// impl Module for Scaled {
///     fn forward<'t>(&self, x: Var<'t>) -> Var<'t> {
///         let t = x.tape();
///         x.linear(t.param(&self.weight), None) * t.param(&self.scale)
///     }
/// }
///
/// let weight = Param::weight(Tensor::zeros([128, 784]), 784, 128);
/// let mut layer = Scaled { weight, scale: Param::scale(Tensor::ones(128)) };
/// layer.init(&InitPlan::new().weights(KaimingNormal::default()))?;     // the weight alone
/// layer.scale.set_trainable(false);                    // frozen: no gradient is computed for it
/// assert_eq!(layer.scale.value().as_slice(), [1.0; 128]);
/// # Ok::<(), fanin_nn::InitError>(())
/// ```
#[derive(Debug)]
pub struct Param<T: Scalar = f32> {
    id: u64,
    value: Tensor<T>,
    spec: ParamSpec,
    trainable: bool,
    lr_scale: f32,
    decay_scale: f32,
    /// Whether plans for many parameters leave the value alone.
    protected: bool,
    /// Whether the value is still to be multiplied by the gain of the activation that follows.
    awaits_activation: bool,
    /// The initializer that drew the value, for summaries.
    initializer: Option<Arc<str>>,
    /// Whether an optimizer was shown the parameter.
    shown: bool,
}

impl<T: Scalar> Param<T> {
    /// A trainable parameter whose kind and fans are not stated.
    ///
    /// It is trained, saved and loaded like any other. An initializer that needs its kind or fans is
    /// refused for it. A plan for all weights or all biases, or with a pattern that matches it, is an
    /// [error](crate::InitError::Unstated): nobody can tell whether the plan means it.
    ///
    /// # Example
    /// ```
    /// use fanin_nn::init::{KaimingNormal, Ones};
    /// use fanin_nn::{InitPlan, Param, Parameters, Tensor};
    ///
    /// #[derive(Parameters)]
    /// struct Layer {
    ///     p: Param,
    /// }
    /// let mut layer = Layer { p: Param::new(Tensor::zeros([128, 784])) };
    /// assert!(layer.init(&InitPlan::new().weights(KaimingNormal::default())).is_err());
    /// assert!(layer.init(&InitPlan::new().set("p", KaimingNormal::default())).is_err());
    /// layer.init(&InitPlan::new().set("p", Ones))?;           // needs no fans
    ///
    /// let mut stated = Layer { p: Param::weight(Tensor::zeros([128, 784]), 784, 128) };
    /// stated.init(&InitPlan::new().weights(KaimingNormal::default()))?;
    /// # Ok::<(), fanin_nn::InitError>(())
    /// ```
    pub fn new(value: Tensor<T>) -> Self {
        Self::with_spec(value, ParamSpec::unstated())
    }

    /// A trainable weight, of a layer whose units sum `fan_in` inputs each, and whose inputs reach
    /// `fan_out` units each. For the matrix `(out, in)` of [`Var::linear`](crate::Var::linear) these are
    /// `in` and `out`.
    pub fn weight(value: Tensor<T>, fan_in: usize, fan_out: usize) -> Self {
        Self::with_spec(value, ParamSpec::weight(fan_in, fan_out))
    }

    /// A trainable bias with a number for each unit, beside a weight whose units sum `fan_in` inputs.
    pub fn bias(value: Tensor<T>, fan_in: usize) -> Self {
        let fan_out = value.len();
        Self::with_spec(value, ParamSpec::bias(fan_in, fan_out))
    }

    /// A trainable factor of a signal, or of each element of one: the scale of a normalization, the α of a
    /// residual branch, a gate. Plans for all weights leave it alone.
    pub fn scale(value: Tensor<T>) -> Self {
        let features = value.len();
        Self::with_spec(value, ParamSpec::scale_of(features))
    }

    /// A trainable summand of a signal, or of each element of one: the shift of a normalization. Plans for
    /// all biases leave it alone.
    pub fn shift(value: Tensor<T>) -> Self {
        let features = value.len();
        Self::with_spec(value, ParamSpec::shift_of(features))
    }

    /// A trainable parameter whose kind, fans and name the layer states.
    pub fn with_spec(value: Tensor<T>, spec: ParamSpec) -> Self {
        Self {
            id: next_id(),
            value,
            spec,
            trainable: true,
            lr_scale: 1.0,
            decay_scale: 1.0,
            protected: false,
            awaits_activation: false,
            initializer: None,
            shown: false,
        }
    }

    /// Its value.
    pub fn value(&self) -> &Tensor<T> {
        &self.value
    }

    /// Its value, to be changed in place. The shape must stay, or the model does not fit together.
    ///
    /// After this call the value counts as set by hand: adding an activation does not rescale it.
    pub fn value_mut(&mut self) -> &mut Tensor<T> {
        self.awaits_activation = false;
        &mut self.value
    }

    /// Fans, kind and name, as the layer stated them.
    pub fn spec(&self) -> &ParamSpec {
        &self.spec
    }

    /// States the gain of the activation that follows, for an initializer that asks for it. A value
    /// that such an initializer has drawn is multiplied by the gain, once.
    pub fn set_activation(&mut self, gain: Gain) {
        self.spec.activation = Some(gain);
        if std::mem::take(&mut self.awaits_activation) {
            let gain = T::from_f64(gain.get());
            self.value.as_mut_slice().iter_mut().for_each(|w| *w *= gain);
        }
    }

    /// Takes a value that an initializer has drawn; `awaits_activation` if the initializer asks for
    /// the activation that follows.
    pub(crate) fn begin(
        &mut self,
        value: Tensor<T>,
        awaits_activation: bool,
        initializer: Option<Arc<str>>,
    ) {
        self.value = value;
        self.awaits_activation = awaits_activation && self.spec.activation.is_none();
        self.initializer = initializer;
    }

    /// The initializer that drew the value, as text, if one did: `kaiming_normal`.
    pub fn initializer(&self) -> Option<&str> {
        self.initializer.as_deref()
    }

    /// States the initializer that drew the value, as a file has it.
    pub(crate) fn set_initializer(&mut self, initializer: &str) {
        self.initializer = Some(initializer.into());
    }

    /// [`initializer`](Self::initializer), to be handed on.
    pub(crate) fn shared_initializer(&self) -> Option<Arc<str>> {
        self.initializer.clone()
    }

    /// Whether an activation added later will scale the value.
    pub(crate) fn awaits_activation(&self) -> bool {
        self.awaits_activation
    }

    /// Whether gradients are computed for it.
    pub fn is_trainable(&self) -> bool {
        self.trainable
    }

    /// Freezes the parameter, or lets it be trained again.
    pub fn set_trainable(&mut self, trainable: bool) {
        self.trainable = trainable;
    }

    /// The same parameter, [protected](Self::set_protected): for a layer that sets a value on purpose.
    #[must_use]
    pub fn protected(mut self) -> Self {
        self.protected = true;
        self
    }

    /// Whether the value was set on purpose, so that plans for many parameters leave it alone.
    pub fn is_protected(&self) -> bool {
        self.protected
    }

    /// States that the value was set on purpose, or takes that back.
    ///
    /// An [`InitPlan`](crate::InitPlan) for all weights or all biases, a preset, and a pattern with `*` or
    /// `?` leave a protected parameter alone; its full name draws it. So do the initializers that look at
    /// a batch. [`MuP`](crate::MuP) keeps the value, and sets the learning rate. Training changes it like
    /// any other. [`InitPlan::report`](crate::InitPlan::report) shows what is protected.
    ///
    /// Clones and casts keep it. It is no part of a checkpoint.
    ///
    /// # Example
    /// ```
    /// use fanin_nn::init::{KaimingNormal, Zeros};
    /// use fanin_nn::{InitPlan, Linear, Parameters, Sequential};
    ///
    /// let end = Linear::builder(16, 8).weight(Zeros).build();
    /// let mut branch = Sequential::new().add(Linear::new(8, 16)).add(end);
    /// branch.param_mut("1.weight").set_protected(true);       // the branch begins at 0, on purpose
    /// branch.init(&InitPlan::new().weights(KaimingNormal::default()))?;
    /// assert_eq!(branch.param("1.weight").value().as_slice(), [0.0; 128]);
    /// # Ok::<(), fanin_nn::InitError>(())
    /// ```
    pub fn set_protected(&mut self, protected: bool) {
        self.protected = protected;
    }

    /// The factor of an optimizer's learning rate for this parameter: 1, unless it was set.
    pub fn lr_scale(&self) -> f32 {
        self.lr_scale
    }

    /// Lets the parameter learn at the optimizer's rate times `scale`, as a parameter group of
    /// PyTorch's with a rate of its own. What a step of weight decay removes is scaled with the rate;
    /// [`set_decay_scale`](Self::set_decay_scale) can undo that.
    ///
    /// Clones and casts keep it. It is no part of a checkpoint: a program that loads a model builds it
    /// first, and sets the scales as it did before.
    ///
    /// # Panics
    /// **Panics** if it is negative or not finite.
    ///
    /// # Example
    /// ```
    /// use fanin_nn::Linear;
    ///
    /// let mut head = Linear::new(128, 10);
    /// head.weight_mut().set_lr_scale(0.1);
    /// if let Some(bias) = head.bias_mut() {
    ///     bias.set_lr_scale(2.0);
    /// }
    /// ```
    #[track_caller]
    pub fn set_lr_scale(&mut self, scale: f32) {
        assert!(
            scale >= 0.0 && scale.is_finite(),
            "{}: a learning rate cannot be scaled by {scale}",
            self.spec.name
        );
        self.lr_scale = scale;
    }

    /// The factor of an optimizer's weight decay for this parameter: 1, unless it was set.
    pub fn decay_scale(&self) -> f32 {
        self.decay_scale
    }

    /// Multiplies the optimizer's weight decay for this parameter by `scale`; with 0 it does not decay.
    ///
    /// A step of [`AdamW`](crate::AdamW) or [`Sgd`](crate::Sgd) removes rate · decay of a parameter, where
    /// the rate is scaled as well. Decay of 1 / [`lr_scale`](Self::lr_scale) removes the same part at every
    /// scale of the rate.
    ///
    /// Clones and casts keep it. It is no part of a checkpoint.
    ///
    /// # Panics
    /// **Panics** if it is negative or not finite.
    ///
    /// # Example
    /// ```
    /// use fanin_nn::{Linear, Parameters, Sequential};
    ///
    /// let mut model = Sequential::new().add(Linear::new(784, 128)).add(Linear::new(128, 10));
    /// model.set_decay_scale("*.bias", 0.0);
    /// assert_eq!(model.param("1.bias").decay_scale(), 0.0);
    /// ```
    #[doc(alias("weight_decay", "no_decay"))]
    #[track_caller]
    pub fn set_decay_scale(&mut self, scale: f32) {
        assert!(
            scale >= 0.0 && scale.is_finite(),
            "{}: a weight decay cannot be scaled by {scale}",
            self.spec.name
        );
        self.decay_scale = scale;
    }

    /// The same parameter with another element type.
    pub fn cast<U: Scalar>(&self) -> Param<U> {
        Param {
            id: next_id(),
            value: self.value.cast(),
            spec: self.spec.clone(),
            trainable: self.trainable,
            lr_scale: self.lr_scale,
            decay_scale: self.decay_scale,
            protected: self.protected,
            awaits_activation: self.awaits_activation,
            initializer: self.initializer.clone(),
            shown: false,
        }
    }

    /// The parameter's own name and shape, for messages that have no path.
    pub(crate) fn describe(&self) -> String {
        format!("{} {}", self.spec.name, show_shape(self.value.shape()))
    }

    /// Whether an optimizer was shown the parameter.
    pub(crate) fn is_shown(&self) -> bool {
        self.shown
    }

    /// Notes that an optimizer was shown the parameter.
    pub(crate) fn set_shown(&mut self) {
        self.shown = true;
    }

    pub(crate) fn id(&self) -> u64 {
        self.id
    }
}

impl<T: Scalar> Clone for Param<T> {
    fn clone(&self) -> Self {
        Self {
            id: next_id(),
            value: self.value.clone(),
            spec: self.spec.clone(),
            initializer: self.initializer.clone(),
            ..*self
        }
    }
}

/// An identity that no other parameter or buffer of the process has.
pub(crate) fn next_id() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}
