//! Tests of what belongs to the process: an allocator that counts, signals, and closed streams.

mod allocations;
#[cfg(unix)]
mod children;
mod overhead;
