//! Changes to the images of a batch, and the shift that is ready.

use std::sync::{Arc, Mutex};

use crate::common::bits;
use fanin_datasets::Dataset;
use fanin_datasets::augment::shift;
use fanin_init::rand::RngCore;
use fanin_init::{TorchRng, default_rng, manual_seed};

/// A generator that gives these numbers.
struct Given<I>(I);

impl<I: Iterator<Item = u32>> RngCore for Given<I> {
    fn next_u32(&mut self) -> u32 {
        self.0.next().expect("a number")
    }
    fn next_u64(&mut self) -> u64 {
        unreachable!("a shift draws 32 bits")
    }
    fn fill_bytes(&mut self, _: &mut [u8]) {
        unreachable!("a shift draws 32 bits")
    }
}

/// The image 1, 2, 3, … after [`shift`], which draws these distances and no others.
fn shifted<const N: usize>(reach: u16, shape: &[usize], by: [i32; N]) -> Vec<f32> {
    let mut image: Vec<f32> = (1..=shape.iter().product()).map(|i| i as f32).collect();
    let mut rng = Given(by.iter().map(|by| (by + i32::from(reach)) as u32));
    shift(reach)(&mut image, shape, &mut rng);
    assert!(rng.0.next().is_none(), "a number was left over");
    image
}

#[test]
fn a_shift_moves_down_and_right_and_zeros_move_in() {
    let moved = |down, right| shifted(1, &[3, 3], [down, right]);
    assert_eq!(moved(0, 0), [1., 2., 3., 4., 5., 6., 7., 8., 9.]);
    assert_eq!(moved(1, 0), [0., 0., 0., 1., 2., 3., 4., 5., 6.]);
    assert_eq!(moved(-1, 0), [4., 5., 6., 7., 8., 9., 0., 0., 0.]);
    assert_eq!(moved(0, 1), [0., 1., 2., 0., 4., 5., 0., 7., 8.]);
    assert_eq!(moved(0, -1), [2., 3., 0., 5., 6., 0., 8., 9., 0.]);
    assert_eq!(moved(1, -1), [0., 0., 0., 2., 3., 0., 5., 6., 0.]);
    assert_eq!(moved(-1, 1), [0., 4., 5., 0., 7., 8., 0., 0., 0.]);

    // Two channels move together; one axis moves along itself; a single number stays.
    assert_eq!(shifted(1, &[2, 2, 2], [1, 1]), [0., 0., 0., 1., 0., 0., 0., 5.]);
    assert_eq!(shifted(1, &[3], [-1]), [2., 3., 0.]);
    assert_eq!(shifted(1, &[], []), [1.]);
}

#[test]
fn any_distance_equals_a_shift_pixel_by_pixel() {
    for (height, width) in [(1, 1), (1, 5), (4, 1), (3, 4)] {
        for (down, right) in (-6..=6).flat_map(|down| (-6..=6).map(move |right| (down, right))) {
            let got = shifted(6, &[height, width], [down, right]);
            for (i, got) in got.into_iter().enumerate() {
                let (row, column) = ((i / width) as i32 - down, (i % width) as i32 - right);
                let inside =
                    (0..height as i32).contains(&row) && (0..width as i32).contains(&column);
                let want = if inside { row * width as i32 + column + 1 } else { 0 };
                assert_eq!(got, want as f32, "{height}×{width} by {down}, {right}, place {i}");
            }
        }
    }
    assert_eq!(shifted(u16::MAX, &[1, 2], [65_535, -65_535]), [0.; 2]);
}

#[test]
fn every_distance_is_as_likely_as_any_other() {
    let mut images = [0; 25];
    images[12] = 255; // in the middle of 5×5
    let data = Dataset::from_parts(images.repeat(10_000), [5, 5], vec![0; 10_000], 1).unwrap();
    let rng = &mut TorchRng::seed(3);
    let mut counts = [0; 25];
    for (x, _) in data.batches(1).augment_with(shift(2), rng) {
        counts[x.as_slice().iter().position(|&pixel| pixel == 1.0).expect("the pixel")] += 1;
    }
    // 400 each; the standard deviation is 20.
    assert!(counts.iter().all(|count| (300..500).contains(count)), "{counts:?}");
    // Chi-squared with 24 degrees of freedom is above 51.2 once in a thousand times.
    let chi: f64 = counts.iter().map(|&n| f64::from(n - 400).powi(2) / 400.0).sum();
    assert!(chi < 51.2, "{chi}");
}

/// Six images of 2×2 pixels.
fn six() -> Dataset {
    Dataset::from_parts((1..=24).map(|i| 10 * i).collect(), [2, 2], vec![0; 6], 1).unwrap()
}

#[test]
fn a_change_sees_pixels_before_they_are_normalized() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let log = seen.clone();
    let data = six().normalize(0.25, 0.5);
    let mut batches = data.batches(6).augment(move |image, shape, _| {
        assert_eq!(shape, [2, 2]);
        log.lock().unwrap().extend_from_slice(image);
        image[0] = 0.0;
    });
    let x = batches.next().unwrap().0;

    assert_eq!(*seen.lock().unwrap(), six().tensors().0.as_slice());
    let mut want = data.tensors().0;
    want.as_mut_slice().chunks_mut(4).for_each(|image| image[0] = (0.0 - 0.25) / 0.5);
    assert_eq!(bits(&x), bits(&want));
}

#[test]
fn a_change_that_changes_nothing_leaves_every_bit() {
    let every = Dataset::from_parts((0..=255).collect(), 256, vec![0], 1).unwrap();
    for data in [every.clone(), every.normalize(0.1307, 0.3081)] {
        let x = data.batches(1).augment(|_, _, _| {}).next().unwrap().0;
        assert_eq!(bits(&x), bits(&data.tensors().0));
    }
}

#[test]
fn the_seed_decides_and_the_batch_size_does_not() {
    let pass = |seed, size| {
        let data = six();
        manual_seed(seed);
        let batches = data.batches(size).shuffle().augment(shift(1));
        // Draws more numbers for some images than for others.
        let batches = batches.augment(|image, _, rng| {
            (0..=rng.next_u32() % 3).for_each(|_| image[0] += rng.next_u32() as f32);
        });
        batches.flat_map(|(x, _)| bits(&x)).collect::<Vec<_>>()
    };
    assert_eq!(pass(1, 6), pass(1, 6));
    assert_ne!(pass(1, 6), pass(2, 6));
    for size in [1, 4, 5, 100] {
        assert_eq!(pass(1, size), pass(1, 6));
    }
}

#[test]
fn each_change_draws_one_seed_and_goes_after_the_one_before() {
    let data = six();
    manual_seed(9);
    let batches = data.batches(6).augment(|image, _, _| image.fill(2.0));
    let mut batches =
        batches.augment(|image, _, _| image.iter_mut().for_each(|v| *v = *v * 3.0 + 1.0));
    assert_eq!(batches.next().unwrap().0.as_slice(), [7.0; 24]);

    let mut same = TorchRng::seed(9);
    let seeds = [same.next_u64(), same.next_u64()];
    assert_eq!(default_rng().next_u64(), same.next_u64(), "two changes took two seeds");

    let log = Arc::new(Mutex::new(Vec::new()));
    let write = log.clone();
    let change = move |_: &mut [f32], _: &[usize], rng: &mut dyn RngCore| {
        write.lock().unwrap().push(rng.next_u32());
    };
    data.batches(4).augment_with(change, &mut TorchRng::seed(9)).for_each(drop);
    let mut own = TorchRng::seed(seeds[0]);
    let numbers: Vec<_> = (0..6).map(|_| own.next_u32()).collect();
    assert_eq!(*log.lock().unwrap(), numbers, "the generator is torch's, by the seed drawn");
}

#[test]
fn passes_that_are_cloned_go_on_alike() {
    let data = six();
    let mut batches = data.batches(2).shuffle().augment(shift(1));
    batches.next();
    let copy = batches.clone();
    assert!(copy.map(|(x, _)| bits(&x)).eq(batches.map(|(x, _)| bits(&x))));
}
