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

use fanin_tensor::parallel;

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
