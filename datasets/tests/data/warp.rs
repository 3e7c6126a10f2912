//! Warps, erased rectangles and noise: images computed by hand, and the same bits for any number of
//! threads.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use crate::common::{bits, message_of, panic_of};
use fanin_datasets::augment::{Warp, elastic, erase, noise, rotate, scale, shear, shift};
use fanin_datasets::{Augment, Buffers, Data, Dataset, Table, Tensor};
use fanin_init::rand::RngCore;
use fanin_init::rand_distr::{Distribution, StandardNormal};
use fanin_init::{TorchRng, manual_seed};
use fanin_tensor::parallel;

/// A generator that gives these numbers: 32 bits each, or two of them for 64.
struct Given<I>(I);

impl<I: Iterator<Item = u32>> RngCore for Given<I> {
    fn next_u32(&mut self) -> u32 {
        self.0.next().expect("a number")
    }
    fn next_u64(&mut self) -> u64 {
        u64::from(self.next_u32()) << 32 | u64::from(self.next_u32())
    }
    fn fill_bytes(&mut self, _: &mut [u8]) {
        unreachable!("no change asks for bytes")
    }
}

/// The bits of a number in [-1, 1), of those that 24 bits can say.
fn signed(number: f32) -> u32 {
    ((number + 1.0) * (1 << 23) as f32) as u32 * 256
}

/// The image 1, 2, 3, … after a change that draws these numbers, of [-1, 1), and no others.
fn changed(
    change: impl Fn(&mut [f32], &[usize], &mut dyn RngCore),
    shape: &[usize],
    draws: &[f32],
) -> Vec<f32> {
    let mut image: Vec<f32> = (1..=shape.iter().product()).map(|i| i as f32).collect();
    let mut rng = Given(draws.iter().map(|&draw| signed(draw)));
    change(&mut image, shape, &mut rng);
    assert!(rng.0.next().is_none(), "a number was left over");
    image
}

fn assert_near(got: &[f32], want: &[f32]) {
    let near = got.len() == want.len() && got.iter().zip(want).all(|(g, w)| (g - w).abs() < 2e-5);
    assert!(near, "{got:?}, not {want:?}");
}

#[test]
fn a_shift_by_half_a_pixel_gives_means_of_neighbours() {
    let warp = || Warp::new().shift(1.0).build();
    assert_eq!(changed(warp(), &[2, 3], &[0.0, 0.5]), [0.5, 1.5, 2.5, 2., 4.5, 5.5]);
    assert_eq!(changed(warp(), &[2, 3], &[-0.5, 0.0]), [2.5, 3.5, 4.5, 2., 2.5, 3.]);
    // By whole pixels, and two channels alike.
    assert_eq!(changed(warp(), &[2, 2, 2], &[-1., -1.]), [4., 0., 0., 0., 8., 0., 0., 0.]);
}

#[test]
fn a_rotation_turns_the_image_about_its_middle() {
    // The lowest draw is the whole angle, against the clock.
    let turned = |degrees| changed(rotate(degrees), &[3, 3], &[-1.0]);
    assert_near(&turned(90.0), &[3., 6., 9., 2., 5., 8., 1., 4., 7.]);
    assert_near(&turned(180.0), &[9., 8., 7., 6., 5., 4., 3., 2., 1.]);
    // What leaves the image is lost.
    let wide = changed(rotate(90.0), &[1, 3], &[-1.0]);
    assert_near(&wide, &[0., 2., 0.]);
    // Turned by 45°, the neighbour above comes from up and right, at a distance of 1.
    let half = f32::sqrt(0.5);
    let image = turned(45.0);
    let want =
        5.0 + half * (2.0 - 5.0) + half * (6.0 - 5.0) + half * half * (3.0 + 5.0 - 2.0 - 6.0);
    assert!((image[1] - want).abs() < 1e-5 && image[4] == 5.0, "{image:?}, not {want}");
}

#[test]
fn scales_enlarge_about_the_middle() {
    // Twice as large: a pixel beside the middle is read half a pixel from it.
    let large = [3., 3.5, 4., 4.5, 5., 5.5, 6., 6.5, 7.];
    assert_eq!(changed(scale(2.0, 2.0), &[3, 3], &[]), large);
    assert_eq!(changed(scale(2.0, 4.0), &[3, 3], &[-1.0]), large);
    // Half as large: read two pixels away, which is outside.
    assert_eq!(changed(scale(0.5, 1.0), &[3, 3], &[-1.0]), [0., 0., 0., 0., 5., 0., 0., 0., 0.]);
    // The factors multiply: 1.5 · 0.5 for the height, 1.5 · 1 for the width.
    let both = Warp::new().scale(1.0, 2.0).stretch(0.5, 1.5).build();
    let product = Warp::new().stretch(0.75, 2.25).build();
    let want = changed(product, &[3, 3], &[-1.0, 0.0]);
    assert_eq!(changed(both, &[3, 3], &[0.0, -1.0, 0.0]), want);
    // The first factor is that of the height.
    let tall = changed(Warp::new().stretch(1.0, 3.0).build(), &[3, 3], &[0.0, -1.0]);
    assert_eq!(tall, [2.5, 3.5, 4.5, 4., 5., 6., 5.5, 6.5, 7.5]);
}

#[test]
fn a_shear_moves_rows_against_each_other() {
    // The lowest draw: rows below the middle move to the left.
    let slanted = changed(shear(45.0), &[3, 3], &[-1.0]);
    assert_near(&slanted, &[0., 1., 2., 4., 5., 6., 8., 9., 0.]);
}

#[test]
fn one_map_does_it_all_and_a_shift_comes_last() {
    let all = Warp::new().shift(1.0).rotate(90.0).scale(2.0, 2.0).shear(45.0).build();
    // Twice as large, sheared, turned against the clock, and moved to the left by a pixel.
    let got = changed(all, &[5, 5], &[0.0, -1.0, -1.0, -1.0]);
    let step = |warp: Warp, image: &mut Vec<f32>, draws: &[f32]| {
        let mut rng = Given(draws.iter().map(|&draw| signed(draw)));
        warp.build()(image, &[5, 5], &mut rng);
    };
    // On a ramp, one interpolation equals several.
    let mut want: Vec<f32> = (1..=25).map(|i| i as f32).collect();
    step(Warp::new().scale(2.0, 2.0), &mut want, &[]);
    step(Warp::new().shear(45.0), &mut want, &[-1.0]);
    step(Warp::new().rotate(90.0), &mut want, &[-1.0]);
    step(Warp::new().shift(1.0), &mut want, &[0.0, -1.0]);
    // What the shear moved out of the image is lost to steps alone: compare where nothing was.
    let kept = want.iter().zip(&got).filter(|(want, _)| **want != 0.0);
    assert!(kept.clone().count() >= 12, "{want:?}");
    kept.for_each(|(want, got)| assert!((want - got).abs() < 1e-4, "{got} is not {want}"));
}

#[test]
fn what_changes_nothing_leaves_every_bit() {
    let image: Vec<f32> = (0..784).map(|i| ((i * 37 % 256) as f32) / 255.0).collect();
    let nothing = Warp::new().shift(0.0).rotate(0.0).scale(1.0, 1.0).stretch(1.0, 1.0).shear(0.0);
    let still = [
        Warp::new(),
        nothing,
        nothing.elastic(4.0, 0.0),
        // A draw of 0 is no rotation, shift or shear.
        Warp::new().shift(3.0).rotate(30.0).shear(30.0),
    ];
    for warp in still {
        let mut got = image.clone();
        warp.build()(&mut got, &[28, 28], &mut Given(std::iter::repeat(1 << 31)));
        let equal = got.iter().zip(&image).all(|(got, want)| got.to_bits() == want.to_bits());
        assert!(equal, "{warp:?}");
    }
    for change in [erase(0.0, 0.1, 0.5), erase(1.0, 0.0, 0.0)] {
        let mut got = image.clone();
        change(&mut got, &[28, 28], &mut TorchRng::seed(1));
        assert_eq!(got, image);
    }
    let mut got = image.clone();
    noise(0.0)(&mut got, &[784], &mut TorchRng::seed(1));
    assert_eq!(got, image);
}

#[test]
fn an_elastic_displacement_is_the_gaussian_of_the_noise() {
    // The noise is 0 but for the first number of the pixel in the middle.
    let mut draws = [0.0; 2 * 25];
    draws[2 * 12] = 0.5;
    let got = changed(elastic(1.0, 2.0), &[5, 5], &draws);
    let weight = |d: f64| (-d * d / 2.0).exp();
    let sum = weight(0.0) + 2.0 * (weight(1.0) + weight(2.0) + weight(3.0));
    for (i, got) in got.iter().enumerate() {
        let (row, column) = ((i / 5) as f64, (i % 5) as f64);
        // Each pixel is read so far below; a row below adds 5.
        let down = 2.0 * 0.5 * weight(row - 2.0) * weight(column - 2.0) / (sum * sum);
        let pixel = 1.0 + i as f64;
        let want = if row == 4.0 { pixel * (1.0 - down) } else { pixel + 5.0 * down };
        assert!((f64::from(*got) - want).abs() < 1e-5, "pixel {i}: {got}, not {want}");
    }
    // The second number of a pixel moves along the row.
    draws.swap(24, 25);
    let got = changed(elastic(1.0, 2.0), &[5, 5], &draws);
    let right = 1.0 / (sum * sum) as f32;
    assert!((got[12] - (13.0 + right)).abs() < 1e-5, "{got:?}");
}

/// The definition, in f64, with sums over all of the plane.
fn naive(
    image: &[f32],
    [height, width]: [usize; 2],
    draws: &[f64],
    sigma: f64,
    alpha: f64,
) -> Vec<f64> {
    let radius = (3.0 * sigma).ceil();
    let weight = |d: f64| if d.abs() > radius { 0.0 } else { (-0.5 * (d / sigma).powi(2)).exp() };
    let sum: f64 = (-radius as i64..=radius as i64).map(|d| weight(d as f64)).sum();
    let field = |r: usize, c: usize, axis: usize| -> f64 {
        let all = (0..height).flat_map(|i| (0..width).map(move |j| (i, j)));
        let terms = all.map(|(i, j)| {
            let near = weight(i as f64 - r as f64) * weight(j as f64 - c as f64);
            near * draws[1 + 2 * (i * width + j) + axis]
        });
        alpha * terms.sum::<f64>() / (sum * sum)
    };
    let (sin, cos) = (30.0 * draws[0]).to_radians().sin_cos();
    let (y0, x0) = ((height as f64 - 1.0) / 2.0, (width as f64 - 1.0) / 2.0);
    let pixel = |i: f64, j: f64| {
        let inside = i >= 0.0 && j >= 0.0 && i < height as f64 && j < width as f64;
        if inside { f64::from(image[i as usize * width + j as usize]) } else { 0.0 }
    };
    let read = |r: usize, c: usize| {
        let (y, x) = (r as f64 + field(r, c, 0) - y0, c as f64 + field(r, c, 1) - x0);
        let (u, v) = (x0 + cos * x + sin * y, y0 - sin * x + cos * y);
        let (i, j) = (v.floor(), u.floor());
        let corners = [(i, j), (i, j + 1.0), (i + 1.0, j), (i + 1.0, j + 1.0)];
        let share = |(a, b): (f64, f64)| (1.0 - (v - a).abs()) * (1.0 - (u - b).abs());
        corners.into_iter().map(|at| share(at) * pixel(at.0, at.1)).sum::<f64>()
    };
    (0..height * width).map(|i| read(i / width, i % width)).collect()
}

#[test]
fn a_rotated_elastic_image_equals_its_definition() {
    for (seed, (size, sigma, alpha)) in
        [([28, 28], 4.0, 34.0), ([7, 5], 2.0, 9.0), ([3, 40], 1.3, 4.0)].into_iter().enumerate()
    {
        let pixels: usize = size.iter().product();
        let mut rng = TorchRng::seed(seed as u64);
        let image: Vec<f32> = (0..pixels).map(|_| rng.next_u32() as f32 / 2f32.powi(32)).collect();
        let words: Vec<u32> = (0..=2 * pixels).map(|_| rng.next_u32()).collect();
        let draws: Vec<f64> =
            words.iter().map(|word| f64::from(word >> 8) / f64::from(1 << 23) - 1.0).collect();
        let want = naive(&image, size, &draws, sigma, alpha);

        let mut got = image.clone();
        let warp = Warp::new().rotate(30.0).elastic(sigma, alpha).build();
        warp(&mut got, &size, &mut Given(words.into_iter()));
        let worst =
            got.iter().zip(&want).map(|(g, w)| (f64::from(*g) - w).abs()).fold(0.0, f64::max);
        assert!(worst < 2e-5, "{size:?}: off by {worst}");
    }
}

#[test]
fn displacements_are_as_large_as_documented() {
    // A ramp tells how far each pixel was moved to the right.
    let (sigma, alpha, size) = (4.0, 34.0, 64);
    let ramp: Vec<f32> = (0..size * size).map(|i| (i % size) as f32).collect();
    let warp = elastic(sigma, alpha);
    let mut rng = TorchRng::seed(5);
    let middle = 32 * size + 32;
    let squares = (0..400).map(|_| {
        let mut image = ramp.clone();
        warp(&mut image, &[size, size], &mut rng);
        f64::from(image[middle] - ramp[middle]).powi(2)
    });
    let std = (squares.sum::<f64>() / 400.0).sqrt();
    // The standard deviation of the estimate is 3.5 %.
    assert!((std / (0.163 * alpha / sigma) - 1.0).abs() < 0.14, "{std}");
}

#[test]
fn an_erased_rectangle_has_the_size_and_the_place_that_were_drawn() {
    // Shares and ratios by the lowest draw: 1/4 of 6×8, tall · wide = 12, tall / wide = 0.3.
    let mut image = vec![1.0; 2 * 48];
    let mut rng = Given([0, 0, 0, 1, 2].into_iter());
    erase(1.0, 0.25, 0.5)(&mut image, &[2, 6, 8], &mut rng);
    assert!(rng.0.next().is_none());
    // √3.6 and √40 are 2 and 6, rounded; row 1, column 2.
    for (i, &pixel) in image.iter().enumerate() {
        let (row, column) = (i % 48 / 8, i % 8);
        let inside = (1..3).contains(&row) && (2..8).contains(&column);
        assert_eq!(pixel, if inside { 0.0 } else { 1.0 }, "{row}, {column}");
    }
    // A draw of the probability or more erases nothing; ten that do not fit neither.
    let mut image = vec![1.0; 8];
    erase(0.5, 0.9, 0.9)(&mut image, &[1, 8], &mut Given([1 << 31].into_iter()));
    erase(1.0, 1.0, 1.0)(&mut image, &[1, 8], &mut Given([u32::MAX].into_iter().chain([0; 20])));
    assert_eq!(image, [1.0; 8]);
}

#[test]
fn noise_is_normal_and_stays_between_0_and_1() {
    let mut image = [0.5, 0.0, 1.0].repeat(100);
    noise(0.2)(&mut image, &[300], &mut TorchRng::seed(3));
    let mut rng = TorchRng::seed(3);
    for (i, &pixel) in image.iter().enumerate() {
        let z: f32 = StandardNormal.sample(&mut rng);
        assert_eq!(pixel, ([0.5, 0.0, 1.0][i % 3] + 0.2 * z).clamp(0.0, 1.0));
    }
    assert!(image.contains(&0.0) && image.contains(&1.0));
}

fn digits() -> Dataset {
    fanin_datasets::mnist_bundled().0.take(70)
}

/// What a pass of two changes gives, all batches in a row.
fn pass(seed: u64, size: usize, prefetch: bool) -> Vec<u32> {
    manual_seed(seed);
    let data = digits();
    let warp = Warp::new().shift(1.0).rotate(15.0).scale(0.9, 1.1).shear(10.0).elastic(4.0, 34.0);
    let batches = data.batches(size).shuffle().augment_parallel(warp.build()).augment(shift(1));
    let batches = batches.augment_parallel(noise(0.1));
    if prefetch {
        batches.prefetch().flat_map(|(x, _)| bits(&x)).collect()
    } else {
        batches.flat_map(|(x, _)| bits(&x)).collect()
    }
}

#[test]
fn the_seed_alone_decides_whatever_the_threads_and_the_batches() {
    let before = parallel::num_threads();
    let want = pass(1, 70, false);
    assert_ne!(pass(2, 70, false), want);
    for threads in [1, 2, 3, 16] {
        parallel::set_num_threads(threads);
        for size in [1, 32, 70] {
            assert!(pass(1, size, false) == want, "{threads} threads, batches of {size}");
        }
        assert!(pass(1, 32, true) == want, "{threads} threads, prefetched");
    }
    parallel::set_num_threads(before);
}

#[test]
fn each_sample_has_a_generator_by_a_seed_from_the_pass() {
    let data = Dataset::from_parts((0..50).collect(), 1, vec![0; 50], 1).unwrap();
    let seen = Arc::new(Mutex::new(BTreeMap::new()));
    let log = seen.clone();
    let change = move |image: &mut [f32], _: &[usize], rng: &mut dyn RngCore| {
        let number = (image[0] * 255.0).round() as usize;
        log.lock().unwrap().insert(number, [rng.next_u64(), rng.next_u64()]);
    };
    data.batches(20).augment_parallel_with(change, &mut TorchRng::seed(9)).for_each(drop);
    let mut seeds = TorchRng::seed(TorchRng::seed(9).next_u64());
    for (number, got) in &*seen.lock().unwrap() {
        let seed = seeds.next_u64();
        // SplitMix64: Steele, Lea and Flood 2014.
        let want = [1, 2].map(|i: u64| {
            let z = seed.wrapping_add(i.wrapping_mul(0x9e37_79b9_7f4a_7c15));
            let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            z ^ (z >> 31)
        });
        assert_eq!(*got, want, "image {number}");
    }
    assert_eq!(seen.lock().unwrap().len(), 50);
}

#[test]
fn changes_of_both_kinds_go_in_the_order_of_the_calls() {
    let data = digits();
    let add = |image: &mut [f32], _: &[usize], _: &mut dyn RngCore| {
        image.iter_mut().for_each(|v| *v += 1.0);
    };
    let triple = |image: &mut [f32], _: &[usize], _: &mut dyn RngCore| {
        image.iter_mut().for_each(|v| *v *= 3.0);
    };
    let start = |image: &mut [f32], _: &[usize], _: &mut dyn RngCore| image.fill(2.0);
    let batches = || data.batches(70).augment(start);
    let first = |mut batches: fanin_datasets::Batches<'_>| batches.next().unwrap().0.as_slice()[0];
    assert_eq!(first(batches().augment_parallel(add).augment(triple)), 9.0);
    assert_eq!(first(batches().augment(triple).augment_parallel(add)), 7.0);
    assert_eq!(first(batches().augment_parallel(triple).augment_parallel(add)), 7.0);
}

/// Rows whose type knows only how to change one sample at a time.
#[derive(Clone)]
struct OneByOne(Table<()>);

impl Data for OneByOne {
    type Batch = Tensor;
    fn num_samples(&self) -> usize {
        self.0.num_samples()
    }
    fn gather(&self, indices: &[usize], buffers: &mut Buffers) -> Tensor {
        self.0.gather(indices, buffers)
    }
}

impl Augment for OneByOne {
    fn gather_augmented(
        &self,
        indices: &[usize],
        buffers: &mut Buffers,
        change: &mut dyn FnMut(&mut [f32], &[usize]),
    ) -> Tensor {
        self.0.gather_augmented(indices, buffers, change)
    }
}

#[test]
fn tables_and_types_of_ones_own_are_changed_alike() {
    let values: Vec<f32> = (0..60).map(|i| (i % 7) as f32 / 7.0).collect();
    let table = Table::from_tensors(Tensor::from_vec([20, 3], values), ());
    let own = OneByOne(table.clone());
    let all = |x: Vec<Tensor>| x.iter().flat_map(bits).collect::<Vec<_>>();
    let with = |seed| TorchRng::seed(seed);
    let a = table.batches(6).augment_parallel_with(noise(0.2), &mut with(4)).collect();
    let b = own.batches(20).augment_parallel_with(noise(0.2), &mut with(4)).collect();
    let c = table.batches(6).collect();
    let [a, b, c] = [all(a), all(b), all(c)];
    assert!(a == b && a != c);
}

#[test]
fn mistakes_panic_at_the_callers_line() {
    let check = |(message, file, line): (String, String, u32), expected: u32, text: &str| {
        assert_eq!((file.as_str(), line), (file!(), expected), "{message}");
        assert!(message.contains(text), "{message}");
    };
    check(panic_of(|| Warp::new().shift(-1.0)), line!(), "shift: pixels -1; give a finite number");
    check(panic_of(|| Warp::new().rotate(f64::NAN)), line!(), "rotate: degrees NaN");
    check(panic_of(|| Warp::new().scale(0.0, 1.0)), line!(), "scale: 0 to 1; give factors above 0");
    check(panic_of(|| Warp::new().stretch(1.1, 0.9)), line!(), "stretch: 1.1 to 0.9");
    check(panic_of(|| Warp::new().shear(90.0)), line!(), "shear: 90 degrees; give less than 90");
    check(panic_of(|| Warp::new().elastic(0.0, 1.0)), line!(), "elastic: sigma 0; give pixels");
    check(panic_of(|| Warp::new().elastic(1e9, 1.0)), line!(), "elastic: sigma 1000000000");
    check(panic_of(|| Warp::new().elastic(4.0, f64::INFINITY)), line!(), "elastic: alpha inf");
    check(panic_of(|| rotate(-1.0)), line!(), "rotate: degrees -1");
    check(panic_of(|| scale(1.0, f64::INFINITY)), line!(), "scale: 1 to inf");
    check(panic_of(|| shear(f64::INFINITY)), line!(), "shear: degrees inf");
    check(panic_of(|| elastic(-4.0, 34.0)), line!(), "elastic: sigma -4");
    check(panic_of(|| erase(1.5, 0.0, 1.0)), line!(), "erase: probability 1.5");
    check(panic_of(|| erase(0.5, 0.4, 0.2)), line!(), "erase: 0.4 to 0.2 of the area");
    check(panic_of(|| noise(-0.1)), line!(), "noise: std -0.1");

    let rows = Table::from_tensors(Tensor::zeros([4, 9]), ());
    let pass = |change: Warp| rows.batches(4).augment_parallel(change.build()).for_each(drop);
    let message = message_of(|| pass(Warp::new().rotate(1.0)));
    assert!(message.contains("warp: an image of shape 9; give images with height"), "{message}");
    let message = message_of(|| rows.batches(4).augment(erase(1.0, 0.1, 0.2)).for_each(drop));
    assert!(message.contains("erase: an image of shape 9; give images with height"), "{message}");
}
