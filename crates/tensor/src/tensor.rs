//! [`Tensor`]: a row-major array behind a reference count.

mod arithmetic;
mod convert;
mod elements;
mod reductions;
mod select;
mod text;

use std::sync::Arc;
use std::sync::atomic::{Ordering, fence};

use ndarray::{ArrayViewD, ArrayViewMutD, IxDyn};

use crate::once::{Once, once};
use crate::{IntoShape, Scalar, Shape, Write, map, show_shape};
use elements::Elements;

/// A row-major n-dimensional array of `f32` or `f64`.
///
/// Cloning is O(1). Clones share their elements until one of them is written to, which then copies
/// them first. Elements are always contiguous, so [`as_slice`](Tensor::as_slice) never fails. Memory
/// that the library allocates is aligned to 64 bytes, a cache line and a vector of AVX-512.
///
/// For everything that ndarray can do, take a [`view`](Tensor::view) or convert. `ndarray` arrays of
/// any dimension become tensors by `into()`. A tensor becomes an [`ArrayD`](ndarray::ArrayD) by
/// `into()`, and an array with a fixed number of axes by `try_into()`.
///
/// The element type is `f32` where a type is written without one. Where the compiler must infer it
/// and nothing else tells, write `Tensor::<f32>::zeros([2, 2])`.
///
/// # Example
/// ```
/// use fanin_tensor::Tensor;
///
/// let x: Tensor = [[1.0, 2.0], [3.0, 4.0]].into();
/// let mut y = x.clone();                     // shares the elements of x
/// y[[0, 0]] = 9.0;                           // copies them first
/// assert_eq!((x[[0, 0]], y[[0, 0]]), (1.0, 9.0));
/// assert_eq!((&x + &y).sum(), 28.0);
/// ```
#[derive(Clone)]
pub struct Tensor<T = f32> {
    elements: Arc<Elements<T>>,
}

once! {
    fn filled(shape: &[usize], value: T) -> Tensor<T> = filled_generic;
    fn from_values(shape: &[usize], values: Vec<T>) -> Tensor<T> = from_values_generic;
    fn reshaped(x: Tensor<T>, shape: &[usize]) -> Tensor<T> = reshaped_generic;
    fn values(x: Tensor<T>) -> Vec<T> = values_generic;
    fn own(x: &mut Tensor<T>) = own_generic;
    fn resize(x: &mut Tensor<T>, shape: &[usize]) = resize_generic;
}

impl<T: Scalar> Tensor<T> {
    /// A tensor of this shape whose elements, row by row, are `values`.
    ///
    /// Copies the vector's memory unless it happens to be aligned to 64 bytes: products of unaligned
    /// matrices are up to 1.7 times slower on Intel's CPUs. A conversion from an ndarray array keeps the
    /// array's memory.
    ///
    /// # Panics
    /// **Panics** if the number of values is not that of the shape.
    ///
    /// # Example
    /// ```
    /// let x = fanin_tensor::Tensor::from_vec([2, 2], vec![1.0, 2.0, 3.0, 4.0]);
    /// assert_eq!(x[[1, 0]], 3.0);
    /// ```
    #[track_caller]
    pub fn from_vec(shape: impl IntoShape, values: Vec<T>) -> Self {
        from_values(&shape.with_shape(|s| Shape::from(s)), values)
    }

    /// A tensor of this shape with `value` everywhere.
    ///
    /// # Panics
    /// **Panics** if no memory could hold that many elements.
    ///
    /// # Example
    /// ```
    /// assert_eq!(fanin_tensor::Tensor::full([2, 2], 0.5f32).as_slice(), [0.5; 4]);
    /// ```
    #[track_caller]
    pub fn full(shape: impl IntoShape, value: T) -> Self {
        filled(&shape.with_shape(|s| Shape::from(s)), value)
    }

    /// A tensor of zeros.
    ///
    /// # Panics
    /// **Panics** if no memory could hold that many elements.
    #[track_caller]
    pub fn zeros(shape: impl IntoShape) -> Self {
        Self::full(shape, T::ZERO)
    }

    /// A tensor of ones.
    ///
    /// # Panics
    /// **Panics** if no memory could hold that many elements.
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
        self.elements.shape()
    }

    /// How many elements there are.
    #[inline]
    #[expect(clippy::len_without_is_empty, reason = "an empty tensor is a rare shape, not a state")]
    pub fn len(&self) -> usize {
        self.as_slice().len()
    }

    /// The elements, row by row.
    #[inline]
    pub fn as_slice(&self) -> &[T] {
        self.elements.as_slice()
    }

    /// The elements, row by row, for writing. Copies them first if a clone shares them.
    #[inline]
    pub fn as_mut_slice(&mut self) -> &mut [T] {
        if self.is_shared() {
            own(self);
        }
        self.unique().expect("no clone shares it").as_mut_slice()
    }

    /// The elements, row by row.
    ///
    /// # Example
    /// ```
    /// let x = fanin_tensor::Tensor::from([1.0f32, -2.0]);
    /// assert!(x.iter().any(|&x| x < 0.0));
    /// for x in &x {
    ///     assert!(x.abs() < 3.0);
    /// }
    /// ```
    pub fn iter(&self) -> std::slice::Iter<'_, T> {
        self.as_slice().iter()
    }

    /// The elements as an ndarray view.
    pub fn view(&self) -> ArrayViewD<'_, T> {
        ArrayViewD::from_shape(IxDyn(self.shape()), self.as_slice()).expect("the length fits")
    }

    /// The elements as an ndarray view for writing. Copies them first if a clone shares them.
    pub fn view_mut(&mut self) -> ArrayViewMutD<'_, T> {
        let shape = IxDyn(self.shape());
        ArrayViewMutD::from_shape(shape, self.as_mut_slice()).expect("the length fits")
    }

    /// The element of a tensor that has exactly one.
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

    /// The same elements, row by row, under another shape. Copies them only if a clone shares them.
    ///
    /// # Panics
    /// **Panics** if the shape has another number of elements.
    ///
    /// # Example
    /// ```
    /// let x = fanin_tensor::Tensor::from([1.0f32, 2.0, 3.0, 4.0]).reshape([2, 2]);
    /// assert_eq!(x[[1, 0]], 3.0);
    /// ```
    #[track_caller]
    pub fn reshape(self, shape: impl IntoShape) -> Self {
        reshaped(self, &shape.with_shape(|s| Shape::from(s)))
    }

    /// The elements as a vector, row by row. Copies them only if a clone shares them.
    pub fn into_vec(self) -> Vec<T> {
        values(self)
    }

    /// Sets the shape and lends the elements for writing. The caller must write every element: until
    /// then their values are unspecified. Keeps the memory if no clone shares it and it is large enough.
    ///
    /// # Example
    /// ```
    /// let mut x = fanin_tensor::Tensor::<f32>::zeros([64, 10]);
    /// let before = x.as_slice().as_ptr();
    /// x.reuse(&[40, 10]).fill(1.0);               // a shorter batch,
    /// x.reuse(&[64, 10]).fill(2.0);               // then a full one again
    /// assert_eq!(x.as_slice().as_ptr(), before);
    /// ```
    #[track_caller]
    pub fn reuse(&mut self, shape: &[usize]) -> &mut [T] {
        // Not `==`, which calls a function for two numbers.
        let same = self.shape().len() == shape.len()
            && self.shape().iter().zip(shape).all(|(a, b)| a == b);
        if !same || self.is_shared() {
            resize(self, shape);
        }
        self.unique().expect("no clone shares it").as_mut_slice()
    }

    /// The elements, unless a clone shares them.
    ///
    /// `Arc::get_mut` also locks weak references out. There are none, and the lock takes 5 to 10 ns, as long
    /// as the work on a small tensor.
    #[inline]
    fn unique(&mut self) -> Option<&mut Elements<T>> {
        if self.is_shared() {
            return None;
        }
        // What other threads did with their clones has happened before they dropped them.
        fence(Ordering::Acquire);
        // SAFETY: this is the only strong reference, nobody makes a weak one, and while `self` is borrowed
        // nobody can clone it.
        Some(unsafe { &mut *Arc::as_ptr(&self.elements).cast_mut() })
    }

    /// Whether a clone shares the elements, so that a write copies them first.
    pub fn is_shared(&self) -> bool {
        Arc::strong_count(&self.elements) > 1
    }

    /// Every element converted to another element type.
    ///
    /// # Example
    /// ```
    /// let x = fanin_tensor::Tensor::from([0.5f32, 1.5]);
    /// assert_eq!(x.cast::<f64>().as_slice(), [0.5f64, 1.5]);
    /// ```
    pub fn cast<U: Scalar>(&self) -> Tensor<U> {
        if T::IS_F32 && U::IS_F32 {
            return Once::from_f32(Once::into_f32(self.clone()));
        }
        let values = self.iter().map(|x| U::from_f64(x.to_f64()));
        Elements::collect(self.shape(), self.len(), values).into()
    }

    /// A tensor of the same shape with `f` of every element.
    ///
    /// # Example
    /// ```
    /// let x = fanin_tensor::Tensor::from([1.0f32, -2.0]);
    /// assert_eq!(x.map(|x| x * x).as_slice(), [1.0, 4.0]);
    /// ```
    #[must_use]
    pub fn map(&self, f: impl Fn(T) -> T + Copy + Sync) -> Self {
        let mut y = Self::zeros(self.shape());
        map::map([self.as_slice()], Write::Set, y.as_mut_slice(), |[x]| f(x));
        y
    }
}

impl<T> From<Elements<T>> for Tensor<T> {
    fn from(elements: Elements<T>) -> Self {
        Self { elements: Arc::new(elements) }
    }
}

#[track_caller]
fn filled_generic<T: Scalar>(shape: &[usize], value: T) -> Tensor<T> {
    let Some(len) = places(shape).filter(|len| *len <= elements::most::<T>()) else {
        panic!("a tensor {} has more elements than memory could hold", show_shape(shape))
    };
    Elements::full(shape, len, value).into()
}

#[track_caller]
fn from_values_generic<T: Scalar>(shape: &[usize], values: Vec<T>) -> Tensor<T> {
    if places(shape) != Some(values.len()) {
        bad_len("from_vec", shape, values.len());
    }
    Elements::from_vec(shape, values, 0).into_aligned().into()
}

#[track_caller]
fn reshaped_generic<T: Scalar>(mut x: Tensor<T>, shape: &[usize]) -> Tensor<T> {
    if places(shape) != Some(x.len()) {
        bad_len("reshape", shape, x.len());
    }
    Arc::make_mut(&mut x.elements).set_shape(shape);
    x
}

fn values_generic<T: Scalar>(x: Tensor<T>) -> Vec<T> {
    Arc::unwrap_or_clone(x.elements).into_vec()
}

fn own_generic<T: Scalar>(x: &mut Tensor<T>) {
    Arc::make_mut(&mut x.elements);
}

#[track_caller]
fn resize_generic<T: Scalar>(x: &mut Tensor<T>, shape: &[usize]) {
    let Some(len) = places(shape) else { bad_len("reuse", shape, 0) };
    match x.unique() {
        Some(elements) => elements.resize(shape, len),
        None => *x = Elements::full(shape, len, T::ZERO).into(),
    }
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

/// How many elements a shape has, or `None` if the number overflows.
fn places(shape: &[usize]) -> Option<usize> {
    shape.iter().try_fold(1usize, |places, &axis| places.checked_mul(axis))
}

impl<T: Scalar> Default for Tensor<T> {
    /// No elements: shape `0`.
    fn default() -> Self {
        Self::zeros(0)
    }
}

impl<T: Scalar> PartialEq for Tensor<T> {
    /// Whether the shapes and all elements are equal.
    fn eq(&self, other: &Self) -> bool {
        self.shape() == other.shape() && self.as_slice() == other.as_slice()
    }
}
