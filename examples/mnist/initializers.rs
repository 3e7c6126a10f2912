//! `--init`: any initializer as text, and short names for common ones.

use std::fmt;

use fanin::init::ParseSchemeError;
use fanin::prelude::*;

/// Short names of initializers. The comparison of their effects is instructive.
const SHORT: [(&str, &str); 6] = [
    ("pytorch", "torch_default"),
    ("general-rule", "fan_in_uniform"),
    ("uniform01", "uniform(0, 1)"),
    ("uniform", "uniform(-0.5, 0.5)"),
    ("normal", "normal(0, 0.1)"),
    ("truncated-normal", "truncated_normal(stddev=0.1)"),
];

/// The value of `--init`.
#[derive(Clone, PartialEq)]
pub(crate) struct Init {
    /// The text on the command line.
    pub(crate) text: String,
    weight: Scheme,
    bias: Scheme,
}

impl Default for Init {
    fn default() -> Self {
        Self::parse("pytorch").expect("an initializer of PyTorch's")
    }
}

impl Init {
    pub(crate) fn parse(text: &str) -> Result<Self, ParseSchemeError> {
        let short = SHORT.iter().find(|(name, _)| *name == text);
        let weight = short.map_or(text, |(_, long)| *long).parse()?;
        // PyTorch draws biases from the same distribution as weights.
        let bias = if text == "pytorch" { FanInUniform.into() } else { Zeros.into() };
        Ok(Self { text: text.into(), weight, bias })
    }

    /// A linear layer with this initializer.
    pub(crate) fn linear(&self, inputs: usize, outputs: usize) -> LayerSpec {
        let (weight, bias) = (self.weight.clone(), Some(self.bias.clone()));
        LinearSpec { weight, bias, ..LinearSpec::new(inputs, outputs) }.into()
    }
}

/// The text, followed by the full name of the initializer if it differs.
impl fmt::Display for Init {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let long = self.weight.to_string();
        if long == self.text { f.write_str(&long) } else { write!(f, "{}, {long}", self.text) }
    }
}

/// The end of `--help`.
pub(crate) fn help() -> String {
    let mut help =
        String::from("The initializers of --init, such as \"kaiming_normal(mode=fan_out)\":\n ");
    let mut width = 0;
    for name in Scheme::names().chain(Scheme::aliases().map(|(name, _)| name)) {
        width += name.len() + 1;
        if width > 90 {
            help += "\n ";
            width = name.len() + 1;
        }
        help = help + " " + name;
    }
    help +=
        "\nand short names, without parameters, which come before an initializer of that name:\n";
    for (name, long) in SHORT {
        let biases = if name == "pytorch" { ", and so are the biases" } else { "" };
        help += &format!("  {name:17} {long}{biases}\n");
    }
    help + "zeros and uniform01 fail; they show how."
}
