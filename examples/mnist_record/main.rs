//! How far a multilayer perceptron gets on MNIST in five minutes on two cores: trained on images that are
//! shifted, turned, scaled, slanted and bent anew in every epoch.
//!
//! ```text
//! FANIN_DATA=path/to/mnist cargo run --release --example mnist_record          # one network, five minutes
//! cargo run --release --features download --example mnist_record -- --download  # the full set by network
//! cargo run --release --example mnist_record -- --epochs 20 --hidden 800       # Simard's network, 2003
//! cargo run --release --example mnist_record -- --seeds 3 --report docs/mnist_record.md
//! cargo run --release --example mnist_record -- --validate --epochs 10         # to choose a recipe
//! cargo run --release --example mnist_record -- --quick                        # checks 95 % on 5,000 digits
//! ```

mod args;
#[path = "../common/download.rs"]
mod download;
#[path = "../common/options.rs"]
mod options;
mod report;
mod train;

use args::Args;
use fanin::prelude::*;
use fanin::tensor::parallel;

fn main() -> fanin::Result<()> {
    let args = Args::parse();
    let (train, test) = if args.quick {
        datasets::mnist_bundled()
    } else if args.download {
        download::mnist("mnist_record")?
    } else {
        datasets::mnist()?
    };
    // A recipe that is chosen by the test images has seen them.
    let (train, test) =
        if args.validate { train.split(train.len() - train.len() / 6) } else { (train, test) };
    println!("data: {}", train.provenance());
    println!("{} images to train on, {} to test on", train.len(), test.len());
    println!("threads: {}", parallel::num_threads());
    let [train, test] = [train, test].map(|data| data.normalize(0.1307, 0.3081));

    let mut runs = vec![];
    for seed in args.first_seed..args.first_seed + args.seeds as u64 {
        let run = train::run(&args, seed, &train, &test);
        println!("seed {seed}: {:.2} % errors after {:.0} s\n", run.error(), run.seconds());
        runs.push(run);
    }
    if let Some(path) = &args.report {
        report::write(path, &args, &runs)?;
        println!("written: {}", path.display());
    }
    if args.is_promised() {
        assert!(runs.iter().all(|run| run.error() < 5.0), "at most 5 % errors are promised");
    }
    Ok(())
}
