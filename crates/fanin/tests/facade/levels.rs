//! Every level of vector instructions gives what the others give, up to rounding: products, maps, sums,
//! elementary functions, softmax, and a training.
//!
//! A process has one level for its life. So the test starts itself again for each, with `FANIN_SIMD`
//! set, and compares the bits that its children write.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::process::Command;

use fanin::prelude::*;
use fanin::tensor::gemm::{Mat, gemm, gemm_bias};
use fanin::tensor::map::{Function, apply, map};
use fanin::tensor::simd::{Isa, Level, best, level};
use fanin::tensor::vmath::Math;
use fanin::tensor::{Write, reduce};

type Results = BTreeMap<String, Vec<f32>>;

const DUMP: &str = "FANIN_TEST_DUMP";

/// One of every path, with edges. The fifth is large enough to be packed; of the last, the layer is streamed.
const PRODUCTS: [(usize, usize, usize); 6] =
    [(1, 300, 77), (90, 200, 1), (13, 40, 9), (37, 301, 45), (67, 900, 75), (65, 4095, 131)];

/// In (−1, 1), without a pattern.
fn values(len: usize, seed: u32) -> Vec<f32> {
    let mut state = seed.wrapping_mul(2_654_435_761) | 1;
    (0..len)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 17;
            state ^= state << 5;
            (f64::from(state) / f64::from(u32::MAX) * 2.0 - 1.0) as f32
        })
        .collect()
}

fn results() -> Results {
    let mut results = Results::new();
    for (m, k, n) in PRODUCTS {
        let (a, b) = (values(m * k, 1), values(k * n, 2));
        let mut c = vec![0.0; m * n];
        gemm(Mat::new(&a, m, k), Mat::new(&b, k, n), Write::Set, &mut c);
        results.insert(format!("product {m} {k} {n}"), c.clone());
        gemm_bias(Mat::new(&a, m, k), Mat::new(&b, k, n), &a[..n], &mut c);
        results.insert(format!("bias {m} {k} {n}"), c.clone());
        // As a layer computes it: both contiguous along the sums.
        gemm_bias(Mat::new(&a, m, k), Mat::new(&b, n, k).t(), &a[..n], &mut c);
        results.insert(format!("layer {m} {k} {n}"), c);
    }
    let x = values(5_003, 3);
    let mut y = vec![0.0; x.len()];
    map([&x, &values(x.len(), 4)], Write::Set, &mut y, |[a, b]| a * b + 0.3);
    results.insert("map".into(), y.clone());
    results.insert("dot".into(), vec![reduce::dot(&x, &y)]);
    results.insert("sum".into(), vec![reduce::sum(&x)]);
    results.insert("norm".into(), vec![reduce::norm(&x)]);
    let (mut sums, mut squares) = (vec![0.0; 5], vec![0.0; 5]);
    let both = [(Write::Set, &mut sums[..]), (Write::Set, &mut squares[..])];
    reduce::row_sums([&x[..5_000]], [&y[..5]], both, |[x], [v]| [x, (x - v) * (x - v)]);
    results.extend([("row sums".into(), sums), ("row squares".into(), squares)]);
    let cols = 11;
    let wide: Vec<f32> = x[..cols * 400].iter().map(|x| 8.0 * x).collect();
    let (mut p, mut top, mut log_sum) = (vec![0.0; wide.len()], vec![0.0; 400], vec![0.0; 400]);
    reduce::softmax(&wide, cols, &mut p, &mut top, &mut log_sum);
    results.extend([("softmax".into(), p), ("log sum".into(), log_sum), ("top".into(), top)]);
    macro_rules! over_slices {
        ($($method:ident)*) => {
            [$({
                #[derive(Clone, Copy)]
                struct Of;
                impl Function<f32, 1> for Of {
                    #[inline(always)]
                    fn at<I: Isa>(&self, [x]: [f32; 1]) -> f32 {
                        x.$method::<I>()
                    }
                }
                let run: fn(&[f32], &mut [f32]) = |x, y| apply([x], Write::Set, y, Of);
                (&stringify!($method)[1..], run)
            }),*]
        };
    }
    let functions = over_slices!(vexp vexpm1 vln vln_1p vtanh vsigmoid vsoftplus verf);
    for (name, function) in functions {
        // ln and ln_1p want positive numbers.
        let positive = name.starts_with("ln");
        let x: Vec<f32> =
            x.iter().map(|x| if positive { 20.0 * x.abs() } else { 20.0 * x }).collect();
        let mut y = vec![0.0; x.len()];
        function(&x, &mut y);
        results.insert(format!("function {name}"), y);
    }
    results.insert("training".into(), losses());
    results
}

/// Of twenty steps.
fn losses() -> Vec<f32> {
    manual_seed(1);
    let (x, y) = datasets::mnist_bundled().0.take(128).tensors();
    let mut model = Sequential::new()
        .add(Linear::new(784, 96))
        .add(Gelu)
        .add(Linear::new(96, 33))
        .add(Tanh)
        .add(Linear::new(33, 10));
    let (mut adam, mut tape) = (Adam::new(1e-3), Tape::new());
    let mut step = || {
        let (loss, grads) = tape.value_and_grad(|t| model.forward(t.input(&x)).cross_entropy(&y));
        adam.step(&mut model, grads);
        loss
    };
    (0..20).map(|_| step()).collect()
}

fn write(path: &str, results: &Results) {
    let hex = |values: &[f32]| {
        values.iter().map(|x| format!("{:08x}", x.to_bits())).collect::<Vec<_>>().join(" ")
    };
    let lines = results.iter().map(|(name, values)| format!("{name}: {}\n", hex(values)));
    fs::write(path, lines.collect::<String>()).unwrap();
}

fn read(path: &std::path::Path) -> Results {
    let value = |hex: &str| f32::from_bits(u32::from_str_radix(hex, 16).unwrap());
    let line = |line: &str| {
        let (name, values) = line.split_once(": ").unwrap();
        (name.to_owned(), values.split(' ').map(value).collect())
    };
    fs::read_to_string(path).unwrap().lines().map(line).collect()
}

/// How far apart two results of one name may be, given what they should be about.
fn bounds(name: &str, values: &[f32]) -> Vec<f64> {
    let eps = f64::from(f32::EPSILON);
    let relative = |bound: f64| values.iter().map(|x| bound * f64::from(x.abs())).collect();
    let parts: Vec<&str> = name.split(' ').collect();
    match parts[..] {
        // What is proven for a sum of k products grows with k; errors of either sign leave 0.9 of this 8.
        ["product" | "bias" | "layer", m, k, n] => {
            let [m, k, n] = [m, k, n].map(|text| text.parse::<usize>().unwrap());
            let (a, b) = (values_of(m * k, 1), values_of(k * n, 2));
            let bound = |i: usize, j: usize| {
                let at = |p| if parts[0] == "layer" { j * k + p } else { p * n + j };
                let size: f64 = (0..k).map(|p| (a[i * k + p] * b[at(p)]).abs()).sum();
                8.0 * eps * size
            };
            (0..m * n).map(|at| bound(at / n, at % n)).collect()
        }
        // These round at the same places at every level.
        ["map" | "sum" | "top"] | ["row", "sums" | "squares"] => vec![0.0; values.len()],
        // As a product; no term is larger than 1.3.
        ["dot"] => vec![2.0 * eps * 5_003.0 * 1.3],
        // Two errors of 2 ulp at most; an ulp is up to `eps` relative.
        ["function", _] => relative(4.0 * eps),
        // Half of the error of a sum of squares.
        ["norm"] => relative(8.0 * eps),
        // exp and a sum of eleven.
        ["softmax"] => relative(16.0 * eps),
        ["log", "sum"] => vec![16.0 * eps; values.len()],
        ["training"] => relative(1e-5),
        _ => panic!("no bound for {name}"),
    }
}

fn values_of(len: usize, seed: u32) -> Vec<f64> {
    values(len, seed).into_iter().map(f64::from).collect()
}

/// The largest difference as a share of what is allowed.
fn worst(name: &str, one: &[f32], other: &[f32]) -> f64 {
    assert_eq!(one.len(), other.len(), "{name}");
    let pairs = one.iter().zip(other).zip(bounds(name, one));
    let share = |((&a, &b), bound): ((&f32, &f32), f64)| {
        let difference = (f64::from(a) - f64::from(b)).abs();
        if difference == 0.0 {
            return 0.0;
        }
        let share = difference / bound;
        if share.is_nan() { f64::INFINITY } else { share }
    };
    pairs.map(share).fold(0.0, f64::max)
}

#[test]
fn every_level_gives_the_same_up_to_rounding() {
    if let Ok(path) = env::var(DUMP) {
        assert_eq!(Some(level()), env::var("FANIN_SIMD").ok().and_then(|name| level_named(&name)));
        return write(&path, &results());
    }
    let levels: Vec<&str> = ["portable", "avx2", "avx512"]
        .into_iter()
        .filter(|name| level_named(name).is_some_and(|level| level <= best()))
        .collect();
    eprintln!("this CPU has {levels:?}");
    let of_level = levels.iter().map(|name| {
        let file = format!("fanin-levels-{}-{name}", std::process::id());
        let path = env::temp_dir().join(file);
        let out = Command::new(env::current_exe().unwrap())
            .args(["--exact", "levels::every_level_gives_the_same_up_to_rounding"])
            .env("FANIN_SIMD", name)
            .env(DUMP, &path)
            .output()
            .unwrap();
        assert!(out.status.success(), "{name}:\n{}", String::from_utf8_lossy(&out.stdout));
        let results = read(&path);
        fs::remove_file(path).unwrap();
        results
    });
    let of_level: Vec<Results> = of_level.collect();
    for (i, one) in of_level.iter().enumerate() {
        for (j, other) in of_level.iter().enumerate().skip(i + 1) {
            assert_eq!(one.len(), 36);
            for (name, values) in one {
                let share = worst(name, values, &other[name]);
                let pair = format!("{} and {}", levels[i], levels[j]);
                eprintln!("{name}: {share:.3} of what is allowed between {pair}");
                assert!(share <= 1.0, "{name}: {pair} differ {share} times what is allowed");
            }
        }
    }
}

fn level_named(name: &str) -> Option<Level> {
    match name {
        "portable" => Some(Level::Portable),
        "avx2" => Some(Level::Avx2),
        "avx512" => Some(Level::Avx512),
        _ => None,
    }
}

/// The comparison would notice one element that is wrong by a little more than rounding.
#[test]
fn differences_are_found() {
    let results = results();
    for (name, values) in &results {
        let mut other = values.clone();
        let at = values.len() / 2;
        other[at] += 1e-3 * (other[at].abs() + f32::from(name.contains(char::is_numeric)));
        assert!(worst(name, values, &other) > 1.0, "{name}");
        other[at] = f32::NAN;
        assert!(worst(name, values, &other) > 1.0, "{name}");
    }
}
