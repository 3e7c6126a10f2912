//! Row-major tensors over [`ndarray`], and the kernels that train networks on them.
//!
//! This crate has no gradients. [`Tensor`] is a value. The kernels of [`gemm`], [`map`], [`reduce`] and
//! [`broadcast`] compute on slices, so that the caller decides where results are stored. They use the
//! vector instructions of the CPU, which are detected once, at run time ([`simd`]). They split large work
//! among threads along its outputs only ([`parallel`]), so the same input gives the same bits for any
//! number of threads.
//!
//! ```
//! use fanin_tensor::Tensor;
//!
//! let x = Tensor::from_vec([2, 3], vec![1.0f32, 2.0, 3.0, 4.0, 5.0, 6.0]);
//! assert_eq!(x.shape(), [2, 3]);
//! assert_eq!((2.0 * &x).as_slice(), [2.0, 4.0, 6.0, 8.0, 10.0, 12.0]);
//! assert_eq!(x.sum_axis(0), [5.0, 7.0, 9.0].into());
//! ```

#![allow(unsafe_code)] // each block gives its reason

pub mod broadcast;
mod cache;
mod environment;
pub mod gemm;
pub mod lanes;
pub mod map;
mod once;
pub mod parallel;
pub mod reduce;
mod scalar;
#[doc(hidden)]
pub mod scratch;
mod shape;
pub mod simd;
mod split;
pub mod subnormal;
mod tensor;
pub mod vmath;
mod write;

pub use ndarray;
pub use scalar::{Family, Scalar};
pub use shape::{IntoShape, Shape, show_shape};
pub use tensor::Tensor;
pub use write::{Mode, Set, Write};
