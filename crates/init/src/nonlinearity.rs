//! Activations as functions of one number, and their gains.

use std::f64::consts::{FRAC_1_SQRT_2, FRAC_2_SQRT_PI, SQRT_2, TAU};

use serde::{Deserialize, Serialize};

use crate::Gain;
use crate::initializer::or_panic;
use crate::numerics::erf::erf;
use crate::numerics::quadrature::{TURNS_TOO_OFTEN, checked_expectation};

/// An activation φ whose gain is known.
///
/// [`gain`](Self::gain) is that of `torch.nn.init.calculate_gain`, where PyTorch has one. Elsewhere
/// it is [`exact_gain`](Self::exact_gain), which keeps a signal's second moment, `1/√E[φ(z)²]`:
///
/// | activation | PyTorch's gain | exact gain |
/// |---|---|---|
/// | `Linear` | 1 | 1 |
/// | `Sigmoid` | 1 | 1.8462 |
/// | `Tanh` | 5/3 | 1.5925 |
/// | `Relu` | √2 | √2 |
/// | `LeakyRelu(a)` | √(2/(1+a²)) | the same |
/// | `Selu` | 3/4 | 1.0000 |
/// | `Elu(1)` | | 1.2452 |
/// | `Gelu` | | 1.5335 |
/// | `GeluTanh` | | 1.5336 |
/// | `Silu` | | 1.6765 |
/// | `Softplus` | | 1.0419 |
/// | `Softsign` | | 2.3375 |
/// | `Mish` | | 1.4868 |
/// | `Sin(1)` | | 1.5209 |
///
/// For a function of your own there is [`Gain::preserving`].
///
/// # Reference
/// ReLU and leaky ReLU: He et al. 2015, equations 10 and 15. PyTorch's gains for tanh and SELU are
/// its own; that for SELU was found by experiment. The exact ones are computed by
/// [`expectation`](crate::expectation).
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Nonlinearity {
    /// None, or the identity.
    Linear,
    /// `1 / (1 + e⁻ˣ)`.
    Sigmoid,
    /// `tanh x`.
    Tanh,
    /// `max(x, 0)`.
    Relu,
    /// `x` where positive, else `a·x`, with this slope `a`. PyTorch's own default slope is 0.01.
    LeakyRelu(f64),
    /// The self-normalizing exponential unit: `λ·x` where positive, else `λ·α·(eˣ − 1)`.
    Selu,
    /// `x` where positive, else `α·(eˣ − 1)`, with this α.
    Elu(f64),
    /// `x·Φ(x)`, with Φ the normal distribution.
    Gelu,
    /// The approximation of [`Gelu`](Self::Gelu) by tanh.
    GeluTanh,
    /// `x / (1 + e⁻ˣ)`, also called swish.
    Silu,
    /// `ln(1 + eˣ)`.
    Softplus,
    /// `x / (1 + |x|)`.
    Softsign,
    /// `x·tanh(ln(1 + eˣ))`.
    Mish,
    /// `sin(ω·x)`, with this ω.
    Sin(f64),
}

/// Whether an activation turns so often that its moments are those of all angles.
enum Turns {
    Few,
    /// A sine of this frequency.
    Many(f64),
}

const SELU_ALPHA: f64 = 1.673_263_242_354_377_2;
const SELU_SCALE: f64 = 1.050_700_987_355_480_5;

impl Nonlinearity {
    /// The gain of `torch.nn.init.calculate_gain`, or the exact one where it has none.
    ///
    /// # Panics
    /// When a parameter is NaN or infinite, or leaves nothing of the signal.
    ///
    /// # Example
    /// ```
    /// use fanin_init::Nonlinearity;
    ///
    /// assert_eq!(Nonlinearity::Relu.gain().get(), 2f64.sqrt());
    /// assert_eq!(Nonlinearity::LeakyRelu(0.0).gain(), Nonlinearity::Relu.gain());
    /// ```
    #[track_caller]
    pub fn gain(self) -> Gain {
        or_panic(self.checked_gain())
    }

    pub(crate) fn checked_gain(self) -> Result<Gain, String> {
        match self {
            Nonlinearity::Linear | Nonlinearity::Sigmoid => Ok(Gain::ONE),
            Nonlinearity::Tanh => Gain::checked(5.0 / 3.0),
            Nonlinearity::Relu => Gain::checked(SQRT_2),
            // The order of operations decides the last bit of every default Linear layer.
            Nonlinearity::LeakyRelu(a) if a.abs() <= 1e30 => {
                Gain::checked((2.0 / (1.0 + a * a)).sqrt())
            }
            Nonlinearity::LeakyRelu(a) => {
                Err(format!("a slope of {a:?} is impossible: it must be within ±1e30"))
            }
            Nonlinearity::Selu => Gain::checked(3.0 / 4.0),
            _ => Gain::of_moment(self.moment(1.0)),
        }
    }

    /// `E[φ(s·z)²]`, z ~ N(0, 1), with a bounded number of evaluations.
    pub(crate) fn moment(self, s: f64) -> Result<f64, String> {
        match self.turns(s)? {
            Turns::Many(_) => Ok(0.5),
            Turns::Few => checked_expectation(&|z| self.value(s * z).powi(2)),
        }
    }

    /// `E[φ′(s·z)²]`, z ~ N(0, 1), with a bounded number of evaluations.
    pub(crate) fn slope_moment(self, s: f64) -> Result<f64, String> {
        match self.turns(s)? {
            Turns::Many(omega) => Ok(0.5 * omega * omega),
            Turns::Few => checked_expectation(&|z| self.slope(s * z).powi(2)),
        }
    }

    /// How often `φ(s·z)` turns. Quadrature would need 280 evaluations for each radian; but
    /// `E[sin²(ωsz)] = (1 − e^(−2ω²s²))/2` is 1/2 to the last digit from ωs = 5 on.
    fn turns(self, s: f64) -> Result<Turns, String> {
        match self {
            Nonlinearity::Sin(omega) if omega.abs() > 1e4 => Err(TURNS_TOO_OFTEN.into()),
            Nonlinearity::Sin(omega) if (omega * s).abs() > 64.0 => Ok(Turns::Many(omega)),
            _ => Ok(Turns::Few),
        }
    }

    /// The gain that keeps a signal's second moment: `1/√E[φ(z)²]`, z ~ N(0, 1).
    ///
    /// # Panics
    /// When a parameter is NaN or infinite, or leaves nothing of the signal.
    ///
    /// # Example
    /// ```
    /// use fanin_init::Nonlinearity;
    ///
    /// assert!((Nonlinearity::Gelu.exact_gain().get() - 1.5335).abs() < 5e-5);
    /// ```
    #[track_caller]
    pub fn exact_gain(self) -> Gain {
        match self {
            Nonlinearity::Linear => Gain::ONE,
            Nonlinearity::Relu | Nonlinearity::LeakyRelu(_) => self.gain(),
            _ => or_panic(Gain::of_moment(self.moment(1.0))),
        }
    }

    /// `φ(x)`.
    pub fn value(self, x: f64) -> f64 {
        match self {
            Nonlinearity::Linear => x,
            Nonlinearity::Sigmoid => sigmoid(x),
            Nonlinearity::Tanh => x.tanh(),
            Nonlinearity::Relu => x.max(0.0),
            Nonlinearity::LeakyRelu(a) => {
                if x > 0.0 {
                    x
                } else {
                    a * x
                }
            }
            Nonlinearity::Selu => SELU_SCALE * Nonlinearity::Elu(SELU_ALPHA).value(x),
            Nonlinearity::Elu(alpha) => {
                if x > 0.0 {
                    x
                } else {
                    alpha * x.exp_m1()
                }
            }
            Nonlinearity::Gelu => x * normal_cdf(x),
            Nonlinearity::GeluTanh => x * 0.5 * (1.0 + gelu_inner(x).tanh()),
            Nonlinearity::Silu => x * sigmoid(x),
            Nonlinearity::Softplus => softplus(x),
            Nonlinearity::Softsign => x / (1.0 + x.abs()),
            Nonlinearity::Mish => x * softplus(x).tanh(),
            Nonlinearity::Sin(omega) => (omega * x).sin(),
        }
    }

    /// The derivative `φ′(x)`; at a kink, that of the left side.
    pub fn slope(self, x: f64) -> f64 {
        let step = |positive, negative| if x > 0.0 { positive } else { negative };
        match self {
            Nonlinearity::Linear => 1.0,
            Nonlinearity::Sigmoid => sigmoid(x) * sigmoid(-x),
            Nonlinearity::Tanh => 1.0 - x.tanh().powi(2),
            Nonlinearity::Relu => step(1.0, 0.0),
            Nonlinearity::LeakyRelu(a) => step(1.0, a),
            Nonlinearity::Selu => SELU_SCALE * step(1.0, SELU_ALPHA * x.exp()),
            Nonlinearity::Elu(alpha) => step(1.0, alpha * x.exp()),
            Nonlinearity::Gelu => normal_cdf(x) + x * (-0.5 * x * x).exp() / TAU.sqrt(),
            Nonlinearity::GeluTanh => {
                let tanh = gelu_inner(x).tanh();
                let inner_slope = FRAC_2_SQRT_PI * FRAC_1_SQRT_2 * (1.0 + 3.0 * 0.044_715 * x * x);
                0.5 * (1.0 + tanh) + 0.5 * x * (1.0 - tanh * tanh) * inner_slope
            }
            Nonlinearity::Silu => sigmoid(x) * (1.0 + x * sigmoid(-x)),
            Nonlinearity::Softplus => sigmoid(x),
            Nonlinearity::Softsign => (1.0 + x.abs()).powi(-2),
            Nonlinearity::Mish => {
                let tanh = softplus(x).tanh();
                tanh + x * (1.0 - tanh * tanh) * sigmoid(x)
            }
            Nonlinearity::Sin(omega) => omega * (omega * x).cos(),
        }
    }
}

fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

fn softplus(x: f64) -> f64 {
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}

fn normal_cdf(x: f64) -> f64 {
    0.5 * (1.0 + erf(x * FRAC_1_SQRT_2))
}

/// `√(2/π)·(x + 0.044715·x³)`.
fn gelu_inner(x: f64) -> f64 {
    FRAC_2_SQRT_PI * FRAC_1_SQRT_2 * (x + 0.044_715 * x.powi(3))
}

#[cfg(test)]
mod tests {
    use super::*;
    use Nonlinearity::*;

    const ALL: [Nonlinearity; 14] = [
        Linear,
        Sigmoid,
        Tanh,
        Relu,
        LeakyRelu(0.2),
        Selu,
        Elu(1.0),
        Gelu,
        GeluTanh,
        Silu,
        Softplus,
        Softsign,
        Mish,
        Sin(1.0),
    ];

    #[test]
    fn exact_gains_are_those_of_the_table() {
        let want = [
            1.0, 1.8462, 1.5925, SQRT_2, 1.3868, 1.0000, 1.2452, 1.5335, 1.5336, 1.6765, 1.0419,
            2.3375, 1.4868, 1.5209,
        ];
        for (phi, want) in ALL.into_iter().zip(want) {
            let gain = phi.exact_gain().get();
            assert!((gain - want).abs() < 6e-5, "{phi:?}: {gain}, not {want}");
        }
    }

    #[test]
    fn closed_forms_and_quadrature_agree() {
        for phi in [Linear, Relu, LeakyRelu(0.3), LeakyRelu(-2.0)] {
            let quadrature = Gain::preserving(|z| phi.value(z)).get();
            assert!((phi.exact_gain().get() - quadrature).abs() < 1e-12, "{phi:?}");
        }
        // E[sin²(ωz)] = (1 − e^(−2ω²))/2
        let want = (2.0 / (1.0 - (-18.0f64).exp())).sqrt();
        assert!((Sin(3.0).exact_gain().get() - want).abs() < 1e-12);
        // On both sides of the frequency from which on a sine is not integrated.
        for omega in [4.0, 60.0, 64.0, 64.1, -80.0, 150.0, 1e4] {
            let one = |s: f64| (-2.0 * (omega * s).powi(2)).exp_m1();
            for s in [1.0, 0.01, 3.0] {
                let (moment, slope) = (Sin(omega).moment(s), Sin(omega).slope_moment(s));
                assert!((moment.unwrap() / (-0.5 * one(s)) - 1.0).abs() < 1e-12, "{omega}, {s}");
                let want = 0.5 * omega * omega * (2.0 + one(s));
                assert!((slope.unwrap() / want - 1.0).abs() < 1e-12, "{omega}, {s}");
            }
        }
        assert!(Sin(1.1e4).moment(1e-9).unwrap_err().contains("turns too often"));
    }

    #[test]
    fn slopes_are_those_of_the_values() {
        const H: f64 = 1e-5;
        for phi in ALL {
            for x in [-7.3, -2.0, -0.4, 0.3, 1.1, 4.0] {
                let difference = (phi.value(x + H) - phi.value(x - H)) / (2.0 * H);
                assert!((phi.slope(x) - difference).abs() < 1e-9, "{phi:?} at {x}");
            }
        }
    }

    #[test]
    #[should_panic(expected = "a slope of NaN is impossible")]
    fn a_slope_of_nan_is_refused() {
        LeakyRelu(f64::NAN).gain();
    }

    #[test]
    #[should_panic(expected = "a slope of -inf is impossible")]
    fn an_infinite_slope_is_refused() {
        LeakyRelu(f64::NEG_INFINITY).exact_gain();
    }

    #[test]
    #[should_panic(expected = "second moment is 0.0")]
    fn a_sine_that_stands_still_is_refused() {
        Sin(0.0).gain();
    }
}
