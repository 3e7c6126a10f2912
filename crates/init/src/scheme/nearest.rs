//! The names that a misspelt name may stand for.

/// The candidates that are nearest to a word, or else those that begin like it: best first, three at
/// most.
pub(super) fn nearest<'c>(word: &str, candidates: &[&'c str]) -> Vec<&'c str> {
    const LONGEST: usize = 50;
    let word: String = word.to_lowercase().chars().take(LONGEST).collect();
    let letters: Vec<char> = word.chars().collect();
    let within = |allowed: usize, part: &dyn Fn(&'c str) -> &'c str| {
        let mut near: Vec<_> = candidates
            .iter()
            .map(|&name| (distance(&letters, &part(name).chars().collect::<Vec<_>>()), name))
            .filter(|&(distance, _)| distance <= allowed)
            .collect();
        // If one is much nearer than the others, that one was meant.
        let best = near.iter().map(|&(distance, _)| distance).min().unwrap_or(0);
        near.retain(|&(distance, _)| distance <= best + 1);
        let mut names = vec![];
        while names.len() < 3
            && let Some(next) = near.iter().min().copied()
        {
            near.retain(|&pair| pair != next);
            names.push(next.1);
        }
        names
    };
    let allowed = letters.len() / 3;
    let near = within(allowed.max(1), &|name| name);
    if !near.is_empty() || letters.len() < 2 {
        return near;
    }
    // Compare the beginnings: `xavier` begins two names, and `std` begins `stddev`.
    within(allowed, &|name| match name.strip_prefix(&*word) {
        Some(rest) => &name[..name.len() - rest.len()],
        None => name.split('_').next().unwrap_or(name),
    })
}

/// `the nearest is …; ` or nothing.
pub(super) fn hint(word: &str, candidates: &[&str]) -> Option<String> {
    let near: Vec<_> =
        nearest(word, candidates).iter().map(|candidate| format!("`{candidate}`")).collect();
    match &*near {
        [] => None,
        [one] => Some(format!("the nearest is {one}")),
        _ => Some(format!("the nearest are {}", near.join(", "))),
    }
}

/// How many letters of `a` must be inserted, deleted, changed, or swapped with the next one, to make it
/// `b`.
///
/// # Reference
/// Damerau 1964, Levenshtein 1965; in the restricted form, which changes no letter twice.
pub fn edit_distance(a: &str, b: &str) -> usize {
    let [a, b] = [a, b].map(|text| text.chars().collect::<Vec<_>>());
    distance(&a, &b)
}

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
            let both_ways = (edit_distance(a, b), edit_distance(b, a));
            assert_eq!(both_ways, (want, want), "{a:?} {b:?}");
        }
    }

    #[test]
    fn only_what_is_near_is_proposed() {
        let names = ["zeros", "ones", "normal", "xavier_normal"];
        assert_eq!(nearest("zeroes", &names), ["zeros"]);
        assert_eq!(nearest("Nromal", &names), ["normal"]);
        assert_eq!(nearest("spectral", &names), [""; 0]);
        assert_eq!(nearest("Xavir", &names), ["xavier_normal"]);
        assert_eq!(nearest("std", &["mean", "stddev"]), ["stddev"]);
        assert_eq!(nearest("", &names), [""; 0]);
        assert_eq!(nearest(&"x".repeat(1_000_000), &names), [""; 0]);
        assert_eq!(hint("one", &["ones", "once"]).unwrap(), "the nearest are `once`, `ones`");
    }
}
