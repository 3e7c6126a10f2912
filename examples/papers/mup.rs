//! The learning rate with the lowest loss at increasing width, under the standard parametrization
//! and under muP. Its drift from the narrowest to the widest network is given in octaves.

use fanin::nn::MuP;
use fanin::prelude::*;

use crate::lab::{Lab, Outcome, Paper, final_loss, train};

pub(crate) const PAPER: Paper = Paper {
    name: "mup",
    title: "Yang, Hu et al. 2022, *Tensor Programs V: Tuning Large Neural Networks via Zero-Shot \
        Hyperparameter Transfer*, figure 3 and table 3",
    changed: "MNIST instead of CIFAR-10, widths 64 to 1,024 instead of 256 to 8,192, and 300 steps of \
        64 images instead of 20 epochs, to fit into minutes; training loss, as there. Adam is measured beside the \
        paper's SGD, which has no momentum here; both parametrizations are the same network at width 64.",
    seeds: "seed 1",
    quick: false,
    run,
};

const BASE: usize = 64;
const WIDTHS: [usize; 3] = [BASE, 256, 1_024];
const RATES: usize = 9;

#[derive(Clone, Copy, Debug)]
enum Rule {
    Sgd,
    Adam,
}

impl Rule {
    /// Falls by octaves from 1 for SGD and from 1/16 for Adam.
    fn exponent(self, i: usize) -> i32 {
        let first = match self {
            Rule::Sgd => 0,
            Rule::Adam => -4,
        };
        first - i as i32
    }

    fn mup(self) -> MuP {
        let base = network(BASE);
        match self {
            Rule::Sgd => MuP::sgd(&base),
            Rule::Adam => MuP::adam(&base),
        }
    }

    fn optimizer(self, rate: f64) -> Box<dyn Optimizer> {
        match self {
            Rule::Sgd => Box::new(Sgd::new(rate)),
            Rule::Adam => Box::new(Adam::new(rate)),
        }
    }
}

/// A network with two hidden layers in the standard parametrization.
fn network(width: usize) -> Sequential {
    let he = KaimingNormal::default();
    let layer = |n, m| Linear::builder(n, m).bias(Zeros);
    Sequential::new()
        .add(layer(784, width).weight(he).build())
        .add(Relu)
        .add(layer(width, width).weight(he).build())
        .add(Relu)
        .add(layer(width, 10).weight(LecunNormal).build())
}

fn run(lab: &Lab) -> Outcome {
    let mut outcome = Outcome::default();
    let [data, _] = lab.normalized();
    for rule in [Rule::Sgd, Rule::Adam] {
        // For each width, the loss at each rate.
        let mut measure = |name, mup| {
            WIDTHS.map(|width| {
                let learn = |i| {
                    manual_seed(1);
                    let mut model = network(width);
                    if mup {
                        let init = rule.mup();
                        manual_seed(1); // the draws of the standard parametrization
                        init.init(&mut model).expect("the network is the base's");
                    }
                    let mut optimizer = rule.optimizer(2f64.powi(rule.exponent(i)));
                    let stop = |_, _, _: &Sequential| false;
                    final_loss(&train(&mut model, &mut *optimizer, &data, (64, 300), stop))
                };
                let losses: Vec<f64> = (0..RATES).map(learn).collect();
                let shown: Vec<_> = losses.iter().map(|loss| format!("{loss:.3}")).collect();
                let (high, low) = (rule.exponent(0), rule.exponent(RATES - 1));
                let shown = shown.join(" ");
                outcome.detail(format!(
                    "{rule:?}, {name:8} width {width:4}, rates 2^{high} to 2^{low}: {shown}"
                ));
                losses
            })
        };
        let (standard, mup) = (measure("standard", false), measure("muP", true));
        judge(rule, &standard, &mup, &mut outcome);
    }
    outcome
}

fn judge(rule: Rule, standard: &[Vec<f64>; 3], mup: &[Vec<f64>; 3], outcome: &mut Outcome) {
    let best = |losses: &Vec<f64>| {
        (0..RATES).min_by(|&a, &b| losses[a].total_cmp(&losses[b])).expect("a rate")
    };
    let [s, m] = [standard, mup].map(|by_width| by_width.each_ref().map(best));
    let show = |best: [usize; 3]| best.map(|i| format!("2^{}", rule.exponent(i))).join(", ");
    let claims = match rule {
        Rule::Sgd => [
            "SGD, standard parametrization: the best rate gets smaller with width",
            "SGD, muP: the best rate stays within an octave",
            "SGD, muP: wider is better, with the rate found at width 64",
            "SGD: the rate found at width 64 costs width 1,024 less under muP",
        ],
        Rule::Adam => [
            "Adam, standard parametrization: the best rate gets smaller with width",
            "Adam, muP: the best rate stays within an octave",
            "Adam, muP: wider is better, with the rate found at width 64",
            "Adam: the rate found at width 64 costs width 1,024 less under muP",
        ],
    };
    outcome.claim(
        claims[0],
        "drifts",
        format!("{} at widths 64, 256, 1,024", show(s)),
        s[2] >= s[0] + 2,
    );
    outcome.claim(claims[1], "stays", show(m), m.iter().all(|i| i.abs_diff(m[0]) <= 1));
    let losses = mup.each_ref().map(|losses| losses[m[0]]);
    outcome.claim(
        claims[2],
        "wider is always better",
        format!("training losses {:.3}, {:.3}, {:.3}", losses[0], losses[1], losses[2]),
        losses[0] > losses[1] && losses[1] > losses[2],
    );
    let cost = |losses: &[Vec<f64>; 3], best: [usize; 3]| losses[2][best[0]] - losses[2][best[2]];
    let (standard, mup) = (cost(standard, s), cost(mup, m));
    outcome.claim(
        claims[3],
        "near the best",
        format!("more loss than at its own best rate: standard {standard:.3}, muP {mup:.3}"),
        mup < standard,
    );
}
