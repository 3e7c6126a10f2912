//! Training and sweeps on several processes and machines, connected by MPI.
//!
//! [`Mpi::start`] makes a process one of those that `mpirun` or `srun` has started.
//! [`DataParallel`](fanin_train::DataParallel) trains one model on all of them:
//! ```no_run
//! use fanin::prelude::*;
//! use fanin::train::{DataParallel, Sum};
//! use fanin_mpi::Mpi;
//!
//! fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let mpi = Mpi::start()?; // one process, if it was started without mpirun
//!     manual_seed(42); // the same in every process
//!     let (train, test) = datasets::mnist()?;
//!     let mut model = Sequential::new().add(Linear::new(784, 128)).add(Relu).add(Linear::new(128, 10));
//!     Trainer::new(CrossEntropy::new(), AdamW::new(1e-3))
//!         .batch(128)
//!         .data_parallel(DataParallel::new(mpi.clone(), Sum::Exact).micro_batches(4))
//!         .fit(&mut model, &train, &test)?;
//!     if mpi.is_first() {
//!         model.save("mnist.fanin")?;
//!     }
//!     Ok(())
//! }
//! ```
//! docs/cluster.md says what to install, how to start it, what it costs, and when it does not pay.

mod error;
mod launcher;
mod processes;
mod start;
mod sweep;
mod watchdog;

pub use error::{Error, Result};
pub use start::{DEFAULT_LIMIT, Mpi};

/// The programs of docs/cluster.md compile.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/cluster.md")]
mod guide {}
