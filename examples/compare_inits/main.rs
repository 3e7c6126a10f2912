//! Compares initializations, and tells differences from chance. This is the experiment of a
//! well-known course notebook with enough runs to decide: every scheme is trained with ten seeds,
//! all schemes share splits, orders and dropout, and every mean has an interval.
//!
//! ```text
//! cargo run --release --example compare_inits                    # Fashion-MNIST if it is found, else MNIST
//! cargo run --release --features download --example compare_inits -- --download  # downloads Fashion-MNIST
//! cargo run --release --example compare_inits -- --out DIR       # and a page, tables and numbers in DIR
//! cargo run --release --example compare_inits -- --schemes zeros kaiming_normal --epochs 10
//! cargo run --release --example compare_inits -- --quick         # the bundled digits, checked
//! cargo run --release --example compare_inits -- --journal FILE  # goes on where it was interrupted
//! cargo run --release --example compare_inits -- --part 3/16 --journal part-3       # in a job array, and then
//! cargo run --release --example compare_inits -- --merge part-1 part-2 … --out DIR
//! cargo build --release --features mpi --example compare_inits   # and then, on a cluster
//! mpirun target/release/examples/compare_inits --journal FILE --out DIR
//! ```
//!
//! The same options give the same numbers for any number of threads, parts and processes: table, page and
//! files are the same, byte for byte, on CPUs with the same vector instructions. No clock is in them.

mod args;
mod charts;
mod choose;
mod deep;
#[path = "../common/download.rs"]
mod download;
mod html;
mod markdown;
mod notebook;
#[path = "../common/options.rs"]
mod options;
mod probe;
mod rank;
mod record;
mod results;
mod schemes;
mod stats;
mod svg;
mod table;
mod train;
mod words;

use std::io;

use args::Args;
use fanin::train::{Runs, Transport};
use results::{Results, Setup, TEST};

fn main() -> fanin::Result<()> {
    let args = Args::parse();
    let processes = processes(&args)?;
    let first = Transport::rank(&processes) == 0;
    let contenders = schemes::chosen(&args.schemes, args.quick)?;
    if let Some(directory) = &args.out {
        // Fail here instead of after the training.
        std::fs::create_dir_all(directory)
            .map_err(|error| io::Error::other(format!("--out {}: {error}", directory.display())))?;
    }
    let (name, train, test) = args.load()?;
    if first {
        println!("data: {}", train.provenance());
    }
    let (seeds, epochs) = (args.seeds(), args.epochs());
    let plan = train::Plan::new(&contenders, (&train, &test), (seeds, epochs));
    let mut runs = Runs::new(settings(name, &plan), plan.names()).command(command());
    runs = args.threads.into_iter().fold(runs, Runs::threads);
    runs = args.part.into_iter().fold(runs, Runs::part);
    runs = args.journal.iter().fold(runs, Runs::journal);
    let done = match &*args.merge {
        [] => {
            runs.run_on(&processes, |run| Ok::<_, fanin::Error>(record::write(&plan.run(run))))?
        }
        files => runs.merge(files)?,
    };
    // Process 0 alone has the results.
    if !first {
        return Ok(());
    }
    if let (Some(part), Some(journal)) = (args.part, &args.journal) {
        let (done, all, file) = (done.len(), runs.len(), journal.display());
        println!(
            "part {part}: {done} of {all} runs are in {file}; put the parts together with --merge"
        );
        return Ok(());
    }
    let read = |one: &fanin::train::Finished| {
        let text = "the numbers of a run are those of another program; do the runs again";
        record::read(&one.text).ok_or_else(|| io::Error::other(text))
    };
    let done = done.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    let runs = plan.sorted(done);
    let kept = train.len() / 5 * 4;
    let setup = Setup {
        data: name,
        images: [kept, train.len() - kept, test.len()],
        classes: train.classes(),
        seeds,
        epochs,
        command: command(),
    };
    drop(plan);
    let results = Results { contenders, runs, setup };
    if let Some(directory) = &args.out {
        let write = |name: &str, text: String| std::fs::write(directory.join(name), text);
        write("compare_inits.html", html::page(&results))?;
        write("compare_inits.md", markdown::document(&results))?;
        write("compare_inits.csv", table::csv(&results))?;
        write("compare_inits_losses.csv", table::losses_csv(&results))?;
    }
    println!("{}", table::table(&results));
    if args.quick {
        check(&results);
    }
    Ok(())
}

/// What the numbers depend on.
fn settings(data: &str, plan: &train::Plan<'_>) -> String {
    let keys: Vec<&str> = plan.contenders.iter().map(|one| &*one.key).collect();
    format!(
        "compare_inits; {data}, {} and {} images; schemes {}; epochs {}; seeds {}",
        plan.train.len(),
        plan.test.len(),
        keys.join(", "),
        plan.epochs,
        plan.seeds
    )
}

/// The processes that share the runs.
#[cfg(feature = "mpi")]
fn processes(_: &Args) -> fanin::Result<fanin_mpi::Mpi> {
    Ok(fanin_mpi::Mpi::start().map_err(io::Error::other)?)
}

/// This process alone.
#[cfg(not(feature = "mpi"))]
fn processes(args: &Args) -> fanin::Result<fanin::train::Alone> {
    // Launchers say how many processes they have started. Each may have a part of its own.
    const SIZES: [&str; 4] =
        ["OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "MV2_COMM_WORLD_SIZE", "SLURM_STEP_NUM_TASKS"];
    let size = |name| std::env::var(name).ok()?.parse::<usize>().ok();
    if args.part.is_none() && SIZES.into_iter().filter_map(size).any(|size| size > 1) {
        let text = "several processes were started, and each would do all runs; build with --features mpi, or \
                    give each a --part";
        return Err(io::Error::other(text).into());
    }
    Ok(fanin::train::Alone)
}

/// The options that affect the numbers, as they were given. Where the runs are done does not affect them.
fn command() -> String {
    const LEFT_OUT: [&str; 5] = ["--out", "--threads", "--journal", "--part", "--merge"];
    let mut text = String::from("cargo run --release --example compare_inits");
    let (mut skips, mut first) = (false, true);
    for option in std::env::args().skip(1) {
        if option.starts_with("--") {
            let name = option.split('=').next().unwrap_or_default();
            skips = LEFT_OUT.contains(&name);
        }
        if !skips {
            text += if first { " -- " } else { " " };
            text += &if option.contains([' ', '(']) { format!("'{option}'") } else { option };
            first = false;
        }
    }
    text
}

/// Checks the promises of `--quick`.
fn check(results: &Results) {
    stats::check();
    choose::check();
    let page = html::page(results);
    for bad in ["NaN", "inf ", "<script", "http"] {
        assert!(!page.contains(bad), "the page has `{bad}` in it");
    }
    let test = |key| results.summary(results.find(key).expect("quick has it"), TEST);
    for key in ["zeros", "ones"] {
        assert!(test(key).max < 30.0, "{key} do not learn: {:?}", test(key));
    }
    for key in ["pytorch", "kaiming_normal", "orthogonal"] {
        assert!(test(key).min > 85.0, "{key} learns: {:?}", test(key));
        assert!(test(key).min > test("uniform_half").max, "{key} is better than ±0.5");
    }
}
