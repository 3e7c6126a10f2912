//! The factor by which a layer makes up for what its activation takes from the signal.

use serde::{Deserialize, Serialize};

use crate::Nonlinearity;
use crate::initializer::or_panic;
use crate::numerics::quadrature::checked_expectation;

/// A factor on an initializer's standard deviation: from 0 to 1e30, so that no value overflows f32.
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

/// The largest gain: with it no number that is drawn overflows f32.
const GREATEST: f64 = 1e30;

impl Gain {
    /// 1: nothing is scaled.
    pub const ONE: Gain = Gain(1.0);

    /// The gain that keeps a signal's second moment through any activation: `1/√E[φ(z)²]`, for
    /// z ~ N(0, 1), by quadrature to 1e-12.
    ///
    /// # Panics
    /// When `E[φ(z)²]` is NaN or not from 1e-60 to 1e60. When φ oscillates too fast to be
    /// integrated, as `sin(1e6·z)` does.
    ///
    /// # Example
    /// ```
    /// use fanin_init::{Gain, KaimingNormal};
    ///
    /// let squared_relu = Gain::preserving(|z| z.max(0.0).powi(2));
    /// assert!((squared_relu.get() - (2.0f64 / 3.0).sqrt()).abs() < 1e-12);
    /// let initializer = KaimingNormal::default().gain(squared_relu);
    /// # let _ = initializer;
    /// ```
    ///
    /// # Reference
    /// He et al. 2015, equation 9, for any activation.
    #[track_caller]
    pub fn preserving(activation: impl Fn(f64) -> f64) -> Self {
        or_panic(Gain::checked_preserving(&activation))
    }

    /// [`preserving`](Self::preserving) for an activation that may have no such gain.
    ///
    /// # Errors
    /// Where [`preserving`](Self::preserving) panics.
    ///
    /// # Example
    /// ```
    /// use fanin_init::Gain;
    ///
    /// assert!(Gain::try_preserving(f64::tanh).is_ok());
    /// let error = Gain::try_preserving(|_| 0.0).unwrap_err();
    /// assert!(error.contains("second moment is 0.0"));
    /// ```
    pub fn try_preserving(activation: impl Fn(f64) -> f64) -> Result<Self, String> {
        Gain::checked_preserving(&activation)
    }

    pub(crate) fn checked_preserving(activation: &dyn Fn(f64) -> f64) -> Result<Self, String> {
        Gain::of_moment(checked_expectation(&|z| activation(z).powi(2)))
    }

    /// The gain that makes up for this second moment of an activation.
    pub(crate) fn of_moment(moment: Result<f64, String>) -> Result<Self, String> {
        let moment = moment.map_err(|reason| format!("Gain::preserving: {reason}"))?;
        if !(1e-60..=1e60).contains(&moment) {
            return Err(format!(
                "Gain::preserving: the activation's second moment is {moment:?}, so no gain keeps \
                 a signal: it must be finite and positive"
            ));
        }
        // Rounding may bring the largest one above the limit.
        Gain::checked(moment.sqrt().recip().min(GREATEST))
    }

    /// The number.
    pub fn get(self) -> f64 {
        self.0
    }

    pub(crate) fn checked(gain: f64) -> Result<Self, String> {
        if (0.0..=GREATEST).contains(&gain) {
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

/// A number that is not checked yet. serde cannot use `From<f64>`, because that panics.
#[derive(Deserialize)]
#[serde(transparent)]
struct Unchecked(f64);

impl TryFrom<Unchecked> for Gain {
    type Error = String;

    fn try_from(gain: Unchecked) -> Result<Self, String> {
        Gain::checked(gain.0)
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
    fn the_limits_are_gains_and_what_is_beyond_is_none() {
        for gain in [0.0, 5e-324, 1e30, 1.0f64.next_down()] {
            assert_eq!(Gain::from(gain).get(), gain);
        }
        for gain in [1e30f64.next_up(), -5e-324, f64::INFINITY, f64::NEG_INFINITY, f64::MAX] {
            let error = Gain::checked(gain).unwrap_err();
            assert!(error.contains("it must be from 0 to 1e30"), "{error}");
        }
        // At the limits of its second moment an activation has a gain that serde can read back.
        for (size, gain) in [(1e-30, 1e30), (1e30, 1e-30)] {
            let size: f64 = size;
            let moment =
                |factor: f64| Gain::checked_preserving(&move |z| size * factor * z.signum());
            let inside = if size < 1.0 { 1.0 + 1e-9 } else { 1.0 - 1e-9 };
            assert!((moment(inside).unwrap().get() / gain - 1.0).abs() < 1e-8);
            assert!(Gain::checked(moment(inside).unwrap().get()).is_ok());
            assert!(moment(2.0 - inside).unwrap_err().contains("second moment is"));
        }
        // The most that is drawn with the largest gain is finite: 8.6 standard deviations.
        let w = crate::XavierNormal::default().gain(1e30);
        let draw = crate::Initializer::draw(
            &w,
            &crate::ParamSpec::weight(1, 0),
            &[10_000],
            &mut crate::TorchRng::seed(0),
        );
        assert!(draw.iter().all(|x| x.is_finite()));
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
    #[should_panic(expected = "the activation's second moment is 0.0")]
    fn a_dead_activation_has_no_gain() {
        Gain::preserving(|_| 0.0);
    }

    #[test]
    #[should_panic(expected = "the activation's second moment is NaN")]
    fn an_activation_of_nan_has_no_gain() {
        Gain::preserving(f64::ln);
    }

    #[test]
    #[should_panic(expected = "the activation turns too often, or is too noisy")]
    fn an_activation_that_cannot_be_integrated_has_no_gain() {
        let _ = Gain::from(Nonlinearity::Sin(1e12));
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
