//! Row-major tensors over [`ndarray`], and the kernels that train networks on them.
//!
//! This crate knows nothing of gradients. [`Tensor`] is the value; [`gemm`], [`map`] and [`reduce`]
//! compute on plain slices, so that a caller decides where results live. Every kernel asks the CPU
//! once, at run time, which vector instructions it has ([`simd`]), and splits large work over
//! threads along its outputs only ([`parallel`]): the same input gives the same bits for any
//! number of threads.
//!
//! ```
//! use fanin_tensor::Tensor;
//!
//! let x = Tensor::from_vec([2, 3], vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
//! assert_eq!(x.shape(), [2, 3]);
//! let doubled: Tensor = x.view().mapv(|v| 2.0 * v).into();
//! assert_eq!(doubled.as_slice(), [2.0, 4.0, 6.0, 8.0, 10.0, 12.0]);
//! ```

#![allow(unsafe_code)] // each block gives its reason

pub mod broadcast;
pub mod gemm;
pub mod lanes;
pub mod map;
mod once;
pub mod parallel;
pub mod reduce;
mod scalar;
mod shape;
pub mod simd;
mod split;
mod tensor;
pub mod vmath;
mod write;

pub use ndarray;
pub use scalar::{Family, Scalar};
pub use shape::{IntoShape, Shape, show_shape};
pub use tensor::Tensor;
pub use write::Write;
