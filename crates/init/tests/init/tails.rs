//! Truncated normals in any tail: their quantiles and moments, by `golden/tails.py`, and the work
//! that a draw takes.

use fanin_init::rand::RngCore;
use fanin_init::*;

/// A generator that counts the words of 32 bits it gives.
struct Counted {
    rng: TorchRng,
    words: usize,
}

impl Counted {
    fn seed(seed: u64) -> Self {
        Counted { rng: TorchRng::seed(seed), words: 0 }
    }
}

impl RngCore for Counted {
    fn next_u32(&mut self) -> u32 {
        self.words += 1;
        self.rng.next_u32()
    }
    fn next_u64(&mut self) -> u64 {
        self.words += 2;
        self.rng.next_u64()
    }
    fn fill_bytes(&mut self, bytes: &mut [u8]) {
        self.words += bytes.len() / 4;
        self.rng.fill_bytes(bytes);
    }
}

const COUNT: usize = 60_000;

fn draw(initializer: &dyn Initializer, rng: &mut dyn RngCore) -> Vec<f32> {
    initializer.draw(&ParamSpec::weight(300, 200), &[200, 300], rng).into_iter().collect()
}

#[test]
fn quantiles_and_moments_are_those_of_60_digits() {
    let lines: Vec<&str> = include_str!("../../golden/tails.txt").lines().skip(1).collect();
    assert!(lines.len() >= 19, "{} ranges", lines.len());
    for line in lines {
        let numbers: Vec<f64> = line.split(' ').map(|word| word.parse().unwrap()).collect();
        let &[mean, std, low, high, first, deviation, ref quantiles @ ..] = &*numbers else {
            panic!("{line}")
        };
        assert_eq!(quantiles.len(), 15);
        let initializer = TruncatedNormal::new(mean, std, low, high);
        let edge = mean.clamp(low, high);
        let towards = if mean < low { 1.0 } else { -1.0 };
        for seed in 0..3 {
            let w = draw(&initializer, &mut TorchRng::seed(seed));
            assert!(w.iter().all(|x| (low as f32..=high as f32).contains(x)), "{line}");
            let s: Vec<f64> = w.iter().map(|&x| towards * (f64::from(x) - edge) / std).collect();
            let n = COUNT as f64;
            for (k, quantile) in quantiles.iter().enumerate() {
                let p = (k + 1) as f64 / 16.0;
                let below = s.iter().filter(|s| *s <= quantile).count() as f64;
                let z = (below - n * p) / (n * p * (1.0 - p)).sqrt();
                assert!(z.abs() < 5.0, "{initializer:?}, quantile {}: z = {z}", k + 1);
            }
            let z = (s.iter().sum::<f64>() / n - first) / deviation * n.sqrt();
            assert!(z.abs() < 5.0, "{initializer:?}: the mean has z = {z}");
            // The kurtosis is at most that of the exponential distribution, 9.
            let square = s.iter().map(|s| (s - first).powi(2)).sum::<f64>() / n;
            let z = (square / deviation.powi(2) - 1.0) * (n / 8.0).sqrt();
            assert!(z.abs() < 5.0, "{initializer:?}: the variance has z = {z}");
            // What is less likely than 1e-9 does not occur in 60,000 numbers: e^(−ts) of it is left.
            let largest = s.iter().fold(0.0f64, |largest, &s| largest.max(s));
            assert!(largest < 25.0 * first, "{initializer:?}: {largest} deviations from the bound");
        }
    }
}

#[test]
fn the_reported_range_has_no_impossible_weights() {
    // Seven of these weights were 15 to 100 standard deviations from the mean.
    let initializer = TruncatedNormal::new(0.0, 0.02, 0.1, 2.0);
    for seed in 0..3 {
        let spec = ParamSpec::weight(784, 128);
        let w = initializer.draw(&spec, &[128, 784], &mut TorchRng::seed(seed));
        let largest = w.iter().fold(0.0f32, |largest, x| largest.max(*x));
        assert!((0.125..0.152).contains(&largest), "{largest}"); // P(x > 0.152) is 5e-8
    }
}

#[test]
fn every_range_takes_little_work() {
    let distances = [0.0f64, 0.3, 0.5, 0.52, 0.6, 1.0, 2.0, 5.0, 8.3, 40.0, 300.0, 1e4, 1e8, 1e20];
    let widths =
        [1e-3f64, 0.1, 0.5, 0.8, 1.0, 2.0, 3.0, 5.0, 8.0, 15.0, 30.0, 1e3, 1e6, 1e12, 1e25];
    let (mut accepted, mut refused) = (0, 0);
    for (std, mean) in [(1.0f64, 0.0f64), (0.02, 0.0), (1e-9, 1.0), (3e4, -1e6), (1e-38, 1e-30)] {
        for distance in distances {
            for width in widths {
                for below in [false, true] {
                    let near = mean + if below { -distance } else { distance } * std;
                    let far = near + if below { -width } else { width } * std;
                    let text = format!(
                        "trunc_normal({mean:?}, {std:?}, {:?}, {:?})",
                        near.min(far),
                        near.max(far)
                    );
                    let Ok(initializer) = text.parse::<Scheme>() else {
                        refused += 1;
                        continue;
                    };
                    accepted += 1;
                    let mut rng = Counted::seed(7);
                    let mut w = vec![f32::NAN; 2000];
                    let view = ndarray::ArrayViewMut1::from(&mut w[..]).into_dyn();
                    initializer.fill(&ParamSpec::bias(1, 2000), &mut rng, view);
                    assert!(
                        w.iter().all(|x| (near.min(far) as f32..=near.max(far) as f32).contains(x)),
                        "{text}"
                    );
                    // ln(2000) · 16 · 2 words are 243. Near t = 1 the share that is kept is estimated
                    // half too high.
                    let each = rng.words / 2000;
                    assert!(each <= 450, "{text} takes {each} words for a number");
                }
            }
        }
    }
    assert!(accepted > 900 && refused > 300, "{accepted} accepted, {refused} refused");
}
