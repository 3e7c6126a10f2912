//! Singular values against numpy's, and against what is known of them.

use fanin_nn::Tensor;
use fanin_nn::diagnose::singular_values;

fn matrix(name: &str, m: usize, n: usize) -> Tensor<f64> {
    let waves = |i: f64, j: f64| (i * i * 0.37 + j * 1.7 + i * j * 0.11).sin();
    let element = |place: usize| {
        let (i, j) = ((place / n + 1) as f64, (place % n + 1) as f64);
        match name {
            "waves" => waves(i, j),
            "graded" => waves(i, j) * 10f64.powf(-8.0 * (i - 1.0) / (m - 1) as f64),
            "rank_two" => i.sin() * j.cos() + 0.25 * i.cos() * j.sin(),
            _ => panic!("no matrix {name}"),
        }
    };
    Tensor::from_vec([m, n], (0..m * n).map(element).collect())
}

#[test]
fn they_are_numpys() {
    let mut matrices = 0;
    for line in include_str!("../../golden/singular.txt").lines().filter(|l| !l.starts_with('#')) {
        let words: Vec<&str> = line.split(' ').collect();
        let (m, n): (usize, usize) = (words[1].parse().unwrap(), words[2].parse().unwrap());
        let want: Vec<f64> = words[3..].iter().map(|w| w.parse().unwrap()).collect();
        let largest = want[0];
        let got = singular_values(&matrix(words[0], m, n));
        assert_eq!(got.len(), want.len(), "{} {m}×{n}", words[0]);
        for (got, want) in got.iter().zip(&want) {
            // Neither side knows more than this of a small one.
            let error = (got - want).abs() / want.max(largest);
            assert!(error < 2e-14, "{} {m}×{n}: {got} for {want}", words[0]);
        }
        matrices += 1;
    }
    assert_eq!(matrices, 10);
}

#[test]
fn extreme_sizes_neither_overflow_nor_vanish() {
    for scale in [1e-200, 1e200] {
        let values = matrix("waves", 9, 7).as_slice().iter().map(|x| x * scale).collect();
        let scaled = singular_values(&Tensor::from_vec([9, 7], values));
        let plain = singular_values(&matrix("waves", 9, 7));
        for (scaled, plain) in scaled.iter().zip(&plain) {
            assert!((scaled / scale / plain - 1.0).abs() < 1e-12);
        }
    }
}

#[test]
fn zeros_and_empty_matrices_have_what_they_must() {
    assert_eq!(singular_values(&Tensor::<f32>::zeros([3, 2])), [0.0, 0.0]);
    assert!(singular_values(&Tensor::<f32>::zeros([0, 4])).is_empty());
    assert!(singular_values(&Tensor::<f32>::zeros([4, 0])).is_empty());
}

#[test]
#[should_panic(expected = "an element is not finite")]
fn nan_is_refused() {
    singular_values(&Tensor::full([2, 2], f32::NAN));
}

#[test]
fn those_of_a_diagonal_matrix_are_its_elements() {
    // Bisection meets the largest exactly, and beside it are zeros.
    for diagonal in [vec![1.0, 0.5, 0.25], vec![2.0, 2.0, 1.0], vec![1.0, 0.0, 0.75, 0.0]] {
        let n = diagonal.len();
        let mut values = vec![0.0; n * n];
        diagonal.iter().enumerate().for_each(|(i, x)| values[i * (n + 1)] = *x);
        let mut want = diagonal;
        want.sort_by(|a: &f64, b| b.total_cmp(a));
        let got = singular_values(&Tensor::from_vec([n, n], values));
        for (got, want) in got.iter().zip(&want) {
            assert!((got - want).abs() < 1e-14, "{got} for {want}");
        }
    }
}
