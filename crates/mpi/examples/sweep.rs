//! A sweep that processes share: `mpirun -n 4 sweep`. Nothing but `run_on(&mpi, …)` and `is_first` tells it
//! from one of a single process.
//!
//! Options are for the tests: `journal=FILE`, `seeds=N`, `wait=MILLISECONDS` in each run, `limit=SECONDS`, `kill=RANK` (the
//! process kills itself in its second run), `fail=RANK`, and `empty` for runs that do nothing.

use std::error::Error;
use std::process::Command;
use std::str::FromStr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use fanin::prelude::*;
use fanin::train::Scores;
use fanin_mpi::Mpi;

/// The value of an option of the command line.
fn option<T: FromStr>(name: &str) -> Option<T> {
    let values = std::env::args().skip(1);
    values.filter_map(|arg| arg.strip_prefix(&format!("{name}="))?.parse().ok()).next()
}

fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    let mpi = Mpi::start()?.limit(Duration::from_secs(option("limit").unwrap_or(60)));
    let (rank, begun) = (mpi.rank(), Instant::now());
    let empty = std::env::args().any(|arg| arg == "empty");
    let [kill, fail] = ["kill", "fail"].map(option::<usize>);
    let wait = Duration::from_millis(option("wait").unwrap_or(0));
    let (train, test) = datasets::iris().train_test_split(0.3, 1);
    let scaler = train.standardizer()?;
    let (train, test) = (train.standardize(&scaler), test.standardize(&scaler));

    let mut sweep = Sweep::new().seeds(0..option("seeds").unwrap_or(6)).settings("iris, 20 epochs");
    sweep = if empty { sweep.silent() } else { sweep.rates([1e-3, 1e-2]) };
    sweep = option::<String>("journal").into_iter().fold(sweep, |sweep, file| sweep.journal(file));
    let runs = AtomicUsize::new(0);
    let results = sweep.run_on(&mpi, |trial| -> Result<Scores, Box<dyn Error + Send + Sync>> {
        let earlier = runs.fetch_add(1, Ordering::Relaxed);
        if empty {
            return Ok(1.0.into());
        }
        thread::sleep(wait);
        if fail == Some(rank) {
            return Err("it does not work".into());
        }
        if kill == Some(rank) && earlier == 1 {
            Command::new("kill").args(["-KILL", &std::process::id().to_string()]).status()?;
            thread::sleep(Duration::from_secs(60));
        }
        let mut model = Sequential::new().add(Linear::new(4, 16)).add(Relu).add(Linear::new(16, 3));
        let mut trainer = Trainer::new(CrossEntropy::new(), Adam::new(trial.rate()));
        trainer = trainer.metric(Accuracy::new()).epochs(20).batch(16);
        Ok(trainer.fit(&mut model, &train, &test)?.into())
    })?;
    if empty && mpi.is_first() {
        let each = begun.elapsed().as_secs_f64() / results.runs.len() as f64;
        print!("{} processes: {:.1} µs for a run that does nothing", mpi.size(), 1e6 * each);
        // In hundredths of a second, on Linux.
        let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
        let ticks = stat.split(' ').skip(13).take(2).filter_map(|text| text.parse::<f64>().ok());
        let busy = 1e4 * ticks.sum::<f64>() / results.runs.len() as f64;
        println!(", of which process 0 works {busy:.1} µs");
    } else if mpi.is_first() {
        print!("{results}");
    }
    eprintln!("process {rank} did {} runs", runs.into_inner());
    Ok(())
}
