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
            "Linear(18446744073709551615 → 3): with it the network takes 2^64 or more bytes, more \
             than the limit of 1,073,741,824; make it smaller, or build it with \
             Sequential::from_spec_with_limit and a larger limit",
        ),
        (vec![linear(1 << 40, 1 << 22).into()], "takes 2^64 or more bytes"),
        (
            vec![LayerSpec::Relu, linear(0, 1_000_000_000_000_000).into()],
            "layer 1, Linear(0 → 1000000000000000): with it the network takes 4,000,000,000,000,000 \
             bytes",
        ),
        (vec![linear(0, 1 << 62).into()], "takes 2^64 or more bytes"),
        (vec![LinearSpec { bias: None, ..linear(0, usize::MAX) }.into()], "2^64 or more bytes"),
        // Each fits, and all of them do not.
        (
            vec![linear(16_384, 16_000).into(), linear(16_000, 16_384).into()],
            "layer 1, Linear(16000 → 16384): with it the network takes 2,097,216,000 bytes",
        ),
        (
            vec![residual(vec![linear(8, 8).into(), linear(1 << 20, 8).into()], 0.0)],
            "layer 0.branch.1, Linear(1048576 → 8): the layers before give 8 features",
        ),
        (
            vec![residual(vec![linear(8, 1 << 27).into(), linear(1 << 27, 8).into()], 0.0)],
            "layer 0.branch.0, Linear(8 → 134217728): with it the network takes 4,294,967,296 bytes",
        ),
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

#[test]
fn the_limit_is_exact_and_can_be_set() {
    let spec = NetworkSpec { layers: vec![LinearSpec::new(30, 10).into(), LayerSpec::Relu] };
    assert!(Sequential::from_spec_with_limit(&spec, 1_240).is_ok());
    let error = Sequential::from_spec_with_limit(&spec, 1_239).unwrap_err().to_string();
    assert!(error.contains("takes 1,240 bytes, more than the limit of 1,239;"), "{error}");

    // Two layers of 300 MB, one of which has no biases.
    let wide = LinearSpec { bias: None, weight: Zeros.into(), ..LinearSpec::new(1 << 13, 9_600) };
    let layers = vec![wide.into(), LinearSpec::new(9_600, 1 << 13).into()];
    let error = Sequential::from_spec_with_limit(&NetworkSpec { layers }, 600_000_000).unwrap_err();
    let text = "layer 1, Linear(9600 → 8192): with it the network takes 629,145,600 bytes";
    assert!(error.to_string().starts_with(text), "{error}");
}

/// Without a limit the system's answer counts.
#[test]
fn memory_that_the_system_has_not() {
    let layers = vec![LayerSpec::Relu, LinearSpec::new(1 << 30, 1 << 27).into(), LayerSpec::Relu];
    let error = Sequential::from_spec_with_limit(&NetworkSpec { layers }, u64::MAX).unwrap_err();
    let text = "layer 1, Linear(1073741824 → 134217728): with it the network takes \
                576,460,752,840,294,400 bytes, and the system has no memory for them";
    assert!(error.to_string().starts_with(text), "{error}");
    // More than an address can say.
    let layers = vec![LinearSpec { bias: None, ..LinearSpec::new(0, usize::MAX) }.into()];
    assert!(Sequential::from_spec_with_limit(&NetworkSpec { layers }, u64::MAX).is_err());
}

/// Working memory counts once, because initializers run one after the other.
#[test]
fn the_working_memory_of_initializers_counts() {
    let scratch = Scheme::from(Orthogonal::default()).scratch_bytes(&ParamSpec::weight(100, 100));
    assert!(scratch > 0);
    let layer = || LinearSpec {
        weight: Orthogonal::default().into(),
        bias: None,
        ..LinearSpec::new(100, 100)
    };
    let spec = NetworkSpec { layers: vec![layer().into(), layer().into()] };
    let all = 2 * 40_000 + scratch;
    assert!(Sequential::from_spec_with_limit(&spec, all).is_ok());
    assert!(Sequential::from_spec_with_limit(&spec, all - 1).is_err());
}

/// Branches within branches, in a format whose reader has no limit of its own.
fn nested(depth: usize) -> Vec<u8> {
    // The variant `Residual` and a list of one layer; at the end `Relu` and every α.
    [[1u8, 1].repeat(depth), vec![3], vec![0; depth]].concat()
}

#[test]
fn depth_is_no_way_to_the_end_of_the_stack() {
    let config = bincode::config::standard();
    let read = |depth| {
        let bytes = [vec![1], nested(depth)].concat();
        bincode::serde::decode_from_slice::<NetworkSpec, _>(&bytes, config).map(|(spec, _)| spec)
    };
    let deepest = read(NetworkSpec::MAX_NESTING).unwrap();
    assert!(Sequential::from_spec(&deepest).is_ok());
    for depth in [NetworkSpec::MAX_NESTING + 1, 1_000_000] {
        let error = read(depth).unwrap_err().to_string();
        assert!(error.contains("within 64 residual branches"), "{error}");
    }
    // After an error as well, the count begins anew.
    assert_eq!(read(NetworkSpec::MAX_NESTING).unwrap(), deepest);

    let NetworkSpec { layers } = deepest;
    let deeper = ResidualSpec { branch: layers, alpha: AlphaSpec::One };
    let error = Sequential::from_spec(&NetworkSpec { layers: vec![deeper.into()] }).unwrap_err();
    assert!(
        error.to_string().contains("within 64 residual branches or more; put fewer"),
        "{error}"
    );
}

/// Claimed lengths and layers by the thousand cost no more than they are.
#[test]
fn a_description_takes_memory_for_what_it_says() {
    let config = bincode::config::standard();
    // A claim of 2⁶⁰ layers at every level.
    let claim = [&[253][..], &(1u64 << 60).to_le_bytes()].concat();
    let bytes = [&claim[..], &[&[1][..], &claim].concat().repeat(60)].concat();
    let (peak, result) = crate::checkpoint::memory::peak(|| {
        bincode::serde::decode_from_slice::<NetworkSpec, _>(&bytes, config).map(|_| ())
    });
    assert!(result.is_err());
    assert!(peak < 64 << 10, "{peak} bytes for {}", bytes.len());

    let json = format!(r#"{{"layers": [{}"relu"]}}"#, r#""relu","#.repeat(50_000));
    let (peak, spec) = crate::checkpoint::memory::peak(|| read(&json));
    let most = 40 * json.len() as isize;
    assert!(peak < most, "{peak} bytes for a text of {}", json.len());
    let (peak, model) = crate::checkpoint::memory::peak(|| Sequential::from_spec(&spec).unwrap());
    assert_eq!(model.layers().len(), 50_001);
    assert!(peak < most, "{peak} bytes for a text of {}", json.len());
}
