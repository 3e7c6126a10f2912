//! The documented moments of presets, of initializers with zeros, and of initializers for biases.

use crate::zscore::*;
use fanin_init::*;

/// Of a normal that is set to 0 with probability `1 − kept`.
fn thinned(kept: f64) -> Family {
    Family { fourth: NORMAL.fourth / kept, eighth: NORMAL.eighth / kept.powi(3) }
}

#[test]
fn the_three_senses_of_a_truncated_normal() {
    let (cut, _, s) = truncated(-2.0, 2.0);
    let weight = ParamSpec::weight(FAN_IN, FAN_OUT);
    let greatest = |initializer| {
        sample(&initializer, &weight, 1)
            .into_iter()
            .fold(0.0, |greatest: f32, x| greatest.max(x.abs()))
    };
    // PyTorch's: bounds that are values, and far away.
    assert_moments(&TruncatedNormal::new(0.0, 0.1, -2.0, 2.0), 0.0, 0.01, NORMAL);
    // Keras' and JAX': what is left of it.
    assert_moments(&TruncatedNormal::std(0.1), 0.0, 0.01 * s * s, cut);
    assert!((0.1999..=0.2).contains(&greatest(TruncatedNormal::std(0.1))));
    // Within variance_scaling: as stated.
    assert_moments(&TruncatedNormal::corrected(0.1), 0.0, 0.01, cut);
    assert!((0.2272..=0.2274).contains(&greatest(TruncatedNormal::corrected(0.1))));
}

#[test]
fn a_geometric_average() {
    // Fans so different that no other average is near: √(30·2000) = 245.
    let spec = ParamSpec::weight(30, 2000);
    let initializer = VarianceScaling::new(2.0).fan(Fan::GeometricAverage);
    let (cut, _, _) = truncated(-2.0, 2.0);
    for (initializer, family) in [
        (initializer, cut),
        (initializer.distribution(Distribution::Uniform), UNIFORM),
        (initializer.distribution(Distribution::Normal), NORMAL),
    ] {
        assert_moments_of(&initializer, &spec, 0.0, 2.0 / 60_000f64.sqrt(), family);
    }
}

#[test]
fn sparse_initializers() {
    // ⌈0.333·200⌉ = 67 zeros a column.
    let kept = 133.0 / M;
    assert_moments(&Sparse::new(0.333, 0.5), 0.0, 0.25 * kept, thinned(kept));
    let kept = 15.0 / N;
    assert_moments(&SparseRows::default(), 0.0, kept, thinned(kept));
    let kept = 90.0 / N;
    assert_moments(&SparseRows::new(90, 0.1), 0.0, 0.01 * kept, thinned(kept));
}

#[test]
fn nguyen_widrow() {
    // The elements were uniform, and 300 of them have nearly the same length in every unit.
    let reach = 0.7 * M.powf(1.0 / N);
    assert_moments(&NguyenWidrow::default(), 0.0, reach.powi(2) / N, UNIFORM);
    assert_moments(&NguyenWidrow::new(2.0), 0.0, reach.powi(2) / 4.0 / N, UNIFORM);
    // A bias beside a weight of few inputs, whatever the range of these.
    let bias = ParamSpec::bias(3, 20);
    let variance = (0.7 * 20f64.cbrt()).powi(2) / 3.0;
    assert_moments_of(&NguyenWidrow::default(), &bias, 0.0, variance, UNIFORM);
    assert_moments_of(&NguyenWidrow::new(5.0), &bias, 0.0, variance, UNIFORM);
}

#[test]
fn delta_orthogonal() {
    // The centre of a kernel of 3: entries of random unit vectors of length `out`.
    let out = 200.0;
    let family = Family { fourth: 3.0 * out / (out + 2.0), eighth: 105.0 };
    let shape = [200, 150, 3];
    let spec = ParamSpec::for_weight_shape(&shape);
    for seed in 0..SEEDS {
        let initializer = DeltaOrthogonal::default().gain(3.0);
        let w = initializer.draw(&spec, &shape, &mut TorchRng::seed(seed));
        let centre: Vec<f32> = w.iter().copied().filter(|&x| x != 0.0).collect();
        assert_eq!(centre.len(), 200 * 150);
        let z = Z::of(&centre, 0.0, 9.0 / out, family);
        assert!(z.worst() < 5.0 && z.variance.abs() < 1e-3, "seed {seed}: {z:?}");
    }
}

#[test]
fn presets_of_other_frameworks() {
    let (cut, _, _) = truncated(-2.0, 2.0);
    let third = 1.0 / (3.0 * N);
    for (preset, variance, family, bias_variance) in [
        (presets::torch(), third, UNIFORM, third),
        (presets::keras(), 2.0 / (N + M), UNIFORM, 0.0),
        (presets::flax(), 1.0 / N, cut, 0.0),
        (presets::candle(), 2.0 / N, NORMAL, third),
        (presets::tch(), 2.0 / N, UNIFORM, third),
        (presets::burn(), third, UNIFORM, third),
    ] {
        assert_moments(&preset.weight, 0.0, variance, family);
        let bias = ParamSpec::bias(FAN_IN, FAN_OUT);
        if bias_variance == 0.0 {
            assert!(sample(&preset.bias, &bias, 0).iter().all(|&b| b == 0.0), "{preset:?}");
        } else {
            assert_moments_of(&preset.bias, &bias, 0.0, bias_variance, UNIFORM);
        }
    }
}

/// The z-scores that these tests give for usual mistakes.
#[test]
fn mistakes_are_seen() {
    let right = ParamSpec::weight(FAN_IN, FAN_OUT);
    let swapped = ParamSpec::weight(FAN_OUT, FAN_IN);
    let (cut, _, _) = truncated(-2.0, 2.0);
    let geometric = VarianceScaling::new(2.0).fan(Fan::GeometricAverage);
    for (initializer, spec, variance, family, mistake) in [
        (&presets::flax().weight as &dyn Initializer, &swapped, 1.0 / N, cut, "swapped fans"),
        (&presets::torch().weight, &swapped, 1.0 / (3.0 * N), UNIFORM, "swapped fans"),
        (&presets::burn().bias, &swapped, 1.0 / (3.0 * N), UNIFORM, "swapped fans"),
        (&presets::tch().weight, &right, 1.0 / N, UNIFORM, "a forgotten √2"),
        (&presets::candle().weight, &right, 1.0 / N, NORMAL, "a forgotten √2"),
        (&presets::torch().weight, &right, 1.0 / N, UNIFORM, "a forgotten factor of 3"),
        (&presets::flax().weight, &right, 1.0 / N, NORMAL, "a normal that is not truncated"),
        (&TruncatedNormal::std(0.1), &right, 0.01, cut, "truncation without correction"),
        (&TruncatedNormal::corrected(0.1), &right, 0.01 / 0.774, cut, "twice corrected"),
        (&geometric, &ParamSpec::weight(30, 2000), 4.0 / 2030.0, cut, "another average"),
        (&SparseRows::default(), &right, 15.0 / M, thinned(15.0 / M), "rows for columns"),
        (&Sparse::new(0.333, 0.5), &right, 0.25, NORMAL, "no zeros"),
        (&NguyenWidrow::new(2.0), &right, 0.49 / N, UNIFORM, "a forgotten range"),
        (
            &NguyenWidrow::default(),
            &ParamSpec::bias(20, 3),
            (0.7 * 20f64.cbrt()).powi(2) / 3.0,
            UNIFORM,
            "swapped fans",
        ),
    ] {
        let z = Z::of(&sample(initializer, spec, 0), 0.0, variance, family);
        assert!(z.worst() > 8.0, "{initializer:?}, {mistake}: {z:?}");
    }
}
