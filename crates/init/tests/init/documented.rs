//! Every initializer has the moments that its documentation states, or draws nothing.
//!
//! A new initializer fails these tests until it has a row here, a name in the prelude, and a place
//! in the table of the crate's documentation.

use fanin_init::*;

use crate::zscore::*;

/// What the documentation promises of weights of (200, 300).
enum Documented {
    /// Mean, variance, and the family of the distribution.
    Moments(f64, f64, Family),
    /// No random number: mean and variance of the values, exactly but for rounding.
    Nothing(f64, f64),
    /// Anything else.
    By(fn(&Scheme)),
}
use Documented::{By, Moments, Nothing};

fn parse(text: &str) -> Scheme {
    text.parse().unwrap()
}

/// A row for every initializer, and what it should draw.
fn documented(name: &str) -> (Scheme, Documented) {
    let (cut, _, within_2) = truncated(-2.0, 2.0);
    let ones = 1.0 / N; // the part of a matrix of 200 × 300 that its diagonal is
    match name {
        "zeros" => (Zeros.into(), Nothing(0.0, 0.0)),
        "ones" => (Ones.into(), Nothing(1.0, 0.0)),
        "constant" => (Constant(-0.25).into(), Nothing(-0.25, 0.0)),
        "uniform" => (Uniform::new(-0.2, 0.6).into(), Moments(0.2, 0.64 / 12.0, UNIFORM)),
        "fan_in_uniform" => (FanInUniform.into(), Moments(0.0, 1.0 / (3.0 * N), UNIFORM)),
        "normal" => (Normal::new(0.3, 0.1).into(), Moments(0.3, 0.01, NORMAL)),
        "trunc_normal" => {
            (TruncatedNormal::std(0.1).into(), Moments(0.0, (0.1 * within_2).powi(2), cut))
        }
        "xavier_uniform" => (parse(name), Moments(0.0, 2.0 / (N + M), UNIFORM)),
        "xavier_normal" => (parse(name), Moments(0.0, 2.0 / (N + M), NORMAL)),
        "kaiming_uniform" => (parse(name), Moments(0.0, 2.0 / N, UNIFORM)),
        "kaiming_normal" => (parse(name), Moments(0.0, 2.0 / N, NORMAL)),
        "lecun_uniform" => (parse(name), Moments(0.0, 1.0 / N, UNIFORM)),
        "lecun_untruncated_normal" => (parse(name), Moments(0.0, 1.0 / N, NORMAL)),
        "small_init" => (parse(name), Moments(0.0, 2.0 / (5.0 * N), NORMAL)),
        "variance_scaling" => (parse(name), Moments(0.0, 1.0 / N, cut)),
        "orthogonal" => (Orthogonal::default().gain(3.0).into(), By(orthogonal)),
        "auto" => (parse("auto(mode=fan_out)"), Moments(0.0, 1.0 / M, NORMAL)),
        "identity" => (parse("identity(gain=2)"), Nothing(2.0 * ones, 4.0 * ones * (1.0 - ones))),
        "dirac" | "delta_orthogonal" => (parse(name), By(kernels)),
        "sparse" => {
            let kept = 120.0 / M;
            (Sparse::new(0.4, 0.5).into(), Moments(0.0, 0.25 * kept, thinned(kept)))
        }
        "sparse_rows" => {
            let kept = 15.0 / N;
            (parse(name), Moments(0.0, kept, thinned(kept)))
        }
        "nguyen_widrow" => {
            let length = 4.0 * 0.7 * M.powf(1.0 / N) / 2.0;
            let initializer = NguyenWidrow::new(2.0).form(NguyenWidrowForm::Logsig);
            (initializer.into(), Moments(0.0, length * length / N, UNIFORM))
        }
        "log_prior" => (LogPrior::new(vec![3.0; 200]).into(), By(log_prior)),
        "logit_prior" => (LogitPrior::new(0.2).into(), By(logit_prior)),
        "zero_init" => (parse(name), Nothing(ones, ones * (1.0 - ones))),
        // The identity of 200, and half of it beside it.
        "idinit" => (parse("idinit(loosening=0.1)"), By(idinit)),
        "looks_linear" => (parse(name), By(looks_linear)),
        "randomized_asymmetric" => (parse(name), By(randomized_asymmetric)),
        // Its variance has one less in the denominator.
        "sinusoidal" => (parse(name), Nothing(0.0, 2.0 / (N + M) * (1.0 - 1.0 / (N * M)))),
        "siren" => (parse(name), Moments(0.0, 2.0 / (N * 900.0), UNIFORM)),
        "depth_scaled" => (DepthScaled::new(0.3, 18).into(), Moments(0.0, 0.09 / 18.0, NORMAL)),
        "fixup" => {
            let authors = Fixup::new(9, 2).fan(Fan::Out);
            (authors.into(), Moments(0.0, 2.0 / M / 9.0, NORMAL))
        }
        "random_walk" => (RandomWalk::Tanh.into(), Moments(0.0, 1.13 * 1.13 / N, NORMAL)),
        "edge_of_chaos" => (EdgeOfChaos::with_sigmas(1.5, 0.3).into(), By(edge_of_chaos)),
        _ => panic!("{name} has no row: which moments does its documentation state?"),
    }
}

#[test]
fn every_initializer_has_the_moments_of_its_documentation() {
    let spec = ParamSpec::weight(FAN_IN, FAN_OUT);
    for name in Scheme::names() {
        let (scheme, documented) = documented(name);
        assert_eq!(scheme.name(), name);
        match documented {
            Moments(mean, variance, family) => assert_moments(&scheme, mean, variance, family),
            Nothing(mean, variance) => {
                let mut rng = TorchRng::seed(1);
                let w = scheme.draw(&spec, &SHAPE, &mut rng).mapv(f64::from);
                assert_eq!(rng, TorchRng::seed(1), "{scheme} draws");
                assert!((w.mean().unwrap() - mean).abs() < 1e-8, "{scheme}: {:?}", w.mean());
                assert!(
                    (w.var(0.0) - variance).abs() < 1e-6 * variance + 1e-12,
                    "{scheme}: {}",
                    w.var(0.0)
                );
            }
            By(test) => test(&scheme),
        }
    }
}

/// Of a normal that is set to 0 with probability `1 − kept`.
fn thinned(kept: f64) -> Family {
    Family { fourth: NORMAL.fourth / kept, eighth: NORMAL.eighth / kept.powi(3) }
}

/// Of the entries of random vectors of length 1 and this dimension.
fn of_unit_vectors(dimension: f64) -> Family {
    Family { fourth: 3.0 * dimension / (dimension + 2.0), eighth: 105.0 }
}

#[track_caller]
fn near(values: &[f32], mean: f64, variance: f64, family: Family) {
    let z = Z::of(values, mean, variance, family);
    assert!(z.worst() < 5.0, "{z:?}");
}

fn orthogonal(scheme: &Scheme) {
    for seed in 0..SEEDS {
        let w = sample(scheme, &ParamSpec::weight(FAN_IN, FAN_OUT), seed);
        near(&w, 0.0, 9.0 / N, of_unit_vectors(N));
    }
}

fn looks_linear(scheme: &Scheme) {
    for seed in 0..SEEDS {
        let w = sample(scheme, &ParamSpec::weight(FAN_IN, FAN_OUT), seed);
        assert_eq!(w.iter().map(|&w| f64::from(w)).sum::<f64>(), 0.0, "mirrored");
        let block: Vec<f32> =
            w.chunks(FAN_IN).take(100).flat_map(|row| &row[..150]).copied().collect();
        near(&block, 0.0, 1.0 / 150.0, of_unit_vectors(150.0));
    }
}

fn kernels(scheme: &Scheme) {
    let shape = [200, 150, 3];
    let spec = ParamSpec::for_weight_shape(&shape);
    let w = scheme.draw(&spec, &shape, &mut TorchRng::seed(1));
    let used: Vec<f32> = w.iter().copied().filter(|&w| w != 0.0).collect();
    match scheme {
        Scheme::Dirac(_) => assert_eq!(used, vec![1.0; 150]),
        _ => near(&used, 0.0, 1.0 / 200.0, of_unit_vectors(200.0)),
    }
}

fn log_prior(scheme: &Scheme) {
    let b = scheme.draw(&ParamSpec::bias(FAN_IN, 200), &[200], &mut TorchRng::seed(1));
    assert!(b.iter().all(|b| (b - (1f32 / 200.0).ln()).abs() < 1e-6));
}

fn logit_prior(scheme: &Scheme) {
    let b = scheme.draw(&ParamSpec::bias(FAN_IN, 200), &[200], &mut TorchRng::seed(1));
    assert!(b.iter().all(|b| (b - 0.25f32.ln()).abs() < 1e-6));
}

fn idinit(scheme: &Scheme) {
    for seed in 0..SEEDS {
        let mut w = sample(scheme, &ParamSpec::weight(FAN_IN, FAN_OUT), seed);
        for (i, row) in w.chunks_mut(FAN_IN).enumerate() {
            row[i] -= 1.0;
            if i + FAN_OUT < FAN_IN {
                row[i + FAN_OUT] -= 1.0;
            }
        }
        near(&w, 0.0, 0.01, NORMAL);
    }
}

fn randomized_asymmetric(scheme: &Scheme) {
    // One of 301 entries is Beta(2, 1), with E[xᵏ] = 2/(k + 2); the others are normal.
    let p = 1.0 / (N + 1.0);
    let variance = 0.6007 * 0.6007 / N;
    let (beta, mean) = (|k: f64| 2.0 / (k + 2.0), p * 2.0 / 3.0);
    for seed in 0..SEEDS {
        let w = sample(scheme, &ParamSpec::weight(FAN_IN, FAN_OUT), seed);
        let count = w.len() as f64;
        let moment = |k: i32| w.iter().map(|&w| f64::from(w).powi(k)).sum::<f64>() / count;
        let second = p * beta(2.0) + (1.0 - p) * variance;
        let fourth = p * beta(4.0) + (1.0 - p) * 3.0 * variance * variance;
        let z = [
            (moment(1) - mean) / ((second - mean * mean) / count).sqrt(),
            (moment(2) - second) / ((fourth - second * second) / count).sqrt(),
        ];
        assert!(z.iter().all(|z| z.abs() < 5.0), "seed {seed}: {z:?}");
    }
}

fn edge_of_chaos(scheme: &Scheme) {
    assert_moments(scheme, 0.0, 2.25 / N, NORMAL);
    assert_moments_of(scheme, &ParamSpec::bias(FAN_IN, FAN_OUT), 0.0, 0.09, NORMAL);
}

/// The names of the types in `src/initializers.rs`.
fn types() -> Vec<&'static str> {
    let list = include_str!("../../src/initializers.rs");
    let rows = list.lines().filter_map(|line| {
        let after = line.splitn(3, '"').nth(2)?.trim();
        let (name, _) = after.split_once('(')?;
        after.contains(" = ").then_some(name)
    });
    rows.collect()
}

#[test]
fn every_initializer_is_in_the_prelude_and_in_the_table() {
    let types = types();
    assert_eq!(types.len(), Scheme::names().count(), "{types:?}");
    let prelude = include_str!("../../../fanin/src/prelude.rs");
    let words: Vec<&str> = prelude.split(|c: char| !c.is_alphanumeric() && c != '_').collect();
    let table = include_str!("../../src/lib.rs");
    for name in types {
        assert!(
            words.contains(&name),
            "{name} is missing from the prelude: crates/fanin/src/prelude.rs"
        );
        let listed = table
            .lines()
            .any(|line| line.starts_with("//! | ") && line.contains(&format!("[`{name}")));
        assert!(listed, "{name} is missing from the table in src/lib.rs");
    }
}

/// `golden/presets.txt`: what layers of other frameworks drew.
#[test]
fn presets_draw_what_the_frameworks_draw() {
    let presets = presets::all();
    let mut compared = 0;
    for line in include_str!("../../golden/presets.txt").lines().skip(1) {
        let words: Vec<&str> = line.split(' ').collect();
        let [framework, what, ref numbers @ ..] = words[..] else { panic!("{line}") };
        let (_, preset) = presets.iter().find(|(name, _)| *name == framework).expect("a preset");
        let (spec, initializer) = match what {
            "weight" => (ParamSpec::weight(FAN_IN, FAN_OUT), &preset.weight),
            _ => (ParamSpec::bias(FAN_IN, FAN_OUT), &preset.bias),
        };
        let scaled =
            |seed| sample(initializer, &spec, seed).into_iter().map(|w| f64::from(w) * N.sqrt());
        let ours: Vec<f64> = (0..SEEDS).flat_map(scaled).collect();
        compared += 1;
        if numbers == ["0"] {
            assert!(ours.iter().all(|&b| b == 0.0), "{framework}: the {what} is 0");
            continue;
        }
        let numbers: Vec<f64> = numbers.iter().map(|number| number.parse().unwrap()).collect();
        let [count, least, greatest, square, ref quantiles @ ..] = numbers[..] else {
            panic!("{line}")
        };
        assert_eq!(quantiles.len(), 15);
        let error = (1.0 / ours.len() as f64 + 1.0 / count).sqrt();
        for (k, &quantile) in quantiles.iter().enumerate() {
            let p = (k + 1) as f64 / 16.0;
            let below = ours.iter().filter(|&&x| x <= quantile).count() as f64 / ours.len() as f64;
            let z = (below - p) / (p * (1.0 - p)).sqrt() / error;
            assert!(z.abs() < 5.0, "{framework}, {what}, quantile {}: z = {z}", k + 1);
        }
        // None of these distributions has heavier tails than the truncated normal.
        let ours_square = ours.iter().map(|x| x * x).sum::<f64>() / ours.len() as f64;
        let z = (ours_square / square - 1.0) / error / (truncated(-2.0, 2.0).0.fourth - 1.0).sqrt();
        assert!(z.abs() < 5.0, "{framework}, {what}: squares of {ours_square}, not {square}");
        let (a, b) = ours.iter().fold((0.0f64, 0.0f64), |(a, b), &x| (a.min(x), b.max(x)));
        let near = 100.0 / count.min(ours.len() as f64);
        assert!(
            (a / least - 1.0).abs() < near && (b / greatest - 1.0).abs() < near,
            "{framework}: {a} to {b}"
        );
    }
    assert_eq!(compared, 12);
}
