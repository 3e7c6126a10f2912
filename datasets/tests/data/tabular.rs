//! Preprocessing is scikit-learn's, by golden/tabular.txt. The table of what was compared is
//! docs/toolbox/data.md.

use std::fs;
use std::path::Path;

use fanin_datasets::csv::Csv;
use fanin_datasets::preprocess::{
    Encode, Impute, Imputer, MinMaxScaler, Scale, Standardizer, Unseen,
};
use fanin_datasets::{Frame, Preprocessor, Tensor};

const GOLDEN: &str = include_str!("../../golden/tabular.txt");
const TABLE: &str = include_str!("../../golden/tabular.csv");
const TOLERANCE: f64 = 1e-6;

/// What was compared, what it is called elsewhere, and the worst deviation.
struct Row(String, &'static str, f64);

fn frame() -> Frame {
    Csv::new().read_from("tabular.csv", TABLE.as_bytes()).unwrap()
}

fn train(frame: &Frame) -> Frame {
    let n = GOLDEN.lines().find_map(|line| line.strip_prefix("train ")).unwrap();
    frame.split(n.parse().unwrap()).0
}

/// The columns and the numbers of a line.
fn golden(name: &str) -> (usize, Vec<f64>) {
    let line = GOLDEN.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    let mut words = line.unwrap_or_else(|| panic!("{name}")).split(' ');
    let columns = words.next().unwrap().parse().unwrap();
    (columns, words.map(|word| word.parse().unwrap()).collect())
}

/// The worst deviation from a line, by what is larger, the number or 1.
fn deviation(name: &str, x: &Tensor) -> f64 {
    let (columns, want) = golden(name);
    assert_eq!((x.shape(), x.len()), (&[40, columns][..], want.len()), "{name}");
    let deviations = x
        .as_slice()
        .iter()
        .zip(&want)
        .map(|(&x, want)| (f64::from(x) - want).abs() / want.abs().max(1.0));
    deviations.fold(0.0, f64::max)
}

const SCALES: [(&str, &str, Scale); 3] = [
    ("keep", "no scaler", Scale::Keep),
    ("standardize", "StandardScaler", Scale::Standardize),
    ("min_max", "MinMaxScaler((-1, 2))", Scale::MinMax(-1.0, 2.0)),
];

fn numbers(rows: &mut Vec<Row>) {
    let imputes = [
        ("mean", Impute::Mean),
        ("median", Impute::Median),
        ("most_frequent", Impute::MostFrequent),
        ("number", Impute::Number(-3.5)),
    ];
    let frame = frame().drop_columns(["city", "grade", "price"]).unwrap();
    for (scale_name, theirs, scale) in SCALES {
        let mut worst = 0.0f64;
        for (impute_name, impute) in &imputes {
            let recipe = Preprocessor::new().impute(impute.clone()).scale(scale);
            let pipeline = recipe.fit(&train(&frame)).unwrap();
            let x = pipeline.inputs(&frame).unwrap();
            worst = worst.max(deviation(&format!("numbers {impute_name} {scale_name}"), &x));
        }
        rows.push(Row(format!("`Impute` of four kinds, `Scale`, {scale_name}"), theirs, worst));
    }
}

fn texts(rows: &mut Vec<Row>) {
    let frame = frame().drop_columns(["age", "income", "rooms", "constant", "price"]).unwrap();
    let encodes = [
        ("one_hot", "OneHotEncoder", Encode::OneHot),
        ("ordinal", "OrdinalEncoder", Encode::Ordinal),
    ];
    for (encode_name, theirs, encode) in encodes {
        let mut worst = 0.0f64;
        for (impute_name, impute) in
            [("most_frequent", Impute::MostFrequent), ("category", Impute::Category("none".into()))]
        {
            let recipe = Preprocessor::new().impute_categories(impute).encode(encode);
            let pipeline = recipe.unseen(Unseen::Zeros).fit(&train(&frame)).unwrap();
            let x = pipeline.inputs(&frame).unwrap();
            worst = worst.max(deviation(&format!("texts {impute_name} {encode_name}"), &x));
        }
        rows.push(Row(
            format!("`Encode`, {encode_name}, with a category that is new"),
            theirs,
            worst,
        ));
    }
}

fn targets(rows: &mut Vec<Row>) {
    let frame = frame().drop_columns(["age", "income", "rooms", "city", "grade"]).unwrap();
    let recipe = Preprocessor::new().target("price").scale_targets(Scale::Standardize);
    let pipeline = recipe.fit(&train(&frame)).unwrap();
    let table = pipeline.table(&frame).unwrap();
    let worst = deviation("target standardize", table.targets());
    rows.push(Row("`Preprocessor::scale_targets`".into(), "TransformedTargetRegressor", worst));
    let raw = frame.regression(["price"]).unwrap();
    let back = pipeline.undo_targets(table.targets());
    let undone = back.as_slice().iter().zip(raw.targets().as_slice());
    assert!(undone.clone().all(|(a, b)| (a - b).abs() <= 1e-5 * b.abs()), "{back:?}");
}

/// The steps for tensors are those of pipelines.
fn tensors(rows: &mut Vec<Row>) {
    let frame = frame().drop_columns(["city", "grade", "price"]).unwrap();
    let mut values = Vec::new();
    for row in 0..frame.len() {
        values.extend(frame.columns().iter().map(|c| c.numbers().unwrap()[row] as f32));
    }
    let raw = Tensor::from_vec([frame.len(), 4], values);
    let first = |x: &Tensor| Tensor::from_vec([28, 4], x.as_slice()[..28 * 4].to_vec());
    let x = Imputer::fit(&first(&raw), &Impute::Median).unwrap().apply(&raw);
    let worst = deviation("numbers median keep", &x);
    rows.push(Row("`Imputer`".into(), "SimpleImputer", worst));
    let scaled = Standardizer::fit(&first(&x)).unwrap().apply(&x);
    let worst = deviation("numbers median standardize", &scaled);
    rows.push(Row("`Standardizer`".into(), "StandardScaler", worst));
    let mut scaled = MinMaxScaler::fit(&first(&x)).unwrap().apply(&x);
    scaled.as_mut_slice().iter_mut().for_each(|x| *x = 3.0 * *x - 1.0); // to (-1, 2)
    let worst = deviation("numbers median min_max", &scaled);
    rows.push(Row("`MinMaxScaler`".into(), "MinMaxScaler", worst));
}

#[test]
fn preprocessing_is_scikit_learns() {
    let mut rows = Vec::new();
    numbers(&mut rows);
    texts(&mut rows);
    targets(&mut rows);
    tensors(&mut rows);
    // Compared for equality in sampling.rs and classics.rs.
    rows.push(Row("`Batches::weighted`".into(), "WeightedRandomSampler", 0.0));
    rows.push(Row("`RandomSplit::fractions`".into(), "random_split", 0.0));
    rows.push(Row("`iris`, `wine`, `breast_cancer`, `diabetes`".into(), "load_iris, …", 0.0));
    for Row(name, _, worst) in &rows {
        assert!(*worst <= TOLERANCE, "{name}: {worst:e}");
    }

    let head = "# Data beside scikit-learn and PyTorch\n\nWritten by `datasets/tests/data/tabular.rs` \
        (`FANIN_WRITE_TABLES=1 cargo test -p fanin-datasets --test data tabular`). Fitted to some rows and \
        applied to others, in f32 against f64; deviations are relative to the larger of the value and 1.\n\n\
        | piece | scikit-learn's or PyTorch's name | worst deviation |\n|---|---|---|\n";
    let line = |Row(piece, theirs, worst): &Row| format!("| {piece} | {theirs} | {worst:.0e} |\n");
    let table = head.to_owned() + &rows.iter().map(line).collect::<String>();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/toolbox/data.md");
    if std::env::var_os("FANIN_WRITE_TABLES").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, &table).unwrap();
    }
    // Another CPU may have another last digit.
    let names = |table: &str| {
        let rows = table
            .lines()
            .filter_map(|line| line.rsplit_once(" | ").map(|(names, _)| names.to_owned()));
        rows.collect::<Vec<_>>()
    };
    assert_eq!(names(&fs::read_to_string(&path).unwrap()), names(&table), "docs/toolbox/data.md");
}
