//! [`Net`]: a graph, read from its output to its input.

use std::collections::HashMap;

use fanin_nn::layers::LayerSpec;

use super::build::Piece;
use super::proto::{Attribute, Node, TensorOf, data_type};
use crate::element::Element;
use crate::entry::{Bytes, Entry, Layout};
use crate::error::shown;

/// A constant tensor.
#[derive(Clone)]
pub(super) struct Constant {
    pub(super) shape: Vec<usize>,
    pub(super) values: Vec<f64>,
}

impl Constant {
    /// The only value.
    pub(super) fn number(&self) -> Option<f64> {
        match self.values[..] {
            [value] => Some(value),
            _ => None,
        }
    }
}

pub(super) type Step<R> = std::result::Result<R, String>;

/// A graph, read from its output to its input.
pub(super) struct Net<'g> {
    /// The node that makes a value, and its number: a graph lists a node behind those that it reads.
    pub(super) producers: HashMap<&'g str, (usize, &'g Node)>,
    pub(super) initializers: HashMap<&'g str, &'g TensorOf>,
    /// How many nodes may still be looked at: a graph can branch again and again.
    pub(super) steps: usize,
    /// How many numbers may still be read: nodes can share a tensor.
    pub(super) room: usize,
    pub(super) opset: i64,
}

/// How deep constants and residual branches may lie in each other.
const DEPTH: usize = 32;

impl<'g> Net<'g> {
    /// The layers that make `from` of `to`.
    pub(super) fn chain(&mut self, from: &str, to: &str, depth: usize) -> Step<Vec<Piece>> {
        if depth > DEPTH {
            return Err("has residual connections that lie too deep".into());
        }
        let (mut pieces, mut at) = (vec![], from.to_owned());
        while at != to {
            self.steps = self.steps.checked_sub(1).ok_or("has a graph that is too tangled")?;
            let Some(&(_, node)) = self.producers.get(&*at) else {
                return Err(format!("has no chain of layers to {}", shown(from)));
            };
            let (piece, next) = self.piece(node, depth)?;
            pieces.extend(piece);
            at = next;
        }
        pieces.reverse();
        Ok(pieces)
    }

    pub(super) fn producer(&self, name: &str) -> Option<&'g Node> {
        self.producers.get(name).map(|&(_, node)| node)
    }

    /// The node that makes a value, if it is this operation.
    pub(super) fn made_by(&self, name: &str, op: &str) -> Option<&'g Node> {
        self.producer(name).filter(|node| node.op_type == op)
    }

    /// The value of a constant, through operations that only move it.
    pub(super) fn constant(&mut self, name: &str) -> Step<Option<Constant>> {
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
    pub(super) fn with_constant(&mut self, node: &Node) -> Step<Option<(Constant, String)>> {
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
            "Where" => {
                if let Some((piece, from)) = self.choice(node)? {
                    return Ok((vec![piece], from));
                }
            }
            "Sin" => {
                if let Some(scaled) = self.made_by(&input, "Mul")
                    && let (omega, [x]) = (self.operands(scaled)?.0, &self.operands(scaled)?.1[..])
                {
                    return Ok((vec![Piece::Layer(LayerSpec::Sine(omega))], x.clone()));
                }
                return one(LayerSpec::Sine(1.0));
            }
            "Div" => {
                if let Some((piece, from)) = self.quotient(node)? {
                    return Ok((vec![piece], from));
                }
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
                if let Some((piece, from)) = self.shrunk(a, b)? {
                    return Ok((vec![piece], from));
                }
                // The network's input has no producer: it is `None`, which is less than any number.
                let number = |name: &str| self.producers.get(name).map(|(number, _)| *number);
                let (x, branch) = if number(a) <= number(b) { (a, b) } else { (b, a) };
                if let Ok(branch) = self.chain(branch, x, depth + 1) {
                    return Ok((vec![Piece::Residual(branch)], x.clone()));
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
}

/// A float of an attribute, as its shortest decimal says.
pub(super) fn short(f: f32) -> f64 {
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

/// A constant as a vector of this many numbers.
fn row(constant: Constant, len: usize) -> Option<Vec<f64>> {
    let axes = constant.shape.iter().filter(|&&size| size != 1).count();
    match constant.values.len() {
        1 => Some(vec![constant.values[0]; len]),
        own if own == len && axes <= 1 => Some(constant.values),
        _ => None,
    }
}
