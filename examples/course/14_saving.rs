//! # Saving and resuming
//!
//! `model.save` writes every parameter under its name. For a `Sequential` the file also says which
//! layers there are, so `Sequential::load` needs nothing but the file. A program can carry its model:
//! `Sequential::from_bytes(include_bytes!("model.fanin"))` needs no file when it runs.
//!
//! A checksum covers every byte. A damaged file is an error, and never a network with wrong numbers.
//! A save replaces the old file as a whole: whatever happens, one of the two is there.
//!
//! A long training should survive a power failure. With `Checkpoints` the trainer saves the model, the
//! optimizer, the random generator and its place in the data. After a stop, start the same program
//! again: `resume` goes on from the latest checkpoint. The result has the same bytes as a training that
//! was never stopped. Here the first run ends after step 90, as by Ctrl-C, and the second one begins with
//! other weights and another seed, which the checkpoint replaces.

use std::path::Path;
use std::{env, fs, process};

use fanin::prelude::*;

/// Trains for three epochs of 63 steps, or until it is stopped.
fn run(seed: u64, dir: Option<&Path>, stop: usize) -> fanin::Result<(Sequential, History)> {
    manual_seed(seed);
    let (train, test) = datasets::mnist_bundled();
    let mut model = Sequential::new().add(Linear::new(784, 32)).add(Relu).add(Linear::new(32, 10));
    let mut trainer = Trainer::new(CrossEntropy::new(), AdamW::new(1e-3))
        .epochs(3)
        .batch(64)
        .on_step(|end| {
            if end.step == stop {
                end.stop();
            }
        })
        .silent();
    if let Some(dir) = dir {
        trainer = trainer.checkpoints(Checkpoints::new(dir).every_steps(20)).resume();
    }
    let history = trainer.fit(&mut model, &train, &test)?;
    Ok((model, history))
}

pub(crate) fn main() -> fanin::Result<()> {
    let dir = env::temp_dir().join(format!("fanin-lesson-{}", process::id()));
    fs::create_dir_all(&dir)?;
    let (file, checkpoints) = (dir.join("model.fanin"), dir.join("run"));

    let (model, _) = run(14, None, usize::MAX)?;
    model.save(&file)?;
    let loaded = Sequential::load(&file)?;
    let (_, test) = datasets::mnist_bundled();
    let (x, _) = test.tensors();
    println!("{loaded}{:.1} % of new digits", 100.0 * accuracy(&loaded, &test));
    assert_eq!(loaded.predict(&x), model.predict(&x));

    let mut bytes = fs::read(&file)?;
    assert_eq!(Sequential::from_bytes(&bytes)?.predict(&x), model.predict(&x));
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    let damaged = Sequential::<f32>::from_bytes(&bytes).expect_err("the checksum differs");
    println!("one bit changed: {damaged}");

    let (_, history) = run(14, Some(&checkpoints), 90)?;
    let names = fs::read_dir(&checkpoints)?.map(|entry| Ok(entry?.file_name()));
    let mut names = names.collect::<fanin::Result<Vec<_>>>()?;
    names.sort();
    println!("stopped {}; there are {names:?}", history.stopped);
    assert_eq!(history.stopped, Stopped::Callback);

    let (resumed, history) = run(999, Some(&checkpoints), usize::MAX)?;
    let same = resumed.to_bytes()? == model.to_bytes()?;
    println!("resumed: stopped {}; the same bytes: {same}", history.stopped);
    assert!(same);
    fs::remove_dir_all(&dir)?;
    Ok(())
}
