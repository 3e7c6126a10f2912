//! The values of which texts consist: words, numbers and lists.

use std::fmt;

/// A parameter as it was written.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    /// As text: an f32 is parsed directly from it, so that no number is rounded twice.
    Number(String),
    /// `relu`, `leaky_relu(0.2)`.
    Call(Call),
    /// `[0.2, 0.8]`.
    List(Vec<Value>),
}

/// Arguments, with their names if they were given by name.
pub(crate) type Args = Vec<(Option<String>, Value)>;

/// A name with arguments; a word, if there are none.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Call {
    pub(crate) name: String,
    pub(crate) args: Args,
}

impl Value {
    pub(crate) fn word(name: &str) -> Self {
        Value::Call(Call { name: name.into(), args: vec![] })
    }

    /// The shortest text from which the number can be read back.
    pub(crate) fn number(number: impl fmt::Debug) -> Self {
        Value::of_text(format!("{number:?}"))
    }

    fn of_text(mut text: String) -> Self {
        let digits = text.strip_suffix(".0").map_or(text.len(), str::len);
        text.truncate(digits);
        Value::Number(text)
    }

    /// Whether it is Python's or JSON's word for no value.
    pub(super) fn is_none(&self) -> bool {
        matches!(self, Value::Call(call) if call.args.is_empty()
            && ["none", "null"].contains(&&*call.name.to_lowercase()))
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Number(text) => f.write_str(text),
            Value::Call(call) => call.fmt(f),
            Value::List(values) => {
                f.write_str("[")?;
                separated(f, values, |f, value| value.fmt(f))?;
                f.write_str("]")
            }
        }
    }
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        if self.args.is_empty() {
            return Ok(());
        }
        f.write_str("(")?;
        separated(f, &self.args, |f, (name, value)| match name {
            Some(name) => write!(f, "{name}={value}"),
            None => value.fmt(f),
        })?;
        f.write_str(")")
    }
}

fn separated<T>(
    f: &mut fmt::Formatter<'_>,
    items: &[T],
    item: impl Fn(&mut fmt::Formatter<'_>, &T) -> fmt::Result,
) -> fmt::Result {
    items.iter().enumerate().try_for_each(|(i, it)| {
        f.write_str(if i > 0 { ", " } else { "" })?;
        item(f, it)
    })
}

/// The letters of a name, without the differences of spelling: `KaimingNormal`, `kaiming-normal` and
/// `kaiming_normal` have the same.
fn letters(name: &str) -> impl Iterator<Item = char> + '_ {
    name.chars().filter(|c| !matches!(c, '_' | '-')).flat_map(char::to_lowercase)
}

/// Whether two names are the same but for their spelling. Only as much is read as is equal.
pub(super) fn same_name(a: &str, b: &str) -> bool {
    letters(a).eq(letters(b))
}

/// The start of a text that is too long for a message.
pub(super) fn excerpt(text: &str) -> String {
    shortened(text, 100)
}

/// The first `longest` characters of a text.
pub(super) fn shortened(text: &str, longest: usize) -> String {
    match text.char_indices().nth(longest) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.into(),
    }
}
