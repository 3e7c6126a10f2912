//! What can keep a process from being one of several.

use std::fmt;

/// Why MPI could not be used. Its `Debug` prints its `Display`.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// `MPI_Init` was called before, or the process has ended MPI.
    #[error(
        "MPI has been started before in this process; call Mpi::start() once, and clone what it returns"
    )]
    Started,
    /// The launcher started several processes, and this program's MPI sees one.
    #[error(
        "{variable}={processes}: the launcher started {processes} processes, but this program's MPI library \
         ({library}) sees one, so each of them would train alone; start it with the mpirun of that library, \
         or build it with the launcher's (`mpicc` of the same installation first on the PATH, then `cargo \
         clean -p mpi-sys` and `cargo build`); under Slurm, try `srun --mpi=pmix` (`srun --mpi=list` names \
         the others)"
    )]
    Launcher {
        /// The variable of the environment that says how many processes there are.
        variable: &'static str,
        /// How many.
        processes: usize,
        /// The version of this program's MPI library.
        library: String,
    },
}

/// A result with the [`Error`] of starting MPI.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
