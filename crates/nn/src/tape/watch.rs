//! [`Watch`]: who records a step, and what its operations note.

use std::cell::Cell;
use std::panic::Location;

use fanin_tensor::Scalar;

use super::{Curve, Graph, Mode, Tape};
use crate::note::Note;

pub(super) struct Watch {
    /// The line that asked for the step.
    pub(super) at: Option<&'static Location<'static>>,
    /// The line that notes name in place of those of a library, and the folder of the library's sources.
    reports_at: Option<(&'static Location<'static>, &'static str)>,
    /// Whether the gradients of the step were used.
    used: Cell<bool>,
    /// Steps whose gradients nobody used; `None` once a step's were.
    unused: Option<u32>,
    /// The number of the step.
    step: u32,
    /// What a diagnosis is told.
    notes: Vec<Note>,
}

impl Default for Watch {
    fn default() -> Self {
        Self {
            at: None,
            reports_at: None,
            used: Cell::new(false),
            unused: Some(0),
            step: 0,
            notes: vec![],
        }
    }
}

impl Watch {
    /// Begins a step.
    pub(super) fn begin(&mut self, recording: bool) {
        self.step = self.step.saturating_add(u32::from(recording));
        self.notes.clear();
        self.used.set(false);
    }

    /// The line that a note names: that of the operation if it is the user's, else the line that asked for
    /// the step.
    pub(super) fn place(
        &self,
        at: Option<&'static Location<'static>>,
    ) -> Option<&'static Location<'static>> {
        let Some((line, library)) = self.reports_at else { return at.or(self.at) };
        let of_user = |at: &&Location<'_>| {
            ![library, crate::SOURCES].iter().any(|sources| at.file().starts_with(sources))
        };
        Some(at.filter(of_user).unwrap_or(line))
    }

    /// Notes that the gradients of the step are used.
    pub(super) fn use_gradients(&self) {
        if cfg!(debug_assertions) {
            self.used.set(true);
        }
    }

    /// Ends a step that computed gradients.
    pub(super) fn end_gradients(&mut self) {
        /// Some programs look at the loss of a few batches by the way.
        const PATIENCE: u32 = 20;
        if self.used.get() {
            self.unused = None;
        }
        let Some(unused) = self.unused.map(|unused| unused.saturating_add(1)) else { return };
        self.unused = Some(unused);
        if let (PATIENCE, Some(at)) = (unused, self.place(None)) {
            Note::UnusedGradients { steps: PATIENCE }.say(at);
        }
    }
}

impl<T: Scalar> Graph<T> {
    /// The line that notes name in place of those of a library, which then reports a loss that is not finite
    /// itself.
    pub(super) fn reports_at(&self) -> Option<&'static Location<'static>> {
        self.watch.reports_at.map(|(at, _)| at)
    }

    /// What the operations of a diagnosis noted.
    pub(crate) fn notes(&self) -> &[Note] {
        &self.watch.notes
    }

    /// Why a backward pass gave no parameter a gradient.
    pub(super) fn why_no_gradient(&self) -> &'static str {
        let mut params = self.params().peekable();
        if params.peek().is_none() {
            "the loss uses no parameter; a prediction, or the value() of a Var, carries no gradient"
        } else if params.all(|(_, node)| !self.is_differentiated(node)) {
            "every parameter that the loss uses is frozen by set_trainable(false)"
        } else {
            "the loss does not depend on the parameters that the step used; is a value detached on \
             the way?"
        }
    }
}

impl<T: Scalar> Tape<T> {
    /// Notes the line that asks for a step.
    pub(super) fn set_caller(&mut self, at: &'static Location<'static>) {
        self.graph().watch.at = Some(at);
    }

    /// The line that notes of this tape name, instead of the lines of the library that uses it and has its
    /// sources in this folder.
    #[doc(hidden)]
    pub fn report_at(&mut self, at: &'static Location<'static>, sources: &'static str) {
        self.graph().watch.reports_at = Some((at, sources));
    }

    /// Whether anything reads the notes: a diagnosis, or a debug build, which prints them.
    pub(crate) fn listens(&self) -> bool {
        cfg!(debug_assertions) || self.graph.borrow().probing
    }

    /// Whether operations look for mistakes: in a diagnosis, and in the first training step of a
    /// tape in a debug build.
    pub(crate) fn takes_notes(&self) -> bool {
        let graph = self.graph.borrow();
        let trains = graph.is_recording() && graph.mode == Mode::Train;
        graph.probing || (cfg!(debug_assertions) && trains && graph.watch.step == 1)
    }

    /// Notes a mistake at a line of the caller's, or else at the line that asked for the step.
    pub(crate) fn note(&self, note: Note, at: Option<&'static Location<'static>>) {
        let mut graph = self.graph.borrow_mut();
        if graph.probing {
            graph.watch.notes.push(note);
        } else if let Some(at) = graph.watch.place(at) {
            note.say(at);
        }
    }

    /// The operation that computed a node that is differentiated: its name, and its function if it is
    /// an activation.
    pub(crate) fn operation(&self, node: u32) -> Option<(String, Option<Curve>)> {
        let graph = self.graph.borrow();
        let op = graph.op(node)?;
        let name = format!("{op:?}");
        // Without the sizes of its fields.
        let name = name.split(" {").next().unwrap_or_default().to_owned();
        Some((name, op.activation()))
    }

    /// Whether a node is an input, a parameter or a buffer.
    pub(crate) fn is_given(&self, node: u32) -> bool {
        self.graph.borrow().is_leaf(node)
    }

    /// Whether a node is data: no parameter that is trained leads to it.
    pub(crate) fn is_data(&self, node: u32) -> bool {
        !self.graph.borrow().is_differentiated(node)
    }
}
