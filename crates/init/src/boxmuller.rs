//! The Box–Muller transform of whole slices in f32: logarithm, sine and cosine as polynomials.
//!
//! `r = √(−2 ln u₁)`, `θ = 2π·u₂`, `z = r·cos θ` and `r·sin θ`.
//!
//! Plain additions and multiplications only, so that the compiler vectorizes them for any CPU and
//! every CPU gives the same bits. Logarithm, sine and cosine are within about one unit in the last
//! place; the polynomials were fitted to minimize the largest error over their intervals.

/// The most numbers that one call transforms.
pub(crate) const GROUP: usize = 256;
const HALF: usize = GROUP / 2;

/// Turns uniform numbers in [0, 1) into normal ones, in blocks of 16; a rest stays as it is.
///
/// In every block, `j < 8`: `u₁ = 1 − d[j]`, `u₂ = d[j+8]`; `r·cos θ` goes to `d[j]`, `r·sin θ` to
/// `d[j+8]`.
pub(crate) fn transform(d: &mut [f32], mean: f32, std: f32) {
    debug_assert!(d.len() <= GROUP);
    let (blocks, _) = d.as_chunks_mut::<16>();
    // The two halves of every block, one after another: long loops over plain arrays.
    let (mut a, mut b) = ([0.0; HALF], [0.0; HALF]);
    for ((block, a), b) in blocks.iter().zip(a.chunks_mut(8)).zip(b.chunks_mut(8)) {
        a.copy_from_slice(&block[..8]);
        b.copy_from_slice(&block[8..]);
    }
    let n = 8 * blocks.len();
    for (a, b) in a[..n].iter_mut().zip(&mut b[..n]) {
        let radius = (-2.0 * ln(1.0 - *a)).sqrt();
        // In PyTorch the angle is rounded to f32; without that the last digits would differ.
        let (sin, cos) = sin_cos(std::f32::consts::TAU * *b);
        *a = radius * cos * std + mean;
        *b = radius * sin * std + mean;
    }
    for ((block, a), b) in blocks.iter_mut().zip(a.chunks(8)).zip(b.chunks(8)) {
        block[..8].copy_from_slice(a);
        block[8..].copy_from_slice(b);
    }
}

/// The natural logarithm of a normal number in (0, 1].
#[inline(always)]
fn ln(x: f32) -> f32 {
    const LN_2_HIGH: f32 = 0.693_359_4; // 9 bits, so that its multiples are exact
    const LN_2_LOW: f32 = -2.121_944_4e-4;
    const ROOT_HALF: u32 = 0x3f35_04f3;
    // x = 2ᵉ·(1 + f), with 1 + f in [√½, √2).
    let bits = x.to_bits() as i32;
    let e = (bits - ROOT_HALF as i32) >> 23;
    let f = f32::from_bits((bits - (e << 23)) as u32) - 1.0;
    let e = e as f32;
    // ln(1 + f) = f − f²/2 + f³·p(f); f is exact, so the result is good near 1 too.
    let p = [
        -0.076_344_975,
        0.127_615_78,
        -0.131_601_83,
        0.142_017_57,
        -0.166_233_57,
        0.200_012_27,
        -0.250_008_2,
        0.333_333_3,
    ];
    let square = f * f;
    let tail = horner(p, f) * f * square + e * LN_2_LOW;
    tail - 0.5 * square + f + e * LN_2_HIGH
}

/// Sine and cosine of an angle in [0, 2π].
#[inline(always)]
fn sin_cos(angle: f32) -> (f32, f32) {
    // Added to a small number, this leaves the nearest integer in the low bits.
    const ROUND: f32 = 12_582_912.0; // 1.5·2²³
    // π/2 in three parts; the multiples by 0 to 4 of the first two are exact.
    const PARTS: [f32; 3] = [1.570_312_5, 4.837_513e-4, 7.549_79e-8];
    let shifted = angle * std::f32::consts::FRAC_2_PI + ROUND;
    let quadrant = shifted.to_bits();
    let q = shifted - ROUND;
    let y = angle - q * PARTS[0] - q * PARTS[1] - q * PARTS[2];
    let z = y * y;
    let sin = horner([-1.951_73e-4, 8.332_178e-3, -0.166_666_55], z) * z * y + y;
    let cos = horner([2.443_845_2e-5, -1.388_736_8e-3, 0.041_666_646], z) * z * z - 0.5 * z + 1.0;
    // Odd quadrants swap the two; signs: sine in quadrants 2 and 3, cosine in 1 and 2.
    let odd = (quadrant & 1).wrapping_neg();
    let (s, c) = (sin.to_bits(), cos.to_bits());
    let swap = (s ^ c) & odd;
    let sin_sign = (quadrant & 2) << 30;
    let cos_sign = (quadrant.wrapping_add(1) & 2) << 30;
    (f32::from_bits((s ^ swap) ^ sin_sign), f32::from_bits((c ^ swap) ^ cos_sign))
}

/// The polynomial with these coefficients, highest first.
#[inline(always)]
fn horner<const N: usize>(coefficients: [f32; N], x: f32) -> f32 {
    let mut sum = coefficients[0];
    for c in &coefficients[1..] {
        sum = sum * x + c;
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The error in units of the last place of the exact result.
    fn ulps(got: f32, exact: f64) -> f64 {
        let unit = f64::from((exact as f32).abs().next_up() - (exact as f32).abs());
        (f64::from(got) - exact).abs() / unit
    }

    #[test]
    fn the_logarithm_is_good_to_an_ulp_for_every_draw() {
        let mut worst: f64 = 0.0;
        for k in 0..1 << 24 {
            let u = 1.0 - k as f32 / 16_777_216.0;
            worst = worst.max(ulps(ln(u), f64::from(u).ln()));
        }
        assert!(worst < 1.1, "{worst} ulp");
        assert_eq!(ln(1.0), 0.0);
    }

    #[test]
    fn sine_and_cosine_are_good_for_every_draw() {
        let mut worst: f64 = 0.0;
        for k in 0..1 << 24 {
            let angle = std::f32::consts::TAU * (k as f32 / 16_777_216.0);
            let (sin, cos) = sin_cos(angle);
            let (s, c) = f64::from(angle).sin_cos();
            worst = worst.max((f64::from(sin) - s).abs()).max((f64::from(cos) - c).abs());
        }
        assert!(worst < 8e-8, "{worst}");
    }

    #[test]
    fn incomplete_blocks_stay() {
        let mut d = vec![0.5; 40];
        transform(&mut d, 0.0, 1.0);
        assert!(d[..32].iter().all(|&x| x != 0.5) && d[32..].iter().all(|&x| x == 0.5));
    }
}
