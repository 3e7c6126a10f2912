//! Logits of two or more classes, and probabilities from them.

use fanin_tensor::{Tensor, show_shape};

use super::accuracy::check_classes;

/// Panics unless there are logits for each label.
///
/// `(n, classes)`, of which 2 or more, are logits of a softmax; `(n)` and `(n, 1)` are logits of class 1.
#[track_caller]
pub(crate) fn check_logits(op: &str, logits: &Tensor, labels: &[usize]) {
    match *logits.shape() {
        [n] | [n, 1] if n == labels.len() => {
            if let Some(i) = labels.iter().position(|&label| label > 1) {
                let shape = show_shape(logits.shape());
                panic!(
                    "{op}: logits {shape} of class 1, but label {i} is {}; labels are 0 or 1, or \
                     give (n, classes)",
                    labels[i]
                );
            }
        }
        [_] | [_, 1] => {
            let (shape, labels) = (show_shape(logits.shape()), labels.len());
            panic!("{op}: logits {shape} of class 1, but {labels} labels; give one logit for each");
        }
        _ => check_classes(op, logits, labels),
    }
}

/// Calls `f` with the logarithms of a sample's probabilities, and its label, for each sample.
///
/// ```text
/// ln p_c = (z_c − m) − ln Σ_k exp(z_k − m),   m = max_k z_k
/// ```
pub(super) fn for_each_sample(logits: &Tensor, labels: &[usize], mut f: impl FnMut(&[f64], usize)) {
    let classes = match *logits.shape() {
        [_] | [_, 1] => 1,
        _ => logits.shape().last().copied().unwrap_or(1).max(1),
    };
    let mut row: Vec<f64> = Vec::with_capacity(classes.max(2));
    for (z, &label) in logits.as_slice().chunks_exact(classes).zip(labels) {
        row.clear();
        if classes == 1 {
            row.push(0.0); // the sigmoid is the softmax of 0 and z
        }
        row.extend(z.iter().map(|&z| f64::from(z)));
        log_softmax(&mut row);
        f(&row, label);
    }
}

fn log_softmax(row: &mut [f64]) {
    let max = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let first = row.iter().position(|&z| z == max);
    // `ln_1p` adds the largest term, which is 1: in a plain sum, the rounding of 1 would hide small terms.
    let others = row.iter().enumerate().filter(|(i, _)| Some(*i) != first);
    let log_sum = others.map(|(_, z)| (z - max).exp()).sum::<f64>().ln_1p();
    row.iter_mut().for_each(|z| *z = (*z - max) - log_sum);
}

/// The class of the largest probability, the first of equals; a NaN is larger than any number.
pub(super) fn largest(row: &[f64]) -> usize {
    let larger = |best: usize, i: usize| {
        let (x, y) = (row[i], row[best]);
        if x > y || x.is_nan() && !y.is_nan() { i } else { best }
    };
    (1..row.len()).fold(0, larger)
}
