//! [`Augmentation`]: a change to every sample of a pass, and the generator that goes along.

use std::sync::Arc;

use fanin_init::TorchRng;
use fanin_init::rand::RngCore;
use fanin_tensor::parallel;

/// A change to one sample: its values, their shape, and the generator to draw from.
type Change = dyn Fn(&mut [f32], &[usize], &mut dyn RngCore) + Send + Sync;

/// A change to every sample, and the generator it draws from.
///
/// One `TorchRng` serves the whole pass, sample after sample. Batches are made one after the other on
/// one thread, so the numbers are the same with `prefetch` and without, for any timing and any batch
/// size.
#[derive(Clone)]
pub(crate) struct Augmentation {
    change: Arc<Change>,
    rng: TorchRng,
    threads: Threads,
}

/// Which threads change samples.
#[derive(Clone)]
enum Threads {
    /// One thread, sample after sample, drawing from the pass's generator.
    One,
    /// All threads. Each sample has a generator of its own, so that no thread waits for another one.
    /// The pass's generator gives the seeds; they are kept here for their memory.
    All(Vec<u64>),
}

/// The nanoseconds that a change to a sample takes at least. It decides whether more threads pay.
const NANOS_PER_SAMPLE: usize = 500;

impl Augmentation {
    /// A change that draws from one generator, sample after sample.
    pub(crate) fn in_turn(
        change: impl Fn(&mut [f32], &[usize], &mut dyn RngCore) + Send + Sync + 'static,
        seed: u64,
    ) -> Self {
        Self { change: Arc::new(change), rng: TorchRng::seed(seed), threads: Threads::One }
    }

    /// A change whose samples have a generator each.
    pub(crate) fn parallel(
        change: impl Fn(&mut [f32], &[usize], &mut dyn RngCore) + Send + Sync + 'static,
        seed: u64,
    ) -> Self {
        Self { threads: Threads::All(vec![]), ..Self::in_turn(change, seed) }
    }

    /// Changes samples of this shape, which lie one after the other.
    pub(crate) fn apply(&mut self, samples: &mut [f32], shape: &[usize]) {
        let size: usize = shape.iter().product();
        if size == 0 {
            return;
        }
        let (change, rng) = (&*self.change, &mut self.rng);
        match &mut self.threads {
            Threads::One => samples.chunks_exact_mut(size).for_each(|x| change(x, shape, rng)),
            Threads::All(seeds) => {
                seeds.clear();
                seeds.extend((0..samples.len() / size).map(|_| rng.next_u64()));
                let pieces = parallel::pieces(seeds.len() * NANOS_PER_SAMPLE).min(seeds.len());
                parallel::split_each([samples], size, pieces, |start, [samples]| {
                    let samples = samples.chunks_exact_mut(size);
                    for (sample, &seed) in samples.zip(&seeds[start / size..]) {
                        change(sample, shape, &mut SplitMix(seed));
                    }
                });
            }
        }
    }
}

/// SplitMix64: the generator of one sample. To seed a `TorchRng` takes longer than to change an image.
///
/// All samples are places on one orbit of 2⁶⁴ numbers. An image draws some thousand of them, so that two
/// images hardly ever meet.
///
/// # Reference
/// Steele, Lea and Flood 2014, "Fast splittable pseudorandom number generators", figure 14.
struct SplitMix(u64);

impl RngCore for SplitMix {
    fn next_u32(&mut self) -> u32 {
        (self.next_u64() >> 32) as u32
    }

    fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn fill_bytes(&mut self, bytes: &mut [u8]) {
        for part in bytes.chunks_mut(8) {
            part.copy_from_slice(&self.next_u64().to_le_bytes()[..part.len()]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The numbers of the reference program, `splitmix64.c` by Vigna 2015, for these seeds.
    #[test]
    fn the_generator_is_splitmix64() {
        let mut rng = SplitMix(0);
        let three = [rng.next_u64(), rng.next_u64(), rng.next_u64()];
        assert_eq!(three, [0xe220_a839_7b1d_cdaf, 0x6e78_9e6a_a1b9_65f4, 0x06c4_5d18_8009_454f]);
        let mut bytes = [0; 11];
        SplitMix(0).fill_bytes(&mut bytes);
        assert_eq!(bytes[..8], three[0].to_le_bytes());
        assert_eq!(bytes[8..], three[1].to_le_bytes()[..3]);
    }
}
