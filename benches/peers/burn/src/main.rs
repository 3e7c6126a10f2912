//! The measurements of burn, with its `flex` backend for CPUs.

use burn::nn::loss::{CrossEntropyLossConfig, MseLoss, Reduction};
use burn::nn::{Linear, LinearConfig};
use burn::optim::momentum::MomentumConfig;
use burn::optim::{AdamConfig, GradientsParams, ModuleOptimizer, SgdConfig};
use burn::prelude::*;
use burn::tensor::activation::{relu, tanh};
use peer_common::{Net, Options, measure, measure_steps, report, report_training};

#[derive(Module, Debug)]
struct Mlp {
    layers: Vec<Linear>,
    tanh: bool,
}

impl Mlp {
    fn new(net: &Net, device: &Device) -> Self {
        let layer = |pair: &[usize]| LinearConfig::new(pair[0], pair[1]).init(device);
        Self { layers: net.sizes.windows(2).map(layer).collect(), tanh: net.tanh }
    }

    fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        let mut h = self.layers[0].forward(x);
        for layer in &self.layers[1..] {
            h = layer.forward(if self.tanh { tanh(h) } else { relu(h) });
        }
        h
    }
}

fn inputs(net: &Net, rows: usize, device: &Device) -> Tensor<2> {
    Tensor::from_data(TensorData::new(net.inputs(rows), [rows, net.sizes[0]]), device)
}

/// Trains for the measurement and returns the model.
fn train(net: &Net, model: Mlp, device: &Device, options: &Options) -> Mlp {
    let x = inputs(net, net.batch, device);
    let labels: Vec<i32> = net.labels().into_iter().map(|label| label as i32).collect();
    let labels = Tensor::<1, Int>::from_ints(labels.as_slice(), device);
    let targets = Tensor::<2>::full([net.batch, net.outputs()], 0.5, device);
    let momentum = MomentumConfig::new().with_momentum(0.9).with_dampening(0.0);
    let cross_entropy = CrossEntropyLossConfig::new().init(device);

    let rate: f64 = if net.adam { 1e-3 } else { 0.01 };
    let start = || {
        let optimizer = if net.adam {
            AdamConfig::new().init()
        } else {
            SgdConfig::new().with_momentum(Some(momentum.clone())).init()
        };
        (Some(model.clone()), optimizer)
    };
    // An optimizer takes a model and returns the next one. Passing the only copy lets it update in
    // place.
    let mut step = |(model, optimizer): &mut (Option<Mlp>, ModuleOptimizer)| {
        let current = model.take().expect("a model from the step before");
        let out = current.forward(x.clone());
        let loss = if net.is_regression() {
            MseLoss::new().forward(out, targets.clone(), Reduction::Mean)
        } else {
            cross_entropy.forward(out, labels.clone())
        };
        let grads = GradientsParams::from_grads(loss.backward(), &current);
        *model = Some(optimizer.step(rate, current, grads));
        loss
    };
    let first = step(&mut start()).into_scalar::<f32>();
    let (mut state, timing) = measure_steps(options.seconds, start, &mut step);
    let last = step(&mut state).into_scalar::<f32>();
    report_training("burn", net, options, &timing, [first, last]);
    state.0.expect("a model from the last step")
}

fn main() {
    let options = Options::from_args();
    options.set_rayon_threads();
    let plain = Device::default();
    let autodiff = plain.clone().autodiff();
    for net in &options.nets {
        let mut model = Mlp::new(net, &autodiff);
        if options.wants("train") {
            model = train(net, model, &autodiff, &options);
        }
        let model = model.valid();
        for (what, rows) in [("one", 1), ("many", 1024)] {
            if options.wants(what) {
                let x = inputs(net, rows, &plain);
                // Reading the data makes sure that it is computed.
                let timing = measure(options.seconds, || model.forward(x.clone()).into_data());
                report("burn", what, &net.text, &options, &timing);
            }
        }
    }
}
