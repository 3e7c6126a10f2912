//! Every loss with awkward options: the cases of golden/losses.txt, which golden/losses.py wrote.

use std::collections::HashMap;

use fanin_nn::losses::*;
use fanin_nn::tensor::Scalar;
use fanin_nn::{Tensor, Var};

/// What a loss is given besides what is differentiated.
pub(super) struct Given<T: Scalar> {
    tensors: HashMap<String, Tensor<T>>,
    labels: Vec<usize>,
}

impl<T: Scalar> Given<T> {
    pub(super) fn target(&self) -> &Tensor<T> {
        &self.tensors["target"]
    }
    pub(super) fn labels(&self) -> &[usize] {
        &self.labels
    }
}

type Run<T> = Box<dyn for<'t> Fn(&[Var<'t, T>], &Given<T>) -> Var<'t, T>>;

pub(super) struct Case<T: Scalar> {
    pub(super) name: &'static str,
    /// PyTorch's name.
    pub(super) torch: &'static str,
    pub(super) run: Run<T>,
}

impl<T: Scalar> Case<T> {
    /// What the case differentiates, and what else it is given.
    pub(super) fn inputs(
        &self,
        golden: &HashMap<&'static str, Tensor>,
    ) -> (Vec<Tensor<T>>, Given<T>) {
        let get = |what: &str| {
            let tensor = golden.get(&*format!("{}/{what}", self.name))?;
            let wide = tensor.as_slice().iter().map(|x| T::from_f64(f64::from(*x))).collect();
            Some(Tensor::from_vec(tensor.shape(), wide))
        };
        let x: Vec<_> = ["x0", "x1", "x2"].into_iter().filter_map(get).collect();
        assert!(!x.is_empty(), "golden/losses.py has no case {}", self.name);
        let target = get("target").map(|t| ("target".to_owned(), t));
        let labels = get("labels").unwrap_or(Tensor::zeros(0));
        let labels = labels.as_slice().iter().map(|l| l.to_f64() as usize).collect();
        (x, Given { tensors: target.into_iter().collect(), labels })
    }
}

pub(super) fn cases<T: Scalar>(r: Reduction) -> Vec<Case<T>> {
    let mut cases = vec![];
    macro_rules! case {
        ($name:literal, $torch:literal, $run:expr) => {{
            let run: Run<T> = Box::new($run);
            cases.push(Case { name: $name, torch: $torch, run });
        }};
    }
    // Losses of one input, each with its cases.
    macro_rules! losses {
        ($($torch:literal, $given:ident { $($name:literal: $loss:expr;)+ })+) => {$($({
            let loss = $loss.reduction(r);
            case!($name, $torch, move |x, given| loss.loss(x[0], given.$given()));
        })+)+};
    }
    let weights = [1.0, 0.5, 0.0, 2.0];
    let (columns, flipped) = ([1.0, 0.0, 3.0, 0.25], [0.25, 3.0, 0.0, 1.0]);
    losses! {
        "CrossEntropyLoss", labels {
            "cross_entropy/weighted": CrossEntropy::new().class_weights(&weights).ignore_index(1);
            "cross_entropy/all_ignored": CrossEntropy::new().ignore_index(3);
            "cross_entropy/batch_of_one": CrossEntropy::new();
            "cross_entropy/extreme": CrossEntropy::new();
        }
        "CrossEntropyLoss, soft targets", target {
            "cross_entropy/soft": CrossEntropy::new();
            "cross_entropy/soft_smoothed":
                CrossEntropy::new().class_weights(&weights).label_smoothing(0.2);
            "cross_entropy/soft_extreme": CrossEntropy::new();
        }
        "NLLLoss", labels {
            "nll/plain": Nll::new();
            "nll/weighted": Nll::new().class_weights(&weights).ignore_index(1);
            "nll/all_ignored": Nll::new().ignore_index(3);
            "nll/extreme": Nll::new();
        }
        "MultiMarginLoss", labels {
            "multi_margin/plain": MultiMargin::new();
            "multi_margin/squared": MultiMargin::new().p(2).margin(0.7).class_weights(&weights);
            "multi_margin/kink": MultiMargin::new();
            "multi_margin/extreme": MultiMargin::new();
        }
        "(paper, of log_softmax)", labels {
            "focal/plain": Focal::new();
            "focal/weighted": Focal::new().gamma(0.5).class_weights(&weights);
            "focal/gamma_0": Focal::new().gamma(0.0);
            "focal/extreme": Focal::new();
        }
        "BCELoss", target {
            "bce/plain": Bce::new();
            "bce/weighted": Bce::new().class_weights(&columns);
            "bce/extreme": Bce::new();
        }
        "BCEWithLogitsLoss", target {
            "bce_with_logits/plain": BceWithLogits::new();
            "bce_with_logits/weighted":
                BceWithLogits::new().class_weights(&columns).pos_weight(&flipped);
            "bce_with_logits/one_pos_weight": BceWithLogits::new().pos_weight(&[5.0]);
            "bce_with_logits/extreme": BceWithLogits::new();
        }
        "MultiLabelSoftMarginLoss", target {
            "multi_label_soft_margin/plain": MultiLabelSoftMargin::new();
            "multi_label_soft_margin/weighted": MultiLabelSoftMargin::new().class_weights(&columns);
            "multi_label_soft_margin/extreme": MultiLabelSoftMargin::new();
        }
        "MultiLabelMarginLoss", target {
            "multi_label_margin/plain": MultiLabelMargin::new();
            "multi_label_margin/kink": MultiLabelMargin::new();
        }
        "torchvision's sigmoid_focal_loss", target {
            "sigmoid_focal/plain": SigmoidFocal::new();
            "sigmoid_focal/gamma_0": SigmoidFocal::new().gamma(0.0);
            "sigmoid_focal/without_alpha": SigmoidFocal::new().gamma(0.5).without_alpha();
            "sigmoid_focal/extreme": SigmoidFocal::new().alpha(0.25);
        }
        "MSELoss", target {
            "mse/plain": Mse::new();
            "mse/extreme": Mse::new();
        }
        "L1Loss", target {
            "l1/plain": L1::new();
            "l1/kink": L1::new();
            "l1/extreme": L1::new();
        }
        "SmoothL1Loss", target {
            "smooth_l1/plain": SmoothL1::new(0.5);
            "smooth_l1/kink": SmoothL1::new(0.5);
            "smooth_l1/beta_0": SmoothL1::new(0.0);
            "smooth_l1/extreme": SmoothL1::new(1.0);
        }
        "HuberLoss", target {
            "huber/plain": Huber::new(0.7);
            "huber/kink": Huber::new(0.5);
            "huber/extreme": Huber::new(1.0);
        }
        "KLDivLoss", target {
            "kl_div/plain": KlDiv::new();
            "kl_div/log_target": KlDiv::new().log_target();
            "kl_div/extreme": KlDiv::new();
        }
        "PoissonNLLLoss", target {
            "poisson_nll/plain": PoissonNll::new();
            "poisson_nll/full": PoissonNll::new().full();
            "poisson_nll/of_rates": PoissonNll::new().of_rates().full().epsilon(1e-3);
            "poisson_nll/extreme": PoissonNll::new();
            "poisson_nll/of_rates_extreme": PoissonNll::new().of_rates();
        }
        "relu(1 - t y)", target {
            "hinge/plain": Hinge::new();
            "hinge/squared": Hinge::new().squared();
            "hinge/kink": Hinge::new();
        }
        "HingeEmbeddingLoss", target {
            "hinge_embedding/plain": HingeEmbedding::new();
            "hinge_embedding/margin": HingeEmbedding::new().margin(0.5);
            "hinge_embedding/kink": HingeEmbedding::new();
            "hinge_embedding/extreme": HingeEmbedding::new();
        }
        "SoftMarginLoss", target {
            "soft_margin/plain": SoftMargin::new();
            "soft_margin/extreme": SoftMargin::new();
        }
    }
    // Losses of several inputs.
    macro_rules! of_several {
        ($torch:literal, |$loss:ident, $x:ident, $given:ident| $call:expr; $($name:literal: $new:expr;)+) => {$({
            let $loss = $new.reduction(r);
            case!($name, $torch, move |$x, $given| {
                let _ = $given;
                $call
            });
        })+};
    }
    of_several! {
        "GaussianNLLLoss", |loss, x, given| loss.loss(x[0], x[1], given.target());
        "gaussian_nll/plain": GaussianNll::new();
        "gaussian_nll/full": GaussianNll::new().full().epsilon(0.5);
        "gaussian_nll/by_row": GaussianNll::new();
        "gaussian_nll/without_axis": GaussianNll::new();
        "gaussian_nll/extreme": GaussianNll::new();
    }
    of_several! {
        "MarginRankingLoss", |loss, x, given| loss.loss(x[0], x[1], given.target());
        "margin_ranking/plain": MarginRanking::new();
        "margin_ranking/margin": MarginRanking::new().margin(0.5);
        "margin_ranking/kink": MarginRanking::new().margin(0.5);
    }
    of_several! {
        "CosineEmbeddingLoss", |loss, x, given| loss.loss(x[0], x[1], given.target());
        "cosine_embedding/plain": CosineEmbedding::new();
        "cosine_embedding/margin": CosineEmbedding::new().margin(-0.5);
        "cosine_embedding/kink": CosineEmbedding::new();
        "cosine_embedding/extreme": CosineEmbedding::new();
    }
    of_several! {
        "TripletMarginLoss", |loss, x, given| loss.loss(x[0], x[1], x[2]);
        "triplet_margin/plain": TripletMargin::new();
        "triplet_margin/swap": TripletMargin::new().p(1.0).swap().margin(0.7);
        "triplet_margin/power_3": TripletMargin::new().p(3.0).margin(2.0);
        "triplet_margin/same": TripletMargin::new();
        "triplet_margin/kink": TripletMargin::new();
        "triplet_margin/extreme": TripletMargin::new();
    }
    if r == Reduction::None {
        case!("pairwise_distance/1", "PairwiseDistance", |x, _| x[0].pairwise_distance(x[1], 1.0));
        case!("pairwise_distance/2", "PairwiseDistance", |x, _| x[0].pairwise_distance(x[1], 2.0));
        case!("pairwise_distance/3", "PairwiseDistance", |x, _| x[0].pairwise_distance(x[1], 3.0));
        case!("pairwise_distance/inf", "PairwiseDistance", |x, _| {
            x[0].pairwise_distance(x[1], f64::INFINITY)
        });
        case!("cosine_similarity/plain", "CosineSimilarity", |x, _| x[0].cosine_similarity(x[1]));
        case!("cosine_similarity/extreme", "CosineSimilarity", |x, _| x[0].cosine_similarity(x[1]));
    }
    cases
}
