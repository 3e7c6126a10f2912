//! Tests of the data sets, of tables, and of the batches that are made of them.

mod common;

mod augment;
mod bundled;
mod data;
mod dataset;
mod find;
mod full;
mod idx;
mod prefetch;
mod table;
mod torch;
mod warp;
