//! The doctor on the last layer of a network and its loss.

use fanin_nn::diagnose::{Fault, InitReport};
use fanin_nn::init::manual_seed;
use fanin_nn::layers::*;
use fanin_nn::losses::*;
use fanin_nn::{Linear, Sequential, Tensor};

fn net() -> Sequential {
    manual_seed(3);
    Sequential::new().add(Linear::new(4, 16)).add(Tanh).add(Linear::new(16, 3))
}

fn batch() -> Tensor {
    let x = (0..120).map(|i| ((i * 7919 % 1009) as f32 / 504.5 - 1.0) * 3f32.sqrt());
    Tensor::from_vec([30, 4], x.collect())
}

#[track_caller]
fn healthy<Y: ?Sized>(model: &Sequential, loss: &impl Loss<Y>, y: &Y) {
    let report = InitReport::with_loss(model, &batch(), loss, y);
    assert!(report.is_healthy(), "{report}");
}

#[track_caller]
fn unfit<Y: ?Sized>(model: &Sequential, loss: &impl Loss<Y>, y: &Y, want: [&str; 2]) {
    let report = InitReport::with_loss(model, &batch(), loss, y);
    let [output, loss] = want.map(str::to_owned);
    assert_eq!(report.verdicts[0].fault, Fault::UnfitOutput { output, loss }, "{report}");
}

#[test]
fn logits_are_not_bounded() {
    let bits = Tensor::from_vec([30, 3], (0..90).map(|i| (i % 2) as f32).collect());
    let signs = bits.map(|b| 2.0 * b - 1.0);
    healthy(&net(), &BceWithLogits::new(), &bits);
    healthy(&net(), &SigmoidFocal::new(), &bits);
    healthy(&net(), &MultiLabelSoftMargin::new(), &bits);
    healthy(&net(), &SoftMargin::new(), &signs);
    healthy(&net(), &Hinge::new(), &signs);
    healthy(&net().add(Sigmoid), &Bce::new(), &bits);
    unfit(&net().add(Sigmoid), &BceWithLogits::new(), &bits, ["Sigmoid", "bce_with_logits"]);
    unfit(&net().add(Softmax), &BceWithLogits::new(), &bits, ["Softmax", "bce_with_logits"]);
    unfit(&net().add(Relu), &SigmoidFocal::new(), &bits, ["Relu", "sigmoid_focal"]);
    let name = "multi_label_soft_margin";
    unfit(&net().add(Sigmoid), &MultiLabelSoftMargin::new(), &bits, ["Sigmoid", name]);
    unfit(&net().add(Sigmoid), &SoftMargin::new(), &signs, ["Sigmoid", "soft_margin"]);
    unfit(&net().add(Sigmoid), &Hinge::new(), &signs, ["Sigmoid", "hinge"]);
    unfit(&net().add(Relu), &L1::new(), &signs, ["Relu", "l1"]);
    unfit(&net().add(Relu), &SmoothL1::new(1.0), &signs, ["Relu", "smooth_l1"]);

    let labels: Vec<usize> = (0..30).map(|i| i % 3).collect();
    healthy(&net(), &Focal::new(), &labels);
    healthy(&net(), &MultiMargin::new(), &labels);
    unfit(&net().add(Softmax), &Focal::new(), &labels, ["Softmax", "focal"]);
    unfit(&net().add(Softmax), &MultiMargin::new(), &labels, ["Softmax", "multi_margin"]);
    let soft = Tensor::full([30, 3], 1.0 / 3.0);
    unfit(&net().add(Softmax), &CrossEntropy::new(), &soft, ["Softmax", "cross_entropy"]);
}

#[test]
fn log_probabilities_are_at_most_0() {
    let labels: Vec<usize> = (0..30).map(|i| i % 3).collect();
    let soft = Tensor::full([30, 3], 1.0 / 3.0);
    healthy(&net().add(LogSoftmax), &Nll::new(), &labels);
    healthy(&net().add(LogSoftmax), &KlDiv::new(), &soft);
    unfit(&net().add(Softmax), &Nll::new(), &labels, ["Softmax", "nll"]);
    unfit(&net().add(Softmax), &KlDiv::new(), &soft, ["Softmax", "kl_div"]);
    let report = InitReport::with_loss(&net(), &batch(), &Nll::new(), &labels);
    let found =
        matches!(&report.verdicts[0].fault, Fault::UnfitOutput { loss, .. } if loss == "nll");
    assert!(found && report.verdicts[0].advice.contains("CrossEntropy"), "{report}");
}

#[test]
fn rates_are_positive_and_their_logarithms_are_any_number() {
    let counts = Tensor::from_vec([30, 3], (0..90).map(|i| (i % 4) as f32).collect());
    healthy(&net(), &PoissonNll::new(), &counts);
    healthy(&net().add(Softplus), &PoissonNll::new().of_rates(), &counts);
    unfit(&net().add(Softplus), &PoissonNll::new(), &counts, ["Softplus", "poisson_nll"]);
    let report = InitReport::with_loss(&net(), &batch(), &PoissonNll::new().of_rates(), &counts);
    let found = matches!(&report.verdicts[0].fault, Fault::UnfitOutput { .. });
    assert!(found, "{report}");
}
