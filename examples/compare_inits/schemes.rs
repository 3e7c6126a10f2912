//! The initializations to compare.

use fanin::prelude::*;

use crate::train::{HIDDEN, Net};

/// One initialization of all layers.
pub(crate) struct Contender {
    /// The name in `--schemes`.
    pub(crate) key: String,
    /// The common name.
    pub(crate) name: String,
    /// The formula, with n inputs and m outputs of a layer.
    pub(crate) formula: String,
    pub(crate) family: Family,
    /// The initializer of each layer, the first layer first.
    pub(crate) weights: [Box<dyn Initializer>; 3],
    pub(crate) bias: Box<dyn Initializer>,
    /// The initializer that looks at data after the draw, if there is one.
    pub(crate) adapt: Option<fn(&mut Net, &Tensor)>,
}

/// The quantity that sets a scheme's size. It selects the colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Family {
    Constant,
    Fixed,
    FanIn,
    BothFans,
    Relu,
    Structured,
    Data,
    Given,
}

impl Family {
    pub(crate) const ALL: [Self; 8] = [
        Self::Constant,
        Self::Fixed,
        Self::FanIn,
        Self::BothFans,
        Self::Relu,
        Self::Structured,
        Self::Data,
        Self::Given,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Constant => "one constant",
            Self::Fixed => "random, one size for all layers",
            Self::FanIn => "size by the inputs, 1/√n",
            Self::BothFans => "size by inputs and outputs",
            Self::Relu => "size for ReLU, √(2/n)",
            Self::Structured => "structured",
            Self::Data => "fitted to images",
            Self::Given => "of the command line",
        }
    }
}

/// All schemes. Those of the notebook come first, in its order.
pub(crate) fn all() -> Vec<Contender> {
    use Family::*;
    let relu = Nonlinearity::Relu;
    let mut all = vec![
        new("zeros", "all zeros", "0", Constant, Zeros),
        new("ones", "all ones", "1", Constant, Ones),
        new("uniform01", "uniform 0 to 1", "U[0, 1)", Fixed, Uniform::new(0.0, 1.0)),
        new("uniform_half", "uniform ±0.5", "U(±0.5)", Fixed, Uniform::new(-0.5, 0.5)),
        new("general_rule", "general rule", "U(±1/√n)", FanIn, FanInUniform),
        new("lecun_normal", "LeCun normal", "N(0, 1/n)", FanIn, LecunNormal),
        new("pytorch", "PyTorch default", "U(±1/√n), biases too", FanIn, FanInUniform),
        new("lecun_uniform", "LeCun uniform", "U(±√(3/n))", FanIn, LecunUniform),
        new(
            "xavier_uniform",
            "Xavier uniform",
            "U(±√(6/(n+m)))",
            BothFans,
            XavierUniform::default(),
        ),
        new("xavier_normal", "Xavier normal", "N(0, 2/(n+m))", BothFans, XavierNormal::default()),
        new("kaiming_uniform", "Kaiming uniform", "U(±√(6/n))", Relu, KaimingUniform::default()),
        new("kaiming_normal", "Kaiming normal", "N(0, 2/n)", Relu, KaimingNormal::default()),
        new(
            "he_truncated",
            "He truncated",
            "N(0, 2/n) within ±2.3σ",
            Relu,
            VarianceScaling::new(2.0),
        ),
        new("rai", "RAI", "one Beta(2, 1) a unit", Relu, RandomizedAsymmetric::default()),
        new(
            "orthogonal",
            "orthogonal",
            "√2·Q, QᵀQ = I",
            Structured,
            Orthogonal::default().gain(relu),
        ),
        new(
            "sparse",
            "sparse rows",
            "15 inputs a unit",
            Structured,
            SparseRows::new(15, (2f64 / 15.0).sqrt()),
        ),
        new("zero", "ZerO", "identity, part of it", Structured, ZerO::default()),
        new("idinit", "IDInit", "identity, repeated", Structured, IdInit::identity()),
        new("lsuv", "LSUV", "orthogonal, unit variance", Data, Orthogonal::default()),
        new("looks_linear", "looks linear", "[[Q, −Q], [−Q, Q]]", Structured, Zeros),
    ];
    for one in &mut all {
        match &*one.key {
            "pytorch" => one.bias = Box::new(FanInUniform),
            "rai" => one.bias = Box::new(RandomizedAsymmetric::default()),
            "lsuv" => one.adapt = Some(unit_variance),
            "looks_linear" => {
                one.weights = [Position::First, Position::Hidden, Position::Last]
                    .map(|position| Box::new(LooksLinear::new(position)) as Box<dyn Initializer>);
            }
            _ => {}
        }
    }
    all
}

/// A scheme with one initializer for all weights and with zero biases.
fn new(
    key: &str,
    name: &str,
    formula: &str,
    family: Family,
    weight: impl Initializer + Clone + 'static,
) -> Contender {
    Contender {
        key: key.into(),
        name: name.into(),
        formula: formula.into(),
        family,
        weights: [0; 3].map(|_| Box::new(weight.clone()) as Box<dyn Initializer>),
        bias: Box::new(Zeros),
        adapt: None,
    }
}

fn unit_variance(net: &mut Net, x: &Tensor) {
    let lsuv = Lsuv::default().orthonormal(false);
    lsuv.init(net, x).expect("weights at right angles give signals that can be scaled");
}

/// The schemes named on the command line.
pub(crate) fn chosen(names: &[String], quick: bool) -> fanin::Result<Vec<Contender>> {
    const QUICK: [&str; 6] =
        ["zeros", "ones", "uniform_half", "pytorch", "kaiming_normal", "orthogonal"];
    let mut all = all();
    if quick {
        all.retain(|one| QUICK.contains(&&*one.key));
        return Ok(all);
    }
    if names.is_empty() {
        return Ok(all);
    }
    let mut chosen: Vec<Contender> = vec![];
    for name in names {
        if chosen.iter().any(|one| one.key == *name) {
            let text = format!("--schemes: {name} is there twice; name each once");
            return Err(std::io::Error::other(text).into());
        }
        chosen.push(match all.iter().position(|one| one.key == *name) {
            Some(at) => all.remove(at),
            None => initializer(name)?,
        });
    }
    Ok(chosen)
}

/// A scheme from any initializer as text.
fn initializer(name: &str) -> fanin::Result<Contender> {
    let scheme = name.parse::<Scheme>().map_err(|error| error.to_string());
    let fits = scheme.and_then(|scheme| {
        for (n, m) in [(784, HIDDEN[0]), (HIDDEN[0], HIDDEN[1]), (HIDDEN[1], 10)] {
            scheme.check(&ParamSpec::weight(n, m), &[m, n])?;
        }
        Ok(scheme)
    });
    match fits {
        Ok(scheme) => Ok(new(name, name, "", Family::Given, scheme)),
        Err(error) => {
            let keys: Vec<String> = all().into_iter().map(|one| one.key).collect();
            let text = format!(
                "--schemes {name}: none of {}, and no initializer: {error}",
                keys.join(" ")
            );
            Err(std::io::Error::other(text).into())
        }
    }
}

/// The end of `--help`.
pub(crate) fn help() -> String {
    let lines =
        all().into_iter().map(|one| format!("  {:17}{}, {}\n", one.key, one.name, one.formula));
    format!(
        "The names of --schemes:\n{}or any initializer as text, such as \"kaiming_normal(mode=fan_out)\".",
        lines.collect::<String>()
    )
}
