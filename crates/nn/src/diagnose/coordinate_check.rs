//! [`coordinate_check`]: the change of activations by training, compared over widths.

use std::fmt;

use fanin_tensor::Tensor;

use super::Probe;
use crate::module::Module;
use crate::optim::Optimizer;
use crate::tape::Tape;

/// The change of each linear layer's output in a few training steps, for several widths.
///
/// The result of [`coordinate_check`]. It prints as a table.
#[derive(Clone, Debug)]
pub struct CoordinateCheck {
    /// The widths that were given.
    pub widths: Vec<usize>,
    /// The linear layers in order of use.
    pub layers: Vec<CoordinateLayer>,
}

/// One layer of a [`CoordinateCheck`].
#[derive(Clone, Debug)]
pub struct CoordinateLayer {
    /// The path of its weight in the model.
    pub path: String,
    /// The mean of `|z_after − z_before|` over samples, units and seeds, where z is `x·Wᵀ + b`. One
    /// value for each width.
    pub change: Vec<f64>,
    /// The slope of ln(change) against ln(width), fitted by least squares: the change is about
    /// `width^slope`. Under μP it is near 0. A slope of 1 means that twice the width doubles the
    /// change.
    pub slope: f64,
}

/// Trains a model of each width for a few steps on one batch by cross-entropy, and measures the
/// change of each linear layer's pre-activations.
///
/// `build` makes a model of the given width, with its optimizer. It is called once for each width
/// and each of the seeds 0, 1, …. It may use the seed as it likes; most start with
/// [`manual_seed`](fanin_init::manual_seed).
///
/// In the usual parametrization the changes grow with the width, so that a wide network needs a
/// smaller learning rate than a narrow one. Under [`MuP`](crate::MuP) they do not grow.
///
/// # Shapes
/// x `(n, in)`, and n labels below the model's number of outputs.
///
/// # Panics
/// **Panics** if there are fewer than two widths, if two widths are equal or one is 0, if there are
/// no seeds or no steps, if models of different widths have different layers, or if the model or
/// the loss panics.
///
/// # Example
/// ```
/// use fanin_nn::diagnose::coordinate_check;
/// use fanin_nn::init::manual_seed;
/// use fanin_nn::layers::Relu;
/// use fanin_nn::{Adam, Linear, MuP, Optimizer, Sequential, Tensor};
///
/// let net = |width| {
///     Sequential::new()
///         .add(Linear::new(4, width))
///         .add(Relu)
///         .add(Linear::new(width, width))
///         .add(Relu)
///         .add(Linear::new(width, 2))
/// };
/// let x = Tensor::from_vec([8, 4], (0..32).map(|i| (i * 7 % 11) as f32 / 5.0 - 1.0).collect());
/// let check = coordinate_check(&[16, 32, 64, 128], 3, 3, &x, &[0, 1, 1, 0, 1, 0, 0, 1], |width, seed| {
///     manual_seed(seed);
///     let mut model = net(width);
///     MuP::adam(&net(16)).init(&mut model).expect("the same layers");
///     (Box::new(model), Box::new(Adam::new(0.01)))
/// });
/// println!("{check}");
/// assert!(check.layers[1].slope.abs() < 0.25);
/// ```
///
/// # Reference
/// Yang et al. 2022, "Tensor Programs V", section D.1 and figure 5.
#[track_caller]
pub fn coordinate_check(
    widths: &[usize],
    seeds: u64,
    steps: usize,
    x: &Tensor,
    labels: &[usize],
    build: impl Fn(usize, u64) -> (Box<dyn Module>, Box<dyn Optimizer>),
) -> CoordinateCheck {
    let different = widths.iter().enumerate().all(|(i, width)| !widths[..i].contains(width));
    assert!(
        widths.len() >= 2 && different && !widths.contains(&0),
        "coordinate_check: it takes two or more different widths above 0, not {widths:?}"
    );
    assert!(
        seeds > 0 && steps > 0,
        "coordinate_check: it takes at least one seed and one step, not {seeds} and {steps}"
    );
    let mut layers: Vec<CoordinateLayer> = vec![];
    for (w, &width) in widths.iter().enumerate() {
        for seed in 0..seeds {
            let (mut model, mut optimizer) = build(width, seed);
            let changes = changes(&mut *model, &mut *optimizer, steps, x, labels);
            if layers.is_empty() {
                let new = |(path, _): &(String, f64)| CoordinateLayer {
                    path: path.clone(),
                    change: vec![0.0; widths.len()],
                    slope: 0.0,
                };
                layers = changes.iter().map(new).collect();
            }
            assert!(
                layers.iter().map(|l| &l.path).eq(changes.iter().map(|(path, _)| path)),
                "coordinate_check: the models of width {width} and {} have different layers",
                widths[0]
            );
            for (layer, (_, change)) in layers.iter_mut().zip(changes) {
                layer.change[w] += change / seeds as f64;
            }
        }
    }
    for layer in &mut layers {
        layer.slope = slope(widths, &layer.change);
    }
    CoordinateCheck { widths: widths.to_vec(), layers }
}

/// The path of each layer, and the mean change of its pre-activation.
#[track_caller]
fn changes(
    model: &mut dyn Module,
    optimizer: &mut dyn Optimizer,
    steps: usize,
    x: &Tensor,
    labels: &[usize],
) -> Vec<(String, f64)> {
    let before = Probe::forward(model, x);
    let mut tape = Tape::new();
    for _ in 0..steps {
        let (_, grads) = tape.value_and_grad(|t| model.forward(t.input(x)).cross_entropy(labels));
        optimizer.step(&mut *model, grads);
    }
    let after = Probe::forward(model, x);
    let pairs = before.layers().iter().zip(after.layers());
    pairs
        .map(|(before, after)| {
            let (a, b) = (before.pre_activation.as_slice(), after.pre_activation.as_slice());
            let sum: f64 = a.iter().zip(b).map(|(a, b)| f64::from(a - b).abs()).sum();
            (before.weight_path.clone(), sum / a.len() as f64)
        })
        .collect()
}

/// The slope of ln y against ln x, by least squares.
fn slope(x: &[usize], y: &[f64]) -> f64 {
    let points: Vec<(f64, f64)> =
        x.iter().zip(y).map(|(&x, y)| ((x as f64).ln(), y.ln())).collect();
    let n = points.len() as f64;
    let (mean_x, mean_y) =
        points.iter().fold((0.0, 0.0), |(sx, sy), (x, y)| (sx + x / n, sy + y / n));
    let (mut over, mut under) = (0.0, 0.0);
    for (x, y) in points {
        over += (x - mean_x) * (y - mean_y);
        under += (x - mean_x) * (x - mean_x);
    }
    over / under
}

/// One row for each layer, with one column for each width and one for the slope.
impl fmt::Display for CoordinateCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let longest = self.layers.iter().map(|layer| layer.path.chars().count()).max();
        let name = longest.unwrap_or(0).max(5);
        write!(f, "{:name$}", "width")?;
        self.widths.iter().try_for_each(|width| write!(f, " {width:>9}"))?;
        writeln!(f, "   slope")?;
        for layer in &self.layers {
            write!(f, "{:name$}", layer.path)?;
            layer.change.iter().try_for_each(|change| write!(f, " {change:>9.2e}"))?;
            writeln!(f, " {:>7.2}", layer.slope)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slope_is_the_exponent() {
        let widths = [16, 64, 100, 1024];
        for power in [-1.0, 0.0, 0.5, 2.0] {
            let y: Vec<f64> =
                widths.iter().map(|&w| 3.0 * f64::from(w as u32).powf(power)).collect();
            assert!((slope(&widths, &y) - power).abs() < 1e-12);
        }
    }
}
