//! How the signal changes from layer to layer, forwards and backwards, and the faults that this shows.

use super::advice::{rescale, short};
use super::layer_report::LayerReport;
use super::verdict::{Fault, Verdict};
use crate::note::show;

const VANISHING: f64 = 1e-3;
const EXPLODING: f64 = 1e2;

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

pub(super) fn exploding_activations(layers: &[LayerReport], samples: usize) -> Option<Verdict> {
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

pub(super) fn vanishing_activations(
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

pub(super) fn gradients(layers: &[LayerReport]) -> Option<Verdict> {
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
