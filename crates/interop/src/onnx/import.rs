//! [`Reader`]: a network from ONNX.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use fanin_nn::Sequential;
use fanin_nn::layers::NetworkSpec;
use prost::Message;

use super::build::describe;
use super::net::Net;
use super::proto::{Model, TensorOf, data_type};
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
        for (number, node) in graph.node.iter().enumerate() {
            for output in &node.output {
                producers.insert(&**output, (number, node));
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
