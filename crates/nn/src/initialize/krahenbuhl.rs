//! Normalizes layers on a batch and equalizes their learning rates.

use std::collections::HashSet;

use fanin_init::Normal;
use fanin_tensor::{Scalar, Tensor};

use super::DataInitReport;
use super::InitError;
use super::transaction::Transaction;
use super::unit_norm::normalize_units;
use crate::diagnose::{LayerProbe, Probe};
use crate::module::Module;

/// Draws normal weights, normalizes them on a batch, and scales them so that all layers learn at
/// the same rate.
///
/// 1. *Within layers* (the paper's algorithm 1): `W ~ N(0, 1)`, then unit by unit `w ← w/σ` and
///    `b ← β − μ/σ`, so that every pre-activation has mean β and standard deviation 1 on the batch.
/// 2. *Between layers* (its algorithm 2): the rate of a layer is the size of its gradients divided by
///    the size of its weights, `C_k² = mean_i ‖∂L_i/∂W_k‖² / ‖W_k‖²` over the samples i. With C the
///    geometric mean of the rates, weights are scaled by `r_k = √(C_k/C)` and biases by `r_1⋯r_k`. This
///    keeps the network's function and makes every rate C. `L_i = ⟨y_i, r_i⟩` with a standard normal
///    direction `r_i` for each sample, so no labels are needed.
///
/// The first step makes each pre-activation's mean β, whatever the sample. Gradients of all samples along
/// one direction would nearly cancel in the first layer, so the samples' gradients are squared one by one.
/// The authors' program squares their sum, for independent directions; this has the same expectation.
///
/// The second step is exact after one round if all layers are in sequence and every activation has
/// `φ(c·x) = c·φ(x)` for c > 0: ReLU, leaky ReLU, or none. For any other network it is refused,
/// because it would change the function. To skip it, call
/// [`within_layers_only`](Self::within_layers_only).
///
/// # Example
/// ```
/// use fanin_nn::initialize::Krahenbuhl;
/// use fanin_nn::init::{Initializer, Normal, ParamSpec, TorchRng};
/// use fanin_nn::layers::Relu;
/// use fanin_nn::{Linear, Sequential, Tensor};
///
/// let spec = ParamSpec::weight(5, 5);
/// let x: Tensor = Normal::new(3.0, 1.0).draw(&spec, &[64, 5], &mut TorchRng::seed(1)).into();
/// let mut model = Sequential::new().add(Linear::new(5, 20)).add(Relu).add(Linear::new(20, 2));
/// let report = Krahenbuhl::default().keyed(42).init(&mut model, &x)?;
/// assert!((report.layers()[1].std - 1.0).abs() < 1e-3);
/// # Ok::<(), fanin_nn::InitError>(())
/// ```
///
/// # Reference
/// Krähenbühl et al. 2015, "Data-dependent initializations of convolutional neural networks",
/// algorithms 1 and 2; `magicInitialize` and `calibrateGradientRatio` in magic_init.py of the authors'
/// repository, philkr/magic_init. Its k-means and PCA weights are not implemented.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Krahenbuhl {
    mean: f64,
    between: bool,
    seed: Option<u64>,
}

impl Default for Krahenbuhl {
    /// A mean of 0.1, as in the authors' program, and both steps.
    fn default() -> Self {
        Self { mean: 0.1, between: true, seed: None }
    }
}

impl Krahenbuhl {
    /// Sets the mean β of the pre-activations, 0.1 by default. A positive mean keeps more units of ReLU
    /// alive.
    ///
    /// # Panics
    /// **Panics** unless the mean is finite.
    #[must_use]
    #[track_caller]
    pub fn mean(self, mean: f64) -> Self {
        assert!(mean.is_finite(), "Krahenbuhl: a mean of {mean:?} is impossible");
        Self { mean, ..self }
    }

    /// Skips the second step. Any activation is then allowed.
    #[must_use]
    pub fn within_layers_only(self) -> Self {
        Self { between: false, ..self }
    }

    /// Draws each weight from its own generator, as [`InitPlan::keyed`](crate::InitPlan::keyed)
    /// does, instead of the thread's.
    #[must_use]
    pub fn keyed(self, seed: u64) -> Self {
        Self { seed: Some(seed), ..self }
    }

    /// Initializes the linear layers of a model.
    ///
    /// # Errors
    /// If the batch does not fit, if a unit's pre-activations are not finite or are all the same,
    /// if the second step would change the network's function, or if no gradient reaches a layer.
    ///
    /// # Panics
    /// **Panics** if the model's `forward` panics or uses no linear layer.
    #[track_caller]
    pub fn init<T: Scalar>(
        &self,
        model: &mut (impl Module<T> + ?Sized),
        x: &Tensor<T>,
    ) -> Result<DataInitReport, InitError> {
        let mut transaction = Transaction::new(model, x)?;
        let before = transaction.probe();
        transaction.draw_weights(&before, Normal::new(0.0, 1.0), self.seed)?;
        let normalized = normalize_units(&mut transaction, self.mean)?;
        if self.between {
            equalize_rates(&mut transaction, &normalized)?;
        }
        let report = DataInitReport::new(&before, &transaction, &transaction.probe(), |path| {
            usize::from(normalized.contains(path))
        })?;
        transaction.keep();
        Ok(report)
    }
}

/// The output may change by this part of its size before the function counts as changed.
const SAME_OUTPUT: f64 = 1e-3;

/// Applies the second step to the layers that use these weights.
#[track_caller]
fn equalize_rates<T: Scalar, M: Module<T> + ?Sized>(
    transaction: &mut Transaction<'_, T, M>,
    weights: &HashSet<String>,
) -> Result<(), InitError> {
    let probe = transaction.probe_gradients();
    let rates = log_rates(&probe, weights)?;
    let target = rates.iter().map(|(_, rate)| rate).sum::<f64>() / rates.len() as f64;
    let mut product = 1.0;
    for &(i, rate) in &rates {
        let layer = &probe.layers()[i];
        let scale = ((rate - target) / 2.0).exp();
        product *= scale;
        let multiply = |by: f64| {
            move |w: &mut [T]| {
                w.iter_mut().for_each(|w| *w = T::from_f64(w.to_f64() * by));
            }
        };
        transaction.edit(&layer.weight_path, multiply(scale));
        if let Some(path) = layer.bias_path.as_deref().filter(|path| transaction.may_change(path)) {
            transaction.edit(path, multiply(product));
        }
    }
    let (old, new) = (probe.output().as_slice(), transaction.probe());
    let square = |x: f64| x * x;
    let moved: f64 =
        old.iter().zip(new.output().as_slice()).map(|(a, b)| square(a.to_f64() - b.to_f64())).sum();
    let size: f64 = old.iter().map(|a| square(a.to_f64())).sum();
    let change = (moved / size).sqrt();
    if change < SAME_OUTPUT { Ok(()) } else { Err(InitError::NotHomogeneous { change }) }
}

/// `Σ_i ‖∂L_i/∂W‖² = Σ_i ‖∂L_i/∂z_i‖² ‖x_i‖²` over the rows i of a batch.
fn squared_gradients<T: Scalar>(layer: &LayerProbe<T>) -> f64 {
    let [outputs, inputs] = [0, 1].map(|axis| layer.weight.shape()[axis].max(1));
    let Some(dz) = &layer.pre_activation_grad else { return 0.0 };
    let rows = dz.as_slice().chunks(outputs).zip(layer.input.as_slice().chunks(inputs));
    rows.map(|(dz, x)| squares(dz) * squares(x)).sum()
}

fn squares<T: Scalar>(x: &[T]) -> f64 {
    x.iter().map(|x| x.to_f64().powi(2)).sum()
}

/// The layers that use these weights and the logarithms of their rates. Each weight occurs once.
fn log_rates<T: Scalar>(
    probe: &Probe<T>,
    weights: &HashSet<String>,
) -> Result<Vec<(usize, f64)>, InitError> {
    let mut seen = HashSet::new();
    let mut rates = vec![];
    for (i, layer) in probe.layers().iter().enumerate() {
        if !weights.contains(&layer.weight_path) || !seen.insert(&layer.weight_path) {
            continue;
        }
        // The gradient of a sample is the product of a column and a row, and so is its square.
        let uses = probe.layers().iter().filter(|other| other.weight_path == layer.weight_path);
        let gradients: f64 = uses.map(squared_gradients).sum();
        let rate = (gradients / squares(layer.weight.as_slice())).sqrt().ln();
        if !rate.is_finite() {
            return Err(InitError::NoGradient { layer: layer.weight_path.clone() });
        }
        rates.push((i, rate));
    }
    Ok(rates)
}
