//! [`Snapshot`]: a copy of all parameters and buffers of a model.

use fanin_nn::{Buffer, Param, ParamPath, Parameters, Visitor, VisitorMut};
use fanin_tensor::Tensor;

/// Values of all parameters and buffers, in the order in which the model shows them. Its memory is used
/// again.
#[derive(Default)]
pub(crate) struct Snapshot {
    tensors: Vec<Tensor>,
}

impl Snapshot {
    /// The values of a model.
    pub(crate) fn of(model: &dyn Parameters) -> Self {
        let mut snapshot = Self::default();
        snapshot.take(model);
        snapshot
    }

    /// The values as they are kept.
    pub(crate) fn tensors(&self) -> &[Tensor] {
        &self.tensors
    }

    /// The values of a file.
    pub(crate) fn from_tensors(tensors: Vec<Tensor>) -> Self {
        Self { tensors }
    }

    /// Whether the values fit the model's.
    pub(crate) fn fits(&self, model: &dyn Parameters) -> bool {
        let (mut at, mut fits) = (0, true);
        each(model, &mut |value| {
            fits &= self.tensors.get(at).is_some_and(|kept| kept.shape() == value.shape());
            at += 1;
        });
        fits && at == self.tensors.len()
    }

    /// Copies the model's values.
    pub(crate) fn take(&mut self, model: &dyn Parameters) {
        let mut at = 0;
        each(model, &mut |value| {
            if at == self.tensors.len() {
                self.tensors.push(Tensor::default());
            }
            self.tensors[at].reuse(value.shape()).copy_from_slice(value.as_slice());
            at += 1;
        });
        self.tensors.truncate(at);
    }

    /// Writes the values back into the model.
    pub(crate) fn restore(&self, model: &mut dyn Parameters) {
        let mut tensors = self.tensors.iter();
        each_mut(model, &mut |value| {
            if let Some(kept) = tensors.next() {
                value.reuse(kept.shape()).copy_from_slice(kept.as_slice());
            }
        });
    }
}

/// Whether no parameter and no buffer of a model is NaN or infinite.
pub(crate) fn is_finite(model: &dyn Parameters) -> bool {
    // The largest exponent belongs to NaN and infinity. The loop has no branch.
    let size = |x: &f32| x.to_bits() & 0x7fff_ffff;
    let mut finite = true;
    each(model, &mut |value| {
        let largest = value.as_slice().iter().map(size).fold(0, u32::max);
        finite &= largest < f32::INFINITY.to_bits();
    });
    finite
}

/// Calls `f` with each value.
fn each(model: &dyn Parameters, f: &mut dyn FnMut(&Tensor)) {
    struct Each<'f>(&'f mut dyn FnMut(&Tensor));
    impl<'m> Visitor<'m> for Each<'_> {
        fn param(&mut self, _: &ParamPath<'_>, param: &'m Param) {
            (self.0)(param.value());
        }
        fn buffer(&mut self, _: &ParamPath<'_>, buffer: &'m Buffer) {
            (self.0)(buffer.value());
        }
    }
    model.visit(&ParamPath::ROOT, &mut Each(f));
}

/// Calls `f` with each value, to change it.
fn each_mut(model: &mut dyn Parameters, f: &mut dyn FnMut(&mut Tensor)) {
    struct Each<'f>(&'f mut dyn FnMut(&mut Tensor));
    impl<'m> VisitorMut<'m> for Each<'_> {
        fn param(&mut self, _: &ParamPath<'_>, param: &'m mut Param) {
            (self.0)(param.value_mut());
        }
        fn buffer(&mut self, _: &ParamPath<'_>, buffer: &'m mut Buffer) {
            (self.0)(buffer.value_mut());
        }
    }
    model.visit_mut(&ParamPath::ROOT, &mut Each(f));
}

#[cfg(test)]
mod tests {
    use super::*;
    use fanin_nn::{Linear, Parameters};

    #[test]
    fn values_come_back() {
        let mut model = Linear::new(3, 2);
        let first = model.weight().clone();
        let snapshot = Snapshot::of(&model);
        model.param_mut("weight").value_mut().as_mut_slice().fill(1.0);
        snapshot.restore(&mut model);
        assert_eq!(model.weight(), &first);
    }

    #[test]
    fn nan_and_infinity_are_seen() {
        let mut model = Linear::new(3, 2);
        assert!(is_finite(&model));
        for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            model.param_mut("weight").value_mut().as_mut_slice()[4] = bad;
            assert!(!is_finite(&model));
        }
    }
}
