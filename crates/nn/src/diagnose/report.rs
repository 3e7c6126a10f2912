//! [`InitReport`]: statistics of a network's signal before training, and what is wrong with it.

use fanin_tensor::{Scalar, Tensor, show_shape};
use serde::{Deserialize, Serialize};

use super::judge::judge;
use super::layer_report::LayerReport;
use super::moments::number;
use super::probe::Probe;
use super::verdict::Verdict;
use crate::losses::Loss;
use crate::module::Module;

/// The effect of an initialization on a batch. For every linear layer it holds the sizes of
/// weights, activations and gradients beside the predictions of theory, and for each fault a
/// [`Verdict`].
///
/// [`print`](Self::print) shows a table and the verdicts on the terminal, `Display` gives them in 100 columns.
/// [`to_svg`](Self::to_svg) draws a chart.
///
/// # Example
/// ```
/// use fanin_nn::diagnose::{Fault, InitReport};
/// use fanin_nn::init::{KaimingNormal, manual_seed};
/// use fanin_nn::layers::Relu;
/// use fanin_nn::{Linear, Sequential, Tensor};
///
/// manual_seed(1);
/// let x = Tensor::from_vec([64, 16], (0..64 * 16).map(|i| (i as f32).sin()).collect());
/// let deep = |layer: fn() -> Linear| {
///     (0..30).fold(Sequential::new(), |net, _| net.add(layer()).add(Relu)).add(Linear::new(16, 2))
/// };
/// let report = InitReport::new(&deep(|| Linear::new(16, 16)), &x);
/// assert!(matches!(report.verdicts[0].fault, Fault::VanishingActivations { per_layer, .. } if per_layer < 0.6));
/// println!("{report}");
///
/// let wide = || Linear::builder(16, 256).weight(KaimingNormal::default()).build();
/// let net = Sequential::new().add(wide()).add(Relu).add(Linear::new(256, 2));
/// assert!(InitReport::new(&net, &x).is_healthy());
/// ```
///
/// # Reference
/// Glorot & Bengio 2010, section 4.2; He et al. 2015, section 2.2; Saxe et al. 2013; Poole et al. 2016;
/// Schoenholz et al. 2017.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InitReport {
    /// The linear layers in order of use.
    pub layers: Vec<LayerReport>,
    /// The number of samples in the batch.
    pub samples: usize,
    /// The loss that was differentiated.
    #[serde(with = "number")]
    pub loss: f64,
    /// ln(classes), the cross-entropy of a uniform prediction. Present if labels were given.
    pub chance: Option<f64>,
    /// The faults, a cause before its effects. Empty if the network can be trained as it is.
    pub verdicts: Vec<Verdict>,
}

impl InitReport {
    /// Runs the model on a batch and judges it. The loss is `mean_i ⟨y_i, r⟩` with a fixed random
    /// direction r (see [`Probe::new`]).
    ///
    /// # Panics
    /// **Panics** if the model's `forward` panics or uses no linear layer of the model, if the
    /// batch is empty, or if a number in it is not finite.
    #[track_caller]
    pub fn new<T: Scalar>(model: &(impl Module<T> + ?Sized), x: &Tensor<T>) -> Self {
        require_batch(x);
        Self::of(&Probe::new(model, x), None)
    }

    /// Runs the model on a batch and judges it. The loss is the cross-entropy between its output
    /// and these labels.
    ///
    /// # Panics
    /// **Panics** as [`new`](Self::new) does, and if the labels do not fit the output.
    #[track_caller]
    pub fn with_labels<T: Scalar>(
        model: &(impl Module<T> + ?Sized),
        x: &Tensor<T>,
        labels: &[usize],
    ) -> Self {
        require_batch(x);
        let probe = Probe::with_labels(model, x, labels);
        let classes = probe.output().shape()[1];
        Self::of(&probe, Some((classes as f64).ln()))
    }

    /// Runs the model on a batch and judges it, together with the loss and the targets of this batch.
    ///
    /// # Panics
    /// **Panics** as [`new`](Self::new) does, and if the targets do not fit the output.
    ///
    /// # Example
    /// ```
    /// use fanin_nn::diagnose::{Fault, InitReport};
    /// use fanin_nn::losses::Mse;
    /// use fanin_nn::{Linear, Tensor};
    ///
    /// let (x, prices) = (Tensor::ones([4, 3]), Tensor::full([4, 1], 250_000.0));
    /// let report = InitReport::with_loss(&Linear::new(3, 1), &x, &Mse::new(), &prices);
    /// assert!(matches!(report.verdicts[0].fault, Fault::UnscaledTarget { .. }));
    /// ```
    #[track_caller]
    pub fn with_loss<T: Scalar, Y: ?Sized>(
        model: &(impl Module<T> + ?Sized),
        x: &Tensor<T>,
        loss: &impl Loss<Y, T>,
        target: &Y,
    ) -> Self {
        require_batch(x);
        Self::of(&Probe::with_loss(model, x, loss, target), None)
    }

    /// Whether nothing is wrong.
    pub fn is_healthy(&self) -> bool {
        self.verdicts.is_empty()
    }

    fn of<T: Scalar>(probe: &Probe<T>, chance: Option<f64>) -> Self {
        let samples = probe.output().shape().first().copied().unwrap_or(1);
        let layers: Vec<_> =
            probe.layers().iter().map(|layer| LayerReport::of(layer, probe, samples)).collect();
        let loss = probe.loss().map_or(f64::NAN, Scalar::to_f64);
        let verdicts = judge(&layers, samples, loss, chance, probe.wiring());
        Self { layers, samples, loss, chance, verdicts }
    }
}

#[track_caller]
fn require_batch<T: Scalar>(x: &Tensor<T>) {
    let shape = show_shape(x.shape());
    assert!(x.len() > 0, "InitReport: the batch {shape} is empty; give it some samples");
    if let Some(at) = x.as_slice().iter().position(|x| !x.is_finite()) {
        let value = x.as_slice()[at];
        panic!("InitReport: element {at} of the batch {shape} is {value}; clean the data first");
    }
}
