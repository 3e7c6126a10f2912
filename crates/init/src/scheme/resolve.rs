//! From a name with arguments to the initializer.

use super::activation::activation;
use super::error::ParseSchemeError;
use super::fields::Fields;
use super::names::{
    MAY_BE_NONE, ambiguous, field, find, parameters, printed, shown, takes, unknown,
};
use super::value::{Call, Value, excerpt, same_name, shortened};
use super::{Scheme, text};
use crate::EdgeOfChaos;

/// The initializer that this call means.
pub(super) fn resolve(call: Call) -> Result<Scheme, ParseSchemeError> {
    let (row, alias) = find(&call.name)?;
    let text = excerpt(&call.to_string());
    // The reason may quote a value, which may be as long as the whole text.
    let at = |reason: String| ParseSchemeError(format!("`{text}`: {}", shortened(&reason, 500)));
    let mut fields = (row.defaults)();
    let known = parameters(row, alias, &fields);

    let mut given = Given(vec![]);
    let called = alias.map_or(row.name, |alias| alias.name);
    let meant = |name: &str| field(name, &known, &fields, alias.is_some());
    lone_number(called, &call, &meant).map_err(at)?;
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
        if given.get(field).is_some() {
            return Err(at(format!("{} is given twice", printed(field))));
        }
        given.0.push((field, value));
    }
    if let Some(alias) = alias {
        let own = parameters(row, None, &fields);
        for (name, value) in text::parse(alias.means)?.args {
            let name = name.expect("an alias names its parameters");
            let field = field(&name, &own, &fields, false).expect("and knows them");
            if given.get(field).is_none() {
                given.0.push((field, value));
            }
        }
    }
    given.derive(row.name, &fields).map_err(at)?;

    for (name, value) in &mut fields {
        match given.take(name) {
            None if row.needs.contains(name) => {
                return Err(at(format!("{} is missing", printed(name))));
            }
            None => {}
            Some(given) if matches!(value, Value::Number(_)) && number(&given).is_none() => {
                return Err(at(format!("{} takes a number, not `{given}`", printed(name))));
            }
            Some(given) => *value = given,
        }
    }
    (row.read)(&fields).map_err(at)
}

/// Refuses a single number without a name that two parameters could be meant by.
fn lone_number(
    called: &str,
    call: &Call,
    meant: &dyn Fn(&str) -> Option<&'static str>,
) -> Result<(), String> {
    let may_be = ambiguous(called);
    let mut unnamed = call.args.iter().filter(|(name, _)| name.is_none());
    let (Some((_, number @ Value::Number(_))), None) = (unnamed.next(), unnamed.next()) else {
        return Ok(());
    };
    let named = call.args.iter().filter_map(|(name, _)| meant(name.as_deref()?));
    let fields: Vec<_> = may_be.iter().map(|name| meant(name)).collect();
    if may_be.is_empty() || named.into_iter().any(|name| fields.contains(&Some(name))) {
        return Ok(());
    }
    let choices: Vec<_> = may_be.iter().map(|name| format!("{name}={number}")).collect();
    Err(format!(
        "a single number without a name may be {}: write {}",
        may_be.join(" or "),
        choices.join(" or ")
    ))
}

/// The parameters that a call gives, by field.
struct Given(Fields);

impl Given {
    fn get(&self, name: &str) -> Option<&Value> {
        self.0.iter().find(|(known, _)| *known == name).map(|(_, value)| value)
    }

    fn take(&mut self, name: &str) -> Option<Value> {
        let place = self.0.iter().position(|(known, _)| *known == name)?;
        Some(self.0.remove(place).1)
    }

    fn set(&mut self, name: &'static str, value: Value) {
        self.take(name);
        self.0.push((name, value));
    }

    /// Computes the fields that other parameters imply.
    fn derive(&mut self, initializer: &str, fields: &Fields) -> Result<(), String> {
        match initializer {
            "kaiming_uniform" | "kaiming_normal" => self.slope()?,
            "trunc_normal" => self.bounds()?,
            "edge_of_chaos" => self.edge()?,
            "fixup" => self.base_fan()?,
            _ => {}
        }
        let is_number = fields
            .iter()
            .any(|(name, default)| *name == "gain" && matches!(default, Value::Number(_)));
        if let Some(value @ Value::Call(call)) = self.get("gain")
            && is_number
            && number(value).is_none()
        {
            let gain = activation(call)
                .map_err(|error| format!("a gain is a number or an activation, and {error}"))?
                .checked_gain()?;
            self.set("gain", Value::number(gain.get()));
        }
        Ok(())
    }

    /// `a` is the slope of leaky ReLU, PyTorch's default activation here. Other activations ignore
    /// it, as in PyTorch.
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
            Some(Value::Call(call))
                if same_name(&call.name, "leaky_relu") && call.args.is_empty() =>
            {
                self.set("gain", leaky(a()));
            }
            Some(Value::Number(_)) if given.is_some() => {
                return Err("the slope a and the gain exclude each other".into());
            }
            _ => {}
        }
        Ok(())
    }

    /// `activation` and `sigma_b` determine `sigma_w`.
    fn edge(&mut self) -> Result<(), String> {
        let Some(phi) = self.take("activation") else { return Ok(()) };
        if self.get("sigma_w").is_some() {
            return Err("activation and sigma_w exclude each other".into());
        }
        let Value::Call(call) = phi else {
            return Err(format!("`{phi}` is no activation"));
        };
        let initializer = EdgeOfChaos::solved(activation(&call)?, self.read("sigma_b", 0.0)?)?;
        self.set("sigma_w", Value::number(initializer.sigma_w()));
        Ok(())
    }

    /// `mode` is the fan of the base.
    fn base_fan(&mut self) -> Result<(), String> {
        let Some(mode) = self.take("mode") else { return Ok(()) };
        if self.get("base").is_some() {
            return Err("mode and base exclude each other: the base has a mode of its own".into());
        }
        let args = vec![(Some("mode".into()), mode)];
        self.set("base", Value::Call(Call { name: "kaiming_normal".into(), args }));
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
