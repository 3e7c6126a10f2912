//! The doctor on what weights have no part in: which parameters are trained, the scale of the data, and
//! whether the output fits the loss.

use fanin_nn::diagnose::{Fault, InitReport};
use fanin_nn::init::manual_seed;
use fanin_nn::layers::*;
use fanin_nn::losses::{self, CrossEntropy, Huber, Loss, Mse};
use fanin_nn::{Linear, Module, Parameters, Sequential, Tensor, Var};

/// Numbers of mean 0 and the given standard deviation.
fn batch(rows: usize, cols: usize, std: f32) -> Tensor {
    let x = (0..rows * cols).map(|i| std * ((i * 7919 % 1009) as f32 / 504.5 - 1.0) * 3f32.sqrt());
    Tensor::from_vec([rows, cols], x.collect())
}

fn net(outputs: usize) -> Sequential {
    manual_seed(3);
    Sequential::new().add(Linear::new(4, 16)).add(Tanh).add(Linear::new(16, outputs))
}

#[track_caller]
fn report<Y: ?Sized>(model: &Sequential, x: &Tensor, loss: &impl Loss<Y>, y: &Y) -> InitReport {
    InitReport::with_loss(model, x, loss, y)
}

/// The only fault.
#[track_caller]
fn fault(report: &InitReport) -> &Fault {
    let [verdict] = &report.verdicts[..] else { panic!("{report}") };
    assert!(!verdict.finding.is_empty() && !verdict.advice.is_empty());
    &verdict.fault
}

#[test]
fn a_frozen_model_is_found() {
    let (mut model, x) = (net(2), batch(32, 4, 1.0));
    assert!(InitReport::new(&model, &x).is_healthy());
    model.set_trainable("*", false);
    assert_eq!(*fault(&InitReport::new(&model, &x)), Fault::Frozen { params: 4 });
    // A part is frozen on purpose.
    model.set_trainable("2.*", true);
    assert!(InitReport::new(&model, &x).is_healthy());
}

/// A layer that `forward` leaves out, and one whose output is detached.
#[derive(Clone, Parameters)]
struct Leaky {
    encoder: Linear,
    #[parameters(skip)]
    detached: bool,
    head: Linear,
    spare: Option<Linear>,
}

impl Module for Leaky {
    fn forward<'t>(&self, x: Var<'t>) -> Var<'t> {
        let y = self.encoder.forward(x);
        self.head.forward(if self.detached { y.detach() } else { y }.tanh())
    }
}

#[test]
fn parameters_that_the_output_does_not_depend_on_are_found() {
    let leaky = |detached, spare: bool| Leaky {
        encoder: Linear::new(4, 16),
        detached,
        head: Linear::new(16, 2),
        spare: spare.then(|| Linear::new(2, 2)),
    };
    let x = batch(32, 4, 1.0);
    assert!(InitReport::new(&leaky(false, false), &x).is_healthy());
    let unused = |names: [&str; 2]| Fault::Unused { names: names.map(str::to_owned).to_vec() };
    let spare = InitReport::new(&leaky(false, true), &x);
    assert_eq!(*fault(&spare), unused(["spare.weight", "spare.bias"]));
    let detached = InitReport::new(&leaky(true, false), &x);
    assert_eq!(detached.verdicts[0].fault, unused(["encoder.weight", "encoder.bias"]));
}

#[test]
fn data_that_nobody_scaled_are_found() {
    let model = Sequential::new().add(Linear::new(4, 16)).add(Relu).add(Linear::new(16, 2));
    assert!(InitReport::new(&model, &batch(64, 4, 4.9)).is_healthy());
    let large = InitReport::new(&model, &batch(64, 4, 584.0));
    assert!(
        matches!(fault(&large), Fault::UnscaledInput { std, .. } if (580.0..590.0).contains(std))
    );
    assert!(large.verdicts[0].advice.contains("mean 0 and std 1"), "{large}");
    // A network that scales them itself.
    let scaled = Sequential::new().add(BatchNorm1d::new(4)).add(Linear::new(4, 2));
    assert!(InitReport::new(&scaled, &batch(64, 4, 584.0)).is_healthy());

    let y = batch(64, 1, 300.0);
    let report = report(&net(1), &batch(64, 4, 1.0), &Mse::new(), &y);
    assert!(
        matches!(fault(&report), Fault::UnscaledTarget { std, .. } if (290.0..310.0).contains(std))
    );
    let report = self::report(&net(1), &batch(64, 4, 1.0), &Huber::new(1.0), &batch(64, 1, 1.0));
    assert!(report.is_healthy(), "{report}");
}

#[test]
fn two_shapes_in_a_loss_are_found() {
    let (x, y) = (batch(32, 4, 1.0), batch(32, 1, 1.0));
    let by_hand = losses::from_fn(|y, target| (y - target).square().mean());
    assert!(report(&net(1), &x, &by_hand, &y).is_healthy());
    let row = report(&net(1), &x, &by_hand, &y.reshape(32));
    assert_eq!(*fault(&row), Fault::Broadcast { left: vec![32, 1], right: vec![32] });
}

#[test]
fn an_output_that_does_not_fit_its_loss_is_found() {
    let (x, labels) = (batch(30, 4, 1.0), (0..30).map(|i| i % 3).collect::<Vec<_>>());
    let classes = |model: &Sequential| report(model, &x, &CrossEntropy::new(), &labels);
    assert!(classes(&net(3)).is_healthy());
    assert!(classes(&net(3).add(LogSoftmax)).is_healthy(), "it changes nothing");
    assert!(classes(&net(3).add(LeakyRelu(0.01))).is_healthy(), "any number can be reached");
    for (model, name) in [
        (net(3).add(Softmax), "Softmax"),
        (net(3).add(Relu), "Relu"),
        (net(3).add(Sigmoid), "Sigmoid"),
    ] {
        let report = classes(&model);
        let unfit = Fault::UnfitOutput { output: name.into(), loss: "cross_entropy".into() };
        assert_eq!(report.verdicts[0].fault, unfit, "{report}");
    }
    let one = report(&net(1), &x, &CrossEntropy::new(), &[0; 30][..].to_vec());
    assert!(
        matches!(&one.verdicts[0].fault, Fault::UnfitOutput { output, .. } if output == "one output")
    );

    let y = batch(30, 1, 1.0);
    assert!(report(&net(1), &x, &Mse::new(), &y).is_healthy());
    assert!(report(&net(1).add(LeakyRelu(0.5)), &x, &Mse::new(), &y).is_healthy());
    for model in [net(1).add(Relu), net(1).add(Tanh), net(1).add(Gelu), net(1).add(Sigmoid)] {
        let report = report(&model, &x, &Mse::new(), &y);
        assert!(
            matches!(&report.verdicts[0].fault, Fault::UnfitOutput { loss, .. } if loss == "mse"),
            "{report}"
        );
    }
    // Functions without a bound that samples could show: log-probabilities, a SIREN's output.
    #[derive(Parameters)]
    struct After(Sequential, #[parameters(skip)] for<'t> fn(Var<'t>) -> Var<'t>);
    impl Module for After {
        fn forward<'t>(&self, x: Var<'t>) -> Var<'t> {
            (self.1)(self.0.forward(x))
        }
    }
    let log_probabilities = After(net(3).add(Softmax), |p| p.ln());
    let found = InitReport::with_loss(&log_probabilities, &x, &CrossEntropy::new(), &labels);
    assert!(found.is_healthy(), "{found}");
    let ends = y.map(|y| if y > 0.0 { 1.0 } else { -1.0 });
    let found = InitReport::with_loss(&After(net(1), |y| y.sin()), &x, &Mse::new(), &ends);
    assert!(found.is_healthy(), "{found}");

    let positive = y.map(f32::abs);
    assert!(report(&net(1).add(Softplus), &x, &Mse::new(), &positive).is_healthy());
}

#[test]
#[should_panic(expected = "the loss must be a single number, not 4×1")]
fn a_loss_of_many_numbers_is_refused() {
    let (model, x, y) = (net(1), batch(4, 4, 1.0), batch(4, 1, 1.0));
    InitReport::with_loss(&model, &x, &losses::from_fn(|y, target| y - target), &y);
}
