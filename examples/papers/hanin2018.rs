//! The length of a signal after many ReLU layers, and the steps until a network starts to learn,
//! for weight variances below, at and above 2/n.

use fanin::prelude::*;

use crate::lab::{Lab, Outcome, Paper, median, mlp, sizes, train};

pub(crate) const PAPER: Paper = Paper {
    name: "hanin2018",
    title: "Hanin, Rolnick 2018, *How to start training: the effect of initialization and \
        architecture*, figure 1",
    changed: "3 runs instead of 5, depths to 40 and at most 400 steps of 64 images (half an epoch) \
        instead of several epochs, to fit into minutes; steps instead of epochs are counted. Width = \
        depth and the goal of 20 % are the paper's; SGD with rate 0.01.",
    seeds: "lengths: 200 networks from seed 1; training: seeds 1 to 3",
    quick: true,
    run,
};

/// The initializers and n times their variance.
fn initializers() -> [(&'static str, f64, Box<dyn Initializer>); 5] {
    let scaled =
        |scale| VarianceScaling::new(scale).distribution(fanin::init::Distribution::Normal);
    // An uncorrected truncation at two standard deviations leaves 0.774 of the variance.
    let truncated = from_fn(|param, rng, values| {
        TruncatedNormal::std((2.0 / param.fan_in as f64).sqrt()).fill(param, rng, values);
    });
    [
        ("Lecun, 1/n", 1.0, Box::new(scaled(1.0))),
        ("truncated He, 1.55/n", 1.55, Box::new(truncated)),
        ("He, 2/n", 2.0, Box::new(scaled(2.0))),
        ("He, uniform, 2/n", 2.0, Box::new(KaimingUniform::default())),
        ("4/n", 4.0, Box::new(scaled(4.0))),
    ]
}

fn run(lab: &Lab) -> Outcome {
    let mut outcome = Outcome::default();
    lengths(lab, &mut outcome);
    if !lab.quick {
        starts(lab, &mut outcome);
    }
    outcome
}

/// Figure 1a: (|output|²/n) / (|input|²/n) of networks of width 50 at depth 50. Its mean is (n Var
/// W / 2)^depth; the median of its logarithm describes a typical network.
fn lengths(lab: &Lab, outcome: &mut Outcome) {
    const DEPTH: usize = 50;
    let nets = if lab.quick { 50 } else { 200 };
    let typical = initializers().map(|(name, scale, initializer)| {
        manual_seed(1);
        let lengths = (0..nets).map(|_| {
            let x = Tensor::ones([1, DEPTH]); // the direction does not matter to the initializers
            let net: Sequential = (0..DEPTH).fold(Sequential::new(), |net, _| {
                net.add(Linear::builder(DEPTH, DEPTH).weight(&*initializer).bias(Zeros).build())
                    .add(Relu)
            });
            let squares = net.predict(&x).as_slice().iter().map(|&y| f64::from(y).powi(2)).sum();
            let squares: f64 = squares;
            (squares / DEPTH as f64).log10()
        });
        let typical = median(lengths.collect());
        let mean = DEPTH as f64 * (scale / 2.0).log10();
        outcome.detail(format!(
            "{name:20} length² after 50 layers: median 10^{typical:.1}, expected mean 10^{mean:.1}"
        ));
        typical
    });
    let [lecun, truncated, he, uniform, large] = typical;
    outcome.claim(
        "length of the output after 50 layers: vanishes below 2/n, stays at it, explodes above",
        "vanishes, stays, explodes (Fig. 1a)",
        format!(
            "squared, median: 1/n 10^{lecun:.1}, truncated He 10^{truncated:.1}, He 10^{he:.1}, \
             He uniform 10^{uniform:.1}, 4/n 10^{large:.1}"
        ),
        lecun < -10.0 && truncated < -4.0 && he.abs() < 2.5 && uniform.abs() < 2.5 && large > 10.0,
    );
}

/// Figure 1b: steps until 20 % of 1,000 test images are classified correctly, for networks whose
/// width is their depth.
fn starts(lab: &Lab, outcome: &mut Outcome) {
    const STEPS: usize = 400;
    let [data, test] = lab.normalized();
    let some = test.take(1_000);
    let depths = [10, 20, 40];
    let starts = initializers().map(|(name, _, initializer)| {
        let steps = depths.map(|depth| {
            median(
                [1, 2, 3]
                    .map(|seed| {
                        manual_seed(seed);
                        let mut model =
                            mlp(&sizes(784, depth, depth, 10), Relu, &*initializer, &Zeros);
                        let mut sgd = Sgd::new(0.01);
                        let losses =
                            train(&mut model, &mut sgd, &data, (64, STEPS), |step, _, model| {
                                step % 10 == 0 && accuracy(model, &some) > 0.2
                            });
                        // A NaN loss also ends a training.
                        let learnt = losses.last().is_some_and(|loss| loss.is_finite());
                        if learnt { losses.len() as f64 } else { STEPS as f64 }
                    })
                    .to_vec(),
            )
        });
        let shown = steps.map(|s| if s < STEPS as f64 { format!("{s}") } else { "never".into() });
        outcome.detail(format!(
            "{name:20} median step of 20 % at depths {depths:?}: {}",
            shown.join(", ")
        ));
        (shown[2].clone(), steps[2])
    });
    let [lecun, truncated, he, uniform, large] = starts;
    outcome.claim(
        "40 layers: only the initializers with 2/n start to learn",
        "below, the number of epochs grows with depth; above, too (Fig. 1b)",
        format!(
            "step of 20 % (of 400): 1/n {}, truncated He {}, He {}, He uniform {}, 4/n {}",
            lecun.0, truncated.0, he.0, uniform.0, large.0
        ),
        he.1.max(uniform.1) < lecun.1.min(truncated.1).min(large.1),
    );
}
