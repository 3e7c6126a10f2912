//! [`NetworkSpec`]: a network as data. It can be read from a file and built.

use std::fmt;

use fanin_init::{FanInUniform, Initializer, KaimingUniform, ParamSpec, Scheme};
use serde::{Deserialize, Serialize};

use super::*;
use crate::describe::Features;
use crate::ops::activations;

/// The layers of a [`Sequential`], as a configuration file names them.
///
/// In JSON a layer is its name, or its name with its parameters: `"relu"`, `{"leaky_relu": 0.2}`.
/// Any other serde format works too. Unknown fields, layers and initializers are refused.
///
/// # Example
/// ```
/// use fanin_nn::layers::NetworkSpec;
/// use fanin_nn::{Module, Sequential, Tensor};
///
/// let spec: NetworkSpec = serde_json::from_str(r#"{
///     "layers": [
///         {"linear": {"inputs": 784, "outputs": 128, "weight": "kaiming_normal", "bias": "zeros"}},
///         "relu",
///         {"dropout": 0.2},
///         {"linear": {"inputs": 128, "outputs": 10, "weight": {"initializer": "orthogonal", "gain": 0.5}}}
///     ]
/// }"#)?;
/// let model = Sequential::from_spec(&spec)?;
/// assert_eq!(model.predict(&Tensor::zeros([3, 784])).shape(), [3, 10]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NetworkSpec {
    /// The layers, from input to output.
    pub layers: Vec<LayerSpec>,
}

/// Writes [`LayerSpec`], whose activations come from the table, and the code that depends on them.
macro_rules! layer_spec {
    ($(
        $(#[$doc:meta])*
        fn $method:ident $(($($param:ident: $param_type:ident = $default:literal),+))? as $name:ident
        $body:tt
    )*) => {
        /// One layer of a [`NetworkSpec`]: its type in snake case, with its parameter.
        #[non_exhaustive]
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum LayerSpec {
            /// A [`Linear`].
            Linear(LinearSpec),
            /// A [`Residual`].
            Residual(ResidualSpec),
            /// A [`Dropout`] of this probability.
            Dropout(f64),
            $(
                #[doc = concat!("A [`", stringify!($name), "`]", $(
                    " of this ", $(stringify!($param),)+
                )? ".")]
                $name $(($($param_type),+))?,
            )*
        }

        impl LayerSpec {
            fn add_to(&self, model: Sequential) -> Sequential {
                match self {
                    Self::Linear(linear) => model.add(linear.build()),
                    Self::Residual(residual) => model.add(residual.build()),
                    &Self::Dropout(p) => model.add(Dropout::new(p)),
                    $(&Self::$name $(($($param),+))? => model.add($name $(($($param),+))?),)*
                }
            }

            /// The parameters of an activation; none for other layers.
            fn parameters(&self) -> Vec<f64> {
                match self {
                    $($(&Self::$name($($param),+) => vec![$($param),+],)?)*
                    _ => vec![],
                }
            }
        }
    };
}
activations!(layer_spec);

/// A [`Linear`] of a [`NetworkSpec`].
///
/// # Example
/// ```
/// use fanin_nn::init::{Constant, KaimingNormal};
/// use fanin_nn::layers::LinearSpec;
///
/// let layer = LinearSpec {
///     weight: KaimingNormal::default().into(),
///     bias: Some(Constant(0.01).into()),
///     ..LinearSpec::new(784, 128)
/// };
/// let json = serde_json::to_string(&layer)?;
/// assert_eq!(
///     json,
///     r#"{"inputs":784,"outputs":128,"weight":"kaiming_normal","bias":"constant(0.01)"}"#
/// );
/// assert_eq!(serde_json::from_str::<LinearSpec>(&json)?, layer);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LinearSpec {
    /// The number of input features.
    pub inputs: usize,
    /// The number of output features.
    pub outputs: usize,
    /// The initializer of the weights. If it is missing, PyTorch's default applies.
    #[serde(default = "default_weight")]
    pub weight: Scheme,
    /// The initializer of the biases. If it is missing, PyTorch's default applies. With `null` the
    /// layer has no biases.
    #[serde(default = "default_bias")]
    pub bias: Option<Scheme>,
}

fn default_weight() -> Scheme {
    KaimingUniform::torch_default().into()
}

fn default_bias() -> Option<Scheme> {
    Some(FanInUniform.into())
}

impl LinearSpec {
    /// A layer with PyTorch's initializers, like [`Linear::new`].
    pub fn new(inputs: usize, outputs: usize) -> Self {
        Self { inputs, outputs, weight: default_weight(), bias: default_bias() }
    }

    fn check(&self) -> Result<(), String> {
        let Self { inputs, outputs, weight, bias } = self;
        let spec = ParamSpec::weight(*inputs, *outputs).named("weight");
        weight.check(&spec, &[*outputs, *inputs])?;
        if let Some(bias) = bias {
            bias.check(&ParamSpec::bias(*inputs, *outputs).named("bias"), &[*outputs])?;
        }
        // Reserve the memory first: a size that is mistyped in a file must give an error, not abort
        // the program.
        let numbers = inputs.checked_mul(*outputs);
        let fits = numbers.is_some_and(|n| Vec::<f32>::new().try_reserve_exact(n).is_ok());
        if fits { Ok(()) } else { Err("there is no memory for so many weights".into()) }
    }

    fn build(&self) -> Linear {
        let layer = Linear::builder(self.inputs, self.outputs).weight(&self.weight);
        match &self.bias {
            Some(bias) => layer.bias(bias).build(),
            None => layer.no_bias().build(),
        }
    }
}

impl From<LinearSpec> for LayerSpec {
    fn from(layer: LinearSpec) -> Self {
        Self::Linear(layer)
    }
}

/// A [`Residual`] of a [`NetworkSpec`].
///
/// # Example
/// ```
/// use fanin_nn::Sequential;
/// use fanin_nn::layers::NetworkSpec;
///
/// let spec: NetworkSpec = serde_json::from_str(r#"{
///     "layers": [{"residual": {
///         "branch": ["relu", {"linear": {"inputs": 8, "outputs": 8}}],
///         "alpha": {"learned": 0}
///     }}]
/// }"#)?;
/// let model = Sequential::from_spec(&spec)?;
/// assert_eq!(
///     model.to_string(),
///     "0: Residual(Sequential(Relu, Linear(8 → 8)), α learned)\n"
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResidualSpec {
    /// The layers of F.
    pub branch: Vec<LayerSpec>,
    /// The factor of F.
    #[serde(default)]
    pub alpha: AlphaSpec,
}

/// The α of a [`ResidualSpec`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AlphaSpec {
    /// α = 1: [`Residual::new`].
    #[default]
    One,
    /// [`Residual::scaled`].
    Scaled(f64),
    /// [`Residual::learned`], starting at this number. With 0 it is [`rezero`](Residual::rezero).
    Learned(f64),
}

impl ResidualSpec {
    fn check(&self, path: &str) -> Result<Features, SpecError> {
        let refuse =
            |reason| Err(SpecError { path: path.into(), layer: "Residual".into(), reason });
        let features = check(&self.branch, &format!("{path}.branch."))?;
        match (features, self.alpha) {
            (Features::Map { input, output }, _) if input != output => refuse(format!(
                "its branch takes {input} features and gives {output}, which cannot be added"
            )),
            (_, AlphaSpec::Scaled(alpha) | AlphaSpec::Learned(alpha))
                if !(alpha as f32).is_finite() =>
            {
                refuse(format!("alpha is {alpha:?}, and must be finite in f32"))
            }
            _ => Ok(features),
        }
    }

    fn build(&self) -> Residual {
        let layer = Residual::new(build(&self.branch));
        match self.alpha {
            AlphaSpec::One => layer,
            AlphaSpec::Scaled(alpha) => layer.scaled(alpha),
            AlphaSpec::Learned(alpha) => layer.learned(alpha),
        }
    }
}

impl From<ResidualSpec> for LayerSpec {
    fn from(layer: ResidualSpec) -> Self {
        Self::Residual(layer)
    }
}

/// Why a [`NetworkSpec`] cannot be built: which layer, and what is wrong with it.
///
/// `Debug` prints the same text.
///
/// # Example
/// ```
/// use fanin_nn::Sequential;
/// use fanin_nn::layers::{LinearSpec, NetworkSpec};
///
/// let layers = vec![LinearSpec::new(784, 128).into(), LinearSpec::new(100, 10).into()];
/// assert_eq!(
///     Sequential::from_spec(&NetworkSpec { layers }).unwrap_err().to_string(),
///     "layer 1, Linear(100 → 10): the layers before give 128 features"
/// );
/// ```
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[error("layer {path}, {layer}: {reason}")]
pub struct SpecError {
    path: String,
    layer: String,
    reason: String,
}

impl fmt::Debug for SpecError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Sequential {
    /// Builds the network that the description states. The weights come from the thread's default
    /// generator, layer after layer, as if the layers had been built by hand.
    ///
    /// # Errors
    /// If building by hand would panic: a layer does not fit the ones before it, an initializer
    /// cannot fill its parameter, or a parameter is out of range. No number is drawn in this case.
    pub fn from_spec(spec: &NetworkSpec) -> Result<Self, SpecError> {
        check(&spec.layers, "")?;
        Ok(build(&spec.layers))
    }
}

/// The numbers of input and output features of these layers, if they fit together. Their paths
/// start with `at`.
fn check(layers: &[LayerSpec], at: &str) -> Result<Features, SpecError> {
    let mut before = Features::Same;
    for (i, layer) in layers.iter().enumerate() {
        let path = format!("{at}{i}");
        let own = layer.check(&path)?;
        if let (Features::Map { output, .. }, Features::Map { input, .. }) = (before, own)
            && input != output
        {
            let reason = format!("the layers before give {output} features");
            return Err(SpecError { path, layer: layer.to_string(), reason });
        }
        before = before.then(own);
    }
    Ok(before)
}

fn build(layers: &[LayerSpec]) -> Sequential {
    layers.iter().fold(Sequential::new(), |model, layer| layer.add_to(model))
}

impl LayerSpec {
    fn check(&self, path: &str) -> Result<Features, SpecError> {
        /// Below this limit no value overflows f32 and the activation has a gain.
        const LARGEST: f64 = 1e20;
        let mut features = Features::Same;
        let result = match self {
            LayerSpec::Linear(linear) => {
                features = Features::Map { input: linear.inputs, output: linear.outputs };
                linear.check()
            }
            LayerSpec::Residual(residual) => return residual.check(path),
            LayerSpec::Dropout(p) if !(0.0..1.0).contains(p) => {
                Err("the probability must be from 0 to below 1".into())
            }
            layer => match layer.parameters().iter().all(|x| x.abs() <= LARGEST) {
                true => Ok(()),
                false => Err(format!("the parameter must be from -{LARGEST:e} to {LARGEST:e}")),
            },
        };
        match result {
            Ok(()) => Ok(features),
            Err(reason) => Err(SpecError { path: path.into(), layer: self.to_string(), reason }),
        }
    }
}

/// The text of a layer in messages.
impl fmt::Display for LayerSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LayerSpec::Linear(LinearSpec { inputs, outputs, bias, .. }) => {
                let bias = if bias.is_some() { "" } else { ", no bias" };
                write!(f, "Linear({inputs} → {outputs}{bias})")
            }
            LayerSpec::Residual(_) => f.write_str("Residual"),
            // `LeakyRelu(0.2)`
            _ => write!(f, "{self:?}"),
        }
    }
}
