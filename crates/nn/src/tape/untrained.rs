//! A parameter that the loss depends on and no optimizer is shown.
//!
//! A field that is marked `#[parameters(skip)]` by mistake, or that a hand-written `visit` forgets, is
//! neither trained nor saved. A debug build names such a parameter once, on standard error.

use std::collections::HashMap;
use std::panic::Location;

use crate::debug_build::say;
use crate::param::Param;
use fanin_tensor::Scalar;

/// Steps in which a parameter must be left out before it is named. In a GAN each optimizer is shown
/// its own network, so a single step proves nothing.
const PATIENCE: u32 = 10;

/// What a debug build remembers of the parameters on a tape, by identity. An entry is made in a
/// parameter's first step, so a steady step allocates nothing.
#[derive(Default)]
pub(super) struct Untrained(HashMap<u64, Entry>);

struct Entry {
    name: String,
    /// Whether any optimizer has been shown the parameter.
    shown: bool,
    /// Steps that left it out.
    missed: u32,
    named: bool,
}

impl Untrained {
    /// Notes a parameter that is used.
    pub(super) fn note<T: Scalar>(&mut self, param: &Param<T>) {
        let entry = self.0.entry(param.id()).or_insert_with(|| {
            let name = param.describe();
            Entry { name, shown: false, missed: 0, named: false }
        });
        entry.shown |= param.is_shown();
    }

    /// Ends a step: `params` are those with a gradient, and whether an optimizer took it. Returns the
    /// names of parameters to complain about.
    pub(super) fn end_step(
        &mut self,
        params: impl Iterator<Item = (u64, bool)> + Clone,
    ) -> Vec<String> {
        let mut names = vec![];
        // If no gradient was taken, the program only looked at the loss.
        if !params.clone().any(|(_, taken)| taken) {
            return names;
        }
        for (id, taken) in params {
            let Some(entry) = self.0.get_mut(&id) else { continue };
            entry.shown |= taken;
            if !entry.shown {
                entry.missed += 1;
                if entry.missed == PATIENCE {
                    names.push(entry.name.clone());
                    entry.named = true;
                }
            }
        }
        names
    }

    /// Ends the tape: the names of parameters to complain about.
    pub(super) fn end(&mut self) -> Vec<String> {
        let forgotten = self.0.drain().filter(|(_, e)| e.missed > 0 && !e.shown && !e.named);
        forgotten.map(|(_, entry)| entry.name).collect()
    }
}

/// Says what is wrong with these parameters, if there are any, which a step at this line used.
pub(super) fn complain(names: &[String], at: Option<&'static Location<'static>>) {
    if names.is_empty() {
        return;
    }
    let mut shown: Vec<_> = names.iter().take(3).map(|name| format!("`{name}`")).collect();
    if names.len() > 3 {
        shown.push(format!("{} more", names.len() - 3));
    }
    let at = at.map_or(String::new(), |at| format!("{at}: "));
    say(&format!(
        "fanin: {at}the loss depends on parameters that no optimizer was shown, so the training leaves them as \
         they are: {}. A target comes from `predict`, or from `Var::detach`. Is a field marked \
         #[parameters(skip)], or missing in a hand-written `visit`? What should stay is frozen by \
         set_trainable(false)",
        shown.join(", "),
    ));
}

#[cfg(test)]
mod tests {
    use super::*;
    use fanin_tensor::Tensor;

    #[test]
    fn a_parameter_is_named_once_after_some_steps() {
        let param = Param::weight(Tensor::<f32>::zeros([2, 3]), 3, 2);
        let mut untrained = Untrained::default();
        let mut named = vec![];
        for _ in 0..50 {
            untrained.note(&param);
            named.extend(untrained.end_step([(param.id(), false), (u64::MAX, true)].into_iter()));
        }
        named.extend(untrained.end());
        assert_eq!(named, ["weight 2×3"]);
    }

    #[test]
    fn a_short_training_is_named_at_its_end() {
        let param = Param::new(Tensor::<f32>::zeros(3));
        let mut untrained = Untrained::default();
        untrained.note(&param);
        assert!(untrained.end_step([(param.id(), false), (u64::MAX, true)].into_iter()).is_empty());
        assert_eq!(untrained.end().len(), 1);
    }

    #[test]
    fn two_optimizers_in_turn_and_a_loss_that_is_looked_at_are_no_fault() {
        let param = Param::new(Tensor::<f32>::zeros(3));
        let mut untrained = Untrained::default();
        for step in 0..50 {
            untrained.note(&param);
            let taken = step % 5 == 4;
            let params = [(param.id(), taken), (u64::MAX, true)];
            assert!(untrained.end_step(params.into_iter()).is_empty());
            assert!(untrained.end_step([(param.id(), false)].into_iter()).is_empty());
        }
        assert!(untrained.end().is_empty());
    }
}
