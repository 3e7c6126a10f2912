//! Patterns of parameter names.

/// Whether `name` is of the pattern: `*` stands for any characters, none or dots too, and `?` for
/// one.
pub(super) fn matches(pattern: &str, name: &str) -> bool {
    let (pattern, name): (Vec<char>, Vec<char>) =
        (pattern.chars().collect(), name.chars().collect());
    let (mut p, mut n) = (0, 0);
    // The position of the last star, and the end of the text it matches. If the rest does not
    // match, this star takes one character more. Earlier stars need no second try.
    let mut star = None;
    while n < name.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, n));
                p += 1;
            }
            Some(&c) if c == '?' || c == name[n] => {
                p += 1;
                n += 1;
            }
            _ => {
                let Some((at, end)) = star else { return false };
                star = Some((at, end + 1));
                (p, n) = (at + 1, end + 1);
            }
        }
    }
    pattern[p..].iter().all(|&c| c == '*')
}

/// Whether a pattern may match more than one name.
pub(super) fn is_wild(pattern: &str) -> bool {
    pattern.contains(['*', '?'])
}

/// Of these names the three that are most like the pattern, the likest first.
pub(super) fn nearest<'a>(pattern: &str, names: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut names: Vec<_> = names.map(|name| (distance(pattern, name), name)).collect();
    names.sort_by_key(|(distance, _)| *distance); // stable: equals stay in the model's order
    names.into_iter().take(3).map(|(_, name)| name.to_owned()).collect()
}

/// How many characters must be put in, taken out or changed to make one text of the other.
///
/// # Reference
/// Wagner & Fischer 1974.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    // From the characters of `a` so far to the first j of `b`.
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let changed = diagonal + usize::from(x != *y);
            diagonal = row[j + 1];
            row[j + 1] = changed.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_and_question_marks() {
        for (pattern, name, want) in [
            ("0.weight", "0.weight", true),
            ("0.weight", "10.weight", false),
            ("0.weight", "0.weights", false),
            ("*.bias", "encoder.3.bias", true),
            ("*.bias", "bias", false),
            ("*bias", "bias", true),
            ("encoder.*.weight", "encoder.0.inner.weight", true),
            ("encoder.*.weight", "encoder.weight", false),
            ("?.weight", "4.weight", true),
            ("?.weight", "14.weight", false),
            ("?.weight", "ß.weight", true),
            ("*", "", true),
            ("", "", true),
            ("", "a", false),
            ("**a**", "a", true),
            ("*a*b*", "xxaxxbaxb", true),
            ("*ab", "aab", true),
            ("*.?.*t", "blocks.7.w.eight", true),
            ("a*?", "a", false),
        ] {
            assert_eq!(matches(pattern, name), want, "{pattern} {name}");
        }
    }

    #[test]
    fn stars_take_no_exponential_time() {
        let name = "a".repeat(5_000);
        assert!(!matches(&"a*".repeat(50).replace("a*", "*a").replacen('*', "*b", 1), &name));
        assert!(!matches(&("*a".repeat(50) + "b"), &name));
    }

    #[test]
    fn distances() {
        for (a, b, want) in [
            ("", "", 0),
            ("", "abc", 3),
            ("kitten", "sitting", 3),
            ("flaw", "lawn", 2),
            ("äb", "ab", 1),
        ] {
            assert_eq!((distance(a, b), distance(b, a)), (want, want), "{a} {b}");
        }
        let names = ["0.weight", "0.bias", "2.weight", "2.bias", "head.weight"];
        assert_eq!(nearest("1.bais", names.into_iter())[..2], ["0.bias", "2.bias"]);
    }
}
