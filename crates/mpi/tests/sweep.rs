//! Sweeps that mpirun's processes share print what one process prints, also after one of them was killed.

mod common;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};
use std::{env, fs};

use common::{Dir, SETTINGS, errors, example};

fn sweep() -> PathBuf {
    example("sweep")
}

/// `None` where there is no mpirun. CI must have it.
fn mpirun(program: &Path, processes: usize, args: &[&str]) -> Option<Output> {
    mpirun_with(&[], program, processes, args)
}

fn mpirun_with(
    settings: &[&str],
    program: &Path,
    processes: usize,
    args: &[&str],
) -> Option<Output> {
    let found = Command::new("mpirun").arg("--version").output().is_ok();
    if !found {
        assert!(
            env::var_os("CI").is_none(),
            "mpirun is missing; docs/cluster.md says what to install"
        );
        println!("SKIPPED: mpirun is missing; docs/cluster.md says what to install");
        return None;
    }
    let mut command = Command::new("timeout");
    command.args(["--kill-after=5", "60", "mpirun"]).args(settings);
    command.args(["-n", &processes.to_string()]);
    Some(command.arg(program).args(args).envs(SETTINGS).output().unwrap())
}

#[track_caller]
fn printed(output: Output) -> String {
    assert!(output.status.success(), "{}", errors(&output));
    String::from_utf8(output.stdout).unwrap()
}

fn alone(args: &[&str]) -> String {
    printed(Command::new(sweep()).args(args).output().unwrap())
}

#[test]
fn two_and_four_processes_print_the_table_of_one() {
    let one = alone(&[]);
    assert!(one.contains("rate 0.01") && one.contains("accuracy"), "{one}");
    for processes in [1, 2, 4] {
        let Some(output) = mpirun(&sweep(), processes, &["wait=20"]) else { return };
        let said = errors(&output);
        assert_eq!(printed(output), one, "{processes} processes");
        // All of them work, process 0 too.
        let idle = said.lines().filter(|line| line.ends_with("did 0 runs")).count();
        assert!(idle == 0 && said.matches(" runs\n").count() == processes, "{said}");
    }
}

#[test]
fn a_sweep_of_which_a_process_was_killed_goes_on_from_its_journal() {
    let dir = Dir::new("kill");
    let journal = format!("journal={}", dir.0.join("journal").display());
    let begun = Instant::now();
    let Some(killed) = mpirun(&sweep(), 4, &[&journal, "wait=50", "kill=2"]) else { return };
    assert!(
        !killed.status.success() && errors(&killed).contains("signal 9"),
        "{}",
        errors(&killed)
    );
    assert!(begun.elapsed() < Duration::from_secs(30), "{:?}", begun.elapsed());
    let lines = fs::read_to_string(dir.0.join("journal")).unwrap().lines().count();
    assert!((2..13).contains(&lines), "{lines} lines");

    // On another number of processes, too.
    let again = mpirun(&sweep(), 3, &[&journal, "wait=50"]).unwrap();
    let said = errors(&again);
    assert_eq!(printed(again), alone(&[]));
    assert!(said.contains(&format!("journal: {} of 12 runs are done", lines - 1)), "{said}");
    assert_eq!(said.matches(" left\n").count(), 13 - lines, "{said}");
}

/// Open MPI can let the others live. Then the run of the dead process is given to one of them.
#[test]
fn where_the_others_live_they_do_the_run_of_a_process_that_was_killed() {
    let version = Command::new("mpirun").arg("--version").output();
    let version = version.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
    if version.is_ok_and(|version| !version.contains("Open MPI")) {
        println!("SKIPPED: this mpirun is not Open MPI's, and has no --enable-recovery");
        return;
    }
    let (args, begun) = (["wait=50", "kill=2", "limit=2"], Instant::now());
    let Some(output) = mpirun_with(&["--enable-recovery"], &sweep(), 4, &args) else { return };
    let said = errors(&output);
    assert!(begun.elapsed() < Duration::from_secs(40), "{:?}", begun.elapsed());
    assert!(said.contains("process 2 has been silent for 2 s"), "{said}");
    assert_eq!(String::from_utf8_lossy(&output.stdout), alone(&[]), "{said}");
    assert_eq!(said.matches(" left\n").count(), 12, "{said}");
}

#[test]
fn a_run_that_fails_in_another_process_ends_all() {
    let begun = Instant::now();
    let Some(output) = mpirun(&sweep(), 3, &["wait=20", "fail=1"]) else { return };
    let said = errors(&output);
    assert!(!output.status.success() && begun.elapsed() < Duration::from_secs(30), "{said}");
    assert!(said.contains("process 1, run ") && said.contains("): it does not work"), "{said}");
}

/// What a hand-out costs; docs/cluster.md has the numbers of a quiet machine.
#[test]
fn runs_that_do_nothing_take_little() {
    for processes in [2, 4] {
        let Some(output) = mpirun(&sweep(), processes, &["empty", "seeds=2000"]) else { return };
        print!("{}", printed(output));
    }
}

/// The example compare_inits of the root package, with the feature `mpi`.
#[test]
#[ignore = "it builds the root package; crates/mpi/check runs it"]
fn compare_inits_writes_the_same_files() {
    let dir = Dir::new("compare");
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut build = Command::new(env!("CARGO"));
    build.args(["build", "--quiet", "--features", "mpi", "--example", "compare_inits"]);
    assert!(build.current_dir(&root).status().unwrap().success());
    let built = env::var_os("CARGO_TARGET_DIR").map_or(root.join("target"), PathBuf::from);
    let program = built.join("debug/examples/compare_inits");
    let options =
        ["--dataset", "digits", "--schemes", "zeros", "pytorch", "--seeds", "2", "--epochs", "1"];
    let made = |output: Output, out: &str| {
        let read =
            |file: &str| fs::read(Path::new(out).join(format!("compare_inits{file}"))).unwrap();
        (printed(output), [".html", ".md", ".csv", "_losses.csv"].map(read))
    };
    let [one, three] = ["one", "three"].map(|name| dir.0.join(name).display().to_string());
    let output = Command::new(&program).args(options).args(["--out", &one]).output().unwrap();
    let one = made(output, &one);
    let Some(output) = mpirun(&program, 3, &[&options[..], &["--out", &three]].concat()) else {
        return;
    };
    // Not assert_eq, which would print the page.
    assert!(made(output, &three) == one);
}
