//! The first value of a step that is NaN or infinite is named.

use fanin_nn::diagnose::{NonFinite, Role};
use fanin_nn::layers::{Dropout, Relu};
use fanin_nn::{Linear, Module, Parameters, Sequential, Tensor};

fn model() -> Sequential {
    Sequential::new().add(Linear::new(3, 4)).add(Relu).add(Linear::new(4, 2)).add(Dropout::new(0.5))
}

fn find(model: &Sequential, x: &Tensor) -> Option<NonFinite> {
    NonFinite::find(model, |t| model.forward(t.input(x)).mean())
}

fn output(operation: &str, near: &str) -> Role {
    Role::Output { operation: operation.into(), near: Some(near.into()) }
}

#[test]
fn finite_steps_have_none() {
    assert_eq!(find(&model(), &Tensor::ones([5, 3])), None);
}

#[test]
fn inputs_and_parameters_come_before_what_follows_from_them() {
    let mut x = Tensor::ones([5, 3]);
    x.as_mut_slice()[7] = f32::INFINITY;
    let found = find(&model(), &x).unwrap();
    assert_eq!(
        (&found.role, &found.index[..], found.value),
        (&Role::Input, &[2, 1][..], f64::INFINITY)
    );
    assert_eq!(found.to_string(), "an input or a target of the batch is inf at [2, 1]");

    let mut model = model();
    model.param_mut("2.weight").value_mut().as_mut_slice()[5] = f32::NAN;
    let found = find(&model, &Tensor::ones([5, 3])).unwrap();
    assert_eq!((found.role, found.index), (Role::Parameter("2.weight".into()), vec![1, 1]));
}

#[test]
fn an_overflow_names_the_operation_and_its_parameter() {
    let mut model = model();
    model.param_mut("0.weight").value_mut().as_mut_slice().fill(3e38);
    let found = find(&model, &Tensor::ones([5, 3])).unwrap();
    assert_eq!(found.role, output("Linear", "0.weight"));
    assert_eq!(found.to_string(), "the output of Linear (at 0.weight) is inf at [0, 0]");

    // An operation without a parameter: the one that was used last before it.
    let model = self::model();
    let x = Tensor::ones([5, 3]);
    let found =
        NonFinite::find(&model, |t| (model.forward(t.input(&x)).abs() + 100.0).exp().mean());
    let Role::Output { near, .. } = found.unwrap().role else { panic!() };
    assert_eq!(near.as_deref(), Some("2.bias"));
}

#[test]
fn a_gradient_that_is_nan_is_named_though_the_loss_is_finite() {
    let mut model = Linear::builder(3, 1).no_bias().build();
    model.weight_mut().value_mut().as_mut_slice().fill(0.0);
    let x = Tensor::ones([2, 3]);
    let found = NonFinite::find(&model, |t| model.forward(t.input(&x)).square().sqrt().mean());
    let role = Role::OutputGradient { operation: "Square".into(), near: Some("weight".into()) };
    assert_eq!(found.unwrap().role, role);
}
