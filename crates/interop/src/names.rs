//! How PyTorch names what a model has.
//!
//! A path of fanin is the name that PyTorch's `state_dict` has, for every layer but two:
//!
//! | layer | fanin | PyTorch | also read |
//! |---|---|---|---|
//! | `WeightNorm` | `weight_g` | `parametrizations.weight.original0` | `weight_g` |
//! | | `weight_v` | `parametrizations.weight.original1` | `weight_v` |
//! | `SpectralNorm` | `weight` | `parametrizations.weight.original` | `weight_orig`, `weight` |
//! | | `weight_u`, `weight_v` | `parametrizations.weight.0._u`, `…_v` | `weight_u`, `weight_v` |
//!
//! They are known by what stands beside each other, so the layers of a user's struct have these names too.
//! The names that are also read are those of PyTorch's older functions, and fanin's paths.
//!
//! PyTorch counts the batches of every `BatchNorm1d` with running statistics, in the integer
//! `num_batches_tracked`. fanin counts them only for a cumulative average. So it writes a 0 for the others,
//! and leaves out what a file says of them.
//!
//! If every name of a file begins with `module.` (`DistributedDataParallel`) or `_orig_mod.`
//! (`torch.compile`), and the model's names do not, the reader takes that prefix off.
//!
//! # Example
//! ```
//! use fanin_interop::names;
//! use fanin_nn::layers::{BatchNorm1d, WeightNorm};
//! use fanin_nn::{Linear, Sequential};
//!
//! let normed = WeightNorm::new(Linear::new(4, 3));
//! let model = Sequential::new().add(normed).add(BatchNorm1d::new(3));
//! assert_eq!(
//!     names::of(&model),
//!     [
//!         "0.parametrizations.weight.original0",
//!         "0.parametrizations.weight.original1",
//!         "0.bias",
//!         "1.weight",
//!         "1.bias",
//!         "1.running_mean",
//!         "1.running_var",
//!     ]
//! );
//! ```

use std::collections::HashMap;

use fanin_nn::Parameters;
use fanin_tensor::Scalar;

use crate::model::{Slot, slots};

/// The names that PyTorch has for the parameters and buffers of a model, in the model's order.
pub fn of<T: Scalar, M: Parameters<T> + ?Sized>(model: &M) -> Vec<String> {
    named(&slots(model)).into_iter().map(|names| names.written).collect()
}

/// What counts the batches of a normalization.
pub(crate) const BATCHES: &str = "num_batches_tracked";

/// The names of one parameter or buffer.
pub(crate) struct Names {
    /// PyTorch's.
    pub(crate) written: String,
    /// Others that are read, if the file does not have PyTorch's.
    pub(crate) also: Vec<String>,
}

/// The part before the last dot, with the dot, and the part behind it.
pub(crate) fn split(path: &str) -> (&str, &str) {
    path.split_at(path.rfind('.').map_or(0, |dot| dot + 1))
}

pub(crate) fn named(slots: &[Slot]) -> Vec<Names> {
    let kinds: HashMap<&str, bool> =
        slots.iter().map(|slot| (&*slot.path, slot.is_buffer)).collect();
    let name = |slot: &Slot| {
        let (before, leaf) = split(&slot.path);
        let beside = |leaf: &str| kinds.get(&*format!("{before}{leaf}")).copied();
        let weight_norm = (beside("weight_g"), beside("weight_v")) == (Some(false), Some(false));
        let spectral_norm = beside("weight") == Some(false)
            && (beside("weight_u"), beside("weight_v")) == (Some(true), Some(true));
        let torch = match leaf {
            "weight_g" if weight_norm => "parametrizations.weight.original0",
            "weight_v" if weight_norm => "parametrizations.weight.original1",
            "weight" if spectral_norm => "parametrizations.weight.original",
            "weight_u" if spectral_norm => "parametrizations.weight.0._u",
            "weight_v" if spectral_norm => "parametrizations.weight.0._v",
            _ => return Names { written: slot.path.clone(), also: vec![] },
        };
        let old = (leaf == "weight").then(|| format!("{before}weight_orig"));
        let also = old.into_iter().chain([slot.path.clone()]).collect();
        Names { written: format!("{before}{torch}"), also }
    };
    slots.iter().map(name).collect()
}

/// The counters of batches that PyTorch has and the model has not.
pub(crate) fn counters(slots: &[Slot]) -> Vec<String> {
    let paths: Vec<&str> = slots.iter().map(|slot| &*slot.path).collect();
    let statistics = slots.iter().filter(|slot| slot.is_buffer);
    let counters = statistics.filter_map(|slot| {
        let (before, leaf) = split(&slot.path);
        (leaf == "running_mean").then(|| format!("{before}{BATCHES}"))
    });
    let sorted = {
        let mut sorted = paths;
        sorted.sort_unstable();
        sorted
    };
    counters.filter(|name| sorted.binary_search(&&**name).is_err()).collect()
}
