//! No process waits for ever: [`Mpi::finish`] ends a collective operation, or this process.

use std::io::Write;
use std::time::{Duration, Instant};

use mpi::request::{LocalScope, Request};
use mpi::traits::*;

use crate::Mpi;

/// From then on it lets other processes of its core work between its questions.
const SPIN: Duration = Duration::from_micros(20);
/// From then on it sleeps between them.
const AWAKE: Duration = Duration::from_millis(20);
const NAP: Duration = Duration::from_micros(200);
/// How long processes answer a roll call, beside a fifth of the limit.
const ROLL_CALL: Duration = Duration::from_millis(500);

impl Mpi {
    /// Waits until the operation is done, for at most the limit. Then this process ends, and with it all that
    /// it can reach: an operation that has begun has no end, and MPI may still write to its memory.
    pub(crate) fn finish<'a, D: ?Sized>(&self, mut request: Request<'a, D, &LocalScope<'a>>) {
        let (begin, limit) = (Instant::now(), self.limit_set());
        loop {
            request = match request.test() {
                Ok(_) => return,
                Err(request) => request,
            };
            let waited = begin.elapsed();
            if waited > limit {
                self.give_up();
            } else if waited > AWAKE {
                std::thread::sleep(NAP);
            } else if waited > SPIN {
                std::thread::yield_now();
            }
        }
    }

    /// Asks who is there, says who is not, and ends the processes.
    fn give_up(&self) -> ! {
        let missing = self.missing();
        let (step, what) = self.place();
        let limit = self.limit_set().as_secs_f64();
        // In one piece, because others write to the same terminal.
        let text = format!(
            "fanin-mpi: step {step}: process {} waited {limit} s while {what}, and has not heard of {}. \
             It has died, or its machine cannot be reached, or it works longer than the limit on what the \
             others do not (Mpi::limit). All processes end; start them again, and a trainer with \
             resume() goes on from its last checkpoint\n",
            self.rank(),
            names(&missing),
        );
        let _ = std::io::stderr().write_all(text.as_bytes());
        // A launcher that cannot end the others must not keep this process.
        std::thread::spawn(|| {
            std::thread::sleep(Duration::from_secs(2));
            std::process::exit(70);
        });
        self.comm().abort(70)
    }

    /// The processes that do not say within a moment that they wait as well. All that wait for the same
    /// operation give up at about the same time, and each tells all others.
    fn missing(&self) -> Vec<usize> {
        let comm = self.roll_call();
        let (rank, size) = (self.rank(), self.size());
        let mut heard = vec![false; size];
        heard[rank] = true;
        let here = [rank as u32];
        // They may never arrive, so they are never waited for. The process ends soon.
        let here: &'static [u32] = Box::leak(Box::new(here));
        for other in (0..size).filter(|&other| other != rank) {
            let to = comm.process_at_rank(other as i32);
            std::mem::forget(to.immediate_send(mpi::request::StaticScope, here));
        }
        let (begin, long) = (Instant::now(), ROLL_CALL + self.limit_set() / 5);
        while begin.elapsed() < long && heard.contains(&false) {
            match comm.any_process().immediate_matched_probe() {
                Some((message, _)) => {
                    let (from, _) = message.matched_receive::<u32>();
                    if let Some(heard) = heard.get_mut(from as usize) {
                        *heard = true;
                    }
                }
                None => std::thread::sleep(NAP),
            }
        }
        (0..size).filter(|&rank| !heard[rank]).collect()
    }
}

/// `process 3`, `processes 1 and 4`.
fn names(ranks: &[usize]) -> String {
    match ranks {
        [] => {
            "no answer, though all processes are there: they wait for different operations".into()
        }
        [one] => format!("process {one}"),
        [some @ .., last] if some.len() < 16 => {
            let some: Vec<_> = some.iter().map(usize::to_string).collect();
            format!("processes {} and {last}", some.join(", "))
        }
        _ => format!("{} processes, the first of which is {}", ranks.len(), ranks[0]),
    }
}

#[cfg(test)]
mod tests {
    use super::names;

    #[test]
    fn processes_are_named() {
        assert_eq!(names(&[3]), "process 3");
        assert_eq!(names(&[1, 4, 5]), "processes 1, 4 and 5");
        assert_eq!(names(&(0..40).collect::<Vec<_>>()), "40 processes, the first of which is 0");
    }
}
