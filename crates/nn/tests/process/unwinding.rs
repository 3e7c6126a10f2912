//! What a panic leaves behind, and predictions of a thread that ends.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::Command;
use std::{env, thread};

use fanin_nn::layers::*;
use fanin_nn::{
    Adam, Backward, Linear, Module, Op, Optimizer, Parameters, Sequential, Tape, Tensor, Var,
};

/// Panics in its forward pass, at an operation or beside one, or in its backward pass.
#[derive(Clone, Parameters)]
struct Faulty {
    inner: Linear,
    #[parameters(skip)]
    fault: &'static str,
}

#[derive(Debug)]
struct FaultyOp(&'static str);

impl Op<f32> for FaultyOp {
    fn backward(&self, _: &mut Backward<'_, f32>) {
        assert_ne!(self.0, "backward");
    }
}

impl Module for Faulty {
    fn forward<'t>(&self, x: Var<'t>) -> Var<'t> {
        let y = self.inner.forward(x);
        assert_ne!(self.fault, "forward");
        x.tape().apply(FaultyOp(self.fault), &[y], |cx| {
            cx.output(y_shape(&self.inner)).fill(0.0);
            assert_ne!(self.fault, "operation");
        })
    }
}

fn y_shape(layer: &Linear) -> usize {
    layer.weight().shape()[0]
}

fn faulty(fault: &'static str) -> Sequential {
    Sequential::new().add(Linear::new(3, 3)).add(Faulty { inner: Linear::new(3, 1), fault })
}

fn shared(model: &impl Parameters) -> bool {
    model.named_params().iter().any(|(_, p)| p.value().is_shared())
}

fn panics(f: impl FnOnce()) {
    assert!(catch_unwind(AssertUnwindSafe(f)).is_err());
}

#[test]
fn a_panic_in_a_prediction_gives_the_parameters_back() {
    let x = Tensor::ones([1, 3]);
    for fault in ["forward", "operation"] {
        let model = faulty(fault);
        panics(|| drop(model.predict(&x)));
        assert!(!shared(&model) && !x.is_shared(), "{fault}");
        let good = Linear::new(3, 2);
        assert_eq!(good.predict(&x), good.predict(&x));
    }
}

#[test]
fn a_panic_in_a_step_gives_the_parameters_back() {
    let x = Tensor::ones([1, 3]);
    let mut tape = Tape::new();
    for fault in ["forward", "operation", "backward"] {
        let model = faulty(fault);
        panics(|| _ = tape.value_and_grad(|t| model.forward(t.input(&x)).sum()));
        assert!(!shared(&model) && !x.is_shared(), "{fault}");
        if fault != "backward" {
            panics(|| drop(tape.value(|t| model.forward(t.input(&x)))));
            assert!(!shared(&model) && !x.is_shared(), "{fault}");
        }
    }
    let model = Linear::new(3, 2);
    panics(|| _ = tape.value_and_grad(|t| model.forward(t.input(&x))));
    assert!(!shared(&model) && !x.is_shared(), "a loss of two elements");
    // And the tape goes on.
    // A small step: from weights near the minimum a large one leads away from it.
    let (mut model, mut adam) = (Linear::new(3, 2), Adam::new(1e-4));
    let (before, grads) = tape.value_and_grad(|t| model.forward(t.input(&x)).square().sum());
    adam.step(&mut model, grads);
    assert!(tape.value(|t| model.forward(t.input(&x)).square().sum()).item() < before);
}

/// Does everything that a thread can do, when the thread's other variables have been dropped.
struct Last;

impl Drop for Last {
    fn drop(&mut self) {
        // Large enough for products that are packed.
        let x = Tensor::ones([300, 784]);
        let mut model = Sequential::new()
            .add(Linear::new(784, 300))
            .add(Dropout::new(0.1))
            .add(Relu)
            .add(Linear::new(300, 2));
        assert_eq!(model.predict(&x), model.predict(&x));
        let (mut tape, mut adam) = (Tape::new(), Adam::new(1e-3));
        let (_, grads) = tape.value_and_grad(|t| model.forward(t.input(&x)).square().mean());
        adam.step(&mut model, grads);
        fanin_nn::release_memory();
    }
}

thread_local! {
    static LAST: RefCell<Option<Last>> = const { RefCell::new(None) };
}

/// In a process of its own: a panic in such a destructor would abort it.
#[test]
fn a_destructor_of_a_thread_may_predict_and_train() {
    const CHILD: &str = "FANIN_TEST_DESTRUCTOR";
    if env::var_os(CHILD).is_some() {
        // Before and after the library's own variables were first used.
        for first in [true, false] {
            let ends = thread::spawn(move || {
                if first {
                    LAST.set(Some(Last));
                }
                drop(Last);
                LAST.set(Some(Last));
            });
            ends.join().unwrap();
        }
        println!("\nall has been done");
        return;
    }
    let test = "unwinding::a_destructor_of_a_thread_may_predict_and_train";
    let mut child = Command::new(env::current_exe().unwrap());
    let out = child.args(["--exact", test, "--nocapture"]).env(CHILD, "1").output().unwrap();
    let said = String::from_utf8_lossy(&out.stdout);
    let complaints = String::from_utf8_lossy(&out.stderr);
    assert!(out.status.success() && said.contains("all has been done"), "{complaints}");
}
