//! Ctrl-C, and streams that nobody reads: each in a process of its own.
//!
//! A test runs this program again with the name of a part, which does the work.

use std::env;
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::{Duration, Instant};

use fanin_datasets::Table;
use fanin_nn::init::rand::Rng;
use fanin_nn::init::{TorchRng, manual_seed};
use fanin_nn::layers::{BatchNorm1d, Dropout};
use fanin_nn::losses::Mse;
use fanin_nn::{Adam, Checkpoint, Linear, Sequential, Sgd};
use fanin_train::{Checkpoints, History, Result, Stopped, Sweep, Trainer};

const PART: &str = "FANIN_TRAIN_PART";
const SIGINT: i32 = 2;

/// Runs a test of this file in another process, where [`is_child`] is true.
fn child(test: &str) -> Command {
    let mut command = Command::new(env::current_exe().unwrap());
    command.args([&format!("children::{test}"), "--exact", "--nocapture", "--test-threads=1"]);
    command.env(PART, test).stdin(Stdio::null());
    command
}

fn is_child() -> bool {
    env::var_os(PART).is_some()
}

fn said(output: &Output) -> String {
    let [out, err] = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes));
    format!("{out}{err}")
}

/// What the terminal does at Ctrl-C. The signal may come a moment later.
fn press_ctrl_c() {
    let pid = std::process::id().to_string();
    assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
    thread::sleep(Duration::from_millis(50));
}

fn table() -> Table {
    let rows: Vec<[f32; 2]> = (0..64).map(|i| [i as f32 / 64.0, 1.0]).collect();
    let y: Vec<f32> = rows.iter().map(|row| 2.0 * row[0]).collect();
    Table::from_rows(rows, y.into()).unwrap()
}

fn fit(on_step: impl FnMut(usize)) -> History {
    let mut on_step = on_step;
    let mut model = Linear::new(2, 1);
    Trainer::new(Mse::new(), Sgd::new(0.1))
        .epochs(1_000)
        .batch(16)
        .on_step(|step| on_step(step.step))
        .silent()
        .fit(&mut model, &table(), &table())
        .unwrap()
}

#[test]
fn ctrl_c_ends_training_after_the_step() {
    if is_child() {
        let history = fit(|step| {
            if step == 6 {
                press_ctrl_c();
            }
        });
        assert_eq!(history.stopped, Stopped::Interrupted);
        assert_eq!(history.epochs.len(), 2);
        assert_eq!((history.epochs[1].steps, history.epochs[1].valid_loss), (2, None));
        // The next training begins anew.
        let history = fit(|step| {
            if step == 9 {
                press_ctrl_c();
            }
        });
        assert_eq!((history.stopped, history.epochs.len()), (Stopped::Interrupted, 3));
        println!("went on");
        return;
    }
    let output = child("ctrl_c_ends_training_after_the_step").output().unwrap();
    assert!(output.status.success() && said(&output).contains("went on"), "{}", said(&output));
}

#[test]
fn a_second_ctrl_c_ends_the_process() {
    if is_child() {
        fit(|step| {
            if step == 6 {
                press_ctrl_c();
                press_ctrl_c();
                println!("still here");
            }
        });
        return;
    }
    let output = child("a_second_ctrl_c_ends_the_process").output().unwrap();
    assert_eq!(output.status.signal(), Some(SIGINT), "{}", said(&output));
    assert!(!said(&output).contains("still here"));
}

#[test]
fn after_training_ctrl_c_ends_the_process_again() {
    if is_child() {
        fit(|step| {
            if step == 2 {
                press_ctrl_c();
            }
        });
        println!("trained");
        press_ctrl_c();
        println!("still here");
        return;
    }
    let output = child("after_training_ctrl_c_ends_the_process_again").output().unwrap();
    assert_eq!(output.status.signal(), Some(SIGINT), "{}", said(&output));
    assert!(said(&output).contains("trained") && !said(&output).contains("still here"));
}

#[test]
fn a_trainer_may_leave_ctrl_c_alone() {
    if is_child() {
        let mut trainer = Trainer::new(Mse::new(), Sgd::new(0.1)).ctrl_c(false).silent();
        trainer = trainer.on_step(|step| {
            if step.step == 2 {
                press_ctrl_c();
            }
        });
        trainer.fit_all(&mut Linear::new(2, 1), &table()).unwrap();
        println!("still here");
        return;
    }
    let output = child("a_trainer_may_leave_ctrl_c_alone").output().unwrap();
    assert_eq!(output.status.signal(), Some(SIGINT), "{}", said(&output));
}

/// As for a job that a shell runs in the background.
#[test]
fn an_ignored_ctrl_c_stays_ignored() {
    if is_child() {
        let mut last = 0;
        let history = fit(|step| {
            last = step;
            if step == 2 {
                press_ctrl_c();
            }
        });
        assert_eq!((history.stopped, last), (Stopped::Finished, 4_000));
        println!("trained to the end");
        return;
    }
    if !cfg!(target_os = "linux") {
        return; // which tells what a signal does
    }
    let test = "an_ignored_ctrl_c_stays_ignored";
    let program = env::current_exe().unwrap();
    let script = format!("trap '' INT; exec \"$0\" children::{test} --exact --nocapture");
    let output =
        Command::new("sh").args(["-c", &script]).arg(program).env(PART, test).output().unwrap();
    assert!(said(&output).contains("trained to the end"), "{}", said(&output));
}

#[test]
fn ctrl_c_ends_trainings_of_all_threads() {
    if is_child() {
        // All three run when it is pressed.
        let begun = Arc::new(Barrier::new(3));
        let other = |_| {
            let begun = begun.clone();
            let on_step = move |step| {
                if step == 1 {
                    begun.wait();
                }
                thread::sleep(Duration::from_millis(1));
            };
            thread::spawn(move || fit(on_step))
        };
        let others: Vec<_> = (0..2).map(other).collect();
        let here = fit(|step| {
            if step == 1 {
                begun.wait();
                press_ctrl_c();
            }
        });
        assert_eq!(here.stopped, Stopped::Interrupted);
        for other in others {
            assert_eq!(other.join().unwrap().stopped, Stopped::Interrupted);
        }
        println!("all ended");
        return;
    }
    let output = child("ctrl_c_ends_trainings_of_all_threads").output().unwrap();
    assert!(said(&output).contains("all ended"), "{}", said(&output));
}

#[test]
fn a_sweep_keeps_the_trainings_that_were_done() {
    if is_child() {
        let results =
            Sweep::new().seeds(0..100_000).threads(2).silent().run(|trial| -> Result<History> {
                let (mut model, seed) = (Linear::new(2, 1), trial.seed);
                Trainer::new(Mse::new(), Sgd::new(0.1))
                    .epochs(2)
                    .on_step(|step| {
                        if (seed, step.step) == (20, 3) {
                            press_ctrl_c();
                        }
                    })
                    .fit_all(&mut model, &table())
            });
        let results = results.unwrap();
        assert!(results.interrupted);
        assert!((18..100_000).contains(&results.runs.len()), "{}", results.runs.len());
        assert!(results.runs.iter().all(|run| run.trial.seed != 20), "it was not done");
        println!("kept");
        return;
    }
    let output = child("a_sweep_keeps_the_trainings_that_were_done").output().unwrap();
    assert!(output.status.success() && said(&output).contains("kept"), "{}", said(&output));
}

#[test]
fn lines_go_to_the_standard_error_and_nobody_need_listen() {
    if is_child() {
        let train = |lines: bool| {
            let mut trainer = Trainer::new(Mse::new(), Sgd::new(0.1)).epochs(3);
            trainer = if lines { trainer.lines() } else { trainer.silent() };
            trainer.fit(&mut Linear::new(2, 1), &table(), &table()).unwrap()
        };
        train(false);
        train(true);
        // The default writes lines where there is no terminal.
        let mut trainer = Trainer::new(Mse::new(), Sgd::new(0.1)).epochs(2);
        trainer.fit_all(&mut Linear::new(2, 1), &table()).unwrap();
        let sweep = Sweep::new().seeds(0..2).run(|_| -> Result<History> {
            let mut trainer = Trainer::new(Mse::new(), Sgd::new(0.1)).epochs(5);
            trainer.fit_all(&mut Linear::new(2, 1), &table())
        });
        assert_eq!(sweep.unwrap().runs.len(), 2);
        return;
    }
    let test = "lines_go_to_the_standard_error_and_nobody_need_listen";
    let output = child(test).output().unwrap();
    let lines = String::from_utf8(output.stderr.clone()).unwrap();
    assert!(output.status.success(), "{}", said(&output));
    let of = |part: &str| lines.lines().filter(|line| line.contains(part)).count();
    assert_eq!((of("epoch 1/3"), of("epoch 3/3"), of("/3 "), of("/2 ")), (1, 1, 3, 4), "{lines}");
    assert!(of("/5 ") == 0 && of("seed 1") == 1, "{lines}");
    assert!(!lines.contains('\x1b'), "{lines}");

    // A pipe that is closed at its other end, and no standard error at all.
    let mut closed = child(test).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(closed.stderr.take());
    let output = closed.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", said(&output));
    let script = format!("exec \"$0\" children::{test} --exact 2>&-");
    let program = env::current_exe().unwrap();
    let status = Command::new("sh").args(["-c", &script]).arg(program).env(PART, test).output();
    assert!(status.unwrap().status.success());
}

/// A directory for the checkpoints of a child.
const DIR: &str = "FANIN_TRAIN_DIR";

/// Trains with a checkpoint after every second step, goes on from where a process before it has died, and
/// writes the weights at the end.
fn checkpointed(dir: &Path) {
    manual_seed(1);
    let mut model = Sequential::new()
        .add(Linear::new(2, 16))
        .add(BatchNorm1d::new(16))
        .add(Dropout::new(0.2))
        .add(Linear::new(16, 1));
    Trainer::new(Mse::new(), Adam::new(1e-2))
        .epochs(15)
        .batch(8)
        .checkpoints(Checkpoints::new(dir).every_steps(2))
        .resume()
        .silent()
        .fit(&mut model, &table(), &table())
        .unwrap();
    model.save(dir.join("end.fanin")).unwrap();
}

/// `FANIN_KILLS=300` kills that many processes.
#[test]
fn a_training_killed_at_any_moment_goes_on_to_the_bit() {
    if is_child() {
        return checkpointed(Path::new(&env::var_os(DIR).unwrap()));
    }
    let scratch = env::temp_dir().join(format!("fanin-killed-{}", std::process::id()));
    let run = |dir: &Path| {
        let mut command = child("a_training_killed_at_any_moment_goes_on_to_the_bit");
        command.env(DIR, dir).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    };
    let whole = scratch.join("whole");
    let start = Instant::now();
    assert!(run(&whole).wait().unwrap().success());
    let (lasts, whole) = (start.elapsed(), fs::read(whole.join("end.fanin")).unwrap());

    let kills = env::var("FANIN_KILLS").map_or(25, |n| n.parse().unwrap());
    let (mut killed, mut ends) = (0, 0);
    while killed < kills || ends == 0 {
        let dir = scratch.join(ends.to_string());
        let mut process = run(&dir);
        // At any moment of the training, and before it.
        let share = rand_between_0_and_1(killed + 1_000 * ends);
        thread::sleep(lasts.mul_f64(share));
        process.kill().unwrap();
        let status = process.wait().unwrap();
        if status.success() {
            ends += 1;
        } else {
            assert_eq!(status.signal(), Some(9), "a process that resumes has failed: {status}");
            killed += 1;
        }
        if status.success() {
            let end = fs::read(dir.join("end.fanin")).unwrap();
            assert!(end == whole, "after {killed} kills the weights are others");
            let names = fs::read_dir(&dir).unwrap().map(|entry| entry.unwrap().file_name());
            let kept = names.filter(|name| name.to_string_lossy().starts_with("step-")).count();
            assert_eq!(kept, 3);
        }
    }
    fs::remove_dir_all(&scratch).unwrap();
    println!("{killed} processes were killed; {ends} trainings ended, with the same weights");
}

fn rand_between_0_and_1(seed: u64) -> f64 {
    TorchRng::seed(seed).random()
}
