//! Maps and reductions against their definitions, at every length around the bounds of vectors, blocks
//! and threads.

use fanin_tensor::map::{map, update};
use fanin_tensor::{Write, reduce};

use crate::with_threads;

fn values(len: usize) -> Vec<f32> {
    (0..len).map(|i| ((i * 7919 + 13) % 1009) as f32 / 504.5 - 1.0).collect()
}

fn lengths() -> impl Iterator<Item = usize> {
    (0..=66).chain([255, 1000, 1023, 1024, 1025, 2048, 5000, 70_001, 300_000])
}

#[test]
fn map_sets_and_adds() {
    for len in lengths() {
        let (a, b) = (values(len), vec![3.0; len]);
        let mut y = vec![0.5; len];
        map([&a, &b], Write::Set, &mut y, |[a, b]| a * b + 1.0);
        assert!(y.iter().zip(&a).all(|(&y, a)| y == a * 3.0 + 1.0), "{len}");
        map([&a], Write::Add, &mut y, |[a]| -a);
        assert!(y.iter().zip(&a).all(|(&y, a)| y == a * 3.0 + 1.0 - a), "{len}");
    }
}

#[test]
fn update_changes_all_of_the_state() {
    for len in lengths() {
        let g = values(len);
        let (mut p, mut v) = (vec![1.0; len], vec![2.0; len]);
        update([&mut p, &mut v], [&g], |[p, v], [g]| [p - v, v + g]);
        assert!(p.iter().all(|&p| p == -1.0), "{len}");
        assert!(v.iter().zip(&g).all(|(&v, g)| v == 2.0 + g), "{len}");
    }
}

#[test]
fn sums_are_close_to_exact_ones() {
    for len in lengths() {
        let x = values(len);
        let exact: f64 = x.iter().map(|&x| f64::from(x)).sum();
        let squares: f64 = x.iter().map(|&x| f64::from(x) * f64::from(x)).sum();
        let bound = 1e-6 * (len as f64 + 1.0);
        assert!((f64::from(reduce::sum(&x)) - exact).abs() <= bound, "{len}");
        assert!((f64::from(reduce::dot(&x, &x)) - squares).abs() <= bound, "{len}");
    }
}

#[test]
fn sums_of_rows_and_columns() {
    let mut none = [9.0f32; 2];
    reduce::sum_cols(&[], 0, &mut none);
    assert_eq!(none, [0.0; 2]);
    for (rows, cols) in
        [(0, 3), (1, 1), (3, 5), (64, 10), (17, 33), (128, 700), (512, 3), (1000, 1), (5003, 70)]
    {
        // Whole numbers: every order of summation gives the same.
        let x: Vec<f32> = (0..rows * cols).map(|i| (i * 31 % 17) as f32).collect();
        let mut by_row = vec![9.0; cols];
        reduce::sum_rows(&x, Write::Set, &mut by_row);
        for (j, &sum) in by_row.iter().enumerate() {
            assert_eq!(sum, (0..rows).map(|i| x[i * cols + j]).sum::<f32>());
        }
        let once = by_row.clone();
        reduce::sum_rows(&x, Write::Add, &mut by_row);
        assert!(by_row.iter().zip(once).all(|(&twice, once)| twice == 2.0 * once));
        let mut by_col = vec![9.0; rows];
        reduce::sum_cols(&x, cols, &mut by_col);
        for (i, &sum) in by_col.iter().enumerate() {
            assert_eq!(sum, x[i * cols..][..cols].iter().sum::<f32>());
        }
    }
}

#[test]
fn softmax_by_its_definition() {
    for (rows, cols) in [(1, 1), (3, 10), (64, 10), (5, 33), (2000, 10)] {
        let x: Vec<f32> = values(rows * cols).iter().map(|x| 20.0 * x).collect();
        let (mut p, mut top, mut log_sum) = (vec![0.0; x.len()], vec![0.0; rows], vec![0.0; rows]);
        reduce::softmax(&x, cols, &mut p, &mut top, &mut log_sum);
        for i in 0..rows {
            let row: Vec<f64> = x[i * cols..][..cols].iter().map(|&x| f64::from(x)).collect();
            let sum: f64 = row.iter().map(|x| x.exp()).sum();
            let m = row.iter().copied().fold(f64::MIN, f64::max);
            assert_eq!(f64::from(top[i]), m);
            assert!((f64::from(log_sum[i]) - (sum.ln() - m)).abs() < 1e-6);
            for (p, x) in p[i * cols..].iter().zip(row) {
                assert!((f64::from(*p) - x.exp() / sum).abs() < 1e-6);
            }
        }
    }
}

#[test]
fn softmax_of_huge_numbers() {
    let (mut p, mut top, mut log_sum) = ([0.0; 3], [0.0], [0.0]);
    reduce::softmax(&[1e30f32, 0.0, 1e30], 3, &mut p, &mut top, &mut log_sum);
    assert_eq!((p, top, log_sum), ([0.5, 0.0, 0.5], [1e30], [2f32.ln()]));
}

/// Short rows are computed side by side: none may disturb another.
#[test]
fn a_row_among_others_is_that_row_alone() {
    for cols in 1..=17 {
        let rows = 35;
        let mut x: Vec<f32> = values(rows * cols).iter().map(|x| 30.0 * x).collect();
        x[3 * cols] = f32::NAN;
        x[5 * cols..6 * cols].fill(7.0);
        x[7 * cols + cols / 2] = f32::INFINITY;
        x[9 * cols..10 * cols].fill(f32::NEG_INFINITY);
        x[11 * cols] = 1e30;
        x[34 * cols + cols - 1] = f32::NEG_INFINITY;
        let softmax = |x: &[f32]| {
            let rows = x.len() / cols;
            let mut all = vec![0.0; x.len() + 2 * rows];
            let (p, sums) = all.split_at_mut(x.len());
            let (top, log_sum) = sums.split_at_mut(rows);
            reduce::softmax(x, cols, p, top, log_sum);
            (p.to_vec(), top.to_vec(), log_sum.to_vec())
        };
        let (p, top, log_sum) = softmax(&x);
        for (i, row) in x.chunks(cols).enumerate() {
            let alone = softmax(row);
            assert_eq!(top[i].to_bits(), alone.1[0].to_bits(), "row {i} of {cols}");
            let got = p[i * cols..][..cols].iter().chain(&log_sum[i..=i]);
            for (got, want) in got.zip(alone.0.iter().chain(&alone.2)) {
                let near = (got - want).abs() <= 1e-6 * want.abs();
                assert!(near || (got.is_nan() && want.is_nan()), "row {i} of {cols}: {got} {want}");
            }
        }
    }
}

#[test]
fn argmax_takes_the_first_and_shows_nan() {
    assert_eq!(reduce::argmax(&[1.0f32, 3.0, 3.0, 2.0]), 1);
    assert_eq!(reduce::argmax(&[1.0, f32::NAN, 3.0, f32::NAN]), 1);
    assert_eq!(reduce::argmax(&[f32::NEG_INFINITY; 2]), 0);
}

#[test]
fn threads_change_no_bit() {
    let x = values(400_000);
    let results = || {
        let mut y = vec![0.0; x.len()];
        map([&x], Write::Set, &mut y, |[x]| x * 1.1);
        let mut rows = vec![0.0; 1000];
        reduce::sum_rows(&x, Write::Set, &mut rows);
        let (mut p, mut top, mut log_sum) =
            (vec![0.0; x.len()], vec![0.0; 40_000], vec![0.0; 40_000]);
        reduce::softmax(&x, 10, &mut p, &mut top, &mut log_sum);
        y.extend([rows, p, top, log_sum, vec![reduce::sum(&x)]].concat());
        y.iter().map(|x| x.to_bits()).collect::<Vec<_>>()
    };
    let one = with_threads(1, results);
    assert!(with_threads(2, results) == one && with_threads(3, results) == one);
}

#[test]
#[should_panic(expected = "sum_rows: 7 elements in rows of 3")]
fn rows_that_are_not_whole_are_refused() {
    reduce::sum_rows(&[1.0f32; 7], Write::Set, &mut [0.0; 3]);
}
