//! Expectations over the normal distribution, by quadrature.

/// `E[f(z)]` for z ~ N(0, 1), to some 1e-12 of its size.
///
/// `∫ f(z)·e^(−z²/2)/√(2π) dz` over ±13, by Gauss and Legendre's rule of 8 points on intervals that
/// are halved until both halves agree with the whole. So `f` may have kinks and jumps anywhere. If
/// it grows no faster than `e^z`, the part beyond ±13 is negligible.
///
/// NaN or infinite values of `f` make the result NaN or infinite. The result is also NaN when three
/// million evaluations are not enough, because `f` oscillates as fast as `sin(1e6·z)` or is noisy.
///
/// # Example
/// ```
/// use fanin_init::expectation;
///
/// assert!((expectation(|z| z * z) - 1.0).abs() < 1e-12);
/// assert!((expectation(|z| z.max(0.0)) - (2.0 * std::f64::consts::PI).sqrt().recip()).abs() < 1e-12);
/// ```
pub fn expectation(f: impl Fn(f64) -> f64) -> f64 {
    checked_expectation(&f).unwrap_or(f64::NAN)
}

/// The same, or the reason why there is none. The number of evaluations is bounded: without a
/// bound, some functions would take years.
pub(crate) fn checked_expectation(f: &dyn Fn(f64) -> f64) -> Result<f64, String> {
    const REACH: i32 = 13;
    const PATIENCE: u32 = 1 << 16;
    let weighted = |z: f64| f(z) * (-0.5 * z * z).exp() / std::f64::consts::TAU.sqrt();
    let mut adaptive = Adaptive { f: &weighted, patience: PATIENCE };
    let parts = (-REACH..REACH).map(|start| adaptive.integral(f64::from(start), 1.0, 0));
    let parts: Option<Vec<f64>> = parts.collect();
    match parts {
        Some(parts) => Ok(parts.into_iter().sum()),
        None => Err(TURNS_TOO_OFTEN.into()),
    }
}

pub(crate) const TURNS_TOO_OFTEN: &str =
    "the activation turns too often, or is too noisy, to be integrated";

struct Adaptive<'f> {
    f: &'f dyn Fn(f64) -> f64,
    /// The number of intervals that may still be halved.
    patience: u32,
}

impl Adaptive<'_> {
    /// The integral over `[start, start + width]`; `None` when no patience is left.
    fn integral(&mut self, start: f64, width: f64, depth: u32) -> Option<f64> {
        const MAX_NESTING: u32 = 48; // an interval of this width is negligible, even with a jump in it
        let (f, half) = (self.f, 0.5 * width);
        let (whole, left, right) =
            (legendre(f, start, width), legendre(f, start, half), legendre(f, start + half, half));
        let error = (left + right - whole).abs();
        // If it is not finite, halving does not help.
        if depth == MAX_NESTING || error.is_nan() || error <= 1e-15 + 1e-14 * whole.abs() {
            return Some(left + right);
        }
        self.patience = self.patience.checked_sub(1)?;
        let left = self.integral(start, half, depth + 1)?;
        Some(left + self.integral(start + half, half, depth + 1)?)
    }
}

/// Gauss and Legendre's rule with 8 points, exact for polynomials of degree 15.
fn legendre(f: &dyn Fn(f64) -> f64, start: f64, width: f64) -> f64 {
    /// Abscissas on [−1, 1], one of each pair, and weights: Abramowitz & Stegun 1964, table 25.4.
    const POINTS: [(f64, f64); 4] = [
        (0.183_434_642_495_649_8, 0.362_683_783_378_362),
        (0.525_532_409_916_329, 0.313_706_645_877_887_3),
        (0.796_666_477_413_626_7, 0.222_381_034_453_374_48),
        (0.960_289_856_497_536_3, 0.101_228_536_290_376_26),
    ];
    let (half, middle) = (0.5 * width, start + 0.5 * width);
    half * POINTS
        .iter()
        .map(|&(x, w)| w * (f(middle - half * x) + f(middle + half * x)))
        .sum::<f64>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_of_the_normal_distribution() {
        for (k, want) in
            [(0, 1.0), (1, 0.0), (2, 1.0), (3, 0.0), (4, 3.0), (8, 105.0), (12, 10395.0)]
        {
            let got = expectation(|z| z.powi(k));
            assert!((got - want).abs() <= 1e-12 * f64::max(1.0, want), "{k}: {got}");
        }
        assert!((expectation(f64::exp) - 0.5f64.exp()).abs() < 1e-12);
    }

    #[test]
    fn kinks_and_jumps_may_be_anywhere() {
        // P(z > a), E[max(z − a, 0)] = φ(a) − a·P(z > a), at an a that no halving meets.
        let a = 1.0 / 3.0;
        let above = 0.369_441_340_181_763_6;
        let density = (-0.5f64 * a * a).exp() / std::f64::consts::TAU.sqrt();
        let jump = expectation(|z| if z > a { 1.0 } else { 0.0 });
        assert!((jump - above).abs() < 1e-12, "{jump}");
        let kink = expectation(|z| (z - a).max(0.0));
        assert!((kink - (density - a * above)).abs() < 1e-12, "{kink}");
    }

    #[test]
    fn what_is_not_finite_is_seen() {
        assert!(expectation(|_| f64::NAN).is_nan());
        assert!(!expectation(|z| 1.0 / (z - z)).is_finite());
    }

    #[test]
    fn what_cannot_be_integrated_is_seen_soon() {
        let calls = std::cell::Cell::new(0);
        let count = |value: f64| {
            calls.set(calls.get() + 1);
            value
        };
        assert!(expectation(|z| count((1e12 * z).sin())).is_nan());
        assert!(calls.take() < 10_000_000);
        // A thousand radians to each unit are not too many: E[sin²(ωz)] → 1/2.
        assert!((expectation(|z| count((1e3 * z).sin().powi(2))) - 0.5).abs() < 1e-12);
    }
}
