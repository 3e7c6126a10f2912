//! Dropout on several threads.

use fanin_nn::init::manual_seed;
use fanin_nn::layers::{AlphaDropout, Dropout, Geglu, Prelu, Relu, Rrelu};
use fanin_nn::tensor::parallel;
use fanin_nn::{Adam, Linear, Module, Optimizer, Parameters, Sequential, Tape, Tensor};

use super::alone;

fn bits(x: &Tensor) -> Vec<u32> {
    x.as_slice().iter().map(|x| x.to_bits()).collect()
}

#[test]
fn the_same_bits_for_any_number_of_threads() {
    let dropout = || {
        Sequential::new()
            .add(Dropout::new(0.2))
            .add(Linear::new(64, 256))
            .add(Relu)
            .add(Dropout::new(0.5))
            .add(Linear::new(256, 10))
    };
    let others = || {
        Sequential::new()
            .add(Linear::new(64, 512))
            .add(Rrelu::default())
            .add(Geglu::new(256))
            .add(AlphaDropout::new(0.2))
            .add(Prelu::per_feature(256))
            .add(Linear::new(256, 10))
            .add(Prelu::new())
    };
    same_bits(dropout);
    same_bits(others);
}

fn same_bits(build: impl Fn() -> Sequential) {
    let train = |threads| {
        parallel::set_num_threads(threads);
        manual_seed(3);
        let mut model = build();
        let x =
            Tensor::from_vec([128, 64], (0..128 * 64).map(|i| (i % 17) as f32 / 17.0).collect());
        let y: Vec<usize> = (0..128).map(|i| i % 10).collect();
        let (mut adam, mut tape) = (Adam::new(1e-3), Tape::new());
        for _ in 0..10 {
            let (_, grads) = tape.value_and_grad(|t| model.forward(t.input(&x)).cross_entropy(&y));
            adam.step(&mut model, grads);
        }
        model.named_params().iter().flat_map(|(_, p)| bits(p.value())).collect::<Vec<u32>>()
    };
    let _alone = alone();
    let one = train(1);
    assert!(train(2) == one && train(3) == one);
}
