//! Pipelines: fitted to the rows to train on alone, applied to others, saved, and what they refuse.

use fanin_datasets::csv::Csv;
use fanin_datasets::preprocess::{
    Encode, Impute, Imputer, MinMaxScaler, Scale, Unseen, Value, one_hot,
};
use fanin_datasets::{Error, Frame, Pipeline, Preprocessor, Standardizer, Tensor};
use proptest::prelude::*;

use crate::common::{TempDir, panic_of};

fn homes() -> Frame {
    Frame::new()
        .with_numbers("size", [50.0, f64::NAN, 120.0, 95.0, 80.0])
        .with_texts("city", ["Oslo", "Rome", "", "Oslo", "Rome"])
        .with_numbers("zip", [1.0, 2.0, 3.0, 1.0, 2.0])
        .with_numbers("price", [210.0, 320.0, 500.0, 410.0, 300.0])
        .with_texts("sold", ["yes", "no", "yes", "yes", "no"])
}

fn recipe() -> Preprocessor {
    Preprocessor::new()
        .drop_columns(["price", "sold"])
        .impute(Impute::Mean)
        .impute_categories(Impute::MostFrequent)
        .categorical(["zip"])
}

#[test]
fn only_the_rows_to_train_on_are_measured() {
    let all = homes();
    let train = all.select([0, 1, 3, 4]);
    let pipeline = recipe().scale(Scale::Keep).fit(&train).unwrap();
    // 225 / 3, without the 120 of the row that is left out, and without its zip.
    let x = pipeline.inputs(&train).unwrap();
    assert_eq!(x.as_slice()[5..10], [75.0, 0.0, 1.0, 0.0, 1.0]);
    assert_eq!(pipeline.feature_names(), ["size", "city=Oslo", "city=Rome", "zip=1", "zip=2"]);
    let error = pipeline.inputs(&all).unwrap_err().to_string();
    assert!(error.starts_with(r#"row 2, column "zip" is "3", a category that the training rows lack (they have "1", "2")"#), "{error}");
    // A missing city is the most frequent one; of two, the first.
    let zeros = recipe().unseen(Unseen::Zeros).scale(Scale::Keep).fit(&train).unwrap();
    assert_eq!(zeros.inputs(&all).unwrap().as_slice()[10..15], [120.0, 1.0, 0.0, 0.0, 0.0]);
}

#[test]
fn columns_are_found_by_name_and_others_ignored() {
    let pipeline = recipe().fit(&homes()).unwrap();
    let want = pipeline.inputs(&homes()).unwrap();
    let mut shuffled = Frame::new();
    for name in ["extra", "zip", "size", "city"] {
        shuffled = match homes()
            .column(name)
            .ok()
            .map(|c| (c.numbers().map(<[f64]>::to_vec), c.clone()))
        {
            Some((Some(numbers), _)) => shuffled.with_numbers(name, numbers),
            Some((None, c)) => {
                shuffled.with_texts(name, (0..c.len()).map(|i| c.text(i).unwrap_or("").to_owned()))
            }
            None => shuffled.with_texts(name, ["x"; 5]),
        };
    }
    assert_eq!(pipeline.inputs(&shuffled).unwrap(), want);
    let lacking = shuffled.drop_columns(["city"]).unwrap();
    let error = pipeline.inputs(&lacking).unwrap_err().to_string();
    assert_eq!(error, r#"the table has no column "city"; it has "extra", "zip", "size""#);
}

#[test]
fn targets_are_numbers_or_classes() {
    let frame = homes().drop_columns(["size", "city"]).unwrap();
    let regression = Preprocessor::new().targets(["price"]).drop_columns(["sold"]);
    let pipeline = regression.clone().scale_targets(Scale::MinMax(-1.0, 1.0)).fit(&frame).unwrap();
    let table = pipeline.table(&frame).unwrap();
    let y = table.targets();
    assert_eq!((y.shape(), y.as_slice()[0], y.as_slice()[2]), (&[5, 1][..], -1.0, 1.0));
    let back = pipeline.undo_targets(y);
    assert!(
        back.as_slice()
            .iter()
            .zip([210.0, 320.0, 500.0, 410.0, 300.0])
            .all(|(a, b)| (a - b).abs() < 1e-3)
    );
    assert_eq!(
        (pipeline.outputs(), pipeline.target_names(), table.target_names()),
        (1, vec!["price"], &["price".to_string()][..])
    );
    assert_eq!(
        regression.fit(&frame).unwrap().table(&frame).unwrap().targets().as_slice()[1],
        320.0
    );

    let pipeline = Preprocessor::new().class("sold").fit(&frame).unwrap();
    let table = pipeline.labelled(&frame).unwrap();
    assert_eq!(
        (table.labels(), table.class_names(), pipeline.outputs()),
        (&[1, 0, 1, 1, 0][..], pipeline.classes(), 2)
    );
    // A class that numbers say.
    let pipeline =
        Preprocessor::new().class("zip").drop_columns(["sold"]).fit(&frame.select([0, 1])).unwrap();
    assert_eq!(pipeline.classes(), ["1", "2"]);
    let error = pipeline.labelled(&frame).unwrap_err().to_string();
    assert!(
        error.starts_with(r#"row 2, column "zip" is "3", a category that the training rows lack"#),
        "{error}"
    );
    // The labels of a part keep their numbers.
    assert_eq!(pipeline.labelled(&frame.select([4, 1])).unwrap().labels(), [1, 1]);
    assert_eq!(pipeline.labelled(&frame.select([1])).unwrap().classes(), 2);
}

#[test]
fn rows_in_memory_are_what_rows_of_a_frame_are() {
    let pipeline = recipe().fit(&homes()).unwrap();
    let want = pipeline.inputs(&homes().select([3, 1])).unwrap();
    assert_eq!(pipeline.input_names(), ["size", "city", "zip"]);
    let rows = [["95", " Oslo ", "1"], ["NA", "Rome", "2"]];
    assert_eq!(pipeline.rows(rows).unwrap(), want);
    let typed: [[Value; 3]; 2] =
        [[95.into(), "Oslo".into(), 1.0.into()], [None::<f64>.into(), "Rome".into(), "2".into()]];
    assert_eq!(pipeline.rows(typed).unwrap(), want);
    let named = [
        ("zip", Value::from(1)),
        ("size", 95.0.into()),
        ("city", "Oslo".into()),
        ("other", "x".into()),
    ];
    assert_eq!(pipeline.row(named).unwrap().as_slice(), &want.as_slice()[..6]);

    let text = |result: Result<Tensor, Error>| result.unwrap_err().to_string();
    assert_eq!(
        text(pipeline.row([("size", 95.0)])),
        r#"the row has no column "city"; it has "size""#
    );
    let short = text(pipeline.rows([vec!["95"]]));
    assert_eq!(
        short,
        r#"row 0 has 1 value, but the inputs are "size", "city", "zip"; give a value for each"#
    );
    let number = text(pipeline.rows([["95", "Oslo", "1"], ["big", "Oslo", "1"]]));
    assert!(
        number.starts_with(r#"row 1, column "size" is "big", and a number is needed"#),
        "{number}"
    );
    let infinite = text(pipeline.rows([["inf", "Oslo", "1"]]));
    assert!(infinite.starts_with(r#"row 0, column "size" is inf"#), "{infinite}");
}

#[test]
fn files_to_predict_from_have_the_kinds_of_the_training() {
    let read = |csv: &Csv, text: &str| csv.read_from("t.csv", text.as_bytes());
    let train = read(&Csv::new(), "code,x,y\nA1,1,5\n22,2,6\nB,3,7\n").unwrap();
    let pipeline = Preprocessor::new().target("y").fit(&train).unwrap();
    // By itself, this column of codes looks like numbers.
    let new = read(&pipeline.csv(), "x,code\n1,22\n").unwrap();
    assert!(new.column("code").unwrap().is_categorical());
    assert_eq!(pipeline.inputs(&new).unwrap().as_slice()[..3], [1.0, 0.0, 0.0]);
    assert_eq!(
        pipeline.inputs(&read(&Csv::new(), "x,code\n1,22\n").unwrap()).unwrap(),
        pipeline.inputs(&new).unwrap()
    );
    let error = read(&pipeline.csv(), "x,code\none,22\n").unwrap_err().to_string();
    assert!(error.starts_with(r#"t.csv, line 2, column "x" is "one""#), "{error}");
    // And numbers that look like categories.
    let wrong = read(&Csv::new(), "x,code\none,22\n").unwrap();
    let error = pipeline.inputs(&wrong).unwrap_err().to_string();
    assert!(
        error.starts_with(r#"t.csv, line 2, column "x" is "one", and a number is needed"#),
        "{error}"
    );
    let unseen = read(&pipeline.csv(), "x,code\n1,B\n1,C\n").unwrap();
    let error = pipeline.inputs(&unseen).unwrap_err().to_string();
    assert!(
        error.starts_with(r#"t.csv, line 3, column "code" is "C", a category that"#),
        "{error}"
    );
}

/// A typed line has no header that would say what is missing, and no row to train on can be corrected any more.
#[test]
fn messages_about_a_row_to_predict_say_what_can_be_done_then() {
    let read = |csv: &Csv, text: &str| csv.read_from("t.csv", text.as_bytes());
    let train = read(&Csv::new(), "x,garden,y\n1,yes,5\n,no,6\n3,yes,7\n").unwrap();
    let recipe = Preprocessor::new().impute(Impute::Median);
    let recipe = recipe.impute_categories(Impute::Category("unknown".into()));
    let pipeline = recipe.target("y").fit(&train).unwrap();
    let line = |text: &str| match read(&pipeline.csv().header(false), text) {
        Ok(row) => pipeline.inputs(&row).unwrap_err().to_string(),
        Err(error) => error.to_string(),
    };
    assert_eq!(
        line("1,yes,5"),
        r#"t.csv, line 1 has 3 values, but the inputs are "x", "garden"; give a value for each"#
    );
    assert!(line("1;yes").starts_with("t.csv, line 1 has 1 value, but the inputs are "));
    let correct = "and a number is needed; it was a number in the rows to train on; correct it";
    assert_eq!(line("one,yes"), format!(r#"t.csv, line 1, column "x" is "one", {correct}"#));
    let missing = r#"t.csv, line 1, column "garden" has no value; no row to train on lacked one, "#;
    assert!(line("1,").starts_with(missing), "{}", line("1,"));
    let error = pipeline.rows([["1", ""]]).unwrap_err().to_string();
    assert!(error.starts_with(r#"row 0, column "garden" has no value; "#), "{error}");
}

#[test]
fn bad_rows_to_train_on_are_refused() {
    let text =
        |recipe: Preprocessor, frame: &Frame| recipe.fit(frame).map(drop).unwrap_err().to_string();
    let new = Preprocessor::new;
    let starts = |message: String, start: &str| assert!(message.starts_with(start), "{message}");
    starts(text(new(), &homes().select([])), "the table has no rows; ");
    starts(text(new(), &homes()), r#"row 1, column "size" has no value; "#);
    starts(text(new().impute(Impute::Median), &homes()), r#"row 2, column "city" has no value; "#);
    let names: Vec<String> = homes().columns().iter().map(|c| c.name().into()).collect();
    starts(text(new().drop_columns(names), &homes()), "the table has no columns to learn from; ");
    starts(
        text(new().target("pricee"), &homes()),
        r#"the table has no column "pricee"; the nearest names are "price""#,
    );
    for recipe in [
        new().class("x"),
        new().drop_columns(["x"]),
        new().categorical(["x"]),
        new().scale_column("x", Scale::Keep),
        new().impute_column("x", Impute::Mean),
    ] {
        starts(text(recipe, &homes()), r#"the table has no column "x""#);
    }
    starts(
        text(new().target("sold"), &homes()),
        r#"the table: column "sold" holds categories, and numbers are needed"#,
    );
    starts(
        text(new().target("size"), &homes()),
        r#"row 1, column "size" has no value; a row without a target"#,
    );
    starts(
        text(new().class("city"), &homes()),
        r#"row 2, column "city" has no value; a row without a class"#,
    );
    let named = |rows: usize, each: usize| {
        let ids: Vec<String> = (0..rows).map(|i| format!("id {}", i / each)).collect();
        Frame::new().with_texts("id", &ids).with_numbers("a", (0..rows).map(|i| i as f64))
    };
    starts(
        text(new(), &named(50, 1)),
        r#"column "id" has 50 categories in 50 rows, so it identifies the row"#,
    );
    assert!(new().fit(&named(50, 2)).is_ok() && new().fit(&named(49, 1)).is_ok());
    assert!(new().max_categories(50).fit(&named(50, 1)).is_ok());
    assert!(new().drop_columns(["id"]).fit(&named(50, 1)).is_ok());
    let far = new().fit(&named(49, 1)).unwrap().rows([["id 3", "1e300"]]).unwrap_err();
    starts(far.to_string(), r#"row 0, column "a" is 1e300: "#);
    let many = recipe().max_categories(2);
    starts(text(many, &homes()), r#"column "zip" has 3 categories, more than 2: "#);
    let classes = recipe().class("price").max_categories(4);
    starts(text(classes, &homes()), r#"column "price" has 5 categories, more than 4: "#);
    starts(
        text(recipe().class("sold"), &homes().select([0, 2, 3])),
        r#"the table: column "sold" has a single class, "yes", in the rows to train on; "#,
    );
    let empty = Frame::new().with_numbers("a", [f64::NAN; 2]).with_numbers("b", [1.0, 2.0]);
    starts(
        text(new().impute(Impute::Mean), &empty),
        r#"row 0, column "a" has no value; no row has one"#,
    );
    let huge = Frame::new().with_numbers("a", [1.0, f64::INFINITY]);
    starts(text(new(), &huge), r#"row 1, column "a" is inf: "#);
    // A spread that f32 has not.
    let wide = Frame::new().with_numbers("a", [0.0, 1e45]);
    let pipeline = new().scale(Scale::Keep).fit(&wide).unwrap();
    starts(pipeline.inputs(&wide).unwrap_err().to_string(), r#"row 1, column "a" is 1e45"#);
}

#[test]
fn one_column_may_differ() {
    let frame = Frame::new()
        .with_numbers("a", [0.0, 10.0, f64::NAN])
        .with_numbers("b", [0.0, 10.0, 20.0])
        .with_texts("c", ["x", "y", ""]);
    let pipeline = Preprocessor::new()
        .scale(Scale::Keep)
        .scale_column("b", Scale::MinMax(0.0, 1.0))
        .impute_column("a", Impute::Number(-7.0))
        .impute_column("c", Impute::Category("none".into()))
        .encode(Encode::Ordinal)
        .fit(&frame)
        .unwrap();
    let x = pipeline.inputs(&frame).unwrap();
    assert_eq!(x.as_slice(), [0.0, 0.0, 1.0, 10.0, 0.5, 2.0, -7.0, 1.0, 0.0]);
    assert_eq!(pipeline.feature_names(), ["a", "b", "c"]);

    // A column of one value has no range: another value keeps its distance from it.
    let same = Frame::new().with_numbers("a", [4.0, 4.0]);
    let pipeline = Preprocessor::new().scale(Scale::MinMax(0.0, 2.0)).fit(&same).unwrap();
    assert_eq!(pipeline.rows([[4.0], [7.0]]).unwrap().as_slice(), [0.0, 6.0]);
}

#[test]
fn a_pipeline_is_saved_with_its_model_or_alone() {
    let directory = TempDir::new();
    let path = directory.path().join("homes.pipeline");
    let pipeline = recipe().class("sold").fit(&homes()).unwrap();
    pipeline.save(&path).unwrap();
    assert_eq!(Pipeline::load(&path).unwrap(), pipeline);
    assert_eq!(Pipeline::load_with_model(&path).unwrap(), (pipeline.clone(), vec![]));
    pipeline.save_with_model(&path, b"weights").unwrap();
    assert_eq!(Pipeline::load_with_model(&path).unwrap(), (pipeline.clone(), b"weights".to_vec()));
    assert_eq!(Pipeline::load(&path).unwrap(), pipeline);

    let json = serde_json::to_string(&pipeline).unwrap();
    assert_eq!(serde_json::from_str::<Pipeline>(&json).unwrap(), pipeline);
    let regression = Preprocessor::new().target("price").scale_targets(Scale::Standardize);
    let regression = regression.fit(&homes().drop_columns(["size", "city"]).unwrap()).unwrap();
    let json = serde_json::to_string(&regression).unwrap();
    assert_eq!(serde_json::from_str::<Pipeline>(&json).unwrap(), regression);
    assert_eq!(Pipeline::from_bytes(&regression.to_bytes()).unwrap(), regression);
}

#[test]
fn a_pipeline_of_any_size_can_be_read_again() {
    for n in [1usize, 400, 6_000, 100_000] {
        let texts = (0..n).map(|i| format!("category {i:032}"));
        let recipe = Preprocessor::new().encode(Encode::Ordinal).max_categories(n);
        let pipeline = recipe.fit(&Frame::new().with_texts("t", texts)).unwrap();
        let bytes = pipeline.to_bytes();
        assert!(bytes.len() > 49 * n);
        assert_eq!(Pipeline::from_bytes(&bytes).unwrap(), pipeline, "{n} categories");
    }
}

#[test]
fn no_damage_of_a_pipelines_bytes_goes_unseen() {
    let bytes = recipe().class("sold").fit(&homes()).unwrap().to_bytes();
    for cut in 0..bytes.len() {
        assert!(
            matches!(Pipeline::from_bytes(&bytes[..cut]), Err(Error::NotAPipeline { .. })),
            "cut at {cut}"
        );
    }
    for i in 0..bytes.len() {
        let mut damaged = bytes.clone();
        damaged[i] ^= 0x40;
        assert!(
            matches!(Pipeline::from_bytes(&damaged), Err(Error::NotAPipeline { .. })),
            "byte {i}"
        );
    }
    let text = |bytes: &[u8]| Pipeline::from_bytes(bytes).unwrap_err().to_string();
    assert!(text(b"a,b\n").starts_with("bytes is no pipeline; "));
    let model = text(b"\x8Ffanin\n\0 and more");
    assert!(model.starts_with("bytes is a model alone, for Sequential::load; "), "{model}");
    let mut newer = bytes.clone();
    newer[8] = 9;
    assert!(text(&newer).starts_with("bytes has version 9 of the format"));
    assert!(text(&[&bytes[..], b"x"].concat()).starts_with("bytes is damaged"));
}

#[test]
fn what_no_fit_gives_is_refused_from_json() {
    let refused = |json: &str| serde_json::from_str::<Pipeline>(json).unwrap_err().to_string();
    let number =
        r#"{"name":"a","step":{"Number":{"fill":null,"scale":{"shift":0.0,"scale":1.0}}}}"#;
    let whole = format!(r#"{{"inputs":[{number}],"target":"None"}}"#);
    assert!(serde_json::from_str::<Pipeline>(&whole).is_ok());
    for (json, why) in [
        (r#"{"inputs":[],"target":"None"}"#.to_string(), "has no inputs"),
        (whole.replace("\"scale\":1.0", "\"scale\":0.0"), "a scale that is none"),
        (whole.replace("\"None\"", r#"{"Numbers":[["y",{"shift":0.0,"scale":0.0}]]}"#), "a target with a scale"),
        (whole.replace("\"None\"", r#"{"Numbers":[]}"#), "no targets"),
        (whole.replace("\"None\"", r#"{"Classes":{"name":"y","classes":[]}}"#), "no classes"),
        (
            r#"{"inputs":[{"name":"a","step":{"Category":{"categories":["b","a"],"fill":null,"encode":"OneHot","unseen":"Refuse"}}}],"target":"None"}"#.to_string(),
            "categories are not sorted",
        ),
    ] {
        let message = refused(&json);
        assert!(message.contains(why), "{message}");
    }
    fn round<T: serde::Serialize + serde::de::DeserializeOwned + PartialEq + std::fmt::Debug>(
        value: &T,
    ) {
        let json = serde_json::to_string(value).unwrap();
        assert_eq!(&serde_json::from_str::<T>(&json).unwrap(), value);
    }
    let x = Tensor::from_vec([2, 2], vec![1.0, 2.0, 3.0, 5.0]);
    round(&Standardizer::fit(&x).unwrap());
    round(&MinMaxScaler::fit(&x).unwrap());
    round(&Imputer::fit(&x, &Impute::Median).unwrap());
    assert!(serde_json::from_str::<Standardizer>(r#"{"mean":[1.0],"std":[]}"#).is_err());
    assert!(serde_json::from_str::<Standardizer>(r#"{"mean":[1.0],"std":[0.0]}"#).is_err());
    assert!(serde_json::from_str::<MinMaxScaler>(r#"{"min":[1.0],"max":[0.0]}"#).is_err());
}

#[test]
fn steps_for_tensors_refuse_what_they_cannot_measure() {
    let nan = Tensor::from_vec([2, 2], vec![1.0, f32::NAN, 2.0, f32::NAN]);
    assert!(matches!(MinMaxScaler::fit(&nan), Err(Error::NotFinite { row: 0, column: 1, .. })));
    assert!(matches!(MinMaxScaler::fit(&Tensor::zeros([0, 2])), Err(Error::NoRows)));
    assert!(matches!(Imputer::fit(&nan, &Impute::Mean), Err(Error::MissingValue { .. })));
    assert_eq!(
        Imputer::fit(&nan, &Impute::Number(4.0)).unwrap().apply(&nan).as_slice(),
        [1.0, 4.0, 2.0, 4.0]
    );
    let infinite = Tensor::from_vec([1, 1], vec![f32::INFINITY]);
    assert!(matches!(Imputer::fit(&infinite, &Impute::Mean), Err(Error::NotFinite { .. })));
    // The range of f32 is none, that of f64 is.
    let wide = Tensor::from_vec([2, 1], vec![-3e38, 3e38]);
    let scaler = MinMaxScaler::fit(&wide).unwrap();
    assert_eq!(scaler.apply(&wide).as_slice(), [0.0, 1.0]);
    assert_eq!(scaler.undo(&scaler.apply(&wide)), wide);
}

#[test]
fn mistakes_panic_at_the_callers_line() {
    let check = |(message, file, line): (String, String, u32), expected: u32, text: &str| {
        assert_eq!((file.as_str(), line), (file!(), expected), "{message}");
        assert!(message.contains(text), "{message}");
    };
    let new = Preprocessor::new;
    check(panic_of(|| new().scale(Scale::MinMax(1.0, 1.0))), line!(), "the smaller first");
    let (nan, category) = (Scale::MinMax(0.0, f64::NAN), Impute::Category("x".into()));
    check(panic_of(|| new().scale_targets(nan)), line!(), "the smaller first");
    check(panic_of(|| new().scale_column("a", nan)), line!(), "the smaller first");
    check(panic_of(|| new().impute(category)), line!(), "say impute_categories");
    check(panic_of(|| new().impute(Impute::Number(f64::NAN))), line!(), "a finite number");
    check(panic_of(|| new().impute_categories(Impute::Mean)), line!(), "is for numbers");
    check(panic_of(|| new().max_categories(0)), line!(), "0 categories");
    let frame = homes().drop_columns(["size", "city"]).unwrap();
    let class = new().class("sold").fit(&frame).unwrap();
    check(panic_of(|| class.table(&frame)), line!(), "target sold is a class; take labelled");
    let numbers = new().target("price").fit(&frame).unwrap();
    check(panic_of(|| numbers.labelled(&frame)), line!(), "are numbers (price); take table");
    check(panic_of(|| numbers.undo_targets(&Tensor::zeros([2, 2]))), line!(), "2×2 with 1 targets");
    check(panic_of(|| one_hot(&[0, 3], 3)), line!(), "label 1 is 3");
    let x = Tensor::zeros([1, 1]);
    check(panic_of(|| Imputer::fit(&x, &Impute::Refuse)), line!(), "gives no number");
    check(panic_of(|| homes().with_numbers("size", [1.0; 5])), line!(), "already");
    check(panic_of(|| homes().with_numbers("new", [1.0; 4])), line!(), "but there are 5 rows");
    check(panic_of(|| homes().select([5])), line!(), "no row 5 among 5 rows");
    check(panic_of(|| Csv::new().delimiter(b'"')), line!(), "separates no fields");
}

proptest! {
    /// Any frame is fitted or refused; what is fitted gives finite inputs, survives saving, and treats
    /// rows by themselves as together.
    #[test]
    fn any_frame_is_fitted_or_refused(
        numbers in proptest::collection::vec(prop_oneof![Just(f64::NAN), -1e30..1e30f64, Just(0.0), Just(f64::MAX)], 1..12),
        letters in "[abc ]{12}",
    ) {
        let texts: Vec<String> = letters.chars().take(numbers.len()).map(|c| c.to_string().trim().into()).collect();
        let frame = Frame::new().with_numbers("n", numbers.clone()).with_texts("t", texts);
        for impute in [Impute::Refuse, Impute::Mean, Impute::Median, Impute::MostFrequent, Impute::Number(1.0)] {
            for scale in [Scale::Keep, Scale::Standardize, Scale::MinMax(0.0, 1.0)] {
                let recipe = Preprocessor::new().impute(impute.clone()).impute_categories(Impute::Category("?".into())).scale(scale);
                let Ok(pipeline) = recipe.fit(&frame) else { continue };
                prop_assert_eq!(&Pipeline::from_bytes(&pipeline.to_bytes()).unwrap(), &pipeline);
                let Ok(x) = pipeline.inputs(&frame) else { continue };
                prop_assert!(x.as_slice().iter().all(|v| v.is_finite()));
                for row in 0..frame.len() {
                    let one = pipeline.inputs(&frame.select([row])).unwrap();
                    prop_assert_eq!(one.as_slice(), &x.as_slice()[row * pipeline.features()..][..pipeline.features()]);
                }
            }
        }
    }
}
