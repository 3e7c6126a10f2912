//! [`BatchNorm1d`]: each feature brought to mean 0 and variance 1.

use fanin_tensor::{Scalar, Tensor};

use super::{Affine, EPSILON, fitting, parameters, require_epsilon};
use crate::buffer::Buffer;
use crate::describe::{Describe, Features};
use crate::layers::{BatchNorm1dSpec, LayerSpec};
use crate::module::Module;
use crate::parts::BatchParts;
use crate::tape::{Mode, Var};

/// Brings each feature to mean 0 and variance 1 over the batch: `y = (x − μ) / √(σ² + ε) ⊙ γ + β`.
///
/// In [`Mode::Train`] μ and σ² are those of the batch, and the running statistics move towards them:
/// `r ← (1 − m) r + m s` with the momentum m, s the mean or the unbiased variance `Σ (x − μ)² / (n − 1)`.
/// They are [buffers](Buffer), which the optimizer's step updates. Where the batch is a part of a larger one,
/// and [`BatchParts`] says so, the statistics are those of all parts. In [`Mode::Evaluate`] the running
/// statistics are used, so a prediction does not depend on the other samples.
///
/// | | PyTorch |
/// |---|---|
/// | [`momentum(0.1)`](Self::momentum) | `momentum=0.1`, the default |
/// | [`cumulative()`](Self::cumulative) | `momentum=None` |
/// | [`affine(false)`](Self::affine) | `affine=False` |
/// | [`track_running_stats(false)`](Self::track_running_stats) | `track_running_stats=False` |
///
/// PyTorch counts the batches of every layer in `num_batches_tracked`. Here a layer has this buffer if it
/// needs the count, which is for cumulative averages.
///
/// # Shapes
/// x and y `(…, features)`; all axes but the last are the batch.
///
/// # Panics
/// **Panics** if an input has another number of features, or if the statistics of the batch are used and
/// it has fewer than two rows.
///
/// # Example
/// ```
/// use fanin_nn::layers::{BatchNorm1d, Relu};
/// use fanin_nn::{Linear, Parameters, Sequential};
///
/// let model = Sequential::new().add(Linear::new(8, 32)).add(BatchNorm1d::new(32)).add(Relu);
/// let names: Vec<String> = model.named_buffers().into_iter().map(|(name, _)| name).collect();
/// assert_eq!(names, ["1.running_mean", "1.running_var"]);
/// assert_eq!(model.num_params(), 8 * 32 + 32 + 2 * 32);
/// ```
///
/// # Reference
/// Ioffe & Szegedy 2015, algorithms 1 and 2.
#[doc(alias = "BatchNorm")]
#[derive(Clone)]
pub struct BatchNorm1d<T: Scalar = f32> {
    features: usize,
    affine: Affine<T>,
    running_mean: Option<Buffer<T>>,
    running_var: Option<Buffer<T>>,
    /// How many batches a cumulative average has seen.
    num_batches_tracked: Option<Buffer<T>>,
    epsilon: f64,
    /// None: a cumulative average.
    momentum: Option<f64>,
}

impl BatchNorm1d {
    /// A layer for this number of features, with PyTorch's ε of 1e-5 and momentum of 0.1.
    pub fn new(features: usize) -> Self {
        let layer = Self {
            features,
            affine: Affine::new(features),
            running_mean: None,
            running_var: None,
            num_batches_tracked: None,
            epsilon: EPSILON,
            momentum: Some(0.1),
        };
        layer.track_running_stats(true)
    }
}

impl<T: Scalar> BatchNorm1d<T> {
    /// The layer with another ε.
    ///
    /// # Panics
    /// **Panics** if it is negative or not finite.
    #[must_use]
    #[track_caller]
    pub fn epsilon(self, epsilon: f64) -> Self {
        require_epsilon("BatchNorm1d", epsilon);
        Self { epsilon, ..self }
    }

    /// The layer with another momentum: the part of a batch in the running statistics.
    ///
    /// # Panics
    /// **Panics** if it is outside \[0, 1\].
    #[must_use]
    #[track_caller]
    pub fn momentum(self, momentum: f64) -> Self {
        assert!(
            (0.0..=1.0).contains(&momentum),
            "BatchNorm1d: a momentum of {momentum} is outside [0, 1]"
        );
        Self { momentum: Some(momentum), num_batches_tracked: None, ..self }
    }

    /// The layer whose running statistics are the means of all batches, each with equal weight:
    /// `r ← r + (s − r) / k` at batch k.
    ///
    /// The buffer `num_batches_tracked` counts the batches. Micro-batches of one optimizer step, whose
    /// gradients are [added up](crate::GradientSum), count as one batch each.
    ///
    /// # Example
    /// ```
    /// use fanin_nn::layers::BatchNorm1d;
    /// use fanin_nn::{Module, Optimizer, Sgd, Tape, Tensor};
    ///
    /// let mut layer = BatchNorm1d::new(1).cumulative();
    /// let (mut tape, mut sgd) = (Tape::new(), Sgd::new(0.1));
    /// for mean in [2.0, 4.0, 9.0] {
    ///     let x = Tensor::from_vec([2, 1], vec![mean - 1.0, mean + 1.0]);
    ///     let (_, grads) = tape.value_and_grad(|t| layer.forward(t.input(&x)).sum());
    ///     sgd.step(&mut layer, grads);
    /// }
    /// assert!((layer.running_mean().item() - 5.0).abs() < 1e-5);
    /// ```
    #[doc(alias = "momentum None")]
    #[must_use]
    pub fn cumulative(self) -> Self {
        let counts = self.running_mean.is_some();
        let num_batches_tracked = counts.then(|| Buffer::new(Tensor::zeros(())));
        Self { momentum: None, num_batches_tracked, ..self }
    }

    /// The layer with γ and β, or without both.
    #[must_use]
    pub fn affine(mut self, affine: bool) -> Self {
        self.affine = self.affine.both(affine, self.features);
        self
    }

    /// The layer with running statistics, which begin anew, or without them. Without them it uses the
    /// statistics of the batch in [`Mode::Evaluate`] as well.
    #[must_use]
    pub fn track_running_stats(self, track: bool) -> Self {
        let layer = Self {
            running_mean: track.then(|| Buffer::new(Tensor::zeros(self.features))),
            running_var: track.then(|| Buffer::new(Tensor::ones(self.features))),
            ..self
        };
        if layer.momentum.is_none() { layer.cumulative() } else { layer }
    }

    /// The running means.
    ///
    /// # Panics
    /// **Panics** if the layer [has none](Self::track_running_stats).
    #[track_caller]
    pub fn running_mean(&self) -> &Tensor<T> {
        match &self.running_mean {
            Some(mean) => mean.value(),
            None => self.has_no("running_mean"),
        }
    }

    /// The running variances.
    ///
    /// # Panics
    /// **Panics** if the layer [has none](Self::track_running_stats).
    #[track_caller]
    pub fn running_var(&self) -> &Tensor<T> {
        match &self.running_var {
            Some(var) => var.value(),
            None => self.has_no("running_var"),
        }
    }

    #[cold]
    #[track_caller]
    fn has_no(&self, statistic: &str) -> ! {
        panic!("{statistic}: {} was built with track_running_stats(false)", self.describe())
    }

    /// The same layer with another element type.
    pub fn cast<U: Scalar>(&self) -> BatchNorm1d<U> {
        BatchNorm1d {
            features: self.features,
            affine: self.affine.cast(),
            running_mean: self.running_mean.as_ref().map(Buffer::cast),
            running_var: self.running_var.as_ref().map(Buffer::cast),
            num_batches_tracked: self.num_batches_tracked.as_ref().map(Buffer::cast),
            epsilon: self.epsilon,
            momentum: self.momentum,
        }
    }

    /// Moves the running statistics towards those of a batch of this many rows.
    fn track(&self, [mean, var]: [Var<'_, T>; 2], rows: usize) {
        let (Some(running_mean), Some(running_var)) = (&self.running_mean, &self.running_var)
        else {
            return;
        };
        let t = mean.tape();
        let unbiased = rows as f64 / (rows - 1) as f64;
        match (self.momentum, &self.num_batches_tracked) {
            (Some(m), _) => {
                let keep = T::from_f64(1.0 - m);
                t.update(running_mean, keep, T::from_f64(m), mean);
                t.update(running_var, keep, T::from_f64(m * unbiased), var);
            }
            (None, Some(batches)) => {
                let before = batches.value().item().to_f64();
                t.update_average(running_mean, before, 1.0, mean);
                t.update_average(running_var, before, unbiased, var);
                t.update(batches, T::ONE, T::ONE, mean.one());
            }
            (None, None) => {}
        }
    }
}

impl<T: Scalar> Module<T> for BatchNorm1d<T> {
    #[track_caller]
    fn forward<'t>(&self, x: Var<'t, T>) -> Var<'t, T> {
        let (t, features) = (x.tape(), self.features);
        let shape = fitting("batch_norm", x, features, self);
        let rows = shape.iter().product::<usize>() / features.max(1);
        let matrix = if shape.len() == 2 { x } else { x.reshape([rows, features]) };
        let affine = self.affine.scale(x).zip(self.affine.shift(x)).map(|(g, b)| [g, b]);
        let trains = t.mode() == Mode::Train;
        let y = match (&self.running_mean, &self.running_var) {
            (Some(mean), Some(var)) if !trains => {
                let running = [t.buffer(mean), t.buffer(var)];
                matrix.batch_norm(running, affine, self.epsilon, false)
            }
            _ => {
                let parts = if trains { BatchParts::current() } else { None };
                let (moments, rows) = match &parts {
                    Some(parts) => matrix.column_moments_of(parts),
                    None => (matrix.column_moments(), rows),
                };
                assert!(
                    rows > 1,
                    "batch_norm: input {shape} has fewer than two rows, and {}",
                    if trains {
                        "in training a batch needs two"
                    } else {
                        "without running statistics a batch needs two"
                    }
                );
                if trains && parts.is_none_or(|parts| parts.is_first()) {
                    self.track(moments, rows);
                }
                matrix.batch_norm(moments, affine, self.epsilon, true)
            }
        };
        if shape.len() == 2 { y } else { y.reshape(&shape) }
    }
}

impl<T: Scalar> BatchNorm1d<T> {
    pub(in crate::layers) fn spec(&self) -> LayerSpec {
        let Self { features, epsilon, momentum, .. } = *self;
        LayerSpec::BatchNorm1d(BatchNorm1dSpec {
            features,
            epsilon,
            momentum,
            affine: self.affine.weight.is_some(),
            track_running_stats: self.running_mean.is_some(),
        })
    }
}

impl<T: Scalar> Describe for BatchNorm1d<T> {
    fn describe(&self) -> String {
        let cumulative = if self.momentum.is_none() { ", cumulative" } else { "" };
        let statistics =
            if self.running_mean.is_some() { cumulative } else { ", no running statistics" };
        format!("BatchNorm1d({}{}{statistics})", self.features, self.affine.text())
    }

    fn features(&self) -> Features {
        Features::Map { input: self.features, output: self.features }
    }
}

parameters!(BatchNorm1d, running_mean running_var num_batches_tracked);
