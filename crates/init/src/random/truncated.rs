//! Draws from a normal distribution, given that the number lies in a range.
//!
//! Three ways, of which the first two are PyTorch's: to draw normal numbers again until all lie
//! inside, to reject uniform numbers, and a rejection in f64 that is as fast in any tail.

use std::f64::consts::TAU;

use rand::RngCore;

use crate::numerics::erf::erf;
use crate::random::draw::{self, unit_f64};

/// Above this probability of lying inside, PyTorch repeats normal draws. Below it, PyTorch rejects
/// uniform ones.
const MOSTLY_INSIDE: f64 = 0.3;
/// The part of PyTorch's draws that must be kept. It bounds the work: of n numbers, the last one is
/// found after about `ln(n)/(1/16)` attempts, each of which draws n numbers.
const KEPT: f64 = 1.0 / 16.0;

/// The normal of this mean and standard deviation, given that it lies in `[low, high]`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Truncated {
    pub(crate) mean: f64,
    pub(crate) std: f64,
    pub(crate) low: f64,
    pub(crate) high: f64,
}

/// How numbers are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// PyTorch's repeated normal draws.
    Redraw,
    /// PyTorch's rejection of uniform draws.
    Reject,
    /// Rejection in f64, from a distribution that is near.
    Near,
}

impl Truncated {
    /// PyTorch's way, where that keeps enough of its draws, and f32 is fine enough for it.
    pub(crate) fn way(&self) -> Way {
        if self.probability() > MOSTLY_INSIDE {
            let numbers = [self.mean, self.std, self.low, self.high];
            let [mean, std, low, high] = numbers.map(|x| f64::from(x as f32));
            let rounded = Truncated { mean, std, low, high }.probability();
            return if rounded > MOSTLY_INSIDE / 2.0 { Way::Redraw } else { Way::Near };
        }
        let kept = self.acceptance() >= KEPT;
        if kept && self.survives_rounding() { Way::Reject } else { Way::Near }
    }

    pub(crate) fn fill(&self, rng: &mut dyn RngCore, values: &mut [f32]) {
        match self.way() {
            Way::Redraw => self.redraw(rng, values),
            Way::Reject => self.reject(rng, values),
            Way::Near => self.near(rng, values),
        }
    }

    /// How likely the normal is to lie in the range.
    fn probability(&self) -> f64 {
        let cdf = |x: f64| 0.5 * (1.0 + erf((x - self.mean) / self.std / std::f64::consts::SQRT_2));
        cdf(self.high) - cdf(self.low)
    }

    /// The approximate part of uniform draws on the range that is kept.
    ///
    /// Let the densest point of the range be `t` standard deviations from the mean. At `s` standard
    /// deviations from that point a draw is kept with probability `e^(−ts − s²/2)`, whose integral
    /// is about the smaller of 1/t and √(π/2).
    fn acceptance(&self) -> f64 {
        let t = self.distance();
        (1.0 / t).min(1.25).min(self.width()) / self.width()
    }

    /// Whether rounding to f32 leaves the density of [`reject`](Self::reject) as it is.
    fn survives_rounding(&self) -> bool {
        // `step`: how much the logarithm of the density falls from one f32 to the next. `wrong`:
        // the error of that logarithm, from rounding std and the square of the distance.
        let largest = self.mean.abs().max(self.low.abs()).max(self.high.abs());
        let step = (largest * f64::from(f32::EPSILON)).max(1e-45) / self.std;
        let t = self.distance();
        let std = f64::from(self.std as f32);
        let wrong = t * t * ((std / self.std - 1.0).abs() + f64::from(f32::EPSILON));
        t * step + step * step < 1.0 && wrong < 0.01
    }

    /// Whether f32 can tell the numbers apart: they are spread over a quarter of the distance between
    /// two f32 at least.
    pub(crate) fn has_digits(&self) -> bool {
        if self.way() != Way::Near {
            return true;
        }
        let step = (self.densest().abs() * f64::from(f32::EPSILON)).max(1e-45);
        self.std * (1.0 / self.distance()).min(1.0) >= 0.25 * step
    }

    /// From the mean to the densest point, in standard deviations.
    fn distance(&self) -> f64 {
        (self.mean - self.densest()).abs() / self.std
    }

    fn width(&self) -> f64 {
        (self.high - self.low) / self.std
    }

    /// The point of the range where the density is highest.
    fn densest(&self) -> f64 {
        self.mean.clamp(self.low, self.high)
    }

    /// Normal draws. While any value lies outside, as many numbers are drawn again, and the values
    /// outside take theirs.
    fn redraw(&self, rng: &mut dyn RngCore, values: &mut [f32]) {
        let inside = self.low as f32..=self.high as f32;
        draw::normal(rng, values, self.mean, self.std);
        let mut outside = values.iter().filter(|&value| !inside.contains(value)).count();
        while outside > 0 {
            draw::normal_parts(rng, values.len(), self.mean, self.std, &mut |start, fresh| {
                for (value, &fresh) in values[start..].iter_mut().zip(fresh) {
                    if !inside.contains(value) {
                        *value = fresh;
                        outside -= usize::from(inside.contains(&fresh));
                    }
                }
            });
        }
    }

    /// Uniform draws on the range, kept with probability density / highest density.
    fn reject(&self, rng: &mut dyn RngCore, values: &mut [f32]) {
        let (mean, std) = (self.mean as f32, self.std as f32);
        let peak = (-0.5 * self.distance().powi(2)) as f32;
        let mut pending = vec![true; values.len()];
        while pending.contains(&true) {
            draw::uniform_parts(
                rng,
                values.len(),
                self.low,
                self.high,
                &mut |start, candidates| {
                    let candidates = candidates.iter().zip(&pending[start..]);
                    for (value, (&candidate, &pending)) in
                        values[start..].iter_mut().zip(candidates)
                    {
                        if pending {
                            *value = candidate;
                        }
                    }
                },
            );
            draw::uniform_parts(rng, values.len(), 0.0, 1.0, &mut |start, chances| {
                let draws = values[start..].iter().zip(chances);
                for (pending, (&x, &chance)) in pending[start..].iter_mut().zip(draws) {
                    if *pending {
                        let z = (x - mean) / std;
                        // A chance of 0 stands for all below 2⁻²⁴. Its logarithm, −∞, would keep
                        // any number, also where the density is 1e-44 of the highest.
                        *pending = chance == 0.0 || chance.ln() > z * z * -0.5 - peak;
                    }
                }
            });
        }
    }

    /// Draws in f64, one at a time, and rounds. Whatever the range, more than a quarter of the draws
    /// is kept.
    fn near(&self, rng: &mut dyn RngCore, values: &mut [f32]) {
        let (t, width) = (self.distance(), self.width());
        for value in values {
            let x = if t >= 0.5 {
                let s = exponential(rng, t, width);
                let away = if self.mean < self.low { s } else { -s };
                self.densest() + away * self.std
            } else if width <= 3.0 {
                self.among_uniform(rng)
            } else {
                self.among_normal(rng)
            };
            *value = x.clamp(self.low, self.high) as f32;
        }
    }

    fn among_uniform(&self, rng: &mut dyn RngCore) -> f64 {
        loop {
            let x = self.low + (self.high - self.low) * unit_f64(rng);
            let (z, t) = ((x - self.mean) / self.std, self.distance());
            if kept(rng, 0.5 * (z * z - t * t)) {
                return x;
            }
        }
    }

    fn among_normal(&self, rng: &mut dyn RngCore) -> f64 {
        loop {
            let radius = (-2.0 * (-unit_f64(rng)).ln_1p()).sqrt();
            let x = self.mean + self.std * radius * (TAU * unit_f64(rng)).cos();
            if (self.low..=self.high).contains(&x) {
                return x;
            }
        }
    }
}

/// A number `s` in `[0, width]` with density proportional to `e^(−ts − s²/2)`: how far a normal
/// number is beyond `t` standard deviations.
///
/// The exponential distribution of rate t, truncated at the width, has the first factor; the second
/// decides what is kept. That is 43 % at t = 0.5, and nearly all for large t.
///
/// # Reference
/// After Robert 1995, "Simulation of truncated normal variables", section 2, with the rate t.
fn exponential(rng: &mut dyn RngCore, t: f64, width: f64) -> f64 {
    let inside = -(-t * width).exp_m1();
    loop {
        let s = -(-unit_f64(rng) * inside).ln_1p() / t;
        if kept(rng, 0.5 * s * s) {
            return s;
        }
    }
}

/// True with probability `e^(−cost)`.
fn kept(rng: &mut dyn RngCore, cost: f64) -> bool {
    // In (0, 1]: a 0 would keep a value of probability 0.
    1.0 - unit_f64(rng) <= (-cost).exp()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::TorchRng;

    fn range(mean: f64, std: f64, low: f64, high: f64) -> Truncated {
        Truncated { mean, std, low, high }
    }

    /// Gives these words, as uniform draws fetch them.
    struct Words(std::vec::IntoIter<u32>);
    impl RngCore for Words {
        fn next_u32(&mut self) -> u32 {
            self.0.next().expect("no more words are drawn")
        }
        fn next_u64(&mut self) -> u64 {
            unreachable!("uniform numbers take bytes")
        }
        fn fill_bytes(&mut self, bytes: &mut [u8]) {
            for word in bytes.as_chunks_mut::<4>().0 {
                *word = self.next_u32().to_le_bytes();
            }
        }
    }

    #[test]
    fn a_chance_of_zero_keeps_nothing() {
        let tail = range(0.0, 1.0, 1.0, 3.0);
        assert_eq!(tail.way(), Way::Reject);
        // A candidate near 3 with chance 0, which PyTorch keeps; then one near 1 with chance 1/2.
        let words = vec![(1 << 24) - 1, 0, 1 << 20, 1 << 23];
        let mut value = [0.0];
        tail.fill(&mut Words(words.into_iter()), &mut value);
        assert_eq!(value, [1.125]);
    }

    #[test]
    fn every_way_gives_the_same_distribution() {
        // A range that all three can draw: 2.2 standard deviations wide, 0.4 beyond the mean.
        let range = range(1.0, 0.5, 1.2, 2.3);
        type Draw = fn(&Truncated, &mut dyn RngCore, &mut [f32]);
        let moments = |draw: Draw, seed| {
            let mut values = vec![0.0; 200_000];
            draw(&range, &mut TorchRng::seed(seed), &mut values);
            let moment = |k| values.iter().map(|&x| f64::from(x).powi(k)).sum::<f64>() / 2e5;
            [moment(1), moment(2), moment(3)]
        };
        let want = moments(Truncated::redraw, 1);
        let among_normal: Draw = |range, rng, values| {
            values.iter_mut().for_each(|value| *value = range.among_normal(rng) as f32);
        };
        let among_uniform: Draw = |range, rng, values| {
            values.iter_mut().for_each(|value| *value = range.among_uniform(rng) as f32);
        };
        let by_exponential: Draw = |range, rng, values| {
            let (t, width) = (range.distance(), range.width());
            for value in values {
                *value = (range.low + range.std * exponential(rng, t, width)) as f32;
            }
        };
        for (way, draw) in
            [Truncated::reject, Truncated::near, among_normal, among_uniform, by_exponential]
                .into_iter()
                .enumerate()
        {
            let got = moments(draw, 2);
            for (got, want) in got.iter().zip(want) {
                assert!((got / want - 1.0).abs() < 0.006, "way {way}: {got}, not {want}");
            }
        }
    }
}
