//! [`Adam`], and [`AdamW`] with its weight decay apart from the gradient.

use fanin_tensor::map::update;
use fanin_tensor::{Scalar, Tensor};

use super::{Optimizer, States, require};
use crate::module::Module;
use crate::tape::Gradients;

/// Adam, as PyTorch has it; t is the number of the step, from 1:
///
/// ```text
/// g ← g + decay · p
/// m ← β₁ m + (1 − β₁) g
/// v ← β₂ v + (1 − β₂) g²
/// p ← p − lr · (m / (1 − β₁ᵗ)) / (√(v / (1 − β₂ᵗ)) + ε)
/// ```
///
/// # Example
/// ```
/// use fanin_nn::Adam;
/// let adam = Adam::new(1e-3).betas(0.9, 0.99);
/// ```
///
/// # Reference
/// Kingma and Ba 2014, algorithm 1.
#[derive(Clone, Debug)]
pub struct Adam<T: Scalar = f32> {
    rule: Rule<T>,
}

/// [`Adam`] with decoupled weight decay: `p ← p − lr · decay · p` before the step, in place of the
/// decay in the gradient.
///
/// # Example
/// ```
/// use fanin_nn::AdamW;
/// let adamw = AdamW::new(1e-3).weight_decay(0.1);      // the default is 0.01, as in PyTorch
/// ```
///
/// # Reference
/// Loshchilov and Hutter 2017, algorithm 2.
#[derive(Clone, Debug)]
pub struct AdamW<T: Scalar = f32> {
    rule: Rule<T>,
}

#[derive(Clone, Debug)]
struct Rule<T: Scalar> {
    lr: f64,
    beta1: f64,
    beta2: f64,
    epsilon: f64,
    weight_decay: f64,
    states: States<Moments<T>>,
}

#[derive(Clone, Debug)]
struct Moments<T: Scalar> {
    m: Tensor<T>,
    v: Tensor<T>,
    /// Steps of this parameter so far.
    steps: i32,
}

impl<T: Scalar> Rule<T> {
    #[track_caller]
    fn new(name: &str, lr: f64, weight_decay: f64) -> Self {
        require(name, "learning rate", lr, 0.0, f64::INFINITY);
        Self {
            lr,
            beta1: 0.9,
            beta2: 0.999,
            epsilon: 1e-8,
            weight_decay,
            states: States::default(),
        }
    }

    #[track_caller]
    fn step(&mut self, decoupled: bool, model: &mut dyn Module<T>, grads: &Gradients<'_, T>) {
        let &mut Self { lr, beta1, beta2, epsilon, weight_decay, ref mut states } = self;
        let new = |p: &Tensor<T>| Moments {
            m: Tensor::zeros(p.shape()),
            v: Tensor::zeros(p.shape()),
            steps: 0,
        };
        states.step(model, grads, new, |Moments { m, v, steps }, p, g, lr_scale| {
            *steps += 1;
            let lr = lr * lr_scale;
            let corrected1 = 1.0 - beta1.powi(*steps);
            let corrected2 = (1.0 - beta2.powi(*steps)).sqrt();
            let (shrink, decay) =
                if decoupled { (1.0 - lr * weight_decay, 0.0) } else { (1.0, weight_decay) };
            let [fresh1, beta2, fresh2, rate, root, epsilon, shrink, decay] = [
                1.0 - beta1,
                beta2,
                1.0 - beta2,
                lr / corrected1,
                1.0 / corrected2,
                epsilon,
                shrink,
                decay,
            ]
            .map(T::from_f64);
            update([p, m.as_mut_slice(), v.as_mut_slice()], [g], move |[p, m, v], [g]| {
                let p = p * shrink;
                let g = g + decay * p;
                let m = m + fresh1 * (g - m);
                let v = beta2 * v + fresh2 * g * g;
                [p - rate * m / (v.sqrt() * root + epsilon), m, v]
            });
        });
    }
}

macro_rules! adam {
    ($name:ident, $decoupled:literal, $decay:literal) => {
        impl $name<f32> {
            /// With a learning rate per step (1e-3 is usual), β₁ = 0.9, β₂ = 0.999, ε = 1e-8.
            ///
            /// # Panics
            /// **Panics** if the rate is negative or not finite.
            #[track_caller]
            pub fn new(lr: f64) -> Self {
                Self::with_lr(lr)
            }
        }

        impl<T: Scalar> $name<T> {
            /// `new` for any element type.
            #[track_caller]
            pub fn with_lr(lr: f64) -> Self {
                Self { rule: Rule::new(stringify!($name), lr, $decay) }
            }

            /// β₁ and β₂, each in \[0, 1).
            ///
            /// # Panics
            /// **Panics** outside that range.
            #[must_use]
            #[track_caller]
            pub fn betas(mut self, beta1: f64, beta2: f64) -> Self {
                require(stringify!($name), "beta1", beta1, 0.0, 1.0);
                require(stringify!($name), "beta2", beta2, 0.0, 1.0);
                (self.rule.beta1, self.rule.beta2) = (beta1, beta2);
                self
            }

            /// ε, which keeps the quotient finite.
            ///
            /// # Panics
            /// **Panics** if it is negative or not finite.
            #[must_use]
            #[track_caller]
            pub fn epsilon(mut self, epsilon: f64) -> Self {
                require(stringify!($name), "epsilon", epsilon, 0.0, f64::INFINITY);
                self.rule.epsilon = epsilon;
                self
            }

            /// The weight decay.
            ///
            /// # Panics
            /// **Panics** if it is negative or not finite.
            #[must_use]
            #[track_caller]
            pub fn weight_decay(mut self, decay: f64) -> Self {
                require(stringify!($name), "weight decay", decay, 0.0, f64::INFINITY);
                self.rule.weight_decay = decay;
                self
            }
        }

        impl<T: Scalar> Optimizer<T> for $name<T> {
            #[track_caller]
            fn step(&mut self, model: &mut dyn Module<T>, grads: Gradients<'_, T>) {
                self.rule.step($decoupled, model, &grads);
            }

            fn lr(&self) -> f64 {
                self.rule.lr
            }

            #[track_caller]
            fn set_lr(&mut self, lr: f64) {
                require(stringify!($name), "learning rate", lr, 0.0, f64::INFINITY);
                self.rule.lr = lr;
            }
        }
    };
}
adam!(Adam, false, 0.0);
adam!(AdamW, true, 0.01);
