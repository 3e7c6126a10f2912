//! [`Verdict`]: what is wrong with an initialization, and what to try.

use serde::{Deserialize, Serialize};

use super::layer_report::LayerReport;
use super::probe::Wiring;
use crate::note::{LARGE, Note, show};

/// A fault: its numbers, a sentence about it, and advice.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    /// The fault with its numbers.
    pub fault: Fault,
    /// What was measured, in a sentence.
    pub finding: String,
    /// The advice.
    pub advice: String,
}

/// What can be wrong with an initialization. Layers are named by the paths of their weights.
///
/// Activations and gradients are judged over the whole depth: a network that loses a tenth per
/// layer is faulty at depth 100 and healthy at depth 3. A factor below 1/1000 or above 100 is a
/// fault. These wide limits allow a healthy network to drift like 1/depth, as the best tanh
/// networks do, and a narrow network to deviate by chance.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Fault {
    /// The model uses trainable parameters that it does not show to visitors. They are neither
    /// trained nor saved.
    HiddenParameters {
        /// Their names and shapes, from their descriptions.
        names: Vec<String>,
    },
    /// Every parameter is frozen, so that no step changes the model.
    Frozen {
        /// How many parameters the model has.
        params: usize,
    },
    /// The output, or the loss, does not depend on trainable parameters of the model.
    Unused {
        /// Their paths.
        names: Vec<String>,
    },
    /// Two shapes were broadcast by surprise: `(n, 1)` and `(n)` to `(n, n)`.
    Broadcast {
        /// The shape of the left operand.
        left: Vec<usize>,
        /// The shape of the right operand.
        right: Vec<usize>,
    },
    /// The network reads data whose rms is above 5.
    UnscaledInput {
        /// The mean of the input.
        mean: f64,
        /// Its standard deviation.
        std: f64,
    },
    /// The targets' rms is above 5 and more than ten times that of the output.
    UnscaledTarget {
        /// The mean of the targets.
        mean: f64,
        /// Their standard deviation.
        std: f64,
    },
    /// The network ends with something that the loss cannot use: a softmax before cross-entropy, or an
    /// activation that cannot give the targets.
    UnfitOutput {
        /// The operation.
        output: String,
        /// The loss.
        loss: String,
    },
    /// The labels of the batch are of at most half of the classes, which follow one another, though it has 30
    /// samples, and three for each class, or more: the data may be sorted.
    FewClasses {
        /// The classes in the batch.
        found: usize,
        /// The classes that the network tells apart.
        classes: usize,
    },
    /// A number is infinite or NaN.
    NonFinite {
        /// The layers, in order.
        layers: Vec<String>,
    },
    /// At least half the units of a layer are copies of others with equal gradients. Training keeps
    /// them equal.
    Symmetry {
        /// The layers.
        layers: Vec<String>,
        /// The largest share of a layer's units that are copies.
        share: f64,
    },
    /// At least nine in ten units of a layer give almost no gradient for any sample.
    Dead {
        /// The layers.
        layers: Vec<String>,
        /// The largest share of a layer's units that are dead.
        share: f64,
    },
    /// The activation of a layer is flat at more than three in ten of its outputs.
    Saturated {
        /// The layers.
        layers: Vec<String>,
        /// The largest share of a layer's outputs that are saturated.
        share: f64,
    },
    /// The spread of samples shrinks to less than a thousandth of the input's.
    VanishingActivations {
        /// The layers where it is below that.
        layers: Vec<String>,
        /// The smallest spread of samples, divided by that of the input.
        total: f64,
        /// The factor of one layer: the geometric mean up to the first of these layers.
        per_layer: f64,
    },
    /// The spread of samples grows to more than a hundred times the input's.
    ExplodingActivations {
        /// The layers where it is above that.
        layers: Vec<String>,
        /// The largest spread of samples, divided by that of the input.
        total: f64,
        /// The factor of one layer: the geometric mean up to the first of these layers.
        per_layer: f64,
    },
    /// Gradients shrink in the backward pass to less than a thousandth of those at the last layer.
    VanishingGradients {
        /// The layers where they are below that.
        layers: Vec<String>,
        /// The smallest length of a gradient, divided by that at the last layer.
        total: f64,
        /// The factor of one layer: the geometric mean up to the first of these layers.
        per_layer: f64,
    },
    /// Gradients grow in the backward pass to more than a hundred times those at the last layer.
    ExplodingGradients {
        /// The layers where they are above that.
        layers: Vec<String>,
        /// The largest length of a gradient, divided by that at the last layer.
        total: f64,
        /// The factor of one layer: the geometric mean up to the first of these layers.
        per_layer: f64,
    },
    /// The cross-entropy starts at more than five times that of a uniform prediction.
    Overconfident {
        /// The cross-entropy.
        loss: f64,
        /// ln(classes).
        chance: f64,
    },
}

const SYMMETRY: f64 = 0.5;
/// A deep healthy ReLU network has up to half, because its samples become nearly parallel.
const DEAD: f64 = 0.9;
const SATURATED: f64 = 0.3;
const VANISHING: f64 = 1e-3;
const EXPLODING: f64 = 1e2;
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

/// A quantity at several points along the layers.
struct Course<'l> {
    points: Vec<Point<'l>>,
}

struct Point<'l> {
    layer: &'l LayerReport,
    /// The layer whose weights lie between the previous point and this one.
    weights: &'l LayerReport,
    /// The quantity at this point divided by its value at the start.
    factor: f64,
}

impl<'l> Course<'l> {
    /// The spread of samples from layer to layer. If all samples are equal, their rms.
    fn of_activations(layers: &'l [LayerReport], samples: usize) -> Self {
        let apart = layers.first().is_some_and(|l| l.input_spread > 0.0);
        let input = |l: &LayerReport| if apart { l.input_spread } else { l.input.rms() };
        let output = |l: &LayerReport| if apart { l.output_spread } else { l.output.rms() };
        let start = layers.first().map_or(0.0, input);
        // In a plain network a layer's input is the output of the layer before. In a residual
        // network it is the sum of branches, and a branch that is still 0 is not a fault.
        let between = layers.windows(2).map(|pair| (&pair[0], input(&pair[1])));
        // An output layer that starts at 0 is not a fault either. A single number, or the
        // difference of two, can be small by chance.
        let tells = |l: &&LayerReport| l.weight.rms() > 0.0 && (l.outputs > 1 || samples > 2);
        let end = layers.last().filter(tells).map(|l| (l, output(l)));
        let point = |(l, size)| Point { layer: l, weights: l, factor: size / start };
        let points = between.chain(end).map(point).collect();
        Self { points: if start > 0.0 { points } else { vec![] } }
    }

    /// The length of a sample's gradient, from the last layer to the first. Zeros are left out: a
    /// gradient of exactly 0 is due to a weight that is 0 on purpose, or to another fault.
    fn of_gradients(layers: &'l [LayerReport]) -> Self {
        let back: Vec<_> = layers.iter().rev().filter(|l| l.gradient_length() > 0.0).collect();
        let point = |pair: &[&'l LayerReport]| Point {
            layer: pair[1],
            weights: pair[0],
            factor: pair[1].gradient_length() / back[0].gradient_length(),
        };
        Self { points: back.windows(2).map(point).collect() }
    }

    /// The layers whose factor is beyond a limit, the most extreme factor and its layer, and the
    /// factor of one layer. The latter is measured up to the first of these layers, because
    /// rounding may dominate after it.
    fn beyond(&self, is_beyond: impl Fn(f64) -> bool) -> Option<Extreme<'l>> {
        let first = self.points.iter().position(|p| is_beyond(p.factor))?;
        let beyond = self.points.iter().filter(|p| is_beyond(p.factor));
        let extent = |p: &Point<'_>| p.factor.ln().abs();
        let most = beyond.clone().max_by(|a, b| extent(a).total_cmp(&extent(b)))?;
        // Most output layers have no activation, and the advice is for the layers that have one.
        let mut before = self.points[..=first].iter().map(|p| p.weights);
        let usual = match most.layer.activation {
            Some(_) => most.layer,
            None => before.rfind(|l| l.activation.is_some()).unwrap_or(most.layer),
        };
        Some(Extreme {
            layer: most.layer,
            usual,
            layers: beyond.map(|p| p.layer.path.clone()).collect(),
            total: most.factor,
            per_layer: self.points[first].factor.powf(1.0 / (first + 1) as f64),
            culprit: self.culprit(first),
        })
    }

    /// The layer that alone causes most of the change up to a point, and its factor.
    fn culprit(&self, until: usize) -> Option<(&'l LayerReport, f64)> {
        const MOST: f64 = 0.75;
        let mut before = 1.0;
        let mut steps = self.points[..=until].iter().map(|p| {
            let step = p.factor / before;
            before = p.factor;
            (p.weights, step)
        });
        let total = self.points[until].factor;
        let most = total.powf(MOST);
        steps.find(|(_, step)| if total < 1.0 { *step <= most } else { *step >= most })
    }
}

struct Extreme<'l> {
    layer: &'l LayerReport,
    /// The layer that the advice is for, unless one alone is the culprit.
    usual: &'l LayerReport,
    layers: Vec<String>,
    total: f64,
    per_layer: f64,
    culprit: Option<(&'l LayerReport, f64)>,
}

impl Extreme<'_> {
    /// Advice that keeps the signal.
    fn advice(&self) -> String {
        match self.culprit {
            Some((layer, factor)) => {
                rescale(&format!("the weights of layer {}", short(&layer.path)), layer, factor)
            }
            None => rescale("the weights", self.usual, self.per_layer),
        }
    }
}

fn exploding_activations(layers: &[LayerReport], samples: usize) -> Option<Verdict> {
    let extreme = Course::of_activations(layers, samples).beyond(|factor| factor > EXPLODING)?;
    let advice = extreme.advice();
    let Extreme { layer, layers, total, per_layer, .. } = extreme;
    let finding = format!(
        "activations grow by {} a layer, to {} times the input's at layer {}",
        show(per_layer),
        show(total),
        short(&layer.path),
    );
    Some(Verdict {
        fault: Fault::ExplodingActivations { layers, total, per_layer },
        finding,
        advice,
    })
}

fn vanishing_activations(
    layers: &[LayerReport],
    samples: usize,
    to_nothing: bool,
) -> Option<Verdict> {
    let extreme = Course::of_activations(layers, samples)
        .beyond(|factor| factor < VANISHING && (factor > 0.0 || to_nothing))?;
    let advice = extreme.advice();
    let Extreme { layer, layers, total, per_layer, .. } = extreme;
    let finding = format!(
        "activations shrink by {} a layer: the spread of samples is {} of the input's at layer {}",
        show(per_layer),
        show(total),
        short(&layer.path),
    );
    Some(Verdict {
        fault: Fault::VanishingActivations { layers, total, per_layer },
        finding,
        advice,
    })
}

fn gradients(layers: &[LayerReport]) -> Option<Verdict> {
    let course = Course::of_gradients(layers);
    let vanishing = course.beyond(|factor| factor < VANISHING);
    let vanish = vanishing.is_some();
    let extreme = vanishing.or_else(|| course.beyond(|factor| factor > EXPLODING))?;
    let advice = extreme.advice();
    let Extreme { layer, layers, total, per_layer, .. } = extreme;
    let finding = format!(
        "gradients {} by {} a layer in the backward pass, to {} {} those of the last layer at layer {}",
        if vanish { "shrink" } else { "grow" },
        show(per_layer),
        show(total),
        if vanish { "of" } else { "times" },
        short(&layer.path),
    );
    let fault = if vanish {
        Fault::VanishingGradients { layers, total, per_layer }
    } else {
        Fault::ExplodingGradients { layers, total, per_layer }
    };
    Some(Verdict { fault, finding, advice })
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

/// The advice for unscaled data, such as pixels from 0 to 255.
fn scale_input(first: &LayerReport) -> String {
    format!(
        "the input has mean {} and std {}: bring it to mean 0 and std 1 first",
        show(first.input.mean),
        show(first.input.std),
    )
}

/// Advice for a layer that multiplies the signal by `factor`. `weights` names its weights in the
/// text.
fn rescale(weights: &str, layer: &LayerReport, factor: f64) -> String {
    if layer.weight.mean.abs() > layer.weight.std {
        return draw_centred(weights, layer);
    }
    let signal = layer.pre_activation.std;
    if let Some(bias) = layer.bias.filter(|b| b.mean.abs() > signal && layer.weight.std > 0.0) {
        return format!(
            "beside {weights}, biases of mean {} outweigh the signal: start them at 0",
            show(bias.mean)
        );
    }
    let scale = layer.weight.std * (layer.inputs as f64).sqrt();
    let near = |value: f64| (scale / value - 1.0).abs() < 0.08;
    let now = match layer.activation.as_deref() {
        _ if near(1.0 / 3f64.sqrt()) => ", which is the default and meant for shallow networks",
        Some("Relu") if near(1.0) => ", as by Xavier or LeCun, which are not made for ReLU",
        _ => "",
    };
    let then = match layer.activation.as_deref() {
        Some("Relu") if near(2f64.sqrt()) => KEPT.into(),
        Some("Relu") => "KaimingNormal::default() (1.41) keeps the signal".into(),
        Some("Tanh") if near(1.0) => KEPT.into(),
        Some("Tanh") => "Orthogonal with a gain of 1, or Xavier, keeps the signal".into(),
        Some("Sigmoid") => {
            "a sigmoid's derivative is at most 1/4, so it needs a gain of at least 4; tanh needs 1"
                .into()
        }
        _ if scale == 0.0 => "draw them at random, by Auto or Orthogonal".into(),
        Some(name) if name.starts_with("Sine") => {
            "Siren::new(Position::Hidden).omega0(ω) keeps the signal of Sine(ω); Position::First is for the \
             first layer"
                .into()
        }
        _ => format!(
            "about {} keeps the signal; Auto and EdgeOfChaos find the value for an activation",
            show(scale / factor)
        ),
    };
    format!("{weights} have std·√fan_in = {}{now}: {then}", show(scale))
}

const KEPT: &str = "this keeps the signal of a plain network, so look for another cause: use \
                    Residual::scaled or rezero for residual branches, and more units for a narrow \
                    layer";

/// The advice for weights whose mean is larger than their standard deviation.
fn draw_centred(weights: &str, layer: &LayerReport) -> String {
    format!(
        "{weights} have mean {} and std {}, so that their products add up: draw them with mean 0, as \
         Kaiming, Xavier and Orthogonal do",
        show(layer.weight.mean),
        show(layer.weight.std),
    )
}

/// A layer's path without `.weight`.
pub(super) fn short(path: &str) -> &str {
    path.strip_suffix(".weight").unwrap_or(path)
}

fn named(paths: &[String]) -> String {
    match paths {
        [one] => format!("layer {}", short(one)),
        [first, .., last] => format!("{} layers, {} to {}", paths.len(), short(first), short(last)),
        [] => "no layer".into(),
    }
}

fn percent(share: f64) -> String {
    format!("{:.0} %", 100.0 * share)
}
