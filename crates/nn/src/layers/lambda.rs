//! [`Lambda`]: a function as a layer.

use std::fmt;
use std::sync::Arc;

use fanin_tensor::Scalar;

use crate::describe::Describe;
use crate::module::Module;
use crate::parameters::Parameters;
use crate::tape::Var;

type Function<T> = dyn for<'t> Fn(Var<'t, T>) -> Var<'t, T> + Send + Sync;

/// A function of a [`Var`] as a layer without parameters: `y = f(x)`.
///
/// For a line of arithmetic between two layers. Anything that learns is a struct that derives
/// [`Parameters`](crate::Parameters). A network with one cannot be cast to another element type, nor be
/// described in a file.
///
/// # Example
/// ```
/// use fanin_nn::layers::Lambda;
/// use fanin_nn::{Linear, Module, Sequential, Tensor};
///
/// let model = Sequential::new().add(Linear::new(2, 3)).add(Lambda::new("squared", |x| x * x));
/// assert!(model.predict(&Tensor::ones([4, 2])).as_slice().iter().all(|&y| y >= 0.0));
/// assert_eq!(model.to_string(), "0: Linear(2 → 3)\n1: squared\n");
/// ```
#[derive(Clone)]
pub struct Lambda<T: Scalar = f32> {
    name: Arc<str>,
    function: Arc<Function<T>>,
}

impl<T: Scalar> Lambda<T> {
    /// A layer that computes this function, and its name in messages and summaries.
    pub fn new(
        name: &str,
        function: impl for<'t> Fn(Var<'t, T>) -> Var<'t, T> + Send + Sync + 'static,
    ) -> Self {
        Self { name: name.into(), function: Arc::new(function) }
    }
}

impl<T: Scalar> Parameters<T> for Lambda<T> {}

impl<T: Scalar> Module<T> for Lambda<T> {
    #[track_caller]
    fn forward<'t>(&self, x: Var<'t, T>) -> Var<'t, T> {
        (self.function)(x)
    }
}

impl<T: Scalar> Describe for Lambda<T> {
    fn describe(&self) -> String {
        self.name.to_string()
    }
}

impl<T: Scalar> fmt::Debug for Lambda<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}
