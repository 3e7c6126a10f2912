//! The count of connections by which an initializer divides its variance.

use serde::{Deserialize, Serialize};

use crate::ParamSpec;
use crate::initializer::stated;
use crate::scheme::words;

/// The count of connections by which an initializer divides its variance.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Fan {
    /// `fan_in`: keeps the size of the signal in the forward pass.
    #[default]
    In,
    /// `fan_out`: keeps the size of the gradient in the backward pass.
    Out,
    /// `(fan_in + fan_out)/2`: the compromise of Glorot and Bengio.
    Average,
    /// `√(fan_in·fan_out)`: JAX' `fan_geo_avg`, nearer to the smaller of the two.
    GeometricAverage,
}

impl Fan {
    /// The count for this parameter.
    pub fn of(self, param: &ParamSpec) -> f64 {
        match self {
            Fan::In => param.fan_in as f64,
            Fan::Out => param.fan_out as f64,
            Fan::Average => (param.fan_in as f64 + param.fan_out as f64) / 2.0,
            Fan::GeometricAverage => (param.fan_in as f64 * param.fan_out as f64).sqrt(),
        }
    }

    /// Refuses fans that are not stated, and a fan of 0 unless there is nothing to fill.
    pub(crate) fn check(
        self,
        initializer: &str,
        param: &ParamSpec,
        shape: &[usize],
    ) -> Result<(), String> {
        stated(initializer, param)?;
        if self.of(param) > 0.0 || shape.contains(&0) {
            return Ok(());
        }
        let fan = match self {
            Fan::In => "fan_in",
            Fan::Out => "fan_out",
            Fan::Average => "fan_in + fan_out",
            Fan::GeometricAverage => "fan_in · fan_out",
        };
        Err(format!(
            "{initializer}: {fan} of `{}` is 0, and the initializer divides by it",
            param.name
        ))
    }
}

words!(Fan {
    In: "fan_in" "in",
    Out: "fan_out" "out",
    Average: "fan_avg" "avg" "average" "fan_average",
    GeometricAverage: "fan_geo_avg" "geometric_average",
});
