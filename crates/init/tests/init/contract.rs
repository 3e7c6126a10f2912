//! What every initializer promises. If `check` accepts a parameter, `fill` fills it with finite
//! numbers, which are the same in every memory layout. If `check` refuses it, `fill` panics with
//! the same message.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};

use fanin_init::ndarray::{Array, ArrayD, IxDyn, Slice};
use fanin_init::*;

/// Every initializer with its defaults. Some with other parameters too: those without defaults, and
/// those with other code paths.
fn initializers() -> Vec<Scheme> {
    let others = [
        "constant(0.5)",
        "sparse(0.4)",
        "log_prior([1, 2, 5])",
        "depth_scaled(branches=4)",
        "fixup(branches=4, layers=2)",
        "edge_of_chaos(sigma_w=1.5)",
        "dirac(groups=2)",
        "nguyen_widrow(bound=2)",
        "nguyen_widrow(form=logsig)",
        "identity(shift=-7)",
        "trunc_normal(0, 1, 8, 20)",
        "trunc_normal(0, 1, -0.1, 0.1)",
        "variance_scaling(mode=fan_geo_avg, distribution=uniform)",
    ];
    let defaults = Scheme::names().filter_map(|name| name.parse().ok());
    let others = others.map(|text| text.parse().unwrap());
    let initializers: Vec<Scheme> =
        defaults.chain(others).chain([RandomWalk::Linear.into()]).collect();
    for name in Scheme::names() {
        assert!(
            initializers.iter().any(|initializer| initializer.name() == name),
            "{name} is not tested"
        );
    }
    initializers
}

/// Parameters of linear layers and convolutions, with few, many and no inputs.
fn parameters() -> Vec<(ParamSpec, Vec<usize>)> {
    let weights = [
        vec![3, 5],
        vec![5, 3],
        vec![4, 4],
        vec![40, 30],
        vec![0, 3],
        vec![3, 0],
        vec![0, 0],
        vec![6, 4, 3],
        vec![4, 6, 3],
        vec![6, 4, 2, 5],
        vec![2, 2, 2, 3, 4],
        vec![6, 4, 0],
    ];
    let weights = weights.into_iter().map(|shape| (ParamSpec::for_weight_shape(&shape), shape));
    let biases = [(5, 3), (3, 5), (0, 3), (4, 0), (0, 0), (300, 20)];
    let biases = biases.into_iter().map(|(n, m)| (ParamSpec::bias(n, m), vec![m]));
    let odd = [
        (ParamSpec::weight(7, 7), vec![7]),
        (ParamSpec::weight(1, 1), vec![]),
        (ParamSpec::scale(), vec![1]),
        (ParamSpec::scale_of(6), vec![6]),
        (ParamSpec::shift_of(6), vec![6]),
        (ParamSpec::scale_of(0), vec![0]),
        (ParamSpec::embedding(8), vec![20, 8]),
        (ParamSpec::embedding(4), vec![0, 4]),
        (ParamSpec::unstated(), vec![4, 4]),
        (ParamSpec::unstated(), vec![6]),
    ];
    let all = weights.chain(biases).chain(odd);
    // Some parameters are before a known activation, one of them with a gain of 0.
    let gains = [None, Some(Nonlinearity::Tanh.gain()), Some(Gain::from(0.0))];
    all.zip(gains.into_iter().cycle())
        .map(|((mut spec, shape), gain)| {
            spec.activation = gain;
            (spec, shape)
        })
        .collect()
}

#[test]
fn every_file_of_initializers_is_in_the_list() {
    let list = include_str!("../../src/initializers.rs");
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/initializers");
    let mut files = 0;
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        let entry = format!("{}:", path.file_stem().unwrap().to_str().unwrap());
        let listed = list.lines().any(|line| line.trim_start().starts_with(&entry));
        assert!(listed, "{} is not compiled: name it in src/initializers.rs", path.display());
        files += 1;
    }
    assert!(files > 20, "{files} files");
}

#[test]
fn what_is_not_refused_is_filled_with_finite_numbers() {
    let (mut filled, mut refused) = (0, 0);
    for initializer in initializers() {
        for (spec, shape) in parameters() {
            // Values that are not written stay NaN.
            let mut values = ArrayD::from_elem(shape.clone(), f32::NAN);
            let fill = catch_unwind(AssertUnwindSafe(|| {
                initializer.fill(&spec, &mut TorchRng::seed(1), values.view_mut());
            }));
            match initializer.check(&spec, &shape) {
                Ok(()) => {
                    filled += 1;
                    assert!(fill.is_ok(), "{initializer} panics on {shape:?} of {spec:?}");
                    let finite = values.iter().all(|x| x.is_finite());
                    assert!(finite, "{initializer} on {shape:?} of {spec:?}: {values}");
                }
                Err(reason) => {
                    refused += 1;
                    let panic =
                        fill.expect_err(&format!("{initializer} fills {shape:?} of {spec:?}"));
                    let message = panic.downcast_ref::<String>().expect("a panic with a reason");
                    assert!(
                        message.contains(&reason),
                        "{initializer}: {message:?} is not {reason:?}"
                    );
                }
            }
        }
    }
    assert!(filled > 300 && refused > 100, "{filled} filled, {refused} refused");
}

#[test]
fn fill_panics_at_the_callers_line() {
    thread_local!(static PLACE: Cell<Option<(String, u32)>> = const { Cell::new(None) });
    let hook = take_hook();
    set_hook(Box::new(move |info| {
        let place = info.location().map(|at| (at.file().to_owned(), at.line()));
        PLACE.set(place);
        hook(info);
    }));
    let bias = ParamSpec::bias(0, 2);
    let fill = |initializer: &Scheme| {
        let mut values = ArrayD::zeros(vec![2]);
        let line = line!() + 1;
        let fill = || initializer.fill(&bias, &mut TorchRng::seed(1), values.view_mut());
        assert!(catch_unwind(AssertUnwindSafe(fill)).is_err(), "{initializer}");
        assert_eq!(PLACE.take(), Some((file!().to_owned(), line)), "{initializer}");
    };
    let refused: Vec<_> = initializers()
        .into_iter()
        .filter(|initializer| initializer.check(&bias, &[2]).is_err())
        .collect();
    assert!(refused.len() > 10, "{refused:?}");
    refused.iter().for_each(fill);
    // An initializer that is not behind a scheme.
    let initializer = Orthogonal::default();
    let mut values = ArrayD::zeros(vec![2]);
    let line = line!() + 1;
    let fill = || initializer.fill(&bias, &mut TorchRng::seed(1), values.view_mut());
    assert!(catch_unwind(AssertUnwindSafe(fill)).is_err());
    assert_eq!(PLACE.take().map(|(_, line)| line), Some(line));
}

#[test]
fn a_layout_changes_nothing() {
    for initializer in initializers() {
        for (spec, shape) in parameters() {
            if initializer.check(&spec, &shape).is_err() {
                continue;
            }
            let plain = initializer.draw(&spec, &shape, &mut TorchRng::seed(2));
            // Every second element of a wider array, whose axes are in the opposite order.
            let wider: Vec<usize> = shape.iter().rev().map(|size| 2 * size).collect();
            let mut wider = Array::from_elem(IxDyn(&wider), 7.0);
            let mut view = wider.view_mut().reversed_axes();
            view.slice_each_axis_inplace(|_| Slice::new(0, None, 2));
            initializer.fill(&spec, &mut TorchRng::seed(2), view.view_mut());
            assert_eq!(view, plain, "{initializer} on {shape:?}");
            let written = plain.len();
            let untouched = wider.iter().filter(|&&x| x == 7.0).count();
            assert_eq!(untouched, wider.len() - written, "{initializer} writes beside {shape:?}");
        }
    }
}

#[test]
fn the_same_seed_gives_the_same_numbers() {
    for initializer in initializers() {
        for (spec, shape) in parameters() {
            if initializer.check(&spec, &shape).is_ok() {
                let draw = || initializer.draw(&spec, &shape, &mut TorchRng::seed(3));
                assert_eq!(draw(), draw(), "{initializer} on {shape:?}");
            }
        }
    }
}

/// A parameter whose layer states neither kind nor fans is refused, or filled with what any other of its
/// shape would get: nothing is guessed.
#[test]
fn nothing_is_guessed_of_an_unstated_parameter() {
    let unstated = ParamSpec::unstated();
    let (mut filled, mut refused) = (vec![], 0);
    for initializer in initializers() {
        for shape in [vec![6], vec![4, 4], vec![12, 6], vec![6, 6, 3]] {
            if let Err(reason) = initializer.check(&unstated, &shape) {
                refused += 1;
                let needs_another_shape = [[12, 6], [6, 12]].iter().all(|fans| {
                    initializer.check(&ParamSpec::weight(fans[0], fans[1]), &shape).is_err()
                });
                let says_why = reason.contains("not stated") || reason.contains("is no bias");
                assert!(says_why || needs_another_shape, "{initializer} on {shape:?}: {reason}");
                continue;
            }
            filled.push(initializer.name());
            let draw = |spec| initializer.draw(&spec, &shape, &mut TorchRng::seed(5));
            for spec in [ParamSpec::weight(3, 5), ParamSpec::weight(700, 2)] {
                assert_eq!(draw(unstated.clone()), draw(spec.clone()), "{initializer}: {spec:?}");
            }
        }
    }
    for name in ["normal", "uniform", "zeros", "constant", "orthogonal"] {
        assert!(filled.contains(&name), "{name} needs no fans");
    }
    for name in ["kaiming_normal", "xavier_uniform", "fan_in_uniform", "auto", "siren"] {
        assert!(!filled.contains(&name), "{name} needs fans");
    }
    assert!(refused > 60, "{refused}");
}
