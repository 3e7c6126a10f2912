//! [`WeightNorm`]: a linear layer whose weights have their lengths apart from their directions.

use std::fmt;

use fanin_init::{Gain, Initializer, Normal, ParamSpec, default_rng};
use fanin_tensor::{Scalar, Tensor, reduce};

use super::Linear;
use crate::Parameters;
use crate::describe::{Describe, Features};
use crate::layers::{LayerSpec, LinearSpec};
use crate::module::Module;
use crate::param::Param;
use crate::tape::Var;

/// A [`Linear`] layer whose weights are `W_o = g_o · V_o / ‖V_o‖` for each output o: training changes the
/// length g and the direction V apart.
///
/// It starts with the weights of the layer that it wraps. Its parameters are `weight_g`, `weight_v` and
/// `bias`. g is of the kind [`Scale`](fanin_init::ParamKind::Scale). V is
/// [protected](crate::Param::set_protected): an initializer of V alone would change the directions and keep
/// the lengths, so a plan for all weights leaves both alone. Choose the initializer of the wrapped layer.
///
/// A row of zeros has no direction. Where the wrapped layer has one, as with the initializer
/// [`Zeros`](fanin_init::Zeros), g begins at 0 and the direction is drawn from the thread's default
/// generator, so that the row is 0 at first and learns.
///
/// It is PyTorch's `parametrizations.weight_norm(linear)`, which has `dim=0`.
///
/// # Shapes
/// x `(…, in)`, V `(out, in)`, g `(out, 1)`, b `(out)`; y `(…, out)`.
///
/// # Example
/// ```
/// use fanin_nn::layers::WeightNorm;
/// use fanin_nn::{Linear, Module, Parameters, Tensor};
///
/// let linear = Linear::new(8, 4);
/// let normed = WeightNorm::new(linear.clone());
/// let names: Vec<String> = normed.named_params().into_iter().map(|(name, _)| name).collect();
/// assert_eq!(names, ["weight_g", "weight_v", "bias"]);
///
/// let x = Tensor::ones([2, 8]);
/// let pairs = normed.predict(&x).into_vec().into_iter().zip(linear.predict(&x).into_vec());
/// assert!(pairs.into_iter().all(|(a, b)| (a - b).abs() < 1e-5));
/// ```
///
/// # Reference
/// Salimans & Kingma 2016, "Weight Normalization", eq. 2 and 3.
#[doc(alias = "weight_norm")]
#[derive(Clone, Parameters)]
#[parameters(no_describe)]
pub struct WeightNorm<T: Scalar = f32> {
    weight_g: Param<T>,
    weight_v: Param<T>,
    bias: Option<Param<T>>,
}

impl<T: Scalar> WeightNorm<T> {
    /// The layer with its weights divided into lengths and directions.
    pub fn new(linear: Linear<T>) -> Self {
        let (inputs, outputs) = linear.sizes();
        let (mut weight, bias) = linear.into_parts();
        let awaits = weight.awaits_activation();
        let initializer = weight.shared_initializer();
        let frozen = !weight.is_trainable();

        let v = weight.value_mut().as_mut_slice();
        let mut lengths = Tensor::zeros([outputs, 1]);
        for (g, v) in lengths.as_mut_slice().iter_mut().zip(v.chunks_exact_mut(inputs.max(1))) {
            *g = reduce::norm(v);
            if *g == T::ZERO {
                let spec = ParamSpec::weight(inputs, 1);
                let direction = Normal::new(0.0, 1.0).draw(&spec, &[inputs], &mut default_rng());
                v.iter_mut().zip(&direction).for_each(|(v, &d)| *v = T::from_f64(d.into()));
            }
        }
        let spec = ParamSpec::scale_of(outputs).named("weight_g");
        let mut weight_g = Param::with_spec(Tensor::zeros(0), spec);
        // The lengths take the gain of an activation that is added later.
        weight_g.begin(lengths, awaits, initializer);
        weight_g.set_trainable(!frozen);
        Self { weight_g, weight_v: weight.protected(), bias }
    }

    /// The weights that the layer has now, `(out, in)`.
    pub fn weight(&self) -> Tensor<T> {
        let (v, g) = (self.weight_v.value(), self.weight_g.value());
        crate::tape::Tape::default().value(|t| t.input(v).weight_norm(t.input(g)))
    }

    /// The same layer with another element type.
    pub fn cast<U: Scalar>(&self) -> WeightNorm<U> {
        WeightNorm {
            weight_g: self.weight_g.cast(),
            weight_v: self.weight_v.cast(),
            bias: self.bias.as_ref().map(Param::cast),
        }
    }

    /// A [`Linear`] layer with the weights that the layer has now.
    #[doc(alias = "remove_weight_norm")]
    pub fn into_linear(self) -> Linear<T> {
        let weight = self.weight();
        let Self { mut weight_v, bias, .. } = self;
        *weight_v.value_mut() = weight;
        weight_v.set_protected(false);
        Linear::from_parts(weight_v, bias)
    }
}

impl<T: Scalar> Module<T> for WeightNorm<T> {
    #[track_caller]
    fn forward<'t>(&self, x: Var<'t, T>) -> Var<'t, T> {
        let t = x.tape();
        let weight = t.param(&self.weight_v).weight_norm(t.param(&self.weight_g));
        x.linear(weight, self.bias.as_ref().map(|b| t.param(b)))
    }
}

impl<T: Scalar> WeightNorm<T> {
    pub(in crate::layers) fn spec(&self) -> LayerSpec {
        let scheme = |param: &Param<T>| param.initializer().and_then(|text| text.parse().ok());
        let shape = self.weight_v.value().shape();
        let mut linear = LinearSpec::new(shape[1], shape[0]);
        linear.weight = scheme(&self.weight_v).unwrap_or(linear.weight);
        linear.bias = match &self.bias {
            Some(bias) => scheme(bias).or(linear.bias),
            None => None,
        };
        LayerSpec::WeightNorm(linear)
    }
}

impl<T: Scalar> Describe for WeightNorm<T> {
    fn features(&self) -> Features {
        let shape = self.weight_v.value().shape();
        Features::Map { input: shape[1], output: shape[0] }
    }

    fn followed_by(&mut self, activation: Gain) {
        self.weight_g.set_activation(activation);
        self.weight_v.set_activation(activation);
    }

    fn describe(&self) -> String {
        let shape = self.weight_v.value().shape();
        let bias = if self.bias.is_some() { "" } else { ", no bias" };
        format!("WeightNorm(Linear({} → {}{bias}))", shape[1], shape[0])
    }
}

impl<T: Scalar> fmt::Debug for WeightNorm<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.describe())
    }
}
