//! # Choosing an initialization
//!
//! The first weights decide whether a deep network learns at all. What tells two samples apart must
//! reach the last layer. Let n be the number of inputs of a unit, its *fan-in*.
//!
//! `Linear::new` draws from `U(−1/√n, 1/√n)`, as PyTorch does. The variance of a weight is then
//! `1/(3n)`, and ReLU keeps half of a signal's power. So one layer multiplies the size of the signal by
//! `√(1/6) = 0.41`. A few such layers do no harm. After 20 of them all images give the same output, up
//! to rounding. Then 100 steps change nothing: the loss stays at `ln 10 = 2.303`, that of a blind guess
//! among ten classes.
//!
//! `KaimingNormal` draws with variance `2/n`, which makes up for ReLU (He et al. 2015). The same
//! network with the same optimizer then learns. `Linear::builder` sets the initializers of a layer:
//! any initializer for the weight, and another one for the bias.

use fanin::prelude::*;

const DEPTH: usize = 20;

fn network(layer: impl Fn(usize, usize) -> Linear) -> Sequential {
    manual_seed(1);
    let first = Sequential::new().add(layer(784, 64)).add(Relu);
    (1..DEPTH).fold(first, |net, _| net.add(layer(64, 64)).add(Relu)).add(layer(64, 10))
}

/// How far samples are apart: the standard deviation of a feature over the batch, as a root mean square
/// over all features.
fn spread(x: &Tensor) -> f32 {
    let (samples, mean) = (x.shape()[0], x.mean_axis(0));
    let square = |i| (x.row(i) - &mean).map(|d| d * d).mean();
    ((0..samples).map(square).sum::<f32>() / samples as f32).sqrt()
}

pub(crate) fn main() -> fanin::Result<()> {
    manual_seed(4);
    let (train, _) = datasets::mnist_bundled();
    let (x, _) = train.batches(128).shuffle().next().expect("there are digits");
    let default = network(Linear::new);
    let kaiming = network(|inputs, outputs| {
        Linear::builder(inputs, outputs).weight(KaimingNormal::default()).bias(Zeros).build()
    });

    println!("{:10}{:>36}  loss", "", "spread of samples after layer");
    println!("{:10}{:>9}{:>9}{:>9}{:>9}  after 100 steps", "", 1, 5, 10, 20);
    let mut results = vec![];
    for (name, mut model) in [("default", default), ("kaiming", kaiming)] {
        let mut signal = x.clone();
        let mut spreads = vec![];
        for layer in model.layers() {
            signal = layer.predict(&signal);
            spreads.push(spread(&signal));
        }
        // A layer and its activation are two entries.
        let after = |depth: usize| spreads[2 * depth - 1];

        let (mut adam, mut tape, mut last) = (Adam::new(1e-3), Tape::new(), f32::NAN);
        for (x, y) in (0..2).flat_map(|_| train.batches(64).shuffle()).take(100) {
            let (loss, grads) =
                tape.value_and_grad(|t| model.forward(t.input(&x)).cross_entropy(&y));
            adam.step(&mut model, grads);
            last = loss;
        }
        let [a, b, c, d] = [1, 5, 10, 20].map(after);
        println!("{name:10}{a:>9.1e}{b:>9.1e}{c:>9.1e}{d:>9.1e}  {last:.3}");
        results.push(((c / a).powf(1.0 / 9.0), d / a, last));
    }

    let [default, kaiming] = results[..] else { unreachable!("two networks") };
    println!("the default multiplies the spread by {:.2} a layer", default.0);
    assert!((0.35..0.45).contains(&default.0) && default.1 < 1e-6 && kaiming.1 > 0.05);
    assert!((default.2 - 10f32.ln()).abs() < 0.05 && kaiming.2 < 1.5);
    Ok(())
}
