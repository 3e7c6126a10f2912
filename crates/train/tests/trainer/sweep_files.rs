//! A sweep in several starts and in several jobs gives the table of one.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use fanin_train::{Error, Result, Runs, Sweep, SweepPart, SweepResults, Trial};

/// A folder that is removed in the end.
struct Folder(PathBuf);

impl Folder {
    fn new(test: &str) -> Self {
        let path = std::env::temp_dir().join(format!("fanin-{test}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn sweep() -> Sweep {
    Sweep::new().seeds([3, 4, 5, 6, 9]).rates([0.1, 1e-3]).settings("no epochs").threads(2).silent()
}

/// Numbers with many digits, and some that are none.
fn score(trial: &Trial) -> Result<[(&'static str, f64); 2]> {
    let value = (trial.seed as f64 / 7.0).sin() * trial.rate();
    Ok([("score", value), ("none", if trial.seed == 4 { f64::NAN } else { f64::INFINITY })])
}

fn run(sweep: &Sweep) -> Result<SweepResults> {
    sweep.run(score)
}

/// All that does not depend on the clock.
fn bytes(results: &SweepResults) -> (String, String) {
    let csv = results.to_csv();
    let without_seconds = csv.lines().map(|line| line.rsplit_once(',').unwrap().0);
    (results.to_string(), without_seconds.collect::<Vec<_>>().join("\n"))
}

/// Goes on with a journal. Gives the results, and how many trainings it took.
fn resume(path: &Path) -> Result<(SweepResults, usize)> {
    let count = AtomicUsize::new(0);
    let results = sweep().journal(path).run(|trial| {
        count.fetch_add(1, Ordering::Relaxed);
        score(trial)
    })?;
    Ok((results, count.into_inner()))
}

#[test]
fn an_interrupted_sweep_goes_on() {
    let folder = Folder::new("goes-on");
    let path = folder.file("journal");
    let fails = sweep().threads(1).journal(&path).run(|trial| match trial.seed {
        6 => Err(Error::Option { option: "seed 6".into(), advice: "fails".into() }),
        _ => score(trial),
    });
    assert_eq!(fails.unwrap_err().to_string(), "seed 6: fails");
    let (results, count) = resume(&path).unwrap();
    assert_eq!(count, 7, "the three before seed 6 are done");
    let whole = run(&sweep()).unwrap();
    assert_eq!(bytes(&results), bytes(&whole));
    let (again, count) = resume(&path).unwrap();
    assert_eq!((again.to_csv(), count), (results.to_csv(), 0), "the seconds are the same, too");
}

#[test]
fn a_journal_that_is_cut_anywhere_loses_what_is_cut() {
    let folder = Folder::new("cut");
    let (path, whole) = (folder.file("journal"), run(&sweep()).unwrap());
    run(&sweep().threads(1).journal(&path)).unwrap();
    let text = fs::read(&path).unwrap();
    for length in 0..text.len() {
        fs::write(&path, &text[..length]).unwrap();
        let lines = text[..length].iter().filter(|&&byte| byte == b'\n').count();
        let (results, count) = resume(&path).unwrap();
        assert_eq!(count, 10 - lines.saturating_sub(1), "cut after {length} bytes");
        assert_eq!(bytes(&results), bytes(&whole), "cut after {length} bytes");
        assert_eq!(resume(&path).unwrap().1, 0, "cut after {length} bytes");
    }
    // A crash of the machine may leave zeros.
    fs::write(&path, [&text[..text.len() - 20], &[0; 5000]].concat()).unwrap();
    assert_eq!(resume(&path).unwrap().1, 1);
}

#[test]
fn a_journal_that_is_changed_anywhere_gives_an_error_or_the_same() {
    let folder = Folder::new("changed");
    let (path, whole) = (folder.file("journal"), bytes(&run(&sweep()).unwrap()));
    run(&sweep().threads(1).journal(&path)).unwrap();
    let text = fs::read(&path).unwrap();
    let last = text[..text.len() - 1].iter().rposition(|&byte| byte == b'\n').unwrap() + 1;
    for at in 0..text.len() {
        for byte in [b'7', b'\n', 0xff] {
            let mut changed = text.clone();
            changed[at] = byte;
            fs::write(&path, &changed).unwrap();
            match resume(&path) {
                Ok((results, count)) => {
                    assert_eq!(bytes(&results), whole, "byte {at} is {byte}");
                    // Without the end of the line before, the last two lines are torn.
                    let lost = if at + 1 == last { 2 } else { 1 };
                    assert_eq!(
                        count,
                        if changed == text { 0 } else { lost },
                        "byte {at} is {byte}"
                    );
                    assert!(
                        at + 1 >= last || changed == text,
                        "byte {at} is {byte}: nobody saw it"
                    );
                }
                Err(error) => {
                    let error = error.to_string();
                    let advice = ["delete this line", "the name of one, or of a new file"];
                    assert!(advice.iter().any(|advice| error.contains(advice)), "{error}");
                    assert_eq!(fs::read(&path).unwrap(), changed, "the file was written to");
                }
            }
        }
    }
}

#[test]
fn a_journal_of_another_sweep_is_refused() {
    let folder = Folder::new("foreign");
    let path = folder.file("journal");
    run(&sweep().journal(&path)).unwrap();
    let before = fs::read(&path).unwrap();
    let others = [
        (sweep().seeds(3..8), "`seeds 3..7, 9`"),
        (
            sweep().rates([0.1, 1e-3, 1.0]),
            "`rates 0.1, 0.001`, and this one has `rates 0.1, 0.001, 1`",
        ),
        (sweep().settings("1 epoch"), "`no epochs`, and this one has `1 epoch`"),
        (sweep().variants(["a"]), "this one has `variants a`"),
    ];
    for (other, what) in others {
        let error = run(&other.clone().variants(["a"]).journal(&path)).unwrap_err().to_string();
        assert!(error.contains("it is of a sweep with `"), "{error}");
        let score = |trial: &Trial| Ok::<_, Error>(trial.seed as f64);
        for error in [
            other.clone().journal(&path).run(score).unwrap_err(),
            other.merge([&path]).unwrap_err(),
        ] {
            let error = error.to_string();
            assert!(error.contains(what) && error.contains("journal"), "{error}");
        }
        assert_eq!(fs::read(&path).unwrap(), before);
    }
    for text in ["my notes\n", "x", "00000000 {}\n"] {
        fs::write(&path, text).unwrap();
        let error = resume(&path).unwrap_err().to_string();
        assert!(error.contains("the name of one, or of a new file"), "{error}");
        assert_eq!(fs::read_to_string(&path).unwrap(), text, "nothing is lost");
        let error = sweep().merge([&path]).unwrap_err().to_string();
        assert!(error.contains("no journal of a sweep"), "{error}");
    }
    let error = resume(&folder.0).unwrap_err().to_string();
    assert!(error.contains("a directory"), "{error}");
    let error = sweep().merge([folder.file("none")]).unwrap_err().to_string();
    assert!(error.contains("none: cannot read"), "{error}");
}

#[test]
fn one_journal_has_one_writer() {
    let folder = Folder::new("writer");
    let path = folder.file("journal");
    let error = sweep().threads(1).journal(&path).run(|_| resume(&path).map(|_| 1.0));
    let error = error.unwrap_err().to_string();
    assert!(error.contains("another process writes it"), "{error}");
}

#[test]
fn parts_are_the_whole() {
    let folder = Folder::new("parts");
    let whole = bytes(&run(&sweep()).unwrap());
    for of in [1, 2, 3, 10, 16] {
        let files: Vec<_> = (1..=of).map(|n| folder.file(&format!("part-{n}-{of}"))).collect();
        let mut runs = 0;
        for (n, file) in (1..).zip(&files) {
            runs += run(&sweep().part(SweepPart::new(n, of)).journal(file)).unwrap().runs.len();
        }
        assert_eq!(runs, 10, "{of} parts");
        // In any order, and one of them twice.
        let merged = sweep().merge(files.iter().rev().chain(&files[..1])).unwrap();
        assert_eq!(bytes(&merged), whole, "{of} parts");
    }
}

#[test]
fn missing_runs_are_named_with_what_does_them() {
    let folder = Folder::new("missing");
    let file = |n: usize| folder.file(&format!("part-{n}"));
    for n in [1, 3] {
        run(&sweep().threads(1).part(SweepPart::new(n, 3)).journal(file(n))).unwrap();
    }
    // The third part lacks its last run.
    let text = fs::read_to_string(file(3)).unwrap();
    fs::write(file(3), text.lines().take(3).map(|line| format!("{line}\n")).collect::<String>())
        .unwrap();
    let error = sweep().merge([file(1), file(3)]).unwrap_err().to_string();
    let third = file(3);
    for want in [
        "4 of 10 runs are missing: run 1 (rate 0.1, seed 4), run 4 (rate 0.1, seed 9), run 7 (rate 0.001, seed 5), \
         run 8 (rate 0.001, seed 6). Do them with",
        "the sweep with .part(\"2/3\".parse()?).journal(\"part-2-of-3\")",
        &*format!("the sweep with .part(\"3/3\".parse()?).journal({third:?})"),
    ] {
        assert!(error.contains(want), "{error}\nlacks {want}");
    }
    let none: [PathBuf; 0] = [];
    let error = sweep().merge(none).unwrap_err().to_string();
    assert!(
        error.contains("10 of 10 runs are missing") && error.contains("and 2 others"),
        "{error}"
    );
    assert!(error.contains("the sweep with .journal(\"part-1-of-1\")"), "{error}");

    // What the message says is what does it.
    run(&sweep().part("2/3".parse().unwrap()).journal(file(2))).unwrap();
    run(&sweep().part("3/3".parse().unwrap()).journal(file(3))).unwrap();
    let merged = sweep().merge([file(1), file(2), file(3)]).unwrap();
    assert_eq!(bytes(&merged), bytes(&run(&sweep()).unwrap()));

    let runs = Runs::new("", ["a", "b"]).command("cargo run --example it");
    let error = runs.merge(none_at_all()).unwrap_err().to_string();
    assert!(error.contains("\n  cargo run --example it -- --journal part-1-of-1\n"), "{error}");
}

fn none_at_all() -> [PathBuf; 0] {
    []
}

#[test]
fn a_run_that_is_there_twice_has_the_same_bits() {
    let folder = Folder::new("twice");
    let (a, b) = (folder.file("a"), folder.file("b"));
    run(&sweep().journal(&a)).unwrap();
    let off = |trial: &Trial| {
        let [(name, value), second] = score(trial)?;
        let off = if (trial.seed, trial.rate()) == (5, 0.1) { 1e-15 } else { 0.0 };
        Ok::<_, Error>([(name, value + off), second])
    };
    sweep().journal(&b).run(off).unwrap();
    let error = sweep().merge([&a, &b]).unwrap_err().to_string();
    let want = format!("run 2 (rate 0.1, seed 5) is also in {}, with another result", a.display());
    assert!(error.starts_with(&format!("{}: ", b.display())) && error.contains(&want), "{error}");
    assert!(sweep().merge([&a, &a]).is_ok());
}

#[test]
fn runs_of_any_kind() {
    let folder = Folder::new("any");
    let path = folder.file("journal");
    let runs =
        || Runs::new("", (0..20).map(|n| format!("n = {n}"))).threads(3).silent().journal(&path);
    let texts = |n: usize| Ok::<_, Error>(format!("{n}\n\\ \"ä\""));
    let done = runs().run(texts).unwrap();
    assert_eq!((runs().len(), runs().is_empty()), (20, false));
    for (n, one) in done.iter().enumerate() {
        assert_eq!((one.run, &*one.text), (n, &*texts(n).unwrap()));
    }
    assert_eq!(runs().run(|_| -> Result<String> { unreachable!() }).unwrap(), done);
    assert_eq!(runs().merge([&path]).unwrap(), done);
}
