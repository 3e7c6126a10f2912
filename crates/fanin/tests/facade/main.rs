//! Whole trainings, on the bundled digits, in one program.
//!
//! A module is a file: `cargo test -p fanin levels` runs the modules and tests of that name.

mod architecture;
mod doctor;
mod levels;
mod mistakes;
mod tabular;
mod trainer;
mod training_parity;
