//! `y = x ⊙ n`, where n is 1 above 0 and a random slope elsewhere; `dx = dy ⊙ n`.

use fanin_init::default_rng;
use fanin_init::rand::RngCore;
use fanin_tensor::map::map;
use fanin_tensor::{Scalar, Set};

use crate::tape::{Backward, Op, Var};

/// Saves n.
#[derive(Debug)]
struct Rrelu;

impl<T: Scalar> Op<T> for Rrelu {
    fn backward(&self, cx: &mut Backward<'_, T>) {
        let (slopes, dy) = (cx.saved(), cx.dy());
        if let Some((write, dx)) = cx.grad(0) {
            map([dy, slopes], write, dx, |[dy, n]| dy * n);
        }
    }
}

once! {
    impl<'t, T: Scalar> Var<'t, T> {
        /// `x` above 0, and elsewhere x times a slope that is drawn for each element, uniform in
        /// `[lower, upper)`.
        ///
        /// This operation always draws. The layer [`Rrelu`](crate::layers::Rrelu) draws in training
        /// only, and its documentation says more.
        ///
        /// # Panics
        /// **Panics** unless `lower ≤ upper` and both are finite.
        ///
        /// # Example
        /// ```
        /// use fanin_nn::{Tape, Tensor};
        ///
        /// let x = Tensor::full([20, 50], -1.0);
        /// let y = Tape::new().value(|t| t.input(&x).rrelu(0.125, 0.25));
        /// assert!(y.as_slice().iter().all(|y| (-0.25..=-0.125).contains(y)));
        /// ```
        ///
        /// # Reference
        /// Xu et al. 2015, "Empirical Evaluation of Rectified Activations in Convolutional Network",
        /// section 2.4.
        #[must_use]
        #[track_caller]
        pub fn rrelu(self, lower: f64, upper: f64) -> Self {
            require_slopes("rrelu", lower, upper);
            self.tape().apply(Rrelu, &[self], |cx| {
                let x = cx.input(0);
                let (y, slopes) = cx.output_and_save(x.shape(), x.shape());
                draw_slopes(x.as_slice(), lower, upper, slopes);
                map([x.as_slice(), slopes], Set, y, |[x, n]| x * n);
            })
        }
    }
}

/// # Panics
/// **Panics** unless `lower ≤ upper` and both are finite.
#[track_caller]
pub(crate) fn require_slopes(op: &str, lower: f64, upper: f64) {
    assert!(
        lower.is_finite() && upper.is_finite() && lower <= upper,
        "{op}: no slope is from {lower} to {upper}"
    );
}

/// As PyTorch does, takes one 64-bit word of the generator for each element that is not above 0.
fn draw_slopes<T: Scalar>(x: &[T], lower: f64, upper: f64, slopes: &mut [T]) {
    let (mut rng, mut word) = (default_rng(), [0; 8]);
    // PyTorch rounds both to the element type.
    let (lower, upper) = (T::from_f64(lower).to_f64(), T::from_f64(upper).to_f64());
    for (n, &x) in slopes.iter_mut().zip(x) {
        *n = if x <= T::ZERO {
            // PyTorch makes the word of two 32-bit draws. The first one is the high half.
            rng.fill_bytes(&mut word);
            let k = u64::from_le_bytes(word).rotate_left(32) & ((1 << 53) - 1);
            T::from_f64(k as f64 * 2f64.powi(-53) * (upper - lower) + lower)
        } else {
            T::ONE
        };
    }
}
