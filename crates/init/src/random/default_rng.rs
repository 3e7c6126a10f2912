//! The generator of layers that are given none.

use std::cell::RefCell;
use std::marker::PhantomData;

use rand::{RngCore, SeedableRng};

use crate::TorchRng;

thread_local! {
    static DEFAULT: RefCell<Option<TorchRng>> = const { RefCell::new(None) };
}

/// Seeds the calling thread's default generator, as `torch.manual_seed` does.
///
/// # Panics
/// Inside [`with_default_rng`], whose closure holds the generator.
///
/// # Example
/// ```
/// use fanin_init::{default_rng, manual_seed, rand::RngCore};
///
/// manual_seed(42);
/// let first = default_rng().next_u32();
/// manual_seed(42);
/// assert_eq!(default_rng().next_u32(), first);
/// ```
#[track_caller]
pub fn manual_seed(seed: u64) {
    with_default_rng(|rng| *rng = TorchRng::seed(seed));
}

/// Lends the calling thread's default generator to a closure.
///
/// The operating system seeds it, unless [`manual_seed`] was called on this thread. To pass the
/// generator to unknown code, such as a user's initializer, use [`default_rng`] instead: its
/// handles can be nested.
///
/// # Panics
/// When nested. The generator is lent already, and a copy of it would repeat its numbers.
///
/// # Example
/// ```
/// use fanin_init::{TorchRng, manual_seed, with_default_rng};
///
/// manual_seed(1);
/// assert!(with_default_rng(|rng| *rng == TorchRng::seed(1)));
/// ```
#[track_caller]
pub fn with_default_rng<T>(f: impl FnOnce(&mut TorchRng) -> T) -> T {
    let result = DEFAULT.with(|cell| match cell.try_borrow_mut() {
        Ok(mut slot) => Some(f(slot.get_or_insert_with(TorchRng::from_os_rng))),
        Err(_) => None,
    });
    // Panic outside the closure, because a closure does not have its caller's line.
    match result {
        Some(value) => value,
        None => lent_already(),
    }
}

#[cold]
#[inline(never)]
#[track_caller]
fn lent_already() -> ! {
    panic!(
        "the default generator of this thread is lent to an enclosing with_default_rng: \
         draw from the generator that its closure was given, or use default_rng() there"
    );
}

/// A handle on the calling thread's default generator.
///
/// # Example
/// ```
/// use fanin_init::{Initializer, ParamSpec, Uniform, default_rng, from_fn};
///
/// // Both the caller and the initializer draw from the default generator.
/// let nested = from_fn(|param, _, values| {
///     Uniform::new(0.0, 1.0).fill(param, &mut default_rng(), values);
/// });
/// nested.draw(&ParamSpec::weight(3, 2), &[2, 3], &mut default_rng());
/// ```
pub fn default_rng() -> DefaultRng {
    DefaultRng(PhantomData)
}

/// See [`default_rng`]. It borrows the generator during each draw only, so that handles can be
/// nested.
///
/// It stays on its thread, because elsewhere it would be another generator.
#[derive(Clone, Debug)]
pub struct DefaultRng(PhantomData<*const ()>);

impl RngCore for DefaultRng {
    #[track_caller]
    fn next_u32(&mut self) -> u32 {
        with_default_rng(TorchRng::next_u32)
    }

    #[track_caller]
    fn next_u64(&mut self) -> u64 {
        with_default_rng(TorchRng::next_u64)
    }

    #[track_caller]
    fn fill_bytes(&mut self, bytes: &mut [u8]) {
        with_default_rng(|rng| rng.fill_bytes(bytes));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::request::{give_spare, take_spare};

    #[test]
    fn handles_nest_and_share_one_stream() {
        manual_seed(11);
        let mut outer = default_rng();
        let got = [outer.next_u32(), default_rng().next_u32(), outer.next_u32()];
        let mut rng = TorchRng::seed(11);
        assert_eq!(got, [rng.next_u32(), rng.next_u32(), rng.next_u32()]);
    }

    #[test]
    fn manual_seed_clears_the_spare() {
        manual_seed(1);
        give_spare(&mut default_rng(), 0.5);
        manual_seed(1);
        assert_eq!(take_spare(&mut default_rng()), None);
        give_spare(&mut default_rng(), 0.5);
        assert_eq!(take_spare(&mut default_rng()), Some(0.5));
    }

    #[test]
    fn threads_have_generators_of_their_own() {
        manual_seed(1);
        let there = std::thread::spawn(|| default_rng().next_u64()).join().unwrap();
        assert_ne!(default_rng().next_u64(), there);
        let again = std::thread::spawn(|| default_rng().next_u64()).join().unwrap();
        assert_ne!(there, again, "never seeded means seeded by the operating system");
    }

    #[test]
    #[should_panic(expected = "lent to an enclosing with_default_rng")]
    fn nested_lending_panics_clearly() {
        with_default_rng(|_| default_rng().next_u32());
    }

    #[test]
    fn a_panic_in_the_closure_gives_the_generator_back() {
        manual_seed(1);
        assert!(std::panic::catch_unwind(|| with_default_rng(|_| panic!("inside"))).is_err());
        assert_eq!(default_rng().next_u32(), TorchRng::seed(1).next_u32());
    }
}
