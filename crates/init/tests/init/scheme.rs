//! Schemes: from text to initializer and back, for every initializer and any parameter, and the
//! names of other frameworks.

use std::collections::BTreeSet;

use fanin_init::*;
use proptest::prelude::*;
use proptest::strategy::{Union, ValueTree};

fn parse(text: &str) -> Scheme {
    text.parse().unwrap_or_else(|error| panic!("{error}"))
}

#[track_caller]
fn refused(text: &str, message: &str) {
    let error = text.parse::<Scheme>().map(|scheme| panic!("{text} is {scheme}"));
    let error = error.map_err(|error| error.to_string()).unwrap_err();
    assert!(error.contains(message), "{error}\nshould say\n{message}");
}

/// Numbers of all sizes, with all digits.
fn number() -> impl Strategy<Value = f64> {
    (1.0f64..10.0, -20i32..20, any::<bool>())
        .prop_map(|(x, e, minus)| x * 10f64.powi(e) * if minus { -1.0 } else { 1.0 })
}

fn fan() -> impl Strategy<Value = Fan> {
    prop_oneof![Just(Fan::In), Just(Fan::Out), Just(Fan::Average), Just(Fan::GeometricAverage)]
}

fn form() -> impl Strategy<Value = Distribution> {
    prop_oneof![
        Just(Distribution::Uniform),
        Just(Distribution::Normal),
        Just(Distribution::TruncatedNormal)
    ]
}

fn position() -> impl Strategy<Value = Position> {
    prop_oneof![Just(Position::First), Just(Position::Hidden), Just(Position::Last)]
}

/// Every initializer with its defaults, and those that have parameters with parameters of every kind.
fn scheme() -> Union<BoxedStrategy<Scheme>> {
    fn s<L: Into<Scheme> + 'static>(
        initializers: impl Strategy<Value = L> + 'static,
    ) -> BoxedStrategy<Scheme> {
        initializers.prop_map(Into::into).boxed()
    }
    let positive = || number().prop_map(f64::abs);
    let defaults = Scheme::names().filter_map(|name| name.parse::<Scheme>().ok());
    let defaults = defaults.map(|scheme| Just(scheme).boxed());
    Union::new(defaults.chain([
        s(prop::num::f32::NORMAL.prop_map(Constant)),
        s((number(), number()).prop_map(|(a, b)| Uniform::new(a.min(b), a.max(b)))),
        s((number(), positive()).prop_map(|(mean, std)| Normal::new(mean, std))),
        s((number(), positive(), -3.0..0.0, 0.1..3.0).prop_map(|(mean, std, a, b)| {
            // Narrower than the digits of the mean it would be empty.
            let std = std.max(mean.abs() / 1000.0);
            TruncatedNormal::new(mean, std, mean + a * std, mean + b * std)
        })),
        s(positive().prop_map(|g| XavierUniform::default().gain(g))),
        s(positive().prop_map(|g| XavierNormal::default().gain(g))),
        s((positive(), fan()).prop_map(|(g, fan)| KaimingUniform::default().gain(g).fan(fan))),
        s((positive(), fan()).prop_map(|(g, fan)| KaimingNormal::default().gain(g).fan(fan))),
        s((positive(), fan(), form()).prop_map(|(scale, fan, form)| {
            VarianceScaling::new(scale).fan(fan).distribution(form)
        })),
        s(positive().prop_map(|g| Orthogonal::default().gain(g))),
        s((fan(), form()).prop_map(|(fan, form)| Auto::default().fan(fan).distribution(form))),
        s((positive(), any::<i64>()).prop_map(|(g, n)| Identity::default().gain(g).shift(n))),
        s((1usize..100).prop_map(Dirac::new)),
        s(positive().prop_map(|g| DeltaOrthogonal::default().gain(g))),
        s((0.0..=1.0, positive()).prop_map(|(sparsity, std)| Sparse::new(sparsity, std))),
        s((1usize..100, positive()).prop_map(|(inputs, std)| SparseRows::new(inputs, std))),
        s((1e-20..1e20, 0..3usize).prop_map(|(bound, form)| {
            let forms =
                [NguyenWidrowForm::Paper, NguyenWidrowForm::Tansig, NguyenWidrowForm::Logsig];
            NguyenWidrow::new(bound).form(forms[form])
        })),
        s(prop::collection::vec(1e-9..1e9, 1..20).prop_map(|f: Vec<f64>| LogPrior::new(f))),
        s((1e-9..0.999).prop_map(LogitPrior::new)),
        s(prop_oneof![Just(HadamardScale::Paper), Just(HadamardScale::Code)].prop_map(ZerO::new)),
        s((number(), positive()).prop_map(|(tau, std)| IdInit::identity().tau(tau).loosened(std))),
        s((position(), positive()).prop_map(|(place, g)| LooksLinear::new(place).gain(g))),
        s(any::<Option<u64>>().prop_map(|pair| {
            pair.map_or_else(RandomizedAsymmetric::default, RandomizedAsymmetric::paired)
        })),
        s((position(), positive()).prop_map(|(place, omega)| Siren::new(place).omega0(omega))),
        s((positive(), 1usize..1000).prop_map(|(std, n)| DepthScaled::new(std, n))),
        s((1usize..1000, 2usize..9, positive(), fan()).prop_map(|(branches, layers, g, fan)| {
            Fixup::new(branches, layers).base(KaimingNormal::default().gain(g).fan(fan))
        })),
        s(prop_oneof![Just(RandomWalk::Linear), Just(RandomWalk::Relu), Just(RandomWalk::Tanh)]),
        s((positive(), positive()).prop_map(|(w, b)| EdgeOfChaos::with_sigmas(w, b))),
    ]))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn text_and_serde_give_every_initializer_back(scheme in scheme()) {
        let text = scheme.to_string();
        prop_assert_eq!(&parse(&text), &scheme, "{}", text);
        let json = serde_json::to_string(&scheme).unwrap();
        prop_assert_eq!(&json, &format!("{text:?}"));
        prop_assert_eq!(&serde_json::from_str::<Scheme>(&json).unwrap(), &scheme);
        let config = bincode::config::standard();
        let bytes = bincode::serde::encode_to_vec(&scheme, config).unwrap();
        let (back, read) = bincode::serde::decode_from_slice::<Scheme, _>(&bytes, config).unwrap();
        prop_assert_eq!((&back, read), (&scheme, bytes.len()));
    }

    #[test]
    fn no_text_panics(text in ".{0,60}") {
        let _ = text.parse::<Scheme>();
    }

    #[test]
    fn no_text_that_is_nearly_a_scheme_panics(text in nearly_a_scheme()) {
        if let Ok(scheme) = text.parse::<Scheme>() {
            prop_assert_eq!(parse(&scheme.to_string()), scheme);
        }
        let _ = serde_json::from_str::<Scheme>(&text);
    }
}

/// Texts of initializers with letters inserted, deleted and changed, and the parts of such texts in
/// any order.
fn nearly_a_scheme() -> impl Strategy<Value = String> {
    let signs = "[()=,.' \"\\[\\]a-z0-9_-]";
    let changed = (scheme(), any::<prop::sample::Index>(), 0usize..3, signs).prop_map(
        |(scheme, place, cut, put)| {
            let mut text: Vec<char> = scheme.to_string().chars().collect();
            let place = place.index(text.len() + 1);
            let end = (place + cut).min(text.len());
            text.splice(place..end, put.chars());
            text.into_iter().collect::<String>()
        },
    );
    let names: Vec<_> = Scheme::names().chain(Scheme::aliases().map(|(name, _)| name)).collect();
    let words = vec![
        "a",
        "b",
        "mode",
        "gain",
        "std",
        "mean",
        "low",
        "high",
        "lower",
        "upper",
        "nonlinearity",
        "activation",
        "sigma_b",
        "distribution",
        "scale",
        "seed",
        "none",
        "fan_in",
        "leaky_relu",
        "leaky_relu(nan)",
        "sin(0)",
        "elu(1e300)",
        "tanh",
        "-1",
        "0",
        "1e300",
        "nan",
        "inf",
        "[1]",
        "[]",
        "true",
        "value",
    ];
    let word = || prop::sample::select(words.clone());
    let arg = prop_oneof![
        word().prop_map(str::to_owned),
        (word(), word()).prop_map(|(name, value)| format!("{name}={value}"))
    ];
    let built = (prop::sample::select(names), prop::collection::vec(arg, 0..4))
        .prop_map(|(name, args)| format!("{name}({})", args.join(", ")));
    prop_oneof![changed, built]
}

#[test]
fn the_property_has_every_initializer() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let drawn: BTreeSet<_> =
        (0..1000).map(|_| scheme().new_tree(&mut runner).unwrap().current().name()).collect();
    assert_eq!(drawn, Scheme::names().collect(), "add the new initializer to `scheme()`");
}

#[test]
fn every_name_is_one_initializer_however_it_is_written() {
    let names: Vec<_> = Scheme::names().chain(Scheme::aliases().map(|(name, _)| name)).collect();
    let plain = |name: &str| name.replace('_', "");
    assert_eq!(names.iter().map(|name| plain(name)).collect::<BTreeSet<_>>().len(), names.len());
    for name in Scheme::names() {
        if let Ok(scheme) = name.parse::<Scheme>() {
            assert_eq!((scheme.name(), scheme.to_string()), (name, name.to_string()));
            assert_eq!(parse(&plain(name).to_uppercase()), scheme);
            assert_eq!(parse(&name.replace('_', "-")), scheme);
        }
    }
}

#[test]
fn text_is_short_and_exact() {
    for (scheme, text) in [
        (Zeros.into(), "zeros"),
        (Constant(0.1).into(), "constant(0.1)"),
        (Constant(0.0).into(), "constant(0)"),
        (Normal::new(0.0, 0.02).into(), "normal(std=0.02)"),
        (Uniform::new(-0.5, 0.5).into(), "uniform(low=-0.5, high=0.5)"),
        (KaimingNormal::default().into(), "kaiming_normal"),
        (KaimingNormal::default().fan(Fan::Out).into(), "kaiming_normal(mode=fan_out)"),
        (
            VarianceScaling::new(2.0).fan(Fan::Average).distribution(Distribution::Uniform).into(),
            "variance_scaling(scale=2, mode=fan_avg, distribution=uniform)",
        ),
        (LogPrior::new([0.25, 0.75]).into(), "log_prior(frequencies=[0.25, 0.75])"),
        (RandomWalk::Relu.into(), "random_walk(relu)"),
        (
            Fixup::new(4, 2).base(KaimingNormal::default().fan(Fan::Out)).into(),
            "fixup(base=kaiming_normal(mode=fan_out), branches=4, layers=2)",
        ),
        (TruncatedNormal::std(0.02).into(), "trunc_normal(std=0.02, low=-0.04, high=0.04)"),
    ] as [(Scheme, &str); _]
    {
        assert_eq!(scheme.to_string(), text);
    }
}

#[test]
fn pytorch_and_ours() {
    let leaky = |a| KaimingUniform::default().nonlinearity(Nonlinearity::LeakyRelu(a));
    let xavier = |phi: Nonlinearity| XavierNormal::default().gain(phi).into();
    for (text, initializer) in [
        ("uniform_", Uniform::new(0.0, 1.0).into()),
        ("uniform_(-0.5, 0.5)", Uniform::new(-0.5, 0.5).into()),
        ("uniform_(a=-.5, b=.5)", Uniform::new(-0.5, 0.5).into()),
        ("normal_(mean=0, std=0.02, generator=None)", Normal::new(0.0, 0.02).into()),
        ("constant_(val=0.1)", Constant(0.1).into()),
        ("ones_()", Ones.into()),
        ("zeros_()", Zeros.into()),
        (
            "trunc_normal_(mean=0, std=.02, a=-2, b=2)",
            TruncatedNormal::new(0.0, 0.02, -2.0, 2.0).into(),
        ),
        ("trunc_normal_(std=.02)", TruncatedNormal::new(0.0, 0.02, -2.0, 2.0).into()),
        ("xavier_uniform_(gain=1.4)", XavierUniform::default().gain(1.4).into()),
        ("xavier_normal_", XavierNormal::default().into()),
        ("kaiming_uniform_", KaimingUniform::default().into()),
        ("kaiming_uniform_(a=sqrt(5))", KaimingUniform::torch_default().into()),
        ("torch_default", KaimingUniform::torch_default().into()),
        ("kaiming_uniform_(0.2, 'fan_out', 'leaky_relu')", leaky(0.2).fan(Fan::Out).into()),
        ("kaiming_uniform_(nonlinearity='leaky_relu')", leaky(0.0).into()),
        ("kaiming_uniform_(nonlinearity=leaky_relu(0.2))", leaky(0.2).into()),
        // The slope is that of leaky ReLU alone.
        (
            "kaiming_normal_(a=3, mode='fan_in', nonlinearity='relu')",
            KaimingNormal::default().into(),
        ),
        ("xavier_normal_(leaky_relu)", xavier(Nonlinearity::LeakyRelu(0.01))),
        ("xavier_normal_(elu)", xavier(Nonlinearity::Elu(1.0))),
        ("xavier_normal_(sin)", xavier(Nonlinearity::Sin(1.0))),
        ("kaiming_normal_(nonlinearity='linear')", KaimingNormal::default().gain(1.0).into()),
        ("eye_", Identity::default().into()),
        ("dirac_(groups=2)", Dirac::new(2).into()),
        ("sparse_(sparsity=0.9)", Sparse::new(0.9, 0.01).into()),
        ("sparse_(0.9, 0.1)", Sparse::new(0.9, 0.1).into()),
        ("random_walk(nonlinearity=tanh)", RandomWalk::Tanh.into()),
        ("depth_scaled(24)", DepthScaled::gpt2(12).into()),
        ("fixup(4, 2)", Fixup::new(4, 2).into()),
        ("siren(first)", Siren::new(Position::First).into()),
        ("randomized_asymmetric(pair=3)", RandomizedAsymmetric::paired(3).into()),
        ("orthogonal_(gain=1.4)", Orthogonal::default().gain(1.4).into()),
        ("orthogonal(gain=tanh)", Orthogonal::default().gain(5.0 / 3.0).into()),
        (
            "xavier_normal(gain=leaky_relu)",
            XavierNormal::default().gain(Nonlinearity::LeakyRelu(0.01)).into(),
        ),
    ] as [(&str, Scheme); _]
    {
        assert_eq!(parse(text), initializer, "{text}");
    }
    refused("he_normal_", "there is no initializer `he_normal_`; the nearest is `he_normal`");
}

#[test]
fn keras_and_jax() {
    let scaling = VarianceScaling::new;
    let trunc = |mean, std, low, high| Scheme::from(TruncatedNormal::new(mean, std, low, high));
    for (text, initializer) in [
        ("GlorotUniform", XavierUniform::default().into()),
        ("glorot_uniform", XavierUniform::default().into()),
        ("GlorotNormal(seed=None)", scaling(1.0).fan(Fan::Average).into()),
        ("HeUniform", KaimingUniform::default().into()),
        ("he_normal", scaling(2.0).into()),
        ("HeNormal", scaling(2.0).into()),
        ("LecunUniform", LecunUniform.into()),
        ("LecunNormal", scaling(1.0).into()),
        ("lecun_normal", scaling(1.0).into()),
        (
            "VarianceScaling(scale=2.0, mode=\"fan_in\", distribution=\"truncated_normal\")",
            scaling(2.0).into(),
        ),
        (
            "variance_scaling(1.0, 'fan_avg', 'uniform')",
            scaling(1.0).fan(Fan::Average).distribution(Distribution::Uniform).into(),
        ),
        (
            "variance_scaling(distribution=normal)",
            scaling(1.0).distribution(Distribution::Normal).into(),
        ),
        (
            "VarianceScaling(distribution='untruncated_normal')",
            scaling(1.0).distribution(Distribution::Normal).into(),
        ),
        ("RandomNormal", Normal::new(0.0, 0.05).into()),
        ("RandomNormal(mean=1., stddev=0.1)", Normal::new(1.0, 0.1).into()),
        ("RandomUniform", Uniform::new(-0.05, 0.05).into()),
        ("RandomUniform(minval=-1, maxval=1)", Uniform::new(-1.0, 1.0).into()),
        ("TruncatedNormal", trunc(0.0, 0.05, -0.1, 0.1)),
        ("TruncatedNormal(mean=1, stddev=0.5)", trunc(1.0, 0.5, 0.0, 2.0)),
        ("truncated_normal(stddev=0.5, lower=-1.0, upper=3.0)", trunc(0.0, 0.5, -0.5, 1.5)),
        ("Orthogonal(gain=2.0)", Orthogonal::default().gain(2.0).into()),
        ("orthogonal(scale=2.0)", Orthogonal::default().gain(2.0).into()),
        ("Identity(gain=2)", Identity::default().gain(2.0).into()),
        ("delta_orthogonal(scale=2)", DeltaOrthogonal::default().gain(2.0).into()),
        ("OrthogonalInitializer(2.0)", Orthogonal::default().gain(2.0).into()),
        ("IdentityInitializer(gain=2.0)", Identity::default().gain(2.0).into()),
        ("Zeros", Zeros.into()),
        ("ones", Ones.into()),
        // Flax'; not ZerO, which is near.
        ("zeros_init()", Zeros.into()),
        ("ones_init", Ones.into()),
        // As Keras 3.15 writes its configurations.
        ("HeNormal(seed=None, input_axes=None, output_axes=None)", scaling(2.0).into()),
        ("Constant(value=0.1)", Constant(0.1).into()),
        ("KAIMING-NORMAL", KaimingNormal::default().into()),
    ] as [(&str, Scheme); _]
    {
        assert_eq!(parse(text), initializer, "{text}");
    }
}

#[test]
fn maps() {
    let read = |json: &str| serde_json::from_str::<Scheme>(json).map_err(|e| e.to_string());
    for (json, initializer) in [
        (r#"{"initializer": "zeros"}"#, Zeros.into()),
        // The key of fanin's first files.
        (r#"{"law": "zeros"}"#, Zeros.into()),
        (r#"{"law": "normal", "std": 0.5}"#, Normal::new(0.0, 0.5).into()),
        (
            r#"{"law": "uniform", "initializer": "auto"}"#,
            Auto::default().distribution(Distribution::Uniform).into(),
        ),
        (r#"{"initializer": "constant", "value": -0.25}"#, Constant(-0.25).into()),
        (
            r#"{"initializer": "kaiming_normal", "mode": "fan_out"}"#,
            KaimingNormal::default().fan(Fan::Out).into(),
        ),
        (
            r#"{"gain": "leaky_relu(0.2)", "initializer": "xavier_normal"}"#,
            XavierNormal::default().gain(Nonlinearity::LeakyRelu(0.2)).into(),
        ),
        (
            r#"{"initializer": "VarianceScaling", "scale": 2, "distribution": "uniform", "seed": null}"#,
            VarianceScaling::new(2.0).distribution(Distribution::Uniform).into(),
        ),
        // Text in a map is read as in a call.
        (
            r#"{"initializer": "kaiming_uniform", "a": "sqrt(5)"}"#,
            KaimingUniform::torch_default().into(),
        ),
        (r#"{"initializer": "normal", "std": "2e-2"}"#, Normal::new(0.0, 0.02).into()),
        (
            r#"{"initializer": "log_prior", "frequencies": "[1, 3]"}"#,
            LogPrior::new([1.0, 3.0]).into(),
        ),
    ] as [(&str, Scheme); _]
    {
        assert_eq!(read(json), Ok(initializer), "{json}");
    }
    for (json, message) in [
        (r#"{"mode": "fan_out"}"#, "missing field `initializer`"),
        (r#"{"initializer": "normal", "std": -1}"#, "the standard deviation -1.0 must be"),
        (
            r#"{"initializer": "normal", "spread": 1}"#,
            "`normal` has no parameter `spread` (here spread=1)",
        ),
        (r#"{"initializer": 3}"#, "`initializer` is a name, not 3"),
        (r#"{"initializer": "3"}"#, "`initializer` is a name, not 3"),
        (r#"{"initializer": ""}"#, "`` is no initializer: after its end a value is expected"),
        (
            r#"{"initializer": "normal", "std": "1 2"}"#,
            "`1 2` is no initializer: at character 3 nothing is expected",
        ),
        ("3", "expected an initializer such as"),
        (r#""orthogonl""#, "the nearest is `orthogonal`"),
    ] {
        let error = read(json).unwrap_err();
        assert!(error.contains(message), "{error}");
    }
}

#[test]
fn edges_of_chaos_are_solved() {
    let initializer = EdgeOfChaos::new(Nonlinearity::Tanh, 0.2);
    assert_eq!(parse("edge_of_chaos(activation=tanh, sigma_b=0.2)"), initializer.into());
    refused("edge_of_chaos(activation=relu, sigma_b=0.2)", "this activation has no edge of chaos");
    refused(
        "edge_of_chaos(activation=relu, sigma_w=2)",
        "activation and sigma_w exclude each other",
    );
    refused("edge_of_chaos", "sigma_w is missing");
}

#[test]
fn mistakes() {
    for (text, message) in [
        (
            "kaiming_norml(mode=fan_out)",
            "no initializer `kaiming_norml`; the nearest is `kaiming_normal`",
        ),
        (
            "spectral",
            "there is no initializer `spectral`; the initializers are zeros, ones, constant",
        ),
        (
            "kaiming_normal(mod=fan_out)",
            "has no parameter `mod` (here mod=fan_out); the nearest is `mode`; it takes a, mode, nonlinearity, gain",
        ),
        ("zeros(1)", "`zeros` is given too many values; it takes none"),
        (
            "he_normal(scale=3)",
            "`he_normal` has no parameter `scale` (here scale=3); it takes none",
        ),
        ("random_normal(std=3)", "`random_normal` has no parameter `std` (here std=3)"),
        ("normal(0, 1, mean=2)", "mean is given twice"),
        ("kaiming_normal(mode=fan_in, fan=out)", "mode is given twice"),
        (
            "kaiming_normal(mode=fan_ot)",
            "`fan_ot` is none of fan_in, fan_out, fan_avg, fan_geo_avg; the nearest are `fan_out`, `fan_in`",
        ),
        ("kaiming_normal(mode=2)", "`2` is none of fan_in, fan_out, fan_avg, fan_geo_avg"),
        (
            "xavier_normal(gain=rleu)",
            "a gain is a number or an activation, and `rleu` is none of linear",
        ),
        ("xavier_normal(gain=rleu)", "the nearest is `relu`"),
        ("xavier_normal(gain=relu(2))", "`relu(2)` takes nothing in parentheses"),
        ("xavier_normal(gain=-1)", "a gain of -1.0 is impossible"),
        ("xavier_normal(gain=nan)", "a gain of NaN is impossible"),
        ("xavier_normal(gain=sin(0))", "the activation's second moment is 0.0"),
        ("kaiming_normal(a=1, gain=2)", "the slope a and the gain exclude each other"),
        ("kaiming_normal(a=relu)", "a takes a number, not `relu`"),
        ("normal(std=big)", "std takes a number, not `big`"),
        ("fixup(2, 3, mode=fan_in, base=kaiming_normal)", "mode and base exclude each other"),
        ("fixup(2, 3, base=zeros)", "`zeros` is no kaiming_normal initializer, as it must be here"),
        ("fixup(2, 3, base=kaiming_normal(gian=2))", "has no parameter `gian`"),
        ("random_walk", "value is missing"),
        ("sparse_rows(inputs=1.5)", "inputs takes a whole number, not `1.5`"),
        ("constant", "`constant`: value is missing"),
        ("constant(1e39)", "Constant: inf is no first value"),
        ("uniform(1, 0)", "Uniform: the range from 1.0 to 0.0 is empty"),
        ("trunc_normal(low=0, lower=-2)", "lower and low exclude each other"),
        ("glorot_uniform(seed=3)", "an initializer has no state: seed the generator it is given"),
    ] {
        refused(text, message);
    }
    let error = "x".parse::<Scheme>().unwrap_err();
    assert_eq!(format!("{error:?}"), error.to_string());
}

#[test]
fn a_single_number_says_what_it_is() {
    for (text, names) in [
        ("normal(0.02)", "std or mean: write std=0.02 or mean=0.02"),
        ("normal_(0.02)", "std or mean: write std=0.02 or mean=0.02"),
        ("normal(0.02, generator=None)", "std or mean: write std=0.02 or mean=0.02"),
        ("uniform(0.01)", "low or high: write low=0.01 or high=0.01"),
        ("uniform(sqrt(4))", "low or high: write low=2 or high=2"),
        ("trunc_normal_(0.02)", "std or mean"),
        ("trunc_normal(0.02, a=-1, b=1)", "std or mean"),
        ("truncated_normal(0.02)", "stddev or mean: write stddev=0.02 or mean=0.02"),
        ("TruncatedNormal(0.02, lower=-3)", "stddev or mean"),
        ("random_normal(0.02)", "stddev or mean"),
        ("RandomUniform(0.02)", "minval or maxval: write minval=0.02 or maxval=0.02"),
        ("kaiming_uniform_(0.2)", "a or gain: write a=0.2 or gain=0.2"),
        ("kaiming_normal(2, mode=fan_out)", "a or gain"),
        ("fixup(2, 3, base=kaiming_normal(2))", "a or gain"),
        ("idinit(0.1)", "tau or loosening"),
    ] {
        refused(text, &format!("a single number without a name may be {names}"));
    }
    // With the other one named, or with two numbers, or where there is but one number, it is clear.
    for (text, same) in [
        ("normal(0.5, std=0.02)", "normal(mean=0.5, std=0.02)"),
        ("normal(0.5, 0.02)", "normal(mean=0.5, std=0.02)"),
        ("uniform(-1, high=2)", "uniform(low=-1, high=2)"),
        ("truncated_normal(0.5, stddev=0.02)", "truncated_normal(mean=0.5, stddev=0.02)"),
        ("kaiming_uniform_(0.2, nonlinearity=leaky_relu)", "kaiming_uniform(a=0.2)"),
        ("kaiming_normal(0.2, fan_out, leaky_relu)", "kaiming_normal(a=0.2, mode=fan_out)"),
        ("xavier_normal(2)", "xavier_normal(gain=2)"),
        ("orthogonal(2)", "orthogonal(gain=2)"),
        ("variance_scaling(2)", "variance_scaling(scale=2)"),
        ("constant(2)", "constant(value=2)"),
        ("dirac(2)", "dirac(groups=2)"),
        ("sparse(0.9)", "sparse(sparsity=0.9)"),
        ("sparse_rows(7)", "sparse_rows(inputs=7)"),
        ("identity(2)", "identity_init(gain=2, shift=0)"),
        ("fixup(4, 2, mode=fan_out)", "fixup(4, 2, base=kaiming_normal(mode=fan_out))"),
        ("nguyen_widrow(2, tanh)", "nguyen_widrow(bound=2, form=tansig)"),
        ("nguyen_widrow(2)", "nguyen_widrow(bound=2)"),
        ("logit_prior(0.1)", "logit_prior(p=0.1)"),
        ("depth_scaled(4)", "depth_scaled(branches=4)"),
        ("edge_of_chaos(2)", "edge_of_chaos(sigma_w=2)"),
    ] {
        assert_eq!(parse(text), parse(same), "{text}");
    }
    // Every initializer or alias that takes a single number has been decided on.
    let names = Scheme::names().chain(Scheme::aliases().map(|(name, _)| name));
    let takes: BTreeSet<_> =
        names.filter(|name| format!("{name}(1)").parse::<Scheme>().is_ok()).collect();
    let decided = [
        "constant",
        "xavier_uniform",
        "xavier_normal",
        "variance_scaling",
        "orthogonal",
        "identity",
        "dirac",
        "delta_orthogonal",
        "sparse",
        "sparse_rows",
        "nguyen_widrow",
        "randomized_asymmetric",
        "depth_scaled",
        "edge_of_chaos",
        "identity_initializer",
        "identity_init",
        "orthogonal_initializer",
    ];
    assert_eq!(takes, decided.into(), "is a single number clear for the new one?");
}

#[test]
fn however_long_the_text_the_message_is_short() {
    let many = "1e308, ".repeat(100_000);
    for text in [
        format!("log_prior([{many}])"),
        format!("normal(std=[{many}])"),
        format!("xavier_normal(gain=leaky_relu({many}))"),
        format!("normal({many})"),
        format!("normal({}=1)", "x".repeat(100_000)),
        "9".repeat(100_000),
        "é".repeat(100_000),
    ] {
        let error = text.parse::<Scheme>().unwrap_err().to_string();
        assert!(error.chars().count() < 1000, "{} characters", error.chars().count());
    }
}

#[test]
fn a_scheme_is_an_initializer() {
    let (spec, bias) = (ParamSpec::weight(6, 4), ParamSpec::bias(6, 4));
    let draw =
        |initializer: &dyn Initializer| initializer.draw(&spec, &[4, 6], &mut TorchRng::seed(3));
    let scheme = parse("orthogonal(gain=2)");
    assert_eq!(draw(&scheme), draw(&Orthogonal::default().gain(2.0)));
    assert!(scheme.check(&bias, &[4]).is_err());
    assert!(parse("auto").awaits_activation() && !scheme.awaits_activation());
}
