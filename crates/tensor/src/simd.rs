//! Vector instructions, chosen once at run time.
//!
//! A default x86-64 build compiles every loop to SSE2. A [`Kernel`] is a loop that is compiled again
//! for each [`Level`]. [`dispatch`] runs the copy that is best for this CPU. The compiler vectorizes
//! the loop if it has slices of one length and no branches. [`Isa::mul_add`] is a fused multiply-add
//! where the CPU has one.

use std::sync::OnceLock;

use crate::Scalar;
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
/// (`portable`, `avx2`, `avx512`).
pub fn level() -> Level {
    static LEVEL: OnceLock<Level> = OnceLock::new();
    *LEVEL.get_or_init(|| {
        let wanted = match std::env::var("FANIN_SIMD").as_deref() {
            Ok("portable") => Level::Portable,
            Ok("avx2") => Level::Avx2,
            Ok("avx512") | Err(_) => Level::Avx512,
            Ok(other) => {
                eprintln!(
                    "fanin: FANIN_SIMD={other:?} is ignored: it must be portable, avx2 or avx512"
                );
                Level::Avx512
            }
        };
        wanted.min(best())
    })
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
