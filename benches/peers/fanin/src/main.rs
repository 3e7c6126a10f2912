//! The measurements of fanin.

use fanin::prelude::*;
use fanin::tensor::gemm::{Mat, gemm};
use fanin::tensor::{Write, parallel};
use peer_common::{Net, Options, measure, measure_least, measure_steps, report, report_training};

fn model(net: &Net) -> Sequential {
    let mut model = Sequential::new().add(Linear::new(net.sizes[0], net.sizes[1]));
    for pair in net.sizes[1..].windows(2) {
        model = if net.tanh { model.add(Tanh) } else { model.add(Relu) };
        model = model.add(Linear::new(pair[0], pair[1]));
    }
    model
}

fn optimizer(net: &Net) -> Box<dyn Optimizer> {
    if net.adam { Box::new(Adam::new(1e-3)) } else { Box::new(Sgd::new(0.01).momentum(0.9)) }
}

fn inputs(net: &Net, rows: usize) -> Tensor {
    Tensor::from_vec([rows, net.sizes[0]], net.inputs(rows))
}

/// Trains for the measurement and returns the model.
fn train(net: &Net, model: Sequential, options: &Options) -> Sequential {
    let x = inputs(net, net.batch);
    let labels = net.labels();
    let targets = Tensor::full([net.batch, net.outputs()], 0.5);
    let mut tape = Tape::new();
    let start = || (model.clone(), optimizer(net));
    let mut step = |(model, optimizer): &mut (Sequential, Box<dyn Optimizer>)| {
        let (loss, grads) = tape.value_and_grad(|t| {
            let out = model.forward(t.input(&x));
            if net.is_regression() {
                out.mse(t.input(&targets))
            } else {
                out.cross_entropy(&labels)
            }
        });
        optimizer.step(model, grads);
        loss
    };
    let first = step(&mut start());
    let (mut state, timing) = measure_steps(options.seconds, start, &mut step);
    let last = step(&mut state);
    report_training("fanin", net, options, &timing, [first, last]);
    state.0
}

/// The three products of each layer, `X·Wᵀ`, `dY·W` and `dYᵀ·X`, by fanin and by the gemm crate.
fn products(net: &Net, options: &Options) {
    let n = net.batch;
    for pair in net.sizes.windows(2) {
        let (inputs, outputs) = (pair[0], pair[1]);
        let data = |len: usize| (0..len).map(|i| (i % 17) as f32 / 17.0).collect::<Vec<f32>>();
        let (xs, ws, dys) = (data(n * inputs), data(outputs * inputs), data(n * outputs));
        let (mut y, mut dx, mut dw) = (dys.clone(), xs.clone(), ws.clone());
        let x = Mat::new(&xs, n, inputs);
        let w = Mat::new(&ws, outputs, inputs);
        let dy = Mat::new(&dys, n, outputs);

        let timing = measure(options.seconds, || gemm(x, w.t(), Write::Set, &mut y));
        let shape = format!("{n}-{inputs}-{outputs}");
        report("fanin", "X·Wᵀ", &shape, options, &timing);
        let timing = measure(options.seconds, || gemm(dy, w, Write::Set, &mut dx));
        report("fanin", "dY·W", &shape, options, &timing);
        let timing = measure(options.seconds, || gemm(dy.t(), x, Write::Set, &mut dw));
        report("fanin", "dYᵀ·X", &shape, options, &timing);

        let (o, i) = (outputs, inputs);
        let timing =
            measure(options.seconds, || engine([n, i, o], (&xs, i, 1), (&ws, 1, i), &mut y));
        report("gemm", "X·Wᵀ", &shape, options, &timing);
        let timing =
            measure(options.seconds, || engine([n, o, i], (&dys, o, 1), (&ws, i, 1), &mut dx));
        report("gemm", "dY·W", &shape, options, &timing);
        let timing =
            measure(options.seconds, || engine([o, n, i], (&dys, 1, o), (&xs, i, 1), &mut dw));
        report("gemm", "dYᵀ·X", &shape, options, &timing);
    }
}

/// `C = A·B` by the gemm crate, for sizes `[m, k, n]` and operands with row and column strides.
fn engine(
    [m, k, n]: [usize; 3],
    a: (&[f32], usize, usize),
    b: (&[f32], usize, usize),
    c: &mut [f32],
) {
    let threads = match parallel::num_threads() {
        1 => gemm_crate::Parallelism::None,
        threads => gemm_crate::Parallelism::Rayon(threads),
    };
    assert!(a.0.len() == m * k && b.0.len() == k * n && c.len() == m * n);
    let stride = |stride: usize| stride as isize;
    // SAFETY: the lengths are asserted, and the callers pass the strides of whole matrices.
    unsafe {
        gemm_crate::gemm(
            m,
            n,
            k,
            c.as_mut_ptr(),
            1,
            stride(n),
            false,
            a.0.as_ptr(),
            stride(a.2),
            stride(a.1),
            b.0.as_ptr(),
            stride(b.2),
            stride(b.1),
            0.0,
            1.0,
            false,
            false,
            false,
            threads,
        );
    }
}

/// One epoch of MNIST in a new order, from bytes in memory.
fn epoch(net: &Net, options: &Options) -> fanin::Result<()> {
    let directory = options.mnist.as_deref().expect("epoch needs --mnist DIRECTORY");
    let (train, _) = datasets::mnist_from(directory)?;
    let train = train.normalize(0.1307, 0.3081);
    let (mut model, mut optimizer, mut tape) = (model(net), optimizer(net), Tape::new());
    let timing = measure_least(2, options.seconds, || {
        let mut total = 0.0;
        for (x, y) in train.batches(net.batch).shuffle() {
            let (loss, grads) =
                tape.value_and_grad(|t| model.forward(t.input(&x)).cross_entropy(&y));
            optimizer.step(&mut model, grads);
            total += loss;
        }
        total
    });
    report("fanin", "epoch", &net.text, options, &timing);
    Ok(())
}

fn main() -> fanin::Result<()> {
    let options = Options::from_args();
    parallel::set_num_threads(options.threads);
    for net in &options.nets {
        manual_seed(0);
        let mut model = model(net);
        if options.wants("train") {
            model = train(net, model, &options);
        }
        for (what, rows) in [("one", 1), ("many", 1024)] {
            if options.wants(what) {
                let x = inputs(net, rows);
                let timing = measure(options.seconds, || model.predict(&x));
                report("fanin", what, &net.text, &options, &timing);
            }
        }
        if options.wants("products") {
            products(net, &options);
        }
        if options.wants("epoch") {
            epoch(net, &options)?;
        }
    }
    Ok(())
}
