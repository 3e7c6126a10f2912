//! [`Scope`]: a part of a network whose inner values die with it.

use fanin_tensor::Scalar;

use super::{Tape, Var};

/// A part of a network. A prediction takes back the memory of the values that were computed in it, apart
/// from the last result that it was shown.
///
/// A [`Var`] is `Copy`, so the tape does not know who still has one. But a module that is called here
/// has the lifetime of no particular tape, so it can keep no `Var` of one: all that is left of its values
/// is its result.
pub(crate) struct Scope<'t, T: Scalar> {
    tape: &'t Tape<T>,
    /// The first node inside.
    start: u32,
    /// Nodes before this one, from `start` on, are forgotten, apart from `result`.
    seen: u32,
    result: u32,
}

impl<'t, T: Scalar> Scope<'t, T> {
    /// The part that begins here, on the tape of its input.
    #[inline]
    pub(crate) fn new(input: Var<'t, T>) -> Self {
        let start = input.tape().mark();
        Self { tape: input.tape(), start, seen: start, result: input.node() }
    }

    /// Forgets whatever was computed inside, apart from this value and parameters. Only this value may be
    /// used from here on.
    #[inline]
    pub(crate) fn keep(&mut self, result: Var<'t, T>) {
        let result = result.node();
        let last = (self.result >= self.start).then_some(self.result);
        self.seen = self.tape.forget(self.seen, last, result);
        self.result = result;
    }
}
