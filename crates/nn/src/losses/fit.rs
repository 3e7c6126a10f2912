//! Whether a prediction fits its loss: what the [doctor](crate::diagnose) and a debug build say of it.

use std::panic::Location;

use fanin_tensor::Scalar;

use crate::note::{LARGE, Note, Spread, show};
use crate::tape::{Curve, Var};

/// What a loss computes itself, so that the network must not.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Own {
    Softmax,
    Sigmoid,
    Nothing,
}

/// Notes logits that are no logits.
#[track_caller]
pub(super) fn check_logits<T: Scalar>(loss: &'static str, logits: Var<'_, T>, own: Own) {
    let tape = logits.tape();
    if !tape.takes_notes() {
        return;
    }
    let at = Some(Location::caller());
    let note = |output: &str, why: &str, advice| {
        let (output, why) = (output.into(), why.into());
        tape.note(Note::UnfitOutput { output, loss, why, advice }, at);
    };
    if own == Own::Softmax && logits.with_shape(|shape| shape.last() == Some(&1)) {
        let why = "the cross-entropy of one class is always 0";
        note("one output", why, "let it have an output for each class");
    }
    match tape.operation(logits.node()) {
        Some((name, _)) if name.starts_with("Softmax") => {
            if own == Own::Softmax {
                let why = "it computes the softmax itself, so this would be a softmax of a softmax";
                note(&name, why, "leave the softmax out");
            } else {
                let why = "it takes any number, and these are from 0 to 1";
                note(&name, why, "let it end with its last linear layer");
            }
        }
        Some((name, _)) if own == Own::Sigmoid && name == "Sigmoid" => {
            let why = "it computes the sigmoid itself, so this would be a sigmoid of a sigmoid";
            note(&name, why, "leave the sigmoid out");
        }
        Some((name, Some(curve))) => {
            let [low, high] = range(&curve);
            if low.is_finite() || high.is_finite() {
                let why = format!("logits may be any number, and these are {}", between(low, high));
                note(&name, &why, "let it end with its last linear layer");
            }
        }
        _ => {}
    }
}

/// Notes labels of few classes that follow one another, as in a part of sorted data. `keeps` says which labels
/// count.
#[track_caller]
pub(super) fn check_labels<T: Scalar>(
    prediction: Var<'_, T>,
    labels: &[usize],
    classes: usize,
    keeps: impl Fn(usize) -> bool,
) {
    /// In a batch of so many, half of the classes are almost never missing by chance. Of two classes one may
    /// be rare.
    const ENOUGH: usize = 30;
    const FOR_EACH: usize = 3;
    let tape = prediction.tape();
    if !tape.takes_notes() || classes < 3 {
        return;
    }
    let (mut seen, mut samples) = (vec![false; classes], 0);
    for &label in labels.iter().filter(|&&label| label < classes && keeps(label)) {
        seen[label] = true;
        samples += 1;
    }
    let found = seen.iter().filter(|&&seen| seen).count();
    // Rare classes are missing anywhere.
    let in_a_row = seen.chunk_by(|a, b| a == b).filter(|part| part[0]).count() == 1;
    if in_a_row && 2 * found <= classes && samples >= ENOUGH.max(FOR_EACH * classes) {
        let at = Some(Location::caller());
        tape.note(Note::FewClasses { samples, found, classes }, at);
    }
}

/// Notes outputs that cannot be log-probabilities, because these are at most 0.
#[track_caller]
pub(super) fn check_log_probabilities<T: Scalar>(loss: &'static str, prediction: Var<'_, T>) {
    let tape = prediction.tape();
    if !tape.takes_notes() {
        return;
    }
    // 0, but for rounding.
    let zero = T::from_f64(1e-5);
    let most = tape.with_value(prediction.node(), |y| {
        y.as_slice().iter().fold(T::NEG_INFINITY, |most, &y| if y > most { y } else { most })
    });
    let (output, advice) = match tape.operation(prediction.node()) {
        Some((name, _)) if name.starts_with("Softmax") || name == "Sigmoid" => {
            (name, "let it end with LogSoftmax")
        }
        Some((name, _)) if most > zero => {
            (name, "let it end with LogSoftmax, or train it by CrossEntropy, which takes logits")
        }
        _ => return,
    };
    let why = format!(
        "logarithms of probabilities are at most 0, and these are up to {}",
        show(most.to_f64())
    );
    tape.note(Note::UnfitOutput { output, loss, why, advice }, Some(Location::caller()));
}

/// Notes outputs that cannot be rates of events, and logarithms of rates that have a bound.
#[track_caller]
pub(super) fn check_rates<T: Scalar>(loss: &'static str, prediction: Var<'_, T>, log_input: bool) {
    let tape = prediction.tape();
    if !tape.takes_notes() {
        return;
    }
    let least = tape.with_value(prediction.node(), |y| {
        y.as_slice().iter().map(|y| y.to_f64()).fold(f64::INFINITY, f64::min)
    });
    let (output, why, advice) = match tape.operation(prediction.node()) {
        Some((output, Some(curve))) if log_input => {
            let [low, high] = range(&curve);
            if !low.is_finite() && !high.is_finite() {
                return;
            }
            let why = format!(
                "it takes logarithms of rates, which may be any number, and these are {}",
                between(low, high)
            );
            (output, why, "let it end with its last linear layer, or use of_rates")
        }
        Some((output, _)) if !log_input && least < 0.0 => {
            let why = format!("rates are positive, and these are down to {}", show(least));
            (output, why, "let it end with a softplus, or leave of_rates out")
        }
        _ => return,
    };
    tape.note(Note::UnfitOutput { output, loss, why, advice }, Some(Location::caller()));
}

/// Notes targets that a prediction cannot reach, or is far from.
#[track_caller]
pub(super) fn check_targets<T: Scalar>(
    loss: &'static str,
    prediction: Var<'_, T>,
    target: Var<'_, T>,
) {
    let tape = prediction.tape();
    if !tape.takes_notes() || !tape.is_given(target.node()) {
        return;
    }
    let at = Some(Location::caller());
    let (mut least, mut most) = (f64::INFINITY, f64::NEG_INFINITY);
    let spread = tape.with_value(target.node(), |target| {
        for y in target.as_slice().iter().map(|y| y.to_f64()) {
            (least, most) = (least.min(y), most.max(y));
        }
        Spread::of(target.as_slice())
    });
    if let Some((output, Some(curve))) = tape.operation(prediction.node()) {
        let [low, high] = range(&curve);
        if least < low || most > high {
            let why = format!(
                "it gives {}, and the targets are from {} to {}",
                between(low, high),
                show(least),
                show(most)
            );
            let advice = "let it end with its last linear layer, or with an activation whose range \
                          holds every target";
            tape.note(Note::UnfitOutput { output, loss, why, advice }, at);
            return;
        }
    }
    let output = tape.with_value(prediction.node(), |y| Spread::of(y.as_slice()).rms());
    if spread.rms() > LARGE && spread.rms() > 10.0 * output {
        tape.note(Note::UnscaledTarget { target: spread, output }, at);
    }
}

/// The least and the greatest value of an activation; infinite where it has none.
fn range(curve: &Curve) -> [f64; 2] {
    const FAR: f64 = 1e6;
    const UNBOUNDED: f64 = 1e3;
    // A function that still changes at both ends has no bound that samples could show: ln, √x, 1/x, sin.
    let is_flat = |x| curve(x).1 == 0.0;
    if !is_flat(-FAR) && !is_flat(FAR) {
        return [f64::NEG_INFINITY, f64::INFINITY];
    }
    let near = (-400..=400).map(|i| f64::from(i) / 20.0);
    let values = near.chain([-FAR, FAR]).map(|x| curve(x).0);
    let (low, high) =
        values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), y| (low.min(y), high.max(y)));
    [
        if low < -UNBOUNDED { f64::NEG_INFINITY } else { low },
        if high > UNBOUNDED { f64::INFINITY } else { high },
    ]
}

fn between(low: f64, high: f64) -> String {
    match (low.is_finite(), high.is_finite()) {
        (true, true) => format!("from {} to {}", show(low), show(high)),
        (true, false) => format!("{} or more", show(low)),
        _ => format!("{} or less", show(high)),
    }
}
