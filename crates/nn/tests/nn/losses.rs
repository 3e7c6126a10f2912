//! Losses whose target is a tensor, against PyTorch's: golden/frame.txt, which golden/frame.py wrote.

use fanin_nn::losses::*;
use fanin_nn::{Param, Tape, Tensor, gradcheck};

use crate::frame::golden;

/// By their names in golden/frame.py.
fn losses(reduction: Reduction) -> Vec<(&'static str, Box<dyn Loss<Tensor>>)> {
    vec![
        ("mse", Box::new(Mse::new().reduction(reduction))),
        ("huber", Box::new(Huber::new(0.7).reduction(reduction))),
    ]
}

type WideLoss = Box<dyn Loss<Tensor<f64>, f64>>;

/// The same in f64, for gradient checks.
fn wide_losses() -> Vec<(&'static str, WideLoss)> {
    vec![("mse", Box::new(Mse::new())), ("huber", Box::new(Huber::new(0.7)))]
}

#[track_caller]
fn assert_close(what: &str, a: &Tensor, b: &Tensor) {
    assert_eq!(a.shape(), b.shape(), "{what}");
    for (a, b) in a.as_slice().iter().zip(b.as_slice()) {
        assert!((a - b).abs() <= 4.0 * f32::EPSILON * b.abs().max(1.0), "{what}: {a}, not {b}");
    }
}

#[test]
fn values_and_gradients_are_those_of_pytorch() {
    let golden = golden();
    for (reduction, called) in
        [(Reduction::Mean, "mean"), (Reduction::Sum, "sum"), (Reduction::None, "none")]
    {
        for (name, loss) in losses(reduction) {
            let get = |what: &str| {
                let key = format!("{name}/{what}");
                golden.get(&*key).unwrap_or_else(|| panic!("golden/frame.py has no case {key}"))
            };
            let (y, mut tape, mut value) = (Param::new(get("y").clone()), Tape::new(), None);
            let (_, grads) = tape.value_and_grad(|t| {
                let l = loss.loss(t.param(&y), get("target"));
                value = Some(l.value());
                l.sum()
            });
            let what = format!("{name} {called}");
            assert_close(&what, &value.unwrap(), get(&format!("{called}/loss")));
            assert_close(&what, grads.get(&y).unwrap(), get(&format!("{called}/dy")));
        }
    }
}

#[test]
fn gradients_are_those_of_finite_differences() {
    assert_eq!(losses(Reduction::Mean).len(), wide_losses().len());
    for (name, loss) in wide_losses() {
        eprintln!("{name}");
        let target = Tensor::full([4, 7], 0.1);
        gradcheck(&[&[4, 7]], 1, |_, x| loss.loss(x[0], &target)).assert_below(1e-6);
    }
}

#[test]
fn shapes_that_differ_are_refused_and_not_broadcast() {
    for (name, loss) in losses(Reduction::Mean) {
        let (y, target) = (Tensor::zeros([4, 1]), Tensor::zeros(4));
        let refused = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            Tape::new().value(|t| loss.loss(t.input(&y), &target))
        }));
        let message = *refused.expect_err(name).downcast::<String>().unwrap();
        let want =
            format!("{name}: 4×1 and 4 do not fit: prediction and target must have one shape");
        assert_eq!(message, want);
    }
}

#[test]
#[should_panic(expected = "Huber: a delta of 0 is not positive")]
fn a_delta_of_zero_is_refused() {
    Huber::new(0.0);
}
