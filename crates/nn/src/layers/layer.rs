//! [`Layer`]: what a [`Sequential`](super::Sequential) holds.

use std::any::Any;

use fanin_tensor::Scalar;

use crate::module::Module;

/// A module that can be cloned behind a pointer. Every [`Module`] that is `Clone` is one.
pub trait Layer<T: Scalar = f32>: Module<T> + Any {
    /// A clone, boxed.
    fn clone_layer(&self) -> Box<dyn Layer<T>>;
}

impl<T: Scalar, M: Module<T> + Clone + 'static> Layer<T> for M {
    fn clone_layer(&self) -> Box<dyn Layer<T>> {
        Box::new(self.clone())
    }
}

impl<T: Scalar> Clone for Box<dyn Layer<T>> {
    fn clone(&self) -> Self {
        (**self).clone_layer()
    }
}
