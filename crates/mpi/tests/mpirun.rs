//! Trainings on 1, 2 and 4 processes, which mpirun starts on this machine.

mod common;

use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use common::{Dir, SETTINGS, errors, example};

impl Dir {
    fn file(&self, name: &str) -> String {
        self.0.join(name).display().to_string()
    }
}

/// Trainings that fail end within this time, on a busy machine too: the start takes most of it.
const MOST: Duration = Duration::from_secs(30);

/// One training at a time: the tests measure time, and the machine may have two processors.
static TURN: Mutex<()> = Mutex::new(());

/// Runs the program on this many processes.
fn mpirun_with(settings: &[&str], processes: usize, args: &[&str]) -> Output {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let mut command = Command::new("timeout");
    command.args(["--kill-after=5", "120", "mpirun"]).args(settings);
    command.args(["-n", &processes.to_string()]).arg(example("train")).args(args);
    command.envs(SETTINGS).env("FANIN_NUM_THREADS", "1").output().unwrap()
}

/// What a training says that ends before its time.
fn failure(settings: &[&str], processes: usize, args: &[&str]) -> String {
    let begin = Instant::now();
    let output = mpirun_with(settings, processes, args);
    let (errors, took) = (errors(&output), begin.elapsed());
    assert!(took < MOST, "{args:?}: {took:?}: {errors}");
    // With this setting mpirun gives 0 whatever has happened.
    assert!(settings == ["--enable-recovery"] || !output.status.success(), "{args:?}: {errors}");
    errors
}

fn mpirun(processes: usize, args: &[&str]) -> Output {
    mpirun_with(&[], processes, args)
}

#[track_caller]
fn succeeds(output: Output) {
    assert!(output.status.success(), "{}", errors(&output));
}

fn bytes(file: &str) -> Vec<u8> {
    fs::read(file).unwrap_or_else(|error| panic!("{file}: {error}"))
}

/// The losses of each step.
fn losses(file: &str) -> Vec<f64> {
    fs::read_to_string(file).unwrap().lines().map(|line| line.parse().unwrap()).collect()
}

fn is_installed() -> bool {
    Path::new("/usr/bin/mpirun").exists()
        || Command::new("mpirun").arg("--version").output().is_ok()
}

/// 784-512-256-10 on the full MNIST where it is found.
#[test]
fn one_two_and_four_processes_give_one_file_under_the_exact_sum() {
    assert!(is_installed(), "mpirun is missing; docs/cluster.md says what to install");
    let dir = Dir::new("exact");
    let run = |processes: usize| {
        let (out, steps) =
            (dir.file(&format!("{processes}.fanin")), dir.file(&format!("{processes}.txt")));
        let [out_option, losses_option] = [format!("out={out}"), format!("losses={steps}")];
        let args = ["sum=exact", "micro=4", "net=mnist", "steps=40", &out_option, &losses_option];
        succeeds(mpirun(processes, &args));
        (bytes(&out), bytes(&steps))
    };
    let one = run(1);
    assert!(one.0.len() > 4 * (784 * 512 + 512 * 256 + 256 * 10));
    let first = losses(&dir.file("1.txt"));
    assert!(first.len() == 40 && first[39] < 0.7 * first[0], "{first:?}");
    for processes in [2, 4] {
        // Not assert_eq, which would print megabytes.
        assert!(run(processes) == one, "{processes} processes have written another file");
    }
}

#[test]
fn dropout_and_batch_normalization_do_not_depend_on_the_number_of_processes() {
    let dir = Dir::new("norm");
    let run = |processes: usize, name: &str, args: &[&str]| {
        let out = dir.file(name);
        let out_option = format!("out={out}");
        let own = ["sum=exact", "micro=4", "net=norm", "steps=40", "batch=300", &out_option];
        succeeds(mpirun(processes, &[&own[..], args].concat()));
        bytes(&out)
    };
    let one = run(1, "1", &[]);
    // Three processes have one, one and two of the four micro-batches.
    for processes in [2, 3, 4] {
        assert!(run(processes, &processes.to_string(), &[]) == one, "{processes} processes");
    }
    // Stopped after 20 steps, and gone on with on another number of processes.
    let checkpoints = format!("dir={}", dir.file("run"));
    run(4, "first", &[&checkpoints, "steps=20"]);
    assert!(run(2, "second", &[&checkpoints]) == one);
}

#[test]
fn the_fast_sum_stays_within_1e_5_over_200_steps() {
    let dir = Dir::new("fast");
    let run = |processes: usize, sum: &str| {
        let file = dir.file(&format!("{processes}{sum}"));
        let [sum, losses_option] = [format!("sum={sum}"), format!("losses={file}")];
        succeeds(mpirun(processes, &[&sum, "net=small", "steps=200", "micro=4", &losses_option]));
        losses(&file)
    };
    let one = run(1, "exact");
    for processes in [2, 4] {
        let fast = run(processes, "fast");
        assert_eq!((one.len(), fast.len()), (200, 200));
        let worst = one.iter().zip(&fast).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        println!("{processes} processes: losses within {worst:e} over 200 steps");
        assert!(worst < 1e-5, "{worst}");
    }
}

/// mpirun ends the others when one dies, and names it. The last checkpoint goes on.
#[test]
fn a_process_that_is_killed_ends_all_and_the_training_goes_on() {
    let dir = Dir::new("kill");
    let [whole, resumed] = ["whole", "resumed"].map(|name| dir.file(name));
    let checkpoints = format!("dir={}", dir.file("run"));
    let args = |out: &str, more: &[&str]| {
        let own = ["sum=exact", "micro=4", "steps=40"].map(str::to_owned);
        own.into_iter()
            .chain([format!("out={out}")])
            .chain(more.iter().map(|s| (*s).to_owned()))
            .collect()
    };
    let run = |processes, args: Vec<String>| {
        mpirun(processes, &args.iter().map(|s| &**s).collect::<Vec<_>>())
    };
    succeeds(run(2, args(&whole, &[])));
    let killed = run(2, args(&resumed, &[&checkpoints, "kill=1", "at=25"]));
    assert!(!killed.status.success());
    assert!(
        errors(&killed).contains("rank 1") && errors(&killed).contains("signal 9"),
        "{}",
        errors(&killed)
    );
    assert!(!Path::new(&resumed).exists());
    succeeds(run(2, args(&resumed, &[&checkpoints])));
    assert!(bytes(&resumed) == bytes(&whole));
}

/// Under a launcher that does not see it, such as one of processes on several machines whose network is
/// lost: the others end by themselves.
#[test]
fn a_process_that_is_silent_is_named_within_the_limit() {
    // mpirun does not see that a process has stopped, and is told not to care for one that has died.
    for (fault, settings) in [("halt=1", &[][..]), ("kill=1", &["--enable-recovery"][..])] {
        let errors = failure(settings, 3, &["sum=exact", "steps=40", "at=5", "limit=3", fault]);
        assert!(errors.contains("fanin-mpi: step 5: process"), "{errors}");
        assert!(
            errors.contains("waited 3 s") && errors.contains("has not heard of process 1."),
            "{errors}"
        );
    }
}

#[test]
fn a_process_that_panics_ends_all_at_once() {
    let errors = failure(&[], 2, &["sum=exact", "steps=40", "at=5", "panic=1"]);
    assert!(errors.contains("process 1 panicked, and ends all processes"), "{errors}");
}

#[test]
fn processes_with_different_weights_are_named() {
    let errors = failure(&[], 2, &["other=1"]);
    assert!(
        errors.contains("process 1 has other weights than process 0; call manual_seed"),
        "{errors}"
    );
}

#[test]
fn fewer_samples_than_processes_and_fewer_micro_batches() {
    succeeds(mpirun(4, &["batch=3", "steps=5"]));
    let errors = failure(&[], 4, &["micro=2"]);
    assert!(
        errors.contains("4 processes need a micro-batch each: write micro_batches(4)"),
        "{errors}"
    );
}

#[test]
fn without_mpirun_it_is_one_process() {
    let mut command = Command::new("timeout");
    let command = command
        .arg("60")
        .arg(example("train"))
        .args(["steps=3", "micro=4"])
        .envs(SETTINGS)
        .env("FANIN_NUM_THREADS", "1");
    let output = command.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(text.starts_with("1 processes"), "{text}{}", errors(&output));
    succeeds(output);
}

/// MPICH's mpirun starts processes each of which Open MPI takes for the only one.
#[test]
fn the_mpirun_of_another_library_is_refused() {
    let mut command = Command::new("timeout");
    command
        .arg("60")
        .arg(example("train"))
        .arg("steps=3")
        .envs(SETTINGS)
        .env("FANIN_NUM_THREADS", "1");
    let output = command.envs([("PMI_SIZE", "4"), ("PMI_RANK", "2")]).output().unwrap();
    let errors = errors(&output);
    assert!(!output.status.success());
    assert!(errors.contains("PMI_SIZE=4: the launcher started 4 processes"), "{errors}");
    assert!(errors.contains("start it with the mpirun of that library"), "{errors}");
}
