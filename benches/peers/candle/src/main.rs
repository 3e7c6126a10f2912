//! The measurements of candle. Its SGD has no momentum, so with `sgd` it does less work than the
//! others.

use candle_core::{DType, Device, Result, Tensor};
use candle_nn::{AdamW, Linear, Module, Optimizer, ParamsAdamW, SGD, VarBuilder, VarMap, loss};
use peer_common::{Net, Options, measure, measure_steps, report, report_training};

struct Mlp {
    layers: Vec<Linear>,
    tanh: bool,
}

impl Mlp {
    fn new(net: &Net, vars: &VarMap) -> Result<Self> {
        let vars = VarBuilder::from_varmap(vars, DType::F32, &Device::Cpu);
        let layer = |(i, pair): (usize, &[usize])| {
            candle_nn::linear(pair[0], pair[1], vars.pp(format!("layer{i}")))
        };
        let layers = net.sizes.windows(2).enumerate().map(layer).collect::<Result<_>>()?;
        Ok(Self { layers, tanh: net.tanh })
    }

    /// The same network without variables, so that its forward pass stores nothing for a backward
    /// pass.
    fn to_predict(&self) -> Self {
        let detached = |l: &Linear| Linear::new(l.weight().detach(), l.bias().map(|b| b.detach()));
        Self { layers: self.layers.iter().map(detached).collect(), tanh: self.tanh }
    }

    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let mut h = self.layers[0].forward(x)?;
        for layer in &self.layers[1..] {
            h = layer.forward(&if self.tanh { h.tanh()? } else { h.relu()? })?;
        }
        Ok(h)
    }
}

fn train(net: &Net, model: &Mlp, vars: &VarMap, options: &Options) -> Result<()> {
    let x = Tensor::from_vec(net.inputs(net.batch), (net.batch, net.sizes[0]), &Device::Cpu)?;
    let labels: Vec<u32> = net.labels().into_iter().map(|label| label as u32).collect();
    let labels = Tensor::from_vec(labels, net.batch, &Device::Cpu)?;
    let targets = Tensor::full(0.5f32, (net.batch, net.outputs()), &Device::Cpu)?;
    // AdamW without decay is Adam.
    let adam = ParamsAdamW { lr: 1e-3, weight_decay: 0.0, ..Default::default() };
    let vars = vars.all_vars();
    let first_values: Vec<Tensor> =
        vars.iter().map(|var| var.as_detached_tensor().copy()).collect::<Result<_>>()?;
    // A start gives the variables, which the model shares, their first values.
    let start = || -> Result<(AdamW, SGD)> {
        for (var, value) in vars.iter().zip(&first_values) {
            var.set(value)?;
        }
        Ok((AdamW::new(vars.clone(), adam.clone())?, SGD::new(vars.clone(), 0.01)?))
    };
    let step = |(adam, sgd): &mut (AdamW, SGD)| -> Result<Tensor> {
        let out = model.forward(&x)?;
        let loss = if net.is_regression() {
            loss::mse(&out, &targets)?
        } else {
            loss::cross_entropy(&out, &labels)?
        };
        if net.adam {
            adam.backward_step(&loss)?
        } else {
            sgd.backward_step(&loss)?
        }
        Ok(loss)
    };
    let first = step(&mut start()?)?.to_scalar()?;
    let (mut optimizers, timing) = measure_steps(
        options.seconds,
        || start().expect("variables of these shapes"),
        |optimizers| step(optimizers).expect("a step that has worked before"),
    );
    let last = step(&mut optimizers)?.to_scalar()?;
    report_training("candle", net, options, &timing, [first, last]);
    Ok(())
}

fn main() -> Result<()> {
    let options = Options::from_args();
    options.set_rayon_threads();
    for net in &options.nets {
        let vars = VarMap::new();
        let model = Mlp::new(net, &vars)?;
        if options.wants("train") {
            train(net, &model, &vars, &options)?;
        }
        let model = model.to_predict();
        for (what, rows) in [("one", 1), ("many", 1024)] {
            if options.wants(what) {
                let x = Tensor::from_vec(net.inputs(rows), (rows, net.sizes[0]), &Device::Cpu)?;
                let timing =
                    measure(options.seconds, || model.forward(&x).expect("shapes that fit"));
                report("candle", what, &net.text, &options, &timing);
            }
        }
    }
    Ok(())
}
