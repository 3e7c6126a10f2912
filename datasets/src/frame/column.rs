//! [`Column`]: a named column of a frame; [`ColumnRef`]: how to say which.

use std::fmt;

use super::texts::Texts;

/// A named column of a [`Frame`](crate::Frame): numbers or categories, some of which may be missing.
///
/// # Example
/// ```
/// use fanin_datasets::Frame;
///
/// let frame = Frame::new()
///     .with_numbers("age", [31.0, f64::NAN, 45.0])           // NaN: a missing number
///     .with_texts("city", ["Oslo", "Rome", ""]);             // "": a missing category
/// let [age, city] = frame.columns() else { unreachable!() };
/// assert_eq!((age.numbers().unwrap()[2], age.missing()), (45.0, 1));
/// assert_eq!((city.text(0), city.text(2)), (Some("Oslo"), None));
/// assert_eq!(city.categories(), ["Oslo", "Rome"]);
/// ```
#[derive(Clone)]
pub struct Column {
    pub(crate) name: String,
    pub(crate) values: Values,
}

#[derive(Clone)]
pub(crate) enum Values {
    /// NaN is a missing number.
    Numbers(Vec<f64>),
    Texts(Texts),
}

impl Column {
    pub(crate) fn numbers_of(name: &str, values: Vec<f64>) -> Self {
        Self { name: name.into(), values: Values::Numbers(values) }
    }

    pub(crate) fn texts_of(name: &str, values: Texts) -> Self {
        Self { name: name.into(), values: Values::Texts(values) }
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        match &self.values {
            Values::Numbers(numbers) => numbers.len(),
            Values::Texts(texts) => texts.len(),
        }
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether the column holds categories, and not numbers.
    pub fn is_categorical(&self) -> bool {
        matches!(self.values, Values::Texts(_))
    }

    /// The numbers, with NaN for each missing one; `None` for a column of categories.
    pub fn numbers(&self) -> Option<&[f64]> {
        match &self.values {
            Values::Numbers(numbers) => Some(numbers),
            Values::Texts(_) => None,
        }
    }

    /// The category of a row; `None` if it is missing, and in a column of numbers.
    ///
    /// # Panics
    /// **Panics** if there is no such row.
    #[track_caller]
    pub fn text(&self, row: usize) -> Option<&str> {
        if row >= self.len() {
            panic!("text: no row {row} among {} of column {}", self.len(), self.name);
        }
        match &self.values {
            Values::Numbers(_) => None,
            Values::Texts(texts) => texts.get(row),
        }
    }

    /// The categories that rows have, sorted; none for a column of numbers.
    pub fn categories(&self) -> Vec<&str> {
        match &self.values {
            Values::Numbers(_) => Vec::new(),
            Values::Texts(texts) => texts.present(),
        }
    }

    /// How many values are missing.
    pub fn missing(&self) -> usize {
        (0..self.len()).filter(|&row| self.is_missing(row)).count()
    }

    pub(crate) fn is_missing(&self, row: usize) -> bool {
        match &self.values {
            Values::Numbers(numbers) => numbers[row].is_nan(),
            Values::Texts(texts) => texts.code(row).is_none(),
        }
    }

    pub(crate) fn select(&self, rows: &[usize]) -> Self {
        let values = match &self.values {
            Values::Numbers(all) => Values::Numbers(rows.iter().map(|&row| all[row]).collect()),
            Values::Texts(all) => Values::Texts(all.select(rows)),
        };
        Self { name: self.name.clone(), values }
    }
}

impl fmt::Debug for Column {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = if self.is_categorical() { "categories" } else { "numbers" };
        write!(f, "{}: {kind}", self.name)
    }
}

/// A column by its name, `"price"`, or by its index from 0, `13`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ColumnRef {
    /// The column of this name.
    Name(String),
    /// The column of this index, from 0.
    Index(usize),
}

impl From<&str> for ColumnRef {
    fn from(name: &str) -> Self {
        Self::Name(name.into())
    }
}

impl From<&String> for ColumnRef {
    fn from(name: &String) -> Self {
        Self::Name(name.clone())
    }
}

impl From<String> for ColumnRef {
    fn from(name: String) -> Self {
        Self::Name(name)
    }
}

impl From<usize> for ColumnRef {
    fn from(index: usize) -> Self {
        Self::Index(index)
    }
}

/// Columns from names and indices.
pub(crate) fn column_refs<C: Into<ColumnRef>>(
    columns: impl IntoIterator<Item = C>,
) -> Vec<ColumnRef> {
    columns.into_iter().map(Into::into).collect()
}

/// The index of a column among these names, or what a message says about it: the column, and the
/// names that are nearest.
pub(crate) fn find<'n>(
    names: impl ExactSizeIterator<Item = &'n str> + Clone,
    column: &ColumnRef,
) -> Result<usize, (String, String)> {
    let n = names.len();
    match column {
        ColumnRef::Index(index) if *index < n => Ok(*index),
        ColumnRef::Index(index) => Err((
            index.to_string(),
            format!("its {n} columns have the indices 0 to {}", n.max(1) - 1),
        )),
        ColumnRef::Name(name) => names
            .clone()
            .position(|other| other == name)
            .ok_or_else(|| (crate::error::shown(name), nearest(names, name))),
    }
}

/// What to do about a name that is none: the names that are like it, or the first of all.
fn nearest<'n>(names: impl ExactSizeIterator<Item = &'n str> + Clone, wanted: &str) -> String {
    if let (1, Some(only)) = (names.len(), names.clone().next())
        && let Some(delimiter) = [';', '\t', '|'].into_iter().find(|&d| only.contains(d))
    {
        let only = crate::error::shown(only);
        return format!("its only column is {only}, so the delimiter may be {delimiter:?}");
    }
    const MOST: usize = 1000; // names that are compared
    let most = 1 + wanted.chars().count() / 3;
    let mut near: Vec<_> = names
        .clone()
        .take(MOST)
        .map(|name| (distance(name, wanted), name))
        .filter(|(distance, _)| *distance <= most)
        .collect();
    near.sort();
    if near.is_empty() {
        let all: Vec<_> = names.take(MOST).collect();
        return format!("it has {}", crate::error::shown_list(all.into_iter()));
    }
    near.truncate(3);
    let near = near.iter().map(|(_, name)| *name);
    format!("the nearest names are {}", crate::error::shown_list(near))
}

/// The number of characters to insert, delete or replace (Levenshtein), whatever the case, of the first
/// 64 characters.
fn distance(a: &str, b: &str) -> usize {
    let characters =
        |text: &str| -> Vec<char> { text.chars().flat_map(char::to_lowercase).take(64).collect() };
    let (a, b) = (characters(a), characters(b));
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_are_levenshteins() {
        let pairs = [("kitten", "sitting"), ("Age", "age"), ("", "abc"), ("flaw", "lawn")];
        assert_eq!(pairs.map(|(a, b)| distance(a, b)), [3, 0, 3, 2]);
    }

    #[test]
    fn nearest_names_come_first() {
        let find = |names: &[&str], name: &str| {
            find(names.iter().copied(), &name.into()).map_err(|(_, next)| next)
        };
        assert_eq!(find(&["a", "price"], "price"), Ok(1));
        let near = find(&["Price", "prize", "rooms"], "price").unwrap_err();
        assert_eq!(near, r#"the nearest names are "Price", "prize""#);
        assert_eq!(find(&["rooms", "age"], "price").unwrap_err(), r#"it has "rooms", "age""#);
        let joined = find(&["rooms;price"], "price").unwrap_err();
        assert_eq!(joined, r#"its only column is "rooms;price", so the delimiter may be ';'"#);
    }
}
