//! What a step on several processes costs: measured here, computed for a cluster.
//!
//! `mpirun -n 2 target/release/examples/cost` prints the tables of docs/cluster.md;
//! `… cost docs/cluster.md` writes them into it.

use std::fmt::Write;
use std::fs;
use std::hint::black_box;
use std::time::Instant;

use fanin::prelude::*;
use fanin::train::{DataParallel, OneProcess, Processes, Sum};
use fanin_mpi::Mpi;

/// The network of a cluster: bits a second, and seconds until a message arrives. 20 µs are usual for TCP.
const RATE: f64 = 10e9;
const LATENCY: f64 = 20e-6;
/// Seconds of the processor for a message.
const OVERHEAD: f64 = 2e-6;
/// Bytes that each process tells of its micro-batch.
const HEAD: f64 = 16.0;
/// From this share of the time on, a cluster is used well.
const EFFICIENCY: f64 = 0.8;
const BATCHES: [usize; 3] = [32, 128, 512];

/// What was measured of a network, in seconds.
struct Cost {
    name: String,
    params: usize,
    /// Forward and backward pass by samples, and the optimizer's step.
    pass: [f64; 3],
    adam: f64,
    /// What exchanging costs without a network: copies and sums of one process.
    copies: f64,
    /// Both sums, of the processes here.
    fast: f64,
    exact: f64,
}

impl Cost {
    /// A step of one process on `batch` samples, on one core.
    fn step(&self, batch: f64) -> f64 {
        let each = (self.pass[2] - self.pass[0]) / (BATCHES[2] - BATCHES[0]) as f64;
        self.adam + (self.pass[0] + each * (batch - BATCHES[0] as f64)).max(0.0)
    }

    /// What n processes exchange in a step: bytes that each sends, and seconds.
    fn exchange(&self, sum: Sum, n: f64) -> (f64, f64) {
        let (vector, others, rounds) = (4.0 * self.params as f64, (n - 1.0) / n, n.log2().ceil());
        let heads = n * HEAD;
        let bytes = heads + 2.0 * others * vector;
        let messages = match sum {
            Sum::Fast => 3.0 * rounds * LATENCY,
            Sum::Exact => (2.0 * rounds + 1.0) * LATENCY + (n - 1.0) * OVERHEAD,
        };
        (bytes, messages + 8.0 * bytes / RATE + self.copies)
    }

    /// The share of the time in which a process of this many cores computes.
    fn efficiency(&self, sum: Sum, n: f64, batch: f64, cores: f64) -> f64 {
        let step = self.step(batch) / cores;
        step / (step + self.exchange(sum, n).1)
    }

    /// The smallest batch of a process with which the cluster is used well.
    fn smallest(&self, sum: Sum, n: f64, cores: f64) -> usize {
        let fits = |batch: &usize| self.efficiency(sum, n, *batch as f64, cores) >= EFFICIENCY;
        (0..24)
            .map(|power| 1 << power)
            .find(fits)
            .map_or(usize::MAX, |above: usize| (above / 2 + 1..=above).find(fits).unwrap_or(above))
    }
}

/// Seconds for which this thread had a processor, where the system says so (Linux), else seconds of the clock.
fn processor_time(begin: Instant) -> f64 {
    let counted = fs::read_to_string("/proc/thread-self/schedstat").ok();
    let counted = counted.and_then(|text| text.split(' ').next()?.parse::<f64>().ok());
    counted.map_or_else(|| begin.elapsed().as_secs_f64(), |nanoseconds| nanoseconds * 1e-9)
}

/// What one run takes, in seconds: the fastest of many by the clock, or the mean of their processor time, which
/// the system counts in steps of milliseconds, if other work on the machine makes all runs slower.
fn time(mut f: impl FnMut()) -> f64 {
    const ENOUGH: f64 = 0.2;
    f();
    let begin = Instant::now();
    let (before, mut runs, mut fastest) = (processor_time(begin), 0, f64::INFINITY);
    loop {
        let start = Instant::now();
        f();
        fastest = start.elapsed().as_secs_f64().min(fastest);
        runs += 1;
        let took = processor_time(begin) - before;
        if took > ENOUGH && runs >= 3 {
            return fastest.min(took / f64::from(runs));
        }
    }
}

fn measure(mpi: &Mpi, sizes: &[usize]) -> Result<Cost, Box<dyn std::error::Error>> {
    manual_seed(1);
    let mut model = Sequential::new();
    for (at, pair) in sizes.windows(2).enumerate() {
        model = model.add(Linear::new(pair[0], pair[1]));
        if at + 2 < sizes.len() {
            model = model.add(Relu);
        }
    }
    let params = model.num_params();
    let (mut tape, mut adam) = (Tape::new(), Adam::new(1e-6));
    let batch = |samples: usize| {
        let x = Tensor::full([samples, sizes[0]], 0.1);
        (x, (0..samples).map(|i| i % 10).collect::<Vec<_>>())
    };
    let pass = BATCHES.map(|samples| {
        let (x, y) = batch(samples);
        time(|| {
            black_box(tape.value_and_grad(|t| model.forward(t.input(&x)).cross_entropy(&y)).0);
        })
    });
    let (x, y) = batch(32);
    let both = time(|| {
        let (_, grads) = tape.value_and_grad(|t| model.forward(t.input(&x)).cross_entropy(&y));
        adam.step(&mut model, grads);
    });
    // All processes repeat as often, whatever their clocks say.
    let runs = (10_000_000 / params).clamp(6, 100);
    let steps = |parallel: &mut DataParallel| -> Result<f64, fanin::train::Error> {
        let mut seconds = vec![];
        for _ in 0..runs {
            let samples = 2 * parallel.size();
            for part in parallel.parts(samples) {
                let (x, y) = batch(part.samples().len());
                parallel.add(&model, &part, |t| model.forward(t.input(&x)).cross_entropy(&y));
            }
            let begin = Instant::now();
            let _ = black_box(parallel.mean(&model)?);
            seconds.push(begin.elapsed().as_secs_f64());
        }
        Ok(seconds.into_iter().fold(f64::INFINITY, f64::min))
    };
    let copies = steps(&mut DataParallel::new(OneProcess, Sum::Exact))?;
    let fast = steps(&mut DataParallel::new(mpi.clone(), Sum::Fast))?;
    let exact = steps(&mut DataParallel::new(mpi.clone(), Sum::Exact))?;
    let name = sizes.iter().map(usize::to_string).collect::<Vec<_>>().join("-");
    let adam = (both - pass[0]).max(0.0);
    Ok(Cost { name, params, pass, adam, copies, fast, exact })
}

fn micro(seconds: f64) -> String {
    format!("{:.0}", seconds * 1e6)
}

/// The tables, from what was measured with this many processes.
fn tables(costs: &[Cost], here: usize, small: f64) -> String {
    let mut text = String::new();
    let mut line = |line: String| {
        text.push_str(&line);
        text.push('\n');
    };
    line(format!(
        "Measured with {here} processes on one machine of {} processors, a thread each, in µs, the fastest \
         of many runs. Passes and Adam are processor time on a busy machine; the sums are the whole of `mean` by the clock, with \
         copies. A sum of two numbers takes {:.1} µs.",
        std::thread::available_parallelism().map_or(0, usize::from),
        1e6 * small
    ));
    line(String::new());
    line("| network | parameters | pass on 32 samples | on 128 | on 512 | Adam | copies | `Sum::Fast` | `Sum::Exact` |".into());
    line("|---|---|---|---|---|---|---|---|---|".into());
    for cost in costs {
        let numbers: Vec<_> = cost
            .pass
            .iter()
            .chain([&cost.adam, &cost.copies, &cost.fast, &cost.exact])
            .map(|&s| micro(s))
            .collect();
        line(format!("| {} | {} | {} |", cost.name, cost.params, numbers.join(" | ")));
    }
    line(String::new());
    line(format!(
        "Computed from these passes and copies for a network of {:.0} Gb/s with {:.0} µs for a message, and a \
         process for each node with a thread, a micro-batch of 128 samples for each process. The time of an \
         exchange is that of `Sum::Fast`, in µs; efficiency is the share of the time in which a process computes.",
        RATE / 1e9,
        LATENCY * 1e6
    ));
    line(String::new());
    line("| network | step alone | bytes sent, n = 16 | exchange, n = 2 | n = 16 | n = 1,000 | efficiency, n = 2 | n = 16 | n = 1,000 |".into());
    line("|---|---|---|---|---|---|---|---|---|".into());
    for cost in costs {
        let exchange = [2.0, 16.0, 1000.0].map(|n| micro(cost.exchange(Sum::Fast, n).1));
        let share = [2.0, 16.0, 1000.0]
            .map(|n| format!("{:.0} %", 100.0 * cost.efficiency(Sum::Fast, n, 128.0, 1.0)));
        line(format!(
            "| {} | {} | {:.0} | {} | {} |",
            cost.name,
            micro(cost.step(128.0)),
            cost.exchange(Sum::Fast, 16.0).0,
            exchange.join(" | "),
            share.join(" | ")
        ));
    }
    text
}

/// The plan for 1,000 processes.
fn plan(costs: &[Cost]) -> String {
    let n = 1000.0;
    let mut text = String::from(
        "The smallest batch is that of a process, with which it computes 80 % of the time; 1,000 times as many \
         samples are in the whole batch. A process has one core, or 16 that divide its passes without loss.\n\n\
         | network | bytes sent a step, a process | exchange, `Fast`, µs | `Exact`, µs | smallest batch, one core, `Fast` | `Exact` | 16 cores, `Fast` | `Exact` |\n\
         |---|---|---|---|---|---|---|---|\n",
    );
    for cost in costs {
        let [fast, exact] = [Sum::Fast, Sum::Exact].map(|sum| cost.exchange(sum, n));
        let smallest = [1.0, 16.0].map(|cores| {
            let of = [Sum::Fast, Sum::Exact].map(|sum| match cost.smallest(sum, n, cores) {
                usize::MAX => "none".to_owned(),
                batch => batch.to_string(),
            });
            of.join(" | ")
        });
        let _ = writeln!(
            text,
            "| {} | {:.0} | {} | {} | {} |",
            cost.name,
            fast.0,
            micro(fast.1),
            micro(exact.1),
            smallest.join(" | ")
        );
    }
    let _ = writeln!(text);
    for (cores, batch) in
        [(1.0, 64), (1.0, 128), (1.0, 256), (1.0, 512), (16.0, 1024), (16.0, 4096)]
    {
        let fits =
            |cost: &&Cost| cost.efficiency(Sum::Fast, n, f64::from(batch), cores) >= EFFICIENCY;
        let names: Vec<_> = costs.iter().filter(fits).map(|cost| &*cost.name).collect();
        let what = match &names[..] {
            [] => "none of these networks is".to_owned(),
            [one] => format!("{one} is"),
            [first, .., last] => format!("{first} to {last} are"),
        };
        let _ = writeln!(
            text,
            "- {batch} samples a process, cores of it: {cores}; {} samples in all: {what} above 80 % with `Sum::Fast`.",
            1000 * batch
        );
    }
    text
}

/// Puts a text between `<!-- name -->` and `<!-- end -->`.
fn replace(page: &str, name: &str, text: &str) -> String {
    let begin = format!("<!-- {name} -->\n");
    let start = page.find(&begin).map(|at| at + begin.len()).expect("the page has the mark");
    let end = start + page[start..].find("<!-- end -->").expect("the page has its end");
    format!("{}{text}{}", &page[..start], &page[end..])
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut mpi = Mpi::start()?;
    let networks: [&[usize]; 4] =
        [&[784, 32, 10], &[784, 128, 10], &[784, 512, 256, 10], &[784, 1024, 1024, 10]];
    let costs: Vec<Cost> =
        networks.iter().map(|sizes| measure(&mpi, sizes)).collect::<Result<_, _>>()?;
    let mut seconds: Vec<f64> = vec![];
    for _ in 0..200 {
        let begin = Instant::now();
        mpi.sum(&mut [0.0; 2])?;
        seconds.push(begin.elapsed().as_secs_f64());
    }
    if mpi.is_first() {
        let small = seconds.into_iter().fold(f64::INFINITY, f64::min);
        let (tables, plan) = (tables(&costs, mpi.size(), small), plan(&costs));
        println!("{tables}\n{plan}");
        if let Some(file) = std::env::args().nth(1) {
            let page = fs::read_to_string(&file)?;
            let page = replace(&replace(&page, "cost", &tables), "plan", &plan);
            fs::write(&file, page)?;
        }
    }
    Ok(())
}
