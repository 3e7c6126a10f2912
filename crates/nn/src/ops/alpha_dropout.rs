//! `y = x ⊙ n + b(n)`, where the noise n is 0 with probability p and a otherwise; `dx = dy ⊙ n`.
//!
//! A unit that is dropped gets `−λα`, SELU's limit at −∞. Then a and b bring a signal of mean 0 and
//! variance 1 back to them: `a = ((1 − p)(1 + p λ²α²))^(−1/2)`, `b = a p λα`, less `a λα` where n is 0.

use fanin_tensor::Set;
use fanin_tensor::map::map;

use super::dropout::{Masked, draw_noise, require_probability};
use crate::tape::Var;

/// `λα` of SELU.
const SELU_LIMIT: f64 = 1.758_099_340_847_376_6;

once! {
    impl<'t, T: Scalar> Var<'t, T> {
        /// Replaces each element by SELU's lowest value with probability `p`, then scales and shifts all
        /// of them, so that mean 0 and variance 1 stay.
        ///
        /// This operation always drops. The layer [`AlphaDropout`](crate::layers::AlphaDropout) drops
        /// in training only, and its documentation says more.
        ///
        /// # Panics
        /// **Panics** unless `0 ≤ p < 1`.
        ///
        /// # Example
        /// ```
        /// use fanin_nn::{Tape, Tensor};
        ///
        /// let x = Tensor::zeros([20, 50]);
        /// let y = Tape::new().value(|t| t.input(&x).alpha_dropout(0.5));
        /// let (least, most) = (y.as_slice().iter().fold(0f32, |a, &b| a.min(b)), y.as_slice()[0].abs());
        /// assert!((least + most).abs() < 1e-6 && least < -0.7);
        /// ```
        ///
        /// # Reference
        /// Klambauer et al. 2017, "Self-Normalizing Neural Networks", section "New Dropout Technique".
        #[must_use]
        #[track_caller]
        pub fn alpha_dropout(self, p: f64) -> Self {
            require_probability("alpha_dropout", p);
            if p == 0.0 {
                return self;
            }
            self.tape().apply(Masked, &[self], |cx| {
                let x = cx.input(0);
                let (y, noise) = cx.output_and_save(x.shape(), x.shape());
                let a = 1.0 / ((SELU_LIMIT * SELU_LIMIT * p + 1.0) * (1.0 - p)).sqrt();
                draw_noise(p, T::from_f64(a), noise);
                // PyTorch rounds these two, and then their difference.
                let kept = T::from_f64(SELU_LIMIT * a * p);
                let dropped = kept - T::from_f64(SELU_LIMIT * a);
                map([x.as_slice(), noise], Set, y, move |[x, n]| {
                    x * n + if n == T::ZERO { dropped } else { kept }
                });
            })
        }
    }
}
