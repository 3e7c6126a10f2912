//! Which faults an initialization has: the signs of each, and the advice.

use super::advice::{draw_centred, named, percent, scale_input, short};
use super::course::{exploding_activations, gradients, vanishing_activations};
use super::layer_report::LayerReport;
use super::probe::Wiring;
use super::verdict::{Fault, Verdict};
use crate::note::{LARGE, Note, show};

const SYMMETRY: f64 = 0.5;
/// A deep healthy ReLU network has up to half, because its samples become nearly parallel.
const DEAD: f64 = 0.9;
const SATURATED: f64 = 0.3;
const OVERCONFIDENT: f64 = 5.0;

/// The faults of these layers. A cause comes before its effects.
pub(super) fn judge(
    layers: &[LayerReport],
    samples: usize,
    loss: f64,
    chance: Option<f64>,
    wiring: &Wiring,
) -> Vec<Verdict> {
    let parameters =
        [hidden_parameters(&wiring.hidden), frozen(wiring.frozen), unused(&wiring.unused)];
    let mut verdicts: Vec<_> = parameters.into_iter().flatten().collect();
    verdicts.extend(wiring.notes.iter().filter_map(noted));
    verdicts.extend(judge_signal(layers, samples, loss, chance));
    verdicts
}

/// The verdict on what an operation noted.
fn noted(note: &Note) -> Option<Verdict> {
    let fault = match note {
        Note::Broadcast { left, right, .. } => {
            Fault::Broadcast { left: left.to_vec(), right: right.to_vec() }
        }
        Note::UnscaledInput(input) => Fault::UnscaledInput { mean: input.mean, std: input.std },
        Note::UnscaledTarget { target, .. } => {
            Fault::UnscaledTarget { mean: target.mean, std: target.std }
        }
        Note::UnfitOutput { output, loss, .. } => {
            Fault::UnfitOutput { output: output.clone(), loss: (*loss).into() }
        }
        Note::FewClasses { found, classes, .. } => {
            Fault::FewClasses { found: *found, classes: *classes }
        }
        // These notes are for training steps.
        Note::NoGradient { .. }
        | Note::ZeroGradients
        | Note::NonFiniteLoss(_)
        | Note::ConstantWeights { .. }
        | Note::LargeStep { .. }
        | Note::UnusedGradients { .. } => return None,
    };
    Some(Verdict { fault, finding: note.finding(), advice: note.advice() })
}

fn frozen(params: usize) -> Option<Verdict> {
    (params > 0).then(|| Verdict {
        fault: Fault::Frozen { params },
        finding: format!("all {params} parameters of the model are frozen: no step changes it"),
        advice: "let those that should learn be trained, by set_trainable(\"*\", true)".into(),
    })
}

fn unused(names: &[String]) -> Option<Verdict> {
    (!names.is_empty()).then(|| Verdict {
        fault: Fault::Unused { names: names.to_vec() },
        finding: format!("the output does not depend on {}: no step changes it", names.join(", ")),
        advice: "does forward leave a layer out, or detach a value on the way?".into(),
    })
}

fn hidden_parameters(names: &[String]) -> Option<Verdict> {
    if names.is_empty() {
        return None;
    }
    let finding = format!(
        "the loss depends on {} that the model does not show: {}; no optimizer trains {it} and no \
         file saves {it}",
        if names.len() == 1 { "a parameter" } else { "parameters" },
        names.join(", "),
        it = if names.len() == 1 { "it" } else { "them" },
    );
    let advice = "derive Parameters for the struct that holds it, and do not mark a field that holds \
                  parameters as #[parameters(skip)]; to keep a value, freeze it by set_trainable(false)";
    let fault = Fault::HiddenParameters { names: names.to_vec() };
    Some(Verdict { fault, finding, advice: advice.into() })
}

/// The faults that show in activations and gradients.
fn judge_signal(
    layers: &[LayerReport],
    samples: usize,
    loss: f64,
    chance: Option<f64>,
) -> Vec<Verdict> {
    let finite = layers.iter().take_while(|layer| layer.is_finite()).count();
    if layers.iter().any(|layer| !layer.is_finite() || !layer.has_finite_gradients()) {
        let mut verdicts = vec![non_finite(layers)];
        verdicts.extend(exploding_activations(&layers[..finite], samples));
        return verdicts;
    }
    let mut verdicts: Vec<_> =
        [symmetry(layers), dead(layers), saturated(layers)].into_iter().flatten().collect();
    verdicts.extend(exploding_activations(layers, samples));
    // A signal that stops entirely has one of the causes above. Reporting that it shrinks would
    // repeat them.
    verdicts.extend(vanishing_activations(layers, samples, verdicts.is_empty()));
    verdicts.extend(gradients(layers));
    if let Some(chance) = chance
        && loss > OVERCONFIDENT * chance
    {
        verdicts.push(overconfident(loss, chance, &layers[0]));
    }
    verdicts
}

fn non_finite(layers: &[LayerReport]) -> Verdict {
    let forward: Vec<_> = layers.iter().filter(|l| !l.is_finite()).collect();
    // From the last layer to the first, in the order of the backward pass.
    let back = layers.iter().rev().filter(|l| !l.has_finite_gradients()).collect();
    let (what, affected) =
        if forward.is_empty() { ("a gradient", back) } else { ("an activation", forward) };
    let first = affected[0];
    let given = first.weight.rms().is_finite() && first.bias.is_none_or(|b| b.rms().is_finite());
    let (what, advice) = if given {
        (what, "weights are far too large: try KaimingNormal, or Auto, which fits the activation")
    } else {
        ("a weight or bias", "check the initializer that filled it, or the file that it came from")
    };
    let finding = format!("{what} is infinite or NaN, first at layer {}", short(&first.path));
    let layers = affected.iter().map(|l| l.path.clone()).collect();
    Verdict { fault: Fault::NonFinite { layers }, finding, advice: advice.into() }
}

/// The layers whose share is at least this large, and the largest share.
fn affected(
    layers: &[LayerReport],
    least: f64,
    share: impl Fn(&LayerReport) -> Option<f64>,
) -> Option<(Vec<String>, f64)> {
    let affected = layers.iter().filter_map(|l| Some((l, share(l)?))).filter(|(_, s)| *s >= least);
    let (paths, shares): (Vec<_>, Vec<_>) = affected.map(|(l, s)| (l.path.clone(), s)).unzip();
    let largest = shares.into_iter().reduce(f64::max)?;
    Some((paths, largest))
}

fn symmetry(layers: &[LayerReport]) -> Option<Verdict> {
    let copies = |l: &LayerReport| (l.outputs > 1).then(|| l.identical as f64 / l.outputs as f64);
    let (paths, share) = affected(layers, SYMMETRY, copies)?;
    let finding = format!(
        "{} of the units of {} are copies of others and get the same gradients: training keeps them \
         equal, so the layer works like a smaller one",
        percent(share),
        named(&paths),
    );
    let advice = "draw the weights at random, by Kaiming, Xavier or Orthogonal; use zeros and constants \
                  for biases only";
    Some(Verdict {
        fault: Fault::Symmetry { layers: paths, share },
        finding,
        advice: advice.into(),
    })
}

fn dead(layers: &[LayerReport]) -> Option<Verdict> {
    // Identical units are all dead or all alive. Their symmetry is the fault to report.
    let units =
        |l: &LayerReport| l.dead.filter(|_| (l.identical as f64) < SYMMETRY * l.outputs as f64);
    let (paths, share) = affected(layers, DEAD, units)?;
    let first = layers.iter().find(|l| l.path == paths[0])?;
    let finding = format!(
        "{} of the units of {} give no gradient for any sample of the batch: their pre-activations \
         have mean {} and std {}",
        percent(share),
        named(&paths),
        show(first.pre_activation.mean),
        show(first.pre_activation.std),
    );
    let advice = match first.bias {
        Some(bias) if bias.mean < -first.pre_activation.std => format!(
            "the biases, of mean {}, outweigh the signal: start them at 0, or slightly above",
            show(bias.mean)
        ),
        _ if first.weight.mean < -first.weight.std => draw_centred("the weights", first),
        _ => "centre the input, start biases at 0 or slightly above, or let some signal through \
              below 0, as LeakyRelu does"
            .into(),
    };
    Some(Verdict { fault: Fault::Dead { layers: paths, share }, finding, advice })
}

fn saturated(layers: &[LayerReport]) -> Option<Verdict> {
    let (paths, share) = affected(layers, SATURATED, |l| l.saturated)?;
    let first = layers.iter().find(|l| l.path == paths[0])?;
    let finding = format!(
        "up to {} of the outputs of {} are at the activation's limits, where its derivative \
         is almost 0: pre-activations have mean {} and std {}",
        percent(share),
        named(&paths),
        show(first.pre_activation.mean),
        show(first.pre_activation.std),
    );
    let advice = match first.bias {
        _ if first.weight.mean.abs() > first.weight.std => draw_centred("the weights", first),
        Some(bias) if bias.rms() > 0.5 * first.pre_activation.rms() => {
            format!("the biases, of rms {}, cause this: start them at 0", show(bias.rms()))
        }
        _ if paths[0] == layers[0].path && first.input.rms() > LARGE => scale_input(first),
        _ => format!(
            "make the weights smaller: std {} instead of {} gives pre-activations of std 1; Xavier \
             is about that for inputs of rms 1",
            show(first.weight.std / first.pre_activation.std.max(f64::MIN_POSITIVE)),
            show(first.weight.std),
        ),
    };
    Some(Verdict { fault: Fault::Saturated { layers: paths, share }, finding, advice })
}

fn overconfident(loss: f64, chance: f64, first: &LayerReport) -> Verdict {
    let finding = format!(
        "the loss starts at {}, but a uniform prediction has ln(classes) = {}: the outputs are too \
         large",
        show(loss),
        show(chance),
    );
    let advice = if first.input.rms() > LARGE {
        scale_input(first)
    } else {
        "scale the weights by 1/√fan_in, or start the output layer with small or zero weights"
            .into()
    };
    Verdict { fault: Fault::Overconfident { loss, chance }, finding, advice }
}
