//! The error of a text that is not an initializer.

use std::error::Error;
use std::fmt;

/// What is wrong with the text of a [`Scheme`](super::Scheme), and how to correct it.
///
/// `Debug` prints the same sentence, so that a `main` that returns the error shows it.
///
/// # Example
/// ```
/// use fanin_init::Scheme;
///
/// let message = |text: &str| text.parse::<Scheme>().unwrap_err().to_string();
/// assert_eq!(
///     message("kaiming_norml"),
///     "there is no initializer `kaiming_norml`; the nearest is `kaiming_normal`"
/// );
/// assert_eq!(
///     message("normal(sdt=0.1)"),
///     "`normal` has no parameter `sdt` (here sdt=0.1); the nearest is `std`; it takes mean, std"
/// );
/// assert_eq!(
///     message("normal(std=0.1"),
///     "`normal(std=0.1` is no initializer: after its end `,` or `)` is expected"
/// );
/// assert_eq!(
///     message("normal(std=-1)"),
///     "`normal(std=-1)`: Normal: the standard deviation -1.0 must be finite and not negative"
/// );
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct ParseSchemeError(pub(super) String);

impl fmt::Display for ParseSchemeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for ParseSchemeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error for ParseSchemeError {}

impl From<String> for ParseSchemeError {
    fn from(message: String) -> Self {
        ParseSchemeError(message)
    }
}
