//! What PyTorch, NumPy and safetensors wrote is read to the bit.

use fanin_interop::{Error, npz, safetensors, torch};
use fanin_nn::{Linear, Sequential};

use crate::{NAMES, assert_golden, golden, network, sealed};

#[test]
fn safetensors_of_every_float() {
    for name in ["f32", "f16", "bf16", "f64"] {
        let mut model = network();
        let bytes = golden(&format!("{name}.safetensors"));
        safetensors::load_bytes(&mut model, &bytes).unwrap();
        assert_golden(&model);
    }
}

#[test]
fn npz_stored_deflated_and_in_any_order() {
    for name in ["f4", "deflated", "orders"] {
        let mut model = network();
        npz::load_bytes(&mut model, &golden(&format!("{name}.npz"))).unwrap();
        assert_golden(&model);
    }
}

#[test]
fn pt_state_dict_and_one_of_a_checkpoint() {
    let mut model = network();
    torch::load_bytes(&mut model, &golden("state.pt")).unwrap();
    assert_golden(&model);

    let mut model = network();
    let checkpoint = torch::Reader::from_bytes(golden("checkpoint.pt"));
    assert_eq!(
        checkpoint.load(&mut model).unwrap_err().to_string(),
        "bytes: is no state dict: it has a dictionary at model; choose a dictionary by \
         torch::Reader::at, of model, epoch, lr, name, list"
    );
    checkpoint.at("model").load(&mut model).unwrap();
    assert_golden(&model);
    let wrong = torch::Reader::from_bytes(golden("checkpoint.pt")).at("modle");
    assert_eq!(
        wrong.load(&mut model).unwrap_err().to_string(),
        "bytes: has no key \"modle\" there; it has model, epoch, lr, name, list"
    );
}

/// Strides and offsets, with protocols 2 and 5.
#[test]
fn pt_views_of_one_storage() {
    let range = |from: i32, to: i32| (from..to).map(|x| x as f32).collect::<Vec<f32>>();
    for name in ["views.pt", "views5.pt"] {
        let tensors = torch::read_bytes::<f32>(&golden(name)).unwrap();
        let expected: [(&str, &[usize], Vec<f32>); 10] = [
            ("plain", &[2, 3], range(0, 6)),
            ("offset", &[2, 3], range(5, 11)),
            ("transposed", &[2, 3], vec![12.0, 14.0, 16.0, 13.0, 15.0, 17.0]),
            ("stepped", &[6], vec![1.0, 5.0, 9.0, 13.0, 17.0, 21.0]),
            ("expanded", &[2, 3], vec![20.0; 6]),
            ("number", &[], vec![7.0]),
            ("half", &[4], range(0, 4)),
            ("bfloat", &[4], range(0, 4)),
            ("double", &[4], range(0, 4)),
            ("long", &[4], range(0, 4)),
        ];
        assert_eq!(tensors.len(), expected.len());
        for ((own, tensor), (name, shape, values)) in tensors.iter().zip(expected) {
            assert_eq!((&**own, tensor.shape(), tensor.as_slice()), (name, shape, &*values));
        }
    }
}

/// Every element type that NumPy and PyTorch write: 0, 1, 2 and 100, and −3 where there is a sign.
#[test]
fn every_element_type() {
    for (tensors, types) in [
        (npz::read_bytes::<f32>(&golden("types.npz")).unwrap(), 22),
        (torch::read_bytes::<f32>(&golden("types.pt")).unwrap(), 9),
    ] {
        assert_eq!(tensors.len(), types);
        for (name, tensor) in tensors {
            let is_unsigned = name.contains('u');
            let values = [0.0, 1.0, 2.0, 100.0, -3.0];
            assert_eq!(tensor.as_slice(), &values[..5 - usize::from(is_unsigned)], "{name}");
        }
    }
}

/// Numbers of the pickle beyond a byte and beyond 65,535.
#[test]
fn pt_views_far_into_a_storage() {
    let mut storage = vec![0; 70_001];
    for (at, value) in [300, 301, 35_000, 69_999, 70_000].into_iter().zip(1..) {
        storage[at] = value;
    }
    let tensors = torch::read_bytes::<f32>(&sealed(&golden("far.pkl"), &[&storage])).unwrap();
    let want = [("middle", vec![1.0, 2.0]), ("far", vec![4.0, 5.0]), ("wide", vec![0.0, 3.0, 5.0])];
    for ((name, tensor), (want, values)) in tensors.iter().zip(want) {
        assert_eq!((&**name, tensor.as_slice()), (want, &*values));
    }
    // And one beyond 32 bits, beside the tensors.
    let long = torch::Reader::from_bytes(golden("long.pt")).at("model");
    assert_eq!(long.tensors::<f32>().unwrap()[0].1.as_slice(), [0.0, 1.0]);
}

/// Nothing is executed, and the message names what was refused.
#[test]
fn pt_other_than_tensors_is_refused() {
    let mut model = Sequential::new().add(Linear::new(2, 1));
    for (file, message) in [
        (
            "evil.pt",
            "bytes: uses posix.system, which is refused: Only tensors, numbers, texts, lists and \
             dictionaries are read; in PyTorch, save model.state_dict()",
        ),
        (
            "whole_model.pt",
            "bytes: uses torch.nn.modules.linear.Linear, which is refused: it is a whole model. Only \
             tensors, numbers, texts, lists and dictionaries are read; in PyTorch, save \
             model.state_dict()",
        ),
        ("legacy.pt", "bytes: is of PyTorch before 1.6; load and save it once with a later one"),
    ] {
        assert_eq!(torch::load_bytes(&mut model, &golden(file)).unwrap_err().to_string(), message);
    }
}

/// What is written is read by the same names, and by the other formats.
#[test]
fn what_is_written_comes_back() {
    let mut model = network();
    safetensors::load_bytes(&mut model, &golden("f32.safetensors")).unwrap();

    let mut back = network();
    safetensors::load_bytes(&mut back, &safetensors::to_bytes(&model).unwrap()).unwrap();
    assert_golden(&back);
    let mut back = network();
    npz::load_bytes(&mut back, &npz::to_bytes(&model).unwrap()).unwrap();
    assert_golden(&back);

    // In f64 as well.
    let bytes = safetensors::to_bytes(&model.cast::<f64>()).unwrap();
    let mut back = network();
    safetensors::load_bytes(&mut back, &bytes).unwrap();
    assert_golden(&back);
}

#[test]
fn the_names_are_pytorchs() {
    let mut names = safetensors::Reader::from_bytes(safetensors::to_bytes(&network()).unwrap())
        .unwrap()
        .names()
        .unwrap();
    names.sort();
    let mut torch: Vec<&str> = NAMES.iter().map(|(name, _)| *name).collect();
    torch.push("1.num_batches_tracked");
    torch.sort();
    assert_eq!(names, torch);
}

#[test]
fn another_model_is_listed_and_changes_nothing() {
    let mut other =
        Sequential::new().add(Linear::new(3, 4)).add(Linear::builder(4, 1).no_bias().build());
    let before = npz::to_bytes(&other).unwrap();
    let error = safetensors::load_bytes(&mut other, &golden("f32.safetensors")).unwrap_err();
    assert!(npz::to_bytes(&other).unwrap() == before);
    assert_eq!(
        error.to_string(),
        "bytes: holds another model: 2 loaded; unexpected: 1.bias, 1.num_batches_tracked, \
         1.running_mean, 1.running_var, 3.bias, 3.parametrizations.weight.original0, \
         3.parametrizations.weight.original1, 4.bias and 3 more; 1.weight is 1×4 here and 4 in the \
         file; build the model that was saved, or load what fits by load_partial"
    );
    let Error::OtherModel { report, .. } = error else { panic!("{error}") };
    assert_eq!(report.loaded, ["0.weight", "0.bias"]);
    let report = safetensors::load_partial_bytes(&mut other, &golden("f32.safetensors")).unwrap();
    assert_eq!((report.loaded.len(), report.unexpected.len()), (2, 11));
    assert_eq!(other.get::<Linear>(0).unwrap().bias().as_slice(), crate::value(0, 4));
}
