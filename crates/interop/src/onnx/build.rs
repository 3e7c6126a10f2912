//! Layers of an imported graph, described and filled.

use std::collections::HashMap;

use fanin_init::{Scheme, Zeros};
use fanin_nn::layers::{
    AlphaSpec, BatchNorm1dSpec, LayerNormSpec, LayerSpec, LinearSpec, NetworkSpec, PreluSpec,
    ResidualSpec, RmsNormSpec,
};
use fanin_nn::{Buffer, Param, ParamPath, Parameters, Sequential, VisitorMut};
use fanin_tensor::Tensor;

use super::net::Constant;

/// A layer of the graph.
pub(super) enum Piece {
    Layer(LayerSpec),
    /// W is `(out, in)`.
    Linear {
        weight: Constant,
        bias: Option<Vec<f64>>,
    },
    /// What is added to the output of the layer before.
    Bias(Constant),
    Prelu(Vec<f64>),
    /// γ, β, mean and variance.
    BatchNorm {
        all: [Vec<f64>; 4],
        epsilon: f64,
    },
    LayerNorm {
        scale: Vec<f64>,
        shift: Option<Vec<f64>>,
        epsilon: f64,
    },
    RmsNorm {
        epsilon: f64,
    },
    /// What the output of the layer before is multiplied by.
    Scale(Constant),
    Glu,
    /// To a sample of these sizes, one of which may be −1.
    Reshape(Vec<i64>),
    Residual(Vec<Piece>),
    /// The logit z becomes the probabilities of two classes.
    TwoClasses,
}

/// A network, and the values of its parameters and buffers by path.
pub(super) type Described = (NetworkSpec, HashMap<String, Vec<f64>>);

/// `sample` is the shape of an input without the batch, where the graph states it.
pub(super) fn describe(
    pieces: Vec<Piece>,
    sample: Option<&[Option<usize>]>,
) -> Result<Described, String> {
    let mut values = HashMap::new();
    let features = match sample {
        Some([features]) => *features,
        _ => None,
    };
    let layers = layers(pieces, "", features, &mut values)?;
    Ok((NetworkSpec { layers }, values))
}

fn layers(
    pieces: Vec<Piece>,
    before: &str,
    mut features: Option<usize>,
    values: &mut HashMap<String, Vec<f64>>,
) -> Result<Vec<LayerSpec>, String> {
    let mut layers: Vec<LayerSpec> = vec![];
    for piece in pieces {
        let path = |leaf: &str| format!("{before}{}.{leaf}", layers.len());
        let layer = match piece {
            Piece::Layer(layer) => layer,
            Piece::Linear { weight, bias } => {
                let &[outputs, inputs] = &weight.shape[..] else { unreachable!("a matrix") };
                features = Some(outputs);
                let mut linear = LinearSpec::new(inputs, outputs);
                linear.weight = Zeros.into();
                linear.bias = bias.is_some().then(|| Scheme::from(Zeros));
                values.insert(path("weight"), weight.values);
                if let Some(bias) = bias {
                    values.insert(path("bias"), bias);
                }
                linear.into()
            }
            Piece::Bias(constant) => {
                let at = layers.len().wrapping_sub(1);
                let Some(LayerSpec::Linear(linear)) = layers.last_mut() else {
                    return Err("adds a constant to what is no linear layer".into());
                };
                let axes = constant.shape.iter().filter(|&&size| size != 1).count();
                let bias = match constant.values.len() {
                    1 => vec![constant.values[0]; linear.outputs],
                    len if len == linear.outputs && axes <= 1 => constant.values,
                    _ => return Err("adds a constant that is no bias".into()),
                };
                let values = values.entry(format!("{before}{at}.bias"));
                let own = values.or_insert_with(|| vec![0.0; linear.outputs]);
                own.iter_mut().zip(bias).for_each(|(own, bias)| *own += bias);
                linear.bias = Some(Zeros.into());
                continue;
            }
            Piece::Prelu(slopes) => {
                let features = Some(slopes.len());
                values.insert(path("weight"), slopes);
                PreluSpec { features, initial: 0.25 }.into()
            }
            Piece::BatchNorm { all, epsilon } => {
                let names = ["weight", "bias", "running_mean", "running_var"];
                let norm = BatchNorm1dSpec { epsilon, ..BatchNorm1dSpec::new(all[0].len()) };
                for (name, own) in names.into_iter().zip(all) {
                    values.insert(path(name), own);
                }
                LayerSpec::BatchNorm1d(norm)
            }
            Piece::LayerNorm { scale, shift, epsilon } => {
                let bias = shift.is_some();
                let norm = LayerNormSpec { epsilon, bias, ..LayerNormSpec::new(scale.len()) };
                values.insert(path("weight"), scale);
                if let Some(shift) = shift {
                    values.insert(path("bias"), shift);
                }
                LayerSpec::LayerNorm(norm)
            }
            Piece::RmsNorm { epsilon } => {
                let Some(features) = features else {
                    return Err(
                        "divides by a root mean square of features whose number is not known"
                            .into(),
                    );
                };
                let norm = RmsNormSpec { features, epsilon: Some(epsilon), affine: false };
                LayerSpec::RmsNorm(norm)
            }
            Piece::Scale(constant) => {
                let at = layers.len().wrapping_sub(1);
                let axes = constant.shape.iter().filter(|&&size| size != 1).count();
                let len = constant.values.len();
                match layers.last_mut() {
                    Some(LayerSpec::RmsNorm(norm))
                        if !norm.affine && len == norm.features && axes <= 1 =>
                    {
                        norm.affine = true;
                        values.insert(format!("{before}{at}.weight"), constant.values);
                    }
                    _ => return Err("multiplies by a constant what is no normalization".into()),
                }
                continue;
            }
            Piece::Glu => {
                let Some(doubled) = features.filter(|features| features.is_multiple_of(2)) else {
                    return Err("splits features in halves whose number is not known".into());
                };
                features = Some(doubled / 2);
                LayerSpec::Glu(doubled / 2)
            }
            Piece::Reshape(sizes) => match &sizes[..] {
                &[size] => {
                    let fits = |known: usize| size == -1 || usize::try_from(size) == Ok(known);
                    if !features.is_none_or(fits) {
                        return Err(format!("reshapes samples to {size} features"));
                    }
                    features = features.or(usize::try_from(size).ok());
                    LayerSpec::Flatten
                }
                sizes => {
                    let sizes: Option<Vec<usize>> =
                        sizes.iter().map(|&size| usize::try_from(size).ok()).collect();
                    let sizes = sizes.filter(|sizes| !sizes.contains(&0));
                    features = None;
                    LayerSpec::Unflatten(
                        sizes.ok_or("reshapes samples to sizes that are not all known")?,
                    )
                }
            },
            Piece::Residual(branch) => {
                let branch = self::layers(
                    branch,
                    &format!("{before}{}.branch.", layers.len()),
                    features,
                    values,
                )?;
                ResidualSpec { branch, alpha: AlphaSpec::One }.into()
            }
            Piece::TwoClasses => {
                let at = layers.len().wrapping_sub(1);
                let Some(LayerSpec::Linear(linear)) = layers.last_mut() else {
                    return Err("makes two probabilities of what is no linear layer".into());
                };
                if linear.outputs != 1 {
                    return Err("makes two probabilities of several outputs".into());
                }
                // softmax(0, z) is (1 − σ(z), σ(z)).
                linear.outputs = 2;
                for leaf in ["weight", "bias"] {
                    if let Some(own) = values.get_mut(&format!("{before}{at}.{leaf}")) {
                        let mut doubled = vec![0.0; own.len()];
                        doubled.append(own);
                        *own = doubled;
                    }
                }
                LayerSpec::Softmax
            }
        };
        layers.push(layer);
    }
    Ok(layers)
}

/// Gives parameters and buffers their values.
pub(super) fn fill(
    model: &mut Sequential,
    values: HashMap<String, Vec<f64>>,
) -> Result<(), String> {
    struct Fill(HashMap<String, Vec<f64>>, Option<String>);
    impl Fill {
        fn set(&mut self, path: &ParamPath<'_>, value: &mut Tensor) {
            let path = path.to_string();
            let Some(own) = self.0.remove(&path) else { return };
            if own.len() != value.len() {
                self.1 = Some(format!(
                    "has {} numbers for {path}, which takes {}",
                    own.len(),
                    value.len()
                ));
                return;
            }
            value.as_mut_slice().iter_mut().zip(own).for_each(|(to, from)| *to = from as f32);
        }
    }
    impl VisitorMut<'_> for Fill {
        fn param(&mut self, path: &ParamPath<'_>, param: &mut Param) {
            self.set(path, param.value_mut());
        }
        fn buffer(&mut self, path: &ParamPath<'_>, buffer: &mut Buffer) {
            self.set(path, buffer.value_mut());
        }
    }
    let mut fill = Fill(values, None);
    model.visit_mut(&ParamPath::ROOT, &mut fill);
    match (fill.1, fill.0.into_keys().next()) {
        (Some(why), _) => Err(why),
        (None, Some(path)) => Err(format!("has numbers for {path}, which no layer takes")),
        (None, None) => Ok(()),
    }
}
