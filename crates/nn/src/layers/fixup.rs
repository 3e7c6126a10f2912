//! [`FixupBranch`]: the branch of a [`Residual`](super::Residual) in Fixup.

use std::fmt;

use fanin_init::{Fixup, Initializer, Zeros};
use fanin_tensor::{Scalar, Tensor};

use super::Linear;
use crate::Parameters;
use crate::describe::{Describe, Features};
use crate::module::Module;
use crate::param::Param;
use crate::tape::{Scope, Var};

/// A residual branch of linear layers and ReLU that needs no normalization at any depth.
///
/// With two layers it computes `F(x) = s · W₂ (relu(W₁ (x + b₁) + b₂) + b₃)`. Each b is a single
/// number that starts at 0, s is a single number that starts at 1, and all are learned. W₂ starts
/// at zero. The layers before it start with [`Fixup`]: He's initializer times `L^(−1/(2m−2))` for L
/// branches of m layers. The network therefore starts as the identity, and a training step changes
/// its output by as much as a step of a single branch.
///
/// The weights are [protected](crate::Param::set_protected): a plan for all weights leaves them alone,
/// and so do the initializers that look at a batch. The scalars are of the kinds shift and scale, which
/// such plans leave alone too.
///
/// The authors train the b and s at a tenth of the learning rate. This is
/// [`set_lr_scale`](crate::Parameters::set_lr_scale) of `"*.biases.*"` and `"*.scale"`, as in the example.
///
/// # Shapes
/// x and F(x) `(…, features)`; the hidden layers have `(…, hidden)`.
///
/// # Example
/// ```
/// use fanin_nn::layers::{FixupBranch, Residual};
/// use fanin_nn::{Linear, Parameters, Sequential};
///
/// let mut model = Sequential::new().add(Linear::new(784, 64));
/// for _ in 0..50 {
///     model = model.add(Residual::new(FixupBranch::new(64, 128, 50, 2)));
/// }
/// let mut model = model.add(Linear::builder(64, 10).weight(fanin_nn::init::Zeros).build());
/// model.set_lr_scale("*.biases.*", 0.1);
/// model.set_lr_scale("*.scale", 0.1);
/// assert_eq!(model.named_params()[2].0, "1.branch.layers.0.weight");
/// ```
///
/// # Reference
/// Zhang, Dauphin & Ma 2019, "Fixup Initialization", section 3, rules 1 to 3. The tenth of the rate is in
/// cifar/cifar_train.py of the authors' repository, hongyi-zhang/Fixup.
#[derive(Clone, Parameters)]
#[parameters(no_describe)]
pub struct FixupBranch<T: Scalar = f32> {
    layers: Vec<Linear<T>>,
    /// One before each layer, and between two layers one before the activation too.
    biases: Vec<Param<T>>,
    scale: Param<T>,
}

impl FixupBranch {
    /// One branch of a network with `branches` branches of `layers` layers each. Its weights come
    /// from the thread's default generator.
    ///
    /// # Panics
    /// **Panics** if there are no branches, or fewer than two layers.
    #[track_caller]
    pub fn new(features: usize, hidden: usize, branches: usize, layers: usize) -> Self {
        Self::with_fixup(features, hidden, Fixup::new(branches, layers))
    }

    /// One branch, whose weights have this [`Fixup`]: the numbers of branches and layers, and the
    /// initializer that is scaled.
    ///
    /// # Example
    /// The authors' code divides by `fan_out`; the paper speaks of He's initializer, and `new` divides by
    /// `fan_in`. For layers that are not square the two differ:
    /// ```
    /// use fanin_nn::init::{Fan, Fixup, KaimingNormal};
    /// use fanin_nn::layers::FixupBranch;
    ///
    /// let authors = Fixup::new(50, 2).base(KaimingNormal::default().fan(Fan::Out));
    /// let branch = FixupBranch::with_fixup(64, 128, authors);
    /// ```
    ///
    /// # Reference
    /// `FixupResNet.__init__` in cifar/models/fixup_resnet_cifar.py of the authors' repository,
    /// hongyi-zhang/Fixup: the standard deviation is `√(2 / (out·∏k)) · L^(−1/2)`.
    pub fn with_fixup(features: usize, hidden: usize, fixup: Fixup) -> Self {
        let layers = fixup.layers();
        let layer = |inputs, outputs, weight: &dyn Initializer| {
            Linear::builder(inputs, outputs).weight(weight).no_bias().build()
        };
        let mut all = vec![layer(features, hidden, &fixup)];
        all.extend((2..layers).map(|_| layer(hidden, hidden, &fixup)));
        all.push(layer(hidden, features, &Zeros));
        // A plan for all weights would undo what the branch is for.
        all.iter_mut().for_each(|layer| layer.weight_mut().set_protected(true));
        Self {
            layers: all,
            biases: (0..2 * layers - 1).map(|_| Param::shift(Tensor::zeros(1))).collect(),
            scale: Param::scale(Tensor::ones(1)),
        }
    }
}

impl<T: Scalar> FixupBranch<T> {
    /// The same branch with another element type.
    pub fn cast<U: Scalar>(&self) -> FixupBranch<U> {
        FixupBranch {
            layers: self.layers.iter().map(Linear::cast).collect(),
            biases: self.biases.iter().map(Param::cast).collect(),
            scale: self.scale.cast(),
        }
    }
}

impl<T: Scalar> Module<T> for FixupBranch<T> {
    #[track_caller]
    fn forward<'t>(&self, x: Var<'t, T>) -> Var<'t, T> {
        let t = x.tape();
        let (mut y, mut scope) = (x, Scope::new(x));
        for (i, layer) in self.layers.iter().enumerate() {
            if i > 0 {
                y += t.param(&self.biases[2 * i - 1]);
                scope.keep(y);
                y = y.relu();
                scope.keep(y);
            }
            y += t.param(&self.biases[2 * i]);
            scope.keep(y);
            y = layer.forward(y);
            scope.keep(y);
        }
        y * t.param(&self.scale)
    }
}

impl<T: Scalar> Describe for FixupBranch<T> {
    fn features(&self) -> Features {
        self.layers.iter().fold(Features::Same, |before, layer| before.then(layer.features()))
    }

    fn describe(&self) -> String {
        let layers: Vec<_> = self.layers.iter().map(|layer| layer.describe()).collect();
        format!("FixupBranch({})", layers.join(", "))
    }
}

impl<T: Scalar> fmt::Debug for FixupBranch<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.describe())
    }
}
