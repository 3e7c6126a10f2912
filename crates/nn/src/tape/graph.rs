//! The nodes of a tape and the backward pass.

use std::any::Any;
use std::fmt;

use fanin_tensor::{Scalar, Tensor};

use super::Mode;
use super::gradients::{Rate, Source, Update};
use super::ids::{Chains, Ids};
use super::node::{Grad, Node, grow};
use super::op::{Backward, Forward, Op};
use super::spare::{NO_SLOT, Spare};
use super::untrained::{Untrained, complain};
use super::watch::Watch;
use crate::param::Param;

pub(crate) struct Graph<T: Scalar> {
    nodes: Vec<Node<T>>,
    /// The nodes of the other kind of step: one kind is recorded, the other is not. What a recorded node
    /// owns stays its own from step to step; what another owns is taken from `spare`.
    others: Vec<Node<T>>,
    spare: Spare<T>,
    /// How the gradient flows back through each computed node.
    ops: Vec<Option<Box<dyn Op<T>>>>,
    grads: Vec<Grad<T>>,
    edges: Vec<u32>,
    /// Parameters of this step.
    params: Vec<OnTape>,
    /// Where in `params` each of them is, if there are more than `FEW`.
    ids: Ids,
    /// New values of buffers, in the order in which they were recorded.
    updates: Vec<Recorded<T>>,
    /// Which of `updates` each buffer has.
    buffers: Chains,
    /// How many of `nodes` belong to this step.
    len: usize,
    /// Whether what is computed will be differentiated.
    recording: bool,
    pub(super) mode: Mode,
    /// Whether this is a diagnosis and no training: inputs and frozen parameters are differentiated
    /// too, and layers draw no random numbers.
    pub(super) probing: bool,
    /// The trainable parameters of a diagnosis: identity and description.
    probed: Vec<(u64, String)>,
    untrained: Untrained,
    pub(super) watch: Watch,
}

/// A search through at most this many parameters is faster than a look-up in a table.
const FEW: usize = 16;

/// A parameter of this step.
#[derive(Clone, Copy)]
struct OnTape {
    id: u64,
    node: u32,
    /// Whether an optimizer was shown it.
    shown: bool,
}

/// `buffer ← keep · buffer + factor · value of the node`
struct Recorded<T> {
    buffer: u64,
    node: u32,
    rate: Rate<T>,
}

once! {
    impl<T: Scalar> Graph<T> {
        pub(super) fn new() -> Self {
            Self {
                nodes: vec![],
                others: vec![],
                spare: Spare::new(),
                ops: vec![],
                grads: vec![],
                edges: vec![],
                params: vec![],
                ids: Ids::new(),
                updates: vec![],
                buffers: Chains::new(),
                len: 0,
                recording: false,
                mode: Mode::Evaluate,
                probing: false,
                probed: vec![],
                untrained: Untrained::default(),
                watch: Watch::default(),
            }
        }

        /// Forgets the nodes and keeps their memory.
        pub(super) fn reset(&mut self, recording: bool, mode: Mode) {
            self.report_untrained();
            self.watch.begin(recording);
            self.release();
            self.edges.clear();
            self.params.clear();
            self.ids.clear();
            self.updates.clear();
            self.buffers.clear();
            self.probed.clear();
            self.len = 0;
            if recording != self.recording {
                std::mem::swap(&mut self.nodes, &mut self.others);
            }
            self.recording = recording;
            self.mode = mode;
            self.probing = false;
        }

        /// [`reset`](Self::reset), to look at every node afterwards. All of them are differentiated.
        /// Layers do what they do in training, but draw no random numbers.
        pub(super) fn reset_probing(&mut self) {
            self.reset(true, Mode::Train);
            self.probing = true;
        }

        fn report_untrained(&mut self) {
            if cfg!(debug_assertions) && self.recording && !self.probing {
                let with_grad = self.params.iter().filter(|p| self.grads[p.node as usize].ready);
                let computed = with_grad.clone().next().is_some();
                complain(&self.untrained.end_step(with_grad.map(|p| (p.id, p.shown))), self.watch.place(None));
                if computed {
                    self.watch.end_gradients();
                }
            }
        }

        /// Gives shared values back, so that their owner can write to them without a copy.
        fn release(&mut self) {
            self.nodes[..self.len].iter_mut().for_each(|node| node.shared = None);
            if self.len > 0 && !self.recording && !self.spare.is_empty() {
                if self.spare.lends() {
                    // With the node of an operation that has panicked.
                    let nodes = self.nodes.iter_mut().take(self.len + 1);
                    nodes.for_each(|node| take_back(node, &mut self.spare));
                }
                self.spare.end_step();
            }
        }

        /// Takes back the memory of one node and of all nodes from `start` on, apart from `kept` and
        /// parameters, in a step that is not recorded. Nobody may use their values any more. Returns how many
        /// nodes there are.
        pub(super) fn forget(&mut self, start: u32, one: Option<u32>, kept: u32) -> u32 {
            for node in one.into_iter().chain(start..self.len as u32) {
                let of_node = &mut self.nodes[node as usize];
                if node != kept && !of_node.is_param {
                    of_node.shared = None;
                    take_back(of_node, &mut self.spare);
                }
            }
            self.len as u32
        }

        /// The value of a node, as the result of a step that is over.
        pub(super) fn result(&mut self, root: u32) -> Tensor<T> {
            let node = &self.nodes[root as usize];
            match &node.own {
                Some(own) if node.shared.is_none() && node.slots[0] != NO_SLOT => {
                    self.spare.result(own, node.slots[0])
                }
                _ => node.value().clone(),
            }
        }

        /// Forgets the step, and gives all memory back.
        pub(super) fn release_memory(&mut self) {
            self.reset(false, Mode::Evaluate);
            let untrained = std::mem::take(&mut self.untrained);
            *self = Self::new();
            self.untrained = untrained;
        }

        /// The index of the next node.
        fn next_node(&mut self) -> usize {
            if self.len == self.nodes.len() {
                self.nodes.push(Node::new());
            }
            if self.recording {
                if self.len == self.grads.len() {
                    self.ops.push(None);
                    self.grads.push(Grad { value: None, ready: false });
                }
                self.grads[self.len].ready = false;
            }
            self.len
        }

        /// Appends a node whose value is the caller's.
        pub(super) fn leaf(&mut self, value: Tensor<T>, differentiated: bool) -> u32 {
            let at = self.next_node();
            let node = &mut self.nodes[at];
            node.shared = Some(value);
            node.inputs = (0, 0);
            node.is_param = false;
            node.differentiated = (differentiated || self.probing) && self.recording;
            self.len += 1;
            at as u32
        }

        /// A parameter's node: one for each parameter, however often it is used.
        pub(super) fn param<'a>(&mut self, param: &'a Param<T>) -> u32 {
            if let Some(at) = self.known(param.id()) {
                return self.params[at].node;
            }
            if cfg!(debug_assertions) && self.recording && param.is_trainable() {
                self.untrained.note(param);
            }
            if self.probing && param.is_trainable() {
                self.probed.push((param.id(), param.describe()));
            }
            let node = self.leaf(param.value().clone(), param.is_trainable());
            self.nodes[node as usize].is_param = true;
            self.params.push(OnTape { id: param.id(), node, shown: false });
            if self.params.len() > FEW {
                // The table is filled with the first ones when there are too many to search.
                let start = if self.params.len() == FEW + 1 { 0 } else { self.params.len() - 1 };
                (start..self.params.len()).for_each(|at| self.ids.insert(self.params[at].id, at));
            }
            node
        }

        /// Records a new value of a buffer, which a step applies.
        pub(super) fn update(&mut self, buffer: u64, rate: Rate<T>, node: u32) {
            if self.recording && !self.probing {
                self.buffers.push(buffer);
                self.updates.push(Recorded { buffer, node, rate });
            }
        }

        /// The backward pass: gradients of node `root`, which has one element, with respect to all nodes
        /// that lead to it.
        pub(crate) fn backward(&mut self, root: u32) {
            let root = root as usize;
            if self.nodes[root].differentiated {
                let shape = self.nodes[root].value().shape();
                grow(&mut self.grads[root].value, shape).fill(T::ONE);
                self.grads[root].ready = true;
            }
            // At the end, also if an operation panics.
            let released = ReleaseAtEnd(self);
            let graph = &mut *released.0;
            for i in (0..=root).rev() {
                let node = &graph.nodes[i];
                let (first, end) = node.inputs;
                if !node.differentiated || first == end || !graph.grads[i].ready {
                    continue;
                }
                let (below, rest) = graph.grads.split_at_mut(i);
                let (Some(op), Some(dy)) = (&graph.ops[i], &rest[0].value) else { continue };
                let edges = &graph.edges[first as usize..end as usize];
                op.backward(&mut Backward::new(&graph.nodes, edges, node, dy.as_slice(), below));
            }
        }

    }
}

impl<T: Scalar> Graph<T> {
    /// Computes an op's value and appends its node.
    #[track_caller]
    pub(super) fn apply<O: Op<T>>(
        &mut self,
        op: O,
        inputs: impl Iterator<Item = u32>,
        forward: impl FnOnce(&mut Forward<'_, T>),
    ) -> u32 {
        let (at, first) = (self.next_node(), self.edges.len());
        self.edges.extend(inputs);
        let mut forward = Some(forward);
        self.compute(at, first, &op, &mut |cx| {
            if let Some(forward) = forward.take() {
                forward(cx);
            }
        });
        if self.nodes[at].differentiated {
            store(&mut self.ops[at], op);
        }
        self.len += 1;
        at as u32
    }

    /// Computes the value of a node whose edges are those from `first`. Not generic in the op, of which
    /// there are many.
    #[track_caller]
    fn compute(
        &mut self,
        at: usize,
        first: usize,
        op: &dyn fmt::Debug,
        forward: &mut dyn FnMut(&mut Forward<'_, T>),
    ) {
        let edges = &self.edges[first..];
        let (below, rest) = self.nodes.split_at_mut(at);
        let node = &mut rest[0];
        node.shared = None;
        node.is_param = false;
        node.differentiated =
            self.recording && edges.iter().any(|&e| below[e as usize].differentiated);
        node.inputs = (first as u32, self.edges.len() as u32);
        let spare = (!self.recording).then_some(&mut self.spare);
        let mut cx = Forward::new(below, edges, node, spare);
        forward(&mut cx);
        assert!(cx.written, "{op:?}: the forward closure asked for no output");
        if node.slots[1] != NO_SLOT
            && let Some(saved) = node.saved.take()
        {
            self.spare.take_back(saved, std::mem::replace(&mut node.slots[1], NO_SLOT));
        }
    }

    /// The trainable parameters that a diagnosis has seen: identity and description.
    pub(crate) fn probed(&self) -> impl Iterator<Item = (u64, &str)> {
        self.probed.iter().map(|(id, name)| (*id, name.as_str()))
    }

    /// The parameters of this step: identity and node.
    pub(crate) fn params(&self) -> impl Iterator<Item = (u64, u32)> + '_ {
        self.params.iter().map(|param| (param.id, param.node))
    }

    /// The op that computed a node, if the node is to be differentiated.
    pub(crate) fn op(&self, node: u32) -> Option<&dyn Op<T>> {
        let computed = self.nodes[node as usize].differentiated && !self.inputs(node).is_empty();
        self.ops.get(node as usize)?.as_deref().filter(|_| computed)
    }

    pub(crate) fn value(&self, node: u32) -> &Tensor<T> {
        self.nodes[node as usize].value()
    }

    /// The nodes that a node is computed from.
    pub(crate) fn inputs(&self, node: u32) -> &[u32] {
        let (first, end) = self.nodes[node as usize].inputs;
        &self.edges[first as usize..end as usize]
    }

    /// Whether the backward pass reaches a node.
    pub(super) fn is_differentiated(&self, node: u32) -> bool {
        self.nodes[node as usize].differentiated
    }

    /// Whether what is computed will be differentiated.
    pub(super) fn is_recording(&self) -> bool {
        self.recording
    }

    /// Whether a node is an input, a parameter or a buffer.
    pub(super) fn is_leaf(&self, node: u32) -> bool {
        self.inputs(node).is_empty()
    }

    /// Whether a value of this step has memory that can be taken back.
    #[inline]
    pub(super) fn lends(&self) -> bool {
        self.spare.lends()
    }

    /// How many nodes there are; each comes behind all that it is computed from.
    pub(crate) fn len(&self) -> u32 {
        self.len as u32
    }

    /// A node's gradient, if the last backward pass reached it.
    pub(crate) fn grad(&self, node: u32) -> Option<&Tensor<T>> {
        let grad = &self.grads[node as usize];
        grad.value.as_ref().filter(|_| grad.ready)
    }

    /// Where a parameter of this step is.
    #[inline]
    fn known(&self, param: u64) -> Option<usize> {
        if self.params.len() <= FEW {
            return self.params.iter().position(|known| known.id == param);
        }
        self.ids.get(param)
    }

    /// Where a parameter of this step is; `hint` is the position to look at first.
    fn position(&self, param: u64, hint: usize) -> Option<usize> {
        match self.params.get(hint) {
            Some(known) if known.id == param => Some(hint),
            _ => self.known(param),
        }
    }

    fn grad_mut(&mut self, node: u32) -> Option<&mut Tensor<T>> {
        let grad = &mut self.grads[node as usize];
        grad.value.as_mut().filter(|_| grad.ready)
    }
}

/// Gives shared values back when it is dropped.
struct ReleaseAtEnd<'g, T: Scalar>(&'g mut Graph<T>);

impl<T: Scalar> Drop for ReleaseAtEnd<'_, T> {
    fn drop(&mut self) {
        self.0.release();
    }
}

impl<T: Scalar> Drop for Graph<T> {
    fn drop(&mut self) {
        self.report_untrained();
        complain(&self.untrained.end(), self.watch.place(None));
    }
}

impl<T: Scalar> Source<T> for Graph<T> {
    /// Parameters are mostly asked for in the order of their use.
    fn find(&self, param: u64, hint: usize) -> Option<(usize, &Tensor<T>)> {
        self.watch.use_gradients();
        let at = self.position(param, hint)?;
        Some((at, self.grad(self.params[at].node)?))
    }
    fn find_mut(&mut self, param: u64) -> Option<&mut Tensor<T>> {
        self.watch.use_gradients();
        let node = self.params[self.known(param)?].node;
        self.grad_mut(node)
    }
    fn each(&self, f: &mut dyn FnMut(u64, &Tensor<T>)) {
        self.watch.use_gradients();
        for param in &self.params {
            if let Some(grad) = self.grad(param.node) {
                f(param.id, grad);
            }
        }
    }
    fn each_mut(&mut self, f: &mut dyn FnMut(&mut Tensor<T>)) {
        for i in 0..self.params.len() {
            if let Some(grad) = self.grad_mut(self.params[i].node) {
                f(grad);
            }
        }
    }
    fn updates(&self, f: &mut dyn FnMut(u64, Update<'_, T>)) {
        for Recorded { buffer, node, rate } in &self.updates {
            f(*buffer, Update { rate: *rate, value: self.value(*node) });
        }
    }
    fn why_none(&self) -> &'static str {
        self.why_no_gradient()
    }
    fn updates_of(&self, buffer: u64, f: &mut dyn FnMut(Update<'_, T>)) {
        for (earlier, i) in self.buffers.of(buffer).enumerate() {
            let Recorded { node, rate, .. } = &self.updates[i];
            f(Update { rate: rate.behind(earlier), value: self.value(*node) });
        }
    }
    fn take(&mut self, param: u64, hint: usize) -> Option<(usize, &Tensor<T>)> {
        self.watch.use_gradients();
        let at = self.position(param, hint)?;
        self.params[at].shown = true;
        Some((at, self.grad(self.params[at].node)?))
    }
}

/// Takes back what a node of a step that is not recorded owns.
fn take_back<T: Scalar>(node: &mut Node<T>, spare: &mut Spare<T>) {
    for (memory, slot) in [&mut node.own, &mut node.saved].into_iter().zip(&mut node.slots) {
        if *slot != NO_SLOT
            && let Some(memory) = memory.take()
        {
            spare.take_back(memory, std::mem::replace(slot, NO_SLOT));
        }
    }
    if node.own.is_none() {
        node.own = node.small.take();
    }
}

/// Writes an op over one of its kind, or boxes it.
fn store<T: Scalar, O: Op<T>>(slot: &mut Option<Box<dyn Op<T>>>, op: O) {
    if let Some(old) = slot {
        let old: &mut dyn Any = &mut **old;
        if let Some(old) = old.downcast_mut::<O>() {
            *old = op;
            return;
        }
    }
    *slot = Some(Box::new(op));
}
