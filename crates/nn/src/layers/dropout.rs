//! [`Dropout`]: noise, so that units do not rely on one another.

use std::fmt;

use fanin_tensor::Scalar;

use crate::describe::{Describe, Features};
use crate::layers::LayerSpec;
use crate::module::Module;
use crate::ops::require_probability;
use crate::parameters::Parameters;
use crate::tape::Var;

/// Sets each element to 0 with probability p in training, and divides the others by 1 − p:
/// `y = x ⊙ mask / (1 − p)`. In prediction it is the identity, and copies nothing.
///
/// It drops in [`Mode::Train`](crate::Mode::Train), which
/// [`Tape::value_and_grad`](crate::Tape::value_and_grad) has unless told otherwise. The mask comes from the thread's [default generator](fanin_init::default_rng): after
/// [`manual_seed`](fanin_init::manual_seed) training can be repeated, bit for bit and with any number
/// of threads.
///
/// The masks are those of PyTorch on a CPU after `torch.manual_seed` with the same seed, bit for bit,
/// wherever PyTorch draws them from its own generator: on Intel's processors a build with MKL takes
/// MKL's, and other masks.
///
/// # Shapes
/// x and y of any shape, the same.
///
/// # Example
/// ```
/// use fanin_nn::init::manual_seed;
/// use fanin_nn::layers::{Dropout, Relu};
/// use fanin_nn::{Linear, Module, Sequential, Tape, Tensor};
///
/// let model = Sequential::new().add(Linear::new(8, 32)).add(Relu).add(Dropout::new(0.5));
/// let x = Tensor::ones([4, 8]);
/// assert_eq!(model.predict(&x), model.predict(&x));
///
/// let mut tape = Tape::new();
/// let mut loss = |seed| {
///     manual_seed(seed);
///     tape.value_and_grad(|t| model.forward(t.input(&x)).square().mean()).0
/// };
/// assert_eq!(loss(1), loss(1));
/// assert_ne!(loss(1), loss(2));
/// ```
///
/// # Reference
/// Srivastava et al. 2014, section 4; section 10 for the scaling in training.
#[derive(Clone, Copy, PartialEq)]
pub struct Dropout {
    p: f64,
}

impl Dropout {
    /// A layer that drops with probability `p`. With 0 it does nothing, and draws nothing.
    ///
    /// # Panics
    /// **Panics** unless `0 ≤ p < 1`.
    #[track_caller]
    pub fn new(p: f64) -> Self {
        require_probability("Dropout", p);
        Self { p }
    }

    /// The probability to drop.
    pub fn p(&self) -> f64 {
        self.p
    }
}

impl Default for Dropout {
    /// p = 0.5, as in PyTorch.
    fn default() -> Self {
        Self { p: 0.5 }
    }
}

impl<T: Scalar> Parameters<T> for Dropout {}

impl<T: Scalar> Module<T> for Dropout {
    #[track_caller]
    fn forward<'t>(&self, x: Var<'t, T>) -> Var<'t, T> {
        if x.tape().is_stochastic() { x.dropout(self.p) } else { x }
    }
}

impl Dropout {
    pub(in crate::layers) fn spec(&self) -> LayerSpec {
        LayerSpec::Dropout(self.p)
    }
}

impl Describe for Dropout {
    fn features(&self) -> Features {
        Features::Same
    }

    fn describe(&self) -> String {
        format!("Dropout({})", self.p)
    }
}

impl fmt::Debug for Dropout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Dropout({})", self.p)
    }
}
