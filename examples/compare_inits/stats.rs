//! Means and their confidence intervals.

use fanin::train::Interval;

/// The statistics of one number over repeated runs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Summary {
    pub(crate) mean: f64,
    /// The standard deviation over runs; NaN for a single run.
    pub(crate) sd: f64,
    /// Half of the mean's 95 % interval by Student's t; NaN for a single run.
    pub(crate) half: f64,
    pub(crate) min: f64,
    pub(crate) max: f64,
}

impl Summary {
    /// # Panics
    /// If there are no values.
    pub(crate) fn of(values: impl IntoIterator<Item = f64>) -> Self {
        let values: Vec<f64> = values.into_iter().collect();
        assert!(!values.is_empty(), "a summary needs a value");
        let Interval { mean, sd, half, .. } = Interval::of(values.iter().copied());
        let min = values.iter().copied().fold(f64::INFINITY, f64::min);
        let max = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        Self { mean, sd, half, min, max }
    }

    /// Whether the 95 % interval contains 0, so that the sign is uncertain. For a single run it is
    /// always uncertain.
    pub(crate) fn holds_zero(&self) -> bool {
        self.half.is_nan() || self.mean.abs() <= self.half
    }

    /// `84.90 ± 0.12`, or only the mean for a single run.
    pub(crate) fn text(&self, digits: usize) -> String {
        let mean = number(self.mean, digits);
        if self.half.is_nan() { mean } else { format!("{mean} ± {}", number(self.half, digits)) }
    }
}

/// The statistics of `a − b`, run by run under the same seeds. Split, order and dropout of a seed
/// affect both, so the difference varies less than either.
pub(crate) fn paired(a: &[f64], b: &[f64]) -> Summary {
    Summary::of(a.iter().zip(b).map(|(a, b)| a - b))
}

/// A number with this many decimals and a true minus sign. A long number is written in powers of
/// ten.
pub(crate) fn number(x: f64, digits: usize) -> String {
    if !x.is_finite() {
        return "–".into();
    }
    let text = match x.abs() {
        size if size >= 1e6 => format!("{x:.1e}"),
        size if size >= 1e3 => thousands(x),
        size if size >= 100.0 => format!("{x:.*}", digits.min(1)),
        _ => format!("{x:.digits$}"),
    };
    // A number that is rounded to zero has no sign.
    match text.strip_prefix('-') {
        Some(rest) if rest.chars().all(|c| c == '0' || c == '.') => rest.into(),
        Some(rest) => format!("−{rest}"),
        None => text,
    }
}

fn thousands(x: f64) -> String {
    let digits = format!("{:.0}", x.abs());
    let (head, tail) = digits.split_at(digits.len() - 3);
    format!("{}{head},{tail}", if x < 0.0 { "-" } else { "" })
}

/// Checks the quantiles against published tables.
pub(crate) fn check() {
    for (freedom, want) in [(1, 12.706), (2, 4.303), (4, 2.776), (9, 2.262), (30, 2.042)] {
        // half = t·sd/√n
        let of = Summary::of((0..=freedom).map(|i| i as f64));
        let got = of.half * ((freedom + 1) as f64).sqrt() / of.sd;
        assert!((got - want).abs() < 1e-3, "t of {freedom} degrees: {got}, not {want}");
    }
    let of = Summary::of([1.0, 2.0, 3.0, 4.0, 5.0]);
    assert!((of.mean - 3.0).abs() < 1e-12 && (of.half - 2.776 * 0.5f64.sqrt()).abs() < 1e-3);
}
