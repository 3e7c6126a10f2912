//! [`MuP`]: initial values and learning rates whose best values do not depend on the width.

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
/// | parameter | grows | variance | rate of [`Adam`](crate::Adam) × | of [`Sgd`](crate::Sgd) × |
/// |---|---|---|---|---|
/// | input weights | fan_out | g²/n | 1 | rₒ |
/// | hidden weights | both | g²/n | 1/rᵢ | rₒ/rᵢ |
/// | output weights | fan_in | g²/(n·rᵢ) | 1/rᵢ | 1/rᵢ |
/// | biases | | 0 | 1 | rₒ |
/// | scales and shifts of a normalization, embeddings | fan_out | kept | 1 | rₒ |
/// | parameters that do not grow | none | g²/n | 1 | 1 |
///
/// A model of the base's width is therefore the same as without μP, with normal weights of mean 0
/// and variance g²/n. The gain is that of the activation that follows, if the layer knows it (as in
/// a [`Sequential`](crate::Sequential)), and otherwise 1. Biases start at 0. Frozen parameters keep
/// their values. Keep Adam's ε small, because gradients shrink as the width grows. The weight decay
/// of [`AdamW`](crate::AdamW) scales with the rate.
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
/// are chosen so that μP and the usual parametrization agree at the base's width (section 4).
#[derive(Clone, Debug)]
pub struct MuP {
    rates: Rates,
    base: Vec<(String, Vec<usize>, ParamSpec)>,
    gain: Option<Gain>,
    zero_output: bool,
}

#[derive(Clone, Copy, Debug)]
enum Rates {
    Adam,
    Sgd,
}

/// The change that μP makes to one parameter.
struct Setting {
    draw: Draw,
    lr_scale: f32,
}

enum Draw {
    Keep,
    Zeros,
    Normal { gain: Gain },
}

impl MuP {
    /// For [`Adam`](crate::Adam) and [`AdamW`](crate::AdamW), with widths relative to this model's.
    pub fn adam<T: Scalar>(base: &(impl Parameters<T> + ?Sized)) -> Self {
        Self::new(Rates::Adam, base)
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
        Self { rates, base: params, gain: None, zero_output: false }
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

    /// Draws the model's parameters in order from the thread's default generator and sets the
    /// scales of their learning rates.
    ///
    /// # Errors
    /// If the parameters of the model and its base differ, or if the growth of a parameter cannot
    /// be told: a weight that is not a matrix and differs in shape from the base's, a weight whose
    /// shape does not fit its fans, or a fan of 0 in the base. With
    /// [`zero_output`](Self::zero_output), also if no weight differs from the base in its `fan_in`
    /// alone. The model stays unchanged in this case.
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
            let Some(Setting { draw, lr_scale }) = settings.next() else { return };
            p.set_lr_scale(lr_scale);
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
        let (mut settings, mut outputs) = (vec![], 0);
        for (path, p) in params {
            let Some((_, shape, spec)) = self.base.iter().find(|(base, ..)| *base == path) else {
                return Err(cannot(&path, "the base model has no such parameter".into()));
            };
            let (setting, output) = self.setting(&path, p, shape, spec)?;
            settings.push(setting);
            outputs += usize::from(output);
        }
        if self.zero_output && outputs == 0 {
            return Err(cannot(
                "MuP::zero_output",
                "no weight differs from the base model in its fan_in alone, so the output weight \
                 is unknown; take a base model of another width"
                    .into(),
            ));
        }
        Ok(settings)
    }

    /// The setting of a parameter, and whether it is an output weight.
    fn setting<T: Scalar>(
        &self,
        path: &str,
        p: &Param<T>,
        base_shape: &[usize],
        base: &ParamSpec,
    ) -> Result<(Setting, bool), InitError> {
        let (spec, shape) = (p.spec(), p.value().shape());
        let keep = |draw| if p.is_trainable() { draw } else { Draw::Keep };
        if base.fan_in == 0 || base.fan_out == 0 {
            return Err(cannot(path, "it has a fan of 0 in the base model".into()));
        }
        let (rate_in, rate_out) =
            (ratio(spec.fan_in, base.fan_in), ratio(spec.fan_out, base.fan_out));
        match spec.kind {
            ParamKind::Weight if shape.len() >= 2 => {
                KaimingNormal::default()
                    .check(spec, shape)
                    .map_err(|reason| cannot(path, reason))?;
                if shape != base_shape && rate_in == 1.0 && rate_out == 1.0 {
                    return Err(unclear(path, shape, base_shape));
                }
                let output = rate_in != 1.0 && rate_out == 1.0;
                let lr_scale = match self.rates {
                    Rates::Adam => 1.0 / rate_in,
                    Rates::Sgd => rate_out / rate_in,
                };
                let follows = spec.activation.map_or(1.0, Gain::get);
                let draw = if output && self.zero_output {
                    Draw::Zeros
                } else if output {
                    Draw::Normal { gain: Gain::from(follows / rate_in.sqrt()) }
                } else {
                    Draw::Normal { gain: self.gain.unwrap_or(Gain::from(follows)) }
                };
                Ok((Setting { draw: keep(draw), lr_scale: lr_scale as f32 }, output))
            }
            ParamKind::Bias => {
                // A bias of a single number has the fans of its weight, but its size does not grow.
                let grown = if shape == base_shape { 1.0 } else { rate_out };
                let lr_scale = match self.rates {
                    Rates::Adam => 1.0,
                    Rates::Sgd => grown,
                };
                Ok((Setting { draw: keep(Draw::Zeros), lr_scale: lr_scale as f32 }, false))
            }
            ParamKind::Scale | ParamKind::Shift | ParamKind::Embedding => {
                let lr_scale = match self.rates {
                    Rates::Adam => 1.0,
                    Rates::Sgd => rate_out,
                };
                Ok((Setting { draw: Draw::Keep, lr_scale: lr_scale as f32 }, false))
            }
            _ if shape == base_shape => Ok((Setting { draw: Draw::Keep, lr_scale: 1.0 }, false)),
            _ => Err(unclear(path, shape, base_shape)),
        }
    }
}

fn ratio(fan: usize, base: usize) -> f64 {
    fan as f64 / base as f64
}

fn cannot(path: &str, reason: String) -> InitError {
    InitError::MuP { path: path.into(), reason }
}

fn unclear(path: &str, shape: &[usize], base: &[usize]) -> InitError {
    let (shape, base) = (show_shape(shape), show_shape(base));
    cannot(
        path,
        format!(
            "it is {shape} here and {base} in the base model, but its fans do not say what grows"
        ),
    )
}
