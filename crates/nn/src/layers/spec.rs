//! [`NetworkSpec`]: a network as data. It can be read from a file and built.

mod budget;
mod linear;
mod norm;
mod of;
mod parallel;
mod prelu;
mod read;
mod residual;

use std::collections::HashSet;
use std::fmt;

use fanin_tensor::show_shape;
use serde::{Deserialize, Serialize};

use super::*;
use crate::describe::Features;
use crate::module::Module;
use crate::ops::activations;
use crate::ops::activations::faults;
use budget::Budget;

pub use linear::LinearSpec;
pub use norm::{BatchNorm1dSpec, GroupNormSpec, LayerNormSpec, RmsNormSpec};
pub use parallel::{Join, NamedSpec, ParallelSpec};
pub use prelu::PreluSpec;
pub use residual::{AlphaSpec, ResidualSpec};

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

    /// The most branches and names that lie within each other.
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
            // After the activations, because a binary format numbers the variants.
            /// An [`AlphaDropout`] of this probability.
            AlphaDropout(f64),
            /// A [`Geglu`] that gives this many features.
            Geglu(usize),
            /// A [`Glu`] that gives this many features.
            Glu(usize),
            /// A [`Prelu`].
            Prelu(PreluSpec),
            /// A [`Reglu`] that gives this many features.
            Reglu(usize),
            /// An [`Rrelu`] with slopes between these two.
            Rrelu(f64, f64),
            /// A [`Swiglu`] that gives this many features.
            Swiglu(usize),
            /// A layer with a name.
            Named(NamedSpec),
            /// A [`Parallel`].
            Parallel(ParallelSpec),
            /// A [`BatchNorm1d`].
            #[serde(rename = "batch_norm_1d")]
            BatchNorm1d(BatchNorm1dSpec),
            /// A [`LayerNorm`].
            LayerNorm(LayerNormSpec),
            /// A [`RmsNorm`].
            RmsNorm(RmsNormSpec),
            /// A [`GroupNorm`].
            GroupNorm(GroupNormSpec),
            /// A [`WeightNorm`] of this linear layer.
            WeightNorm(LinearSpec),
            /// A [`SpectralNorm`] of this linear layer.
            SpectralNorm(LinearSpec),
            /// A [`Flatten`].
            Flatten,
            /// An [`Unflatten`] to these sizes.
            Unflatten(#[serde(deserialize_with = "read::sizes")] Vec<usize>),
            /// An [`Identity`](super::Identity).
            Identity,
            /// A [`Sequential`] of these layers.
            Sequential(#[serde(deserialize_with = "read::branch")] Vec<LayerSpec>),
        }

        impl LayerSpec {
            fn add_to(&self, model: Sequential) -> Sequential {
                self.build(model, None)
            }

            fn build(&self, model: Sequential, name: Option<&str>) -> Sequential {
                match self {
                    Self::Linear(linear) => add(model, name, linear.build()),
                    Self::Residual(residual) => add(model, name, residual.build()),
                    &Self::Dropout(p) => add(model, name, Dropout::new(p)),
                    $(&Self::$name $(($($param),+))? => add(model, name, $name $(($($param),+))?),)*
                    &Self::AlphaDropout(p) => add(model, name, AlphaDropout::new(p)),
                    &Self::Geglu(features) => add(model, name, Geglu::new(features)),
                    &Self::Glu(features) => add(model, name, Glu::new(features)),
                    Self::Prelu(prelu) => add(model, name, prelu.build()),
                    &Self::Reglu(features) => add(model, name, Reglu::new(features)),
                    &Self::Rrelu(lower, upper) => add(model, name, Rrelu::new(lower, upper)),
                    &Self::Swiglu(features) => add(model, name, Swiglu::new(features)),
                    Self::Named(named) => named.layer.build(model, Some(&named.name)),
                    Self::Parallel(parallel) => add(model, name, parallel.build()),
                    Self::BatchNorm1d(norm) => add(model, name, norm.build()),
                    Self::LayerNorm(norm) => add(model, name, norm.build()),
                    Self::RmsNorm(norm) => add(model, name, norm.build()),
                    Self::GroupNorm(norm) => add(model, name, norm.build()),
                    Self::WeightNorm(linear) => add(model, name, WeightNorm::new(linear.build())),
                    Self::SpectralNorm(linear) => {
                        add(model, name, SpectralNorm::new(linear.build()))
                    }
                    Self::Flatten => add(model, name, Flatten),
                    Self::Unflatten(sizes) => add(model, name, Unflatten::new(sizes)),
                    Self::Identity => add(model, name, super::Identity),
                    Self::Sequential(layers) => add(model, name, build(layers)),
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

/// Adds a layer, by its name if it has one.
fn add(model: Sequential, name: Option<&str>, layer: impl Module + Clone + 'static) -> Sequential {
    match name {
        Some(name) => model.add_named(name, layer),
        None => model.add(layer),
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
        check(&spec.layers, None, None, &mut budget)?;
        budget.reserve().map_err(|reason| {
            let index = spec.layers.iter().rposition(LayerSpec::has_parameters).unwrap_or(0);
            let path = Path { parent: None, index };
            path.error(spec.layers[index].to_string(), reason)
        })?;
        Ok(build(&spec.layers))
    }
}

/// The position of a layer: its number, and that of the layer in whose branch it is. It becomes text in
/// an error only.
struct Path<'p> {
    parent: Option<(&'p Path<'p>, Branch)>,
    index: usize,
}

/// Where in a layer other layers are.
#[derive(Clone, Copy)]
enum Branch {
    Residual,
    /// In this branch of it.
    Parallel(usize),
    Sequential,
}

impl Path<'_> {
    fn depth(&self) -> usize {
        1 + self.parent.map_or(0, |(parent, _)| parent.depth())
    }

    fn error(&self, layer: String, reason: String) -> SpecError {
        SpecError { path: self.to_string(), layer, reason }
    }
}

/// `0.branch.2`, `0.1.2`
impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.parent {
            None => {}
            Some((parent, Branch::Residual)) => write!(f, "{parent}.branch.")?,
            Some((parent, Branch::Parallel(branch))) => write!(f, "{parent}.{branch}.")?,
            Some((parent, Branch::Sequential)) => write!(f, "{parent}.")?,
        }
        write!(f, "{}", self.index)
    }
}

/// The numbers of input and output features of these layers, if they fit together. They are those of
/// a branch of `parent`, or of the whole network. `input` is what comes in, if it is known.
fn check(
    layers: &[LayerSpec],
    parent: Option<(&Path<'_>, Branch)>,
    input: Option<usize>,
    budget: &mut Budget,
) -> Result<Features, SpecError> {
    let (mut features, mut output, mut names) = (Features::Same, None, HashSet::new());
    let mut known = input;
    for (index, layer) in layers.iter().enumerate() {
        let path = Path { parent, index };
        if let LayerSpec::Named(named) = layer
            && let Some(reason) = named.bad_name(&mut names)
        {
            return Err(path.error(layer.to_string(), reason));
        }
        let own = layer.check(&path, known, budget)?;
        if let (Some(output), Features::Map { input, .. }) = (output, own)
            && input != output
        {
            let reason = format!("the layers before give {output} features");
            return Err(path.error(layer.to_string(), reason));
        }
        features = features.then(own);
        output = own.output_after(output);
        known = own.output_after(known);
    }
    Ok(features)
}

fn build(layers: &[LayerSpec]) -> Sequential {
    layers.iter().fold(Sequential::new(), |model, layer| layer.add_to(model))
}

impl LayerSpec {
    fn has_parameters(&self) -> bool {
        match self {
            Self::Named(named) => named.layer.has_parameters(),
            Self::Linear(_) | Self::WeightNorm(_) | Self::SpectralNorm(_) => true,
            Self::Residual(_) | Self::Parallel(_) | Self::Prelu(_) => true,
            Self::Sequential(layers) => layers.iter().any(Self::has_parameters),
            Self::BatchNorm1d(_) | Self::LayerNorm(_) | Self::RmsNorm(_) | Self::GroupNorm(_) => {
                true
            }
            _ => false,
        }
    }

    /// `before` is the number of features that the layers before give, if it is known.
    fn check(
        &self,
        path: &Path<'_>,
        before: Option<usize>,
        budget: &mut Budget,
    ) -> Result<Features, SpecError> {
        /// Below this limit no value overflows f32 and the activation has a gain.
        const LARGEST: f64 = 1e20;
        let mut features = Features::Same;
        let result = match self {
            LayerSpec::Linear(linear) => {
                features = Features::Map { input: linear.inputs, output: linear.outputs };
                linear.check(budget)
            }
            LayerSpec::Residual(residual) => return residual.check(path, before, budget),
            LayerSpec::Parallel(parallel) => return parallel.check(path, before, budget),
            LayerSpec::Named(named) => return named.layer.check(path, before, budget),
            LayerSpec::Sequential(_) if path.depth() > NetworkSpec::MAX_NESTING => {
                Err(read::too_deep())
            }
            LayerSpec::Sequential(layers) => {
                return check(layers, Some((path, Branch::Sequential)), before, budget);
            }
            LayerSpec::WeightNorm(linear) => {
                features = Features::Map { input: linear.inputs, output: linear.outputs };
                linear.check(budget).and_then(|()| budget.tensor(&[linear.outputs], 0))
            }
            LayerSpec::SpectralNorm(linear) => {
                features = Features::Map { input: linear.inputs, output: linear.outputs };
                // The singular vectors, and as many numbers to compute them with.
                let vectors = [linear.outputs, linear.inputs].into_iter().cycle().take(4);
                let mut counted = linear.check(budget);
                for length in vectors {
                    counted = counted.and_then(|()| budget.tensor(&[length], 0));
                }
                counted
            }
            LayerSpec::BatchNorm1d(norm) => {
                features = Features::Map { input: norm.features, output: norm.features };
                norm.check(budget)
            }
            LayerSpec::LayerNorm(norm) => {
                features = Features::Map { input: norm.features, output: norm.features };
                norm.check(budget)
            }
            LayerSpec::RmsNorm(norm) => {
                features = Features::Map { input: norm.features, output: norm.features };
                norm.check(budget)
            }
            LayerSpec::GroupNorm(norm) => {
                features = Features::Map { input: norm.features, output: norm.features };
                norm.check(budget)
            }
            LayerSpec::Flatten => {
                features = Features::Unknown;
                Ok(())
            }
            LayerSpec::Unflatten(sizes) => {
                features = Features::Unknown;
                reshaping::unusable(sizes).map_or(Ok(()), Err)
            }
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
            LayerSpec::Linear(linear) => write!(f, "{}", linear.text()),
            LayerSpec::WeightNorm(linear) => write!(f, "WeightNorm({})", linear.text()),
            LayerSpec::SpectralNorm(linear) => write!(f, "SpectralNorm({})", linear.text()),
            LayerSpec::Residual(_) => f.write_str("Residual"),
            LayerSpec::Parallel(_) => f.write_str("Parallel"),
            LayerSpec::Named(named) => named.layer.fmt(f),
            LayerSpec::BatchNorm1d(norm) => write!(f, "BatchNorm1d({})", norm.features),
            LayerSpec::LayerNorm(norm) => write!(f, "LayerNorm({})", norm.features),
            LayerSpec::RmsNorm(norm) => write!(f, "RmsNorm({})", norm.features),
            LayerSpec::GroupNorm(norm) => {
                write!(f, "GroupNorm({} in {} groups)", norm.features, norm.groups)
            }
            LayerSpec::Unflatten(sizes) if sizes.len() > 8 => {
                write!(f, "Unflatten({} axes)", sizes.len())
            }
            LayerSpec::Unflatten(sizes) => write!(f, "Unflatten({})", show_shape(sizes)),
            LayerSpec::Prelu(_) => f.write_str("Prelu"),
            // `LeakyRelu(0.2)`
            _ => write!(f, "{self:?}"),
        }
    }
}
