//! [`MuP`]: initialization and learning rates of which the best do not depend on the width.

use fanin_init::rand::RngCore;
use fanin_init::{Gain, Initializer, KaimingNormal, ParamKind, ParamSpec, default_rng};
use fanin_tensor::{Scalar, Tensor, show_shape};

use super::InitError;
use crate::param::Param;
use crate::parameters::Parameters;

/// The maximal update parametrization: with it a wide network learns at the rate that was found best
/// for a narrow one.
///
/// In the usual parametrization, training changes the activations of a layer the more the wider the
/// network is, so that each width has a best learning rate of its own. μP sets the first values of
/// every parameter *and* its [scale of the learning rate](Param::set_lr_scale) so that these changes
/// are of the same size for any width. [`coordinate_check`](crate::diagnose::coordinate_check)
/// shows whether they are.
///
/// A base model, of the same layers and less wide, is what widths are compared with: a fan that differs
/// from the base model's is one that grows with the width. n is `fan_in`, rᵢ = fan_in / base fan_in,
/// rₒ = fan_out / base fan_out, g the gain:
///
/// | parameter | grows | variance | rate of [`Adam`](crate::Adam) × | of [`Sgd`](crate::Sgd) × |
/// |---|---|---|---|---|
/// | input weights | fan_out | g²/n | 1 | rₒ |
/// | hidden weights | both | g²/n | 1/rᵢ | rₒ/rᵢ |
/// | output weights | fan_in | g²/(n·rᵢ) | 1/rᵢ | 1/rᵢ |
/// | biases | | 0 | 1 | rₒ |
/// | scales and shifts of a normalization, embeddings | fan_out | kept | 1 | rₒ |
/// | what does not grow | none | g²/n | 1 | 1 |
///
/// So a model of the base's width is what it is without μP, but for a law of mean 0 and variance g²/n.
/// The gain is that of the activation which follows, where a layer knows it (as in a
/// [`Sequential`](crate::Sequential)), and otherwise 1. Biases begin at 0. Frozen parameters keep their
/// values. With Adam, keep its ε small: gradients shrink as the width grows. The weight decay of
/// [`AdamW`](crate::AdamW) is scaled with the rate.
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

/// What μP makes of one parameter.
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

    /// With this gain for all weights but those of the output, whatever follows them.
    #[must_use]
    #[track_caller]
    pub fn gain(mut self, gain: impl Into<Gain>) -> Self {
        self.gain = Some(gain.into());
        self
    }

    /// With output weights that begin at 0: then the network's output at first has no part that
    /// shrinks with the width.
    ///
    /// # Reference
    /// Yang et al. 2022, section D.2.
    #[must_use]
    pub fn zero_output(mut self) -> Self {
        self.zero_output = true;
        self
    }

    /// Draws the model's parameters from the thread's default generator, in their order, and sets the
    /// scales of their learning rates.
    ///
    /// # Errors
    /// If the model has not the base's parameters, or one whose part in the width cannot be told: a
    /// weight that is no matrix and has another shape than the base's, or one whose shape is not that of
    /// its fans, or with a fan of 0 in the base; or, with [`zero_output`](Self::zero_output), if no
    /// weight has a `fan_in` alone that differs from the base's. Then nothing has changed.
    pub fn init<T: Scalar>(
        &self,
        model: &mut (impl Parameters<T> + ?Sized),
    ) -> Result<(), InitError> {
        self.init_with(model, &mut default_rng())
    }

    /// [`init`](Self::init) with another generator.
    ///
    /// # Errors
    /// Those of [`init`](Self::init).
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

    /// Of each parameter, in their order.
    fn settings<T: Scalar>(
        &self,
        model: &(impl Parameters<T> + ?Sized),
    ) -> Result<Vec<Setting>, InitError> {
        let params = model.named_params();
        if let Some((path, ..)) =
            self.base.iter().find(|(base, ..)| params.iter().all(|(path, _)| path != base))
        {
            return Err(cannot(path, "the base model has it, and the model has not".into()));
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
                "no weight's fan_in alone differs from the base model's, so which one is the \
                 output cannot be told; take a base model of another width"
                    .into(),
            ));
        }
        Ok(settings)
    }

    /// And whether it is an output weight.
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
                // A bias of a single number has the fans of its weight, but does not grow.
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
        format!("it is {shape}, and {base} in the base model, but its fans do not say what grows"),
    )
}
