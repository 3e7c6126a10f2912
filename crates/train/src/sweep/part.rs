//! [`SweepPart`]: a share of the runs of a sweep.

use std::fmt;
use std::str::FromStr;

use crate::Error;

/// One of several shares of the runs of a sweep, for job arrays: `3/16` is the third of 16.
///
/// A share has every 16th run, so that all shares have some of each kind.
///
/// # Example
/// ```
/// use fanin_train::SweepPart;
///
/// let part: SweepPart = "3/16".parse()?;
/// assert_eq!(part, SweepPart::new(3, 16));
/// assert!(part.holds(2) && part.holds(18) && !part.holds(3));
/// # Ok::<(), fanin_train::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SweepPart {
    number: usize,
    of: usize,
}

impl SweepPart {
    /// All runs.
    pub const WHOLE: Self = Self { number: 1, of: 1 };

    /// The share with this number, from 1, of this many shares.
    ///
    /// # Panics
    /// **Panics** if the number is 0 or larger than `of`.
    #[track_caller]
    pub fn new(number: usize, of: usize) -> Self {
        assert!(
            (1..=of).contains(&number),
            "SweepPart::new({number}, {of}): parts of {of} have numbers from 1 to {of}"
        );
        Self { number, of }
    }

    /// Whether a run, counted from 0, belongs to it.
    pub fn holds(self, run: usize) -> bool {
        run % self.of == self.number - 1
    }

    /// The part of as many parts that holds a run.
    pub(super) fn beside(self, run: usize) -> Self {
        Self { number: run % self.of + 1, of: self.of }
    }
}

/// `3/16`
impl fmt::Display for SweepPart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.number, self.of)
    }
}

impl FromStr for SweepPart {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let numbers = text.split_once('/').and_then(|(number, of)| {
            let (number, of) = (number.trim().parse().ok()?, of.trim().parse().ok()?);
            (1..=of).contains(&number).then_some(Self { number, of })
        });
        let advice = "give the number of the part and how many there are, such as 3/16";
        numbers.ok_or_else(|| Error::option(format!("part {text:?}"), advice))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_run_is_in_one_part() {
        for of in 1..9 {
            let parts: Vec<_> = (1..=of).map(|number| SweepPart::new(number, of)).collect();
            for run in 0..40 {
                let holds: Vec<_> = parts.iter().filter(|part| part.holds(run)).collect();
                assert_eq!(holds, [&parts[0].beside(run)]);
            }
        }
    }

    #[test]
    fn what_is_no_part() {
        for text in ["", "3", "0/4", "5/4", "1/0", "a/b", "1/2/3", "-1/2"] {
            let error = text.parse::<SweepPart>().unwrap_err().to_string();
            assert!(error.contains("such as 3/16") && error.contains(text), "{error}");
        }
        assert_eq!(" 2 / 7 ".parse::<SweepPart>().unwrap().to_string(), "2/7");
    }
}
