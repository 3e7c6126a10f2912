//! Normalizes each unit's pre-activation on a batch.

use std::collections::HashSet;

use fanin_tensor::{Scalar, Tensor};

use super::InitError;
use super::transaction::Transaction;
use super::{DataInitReport, unit_moments};
use crate::module::Module;

/// Sets `w ← w/σ` and `b ← (b − μ)/σ` unit by unit and layer by layer, where μ and σ are the mean
/// and the standard deviation of the unit's pre-activations on a batch. They become 0 and 1.
///
/// This is weight normalization's initialization, `g = 1/σ_t`, `b = −μ_t/σ_t`, for weights that are
/// not split into a length g and a direction v: `w = g·v/‖v‖`. The caller draws the weights first.
/// Their scale and the biases do not matter.
///
/// Without biases, a unit keeps its mean, divided by σ.
///
/// # Example
/// ```
/// use fanin_nn::initialize::UnitNorm;
/// use fanin_nn::init::{Initializer, Normal, ParamSpec, TorchRng};
/// use fanin_nn::layers::Tanh;
/// use fanin_nn::{Linear, Module, Sequential, Tensor};
///
/// let spec = ParamSpec::weight(5, 5);
/// let x: Tensor = Normal::new(3.0, 1.0).draw(&spec, &[64, 5], &mut TorchRng::seed(1)).into();
/// let mut model = Sequential::new().add(Linear::new(5, 20)).add(Tanh).add(Linear::new(20, 2));
/// UnitNorm.init(&mut model, &x)?;
/// let y = model.predict(&x);
/// let mean = y.as_slice().chunks(2).map(|y| y[1]).sum::<f32>() / 64.0;
/// assert!(mean.abs() < 1e-5);
/// # Ok::<(), fanin_nn::InitError>(())
/// ```
///
/// # Reference
/// Salimans & Kingma 2016, "Weight normalization", equations 5 and 6.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UnitNorm;

impl UnitNorm {
    /// Initializes the linear layers of a model.
    ///
    /// # Errors
    /// If the batch does not fit, or if a unit's pre-activations are not finite or are all the
    /// same.
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
        let normalized = normalize_units(&mut transaction, 0.0)?;
        let report = DataInitReport::new(&before, &transaction, &transaction.probe(), |path| {
            usize::from(normalized.contains(path))
        })?;
        transaction.keep();
        Ok(report)
    }
}

/// Gives all units this mean and standard deviation 1, and returns the weights it scaled.
#[track_caller]
pub(super) fn normalize_units<T: Scalar, M: Module<T> + ?Sized>(
    transaction: &mut Transaction<'_, T, M>,
    mean: f64,
) -> Result<HashSet<String>, InitError> {
    let mut done = HashSet::new();
    let mut probe = transaction.probe();
    let mut i = 0;
    while let Some(layer) = probe.layers().get(i) {
        i += 1;
        let path = &layer.weight_path;
        if done.contains(path) || !transaction.may_change(path) {
            continue;
        }
        let moments = unit_moments(layer)?;
        let inputs = layer.weight.shape()[1];
        transaction.edit(path, |w| {
            for (row, unit) in w.chunks_mut(inputs).zip(&moments) {
                row.iter_mut().for_each(|w| *w = T::from_f64(w.to_f64() / unit.std));
            }
        });
        if let Some(path) = layer.bias_path.as_deref().filter(|path| transaction.may_change(path)) {
            transaction.edit(path, |b| {
                for (b, unit) in b.iter_mut().zip(&moments) {
                    *b = T::from_f64((b.to_f64() - unit.mean) / unit.std + mean);
                }
            });
        }
        done.insert(path.clone());
        probe = transaction.probe();
    }
    Ok(done)
}
