//! # Reading the doctor's report
//!
//! `InitReport` runs one batch through a network before any training and says what is wrong with it. A
//! row of its table is a linear layer:
//!
//! | column | what it says |
//! |---|---|
//! | in→out, φ | its inputs and outputs, and the activation behind it |
//! | std w, σ(w) | the standard deviation of its weights, their smallest and largest singular value |
//! | rms y, × | the size of its output, and how much it grew since the layer before |
//! | rms g, × | the size of the gradient, and how much it grew since the layer behind |
//! | pred | the growth that theory predicts for this initializer |
//! | flat | the share of saturated outputs or of dead units |
//!
//! Below the table a line with ✗ is a fault with the numbers that were measured, a cause before its
//! effects. The line with → is advice. A healthy network has neither.
//!
//! Here PyTorch's default is too small for ten ReLU layers. The outputs keep some size, because every
//! layer adds a bias, but what tells two samples apart shrinks by 0.4 a layer. With the initializer
//! that the advice names nothing is wrong. Then the same network gets pixels from 0 to 255, which
//! nobody scaled.

use fanin::prelude::*;

/// Ten hidden layers.
fn network(layer: impl Fn(usize, usize) -> Linear) -> Sequential {
    manual_seed(13);
    let first = Sequential::new().add(layer(784, 64)).add(Relu);
    (1..10).fold(first, |net, _| net.add(layer(64, 64)).add(Relu)).add(layer(64, 10))
}

pub(crate) fn main() -> fanin::Result<()> {
    manual_seed(1);
    let (train, _) = datasets::mnist_bundled();
    let (x, labels) = train.batches(128).shuffle().next().expect("there are digits");

    let sick = network(Linear::new);
    let report = InitReport::with_labels(&sick, &x, &labels);
    println!("{report}");
    let verdict = &report.verdicts[0];
    let Fault::VanishingActivations { per_layer, total, .. } = verdict.fault else {
        panic!("another fault is named: {}", verdict.finding)
    };
    assert!((0.35..0.45).contains(&per_layer) && total < 1e-3);
    assert!(report.verdicts.iter().any(|verdict| verdict.advice.contains("KaimingNormal")));

    let cured = network(|inputs, outputs| {
        Linear::builder(inputs, outputs).weight(KaimingNormal::default()).bias(Zeros).build()
    });
    let report = InitReport::with_labels(&cured, &x, &labels);
    println!("{report}");
    assert!(report.is_healthy());

    let pixels = 255.0 * &x;
    let report = InitReport::with_labels(&cured, &pixels, &labels);
    let verdict = &report.verdicts[0];
    println!("with pixels from 0 to 255:\n✗ {}\n  → {}", verdict.finding, verdict.advice);
    assert!(matches!(verdict.fault, Fault::UnscaledInput { mean, .. } if mean > 20.0));
    Ok(())
}
