//! [`Mpi`] carries the messages of a sweep.

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
}
