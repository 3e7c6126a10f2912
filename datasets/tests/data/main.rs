//! Tests of the data sets, of tables, and of the batches that are made of them.

mod common;

mod augment;
mod bundled;
mod classics;
#[cfg(feature = "csv")]
mod csv;
mod data;
mod dataset;
mod find;
mod full;
mod idx;
mod prefetch;
#[cfg(feature = "csv")]
mod preprocess;
mod sampling;
mod split;
mod table;
#[cfg(feature = "csv")]
mod tabular;
mod torch;
mod warp;
