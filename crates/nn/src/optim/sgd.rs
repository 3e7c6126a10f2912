//! [`Sgd`]: steepest descent, with momentum.

use fanin_tensor::map::update;
use fanin_tensor::{Scalar, Tensor};

use super::{Optimizer, States, require};
use crate::module::Module;
use crate::tape::Gradients;

/// Stochastic gradient descent with momentum, Nesterov's variant and weight decay, as PyTorch has it:
///
/// ```text
/// g ← g + decay · p
/// v ← μ v + (1 − dampening) g          (v = g in a parameter's first step)
/// p ← p − lr · v                       (Nesterov: p − lr · (g + μ v))
/// ```
///
/// # Example
/// ```
/// use fanin_nn::Sgd;
/// let sgd = Sgd::new(0.1).momentum(0.9).nesterov().weight_decay(1e-4);
/// ```
///
/// # Reference
/// Polyak 1964; Sutskever et al. 2013, eq. 1–4, for Nesterov's variant.
#[derive(Clone, Debug)]
pub struct Sgd<T: Scalar = f32> {
    lr: f64,
    momentum: f64,
    dampening: f64,
    nesterov: bool,
    weight_decay: f64,
    states: States<Velocity<T>>,
}

/// The velocity of a parameter, which does not exist before its first step, nor without momentum.
type Velocity<T> = Option<Tensor<T>>;

impl Sgd<f32> {
    /// Plain descent with a learning rate per step.
    ///
    /// # Panics
    /// **Panics** if the rate is negative or not finite.
    #[track_caller]
    pub fn new(lr: f64) -> Self {
        Self::with_lr(lr)
    }
}

impl<T: Scalar> Sgd<T> {
    /// [`new`](Sgd::new) for any element type.
    #[track_caller]
    pub fn with_lr(lr: f64) -> Self {
        require("Sgd", "learning rate", lr, 0.0, f64::INFINITY);
        Self {
            lr,
            momentum: 0.0,
            dampening: 0.0,
            nesterov: false,
            weight_decay: 0.0,
            states: States::default(),
        }
    }

    /// μ, in \[0, 1); 0.9 is usual.
    ///
    /// # Panics
    /// **Panics** outside that range.
    #[must_use]
    #[track_caller]
    pub fn momentum(mut self, momentum: f64) -> Self {
        require("Sgd", "momentum", momentum, 0.0, 1.0);
        self.momentum = momentum;
        self
    }

    /// How much less than whole a gradient enters the velocity, in \[0, 1).
    ///
    /// # Panics
    /// **Panics** outside that range.
    #[must_use]
    #[track_caller]
    pub fn dampening(mut self, dampening: f64) -> Self {
        require("Sgd", "dampening", dampening, 0.0, 1.0);
        self.dampening = dampening;
        self
    }

    /// Looks ahead by one velocity. Wants momentum, and no dampening.
    ///
    /// # Panics
    /// **Panics** in the first step if that is not so.
    #[must_use]
    pub fn nesterov(mut self) -> Self {
        self.nesterov = true;
        self
    }

    /// Adds `decay · p` to the gradient of `p`: L2 regularization of `decay / 2 · Σ p²`.
    ///
    /// # Panics
    /// **Panics** if it is negative or not finite.
    #[must_use]
    #[track_caller]
    pub fn weight_decay(mut self, decay: f64) -> Self {
        require("Sgd", "weight decay", decay, 0.0, f64::INFINITY);
        self.weight_decay = decay;
        self
    }
}

impl<T: Scalar> Optimizer<T> for Sgd<T> {
    #[track_caller]
    fn step(&mut self, model: &mut dyn Module<T>, grads: Gradients<'_, T>) {
        assert!(
            !self.nesterov || (self.momentum > 0.0 && self.dampening == 0.0),
            "Sgd: nesterov wants momentum and no dampening"
        );
        let [mu, decay, fresh] =
            [self.momentum, self.weight_decay, 1.0 - self.dampening].map(T::from_f64);
        let (lr, nesterov) = (self.lr, self.nesterov);
        self.states.step(
            model,
            &grads,
            |_| None,
            |velocity, p, g, lr_scale| {
                let lr = T::from_f64(lr * lr_scale);
                if mu == T::ZERO {
                    return update([p], [g], move |[p], [g]| [p - lr * (g + decay * p)]);
                }
                match velocity {
                    None => {
                        let mut v = Tensor::zeros(p.len());
                        update([p, v.as_mut_slice()], [g], move |[p, _], [g]| {
                            let v = g + decay * p;
                            let step = if nesterov { v + mu * v } else { v };
                            [p - lr * step, v]
                        });
                        *velocity = Some(v);
                    }
                    Some(v) => update([p, v.as_mut_slice()], [g], move |[p, v], [g]| {
                        let g = g + decay * p;
                        let v = mu * v + fresh * g;
                        let step = if nesterov { g + mu * v } else { v };
                        [p - lr * step, v]
                    }),
                }
            },
        );
    }

    fn lr(&self) -> f64 {
        self.lr
    }

    #[track_caller]
    fn set_lr(&mut self, lr: f64) {
        require("Sgd", "learning rate", lr, 0.0, f64::INFINITY);
        self.lr = lr;
    }
}
