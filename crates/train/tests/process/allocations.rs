//! A steady step of a trainer allocates nothing.

#![allow(unsafe_code)] // an allocator that counts is a `GlobalAlloc`

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use fanin_datasets::Data;
use fanin_nn::layers::{Dropout, Relu};
use fanin_nn::losses::Mse;
use fanin_nn::tensor::parallel::single_threaded;
use fanin_nn::tensor::simd::{self, Level};
use fanin_nn::{Adam, Linear, Sequential, Tensor};
use fanin_train::metrics::Metric;
use fanin_train::{StepEnd, Trainer};

struct Counting;

thread_local! {
    static COUNT: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: every call goes on to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        COUNT.set(COUNT.get() + 1);
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        COUNT.set(COUNT.get() + 1);
        // SAFETY: the caller's promise.
        unsafe { System.alloc_zeroed(layout) }
    }
    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(at, layout) }
    }
    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        COUNT.set(COUNT.get() + 1);
        // SAFETY: the caller's promise.
        unsafe { System.realloc(at, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// The mean absolute error, without an allocation.
#[derive(Default)]
struct Apart(f64, usize);

impl Metric<Tensor> for Apart {
    fn name(&self) -> String {
        "apart".into()
    }
    fn higher_is_better(&self) -> bool {
        false
    }
    fn reset(&mut self) {
        *self = Self::default();
    }
    fn update(&mut self, outputs: &Tensor, targets: &Tensor) {
        let pairs = outputs.as_slice().iter().zip(targets.as_slice());
        self.0 += pairs.map(|(y, t)| f64::from((y - t).abs())).sum::<f64>();
        self.1 += targets.len();
    }
    fn value(&self) -> f64 {
        self.0 / self.1 as f64
    }
}

type OnStep<'a> = &'a dyn Fn(&mut StepEnd<'_>);

/// The most that a step of the second or third epoch allocates, of which each has `steps`. Batches are made
/// beforehand, and shared.
fn most(
    steps: usize,
    change: impl for<'c> FnOnce(
        Trainer<'c, Mse, Adam, Tensor>,
        OnStep<'c>,
    ) -> Trainer<'c, Mse, Adam, Tensor>,
) -> usize {
    if simd::level() == Level::Portable {
        return 0; // matrixmultiply allocates
    }
    let (x, y) = (Tensor::full([70, 30], 0.1), Tensor::full([70, 5], 0.2));
    let batches: Vec<(Tensor, Tensor)> = (x.clone(), y.clone()).batches(16).collect();
    let mut model = Sequential::new()
        .add(Linear::new(30, 64))
        .add(Relu)
        .add(Dropout::new(0.1))
        .add(Linear::new(64, 5));
    let (before, most) = (Cell::new(None::<usize>), Cell::new(0));
    let on_step = |step: &mut StepEnd<'_>| {
        // Between epochs losses and metrics are noted, which allocates.
        if step.epoch > 1
            && let Some(before) = before.take()
        {
            most.set(most.get().max(COUNT.get() - before));
        }
        before.set((!step.step.is_multiple_of(steps)).then(|| COUNT.get()));
    };
    let trainer = Trainer::new(Mse::new(), Adam::new(1e-3)).epochs(3).silent();
    single_threaded(|| {
        let mut trainer = change(trainer, &on_step);
        trainer.fit_batches(&mut model, |_| batches.iter().cloned(), &(x, y)).unwrap();
    });
    assert!(before.get().is_none(), "an epoch has {steps} steps");
    most.get()
}

#[test]
fn a_steady_step_allocates_nothing() {
    assert_eq!(most(5, |trainer, step| trainer.on_step(step)), 0);
}

#[test]
fn no_option_makes_it_allocate() {
    let options = most(5, |trainer, step| {
        trainer
            .schedule(|base: f64, step: usize| base * 0.99f64.powi(step as i32))
            .clip_norm(1.0)
            .clip_value(0.5)
            .average_weights(0.9)
            .metric(Apart::default())
            .on_step(step)
    });
    assert_eq!(options, 0);
    assert_eq!(most(3, |trainer, step| trainer.accumulate(2).on_step(step)), 0);
}

/// The test can fail: a step that allocates is seen.
#[test]
fn an_allocation_is_counted() {
    let boxed = most(5, |trainer, step| {
        trainer
            .on_step(|_| {
                std::hint::black_box(Box::new(7));
            })
            .on_step(step)
    });
    assert!(boxed > 0 || simd::level() == Level::Portable);
}
