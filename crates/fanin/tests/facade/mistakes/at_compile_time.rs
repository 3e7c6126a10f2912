//! Mistakes that the compiler finds.

/// A mistake: its title in the guide, and a program that makes it.
pub(super) type Mistake = (&'static str, &'static str);

pub(super) const MISTAKES: &[Mistake] = &[
    (
        "no `use fanin::prelude::*`",
        r#"
fn main() -> fanin::Result<()> {
    let model = Sequential::new();
    Ok(())
}
"#,
    ),
    (
        "`let model` without `mut`",
        r#"
use fanin::prelude::*;
fn main() {
    let (model, x) = (Linear::new(3, 2), Tensor::ones([4, 3]));
    let (mut adam, mut tape) = (Adam::new(1e-3), Tape::new());
    let (_, grads) = tape.value_and_grad(|t| model.forward(t.input(&x)).mean());
    adam.step(&mut model, grads);
}
"#,
    ),
    (
        "`&model` where `&mut model` is needed",
        r#"
use fanin::prelude::*;
fn main() -> fanin::Result<()> {
    let (train, test) = datasets::mnist_bundled();
    let mut model = Sequential::new().add(Linear::new(784, 10));
    Trainer::new(CrossEntropy::new(), Adam::new(1e-3)).fit(&model, &train, &test)?;
    Ok(())
}
"#,
    ),
    (
        "a step before there are gradients",
        r#"
use fanin::prelude::*;
fn main() {
    let (mut model, mut adam) = (Linear::new(3, 2), Adam::new(1e-3));
    adam.step(&mut model);
}
"#,
    ),
    (
        "gradients that are dropped",
        r#"
use fanin::prelude::*;
fn main() {
    let (model, x, mut tape) = (Linear::new(3, 2), Tensor::ones([4, 3]), Tape::new());
    tape.value_and_grad(|t| model.forward(t.input(&x)).mean());
}
"#,
    ),
    (
        "`loss.backward()`",
        r#"
use fanin::prelude::*;
fn main() {
    let (model, x, tape) = (Linear::new(3, 2), Tensor::ones([4, 3]), Tape::new());
    model.forward(tape.input(&x)).mean().backward();
}
"#,
    ),
    (
        "`model.eval()`",
        r#"
use fanin::prelude::*;
fn main() {
    let mut model = Sequential::new().add(Linear::new(3, 2)).add(Dropout::new(0.5));
    model.eval();
}
"#,
    ),
    (
        "a `Var` kept beyond its step",
        r#"
use fanin::prelude::*;
fn main() {
    let (model, x, mut tape) = (Linear::new(3, 2), Tensor::ones([4, 3]), Tape::new());
    let mut kept = None;
    let (_, _grads) = tape.value_and_grad(|t| {
        let y = model.forward(t.input(&x));
        kept = Some(y);
        y.mean()
    });
}
"#,
    ),
    (
        "gradients kept beyond the next step",
        r#"
use fanin::prelude::*;
fn main() {
    let (mut model, x, mut tape) = (Linear::new(3, 2), Tensor::ones([4, 3]), Tape::new());
    let (_, first) = tape.value_and_grad(|t| model.forward(t.input(&x)).mean());
    let (_, _second) = tape.value_and_grad(|t| model.forward(t.input(&x)).sum());
    Adam::new(1e-3).step(&mut model, first);
}
"#,
    ),
    (
        "a type of your own as an initializer",
        r#"
use fanin::prelude::*;
#[derive(Debug)]
struct Small;
fn main() {
    let layer = Linear::builder(3, 2).weight(Small).build();
}
"#,
    ),
    (
        "`KaimingNormal` without `default()`",
        r#"
use fanin::prelude::*;
fn main() {
    let layer = Linear::builder(3, 2).weight(KaimingNormal).build();
}
"#,
    ),
    (
        "`Relu::new()`",
        r#"
use fanin::prelude::*;
fn main() {
    let model = Sequential::new().add(Linear::new(3, 2)).add(Relu::new());
}
"#,
    ),
    (
        "a layer without `forward`",
        r#"
use fanin::prelude::*;
#[derive(Clone, Parameters)]
struct Squared(Linear);
fn main() {
    let model = Sequential::new().add(Squared(Linear::new(3, 2)));
}
"#,
    ),
    (
        "a builder without `build()`",
        r#"
use fanin::prelude::*;
fn main() {
    let model = Sequential::new().add(Linear::builder(3, 2).no_bias());
}
"#,
    ),
    (
        "a field without parameters",
        r#"
use fanin::prelude::*;
#[derive(Parameters)]
struct Net {
    layer: Linear,
    rate: f64,
}
fn main() {}
"#,
    ),
    (
        "a closure as a loss",
        r#"
use fanin::prelude::*;
fn main() -> fanin::Result<()> {
    let (mut model, x, y) = (Linear::new(3, 1), Tensor::ones([4, 3]), Tensor::ones([4, 1]));
    let data = Table::from_tensors(x, y);
    let loss = |a: Var, b: Var| (a - b).abs().mean();
    Trainer::new(loss, Adam::new(1e-3)).fit_all(&mut model, &data)?;
    Ok(())
}
"#,
    ),
    (
        "`Mse` with class labels",
        r#"
use fanin::prelude::*;
fn main() -> fanin::Result<()> {
    let (train, _) = datasets::mnist_bundled();
    let mut model = Linear::new(784, 10);
    Trainer::new(Mse::new(), Adam::new(1e-3)).fit_all(&mut model, &train)?;
    Ok(())
}
"#,
    ),
    (
        "labels in a tensor",
        r#"
use fanin::prelude::*;
fn main() {
    let (model, x, mut tape) = (Linear::new(3, 2), Tensor::ones([2, 3]), Tape::new());
    let y = Tensor::from([0.0, 1.0]);
    let (_, grads) = tape.value_and_grad(|t| model.forward(t.input(&x)).cross_entropy(&y));
}
"#,
    ),
    (
        "the optimizer before the loss",
        r#"
use fanin::prelude::*;
fn main() -> fanin::Result<()> {
    let (train, _) = datasets::mnist_bundled();
    let mut model = Linear::new(784, 10);
    Trainer::new(Adam::new(1e-3), CrossEntropy::new()).fit_all(&mut model, &train)?;
    Ok(())
}
"#,
    ),
    (
        "`f64` numbers for a model of `f32`",
        r#"
use fanin::prelude::*;
fn main() {
    let readings: Vec<f64> = vec![0.1, 0.2, 0.3];
    let y = Linear::new(3, 2).predict(&Tensor::from_vec([1, 3], readings));
}
"#,
    ),
    (
        "a `Vec` as a tensor",
        r#"
use fanin::prelude::*;
fn main() {
    let y = Linear::new(3, 2).predict(&vec![0.1, 0.2, 0.3]);
}
"#,
    ),
    (
        "the result of `add` is not kept",
        r#"
use fanin::prelude::*;
fn main() {
    let model = Sequential::new();
    model.add(Linear::new(3, 2));
}
"#,
    ),
    (
        "the result of `epochs(5)` is not kept",
        r#"
use fanin::prelude::*;
fn main() -> fanin::Result<()> {
    let (train, _) = datasets::mnist_bundled();
    let (mut model, mut trainer) =
        (Linear::new(784, 10), Trainer::new(CrossEntropy::new(), Adam::new(1e-3)));
    trainer.epochs(5);
    trainer.fit_all(&mut model, &train)?;
    Ok(())
}
"#,
    ),
    (
        "an error that nobody handles",
        r#"
use fanin::prelude::*;
fn main() -> fanin::Result<()> {
    let model = Linear::new(3, 2);
    model.save("model.fanin");
    Ok(())
}
"#,
    ),
    (
        "a feature that is off",
        r#"
fn main() {
    let path = "model.safetensors";
    let tensors = fanin::interop::safetensors::read::<f32>(path);
}
"#,
    ),
];
