//! Mirrored weights, with which a ReLU network is a linear map at first.

use ndarray::{ArrayViewMutD, Ix2};
use rand::RngCore;
use serde::{Deserialize, Serialize};

use crate::initializer::require;
use crate::scheme::fields;
use crate::{Gain, Initializer, Orthogonal, ParamSpec, Position};

/// Mirrored orthogonal blocks, with which a ReLU network computes a linear map at first.
///
/// With W gain times an orthogonal matrix, as of [`Orthogonal`]:
///
/// | position | weight | computes with `relu` |
/// |---|---|---|
/// | [`First`](Position::First) | `[W; −W]` | `h = relu([Wx; −Wx])`, whose halves are the positive and the negative part of Wx |
/// | [`Hidden`](Position::Hidden) | `[[W, −W], [−W, W]]` | `[W; −W]·(h₊ − h₋)`, linear again |
/// | [`Last`](Position::Last) | `[W, −W]` | `W·(h₊ − h₋)` |
///
/// If no layer is narrower than the one before, signals and gradients keep their length through any
/// depth, times the gains, and no pair of units is dead. Biases must be [`Zeros`](crate::Zeros), or
/// the halves do not match. Training soon makes the network nonlinear, since the halves have
/// different gradients.
///
/// # Shapes
/// `(out, in)`. `First` needs an even `out`, `Last` an even `in`, `Hidden` both.
///
/// # Panics
/// `fill` panics when the parameter is no matrix or a mirrored side is odd.
///
/// # Example
/// ```
/// use fanin_init::ndarray::Ix2;
/// use fanin_init::{Initializer, LooksLinear, ParamSpec, Position, TorchRng};
///
/// let initializer = LooksLinear::new(Position::First);
/// let w = initializer.draw(&ParamSpec::weight(3, 8), &[8, 3], &mut TorchRng::seed(0));
/// let w = w.into_dimensionality::<Ix2>()?;
/// assert_eq!(w.row(1), w.row(5).mapv(|x| -x));
/// # Ok::<(), fanin_init::ndarray::ShapeError>(())
/// ```
///
/// # Reference
/// Balduzzi et al. 2017, "The Shattered Gradients Problem: If resnets are the answer, then what is the
/// question?", the section on the "looks linear" initialization; Burkholz & Dubatovka 2019,
/// "Initialization of ReLUs for Dynamical Isometry", who found it by sharing parameters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LooksLinear {
    /// Which sides are mirrored.
    pub position: Position,
    /// The factor by which the layer multiplies the length of its input.
    pub gain: Gain,
}

impl LooksLinear {
    /// For a layer at this position, with gain 1.
    pub fn new(position: Position) -> Self {
        LooksLinear { position, gain: Gain::ONE }
    }

    /// The same initializer with this gain.
    ///
    /// # Panics
    /// When the number is no [`Gain`].
    #[must_use]
    #[track_caller]
    pub fn gain(self, gain: impl Into<Gain>) -> Self {
        LooksLinear { gain: gain.into(), ..self }
    }

    /// How often outputs and inputs are mirrored.
    fn copies(self) -> (usize, usize) {
        match self.position {
            Position::First => (2, 1),
            Position::Hidden => (2, 2),
            Position::Last => (1, 2),
        }
    }
}

fields!(LooksLinear { position, gain });

impl Initializer for LooksLinear {
    fn fill(&self, param: &ParamSpec, rng: &mut dyn RngCore, values: ArrayViewMutD<'_, f32>) {
        require(self, param, values.shape());
        let mut w = values.into_dimensionality::<Ix2>().expect("checked");
        let (out_copies, in_copies) = self.copies();
        let (rows, columns) = (w.nrows() / out_copies, w.ncols() / in_copies);
        let spec = ParamSpec::weight(columns, rows);
        let block = Orthogonal { gain: self.gain }.draw(&spec, &[rows, columns], rng);
        for ((i, j), value) in w.indexed_iter_mut() {
            let entry = block[[i % rows, j % columns]];
            *value = if (i < rows) == (j < columns) { entry } else { -entry };
        }
    }

    fn check(&self, param: &ParamSpec, shape: &[usize]) -> Result<(), String> {
        let &[outputs, inputs] = shape else {
            return Err(format!("LooksLinear: `{}` of shape {shape:?} is no matrix", param.name));
        };
        let (out_copies, in_copies) = self.copies();
        for (side, count, copies) in [("out", outputs, out_copies), ("in", inputs, in_copies)] {
            if count % copies != 0 {
                return Err(format!(
                    "LooksLinear: `{}` {side}puts are mirrored, and {count} is odd ({:?} layer)",
                    param.name, self.position
                ));
            }
        }
        Ok(())
    }

    fn scratch_bytes(&self, param: &ParamSpec) -> u64 {
        let (out_copies, in_copies) = self.copies();
        let block = ParamSpec::weight(param.fan_in / in_copies, param.fan_out / out_copies);
        let orthogonal = Orthogonal::default().scratch_bytes(&block);
        block.most_elements().saturating_mul(4).saturating_add(orthogonal)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::TorchRng;
    use ndarray::{Array1, Array2, s};

    fn matrix(
        initializer: LooksLinear,
        outputs: usize,
        inputs: usize,
        rng: &mut TorchRng,
    ) -> Array2<f32> {
        let spec = ParamSpec::weight(inputs, outputs);
        initializer.draw(&spec, &[outputs, inputs], rng).into_dimensionality().unwrap()
    }

    fn relu(x: &Array1<f32>) -> Array1<f32> {
        x.mapv(|x| x.max(0.0))
    }

    #[test]
    fn blocks_are_mirrored_and_orthogonal() {
        let mut rng = TorchRng::seed(4);
        let w = matrix(LooksLinear::new(Position::Hidden).gain(3.0), 8, 6, &mut rng);
        let block = w.slice(s![..4, ..3]);
        assert_eq!(w.slice(s![4.., 3..]), block);
        assert_eq!(w.slice(s![..4, 3..]), block.mapv(|x| -x));
        assert_eq!(w.slice(s![4.., ..3]), block.mapv(|x| -x));
        let error = block.t().dot(&block) - Array2::<f32>::eye(3) * 9.0;
        assert!(error.iter().all(|e| e.abs() < 1e-5), "{error}");
    }

    #[test]
    fn a_relu_network_of_50_layers_is_linear_and_keeps_lengths() {
        let mut rng = TorchRng::seed(5);
        let mut layers = vec![matrix(LooksLinear::new(Position::First), 64, 20, &mut rng)];
        for _ in 0..48 {
            layers.push(matrix(LooksLinear::new(Position::Hidden), 64, 64, &mut rng));
        }
        layers.push(matrix(LooksLinear::new(Position::Last), 32, 64, &mut rng));
        let network = |x: &Array1<f32>| {
            let (last, before) = layers.split_last().unwrap();
            let mut x = x.clone();
            for layer in before {
                x = relu(&layer.dot(&x));
            }
            last.dot(&x)
        };
        let length = |x: &Array1<f32>| x.dot(x).sqrt();
        let a = Array1::from_shape_fn(20, |i| (i as f32).sin());
        let b = Array1::from_shape_fn(20, |i| (i as f32 * 1.7).cos());
        assert!((length(&network(&a)) / length(&a) - 1.0).abs() < 1e-3);
        let error = network(&(&a - &b)) - (network(&a) - network(&b));
        assert!(length(&error) < 1e-3, "not linear: {}", length(&error));
    }

    #[test]
    fn odd_sides_that_must_be_even_are_refused() {
        let refused = |position, shape: [usize; 2]| {
            let spec = ParamSpec::weight(shape[1], shape[0]);
            LooksLinear::new(position).check(&spec, &shape).err()
        };
        assert_eq!(refused(Position::First, [4, 3]), None);
        assert_eq!(refused(Position::Last, [3, 4]), None);
        let reason = refused(Position::First, [3, 4]).unwrap();
        assert_eq!(
            reason,
            "LooksLinear: `weight` outputs are mirrored, and 3 is odd (First layer)"
        );
        assert!(refused(Position::Last, [4, 3]).unwrap().contains("inputs are mirrored, and 3"));
        assert!(refused(Position::Hidden, [4, 3]).unwrap().contains("inputs are mirrored, and 3"));
        assert!(refused(Position::Hidden, [3, 4]).unwrap().contains("outputs are mirrored, and 3"));
    }

    #[test]
    #[should_panic(expected = "LooksLinear: `bias` of shape [2] is no matrix")]
    fn a_bias_is_refused() {
        LooksLinear::default().draw(&ParamSpec::bias(3, 2), &[2], &mut TorchRng::seed(0));
    }

    #[test]
    fn nothing_to_fill_is_no_error() {
        let mut rng = TorchRng::seed(0);
        assert!(matrix(LooksLinear::default(), 0, 4, &mut rng).is_empty());
        assert!(matrix(LooksLinear::default(), 4, 0, &mut rng).is_empty());
    }

    #[test]
    fn serde_refuses_bad_values() {
        let initializer = LooksLinear::new(Position::Last).gain(1.25);
        let text = serde_json::to_string(&initializer).unwrap();
        assert_eq!(serde_json::from_str::<LooksLinear>(&text).unwrap(), initializer);
        let error = serde_json::from_str::<LooksLinear>(&text.replace("1.25", "-1.25"));
        assert!(error.unwrap_err().to_string().contains("a gain of -1.25 is impossible"));
        let error = serde_json::from_str::<LooksLinear>(&text.replace("Last", "Side"));
        assert!(error.unwrap_err().to_string().contains("unknown variant `Side`"));
    }
}
