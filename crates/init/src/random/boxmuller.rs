//! The Box–Muller transform of whole slices in f32, bit for bit as PyTorch's AVX2 code computes it.
//!
//! `r = √(−2 ln u₁)`, `θ = 2π·u₂`, `z = r·cos θ` and `r·sin θ`.
//!
//! PyTorch's code has the polynomials of the Cephes library (Moshier 1989; `logf`, `sinf`, `cosf`),
//! and its compiler fuses multiplications with additions. To agree in the last bit, this file uses
//! the same polynomials and rounds each fused pair once. It does so in one of two ways: by the
//! CPU's instruction, or else in f64, where the product of two f32 is exact. There are only 2²⁴
//! possible arguments, and a test shows that the two ways agree for all of them. So every CPU gives
//! the same bits.

/// The most numbers that one call transforms.
pub(crate) const GROUP: usize = 256;
const HALF: usize = GROUP / 2;

/// Turns uniform numbers in [0, 1) into normal ones, in blocks of 16. An incomplete block at the
/// end is left unchanged.
///
/// In every block, `j < 8`: `u₁ = 1 − d[j]`, `u₂ = d[j+8]`; `r·cos θ` goes to `d[j]`, `r·sin θ` to
/// `d[j+8]`, both times `std`, plus `mean`.
pub(crate) fn transform(d: &mut [f32], mean: f32, std: f32) {
    #[cfg(all(target_arch = "x86_64", not(target_feature = "fma")))]
    if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
        // SAFETY: this CPU has both.
        #[expect(unsafe_code, reason = "calls what only some CPUs can run; 4 times as fast")]
        unsafe {
            return fused(d, mean, std);
        }
    }
    transform_by::<Fastest>(d, mean, std);
}

/// Compiled for AVX2 and FMA, which not every x86-64 CPU has.
#[cfg(all(target_arch = "x86_64", not(target_feature = "fma")))]
#[target_feature(enable = "avx2,fma")]
fn fused(d: &mut [f32], mean: f32, std: f32) {
    transform_by::<Instruction>(d, mean, std);
}

#[inline(always)]
fn transform_by<F: Fused>(d: &mut [f32], mean: f32, std: f32) {
    debug_assert!(d.len() <= GROUP);
    let (blocks, _) = d.as_chunks_mut::<16>();
    // Gather the first and the second halves of all blocks, so that the loops below are long.
    let (mut a, mut b) = ([0.0; HALF], [0.0; HALF]);
    for ((block, a), b) in blocks.iter().zip(a.chunks_mut(8)).zip(b.chunks_mut(8)) {
        a.copy_from_slice(&block[..8]);
        b.copy_from_slice(&block[8..]);
    }
    let n = 8 * blocks.len();
    // Separate loops, each with few live values: these fit the registers.
    for a in &mut a[..n] {
        *a = (-2.0 * ln::<F>(1.0 - *a)).sqrt();
    }
    for (a, b) in a[..n].iter_mut().zip(&mut b[..n]) {
        let (sin, cos) = sin_cos::<F>(std::f32::consts::TAU * *b);
        (*a, *b) = (*a * cos, *a * sin);
    }
    for half in [&mut a[..n], &mut b[..n]] {
        if mean == 0.0 {
            // The sum is exact; it turns −0 into 0.
            half.iter_mut().for_each(|z| *z = *z * std + 0.0);
        } else {
            half.iter_mut().for_each(|z| *z = z.mul_add(std, mean));
        }
    }
    for ((block, a), b) in blocks.iter_mut().zip(a.chunks(8)).zip(b.chunks(8)) {
        block[..8].copy_from_slice(a);
        block[8..].copy_from_slice(b);
    }
}

/// How `a·b + c` is computed with one rounding.
trait Fused {
    fn mul_add(a: f32, b: f32, c: f32) -> f32;

    /// The polynomial with these coefficients, highest first.
    #[inline(always)]
    fn horner<const N: usize>(coefficients: [f32; N], x: f32) -> f32 {
        let mut sum = coefficients[0];
        for &c in &coefficients[1..] {
            sum = Self::mul_add(sum, x, c);
        }
        sum
    }
}

/// By one instruction. On a CPU that has none, it is a slow library call for each number.
#[cfg(any(test, target_arch = "x86_64", target_arch = "aarch64"))]
struct Instruction;
#[cfg(any(test, target_arch = "x86_64", target_arch = "aarch64"))]
impl Fused for Instruction {
    #[inline(always)]
    fn mul_add(a: f32, b: f32, c: f32) -> f32 {
        a.mul_add(b, c)
    }
}

/// In f64. The sum is rounded twice, to f64 and then to f32, which could give another result than
/// one rounding. A test shows that it does not for any number that can be drawn.
#[cfg(any(test, not(any(target_feature = "fma", target_arch = "aarch64"))))]
struct Wide;
#[cfg(any(test, not(any(target_feature = "fma", target_arch = "aarch64"))))]
impl Fused for Wide {
    #[inline(always)]
    fn mul_add(a: f32, b: f32, c: f32) -> f32 {
        (f64::from(a) * f64::from(b) + f64::from(c)) as f32
    }

    #[inline(always)]
    fn horner<const N: usize>(coefficients: [f32; N], x: f32) -> f32 {
        let x = f64::from(x);
        let mut sum = f64::from(coefficients[0]);
        for &c in &coefficients[1..] {
            // Round to the 24 bits of an f32 without leaving f64: add half of the last bit, then
            // clear the bits below it.
            let bits = (sum * x + f64::from(c)).to_bits() + (1 << 28);
            sum = f64::from_bits(bits & (!0 << 29));
        }
        sum as f32
    }
}

#[cfg(any(target_feature = "fma", target_arch = "aarch64"))]
type Fastest = Instruction;
#[cfg(not(any(target_feature = "fma", target_arch = "aarch64")))]
type Fastest = Wide;

/// The natural logarithm of a number in [2⁻²⁴, 1].
#[inline(always)]
fn ln<F: Fused>(x: f32) -> f32 {
    const P: [f32; 9] = [
        0.070_376_836,
        -0.115_146_1,
        0.116_769_984,
        -0.124_201_41,
        0.142_493_23,
        -0.166_680_57,
        0.200_007_14,
        -0.249_999_94,
        0.333_333_3,
    ];
    const LN_2_HIGH: f32 = 0.693_359_4; // 9 bits, so that its multiples are exact
    const LN_2_LOW: f32 = -2.121_944_4e-4;
    const ROOT_HALF: i32 = 0x3f35_04f3;
    // x = 2ᵉ·(1 + f), with 1 + f in [√½, √2).
    let bits = x.to_bits() as i32;
    let e = (bits - ROOT_HALF) >> 23;
    let f = f32::from_bits((bits - (e << 23)) as u32) - 1.0;
    let e = e as f32;
    // ln(1 + f) = f − f²/2 + f³·p(f)
    let square = f * f;
    let tail = F::mul_add(F::horner(P, f) * f, square, e * LN_2_LOW);
    f + (tail - 0.5 * square) + e * LN_2_HIGH
}

/// Sine and cosine of an angle in [0, 2π].
#[inline(always)]
fn sin_cos<F: Fused>(angle: f32) -> (f32, f32) {
    // π/2 in three parts. 0 to 4 times each of the first two is exact.
    const PARTS: [f32; 3] = [1.570_312_5, 4.837_513e-4, 7.549_79e-8];
    // Adding this to a small number leaves the nearest integer in the low bits.
    const ROUND: f32 = 12_582_912.0; // 1.5·2²³
    const FOUR_OVER_PI: f32 = 1.273_239_5;
    const SIN: [f32; 3] = [-1.951_529_6e-4, 8.332_161e-3, -0.166_666_55];
    const COS: [f32; 3] = [2.443_315_7e-5, -1.388_731_6e-3, 0.041_666_646];
    // The nearest multiple of π/2; the upper one if two are equally near. An addition alone would
    // round to the even one. A conversion to an integer is slow, because Rust checks it for
    // overflow.
    let halves = angle * FOUR_OVER_PI * 0.5;
    let even = (halves + ROUND) - ROUND;
    let q = even + if halves - even == 0.5 { 1.0 } else { 0.0 };
    let quadrant = (q + ROUND).to_bits();
    let y = F::mul_add(-q, PARTS[2], angle - q * PARTS[0] - q * PARTS[1]);
    let z = y * y;
    let sin = F::mul_add(F::horner(SIN, z) * z, y, y);
    let cos = F::mul_add(F::horner(COS, z) * z, z, -0.5 * z) + 1.0;
    // Odd quadrants swap the two; signs: sine in quadrants 2 and 3, cosine in 1 and 2.
    let odd = (quadrant & 1).wrapping_neg();
    let (s, c) = (sin.to_bits(), cos.to_bits());
    let swap = (s ^ c) & odd;
    let sin_sign = (quadrant & 2) << 30;
    let cos_sign = (quadrant.wrapping_add(1) & 2) << 30;
    (f32::from_bits((s ^ swap) ^ sin_sign), f32::from_bits((c ^ swap) ^ cos_sign))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every number that a uniform draw can be.
    fn draws() -> impl Iterator<Item = f32> {
        (0..1 << 24).map(|k| k as f32 / 16_777_216.0)
    }

    #[test]
    fn both_ways_to_fuse_agree_for_every_draw() {
        for u in draws() {
            assert_eq!(ln::<Wide>(1.0 - u).to_bits(), ln::<Instruction>(1.0 - u).to_bits());
            let angle = std::f32::consts::TAU * u;
            let (wide, one) = (sin_cos::<Wide>(angle), sin_cos::<Instruction>(angle));
            assert_eq!(wide.0.to_bits(), one.0.to_bits(), "sin {angle}");
            assert_eq!(wide.1.to_bits(), one.1.to_bits(), "cos {angle}");
        }
    }

    #[test]
    fn the_logarithm_is_good_to_an_ulp_for_every_draw() {
        let mut worst: f64 = 0.0;
        for u in draws() {
            let exact = (1.0 - f64::from(u)).ln();
            let ulp = f64::from((exact.abs() as f32).next_up() - exact.abs() as f32);
            worst = worst.max((f64::from(ln::<Wide>(1.0 - u)) - exact).abs() / ulp);
        }
        assert!(worst < 1.0, "{worst} ulp");
        assert_eq!(ln::<Wide>(1.0), 0.0);
    }

    #[test]
    fn sine_and_cosine_are_good_for_every_draw() {
        let mut worst: f64 = 0.0;
        for u in draws() {
            let angle = std::f32::consts::TAU * u;
            let (sin, cos) = sin_cos::<Wide>(angle);
            let (s, c) = f64::from(angle).sin_cos();
            worst = worst.max((f64::from(sin) - s).abs()).max((f64::from(cos) - c).abs());
        }
        assert!(worst < 8e-8, "{worst}");
    }

    #[test]
    fn a_radius_of_zero_gives_no_negative_zero() {
        let mut d = [0.0; 16];
        d[8..].copy_from_slice(&[0.0, 0.2, 0.3, 0.45, 0.55, 0.7, 0.8, 0.95]);
        transform(&mut d, 0.0, 1.0);
        assert!(d.iter().all(|z| z.to_bits() == 0), "{d:?}");
    }

    #[test]
    fn the_cpu_s_own_instructions_change_no_bit() {
        let words: Vec<f32> = draws().step_by(1009).collect();
        for (mean, std) in [(0.0, 1.0), (0.3, 0.7)] {
            for part in words.chunks(GROUP) {
                let (mut a, mut b) = (part.to_vec(), part.to_vec());
                transform(&mut a, mean, std);
                transform_by::<Wide>(&mut b, mean, std);
                assert!(a.iter().zip(&b).all(|(a, b)| a.to_bits() == b.to_bits()));
            }
        }
    }

    #[test]
    fn incomplete_blocks_stay() {
        let mut d = vec![0.5; 40];
        transform(&mut d, 0.0, 1.0);
        assert!(d[..32].iter().all(|&x| x != 0.5) && d[32..].iter().all(|&x| x == 0.5));
    }
}
