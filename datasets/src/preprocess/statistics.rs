//! What is measured of a column. Sums are in `f64`, as scikit-learn computes them.

/// Mean and standard deviation (of the population). The standard deviation of a column of one value is
/// 1, so that it becomes 0.
pub(super) fn mean_and_std(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let variance = values.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / n;
    // Rounding leaves a column of one value a variance of that value's square times this.
    let rounding = 10.0 * f64::EPSILON * mean.abs();
    (mean, if variance <= rounding * rounding { 1.0 } else { variance.sqrt() })
}

/// The smallest and the largest.
pub(super) fn range(values: &[f64]) -> (f64, f64) {
    values
        .iter()
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), &x| (low.min(x), high.max(x)))
}

/// The middle one, or the mean of the two in the middle.
pub(super) fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    if sorted.len() % 2 == 1 { sorted[middle] } else { sorted[middle - 1].midpoint(sorted[middle]) }
}

/// The one that is there most often; of several, the smallest.
pub(super) fn most_frequent(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let runs = sorted.chunk_by(|a, b| a == b);
    // `max_by_key` gives the last of several.
    runs.rev().max_by_key(|run| run.len()).map_or(f64::NAN, |run| run[0])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_columns() {
        assert_eq!(mean_and_std(&[1.0, 3.0]), (2.0, 1.0));
        assert_eq!(mean_and_std(&[0.1, 0.1, 0.1]).1, 1.0);
        assert_eq!(range(&[3.0, -1.0, 2.0]), (-1.0, 3.0));
        assert_eq!((median(&[3.0, 1.0, 2.0]), median(&[4.0, 1.0, 2.0, 3.0])), (2.0, 2.5));
        assert_eq!(most_frequent(&[2.0, 1.0, 2.0, 1.0, 0.0]), 1.0);
    }
}
