//! Runs one task several times, for the scripts that measure a process from outside:
//! benches/instructions, benches/profile and benches/start.
//!
//! ```text
//! once train B 20                train one step, then 20 more, which are measured
//! once predict B 128 20          the same for predictions of 128 samples
//! once image IMAGE               write the first test image of the bundled digits, and print its label
//! once answer MODEL IMAGE        load a model saved by the MNIST example, and print the predicted digit
//! ```

mod common;

use std::env;
use std::fs;
use std::hint::black_box;

use common::Config;
use fanin::datasets::Pixels;
use fanin::prelude::*;
use fanin::tensor::reduce::argmax;

fn main() -> fanin::Result<()> {
    let args: Vec<String> = env::args().skip(1).collect();
    match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["train", name, times] => {
            let mut training = Config::named(name).training();
            repeat(number(times), &mut || _ = black_box(training.step()));
        }
        ["predict", name, rows, times] => {
            let config = Config::named(name);
            let (model, x) = (config.model(), config.input(number(rows)));
            repeat(number(times), &mut || _ = black_box(model.predict(&x)));
        }
        ["image", path] => {
            let (_, test) = datasets::mnist_bundled();
            fs::write(path, test.image(0))?;
            println!("{}", test.label(0));
        }
        ["answer", model, image] => println!("{}", answer(model, image)?),
        // Cargo also starts this program with all benches and all tests. There is then nothing to
        // measure.
        _ if args.iter().all(|arg| arg.starts_with('-')) => {}
        _ if args.iter().any(|arg| arg == "--bench") => {}
        _ => panic!("once: see the first lines of benches/once.rs"),
    }
    Ok(())
}

fn repeat(times: usize, f: &mut dyn FnMut()) {
    // The first call allocates memory.
    f();
    watched(times, f);
}

/// Valgrind counts the instructions of this function and finds it by name, so it must not be
/// inlined.
#[inline(never)]
fn watched(times: usize, f: &mut dyn FnMut()) {
    for _ in 0..times {
        f();
    }
}

fn number(text: &str) -> usize {
    text.parse().expect("a whole number")
}

fn answer(model: &str, image: &str) -> fanin::Result<usize> {
    // Loading replaces the parameters, so do not draw them.
    let layer =
        |inputs, outputs| Linear::builder(inputs, outputs).weight(Zeros).bias(Zeros).build();
    let mut reader = Sequential::new()
        .add(layer(784, 256))
        .add(Relu)
        .add(layer(256, 128))
        .add(Relu)
        .add(layer(128, 10));
    reader.load(model)?;
    // The normalization that the MNIST example uses.
    let pixels = Pixels::normalized(0.1307, 0.3081);
    let values = fs::read(image)?.into_iter().map(|pixel| pixels.value(pixel)).collect();
    Ok(argmax(reader.predict(&Tensor::from_vec([1, 784], values)).as_slice()))
}
