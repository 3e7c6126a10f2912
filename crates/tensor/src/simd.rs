//! Vector instructions, chosen once at run time.
//!
//! A default x86-64 build compiles every loop to SSE2. A [`Kernel`] is a loop that is compiled again
//! for each [`Level`]. [`dispatch`] runs the copy that is best for this CPU. The compiler vectorizes
//! the loop if it has slices of one length and no branches. [`Isa::mul_add`] is a fused multiply-add
//! where the CPU has one.

use std::sync::OnceLock;

use crate::Scalar;
use crate::environment;
use crate::lanes::{self, Lanes};

/// A set of vector instructions. Each level includes those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// What every CPU of the target has: SSE2 on x86-64, NEON on aarch64.
    Portable,
    /// AVX2 and FMA: eight `f32` at a time.
    Avx2,
    /// AVX-512 F, BW, DQ and VL: sixteen `f32` at a time.
    Avx512,
}

/// An instruction set, as a kernel sees it.
pub trait Isa: Copy {
    /// Whether a multiply-add is one instruction.
    const FUSED: bool;
    /// How many vector registers there are.
    const REGISTERS: usize;
    /// A vector register of elements.
    type Lanes<T: Scalar>: Lanes<T>;

    /// `a · b + c`, rounded once where the CPU can do so in one instruction.
    #[inline(always)]
    fn mul_add<T: Scalar>(a: T, b: T, c: T) -> T {
        if Self::FUSED { a.mul_add(b, c) } else { a * b + c }
    }
}

/// What every CPU of the target has.
#[derive(Clone, Copy)]
pub struct Portable;
impl Isa for Portable {
    const FUSED: bool = lanes::FUSED;
    const REGISTERS: usize = 16;
    type Lanes<T: Scalar> = T::Portable;
}

/// Eight `f32` at a time, with fused multiply-add.
#[derive(Clone, Copy)]
pub struct Avx2;
impl Isa for Avx2 {
    const FUSED: bool = true;
    const REGISTERS: usize = 16;
    type Lanes<T: Scalar> = T::Avx2;
}

/// Sixteen `f32` at a time.
#[derive(Clone, Copy)]
pub struct Avx512;
impl Isa for Avx512 {
    const FUSED: bool = true;
    const REGISTERS: usize = 32;
    type Lanes<T: Scalar> = T::Avx512;
}

/// A loop that is compiled for every [`Level`]. Mark `run` as `#[inline(always)]`: otherwise it is not
/// vectorized.
pub trait Kernel {
    /// What the loop returns.
    type Output;
    /// The loop.
    fn run<I: Isa>(self) -> Self::Output;
}

/// The best level of this CPU, or a lower one if the environment variable `FANIN_SIMD` names it
/// (`portable`, `avx2`, `avx512`). Another value, or a level that this CPU lacks, is named once on
/// standard error.
pub fn level() -> Level {
    static LEVEL: OnceLock<Level> = OnceLock::new();
    *LEVEL.get_or_init(|| {
        let Some(text) = environment::variable("FANIN_SIMD") else { return best() };
        let (level, complaint) = read_level(&text, best());
        if let Some(complaint) = complaint {
            environment::say_once("FANIN_SIMD", &complaint);
        }
        level
    })
}

/// The level that a value of `FANIN_SIMD` stands for on a CPU whose best level is `best`, and what to
/// say about the value if it asks for something else.
fn read_level(text: &str, best: Level) -> (Level, Option<String>) {
    const NAMES: [(&str, Level); 3] =
        [("portable", Level::Portable), ("avx2", Level::Avx2), ("avx512", Level::Avx512)];
    let names: Vec<_> = NAMES.iter().filter(|(_, l)| *l <= best).map(|(name, _)| *name).collect();
    let used = names[names.len() - 1];
    match NAMES.iter().find(|(name, _)| *name == text.trim().to_lowercase()) {
        Some((_, level)) if *level <= best => (*level, None),
        wanted => {
            let why = if wanted.is_some() { "this CPU lacks it" } else { "there is no such level" };
            let complaint = format!("{why}, and {used} is used; write {}", names.join(" or "));
            (best, Some(complaint))
        }
    }
}

/// The best level of this CPU.
pub fn best() -> Level {
    #[cfg(target_arch = "x86_64")]
    {
        let avx2 = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
        let avx512 = is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("avx512vl");
        if avx2 && avx512 {
            return Level::Avx512;
        }
        if avx2 {
            return Level::Avx2;
        }
    }
    Level::Portable
}

/// Runs a kernel with the instructions of [`level`].
#[inline]
pub fn dispatch<K: Kernel>(kernel: K) -> K::Output {
    run(level(), kernel)
}

/// Runs a kernel at a level of the caller's choice, for tests.
///
/// # Panics
/// **Panics** if this CPU lacks the level.
pub fn dispatch_at<K: Kernel>(at: Level, kernel: K) -> K::Output {
    assert!(at <= best(), "dispatch_at: this CPU has no {at:?}");
    run(at, kernel)
}

#[inline]
fn run<K: Kernel>(at: Level, kernel: K) -> K::Output {
    #[cfg(target_arch = "x86_64")]
    {
        #[target_feature(enable = "avx2,fma")]
        fn avx2<K: Kernel>(kernel: K) -> K::Output {
            kernel.run::<Avx2>()
        }
        #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
        fn avx512<K: Kernel>(kernel: K) -> K::Output {
            kernel.run::<Avx512>()
        }
        match at {
            // SAFETY: `level` and `dispatch_at` allow no level above `best`.
            Level::Avx512 => return unsafe { avx512(kernel) },
            // SAFETY: as above.
            Level::Avx2 => return unsafe { avx2(kernel) },
            Level::Portable => {}
        }
    }
    let _ = at;
    kernel.run::<Portable>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_that_cannot_be_used_is_named() {
        let read = |text, best| read_level(text, best);
        assert_eq!(read("avx2", Level::Avx512), (Level::Avx2, None));
        assert_eq!(read(" AVX512", Level::Avx512), (Level::Avx512, None));
        assert_eq!(read("portable", Level::Portable), (Level::Portable, None));
        let (level, complaint) = read("avx512", Level::Avx2);
        assert_eq!(level, Level::Avx2);
        assert_eq!(
            complaint.unwrap(),
            "this CPU lacks it, and avx2 is used; write portable or avx2"
        );
        let (level, complaint) = read("sse9", Level::Portable);
        assert_eq!(level, Level::Portable);
        assert_eq!(
            complaint.unwrap(),
            "there is no such level, and portable is used; write portable"
        );
    }
}
