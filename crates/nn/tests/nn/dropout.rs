//! Dropout: PyTorch's masks, the right share and expectation, gradients. tests/process has its threads.

use fanin_nn::init::rand::RngCore;
use fanin_nn::init::{manual_seed, with_default_rng};
use fanin_nn::layers::Dropout;
use fanin_nn::{Module, Param, Tape, Tensor, gradcheck, gradcheck_at};

use crate::golden::tensor;

struct Case {
    p: f64,
    seed: u64,
    /// x, y, next, c and d.
    tensors: Vec<Tensor>,
}

fn golden() -> Vec<Case> {
    let mut cases: Vec<Case> = vec![];
    for line in include_str!("../../golden/torch_dropout.txt").lines() {
        let mut words = line.split(' ');
        match words.next().unwrap() {
            "#" => {}
            "case" => {
                let [p, seed] = [words.next().unwrap(), words.next().unwrap()];
                let (p, seed) = (p.parse().unwrap(), seed.parse().unwrap());
                cases.push(Case { p, seed, tensors: vec![] });
            }
            _ => cases.last_mut().unwrap().tensors.push(tensor(words)),
        }
    }
    cases
}

fn bits(x: &Tensor) -> Vec<u32> {
    x.as_slice().iter().map(|x| x.to_bits()).collect()
}

#[test]
fn values_gradients_and_the_generator_are_pytorchs_bit_for_bit() {
    let cases = golden();
    assert_eq!(cases.len(), 6);
    for Case { p, seed, tensors } in cases {
        let [x, y, next, c, d] = tensors.try_into().unwrap();
        let (x, layer) = (Param::new(x), Dropout::new(p));
        let (mut tape, mut got) = (Tape::new(), None);
        manual_seed(seed);
        let (_, grads) = tape.value_and_grad(|t| {
            let y = layer.forward(t.param(&x));
            got = Some(y.value());
            (y * t.input(&c)).sum()
        });
        assert_eq!(bits(&got.unwrap()), bits(&y), "p = {p}");
        assert_eq!(grads.get(&x).unwrap(), &d, "p = {p}");
        let word = with_default_rng(RngCore::next_u32);
        assert_eq!((word & 0xff_ffff) as f32 / 16_777_216.0, next.item(), "p = {p}: the generator");
    }
}

/// A share of 1 − p is kept, and sums stay what they are, to 5 standard deviations.
#[test]
fn the_share_kept_and_the_expectation() {
    const N: usize = 100_000;
    for (seed, p) in [0.05, 0.2, 0.5, 0.8, 0.99].into_iter().enumerate() {
        manual_seed(seed as u64);
        let y = Tape::new().value(|t| t.input(&Tensor::full(N, 3.0)).dropout(p));
        let kept = y.as_slice().iter().filter(|&&y| y != 0.0).count() as f64;
        let z = (kept - N as f64 * (1.0 - p)) / (N as f64 * p * (1.0 - p)).sqrt();
        assert!(z.abs() < 5.0, "p = {p}: {kept} of {N} kept, {z} standard deviations off");
        // x² p/(1 − p) is the variance of one element.
        let sum: f64 = y.as_slice().iter().map(|&y| f64::from(y)).sum();
        let z = (sum - 3.0 * N as f64) / (9.0 * N as f64 * p / (1.0 - p)).sqrt();
        assert!(z.abs() < 5.0, "p = {p}: the sum is {z} standard deviations off");
        // Neighbours are independent: pairs are both kept in (1 − p)² of the cases.
        let pairs = y.as_slice().chunks(2).filter(|y| y[0] != 0.0 && y[1] != 0.0).count() as f64;
        let q = (1.0 - p) * (1.0 - p);
        let z = (pairs - N as f64 / 2.0 * q) / (N as f64 / 2.0 * q * (1.0 - q)).sqrt();
        assert!(z.abs() < 5.0, "p = {p}: neighbours are {z} standard deviations off");
    }
}

#[test]
fn the_gradient_goes_through_the_mask() {
    for seed in [1, 2, 3] {
        // The same mask in every evaluation.
        let check = gradcheck(&[&[4, 7]], seed, |_, x| {
            manual_seed(seed);
            x[0].dropout(0.4)
        });
        check.assert_below(1e-6);
    }
    // Two in a row, and the input used beside them.
    let x = Tensor::from_vec([2, 3], vec![0.5, 1.0, -1.5, 2.0, -2.5, 3.0]);
    let check = gradcheck_at(vec![x], 1, |_, x| {
        manual_seed(4);
        (x[0] * x[0]).dropout(0.3).tanh().dropout(0.3) + x[0]
    });
    check.assert_below(1e-6);
}

#[test]
fn prediction_is_the_identity_without_a_copy_or_a_draw() {
    let x = Tensor::from_vec(3, vec![1.0, -2.0, f32::NAN]);
    manual_seed(1);
    let before = with_default_rng(|rng| rng.clone());
    let y = Dropout::new(0.5).predict(&x);
    assert_eq!(y.as_slice().as_ptr(), x.as_slice().as_ptr());
    assert!(with_default_rng(|rng| *rng == before));
}
