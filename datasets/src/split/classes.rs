//! The samples of each class or group.

use std::collections::BTreeMap;

use fanin_init::rand::RngCore;
use fanin_init::randperm;

/// The indices of the samples of each class or group, in the order of the classes.
pub(super) fn members<G: Ord>(of: &[G]) -> Vec<Vec<usize>> {
    let mut members = BTreeMap::<&G, Vec<usize>>::new();
    for (i, group) in of.iter().enumerate() {
        members.entry(group).or_default().push(i);
    }
    members.into_values().collect()
}

/// The same values in random order.
pub(super) fn shuffled<T: Clone>(values: &[T], rng: &mut impl RngCore) -> Vec<T> {
    randperm(values.len(), rng).into_iter().map(|i| values[i].clone()).collect()
}

/// How many samples of each class go to each part, for parts of these sizes: `quota[class][part]`,
/// within one of the class's share, with the right sums along both axes.
///
/// The whole numbers below the shares leave less than one sample in each cell. They are given to the
/// parts that lack most, class by class, those with most left first: by the theorem of Gale and Ryser
/// this always comes out even, because the shares themselves come out even.
pub(super) fn quotas(classes: &[usize], parts: &[usize]) -> Vec<Vec<usize>> {
    let n: usize = classes.iter().sum();
    let share = |class: usize, part: usize| (class as u128 * part as u128 / n as u128) as usize;
    let mut quotas: Vec<Vec<usize>> = classes
        .iter()
        .map(|&class| parts.iter().map(|&part| share(class, part)).collect())
        .collect();
    let mut lacking: Vec<usize> = parts.to_vec();
    for quota in &quotas {
        lacking.iter_mut().zip(quota).for_each(|(lacking, given)| *lacking -= given);
    }
    let left = |k: usize, quotas: &[Vec<usize>]| classes[k] - quotas[k].iter().sum::<usize>();
    let mut order: Vec<usize> = (0..classes.len()).collect();
    order.sort_by_key(|&k| std::cmp::Reverse(left(k, &quotas)));
    for k in order {
        let mut neediest: Vec<usize> = (0..parts.len()).collect();
        neediest.sort_by_key(|&part| std::cmp::Reverse(lacking[part]));
        for &part in &neediest[..left(k, &quotas)] {
            quotas[k][part] += 1;
            lacking[part] -= 1;
        }
    }
    quotas
}

#[cfg(test)]
mod tests {
    use fanin_init::TorchRng;
    use fanin_init::rand::Rng;

    use super::*;

    #[test]
    fn members_are_sorted_by_class() {
        assert_eq!(members(&["b", "a", "b"]), [vec![1], vec![0, 2]]);
    }

    #[test]
    fn quotas_come_out_even_and_are_within_one_of_the_shares() {
        let mut rng = TorchRng::seed(1);
        for _ in 0..2_000 {
            let classes: Vec<usize> =
                (0..rng.random_range(1..7)).map(|_| rng.random_range(1..40)).collect();
            let n: usize = classes.iter().sum();
            let mut parts = vec![0; rng.random_range(1..5)];
            for _ in 0..n {
                let part = rng.random_range(0..parts.len());
                parts[part] += 1;
            }
            let quotas = quotas(&classes, &parts);
            for (k, quota) in quotas.iter().enumerate() {
                assert_eq!(quota.iter().sum::<usize>(), classes[k]);
                for (p, &given) in quota.iter().enumerate() {
                    let share = classes[k] as f64 * parts[p] as f64 / n as f64;
                    assert!(
                        (given as f64 - share).abs() <= 1.0,
                        "{classes:?} {parts:?} {quotas:?}"
                    );
                }
            }
            for (p, &part) in parts.iter().enumerate() {
                assert_eq!(quotas.iter().map(|quota| quota[p]).sum::<usize>(), part);
            }
        }
    }
}
