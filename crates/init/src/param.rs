//! What an initializer may know of the parameter it fills.

use serde::{Deserialize, Serialize};

use crate::Gain;

/// The parameter to be filled, as its layer states it.
///
/// The fans are never guessed from a shape: the shapes of embeddings, transposed weights and biases
/// mislead. A bias has the fans of the weight of its layer. A parameter whose layer does not say what it
/// is has [`unstated`](Self::unstated) kind and fans, and initializers that need them refuse it.
///
/// # Example
/// ```
/// use fanin_init::{ParamKind, ParamSpec};
///
/// let bias = ParamSpec::bias(784, 128).named("layers.0.bias");
/// assert_eq!((bias.fan_in, bias.fan_out, bias.kind), (784, 128, ParamKind::Bias));
/// ```
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ParamSpec {
    /// How many inputs one unit sums.
    pub fan_in: usize,
    /// How many units one input reaches.
    pub fan_out: usize,
    /// What the parameter does.
    pub kind: ParamKind,
    /// For messages, and for initializers that treat some parameters differently.
    pub name: String,
    /// The gain of the activation that follows, where it is known: for [`Auto`](crate::Auto).
    #[serde(default)]
    pub activation: Option<Gain>,
}

/// The kinds of parameters, which always have separate initializers.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ParamKind {
    /// Multiplies its input.
    Weight,
    /// Is added to the result.
    Bias,
    /// Multiplies a signal element by element, such as the scale of a normalization or the α of a
    /// residual branch. Plans for all weights, or for all biases, leave it alone.
    Scale,
    /// Is added to a signal outside a linear layer, such as the shift of a normalization. Plans for all
    /// weights, or for all biases, leave it alone.
    Shift,
    /// A table of vectors, one for each id. Plans for all weights leave it alone: its rows are
    /// looked up, not summed, so no fan scales them.
    Embedding,
    /// The layer does not say. Plans for all weights, or for all biases, refuse a model with such a
    /// parameter, and so do initializers that need a kind or fans.
    Unstated,
}

impl ParamSpec {
    fn new(fan_in: usize, fan_out: usize, kind: ParamKind, name: &str) -> Self {
        ParamSpec { fan_in, fan_out, kind, name: name.into(), activation: None }
    }

    /// A weight, named `weight`.
    pub fn weight(fan_in: usize, fan_out: usize) -> Self {
        ParamSpec::new(fan_in, fan_out, ParamKind::Weight, "weight")
    }

    /// A bias, named `bias`, beside a weight of these fans.
    pub fn bias(fan_in: usize, fan_out: usize) -> Self {
        ParamSpec::new(fan_in, fan_out, ParamKind::Bias, "bias")
    }

    /// A factor of a whole signal, named `scale`; its fans are 1.
    pub fn scale() -> Self {
        ParamSpec::scale_of(1)
    }

    /// A factor for each of `features` elements, named `scale`: `fan_in` is 1, `fan_out` is `features`.
    pub fn scale_of(features: usize) -> Self {
        ParamSpec::new(1, features, ParamKind::Scale, "scale")
    }

    /// A summand for each of `features` elements, named `shift`: `fan_in` is 1, `fan_out` is
    /// `features`.
    pub fn shift_of(features: usize) -> Self {
        ParamSpec::new(1, features, ParamKind::Shift, "shift")
    }

    /// A table of vectors of `features` elements, named `weight`: `fan_in` is 1, since one row is
    /// looked up for each id, and `fan_out` is `features`.
    pub fn embedding(features: usize) -> Self {
        ParamSpec::new(1, features, ParamKind::Embedding, "weight")
    }

    /// A parameter of which neither the kind nor the fans are stated, named `parameter`. The fans are 0.
    ///
    /// # Example
    /// ```
    /// use fanin_init::{Initializer, KaimingNormal, Normal, ParamSpec};
    ///
    /// let unstated = ParamSpec::unstated();
    /// assert!(Normal::new(0.0, 0.1).check(&unstated, &[3, 5]).is_ok());
    /// let error = KaimingNormal::default().check(&unstated, &[3, 5]).unwrap_err();
    /// assert!(error.starts_with("KaimingNormal: the kind and fans of `parameter` are not stated"));
    /// ```
    pub fn unstated() -> Self {
        ParamSpec::new(0, 0, ParamKind::Unstated, "parameter")
    }

    /// A weight of PyTorch's layout `(out, in, k…)`: the fans are those of [`fans`].
    ///
    /// # Panics
    /// When the shape has fewer than two dimensions.
    #[track_caller]
    pub fn for_weight_shape(shape: &[usize]) -> Self {
        let (fan_in, fan_out) = fans(shape);
        ParamSpec::weight(fan_in, fan_out)
    }

    /// At most this many elements: a kernel's fans count its positions twice. One row of an embedding.
    pub(crate) fn most_elements(&self) -> u64 {
        match self.kind {
            ParamKind::Weight => (self.fan_in as u64).saturating_mul(self.fan_out as u64),
            _ => self.fan_out as u64,
        }
    }

    /// The same parameter under another name.
    #[must_use]
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// The same parameter, before an activation of this gain.
    #[must_use]
    pub fn followed_by(mut self, activation: Gain) -> Self {
        self.activation = Some(activation);
        self
    }
}

/// `(fan_in, fan_out)` of a weight of shape `(out, in, k…)`.
///
/// `fan_in = in·∏k`, `fan_out = out·∏k`; a product that overflows is `usize::MAX`.
///
/// # Panics
/// When the shape has fewer than two dimensions, so has no fans of its own.
///
/// # Example
/// ```
/// assert_eq!(fanin_init::fans(&[128, 784]), (784, 128));
/// assert_eq!(fanin_init::fans(&[16, 8, 3, 3]), (72, 144));
/// ```
#[track_caller]
pub fn fans(shape: &[usize]) -> (usize, usize) {
    let &[out, inputs, ref kernel @ ..] = shape else {
        panic!("fans: a weight of shape {shape:?} has no fans, it needs two dimensions or more");
    };
    let area = kernel.iter().copied().fold(1, usize::saturating_mul);
    (inputs.saturating_mul(area), out.saturating_mul(area))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[should_panic(expected = "a weight of shape [7] has no fans")]
    fn a_vector_has_no_fans() {
        ParamSpec::for_weight_shape(&[7]);
    }

    #[test]
    fn products_that_overflow_saturate() {
        assert_eq!(fans(&[3, usize::MAX, 2]), (usize::MAX, 6));
        assert_eq!(fans(&[0, 2, usize::MAX, 2]), (usize::MAX, 0));
    }

    #[test]
    fn specs_survive_serde() {
        let spec = ParamSpec::for_weight_shape(&[4, 3, 5]).named("conv.weight");
        assert_eq!((spec.fan_in, spec.fan_out), (15, 20));
        let text = serde_json::to_string(&spec).unwrap();
        assert_eq!(serde_json::from_str::<ParamSpec>(&text).unwrap(), spec);
    }
}
