//! Guides: each teaches one subject from the beginning. Their programs are compiled and run as tests.
//!
//! - [`initialization`]: from all zeros to muP.
//! - [`from_pytorch`]: what PyTorch's names are called here, and what differs.
//! - [`models`]: layers in a row, structs of your own, and how they train.
//! - [`data`]: tables, CSV files, images, your own type.
//! - [`core_path`]: fanin in 200 lines, step by step.
//! - [`operations`]: an operation of your own, with its backward pass.
//! - [`performance`]: what costs time, and how to measure it.
//! - [`reproducibility`]: which numbers are the same, where and when.
//! - [`mistakes`]: what is said of each, and what to do.
//! - [`clusters`]: many machines, for one training or for many.
//!
//! `cargo run --release --example course` has fifteen small programs that go with them.

#[doc = include_str!("guide/initialization.md")]
pub mod initialization {}

#[doc = include_str!("guide/from_pytorch.md")]
pub mod from_pytorch {}

#[doc = include_str!("guide/mistakes.md")]
pub mod mistakes {}

#[doc = include_str!("guide/models.md")]
pub mod models {}

#[doc = include_str!("guide/data.md")]
pub mod data {}

#[doc = include_str!("guide/core_path.md")]
pub mod core_path {}

#[doc = include_str!("guide/operations.md")]
pub mod operations {}

#[doc = include_str!("guide/performance.md")]
pub mod performance {}

#[doc = include_str!("guide/reproducibility.md")]
pub mod reproducibility {}

#[doc = include_str!("guide/clusters.md")]
pub mod clusters {}
