//! [`Reader`]: a network from ONNX.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use fanin_nn::Sequential;
use fanin_nn::layers::{LayerSpec, NetworkSpec};
use prost::Message;

use super::build::{Piece, describe};
use super::proto::{Attribute, Model, Node, TensorOf, data_type};
use crate::element::Element;
use crate::entry::{Bytes, Entry, Layout};
use crate::error::{Error, Result, shown};
use crate::file;

/// Reads a network from an `.onnx` file.
///
/// # Example
/// ```no_run
/// use fanin_interop::onnx::Reader;
///
/// let model = Reader::open("classifier.onnx")?.build()?;
/// println!("{model}");
/// # Ok::<(), fanin_interop::Error>(())
/// ```
pub struct Reader {
    model: Model,
    path: PathBuf,
    /// The length of the file.
    len: usize,
    output: Option<String>,
}

impl Reader {
    /// Reads a file.
    ///
    /// # Errors
    /// If it cannot be read, or is no ONNX file.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        Self::read(&file::read(path)?, path)
    }

    /// A file that is in memory.
    ///
    /// # Errors
    /// If it is no ONNX file.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        Self::read(bytes, file::bytes())
    }

    fn read(bytes: &[u8], path: &Path) -> Result<Self> {
        /// No message of the graph takes more memory, without its texts and numbers.
        const MESSAGE: usize = 256;
        let broken = |why: &str| {
            Error::malformed(path, format!("is no whole ONNX file{why}; export the model again"))
        };
        // A message of two bytes would take as much memory as any.
        let messages = messages(bytes, Level::Model).ok_or_else(|| broken(""))?;
        if messages.saturating_mul(MESSAGE) > bytes.len().saturating_mul(32).saturating_add(1 << 16)
        {
            return Err(broken(": it has too many empty nodes"));
        }
        let model = Model::decode(bytes).map_err(|error| {
            let why = shown(&error.to_string());
            broken(&format!(": {why}"))
        })?;
        if model.graph.as_ref().is_none_or(|graph| graph.output.is_empty()) {
            return Err(broken(": it has no graph with an output"));
        }
        Ok(Self { model, path: path.to_owned(), len: bytes.len(), output: None })
    }

    /// Which output is read, where the graph has several that are tensors of floats.
    #[must_use]
    pub fn output(self, name: impl Into<String>) -> Self {
        Self { output: Some(name.into()), ..self }
    }

    /// The network.
    ///
    /// It reads one chain of layers from the graph's input to its output, with residual connections:
    ///
    /// | ONNX | layer |
    /// |---|---|
    /// | `Gemm`; `MatMul` and `Add` | `Linear` |
    /// | `BatchNormalization`, `LayerNormalization` over the last axis | `BatchNorm1d`, `LayerNorm` |
    /// | `Relu`, `LeakyRelu`, `PRelu`, `Tanh`, `Sigmoid`, `Elu`, `Selu`, `Celu`, `Gelu`, `Softplus`, `Softsign`, `Softmax`, `LogSoftmax`, `Mish`, `HardSwish`, `Shrink`, `ThresholdedRelu` | the same |
    /// | `HardSigmoid` as PyTorch has it, `Clip` | `Hardsigmoid`, `Relu6` or `Hardtanh` |
    /// | products such as `x · Sigmoid(x)`, `x · Tanh(Softplus(x))`, `x/2 · (1 + Erf(x/√2))` | `Silu`, `Mish`, `Gelu`, `GeluTanh`, `Glu` |
    /// | `Flatten`, `Reshape` with constant sizes | `Flatten`, `Unflatten` |
    /// | `Add` of a value and what a chain makes of it | `Residual` |
    /// | two probabilities `1 − Sigmoid(z)` and `Sigmoid(z)` | two outputs and `Softmax` |
    /// | `Identity`, `Dropout`, `Cast` to floats | nothing |
    ///
    /// # Errors
    /// For any other operation, which the message names.
    pub fn build(&self) -> Result<Sequential> {
        let (spec, values) = self.pieces()?;
        let limit = file::network_limit(self.len);
        let model = Sequential::from_spec_with_limit(&spec, limit);
        let mut model =
            model.map_err(|error| Error::malformed(&self.path, shown(&error.to_string())))?;
        super::build::fill(&mut model, values).map_err(|why| Error::malformed(&self.path, why))?;
        Ok(model)
    }

    /// The description of the network.
    ///
    /// # Errors
    /// As [`build`](Self::build).
    pub fn architecture(&self) -> Result<NetworkSpec> {
        Ok(self.pieces()?.0)
    }

    fn pieces(&self) -> Result<super::build::Described> {
        let Some(graph) = &self.model.graph else { unreachable!("it was checked") };
        let mut producers = HashMap::new();
        for node in &graph.node {
            for output in &node.output {
                producers.insert(&**output, node);
            }
        }
        let initializers: HashMap<&str, &TensorOf> =
            graph.initializer.iter().map(|tensor| (&*tensor.name, tensor)).collect();
        // Older files list initializers among the inputs.
        let mut inputs = graph.input.iter().filter(|i| !initializers.contains_key(&*i.name));
        let refuse = |why: &str| Error::unsupported(&self.path, why.to_owned());
        let input = inputs.next().ok_or_else(|| refuse("has a graph without an input"))?;
        if inputs.next().is_some() {
            return Err(refuse("has a graph of several inputs, which no Sequential takes"));
        }
        let floats =
            |kind: i32| [data_type::FLOAT, data_type::DOUBLE, data_type::FLOAT16].contains(&kind);
        let is_float = |info: &super::proto::ValueInfo| {
            let tensor = info.kind.as_ref().and_then(|kind| kind.tensor_type.as_ref());
            tensor.is_some_and(|tensor| floats(tensor.elem_type))
        };
        let mut outputs = graph.output.iter().filter(|output| match &self.output {
            Some(name) => output.name == *name,
            None => is_float(output),
        });
        let names = || {
            let names: Vec<&str> = graph.output.iter().map(|output| &*output.name).collect();
            shown(&names.join(", "))
        };
        let Some(output) = outputs.next() else {
            return Err(refuse(&format!("has no such output of floats; it has {}", names())));
        };
        if outputs.next().is_some() {
            let why = format!("has several outputs: choose one by Reader::output, of {}", names());
            return Err(refuse(&why));
        }
        let opset = self
            .model
            .opset_import
            .iter()
            .find(|opset| opset.domain.is_empty() || opset.domain == "ai.onnx");
        let mut net = Net {
            producers,
            initializers,
            steps: 64 * graph.node.len() + 1024,
            room: self.len,
            opset: opset.map_or(1, |opset| opset.version),
        };
        let pieces = net.chain(&output.name, &input.name, 0);
        let sample = input.sizes().and_then(|sizes| Some(sizes.get(1..)?.to_vec()));
        pieces
            .and_then(|pieces| describe(pieces, sample.as_deref()))
            .map_err(|why| Error::unsupported(&self.path, why))
    }
}

enum Level {
    Model,
    Graph,
    Node,
}

/// How many messages there are which a few bytes of a file would make, or `None` for a broken file.
fn messages(mut bytes: &[u8], level: Level) -> Option<usize> {
    let mut count = 0usize;
    while !bytes.is_empty() {
        let key = varint(&mut bytes)?;
        match key & 7 {
            0 => drop(varint(&mut bytes)?),
            1 => bytes = bytes.get(8..)?,
            5 => bytes = bytes.get(4..)?,
            2 => {
                let len = usize::try_from(varint(&mut bytes)?).ok()?;
                let (inner, rest) = bytes.split_at_checked(len)?;
                bytes = rest;
                count += match (&level, key >> 3) {
                    (Level::Model, 7) => 1 + messages(inner, Level::Graph)?,
                    (Level::Model, 8) => 1,
                    (Level::Graph, 1) => 1 + messages(inner, Level::Node)?,
                    (Level::Graph, 5 | 11 | 12) => 1,
                    (Level::Node, 5) => 1,
                    _ => 0,
                };
            }
            _ => return None,
        }
    }
    Some(count)
}

fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0u64;
    for shift in (0..64).step_by(7) {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

/// A constant tensor.
#[derive(Clone)]
pub(super) struct Constant {
    pub(super) shape: Vec<usize>,
    pub(super) values: Vec<f64>,
}

impl Constant {
    /// The only value.
    fn number(&self) -> Option<f64> {
        match self.values[..] {
            [value] => Some(value),
            _ => None,
        }
    }
}

type Step<R> = std::result::Result<R, String>;

/// A graph, read from its output to its input.
struct Net<'g> {
    producers: HashMap<&'g str, &'g Node>,
    initializers: HashMap<&'g str, &'g TensorOf>,
    /// How many nodes may still be looked at: a graph can branch again and again.
    steps: usize,
    /// How many numbers may still be read: nodes can share a tensor.
    room: usize,
    opset: i64,
}

/// How deep constants and residual branches may lie in each other.
const DEPTH: usize = 32;

impl<'g> Net<'g> {
    /// The layers that make `from` of `to`.
    fn chain(&mut self, from: &str, to: &str, depth: usize) -> Step<Vec<Piece>> {
        if depth > DEPTH {
            return Err("has residual connections that lie too deep".into());
        }
        let (mut pieces, mut at) = (vec![], from.to_owned());
        while at != to {
            self.steps = self.steps.checked_sub(1).ok_or("has a graph that is too tangled")?;
            let Some(&node) = self.producers.get(&*at) else {
                return Err(format!("has no chain of layers to {}", shown(from)));
            };
            let (piece, next) = self.piece(node, depth)?;
            pieces.extend(piece);
            at = next;
        }
        pieces.reverse();
        Ok(pieces)
    }

    fn producer(&self, name: &str) -> Option<&'g Node> {
        self.producers.get(name).copied()
    }

    /// The node that makes a value, if it is this operation.
    fn made_by(&self, name: &str, op: &str) -> Option<&'g Node> {
        self.producer(name).filter(|node| node.op_type == op)
    }

    /// The value of a constant, through operations that only move it.
    fn constant(&mut self, name: &str) -> Step<Option<Constant>> {
        self.constant_at(name, 0)
    }

    fn constant_at(&mut self, name: &str, depth: usize) -> Step<Option<Constant>> {
        if let Some(&tensor) = self.initializers.get(name) {
            return self.read(tensor).map(Some);
        }
        let Some(node) = self.producer(name) else { return Ok(None) };
        if depth > DEPTH {
            return Ok(None);
        }
        self.steps = self.steps.checked_sub(1).ok_or("has a graph that is too tangled")?;
        let single = |values: Vec<f64>, shape: Vec<usize>| Ok(Some(Constant { shape, values }));
        match &*node.op_type {
            "Constant" => match node.attribute.first() {
                Some(a) if a.name == "value_float" => single(vec![a.f.into()], vec![]),
                Some(a) if a.name == "value_int" => single(vec![a.i as f64], vec![]),
                Some(a) if a.name == "value_floats" => {
                    single(a.floats.iter().map(|&f| f.into()).collect(), vec![a.floats.len()])
                }
                Some(a) if a.name == "value_ints" => {
                    single(a.ints.iter().map(|&i| i as f64).collect(), vec![a.ints.len()])
                }
                Some(Attribute { t: Some(tensor), .. }) => self.read(tensor).map(Some),
                _ => Err("has a Constant without a value that can be read".into()),
            },
            "Identity" | "Cast" | "CastLike" => match node.input.first() {
                Some(input) => self.constant_at(input, depth + 1),
                None => Ok(None),
            },
            "Transpose" => {
                let Some(input) = node.input.first() else { return Ok(None) };
                let constant = self.constant_at(input, depth + 1)?;
                Ok(constant.filter(|constant| constant.shape.len() == 2).map(transposed))
            }
            _ => Ok(None),
        }
    }

    fn read(&mut self, tensor: &TensorOf) -> Step<Constant> {
        let name = shown(&tensor.name);
        let sizes = tensor.dims.iter().map(|&size| usize::try_from(size).ok());
        let shape: Vec<usize> =
            sizes.collect::<Option<_>>().ok_or(format!("has a negative size in {name}"))?;
        if tensor.data_location != 0 {
            return Err(format!(
                "has {name} in another file; export it with its weights: external_data=False"
            ));
        }
        let element = match tensor.data_type {
            data_type::FLOAT => Ok(Element::F32),
            data_type::DOUBLE => Ok(Element::F64),
            data_type::FLOAT16 => Ok(Element::F16),
            data_type::BFLOAT16 => Ok(Element::Bf16),
            data_type::INT64 => Ok(Element::Int(8)),
            data_type::INT32 => Ok(Element::Int(4)),
            data_type::INT16 => Ok(Element::Int(2)),
            data_type::INT8 => Ok(Element::Int(1)),
            data_type::UINT8 | data_type::BOOL => Ok(Element::Uint(1)),
            data_type::UINT16 => Ok(Element::Uint(2)),
            other => Err(format!("elements of type {other}")),
        };
        let typed: Option<Vec<f64>> = if !tensor.raw_data.is_empty() {
            None
        } else if !tensor.float_data.is_empty() && tensor.data_type == data_type::FLOAT {
            Some(tensor.float_data.iter().map(|&x| x.into()).collect())
        } else if !tensor.double_data.is_empty() && tensor.data_type == data_type::DOUBLE {
            Some(tensor.double_data.clone())
        } else if !tensor.int64_data.is_empty() && tensor.data_type == data_type::INT64 {
            Some(tensor.int64_data.iter().map(|&x| x as f64).collect())
        } else if !tensor.int32_data.is_empty()
            && [
                data_type::INT32,
                data_type::INT16,
                data_type::INT8,
                data_type::UINT8,
                data_type::BOOL,
            ]
            .contains(&tensor.data_type)
        {
            Some(tensor.int32_data.iter().map(|&x| x.into()).collect())
        } else {
            None
        };
        let entry = Entry {
            name: String::new(),
            shape,
            element,
            big_endian: false,
            layout: Layout::RowMajor,
            bytes: Bytes::Slice(&tensor.raw_data),
        };
        let misfit = || format!("has another number of values in {name} than its shape says");
        let len = entry.len().ok_or_else(misfit)?;
        self.room = self
            .room
            .checked_sub(len)
            .ok_or("has layers that share their weights again and again")?;
        let values = match typed {
            Some(values) if values.len() == len => values,
            Some(_) => return Err(misfit()),
            None => {
                let values = entry.values::<f64>();
                values.map_err(|why| format!("has {name}, which {why}"))?.into_vec()
            }
        };
        Ok(Constant { shape: entry.shape, values })
    }

    /// A constant operand and the other one, in either order.
    fn with_constant(&mut self, node: &Node) -> Step<Option<(Constant, String)>> {
        let [a, b] = &node.input[..] else { return Ok(None) };
        if let Some(constant) = self.constant(b)? {
            return Ok(Some((constant, a.clone())));
        }
        Ok(self.constant(a)?.map(|constant| (constant, b.clone())))
    }

    /// The last layers before the output of a node, from output to input, and the value they read.
    fn piece(&mut self, node: &Node, depth: usize) -> Step<(Vec<Piece>, String)> {
        let op = &*node.op_type;
        let unknown = || {
            let (op, name) = (shown(op), shown(&node.name));
            format!("has the operation {op} ({name}), which cannot be read here")
        };
        if !node.domain.is_empty() && node.domain != "ai.onnx" {
            let domain = shown(&node.domain);
            return Err(format!(
                "has the operation {} of {domain}; export with zipmap=False, and choose an output before \
                 it by Reader::output",
                shown(op)
            ));
        }
        let input = node.input.first().ok_or_else(unknown)?.clone();
        let float = |name: &str, default: f64| {
            let found = node.attribute.iter().find(|a| a.name == name);
            found.map_or(default, |a| short(a.f))
        };
        let int = |name: &str, default: i64| {
            node.attribute.iter().find(|a| a.name == name).map_or(default, |a| a.i)
        };
        let one = |piece: LayerSpec| Ok((vec![Piece::Layer(piece)], input.clone()));
        let close = |a: f64, b: f64| (a - b).abs() < 1e-6;
        match op {
            "Identity" | "Dropout" => return Ok((vec![], input)),
            "Cast" => {
                let to = int("to", 0) as i32;
                return match to {
                    data_type::FLOAT | data_type::DOUBLE => Ok((vec![], input)),
                    _ => Err(unknown()),
                };
            }
            "Relu" => return one(LayerSpec::Relu),
            "LeakyRelu" => return one(LayerSpec::LeakyRelu(float("alpha", 0.01))),
            "Tanh" => return one(LayerSpec::Tanh),
            "Sigmoid" => return one(LayerSpec::Sigmoid),
            "Elu" => return one(LayerSpec::Elu(float("alpha", 1.0))),
            "Celu" => return one(LayerSpec::Celu(float("alpha", 1.0))),
            "Softplus" => return one(LayerSpec::Softplus),
            "Softsign" => return one(LayerSpec::Softsign),
            "Mish" => return one(LayerSpec::Mish),
            "HardSwish" => return one(LayerSpec::Hardswish),
            "ThresholdedRelu" => return one(LayerSpec::Threshold(float("alpha", 1.0), 0.0)),
            "Selu"
                if close(float("alpha", 1.673_263_2), 1.673_263_2)
                    && close(float("gamma", 1.050_701), 1.050_701) =>
            {
                return one(LayerSpec::Selu);
            }
            "HardSigmoid"
                if close(float("alpha", 0.2), 1.0 / 6.0) && close(float("beta", 0.5), 0.5) =>
            {
                return one(LayerSpec::Hardsigmoid);
            }
            "Gelu" => {
                let approximate = node.attribute.iter().find(|a| a.name == "approximate");
                let tanh = approximate.is_some_and(|a| a.s == b"tanh");
                return one(if tanh { LayerSpec::GeluTanh } else { LayerSpec::Gelu });
            }
            "Shrink" => {
                let (lambda, bias) = (float("lambd", 0.5), float("bias", 0.0));
                if bias == lambda {
                    return one(LayerSpec::Softshrink(lambda));
                }
                if bias == 0.0 {
                    return one(LayerSpec::Hardshrink(lambda));
                }
            }
            "Softmax" | "LogSoftmax" => {
                let default = if self.opset < 13 { 1 } else { -1 };
                if ![1, -1].contains(&int("axis", default)) {
                    return Err(format!("has a {op} over another axis than the last"));
                }
                if op == "LogSoftmax" {
                    return one(LayerSpec::LogSoftmax);
                }
                if let Some(negative) = self.made_by(&input, "Neg") {
                    let before = negative.input.first().ok_or_else(unknown)?.clone();
                    return Ok((vec![Piece::Layer(LayerSpec::Softmin)], before));
                }
                return one(LayerSpec::Softmax);
            }
            "Clip" => {
                let mut bound = |at: usize, name: &str, default: f64| -> Step<f64> {
                    let attribute = node.attribute.iter().find(|a| a.name == name);
                    if let Some(attribute) = attribute {
                        return Ok(short(attribute.f));
                    }
                    match node.input.get(at).filter(|name| !name.is_empty()) {
                        None => Ok(default),
                        Some(input) => {
                            let value = self.constant(input)?.and_then(|c| c.number());
                            Ok(short(value.ok_or_else(unknown)? as f32))
                        }
                    }
                };
                let low = bound(1, "min", f64::NEG_INFINITY)?;
                let high = bound(2, "max", f64::INFINITY)?;
                return one(match (low, high) {
                    (0.0, 6.0) => LayerSpec::Relu6,
                    (0.0, f64::INFINITY) => LayerSpec::Relu,
                    (low, high) if low.is_finite() && high.is_finite() => {
                        LayerSpec::Hardtanh(low, high)
                    }
                    _ => return Err(unknown()),
                });
            }
            "PRelu" => {
                let slopes = node.input.get(1).ok_or_else(unknown)?;
                let slopes = self.constant(slopes)?.ok_or_else(unknown)?;
                return Ok((vec![Piece::Prelu(slopes.values)], input));
            }
            "Neg" => {
                // −softplus(−x)
                let softplus = self.made_by(&input, "Softplus").and_then(|node| node.input.first());
                let negative = softplus.and_then(|x| self.made_by(x, "Neg"));
                if let Some(x) = negative.and_then(|node| node.input.first()) {
                    return Ok((vec![Piece::Layer(LayerSpec::LogSigmoid)], x.clone()));
                }
            }
            "Log" => {
                let sigmoid = self.made_by(&input, "Sigmoid").and_then(|node| node.input.first());
                if let Some(x) = sigmoid {
                    return Ok((vec![Piece::Layer(LayerSpec::LogSigmoid)], x.clone()));
                }
                let softmax = self.made_by(&input, "Softmax").and_then(|node| node.input.first());
                if let Some(x) = softmax {
                    return Ok((vec![Piece::Layer(LayerSpec::LogSoftmax)], x.clone()));
                }
            }
            "Gemm" => {
                let (b, c) = (node.input.get(1).ok_or_else(unknown)?, node.input.get(2));
                let b = self.constant(b)?.filter(|b| b.shape.len() == 2).ok_or_else(unknown)?;
                if int("transA", 0) != 0 {
                    return Err(unknown());
                }
                let mut weight = if int("transB", 0) != 0 { b } else { transposed(b) };
                let (alpha, beta) = (float("alpha", 1.0), float("beta", 1.0));
                weight.values.iter_mut().for_each(|w| *w *= alpha);
                let outputs = weight.shape[0];
                let bias = match c.filter(|name| !name.is_empty()) {
                    None => None,
                    Some(c) => {
                        let mut c = self.constant(c)?.ok_or_else(unknown)?;
                        c.values.iter_mut().for_each(|c| *c *= beta);
                        Some(row(c, outputs).ok_or_else(unknown)?)
                    }
                };
                return Ok((vec![Piece::Linear { weight, bias }], input));
            }
            "MatMul" => {
                let b = node.input.get(1).ok_or_else(unknown)?;
                let b = self.constant(b)?.filter(|b| b.shape.len() == 2).ok_or_else(unknown)?;
                return Ok((vec![Piece::Linear { weight: transposed(b), bias: None }], input));
            }
            "BatchNormalization" => {
                let mut all = vec![];
                for name in node.input.iter().skip(1) {
                    all.push(self.constant(name)?.ok_or_else(unknown)?.values);
                }
                let all: [Vec<f64>; 4] = all.try_into().map_err(|_| unknown())?;
                let epsilon = float("epsilon", 1e-5);
                return Ok((vec![Piece::BatchNorm { all, epsilon }], input));
            }
            "LayerNormalization" => {
                let scale = node.input.get(1).ok_or_else(unknown)?;
                let scale = self.constant(scale)?.filter(|s| s.shape.len() == 1);
                let scale = scale.ok_or_else(unknown)?.values;
                let shift = match node.input.get(2).filter(|name| !name.is_empty()) {
                    None => None,
                    Some(name) => Some(self.constant(name)?.ok_or_else(unknown)?.values),
                };
                let epsilon = float("epsilon", 1e-5);
                return Ok((vec![Piece::LayerNorm { scale, shift, epsilon }], input));
            }
            "Flatten" if int("axis", 1) == 1 => return one(LayerSpec::Flatten),
            "Reshape" => {
                let sizes = node.input.get(1).ok_or_else(unknown)?;
                let sizes = self.constant(sizes)?.ok_or_else(unknown)?.values;
                let sample = sizes.get(1..).filter(|sample| !sample.is_empty());
                let sample = sample.ok_or_else(unknown)?;
                return Ok((
                    vec![Piece::Reshape(sample.iter().map(|&s| s as i64).collect())],
                    input,
                ));
            }
            "Sub" => {
                if let Some(tanh) = node.input.get(1).and_then(|b| self.made_by(b, "Tanh"))
                    && tanh.input.first() == Some(&input)
                {
                    return one(LayerSpec::Tanhshrink);
                }
            }
            "Add" | "Sum" if node.input.len() == 2 => {
                if let Some((constant, x)) = self.with_constant(node)? {
                    return Ok((vec![Piece::Bias(constant)], x));
                }
                // A residual connection: one operand is made of the other.
                let [a, b] = &node.input[..] else { unreachable!("there are two") };
                for (x, branch) in [(a, b), (b, a)] {
                    if let Ok(branch) = self.chain(branch, x, depth + 1) {
                        return Ok((vec![Piece::Residual(branch)], x.clone()));
                    }
                }
            }
            "Mul" => {
                if let Some(found) = self.product(node)? {
                    return Ok(found);
                }
            }
            "Concat" => {
                // 1 − p beside p
                if let [a, p] = &node.input[..]
                    && let Some(difference) = self.made_by(a, "Sub")
                    && let [from, q] = &difference.input[..]
                    && p == q
                    && self.constant(from)?.and_then(|c| c.number()) == Some(1.0)
                    && let Some(sigmoid) = self.made_by(p, "Sigmoid")
                {
                    let z = sigmoid.input.first().ok_or_else(unknown)?;
                    return Ok((vec![Piece::TwoClasses], z.clone()));
                }
            }
            _ => {}
        }
        Err(unknown())
    }

    /// The operands of a product that are no numbers, and the product of the numbers.
    fn operands(&mut self, node: &Node) -> Step<(f64, Vec<String>)> {
        let (mut factor, mut values) = (1.0, vec![]);
        for input in &node.input {
            match self.constant(input)? {
                Some(constant) if constant.values.len() == 1 => factor *= constant.values[0],
                _ => values.push(input.clone()),
            }
        }
        Ok((factor, values))
    }

    /// A product that is an activation.
    fn product(&mut self, node: &Node) -> Step<Option<(Vec<Piece>, String)>> {
        let (factor, mut values) = self.operands(node)?;
        let mut forms = vec![(factor, values.clone())];
        // A number may be multiplied with the product of the others, or with one of them before.
        if let [inner] = &values[..]
            && let Some(inner) = self.made_by(inner, "Mul")
        {
            let (more, inner) = self.operands(inner)?;
            forms.push((factor * more, inner));
        } else if values.len() == 2 {
            let mut factor = factor;
            for value in &mut values {
                if let Some(inner) = self.made_by(value, "Mul")
                    && let (more, [only]) = (self.operands(inner)?.0, &self.operands(inner)?.1[..])
                {
                    factor *= more;
                    *value = only.clone();
                }
            }
            forms.push((factor, values));
        }
        for (factor, values) in forms {
            let [a, b] = &values[..] else { continue };
            for (x, f) in [(a, b), (b, a)] {
                if let Some((piece, from)) = self.gated(factor, x, f)? {
                    return Ok(Some((vec![piece], from)));
                }
            }
        }
        Ok(None)
    }

    /// The activation `factor · x · f`, if it is one.
    fn gated(&mut self, factor: f64, x: &str, f: &str) -> Step<Option<(Piece, String)>> {
        let close = |a: f64, b: f64| (a - b).abs() < 1e-5;
        let first = |node: &'g Node| node.input.first().map(|input| &**input);
        let layer = |layer| Ok(Some((Piece::Layer(layer), x.to_owned())));
        if close(factor, 1.0) {
            let sigmoid = self.made_by(f, "Sigmoid").and_then(first);
            if sigmoid == Some(x) {
                return layer(LayerSpec::Silu);
            }
            let tanh = self.made_by(f, "Tanh").and_then(first);
            let softplus = tanh.and_then(|t| self.made_by(t, "Softplus")).and_then(first);
            if softplus == Some(x) {
                return layer(LayerSpec::Mish);
            }
            // The two halves of one value.
            if let (Some(gate), Some(split)) = (sigmoid, self.made_by(x, "Split"))
                && let [low, high] = &split.output[..]
                && (&**low, &**high) == (x, gate)
                && let Some(source) = first(split)
            {
                return Ok(Some((Piece::Glu, source.to_owned())));
            }
        }
        if !close(factor, 0.5) {
            return Ok(None);
        }
        let Some(sum) = self.made_by(f, "Add") else { return Ok(None) };
        let Some((one, inner)) = self.with_constant(sum)? else { return Ok(None) };
        if one.number() != Some(1.0) {
            return Ok(None);
        }
        let root = 0.5f64.sqrt();
        if let Some(erf) = self.made_by(&inner, "Erf").and_then(first)
            && let Some(scaled) = self.producer(erf)
            && let Some((number, of)) = self.with_constant(scaled)?
            && of == x
            && let Some(number) = number.number()
            && ((scaled.op_type == "Mul" && close(number, root))
                || (scaled.op_type == "Div" && close(number, 1.0 / root)))
        {
            return layer(LayerSpec::Gelu);
        }
        // √(2/π) · (x + 0.044715 · x³)
        if let Some(tanh) = self.made_by(&inner, "Tanh").and_then(first)
            && let Some(scaled) = self.made_by(tanh, "Mul")
            && let (root, [sum]) = (self.operands(scaled)?.0, &self.operands(scaled)?.1[..])
            && close(root, (2.0 / std::f64::consts::PI).sqrt())
            && let Some(sum) = self.made_by(sum, "Add")
            && let [a, b] = &sum.input[..]
            && let Some(cubic) = [(a, b), (b, a)].into_iter().find(|(a, _)| *a == x)
            && let Some(cubic) = self.made_by(cubic.1, "Mul")
            && let (factor, [cube]) = (self.operands(cubic)?.0, &self.operands(cubic)?.1[..])
            && close(factor, 0.044715)
            && self.is_cube(cube, x)?
        {
            return layer(LayerSpec::GeluTanh);
        }
        Ok(None)
    }

    fn is_cube(&mut self, cube: &str, x: &str) -> Step<bool> {
        if let Some(power) = self.made_by(cube, "Pow") {
            let [base, exponent] = &power.input[..] else { return Ok(false) };
            let exponent = self.constant(exponent)?.and_then(|c| c.number());
            return Ok(base == x && exponent == Some(3.0));
        }
        let square = |name: &str| {
            let node = self.made_by(name, "Mul");
            node.is_some_and(|node| node.input.len() == 2 && node.input.iter().all(|i| i == x))
        };
        let product = self.made_by(cube, "Mul").map(|node| &node.input[..]);
        Ok(match product {
            Some([a, b]) => (a == x && square(b)) || (b == x && square(a)),
            _ => false,
        })
    }
}

/// A float of an attribute, as its shortest decimal says.
fn short(f: f32) -> f64 {
    f.to_string().parse().unwrap_or(f.into())
}

fn transposed(constant: Constant) -> Constant {
    let [rows, columns] = constant.shape[..] else { return constant };
    let mut values = Vec::with_capacity(constant.values.len());
    for column in 0..columns {
        values.extend((0..rows).map(|row| constant.values[row * columns + column]));
    }
    Constant { shape: vec![columns, rows], values }
}

/// A constant as a vector of so many numbers.
fn row(constant: Constant, len: usize) -> Option<Vec<f64>> {
    let axes = constant.shape.iter().filter(|&&size| size != 1).count();
    match constant.values.len() {
        1 => Some(vec![constant.values[0]; len]),
        own if own == len && axes <= 1 => Some(constant.values),
        _ => None,
    }
}
