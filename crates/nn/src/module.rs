//! [`Module`]: anything with a `forward`; and how its parameters are found.

use std::fmt;

use fanin_init::rand::RngCore;
use fanin_init::{Gain, default_rng};
use fanin_tensor::{Scalar, Tensor};

use crate::init_error::InitError;
use crate::param::Param;
use crate::plan::InitPlan;
use crate::predict::IdleTape;
use crate::tape::Var;

/// A layer, or a whole network.
///
/// `forward` is all that a layer without parameters needs. One that is made of layers or [`Param`]s
/// lists them with [`module!`](crate::module!), or they would not be trained nor saved.
///
/// # Example
/// ```
/// use fanin_nn::{Linear, Module, Tensor, Var, module};
///
/// struct Residual {
///     inner: Linear,
///     outer: Linear,
/// }
///
/// impl Module for Residual {
///     module!(inner, outer);
///
///     fn forward<'t>(&self, x: Var<'t>) -> Var<'t> {
///         x + self.outer.forward(self.inner.forward(x).tanh())
///     }
/// }
///
/// let net = Residual { inner: Linear::new(8, 32), outer: Linear::new(32, 8) };
/// assert_eq!(net.predict(&Tensor::zeros([5, 8])).shape(), [5, 8]);
/// assert_eq!(net.named_params()[0].0, "inner.weight");
/// ```
pub trait Module<T: Scalar = f32>: Send + Sync {
    /// What the layer computes. Whether it is recorded is the tape's business.
    #[track_caller]
    fn forward<'t>(&self, x: Var<'t, T>) -> Var<'t, T>;

    /// Shows every parameter with its path, always in the same order. Written by
    /// [`module!`](crate::module!).
    fn visit<'m>(&'m self, path: &ParamPath<'_>, show: Show<'_, 'm, T>) {
        let _ = (path, show);
    }

    /// [`visit`](Self::visit), to change the parameters.
    fn visit_mut(&mut self, path: &ParamPath<'_>, show: ShowMut<'_, T>) {
        let _ = (path, show);
    }

    /// How many features go in and come out: lets a [`Sequential`](crate::Sequential) refuse layers that do not fit
    /// while it is built.
    fn features(&self) -> Features {
        Features::Unknown
    }

    /// The gain that keeps a signal's second moment through this layer, if it is an activation:
    /// [`Gain::preserving`] of its function.
    fn activation_gain(&self) -> Option<Gain> {
        None
    }

    /// Tells the layer, if its output is that of a linear layer, the gain of the activation that
    /// follows. [`Sequential::add`](crate::Sequential::add) does so.
    fn followed_by(&mut self, activation: Gain) {
        let _ = activation;
    }

    /// How the layer names itself in messages and summaries.
    fn describe(&self) -> String {
        let name = std::any::type_name::<Self>();
        let plain = name.split('<').next().unwrap_or(name);
        plain.rsplit("::").next().unwrap_or(plain).to_owned()
    }

    /// What the module makes of `x`, without recording. Threads may do so at once.
    #[track_caller]
    fn predict(&self, x: &Tensor<T>) -> Tensor<T> {
        let mut tape = IdleTape::take();
        // No closure: a panic in `forward` is to show the line of whoever predicts.
        tape.begin(false);
        let y = self.forward(tape.input(x)).node();
        tape.end(y)
    }

    /// Every parameter with its path, such as `0.weight`.
    fn named_params(&self) -> Vec<(String, &Param<T>)> {
        let mut params = vec![];
        self.visit(&ParamPath::ROOT, &mut |path, p| params.push((path.to_string(), p)));
        params
    }

    /// How many numbers the module has to learn.
    fn num_params(&self) -> usize {
        self.named_params().iter().map(|(_, p)| p.value().len()).sum()
    }

    /// Begins anew: draws parameters by the laws of a plan, from the default generator of this thread
    /// or, if the plan is [keyed](InitPlan::keyed), from generators of its own.
    ///
    /// Numbers are drawn as f32 for every element type. Parameters are drawn in their order, so after
    /// [`manual_seed`](fanin_init::manual_seed) a plan gives what layers built with its laws would have.
    /// An optimizer that has moments of the old parameters should begin anew as well.
    ///
    /// # Errors
    /// If a pattern matches no parameter, or only frozen ones, or a law cannot fill its parameter.
    /// Then nothing has changed, neither the module nor the generator.
    ///
    /// # Example
    /// ```
    /// use fanin_nn::init::{KaimingNormal, manual_seed};
    /// use fanin_nn::{InitPlan, Linear, Module};
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
        // Borrowed draw by draw: a law may itself use the default generator.
        self.init_with(plan, &mut default_rng())
    }

    /// [`init`](Self::init) with another generator, which a keyed plan leaves alone.
    ///
    /// # Errors
    /// Those of [`init`](Self::init).
    fn init_with(&mut self, plan: &InitPlan, rng: &mut dyn RngCore) -> Result<(), InitError> {
        let mut drawn = plan.draw(&self.named_params(), rng)?.into_iter();
        self.visit_mut(&ParamPath::ROOT, &mut |_, param| {
            if let Some(drawn) = drawn.next().flatten() {
                param.begin(drawn.values, drawn.awaits_activation);
            }
        });
        Ok(())
    }
}

/// What [`Module::visit`] shows parameters to.
pub type Show<'a, 'm, T> = &'a mut dyn FnMut(&ParamPath<'_>, &'m Param<T>);
/// What [`Module::visit_mut`] shows parameters to.
pub type ShowMut<'a, T> = &'a mut dyn FnMut(&ParamPath<'_>, &mut Param<T>);

/// Features of a module's input and output, the length of the last axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Features {
    /// Whatever goes in comes out.
    Same,
    /// These.
    Map {
        /// Of the input.
        input: usize,
        /// Of the output.
        output: usize,
    },
    /// The module does not say.
    Unknown,
}

impl Features {
    /// Those of two modules, the second behind the first.
    #[must_use]
    pub fn then(self, next: Self) -> Self {
        match (self, next) {
            (Self::Same, next) => next,
            (this, Self::Same) => this,
            (Self::Map { input, .. }, Self::Map { output, .. }) => Self::Map { input, output },
            _ => Self::Unknown,
        }
    }
}

/// Where a parameter is in a model: prints as `hidden.0.weight`.
pub struct ParamPath<'p> {
    parent: Option<&'p ParamPath<'p>>,
    step: Step<'p>,
}

enum Step<'p> {
    Root,
    Name(&'p str),
    Index(usize),
}

impl ParamPath<'_> {
    /// Where a model begins.
    pub const ROOT: ParamPath<'static> = ParamPath { parent: None, step: Step::Root };

    /// A named part of what is here.
    pub fn name<'p>(&'p self, name: &'p str) -> ParamPath<'p> {
        ParamPath { parent: Some(self), step: Step::Name(name) }
    }

    /// A numbered part of what is here.
    pub fn index(&self, index: usize) -> ParamPath<'_> {
        ParamPath { parent: Some(self), step: Step::Index(index) }
    }
}

impl fmt::Display for ParamPath<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(parent) = self.parent
            && !matches!(parent.step, Step::Root)
        {
            write!(f, "{parent}.")?;
        }
        match self.step {
            Step::Root => Ok(()),
            Step::Name(name) => f.write_str(name),
            Step::Index(index) => write!(f, "{index}"),
        }
    }
}

impl<T: Scalar> Param<T> {
    /// Shows itself: what [`module!`](crate::module!) calls for a field.
    pub fn visit<'m>(&'m self, path: &ParamPath<'_>, show: Show<'_, 'm, T>) {
        show(path, self);
    }

    /// Shows itself, to be changed.
    pub fn visit_mut(&mut self, path: &ParamPath<'_>, show: ShowMut<'_, T>) {
        show(path, self);
    }
}

/// Several parameters as one field of a module: an option or a vector of them.
pub trait ParamList<T: Scalar> {
    /// Shows each.
    fn visit<'m>(&'m self, path: &ParamPath<'_>, show: Show<'_, 'm, T>);
    /// Shows each, to be changed.
    fn visit_mut(&mut self, path: &ParamPath<'_>, show: ShowMut<'_, T>);
}

impl<T: Scalar> ParamList<T> for Option<Param<T>> {
    fn visit<'m>(&'m self, path: &ParamPath<'_>, show: Show<'_, 'm, T>) {
        self.iter().for_each(|p| show(path, p));
    }
    fn visit_mut(&mut self, path: &ParamPath<'_>, show: ShowMut<'_, T>) {
        self.iter_mut().for_each(|p| show(path, p));
    }
}

impl<T: Scalar> ParamList<T> for Vec<Param<T>> {
    fn visit<'m>(&'m self, path: &ParamPath<'_>, show: Show<'_, 'm, T>) {
        self.iter().enumerate().for_each(|(i, p)| show(&path.index(i), p));
    }
    fn visit_mut(&mut self, path: &ParamPath<'_>, show: ShowMut<'_, T>) {
        self.iter_mut().enumerate().for_each(|(i, p)| show(&path.index(i), p));
    }
}

/// Modules one behind the other.
impl<T: Scalar, M: Module<T>> Module<T> for Vec<M> {
    #[track_caller]
    fn forward<'t>(&self, x: Var<'t, T>) -> Var<'t, T> {
        let mut x = x;
        for module in self {
            x = module.forward(x);
        }
        x
    }
    fn visit<'m>(&'m self, path: &ParamPath<'_>, show: Show<'_, 'm, T>) {
        self.iter().enumerate().for_each(|(i, module)| module.visit(&path.index(i), show));
    }
    fn visit_mut(&mut self, path: &ParamPath<'_>, show: ShowMut<'_, T>) {
        self.iter_mut().enumerate().for_each(|(i, module)| module.visit_mut(&path.index(i), show));
    }
    fn features(&self) -> Features {
        self.iter().fold(Features::Same, |before, module| before.then(module.features()))
    }
}

/// A module that may be left away.
impl<T: Scalar, M: Module<T>> Module<T> for Option<M> {
    #[track_caller]
    fn forward<'t>(&self, x: Var<'t, T>) -> Var<'t, T> {
        match self {
            Some(module) => module.forward(x),
            None => x,
        }
    }
    fn visit<'m>(&'m self, path: &ParamPath<'_>, show: Show<'_, 'm, T>) {
        self.iter().for_each(|module| module.visit(path, show));
    }
    fn visit_mut(&mut self, path: &ParamPath<'_>, show: ShowMut<'_, T>) {
        self.iter_mut().for_each(|module| module.visit_mut(path, show));
    }
    fn features(&self) -> Features {
        self.as_ref().map_or(Features::Same, Module::features)
    }
    fn activation_gain(&self) -> Option<Gain> {
        self.as_ref().and_then(Module::activation_gain)
    }
    fn followed_by(&mut self, activation: Gain) {
        if let Some(module) = self {
            module.followed_by(activation);
        }
    }
}

/// Lists the fields of a struct that have parameters, inside its `impl Module`.
///
/// `module!(a, b)` is for `impl Module`, `module!(f64; a, b)` for `impl Module<f64>`, and
/// `module!(T; a, b)` for `impl<T: Scalar> Module<T>`. A field is a module, a [`Param`](crate::Param),
/// or an option or vector of such.
///
/// # Example
/// ```
/// use fanin_nn::{Linear, Module, Param, Tensor, Var, module};
///
/// struct Scaled {
///     scale: Param,
///     layers: Vec<Linear>,
/// }
///
/// impl Module for Scaled {
///     module!(scale, layers);
///
///     fn forward<'t>(&self, x: Var<'t>) -> Var<'t> {
///         let y = self.layers.iter().fold(x, |x, layer| layer.forward(x).relu());
///         y * x.tape().param(&self.scale)
///     }
/// }
///
/// let net = Scaled { scale: Param::new(Tensor::ones(4)), layers: vec![Linear::new(4, 4)] };
/// let names: Vec<String> = net.named_params().into_iter().map(|(name, _)| name).collect();
/// assert_eq!(names, ["scale", "layers.0.weight", "layers.0.bias"]);
/// ```
#[macro_export]
macro_rules! module {
    ($($field:tt),* $(,)?) => {
        $crate::module!(f32; $($field),*);
    };
    ($t:ty; $($field:tt),* $(,)?) => {
        fn visit<'m>(
            &'m self,
            path: &$crate::ParamPath<'_>,
            show: &mut dyn FnMut(&$crate::ParamPath<'_>, &'m $crate::Param<$t>),
        ) {
            #[allow(unused_imports)]
            use $crate::{Module as _, ParamList as _};
            $(self.$field.visit(&path.name(stringify!($field)), show);)*
        }
        fn visit_mut(
            &mut self,
            path: &$crate::ParamPath<'_>,
            show: &mut dyn FnMut(&$crate::ParamPath<'_>, &mut $crate::Param<$t>),
        ) {
            #[allow(unused_imports)]
            use $crate::{Module as _, ParamList as _};
            $(self.$field.visit_mut(&path.name(stringify!($field)), show);)*
        }
    };
}

impl<T: Scalar, M: Module<T> + ?Sized> Module<T> for Box<M> {
    #[track_caller]
    fn forward<'t>(&self, x: Var<'t, T>) -> Var<'t, T> {
        (**self).forward(x)
    }
    fn visit<'m>(&'m self, path: &ParamPath<'_>, show: Show<'_, 'm, T>) {
        (**self).visit(path, show);
    }
    fn visit_mut(&mut self, path: &ParamPath<'_>, show: ShowMut<'_, T>) {
        (**self).visit_mut(path, show);
    }
    fn features(&self) -> Features {
        (**self).features()
    }
    fn activation_gain(&self) -> Option<Gain> {
        (**self).activation_gain()
    }
    fn followed_by(&mut self, activation: Gain) {
        (**self).followed_by(activation);
    }
    fn describe(&self) -> String {
        (**self).describe()
    }
}
