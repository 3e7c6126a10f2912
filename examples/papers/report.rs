//! docs/papers.md: a section for each paper, each written by its own run.

use std::fmt::Write;
use std::fs;
use std::io;
use std::time::Duration;

use crate::PAPERS;
use crate::lab::{Outcome, Paper};

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/papers.md");

const HEAD: &str = "\
# Papers on initialization, measured again

Written by `FANIN_DATA=path/to/mnist cargo run --release --example papers -- all`. A run of one paper
replaces its section. The rule of each verdict is in `examples/papers/`, beside the experiment. Every
verdict is computed, and a claim that does not reproduce is marked. The experiments take minutes on two
cores, so widths, epochs and data often differ from the paper's. Every section states the differences.
The same seeds give the same numbers on any number of threads. Times are wall times on 2 cores.

| paper | claims that reproduce | that do not | command |
|---|---|---|---|
";

fn verdict(holds: bool) -> &'static str {
    if holds { "reproduces" } else { "**does not**" }
}

/// Prints the findings.
pub(crate) fn print(outcome: &Outcome) {
    for finding in &outcome.findings {
        println!("  - {}", finding.claim);
        println!("      published: {}", finding.published);
        println!("      measured:  {}", finding.measured);
        println!("      {}", verdict(finding.holds).trim_matches('*'));
    }
}

/// Replaces the paper's section in the file and keeps the others.
pub(crate) fn write(paper: &Paper, outcome: &Outcome, time: Duration) -> io::Result<()> {
    let old = fs::read_to_string(FILE).unwrap_or_default();
    let (mut overview, mut sections) = (HEAD.to_owned(), String::new());
    for known in PAPERS {
        let text = if known.name == paper.name {
            section(paper, outcome, time)
        } else if let Some(text) = find(&old, known.name) {
            text.to_owned()
        } else {
            continue;
        };
        let count = |holds| text.matches(&format!("| {} |\n", verdict(holds))).count();
        let name = known.name;
        let _ = writeln!(
            overview,
            "| [{name}](#{name}) | {} | {} | `papers -- {name}` |",
            count(true),
            count(false)
        );
        sections += &text;
    }
    fs::create_dir_all(concat!(env!("CARGO_MANIFEST_DIR"), "/docs"))?;
    fs::write(FILE, overview + &sections)
}

/// The section of a paper in the file, from its heading to the next one.
fn find<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let from = text.find(&format!("\n## {name}\n"))?;
    let rest = &text[from..];
    Some(rest[1..].find("\n## ").map_or(rest, |end| &rest[..=end]))
}

fn section(paper: &Paper, outcome: &Outcome, time: Duration) -> String {
    let Paper { name, title, changed, seeds, .. } = paper;
    let mut text = format!("\n## {name}\n\n{title}.\n\n");
    text += "| claim | published | measured | verdict |\n|---|---|---|---|\n";
    for finding in &outcome.findings {
        let (claim, verdict) = (finding.claim, verdict(finding.holds));
        let (published, measured) = (&finding.published, &finding.measured);
        let _ = writeln!(text, "| {claim} | {published} | {measured} | {verdict} |");
    }
    let _ = writeln!(text, "\nChanged against the paper: {changed}\n");
    if !outcome.details.is_empty() {
        let _ = writeln!(text, "```text\n{}\n```\n", outcome.details.join("\n"));
    }
    let _ = writeln!(
        text,
        "`cargo run --release --example papers -- {name}` · {seeds} · {:.0} s · fanin {}",
        time.as_secs_f64().max(1.0),
        env!("CARGO_PKG_VERSION")
    );
    text
}
