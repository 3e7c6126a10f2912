//! Deep and narrow ReLU networks that become constant functions, before training ("born dead") and
//! after training on |x|. A network is born dead if its output is the same at 65 points of [−√3,
//! √3]. It has collapsed if its outputs there span less than 0.01. A share reproduces within 5
//! points.

use fanin::prelude::*;

use crate::lab::{Lab, Outcome, Paper, mlp, sizes};

pub(crate) const PAPER: Paper = Paper {
    name: "lu2019",
    title: "Lu, Shin, Su, Karniadakis 2019, *Dying ReLU and initialization: theory and numerical \
        examples*",
    changed: "fresh points in each batch instead of 3,000 fixed ones, and 3,000 steps of 64 points \
        with Adam at 0.001; networks that are constant from the start are not trained, because \
        gradients cannot reach their weights. RAI is in all layers, the first and the last too.",
    seeds: "seeds 1 to 1,000 (of 5,000 networks: seed 1)",
    quick: true,
    run,
};

const LAYERS: usize = 10;
const END: f32 = 1.732_050_8;

fn run(lab: &Lab) -> Outcome {
    let mut outcome = Outcome::default();
    let nets = if lab.quick { 1_000 } else { 5_000 };
    let share = |width| {
        manual_seed(1);
        let dead = (0..nets).filter(|_| span(&he(width)) == 0.0);
        100.0 * dead.count() as f64 / f64::from(nets)
    };
    let [two, three, five, ten] = [2, 3, 5, 10].map(share);
    outcome.claim(
        "10 layers, He's initializer, width 2, 3, 5, 10: most networks that end as constants begin as such",
        "> 90, ≈ 60, > 10, < 1 % after training",
        format!("{two:.1}, {three:.1}, {five:.1}, {ten:.1} % before training"),
        (80.0..=95.0).contains(&two)
            && (50.0..=65.0).contains(&three)
            && (8.0..=20.0).contains(&five)
            && ten < 1.0,
    );
    if !lab.quick {
        trained(&mut outcome);
    }
    outcome
}

fn he(width: usize) -> Sequential {
    mlp(&sizes(1, width, LAYERS, 1), Relu, &KaimingNormal::default(), &Zeros)
}

/// A network with randomized asymmetric initialization in every layer.
fn rai() -> Sequential {
    let mut model = Sequential::new();
    for (i, size) in sizes(1, 2, LAYERS, 1).windows(2).enumerate() {
        // One weight or the bias of each unit is positive. Both initializers compute which one from
        // the same seed.
        let initializer = RandomizedAsymmetric::paired(fanin::init::default_rng().next_u64());
        model = if i > 0 { model.add(Relu) } else { model };
        model = model
            .add(Linear::builder(size[0], size[1]).weight(initializer).bias(initializer).build());
    }
    model
}

fn trained(outcome: &mut Outcome) {
    const NETS: u64 = 1_000;
    let mut share = |name: &str, build: &dyn Fn() -> Sequential| {
        let (mut dead, mut collapsed) = (0, 0);
        for seed in 1..=NETS {
            manual_seed(seed);
            let mut model = build();
            if span(&model) > 0.0 {
                fit(&mut model);
            } else {
                dead += 1;
            }
            collapsed += u32::from(span(&model) < 0.01);
        }
        let [dead, collapsed] = [dead, collapsed].map(|n| 100.0 * f64::from(n) / NETS as f64);
        outcome.detail(format!(
            "|x|, width 2, {name}: {dead:.1} % born dead, {collapsed:.1} % collapsed"
        ));
        collapsed
    };
    let [he, rai] = [share("He", &|| he(2)), share("RAI", &rai)];
    outcome.claim(
        "abs x, 10 layers of width 2: share that collapses, He's initializer → RAI",
        "91.9 → 29.2 %",
        format!("{he:.1} → {rai:.1} % of 1,000"),
        (he - 91.9).abs() < 5.0 && (rai - 29.2).abs() < 5.0,
    );
}

/// Trains on |x|.
fn fit(model: &mut Sequential) {
    let (mut adam, mut tape) = (Adam::new(1e-3), Tape::new());
    let points = Uniform::new(-f64::from(END), END.into());
    let spec = ParamSpec::weight(1, 1);
    let (mut x, mut y) = (Tensor::zeros([64, 1]), Tensor::zeros([64, 1]));
    for _ in 0..3_000 {
        points.fill(&spec, &mut fanin::init::default_rng(), x.view_mut());
        for (y, x) in y.as_mut_slice().iter_mut().zip(x.as_slice()) {
            *y = x.abs();
        }
        let (_, grads) = tape.value_and_grad(|t| model.forward(t.input(&x)).mse(t.input(&y)));
        adam.step(model, grads);
    }
}

/// The difference between the largest and the smallest output.
fn span(model: &Sequential) -> f32 {
    let points = (-32i8..=32).map(|i| END * f32::from(i) / 32.0).collect();
    let y = model.predict(&Tensor::from_vec([65, 1], points));
    let low = y.as_slice().iter().fold(f32::MAX, |low, &y| low.min(y));
    let high = y.as_slice().iter().fold(f32::MIN, |high, &y| high.max(y));
    high - low
}
