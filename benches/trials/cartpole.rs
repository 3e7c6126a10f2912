//! Double DQN balances a pole on a cart, with fanin.

use fanin::prelude::*;

struct CartPole {
    state: [f32; 4],
    steps: usize,
}

impl CartPole {
    fn new(rng: &mut StdRng) -> Self {
        Self { state: std::array::from_fn(|_| rng.random_range(-0.05..0.05)), steps: 0 }
    }

    /// Whether the pole has fallen, and whether the time is over.
    fn step(&mut self, action: usize) -> (bool, bool) {
        let [x, v, angle, w] = self.state;
        let force = if action == 1 { 10.0 } else { -10.0 };
        let (sin, cos) = angle.sin_cos();
        let push = (force + 0.05 * w * w * sin) / 1.1;
        let dw = (9.8 * sin - cos * push) / (0.5 * (4.0 / 3.0 - 0.1 * cos * cos / 1.1));
        let dv = push - 0.05 * dw * cos / 1.1;
        self.state = [x + 0.02 * v, v + 0.02 * dv, angle + 0.02 * w, w + 0.02 * dw];
        self.steps += 1;
        let fallen = self.state[0].abs() > 2.4 || self.state[2].abs() > 12f32.to_radians();
        (fallen, self.steps >= 500)
    }
}

fn greedy(net: &Sequential, state: [f32; 4]) -> usize {
    net.predict(&Tensor::from([state])).argmax()[0]
}

fn mean_return(net: &Sequential, rng: &mut StdRng) -> f64 {
    let mut total = 0;
    for _ in 0..100 {
        let mut env = CartPole::new(rng);
        while env.step(greedy(net, env.state)) == (false, false) {}
        total += env.steps;
    }
    total as f64 / 100.0
}

fn main() {
    let seed = std::env::args().nth(1).and_then(|seed| seed.parse().ok()).expect("a seed");
    let (budget, size) = (200_000, 50_000);
    manual_seed(seed);
    let mut rng = StdRng::seed_from_u64(seed);
    let mut net = Sequential::new()
        .add(Linear::new(4, 64))
        .add(Relu)
        .add(Linear::new(64, 64))
        .add(Relu)
        .add(Linear::new(64, 2));
    let mut target = net.clone();
    let (mut adam, mut tape) = (Adam::new(1e-3), Tape::new());
    let mut memory = vec![];
    let mut env = CartPole::new(&mut rng);
    let mut step = 0;
    while step < budget {
        step += 1;
        let explore = rng.random::<f64>() < (1.0 - step as f64 / 10_000.0).max(0.02);
        let state = env.state;
        let action = if explore { rng.random_range(0..2) } else { greedy(&net, state) };
        let (fallen, late) = env.step(action);
        if memory.len() < size {
            memory.push((state, action, env.state, fallen));
        } else {
            memory[(step - 1) % size] = (state, action, env.state, fallen);
        }
        if fallen || late {
            env = CartPole::new(&mut rng);
        }
        if step < 1_000 || step % 2 == 1 {
            continue;
        }
        adam.set_lr(1e-3 * (1.0 - step as f64 / budget as f64).max(0.05));
        let batch = [(); 64].map(|_| memory[rng.random_range(0..memory.len())]);
        let (x, after) = (Tensor::from(batch.map(|t| t.0)), Tensor::from(batch.map(|t| t.2)));
        let (best, values) = (net.predict(&after).argmax(), target.predict(&after));
        let y: [f32; 64] = std::array::from_fn(|i| {
            1.0 + if batch[i].3 { 0.0 } else { 0.99 * values.row(i).as_slice()[best[i]] }
        });
        let (actions, y) = (batch.map(|t| t.1), Tensor::from(y));
        let (_, mut grads) = tape.value_and_grad(|t| {
            Huber::new(1.0).loss(net.forward(t.input(&x)).gather(&actions), &y)
        });
        grads.clip_norm(10.0);
        adam.step(&mut net, grads);
        if step % 500 == 0 {
            target.copy_from(&net);
        }
        if step % 5_000 == 0 && mean_return(&net, &mut rng) >= 475.0 {
            break;
        }
    }
    println!("cartpole steps {step}");
}
