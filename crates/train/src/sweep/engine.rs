//! Does the runs of a sweep, in the threads of one process or of several.
//!
//! The thread that calls hands out and talks to other processes, and other threads do the runs. So process 0
//! works as well. Nobody waits inside of a message: a process looks for one every [`PAUSE`], which is what a
//! hand-out takes, and sleeps in between.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Mutex, PoisonError};
use std::thread::{self, Scope};
use std::time::{Duration, Instant};

use fanin_tensor::parallel;

use super::journal::{Head, Journal, say};
use super::transport::{Answer, Failure, Message};
use super::{Finished, HandOut, SweepPart, Transport};
use crate::Error;
use crate::text::duration;
use crate::trainer::set_quiet;

/// How often a process looks for messages of others.
const PAUSE: Duration = Duration::from_millis(1);

/// A sweep, as the engine sees it.
pub(super) struct Job<'a> {
    pub(super) settings: &'a str,
    /// How many runs the whole sweep has.
    pub(super) runs: usize,
    pub(super) part: SweepPart,
    pub(super) threads: usize,
    pub(super) journal: Option<&'a Path>,
    /// Whether all processes get the results, or process 0 alone.
    pub(super) share: bool,
    pub(super) silent: bool,
    /// Does a run.
    pub(super) work: &'a (dyn Fn(usize) -> Answer + Sync),
    /// Whether no run is to begin any more.
    pub(super) stop: &'a dyn Fn() -> bool,
    /// Is told of each finished run.
    pub(super) told: &'a dyn Fn(&Finished, Progress),
}

/// How far a sweep is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Progress {
    done: usize,
    all: usize,
    /// In seconds.
    left: f64,
}

impl Progress {
    /// `3/12  run 4: accuracy 0.9561  5.0 s left`
    pub(super) fn line(&self, what: &str) -> String {
        format!("{}/{}  {what}  {} left", self.done, self.all, duration(self.left))
    }
}

/// Why there are no results.
#[derive(Debug)]
pub(super) enum Stopped {
    /// A run failed, in this or in another process.
    Failed(Failure),
    /// Something else.
    Error(Error),
}

/// Where a run is done: in which process, and in which of its threads.
type Worker = (usize, usize);

impl Job<'_> {
    /// Does the runs, together with the processes that `transport` leads to. Gives those that are done, by
    /// number.
    pub(super) fn start(&self, transport: &dyn Transport) -> Result<Vec<Finished>, Stopped> {
        let mut finished = match transport.rank() {
            0 => self.coordinate(transport)?,
            _ => self.serve(transport)?,
        };
        finished.sort_by_key(|one| one.run);
        Ok(finished)
    }

    /// Process 0: hands out and collects.
    fn coordinate(&self, transport: &dyn Transport) -> Result<Vec<Finished>, Stopped> {
        let head = Head::new(self.settings, self.runs, self.part);
        let opened = self.journal.map(|path| Journal::open(path, &head, self.silent)).transpose();
        let (mut journal, finished) = match opened {
            Ok(Some((journal, finished))) => (Some(journal), finished),
            Ok(None) => (None, vec![]),
            Err(error) => {
                self.dismiss(transport, &error);
                return Err(Stopped::Error(error));
            }
        };
        let mut books = Books::new(self, finished, transport);
        if let (Some(path), false, 1..) = (self.journal, self.silent, books.finished.len()) {
            let (done, all) = (books.finished.len(), books.all);
            say(&format!("{}: {done} of {all} runs are done", path.display()));
        }
        thread::scope(|scope| {
            let pool = Pool::start(scope, self, books.all - books.finished.len());
            books.idle.extend((0..pool.threads).map(|thread| (0, thread)));
            loop {
                if books.failed.is_some() || books.error.is_some() || (self.stop)() {
                    books.hand_out.stop();
                }
                books.give_out(&pool, transport);
                if books.is_over() {
                    break;
                }
                if let Some((thread, run, seconds, answer)) = pool.wait(transport.size() > 1) {
                    let news = Message::Done { thread, run, seconds, answer };
                    books.hear(0, news, &mut journal);
                }
                while let Some((from, message)) = Message::receive(transport) {
                    match message {
                        Ok(message) => books.hear(from, message, &mut journal),
                        Err(failure) => books.fail(failure),
                    }
                }
                books.miss(transport.patience());
            }
        });
        let result = match (books.failed, books.error) {
            (_, Some(error)) => Err(Stopped::Error(error)),
            (Some(failure), None) => Err(Stopped::Failed(failure)),
            (None, None) => Ok(books.finished),
        };
        let end = match &result {
            Ok(finished) if self.share => Ok(finished.clone()),
            Ok(_) => Ok(vec![]),
            Err(Stopped::Failed(failure)) => Err(failure.clone()),
            Err(Stopped::Error(error)) => Err(Failure::of(error)),
        };
        let lost: Vec<usize> = books.lost.iter().copied().collect();
        lost.iter().for_each(|&process| transport.lost(process));
        let end = Message::End { lost, result: end };
        // A send to a dead process may never return.
        (1..transport.size())
            .filter(|process| !books.lost.contains(process))
            .for_each(|process| end.send(transport, process));
        result
    }

    /// Sends all processes home before anything has begun.
    fn dismiss(&self, transport: &dyn Transport, error: &Error) {
        let mut waiting: BTreeSet<usize> = (1..transport.size()).collect();
        while !waiting.is_empty() {
            match transport.receive() {
                Some((from, _)) if waiting.remove(&from) => {
                    let result = Err(Failure::of(error));
                    Message::End { lost: vec![], result }.send(transport, from);
                }
                Some(_) => {}
                None => thread::sleep(PAUSE),
            }
        }
    }

    /// Any other process: does what it is given.
    fn serve(&self, transport: &dyn Transport) -> Result<Vec<Finished>, Stopped> {
        let settings = self.settings.to_owned();
        let every = transport.patience().map(|patience| patience / 4);
        let mut spoke = Instant::now();
        thread::scope(|scope| {
            let pool = Pool::start(scope, self, self.runs);
            let hello = Message::Hello { threads: pool.threads, settings, runs: self.runs };
            hello.send(transport, 0);
            loop {
                if let Some((thread, run, seconds, answer)) = pool.wait(true) {
                    Message::Done { thread, run, seconds, answer }.send(transport, 0);
                }
                while let Some((_, message)) = Message::receive(transport) {
                    match message.map_err(Stopped::Failed)? {
                        Message::Do { thread, run } => pool.give(thread, run),
                        Message::End { lost, result } => {
                            lost.into_iter().for_each(|process| transport.lost(process));
                            return result.map_err(Stopped::Failed);
                        }
                        _ => {}
                    }
                }
                if every.is_some_and(|every| spoke.elapsed() > every) {
                    Message::Alive.send(transport, 0);
                    spoke = Instant::now();
                }
            }
        })
    }
}

impl Failure {
    fn of(error: &Error) -> Self {
        Self { run: None, process: 0, text: error.to_string() }
    }
}

/// What process 0 knows.
struct Books<'a> {
    job: &'a Job<'a>,
    hand_out: HandOut<Worker>,
    /// Who has no run.
    idle: BTreeSet<Worker>,
    finished: Vec<Finished>,
    /// How many runs are to be done.
    all: usize,
    begun: Instant,
    failed: Option<Failure>,
    error: Option<Error>,
    /// Which processes have not said hello.
    awaited: BTreeSet<usize>,
    /// When each process was heard last.
    heard: Vec<Instant>,
    /// Which processes have been silent for too long.
    lost: BTreeSet<usize>,
}

impl<'a> Books<'a> {
    fn new(job: &'a Job<'a>, finished: Vec<Finished>, transport: &dyn Transport) -> Self {
        let mine = |run: &usize| job.part.holds(*run);
        let mut done = BTreeSet::new();
        // A journal may have a run twice, if two files were put together by hand.
        let finished: Vec<_> =
            finished.into_iter().filter(|one| mine(&one.run) && done.insert(one.run)).collect();
        let waiting = (0..job.runs).filter(mine).filter(|run| !done.contains(run));
        Self {
            job,
            hand_out: HandOut::new(waiting),
            idle: BTreeSet::new(),
            finished,
            all: (0..job.runs).filter(mine).count(),
            begun: Instant::now(),
            failed: None,
            error: None,
            awaited: (1..transport.size()).collect(),
            heard: vec![Instant::now(); transport.size()],
            lost: BTreeSet::new(),
        }
    }

    /// Gives runs to those who have none.
    fn give_out(&mut self, pool: &Pool, transport: &dyn Transport) {
        while let Some(worker) = self.idle.pop_first() {
            let Some(run) = self.hand_out.free(worker) else {
                self.idle.insert(worker);
                return;
            };
            match worker {
                (0, thread) => pool.give(thread, run),
                (process, thread) => Message::Do { thread, run }.send(transport, process),
            }
        }
    }

    fn is_over(&self) -> bool {
        self.hand_out.is_over() && self.awaited.is_empty()
    }

    fn hear(&mut self, from: usize, message: Message, journal: &mut Option<Journal>) {
        self.heard[from] = Instant::now();
        self.lost.remove(&from);
        match message {
            Message::Hello { threads, settings, runs } => {
                self.awaited.remove(&from);
                self.idle.extend((0..threads).map(|thread| (from, thread)));
                let ours = Head::new(self.job.settings, self.job.runs, SweepPart::WHOLE);
                if let Some(why) = ours.differs(&Head::new(&settings, runs, SweepPart::WHOLE)) {
                    let text = format!("{why}; give all processes the same options");
                    self.fail(Failure { run: None, process: from, text });
                }
            }
            Message::Done { thread, run, seconds, answer } => {
                let worker = (from, thread);
                match answer {
                    Answer::Done(text) => {
                        if self.hand_out.done(worker, run) {
                            self.note(Finished { run, seconds, text }, journal);
                        }
                    }
                    Answer::Interrupted => {
                        self.hand_out.lost(worker);
                        self.hand_out.stop();
                    }
                    Answer::Failed(text) => {
                        self.hand_out.lost(worker);
                        self.fail(Failure { run: Some(run), process: from, text });
                    }
                }
                self.idle.insert(worker);
            }
            Message::Alive | Message::Do { .. } | Message::End { .. } => {}
        }
    }

    fn note(&mut self, finished: Finished, journal: &mut Option<Journal>) {
        if let Some(Err(error)) = journal.as_mut().map(|journal| journal.append(&finished)) {
            self.error.get_or_insert(error);
        }
        let (done, all) = (self.finished.len() + 1, self.all);
        let each = self.begun.elapsed().as_secs_f64() / self.hand_out.count_done() as f64;
        (self.job.told)(&finished, Progress { done, all, left: each * (all - done) as f64 });
        self.finished.push(finished);
    }

    /// Of several failures, that of the first run counts.
    fn fail(&mut self, failure: Failure) {
        if self.failed.as_ref().is_none_or(|known| failure.run < known.run) {
            self.failed = Some(failure);
        }
    }

    /// Gives up processes that have been silent for too long.
    fn miss(&mut self, patience: Option<Duration>) {
        let Some(patience) = patience else { return };
        for process in 1..self.heard.len() {
            if self.heard[process].elapsed() > patience && self.lost.insert(process) {
                say(&format!(
                    "process {process} has been silent for {} s; its runs are given to others",
                    patience.as_secs_f64()
                ));
                self.awaited.remove(&process);
                self.idle.retain(|worker| worker.0 != process);
                let theirs = self.hand_out.busy().filter(|worker| worker.0 == process);
                for worker in theirs.collect::<Vec<_>>() {
                    self.hand_out.lost(worker);
                }
            }
        }
    }
}

/// A run that a thread has done: the thread, the run, its seconds, and what came of it.
type News = (usize, usize, f64, Answer);

/// The threads of this process. They end when it is dropped.
struct Pool {
    threads: usize,
    tasks: Sender<(usize, usize)>,
    news: Receiver<News>,
}

impl Pool {
    fn start<'s>(scope: &'s Scope<'s, '_>, job: &'s Job<'_>, most: usize) -> Self {
        let threads = job.threads.clamp(1, most.max(1));
        let (tasks, received) = channel::<(usize, usize)>();
        let (done, news) = channel();
        let received = std::sync::Arc::new(Mutex::new(received));
        let work = job.work;
        for _ in 0..threads {
            let (received, done) = (received.clone(), done.clone());
            scope.spawn(move || {
                parallel::single_threaded(|| {
                    set_quiet(true);
                    loop {
                        let next = received.lock().unwrap_or_else(PoisonError::into_inner).recv();
                        let Ok((thread, run)) = next else { return };
                        let clock = Instant::now();
                        let answer = work(run);
                        // The send fails if the sweep has ended.
                        let _ = done.send((thread, run, clock.elapsed().as_secs_f64(), answer));
                    }
                });
            });
        }
        Self { threads, tasks, news }
    }

    /// Gives a run to a thread. Which of the threads does it makes no difference.
    fn give(&self, thread: usize, run: usize) {
        self.tasks.send((thread, run)).expect("the threads wait for it");
    }

    /// Waits for a thread, or a moment only, if there are other processes to listen to.
    fn wait(&self, briefly: bool) -> Option<News> {
        let pause = if briefly { PAUSE } else { Duration::from_secs(1) };
        match self.news.recv_timeout(pause) {
            Ok(news) => Some(news),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => {
                unreachable!("a thread ends with the pool alone")
            }
        }
    }
}
