//! The normal distribution without its tails.

use ndarray::ArrayViewMutD;
use rand::RngCore;
use serde::{Deserialize, Serialize};

use crate::initializer::or_panic;
use crate::random::draw;
use crate::random::truncated::{Truncated, Way};
use crate::scheme::fields;
use crate::{Initializer, ParamSpec};

/// The standard deviation of a unit normal truncated at ±2.
pub(crate) const STD_WITHIN_2: f64 = 0.879_625_661_034_239_8;

/// Normal of this mean and standard deviation, given that it lies in `[low, high]`.
///
/// The bounds are values, not multiples of `std`, as in PyTorch; `mean` and `std` are those of the
/// normal before it is truncated. With `α = (low − mean)/std`, `β = (high − mean)/std`, density φ,
/// distribution Φ and `Z = Φ(β) − Φ(α)`, the variance is
/// `std²·(1 + (αφ(α) − βφ(β))/Z − ((φ(α) − φ(β))/Z)²)`.
///
/// # Agreement with PyTorch
/// | range | draw |
/// |---|---|
/// | Z > 0.3 | `torch.nn.init.trunc_normal_(mean, std, low, high)`, bit for bit: normal numbers are drawn again until all lie inside |
/// | Z ≤ 0.3, and at least one of 16 uniform numbers is kept | the same: each uniform number is kept with a probability proportional to the density. PyTorch also keeps one in 2²⁴, however unlikely; here it is drawn again |
/// | any other | the same distribution, other numbers: rejection in f64, from an exponential distribution |
///
/// The share of uniform numbers that are kept is about `min(1/t, 1.25, w)/w`, for a range that is w
/// standard deviations wide and begins t from the mean. In the last row PyTorch searches for
/// minutes, and gives numbers of 15 to 100 standard deviations where none is likely beyond 7. In
/// the second row, rounding could make PyTorch keep a number that is refused here, or refuse one;
/// this happened in none of six million numbers compared.
///
/// # Three senses of "standard deviation"
/// | | the normal's, before truncation | what is drawn has | as |
/// |---|---|---|---|
/// | [`new(0, σ, low, high)`](Self::new) | σ, cut at two values | less than σ, or just σ when they are far | PyTorch `trunc_normal_` |
/// | [`std(σ)`](Self::std) | σ, cut at ±2σ | 0.8796·σ | Keras `TruncatedNormal`, JAX `truncated_normal` |
/// | [`corrected(σ)`](Self::corrected) | σ/0.8796, cut at two of these | σ | `variance_scaling` of both |
///
/// # Example
/// ```
/// use fanin_init::{Initializer, ParamSpec, TorchRng, TruncatedNormal};
///
/// let mut rng = TorchRng::seed(0);
/// let w = TruncatedNormal::std(0.02).draw(&ParamSpec::weight(64, 32), &[32, 64], &mut rng);
/// assert!(w.iter().all(|x| x.abs() <= 0.04));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct TruncatedNormal {
    mean: f64,
    std: f64,
    low: f64,
    high: f64,
}

impl TruncatedNormal {
    /// PyTorch's: the bounds are values.
    ///
    /// # Panics
    /// When a number is not finite in f32, `std` is not positive in f32, or `low ≥ high` in f32.
    /// When f32 is too coarse for the range, so that all numbers would be equal: far from the mean
    /// they crowd within `std/t` of the nearer bound, at t standard deviations.
    #[track_caller]
    pub fn new(mean: f64, std: f64, low: f64, high: f64) -> Self {
        or_panic(TruncatedNormal { mean, std, low, high }.checked())
    }

    /// The initializer of Keras and JAX: mean 0, truncated at two standard deviations.
    ///
    /// The numbers drawn have a standard deviation of 0.8796·`std`, as theirs have;
    /// [`corrected`](Self::corrected) ones have `std`.
    ///
    /// # Panics
    /// When `std` is not positive and finite in f32.
    #[track_caller]
    pub fn std(std: f64) -> Self {
        TruncatedNormal::new(0.0, std, -2.0 * std, 2.0 * std)
    }

    /// Mean 0 and, as drawn, this standard deviation: cut at ±2·`std`/0.8796 = ±2.2737·`std`.
    ///
    /// The truncated normal within `variance_scaling` of Keras and JAX, and so within their
    /// `he_normal`, `glorot_normal` and `lecun_normal`: see
    /// [`VarianceScaling`](crate::VarianceScaling).
    ///
    /// # Panics
    /// When `std` is not positive and finite in f32.
    ///
    /// # Example
    /// ```
    /// use fanin_init::{Initializer, ParamSpec, TorchRng, TruncatedNormal};
    ///
    /// let (spec, mut rng) = (ParamSpec::weight(300, 200), TorchRng::seed(0));
    /// let w = TruncatedNormal::corrected(0.1).draw(&spec, &[200, 300], &mut rng);
    /// assert!((w.std(0.0) - 0.1).abs() < 1e-3);
    /// let w = TruncatedNormal::std(0.1).draw(&spec, &[200, 300], &mut rng);
    /// assert!((w.std(0.0) - 0.088).abs() < 1e-3);
    /// ```
    #[track_caller]
    pub fn corrected(std: f64) -> Self {
        // Checks the number that the caller gave, so that the message names it.
        let TruncatedNormal { std, .. } = TruncatedNormal::std(std);
        TruncatedNormal::std(std / STD_WITHIN_2)
    }

    fn checked(self) -> Result<Self, String> {
        let TruncatedNormal { mean, std, low, high } = self;
        let all_finite = [mean, std, low, high].into_iter().all(|x| (x as f32).is_finite());
        if !all_finite || !(high as f32 - low as f32).is_finite() {
            Err(format!(
                "TruncatedNormal: mean {mean:?}, standard deviation {std:?} and bounds {low:?}, {high:?} \
                 must be finite in f32"
            ))
        } else if std as f32 <= 0.0 {
            Err(format!("TruncatedNormal: the standard deviation {std:?} must be positive"))
        } else if low as f32 >= high as f32 {
            Err(format!("TruncatedNormal: the range from {low:?} to {high:?} is empty"))
        } else if !self.range().has_digits() {
            Err(format!(
                "TruncatedNormal: f32 is too coarse to draw from {low:?} to {high:?} what is \
                 {mean:?} ± {std:?}: all numbers would be equal"
            ))
        } else {
            Ok(self)
        }
    }

    fn range(&self) -> Truncated {
        let TruncatedNormal { mean, std, low, high } = *self;
        Truncated { mean, std, low, high }
    }

    pub(crate) fn draw_slice(&self, rng: &mut dyn RngCore, values: &mut [f32]) {
        self.range().fill(rng, values);
    }
}

fields!(TruncatedNormal { mean, std, low, high } checked);

impl Initializer for TruncatedNormal {
    fn fill(&self, _: &ParamSpec, rng: &mut dyn RngCore, values: ArrayViewMutD<'_, f32>) {
        draw::in_order(values, &mut |values| self.draw_slice(rng, values));
    }

    fn scratch_bytes(&self, param: &ParamSpec) -> u64 {
        match self.range().way() {
            // Which elements still wait for a number.
            Way::Reject => param.most_elements(),
            Way::Redraw | Way::Near => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::TorchRng;

    #[test]
    fn the_constant_is_the_deviation_within_two() {
        let density = (-2.0f64).exp() / std::f64::consts::TAU.sqrt();
        let inside = crate::numerics::erf::erf(std::f64::consts::SQRT_2);
        let variance = 1.0 - 4.0 * density / inside;
        assert!((variance.sqrt() - STD_WITHIN_2).abs() < 1e-15);
    }

    #[test]
    #[should_panic(expected = "TruncatedNormal: the standard deviation 0.0 must be positive")]
    fn no_deviation_is_refused() {
        TruncatedNormal::new(0.0, 0.0, -1.0, 1.0);
    }

    #[test]
    #[should_panic(expected = "the range from 1.0 to 1.00000000001 is empty")]
    fn a_range_that_is_empty_in_f32_is_refused() {
        TruncatedNormal::new(0.0, 1.0, 1.0, 1.00000000001);
    }

    #[test]
    #[should_panic(
        expected = "mean NaN, standard deviation 1.0 and bounds -2.0, 2.0 must be finite"
    )]
    fn nan_is_refused() {
        TruncatedNormal::new(f64::NAN, 1.0, -2.0, 2.0);
    }

    #[test]
    #[should_panic(
        expected = "to draw from 1.0 to 2.0 what is 0.0 ± 1e-10: all numbers would be equal"
    )]
    fn a_range_where_all_numbers_are_equal_is_refused() {
        TruncatedNormal::new(0.0, 1e-10, 1.0, 2.0);
    }

    #[test]
    fn a_range_that_rounding_leaves_without_digits_is_refused() {
        for [mean, std, low, high] in [
            [1.0000000597, 1e-9, 0.0, 1.0000000595], // rounded, the mean is 119 deviations outside
            [0.0, 0.08, -2759.550, -2759.544],       // the logarithms have no digits left
            [3.049e-13, 3.1e-17, -1.1064833e-13, -1.1064826e-13],
        ] {
            let error = TruncatedNormal { mean, std, low, high }.checked().unwrap_err();
            assert!(error.contains("f32 is too coarse"), "{error}");
        }
        // Far out in a tail, but f32 can tell: with density e^(−300·s) at s deviations from it.
        let initializer = TruncatedNormal::new(0.0, 1.0, 300.0, 301.0);
        let w = initializer.draw(&ParamSpec::bias(1, 400), &[400], &mut TorchRng::seed(1));
        let mean = w.iter().map(|&x| f64::from(x) - 300.0).sum::<f64>() / 400.0;
        assert!((mean * 300.0 - 1.0).abs() < 0.25, "{mean}");
    }

    #[test]
    #[should_panic(expected = "the standard deviation -1.0 must be positive")]
    fn std_panics_too() {
        TruncatedNormal::std(-1.0);
    }

    #[test]
    #[should_panic(expected = "the standard deviation -1.0 must be positive")]
    fn corrected_panics_with_the_number_given() {
        TruncatedNormal::corrected(-1.0);
    }

    #[test]
    fn serde_refuses_what_the_code_refuses() {
        let initializer = TruncatedNormal::new(0.5, 0.25, 0.0, 3.0);
        let text = serde_json::to_string(&initializer).unwrap();
        assert_eq!(serde_json::from_str::<TruncatedNormal>(&text).unwrap(), initializer);
        let bad = text.replace("3.0", "-3.0");
        let error = serde_json::from_str::<TruncatedNormal>(&bad).unwrap_err().to_string();
        assert!(error.contains("from 0.0 to -3.0 is empty"), "{error}");
    }
}
