//! [`Trainer`]: the training loop.

mod callback;
mod checkpoints;
mod early_stopping;
mod engine;
mod fit;
mod interrupt;
mod objective;
mod options;
mod progress;
mod run;
mod snapshot;

use std::fmt;
use std::marker::PhantomData;

use fanin_nn::optim::Optimizer;
use fanin_nn::{Parameters, Tape, Var};

pub use callback::{EpochEnd, StepEnd};
pub use checkpoints::Checkpoints;
pub use early_stopping::EarlyStopping;
pub(crate) use engine::Task;
pub use fit::Evaluation;
pub(crate) use interrupt::Interrupt;
pub(crate) use objective::check_data;
pub use objective::{ByFunction, ByTarget, NoTarget, Objective, Samples, StepFn};
use options::{Options, Order};
use progress::Show;
pub(crate) use progress::set_quiet;
pub(crate) use run::{Feed, Run};
pub(crate) use snapshot::Snapshot;

use crate::Schedule;
use crate::metrics::Metric;
use crate::parallel::DataParallel;
use crate::schedule::ReduceOnPlateau;

/// Trains a model: the loop over epochs and batches, with all that belongs to it.
///
/// A trainer has a loss, an optimizer, and options. [`fit`](Self::fit) trains a model on one data set and
/// measures it on another after each epoch. It computes what the loop by hand computes, to the bit.
///
/// | | |
/// |---|---|
/// | data | [`fit`](Self::fit) with a validation set, [`fit_split`](Self::fit_split) with a part of the data held out, [`fit_all`](Self::fit_all) with neither, [`fit_batches`](Self::fit_batches) with batches that are augmented, prefetched or made in another way |
/// | steps | [`epochs`](Self::epochs), [`batch`](Self::batch), [`shuffle`](Self::shuffle), [`seed`](Self::seed), [`schedule`](Self::schedule), [`clip_norm`](Self::clip_norm), [`clip_value`](Self::clip_value), [`accumulate`](Self::accumulate), [`average_weights`](Self::average_weights), [`data_parallel`](Self::data_parallel) |
/// | what is measured | [`metric`](Self::metric), [`evaluate`](Self::evaluate), [`predict`](Self::predict) |
/// | the end | [`early_stopping`](Self::early_stopping), Ctrl-C, a callback, a loss that is NaN or infinite |
/// | callbacks | [`on_step`](Self::on_step), [`on_epoch`](Self::on_epoch) |
/// | what is shown | bars on a terminal, lines elsewhere; [`lines`](Self::lines), [`silent`](Self::silent) |
///
/// `L` is the loss and `O` the optimizer. `Y` is what metrics get as targets, which the compiler finds out.
///
/// # Ctrl-C
/// The first Ctrl-C ends training after the current step. `fit` then returns as usual, the model keeps
/// what it has learnt (with early stopping, its best weights), and
/// [`History::stopped`](crate::History::stopped) says why. A second Ctrl-C ends the
/// process. While no training runs, Ctrl-C does what it does by default. A program with a handler of its own
/// installs it before the first `fit`, or turns this off by [`ctrl_c(false)`](Self::ctrl_c), or without the
/// feature `ctrl-c`. On Windows Ctrl-C ends the process.
///
/// # Example
/// ```
/// use fanin_nn::layers::Relu;
/// use fanin_nn::losses::CrossEntropy;
/// use fanin_nn::{AdamW, Linear, Sequential};
/// use fanin_train::Trainer;
/// use fanin_train::metrics::Accuracy;
///
/// let (train, test) = fanin_datasets::mnist_bundled();
/// let mut model = Sequential::new().add(Linear::new(784, 32)).add(Relu).add(Linear::new(32, 10));
/// let history = Trainer::new(CrossEntropy::new(), AdamW::new(1e-3))
///     .epochs(3)
///     .batch(64)
///     .metric(Accuracy::new())
///     .fit(&mut model, &train, &test)?;
/// assert!(history.metric("accuracy")[2] > 0.8);
/// # Ok::<(), fanin_train::Error>(())
/// ```
#[doc(alias("Model.fit", "Learner"))]
pub struct Trainer<'c, L, O, Y: ?Sized> {
    loss: L,
    optimizer: O,
    options: Options<'c>,
    metrics: Vec<Box<dyn Metric<Y> + 'c>>,
    targets: PhantomData<fn(&Y)>,
}

impl<'c, L, O, Y: ?Sized> Trainer<'c, L, O, Y> {
    /// A trainer with this loss and optimizer: 10 epochs, shuffled batches of 32.
    ///
    /// The loss is a mean over the batch, as all losses are unless they are told otherwise.
    pub fn new(loss: L, optimizer: O) -> Self
    where
        O: Optimizer,
    {
        let (options, metrics, targets) = (Options::default(), vec![], PhantomData);
        Self { loss, optimizer, options, metrics, targets }
    }

    /// Trains for at most this many epochs.
    pub fn epochs(mut self, epochs: usize) -> Self {
        self.options.epochs = epochs;
        self
    }

    /// Takes this many samples for a batch. The last batch of an epoch has the remaining ones.
    #[doc(alias = "batch_size")]
    pub fn batch(mut self, samples: usize) -> Self {
        self.options.batch = samples;
        self
    }

    /// Whether the samples come in a new order in each epoch, as they do by default. The order is that of
    /// [`Batches::shuffle`](fanin_datasets::Batches::shuffle): the thread's default generator draws it,
    /// the one that `manual_seed` seeds.
    pub fn shuffle(mut self, shuffle: bool) -> Self {
        self.options.order = if shuffle { Order::Shuffled } else { Order::Given };
        self
    }

    /// Shuffles with a generator of its own, which each call of `fit` seeds with this number.
    pub fn seed(mut self, seed: u64) -> Self {
        self.options.order = Order::Seeded(seed);
        self
    }

    /// Sets the learning rate of each step. The schedule's base is the rate of the optimizer; after
    /// training the optimizer has it again. Steps count from 0 in each call of `fit`.
    ///
    /// # Example
    /// ```
    /// use fanin_nn::losses::Mse;
    /// use fanin_nn::{Adam, Linear, Sequential};
    /// use fanin_train::Trainer;
    ///
    /// let (x, y) = (fanin_nn::Tensor::ones([8, 1]), fanin_nn::Tensor::zeros([8, 1]));
    /// let mut model = Sequential::new().add(Linear::new(1, 1));
    /// let warm_up = |base: f64, step: usize| base * ((step + 1) as f64 / 10.0).min(1.0);
    /// let history = Trainer::new(Mse::new(), Adam::new(0.1))
    ///     .schedule(warm_up)
    ///     .epochs(20)
    ///     .silent()
    ///     .fit_all(&mut model, &(x, y))?;
    /// assert_eq!((history.epochs[4].rate, history.epochs[19].rate), (0.05, 0.1));
    /// # Ok::<(), fanin_train::Error>(())
    /// ```
    #[doc(alias = "lr_scheduler")]
    pub fn schedule(mut self, schedule: impl Schedule + 'c) -> Self {
        self.options.schedule = Some(Box::new(schedule));
        self
    }

    /// Multiplies the learning rate (with a [`schedule`](Self::schedule), the rate that it starts from) by the
    /// plateau's factor when the validation loss of an epoch stalls; without a validation set, the training
    /// loss. Callbacks of an epoch come before the reduction.
    ///
    /// The optimizer keeps the lowered rate after training. A further `fit` starts from it, with a plateau of
    /// its own.
    ///
    /// # Example
    /// ```
    /// use fanin_nn::losses::Mse;
    /// use fanin_nn::{Linear, Sequential, Sgd, Tensor};
    /// use fanin_train::Trainer;
    /// use fanin_train::schedule::ReduceOnPlateau;
    ///
    /// // No line fits these points, so the loss stalls at 1.
    /// let (x, y) = (Tensor::from([[0.0], [0.0]]), Tensor::from([[-1.0], [1.0]]));
    /// let mut model = Sequential::new().add(Linear::new(1, 1));
    /// let history = Trainer::new(Mse::new(), Sgd::new(0.5))
    ///     .reduce_on_plateau(ReduceOnPlateau::new(0.1).patience(2))
    ///     .silent()
    ///     .fit_all(&mut model, &(x, y))?;
    /// assert!((history.losses()[9] - 1.0).abs() < 1e-6);
    /// assert!(history.epochs[9].rate < 0.1);
    /// # Ok::<(), fanin_train::Error>(())
    /// ```
    #[doc(alias = "ReduceLROnPlateau")]
    pub fn reduce_on_plateau(mut self, plateau: ReduceOnPlateau) -> Self {
        self.options.plateau = Some(plateau);
        self
    }

    /// Scales the gradients of each step so that their norm is at most `max`.
    #[doc(alias = "clip_grad_norm_")]
    pub fn clip_norm(mut self, max: f64) -> Self {
        self.options.clip_norm = Some(max);
        self
    }

    /// Moves each element of the gradients into `[−limit, limit]`.
    #[doc(alias = "clip_grad_value_")]
    pub fn clip_value(mut self, limit: f64) -> Self {
        self.options.clip_value = Some(limit);
        self
    }

    /// Takes a step after this many batches, by the gradient of the mean over all of their samples. The
    /// last step of an epoch has what is left.
    #[doc(alias = "gradient_accumulation")]
    pub fn accumulate(mut self, batches: usize) -> Self {
        self.options.accumulate = batches;
        self
    }

    /// Trains on several processes, each of which takes a part of every [`batch`](Self::batch). The batches
    /// that [`fit_batches`](Self::fit_batches) gets are not cut: each process takes whole ones of those that
    /// [`accumulate`](Self::accumulate) puts into a step. [`DataParallel`] says what is the same as on one
    /// process, and docs/cluster.md how to start the processes.
    #[doc(alias("DistributedDataParallel", "DDP", "MPI"))]
    pub fn data_parallel(mut self, parallel: DataParallel) -> Self {
        self.options.parallel = Some(parallel);
        self
    }

    /// Keeps a running average of the weights, an [`Ema`](fanin_nn::optim::Ema) of the weights after each
    /// step. What is measured after an epoch is the model with the averaged weights, and the model has
    /// them in the end.
    #[doc(alias("ema", "swa", "AveragedModel"))]
    pub fn average_weights(mut self, decay: f64) -> Self {
        self.options.average = Some(decay);
        self
    }

    /// Saves the training in a directory, to [`resume`](Self::resume) it.
    pub fn checkpoints(mut self, checkpoints: Checkpoints) -> Self {
        self.options.checkpoints = Some(checkpoints);
        self
    }

    /// Goes on from the latest of the [`checkpoints`](Self::checkpoints), if there is one: a program that was
    /// stopped after any step, and is started again, ends with the same weights, to the bit, as one that was
    /// never stopped.
    ///
    /// It needs the same model, data, optimizer and options; the number of epochs may be another. A
    /// damaged checkpoint is skipped, and named on the standard error. Not restored are the state of
    /// callbacks, the metrics of the training batches before it in an epoch without validation, and the
    /// draws of your own generators. `fit_batches` calls its function for the earlier epochs again, and
    /// takes no batch of them.
    ///
    /// # Errors
    /// `fit` returns one if the latest checkpoint is of another model, optimizer or batch size. The model is
    /// unchanged then.
    pub fn resume(mut self) -> Self {
        self.options.resume = true;
        self
    }

    /// Ends training when a value no longer improves, and restores the best weights.
    pub fn early_stopping(mut self, rule: EarlyStopping) -> Self {
        self.options.early_stopping = Some(rule);
        self
    }

    /// Measures a metric after each epoch on the validation set. Without a validation set it is measured
    /// on the training batches, as they are trained on.
    pub fn metric(mut self, metric: impl Metric<Y> + 'c) -> Self {
        self.metrics.push(Box::new(metric));
        self
    }

    /// Calls `callback` after each step. It sees the model and may change it, and may end training.
    ///
    /// # Example
    /// Weights that stay in a ball:
    /// ```
    /// # use fanin_nn::{losses::Mse, Adam, Linear, Sequential, Tensor};
    /// # use fanin_train::Trainer;
    /// # let (x, y) = (Tensor::ones([8, 1]), Tensor::zeros([8, 1]));
    /// # let mut model = Sequential::new().add(Linear::new(1, 1));
    /// let mut losses = vec![];
    /// Trainer::new(Mse::new(), Adam::new(0.1))
    ///     .on_step(|step| {
    ///         losses.push(step.loss);
    ///         step.model.visit_params_mut(&mut |_, p| {
    ///             p.value_mut().as_mut_slice().iter_mut().for_each(|w| *w = w.clamp(-1.0, 1.0));
    ///         });
    ///     })
    ///     .epochs(3)
    ///     .silent()
    ///     .fit_all(&mut model, &(x, y))?;
    /// assert_eq!(losses.len(), 3);
    /// # Ok::<(), fanin_train::Error>(())
    /// ```
    pub fn on_step(mut self, callback: impl FnMut(&mut StepEnd<'_>) + 'c) -> Self {
        self.options.on_step.push(Box::new(callback));
        self
    }

    /// Calls `callback` after each epoch. It sees losses and metrics, may look at the model, let it
    /// predict, set the learning rate, and end training.
    ///
    /// # Example
    /// A rate that is halved when the loss rises:
    /// ```
    /// # use fanin_nn::{losses::Mse, Adam, Linear, Sequential, Tensor};
    /// # use fanin_train::Trainer;
    /// # let (x, y) = (Tensor::ones([8, 1]), Tensor::zeros([8, 1]));
    /// # let mut model = Sequential::new().add(Linear::new(1, 1));
    /// let mut before = f64::INFINITY;
    /// Trainer::new(Mse::new(), Adam::new(0.1))
    ///     .on_epoch(|end| {
    ///         if end.epoch.loss > before {
    ///             end.set_rate(end.rate() / 2.0);
    ///         }
    ///         before = end.epoch.loss;
    ///     })
    ///     .silent()
    ///     .fit_all(&mut model, &(x, y))?;
    /// # Ok::<(), fanin_train::Error>(())
    /// ```
    pub fn on_epoch(mut self, callback: impl FnMut(&mut EpochEnd<'_>) + 'c) -> Self {
        self.options.on_epoch.push(Box::new(callback));
        self
    }

    /// Shows nothing.
    pub fn silent(mut self) -> Self {
        self.options.show = Show::Nothing;
        self
    }

    /// Shows a line for each epoch, on a terminal too.
    pub fn lines(mut self) -> Self {
        self.options.show = Show::Lines;
        self
    }

    /// Whether Ctrl-C ends training after the current step, as it does by default.
    pub fn ctrl_c(mut self, stops: bool) -> Self {
        self.options.ctrl_c = stops;
        self
    }

    /// The optimizer, with all that it remembers.
    pub fn optimizer(&self) -> &O {
        &self.optimizer
    }

    /// The optimizer, to be changed.
    pub fn optimizer_mut(&mut self) -> &mut O {
        &mut self.optimizer
    }
}

impl<'c, F, O: Optimizer> Trainer<'c, StepFn<F>, O, NoTarget> {
    /// A trainer whose loss is any function of the tape, the model and a batch: for models with several
    /// inputs or outputs, losses that look at the weights, and any data.
    ///
    /// # Example
    /// A model of two inputs:
    /// ```
    /// use fanin_nn::{Adam, Linear, Module, Parameters, Tensor};
    /// use fanin_train::Trainer;
    ///
    /// #[derive(Parameters)]
    /// struct Merge {
    ///     left: Linear,
    ///     right: Linear,
    /// }
    ///
    /// let data = (Tensor::ones([8, 3]), Tensor::ones([8, 2]), Tensor::zeros([8, 1]));
    /// let mut model = Merge { left: Linear::new(3, 1), right: Linear::new(2, 1) };
    /// let trainer = Trainer::from_fn(
    ///     Adam::new(0.05),
    ///     |t, model: &Merge, (a, b, y): &(Tensor, Tensor, Tensor)| {
    ///         let sum = model.left.forward(t.input(a)) + model.right.forward(t.input(b));
    ///         sum.mse(t.input(y))
    ///     },
    /// );
    /// let history = trainer.epochs(200).silent().fit_all(&mut model, &data)?;
    /// assert!(history.epochs[199].loss < 1e-3);
    /// # Ok::<(), fanin_train::Error>(())
    /// ```
    pub fn from_fn<M, B>(optimizer: O, loss: F) -> Self
    where
        M: Parameters,
        F: for<'t> Fn(&'t Tape, &M, &B) -> Var<'t>,
    {
        Self::new(StepFn(loss), optimizer)
    }
}

impl<L: fmt::Debug, O: fmt::Debug, Y: ?Sized> fmt::Debug for Trainer<'_, L, O, Y> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let metrics: Vec<_> = self.metrics.iter().map(|metric| metric.name()).collect();
        f.debug_struct("Trainer")
            .field("loss", &self.loss)
            .field("optimizer", &self.optimizer)
            .field("metrics", &metrics)
            .field("epochs", &self.options.epochs)
            .field("batch", &self.options.batch)
            .finish_non_exhaustive()
    }
}
