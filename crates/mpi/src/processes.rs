//! [`Mpi`] connects the processes of a training.

use fanin_train::{Processes, Result};
use mpi::collective::SystemOperation;
use mpi::datatype::{Partition, PartitionMut};
use mpi::traits::*;

use crate::Mpi;

/// MPI counts in 32 bits. Longer vectors go in pieces of this many numbers.
const MOST: usize = 1 << 28;

impl Processes for Mpi {
    fn rank(&self) -> usize {
        Mpi::rank(self)
    }

    fn size(&self) -> usize {
        Mpi::size(self)
    }

    fn at(&mut self, step: usize, what: &'static str) {
        self.set_place(step, what);
    }

    fn gather(&mut self, own: &[u8], counts: &[usize], all: &mut [u8]) -> Result<()> {
        gather(self, own, counts, all);
        Ok(())
    }

    fn gather_values(&mut self, own: &[f32], counts: &[usize], all: &mut [f32]) -> Result<()> {
        gather(self, own, counts, all);
        Ok(())
    }

    fn exchange(
        &mut self,
        send: &[f32],
        send_counts: &[usize],
        receive: &mut [f32],
        receive_counts: &[usize],
    ) -> Result<()> {
        let (from, to) = (Places::new(send_counts), Places::new(receive_counts));
        let send = Partition::new(send, &from.counts[..], &from.starts[..]);
        let mut receive = PartitionMut::new(receive, &to.counts[..], &to.starts[..]);
        mpi::request::scope(|scope| {
            let comm = self.comm();
            self.finish(comm.immediate_all_to_all_varcount_into(scope, &send, &mut receive));
        });
        Ok(())
    }

    fn sum(&mut self, values: &mut [f32]) -> Result<()> {
        for values in values.chunks_mut(MOST) {
            let own = values.to_vec();
            mpi::request::scope(|scope| {
                let (comm, sum) = (self.comm(), SystemOperation::sum());
                self.finish(comm.immediate_all_reduce_into(scope, &own[..], values, sum));
            });
        }
        Ok(())
    }

    fn broadcast(&mut self, root: usize, bytes: &mut [u8]) -> Result<()> {
        let root = self.comm().process_at_rank(root as i32);
        for bytes in bytes.chunks_mut(MOST) {
            mpi::request::scope(|scope| {
                self.finish(root.immediate_broadcast_into(scope, bytes));
            });
        }
        Ok(())
    }
}

fn gather<T: Equivalence>(mpi: &Mpi, own: &[T], counts: &[usize], all: &mut [T]) {
    let places = Places::new(counts);
    let mut all = PartitionMut::new(all, &places.counts[..], &places.starts[..]);
    mpi::request::scope(|scope| {
        mpi.finish(mpi.comm().immediate_all_gather_varcount_into(scope, own, &mut all));
    });
}

/// What goes to or comes from each process.
struct Places {
    counts: Vec<i32>,
    starts: Vec<i32>,
}

impl Places {
    /// # Panics
    /// **Panics** if there are more numbers than MPI can count.
    fn new(counts: &[usize]) -> Self {
        let all: usize = counts.iter().sum();
        assert!(
            all <= i32::MAX as usize,
            "fanin-mpi: {all} numbers in one message, and MPI counts to {}; use more processes or fewer \
             micro-batches for each, or Sum::Fast",
            i32::MAX
        );
        let mut next = 0;
        let starts = counts.iter().map(|&count| {
            let start = next;
            next += count as i32;
            start
        });
        Self {
            starts: starts.collect(),
            counts: counts.iter().map(|&count| count as i32).collect(),
        }
    }
}
