//! What a probe sees of a network is what the network computes.

use std::sync::Arc;

use fanin_nn::diagnose::Probe;
use fanin_nn::init::{Normal, TorchRng, manual_seed, rand::Rng};
use fanin_nn::layers::{LeakyRelu, Relu, Tanh};
use fanin_nn::tensor::map::map;
use fanin_nn::tensor::{Scalar, Write};
use fanin_nn::{
    Backward, Curve, Linear, Mode, Module, Op, Param, Parameters, Sequential, Tape, Tensor, Var,
};

fn batch(shape: [usize; 2], seed: u64) -> Tensor {
    let mut rng = TorchRng::seed(seed);
    let values = (0..shape[0] * shape[1]).map(|_| rng.random_range(-1.0..1.0)).collect();
    Tensor::from_vec(shape, values)
}

fn linear(inputs: usize, outputs: usize) -> Linear {
    Linear::builder(inputs, outputs).weight(Normal::new(0.0, 0.5)).build()
}

#[test]
fn values_and_gradients_are_those_of_a_training_step() {
    manual_seed(1);
    let model = Sequential::new().add(linear(5, 7)).add(Tanh).add(linear(7, 3));
    let (x, labels) = (batch([11, 5], 2), [0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1]);
    let probe = Probe::with_labels(&model, &x, &labels);

    let mut tape = Tape::new();
    let (loss, grads) = tape.value_and_grad(|t| model.forward(t.input(&x)).cross_entropy(&labels));
    assert_eq!(probe.loss(), Some(loss));
    assert_eq!(*probe.output(), model.predict(&x));
    let params = model.named_params();
    let [hidden, output] = probe.layers() else { panic!("two linear layers") };
    for (layer, [w, b]) in [(hidden, [0, 1]), (output, [2, 3])] {
        assert_eq!(layer.weight_path, params[w].0);
        assert_eq!(layer.bias_path.as_deref(), Some(&*params[b].0));
        assert_eq!(layer.weight, *params[w].1.value());
        assert_eq!(layer.bias.as_ref(), Some(params[b].1.value()));
        assert_eq!(layer.spec, *params[w].1.spec());
        assert_eq!(layer.weight_grad.as_ref(), grads.get(params[w].1));
        // db = Σ_rows dz
        let db = layer.pre_activation_grad.as_ref().unwrap().view().sum_axis(ndarray_axis(0));
        for (a, b) in db.iter().zip(grads.get(params[b].1).unwrap().as_slice()) {
            assert!((a - b).abs() < 1e-6, "{a} {b}");
        }
    }
    assert_eq!(hidden.input, x);
    assert_eq!(hidden.activation.as_ref().unwrap().name, "Tanh");
    assert_eq!(hidden.output().as_slice(), output.input.as_slice());
    assert_eq!(output.pre_activation, *probe.output());
    for (z, y) in hidden.pre_activation.as_slice().iter().zip(hidden.output().as_slice()) {
        assert!((z.tanh() - y).abs() < 1e-6);
    }
}

fn ndarray_axis(axis: usize) -> fanin_nn::tensor::ndarray::Axis {
    fanin_nn::tensor::ndarray::Axis(axis)
}

#[test]
fn the_directions_are_the_same_in_every_call_and_for_every_sample() {
    let model = linear(4, 3);
    let one = Probe::new(&model, &batch([1, 4], 1));
    let many = Probe::new(&model, &batch([6, 4], 2));
    let r = one.layers()[0].pre_activation_grad.clone().unwrap();
    assert!(r.as_slice().iter().all(|r| *r != 0.0));
    for row in many.layers()[0].pre_activation_grad.as_ref().unwrap().as_slice().chunks(3) {
        for (a, b) in row.iter().zip(r.as_slice()) {
            assert!((6.0 * a - b).abs() < 1e-6);
        }
    }
}

/// A user's op.
fn cube<T: Scalar>(x: Var<'_, T>) -> Var<'_, T> {
    x.tape().apply(Cube, &[x], |cx| {
        let x = cx.input(0);
        map([x.as_slice()], Write::Set, cx.output(x.shape()), move |[x]| x * x * x);
    })
}

#[derive(Debug)]
struct Cube;

impl<T: Scalar> Op<T> for Cube {
    fn backward(&self, cx: &mut Backward<'_, T>) {
        let (x, dy) = (cx.input(0).as_slice(), cx.dy());
        if let Some((write, dx)) = cx.grad(0) {
            map([x, dy], write, dx, move |[x, dy]| T::from_f64(3.0) * dy * x * x);
        }
    }
    fn activation(&self) -> Option<Curve> {
        Some(Arc::new(|x| (x * x * x, 3.0 * x * x)))
    }
}

#[derive(Parameters)]
struct Own {
    first: Linear,
    blocks: Vec<Sequential>,
    shared: Param,
    last: Option<Linear>,
}

impl Module for Own {
    fn forward<'t>(&self, x: Var<'t>) -> Var<'t> {
        let mut x = cube(self.first.forward(x));
        for block in &self.blocks {
            x = x + block.forward(x);
        }
        let w = x.tape().param(&self.shared);
        x = x.linear(w, None).leaky_relu(0.25).linear(w, None) * 2.0;
        self.last.forward(x)
    }
}

#[test]
fn any_module_is_read() {
    manual_seed(3);
    let block = || Sequential::new().add(linear(6, 6)).add(LeakyRelu(0.1)).add(linear(6, 6));
    let mut model = Own {
        first: linear(4, 6),
        blocks: vec![block(), block()],
        shared: Param::new(batch([6, 6], 5)),
        last: Some(Linear::builder(6, 2).no_bias().build()),
    };
    model.shared.set_trainable(false);
    let probe = Probe::new(&model, &batch([9, 4], 4));
    let seen: Vec<_> = probe
        .layers()
        .iter()
        .map(|l| {
            let activation = l.activation.as_ref().map_or("-", |a| &a.name);
            (l.weight_path.as_str(), l.bias_path.as_deref().unwrap_or("-"), activation)
        })
        .collect();
    assert_eq!(
        seen,
        [
            ("first.weight", "first.bias", "Cube"),
            ("blocks.0.0.weight", "blocks.0.0.bias", "LeakyRelu(0.1)"),
            ("blocks.0.2.weight", "blocks.0.2.bias", "-"),
            ("blocks.1.0.weight", "blocks.1.0.bias", "LeakyRelu(0.1)"),
            ("blocks.1.2.weight", "blocks.1.2.bias", "-"),
            ("shared", "-", "LeakyRelu(0.25)"),
            ("shared", "-", "-"),
            ("last.weight", "-", "-"),
        ]
    );
    let at = |layer: usize, x| probe.layers()[layer].activation.as_ref().unwrap().at(x);
    assert_eq!((at(0, 2.0), at(5, -2.0)), ((8.0, 12.0), (-0.5, 0.25)));
    // Frozen or not, every gradient is there.
    assert!(probe.layers().iter().all(|l| l.weight_grad.is_some()));
    assert!(probe.layers().iter().all(|l| l.pre_activation_grad.is_some()));
}

#[test]
fn a_pre_activation_that_is_used_twice_has_no_activation() {
    #[derive(Parameters)]
    struct Swish(Linear);
    impl Module for Swish {
        fn forward<'t>(&self, x: Var<'t>) -> Var<'t> {
            let z = self.0.forward(x);
            z * z.sigmoid()
        }
    }
    let probe = Probe::new(&Swish(linear(3, 3)), &batch([2, 3], 1));
    assert!(probe.layers()[0].activation.is_none());
}

#[test]
fn forward_alone_leaves_no_gradient() {
    let probe = Probe::forward(&linear(3, 3), &batch([2, 3], 1));
    assert!(probe.loss().is_none() && probe.layers()[0].weight_grad.is_none());
}

#[test]
fn layers_do_as_in_training_without_random_numbers() {
    #[derive(Parameters)]
    struct Asks(Linear);
    impl Module for Asks {
        fn forward<'t>(&self, x: Var<'t>) -> Var<'t> {
            assert!(x.tape().mode() == Mode::Train && !x.tape().is_stochastic());
            self.0.forward(x)
        }
    }
    let probe = Probe::new(&Asks(linear(3, 3)), &batch([2, 3], 1));
    assert!(probe.layers()[0].weight_grad.is_some());
}

#[test]
#[should_panic(expected = "Relu used no linear layer of its own")]
fn a_model_without_linear_layers_is_refused() {
    Probe::new(&Relu, &batch([2, 3], 1));
}
