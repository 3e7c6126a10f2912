//! PyTorch's generator: MT19937, seeded and read as torch does.

use std::fmt;

use rand::{RngCore, SeedableRng};
use serde::{Deserialize, Serialize};

use super::request;

/// Words of state.
pub(super) const N: usize = 624;
/// The distance of the recurrence.
const M: usize = 397;

/// The 32-bit Mersenne Twister as PyTorch's CPU uses it: the same seed gives the same numbers.
///
/// `next_u64` is `(first << 32) | second` of two `next_u32`. `fill_bytes` gives the little-endian
/// bytes of successive `next_u32`; of the last word it may use a part. So a few calls fetch the
/// numbers of a whole tensor. Like PyTorch's generator, it keeps the second number of a Box–Muller
/// pair for the next small normal draw.
///
/// It generates a block of 624 words at a time in loops that the compiler vectorizes: three times
/// as fast as the crate `rand_mt`. serde saves the state, so that a run can continue where it
/// stopped.
///
/// # Example
/// ```
/// use fanin_init::{TorchRng, rand::RngCore};
///
/// let mut rng = TorchRng::seed(42);
/// assert_eq!(rng.next_u32(), 1608637542);
/// ```
///
/// # Reference
/// Matsumoto & Nishimura 1998, "Mersenne Twister".
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(into = "Saved", try_from = "Saved")]
pub struct TorchRng {
    pub(super) state: [u32; N],
    /// The next word of `state` to hand out; `N` when a new block is due.
    pub(super) next: usize,
    /// The sine half of the last Box–Muller pair.
    pub(super) spare: Option<f64>,
}

impl TorchRng {
    /// The generator after `torch.manual_seed(seed)`; seeds above 32 bits keep their low 32 bits.
    pub fn seed(seed: u64) -> Self {
        let mut state = [0; N];
        state[0] = seed as u32;
        for i in 1..N {
            let last = state[i - 1];
            state[i] = 1_812_433_253u32.wrapping_mul(last ^ (last >> 30)).wrapping_add(i as u32);
        }
        TorchRng { state, next: N, spare: None }
    }

    /// The next block of the recurrence.
    fn refill(&mut self) {
        let s = &mut self.state;
        let mix = |high: u32, low: u32| {
            let y = (high & 0x8000_0000) | (low & 0x7fff_ffff);
            (y >> 1) ^ (low & 1).wrapping_neg() & 0x9908_b0df
        };
        // Three loops: in each, no index wraps, so that the compiler can vectorize it.
        for i in 0..N - M {
            s[i] = s[i + M] ^ mix(s[i], s[i + 1]);
        }
        for i in N - M..N - 1 {
            s[i] = s[i + M - N] ^ mix(s[i], s[i + 1]);
        }
        s[N - 1] = s[M - 1] ^ mix(s[N - 1], s[0]);
        self.next = 0;
    }
}

fn temper(mut y: u32) -> u32 {
    y ^= y >> 11;
    y ^= (y << 7) & 0x9d2c_5680;
    y ^= (y << 15) & 0xefc6_0000;
    y ^ (y >> 18)
}

impl RngCore for TorchRng {
    #[inline]
    fn next_u32(&mut self) -> u32 {
        if self.next == N {
            self.refill();
        }
        let word = self.state[self.next];
        self.next += 1;
        temper(word)
    }

    #[inline]
    fn next_u64(&mut self) -> u64 {
        let first = u64::from(self.next_u32());
        first << 32 | u64::from(self.next_u32())
    }

    // No bytes: see random/request.rs.
    fn fill_bytes(&mut self, bytes: &mut [u8]) {
        if bytes.is_empty() {
            return request::answer(&mut self.spare);
        }
        let (mut words, rest) = bytes.as_chunks_mut::<4>();
        while !words.is_empty() {
            if self.next == N {
                self.refill();
            }
            let n = words.len().min(N - self.next);
            let (now, later) = words.split_at_mut(n);
            for (bytes, &word) in now.iter_mut().zip(&self.state[self.next..]) {
                *bytes = temper(word).to_le_bytes();
            }
            self.next += n;
            words = later;
        }
        if !rest.is_empty() {
            let word = self.next_u32().to_le_bytes();
            rest.copy_from_slice(&word[..rest.len()]);
        }
    }
}

impl SeedableRng for TorchRng {
    type Seed = [u8; 4];

    fn from_seed(seed: Self::Seed) -> Self {
        TorchRng::seed(u32::from_le_bytes(seed).into())
    }

    /// The same as [`TorchRng::seed`].
    fn seed_from_u64(seed: u64) -> Self {
        TorchRng::seed(seed)
    }
}

impl fmt::Debug for TorchRng {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The 624 words of state are left out: nobody can read them.
        let TorchRng { next, spare, .. } = self;
        f.debug_struct("TorchRng").field("next", next).field("spare", spare).finish_non_exhaustive()
    }
}

/// What serde reads and writes for a `TorchRng`.
#[derive(Serialize, Deserialize)]
struct Saved {
    state: Vec<u32>,
    next: usize,
    spare: Option<f64>,
}

impl From<TorchRng> for Saved {
    fn from(rng: TorchRng) -> Self {
        Saved { state: rng.state.into(), next: rng.next, spare: rng.spare }
    }
}

impl TryFrom<Saved> for TorchRng {
    type Error = String;

    fn try_from(saved: Saved) -> Result<Self, String> {
        let Saved { state, next, spare } = saved;
        let words = state.len();
        let state = state
            .try_into()
            .map_err(|_| format!("TorchRng: the state has {words} words, and MT19937 needs {N}"))?;
        if next > N {
            return Err(format!("TorchRng: word {next} does not exist, there are {N}"));
        }
        Ok(TorchRng { state, next, spare })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_mt::Mt;

    #[test]
    fn agrees_with_another_mersenne_twister() {
        for seed in [0, 1, 42, u32::MAX] {
            let mut ours = TorchRng::seed(seed.into());
            let mut theirs = Mt::new(seed);
            for i in 0..3 * N {
                assert_eq!(ours.next_u32(), theirs.next_u32(), "seed {seed}, word {i}");
            }
        }
    }

    #[test]
    fn a_seed_keeps_its_low_32_bits() {
        assert_eq!(TorchRng::seed(0x1_0000_002a), TorchRng::seed(42));
        assert_eq!(TorchRng::seed_from_u64(42), TorchRng::seed(42));
        assert_eq!(TorchRng::from_seed([42, 0, 0, 0]), TorchRng::seed(42));
    }

    #[test]
    fn bytes_are_successive_words() {
        let mut words = TorchRng::seed(9);
        let mut bytes = TorchRng::seed(9);
        // Lengths that end inside a word and that cross several blocks.
        for len in [1, 4, 7, 2495, 2496, 2497, 10_000] {
            let mut got = vec![0; len];
            bytes.fill_bytes(&mut got);
            let want: Vec<u8> =
                (0..len.div_ceil(4)).flat_map(|_| words.next_u32().to_le_bytes()).collect();
            assert_eq!(got, want[..len]);
        }
        let first = u64::from(words.next_u32());
        assert_eq!(bytes.next_u64(), first << 32 | u64::from(words.next_u32()));
    }

    #[test]
    fn the_state_survives_serde() {
        let mut rng = TorchRng::seed(5);
        rng.next_u32();
        rng.spare = Some(0.1);
        let text = serde_json::to_string(&rng).unwrap();
        let mut copy: TorchRng = serde_json::from_str(&text).unwrap();
        assert_eq!(copy, rng);
        assert_eq!(copy.next_u64(), rng.next_u64());
        let error = serde_json::from_str::<TorchRng>(r#"{"state":[1],"next":0,"spare":null}"#);
        assert!(error.unwrap_err().to_string().contains("the state has 1 words"));
        let far = text.replace("\"next\":1", "\"next\":999");
        let error = serde_json::from_str::<TorchRng>(&far).unwrap_err().to_string();
        assert!(error.contains("word 999 does not exist"), "{error}");
    }
}
