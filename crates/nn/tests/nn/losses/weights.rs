//! Weights of samples: a sample of weight 2 is the same as the sample twice, and one of weight 0 as none.

use fanin_nn::losses::*;
use fanin_nn::{Param, Tape, Tensor};

use super::assert_close;

const WEIGHTS: [f32; 4] = [1.0, 2.0, 0.0, 3.0];
/// Each sample as often as it weighs.
const REPEATED: [usize; 6] = [0, 1, 1, 3, 3, 3];

type OfClasses = Box<dyn PerSample<Vec<usize>>>;
type OfTensor = Box<dyn PerSample<Tensor>>;

fn predictions() -> Tensor {
    let values = [0.3, 0.9, 0.2, 0.6, 0.15, 0.7, 0.45, 0.8, 0.55, 0.35, 0.05, 0.95];
    Tensor::from_vec([4, 3], values.to_vec())
}

fn repeated(x: &Tensor) -> Tensor {
    Tape::new().value(|t| t.input(x).rows(&REPEATED))
}

/// That both ways give the same value and gradient.
fn check<Y: ?Sized>(name: &str, loss: &dyn PerSample<Y>, target: &Y, repeated: &Y) {
    let (y, mut tape) = (Param::new(predictions()), Tape::new());
    let weights = Tensor::from_vec(4, WEIGHTS.to_vec());
    for reduction in [Reduction::Mean, Reduction::Sum, Reduction::BatchMean] {
        if loss.own_reduction() != reduction {
            continue;
        }
        let name = format!("{name} {reduction:?}");
        let (want, grads) =
            tape.value_and_grad(|t| loss.loss(t.param(&y).rows(&REPEATED), repeated));
        let gradient = grads.get(&y).unwrap().clone();
        let (got, grads) = tape.value_and_grad(|t| loss.weighted(t.param(&y), target, &weights));
        assert_close(&name, &Tensor::scalar(got), &Tensor::scalar(want));
        assert_close(&name, grads.get(&y).unwrap(), &gradient);
    }
    let apart =
        Tape::new().value(|t| loss.reduced(Reduction::None, t.input(&predictions()), target));
    assert_eq!(apart.shape()[0], 4, "{name}");
}

#[test]
fn a_weight_is_a_number_of_repetitions() {
    let labels = vec![0, 2, 1, 2];
    let labels_repeated: Vec<usize> = REPEATED.iter().map(|&i| labels[i]).collect();
    let class_weights = [0.5, 2.0, 3.0];
    let probabilities = predictions().map(|x| 1.0 - x);
    let signs = predictions().map(|x| if x < 0.5 { -1.0 } else { 1.0 });
    let bits = predictions().map(|x| if x < 0.5 { 0.0 } else { 1.0 });
    for r in [Reduction::Mean, Reduction::Sum, Reduction::BatchMean] {
        let of_classes: [(&str, OfClasses); 6] = [
            ("cross_entropy", Box::new(CrossEntropy::new().reduction(r))),
            ("its class weights", {
                let weighted = CrossEntropy::new().class_weights(&class_weights);
                Box::new(weighted.label_smoothing(0.1).reduction(r))
            }),
            ("its ignored class", Box::new(CrossEntropy::new().ignore_index(0).reduction(r))),
            ("nll", {
                let weighted = Nll::new().class_weights(&class_weights);
                Box::new(weighted.ignore_index(0).reduction(r))
            }),
            ("multi_margin", {
                Box::new(MultiMargin::new().class_weights(&class_weights).reduction(r))
            }),
            ("focal", Box::new(Focal::new().class_weights(&class_weights).reduction(r))),
        ];
        for (name, loss) in of_classes {
            check(name, &*loss, &labels, &labels_repeated);
        }
        let of_tensors: [(&str, OfTensor, &Tensor); 15] = [
            ("soft targets", Box::new(CrossEntropy::new().reduction(r)), &probabilities),
            (
                "bce",
                { Box::new(Bce::new().class_weights(&class_weights).reduction(r)) },
                &probabilities,
            ),
            ("bce_with_logits", Box::new(BceWithLogits::new().reduction(r)), &probabilities),
            ("hinge", Box::new(Hinge::new().reduction(r)), &signs),
            ("hinge_embedding", Box::new(HingeEmbedding::new().reduction(r)), &signs),
            ("huber", Box::new(Huber::new(0.3).reduction(r)), &probabilities),
            ("kl_div", Box::new(KlDiv::new().reduction(r)), &probabilities),
            ("l1", Box::new(L1::new().reduction(r)), &signs),
            ("mse", Box::new(Mse::new().reduction(r)), &signs),
            ("multi_label_margin", Box::new(MultiLabelMargin::new().reduction(r)), &bits),
            (
                "multi_label_soft_margin",
                { Box::new(MultiLabelSoftMargin::new().reduction(r)) },
                &probabilities,
            ),
            ("poisson_nll", Box::new(PoissonNll::new().reduction(r)), &bits),
            ("sigmoid_focal", Box::new(SigmoidFocal::new().reduction(r)), &bits),
            ("smooth_l1", Box::new(SmoothL1::new(0.2).reduction(r)), &signs),
            ("soft_margin", Box::new(SoftMargin::new().reduction(r)), &signs),
        ];
        for (name, loss, target) in of_tensors {
            check(name, &*loss, target, &repeated(target));
        }
    }
}

#[test]
fn weighted_losses_stay_apart_with_no_reduction() {
    let (y, target) = (predictions(), Tensor::zeros([4, 3]));
    let weights = Tensor::from_vec(4, WEIGHTS.to_vec());
    let loss = L1::new().reduction(Reduction::None);
    let apart = Tape::new().value(|t| loss.weighted(t.input(&y), &target, &weights));
    let want = y.as_slice().iter().enumerate().map(|(i, y)| y * WEIGHTS[i / 3]);
    assert_eq!(apart, Tensor::from_vec([4, 3], want.collect()));
}

/// A loss of three inputs, by [`Reduction::weighted`].
#[test]
fn losses_of_several_inputs_are_weighted_too() {
    let shifted = |by| predictions().map(|x| x * by);
    let [a, p, n] = [Param::new(predictions()), Param::new(shifted(0.5)), Param::new(shifted(0.8))];
    let weights = Tensor::from_vec(4, WEIGHTS.to_vec());
    let loss = TripletMargin::new();
    let apart = loss.reduction(Reduction::None);
    let mut tape = Tape::new();
    let (want, grads) = tape.value_and_grad(|t| {
        let [a, p, n] = [&a, &p, &n].map(|x| t.param(x).rows(&REPEATED));
        loss.loss(a, p, n)
    });
    let gradient = grads.get(&n).unwrap().clone();
    let (got, grads) = tape.value_and_grad(|t| {
        let [a, p, n] = [&a, &p, &n].map(|x| t.param(x));
        Reduction::Mean.weighted(apart.loss(a, p, n), &weights)
    });
    assert_close("triplets", &Tensor::scalar(got), &Tensor::scalar(want));
    assert_close("triplets", grads.get(&n).unwrap(), &gradient);
}

/// As of a loss whose samples are all ignored.
#[test]
fn weights_that_are_all_0_have_no_mean() {
    let (y, weights) = (predictions(), Tensor::zeros(4));
    let mse = Mse::new();
    let mean = Tape::new().value(|t| mse.weighted(t.input(&y), &Tensor::zeros([4, 3]), &weights));
    assert!(mean.item().is_nan());
}
