//! Threads: the same bits for any number of them, and prediction from several at once.

use fanin_nn::init::manual_seed;
use fanin_nn::layers::*;
use fanin_nn::tensor::parallel;
use fanin_nn::{Adam, Linear, Module, Optimizer, Sequential, Tape, Tensor};

fn model() -> Sequential {
    manual_seed(7);
    Sequential::new()
        .add(Linear::new(784, 512))
        .add(Gelu)
        .add(Linear::new(512, 256))
        .add(Relu)
        .add(Linear::new(256, 10))
}

fn data(rows: usize) -> (Tensor, Vec<usize>) {
    let x = (0..rows * 784).map(|i| (i * 7919 % 1009) as f32 / 1009.0).collect();
    (Tensor::from_vec([rows, 784], x), (0..rows).map(|i| i % 10).collect())
}

fn bits(model: &impl Module) -> Vec<u32> {
    let params = model.named_params();
    params.iter().flat_map(|(_, p)| p.value().as_slice()).map(|x| x.to_bits()).collect()
}

#[test]
fn fifty_steps_give_the_same_bits_with_1_2_and_3_threads() {
    let (x, y) = data(128);
    let train = |threads| {
        parallel::set_num_threads(threads);
        let (mut model, mut adam, mut tape) = (model(), Adam::new(1e-3), Tape::new());
        let before = bits(&model);
        for _ in 0..50 {
            let (_, grads) = tape.value_and_grad(|t| model.forward(t.input(&x)).cross_entropy(&y));
            adam.step(&mut model, grads);
        }
        let after = bits(&model);
        assert!(before != after, "the weights have changed");
        after
    };
    let one = train(1);
    for threads in [2, 3] {
        assert!(train(threads) == one, "{threads} threads");
    }
}

#[test]
fn several_threads_predict_at_once_and_train_side_by_side() {
    let (x, y) = data(33);
    let shared = model();
    let expected = shared.predict(&x);
    std::thread::scope(|s| {
        for _ in 0..4 {
            s.spawn(|| {
                for _ in 0..20 {
                    assert_eq!(shared.predict(&x), expected);
                }
                // A model of the thread's own, in the same process and at the same time.
                let (mut own, mut adam, mut tape) = (model(), Adam::new(1e-3), Tape::new());
                for _ in 0..10 {
                    let (_, grads) =
                        tape.value_and_grad(|t| own.forward(t.input(&x)).cross_entropy(&y));
                    adam.step(&mut own, grads);
                }
                assert_ne!(own.predict(&x), expected);
            });
        }
    });
}

#[test]
fn a_module_may_predict_inside_its_forward() {
    struct Frozen(Linear);
    impl Module for Frozen {
        fn forward<'t>(&self, x: fanin_nn::Var<'t>) -> fanin_nn::Var<'t> {
            x.tape().input(&self.0.predict(&x.value()))
        }
    }
    let inner = Linear::new(3, 2);
    let expected = inner.predict(&Tensor::ones([4, 3]));
    assert_eq!(Frozen(inner).predict(&Tensor::ones([4, 3])), expected);
}
