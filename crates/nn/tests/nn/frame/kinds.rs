//! Parameter kinds: plans, muP and the doctor treat each as what it is.

use fanin_nn::init::{KaimingNormal, Normal, ParamKind, Zeros, manual_seed, presets};
use fanin_nn::layers::{Embedding, LayerNorm, Relu, Tanh};
use fanin_nn::{InitPlan, Linear, Module, MuP, Parameters, Sequential, Var};

use super::{bits, random};

#[test]
fn plans_leave_normalizations_and_embeddings_alone() {
    let build = || Sequential::new().add(Linear::new(8, 4)).add(LayerNorm::new(4)).add(Relu);
    let mut model = build();
    model.init(&InitPlan::new().preset(presets::torch())).unwrap();
    model
        .init(&InitPlan::new().weights(KaimingNormal::default()).biases(Normal::new(0.0, 1.0)))
        .unwrap();
    model.init(&InitPlan::new().set("*", Normal::new(0.0, 1.0))).unwrap();
    assert_eq!(model.param("1.weight").value().as_slice(), [1.0; 4]);
    assert_eq!(model.param("1.bias").value().as_slice(), [0.0; 4]);
    // Named in full, they are drawn.
    model.init(&InitPlan::new().set("1.weight", Zeros)).unwrap();
    assert_eq!(model.param("1.weight").value().as_slice(), [0.0; 4]);
    assert_eq!(model.param("1.weight").spec().kind, ParamKind::Scale);
    assert_eq!(model.param("1.bias").spec().kind, ParamKind::Shift);

    let mut table = Embedding::new(10, 3);
    let before = bits(&table);
    table.init(&InitPlan::new().weights(Zeros)).unwrap();
    assert_eq!(bits(&table), before);

    // The scalar biases of Fixup's branches begin at 0, and stay.
    let branch = fanin_nn::layers::FixupBranch::new(4, 8, 2, 2);
    let mut fixup = Sequential::new().add(fanin_nn::layers::Residual::new(branch));
    fixup.init(&InitPlan::new().preset(presets::torch())).unwrap();
    assert_eq!(fixup.param("0.branch.biases.0").value().item(), 0.0);
}

#[test]
fn mup_treats_normalizations_as_vectors() {
    let net = |width| {
        let norm = LayerNorm::new(width);
        Sequential::new().add(Linear::new(8, width)).add(norm).add(Relu).add(Linear::new(width, 2))
    };
    let rates = |model: &Sequential| -> Vec<f32> {
        model.named_params().iter().map(|(_, p)| p.lr_scale()).collect()
    };
    let mut wide = net(64);
    MuP::adam(&net(16)).init(&mut wide).unwrap();
    assert_eq!(rates(&wide), [1.0, 1.0, 1.0, 1.0, 0.25, 1.0]);
    MuP::sgd(&net(16)).init(&mut wide).unwrap();
    assert_eq!(rates(&wide), [4.0, 4.0, 4.0, 4.0, 0.25, 1.0]);
    assert_eq!(wide.param("1.weight").value().as_slice(), [1.0; 64]);
}

#[test]
fn the_doctor_sees_through_a_normalization() {
    use fanin_nn::diagnose::{Fault, InitReport, Probe};
    manual_seed(1);
    let deep = |gain: f64| {
        let mut model = Sequential::new();
        for _ in 0..20 {
            let linear = Linear::builder(32, 32).weight(Normal::new(0.0, gain / 32f64.sqrt()));
            model = model.add(linear.bias(Zeros).build()).add(LayerNorm::new(32)).add(Tanh);
        }
        model.add(Linear::new(32, 3))
    };
    let x = random(&[64, 32], 5);
    let probe = Probe::new(&deep(1.0), &x);
    let layer = &probe.layers()[3];
    assert_eq!(layer.activation.as_ref().unwrap().name, "Tanh");
    assert!(layer.normalized.is_some() && layer.output() == &probe.layers()[4].input);
    // Weights 50 times too large saturate tanh, unless a normalization stands between.
    assert!(
        InitReport::new(&deep(50.0), &x).verdicts.iter().all(|v| !matches!(
            v.fault,
            Fault::Saturated { .. } | Fault::ExplodingActivations { .. }
        ))
    );
    let mut flat = Sequential::new();
    for _ in 0..3 {
        let linear = Linear::builder(32, 32).weight(Normal::new(0.0, 50.0 / 32f64.sqrt()));
        flat = flat.add(linear.bias(Zeros).build()).add(Tanh);
    }
    let report = InitReport::new(&flat, &x);
    assert!(report.verdicts.iter().any(|v| matches!(v.fault, Fault::Saturated { .. })), "{report}");
}

#[test]
fn the_doctor_names_a_parameter_that_the_model_hides() {
    use fanin_nn::diagnose::{Fault, InitReport};
    #[derive(Parameters)]
    struct Net {
        a: Linear,
        #[parameters(skip)]
        b: Linear,
    }
    impl Module for Net {
        fn forward<'t>(&self, x: Var<'t>) -> Var<'t> {
            self.b.forward(self.a.forward(x).tanh())
        }
    }
    manual_seed(1);
    let mut net = Net { a: Linear::new(8, 16), b: Linear::new(16, 3) };
    let report = InitReport::new(&net, &random(&[32, 8], 1));
    let names = ["weight 3×16".to_owned(), "bias 3".to_owned()].to_vec();
    assert_eq!(report.verdicts[0].fault, Fault::HiddenParameters { names }, "{report}");
    net.b.set_trainable("*", false);
    assert!(InitReport::new(&net, &random(&[32, 8], 1)).is_healthy());
}
