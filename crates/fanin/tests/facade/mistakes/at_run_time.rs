//! Mistakes that show when the program runs. The line that fanin must name has the mark `wrong`.

use std::fs;
use std::path::{Path, PathBuf};

use fanin::prelude::*;

/// A mistake: its title in the guide, and a program that makes it.
pub(super) type Mistake = (&'static str, fn() -> fanin::Result<()>);

pub(super) const MISTAKES: &[Mistake] = &[
    ("samples of another size than the model takes", samples_of_another_size),
    ("an image that is not flattened", an_image_that_is_not_flattened),
    ("layers that do not fit each other", layers_that_do_not_fit),
    ("a single sample as a vector", a_single_sample_as_a_vector),
    ("targets `(n)` for predictions `(n, 1)`", targets_of_another_shape),
    ("the same in a loss of your own", broadcast_in_a_loss),
    ("labels from 1 to 10", labels_from_1),
    ("the same in a `Trainer`", labels_from_1_in_a_trainer),
    ("data sorted by class", data_sorted_by_class),
    ("the broadcast in a `Trainer`", broadcast_in_a_trainer),
    ("a softmax before the cross-entropy", softmax_before_cross_entropy),
    ("a loss that is no number", a_loss_for_each_sample),
    ("pixels from 0 to 255", pixels_not_scaled),
    ("targets around a million", targets_of_a_million),
    ("NaN in the data", nan_in_the_data),
    ("all weights 0", all_weights_0),
    ("a learning rate 1000 times too high", a_rate_too_high),
    ("a rate too high in a `Trainer`", a_rate_too_high_in_a_trainer),
    ("the same, until the loss is NaN", a_rate_far_too_high),
    ("a loop without `step`", a_loop_without_step),
    ("a loss built from `predict`", a_loss_built_from_predict),
    ("a step on another model", a_step_on_another_model),
    ("one optimizer for two models", one_optimizer_for_two_models),
    ("a model without layers", a_model_without_layers),
    ("a batch size of 0", a_batch_size_of_0),
    ("dropout of 50 percent as 50", dropout_of_50),
    ("a deep network with the default initialization", a_deep_network_by_default),
    ("a file that is not there", a_missing_file),
    ("a column that is not there", a_missing_column),
    ("text in a column of numbers", text_among_numbers),
    ("a column of text that names the rows", names_of_rows),
    ("a model of another architecture", another_architecture),
    ("a damaged model", a_damaged_model),
    ("saving into a directory that is not there", a_missing_directory),
];

fn samples_of_another_size() -> fanin::Result<()> {
    let model = Sequential::new().add(Linear::new(784, 128)).add(Relu).add(Linear::new(128, 10));
    let x = Tensor::zeros([64, 300]);
    model.predict(&x); // wrong
    Ok(())
}

fn an_image_that_is_not_flattened() -> fanin::Result<()> {
    let model = Sequential::new().add(Linear::new(784, 128)).add(Relu).add(Linear::new(128, 10));
    let images = Tensor::zeros([64, 28, 28]);
    model.predict(&images); // wrong
    Ok(())
}

fn layers_that_do_not_fit() -> fanin::Result<()> {
    let model = Sequential::new().add(Linear::new(784, 128)).add(Relu);
    let _ = model.add(Linear::new(100, 10)); // wrong
    Ok(())
}

fn a_single_sample_as_a_vector() -> fanin::Result<()> {
    let model = Linear::new(4, 3);
    let flower = Tensor::from_vec(4, vec![5.1, 3.5, 1.4, 0.2]);
    let _ = Tape::new().value_and_grad(|t| {
        model.forward(t.input(&flower)).cross_entropy(&[0]) // wrong
    });
    Ok(())
}

fn targets_of_another_shape() -> fanin::Result<()> {
    let (model, x, y) = (Linear::new(3, 1), Tensor::ones([64, 3]), Tensor::ones(64));
    let _ = Tape::new().value_and_grad(|t| {
        model.forward(t.input(&x)).mse(t.input(&y)) // wrong
    });
    Ok(())
}

fn broadcast_in_a_loss() -> fanin::Result<()> {
    let (model, x, y) = (Linear::new(3, 1), Tensor::ones([64, 3]), Tensor::ones(64));
    let _ = Tape::new().value_and_grad(|t| {
        let error = model.forward(t.input(&x)) - t.input(&y); // wrong
        error.square().mean()
    });
    Ok(())
}

/// 200 digits, with labels from 1.
fn from_1() -> (Tensor, Vec<usize>) {
    let (x, y) = datasets::mnist_bundled().1.tensors();
    (x, y.iter().map(|label| label + 1).collect())
}

fn labels_from_1() -> fanin::Result<()> {
    let ((x, y), model) = (from_1(), Linear::new(784, 10));
    let _ = Tape::new().value_and_grad(|t| {
        model.forward(t.input(&x)).cross_entropy(&y) // wrong
    });
    Ok(())
}

fn labels_from_1_in_a_trainer() -> fanin::Result<()> {
    let ((x, y), mut model) = (from_1(), Linear::new(784, 10));
    let data = Table::from_tensors(x, y);
    Trainer::new(CrossEntropy::new(), Adam::new(1e-3)).silent().fit_all(&mut model, &data)?;
    Ok(())
}

fn train(
    model: &mut impl Module,
    optimizer: &mut impl Optimizer,
    x: &Tensor,
    loss: impl for<'t> Fn(Var<'t>) -> Var<'t>,
) {
    let mut tape = Tape::new();
    for _ in 0..20 {
        let (_, grads) = tape.value_and_grad(|t| loss(model.forward(t.input(x)))); // wrong
        optimizer.step(model, grads); // wrong
    }
}

fn data_sorted_by_class() -> fanin::Result<()> {
    let (train, _) = datasets::mnist_bundled();
    let (mut model, mut adam, mut tape) = (Linear::new(784, 10), Adam::new(1e-3), Tape::new());
    for (x, y) in train.take(500).batches(64).shuffle() {
        let (_, grads) = tape.value_and_grad(|t| {
            model.forward(t.input(&x)).cross_entropy(&y) // wrong
        });
        adam.step(&mut model, grads);
    }
    Ok(())
}

fn softmax_before_cross_entropy() -> fanin::Result<()> {
    let mut model = Sequential::new().add(Linear::new(4, 3)).add(Softmax);
    let (x, y) = datasets::iris().tensors();
    train(&mut model, &mut Adam::new(1e-3), &x, |p| p.cross_entropy(&y)); // wrong
    Ok(())
}

fn a_loss_for_each_sample() -> fanin::Result<()> {
    let (model, x, y) = (Linear::new(3, 1), Tensor::ones([64, 3]), Tensor::ones([64, 1]));
    let _ = Tape::new().value_and_grad(|t| (model.forward(t.input(&x)) - t.input(&y)).square()); // wrong
    Ok(())
}

fn digits(n: usize) -> (Tensor, Vec<usize>) {
    manual_seed(1);
    let (train, _) = datasets::mnist_bundled();
    let (x, y) = train.batches(n).shuffle().next().expect("there are digits");
    (x, y.to_vec())
}

fn pixels_not_scaled() -> fanin::Result<()> {
    let (x, y) = digits(64);
    let bytes = x.map(|x| (255.0 * x).round());
    let mut model = Linear::new(784, 10);
    train(&mut model, &mut Adam::new(1e-3), &bytes, |logits| logits.cross_entropy(&y));
    Ok(())
}

fn targets_of_a_million() -> fanin::Result<()> {
    let (x, _) = digits(64);
    let prices = Tensor::from_vec([64, 1], (0..64).map(|i| 1e6 + 1e4 * i as f32).collect());
    let mut model = Linear::new(784, 1);
    let mut adam = Adam::new(1e-3);
    train(&mut model, &mut adam, &x, |y| y.mse(y.tape().input(&prices))); // wrong
    Ok(())
}

fn nan_in_the_data() -> fanin::Result<()> {
    let (mut x, y) = digits(64);
    x.as_mut_slice()[7] = f32::NAN;
    let data = Table::from_tensors(x, y);
    let mut model = Linear::new(784, 10);
    Trainer::new(CrossEntropy::new(), Adam::new(1e-3)).silent().fit_all(&mut model, &data)?;
    Ok(())
}

fn all_weights_0() -> fanin::Result<()> {
    let (x, y) = digits(64);
    let zeros = |inputs, outputs| Linear::builder(inputs, outputs).weight(Zeros).build();
    let mut model = Sequential::new().add(zeros(784, 32)).add(Relu).add(zeros(32, 10));
    train(&mut model, &mut Adam::new(1e-3), &x, |logits| logits.cross_entropy(&y));
    Ok(())
}

fn net() -> Sequential {
    manual_seed(1);
    Sequential::new().add(Linear::new(784, 32)).add(Relu).add(Linear::new(32, 10))
}

fn a_rate_too_high() -> fanin::Result<()> {
    let ((x, y), mut model) = (digits(64), net());
    train(&mut model, &mut Adam::new(1.0), &x, |logits| logits.cross_entropy(&y));
    Ok(())
}

fn a_rate_too_high_in_a_trainer() -> fanin::Result<()> {
    let ((x, y), mut model) = (digits(64), net());
    let mut trainer = Trainer::new(CrossEntropy::new(), Adam::new(1.0)).accumulate(2).silent();
    trainer.fit_all(&mut model, &Table::from_tensors(x, y))?; // wrong
    Ok(())
}

fn broadcast_in_a_trainer() -> fanin::Result<()> {
    let data = (Tensor::ones([64, 3]), Tensor::ones(64));
    let mut model = Linear::new(3, 1);
    let trainer =
        Trainer::from_fn(Adam::new(1e-3), |t, model: &Linear, (x, y): &(Tensor, Tensor)| {
            (model.forward(t.input(x)) - t.input(y)).square().mean() // wrong
        });
    trainer.batch(64).silent().fit_all(&mut model, &data)?;
    Ok(())
}

fn names_of_rows() -> fanin::Result<()> {
    let ids: Vec<String> = (0..100).map(|i| format!("id {i}")).collect();
    let frame = Frame::new().with_texts("id", &ids).with_numbers("price", (0..100).map(f64::from));
    Preprocessor::new().target("price").fit(&frame)?;
    Ok(())
}

fn a_rate_far_too_high() -> fanin::Result<()> {
    let ((x, y), mut model) = (digits(64), net());
    let data = Table::from_tensors(x, y);
    let mut trainer = Trainer::new(CrossEntropy::new(), Sgd::new(1e30)).silent();
    trainer.fit_all(&mut model, &data)?; // wrong
    Ok(())
}

fn a_loop_without_step() -> fanin::Result<()> {
    let ((x, _), model, mut tape) = (digits(64), net(), Tape::new());
    for _ in 0..100 {
        let _ = tape.value_and_grad(|t| model.forward(t.input(&x)).mean()); // wrong
    }
    Ok(())
}

fn a_loss_built_from_predict() -> fanin::Result<()> {
    let ((x, y), mut model) = (digits(64), net());
    let (mut adam, mut tape) = (Adam::new(1e-3), Tape::new());
    let (_, grads) = tape.value_and_grad(|t| t.input(&model.predict(&x)).cross_entropy(&y));
    adam.step(&mut model, grads); // wrong
    Ok(())
}

fn a_step_on_another_model() -> fanin::Result<()> {
    let ((x, y), model, mut other) = (digits(64), net(), net());
    let (mut adam, mut tape) = (Adam::new(1e-3), Tape::new());
    let (_, grads) = tape.value_and_grad(|t| model.forward(t.input(&x)).cross_entropy(&y));
    adam.step(&mut other, grads); // wrong
    Ok(())
}

fn one_optimizer_for_two_models() -> fanin::Result<()> {
    let (mut adam, mut tape) = (Adam::new(1e-3), Tape::new());
    for inputs in [3, 4] {
        let (mut model, x) = (Linear::new(inputs, 2), Tensor::ones([5, inputs]));
        let (_, grads) = tape.value_and_grad(|t| model.forward(t.input(&x)).mean());
        adam.step(&mut model, grads); // wrong
    }
    Ok(())
}

fn a_model_without_layers() -> fanin::Result<()> {
    let ((x, y), mut model) = (digits(64), Sequential::new());
    train(&mut model, &mut Adam::new(1e-3), &x, |logits| logits.cross_entropy(&y));
    Ok(())
}

fn a_batch_size_of_0() -> fanin::Result<()> {
    let (train, _) = datasets::mnist_bundled();
    train.batches(0).for_each(drop); // wrong
    Ok(())
}

fn dropout_of_50() -> fanin::Result<()> {
    let _ = Dropout::new(50.0); // wrong
    Ok(())
}

fn a_deep_network_by_default() -> fanin::Result<()> {
    manual_seed(1);
    let mut model = Sequential::new().add(Linear::new(784, 64)).add(Relu);
    for _ in 0..9 {
        model = model.add(Linear::new(64, 64)).add(Relu);
    }
    let model = model.add(Linear::new(64, 10));
    let (x, y) = digits(128);
    eprintln!("{}", InitReport::with_labels(&model, &x, &y));
    Ok(())
}

fn scratch(name: &str) -> PathBuf {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("mistakes");
    fs::create_dir_all(&directory).unwrap();
    directory.join(name)
}

fn a_missing_file() -> fanin::Result<()> {
    Frame::from_csv("data/huoses.csv")?;
    Ok(())
}

fn csv(name: &str, text: &str) -> PathBuf {
    let path = scratch(name);
    fs::write(&path, text).unwrap();
    path
}

fn a_missing_column() -> fanin::Result<()> {
    let frame =
        Frame::from_csv(csv("houses.csv", "area,rooms,price\n70,3,210\n90,4,330\n60,2,150\n"))?;
    Preprocessor::new().target("Price").fit(&frame)?;
    Ok(())
}

fn text_among_numbers() -> fanin::Result<()> {
    let path = csv("text.csv", "area,rooms,price\n70,3,210\n90,four,330\n60,2,150\n");
    datasets::csv::Csv::new().numeric(["area", "rooms", "price"]).read(path)?;
    Ok(())
}

fn another_architecture() -> fanin::Result<()> {
    let path = scratch("digits.fanin");
    net().save(&path)?;
    let mut wider = Sequential::new().add(Linear::new(784, 64)).add(Relu).add(Linear::new(64, 10));
    wider.load(&path)?;
    Ok(())
}

fn a_damaged_model() -> fanin::Result<()> {
    let mut bytes = net().to_bytes()?;
    bytes[1000] ^= 1;
    net().load_bytes(&bytes)?;
    Ok(())
}

fn a_missing_directory() -> fanin::Result<()> {
    net().save("no/such/directory/digits.fanin")?;
    Ok(())
}
