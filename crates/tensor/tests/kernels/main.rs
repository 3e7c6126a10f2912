//! The kernels, in one program, so that `f64` is compiled once. A module runs by its name, as in
//! `cargo test -p fanin-tensor --test kernels vmath::`.

mod broadcast;
mod functions;
mod gemm;
mod kernels;
mod long_sums;
mod memory;
mod vmath;

use std::sync::{Mutex, PoisonError};

use fanin_tensor::gemm::{self as products, Mat};
use fanin_tensor::parallel;
use fanin_tensor::simd::{Level, level};

/// Runs `f` while kernels may use `n` threads. The number holds for the process, so tests take turns.
fn with_threads<R>(n: usize, f: impl FnOnce() -> R) -> R {
    static ONE: Mutex<()> = Mutex::new(());
    let _one = ONE.lock().unwrap_or_else(PoisonError::into_inner);
    let before = parallel::num_threads();
    parallel::set_num_threads(n);
    let result = f();
    parallel::set_num_threads(before);
    result
}

/// The path of an `(m, k)` by `(k, n)` product of operands in these orders.
fn path_of(m: usize, k: usize, n: usize, [ta, tb]: [bool; 2]) -> String {
    let (x, y) = (vec![0.0f32; m * k], vec![0.0; k * n]);
    let a = if ta { Mat::new(&x, k, m).t() } else { Mat::new(&x, m, k) };
    let b = if tb { Mat::new(&y, n, k).t() } else { Mat::new(&y, k, n) };
    products::path(a, b)
}

/// Fails unless a product whose A is transposed is large.
fn assert_large(m: usize, k: usize, n: usize) {
    let large = if level() == Level::Portable { "MatrixMultiply" } else { "Packed" };
    assert_eq!(path_of(m, k, n, [true, false]), large, "{m}×{k}×{n}");
}

/// Fails unless a product whose A is transposed is small.
fn assert_small(m: usize, k: usize, n: usize) {
    assert_eq!(path_of(m, k, n, [true, false]), "Tiled", "{m}×{k}×{n}");
}
