//! [`Interval`]: a mean and its confidence interval.

use std::f64::consts::FRAC_PI_2;
use std::fmt;

use crate::text::number;

/// The mean of some numbers, with its 95 % interval by Student's t: `mean ± half`.
///
/// ```text
/// half = t_{0.975, n−1} · sd / √n
/// ```
///
/// # Example
/// ```
/// use fanin_train::Interval;
///
/// let interval = Interval::of([1.0, 2.0, 3.0, 4.0, 5.0]);
/// assert_eq!(interval.mean, 3.0);
/// assert!((interval.half - 1.9632).abs() < 1e-4);
/// ```
///
/// # Reference
/// Student 1908, "The probable error of a mean".
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// How many numbers there are.
    pub count: usize,
    /// Their mean; NaN for none.
    pub mean: f64,
    /// Their standard deviation, with n − 1; NaN for one.
    pub sd: f64,
    /// Half of the mean's 95 % interval; NaN for one number.
    pub half: f64,
}

impl Interval {
    /// The mean of these numbers and its interval.
    pub fn of(values: impl IntoIterator<Item = f64>) -> Self {
        let values: Vec<f64> = values.into_iter().collect();
        let (count, n) = (values.len(), values.len() as f64);
        let mean = values.iter().sum::<f64>() / n;
        let sd = (values.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (n - 1.0)).sqrt();
        let half = t_quantile(count.saturating_sub(1)) * sd / n.sqrt();
        Self { count, mean, sd, half }
    }
}

/// `0.9561 ± 0.0031`, or the mean alone.
impl fmt::Display for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.half.is_nan() {
            true => f.write_str(&number(self.mean)),
            false => write!(f, "{} ± {}", number(self.mean), number(self.half)),
        }
    }
}

/// The 0.975 quantile of Student's t with these degrees of freedom; NaN for 0.
///
/// With t = √ν·tan θ, P(0 < T < t) = c·∫₀^θ cos^(ν−1): a smooth integrand on a finite range.
fn t_quantile(freedom: usize) -> f64 {
    if freedom == 0 {
        return f64::NAN;
    }
    let power = (freedom - 1) as i32;
    let share = |theta: f64| simpson(theta, |x| x.cos().powi(power));
    let (whole, mut low, mut high) = (share(FRAC_PI_2), 0.0, FRAC_PI_2);
    for _ in 0..60 {
        let middle = (low + high) / 2.0;
        // P(0 < T < quantile) is 0.475: 0.95 of the probability of the half line.
        if share(middle) < 0.95 * whole { low = middle } else { high = middle }
    }
    (freedom as f64).sqrt() * low.tan()
}

/// ∫ f from 0 to `end`.
fn simpson(end: f64, f: impl Fn(f64) -> f64) -> f64 {
    const STEPS: usize = 400;
    let h = end / STEPS as f64;
    let weight = |i| if i == 0 || i == STEPS { 1.0 } else { 2.0 + 2.0 * (i % 2) as f64 };
    (0..=STEPS).map(|i| weight(i) * f(i as f64 * h)).sum::<f64>() * h / 3.0
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Published tables of the quantile.
    #[test]
    fn quantiles_are_those_of_the_tables() {
        for (freedom, want) in
            [(1, 12.7062), (2, 4.3027), (4, 2.7764), (9, 2.2622), (30, 2.0423), (1000, 1.9623)]
        {
            let got = t_quantile(freedom);
            assert!((got - want).abs() < 1e-4, "t of {freedom} degrees: {got}, not {want}");
        }
    }

    #[test]
    fn one_number_has_no_interval() {
        let one = Interval::of([0.5]);
        assert!(one.mean == 0.5 && one.half.is_nan() && one.to_string() == "0.5000");
        assert!(Interval::of([]).mean.is_nan());
        assert_eq!(Interval::of([0.25, 0.75]).to_string(), "0.5000 ± 3.1766");
    }
}
