//! Activations described in files, and what is refused.

use fanin_nn::layers::*;
use fanin_nn::{
    Describe, Features, Linear, Module, Param, Parameters, Sequential, Tape, Tensor, Var,
};

use crate::mistakes::{on_tape, panics, two};
use crate::torch_ops::differentiate;

fn layer(json: &str) -> Result<Sequential, String> {
    let spec: NetworkSpec =
        serde_json::from_str(&format!(r#"{{"layers": [{json}]}}"#)).map_err(|e| e.to_string())?;
    Sequential::from_spec(&spec).map_err(|e| e.to_string())
}

#[test]
fn described_layers() {
    let described = [
        (r#""relu6""#, "Relu6"),
        (r#""log_sigmoid""#, "LogSigmoid"),
        (r#"{"softplus_with": [2, 10]}"#, "SoftplusWith"),
        (r#"{"hardtanh": [-2, 0.5]}"#, "Hardtanh"),
        (r#"{"alpha_dropout": 0.25}"#, "AlphaDropout(0.25)"),
        (r#"{"glu": 8}"#, "Glu(16 → 8)"),
        (r#"{"reglu": 8}"#, "Reglu(16 → 8)"),
        (r#"{"geglu": 8}"#, "Geglu(16 → 8)"),
        (r#"{"swiglu": 8}"#, "Swiglu(16 → 8)"),
        (r#"{"prelu": {}}"#, "Prelu(0.25)"),
        (r#"{"prelu": {"features": 5, "initial": 0.5}}"#, "Prelu(5 slopes)"),
        (r#"{"rrelu": [0.125, 0.5]}"#, "Rrelu(0.125, 0.5)"),
    ];
    for (json, text) in described {
        let model = layer(json).unwrap();
        assert_eq!(model.to_string(), format!("0: {text}\n"));
        // Formats that name nothing.
        let spec: LayerSpec = serde_json::from_str(json).unwrap();
        let config = bincode::config::standard();
        let bytes = bincode::serde::encode_to_vec(&spec, config).unwrap();
        let (back, _) = bincode::serde::decode_from_slice::<LayerSpec, _>(&bytes, config).unwrap();
        assert_eq!(back, spec);
        // Another element type.
        assert_eq!(model.cast::<f64>().to_string(), model.to_string());
    }
    let model =
        layer(r#"{"linear": {"inputs": 3, "outputs": 8}}, {"glu": 4}, {"prelu": {"features": 4}}"#);
    assert_eq!(model.unwrap().features(), Features::Map { input: 3, output: 4 });
}

#[test]
fn layers_that_cannot_be_described() {
    for (json, message) in [
        (r#"{"hardtanh": [1, -1]}"#, "layer 0, Hardtanh(1.0, -1.0): min must be below max"),
        (r#"{"softshrink": -0.5}"#, "layer 0, Softshrink(-0.5): lambda must be at least 0"),
        (r#"{"hardshrink": -0.5}"#, "layer 0, Hardshrink(-0.5): lambda must be at least 0"),
        (r#"{"celu": 0}"#, "layer 0, Celu(0.0): alpha must be above 0"),
        (
            r#"{"softplus_with": [0, 20]}"#,
            "layer 0, SoftplusWith(0.0, 20.0): beta must be from 1e-20 to 1e20, and the threshold a number",
        ),
        (r#"{"sine": 1e6}"#, "layer 0, Sine(1000000.0): omega must be from 1e-20 to 1e4"),
        (
            r#"{"threshold": [1e300, 0]}"#,
            "layer 0, Threshold(1e300, 0.0): the parameter must be from -1e20 to 1e20",
        ),
        (
            r#"{"rrelu": [0.5, 0.25]}"#,
            "layer 0, Rrelu(0.5, 0.25): the first slope must not be above the second",
        ),
        (
            r#"{"rrelu": [0, 1e300]}"#,
            "layer 0, Rrelu(0.0, 1e300): the parameter must be from -1e20 to 1e20",
        ),
        (
            r#"{"alpha_dropout": 1}"#,
            "layer 0, AlphaDropout(1.0): the probability must be from 0 to below 1",
        ),
        (
            r#"{"prelu": {"initial": 1e300}}"#,
            "layer 0, Prelu: the slope must be from -1e20 to 1e20",
        ),
        (
            r#"{"prelu": {"features": 1000000000}}"#,
            "layer 0, Prelu: with it the network takes 4,000,000,000 bytes, more than the limit of 1,073,741,824; \
             make it smaller, or build it with Sequential::from_spec_with_limit and a larger limit",
        ),
        (
            r#"{"glu": 18446744073709551615}"#,
            "layer 0, Glu(18446744073709551615): it takes twice as many features, which are too many",
        ),
        (
            r#"{"linear": {"inputs": 3, "outputs": 8}}, {"swiglu": 8}"#,
            "layer 1, Swiglu(8): the layers before give 8 features",
        ),
        (
            r#"{"glu": 8}, {"prelu": {"features": 4}}"#,
            "layer 1, Prelu: the layers before give 8 features",
        ),
    ] {
        assert_eq!(layer(json).unwrap_err(), message);
    }
    // The extreme parameters that are let through.
    for json in [
        r#"{"celu": 1e-20}"#,
        r#"{"celu": 1e20}"#,
        r#"{"softplus_with": [1e-20, -1e20]}"#,
        r#"{"softplus_with": [1e20, 1e20]}"#,
        r#"{"hardtanh": [-1e20, 1e20]}"#,
        r#"{"hardtanh": [0, 1e-20]}"#,
        r#"{"softshrink": 1e20}"#,
        r#"{"hardshrink": 1e20}"#,
        r#"{"threshold": [-1e20, 1e20]}"#,
        r#"{"threshold": [1e20, 1e20]}"#,
        r#"{"sine": 1e-20}"#,
        r#"{"sine": -1e4}"#,
        r#"{"rrelu": [-1e20, 1e20]}"#,
        r#"{"prelu": {"initial": -1e20}}"#,
    ] {
        let y = layer(json).unwrap().predict(&Tensor::from_vec([1, 3], vec![-1.0, 0.5, 2.0]));
        assert!(y.as_slice().iter().all(|y| !y.is_nan()), "{json}: {y}");
    }
}

// Mistakes -------------------------------------------------------------------------------------------

#[test]
fn parameters_and_shapes_that_are_refused() {
    panics("hardtanh: min must be below max; it is Hardtanh(1, -1)", || {
        on_tape(&[4], |x| x.hardtanh(1.0, -1.0));
    });
    panics("celu: alpha must be above 0; it is Celu(NaN)", || {
        on_tape(&[4], |x| x.celu(f32::NAN));
    });
    panics("softshrink: lambda must be at least 0; it is Softshrink(-1)", || {
        on_tape(&[4], |x| Softshrink(-1.0).forward(x));
    });
    panics("glu: the 7 features of 4×7 have no halves", || on_tape(&[4, 7], |x| x.glu()));
    panics("swiglu: a scalar has no axis", || on_tape(&[], |x| x.swiglu()));
    panics("Glu(16 → 8): input 4×8 does not fit, it must have 16 features", || {
        on_tape(&[4, 8], |x| Glu::new(8).forward(x));
    });
    panics(
        "Sequential: layer 1, Geglu(16 → 8), does not fit: the layers before give 8 features, and it takes \
         16",
        || {
            let _ = Sequential::new().add(Linear::new(3, 8)).add(Geglu::new(8));
        },
    );
    panics("prelu: 4×7 and 3 do not fit: there must be one slope, or one per feature", || {
        two(&[4, 7], &[3], |x, w| x.prelu(w));
    });
    panics("prelu: 4×7 and 3 do not fit: there must be one slope, or one per feature", || {
        on_tape(&[4, 7], |x| Prelu::per_feature(3).forward(x));
    });
    panics("Prelu: a slope of inf is not finite in f32", || {
        let _ = Prelu::new().initial(f64::INFINITY);
    });
    panics("rrelu: no slope is from 0.5 to 0.25", || on_tape(&[4], |x| x.rrelu(0.5, 0.25)));
    panics("Rrelu: no slope is from NaN to 1", || {
        let _ = Rrelu::new(f64::NAN, 1.0);
    });
    panics("AlphaDropout: probability 1 is outside [0, 1)", || {
        let _ = AlphaDropout::new(1.0);
    });
}

/// Nothing to do is no mistake.
#[test]
fn empty_inputs() {
    for shape in [[0, 8], [3, 0]] {
        let x = Param::new(Tensor::zeros(shape));
        let functions: [for<'t> fn(Var<'t>) -> Var<'t>; 3] =
            [|x| x.glu(), |x| x.softmin(), |x| x.relu6()];
        for f in functions {
            let mut tape = Tape::<f32>::new();
            let (loss, _) = tape.value_and_grad(|t| f(t.param(&x)).sum());
            assert_eq!(loss, 0.0);
        }
        let prelu = Prelu::new();
        let (_, grads) =
            differentiate(&Tensor::zeros(shape), &[&x, prelu.named_params()[0].1], |t| {
                prelu.forward(t.param(&x))
            });
        assert_eq!(grads[1].as_slice(), [0.0]);
    }
}
