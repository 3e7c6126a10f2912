//! Changes to images at random, for [`Batches::augment_parallel`](crate::Batches::augment_parallel) and
//! [`Batches::augment`](crate::Batches::augment).
//!
//! | change | torchvision |
//! |---|---|
//! | [`shift`] by whole pixels | `RandomCrop` with padding |
//! | [`Warp`]: shift, rotate, scale, stretch, shear and elastic deformation in one map | `RandomAffine`, `ElasticTransform` |
//! | [`rotate`], [`scale`], [`shear`], [`elastic`]: a [`Warp`] with one of these | `RandomRotation`, … |
//! | [`erase`] a rectangle | `RandomErasing` |
//! | [`noise`] on each pixel | `GaussianNoise` |
//!
//! A change of your own is a function of the pixels, their shape and a generator.

mod change;
mod elastic;
mod erase;
mod noise;
mod resample;
mod warp;

use fanin_init::rand::RngCore;

pub(crate) use change::Augmentation;
pub use erase::erase;
pub use noise::noise;
pub use warp::{Warp, elastic, rotate, scale, shear};

/// A number in \[0, 1), from 24 bits.
fn unit(rng: &mut dyn RngCore) -> f64 {
    f64::from(rng.next_u32() >> 8) / f64::from(1 << 24)
}

/// A number in \[low, high), or `low` if they are equal.
fn uniform(rng: &mut dyn RngCore, low: f64, high: f64) -> f64 {
    low + (high - low) * unit(rng)
}

/// Moves each image up or down and left or right by 0 to `pixels` pixels. All distances are equally
/// likely. Zeros, MNIST's background, fill the places that become free. Torchvision calls it
/// `RandomCrop((height, width), padding=pixels)`.
///
/// # Shapes
/// The last two axes of an image are its height and width. All planes of the axes before them, such
/// as channels, move alike. An image of one axis moves along it.
///
/// # Example
/// ```
/// use fanin_datasets::augment::shift;
///
/// let (train, _) = fanin_datasets::mnist_bundled();
/// let (plain, _) = train.batches(64).next().unwrap();
/// let (moved, _) = train.batches(64).augment(shift(2)).next().unwrap();
/// assert_ne!(plain, moved);
/// ```
pub fn shift(
    pixels: u16,
) -> impl Fn(&mut [f32], &[usize], &mut dyn RngCore) + Clone + Send + Sync + 'static {
    move |image, shape, rng| {
        // A remainder, as in torch's randint.
        let mut distance =
            || (rng.next_u32() % (2 * u32::from(pixels) + 1)) as isize - pixels as isize;
        match *shape {
            [.., height, width] => {
                let (down, right) = (distance(), distance());
                for plane in image.chunks_exact_mut(height * width) {
                    slide(plane, [height, width], down, right);
                }
            }
            [width] => slide(image, [1, width], 0, distance()),
            [] => {}
        }
    }
}

/// Moves an image of one channel down and right; negative distances move it up and left.
fn slide(image: &mut [f32], [height, width]: [usize; 2], down: isize, right: isize) {
    let down = down.clamp(-(height as isize), height as isize);
    let right = right.clamp(-(width as isize), width as isize);
    // Move all rows at once. Pixels that leave a row enter the next row at its other end, in columns
    // that are cleared below.
    let by = down * width as isize + right;
    let (len, n) = (image.len(), by.unsigned_abs().min(image.len()));
    if by >= 0 {
        image.copy_within(..len - n, n);
        image[..n].fill(0.0);
    } else {
        image.copy_within(n.., 0);
        image[len - n..].fill(0.0);
    }
    if right != 0 {
        let columns = right.unsigned_abs();
        let left = if right > 0 { 0 } else { width - columns };
        for row in image.chunks_exact_mut(width) {
            row[left..left + columns].fill(0.0);
        }
    }
}
