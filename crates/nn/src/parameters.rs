//! [`Parameters`]: what training changes in a model, and how it is found.

mod by_path;
mod containers;
mod path;

use fanin_init::default_rng;
use fanin_init::rand::RngCore;
use fanin_tensor::Scalar;

use crate::buffer::Buffer;
use crate::initialize::{InitError, InitPlan};
use crate::param::Param;

pub use path::ParamPath;

/// Anything that has parameters: a layer, a network, two networks in a struct, a [`Param`].
///
/// Optimizers, model files, initialization plans and reports need nothing else, so a layer of two
/// inputs, of integer ids or of two outputs is a struct that derives `Parameters` and has any method
/// it likes. One that maps a [`Var`](crate::Var) to a `Var` is a [`Module`](crate::Module) too.
///
/// # Deriving it
/// `#[derive(Parameters)]` shows all fields of a struct, or of an enum's variants: a field that was
/// forgotten would be neither trained nor saved. A field is a layer, a [`Param`], a [`Buffer`], another
/// struct that derives `Parameters`, or an `Option`, `Vec`, array or `Box` of such. A parameter's path
/// consists of the field names, and of indices in a `Vec` or array: `hidden.0.weight`.
///
/// - `#[parameters(skip)]` on a field leaves it out; any other field that has no parameters is a
///   compile error.
/// - The element type is the type parameter with the bound [`Scalar`], and `f32` where there is none;
///   `#[parameters(f64)]` on the struct makes it `f64`.
/// - The derive also implements [`Describe`](crate::Describe) with its defaults;
///   `#[parameters(no_describe)]` on the struct leaves that to a hand-written `impl`.
///
/// # Example
/// ```
/// use fanin_nn::{Linear, Param, Parameters, Tensor, Var};
///
/// /// `y = scale · (a·W₁ᵀ) + b·W₂ᵀ`: a layer of two inputs.
/// #[derive(Parameters)]
/// struct Merge {
///     left: Linear,
///     right: Linear,
///     scale: Param,
///     #[parameters(skip)]
///     calls: usize,
/// }
///
/// impl Merge {
///     fn forward<'t>(&self, a: Var<'t>, b: Var<'t>) -> Var<'t> {
///         a.tape().param(&self.scale) * self.left.forward(a) + self.right.forward(b)
///     }
/// }
/// # use fanin_nn::Module;
///
/// let scale = Param::scale(Tensor::ones(4));
/// let merge = Merge { left: Linear::new(8, 4), right: Linear::new(2, 4), scale, calls: 0 };
/// let names: Vec<String> = merge.named_params().into_iter().map(|(name, _)| name).collect();
/// assert_eq!(names, ["left.weight", "left.bias", "right.weight", "right.bias", "scale"]);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no parameters with elements of type `{T}`",
    label = "not a layer, a `Param`, a `Buffer`, or an `Option`, `Vec` or array of such",
    note = "mark a field without parameters with `#[parameters(skip)]`, or derive `Parameters` for \
            its type; `#[parameters(f64)]` on the struct makes the element type f64"
)]
pub trait Parameters<T: Scalar = f32> {
    /// Shows every parameter and buffer with its path, always in the same order. Written by the
    /// derive.
    fn visit<'m>(&'m self, path: &ParamPath<'_>, visitor: &mut dyn Visitor<'m, T>) {
        let _ = (path, visitor);
    }

    /// [`visit`](Self::visit), to change them.
    fn visit_mut<'m>(&'m mut self, path: &ParamPath<'_>, visitor: &mut dyn VisitorMut<'m, T>) {
        let _ = (path, visitor);
    }

    /// What a file needs to build the model anew, if that is possible: the JSON text of a
    /// [`NetworkSpec`](crate::layers::NetworkSpec). A [`Sequential`](crate::Sequential) has one; a struct of
    /// your own is built by its own program.
    fn architecture(&self) -> Option<String> {
        None
    }

    /// Calls `f` with every parameter and its path.
    #[doc(alias("parameters"))]
    fn visit_params<'m>(&'m self, f: &mut dyn FnMut(&ParamPath<'_>, &'m Param<T>)) {
        by_path::each(f, &mut |visitor| self.visit(&ParamPath::ROOT, visitor));
    }

    /// Calls `f` with every parameter and its path, to change it.
    fn visit_params_mut<'m>(&'m mut self, f: &mut dyn FnMut(&ParamPath<'_>, &'m mut Param<T>)) {
        let mut this = Some(self);
        by_path::each_mut(f, &mut |visitor| {
            this.take().expect("one visit").visit_mut(&ParamPath::ROOT, visitor);
        });
    }

    /// Every parameter with its path, such as `0.weight`.
    #[doc(alias("state_dict", "named_parameters"))]
    fn named_params(&self) -> Vec<(String, &Param<T>)> {
        by_path::params(&mut |visitor| self.visit(&ParamPath::ROOT, visitor))
    }

    /// Every parameter with its path, to change it.
    fn named_params_mut(&mut self) -> Vec<(String, &mut Param<T>)> {
        let mut this = Some(self);
        by_path::params_mut(&mut |visitor| {
            this.take().expect("one visit").visit_mut(&ParamPath::ROOT, visitor);
        })
    }

    /// Every buffer with its path, such as `1.running_mean`.
    fn named_buffers(&self) -> Vec<(String, &Buffer<T>)> {
        by_path::buffers(&mut |visitor| self.visit(&ParamPath::ROOT, visitor))
    }

    /// How many numbers there are to learn. Buffers do not count.
    fn num_params(&self) -> usize {
        by_path::count(&self.named_params())
    }

    /// The parameter with this path.
    ///
    /// # Panics
    /// **Panics** if there is none, with the paths that are most like it.
    ///
    /// # Example
    /// ```
    /// use fanin_nn::{Linear, Parameters, Sequential};
    /// let model = Sequential::new().add(Linear::new(784, 10));
    /// assert_eq!(model.param("0.weight").value().shape(), [10, 784]);
    /// ```
    #[track_caller]
    fn param(&self, path: &str) -> &Param<T> {
        by_path::find(self.named_params(), path)
    }

    /// The parameter with this path, to be changed.
    ///
    /// # Panics
    /// **Panics** if there is none, with the paths that are most like it.
    #[track_caller]
    fn param_mut(&mut self, path: &str) -> &mut Param<T> {
        by_path::find_mut(self.named_params_mut(), path)
    }

    /// Freezes the parameters whose path matches the pattern, or lets them be trained again. In a
    /// pattern `*` stands for any characters, dots among them, and `?` for one.
    ///
    /// # Panics
    /// **Panics** if no parameter matches, with the paths that are most like the pattern.
    ///
    /// # Example
    /// ```
    /// use fanin_nn::{Linear, Parameters, Sequential};
    /// let mut model = Sequential::new().add_named("encoder", Linear::new(8, 4)).add(Linear::new(4, 2));
    /// model.set_trainable("encoder.*", false);
    /// let trained = model.named_params().iter().filter(|(_, p)| p.is_trainable()).count();
    /// assert_eq!(trained, 2);
    /// ```
    #[doc(alias("requires_grad", "freeze"))]
    #[track_caller]
    fn set_trainable(&mut self, pattern: &str, trainable: bool) {
        let params = self.named_params_mut();
        for param in by_path::matching("set_trainable", params, pattern) {
            param.set_trainable(trainable);
        }
    }

    /// Lets the parameters whose path matches the pattern learn at the optimizer's rate times `scale`:
    /// [`Param::set_lr_scale`] for each of them.
    ///
    /// # Panics
    /// **Panics** if no parameter matches, or the scale is negative or not finite.
    #[track_caller]
    fn set_lr_scale(&mut self, pattern: &str, scale: f32) {
        let params = self.named_params_mut();
        for param in by_path::matching("set_lr_scale", params, pattern) {
            param.set_lr_scale(scale);
        }
    }

    /// Multiplies the optimizer's weight decay by `scale` for the parameters whose path matches the pattern:
    /// [`Param::set_decay_scale`] for each of them.
    ///
    /// # Panics
    /// **Panics** if no parameter matches, or the scale is negative or not finite.
    #[doc(alias("weight_decay", "no_decay"))]
    #[track_caller]
    fn set_decay_scale(&mut self, pattern: &str, scale: f32) {
        let params = self.named_params_mut();
        for param in by_path::matching("set_decay_scale", params, pattern) {
            param.set_decay_scale(scale);
        }
    }

    /// States that the parameters whose path matches the pattern were set on purpose, so that plans for
    /// many parameters leave them alone, or takes that back: [`Param::set_protected`] for each of them.
    ///
    /// # Panics
    /// **Panics** if no parameter matches.
    #[track_caller]
    fn set_protected(&mut self, pattern: &str, protected: bool) {
        let params = self.named_params_mut();
        for param in by_path::matching("set_protected", params, pattern) {
            param.set_protected(protected);
        }
    }

    /// Gives every parameter and buffer the value that `other` has under the same path: how a target
    /// network begins.
    ///
    /// # Panics
    /// **Panics** if the two have not the same paths and shapes.
    ///
    /// # Example
    /// ```
    /// use fanin_nn::{Linear, Parameters, Sequential};
    /// let online = Sequential::new().add(Linear::new(4, 2));
    /// let mut target = Sequential::new().add(Linear::new(4, 2));
    /// target.copy_from(&online);
    /// assert_eq!(target.param("0.weight").value(), online.param("0.weight").value());
    /// ```
    #[track_caller]
    fn copy_from(&mut self, other: &dyn Parameters<T>) {
        let own = by_path::shapes(&mut |visitor| self.visit(&ParamPath::ROOT, visitor));
        by_path::require_same("copy_from", own, other);
        let mut this = Some(self);
        by_path::soft_update(other, 1.0, &mut |visitor| {
            this.take().expect("one visit").visit_mut(&ParamPath::ROOT, visitor);
        });
    }

    /// `p ← p + τ (q − p)` for every parameter p and the parameter q that `other` has under the same
    /// path. Buffers are copied.
    ///
    /// With a τ of 0.005 a target network follows the trained one slowly (Lillicrap et al. 2015,
    /// algorithm 1); `1 − τ` is the decay of an exponential moving average of weights.
    ///
    /// # Panics
    /// **Panics** if τ is outside \[0, 1\], or the two have not the same paths and shapes.
    #[doc(alias("lerp", "polyak", "ema"))]
    #[track_caller]
    fn soft_update(&mut self, other: &dyn Parameters<T>, tau: f64) {
        assert!((0.0..=1.0).contains(&tau), "soft_update: τ is {tau}, and must be in [0, 1]");
        let own = by_path::shapes(&mut |visitor| self.visit(&ParamPath::ROOT, visitor));
        by_path::require_same("soft_update", own, other);
        let mut this = Some(self);
        by_path::soft_update(other, tau, &mut |visitor| {
            this.take().expect("one visit").visit_mut(&ParamPath::ROOT, visitor);
        });
    }

    /// Initializes the parameters by a plan, from the default generator of this thread or, if the plan
    /// is [keyed](InitPlan::keyed), from a generator for each parameter.
    ///
    /// Numbers are drawn as `f32` for every element type. Parameters are drawn in their order, so after
    /// [`manual_seed`](fanin_init::manual_seed) a plan gives what layers built with its initializers
    /// would have. An optimizer that has moments of the old parameters should be made anew as well.
    ///
    /// # Errors
    /// If a pattern matches no parameter, or only frozen ones, or an initializer cannot fill its
    /// parameter. Then neither the model nor the generator has changed.
    ///
    /// # Example
    /// ```
    /// use fanin_nn::init::{KaimingNormal, manual_seed};
    /// use fanin_nn::{InitPlan, Linear, Parameters};
    ///
    /// let mut layer = Linear::new(784, 128);
    /// manual_seed(1);
    /// layer.init(&InitPlan::new().weights(KaimingNormal::default()))?;
    /// manual_seed(1);
    /// let built = Linear::builder(784, 128).weight(KaimingNormal::default()).build();
    /// assert_eq!(layer.weight(), built.weight());
    /// # Ok::<(), fanin_nn::InitError>(())
    /// ```
    fn init(&mut self, plan: &InitPlan) -> Result<(), InitError> {
        // The default generator is borrowed for each draw: an initializer may use it too.
        self.init_with(plan, &mut default_rng())
    }

    /// [`init`](Self::init) with another generator, which a keyed plan does not use.
    ///
    /// # Errors
    /// Those of [`init`](Self::init).
    fn init_with(&mut self, plan: &InitPlan, rng: &mut dyn RngCore) -> Result<(), InitError> {
        let drawn = plan.draw(&self.named_params(), rng)?;
        let mut this = Some(self);
        by_path::begin(drawn, &mut |visitor| {
            this.take().expect("one visit").visit_mut(&ParamPath::ROOT, visitor);
        });
        Ok(())
    }
}

/// What [`Parameters::visit`] shows parameters and buffers to.
pub trait Visitor<'m, T: Scalar = f32> {
    /// Is called for every parameter.
    fn param(&mut self, path: &ParamPath<'_>, param: &'m Param<T>);
    /// Is called for every buffer.
    fn buffer(&mut self, path: &ParamPath<'_>, buffer: &'m Buffer<T>) {
        let _ = (path, buffer);
    }
}

/// What [`Parameters::visit_mut`] shows parameters and buffers to.
pub trait VisitorMut<'m, T: Scalar = f32> {
    /// Is called for every parameter.
    fn param(&mut self, path: &ParamPath<'_>, param: &'m mut Param<T>);
    /// Is called for every buffer.
    fn buffer(&mut self, path: &ParamPath<'_>, buffer: &'m mut Buffer<T>) {
        let _ = (path, buffer);
    }
}
