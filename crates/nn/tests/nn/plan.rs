//! What a plan changes, and what it leaves alone.

use std::panic::{AssertUnwindSafe, catch_unwind};

use fanin_nn::init::*;
use fanin_nn::layers::{FixupBranch, LayerNorm, Relu, Residual, Tanh};
use fanin_nn::*;

/// The seed of `golden/keyed.py`.
const SEED: u64 = 20_260_101;

fn net() -> Sequential {
    Sequential::new()
        .add(Linear::new(30, 40))
        .add(Relu)
        .add(Linear::new(40, 20))
        .add(Relu)
        .add(Linear::new(20, 5))
}

fn plan() -> InitPlan {
    InitPlan::new().weights(KaimingNormal::default()).biases(Uniform::new(-0.5, 0.25))
}

/// Every parameter's path and bits.
fn bits(model: &impl Module) -> Vec<(String, Vec<u32>)> {
    let bits = |p: &Param| p.value().as_slice().iter().map(|x| x.to_bits()).collect();
    model.named_params().into_iter().map(|(path, p)| (path, bits(p))).collect()
}

fn drawn(mut model: impl Module, plan: &InitPlan) -> Vec<(String, Vec<u32>)> {
    model.init(plan).unwrap();
    bits(&model)
}

/// FNV-1a of all bytes.
fn hash(words: &[u32]) -> u64 {
    words.iter().flat_map(|word| word.to_le_bytes()).fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[test]
fn keyed_draws_are_what_torch_makes_of_these_generators() {
    let golden = [
        ("0.weight", 0xefc58f48f730fc79, [0x3e926ddf, 0xbe85afa3]),
        ("0.bias", 0x26b6848680d2f6f3, [0xbedd2cb4, 0xbe4758c3]),
        ("2.weight", 0x9e9767ffd3277f1d, [0x3c985336, 0xbd26021c]),
        ("2.bias", 0x6d4cb58ac1c0b42d, [0x3dc2caec, 0x3e28b971]),
        ("4.weight", 0xf7584ce854f31d7c, [0xbda2a133, 0x3de12b38]),
        ("4.bias", 0x168dffbad59b2054, [0xbeb0fe39, 0xbe399f78]),
    ];
    let drawn = drawn(net(), &plan().keyed(SEED));
    assert_eq!(drawn.len(), golden.len());
    for ((path, words), (name, fnv, head)) in drawn.iter().zip(golden) {
        assert_eq!((&**path, &words[..2]), (name, &head[..]));
        assert_eq!(hash(words), fnv, "{path}: beyond the first values");
    }
}

#[test]
fn keyed_parameters_do_not_see_each_other() {
    let before = drawn(net(), &plan().keyed(3));

    // Another law for one layer, which draws another number of numbers.
    let other = drawn(net(), &plan().set("0.weight", Orthogonal::default()).keyed(3));
    assert_ne!(other[0], before[0]);
    assert_eq!(other[1..], before[1..]);

    // A layer at the end.
    let longer = drawn(net().add(Relu).add(Linear::new(5, 3)), &plan().keyed(3));
    assert_eq!(longer[..6], before);
    assert_eq!(longer.len(), 8);

    // Another seed, and not keyed, change everything.
    let seeded = drawn(net(), &plan().keyed(4));
    assert!(seeded.iter().zip(&before).all(|(a, b)| a.0 == b.0 && a.1 != b.1));
}

#[test]
fn a_named_layer_in_the_midst_leaves_the_others_as_they_were() {
    #[derive(Parameters)]
    struct Two {
        first: Linear,
        head: Linear,
    }
    impl Module for Two {
        fn forward<'t>(&self, x: Var<'t>) -> Var<'t> {
            self.head.forward(self.first.forward(x).tanh())
        }
    }
    #[derive(Parameters)]
    struct Three {
        first: Linear,
        middle: Linear,
        head: Linear,
    }
    impl Module for Three {
        fn forward<'t>(&self, x: Var<'t>) -> Var<'t> {
            self.head.forward(self.middle.forward(self.first.forward(x).tanh()).tanh())
        }
    }
    let (first, head) = (Linear::new(7, 6), Linear::new(6, 2));
    let two = drawn(Two { first: first.clone(), head: head.clone() }, &plan().keyed(9));
    let three = drawn(Three { first, middle: Linear::new(6, 6), head }, &plan().keyed(9));
    assert_eq!([&two[..2], &two[2..]], [&three[..2], &three[4..]]);
    assert_eq!(three[2].0, "middle.weight");
}

#[test]
fn without_keys_it_draws_as_the_builders_do() {
    manual_seed(11);
    let built = bits(&net());
    let after = rand::RngCore::next_u32(&mut default_rng());

    let mut model = net();
    let torch = InitPlan::new().weights(KaimingUniform::torch_default()).biases(FanInUniform);
    manual_seed(11);
    model.init(&torch).unwrap();
    assert_eq!(bits(&model), built);
    assert_eq!(rand::RngCore::next_u32(&mut default_rng()), after);

    let mut model = net();
    model.init_with(&torch, &mut TorchRng::seed(11)).unwrap();
    assert_eq!(bits(&model), built);
}

#[test]
fn later_entries_win_and_the_rest_keeps_its_values() {
    let mut model = net();
    let before = bits(&model);
    let plan = InitPlan::new()
        .set("*.bias", Constant(1.0))
        .set("?.b*", Constant(2.0))
        .set("2.weight", Constant(3.0))
        .set("4.bias", Constant(4.0));
    model.init(&plan).unwrap();
    let of = |i: usize| model.named_params()[i].1.value().as_slice().to_vec();
    assert_eq!([of(1), of(3), of(5)], [vec![2.0; 40], vec![2.0; 20], vec![4.0; 5]]);
    assert_eq!(of(2), [3.0; 800]);
    let now = bits(&model);
    assert_eq!([&now[0], &now[4]], [&before[0], &before[4]]);

    // The other way round the rule hides its exceptions.
    model.init(&InitPlan::new().set("4.bias", Constant(4.0)).biases(Constant(5.0))).unwrap();
    assert_eq!(model.named_params()[5].1.value().as_slice(), [5.0; 5]);
}

#[test]
fn laws_know_the_path_and_the_fans() {
    let mut model = net();
    let law = from_fn(|param, _, mut values| {
        assert!(["0.weight", "2.weight", "4.weight"].contains(&&*param.name), "{}", param.name);
        values.fill(param.fan_in as f32);
    });
    model.init(&InitPlan::new().weights(law)).unwrap();
    assert_eq!(model.named_params()[4].1.value().as_slice()[0], 20.0);
    assert_eq!(model.named_params()[4].1.spec().name, "weight", "what the layer stated stays");
}

#[test]
fn element_types_draw_the_same_numbers() {
    let mut single = Linear::new(30, 40);
    let mut double: Linear<f64> = single.cast();
    single.init(&plan().keyed(1)).unwrap();
    double.init(&plan().keyed(1)).unwrap();
    assert_eq!(single.weight().cast::<f64>(), *double.weight());
}

#[test]
fn frozen_parameters_keep_their_values_unless_named_in_full() {
    let mut model = net();
    model.set_trainable("0*", false);
    let before = bits(&model);
    model.init(&InitPlan::new().weights(Constant(1.0)).set("*bias", Constant(1.0))).unwrap();
    assert_eq!(bits(&model)[..2], before[..2]);
    assert_eq!(model.named_params()[2].1.value().as_slice(), [1.0; 800]);

    let error = model.init(&InitPlan::new().set("0.*", Zeros)).unwrap_err().to_string();
    assert!(error.starts_with("every parameter that matches `0.*` is frozen"), "{error}");

    model.init(&InitPlan::new().set("0.bias", Constant(7.0))).unwrap();
    let params = model.named_params();
    assert_eq!(params[1].1.value().as_slice(), [7.0; 40]);
    assert!(!params[1].1.is_trainable());
}

#[test]
fn nothing_changes_on_an_error() {
    let mut model = net();
    let before = bits(&model);
    manual_seed(5);
    let refused =
        |plan: InitPlan, model: &mut Sequential| model.init(&plan).unwrap_err().to_string();

    let error = refused(plan().set("4.wieght", Zeros), &mut model);
    assert_eq!(
        error,
        "no parameter matches `4.wieght`; the nearest are `4.weight`, `0.weight`, `2.weight`"
    );
    let error = refused(plan().set("5.*", Zeros), &mut model);
    assert!(error.starts_with("no parameter matches `5.*`; the nearest are"), "{error}");
    let error = refused(plan().set("2.bias", Orthogonal::default()), &mut model);
    assert_eq!(error, "`2.bias`: Orthogonal: `2.bias` of shape [20] needs at least two dimensions");

    assert_eq!(bits(&model), before);
    assert_eq!(rand::RngCore::next_u32(&mut default_rng()), {
        manual_seed(5);
        rand::RngCore::next_u32(&mut default_rng())
    });

    // Nor when a law of one's own panics at the last parameter.
    let broken = from_fn(|_, _, _| panic!("broken"));
    let plan = plan().set("4.bias", broken);
    assert!(catch_unwind(AssertUnwindSafe(|| model.init(&plan))).is_err());
    assert_eq!(bits(&model), before);
}

#[test]
fn kinds_may_be_absent_and_names_may_not() {
    let mut bare = Linear::builder(3, 2).no_bias().build();
    bare.init(&plan()).unwrap();
    assert!(bare.init(&InitPlan::new().set("bias", Zeros)).is_err());

    let error = Parameters::<f32>::init(&mut Tanh, &InitPlan::new().set("*", Zeros)).unwrap_err();
    assert_eq!(error.to_string(), "no parameter matches `*`: the model has none");
}

#[test]
fn any_module_can_be_initialized_also_behind_a_pointer() {
    let mut boxed: Box<dyn Module> = Box::new(net());
    boxed.init(&plan().keyed(SEED)).unwrap();
    assert_eq!(bits(&boxed), drawn(net(), &plan().keyed(SEED)));
    let text = format!("{:?}", InitPlan::new().biases(Zeros).set("4.*", Constant(0.5)).keyed(42));
    assert_eq!(text, r#"InitPlan::new().biases(Zeros).set("4.*", Constant(0.5)).keyed(42)"#);
}

#[test]
fn named_layers_of_a_sequential_keep_their_draws() {
    let plan = InitPlan::new().weights(Normal::new(0.0, 1.0)).keyed(3);
    let short = Sequential::new()
        .add_named("first", Linear::new(6, 5))
        .add_named("last", Linear::new(5, 2));
    let long = Sequential::new()
        .add_named("first", Linear::new(6, 5))
        .add(Linear::new(5, 5))
        .add_named("last", Linear::new(5, 2));
    let weight = |params: &[(String, Vec<u32>)], name: &str| {
        params.iter().find(|(path, _)| path == name).expect("is there").1.clone()
    };
    let (short, long) = (drawn(short, &plan), drawn(long, &plan));
    for name in ["first.weight", "last.weight"] {
        assert_eq!(weight(&short, name), weight(&long, name));
    }
}

#[test]
#[should_panic(expected = "Sequential: there is a layer named \"a\" already")]
fn a_name_is_for_one_layer() {
    let _ = Sequential::new().add_named("a", Linear::new(2, 2)).add_named("a", Linear::new(2, 2));
}

#[test]
#[should_panic(expected = "Sequential: \"3\" cannot name a layer")]
fn a_number_is_no_name() {
    let _ = Sequential::new().add_named("3", Linear::new(2, 2));
}

#[test]
fn plans_survive_serde() {
    let plan = plan().set("2.*", Scheme::from(Normal::new(0.0, 0.01))).keyed(SEED);
    let text = serde_json::to_string(&plan).unwrap();
    assert_eq!(
        text,
        r#"{"initializers":[{"weights":"kaiming_normal"},{"biases":"uniform(low=-0.5, high=0.25)"},"#
            .to_owned()
            + r#"{"named":["2.*","normal(std=0.01)"]}],"seed":20260101}"#
    );
    let copy: InitPlan = serde_json::from_str(&text).unwrap();
    assert_eq!(serde_json::to_string(&copy).unwrap(), text);
    assert_eq!(drawn(net(), &copy), drawn(net(), &plan));

    let config = r#"{"laws": [{"named": ["*.weight", {"law": "he_normal"}]}]}"#;
    let short: InitPlan = serde_json::from_str(config).unwrap();
    manual_seed(1);
    let from_text = drawn(net(), &short.set("*bias", Zeros));
    manual_seed(1);
    let built = InitPlan::new().weights(VarianceScaling::new(2.0)).biases(Zeros);
    assert_eq!(from_text, drawn(net(), &built));

    let own = InitPlan::new().weights(from_fn(|_, _, _| {}));
    let error = serde_json::to_string(&own).unwrap_err().to_string();
    assert!(error.contains("is not an initializer of fanin-init"), "{error}");
    for (text, want) in [
        (r#"{"initializers":[{"weights":"kaming_normal"}]}"#, "kaiming_normal"),
        (r#"{"laws":[{"weight":"zeros"}]}"#, "unknown variant `weight`"),
        (r#"{"laws":[],"sed":1}"#, "unknown field `sed`"),
        (r#"{"laws":[{"biases":"normal(std=-1)"}]}"#, "-1"),
    ] {
        let error = serde_json::from_str::<InitPlan>(text).unwrap_err().to_string();
        assert!(error.contains(want), "{error}");
    }
}

#[test]
fn auto_gets_its_gain_before_and_after_the_layer_is_added() {
    let auto = InitPlan::new().weights(Auto::default()).keyed(1);
    let alone = |plan: &InitPlan| {
        let mut layer = Linear::builder(30, 40).weight(Auto::default()).build();
        layer.init(plan).unwrap();
        layer
    };
    let of = |model: &Sequential| model.named_params()[0].1.value().clone();

    let mut built = Sequential::new().add(Linear::new(30, 40)).add(Relu);
    built.init(&InitPlan::new().set("0.weight", Auto::default()).keyed(1)).unwrap();
    let rms = |w: &Tensor| {
        (w.as_slice().iter().map(|w| w * w).sum::<f32>() / w.len() as f32).sqrt() * 30f32.sqrt()
    };
    assert!((rms(&of(&built)) - 2f32.sqrt()).abs() < 0.05, "{}", rms(&of(&built)));

    let later = Sequential::new().add(alone(&auto)).add(Relu);
    assert!((rms(&of(&later)) - 2f32.sqrt()).abs() < 0.05, "{}", rms(&of(&later)));

    // A law that asks for nothing is not multiplied, though the builder's did.
    let normal = InitPlan::new().weights(Constant(0.5));
    let later = Sequential::new().add(alone(&normal)).add(Relu);
    assert_eq!(of(&later).as_slice(), [0.5; 1200]);
}

/// A layer of one's own that states all, some or nothing of its parameters.
#[derive(Parameters)]
struct Own {
    matrix: Param,
    scale: Param,
}

impl Module for Own {
    fn forward<'t>(&self, x: Var<'t>) -> Var<'t> {
        let t = x.tape();
        x.linear(t.param(&self.matrix), None) * t.param(&self.scale)
    }
}

#[test]
fn nothing_is_guessed_of_a_parameter_whose_layer_does_not_say() {
    let matrix = || Tensor::zeros([128, 784]);
    let own = || Own { matrix: Param::new(matrix()), scale: Param::new(Tensor::ones(128)) };
    let he = KaimingNormal::default();
    let unstated = |path: &str| {
        format!(
            "`{path}`: its kind is not stated, so nobody can tell whether the plan means it; make it \
             with Param::weight, Param::bias, Param::scale or Param::shift, or write `{path}` in full in \
             the plan"
        )
    };
    for plan in [
        InitPlan::new().weights(he),
        InitPlan::new().biases(Zeros),
        InitPlan::new().preset(presets::torch()),
        InitPlan::new().set("*", Normal::new(0.0, 1.0)),
        InitPlan::new().set("mat*", Zeros),
    ] {
        let mut model = own();
        let before = model.matrix.value().clone();
        assert_eq!(model.init(&plan).unwrap_err().to_string(), unstated("matrix"), "{plan:?}");
        assert_eq!(model.matrix.value(), &before);
    }
    // An initializer with fans is refused though the name is written in full, and says what to write.
    for initializer in [
        Box::new(he) as Box<dyn Initializer>,
        Box::new(FanInUniform),
        Box::new(XavierUniform::default()),
        Box::new(Auto::default()),
        Box::new(presets::keras().weight),
    ] {
        let error =
            own().init(&InitPlan::new().set("matrix", initializer)).unwrap_err().to_string();
        let says = "the kind and fans of `matrix` are not stated, and this initializer needs them; make \
                    it with Param::weight(value, fan_in, fan_out)";
        assert!(error.starts_with("`matrix`: ") && error.contains(says), "{error}");
    }
    // One without is not, and then a plan for all weights may stand beside it.
    let named = InitPlan::new().set("matrix", Normal::new(0.0, 0.02)).set("scale", Ones);
    own().init(&named).unwrap();
    own().init(&named.clone().weights(he)).unwrap();
    let one = InitPlan::new().weights(he).set("matrix", Zeros);
    assert_eq!(own().init(&one).unwrap_err().to_string(), unstated("scale"));
    // A frozen one keeps its value under any plan.
    let mut frozen = own();
    frozen.matrix.set_trainable(false);
    frozen.scale.set_protected(true);
    frozen.init(&InitPlan::new().weights(he)).unwrap();

    // Stated, the matrix has the fans of its layer, and the scale is left alone.
    let weight = Param::weight(matrix(), 784, 128);
    let mut stated = Own { matrix: weight, scale: Param::scale(Tensor::ones(128)) };
    stated.init(&InitPlan::new().weights(he).keyed(1)).unwrap();
    let w = stated.matrix.value().as_slice();
    let std = (w.iter().map(|w| f64::from(w * w)).sum::<f64>() / w.len() as f64).sqrt();
    assert!((std - (2.0 / 784.0f64).sqrt()).abs() < 3e-4, "{std}");
    assert_eq!(stated.scale.value().as_slice(), [1.0; 128]);
}

#[test]
fn an_unstated_parameter_trains_and_is_saved_like_any_other() {
    let new = |value: f32| Own {
        matrix: Param::new(Tensor::full([3, 2], value)),
        scale: Param::new(Tensor::full(3, value)),
    };
    let (mut model, x, mut tape) = (new(0.5), Tensor::ones([4, 2]), Tape::new());
    let (_, grads) = tape.value_and_grad(|t| model.forward(t.input(&x)).square().mean());
    Adam::new(0.1).step(&mut model, grads);
    assert_eq!(model.num_params(), 9);
    assert!(bits(&model).iter().zip(bits(&new(0.5))).all(|(a, b)| a.1[0] != b.1[0]));
    let mut loaded = new(0.0);
    loaded.load_bytes(&model.to_bytes().unwrap()).unwrap();
    assert_eq!(bits(&loaded), bits(&model));
    assert_eq!(loaded.matrix.spec().kind, ParamKind::Unstated);
    assert_eq!(model.matrix.clone().cast::<f64>().spec().kind, ParamKind::Unstated);
}

#[test]
fn constructors_state_kind_and_fans() {
    let of = |p: &Param| (p.spec().kind, p.spec().fan_in, p.spec().fan_out);
    assert_eq!(of(&Param::weight(Tensor::zeros([3, 5]), 5, 3)), (ParamKind::Weight, 5, 3));
    assert_eq!(of(&Param::bias(Tensor::zeros(3), 5)), (ParamKind::Bias, 5, 3));
    assert_eq!(of(&Param::scale(Tensor::zeros(3))), (ParamKind::Scale, 1, 3));
    assert_eq!(of(&Param::shift(Tensor::zeros(1))), (ParamKind::Shift, 1, 1));
    assert_eq!(of(&Param::new(Tensor::zeros([3, 5]))), (ParamKind::Unstated, 0, 0));
    // A layer of one's own is drawn as the library's is.
    #[derive(Parameters)]
    struct Layer {
        weight: Param,
        bias: Param,
    }
    let mut own = Layer {
        weight: Param::weight(Tensor::zeros([40, 30]), 30, 40),
        bias: Param::bias(Tensor::zeros(40), 30),
    };
    let mut linear = Linear::new(30, 40);
    for preset in presets::all() {
        let plan = InitPlan::new().preset(preset.1).keyed(3);
        own.init(&plan).unwrap();
        linear.init(&plan).unwrap();
        assert_eq!(own.weight.value(), linear.weight(), "{}", preset.0);
        assert_eq!(own.bias.value(), linear.bias(), "{}", preset.0);
    }
}

/// What a layer sets on purpose: a plan for many parameters keeps it, and its full name draws it.
#[test]
fn plans_keep_what_a_layer_set_on_purpose() {
    let build = || {
        Sequential::new()
            .add(Linear::new(6, 8))
            .add(Residual::new(FixupBranch::new(8, 12, 4, 3)))
            .add(Residual::new(Linear::new(8, 8)).rezero())
            .add(LayerNorm::new(8))
            .add(Linear::new(8, 3))
    };
    let drawn = ["0.weight", "0.bias", "2.branch.weight", "2.branch.bias", "4.weight", "4.bias"];
    for plan in [
        InitPlan::new().preset(presets::torch()),
        InitPlan::new().weights(KaimingNormal::default()).biases(Normal::new(0.0, 1.0)),
        InitPlan::new().set("*", Uniform::new(1.0, 2.0)),
    ] {
        for plan in [plan.clone(), plan.keyed(1)] {
            let mut model = build();
            let before = bits(&model);
            model.init(&plan).unwrap();
            for ((path, old), (_, new)) in before.iter().zip(bits(&model)) {
                assert_eq!(*old != new, drawn.contains(&&**path), "{path}: {plan:?}");
            }
        }
    }
    let mut model = build();
    model.init(&InitPlan::new().set("1.branch.layers.2.weight", Ones)).unwrap();
    assert_eq!(model.param("1.branch.layers.2.weight").value().as_slice()[0], 1.0);

    // Clones and casts are protected too, and the flag can be taken back.
    let copy = build().clone().cast::<f64>();
    assert!(copy.param("1.branch.layers.0.weight").is_protected());
    let mut model = build();
    model.set_protected("*.layers.*", false);
    model.init(&InitPlan::new().weights(Ones)).unwrap();
    assert_eq!(model.param("1.branch.layers.2.weight").value().as_slice()[0], 1.0);

    // A pattern that would change nothing says so.
    let error = build().init(&InitPlan::new().set("*.alpha", Zeros)).unwrap_err().to_string();
    assert_eq!(
        error,
        "`*.alpha` would change nothing: a pattern leaves `2.alpha` alone (kept, a scale or shift); \
         write the name in full"
    );
    let error = build().init(&InitPlan::new().set("*.layers.*", Zeros)).unwrap_err().to_string();
    assert!(error.contains("`1.branch.layers.0.weight` alone (kept, set on purpose)"), "{error}");
}

#[test]
fn a_report_says_what_a_plan_would_do() {
    let mut model = Sequential::new()
        .add(Linear::new(6, 8))
        .add(Residual::new(FixupBranch::new(8, 12, 4, 2)))
        .add(Linear::new(8, 3));
    model.set_trainable("2.bias", false);
    let plan = InitPlan::new().weights(KaimingNormal::default());
    let before = bits(&model);
    let report = plan.report(&model).unwrap();
    assert_eq!(bits(&model), before);
    let outcomes: Vec<_> = report.rows().iter().map(|row| row.outcome.clone()).collect();
    let he = initialize::PlanOutcome::Drawn(format!("{:?}", KaimingNormal::default()));
    use initialize::PlanOutcome::{Frozen, NotSelected, OnPurpose, ScaleOrShift};
    let scalars = [const { ScaleOrShift }; 4];
    let want = [he.clone(), NotSelected, OnPurpose, OnPurpose].into_iter().chain(scalars);
    assert_eq!(outcomes, want.chain([he, Frozen]).collect::<Vec<_>>());
    let text = report.to_string();
    assert_eq!(text.lines().count(), 11);
    assert!(text.contains("1.branch.layers.1.weight  weight     kept, set on purpose"), "{text}");
    assert!(plan.set("nothing", Zeros).report(&model).is_err());
}
