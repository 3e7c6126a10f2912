//! Tensors as text, and through serde.

use std::fmt;

use ndarray::ArrayD;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Tensor;
use crate::once::once;
use crate::{Scalar, show_shape};

once! {
    fn show(x: &Tensor<T>, f: &mut fmt::Formatter<'_>) -> fmt::Result = show_generic;
}

fn show_generic<T: Scalar>(x: &Tensor<T>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    fmt::Display::fmt(&x.view(), f)
}

impl<T: Scalar> fmt::Display for Tensor<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        show(self, f)
    }
}

impl<T: Scalar> fmt::Debug for Tensor<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "Tensor {}", show_shape(self.shape()))?;
        show(self, f)
    }
}

impl<T: Scalar> Serialize for Tensor<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.view().serialize(serializer)
    }
}

impl<'de, T: Scalar> Deserialize<'de> for Tensor<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // A view: its conversion copies into aligned memory.
        ArrayD::<T>::deserialize(deserializer).map(|array| array.view().into())
    }
}
