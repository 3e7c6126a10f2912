//! [`Residual`]: `y = x + α F(x)`.

use std::fmt;

use fanin_init::ParamSpec;
use fanin_tensor::{Scalar, Tensor};

use super::cast::cast_layer;
use super::layer::Layer;
use crate::describe::{Describe, Features};
use crate::layers::{AlphaSpec, LayerSpec, NetworkSpec, ResidualSpec};
use crate::module::Module;
use crate::param::Param;
use crate::parameters::{ParamPath, Parameters, Visitor, VisitorMut};
use crate::tape::{Scope, Var};

/// Adds a branch to its own input: `y = x + α F(x)`.
///
/// [`new`](Self::new) sets α = 1. Each branch that keeps the signal's second moment then doubles
/// the second moment of the sum, so that after 50 branches it is 2⁵⁰ times as large. Three remedies
/// exist:
///
/// | | α | source |
/// |---|---|---|
/// | [`scaled`](Self::scaled) | fixed: with 1/√L the signal grows by a factor of e at most | Hayou et al. 2021 |
/// | [`rezero`](Self::rezero), [`skip_init`](Self::skip_init) | learned, from 0: the network starts as the identity | cited there |
/// | [`FixupBranch`](super::FixupBranch) | 1, after a last layer that starts at zero | Zhang et al. 2019 |
///
/// # Shapes
/// x, F(x) and y have the same shape.
///
/// # Example
/// ```
/// use fanin_nn::layers::{Relu, Residual};
/// use fanin_nn::{Linear, Module, Parameters, Sequential, Tensor};
///
/// let branch = || Sequential::new().add(Linear::new(8, 32)).add(Relu).add(Linear::new(32, 8));
/// let model = Sequential::new().add(Residual::new(branch()).rezero()).add(Residual::new(branch()));
/// assert_eq!(model.named_params()[4].0, "0.alpha");
/// assert_eq!(model.named_params()[5].0, "1.branch.0.weight");
///
/// let x = Tensor::ones([4, 8]);
/// assert_eq!(Residual::new(branch()).rezero().predict(&x), x);
/// ```
///
/// # Reference
/// He et al. 2015, "Deep Residual Learning for Image Recognition", eq. 1.
#[doc(alias("ResNet", "skip connection"))]
#[derive(Clone)]
pub struct Residual<T: Scalar = f32> {
    branch: Box<dyn Layer<T>>,
    alpha: Alpha<T>,
}

#[derive(Clone)]
enum Alpha<T: Scalar> {
    One,
    Fixed(f64),
    Learned(Param<T>),
}

impl<T: Scalar> Residual<T> {
    /// `x + F(x)`.
    ///
    /// # Panics
    /// **Panics** if the branch gives a different number of features than it takes.
    #[track_caller]
    pub fn new(branch: impl Module<T> + Clone + 'static) -> Self {
        if let Features::Map { input, output } = branch.features()
            && input != output
        {
            panic!(
                "Residual: {} takes {input} features and gives {output}, which cannot be added",
                branch.describe()
            );
        }
        Self { branch: Box::new(branch), alpha: Alpha::One }
    }

    /// `x + α F(x)` with a fixed α.
    ///
    /// # Panics
    /// **Panics** if α is not finite.
    ///
    /// # Example
    /// ```
    /// use fanin_nn::Linear;
    /// use fanin_nn::layers::Residual;
    ///
    /// // One of 50 branches.
    /// let layer = Residual::new(Linear::new(8, 8)).scaled(1.0 / 50f64.sqrt());
    /// ```
    ///
    /// # Reference
    /// Hayou et al. 2021, "Stable ResNet", for 1/√L.
    #[must_use]
    #[track_caller]
    pub fn scaled(self, alpha: f64) -> Self {
        assert!(alpha.is_finite(), "Residual: a factor of {alpha} is not finite");
        Self { alpha: Alpha::Fixed(alpha), ..self }
    }

    /// `x + α F(x)` with a learned α that starts at `alpha`. It is a parameter named `alpha`.
    ///
    /// # Panics
    /// **Panics** if α is not finite.
    #[must_use]
    #[track_caller]
    pub fn learned(self, alpha: f64) -> Self {
        assert!(alpha.is_finite(), "Residual: a factor of {alpha} is not finite");
        let value = Tensor::full(1, T::from_f64(alpha));
        let alpha = Param::with_spec(value, ParamSpec::scale().named("alpha"));
        Self { alpha: Alpha::Learned(alpha), ..self }
    }

    /// ReZero: a [learned](Self::learned) α that starts at 0.
    ///
    /// The network starts as the identity, and at first only the α have gradients. The paper puts
    /// no layer after the sum and each activation inside a branch. The signal can therefore pass
    /// any number of layers unchanged.
    ///
    /// # Reference
    /// Bachlechner et al. 2020, "ReZero is All You Need", eq. 1.
    #[must_use]
    pub fn rezero(self) -> Self {
        self.learned(0.0)
    }

    /// SkipInit: a [learned](Self::learned) α that starts at 0. The layer is the same as
    /// [`rezero`](Self::rezero)'s.
    ///
    /// The papers differ in the network around it. SkipInit replaces batch normalization. α stands
    /// at the end of a branch that starts with an activation, layers have biases and He's
    /// initializer, and the authors recommend stronger regularization. They show that any initial
    /// value up to 1/√L works for L branches, which is `learned(1.0 / (L as f64).sqrt())`. Their
    /// default is 0.
    ///
    /// # Reference
    /// De & Smith 2020, "Batch Normalization Biases Residual Blocks Towards the Identity Function in Deep
    /// Networks", section 4.
    #[must_use]
    pub fn skip_init(self) -> Self {
        self.learned(0.0)
    }

    /// The current factor.
    pub fn alpha(&self) -> f64 {
        match &self.alpha {
            Alpha::One => 1.0,
            Alpha::Fixed(alpha) => *alpha,
            Alpha::Learned(alpha) => alpha.value().as_slice()[0].to_f64(),
        }
    }

    /// The factor, if it is learned. It can be changed or frozen.
    pub fn alpha_mut(&mut self) -> Option<&mut Param<T>> {
        match &mut self.alpha {
            Alpha::Learned(alpha) => Some(alpha),
            _ => None,
        }
    }

    /// The branch F.
    pub fn branch(&self) -> &dyn Layer<T> {
        &*self.branch
    }

    /// The same layer with another element type.
    ///
    /// # Panics
    /// **Panics** if the branch is not a layer of this crate.
    #[track_caller]
    pub fn cast<U: Scalar>(&self) -> Residual<U> {
        let Some(branch) = cast_layer(&*self.branch) else {
            panic!("Residual: {} is of another crate and cannot be cast", self.branch.describe())
        };
        let alpha = match &self.alpha {
            Alpha::One => Alpha::One,
            Alpha::Fixed(alpha) => Alpha::Fixed(*alpha),
            Alpha::Learned(alpha) => Alpha::Learned(alpha.cast()),
        };
        Residual { branch, alpha }
    }
}

impl<T: Scalar> Module<T> for Residual<T> {
    #[track_caller]
    fn forward<'t>(&self, x: Var<'t, T>) -> Var<'t, T> {
        // Checked here as well, because #[track_caller] has no effect through `dyn`.
        if let Features::Map { input, .. } = self.branch.features()
            && x.with_shape(|shape| shape.last() != Some(&input))
        {
            panic!("Residual: input {} does not fit {}", x.shape(), self.branch.describe());
        }
        let mut scope = Scope::new(x);
        let z = self.branch.forward(x);
        scope.keep(z);
        // Broadcasting would hide a wrong shape.
        if x.with_shape(|x| z.with_shape(|z| x != z)) {
            panic!(
                "Residual: the branch turned {} into {}, which cannot be added",
                x.shape(),
                z.shape()
            );
        }
        match &self.alpha {
            Alpha::One => x + z,
            Alpha::Fixed(alpha) => x + z * T::from_f64(*alpha),
            Alpha::Learned(alpha) => x.add_scaled(x.tape().param(alpha), z),
        }
    }
}

impl<T: Scalar> Parameters<T> for Residual<T> {
    fn visit<'m>(&'m self, path: &ParamPath<'_>, visitor: &mut dyn Visitor<'m, T>) {
        self.branch.visit(&path.name("branch"), visitor);
        if let Alpha::Learned(alpha) = &self.alpha {
            visitor.param(&path.name("alpha"), alpha);
        }
    }

    fn visit_mut<'m>(&'m mut self, path: &ParamPath<'_>, visitor: &mut dyn VisitorMut<'m, T>) {
        self.branch.visit_mut(&path.name("branch"), visitor);
        if let Alpha::Learned(alpha) = &mut self.alpha {
            visitor.param(&path.name("alpha"), alpha);
        }
    }
}

impl<T: Scalar> Residual<T> {
    pub(in crate::layers) fn spec(&self) -> Option<LayerSpec> {
        let branch = NetworkSpec::of_branch(&*self.branch)?.layers;
        let alpha = match &self.alpha {
            Alpha::One => AlphaSpec::One,
            Alpha::Fixed(alpha) => AlphaSpec::Scaled(*alpha),
            // The file has the value among its parameters.
            Alpha::Learned(_) => AlphaSpec::Learned(0.0),
        };
        Some(LayerSpec::Residual(ResidualSpec { branch, alpha }))
    }
}

impl<T: Scalar> Describe for Residual<T> {
    fn features(&self) -> Features {
        self.branch.features()
    }

    fn describe(&self) -> String {
        let branch = self.branch.describe();
        match &self.alpha {
            Alpha::One => format!("Residual({branch})"),
            Alpha::Fixed(alpha) => format!("Residual({branch}, α = {alpha})"),
            Alpha::Learned(_) => format!("Residual({branch}, α learned)"),
        }
    }
}

impl<T: Scalar> fmt::Debug for Residual<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.describe())
    }
}
