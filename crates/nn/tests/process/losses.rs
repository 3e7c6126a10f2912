//! A steady step with any loss allocates nothing, and gives the same bits for any number of threads.

use fanin_nn::losses::*;
use fanin_nn::tensor::parallel::set_num_threads;
use fanin_nn::{Param, Tape, Tensor, Var};

use super::allocations::allocations;
use super::alone;

#[expect(dead_code, reason = "the names of PyTorch are for the table of the other program")]
#[path = "../nn/losses/cases.rs"]
mod cases;
#[expect(dead_code, reason = "nothing is compared with PyTorch here")]
#[path = "../nn/golden.rs"]
mod golden;

/// The loss of as many inputs as there are.
fn on_tape<'t>(t: &'t Tape, x: &[Param], f: impl FnOnce(&[Var<'t>]) -> Var<'t>) -> Var<'t> {
    let mut vars = [t.param(&x[0]); 3];
    vars.iter_mut().zip(x).for_each(|(var, x)| *var = t.param(x));
    f(&vars[..x.len()])
}

#[test]
fn every_loss_without_allocation() {
    let _alone = alone();
    set_num_threads(1);
    let golden = golden::golden("losses.txt");
    for reduction in [Reduction::Mean, Reduction::None] {
        for case in cases::cases::<f32>(reduction) {
            let (x, given) = case.inputs(&golden);
            let x: Vec<_> = x.into_iter().map(Param::new).collect();
            let mut tape = Tape::new();
            let mut step = || {
                allocations(|| {
                    let (_, grads) = tape
                        .value_and_grad(|t| on_tape(t, &x, |vars| (case.run)(vars, &given).sum()));
                    assert_eq!(grads.count(), x.len());
                })
            };
            step();
            for _ in 0..3 {
                assert_eq!(step(), 0, "{} {reduction:?}", case.name);
            }
        }
    }
}

#[test]
fn weighted_samples_without_allocation() {
    let _alone = alone();
    set_num_threads(1);
    let (y, target) = (Param::new(Tensor::full([8, 3], 0.3)), Tensor::zeros([8, 3]));
    let (labels, weights) = (vec![1; 8], Tensor::full(8, 0.5));
    let weighted = CrossEntropy::new().class_weights(&[1.0, 2.0, 3.0]);
    let mut tape = Tape::new();
    let mut step = || {
        allocations(|| {
            let (_, grads) = tape.value_and_grad(|t| {
                let y = t.param(&y);
                weighted.weighted(y, &labels, &weights) + L1::new().weighted(y, &target, &weights)
            });
            assert_eq!(grads.count(), 1);
        })
    };
    step();
    for _ in 0..3 {
        assert_eq!(step(), 0);
    }
}

#[test]
fn the_same_bits_for_any_number_of_threads() {
    let _alone = alone();
    let wave = |i: usize| (i as f32 * 0.37).sin();
    let z = Param::new(Tensor::from_vec([501, 203], (0..501 * 203).map(wave).collect()));
    let target = z.value().map(|z| z.abs());
    let step = |threads: usize| {
        set_num_threads(threads);
        let mut tape = Tape::new();
        let (loss, grads) = tape.value_and_grad(|t| {
            let (bce, focal) = (BceWithLogits::new(), SigmoidFocal::new());
            bce.loss(t.param(&z), &target) + focal.loss(t.param(&z), &target)
        });
        let bits = grads.get(&z).unwrap().as_slice().iter().map(|d| d.to_bits());
        (loss.to_bits(), bits.collect::<Vec<_>>())
    };
    let one = step(1);
    for threads in [2, 5] {
        assert!(step(threads) == one, "{threads} threads");
    }
}
