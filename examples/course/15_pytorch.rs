//! # To PyTorch and back
//!
//! fanin and PyTorch agree where it matters. The same seed gives the same weights. Parameters have the
//! same names and shapes: `0.weight` is a matrix of outputs × inputs. And a safetensors file carries
//! them from one to the other, without pickle and without running code. What this lesson writes,
//! PyTorch reads:
//!
//! ```python
//! model = nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2))
//! model.load_state_dict(safetensors.torch.load_file("model.safetensors"))
//! safetensors.torch.save_file(model.state_dict(), "back.safetensors")
//! ```
//!
//! `safetensors::load` takes a file in which all names and shapes fit. `load_partial` takes what fits and
//! reports the rest: so a trained network gets a new last layer. With the optimizer's state in the file,
//! the training goes on where it was; in PyTorch too, by `interop/fanin_torch.py`. Real PyTorch checks all
//! this in `interop/check.py`. NumPy and ONNX have modules of their own beside `safetensors`. All of them
//! need the feature `interop`.

use std::{env, fs, process};

use fanin::interop::safetensors::{self, Reader, Writer};
use fanin::prelude::*;

fn network(outputs: usize) -> Sequential {
    Sequential::new().add(Linear::new(4, 3)).add(Relu).add(Linear::new(3, outputs))
}

/// Takes a step, and gives the loss before it.
fn step(model: &mut Sequential, adam: &mut Adam, x: &Tensor, labels: &[usize]) -> f32 {
    let mut tape = Tape::new();
    let (loss, grads) = tape.value_and_grad(|t| model.forward(t.input(x)).cross_entropy(labels));
    adam.step(model, grads);
    loss
}

pub(crate) fn main() -> fanin::Result<()> {
    manual_seed(42);
    let (mut model, mut adam) = (network(2), Adam::new(0.01));
    // torch.manual_seed(42); nn.Linear(4, 3).weight[0]
    let torch = [0.3823, 0.4150, -0.1171, 0.4593];
    let weights = model.param("0.weight").value().row(0);
    println!("the first unit's weights: {weights:.4}");
    assert!(weights.iter().zip(torch).all(|(own, torch)| (own - torch).abs() < 5e-5));
    for (name, param) in model.named_params() {
        println!("{name:10} {:?}", param.value().shape());
    }

    let x = Tensor::from([[0.5, -1.0, 2.0, 0.0], [1.0, 0.5, -0.5, 1.5], [-1.0, 2.0, 0.0, 1.0]]);
    let labels = [0, 1, 1];
    for _ in 0..10 {
        step(&mut model, &mut adam, &x, &labels);
    }
    let dir = env::temp_dir().join(format!("fanin-lesson-{}", process::id()));
    fs::create_dir_all(&dir)?;
    let (plain, whole) = (dir.join("model.safetensors"), dir.join("whole.safetensors"));

    safetensors::save(&model, &plain)?;
    let mut back = network(2);
    safetensors::load(&mut back, &plain)?;
    assert_eq!(back.predict(&x), model.predict(&x));

    let mut five = network(5);
    let report = safetensors::load_partial(&mut five, &plain)?;
    println!("into a network of five outputs: {report}");
    assert_eq!(report.loaded, ["0.weight", "0.bias"]);

    let state: OptimizerState = adam.state();
    Writer::new(&model).optimizer(&state).save(&whole)?;
    let reader = Reader::open(&whole)?;
    let mut back = reader.build()?;
    let mut other = Adam::new(0.01);
    other.load_state(&back, reader.optimizer(&back)?.expect("it is in the file"))?;
    for number in 11..=13 {
        let here = step(&mut model, &mut adam, &x, &labels);
        let there = step(&mut back, &mut other, &x, &labels);
        println!("step {number}: loss {here:.5}, and {there:.5} from the file");
        assert_eq!(here, there);
    }
    fs::remove_dir_all(&dir)?;
    Ok(())
}
