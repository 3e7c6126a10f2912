//! [`InitPlan`]: laws for the parameters of a built model, by name.

mod pattern;
mod serial;

use std::fmt;
use std::sync::Arc;

use fanin_init::presets::Preset;
use fanin_init::rand::RngCore;
use fanin_init::{Initializer, ParamKind, Scheme, TorchRng};
use fanin_tensor::{Scalar, Tensor};

use crate::init_error::InitError;
use crate::param::Param;

/// Which parameters of a model begin by which law.
///
/// An entry is a law and the parameters it is for: those whose path, as
/// [`named_params`](crate::Module::named_params) gives it, matches a pattern, or all weights, or all
/// biases. Where several entries are for one parameter, the last one counts: write the rule first
/// and its exceptions after it. Parameters that no entry is for keep their values, and so do frozen
/// ones, unless an entry has their full name.
///
/// In a pattern `*` stands for any characters, dots and none among them, and `?` for one character.
///
/// [`Module::init`](crate::Module::init) carries a plan out. It draws from one generator, parameter by
/// parameter, as the layers' builders do; or, if the plan is [`keyed`](Self::keyed), from one for each
/// parameter.
///
/// With serde a plan is a list of laws by their names, see [`Scheme`], and the seed:
/// `{"laws": [{"weights": "kaiming_normal"}, {"named": ["2.*", "normal(std=0.01)"]}], "seed": 42}`. One
/// that has a law which is not of `fanin-init` cannot be serialized.
///
/// # Example
/// ```
/// use fanin_nn::init::{KaimingNormal, Normal, Zeros};
/// use fanin_nn::layers::Relu;
/// use fanin_nn::{InitPlan, Linear, Module, Sequential};
///
/// let mut model = Sequential::new().add(Linear::new(784, 128)).add(Relu).add(Linear::new(128, 10));
/// let plan = InitPlan::new()
///     .weights(KaimingNormal::default())
///     .biases(Zeros)
///     .set("2.*", Normal::new(0.0, 0.01))
///     .keyed(42);
/// model.init(&plan)?;
/// # Ok::<(), fanin_nn::InitError>(())
/// ```
#[derive(Clone, Default)]
pub struct InitPlan {
    entries: Vec<Entry>,
    seed: Option<u64>,
}

#[derive(Clone)]
struct Entry {
    whom: Whom,
    law: Arc<dyn Initializer>,
    /// The law by its name, if it has one.
    scheme: Option<Scheme>,
}

#[derive(Clone, Debug, PartialEq)]
enum Whom {
    Named(String),
    Kind(ParamKind),
}

impl InitPlan {
    /// A plan that changes nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// The plan with this law for the parameters whose path matches the pattern, such as `4.weight`,
    /// `encoder.*.bias` or `*`.
    ///
    /// A pattern that matches no parameter of the model is an error of
    /// [`Module::init`](crate::Module::init), and so is one with `*` or `?` that matches frozen
    /// parameters only.
    #[must_use]
    pub fn set(self, pattern: impl Into<String>, law: impl Initializer + 'static) -> Self {
        self.entry(Whom::Named(pattern.into()), law)
    }

    /// The plan with this law for all [weights](ParamKind::Weight), if the model has any.
    #[must_use]
    pub fn weights(self, law: impl Initializer + 'static) -> Self {
        self.entry(Whom::Kind(ParamKind::Weight), law)
    }

    /// The plan with this law for all [biases](ParamKind::Bias), if the model has any.
    #[must_use]
    pub fn biases(self, law: impl Initializer + 'static) -> Self {
        self.entry(Whom::Kind(ParamKind::Bias), law)
    }

    /// The plan with these two laws, for all weights and all biases: how another framework would have
    /// begun the model.
    ///
    /// # Example
    /// ```
    /// use fanin_nn::init::presets;
    /// use fanin_nn::{InitPlan, Linear, Module, Sequential};
    ///
    /// let mut model = Sequential::new().add(Linear::new(784, 10));
    /// model.init(&InitPlan::new().preset(presets::keras()))?;
    /// # assert!(model.named_params()[1].1.value().as_slice().iter().all(|&b| b == 0.0));
    /// # Ok::<(), fanin_nn::InitError>(())
    /// ```
    #[must_use]
    pub fn preset(self, preset: Preset) -> Self {
        self.weights(preset.weight).biases(preset.bias)
    }

    fn entry(mut self, whom: Whom, law: impl Initializer + 'static) -> Self {
        let scheme = Scheme::of(&law);
        self.entries.push(Entry { whom, law: Arc::new(law), scheme });
        self
    }

    /// The plan with a generator for each parameter, [`TorchRng::keyed`] by this seed and its path.
    ///
    /// What a parameter draws then depends on nothing but the seed, its path, law and shape: another
    /// law for one layer, or one more layer, leaves all other parameters as they were, to the bit.
    /// A layer put into the midst of a
    /// [`Sequential`](crate::Sequential) changes the paths of those behind it that have no
    /// [name](crate::Sequential::add_named).
    ///
    /// # Example
    /// ```
    /// use fanin_nn::init::{Normal, Zeros};
    /// use fanin_nn::{InitPlan, Linear, Module, Sequential};
    ///
    /// let plan = InitPlan::new().weights(Normal::new(0.0, 1.0)).keyed(7);
    /// let net = || Sequential::new().add(Linear::new(4, 3)).add(Linear::new(3, 2));
    /// let (mut a, mut b) = (net(), net().add(Linear::new(2, 2)));
    /// a.init(&plan)?;
    /// b.init(&plan.set("0.weight", Zeros))?;
    /// assert_eq!(a.named_params()[2].1.value(), b.named_params()[2].1.value()); // 1.weight
    /// # Ok::<(), fanin_nn::InitError>(())
    /// ```
    #[must_use]
    pub fn keyed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// The new values of these parameters, in their order; none for those that keep theirs.
    pub(crate) fn draw<T: Scalar>(
        &self,
        params: &[(String, &Param<T>)],
        rng: &mut dyn RngCore,
    ) -> Result<Vec<Option<Drawn<T>>>, InitError> {
        // All is checked before any number is drawn: an error leaves the generator alone, too.
        self.check_patterns(params)?;
        let mut laws = vec![];
        for (path, param) in params {
            let law = self.law_of(path, param);
            if let Some(law) = law {
                let spec = param.spec().clone().named(path);
                law.check(&spec, param.value().shape())
                    .map_err(|reason| InitError::Law { path: path.clone(), reason })?;
            }
            laws.push(law);
        }
        let drawn = params.iter().zip(laws).map(|((path, param), law)| {
            let law = law?;
            let spec = param.spec().clone().named(path);
            let mut values = Tensor::<f32>::zeros(param.value().shape());
            match self.seed {
                Some(seed) => law.fill(&spec, &mut TorchRng::keyed(seed, path), values.view_mut()),
                None => law.fill(&spec, rng, values.view_mut()),
            }
            Some(Drawn { values: values.cast(), awaits_activation: law.awaits_activation() })
        });
        Ok(drawn.collect())
    }

    fn check_patterns<T: Scalar>(&self, params: &[(String, &Param<T>)]) -> Result<(), InitError> {
        for Entry { whom, .. } in &self.entries {
            let Whom::Named(pattern) = whom else { continue };
            let mut matched =
                params.iter().filter(|(path, _)| pattern::matches(pattern, path)).peekable();
            if matched.peek().is_none() {
                let names = params.iter().map(|(path, _)| &**path);
                let nearest = pattern::nearest(pattern, names);
                return Err(InitError::Unmatched { pattern: pattern.clone(), nearest });
            }
            if matched.all(|(path, param)| !whom.is_for(path, param)) {
                return Err(InitError::Frozen { pattern: pattern.clone() });
            }
        }
        Ok(())
    }

    fn law_of<T: Scalar>(&self, path: &str, param: &Param<T>) -> Option<&dyn Initializer> {
        let entry = self.entries.iter().rfind(|entry| entry.whom.is_for(path, param))?;
        Some(&*entry.law)
    }
}

/// The new value of a parameter.
pub(crate) struct Drawn<T> {
    pub(crate) values: Tensor<T>,
    /// Whether the law would like to know the activation that follows.
    pub(crate) awaits_activation: bool,
}

impl Whom {
    fn is_for<T: Scalar>(&self, path: &str, param: &Param<T>) -> bool {
        match self {
            Self::Named(name) if !pattern::is_wild(name) => name == path,
            _ if !param.is_trainable() => false,
            Self::Named(pattern) => pattern::matches(pattern, path),
            Self::Kind(kind) => *kind == param.spec().kind,
        }
    }
}

/// As it is built: `InitPlan::new().weights(Zeros).keyed(42)`.
impl fmt::Debug for InitPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("InitPlan::new()")?;
        for Entry { whom, law, .. } in &self.entries {
            match whom {
                Whom::Named(pattern) => write!(f, ".set({pattern:?}, {law:?})")?,
                Whom::Kind(ParamKind::Weight) => write!(f, ".weights({law:?})")?,
                Whom::Kind(_) => write!(f, ".biases({law:?})")?,
            }
        }
        self.seed.map_or(Ok(()), |seed| write!(f, ".keyed({seed})"))
    }
}
