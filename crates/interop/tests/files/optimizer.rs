//! An optimizer's state goes along, and training goes on to the bit.

use fanin_interop::safetensors::{Reader, Writer};
use fanin_nn::layers::{LayerSpec, LinearSpec, NetworkSpec};
use fanin_nn::optim::{Lion, NAdam, RmsProp};
use fanin_nn::{Adam, AdamW, Linear, Module, Optimizer, Sequential, Sgd, Tape, Tensor};

fn step<O: Optimizer>(model: &mut Sequential, optimizer: &mut O) {
    let x = Tensor::from_vec([2, 3], vec![0.5, -1.0, 2.0, 0.1, 0.2, -0.3]);
    let mut tape = Tape::new();
    let (_, grads) = tape.value_and_grad(|t| model.forward(t.input(&x)).square().mean());
    optimizer.step(model, grads);
}

fn goes_on<O: Optimizer>(mut optimizer: O, mut fresh: O) {
    let layers = vec![
        LayerSpec::WeightNorm(LinearSpec::new(3, 4)),
        LayerSpec::Tanh,
        LinearSpec::new(4, 2).into(),
    ];
    let spec = NetworkSpec { layers };
    let mut model = Sequential::from_spec(&spec).unwrap();
    (0..3).for_each(|_| step(&mut model, &mut optimizer));
    let state: fanin_nn::optim::OptimizerState = optimizer.state();
    let file = Writer::new(&model).architecture(&spec).optimizer(&state).to_bytes().unwrap();
    let file = Reader::from_bytes(file).unwrap();
    let mut back = file.build().unwrap();
    let read = file.optimizer(&back).unwrap().unwrap();
    assert_eq!(read, state);
    fresh.load_state(&back, read).unwrap();
    step(&mut model, &mut optimizer);
    step(&mut back, &mut fresh);
    assert_eq!(crate::values(&back), crate::values(&model), "{}", state.optimizer);
}

#[test]
fn of_every_kind_of_slots() {
    goes_on(Adam::new(0.1), Adam::new(0.5));
    goes_on(AdamW::new(0.1).amsgrad(), AdamW::new(0.1).amsgrad());
    goes_on(Sgd::new(0.1), Sgd::new(0.1));
    goes_on(Sgd::new(0.1).momentum(0.9), Sgd::new(0.1).momentum(0.9));
    goes_on(RmsProp::new(0.1), RmsProp::new(0.1));
    goes_on(NAdam::new(0.1), NAdam::new(0.1));
    goes_on(Lion::new(0.1), Lion::new(0.1));
}

#[test]
fn of_another_model_is_refused() {
    let mut model = Sequential::new().add(Linear::new(3, 2));
    let mut adam = Adam::new(0.1);
    step(&mut model, &mut adam);
    let file = Writer::new(&model).optimizer(&Optimizer::<f32>::state(&adam)).to_bytes().unwrap();
    let file = Reader::from_bytes(file).unwrap();
    let other = Sequential::new().add_named("other", Linear::new(3, 2));
    assert_eq!(
        file.optimizer(&other).unwrap_err().to_string(),
        "bytes: its optimizer has trained 0.bias, which the model does not have; build the model that \
         was saved"
    );
    // A layer alone states no architecture.
    let alone = Reader::from_bytes(Writer::new(&Linear::new(3, 2)).to_bytes().unwrap()).unwrap();
    assert_eq!(
        alone.build().unwrap_err().to_string(),
        "bytes: has no fanin.architecture; build the model and load the file into it, or write it by \
         Writer::architecture"
    );
    assert_eq!(file.build().unwrap().to_string(), model.to_string());
    // The tensors of the optimizer are none of the model.
    file.load(&mut model).unwrap();
    let plain = Writer::new(&model).to_bytes().unwrap();
    assert_eq!(Reader::from_bytes(plain).unwrap().optimizer(&model).unwrap(), None);
}
