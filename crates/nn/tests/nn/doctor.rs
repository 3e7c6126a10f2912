//! The doctor names the fault of sick networks and finds none in healthy ones, for several seeds.

use fanin_nn::diagnose::{Fault, InitReport, Probe, Verdict, singular_values};
use fanin_nn::init::rand::Rng;
use fanin_nn::init::rand_distr::StandardNormal;
use fanin_nn::init::{
    Constant, FanInUniform, Initializer, KaimingNormal, KaimingUniform, Normal, Ones, Orthogonal,
    Position, Siren, TorchRng, Uniform, XavierNormal, Zeros, manual_seed,
};
use fanin_nn::layers::{Gelu, LeakyRelu, Relu, Sigmoid, Sine, Tanh};
use fanin_nn::{
    Describe, InitPlan, Linear, Module, Param, ParamPath, Parameters, Sequential, Tensor, Var,
    Visitor,
};

fn batch(samples: usize, features: usize, seed: u64) -> Tensor {
    let mut rng = TorchRng::seed(seed);
    let values = (0..samples * features).map(|_| rng.sample(StandardNormal)).collect();
    Tensor::from_vec([samples, features], values)
}

/// `depth` layers of `width` with an activation behind each, and 10 outputs.
fn net<A: Module + Copy + 'static>(
    depth: usize,
    width: usize,
    weight: &dyn Initializer,
    bias: &dyn Initializer,
    activation: A,
) -> Sequential {
    let layer = |n, m| Linear::builder(n, m).weight(weight).bias(bias).build();
    (0..depth)
        .fold(Sequential::new(), |net, _| net.add(layer(width, width)).add(activation))
        .add(layer(width, 10))
}

const SEEDS: [u64; 5] = [1, 2, 3, 4, 5];

/// The reports of the same network with several seeds, without and with labels.
fn reports(width: usize, build: impl Fn() -> Sequential) -> Vec<InitReport> {
    let labels: Vec<usize> = (0..128).map(|i| i % 10).collect();
    let report = |seed| {
        manual_seed(seed);
        let (model, x) = (build(), batch(128, width, 100 + seed));
        [InitReport::new(&model, &x), InitReport::with_labels(&model, &x, &labels)]
    };
    SEEDS.into_iter().flat_map(report).collect()
}

#[track_caller]
fn assert_healthy(reports: &[InitReport]) {
    for report in reports {
        assert!(report.is_healthy(), "{report}");
    }
}

/// That a fault is found in each.
macro_rules! assert_fault {
    ($reports:expr, $fault:pat $(if $condition:expr)?) => {
        for report in $reports {
            let found = report.verdicts.iter().any(|v| matches!(&v.fault, $fault $(if $condition)?));
            assert!(found, "no {}:\n{report}", stringify!($fault));
        }
    };
}

#[test]
fn zeros_are_symmetric_and_nothing_else() {
    for report in reports(32, || net(2, 32, &Zeros, &Zeros, Relu)) {
        let [verdict] = &report.verdicts[..] else { panic!("{report}") };
        let Fault::Symmetry { layers, share } = &verdict.fault else { panic!("{report}") };
        assert_eq!(
            (&layers[..], *share),
            (&["0.weight".into(), "2.weight".into()][..], 31.0 / 32.0)
        );
    }
}

#[test]
fn ones_are_symmetric_and_explode() {
    let reports = reports(64, || net(3, 64, &Ones, &Ones, Relu));
    assert_fault!(&reports, Fault::Symmetry { layers, .. } if layers.len() == 3);
    assert_fault!(&reports, Fault::ExplodingActivations { per_layer, .. } if *per_layer > 5.0);
    assert!(reports.iter().all(|r| matches!(r.verdicts[0].fault, Fault::Symmetry { .. })));
}

#[test]
fn uniform_from_0_to_1_explodes() {
    let shallow = reports(128, || net(2, 128, &Uniform::new(0.0, 1.0), &Zeros, Relu));
    assert_fault!(&shallow, Fault::ExplodingActivations { per_layer, .. } if *per_layer > 10.0);
    // Beyond what f32 can hold.
    let deep = reports(128, || net(60, 128, &Uniform::new(0.0, 1.0), &Zeros, Relu));
    assert_fault!(&deep, Fault::NonFinite { .. });
    assert_fault!(&deep, Fault::ExplodingActivations { .. });
}

#[test]
fn the_default_at_depth_30_vanishes() {
    let default = KaimingUniform::torch_default();
    let build = || net(30, 64, &default, &fanin_nn::init::FanInUniform, Relu);
    let reports = reports(64, build);
    // √(1/6) a layer.
    assert_fault!(&reports, Fault::VanishingActivations { per_layer, total, .. }
        if (0.3..0.6).contains(per_layer) && *total < 1e-7);
    assert_fault!(&reports, Fault::VanishingGradients { per_layer, .. }
        if (0.3..0.5).contains(per_layer));
    assert!(reports[0].verdicts[0].advice.contains("the default and meant for shallow networks"));
}

/// The output layer has no activation, and the advice is for the ten layers that have one.
#[test]
fn the_default_at_depth_10_is_advised_to_take_kaiming() {
    let default = KaimingUniform::torch_default();
    for report in reports(64, || net(10, 64, &default, &fanin_nn::init::FanInUniform, Relu)) {
        let first = &report.verdicts[0];
        assert!(matches!(first.fault, Fault::VanishingActivations { .. }), "{report}");
        let advice = first.advice.split(": ").last().unwrap();
        assert!(advice.starts_with("KaimingNormal::default()"), "{report}");
    }
}

#[test]
fn labels_of_few_classes_look_sorted() {
    let report = |labels: Vec<usize>| {
        manual_seed(1);
        let model = net(1, 32, &KaimingNormal::default(), &Zeros, Relu);
        InitReport::with_labels(&model, &batch(labels.len(), 32, 1), &labels)
    };
    let few = |report: &InitReport| match report.verdicts.first().map(|verdict| &verdict.fault) {
        Some(Fault::FewClasses { found, classes }) => Some((*found, *classes)),
        _ => None,
    };
    let sorted = report((0..64).map(|i| i / 40).collect());
    assert_eq!(few(&sorted), Some((2, 10)), "{sorted}");
    assert!(sorted.verdicts[0].advice.contains("train_test_split"), "{sorted}");
    assert_eq!(few(&report((0..64).map(|i| 3 + i % 5).collect())), Some((5, 10)));
    // These are rare classes.
    assert_healthy(&[report((0..64).map(|i| 2 * (i % 5)).collect())]);
    assert_healthy(&[report((0..64).map(|i| i % 6).collect())]);
    // Of so few samples, classes are missing by chance.
    assert_healthy(&[report(vec![3; 29])]);
}

#[test]
fn xavier_with_relu_at_depth_30_vanishes() {
    let reports = reports(64, || net(30, 64, &XavierNormal::default(), &Zeros, Relu));
    // √(1/2) a layer.
    assert_fault!(&reports, Fault::VanishingActivations { per_layer, .. }
        if (0.55..0.8).contains(per_layer));
    assert_fault!(&reports, Fault::VanishingGradients { per_layer, .. }
        if (0.6..0.8).contains(per_layer));
    assert!(reports[0].verdicts[0].advice.contains("KaimingNormal::default()"));
}

#[test]
fn sigmoids_with_large_weights_are_saturated() {
    let reports = reports(256, || net(2, 256, &Normal::new(0.0, 1.0), &Zeros, Sigmoid));
    assert_fault!(&reports, Fault::Saturated { layers, share } if layers.len() == 2 && *share > 0.5);
}

#[test]
fn biases_of_minus_10_kill_relu_and_gelu() {
    let kaiming = KaimingNormal::default();
    for report in reports(32, || net(3, 32, &kaiming, &Constant(-10.0), Relu)) {
        let [verdict] = &report.verdicts[..] else { panic!("{report}") };
        assert!(matches!(&verdict.fault, Fault::Dead { share: 1.0, layers } if layers.len() == 3));
        assert!(verdict.advice.contains("the biases, of mean -10"), "{report}");
    }
    let gelu = reports(32, || net(1, 32, &kaiming, &Constant(-10.0), Gelu));
    assert_fault!(&gelu, Fault::Dead { share, .. } if *share > 0.9);
}

#[test]
fn sigmoids_are_too_flat_for_depth() {
    let reports = reports(64, || net(10, 64, &XavierNormal::default(), &Zeros, Sigmoid));
    // rms stays at 1/2: it is the difference of samples that is lost, by 1/4 a layer.
    assert_fault!(&reports, Fault::VanishingActivations { per_layer, .. }
        if (0.15..0.3).contains(per_layer));
    assert!(reports[0].layers[9].output.rms() > 0.4);
}

#[test]
fn large_weights_make_a_shallow_net_overconfident() {
    let law = Uniform::new(-1.0, 1.0);
    let reports = reports(128, || net(1, 128, &law, &Zeros, Relu));
    let labelled: Vec<_> = reports.into_iter().filter(|r| r.chance.is_some()).collect();
    assert_eq!(labelled.len(), SEEDS.len());
    assert_fault!(&labelled, Fault::Overconfident { loss, chance }
        if *loss > 15.0 && *chance == 10f64.ln());
}

/// The advice of each verdict.
fn advice(model: &Sequential, x: &Tensor) -> Vec<String> {
    InitReport::new(model, x).verdicts.into_iter().map(|v| v.advice).collect()
}

#[test]
fn advice_names_the_layer_that_does_it_alone() {
    for seed in SEEDS {
        manual_seed(seed);
        for std in [1e-6, 100.0] {
            let mut model = net(8, 64, &KaimingNormal::default(), &Zeros, Relu);
            model.init(&InitPlan::new().set("8.weight", Normal::new(0.0, std)).keyed(1)).unwrap();
            let advice = advice(&model, &batch(64, 64, 1));
            assert_eq!(advice.len(), 2, "of activations and gradients");
            for advice in advice {
                assert!(
                    advice.starts_with("the weights of layer 8 have std·√fan_in = 8"),
                    "{advice}"
                );
            }
        }
    }
}

#[test]
fn advice_does_not_blame_weights_for_what_biases_do() {
    for seed in SEEDS {
        manual_seed(seed);
        let x = batch(64, 64, 1);
        for advice in advice(&net(2, 64, &XavierNormal::default(), &Constant(5.0), Tanh), &x) {
            assert!(advice.contains("biases") && advice.contains("start them at 0"), "{advice}");
        }
        let wide = Normal::new(0.0, 20.0);
        let scattered = advice(&net(2, 64, &XavierNormal::default(), &wide, Tanh), &x);
        assert!(scattered[0].starts_with("the biases, of rms"), "{scattered:?}");
    }
}

#[test]
fn advice_for_sines() {
    manual_seed(1);
    let x = batch(64, 64, 1);
    for (weights, omega, drawn_for) in [
        (&FanInUniform as &dyn Initializer, 30.0, "2.5"),
        (&Siren::new(Position::Hidden), 1.0, "30"),
    ] {
        let advice = advice(&net(6, 64, weights, &Zeros, Sine(omega)), &x);
        let siren = format!(
            "omega0({omega}) keeps the signal of Sine({omega}), and these weights are those"
        );
        assert!(advice[0].contains(&format!("{siren} for about ω = {drawn_for}")), "{advice:?}");
    }
}

#[test]
fn advice_on_weights_that_are_not_centred() {
    for seed in SEEDS {
        manual_seed(seed);
        let x = batch(64, 64, 1);
        for model in [
            net(2, 64, &Uniform::new(0.0, 1.0), &Zeros, Sigmoid),
            net(2, 64, &Uniform::new(-1.0, 0.0), &Zeros, Relu),
            net(4, 64, &Uniform::new(0.0, 1.0), &Zeros, Relu),
        ] {
            let advice = advice(&model, &x);
            assert!(advice[0].contains("draw them with mean 0"), "{advice:?}");
        }
    }
}

#[test]
fn advice_on_data_as_they_come() {
    for seed in SEEDS {
        manual_seed(seed);
        let x = Tensor::from_vec([64, 64], (0..64 * 64).map(|i| (i * 7 % 256) as f32).collect());
        let tanh = net(2, 64, &XavierNormal::default(), &Zeros, Tanh);
        assert!(
            advice(&tanh, &x)[0].starts_with("the input has mean 12"),
            "{:?}",
            advice(&tanh, &x)
        );
        let relu = net(2, 64, &KaimingNormal::default(), &Zeros, Relu);
        let labels: Vec<usize> = (0..64).map(|i| i % 10).collect();
        let report = InitReport::with_labels(&relu, &x, &labels);
        assert!(report.verdicts[0].advice.starts_with("the input has mean 12"), "{report}");
    }
}

#[test]
fn advice_does_not_offer_what_is_there() {
    for seed in SEEDS {
        manual_seed(seed);
        let branch = || {
            let layer = Linear::builder(64, 64).weight(KaimingNormal::default()).build();
            Sequential::new().add(layer).add(Relu)
        };
        let model = (0..50)
            .fold(Sequential::new(), |net, _| net.add(fanin_nn::layers::Residual::new(branch())));
        let advice = advice(&model.add(Linear::new(64, 10)), &batch(64, 64, 1));
        assert!(advice[0].contains("Residual::scaled"), "{advice:?}");
    }
}

#[test]
fn a_weight_of_nan_is_found() {
    let mut model = net(2, 8, &KaimingNormal::default(), &Zeros, Relu);
    let mut params = 0;
    model.visit_params_mut(&mut |_, p| {
        if params == 2 {
            p.value_mut().as_mut_slice()[5] = f32::NAN;
        }
        params += 1;
    });
    let report = InitReport::new(&model, &batch(16, 8, 1));
    assert!(matches!(report.verdicts[0].fault, Fault::NonFinite { .. }), "{report}");
    assert!(report.verdicts[0].finding.starts_with("a weight or bias"), "{report}");
}

/// In the chaotic phase tanh bounds the activations, and gradients grow (Poole et al. 2016).
#[test]
fn a_chaotic_network_has_exploding_gradients() {
    let chaotic = |width: usize| {
        manual_seed(1);
        net(60, width, &Normal::new(0.0, 2.0 / (width as f64).sqrt()), &Zeros, Tanh)
    };
    let report = InitReport::new(&chaotic(64), &batch(64, 64, 1));
    let exploding = |v: &Verdict| matches!(v.fault, Fault::ExplodingGradients { per_layer, .. } if per_layer > 1.05);
    assert!(report.verdicts.iter().any(exploding), "{report}");
}

#[test]
fn kaiming_at_depth_30_is_healthy() {
    assert_healthy(&reports(64, || net(30, 64, &KaimingNormal::default(), &Zeros, Relu)));
    assert_healthy(&reports(128, || net(30, 128, &KaimingNormal::default(), &Zeros, Relu)));
    let leaky = KaimingNormal::default().gain(fanin_nn::init::Nonlinearity::LeakyRelu(0.1));
    assert_healthy(&reports(64, || net(30, 64, &leaky, &Zeros, LeakyRelu(0.1))));
}

#[test]
fn orthogonal_tanh_at_depth_100_is_healthy() {
    let reports = reports(64, || net(100, 64, &Orthogonal::default(), &Zeros, Tanh));
    assert_healthy(&reports);
    // It shrinks all the same, as 1/√depth.
    let last = &reports[0].layers[99];
    assert!((0.03..0.2).contains(&last.output.rms()), "{reports:?}");
    // And with a scale that is only a little smaller it does so exponentially.
    let law = Orthogonal::default().gain(0.9);
    let sick = self::reports(64, || net(100, 64, &law, &Zeros, Tanh));
    assert_fault!(&sick, Fault::VanishingActivations { .. });
}

#[test]
fn shallow_defaults_are_healthy() {
    for seed in SEEDS {
        manual_seed(seed);
        let relu = Sequential::new().add(Linear::new(784, 128)).add(Relu).add(Linear::new(128, 10));
        let tanh = Sequential::new().add(Linear::new(784, 128)).add(Tanh).add(Linear::new(128, 10));
        let sigmoid =
            Sequential::new().add(Linear::new(784, 30)).add(Sigmoid).add(Linear::new(30, 10));
        for model in [relu, tanh, sigmoid, Sequential::new().add(Linear::new(784, 10))] {
            assert_healthy(&[InitReport::new(&model, &batch(64, 784, seed))]);
        }
    }
}

/// `x + W₂·relu(W₁·x)`
#[derive(Clone, Parameters)]
struct Residual(Linear, Linear);

impl Module for Residual {
    fn forward<'t>(&self, x: Var<'t>) -> Var<'t> {
        x + self.1.forward(self.0.forward(x).relu())
    }
}

#[test]
fn zeros_on_purpose_are_healthy() {
    for seed in SEEDS {
        manual_seed(seed);
        // Branches that start at 0 (Fixup, ReZero), and an output layer that does.
        let zero = |n, m| Linear::builder(n, m).weight(Zeros).bias(Zeros).build();
        let model = (0..50)
            .fold(Sequential::new(), |net, _| net.add(Residual(Linear::new(32, 32), zero(32, 32))))
            .add(zero(32, 10));
        assert_healthy(&[InitReport::new(&model, &batch(64, 32, seed))]);
        assert_healthy(&[InitReport::new(&zero(32, 10), &batch(64, 32, seed))]);
    }
}

#[test]
fn theory_agrees_with_what_is_measured() {
    let laws: [&dyn Initializer; 3] =
        [&KaimingNormal::default(), &KaimingUniform::torch_default(), &Uniform::new(0.0, 0.1)];
    for law in laws {
        for report in reports(256, || net(3, 256, law, &Constant(0.05), Relu)) {
            for layer in &report.layers[..3] {
                let off = layer.growth / layer.predicted_growth;
                assert!((0.85..1.15).contains(&off), "{report}");
            }
            for layer in &report.layers[..2] {
                let off = layer.gradient_growth.unwrap() / layer.predicted_gradient_growth.unwrap();
                assert!((0.8..1.25).contains(&off), "{report}");
            }
            assert!(report.layers[3].gradient_growth.is_none());
        }
    }
    for report in reports(256, || net(3, 256, &Normal::new(0.0, 0.1), &Zeros, Tanh)) {
        for layer in &report.layers[..2] {
            let off = layer.gradient_growth.unwrap() / layer.predicted_gradient_growth.unwrap();
            assert!((0.9..1.1).contains(&off), "{report}");
        }
    }
}

#[test]
fn growth_is_what_the_formula_says() {
    // σ_w² = 2/n, b = 0: E[relu(z)²] = q/2·2 = q.
    let model = net(1, 512, &KaimingNormal::default(), &Zeros, Relu);
    let layer = &InitReport::new(&model, &batch(256, 512, 3)).layers[0];
    assert!(
        (layer.predicted_growth / (512f64.sqrt() * layer.weight.std / 2f64.sqrt()) - 1.0).abs()
            < 1e-3
    );
    let model = net(1, 512, &KaimingNormal::default(), &Constant(1.0), Relu);
    let layer = &InitReport::new(&model, &batch(256, 512, 3)).layers[0];
    assert!((layer.predicted_growth - layer.growth).abs() < 0.05, "{layer:?}");
}

#[test]
fn singular_values_of_an_orthogonal_weight_are_its_gain() {
    let model = Sequential::new()
        .add(Linear::builder(40, 20).weight(Orthogonal::default().gain(1.5)).build());
    let [low, high] = InitReport::new(&model, &batch(16, 40, 1)).layers[0].singular.unwrap();
    assert!((low - 1.5).abs() < 1e-5 && (high - 1.5).abs() < 1e-5);
}

#[test]
fn reports_go_through_json() {
    let models = [
        net(2, 16, &KaimingNormal::default(), &Zeros, Relu),
        net(30, 64, &KaimingUniform::torch_default(), &Zeros, Relu),
    ];
    for model in models {
        let width = model.layers().len().min(17) - 1;
        let x = batch(32, if width == 4 { 16 } else { 64 }, 1);
        let report = InitReport::new(&model, &x);
        let text = serde_json::to_string(&report).unwrap();
        let back: InitReport = serde_json::from_str(&text).unwrap();
        assert_eq!(back.to_string(), report.to_string());
    }
    let overflow = net(60, 64, &Ones, &Zeros, Relu);
    let report = InitReport::new(&overflow, &batch(8, 64, 1));
    let text = serde_json::to_string(&report).unwrap();
    let back: InitReport = serde_json::from_str(&text).unwrap();
    assert_eq!(back.verdicts, report.verdicts);
}

#[test]
fn the_table_fits_100_columns() {
    let sick = net(30, 64, &KaimingUniform::torch_default(), &Zeros, LeakyRelu(0.015625));
    let large = net(3, 64, &Uniform::new(-1e6, 1e6), &Constant(-1e-9), Relu);
    for report in
        [InitReport::new(&sick, &batch(16, 64, 1)), InitReport::new(&large, &batch(16, 64, 1))]
    {
        let text = report.to_string();
        for line in text.lines() {
            assert!(line.chars().count() <= 100, "{}: {line}", line.chars().count());
        }
        assert!(text.contains("✗ ") && text.contains("64→10"), "{text}");
    }
}

#[test]
fn the_picture_is_well_formed_and_has_every_layer() {
    struct Odd(Param);
    impl Describe for Odd {}
    impl Parameters for Odd {
        fn visit<'m>(&'m self, path: &ParamPath<'_>, visitor: &mut dyn Visitor<'m>) {
            visitor.param(&path.name("<&\">"), &self.0);
        }
    }
    impl Module for Odd {
        fn forward<'t>(&self, x: Var<'t>) -> Var<'t> {
            x.linear(x.tape().param(&self.0), None)
        }
    }
    let svg = InitReport::new(&Odd(Param::new(batch(4, 4, 1))), &batch(8, 4, 2)).to_svg();
    assert!(svg.contains("&lt;&amp;&quot;&gt;") && !svg.contains("<&"));
    let deep = net(30, 32, &KaimingUniform::torch_default(), &Zeros, Relu);
    let svg = InitReport::new(&deep, &batch(16, 32, 1)).to_svg();
    assert_eq!(svg.matches("<circle").count(), 3 * 31);
    assert_eq!(svg.matches("<polyline").count(), 3);
    assert!(!svg.contains("NaN") && !svg.contains("inf") && svg.contains("prefers-color-scheme"));
    for tag in ["svg", "text", "style", "title", "circle"] {
        let open =
            svg.matches(&format!("<{tag} ")).count() + svg.matches(&format!("<{tag}>")).count();
        assert_eq!(open, svg.matches(&format!("</{tag}>")).count(), "{tag}");
    }
}

#[test]
fn one_sample_is_enough() {
    manual_seed(1);
    assert_healthy(&[InitReport::new(
        &net(2, 64, &KaimingNormal::default(), &Zeros, Relu),
        &batch(1, 64, 1),
    )]);
}

#[test]
fn one_output_of_two_samples_may_be_alike_by_chance() {
    for seed in 0..200 {
        manual_seed(seed);
        let hidden = Sequential::new().add(Linear::new(8, 32)).add(Relu).add(Linear::new(32, 32));
        let model = hidden.add(Relu).add(Linear::new(32, 1));
        for samples in [1, 2] {
            assert_healthy(&[InitReport::new(&model, &batch(samples, 8, 1000 + seed))]);
        }
    }
}

#[test]
fn nothing_but_the_tape_is_touched() {
    manual_seed(9);
    let model = net(2, 8, &KaimingNormal::default(), &Zeros, Relu);
    let before: Vec<f32> =
        model.named_params().iter().flat_map(|(_, p)| p.value().as_slice().to_vec()).collect();
    let draw = || fanin_nn::init::default_rng().random::<u64>();
    manual_seed(5);
    let expected = draw();
    manual_seed(5);
    InitReport::new(&model, &batch(4, 8, 1));
    Probe::new(&model, &batch(4, 8, 1));
    assert_eq!(draw(), expected);
    let after: Vec<f32> =
        model.named_params().iter().flat_map(|(_, p)| p.value().as_slice().to_vec()).collect();
    assert_eq!(before, after);
}

#[test]
#[should_panic(expected = "the batch 0×8 is empty; give it some samples")]
fn an_empty_batch_is_refused() {
    InitReport::new(&Linear::new(8, 2), &Tensor::zeros([0, 8]));
}

#[test]
#[should_panic(expected = "element 5 of the batch 2×4 is NaN; clean the data first")]
fn a_batch_with_nan_is_refused() {
    let mut x = Tensor::ones([2, 4]);
    x.as_mut_slice()[5] = f32::NAN;
    InitReport::new(&Linear::new(4, 2), &x);
}

#[test]
#[should_panic(expected = "does not fit layer 0")]
fn a_batch_that_does_not_fit_is_refused() {
    InitReport::new(&net(1, 8, &KaimingNormal::default(), &Zeros, Relu), &batch(2, 7, 1));
}

#[test]
#[should_panic(expected = "is no matrix")]
fn a_vector_has_no_singular_values() {
    singular_values(&Tensor::<f32>::ones(3));
}

#[test]
fn a_gradient_that_does_not_arrive_has_no_growth() {
    let dead = Linear::builder(8, 8).bias(Constant(-1000.0)).build();
    let model = Sequential::new()
        .add(Linear::new(8, 8))
        .add(Relu)
        .add(dead)
        .add(Relu)
        .add(Linear::new(8, 4));
    let layers = InitReport::new(&model, &batch(16, 8, 1)).layers;
    assert_eq!((layers[0].gradient_growth, layers[1].gradient_growth), (None, Some(0.0)));
}

#[test]
fn the_picture_has_a_name_and_defines_its_colours() {
    let model = net(2, 16, &KaimingNormal::default(), &Zeros, Relu);
    let svg = InitReport::new(&model, &batch(8, 16, 1)).to_svg();
    assert!(svg.contains("role=\"img\" aria-label=\"activations and gradients by layer\">"));
    let used: Vec<&str> =
        svg.split("var(").skip(1).map(|rest| rest.split(')').next().unwrap()).collect();
    assert!(used.len() > 4);
    for name in used {
        // Once for light pictures and once for dark ones.
        assert_eq!(svg.matches(&format!(" {name}: #")).count(), 2, "{name}");
    }
}
