//! Initializers for a whole model that is already built.
//!
//! An [`InitPlan`] selects parameters by name, pattern or kind and draws each by an initializer.
//! [`MuP`] sets initial values and learning rates for a width. The others look at a batch:
//!
//! | initializer | effect on each linear layer | reference |
//! |---|---|---|
//! | [`Lsuv`] | orthonormal weights; pre-activations of standard deviation 1, as a whole | Mishkin & Matas 2015 |
//! | [`UnitNorm`] | pre-activations of mean 0 and standard deviation 1, unit by unit | Salimans & Kingma 2016 |
//! | [`Krahenbuhl`] | normal weights, normalized unit by unit; all layers learn at the same rate | Krähenbühl et al. 2015 |
//! | [`ClassPrior`] | bias of the last layer: first predictions are the class frequencies | |
//!
//! They work on any [`Module`](crate::Module): a [`Probe`](crate::diagnose::Probe) finds the linear
//! layers. Layers are set in order of use. A layer that is used several times is set at its first
//! use. Frozen and [protected](crate::Param::set_protected) parameters keep their values. The batch should be a few hundred samples of the
//! training data, prepared as in training. If an initializer returns an error or panics, the model
//! keeps its values.

mod class_prior;
mod error;
mod krahenbuhl;
mod lsuv;
mod mup;
mod plan;
mod report;
mod transaction;
mod unit_norm;

pub use class_prior::ClassPrior;
pub use error::InitError;
pub use krahenbuhl::Krahenbuhl;
pub use lsuv::Lsuv;
pub use mup::MuP;
pub(crate) use plan::Drawn;
pub use plan::{InitPlan, PlanOutcome, PlanReport, PlanRow};
pub use report::{DataInitReport, LayerSignal};
pub use unit_norm::UnitNorm;

use fanin_tensor::Scalar;

use crate::diagnose::LayerProbe;

/// Numbers count as equal up to rounding if their standard deviation is at most this part of their
/// size.
const CONSTANT: f64 = 1e-5;

/// Mean, standard deviation and root mean square.
#[derive(Clone, Copy)]
struct Moments {
    mean: f64,
    std: f64,
    rms: f64,
}

impl Moments {
    /// Computed in two passes in f64, so that nothing cancels.
    fn of<T: Scalar>(values: impl Iterator<Item = T> + Clone) -> Self {
        let n = values.clone().count() as f64;
        let mean = values.clone().map(T::to_f64).sum::<f64>() / n;
        let variance = values.map(|x| (x.to_f64() - mean).powi(2)).sum::<f64>() / n;
        Self { mean, std: variance.sqrt(), rms: (variance + mean * mean).sqrt() }
    }

    fn is_constant(self) -> bool {
        self.std <= CONSTANT * self.rms
    }
}

/// The moments of all pre-activations of a layer.
fn layer_moments<T: Scalar>(layer: &LayerProbe<T>) -> Result<Moments, InitError> {
    let moments = Moments::of(layer.pre_activation.as_slice().iter().copied());
    let path = || layer.weight_path.clone();
    if !moments.rms.is_finite() {
        return Err(InitError::NonFinite { layer: path() });
    }
    if moments.is_constant() {
        return Err(InitError::Constant { layer: path(), unit: None });
    }
    Ok(moments)
}

/// The moments of each unit's pre-activations.
fn unit_moments<T: Scalar>(layer: &LayerProbe<T>) -> Result<Vec<Moments>, InitError> {
    let (z, units) = (layer.pre_activation.as_slice(), layer.weight.shape()[0]);
    let path = || layer.weight_path.clone();
    let of_unit = |unit| {
        let moments = Moments::of(z[unit..].iter().step_by(units).copied());
        if !moments.rms.is_finite() {
            Err(InitError::NonFinite { layer: path() })
        } else if moments.is_constant() {
            Err(InitError::Constant { layer: path(), unit: Some(unit) })
        } else {
            Ok(moments)
        }
    };
    (0..units).map(of_unit).collect()
}
