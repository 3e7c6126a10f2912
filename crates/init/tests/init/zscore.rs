//! Two-sided z-scores of a sample's moments.

use fanin_init::*;

pub(crate) const FAN_IN: usize = 300;
pub(crate) const FAN_OUT: usize = 200;
pub(crate) const SHAPE: [usize; 2] = [FAN_OUT, FAN_IN];
pub(crate) const SEEDS: u64 = 10;

/// A family of initializers up to mean and scale, by its standardized 4th and 8th moments.
#[derive(Clone, Copy)]
pub(crate) struct Family {
    pub(crate) fourth: f64,
    pub(crate) eighth: f64,
}

pub(crate) const UNIFORM: Family = Family { fourth: 9.0 / 5.0, eighth: 9.0 };
pub(crate) const NORMAL: Family = Family { fourth: 3.0, eighth: 105.0 };

/// A normal cut off at `a` and `b` standard deviations, with its mean and standard deviation.
pub(crate) fn truncated(a: f64, b: f64) -> (Family, f64, f64) {
    const STEPS: usize = 20_000;
    // Midpoint rule: E[f] for f with respect to the density e^(−x²/2) on [a, b].
    let expect = |f: &dyn Fn(f64) -> f64| {
        let (mut sum, mut total) = (0.0, 0.0);
        for i in 0..STEPS {
            let x = a + (b - a) * (i as f64 + 0.5) / STEPS as f64;
            let density = (-0.5 * x * x).exp();
            sum += density * f(x);
            total += density;
        }
        sum / total
    };
    let mean = expect(&|x| x);
    let std = expect(&|x| (x - mean).powi(2)).sqrt();
    let moment = |k| expect(&|x| ((x - mean) / std).powi(k));
    (Family { fourth: moment(4), eighth: moment(8) }, mean, std)
}

/// How many standard errors the sample is from what was expected.
#[derive(Debug)]
pub(crate) struct Z {
    pub(crate) mean: f64,
    pub(crate) variance: f64,
    pub(crate) fourth: f64,
}

impl Z {
    pub(crate) fn of(w: &[f32], mean: f64, variance: f64, family: Family) -> Z {
        let n = w.len() as f64;
        let moment = |k| {
            w.iter().map(|&x| ((f64::from(x) - mean) / variance.sqrt()).powi(k)).sum::<f64>() / n
        };
        let Family { fourth, eighth } = family;
        Z {
            mean: moment(1) * n.sqrt(),
            variance: (moment(2) - 1.0) * (n / (fourth - 1.0)).sqrt(),
            fourth: (moment(4) - fourth) * (n / (eighth - fourth * fourth)).sqrt(),
        }
    }

    pub(crate) fn worst(&self) -> f64 {
        self.mean.abs().max(self.variance.abs()).max(self.fourth.abs())
    }
}

pub(crate) fn sample(initializer: &dyn Initializer, spec: &ParamSpec, seed: u64) -> Vec<f32> {
    initializer.draw(spec, &SHAPE, &mut TorchRng::seed(seed)).into_iter().collect()
}

#[track_caller]
pub(crate) fn assert_moments(
    initializer: &dyn Initializer,
    mean: f64,
    variance: f64,
    family: Family,
) {
    assert_moments_of(initializer, &ParamSpec::weight(FAN_IN, FAN_OUT), mean, variance, family);
}

/// The same for another parameter, of the same shape.
#[track_caller]
pub(crate) fn assert_moments_of(
    initializer: &dyn Initializer,
    spec: &ParamSpec,
    mean: f64,
    variance: f64,
    family: Family,
) {
    for seed in 0..SEEDS {
        let z = Z::of(&sample(initializer, spec, seed), mean, variance, family);
        assert!(z.worst() < 5.0, "{initializer:?}, seed {seed}: {z:?}");
    }
}

pub(crate) const N: f64 = FAN_IN as f64;
pub(crate) const M: f64 = FAN_OUT as f64;
