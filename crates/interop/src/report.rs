//! [`Report`]: which names of a file and a model fit.

use std::fmt;

/// What a load did with each name.
///
/// Names of `loaded`, `missing` and `mismatched` are paths of the model; those of `unexpected` are as the
/// file has them.
#[non_exhaustive]
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// The parameters and buffers that have the file's values.
    pub loaded: Vec<String>,
    /// Those that the file does not have.
    pub missing: Vec<String>,
    /// What the file has and the model does not.
    pub unexpected: Vec<String>,
    /// Those that the file has in another shape, or as elements that cannot be read.
    pub mismatched: Vec<Mismatch>,
}

/// A name that file and model both have, and differently.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mismatch {
    /// The path in the model.
    pub path: String,
    /// The difference.
    pub why: String,
}

impl Report {
    /// Whether file and model have the same names, and all was loaded.
    pub fn is_complete(&self) -> bool {
        self.missing.is_empty() && self.unexpected.is_empty() && self.mismatched.is_empty()
    }
}

/// `2 loaded; missing: 0.bias; unexpected: head.bias; 1.weight is 4×3 here and 5×3 in the file`
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} loaded", self.loaded.len())?;
        list(f, "; missing: ", &self.missing)?;
        list(f, "; unexpected: ", &self.unexpected)?;
        let why = |m: &Mismatch| format!("{}{}", m.path, m.why);
        list(f, "; ", &self.mismatched.iter().map(why).collect::<Vec<_>>())
    }
}

/// The first of the names, and how many more there are.
fn list(f: &mut fmt::Formatter<'_>, before: &str, names: &[String]) -> fmt::Result {
    const SHOWN: usize = 8;
    if names.is_empty() {
        return Ok(());
    }
    let first: Vec<_> = names.iter().take(SHOWN).map(|name| crate::error::shown(name)).collect();
    write!(f, "{before}{}", first.join(", "))?;
    match names.len().saturating_sub(SHOWN) {
        0 => Ok(()),
        more => write!(f, " and {more} more"),
    }
}
