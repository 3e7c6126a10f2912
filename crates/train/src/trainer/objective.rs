//! [`Objective`]: the loss of a model for a batch of data.

use fanin_datasets::Data;
use fanin_nn::losses::Loss;
use fanin_nn::{Features, Module, Parameters, Tape, Var};
use fanin_tensor::{Tensor, show_shape};

use crate::evaluate::{BATCH, Concat};
use crate::{Error, Result};

/// The loss of a model for a batch.
///
/// Every [`Loss`] is one for batches of inputs and targets, and for a tensor alone, which is then its own
/// target, as for an autoencoder. [`StepFn`] is one for any other model and any other data. `K` keeps the
/// two apart, and the compiler finds it out.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no loss for a model `{M}` and batches `{B}`",
    label = "no loss of such a model and such targets",
    note = "labels have losses such as `CrossEntropy::new()`, tensors such as `Mse::new()`; a closure is \
            `losses::from_fn(|prediction, target| …)`; numbers in memory are \
            `Table::from_tensors(x, y)`; the model implements `Module`"
)]
pub trait Objective<M, B, K> {
    /// What metrics get as targets: `[usize]` or [`Tensor`].
    type Target: ?Sized;

    /// The loss, and the model's output for metrics.
    #[track_caller]
    fn forward<'t>(&self, tape: &'t Tape, model: &M, batch: &B) -> (Var<'t>, Var<'t>);

    /// The targets of a batch, if metrics can be computed from it.
    fn target<'b>(&self, batch: &'b B) -> Option<&'b Self::Target>;

    /// How many samples a batch has.
    fn samples(&self, batch: &B) -> usize;

    /// The model's outputs for inputs, if that is all it needs.
    fn predict(&self, model: &M, x: &Tensor) -> Option<Tensor> {
        let _ = (model, x);
        None
    }

    /// The classes that the model tells apart, if the targets are labels; what does not fit is an error.
    ///
    /// # Errors
    /// If the model does not take the inputs, or the loss is no single number.
    ///
    /// # Panics
    /// **Panics** as the model and the loss do.
    #[track_caller]
    fn check(&self, model: &M, batch: &B, set: &'static str) -> Result<Option<usize>> {
        let _ = (model, batch, set);
        Ok(None)
    }

    /// The first label of a batch that is none of these classes: its position and its value.
    fn bad_label(&self, batch: &B, classes: usize) -> Option<(usize, usize)> {
        let _ = (batch, classes);
        None
    }

    /// Whether the loss takes this label, for a model that tells this many classes apart.
    fn takes(&self, label: usize, classes: usize) -> bool {
        label < classes
    }
}

/// The kind of [`Objective`] that a [`Loss`] is.
#[derive(Clone, Copy, Debug)]
pub enum ByTarget {}

/// The kind of [`Objective`] that a [`StepFn`] is.
#[derive(Clone, Copy, Debug)]
pub enum ByFunction {}

/// Inputs and targets.
impl<M, C, L> Objective<M, (Tensor, C), ByTarget> for L
where
    M: Module,
    C: Concat,
    L: Loss<C::View>,
{
    type Target = C::View;

    #[track_caller]
    fn forward<'t>(&self, tape: &'t Tape, model: &M, (x, y): &(Tensor, C)) -> (Var<'t>, Var<'t>) {
        let output = model.forward(tape.input(x));
        (self.loss(output, y.view()), output)
    }

    fn target<'b>(&self, (_, y): &'b (Tensor, C)) -> Option<&'b C::View> {
        Some(y.view())
    }

    fn samples(&self, (x, _): &(Tensor, C)) -> usize {
        x.samples()
    }

    fn predict(&self, model: &M, x: &Tensor) -> Option<Tensor> {
        Some(model.predict(x))
    }

    #[track_caller]
    fn check(&self, model: &M, batch: &(Tensor, C), set: &'static str) -> Result<Option<usize>> {
        let (x, y) = batch;
        check_features(model.features(), x, set)?;
        let output = model.predict(x);
        let tape = Tape::new();
        let loss = self.loss(tape.input(&output), y.view());
        check_loss(&loss.shape())?;
        match (output.shape(), y.labels()) {
            (&[_, classes], Some(_)) => Ok(Some(classes)),
            _ => Ok(None),
        }
    }

    fn bad_label(&self, (_, y): &(Tensor, C), classes: usize) -> Option<(usize, usize)> {
        let labels = y.labels()?;
        let ignores = |label| Loss::<C::View>::ignores(self, label);
        let bad = |&label: &usize| label >= classes && !ignores(label);
        let at = labels.iter().position(bad)?;
        Some((at, labels[at]))
    }

    fn takes(&self, label: usize, classes: usize) -> bool {
        label < classes || self.ignores(label)
    }
}

/// A tensor that is its own target.
impl<M, L> Objective<M, Tensor, ByTarget> for L
where
    M: Module,
    L: Loss<Tensor>,
{
    type Target = Tensor;

    #[track_caller]
    fn forward<'t>(&self, tape: &'t Tape, model: &M, x: &Tensor) -> (Var<'t>, Var<'t>) {
        let output = model.forward(tape.input(x));
        (self.loss(output, x), output)
    }

    fn target<'b>(&self, x: &'b Tensor) -> Option<&'b Tensor> {
        Some(x)
    }

    fn samples(&self, x: &Tensor) -> usize {
        x.samples()
    }

    fn predict(&self, model: &M, x: &Tensor) -> Option<Tensor> {
        Some(model.predict(x))
    }

    #[track_caller]
    fn check(&self, model: &M, x: &Tensor, set: &'static str) -> Result<Option<usize>> {
        check_features(model.features(), x, set)?;
        let output = model.predict(x);
        let tape = Tape::new();
        let loss = self.loss(tape.input(&output), x);
        check_loss(&loss.shape())?;
        Ok(None)
    }
}

/// A function of tape, model and batch that computes the loss: made by
/// [`Trainer::from_fn`](crate::Trainer::from_fn).
#[derive(Clone, Copy)]
pub struct StepFn<F>(pub(crate) F);

impl<F> std::fmt::Debug for StepFn<F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("StepFn")
    }
}

/// What a [`StepFn`] has in place of targets. There is no metric of it.
#[derive(Clone, Copy, Debug)]
pub enum NoTarget {}

impl<M, B, F> Objective<M, B, ByFunction> for StepFn<F>
where
    M: Parameters,
    B: Samples,
    F: for<'t> Fn(&'t Tape, &M, &B) -> Var<'t>,
{
    type Target = NoTarget;

    #[track_caller]
    fn forward<'t>(&self, tape: &'t Tape, model: &M, batch: &B) -> (Var<'t>, Var<'t>) {
        let loss = (self.0)(tape, model, batch);
        (loss, loss)
    }

    fn target<'b>(&self, _: &'b B) -> Option<&'b NoTarget> {
        None
    }

    fn samples(&self, batch: &B) -> usize {
        batch.samples()
    }
}

/// A batch that knows how many samples it has.
///
/// # Example
/// ```
/// use fanin_tensor::Tensor;
/// use fanin_train::Samples;
///
/// assert_eq!((Tensor::ones([4, 3]), vec![0, 1, 1, 0]).samples(), 4);
/// ```
pub trait Samples {
    /// How many samples there are.
    fn samples(&self) -> usize;
}

/// The length of the first axis.
impl Samples for Tensor {
    fn samples(&self) -> usize {
        self.shape().first().copied().unwrap_or(1)
    }
}

impl<T> Samples for Vec<T> {
    fn samples(&self) -> usize {
        self.len()
    }
}

/// Those of the first member.
impl<A: Samples, B> Samples for (A, B) {
    fn samples(&self) -> usize {
        self.0.samples()
    }
}

/// Those of the first member.
impl<A: Samples, B, C> Samples for (A, B, C) {
    fn samples(&self) -> usize {
        self.0.samples()
    }
}

/// The loss is tried on this many samples before training: a loss for each of two is no single number.
pub(crate) const FIRST: usize = 2;

/// Checks a data set against the model and the loss: the first samples, and all labels.
#[track_caller]
pub(crate) fn check_data<M, D, L, K>(
    objective: &L,
    model: &M,
    data: &D,
    set: &'static str,
) -> Result<()>
where
    D: Data,
    L: Objective<M, D::Batch, K>,
{
    if data.num_samples() == 0 {
        return Err(Error::NoSamples { set });
    }
    let Some(samples) = data.batches(FIRST).next() else { return Ok(()) };
    let Some(classes) = objective.check(model, &samples, set)? else { return Ok(()) };
    if data.label_of(0).is_some() {
        for row in 0..data.num_samples() {
            let label = data.label_of(row).filter(|&label| !objective.takes(label, classes));
            if let Some(label) = label {
                return Err(Error::Label { set, row, label, classes });
            }
        }
        return Ok(());
    }
    let mut row = 0;
    for batch in data.batches(BATCH) {
        if let Some((at, label)) = objective.bad_label(&batch, classes) {
            return Err(Error::Label { set, row: row + at, label, classes });
        }
        row += objective.samples(&batch);
    }
    Ok(())
}

fn check_features(features: Features, x: &Tensor, set: &'static str) -> Result<()> {
    match (features, x.shape()) {
        (Features::Map { input, .. }, [_, .., found]) if *found != input => {
            Err(Error::Features { set, expected: input, found: *found })
        }
        _ => Ok(()),
    }
}

fn check_loss(shape: &[usize]) -> Result<()> {
    if shape.iter().product::<usize>() == 1 {
        return Ok(());
    }
    Err(Error::LossShape { shape: show_shape(shape).to_string() })
}
