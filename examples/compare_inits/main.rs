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
//! ```
//!
//! The same options give the same numbers for any number of threads.

mod args;
mod charts;
#[path = "../common/download.rs"]
mod download;
mod html;
mod markdown;
mod notebook;
#[path = "../common/options.rs"]
mod options;
mod probe;
mod results;
mod schemes;
mod stats;
mod svg;
mod table;
mod train;
mod words;

use std::io;

use args::Args;
use results::{Results, Setup, TEST};

fn main() -> fanin::Result<()> {
    let args = Args::parse();
    let contenders = schemes::chosen(&args.schemes, args.quick)?;
    if let Some(directory) = &args.out {
        // Fail here instead of after the training.
        std::fs::create_dir_all(directory)
            .map_err(|error| io::Error::other(format!("--out {}: {error}", directory.display())))?;
    }
    let (name, train, test) = args.load()?;
    println!("data: {}", train.provenance());
    let (seeds, epochs) = (args.seeds(), args.epochs());
    let workers = args
        .threads
        .unwrap_or_else(|| std::thread::available_parallelism().map_or(1, std::num::NonZero::get));
    let runs = train::train_all(&contenders, (&train, &test), (seeds, epochs), workers);
    let kept = train.len() / 5 * 4;
    let setup = Setup {
        data: name,
        images: [kept, train.len() - kept, test.len()],
        classes: train.classes(),
        seeds,
        epochs,
        command: command(),
    };
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

/// The options that affect the numbers, as they were given. Output directory and number of threads
/// do not affect them.
fn command() -> String {
    let mut text = String::from("cargo run --release --example compare_inits");
    let mut options = std::env::args().skip(1);
    let mut first = true;
    while let Some(option) = options.next() {
        if ["--out", "--threads"].contains(&&*option) {
            options.next();
        } else if !["--out=", "--threads="].iter().any(|left| option.starts_with(left)) {
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
