//! MLPs that PyTorch and scikit-learn exported, and networks that go out and come back.

use fanin_interop::{Result, npz, onnx};
use fanin_nn::layers::{
    AlphaSpec, BatchNorm1dSpec, Join, LayerNormSpec, LayerSpec, LinearSpec, NetworkSpec,
    ParallelSpec, PreluSpec, ResidualSpec, RmsNormSpec, all_activations,
};
use fanin_nn::{Module, Sequential, Tensor};

use crate::counting::peak;
use crate::golden;

#[track_caller]
fn assert_close(a: &Tensor, b: &Tensor, most: f32, what: &str) {
    assert_eq!(a.shape(), b.shape(), "{what}");
    for (a, b) in a.iter().zip(b.iter()) {
        assert!((a - b).abs() <= most, "{what}: {a} and {b}");
    }
}

#[test]
fn mlps_of_pytorch_and_scikit_learn_are_read() {
    let mlp = "0: Linear(3 → 4)\n1: Relu\n2: Linear(4 → 4)\n3: Gelu\n4: LayerNorm(4)\n5: Linear(4 → 2)\n\
               6: Softmax\n";
    let normed = "0: Linear(3 → 4)\n1: BatchNorm1d(4)\n2: Relu\n3: Linear(4 → 4)\n4: Gelu\n\
                  5: LayerNorm(4)\n6: Linear(4 → 2)\n7: Softmax\n";
    for (file, x, y, layers) in [
        ("mlp_dynamo", "mlp", "mlp", mlp),
        ("mlp_old", "mlp", "mlp", normed),
        ("skl_two", "skl", "skl_two", "0: Linear(3 → 4)\n1: Relu\n2: Linear(4 → 2)\n3: Softmax\n"),
        (
            "skl_three",
            "skl",
            "skl_three",
            "0: Linear(3 → 4)\n1: Relu\n2: Linear(4 → 3)\n3: Softmax\n",
        ),
        (
            "skl_regressor",
            "skl",
            "skl_regressor",
            "0: Linear(3 → 4)\n1: Tanh\n2: Linear(4 → 1)\n3: Flatten\n",
        ),
    ] {
        let model = onnx::Reader::from_bytes(&golden(&format!("{file}.onnx"))).unwrap();
        let model = model.build().unwrap_or_else(|error| panic!("{file}: {error}"));
        assert_eq!(model.to_string(), layers, "{file}");
        let x = npz::read_npy_bytes(&golden(&format!("{x}.x.npy"))).unwrap();
        let y = npz::read_npy_bytes(&golden(&format!("{y}.y.npy"))).unwrap();
        assert_close(&model.predict(&x), &y, 1e-6, file);
    }
}

#[test]
fn what_is_written_is_read() {
    let mut layers: Vec<LayerSpec> = vec![
        LinearSpec::new(3, 4).into(),
        LayerSpec::BatchNorm1d(BatchNorm1dSpec::new(4)),
        ResidualSpec {
            branch: vec![
                LinearSpec::new(4, 4).into(),
                LayerSpec::Silu,
                LinearSpec::new(4, 4).into(),
            ],
            alpha: AlphaSpec::One,
        }
        .into(),
        LayerSpec::LayerNorm(LayerNormSpec::new(4)),
        LayerSpec::RmsNorm(RmsNormSpec { epsilon: Some(1e-4), ..RmsNormSpec::new(4) }),
        PreluSpec { features: Some(4), initial: 0.2 }.into(),
        LayerSpec::Glu(2),
        LayerSpec::WeightNorm(LinearSpec::new(2, 5)),
    ];
    for (_, _, activation) in all_activations::<f32>() {
        layers.push(activation);
        layers.push(LinearSpec::new(5, 5).into());
    }
    let spec = NetworkSpec { layers };
    let model = Sequential::from_spec(&spec).unwrap();
    let bytes = onnx::Writer::new(&spec, &model).to_bytes().unwrap();
    // Field 1 is the version of the format: 8 goes with the operations of version 17.
    assert_eq!(bytes[..2], [0x08, 8]);
    let back = onnx::Reader::from_bytes(&bytes).unwrap().build().unwrap();
    let describe = |model: &Sequential| {
        model.to_string().replace("WeightNorm(Linear(2 → 5))", "Linear(2 → 5)")
    };
    assert_eq!(describe(&back), describe(&model));
    let x = Tensor::from_vec([2, 3], vec![0.5, -1.0, 2.0, 0.1, 0.2, -0.3]);
    assert_close(&back.predict(&x), &model.predict(&x), 1e-6, "a network");
}

/// The first layer that has a number of features says how many the network takes.
#[test]
fn the_shape_of_a_sample_is_that_of_the_first_layer() {
    let gates = [LayerSpec::Glu(3), LayerSpec::Geglu(3), LayerSpec::Reglu(3), LayerSpec::Swiglu(3)];
    let whole = [
        LinearSpec::new(3, 3).into(),
        LayerSpec::WeightNorm(LinearSpec::new(3, 3)),
        LayerSpec::BatchNorm1d(BatchNorm1dSpec::new(3)),
        LayerSpec::LayerNorm(LayerNormSpec::new(3)),
        LayerSpec::RmsNorm(RmsNormSpec::new(3)),
        PreluSpec { features: Some(3), initial: 0.2 }.into(),
        LayerSpec::Sequential(vec![LayerSpec::Relu, LinearSpec::new(3, 3).into()]),
    ];
    let firsts = gates.into_iter().map(|gate| (gate, 6)).chain(whole.map(|layer| (layer, 3)));
    for (first, inputs) in firsts {
        let spec =
            NetworkSpec { layers: vec![LayerSpec::Relu, first, LinearSpec::new(3, 2).into()] };
        let model = Sequential::from_spec(&spec).unwrap();
        let bytes = onnx::Writer::new(&spec, &model).to_bytes().unwrap();
        // A gate that is another than GLU goes over as operations that no layer here is.
        let Ok(back) = onnx::Reader::from_bytes(&bytes).unwrap().build() else {
            assert_eq!(inputs, 6);
            continue;
        };
        let x: Tensor = (0..inputs).map(|i| i as f32 - 1.5).collect();
        let x = x.reshape([1, inputs]);
        assert_close(&back.predict(&x), &model.predict(&x), 1e-6, &format!("{spec:?}"));
    }
}

#[test]
fn what_cannot_go_over_is_named() {
    let spec = NetworkSpec { layers: vec![LayerSpec::Flatten, LinearSpec::new(6, 2).into()] };
    let model = Sequential::from_spec(&spec).unwrap();
    let writer = onnx::Writer::new(&spec, &model);
    assert_eq!(
        writer.to_bytes().unwrap_err().to_string(),
        "bytes: the shape of a sample is not known; state it by Writer::input"
    );
    let bytes = onnx::Writer::new(&spec, &model).input(&[2, 3]).to_bytes().unwrap();
    let back = onnx::Reader::from_bytes(&bytes).unwrap().build().unwrap();
    assert_eq!(back.predict(&Tensor::zeros([4, 2, 3])).shape(), [4, 2]);
    assert_eq!(
        onnx::Writer::new(&spec, &model).input(&[5]).to_bytes().unwrap_err().to_string(),
        "bytes: layer 1, Linear(6 → 2): a sample of shape [5] does not fit it; state its shape by \
         Writer::input"
    );
    let branches = vec![vec![], vec![LinearSpec::new(2, 2).into()]];
    let spec = NetworkSpec {
        layers: vec![
            LinearSpec::new(2, 2).into(),
            ParallelSpec { branches, join: Join::Concat }.into(),
        ],
    };
    let model = Sequential::from_spec(&spec).unwrap();
    let bytes = onnx::Writer::new(&spec, &model).to_bytes().unwrap();
    assert_eq!(
        onnx::Reader::from_bytes(&bytes).unwrap().build().unwrap_err().to_string(),
        "bytes: has the operation Concat (Concat.3), which cannot be read here"
    );
}

/// No panic, and no more memory than a small multiple of the file.
#[test]
fn every_byte_and_every_prefix() {
    for name in ["mlp_old", "skl_two", "small_gelu"] {
        let file = golden(&format!("{name}.onnx"));
        let room = 128 * file.len() + (512 << 10);
        let build =
            |bytes: &[u8]| -> Result<Sequential> { onnx::Reader::from_bytes(bytes)?.build() };
        let try_with = |bytes: &[u8]| {
            let (result, held) = peak(|| build(bytes));
            assert!(held <= room, "{name}: {held} bytes for {}", file.len());
            if let Err(error) = result {
                assert!(error.to_string().len() < 2000, "{error}");
            }
        };
        for len in 0..file.len() {
            try_with(&file[..len]);
        }
        let mut bytes = file.clone();
        for at in 0..file.len() {
            for flip in [1, 16, 128, 255] {
                bytes[at] ^= flip;
                try_with(&bytes);
                bytes[at] ^= flip;
            }
        }
    }
}

/// Two bytes for each node.
#[test]
fn many_empty_nodes_are_refused() {
    let mut graph = [0x0a, 0x00].repeat(100_000);
    graph.extend([0x62, 0x00]);
    let mut bytes = vec![0x3a];
    let mut len = graph.len();
    while len >= 0x80 {
        bytes.push((len & 0x7f) as u8 | 0x80);
        len >>= 7;
    }
    bytes.push(len as u8);
    bytes.extend(graph);
    let (result, held) = peak(|| onnx::Reader::from_bytes(&bytes).map(drop));
    assert!(held < 1 << 20, "{held}");
    assert_eq!(
        result.unwrap_err().to_string(),
        "bytes: is no whole ONNX file: it has too many empty nodes; export the model again"
    );
}
