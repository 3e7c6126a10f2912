//! Every kernel at every size around its vectors, on memory that is exactly as large as it must be.
//!
//! Operands begin one to three elements into an allocation and end where it ends. So valgrind's memcheck
//! sees reads and writes beyond an operand. crates/tensor/memcheck runs this module under it. Memcheck
//! knows no AVX-512, so each case runs in a second form without it: NaNs surround the inputs, and canaries
//! surround the outputs. A NaN is noticed only if it reaches a result.

use fanin_tensor::broadcast::{expand, reduce_to};
use fanin_tensor::gemm::{Mat, gemm, gemm_bias};
use fanin_tensor::map::{map, update};
use fanin_tensor::simd::{Level, level};
use fanin_tensor::{Scalar, Write, parallel, reduce};

use crate::{assert_large, assert_small, functions, with_threads};

/// How many elements follow a slice: more than a vector holds, or none. Memcheck needs only none.
fn behinds() -> impl Iterator<Item = usize> {
    [40, 0].into_iter().skip(usize::from(under_memcheck()))
}

fn under_memcheck() -> bool {
    std::env::var_os("FANIN_MEMCHECK").is_some()
}

const CANARY: f64 = -123_456.75;

/// A slice inside an allocation. Other elements are before it, and perhaps behind it.
struct Slice<T> {
    memory: Box<[T]>,
    first: usize,
    len: usize,
}

impl<T: Scalar> Slice<T> {
    fn new(values: &[T], first: usize, behind: usize, around: f64) -> Self {
        let around = T::from_f64(around);
        let memory = [&vec![around; first], values, &vec![around; behind]].concat();
        Self { memory: memory.into_boxed_slice(), first, len: values.len() }
    }

    /// An input. NaNs surround it, and make every result NaN that they reach.
    fn input(values: &[T], first: usize, behind: usize) -> Self {
        Self::new(values, first, behind, f64::NAN)
    }

    /// An output. Canaries surround it.
    fn output(values: &[T], first: usize, behind: usize) -> Self {
        Self::new(values, first, behind, CANARY)
    }

    fn get(&self) -> &[T] {
        &self.memory[self.first..self.first + self.len]
    }

    fn get_mut(&mut self) -> &mut [T] {
        &mut self.memory[self.first..self.first + self.len]
    }

    /// The elements. **Panics** if anything around them has changed.
    #[track_caller]
    fn written(&self) -> &[T] {
        let (before, rest) = self.memory.split_at(self.first);
        let around = before.iter().chain(&rest[self.len..]);
        assert!(around.copied().all(|x| x.to_f64() == CANARY), "written beyond the output");
        self.get()
    }
}

/// Elements of a vector register.
fn width<T>() -> usize {
    let bytes = match level() {
        Level::Portable => 16,
        Level::Avx2 => 32,
        Level::Avx512 => 64,
    };
    bytes / size_of::<T>()
}

/// Whole numbers from −2 to 2.
fn small<T: Scalar>(len: usize, seed: usize) -> Vec<T> {
    (0..len).map(|i| T::from_f64(((i * 7919 + seed * 31) % 1009 % 5) as f64 - 2.0)).collect()
}

/// The product of `a_ip = u_i s_p` and `b_pj = t_p v_j`, of whole numbers, is `u_i v_j Σ s_p t_p`. It is
/// exact in any order of summation.
fn product<T: Scalar>(m: usize, k: usize, n: usize) {
    let [u, v] = [small::<T>(m, 1), small::<T>(n, 2)];
    let [s, t] = [small::<T>(k, 3), small::<T>(k, 4)];
    let outer = |x: &[T], y: &[T]| -> Vec<T> {
        x.iter().flat_map(|&x| y.iter().map(move |&y| x * y)).collect()
    };
    let inner = s.iter().zip(&t).fold(T::ZERO, |sum, (&s, &t)| sum + s * t);
    let set: Vec<T> = outer(&u, &v).into_iter().map(|x| x * inner).collect();
    let added: Vec<T> = set.iter().map(|&x| x + T::ONE).collect();
    let biased: Vec<T> = set.iter().enumerate().map(|(at, &x)| x + v[at % n]).collect();
    for behind in behinds() {
        let a = [outer(&u, &s), outer(&s, &u)].map(|a| Slice::input(&a, 1, behind));
        let b = [outer(&t, &v), outer(&v, &t)].map(|b| Slice::input(&b, 3, behind));
        let bias = Slice::input(&v, 1, behind);
        for (a_is_t, b_is_t) in [(false, false), (false, true), (true, false), (true, true)] {
            let [a, b] = [a[usize::from(a_is_t)].get(), b[usize::from(b_is_t)].get()];
            let a = if a_is_t { Mat::new(a, k, m).t() } else { Mat::new(a, m, k) };
            let b = if b_is_t { Mat::new(b, n, k).t() } else { Mat::new(b, k, n) };
            let mut c = Slice::output(&vec![T::ONE; m * n], 2, behind);
            let case = format_args!("{m}×{k}×{n} {a_is_t} {b_is_t}, {behind}");
            gemm(a, b, Write::Add, c.get_mut());
            assert!(c.written() == added, "{case}, added");
            gemm(a, b, Write::Set, c.get_mut());
            assert!(c.written() == set, "{case}");
            gemm_bias(a, b, bias.get(), c.get_mut());
            assert!(c.written() == biased, "{case}, with a bias");
        }
    }
}

#[test]
fn small_products() {
    // Not all k and m: under memcheck, all sizes would take minutes.
    let longest = 2 * width::<f32>() + 1;
    let lengths = || (0..=longest).filter(|i| i % 4 < 2 || i % 8 == 7);
    for m in lengths() {
        for k in lengths() {
            (0..=longest).for_each(|n| product::<f32>(m, k, n));
        }
    }
    for m in lengths() {
        (0..=2 * width::<f64>() + 1).for_each(|n| product::<f64>(m, 5, n));
    }
}

/// One row or column, longer than two vectors. Tiles whose B is cut into several panels.
#[test]
fn long_products() {
    let rest = 2 * width::<f32>() + 1;
    for extra in 0..=rest {
        for (m, k, n) in [(1, 128 + extra, 9), (9, 128 + extra, 1), (1, 7, 128 + extra)] {
            product::<f32>(m, k, n);
        }
    }
    for (m, k, n) in [(67, 300, 35), (131, 260, 5), (30, 530, 50), (97, 129, 17)] {
        assert_small(m, k, n);
        product::<f32>(m, k, n);
        product::<f64>(m, k, n);
    }
}

/// Products large enough for two threads. The last piece is narrow.
#[test]
fn products_shared_among_threads() {
    let shared = |(m, k, n)| product::<f32>(m, k, n);
    let sizes = [(1, 300, 301), (301, 300, 1), (101, 70, 65), (65, 70, 101)];
    with_threads(parallel::num_threads(), || sizes.into_iter().for_each(shared));
}

/// Packed products. The last tile of C has every kind of width and height. Sums end inside a block.
#[test]
fn packed_products() {
    let width = width::<f32>();
    let widths = [1, width - 1, width + 1, 2 * width + 1];
    for (i, columns) in widths.into_iter().enumerate() {
        let (m, n) = (61 + i, 3 * width + columns);
        let k = (1 << 22) / (m * n) + 1 + i % 3;
        assert_large(m, k, n);
        product::<f32>(m, k, n);
    }
    // Several blocks of rows. The sum is slightly longer than a block.
    product::<f32>(487, 257, 35);
    // Sums so long that `X·Wᵀ` takes the streamed path at every level.
    product::<f32>(65, 4095, 131);
    // The same code with vectors of half the length. Under memcheck it takes half a minute.
    if !under_memcheck() {
        product::<f64>(487, 257, 35);
    }
}

/// Sums that are computed in halves.
#[test]
fn products_of_long_sums() {
    for (m, k, n) in [(1, 2500, 70), (70, 2500, 1), (5, 2500, 9), (3, 1025, 17)] {
        product::<f32>(m, k, n);
    }
    product::<f64>(5, 1100, 9);
}

/// Up to more than two vectors, and one length for several threads.
fn lengths() -> impl Iterator<Item = usize> {
    (0..=2 * width::<f32>() + 1).chain([60_001])
}

#[test]
fn maps_and_updates() {
    for len in lengths() {
        for behind in behinds() {
            let [a, b] = [1, 2].map(|seed| Slice::input(&small::<f32>(len, seed), seed, behind));
            let [mut y, mut p, mut v] =
                [1, 2, 3].map(|at| Slice::output(&vec![1.0; len], at, behind));
            let each = || a.get().iter().zip(b.get());
            map([a.get(), b.get()], Write::Set, y.get_mut(), |[a, b]| a * b - 3.0);
            assert!(y.written().iter().zip(each()).all(|(&y, (a, b))| y == a * b - 3.0), "{len}");
            map([b.get()], Write::Add, y.get_mut(), |[b]| 0.5 * b);
            let want = each().map(|(a, b)| a * b - 3.0 + 0.5 * b);
            assert!(y.written().iter().copied().eq(want), "{len}");
            update([p.get_mut(), v.get_mut()], [a.get()], |[p, v], [a]| [p + v, v - a]);
            assert!(p.written().iter().all(|&p| p == 2.0), "{len}");
            assert!(v.written().iter().zip(a.get()).all(|(&v, a)| v == 1.0 - a), "{len}");
        }
    }
}

/// `y_j = Σ_i x_ij`, of whole numbers.
fn sums(x: &[f32], cols: usize) -> Vec<f32> {
    let mut sums = vec![0.0; cols];
    for row in x.chunks(cols.max(1)) {
        sums.iter_mut().zip(row).for_each(|(sum, x)| *sum += x);
    }
    sums
}

#[test]
fn reductions() {
    for len in lengths() {
        for behind in behinds() {
            let x = Slice::input(&small::<f32>(len, 1), 3, behind);
            let y = Slice::input(&small::<f32>(len, 2), 1, behind);
            assert_eq!(reduce::sum(x.get()), x.get().iter().sum::<f32>());
            let dot: f32 = x.get().iter().zip(y.get()).map(|(x, y)| x * y).sum();
            assert_eq!(reduce::dot(x.get(), y.get()), dot);
            let square: f32 = x.get().iter().map(|x| x * x).sum();
            assert!((reduce::norm(x.get()) - square.sqrt()).abs() <= 1e-6 * square.sqrt());
            for (rows, cols) in [(1, len), (3, len / 3)].into_iter().filter(|(_, cols)| *cols > 0) {
                let x = Slice::input(&x.get()[..rows * cols], 3, behind);
                let mut by_row = Slice::output(&vec![1.0; cols], 1, behind);
                reduce::sum_rows(x.get(), Write::Set, by_row.get_mut());
                assert_eq!(by_row.written(), sums(x.get(), cols));
                reduce::sum_rows(x.get(), Write::Add, by_row.get_mut());
                assert!(
                    by_row.written().iter().zip(sums(x.get(), cols)).all(|(y, x)| *y == 2.0 * x)
                );
                let (vector, rows_of) = (Slice::input(&vec![2.0; cols], 1, behind), x.get());
                let [mut once, mut twice] =
                    [1, 2].map(|at| Slice::output(&vec![1.0; cols], at, behind));
                let both = [(Write::Set, once.get_mut()), (Write::Add, twice.get_mut())];
                reduce::row_sums([rows_of], [vector.get()], both, |[x], [v]| [x, v * x]);
                assert_eq!(once.written(), sums(rows_of, cols));
                let doubled = sums(rows_of, cols).into_iter().map(|sum| 1.0 + 2.0 * sum);
                assert!(twice.written().iter().copied().eq(doubled));
                let mut by_col = Slice::output(&vec![1.0; rows], 1, behind);
                reduce::sum_cols(x.get(), cols, by_col.get_mut());
                for (i, &sum) in by_col.written().iter().enumerate() {
                    assert_eq!(sum, x.get()[i * cols..][..cols].iter().sum::<f32>());
                }
            }
        }
    }
}

/// More rows than are summed in plain order, and a last block that is short.
#[test]
fn sums_of_many_rows() {
    for cols in [1, width::<f32>() + 1, 4 * width::<f32>() + 3] {
        for behind in behinds() {
            let x = Slice::input(&small::<f32>(1100 * cols, 1), 3, behind);
            let mut y = Slice::output(&vec![1.0; cols], 1, behind);
            reduce::sum_rows(x.get(), Write::Set, y.get_mut());
            assert_eq!(y.written(), sums(x.get(), cols));
            reduce::sum_rows(x.get(), Write::Add, y.get_mut());
            assert!(y.written().iter().zip(sums(x.get(), cols)).all(|(y, x)| *y == 2.0 * x));
        }
    }
}

#[test]
fn broadcasts() {
    for len in lengths() {
        for behind in behinds() {
            let columns = Slice::input(&small::<f32>(len, 1), 1, behind);
            let mut y = Slice::output(&vec![0.0; 3 * len], 3, behind);
            expand(columns.get(), &[len], &[3, len], y.get_mut());
            assert!(y.written().chunks(len.max(1)).all(|y| y == columns.get()), "{len}");
            expand(columns.get(), &[len, 1], &[len, 3], y.get_mut());
            let mut triples = y.written().chunks(3).zip(columns.get());
            assert!(triples.all(|(y, &x)| y == [x; 3]), "{len}");

            let dy = Slice::input(&small::<f32>(3 * len, 2), 2, behind);
            let mut dx = Slice::output(&vec![1.0; len], 1, behind);
            reduce_to(dy.get(), &[len, 3], &[len, 1], Write::Add, dx.get_mut());
            let mut triples = dx.written().iter().zip(dy.get().chunks(3));
            assert!(triples.all(|(&dx, dy)| dx == 1.0 + dy.iter().sum::<f32>()), "{len}");
            reduce_to(dy.get(), &[3, len], &[len], Write::Set, dx.get_mut());
            assert_eq!(dx.written(), sums(dy.get(), len));
        }
    }
}

#[test]
fn softmaxes() {
    let around_vectors =
        (1..=2 * width::<f32>() + 1).flat_map(|cols| [(1, cols), (3, cols), (21, cols)]);
    for (rows, cols) in around_vectors.chain([(1500, 11)]) {
        for behind in behinds() {
            let x = Slice::input(&small::<f32>(rows * cols, 1), 1, behind);
            let mut p = Slice::output(&vec![0.0; rows * cols], 3, behind);
            let [mut top, mut log_sum] =
                [1, 2].map(|at| Slice::output(&vec![0.0; rows], at, behind));
            reduce::softmax(x.get(), cols, p.get_mut(), top.get_mut(), log_sum.get_mut());
            for (i, row) in x.get().chunks(cols).enumerate() {
                let largest = row.iter().copied().fold(f32::MIN, f32::max);
                let sum: f64 = row.iter().map(|x| f64::from(x - largest).exp()).sum();
                assert_eq!(top.written()[i], largest);
                assert!((f64::from(log_sum.written()[i]) - sum.ln()).abs() < 1e-6);
                for (p, x) in p.written()[i * cols..].iter().zip(row) {
                    assert!((f64::from(*p) - f64::from(x - largest).exp() / sum).abs() < 1e-6);
                }
            }
        }
    }
}

/// A function over a slice, the same in place, and the definition in `f64`.
type Function = (fn(&[f32], &mut [f32]), fn(&mut [f32]), fn(f64) -> f64);

#[test]
fn elementary_functions() {
    let functions: [Function; 7] = [
        (functions::exp, functions::exp_in_place, f64::exp),
        (functions::expm1, functions::expm1_in_place, f64::exp_m1),
        (functions::ln, functions::ln_in_place, f64::ln),
        (functions::ln_1p, functions::ln_1p_in_place, f64::ln_1p),
        (functions::tanh, functions::tanh_in_place, f64::tanh),
        (functions::sigmoid, functions::sigmoid_in_place, |x| 1.0 / (1.0 + (-x).exp())),
        (functions::softplus, functions::softplus_in_place, |x| x.exp().ln_1p()),
    ];
    for len in 0..=2 * width::<f32>() + 1 {
        let values: Vec<f32> = small::<f32>(len, 1).iter().map(|x| x + 2.25).collect();
        for behind in behinds() {
            let x = Slice::input(&values, 3, behind);
            for (function, in_place, definition) in functions {
                let mut y = Slice::output(&vec![0.0; len], 1, behind);
                function(x.get(), y.get_mut());
                for (&y, &x) in y.written().iter().zip(x.get()) {
                    let exact = definition(f64::from(x));
                    assert!((f64::from(y) - exact).abs() < 1e-6 * exact.abs().max(1.0), "{x}");
                }
                let mut z = Slice::output(&values, 1, behind);
                in_place(z.get_mut());
                assert_eq!(z.written(), y.get());
            }
            // std has no erf. vmath.rs tests the values.
            let mut y = Slice::output(&vec![0.0; len], 1, behind);
            functions::erf(x.get(), y.get_mut());
            for (&y, &x) in y.written().iter().zip(x.get()) {
                let mut alone = [x];
                functions::erf_in_place(&mut alone);
                assert_eq!([y], alone);
            }
        }
    }
}
