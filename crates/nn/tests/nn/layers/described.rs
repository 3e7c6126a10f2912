//! Every layer that a [`NetworkSpec`] describes: by hand and from a file, and what cannot be.

use fanin_nn::init::{Orthogonal, manual_seed};
use fanin_nn::layers::*;
use fanin_nn::{Linear, Module, Parameters, Sequential, Tensor};

const ALL: &str = r#"{"layers": [
    "identity",
    {"named": {"name": "encoder", "layer": {"weight_norm": {"inputs": 8, "outputs": 12, "weight": "orthogonal"}}}},
    {"batch_norm_1d": {"features": 12}},
    {"spectral_norm": {"inputs": 12, "outputs": 12, "bias": null}},
    {"batch_norm_1d": {"features": 12, "epsilon": 0.1, "momentum": null, "affine": false}},
    {"batch_norm_1d": {"features": 12, "momentum": 0.5, "track_running_stats": false}},
    {"layer_norm": {"features": 12}},
    {"layer_norm": {"features": 12, "bias": false, "epsilon": 0.5}},
    {"layer_norm": {"features": 12, "affine": false}},
    {"rms_norm": {"features": 12}},
    {"rms_norm": {"features": 12, "epsilon": 0.5, "affine": false}},
    {"group_norm": {"groups": 3, "features": 12}},
    {"group_norm": {"groups": 2, "features": 12, "epsilon": 0.5, "affine": false}},
    {"parallel": {"branches": [[], [{"linear": {"inputs": 12, "outputs": 4}}, "tanh"], ["relu"]]}},
    {"unflatten": [4, 7]}, "flatten",
    {"parallel": {"join": "sum", "branches": [[{"linear": {"inputs": 28, "outputs": 3}}], [
        {"named": {"name": "narrow", "layer": {"linear": {"inputs": 28, "outputs": 2}}}},
        {"linear": {"inputs": 2, "outputs": 3}}
    ]]}},
    {"named": {"name": "end", "layer": {"residual": {"branch": [{"rms_norm": {"features": 3}}]}}}}
]}"#;

fn by_hand() -> Sequential {
    let orthogonal = Linear::builder(8, 12).weight(Orthogonal::default()).build();
    let model = Sequential::new()
        .add(Identity)
        .add_named("encoder", WeightNorm::new(orthogonal))
        .add(BatchNorm1d::new(12))
        .add(SpectralNorm::new(Linear::builder(12, 12).no_bias().build()))
        .add(BatchNorm1d::new(12).epsilon(0.1).cumulative().affine(false))
        .add(BatchNorm1d::new(12).momentum(0.5).track_running_stats(false))
        .add(LayerNorm::new(12))
        .add(LayerNorm::new(12).bias(false).epsilon(0.5))
        .add(LayerNorm::new(12).affine(false))
        .add(RmsNorm::new(12))
        .add(RmsNorm::new(12).epsilon(0.5).affine(false))
        .add(GroupNorm::new(3, 12))
        .add(GroupNorm::new(2, 12).epsilon(0.5).affine(false));
    let wide = Parallel::new()
        .add(Sequential::new())
        .add(Sequential::new().add(Linear::new(12, 4)).add(Tanh))
        .add(Sequential::new().add(Relu));
    let model = model.add(wide).add(Unflatten::new(&[4, 7])).add(Flatten);
    let first = Sequential::new().add(Linear::new(28, 3));
    let narrow = Sequential::new().add_named("narrow", Linear::new(28, 2)).add(Linear::new(2, 3));
    let added = Parallel::sum().add(first).add(narrow);
    model.add(added).add_named("end", Residual::new(Sequential::new().add(RmsNorm::new(3))))
}

fn read(json: &str) -> NetworkSpec {
    serde_json::from_str(json).unwrap()
}

fn wrong(layers: &str) -> String {
    let spec = serde_json::from_str::<NetworkSpec>(&format!(r#"{{"layers": [{layers}]}}"#));
    match spec {
        Ok(spec) => Sequential::from_spec(&spec).unwrap_err().to_string(),
        Err(error) => error.to_string(),
    }
}

#[test]
fn the_same_as_by_hand_under_the_same_seed() {
    manual_seed(7);
    let described = Sequential::from_spec(&read(ALL)).unwrap();
    manual_seed(7);
    let by_hand = by_hand();
    assert_eq!(described.to_string(), by_hand.to_string());
    let (a, b) = (described.named_params(), by_hand.named_params());
    assert_eq!(a.len(), b.len());
    for ((name, a), (other, b)) in a.iter().zip(&b) {
        assert_eq!((name, a.value().as_slice()), (other, b.value().as_slice()));
    }
    let (a, b) = (described.named_buffers(), by_hand.named_buffers());
    assert_eq!(a.len(), b.len());
    for ((name, a), (other, b)) in a.iter().zip(&b) {
        assert_eq!((name, a.value().as_slice()), (other, b.value().as_slice()));
    }
    assert_eq!(described.named_params()[0].0, "encoder.weight_g");
    let x = Tensor::from_vec([2, 8], (0..16).map(|i| (i as f32).sin()).collect());
    assert_eq!(described.predict(&x), by_hand.predict(&x));
    assert_eq!(described.predict(&x).shape(), [2, 3]);
}

#[test]
fn descriptions_survive_every_format() {
    let spec = read(ALL);
    assert_eq!(read(&serde_json::to_string(&spec).unwrap()), spec);
    let config = bincode::config::standard();
    let bytes = bincode::serde::encode_to_vec(&spec, config).unwrap();
    let (back, _) = bincode::serde::decode_from_slice::<NetworkSpec, _>(&bytes, config).unwrap();
    assert_eq!(back, spec);
    // By hand, and in the shortest text.
    let layers = vec![
        NamedSpec::new("a", LinearSpec::new(2, 4)).into(),
        LayerSpec::LayerNorm(LayerNormSpec::new(4)),
        LayerSpec::BatchNorm1d(BatchNorm1dSpec::new(4)),
        LayerSpec::RmsNorm(RmsNormSpec::new(4)),
        LayerSpec::GroupNorm(GroupNormSpec::new(2, 4)),
        ParallelSpec { branches: vec![vec![], vec![LayerSpec::Relu]], join: Join::Concat }.into(),
    ];
    let short = r#"{"layers": [
        {"named": {"name": "a", "layer": {"linear": {"inputs": 2, "outputs": 4}}}},
        {"layer_norm": {"features": 4}}, {"batch_norm_1d": {"features": 4}}, {"rms_norm": {"features": 4}},
        {"group_norm": {"groups": 2, "features": 4}}, {"parallel": {"branches": [[], ["relu"]]}}
    ]}"#;
    assert_eq!(read(short), NetworkSpec { layers });
    let model = Sequential::from_spec(&read(short)).unwrap();
    assert_eq!(model.predict(&Tensor::ones([3, 2])).shape(), [3, 8]);
}

#[test]
fn what_cannot_be_described() {
    let linear = r#"{"linear": {"inputs": 4, "outputs": 4}}"#;
    let named = |name: &str| format!(r#"{{"named": {{"name": "{name}", "layer": {linear}}}}}"#);
    let large = format!("{linear}{}", r#", {"parallel": {"branches": [[], []]}}"#.repeat(40));
    for (layers, message) in [
        (
            r#"{"layer_norm": {"features": 4, "epsilon": -1}}"#.into(),
            "layer 0, LayerNorm(4): epsilon is -1.0, and must be finite and not negative",
        ),
        (r#"{"layer_norm": {"features": 4, "eps": 1}}"#.into(), "unknown field `eps`"),
        (r#"{"layer_norm": {}}"#.into(), "missing field `features`"),
        (
            r#"{"batch_norm_1d": {"features": 4, "momentum": 2}}"#.into(),
            "layer 0, BatchNorm1d(4): the momentum is 2.0, and must be from 0 to 1",
        ),
        (
            r#"{"group_norm": {"features": 4, "groups": 3}}"#.into(),
            "layer 0, GroupNorm(4 in 3 groups): 4 features cannot be divided into 3 groups",
        ),
        (r#"{"group_norm": {"features": 4, "groups": 0}}"#.into(), "into 0 groups"),
        (
            r#"{"rms_norm": {"features": 4000000000000000000}}"#.into(),
            "layer 0, RmsNorm(4000000000000000000): with it the network takes",
        ),
        (
            r#"{"batch_norm_1d": {"features": 100000000}}"#.into(),
            "takes 1,200,000,000 bytes, more than the limit",
        ),
        (
            r#"{"spectral_norm": {"inputs": 1, "outputs": 150000000, "bias": null}}"#.into(),
            "SpectralNorm(Linear(1 → 150000000, no bias)): with it the network takes",
        ),
        (
            format!(r#"{linear}, {{"layer_norm": {{"features": 5}}}}"#),
            "layer 1, LayerNorm(5): the layers before give 4 features",
        ),
        (
            format!(
                r#"{linear}, "flatten", {linear}, {{"weight_norm": {{"inputs": 5, "outputs": 1}}}}"#
            ),
            "layer 3, WeightNorm(Linear(5 → 1)): the layers before give 4 features",
        ),
        (named("a.b"), "layer 0, Linear(4 → 4): \"a.b\" cannot name a layer"),
        (named("7"), "\"7\" cannot name a layer"),
        (named(""), "\"\" cannot name a layer"),
        (
            format!("{}, {linear}, {}", named("a"), named("a")),
            "layer 2, Linear(4 → 4): there is a layer named \"a\" already",
        ),
        (
            format!(r#"{{"named": {{"name": "b", "layer": {}}}}}"#, named("a")),
            "layer 0, Linear(4 → 4): it has two names",
        ),
        (r#"{"unflatten": []}"#.into(), "layer 0, Unflatten(scalar): there are no sizes"),
        (
            r#"{"unflatten": [4294967296, 4294967296, 0]}"#.into(),
            "the product of the sizes is beyond 2^64",
        ),
        (r#"{"parallel": {"branches": []}}"#.into(), "layer 0, Parallel: it has no branches"),
        (
            format!(
                r#"{{"parallel": {{"branches": [[{linear}], [{{"rms_norm": {{"features": 5}}}}]]}}}}"#
            ),
            "layer 0, Parallel: its branches take 4 and 5 features of one input",
        ),
        (
            r#"{"parallel": {"join": "sum", "branches": [[{"linear": {"inputs": 4, "outputs": 2}}],
                [{"rms_norm": {"features": 4}}]]}}"#
                .into(),
            "layer 0, Parallel: its branches give 2 and 4 features, which cannot be added",
        ),
        (
            format!(
                r#"{{"parallel": {{"branches": [[], ["relu", {linear}, {{"dropout": 2}}]]}}}}"#
            ),
            "layer 0.1.2, Dropout(2.0): the probability must be",
        ),
        (
            r#"{"parallel": {"branches": [[], ["relu"]]}}"#.into(),
            "layer 0, Parallel: nothing says how many features it gives",
        ),
        // 2⁴⁰ features out of a few bytes.
        (large, "features, which take 2,147,483,648 bytes a sample, more than the limit"),
    ] {
        let error = wrong(&layers);
        assert!(error.contains(message), "{error}\nshould say\n{message}");
    }
}

/// Names and branches within each other, in a format whose reader has no limit of its own.
#[test]
fn depth_is_no_way_to_the_end_of_the_stack() {
    let config = bincode::config::standard();
    // The variants' numbers, as bincode writes them.
    let number = |layer: LayerSpec| bincode::serde::encode_to_vec(layer, config).unwrap()[0];
    let parallel = number(ParallelSpec { branches: vec![], join: Join::Concat }.into());
    let name = number(NamedSpec::new("", LayerSpec::Relu).into());
    for opening in [vec![parallel, 1, 1], vec![name, 1, b'a']] {
        let bytes = [vec![1], opening.repeat(1_000_000)].concat();
        let read = bincode::serde::decode_from_slice::<NetworkSpec, _>(&bytes, config);
        assert!(read.unwrap_err().to_string().contains("within 64"));
        // A claim of 2⁶⁰ at every level.
        let claim = [&[253][..], &(1u64 << 60).to_le_bytes()].concat();
        let bytes = [&claim[..], &[&opening[..1], &claim].concat().repeat(60)].concat();
        let (peak, result) = crate::checkpoint::memory::peak(|| {
            bincode::serde::decode_from_slice::<NetworkSpec, _>(&bytes, config).map(|_| ())
        });
        assert!(result.is_err() && peak < 64 << 10, "{peak} bytes");
    }
    let sizes = number(LayerSpec::Unflatten(vec![1]));
    let claim = [&[1, sizes, 253][..], &(1u64 << 60).to_le_bytes()].concat();
    let (peak, result) = crate::checkpoint::memory::peak(|| {
        bincode::serde::decode_from_slice::<NetworkSpec, _>(&claim, config).map(|_| ())
    });
    assert!(result.is_err() && peak < 64 << 10, "{peak} bytes");
}
