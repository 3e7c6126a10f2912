//! [`BatchParts`]: a batch of which this step computes a part, and others the rest.

use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;

/// Says that the batch of a step is a part of a larger one, whose other parts are computed elsewhere at the
/// same time. While it is [entered](Self::enter), [`BatchNorm1d`](crate::layers::BatchNorm1d) takes mean and
/// variance over all parts in a training step, and its backward pass sums over all of them.
///
/// The loss of each part is the mean over its samples, and the loss of the batch is the mean over all
/// samples. Every part runs the same network, so that the sums of all parts meet in the same order.
///
/// # Example
/// A batch whose other part has the same samples has the statistics of this part, and twice the rows:
/// ```
/// use fanin_nn::layers::BatchNorm1d;
/// use fanin_nn::{BatchParts, Module, Optimizer, Sgd, Tape, Tensor};
///
/// let mut norm = BatchNorm1d::new(1).momentum(1.0);
/// let parts = BatchParts::new(true, |sums| sums.iter_mut().for_each(|sum| *sum *= 2.0));
/// let (x, mut tape) = (Tensor::from_vec([2, 1], vec![1.0, 3.0]), Tape::new());
/// let entered = parts.enter();
/// let (_, grads) = tape.value_and_grad(|t| norm.forward(t.input(&x)).square().mean());
/// drop(entered);
/// Sgd::new(0.1).step(&mut norm, grads);
/// assert_eq!(norm.running_mean().item(), 2.0);
/// assert!((norm.running_var().item() - 4.0 / 3.0).abs() < 1e-6); // unbiased: of four samples
/// ```
#[doc(alias = "SyncBatchNorm")]
pub struct BatchParts {
    sum: Box<Summation>,
    first: bool,
}

/// Replaces each number by its sum over all parts.
type Summation = dyn Fn(&mut [f64]);

thread_local! {
    static CURRENT: RefCell<Option<Rc<BatchParts>>> = const { RefCell::new(None) };
}

/// Until it is dropped, the steps of this thread are on parts of a batch.
#[derive(Debug)]
pub struct EnteredParts(Option<Rc<BatchParts>>);

impl BatchParts {
    /// `sum` replaces each number by its sum over all parts, which all call it with as many numbers. The
    /// `first` part moves the running statistics.
    pub fn new(first: bool, sum: impl Fn(&mut [f64]) + 'static) -> Rc<Self> {
        Rc::new(Self { sum: Box::new(sum), first })
    }

    /// Says so for the steps of this thread, until what is returned is dropped.
    pub fn enter(self: &Rc<Self>) -> EnteredParts {
        EnteredParts(CURRENT.replace(Some(self.clone())))
    }

    /// What the steps of this thread are on.
    pub(crate) fn current() -> Option<Rc<Self>> {
        CURRENT.with_borrow(Clone::clone)
    }

    pub(crate) fn sum(&self, values: &mut [f64]) {
        (self.sum)(values);
    }

    pub(crate) fn is_first(&self) -> bool {
        self.first
    }
}

impl Drop for EnteredParts {
    fn drop(&mut self) {
        CURRENT.set(self.0.take());
    }
}

impl fmt::Debug for BatchParts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BatchParts").field("first", &self.first).finish_non_exhaustive()
    }
}
