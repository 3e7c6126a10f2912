//! [`Processes`]: what a training on several processes needs of what connects them.

use crate::Result;

/// Several processes that run the same program and talk to each other: those of MPI (fanin-mpi's `Mpi`), or
/// of any other network.
///
/// Every method but the first two is called by all processes at the same time, with lengths that fit each
/// other. An error ends the training of this process.
///
/// # Errors
/// Each method returns [`Error::Processes`](crate::Error::Processes) if the others cannot be reached, with
/// what to do.
pub trait Processes {
    /// Which of the processes this one is, from 0. Process 0 writes files and shows progress.
    fn rank(&self) -> usize;

    /// How many processes there are.
    fn size(&self) -> usize;

    /// Says what the training is doing, for the error of a process that waits in vain.
    fn at(&mut self, step: usize, what: &'static str) {
        let _ = (step, what);
    }

    /// `all` becomes the bytes of all processes, in the order of their ranks. Process p gives `counts[p]`.
    #[doc(alias = "MPI_Allgatherv")]
    fn gather(&mut self, own: &[u8], counts: &[usize], all: &mut [u8]) -> Result<()>;

    /// [`gather`](Self::gather) for numbers.
    fn gather_values(&mut self, own: &[f32], counts: &[usize], all: &mut [f32]) -> Result<()>;

    /// Sends the next `send_counts[q]` numbers of `send` to process q, for each q, and receives
    /// `receive_counts[p]` numbers of process p, for each p.
    #[doc(alias = "MPI_Alltoallv")]
    fn exchange(
        &mut self,
        send: &[f32],
        send_counts: &[usize],
        receive: &mut [f32],
        receive_counts: &[usize],
    ) -> Result<()>;

    /// `values` becomes the sum of those of all processes, in any order of addition.
    #[doc(alias = "MPI_Allreduce")]
    fn sum(&mut self, values: &mut [f32]) -> Result<()>;

    /// `bytes` becomes that of process `root`, which has the same length.
    #[doc(alias = "MPI_Bcast")]
    fn broadcast(&mut self, root: usize, bytes: &mut [u8]) -> Result<()>;
}

/// A single process: what a training on several computes, with nobody else.
///
/// # Example
/// ```
/// use fanin_train::{OneProcess, Processes};
/// assert_eq!((OneProcess.rank(), OneProcess.size()), (0, 1));
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct OneProcess;

impl Processes for OneProcess {
    fn rank(&self) -> usize {
        0
    }
    fn size(&self) -> usize {
        1
    }
    fn gather(&mut self, own: &[u8], _: &[usize], all: &mut [u8]) -> Result<()> {
        all.copy_from_slice(own);
        Ok(())
    }
    fn gather_values(&mut self, own: &[f32], _: &[usize], all: &mut [f32]) -> Result<()> {
        all.copy_from_slice(own);
        Ok(())
    }
    fn exchange(
        &mut self,
        send: &[f32],
        _: &[usize],
        receive: &mut [f32],
        _: &[usize],
    ) -> Result<()> {
        receive.copy_from_slice(send);
        Ok(())
    }
    fn sum(&mut self, _: &mut [f32]) -> Result<()> {
        Ok(())
    }
    fn broadcast(&mut self, _: usize, _: &mut [u8]) -> Result<()> {
        Ok(())
    }
}
