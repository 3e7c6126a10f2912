//! Splits: which parts are disjoint, cover all, and have which shares.

use std::collections::BTreeSet;
use std::sync::Arc;

use fanin_datasets::augment::shift;
use fanin_datasets::split::{Fold, KFold, RandomSplit, leave_one_out};
use fanin_datasets::{Batches, Data, Error, Subset, Table, Tensor, iris, mnist_bundled};
use fanin_init::TorchRng;
use fanin_init::rand::Rng;

use crate::common::panic_of;

/// Every index below `n` once, in one of the parts.
fn assert_covers<'p>(parts: impl IntoIterator<Item = &'p Vec<usize>>, n: usize) {
    let mut all: Vec<usize> = parts.into_iter().flatten().copied().collect();
    all.sort_unstable();
    assert!(all.iter().copied().eq(0..n), "{all:?}");
}

/// What must hold of all folds.
fn assert_folds(folds: &[Fold], n: usize) {
    assert_covers(folds.iter().map(|fold| &fold.test), n);
    for Fold { train, test } in folds {
        assert_covers([train, test], n);
        assert!(train.is_sorted() && test.is_sorted());
    }
}

/// Labels of a few classes, some rare.
fn labels(n: usize, seed: u64) -> Vec<usize> {
    let mut rng = TorchRng::seed(seed);
    (0..n).map(|_| rng.random_range(0..12usize).saturating_sub(7)).collect()
}

fn counts(indices: &[usize], labels: &[usize]) -> [usize; 5] {
    let mut counts = [0; 5];
    indices.iter().for_each(|&i| counts[labels[i]] += 1);
    counts
}

#[test]
fn folds_are_disjoint_and_cover_all() {
    for (n, k) in [(10, 2), (11, 3), (5, 5), (97, 10)] {
        let plain = KFold::new(k).indices(n).unwrap();
        assert!(plain.iter().flat_map(|fold| &fold.test).copied().eq(0..n), "in order");
        let drawn = KFold::new(k).shuffle(3).indices(n).unwrap();
        for folds in [plain, drawn.clone()] {
            assert_folds(&folds, n);
            let sizes: Vec<_> = folds.iter().map(|fold| fold.test.len()).collect();
            assert!(sizes.iter().all(|&size| size == n / k || size == n / k + 1), "{sizes:?}");
        }
        assert_eq!(KFold::new(k).shuffle(3).indices(n).unwrap(), drawn);
        assert!(n < 10 || KFold::new(k).shuffle(4).indices(n).unwrap() != drawn);
    }
    assert_folds(&leave_one_out(4).unwrap(), 4);
    assert_eq!(leave_one_out(4).unwrap().len(), 4);
}

#[test]
fn stratified_folds_have_each_class_within_one() {
    for seed in 0..20 {
        let (n, k) = (60 + seed as usize, 2 + seed as usize % 5);
        let labels = labels(n, seed);
        let all = counts(&(0..n).collect::<Vec<_>>(), &labels);
        for folds in [KFold::new(k), KFold::new(k).shuffle(seed)] {
            let folds = folds.stratified(&labels).unwrap();
            assert_folds(&folds, n);
            for fold in &folds {
                assert!(fold.test.len() == n / k || fold.test.len() == n / k + 1);
                for (here, all) in counts(&fold.test, &labels).into_iter().zip(all) {
                    assert!(here == all / k || here == all / k + 1, "{here} of {all} in {k}");
                }
            }
        }
    }
}

#[test]
fn groups_stay_together() {
    let groups: Vec<String> =
        labels(80, 1).iter().enumerate().map(|(i, g)| format!("{g}{}", i % 3)).collect();
    let of = |indices: &[usize]| indices.iter().map(|&i| &groups[i]).collect::<BTreeSet<_>>();
    for folds in [KFold::new(4), KFold::new(4).shuffle(2)] {
        let folds = folds.grouped(&groups).unwrap();
        assert_folds(&folds, 80);
        let largest =
            groups.iter().map(|g| groups.iter().filter(|&h| h == g).count()).max().unwrap();
        for fold in &folds {
            assert!(of(&fold.train).is_disjoint(&of(&fold.test)));
            assert!(fold.test.len().abs_diff(20) <= largest, "{}", fold.test.len());
        }
    }
    let [a, b, c] = RandomSplit::fractions([0.5, 0.3, 0.2]).seed(1).grouped(&groups).unwrap();
    assert_covers([&a, &b, &c], 80);
    assert!(
        of(&a).is_disjoint(&of(&b)) && of(&a).is_disjoint(&of(&c)) && of(&b).is_disjoint(&of(&c))
    );
}

#[test]
fn random_parts_have_the_sizes_asked_for_and_each_class_within_one() {
    for seed in 0..20 {
        let n = 50 + 3 * seed as usize;
        let labels = labels(n, seed + 100);
        let all = counts(&(0..n).collect::<Vec<_>>(), &labels);
        let split = RandomSplit::counts([n - 25, 15, 10]).seed(seed);
        let plain = split.indices(n).unwrap();
        assert_covers(&plain, n);
        assert_eq!(plain.each_ref().map(Vec::len), [n - 25, 15, 10]);
        if all.iter().any(|&count| (1..3).contains(&count)) {
            continue;
        }
        let parts = split.stratified(&labels).unwrap();
        assert_covers(&parts, n);
        for part in &parts {
            for (here, all) in counts(part, &labels).into_iter().zip(all) {
                let share = all as f64 * part.len() as f64 / n as f64;
                assert!((here as f64 - share).abs() <= 1.0, "{here}, not {share}");
            }
        }
        assert_eq!(parts.each_ref().map(Vec::len), [n - 25, 15, 10]);
        assert_eq!(split.stratified(&labels).unwrap(), parts);
        assert_ne!(split.clone().seed(seed + 1).stratified(&labels).unwrap(), parts);
    }
}

#[test]
fn tables_are_split_in_one_line() {
    let table = iris();
    let folds: Vec<_> = table.k_fold(4, 1).unwrap().collect();
    let sizes: Vec<_> = folds.iter().map(|(train, test)| (train.len(), test.len())).collect();
    assert_eq!(sizes, [(112, 38), (112, 38), (113, 37), (113, 37)]);
    let (train, test) = table.stratified_split(0.1, 7).unwrap();
    let of = |table: &Table<Vec<usize>>| {
        (0..3).map(|c| table.labels().iter().filter(|&&y| y == c).count()).collect::<Vec<_>>()
    };
    assert_eq!((of(&train), of(&test)), (vec![45; 3], vec![5; 3]));
}

#[test]
fn a_subset_is_data_of_any_kind() {
    let (digits, _) = mnist_bundled();
    let indices = [3_000, 7, 7, 1_000];
    let subset = Subset::new(&digits, indices);
    assert_eq!(
        (subset.num_samples(), subset.indices(), subset.data().len()),
        (4, &indices[..], 4_000)
    );
    let whole: (Tensor, Vec<usize>) = subset.batches(4).next().unwrap();
    assert_eq!(whole, digits.select(indices).tensors());

    // The same as a copy in every way: shuffled, changed, made ahead.
    let owned = Subset::new(Arc::new(digits.clone()), 100..140);
    let copy = digits.select(100..140);
    let pass =
        |batches: &mut dyn Iterator<Item = (Tensor, Vec<usize>)>| batches.collect::<Vec<_>>();
    let with = |seed| TorchRng::seed(seed);
    fn changed<D: fanin_datasets::Augment>(batches: Batches<'_, D>) -> Batches<'_, D> {
        batches.shuffle_with(&mut TorchRng::seed(1)).augment_with(shift(2), &mut TorchRng::seed(2))
    }
    let want = pass(&mut changed(copy.batches(16)));
    assert_eq!(pass(&mut changed(owned.batches(16))), want);
    assert_eq!(pass(&mut changed(owned.batches(16)).prefetch()), want);
    let mut rng = with(3);
    assert_ne!(pass(&mut owned.batches(16).shuffle_with(&mut rng)), want);
    let inner = Subset::new(&owned, [5, 0]);
    assert_eq!(inner.batches(2).next().unwrap(), digits.select([105, 100]).tensors());
}

#[test]
fn what_cannot_be_divided_is_refused_with_what_to_do() {
    let text = |error: Error| error.to_string();
    let folds = text(KFold::new(6).indices(5).unwrap_err());
    assert_eq!(
        folds,
        "5 samples cannot be divided into 6 folds; take fewer folds, or collect more data"
    );
    let groups = text(KFold::new(3).grouped(&["a", "b", "a"]).unwrap_err());
    assert!(groups.starts_with("2 groups cannot be divided into 3 folds"), "{groups}");
    let classes = text(KFold::new(3).stratified(&[0, 0, 1, 1]).unwrap_err());
    assert!(
        classes.starts_with("2 samples cannot be divided into 3 folds; no class has more"),
        "{classes}"
    );
    assert!(matches!(leave_one_out(1), Err(Error::TooFew { found: 1, .. })));
    assert!(matches!(KFold::new(2).indices(0), Err(Error::TooFew { found: 0, .. })));

    let small = RandomSplit::fractions([0.99, 0.005, 0.005]);
    assert_eq!(small.indices(10).unwrap().map(|part| part.len()), [8, 1, 1]);
    let empty = text(small.indices(2).unwrap_err());
    assert_eq!(empty, "part 1 of 2 samples would have none; give it a larger share");
    let few = text(RandomSplit::fractions([0.5, 0.5]).stratified(&[0, 0, 1]).unwrap_err());
    assert!(few.starts_with("class 1 has 1 sample, and each of 2 parts needs one"), "{few}");
    let counts = text(RandomSplit::counts([3, 4]).indices(8).unwrap_err());
    assert!(counts.starts_with("the parts have 7 samples in all, but there are 8"), "{counts}");
    let groups = RandomSplit::fractions([0.5, 0.5]).grouped(&["a", "a"]).unwrap_err();
    assert!(matches!(groups, Error::TooFew { found: 1, of: "groups", .. }));
    assert!(matches!(RandomSplit::fractions([1.0]).indices(0), Err(Error::EmptyPart { .. })));
    assert!(iris().stratified_split(0.0, 1).is_err());
}

#[test]
fn mistakes_panic_at_the_callers_line() {
    let check = |(message, file, line): (String, String, u32), expected: u32, text: &str| {
        assert_eq!((file.as_str(), line), (file!(), expected), "{message}");
        assert!(message.contains(text), "{message}");
    };
    check(panic_of(|| KFold::new(1)), line!(), "KFold::new: 1 folds");
    check(panic_of(|| iris().k_fold(0, 1).map(drop)), line!(), "KFold::new: 0 folds");
    check(panic_of(|| RandomSplit::fractions([0.5, 0.6])), line!(), "add up to 1");
    check(panic_of(|| RandomSplit::fractions([1.2, -0.2])), line!(), "between 0 and 1");
    check(panic_of(|| RandomSplit::fractions([f64::NAN, 1.0])), line!(), "between 0 and 1");
    check(panic_of(|| RandomSplit::counts([5, 0])), line!(), "at least one sample");
    let counts = RandomSplit::counts([1, 1]);
    check(panic_of(|| counts.grouped(&[1, 2])), line!(), "split by fractions");
    check(panic_of(|| Subset::new(vec![1, 2], [2])), line!(), "no sample 2 among 2");
    check(panic_of(|| iris().stratified_split(2.0, 1)), line!(), "test_share 2");
    let table = iris();
    check(panic_of(|| table.with_inputs(Tensor::zeros([3, 4]))), line!(), "3×4, but 150 rows");
    check(panic_of(|| table.clone().with_feature_names(["a"])), line!(), "1 names for 4 columns");
    check(panic_of(|| table.clone().with_class_names(["a"])), line!(), "the label 1");
}
