//! Advice about the weights of a layer, and how sentences write layers and shares.

use super::layer_report::LayerReport;
use crate::note::show;

/// The advice for unscaled data, such as pixels from 0 to 255.
pub(super) fn scale_input(first: &LayerReport) -> String {
    format!(
        "the input has mean {} and std {}: bring it to mean 0 and std 1 first",
        show(first.input.mean),
        show(first.input.std),
    )
}

/// Advice for a layer that multiplies the signal by `factor`. `weights` names its weights in the
/// text.
pub(super) fn rescale(weights: &str, layer: &LayerReport, factor: f64) -> String {
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
        Some(name) if name.starts_with("Sine") => siren(name, scale),
        _ => format!(
            "about {} keeps the signal; Auto and EdgeOfChaos find the value for an activation",
            show(scale / factor)
        ),
    };
    format!("{weights} have std·√fan_in = {}{now}: {then}", show(scale))
}

/// Advice for weights before a `Sine(ω)`.
fn siren(name: &str, scale: f64) -> String {
    let omega = name.trim_start_matches("Sine(").trim_end_matches(')');
    // The hidden weights of a SIREN for ω have std·√fan_in = √2 / ω.
    let drawn_for = 2f64.sqrt() / scale;
    let other = omega.parse::<f64>().is_ok_and(|omega| (drawn_for / omega - 1.0).abs() > 0.08);
    let those = if other {
        let digits = usize::from(drawn_for < 10.0);
        format!(", and these weights are those for about ω = {drawn_for:.digits$}")
    } else {
        String::new()
    };
    format!(
        "Siren::new(Position::Hidden).omega0({omega}) keeps the signal of {name}{those}; Position::First is \
         for the first layer"
    )
}

const KEPT: &str = "this keeps the signal of a plain network, so look for another cause: use \
                    Residual::scaled or rezero for residual branches, and more units for a narrow \
                    layer";

/// The advice for weights whose mean is larger than their standard deviation.
pub(super) fn draw_centred(weights: &str, layer: &LayerReport) -> String {
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

pub(super) fn named(paths: &[String]) -> String {
    match paths {
        [one] => format!("layer {}", short(one)),
        [first, .., last] => format!("{} layers, {} to {}", paths.len(), short(first), short(last)),
        [] => "no layer".into(),
    }
}

pub(super) fn percent(share: f64) -> String {
    format!("{:.0} %", 100.0 * share)
}
