//! The error function.

/// `2/√π · ∫₀ˣ e^(−t²) dt`, by the series `2/√π · e^(−x²) · Σ 2ⁿx²ⁿ⁺¹/(2n+1)!!`, all of one sign.
pub(crate) fn erf(x: f64) -> f64 {
    if x.abs() > 6.0 {
        return x.signum();
    }
    let (mut term, mut sum, mut odd) = (x, x, 1.0);
    while term.abs() > 1e-17 * sum.abs() {
        odd += 2.0;
        term *= 2.0 * x * x / odd;
        sum += term;
    }
    std::f64::consts::FRAC_2_SQRT_PI * (-x * x).exp() * sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn erf_is_right() {
        // DLMF table 7.23.1 and symmetry.
        for (x, want) in [
            (0.0, 0.0),
            (0.5, 0.520_499_877_813_046_5),
            (1.0, 0.842_700_792_949_714_9),
            (-2.0, -0.995_322_265_018_952_7),
            (5.9, 1.0),
            (7.0, 1.0),
        ] {
            assert!((erf(x) - want).abs() < 2e-15, "erf({x}) = {}, not {want}", erf(x));
        }
    }
}
