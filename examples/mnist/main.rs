//! A multilayer perceptron on MNIST: at least 94 % on the bundled digits, 98 % on the full set.
//!
//! ```text
//! cargo run --release --example mnist                                    # the bundled digits
//! cargo run --release --features download --example mnist -- --download  # the full set
//! FANIN_DATA=path/to/mnist cargo run --release --example mnist           # the same, from there
//! cargo run --release --example mnist -- --hidden 512,256 --init orthogonal --optimizer adamw
//! cargo run --release --example mnist -- --init "kaiming_normal(mode=fan_out)"
//! cargo run --release --example mnist -- --init zeros                    # learns nothing
//! cargo run --release --example mnist -- --quick                         # checks the 94 %
//! ```

#[macro_use]
mod show;
mod args;
#[path = "../common/download.rs"]
mod download;
mod initializers;
#[path = "../common/options.rs"]
mod options;
mod train;

use args::Args;
use fanin::prelude::*;
use fanin::tensor::{parallel, reduce::argmax};
use fanin::train::predict_all;

fn main() -> fanin::Result<()> {
    let args = Args::parse();
    let recipe = &args.recipe;
    if let Some(path) = &args.save {
        args::check_writable(path)?;
    }
    if let Some(threads) = args.threads {
        parallel::set_num_threads(threads);
    }
    manual_seed(args.seed);

    let (train, test) = match &args.data {
        _ if args.quick => datasets::mnist_bundled(),
        _ if args.download => download::mnist("mnist")?,
        Some(directory) => datasets::mnist_from(directory)?,
        None => datasets::mnist()?,
    };
    say!("data: {}", train.provenance());
    // Mean 0 and variance 1, as initializers assume. A saved model expects inputs with the same
    // scaling.
    let [train, test] = [train, test].map(|data| data.normalize(0.1307, 0.3081));

    let sizes: Vec<usize> = [&[train.input_size()], &*recipe.hidden, &[train.classes()]].concat();
    let mut layers = vec![];
    for (i, size) in sizes.windows(2).enumerate() {
        if i > 0 {
            layers.push(LayerSpec::Relu);
        }
        layers.push(recipe.init.linear(size[0], size[1]));
    }
    // An initializer may not be able to fill these shapes.
    let mut model = Sequential::from_spec(&NetworkSpec { layers })?;
    say!("model: {} parameters, initialized by {}", model.num_params(), recipe.init);
    say!("{}", model.to_string().trim_end());

    let time = train::train(&mut model, &train, &args)?;
    if let Some(path) = &args.save {
        model.save(path)?;
        say!("saved to {}", path.display());
    }

    let (outputs, labels) = predict_all(&model, &test);
    let read: Vec<usize> = outputs.as_slice().chunks(test.classes()).map(argmax).collect();
    say!();
    show::digits(&test, &read);
    let matrix = metrics::confusion_matrix(&outputs, &labels);
    say!("{matrix}\n\ntrained for {:.2} s", time.as_secs_f64());
    say!("test accuracy: {:.2} %", 100.0 * matrix.accuracy());
    assert!(!args.is_promised() || matrix.accuracy() >= 0.94, "94 % are promised");
    Ok(())
}
