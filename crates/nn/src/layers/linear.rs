//! [`Linear`]: `Y = X·Wᵀ + b`, with any initialization.

use std::fmt;

use fanin_init::presets::Preset;
use fanin_init::rand::RngCore;
use fanin_init::{FanInUniform, Gain, Initializer, KaimingUniform, ParamSpec};
use fanin_tensor::{Scalar, Tensor};

use super::draw::{Draw, draw};
use crate::Parameters;
use crate::describe::{Describe, Features};
use crate::layers::LinearSpec;
use crate::module::Module;
use crate::param::Param;
use crate::tape::Var;

/// A layer in which every output depends on every input: `Y = X·Wᵀ + b`.
///
/// # Shapes
/// X `(…, in)`, W `(out, in)` as in PyTorch, b `(out)`; Y `(…, out)`.
///
/// # Example
/// ```
/// use fanin_nn::init::{Constant, KaimingNormal, manual_seed};
/// use fanin_nn::{Linear, Module, Tensor};
///
/// manual_seed(42);
/// let plain = Linear::new(784, 128);                       // the weights PyTorch would draw
/// let chosen = Linear::builder(784, 128).weight(KaimingNormal::default()).bias(Constant(0.01)).build();
/// assert_eq!(plain.weight().shape(), [128, 784]);
/// assert_eq!(chosen.predict(&Tensor::zeros([3, 784])).as_slice(), [0.01; 3 * 128]);
/// ```
#[doc(alias("Dense", "FullyConnected"))]
#[derive(Clone, Parameters)]
#[parameters(no_describe)]
pub struct Linear<T: Scalar = f32> {
    weight: Param<T>,
    bias: Option<Param<T>>,
}

impl Linear<f32> {
    /// A layer initialized as PyTorch does: weights Kaiming-uniform with a = √5 and biases of the same
    /// range, `U(−1/√in, 1/√in)`, from the thread's default generator.
    pub fn new(inputs: usize, outputs: usize) -> Self {
        Self::builder(inputs, outputs).build()
    }

    /// A layer whose initialization the caller chooses.
    pub fn builder<'a>(inputs: usize, outputs: usize) -> LinearBuilder<'a> {
        LinearBuilder {
            inputs,
            outputs,
            weight: Box::new(KaimingUniform::torch_default()),
            bias: Some(Box::new(FanInUniform)),
            rng: None,
        }
    }
}

impl<T: Scalar> Linear<T> {
    /// The weights, `(out, in)`.
    pub fn weight(&self) -> &Tensor<T> {
        self.weight.value()
    }

    /// The weights, to be changed.
    pub fn weight_mut(&mut self) -> &mut Param<T> {
        &mut self.weight
    }

    /// The biases, `(out)`.
    ///
    /// # Panics
    /// **Panics** if the layer has no biases: see [`has_bias`](Self::has_bias).
    #[track_caller]
    pub fn bias(&self) -> &Tensor<T> {
        match &self.bias {
            Some(bias) => bias.value(),
            None => panic!("bias: {} was built with no_bias()", self.describe()),
        }
    }

    /// The biases, to be changed, if there are any.
    pub fn bias_mut(&mut self) -> Option<&mut Param<T>> {
        self.bias.as_mut()
    }

    /// Whether there are biases.
    pub fn has_bias(&self) -> bool {
        self.bias.is_some()
    }

    /// The same layer with another element type.
    pub fn cast<U: Scalar>(&self) -> Linear<U> {
        Linear { weight: self.weight.cast(), bias: self.bias.as_ref().map(Param::cast) }
    }

    /// A layer of these parameters, whose shapes fit.
    pub(super) fn from_parts(weight: Param<T>, bias: Option<Param<T>>) -> Self {
        Self { weight, bias }
    }

    /// The parameters, for a layer that computes the weights in another way.
    pub(super) fn into_parts(self) -> (Param<T>, Option<Param<T>>) {
        (self.weight, self.bias)
    }

    /// The layer's output with these weights in place of its own.
    #[track_caller]
    pub(super) fn forward_with<'t>(&self, weight: Var<'t, T>, x: Var<'t, T>) -> Var<'t, T> {
        x.linear(weight, self.bias.as_ref().map(|b| x.tape().param(b)))
    }

    /// Weights and biases.
    pub(super) fn values(&self) -> (&Tensor<T>, Option<&Tensor<T>>) {
        (self.weight.value(), self.bias.as_ref().map(Param::value))
    }

    /// The weights on the tape.
    pub(super) fn weight_var<'t>(&self, x: Var<'t, T>) -> Var<'t, T> {
        x.tape().param(&self.weight)
    }

    pub(super) fn sizes(&self) -> (usize, usize) {
        (self.weight().shape()[1], self.weight().shape()[0])
    }
}

impl<T: Scalar> Module<T> for Linear<T> {
    #[track_caller]
    fn forward<'t>(&self, x: Var<'t, T>) -> Var<'t, T> {
        if !x.tape().is_recording() {
            let (w, b) = self.values();
            return x.linear_unrecorded(w, b, None);
        }
        self.forward_with(self.weight_var(x), x)
    }
}

impl<T: Scalar> Linear<T> {
    pub(in crate::layers) fn spec(&self) -> LinearSpec {
        let scheme = |param: &Param<T>| param.initializer().and_then(|text| text.parse().ok());
        let (inputs, outputs) = self.sizes();
        let mut spec = LinearSpec::new(inputs, outputs);
        spec.weight = scheme(&self.weight).unwrap_or(spec.weight);
        spec.bias = match &self.bias {
            Some(bias) => scheme(bias).or(spec.bias),
            None => None,
        };
        spec
    }
}

impl<T: Scalar> Describe for Linear<T> {
    fn features(&self) -> Features {
        let (input, output) = self.sizes();
        Features::Map { input, output }
    }

    fn followed_by(&mut self, activation: Gain) {
        self.weight.set_activation(activation);
    }

    fn describe(&self) -> String {
        let (input, output) = self.sizes();
        format!("Linear({input} → {output}{})", if self.has_bias() { "" } else { ", no bias" })
    }
}

impl<T: Scalar> fmt::Debug for Linear<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.describe())
    }
}

/// Chooses the initialization of a [`Linear`]. Weight and bias have an initializer each.
#[must_use = "call build() to get the layer"]
pub struct LinearBuilder<'a> {
    inputs: usize,
    outputs: usize,
    weight: Box<dyn Initializer + 'a>,
    bias: Option<Box<dyn Initializer + 'a>>,
    rng: Option<&'a mut dyn RngCore>,
}

impl<'a> LinearBuilder<'a> {
    /// The initializer of the weights: one of [`fanin_init`], or any struct or
    /// [closure](fanin_init::from_fn) of your own.
    pub fn weight(mut self, initializer: impl Initializer + 'a) -> Self {
        self.weight = Box::new(initializer);
        self
    }

    /// The initializer of the biases. It sees the fans of the weights.
    pub fn bias(mut self, initializer: impl Initializer + 'a) -> Self {
        self.bias = Some(Box::new(initializer));
        self
    }

    /// The initializers of weights and biases together: those of another framework, or one's own.
    ///
    /// A layer [without biases](Self::no_bias) gets none.
    ///
    /// # Example
    /// ```
    /// use fanin_nn::Linear;
    /// use fanin_nn::init::presets;
    ///
    /// // As Keras initializes a Dense layer: Glorot-uniform, and zeros.
    /// let dense = Linear::builder(300, 200).preset(presets::keras()).build();
    /// assert!(dense.weight().as_slice().iter().all(|w| w.abs() <= (6f32 / 500.0).sqrt()));
    /// assert_eq!(dense.bias().as_slice(), [0.0; 200]);
    /// ```
    pub fn preset(mut self, preset: Preset) -> Self {
        self.weight = Box::new(preset.weight);
        self.bias = self.bias.map(|_| Box::new(preset.bias) as Box<dyn Initializer>);
        self
    }

    /// Builds the layer without biases.
    pub fn no_bias(mut self) -> Self {
        self.bias = None;
        self
    }

    /// Draws from this generator instead of the thread's default one.
    pub fn rng(mut self, rng: &'a mut dyn RngCore) -> Self {
        self.rng = Some(rng);
        self
    }

    /// Draws the weights, then the biases.
    ///
    /// # Panics
    /// **Panics** if an initializer cannot fill its parameter, with its reason: an orthogonal bias, or a
    /// division by a fan of 0.
    #[track_caller]
    pub fn build(self) -> Linear {
        let Self { inputs, outputs, weight, bias, rng } = self;
        let name = || format!("Linear({inputs} → {outputs})");
        let weight = Draw {
            initializer: &*weight,
            spec: ParamSpec::weight(inputs, outputs),
            shape: &[outputs, inputs],
        };
        let bias_shape = [outputs];
        let bias = bias.as_deref().map(|initializer| Draw {
            initializer,
            spec: ParamSpec::bias(inputs, outputs),
            shape: &bias_shape,
        });
        let (weight, bias) = draw(name, weight, bias, rng);
        Linear { weight, bias }
    }
}
