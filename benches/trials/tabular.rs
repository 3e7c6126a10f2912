//! Regression and classification of CSV tables, with fanin.

use fanin::datasets::Targets;
use fanin::datasets::preprocess::Scale;
use fanin::prelude::*;
use fanin::train::Objective;

fn network(inputs: usize, outputs: usize) -> Sequential {
    Sequential::new()
        .add(Linear::new(inputs, 64))
        .add(Relu)
        .add(Dropout::new(0.1))
        .add(Linear::new(64, 32))
        .add(Relu)
        .add(Linear::new(32, outputs))
}

fn train<Y: Targets, K>(
    loss: impl Objective<Sequential, Y::Batch, K>,
    rows: Table<Y>,
    outputs: usize,
) -> fanin::Result<Sequential> {
    let mut model = network(rows.features(), outputs);
    let (fit, valid) = rows.split(rows.len() * 3 / 4);
    let (cosine, of_epoch) = (CosineAnnealing::new(500), fit.len().div_ceil(32));
    Trainer::new(loss, AdamW::new(1e-3).weight_decay(1e-2))
        .schedule(move |base, step| cosine.lr(base, step / of_epoch))
        .epochs(500)
        .early_stopping(EarlyStopping::patience(20))
        .silent()
        .fit(&mut model, &fit, &valid)?;
    Ok(model)
}

fn run(name: &str, kind: &str, pos_weight: f64, seed: u64) -> fanin::Result<()> {
    manual_seed(seed);
    let frame = Frame::from_csv(format!("data/{name}.csv"))?;
    let (rest, test) = frame.split(frame.len() * 4 / 5);
    let columns = Preprocessor::new();
    match kind {
        "regression" => {
            let scaled = columns.target("target").scale_targets(Scale::Standardize);
            let pipeline = scaled.fit(&rest)?;
            let model = train(Mse::new(), pipeline.table(&rest)?, 1)?;
            println!("{name} R2 {}", evaluate(&model, &pipeline.table(&test)?, metrics::r2));
        }
        "binary" => {
            let pipeline = columns.target("target").fit(&rest)?;
            let loss = BceWithLogits::new().pos_weight(&[pos_weight]);
            let model = train(loss, pipeline.table(&rest)?, 1)?;
            let y = test.labels("target")?;
            let out = model.predict(&pipeline.inputs(&test)?);
            let name = format!("{name}*{pos_weight}");
            println!("{name} accuracy {}", metrics::accuracy(&out, &y));
            println!("{name} F1 {}", metrics::f1(&out, &y, metrics::Average::Class(1)));
            println!("{name} AUC {}", metrics::roc_auc(&out, &y));
        }
        _ => {
            let pipeline = columns.class("target").fit(&rest)?;
            let model = train(CrossEntropy::new(), pipeline.labelled(&rest)?, 3)?;
            println!("{name} accuracy {}", accuracy(&model, &pipeline.labelled(&test)?));
        }
    }
    Ok(())
}

fn main() -> fanin::Result<()> {
    let seed = std::env::args().nth(1).and_then(|seed| seed.parse().ok()).expect("a seed");
    run("diabetes", "regression", 1.0, seed)?;
    run("houses", "regression", 1.0, seed)?;
    run("breast_cancer", "binary", 1.0, seed)?;
    run("wine", "classes", 1.0, seed)?;
    run("fraud", "binary", 1.0, seed)?;
    run("fraud", "binary", 10.0, seed)
}
