//! Every initializer under one type, which can be written as text.

mod activation;
mod error;
mod fields;
mod names;
mod nearest;
mod resolve;
mod serial;
mod text;
mod value;

use std::any::Any;
use std::fmt;
use std::str::FromStr;

use ndarray::ArrayViewMutD;
use rand::RngCore;

pub use error::ParseSchemeError;
pub(crate) use fields::{Field, Fields, HasFields, checked_serde, choose, field, fields, words};
pub use nearest::edit_distance;
use value::Call;
pub(crate) use value::Value;

use crate::initializer::require;
use crate::initializers::{self, *};
use crate::{Initializer, ParamSpec};

/// Writes the enum, and all that text needs to know of each initializer, from the list.
macro_rules! scheme {
    ($($file:ident: $($name:literal $initializer:ident ($($needs:literal),*) = $example:expr),*;)*) => {
        /// Any initializer of this crate, as a configuration, a command line or a model description
        /// names it.
        ///
        /// A scheme is itself an initializer, and `into()` makes a scheme of every initializer. As
        /// text it is `name(parameter=value, …)`; `Display` prints what differs from the
        /// initializer's defaults, and [`FromStr`] reads it back to an equal value. With serde it
        /// is that text, in any format. Formats for people, such as JSON, may also have a map,
        /// `{"initializer": "kaiming_normal", "mode": "fan_out"}`.
        ///
        /// # Names
        /// Case, `_` and `-` make no difference: `KaimingNormal` is `kaiming_normal`. All names of
        /// PyTorch, Keras, JAX and Flax are understood, except Keras' `stft`, and mean what they
        /// mean there. Where these frameworks disagree:
        ///
        /// | text | is |
        /// |---|---|
        /// | `xavier_…`, `kaiming_…` | PyTorch's, with or without `_` behind them; nothing is truncated |
        /// | `glorot_normal`, `he_normal`, `lecun_normal` | that of Keras, JAX and Flax: *truncated*, a [`VarianceScaling`]. [`LecunNormal`] is `lecun_untruncated_normal` |
        /// | `xavier_normal`, `kaiming_normal` | not JAX' and Flax', where these are other names of `glorot_normal` and `he_normal`, so truncated |
        /// | `he_normal`, `he_uniform` | not MLX', which have variance 1/n unless called with a gain: `lecun_untruncated_normal` and `lecun_uniform` |
        /// | `uniform`, `normal` | PyTorch's and MLX': U(0, 1) and N(0, 1) unless parameters say otherwise. Keras' strings `uniform` and `normal` mean `random_uniform` and `random_normal`; JAX' defaults are U(0, 0.01) and N(0, 0.01²) |
        /// | `random_uniform`, `random_normal` | Keras': U(±0.05) and N(0, 0.05²) |
        /// | `trunc_normal` | PyTorch's: the bounds `low` and `high`, or `a` and `b`, are values. Flux' `truncated_normal` is this one |
        /// | `truncated_normal` | Keras' and JAX': truncated at two deviations, or at `lower` and `upper` of them; the deviation is Keras' 0.05, where JAX has 0.01 |
        /// | `distribution=normal` | untruncated, as in JAX and Haiku; `untruncated_normal` is the same. Keras' own `normal` is an old name for the truncated one |
        /// | `sparse(0.9, 0.1)` | PyTorch's: the second number is the deviation; in MLX it is the mean |
        /// | `zero_init` | [`ZerO`]; all zeros are `zeros` or Flax' `zeros_init`. Keras' strings `zero` and `one` are `zeros` and `ones` here |
        ///
        /// # Parameters
        /// They have names, or are given in their order. A single number without a name is an error
        /// where it could be either of two: `normal(0.02)` has the mean 0.02 in PyTorch and Keras,
        /// and the deviation 0.02 in JAX and Flax. Write `normal(std=0.02)`. A `gain` (or `nonlinearity`) is a number
        /// or an activation: `gain=1.5`, `gain=tanh`, `nonlinearity=leaky_relu(0.2)`. In the
        /// Kaiming initializers `a` is the slope, as in PyTorch. `mode` is `fan_in`, `fan_out` or
        /// `fan_avg`. Words may be quoted, and a number may be `sqrt(5)`.
        ///
        /// # Example
        /// ```
        /// use fanin_init::{Fan, Initializer, KaimingNormal, ParamSpec, Scheme, TorchRng};
        ///
        /// let scheme: Scheme = "kaiming_normal(mode=fan_out, nonlinearity=relu)".parse()?;
        /// assert_eq!(scheme, KaimingNormal::default().fan(Fan::Out).into());
        /// assert_eq!(scheme.to_string(), "kaiming_normal(mode=fan_out)");
        ///
        /// // As in PyTorch's programs and Keras' configurations.
        /// let torch: Scheme = "kaiming_uniform_(a=sqrt(5), mode='fan_in')".parse()?;
        /// let keras: Scheme = "HeNormal".parse()?;
        /// assert_eq!(keras.to_string(), "variance_scaling(scale=2)");
        ///
        /// let w = torch.draw(&ParamSpec::weight(784, 10), &[10, 784], &mut TorchRng::seed(0));
        /// assert!(w.iter().all(|x| x.abs() <= 1.0 / 28.0));
        /// # Ok::<(), fanin_init::ParseSchemeError>(())
        /// ```
        #[non_exhaustive]
        #[derive(Clone, Debug, PartialEq)]
        pub enum Scheme {
            $($(
                #[doc = concat!("`", $name, "`")]
                $initializer($initializer),
            )*)*
        }

        $($(impl From<$initializer> for Scheme {
            fn from(initializer: $initializer) -> Self {
                Scheme::$initializer(initializer)
            }
        })*)*

        const ROWS: &[Row] = &[$($(Row {
            name: $name,
            needs: &[$($needs),*],
            defaults: || $example.fields(),
            read: |fields| $initializer::from_fields(fields).map(Scheme::$initializer),
        },)*)*];

        impl Scheme {
            /// The scheme of an initializer of unknown type; `None` if it is not of this crate.
            ///
            /// # Example
            /// ```
            /// use fanin_init::{Normal, Scheme, from_fn};
            ///
            /// let normal = Normal::new(0.0, 0.1);
            /// assert_eq!(Scheme::of(&normal), Some(normal.into()));
            /// assert_eq!(Scheme::of(&from_fn(|_, _, _| {})), None);
            /// ```
            pub fn of(initializer: &dyn Any) -> Option<Self> {
                $($(if let Some(initializer) = initializer.downcast_ref::<$initializer>() {
                    return Some(initializer.clone().into());
                })*)*
                initializer.downcast_ref::<Self>().cloned()
            }

            fn initializer(&self) -> &dyn Initializer {
                match self {
                    $($(Scheme::$initializer(initializer) => initializer,)*)*
                }
            }

            fn row(&self) -> &'static Row {
                let name = match self {
                    $($(Scheme::$initializer(_) => $name,)*)*
                };
                ROWS.iter().find(|row| row.name == name).expect("every initializer has a row")
            }

            fn fields(&self) -> Fields {
                match self {
                    $($(Scheme::$initializer(initializer) => initializer.fields(),)*)*
                }
            }
        }
    };
}

initializers::initializers!(scheme);

/// The parameter of an initializer that has one, and no name for it: it is printed without a name.
const VALUE: &str = "value";

/// What text needs to know of one initializer.
struct Row {
    name: &'static str,
    /// The parameters without a default.
    needs: &'static [&'static str],
    /// All parameters with their defaults, or any value where there is none.
    defaults: fn() -> Fields,
    read: fn(&Fields) -> Result<Scheme, String>,
}

impl Scheme {
    /// The name of the initializer, without its parameters.
    ///
    /// # Example
    /// ```
    /// use fanin_init::{Normal, Scheme};
    ///
    /// assert_eq!(Scheme::from(Normal::new(0.0, 0.02)).name(), "normal");
    /// ```
    pub fn name(&self) -> &'static str {
        self.row().name
    }

    /// The call that is printed: the parameters that differ from the defaults.
    fn to_call(&self) -> Call {
        let row = self.row();
        let mut args = vec![];
        for ((name, value), (_, default)) in self.fields().into_iter().zip((row.defaults)()) {
            if value != default || row.needs.contains(&name) {
                let printed = (name != VALUE).then(|| names::printed(name).to_owned());
                args.push((printed, value));
            }
        }
        Call { name: row.name.into(), args }
    }

    /// The names of all initializers, each once.
    ///
    /// # Example
    /// ```
    /// use fanin_init::Scheme;
    ///
    /// assert!(Scheme::names().any(|name| name == "orthogonal"));
    /// ```
    pub fn names() -> impl Iterator<Item = &'static str> {
        ROWS.iter().map(|row| row.name)
    }

    /// The names that other frameworks give to some initializers, and what these are called here.
    ///
    /// # Example
    /// ```
    /// use fanin_init::Scheme;
    ///
    /// assert!(Scheme::aliases().any(|pair| pair == ("he_normal", "variance_scaling(scale=2)")));
    /// for (name, meaning) in Scheme::aliases() {
    ///     assert_eq!(name.parse::<Scheme>(), meaning.parse());
    /// }
    /// ```
    pub fn aliases() -> impl Iterator<Item = (&'static str, &'static str)> {
        names::ALIASES.iter().map(|alias| (alias.name, alias.means))
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.to_call().fmt(f)
    }
}

impl FromStr for Scheme {
    type Err = ParseSchemeError;

    /// # Errors
    /// A sentence that says where the text is malformed, which names are nearest to an unknown one,
    /// or why the initializer refuses a value.
    fn from_str(text: &str) -> Result<Self, ParseSchemeError> {
        resolve::resolve(text::parse(text)?)
    }
}

impl Initializer for Scheme {
    fn fill(&self, param: &ParamSpec, rng: &mut dyn RngCore, values: ArrayViewMutD<'_, f32>) {
        // Check here, because a call through `dyn` loses the caller's line.
        require(self, param, values.shape());
        self.initializer().fill(param, rng, values);
    }

    fn check(&self, param: &ParamSpec, shape: &[usize]) -> Result<(), String> {
        self.initializer().check(param, shape)
    }

    fn awaits_activation(&self) -> bool {
        self.initializer().awaits_activation()
    }

    fn scratch_bytes(&self, param: &ParamSpec) -> u64 {
        self.initializer().scratch_bytes(param)
    }
}
