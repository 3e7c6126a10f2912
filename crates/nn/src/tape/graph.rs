//! The nodes of a tape and the reverse sweep.

use std::any::Any;

use fanin_tensor::{Scalar, Tensor};

use super::op::{Backward, Forward, Op};
use super::slot::{Grad, Slot, grow};
use crate::param::Param;

pub(crate) struct Graph<T: Scalar> {
    slots: Vec<Slot<T>>,
    /// How the gradient flows back through each computed node.
    ops: Vec<Option<Box<dyn Op<T>>>>,
    grads: Vec<Grad<T>>,
    edges: Vec<u32>,
    /// Parameters of this step, by identity.
    params: Vec<(u64, u32)>,
    /// How many slots are nodes of this step.
    len: usize,
    /// Whether what is computed will be differentiated.
    pub(super) recording: bool,
    /// Whether that is for a look at it and not for training: inputs and frozen parameters are
    /// differentiated too.
    pub(super) probing: bool,
}

impl<T: Scalar> Graph<T> {
    pub(super) fn new() -> Self {
        Self {
            slots: vec![],
            ops: vec![],
            grads: vec![],
            edges: vec![],
            params: vec![],
            len: 0,
            recording: false,
            probing: false,
        }
    }

    /// Forgets the nodes and keeps their memory.
    pub(super) fn reset(&mut self, recording: bool) {
        self.release();
        self.edges.clear();
        self.params.clear();
        self.len = 0;
        self.recording = recording;
        self.probing = false;
    }

    /// [`reset`](Self::reset), to look at every node afterwards: all are differentiated, and layers
    /// do what they do when they predict.
    pub(super) fn reset_probing(&mut self) {
        self.reset(true);
        self.probing = true;
    }

    /// Gives shared values back, so that their owner can write to them without a copy.
    fn release(&mut self) {
        self.slots[..self.len].iter_mut().for_each(|slot| slot.shared = None);
    }

    pub(crate) fn value(&self, node: u32) -> &Tensor<T> {
        self.slots[node as usize].value()
    }

    /// The place of the next node.
    fn place(&mut self) -> usize {
        if self.len == self.slots.len() {
            self.slots.push(Slot::new());
            self.ops.push(None);
            self.grads.push(Grad { value: None, ready: false });
        }
        self.grads[self.len].ready = false;
        self.len
    }

    /// Appends a node whose value is the caller's.
    pub(super) fn leaf(&mut self, value: Tensor<T>, differentiated: bool) -> u32 {
        let at = self.place();
        let slot = &mut self.slots[at];
        slot.shared = Some(value);
        slot.inputs = (0, 0);
        slot.differentiated = (differentiated || self.probing) && self.recording;
        self.len += 1;
        at as u32
    }

    /// A parameter's node: one for each parameter, however often it is used.
    pub(super) fn param(&mut self, param: &Param<T>) -> u32 {
        if let Some(&(_, node)) = self.params.iter().find(|(id, _)| *id == param.id()) {
            return node;
        }
        let node = self.leaf(param.value().clone(), param.is_trainable());
        self.params.push((param.id(), node));
        node
    }

    /// Computes an op's value and appends its node.
    #[track_caller]
    pub(super) fn apply<O: Op<T>>(
        &mut self,
        op: O,
        inputs: impl Iterator<Item = u32>,
        forward: impl FnOnce(&mut Forward<'_, T>),
    ) -> u32 {
        let at = self.place();
        let first = self.edges.len();
        self.edges.extend(inputs);
        let edges = &self.edges[first..];
        let (below, rest) = self.slots.split_at_mut(at);
        let slot = &mut rest[0];
        slot.shared = None;
        slot.differentiated =
            self.recording && edges.iter().any(|&e| below[e as usize].differentiated);
        slot.inputs = (first as u32, self.edges.len() as u32);
        let mut cx = Forward::new(below, edges, slot);
        forward(&mut cx);
        assert!(cx.written, "{op:?}: the forward closure asked for no output");
        if slot.differentiated {
            store(&mut self.ops[at], op);
        }
        self.len += 1;
        at as u32
    }

    /// Gradients of node `root`, which has one element, with respect to all that lead to it.
    pub(crate) fn sweep(&mut self, root: u32) {
        let root = root as usize;
        if self.slots[root].differentiated {
            let shape = self.slots[root].value().shape();
            grow(&mut self.grads[root].value, shape).fill(T::ONE);
            self.grads[root].ready = true;
        }
        for i in (0..=root).rev() {
            let slot = &self.slots[i];
            let (first, end) = slot.inputs;
            if !slot.differentiated || first == end || !self.grads[i].ready {
                continue;
            }
            let (below, rest) = self.grads.split_at_mut(i);
            let (Some(op), Some(dy)) = (&self.ops[i], &rest[0].value) else { continue };
            let edges = &self.edges[first as usize..end as usize];
            op.backward(&mut Backward::new(&self.slots, edges, slot, dy.as_slice(), below));
        }
        self.release();
    }

    /// How many nodes there are; each comes behind all that it is computed from.
    pub(crate) fn nodes(&self) -> u32 {
        self.len as u32
    }

    /// The op that computed a node, if the node is to be differentiated.
    pub(crate) fn op(&self, node: u32) -> Option<&dyn Op<T>> {
        let computed = self.slots[node as usize].differentiated && !self.inputs(node).is_empty();
        self.ops[node as usize].as_deref().filter(|_| computed)
    }

    /// The nodes that a node is computed from.
    pub(crate) fn inputs(&self, node: u32) -> &[u32] {
        let (first, end) = self.slots[node as usize].inputs;
        &self.edges[first as usize..end as usize]
    }

    /// The parameters of this step: identity and node.
    pub(crate) fn params(&self) -> &[(u64, u32)] {
        &self.params
    }

    /// A node's gradient, if the last sweep reached it.
    pub(crate) fn grad(&self, node: u32) -> Option<&Tensor<T>> {
        let grad = &self.grads[node as usize];
        grad.value.as_ref().filter(|_| grad.ready)
    }

    /// A parameter's gradient, if the last sweep reached it.
    ///
    /// `hint` is where to look first: parameters are mostly asked for in the order of their use.
    pub(super) fn grad_of(&self, param: u64, hint: usize) -> Option<(usize, &Tensor<T>)> {
        let at = match self.params.get(hint) {
            Some((id, _)) if *id == param => hint,
            _ => self.params.iter().position(|(id, _)| *id == param)?,
        };
        Some((at, self.grad(self.params[at].1)?))
    }

    /// How many parameters have a gradient.
    pub(super) fn reached(&self) -> usize {
        self.params.iter().filter(|(_, node)| self.grads[*node as usize].ready).count()
    }
}

/// Writes an op over one of its kind, or boxes it.
fn store<T: Scalar, O: Op<T>>(place: &mut Option<Box<dyn Op<T>>>, op: O) {
    if let Some(old) = place {
        let old: &mut dyn Any = &mut **old;
        if let Some(old) = old.downcast_mut::<O>() {
            *old = op;
            return;
        }
    }
    *place = Some(Box::new(op));
}
