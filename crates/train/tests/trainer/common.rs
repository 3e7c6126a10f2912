//! Data and a network that several tests train.

use fanin_datasets::Table;
use fanin_nn::init::manual_seed;
use fanin_nn::layers::{BatchNorm1d, Dropout, Relu};
use fanin_nn::{Linear, Parameters, Sequential, Tensor};

/// 3 classes of points around 3 centres.
pub(crate) fn classes(n: usize) -> Table<Vec<usize>> {
    let noise = |i: usize| ((i * 7919 + 13) % 101) as f32 / 101.0 - 0.5;
    let row = |i: usize| -> [f32; 4] {
        std::array::from_fn(|j| if j == i % 3 { 1.0 } else { 0.0 } + noise(4 * i + j))
    };
    Table::from_rows((0..n).map(row), (0..n).map(|i| i % 3).collect::<Vec<_>>()).unwrap()
}

/// A network with buffers and random numbers.
pub(crate) fn network() -> Sequential {
    manual_seed(1);
    Sequential::new()
        .add(Linear::new(4, 8))
        .add(BatchNorm1d::new(8))
        .add(Relu)
        .add(Dropout::new(0.25))
        .add(Linear::new(8, 3))
}

/// All parameters and buffers.
pub(crate) fn values(model: &dyn Parameters) -> Vec<Tensor> {
    let params = model.named_params().into_iter().map(|(_, param)| param.value().clone());
    let buffers = model.named_buffers().into_iter().map(|(_, buffer)| buffer.value().clone());
    params.chain(buffers).collect()
}
