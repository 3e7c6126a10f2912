//! Data sets, their parts and their batches.

use crate::common::panic_of;
use fanin_datasets::{Batches, Dataset, Error};
use fanin_init::TorchRng;

/// Ten images of 1×2 pixels, `[i, 10 i]`, of class `i % 3`.
fn ten() -> Dataset {
    let images = (0..10).flat_map(|i| [i, 10 * i]).collect();
    Dataset::from_parts(images, [1, 2], (0..10).map(|i| i % 3).collect(), 3).unwrap()
}

/// The images of every batch, by their first pixel, and the lengths of the batches.
fn passed(batches: Batches<'_>) -> (Vec<u8>, Vec<usize>) {
    let (mut images, mut lengths) = (Vec::new(), Vec::new());
    let mut left = batches.len();
    for (x, y) in batches {
        left -= 1;
        assert_eq!(x.shape(), [y.len(), 2]);
        lengths.push(y.len());
        for (x, y) in x.as_slice().chunks(2).zip(y) {
            let i = (x[0] * 255.0).round() as u8;
            assert_eq!((x[0], x[1]), (f32::from(i) / 255.0, f32::from(10 * i) / 255.0));
            assert_eq!(y, usize::from(i % 3), "a label goes with its image");
            images.push(i);
        }
    }
    assert_eq!(left, 0);
    (images, lengths)
}

#[test]
fn a_pass_takes_every_image_once_and_the_last_batch_is_short() {
    let data = ten();
    assert_eq!(passed(data.batches(4)), ((0..10).collect(), vec![4, 4, 2]));
    assert_eq!(passed(data.batches(5)), ((0..10).collect(), vec![5, 5]));
    assert_eq!(passed(data.batches(11)), ((0..10).collect(), vec![10]));
    assert_eq!(passed(data.batches(usize::MAX)), ((0..10).collect(), vec![10]));
    assert_eq!(passed(data.batches(1)).1, [1; 10]);

    let (mut images, lengths) = passed(data.batches(4).shuffle());
    assert_eq!(lengths, [4, 4, 2]);
    assert_ne!(images, (0..10).collect::<Vec<_>>()); // once in 3.6 million
    images.sort();
    assert_eq!(images, (0..10).collect::<Vec<_>>());
}

#[test]
fn a_short_last_batch_can_be_dropped() {
    let data = ten();
    assert_eq!(passed(data.batches(4).drop_last()), ((0..8).collect(), vec![4, 4]));
    assert_eq!(passed(data.batches(5).drop_last()).1, [5, 5]);
    assert_eq!(passed(data.batches(11).drop_last()).1, [0usize; 0]);
    assert_eq!(data.batches(4).shuffle().drop_last().len(), 2);
}

#[test]
fn every_pass_is_shuffled_anew_and_only_when_asked() {
    let data = ten();
    let mut rng = TorchRng::seed(1);
    let first = passed(data.batches(3).shuffle_with(&mut rng)).0;
    let second = passed(data.batches(3).shuffle_with(&mut rng)).0;
    assert_ne!(first, second);
    let again = passed(data.batches(3).shuffle_with(&mut TorchRng::seed(1))).0;
    assert_eq!(first, again);

    fanin_init::manual_seed(5);
    let before = fanin_init::with_default_rng(|rng| rng.clone());
    passed(data.batches(3));
    passed(data.batches(3).shuffle_with(&mut rng));
    assert!(fanin_init::with_default_rng(|rng| *rng == before), "nothing was drawn from it");
}

#[test]
fn an_iterator_knows_how_many_batches_are_left_and_stays_ended() {
    let data = ten();
    let mut batches = data.batches(4);
    for left in [3, 2, 1] {
        assert_eq!(batches.len(), left);
        assert!(batches.next().is_some());
    }
    assert_eq!(
        format!("{batches:?}"),
        "Batches { data: Dataset { 10 × 1×2, 3 classes, 10 images }, size: 4, shuffled: false, \
         left: 0, .. }"
    );
    assert!(batches.next().is_none() && batches.next().is_none());
}

#[test]
fn batches_can_all_be_kept() {
    let data = ten();
    let kept: Vec<_> = data.batches(2).collect();
    let (whole, labels) = data.tensors();
    let rows: Vec<f32> = kept.iter().flat_map(|(x, _)| x.as_slice().to_vec()).collect();
    assert_eq!(rows, whole.as_slice(), "no batch was overwritten by a later one");
    assert_eq!(kept.into_iter().flat_map(|(_, y)| y).collect::<Vec<_>>(), labels);
}

#[test]
fn memory_that_was_given_back_is_used_again() {
    let data = ten();
    let place = |x: &fanin_tensor::Tensor| x.as_slice().as_ptr();

    let mut batches = data.batches(2);
    let first = place(&batches.next().unwrap().0);
    assert!(batches.all(|(x, _)| place(&x) == first));

    // Each batch is held until the next has come, as a tape does.
    let mut batches = data.batches(2).shuffle();
    let mut held = batches.next().unwrap().0;
    let mut places = vec![place(&held)];
    for (x, _) in batches {
        held = x;
        places.push(place(&held));
    }
    places.sort();
    places.dedup();
    assert_eq!(places.len(), 2);
}

#[test]
fn normalization_belongs_to_the_set_and_its_parts() {
    let plain = ten();
    let data = ten().normalize(0.5, 0.25);
    let want = |p: u8| (f32::from(p) / 255.0 - 0.5) / 0.25;
    assert_eq!(data.tensors().0.as_slice()[3], want(10));
    assert_eq!(data.select([1]).tensors().0.as_slice(), [want(1), want(10)]);
    assert_eq!(data.take(1).batches(1).next().unwrap().0.as_slice(), [want(0); 2]);
    assert_eq!(plain.batches(1).normalize(0.5, 0.25).next(), data.batches(1).next());
}

#[test]
fn parts_are_sets_of_their_own() {
    let data = ten();
    let picked = data.select([9, 0, 9]);
    assert_eq!(passed(picked.batches(2)), (vec![9, 0, 9], vec![2, 1]));
    assert_eq!((picked.image(0), picked.label(0), picked.classes()), (&[9, 90][..], 0, 3));
    assert_eq!(picked.image_shape(), [1, 2]);
    assert_eq!(passed(data.select(2..4).batches(9)).0, [2, 3]);

    assert_eq!(passed(data.take(3).batches(9)).0, [0, 1, 2]);
    assert_eq!(data.take(99).len(), 10);
    let (a, b) = data.split(7);
    assert_eq!((passed(a.batches(9)).0.len(), passed(b.batches(9)).0), (7, vec![7, 8, 9]));
    assert_eq!((data.split(0).0.len(), data.split(10).1.len()), (0, 0));
    assert_eq!(a.take(1).provenance().to_string(), "1 of 7 of 10 images");
    assert_eq!(format!("{a:?}"), "Dataset { 7 × 1×2, 3 classes, 7 of 10 images }");
}

#[test]
fn an_empty_set_has_no_batches() {
    let none = ten().take(0);
    assert!(none.is_empty());
    assert_eq!(passed(none.batches(4).shuffle()), (vec![], vec![]));
    assert_eq!(none.tensors().0.shape(), [0, 2]);
    assert!(Dataset::from_parts(vec![], [28, 28], vec![], 10).unwrap().is_empty());
}

#[test]
fn parts_that_do_not_fit_are_refused_with_the_numbers() {
    let make = |images: usize, shape: &[usize], labels: &[u8]| {
        Dataset::from_parts(vec![0; images], shape, labels.to_vec(), 3).unwrap_err()
    };
    let error = make(8, &[2, 2], &[0, 1, 2]);
    assert!(matches!(error, Error::CountsDiffer { images: 2, labels: 3, .. }));
    assert!(error.to_string().starts_with("from_parts: 2 images but 3 labels; "), "{error}");

    let error = make(7, &[2, 2], &[0]);
    let text = "from_parts: 7 pixels do not make whole images of 2×2; ";
    assert!(error.to_string().starts_with(text), "{error}");
    for shape in [&[0][..], &[usize::MAX, 2]] {
        assert!(matches!(make(4, shape, &[0]), Error::NotWhole { .. }));
    }

    let error = make(3, &[1], &[0, 3, 7]);
    let text = "from_parts: label 1 is 3, but 3 classes have labels below 3; ";
    assert!(error.to_string().starts_with(text), "{error}");
    assert_eq!(format!("{error:?}"), error.to_string());
}

#[test]
fn mistakes_panic_at_the_callers_line() {
    let data = ten();
    let check = |(message, file, line): (String, String, u32), expected: u32, text: &str| {
        assert_eq!((file.as_str(), line), (file!(), expected), "{message}");
        assert!(message.contains(text), "{message}");
    };
    check(panic_of(|| data.batches(0)), line!(), "a batch of 0 samples");
    check(panic_of(|| data.image(10)), line!(), "image: no image 10 among 10 images");
    check(panic_of(|| data.label(11)), line!(), "label: no image 11");
    check(panic_of(|| data.select([0, 12])), line!(), "select: no image 12");
    check(panic_of(|| data.split(13)), line!(), "split: no first 13 of 10 images");
    check(panic_of(|| ten().normalize(0.0, 0.0)), line!(), "mean 0, std 0");
    check(panic_of(|| data.batches(1).normalize(f32::NAN, 1.0)), line!(), "mean NaN, std 1");
}
