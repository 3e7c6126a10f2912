//! The names that a misspelt one may have meant.

/// Those of the candidates that are nearest to a word, or else those that begin like it, if any do: best
/// first, three at most.
pub(super) fn nearest<'c>(
    word: &str,
    candidates: impl IntoIterator<Item = &'c str>,
) -> Vec<&'c str> {
    const LONGEST: usize = 50;
    let word: String = word.to_lowercase().chars().take(LONGEST).collect();
    let letters: Vec<char> = word.chars().collect();
    let candidates: Vec<&str> = candidates.into_iter().collect();
    let within = |allowed: usize, part: &dyn Fn(&'c str) -> &'c str| {
        let mut near: Vec<_> = candidates
            .iter()
            .map(|&name| (distance(&letters, &part(name).chars().collect::<Vec<_>>()), name))
            .filter(|&(distance, _)| distance <= allowed)
            .collect();
        near.sort();
        // One that is much nearer than the others is the one that was meant.
        let best = near.first().map_or(0, |&(distance, _)| distance);
        near.retain(|&(distance, _)| distance <= best + 1);
        near.truncate(3);
        near.into_iter().map(|(_, name)| name).collect::<Vec<_>>()
    };
    let allowed = letters.len() / 3;
    let near = within(allowed.max(1), &|name| name);
    if !near.is_empty() || letters.len() < 2 {
        return near;
    }
    // `xavier` is how two names begin, `std` how `stddev` does.
    within(allowed, &|name| match name.strip_prefix(&*word) {
        Some(rest) => &name[..name.len() - rest.len()],
        None => name.split('_').next().unwrap_or(name),
    })
}

/// `the nearest is …; ` or nothing.
pub(super) fn hint<'c>(
    word: &str,
    candidates: impl IntoIterator<Item = &'c str>,
) -> Option<String> {
    let near: Vec<_> =
        nearest(word, candidates).iter().map(|candidate| format!("`{candidate}`")).collect();
    match &*near {
        [] => None,
        [one] => Some(format!("the nearest is {one}")),
        _ => Some(format!("the nearest are {}", near.join(", "))),
    }
}

/// How many letters must be put in, taken out, changed, or swapped with the next one.
///
/// # Reference
/// Damerau 1964, Levenshtein 1965; in the restricted form, where no place is changed twice.
fn distance(a: &[char], b: &[char]) -> usize {
    // Row i holds the distances of the first i letters of `a` to each start of `b`.
    let mut rows = vec![(0..=b.len()).collect::<Vec<_>>()];
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let same = a[i - 1] == b[j - 1];
            let mut least = (rows[i - 1][j] + 1).min(row[j - 1] + 1);
            least = least.min(rows[i - 1][j - 1] + usize::from(!same));
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                least = least.min(rows[i - 2][j - 2] + 1);
            }
            row.push(least);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances() {
        for (a, b, want) in
            [("", "", 0), ("", "abc", 3), ("sdt", "std", 1), ("kitten", "sitting", 3)]
        {
            let [a, b] = [a, b].map(|text| text.chars().collect::<Vec<_>>());
            assert_eq!((distance(&a, &b), distance(&b, &a)), (want, want), "{a:?} {b:?}");
        }
    }

    #[test]
    fn only_what_is_near_is_proposed() {
        let names = ["zeros", "ones", "normal", "xavier_normal"];
        assert_eq!(nearest("zeroes", names), ["zeros"]);
        assert_eq!(nearest("Nromal", names), ["normal"]);
        assert_eq!(nearest("spectral", names), [""; 0]);
        assert_eq!(nearest("Xavir", names), ["xavier_normal"]);
        assert_eq!(nearest("std", ["mean", "stddev"]), ["stddev"]);
        assert_eq!(nearest("", names), [""; 0]);
        assert_eq!(nearest(&"x".repeat(1_000_000), names), [""; 0]);
        assert_eq!(hint("one", ["ones", "once"]).unwrap(), "the nearest are `once`, `ones`");
    }
}
