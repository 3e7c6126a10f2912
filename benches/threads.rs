//! How work is divided among 1 to 64 threads, and what that would give: `cargo bench --bench threads`.
//!
//! A machine with few cores runs the pieces of every parallel region one after the other and times them. From
//! the longest piece of each region, and the time to start it, follows the time on a machine with more cores.
//! What cores take from each other, caches and memory, is not in it. Prints Markdown, which benches/THREADS.md
//! holds.

mod common;

use std::hint::black_box;
use std::time::{Duration, Instant};

use common::Config;
use fanin::prelude::*;
use fanin::tensor::parallel::{self, simulate};

const THREADS: [usize; 9] = [1, 2, 4, 6, 8, 12, 16, 32, 64];

/// What each thread beyond the second adds to a region, in nanoseconds. It is what the kernels assume when they
/// choose a number of threads. Only two cores were there to measure.
const FURTHER: f64 = 100.0;

fn main() {
    // `cargo bench -- train` runs other benches only.
    let asked = std::env::args().skip(1).find(|arg| !arg.starts_with('-'));
    if asked.is_some_and(|name| !"threads".contains(&name)) {
        return;
    }
    let clock = Clock::read();
    println!("{} threads, {:?}\n", parallel::num_threads(), fanin::tensor::simd::level());
    println!("A region of 2 pieces that do nothing: {:.0} ns\n", clock.region);
    let mut tasks = tasks();
    print_times(&mut tasks, &clock);
    print_pieces(&mut tasks);
}

/// `cargo bench -- --test` and `cargo test --benches` only check that it runs.
fn quick() -> bool {
    let given = |name| std::env::args().any(|arg| arg == name);
    given("--test") || !given("--bench")
}

struct Task {
    name: String,
    run: Box<dyn FnMut()>,
}

fn tasks() -> Vec<Task> {
    let mut tasks = vec![];
    for net in ["A", "B", "C", "D"] {
        let config = Config::named(net);
        let mut training = config.training();
        let step = move || _ = black_box(training.step());
        tasks.push(Task { name: format!("{net}, a training step"), run: Box::new(step) });
        for (rows, samples) in [(1, "one sample"), (1024, "1024 samples")] {
            let (model, x) = (config.model(), config.input(rows));
            let predict = move || _ = black_box(model.predict(&x));
            tasks.push(Task { name: format!("{net}, {samples}"), run: Box::new(predict) });
        }
    }
    tasks
}

/// What the measurement itself takes, in nanoseconds.
struct Clock {
    /// What is measured of a piece that does nothing.
    inside: f64,
    /// All that such a piece takes.
    piece: f64,
    /// A region of two threads.
    region: f64,
}

impl Clock {
    fn read() -> Self {
        let start = Instant::now();
        let regions = simulate(16, || (0..1000).for_each(|_| parallel::run(16, |_| {})));
        let (all, pieces) = (nanos(start.elapsed()), 16_000.0);
        let inside = regions.iter().flatten().map(|&piece| nanos(piece)).sum::<f64>() / pieces;
        let region = median(1000, || parallel::run(2, |_| {}));
        Self { inside, piece: all / pieces, region }
    }

    /// What one call would take with so many threads.
    fn simulated(&self, threads: usize, task: &mut Task) -> f64 {
        let start = Instant::now();
        let regions = simulate(threads, &mut task.run);
        let mut time = nanos(start.elapsed());
        for region in &regions {
            let pieces = region.iter().map(|&piece| (nanos(piece) - self.inside).max(0.0));
            let (sum, longest) = pieces.fold((0.0, 0.0), |(sum, most), n| (sum + n, n.max(most)));
            let n = region.len() as f64;
            time += longest + self.region + (n - 2.0) * FURTHER - sum - n * self.piece;
        }
        time
    }
}

fn nanos(time: Duration) -> f64 {
    time.as_nanos() as f64
}

/// The median time of a call, in nanoseconds.
fn median(calls: usize, mut f: impl FnMut()) -> f64 {
    middle(calls, || {
        let start = Instant::now();
        f();
        nanos(start.elapsed())
    })
}

/// The median of so many values. The first one is left out.
fn middle(values: usize, mut f: impl FnMut() -> f64) -> f64 {
    f();
    let mut values: Vec<f64> = (0..if quick() { 1 } else { values }).map(|_| f()).collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn print_times(tasks: &mut [Task], clock: &Clock) {
    println!("## Simulated times, µs\n");
    println!(
        "The least of a row is bold. In the last column a call is measured, with all threads.\n"
    );
    println!("| | {} | measured |", THREADS.map(|n| n.to_string()).join(" | "));
    println!("| --- |{}", " ---: |".repeat(THREADS.len() + 1));
    for task in tasks {
        let once = median(1, &mut task.run);
        // A hundredth of a second, and at least five calls.
        let calls = (1e7 / once).clamp(5.0, 2000.0) as usize;
        let times = THREADS.map(|n| middle(calls, || clock.simulated(n, task)) / 1000.0);
        let least = times.iter().copied().fold(f64::MAX, f64::min);
        let cells = times.map(|time| match time == least {
            true => format!("**{time:.2}**"),
            false => format!("{time:.2}"),
        });
        let measured = median(calls, &mut task.run) / 1000.0;
        println!("| {} | {} | {measured:.2} |", task.name, cells.join(" | "));
    }
}

fn print_pieces(tasks: &mut [Task]) {
    println!("\n## Pieces of each parallel region\n");
    println!("| | 2 threads | 16 threads | 64 threads |\n| --- | --- | --- | --- |");
    for task in tasks {
        let mut pieces = |threads| {
            let regions = simulate(threads, &mut task.run);
            regions.iter().map(|region| region.len().to_string()).collect::<Vec<_>>().join(" ")
        };
        let cells = [2, 16, 64].map(&mut pieces);
        println!("| {} | {} |", task.name, cells.join(" | "));
    }
}
