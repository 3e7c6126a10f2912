//! More threads than cores, more trainings than threads, and a number of threads that changes on the
//! way: the same bits every time, and nobody waits for ever.

use std::env;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use fanin_nn::init::manual_seed;
use fanin_nn::layers::*;
use fanin_nn::tensor::parallel::{num_threads, set_num_threads};
use fanin_nn::{Adam, Linear, Module, Optimizer, Parameters, Sequential, Tape, Tensor};

use super::alone;

/// Trains a network whose products are dot products, tiled and packed, and gives the bits of its losses and parameters.
/// `before` sees the number of each step.
fn train(seed: u64, steps: usize, before: impl Fn(usize)) -> Vec<u32> {
    manual_seed(seed);
    let (rows, sizes) = (96, [300, 180, 70, 7]);
    let x = (0..rows * sizes[0]).map(|i| ((i + seed as usize) * 7919 % 1009) as f32 / 1009.0);
    let (x, y) = (Tensor::from_vec([rows, sizes[0]], x.collect()), labels(rows, sizes[3]));
    let mut model = Sequential::new()
        .add(Linear::new(sizes[0], sizes[1]))
        .add(Tanh)
        .add(Linear::new(sizes[1], sizes[2]))
        .add(Gelu)
        .add(Linear::new(sizes[2], sizes[3]));
    let (mut adam, mut tape) = (Adam::new(1e-3), Tape::new());
    let mut bits = vec![];
    for step in 0..steps {
        before(step);
        let (loss, grads) = tape.value_and_grad(|t| model.forward(t.input(&x)).cross_entropy(&y));
        adam.step(&mut model, grads);
        bits.push(loss.to_bits());
    }
    assert!(bits.windows(2).any(|losses| losses[0] != losses[1]), "nothing has been learnt");
    let params = model.named_params();
    bits.extend(params.iter().flat_map(|(_, p)| p.value().as_slice()).map(|x| x.to_bits()));
    bits
}

fn labels(rows: usize, classes: usize) -> Vec<usize> {
    (0..rows).map(|i| i % classes).collect()
}

#[test]
fn trainings_at_once_give_what_each_gives_alone() {
    let _alone = alone();
    set_num_threads(3);
    let expected: Vec<_> = (0..5).map(|seed| train(seed, 30, |_| ())).collect();
    assert!(expected.windows(2).all(|two| two[0] != two[1]), "each has a seed of its own");
    thread::scope(|s| {
        for (seed, expected) in (0..).zip(&expected) {
            s.spawn(move || {
                for _ in 0..3 {
                    assert!(train(seed, 30, |_| ()) == *expected, "seed {seed}");
                }
            });
        }
    });
}

#[test]
fn the_number_of_threads_may_change_between_steps() {
    let _alone = alone();
    set_num_threads(1);
    let expected = train(7, 40, |_| ());
    let changing = train(7, 40, |step| set_num_threads([1, 2, 5, 3, 16, 1, 4][step % 7]));
    assert!(changing == expected);
}

/// Another thread changes it in the middle of steps.
#[test]
fn the_number_of_threads_may_change_at_any_time() {
    let _alone = alone();
    set_num_threads(1);
    let expected = train(7, 40, |_| ());
    thread::scope(|s| {
        let training = s.spawn(|| train(7, 40, |_| ()));
        for n in (1..=8).cycle() {
            if training.is_finished() {
                break;
            }
            set_num_threads(n);
            thread::sleep(Duration::from_micros(50));
        }
        assert!(training.join().unwrap() == expected);
    });
}

/// The best of three, since other processes may take the cores for a while.
fn time(threads: usize) -> (Duration, Vec<u32>) {
    set_num_threads(threads);
    let mut bits = vec![];
    let times = [(); 3].map(|()| {
        let start = Instant::now();
        bits = train(3, 40, |_| ());
        start.elapsed()
    });
    (times.into_iter().min().unwrap(), bits)
}

/// A bound for threads that wait for one that does not run; no statement about speed.
#[test]
fn threads_beyond_the_cores_do_no_harm() {
    let _alone = alone();
    let (one, expected) = time(1);
    for threads in [16, 64] {
        let (many, bits) = time(threads);
        eprintln!("1 thread {one:.1?}, {threads} threads {many:.1?}");
        assert!(bits == expected, "{threads} threads");
        assert!(many < 20 * one, "1 thread {one:?}, {threads} threads {many:?}");
    }
}

/// What the environment asks for holds from the first region on, which hires all threads at once.
#[test]
fn a_process_that_begins_with_64_threads() {
    const CHILD: &str = "FANIN_TEST_CHILD";
    let hash = || {
        let bits = train(5, 20, |_| ());
        bits.iter().fold(7u64, |hash, &bits| (hash ^ u64::from(bits)).wrapping_mul(0x100_0000_01b3))
    };
    if let Ok(threads) = env::var(CHILD) {
        assert_eq!(num_threads().to_string(), threads);
        println!("\nhash {}", hash());
        return;
    }
    let _alone = alone();
    let child = |threads: &str| {
        let test = "oversubscription::a_process_that_begins_with_64_threads";
        let out = Command::new(env::current_exe().unwrap())
            .args(["--exact", test, "--nocapture"])
            .envs([(CHILD, threads), ("FANIN_NUM_THREADS", threads)])
            .output()
            .unwrap();
        let out = String::from_utf8(out.stdout).unwrap();
        let hash = out.lines().find_map(|line| line.strip_prefix("hash "));
        hash.unwrap_or_else(|| panic!("no result with {threads} threads:\n{out}")).to_owned()
    };
    assert_eq!(child("64"), child("1"));
}
