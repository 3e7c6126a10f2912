//! Uniform and normal numbers for whole slices, number for number as PyTorch draws them.

use ndarray::ArrayViewMutD;
use rand::RngCore;

use crate::random::boxmuller;
use crate::random::request::{give_spare, take_spare};

/// Words that one call of the generator fetches: 4 KiB, which fit the first-level cache.
const CHUNK: usize = 1024;
/// The number of uniform numbers in a block, from which as many normal numbers are made.
const BLOCK: usize = 16;

/// Calls `fill` with the values in row-major order, whatever their layout in memory.
///
/// Not generic: the copying would be compiled once for each initializer.
pub(crate) fn in_order(mut values: ArrayViewMutD<'_, f32>, fill: &mut dyn FnMut(&mut [f32])) {
    if let Some(slice) = values.as_slice_mut() {
        return fill(slice);
    }
    let mut ordered = vec![0.0; values.len()];
    fill(&mut ordered);
    values.iter_mut().zip(ordered).for_each(|(to, from)| *to = from);
}

/// Fills the values with [`uniform`] numbers, in row-major order.
pub(crate) fn fill_uniform(
    rng: &mut dyn RngCore,
    values: ArrayViewMutD<'_, f32>,
    low: f64,
    high: f64,
) {
    in_order(values, &mut |values| uniform(rng, values, low, high));
}

/// Fills the values with [`normal`] numbers, in row-major order.
pub(crate) fn fill_normal(
    rng: &mut dyn RngCore,
    values: ArrayViewMutD<'_, f32>,
    mean: f64,
    std: f64,
) {
    in_order(values, &mut |values| normal(rng, values, mean, std));
}

/// `low + (high − low)·u`, with `u` a multiple of 2⁻²⁴ in [0, 1), rounded once.
///
/// A value that is rounded up to `high` becomes `low`, as in PyTorch: `high` is excluded.
pub(crate) fn uniform(rng: &mut dyn RngCore, values: &mut [f32], low: f64, high: f64) {
    let (low, high) = (low as f32, high as f32);
    let span = high - low;
    if sum_is_exact_in_f64(low, high, span) {
        // The product of 24 bits of u and 24 bits of the span is exact in f64, and so is the sum.
        // The only rounding is that to f32, as in a fused multiply-add, but without an instruction
        // that old CPUs lack.
        let (scale, low) = (f64::from(span) / TWO_24, f64::from(low));
        let low32 = low as f32;
        each_word(rng, values, |k| {
            let value = (f64::from(k) * scale + low) as f32;
            if value == high { low32 } else { value }
        });
    } else {
        each_word(rng, values, |k| {
            let value = (k as f32 / TWO_24 as f32).mul_add(span, low);
            if value == high { low } else { value }
        });
    }
}

const TWO_24: f64 = 16_777_216.0;

/// Whether `k·span·2⁻²⁴ + low` fits the 53 bits of an f64 for every k below 2²⁴.
///
/// With 2ᵉ ≤ span < 2ᵉ⁺¹ the products are multiples of 2ᵉ⁻⁴⁷. `low` must be such a multiple too,
/// and no sum may reach 2ᵉ⁺⁶. This holds unless the range is tiny compared to its distance from 0.
fn sum_is_exact_in_f64(low: f32, high: f32, span: f32) -> bool {
    let [span, low, high] = [span, low.abs(), high.abs()].map(f64::from);
    span == 0.0 || ((low == 0.0 || low >= span / TWO_24) && low.max(high) <= span * 32.0)
}

/// Sets each value from the low 24 bits of the generator's next word.
fn each_word(rng: &mut dyn RngCore, values: &mut [f32], f: impl Fn(i32) -> f32) {
    let mut bytes = [0; 4 * CHUNK];
    for values in values.chunks_mut(CHUNK) {
        let bytes = &mut bytes[..4 * values.len()];
        rng.fill_bytes(bytes);
        for (value, word) in values.iter_mut().zip(bytes.as_chunks::<4>().0) {
            // Signed: there is no vector instruction that converts unsigned integers.
            *value = f((u32::from_le_bytes(*word) & 0xff_ffff) as i32);
        }
    }
}

/// Calls `each` with the numbers that [`uniform`] gives for a slice of this length, a part at a time,
/// and with the place at which the part begins.
pub(crate) fn uniform_parts(
    rng: &mut dyn RngCore,
    len: usize,
    low: f64,
    high: f64,
    each: &mut dyn FnMut(usize, &[f32]),
) {
    let mut part = [0.0; CHUNK];
    for start in (0..len).step_by(CHUNK) {
        let part = &mut part[..CHUNK.min(len - start)];
        uniform(rng, part, low, high);
        each(start, part);
    }
}

/// Normal numbers, as PyTorch draws them: in blocks of 16. Fewer than 16 are drawn in pairs, and
/// the generator keeps the spare number of the last pair.
pub(crate) fn normal(rng: &mut dyn RngCore, values: &mut [f32], mean: f64, std: f64) {
    if values.len() < BLOCK {
        return few_normals(rng, values, mean, std);
    }
    let tail = values.len() % BLOCK;
    for part in values.chunks_mut(CHUNK) {
        whole_blocks(rng, part, mean, std);
    }
    if tail > 0 {
        // The last block is incomplete. Its uniform numbers are dropped, and the last 16 values are
        // drawn again.
        let start = values.len() - BLOCK;
        whole_blocks(rng, &mut values[start..], mean, std);
    }
}

/// Calls `each` with the numbers that [`normal`] gives for a slice of this length, a part at a time,
/// and with the place at which the part begins.
pub(crate) fn normal_parts(
    rng: &mut dyn RngCore,
    len: usize,
    mean: f64,
    std: f64,
    each: &mut dyn FnMut(usize, &[f32]),
) {
    let mut part = [0.0; CHUNK];
    if len < BLOCK {
        few_normals(rng, &mut part[..len], mean, std);
        return each(0, &part[..len]);
    }
    // The last 16 are drawn again if the last block is incomplete.
    let kept = if len.is_multiple_of(BLOCK) { len } else { len - BLOCK };
    for start in (0..len).step_by(CHUNK) {
        let part = &mut part[..CHUNK.min(len - start)];
        whole_blocks(rng, part, mean, std);
        each(start, &part[..kept.saturating_sub(start).min(part.len())]);
    }
    if kept < len {
        whole_blocks(rng, &mut part[..BLOCK], mean, std);
        each(kept, &part[..BLOCK]);
    }
}

/// Normal numbers in the complete blocks of at most [`CHUNK`] values, uniform ones behind them.
fn whole_blocks(rng: &mut dyn RngCore, part: &mut [f32], mean: f64, std: f64) {
    uniform(rng, part, 0.0, 1.0);
    for group in part.chunks_mut(boxmuller::GROUP) {
        boxmuller::transform(group, mean as f32, std as f32);
    }
}

fn few_normals(rng: &mut dyn RngCore, values: &mut [f32], mean: f64, std: f64) {
    if values.is_empty() {
        return;
    }
    let mut spare = take_spare(rng);
    for value in values {
        let z = spare.take().unwrap_or_else(|| {
            let u1 = unit_f64(rng);
            let u2 = unit_f64(rng);
            let radius = (-2.0 * (-u2).ln_1p()).sqrt();
            let (sin, cos) = (std::f64::consts::TAU * u1).sin_cos();
            spare = Some(radius * sin);
            radius * cos
        });
        *value = (z * std + mean) as f32;
    }
    if let Some(spare) = spare {
        give_spare(rng, spare);
    }
}

/// Whether all normal numbers of this mean and standard deviation are finite in f32. [`normal`]
/// draws none beyond 8.6 standard deviations.
pub(crate) fn is_within_f32(mean: f64, std: f64) -> bool {
    ((mean.abs() + 10.0 * std.abs()) as f32).is_finite()
}

/// A multiple of 2⁻⁵³ in [0, 1).
pub(crate) fn unit_f64(rng: &mut dyn RngCore) -> f64 {
    const TWO_53: f64 = 9_007_199_254_740_992.0;
    (rng.next_u64() & ((1 << 53) - 1)) as f64 / TWO_53
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::TorchRng;
    use ndarray::{Array2, ArrayD, s};

    /// PyTorch's formula, for one number.
    fn reference(rng: &mut TorchRng, low: f32, high: f32) -> f32 {
        let u = (rng.next_u32() & 0xff_ffff) as f32 / TWO_24 as f32;
        let value = u.mul_add(high - low, low);
        if value == high { low } else { value }
    }

    #[test]
    fn uniform_equals_the_fused_multiply_add() {
        let ranges: [(f32, f32); 12] = [
            (0.0, 1.0),
            (-0.3, 0.7),
            (-0.035_714_287, 0.035_714_287),
            (1e-9, 1.0),      // low is far finer than the span
            (1000.0, 1000.1), // high above the span
            (-1e30, 1e-30),
            (-3e38, 1e37),
            (5.0, 5.0),
            (-1e-45, 1e-44), // subnormal
            (f32::MIN_POSITIVE, 2.0 * f32::MIN_POSITIVE),
            (-1.0, 1e-7),
            (16_777_215.0, 16_777_216.0),
        ];
        let mut exact = 0;
        for (seed, (low, high)) in ranges.into_iter().enumerate() {
            exact += usize::from(sum_is_exact_in_f64(low, high, high - low));
            let mut rng = TorchRng::seed(seed as u64);
            let mut values = vec![0.0; 100_000];
            uniform(&mut rng, &mut values, low.into(), high.into());
            let mut rng = TorchRng::seed(seed as u64);
            for (i, value) in values.iter().enumerate() {
                let want = reference(&mut rng, low, high);
                assert_eq!(value.to_bits(), want.to_bits(), "[{low}, {high}], element {i}");
            }
        }
        assert!((5..=9).contains(&exact), "both ways are tested: {exact} of 12 are exact");
    }

    #[test]
    fn parts_are_the_numbers_of_the_whole() {
        for len in [0, 1, 7, 15, 16, 17, 40, 1023, 1024, 1025, 1030, 1040, 2048, 5000] {
            for (mean, std) in [(0.0, 1.0), (0.5, 0.25)] {
                let mut whole = vec![0.0; len];
                let mut rng = TorchRng::seed(len as u64);
                normal(&mut rng, &mut whole, mean, std);
                let mut parts = vec![0.0; len];
                let mut other = TorchRng::seed(len as u64);
                normal_parts(&mut other, len, mean, std, &mut |start, part| {
                    parts[start..start + part.len()].copy_from_slice(part);
                });
                assert_eq!(parts, whole, "{len} normal numbers");
                uniform(&mut rng, &mut whole, -0.3, 0.7);
                uniform_parts(&mut other, len, -0.3, 0.7, &mut |start, part| {
                    parts[start..start + part.len()].copy_from_slice(part);
                });
                assert_eq!(parts, whole, "{len} uniform numbers");
                assert_eq!(rng, other);
            }
        }
    }

    #[test]
    fn layout_does_not_change_the_draw() {
        for n in [3, 40] {
            let plain = {
                let mut w = ArrayD::zeros(vec![n, 5]);
                in_order(w.view_mut(), &mut |w| normal(&mut TorchRng::seed(8), w, 0.0, 1.0));
                w
            };
            let mut wide = Array2::zeros((2 * n, 7));
            let view = wide.slice_mut(s![..;2, 1..6]);
            in_order(view.into_dyn(), &mut |w| normal(&mut TorchRng::seed(8), w, 0.0, 1.0));
            assert_eq!(wide.slice(s![..;2, 1..6]).into_dyn(), plain);
            assert!(wide.slice(s![1..;2, ..]).iter().all(|&x| x == 0.0), "nothing beside it");
            let mut transposed = Array2::zeros((5, n));
            let view = transposed.view_mut().reversed_axes().into_dyn();
            in_order(view, &mut |w| normal(&mut TorchRng::seed(8), w, 0.0, 1.0));
            assert_eq!(transposed.reversed_axes().into_dyn(), plain);
        }
    }
}
