//! Every random initializer has the mean, variance and fourth moment that its documentation states.
//!
//! Two-sided z-scores on 300 × 200 weights. The fans differ, so that swapped fans are seen. A
//! correct initializer stays within 5 standard errors; the test at the end shows the z-scores of
//! wrong ones.

use fanin_init::ndarray::ArrayD;
use fanin_init::rand::SeedableRng;
use fanin_init::rand::rngs::StdRng;
use fanin_init::*;

use crate::zscore::*;

#[test]
fn initializers_of_given_numbers() {
    assert_moments(&Uniform::new(-0.2, 0.6), 0.2, 0.8 * 0.8 / 12.0, UNIFORM);
    assert_moments(&Normal::new(0.3, 0.1), 0.3, 0.01, NORMAL);
    assert_moments(
        &FromDistribution(rand_distr::Normal::new(0.3f32, 0.1).unwrap()),
        0.3,
        0.01,
        NORMAL,
    );
    let uniform = rand_distr::Uniform::new(-0.2, 0.6).unwrap();
    assert_moments(&FromDistribution::from_f64(uniform), 0.2, 0.8 * 0.8 / 12.0, UNIFORM);
}

#[test]
fn initializers_of_fan_in() {
    assert_moments(&FanInUniform, 0.0, 1.0 / (3.0 * N), UNIFORM);
    assert_moments(&KaimingUniform::torch_default(), 0.0, 1.0 / (3.0 * N), UNIFORM);
    assert_moments(&KaimingUniform::default(), 0.0, 2.0 / N, UNIFORM);
    assert_moments(&KaimingNormal::default(), 0.0, 2.0 / N, NORMAL);
    assert_moments(&LecunUniform, 0.0, 1.0 / N, UNIFORM);
    assert_moments(&LecunNormal, 0.0, 1.0 / N, NORMAL);
    assert_moments(&KaimingNormal::default().gain(3.0), 0.0, 9.0 / N, NORMAL);
    let leaky = KaimingUniform::default().nonlinearity(Nonlinearity::LeakyRelu(0.5));
    assert_moments(&leaky, 0.0, 2.0 / 1.25 / N, UNIFORM);
}

#[test]
fn initializers_of_other_fans() {
    assert_moments(&XavierUniform::default(), 0.0, 2.0 / (N + M), UNIFORM);
    assert_moments(&XavierNormal::default(), 0.0, 2.0 / (N + M), NORMAL);
    let tanh = XavierNormal::default().gain(Nonlinearity::Tanh);
    assert_moments(&tanh, 0.0, 25.0 / 9.0 * 2.0 / (N + M), NORMAL);
    assert_moments(&KaimingUniform::default().fan(Fan::Out), 0.0, 2.0 / M, UNIFORM);
    assert_moments(&KaimingNormal::default().fan(Fan::Out), 0.0, 2.0 / M, NORMAL);
    assert_moments(&KaimingNormal::default().fan(Fan::Average), 0.0, 4.0 / (N + M), NORMAL);
}

#[test]
fn variance_scaling_in_all_forms() {
    let (cut, mean, _) = truncated(-2.0, 2.0);
    assert!(mean.abs() < 1e-12);
    let distributions = [
        (Distribution::Uniform, UNIFORM),
        (Distribution::Normal, NORMAL),
        (Distribution::TruncatedNormal, cut),
    ];
    for (distribution, family) in distributions {
        for (fan, count) in [
            (Fan::In, N),
            (Fan::Out, M),
            (Fan::Average, (N + M) / 2.0),
            (Fan::GeometricAverage, (N * M).sqrt()),
        ] {
            let scaling = VarianceScaling::new(1.5).fan(fan).distribution(distribution);
            assert_moments(&scaling, 0.0, 1.5 / count, family);
        }
    }
}

#[test]
fn initializers_of_papers_that_no_framework_has() {
    for position in [Position::First, Position::Hidden, Position::Last] {
        let bound: f64 =
            if position == Position::First { 1.0 / N } else { (6.0 / N).sqrt() / 12.0 };
        let initializer = Siren::new(position).omega0(12.0);
        assert_moments(&initializer, 0.0, bound * bound / 3.0, UNIFORM);
    }
    assert_moments(&DepthScaled::new(0.3, 18), 0.0, 0.09 / 18.0, NORMAL);
    assert_moments(&DepthScaled::gpt2(6), 0.0, 0.0004 / 12.0, NORMAL);
    // Twelve branches of three layers: a standard deviation divided by 12^(1/4).
    assert_moments(&Fixup::new(12, 3), 0.0, 2.0 / N / 12f64.sqrt(), NORMAL);
    let base = KaimingNormal::default().gain(1.0).fan(Fan::Out);
    assert_moments(&Fixup::new(12, 2).base(base), 0.0, 1.0 / M / 12.0, NORMAL);
    assert_moments(&RandomWalk::Linear, 0.0, (1.0 / N).exp() / N, NORMAL);
    assert_moments(&RandomWalk::Relu, 0.0, 2.0 * (2.4 / (N - 2.4)).exp() / N, NORMAL);
    assert_moments(&RandomWalk::Tanh, 0.0, 1.13 * 1.13 / N, NORMAL);
}

#[test]
fn truncated_normals() {
    // Those that redraw, and those that reject; in the middle, and in a tail.
    for [mean, std, low, high] in
        [[0.0, 0.5, -1.0, 1.0], [1.0, 2.0, -1.0, 1.5], [0.0, 1.0, 1.0, 3.0], [3.0, 0.5, 0.0, 1.0]]
    {
        let (family, m, s) = truncated((low - mean) / std, (high - mean) / std);
        let initializer = TruncatedNormal::new(mean, std, low, high);
        assert_moments(&initializer, mean + std * m, (std * s).powi(2), family);
        let w = sample(&initializer, &ParamSpec::weight(1, 1), 99);
        assert!(w.iter().all(|&x| (low as f32..=high as f32).contains(&x)));
    }
    let (family, _, s) = truncated(-2.0, 2.0);
    assert_moments(&TruncatedNormal::std(0.1), 0.0, (0.1 * s).powi(2), family);
}

#[test]
fn an_orthogonal_matrix_has_no_favourite_sign_or_entry() {
    // The sum of squares is fixed; entries of a random unit vector have fourth moment 3n/(n + 2).
    let n = FAN_IN as f64;
    let spec = ParamSpec::weight(FAN_IN, FAN_OUT);
    for seed in 0..SEEDS {
        let w = sample(&Orthogonal::default().gain(3.0), &spec, seed);
        let z = Z::of(&w, 0.0, 9.0 / n, Family { fourth: 3.0 * n / (n + 2.0), eighth: 105.0 });
        assert!(z.worst() < 5.0, "seed {seed}: {z:?}");
        assert!(z.variance.abs() < 1e-3, "seed {seed}: {z:?}");
        // Without the sign rule the diagonal of the first columns would be mostly negative.
        let diagonal: f64 = (0..FAN_OUT).map(|i| f64::from(w[i * FAN_IN + i].signum())).sum();
        assert!(diagonal.abs() < 5.0 * (FAN_OUT as f64).sqrt(), "seed {seed}: {diagonal}");
    }
}

#[test]
fn other_generators_give_the_same_distribution() {
    let spec = ParamSpec::weight(FAN_IN, FAN_OUT);
    let initializer = KaimingNormal::default();
    let w: ArrayD<f32> = initializer.draw(&spec, &SHAPE, &mut StdRng::seed_from_u64(1));
    let z = Z::of(w.as_slice().unwrap(), 0.0, 2.0 / N, NORMAL);
    assert!(z.worst() < 5.0, "{z:?}");
}

#[test]
fn small_draws_have_the_same_distribution() {
    // Fewer than 16 numbers at a time are drawn by other code.
    let mut rng = TorchRng::seed(2);
    let spec = ParamSpec::bias(1, 7);
    let w: Vec<f32> =
        (0..8000).flat_map(|_| Normal::new(0.0, 2.0).draw(&spec, &[7], &mut rng)).collect();
    let z = Z::of(&w, 0.0, 4.0, NORMAL);
    assert!(z.worst() < 5.0, "{z:?}");
}

/// The z-scores that these tests give for usual mistakes.
#[test]
fn mistakes_are_seen() {
    let right = ParamSpec::weight(FAN_IN, FAN_OUT);
    let swapped = ParamSpec::weight(FAN_OUT, FAN_IN);
    for (initializer, family) in [
        (&KaimingNormal::default() as &dyn Initializer, NORMAL),
        (&KaimingUniform::default(), UNIFORM),
    ] {
        let z =
            |spec, variance| Z::of(&sample(initializer, spec, 0), 0.0, variance, family).variance;
        assert!(z(&right, 2.0 / N).abs() < 5.0);
        assert!(z(&swapped, 2.0 / N) > 50.0, "swapped fans: z = {}", z(&swapped, 2.0 / N));
        assert!(z(&right, 1.0 / N) > 100.0, "a forgotten √2: z = {}", z(&right, 1.0 / N));
    }
    let seen = |initializer: &dyn Initializer, spec, variance, family| {
        Z::of(&sample(initializer, spec, 0), 0.0, variance, family).variance
    };
    let first = (Siren::new(Position::First), 1.0 / (3.0 * N * N));
    let hidden = (Siren::default(), 2.0 / (N * 900.0));
    for (initializer, variance) in [first, hidden] {
        assert!(
            seen(&initializer, &swapped, variance, UNIFORM) > 50.0,
            "{initializer:?}: swapped fans"
        );
    }
    let z = seen(&Siren::default().omega0(1.0), &right, hidden.1, UNIFORM);
    assert!(z > 100.0, "a forgotten ω₀: z = {z}");
    for initializer in [&Fixup::new(12, 2) as &dyn Initializer, &RandomWalk::Relu] {
        assert!(
            seen(initializer, &swapped, 2.0 / N / 12.0, NORMAL) > 50.0,
            "{initializer:?}: swapped fans"
        );
    }
    let z = seen(&KaimingNormal::default(), &right, 2.0 / N / 12.0, NORMAL);
    assert!(z > 100.0, "a forgotten depth: z = {z}");
    let z = seen(&Normal::new(0.0, 0.02), &right, 0.0004 / 12.0, NORMAL);
    assert!(z > 100.0, "a forgotten depth: z = {z}");
    let w = sample(&KaimingNormal::default(), &right, 0);
    let z = Z::of(&w, 0.0, 2.0 / N, UNIFORM);
    assert!(z.fourth > 50.0, "a normal that should be uniform: {z:?}");
    let cut = sample(&TruncatedNormal::std((2.0 / N).sqrt()), &right, 0);
    let z = Z::of(&cut, 0.0, 2.0 / N, NORMAL);
    assert!(z.variance < -30.0, "truncation without correction: {z:?}");
}
