//! How messages write counts, paths and values from outside.

use std::fmt;
use std::path::PathBuf;

pub(super) fn lacks(missing: &[String]) -> String {
    if missing.is_empty() {
        "is no directory".into()
    } else {
        format!("lacks {} (with or without .gz)", missing.join(", "))
    }
}

pub(super) fn list(paths: &[PathBuf]) -> String {
    paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ")
}

/// What the mirrors of a file did.
#[cfg(feature = "download")]
pub(super) fn mirrors(tried: &[String]) -> String {
    if tried.is_empty() { "no mirror is given".into() } else { tried.join("; ") }
}

/// `60,000 images`, `1 image`.
pub(crate) fn count(n: u64, plural: &str) -> String {
    let noun = if n == 1 { plural.strip_suffix('s').unwrap_or(plural) } else { plural };
    format!("{} {noun}", Thousands(n))
}

/// A number as prose shows it: `60,000`.
pub(crate) struct Thousands(pub(crate) u64);

impl fmt::Display for Thousands {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.0.to_string();
        for (i, digit) in digits.chars().enumerate() {
            if i > 0 && (digits.len() - i).is_multiple_of(3) {
                f.write_str(",")?;
            }
            write!(f, "{digit}")?;
        }
        Ok(())
    }
}

/// At most forty characters of a value from outside, so that a terminal can show it.
pub(crate) fn shown(value: &str) -> String {
    let mut shown: String = value.chars().take(40).flat_map(char::escape_debug).collect();
    if value.chars().nth(40).is_some() {
        shown.push('…');
    }
    format!("\"{shown}\"")
}

/// The first few of some names from outside: `"a", "b" and 3 more`.
pub(crate) fn shown_list<'a>(names: impl ExactSizeIterator<Item = &'a str>) -> String {
    const MOST: usize = 8;
    let more = names.len().saturating_sub(MOST);
    let names: Vec<_> = names.take(MOST).map(shown).collect();
    match (names.len(), more) {
        (0, _) => "none".into(),
        (_, 0) => names.join(", "),
        _ => format!("{} and {more} more", names.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_as_prose() {
        let shown = [0, 7, 999, 1000, 60_000, 47_040_016].map(|n| Thousands(n).to_string());
        assert_eq!(shown, ["0", "7", "999", "1,000", "60,000", "47,040,016"]);
        assert_eq!((count(1, "images"), count(0, "labels")), ("1 image".into(), "0 labels".into()));
    }

    #[test]
    fn values_are_cut_and_escaped() {
        assert_eq!(shown("a\nb"), r#""a\nb""#);
        assert_eq!(shown(&"x".repeat(50)), format!("\"{}…\"", "x".repeat(40)));
        assert_eq!(shown_list(["a", "b"].into_iter()), r#""a", "b""#);
        assert!(shown_list(["a"; 10].into_iter()).ends_with(r#""a" and 2 more"#));
        assert_eq!(shown_list([].into_iter()), "none");
    }
}
