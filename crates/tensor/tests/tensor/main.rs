//! [`Tensor`](fanin_tensor::Tensor), in one program. A module runs by its name, as in
//! `cargo test -p fanin-tensor --test tensor alignment::`.

mod alignment;
mod arithmetic;
mod convert;
mod reductions;
mod select;
mod tensor;

use std::panic::{AssertUnwindSafe, Location, catch_unwind, set_hook, take_hook};
use std::sync::{Mutex, PoisonError};

/// The message of a panic, which must be at the line that calls this function.
#[track_caller]
fn panic_here<R>(f: impl FnOnce() -> R) -> String {
    let (message, file, line) = panic_of(f);
    let here = Location::caller();
    assert_eq!((&file[..], line), (here.file(), here.line()));
    message
}

/// The message, file and line of a panic.
fn panic_of<R>(f: impl FnOnce() -> R) -> (String, String, u32) {
    static ONE: Mutex<()> = Mutex::new(());
    static AT: Mutex<(String, u32)> = Mutex::new((String::new(), 0));
    let _one = ONE.lock().unwrap_or_else(PoisonError::into_inner);
    let hook = take_hook();
    let thread = std::thread::current().id();
    set_hook(Box::new(move |info| {
        if std::thread::current().id() == thread {
            let at = info.location().unwrap();
            *AT.lock().unwrap() = (at.file().to_owned(), at.line());
        }
    }));
    let result = catch_unwind(AssertUnwindSafe(f));
    set_hook(hook);
    let message = match result.err().expect("no panic").downcast::<String>() {
        Ok(message) => *message,
        Err(panic) => (*panic.downcast::<&str>().unwrap()).to_owned(),
    };
    let (file, line) = AT.lock().unwrap().clone();
    (message, file, line)
}

/// Values without a pattern, in [−1, 1].
fn values(len: usize) -> Vec<f32> {
    (0..len).map(|i| ((i * 7919 + 13) % 1009) as f32 / 504.0 - 1.0).collect()
}
