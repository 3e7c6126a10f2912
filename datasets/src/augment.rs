//! Changes to images at random, for [`Batches::augment`](crate::Batches::augment).

use std::sync::Arc;

use fanin_init::TorchRng;
use fanin_init::rand::RngCore;

/// A change to one sample: its values, their shape, and the generator to draw from.
type Change = dyn Fn(&mut [f32], &[usize], &mut dyn RngCore) + Send + Sync;

/// A change to every sample, and the generator it draws from.
///
/// One generator serves the whole pass, sample after sample. Batches are made one after the other on
/// one thread, so the numbers are the same with `prefetch` and without, for any timing and any batch
/// size. A generator for each sample would be as good, and slower: to seed a `TorchRng` takes longer
/// than to shift an image.
#[derive(Clone)]
pub(crate) struct Augmentation {
    pub(crate) change: Arc<Change>,
    pub(crate) rng: TorchRng,
}

impl Augmentation {
    pub(crate) fn new(
        change: impl Fn(&mut [f32], &[usize], &mut dyn RngCore) + Send + Sync + 'static,
        seed: u64,
    ) -> Self {
        Self { change: Arc::new(change), rng: TorchRng::seed(seed) }
    }
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
