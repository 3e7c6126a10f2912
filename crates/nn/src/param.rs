//! [`Param`]: a tensor that is learnt.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use fanin_init::{Gain, ParamSpec};
use fanin_tensor::{Scalar, Tensor, show_shape};

/// A tensor that training changes, with what an initializer may need to know of it.
///
/// A clone has the same value and an identity of its own.
///
/// # Example
/// ```
/// use fanin_nn::{Param, Tensor};
/// let mut scale = Param::new(Tensor::<f32>::ones(3));
/// scale.set_trainable(false);                    // frozen: no gradient is computed for it
/// assert_eq!(scale.value().as_slice(), [1.0; 3]);
/// ```
#[derive(Debug)]
pub struct Param<T: Scalar = f32> {
    id: u64,
    value: Tensor<T>,
    spec: ParamSpec,
    trainable: bool,
    lr_scale: f32,
    /// Whether the value is still to be multiplied by the gain of the activation that follows.
    awaits_activation: bool,
    /// The initializer that drew the value, for summaries.
    initializer: Option<Arc<str>>,
    /// Whether an optimizer was shown the parameter.
    shown: bool,
}

impl<T: Scalar> Param<T> {
    /// A trainable parameter of a layer of one's own.
    pub fn new(value: Tensor<T>) -> Self {
        let fans = ParamSpec::weight(value.len(), value.len());
        Self::with_spec(value, fans)
    }

    /// A trainable parameter whose fans the layer states.
    pub fn with_spec(value: Tensor<T>, spec: ParamSpec) -> Self {
        Self {
            id: next_id(),
            value,
            spec,
            trainable: true,
            lr_scale: 1.0,
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

    /// The factor of an optimizer's learning rate for this parameter: 1, unless it was set.
    pub fn lr_scale(&self) -> f32 {
        self.lr_scale
    }

    /// Lets the parameter learn at the optimizer's rate times `scale`, as a parameter group of
    /// PyTorch's with a rate of its own; the weight decay of [`AdamW`](crate::AdamW) is scaled with
    /// the rate.
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

    /// The same parameter with another element type.
    pub fn cast<U: Scalar>(&self) -> Param<U> {
        Param {
            id: next_id(),
            value: self.value.cast(),
            spec: self.spec.clone(),
            trainable: self.trainable,
            lr_scale: self.lr_scale,
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
