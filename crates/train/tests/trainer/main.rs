//! The trainer, beside loops by hand.

mod callbacks;
mod hand_out;
mod loops;
mod lr_finder;
mod refused;
mod resume;
mod stopping;
mod sweep;
mod sweep_files;
mod sweep_processes;

use fanin_datasets::Table;
use fanin_nn::init::manual_seed;
use fanin_nn::layers::{BatchNorm1d, Dropout, Relu};
use fanin_nn::{Linear, Parameters, Sequential, Tensor};

/// 3 classes of points around 3 centres.
fn classes(n: usize) -> Table<Vec<usize>> {
    let noise = |i: usize| ((i * 7919 + 13) % 101) as f32 / 101.0 - 0.5;
    let row = |i: usize| -> [f32; 4] {
        std::array::from_fn(|j| if j == i % 3 { 1.0 } else { 0.0 } + noise(4 * i + j))
    };
    Table::from_rows((0..n).map(row), (0..n).map(|i| i % 3).collect::<Vec<_>>()).unwrap()
}

/// `y = 2 a − b + 0.5`
fn line(n: usize) -> Table {
    let row = |i: usize| [(i * 37 % 64) as f32 / 64.0, (i * 11 % 64) as f32 / 64.0];
    let y: Vec<f32> = (0..n).map(row).map(|[a, b]| 2.0 * a - b + 0.5).collect();
    Table::from_rows((0..n).map(row), y.into()).unwrap()
}

/// A network with buffers and random numbers.
fn network() -> Sequential {
    manual_seed(1);
    Sequential::new()
        .add(Linear::new(4, 8))
        .add(BatchNorm1d::new(8))
        .add(Relu)
        .add(Dropout::new(0.25))
        .add(Linear::new(8, 3))
}

/// All parameters and buffers.
fn values(model: &dyn Parameters) -> Vec<Tensor> {
    let params = model.named_params().into_iter().map(|(_, param)| param.value().clone());
    let buffers = model.named_buffers().into_iter().map(|(_, buffer)| buffer.value().clone());
    params.chain(buffers).collect()
}
