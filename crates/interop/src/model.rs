//! Parameters and buffers of a model, matched with the tensors of a file.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use fanin_nn::{Buffer, Param, ParamPath, Parameters, Visitor, VisitorMut};
use fanin_tensor::{Scalar, Tensor, show_shape};

use crate::entry::Entry;
use crate::error::{Error, Result, shown};
use crate::names::{self, BATCHES, named};
use crate::report::{Mismatch, Report};

/// A parameter or buffer of a model.
pub(crate) struct Slot {
    pub(crate) path: String,
    pub(crate) shape: Vec<usize>,
    pub(crate) is_buffer: bool,
}

/// Parameters and buffers in the model's order.
pub(crate) fn tensors<T: Scalar, M: Parameters<T> + ?Sized>(model: &M) -> Vec<(Slot, &Tensor<T>)> {
    struct All<'m, T: Scalar>(Vec<(Slot, &'m Tensor<T>)>);
    impl<'m, T: Scalar> All<'m, T> {
        fn push(&mut self, path: &ParamPath<'_>, value: &'m Tensor<T>, is_buffer: bool) {
            let shape = value.shape().to_vec();
            self.0.push((Slot { path: path.to_string(), shape, is_buffer }, value));
        }
    }
    impl<'m, T: Scalar> Visitor<'m, T> for All<'m, T> {
        fn param(&mut self, path: &ParamPath<'_>, param: &'m Param<T>) {
            self.push(path, param.value(), false);
        }
        fn buffer(&mut self, path: &ParamPath<'_>, buffer: &'m Buffer<T>) {
            self.push(path, buffer.value(), true);
        }
    }
    let mut all = All(vec![]);
    model.visit(&ParamPath::ROOT, &mut all);
    all.0
}

pub(crate) fn slots<T: Scalar, M: Parameters<T> + ?Sized>(model: &M) -> Vec<Slot> {
    tensors(model).into_iter().map(|(slot, _)| slot).collect()
}

/// Gives the model every value of the file that fits it.
///
/// With `partial` the others stay as they are. Without it, the model changes as a whole or not at all.
pub(crate) fn load<T: Scalar, M: Parameters<T> + ?Sized>(
    model: &mut M,
    entries: &[Entry<'_>],
    partial: bool,
    file: &Path,
) -> Result<Report> {
    struct Shapes(Vec<Slot>);
    impl<T: Scalar> VisitorMut<'_, T> for Shapes {
        fn param(&mut self, path: &ParamPath<'_>, param: &mut Param<T>) {
            let shape = param.value().shape().to_vec();
            self.0.push(Slot { path: path.to_string(), shape, is_buffer: false });
        }
        fn buffer(&mut self, path: &ParamPath<'_>, buffer: &mut Buffer<T>) {
            let shape = buffer.value().shape().to_vec();
            self.0.push(Slot { path: path.to_string(), shape, is_buffer: true });
        }
    }
    struct Commit<T: Scalar>(std::vec::IntoIter<Option<Tensor<T>>>);
    impl<T: Scalar> VisitorMut<'_, T> for Commit<T> {
        fn param(&mut self, _: &ParamPath<'_>, param: &mut Param<T>) {
            if let Some(value) = self.0.next().flatten() {
                *param.value_mut() = value;
            }
        }
        fn buffer(&mut self, _: &ParamPath<'_>, buffer: &mut Buffer<T>) {
            if let Some(value) = self.0.next().flatten() {
                *buffer.value_mut() = value;
            }
        }
    }
    // In the order of `visit_mut`, which need not be that of `visit`.
    let mut shapes = Shapes(vec![]);
    model.visit_mut(&ParamPath::ROOT, &mut shapes);
    let (values, report) = staged::<T>(&shapes.0, entries, file)?;
    if !partial && !report.is_complete() {
        return Err(Error::OtherModel { file: file.to_owned(), report: Box::new(report) });
    }
    model.visit_mut(&ParamPath::ROOT, &mut Commit(values.into_iter()));
    Ok(report)
}

/// The value of each slot, if the file has one that fits.
fn staged<T: Scalar>(
    slots: &[Slot],
    entries: &[Entry<'_>],
    file: &Path,
) -> Result<(Vec<Option<Tensor<T>>>, Report)> {
    let (found, unexpected) = matched(slots, entries, file)?;
    let (mut report, mut values) = (Report { unexpected, ..Report::default() }, vec![]);
    for (slot, found) in slots.iter().zip(found) {
        let path = slot.path.clone();
        let value = match found.map(|at| value(slot, &entries[at])) {
            None => {
                report.missing.push(path);
                None
            }
            Some(Err(why)) => {
                report.mismatched.push(Mismatch { path, why });
                None
            }
            Some(Ok(value)) => {
                report.loaded.push(path);
                Some(value)
            }
        };
        values.push(value);
    }
    Ok((values, report))
}

/// The number of the entry of each slot, and the names of the entries that no slot has.
fn matched(
    slots: &[Slot],
    entries: &[Entry<'_>],
    file: &Path,
) -> Result<(Vec<Option<usize>>, Vec<String>)> {
    let mut by_name = HashMap::new();
    for (at, entry) in entries.iter().enumerate() {
        if by_name.insert(&*entry.name, at).is_some() {
            let why = format!("has two tensors named {}; save it again", shown(&entry.name));
            return Err(Error::malformed(file, why));
        }
    }
    let names = named(slots);
    let prefix = ["module.", "_orig_mod."].into_iter().find(|prefix| {
        !entries.is_empty()
            && entries.iter().all(|entry| entry.name.starts_with(prefix))
            && !names.iter().any(|name| name.written.starts_with(prefix))
    });
    let prefix = prefix.unwrap_or("");
    let at = |name: &str| match prefix {
        "" => by_name.get(name).copied(),
        _ => by_name.get(&*format!("{prefix}{name}")).copied(),
    };
    let mut taken = HashSet::new();
    let mut found = vec![];
    for names in &names {
        let own = std::iter::once(&names.written).chain(&names.also);
        let own = own.into_iter().find_map(|name| at(name)).filter(|&at| taken.insert(at));
        found.push(own);
    }
    let counters: HashSet<String> = names::counters(slots).into_iter().collect();
    let unexpected = entries.iter().enumerate().filter(|(at, entry)| {
        !taken.contains(at) && !counters.contains(&entry.name[prefix.len()..])
    });
    let unexpected = unexpected.map(|(_, entry)| entry.name.clone()).collect();
    Ok((found, unexpected))
}

fn value<T: Scalar>(slot: &Slot, entry: &Entry<'_>) -> std::result::Result<Tensor<T>, String> {
    if entry.shape != slot.shape {
        let show = |shape: &[usize]| match shape {
            [] => "a number".to_owned(),
            shape if shape.len() > 8 => format!("{} axes", shape.len()),
            shape => show_shape(shape).to_string(),
        };
        let (here, there) = (show(&slot.shape), show(&entry.shape));
        return Err(format!(" is {here} here and {there} in the file"));
    }
    if let Ok(element) = entry.element
        && !element.is_float()
        && !(slot.is_buffer && names::split(&slot.path).1 == BATCHES)
    {
        let element = element.name();
        return Err(format!(" is of type {element} in the file; convert it to f32 before saving"));
    }
    entry.values().map_err(|why| format!(" {why}"))
}
