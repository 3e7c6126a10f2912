//! Makes the model that the server has inside it, from Fisher's 150 irises.
//!
//! ```text
//! cargo run --release -p fanin-serve --features train --bin train
//! ```

use fanin::prelude::*;

fn main() -> fanin::Result<()> {
    manual_seed(1);
    let (train, test) = datasets::iris().stratified_split(0.2, 1)?;
    let mut model = Sequential::new().add(Linear::new(4, 16)).add(Tanh).add(Linear::new(16, 3));
    let (mut adamw, mut tape) = (AdamW::new(0.005), Tape::new());
    for _ in 0..200 {
        for (x, y) in train.batches(16).shuffle() {
            let (_, grads) = tape.value_and_grad(|t| model.forward(t.input(&x)).cross_entropy(&y));
            adamw.step(&mut model, grads);
        }
    }

    let (x, labels) = test.tensors();
    let right = model.predict(&x).argmax().iter().zip(&labels).filter(|(a, b)| a == b).count();
    println!("{right} of {} flowers that it has not seen are classified correctly", labels.len());
    assert!(10 * right >= 9 * labels.len(), "nine in ten at least");
    model.save(concat!(env!("CARGO_MANIFEST_DIR"), "/iris.fanin"))?;
    Ok(())
}
