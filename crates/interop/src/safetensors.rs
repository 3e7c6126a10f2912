//! `.safetensors`: the format of Hugging Face, with PyTorch's names and layout.
//!
//! ```python
//! model.load_state_dict(safetensors.torch.load_file("model.safetensors"))
//! ```
//!
//! [`save`] and [`load`] take any model. [`Writer`] adds to the tensors what makes a model whole:
//!
//! | metadata | |
//! |---|---|
//! | `format` | `pt` |
//! | `fanin.architecture` | the [`NetworkSpec`] in JSON |
//! | `fanin.optimizer` | name, learning rate, and the steps of each parameter in JSON; see [`Writer::optimizer`] |
//!
//! # Elements
//! A model's elements are written as they are, `F32` or `F64`. `F16`, `BF16`, `F32` and `F64` are read. The
//! first three are exact in `f32` and `f64`. An `F64` is rounded to the nearest `f32`, and refused if it is
//! beyond `f32`. Other types are refused, but for the integer `num_batches_tracked`.
//!
//! Integrity: the format has no checksum. A changed value is read as what it says.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use ::safetensors::tensor::TensorView;
use ::safetensors::{Dtype, SafeTensors};
use fanin_nn::layers::NetworkSpec;
use fanin_nn::optim::{OptimizerState, ParamState};
use fanin_nn::{Parameters, Sequential};
use fanin_tensor::{Scalar, Tensor};
use serde::{Deserialize, Serialize};

use crate::element::{Element, to_bytes as element_bytes};
use crate::entry::{Bytes, Entry, Layout};
use crate::error::{Error, Result, shown};
use crate::file;
use crate::model::{self, slots, tensors};
use crate::names::{counters, named};
use crate::report::Report;

const ARCHITECTURE: &str = "fanin.architecture";
const OPTIMIZER: &str = "fanin.optimizer";
/// What the names of an optimizer's tensors begin with.
const PREFIX: &str = "optimizer.";

/// Writes a model's parameters and buffers to a file, under PyTorch's names, and replaces an existing file.
///
/// # Errors
/// If the operating system refuses. Then nothing has changed on the disk.
#[doc(alias("save_file", "state_dict"))]
pub fn save<T: Scalar, M: Parameters<T> + ?Sized>(model: &M, path: impl AsRef<Path>) -> Result<()> {
    Writer::new(model).save(path)
}

/// The bytes that [`save`] would write.
///
/// # Errors
/// If two parameters have one name.
pub fn to_bytes<T: Scalar, M: Parameters<T> + ?Sized>(model: &M) -> Result<Vec<u8>> {
    Writer::new(model).to_bytes()
}

/// Gives every parameter and buffer of a model the file's value.
///
/// # Errors
/// If the file is broken, or its names and shapes are not those of the model: [`Error::OtherModel`] lists
/// what is missing, unexpected and mismatched. Then the model is unchanged.
#[doc(alias("load_file", "load_state_dict"))]
pub fn load<T: Scalar, M: Parameters<T> + ?Sized>(
    model: &mut M,
    path: impl AsRef<Path>,
) -> Result<()> {
    Reader::open(path)?.load(model)
}

/// [`load`] from memory.
///
/// # Errors
/// As [`load`], with `bytes` for the file's name.
pub fn load_bytes<T: Scalar, M: Parameters<T> + ?Sized>(model: &mut M, bytes: &[u8]) -> Result<()> {
    read_bytes(bytes, file::bytes(), |entries, _| {
        model::load(model, entries, false, file::bytes()).map(drop)
    })
}

/// Gives a model the values of the file that fit it, and says what did not.
///
/// # Errors
/// If the file is broken. Then the model is unchanged.
///
/// # Example
/// ```
/// use fanin_interop::safetensors::{Writer, load_partial_bytes};
/// use fanin_nn::{Linear, Sequential};
///
/// let digits = Sequential::new().add(Linear::new(8, 16)).add(Linear::new(16, 10));
/// let mut letters = Sequential::new().add(Linear::new(8, 16)).add(Linear::new(16, 26));
/// let report = load_partial_bytes(&mut letters, &Writer::new(&digits).to_bytes()?)?;
/// assert_eq!(report.loaded, ["0.weight", "0.bias"]);
/// assert_eq!(
///     report.to_string(),
///     "2 loaded; 1.weight is 26×16 here and 10×16 in the file, 1.bias is 26 here and 10 in the file"
/// );
/// # Ok::<(), fanin_interop::Error>(())
/// ```
#[doc(alias("strict=False"))]
pub fn load_partial<T: Scalar, M: Parameters<T> + ?Sized>(
    model: &mut M,
    path: impl AsRef<Path>,
) -> Result<Report> {
    Reader::open(path)?.load_partial(model)
}

/// [`load_partial`] from memory.
///
/// # Errors
/// As [`load_partial`].
pub fn load_partial_bytes<T: Scalar, M: Parameters<T> + ?Sized>(
    model: &mut M,
    bytes: &[u8],
) -> Result<Report> {
    read_bytes(bytes, file::bytes(), |entries, _| model::load(model, entries, true, file::bytes()))
}

/// Writes a model with its architecture, an optimizer's state, and metadata of your own.
///
/// # Example
/// A network is rebuilt from the file alone:
/// ```
/// use fanin_interop::safetensors::{Reader, Writer};
/// use fanin_nn::layers::{LayerSpec, LinearSpec, NetworkSpec};
/// use fanin_nn::{Module, Sequential, Tensor};
///
/// let spec = NetworkSpec { layers: vec![LinearSpec::new(4, 8).into(), LayerSpec::Tanh] };
/// let model = Sequential::from_spec(&spec).unwrap();
/// let bytes = Writer::new(&model).architecture(&spec).to_bytes()?;
///
/// let rebuilt = Reader::from_bytes(bytes)?.build()?;
/// let x = Tensor::ones([2, 4]);
/// assert_eq!(rebuilt.predict(&x), model.predict(&x));
/// # Ok::<(), fanin_interop::Error>(())
/// ```
#[must_use = "call save() or to_bytes()"]
pub struct Writer {
    /// Name, type, shape and bytes.
    tensors: Vec<(String, Dtype, Vec<usize>, Vec<u8>)>,
    /// Path in the model and name in the file.
    names: Vec<(String, String)>,
    metadata: HashMap<String, String>,
}

/// What `fanin.optimizer` says in JSON.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct OptimizerHead {
    optimizer: String,
    lr: f64,
    /// By the parameters' names in the file.
    steps: BTreeMap<String, u64>,
    /// The slots in the optimizer's order, as the file names them.
    #[serde(default)]
    slots: Vec<String>,
}

/// How PyTorch names what an optimizer remembers: optimizer, fanin's name, PyTorch's name.
const SLOTS: [(&str, &str, &str); 7] = [
    ("Adam", "m", "exp_avg"),
    ("Adam", "v", "exp_avg_sq"),
    ("Adam", "max", "max_exp_avg_sq"),
    ("AdamW", "m", "exp_avg"),
    ("AdamW", "v", "exp_avg_sq"),
    ("AdamW", "max", "max_exp_avg_sq"),
    ("Sgd", "velocity", "momentum_buffer"),
];

fn dtype<T: Scalar>() -> Dtype {
    if T::IS_F32 { Dtype::F32 } else { Dtype::F64 }
}

impl Writer {
    /// A writer of this model's parameters and buffers.
    pub fn new<T: Scalar, M: Parameters<T> + ?Sized>(model: &M) -> Self {
        let (mut all, mut names) = (vec![], vec![]);
        let tensors = tensors(model);
        let slots: Vec<_> = slots(model);
        for ((slot, value), name) in tensors.into_iter().zip(named(&slots)) {
            names.push((slot.path.clone(), name.written.clone()));
            let entry = if slot.is_buffer && slot.path.ends_with(crate::names::BATCHES) {
                let count = value.as_slice().iter().flat_map(|n| (n.to_f64() as i64).to_le_bytes());
                (name.written, Dtype::I64, slot.shape, count.collect())
            } else {
                (name.written, dtype::<T>(), slot.shape, element_bytes(value.as_slice()))
            };
            all.push(entry);
        }
        for name in counters(&slots) {
            all.push((name, Dtype::I64, vec![], 0i64.to_le_bytes().to_vec()));
        }
        let mut metadata = HashMap::from([("format".into(), "pt".into())]);
        metadata.extend(model.architecture().map(|json| (ARCHITECTURE.into(), json)));
        Self { tensors: all, names, metadata }
    }

    /// States the description of the network, so that [`Reader::build`] and the Python module `fanin_torch`
    /// can rebuild it. A [`Sequential`] of fanin's layers states its own.
    pub fn architecture(mut self, spec: &NetworkSpec) -> Self {
        let json = serde_json::to_string(spec).expect("a description has no maps with odd keys");
        self.metadata.insert(ARCHITECTURE.into(), json);
        self
    }

    /// Adds a line of metadata. `value` is any text.
    pub fn metadata(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.metadata.insert(key.into(), value.into());
        self
    }

    /// Adds what an optimizer remembers: [`Optimizer::state`](fanin_nn::Optimizer::state).
    ///
    /// Each slot is a tensor `optimizer.<parameter>.<slot>`, with PyTorch's names of the slots:
    ///
    /// | optimizer | fanin | PyTorch |
    /// |---|---|---|
    /// | Adam, AdamW | `m`, `v`, `max` | `exp_avg`, `exp_avg_sq`, `max_exp_avg_sq` |
    /// | Sgd | `velocity` | `momentum_buffer` |
    ///
    /// Options such as betas and weight decay are no part of the state. State them again in PyTorch.
    ///
    /// # Example
    /// ```
    /// use fanin_interop::safetensors::{Reader, Writer};
    /// use fanin_nn::optim::OptimizerState;
    /// use fanin_nn::{Adam, Linear, Module, Optimizer, Tape, Tensor};
    ///
    /// let (mut model, mut adam) = (Linear::new(2, 1), Adam::new(0.1));
    /// let x = Tensor::ones([4, 2]);
    /// let mut tape = Tape::new();
    /// let (_, grads) = tape.value_and_grad(|t| model.forward(t.input(&x)).square().mean());
    /// adam.step(&mut model, grads);
    ///
    /// let state: OptimizerState = adam.state();
    /// let file = Reader::from_bytes(Writer::new(&model).optimizer(&state).to_bytes()?)?;
    /// assert_eq!(file.optimizer(&model)?, Some(state));
    /// # Ok::<(), fanin_interop::Error>(())
    /// ```
    pub fn optimizer<T: Scalar>(mut self, state: &OptimizerState<T>) -> Self {
        let (mut steps, mut slots) = (BTreeMap::new(), vec![]);
        for param in &state.params {
            let name = self.names.iter().find(|(path, _)| *path == param.path);
            let name = name.map_or(&param.path, |(_, name)| name).clone();
            for (slot, value) in &param.slots {
                let known = SLOTS
                    .iter()
                    .find(|(optimizer, own, _)| *optimizer == state.optimizer && own == slot);
                let slot = known.map_or(&**slot, |(_, _, torch)| torch);
                if !slots.iter().any(|known| known == slot) {
                    slots.push(slot.to_owned());
                }
                let bytes = element_bytes(value.as_slice());
                let shape = value.shape().to_vec();
                self.tensors.push((format!("{PREFIX}{name}.{slot}"), dtype::<T>(), shape, bytes));
            }
            steps.insert(name, param.steps);
        }
        let (optimizer, lr) = (state.optimizer.clone(), state.lr);
        let head = OptimizerHead { optimizer, lr, steps, slots };
        let json = serde_json::to_string(&head).expect("numbers and text");
        self.metadata.insert(OPTIMIZER.into(), json);
        self
    }

    /// The bytes of the file.
    ///
    /// # Errors
    /// If two tensors have one name.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        let mut views = BTreeMap::new();
        for (name, dtype, shape, bytes) in &self.tensors {
            let view = TensorView::new(*dtype, shape.clone(), bytes);
            let view = view.expect("as many bytes as the shape says");
            if views.insert(name, view).is_some() {
                let what = format!("the model has two parameters named {name}; name one anew");
                return Err(Error::unsupported(file::bytes(), what));
            }
        }
        ::safetensors::serialize(views, Some(self.metadata.clone()))
            .map_err(|error| Error::unsupported(file::bytes(), error.to_string()))
    }

    /// Writes the file, and replaces an existing one as a whole.
    ///
    /// # Errors
    /// If two tensors have one name, or the operating system refuses. Then nothing has changed on the disk.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        file::replace(path.as_ref(), &self.to_bytes()?)
    }
}

/// A file in memory, whose parts can be read one by one.
pub struct Reader {
    bytes: Vec<u8>,
    path: std::path::PathBuf,
}

impl Reader {
    /// Reads a file, and checks its head.
    ///
    /// # Errors
    /// If it cannot be read, or is no safetensors file.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        Self { bytes: file::read(path)?, path: path.to_owned() }.checked()
    }

    /// A file that is in memory.
    ///
    /// # Errors
    /// If it is no safetensors file.
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Self> {
        Self { bytes, path: file::bytes().to_owned() }.checked()
    }

    fn checked(self) -> Result<Self> {
        self.read(|_, _| Ok(()))?;
        Ok(self)
    }

    fn read<R>(
        &self,
        f: impl FnOnce(&[Entry<'_>], &HashMap<String, String>) -> Result<R>,
    ) -> Result<R> {
        read_bytes(&self.bytes, &self.path, f)
    }

    /// The names of the tensors, without those of an optimizer.
    ///
    /// # Errors
    /// None for a file that could be opened.
    pub fn names(&self) -> Result<Vec<String>> {
        self.read(|entries, _| Ok(entries.iter().map(|entry| entry.name.clone()).collect()))
    }

    /// The metadata.
    ///
    /// # Errors
    /// None for a file that could be opened.
    pub fn metadata(&self) -> Result<HashMap<String, String>> {
        self.read(|_, metadata| Ok(metadata.clone()))
    }

    /// [`load`](fn@load) from this file.
    ///
    /// # Errors
    /// As there.
    pub fn load<T: Scalar, M: Parameters<T> + ?Sized>(&self, model: &mut M) -> Result<()> {
        self.read(|entries, _| model::load(model, entries, false, &self.path).map(drop))
    }

    /// [`load_partial`](fn@load_partial) from this file.
    ///
    /// # Errors
    /// As there.
    pub fn load_partial<T: Scalar, M: Parameters<T> + ?Sized>(
        &self,
        model: &mut M,
    ) -> Result<Report> {
        self.read(|entries, _| model::load(model, entries, true, &self.path))
    }

    /// The description of the network, if the file has one.
    ///
    /// # Errors
    /// If it is no description of a network.
    pub fn architecture(&self) -> Result<Option<NetworkSpec>> {
        self.read(|_, metadata| {
            let Some(json) = metadata.get(ARCHITECTURE) else { return Ok(None) };
            let spec = serde_json::from_str(json).map_err(|error| {
                Error::malformed(&self.path, format!("its {ARCHITECTURE} cannot be read: {error}"))
            })?;
            Ok(Some(spec))
        })
    }

    /// The network that the file describes, with its values.
    ///
    /// Its layers are built first, and draw nothing, but for the vectors of a spectral norm.
    ///
    /// # Errors
    /// If the file has no architecture, or one that cannot be built or does not fit its tensors.
    pub fn build(&self) -> Result<Sequential> {
        let Some(spec) = self.architecture()? else {
            let what = format!(
                "has no {ARCHITECTURE}; build the model and load the file into it, or write it by \
                 Writer::architecture"
            );
            return Err(Error::unsupported(&self.path, what));
        };
        let limit = crate::file::network_limit(self.bytes.len());
        let model = Sequential::from_spec_with_limit(&spec.undrawn(), limit);
        let mut model = model.map_err(|error| Error::malformed(&self.path, error.to_string()))?;
        self.load(&mut model)?;
        Ok(model)
    }

    /// What an optimizer remembered, if the file has it. It goes into
    /// [`Optimizer::load_state`](fanin_nn::Optimizer::load_state).
    ///
    /// # Errors
    /// If its tensors do not fit the model, or what the file says of it cannot be read.
    pub fn optimizer<T: Scalar, M: Parameters<T> + ?Sized>(
        &self,
        model: &M,
    ) -> Result<Option<OptimizerState<T>>> {
        let refuse = |why: String| Error::malformed(&self.path, why);
        let (tensors, metadata) = parse(&self.bytes, &self.path)?;
        let Some(json) = metadata.get(OPTIMIZER) else { return Ok(None) };
        let head: OptimizerHead = serde_json::from_str(json)
            .map_err(|error| refuse(format!("its {OPTIMIZER} cannot be read: {error}")))?;
        let slots = slots(model);
        let names = named(&slots);
        let mut params = vec![];
        for (slot, names) in slots.iter().zip(&names).filter(|(slot, _)| !slot.is_buffer) {
            let Some(&steps) = head.steps.get(&names.written) else { continue };
            let before = format!("{PREFIX}{}.", names.written);
            let mut own: Vec<(Option<usize>, String, Tensor<T>)> = vec![];
            for entry in &tensors {
                let Some(torch) = entry.name.strip_prefix(&before) else { continue };
                let known = SLOTS.iter().position(|(optimizer, _, slot)| {
                    *optimizer == head.optimizer && *slot == torch
                });
                let name = match known {
                    Some(at) => SLOTS[at].1,
                    // Another parameter's name may begin with this one's.
                    None if torch.contains('.') => continue,
                    None => torch,
                };
                let values = entry.values();
                let values = values.map_err(|why| refuse(format!("{} {why}", entry.name)))?;
                let order = head.slots.iter().position(|slot| slot == torch).or(known);
                own.push((order, name.to_owned(), values));
            }
            own.sort_by_key(|(order, _, _)| *order);
            let own = own.into_iter().map(|(_, name, values)| (name, values)).collect();
            params.push(ParamState { path: slot.path.clone(), steps, slots: own });
        }
        if params.len() != head.steps.len() {
            let of = |name: &&String| !names.iter().any(|names| names.written == **name);
            let odd = head.steps.keys().find(of).map_or("a buffer", |name| &**name);
            return Err(refuse(format!(
                "its optimizer has trained {}, which the model does not have; build the model that was \
                 saved",
                shown(odd)
            )));
        }
        Ok(Some(OptimizerState { optimizer: head.optimizer, lr: head.lr, params }))
    }
}

fn element(dtype: Dtype) -> std::result::Result<Element, String> {
    Ok(match dtype {
        Dtype::F16 => Element::F16,
        Dtype::BF16 => Element::Bf16,
        Dtype::F32 => Element::F32,
        Dtype::F64 => Element::F64,
        Dtype::I8 => Element::Int(1),
        Dtype::I16 => Element::Int(2),
        Dtype::I32 => Element::Int(4),
        Dtype::I64 => Element::Int(8),
        Dtype::U8 => Element::Uint(1),
        Dtype::U16 => Element::Uint(2),
        Dtype::U32 => Element::Uint(4),
        Dtype::U64 => Element::Uint(8),
        other => return Err(format!("elements of type {other:?}")),
    })
}

fn parse<'f>(bytes: &'f [u8], path: &Path) -> Result<(Vec<Entry<'f>>, HashMap<String, String>)> {
    let refuse = |error: ::safetensors::SafeTensorError| {
        let why = shown(&error.to_string());
        Error::malformed(path, format!("is no whole safetensors file: {why}; save it again"))
    };
    let (_, head) = SafeTensors::read_metadata(bytes).map_err(refuse)?;
    let tensors = SafeTensors::deserialize(bytes).map_err(refuse)?;
    let mut entries = vec![];
    for (name, view) in tensors.iter() {
        entries.push(Entry {
            name: name.to_owned(),
            shape: view.shape().to_vec(),
            element: element(view.dtype()),
            big_endian: false,
            layout: Layout::RowMajor,
            bytes: Bytes::Slice(view.data()),
        });
    }
    entries.sort_by(|a, b| a.name.cmp(&b.name));
    Ok((entries, head.metadata().clone().unwrap_or_default()))
}

/// Hands on the tensors of a model and the metadata.
fn read_bytes<R>(
    bytes: &[u8],
    path: &Path,
    f: impl FnOnce(&[Entry<'_>], &HashMap<String, String>) -> Result<R>,
) -> Result<R> {
    let (mut entries, metadata) = parse(bytes, path)?;
    if metadata.contains_key(OPTIMIZER) {
        entries.retain(|entry| !entry.name.starts_with(PREFIX));
    }
    f(&entries, &metadata)
}
