//! The example compare_inits in several starts and in several jobs: table, page and files are those of one.
//! And its page: what is on the first screen, and a table for each picture.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// The example, which `cargo test` builds.
fn program() -> PathBuf {
    let here = env::current_exe().unwrap();
    let folder = here.parent().and_then(Path::parent).unwrap().join("examples");
    let program = folder.join("compare_inits").with_extension(env::consts::EXE_EXTENSION);
    assert!(
        program.exists(),
        "{} is missing: run `cargo test`, which builds it",
        program.display()
    );
    program
}

/// A folder that is removed in the end.
struct Folder(PathBuf);

impl Folder {
    fn new(test: &str) -> Self {
        let path = env::temp_dir().join(format!("fanin-compare-{test}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

const OPTIONS: [&str; 10] = [
    "--dataset",
    "digits",
    "--schemes",
    "zeros",
    "pytorch",
    "lsuv",
    "--seeds",
    "2",
    "--epochs",
    "1",
];

/// Six runs, with these options besides, in this folder.
fn compare(folder: &Folder, options: &[&str]) -> Command {
    let mut command = Command::new(program());
    command.args(OPTIONS).args(options).current_dir(&folder.0).stdin(Stdio::null());
    command
}

fn said(output: &Output) -> String {
    let [out, err] = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes));
    format!("{out}{err}")
}

fn succeeds(folder: &Folder, options: &[&str]) -> Output {
    let output = compare(folder, options).output().unwrap();
    assert!(output.status.success(), "{options:?}: {}", said(&output));
    output
}

/// What a call prints and writes to the directory `out`.
fn made(folder: &Folder, out: &str, options: &[&str]) -> Vec<Vec<u8>> {
    let output = succeeds(folder, &[options, &["--out", out]].concat());
    let files = ["html", "md", "csv"].map(|end| format!("compare_inits.{end}"));
    let files = files.iter().map(String::as_str).chain(["compare_inits_losses.csv"]);
    let written = files.map(|file| fs::read(folder.0.join(out).join(file)).unwrap());
    [output.stdout].into_iter().chain(written).collect()
}

#[test]
fn parts_make_the_table_and_the_page_of_one_process() {
    let folder = Folder::new("parts");
    let one = made(&folder, "one", &["--threads", "1"]);
    assert!(one[0].len() > 300 && one[1].len() > 10_000);
    for part in ["1/3", "2/3", "3/3"] {
        let file = &part[..1];
        let output = succeeds(&folder, &["--part", part, "--journal", file]);
        let want = format!("part {part}: 2 of 6 runs are in {file}; ");
        assert!(said(&output).contains(&want), "{}", said(&output));
    }
    assert_eq!(made(&folder, "merged", &["--merge", "3", "1", "2"]), one);

    let output = compare(&folder, &["--merge", "1", "3"]).output().unwrap();
    let lacks = "2 of 6 runs are missing: run 1 (pytorch, seed 0), run 4 (pytorch, seed 1). Do them with\n  \
                 cargo run --release --example compare_inits -- --dataset digits --schemes zeros pytorch lsuv \
                 --seeds 2 --epochs 1 --part 2/3 --journal part-2-of-3\n";
    assert!(!output.status.success() && said(&output).contains(lacks), "{}", said(&output));
}

#[test]
fn a_killed_process_goes_on_from_its_journal() {
    let folder = Folder::new("killed");
    let one = made(&folder, "one", &[]);
    let journal = folder.0.join("journal");
    let lines = || fs::read(&journal).unwrap_or_default().iter().filter(|&&b| b == b'\n').count();
    let mut process =
        compare(&folder, &["--journal", "journal", "--threads", "1"]).spawn().unwrap();
    let begun = Instant::now();
    while lines() < 3 {
        assert!(begun.elapsed() < Duration::from_secs(60), "there are {} lines", lines());
        thread::sleep(Duration::from_millis(1));
    }
    process.kill().unwrap();
    process.wait().unwrap();
    let done = lines() - 1;
    assert!((2..6).contains(&done), "{done} runs are done");
    // Killed while it wrote the next one.
    let text = [&fs::read(&journal).unwrap()[..], b"0123abcd {\"run\":"].concat();
    fs::write(&journal, text).unwrap();

    let output = compare(&folder, &["--journal", "journal"]).output().unwrap();
    let said = said(&output);
    let resumed = format!("journal: {done} of 6 runs are done");
    assert!(said.contains("the last line is torn") && said.contains(&resumed), "{said}");
    assert_eq!(said.matches(" left\n").count(), 6 - done, "{said}");
    assert_eq!(output.stdout, one[0]);
    assert_eq!(made(&folder, "again", &["--journal", "journal"]), one);

    let mut other = Command::new(program());
    other.args(["--dataset", "digits", "--journal", "journal"]).current_dir(&folder.0);
    let output = other.output().unwrap();
    let text = String::from_utf8_lossy(&output.stderr);
    let why = "it is of a sweep with `schemes zeros, pytorch, lsuv`, and this one has `schemes zeros, ones, ";
    assert!(!output.status.success() && text.contains(why), "{text}");
}

#[test]
fn options_that_do_not_fit() {
    let folder = Folder::new("options");
    for (options, error) in [
        (&["--part", "1/2"][..], "'--part' needs '--journal' as well"),
        (&["--part", "3/2", "--journal", "j"], "such as 3/16"),
        (&["--merge", "a", "--journal", "j"], "'--merge' cannot be used with '--journal'"),
        (&["--merge", "a"], "a: cannot read"),
    ] {
        let output = compare(&folder, options).output().unwrap();
        assert!(!output.status.success() && said(&output).contains(error), "{}", said(&output));
    }
    let output = compare(&folder, &[]).env("OMPI_COMM_WORLD_SIZE", "2").output().unwrap();
    let with_mpi = cfg!(feature = "mpi");
    let want = if with_mpi { "the launcher started 2" } else { "build with --features mpi" };
    assert!(said(&output).contains(want), "{}", said(&output));
}

#[test]
fn the_help_fits_the_terminal() {
    for columns in ["60", "80", "200"] {
        for dumb in [false, true] {
            let mut command = Command::new(program());
            command.arg("--help").env("COLUMNS", columns).env("FORCE_COLOR", "1");
            command.env("TERM", if dumb { "dumb" } else { "xterm-256color" });
            let help = said(&command.output().unwrap());
            assert!(
                help.contains("--journal <FILE>") && help.contains("kaiming_uniform"),
                "{help}"
            );
            let widest = help.lines().map(|line| line.chars().count()).max().unwrap();
            assert!(
                widest <= columns.parse().unwrap() && !help.contains('\x1b'),
                "{widest}: {help}"
            );
            assert_eq!(help.is_ascii(), dumb, "{help}");
        }
    }
}

/// What is between two texts, each time.
fn between<'t>(text: &'t str, open: &str, close: &str) -> Vec<&'t str> {
    let pieces = text.split(open).skip(1);
    pieces.map(|piece| piece.split_once(close).expect(close).0).collect()
}

/// Checks a page with this many initializations.
fn check_page(page: &str, initializations: usize) {
    // The first screen: the heading, the answer, and the ranking before everything else.
    let (first, rest) = page.split_once("<section id=\"findings\">").expect("findings");
    let (head, ranking) =
        first.split_once("<table role=\"table\" class=\"rank\"").expect("a ranking");
    assert!(
        head.contains("<h1>")
            && head.contains("class=\"lead\"")
            && !head.contains("<figure>\n<figure")
    );
    let (ranking, _) = ranking.split_once("</table>").unwrap();
    let means: Vec<f64> = between(ranking, "<td role=\"cell\" class=\"value\">", " ±")
        .iter()
        .map(|mean| mean.parse().expect("a number"))
        .collect();
    assert_eq!(means.len(), initializations);
    assert!(means.is_sorted_by(|a, b| a >= b), "{means:?}");
    let near = means.iter().filter(|&&mean| mean > means[0] - 3.0).count();
    assert_eq!(
        ranking.matches("<svg class=\"strip\" width=\"100%\" height=\"36\" role=\"img\">").count(),
        near
    );
    // Those that are far behind are apart from the scale.
    let (_, apart) =
        ranking.split_once("<tbody role=\"rowgroup\" class=\"apart\">").expect("failures");
    assert_eq!(apart.matches("<td role=\"cell\" class=\"place\">").count(), initializations - near);
    assert!(apart.contains("learns nothing") && !apart.contains("<svg"), "{apart}");

    // Each picture has a name, a description, and a table in its figure.
    let figures = between(page, "<figure>", "</figure>");
    assert!(figures.len() > 5, "{} figures", figures.len());
    let pictures = "role=\"img\">";
    let inside: usize = figures.iter().map(|figure| figure.matches(pictures).count()).sum();
    assert_eq!(inside, page.matches(pictures).count(), "pictures outside of figures");
    for figure in figures {
        let (pictures, table) = figure.split_once("<details><summary>Table: ").expect("a table");
        assert!(pictures.contains("<svg") && !table.contains("<svg"), "{figure}");
        assert!(table.contains("<caption>") && table.contains("<th scope=\"row\">"), "{table}");
    }
    for svg in page.split("<svg").skip(1) {
        let (tag, body) = svg.split_once('>').unwrap();
        let named = || {
            let (title, rest) = body.strip_prefix("<title>")?.split_once("</title><desc>")?;
            let (text, _) = rest.split_once("</desc>")?;
            Some(!title.is_empty() && !text.is_empty())
        };
        // A mark in a picture is a part of it.
        let hidden = tag.contains("aria-hidden=\"true\"") || tag.contains("class=\"over\"");
        assert!(hidden || named() == Some(true), "<svg{svg}");
    }

    // Where the links go, and what the keyboard comes to first.
    for id in between(page, "<a href=\"#", "\"") {
        assert!(page.contains(&format!("<section id=\"{id}\">")), "#{id}");
    }
    assert!(page.contains("<body>\n<a class=\"skip\" href=\"#ranking\">"));
    for section in ["depth", "choose", "losses", "signals", "numbers", "method"] {
        assert!(rest.contains(&format!("<section id=\"{section}\">")), "{section}");
    }
    let regions = between(page, "role=\"region\" aria-label=\"", "\"");
    let different: std::collections::HashSet<_> = regions.iter().collect();
    assert_eq!(different.len(), regions.len(), "regions have names of their own: {regions:?}");

    // One file, in which each tag is closed.
    for outside in ["http", "<script", "src=", "url(", "@import", "<link"] {
        assert!(!page.contains(outside), "{outside}");
    }
    for style in ["@media print", "(prefers-color-scheme: dark)", "(max-width: 640px)"] {
        assert!(page.contains(style), "{style}");
    }
    let mut open = vec![];
    for tag in between(page, "<", ">").iter().filter(|tag| !tag.starts_with('!')) {
        let name = tag.split([' ', '/']).next().unwrap();
        match tag.strip_prefix('/') {
            Some(closed) => assert_eq!(open.pop(), Some(closed), "before <{tag}>"),
            None if tag.ends_with('/') || ["meta", "br"].contains(&name) => {}
            None => open.push(name),
        }
    }
    assert!(open.is_empty(), "{open:?} are open");
}

#[test]
fn the_page_begins_with_the_ranking_and_has_a_table_for_each_picture() {
    let folder = Folder::new("page");
    let files = made(&folder, "out", &[]);
    check_page(std::str::from_utf8(&files[1]).unwrap(), 3);
}

#[test]
fn the_committed_page_is_one_that_the_example_writes() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs");
    let page = fs::read_to_string(docs.join("compare_inits.html")).unwrap();
    check_page(&page, 20);
    let css = include_str!("../examples/compare_inits/page.css");
    assert!(page.contains(css), "write docs/compare_inits.html anew");
    // The accuracies by depth on it are those of the file.
    for line in fs::read_to_string(docs.join("depth.csv")).unwrap().lines().skip(1) {
        let [_, _, _, mean, half] = line.split(',').collect::<Vec<_>>()[..] else {
            panic!("{line}")
        };
        let [mean, half]: [f64; 2] = [mean, half].map(|x| x.parse().unwrap());
        let cell = format!("<td>{mean:.1} ± {half:.1}</td>");
        assert!(page.contains(&cell), "{line}");
    }
}
