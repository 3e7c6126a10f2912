//! Batch and layer normalization: PyTorch's numbers, and buffers.

use std::thread;

use fanin_nn::layers::{BatchNorm1d, LayerNorm, Relu};
use fanin_nn::{
    Adam, AdamW, Checkpoint, Error, GradientSum, Linear, Mode, Module, Optimizer, Param,
    Parameters, Sequential, Sgd, Tape, Tensor, gradcheck, gradcheck_module,
};

use super::{assert_close, bits, random, train, with_batch_norm};
use crate::golden::golden;

/// 50 steps of PyTorch's training, with batches of 2 to 33 rows. A mean of 50 has an ulp of 4e-6, of
/// which a spread of 0.1 makes 4e-5 in the output.
#[test]
fn running_statistics_are_those_of_pytorch() {
    let golden = golden("frame.txt");
    let get = |name: &str| &golden[name];
    let mut layer = BatchNorm1d::new(5);
    let (mut sgd, mut tape) = (Sgd::new(0.1), Tape::new());
    for step in 0..50 {
        let x = Param::new(get(&format!("batch_norm/x/{step}")).clone());
        let c = get(&format!("batch_norm/c/{step}"));
        let mut y = None;
        let (_, grads) = tape.value_and_grad(|t| {
            let out = layer.forward(t.param(&x));
            y = Some(out.value());
            (out * t.input(c)).sum()
        });
        let dx = grads.get(&x).unwrap().clone();
        sgd.step(&mut layer, grads);
        if [0, 1, 49].contains(&step) {
            let check = |what: &str, value: &Tensor, tolerance| {
                let name = format!("batch_norm/{what}/{step}");
                assert_close(&name, value, get(&name), tolerance);
            };
            check("y", &y.unwrap(), 1e-4);
            check("dx", &dx, 3e-4);
            check("mean", layer.running_mean(), 1e-6);
            check("var", layer.running_var(), 1e-6);
            check("weight", layer.param("weight").value(), 1e-5);
            check("bias", layer.param("bias").value(), 1e-5);
        }
    }
    let x = get("batch_norm/x/49");
    assert_close("evaluated", &layer.predict(x), get("batch_norm/evaluated"), 1e-5);
}

#[test]
fn predictions_from_eight_threads_agree_and_change_nothing() {
    let mut model = with_batch_norm();
    train(&mut model, &mut Adam::new(1e-2), 0..10);
    let before = bits(&model);
    let x = random(&[40, 8], 99);
    let all = model.predict(&x);
    thread::scope(|scope| {
        for first in 0..8 {
            let (model, x, all) = (&model, &x, &all);
            scope.spawn(move || {
                // A sample's prediction does not depend on the others.
                for row in (first..40).step_by(8) {
                    let one = Tensor::from_vec([1, 8], x.as_slice()[8 * row..][..8].to_vec());
                    let want = Tensor::from_vec([1, 3], all.as_slice()[3 * row..][..3].to_vec());
                    assert_close("one", &model.predict(&one), &want, 1e-6);
                }
            });
        }
    });
    assert_eq!(bits(&model), before);
}

#[test]
fn buffers_are_saved_loaded_cloned_cast_and_never_trained() {
    let mut model = with_batch_norm();
    train(&mut model, &mut AdamW::new(1e-2).weight_decay(10.0), 0..5);
    let norm = model.get::<BatchNorm1d>(1).unwrap();
    assert!(norm.running_mean().as_slice().iter().all(|&m| m != 0.0));
    assert_eq!(model.num_params(), 8 * 16 + 16 + 16 + 16 + 16 * 3 + 3);

    let mut loaded = with_batch_norm();
    loaded.load_bytes(&model.to_bytes().unwrap()).unwrap();
    assert_eq!(bits(&loaded), bits(&model));
    assert_eq!(bits(&model.clone()), bits(&model));
    let back = model.cast::<f64>().cast::<f32>();
    assert_eq!(bits(&back), bits(&model));

    // A file without them is another model.
    let mut without = Sequential::new().add(Linear::new(8, 16)).add(LayerNorm::new(16));
    without = without.add(Relu).add(Linear::new(16, 3));
    let refused = loaded.load_bytes(&without.to_bytes().unwrap()).unwrap_err();
    let named = "1.running_mean (16) is in the model only";
    assert!(refused.to_string().contains(named), "{refused}");
    assert!(matches!(refused, Error::OtherModel { .. }));
}

#[test]
fn only_a_training_step_updates_buffers() {
    let mut model = with_batch_norm();
    let before = bits(&model);
    let (x, mut tape, mut sgd) = (random(&[16, 8], 1), Tape::new(), Sgd::new(0.0));
    model.predict(&x);
    tape.value_in(Mode::Train, |t| model.forward(t.input(&x)));
    let _ = fanin_nn::diagnose::Probe::new(&model, &x);
    let (_, grads) =
        tape.value_and_grad_in(Mode::Evaluate, |t| model.forward(t.input(&x)).square().mean());
    sgd.step(&mut model, grads);
    assert_eq!(bits(&model), before);
    let (_, grads) = tape.value_and_grad(|t| model.forward(t.input(&x)).square().mean());
    assert_eq!(grads.count(), 6);
    sgd.step(&mut model, grads);
    let changed: Vec<_> = bits(&model).iter().zip(&before).map(|(a, b)| a != b).collect();
    assert_eq!(changed, [false, false, false, false, false, false, true, true]);
}

#[test]
fn micro_batches_update_buffers_in_their_order() {
    let (mut once, mut summed) = (BatchNorm1d::new(2), BatchNorm1d::new(2));
    let (mut tape, mut sgd, mut sum) = (Tape::new(), Sgd::new(0.0), GradientSum::new());
    for seed in 0..4 {
        let x = random(&[8, 2], seed);
        let (_, grads) = tape.value_and_grad(|t| once.forward(t.input(&x)).sum());
        sgd.step(&mut once, grads);
        let (_, grads) = tape.value_and_grad(|t| summed.forward(t.input(&x)).sum());
        sum.add(&grads);
    }
    Sgd::new(0.0).step(&mut summed, sum.gradients());
    assert_eq!(bits(&once)[2..], bits(&summed)[2..]);
    assert_ne!(summed.running_mean().as_slice(), [0.0; 2]);
}

#[test]
fn gradients_of_normalizations() {
    gradcheck_module(LayerNorm::new(7).cast(), &[4, 7], 1).assert_below(1e-6);
    gradcheck_module(BatchNorm1d::new(7).cast(), &[5, 7], 2).assert_below(1e-6);
    gradcheck_module(BatchNorm1d::new(130).cast(), &[3, 130], 3).assert_below(1e-6);
    gradcheck_module(BatchNorm1d::new(3).cast(), &[5, 2, 3], 4).assert_below(1e-6);
    let golden = golden("frame.txt");
    let get = |name: &str| &golden[name];
    let params =
        ["x", "weight", "bias"].map(|p| Param::new(get(&format!("layer_norm/{p}")).clone()));
    let (mut tape, mut y) = (Tape::new(), None);
    let (_, grads) = tape.value_and_grad(|t| {
        let [x, weight, bias] = [0, 1, 2].map(|i| t.param(&params[i]));
        let out = x.layer_norm(Some([weight, bias]), 1e-5);
        y = Some(out.value());
        (out * t.input(get("layer_norm/c"))).sum()
    });
    assert_close("y", &y.unwrap(), get("layer_norm/y"), 1e-6);
    for (param, name) in params.iter().zip(["dx", "dweight", "dbias"]) {
        let name = format!("layer_norm/{name}");
        assert_close(&name, grads.get(param).unwrap(), get(&name), 2e-6);
    }
}

/// Sums along a row of more than 1,024 features are those of its halves.
#[test]
fn layer_norm_of_long_rows() {
    let shapes: [&[usize]; 3] = [&[2, 1300], &[1300], &[1300]];
    gradcheck(&shapes, 1, |_, x| x[0].layer_norm(Some([x[1], x[2]]), 1e-5)).assert_below(1e-6);
}
