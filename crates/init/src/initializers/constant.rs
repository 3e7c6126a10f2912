//! The same value everywhere.

use ndarray::ArrayViewMutD;
use rand::RngCore;
use serde::{Deserialize, Serialize};

use crate::initializer::require;
use crate::scheme::{Field, Value, checked_serde, fields};
use crate::{Initializer, ParamSpec};

/// All zeros: the usual bias of Keras and Flax.
///
/// With weights of zero, all units of a layer stay equal in training, unless something else makes
/// them differ.
///
/// # Example
/// ```
/// use fanin_init::{Initializer, ParamSpec, TorchRng, Zeros};
///
/// let b = Zeros.draw(&ParamSpec::bias(784, 128), &[128], &mut TorchRng::seed(0));
/// assert_eq!(b.sum(), 0.0);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Zeros;

/// All ones: the usual scale of a normalization.
///
/// # Example
/// ```
/// use fanin_init::{Initializer, Ones, ParamSpec, TorchRng};
///
/// let scale = Ones.draw(&ParamSpec::weight(8, 8), &[8], &mut TorchRng::seed(0));
/// assert_eq!(scale.sum(), 8.0);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ones;

/// This value everywhere.
///
/// # Panics
/// `fill` panics when the value is not finite.
///
/// # Example
/// ```
/// use fanin_init::{Constant, Initializer, ParamSpec, TorchRng};
///
/// // A little positive, so that every ReLU is active at first.
/// let b = Constant(0.1).draw(&ParamSpec::bias(784, 128), &[128], &mut TorchRng::seed(0));
/// assert_eq!(b[5], 0.1);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct Constant(pub f32);

impl Constant {
    fn checked(self) -> Result<Self, String> {
        let Constant(value) = self;
        if value.is_finite() {
            Ok(self)
        } else {
            Err(format!("Constant: {value:?} is no first value, it must be finite"))
        }
    }
}

fields!(Zeros {});

impl Initializer for Zeros {
    fn fill(&self, _: &ParamSpec, _: &mut dyn RngCore, mut values: ArrayViewMutD<'_, f32>) {
        values.fill(0.0);
    }
}

fields!(Ones {});

impl Initializer for Ones {
    fn fill(&self, _: &ParamSpec, _: &mut dyn RngCore, mut values: ArrayViewMutD<'_, f32>) {
        values.fill(1.0);
    }
}

impl Field for Constant {
    fn value(&self) -> Value {
        self.0.value()
    }

    fn from_value(name: &str, value: &Value) -> Result<Self, String> {
        f32::from_value(name, value).map(Constant).and_then(Constant::checked)
    }
}
fields!(Constant as value);
checked_serde!(Constant);

impl Initializer for Constant {
    fn fill(&self, param: &ParamSpec, _: &mut dyn RngCore, mut values: ArrayViewMutD<'_, f32>) {
        require(self, param, values.shape());
        values.fill(self.0);
    }

    fn check(&self, _: &ParamSpec, _: &[usize]) -> Result<(), String> {
        self.checked().map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::TorchRng;

    #[test]
    fn constants_draw_nothing() {
        let mut rng = TorchRng::seed(1);
        let spec = ParamSpec::bias(2, 3);
        for (initializer, value) in
            [(&Zeros as &dyn Initializer, 0.0), (&Ones, 1.0), (&Constant(-0.25), -0.25)]
        {
            assert!(initializer.draw(&spec, &[3], &mut rng).iter().all(|&x| x == value));
        }
        assert_eq!(rng, TorchRng::seed(1));
    }

    #[test]
    #[should_panic(expected = "Constant: NaN is no first value")]
    fn nan_is_refused() {
        Constant(f32::NAN).draw(&ParamSpec::bias(2, 3), &[3], &mut TorchRng::seed(1));
    }

    #[test]
    fn serde_refuses_infinity() {
        assert_eq!(serde_json::from_str::<Constant>("0.5").unwrap(), Constant(0.5));
        let error = serde_json::from_str::<Constant>("1e39").unwrap_err().to_string();
        // With serde_json's feature `float_roundtrip`, which a workspace may turn on, its reader refuses.
        let refused = ["Constant: inf is no first value", "number out of range"];
        assert!(refused.iter().any(|text| error.contains(text)), "{error}");
    }
}
