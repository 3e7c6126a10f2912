//! The error of every sum grows with the logarithm of its length: products, sums over any axes, norms and
//! softmax, of up to 2·10⁷ terms.

use fanin_tensor::gemm::{Mat, gemm, gemm_bias};
use fanin_tensor::reduce::{self, PairwiseSum};
use fanin_tensor::{Scalar, Tensor, Write, broadcast};

use crate::with_threads;

const LENGTHS: [usize; 4] = [10, 1000, 100_000, 1_000_000];

/// In [0, 1), without a pattern.
fn random(len: usize, seed: u32) -> Vec<f32> {
    let mut state = seed.wrapping_mul(2_654_435_761) | 1;
    (0..len)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 17;
            state ^= state << 5;
            (state >> 8) as f32 / (1 << 24) as f32
        })
        .collect()
}

/// Asserts `|sum − exact| ≤ c log₂ n ε Σ |terms|`, which all terms here make c log₂ n ε exact.
#[track_caller]
fn close<T: Scalar>(what: &str, n: usize, sum: T, exact: f64) {
    let c = 2.0;
    let error = (sum.to_f64() - exact).abs() / exact / T::EPSILON.to_f64();
    let bound = c * (n as f64).log2().max(1.0);
    assert!(
        error <= bound,
        "{what} of {n}: {error:.1} ε, allowed {bound:.1}; {sum} is not {exact}"
    );
}

/// The values, and a name: of 0.1, whose rounding errors have one sign, and random ones.
fn values<T: Scalar>(len: usize) -> [(&'static str, Vec<T>); 2] {
    let random = random(len, len as u32).into_iter();
    [
        ("0.1", vec![T::from_f64(0.1); len]),
        ("random", random.map(|x| T::from_f64(f64::from(x))).collect()),
    ]
}

fn exact<T: Scalar>(x: impl IntoIterator<Item = T>) -> f64 {
    // In two f64, so that it is exact beside f64 too.
    let (mut sum, mut low) = (0.0, 0.0);
    for x in x {
        let [s, l] = fanin_tensor::vmath::two_sum(sum, x.to_f64());
        (sum, low) = (s, low + l);
    }
    sum + low
}

/// The most elements of a tensor with several axes.
const MOST: usize = 1_000_000;

fn sums<T: Scalar>() {
    for n in LENGTHS.into_iter().filter(|n| T::IS_F32 || *n <= 100_000) {
        for (name, x) in values::<T>(n) {
            let want = exact(x.iter().copied());
            let squares = exact(x.iter().map(|&x| T::from_f64(x.to_f64() * x.to_f64())));
            close(&format!("sum of {name}"), n, reduce::sum(&x), want);
            close(&format!("dot of {name}"), n, reduce::dot(&x, &x), squares);
            close(&format!("norm of {name}"), n, reduce::norm(&x), squares.sqrt());
            close("PairwiseSum", n, PairwiseSum::of(x.iter().map(|x| x.to_f64())), want);
            let t = Tensor::from_vec(n, x.clone());
            close("mean", n, t.mean(), want / n as f64);
        }
        // Every axis, with few and with many other places.
        for (before, after) in [(1, 1), (1, 3), (3, 1), (2, 5), (1, 70)] {
            if n * before * after > MOST {
                continue;
            }
            for (name, x) in values::<T>(n * before * after) {
                let t = Tensor::from_vec([before, n, after], x.clone());
                let (sum, mean) = (t.sum_axis(1), t.mean_axis(1));
                for i in 0..before {
                    for j in 0..after {
                        let terms = (0..n).map(|k| x[(i * n + k) * after + j]);
                        let (want, at) = (exact(terms), i * after + j);
                        let what = format!("axis 1 of ({before}, {n}, {after}) of {name}");
                        close(&what, n, sum.as_slice()[at], want);
                        close(&what, n, mean.as_slice()[at], want / n as f64);
                    }
                }
            }
        }
        // What a broadcast has repeated: one axis or two, with a kept one between and beside them.
        for (to, from) in [
            (vec![n, 2], vec![1, 2]),
            (vec![2, n], vec![2, 1]),
            (vec![n, 2, 3], vec![1, 2, 1]),
            (vec![3, 2, n], vec![1, 2, 1]),
            (vec![2, n, 2, 3], vec![2, 1, 2, 1]),
            (vec![n, 3], vec![]),
            (vec![n, 3], vec![1]),
        ] {
            let (len, kept): (usize, usize) = (to.iter().product(), from.iter().product());
            if len > 3 * MOST {
                continue;
            }
            let dy = vec![T::from_f64(0.1); len];
            let mut dx = vec![T::ZERO; kept];
            broadcast::reduce_to(&dy, &to, &from, Write::Set, &mut dx);
            let what = format!("reduce {to:?} to {from:?}");
            let want = T::from_f64(0.1).to_f64() * (len / kept) as f64;
            dx.iter().for_each(|&dx| close(&what, len / kept, dx, want));
            broadcast::reduce_to(&dy, &to, &from, Write::Add, &mut dx);
            dx.iter().for_each(|&dx| close(&what, len / kept, dx, 2.0 * want));
        }
        for cols in [1, 3, 70] {
            if n * cols > MOST {
                continue;
            }
            let x = vec![T::from_f64(0.1); n * cols];
            let weight = vec![T::from_f64(2.0); cols];
            let mut y = [vec![T::ZERO; cols], vec![T::ZERO; cols]];
            let [a, b] = &mut y;
            let sums = [(Write::Set, &mut a[..]), (Write::Set, &mut b[..])];
            reduce::row_sums([&x[..], &x], [&weight[..]], sums, |[x, _], [w]| [x, w * x]);
            let want = T::from_f64(0.1).to_f64() * n as f64;
            y[0].iter().for_each(|&y| close("row_sums", n, y, want));
            y[1].iter().for_each(|&y| close("row_sums", n, y, 2.0 * want));
        }
        let (mut p, mut top, mut log_sum) = (vec![T::ZERO; n], [T::ZERO], [T::ZERO]);
        reduce::softmax(&vec![T::from_f64(0.1); n], n, &mut p, &mut top, &mut log_sum);
        close("softmax", n, p[n / 2], 1.0 / n as f64);
        close("log sum", n, log_sum[0], (n as f64).ln());
    }
}

#[test]
fn of_f32() {
    sums::<f32>();
    let ones = vec![1.0f32; 20_000_000];
    let mut sum = [0.0; 2];
    reduce::sum_rows(&ones, Write::Set, &mut sum);
    assert_eq!((sum, reduce::sum(&ones)), ([1e7; 2], 2e7));
}

#[test]
fn of_f64() {
    sums::<f64>();
}

/// (m, k, n), of every path at every level: one row, one column, few of both, and large ones.
const PRODUCTS: [(usize, usize, usize); 14] = [
    (1, 1_000_000, 1),
    (1, 1_000_000, 10),
    (1, 30_000, 65),
    (1, 4000, 300),
    (4, 1_000_000, 1),
    (2, 1_000_000, 2),
    (5, 100_000, 3),
    (3, 100_000, 12),
    (20, 50_000, 4),
    (40, 5000, 40),
    (33, 20_000, 50),
    (600, 1500, 20),
    // The longest sums that are not halved, and the first that are.
    (65, 4096, 129),
    (65, 4097, 129),
];

fn products<T: Scalar>() {
    for (m, k, n) in PRODUCTS.into_iter().filter(|(_, k, _)| T::IS_F32 || *k <= 100_000) {
        let [(_, a), _] = values::<T>(m * k);
        let b = vec![T::ONE; k * n];
        let (a_t, b_t) = (Mat::new(&a, k, m).t(), Mat::new(&b, n, k).t());
        let (a, b) = (Mat::new(&a, m, k), Mat::new(&b, k, n));
        let want = T::from_f64(0.1).to_f64() * k as f64;
        for (of, a, b) in [("A·B", a, b), ("A·Bᵀ", a, b_t), ("Aᵀ·B", a_t, b)] {
            let what = format!("{of} ({m}, {k}, {n})");
            let mut c = vec![T::ZERO; m * n];
            gemm(a, b, Write::Set, &mut c);
            c.iter().for_each(|&c| close(&what, k, c, want));
            gemm(a, b, Write::Add, &mut c);
            c.iter().for_each(|&c| close(&what, k, c, 2.0 * want));
            gemm_bias(a, b, &vec![T::from_f64(want); n], &mut c);
            c.iter().for_each(|&c| close(&what, k, c, 2.0 * want));
        }
    }
}

#[test]
fn products_of_f32() {
    products::<f32>();
}

#[test]
fn products_of_f64() {
    products::<f64>();
}

#[test]
fn threads_change_no_bit() {
    let results = || {
        let mut bits = vec![];
        for (m, k, n) in
            [(1, 5000, 65), (1, 5000, 200), (3, 9000, 60), (70, 3000, 90), (1, 20_000, 30)]
        {
            let (a, b) = (random(m * k, 1), random(k * n, 2));
            let mut c = vec![0.0f32; m * n];
            gemm(Mat::new(&a, m, k), Mat::new(&b, k, n), Write::Set, &mut c);
            bits.extend(c.iter().map(|c| c.to_bits()));
            gemm(Mat::new(&a, m, k), Mat::new(&b, n, k).t(), Write::Set, &mut c);
            bits.extend(c.iter().map(|c| c.to_bits()));
        }
        let x = random(300_000, 3);
        for cols in [20, 300, 3000] {
            let mut y = vec![0.0f32; cols];
            reduce::row_sums([&x[..]], [], [(Write::Set, &mut y[..])], |[x], []: [f32; 0]| [x * x]);
            bits.extend(y.iter().map(|y| y.to_bits()));
            let rows = x.len() / cols;
            let mut dx = vec![0.0f32; cols / 20];
            broadcast::reduce_to(
                &x,
                &[rows, cols / 20, 20],
                &[1, cols / 20, 1],
                Write::Set,
                &mut dx,
            );
            bits.extend(dx.iter().map(|y| y.to_bits()));
        }
        bits
    };
    let one = with_threads(1, results);
    assert!(with_threads(2, results) == one && with_threads(3, results) == one);
}

/// The sum as a tree over runs of 16 terms: equal subtrees are joined as soon as there are two, and the last
/// run takes the rest, from the smallest on.
fn tree(terms: &[f32]) -> f32 {
    let mut complete: Vec<(usize, f32)> = vec![];
    let mut runs = terms.chunks(16).map(|run| run.iter().fold(0.0, |sum, x| sum + x)).peekable();
    while let Some(mut sum) = runs.next() {
        if runs.peek().is_none() {
            return complete.iter().rev().fold(sum, |sum, (_, other)| sum + other);
        }
        let mut size = 1;
        while let Some((_, other)) = complete.pop_if(|(other, _)| *other == size) {
            (size, sum) = (2 * size, sum + other);
        }
        complete.push((size, sum));
    }
    0.0
}

/// A finer tree would be as close, and take twice as long.
#[test]
fn sums_of_rows_are_a_tree_of_runs_to_the_bit() {
    for (rows, cols) in [(1, 3), (16, 5), (17, 70), (500, 3), (1000, 130)] {
        let x = random(rows * cols, rows as u32);
        let (mut sums, mut squares, mut plain) =
            (vec![0.0; cols], vec![0.0; cols], vec![0.0; cols]);
        reduce::row_sums(
            [&x[..]],
            [],
            [(Write::Set, &mut sums[..]), (Write::Set, &mut squares[..])],
            |[x], []: [f32; 0]| [x, x * x],
        );
        reduce::sum_rows(&x, Write::Set, &mut plain);
        for j in 0..cols {
            let column: Vec<f32> = (0..rows).map(|i| x[i * cols + j]).collect();
            let square: Vec<f32> = column.iter().map(|x| x * x).collect();
            let want = (tree(&column), tree(&square), tree(&column));
            assert_eq!((sums[j], squares[j], plain[j]), want, "{rows}×{cols} at {j}");
        }
    }
}

/// Another cut than the middle would let the error grow faster for some length.
#[test]
fn a_long_product_is_the_sum_of_its_halves_to_the_bit() {
    // By the kernel of one row, in tiles, and packed.
    for (m, k, n) in [(1, 4096, 200), (20, 4096, 20), (40, 8192, 40)] {
        let (a, b) = (random(m * k, 1), random(k * n, 2));
        let product = |from: usize, to: usize| {
            let (a, b) = (&a[from * m..to * m], &b[from * n..to * n]);
            let mut c = vec![0.0f32; m * n];
            gemm(Mat::new(a, to - from, m).t(), Mat::new(b, to - from, n), Write::Set, &mut c);
            c
        };
        let (first, second) = (product(0, k / 2), product(k / 2, k));
        let sum: Vec<f32> = first.iter().zip(second).map(|(a, b)| a + b).collect();
        assert_eq!(product(0, k), sum, "({m}, {k}, {n})");
    }
}
