//! The learning-rate finder leaves no trace.

use fanin_nn::init::{manual_seed, with_default_rng};
use fanin_nn::losses::CrossEntropy;
use fanin_nn::{Adam, Optimizer};
use fanin_train::{LrFinder, Trainer};

use crate::{classes, network, values};

#[test]
fn model_optimizer_and_generator_are_as_before() {
    let data = classes(64);
    let train = |look: bool| {
        let mut model = network();
        manual_seed(4);
        let mut trainer = Trainer::new(CrossEntropy::new(), Adam::new(0.02)).epochs(2).silent();
        trainer.fit_all(&mut model, &data).unwrap();
        if look {
            let (before, generator) = (values(&model), with_default_rng(|rng| rng.clone()));
            let state = Optimizer::<f32>::state(trainer.optimizer());
            let curve =
                LrFinder::new().range(1e-6, 100.0).steps(50).find(&mut trainer, &mut model, &data);
            let curve = curve.unwrap();
            assert_eq!(values(&model), before);
            assert!(with_default_rng(|rng| *rng == generator));
            assert_eq!(Optimizer::<f32>::state(trainer.optimizer()), state);
            assert!(curve.rates.len() > 20 && curve.losses.len() == curve.rates.len());
            let factor = curve.rates[1] / curve.rates[0];
            let steady =
                curve.rates.windows(2).all(|pair| (pair[1] / pair[0] / factor - 1.0).abs() < 1e-9);
            assert!(steady && (curve.rates[0] - 1e-6).abs() < 1e-18, "{:?}", curve.rates);
            assert!(curve.losses.iter().all(|loss| loss.is_finite()));
        }
        trainer.fit_all(&mut model, &data).unwrap();
        values(&model)
    };
    assert_eq!(train(true), train(false), "training goes on to the bit");
}

#[test]
fn the_suggestion_trains() {
    let data = classes(64);
    let mut model = network();
    let mut trainer = Trainer::new(CrossEntropy::new(), Adam::new(1e-9)).epochs(20).silent();
    let rate = LrFinder::new().find(&mut trainer, &mut model, &data).unwrap().suggestion().unwrap();
    assert!((1e-4..1.0).contains(&rate), "{rate}");
    Optimizer::<f32>::set_lr(trainer.optimizer_mut(), rate);
    let history = trainer.fit_all(&mut model, &data).unwrap();
    assert!(history.epochs[19].loss < 0.7 * history.epochs[0].loss, "{history}");
}

#[test]
fn ranges_that_make_no_sense() {
    let data = classes(64);
    let mut trainer = Trainer::new(CrossEntropy::new(), Adam::new(0.1)).silent();
    let mut error = |finder: LrFinder| {
        finder.find(&mut trainer, &mut network(), &data).unwrap_err().to_string()
    };
    assert!(error(LrFinder::new().range(0.0, 1.0)).starts_with("range(0, 1): give two positive"));
    assert!(error(LrFinder::new().range(1.0, 0.1)).starts_with("range(1, 0.1)"));
    assert!(error(LrFinder::new().range(0.1, f64::NAN)).starts_with("range(0.1, NaN)"));
    assert!(error(LrFinder::new().steps(3)).starts_with("steps(3): give at least 10"));
}
