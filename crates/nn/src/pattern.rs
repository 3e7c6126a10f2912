//! Patterns for parameter names.

use fanin_init::edit_distance;

/// Whether `name` matches the pattern. `*` matches any number of characters, including none and
/// including dots; `?` matches one character.
pub(crate) fn matches(pattern: &str, name: &str) -> bool {
    // A plan may name thousands of parameters, and compares each with all.
    if !is_wild(pattern) {
        return pattern == name;
    }
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
pub(crate) fn is_wild(pattern: &str) -> bool {
    pattern.contains(['*', '?'])
}

/// The three names that are most similar to the pattern, the most similar one first.
pub(crate) fn nearest(pattern: &str, names: &[String]) -> Vec<String> {
    let mut names: Vec<_> = names.iter().map(|n| (edit_distance(pattern, n), n)).collect();
    names.sort_by_key(|(distance, _)| *distance); // stable: ties keep the model's order
    names.into_iter().take(3).map(|(_, name)| name.clone()).collect()
}

/// The nearest names, for the end of a message.
pub(crate) fn show_nearest(pattern: &str, names: &[String]) -> String {
    let nearest: Vec<_> = nearest(pattern, names).iter().map(|name| format!("`{name}`")).collect();
    match &nearest[..] {
        [] => "the model has none".into(),
        names => format!("the nearest are {}", names.join(", ")),
    }
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
    fn the_nearest_names() {
        let names = ["0.weight", "0.bias", "2.weight", "2.bias", "head.weight"].map(String::from);
        assert_eq!(nearest("1.bais", &names)[..2], ["0.bias", "2.bias"]);
    }
}
