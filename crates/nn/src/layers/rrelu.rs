//! [`Rrelu`]: a leaky ReLU with random slopes in training.

use std::fmt;

use fanin_init::{Gain, Nonlinearity};
use fanin_tensor::Scalar;

use crate::describe::{Describe, Features};
use crate::layers::LayerSpec;
use crate::module::Module;
use crate::ops::require_slopes;
use crate::parameters::Parameters;
use crate::tape::Var;

/// `x` above 0, and elsewhere x times a slope. In training each element has a slope of its own, drawn
/// uniformly from `[lower, upper)`; in prediction the slope is their mean, `(lower + upper) / 2`.
///
/// The slopes come from the thread's [default generator](fanin_init::default_rng): after
/// [`manual_seed`](fanin_init::manual_seed) training can be repeated, bit for bit and with any number of
/// threads. They are those of PyTorch on a CPU after `torch.manual_seed` with the same seed.
///
/// # Shapes
/// x and y of any shape, the same.
///
/// # Example
/// ```
/// use fanin_nn::layers::Rrelu;
/// use fanin_nn::{Mode, Module, Tape, Tensor};
///
/// let (layer, x) = (Rrelu::new(0.25, 0.75), Tensor::from_vec(2, vec![-2.0, 2.0]));
/// assert_eq!(layer.predict(&x).as_slice(), [-1.0, 2.0]);
/// let y = Tape::new().value_in(Mode::Train, |t| layer.forward(t.input(&x)));
/// assert!((-1.5..=-0.5).contains(&y.as_slice()[0]) && y.as_slice()[1] == 2.0);
/// ```
///
/// # Reference
/// Xu et al. 2015, "Empirical Evaluation of Rectified Activations in Convolutional Network", section 2.4.
#[doc(alias = "RReLU")]
#[derive(Clone, Copy, PartialEq)]
pub struct Rrelu {
    lower: f64,
    upper: f64,
}

impl Rrelu {
    /// A layer with slopes between these two.
    ///
    /// # Panics
    /// **Panics** unless `lower ≤ upper` and both are finite.
    #[track_caller]
    pub fn new(lower: f64, upper: f64) -> Self {
        require_slopes("Rrelu", lower, upper);
        Self { lower, upper }
    }

    /// The smallest and the largest slope.
    pub fn slopes(&self) -> [f64; 2] {
        [self.lower, self.upper]
    }
}

impl Default for Rrelu {
    /// Slopes from 1/8 to 1/3, as in PyTorch.
    fn default() -> Self {
        Self { lower: 1.0 / 8.0, upper: 1.0 / 3.0 }
    }
}

impl<T: Scalar> Parameters<T> for Rrelu {}

impl<T: Scalar> Module<T> for Rrelu {
    #[track_caller]
    fn forward<'t>(&self, x: Var<'t, T>) -> Var<'t, T> {
        if x.tape().is_stochastic() {
            x.rrelu(self.lower, self.upper)
        } else {
            x.leaky_relu(T::from_f64((self.lower + self.upper) / 2.0))
        }
    }
}

impl Rrelu {
    pub(in crate::layers) fn spec(&self) -> LayerSpec {
        LayerSpec::Rrelu(self.lower, self.upper)
    }
}

impl Describe for Rrelu {
    fn features(&self) -> Features {
        Features::Same
    }

    fn describe(&self) -> String {
        format!("Rrelu({}, {})", self.lower, self.upper)
    }

    /// That of the function in training: the mean square of the slopes counts.
    fn activation_gain(&self) -> Option<Gain> {
        let Self { lower, upper } = *self;
        let slope = ((lower * lower + lower * upper + upper * upper) / 3.0).sqrt();
        (slope <= 1e20).then(|| Nonlinearity::LeakyRelu(slope).exact_gain())
    }
}

impl fmt::Debug for Rrelu {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.describe())
    }
}
