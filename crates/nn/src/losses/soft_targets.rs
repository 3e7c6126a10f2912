//! Cross-entropy against a probability for each class.
//!
//! `ℓ = −Σ_c w_c q_c ln p_c` with `q = (1 − ε) t + ε/C`; `dx_k = p_k Σ_c w_c q_c − w_k q_k`.

use fanin_tensor::Tensor;
use fanin_tensor::reduce::PairwiseSum;

use super::fit::{Own, check_logits};
use super::require::{require_probabilities, require_shape};
use super::rows::Rows;
use super::{CrossEntropy, Reduction};
use crate::tape::Var;

once! {
    #[track_caller]
    pub(super) fn cross_entropy<'t, 'a, T: Scalar>(
        reduction: Reduction,
        options: &'a CrossEntropy,
        prediction: Var<'t, T>,
        target: &'a Tensor<T>,
    ) -> Var<'t, T> {
        let name = "cross_entropy";
        require_shape(name, prediction, target.shape());
        let shape @ [rows, classes] =
            options.classes.shape(name, &prediction.shape(), target.shape());
        if let Some(label) = options.classes.ignored {
            panic!(
                "cross_entropy: targets that are probabilities have no label {label} to ignore; \
                 leave ignore_index out, or give the rows weights"
            );
        }
        require_probabilities(name, target);
        check_logits(name, prediction, Own::Softmax);
        let denominator = reduction.denominator(rows, rows);
        let (hit, spread) = (1.0 - options.smoothing, options.smoothing / classes as f64);
        let rows = Rows { name, reduction, denominator, shape };
        rows.apply_to_softmax(prediction, |row, x, p, [top, log_sum]| {
            let target = &target.as_slice()[row * classes..][..classes];
            let weighted = |(k, t): (usize, &T)| {
                options.classes.weight(k) * (hit * t.to_f64() + spread)
            };
            let (mut loss, mut total) = (PairwiseSum::new(), PairwiseSum::new());
            for (q, x) in target.iter().enumerate().map(weighted).zip(x) {
                loss.push(q * (log_sum + (top - x.to_f64())));
                total.push(q);
            }
            let total = total.total();
            for ((q, x), p) in target.iter().enumerate().map(weighted).zip(x).zip(p) {
                let of_class = p.to_f64();
                // p − 1 from its logarithm, where p is near 1: a target near 1 would cancel it.
                let missing = match of_class > 0.5 {
                    true => ((x.to_f64() - top) - log_sum).exp_m1(),
                    false => of_class - 1.0,
                };
                *p = T::from_f64((total * missing + (total - q)) / denominator);
            }
            loss.total()
        })
    }
}
