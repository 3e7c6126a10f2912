//! Tensors of a file of PyTorch's: views of storages.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::collections::HashMap;
use std::rc::Rc;

use super::pickle::{Machine, TensorOf};
use crate::archive::{Archive, Member};
use crate::element::Element;
use crate::entry::{Bytes, Entry, Layout};

/// The bytes of a storage, once somebody has asked for them.
type Checked<'f> = Rc<OnceCell<Result<Cow<'f, [u8]>, String>>>;

/// The storages of a file.
pub(super) struct Storages<'f> {
    by_key: HashMap<String, (Member<'f>, Checked<'f>)>,
    big_endian: bool,
}

impl<'f> Storages<'f> {
    /// `top` is the folder of the file's members.
    pub(super) fn new(archive: &Archive<'f>, top: &str) -> Result<Self, String> {
        let (mut by_key, mut big_endian) = (HashMap::new(), false);
        for member in &archive.members {
            let Some(name) = member.name.strip_prefix(top).and_then(|name| name.strip_prefix('/'))
            else {
                continue;
            };
            if name == "byteorder" {
                big_endian = match &*member.head(8)? {
                    b"little" => false,
                    b"big" => true,
                    _ => return Err("has a byteorder that is neither little nor big".into()),
                };
            } else if let Some(key) = name.strip_prefix("data/") {
                by_key.insert(key.to_owned(), (member.clone(), Checked::default()));
            }
        }
        Ok(Self { by_key, big_endian })
    }

    pub(super) fn entry(
        &self,
        name: &str,
        tensor: TensorOf,
        machine: &Machine<'_>,
    ) -> Result<Entry<'f>, String> {
        let storage = machine.storage_of(tensor.storage)?;
        let offset = tensor.offset;
        let (shape, strides) = (machine.sizes(tensor.shape)?, machine.sizes(tensor.strides)?);
        let element = element(storage.class());
        if shape.len() != strides.len() {
            return Err("has another number of strides than of axes".into());
        }
        let Some((member, checked)) = self.by_key.get(storage.key) else {
            return Err("has no storage in the file".into());
        };
        let size = element.as_ref().map_or(0, |element| element.size());
        let bytes = storage.len.checked_mul(size).filter(|_| element.is_ok());
        if element.is_ok() && bytes.map(|bytes| bytes as u64) != Some(member.size()) {
            return Err("has a storage of another size than it says".into());
        }
        if !member.is_stored() {
            return Err("has a packed storage; torch.save stores".into());
        }
        let mut entry = Entry {
            name: name.to_owned(),
            shape: shape.clone(),
            element,
            big_endian: self.big_endian,
            layout: Layout::Strided { offset, strides: strides.clone() },
            bytes: Bytes::Slice(&[]),
        };
        let last = shape.iter().zip(&strides).try_fold(offset, |at, (&size, &stride)| {
            at.checked_add(size.saturating_sub(1).checked_mul(stride)?)
        });
        let empty = shape.contains(&0);
        if !empty && last.is_none_or(|last| last >= storage.len) {
            return Err("reaches beyond the end of its storage".into());
        }
        let (member, checked, whole) = (member.clone(), checked.clone(), bytes.unwrap_or(0));
        // The offset of the elements, if they lie without gaps.
        let mut run = None;
        if empty || is_row_major(&shape, &strides) {
            entry.layout = Layout::RowMajor;
            run = Some(if empty { 0 } else { offset * size });
        }
        entry.bytes = Bytes::Later(Box::new(move |wanted| {
            let bytes = match checked.get_or_init(|| member.all(whole)) {
                // A stored member is borrowed, so nothing is copied.
                Ok(Cow::Borrowed(bytes)) => *bytes,
                Ok(Cow::Owned(_)) => return Err("has a packed storage".into()),
                Err(why) => return Err(why.clone()),
            };
            let Some(start) = run else { return Ok(Cow::Borrowed(bytes)) };
            let end = start.checked_add(wanted);
            match end.and_then(|end| bytes.get(start..end)) {
                Some(bytes) => Ok(Cow::Borrowed(bytes)),
                None => Err("reaches beyond the end of its storage".into()),
            }
        }));
        Ok(entry)
    }
}

fn is_row_major(shape: &[usize], strides: &[usize]) -> bool {
    let mut step = 1usize;
    shape.iter().zip(strides).rev().all(|(&size, &stride)| {
        let fits = size == 1 || stride == step;
        step = step.saturating_mul(size);
        fits
    })
}

fn element(class: &str) -> Result<Element, String> {
    Ok(match class {
        "FloatStorage" => Element::F32,
        "DoubleStorage" => Element::F64,
        "HalfStorage" => Element::F16,
        "BFloat16Storage" => Element::Bf16,
        "LongStorage" => Element::Int(8),
        "IntStorage" => Element::Int(4),
        "ShortStorage" => Element::Int(2),
        "CharStorage" => Element::Int(1),
        "ByteStorage" => Element::Uint(1),
        "BoolStorage" => return Err("booleans".into()),
        _ => return Err("complex numbers".into()),
    })
}
