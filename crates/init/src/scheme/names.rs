//! The names of initializers and parameters, ours and those of other frameworks, and what they mean.

use super::error::ParseSchemeError;
use super::fields::Fields;
use super::nearest::hint;
use super::value::{Value, excerpt, same_name};
use super::{ROWS, Row, text};

/// Another name for an initializer, with the parameters it has there, in their order.
pub(super) struct Alias {
    pub(super) name: &'static str,
    pub(super) means: &'static str,
    takes: &'static [&'static str],
}

const fn alias(name: &'static str, means: &'static str, takes: &'static [&'static str]) -> Alias {
    Alias { name, means, takes }
}

/// What Keras, JAX, Flax and Flux call their initializers. Defaults are Keras'.
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
    alias("identity_init", "identity", &["gain", "shift"]),
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

/// The order of parameters without names, where it is not that of the fields.
fn first(initializer: &str) -> &'static [&'static str] {
    match initializer {
        "kaiming_uniform" | "kaiming_normal" => &["a", "mode", "nonlinearity"],
        "fixup" => &["branches", "layers"],
        "depth_scaled" => &["branches"],
        _ => &[],
    }
}

/// The parameters that a single number without a name may be meant for, where frameworks differ or
/// two are equally near: PyTorch's and Keras' `normal` begin with the mean, JAX' and Flax' with the
/// standard deviation.
pub(super) fn ambiguous(called: &str) -> &'static [&'static str] {
    match called {
        "uniform" => &["low", "high"],
        "random_uniform" => &["minval", "maxval"],
        "normal" | "trunc_normal" => &["std", "mean"],
        "random_normal" | "truncated_normal" => &["stddev", "mean"],
        "kaiming_uniform" | "kaiming_normal" => &["a", "gain"],
        "idinit" => &["tau", "loosening"],
        _ => &[],
    }
}

/// Parameters that are no fields, but from which fields are computed.
fn last(initializer: &str) -> &'static [&'static str] {
    match initializer {
        "trunc_normal" => &["lower", "upper"],
        "edge_of_chaos" => &["activation"],
        "fixup" => &["mode"],
        _ => &[],
    }
}

/// Parameters for a state, which initializers have in other frameworks but not here.
const STATE: [&str; 2] = ["seed", "generator"];

/// Keras' configurations and PyTorch's calls have these, mostly set to none.
pub(super) const MAY_BE_NONE: [&str; 4] = ["seed", "generator", "input_axes", "output_axes"];

/// The row of an initializer, and the name under which it was called if that is another.
pub(super) fn find(name: &str) -> Result<(&'static Row, Option<&'static Alias>), ParseSchemeError> {
    let bare = name.strip_suffix('_').unwrap_or(name);
    let same = |known: &str| same_name(known, bare) && (name == bare || TORCH.contains(&known));
    if let Some(row) = ROWS.iter().find(|row| same(row.name)) {
        return Ok((row, None));
    }
    if let Some(alias) = ALIASES.iter().find(|alias| same(alias.name)) {
        let initializer = text::parse(alias.means)?.name;
        return Ok((find(&initializer)?.0, Some(alias)));
    }
    let names = ROWS.iter().map(|row| row.name).chain(ALIASES.iter().map(|alias| alias.name));
    let names: Vec<&str> = names.collect();
    let next =
        hint(name, &names).unwrap_or_else(|| format!("the initializers are {}", names.join(", ")));
    Err(ParseSchemeError(format!("there is no initializer `{}`; {next}", excerpt(name))))
}

/// The names of all parameters, in the order in which values without names are read.
pub(super) fn parameters(row: &Row, alias: Option<&Alias>, fields: &Fields) -> Vec<&'static str> {
    if let Some(alias) = alias {
        return alias.takes.to_vec();
    }
    let mut names = first(row.name).to_vec();
    names.extend(fields.iter().map(|(name, _)| *name));
    names.extend(last(row.name));
    names
}

/// The field of the initializer's struct, or the derived parameter, that a name means.
pub(super) fn field(
    name: &str,
    known: &[&'static str],
    fields: &Fields,
    only_known: bool,
) -> Option<&'static str> {
    let same = |other: &str| same_name(other, name);
    let is_field = |name: &str| fields.iter().any(|(field, _)| *field == name);
    let known = known.iter().copied().find(|known| same(known));
    if known.is_some_and(is_field) {
        return known;
    }
    let meant = SYNONYMS.iter().find(|(name, field)| same(name) && is_field(field));
    match (known, meant) {
        (None, _) if only_known => None,
        (_, Some((_, field))) => Some(field),
        (known, None) => known,
    }
}

pub(super) fn unknown(initializer: &str, name: &str, value: &Value, known: &[&str]) -> String {
    let (name, value) = (excerpt(name), excerpt(&value.to_string()));
    let mut message = format!("`{initializer}` has no parameter `{name}` (here {name}={value}); ");
    if STATE.contains(&&*name) {
        return message + "an initializer has no state: seed the generator it is given";
    }
    let names = shown(known);
    if let Some(hint) = hint(&name, &names) {
        message += &(hint + "; ");
    }
    message + &takes(&names)
}

/// Each parameter once, as it is printed.
pub(super) fn shown<'k>(known: &[&'k str]) -> Vec<&'k str> {
    let mut names = vec![];
    for name in known.iter().map(|name| printed(name)) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

pub(super) fn takes(names: &[&str]) -> String {
    let names = if names.is_empty() { "none".into() } else { names.join(", ") };
    format!("it takes {names}")
}
