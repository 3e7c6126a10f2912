//! docs/course.md: the texts of all lessons, and what the lessons print.

use std::env;
use std::fs;
use std::io;
use std::path::Path;
use std::process::Command;

use crate::{LESSONS, Lesson};

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/course.md");

const OUTPUT: &str = "```text\n";
const END: &str = "```\n";

const HEAD: &str = "# A course in fifteen lessons

Each lesson is a complete program of some 80 lines: copied to the `src/main.rs` of a package that depends
on fanin, it runs as it is. It prints what its text speaks of, and asserts what its text says. Below each
text is what the program printed on one machine; on another CPU the last digits may differ.

`cargo run --release --example course` lists the lessons, and with `-- zeros` or `-- 5` it runs one.
This page is written by `cargo run --release --features interop --example course -- --index docs/course.md`.
";

/// Runs all lessons, each in a process of its own, and writes the page.
pub(crate) fn write(file: &Path) -> fanin::Result<()> {
    fs::write(file, page(output)?)?;
    println!("written: {}", file.display());
    Ok(())
}

/// Compares the page in the repository with the lessons, but for what they print.
pub(crate) fn check() -> fanin::Result<()> {
    let (there, expected) =
        (without_outputs(&fs::read_to_string(FILE)?), page(|_| Ok(String::new()))?);
    let mut lines = there.lines().zip(expected.lines());
    if let Some((there, expected)) = lines.find(|(there, expected)| there != expected) {
        panic!(
            "docs/course.md has {there:?} where the lessons have {expected:?}; write it by\n\
             cargo run --release --features interop --example course -- --index docs/course.md"
        );
    }
    assert_eq!(
        there.len(),
        expected.len(),
        "docs/course.md ends early or late; write it by --index"
    );
    Ok(())
}

fn page(output: impl Fn(&Lesson) -> fanin::Result<String>) -> fanin::Result<String> {
    let mut page = format!("{HEAD}\n| | lesson | file |\n|---|---|---|\n");
    for lesson in &LESSONS {
        let (number, title, file) = (lesson.number(), lesson.title(), lesson.file);
        let anchor = anchor(&format!("{number}. {title}"));
        page +=
            &format!("| {number} | [{title}](#{anchor}) | [{file}](../examples/course/{file}) |\n");
    }
    for lesson in &LESSONS {
        let (number, title) = (lesson.number(), lesson.title());
        page += &format!("\n## {number}. {title}\n\n{}\n\n", lesson.text());
        page += &format!("`{}`\n\n{OUTPUT}{}{END}", lesson.command(), output(lesson)?);
    }
    Ok(page)
}

/// The anchor that GitHub gives a heading.
fn anchor(heading: &str) -> String {
    let kept = heading.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-'));
    kept.map(|c| if c == ' ' { '-' } else { c.to_ascii_lowercase() }).collect()
}

/// What a lesson prints, without its text.
fn output(lesson: &Lesson) -> fanin::Result<String> {
    if lesson.main.is_none() {
        let why = format!("lesson {} is not compiled in; add --features interop", lesson.number());
        return Err(io::Error::other(why).into());
    }
    let ran = Command::new(env::current_exe()?).arg(lesson.name()).output()?;
    let printed = String::from_utf8_lossy(&ran.stdout);
    match printed.strip_prefix(&lesson.head()) {
        Some(output) if ran.status.success() => Ok(output.into()),
        _ => {
            let why = String::from_utf8_lossy(&ran.stderr);
            Err(io::Error::other(format!("lesson {}: {}\n{why}", lesson.number(), ran.status))
                .into())
        }
    }
}

fn without_outputs(page: &str) -> String {
    let mut parts = page.split(OUTPUT);
    let mut text: String = parts.next().unwrap_or_default().into();
    for part in parts {
        text += OUTPUT;
        text += part.find(END).map_or("", |end| &part[end..]);
    }
    text
}
