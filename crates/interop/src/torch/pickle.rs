//! [`Machine`]: the instructions of a pickle that build data, and no others.
//!
//! Every instruction adds at most one value of 40 bytes, and no text or shape is copied. So memory stays within
//! a multiple of the program, and each instruction is read once.

use std::collections::HashMap;

use crate::error::shown;

/// The number of a value.
pub(super) type Ref = usize;

#[derive(Debug)]
pub(super) enum Value<'p> {
    None,
    Bool,
    Int(i64),
    Float,
    Text(&'p str),
    Tuple(Vec<Ref>),
    List(Vec<Ref>),
    /// A dictionary, ordered or not.
    Dict(Vec<(Ref, Ref)>),
    Global(Global),
    Storage(StorageOf<'p>),
    Tensor(TensorOf),
}

/// The names that a program may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Global {
    OrderedDict,
    RebuildTensor,
    RebuildParameter,
    /// The class of a storage, by its number in [`STORAGES`].
    Storage(u8),
}

/// A storage: its class, its key and its number of elements.
#[derive(Clone, Copy, Debug)]
pub(super) struct StorageOf<'p> {
    class: u8,
    pub(super) key: &'p str,
    pub(super) len: usize,
}

impl StorageOf<'_> {
    pub(super) fn class(&self) -> &'static str {
        STORAGES[usize::from(self.class)]
    }
}

/// A view of a storage, in elements.
#[derive(Clone, Copy, Debug)]
pub(super) struct TensorOf {
    pub(super) storage: Ref,
    pub(super) offset: usize,
    pub(super) shape: Ref,
    pub(super) strides: Ref,
}

impl Value<'_> {
    /// For messages.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::None => "None",
            Self::Bool => "a bool",
            Self::Int(_) => "an int",
            Self::Float => "a float",
            Self::Text(_) => "a text",
            Self::Tuple(_) => "a tuple",
            Self::List(_) => "a list",
            Self::Dict(_) => "a dictionary",
            Self::Global(_) => "a class",
            Self::Storage(_) => "a storage",
            Self::Tensor(_) => "a tensor",
        }
    }
}

/// What a program has built so far.
pub(super) struct Machine<'p> {
    rest: &'p [u8],
    values: Vec<Value<'p>>,
    stack: Vec<Ref>,
    /// Where in the stack the marks are.
    marks: Vec<usize>,
    memo: HashMap<u32, Ref>,
    /// A program has at most this many values: each takes two bytes, but for those that are shared.
    most: usize,
}

/// The numbers of the values that all programs share, because one byte makes them.
const NONE: Ref = 0;
const BOOL: Ref = 1;
const EMPTY: Ref = 2;

type Result<T> = std::result::Result<T, String>;

fn broken() -> String {
    "has a data.pkl that is broken; save it again".into()
}

impl<'p> Machine<'p> {
    pub(super) fn new(program: &'p [u8]) -> Self {
        Self {
            rest: program,
            values: vec![Value::None, Value::Bool, Value::Tuple(vec![])],
            stack: vec![],
            marks: vec![],
            memo: HashMap::new(),
            most: 3 + program.len() / 2,
        }
    }

    pub(super) fn value(&self, at: Ref) -> &Value<'p> {
        &self.values[at]
    }

    /// The value under a text of a dictionary.
    pub(super) fn get(&self, dict: Ref, wanted: &str) -> Option<Ref> {
        let Value::Dict(items) = self.value(dict) else { return None };
        let is = |key: Ref| matches!(self.value(key), Value::Text(text) if *text == wanted);
        items.iter().rev().find(|(key, _)| is(*key)).map(|&(_, value)| value)
    }

    /// The keys of a dictionary that are texts.
    pub(super) fn keys(&self, dict: Ref) -> Vec<&'p str> {
        let Value::Dict(items) = self.value(dict) else { return vec![] };
        let text = |&(key, _): &(Ref, Ref)| match self.value(key) {
            Value::Text(text) => Some(*text),
            _ => None,
        };
        items.iter().filter_map(text).collect()
    }

    /// Runs the program to its end, and gives what it built.
    pub(super) fn run(&mut self) -> Result<Ref> {
        loop {
            if self.values.len() > self.most {
                return Err(broken());
            }
            let [op] = self.bytes()?;
            match op {
                // PROTO and FRAME
                0x80 => {
                    let [version] = self.bytes()?;
                    if !(2..=5).contains(&version) {
                        return Err(format!(
                            "is a pickle of protocol {version}; 2 to 5 can be read"
                        ));
                    }
                }
                0x95 => drop(self.bytes::<8>()?),
                b'.' => return self.pop(),
                b'(' => self.marks.push(self.stack.len()),
                b'N' => self.stack.push(NONE),
                0x88 | 0x89 => self.stack.push(BOOL),
                b'J' => {
                    let int = i32::from_le_bytes(self.bytes()?);
                    self.push(Value::Int(int.into()));
                }
                b'K' => {
                    let [int] = self.bytes()?;
                    self.push(Value::Int(int.into()));
                }
                b'M' => {
                    let int = u16::from_le_bytes(self.bytes()?);
                    self.push(Value::Int(int.into()));
                }
                // LONG1
                0x8a => {
                    let [size] = self.bytes()?;
                    let int = long(self.take(size.into())?)?;
                    self.push(Value::Int(int));
                }
                b'G' => {
                    self.bytes::<8>()?;
                    self.push(Value::Float);
                }
                b'X' => {
                    let size = u32::from_le_bytes(self.bytes()?);
                    self.text(size.into())?;
                }
                0x8c => {
                    let [size] = self.bytes()?;
                    self.text(size.into())?;
                }
                0x8d => {
                    let size = u64::from_le_bytes(self.bytes()?);
                    self.text(size)?;
                }
                b')' => self.stack.push(EMPTY),
                0x85..=0x87 => {
                    let items = self.pop_many(usize::from(op - 0x84))?;
                    self.push(Value::Tuple(items));
                }
                b't' => {
                    let items = self.pop_mark()?;
                    self.push(Value::Tuple(items));
                }
                b']' => self.push(Value::List(vec![])),
                b'}' => self.push(Value::Dict(vec![])),
                b'a' => {
                    let item = self.pop()?;
                    self.append(vec![item])?;
                }
                b'e' => {
                    let items = self.pop_mark()?;
                    self.append(items)?;
                }
                b's' => {
                    let items = self.pop_many(2)?;
                    self.set(items)?;
                }
                b'u' => {
                    let items = self.pop_mark()?;
                    self.set(items)?;
                }
                b'c' => {
                    let (module, name) = (self.line()?, self.line()?);
                    self.global(module, name)?;
                }
                // STACK_GLOBAL
                0x93 => {
                    let items = self.pop_many(2)?;
                    match (self.value(items[0]), self.value(items[1])) {
                        (&Value::Text(module), &Value::Text(name)) => self.global(module, name)?,
                        _ => return Err(broken()),
                    }
                }
                b'R' => {
                    let items = self.pop_many(2)?;
                    self.reduce(items[0], items[1])?;
                }
                // BUILD: an ordered dictionary gets its attributes, which say nothing of tensors.
                b'b' => {
                    let items = self.pop_many(2)?;
                    if !matches!(self.value(items[0]), Value::Dict(_)) {
                        let kind = self.value(items[0]).kind();
                        return Err(format!("sets attributes of {kind}, which is refused"));
                    }
                    self.stack.push(items[0]);
                }
                b'Q' => {
                    let id = self.pop()?;
                    let storage = self.storage(id)?;
                    self.push(Value::Storage(storage));
                }
                b'q' => {
                    let [at] = self.bytes()?;
                    self.remember(at.into())?;
                }
                b'r' => {
                    let at = u32::from_le_bytes(self.bytes()?);
                    self.remember(at)?;
                }
                0x94 => {
                    let at = u32::try_from(self.memo.len()).map_err(|_| broken())?;
                    self.remember(at)?;
                }
                b'h' => {
                    let [at] = self.bytes()?;
                    self.recall(at.into())?;
                }
                b'j' => {
                    let at = u32::from_le_bytes(self.bytes()?);
                    self.recall(at)?;
                }
                other => return Err(refused(other)),
            }
        }
    }

    fn push(&mut self, value: Value<'p>) {
        self.stack.push(self.values.len());
        self.values.push(value);
    }

    /// Values below the last mark belong to an outer instruction.
    fn pop(&mut self) -> Result<Ref> {
        if self.marks.last().is_some_and(|&mark| self.stack.len() <= mark) {
            return Err(broken());
        }
        self.stack.pop().ok_or_else(broken)
    }

    fn pop_many(&mut self, count: usize) -> Result<Vec<Ref>> {
        let mut items = vec![];
        for _ in 0..count {
            items.push(self.pop()?);
        }
        items.reverse();
        Ok(items)
    }

    fn pop_mark(&mut self) -> Result<Vec<Ref>> {
        let mark = self.marks.pop().ok_or_else(broken)?;
        Ok(self.stack.split_off(mark))
    }

    fn top(&self) -> Result<Ref> {
        self.stack.last().copied().ok_or_else(broken)
    }

    fn append(&mut self, items: Vec<Ref>) -> Result<()> {
        let list = self.top()?;
        match &mut self.values[list] {
            Value::List(list) => list.extend(items),
            _ => return Err(broken()),
        }
        Ok(())
    }

    fn set(&mut self, items: Vec<Ref>) -> Result<()> {
        let dict = self.top()?;
        match &mut self.values[dict] {
            Value::Dict(dict) if items.len().is_multiple_of(2) => {
                dict.extend(items.chunks_exact(2).map(|pair| (pair[0], pair[1])));
            }
            _ => return Err(broken()),
        }
        Ok(())
    }

    fn remember(&mut self, at: u32) -> Result<()> {
        let top = self.top()?;
        self.memo.insert(at, top);
        Ok(())
    }

    fn recall(&mut self, at: u32) -> Result<()> {
        let value = *self.memo.get(&at).ok_or_else(broken)?;
        self.stack.push(value);
        Ok(())
    }

    fn take(&mut self, size: usize) -> Result<&'p [u8]> {
        let (taken, rest) = self.rest.split_at_checked(size).ok_or_else(broken)?;
        self.rest = rest;
        Ok(taken)
    }

    fn bytes<const N: usize>(&mut self) -> Result<[u8; N]> {
        Ok(self.take(N)?.try_into().expect("N bytes"))
    }

    fn text(&mut self, size: u64) -> Result<()> {
        let bytes = self.take(usize::try_from(size).map_err(|_| broken())?)?;
        let text = std::str::from_utf8(bytes).map_err(|_| broken())?;
        self.push(Value::Text(text));
        Ok(())
    }

    fn line(&mut self) -> Result<&'p str> {
        let end = self.rest.iter().position(|&byte| byte == b'\n').ok_or_else(broken)?;
        let line = self.take(end)?;
        self.take(1)?;
        std::str::from_utf8(line).map_err(|_| broken())
    }

    fn global(&mut self, module: &str, name: &str) -> Result<()> {
        let global = match (module, name) {
            ("collections", "OrderedDict") => Global::OrderedDict,
            ("torch._utils", "_rebuild_tensor_v2") => Global::RebuildTensor,
            ("torch._utils", "_rebuild_parameter") => Global::RebuildParameter,
            ("torch", name) => match (0..).zip(STORAGES).find(|(_, storage)| *storage == name) {
                Some((class, _)) => Global::Storage(class),
                None => return Err(unknown(module, name)),
            },
            _ => return Err(unknown(module, name)),
        };
        self.push(Value::Global(global));
        Ok(())
    }

    /// Calls a function.
    fn reduce(&mut self, function: Ref, arguments: Ref) -> Result<()> {
        let (Value::Global(global), Value::Tuple(arguments)) =
            (self.value(function), self.value(arguments))
        else {
            return Err(broken());
        };
        match (global, &arguments[..]) {
            (Global::OrderedDict, []) => self.push(Value::Dict(vec![])),
            (Global::RebuildTensor, &[storage, offset, shape, strides, _, _, ..]) => {
                let offset = self.size(offset)?;
                self.push(Value::Tensor(TensorOf { storage, offset, shape, strides }));
            }
            (Global::RebuildParameter, &[tensor, _, _]) => match self.value(tensor) {
                Value::Tensor(_) => self.stack.push(tensor),
                _ => return Err(broken()),
            },
            _ => return Err(broken()),
        }
        Ok(())
    }

    pub(super) fn storage_of(&self, at: Ref) -> Result<StorageOf<'p>> {
        match self.value(at) {
            Value::Storage(storage) => Ok(*storage),
            _ => Err(broken()),
        }
    }

    /// `('storage', class, key, device, length)`
    fn storage(&self, id: Ref) -> Result<StorageOf<'p>> {
        let Value::Tuple(id) = self.value(id) else { return Err(broken()) };
        let &[kind, class, key, _, len] = &id[..] else { return Err(broken()) };
        match (self.value(kind), self.value(class), self.value(key)) {
            (Value::Text("storage"), Value::Global(Global::Storage(class)), Value::Text(key)) => {
                Ok(StorageOf { class: *class, key, len: self.size(len)? })
            }
            _ => Err(broken()),
        }
    }

    fn size(&self, at: Ref) -> Result<usize> {
        match self.value(at) {
            Value::Int(size) => usize::try_from(*size).map_err(|_| broken()),
            _ => Err(broken()),
        }
    }

    pub(super) fn sizes(&self, at: Ref) -> Result<Vec<usize>> {
        /// PyTorch has at most as many axes.
        const AXES: usize = 64;
        match self.value(at) {
            Value::Tuple(sizes) if sizes.len() <= AXES => {
                sizes.iter().map(|&size| self.size(size)).collect()
            }
            _ => Err(broken()),
        }
    }
}

/// The storages of PyTorch, with elements that can be read or not.
const STORAGES: [&str; 12] = [
    "FloatStorage",
    "DoubleStorage",
    "HalfStorage",
    "BFloat16Storage",
    "LongStorage",
    "IntStorage",
    "ShortStorage",
    "CharStorage",
    "ByteStorage",
    "BoolStorage",
    "ComplexFloatStorage",
    "ComplexDoubleStorage",
];

/// A little-endian integer in two's complement.
fn long(bytes: &[u8]) -> Result<i64> {
    if bytes.len() > 8 {
        return Err(broken());
    }
    let negative = bytes.last().is_some_and(|byte| byte & 0x80 != 0);
    let mut all = if negative { [0xff; 8] } else { [0; 8] };
    all[..bytes.len()].copy_from_slice(bytes);
    Ok(i64::from_le_bytes(all))
}

fn unknown(module: &str, name: &str) -> String {
    let (module, name) = (shown(module), shown(name));
    let whole = if module.starts_with("torch.nn") || module.starts_with("__") {
        "it is a whole model. "
    } else {
        ""
    };
    format!(
        "uses {module}.{name}, which is refused: {whole}Only tensors, numbers, texts, lists and \
         dictionaries are read; in PyTorch, save model.state_dict()"
    )
}

fn refused(op: u8) -> String {
    let name = match op {
        b'i' => "INST",
        b'o' => "OBJ",
        0x81 => "NEWOBJ",
        0x92 => "NEWOBJ_EX",
        b'P' => "PERSID",
        0x82..=0x84 => "EXT",
        _ => return format!("has the instruction {op:#04x} of pickle, which is refused"),
    };
    format!("has the instruction {name} of pickle, which makes objects of any class and is refused")
}
