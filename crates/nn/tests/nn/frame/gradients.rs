//! Gradients that are clipped, summed or edited, and gradients in each mode.

use fanin_nn::init::manual_seed;
use fanin_nn::layers::{BatchNorm1d, Dropout};
use fanin_nn::{
    Checkpoint, FlatLayout, GradientSum, Linear, Mode, Module, Optimizer, Param, Parameters,
    Sequential, Sgd, Tape, Tensor,
};

use super::{assert_close, mlp, random};
use crate::golden::golden;

/// The squares of these gradients are beyond the range of `f64`, and the norm is not.
#[test]
fn a_norm_is_finite_where_its_square_is_not() {
    for size in [1e200, 1e-200, 3.0] {
        let params = [3.0, 4.0].map(|_| Param::new(Tensor::<f64>::zeros(1)));
        let mut tape = Tape::<f64>::default();
        let (_, grads) = tape.value_and_grad(|t| {
            let [a, b] = [0, 1].map(|i| t.param(&params[i]).sum());
            a * (3.0 * size) + b * (4.0 * size)
        });
        assert!((grads.norm() / (5.0 * size) - 1.0).abs() < 1e-15, "{size}");
    }
}

#[test]
fn clipping_is_that_of_pytorch() {
    let golden = golden("frame.txt");
    for max in ["0.5", "1000.0"] {
        let get = |name: &str| &golden[&*format!("clip/{max}/{name}")];
        let params = [[3, 4].to_vec(), vec![7]].map(|s| Param::new(Tensor::zeros(&s[..])));
        let mut tape = Tape::new();
        let (_, mut grads) = tape.value_and_grad(|t| {
            let [a, b] = [("grad/2", 0), ("grad/1", 1)]
                .map(|(name, i)| (t.param(&params[i]) * t.input(get(name))).sum());
            a + b
        });
        let norm = grads.clip_norm(max.parse().unwrap());
        assert!((norm / get("norm").item() - 1.0).abs() < 1e-6);
        assert_close("2", grads.get(&params[0]).unwrap(), get("clipped/2"), 1e-6);
        assert_close("1", grads.get(&params[1]).unwrap(), get("clipped/1"), 1e-6);
    }
}

#[test]
fn gradients_are_clipped_by_value_scaled_and_edited() {
    let p = Param::new(Tensor::<f32>::zeros(4));
    let c = Tensor::from_vec(4, vec![-5.0, 0.25, 3.0, f32::NAN]);
    let mut tape = Tape::new();
    let (_, mut grads) = tape.value_and_grad(|t| (t.param(&p) * t.input(&c)).sum());
    grads.clip_value(1.0);
    grads.scale(2.0);
    grads.get_mut(&p).unwrap().as_mut_slice()[3] = 7.0;
    assert_eq!(grads.get(&p).unwrap().as_slice(), [-2.0, 0.5, 2.0, 7.0]);
    assert!(grads.clip_norm(f64::MAX) > 0.0);
}

/// `((g₁ + g₂) + g₃) + g₄`, as PyTorch accumulates.
#[test]
fn four_micro_batches_sum_to_the_bits_of_one_order() {
    let model = mlp(5);
    let (mut tape, mut sum) = (Tape::new(), GradientSum::new());
    let mut want: Vec<Vec<f32>> = vec![];
    for round in 0..2 {
        want.clear();
        sum.clear();
        for seed in 0..4 {
            let x = random(&[16, 8], seed + 10 * round);
            let (_, grads) = tape.value_and_grad(|t| model.forward(t.input(&x)).square().mean());
            for (i, (_, p)) in model.named_params().into_iter().enumerate() {
                let grad = grads.get(p).unwrap().as_slice();
                match want.get_mut(i) {
                    Some(sum) => sum.iter_mut().zip(grad).for_each(|(sum, g)| *sum += g),
                    None => want.push(grad.to_vec()),
                }
            }
            sum.add(&grads);
        }
        let grads = sum.gradients();
        for ((_, p), want) in model.named_params().into_iter().zip(&want) {
            let got = grads.get(p).unwrap().as_slice();
            assert!(got.iter().zip(want).all(|(a, b)| a.to_bits() == b.to_bits()));
        }
        assert_eq!(grads.count(), 4);
    }
}

#[test]
fn a_step_gives_back_its_output() {
    let (model, x) = (mlp(1), random(&[4, 8], 1));
    let mut tape = Tape::new();
    let (loss, logits, grads) = tape.value_and_grad_with(|t| {
        let logits = model.forward(t.input(&x));
        (logits.cross_entropy(&[0, 1, 2, 0]), logits)
    });
    assert_eq!((logits, grads.count()), (model.predict(&x), 4));
    let again = Tape::new().value(|t| model.forward(t.input(&x)).cross_entropy(&[0, 1, 2, 0]));
    assert_eq!(loss, again.item());
}

#[test]
fn the_mode_is_apart_from_gradients() {
    manual_seed(2);
    let model =
        Sequential::new().add(Linear::new(8, 64)).add(Dropout::new(0.5)).add(Linear::new(64, 1));
    let x = Param::new(random(&[4, 8], 1));
    let mut tape = Tape::new();
    let mut gradient = |mode| {
        let (loss, grads) =
            tape.value_and_grad_in(mode, |t| model.forward(t.param(&x)).square().mean());
        (loss, grads.get(&x).unwrap().clone())
    };
    assert_eq!(gradient(Mode::Evaluate), gradient(Mode::Evaluate));
    assert_ne!(gradient(Mode::Train), gradient(Mode::Train));
    let predicted = model.predict(x.value());
    assert_eq!(gradient(Mode::Evaluate).0, predicted.map(|y| y * y).mean());
    let mut sample = || tape.value_in(Mode::Train, |t| model.forward(t.input(x.value())));
    assert_ne!(sample(), sample());
}

/// Gradients that have been in a flat vector are a step like any other, in a model whose parameters have other
/// identities: buffers are updated, and what is frozen or unused stays.
#[test]
fn a_step_of_a_flat_vector_is_that_of_the_gradients() {
    #[derive(Parameters)]
    struct Model {
        first: Linear,
        unused: Linear,
        norm: BatchNorm1d,
        last: Linear,
    }
    let build = || {
        manual_seed(3);
        let mut model = Model {
            first: Linear::new(3, 4),
            unused: Linear::new(5, 2),
            norm: BatchNorm1d::new(4),
            last: Linear::new(4, 2),
        };
        model.set_trainable("last.weight", false);
        model
    };
    let (mut here, mut there) = (build(), build());
    let (mut tape, mut sgd, mut other) =
        (Tape::new(), Sgd::new(0.1).momentum(0.9), Sgd::new(0.1).momentum(0.9));
    let mut sum = GradientSum::new();
    for step in 0..3 {
        let x = random(&[6, 3], step);
        let (_, grads) = tape.value_and_grad(|t| {
            let y = here.first.forward(t.input(&x));
            here.last.forward(here.norm.forward(y)).square().mean()
        });
        let [own, others] = [&here, &there].map(|model| FlatLayout::of(model));
        assert_eq!((own.len(), own.num_params()), (12 + 4 + 10 + 2 + 4 + 4 + 2, 7));
        let (mut flat, mut present) = (vec![f32::NAN; own.len()], vec![true; 7]);
        grads.write_flat(&own, &mut flat, &mut present);
        assert_eq!(present, [true, true, false, false, true, true, true]);
        sum.set_flat(&others, &flat, &present);
        let mut updates = 0;
        grads.each_update(&own, &mut |update| {
            sum.push_update(&others, update);
            updates += 1;
        });
        assert_eq!(updates, 2);
        sgd.step(&mut here, grads);
        other.step(&mut there, sum.gradients());
        let all = |model: &Model| model.to_bytes().unwrap();
        assert!(all(&here) == all(&there), "step {step}");
    }
    assert_ne!(here.norm.running_mean(), &Tensor::zeros(4));
    // Every number of the vector belongs to one piece.
    let layout = FlatLayout::of(&here);
    for cut in [0, 1, 12, 13, 30, layout.len()] {
        let pieces: Vec<_> =
            layout.pieces(0..cut).chain(layout.pieces(cut..layout.len())).collect();
        assert_eq!(pieces.iter().map(|(_, piece)| piece.len()).sum::<usize>(), layout.len());
        assert!(pieces.is_sorted_by_key(|(param, _)| *param));
    }
}

#[test]
#[should_panic(expected = "write_flat: 3 numbers and 2 parameters for a layout of 8 and 2")]
fn a_flat_vector_of_another_length() {
    let model = Linear::new(3, 2);
    let mut tape = Tape::new();
    let (_, grads) = tape.value_and_grad(|t| model.forward(t.input(&random(&[2, 3], 1))).sum());
    grads.write_flat(&FlatLayout::of(&model), &mut [0.0; 3], &mut [false; 2]);
}
