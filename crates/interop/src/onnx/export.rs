//! [`Writer`]: a network to ONNX.

use std::collections::HashMap;
use std::path::Path;

use fanin_nn::Parameters;
use fanin_nn::layers::{
    AlphaSpec, BatchNorm1dSpec, GroupNormSpec, Join, LayerNormSpec, LayerSpec, LinearSpec,
    NetworkSpec, ParallelSpec, ResidualSpec, RmsNormSpec,
};
use fanin_tensor::{Scalar, Tensor};
use prost::Message;

use super::graph::Builder;
use super::proto::{Attribute, IR_VERSION, Model, OPSET, Opset, ValueInfo};
use crate::error::{Error, Result};
use crate::file;
use crate::model::tensors;
use crate::names::named;

/// Writes a network to an `.onnx` file.
///
/// # Example
/// ```
/// use fanin_interop::onnx;
/// use fanin_nn::layers::{LayerSpec, LinearSpec, NetworkSpec};
/// use fanin_nn::{Module, Sequential, Tensor};
///
/// let spec = NetworkSpec { layers: vec![LinearSpec::new(4, 8).into(), LayerSpec::Tanh] };
/// let model = Sequential::from_spec(&spec).unwrap();
/// let bytes = onnx::Writer::new(&spec, &model).to_bytes()?;
///
/// let back = onnx::Reader::from_bytes(&bytes)?.build()?;
/// let x = Tensor::ones([2, 4]);
/// assert_eq!(back.predict(&x), model.predict(&x));
/// # Ok::<(), fanin_interop::Error>(())
/// ```
#[must_use = "call save() or to_bytes()"]
pub struct Writer<'m, T: Scalar = f32> {
    spec: &'m NetworkSpec,
    /// The tensors by their paths, with PyTorch's names.
    tensors: HashMap<String, (String, &'m Tensor<T>)>,
    input: Option<Vec<usize>>,
}

/// A value of the graph: its name, and its shape without the batch.
#[derive(Clone)]
struct Flow {
    name: String,
    sample: Vec<usize>,
}

impl<'m, T: Scalar> Writer<'m, T> {
    /// A writer of the network that `spec` describes, with the values of `model`.
    pub fn new<M: Parameters<T> + ?Sized>(spec: &'m NetworkSpec, model: &'m M) -> Self {
        let (slots, values): (Vec<_>, Vec<_>) = tensors(model).into_iter().unzip();
        let names = named(&slots);
        let all = slots.into_iter().zip(names).zip(values);
        let tensors = all.map(|((slot, names), value)| (slot.path, (names.written, value)));
        Self { spec, tensors: tensors.collect(), input: None }
    }

    /// States the shape of a sample. It is needed where the network does not begin with a layer that says
    /// how many features it takes: `input(&[28, 28])` before a `Flatten`.
    pub fn input(mut self, sample: &[usize]) -> Self {
        self.input = Some(sample.to_vec());
        self
    }

    /// Writes the file, and replaces an existing one as a whole.
    ///
    /// # Errors
    /// As [`to_bytes`](Self::to_bytes), and if the operating system refuses.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        file::replace(path.as_ref(), &self.to_bytes()?)
    }

    /// The bytes of the file.
    ///
    /// # Errors
    /// If the shape of a sample is not known, a layer cannot be written, or the values do not fit the
    /// description.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        let refuse = |why: String| Error::unsupported(file::bytes(), why);
        let sample = match &self.input {
            Some(sample) => sample.clone(),
            None => vec![first(&self.spec.layers).ok_or_else(|| {
                refuse("the shape of a sample is not known; state it by Writer::input".into())
            })?],
        };
        let mut export = Export { tensors: &self.tensors, builder: Builder::new::<T>() };
        let input = Flow { name: "input".into(), sample: sample.clone() };
        let output = export.layers(&self.spec.layers, "", input).map_err(refuse)?;
        let mut builder = export.builder;
        let elem_type = builder.elem_type();
        // The last node writes the output. Its value may be read elsewhere too, so it is copied.
        let last = builder.op("Identity", &[&output.name]);
        let node = builder.graph.node.last_mut().expect("it was added");
        node.output = vec!["output".into()];
        drop(last);
        let mut graph = builder.graph;
        graph.name = "fanin".into();
        graph.input = vec![ValueInfo::batch_of("input", elem_type, &sample)];
        graph.output = vec![ValueInfo::batch_of("output", elem_type, &output.sample)];
        let model = Model {
            ir_version: IR_VERSION,
            producer_name: "fanin".into(),
            producer_version: env!("CARGO_PKG_VERSION").into(),
            graph: Some(graph),
            opset_import: vec![Opset { domain: String::new(), version: OPSET }],
        };
        Ok(model.encode_to_vec())
    }
}

/// The features that the first layer takes which says it.
fn first(layers: &[LayerSpec]) -> Option<usize> {
    for layer in layers {
        let layer = match layer {
            LayerSpec::Named(named) => &*named.layer,
            layer => layer,
        };
        let own = match layer {
            LayerSpec::Linear(linear)
            | LayerSpec::WeightNorm(linear)
            | LayerSpec::SpectralNorm(linear) => Some(linear.inputs),
            LayerSpec::BatchNorm1d(norm) => Some(norm.features),
            LayerSpec::LayerNorm(norm) => Some(norm.features),
            LayerSpec::RmsNorm(norm) => Some(norm.features),
            LayerSpec::GroupNorm(norm) => Some(norm.features),
            LayerSpec::Prelu(prelu) => prelu.features.filter(|&features| features != 1),
            &(LayerSpec::Glu(half)
            | LayerSpec::Geglu(half)
            | LayerSpec::Reglu(half)
            | LayerSpec::Swiglu(half)) => Some(2 * half),
            LayerSpec::Residual(residual) => first(&residual.branch),
            LayerSpec::Sequential(layers) => first(layers),
            LayerSpec::Parallel(parallel) => {
                parallel.branches.iter().find_map(|branch| first(branch))
            }
            // This layer changes the number of features.
            LayerSpec::Flatten | LayerSpec::Unflatten(_) => return None,
            _ => None,
        };
        if own.is_some() {
            return own;
        }
    }
    None
}

type Step<R> = std::result::Result<R, String>;

struct Export<'m, T: Scalar> {
    tensors: &'m HashMap<String, (String, &'m Tensor<T>)>,
    builder: Builder,
}

impl<'m, T: Scalar> Export<'m, T> {
    fn layers(&mut self, layers: &[LayerSpec], before: &str, mut x: Flow) -> Step<Flow> {
        for (i, layer) in layers.iter().enumerate() {
            let (path, layer) = match layer {
                LayerSpec::Named(named) => (format!("{before}{}.", named.name), &*named.layer),
                layer => (format!("{before}{i}."), layer),
            };
            x = self.layer(layer, &path, x).map_err(|why| match why.starts_with("layer ") {
                true => why,
                false => format!("layer {}, {layer}: {why}", path.trim_end_matches('.')),
            })?;
        }
        Ok(x)
    }

    fn layer(&mut self, layer: &LayerSpec, path: &str, x: Flow) -> Step<Flow> {
        let same = |name: String, x: &Flow| Flow { name, sample: x.sample.clone() };
        Ok(match layer {
            LayerSpec::Linear(linear) => {
                let (name, weight) = self.tensor(path, "weight")?;
                self.linear(linear, path, x, (name, weight.as_slice().to_vec()))?
            }
            LayerSpec::WeightNorm(linear) => {
                let (_, g) = self.tensor(path, "weight_g")?;
                let (_, v) = self.tensor(path, "weight_v")?;
                let weight = weight_norm(g.as_slice(), v.as_slice());
                self.linear(linear, path, x, (format!("{path}weight"), weight))?
            }
            LayerSpec::SpectralNorm(linear) => {
                let (_, w) = self.tensor(path, "weight")?;
                let (_, u) = self.tensor(path, "weight_u")?;
                let (_, v) = self.tensor(path, "weight_v")?;
                let weight = spectral_norm(w.as_slice(), u.as_slice(), v.as_slice());
                self.linear(linear, path, x, (format!("{path}weight"), weight))?
            }
            LayerSpec::Residual(residual) => self.residual(residual, path, x)?,
            LayerSpec::Sequential(layers) => self.layers(layers, path, x)?,
            LayerSpec::Parallel(parallel) => self.parallel(parallel, path, x)?,
            LayerSpec::Dropout(_) | LayerSpec::AlphaDropout(_) | LayerSpec::Identity => x,
            LayerSpec::BatchNorm1d(norm) => self.batch_norm(norm, path, x)?,
            LayerSpec::LayerNorm(norm) => self.layer_norm(norm, path, x)?,
            LayerSpec::RmsNorm(norm) => self.rms_norm(norm, path, x)?,
            LayerSpec::GroupNorm(norm) => self.group_norm(norm, path, x)?,
            LayerSpec::Flatten => {
                if x.sample.len() == 1 {
                    return Ok(x);
                }
                let name =
                    self.builder.node("Flatten", &[&x.name], vec![Attribute::int("axis", 1)]);
                Flow { name, sample: vec![x.sample.iter().product()] }
            }
            LayerSpec::Unflatten(sizes) => {
                let mut sample = x.sample.clone();
                if sample.pop() != Some(sizes.iter().product()) {
                    return Err(misfit(&x));
                }
                sample.extend(sizes);
                Flow { name: self.builder.reshape(&x.name, &sample), sample }
            }
            LayerSpec::Prelu(_) => {
                let (name, slopes) = self.tensor(path, "weight")?;
                let slopes = self.builder.named(&name, slopes.shape(), slopes.as_slice());
                same(self.builder.op("PRelu", &[&x.name, &slopes]), &x)
            }
            &(LayerSpec::Glu(half)
            | LayerSpec::Geglu(half)
            | LayerSpec::Reglu(half)
            | LayerSpec::Swiglu(half)) => {
                let mut sample = x.sample.clone();
                if sample.pop() != Some(2 * half) {
                    return Err(misfit(&x));
                }
                sample.push(half);
                let [a, b] = self.builder.halves(&x.name, half);
                let gate = match layer {
                    LayerSpec::Glu(_) => self.builder.op("Sigmoid", &[&b]),
                    LayerSpec::Geglu(_) => self.activation(&LayerSpec::Gelu, &b)?,
                    LayerSpec::Reglu(_) => self.builder.op("Relu", &[&b]),
                    _ => self.activation(&LayerSpec::Silu, &b)?,
                };
                Flow { name: self.builder.op("Mul", &[&a, &gate]), sample }
            }
            layer => same(self.activation(layer, &x.name)?, &x),
        })
    }

    /// A tensor with PyTorch's name.
    fn tensor(&self, path: &str, leaf: &str) -> Step<(String, &'m Tensor<T>)> {
        match self.tensors.get(&format!("{path}{leaf}")) {
            Some((name, value)) => Ok((name.clone(), value)),
            None => {
                Err(format!("the model has no {path}{leaf}; give the description of this model"))
            }
        }
    }

    fn optional(&mut self, path: &str, leaf: &str) -> Option<String> {
        let (name, value) = self.tensors.get(&format!("{path}{leaf}"))?;
        Some(self.builder.named(name, value.shape(), value.as_slice()))
    }

    fn linear(
        &mut self,
        linear: &LinearSpec,
        path: &str,
        x: Flow,
        (name, weight): (String, Vec<T>),
    ) -> Step<Flow> {
        let &LinearSpec { inputs, outputs, .. } = linear;
        let mut sample = x.sample.clone();
        if sample.pop() != Some(inputs) {
            return Err(misfit(&x));
        }
        if weight.len() != inputs * outputs {
            return Err(format!(
                "the model has {} weights; give the description of it",
                weight.len()
            ));
        }
        sample.push(outputs);
        let weight = self.builder.named(&name, &[outputs, inputs], &weight);
        let bias = self.optional(path, "bias");
        let name = if sample.len() == 1 {
            let inputs: Vec<&str> =
                [&x.name, &weight].into_iter().chain(&bias).map(|name| &**name).collect();
            self.builder.node("Gemm", &inputs, vec![Attribute::int("transB", 1)])
        } else {
            let turned = vec![Attribute::ints("perm", &[1, 0])];
            let turned = self.builder.node("Transpose", &[&weight], turned);
            let product = self.builder.op("MatMul", &[&x.name, &turned]);
            match bias {
                Some(bias) => self.builder.op("Add", &[&product, &bias]),
                None => product,
            }
        };
        Ok(Flow { name, sample })
    }

    fn residual(&mut self, residual: &ResidualSpec, path: &str, x: Flow) -> Step<Flow> {
        let y = self.layers(&residual.branch, &format!("{path}branch."), x.clone())?;
        if y.sample != x.sample {
            return Err(misfit(&y));
        }
        let alpha = match residual.alpha {
            AlphaSpec::One => None,
            AlphaSpec::Scaled(alpha) => Some(self.builder.number(alpha)),
            AlphaSpec::Learned(_) => self.optional(path, "alpha"),
        };
        let y = match alpha {
            Some(alpha) => self.builder.op("Mul", &[&y.name, &alpha]),
            None => y.name,
        };
        Ok(Flow { name: self.builder.op("Add", &[&x.name, &y]), sample: x.sample })
    }

    fn parallel(&mut self, parallel: &ParallelSpec, path: &str, x: Flow) -> Step<Flow> {
        let mut outputs = vec![];
        for (i, branch) in parallel.branches.iter().enumerate() {
            outputs.push(self.layers(branch, &format!("{path}{i}."), x.clone())?);
        }
        let names: Vec<&str> = outputs.iter().map(|y| &*y.name).collect();
        let Some(first) = outputs.first() else { return Err("it has no branches".into()) };
        let mut sample = first.sample.clone();
        let name = if parallel.join == Join::Sum {
            self.builder.op("Sum", &names)
        } else {
            let features = outputs.iter().filter_map(|y| y.sample.last()).sum();
            if let Some(last) = sample.last_mut() {
                *last = features;
            }
            self.builder.node("Concat", &names, vec![Attribute::int("axis", -1)])
        };
        Ok(Flow { name, sample })
    }

    fn batch_norm(&mut self, norm: &BatchNorm1dSpec, path: &str, x: Flow) -> Step<Flow> {
        require(&x, norm.features)?;
        let b = &mut self.builder;
        let name = if !norm.track_running_stats {
            // The statistics of the batch, over all axes but the last.
            let axes: Vec<i64> = (0..x.sample.len() as i64).collect();
            let mean = b.node("ReduceMean", &[&x.name], vec![Attribute::ints("axes", &axes)]);
            let centered = b.op("Sub", &[&x.name, &mean]);
            let squared = b.op("Mul", &[&centered, &centered]);
            let var = b.node("ReduceMean", &[&squared], vec![Attribute::ints("axes", &axes)]);
            let normed = self.divide_by_root(&centered, &var, norm.epsilon);
            self.affine(path, normed)
        } else if x.sample.len() == 1 {
            let ones = vec![1.0; norm.features];
            let scale = self.optional(path, "weight");
            let scale = scale.unwrap_or_else(|| self.builder.vector(&ones));
            let shift = self.optional(path, "bias");
            let shift = shift.unwrap_or_else(|| self.builder.vector(&vec![0.0; norm.features]));
            let [mean, var] = ["running_mean", "running_var"].map(|leaf| self.optional(path, leaf));
            let (Some(mean), Some(var)) = (mean, var) else {
                return Err(
                    "the model has no running statistics; give the description of it".into()
                );
            };
            let inputs = [&x.name, &scale, &shift, &mean, &var].map(|name| &**name);
            let epsilon = vec![Attribute::float("epsilon", norm.epsilon)];
            self.builder.node("BatchNormalization", &inputs, epsilon)
        } else {
            let (_, mean) = self.tensor(path, "running_mean")?;
            let (_, var) = self.tensor(path, "running_var")?;
            let root = var.iter().map(|var| 1.0 / (var.to_f64() + norm.epsilon).sqrt());
            let mean = self.builder.vector(&mean.iter().map(|m| m.to_f64()).collect::<Vec<_>>());
            let factor = self.builder.vector(&root.collect::<Vec<_>>());
            let centered = self.builder.op("Sub", &[&x.name, &mean]);
            let normed = self.builder.op("Mul", &[&centered, &factor]);
            self.affine(path, normed)
        };
        Ok(Flow { name, ..x })
    }

    /// `x / sqrt(var + ε)`
    fn divide_by_root(&mut self, x: &str, var: &str, epsilon: f64) -> String {
        let epsilon = self.builder.number(epsilon);
        let sum = self.builder.op("Add", &[var, &epsilon]);
        let root = self.builder.op("Sqrt", &[&sum]);
        self.builder.op("Div", &[x, &root])
    }

    /// γ and β, where the layer has them.
    fn affine(&mut self, path: &str, x: String) -> String {
        let x = match self.optional(path, "weight") {
            Some(weight) => self.builder.op("Mul", &[&x, &weight]),
            None => x,
        };
        match self.optional(path, "bias") {
            Some(bias) => self.builder.op("Add", &[&x, &bias]),
            None => x,
        }
    }

    fn layer_norm(&mut self, norm: &LayerNormSpec, path: &str, x: Flow) -> Step<Flow> {
        require(&x, norm.features)?;
        let scale = self.optional(path, "weight");
        let scale = scale.unwrap_or_else(|| self.builder.vector(&vec![1.0; norm.features]));
        let shift = self.optional(path, "bias");
        let inputs: Vec<&str> =
            [&x.name, &scale].into_iter().chain(&shift).map(|name| &**name).collect();
        let options = vec![Attribute::int("axis", -1), Attribute::float("epsilon", norm.epsilon)];
        let name = self.builder.node("LayerNormalization", &inputs, options);
        Ok(Flow { name, ..x })
    }

    fn rms_norm(&mut self, norm: &RmsNormSpec, path: &str, x: Flow) -> Step<Flow> {
        require(&x, norm.features)?;
        let epsilon = norm.epsilon.unwrap_or(T::EPSILON.to_f64());
        let squared = self.builder.op("Mul", &[&x.name, &x.name]);
        let axis = vec![Attribute::ints("axes", &[-1])];
        let mean = self.builder.node("ReduceMean", &[&squared], axis);
        let normed = self.divide_by_root(&x.name, &mean, epsilon);
        Ok(Flow { name: self.affine(path, normed), ..x })
    }

    fn group_norm(&mut self, norm: &GroupNormSpec, path: &str, x: Flow) -> Step<Flow> {
        require(&x, norm.features)?;
        let size = norm.features / norm.groups.max(1);
        let mut grouped = x.sample.clone();
        grouped.pop();
        grouped.extend([norm.groups, size]);
        let groups = self.builder.reshape(&x.name, &grouped);
        let ones = self.builder.vector(&vec![1.0; size]);
        let options = vec![Attribute::int("axis", -1), Attribute::float("epsilon", norm.epsilon)];
        let normed = self.builder.node("LayerNormalization", &[&groups, &ones], options);
        let normed = self.builder.reshape(&normed, &x.sample);
        Ok(Flow { name: self.affine(path, normed), ..x })
    }

    /// A function of each element, or of the last axis.
    fn activation(&mut self, layer: &LayerSpec, x: &str) -> Step<String> {
        let b = &mut self.builder;
        let last = || vec![Attribute::int("axis", -1)];
        Ok(match *layer {
            LayerSpec::Relu => b.op("Relu", &[x]),
            LayerSpec::LeakyRelu(slope) => {
                b.node("LeakyRelu", &[x], vec![Attribute::float("alpha", slope)])
            }
            LayerSpec::Rrelu(lower, upper) => {
                let slope = (lower + upper) / 2.0;
                b.node("LeakyRelu", &[x], vec![Attribute::float("alpha", slope)])
            }
            LayerSpec::Tanh => b.op("Tanh", &[x]),
            LayerSpec::Sigmoid => b.op("Sigmoid", &[x]),
            LayerSpec::Gelu => {
                let (root, one, half) = (b.number(0.5f64.sqrt()), b.number(1.0), b.number(0.5));
                let scaled = b.op("Mul", &[x, &root]);
                let erf = b.op("Erf", &[&scaled]);
                let sum = b.op("Add", &[&erf, &one]);
                let product = b.op("Mul", &[x, &sum]);
                b.op("Mul", &[&product, &half])
            }
            LayerSpec::GeluTanh => {
                let (one, half) = (b.number(1.0), b.number(0.5));
                let (root, cubic) =
                    (b.number((2.0 / std::f64::consts::PI).sqrt()), b.number(0.044715));
                let squared = b.op("Mul", &[x, x]);
                let cube = b.op("Mul", &[x, &squared]);
                let cube = b.op("Mul", &[&cube, &cubic]);
                let inner = b.op("Add", &[x, &cube]);
                let inner = b.op("Mul", &[&inner, &root]);
                let tanh = b.op("Tanh", &[&inner]);
                let sum = b.op("Add", &[&tanh, &one]);
                let product = b.op("Mul", &[x, &sum]);
                b.op("Mul", &[&product, &half])
            }
            LayerSpec::Silu => {
                let sigmoid = b.op("Sigmoid", &[x]);
                b.op("Mul", &[x, &sigmoid])
            }
            LayerSpec::Elu(alpha) => b.node("Elu", &[x], vec![Attribute::float("alpha", alpha)]),
            LayerSpec::Selu => b.op("Selu", &[x]),
            LayerSpec::Softplus => b.op("Softplus", &[x]),
            LayerSpec::Softmax => b.node("Softmax", &[x], last()),
            LayerSpec::LogSoftmax => b.node("LogSoftmax", &[x], last()),
            LayerSpec::Softmin => {
                let negative = b.op("Neg", &[x]);
                b.node("Softmax", &[&negative], last())
            }
            LayerSpec::Mish => {
                let softplus = b.op("Softplus", &[x]);
                let tanh = b.op("Tanh", &[&softplus]);
                b.op("Mul", &[x, &tanh])
            }
            LayerSpec::Relu6 => {
                let (low, high) = (b.number(0.0), b.number(6.0));
                b.op("Clip", &[x, &low, &high])
            }
            LayerSpec::Hardtanh(low, high) => {
                let (low, high) = (b.number(low), b.number(high));
                b.op("Clip", &[x, &low, &high])
            }
            LayerSpec::Celu(alpha) => b.node("Celu", &[x], vec![Attribute::float("alpha", alpha)]),
            LayerSpec::LogSigmoid => {
                let negative = b.op("Neg", &[x]);
                let softplus = b.op("Softplus", &[&negative]);
                b.op("Neg", &[&softplus])
            }
            LayerSpec::SoftplusWith(beta, threshold) => {
                let (beta, threshold) = (b.number(beta), b.number(threshold));
                let scaled = b.op("Mul", &[x, &beta]);
                let softplus = b.op("Softplus", &[&scaled]);
                let value = b.op("Div", &[&softplus, &beta]);
                let above = b.op("Greater", &[&scaled, &threshold]);
                b.op("Where", &[&above, x, &value])
            }
            LayerSpec::Softsign => b.op("Softsign", &[x]),
            LayerSpec::Hardsigmoid => {
                let options =
                    vec![Attribute::float("alpha", 1.0 / 6.0), Attribute::float("beta", 0.5)];
                b.node("HardSigmoid", &[x], options)
            }
            LayerSpec::Hardswish => b.op("HardSwish", &[x]),
            LayerSpec::Tanhshrink => {
                let tanh = b.op("Tanh", &[x]);
                b.op("Sub", &[x, &tanh])
            }
            LayerSpec::Softshrink(lambda) => {
                let options =
                    vec![Attribute::float("lambd", lambda), Attribute::float("bias", lambda)];
                b.node("Shrink", &[x], options)
            }
            LayerSpec::Hardshrink(lambda) => {
                let options =
                    vec![Attribute::float("lambd", lambda), Attribute::float("bias", 0.0)];
                b.node("Shrink", &[x], options)
            }
            LayerSpec::Threshold(threshold, value) => {
                let (threshold, value) = (b.number(threshold), b.number(value));
                let below = b.op("LessOrEqual", &[x, &threshold]);
                b.op("Where", &[&below, &value, x])
            }
            LayerSpec::Sine(omega) => {
                // In f64, because fanin does not round the product.
                let to = |kind: i32| vec![Attribute::int("to", kind.into())];
                let omega = b.double(omega);
                let wide = b.node("Cast", &[x], to(super::proto::data_type::DOUBLE));
                let scaled = b.op("Mul", &[&wide, &omega]);
                let sine = b.op("Sin", &[&scaled]);
                let own = b.elem_type();
                b.node("Cast", &[&sine], to(own))
            }
            _ => return Err("it has no operation in ONNX".into()),
        })
    }
}

fn require(x: &Flow, features: usize) -> Step<()> {
    if x.sample.last() == Some(&features) { Ok(()) } else { Err(misfit(x)) }
}

fn misfit(x: &Flow) -> String {
    format!("a sample of shape {:?} does not fit it; state its shape by Writer::input", x.sample)
}

/// `W_o = g_o · V_o / ‖V_o‖`, in f64.
fn weight_norm<T: Scalar>(g: &[T], v: &[T]) -> Vec<T> {
    let width = v.len().checked_div(g.len()).unwrap_or(0).max(1);
    let rows = g.iter().zip(v.chunks(width));
    let scaled = rows.flat_map(|(g, v)| {
        let norm = v.iter().map(|v| v.to_f64().powi(2)).sum::<f64>().sqrt();
        let factor = g.to_f64() / norm;
        v.iter().map(move |v| T::from_f64(v.to_f64() * factor))
    });
    scaled.collect()
}

/// `W / (uᵀ·W·v)`, in f64.
fn spectral_norm<T: Scalar>(w: &[T], u: &[T], v: &[T]) -> Vec<T> {
    let rows = u.iter().zip(w.chunks(v.len().max(1)));
    let sigma: f64 = rows
        .map(|(u, w)| {
            u.to_f64() * w.iter().zip(v).map(|(w, v)| w.to_f64() * v.to_f64()).sum::<f64>()
        })
        .sum();
    w.iter().map(|w| T::from_f64(w.to_f64() / sigma)).collect()
}
