//! [`Run`]: model, loss and data as the loop needs them.

use std::marker::PhantomData;
use std::ops::Range;

use fanin_nn::diagnose::NonFinite;
use fanin_nn::optim::Optimizer;
use fanin_nn::{Gradients, Parameters, Tape};
use fanin_tensor::Tensor;

use super::engine::Task;
use super::objective::Objective;
use crate::metrics::Metric;
use crate::{Error, Result};

/// The batches of an epoch.
pub(crate) type Source<'d, B> = Box<dyn Iterator<Item = B> + 'd>;

/// Makes a batch of some samples.
pub(crate) type Gather<'d, B> = dyn FnMut(&[usize]) -> B + 'd;

/// The batches of an epoch, whole or by the samples that they have.
pub(crate) enum Feed<'d, B> {
    Whole(Source<'d, B>),
    /// Several processes gather a part of each batch. `gather` makes a batch of some samples.
    Cut {
        order: Source<'d, Vec<usize>>,
        gather: Box<Gather<'d, B>>,
    },
}

/// Begins an epoch: its batches, and how many there are if that is known.
pub(crate) type Begin<'r, 'd, B> = &'r mut dyn FnMut() -> (Feed<'d, B>, Option<usize>);

/// The batches of the validation set.
pub(crate) type Validation<'r, 'd, B> = Option<&'r dyn Fn() -> Source<'d, B>>;

pub(crate) struct Run<'r, 'd, 'c, L, O, M, B, Y: ?Sized, K> {
    pub(crate) kind: PhantomData<K>,
    pub(crate) objective: &'r L,
    pub(crate) optimizer: &'r mut O,
    pub(crate) model: &'r mut M,
    pub(crate) begin: Begin<'r, 'd, B>,
    pub(crate) batches: Option<Feed<'d, B>>,
    pub(crate) batch: Option<B>,
    /// The samples of the batch, where it is to be cut.
    pub(crate) samples: Vec<usize>,
    /// Samples before the batch.
    pub(crate) before: usize,
    /// The classes of the model, where labels are to be checked batch by batch.
    pub(crate) classes: Option<usize>,
    pub(crate) validation: Validation<'r, 'd, B>,
    pub(crate) metrics: &'r mut [Box<dyn Metric<Y> + 'c>],
}

impl<L, O, M, B, Y, K> Run<'_, '_, '_, L, O, M, B, Y, K>
where
    L: Objective<M, B, K, Target = Y>,
    Y: ?Sized,
{
    fn batch(&self) -> &B {
        self.batch.as_ref().expect("advance found a batch")
    }
}

impl<L, O, M, B, Y, K> Task for Run<'_, '_, '_, L, O, M, B, Y, K>
where
    L: Objective<M, B, K, Target = Y>,
    O: Optimizer,
    M: Parameters,
    Y: ?Sized,
{
    fn begin(&mut self) -> Option<usize> {
        let (batches, count) = (self.begin)();
        self.batches = Some(batches);
        self.before = 0;
        if self.validation.is_none() {
            self.metrics.iter_mut().for_each(|metric| metric.reset());
        }
        count
    }

    fn advance(&mut self) -> Result<bool> {
        self.batch = match &mut self.batches {
            Some(Feed::Whole(batches)) => batches.next(),
            Some(Feed::Cut { order, .. }) => {
                let Some(samples) = order.next() else { return Ok(false) };
                self.samples = samples;
                return Ok(true);
            }
            None => None,
        };
        let Some(batch) = &self.batch else { return Ok(false) };
        if let Some(classes) = self.classes {
            if let Some((at, label)) = self.objective.bad_label(batch, classes) {
                let row = self.before + at;
                return Err(Error::Label { set: "the training batches", row, label, classes });
            }
            self.before += self.objective.samples(batch);
        }
        Ok(true)
    }

    fn samples(&self) -> usize {
        match &self.batches {
            Some(Feed::Cut { .. }) => self.samples.len(),
            _ => self.objective.samples(self.batch()),
        }
    }

    fn is_cut(&self) -> bool {
        matches!(self.batches, Some(Feed::Cut { .. }))
    }

    fn take_part(&mut self, samples: Range<usize>) {
        if let Some(Feed::Cut { gather, .. }) = &mut self.batches {
            self.batch = Some(gather(&self.samples[samples]));
        }
    }

    fn gradients<'t>(&mut self, tape: &'t mut Tape) -> (f32, Gradients<'t>) {
        let (objective, model) = (self.objective, &*self.model);
        let batch = self.batch.as_ref().expect("there is a batch");
        if self.validation.is_some() || self.metrics.is_empty() {
            return tape.value_and_grad(|t| objective.forward(t, model, batch).0);
        }
        let (loss, output, grads) =
            tape.value_and_grad_with(|t| objective.forward(t, model, batch));
        if let Some(target) = objective.target(batch) {
            self.metrics.iter_mut().for_each(|metric| metric.update(&output, target));
        }
        (loss, grads)
    }

    fn find_non_finite(&self) -> Option<NonFinite> {
        let (objective, model, batch) = (self.objective, &*self.model, self.batch());
        NonFinite::find(model, |t| objective.forward(t, model, batch).0)
    }

    fn validate(&mut self, tape: &mut Tape) -> Option<f64> {
        let batches = (self.validation?)();
        Some(measure(self.objective, &*self.model, batches, self.metrics, tape))
    }

    fn metrics(&self) -> Vec<f64> {
        self.metrics.iter().map(|metric| metric.value()).collect()
    }

    fn parts(&mut self) -> (&mut dyn Parameters, &mut dyn Optimizer) {
        (self.model, self.optimizer)
    }

    fn predict(&self, x: &Tensor) -> Option<Tensor> {
        self.objective.predict(self.model, x)
    }
}

/// The mean loss of all samples; the metrics take them in.
pub(crate) fn measure<L, M, B, Y, K>(
    objective: &L,
    model: &M,
    batches: impl Iterator<Item = B>,
    metrics: &mut [Box<dyn Metric<Y> + '_>],
    tape: &mut Tape,
) -> f64
where
    L: Objective<M, B, K, Target = Y>,
    Y: ?Sized,
{
    metrics.iter_mut().for_each(|metric| metric.reset());
    let (mut sum, mut samples) = (0.0, 0);
    for batch in batches {
        let mut output = None;
        let loss = tape.value(|t| {
            let (loss, y) = objective.forward(t, model, &batch);
            output = (!metrics.is_empty()).then(|| y.value());
            loss
        });
        if let (Some(output), Some(target)) = (output, objective.target(&batch)) {
            metrics.iter_mut().for_each(|metric| metric.update(&output, target));
        }
        let count = objective.samples(&batch);
        sum += f64::from(loss.item()) * count as f64;
        samples += count;
    }
    sum / samples as f64
}
