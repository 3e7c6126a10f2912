//! Whether a kernel sets its output or adds to it.

/// Whether a kernel sets its output or adds to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Write {
    /// `y = …`
    Set,
    /// `y += …`
    Add,
}

/// [`Write::Set`], known when the kernel is compiled: the loop that adds is left out.
#[derive(Clone, Copy, Debug)]
pub struct Set;

/// How a kernel writes: [`Write`] or [`Set`].
pub trait Mode: Copy + Sync {
    /// Whether the kernel adds to its output.
    fn adds(self) -> bool;
}

impl Mode for Write {
    #[inline(always)]
    fn adds(self) -> bool {
        self == Write::Add
    }
}

impl Mode for Set {
    #[inline(always)]
    fn adds(self) -> bool {
        false
    }
}
