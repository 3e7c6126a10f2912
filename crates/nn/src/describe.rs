//! [`Describe`]: what a layer says of itself, whatever its element type.

use fanin_init::Gain;

/// Name, sizes and place among activations of a layer. It has no element type, so
/// `Relu.describe()` needs none either.
///
/// `#[derive(Parameters)]` implements it with these defaults. A layer that states more has
/// `#[parameters(no_describe)]` and an `impl` of its own:
///
/// ```
/// use fanin_nn::{Describe, Features, Linear, Module, Parameters, Sequential, Var};
///
/// #[derive(Clone, Parameters)]
/// #[parameters(no_describe)]
/// struct Halved(Linear);
///
/// impl Describe for Halved {
///     fn features(&self) -> Features {
///         self.0.features()
///     }
/// }
///
/// impl Module for Halved {
///     fn forward<'t>(&self, x: Var<'t>) -> Var<'t> {
///         self.0.forward(x) * 0.5
///     }
/// }
///
/// let model = Sequential::new().add(Halved(Linear::new(8, 4)));
/// assert_eq!(model.features(), Features::Map { input: 8, output: 4 });
/// assert_eq!(model.describe(), "Sequential(Halved)");
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not describe itself as a layer",
    label = "neither `Describe` nor `Parameters` is implemented",
    note = "derive both: `#[derive(Parameters)]`"
)]
pub trait Describe {
    /// The layer's name in messages and summaries: that of its type, unless it says more.
    fn describe(&self) -> String {
        short_name(std::any::type_name::<Self>())
    }

    /// How many features go in and come out: lets a [`Sequential`](crate::Sequential) refuse layers
    /// that do not fit while it is built.
    fn features(&self) -> Features {
        Features::Unknown
    }

    /// The gain that keeps a signal's second moment through this layer, if it is an activation:
    /// [`Gain::preserving`] of its function.
    fn activation_gain(&self) -> Option<Gain> {
        None
    }

    /// Tells the layer, if its output is that of a linear layer, the gain of the activation that
    /// follows. [`Sequential::add`](crate::Sequential::add) calls it.
    fn followed_by(&mut self, activation: Gain) {
        let _ = activation;
    }
}

/// A type's name without its path and its parameters.
fn short_name(name: &str) -> String {
    let plain = name.split('<').next().unwrap_or(name);
    plain.rsplit("::").next().unwrap_or(plain).to_owned()
}

/// Features of a module's input and output: the length of the last axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Features {
    /// As many come out as go in, whatever their number.
    Same,
    /// These numbers.
    Map {
        /// Of the input.
        input: usize,
        /// Of the output.
        output: usize,
    },
    /// The module does not say.
    Unknown,
}

impl Features {
    /// Those of two modules, the second fed by the first.
    #[must_use]
    pub fn then(self, next: Self) -> Self {
        match (self, next) {
            (Self::Same, next) => next,
            (this, Self::Same) => this,
            (Self::Map { input, .. }, Self::Map { output, .. }) => Self::Map { input, output },
            _ => Self::Unknown,
        }
    }

    /// The number of features that comes out, if as many come in as given.
    pub(crate) fn output_after(self, before: Option<usize>) -> Option<usize> {
        match self {
            Self::Same => before,
            Self::Map { output, .. } => Some(output),
            Self::Unknown => None,
        }
    }
}

/// The layers one behind the other.
impl<M: Describe> Describe for Vec<M> {
    fn features(&self) -> Features {
        self.iter().fold(Features::Same, |before, module| before.then(module.features()))
    }
}

impl<M: Describe> Describe for Option<M> {
    fn features(&self) -> Features {
        self.as_ref().map_or(Features::Same, Describe::features)
    }
    fn activation_gain(&self) -> Option<Gain> {
        self.as_ref().and_then(Describe::activation_gain)
    }
    fn followed_by(&mut self, activation: Gain) {
        if let Some(module) = self {
            module.followed_by(activation);
        }
    }
}

impl<M: Describe + ?Sized> Describe for Box<M> {
    fn describe(&self) -> String {
        (**self).describe()
    }
    fn features(&self) -> Features {
        (**self).features()
    }
    fn activation_gain(&self) -> Option<Gain> {
        (**self).activation_gain()
    }
    fn followed_by(&mut self, activation: Gain) {
        (**self).followed_by(activation);
    }
}
