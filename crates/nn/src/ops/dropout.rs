//! `y = x ⊙ n`, where the noise n is 0 with probability p and 1/(1 − p) otherwise; `dx = dy ⊙ n`.

use fanin_init::default_rng;
use fanin_init::rand::RngCore;
use fanin_tensor::map::map;
use fanin_tensor::simd::{Isa, Kernel, dispatch};
use fanin_tensor::{Scalar, Write};

use crate::tape::{Backward, Op, Var};

#[derive(Debug)]
struct Dropout;

impl<T: Scalar> Op<T> for Dropout {
    fn backward(&self, cx: &mut Backward<'_, T>) {
        let (noise, dy) = (cx.saved(), cx.dy());
        if let Some((write, dx)) = cx.grad(0) {
            map([dy, noise], write, dx, |[dy, n]| dy * n);
        }
    }
}

once! {
    impl<'t, T: Scalar> Var<'t, T> {
        /// Each element with probability `p` replaced by 0, and otherwise divided by `1 − p`, so that its
        /// expectation stays: `y = x ⊙ mask / (1 − p)`.
        ///
        /// It does so wherever it stands; the layer [`Dropout`](crate::layers::Dropout), which says more,
        /// does so in training alone.
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
        /// Srivastava et al. 2014, section 4; scaled in training rather than in prediction, section 10.
        #[must_use]
        #[track_caller]
        pub fn dropout(self, p: f64) -> Self {
            require_probability("dropout", p);
            if p == 0.0 {
                return self;
            }
            self.tape().apply(Dropout, &[self], |cx| {
                let x = cx.input(0);
                let (y, noise) = cx.output_and_save(x.shape(), x.shape());
                draw_noise(p, noise);
                map([x.as_slice(), noise], Write::Set, y, |[x, n]| x * n);
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

/// How many numbers are made of one call of the generator: 4 KiB of its bytes.
const CHUNK: usize = 512;

/// One 64-bit word of the generator for each element, as PyTorch's `bernoulli_(1 − p)` draws.
fn draw_noise<T: Scalar>(p: f64, noise: &mut [T]) {
    // Kept if k·2⁻⁵³ < 1 − p, where k is the word's low 53 bits: an integer below this one.
    let kept = ((1.0 - p) * (1u64 << BITS) as f64).ceil() as i64;
    // Rounded before the division, as PyTorch does it.
    let scale = T::ONE / T::from_f64(1.0 - p);
    let (mut rng, mut bytes) = (default_rng(), [0; 8 * CHUNK]);
    for noise in noise.chunks_mut(CHUNK) {
        let bytes = &mut bytes[..8 * noise.len()];
        rng.fill_bytes(bytes);
        dispatch(Choose { words: bytes.as_chunks().0, kept, scale, noise });
    }
}

/// Of a word so many bits are used.
const BITS: u32 = 53;

/// A kernel, because vectors choose without a branch, which would be taken wrongly every other time.
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
            // Of a pair of 32-bit draws the first is the high half.
            let k = i64::from_le_bytes(word).rotate_left(32) & ((1 << BITS) - 1);
            *n = if k < kept { scale } else { T::ZERO };
        }
    }
}
