//! `scratch_bytes` is as much memory as `fill` has in use, counted by the allocator.
//!
//! A program of its own with one test: it counts the allocations of all threads.

#![allow(unsafe_code)] // an allocator that counts is a `GlobalAlloc`

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

use fanin_init::ndarray::ArrayD;
use fanin_init::*;

struct Counting;

static NOW: AtomicU64 = AtomicU64::new(0);
static PEAK: AtomicU64 = AtomicU64::new(0);

fn add(bytes: usize) {
    let now = NOW.fetch_add(bytes as u64, SeqCst) + bytes as u64;
    PEAK.fetch_max(now, SeqCst);
}

fn remove(bytes: usize) {
    NOW.fetch_sub(bytes as u64, SeqCst);
}

// SAFETY: every call goes on to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        add(layout.size());
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        remove(layout.size());
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(at, layout) }
    }
    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        add(size);
        remove(layout.size());
        // SAFETY: the caller's promise.
        unsafe { System.realloc(at, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// The most memory in use during the call, beyond what was in use before.
fn peak(f: impl FnOnce()) -> u64 {
    let before = NOW.load(SeqCst);
    PEAK.store(before, SeqCst);
    f();
    PEAK.load(SeqCst) - before
}

/// Every initializer with its defaults, and those with other code paths.
fn initializers() -> Vec<Scheme> {
    let others = [
        "constant(0.5)",
        "sparse(sparsity=0.4)",
        "depth_scaled(branches=4)",
        "fixup(branches=4, layers=2)",
        "edge_of_chaos(sigma_w=1.5)",
        "random_walk(relu)",
        "trunc_normal(0, 1, -0.1, 0.1)",
        "trunc_normal(0, 1, 1, 3)",
        "trunc_normal(0, 1, 8, 20)",
        "variance_scaling(distribution=uniform)",
        "auto(distribution=truncated_normal)",
        "looks_linear(position=first)",
        "looks_linear(position=last)",
        "randomized_asymmetric(pair=4)",
        "idinit(loosening=0.1)",
    ];
    let defaults = Scheme::names().filter_map(|name| name.parse().ok());
    let others = others.map(|text| text.parse().unwrap());
    let prior = LogPrior::new(vec![1.0; 400]);
    let initializers: Vec<Scheme> = defaults.chain(others).chain([prior.into()]).collect();
    for name in Scheme::names() {
        let tested = initializers.iter().any(|initializer| initializer.name() == name);
        assert!(tested, "{name} is not tested");
    }
    initializers
}

fn parameters() -> Vec<(ParamSpec, Vec<usize>)> {
    let weights = [
        vec![1, 1],
        vec![4, 6],
        vec![64, 64],
        vec![200, 300],
        vec![300, 200],
        vec![400, 10],
        vec![10, 400],
        vec![500, 500],
        vec![1000, 1100],
        vec![1200, 80],
        vec![16, 8, 3, 3],
        vec![64, 32, 1],
    ];
    let weights = weights.into_iter().map(|shape| (ParamSpec::for_weight_shape(&shape), shape));
    let others = [
        (ParamSpec::bias(300, 400), vec![400]),
        (ParamSpec::bias(300, 1).named("a.long.name.of.a.layer.bias"), vec![1]),
        (ParamSpec::scale_of(50), vec![50]),
        (ParamSpec::shift_of(50), vec![50]),
    ];
    weights.chain(others).collect()
}

#[test]
fn no_initializer_uses_more_memory_than_it_states() {
    let (mut none, mut some) = (0, 0);
    for initializer in initializers() {
        for (spec, shape) in parameters() {
            if initializer.check(&spec, &shape).is_err() {
                continue;
            }
            let stated = initializer.scratch_bytes(&spec);
            let mut values = ArrayD::zeros(shape.clone());
            if stated == 0 && values.len() > 200_000 {
                continue; // smaller ones tell
            }
            // The least of a few: the thread that waits for this one allocates now and then.
            let used = (0..4).map(|_| {
                let mut rng = TorchRng::seed(1);
                peak(|| initializer.fill(&spec, &mut rng, values.view_mut()))
            });
            let used = used.min().expect("four");
            assert!(used <= stated, "{initializer} of {shape:?} uses {used}, not {stated} bytes");
            // A kernel's fans count its positions twice, so there the bound is a loose one.
            let loose = 2 * used + (300 << 10);
            let is_kernel = shape.len() > 2;
            assert!(
                stated <= loose || is_kernel,
                "{initializer} of {shape:?} uses {used}, not {stated} bytes"
            );
            if used == 0 { none += 1 } else { some += 1 }
        }
    }
    assert!(none > 150 && some > 70, "{none} use no memory, {some} do");
    // Fans of which no memory has room.
    for initializer in initializers() {
        for spec in [ParamSpec::weight(1 << 40, 1 << 40), ParamSpec::weight(usize::MAX, usize::MAX)]
        {
            let stated = initializer.scratch_bytes(&spec);
            assert!(stated == 0 || stated >= 1 << 42, "{initializer}: {stated}");
        }
    }
    let orthogonal = Orthogonal::default();
    assert_eq!(orthogonal.scratch_bytes(&ParamSpec::weight(usize::MAX, usize::MAX)), u64::MAX);
}
