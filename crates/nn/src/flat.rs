//! [`FlatLayout`]: the gradients of a model in one long vector, as processes exchange them.

use std::collections::HashMap;
use std::fmt;
use std::ops::Range;

use fanin_tensor::Tensor;

use crate::buffer::Buffer;
use crate::param::Param;
use crate::parameters::{ParamPath, Parameters, Visitor};
use crate::tape::{GradientSum, Gradients, Rate, Update};

/// Where the gradient of each trainable parameter of a model is in one long vector.
///
/// Identities of parameters differ between processes and places do not: the parameters come in the order
/// in which the model shows them. [`Gradients::write_flat`] fills such a vector, and
/// [`GradientSum::set_flat`] makes gradients of it that an optimizer takes.
///
/// # Example
/// ```
/// use fanin_nn::{FlatLayout, GradientSum, Linear, Module, Optimizer, Sgd, Tape, Tensor};
///
/// let mut model = Linear::new(3, 2);
/// let layout = FlatLayout::of(&model);
/// assert_eq!((layout.len(), layout.num_params()), (8, 2));
///
/// let (mut flat, mut present) = (vec![0.0; 8], vec![false; 2]);
/// let mut tape = Tape::new();
/// let (_, grads) = tape.value_and_grad(|t| model.forward(t.input(&Tensor::ones([4, 3]))).sum());
/// grads.write_flat(&layout, &mut flat, &mut present);
/// assert_eq!((flat[0], present), (4.0, vec![true, true]));
///
/// let mut sum = GradientSum::new();
/// sum.set_flat(&layout, &flat, &[true, true]);
/// Sgd::new(0.1).step(&mut model, sum.gradients());
/// ```
pub struct FlatLayout {
    params: Vec<Place>,
    /// The identities of the buffers, in the model's order.
    buffers: Vec<u64>,
    /// Where an identity is: a parameter below `params.len()`, else a buffer.
    ids: HashMap<u64, usize>,
    len: usize,
}

struct Place {
    id: u64,
    start: usize,
    len: usize,
    shape: Vec<usize>,
}

/// A new value of a [`Buffer`] that one micro-batch has recorded, as one process tells it to another.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FlatUpdate<'v> {
    /// Which buffer or table of the layout.
    pub place: usize,
    /// `buffer ← keep · buffer + factor · value`.
    pub keep: f32,
    /// See [`keep`](Self::keep).
    pub factor: f32,
    /// Whether the buffer is a mean of all values so far.
    pub averages: bool,
    /// The value.
    pub value: &'v [f32],
}

impl FlatLayout {
    /// The layout of a model as it is: frozen parameters have no place.
    pub fn of(model: &dyn Parameters) -> Self {
        struct Places(Vec<Place>, Vec<u64>);
        impl<'m> Visitor<'m> for Places {
            fn param(&mut self, _: &ParamPath<'_>, param: &'m Param) {
                if param.is_trainable() {
                    let start = self.0.last().map_or(0, |last| last.start + last.len);
                    let shape = param.value().shape().to_vec();
                    self.0.push(Place {
                        id: param.id(),
                        start,
                        len: shape.iter().product(),
                        shape,
                    });
                }
            }
            fn buffer(&mut self, _: &ParamPath<'_>, buffer: &'m Buffer) {
                self.1.push(buffer.id());
            }
        }
        let mut places = Places(vec![], vec![]);
        model.visit(&ParamPath::ROOT, &mut places);
        let Places(params, buffers) = places;
        let all = params.iter().map(|place| place.id).chain(buffers.iter().copied());
        let ids = all.enumerate().map(|(at, id)| (id, at)).collect();
        let len = params.last().map_or(0, |last| last.start + last.len);
        Self { params, buffers, ids, len }
    }

    /// How many numbers the vector has.
    #[expect(clippy::len_without_is_empty, reason = "it is a length of a vector that is elsewhere")]
    pub fn len(&self) -> usize {
        self.len
    }

    /// How many parameters have a place.
    pub fn num_params(&self) -> usize {
        self.params.len()
    }

    /// The parts of the parameters that lie in a range of the vector, in their order: which parameter, and
    /// the part of the range.
    pub fn pieces(&self, range: Range<usize>) -> impl Iterator<Item = (usize, Range<usize>)> + '_ {
        let first = self.params.partition_point(|place| place.start + place.len <= range.start);
        let ends = range.clone();
        let inside = move |(at, place): (usize, &Place)| {
            let (start, end) =
                (place.start.max(range.start), (place.start + place.len).min(range.end));
            (start < end).then(|| (at, start - range.start..end - range.start))
        };
        self.params
            .iter()
            .enumerate()
            .skip(first)
            .take_while(move |(_, place)| place.start < ends.end)
            .filter_map(inside)
    }

    fn id_of(&self, place: usize) -> Option<u64> {
        match self.params.get(place) {
            Some(param) => Some(param.id),
            None => self.buffers.get(place - self.params.len()).copied(),
        }
    }
}

impl Gradients<'_> {
    /// Copies the gradients to their places. `present` says which parameters have one; the places of the
    /// others stay as they are.
    ///
    /// # Panics
    /// **Panics** if the slices do not have the layout's lengths.
    #[track_caller]
    pub fn write_flat(&self, layout: &FlatLayout, flat: &mut [f32], present: &mut [bool]) {
        let (numbers, params) = (flat.len(), present.len());
        assert!(
            numbers == layout.len && params == layout.params.len(),
            "write_flat: {numbers} numbers and {params} parameters for a layout of {} and {}",
            layout.len,
            layout.params.len()
        );
        present.fill(false);
        self.each(&mut |id, grad| {
            let place = layout.ids.get(&id).and_then(|&at| Some((at, layout.params.get(at)?)));
            if let Some((at, place)) = place.filter(|(_, place)| place.shape == grad.shape()) {
                flat[place.start..place.start + place.len].copy_from_slice(grad.as_slice());
                present[at] = true;
            }
        });
    }

    /// Calls `f` with each update of a buffer of the layout, in the order in which they were recorded.
    pub fn each_update(&self, layout: &FlatLayout, f: &mut dyn FnMut(FlatUpdate<'_>)) {
        self.updates(&mut |id, Update { rate: Rate { keep, factor, averages }, value }| {
            if let Some(&place) = layout.ids.get(&id) {
                f(FlatUpdate { place, keep, factor, averages, value: value.as_slice() });
            }
        });
    }
}

impl GradientSum {
    /// Makes this the sum whose gradients are in `flat`: those of the parameters that are `present`. It
    /// has no updates of buffers.
    ///
    /// # Panics
    /// **Panics** if the slices do not have the layout's lengths.
    #[track_caller]
    pub fn set_flat(&mut self, layout: &FlatLayout, flat: &[f32], present: &[bool]) {
        let (numbers, params) = (flat.len(), present.len());
        assert!(
            numbers == layout.len && params == layout.params.len(),
            "set_flat: {numbers} numbers and {params} parameters for a layout of {} and {}",
            layout.len,
            layout.params.len()
        );
        self.clear();
        for (place, _) in layout.params.iter().zip(present).filter(|(_, present)| **present) {
            let values = &flat[place.start..place.start + place.len];
            self.fill(place.id, &place.shape, values);
        }
    }

    /// Adds an update of a buffer, which is applied after those before it. An update of a buffer that the
    /// layout does not have is ignored.
    pub fn push_update(&mut self, layout: &FlatLayout, update: FlatUpdate<'_>) {
        let FlatUpdate { place, keep, factor, averages, value } = update;
        if let Some(id) = layout.id_of(place) {
            let value = Tensor::from_vec(value.len(), value.to_vec());
            self.push(id, Rate { keep, factor, averages }, &value);
        }
    }
}

impl fmt::Debug for FlatLayout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FlatLayout of {} numbers of {} parameters", self.len, self.params.len())
    }
}
