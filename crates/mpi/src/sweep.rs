//! [`Mpi`] carries the messages of a sweep.

use std::time::Duration;

use fanin_train::Transport;
use mpi::traits::*;

use crate::Mpi;

/// It tells the messages of sweeps from others.
const TAG: i32 = 1500;

/// The processes of mpirun share the runs of a [`Sweep`](fanin_train::Sweep) or of
/// [`Runs`](fanin_train::Runs): give `&mpi` to `run_on`.
impl Transport for Mpi {
    fn rank(&self) -> usize {
        Mpi::rank(self)
    }

    fn size(&self) -> usize {
        Mpi::size(self)
    }

    fn send(&self, to: usize, message: &[u8]) {
        self.comm().process_at_rank(to as i32).send_with_tag(message, TAG);
    }

    fn receive(&self) -> Option<(usize, Vec<u8>)> {
        let message = self.comm().any_process().immediate_matched_probe_with_tag(TAG)?;
        let (bytes, status) = message.matched_receive_vec::<u8>();
        Some((status.source_rank() as usize, bytes))
    }

    /// The [`limit`](Mpi::limit), where the launcher lets the others live (`mpirun --enable-recovery`).
    fn patience(&self) -> Option<Duration> {
        let recovers = std::env::var("OMPI_MCA_orte_enable_recovery").is_ok_and(|text| text == "1");
        recovers.then(|| self.limit_set())
    }

    fn lost(&self, _: usize) {
        // MPI_Finalize would wait for the dead process. A clone that is never dropped prevents the call.
        std::mem::forget(self.clone());
    }
}
