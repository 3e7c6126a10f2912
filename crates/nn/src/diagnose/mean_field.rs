//! The predictions of mean-field theory for a layer. A sum of many independent terms is normal, so
//! two moments describe it (Poole et al. 2016, equation 3; Schoenholz et al. 2017, section 2).

use fanin_tensor::{Scalar, Tensor};

use super::moments::{Moments, rows_and_features};
use super::probe::LayerProbe;

/// The distribution of a layer's pre-activations, predicted from the moments of its parameters: `z
/// ~ N(mean, std²)`, for random weights that are independent of the input.
pub(super) struct Predicted {
    mean: f64,
    std: f64,
}

impl Predicted {
    /// `E[z²] = Var[w]·Σx² + E[w]²·(Σx)² + …`, with means over the batch.
    pub(super) fn of<T: Scalar>(layer: &LayerProbe<T>) -> Self {
        // The moments after a normalization do not follow from the weights, so they are measured.
        if let Some(normalized) = &layer.normalized {
            let Moments { mean, std } = Moments::of(normalized);
            return Self { mean, std };
        }
        let (w, x) = (Moments::of(&layer.weight), Sums::of(&layer.input));
        let b = layer.bias.as_ref().map(Moments::of).unwrap_or_default();
        let mean = w.mean * x.sum + b.mean;
        let square = w.std.powi(2) * x.square
            + w.mean.powi(2) * x.sum_squared
            + 2.0 * w.mean * b.mean * x.sum
            + b.rms().powi(2);
        Self { mean, std: (square - mean * mean).max(0.0).sqrt() }
    }

    /// `√E[φ(z)²]`, or `√E[z²]` without an activation.
    pub(super) fn output_rms<T: Scalar>(&self, layer: &LayerProbe<T>) -> f64 {
        match &layer.activation {
            Some(activation) => self.mean_square(|z| activation.at(z).0).sqrt(),
            None => self.mean.hypot(self.std),
        }
    }

    /// `√E[φ′(z)²]`, or 1 without an activation.
    pub(super) fn derivative_rms<T: Scalar>(&self, layer: &LayerProbe<T>) -> f64 {
        match &layer.activation {
            Some(activation) => self.mean_square(|z| activation.at(z).1).sqrt(),
            None => 1.0,
        }
    }

    /// `E[f(z)²]` by the trapezoidal rule on ±8 standard deviations. The steps are fixed: an
    /// activation rounds to the model's precision, and an adaptive rule would take the rounding for
    /// kinks.
    fn mean_square(&self, f: impl Fn(f64) -> f64) -> f64 {
        const STEPS: i32 = 100; // of a standard deviation
        let density = |u: f64| (-0.5 * u * u).exp() / (std::f64::consts::TAU).sqrt();
        (-8 * STEPS..=8 * STEPS)
            .map(|i| f64::from(i) / f64::from(STEPS))
            .map(|u| density(u) * f(self.mean + self.std * u).powi(2))
            .sum::<f64>()
            / f64::from(STEPS)
    }
}

/// The factor of the length of a sample's gradient from the pre-activations of `next` to those of
/// `layer`: `‖(Wᵀ·g) ⊙ φ′(z)‖ / ‖g‖`. Only `next` reads the output of `layer`.
pub(super) fn gradient_growth<T: Scalar>(
    layer: &LayerProbe<T>,
    next: &LayerProbe<T>,
) -> Option<f64> {
    // A normalization divides gradients by the spread of its input, which the theory does not
    // predict.
    if layer.normalized.is_some() || next.normalized.is_some() {
        return None;
    }
    let (w, g) = (Moments::of(&next.weight), Sums::of(next.pre_activation_grad.as_ref()?));
    let inputs = next.weight.shape()[1] as f64;
    let back = inputs * (w.std.powi(2) + w.mean.powi(2) * g.sum_squared / g.square);
    Some(back.sqrt() * Predicted::of(layer).derivative_rms(layer))
}

/// Means over the rows of `Σx`, `(Σx)²` and `Σx²`, where Σ runs over the features.
struct Sums {
    sum: f64,
    sum_squared: f64,
    square: f64,
}

impl Sums {
    fn of<T: Scalar>(x: &Tensor<T>) -> Self {
        let (rows, features) = rows_and_features(x);
        let mut sums = Self { sum: 0.0, sum_squared: 0.0, square: 0.0 };
        for row in x.as_slice().chunks_exact(features.max(1)) {
            let sum: f64 = row.iter().map(|x| x.to_f64()).sum();
            sums.sum += sum / rows as f64;
            sums.sum_squared += sum * sum / rows as f64;
            sums.square += row.iter().map(|x| x.to_f64().powi(2)).sum::<f64>() / rows as f64;
        }
        sums
    }
}
