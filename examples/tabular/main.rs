//! Learns a column of a CSV file from the others, and says how well, by cross-validation: regression for a
//! column of numbers, classification for one of texts.
//!
//! ```text
//! cargo run --release --example tabular -- homes.csv --target price    # your own table
//! cargo run --release --example tabular                                # four tables, beside scikit-learn
//! cargo run --release --example tabular -- --report docs/toolbox/tabular.md
//! cargo run --release --example tabular -- --quick                     # checks scores and messages
//! ```

mod args;
mod compare;
mod cross_validate;
mod learn;
#[path = "../common/options.rs"]
mod options;
mod problem;
mod quick;

use args::Args;
use problem::Problem;

fn main() -> fanin::Result<()> {
    let args = Args::parse();
    if args.quick {
        return quick::check();
    }
    let Some(file) = &args.file else {
        compare::bundled(args.report.as_deref())?;
        return Ok(());
    };
    let problem = Problem::read(file, &args)?;
    println!("{problem}");
    let results = cross_validate::run(&problem, args.folds, args.seed)?;
    println!("\nmeans over the folds and their 95 % intervals:\n{results}");
    Ok(())
}
