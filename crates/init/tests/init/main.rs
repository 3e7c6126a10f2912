//! All tests of the crate from outside, in one program: linked once, and nothing compiled twice.
//!
//! A module is a file: `cargo test -p fanin-init moments` runs the modules and tests of that name.

mod contract;
mod documented;
mod golden;
mod hostile;
mod moments;
mod moments_sparse;
mod scheme;
mod tails;
mod zscore;
