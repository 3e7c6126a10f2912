//! Activations by name, where a gain is asked for.

use super::fields::{Field, none_of};
use super::value::{Call, same_name};
use crate::Nonlinearity::{self, *};

/// Name, PyTorch's default of the parameter if there is one, and the activation with a parameter.
type Entry = (&'static str, Option<f64>, fn(f64) -> Nonlinearity);

const ENTRIES: [Entry; 14] = [
    ("linear", None, |_| Linear),
    ("sigmoid", None, |_| Sigmoid),
    ("tanh", None, |_| Tanh),
    ("relu", None, |_| Relu),
    ("leaky_relu", Some(0.01), LeakyRelu),
    ("selu", None, |_| Selu),
    ("elu", Some(1.0), Elu),
    ("gelu", None, |_| Gelu),
    ("gelu_tanh", None, |_| GeluTanh),
    ("silu", None, |_| Silu),
    ("softplus", None, |_| Softplus),
    ("softsign", None, |_| Softsign),
    ("mish", None, |_| Mish),
    ("sin", Some(1.0), Sin),
];

/// The activation of `relu` or `leaky_relu(0.2)`.
pub(super) fn activation(call: &Call) -> Result<Nonlinearity, String> {
    let Some((name, default, make)) = ENTRIES.iter().find(|(name, ..)| same_name(name, &call.name))
    else {
        return Err(none_of(&call.name, &ENTRIES.map(|(name, ..)| name)));
    };
    match (default, &*call.args) {
        (None, []) => Ok(make(0.0)),
        (None, _) => Err(format!("`{call}` takes nothing in parentheses")),
        (Some(default), []) => Ok(make(*default)),
        (Some(_), [(_, value)]) => Ok(make(f64::from_value(name, value)?)),
        (Some(_), _) => Err(format!("`{call}` needs one value in parentheses")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_variants() {
        for (name, ..) in ENTRIES {
            let call = Call { name: name.into(), args: vec![] };
            let variant = format!("{:?}", activation(&call).unwrap());
            assert!(same_name(variant.split('(').next().unwrap(), name), "{variant}");
        }
    }
}
