//! [`ParamPath`]: where a parameter is in a model.

use std::fmt;

/// Where a parameter is in a model: prints as `hidden.0.weight`.
pub struct ParamPath<'p> {
    parent: Option<&'p ParamPath<'p>>,
    step: Step<'p>,
}

enum Step<'p> {
    Root,
    Name(&'p str),
    Index(usize),
}

impl ParamPath<'_> {
    /// The path of a whole model.
    pub const ROOT: ParamPath<'static> = ParamPath { parent: None, step: Step::Root };

    /// The path of a named part.
    pub fn name<'p>(&'p self, name: &'p str) -> ParamPath<'p> {
        ParamPath { parent: Some(self), step: Step::Name(name) }
    }

    /// The path of a numbered part.
    pub fn index(&self, index: usize) -> ParamPath<'_> {
        ParamPath { parent: Some(self), step: Step::Index(index) }
    }

    /// Whether the path prints as `text`. Allocates nothing.
    pub fn is(&self, text: &str) -> bool {
        self.strip_from(text).is_some_and(|rest| rest.is_empty())
    }

    /// What is left of a text that ends in this path, without the dot before it.
    fn strip_from<'s>(&self, text: &'s str) -> Option<&'s str> {
        let Some(parent) = self.parent else { return Some(text) };
        let rest = match self.step {
            Step::Root => text,
            Step::Name(name) => text.strip_suffix(name)?,
            Step::Index(mut index) => {
                let mut rest = text;
                loop {
                    let digit = (b'0' + (index % 10) as u8) as char;
                    rest = rest.strip_suffix(digit)?;
                    index /= 10;
                    if index == 0 {
                        break rest;
                    }
                }
            }
        };
        if matches!(parent.step, Step::Root) {
            return Some(rest);
        }
        parent.strip_from(rest.strip_suffix('.')?)
    }
}

impl fmt::Display for ParamPath<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(parent) = self.parent
            && !matches!(parent.step, Step::Root)
        {
            write!(f, "{parent}.")?;
        }
        match self.step {
            Step::Root => Ok(()),
            Step::Name(name) => f.write_str(name),
            Step::Index(index) => write!(f, "{index}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_what_it_prints() {
        let hidden = ParamPath::ROOT.name("hidden");
        let layer = hidden.index(120);
        let path = layer.name("weight");
        assert_eq!(path.to_string(), "hidden.120.weight");
        for (text, is) in [
            ("hidden.120.weight", true),
            ("hidden.12.weight", false),
            ("hidden.0120.weight", false),
            ("idden.120.weight", false),
            ("a.hidden.120.weight", false),
            ("120.weight", false),
            ("weight", false),
            ("", false),
        ] {
            assert_eq!(path.is(text), is, "{text}");
        }
        assert!(ParamPath::ROOT.is("") && ParamPath::ROOT.index(0).is("0"));
    }
}
