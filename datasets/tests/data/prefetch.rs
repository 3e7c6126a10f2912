//! Batches that another thread makes are those that the caller would have made.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::thread::{self, sleep};
use std::time::{Duration, Instant};

use crate::common::{bits, message_of};
use fanin_datasets::augment::shift;
use fanin_datasets::{Batches, Dataset};
use fanin_init::rand::RngCore;
use fanin_init::{default_rng, manual_seed};
use fanin_tensor::Tensor;

/// Images of 2×3 pixels, of which the first is the image's number.
fn images(n: u8) -> Dataset {
    let pixels = (0..n).flat_map(|i| [1, 7, 11, 13, 17, 19].map(|p| i.wrapping_mul(p))).collect();
    Dataset::from_parts(pixels, [2, 3], (0..n).map(|i| i % 3).collect(), 3).unwrap()
}

type Seen = Vec<(Vec<usize>, Vec<u32>, Vec<usize>)>;

/// Shape, bits and labels of each batch. Checks that there are as many batches as promised.
fn seen(mut batches: impl ExactSizeIterator<Item = (Tensor, Vec<usize>)>) -> Seen {
    let mut seen = Vec::new();
    for left in (0..batches.len()).rev() {
        let (x, y) = batches.next().expect("as many as promised");
        seen.push((x.shape().to_vec(), bits(&x), y));
        assert_eq!(batches.len(), left);
    }
    assert!(batches.next().is_none() && batches.next().is_none());
    seen
}

/// Adds a random number to each image.
fn noise(image: &mut [f32], _: &[usize], rng: &mut dyn RngCore) {
    let more = (rng.next_u32() % 1000) as f32;
    image.iter_mut().for_each(|pixel| *pixel += more);
}

#[test]
fn every_combination_has_the_same_bits_with_and_without() {
    let choices = |i: u32| [1, 2, 4, 8].map(|bit| i & bit != 0);
    for (n, size) in [0, 1, 10]
        .into_iter()
        .flat_map(|n| [1, 2, 3, 7, 9, 10, 11, usize::MAX].into_iter().map(move |size| (n, size)))
    {
        let data = images(n);
        for [shuffle, drop_last, normalize, augment] in (0..16).map(choices) {
            let make = || {
                manual_seed(u64::from(n) + 5);
                let mut batches = data.batches(size);
                if shuffle {
                    batches = batches.shuffle();
                }
                if drop_last {
                    batches = batches.drop_last();
                }
                if normalize {
                    batches = batches.normalize(0.1307, 0.3081);
                }
                if augment {
                    batches = batches.augment(shift(1)).augment(noise);
                }
                batches
            };
            let (here, next) = (seen(make()), default_rng().next_u32());
            let (there, next_there) = (seen(make().prefetch()), default_rng().next_u32());
            assert_eq!(
                here,
                there,
                "{n} by {size}, {:?}",
                [shuffle, drop_last, normalize, augment]
            );
            assert_eq!(next, next_there, "prefetch draws nothing");
        }
    }
}

#[test]
fn neither_a_slow_thread_nor_a_slow_caller_changes_a_bit() {
    let data = images(10);
    let make = || {
        manual_seed(4);
        data.batches(2).shuffle().augment(shift(1)).augment(noise)
    };
    let want = seen(make());
    let slow = make().augment(|_, _, _| sleep(Duration::from_millis(2)));
    assert_eq!(seen(slow.prefetch()), want);
    let pause = |batch| {
        sleep(Duration::from_millis(4));
        batch
    };
    assert_eq!(seen(make().prefetch().map(pause)), want);
}

#[test]
fn a_pass_that_has_begun_goes_on_and_outlives_its_set() {
    let data = images(10);
    let mut batches = data.batches(3).augment_with(noise, &mut default_rng());
    let copy = batches.clone();
    batches.next();
    let there = batches.prefetch();
    let want = seen(copy.skip(1));
    assert_eq!(format!("{there:?}"), "Prefetch { left: 3, .. }");
    drop(data);
    let got = thread::spawn(move || seen(there)).join().unwrap();
    assert_eq!(got, want);
}

#[test]
fn batches_that_are_kept_stay_as_they_are() {
    let data = images(10);
    let kept: Vec<_> = data.batches(2).prefetch().collect();
    assert_eq!(kept.len(), 5);
    let rows = kept.iter().flat_map(|(x, _)| bits(x));
    assert!(rows.eq(bits(&data.tensors().0)), "no batch was overwritten by a later one");
}

#[test]
fn memory_that_was_given_back_is_used_again() {
    let data = images(200);
    let place = |x: &Tensor| x.as_slice().as_ptr().addr();

    let places: BTreeSet<_> = data.batches(2).prefetch().map(|(x, _)| place(&x)).collect();
    assert!(places.len() <= 2, "{places:?}");

    // Each batch is held until the next has come, as a tape does.
    let mut held = Tensor::default();
    let mut places = BTreeSet::new();
    for (x, _) in data.batches(2).prefetch() {
        places.insert(place(&x));
        assert_ne!(place(&x), place(&held));
        held = x;
    }
    assert!(places.len() <= 3, "{places:?}");
}

/// Batches of one image, and how often an augmentation of theirs has run.
fn counted(data: &Dataset) -> (Batches<'_>, Arc<AtomicUsize>) {
    let count = Arc::new(AtomicUsize::new(0));
    let inside = count.clone();
    let batches = data.batches(1).augment(move |_, _, _| {
        inside.fetch_add(1, SeqCst);
    });
    (batches, count)
}

#[test]
fn the_thread_is_one_batch_ahead_and_no_more() {
    let data = images(100);
    let (batches, made) = counted(&data);
    let mut batches = batches.prefetch();
    for asked in 0..5 {
        let start = Instant::now();
        while made.load(SeqCst) <= asked {
            assert!(start.elapsed() < Duration::from_secs(20), "batch {asked} is never made");
            thread::yield_now();
        }
        sleep(Duration::from_millis(20));
        assert_eq!(made.load(SeqCst), asked + 1);
        batches.next();
    }
}

#[test]
fn dropping_it_early_ends_the_thread() {
    let data = images(100);
    for asked in 0..3 {
        let (batches, made) = counted(&data);
        // Slow, so that the thread is at work when it is dropped.
        let mut there = batches.augment(|_, _, _| sleep(Duration::from_millis(30))).prefetch();
        assert_eq!(there.by_ref().take(asked).count(), asked);
        drop(there);
        // Nothing of the thread is left: it was waited for, and did not go on to the end.
        assert_eq!(Arc::strong_count(&made), 1);
        assert!(made.load(SeqCst) <= asked + 1, "{made:?} batches made for {asked}");
    }

    // This thread waits until its batch is asked for.
    let (batches, made) = counted(&data);
    let mut there = batches.prefetch();
    there.next();
    sleep(Duration::from_millis(20));
    assert_eq!(Arc::strong_count(&made), 2);
    drop(there);
    assert_eq!(Arc::strong_count(&made), 1);
}

#[test]
fn a_panic_comes_out_of_the_batch_it_belongs_to() {
    let data = images(10);
    let bad = |image: &mut [f32], _: &[usize], _: &mut dyn RngCore| {
        assert!(image[0] < 5.0 / 255.0, "image {} is bad", (image[0] * 255.0).round());
    };
    let mut batches = data.batches(2).augment(bad).prefetch();
    // Images 0 to 3 are fine.
    assert_eq!(batches.by_ref().take(2).count(), 2);
    let message = message_of(|| batches.next());
    assert!(message == "image 5 is bad", "{message}");
    assert!(batches.next().is_none() && batches.len() == 0);
    drop(batches);

    // The panic of a batch that nobody asked for is not passed on.
    let mut batches = data.batches(2).augment(bad).prefetch();
    assert_eq!(batches.by_ref().take(2).count(), 2);
    drop(batches);
}
