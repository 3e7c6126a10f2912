//! The ways to hand data to a [`Trainer`].

use std::collections::BTreeMap;
use std::marker::PhantomData;
use std::panic::Location;

use fanin_datasets::{Buffers, Data, Subset};
use fanin_init::{TorchRng, epoch_order, with_default_rng};
use fanin_nn::optim::Optimizer;
use fanin_nn::{Parameters, Tape};
use fanin_tensor::Tensor;

use super::objective::{FIRST, Objective, check_data};
use super::options::{Options, Order};
use super::run::{Begin, Feed, Run, Source, Validation, measure};
use super::{Trainer, engine};
use crate::evaluate::{BATCH, Concat};
use crate::history::History;
use crate::metrics::Metric;
use crate::parallel::{DataParallel, agree};
use crate::{Error, Result};

const TRAINING: &str = "the training set";
const VALIDATION: &str = "the validation set";

/// The seed of the split of [`Trainer::fit_split`], if the trainer has none.
const SPLIT_SEED: u64 = 0;

/// The loss and the metrics of a model on a data set.
#[derive(Clone, Debug, PartialEq)]
pub struct Evaluation {
    /// The mean loss.
    pub loss: f64,
    /// The metrics by their names.
    pub metrics: BTreeMap<String, f64>,
}

impl<'c, L, O, Y> Trainer<'c, L, O, Y>
where
    O: Optimizer,
    Y: ?Sized,
{
    /// Trains a model on `train`, and measures it on `valid` after each epoch.
    ///
    /// The model is trained in place. Frozen parameters stay as they are. The optimizer keeps what it
    /// remembers, so a second call goes on from there.
    ///
    /// # Errors
    /// Before the first step, if anything cannot work: a data set without samples, samples with another
    /// number of features than the model takes, a label without an output, an option that makes no sense, a
    /// schedule that is too short. During training, if a loss becomes NaN or infinite: the error names the
    /// step and the first value that is not finite, and the model has its weights at the end of the last
    /// epoch that left them finite.
    ///
    /// # Panics
    /// **Panics** as the model and the loss do, if target and output do not fit each other.
    #[track_caller]
    pub fn fit<M, D, V, K>(&mut self, model: &mut M, train: &D, valid: &V) -> Result<History>
    where
        M: Parameters,
        D: Data,
        V: Data<Batch = D::Batch>,
        L: Objective<M, D::Batch, K, Target = Y>,
    {
        self.options.begin()?;
        check_data(&self.loss, &*model, train, TRAINING)?;
        check_data(&self.loss, &*model, valid, VALIDATION)?;
        let valid = || Box::new(valid.batches(BATCH)) as Source<'_, _>;
        self.run_data(model, train, Some(&valid))
    }

    /// Trains a model on a part of the data, and measures it on the rest after each epoch. `share` is the
    /// share of the samples that is held out, in (0, 1). Which ones is drawn by the trainer's
    /// [`seed`](Self::seed), else it is the same in each call.
    ///
    /// # Errors
    /// Those of [`fit`](Self::fit); if a part would have no sample.
    ///
    /// # Panics
    /// **Panics** as [`fit`](Self::fit) does.
    #[doc(alias = "validation_split")]
    #[track_caller]
    pub fn fit_split<M, D, K>(&mut self, model: &mut M, data: &D, share: f64) -> Result<History>
    where
        M: Parameters,
        D: Data,
        L: Objective<M, D::Batch, K, Target = Y>,
    {
        self.options.begin()?;
        check_data(&self.loss, &*model, data, "the data set")?;
        let seed = match self.options.order {
            Order::Seeded(seed) => seed,
            Order::Given | Order::Shuffled => SPLIT_SEED,
        };
        let share_is_fine = share > 0.0 && share < 1.0;
        let (train, valid) = split(data, if share_is_fine { share } else { 0.0 }, seed);
        if train.num_samples() == 0 || valid.num_samples() == 0 {
            let n = data.num_samples();
            let advice =
                format!("of {n} samples, both parts need at least one; 0.2 holds out a fifth");
            return Err(Error::option(format!("fit_split with a share of {share}"), advice));
        }
        let valid = || Box::new(valid.batches(BATCH)) as Source<'_, _>;
        self.run_data(model, &train, Some(&valid))
    }

    /// Trains a model on all of the data, without validation. Metrics are measured on the batches as they
    /// are trained on.
    ///
    /// # Errors
    /// Those of [`fit`](Self::fit).
    ///
    /// # Panics
    /// **Panics** as [`fit`](Self::fit) does.
    #[track_caller]
    pub fn fit_all<M, D, K>(&mut self, model: &mut M, data: &D) -> Result<History>
    where
        M: Parameters,
        D: Data,
        L: Objective<M, D::Batch, K, Target = Y>,
    {
        self.options.begin()?;
        check_data(&self.loss, &*model, data, TRAINING)?;
        self.run_data(model, data, None)
    }

    /// Trains a model on batches that `batches` makes for each epoch, counted from 0: augmented,
    /// prefetched, weighted, or generated. [`batch`](Self::batch), [`shuffle`](Self::shuffle) and
    /// [`seed`](Self::seed) have no effect on them.
    ///
    /// # Errors
    /// Those of [`fit`](Self::fit). Labels are checked batch by batch.
    ///
    /// # Panics
    /// **Panics** as [`fit`](Self::fit) does.
    ///
    /// # Example
    /// ```
    /// use fanin_datasets::augment::shift;
    /// use fanin_nn::losses::CrossEntropy;
    /// use fanin_nn::{Adam, Linear, Sequential};
    /// use fanin_train::Trainer;
    ///
    /// let (train, test) = fanin_datasets::mnist_bundled();
    /// let mut model = Sequential::new().add(Linear::new(784, 10));
    /// Trainer::new(CrossEntropy::new(), Adam::new(1e-3)).epochs(2).silent().fit_batches(
    ///     &mut model,
    ///     |_| train.batches(64).shuffle().augment(shift(1)).prefetch(),
    ///     &test,
    /// )?;
    /// # Ok::<(), fanin_train::Error>(())
    /// ```
    #[doc(alias = "DataLoader")]
    #[track_caller]
    pub fn fit_batches<'d, M, I, V, K>(
        &mut self,
        model: &mut M,
        mut batches: impl FnMut(usize) -> I,
        valid: &'d V,
    ) -> Result<History>
    where
        M: Parameters,
        I: IntoIterator<Item = V::Batch>,
        I::IntoIter: 'd,
        V: Data,
        L: Objective<M, V::Batch, K, Target = Y>,
    {
        self.options.begin()?;
        check_data(&self.loss, &*model, valid, VALIDATION)?;
        let classes = match valid.batches(FIRST).next() {
            Some(samples) => self.loss.check(&*model, &samples, VALIDATION)?,
            None => None,
        };
        let mut epoch = 0;
        let mut begin = || {
            let batches = batches(epoch).into_iter();
            epoch += 1;
            let count = match batches.size_hint() {
                (low, Some(high)) if low == high => Some(low),
                _ => None,
            };
            (Feed::Whole(Box::new(batches) as Source<'d, _>), count)
        };
        let valid = || Box::new(valid.batches(BATCH)) as Source<'d, _>;
        let accumulate = self.options.accumulate;
        if let Some(parallel) = self.options.parallel.as_ref().filter(|p| p.size() > accumulate) {
            let size = parallel.size();
            let advice = format!(
                "batches that fit_batches gets are not cut, so each of {size} processes takes whole ones: \
                 write accumulate({size}), and make the batches smaller, or use fit"
            );
            return Err(Error::option(format!("accumulate({accumulate})"), advice));
        }
        if self.options.parallel.as_ref().is_some_and(DataParallel::is_synchronized) {
            let advice = "batches that fit_batches gets are not cut, so their statistics are their own; use fit";
            return Err(Error::option("sync_batch_norm(true)", advice));
        }
        self.run(model, &mut begin, classes, Some(&valid), 0)
    }

    /// The loss and the metrics of a model on a data set.
    ///
    /// # Errors
    /// Those of [`fit`](Self::fit) before the first step.
    ///
    /// # Panics
    /// **Panics** as [`fit`](Self::fit) does.
    ///
    /// # Example
    /// ```
    /// use fanin_nn::losses::CrossEntropy;
    /// use fanin_nn::{Adam, Linear, Sequential};
    /// use fanin_train::Trainer;
    /// use fanin_train::metrics::Accuracy;
    ///
    /// let (_, test) = fanin_datasets::mnist_bundled();
    /// let model = Sequential::new().add(Linear::new(784, 10));
    /// let mut trainer = Trainer::new(CrossEntropy::new(), Adam::new(1e-3)).metric(Accuracy::new());
    /// let untrained = trainer.evaluate(&model, &test)?;
    /// assert!(untrained.loss > 2.0 && untrained.metrics["accuracy"] < 0.5);
    /// # Ok::<(), fanin_train::Error>(())
    /// ```
    #[track_caller]
    pub fn evaluate<M, D, K>(&mut self, model: &M, data: &D) -> Result<Evaluation>
    where
        D: Data,
        L: Objective<M, D::Batch, K, Target = Y>,
    {
        check_data(&self.loss, model, data, "the data set")?;
        let (batches, metrics) = (data.batches(BATCH), &mut self.metrics);
        let loss = measure(&self.loss, model, batches, metrics, &mut Tape::new());
        let metrics = metrics.iter().map(|metric| (metric.name(), metric.value())).collect();
        Ok(Evaluation { loss, metrics })
    }

    /// What a model makes of all samples of a data set, `(n, …)`.
    /// [`predict_all`](crate::predict_all) gives the targets too.
    ///
    /// # Panics
    /// **Panics** as the model does, and for a trainer made by [`from_fn`](Self::from_fn), which does not
    /// know how the model predicts.
    #[track_caller]
    pub fn predict<M, D, K>(&self, model: &M, data: &D) -> Tensor
    where
        D: Data,
        L: Objective<M, D::Batch, K, Target = Y>,
    {
        let (mut outputs, mut tape) = (vec![], Tape::new());
        for batch in data.batches(BATCH) {
            if self.loss.target(&batch).is_none() {
                panic!("predict: a trainer made by from_fn does not know how the model predicts");
            }
            outputs.push(tape.value(|t| self.loss.forward(t, model, &batch).1));
        }
        <Tensor as Concat>::concat(outputs)
    }

    /// Trains on data in the order of the options.
    fn run_data<'d, M, D, K>(
        &mut self,
        model: &mut M,
        train: &'d D,
        validation: Validation<'_, 'd, D::Batch>,
    ) -> Result<History>
    where
        M: Parameters,
        D: Data,
        L: Objective<M, D::Batch, K, Target = Y>,
    {
        let (order, size) = (self.options.order, self.options.batch);
        self.options.check_schedule(train.num_samples(), self.optimizer.lr())?;
        let mut rng = match order {
            Order::Seeded(seed) => Some(TorchRng::seed(seed)),
            Order::Given | Order::Shuffled => None,
        };
        let (samples, cuts) = (train.num_samples(), self.options.parallel.is_some());
        let mut begin = || {
            if cuts {
                let order = match (&mut rng, order) {
                    (Some(rng), _) => epoch_order(samples, rng),
                    (None, Order::Given) => (0..samples).collect(),
                    (None, _) => with_default_rng(|rng| epoch_order(samples, rng)),
                };
                return (cut(train, order, size), Some(samples.div_ceil(size)));
            }
            let batches = train.batches(size);
            let batches = match (&mut rng, order) {
                (Some(rng), _) => batches.shuffle_with(rng),
                (None, Order::Given) => batches,
                (None, _) => batches.shuffle(),
            };
            let count = batches.len();
            (Feed::Whole(Box::new(batches) as Source<'d, _>), Some(count))
        };
        let data = match &self.options.parallel {
            Some(parallel) => {
                parallel.refuse_idle(parallel.count() * self.options.accumulate)?;
                let last = samples % size;
                let smallest = if last > 0 { last } else { size };
                parallel.refuse_sync(self.options.accumulate, smallest)?;
                // Where a label can be read alone, it costs no gather.
                let labels = (0..samples).map_while(|i| train.label_of(i));
                agree::number((samples, labels.collect::<Vec<_>>()))
            }
            None => 0,
        };
        self.run(model, &mut begin, None, validation, data)
    }

    fn run<'d, M, B, K>(
        &mut self,
        model: &mut M,
        begin: Begin<'_, 'd, B>,
        classes: Option<usize>,
        validation: Validation<'_, 'd, B>,
        data: u64,
    ) -> Result<History>
    where
        M: Parameters,
        L: Objective<M, B, K, Target = Y>,
    {
        let names = names(&self.metrics)?;
        let alone = self.options.parallel.as_ref().is_none_or(|parallel| parallel.size() == 1);
        if let (false, None, Some((name, _))) = (alone, &validation, names.first()) {
            let advice = "a process sees only its part of the training batches; give a validation set, on \
                          which metrics are measured";
            return Err(Error::option(format!("metric {name}"), advice));
        }
        let mut run = Run {
            kind: PhantomData,
            objective: &self.loss,
            optimizer: &mut self.optimizer,
            model,
            begin,
            batches: None,
            batch: None,
            samples: vec![],
            before: 0,
            classes,
            validation,
            metrics: &mut self.metrics,
        };
        engine::train(&mut run, &mut self.options, &names, data)
    }

    pub(crate) fn parts(&mut self) -> (&L, &mut O, &Options<'c>) {
        (&self.loss, &mut self.optimizer, &self.options)
    }
}

/// The batches of an epoch in this order, of which each process gathers its parts alone.
fn cut<'d, D: Data>(data: &'d D, order: Vec<usize>, size: usize) -> Feed<'d, D::Batch> {
    let batches = 0..order.len().div_ceil(size);
    let samples = move |at: usize| order[at * size..order.len().min((at + 1) * size)].to_vec();
    let mut buffers = Buffers::default();
    let gather = move |samples: &[usize]| {
        buffers.begin();
        data.gather(samples, &mut buffers)
    };
    Feed::Cut { order: Box::new(batches.map(samples)), gather: Box::new(gather) }
}

/// The names of the metrics, and whether a larger value is better.
fn names<Y: ?Sized>(metrics: &[Box<dyn Metric<Y> + '_>]) -> Result<Vec<(String, bool)>> {
    let mut names = vec![];
    for metric in metrics {
        let name = metric.name();
        if names.iter().any(|(known, _)| *known == name) {
            let advice = "two metrics have this name; leave one out";
            return Err(Error::option(format!("metric {name}"), advice));
        }
        names.push((name, metric.higher_is_better()));
    }
    Ok(names)
}

impl Options<'_> {
    /// Begins a training: keeps the caller's line, and refuses options that cannot work.
    #[track_caller]
    fn begin(&mut self) -> Result<()> {
        self.at = Some(Location::caller());
        self.check()
    }

    /// Refuses options that cannot work.
    pub(crate) fn check(&self) -> Result<()> {
        let counts =
            [("epochs", self.epochs), ("batch", self.batch), ("accumulate", self.accumulate)];
        if let Some((name, _)) = counts.into_iter().find(|(_, count)| *count == 0) {
            return Err(Error::option(format!("{name}(0)"), "give at least 1"));
        }
        if self.parallel.as_ref().is_some_and(|parallel| parallel.count() == 0) {
            return Err(Error::option("micro_batches(0)", "give at least 1"));
        }
        match &self.checkpoints {
            Some(checkpoints) => checkpoints.check()?,
            None if self.resume => {
                let advice =
                    "say where the checkpoints are: .checkpoints(Checkpoints::new(\"run\"))";
                return Err(Error::option("resume()", advice));
            }
            None => {}
        }
        for (name, limit) in [("clip_norm", self.clip_norm), ("clip_value", self.clip_value)] {
            if let Some(limit) = limit.filter(|&limit| limit.is_nan() || limit <= 0.0) {
                return Err(Error::option(format!("{name}({limit})"), "give a positive number"));
            }
        }
        if self.plateau.as_ref().is_some_and(|plateau| !plateau.is_for_losses()) {
            let advice = "the trainer observes the loss, which is better when smaller: leave mode(Max) \
                          out, or set the rate in on_epoch";
            return Err(Error::option("reduce_on_plateau", advice));
        }
        if let Some(decay) = self.average.filter(|decay| !(0.0..1.0).contains(decay)) {
            let advice = "a decay is in [0, 1); 0.999 averages over some 1,000 steps";
            return Err(Error::option(format!("average_weights({decay})"), advice));
        }
        Ok(())
    }

    /// Refuses a schedule that does not last for the training on this many samples, or that gives a rate
    /// that no optimizer can use.
    fn check_schedule(&self, samples: usize, base: f64) -> Result<()> {
        /// A longer training finds out about the rates after these when it comes to them.
        const MOST: usize = 1_000_000;
        let Some(schedule) = &self.schedule else { return Ok(()) };
        let of_epoch = samples.div_ceil(self.batch).div_ceil(self.accumulate);
        let needed = of_epoch.saturating_mul(self.epochs);
        if let Some(steps) = schedule.steps().filter(|&steps| steps < needed) {
            return Err(Error::ScheduleTooShort { steps, needed });
        }
        let rates = (0..needed.min(MOST)).map(|step| (step, schedule.lr(base, step)));
        let bad = |&(_, rate): &(usize, f64)| !(rate >= 0.0 && rate.is_finite());
        match { rates }.find(bad) {
            Some((step, rate)) => Err(Error::Rate { step, rate }),
            None => Ok(()),
        }
    }
}

/// Two parts of the data, drawn with a seed. The second has the share `share` of the samples, rounded.
fn split<D: Data>(data: &D, share: f64, seed: u64) -> (Subset<&D>, Subset<&D>) {
    let n = data.num_samples();
    let held_out = ((n as f64 * share).round() as usize).min(n);
    let mut rest = epoch_order(n, &mut TorchRng::seed(seed));
    let last = rest.split_off(n - held_out);
    (Subset::new(data, rest), Subset::new(data, last))
}
