//! The size of this CPU's second cache. It decides in which order a product is computed, and no bit of it.

use std::sync::OnceLock;

/// What is assumed of a CPU that does not say.
const USUAL: usize = 512 << 10;

/// Bytes of the second cache of one core.
pub(crate) fn second() -> usize {
    static BYTES: OnceLock<usize> = OnceLock::new();
    *BYTES.get_or_init(|| usable(read_second()))
}

/// A size that blocks may have. A virtual machine may report none, or that of the whole machine.
fn usable(bytes: usize) -> usize {
    if bytes == 0 { USUAL } else { bytes.clamp(256 << 10, 4 << 20) }
}

#[cfg(target_arch = "x86_64")]
fn read_second() -> usize {
    use std::arch::x86_64::__cpuid;
    const CACHES: u32 = 0x8000_0006;
    // SAFETY: every x86-64 CPU has the instruction, and leaf 0x80000000 says which leaves there are.
    #[allow(unused_unsafe, reason = "newer compilers have it as a safe function")]
    unsafe {
        if __cpuid(0x8000_0000).eax < CACHES {
            return 0;
        }
        // The upper half of ecx, in KiB, on CPUs of all makers.
        (__cpuid(CACHES).ecx >> 16) as usize * 1024
    }
}

#[cfg(not(target_arch = "x86_64"))]
fn read_second() -> usize {
    0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_that_no_cache_has_is_replaced() {
        assert_eq!(usable(0), USUAL);
        assert_eq!([1, 1 << 20, 1 << 30].map(usable), [256 << 10, 1 << 20, 4 << 20]);
    }

    /// Linux says it too, where it knows.
    #[test]
    fn the_size_is_what_the_system_says() {
        let Ok(text) = std::fs::read_to_string("/sys/devices/system/cpu/cpu0/cache/index2/size")
        else {
            return;
        };
        let kib: usize = text.trim().trim_end_matches('K').parse().unwrap();
        if cfg!(target_arch = "x86_64") {
            assert_eq!(second(), usable(kib * 1024));
        }
    }
}
