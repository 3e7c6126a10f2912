//! `Sequential`: layers by type, summaries.

use fanin_nn::init::manual_seed;
use fanin_nn::layers::Relu;
use fanin_nn::{Adam, Linear, Module, Optimizer, Parameters, Sequential, Tape, Tensor};

use super::with_batch_norm;

#[test]
fn layers_by_type_and_summaries() {
    manual_seed(1);
    let mut model = with_batch_norm();
    model.get_mut::<Linear>(3).unwrap().weight_mut().set_trainable(false);
    assert!(model.get::<Linear>(1).is_none() && model.get::<Linear>(9).is_none());
    let summary = model.summary();
    assert_eq!((summary.num_params(), summary.rows()[3].frozen), (model.num_params(), 48));
    let outputs: Vec<_> = summary.rows().iter().map(|row| row.output).collect();
    assert_eq!(outputs, [Some(16), Some(16), Some(16), Some(3)]);
    let text = summary.to_string();
    assert!(text.contains("BatchNorm1d(16)") && text.contains("(48 frozen)"), "{text}");
    assert!(text.ends_with("227 parameters"), "{text}");
    // One spelling for f64.
    let mut wide = Sequential::<f64>::new().add(Relu);
    wide = wide.add(model.get::<Linear>(3).unwrap().cast());
    use fanin_nn::NewF64;
    let x = Tensor::<f64>::ones([2, 16]);
    let y = Tape::<f64>::new().value(|t| wide.forward(t.input(&x)));
    assert_eq!(y.shape(), [2, 3]);
    Adam::new(0.1).step(&mut wide, Tape::<f64>::new().value_and_grad(|t| t.scalar(0.0)).1);
}

#[test]
fn adding_a_layer_does_not_walk_the_network() {
    let build = |layers: usize| {
        let start = std::time::Instant::now();
        let model = (0..layers).fold(Sequential::<f32>::new(), |model, _| model.add(Relu));
        assert_eq!(model.layers().len(), layers);
        start.elapsed().as_secs_f64()
    };
    build(100);
    // Linear, with room for noise; a quadratic one would take 100 times as long.
    let (few, many) = (build(2_000).max(1e-5), build(20_000));
    assert!(many < 50.0 * few, "{few} s, {many} s");
}
