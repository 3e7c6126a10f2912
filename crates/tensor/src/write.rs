//! Whether a kernel sets its output or adds to it.

/// Whether a kernel sets its output or adds to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Write {
    /// `y = …`
    Set,
    /// `y += …`
    Add,
}
