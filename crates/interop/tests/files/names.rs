//! Names that differ, and structs of a user's own.

use fanin_interop::{names, safetensors};
use fanin_nn::layers::{BatchNorm1d, Bilinear, Embedding, SpectralNorm, WeightNorm};
use fanin_nn::{Linear, Parameters, Sequential, Tensor};

#[derive(Parameters)]
#[parameters(no_describe)]
struct Own {
    table: Embedding,
    pair: Bilinear,
    head: WeightNorm,
    layers: Vec<Linear>,
    critic: SpectralNorm,
}

fn own() -> Own {
    Own {
        table: Embedding::new(5, 3),
        pair: Bilinear::new(3, 3, 2),
        head: WeightNorm::new(Linear::new(2, 2)),
        layers: vec![Linear::new(2, 2), Linear::builder(2, 1).no_bias().build()],
        critic: SpectralNorm::new(Linear::new(1, 1)),
    }
}

#[test]
fn a_struct_has_pytorchs_names_and_comes_back() {
    let model = own();
    assert_eq!(
        names::of(&model),
        [
            "table.weight",
            "pair.weight",
            "pair.bias",
            "head.parametrizations.weight.original0",
            "head.parametrizations.weight.original1",
            "head.bias",
            "layers.0.weight",
            "layers.0.bias",
            "layers.1.weight",
            "critic.parametrizations.weight.original",
            "critic.bias",
            "critic.parametrizations.weight.0._u",
            "critic.parametrizations.weight.0._v",
        ]
    );
    let mut back = own();
    safetensors::load_bytes(&mut back, &safetensors::to_bytes(&model).unwrap()).unwrap();
    for ((path, a), (_, b)) in model.named_params().into_iter().zip(back.named_params()) {
        assert_eq!(a.value(), b.value(), "{path}");
    }
}

/// A file of these tensors.
fn file(tensors: &[(&str, &[usize], &[f32])]) -> Vec<u8> {
    use ::safetensors::{Dtype, tensor::TensorView};
    let bytes: Vec<Vec<u8>> =
        tensors.iter().map(|(_, _, v)| v.iter().flat_map(|x| x.to_le_bytes()).collect()).collect();
    let views = tensors.iter().zip(&bytes).map(|((name, shape, _), bytes)| {
        (*name, TensorView::new(Dtype::F32, shape.to_vec(), bytes).unwrap())
    });
    ::safetensors::serialize(views.collect::<Vec<_>>(), None).unwrap()
}

#[test]
fn old_names_and_prefixes_are_read() {
    let mut model = Sequential::new().add(WeightNorm::new(Linear::builder(1, 1).no_bias().build()));
    let bytes = file(&[("0.weight_g", &[1, 1], &[2.0]), ("0.weight_v", &[1, 1], &[3.0])]);
    safetensors::load_bytes(&mut model, &bytes).unwrap();
    assert_eq!(model.param("0.weight_g").value().as_slice(), [2.0]);

    let mut model =
        Sequential::new().add(SpectralNorm::new(Linear::builder(1, 1).no_bias().build()));
    let bytes = file(&[
        ("0.weight_orig", &[1, 1], &[2.0]),
        ("0.weight_u", &[1], &[1.0]),
        ("0.weight_v", &[1], &[1.0]),
    ]);
    safetensors::load_bytes(&mut model, &bytes).unwrap();
    assert_eq!(model.param("0.weight").value().as_slice(), [2.0]);

    let mut model = Sequential::new().add(Linear::new(1, 1));
    for prefix in ["module.", "_orig_mod."] {
        let bytes = file(&[
            (&format!("{prefix}0.weight"), &[1, 1], &[4.0]),
            (&format!("{prefix}0.bias"), &[1], &[5.0]),
        ]);
        safetensors::load_bytes(&mut model, &bytes).unwrap();
        assert_eq!(model.param("0.bias").value().as_slice(), [5.0]);
    }
}

#[test]
fn a_cumulative_average_counts_in_integers() {
    let mut model = Sequential::new().add(BatchNorm1d::new(1).cumulative());
    let bytes = safetensors::to_bytes(&model).unwrap();
    let text = String::from_utf8_lossy(&bytes).into_owned();
    assert!(text.contains(r#""0.num_batches_tracked":{"dtype":"I64","shape":[]"#), "{text}");
    safetensors::load_bytes(&mut model, &bytes).unwrap();
    assert_eq!(model.named_buffers()[2].1.value(), &Tensor::zeros(()));
}

#[test]
fn a_number_beyond_f32_is_refused() {
    let mut model = Linear::builder(1, 1).no_bias().build();
    let wide = model.cast::<f64>();
    let mut wide = Sequential::new().add(wide);
    *wide.param_mut("0.weight").value_mut() = Tensor::from_vec([1, 1], vec![1e300]);
    let bytes = safetensors::to_bytes(wide.get::<Linear<f64>>(0).unwrap()).unwrap();
    assert_eq!(
        safetensors::load_bytes(&mut model, &bytes).unwrap_err().to_string(),
        "bytes: holds another model: 0 loaded; weight has the number 1e300, which is beyond f32; build \
         the model that was saved, or load what fits by load_partial"
    );
}
