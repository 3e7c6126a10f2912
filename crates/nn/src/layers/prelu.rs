//! [`Prelu`]: a leaky ReLU that learns its slopes.

use std::fmt;

use fanin_init::{Gain, Nonlinearity, ParamSpec};
use fanin_tensor::{Scalar, Tensor};

use crate::Parameters;
use crate::describe::{Describe, Features};
use crate::layers::{LayerSpec, PreluSpec};
use crate::module::Module;
use crate::ops::common_slope;
use crate::param::Param;
use crate::tape::Var;

/// `x` above 0, `w x` elsewhere, with a slope w that is learned: one for all features, or one for each.
///
/// The slopes begin at 0.25. The parameter is named `weight`, as in PyTorch, and of the kind
/// [`Scale`](fanin_init::ParamKind::Scale), which plans for all weights leave alone. Weight decay would
/// pull the slopes to 0 and so the layer to a ReLU. Spare them: `adamw.group("1.weight", |g|
/// g.weight_decay(0.0))`.
///
/// # Shapes
/// x and y `(…, features)`.
///
/// # Panics
/// **Panics** if there is a slope for each feature, and x has another number of features.
///
/// # Example
/// ```
/// use fanin_nn::layers::Prelu;
/// use fanin_nn::{Linear, Module, Parameters, Sequential, Tensor};
///
/// let model = Sequential::new().add(Linear::new(8, 32)).add(Prelu::new()).add(Linear::new(32, 1));
/// assert_eq!(model.param("1.weight").value(), &Tensor::full(1, 0.25));
///
/// let x = Tensor::from_vec([1, 2], vec![-2.0, 2.0]);
/// let y = Prelu::per_feature(2).initial(0.5).predict(&x);
/// assert_eq!(y.as_slice(), [-1.0, 2.0]);
/// ```
///
/// # Reference
/// He et al. 2015, "Delving Deep into Rectifiers", eq. 1.
#[doc(alias = "PReLU")]
#[derive(Clone, Parameters)]
#[parameters(no_describe)]
pub struct Prelu<T: Scalar = f32> {
    weight: Param<T>,
}

impl Prelu {
    /// One slope for all features, initially 0.25.
    pub fn new() -> Self {
        Self::per_feature(1)
    }

    /// A slope for each of this many features, initially 0.25.
    #[doc(alias = "num_parameters")]
    pub fn per_feature(features: usize) -> Self {
        let spec = ParamSpec::scale_of(features).named("weight");
        Self { weight: Param::with_spec(Tensor::full(features, 0.25), spec) }
    }

    /// The layer with another initial value for all slopes.
    ///
    /// # Panics
    /// **Panics** unless it is finite.
    #[doc(alias = "init")]
    #[must_use]
    #[track_caller]
    pub fn initial(mut self, slope: f64) -> Self {
        assert!((slope as f32).is_finite(), "Prelu: a slope of {slope} is not finite in f32");
        self.weight.value_mut().as_mut_slice().fill(slope as f32);
        self
    }
}

impl Default for Prelu {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: Scalar> Prelu<T> {
    /// The slopes.
    pub fn weight(&self) -> &Tensor<T> {
        self.weight.value()
    }

    /// The slopes, to be changed.
    pub fn weight_mut(&mut self) -> &mut Param<T> {
        &mut self.weight
    }

    /// The same layer with another element type.
    pub fn cast<U: Scalar>(&self) -> Prelu<U> {
        Prelu { weight: self.weight.cast() }
    }
}

impl<T: Scalar> Module<T> for Prelu<T> {
    #[track_caller]
    fn forward<'t>(&self, x: Var<'t, T>) -> Var<'t, T> {
        x.prelu(x.tape().param(&self.weight))
    }
}

impl<T: Scalar> Prelu<T> {
    pub(in crate::layers) fn spec(&self) -> LayerSpec {
        // With one slope, a layer of one feature and one for all are the same.
        let slopes = self.weight.value();
        let features = (slopes.len() != 1).then_some(slopes.len());
        LayerSpec::Prelu(PreluSpec { features, ..PreluSpec::default() })
    }
}

impl<T: Scalar> Describe for Prelu<T> {
    fn features(&self) -> Features {
        match self.weight().len() {
            1 => Features::Same,
            features => Features::Map { input: features, output: features },
        }
    }

    fn describe(&self) -> String {
        match self.weight().as_slice() {
            [slope] => format!("Prelu({slope})"),
            slopes => format!("Prelu({} slopes)", slopes.len()),
        }
    }

    fn activation_gain(&self) -> Option<Gain> {
        let slope = common_slope(self.weight().as_slice());
        (slope.abs() <= 1e20).then(|| Nonlinearity::LeakyRelu(slope).exact_gain())
    }
}

impl<T: Scalar> fmt::Debug for Prelu<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.describe())
    }
}
