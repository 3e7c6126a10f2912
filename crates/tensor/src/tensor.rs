//! [`Tensor`]: a row-major array behind a reference count.

use std::fmt;
use std::mem;
use std::sync::Arc;

use ndarray::{Array, ArrayD, ArrayViewD, ArrayViewMutD, Dimension, IxDyn};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{IntoShape, Scalar, Shape, show_shape};

/// A row-major n-dimensional array of `f32` or `f64`.
///
/// Cloning is O(1): clones share their elements until one of them is written to, which then copies
/// them first. Elements are always contiguous, so [`as_slice`](Tensor::as_slice) never fails; for
/// everything that ndarray can do, take a [`view`](Tensor::view) or convert: `ndarray` arrays of
/// any dimension go in with `into()`, [`ArrayD`] comes out the same way, and an array with a fixed
/// number of axes by `try_into()`.
///
/// The element type is `f32` where a type is written without one; where the compiler must infer it
/// and nothing else says so, write `Tensor::<f32>::zeros([2, 2])`.
///
/// # Example
/// ```
/// use fanin_tensor::{Tensor, ndarray::array};
///
/// let x: Tensor = array![[1.0, 2.0], [3.0, 4.0]].into();
/// let mut y = x.clone();                     // shares x's elements
/// y.as_mut_slice()[0] = 9.0;                 // and now has its own
/// assert_eq!((x.as_slice()[0], y.as_slice()[0]), (1.0, 9.0));
/// ```
#[derive(Clone)]
pub struct Tensor<T = f32> {
    // Invariant: in standard (row-major, contiguous) layout.
    array: Arc<ArrayD<T>>,
}

impl<T: Scalar> Tensor<T> {
    /// A tensor of this shape whose elements, row by row, are `values`.
    ///
    /// # Panics
    /// **Panics** if `values` has another length than the shape has places.
    ///
    /// # Example
    /// ```
    /// let x = fanin_tensor::Tensor::from_vec([2, 2], vec![1.0, 2.0, 3.0, 4.0]);
    /// assert_eq!(x.view()[[1, 0]], 3.0);
    /// ```
    #[track_caller]
    pub fn from_vec(shape: impl IntoShape, values: Vec<T>) -> Self {
        Self::shaped("from_vec", &shape.with_shape(|s| Shape::from(s)), values)
    }

    #[track_caller]
    fn shaped(op: &str, shape: &[usize], values: Vec<T>) -> Self {
        let len = values.len();
        match ArrayD::from_shape_vec(IxDyn(shape), values) {
            Ok(array) => Self { array: Arc::new(array) },
            Err(_) => bad_len(op, shape, len),
        }
    }

    /// A tensor of this shape with `value` everywhere.
    ///
    /// # Panics
    /// **Panics** if no memory could hold so many elements.
    #[track_caller]
    pub fn full(shape: impl IntoShape, value: T) -> Self {
        let shape = shape.with_shape(|s| Shape::from(s));
        let Some(len) = places(&shape).filter(|len| *len <= isize::MAX as usize / size_of::<T>())
        else {
            panic!("a tensor {shape} has more elements than memory could hold")
        };
        Self::shaped("full", &shape, vec![value; len])
    }

    /// A tensor of zeros.
    #[track_caller]
    pub fn zeros(shape: impl IntoShape) -> Self {
        Self::full(shape, T::ZERO)
    }

    /// A tensor of ones.
    #[track_caller]
    pub fn ones(shape: impl IntoShape) -> Self {
        Self::full(shape, T::ONE)
    }

    /// A tensor without axes: one element.
    pub fn scalar(value: T) -> Self {
        Self::full((), value)
    }

    /// The length of every axis, outermost first.
    #[inline]
    pub fn shape(&self) -> &[usize] {
        self.array.shape()
    }

    /// How many elements there are.
    #[inline]
    #[expect(clippy::len_without_is_empty, reason = "an empty tensor is a rare shape, not a state")]
    pub fn len(&self) -> usize {
        self.array.len()
    }

    /// The elements, row by row.
    #[inline]
    pub fn as_slice(&self) -> &[T] {
        // ndarray would compare all strides with the shape first, at every call.
        // SAFETY: the invariant: elements are contiguous and in order.
        unsafe { std::slice::from_raw_parts(self.array.as_ptr(), self.array.len()) }
    }

    /// The elements, row by row, to write to; copies them first if a clone shares them.
    #[inline]
    pub fn as_mut_slice(&mut self) -> &mut [T] {
        slice_mut(Arc::make_mut(&mut self.array))
    }

    /// The elements as an ndarray view.
    pub fn view(&self) -> ArrayViewD<'_, T> {
        self.array.view()
    }

    /// The elements as an ndarray view to write to; copies them first if a clone shares them.
    pub fn view_mut(&mut self) -> ArrayViewMutD<'_, T> {
        Arc::make_mut(&mut self.array).view_mut()
    }

    /// The one element of a tensor that has just one.
    ///
    /// # Panics
    /// **Panics** if there are more, or none.
    #[track_caller]
    pub fn item(&self) -> T {
        match self.as_slice() {
            [value] => *value,
            _ => panic!("item: a tensor {} has no single element", show_shape(self.shape())),
        }
    }

    /// The same elements, row by row, under another shape.
    ///
    /// # Panics
    /// **Panics** if the shape has another number of places.
    #[track_caller]
    pub fn reshape(self, shape: impl IntoShape) -> Self {
        Self::shaped("reshape", &shape.with_shape(|s| Shape::from(s)), self.into_vec())
    }

    /// The elements as a vector, row by row; copies them only if a clone shares them.
    pub fn into_vec(self) -> Vec<T> {
        let array = Arc::unwrap_or_clone(self.array);
        let len = array.len();
        // A sliced ndarray may own more memory than it shows.
        let (mut values, offset) = array.into_raw_vec_and_offset();
        values.drain(..offset.unwrap_or(0));
        values.truncate(len);
        values
    }

    /// Gives the tensor this shape for all its elements to be written again, and lends them; what they
    /// hold until then is unspecified. Uses the memory it has, if no clone shares it and it suffices.
    ///
    /// ```
    /// let mut x = fanin_tensor::Tensor::<f32>::zeros([64, 10]);
    /// let before = x.as_slice().as_ptr();
    /// x.reuse(&[40, 10]).fill(1.0);               // a shorter batch,
    /// x.reuse(&[64, 10]).fill(2.0);               // then a full one again
    /// assert_eq!(x.as_slice().as_ptr(), before);
    /// ```
    pub fn reuse(&mut self, shape: &[usize]) -> &mut [T] {
        if self.is_shared() {
            *self = Self::zeros(shape);
        }
        let array = Arc::get_mut(&mut self.array).expect("no clone shares it");
        // Not `==`, which calls a function for two numbers.
        if array.ndim() != shape.len() || array.shape().iter().zip(shape).any(|(a, b)| a != b) {
            let Some(len) = places(shape) else { bad_len("reuse", shape, 0) };
            let (mut values, _) = mem::take(array).into_raw_vec_and_offset();
            values.resize(len, T::ZERO);
            *array = ArrayD::from_shape_vec(IxDyn(shape), values).expect("the length fits");
        }
        slice_mut(array)
    }

    /// Whether a clone shares the elements, so that writing would copy them.
    pub fn is_shared(&self) -> bool {
        Arc::strong_count(&self.array) > 1
    }

    /// Every element converted to another element type.
    ///
    /// ```
    /// let x = fanin_tensor::Tensor::from_vec(2, vec![0.5f32, 1.5]);
    /// assert_eq!(x.cast::<f64>().as_slice(), [0.5f64, 1.5]);
    /// ```
    pub fn cast<U: Scalar>(&self) -> Tensor<U> {
        self.array.mapv(|v| U::from_f64(v.to_f64())).into()
    }
}

/// The elements of a tensor's array.
#[inline]
fn slice_mut<T>(array: &mut ArrayD<T>) -> &mut [T] {
    // SAFETY: the invariant: elements are contiguous and in order.
    unsafe { std::slice::from_raw_parts_mut(array.as_mut_ptr(), array.len()) }
}

#[cold]
#[inline(never)]
#[track_caller]
fn bad_len(op: &str, shape: &[usize], len: usize) -> ! {
    match places(shape) {
        Some(places) => panic!(
            "{op}: shape {} has {places} places, but there are {len} values",
            show_shape(shape)
        ),
        None => panic!("{op}: shape {} has more places than can be counted", show_shape(shape)),
    }
}

/// How many elements a shape has, unless that is more than can be counted.
fn places(shape: &[usize]) -> Option<usize> {
    shape.iter().try_fold(1usize, |places, &axis| places.checked_mul(axis))
}

impl<T: Scalar> Default for Tensor<T> {
    /// No elements: shape `0`.
    fn default() -> Self {
        ArrayD::from_elem(IxDyn(&[0]), T::ZERO).into()
    }
}

impl<T: Scalar, D: Dimension> From<Array<T, D>> for Tensor<T> {
    /// Takes the array's own memory if it is in row-major order, else copies it into that order.
    fn from(array: Array<T, D>) -> Self {
        let array = if array.is_standard_layout() {
            array.into_dyn()
        } else {
            array.as_standard_layout().into_owned().into_dyn()
        };
        Self { array: Arc::new(array) }
    }
}

impl<T: Scalar, D: Dimension> From<ndarray::ArrayView<'_, T, D>> for Tensor<T> {
    fn from(view: ndarray::ArrayView<'_, T, D>) -> Self {
        view.to_owned().into()
    }
}

impl<T: Scalar> From<Tensor<T>> for ArrayD<T> {
    /// Copies only if a clone shares the elements.
    fn from(tensor: Tensor<T>) -> Self {
        Arc::unwrap_or_clone(tensor.array)
    }
}

/// Fails, and gives the tensor's error, if it has another number of axes.
macro_rules! try_into_array {
    ($($dimension:ident)*) => {$(
        impl<T: Scalar> TryFrom<Tensor<T>> for Array<T, ndarray::$dimension> {
            type Error = ndarray::ShapeError;

            /// Copies only if a clone shares the elements.
            fn try_from(tensor: Tensor<T>) -> Result<Self, Self::Error> {
                ArrayD::from(tensor).into_dimensionality()
            }
        }
    )*};
}
try_into_array!(Ix0 Ix1 Ix2 Ix3 Ix4 Ix5 Ix6);

impl<T: Scalar> From<Vec<T>> for Tensor<T> {
    /// A tensor of one axis.
    fn from(values: Vec<T>) -> Self {
        Self::from_vec(values.len(), values)
    }
}

impl<T: Scalar> PartialEq for Tensor<T> {
    fn eq(&self, other: &Self) -> bool {
        self.array == other.array
    }
}

impl<T: Scalar> fmt::Display for Tensor<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.array.fmt(f)
    }
}

impl<T: Scalar> fmt::Debug for Tensor<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tensor {}\n{}", show_shape(self.shape()), self.array)
    }
}

impl<T: Scalar> Serialize for Tensor<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.array.serialize(serializer)
    }
}

impl<'de, T: Scalar> Deserialize<'de> for Tensor<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        ArrayD::deserialize(deserializer).map(Self::from)
    }
}
