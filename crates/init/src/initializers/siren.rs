//! For networks whose activation is a sine.

use ndarray::ArrayViewMutD;
use rand::RngCore;
use serde::{Deserialize, Serialize};

use crate::initializer::{or_panic, require};
use crate::random::draw;
use crate::scheme::fields;
use crate::{Fan, Initializer, ParamSpec, Position};

/// For layers `sin(ω₀·(Wx + b))`: U(±1/n) in the first, U(±√(6/n)/ω₀) in the others.
///
/// With inputs in [−1, 1] and without biases, ω₀·Wx of the second layer is nearly N(0, 1), and of
/// the later ones nearly N(0, 0.8), at any depth: 0.797 is the solution of `v = 1 − exp(−2v)`, the
/// variance after a sine and such weights when it is v before. So the later layers are all equally
/// nonlinear. ω₀ is the frequency of the first layer. It cancels in the signals of the others, but
/// makes their gradients larger; the default is 30. The program multiplies by ω₀ itself. The
/// paper's networks leave the biases as PyTorch draws them ([`FanInUniform`](crate::FanInUniform)),
/// which adds `ω₀²/(3n)` to that variance.
///
/// # Panics
/// `fill` panics when fan_in is 0.
///
/// # Example
/// ```
/// use fanin_init::{Initializer, ParamSpec, Position, Siren, TorchRng};
///
/// let mut rng = TorchRng::seed(0);
/// let first = Siren::new(Position::First).draw(&ParamSpec::weight(2, 256), &[256, 2], &mut rng);
/// assert!(first.iter().all(|x| x.abs() <= 0.5));
/// let initializer = Siren::new(Position::Hidden).omega0(30.0);
/// let hidden = initializer.draw(&ParamSpec::weight(256, 256), &[256, 256], &mut rng);
/// assert!(hidden.iter().all(|x| x.abs() <= (6f32 / 256.0).sqrt() / 30.0));
/// ```
///
/// # Reference
/// Sitzmann et al. 2020, "Implicit Neural Representations with Periodic Activation Functions", section
/// 3.2; the range of the first layer is that of the code released with it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct Siren {
    position: Position,
    omega0: f64,
}

impl Siren {
    /// For a layer at this position, with ω₀ = 30.
    pub fn new(position: Position) -> Self {
        Siren { position, omega0: 30.0 }
    }

    /// The same initializer with this ω₀, by which the sine's argument is multiplied.
    ///
    /// # Panics
    /// When `omega0` is not from 1e-30 to 1e30.
    #[must_use]
    #[track_caller]
    pub fn omega0(self, omega0: f64) -> Self {
        or_panic(Siren { omega0, ..self }.checked())
    }

    fn checked(self) -> Result<Self, String> {
        if (1e-30..=1e30).contains(&self.omega0) {
            Ok(self)
        } else {
            Err(format!(
                "Siren: an ω₀ of {:?} is impossible: it must be from 1e-30 to 1e30",
                self.omega0
            ))
        }
    }
}

impl Default for Siren {
    fn default() -> Self {
        Siren::new(Position::Hidden)
    }
}

fields!(Siren { position, omega0 } checked);

impl Initializer for Siren {
    fn fill(&self, param: &ParamSpec, rng: &mut dyn RngCore, values: ArrayViewMutD<'_, f32>) {
        require(self, param, values.shape());
        if values.is_empty() {
            return;
        }
        let n = param.fan_in as f64;
        let bound = match self.position {
            Position::First => 1.0 / n,
            Position::Hidden | Position::Last => (6.0 / n).sqrt() / self.omega0,
        };
        draw::fill_uniform(rng, values, -bound, bound);
    }

    fn check(&self, param: &ParamSpec, shape: &[usize]) -> Result<(), String> {
        Fan::In.check("Siren", param, shape)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::TorchRng;

    #[test]
    #[should_panic(expected = "Siren: fan_in of `weight` is 0")]
    fn no_inputs_are_refused() {
        Siren::default().draw(&ParamSpec::weight(0, 3), &[3], &mut TorchRng::seed(0));
    }

    #[test]
    #[should_panic(expected = "Siren: an ω₀ of 0.0 is impossible")]
    fn no_frequency_is_refused() {
        let _ = Siren::default().omega0(0.0);
    }

    #[test]
    fn serde_refuses_what_the_code_refuses() {
        let initializer = Siren::new(Position::First).omega0(25.0);
        let text = serde_json::to_string(&initializer).unwrap();
        assert_eq!(serde_json::from_str::<Siren>(&text).unwrap(), initializer);
        let error = serde_json::from_str::<Siren>(&text.replace("25", "-25")).unwrap_err();
        assert!(error.to_string().contains("an ω₀ of -25.0 is impossible"), "{error}");
    }
}
