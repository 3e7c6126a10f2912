//! The code that the three Rust programs share: options, data, the timing loop, and the output
//! line.
//!
//! common.py is its counterpart for the Python programs. Keep the two equal, or the comparison is
//! invalid.

use std::hint::black_box;
use std::time::Instant;

/// A network and its training: `784-128-10:relu:adam:64`.
pub struct Net {
    pub text: String,
    pub sizes: Vec<usize>,
    pub tanh: bool,
    /// Adam at 1e-3, else SGD at 0.01 with momentum 0.9.
    pub adam: bool,
    pub batch: usize,
}

impl Net {
    fn parse(text: &str) -> Option<Self> {
        let [sizes, activation, optimizer, batch] =
            text.split(':').collect::<Vec<_>>().try_into().ok()?;
        let sizes: Option<Vec<usize>> = sizes.split('-').map(|size| size.parse().ok()).collect();
        Some(Self {
            text: text.to_owned(),
            sizes: sizes.filter(|sizes| sizes.len() >= 2)?,
            tanh: matches_either(activation, "tanh", "relu")?,
            adam: matches_either(optimizer, "adam", "sgd")?,
            batch: batch.parse().ok()?,
        })
    }

    /// The width of the output. A single output is trained by mean squared error, several outputs
    /// by cross-entropy.
    pub fn outputs(&self) -> usize {
        self.sizes[self.sizes.len() - 1]
    }

    pub fn is_regression(&self) -> bool {
        self.outputs() == 1
    }

    /// The inputs of some samples in row-major order, in [0, 1).
    pub fn inputs(&self, rows: usize) -> Vec<f32> {
        (0..rows * self.sizes[0]).map(|i| (i * 7919 % 1009) as f32 / 1009.0).collect()
    }

    /// The classes of a batch.
    pub fn labels(&self) -> Vec<usize> {
        (0..self.batch).map(|i| i % self.outputs()).collect()
    }
}

fn matches_either(text: &str, yes: &str, no: &str) -> Option<bool> {
    [yes, no].contains(&text).then_some(text == yes)
}

pub struct Options {
    pub nets: Vec<Net>,
    pub what: Vec<String>,
    /// The duration of each measurement in seconds.
    pub seconds: f64,
    pub threads: usize,
    /// The directory with MNIST, for `epoch`.
    pub mnist: Option<String>,
}

impl Options {
    /// Reads the command line, or prints the usage and exits.
    pub fn from_args() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, |n| n.get());
        let mut options =
            Self { nets: vec![], what: vec![], seconds: 1.0, threads: cores, mnist: None };
        let mut args = std::env::args().skip(1);
        while let Some(name) = args.next() {
            let value = args.next().unwrap_or_default();
            let understood = match name.as_str() {
                "--net" => Net::parse(&value).map(|net| options.nets.push(net)),
                "--what" => {
                    options.what = value.split(',').map(str::to_owned).collect();
                    Some(())
                }
                "--seconds" => value.parse().ok().map(|seconds| options.seconds = seconds),
                "--threads" => value.parse().ok().map(|threads| options.threads = threads),
                "--mnist" => {
                    options.mnist = Some(value.clone());
                    Some(())
                }
                _ => None,
            };
            if understood.is_none() {
                eprintln!("cannot read `{name} {value}`; the options are\n{USAGE}");
                std::process::exit(2);
            }
        }
        options
    }

    pub fn wants(&self, what: &str) -> bool {
        self.what.iter().any(|wanted| wanted == what)
    }

    /// Sets the number of threads of rayon and of libraries that read its variable. Call it first
    /// in `main`.
    pub fn set_rayon_threads(&self) {
        // SAFETY: no other thread runs yet, so none can read the environment at the same time.
        unsafe { std::env::set_var("RAYON_NUM_THREADS", self.threads.to_string()) }
    }
}

const USAGE: &str =
    "  --net 784-128-10:relu:adam:64   layers, relu or tanh, adam or sgd, batch; may be repeated
  --what train,one,many           and for some programs products, epoch
  --seconds 1.0                   for each measurement
  --threads 2
  --mnist DIRECTORY               for epoch";

/// Microseconds per call.
pub struct Timing {
    pub median: f64,
    pub quartiles: [f64; 2],
    pub samples: usize,
}

/// Calls that take less than this are timed in groups, so that reading the clock costs nothing.
const SHORTEST_SAMPLE: f64 = 50e-6;

/// Steps on one batch drift: what a small network has learned decays into subnormal numbers, which
/// slow some CPUs and some programs more than others. After this many timed steps all programs
/// restart from the first weights, with a new optimizer.
const STEPS_OF_A_START: usize = 200;

/// Warms up by five calls, then times calls for `seconds`, at least five times.
pub fn measure<R>(seconds: f64, call: impl FnMut() -> R) -> Timing {
    measure_least(5, seconds, call)
}

/// Like [`measure`] for calls that take about a second, with `least` instead of five.
pub fn measure_least<R>(least: usize, seconds: f64, mut call: impl FnMut() -> R) -> Timing {
    time(least, seconds, usize::MAX, || (), |()| call()).1
}

/// Like [`measure`] for training steps. Restarts from what `start` makes every
/// [`STEPS_OF_A_START`] timed steps, and warms up again; neither is timed. Returns what the last
/// step has left.
pub fn measure_steps<S, R>(
    seconds: f64,
    start: impl FnMut() -> S,
    step: impl FnMut(&mut S) -> R,
) -> (S, Timing) {
    time(5, seconds, STEPS_OF_A_START, start, step)
}

fn time<S, R>(
    least: usize,
    seconds: f64,
    calls_of_a_start: usize,
    mut start: impl FnMut() -> S,
    mut call: impl FnMut(&mut S) -> R,
) -> (S, Timing) {
    let mut timed = |state: &mut S, calls: usize| {
        let begin = Instant::now();
        for _ in 0..calls {
            black_box(call(state));
        }
        begin.elapsed().as_secs_f64() / calls as f64
    };
    let mut state = start();
    timed(&mut state, least - 1);
    let calls = (SHORTEST_SAMPLE / timed(&mut state, 1)).ceil().clamp(1.0, 1000.0) as usize;
    let begin = Instant::now();
    let (mut samples, mut since_start) = (vec![], 0);
    while samples.len() < least || begin.elapsed().as_secs_f64() < seconds {
        if since_start >= calls_of_a_start {
            state = start();
            timed(&mut state, least);
            since_start = 0;
        }
        samples.push(timed(&mut state, calls) * 1e6);
        since_start += calls;
    }
    samples.sort_by(f64::total_cmp);
    let at = |quarter: usize| samples[samples.len() * quarter / 4];
    (state, Timing { median: at(2), quartiles: [at(1), at(3)], samples: samples.len() })
}

/// Prints one measurement as a line of JSON.
pub fn report(program: &str, what: &str, net: &str, options: &Options, timing: &Timing) {
    line(program, what, net, options, timing, "");
}

/// Prints a training measurement with the losses of its first and last step. A program whose loss
/// does not fall does not do the work.
pub fn report_training(
    program: &str,
    net: &Net,
    options: &Options,
    timing: &Timing,
    [first, last]: [f32; 2],
) {
    let losses = format!(r#", "first_loss": {first}, "last_loss": {last}"#);
    line(program, "train", &net.text, options, timing, &losses);
}

fn line(program: &str, what: &str, net: &str, options: &Options, timing: &Timing, more: &str) {
    let (threads, Timing { median, quartiles: [q1, q3], samples }) = (options.threads, timing);
    println!(
        r#"{{"program": "{program}", "what": "{what}", "net": "{net}", "threads": {threads}, "median_us": {median:.4}, "q1_us": {q1:.4}, "q3_us": {q3:.4}, "samples": {samples}{more}}}"#
    );
}
