//! `.pt` and `.pth`: state dicts that `torch.save` wrote, without PyTorch.
//!
//! ```python
//! torch.save(model.state_dict(), "model.pt")
//! ```
//!
//! Such a file is a zip file with a pickle, which is a program, and the tensors' bytes. The reader knows the
//! instructions that build dictionaries, lists, numbers and tensors. It executes nothing, and refuses any
//! other instruction or class by its name. So it takes files from anywhere.
//!
//! | read | |
//! |---|---|
//! | a state dict | [`load`] |
//! | a dictionary of state dicts, numbers, texts and lists, such as `{"model": …, "epoch": 3}` | [`Reader::at`] |
//! | tensors of any strides and offset, views of one storage, parameters | each with its own values |
//!
//! Whole modules (`torch.save(model)`), TorchScript, files of PyTorch before 1.6, and tensors that are
//! quantized, sparse or complex are refused. In PyTorch, save `model.state_dict()`.
//!
//! # Elements
//! Those of [`safetensors`](crate::safetensors#elements), in either byte order.

mod pickle;
mod tensor;

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use fanin_nn::Parameters;
use fanin_tensor::{Scalar, Tensor};

use crate::archive::Archive;
use crate::entry::Entry;
use crate::error::{Error, Result, shown};
use crate::report::Report;
use crate::{file, model};
use pickle::{Machine, Value};

/// Gives every parameter and buffer of a model the value of a state dict.
///
/// # Errors
/// If the file is broken or has more than a state dict, or its names and shapes are not those of the model.
/// Then the model is unchanged.
#[doc(alias("torch.load", "load_state_dict"))]
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
    let state = State { bytes, path: file::bytes(), keys: &[] };
    state.with(|entries| model::load(model, entries, false, file::bytes()).map(drop))
}

/// Gives a model the values of a state dict that fit it, and says what did not.
///
/// # Errors
/// If the file is broken or has more than a state dict. Then the model is unchanged.
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
    let state = State { bytes, path: file::bytes(), keys: &[] };
    state.with(|entries| model::load(model, entries, true, file::bytes()))
}

/// All tensors of a state dict, in its order.
///
/// # Errors
/// If the file is broken or has more than a state dict, or the tensors take more than sixteen times the file.
pub fn read<T: Scalar>(path: impl AsRef<Path>) -> Result<Vec<(String, Tensor<T>)>> {
    Reader::open(path)?.tensors()
}

/// [`read`] from memory.
///
/// # Errors
/// As [`read`].
pub fn read_bytes<T: Scalar>(bytes: &[u8]) -> Result<Vec<(String, Tensor<T>)>> {
    State { bytes, path: file::bytes(), keys: &[] }.tensors()
}

/// A file in memory, and which of its dictionaries is read.
pub struct Reader {
    bytes: Vec<u8>,
    path: PathBuf,
    keys: Vec<String>,
}

impl Reader {
    /// Reads a file. Its content is looked at when it is loaded.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        Ok(Self { bytes: file::read(path)?, path: path.to_owned(), keys: vec![] })
    }

    /// A file that is in memory.
    pub fn from_bytes(bytes: Vec<u8>) -> Self {
        Self { bytes, path: file::bytes().to_owned(), keys: vec![] }
    }

    /// The dictionary under this key: `at("model")` for a file of `{"model": model.state_dict(), …}`.
    #[must_use]
    pub fn at(mut self, key: impl Into<String>) -> Self {
        self.keys.push(key.into());
        self
    }

    fn state(&self) -> State<'_> {
        State { bytes: &self.bytes, path: &self.path, keys: &self.keys }
    }

    /// [`load`](fn@load) from this dictionary.
    ///
    /// # Errors
    /// As there.
    pub fn load<T: Scalar, M: Parameters<T> + ?Sized>(&self, model: &mut M) -> Result<()> {
        self.state().with(|entries| model::load(model, entries, false, &self.path).map(drop))
    }

    /// [`load_partial`](fn@load_partial) from this dictionary.
    ///
    /// # Errors
    /// As there.
    pub fn load_partial<T: Scalar, M: Parameters<T> + ?Sized>(
        &self,
        model: &mut M,
    ) -> Result<Report> {
        self.state().with(|entries| model::load(model, entries, true, &self.path))
    }

    /// All tensors of this dictionary.
    ///
    /// # Errors
    /// As [`read`].
    pub fn tensors<T: Scalar>(&self) -> Result<Vec<(String, Tensor<T>)>> {
        self.state().tensors()
    }
}

/// A dictionary of a file.
struct State<'f> {
    bytes: &'f [u8],
    path: &'f Path,
    keys: &'f [String],
}

impl State<'_> {
    fn tensors<T: Scalar>(&self) -> Result<Vec<(String, Tensor<T>)>> {
        let mut room = self.bytes.len().saturating_mul(16).saturating_add(1 << 16);
        self.with(|entries| {
            let mut tensors = vec![];
            for entry in entries {
                let refuse = |why: String| {
                    Error::malformed(self.path, format!("tensor {} {why}", shown(&entry.name)))
                };
                let size = entry.len().and_then(|len| len.checked_mul(size_of::<T>()));
                match size.and_then(|size| room.checked_sub(size)) {
                    Some(rest) => room = rest,
                    None => return Err(refuse("is larger than sixteen times the file".into())),
                }
                tensors.push((entry.name.clone(), entry.values().map_err(refuse)?));
            }
            Ok(tensors)
        })
    }

    /// Hands on the tensors of the dictionary.
    fn with<R>(&self, f: impl FnOnce(&[Entry<'_>]) -> Result<R>) -> Result<R> {
        let refuse = |why: String| Error::malformed(self.path, why);
        if self.bytes.starts_with(b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.") {
            let what = "is of PyTorch before 1.6; load and save it once with a later one";
            return Err(Error::unsupported(self.path, what));
        }
        let archive = Archive::open(self.bytes).map_err(refuse)?;
        let pickle = archive.members.iter().find_map(|member| {
            Some((member, member.name.strip_suffix("/data.pkl").filter(|top| !top.contains('/'))?))
        });
        let Some((member, top)) = pickle else {
            return Err(refuse("has no data.pkl, so torch.save did not write it".into()));
        };
        let program = usize::try_from(member.size()).ok().filter(|_| member.is_stored());
        let program = program.ok_or("is packed; torch.save stores".to_owned());
        let program = program.and_then(|size| member.all(size));
        let program = program.map_err(|why| refuse(format!("data.pkl {why}")))?;
        let storages = tensor::Storages::new(&archive, top).map_err(refuse)?;
        let mut machine = Machine::new(&program);
        let top = machine.run().map_err(refuse)?;
        let mut dict = top;
        for key in self.keys {
            let found = machine.get(dict, key);
            let Some(found) = found else {
                let keys = machine.keys(dict);
                return Err(refuse(format!(
                    "has no key {:?} there; it has {}",
                    shown(key),
                    shown(&keys.join(", "))
                )));
            };
            dict = found;
        }
        let Value::Dict(items) = machine.value(dict) else {
            let what = machine.value(dict).kind();
            return Err(refuse(format!("holds {what} and no dictionary; save model.state_dict()")));
        };
        let (mut entries, mut names, mut axes) = (vec![], HashSet::new(), 0);
        for &(key, value) in items {
            let name = match machine.value(key) {
                Value::Text(name) => (*name).to_owned(),
                other => return Err(refuse(format!("has {} for a key", other.kind()))),
            };
            if !names.insert(key) {
                return Err(refuse(format!("has two tensors named {}", shown(&name))));
            }
            match machine.value(value) {
                Value::Tensor(tensor) => {
                    let entry = storages.entry(&name, *tensor, &machine).map_err(|why| {
                        refuse(format!("tensor {} {why}; save it again", shown(&name)))
                    })?;
                    // Each axis takes some bytes of the program, unless many tensors share a shape.
                    axes += entry.shape.len();
                    if axes > program.len() {
                        return Err(refuse("has tensors that share their shapes".into()));
                    }
                    entries.push(entry);
                }
                other => {
                    let keys = shown(&machine.keys(dict).join(", "));
                    return Err(Error::unsupported(
                        self.path,
                        format!(
                            "is no state dict: it has {} at {}; choose a dictionary by \
                             torch::Reader::at, of {keys}",
                            other.kind(),
                            shown(&name)
                        ),
                    ));
                }
            }
        }
        f(&entries)
    }
}
