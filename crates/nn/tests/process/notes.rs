//! What a debug build says on standard error of mistakes that are no errors: once, with the line.
//!
//! Each case runs in a process of its own, whose standard error is read.

use std::env;
use std::process::Command;

use fanin_nn::layers::*;
use fanin_nn::losses::{self, Loss};
use fanin_nn::{
    Adam, Describe, Linear, Module, Optimizer, Param, ParamPath, Parameters, Sequential, Sgd, Tape,
    Tensor, Var, Visitor, VisitorMut,
};

const CASE: &str = "FANIN_NOTES_CASE";

/// The lines that a case writes to standard error.
fn notes_of(case: &str) -> Vec<String> {
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["notes::runs_a_case", "--exact", "--nocapture"]).env(CASE, case);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stderr).unwrap();
    text.lines().filter(|line| line.starts_with("fanin: ")).map(str::to_owned).collect()
}

/// Says once what is wrong, and where.
#[track_caller]
fn assert_note(case: &str, words: &[&str]) {
    let notes = notes_of(case);
    if cfg!(not(debug_assertions)) {
        assert!(notes.is_empty(), "a release build says nothing: {notes:?}");
        return;
    }
    let [note] = &notes[..] else { panic!("{case}: {notes:#?}") };
    assert!(note.contains("tests/process/notes.rs:"), "{note}");
    for word in words {
        assert!(note.contains(word), "{case}: {note} lacks {word}");
    }
}

fn batch(rows: usize, cols: usize, scale: f32) -> Tensor {
    let x = (0..rows * cols).map(|i| scale * ((i * 7919 % 1009) as f32 / 504.5 - 1.0));
    Tensor::from_vec([rows, cols], x.collect())
}

fn net() -> Sequential {
    Sequential::new().add(Linear::new(4, 8)).add(Tanh).add(Linear::new(8, 1))
}

/// Trains for some steps with a loss of the prediction.
fn train(x: &Tensor, model: &mut Sequential, loss: impl for<'t> Fn(Var<'t>) -> Var<'t>) {
    let (mut sgd, mut tape) = (Sgd::new(1e-3), Tape::new());
    for _ in 0..20 {
        let (_, grads) = tape.value_and_grad(|t| loss(model.forward(t.input(x))));
        sgd.step(model, grads);
    }
}

/// A struct that shows one of its two layers.
struct Forgetful(Linear, Linear);
impl Describe for Forgetful {}
impl Parameters for Forgetful {
    fn visit<'m>(&'m self, path: &ParamPath<'_>, visitor: &mut dyn Visitor<'m>) {
        self.0.visit(path, visitor);
    }
    fn visit_mut<'m>(&'m mut self, path: &ParamPath<'_>, visitor: &mut dyn VisitorMut<'m>) {
        self.0.visit_mut(path, visitor);
    }
}
impl Module for Forgetful {
    fn forward<'t>(&self, x: Var<'t>) -> Var<'t> {
        self.1.forward(self.0.forward(x))
    }
}

#[test]
fn runs_a_case() {
    let Ok(case) = env::var(CASE) else { return };
    let (x, column) = (batch(16, 4, 1.0), batch(16, 1, 1.0));
    let row = column.clone().reshape(16);
    // What a first step does depends on the draw.
    fanin_nn::init::manual_seed(1);
    let mut model = net();
    match &*case {
        "healthy" => {
            train(&x, &mut model, |y| y.mse(y.tape().input(&column)));
            let mut classes =
                Sequential::new().add(Linear::new(4, 8)).add(BatchNorm1d::new(8)).add(Relu);
            classes = classes.add(Linear::new(8, 3));
            train(&x, &mut classes, |y| {
                y.cross_entropy(&[0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2, 0])
            });
            train(&x, &mut model, |y| (y - y.tape().input(&row).reshape([1, 16])).square().mean());
            train(&x, &mut model.add(Sigmoid), |y| {
                y.mse(y.tape().input(&Tensor::full([16, 1], 0.5)))
            });
        }
        "broadcast" => train(&x, &mut model, |y| (y - y.tape().input(&row)).square().mean()),
        "broadcast in a loss" => {
            let loss = losses::from_fn(|y, target| (target - y).abs().mean());
            train(&x, &mut model, |y| loss.loss(y, &row));
        }
        // On a tape that has trained before, and in a prediction.
        "broadcast later" => {
            let mut tape = Tape::new();
            for _ in 0..3 {
                let _ = tape.value_and_grad(|t| model.forward(t.input(&x)).mse(t.input(&column)));
            }
            let _ = tape.value(|t| (model.forward(t.input(&x)) - t.input(&row)).square().mean());
        }
        "constant target" => {
            train(&x, &mut model, |y| y.mse(y.tape().input(&Tensor::full([16, 1], 1000.0))));
        }
        "unscaled input" => {
            train(&batch(16, 4, 255.0), &mut model, |y| y.mse(y.tape().input(&column)));
        }
        "unscaled target" => {
            train(&x, &mut model, |y| {
                Loss::loss(&losses::Huber::new(1.0), y, &Tensor::full([16, 1], 500.0))
            });
        }
        "softmax twice" => {
            let mut model = Sequential::new().add(Linear::new(4, 3)).add(Softmax);
            train(&x, &mut model, |y| y.cross_entropy(&[1; 16]));
        }
        "relu before cross-entropy" => {
            let mut model = Sequential::new().add(Linear::new(4, 3)).add(Relu);
            train(&x, &mut model, |y| y.cross_entropy(&[1; 16]));
        }
        "one class" => train(&x, &mut model, |y| y.cross_entropy(&[0; 16])),
        "targets out of reach" => {
            train(&x, &mut model.add(Tanh), |y| y.mse(y.tape().input(&Tensor::full([16, 1], 2.0))));
        }
        "prediction" => {
            let (mut sgd, mut tape) = (Sgd::new(1e-3), Tape::new());
            for _ in 0..20 {
                let y = model.predict(&x);
                let (_, grads) = tape.value_and_grad(|t| t.input(&y).mse(t.input(&column)));
                sgd.step(&mut model, grads);
            }
        }
        "frozen" => {
            model.set_trainable("*", false);
            train(&x, &mut model, |y| y.mse(y.tape().input(&column)));
        }
        "detached" => train(&x, &mut model, |y| y.detach().mse(y.tape().input(&column))),
        "dead" => {
            model.visit_params_mut(&mut |_, p: &mut Param| p.value_mut().as_mut_slice().fill(0.0));
            train(&x, &mut model, |y| (y * 0.0).sum());
        }
        "sorted" => {
            let mut model = Sequential::new().add(Linear::new(4, 5));
            train(&batch(32, 4, 1.0), &mut model, |y| y.cross_entropy(&[1; 32]));
        }
        "constant weights" => {
            let layer = |inputs, outputs| {
                Linear::builder(inputs, outputs).weight(fanin_nn::init::Constant(0.1)).build()
            };
            let mut model = Sequential::new().add(layer(4, 8)).add(Tanh).add(layer(8, 2));
            train(&x, &mut model, |y| y.square().mean());
        }
        "large step" => {
            let (mut adam, mut tape) = (Adam::new(1.0), Tape::new());
            for _ in 0..3 {
                let (_, grads) =
                    tape.value_and_grad(|t| model.forward(t.input(&x)).mse(t.input(&column)));
                adam.step(&mut model, grads);
            }
        }
        "unused gradients" => {
            let mut tape = Tape::new();
            for _ in 0..50 {
                let _ = tape.value_and_grad(|t| model.forward(t.input(&x)).mean());
            }
        }
        // Weights that are small on purpose, a branch and an output that begin at 0, gradients that are
        // looked at, and a loss that is looked at after training.
        "healthy beginnings" => {
            use fanin_nn::init::{Normal, Zeros};
            let layer = |inputs, outputs, weight: &dyn fanin_nn::init::Initializer| {
                Linear::builder(inputs, outputs).weight(weight).build()
            };
            let zero = Residual::new(layer(8, 8, &Zeros));
            let mut small = Sequential::new().add(layer(4, 8, &Normal::new(0.0, 1e-4)));
            small = small.add(Tanh).add(zero).add(layer(8, 2, &Zeros));
            let mut single = Sequential::new().add(layer(4, 5, &Zeros));
            let labels: Vec<usize> = (0..16).map(|i| i % 5).collect();
            for (model, lr) in [(&mut small, 1e-2), (&mut single, 0.3)] {
                let (mut adam, mut tape) = (Adam::new(lr), Tape::new());
                for step in 0..60 {
                    let (_, grads) =
                        tape.value_and_grad(|t| (model.forward(t.input(&x)) - 0.1).square().mean());
                    if step < 5 {
                        adam.step(model, grads);
                    }
                }
            }
            train(&x, &mut single, |y| y.cross_entropy(&labels));
            let (mut tape, mut sum) = (Tape::new(), fanin_nn::GradientSum::new());
            for _ in 0..50 {
                let (_, grads) = tape.value_and_grad(|t| model.forward(t.input(&x)).mean());
                sum.add(&grads);
            }
        }
        "nan" => train(&x, &mut model, |y| (y - 100.0).ln().mean()),
        "forgotten field" => {
            let mut model = Forgetful(Linear::new(4, 8), Linear::new(8, 1));
            let (mut adam, mut tape) = (Adam::new(1e-3), Tape::new());
            for _ in 0..20 {
                let (_, grads) =
                    tape.value_and_grad(|t| model.forward(t.input(&x)).mse(t.input(&column)));
                adam.step(&mut model, grads);
            }
        }
        case => panic!("{case}"),
    }
}

#[test]
fn nothing_is_said_of_a_sound_program() {
    assert_eq!(notes_of("healthy"), Vec::<String>::new());
    assert_eq!(notes_of("healthy beginnings"), Vec::<String>::new());
}

#[test]
fn shapes_that_broadcast_by_surprise() {
    assert_note("broadcast", &["sub: 16×1 and 16 are broadcast to 16×16", "reshape([16, 1])"]);
    assert_note("broadcast later", &["sub: 16×1 and 16 are broadcast to 16×16"]);
    assert_note("broadcast in a loss", &["sub: 16 and 16×1 are broadcast to 16×16"]);
}

#[test]
fn data_that_nobody_scaled() {
    assert_note("unscaled input", &["data that nobody scaled", "std 14", "mean 0 and std 1"]);
    assert_note("unscaled target", &["the targets have mean 500"]);
    assert_note("constant target", &["(target − 1000) / 1000"]);
}

#[test]
fn an_output_that_does_not_fit_its_loss() {
    assert_note("softmax twice", &["ends with Softmax", "cross_entropy", "softmax of a softmax"]);
    assert_note("relu before cross-entropy", &["ends with Relu", "0 or more"]);
    assert_note("targets out of reach", &["ends with Tanh", "mse", "from -1.00 to 1.00", "2.00"]);
}

#[test]
fn a_step_that_changes_nothing() {
    assert_note("prediction", &["changes no parameter", "a prediction"]);
    assert_note("frozen", &["changes no parameter", "frozen"]);
    assert_note("detached", &["changes no parameter", "detached"]);
    assert_note("dead", &["all gradients of the first step are 0"]);
    let notes = notes_of("one class");
    assert!(
        cfg!(not(debug_assertions))
            || notes.iter().any(|note| note.contains("one class is always 0")),
        "{notes:?}"
    );
}

#[test]
fn labels_of_one_class() {
    assert_note("sorted", &["32 labels of the batch are of 1 of 5 classes", "train_test_split"]);
}

#[test]
fn a_first_step_that_looks_wrong() {
    assert_note("constant weights", &["all weights are constant, 0.weight is 0.100 everywhere"]);
    assert_note(
        "large step",
        &["the first step, with the optimizer's learning rate of 1.0, makes 0.weight"],
    );
}

#[test]
fn gradients_that_nobody_uses() {
    assert_note("unused gradients", &["20 steps computed gradients", "Tape::value"]);
}

#[test]
fn a_loss_that_is_not_finite() {
    assert_note("nan", &["the loss is NaN", "clip_norm"]);
}

#[test]
fn a_parameter_that_no_optimizer_is_shown() {
    let notes = notes_of("forgotten field");
    assert_eq!(notes.len(), usize::from(cfg!(debug_assertions)), "{notes:?}");
    for note in notes {
        for part in ["tests/process/notes.rs:", "no optimizer", "`weight 1×8`, `bias 1`", "detach"]
        {
            assert!(note.contains(part), "{part}: {note}");
        }
    }
}
