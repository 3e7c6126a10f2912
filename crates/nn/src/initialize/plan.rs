//! [`InitPlan`]: initializers for the parameters of a built model, selected by name.

mod report;
mod serial;

use std::fmt;
use std::sync::Arc;

use fanin_init::presets::Preset;
use fanin_init::rand::RngCore;
use fanin_init::{Initializer, ParamKind, Scheme, TorchRng};
use fanin_tensor::{Scalar, Tensor};

use super::InitError;
use crate::param::Param;
use crate::pattern;

pub use report::{PlanOutcome, PlanReport, PlanRow};

/// Selects parameters of a model and gives each selection an initializer.
///
/// An entry is an initializer and a selector. A selector is a pattern for paths, as
/// [`named_params`](crate::Parameters::named_params) gives them, or all weights, or all biases. If
/// several entries select a parameter, the last one applies, so write a rule before its exceptions.
/// Parameters that no entry selects keep their values. Some are selected by their full name alone, and
/// neither by their kind nor by a pattern with `*` or `?`:
///
/// - frozen parameters;
/// - [protected](Param::set_protected) ones, which a layer has set on purpose, such as the layers of a
///   [`FixupBranch`](crate::layers::FixupBranch);
/// - scales and shifts: those of normalizations, and the α of residual branches.
///
/// Embeddings are not weights, and buffers are no parameters. If the kind of a parameter is
/// [not stated](Param::new), no plan for all weights or all biases, and no such pattern, can tell whether
/// it means it; this is an error, unless the plan has the full name too. [`report`](Self::report) says
/// what a plan would do.
///
/// In a pattern `*` matches any number of characters, including none and including dots. `?`
/// matches one character.
///
/// [`Parameters::init`](crate::Parameters::init) applies a plan. It draws all parameters in order
/// from one generator, as the layers' builders do. If the plan is [`keyed`](Self::keyed), each
/// parameter has a generator of its own.
///
/// In serde a plan is a list of initializers by name (see [`Scheme`]) and the seed:
/// `{"initializers": [{"weights": "kaiming_normal"}, {"named": ["2.*", "normal(std=0.01)"]}],
/// "seed": 42}`. A plan with an initializer from outside `fanin-init` cannot be serialized.
///
/// # Example
/// ```
/// use fanin_nn::init::{KaimingNormal, Normal, Zeros};
/// use fanin_nn::layers::Relu;
/// use fanin_nn::{InitPlan, Linear, Parameters, Sequential};
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
    selector: Selector,
    initializer: Arc<dyn Initializer>,
    /// The initializer's text form, if it has one.
    scheme: Option<Scheme>,
}

#[derive(Clone, Debug, PartialEq)]
enum Selector {
    Named(String),
    Kind(ParamKind),
}

impl InitPlan {
    /// A plan that changes nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an initializer for the parameters whose path matches the pattern, such as `4.weight`,
    /// `encoder.*.bias` or `*`.
    ///
    /// [`Parameters::init`](crate::Parameters::init) returns an error if a pattern matches no
    /// parameter of the model, or if a pattern with `*` or `?` matches none that it may change.
    #[must_use]
    pub fn set(self, pattern: impl Into<String>, initializer: impl Initializer + 'static) -> Self {
        self.entry(Selector::Named(pattern.into()), initializer)
    }

    /// Adds an initializer for all [weights](ParamKind::Weight), if the model has any.
    #[must_use]
    pub fn weights(self, initializer: impl Initializer + 'static) -> Self {
        self.entry(Selector::Kind(ParamKind::Weight), initializer)
    }

    /// Adds an initializer for all [biases](ParamKind::Bias), if the model has any.
    #[must_use]
    pub fn biases(self, initializer: impl Initializer + 'static) -> Self {
        self.entry(Selector::Kind(ParamKind::Bias), initializer)
    }

    /// Adds the two initializers of a preset, for all weights and for all biases: the defaults of
    /// another framework.
    ///
    /// # Example
    /// ```
    /// use fanin_nn::init::presets;
    /// use fanin_nn::{InitPlan, Linear, Parameters, Sequential};
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

    fn entry(mut self, selector: Selector, initializer: impl Initializer + 'static) -> Self {
        let scheme = Scheme::of(&initializer);
        self.entries.push(Entry { selector, initializer: Arc::new(initializer), scheme });
        self
    }

    /// Gives each parameter its own generator, [`TorchRng::keyed`] by this seed and the parameter's
    /// path.
    ///
    /// The values of a parameter then depend only on the seed and on its path, initializer and
    /// shape. If one layer gets another initializer, or a layer is added, all other parameters keep
    /// their bits. A layer inserted into a [`Sequential`](crate::Sequential) changes the paths of
    /// the layers after it that have no [name](crate::Sequential::add_named).
    ///
    /// # Example
    /// ```
    /// use fanin_nn::init::{Normal, Zeros};
    /// use fanin_nn::{InitPlan, Linear, Parameters, Sequential};
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

    /// The new values of these parameters in order; `None` for a parameter that keeps its value.
    pub(crate) fn draw<T: Scalar>(
        &self,
        params: &[(String, &Param<T>)],
        rng: &mut dyn RngCore,
    ) -> Result<Vec<Option<Drawn<T>>>, InitError> {
        draw(self, params, rng)
    }
}

once! {
    fn draw<'a, T: Scalar>(
        plan: &'a InitPlan,
        params: &'a [(String, &'a Param<T>)],
        rng: &'a mut dyn RngCore,
    ) -> Result<Vec<Option<Drawn<T>>>, InitError> {
        // Check everything before drawing: an error also leaves the generator unchanged.
        let initializers = initializers(plan, params)?;
        let drawn = params.iter().zip(initializers).map(|((path, param), initializer)| {
            let initializer = initializer?;
            let spec = param.spec().clone().named(path);
            let mut values = Tensor::<f32>::zeros(param.value().shape());
            match plan.seed {
                Some(seed) => {
                    initializer.fill(&spec, &mut TorchRng::keyed(seed, path), values.view_mut());
                }
                None => initializer.fill(&spec, rng, values.view_mut()),
            }
            Some(Drawn {
                values: values.cast(),
                awaits_activation: initializer.awaits_activation(),
                initializer: Some(format!("{initializer:?}").into()),
            })
        });
        Ok(drawn.collect())
    }

    /// The initializer of each parameter, if the plan fits the model.
    fn initializers<'a, T: Scalar>(
        plan: &'a InitPlan,
        params: &'a [(String, &'a Param<T>)],
    ) -> Result<Vec<Option<&'a dyn Initializer>>, InitError> {
        plan.check_patterns(params)?;
        let mut initializers = vec![];
        for (path, param) in params {
            let initializer = plan.initializer_of(path, param)?;
            if let Some(initializer) = initializer {
                let spec = param.spec().clone().named(path);
                initializer
                    .check(&spec, param.value().shape())
                    .map_err(|reason| InitError::Initializer { path: path.clone(), reason })?;
            }
            initializers.push(initializer);
        }
        Ok(initializers)
    }
}

impl InitPlan {
    fn check_patterns<T: Scalar>(&self, params: &[(String, &Param<T>)]) -> Result<(), InitError> {
        for Entry { selector, .. } in &self.entries {
            let Selector::Named(pattern) = selector else { continue };
            let mut matched =
                params.iter().filter(|(path, _)| pattern::matches(pattern, path)).peekable();
            if matched.peek().is_none() {
                let names: Vec<_> = params.iter().map(|(path, _)| path.clone()).collect();
                let nearest = pattern::nearest(pattern, &names);
                return Err(InitError::Unmatched { pattern: pattern.clone(), nearest });
            }
            let reasons: Option<Vec<_>> = matched
                .map(|(path, param)| match selector.selects(path, param) {
                    Selects::No => kept(param).map(|kept| (path, kept)),
                    Selects::Yes | Selects::Unclear => None,
                })
                .collect();
            // Some if the pattern would change nothing.
            let Some(reasons) = reasons else { continue };
            let pattern = pattern.clone();
            match reasons.iter().find(|(_, kept)| *kept != Kept::Frozen) {
                None => return Err(InitError::Frozen { pattern }),
                Some((path, kept)) => {
                    let (path, why) = ((*path).clone(), PlanOutcome::from(*kept).to_string());
                    return Err(InitError::Kept { pattern, path, why });
                }
            }
        }
        Ok(())
    }

    fn initializer_of<T: Scalar>(
        &self,
        path: &str,
        param: &Param<T>,
    ) -> Result<Option<&dyn Initializer>, InitError> {
        let mut unclear = false;
        for entry in self.entries.iter().rev() {
            match entry.selector.selects(path, param) {
                Selects::Yes => return Ok(Some(&*entry.initializer)),
                Selects::Unclear => unclear = true,
                Selects::No => {}
            }
        }
        if unclear { Err(InitError::Unstated { path: path.to_owned() }) } else { Ok(None) }
    }
}

/// Why only its full name selects a parameter.
#[derive(Clone, Copy, PartialEq)]
enum Kept {
    Frozen,
    OnPurpose,
    /// A Kaiming initializer for the scale of a normalization would ruin the layer.
    ScaleOrShift,
}

fn kept<T: Scalar>(param: &Param<T>) -> Option<Kept> {
    match param.spec().kind {
        _ if !param.is_trainable() => Some(Kept::Frozen),
        _ if param.is_protected() => Some(Kept::OnPurpose),
        ParamKind::Scale | ParamKind::Shift => Some(Kept::ScaleOrShift),
        _ => None,
    }
}

/// Whether an entry means a parameter.
#[derive(PartialEq)]
enum Selects {
    Yes,
    No,
    /// The kind of the parameter is not stated.
    Unclear,
}

/// The new value of a parameter.
pub(crate) struct Drawn<T> {
    pub(crate) values: Tensor<T>,
    /// Whether the initializer takes its gain from the activation that follows.
    pub(crate) awaits_activation: bool,
    /// The initializer as text.
    pub(crate) initializer: Option<Arc<str>>,
}

impl Selector {
    fn selects<T: Scalar>(&self, path: &str, param: &Param<T>) -> Selects {
        let unstated = param.spec().kind == ParamKind::Unstated;
        let selects = match self {
            Self::Named(name) if !pattern::is_wild(name) => name == path,
            _ if kept(param).is_some() => false,
            Self::Named(pattern) if unstated && pattern::matches(pattern, path) => {
                return Selects::Unclear;
            }
            Self::Kind(_) if unstated => return Selects::Unclear,
            Self::Named(pattern) => pattern::matches(pattern, path),
            Self::Kind(kind) => *kind == param.spec().kind,
        };
        if selects { Selects::Yes } else { Selects::No }
    }
}

/// The text is the code that builds the plan: `InitPlan::new().weights(Zeros).keyed(42)`.
impl fmt::Debug for InitPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("InitPlan::new()")?;
        for Entry { selector, initializer, .. } in &self.entries {
            match selector {
                Selector::Named(pattern) => write!(f, ".set({pattern:?}, {initializer:?})")?,
                Selector::Kind(ParamKind::Weight) => write!(f, ".weights({initializer:?})")?,
                Selector::Kind(_) => write!(f, ".biases({initializer:?})")?,
            }
        }
        self.seed.map_or(Ok(()), |seed| write!(f, ".keyed({seed})"))
    }
}
