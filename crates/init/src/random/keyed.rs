//! A generator for each name, so that no parameter depends on the draws of another.

use super::torch_rng::{N, TorchRng};

impl TorchRng {
    /// The generator of one parameter, or anything else that has a name, under a seed.
    ///
    /// If one generator serves a whole network, a new first layer changes all numbers that are
    /// drawn after it. Generators with names are independent of each other: `2.weight` gets the
    /// same values in every network, given the same shape and initializer.
    ///
    /// The state is that of the reference `init_by_array` for this array of 32-bit words: the low and
    /// the high half of the seed, the number of bytes of the path, and these bytes in UTF-8, four a
    /// word, the first lowest, the last word filled with zeros. `numpy.random.RandomState(words)` is
    /// the same generator.
    ///
    /// # Example
    /// ```
    /// use fanin_init::{TorchRng, rand::RngCore};
    ///
    /// let mut rng = TorchRng::keyed(42, "0.weight");
    /// assert_eq!(rng.next_u32(), 1125473387);
    /// assert_ne!(TorchRng::keyed(42, "0.bias"), TorchRng::keyed(42, "0.weight"));
    /// assert_ne!(TorchRng::keyed(43, "0.bias"), TorchRng::keyed(42, "0.bias"));
    /// ```
    ///
    /// # Reference
    /// Matsumoto & Nishimura 2002, `mt19937ar.c`, `init_by_array`.
    pub fn keyed(seed: u64, path: &str) -> Self {
        let mut key = vec![seed as u32, (seed >> 32) as u32, path.len() as u32];
        key.extend(path.as_bytes().chunks(4).map(|bytes| {
            let mut word = [0; 4];
            word[..bytes.len()].copy_from_slice(bytes);
            u32::from_le_bytes(word)
        }));
        Self::from_key(&key)
    }

    /// `init_by_array`: every word of the key reaches every word of the state.
    fn from_key(key: &[u32]) -> Self {
        let Self { mut state, .. } = Self::seed(19_650_218);
        let mut i = 1;
        for k in 0..N.max(key.len()) {
            let j = k % key.len();
            let word = stir(&state, i, 1_664_525).wrapping_add(key[j]).wrapping_add(j as u32);
            put(&mut state, &mut i, word);
        }
        for _ in 1..N {
            let word = stir(&state, i, 1_566_083_941).wrapping_sub(i as u32);
            put(&mut state, &mut i, word);
        }
        state[0] = 0x8000_0000; // only the highest bit of this word is used; it is set, so that the state is not 0
        TorchRng { state, next: N, spare: None }
    }
}

/// Word i, with the word before it mixed in.
fn stir(state: &[u32; N], i: usize, factor: u32) -> u32 {
    let last = state[i - 1];
    state[i] ^ (last ^ (last >> 30)).wrapping_mul(factor)
}

/// Sets word i and goes to the next. After the last word, it copies that to word 0 and goes to word
/// 1.
fn put(state: &mut [u32; N], i: &mut usize, word: u32) {
    state[*i] = word;
    *i += 1;
    if *i == N {
        state[0] = state[N - 1];
        *i = 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::RngCore;
    use rand_mt::Mt;

    #[test]
    fn the_key_of_the_reference_program() {
        let mut rng = TorchRng::from_key(&[0x123, 0x234, 0x345, 0x456]);
        let first: Vec<u32> = (0..5).map(|_| rng.next_u32()).collect();
        assert_eq!(first, [1067595299, 955945823, 477289528, 4107218783, 4228976476]);
    }

    #[test]
    fn keys_agree_with_another_mersenne_twister() {
        // The crate reads only 624 words of a longer key. The reference program and numpy read all.
        for len in [1, 2, 3, 100, N - 1, N] {
            let key: Vec<u32> = (0..len as u32).map(|i| i.wrapping_mul(2_654_435_761)).collect();
            let (mut ours, mut theirs) = (TorchRng::from_key(&key), Mt::new_with_key(key));
            for i in 0..2 * N {
                assert_eq!(ours.next_u32(), theirs.next_u32(), "{len} words, number {i}");
            }
        }
    }

    /// `golden/keyed.txt`, written by numpy: seed, path, five numbers, and number 2000.
    #[test]
    fn agrees_with_numpy() {
        let lines = include_str!("../../golden/keyed.txt").lines().skip(1);
        let mut n = 0;
        for line in lines {
            let words: Vec<&str> = line.split('\t').collect();
            let (seed, path) = (words[0].parse().unwrap(), words[1]);
            let want: Vec<u32> = words[2..].iter().map(|word| word.parse().unwrap()).collect();
            let mut rng = TorchRng::keyed(seed, path);
            let drawn: Vec<u32> = (0..2000).map(|_| rng.next_u32()).collect();
            assert_eq!(drawn[..5], want[..5], "seed {seed}, path {path:?}");
            assert_eq!(drawn[1999], want[5], "seed {seed}, path {path:?}");
            n += 1;
        }
        assert_eq!(n, 18);
    }

    #[test]
    fn neighbours_differ() {
        // Keys that padding would make equal differ by their length. The halves of a seed are not
        // swapped.
        let keys = [(0, ""), (0, "\0"), (0, "\0\0"), (1, ""), (1 << 32, ""), (0, "a"), (0, "a\0")];
        for (i, a) in keys.iter().enumerate() {
            for b in &keys[..i] {
                assert_ne!(TorchRng::keyed(a.0, a.1), TorchRng::keyed(b.0, b.1), "{a:?} {b:?}");
            }
        }
    }
}
