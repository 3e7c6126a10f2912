//! [`Checkpoints`]: a training on the disk, from which it goes on to the bit.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use fanin_init::TorchRng;
use fanin_nn::optim::{AverageState, OptimizerState};
use fanin_nn::{Checkpoint, Parameters, Sections};
use fanin_tensor::Tensor;
use serde::{Deserialize, Serialize};

use crate::parallel::DataParallel;
use crate::schedule::ReduceOnPlateau;
use crate::{Error, Result};

/// The section of a file that holds the training.
const SECTION: &str = "training";
/// The section with the state of [`ReduceOnPlateau`], where the training has one.
const PLATEAU: &str = "plateau";

/// Where and when a trainer saves its training: [`Trainer::checkpoints`](crate::Trainer::checkpoints).
///
/// A checkpoint is a model file with all that training needs to go on: the optimizer's state, the place in
/// the data, the generator, averaged weights, early stopping, the history. Any program can load the model
/// from it. [`Trainer::resume`](crate::Trainer::resume) goes on from the latest one.
///
/// The directory holds `step-000001200.fanin` for step 1,200 and so on, of which the last few are kept, and
/// `best.fanin`, the model at the end of the epoch with the lowest validation loss (with early stopping, the
/// one that it would restore). Each is written beside its name and renamed, so a process that dies leaves
/// whole files.
///
/// # Example
/// ```
/// use fanin_nn::losses::CrossEntropy;
/// use fanin_nn::{Adam, Linear, Sequential};
/// use fanin_train::{Checkpoints, Trainer};
///
/// let (train, test) = fanin_datasets::mnist_bundled();
/// let dir = std::env::temp_dir().join(format!("digits-{}", std::process::id()));
/// let run = |epochs| {
///     let mut model = Sequential::new().add(Linear::new(784, 10));
///     Trainer::new(CrossEntropy::new(), Adam::new(1e-3))
///         .epochs(epochs)
///         .checkpoints(Checkpoints::new(&dir).every_steps(50))
///         .resume()
///         .fit(&mut model, &train, &test)
/// };
/// assert_eq!(run(1)?.epochs.len(), 1);
/// assert_eq!(run(2)?.epochs.len(), 2); // goes on from epoch 1: the weights are those of the file
/// # std::fs::remove_dir_all(&dir).unwrap();
/// # Ok::<(), fanin_train::Error>(())
/// ```
#[doc(alias("ModelCheckpoint"))]
#[derive(Clone, Debug)]
pub struct Checkpoints {
    dir: PathBuf,
    every: Option<usize>,
    keep: usize,
}

impl Checkpoints {
    /// In this directory, after each epoch; the last three are kept. The directory is made if there is none.
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self { dir: dir.into(), every: None, keep: 3 }
    }

    /// After this many steps as well, counted from the beginning of the training.
    #[must_use]
    pub fn every_steps(self, steps: usize) -> Self {
        Self { every: Some(steps), ..self }
    }

    /// Keeps the last `count`.
    #[must_use]
    pub fn keep(self, count: usize) -> Self {
        Self { keep: count, ..self }
    }

    /// The files of this directory that hold a training, the latest first.
    ///
    /// # Errors
    /// If the directory cannot be read; one that does not exist has no files.
    pub fn files(&self) -> Result<Vec<PathBuf>> {
        let failed = |source| Error::Io { file: self.dir.clone(), action: "read", source };
        let entries = match fs::read_dir(&self.dir) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(vec![]),
            Err(error) => return Err(failed(error)),
        };
        let mut files = vec![];
        for entry in entries {
            let path = entry.map_err(failed)?.path();
            if let Some(step) = step_of(&path) {
                files.push((step, path));
            }
        }
        files.sort_by(|a, b| b.cmp(a));
        Ok(files.into_iter().map(|(_, path)| path).collect())
    }

    pub(crate) fn check(&self) -> Result<()> {
        if self.every == Some(0) {
            return Err(Error::option("every_steps(0)", "give at least 1"));
        }
        if self.keep == 0 {
            return Err(Error::option("keep(0)", "give at least 1, to go on from"));
        }
        Ok(())
    }

    /// Whether a checkpoint follows this step.
    pub(crate) fn follows(&self, step: usize) -> bool {
        self.every.is_some_and(|every| step.is_multiple_of(every))
    }

    /// Saves a training, and removes the oldest ones.
    pub(crate) fn save(&self, model: &dyn Parameters, training: &Training) -> Result<()> {
        fs::create_dir_all(&self.dir).map_err(|source| Error::Io {
            file: self.dir.clone(),
            action: "create",
            source,
        })?;
        let mut sections = Sections::new();
        sections.insert(SECTION, training)?;
        if let Some(plateau) = &training.plateau {
            sections.insert(PLATEAU, plateau)?;
        }
        model.save_with(self.dir.join(format!("step-{:09}.fanin", training.step)), &sections)?;
        for old in self.files()?.iter().skip(self.keep) {
            // An old checkpoint that cannot be removed does no harm.
            let _ = fs::remove_file(old);
        }
        Ok(())
    }

    /// Saves the best model so far.
    pub(crate) fn save_best(&self, model: &dyn Parameters) -> Result<()> {
        fs::create_dir_all(&self.dir).map_err(|source| Error::Io {
            file: self.dir.clone(),
            action: "create",
            source,
        })?;
        Ok(model.save(self.dir.join("best.fanin"))?)
    }

    /// Loads the model of the latest checkpoint that is whole, and its training. Those that are not are
    /// named on the standard error.
    pub(crate) fn latest(&self, model: &mut dyn Parameters) -> Result<Option<(PathBuf, Training)>> {
        use fanin_nn::Error::{Damaged, Foreign, Malformed, NotFound, TooLong, Truncated};
        for file in self.files()? {
            match model.load_with(&file) {
                Ok(sections) => {
                    let training = Training::read(&sections)?;
                    let why = "it holds a model without a training";
                    return match training {
                        Some(training) => Ok(Some((file, training))),
                        None => Err(Error::Resume { file, why: why.into() }),
                    };
                }
                Err(
                    error @ (Damaged { .. }
                    | Foreign { .. }
                    | Malformed { .. }
                    | NotFound { .. }
                    | TooLong { .. }
                    | Truncated { .. }),
                ) => eprintln!("fanin: skipped a checkpoint: {error}"),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(None)
    }
}

impl Checkpoints {
    /// [`latest`](Self::latest) of several processes: the first one reads the file and sends it to the others,
    /// which need not see the directory.
    pub(crate) fn latest_of_first(
        &self,
        model: &mut dyn Parameters,
        parallel: &mut DataParallel,
    ) -> Result<Option<(PathBuf, Training)>> {
        const NONE: &[u8] = b"none";
        let of_first = parallel.is_first().then(|| self.latest(model));
        let own = match &of_first {
            None => None,
            Some(Ok(None)) => Some(NONE.to_vec()),
            Some(Ok(Some((file, _)))) => Some(fs::read(file).unwrap_or_default()),
            Some(Err(error)) => Some(format!("error{error}").into_bytes()),
        };
        let sent = parallel.bytes_of_first(own)?;
        if let Some(of_first) = of_first {
            return of_first;
        }
        if sent == NONE {
            return Ok(None);
        }
        if let Some(why) = sent.strip_prefix(b"error") {
            let why = format!("process 0 has failed: {}", String::from_utf8_lossy(why));
            return Err(Error::Processes { why });
        }
        let sections = model.load_bytes_with(&sent)?;
        let training = Training::read(&sections)?;
        Ok(training.map(|training| ("the checkpoint of process 0".into(), training)))
    }
}

/// The step in a file's name.
fn step_of(path: &Path) -> Option<u64> {
    let name = path.file_name()?.to_str()?;
    name.strip_prefix("step-")?.strip_suffix(".fanin")?.parse().ok()
}

/// All that a training needs to go on, beside the model.
#[derive(Serialize, Deserialize)]
pub(crate) struct Training {
    /// Steps so far.
    pub(crate) step: u64,
    /// The epoch that goes on, from 1.
    pub(crate) epoch: u64,
    /// Batches of it so far.
    pub(crate) taken: u64,
    /// Sum of the losses, samples and steps of the epoch so far.
    pub(crate) sum: f64,
    pub(crate) samples: u64,
    pub(crate) steps: u64,
    /// The rate that the schedule starts from.
    pub(crate) base: f64,
    /// Options that the place in the data depends on.
    pub(crate) batch: u64,
    pub(crate) accumulate: u64,
    /// The default generator at the beginning of the epoch, which decides about its order.
    pub(crate) epoch_rng: TorchRng,
    /// The default generator now.
    pub(crate) rng: TorchRng,
    pub(crate) optimizer: OptimizerState,
    pub(crate) average: Option<AverageState>,
    /// Path, whether it is trained, scales of rate and decay of each parameter.
    pub(crate) params: Vec<(String, bool, f32, f32)>,
    /// Early stopping: the best epoch and its value, and epochs since then.
    pub(crate) watch: Option<(Option<(u64, f64)>, u64)>,
    /// The best weights and buffers, which early stopping restores.
    pub(crate) best: Vec<Tensor>,
    /// The lowest validation loss.
    pub(crate) lowest: f64,
    /// [`History::to_json`](crate::History::to_json).
    pub(crate) history: String,
    /// In a section of its own.
    #[serde(skip)]
    pub(crate) plateau: Option<ReduceOnPlateau>,
}

impl Training {
    fn read(sections: &Sections) -> Result<Option<Self>> {
        let plateau = sections.get(PLATEAU)?;
        Ok(sections.get(SECTION)?.map(|training| Self { plateau, ..training }))
    }
}

/// What training does with each parameter.
pub(crate) fn params_of(model: &dyn Parameters) -> Vec<(String, bool, f32, f32)> {
    let params = model.named_params().into_iter();
    params.map(|(path, p)| (path, p.is_trainable(), p.lr_scale(), p.decay_scale())).collect()
}

/// Does with each parameter what training did.
pub(crate) fn set_params(model: &mut dyn Parameters, params: &[(String, bool, f32, f32)]) {
    let own = model.named_params_mut().into_iter();
    for ((path, param), (name, trainable, lr_scale, decay_scale)) in own.zip(params) {
        if path == *name {
            param.set_trainable(*trainable);
            param.set_lr_scale(*lr_scale);
            param.set_decay_scale(*decay_scale);
        }
    }
}
