//! What losses refuse.

use fanin_nn::losses::*;
use fanin_nn::{Tape, Tensor, Var};

use crate::panics::message;

#[track_caller]
fn refused<Y: ?Sized>(want: &str, loss: &impl Loss<Y>, y: &Tensor, target: &Y) {
    let got = message(|| drop(Tape::new().value(|t| loss.loss(t.input(y), target))));
    assert_eq!(got, want);
}

fn of_tensors() -> Vec<(&'static str, Box<dyn Loss<Tensor>>)> {
    vec![
        ("bce", Box::new(Bce::new())),
        ("bce_with_logits", Box::new(BceWithLogits::new())),
        ("cross_entropy", Box::new(CrossEntropy::new())),
        ("hinge", Box::new(Hinge::new())),
        ("hinge_embedding", Box::new(HingeEmbedding::new())),
        ("huber", Box::new(Huber::new(0.7))),
        ("kl_div", Box::new(KlDiv::new())),
        ("l1", Box::new(L1::new())),
        ("mse", Box::new(Mse::new())),
        ("multi_label_margin", Box::new(MultiLabelMargin::new())),
        ("multi_label_soft_margin", Box::new(MultiLabelSoftMargin::new())),
        ("poisson_nll", Box::new(PoissonNll::new())),
        ("sigmoid_focal", Box::new(SigmoidFocal::new())),
        ("smooth_l1", Box::new(SmoothL1::new(1.0))),
        ("soft_margin", Box::new(SoftMargin::new())),
    ]
}

#[test]
fn shapes_that_differ_are_refused_and_not_broadcast() {
    for (name, loss) in of_tensors() {
        let (y, target) = (Tensor::zeros([4, 1]), Tensor::ones(4));
        let got = message(|| drop(Tape::new().value(|t| loss.loss(t.input(&y), &target))));
        let want = format!(
            "{name}: 4×1 and 4 do not fit: prediction and target must have one shape; reshape the target to 4×1"
        );
        assert_eq!(got, want);
    }
}

#[test]
fn shapes_of_several_inputs_are_refused() {
    let tensors = [&[4, 1][..], &[4], &[4, 2], &[4, 3], &[5, 2]].map(Tensor::ones);
    let on_tape = |f: &dyn for<'t> Fn([Var<'t>; 5]) -> Var<'t>| {
        message(|| drop(Tape::new().value(|t| f([0, 1, 2, 3, 4].map(|i| t.input(&tensors[i]))))))
    };
    let [column, row, pairs, ..] = &tensors;
    assert_eq!(
        on_tape(&|[a, b, ..]| MarginRanking::new().loss(a, b, row)),
        "margin_ranking: 4×1 and 4 do not fit: both inputs must have one shape"
    );
    assert_eq!(
        on_tape(&|[a, ..]| MarginRanking::new().loss(a, a, row)),
        "margin_ranking: 4×1 and 4 do not fit: prediction and target must have one shape; reshape the target to 4×1"
    );
    assert_eq!(
        on_tape(&|[_, _, a, b, _]| CosineEmbedding::new().loss(a, b, row)),
        "cosine_embedding: 4×2 and 4×3 do not fit: both inputs must have one shape"
    );
    assert_eq!(
        on_tape(&|[_, _, a, ..]| CosineEmbedding::new().loss(a, a, column)),
        "cosine_embedding: 4×2 and 4×1 do not fit: there must be a target per pair"
    );
    assert_eq!(
        on_tape(&|[_, _, a, _, b]| TripletMargin::new().loss(a, a, b)),
        "triplet_margin: 4×2 and 5×2 do not fit: both inputs must have one shape"
    );
    assert_eq!(
        on_tape(&|[_, _, y, _, v]| GaussianNll::new().loss(y, v, pairs)),
        "gaussian_nll: 4×2 and 5×2 do not fit: the variance must have the mean's shape, or one \
         number for a row"
    );
    assert_eq!(
        on_tape(&|[y, v, ..]| GaussianNll::new().loss(y, v, row)),
        "gaussian_nll: 4×1 and 4 do not fit: prediction and target must have one shape; reshape the target to 4×1"
    );
    assert_eq!(
        on_tape(&|[_, _, y, ..]| GaussianNll::new().loss(y, y * -1.0, pairs)),
        "gaussian_nll: the variance -1 at [0, 0] is negative; let the network predict it through \
         a softplus"
    );
}

#[test]
fn targets_outside_their_range_are_refused() {
    let y = Tensor::full([2, 2], 0.5);
    let bad = |value| Tensor::from_vec([2, 2], vec![1.0, 1.0, value, 1.0]);
    let range = |name: &str| format!("{name}: the target -0.5 at [1, 0] is outside [0, 1]");
    refused(&range("bce"), &Bce::new(), &y, &bad(-0.5));
    refused(&range("bce_with_logits"), &BceWithLogits::new(), &y, &bad(-0.5));
    refused(&range("cross_entropy"), &CrossEntropy::new(), &y, &bad(-0.5));
    refused(&range("sigmoid_focal"), &SigmoidFocal::new(), &y, &bad(-0.5));
    refused(&range("multi_label_soft_margin"), &MultiLabelSoftMargin::new(), &y, &bad(-0.5));
    let why = "bce_with_logits: the target NaN at [1, 0] is outside [0, 1]";
    refused(why, &BceWithLogits::new(), &y, &bad(f32::NAN));
    let sign = |name: &str| format!("{name}: the target 0 at [1, 0] is neither 1 nor -1");
    refused(&sign("hinge"), &Hinge::new(), &y, &bad(0.0));
    refused(&sign("hinge_embedding"), &HingeEmbedding::new(), &y, &bad(0.0));
    refused(&sign("soft_margin"), &SoftMargin::new(), &y, &bad(0.0));
    let why = "multi_label_margin: the target 0.5 at [1, 0] is neither 0 nor 1";
    refused(why, &MultiLabelMargin::new(), &y, &bad(0.5));

    let labels = |name: &str| {
        format!(
            "{name}: label 2 of row 1 is not below 2 classes; labels count from 0, so subtract 1 from labels \
             that count from 1, or give the model an output for each class"
        )
    };
    refused(&labels("nll"), &Nll::new(), &y, &[0, 2][..]);
    refused(&labels("multi_margin"), &MultiMargin::new(), &y, &[0, 2][..]);
    refused(&labels("focal"), &Focal::new(), &y, &[0, 2][..]);
    refused(
        "nll: 2×2 and 3 do not fit: there must be a label per row",
        &Nll::new(),
        &y,
        &[0; 3][..],
    );
}

#[test]
fn a_prediction_that_is_no_probability_is_refused() {
    let y = Tensor::from_vec([2, 1], vec![0.5, 1.5]);
    let why = "bce: the prediction 1.5 at [1, 0] is outside [0, 1]; end the network with a sigmoid, \
               or use BceWithLogits";
    refused(why, &Bce::new(), &y, &Tensor::ones([2, 1]));
    // A network that has diverged is another mistake.
    let y = Tensor::from_vec([2, 1], vec![0.5, f32::NAN]);
    let loss = Tape::new().value(|t| Bce::new().loss(t.input(&y), &Tensor::ones([2, 1])));
    assert!(loss.item().is_nan());
}

#[test]
fn options_that_do_not_fit_are_refused() {
    let (y, target) = (Tensor::zeros([2, 3]), Tensor::ones([2, 3]));
    let why = "2×3 and 2 do not fit: there must be a weight per class, or one for all";
    let weights = &[1.0, 2.0];
    refused(&format!("bce: {why}"), &Bce::new().class_weights(weights), &y, &target);
    let named = format!("bce_with_logits: {why}");
    refused(&named, &BceWithLogits::new().class_weights(weights), &y, &target);
    refused(&named, &BceWithLogits::new().pos_weight(weights), &y, &target);
    let named = format!("multi_label_soft_margin: {why}");
    refused(&named, &MultiLabelSoftMargin::new().class_weights(weights), &y, &target);
    let why = "nll: 2×3 and 2 do not fit: there must be a class weight per class";
    refused(why, &Nll::new().class_weights(weights), &y, &[0, 1][..]);
    let why = "cross_entropy: targets that are probabilities have no label 5 to ignore; leave \
               ignore_index out, or give the rows weights";
    refused(why, &CrossEntropy::new().ignore_index(5), &y, &target);

    let bad = |f: fn()| message(f);
    assert_eq!(bad(|| _ = Huber::new(0.0)), "Huber: a delta of 0 is not positive");
    assert_eq!(bad(|| _ = SmoothL1::new(-1.0)), "SmoothL1: a beta of -1 is negative");
    assert_eq!(
        bad(|| drop(Bce::new().class_weights(&[1.0, -1.0]))),
        "Bce: a class weight of -1 is negative or not finite"
    );
    assert_eq!(
        bad(|| drop(MultiMargin::new().p(3))),
        "MultiMargin: a power of 3 is neither 1 nor 2"
    );
    assert_eq!(
        bad(|| _ = CosineEmbedding::new().margin(2.0)),
        "CosineEmbedding: a margin of 2 is outside [-1, 1]"
    );
    assert_eq!(
        bad(|| _ = TripletMargin::new().margin(0.0)),
        "TripletMargin: a margin of 0 is not positive"
    );
    assert_eq!(
        bad(|| _ = TripletMargin::new().p(0.0)),
        "TripletMargin: a power of 0 is not positive"
    );
    assert_eq!(
        bad(|| _ = GaussianNll::new().epsilon(0.0)),
        "GaussianNll: an epsilon of 0 is not positive"
    );
    assert_eq!(
        bad(|| _ = PoissonNll::new().epsilon(-1.0)),
        "PoissonNll: an epsilon of -1 is negative or not finite"
    );
    assert_eq!(
        bad(|| drop(Focal::new().gamma(f64::NAN))),
        "Focal: a gamma of NaN is negative or not finite"
    );
    assert_eq!(
        bad(|| _ = SigmoidFocal::new().alpha(1.5)),
        "SigmoidFocal: an alpha of 1.5 is outside [0, 1]"
    );
    assert_eq!(
        bad(|| _ = MarginRanking::new().margin(f64::INFINITY)),
        "MarginRanking: a margin of inf is not finite"
    );
}

#[test]
fn weights_of_samples_that_do_not_fit_are_refused() {
    let (y, target) = (Tensor::zeros([3, 2]), Tensor::ones([3, 2]));
    let weighted = |weights: Vec<f32>| {
        let weights = Tensor::from_vec(weights.len(), weights);
        message(|| drop(Tape::new().value(|t| Mse::new().weighted(t.input(&y), &target, &weights))))
    };
    let why = "weighted: 3×2 and 2 do not fit: there must be a weight per sample";
    assert_eq!(weighted(vec![1.0; 2]), why);
    let why = "weighted: the weight -1 of sample 1 is negative or not finite";
    assert_eq!(weighted(vec![1.0, -1.0, 1.0]), why);
}
