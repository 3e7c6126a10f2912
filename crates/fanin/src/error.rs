//! What can go wrong with what comes from outside.

use std::fmt;

/// An error of any part of fanin. Its `Debug` prints its `Display`, so that
/// `fn main() -> fanin::Result<()>` shows prose.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A data set.
    #[cfg(feature = "datasets")]
    #[error(transparent)]
    Data(#[from] fanin_datasets::Error),
    /// A model file.
    #[error(transparent)]
    Model(#[from] fanin_nn::Error),
    /// An initialization of a built model.
    #[error(transparent)]
    Init(#[from] fanin_nn::InitError),
    /// A network's description.
    #[error(transparent)]
    Spec(#[from] fanin_nn::layers::SpecError),
    /// The state of an optimizer.
    #[error(transparent)]
    Optimizer(#[from] fanin_nn::optim::StateError),
    /// The text of an initializer.
    #[error(transparent)]
    Scheme(#[from] fanin_init::ParseSchemeError),
    /// A training.
    #[cfg(feature = "train")]
    #[error(transparent)]
    Train(#[from] fanin_train::Error),
    /// A file of another framework.
    #[cfg(feature = "interop")]
    #[error(transparent)]
    Interop(#[from] fanin_interop::Error),
    /// A program's own input or output.
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

/// A result with fanin's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
