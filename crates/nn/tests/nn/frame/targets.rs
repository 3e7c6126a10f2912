//! Target networks: clones, copies and soft updates.

use fanin_nn::init::manual_seed;
use fanin_nn::layers::Relu;
use fanin_nn::{Adam, Linear, Module, Optimizer, Parameters, Sequential, Tape, Tensor};

use super::{bits, with_batch_norm};
use crate::panics::message;

/// Double Q-learning on a chain of states: the target network is a clone that follows by τ.
#[test]
fn a_double_dqn_has_a_target_network() {
    manual_seed(0);
    const STATES: usize = 5;
    let mut online =
        Sequential::new().add(Linear::new(STATES, 32)).add(Relu).add(Linear::new(32, 2));
    let mut target = online.clone();
    assert_eq!(bits(&online), bits(&target));
    let (mut adam, mut tape) = (Adam::new(5e-3), Tape::new());
    let one_hot = |states: &[usize]| {
        let mut x = Tensor::zeros([states.len(), STATES]);
        states.iter().enumerate().for_each(|(i, s)| x.as_mut_slice()[i * STATES + s] = 1.0);
        x
    };
    // Action 1 goes right, action 0 left; the right end pays 1 and ends the episode.
    let states: Vec<usize> = (0..STATES - 1).flat_map(|s| [s, s]).collect();
    let actions: Vec<usize> = (0..STATES - 1).flat_map(|_| [0, 1]).collect();
    let next: Vec<usize> = states
        .iter()
        .zip(&actions)
        .map(|(&s, &a)| if a == 1 { s + 1 } else { s.saturating_sub(1) })
        .collect();
    let (x, after) = (one_hot(&states), one_hot(&next));
    for _ in 0..600 {
        let (q_online, q_target) = (online.predict(&after), target.predict(&after));
        let returns: Vec<f32> = (0..next.len())
            .map(|i| {
                let q = &q_online.as_slice()[2 * i..][..2];
                let best = usize::from(q[1] > q[0]);
                let end = next[i] == STATES - 1;
                if end { 1.0 } else { 0.9 * q_target.as_slice()[2 * i + best] }
            })
            .collect();
        let returns = Tensor::from_vec(next.len(), returns);
        let taken: Vec<usize> = actions.iter().enumerate().map(|(i, a)| 2 * i + a).collect();
        let (_, grads) = tape.value_and_grad(|t| {
            let q = online.forward(t.input(&x)).reshape(2 * next.len()).rows(&taken);
            q.mse(t.input(&returns))
        });
        adam.step(&mut online, grads);
        target.soft_update(&online, 0.05);
    }
    let q = online.predict(&one_hot(&[0, 1, 2, 3]));
    for (state, q) in q.as_slice().chunks(2).enumerate() {
        let want = 0.9f32.powi((STATES - 2 - state) as i32);
        assert!((q[1] - want).abs() < 0.05 && q[1] > q[0], "state {state}: {q:?}, not {want}");
    }
    target.copy_from(&online);
    assert_eq!(bits(&target), bits(&online));
}

#[test]
fn soft_updates_move_by_tau_and_refuse_other_models() {
    let [mut a, b] = [0.0f32, 1.0].map(|v| {
        let mut model = with_batch_norm();
        model.visit_params_mut(&mut |_, p| p.value_mut().as_mut_slice().fill(v));
        model
    });
    a.soft_update(&b, 0.25);
    a.soft_update(&b, 0.25);
    a.visit_params(&mut |_, p| assert!(p.value().as_slice().iter().all(|&v| v == 0.4375)));
    let message = message(|| {
        let mut small = Sequential::new().add(Linear::new(8, 4));
        small.copy_from(&with_batch_norm());
    });
    assert!(message.contains("this model has 0.weight (4×8) where the other has 0.weight (16×8)"));
}
