//! The output bias of a classifier, computed from class frequencies.

use std::collections::BTreeMap;

use fanin_init::LogPrior;
use fanin_tensor::{Scalar, Tensor};

use super::InitError;
use super::InitPlan;
use super::transaction::Transaction;
use crate::module::Module;

/// Sets the bias of the output layer to the logarithms of the class frequencies: `b_c = ln p_c`.
///
/// If the weights give small logits, the first predictions are the frequencies p. The first loss is
/// their entropy `−Σ p ln p` instead of `ln C` or more, and training does not start by learning how
/// often each class occurs. The initializer is [`LogPrior`]; `ClassPrior` finds the parameter to
/// apply it to. It then [protects](crate::Param::set_protected) the bias, so that a later plan for all
/// biases leaves it alone.
///
/// # Example
/// ```
/// use fanin_nn::initialize::ClassPrior;
/// use fanin_nn::layers::Relu;
/// use fanin_nn::{Linear, Parameters, Sequential, Tensor};
///
/// let labels = [0, 0, 0, 0, 0, 0, 1, 2];
/// let mut model = Sequential::new().add(Linear::new(4, 9)).add(Relu).add(Linear::new(9, 3));
/// ClassPrior::from_labels(&labels).init(&mut model, &Tensor::ones([8, 4]))?;
/// let bias = model.named_params()[3].1.value().clone(); // 2.bias
/// assert_eq!(bias.as_slice(), [0.75f64.ln() as f32, 0.125f64.ln() as f32, 0.125f64.ln() as f32]);
/// # Ok::<(), fanin_nn::InitError>(())
/// ```
///
/// # Reference
/// Karpathy 2019, "A recipe for training neural networks", step 2, "init well": he gives the case of two
/// classes, a probability of 0.1 for one in ten; the logarithm of each frequency is the same for softmax.
#[derive(Clone, Debug, PartialEq)]
pub struct ClassPrior {
    counts: BTreeMap<usize, f64>,
    pseudocount: f64,
}

impl ClassPrior {
    /// A prior from the labels of a data set.
    pub fn from_labels(labels: &[usize]) -> Self {
        let mut counts = BTreeMap::new();
        labels.iter().for_each(|&label| *counts.entry(label).or_default() += 1.0);
        Self { counts, pseudocount: 0.0 }
    }

    /// A prior from the number of samples of each class.
    pub fn from_counts(counts: &[usize]) -> Self {
        let counts = counts.iter().map(|&n| n as f64).enumerate().collect();
        Self { counts, pseudocount: 0.0 }
    }

    /// Adds this number to each count, so that a class without samples becomes rare instead of
    /// impossible.
    ///
    /// # Panics
    /// **Panics** unless the number is positive and finite.
    #[must_use]
    #[track_caller]
    pub fn smoothed(self, pseudocount: f64) -> Self {
        assert!(
            pseudocount > 0.0 && pseudocount.is_finite(),
            "ClassPrior: the pseudocount {pseudocount:?} must be positive and finite"
        );
        Self { pseudocount, ..self }
    }

    /// Sets the bias of the linear layer that computes the model's output for the batch x.
    ///
    /// # Errors
    /// If the batch does not fit, if the output is not that of a linear layer with a bias, if the
    /// bias is frozen, if a label is not below the number of outputs, or if a class has no samples.
    ///
    /// # Panics
    /// **Panics** if the model's `forward` panics or uses no linear layer.
    #[track_caller]
    pub fn init<T: Scalar>(
        &self,
        model: &mut (impl Module<T> + ?Sized),
        x: &Tensor<T>,
    ) -> Result<(), InitError> {
        let mut transaction = Transaction::new(model, x)?;
        let probe = transaction.probe();
        // The layer's values must be the model's output. An activation is excluded even if it
        // passes every value of this batch unchanged.
        let last = probe
            .layers()
            .last()
            .filter(|layer| layer.activation.is_none() && layer.pre_activation == *probe.output());
        let Some((bias, values)) =
            last.and_then(|l| Some((l.bias_path.as_ref()?, l.bias.as_ref()?)))
        else {
            return Err(InitError::NoOutputBias);
        };
        let counts = self.counts_of(values.len())?;
        if transaction.is_frozen(bias) {
            return Err(InitError::Frozen { pattern: bias.clone() });
        }
        transaction.model.init(&InitPlan::new().set(bias, LogPrior::new(counts)))?;
        transaction.protect(bias);
        transaction.keep();
        Ok(())
    }

    fn counts_of(&self, classes: usize) -> Result<Vec<f64>, InitError> {
        let refuse = |why| Err(InitError::Labels { why });
        if let Some((label, _)) = self.counts.range(classes..).next() {
            return refuse(format!("label {label} is not below the number of outputs, {classes}"));
        }
        if self.counts.values().sum::<f64>() == 0.0 {
            return refuse("there are no labels".into());
        }
        let counts: Vec<f64> = (0..classes)
            .map(|class| self.counts.get(&class).unwrap_or(&0.0) + self.pseudocount)
            .collect();
        match counts.iter().position(|&n| n == 0.0) {
            Some(class) => refuse(format!(
                "class {class} has no samples, so its bias would be −∞; call smoothed(1.0)"
            )),
            None => Ok(counts),
        }
    }
}
