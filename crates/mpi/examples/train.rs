//! Trains a network on several processes: what crates/mpi/tests/mpirun.rs starts, and a program to begin with.
//!
//! `mpirun -n 2 target/debug/examples/train sum=exact micro=4 steps=40 out=model.fanin`

use std::fs;
use std::process::{Command, exit};
use std::time::Duration;

use fanin::prelude::*;
use fanin::train::{DataParallel, Sum};
use fanin_mpi::Mpi;

/// The options, as `name=value`.
struct Options(Vec<(String, String)>);

impl Options {
    fn read() -> Self {
        let split = |arg: String| {
            let Some((name, value)) = arg.split_once('=') else {
                eprintln!("{arg}: options are name=value");
                exit(2)
            };
            (name.to_owned(), value.to_owned())
        };
        Self(std::env::args().skip(1).map(split).collect())
    }

    /// The last of this name counts.
    fn text(&self, name: &str) -> Option<&str> {
        self.0.iter().rev().find(|(known, _)| known == name).map(|(_, value)| &**value)
    }

    fn number(&self, name: &str, default: usize) -> usize {
        let Some(text) = self.text(name) else { return default };
        text.parse().unwrap_or_else(|_| {
            eprintln!("{name}={text}: give a whole number");
            exit(2)
        })
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let options = Options::read();
    let number = |name, default| options.number(name, default);
    let mpi = Mpi::start()?.limit(Duration::from_secs(number("limit", 60) as u64));
    let rank = mpi.rank();
    // `other=1` gives process 1 another seed.
    let differs = options.text("other").is_some_and(|_| number("other", 0) == rank);
    manual_seed(if differs { 43 } else { 42 });
    let (train, _) = datasets::mnist()?;

    let mut model = Sequential::new();
    match options.text("net").unwrap_or("small") {
        "mnist" => {
            model = model.add(Linear::new(784, 512)).add(Relu);
            model = model.add(Linear::new(512, 256)).add(Relu).add(Linear::new(256, 10));
        }
        "small" => model = model.add(Linear::new(784, 16)).add(Relu).add(Linear::new(16, 10)),
        // What draws random numbers, and what has buffers.
        _ => {
            model = model.add(Linear::new(784, 16)).add(BatchNorm1d::new(16)).add(Relu);
            model = model.add(Dropout::new(0.2)).add(Linear::new(16, 10));
        }
    }

    let sum = if options.text("sum") == Some("fast") { Sum::Fast } else { Sum::Exact };
    let parallel = DataParallel::new(mpi.clone(), sum).micro_batches(number("micro", mpi.size()));
    let steps = number("steps", 40);
    let mut losses = String::new();
    let mut trainer = Trainer::new(CrossEntropy::new(), AdamW::new(1e-3))
        .epochs(number("epochs", 100))
        .batch(number("batch", 128))
        .silent()
        .data_parallel(parallel)
        .on_step(|step| {
            losses.push_str(&format!("{:?}\n", step.loss));
            // `kill=1 at=30` kills process 1 after step 30, and `halt` stops it without an end.
            for (option, signal) in [("kill", "KILL"), ("halt", "STOP"), ("panic", "")] {
                let hit = options.text(option).is_some_and(|_| number(option, 0) == rank);
                if hit && step.step == number("at", 30) {
                    assert!(!signal.is_empty(), "as it was told to");
                    let me = std::process::id().to_string();
                    let _ = Command::new("kill").args([&format!("-{signal}"), &me]).status();
                }
            }
            if step.step >= steps {
                step.stop();
            }
        });
    if let Some(dir) = options.text("dir") {
        trainer = trainer.checkpoints(Checkpoints::new(dir).every_steps(10)).resume();
    }
    let history = trainer.fit_all(&mut model, &train)?;
    drop(trainer);
    if mpi.is_first() {
        if let Some(file) = options.text("out") {
            model.save(file)?;
        }
        if let Some(file) = options.text("losses") {
            fs::write(file, &losses)?;
        }
        println!(
            "{} processes, {:?}, last loss {:?}",
            mpi.size(),
            history.stopped,
            losses.lines().last()
        );
    }
    Ok(())
}
