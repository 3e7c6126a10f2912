//! [`BatchNorm1d`]: each feature brought to mean 0 and variance 1.

use fanin_tensor::{Scalar, Tensor};

use super::{Affine, EPSILON, parameters, require_epsilon};
use crate::buffer::Buffer;
use crate::describe::{Describe, Features};
use crate::module::Module;
use crate::tape::{Mode, Var};

/// Brings each feature to mean 0 and variance 1 over the batch: `y = (x − μ) / √(σ² + ε) ⊙ γ + β`.
///
/// In [`Mode::Train`] μ and σ² are those of the batch, and the running statistics move towards them:
/// `r ← (1 − m) r + m s` with the momentum m, s the mean or the unbiased variance `Σ (x − μ)² / (n − 1)`.
/// They are [buffers](Buffer), which the optimizer's step updates. In [`Mode::Evaluate`] the running
/// statistics are used, so a prediction does not depend on the other samples.
///
/// # Shapes
/// x and y `(…, features)`; all axes but the last are the batch.
///
/// # Panics
/// Training **panics** if the batch has fewer than two rows.
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
    running_mean: Buffer<T>,
    running_var: Buffer<T>,
    epsilon: f64,
    momentum: f64,
}

impl BatchNorm1d {
    /// A layer for this number of features, with PyTorch's ε of 1e-5 and momentum of 0.1.
    pub fn new(features: usize) -> Self {
        Self {
            features,
            affine: Affine::new(features),
            running_mean: Buffer::new(Tensor::zeros(features)),
            running_var: Buffer::new(Tensor::ones(features)),
            epsilon: EPSILON,
            momentum: 0.1,
        }
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
        Self { momentum, ..self }
    }

    /// The running means.
    pub fn running_mean(&self) -> &Tensor<T> {
        self.running_mean.value()
    }

    /// The running variances.
    pub fn running_var(&self) -> &Tensor<T> {
        self.running_var.value()
    }

    /// The same layer with another element type.
    pub fn cast<U: Scalar>(&self) -> BatchNorm1d<U> {
        BatchNorm1d {
            features: self.features,
            affine: self.affine.cast(),
            running_mean: self.running_mean.cast(),
            running_var: self.running_var.cast(),
            epsilon: self.epsilon,
            momentum: self.momentum,
        }
    }
}

impl<T: Scalar> Module<T> for BatchNorm1d<T> {
    #[track_caller]
    fn forward<'t>(&self, x: Var<'t, T>) -> Var<'t, T> {
        let (t, shape, features) = (x.tape(), x.shape(), self.features);
        if shape.last() != Some(&features) {
            panic!("batch_norm: input {shape} does not fit {}", self.describe());
        }
        let rows = shape.iter().product::<usize>() / features.max(1);
        let matrix = if shape.len() == 2 { x } else { x.reshape([rows, features]) };
        let affine = Some(self.affine.vars(x));
        let y = if t.mode() == Mode::Train {
            assert!(
                rows > 1,
                "batch_norm: input {shape} has fewer than two rows, and in training a batch needs two"
            );
            let moments = matrix.column_moments();
            let m = self.momentum;
            let unbiased = m * rows as f64 / (rows - 1) as f64;
            let keep = T::from_f64(1.0 - m);
            t.update(&self.running_mean, keep, T::from_f64(m), moments[0]);
            t.update(&self.running_var, keep, T::from_f64(unbiased), moments[1]);
            matrix.batch_norm(moments, affine, self.epsilon, true)
        } else {
            let running = [t.buffer(&self.running_mean), t.buffer(&self.running_var)];
            matrix.batch_norm(running, affine, self.epsilon, false)
        };
        if shape.len() == 2 { y } else { y.reshape(&shape) }
    }
}

impl<T: Scalar> Describe for BatchNorm1d<T> {
    fn describe(&self) -> String {
        format!("BatchNorm1d({})", self.features)
    }

    fn features(&self) -> Features {
        Features::Map { input: self.features, output: self.features }
    }
}

parameters!(BatchNorm1d, running_mean running_var);
