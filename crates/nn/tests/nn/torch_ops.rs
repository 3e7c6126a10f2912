//! Every operation, layer and loss against PyTorch, values and gradients, in `f32`:
//! golden/torch_ops.txt, which golden/make.py wrote, and golden/activations.txt of golden/activations.py.
//!
//! `cargo test -p fanin-nn torch_ops -- --nocapture` shows the largest deviation of each case.

use std::collections::BTreeSet;

use fanin_nn::layers::*;
use fanin_nn::{
    Linear, Module, Param, Parameters, Sequential, Tape, Tensor, Var,
    losses::{CrossEntropy, Loss},
};

use crate::golden::tensor;

/// A case of the golden file.
#[derive(Default)]
pub(super) struct Case {
    pub(super) name: &'static str,
    pub(super) x: Vec<Tensor>,
    n: Vec<usize>,
    y: Tensor,
    /// The cotangent.
    pub(super) c: Tensor,
    /// The gradient of Σ c ⊙ y with respect to each x.
    pub(super) d: Vec<Tensor>,
}

pub(super) fn golden() -> Vec<Case> {
    let mut cases: Vec<Case> = vec![];
    let operations = include_str!("../../golden/torch_ops.txt").lines();
    for line in operations.chain(include_str!("../../golden/activations.txt").lines()) {
        let mut words = line.split(' ');
        let key = words.next().unwrap();
        if key == "case" {
            cases.push(Case { name: words.next().unwrap(), ..Case::default() });
        } else if key != "#" {
            let case = cases.last_mut().unwrap();
            match key {
                "x" => case.x.push(tensor(words)),
                "n" => case.n = words.map(|n| n.parse().unwrap()).collect(),
                "y" => case.y = tensor(words),
                "c" => case.c = tensor(words),
                "d" => case.d.push(tensor(words)),
                _ => panic!("torch_ops.txt: {line}"),
            }
        }
    }
    cases
}

/// How far from PyTorch's a number may be. A NaN must be a NaN, an infinity the same infinity.
#[derive(Clone, Copy, Debug)]
enum Within {
    /// Equal. Zeros of different sign are equal.
    Exact,
    /// At most this many numbers of `f32` away: a relative error, also of what is tiny.
    Ulps(u32),
    /// At most this many ε · max(1, |PyTorch's|) away, ε = 2⁻²³ = 1.2e-7: where sums cancel.
    Eps(f32),
}
use Within::{Eps, Exact, Ulps};

impl Within {
    fn holds(self, got: f32, want: f32) -> bool {
        if got == want || got.is_nan() && want.is_nan() {
            return true;
        }
        match self {
            Exact => false,
            Ulps(n) => ulps(got, want) <= n,
            Eps(n) => eps(got, want) <= n,
        }
    }
}

/// How many steps from one `f32` to the next lie between two.
fn ulps(a: f32, b: f32) -> u32 {
    if a == b || a.is_nan() && b.is_nan() {
        return 0;
    }
    if !a.is_finite() || !b.is_finite() {
        return u32::MAX;
    }
    let place = |x: f32| {
        let size = i64::from(x.to_bits() & 0x7fff_ffff);
        if x.is_sign_negative() { -size } else { size }
    };
    (place(a) - place(b)).unsigned_abs() as u32
}

fn eps(got: f32, want: f32) -> f32 {
    if got == want || got.is_nan() && want.is_nan() {
        return 0.0;
    }
    if !got.is_finite() || !want.is_finite() {
        return f32::INFINITY;
    }
    (got - want).abs() / want.abs().max(1.0) / f32::EPSILON
}

/// Where we differ on purpose: of which case and place, what we give.
pub(super) const OTHERWISE: &[(&str, usize, f32)] = &[
    // PyTorch's vectorized erf makes a NaN of ∞.
    ("gelu/limits", 0, f32::INFINITY),
    // PyTorch multiplies −∞ by 0, and in derivatives ±∞ too. The limits are 0, and 1 times the cotangent.
    ("gelu/limits", 1, 0.0),
    ("gelu/limits d0", 0, 1.712644),
    ("gelu/limits d0", 1, 0.0),
    ("gelu_tanh/limits", 1, 0.0),
    ("gelu_tanh/limits d0", 0, 0.30805874),
    ("gelu_tanh/limits d0", 1, 0.0),
    ("silu/limits", 1, 0.0),
    ("silu/limits d0", 0, -0.7842296),
    ("silu/limits d0", 1, 0.0),
    ("mish/limits", 1, 0.0),
    ("mish/limits d0", 0, 0.4220148),
    ("mish/limits d0", 1, 0.0),
    // PyTorch's 1 + tanh cancels: by 80 digits it is 1.9610457e-6.
    ("gelu_tanh d0", 15, 1.9610457e-6),
    // A NaN is neither above nor below 0: PyTorch hands the cotangent through, as on one side.
    ("relu/limits d0", 2, 0.0),
    ("elu/limits d0", 2, f32::NAN),
    ("elu/0.7/limits d0", 2, f32::NAN),
    ("selu/limits d0", 2, f32::NAN),
    ("celu/limits d0", 2, f32::NAN),
    ("celu/0.7/limits d0", 2, f32::NAN),
    ("hardswish/limits d0", 2, f32::NAN),
    // PyTorch multiplies −∞ by 0, and divides ∞ by ∞.
    ("hardswish/limits", 1, 0.0),
    ("softsign/limits", 0, 1.0),
    ("softsign/limits", 1, -1.0),
    ("softsign/limits d0", 0, 0.0),
    ("softsign/limits d0", 1, 0.0),
];

impl Case {
    /// The value to agree with: PyTorch's, but for softmax that of `f64`. PyTorch rounds `x − max x`, which
    /// gives a small probability an error of `|x − max x| / 2` ε.
    pub(super) fn value(&self) -> Tensor {
        if self.name.split('/').next() != Some("softmax") {
            return self.y.clone();
        }
        let (x, cols) = (&self.x[0], *self.y.shape().last().unwrap());
        let mut value = self.y.clone();
        let rows = value.as_mut_slice().chunks_exact_mut(cols).zip(x.as_slice().chunks_exact(cols));
        for (p, x) in rows {
            let top = x.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            let below = x.iter().map(|&x| f64::from(x) - f64::from(top));
            let sum: f64 = below.clone().map(f64::exp).sum();
            for (p, below) in p.iter_mut().zip(below) {
                let exact = (below.exp() / sum) as f32;
                let allowed = 4 + below.abs() as u32;
                assert!(ulps(*p, exact) <= allowed, "{}: {p} of PyTorch, {exact}", self.name);
                *p = exact;
            }
        }
        value
    }
}

/// What was compared, and what did not hold.
#[derive(Default)]
struct Report(Vec<String>);

impl Report {
    fn compare(&mut self, what: &str, within: Within, got: &Tensor, want: &Tensor) {
        assert_eq!(got.shape(), want.shape(), "{what}");
        let pairs = || got.as_slice().iter().copied().zip(want.as_slice().iter().copied());
        let most_ulps = pairs().map(|(got, want)| ulps(got, want)).max().unwrap();
        let most_eps = pairs().map(|(got, want)| eps(got, want)).fold(0.0, f32::max);
        eprintln!("{what}: {most_ulps} ulp, {most_eps:.2} ε; allowed {within:?}");
        for (i, (got, want)) in pairs().enumerate() {
            let otherwise = |row: &&(&str, usize, f32)| (row.0, row.1) == (what, i);
            let want = OTHERWISE.iter().find(otherwise).map_or(want, |row| row.2);
            if !within.holds(got, want) {
                self.0.push(format!("{what}[{i}]: {got:e} is not {want:e} within {within:?}"));
            }
        }
    }

    #[track_caller]
    fn assert_none(self) {
        assert!(self.0.is_empty(), "{} do not agree:\n{}", self.0.len(), self.0.join("\n"));
    }
}

/// The value of `f`, and the gradients of Σ c ⊙ f for each parameter, zeros where there is none.
pub(super) fn differentiate(
    c: &Tensor,
    params: &[&Param],
    f: impl for<'t> Fn(&'t Tape) -> Var<'t>,
) -> (Tensor, Vec<Tensor>) {
    let mut tape = Tape::new();
    let mut y = None;
    let (_, grads) = tape.value_and_grad(|t| {
        let result = f(t);
        y = Some(result.value());
        (result * t.input(c)).sum()
    });
    let grad =
        |p: &&Param| grads.get(p).cloned().unwrap_or_else(|| Tensor::zeros(p.value().shape()));
    (y.unwrap(), params.iter().map(grad).collect())
}

type Function = dyn for<'t> Fn(&[Var<'t>], &[usize]) -> Var<'t>;
type Operation = for<'t> fn(&[Var<'t>], &[usize]) -> Var<'t>;

/// A few numbers of about 1, added in another order.
const SUM: Within = Eps(6.0);
/// Tens to hundreds of them.
const LONG_SUM: Within = Eps(12.0);

/// Name, what is allowed for the value and for the gradients, the operation.
const OPERATIONS: &[(&str, Within, Within, Operation)] = &[
    ("add", Exact, Exact, |x, _| x[0] + x[1]),
    ("add/special", Exact, Exact, |x, _| x[0] + x[1]),
    ("add/row", Exact, SUM, |x, _| x[0] + x[1]),
    ("add/column", Exact, SUM, |x, _| x[0] + x[1]),
    ("add/both-ways", Exact, SUM, |x, _| x[0] + x[1]),
    ("add/middle", Exact, SUM, |x, _| x[0] + x[1]),
    ("add/scalar", Exact, SUM, |x, _| x[0] + x[1]),
    ("add/number", Exact, Exact, |x, _| x[0] + 0.7),
    ("sub", Exact, Exact, |x, _| x[0] - x[1]),
    ("sub/special", Exact, Exact, |x, _| x[0] - x[1]),
    ("sub/row", Exact, SUM, |x, _| x[0] - x[1]),
    ("sub/column", Exact, SUM, |x, _| x[0] - x[1]),
    ("sub/both-ways", Exact, SUM, |x, _| x[0] - x[1]),
    ("sub/middle", Exact, SUM, |x, _| x[0] - x[1]),
    ("sub/scalar", Exact, SUM, |x, _| x[0] - x[1]),
    ("sub/number", Exact, Exact, |x, _| x[0] - 0.7),
    ("mul", Exact, Exact, |x, _| x[0] * x[1]),
    ("mul/special", Exact, Exact, |x, _| x[0] * x[1]),
    ("mul/row", Exact, SUM, |x, _| x[0] * x[1]),
    ("mul/column", Exact, SUM, |x, _| x[0] * x[1]),
    ("mul/both-ways", Exact, SUM, |x, _| x[0] * x[1]),
    ("mul/middle", Exact, SUM, |x, _| x[0] * x[1]),
    ("mul/scalar", Exact, SUM, |x, _| x[0] * x[1]),
    ("mul/number", Exact, Exact, |x, _| x[0] * 0.7),
    // PyTorch's −dy · (y / b) rounds elsewhere than our −(dy · y) / b.
    ("div", Exact, Ulps(2), |x, _| x[0] / x[1]),
    ("div/special", Exact, Ulps(2), |x, _| x[0] / x[1]),
    ("div/row", Exact, SUM, |x, _| x[0] / x[1]),
    ("div/column", Exact, SUM, |x, _| x[0] / x[1]),
    ("div/both-ways", Exact, SUM, |x, _| x[0] / x[1]),
    ("div/middle", Exact, SUM, |x, _| x[0] / x[1]),
    ("div/scalar", Exact, SUM, |x, _| x[0] / x[1]),
    // We multiply by 1/0.7; PyTorch computes 0.7 / x as the reciprocal of x times 0.7.
    ("div/number", Exact, Ulps(1), |x, _| x[0] / 0.7),
    ("number-over", Ulps(1), Ulps(3), |x, _| 0.7 / x[0]),
    ("number-minus", Exact, Exact, |x, _| 0.7 - x[0]),
    ("neg", Exact, Exact, |x, _| -x[0]),
    ("expand", Exact, SUM, |x, _| x[0].expand(&[2, 3, 4])),
    ("matmul", SUM, SUM, |x, _| x[0].matmul(x[1])),
    ("matmul/row", SUM, SUM, |x, _| x[0].matmul(x[1])),
    ("matmul/column", SUM, SUM, |x, _| x[0].matmul(x[1])),
    ("matmul/large", LONG_SUM, LONG_SUM, |x, _| x[0].matmul(x[1])),
    ("matmul/long", LONG_SUM, LONG_SUM, |x, _| x[0].matmul(x[1])),
    ("linear", SUM, SUM, |x, _| x[0].linear(x[1], Some(x[2]))),
    ("linear/no-bias", SUM, SUM, |x, _| x[0].linear(x[1], None)),
    ("linear/vector", SUM, SUM, |x, _| x[0].linear(x[1], Some(x[2]))),
    ("linear/three-axes", SUM, SUM, |x, _| x[0].linear(x[1], Some(x[2]))),
    ("linear/large", LONG_SUM, LONG_SUM, |x, _| x[0].linear(x[1], Some(x[2]))),
    ("reshape", Exact, Exact, |x, _| x[0].reshape([3, 8])),
    ("transpose", Exact, Exact, |x, _| x[0].transpose()),
    ("concat/0", Exact, SUM, |x, _| Var::concat(&[x[0], x[1], x[0]], 0)),
    ("concat/1", Exact, Exact, |x, _| Var::concat(&[x[0], x[1]], 1)),
    ("rows", Exact, SUM, |x, n| x[0].rows(n)),
    ("sum", SUM, Exact, |x, _| x[0].sum()),
    ("sum/large", LONG_SUM, Exact, |x, _| x[0].sum()),
    ("sum/0", SUM, Exact, |x, _| x[0].sum_axis(0)),
    ("sum/1", SUM, Exact, |x, _| x[0].sum_axis(1)),
    ("sum/2", SUM, Exact, |x, _| x[0].sum_axis(2)),
    // We multiply by 1/n.
    ("mean", SUM, Ulps(1), |x, _| x[0].mean()),
    ("mean/0", SUM, Ulps(1), |x, _| x[0].mean_axis(0)),
    ("mean/1", SUM, Ulps(1), |x, _| x[0].mean_axis(1)),
    ("mean/2", SUM, Ulps(1), |x, _| x[0].mean_axis(2)),
    ("relu", Exact, Exact, |x, _| x[0].relu()),
    ("relu/limits", Exact, Exact, |x, _| x[0].relu()),
    ("leaky_relu", Exact, Exact, |x, _| x[0].leaky_relu(0.01)),
    ("leaky_relu/limits", Exact, Exact, |x, _| x[0].leaky_relu(0.01)),
    ("leaky_relu/0.2", Exact, Exact, |x, _| x[0].leaky_relu(0.2)),
    ("leaky_relu/0.2/limits", Exact, Exact, |x, _| x[0].leaky_relu(0.2)),
    ("square", Exact, Exact, |x, _| x[0].square()),
    ("square/limits", Exact, Exact, |x, _| x[0].square()),
    ("abs", Exact, Exact, |x, _| x[0].abs()),
    ("abs/limits", Exact, Exact, |x, _| x[0].abs()),
    ("exp", Ulps(2), Ulps(3), |x, _| x[0].exp()),
    ("exp/limits", Ulps(2), Ulps(3), |x, _| x[0].exp()),
    // PyTorch's root of 1e-8 is not the nearest number.
    ("sqrt", Ulps(1), Ulps(2), |x, _| x[0].sqrt()),
    ("sqrt/limits", Ulps(1), Ulps(2), |x, _| x[0].sqrt()),
    ("ln", Ulps(2), Ulps(1), |x, _| x[0].ln()),
    ("ln/limits", Ulps(2), Ulps(1), |x, _| x[0].ln()),
    ("softplus", Ulps(3), Ulps(4), |x, _| x[0].softplus()),
    ("softplus/limits", Ulps(3), Ulps(4), |x, _| x[0].softplus()),
    // 1 − y² and y (1 − y) cancel where y is near 1; sums cancel in gelu and its kin.
    ("tanh", Ulps(3), Eps(4.0), |x, _| x[0].tanh()),
    ("tanh/limits", Ulps(3), Eps(4.0), |x, _| x[0].tanh()),
    ("sigmoid", Eps(1.0), Eps(2.0), |x, _| x[0].sigmoid()),
    ("sigmoid/limits", Eps(1.0), Eps(2.0), |x, _| x[0].sigmoid()),
    // PyTorch itself is 4.5 ε from the true value, at −3.
    ("gelu", Eps(5.0), Eps(4.0), |x, _| x[0].gelu()),
    ("gelu/limits", Eps(5.0), Eps(4.0), |x, _| x[0].gelu()),
    ("gelu_tanh", Eps(2.0), Eps(4.0), |x, _| x[0].gelu_tanh()),
    ("gelu_tanh/limits", Eps(2.0), Eps(4.0), |x, _| x[0].gelu_tanh()),
    ("silu", Eps(2.0), Eps(2.0), |x, _| x[0].silu()),
    ("silu/limits", Eps(2.0), Eps(2.0), |x, _| x[0].silu()),
    ("elu", Ulps(3), Eps(2.0), |x, _| x[0].elu(1.0)),
    ("elu/limits", Ulps(3), Eps(2.0), |x, _| x[0].elu(1.0)),
    ("elu/0.7", Ulps(3), Eps(2.0), |x, _| x[0].elu(0.7)),
    ("elu/0.7/limits", Ulps(3), Eps(2.0), |x, _| x[0].elu(0.7)),
    ("selu", Ulps(4), Eps(4.0), |x, _| x[0].selu()),
    ("selu/limits", Ulps(4), Eps(4.0), |x, _| x[0].selu()),
    // PyTorch's sine and cosine are approximations; ours are rounded from f64.
    ("sin", Ulps(2), Ulps(2), |x, _| x[0].sin()),
    ("sin/limits", Ulps(2), Ulps(2), |x, _| x[0].sin()),
    ("cos", Ulps(2), Ulps(2), |x, _| x[0].cos()),
    ("cos/limits", Ulps(2), Ulps(2), |x, _| x[0].cos()),
    ("powf", Ulps(2), Ulps(3), |x, _| x[0].powf(0.7)),
    ("powf/limits", Ulps(2), Ulps(3), |x, _| x[0].powf(0.7)),
    ("powi/3", Ulps(1), Ulps(2), |x, _| x[0].powi(3)),
    ("powi/3/limits", Ulps(1), Ulps(2), |x, _| x[0].powi(3)),
    ("powi/-2", Ulps(2), Ulps(3), |x, _| x[0].powi(-2)),
    ("powi/0", Exact, Exact, |x, _| x[0].powi(0)),
    ("recip", Ulps(1), Ulps(2), |x, _| x[0].recip()),
    ("rsqrt", Ulps(2), Ulps(4), |x, _| x[0].rsqrt()),
    ("rsqrt/limits", Ulps(2), Ulps(4), |x, _| x[0].rsqrt()),
    ("clamp", Exact, Exact, |x, _| x[0].clamp(-1.0, 3.0)),
    ("clamp/limits", Exact, Exact, |x, _| x[0].clamp(-1.0, 3.0)),
    ("maximum", Exact, Exact, |x, _| x[0].maximum(x[1])),
    ("maximum/row", Exact, SUM, |x, _| x[0].maximum(x[1])),
    ("minimum", Exact, Exact, |x, _| x[0].minimum(x[1])),
    ("minimum/row", Exact, SUM, |x, _| x[0].minimum(x[1])),
    ("max", Exact, Ulps(1), |x, _| x[0].max()),
    ("max/0", Exact, Ulps(1), |x, _| x[0].max_axis(0)),
    ("max/1", Exact, Ulps(1), |x, _| x[0].max_axis(1)),
    ("max/2", Exact, Ulps(1), |x, _| x[0].max_axis(2)),
    ("min", Exact, Ulps(1), |x, _| x[0].min()),
    ("min/0", Exact, Ulps(1), |x, _| x[0].min_axis(0)),
    ("min/1", Exact, Ulps(1), |x, _| x[0].min_axis(1)),
    ("min/2", Exact, Ulps(1), |x, _| x[0].min_axis(2)),
    ("norm", Ulps(2), Ulps(4), |x, _| x[0].norm()),
    ("norm/zero", Exact, Exact, |x, _| x[0].norm()),
    ("norm/0", Ulps(2), Ulps(4), |x, _| x[0].norm_axis(0)),
    ("norm/1", Ulps(2), Ulps(4), |x, _| x[0].norm_axis(1)),
    ("norm/2", Ulps(2), Ulps(4), |x, _| x[0].norm_axis(2)),
    ("log_sum_exp/0", SUM, Eps(4.0), |x, _| x[0].log_sum_exp(0)),
    ("log_sum_exp/1", SUM, Eps(4.0), |x, _| x[0].log_sum_exp(1)),
    ("log_sum_exp/2", SUM, Eps(4.0), |x, _| x[0].log_sum_exp(2)),
    // PyTorch's e^(x − y) loses the digits that y has lost: near 1000, f32 has steps of 6e-5.
    ("log_sum_exp/huge", SUM, Eps(300.0), |x, _| x[0].log_sum_exp(1)),
    ("log_sum_exp/huge/0", SUM, Eps(4.0), |x, _| x[0].log_sum_exp(0)),
    ("gather", Exact, Exact, |x, n| x[0].gather(n)),
    ("slice/0", Exact, Exact, |x, _| x[0].slice(0, 1..)),
    ("slice/1", Exact, Exact, |x, _| x[0].slice(1, 1..3)),
    ("slice/2", Exact, Exact, |x, _| x[0].slice(2, 1..=2)),
    ("stack/0", Exact, SUM, |x, _| Var::stack(&[x[0], x[1], x[0]], 0)),
    ("stack/1", Exact, SUM, |x, _| Var::stack(&[x[0], x[1], x[0]], 1)),
    ("stack/2", Exact, SUM, |x, _| Var::stack(&[x[0], x[1], x[0]], 2)),
    ("select", Exact, SUM, |x, n| {
        Var::select(&n.iter().map(|&n| n == 1).collect::<Vec<_>>(), x[0], x[1])
    }),
    ("flatten", Exact, Exact, |x, _| x[0].flatten()),
    ("softmax", Ulps(4), Eps(2.0), |x, _| x[0].softmax()),
    ("softmax/huge", Ulps(4), Eps(2.0), |x, _| x[0].softmax()),
    ("softmax/one-axis", Ulps(4), Eps(2.0), |x, _| x[0].softmax()),
    ("softmax/three-axes", Ulps(4), Eps(2.0), |x, _| x[0].softmax()),
    ("softmax/wide", Ulps(4), Eps(2.0), |x, _| x[0].softmax()),
    ("log_softmax", Eps(4.0), Eps(4.0), |x, _| x[0].log_softmax()),
    ("log_softmax/huge", Eps(4.0), Eps(4.0), |x, _| x[0].log_softmax()),
    ("log_softmax/one-axis", Eps(4.0), Eps(4.0), |x, _| x[0].log_softmax()),
    ("log_softmax/three-axes", Eps(4.0), Eps(4.0), |x, _| x[0].log_softmax()),
    ("log_softmax/wide", Eps(4.0), Eps(4.0), |x, _| x[0].log_softmax()),
    ("cross_entropy", Ulps(2), Eps(1.0), |x, n| x[0].cross_entropy(n)),
    ("cross_entropy/smooth", Ulps(2), Eps(1.0), |x, n| smoothed(x[0], n)),
    ("cross_entropy/huge", Ulps(2), Eps(1.0), |x, n| x[0].cross_entropy(n)),
    ("cross_entropy/huge/smooth", Ulps(2), Eps(1.0), |x, n| smoothed(x[0], n)),
    ("cross_entropy/far", Ulps(2), Eps(1.0), |x, n| x[0].cross_entropy(n)),
    ("cross_entropy/far/smooth", Ulps(2), Eps(1.0), |x, n| smoothed(x[0], n)),
    ("cross_entropy/wide", Ulps(2), Eps(1.0), |x, n| x[0].cross_entropy(n)),
    ("cross_entropy/wide/smooth", Ulps(2), Eps(1.0), |x, n| smoothed(x[0], n)),
    ("mse", Ulps(4), Ulps(3), |x, _| x[0].mse(x[1])),
    ("mse/large", Ulps(4), Ulps(3), |x, _| x[0].mse(x[1])),
    ("celu/0.7", Ulps(4), Eps(2.0), |x, _| x[0].celu(0.7)),
    ("celu/0.7/limits", Ulps(4), Eps(2.0), |x, _| x[0].celu(0.7)),
    // PyTorch rounds 3 x.
    ("softplus_with/3,10", Eps(1.0), Eps(2.0), |x, _| x[0].softplus_with(3.0, 10.0)),
    ("softplus_with/3,10/limits", Eps(1.0), Eps(2.0), |x, _| x[0].softplus_with(3.0, 10.0)),
    ("hardtanh/-2,0.5", Exact, Exact, |x, _| x[0].hardtanh(-2.0, 0.5)),
    ("hardtanh/-2,0.5/limits", Exact, Exact, |x, _| x[0].hardtanh(-2.0, 0.5)),
    ("softshrink/2", Exact, Exact, |x, _| x[0].softshrink(2.0)),
    ("softshrink/2/limits", Exact, Exact, |x, _| x[0].softshrink(2.0)),
    ("hardshrink/2", Exact, Exact, |x, _| x[0].hardshrink(2.0)),
    ("hardshrink/2/limits", Exact, Exact, |x, _| x[0].hardshrink(2.0)),
    ("threshold/0.5,20", Exact, Exact, |x, _| x[0].threshold(0.5, 20.0)),
    ("threshold/0.5,20/limits", Exact, Exact, |x, _| x[0].threshold(0.5, 20.0)),
    // Both are rounded from f64.
    ("sine/1.5", Ulps(1), Ulps(1), |x, _| x[0].sine(1.5)),
    ("sine/1.5/limits", Ulps(1), Ulps(1), |x, _| x[0].sine(1.5)),
    // PyTorch rounds the differences to the least, as for softmax.
    ("softmin", Eps(2.0), Eps(2.0), |x, _| x[0].softmin()),
    ("softmin/three-axes", Eps(2.0), Eps(2.0), |x, _| x[0].softmin()),
    ("glu", Eps(2.0), Eps(4.0), |x, _| x[0].glu()),
    ("glu/three-axes", Eps(2.0), Eps(4.0), |x, _| x[0].glu()),
    ("reglu", Exact, Exact, |x, _| x[0].reglu()),
    ("reglu/three-axes", Exact, Exact, |x, _| x[0].reglu()),
    ("geglu", Eps(5.0), Eps(5.0), |x, _| x[0].geglu()),
    ("geglu/three-axes", Eps(5.0), Eps(5.0), |x, _| x[0].geglu()),
    ("swiglu", Eps(4.0), Eps(4.0), |x, _| x[0].swiglu()),
    ("swiglu/three-axes", Eps(4.0), Eps(4.0), |x, _| x[0].swiglu()),
    ("prelu", Exact, SUM, |x, _| x[0].prelu(x[1])),
    ("prelu/matrix", Exact, SUM, |x, _| x[0].prelu(x[1])),
    ("prelu/features", Exact, SUM, |x, _| x[0].prelu(x[1])),
    ("network/tanh", SUM, SUM, |x, n| network(x, n, Var::tanh)),
    ("network/gelu", SUM, SUM, |x, n| network(x, n, Var::gelu)),
    ("network/relu", SUM, SUM, |x, n| network(x, n, Var::relu)),
];

/// What is allowed for the value and for the gradients, and the operation, of a case.
///
/// An activation needs no row: its layer, with its default parameters, is what is compared.
fn row(case: &str) -> (Within, Within, Box<Function>) {
    if let Some(&(_, value, gradient, f)) = OPERATIONS.iter().find(|row| row.0 == case) {
        return (value, gradient, Box::new(f));
    }
    let name = case.trim_end_matches("/limits");
    let activation = all_activations().into_iter().find(|(known, ..)| *known == name);
    let Some((_, layer, _)) = activation else {
        panic!("{case}: torch_ops.txt has the case, but no row of OPERATIONS has the operation")
    };
    // PyTorch's own derivatives are up to 4 ε from the true ones, Mish's at 9.
    (Eps(5.0), Eps(5.0), Box::new(move |x, _| layer.forward(x[0])))
}

fn network<'t>(x: &[Var<'t>], labels: &[usize], f: fn(Var<'t>) -> Var<'t>) -> Var<'t> {
    f(x[0].linear(x[1], Some(x[2]))).linear(x[3], Some(x[4])).cross_entropy(labels)
}

fn vars<'t>(t: &'t Tape, params: &[Param]) -> Vec<Var<'t>> {
    params.iter().map(|p| t.param(p)).collect()
}

#[test]
fn operations() {
    let mut report = Report::default();
    let golden = golden();
    let names: BTreeSet<_> = golden.iter().map(|case| case.name).collect();
    for (name, ..) in OPERATIONS {
        assert!(names.contains(name), "{name}: golden/make.py has no such case");
    }
    for (name, layer, _) in all_activations::<f32>() {
        let mut cases = vec![name.to_owned()];
        // A function of one number is also compared at ±∞ and NaN.
        cases.extend(layer.activation_gain().map(|_| format!("{name}/limits")));
        for case in cases {
            assert!(names.contains(&case[..]), "{case}: golden/make.py has no such case");
        }
    }
    for case in &golden {
        let (name, n) = (case.name, &case.n[..]);
        let (value, gradient, f) = row(name);
        let params: Vec<Param> = case.x.iter().cloned().map(Param::new).collect();
        let all: Vec<&Param> = params.iter().collect();

        let (y, d) = differentiate(&case.c, &all, |t| f(&vars(t, &params), n));
        report.compare(name, value, &y, &case.value());
        for (i, (d, want)) in d.iter().zip(&case.d).enumerate() {
            report.compare(&format!("{name} d{i}"), gradient, d, want);
        }

        // What predicts is what is differentiated.
        let bits = |x: &Tensor| x.as_slice().iter().map(|x| x.to_bits()).collect::<Vec<_>>();
        let predicted = Tape::new().value(|t| f(&vars(t, &params), n));
        assert_eq!(bits(&predicted), bits(&y), "{name}: without recording");
        // One input wants a gradient, the others none.
        for (i, p) in params.iter().enumerate() {
            let (_, alone) = differentiate(&case.c, &[p], |t| {
                let var =
                    |(j, q): (usize, &Param)| if i == j { t.param(q) } else { t.input(q.value()) };
                f(&params.iter().enumerate().map(var).collect::<Vec<_>>(), n)
            });
            assert_eq!(bits(&alone[0]), bits(&d[i]), "{name}: input {i} alone");
        }
        // Used twice, each gradient is added to one that is there.
        let twice = Tensor::from_vec(2, vec![1.0, 1.0]);
        let c = &case.c;
        let (_, d) = differentiate(&twice, &all, |t| {
            let sum = || (f(&vars(t, &params), n) * t.input(c)).sum().reshape(1);
            Var::concat(&[sum(), sum()], 0)
        });
        for (i, (d, want)) in d.iter().zip(&case.d).enumerate() {
            let half = d.view().mapv(|d| d / 2.0).into();
            report.compare(&format!("{name} d{i}"), gradient, &half, want);
        }
    }
    report.assert_none();
}

/// A layer gives what its operation gives, and its parameters are those of PyTorch, in PyTorch's order.
#[test]
fn layers() {
    let mut report = Report::default();
    let golden = golden();
    let mut check = |name: &str, mut net: Sequential, labelled: bool| {
        let case = golden.iter().find(|case| case.name == name).unwrap();
        let (value, gradient, _) = row(name);
        let mut values = case.x[1..].iter();
        net.visit_params_mut(&mut |_, p| {
            *p.value_mut() = values.next().unwrap().clone();
        });
        assert!(values.next().is_none(), "{name}: parameters are missing");

        let x = Param::new(case.x[0].clone());
        let mut params = vec![&x];
        params.extend(net.named_params().into_iter().map(|(_, p)| p));
        let (y, d) = differentiate(&case.c, &params, |t| {
            let y = net.forward(t.param(&x));
            if labelled { y.cross_entropy(&case.n) } else { y }
        });
        report.compare(name, value, &y, &case.value());
        for (i, (d, want)) in d.iter().zip(&case.d).enumerate() {
            report.compare(&format!("{name} d{i}"), gradient, d, want);
        }
    };
    let new = Sequential::new;
    check("relu", new().add(Relu), false);
    check("leaky_relu", new().add(LeakyRelu::default()), false);
    check("leaky_relu/0.2", new().add(LeakyRelu(0.2)), false);
    check("tanh", new().add(Tanh), false);
    check("sigmoid", new().add(Sigmoid), false);
    check("gelu", new().add(Gelu), false);
    check("gelu_tanh", new().add(GeluTanh), false);
    check("silu", new().add(Silu), false);
    check("elu", new().add(Elu::default()), false);
    check("elu/0.7", new().add(Elu(0.7)), false);
    check("selu", new().add(Selu), false);
    check("softplus", new().add(Softplus), false);
    check("softmax", new().add(Softmax), false);
    check("log_softmax", new().add(LogSoftmax), false);
    check("linear", new().add(Linear::new(7, 3)), false);
    check("linear/no-bias", new().add(Linear::builder(7, 3).no_bias().build()), false);
    check("linear/three-axes", new().add(Linear::new(7, 3)), false);
    let (first, second) = (|| new().add(Linear::new(5, 8)), || Linear::new(8, 3));
    check("network/tanh", first().add(Tanh).add(second()), true);
    check("network/gelu", first().add(Gelu).add(second()), true);
    check("network/relu", first().add(Relu).add(second()), true);
    report.assert_none();
}

/// The comparison itself must notice.
#[test]
fn a_number_that_is_off_is_found() {
    let want = Tensor::from_vec(4, vec![1.0, -1e-8, f32::NAN, f32::INFINITY]);
    let off = |i: usize, x: f32, within| {
        let mut got = want.clone();
        got.as_mut_slice()[i] = x;
        let mut report = Report::default();
        report.compare("off", within, &got, &want);
        report.0.len()
    };
    assert_eq!([Exact, Ulps(0), Eps(0.0)].map(|within| off(0, 1.0, within)), [0; 3]);
    assert_eq!([Exact, Ulps(1), Eps(1.0)].map(|within| off(0, 1.0000002, within)), [1; 3]);
    assert_eq!([Exact, Ulps(1), Eps(0.1)].map(|within| off(1, 1e-8, within)), [1, 1, 1]);
    assert_eq!([Exact, Ulps(9), Eps(9.0)].map(|within| off(1, f32::NAN, within)), [1; 3]);
    assert_eq!([Exact, Ulps(9), Eps(9.0)].map(|within| off(2, 0.0, within)), [1; 3]);
    assert_eq!([Exact, Ulps(9), Eps(9.0)].map(|within| off(3, f32::MAX, within)), [1; 3]);
    assert_eq!([Exact, Ulps(9), Eps(9.0)].map(|within| off(3, -f32::INFINITY, within)), [1; 3]);
}

fn smoothed<'t>(x: Var<'t>, labels: &[usize]) -> Var<'t> {
    CrossEntropy::new().label_smoothing(0.1).loss(x, labels)
}
