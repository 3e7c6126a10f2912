//! Fixup: residual networks without normalization.

use ndarray::ArrayViewMutD;
use rand::RngCore;
use serde::{Deserialize, Serialize};

use crate::initializer::{or_panic, require};
use crate::scheme::fields;
use crate::{Fan, Initializer, KaimingNormal, ParamSpec};

/// Kaiming normal times `L^(−1/(2m−2))`: for the layers inside L residual branches of m layers each.
///
/// A step of gradient descent then changes what the network computes by an amount that does not grow
/// with L. It is one of Fixup's three rules; a residual network follows all of them:
///
/// 1. The last layer of every branch, and the classifier, begin with [`Zeros`](crate::Zeros).
/// 2. The other layers of the branches, m − 1 each, have this initializer. Layers outside have the usual
///    [`KaimingNormal`].
/// 3. Every branch ends in a learned factor that begins at 1, and a learned number that begins at 0 is
///    added before each layer and each activation.
///
/// The base divides by `fan_in`, as He's initializer does by default. The authors' code divides by
/// `fan_out`, which is the same for square layers: [`fan`](Self::fan) with [`Fan::Out`](crate::Fan).
/// It also trains the biases and the factors of rule 3 at a tenth of the learning rate of the
/// weights.
///
/// With two layers to a branch the factor is 1/√L. Branches of one layer have no layer to scale:
/// their last layer is zero.
///
/// # Panics
/// `fill` panics when the fan of the base initializer is 0.
///
/// # Example
/// ```
/// use fanin_init::{Fixup, Initializer, ParamSpec, TorchRng};
///
/// // The first of two layers in each of 16 branches: He's standard deviation, divided by 4.
/// let initializer = Fixup::new(16, 2);
/// assert_eq!(initializer.factor(), 0.25);
/// let w = initializer.draw(&ParamSpec::weight(300, 200), &[200, 300], &mut TorchRng::seed(0));
/// assert!((w.std(0.0) - (2f32 / 300.0).sqrt() / 4.0).abs() < 2e-4);
/// ```
///
/// # Reference
/// Zhang, Dauphin & Ma 2019, "Fixup Initialization: Residual Learning Without Normalization", its box
/// "Fixup initialization". The fan and the learning rates are those of the authors' code
/// (github.com/hongyi-zhang/Fixup, commit e57b6c0, `cifar/models/fixup_resnet_cifar.py` and
/// `cifar/cifar_train.py`), whose exponent −1/2 is that of m = 2.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct Fixup {
    base: KaimingNormal,
    branches: usize,
    layers: usize,
}

impl Fixup {
    /// For `branches` residual branches (the paper's L) of `layers` layers each (its m).
    ///
    /// # Panics
    /// When there is no branch, or fewer than two layers to a branch.
    #[track_caller]
    pub fn new(branches: usize, layers: usize) -> Self {
        or_panic(Fixup { base: KaimingNormal::default(), branches, layers }.checked())
    }

    /// The same scaling, with another gain or fan.
    #[must_use]
    pub fn base(self, base: KaimingNormal) -> Self {
        Fixup { base, ..self }
    }

    /// The same scaling, divided by this fan.
    ///
    /// # Example
    /// ```
    /// use fanin_init::{Fan, Fixup, Initializer, ParamSpec, TorchRng};
    ///
    /// // As in the authors' code: √(2/fan_out)/√L.
    /// let authors = Fixup::new(16, 2).fan(Fan::Out);
    /// let w = authors.draw(&ParamSpec::weight(300, 200), &[200, 300], &mut TorchRng::seed(0));
    /// assert!((w.std(0.0) - (2f32 / 200.0).sqrt() / 4.0).abs() < 2e-4);
    /// ```
    #[must_use]
    pub fn fan(self, fan: Fan) -> Self {
        self.base(self.base.fan(fan))
    }

    /// How many layers a branch has: the paper's m.
    pub fn layers(&self) -> usize {
        self.layers
    }

    /// `L^(−1/(2m−2))`, by which the base initializer is multiplied.
    pub fn factor(&self) -> f64 {
        (self.branches as f64).powf(-1.0 / (2.0 * self.layers as f64 - 2.0))
    }

    fn checked(self) -> Result<Self, String> {
        let Fixup { branches, layers, .. } = self;
        if branches == 0 {
            Err("Fixup: a network of 0 residual branches has no weights to scale".into())
        } else if layers < 2 {
            Err(format!(
                "Fixup: of {layers} layers to a branch none is scaled; the last one is Zeros"
            ))
        } else {
            Ok(self)
        }
    }
}

fields!(Fixup { base, branches, layers } checked);

impl Initializer for Fixup {
    fn fill(&self, param: &ParamSpec, rng: &mut dyn RngCore, values: ArrayViewMutD<'_, f32>) {
        require(self, param, values.shape());
        self.base.gain(self.base.gain.get() * self.factor()).fill(param, rng, values);
    }

    fn check(&self, param: &ParamSpec, shape: &[usize]) -> Result<(), String> {
        self.base.fan.check("Fixup", param, shape)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::TorchRng;

    #[test]
    fn the_factor_is_the_papers() {
        assert_eq!(Fixup::new(1, 5).factor(), 1.0);
        assert_eq!(Fixup::new(9, 2).factor(), 1.0 / 3.0);
        assert!((Fixup::new(16, 3).factor() - 0.5).abs() < 1e-15);
    }

    #[test]
    #[should_panic(expected = "Fixup: of 1 layers to a branch none is scaled")]
    fn a_branch_of_one_layer_is_refused() {
        Fixup::new(4, 1);
    }

    #[test]
    #[should_panic(expected = "Fixup: a network of 0 residual branches")]
    fn no_branches_are_refused() {
        Fixup::new(0, 2);
    }

    #[test]
    #[should_panic(expected = "Fixup: fan_in of `weight` is 0")]
    fn no_inputs_are_refused() {
        Fixup::new(4, 2).draw(&ParamSpec::weight(0, 3), &[3], &mut TorchRng::seed(0));
    }

    #[test]
    fn serde_refuses_what_the_code_refuses() {
        let initializer = Fixup::new(7, 2).base(KaimingNormal::default().gain(1.5));
        let text = serde_json::to_string(&initializer).unwrap();
        assert_eq!(serde_json::from_str::<Fixup>(&text).unwrap(), initializer);
        let error = serde_json::from_str::<Fixup>(&text.replace('7', "0")).unwrap_err();
        assert!(error.to_string().contains("0 residual branches"), "{error}");
        let error = serde_json::from_str::<Fixup>(&text.replace("1.5", "-1.5")).unwrap_err();
        assert!(error.to_string().contains("a gain of -1.5 is impossible"), "{error}");
    }
}
