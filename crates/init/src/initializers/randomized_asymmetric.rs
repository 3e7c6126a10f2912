//! RAI: one positive entry for each unit, so that fewer ReLU networks are dead at initialization.

use ndarray::{ArrayViewMutD, Axis};
use rand::RngCore;
use serde::{Deserialize, Serialize};

use crate::initializer::{require, weight_or_bias};
use crate::random::draw;
use crate::scheme::fields;
use crate::{Fan, Initializer, ParamKind, ParamSpec, TorchRng};

/// The standard deviation of the other entries, times √n: with it a ReLU layer keeps the second moment
/// of inputs that are not negative.
const STD: f64 = 0.6007;

/// Normal, with one entry of each unit's weights and bias replaced by a positive one.
///
/// For each of the m units, a row of `[W | b]` with n + 1 entries: `N(0, 0.6007²/n)`, then one
/// entry, chosen uniformly among the n + 1, is replaced by a draw from Beta(2, 1), whose density is
/// 2x on [0, 1]. The positive mean makes it less likely that a layer is dead for all inputs, which
/// keeps deep narrow ReLU networks from learning.
///
/// It serves both weights and biases, and tells them apart by the parameter's [`ParamKind`]. The
/// two are drawn separately. The plain initializer (`default`) gives a weight row its Beta entry
/// with probability n/(n+1), and independently a bias with probability 1/(n+1). So a part n/(n+1)²
/// of the units has two such entries, and as many units have none. With [`paired`](Self::paired)
/// every unit has exactly one, as in the paper: weight and bias compute the same choice from a seed
/// and the layer's name.
///
/// Of 10,000 networks of ten ReLU layers of two units, 91 % are constant on [−√3, √3] at
/// initialization with He's initializer and biases of 0, 83 % with He's initializer and PyTorch's
/// biases, 37 % with the plain initializer and 26 % with the paired one; of layers of three units
/// 63, 48, 12 and 8 %. (The paper counts training runs that collapse: with two units 91.9 % with
/// He's initializer, 29.2 % with this one.)
///
/// # Shapes
/// Weights `(out, in…)`, biases `(out)`.
///
/// # Panics
/// `fill` panics when fan_in is 0, or a weight's rows do not have fan_in entries.
///
/// # Example
/// ```
/// use fanin_init::{Initializer, ParamSpec, RandomizedAsymmetric, TorchRng};
///
/// let mut rng = TorchRng::seed(0);
/// let initializer = RandomizedAsymmetric::paired(7);             // another seed for each layer
/// let w = initializer.draw(&ParamSpec::weight(20, 10), &[10, 20], &mut rng);
/// let b = initializer.draw(&ParamSpec::bias(20, 10), &[10], &mut rng);
/// assert!(w.mean().unwrap() + b.mean().unwrap() / 20.0 > 0.0);
/// ```
///
/// # Reference
/// Lu, Shin, Su & Karniadakis 2019, "Dying ReLU and Initialization: Theory and Numerical Examples",
/// where it is called randomized asymmetric initialization. That n in the variance is fan_in, without
/// the bias, is from the code released with it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct RandomizedAsymmetric {
    /// The seed from which the choice of entries is computed; `None` draws the choice.
    pair: Option<u64>,
}

impl RandomizedAsymmetric {
    /// An initializer for weights and biases that replaces exactly one entry of each unit.
    ///
    /// The choice depends on `seed`, on fan_in, and on the parameter's name before its last dot, as
    /// `0` of `0.weight`. Parameters that are named by their position in a model may all have the
    /// same seed. The parameters of a single layer are named `weight` and `bias`: both need the
    /// same seed, and every layer needs another.
    ///
    /// # Example
    /// ```
    /// use fanin_init::{Initializer, ParamSpec, RandomizedAsymmetric, TorchRng};
    ///
    /// // A layer with one input: of each unit, either the weight or the bias is positive.
    /// let (initializer, mut rng) = (RandomizedAsymmetric::paired(42), TorchRng::seed(0));
    /// let w = initializer.draw(&ParamSpec::weight(1, 5).named("0.weight"), &[5, 1], &mut rng);
    /// let b = initializer.draw(&ParamSpec::bias(1, 5).named("0.bias"), &[5], &mut rng);
    /// assert!(w.iter().zip(&b).all(|(&w, &b)| w > 0.0 || b > 0.0));
    /// ```
    pub fn paired(seed: u64) -> Self {
        RandomizedAsymmetric { pair: Some(seed) }
    }

    /// For each unit the entry that is replaced: an input, or `fan_in` for the bias.
    fn choices(self, param: &ParamSpec, units: usize, rng: &mut dyn RngCore) -> Vec<usize> {
        let layer = param.name.rsplit_once('.').map_or("", |(layer, _)| layer);
        let mut of_layer = self.pair.map(|seed| TorchRng::keyed(seed, layer));
        let rng = of_layer.as_mut().map_or(rng, |own| own as &mut dyn RngCore);
        let entries = (param.fan_in as u64).saturating_add(1);
        // The remainder of 64 bits makes small numbers more likely, by less than entries/2⁶⁴.
        (0..units).map(|_| (rng.next_u64() % entries) as usize).collect()
    }
}

fields!(RandomizedAsymmetric { pair });

impl Initializer for RandomizedAsymmetric {
    fn fill(&self, param: &ParamSpec, rng: &mut dyn RngCore, mut values: ArrayViewMutD<'_, f32>) {
        require(self, param, values.shape());
        if values.is_empty() {
            return;
        }
        let std = STD / (param.fan_in as f64).sqrt();
        draw::fill_normal(rng, values.view_mut(), 0.0, std);
        let units = values.len_of(Axis(0));
        let choices = self.choices(param, units, rng);
        // The larger of two uniforms, and so the root of one, is Beta(2, 1).
        let mut beta = vec![0.0; units];
        draw::uniform(rng, &mut beta, 0.0, 1.0);
        // A weight row holds the inputs 0.., and a bias only the entry after them.
        let first = if param.kind == ParamKind::Bias { param.fan_in } else { 0 };
        for ((mut unit, chosen), beta) in values.outer_iter_mut().zip(choices).zip(beta) {
            if let Some(entry) = chosen.checked_sub(first).and_then(|i| unit.iter_mut().nth(i)) {
                *entry = beta.sqrt();
            }
        }
    }

    fn check(&self, param: &ParamSpec, shape: &[usize]) -> Result<(), String> {
        weight_or_bias("RandomizedAsymmetric", param)?;
        Fan::In.check("RandomizedAsymmetric", param, shape)?;
        let wanted = if param.kind == ParamKind::Bias { 1 } else { param.fan_in };
        let fits = match shape {
            [_, entries @ ..] => shape.contains(&0) || entries.iter().product::<usize>() == wanted,
            [] => false,
        };
        if fits {
            return Ok(());
        }
        Err(format!(
            "RandomizedAsymmetric: `{}` of shape {shape:?} needs {wanted} values for each unit",
            param.name
        ))
    }

    /// A choice and a Beta number for each unit, and the key of the layer's name.
    fn scratch_bytes(&self, param: &ParamSpec) -> u64 {
        (param.fan_out as u64).saturating_mul(12).saturating_add(2 * param.name.len() as u64 + 256)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Array1, Array2};

    /// `[W | b]` of a layer.
    fn layer(
        initializer: RandomizedAsymmetric,
        n: usize,
        m: usize,
        rng: &mut TorchRng,
    ) -> Array2<f32> {
        let w = initializer.draw(&ParamSpec::weight(n, m), &[m, n], rng);
        let b = initializer.draw(&ParamSpec::bias(n, m), &[m], rng);
        let w = w.into_dimensionality::<ndarray::Ix2>().unwrap();
        let b: Array1<f32> = b.into_dimensionality().unwrap();
        ndarray::concatenate![Axis(1), w, b.insert_axis(Axis(1))]
    }

    /// Rows with none, one and two entries that no normal number of this size reaches.
    fn replaced(initializer: RandomizedAsymmetric) -> [usize; 3] {
        let (n, m) = (3, 20_000);
        let mut rng = TorchRng::seed(1);
        let v = layer(initializer, n, m, &mut rng);
        // Draws the same normals, and replaces nothing: what differs has been replaced.
        let mut rng = TorchRng::seed(1);
        let mut plain = |initializer: RandomizedAsymmetric, spec: ParamSpec, shape: &[usize]| {
            let std = STD / (n as f64).sqrt();
            let mut w = vec![0.0; shape.iter().product()];
            draw::normal(&mut rng, &mut w, 0.0, std);
            initializer.choices(&spec, m, &mut rng);
            let mut beta = vec![0.0; m];
            draw::uniform(&mut rng, &mut beta, 0.0, 1.0);
            w
        };
        let w = plain(initializer, ParamSpec::weight(n, m), &[m, n]);
        let b = plain(initializer, ParamSpec::bias(n, m), &[m]);
        let mut counts = [0; 3];
        for (i, row) in v.rows().into_iter().enumerate() {
            let normals = w[i * n..][..n].iter().chain([&b[i]]);
            counts[row.iter().zip(normals).filter(|(a, b)| a != b).count()] += 1;
        }
        counts
    }

    #[test]
    fn paired_initializers_replace_exactly_one_entry_a_unit() {
        assert_eq!(replaced(RandomizedAsymmetric::paired(3)), [0, 20_000, 0]);
    }

    #[test]
    fn layers_of_a_model_choose_for_themselves() {
        let initializer = RandomizedAsymmetric::paired(3);
        let choices = |name| {
            let spec = ParamSpec::weight(4, 20).named(name);
            initializer.choices(&spec, 20, &mut TorchRng::seed(0))
        };
        assert_eq!(choices("net.0.weight"), choices("net.0.bias"));
        assert_ne!(choices("net.0.weight"), choices("net.1.weight"));
        assert_eq!(choices("weight"), choices("bias"));
    }

    #[test]
    fn plain_initializers_replace_one_on_average() {
        let [none, one, two] = replaced(RandomizedAsymmetric::default()).map(|c| c as f64);
        let expected: f64 = 20_000.0 * 3.0 / 16.0;
        let error = (expected * 13.0 / 16.0).sqrt();
        assert!((none - expected).abs() < 5.0 * error, "{none} of {expected}");
        assert!((two - expected).abs() < 5.0 * error, "{two} of {expected}");
        assert!(one > 10_000.0);
    }

    #[test]
    fn entries_have_the_moments_of_the_mixture() {
        // Each entry is Beta(2, 1) with probability p = 1/(n+1): mean 2/3, square 1/2.
        let (n, m) = (30, 4000);
        let squared_std = 0.6007 * 0.6007;
        for initializer in [RandomizedAsymmetric::default(), RandomizedAsymmetric::paired(9)] {
            let v = layer(initializer, n, m, &mut TorchRng::seed(2));
            let p = 1.0 / (n as f64 + 1.0);
            let variance = squared_std / n as f64;
            let count = v.len() as f64;
            let moment = |k: i32| v.iter().map(|&x| f64::from(x).powi(k)).sum::<f64>() / count;
            // Squares: fourth moments are 1/3 of Beta(2, 1), and 3σ⁴ of the normal.
            let second = p / 2.0 + (1.0 - p) * variance;
            let fourth = p / 3.0 + (1.0 - p) * 3.0 * variance * variance;
            let z_mean = (moment(1) - p * 2.0 / 3.0) / (second / count).sqrt();
            let z_square = (moment(2) - second) / ((fourth - second * second) / count).sqrt();
            assert!(
                z_mean.abs() < 5.0 && z_square.abs() < 5.0,
                "{initializer:?}: {z_mean}, {z_square}"
            );
            // Swapped fans, or a forgotten n, would be seen.
            let swapped = p / 2.0 + (1.0 - p) * squared_std / m as f64;
            let z = (moment(2) - swapped) / ((fourth - second * second) / count).sqrt();
            assert!(z > 20.0, "swapped fans: z = {z}");
        }
    }

    #[test]
    fn the_choice_is_uniform_over_inputs_and_bias() {
        let (spec, mut counts) = (ParamSpec::weight(4, 7), [0f64; 5]);
        for choice in RandomizedAsymmetric::default().choices(&spec, 50_000, &mut TorchRng::seed(6))
        {
            counts[choice] += 1.0;
        }
        let error = (50_000f64 * 0.2 * 0.8).sqrt();
        assert!(counts.iter().all(|c| (c - 10_000.0).abs() < 5.0 * error), "{counts:?}");
    }

    #[test]
    #[should_panic(expected = "`weight` of shape [3, 4] needs 5 values for each unit")]
    fn rows_must_be_the_inputs() {
        let spec = ParamSpec::weight(5, 3);
        RandomizedAsymmetric::default().draw(&spec, &[3, 4], &mut TorchRng::seed(0));
    }

    #[test]
    fn fans_of_any_size_have_choices() {
        let bias = ParamSpec::bias(usize::MAX, 3);
        let b = RandomizedAsymmetric::default().draw(&bias, &[3], &mut TorchRng::seed(0));
        assert!(b.iter().all(|b| b.abs() < 1e-8));
    }

    #[test]
    #[should_panic(expected = "RandomizedAsymmetric: fan_in of `bias` is 0")]
    fn no_inputs_are_refused() {
        let spec = ParamSpec::bias(0, 3);
        RandomizedAsymmetric::default().draw(&spec, &[3], &mut TorchRng::seed(0));
    }

    #[test]
    #[should_panic(expected = "RandomizedAsymmetric: `scale` is neither a weight nor a bias")]
    fn a_scale_is_refused() {
        let spec = ParamSpec::scale_of(3);
        RandomizedAsymmetric::default().draw(&spec, &[3], &mut TorchRng::seed(0));
    }

    #[test]
    fn serde_refuses_a_bad_pair() {
        let initializer = RandomizedAsymmetric::paired(5);
        let text = serde_json::to_string(&initializer).unwrap();
        assert_eq!(serde_json::from_str::<RandomizedAsymmetric>(&text).unwrap(), initializer);
        assert!(serde_json::from_str::<RandomizedAsymmetric>(r#"{"pair":-5}"#).is_err());
    }
}
