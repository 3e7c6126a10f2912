//! [`MuP`]: initial values and learning rates whose best values do not depend on the width.

use std::collections::HashMap;

use fanin_init::rand::RngCore;
use fanin_init::{Gain, Initializer, KaimingNormal, ParamKind, ParamSpec, default_rng};
use fanin_tensor::{Scalar, Tensor, show_shape};

use super::InitError;
use crate::param::Param;
use crate::parameters::Parameters;

/// The maximal update parametrization: a wide network learns best at the learning rate that is best
/// for a narrow one.
///
/// In the usual parametrization a training step changes the activations of a layer more in a wider
/// network, so that each width has its own best learning rate. μP sets the initial values of every
/// parameter *and* its [scale of the learning rate](Param::set_lr_scale) so that these changes have
/// the same size at any width. [`coordinate_check`](crate::diagnose::coordinate_check) measures
/// whether they do.
///
/// Widths are relative to a base model, which has the same layers and is narrower. A fan grows if
/// it differs from the base model's. n is `fan_in`, rᵢ = fan_in / base fan_in, rₒ = fan_out / base
/// fan_out, and g is the gain:
///
/// | parameter | grows | variance | rate of [`Adam`](crate::Adam), [`AdamW`](crate::AdamW) × | of [`Sgd`](crate::Sgd) × |
/// |---|---|---|---|---|
/// | input weights | fan_out | g²/n | √c | c·rₒ |
/// | hidden weights | both | g²/n | 1/rᵢ | rₒ/rᵢ |
/// | output weights | fan_in | a²g²/(n·rᵢ) | a/rᵢ | a²/rᵢ |
/// | biases | | 0 | 1 | rₒ |
/// | scales and shifts of a normalization, embeddings | fan_out | kept | 1 | rₒ |
/// | parameters that do not grow | none | g²/n | 1 | 1 |
///
/// a is [`output_mult`](Self::output_mult) and c is [`input_mult`](Self::input_mult), both 1 by default. A
/// model of the base's width is then the same as without μP, with normal weights of mean 0 and variance
/// g²/n. The gain is that of the activation that follows, if the layer knows it (as in a
/// [`Sequential`](crate::Sequential)), and otherwise 1. Biases start at 0. Frozen and
/// [protected](Param::set_protected) parameters keep their values. Keep Adam's ε small, because gradients
/// shrink as the width grows.
///
/// # Weight decay
/// A step of decay removes the same part of a parameter at every width: the
/// [scale of the decay](Param::set_decay_scale) is 1 over that of the rate. So rates transfer with decay
/// too. [`Adam`](crate::Adam) has its decay in the gradient, where a rate does not scale it. There the
/// scale is 1/c for input weights, rᵢ for hidden and (rᵢ/a)² for output weights, as mup's `MuAdam` has it;
/// the authors recommend [`AdamW`](crate::AdamW), whose decay is apart from the gradient.
///
/// # Example
/// ```
/// use fanin_nn::layers::Relu;
/// use fanin_nn::{Linear, MuP, Parameters, Sequential};
///
/// let net = |width| {
///     Sequential::new()
///         .add(Linear::new(784, width))
///         .add(Relu)
///         .add(Linear::new(width, width))
///         .add(Relu)
///         .add(Linear::new(width, 10))
/// };
/// let mut wide = net(1024);
/// MuP::adam(&net(64)).init(&mut wide)?;          // and then Adam::new(the rate that was best at 64)
///
/// let rates: Vec<f32> = wide.named_params().iter().map(|(_, p)| p.lr_scale()).collect();
/// assert_eq!(rates, [1.0, 1.0, 1.0 / 16.0, 1.0, 1.0 / 16.0, 1.0]);
/// # Ok::<(), fanin_nn::InitError>(())
/// ```
///
/// # Reference
/// Yang & Hu 2021, "Tensor Programs IV"; Yang et al. 2022, "Tensor Programs V", table 3, whose constants
/// are chosen so that μP and the usual parametrization agree at the base's width (section 4). Decay and
/// multipliers are those of the authors' package mup 1.0.0 (`MuAdam`, `MuSGD` and `MuReadout`) and of
/// examples/MLP/main.py in microsoft/mup.
#[derive(Clone, Debug)]
pub struct MuP {
    rates: Rates,
    base: Vec<(String, Vec<usize>, ParamSpec)>,
    gain: Option<Gain>,
    zero_output: bool,
    spectral: bool,
    output_mult: f64,
    input_mult: f64,
    /// The fans of a model of another width, which say what grows.
    delta: Option<Vec<(String, [usize; 2])>>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Rates {
    Adam,
    AdamW,
    Sgd,
}

/// The change that μP makes to one parameter.
struct Setting {
    draw: Draw,
    lr_scale: f32,
    decay_scale: f32,
    role: Role,
}

#[derive(Clone, Copy, PartialEq)]
enum Role {
    Input,
    Output,
    Other,
}

enum Draw {
    Keep,
    Zeros,
    Normal { gain: Gain },
}

impl MuP {
    /// For [`Adam`](crate::Adam) and optimizers like it, such as [`RmsProp`](crate::optim::RmsProp), with
    /// widths relative to this model's. Without weight decay it is [`adamw`](Self::adamw).
    pub fn adam<T: Scalar>(base: &(impl Parameters<T> + ?Sized)) -> Self {
        Self::new(Rates::Adam, base)
    }

    /// For [`AdamW`](crate::AdamW), with widths relative to this model's.
    ///
    /// # Example
    /// ```
    /// use fanin_nn::{AdamW, Linear, MuP, Parameters, Sequential};
    ///
    /// let net = |width| {
    ///     let hidden = Linear::new(width, width);
    ///     Sequential::new().add(Linear::new(8, width)).add(hidden).add(Linear::new(width, 2))
    /// };
    /// let mut wide = net(256);
    /// MuP::adamw(&net(64)).init(&mut wide)?;
    /// let hidden = wide.param("1.weight");
    /// assert_eq!((hidden.lr_scale(), hidden.decay_scale()), (0.25, 4.0));
    /// let adamw = AdamW::new(1e-3).weight_decay(0.1);      // a step removes 1e-4 of each parameter
    /// # Ok::<(), fanin_nn::InitError>(())
    /// ```
    pub fn adamw<T: Scalar>(base: &(impl Parameters<T> + ?Sized)) -> Self {
        Self::new(Rates::AdamW, base)
    }

    /// For [`Sgd`](crate::Sgd), with widths relative to this model's.
    pub fn sgd<T: Scalar>(base: &(impl Parameters<T> + ?Sized)) -> Self {
        Self::new(Rates::Sgd, base)
    }

    fn new<T: Scalar>(rates: Rates, base: &(impl Parameters<T> + ?Sized)) -> Self {
        let mut params = vec![];
        base.visit_params(&mut |path, p| {
            params.push((path.to_string(), p.value().shape().to_vec(), p.spec().clone()));
        });
        Self {
            rates,
            base: params,
            gain: None,
            zero_output: false,
            spectral: false,
            output_mult: 1.0,
            input_mult: 1.0,
            delta: None,
        }
    }

    /// Says which fans grow by a second model of another width: those that differ between the two. Without
    /// it, those grow that differ between the model and its base; at the base's own width none do, and then
    /// nobody can tell which weights are the output's.
    ///
    /// # Example
    /// One loop over widths, the base's among them, with an output that starts at 0:
    /// ```
    /// use fanin_nn::layers::Relu;
    /// use fanin_nn::{Linear, MuP, Parameters, Sequential};
    ///
    /// let net = |width| {
    ///     Sequential::new().add(Linear::new(8, width)).add(Relu).add(Linear::new(width, 2))
    /// };
    /// let mup = MuP::adam(&net(64)).delta(&net(128)).zero_output();
    /// for width in [64, 256, 1024] {
    ///     let mut model = net(width);
    ///     mup.init(&mut model)?;
    ///     assert!(model.param("2.weight").value().as_slice().iter().all(|&w| w == 0.0));
    /// }
    /// # Ok::<(), fanin_nn::InitError>(())
    /// ```
    ///
    /// # Reference
    /// The `delta` of `set_base_shapes` in mup 1.0.0.
    #[must_use]
    pub fn delta<T: Scalar>(mut self, delta: &(impl Parameters<T> + ?Sized)) -> Self {
        let mut fans = vec![];
        delta.visit_params(&mut |path, p| {
            fans.push((path.to_string(), [p.spec().fan_in, p.spec().fan_out]));
        });
        self.delta = Some(fans);
        self
    }

    /// Multiplies the output weights by a, in their first values and in all that they learn: 1 by default.
    /// It is tuned at the base's width like a learning rate. The authors' perceptrons use 32.
    ///
    /// There is no multiplier in the network's forward pass. As it acts on weights alone, it is the same to
    /// multiply the standard deviation by a and the rate by a for Adam, by a² for gradient descent.
    ///
    /// # Panics
    /// **Panics** unless the multiplier is positive and finite.
    ///
    /// # Reference
    /// `MuReadout(output_mult)` in mup 1.0.0.
    #[must_use]
    #[track_caller]
    pub fn output_mult(self, output_mult: f64) -> Self {
        require_multiplier("output_mult", output_mult);
        Self { output_mult, ..self }
    }

    /// Multiplies what the input weights learn: 1 by default. It is tuned at the base's width like a
    /// learning rate. The authors' perceptrons use 2⁻⁸ for ReLU and gradient descent.
    ///
    /// There, weights that are divided by √c when they are drawn are multiplied by √c in the forward pass.
    /// So the first values do not depend on c. The rate is multiplied by √c for Adam, by c for gradient
    /// descent.
    ///
    /// # Panics
    /// **Panics** unless the multiplier is positive and finite.
    ///
    /// # Reference
    /// `input_mult` in examples/MLP/main.py of microsoft/mup.
    #[must_use]
    #[track_caller]
    pub fn input_mult(self, input_mult: f64) -> Self {
        require_multiplier("input_mult", input_mult);
        Self { input_mult, ..self }
    }

    /// Uses this gain for all weights except those of the output, whatever activation follows.
    #[must_use]
    #[track_caller]
    pub fn gain(mut self, gain: impl Into<Gain>) -> Self {
        self.gain = Some(gain.into());
        self
    }

    /// Starts the output weights at 0. The network's first output then has no part that shrinks
    /// with the width.
    ///
    /// # Reference
    /// Yang et al. 2022, section D.2.
    #[must_use]
    pub fn zero_output(mut self) -> Self {
        self.zero_output = true;
        self
    }

    /// Draws weights by the spectral condition: variance `g²/n · min(1, m/n)`, where n is `fan_in` and m is
    /// `fan_out`. The spectral norm of a matrix is then between once and twice
    /// `g·√(m/n)`, at any width.
    ///
    /// These variances do not depend on the base. They grow with the width as the others do, but at the base's
    /// width a layer with fewer outputs than inputs begins smaller than in the usual parametrization. The
    /// scales of the rates are the same: `rₒ/rᵢ` for gradient descent is the paper's `m/n` over the base's.
    ///
    /// # Reference
    /// Yang, Simon & Bernstein 2023, "A Spectral Condition for Feature Learning", parametrization 1. Of the paper
    /// the abstract was read; the formula is as in `GPT._init_weights` of nanochat/gpt.py in
    /// karpathy/nanochat, which cites it.
    #[must_use]
    pub fn spectral(self) -> Self {
        Self { spectral: true, ..self }
    }

    /// Draws the model's parameters in order from the thread's default generator and sets the
    /// scales of their learning rates and weight decays.
    ///
    /// # Errors
    /// If the parameters of the model, its base or its delta differ, or if the growth of a parameter cannot
    /// be told: one whose shape grows otherwise than its fans, a weight that is not a matrix and differs in
    /// shape from the base's, a fan of 0 in the base, or a fan that differs from the base's although the
    /// delta says that it does not grow. With [`zero_output`](Self::zero_output) or a multiplier, also if no
    /// weight grows in its `fan_in` alone, or in its `fan_out` alone for the input. The model stays
    /// unchanged in this case.
    pub fn init<T: Scalar>(
        &self,
        model: &mut (impl Parameters<T> + ?Sized),
    ) -> Result<(), InitError> {
        self.init_with(model, &mut default_rng())
    }

    /// Like [`init`](Self::init), with the given generator.
    ///
    /// # Errors
    /// The errors of [`init`](Self::init).
    pub fn init_with<T: Scalar>(
        &self,
        model: &mut (impl Parameters<T> + ?Sized),
        rng: &mut dyn RngCore,
    ) -> Result<(), InitError> {
        let mut settings = self.settings(model)?.into_iter();
        model.visit_params_mut(&mut |_, p| {
            let Some(Setting { draw, lr_scale, decay_scale, .. }) = settings.next() else { return };
            p.set_lr_scale(lr_scale);
            p.set_decay_scale(decay_scale);
            match draw {
                Draw::Keep => {}
                Draw::Zeros => p.value_mut().as_mut_slice().fill(T::ZERO),
                Draw::Normal { gain } => {
                    let mut values = Tensor::<f32>::zeros(p.value().shape());
                    KaimingNormal::default().gain(gain).fill(p.spec(), rng, values.view_mut());
                    *p.value_mut() = values.cast();
                }
            }
        });
        Ok(())
    }

    /// The settings of all parameters, in order.
    fn settings<T: Scalar>(
        &self,
        model: &(impl Parameters<T> + ?Sized),
    ) -> Result<Vec<Setting>, InitError> {
        let params = model.named_params();
        if let Some((path, ..)) =
            self.base.iter().find(|(base, ..)| params.iter().all(|(path, _)| path != base))
        {
            return Err(cannot(
                path,
                "the base model has this parameter, but the model does not".into(),
            ));
        }
        let mut settings = vec![];
        let base: HashMap<&str, _> =
            self.base.iter().map(|(path, shape, spec)| (&**path, (shape, spec))).collect();
        for (path, p) in params {
            let Some(&(shape, spec)) = base.get(&*path) else {
                return Err(cannot(&path, "the base model has no such parameter".into()));
            };
            settings.push(self.setting(&path, p, shape, spec)?);
        }
        let unknown = |role, fan: &str, what: &str| {
            if settings.iter().any(|setting| setting.role == role) {
                return Ok(());
            }
            let widths = match self.delta {
                Some(_) => "take a delta model of another width",
                None => "take a base model of another width, or say by MuP::delta what grows",
            };
            Err(cannot(
                what,
                format!(
                    "no weight differs from the base model in its {fan} alone, so the {} weight is \
                     unknown; {widths}",
                    if role == Role::Output { "output" } else { "input" }
                ),
            ))
        };
        if self.zero_output {
            unknown(Role::Output, "fan_in", "MuP::zero_output")?;
        }
        if self.output_mult != 1.0 {
            unknown(Role::Output, "fan_in", "MuP::output_mult")?;
        }
        if self.input_mult != 1.0 {
            unknown(Role::Input, "fan_out", "MuP::input_mult")?;
        }
        Ok(settings)
    }

    /// Whether `fan_in` and `fan_out` of a parameter grow.
    fn grows(
        &self,
        path: &str,
        spec: &ParamSpec,
        base: &ParamSpec,
    ) -> Result<[bool; 2], InitError> {
        let (fans, base) = ([spec.fan_in, spec.fan_out], [base.fan_in, base.fan_out]);
        let differs = |other: [usize; 2]| [0, 1].map(|i| other[i] != base[i]);
        let Some(delta) = &self.delta else { return Ok(differs(fans)) };
        let Some((_, delta)) = delta.iter().find(|(delta, _)| delta == path) else {
            return Err(cannot(path, "the delta model has no such parameter".into()));
        };
        let grows = differs(*delta);
        for (i, fan) in ["fan_in", "fan_out"].into_iter().enumerate() {
            if !grows[i] && fans[i] != base[i] {
                return Err(cannot(
                    path,
                    format!(
                        "{fan} is {} here and {} in the base model, but the delta model says that it \
                         does not grow",
                        fans[i], base[i]
                    ),
                ));
            }
        }
        Ok(grows)
    }

    /// The setting of a parameter.
    fn setting<T: Scalar>(
        &self,
        path: &str,
        p: &Param<T>,
        base_shape: &[usize],
        base: &ParamSpec,
    ) -> Result<Setting, InitError> {
        let (spec, shape) = (p.spec(), p.value().shape());
        if spec.kind == ParamKind::Unstated {
            return match shape == base_shape {
                true => Ok(self.scaled(1.0, 1.0, Draw::Keep, Role::Other)),
                false => Err(unclear(path, shape, base_shape, true)),
            };
        }
        for (spec, place) in [(base, " in the base model"), (spec, "")] {
            if spec.fan_in == 0 || spec.fan_out == 0 {
                return Err(cannot(path, format!("it has a fan of 0{place}")));
            }
        }
        let grows = self.grows(path, spec, base)?;
        let (rate_in, rate_out) =
            (ratio(spec.fan_in, base.fan_in), ratio(spec.fan_out, base.fan_out));
        let as_its_fans = match spec.kind {
            ParamKind::Weight => {
                KaimingNormal::default()
                    .check(spec, shape)
                    .map_err(|reason| cannot(path, reason))?;
                let grown = shape == base_shape || rate_in != 1.0 || rate_out != 1.0;
                shape.len() >= 2 && grown && same(growth(shape, base_shape), rate_in * rate_out)
            }
            // More ids make an embedding longer, and no vector longer.
            ParamKind::Embedding => {
                let features = |shape: &[usize]| shape.last().copied().unwrap_or(1);
                same(ratio(features(shape), features(base_shape)), rate_out)
            }
            _ => same(growth(shape, base_shape), rate_out),
        };
        // A bias of a single number has the fans of its weight, but its size does not grow.
        let vector = spec.kind == ParamKind::Bias || shape.len() < 2;
        let stays = shape == base_shape && (vector || (rate_in == 1.0 && rate_out == 1.0));
        if !as_its_fans && !stays {
            return Err(unclear(path, shape, base_shape, false));
        }
        let rate_of_vector = match self.rates {
            Rates::Sgd if as_its_fans => rate_out,
            _ => 1.0,
        };
        let role = match (spec.kind, grows) {
            (ParamKind::Weight, [false, true]) => Role::Input,
            (ParamKind::Weight, [true, false]) => Role::Output,
            _ => Role::Other,
        };
        let follows = spec.activation.map_or(1.0, Gain::get);
        let spectral = ratio(spec.fan_out, spec.fan_in).sqrt().min(1.0);
        let (multiplier, draw) = match (spec.kind, role) {
            (ParamKind::Weight, _) if !as_its_fans => (1.0, Draw::Keep),
            (ParamKind::Weight, Role::Output) if self.zero_output => {
                (self.output_mult / rate_in, Draw::Zeros)
            }
            (ParamKind::Weight, Role::Output) => {
                let shrink = if self.spectral { spectral } else { 1.0 / rate_in.sqrt() };
                let gain = Gain::from(follows * self.output_mult * shrink);
                (self.output_mult / rate_in, Draw::Normal { gain })
            }
            (ParamKind::Weight, role) => {
                let multiplier = if role == Role::Input { self.input_mult.sqrt() } else { 1.0 };
                let gain = self.gain.map_or(follows, Gain::get);
                let shrink = if self.spectral { spectral } else { 1.0 };
                (multiplier, Draw::Normal { gain: Gain::from(gain * shrink) })
            }
            (ParamKind::Bias, _) => (1.0, Draw::Zeros),
            _ => (1.0, Draw::Keep),
        };
        // The rate without the multiplier, as in mup.
        let rate = match (spec.kind, role, self.rates) {
            (ParamKind::Weight, _, _) if !as_its_fans => 1.0,
            (ParamKind::Weight, Role::Input, Rates::Sgd) => rate_out,
            (ParamKind::Weight, Role::Output, Rates::Sgd) => rate_in,
            (ParamKind::Weight, Role::Other, Rates::Sgd) => rate_out / rate_in,
            (ParamKind::Weight, Role::Other, _) => 1.0 / rate_in,
            (ParamKind::Weight, ..) => 1.0,
            _ => rate_of_vector,
        };
        let keeps = !p.is_trainable() || p.is_protected();
        Ok(self.scaled(rate, multiplier, if keeps { Draw::Keep } else { draw }, role))
    }

    /// The setting of a parameter that is the product of a multiplier and of what learns at a rate.
    ///
    /// For the product, a gradient step is multiplier² times as large, and one of Adam multiplier times.
    /// Decay of what learns is 1 / rate, so that rate · decay is 1.
    fn scaled(&self, rate: f64, multiplier: f64, draw: Draw, role: Role) -> Setting {
        let (lr_scale, decay_scale) = match self.rates {
            Rates::Sgd => (rate * multiplier.powi(2), 1.0 / (rate * multiplier.powi(2))),
            Rates::AdamW => (rate * multiplier, 1.0 / (rate * multiplier)),
            // The gradient of the product is 1/multiplier of the other one, and so is what learns.
            Rates::Adam => (rate * multiplier, 1.0 / (rate * multiplier.powi(2))),
        };
        Setting { draw, lr_scale: lr_scale as f32, decay_scale: decay_scale as f32, role }
    }
}

/// How many times as many elements a shape has.
fn growth(shape: &[usize], base: &[usize]) -> f64 {
    ratio(shape.iter().product(), base.iter().product())
}

/// Equal up to rounding.
fn same(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-9 * b.abs()
}

#[track_caller]
fn require_multiplier(name: &str, multiplier: f64) {
    assert!(
        multiplier > 0.0 && multiplier.is_finite(),
        "MuP: {name} of {multiplier:?} must be positive and finite"
    );
}

fn ratio(fan: usize, base: usize) -> f64 {
    fan as f64 / base as f64
}

fn cannot(path: &str, reason: String) -> InitError {
    InitError::MuP { path: path.into(), reason }
}

fn unclear(path: &str, shape: &[usize], base: &[usize], unstated: bool) -> InitError {
    let (shape, base) = (show_shape(shape), show_shape(base));
    let hint = match unstated {
        true => "; state them by Param::weight, Param::bias, Param::scale or Param::shift",
        false => "",
    };
    cannot(
        path,
        format!(
            "it is {shape} here and {base} in the base model, but its fans do not say what \
             grows{hint}"
        ),
    )
}
