//! Networks from their descriptions: the same weights as by hand, and errors for what does not fit.

use fanin_nn::init::*;
use fanin_nn::layers::*;
use fanin_nn::{Linear, Parameters, Sequential};

const ALL: &str = r#"{"layers": [
    {"linear": {"inputs": 20, "outputs": 18}},
    "relu",
    {"linear": {"inputs": 18, "outputs": 17, "weight": "he_normal", "bias": "zeros"}},
    {"leaky_relu": 0.2}, "tanh", {"dropout": 0.5}, "sigmoid",
    {"linear": {"inputs": 17, "outputs": 16, "weight": {"law": "orthogonal", "gain": 2}, "bias": null}},
    {"residual": {"branch": ["tanh", {"linear": {"inputs": 16, "outputs": 16}}, "gelu"], "alpha": {"learned": 0.5}}},
    {"residual": {"branch": [{"linear": {"inputs": 16, "outputs": 16}}], "alpha": {"scaled": 0.25}}},
    {"residual": {"branch": [{"residual": {"branch": ["relu"]}}]}},
    "gelu", "gelu_tanh", "silu", {"elu": 1.5}, "selu",
    {"linear": {"inputs": 16, "outputs": 10, "weight": "auto", "bias": "log_prior([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])"}},
    "softplus", "softmax", "log_softmax"
]}"#;

fn by_hand() -> Sequential {
    let counts: Vec<f64> = (1..=10).map(f64::from).collect();
    Sequential::new()
        .add(Linear::new(20, 18))
        .add(Relu)
        .add(Linear::builder(18, 17).weight(VarianceScaling::new(2.0)).bias(Zeros).build())
        .add(LeakyRelu(0.2))
        .add(Tanh)
        .add(Dropout::new(0.5))
        .add(Sigmoid)
        .add(Linear::builder(17, 16).weight(Orthogonal::default().gain(2.0)).no_bias().build())
        .add(
            Residual::new(Sequential::new().add(Tanh).add(Linear::new(16, 16)).add(Gelu))
                .learned(0.5),
        )
        .add(Residual::new(Sequential::new().add(Linear::new(16, 16))).scaled(0.25))
        .add(Residual::new(Sequential::new().add(Residual::new(Sequential::new().add(Relu)))))
        .add(Gelu)
        .add(GeluTanh)
        .add(Silu)
        .add(Elu(1.5))
        .add(Selu)
        .add(Linear::builder(16, 10).weight(Auto::default()).bias(LogPrior::new(counts)).build())
        .add(Softplus)
        .add(Softmax)
        .add(LogSoftmax)
}

fn state() -> TorchRng {
    with_default_rng(|rng| rng.clone())
}

fn read(json: &str) -> NetworkSpec {
    serde_json::from_str(json).unwrap()
}

#[test]
fn the_same_as_by_hand_under_the_same_seed() {
    manual_seed(7);
    let described = Sequential::from_spec(&read(ALL)).unwrap();
    let next = state();
    manual_seed(7);
    let by_hand = by_hand();
    assert_eq!(next, state(), "the generator is elsewhere afterwards");
    assert_eq!(described.to_string(), by_hand.to_string());
    let (a, b) = (described.named_params(), by_hand.named_params());
    assert_eq!(a.len(), 12);
    for ((name, a), (other, b)) in a.iter().zip(&b) {
        assert_eq!((name, a.value().as_slice()), (other, b.value().as_slice()));
    }
}

#[test]
fn descriptions_survive_every_format() {
    let spec = read(ALL);
    assert_eq!(read(&serde_json::to_string(&spec).unwrap()), spec);
    let config = bincode::config::standard();
    let bytes = bincode::serde::encode_to_vec(&spec, config).unwrap();
    let (back, _) = bincode::serde::decode_from_slice::<NetworkSpec, _>(&bytes, config).unwrap();
    assert_eq!(back, spec);
}

#[test]
fn what_cannot_be_read() {
    for (layer, message) in [
        (r#""rleu""#, "unknown variant `rleu`, expected one of"),
        (r#"{"linear": {"inputs": 2, "outputs": 1, "wieght": "zeros"}}"#, "unknown field `wieght`"),
        (r#"{"linear": {"inputs": 2}}"#, "missing field `outputs`"),
        (r#"{"linear": {"inputs": -2, "outputs": 1}}"#, "invalid value: integer `-2`"),
        (
            r#"{"linear": {"inputs": 2, "outputs": 1, "weight": "kaimin_normal"}}"#,
            "there is no initializer `kaimin_normal`; the nearest is `kaiming_normal`",
        ),
        (
            r#"{"linear": {"inputs": 2, "outputs": 1, "bias": "normal(std=-1)"}}"#,
            "the standard deviation -1.0 must be",
        ),
    ] {
        let json = format!(r#"{{"layers": [{layer}]}}"#);
        let error = serde_json::from_str::<NetworkSpec>(&json).unwrap_err().to_string();
        assert!(error.contains(message), "{error}");
    }
    assert!(serde_json::from_str::<NetworkSpec>(r#"{"layers": [], "seed": 1}"#).is_err());
}

#[test]
fn what_cannot_be_built() {
    let linear = LinearSpec::new;
    let with = |weight: &str, bias: &str| LinearSpec {
        weight: weight.parse().unwrap(),
        bias: Some(bias.parse().unwrap()),
        ..linear(3, 2)
    };
    let residual =
        |branch, alpha| LayerSpec::from(ResidualSpec { branch, alpha: AlphaSpec::Learned(alpha) });
    for (layers, message) in [
        (
            vec![linear(784, 128).into(), LayerSpec::Relu, linear(100, 10).into()],
            "layer 2, Linear(100 → 10): the layers before give 128 features",
        ),
        (
            vec![with("zeros", "orthogonal").into()],
            "layer 0, Linear(3 → 2): Orthogonal: `bias` of shape [2] needs at least two dimensions",
        ),
        (vec![with("log_prior([1, 2])", "zeros").into()], "layer 0, Linear(3 → 2): LogPrior: "),
        (
            vec![linear(usize::MAX, 3).into()],
            "Linear(18446744073709551615 → 3): there is no memory for so many weights",
        ),
        (vec![linear(1 << 40, 1 << 22).into()], "there is no memory for so many weights"),
        (
            vec![LayerSpec::Dropout(1.0)],
            "layer 0, Dropout(1.0): the probability must be from 0 to below 1",
        ),
        (vec![LayerSpec::Dropout(f64::NAN)], "Dropout(NaN): the probability must be"),
        (
            vec![LayerSpec::Relu, LayerSpec::Elu(1e300)],
            "layer 1, Elu(1e300): the parameter must be from -1e20 to 1e20",
        ),
        (
            vec![residual(
                vec![residual(vec![linear(3, 3).into(), linear(4, 3).into()], 0.0)],
                0.0,
            )],
            "layer 0.branch.0.branch.1, Linear(4 → 3): the layers before give 3 features",
        ),
        (
            vec![LayerSpec::Relu, residual(vec![linear(3, 4).into()], 0.0)],
            "layer 1, Residual: its branch takes 3 features and gives 4, which cannot be added",
        ),
        (
            vec![linear(3, 4).into(), residual(vec![linear(3, 3).into()], 0.0)],
            "layer 1, Residual: the layers before give 4 features",
        ),
        (vec![residual(vec![], 1e300)], "layer 0, Residual: alpha is 1e300, and must be finite"),
        (vec![LayerSpec::LeakyRelu(f64::NAN)], "LeakyRelu(NaN): the parameter must be"),
    ] {
        manual_seed(3);
        let before = state();
        let error = Sequential::from_spec(&NetworkSpec { layers }).unwrap_err();
        assert!(error.to_string().contains(message), "{error}\nshould say\n{message}");
        assert_eq!(format!("{error:?}"), error.to_string());
        assert_eq!(state(), before, "an error draws nothing");
    }
    // The largest that are let through have a gain.
    let layers = vec![LayerSpec::Elu(1e20), LayerSpec::LeakyRelu(-1e20)];
    assert!(Sequential::from_spec(&NetworkSpec { layers }).is_ok());
}

/// Each by itself, by its name in a file.
#[test]
fn every_activation_by_name() {
    for (name, layer, spec) in all_activations::<f32>() {
        let json = serde_json::to_string(&spec).unwrap();
        assert!(json == format!("{name:?}") || json.starts_with(&format!("{{{name:?}:")), "{json}");
        assert_eq!(serde_json::from_str::<LayerSpec>(&json).unwrap(), spec);
        let config = bincode::config::standard();
        let bytes = bincode::serde::encode_to_vec(&spec, config).unwrap();
        let (back, _) = bincode::serde::decode_from_slice::<LayerSpec, _>(&bytes, config).unwrap();
        assert_eq!(back, spec);

        let described = Sequential::from_spec(&NetworkSpec { layers: vec![spec] }).unwrap();
        assert_eq!(described.to_string(), format!("0: {}\n", layer.describe()));
        let error = serde_json::from_str::<LayerSpec>("\"rleu\"").unwrap_err().to_string();
        assert!(error.contains(&format!("`{name}`")), "{error}");
    }
}
