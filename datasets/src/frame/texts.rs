//! [`Texts`]: a column of categories, each text kept once.

use std::collections::HashMap;
use std::sync::Arc;

/// A text for each row, or none. The texts are sorted and kept once, one after the other; so a file of
/// many short texts takes a small multiple of its size.
#[derive(Clone, Debug)]
pub(crate) struct Texts {
    /// For each row its text in `distinct`, or [`MISSING`].
    codes: Vec<u32>,
    distinct: Arc<Distinct>,
}

/// Sorted texts.
#[derive(Debug, Default)]
struct Distinct {
    joined: String,
    /// Where each text ends.
    ends: Vec<u32>,
}

const MISSING: u32 = u32::MAX;

/// How many texts a table of hashes may find.
const FEW: usize = 4096;

impl Texts {
    /// The texts of rows `0..n`; `None` is a missing value.
    ///
    /// # Panics
    /// **Panics** if there are 2³² rows or more, or if the texts have 4 GiB or more.
    pub(crate) fn new<'t>(n: usize, text: impl Fn(usize) -> Option<&'t str>) -> Self {
        assert!(u32::try_from(n).is_ok_and(|n| n < MISSING), "a column of {n} texts is too long");
        Self::of_few(n, &text).unwrap_or_else(|| Self::of_many(n, &text))
    }

    /// A table of hashes finds the texts, if there are few.
    fn of_few<'t>(n: usize, text: &impl Fn(usize) -> Option<&'t str>) -> Option<Self> {
        let mut codes = vec![MISSING; n];
        let mut found = HashMap::new();
        for (i, code) in codes.iter_mut().enumerate() {
            if let Some(text) = text(i) {
                let next = found.len() as u32;
                *code = *found.entry(text).or_insert(next);
                if found.len() > FEW {
                    return None;
                }
            }
        }
        let mut sorted: Vec<(&str, u32)> = found.into_iter().collect();
        sorted.sort_unstable();
        let mut ranks = vec![0; sorted.len()];
        let mut distinct = Distinct::default();
        for (rank, (text, code)) in sorted.into_iter().enumerate() {
            ranks[code as usize] = rank as u32;
            distinct.push(text);
        }
        for code in codes.iter_mut().filter(|code| **code != MISSING) {
            *code = ranks[*code as usize];
        }
        Some(Self { codes, distinct: Arc::new(distinct) })
    }

    /// Sorts the rows by their texts, in four bytes a row: a table of hashes takes fifty for each text.
    fn of_many<'t>(n: usize, text: &impl Fn(usize) -> Option<&'t str>) -> Self {
        let mut order: Vec<u32> = (0..n as u32).filter(|&i| text(i as usize).is_some()).collect();
        order.sort_unstable_by_key(|&i| text(i as usize));
        let mut codes = vec![MISSING; n];
        let (mut distinct, mut last) = (Distinct::default(), None);
        for i in order {
            let this = text(i as usize);
            if this != last {
                distinct.push(this.unwrap_or_default());
                last = this;
            }
            codes[i as usize] = distinct.ends.len() as u32 - 1;
        }
        Self { codes, distinct: Arc::new(distinct) }
    }

    pub(crate) fn len(&self) -> usize {
        self.codes.len()
    }

    /// The text of a row.
    pub(crate) fn get(&self, row: usize) -> Option<&str> {
        self.code(row).map(|code| self.distinct.get(code))
    }

    /// The place of a row's text among the [`distinct`](Texts::distinct) ones.
    pub(crate) fn code(&self, row: usize) -> Option<usize> {
        Some(self.codes[row]).filter(|&code| code != MISSING).map(|code| code as usize)
    }

    /// All texts that there may be, sorted. Rows that were left out may have had some of them.
    pub(crate) fn distinct(&self) -> impl ExactSizeIterator<Item = &str> {
        (0..self.distinct.ends.len()).map(|code| self.distinct.get(code))
    }

    /// The texts that some row has, sorted.
    pub(crate) fn present(&self) -> Vec<&str> {
        let mut is_present = vec![false; self.distinct.ends.len()];
        (0..self.len()).filter_map(|row| self.code(row)).for_each(|code| is_present[code] = true);
        self.distinct()
            .zip(is_present)
            .filter(|(_, present)| *present)
            .map(|(text, _)| text)
            .collect()
    }

    pub(crate) fn select(&self, rows: &[usize]) -> Self {
        let codes = rows.iter().map(|&row| self.codes[row]).collect();
        Self { codes, distinct: Arc::clone(&self.distinct) }
    }
}

impl Distinct {
    fn push(&mut self, text: &str) {
        self.joined.push_str(text);
        self.ends.push(u32::try_from(self.joined.len()).expect("texts of 4 GiB at most"));
    }

    fn get(&self, code: usize) -> &str {
        let start = code.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.joined[start as usize..self.ends[code] as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::{FEW, Texts};

    #[test]
    fn texts_are_kept_once_and_sorted() {
        let rows = [Some("pear"), None, Some("apple"), Some("pear"), Some("")];
        let texts = Texts::new(rows.len(), |i| rows[i]);
        assert_eq!(texts.distinct().collect::<Vec<_>>(), ["", "apple", "pear"]);
        assert_eq!((0..5).map(|i| texts.get(i)).collect::<Vec<_>>(), rows);
        let part = texts.select(&[3, 1, 0]);
        assert_eq!((part.present(), part.len(), part.get(1)), (vec!["pear"], 3, None));
        assert_eq!(part.code(0), Some(2));
    }

    #[test]
    fn few_and_many_texts_give_the_same() {
        let rows: Vec<String> = (0..500).map(|i| ((i * 7919) % 97).to_string()).collect();
        let text = |i: usize| Some(&*rows[i]).filter(|text| !text.ends_with('3'));
        let few = Texts::of_few(rows.len(), &text).unwrap();
        let many = Texts::of_many(rows.len(), &text);
        assert_eq!(few.codes, many.codes);
        assert!(few.distinct().eq(many.distinct()));
        assert!(few.distinct().is_sorted());
        assert!((0..500).all(|i| few.get(i) == text(i)));

        let rows: Vec<String> = (0..=FEW).map(|i| i.to_string()).collect();
        assert!(Texts::of_few(rows.len(), &|i| Some(&*rows[i])).is_none());
        assert_eq!(Texts::new(rows.len(), |i| Some(&*rows[i])).distinct().len(), FEW + 1);
    }
}
