//! The trainer as a program of the prelude writes it.

use fanin::prelude::*;

/// Errors of data, training and model files are one type.
#[test]
fn the_program_of_the_documentation() -> fanin::Result<()> {
    manual_seed(42);
    let (train, test) = datasets::mnist_bundled();
    let mut model = Sequential::new()
        .add(Linear::new(784, 32))
        .add(Relu)
        .add(Linear::builder(32, 10).weight(XavierNormal::default()).bias(Zeros).build());
    let history = Trainer::new(CrossEntropy::new(), AdamW::new(1e-3))
        .epochs(2)
        .batch(64)
        .fit(&mut model, &train, &test)?;
    let folder = std::env::temp_dir().join(format!("fanin-trainer-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    history.plot(folder.join("training.svg"))?;
    model.save(folder.join("mnist.fanin"))?;
    assert!(history.kept().is_some_and(|epoch| epoch.valid_loss < Some(0.6)), "{history}");
    assert!(accuracy(&model, &test) > 0.8);
    std::fs::remove_dir_all(folder)?;
    Ok(())
}

#[test]
fn three_lines_train() -> fanin::Result<()> {
    let rows = (0..100).map(|i| [i as f32 / 100.0]);
    let table = Table::from_rows(rows, Tensor::from(vec![1.0; 100]))?;
    let mut model = Sequential::new().add(Linear::new(1, 1));
    let history = Trainer::new(Mse::new(), Adam::new(0.05)).fit_all(&mut model, &table)?;
    assert!(history.epochs[9].loss < history.epochs[0].loss);
    let error = Trainer::new(Mse::new(), Adam::new(0.05)).batch(0).fit_all(&mut model, &table);
    let error: fanin::Error = error.unwrap_err().into();
    assert_eq!(error.to_string(), "batch(0): give at least 1");
    Ok(())
}
