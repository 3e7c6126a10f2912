//! `y = x ⊙ n`, where the noise n is 0 with probability p and 1/(1 − p) otherwise; `dx = dy ⊙ n`.

use fanin_init::default_rng;
use fanin_init::rand::RngCore;
use fanin_tensor::map::map;
use fanin_tensor::simd::{Isa, Kernel, dispatch};
use fanin_tensor::{Scalar, Set};

use crate::tape::{Backward, Op, Var};

/// Saves n: `dx = dy ⊙ n`.
#[derive(Debug)]
pub(super) struct Masked;

impl<T: Scalar> Op<T> for Masked {
    fn backward(&self, cx: &mut Backward<'_, T>) {
        let (noise, dy) = (cx.saved(), cx.dy());
        if let Some((write, dx)) = cx.grad(0) {
            map([dy, noise], write, dx, |[dy, n]| dy * n);
        }
    }
}

once! {
    impl<'t, T: Scalar> Var<'t, T> {
        /// Replaces each element by 0 with probability `p` and divides it by `1 − p` otherwise,
        /// which keeps its expectation: `y = x ⊙ mask / (1 − p)`.
        ///
        /// This operation always drops. The layer [`Dropout`](crate::layers::Dropout) drops in
        /// training only, and its documentation says more.
        ///
        /// # Panics
        /// **Panics** unless `0 ≤ p < 1`.
        ///
        /// # Example
        /// ```
        /// use fanin_nn::{Tape, Tensor};
        ///
        /// let x = Tensor::ones([20, 50]);
        /// let y = Tape::new().value(|t| t.input(&x).dropout(0.75));
        /// assert!(y.as_slice().iter().all(|&y| y == 0.0 || y == 4.0));
        /// ```
        ///
        /// # Reference
        /// Srivastava et al. 2014, section 4. Scaling in training instead of in prediction: section
        /// 10.
        #[must_use]
        #[track_caller]
        pub fn dropout(self, p: f64) -> Self {
            require_probability("dropout", p);
            if p == 0.0 {
                return self;
            }
            self.tape().apply(Masked, &[self], |cx| {
                let x = cx.input(0);
                let (y, noise) = cx.output_and_save(x.shape(), x.shape());
                // PyTorch also rounds 1 − p before the division.
                draw_noise(p, T::ONE / T::from_f64(1.0 - p), noise);
                map([x.as_slice(), noise], Set, y, |[x, n]| x * n);
            })
        }
    }
}

/// # Panics
/// **Panics** unless `p` is in [0, 1).
#[track_caller]
pub(crate) fn require_probability(op: &str, p: f64) {
    assert!((0.0..1.0).contains(&p), "{op}: probability {p} is outside [0, 1)");
}

/// The number of draws in one call of the generator: 4 KiB of its bytes.
const CHUNK: usize = 512;

/// 0 with probability p, and `scale` otherwise. Takes one 64-bit word of the generator for each element, as
/// PyTorch's `bernoulli_(1 − p)` does.
pub(super) fn draw_noise<T: Scalar>(p: f64, scale: T, noise: &mut [T]) {
    // k is the low 53 bits of the word. An element is kept if k·2⁻⁵³ < 1 − p, so if k is below this
    // integer.
    let kept = ((1.0 - p) * (1u64 << BITS) as f64).ceil() as i64;
    let (mut rng, mut bytes) = (default_rng(), [0; 8 * CHUNK]);
    for noise in noise.chunks_mut(CHUNK) {
        let bytes = &mut bytes[..8 * noise.len()];
        rng.fill_bytes(bytes);
        dispatch(Choose { words: bytes.as_chunks().0, kept, scale, noise });
    }
}

/// The generator's low bits that decide about an element.
const BITS: u32 = 53;

/// A kernel, because vector code selects without a branch. The CPU would predict a branch wrongly
/// half of the time.
struct Choose<'a, T> {
    words: &'a [[u8; 8]],
    kept: i64,
    scale: T,
    noise: &'a mut [T],
}

impl<T: Scalar> Kernel for Choose<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self) {
        let Self { words, kept, scale, noise } = self;
        for (n, &word) in noise.iter_mut().zip(words) {
            // PyTorch makes the word of two 32-bit draws. The first one is the high half.
            let k = i64::from_le_bytes(word).rotate_left(32) & ((1 << BITS) - 1);
            *n = if k < kept { scale } else { T::ZERO };
        }
    }
}
