//! Every function of one number against 80-digit arithmetic: value and derivative, for `f32` and `f64`, at
//! every level of vector instructions that this CPU has. golden/precise.py wrote the numbers.
//!
//! `cargo test -p fanin-nn --lib precise -- --nocapture` prints the largest error of each function.

use std::collections::BTreeMap;

use fanin_tensor::Scalar;
use fanin_tensor::simd::{Isa, Kernel, Level, best, dispatch_at};

use super::elementwise::Elementwise;

/// The largest error of value and derivative in `f32`, then in `f64`, in units of the last place. A
/// subnormal number counts as if its last place were that of the smallest one.
const BOUNDS: &[(&str, [u64; 4])] = &[
    ("relu", [0, 0, 0, 0]),
    ("leaky_relu", [0, 0, 0, 0]),
    ("leaky_relu/0.2", [0, 0, 0, 0]),
    ("tanh", [2, 3, 2, 4]),
    ("sigmoid", [2, 3, 2, 3]),
    ("gelu", [4, 4, 5, 5]),
    ("gelu_tanh", [3, 4, 3, 4]),
    ("silu", [3, 4, 3, 4]),
    ("elu", [2, 2, 2, 2]),
    ("elu/0.7", [2, 2, 2, 2]),
    ("selu", [3, 3, 3, 3]),
    ("softplus", [2, 2, 2, 2]),
    ("mish", [3, 5, 3, 5]),
    ("relu6", [0, 0, 0, 0]),
    ("celu", [2, 2, 2, 2]),
    ("celu/0.7", [3, 3, 3, 3]),
    ("log_sigmoid", [2, 2, 2, 2]),
    ("softplus_with", [2, 2, 2, 2]),
    ("softplus_with/3,10", [3, 3, 3, 3]),
    ("softsign", [1, 2, 1, 2]),
    ("hardtanh", [0, 0, 0, 0]),
    ("hardtanh/-2,0.5", [0, 0, 0, 0]),
    ("hardsigmoid", [1, 0, 1, 0]),
    ("hardswish", [2, 1, 2, 1]),
    ("tanhshrink", [3, 4, 3, 4]),
    ("softshrink", [0, 0, 0, 0]),
    ("softshrink/2", [0, 0, 0, 0]),
    ("hardshrink", [0, 0, 0, 0]),
    ("hardshrink/2", [0, 0, 0, 0]),
    ("threshold", [0, 0, 0, 0]),
    ("threshold/0.25,20", [0, 0, 0, 0]),
    ("sine", [1, 0, 2, 2]),
    ("sine/1.7", [0, 0, 3, 2]),
    ("exp", [2, 2, 1, 1]),
    ("ln", [1, 1, 1, 1]),
    ("sqrt", [0, 1, 0, 1]),
    ("square", [0, 0, 0, 0]),
    ("abs", [0, 0, 0, 0]),
    ("recip", [0, 2, 0, 2]),
    ("rsqrt", [1, 5, 1, 5]),
    ("sin", [0, 0, 1, 1]),
    ("cos", [0, 0, 1, 1]),
    ("powf/0.7", [0, 0, 1, 3]),
    ("powf/-1.5", [0, 0, 1, 3]),
    ("powi/3", [0, 0, 2, 2]),
    ("powi/-2", [0, 0, 2, 3]),
    ("powi/100", [0, 0, 1, 2]),
    ("clamp", [0, 0, 0, 0]),
];

/// Parameters that differ from the defaults of the table.
pub(crate) fn parameter(case: &str, name: &str, default: Option<f64>) -> f64 {
    match (case, name) {
        ("clamp", "min") => -1.0,
        ("clamp", "max") => 3.0,
        ("softplus_with/3,10", "threshold") => 10.0,
        ("softplus_with/3,10", _) => 3.0,
        ("hardtanh/-2,0.5", "min") => -2.0,
        ("hardtanh/-2,0.5", _) => 0.5,
        ("threshold/0.25,20", "value") => 20.0,
        ("threshold/0.25,20", _) => 0.25,
        _ => match (case.split_once('/'), default) {
            (Some((_, number)), _) => number.parse().unwrap(),
            (None, Some(default)) => default,
            _ => panic!("{case}: no value for {name}"),
        },
    }
}

type Points<T> = Vec<(T, Option<T>, Option<T>)>;

fn golden<T: Scalar + std::str::FromStr<Err: std::fmt::Debug>>(
    kind: &str,
) -> BTreeMap<&'static str, Points<T>> {
    let mut cases = BTreeMap::<_, Points<T>>::new();
    let mut current = None;
    for line in include_str!("../../golden/precise.txt").lines() {
        let words: Vec<_> = line.split(' ').collect();
        match words[..] {
            ["#", ..] => {}
            ["case", name, of] => current = (of == kind).then_some(name),
            [x, y, d] => {
                let number = |word: &str| word.parse::<T>().unwrap();
                let known = |word| (word != "?").then(|| number(word));
                if let Some(name) = current {
                    cases.entry(name).or_default().push((number(x), known(y), known(d)));
                }
            }
            _ => panic!("precise.txt: {line}"),
        }
    }
    cases
}

/// How many numbers of the type lie between the two.
fn ulps<T: Scalar>(got: T, want: T) -> u64 {
    if got == want || got.is_nan() && want.is_nan() {
        return 0;
    }
    if !got.is_finite() || !want.is_finite() {
        return u64::MAX;
    }
    let place = |x: T| {
        let size = if T::IS_F32 {
            i64::from((x.abs().to_f64() as f32).to_bits())
        } else {
            x.abs().to_f64().to_bits() as i64
        };
        if x < T::ZERO { -size } else { size }
    };
    place(got).abs_diff(place(want))
}

/// Value and derivative of every x.
struct Both<'a, T, F> {
    f: F,
    x: &'a [T],
    y: &'a mut [T],
    d: &'a mut [T],
}

impl<T: Scalar, F: Elementwise<T>> Kernel for Both<'_, T, F> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self) {
        for (i, &x) in self.x.iter().enumerate() {
            [self.y[i], self.d[i]] = self.f.both::<I>(x);
        }
    }
}

pub(crate) struct Check<T> {
    cases: BTreeMap<&'static str, Points<T>>,
    faults: Vec<String>,
}

impl<T: Scalar + std::str::FromStr<Err: std::fmt::Debug>> Check<T> {
    pub(crate) fn new(kind: &str) -> Self {
        Self { cases: golden(kind), faults: vec![] }
    }
}

impl<T: Scalar> Check<T> {
    /// The cases of a function, or its name if there are none.
    pub(crate) fn cases_of(&self, function: &'static str) -> Vec<&'static str> {
        let of = |case: &&str| case.split('/').next() == Some(function);
        let cases: Vec<_> = self.cases.keys().copied().filter(of).collect();
        if cases.is_empty() { vec![function] } else { cases }
    }

    pub(crate) fn function<F: Elementwise<T>>(&mut self, case: &str, f: F) {
        let Some(points) = self.cases.remove(case) else {
            self.faults.push(format!("{case}: golden/precise.py has no such case"));
            return;
        };
        let Some(&(_, [value32, slope32, value64, slope64])) =
            BOUNDS.iter().find(|bound| bound.0 == case)
        else {
            self.faults.push(format!("{case}: BOUNDS has no such row"));
            return;
        };
        let bounds = if T::IS_F32 { [value32, slope32] } else { [value64, slope64] };
        let x: Vec<T> = points.iter().map(|point| point.0).collect();
        for level in [Level::Portable, Level::Avx2, Level::Avx512] {
            if level > best() {
                continue;
            }
            let (mut y, mut d) = (vec![T::ZERO; x.len()], vec![T::ZERO; x.len()]);
            dispatch_at(level, Both { f, x: &x, y: &mut y, d: &mut d });
            let mut worst = [(0, T::ZERO); 2];
            for (i, &(x, value, slope)) in points.iter().enumerate() {
                for (n, (got, want)) in [(y[i], value), (d[i], slope)].into_iter().enumerate() {
                    let Some(want) = want else { continue };
                    let off = ulps(got, want);
                    if off > worst[n].0 {
                        worst[n] = (off, x);
                    }
                    if off > bounds[n] {
                        let what = ["value", "derivative"][n];
                        self.faults.push(format!(
                            "{case}: the {what} at {x} is {got}, not {want}: {off} ulp, {level:?}"
                        ));
                    }
                }
            }
            let [(value, at), (slope, slope_at)] = worst;
            println!("{case:14} {level:?}: {value} ulp at {at}, derivative {slope} at {slope_at}");
            let nan = [T::from_f64(f64::NAN)];
            let (mut y, mut d) = ([T::ZERO], [T::ZERO]);
            dispatch_at(level, Both { f, x: &nan, y: &mut y, d: &mut d });
            if !y[0].is_nan() {
                self.faults.push(format!("{case} of NaN is {}, {level:?}", y[0]));
            }
        }
    }

    pub(crate) fn finish(self) {
        let Self { faults, .. } = self;
        assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
    }
}

/// Tests of the functions of a table, each in all its cases: its name alone, or with a parameter behind a
/// slash. The table is in the module above.
macro_rules! check {
    ($(
        $(#[$doc:meta])*
        fn $method:ident $(($($param:ident: $param_type:ident $(= $default:literal)?),+))? as $name:ident
        $body:tt
    )*) => {
        pub(in crate::ops) const NAMES: &[&str] = &[$(stringify!($method)),*];

        fn check<T: fanin_tensor::Scalar>(check: &mut crate::ops::precise::Check<T>) {
            $(check!(@function check $method
                [$($($param: $param_type [$($default)?],)+)?] $name $body);)*
        }

        #[test]
        fn f32_agrees_with_80_digits() {
            let mut all = crate::ops::precise::Check::<f32>::new("f32");
            check(&mut all);
            all.finish();
        }

        #[test]
        fn f64_agrees_with_80_digits() {
            let mut all = crate::ops::precise::Check::<f64>::new("f64");
            check(&mut all);
            all.finish();
        }
    };
    (@function $check:ident $method:ident $params:tt $name:ident { rows }) => {};
    (@function $check:ident $method:ident
        [$($param:ident: $type:ident [$($default:literal)?],)*] $name:ident $body:tt
    ) => {
        for case in $check.cases_of(stringify!($method)) {
            $check.function(case, super::$name::<T> {
                $($param: check!(@number $type crate::ops::precise::parameter(
                    case,
                    stringify!($param),
                    None::<f64>$(.or(Some($default)))?
                )),)*
                element: std::marker::PhantomData,
            });
        }
    };
    (@number f64 $number:expr) => { T::from_f64($number) };
    (@number i32 $number:expr) => { $number as i32 };
}
pub(super) use check;

#[test]
fn every_case_has_a_function_and_a_bound() {
    let functions =
        [super::activations::precise::NAMES, super::elementary::precise::NAMES].concat();
    for case in golden::<f64>("f64").keys().chain(BOUNDS.iter().map(|(case, _)| case)) {
        let function = case.split('/').next().unwrap();
        assert!(functions.contains(&function), "{case}: there is no such function");
    }
}
