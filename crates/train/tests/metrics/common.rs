//! What the tests share: the golden file, and panics.

use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe, Location};
use std::sync::{Mutex, PoisonError};

use fanin_tensor::Tensor;

/// A case of the golden file: its lines by their first word.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    lines: Vec<(&'static str, Vec<f64>)>,
    pub(crate) outputs: Tensor,
}

pub(crate) fn cases() -> Vec<Case> {
    let golden = include_str!("../../golden/metrics.txt");
    let cases = golden.split("\n\n").skip(1).map(|text| {
        let (head, rest) = text.split_once('\n').unwrap();
        let head: Vec<&str> = head.split(' ').collect();
        let shape = [2, 3].map(|i| head[i].parse::<usize>().unwrap());
        let lines: Vec<(&str, Vec<f64>)> = rest
            .lines()
            .map(|line| {
                let (kind, numbers) = line.split_once(' ').unwrap();
                (kind, numbers.split(' ').map(|number| number.parse().unwrap()).collect())
            })
            .collect();
        let outputs = tensor(shape, &lines[0].1);
        Case { name: head[1], lines, outputs }
    });
    cases.collect()
}

pub(crate) fn tensor(shape: [usize; 2], values: &[f64]) -> Tensor {
    Tensor::from_vec(shape, values.iter().map(|&value| value as f32).collect())
}

impl Case {
    pub(crate) fn get(&self, kind: &str) -> Option<&[f64]> {
        self.lines.iter().find(|line| line.0 == kind).map(|line| &*line.1)
    }

    pub(crate) fn labels(&self) -> Vec<usize> {
        self.get("labels").unwrap().iter().map(|&label| label as usize).collect()
    }

    pub(crate) fn check(&self, kind: &str, got: &[f64]) {
        let want = self.get(kind).unwrap_or_else(|| panic!("no {kind} in {}", self.name));
        assert_eq!(got.len(), want.len(), "{kind} of {}", self.name);
        for (got, want) in got.iter().zip(want) {
            assert!((got - want).abs() < 1e-12, "{kind} of {}: {got}, not {want}", self.name);
        }
    }
}

/// The message of a panic, and the line of the caller's file that it names.
#[track_caller]
pub(crate) fn panic_of<T>(f: impl FnOnce() -> T) -> (String, u32) {
    thread_local! {
        static LINE: Cell<u32> = const { Cell::new(0) };
    }
    // The hook is the whole process's, and tests run side by side.
    static HOOK: Mutex<()> = Mutex::new(());
    let _alone = HOOK.lock().unwrap_or_else(PoisonError::into_inner);
    let caller = Location::caller().file();
    let usual = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        let place = info.location().filter(|place| place.file() == caller);
        LINE.set(place.map_or(0, |place| place.line()));
    }));
    let payload = panic::catch_unwind(AssertUnwindSafe(f)).err().expect("a panic");
    panic::set_hook(usual);
    let message = payload.downcast_ref::<String>().cloned();
    let message = message.or_else(|| payload.downcast_ref::<&str>().map(|&m| m.to_owned()));
    (message.expect("a text"), LINE.get())
}
