//! [`GradientSum`]: gradients of several micro-batches.

use std::fmt;

use fanin_tensor::{Scalar, Tensor};

use super::Gradients;
use super::gradients::{Rate, Source, Update};
use super::ids::{Chains, Ids};

/// The sum of the gradients of several micro-batches, which an optimizer takes like those of one.
///
/// `Σ g_k` is added in the order of the calls, as PyTorch accumulates over several `backward`s. For the
/// gradient of the mean loss of k equal micro-batches, [`scale`](Gradients::scale) by 1/k. Updates of
/// [buffers](crate::Buffer) are kept in their order and all of them are applied, so running statistics
/// are those of k forward passes. Memory is used again after [`clear`](Self::clear).
///
/// # Example
/// ```
/// use fanin_nn::{Adam, GradientSum, Linear, Module, Optimizer, Tape, Tensor};
///
/// let (mut model, mut adam) = (Linear::new(3, 2), Adam::new(1e-3));
/// let (mut tape, mut sum) = (Tape::new(), GradientSum::new());
/// for _ in 0..10 {
///     for micro in 0..4 {
///         let x = Tensor::full([16, 3], micro as f32);
///         let (_, grads) = tape.value_and_grad(|t| model.forward(t.input(&x)).square().mean());
///         sum.add(&grads);
///     }
///     let mut grads = sum.gradients();
///     grads.scale(0.25);
///     adam.step(&mut model, grads);
///     sum.clear();
/// }
/// ```
pub struct GradientSum<T: Scalar = f32> {
    grads: Vec<Entry<T>>,
    /// Where in `grads` each parameter is.
    params: Ids,
    updates: Vec<BufferUpdate<T>>,
    /// How many of `updates` belong to this sum; the rest is memory for later ones.
    updated: usize,
    /// Which of `updates` each buffer has.
    buffers: Chains,
}

struct Entry<T: Scalar> {
    param: u64,
    sum: Tensor<T>,
    /// Whether the sum has any terms.
    filled: bool,
}

struct BufferUpdate<T: Scalar> {
    buffer: u64,
    rate: Rate<T>,
    value: Tensor<T>,
}

impl<T: Scalar> GradientSum<T> {
    /// A sum without terms.
    pub fn new() -> Self {
        Self {
            grads: vec![],
            params: Ids::new(),
            updates: vec![],
            updated: 0,
            buffers: Chains::new(),
        }
    }

    /// Adds the gradients of one micro-batch.
    ///
    /// # Panics
    /// **Panics** if a parameter's gradient has another shape than before.
    #[track_caller]
    pub fn add(&mut self, grads: &Gradients<'_, T>) {
        let (mut at, mut misfit) = (0, false);
        grads.each(&mut |param, grad| {
            let here = match self.grads.get(at) {
                Some(entry) if entry.param == param => at,
                _ => self.params.get(param).unwrap_or_else(|| {
                    let sum = Tensor::zeros(grad.shape());
                    self.params.insert(param, self.grads.len());
                    self.grads.push(Entry { param, sum, filled: false });
                    self.grads.len() - 1
                }),
            };
            at = here + 1;
            let entry = &mut self.grads[here];
            misfit |= entry.filled && entry.sum.shape() != grad.shape();
            if misfit {
                return;
            }
            if entry.filled {
                let sum = entry.sum.as_mut_slice().iter_mut();
                sum.zip(grad.as_slice()).for_each(|(sum, &g)| *sum += g);
            } else {
                entry.sum.reuse(grad.shape()).copy_from_slice(grad.as_slice());
                entry.filled = true;
            }
        });
        assert!(!misfit, "GradientSum: a parameter has another shape than in the terms before");
        grads.updates(&mut |buffer, Update { rate, value }| {
            self.push(buffer, rate, value);
        });
    }

    /// Adds an update of a buffer.
    pub(crate) fn push(&mut self, buffer: u64, rate: Rate<T>, value: &Tensor<T>) {
        if self.updated == self.updates.len() {
            let value = Tensor::zeros(value.shape());
            self.updates.push(BufferUpdate { buffer, rate, value });
        }
        let update = &mut self.updates[self.updated];
        update.value.reuse(value.shape()).copy_from_slice(value.as_slice());
        (update.buffer, update.rate) = (buffer, rate);
        self.updated += 1;
        self.buffers.push(buffer);
    }

    /// Makes this the gradient of a parameter.
    pub(crate) fn fill(&mut self, param: u64, shape: &[usize], values: &[T]) {
        let at = self.params.get(param).unwrap_or_else(|| {
            let at = self.grads.len();
            self.params.insert(param, at);
            self.grads.push(Entry { param, sum: Tensor::zeros(shape), filled: false });
            at
        });
        self.grads[at].sum.reuse(shape).copy_from_slice(values);
        self.grads[at].filled = true;
    }

    /// The sum, to be changed or handed to an optimizer.
    pub fn gradients(&mut self) -> Gradients<'_, T> {
        Gradients::new(self, None)
    }

    /// Forgets all terms and keeps the memory.
    pub fn clear(&mut self) {
        self.grads.iter_mut().for_each(|entry| entry.filled = false);
        self.updated = 0;
        self.buffers.clear();
    }
}

impl<T: Scalar> Default for GradientSum<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: Scalar> Source<T> for GradientSum<T> {
    fn find(&self, param: u64, hint: usize) -> Option<(usize, &Tensor<T>)> {
        let at = match self.grads.get(hint) {
            Some(entry) if entry.param == param => hint,
            _ => self.params.get(param)?,
        };
        self.grads[at].filled.then_some((at, &self.grads[at].sum))
    }
    fn find_mut(&mut self, param: u64) -> Option<&mut Tensor<T>> {
        let entry = &mut self.grads[self.params.get(param)?];
        entry.filled.then_some(&mut entry.sum)
    }
    fn each(&self, f: &mut dyn FnMut(u64, &Tensor<T>)) {
        self.grads.iter().filter(|e| e.filled).for_each(|e| f(e.param, &e.sum));
    }
    fn each_mut(&mut self, f: &mut dyn FnMut(&mut Tensor<T>)) {
        self.grads.iter_mut().filter(|e| e.filled).for_each(|e| f(&mut e.sum));
    }
    fn updates(&self, f: &mut dyn FnMut(u64, Update<'_, T>)) {
        for BufferUpdate { buffer, rate, value } in &self.updates[..self.updated] {
            f(*buffer, Update { rate: *rate, value });
        }
    }
    fn why_none(&self) -> &'static str {
        "nothing with a gradient was added to the sum since clear()"
    }
    fn updates_of(&self, buffer: u64, f: &mut dyn FnMut(Update<'_, T>)) {
        for (earlier, i) in self.buffers.of(buffer).enumerate() {
            let BufferUpdate { rate, value, .. } = &self.updates[i];
            f(Update { rate: rate.behind(earlier), value });
        }
    }
    fn take(&mut self, param: u64, hint: usize) -> Option<(usize, &Tensor<T>)> {
        self.find(param, hint)
    }
}

impl<T: Scalar> fmt::Debug for GradientSum<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let filled = self.grads.iter().filter(|entry| entry.filled).count();
        write!(f, "GradientSum of {filled} parameters")
    }
}
