//! How much a layer must scale up so that the activation after it does not shrink the signal.

use std::f64::consts::SQRT_2;

use serde::{Deserialize, Serialize};

use crate::initializer::or_panic;

/// A factor on a law's standard deviation: from 0 to 1e30, so that no value overflows f32.
///
/// Wherever a gain is asked for, a number or a [`Nonlinearity`] will do.
///
/// # Panics
/// The conversions from numbers panic on what is no gain; text and serde give an `Err`.
///
/// # Example
/// ```
/// use fanin_init::{Gain, Nonlinearity, XavierNormal};
///
/// assert_eq!(Gain::from(Nonlinearity::Tanh), Gain::from(5.0 / 3.0));
/// assert_eq!(XavierNormal::default().gain(1.5), XavierNormal { gain: Gain::from(1.5) });
/// ```
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(into = "f64", try_from = "Unchecked")]
pub struct Gain(f64);

impl Gain {
    /// 1: nothing is scaled.
    pub const ONE: Gain = Gain(1.0);

    /// The number.
    pub fn get(self) -> f64 {
        self.0
    }

    fn checked(gain: f64) -> Result<Self, String> {
        if (0.0..=1e30).contains(&gain) {
            Ok(Gain(gain))
        } else {
            Err(format!("a gain of {gain:?} is impossible: it must be from 0 to 1e30"))
        }
    }
}

impl Default for Gain {
    fn default() -> Self {
        Gain::ONE
    }
}

impl From<f64> for Gain {
    #[track_caller]
    fn from(gain: f64) -> Self {
        or_panic(Gain::checked(gain))
    }
}

impl From<f32> for Gain {
    #[track_caller]
    fn from(gain: f32) -> Self {
        f64::from(gain).into()
    }
}

impl From<Nonlinearity> for Gain {
    #[track_caller]
    fn from(nonlinearity: Nonlinearity) -> Self {
        nonlinearity.gain()
    }
}

impl From<Gain> for f64 {
    fn from(gain: Gain) -> f64 {
        gain.0
    }
}

/// A number of unknown origin; `From<f64>` panics and so cannot serve serde.
#[derive(Deserialize)]
#[serde(transparent)]
struct Unchecked(f64);

impl TryFrom<Unchecked> for Gain {
    type Error = String;

    fn try_from(gain: Unchecked) -> Result<Self, String> {
        Gain::checked(gain.0)
    }
}

/// The activations for which `torch.nn.init.calculate_gain` has a gain.
///
/// | activation | gain |
/// |---|---|
/// | `Linear`, `Sigmoid` | 1 |
/// | `Tanh` | 5/3 |
/// | `Relu` | √2 |
/// | `LeakyRelu(a)` | √(2/(1+a²)) |
/// | `Selu` | 3/4 |
///
/// # Reference
/// ReLU and leaky ReLU: He et al. 2015, equations 10 and 15. Those of tanh and SELU are PyTorch's
/// own, SELU's found by experiment.
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
    /// The self-normalizing exponential unit.
    Selu,
}

impl Nonlinearity {
    /// The gain of `torch.nn.init.calculate_gain`.
    ///
    /// # Panics
    /// When a leaky ReLU's slope is NaN.
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
        match self {
            Nonlinearity::Linear | Nonlinearity::Sigmoid => Gain(1.0),
            Nonlinearity::Tanh => Gain(5.0 / 3.0),
            Nonlinearity::Relu => Gain(SQRT_2),
            // In this order of operations, which decides the last bit of every Linear layer.
            Nonlinearity::LeakyRelu(a) => Gain::from((2.0 / (1.0 + a * a)).sqrt()),
            Nonlinearity::Selu => Gain(3.0 / 4.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn serde_refuses_what_the_code_refuses() {
        assert_eq!(serde_json::from_str::<Gain>("1.5").unwrap(), Gain(1.5));
        assert_eq!(serde_json::to_string(&Gain(1.5)).unwrap(), "1.5");
        let error = serde_json::from_str::<Gain>("-1.5").unwrap_err().to_string();
        assert!(error.contains("a gain of -1.5 is impossible"), "{error}");
    }

    #[test]
    #[should_panic(expected = "a gain of NaN is impossible")]
    fn nan_is_no_gain() {
        let _ = Gain::from(f64::NAN);
    }

    #[test]
    #[should_panic(expected = "a gain of -2.0 is impossible")]
    fn a_negative_gain_is_refused() {
        let _ = Gain::from(-2.0f32);
    }

    #[test]
    #[should_panic(expected = "a gain of NaN is impossible")]
    fn a_slope_of_nan_is_refused() {
        Nonlinearity::LeakyRelu(f64::NAN).gain();
    }

    #[test]
    fn the_panic_is_at_the_callers_line() {
        use std::sync::{Arc, Mutex};
        let seen = Arc::new(Mutex::new(0));
        let hook = std::panic::take_hook();
        let line = Arc::clone(&seen);
        std::panic::set_hook(Box::new(move |info| {
            *line.lock().unwrap() = info.location().unwrap().line();
        }));
        let here = line!() + 1;
        let _ = std::panic::catch_unwind(|| crate::XavierNormal::default().gain(-1.0));
        std::panic::set_hook(hook);
        assert_eq!(*seen.lock().unwrap(), here);
    }
}
