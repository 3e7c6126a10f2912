//! Measures the claims of papers on initialization again. Each paper has its own file.
//!
//! ```text
//! cargo run --release --example papers -- nielsen        # one paper
//! cargo run --release --example papers -- all            # every paper, one after the other
//! cargo run --release --example papers -- --quick        # small versions of some, in seconds
//! ```
//!
//! With the full MNIST (FANIN_DATA names its directory) a run writes its section of docs/papers.md.
//! Without it, the bundled digits replace MNIST and the file stays unchanged. `--quick` uses the
//! bundled digits and fails if one of its claims does not hold there.

mod glorot2010;
mod hanin2018;
mod he2015;
mod lab;
mod lu2019;
mod mishkin2015;
mod mup;
mod nielsen;
#[path = "../common/options.rs"]
mod options;
mod pennington2017;
mod report;
mod saxe2013;

use std::time::Instant;

use fanin::prelude::*;

use lab::{Lab, Paper};
use options::{Opt, Program};

/// In the order of docs/papers.md.
const PAPERS: &[Paper] = &[
    glorot2010::PAPER,
    saxe2013::PAPER,
    nielsen::PAPER,
    he2015::PAPER,
    pennington2017::PAPER,
    hanin2018::PAPER,
    lu2019::PAPER,
    mishkin2015::PAPER,
    mup::PAPER,
];

const PAPER: Opt = Opt::value("paper", "PAPER", "Which paper, see below [default: all]");
const QUICK: Opt = Opt::flag(
    "quick",
    "Runs small versions on the bundled digits, and fails if a claim does not hold",
);

fn main() -> fanin::Result<()> {
    let names: Vec<&str> = PAPERS.iter().map(|paper| paper.name).chain(["all"]).collect();
    let given = Program {
        name: "papers",
        about: "Measures again what papers on initialization published.",
        positional: Some(PAPER),
        options: &[QUICK],
        after: format!("The papers: {}", names.join(", ")),
    }
    .read();
    let (chosen, quick) = (given.positional(&names).unwrap_or("all"), given.has("quick"));
    let (train, test) = if quick { datasets::mnist_bundled() } else { datasets::mnist()? };
    println!("data: {}", train.provenance());
    let full = !train.provenance().is_bundled();
    let lab = Lab { quick, train, test };

    let all = chosen == "all";
    let is_chosen = |paper: &&Paper| paper.name == chosen || all && (paper.quick || !quick);
    for paper in PAPERS.iter().filter(is_chosen) {
        println!("\n{}: {}", paper.name, paper.title);
        let start = Instant::now();
        let outcome = (paper.run)(&lab);
        report::print(&outcome);
        if quick && paper.quick {
            let fails = outcome.findings.iter().find(|finding| !finding.holds);
            assert!(fails.is_none(), "{}: this was promised: {fails:?}", paper.name);
        } else if full {
            report::write(paper, &outcome, start.elapsed())?;
        }
    }
    Ok(())
}
