//! [`coordinate_check`]: how much training changes activations, from width to width.

use std::fmt;

use fanin_tensor::Tensor;

use super::Probe;
use crate::module::Module;
use crate::optim::Optimizer;
use crate::tape::Tape;

/// How much a few steps of training change what each linear layer computes, from width to width.
///
/// Given by [`coordinate_check`]. Prints as a table.
#[derive(Clone, Debug)]
pub struct CoordinateCheck {
    /// The widths, as they were given.
    pub widths: Vec<usize>,
    /// The linear layers, in the order of their use.
    pub layers: Vec<CoordinateLayer>,
}

/// One layer of a [`CoordinateCheck`].
#[derive(Clone, Debug)]
pub struct CoordinateLayer {
    /// Where its weight is in the model.
    pub path: String,
    /// The mean of `|z_after − z_before|` over samples, units and seeds, z being `x·Wᵀ + b`; one for
    /// each width.
    pub change: Vec<f64>,
    /// The slope of ln change over ln width, by least squares: the change is about `width^slope`. Near
    /// 0 under μP; 1 means that twice the width doubles the change.
    pub slope: f64,
}

/// Trains a model of each width for a few steps on one batch, by cross-entropy, and measures how much
/// the pre-activations of each linear layer change.
///
/// `build` makes a model of a width, with its optimizer, from a seed. It is called for the seeds 0, 1, …
/// and each width, and decides what the seed is for: mostly it begins with
/// [`manual_seed`](fanin_init::manual_seed).
///
/// In the usual parametrization the changes grow with the width, which is why a wide network needs
/// another learning rate than a narrow one. Under [`MuP`](crate::MuP) they do not.
///
/// # Shapes
/// x `(n, in)`, labels n, all below the model's number of outputs.
///
/// # Panics
/// **Panics** if there are fewer than two widths, two are equal, one is 0, there are no seeds or no
/// steps, or models of different widths have different layers; and where the model or the loss does.
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
        "coordinate_check: {widths:?} are not two or more different widths"
    );
    assert!(seeds > 0 && steps > 0, "coordinate_check: {seeds} seeds of {steps} steps are nothing");
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
                "coordinate_check: the model of width {width} has other layers than that of width {}",
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

/// Of each layer: its path, and the mean change of its pre-activation.
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

/// Of ln y over ln x.
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

/// A row for each layer, a column for each width, and the slope.
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
