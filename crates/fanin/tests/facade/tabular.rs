//! From a CSV file to predictions by a model that was saved with its pipeline.

use fanin::datasets::preprocess::{Impute, Pipeline, Scale};
use fanin::prelude::*;

/// Homes whose price is 20 + 3·size, and 60 more in Oslo; some sizes are missing.
fn homes() -> String {
    let mut text = String::from("id,size,city,price\n");
    for i in 0..200 {
        let (size, city) = (30 + i * 37 % 90, ["Oslo", "Rome", "Kyiv"][i % 3]);
        let price = 20 + 3 * size + if city == "Oslo" { 60 } else { 0 };
        let size = if i % 50 == 9 { String::new() } else { size.to_string() };
        text += &format!("{i},{size},{city},{price}\n");
    }
    text
}

#[test]
fn a_model_predicts_raw_rows_after_it_was_loaded() -> fanin::Result<()> {
    let directory = std::env::temp_dir().join(format!("fanin-tabular-{}", std::process::id()));
    std::fs::create_dir_all(&directory)?;
    let (csv, file) = (directory.join("homes.csv"), directory.join("homes.fanin"));
    std::fs::write(&csv, homes())?;

    manual_seed(42);
    let (train, test) = Frame::from_csv(&csv)?.train_test_split(0.25, 42);
    let pipeline = Preprocessor::new()
        .target("price")
        .drop_columns(["id"])
        .impute(Impute::Median)
        .scale_targets(Scale::Standardize)
        .fit(&train)?;
    let (train, test) = (pipeline.table(&train)?, pipeline.table(&test)?);
    let build =
        |inputs| Sequential::new().add(Linear::new(inputs, 16)).add(Tanh).add(Linear::new(16, 1));
    let mut model = build(pipeline.features());
    let (mut adam, mut tape) = (Adam::new(0.01), Tape::new());
    for _ in 0..60 {
        for (x, y) in train.batches(16).shuffle() {
            let (_, grads) = tape.value_and_grad(|t| model.forward(t.input(&x)).mse(t.input(&y)));
            adam.step(&mut model, grads);
        }
    }
    let (x, y) = test.tensors();
    let before = model.predict(&x);
    let errors = before.as_slice().iter().zip(y.as_slice()).map(|(a, b)| (a - b).powi(2));
    assert!(errors.sum::<f32>() / (y.len() as f32) < 0.1);
    pipeline.save_with_model(&file, &model.to_bytes()?)?;

    let (loaded, bytes) = Pipeline::load_with_model(&file)?;
    let mut model = build(loaded.features());
    model.load_bytes(&bytes)?;
    assert_eq!(model.predict(&x), before);
    let price = loaded.undo_targets(&model.predict(&loaded.rows([["70", "Oslo"]])?));
    assert!((price.as_slice()[0] - 290.0).abs() < 20.0, "{price:?}");
    let error = loaded.rows([["70", "Lima"]]).unwrap_err().to_string();
    assert!(error.starts_with(r#"row 0, column "city" is "Lima", a category"#), "{error}");
    std::fs::remove_dir_all(directory)?;
    Ok(())
}
