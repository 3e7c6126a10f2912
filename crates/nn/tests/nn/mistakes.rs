//! Mistakes of the caller: each panics at the caller's line, with the operation and all shapes.

use std::panic::{self, Location};
use std::sync::{Arc, Mutex};
use std::thread;

use fanin_nn::init::Orthogonal;
use fanin_nn::layers::*;
use fanin_nn::losses::*;
use fanin_nn::{
    Adam, Backward, Linear, Module, Op, Optimizer, Param, Parameters, Sequential, Sgd, Tape,
    Tensor, Var,
};

/// The message and the file of a panic.
fn panic_of(f: impl FnOnce()) -> (String, String) {
    // One at a time: the hook is the process's. Other threads' panics go to the hook before it.
    static ONE: Mutex<()> = Mutex::new(());
    static FILE: Mutex<String> = Mutex::new(String::new());
    let _one = ONE.lock().unwrap_or_else(|e| e.into_inner());
    let before = Arc::new(panic::take_hook());
    let (others, this) = (before.clone(), thread::current().id());
    panic::set_hook(Box::new(move |info| {
        if thread::current().id() != this {
            return others(info);
        }
        *FILE.lock().unwrap() = info.location().map(Location::file).unwrap_or_default().to_owned();
    }));
    let result = panic::catch_unwind(panic::AssertUnwindSafe(f));
    drop(panic::take_hook());
    panic::set_hook(Arc::into_inner(before).expect("the hook that had it is gone"));
    let payload = result.expect_err("it must panic");
    let message = payload.downcast_ref::<String>().cloned();
    let message = message.or_else(|| payload.downcast_ref::<&str>().map(|s| s.to_string()));
    (message.expect("a message"), FILE.lock().unwrap().clone())
}

/// That `f` panics with this message, at a line of this file.
#[track_caller]
pub(super) fn panics(expected: &str, f: impl FnOnce()) {
    let (message, file) = panic_of(f);
    assert_eq!(message, expected);
    assert_eq!(file, Location::caller().file(), "at the caller's line: {message}");
}

pub(super) fn on_tape(shape: &[usize], f: impl for<'t> FnOnce(Var<'t>) -> Var<'t>) {
    let x = Tensor::zeros(shape);
    let _ = Tape::new().value(|t| f(t.input(&x)));
}

pub(super) fn two(a: &[usize], b: &[usize], f: impl for<'t> FnOnce(Var<'t>, Var<'t>) -> Var<'t>) {
    let (a, b) = (Tensor::zeros(a), Tensor::zeros(b));
    let _ = Tape::new().value(|t| f(t.input(&a), t.input(&b)));
}

#[test]
fn layers_that_do_not_fit() {
    let size = "a sample has 300 numbers, and the layer takes 784; build it for 300, or give it other data";
    panics(&format!("linear: input 64×300 does not fit a layer of 784 → 128: {size}"), || {
        on_tape(&[64, 300], |x| Linear::new(784, 128).forward(x));
    });
    panics(&format!("linear: input 64×300 does not fit a layer of 784 → 128: {size}"), || {
        let _ = Linear::new(784, 128).predict(&Tensor::zeros([64, 300]));
    });
    let scalar = "linear: input scalar does not fit a layer of 784 → 128: give it samples of 784 numbers, as \
                  1×784";
    panics(scalar, || {
        on_tape(&[], |x| Linear::new(784, 128).forward(x));
    });
    panics(
        "linear: input 28×28 does not fit a layer of 784 → 128: reshape it to 1×784, a batch of one sample",
        || on_tape(&[28, 28], |x| Linear::new(784, 128).forward(x)),
    );
    panics(
        "linear: input 64×28×28 does not fit a layer of 784 → 128: reshape it to 64×784, as a first layer \
         Flatten does",
        || on_tape(&[64, 28, 28], |x| Linear::new(784, 128).forward(x)),
    );
    let mut layer = Linear::new(784, 128);
    *layer.bias_mut().unwrap().value_mut() = Tensor::zeros(3);
    let message = "linear: 128×784 and 3 do not fit: the bias must have an element per output";
    panics(message, || on_tape(&[64, 784], |x| layer.forward(x)));
    panics(message, || {
        _ = Tape::new().value_and_grad(|t| layer.forward(t.input(&Tensor::zeros([64, 784]))).sum());
    });
    *layer.weight_mut().value_mut() = Tensor::zeros(784);
    let message = "linear: 64×784 and 784 do not fit: the weight must be a matrix (out, in)";
    panics(message, || on_tape(&[64, 784], |x| layer.forward(x)));
    let model = Sequential::new().add(Linear::new(784, 128)).add(Relu).add(Linear::new(128, 10));
    let message =
        format!("Sequential: input 64×300 does not fit layer 0, Linear(784 → 128): {size}");
    panics(&message, || {
        on_tape(&[64, 300], |x| model.forward(x));
    });
    panics(&message, || {
        let _ = model.predict(&Tensor::zeros([64, 300]));
    });
}

#[test]
fn networks_that_do_not_fit_together_are_refused_while_they_are_built() {
    panics(
        "Sequential: layer 2, Linear(100 → 10), does not fit: the layers before give 128 features, and it \
         takes 100",
        || {
            let _ =
                Sequential::new().add(Linear::new(784, 128)).add(Relu).add(Linear::new(100, 10));
        },
    );
    let inner = || Sequential::new().add(Linear::new(128, 64)).add(Tanh);
    let _ = Sequential::new().add(Linear::new(784, 128)).add(inner()).add(Linear::new(64, 10));
    panics(
        "Sequential: layer 1, Sequential(Linear(128 → 64), Tanh), does not fit: \
         the layers before give 100 features, and it takes 128",
        || {
            let _ = Sequential::new().add(Linear::new(784, 100)).add(inner());
        },
    );
}

#[test]
fn initialization_that_cannot_be() {
    let (message, file) = panic_of(|| {
        let _ = Linear::builder(5, 3).bias(Orthogonal::default()).build();
    });
    assert!(message.starts_with("Linear(5 → 3): "), "{message}");
    assert_eq!(file, file!());
    panics("bias: Linear(5 → 3, no bias) was built with no_bias()", || {
        let _ = Linear::builder(5, 3).no_bias().build().bias();
    });
}

#[test]
fn normalizations_that_cannot_be() {
    panics("layer_norm: input 2×3 does not fit LayerNorm(4, no affine)", || {
        on_tape(&[2, 3], |x| LayerNorm::new(4).affine(false).forward(x));
    });
    panics("rms_norm: input scalar does not fit RmsNorm(4)", || {
        on_tape(&[], |x| RmsNorm::new(4).forward(x));
    });
    panics("group_norm: input 2×3 does not fit GroupNorm(4 in 2 groups)", || {
        on_tape(&[2, 3], |x| GroupNorm::new(2, 4).forward(x));
    });
    panics("GroupNorm: 4 features cannot be divided into 3 groups", || {
        let _ = GroupNorm::new(3, 4);
    });
    panics("group_norm: the features of 2×4 cannot be divided into 3 groups", || {
        on_tape(&[2, 4], |x| x.group_norm(3, None, 0.1));
    });
    panics(
        "rms_norm: 2×4 and 3 do not fit: scale and shift must have an element per feature",
        || two(&[2, 4], &[3], |x, g| x.rms_norm(Some(g), 0.1)),
    );
    panics("RmsNorm: an epsilon of -1 is negative or not finite", || {
        let _ = RmsNorm::new(4).epsilon(-1.0);
    });
    panics(
        "batch_norm: input 1×4 has fewer than two rows, and without running statistics a batch needs \
         two",
        || {
            let _ = BatchNorm1d::new(4).track_running_stats(false).predict(&Tensor::zeros([1, 4]));
        },
    );
    let untracked =
        "BatchNorm1d(4, no running statistics) was built with track_running_stats(false)";
    panics(&format!("running_var: {untracked}"), || {
        let _ = BatchNorm1d::new(4).track_running_stats(false).running_var();
    });
    panics(
        "weight_norm: 2×3 and 3 do not fit: it takes a matrix, and a length for each of its rows",
        || two(&[2, 3], &[3], |v, g| v.weight_norm(g)),
    );
    panics("SpectralNorm: a training step needs an iteration or more", || {
        let _ = SpectralNorm::new(Linear::new(2, 2)).iterations(0);
    });
}

#[test]
fn branches_and_shapes() {
    panics(
        "Parallel: Linear(3 → 2) and Linear(4 → 2) take 3 and 4 features of one input",
        || _ = Parallel::new().add(Linear::new(3, 2)).add(Relu).add(Linear::new(4, 2)),
    );
    panics(
        "Parallel: Linear(3 → 2) and Linear(3 → 4) give 2 and 4 features, which cannot be added",
        || _ = Parallel::sum().add(Linear::new(3, 2)).add(Linear::new(3, 4)),
    );
    let both = Parallel::new().add(Relu).add(Linear::new(3, 4));
    panics("Parallel: input 5×2 does not fit branch 1, Linear(3 → 4)", || {
        on_tape(&[5, 2], |x| both.forward(x));
    });
    let flat = Parallel::new().add(Identity).add(Flatten);
    panics(
        "Parallel: the branches turned 5×2×3 into 5×2×3 and 5×6, which cannot be put side by side",
        || on_tape(&[5, 2, 3], |x| flat.forward(x)),
    );
    panics("Parallel: there are no branches", || {
        on_tape(&[5, 2], |x| Parallel::new().forward(x));
    });
    panics("Parallel: there is a layer named \"a\" already", || {
        _ = Parallel::<f32>::new().add_named("a", Relu).add_named("a", Relu);
    });
    panics("unflatten: input 5×2 does not fit Unflatten(2×3)", || {
        on_tape(&[5, 2], |x| Unflatten::new(&[2, 3]).forward(x));
    });
    panics("Unflatten: there are no sizes to split an axis into", || {
        _ = Unflatten::new(&[]);
    });
    panics(
        "Sequential: layer 3, Linear(5 → 2), does not fit: the layers before give 4 features, and it takes 5",
        || {
            let model = Sequential::new().add(Flatten).add(Linear::new(3, 4)).add(Relu);
            _ = model.add(Linear::new(5, 2));
        },
    );
}

#[test]
fn tables_and_bags() {
    let tape = Tape::new();
    let table = || Embedding::builder(5, 3);
    panics("embedding: id 5, number 1, does not fit Embedding(5 → 3, padding 4)", || {
        _ = table().padding_idx(4).build().forward(&tape, &[0, 5]);
    });
    panics("Embedding: padding id 5 is not below the number of vectors, 5", || {
        _ = table().padding_idx(5);
    });
    panics("Embedding: a largest norm of 0 must be positive and finite", || {
        _ = table().max_norm(0.0);
    });
    let bags = EmbeddingBag::new(5, 3);
    let panics_for = |message: &str, ids: &[usize], offsets: &[usize]| {
        panics(message, || _ = bags.forward(&tape, ids, offsets));
    };
    panics_for("embedding_bag: id 7, number 0, does not fit Embedding(5 → 3)", &[7], &[0]);
    panics_for("embedding_bag: the first offset is 1, and must be 0", &[1, 2], &[1]);
    panics_for("embedding_bag: offset 1 of bag 2 is below the one before, 2", &[1, 2], &[0, 2, 1]);
    panics_for("embedding_bag: offset 3 exceeds the number of ids, 2", &[1, 2], &[0, 3]);
    let none = "embedding_bag: there are 2 ids and no offsets, so no bag to put them in";
    panics_for(none, &[1, 2], &[]);
    panics("embedding_bag: 3 ids cannot be divided into bags of 2", || {
        _ = bags.forward_fixed(&tape, &[1, 2, 3], 2);
    });
    let weights = Tensor::zeros(2);
    panics(
        "embedding_bag: only sums can be weighted, and EmbeddingBag(mean of Embedding(5 → 3)) is none",
        || _ = bags.forward_weighted(&tape, &[1, 2], &[0], tape.input(&weights)),
    );
    let sums = EmbeddingBag::new(5, 3).mode(BagMode::Sum);
    panics("embedding_bag: weights 2 do not fit 3 ids: there must be one for each", || {
        _ = sums.forward_weighted(&tape, &[1, 2, 3], &[0], tape.input(&weights));
    });
}

#[test]
fn residuals() {
    panics("Residual: Linear(3 → 2) takes 3 features and gives 2, which cannot be added", || {
        _ = Residual::<f32>::new(Linear::new(3, 2));
    });
    panics("Residual: a factor of NaN is not finite", || {
        _ = Residual::<f32>::new(Linear::new(3, 3)).learned(f64::NAN);
    });
    panics("Residual: a factor of inf is not finite", || {
        _ = Residual::<f32>::new(Linear::new(3, 3)).scaled(f64::INFINITY);
    });
    panics("Residual: input 2×4 does not fit Linear(3 → 3)", || {
        on_tape(&[2, 4], |x| Residual::new(Linear::new(3, 3)).forward(x));
    });
    #[derive(Clone, Parameters)]
    struct Narrow;
    impl Module for Narrow {
        fn forward<'t>(&self, x: Var<'t>) -> Var<'t> {
            x.sum_axis(0)
        }
    }
    panics("Residual: the branch turned 2×4 into 4, which cannot be added", || {
        on_tape(&[2, 4], |x| Residual::new(Narrow).forward(x));
    });
    panics("Fixup: a network of 0 residual branches has no weights to scale", || {
        _ = FixupBranch::new(4, 4, 0, 2);
    });
    panics("add_scaled: 4×7 and 7 do not fit: both must have one shape", || {
        two(&[4, 7], &[7], |a, b| a.add_scaled(a.tape().scalar(1.0), b));
    });
    panics("add_scaled: 4×7 and 7 do not fit: the factor must be a single number", || {
        two(&[4, 7], &[7], |a, b| a.add_scaled(b, a));
    });
}

#[test]
fn probabilities() {
    panics("Dropout: probability 1 is outside [0, 1)", || _ = Dropout::new(1.0));
    panics("Dropout: probability -0.1 is outside [0, 1)", || _ = Dropout::new(-0.1));
    panics("Dropout: probability NaN is outside [0, 1)", || _ = Dropout::new(f64::NAN));
}

#[test]
fn operations_on_shapes_that_do_not_fit() {
    panics(
        "add: 4×7 and 4×6 do not fit: an axis must have the same length in both, or 1 in one",
        || two(&[4, 7], &[4, 6], |a, b| a + b),
    );
    panics("matmul: 4×7 and 6×3 do not fit: the inner lengths must be equal", || {
        two(&[4, 7], &[6, 3], |a, b| a.matmul(b));
    });
    panics("matmul: 4×7 and 7 do not fit: it takes two matrices", || {
        two(&[4, 7], &[7], |a, b| a.matmul(b));
    });
    panics("reshape: 4×7 and 5×5 do not fit: they have different numbers of elements", || {
        on_tape(&[4, 7], |x| x.reshape([5, 5]));
    });
    panics(
        "expand: 4×7 and 4×8 do not fit: an axis must have the same length in both, or 1 in one",
        || {
            on_tape(&[4, 7], |x| x.expand(&[4, 8]));
        },
    );
    panics("transpose: 2×3×4 is not a matrix", || on_tape(&[2, 3, 4], |x| x.transpose()));
    panics("rows: index 4 is outside 4×7", || on_tape(&[4, 7], |x| x.rows(&[0, 4])));
    panics("sum_axis: 4×7 has no axis 2", || on_tape(&[4, 7], |x| x.sum_axis(2)));
    panics("concat: there are no values to concatenate", || {
        on_tape(&[4, 7], |_| Var::concat(&[], 0));
    });
    panics(
        "concat: 4×7 and 3×7 do not fit: all axes but number 1 must have the same length",
        || two(&[4, 7], &[3, 7], |a, b| Var::concat(&[a, b], 1)),
    );
    panics("dropout: probability 1 is outside [0, 1)", || on_tape(&[4], |x| x.dropout(1.0)));
    panics("softmax: a scalar has no axis", || on_tape(&[], |x| x.softmax()));
}

#[test]
fn operations_along_axes_that_do_not_exist() {
    panics("max_axis: 4×7 has no axis 2", || on_tape(&[4, 7], |x| x.max_axis(2)));
    panics("min_axis: 4×0 has no elements to compare", || on_tape(&[4, 0], |x| x.min_axis(1)));
    panics("max: 0 has no elements to compare", || on_tape(&[0], |x| x.max()));
    panics("norm_axis: scalar has no axis 0", || on_tape(&[], |x| x.norm_axis(0)));
    panics("log_sum_exp: 4×7 has no axis 2", || on_tape(&[4, 7], |x| x.log_sum_exp(2)));
    panics("log_sum_exp: 0×7 has no elements along axis 0", || {
        on_tape(&[0, 7], |x| x.log_sum_exp(0));
    });
    panics("slice: 4×7 has no axis 2", || on_tape(&[4, 7], |x| x.slice(2, ..)));
    panics("slice: 2..8 is not in axis 1 of 4×7", || on_tape(&[4, 7], |x| x.slice(1, 2..8)));
    panics("slice: 5..3 is not in axis 1 of 4×7", || {
        let (start, end) = (5, 3);
        on_tape(&[4, 7], |x| x.slice(1, start..end));
    });
    panics("flatten: a scalar has no first axis", || on_tape(&[], |x| x.flatten()));
    panics("concat: 4×7 has no axis 2", || on_tape(&[4, 7], |x| Var::concat(&[x, x], 2)));
    panics("stack: 4×7 has no place for an axis 3", || {
        on_tape(&[4, 7], |x| Var::stack(&[x, x], 3));
    });
    panics("stack: there are no values to stack", || on_tape(&[4], |_| Var::stack(&[], 0)));
    panics("stack: 4×7 and 7 do not fit: all values must have one shape", || {
        two(&[4, 7], &[7], |a, b| Var::stack(&[a, b], 0));
    });
}

#[test]
fn operations_with_indices_or_a_mask_that_do_not_fit() {
    panics("gather: 4 and 1 do not fit: it takes a matrix (rows, cols)", || {
        on_tape(&[4], |x| x.gather(&[0]));
    });
    panics("gather: 4×7 and 3 do not fit: there must be an index per row", || {
        on_tape(&[4, 7], |x| x.gather(&[0, 1, 2]));
    });
    panics("gather: index 7 of row 1 is not below the 7 columns of 2×7", || {
        on_tape(&[2, 7], |x| x.gather(&[0, 7]));
    });
    panics(
        "select: a mask of 2 elements does not fit values of 2×1 and 3: \
         it must have one for each element of 2×3",
        || two(&[2, 1], &[3], |a, b| Var::select(&[true, false], a, b)),
    );
    panics(
        "select: 2×2 and 3 do not fit: an axis must have the same length in both, or 1 in one",
        || two(&[2, 2], &[3], |a, b| Var::select(&[true; 6], a, b)),
    );
    panics(
        "maximum: 4×7 and 4×6 do not fit: an axis must have the same length in both, or 1 in one",
        || two(&[4, 7], &[4, 6], |a, b| a.maximum(b)),
    );
    panics(
        "mul: 4×7 and 4×6 do not fit: an axis must have the same length in both, or 1 in one",
        || {
            two(&[4, 7], &[4, 6], |mut a, b| {
                a *= b;
                a
            });
        },
    );
    // `Iterator::sum` does not pass the caller's line on.
    let (message, _) = panic_of(|| on_tape(&[4], |_| [].into_iter().sum()));
    assert_eq!(message, "sum: there are no values to add, and so no tape for their sum");
}

#[test]
fn losses() {
    panics("cross_entropy: 4×10 and 3 do not fit: there must be a label per row", || {
        on_tape(&[4, 10], |x| x.cross_entropy(&[1, 2, 3]));
    });
    let label = "cross_entropy: label 10 of row 1 is not below 10 classes; labels count from 0, so subtract 1 \
                 from labels that count from 1, or give the model an output for each class";
    panics(label, || {
        on_tape(&[2, 10], |x| x.cross_entropy(&[1, 10]));
    });
    panics(
        "mse: 4×1 and 4 do not fit: prediction and target must have one shape; reshape the target to 4×1",
        || {
            two(&[4, 1], &[4], |a, b| a.mse(b));
        },
    );
    let numbers = Tensor::full(4, 0.5);
    panics(
        "bce: 4×1 and 4 do not fit: prediction and target must have one shape; reshape the target to 4×1",
        || {
            on_tape(&[4, 1], |p| Bce::new().loss(p, &numbers));
        },
    );
    panics("hinge: the target 0.5 at [0] is neither 1 nor -1", || {
        on_tape(&[4], |y| Hinge::new().loss(y, &numbers));
    });
    panics(
        &label.replace(
            "cross_entropy: label 10 of row 1 is not below 10",
            "nll: label 7 of row 0 is not below 3",
        ),
        || {
            on_tape(&[1, 3], |y| Nll::new().loss(y, &[7][..]));
        },
    );
    panics("triplet_margin: 4×2 and 4 do not fit: both inputs must have one shape", || {
        two(&[4, 2], &[4], |a, b| TripletMargin::new().loss(a, a, b));
    });
    panics("pairwise_distance: 4×2 and 4 do not fit: both must have one shape", || {
        two(&[4, 2], &[4], |a, b| a.pairwise_distance(b, 2.0));
    });
    panics("cosine_similarity: 4×2 and 4 do not fit: both must have one shape", || {
        two(&[4, 2], &[4], |a, b| a.cosine_similarity(b));
    });
    panics("weighted: 4 and 3 do not fit: there must be a weight per sample", || {
        on_tape(&[4], |y| L1::new().weighted(y, &numbers, &Tensor::ones(3)));
    });
    panics("Focal: a gamma of -1 is negative or not finite", || drop(Focal::new().gamma(-1.0)));
    let x = Tensor::zeros([4, 7]);
    panics(
        "value_and_grad: the result must be a single number, not 4×7; reduce it by mean() or sum()",
        || _ = Tape::new().value_and_grad(|t| t.input(&x)),
    );
}

#[test]
fn optimizers() {
    panics("Sgd: learning rate -0.1 is outside [0, inf)", || drop(Sgd::new(-0.1)));
    panics("Adam: learning rate NaN is outside [0, inf)", || drop(Adam::new(f64::NAN)));
    panics("Adam: learning rate NaN is outside [0, inf)", || {
        Optimizer::<f32>::set_lr(&mut Adam::new(0.1), f64::NAN);
    });
    panics("Adam: beta2 1 is outside [0, 1)", || drop(Adam::new(0.1).betas(0.9, 1.0)));

    for scale in [-1.0, f32::NAN, f32::INFINITY] {
        let message = format!("bias: a learning rate cannot be scaled by {scale}");
        panics(&message, || Linear::new(3, 2).bias_mut().unwrap().set_lr_scale(scale));
    }

    #[derive(Parameters)]
    struct Forgetful {
        #[parameters(skip)]
        scale: Param,
    }
    impl Module for Forgetful {
        fn forward<'t>(&self, x: Var<'t>) -> Var<'t> {
            x * x.tape().param(&self.scale)
        }
    }
    let mut model = Forgetful { scale: Param::new(Tensor::ones(3)) };
    let (mut tape, x) = (Tape::new(), Tensor::ones([2, 3]));
    let (_, grads) = tape.value_and_grad(|t| model.forward(t.input(&x)).mean());
    panics(
        "step: the model shows none of the 1 parameters that the loss depends on; give step the model whose \
         forward made the loss, derive Parameters for it, and skip no field that has parameters",
        || Sgd::new(0.1).step(&mut model, grads),
    );

    let mut sgd = Sgd::new(0.1);
    let mut step = |mut model: Linear| {
        let x = Tensor::ones([2, model.weight().shape()[1]]);
        let (_, grads) = tape.value_and_grad(|t| model.forward(t.input(&x)).mean());
        sgd.step(&mut model, grads);
    };
    step(Linear::new(3, 2));
    panics(
        "step: parameter weight is 2×4, but was 2×3 in the steps before: an optimizer serves one model, so \
         make one for each",
        || step(Linear::new(4, 2)),
    );
}

#[test]
fn an_operation_that_writes_nothing() {
    #[derive(Debug)]
    struct Lazy;
    impl Op<f32> for Lazy {
        fn backward(&self, _: &mut Backward<'_, f32>) {}
    }
    panics("Lazy: the forward closure asked for no output", || {
        on_tape(&[2], |x| x.tape().apply(Lazy, &[x], |_| {}));
    });
}

#[test]
fn layers_in_vectors_and_options() {
    let message = "linear: input 2×4 does not fit a layer of 3 → 3: a sample has 4 numbers, and the layer takes \
                   3; build it for 4, or give it other data";
    panics(message, || _ = vec![Linear::new(3, 3)].predict(&Tensor::zeros([2, 4])));
    panics(message, || _ = Some(Linear::new(3, 3)).predict(&Tensor::zeros([2, 4])));
}

#[test]
fn a_step_after_a_panic_works() {
    let (mut tape, x) = (Tape::new(), Tensor::ones([2, 3]));
    let _ = panic_of(|| _ = tape.value_and_grad(|t| t.input(&x).matmul(t.input(&x)).sum()));
    let p = Param::new(Tensor::ones(3));
    let (loss, grads) = tape.value_and_grad(|t| (t.input(&x) * t.param(&p)).sum());
    assert_eq!((loss, grads.get(&p).unwrap().as_slice()), (6.0, &[2.0; 3][..]));
}
