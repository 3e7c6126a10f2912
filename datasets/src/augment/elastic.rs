//! Displacement fields of elastic deformations: noise, smoothed by a Gaussian.

use fanin_init::rand::RngCore;
use fanin_tensor::scratch;
use fanin_tensor::simd::{Isa, Kernel, dispatch};

/// Elements that are summed side by side: a row of the field is padded to a multiple of it.
const BLOCK: usize = 16;

/// Half of a Gaussian that sums to 1: the weight of the middle, then of the neighbours at distance 1, 2,
/// … on either side. It ends at three standard deviations.
#[derive(Clone, Debug)]
pub(super) struct Gaussian(Vec<f32>);

impl Gaussian {
    pub(super) fn new(sigma: f64) -> Self {
        let radius = (3.0 * sigma).ceil() as usize;
        let weight = |distance: usize| (-0.5 * (distance as f64 / sigma).powi(2)).exp();
        let sum: f64 = 1.0 + 2.0 * (1..=radius).map(weight).sum::<f64>();
        Self((0..=radius).map(|distance| (weight(distance) / sum) as f32).collect())
    }

    fn radius(&self) -> usize {
        self.0.len() - 1
    }
}

/// Lends `f` a field of displacements down and one to the right, in pixels. Each is `height` rows of
/// `stride` elements, of which the first `width` count; `f` gets the stride.
///
/// Each pixel draws a number in \[-1, 1) for either direction; these are smoothed, with zeros around
/// the image, and multiplied by `alpha`. No product is fused with a sum, so that any CPU gives the same
/// bits.
pub(super) fn with_field<R>(
    [height, width]: [usize; 2],
    gaussian: &Gaussian,
    alpha: f32,
    rng: &mut dyn RngCore,
    f: impl FnOnce([&[f32]; 2], usize) -> R,
) -> R {
    let (radius, stride) = (gaussian.radius(), width.next_multiple_of(BLOCK));
    let lines = Lines { height, stride, radius, weights: &gaussian.0 };
    let line = stride + 2 * radius;
    let noise = 2 * height * line;
    let smooth = 2 * (height + 2 * radius) * stride;
    scratch::with(noise + smooth, |memory: &mut [f32]| {
        // What an earlier call has left is overwritten by zeros.
        memory.fill(0.0);
        let (noise, smooth) = memory.split_at_mut(noise);
        let (down, right) = noise.split_at_mut(height * line);
        let rows = down.chunks_exact_mut(line).zip(right.chunks_exact_mut(line));
        for (down, right) in rows {
            let places = radius..radius + width;
            for (down, right) in down[places.clone()].iter_mut().zip(&mut right[places]) {
                let bits = rng.next_u64();
                *down = alpha * signed((bits >> 32) as u32);
                *right = alpha * signed(bits as u32);
            }
        }
        dispatch(Smooth { lines, noise, smooth });
        // The noise is used up: its memory holds the result.
        let (down, right) = noise[..2 * height * stride].split_at(height * stride);
        f([down, right], stride)
    })
}

/// A number in \[-1, 1), from the upper 24 bits.
fn signed(bits: u32) -> f32 {
    (bits >> 8) as f32 / (1 << 23) as f32 - 1.0
}

struct Lines<'w> {
    height: usize,
    stride: usize,
    radius: usize,
    weights: &'w [f32],
}

/// `smooth = noise * Gaussian` along rows, then `noise = smooth * Gaussian` along columns, for two fields.
struct Smooth<'a> {
    lines: Lines<'a>,
    /// `(2, height, radius + stride + radius)`; the result is `(2, height, stride)`.
    noise: &'a mut [f32],
    /// `(2, radius + height + radius, stride)`, zeros.
    smooth: &'a mut [f32],
}

impl Kernel for Smooth<'_> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self) {
        let Self { lines: Lines { height, stride, radius, weights }, noise, smooth } = self;
        let (line, above) = (stride + 2 * radius, radius * stride);
        for (noise, smooth) in noise
            .chunks_exact(height * line)
            .zip(smooth.chunks_exact_mut((height + 2 * radius) * stride))
        {
            let rows = smooth[above..].chunks_exact_mut(stride);
            for (row, noise) in rows.zip(noise.chunks_exact(line)) {
                for (b, block) in row.as_chunks_mut::<BLOCK>().0.iter_mut().enumerate() {
                    *block = weighted(noise, radius + b * BLOCK, 1, weights);
                }
            }
        }
        for (field, smooth) in noise[..2 * height * stride]
            .chunks_exact_mut(height * stride)
            .zip(smooth.chunks_exact((height + 2 * radius) * stride))
        {
            let blocks = field.as_chunks_mut::<BLOCK>().0;
            for (b, block) in blocks.iter_mut().enumerate() {
                *block = weighted(smooth, above + b * BLOCK, stride, weights);
            }
        }
    }
}

/// Sums by the weights of a Gaussian whose middle is at `at`; neighbours are `step` apart.
#[inline(always)]
fn weighted(values: &[f32], at: usize, step: usize, weights: &[f32]) -> [f32; BLOCK] {
    let block = |at: usize| -> &[f32; BLOCK] { values[at..].first_chunk().expect("a block") };
    let middle = block(at);
    let mut sums: [f32; BLOCK] = std::array::from_fn(|i| weights[0] * middle[i]);
    for (d, &weight) in weights.iter().enumerate().skip(1) {
        let (before, after) = (block(at - d * step), block(at + d * step));
        for i in 0..BLOCK {
            sums[i] += weight * (before[i] + after[i]);
        }
    }
    sums
}
