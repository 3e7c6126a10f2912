//! # An initializer of your own
//!
//! An initializer fills a parameter with its first values. `from_fn` makes one of a closure. An
//! initializer with a name and options is a struct that implements `Initializer`. Both get three
//! things: a `ParamSpec`, in which the layer states fan-in, fan-out and kind; the generator, from which
//! all randomness must come; and the values to write.
//!
//! The generator comes from outside, so the same seed gives the same weights.
//!
//! `check` refuses a parameter that the initializer cannot fill. A layer asks it while it is built,
//! so the mistake shows at the line that made it. Here each unit sees one small square of an image,
//! and the program checks that the layer has an input for each pixel.
//!
//! Both initializers below read more than 80 % of new digits after one epoch.

use fanin::init::rand_distr::StandardNormal;
use fanin::prelude::*;

/// Each unit sees one square patch of an image. All of its other weights are 0.
#[derive(Debug)]
struct Patches {
    image: usize,
    patch: usize,
}

impl Initializer for Patches {
    fn fill(&self, _: &ParamSpec, rng: &mut dyn RngCore, mut weights: ArrayViewMutD<'_, f32>) {
        weights.fill(0.0);
        let size = (2.0 / self.patch.pow(2) as f32).sqrt();
        for mut unit in weights.outer_iter_mut() {
            let top = rng.random_range(0..=self.image - self.patch);
            let left = rng.random_range(0..=self.image - self.patch);
            for (row, column) in (0..self.patch.pow(2)).map(|i| (i / self.patch, i % self.patch)) {
                let normal: f32 = rng.sample(StandardNormal);
                unit[(top + row) * self.image + left + column] = size * normal;
            }
        }
    }

    fn check(&self, param: &ParamSpec, _shape: &[usize]) -> Result<(), String> {
        let pixels = self.image.pow(2);
        if param.fan_in == pixels {
            return Ok(());
        }
        Err(format!("Patches: a unit has {} inputs, and an image {pixels} pixels", param.fan_in))
    }
}

pub(crate) fn main() -> fanin::Result<()> {
    let patches = Patches { image: 28, patch: 9 };
    let signs = from_fn(|param, rng, mut weights| {
        let size = (2.0 / param.fan_in as f32).sqrt();
        weights.mapv_inplace(|_| if rng.random() { size } else { -size });
    });

    let refused = patches.check(&ParamSpec::weight(100, 128), &[128, 100]).unwrap_err();
    println!("{refused}");
    assert_eq!(refused, "Patches: a unit has 100 inputs, and an image 784 pixels");

    let (train, test) = datasets::mnist_bundled();
    let both: [(&str, &dyn Initializer); 2] = [("patches", &patches), ("signs", &signs)];
    for (name, initializer) in both {
        let hidden = || {
            manual_seed(7);
            Linear::builder(784, 128).weight(initializer).bias(Zeros).build()
        };
        assert_eq!(hidden().weight(), hidden().weight(), "the same seed, the same weights");
        let used = hidden().weight().row(0).iter().filter(|&&weight| weight != 0.0).count();

        let mut model = Sequential::new().add(hidden()).add(Relu).add(Linear::new(128, 10));
        let (mut adam, mut tape) = (Adam::new(1e-3), Tape::new());
        for (x, y) in train.batches(64).shuffle() {
            let (_, grads) = tape.value_and_grad(|t| model.forward(t.input(&x)).cross_entropy(&y));
            adam.step(&mut model, grads);
        }
        let accuracy = accuracy(&model, &test);
        println!("{name:8} a unit has {used:>3} weights; after an epoch {:.1} %", 100.0 * accuracy);
        assert_eq!(used, if name == "patches" { 81 } else { 784 });
        assert!(accuracy > 0.8);
    }
    Ok(())
}
