//! Reads `name(parameter=value, …)`.

use super::value::{Call, Value, excerpt};

/// The largest depth of nesting: `leaky_relu(0.2)` in an initializer has depth 2.
pub(super) const MAX_NESTING: usize = 8;

/// The one call that the text consists of.
///
/// ```text
/// call  = name ["(" [argument {"," argument} [","]] ")"]
/// argument = [name "="] value
/// value = number | call | "[" [value {"," value} [","]] "]" | quoted name
/// ```
pub(super) fn parse(text: &str) -> Result<Call, String> {
    let mut parser = Parser { text, at: 0 };
    let call = parser.call(0)?;
    parser.spaces();
    if parser.at < text.len() { Err(parser.expected("nothing")) } else { Ok(call) }
}

/// The one value that the text consists of.
pub(super) fn parse_value(text: &str) -> Result<Value, String> {
    let mut parser = Parser { text, at: 0 };
    let value = parser.value(0)?;
    parser.spaces();
    if parser.at < text.len() { Err(parser.expected("nothing")) } else { Ok(value) }
}

struct Parser<'t> {
    text: &'t str,
    /// The position of the next byte.
    at: usize,
}

impl<'t> Parser<'t> {
    fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    fn spaces(&mut self) {
        self.at = self.text.len() - self.rest().trim_start().len();
    }

    fn expected(&self, what: &str) -> String {
        let text = excerpt(self.text);
        match self.rest().chars().next() {
            None => format!("`{text}` is no initializer: after its end {what} is expected"),
            Some(found) => {
                let place = self.text[..self.at].chars().count() + 1;
                format!(
                    "`{text}` is no initializer: at character {place} {what} is expected, not `{found}`"
                )
            }
        }
    }

    /// Takes this character, if it is next.
    fn take(&mut self, c: char) -> bool {
        self.spaces();
        let found = self.rest().starts_with(c);
        self.at += if found { c.len_utf8() } else { 0 };
        found
    }

    /// The longest run of letters, digits and signs: a name or a number.
    fn run(&mut self) -> &'t str {
        self.spaces();
        let rest = self.rest();
        let end = rest.find(|c: char| !(c.is_alphanumeric() || "_.+-".contains(c)));
        let run = &rest[..end.unwrap_or(rest.len())];
        self.at += run.len();
        run
    }

    fn call(&mut self, depth: usize) -> Result<Call, String> {
        self.spaces();
        let start = self.at;
        let name = self.run();
        if !name.starts_with(|c: char| c.is_alphabetic() || c == '_') {
            self.at = start;
            return Err(self.expected("a name"));
        }
        let args = if self.take('(') { self.list(')', depth, Self::argument)? } else { vec![] };
        Ok(Call { name: name.into(), args })
    }

    /// Items between commas, up to `end`.
    fn list<T>(
        &mut self,
        end: char,
        depth: usize,
        item: impl Fn(&mut Self, usize) -> Result<T, String>,
    ) -> Result<Vec<T>, String> {
        let mut items = vec![];
        loop {
            if self.take(end) {
                return Ok(items);
            }
            items.push(item(self, depth + 1)?);
            if !self.take(',') {
                break;
            }
        }
        if self.take(end) { Ok(items) } else { Err(self.expected(&format!("`,` or `{end}`"))) }
    }

    fn argument(&mut self, depth: usize) -> Result<(Option<String>, Value), String> {
        let value = self.value(depth)?;
        match value {
            Value::Call(Call { name, args }) if args.is_empty() && self.take('=') => {
                Ok((Some(name), self.value(depth)?))
            }
            _ => Ok((None, value)),
        }
    }

    fn value(&mut self, depth: usize) -> Result<Value, String> {
        self.spaces();
        if depth > MAX_NESTING {
            return Err(self.expected("something less deep"));
        }
        if self.take('[') {
            return Ok(Value::List(self.list(']', depth, Self::value)?));
        }
        for quote in ['\'', '"'] {
            if self.take(quote) {
                let name = self.run();
                return if self.take(quote) {
                    Ok(Value::word(name))
                } else {
                    Err(self.expected(&format!("a name and then `{quote}`")))
                };
            }
        }
        if self.rest().starts_with(|c: char| c.is_ascii_digit() || "+-.".contains(c)) {
            let start = self.at;
            let number = self.run();
            if number.parse::<f64>().is_err() {
                self.at = start;
                return Err(self.expected("a number"));
            }
            return Ok(Value::Number(number.into()));
        }
        let start = self.at;
        let call = self.call(depth).map_err(|error| {
            // A name is only one of the things that may stand here.
            if self.at == start { self.expected("a value") } else { error }
        })?;
        Ok(root(&call).unwrap_or(Value::Call(call)))
    }
}

/// `sqrt(5)`, as PyTorch's own layers write their slope.
fn root(call: &Call) -> Option<Value> {
    match (&*call.name, &*call.args) {
        ("sqrt" | "math.sqrt" | "np.sqrt", [(None, Value::Number(number))]) => {
            number.parse::<f64>().ok().map(|number| Value::number(number.sqrt()))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_of_the_grammar() {
        let text = " f ( 1e-3,a = -2. ,b='x', c=\"y\",d=[1,[2],], e=g(h=1) ,i=sqrt(4), ) ";
        assert_eq!(
            parse(text).unwrap().to_string(),
            "f(1e-3, a=-2., b=x, c=y, d=[1, [2]], e=g(h=1), i=2)"
        );
        assert_eq!(parse("zeros()").unwrap(), parse("zeros").unwrap());
    }

    #[test]
    fn mistakes_have_a_place() {
        for (text, place) in [
            ("", "after its end a name is expected"),
            ("  (", "at character 3 a name is expected, not `(`"),
            ("1", "at character 1 a name is expected, not `1`"),
            ("f(a=)", "at character 5 a value is expected, not `)`"),
            ("f(a=1", "after its end `,` or `)` is expected"),
            ("f(a=1 b=2)", "at character 7 `,` or `)` is expected, not `b`"),
            ("f(a=1.2.3)", "at character 5 a number is expected, not `1`"),
            ("f(a='x)", "at character 7 a name and then `'` is expected, not `)`"),
            ("f(é, ü=[1;2])", "at character 10 `,` or `]` is expected, not `;`"),
            ("f(1) g", "at character 6 nothing is expected, not `g`"),
            ("f(,)", "at character 3 a value is expected, not `,`"),
        ] {
            let message = parse(text).unwrap_err();
            assert!(message.starts_with(&format!("`{text}` is no initializer: ")), "{message}");
            assert!(message.ends_with(place), "{message}, not {place}");
        }
    }

    #[test]
    fn depth_is_no_way_to_the_end_of_the_stack() {
        let message = parse(&"a(".repeat(100_000)).unwrap_err();
        assert!(message.contains("something less deep"), "{message}");
        assert!(message.len() < 300, "{message}");
        assert!(parse(&format!("f({}", "[".repeat(100_000))).is_err());
    }
}
