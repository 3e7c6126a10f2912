//! Matrix products against the definition, over every path, every edge size and every orientation.

use fanin_tensor::gemm::{Mat, gemm, gemm_bias, gemm_epilogue};
use fanin_tensor::simd::{Level, level};
use fanin_tensor::{Scalar, Write};

use crate::{assert_large, path_of, with_threads};

/// Values without a pattern, in (−1, 1).
fn values<T: Scalar>(len: usize, seed: u32) -> Vec<T> {
    let mut state = seed.wrapping_mul(2_654_435_761) | 1;
    (0..len)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 17;
            state ^= state << 5;
            T::from_f64(f64::from(state) / f64::from(u32::MAX) * 2.0 - 1.0)
        })
        .collect()
}

/// An operand in one of its two orders in memory.
fn operand<T: Scalar>(data: &[T], rows: usize, cols: usize, transposed: bool) -> Mat<'_, T> {
    if transposed { Mat::new(data, cols, rows).t() } else { Mat::new(data, rows, cols) }
}

fn check<T: Scalar>(m: usize, k: usize, n: usize) {
    let (a, b, old) = (values::<T>(m * k, 1), values::<T>(k * n, 2), values::<T>(m * n, 3));
    for (ta, tb) in [(false, false), (false, true), (true, false), (true, true)] {
        let at = |x: &[T], rows: usize, cols: usize, t: bool, i: usize, j: usize| {
            x[if t { j * rows + i } else { i * cols + j }].to_f64()
        };
        for write in [Write::Set, Write::Add] {
            let mut c = old.clone();
            gemm(operand(&a, m, k, ta), operand(&b, k, n, tb), write, &mut c);
            for i in 0..m {
                for j in 0..n {
                    let (mut sum, mut size) = (0.0, 0.0);
                    for p in 0..k {
                        let term = at(&a, m, k, ta, i, p) * at(&b, k, n, tb, p, j);
                        sum += term;
                        size += f64::abs(term);
                    }
                    if write == Write::Add {
                        sum += old[i * n + j].to_f64();
                    }
                    // The classical bound on a sum of k products, in any order.
                    let bound = (k + 2) as f64 * T::EPSILON.to_f64() * (size + 1.0);
                    let got = c[i * n + j].to_f64();
                    assert!(
                        (got - sum).abs() <= bound,
                        "{m}×{k}×{n} {ta} {tb} {write:?} at {i},{j}: {got} for {sum}"
                    );
                }
            }
        }
    }
}

/// A product with a bias is the product without it, plus the bias.
fn check_bias(m: usize, k: usize, n: usize) {
    let (a, b, bias) = (values::<f32>(m * k, 1), values::<f32>(k * n, 2), values::<f32>(n, 3));
    let (a, b) = (operand(&a, m, k, false), operand(&b, k, n, true));
    let (mut plain, mut c) = (vec![9.0; m * n], vec![9.0; m * n]);
    gemm(a, b, Write::Set, &mut plain);
    gemm_bias(a, b, &bias, &mut c);
    for (i, (c, plain)) in c.iter().zip(plain).enumerate() {
        let (exact, size) = (plain + bias[i % n], plain.abs() + 2.0);
        assert!((c - exact).abs() <= 1e-6 * (k + 2) as f32 * size, "{m}×{k}×{n} at {i}");
    }
}

#[test]
fn a_bias_on_every_path() {
    for (m, k, n) in [(0, 3, 4), (1, 50, 33), (40, 9, 1), (40, 3, 1), (2, 0, 3), (32, 2, 16)] {
        check_bias(m, k, n);
    }
    for (m, k, n) in [(33, 300, 35), (65, 200, 10), (64, 784, 128), (70, 1000, 77)] {
        check_bias(m, k, n);
    }
}

#[test]
fn every_small_size() {
    for m in 0..=19 {
        for k in [0, 1, 2, 3, 5, 16, 17] {
            for n in 0..=35 {
                check::<f32>(m, k, n);
            }
        }
    }
}

#[test]
fn sizes_around_the_bounds_of_tiles_and_paths() {
    for (m, k, n) in [
        (1, 784, 128),
        (1, 127, 33),
        (1, 128, 1),
        (128, 129, 1),
        (31, 300, 1),
        (12, 127, 1),
        (13, 500, 32),
        (24, 256, 16),
        (25, 257, 17),
        (64, 10, 128),
        (300, 16, 16),
        (10, 64, 128),
        (64, 128, 10),
        (50, 51, 52),
        (64, 64, 64),
        (65, 129, 33),
        (128, 256, 64),
        (33, 784, 65),
        (241, 33, 70),
        (483, 130, 31),
    ] {
        check::<f32>(m, k, n);
        check::<f64>(m, k, n);
    }
}

/// Packed products in all orientations. The last tile has every width and every height. Sums end before,
/// at and after the bounds of a block.
#[test]
fn packed_products() {
    let widths = (64..=113).map(|n| (70, 1000, n));
    let heights = (64..=73).map(|m| (m, 1030, 70));
    let depths = [767, 768, 769].map(|k| (65, k, 100));
    let blocks = [(300, 600, 800), (1100, 90, 50), (481, 257, 49)];
    for (m, k, n) in widths.chain(heights).chain(depths).chain(blocks) {
        assert_large(m, k, n);
        check::<f32>(m, k, n);
    }
    check::<f64>(70, 1000, 77);
}

/// Large `X·Wᵀ` in all orientations, with tiles of every height and panels of every width. Only AVX-512
/// streams the shorter sums; AVX2 too streams the longest. There are several blocks of columns.
#[test]
fn streamed_products() {
    let streams = |m, k, n, least| {
        let path = path_of(m, k, n, [false, true]);
        assert!(path == "Streamed" || level() < least, "{m}×{k}×{n}: {path}");
    };
    for (m, k, n) in (0..=16).map(|i| (680 + i, 390, 32 + i)).chain([(450, 600, 900)]) {
        streams(m, k, n, Level::Avx512);
        check::<f32>(m, k, n);
    }
    for (m, k, n) in [(65, 4096, 129), (70, 4095, 143)] {
        streams(m, k, n, Level::Avx2);
        check::<f32>(m, k, n);
    }
    for (m, k, n) in [(340, 390, 39), (66, 4100, 67)] {
        check::<f64>(m, k, n);
    }
}

#[test]
fn every_path_is_taken() {
    let [xw, yw, yx] = [[false, true], [false, false], [true, false]];
    assert_eq!(path_of(1, 784, 128, xw), "Nt");
    assert_eq!(path_of(1, 784, 128, yw), "Gemv");
    // A column is computed as a row.
    assert_eq!(path_of(784, 128, 1, xw), "Nt");
    assert_eq!(path_of(784, 128, 1, yx), "Gemv");
    assert_eq!(path_of(16, 16, 16, xw), "Nt");
    assert_eq!(path_of(32, 16, 16, yw), "Tiled");
    assert_eq!(path_of(32, 784, 128, yx), "Tiled");
    let of_level = |plain, avx2, avx512| match level() {
        Level::Portable => plain,
        Level::Avx2 => avx2,
        Level::Avx512 => avx512,
    };
    let plain = "MatrixMultiply";
    assert_eq!(path_of(256, 784, 128, yw), of_level(plain, "Tiled", "Tiled"));
    assert_eq!(path_of(256, 784, 128, yx), of_level(plain, "Packed", "Packed"));
    assert_eq!(path_of(1024, 784, 128, xw), of_level("Nt", "Nt", "Streamed"));
    assert_eq!(path_of(1024, 784, 1000, xw), of_level(plain, "Streamed", "Streamed"));
}

/// Shapes that do not fit the slices would read beyond them.
#[test]
fn what_a_matrix_lacks_is_refused() {
    for f in [
        || _ = Mat::new(&[1.0f32; 5], 2, 3),
        || gemm(Mat::new(&[0.0f32; 6], 2, 3), Mat::new(&[0.0; 6], 2, 3), Write::Set, &mut [0.0; 4]),
        || gemm(Mat::new(&[0.0f32; 6], 2, 3), Mat::new(&[0.0; 6], 3, 2), Write::Set, &mut [0.0; 5]),
    ] {
        assert!(std::panic::catch_unwind(f).is_err());
    }
}

/// The same bits for any number of threads, on every path that uses threads.
#[test]
fn threads_change_no_bit() {
    let sizes = [
        (64, 784, 128),
        (512, 128, 100),
        (300, 600, 800),
        (450, 600, 900),
        (65, 4096, 130),
        // The last piece is narrower than a vector or a tile.
        (32, 784, 40),
        (64, 784, 74),
        (16, 3000, 33),
        (32, 784, 100),
        (1, 2500, 2000),
        (2000, 700, 1),
        (5000, 16, 16),
        // The last rows or columns are less than a group of dot products.
        (301, 300, 35),
        (101, 1000, 130),
        (64, 100, 784),
    ];
    for (m, k, n) in sizes {
        let (a, b) = (values::<f32>(m * k, 1), values::<f32>(k * n, 2));
        let bias = values::<f32>(n, 3);
        for (ta, tb) in [(false, false), (false, true), (true, false)] {
            let product = |threads| {
                let (a, b) = (operand(&a, m, k, ta), operand(&b, k, n, tb));
                let mut c = vec![0.5; 2 * m * n];
                let (added, biased) = c.split_at_mut(m * n);
                with_threads(threads, || {
                    gemm(a, b, Write::Add, added);
                    gemm_bias(a, b, &bias, biased);
                });
                c.iter().map(|x| x.to_bits()).collect::<Vec<_>>()
            };
            let one = product(1);
            for threads in [2, 3, 7] {
                let other = product(threads);
                let at = other.iter().zip(&one).position(|(a, b)| a != b);
                assert!(at.is_none(), "{m}×{k}×{n} {ta} {tb}, {threads} threads, at {at:?}");
            }
        }
    }
}

/// An epilogue is the function of the finished sums, once for each element, on every path and in every piece.
#[test]
fn an_epilogue_is_applied_once_to_every_element() {
    let halved = |c: &mut [f32]| c.iter_mut().for_each(|c| *c = 0.5 * *c - 1.0);
    let sizes = [
        (5, 0, 7),
        (3, 5, 4),
        (64, 784, 128),
        (70, 40, 333),
        (512, 128, 100),
        (450, 600, 900),
        (65, 4096, 130),
        (16, 3000, 33),
        (1, 2500, 2000),
        (2000, 700, 1),
        (2000, 5000, 1),
        (600, 5000, 40),
        // So many rows that their halves are summed in several parts.
        (22_000, 1030, 24),
    ];
    for (m, k, n) in sizes {
        let (a, b) = (values::<f32>(m * k, 1), values::<f32>(k * n, 2));
        let bias = values::<f32>(n, 3);
        for (ta, tb) in [(false, true), (false, false), (true, false), (true, true)] {
            if m > 10_000 && (ta, tb) != (false, true) {
                continue;
            }
            let (a, b) = (operand(&a, m, k, ta), operand(&b, k, n, tb));
            let mut expected = vec![0.0; 2 * m * n];
            let (with_bias, without) = expected.split_at_mut(m * n);
            gemm_bias(a, b, &bias, with_bias);
            gemm(a, b, Write::Set, without);
            halved(&mut expected);
            for threads in [1, 2, 5] {
                let mut c = vec![f32::NAN; 2 * m * n];
                let (with_bias, without) = c.split_at_mut(m * n);
                with_threads(threads, || {
                    gemm_epilogue(a, b, Some(&bias), &halved, with_bias);
                    gemm_epilogue(a, b, None, &halved, without);
                });
                let at = c.iter().zip(&expected).position(|(c, e)| c.to_bits() != e.to_bits());
                assert_eq!(at, None, "{m}×{k}×{n} {ta} {tb}, {threads} threads");
            }
        }
    }
}

/// Beside the lengths that [`every_small_size`] has: sums so long that they are halved.
#[test]
fn a_product_without_rows_or_columns_is_empty() {
    for (m, k, n) in [(0, 5000, 7), (7, 5000, 0), (1, 5000, 0), (0, 5000, 1), (7, 0, 0), (0, 0, 0)]
    {
        let (a, b, bias) = (values::<f32>(m * k, 1), values::<f32>(k * n, 2), values::<f32>(n, 3));
        for (ta, tb) in [(false, false), (false, true), (true, false), (true, true)] {
            let (a, b) = (operand(&a, m, k, ta), operand(&b, k, n, tb));
            gemm(a, b, Write::Set, &mut []);
            gemm(a, b, Write::Add, &mut []);
            gemm_bias(a, b, &bias, &mut []);
        }
    }
}
