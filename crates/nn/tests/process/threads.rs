//! Threads: the same bits for any number of them, and prediction from several at once.

use fanin_nn::init::manual_seed;
use fanin_nn::layers::*;
use fanin_nn::optim::{Adafactor, AdamW, Muon};
use fanin_nn::tensor::parallel;
use fanin_nn::{
    Adam, Backward, Linear, Mode, Module, Op, Optimizer, Param, Parameters, Sequential, Sgd, Tape,
    Tensor, Var,
};

use super::alone;

fn model() -> Sequential {
    manual_seed(7);
    Sequential::new()
        .add(Linear::new(784, 512))
        .add(Gelu)
        .add(Linear::new(512, 256))
        .add(Relu)
        .add(Linear::new(256, 10))
}

/// Its layers are no multiples of a vector: a thread's last piece is narrow.
fn narrow_model() -> Sequential {
    manual_seed(7);
    Sequential::new().add(Linear::new(784, 40)).add(Tanh).add(Linear::new(40, 10))
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
fn steps_give_the_same_bits_with_any_number_of_threads() {
    let _alone = alone();
    let train = |threads, steps, rows, narrow| {
        parallel::set_num_threads(threads);
        // Fewer rows than columns: products are split by columns.
        let (x, y) = data(rows);
        let mut model = if narrow { narrow_model() } else { model() };
        let (mut adam, mut tape) = (Adam::new(1e-3), Tape::new());
        let before = bits(&model);
        for _ in 0..steps {
            let (_, grads) = tape.value_and_grad(|t| model.forward(t.input(&x)).cross_entropy(&y));
            adam.step(&mut model, grads);
        }
        let after = bits(&model);
        assert!(before != after, "the weights have changed");
        after
    };
    // With 16 threads most matrices are divided by rows and by columns. The last of an odd number of rows
    // is computed apart.
    for (threads, steps, rows) in [(&[2, 3][..], 50, [128, 32]), (&[2, 16], 5, [97, 97])] {
        for (narrow, rows) in [false, true].into_iter().zip(rows) {
            let one = train(1, steps, rows, narrow);
            for &threads in threads {
                let same = train(threads, steps, rows, narrow) == one;
                assert!(same, "{threads} threads, narrow: {narrow}");
            }
        }
    }
}

/// Rules that sum and multiply matrices.
#[test]
fn muon_and_adafactor_give_the_same_bits_with_any_number_of_threads() {
    let _alone = alone();
    let train = |threads, wide: bool, muon: bool| {
        parallel::set_num_threads(threads);
        let (x, y) = data(33);
        let mut model = if wide { model() } else { narrow_model() };
        let mut optimizer: Box<dyn Optimizer> = if muon {
            Box::new(Muon::new(0.02, AdamW::new(1e-3)))
        } else {
            Box::new(Adafactor::new(0.01))
        };
        let mut tape = Tape::new();
        for _ in 0..3 {
            let (_, grads) = tape.value_and_grad(|t| model.forward(t.input(&x)).cross_entropy(&y));
            optimizer.step(&mut model, grads);
        }
        bits(&model)
    };
    for (wide, muon) in [(false, false), (false, true), (true, false), (true, true)] {
        let one = train(1, wide, muon);
        for threads in [2, 16] {
            let same = train(threads, wide, muon) == one;
            assert!(same, "{threads} threads, wide: {wide}, Muon: {muon}");
        }
    }
}

#[test]
fn several_threads_predict_at_once_and_train_side_by_side() {
    let _alone = alone();
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

/// What is predicted is not recorded, what is differentiated is: a layer such as dropout relies on it.
#[test]
fn only_training_is_recorded() {
    #[derive(Parameters)]
    struct Probe {
        #[parameters(skip)]
        recorded: bool,
    }
    impl Module for Probe {
        fn forward<'t>(&self, x: Var<'t>) -> Var<'t> {
            let mode = if self.recorded { Mode::Train } else { Mode::Evaluate };
            assert_eq!(x.tape().mode(), mode);
            let p = Param::new(Tensor::ones(1));
            x.tape().apply(Nothing, &[x, x.tape().param(&p)], |cx| {
                assert_eq!(cx.differentiated(), self.recorded);
                cx.output(()).fill(1.0);
            })
        }
    }
    #[derive(Debug)]
    struct Nothing;
    impl Op<f32> for Nothing {
        fn backward(&self, cx: &mut Backward<'_, f32>) {
            assert!(cx.grad(0).is_none(), "an input wants no gradient");
        }
    }
    let (x, mut tape) = (Tensor::ones(1), Tape::new());
    let _ = Probe { recorded: false }.predict(&x);
    let _ = tape.value(|t| Probe { recorded: false }.forward(t.input(&x)));
    let _ = tape.value_and_grad(|t| Probe { recorded: true }.forward(t.input(&x)));
}

#[test]
fn what_a_training_thread_owns_may_move_to_it() {
    fn send<T: Send>(_: &T) {}
    let optimizer: Box<dyn Optimizer> = Box::new(Adam::new(0.1));
    send(&(Tape::new(), model(), optimizer));
}

#[test]
fn one_set_of_gradients_serves_two_optimizers() {
    let (mut encoder, mut head) = (Linear::new(4, 3), Linear::new(3, 2));
    let (mut slow, mut fast, mut tape) = (Sgd::new(0.01), Adam::new(0.1), Tape::new());
    let before = (bits(&encoder), bits(&head));
    let x = Tensor::ones([5, 4]);
    let (_, mut grads) = tape.value_and_grad(|t| head.forward(encoder.forward(t.input(&x))).mean());
    slow.step(&mut encoder, grads.reborrow());
    fast.step(&mut head, grads);
    assert!(bits(&encoder) != before.0 && bits(&head) != before.1);
}

#[test]
fn a_module_may_predict_inside_its_forward() {
    #[derive(Parameters)]
    struct Frozen(Linear);
    impl Module for Frozen {
        fn forward<'t>(&self, x: Var<'t>) -> Var<'t> {
            x.tape().input(&self.0.predict(&x.value()))
        }
    }
    let inner = Linear::new(3, 2);
    let expected = inner.predict(&Tensor::ones([4, 3]));
    assert_eq!(Frozen(inner).predict(&Tensor::ones([4, 3])), expected);
}
