//! [`NetworkSpec`]: a network as data. It can be read from a file and built.

mod budget;
mod prelu;
mod read;

use std::fmt;

use fanin_init::{FanInUniform, Initializer, KaimingUniform, ParamSpec, Scheme};
use serde::{Deserialize, Serialize};

use super::*;
use crate::describe::Features;
use crate::ops::activations;
use crate::ops::activations::faults;
use budget::Budget;
pub use prelu::PreluSpec;

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
    #[serde(deserialize_with = "read::layers")]
    pub layers: Vec<LayerSpec>,
}

impl NetworkSpec {
    /// The most bytes that [`Sequential::from_spec`] builds a network of: 1 GiB, which is 268 million
    /// parameters. [`Sequential::from_spec_with_limit`] takes another limit.
    pub const DEFAULT_LIMIT: u64 = 1 << 30;

    /// The most residual branches that lie within each other.
    pub const MAX_NESTING: usize = 64;
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
                    " with its ", $("`", stringify!($param), "` ",)+
                )? ".")]
                $name $(($($param_type),+))?,
            )*
            /// An [`AlphaDropout`] of this probability.
            AlphaDropout(f64),
            /// A [`Geglu`] that gives so many features.
            Geglu(usize),
            /// A [`Glu`] that gives so many features.
            Glu(usize),
            /// A [`Prelu`].
            Prelu(PreluSpec),
            /// A [`Reglu`] that gives so many features.
            Reglu(usize),
            /// An [`Rrelu`] with slopes between these two.
            Rrelu(f64, f64),
            /// A [`Swiglu`] that gives so many features.
            Swiglu(usize),
        }

        impl LayerSpec {
            fn add_to(&self, model: Sequential) -> Sequential {
                match self {
                    Self::Linear(linear) => model.add(linear.build()),
                    Self::Residual(residual) => model.add(residual.build()),
                    &Self::Dropout(p) => model.add(Dropout::new(p)),
                    $(&Self::$name $(($($param),+))? => model.add($name $(($($param),+))?),)*
                    &Self::AlphaDropout(p) => model.add(AlphaDropout::new(p)),
                    &Self::Geglu(features) => model.add(Geglu::new(features)),
                    &Self::Glu(features) => model.add(Glu::new(features)),
                    Self::Prelu(prelu) => model.add(prelu.build()),
                    &Self::Reglu(features) => model.add(Reglu::new(features)),
                    &Self::Rrelu(lower, upper) => model.add(Rrelu::new(lower, upper)),
                    &Self::Swiglu(features) => model.add(Swiglu::new(features)),
                }
            }

            /// The parameters of an activation; none for other layers.
            fn parameters(&self) -> Vec<f64> {
                match self {
                    &Self::Rrelu(lower, upper) => vec![lower, upper],
                    $($(&Self::$name($($param),+) => vec![$($param),+],)?)*
                    _ => vec![],
                }
            }

            /// Why the parameters of an activation are impossible, if they are.
            fn fault(&self) -> Option<&'static str> {
                match self {
                    $($(&Self::$name($($param),+) => faults::$method($($param),+),)?)*
                    _ => None,
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

    fn check(&self, budget: &mut Budget) -> Result<(), String> {
        let Self { inputs, outputs, weight, bias } = self;
        let mut tensors =
            vec![(ParamSpec::weight(*inputs, *outputs), vec![*outputs, *inputs], weight)];
        if let Some(bias) = bias {
            tensors.push((ParamSpec::bias(*inputs, *outputs), vec![*outputs], bias));
        }
        // Sizes come first: an initializer's own check may depend on them.
        for (spec, shape, initializer) in &tensors {
            budget.tensor(shape, initializer.scratch_bytes(spec))?;
        }
        tensors.iter().try_for_each(|(spec, shape, initializer)| initializer.check(spec, shape))
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
    #[serde(deserialize_with = "read::branch")]
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
    fn check(&self, path: &Path<'_>, budget: &mut Budget) -> Result<Features, SpecError> {
        let refuse = |reason| Err(path.error("Residual".into(), reason));
        if path.depth() > NetworkSpec::MAX_NESTING {
            return refuse(read::too_deep());
        }
        let features = check(&self.branch, Some(path), budget)?;
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
    /// cannot fill its parameter, or a parameter is out of range. Also if parameters and the working
    /// memory of initializers take more than [`NetworkSpec::DEFAULT_LIMIT`] bytes, or if residual
    /// branches lie deeper than [`NetworkSpec::MAX_NESTING`]. The whole description is checked before
    /// memory is allocated or a number is drawn.
    pub fn from_spec(spec: &NetworkSpec) -> Result<Self, SpecError> {
        Self::from_spec_with_limit(spec, NetworkSpec::DEFAULT_LIMIT)
    }

    /// [`from_spec`](Self::from_spec) with another limit: the most bytes that all parameters together
    /// may take, with the working memory of their initializers.
    ///
    /// # Errors
    /// As [`from_spec`](Self::from_spec).
    ///
    /// # Example
    /// ```
    /// use fanin_nn::Sequential;
    /// use fanin_nn::layers::{LinearSpec, NetworkSpec};
    ///
    /// let spec = NetworkSpec { layers: vec![LinearSpec::new(1000, 10).into()] };
    /// assert!(Sequential::from_spec_with_limit(&spec, 40_040).is_ok());
    /// assert_eq!(
    ///     Sequential::from_spec_with_limit(&spec, 40_000).unwrap_err().to_string(),
    ///     "layer 0, Linear(1000 → 10): with it the network takes 40,040 bytes, more than the limit \
    ///      of 40,000; make it smaller, or build it with Sequential::from_spec_with_limit and a larger \
    ///      limit"
    /// );
    /// ```
    pub fn from_spec_with_limit(spec: &NetworkSpec, bytes: u64) -> Result<Self, SpecError> {
        let mut budget = Budget::new(bytes);
        check(&spec.layers, None, &mut budget)?;
        budget.reserve().map_err(|reason| {
            let has_parameters = |l: &LayerSpec| {
                matches!(l, LayerSpec::Linear(_) | LayerSpec::Prelu(_) | LayerSpec::Residual(_))
            };
            let index = spec.layers.iter().rposition(has_parameters).unwrap_or(0);
            let path = Path { parent: None, index };
            path.error(spec.layers[index].to_string(), reason)
        })?;
        Ok(build(&spec.layers))
    }
}

/// The position of a layer: its number, and that of the residual layer in whose branch it is. It
/// becomes text in an error only.
struct Path<'p> {
    parent: Option<&'p Path<'p>>,
    index: usize,
}

impl Path<'_> {
    fn depth(&self) -> usize {
        1 + self.parent.map_or(0, Path::depth)
    }

    fn error(&self, layer: String, reason: String) -> SpecError {
        SpecError { path: self.to_string(), layer, reason }
    }
}

/// `0.branch.2`
impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(parent) = self.parent {
            write!(f, "{parent}.branch.")?;
        }
        write!(f, "{}", self.index)
    }
}

/// The numbers of input and output features of these layers, if they fit together. They are those of
/// the branch of `parent`, or of the whole network.
fn check(
    layers: &[LayerSpec],
    parent: Option<&Path<'_>>,
    budget: &mut Budget,
) -> Result<Features, SpecError> {
    let mut before = Features::Same;
    for (index, layer) in layers.iter().enumerate() {
        let path = Path { parent, index };
        let own = layer.check(&path, budget)?;
        if let (Features::Map { output, .. }, Features::Map { input, .. }) = (before, own)
            && input != output
        {
            let reason = format!("the layers before give {output} features");
            return Err(path.error(layer.to_string(), reason));
        }
        before = before.then(own);
    }
    Ok(before)
}

fn build(layers: &[LayerSpec]) -> Sequential {
    layers.iter().fold(Sequential::new(), |model, layer| layer.add_to(model))
}

impl LayerSpec {
    fn check(&self, path: &Path<'_>, budget: &mut Budget) -> Result<Features, SpecError> {
        /// Below this limit no value overflows f32 and the activation has a gain.
        const LARGEST: f64 = 1e20;
        let mut features = Features::Same;
        let result = match self {
            LayerSpec::Linear(linear) => {
                features = Features::Map { input: linear.inputs, output: linear.outputs };
                linear.check(budget)
            }
            LayerSpec::Residual(residual) => return residual.check(path, budget),
            LayerSpec::Prelu(prelu) => {
                if let Some(slopes) = prelu.features.filter(|&slopes| slopes != 1) {
                    features = Features::Map { input: slopes, output: slopes };
                }
                prelu.check(budget)
            }
            LayerSpec::Dropout(p) | LayerSpec::AlphaDropout(p) if !(0.0..1.0).contains(p) => {
                Err("the probability must be from 0 to below 1".into())
            }
            &(LayerSpec::Glu(half)
            | LayerSpec::Geglu(half)
            | LayerSpec::Reglu(half)
            | LayerSpec::Swiglu(half)) => match half.checked_mul(2) {
                Some(input) => {
                    features = Features::Map { input, output: half };
                    Ok(())
                }
                None => Err("it takes twice as many features, which are too many".into()),
            },
            LayerSpec::Rrelu(lower, upper) if lower > upper => {
                Err("the first slope must not be above the second".into())
            }
            layer if !layer.parameters().iter().all(|x| x.abs() <= LARGEST) => {
                Err(format!("the parameter must be from -{LARGEST:e} to {LARGEST:e}"))
            }
            layer => layer.fault().map_or(Ok(()), |why| Err(why.into())),
        };
        match result {
            Ok(()) => Ok(features),
            Err(reason) => Err(path.error(self.to_string(), reason)),
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
            LayerSpec::Prelu(_) => f.write_str("Prelu"),
            // `LeakyRelu(0.2)`
            _ => write!(f, "{self:?}"),
        }
    }
}
