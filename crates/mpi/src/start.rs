//! [`Mpi`]: this process among the others.

use std::cell::Cell;
use std::fmt;
use std::rc::Rc;
use std::time::Duration;

use mpi::Threading;
use mpi::environment::{Universe, library_version};
use mpi::topology::SimpleCommunicator;
use mpi::traits::*;

use crate::launcher;
use crate::{Error, Result};

/// How long a process waits for the others, unless [`Mpi::limit`] says otherwise.
pub const DEFAULT_LIMIT: Duration = Duration::from_secs(60);

/// This process among those that a launcher has started, such as `mpirun` or `srun`. Clones are the same.
///
/// It implements [`Processes`](fanin_train::Processes), which
/// [`DataParallel`](fanin_train::DataParallel) takes. A program that was started without a launcher is one
/// process.
///
/// # A process that dies
/// No process waits for the others longer than the [`limit`](Self::limit). Then it says on the standard error
/// which processes it has not heard of and in which step, and ends all that it can reach by `MPI_Abort`.
/// Open MPI's `mpirun` ends the others by itself as soon as one has died. The limit must be longer than the
/// longest time in which one process works and the others wait, such as the time in which process 0 writes
/// a checkpoint. A process that panics ends all.
///
/// # Example
/// ```no_run
/// use fanin_mpi::Mpi;
///
/// let mpi = Mpi::start()?;
/// println!("process {} of {}", mpi.rank(), mpi.size());
/// # Ok::<(), fanin_mpi::Error>(())
/// ```
#[derive(Clone)]
pub struct Mpi {
    shared: Rc<Shared>,
}

struct Shared {
    /// Messages of this crate have a communicator of their own, so that none meets those of a program's.
    comm: SimpleCommunicator,
    /// For the roll call of processes that have waited in vain.
    roll_call: SimpleCommunicator,
    limit: Cell<Duration>,
    step: Cell<usize>,
    what: Cell<&'static str>,
    /// Dropped last: it ends MPI.
    _universe: Universe,
}

impl Mpi {
    /// Starts MPI. Call it once, first of all.
    ///
    /// # Errors
    /// [`Error::Started`] if MPI has been started before; [`Error::Launcher`] if the launcher started several
    /// processes and this program's MPI library does not know of them, as under the `mpirun` of another
    /// library.
    pub fn start() -> Result<Self> {
        // The threads of kernels make no calls of MPI.
        let universe = mpi::initialize_with_threading(Threading::Funneled);
        let (universe, _) = universe.ok_or(Error::Started)?;
        let world = universe.world();
        if let (1, Some((variable, processes))) =
            (world.size(), launcher::processes(|name| std::env::var(name).ok()))
        {
            let library = library_version().unwrap_or_else(|_| "unknown".into());
            let library = library.split(',').next().unwrap_or_default().to_owned();
            return Err(Error::Launcher { variable, processes, library });
        }
        let shared = Shared {
            comm: world.duplicate(),
            roll_call: world.duplicate(),
            limit: Cell::new(DEFAULT_LIMIT),
            step: Cell::new(0),
            what: Cell::new("nothing"),
            _universe: universe,
        };
        Ok(Self { shared: Rc::new(shared) })
    }

    /// Waits for the others for at most this long, by default 60 s. It holds for all clones.
    #[must_use]
    pub fn limit(self, limit: Duration) -> Self {
        self.shared.limit.set(limit);
        self
    }

    /// Which of the processes this one is, from 0.
    pub fn rank(&self) -> usize {
        self.shared.comm.rank() as usize
    }

    /// How many processes there are.
    pub fn size(&self) -> usize {
        self.shared.comm.size() as usize
    }

    /// Whether this is process 0, which writes files and prints.
    pub fn is_first(&self) -> bool {
        self.rank() == 0
    }

    /// The communicator of this crate's messages.
    pub(crate) fn comm(&self) -> &SimpleCommunicator {
        &self.shared.comm
    }

    pub(crate) fn roll_call(&self) -> &SimpleCommunicator {
        &self.shared.roll_call
    }

    /// How long to wait.
    pub(crate) fn limit_set(&self) -> Duration {
        self.shared.limit.get()
    }

    pub(crate) fn set_place(&self, step: usize, what: &'static str) {
        self.shared.step.set(step);
        self.shared.what.set(what);
    }

    /// The step, and what it was doing.
    pub(crate) fn place(&self) -> (usize, &'static str) {
        (self.shared.step.get(), self.shared.what.get())
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        // MPI_Finalize would wait for the others, which wait for this process.
        if std::thread::panicking() && self.comm.size() > 1 {
            eprintln!("fanin-mpi: process {} panicked, and ends all processes", self.comm.rank());
            self.comm.abort(101);
        }
    }
}

impl fmt::Debug for Mpi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Mpi(process {} of {})", self.rank(), self.size())
    }
}
