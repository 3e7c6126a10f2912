//! One pass of an optimizer over a model: all of a step but the rule.

use fanin_tensor::{Scalar, Tensor, show_shape, subnormal};

use super::memory::Entry;
use crate::buffer::Buffer;
use crate::param::Param;
use crate::parameters::{ParamPath, Parameters, VisitorMut};
use crate::tape::Gradients;

/// The slots of a parameter of a group before its first step. The numbers scale the learning rate and the
/// weight decay.
pub(super) type Slots<'r, T> = dyn Fn(Option<usize>, [f64; 2], &Param<T>) -> Vec<Tensor<T>> + 'r;

/// Applies the rule of a group: the scales of the learning rate and of the weight decay, the number of
/// the step, the parameter, its gradient, its slots.
pub(super) type Apply<'r, T> =
    dyn Fn(Option<usize>, [f64; 2], u64, &mut [T], &[T], &mut [Tensor<T>]) + 'r;

/// How a pass ended.
#[derive(Default)]
pub(super) struct Passed {
    /// How many parameters had a gradient.
    pub(super) found: usize,
    /// The first parameter without an entry of its own. Nothing from it on was changed.
    pub(super) unknown: Option<usize>,
    /// A parameter whose shape has changed.
    pub(super) misfit: Option<String>,
}

/// Tiny numbers become 0 after this many steps. Until then a momentum of 0.9 shrinks to a fifth, and one of
/// 0.77 to the 64th part, for which [`slot_limit`] leaves room. To do it in every step would take 2 % of the
/// step's time.
const FLUSHED_EVERY: u64 = 16;

/// Below this size a number of a slot becomes 0: 64 times the smallest normal number.
///
/// This is below [`subnormal::limit`], because a slot may hold squares.
fn slot_limit<T: Scalar>() -> T {
    T::MIN_POSITIVE * T::from_f64(64.0)
}

/// Sets what is tiny in a parameter and its slots to 0. Momenta of units that do not learn, and weights that
/// decay, would become subnormal and stay so.
fn flush<T: Scalar>(p: &mut [T], slots: &mut [Tensor<T>]) {
    subnormal::flush(p, subnormal::limit());
    for slot in slots {
        subnormal::flush(slot.as_mut_slice(), slot_limit());
    }
}

once! {
    /// Changes the model's parameters from one on, and in the first pass of a step its buffers.
    pub(super) fn pass<'p, 'g, T: Scalar>(
        model: &'p mut dyn Parameters<T>,
        grads: &'p mut Gradients<'g, T>,
        entries: &'p mut [Entry<T>],
        start_first: (usize, bool),
        slots: &'p Slots<'p, T>,
        apply: &'p Apply<'p, T>,
    ) -> Passed where 'g: 'p {
        let (start, first) = start_first;
        let passed = Passed::default();
        let mut pass = Pass { grads, entries, start, first, slots, apply, at: 0, hint: 0, passed };
        model.visit_mut(&ParamPath::ROOT, &mut pass);
        pass.passed
    }
}

struct Pass<'p, 'g, T: Scalar> {
    grads: &'p mut Gradients<'g, T>,
    entries: &'p mut [Entry<T>],
    /// Parameters before this one have been changed.
    start: usize,
    /// Whether this is the first pass of the step.
    first: bool,
    slots: &'p Slots<'p, T>,
    apply: &'p Apply<'p, T>,
    at: usize,
    /// Where the gradient of the next parameter is expected.
    hint: usize,
    passed: Passed,
}

impl<T: Scalar> VisitorMut<'_, T> for Pass<'_, '_, T> {
    fn param(&mut self, _: &ParamPath<'_>, param: &mut Param<T>) {
        let at = self.at;
        self.at += 1;
        if self.passed.unknown.is_some() || at < self.start {
            return;
        }
        let Some(entry) = self.entries.get_mut(at).filter(|entry| entry.id == param.id()) else {
            self.passed.unknown = Some(at);
            return;
        };
        param.set_shown();
        if param.is_trainable() {
            // Before the rule, as PyTorch shortens rows when they are looked up.
            self.grads.updates_of(param.id(), &mut |update| {
                update.cap_rows(param.value_mut().as_mut_slice());
            });
        }
        let Some(grad) = self.grads.take_next(&mut self.hint, param.id()) else { return };
        self.passed.found += 1;
        let scales = [param.lr_scale(), param.decay_scale()].map(f64::from);
        if entry.slots.is_empty() {
            entry.slots = (self.slots)(entry.group, scales, param);
        }
        let value = param.value_mut();
        let shape = &**entry.shape.get_or_insert_with(|| value.shape().into());
        if shape != value.shape() || grad.shape() != shape {
            let (is, was) = (show_shape(value.shape()), show_shape(shape));
            let path = &entry.path;
            self.passed.misfit.get_or_insert_with(|| format!("{path} is {is}, but was {was}"));
            return;
        }
        entry.steps = entry.steps.saturating_add(1);
        let (p, g, slots) = (value.as_mut_slice(), grad.as_slice(), &mut entry.slots);
        (self.apply)(entry.group, scales, entry.steps, p, g, slots);
        if entry.steps % FLUSHED_EVERY == 0 {
            flush(p, slots);
        }
    }

    fn buffer(&mut self, _: &ParamPath<'_>, buffer: &mut Buffer<T>) {
        if !self.first {
            return;
        }
        let id = buffer.id();
        self.grads.updates_of(id, &mut |update| update.apply(buffer.value_mut().as_mut_slice()));
    }
}
