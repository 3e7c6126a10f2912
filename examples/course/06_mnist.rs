//! # MNIST
//!
//! The classic task: read a handwritten digit from 28 × 28 grey pixels. 4,000 digits to train on and
//! 1,000 others to test on are part of the library, so this program needs no download. The numbers
//! from 0 to 255 of an image become 0 to 1 in a batch.
//!
//! The network has 784 inputs, one hidden layer, and ten outputs, one *logit* for each digit. The
//! loss is the cross-entropy between the logits and the true labels, which are plain `usize`. It
//! has a softmax inside, so the network ends without one. The largest logit is the answer.
//!
//! One pass over the data is an epoch. Each takes the digits in a new order, 64 at a time. Five epochs
//! give more than 90 % of the test digits, which the network never sees while it trains.
//! `datasets::mnist()` takes the full set of 60,000 digits where it is found.

use fanin::prelude::*;

/// An image as text, two rows of pixels in a line.
fn drawn(pixels: &[f32]) -> String {
    let shade =
        |above: f32, below: f32| [' ', '░', '▒', '▓', '█'][(2.0 * (above + below)) as usize];
    let lines = pixels.chunks(2 * 28).map(|two| {
        let (above, below) = two.split_at(28);
        above.iter().zip(below).map(|(&a, &b)| shade(a, b)).collect::<String>()
    });
    let lines: Vec<_> = lines.map(|line| line.trim_end().to_owned()).collect();
    lines.join("\n").trim_matches('\n').into()
}

pub(crate) fn main() -> fanin::Result<()> {
    manual_seed(6);
    let (train, test) = datasets::mnist_bundled();
    let mut model =
        Sequential::new().add(Linear::new(784, 128)).add(Relu).add(Linear::new(128, 10));
    let mut adam = Adam::new(1e-3);
    let mut tape = Tape::new();

    for epoch in 1..=5 {
        let (mut sum, mut steps) = (0.0, 0);
        for (x, y) in train.batches(64).shuffle() {
            let (loss, grads) =
                tape.value_and_grad(|t| model.forward(t.input(&x)).cross_entropy(&y));
            adam.step(&mut model, grads);
            (sum, steps) = (sum + loss, steps + 1);
        }
        let accuracy = 100.0 * accuracy(&model, &test);
        println!("epoch {epoch}: mean loss {:.3}, accuracy {accuracy:.1} %", sum / steps as f32);
    }
    assert!(accuracy(&model, &test) > 0.9);

    // What it still takes for another digit.
    let (x, labels) = test.tensors();
    let answers = model.predict(&x).argmax();
    let wrong = (0..labels.len()).find(|&i| answers[i] != labels[i]).expect("it is not perfect");
    println!("\nlabel {}, answer {}:", labels[wrong], answers[wrong]);
    println!("{}", drawn(x.row(wrong).as_slice()));
    Ok(())
}
