//! What an optimizer remembers of each parameter.

use std::any::Any;
use std::collections::{HashMap, VecDeque};

use fanin_tensor::{Scalar, Tensor, show_shape};

use crate::parameters::Parameters;
use crate::pattern;

/// The memory of an optimizer, for whichever element type its model has.
#[derive(Clone, Debug, Default)]
pub(super) enum Memory {
    #[default]
    Empty,
    F32(Vec<Entry<f32>>),
    F64(Vec<Entry<f64>>),
}

/// What is remembered of one parameter.
#[derive(Clone, Debug)]
pub(super) struct Entry<T: Scalar> {
    pub(super) path: String,
    /// The parameter's identity.
    pub(super) id: u64,
    /// Its shape in the steps before; none before its first gradient.
    pub(super) shape: Option<Box<[usize]>>,
    /// Steps so far.
    pub(super) steps: u64,
    /// Empty before the first gradient.
    pub(super) slots: Vec<Tensor<T>>,
    /// Which group of the optimizer it is in; none for the optimizer's own options.
    pub(super) group: Option<usize>,
}

impl Memory {
    /// Whether there has been no step.
    pub(super) fn is_empty(&self) -> bool {
        matches!(self, Self::Empty)
    }

    /// The entries, of an optimizer that is used for `T` alone.
    #[track_caller]
    pub(super) fn entries<T: Scalar>(&mut self) -> &mut Vec<Entry<T>> {
        if let Self::Empty = self {
            *self = if T::IS_F32 { Self::F32(vec![]) } else { Self::F64(vec![]) };
        }
        let entries: &mut dyn Any = match self {
            Self::F32(entries) => entries,
            Self::F64(entries) => entries,
            Self::Empty => unreachable!("it was made above"),
        };
        match entries.downcast_mut() {
            Some(entries) => entries,
            None => {
                panic!("step: the parameters have another element type than in the steps before")
            }
        }
    }

    /// The entries, if there are any for this element type.
    pub(super) fn get<T: Scalar>(&self) -> &[Entry<T>] {
        let entries: &dyn Any = match self {
            Self::F32(entries) => entries,
            Self::F64(entries) => entries,
            Self::Empty => return &[],
        };
        entries.downcast_ref::<Vec<Entry<T>>>().map_or(&[], Vec::as_slice)
    }
}

once! {
    /// Puts the entries in the order of the model's parameters, makes those that are missing, and says
    /// which group each is in: the last one whose pattern matches.
    ///
    /// A parameter takes the entry of its identity. One that has none takes the entry of its path,
    /// unless that one belongs to another parameter of the model.
    #[track_caller]
    pub(super) fn associate<'a, T: Scalar>(
        entries: &'a mut Vec<Entry<T>>,
        model: &'a mut dyn Parameters<T>,
        optimizer: &'a str,
        groups: &'a [&'a str],
    ) {
        // Not `visit`: the order must be that in which a pass is shown the parameters.
        let (mut names, mut params) = (vec![], vec![]);
        model.visit_params_mut(&mut |path, p| {
            names.push(path.to_string());
            params.push((p.id(), Box::<[usize]>::from(p.value().shape())));
        });
        for group in groups {
            assert!(
                names.iter().any(|path| pattern::matches(group, path)),
                "step: the group `{group}` of {optimizer} matches no parameter; {}",
                pattern::show_nearest(group, &names)
            );
        }
        let mut old: Vec<_> = std::mem::take(entries).into_iter().map(Some).collect();
        let mut found = vec![];
        // Without these maps, matching a model of many layers would take quadratic time.
        let mut by_id = HashMap::new();
        let mut by_path = HashMap::<_, VecDeque<_>>::new();
        for (at, entry) in old.iter().flatten().enumerate() {
            by_id.entry(entry.id).or_insert(at);
            by_path.entry(entry.path.clone()).or_default().push_back(at);
        }
        for (id, _) in &params {
            found.push(by_id.get(id).and_then(|&at| old[at].take()));
        }
        for ((path, (id, is)), found) in names.into_iter().zip(params).zip(found) {
            let found = found.or_else(|| {
                let of_path = by_path.get_mut(&path)?;
                std::iter::from_fn(|| of_path.pop_front()).find_map(|at| old[at].take())
            });
            if let Some(Entry { shape: Some(shape), .. }) = &found
                && *shape != is
            {
                let (was, is) = (show_shape(shape), show_shape(&is));
                panic!(
                    "step: parameter {path} is {is}, but was {was} in the steps before: an optimizer \
                     serves one model, so make one for each"
                );
            }
            let (shape, steps, slots) =
                found.map_or((None, 0, vec![]), |e| (e.shape, e.steps, e.slots));
            let group = groups.iter().rposition(|group| pattern::matches(group, &path));
            entries.push(Entry { path, id, shape, steps, slots, group });
        }
    }
}
