//! The memory of predictions: how much there is at a time, and how much stays.

use fanin_nn::layers::*;
use fanin_nn::tensor::parallel;
use fanin_nn::{Linear, Module, Parameters, Sequential, Tape, Tensor, Var};

use super::allocations::{allocations, bytes, peak, products_allocate};
use super::alone;

/// The bytes of a batch with this many features.
fn batch(rows: usize, features: usize) -> isize {
    (rows * features * 4) as isize
}

/// Nodes, counts and a copied result.
const BESIDES: isize = 200_000;

fn network(sizes: &[usize]) -> Sequential {
    let mut model = Sequential::new();
    for pair in sizes.windows(2) {
        model = model
            .add(Linear::builder(pair[0], pair[1]).weight(init::Constant(1e-3)).build())
            .add(Relu);
    }
    model
}

use fanin_nn::init;

/// Fails if there are allocations, apart from so many that matrixmultiply makes in large products.
#[track_caller]
fn allocates_nothing(in_products: usize, f: impl FnOnce()) {
    let (count, most) = (allocations(f), if products_allocate() { in_products } else { 0 });
    assert!(count <= most, "{count} allocations, not {most}");
}

/// Runs on a thread of its own, whose memory for predictions is empty, after a small prediction.
fn on_a_new_thread(f: impl FnOnce() + Send) {
    let _alone = alone();
    parallel::set_num_threads(1);
    std::thread::scope(|s| {
        s.spawn(|| {
            // So that the memory is there in which products are packed and their halves are summed.
            let (x, w) = (Tensor::<f32>::zeros([1000, 784]), Tensor::zeros([784, 784]));
            let _ = Tape::new().value(|t| t.input(&x).matmul(t.input(&w)));
            let _ = network(&[4100, 2048]).predict(&Tensor::zeros([256, 4100]));
            fanin_nn::release_memory();
            f();
        });
    });
}

/// Two neighbouring activations beside input and output, however many layers there are.
#[test]
fn a_prediction_holds_two_activations() {
    on_a_new_thread(|| {
        let rows = 500;
        for sizes in
            [&[784, 2048, 2048, 10][..], &[784, 1000, 900, 800, 700, 600, 10], &[64, 512, 64]]
        {
            let (model, x) = (network(sizes), Tensor::zeros([rows, sizes[0]]));
            let mut y = None;
            let most = peak(|| y = Some(model.predict(&x)));
            let inner = sizes[1..sizes.len() - 1].iter().max().unwrap();
            let output = batch(rows, sizes[sizes.len() - 1]);
            assert!(most >= batch(rows, *inner), "the allocator counts");
            // A packed block of either operand.
            let packed = if products_allocate() { 8 << 20 } else { 0 };
            let bound = 2 * batch(rows, *inner) + output + BESIDES + packed;
            assert!(most <= bound, "{sizes:?}: {most} bytes");
            assert_eq!(y.unwrap().shape(), [rows, sizes[sizes.len() - 1]]);
            fanin_nn::release_memory();
        }
    });
}

/// A branch holds its own input as well.
#[test]
fn a_residual_network_holds_three_activations() {
    on_a_new_thread(|| {
        let (rows, width) = (500, 512);
        let branch = || network(&[width, width, width, width]);
        let model = Sequential::new()
            .add(Residual::new(branch()))
            .add(Residual::new(branch()).scaled(0.5))
            .add(Residual::new(branch()).rezero())
            .add(Residual::new(FixupBranch::new(width, width, 3, 4)))
            .add(Residual::new(branch()));
        let x = Tensor::zeros([rows, width]);
        let most = peak(|| drop(model.predict(&x)));
        assert!(most <= 4 * batch(rows, width) + BESIDES, "{most} bytes");
    });
}

/// What a network computes does not depend on what is forgotten.
#[test]
fn predictions_are_the_values_of_training() {
    on_a_new_thread(|| {
        let inner = Sequential::new().add(Linear::new(12, 12)).add(Tanh).add(Dropout::new(0.5));
        let model = Sequential::new()
            .add(Linear::new(12, 12))
            .add(Dropout::new(0.1))
            .add(Residual::new(inner.clone()))
            .add(LayerNorm::new(12))
            .add(Sequential::new())
            .add(Residual::new(Residual::new(inner.clone()).rezero()).scaled(0.1))
            .add(Residual::new(FixupBranch::new(12, 5, 3, 4)))
            .add(Dropout::new(0.1))
            .add(inner);
        let mut tape = Tape::new();
        for rows in [7, 100, 1] {
            let x = Tensor::from_vec([rows, 12], (0..rows * 12).map(|i| (i % 7) as f32).collect());
            let mut recorded = None;
            let _ = tape.value_and_grad_in(fanin_nn::Mode::Evaluate, |t| {
                let y = model.forward(t.input(&x));
                recorded = Some(y.value());
                y.mean()
            });
            let y = model.predict(&x);
            assert_eq!(Some(&y), recorded.as_ref());
            assert_eq!(y, tape.value(|t| model.forward(t.input(&x))));
            assert_eq!(y, model.predict(&x));
        }
    });
}

/// A hand-written module around others: its own values are alive until it returns.
#[test]
fn values_of_a_hand_written_module_stay() {
    #[derive(Parameters)]
    struct Twice {
        layers: Sequential,
    }
    impl Module for Twice {
        fn forward<'t>(&self, x: Var<'t>) -> Var<'t> {
            let first = self.layers.forward(x);
            let second = self.layers.forward(first);
            first + second * x
        }
    }
    on_a_new_thread(|| {
        let layers =
            Sequential::new().add(Linear::new(9, 9)).add(Tanh).add(Linear::new(9, 9)).add(Tanh);
        let x = Tensor::full([300, 9], 0.5);
        let first = layers.predict(&x);
        let expected = &first + &(&layers.predict(&first) * &x);
        assert_eq!(Twice { layers }.predict(&x), expected);
    });
}

/// One large prediction leaves nothing behind, also if nothing follows.
#[test]
fn a_single_large_prediction_keeps_no_memory() {
    on_a_new_thread(|| {
        let (model, x) = (network(&[64, 2048, 2048, 10]), Tensor::zeros([3000, 64]));
        let before = bytes();
        drop(model.predict(&x));
        assert!(bytes() - before <= BESIDES, "{} bytes", bytes() - before);
    });
}

/// Several in a row keep what they need, and a smaller one ends that.
#[test]
fn large_predictions_in_a_row_allocate_nothing_until_one_is_small() {
    on_a_new_thread(|| {
        let model = network(&[64, 2048, 2048, 10]);
        let (large, small) = (Tensor::zeros([3000, 64]), Tensor::zeros([2, 64]));
        let before = bytes();
        for _ in 0..2 {
            drop(model.predict(&large));
        }
        assert!(bytes() - before >= 2 * batch(3000, 2048));
        for _ in 0..3 {
            allocates_nothing(25, || drop(model.predict(&large)));
        }
        drop(model.predict(&small));
        assert!(bytes() - before <= BESIDES, "{} bytes", bytes() - before);
        drop(model.predict(&small));
        allocates_nothing(0, || drop(model.predict(&small)));
    });
}

/// Up to 16 MiB stay whatever the sizes are.
#[test]
fn predictions_in_turn_allocate_nothing() {
    on_a_new_thread(|| {
        let model = network(&[64, 512, 512, 10]);
        let batches = [1, 1000, 30, 500].map(|rows| Tensor::zeros([rows, 64]));
        batches.iter().for_each(|x| drop(model.predict(x)));
        for x in &batches {
            allocates_nothing(2, || drop(model.predict(x)));
        }
    });
}

#[test]
fn a_result_has_memory_of_its_own_size() {
    on_a_new_thread(|| {
        let model = network(&[8, 2000, 3]);
        let x = Tensor::zeros([1, 8]);
        drop(model.predict(&x));
        let before = bytes();
        let kept: Vec<_> = (0..100).map(|_| model.predict(&x)).collect();
        assert!(bytes() - before < 100 * 300, "{} bytes", bytes() - before);
        assert!(kept.iter().all(|y| y == &kept[0]));
    });
}

#[test]
fn memory_is_released_when_it_is_asked_for() {
    on_a_new_thread(|| {
        let (model, x) = (network(&[64, 512, 512]), Tensor::zeros([1000, 64]));
        let before = bytes();
        drop(model.predict(&x));
        assert!(bytes() - before > batch(1000, 512));
        fanin_nn::release_memory();
        assert!(bytes() - before <= BESIDES, "{} bytes", bytes() - before);

        // A tape that trains.
        let mut tape = Tape::new();
        let (first, _) = tape.value_and_grad(|t| model.forward(t.input(&x)).mean());
        assert!(bytes() - before > 8 * batch(1000, 512));
        tape.release_memory();
        assert!(bytes() - before <= BESIDES, "{} bytes", bytes() - before);
        let (second, _) = tape.value_and_grad(|t| model.forward(t.input(&x)).mean());
        assert_eq!(first.to_bits(), second.to_bits());
        drop(tape);
        assert!(bytes() - before <= BESIDES);
    });
}
