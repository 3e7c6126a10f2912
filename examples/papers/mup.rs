//! Over which learning rate the loss is least, as networks get wider: under the standard
//! parametrization and under muP. A drift is in octaves of the rate, from the narrowest to the widest.

use fanin::nn::ParamPath;
use fanin::prelude::*;

use crate::lab::{Lab, Outcome, Paper, final_loss, train};

pub(crate) const PAPER: Paper = Paper {
    name: "mup",
    title: "Yang, Hu et al. 2022, *Tensor Programs V: Tuning Large Neural Networks via Zero-Shot \
        Hyperparameter Transfer*, figure 3 and table 3",
    changed: "MNIST instead of CIFAR-10, widths 64 to 1,024 instead of 256 to 8,192, and 300 steps of \
        64 images instead of 20 epochs, to fit into minutes; training loss, as there. SGD without \
        momentum; both parametrizations are the same network at width 64.",
    seeds: "seed 1",
    quick: false,
    run,
};

const BASE: usize = 64;
const WIDTHS: [usize; 3] = [BASE, 256, 1_024];
/// Rates are 2 to the power of minus these.
const OCTAVES: std::ops::RangeInclusive<i32> = 0..=9;

/// A network with two hidden layers. muP is table 3 of the paper, for SGD, relative to the base.
fn network(width: usize, mup: bool) -> Sequential {
    let he = KaimingNormal::default();
    let ratio = if mup { (BASE as f64 / width as f64).sqrt() } else { 1.0 };
    let layer = |n, m| Linear::builder(n, m).bias(Zeros);
    let mut model = Sequential::new()
        .add(layer(784, width).weight(he).build())
        .add(Relu)
        .add(layer(width, width).weight(he).build())
        .add(Relu)
        .add(layer(width, 10).weight(LecunNormal).build());
    let wider = (width / BASE) as f32;
    model.visit_mut(&ParamPath::ROOT, &mut |path, param| {
        if !mup {
            return;
        }
        match path.to_string().as_str() {
            "0.weight" | "0.bias" | "2.bias" => param.set_lr_scale(wider),
            "4.weight" => {
                param.set_lr_scale(1.0 / wider);
                param.value_mut().as_mut_slice().iter_mut().for_each(|w| *w *= ratio as f32);
            }
            _ => {}
        }
    });
    model
}

fn run(lab: &Lab) -> Outcome {
    let mut outcome = Outcome::default();
    let [data, _] = lab.normalized();
    // The loss by rate, for each width.
    let mut measure = |name, mup| {
        WIDTHS.map(|width| {
            let losses: Vec<f64> = OCTAVES
                .map(|octave| {
                    manual_seed(1);
                    let mut model = network(width, mup);
                    let mut sgd = Sgd::new(2f64.powi(-octave));
                    final_loss(&train(&mut model, &mut sgd, &data, (64, 300), |_, _, _| false))
                })
                .collect();
            let shown: Vec<_> = losses.iter().map(|loss| format!("{loss:.3}")).collect();
            outcome.detail(format!(
                "{name:8} width {width:4}, rates 2^0 to 2^-9: {}",
                shown.join(" ")
            ));
            losses
        })
    };
    let [standard, mup] = [measure("standard", false), measure("muP", true)];
    let best = |losses: &[f64]| {
        (0..losses.len()).min_by(|&a, &b| losses[a].total_cmp(&losses[b])).expect("a rate")
    };
    let bests = |by_width: &[Vec<f64>; 3]| by_width.each_ref().map(|losses| best(losses));
    let show = |best: [usize; 3]| best.map(|octave| format!("2^-{octave}")).join(", ");
    let [s, m] = [bests(&standard), bests(&mup)];
    outcome.claim(
        "standard parametrization: the best rate gets smaller with width",
        "drifts",
        format!("{} at widths 64, 256, 1,024", show(s)),
        s[2] >= s[0] + 2,
    );
    outcome.claim(
        "muP: the best rate stays",
        "stays",
        show(m),
        m[2].abs_diff(m[0]) <= 1 && m[1].abs_diff(m[0]) <= 1,
    );
    let at_base = m[0];
    let losses = mup.each_ref().map(|losses| losses[at_base]);
    outcome.claim(
        "muP: wider is better, with the rate found at width 64",
        "wider is always better",
        format!("training losses {:.3}, {:.3}, {:.3}", losses[0], losses[1], losses[2]),
        losses[0] > losses[1] && losses[1] > losses[2],
    );
    let transferred = standard[2][at_base];
    outcome.claim(
        "the rate of width 64 at width 1,024: muP loses less than the standard parametrization",
        "less",
        format!(
            "{:.3} above its best, against {:.3}",
            losses[2] - mup[2][m[2]],
            transferred - standard[2][s[2]]
        ),
        losses[2] - mup[2][m[2]] < transferred - standard[2][s[2]],
    );
    outcome
}
