//! The mistakes of src/guide/mistakes.md: each is made here, and fanin or the compiler says what the
//! guide quotes.

mod at_compile_time;
mod at_run_time;

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const GUIDE: &str = include_str!("../../src/guide/mistakes.md");
const PROGRAMS: &str = include_str!("mistakes/at_run_time.rs");

/// The environment variable that names the mistake of a process.
const CASE: &str = "FANIN_MISTAKE";

/// A row of the guide.
struct Row {
    title: &'static str,
    /// What is said, with `…` for what is left out.
    said: &'static str,
}

/// The rows of all tables. A message in which there are backticks has two around it.
fn rows() -> Vec<Row> {
    let row = |line: &'static str| {
        let line = line.strip_prefix("| ")?.strip_suffix(" |")?;
        let (title, rest) = line.split_once(" | ")?;
        let (said, advice) = rest.rsplit_once(" | ")?;
        assert!(!advice.is_empty(), "{title}: what should one do?");
        let said = said.strip_prefix('`')?.strip_suffix('`')?;
        let said = said.strip_prefix("` ").and_then(|said| said.strip_suffix(" `")).unwrap_or(said);
        Some(Row { title, said })
    };
    GUIDE.lines().filter_map(row).collect()
}

/// A text in which any white space is one blank.
fn words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What a text lacks of a quotation, whose parts it must have in their order.
fn lacks(text: &str, row: &Row) -> Option<String> {
    let all = words(text).replace("fanin::prelude::", "").replace("fanin::", "");
    let mut rest = &*all;
    for part in row.said.split('…').map(str::trim) {
        let Some(at) = rest.find(part) else {
            return Some(format!("{}: no {part:?} in\n{text}", row.title));
        };
        rest = &rest[at + part.len()..];
    }
    None
}

#[test]
fn the_guide_has_each_mistake_once() {
    let made = at_run_time::MISTAKES.iter().map(|(title, _)| *title);
    let made = made.chain(at_compile_time::MISTAKES.iter().map(|(title, _)| *title));
    let (mut made, mut told) = (made.collect::<Vec<_>>(), rows());
    made.push(UNOPTIMIZED);
    made.sort_unstable();
    told.sort_unstable_by_key(|row| row.title);
    assert_eq!(told.iter().map(|row| row.title).collect::<Vec<_>>(), made);
    assert!(made.len() >= 30, "{}", made.len());
}

/// What a program that makes a mistake writes to standard error.
fn output_of(title: &str) -> String {
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["mistakes::makes_one", "--exact", "--nocapture"]);
    let output = command.env(CASE, title).env("RUST_BACKTRACE", "0").output().unwrap();
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn makes_one() {
    let Ok(title) = env::var(CASE) else { return };
    let (_, program) = at_run_time::MISTAKES.iter().find(|(own, _)| *own == title).unwrap();
    if let Err(error) = program() {
        eprintln!("Error: {error:?}");
    }
}

/// The lines of the programs that a text names.
fn lines_named(text: &str) -> Vec<usize> {
    let places = text.split("at_run_time.rs:").skip(1);
    places.map(|place| place.split(':').next().unwrap().parse().unwrap()).collect()
}

#[test]
fn fanin_says_what_the_guide_quotes() {
    let mut wrong = vec![];
    for row in rows() {
        if !at_run_time::MISTAKES.iter().any(|(title, _)| *title == row.title) {
            continue;
        }
        let output = output_of(row.title);
        if cfg!(not(debug_assertions)) && output.is_empty() {
            // A release build has no notes.
            continue;
        }
        wrong.extend(lacks(&output, &row));
        let lines = lines_named(&output);
        let has_place = !output.starts_with("Error: ") && !output.contains("σ(w)");
        let is_right = |line: usize| PROGRAMS.lines().nth(line - 1).unwrap().contains("// wrong");
        if has_place == lines.is_empty() || !lines.into_iter().all(is_right) {
            wrong.push(format!("{}: at another line:\n{output}", row.title));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The library that this test is linked with: the one that was built last.
fn library() -> PathBuf {
    let here = env::current_exe().unwrap();
    let files = fs::read_dir(here.parent().unwrap()).unwrap().map(|file| file.unwrap().path());
    let name = |path: &Path| path.file_name().unwrap().to_string_lossy().into_owned();
    let is_fanin = |path: &PathBuf| {
        name(path).starts_with("libfanin-") && path.extension().is_some_and(|e| e == "rlib")
    };
    let built = |path: &PathBuf| fs::metadata(path).unwrap().modified().unwrap();
    files.filter(is_fanin).max_by_key(built).expect("fanin is built")
}

/// What the compiler says of a program.
fn compiled(rustc: &str, fanin: &Path, number: usize, program: &str) -> String {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("mistakes");
    fs::create_dir_all(&folder).unwrap();
    let file = folder.join(format!("mistake_{number}.rs"));
    fs::write(&file, program).unwrap();
    let mut command = Command::new(rustc);
    command.args(["--edition=2024", "--crate-type=bin", "--emit=metadata", "--color=never"]);
    command.args(["--diagnostic-width=1000", "-Aunused-variables", "-Aunused-mut", "-Adead-code"]);
    command.arg("-L").arg(format!("dependency={}", fanin.parent().unwrap().display()));
    command.arg("--extern").arg(format!("fanin={}", fanin.display()));
    command.arg("--out-dir").arg(&folder).arg(&file);
    String::from_utf8(command.output().unwrap().stderr).unwrap()
}

#[test]
fn the_compiler_says_what_the_guide_quotes() {
    let rustc = env::var("RUSTC").unwrap_or_else(|_| "rustc".into());
    let version = Command::new(&rustc).arg("-vV").output().unwrap().stdout;
    let version = String::from_utf8(version).unwrap();
    if !version.contains(&format!("host: {}", env::consts::ARCH)) {
        eprintln!("these tests are emulated, and the compiler is another machine's");
        return;
    }
    let (fanin, mut wrong) = (library(), vec![]);
    for row in rows() {
        let at = at_compile_time::MISTAKES.iter().position(|(title, _)| *title == row.title);
        let Some(at) = at else { continue };
        if row.title == "a feature that is off" && cfg!(feature = "interop") {
            continue;
        }
        let said = compiled(&rustc, &fanin, at, at_compile_time::MISTAKES[at].1);
        wrong.extend(lacks(&said, &row));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

const UNOPTIMIZED: &str = "a build without optimization";

/// The tests are optimized, so that no program here makes this mistake.
#[test]
fn an_unoptimized_build_says_what_the_guide_quotes() {
    let row = rows().into_iter().find(|row| row.title == UNOPTIMIZED).unwrap();
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../nn/src/debug_build.rs");
    let source = fs::read_to_string(file).unwrap();
    assert_eq!(lacks(&source.replace("\\\n", "\n"), &row), None);
}
