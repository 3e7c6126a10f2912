//! Every function of `vmath` against f64, in units of the last place, at every level of this CPU.

use fanin_tensor::simd::{self, Isa, Kernel, Level, best, dispatch_at};
use fanin_tensor::vmath::Math;

use crate::functions;

/// A function under test, its reference, and its documented error.
struct Function {
    name: &'static str,
    run: fn(Level, &[f32], &mut [f32]),
    reference: fn(f64) -> f64,
    /// In ulp, for every level.
    bound: f64,
}

macro_rules! function {
    ($name:literal, $method:ident, $reference:expr, $bound:expr) => {
        Function {
            name: $name,
            run: |level, x, y| {
                struct Run<'a>(&'a [f32], &'a mut [f32]);
                impl Kernel for Run<'_> {
                    type Output = ();
                    #[inline(always)]
                    fn run<I: Isa>(self) {
                        for (y, x) in self.1.iter_mut().zip(self.0) {
                            *y = x.$method::<I>();
                        }
                    }
                }
                dispatch_at(level, Run(x, y));
            },
            reference: $reference,
            bound: $bound,
        }
    };
}

/// The bounds are those of the table in src/vmath.rs.
const FUNCTIONS: [Function; 8] = [
    function!("exp", vexp, f64::exp, 1.1),
    function!("expm1", vexpm1, f64::exp_m1, 1.4),
    function!("ln", vln, f64::ln, 0.9),
    function!("ln_1p", vln_1p, f64::ln_1p, 1.5),
    function!("tanh", vtanh, f64::tanh, 1.5),
    function!("sigmoid", vsigmoid, |x| 1.0 / (1.0 + (-x).exp()), 2.0),
    function!("softplus", vsoftplus, |x| x.max(0.0) + (-x.abs()).exp().ln_1p(), 1.8),
    function!("erf", verf, erf_f64, 1.5),
];

fn erf_f64(x: f64) -> f64 {
    erf_f64_at(best(), x)
}

fn erf_f64_at(level: Level, x: f64) -> f64 {
    struct Run(f64);
    impl Kernel for Run {
        type Output = f64;
        #[inline(always)]
        fn run<I: Isa>(self) -> f64 {
            self.0.verf::<I>()
        }
    }
    dispatch_at(level, Run(x))
}

/// The levels that this CPU has.
fn levels() -> impl Iterator<Item = Level> {
    [Level::Portable, Level::Avx2, Level::Avx512].into_iter().filter(|&level| level <= best())
}

/// |y − reference| in units of the last place of an `f32` at the reference. 0 if the reference rounds to
/// y.
fn ulps(y: f32, reference: f64) -> f64 {
    let rounded = reference as f32;
    if y.to_bits() == rounded.to_bits() || (y.is_nan() && reference.is_nan()) {
        return 0.0;
    }
    if y.is_nan() || reference.is_nan() || y.is_sign_positive() != rounded.is_sign_positive() {
        return f64::INFINITY;
    }
    // ∞ counts as 2¹²⁸, the next power of two after the largest number.
    let wide = |v: f64| if v.is_infinite() { 2f64.powi(128).copysign(v) } else { v };
    let exponent = ((reference.abs().to_bits() >> 52) as i32 - 1023).clamp(-126, 127);
    (wide(f64::from(y)) - wide(reference)).abs() / 2f64.powi(exponent - 23)
}

/// For each level the largest error over every `step`th bit pattern, and where it occurs.
fn worst(function: &Function, step: usize) -> Vec<(Level, f64, f32)> {
    let mut worst: Vec<_> = levels().map(|level| (level, -1.0, 0.0)).collect();
    let mut inputs = (0..=u32::MAX).step_by(step).map(f32::from_bits);
    let (mut x, mut reference, mut y) = (Vec::new(), Vec::new(), vec![0.0; 4096]);
    loop {
        x.clear();
        x.extend(inputs.by_ref().take(y.len()));
        if x.is_empty() {
            return worst;
        }
        reference.clear();
        reference.extend(x.iter().map(|&x| (function.reference)(f64::from(x))));
        for (level, largest, at) in &mut worst {
            (function.run)(*level, &x, &mut y[..x.len()]);
            for ((&x, &y), &reference) in x.iter().zip(&y).zip(&reference) {
                let error = ulps(y, reference);
                if error > *largest {
                    (*largest, *at) = (error, x);
                }
            }
        }
    }
}

fn check(step: usize) {
    let check_one = |function: &Function| {
        for (level, error, at) in worst(function, step) {
            println!("{:8} {:8} {error:.3} ulp at {at:e}", function.name, format!("{level:?}"));
            assert!(
                error <= function.bound,
                "{} at {level:?}: {error} ulp at {at:e} ({:#x}), documented as {}",
                function.name,
                at.to_bits(),
                function.bound
            );
        }
    };
    std::thread::scope(|scope| {
        for function in &FUNCTIONS {
            scope.spawn(|| check_one(function));
        }
    });
}

/// 257 is odd, so every exponent, both signs and every pattern of low bits occur.
#[test]
fn every_257th_number_is_within_the_documented_error() {
    check(257);
}

/// `cargo test --release -p fanin-tensor --test kernels vmath::every_number -- --ignored --nocapture`
#[test]
#[ignore = "takes ten minutes on two cores"]
fn every_number_is_within_the_documented_error() {
    check(1);
}

/// The ends of the range, zero, and both sides of every bound between two formulas.
const SPECIAL: [f32; 36] = [
    0.0,
    f32::MIN_POSITIVE,
    1e-45,
    1.1754942e-38, // the largest subnormal number
    1e-20,
    5.9604645e-8,
    1e-8,
    1.0000001e-8,
    0.25,
    0.41421354,
    0.41421357,
    0.54999995,
    0.55,
    std::f32::consts::FRAC_1_SQRT_2,
    std::f32::consts::LN_2,
    0.3465736,
    0.99999994,
    1.0,
    1.0000001,
    std::f32::consts::SQRT_2,
    3.919206,
    4.0,
    9.010913,
    10.0,
    16_777_216.0,
    17.0,
    20.0,
    87.33655,
    88.72283,
    88.72284,
    89.0,
    103.97208,
    104.0,
    f32::MAX,
    f32::INFINITY,
    f32::NAN,
];

#[test]
fn special_values_are_within_the_documented_error() {
    let x: Vec<f32> = SPECIAL.into_iter().flat_map(|x| [x, -x]).collect();
    let mut y = vec![0.0; x.len()];
    for function in &FUNCTIONS {
        for level in levels() {
            (function.run)(level, &x, &mut y);
            for (&x, &y) in x.iter().zip(&y) {
                let error = ulps(y, (function.reference)(f64::from(x)));
                assert!(
                    error <= function.bound,
                    "{}({x:e}) = {y:e} at {level:?}, {error} ulp away",
                    function.name
                );
            }
        }
    }
}

/// The vectorized part of a loop and its scalar remainder must agree. Otherwise a result would depend on
/// the number of threads.
#[test]
fn a_result_does_not_depend_on_its_place_in_the_slice() {
    // All NaNs count as equal.
    let bits = |y: f32| if y.is_nan() { f32::NAN.to_bits() } else { y.to_bits() };
    let ordinary = (0..200).map(|i| (i as f32 - 100.0) * 0.0731);
    let x: Vec<f32> = SPECIAL.into_iter().chain(ordinary).collect();
    for function in &FUNCTIONS {
        for level in levels() {
            let mut alone = vec![0.0; x.len()];
            for (x, y) in x.chunks(1).zip(alone.chunks_mut(1)) {
                (function.run)(level, x, y);
            }
            for length in 0..=2 * 16 + 1 {
                let mut y = vec![0.0; length];
                for from in 0..=x.len() - length {
                    (function.run)(level, &x[from..from + length], &mut y);
                    for (i, y) in y.iter().enumerate() {
                        assert_eq!(
                            bits(*y),
                            bits(alone[from + i]),
                            "{}({:e}) at {level:?}, element {i} of {length}",
                            function.name,
                            x[from + i]
                        );
                    }
                }
            }
        }
    }
}

#[test]
fn the_slice_functions_are_those_of_math() {
    macro_rules! check {
        ($($name:ident $in_place:ident $method:ident)*) => {$({
            struct Run<'a>(&'a mut [f32]);
            impl Kernel for Run<'_> {
                type Output = ();
                #[inline(always)]
                fn run<I: Isa>(self) {
                    for x in self.0 {
                        *x = x.$method::<I>();
                    }
                }
            }
            let x: Vec<f32> = (1..40).map(|i| i as f32 * 0.07).collect();
            let mut expected = x.clone();
            simd::dispatch(Run(&mut expected));
            let mut y = vec![0.0; x.len()];
            functions::$name(&x, &mut y);
            assert_eq!(y, expected, stringify!($name));
            y.copy_from_slice(&x);
            functions::$in_place(&mut y);
            assert_eq!(y, expected, stringify!($in_place));
        })*};
    }
    check! {
        exp exp_in_place vexp
        expm1 expm1_in_place vexpm1
        ln ln_in_place vln
        ln_1p ln_1p_in_place vln_1p
        tanh tanh_in_place vtanh
        sigmoid sigmoid_in_place vsigmoid
        softplus softplus_in_place vsoftplus
        erf erf_in_place verf
    }
}

#[test]
#[should_panic(expected = "map: inputs of [3] elements do not fit an output of 2")]
fn slices_of_different_lengths_panic() {
    functions::exp(&[0.0f32; 3], &mut [0.0; 2]);
}

/// golden/erf.py computes the numbers.
#[test]
fn erf_of_f64_is_the_nearest_number_or_its_neighbour() {
    for line in include_str!("../../golden/erf.csv").lines() {
        let (x, expected) = line.split_once(',').unwrap();
        let (x, expected): (f64, f64) = (x.parse().unwrap(), expected.parse().unwrap());
        for level in levels() {
            let [plus, minus] = [erf_f64_at(level, x), erf_f64_at(level, -x)];
            assert_eq!(plus, -minus);
            let apart = plus.to_bits().abs_diff(expected.to_bits());
            assert!(apart <= 1, "erf({x}) = {plus} at {level:?}, not {expected}");
        }
    }
    assert_eq!(erf_f64(f64::INFINITY), 1.0);
    assert!(erf_f64(f64::NAN).is_nan());
    assert!(erf_f64(-0.0).is_sign_negative());
}

#[test]
fn f64_neither_overflows_nor_cancels() {
    let [mut sigmoid, mut softplus] = [[0.0f64; 4]; 2];
    let x = [-800.0, -40.0, 40.0, 800.0];
    functions::sigmoid(&x, &mut sigmoid);
    functions::softplus(&x, &mut softplus);
    assert_eq!(sigmoid, [0.0, (-40f64).exp(), 1.0, 1.0]);
    assert_eq!(softplus, [0.0, (-40f64).exp(), 40.0, 800.0]);
}

/// `cargo test --release -p fanin-tensor --test kernels vmath::throughput -- --ignored --nocapture`
#[test]
#[ignore = "a measurement"]
fn throughput() {
    let x: Vec<f32> = (0..4096).map(|i| 0.001 + i as f32 / 512.0).collect();
    let mut y = vec![0.0; x.len()];
    for function in &FUNCTIONS {
        for level in levels() {
            // The fastest of many passes, because other programs only add time.
            let fastest = (0..3000)
                .map(|_| {
                    let start = std::time::Instant::now();
                    (function.run)(level, std::hint::black_box(&x), std::hint::black_box(&mut y));
                    start.elapsed().as_secs_f64()
                })
                .fold(f64::INFINITY, f64::min);
            let each = fastest * 1e9 / x.len() as f64;
            println!("{:8} {:8} {each:.3} ns", function.name, format!("{level:?}"));
        }
    }
}

/// The sine and cosine of multiples, at every 1009th number that they hold for, and where they are near 0.
#[test]
fn sines_and_cosines_of_multiples_are_within_the_documented_error() {
    struct Run<'a>(&'a [f32], f32, &'a mut [[f32; 2]]);
    impl Kernel for Run<'_> {
        type Output = ();
        #[inline(always)]
        fn run<I: Isa>(self) {
            for (y, x) in self.2.iter_mut().zip(self.0) {
                *y = [x.vsin_of::<I>(self.1), x.vcos_of::<I>(self.1)];
            }
        }
    }
    let zeros = (0..600_000).map(|k| (f64::from(k) * std::f64::consts::FRAC_PI_2) as f32);
    let numbers = (0..=u32::MAX).step_by(1009).map(f32::from_bits);
    let all: Vec<f32> = numbers.chain(zeros).collect();
    for factor in [1.0f32, 30.0, -1.7, 1e-20] {
        let x: Vec<f32> = all.iter().copied().filter(|x| x.is_near(factor)).collect();
        assert!(x.len() > 2_000_000);
        for level in levels() {
            let mut y = vec![[0.0; 2]; x.len()];
            dispatch_at(level, Run(&x, factor, &mut y));
            let mut worst = 0.0f64;
            for (&x, y) in x.iter().zip(y) {
                let (wide, angle) = (f64::from(factor), f64::from(factor) * f64::from(x));
                worst = worst.max(ulps(y[0], angle.sin())).max(ulps(y[1], wide * angle.cos()));
            }
            println!("sin_of {factor} {level:?} {worst:.3} ulp");
            assert!(worst <= 0.6, "{factor} {level:?}: {worst} ulp");
        }
    }
    let far = [2e6f32, f32::INFINITY, f32::NAN, -f32::MAX];
    assert!(!far.iter().any(|x| x.is_near(1.0)));
    assert_eq!((-0.0f32).sin_of(30.0).to_bits(), (-0.0f32).to_bits());
}
