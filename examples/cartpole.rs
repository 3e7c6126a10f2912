//! A network learns to balance a pole on a cart: double DQN (Mnih et al. 2015; van Hasselt et al. 2016).
//!
//! ```text
//! cargo run --release --example cartpole                # one seed
//! cargo run --release --example cartpole -- --seeds 10
//! cargo run --release --example cartpole -- --quick     # half of the return that counts as solved
//! ```
//!
//! The network maps the state of the cart to the value of pushing it to the left and to the right. It
//! learns from its own attempts, stored and drawn at random, towards the values that a slowly moving
//! copy of itself gives to the next state. The program asserts a mean return of 475 of 500 over 100
//! episodes, which counts as solved.

#[path = "common/options.rs"]
mod options;

use std::time::Instant;

use fanin::prelude::*;
use options::{Opt, Program, count};

/// CartPole-v1: a cart on a track, with a pole that stands on it.
///
/// Barto, Sutton and Anderson 1983. Masses, lengths, forces and limits are those of Gymnasium.
struct CartPole {
    /// Position in m, its velocity, the pole's angle in radians, its velocity.
    state: [f32; 4],
    steps: usize,
}

impl CartPole {
    fn new(rng: &mut StdRng) -> Self {
        Self { state: std::array::from_fn(|_| rng.random_range(-0.05..0.05)), steps: 0 }
    }

    /// Pushes the cart for a fiftieth of a second, to the right if `action` is 1. Returns whether the
    /// pole has fallen.
    fn step(&mut self, action: usize) -> bool {
        let [x, speed, angle, turn] = self.state;
        let force = if action == 1 { 10.0 } else { -10.0 };
        let (sin, cos) = angle.sin_cos();
        let push = (force + 0.05 * turn * turn * sin) / 1.1;
        let turning = (9.8 * sin - cos * push) / (0.5 * (4.0 / 3.0 - 0.1 * cos * cos / 1.1));
        let pull = push - 0.05 * turning * cos / 1.1;
        self.state =
            [x + 0.02 * speed, speed + 0.02 * pull, angle + 0.02 * turn, turn + 0.02 * turning];
        self.steps += 1;
        self.state[0].abs() > 2.4 || self.state[2].abs() > 12f32.to_radians()
    }

    fn is_over(&self) -> bool {
        self.steps == 500
    }
}

/// What one push led to.
#[derive(Clone, Copy)]
struct Transition {
    state: [f32; 4],
    action: usize,
    next: [f32; 4],
    fallen: bool,
}

fn states(states: impl Iterator<Item = [f32; 4]>) -> Tensor {
    Tensor::from_rows(states.collect::<Vec<_>>())
}

fn best(values: &[f32]) -> usize {
    usize::from(values[1] > values[0])
}

/// The mean number of steps, of 100 episodes, for which the pole stands: all episodes are one batch.
fn mean_return(network: &Sequential, rng: &mut StdRng) -> f32 {
    let mut carts: Vec<CartPole> = (0..100).map(|_| CartPole::new(rng)).collect();
    let mut standing: Vec<usize> = (0..100).collect();
    while !standing.is_empty() {
        let values = network.predict(&states(standing.iter().map(|&i| carts[i].state)));
        let mut rows = values.as_slice().chunks(2);
        standing.retain(|&i| {
            let fallen = carts[i].step(best(rows.next().expect("a row for each cart")));
            !fallen && !carts[i].is_over()
        });
    }
    carts.iter().map(|cart| cart.steps as f32).sum::<f32>() / 100.0
}

/// Trains until the goal is reached. Returns the last mean return, and the number of pushes.
fn train(seed: u64, goal: f32) -> (f32, usize) {
    const PUSHES: usize = 150_000;
    const BATCH: usize = 64;
    manual_seed(seed);
    let mut rng = StdRng::seed_from_u64(seed);
    let mut network = Sequential::new()
        .add(Linear::new(4, 64))
        .add(Relu)
        .add(Linear::new(64, 64))
        .add(Relu)
        .add(Linear::new(64, 2));
    let mut target = network.clone();
    let (mut adam, mut tape, huber) = (Adam::new(1e-3), Tape::new(), Huber::new(1.0));
    let mut memory: Vec<Transition> = vec![];
    let mut cart = CartPole::new(&mut rng);
    let mut mean = 0.0;
    for push in 1..=PUSHES {
        // Act: at random at first, later mostly as the network says.
        let state = cart.state;
        let explore = (1.0 - push as f32 / 10_000.0).max(0.02);
        let action = if rng.random::<f32>() < explore {
            rng.random_range(0..2)
        } else {
            best(network.predict(&Tensor::from([state])).as_slice())
        };
        let fallen = cart.step(action);
        memory.push(Transition { state, action, next: cart.state, fallen });
        if fallen || cart.is_over() {
            cart = CartPole::new(&mut rng);
        }
        if push < 1_000 || push % 2 != 0 {
            continue;
        }
        // Learn from stored transitions. The network picks the next action, and its copy values it.
        let batch: Vec<Transition> =
            (0..BATCH).map(|_| memory[rng.random_range(0..memory.len())]).collect();
        let next = states(batch.iter().map(|t| t.next));
        let (picked, valued) = (network.predict(&next), target.predict(&next));
        let returns =
            batch.iter().zip(picked.as_slice().chunks(2)).zip(valued.as_slice().chunks(2));
        let returns = returns.map(
            |((t, picked), valued)| if t.fallen { 1.0 } else { 1.0 + 0.99 * valued[best(picked)] },
        );
        let returns = Tensor::from_vec(BATCH, returns.collect());
        let x = states(batch.iter().map(|t| t.state));
        let taken: Vec<usize> = batch.iter().map(|t| t.action).collect();
        adam.set_lr(1e-3 * (1.0 - push as f64 / PUSHES as f64).max(0.05));
        let (_, mut grads) = tape
            .value_and_grad(|t| huber.loss(network.forward(t.input(&x)).gather(&taken), &returns));
        grads.clip_norm(10.0);
        adam.step(&mut network, grads);
        target.soft_update(&network, 0.01);
        if push % 5_000 == 0 {
            mean = mean_return(&network, &mut rng);
            println!("  {push:>6} pushes: the pole stands for {mean:.1} of 500 steps");
            if mean >= goal {
                return (mean, push);
            }
        }
    }
    (mean, PUSHES)
}

const OPTIONS: &[Opt] = &[
    Opt::value("seeds", "N", "how many networks to train, one after the other"),
    Opt::flag("quick", "stops at half of the return that counts as solved"),
];

fn main() {
    let given = Program {
        name: "cartpole",
        about: "A network learns to balance a pole on a cart.",
        positional: None,
        options: OPTIONS,
        after: String::new(),
    }
    .read();
    let goal = if given.has("quick") { 240.0 } else { 475.0 };
    for seed in 0..given.get("seeds", count::<1000>).unwrap_or(1) as u64 {
        let start = Instant::now();
        println!("seed {seed}");
        let (mean, pushes) = train(seed, goal);
        let seconds = start.elapsed().as_secs_f64();
        assert!(mean >= goal, "seed {seed}: a mean return of {mean} after {pushes} pushes");
        println!("  solved: {mean:.1} after {pushes} pushes and {seconds:.1} s");
    }
}
