//! Parameters apart from `Module`: layers of two inputs and of integer ids, the derive, paths.

use fanin_nn::init::manual_seed;
use fanin_nn::layers::{BatchNorm1d, Bilinear, Embedding, LayerNorm};
use fanin_nn::{Describe, Linear, Module, Param, Parameters, Tape, Tensor, gradcheck};

use super::{assert_close, with_batch_norm};
use crate::golden::golden;

#[test]
fn two_inputs_and_integer_ids_are_those_of_pytorch() {
    let golden = golden("frame.txt");
    let get = |name: &str| &golden[name];
    manual_seed(42);
    let layer = Bilinear::new(3, 4, 2);
    assert_eq!(layer.weight(), get("bilinear/weight"));
    assert_eq!(layer.param("bias").value(), get("bilinear/bias"));
    let [a, b] = ["a", "b"].map(|name| Param::new(get(&format!("bilinear/{name}")).clone()));
    let (mut tape, mut y) = (Tape::new(), None);
    let (_, grads) = tape.value_and_grad(|t| {
        let out = layer.forward(t.param(&a), t.param(&b));
        y = Some(out.value());
        out.square().sum()
    });
    assert_close("y", &y.unwrap(), get("bilinear/y"), 1e-6);
    for (param, name) in [(&a, "da"), (&b, "db"), (layer.param("weight"), "dweight")] {
        let name = format!("bilinear/{name}");
        assert_close(&name, grads.get(param).unwrap(), get(&name), 1e-6);
    }
    let wide = layer.cast::<f64>();
    gradcheck(&[&[5, 3], &[5, 4]], 1, |_, x| wide.forward(x[0], x[1])).assert_below(1e-6);

    manual_seed(42);
    let table = Embedding::new(20, 6);
    assert_eq!(table.weight(), get("embedding/weight"));
    let (_, grads) = tape.value_and_grad(|t| table.forward(t, &[3, 19, 3, 0]).square().sum());
    let dweight = grads.get(table.param("weight")).unwrap();
    assert_close("embedding", dweight, get("embedding/dweight"), 1e-6);
    // By row: those that were not looked up have none.
    let used = |row: usize| dweight.as_slice()[6 * row..][..6].iter().any(|&g| g != 0.0);
    assert_eq!((0..20).filter(|&row| used(row)).collect::<Vec<_>>(), [0, 3, 19]);
}

#[derive(Parameters)]
struct Everything<M> {
    one: Linear,
    some: Option<Param>,
    none: Option<Linear>,
    list: Vec<Linear>,
    array: [Param; 2],
    boxed: Box<dyn Module>,
    nested: Inner,
    generic: M,
    #[parameters(skip)]
    note: String,
}

#[derive(Parameters)]
struct Inner(Param, #[parameters(skip)] usize, BatchNorm1d);

#[derive(Parameters)]
#[allow(clippy::large_enum_variant, reason = "the derive is tested on fields as users write them")]
enum Either {
    Plain(Linear),
    Normed { layer: Linear, norm: LayerNorm },
    Nothing,
}

#[derive(Parameters)]
struct OfAnyType<T: fanin_nn::Scalar> {
    layer: Linear<T>,
    scale: Param<T>,
}

/// A unit of measure: no parameters.
struct Volts;

/// A type parameter in `PhantomData` alone needs no parameters of its own.
#[derive(Parameters)]
struct Tagged<Unit> {
    layer: Linear,
    unit: std::marker::PhantomData<Unit>,
}

/// The traits under another path, as a crate writes it that renames fanin-nn.
mod renamed {
    use fanin_nn as network;

    #[derive(network::Parameters)]
    #[parameters(crate = network)]
    pub(super) struct Renamed(pub(super) network::Linear);
}

#[test]
fn the_derive_takes_tags_and_another_path() {
    let tagged = Tagged::<Volts> { layer: Linear::new(2, 1), unit: std::marker::PhantomData };
    assert_eq!((tagged.num_params(), renamed::Renamed(Linear::new(3, 1)).num_params()), (3, 4));
}

#[test]
fn the_derive_lists_every_field() {
    let param = || Param::new(Tensor::ones(1));
    let mut model = Everything {
        one: Linear::new(2, 2),
        some: Some(param()),
        none: None,
        list: vec![Linear::new(2, 2), Linear::builder(2, 2).no_bias().build()],
        array: [param(), param()],
        boxed: Box::new(Linear::new(1, 1)),
        nested: Inner(param(), 7, BatchNorm1d::new(2)),
        generic: OfAnyType { layer: Linear::new(1, 1), scale: param() },
        note: String::new(),
    };
    let names: Vec<String> = model.named_params().into_iter().map(|(name, _)| name).collect();
    assert_eq!(
        names,
        [
            "one.weight",
            "one.bias",
            "some",
            "list.0.weight",
            "list.0.bias",
            "list.1.weight",
            "array.0",
            "array.1",
            "boxed.weight",
            "boxed.bias",
            "nested.0",
            "nested.2.weight",
            "nested.2.bias",
            "generic.layer.weight",
            "generic.layer.bias",
            "generic.scale",
        ]
    );
    let buffers: Vec<String> = model.named_buffers().into_iter().map(|(name, _)| name).collect();
    assert_eq!(buffers, ["nested.2.running_mean", "nested.2.running_var"]);
    let mut shown = vec![];
    model.visit_params_mut(&mut |path, _| shown.push(path.to_string()));
    assert_eq!(shown, names);
    assert_eq!((model.describe(), model.note.len(), model.nested.1), ("Everything".into(), 0, 7));
    assert!(model.none.is_none());

    let either = Either::Normed { layer: Linear::new(2, 2), norm: LayerNorm::new(2) };
    let names: Vec<String> = either.named_params().into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["layer.weight", "layer.bias", "norm.weight", "norm.bias"]);
    assert_eq!(Either::Plain(Linear::new(2, 2)).num_params(), 6);
    assert_eq!(Either::Nothing.num_params(), 0);
}

#[test]
fn parameters_by_path_and_pattern() {
    let mut model = with_batch_norm();
    assert_eq!(model.param("3.weight").value().shape(), [3, 16]);
    model.param_mut("3.bias").set_lr_scale(2.0);
    model.set_lr_scale("*.weight", 0.5);
    model.set_trainable("1.*", false);
    let state: Vec<_> =
        model.named_params().iter().map(|(_, p)| (p.lr_scale(), p.is_trainable())).collect();
    let (on, off) = (true, false);
    assert_eq!(state, [(0.5, on), (1.0, on), (0.5, off), (1.0, off), (0.5, on), (2.0, on)]);
}
