//! The results printed by the notebook `weight-initialization` of udacity/deep-learning-v2-pytorch,
//! one run of each scheme.

/// A line of the notebook's output.
pub(crate) struct Printed {
    /// The key of the contender.
    pub(crate) key: &'static str,
    /// The accuracy on the 12,000 validation images, in per cent.
    pub(crate) validation: f64,
    /// The notebook's "Training Loss", which is the loss of the last batch.
    pub(crate) last_loss: f64,
}

/// In the notebook's order, which runs the general rule twice.
#[expect(clippy::approx_constant, reason = "a loss that happens to be near 1/π")]
pub(crate) const PRINTED: [Printed; 8] = [
    Printed { key: "zeros", validation: 9.675, last_loss: 2.305 },
    Printed { key: "ones", validation: 9.675, last_loss: 478.745 },
    Printed { key: "uniform01", validation: 33.933, last_loss: 4.697 },
    Printed { key: "uniform_half", validation: 74.875, last_loss: 0.789 },
    Printed { key: "general_rule", validation: 84.833, last_loss: 0.487 },
    Printed { key: "general_rule", validation: 85.442, last_loss: 0.318 },
    Printed { key: "lecun_normal", validation: 85.233, last_loss: 0.333 },
    Printed { key: "pytorch", validation: 84.458, last_loss: 0.530 },
];
