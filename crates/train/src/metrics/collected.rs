//! [`Collected`]: any function of outputs and targets as a [`Metric`].

use std::fmt;

use fanin_tensor::Tensor;

use super::Metric;
use crate::Concat;

/// Any function of all outputs and all targets, such as those of this module, as a [`Metric`].
///
/// It keeps the outputs and the targets of all batches. `Y` is `[usize]` or [`Tensor`].
///
/// # Example
/// ```
/// use fanin_tensor::Tensor;
/// use fanin_train::metrics::{Collected, Metric};
///
/// let mut worst = Collected::new("worst_error", false, |y: &Tensor, t: &Tensor| {
///     f64::from((y - t).map(f32::abs).max())
/// });
/// worst.update(&Tensor::from([[1.0], [2.0]]), &Tensor::from([[1.5], [2.0]]));
/// worst.update(&Tensor::from([[3.0]]), &Tensor::from([[5.0]]));
/// assert_eq!(worst.value(), 2.0);
/// ```
#[derive(Clone)]
pub struct Collected<F, Y: ?Sized + ToOwned> {
    name: String,
    higher_is_better: bool,
    metric: F,
    outputs: Vec<Tensor>,
    targets: Vec<Y::Owned>,
}

impl<F, Y> Collected<F, Y>
where
    F: Fn(&Tensor, &Y) -> f64,
    Y: ?Sized + ToOwned,
{
    /// A metric of no samples yet, with its name, whether a larger value is better, and the function.
    pub fn new(name: impl Into<String>, higher_is_better: bool, metric: F) -> Self {
        let name = name.into();
        Self { name, higher_is_better, metric, outputs: vec![], targets: vec![] }
    }
}

impl<F, Y> Metric<Y> for Collected<F, Y>
where
    F: Fn(&Tensor, &Y) -> f64 + Send,
    Y: ?Sized + ToOwned,
    Y::Owned: Concat<View = Y> + Clone + Send,
{
    fn name(&self) -> String {
        self.name.clone()
    }

    fn higher_is_better(&self) -> bool {
        self.higher_is_better
    }

    fn reset(&mut self) {
        self.outputs.clear();
        self.targets.clear();
    }

    #[track_caller]
    fn update(&mut self, outputs: &Tensor, targets: &Y) {
        self.outputs.push(outputs.clone());
        self.targets.push(targets.to_owned());
    }

    fn value(&self) -> f64 {
        if self.outputs.is_empty() {
            return f64::NAN;
        }
        let targets = Concat::concat(self.targets.clone());
        (self.metric)(&Concat::concat(self.outputs.clone()), Y::Owned::view(&targets))
    }
}

impl<F, Y: ?Sized + ToOwned> fmt::Debug for Collected<F, Y> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let batches = self.outputs.len();
        f.debug_struct("Collected").field("name", &self.name).field("batches", &batches).finish()
    }
}
