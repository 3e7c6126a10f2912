//! The names of initializers and parameters, ours and those of other frameworks, and what they mean.

use serde::Deserialize;

use super::error::ParseSchemeError;
use super::nearest::hint;
use super::text;
use super::value::{Args, Call, Value, excerpt, plain, shortened};
use super::{ROWS, Row, Scheme};
use crate::{EdgeOfChaos, Nonlinearity};

/// Another name for an initializer, with the parameters it has there, in their order.
pub(super) struct Alias {
    pub(super) name: &'static str,
    pub(super) means: &'static str,
    takes: &'static [&'static str],
}

const fn alias(name: &'static str, means: &'static str, takes: &'static [&'static str]) -> Alias {
    Alias { name, means, takes }
}

/// What Keras, JAX and Flax call their initializers. Defaults are Keras'.
pub(super) const ALIASES: &[Alias] = &[
    alias("glorot_uniform", "xavier_uniform", &[]),
    alias("glorot_normal", "variance_scaling(mode=fan_avg)", &[]),
    alias("he_uniform", "kaiming_uniform", &[]),
    alias("he_normal", "variance_scaling(scale=2)", &[]),
    alias("lecun_normal", "variance_scaling", &[]),
    alias("random_uniform", "uniform(low=-0.05, high=0.05)", &["minval", "maxval"]),
    alias("random_normal", "normal(std=0.05)", &["mean", "stddev"]),
    alias(
        "truncated_normal",
        "trunc_normal(std=0.05, lower=-2, upper=2)",
        &["mean", "stddev", "lower", "upper"],
    ),
    alias("zeros_init", "zeros", &[]),
    alias("ones_init", "ones", &[]),
    alias("identity_initializer", "identity", &["gain"]),
    alias("orthogonal_initializer", "orthogonal", &["gain"]),
    alias("eye", "identity", &[]),
    alias("torch_default", "kaiming_uniform(a=sqrt(5))", &[]),
];

/// What PyTorch has under this name with `_` behind it.
const TORCH: &[&str] = &[
    "uniform",
    "normal",
    "constant",
    "ones",
    "zeros",
    "trunc_normal",
    "xavier_uniform",
    "xavier_normal",
    "kaiming_uniform",
    "kaiming_normal",
    "orthogonal",
    "eye",
    "dirac",
    "sparse",
];

/// Parameters of other frameworks, and ours.
const SYNONYMS: &[(&str, &str)] = &[
    ("mode", "fan"),
    ("law", "distribution"),
    ("nonlinearity", "gain"),
    ("nonlinearity", "value"),
    ("scale", "gain"),
    ("stddev", "std"),
    ("a", "low"),
    ("b", "high"),
    ("minval", "low"),
    ("maxval", "high"),
    ("val", "value"),
];

/// A parameter as it is printed: a field of a struct under the name that the field's users know.
pub(super) fn printed(field: &str) -> &str {
    match field {
        "fan" => "mode",
        _ => field,
    }
}

/// Parameters that may stand first without their names, where that is not the order of the fields.
fn first(initializer: &str) -> &'static [&'static str] {
    match initializer {
        "kaiming_uniform" | "kaiming_normal" => &["a", "mode", "nonlinearity"],
        "fixup" => &["branches", "layers"],
        "depth_scaled" => &["branches"],
        _ => &[],
    }
}

/// Parameters from which others are computed.
fn last(initializer: &str) -> &'static [&'static str] {
    match initializer {
        "trunc_normal" => &["lower", "upper"],
        "edge_of_chaos" => &["activation"],
        _ => &[],
    }
}

/// An initializer has none of it, whatever other frameworks do.
const STATE: [&str; 2] = ["seed", "generator"];

/// Keras' configurations and PyTorch's calls carry these, most often with nothing in them.
const MAY_BE_NONE: [&str; 4] = ["seed", "generator", "input_axes", "output_axes"];

/// The initializer that this call means.
pub(super) fn resolve(call: Call) -> Result<Scheme, ParseSchemeError> {
    let (row, alias) = find(&call.name)?;
    let text = excerpt(&call.to_string());
    // The reason may repeat a value, and that may be as long as the text.
    let at = |reason: String| ParseSchemeError(format!("`{text}`: {}", shortened(&reason, 500)));
    let fields = row.defaults();
    let known = parameters(row, alias, &fields);

    let mut given = Given(vec![]);
    let called = alias.map_or(row.name, |alias| alias.name);
    for (place, (name, value)) in call.args.into_iter().enumerate() {
        let name = match (&name, known.get(place)) {
            (Some(name), _) => name,
            (None, Some(name)) => *name,
            (None, None) => {
                let takes = takes(&shown(&known));
                return Err(format!("`{called}` is given too many values; {takes}").into());
            }
        };
        if MAY_BE_NONE.contains(&name) && value.is_none() {
            continue;
        }
        let field = field(name, &known, &fields, alias.is_some())
            .ok_or_else(|| unknown(called, name, &value, &known))?;
        if given.get(&field).is_some() {
            return Err(at(format!("{} is given twice", printed(&field))));
        }
        given.0.push((field, value));
    }
    if let Some(alias) = alias {
        let own = parameters(row, None, &fields);
        for (name, value) in text::parse(alias.means)?.args {
            let name = name.unwrap_or_default();
            let field = field(&name, &own, &fields, false).unwrap_or(name);
            if given.get(&field).is_none() {
                given.0.push((field, value));
            }
        }
    }
    given.derive(row.name, &fields).map_err(at)?;

    let mut args = vec![];
    for (name, default) in fields {
        let name = name.unwrap_or_default();
        let value = match given.take(&name) {
            None if row.needs.contains(&&*name) => {
                return Err(at(format!("{} is missing", printed(&name))));
            }
            None => default,
            Some(value) if matches!(default, Value::Number(_)) && number(&value).is_none() => {
                return Err(at(format!("{} takes a number, not `{value}`", printed(&name))));
            }
            Some(value) => match (Row::of(&default), value) {
                (Some(initializer), Value::Call(call)) => inner(initializer, call)?,
                (_, value) => value,
            },
        };
        args.push((Some(name), value));
    }
    row.read(args).map_err(|error| at(error.0))
}

/// An initializer that is a parameter of another.
fn inner(initializer: &Row, call: Call) -> Result<Value, ParseSchemeError> {
    let scheme = resolve(call)?;
    if scheme.name() == initializer.name {
        Ok(scheme.write())
    } else {
        Err(ParseSchemeError(format!(
            "`{scheme}` is no {} initializer, as it must be here",
            initializer.name
        )))
    }
}

/// The row of an initializer, and the name under which it was called if that is another.
fn find(name: &str) -> Result<(&'static Row, Option<&'static Alias>), ParseSchemeError> {
    let bare = name.strip_suffix('_').unwrap_or(name);
    let same =
        |known: &str| plain(known) == plain(bare) && (name == bare || TORCH.contains(&known));
    if let Some(row) = ROWS.iter().find(|row| same(row.name)) {
        return Ok((row, None));
    }
    if let Some(alias) = ALIASES.iter().find(|alias| same(alias.name)) {
        let initializer = text::parse(alias.means)?.name;
        return Ok((find(&initializer)?.0, Some(alias)));
    }
    let names = || ROWS.iter().map(|row| row.name).chain(ALIASES.iter().map(|alias| alias.name));
    let next = hint(name, names()).unwrap_or_else(|| {
        format!("the initializers are {}", names().collect::<Vec<_>>().join(", "))
    });
    Err(ParseSchemeError(format!("there is no initializer `{}`; {next}", excerpt(name))))
}

/// Every parameter's name, those first that may stand without, in their order.
fn parameters<'f>(row: &Row, alias: Option<&Alias>, fields: &'f Args) -> Vec<&'f str> {
    if let Some(alias) = alias {
        return alias.takes.to_vec();
    }
    let fields = fields.iter().filter_map(|(name, _)| name.as_deref());
    let first = first(row.name).iter().copied();
    first.chain(fields).chain(last(row.name).iter().copied()).collect()
}

/// The field of the initializer's struct, or the derived parameter, that a name means.
fn field(name: &str, known: &[&str], fields: &Args, only_known: bool) -> Option<String> {
    let same = |other: &str| plain(other) == plain(name);
    let is_field = |name: &str| fields.iter().any(|(field, _)| field.as_deref() == Some(name));
    let known = known.iter().copied().find(|known| same(known));
    if let Some(name) = known.filter(|name| is_field(name)) {
        return Some(name.into());
    }
    let meant = SYNONYMS.iter().find(|(name, field)| same(name) && is_field(field));
    match (known, meant) {
        (None, _) if only_known => None,
        (_, Some((_, field))) => Some((*field).into()),
        (known, None) => known.map(str::to_owned),
    }
}

fn unknown(initializer: &str, name: &str, value: &Value, known: &[&str]) -> String {
    let (name, value) = (excerpt(name), excerpt(&value.to_string()));
    let mut message = format!("`{initializer}` has no parameter `{name}` (here {name}={value}); ");
    if STATE.contains(&&*name) {
        return message + "an initializer has no state: seed the generator it is given";
    }
    let names = shown(known);
    if let Some(hint) = hint(&name, names.iter().copied()) {
        message += &(hint + "; ");
    }
    message + &takes(&names)
}

/// Each parameter once, as it is printed.
fn shown<'k>(known: &[&'k str]) -> Vec<&'k str> {
    let mut names = vec![];
    for name in known.iter().map(|name| printed(name)) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

fn takes(names: &[&str]) -> String {
    let names = if names.is_empty() { "none".into() } else { names.join(", ") };
    format!("it takes {names}")
}

/// What a call gives, by field.
struct Given(Vec<(String, Value)>);

impl Given {
    fn get(&self, name: &str) -> Option<&Value> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value)
    }

    fn take(&mut self, name: &str) -> Option<Value> {
        let place = self.0.iter().position(|(known, _)| known == name)?;
        Some(self.0.remove(place).1)
    }

    fn set(&mut self, name: &str, value: Value) {
        self.take(name);
        self.0.push((name.into(), value));
    }

    /// Computes the fields that are given by way of others.
    fn derive(&mut self, initializer: &str, fields: &Args) -> Result<(), String> {
        match initializer {
            "kaiming_uniform" | "kaiming_normal" => self.slope()?,
            "trunc_normal" => self.bounds()?,
            "edge_of_chaos" => self.edge()?,
            _ => {}
        }
        let is_number = fields.iter().any(|(name, default)| {
            name.as_deref() == Some("gain") && matches!(default, Value::Number(_))
        });
        if let Some(value @ Value::Call(call)) = self.get("gain")
            && is_number
            && number(value).is_none()
        {
            let gain = activation(call.clone())
                .map_err(|error| format!("a gain is a number or an activation, and {error}"))?
                .checked_gain()?;
            self.set("gain", Value::number(gain.get()));
        }
        Ok(())
    }

    /// `a` is the slope of leaky ReLU, PyTorch's default; other activations ignore it, as there.
    fn slope(&mut self) -> Result<(), String> {
        let given = self.take("a");
        if let Some(a) = &given
            && number(a).is_none()
        {
            return Err(format!("a takes a number, not `{a}`"));
        }
        let a = || given.clone().unwrap_or_else(|| Value::number(0.0));
        let leaky = |a| Value::Call(Call { name: "leaky_relu".into(), args: vec![(None, a)] });
        match self.get("gain") {
            None if given.is_some() => self.set("gain", leaky(a())),
            Some(Value::Call(call)) if plain(&call.name) == "leakyrelu" && call.args.is_empty() => {
                self.set("gain", leaky(a()));
            }
            Some(Value::Number(_)) if given.is_some() => {
                return Err("the slope a and the gain exclude each other".into());
            }
            _ => {}
        }
        Ok(())
    }

    /// `activation` and `sigma_b` say what `sigma_w` is.
    fn edge(&mut self) -> Result<(), String> {
        let Some(phi) = self.take("activation") else { return Ok(()) };
        if self.get("sigma_w").is_some() {
            return Err("activation and sigma_w exclude each other".into());
        }
        let Value::Call(call) = phi else {
            return Err(format!("`{phi}` is no activation"));
        };
        let initializer = EdgeOfChaos::solved(activation(call)?, self.read("sigma_b", 0.0)?)?;
        self.set("sigma_w", Value::number(initializer.sigma_w()));
        Ok(())
    }

    /// `lower` and `upper` are bounds in standard deviations, as JAX' are.
    fn bounds(&mut self) -> Result<(), String> {
        for (relative, absolute) in [("lower", "low"), ("upper", "high")] {
            if self.get(relative).is_none() {
                continue;
            }
            if self.get(absolute).is_some() {
                return Err(format!("{relative} and {absolute} exclude each other"));
            }
            let (mean, std) = (self.read("mean", 0.0)?, self.read("std", 1.0)?);
            let bound = mean + self.read(relative, 0.0)? * std;
            self.take(relative);
            self.set(absolute, Value::number(bound));
        }
        Ok(())
    }

    /// This number, or the default where there is none.
    fn read(&self, name: &str, default: f64) -> Result<f64, String> {
        match self.get(name) {
            None => Ok(default),
            Some(value) => {
                number(value).ok_or_else(|| format!("{name} takes a number, not `{value}`"))
            }
        }
    }
}

/// A number, or one of the words that are numbers to Rust: `inf`, `nan`.
fn number(value: &Value) -> Option<f64> {
    value.to_string().parse().ok()
}

/// An activation by its name, with PyTorch's parameter where it has none of its own.
fn activation(mut call: Call) -> Result<Nonlinearity, String> {
    let default = match &*plain(&call.name) {
        "leakyrelu" => Some(0.01),
        "elu" | "sin" => Some(1.0),
        _ => None,
    };
    if let (Some(default), []) = (default, &*call.args) {
        call.args.push((None, Value::number(default)));
    }
    Nonlinearity::deserialize(Value::Call(call)).map_err(|error| error.0)
}
