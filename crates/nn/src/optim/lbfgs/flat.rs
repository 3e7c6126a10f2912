//! The trainable parameters of a model as one vector.

use fanin_tensor::Scalar;

use crate::buffer::Buffer;
use crate::param::Param;
use crate::parameters::{ParamPath, Parameters, VisitorMut};
use crate::tape::Gradients;

/// The gradients of the trainable parameters, one after the other; 0 where there is none.
struct Gather<'v, 'g, T: Scalar> {
    grads: &'v mut Gradients<'g, T>,
    rest: &'v mut [T],
    /// Where the gradient of the next parameter is expected.
    hint: usize,
    found: usize,
}

impl<'m, T: Scalar> VisitorMut<'m, T> for Gather<'_, '_, T> {
    fn param(&mut self, _: &ParamPath<'_>, param: &'m mut Param<T>) {
        param.set_shown();
        if !param.is_trainable() {
            return;
        }
        let (own, rest) = std::mem::take(&mut self.rest).split_at_mut(param.value().len());
        self.rest = rest;
        match self.grads.take_next(&mut self.hint, param.id()) {
            Some(grad) => {
                own.copy_from_slice(grad.as_slice());
                self.found += 1;
            }
            None => own.fill(T::ZERO),
        }
    }

    fn buffer(&mut self, _: &ParamPath<'_>, buffer: &'m mut Buffer<T>) {
        let id = buffer.id();
        self.grads.updates_of(id, &mut |update| update.apply(buffer.value_mut().as_mut_slice()));
    }
}

/// The values of the trainable parameters.
pub(super) fn values<T: Scalar>(model: &mut dyn Parameters<T>) -> Vec<T> {
    let mut all = vec![];
    model.visit_params_mut(&mut |_, p| {
        if p.is_trainable() {
            all.extend_from_slice(p.value().as_slice());
        }
    });
    all
}

/// Sets the values of the trainable parameters.
pub(super) fn scatter<'a, T: Scalar>(model: &'a mut dyn Parameters<T>, values: &'a [T]) {
    let mut rest = values;
    model.visit_params_mut(&mut |_, p| {
        if p.is_trainable() {
            let own;
            (own, rest) = rest.split_at(p.value().len());
            p.value_mut().as_mut_slice().copy_from_slice(own);
        }
    });
}

/// Writes the gradients of the trainable parameters, updates the buffers, and returns how many
/// parameters had a gradient.
pub(super) fn gather<'a, 'g, T: Scalar>(
    model: &'a mut dyn Parameters<T>,
    grads: &'a mut Gradients<'g, T>,
    into: &'a mut [T],
) -> usize
where
    'g: 'a,
{
    let mut gather = Gather { grads, rest: into, hint: 0, found: 0 };
    model.visit_mut(&ParamPath::ROOT, &mut gather);
    gather.found
}
