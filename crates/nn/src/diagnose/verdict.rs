//! [`Verdict`]: what is wrong with an initialization, and what to try.

use serde::{Deserialize, Serialize};

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
