//! Layer-sequential unit variance.

use std::collections::HashMap;

use fanin_init::Orthogonal;
use fanin_tensor::{Scalar, Tensor};

use super::InitError;
use super::transaction::Transaction;
use super::{DataInitReport, Moments, layer_moments};
use crate::module::Module;

/// Draws orthonormal weights. Then, layer by layer, divides them by `std(z)` until `|std(z) − 1|`
/// is below the tolerance, where z are all pre-activations of the layer on a batch.
///
/// It needs no knowledge of the activations: the next layer corrects whatever they do to the
/// signal. By default the tolerance is 0.1 and a weight is scaled up to 10 times.
///
/// The paper's Caffe program and the authors' later PyTorch program differ:
///
/// | | Caffe | PyTorch | here |
/// |---|---|---|---|
/// | biases | stay as the network has them | are set to 0 with orthonormal weights | as PyTorch |
/// | mean of a layer | is not changed | each scaling subtracts it from the biases | as Caffe; as PyTorch if [`centred`](Self::centred) |
/// | tolerance | 0.02 of the variance | 0.1 of the standard deviation | as PyTorch |
///
/// The PyTorch program has two mistakes in its counters of layers, which are not followed. It never scales
/// the first layer; and from a layer's second scaling on, it scales the first layer in its place.
///
/// If the present weights are scaled, [without](Self::orthonormal) orthonormal ones, biases keep their
/// values. If a layer's biases alone vary by more than 1, the layer does not reach the tolerance.
///
/// # Example
/// ```
/// use fanin_nn::initialize::Lsuv;
/// use fanin_nn::init::{Initializer, Normal, ParamSpec, TorchRng};
/// use fanin_nn::layers::Relu;
/// use fanin_nn::{Linear, Sequential, Tensor};
///
/// let spec = ParamSpec::weight(20, 20);
/// let x = Normal::new(0.0, 1.0).draw(&spec, &[256, 20], &mut TorchRng::seed(1)).into();
/// let mut model = Sequential::new();
/// for _ in 0..10 {
///     model = model.add(Linear::new(20, 20)).add(Relu);
/// }
/// let report = Lsuv::default().keyed(42).init(&mut model, &x)?;
/// println!("{report}");
/// assert!(report.layers()[9].std_before < 0.2 && report.worst() < 0.1);
/// # Ok::<(), fanin_nn::InitError>(())
/// ```
///
/// # Reference
/// Mishkin & Matas 2015, "All you need is a good init", algorithm 1; `LSUVinit` in LSUV.py of the authors'
/// repository ducha-aiki/LSUV-pytorch, and tools/extra/lsuv_init.py of ducha-aiki/LSUVinit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Lsuv {
    orthonormal: bool,
    centred: bool,
    tolerance: f64,
    max_rounds: usize,
    seed: Option<u64>,
}

impl Default for Lsuv {
    /// The settings of the authors' PyTorch program, not centred: orthonormal weights, a tolerance of 0.1, and 10 rounds.
    fn default() -> Self {
        Self { orthonormal: true, centred: false, tolerance: 0.1, max_rounds: 10, seed: None }
    }
}

impl Lsuv {
    /// Whether to draw new weights by [`Orthogonal`] and to set the biases to 0. If not, the present weights
    /// are scaled.
    #[must_use]
    pub fn orthonormal(self, orthonormal: bool) -> Self {
        Self { orthonormal, ..self }
    }

    /// Whether each scaling of a weight by `1/σ` also subtracts `μ/σ` from the layer's biases, where μ is the
    /// mean of all its pre-activations, as the authors' PyTorch program does. The mean becomes 0 in the
    /// first scaling if the biases were 0. A layer that is within the tolerance from the start is not
    /// centred, there as here.
    #[must_use]
    pub fn centred(self, centred: bool) -> Self {
        Self { centred, ..self }
    }

    /// The largest allowed difference between a standard deviation and 1.
    ///
    /// # Panics
    /// **Panics** unless the tolerance is above 0 and below 1.
    #[must_use]
    #[track_caller]
    pub fn tolerance(self, tolerance: f64) -> Self {
        assert!(
            tolerance > 0.0 && tolerance < 1.0,
            "Lsuv: a tolerance of {tolerance:?} is impossible, it must be above 0 and below 1"
        );
        Self { tolerance, ..self }
    }

    /// The largest number of times a weight is scaled.
    #[must_use]
    pub fn max_rounds(self, max_rounds: usize) -> Self {
        Self { max_rounds, ..self }
    }

    /// Draws each weight from its own generator, as [`InitPlan::keyed`](crate::InitPlan::keyed)
    /// does, instead of the thread's.
    #[must_use]
    pub fn keyed(self, seed: u64) -> Self {
        Self { seed: Some(seed), ..self }
    }

    /// Initializes the linear layers of a model. [`DataInitReport::worst`] tells whether all of
    /// them reached the tolerance.
    ///
    /// # Errors
    /// If the batch does not fit, if a layer's pre-activations are not finite or are all the same,
    /// or if its input is all zeros, for example after a layer of dead units.
    ///
    /// # Panics
    /// **Panics** if the model's `forward` panics or uses no linear layer.
    #[track_caller]
    pub fn init<T: Scalar>(
        &self,
        model: &mut (impl Module<T> + ?Sized),
        x: &Tensor<T>,
    ) -> Result<DataInitReport, InitError> {
        let mut transaction = Transaction::new(model, x)?;
        let before = transaction.probe();
        if self.orthonormal {
            transaction.draw_weights(&before, Orthogonal::default(), self.seed)?;
            for path in before.layers().iter().filter_map(|layer| layer.bias_path.as_ref()) {
                if transaction.may_change(path) {
                    transaction.edit(path, |b| b.fill(T::ZERO));
                }
            }
        }
        let mut probe = transaction.probe();
        let mut rounds = HashMap::new();
        let mut i = 0;
        while let Some(layer) = probe.layers().get(i) {
            let path = layer.weight_path.clone();
            i += 1;
            if rounds.contains_key(&path) || !transaction.may_change(&path) {
                continue;
            }
            if layer.input.as_slice().iter().all(|x| *x == T::ZERO) {
                // Biases may still make the pre-activations differ, but scaling the weights has no
                // effect on them.
                return Err(InitError::Constant { layer: path, unit: None });
            }
            let mut n = 0;
            loop {
                let layer = &probe.layers()[i - 1];
                let Moments { mean, std, .. } = layer_moments(layer)?;
                if (std - 1.0).abs() < self.tolerance || n == self.max_rounds {
                    break;
                }
                let scale = T::from_f64(1.0 / std);
                transaction.edit(&path, |w| w.iter_mut().for_each(|w| *w *= scale));
                if let (true, Some(bias)) = (self.centred, &layer.bias_path)
                    && transaction.may_change(bias)
                {
                    let mean = T::from_f64(mean / std);
                    transaction.edit(bias, |b| b.iter_mut().for_each(|b| *b -= mean));
                }
                probe = transaction.probe();
                n += 1;
            }
            rounds.insert(path, n);
        }
        let report = DataInitReport::new(&before, &transaction, &probe, |path| {
            rounds.get(path).copied().unwrap_or_default()
        })?;
        transaction.keep();
        Ok(report)
    }
}
