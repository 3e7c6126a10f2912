//! [`DataParallel`]: one training on several processes, each of which takes a part of every batch.

pub(crate) mod agree;
mod exchange;
mod processes;

use std::cell::RefCell;
use std::fmt;
use std::ops::Range;
use std::rc::Rc;

use fanin_init::rand::RngCore;
use fanin_init::{TorchRng, with_default_rng};
use fanin_nn::{BatchParts, EnteredParts, Gradients, Parameters, Tape, Var};

use crate::{Error, Result};
use exchange::{Exchange, share};
pub use processes::{OneProcess, Processes};

/// How the gradients of several processes are combined.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Sum {
    /// What connects the processes adds them, in an order of its own: `MPI_Allreduce`. Each process sends
    /// and receives some two numbers for each parameter. Weights differ from those of one process by
    /// rounding.
    Fast,
    /// In the order of the micro-batches, whatever connects the processes: any number of processes gives the
    /// same bits as one that accumulates the same micro-batches. Each process sends a number for each
    /// parameter and each of its micro-batches, and another one for each parameter.
    Exact,
}

/// One training on several processes: each takes a part of every batch, gradients are combined, and all take
/// the same step.
///
/// Every process runs the same program with the same seed, so that it builds the same model and draws the
/// same order of the samples. A batch is cut into [`micro_batches`](Self::micro_batches) of one size, and
/// the last one is smaller. Process p of n computes micro-batches `p·m/n` to `(p+1)·m/n`. The step is that
/// of the mean loss over all samples of the batch, with parts of any size, some of them empty.
///
/// With [`Sum::Exact`] and the same number of micro-batches, any number of processes gives the same bits.
/// These are the bits of [`Trainer::accumulate`](crate::Trainer::accumulate) on one process: `batch(128)` in
/// 4 micro-batches is `batch(32)` and `accumulate(4)`, if nothing draws random numbers in a step.
///
/// | | |
/// |---|---|
/// | shuffling | the order does not depend on the number of processes |
/// | dropout | the generator is seeded anew for each micro-batch, by the step and its number, so masks differ between micro-batches, and do not depend on the number of processes |
/// | batch normalization | each micro-batch has statistics of its own, and the running statistics see all of them in their order, in every process; or those of the whole batch, with [`sync_batch_norm`](Self::sync_batch_norm) |
/// | checkpoints | process 0 writes them, reads them and sends them to the others; another number of processes may go on |
/// | validation, metrics, early stopping | every process measures, and the numbers of process 0 count, so all decide alike |
/// | callbacks | run in every process, so one that writes a file asks [`is_first`](Self::is_first); if one ends training, all processes end |
/// | progress | process 0 shows it |
///
/// # Example
/// With [`OneProcess`] it computes what several would. fanin-mpi's `Mpi::start()?` takes its place on a
/// cluster.
/// ```
/// use fanin_nn::losses::CrossEntropy;
/// use fanin_nn::{Adam, Linear, Sequential};
/// use fanin_train::{DataParallel, OneProcess, Sum, Trainer};
///
/// let (train, test) = fanin_datasets::mnist_bundled();
/// fanin_nn::init::manual_seed(1);
/// let mut model = Sequential::new().add(Linear::new(784, 10));
/// Trainer::new(CrossEntropy::new(), Adam::new(1e-3))
///     .epochs(1)
///     .batch(128)
///     .data_parallel(DataParallel::new(OneProcess, Sum::Exact).micro_batches(4))
///     .fit(&mut model, &train, &test)?;
/// # Ok::<(), fanin_train::Error>(())
/// ```
/// The loop by hand: [`parts`](Self::parts) says which samples are this process's, [`add`](Self::add)
/// computes their gradients, and [`mean`](Self::mean) is the one line that combines them.
/// ```
/// use fanin_datasets::{Buffers, Data};
/// use fanin_init::manual_seed;
/// use fanin_nn::{Adam, Linear, Module, Optimizer};
/// use fanin_train::{DataParallel, OneProcess, Sum};
///
/// let (train, _) = fanin_datasets::mnist_bundled();
/// manual_seed(1);
/// let (mut model, mut adam) = (Linear::new(784, 10), Adam::new(1e-3));
/// let mut parallel = DataParallel::new(OneProcess, Sum::Exact).micro_batches(4);
/// parallel.check(&model)?;
/// let (samples, mut buffers) = ((0..train.num_samples()).collect::<Vec<_>>(), Buffers::default());
/// for batch in samples.batches(128).shuffle() {
///     for part in parallel.parts(batch.len()) {
///         buffers.begin();
///         let (x, y) = train.gather(&batch[part.samples()], &mut buffers);
///         parallel.add(&model, &part, |t| model.forward(t.input(&x)).cross_entropy(&y));
///     }
///     let (_, grads) = parallel.mean(&model)?;
///     adam.step(&mut model, grads);
/// }
/// # Ok::<(), fanin_train::Error>(())
/// ```
///
/// # Reference
/// Li et al. 2020, section 3; without its buckets, because a step of an MLP ends with its largest gradients.
#[doc(alias("DistributedDataParallel", "DDP"))]
pub struct DataParallel {
    processes: Rc<RefCell<dyn Processes>>,
    rank: usize,
    size: usize,
    sum: Sum,
    micro_batches: Option<usize>,
    /// Sums over the processes, if batch normalization is synchronized.
    sync: Option<Rc<BatchParts>>,
    exchange: Exchange,
    /// For the loop by hand: its tape, the largest batch so far, and steps.
    tape: Tape,
    largest: usize,
    step: usize,
    begun: bool,
}

/// A micro-batch of this process: [`DataParallel::parts`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    pub(crate) number: usize,
    pub(crate) samples: Range<usize>,
}

impl Part {
    /// Which micro-batch of the step it is, from 0.
    pub fn number(&self) -> usize {
        self.number
    }

    /// Which samples of the batch it has.
    pub fn samples(&self) -> Range<usize> {
        self.samples.clone()
    }
}

impl DataParallel {
    /// A training on these processes, with a micro-batch for each.
    pub fn new(processes: impl Processes + 'static, sum: Sum) -> Self {
        let (rank, size) = (processes.rank(), processes.size());
        Self {
            processes: Rc::new(RefCell::new(processes)),
            rank,
            size,
            sum,
            micro_batches: None,
            sync: None,
            exchange: Exchange::default(),
            tape: Tape::new(),
            largest: 0,
            step: 0,
            begun: false,
        }
    }

    /// Cuts each batch into this many micro-batches, however many processes there are. A multiple of the
    /// number of processes gives each of them equally many.
    #[must_use]
    pub fn micro_batches(mut self, count: usize) -> Self {
        self.micro_batches = Some(count);
        self
    }

    /// Whether batch normalization takes mean and variance over the whole batch, as on one process, and not
    /// over each micro-batch. It needs one micro-batch for each process and, in each batch, a sample for each;
    /// a shorter batch is cut evenly too. Each layer exchanges its sums twice in a step, in its forward and
    /// in its backward pass. The bits depend on the number of processes.
    #[doc(alias("SyncBatchNorm", "convert_sync_batchnorm"))]
    #[must_use]
    pub fn sync_batch_norm(mut self, sync: bool) -> Self {
        let processes = self.processes.clone();
        let size = self.size;
        let parts = || {
            BatchParts::new(self.rank == 0, move |sums| {
                // In the order of the ranks, so that all have the same bits.
                let mut all = vec![0; 8 * sums.len() * size];
                let own: Vec<u8> = sums.iter().flat_map(|sum| sum.to_le_bytes()).collect();
                let mut processes = processes.borrow_mut();
                if let Err(error) = processes.gather(&own, &vec![own.len(); size], &mut all) {
                    panic!("batch_norm: {error}");
                }
                sums.fill(0.0);
                for one in all.chunks_exact(own.len().max(1)) {
                    let number = |bytes: &[u8]| f64::from_le_bytes(bytes.try_into().expect("8"));
                    let numbers = one.chunks_exact(8).map(number);
                    sums.iter_mut().zip(numbers).for_each(|(sum, number)| *sum += number);
                }
            })
        };
        self.sync = (sync && size > 1).then(parts);
        self
    }

    /// Whether this is the process that writes files and shows progress.
    pub fn is_first(&self) -> bool {
        self.rank == 0
    }

    /// Which of the processes this one is, from 0.
    pub fn rank(&self) -> usize {
        self.rank
    }

    /// How many processes there are.
    pub fn size(&self) -> usize {
        self.size
    }

    /// Checks that all processes have the same model with the same values, and gives all of them the default
    /// generator of process 0. A loop by hand does so before its first step; a trainer does it itself.
    ///
    /// # Errors
    /// [`Error::Processes`] names the processes that have another model. Every process returns it.
    pub fn check(&mut self, model: &dyn Parameters) -> Result<()> {
        self.check_with(model, &[])?;
        self.refuse_idle(self.count())
    }

    /// [`check`](Self::check), and that the processes have the same of other things.
    pub(crate) fn check_with(
        &mut self,
        model: &dyn Parameters,
        others: &[(u64, &str)],
    ) -> Result<()> {
        let count = self.count();
        let [names, values] = agree::model(model);
        let mut what = vec![
            (
                agree::number((count, self.sum)),
                "another number of micro-batches, or another Sum, than process 0; give all the same",
            ),
            (
                names,
                "a model of other parameters than process 0; build the same model in every process",
            ),
            (
                values,
                "other weights than process 0; call manual_seed with the same number in every process \
                 before the model is built, or load the same file in all",
            ),
        ];
        what.extend(others);
        self.processes.borrow_mut().at(self.step, "the processes compared their models");
        agree::same(&mut *self.processes.borrow_mut(), &what)?;
        let own = with_default_rng(|rng| rng.clone());
        let own = self.is_first().then(|| serde_json::to_vec(&own).unwrap_or_default());
        let sent = agree::bytes(&mut *self.processes.borrow_mut(), 0, own)?;
        let rng: TorchRng = serde_json::from_slice(&sent).map_err(|error| {
            let why = format!("process 0 sent a generator that cannot be read: {error}");
            Error::Processes { why }
        })?;
        with_default_rng(|own| *own = rng);
        Ok(())
    }

    /// How many micro-batches a batch has.
    pub(crate) fn count(&self) -> usize {
        self.micro_batches.unwrap_or(self.size)
    }

    /// Refuses a step with fewer micro-batches than processes.
    pub(crate) fn refuse_idle(&self, micro_batches: usize) -> Result<()> {
        let size = self.size;
        if micro_batches >= size {
            return Ok(());
        }
        let advice = format!(
            "{size} processes need a micro-batch each: write micro_batches({size}), or start \
             {micro_batches} processes"
        );
        Err(Error::option(format!("micro_batches({micro_batches})"), advice))
    }

    /// The micro-batches of this process, of a batch with this many samples. Their size is that of the largest
    /// batch so far, cut into [`micro_batches`](Self::micro_batches); so a shorter batch at the end of an
    /// epoch has fewer or smaller ones, and this process perhaps none.
    ///
    /// # Panics
    /// **Panics** if batch normalization is [synchronized](Self::sync_batch_norm) and a process would have no
    /// sample, or several micro-batches.
    #[track_caller]
    pub fn parts(&mut self, samples: usize) -> Vec<Part> {
        self.largest = self.largest.max(samples);
        let count = self.count();
        let (synchronized, size) = (self.sync.is_some(), self.size);
        assert!(
            !synchronized || (samples >= size && count == size),
            "parts: {samples} samples in {count} micro-batches for {size} processes; with sync_batch_norm \
             each process needs one micro-batch with a sample: drop a last batch that is too short"
        );
        let own = share(self.rank(), self.size(), count);
        let parts = self.cut(samples, self.largest, count).into_iter();
        parts.filter(|part| own.contains(&part.number)).collect()
    }

    /// Computes the gradients of a micro-batch: those of the mean loss over its samples, which `f` computes.
    /// While it does, the thread's default generator is one of the step and the micro-batch, so that dropout
    /// does not depend on the number of processes. Returns the loss.
    pub fn add(
        &mut self,
        model: &dyn Parameters,
        part: &Part,
        f: impl for<'t> FnOnce(&'t Tape) -> Var<'t>,
    ) -> f32 {
        self.begin(model, self.count());
        let seeded = Seeded::new(self.step, part.number, self.sync.as_ref());
        let (loss, grads) = self.tape.value_and_grad(f);
        drop(seeded);
        self.exchange.add(part.number, part.samples.len(), loss, &grads);
        loss
    }

    /// The mean loss over the samples of all processes, and its gradient, which an optimizer takes. All
    /// processes call it once for each step, those without a part too.
    ///
    /// # Errors
    /// [`Error::Processes`] if the others cannot be reached.
    pub fn mean(&mut self, model: &dyn Parameters) -> Result<(f64, Gradients<'_>)> {
        self.begin(model, self.count());
        self.begun = false;
        self.step += 1;
        self.processes.borrow_mut().at(self.step, "the losses of a step were gathered");
        self.exchange.tell(&mut *self.processes.borrow_mut(), false)?;
        let (total, samples) = self.total();
        self.processes.borrow_mut().at(self.step, "gradients were summed");
        let grads = self.exchange.combine(&mut *self.processes.borrow_mut(), self.sum)?;
        Ok((total / samples as f64, grads))
    }

    fn begin(&mut self, model: &dyn Parameters, micro_batches: usize) {
        if !std::mem::replace(&mut self.begun, true) {
            self.exchange.begin(model, micro_batches);
        }
    }

    /// The sum of the losses of all samples, and how many samples there are.
    fn total(&self) -> (f64, usize) {
        self.exchange.losses().fold((0.0, 0), |(total, samples), (_, count, loss)| {
            (total + f64::from(loss) * count as f64, samples + count)
        })
    }
}

/// What the trainer's loop uses.
impl DataParallel {
    pub(crate) fn begin_step(&mut self, step: usize, model: &dyn Parameters, micro_batches: usize) {
        self.step = step;
        self.exchange.begin(model, micro_batches);
    }

    pub(crate) fn is_synchronized(&self) -> bool {
        self.sync.is_some()
    }

    /// Whether this process computes a micro-batch.
    pub(crate) fn owns(&self, number: usize) -> bool {
        share(self.rank(), self.size(), self.exchange.micro_batches()).contains(&number)
    }

    /// The generator of a micro-batch, until what is returned is dropped.
    pub(crate) fn seeded(&self, number: usize) -> Seeded {
        Seeded::new(self.step, number, self.sync.as_ref())
    }

    /// The micro-batches of a batch, where the largest batch gives `count` of one size.
    pub(crate) fn cut(&self, samples: usize, largest: usize, count: usize) -> Vec<Part> {
        cut(samples, largest, count, self.sync.is_some())
    }

    /// Refuses what synchronized batch normalization cannot do: other than one micro-batch for each process
    /// in a step that accumulates this many batches, the smallest of which has this many samples.
    pub(crate) fn refuse_sync(&self, accumulate: usize, smallest: usize) -> Result<()> {
        let (count, size) = (self.count(), self.size);
        let advice = if self.sync.is_none() {
            return Ok(());
        } else if accumulate > 1 {
            "leave accumulate out, so that a step is one batch".to_owned()
        } else if count != size {
            format!("it needs one micro-batch for each process: write micro_batches({size})")
        } else if smallest < size {
            format!(
                "the last batch of an epoch has {smallest} samples, and each of {size} processes needs one; \
                 choose another batch size"
            )
        } else {
            return Ok(());
        };
        Err(Error::option("sync_batch_norm(true)", advice))
    }

    pub(crate) fn take(&mut self, number: usize, samples: usize, loss: f32, grads: &Gradients<'_>) {
        self.exchange.add(number, samples, loss, grads);
    }

    /// Tells the others what this process has computed, and whether it wants to stop. Returns the sum of all
    /// losses, how many samples they have, whether a process wants to stop, and the first loss that is not
    /// finite, with the process that has it.
    pub(crate) fn tell(&mut self, stop: bool) -> Result<Told> {
        self.processes.borrow_mut().at(self.step + 1, "the losses of a step were gathered");
        let stop = self.exchange.tell(&mut *self.processes.borrow_mut(), stop)?;
        let (total, samples) = self.total();
        let bad = self.exchange.losses().find(|(_, _, loss)| !loss.is_finite());
        let (size, all) = (self.size(), self.exchange.micro_batches());
        let owner = |k: usize| (0..size).find(|&p| share(p, size, all).contains(&k));
        let bad = bad.map(|(k, _, loss)| (owner(k).unwrap_or(0), loss));
        Ok(Told { total, samples, stop, bad })
    }

    pub(crate) fn combine(&mut self) -> Result<Gradients<'_>> {
        self.processes.borrow_mut().at(self.step + 1, "gradients were summed");
        self.exchange.combine(&mut *self.processes.borrow_mut(), self.sum)
    }

    /// A text of process `root`.
    pub(crate) fn text_of(&mut self, root: usize, own: Option<String>) -> Result<String> {
        self.processes.borrow_mut().at(self.step + 1, "a process told the others of its error");
        let bytes =
            agree::bytes(&mut *self.processes.borrow_mut(), root, own.map(String::into_bytes))?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// Bytes of process 0.
    pub(crate) fn bytes_of_first(&mut self, own: Option<Vec<u8>>) -> Result<Vec<u8>> {
        self.processes.borrow_mut().at(self.step, "process 0 sent a checkpoint");
        agree::bytes(&mut *self.processes.borrow_mut(), 0, own)
    }

    /// Words of all processes.
    pub(crate) fn words(&mut self, what: &'static str, own: &[u64]) -> Result<Vec<Vec<u64>>> {
        self.processes.borrow_mut().at(self.step + 1, what);
        agree::words(&mut *self.processes.borrow_mut(), own)
    }

    /// Whether any process says yes.
    pub(crate) fn any(&mut self, own: bool) -> Result<bool> {
        let all = self.words("the processes agreed whether to go on", &[u64::from(own)])?;
        Ok(all.iter().any(|words| words[0] != 0))
    }

    /// Checks that all processes have the same values still.
    pub(crate) fn same_values(&mut self, model: &dyn Parameters) -> Result<()> {
        let advice = "other weights than process 0 after the epoch; its processor computes other bits, so \
                      use machines of one kind, or set FANIN_SIMD=avx2 in every process; or a callback \
                      has changed the model in one process alone";
        self.processes.borrow_mut().at(self.step + 1, "the processes compared their weights");
        agree::same(&mut *self.processes.borrow_mut(), &[(agree::model(model)[1], advice)])
    }
}

/// What all processes know of a step.
pub(crate) struct Told {
    pub(crate) total: f64,
    pub(crate) samples: usize,
    pub(crate) stop: bool,
    /// The process that has the first loss that is not finite, and the loss.
    pub(crate) bad: Option<(usize, f32)>,
}

/// Cuts a batch of `samples` into micro-batches, without empty ones. A batch of `largest` samples gives `count`
/// micro-batches of one size. A shorter batch gives fewer of this size or, if `evenly`, `count` smaller ones.
fn cut(samples: usize, largest: usize, count: usize, evenly: bool) -> Vec<Part> {
    let size = largest.div_ceil(count.max(1));
    let start = |number: usize| {
        if evenly { number * samples / count } else { (number * size).min(samples) }
    };
    let part = |number| Part { number, samples: start(number)..start(number + 1) };
    (0..count).map(part).filter(|part| !part.samples.is_empty()).collect()
}

/// Until this is dropped, the thread's default generator is that of a micro-batch. Batch normalization is
/// synchronized if `new` was given its parts.
pub(crate) struct Seeded {
    before: TorchRng,
    _parts: Option<EnteredParts>,
}

impl Seeded {
    /// The seed is the default generator's next number, mixed with the step and the micro-batch. The default
    /// generator does not advance in a step, so all of an epoch's steps start from the same number.
    fn new(step: usize, number: usize, sync: Option<&Rc<BatchParts>>) -> Self {
        with_default_rng(|rng| {
            let before = rng.clone();
            let seed = mix(mix(rng.next_u64() ^ step as u64) ^ number as u64);
            *rng = TorchRng::seed(seed);
            Self { before, _parts: sync.map(BatchParts::enter) }
        })
    }
}

impl Drop for Seeded {
    fn drop(&mut self) {
        let before = self.before.clone();
        with_default_rng(|rng| *rng = before);
    }
}

/// One step of SplitMix64 (Steele et al. 2014, figure 17).
fn mix(x: u64) -> u64 {
    let x = x.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

impl fmt::Debug for DataParallel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DataParallel")
            .field("rank", &self.rank())
            .field("size", &self.size())
            .field("sum", &self.sum)
            .field("micro_batches", &self.count())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_is_cut_in_its_order_without_gaps() {
        let ranges = |samples, largest, count| {
            let parts = cut(samples, largest, count, false).into_iter();
            parts.map(|p| (p.number, p.samples)).collect::<Vec<_>>()
        };
        assert_eq!(ranges(8, 8, 4), [(0, 0..2), (1, 2..4), (2, 4..6), (3, 6..8)]);
        assert_eq!(ranges(10, 10, 4), [(0, 0..3), (1, 3..6), (2, 6..9), (3, 9..10)]);
        assert_eq!(ranges(3, 8, 4), [(0, 0..2), (1, 2..3)]);
        assert_eq!(ranges(2, 2, 4), [(0, 0..1), (1, 1..2)]);
        assert_eq!(ranges(0, 8, 4), []);
        let evenly: Vec<_> = cut(7, 12, 3, true).into_iter().map(|part| part.samples).collect();
        assert_eq!(evenly, [0..2, 2..4, 4..7]);
    }

    #[test]
    fn each_micro_batch_has_one_process() {
        for size in 1..9 {
            for micro_batches in size..20 {
                let shares: Vec<_> =
                    (0..size).flat_map(|rank| share(rank, size, micro_batches)).collect();
                assert_eq!(shares, (0..micro_batches).collect::<Vec<_>>());
                assert!((0..size).all(|rank| !share(rank, size, micro_batches).is_empty()));
            }
        }
    }

    #[test]
    fn each_micro_batch_has_a_generator_and_the_default_one_stays() {
        fanin_init::manual_seed(1);
        let draw = || with_default_rng(|rng| rng.next_u64());
        let of = |step, number| {
            let seeded = Seeded::new(step, number, None);
            let drawn = draw();
            drop(seeded);
            drawn
        };
        let mut all: Vec<u64> = (0..40).map(|i| of(i / 8, i % 8)).collect();
        assert_eq!(all[9], of(1, 1));
        all.push(draw());
        fanin_init::manual_seed(1);
        assert_eq!(all[40], draw());
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), 41);
    }
}
