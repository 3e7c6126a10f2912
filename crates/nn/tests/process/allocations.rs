//! The cost of a step is an assertion: a steady training step allocates nothing. (With portable
//! instructions alone it does so once for each large product, which goes to matrixmultiply.)

#![allow(unsafe_code)] // an allocator that counts is a `GlobalAlloc`

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use fanin_nn::layers::*;
use fanin_nn::optim::{
    Adadelta, Adafactor, Adagrad, Adamax, Asgd, Ema, Lion, Muon, NAdam, RAdam, RmsProp, Rprop, Swa,
};
use fanin_nn::tensor::parallel;
use fanin_nn::tensor::simd::{self, Level};
use fanin_nn::{Adam, AdamW, Linear, Module, Optimizer, Param, Sequential, Sgd, Tape, Tensor, Var};

use super::alone;

struct Counting;

thread_local! {
    static COUNT: Cell<usize> = const { Cell::new(0) };
    /// The bytes that this thread has allocated and not freed, and the most there were.
    static BYTES: Cell<isize> = const { Cell::new(0) };
    static PEAK: Cell<isize> = const { Cell::new(0) };
}

fn count(bytes: isize) {
    if bytes > 0 {
        COUNT.set(COUNT.get() + 1);
    }
    BYTES.set(BYTES.get() + bytes);
    PEAK.set(PEAK.get().max(BYTES.get()));
}

// SAFETY: every call goes on to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as isize);
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as isize);
        // SAFETY: the caller's promise.
        unsafe { System.alloc_zeroed(layout) }
    }
    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        count(-(layout.size() as isize));
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(at, layout) }
    }
    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // Both are there while one is copied to the other.
        count(size as isize);
        count(-(layout.size() as isize));
        // SAFETY: the caller's promise.
        unsafe { System.realloc(at, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

pub(super) fn allocations(f: impl FnOnce()) -> usize {
    let before = COUNT.get();
    f();
    COUNT.get() - before
}

/// The bytes that this thread has allocated and not freed.
pub(super) fn bytes() -> isize {
    BYTES.get()
}

/// The most bytes that `f` held at a time, beside what there was before.
pub(super) fn peak(f: impl FnOnce()) -> isize {
    let before = BYTES.get();
    PEAK.set(before);
    f();
    PEAK.get() - before
}

/// Whether matrixmultiply computes large products. It allocates at every call.
pub(super) fn products_allocate() -> bool {
    simd::level() == Level::Portable
}

/// How many of a step's products may go to matrixmultiply: forward, dW, and dX but for the first layer.
fn packed_products(sizes: &[usize], batch: usize) -> usize {
    if !products_allocate() {
        return 0;
    }
    let mut count = 0;
    for (layer, pair) in sizes.windows(2).enumerate() {
        let [inputs, outputs] = *pair else { unreachable!() };
        let mut products = vec![(batch, inputs, outputs), (outputs, batch, inputs)];
        if layer > 0 {
            products.push((batch, outputs, inputs));
        }
        // Smaller ones never go to matrixmultiply.
        count += products.iter().filter(|&&(m, k, n)| m * k * n > 1 << 22).count();
    }
    count
}

#[derive(Clone, Copy)]
enum Loss {
    CrossEntropy,
    MeanSquared,
}

fn check(
    sizes: &[usize],
    batch: usize,
    loss: Loss,
    activation: impl Fn() -> Box<dyn Layer>,
    optimizer: &mut dyn Optimizer,
) {
    parallel::set_num_threads(1);
    let mut model = Sequential::new();
    for (i, pair) in sizes.windows(2).enumerate() {
        if i > 0 {
            model = model.add(activation());
        }
        model = model.add(Linear::new(pair[0], pair[1]));
    }
    let classes = sizes[sizes.len() - 1];
    let mut tape = Tape::new();
    let mut step = |rows: usize| {
        let x = Tensor::full([rows, sizes[0]], 0.1);
        let y = Tensor::full([rows, classes], 0.2);
        let labels: Vec<usize> = (0..rows).map(|i| i % classes).collect();
        allocations(|| {
            let (_, grads) = tape.value_and_grad(|t| {
                let out = model.forward(t.input(&x));
                match loss {
                    Loss::CrossEntropy => out.cross_entropy(&labels),
                    Loss::MeanSquared => out.mse(t.input(&y)),
                }
            });
            optimizer.step(&mut model, grads);
        })
    };
    assert!(step(batch) > 0, "the first step makes the memory");
    for rows in [batch, batch, batch / 2 + 1, batch, batch / 2 + 1, 1, batch] {
        let (count, most) = (step(rows), packed_products(sizes, rows));
        assert!(count <= most, "{sizes:?}, {rows} rows: {count} allocations, not {most}");
    }
}

#[test]
fn a_steady_step_allocates_nothing() {
    let _alone = alone();
    let (mut sgd, mut plain) = (Sgd::new(0.01).momentum(0.9), Sgd::new(0.01));
    let (mut adam, mut adamw) = (Adam::new(1e-3), AdamW::new(1e-3));
    check(&[2, 16, 16, 1], 32, Loss::MeanSquared, || Box::new(Tanh), &mut sgd);
    check(&[784, 128, 10], 64, Loss::CrossEntropy, || Box::new(Relu), &mut adam);
    check(&[784, 512, 256, 10], 128, Loss::CrossEntropy, || Box::new(Gelu), &mut adamw);
    check(&[784, 1200, 10], 160, Loss::CrossEntropy, || Box::new(LeakyRelu(0.1)), &mut plain);
}

#[test]
fn every_activation_without_allocation() {
    let _alone = alone();
    for (at, (name, ..)) in all_activations::<f32>().into_iter().enumerate() {
        eprintln!("{name}");
        let activation = || all_activations().swap_remove(at).1;
        check(&[4, 8, 3], 16, Loss::CrossEntropy, activation, &mut Adam::new(1e-3));
    }
    let layers: [fn() -> Box<dyn Layer>; 26] = [
        || Box::new(AlphaDropout::new(0.5)),
        || Box::new(Dropout::new(0.5)),
        || Box::new(Prelu::new()),
        || Box::new(Prelu::per_feature(8)),
        || Box::new(Rrelu::default()),
        || Box::new(Sequential::new().add(Linear::new(8, 16)).add(Glu::new(8))),
        || Box::new(Sequential::new().add(Linear::new(8, 16)).add(Reglu::new(8))),
        || Box::new(Sequential::new().add(Linear::new(8, 16)).add(Swiglu::new(8))),
        || Box::new(Residual::new(Linear::new(8, 8))),
        || Box::new(Residual::new(Linear::new(8, 8)).scaled(0.5)),
        || Box::new(Residual::new(Linear::new(8, 8)).rezero()),
        || Box::new(Residual::new(FixupBranch::new(8, 5, 2, 3))),
        || Box::new(LayerNorm::new(8)),
        || Box::new(LayerNorm::new(8).bias(false)),
        || Box::new(RmsNorm::new(8)),
        || Box::new(GroupNorm::new(2, 8)),
        || Box::new(WeightNorm::new(Linear::new(8, 8))),
        || Box::new(SpectralNorm::new(Linear::new(8, 8))),
        || Box::new(Parallel::sum().add(Linear::new(8, 8)).add(Identity)),
        || Box::new(Parallel::new().add(Linear::new(8, 3)).add(Linear::new(8, 5))),
        || {
            Box::new(
                Sequential::new().add(Unflatten::new(&[2, 4])).add(Linear::new(4, 4)).add(Flatten),
            )
        },
        || Box::new(Sequential::new().add(Flatten).add(Identity)),
        || Box::new(Lambda::new("twice", |x| x + x)),
        || Box::new(Residual::new(LayerNorm::new(8).affine(false))),
        || Box::new(Residual::new(RmsNorm::new(8).affine(false))),
        || Box::new(Residual::new(GroupNorm::new(4, 8).affine(false))),
    ];
    for layer in layers {
        check(&[4, 8, 3], 16, Loss::CrossEntropy, layer, &mut Adam::new(1e-3));
    }
}

/// Batch normalization takes batches of two or more, and ids are no batch.
#[test]
fn running_statistics_and_tables_without_allocation() {
    let _alone = alone();
    parallel::set_num_threads(1);
    let x = Tensor::from_vec([6, 4], (0..24).map(|i| (i as f32).sin()).collect());
    for norm in [
        BatchNorm1d::new(4),
        BatchNorm1d::new(4).cumulative(),
        BatchNorm1d::new(4).affine(false),
        BatchNorm1d::new(4).track_running_stats(false),
    ] {
        let mut model = Sequential::new().add(Linear::new(4, 4)).add(norm);
        let (mut tape, mut adam) = (Tape::new(), Adam::new(1e-3));
        let mut step = || {
            allocations(|| {
                let (_, grads) = tape.value_and_grad(|t| model.forward(t.input(&x)).exp().sum());
                adam.step(&mut model, grads);
            })
        };
        assert!(step() > 0, "the first step makes the memory");
        assert_eq!([step(), step(), step()], [0; 3], "{model}");
    }
    let (few, many) = ([3, 1, 3], (0..100).map(|i| i * i % 7).collect::<Vec<_>>());
    for (padding, max_norm) in [(None, None), (Some(3), Some(0.5))] {
        let table = || {
            let table = Embedding::builder(7, 3);
            let table = padding.into_iter().fold(table, |table, id| table.padding_idx(id));
            max_norm.into_iter().fold(table, |table, norm| table.max_norm(norm)).build()
        };
        let mut plain = table();
        let (mut tape, mut adam) = (Tape::new(), Adam::new(1e-3));
        let mut step = |ids: &[usize]| {
            allocations(|| {
                let (_, grads) = tape.value_and_grad(|t| plain.forward(t, ids).square().sum());
                adam.step(&mut plain, grads);
            })
        };
        // Indices have memory that is used again, once there is enough for any order of lengths.
        let first = [step(&many), step(&few), step(&few), step(&many), step(&many)];
        assert!(first[0] > 0);
        assert_eq!([step(&few), step(&many), step(&many), step(&few), step(&few)], [0; 5]);
        for mode in [BagMode::Sum, BagMode::Mean, BagMode::Max] {
            let mut bags = EmbeddingBag::of(table()).mode(mode);
            let (mut tape, mut adam) = (Tape::new(), Adam::new(1e-3));
            let mut step = || {
                allocations(|| {
                    let (_, grads) = tape.value_and_grad(|t| {
                        let y = bags.forward(t, &many, &[0, 10, 10, 60]);
                        y.square().sum() + bags.forward_fixed(t, &many, 5).sum()
                    });
                    adam.step(&mut bags, grads);
                })
            };
            let _ = [step(), step(), step(), step()];
            assert_eq!([step(), step(), step()], [0; 3], "{mode:?}");
        }
    }
    // Linear on three axes.
    let mut linear = Linear::new(4, 3);
    let (x, mut tape, mut sgd) = (Tensor::full([2, 3, 4], 0.3), Tape::new(), Sgd::new(0.1));
    let mut step = || {
        allocations(|| {
            let (_, grads) = tape.value_and_grad(|t| linear.forward(t.input(&x)).sum());
            sgd.step(&mut linear, grads);
        })
    };
    let _ = step();
    assert_eq!([step(), step()], [0; 2]);
}

#[test]
fn every_optimizer_without_allocation() {
    let _alone = alone();
    let optimizers: [Box<dyn Optimizer>; 14] = [
        Box::new(Sgd::new(1e-3).momentum(0.9).maximize()),
        Box::new(Adam::new(1e-3).amsgrad()),
        Box::new(NAdam::new(1e-3)),
        Box::new(RAdam::new(1e-3)),
        Box::new(Adagrad::new(1e-3)),
        Box::new(Adadelta::new(1.0)),
        Box::new(RmsProp::new(1e-3).centered().momentum(0.9)),
        Box::new(Adamax::new(1e-3)),
        Box::new(Rprop::new(1e-3)),
        Box::new(Asgd::new(1e-3)),
        Box::new(Lion::new(1e-4)),
        Box::new(Adafactor::new(1e-2)),
        Box::new(Muon::new(1e-2, AdamW::new(1e-3))),
        Box::new(Muon::new(1e-2, AdamW::new(1e-3)).group("2.*", |g| g.adamw())),
    ];
    for mut optimizer in optimizers {
        eprintln!("{}", optimizer.state().optimizer);
        check(&[8, 16, 12], 16, Loss::MeanSquared, || Box::new(Tanh), &mut *optimizer);
    }
    let mut muon = Muon::new(1e-2, AdamW::new(1e-3));
    // Muon has products of its own, which matrixmultiply computes if they are large.
    let sizes = if products_allocate() { [64, 40, 10] } else { [784, 300, 10] };
    check(&sizes, 32, Loss::CrossEntropy, || Box::new(Relu), &mut muon);
}

/// The model's weights are copied in the second update, because the first one shares them.
#[test]
fn averages_without_allocation() {
    let _alone = alone();
    parallel::set_num_threads(1);
    let model = Sequential::new().add(Linear::new(8, 16)).add(BatchNorm1d::new(16));
    let (mut ema, mut swa) = (Ema::new(0.9), Swa::new().average_buffers());
    for _ in 0..2 {
        ema.update(&model);
        swa.update(&model);
    }
    for _ in 0..3 {
        assert_eq!(allocations(|| ema.update(&model)), 0);
        assert_eq!(allocations(|| swa.update(&model)), 0);
    }
}

/// Operations with broadcasts and reductions along any axis.
#[test]
fn operations_along_axes_without_allocation() {
    let _alone = alone();
    parallel::set_num_threads(1);
    let x = Param::new(Tensor::full([6, 4, 5], 0.3));
    let (scale, shift) = (Param::new(Tensor::ones(5)), Param::new(Tensor::zeros(5)));
    let column = Param::new(Tensor::ones([4, 1]));
    let mask = [true; 120];
    let mut tape = Tape::new();
    let mut step = || {
        allocations(|| {
            let (_, grads) = tape.value_and_grad(|t| {
                let (x, scale, shift) = (t.param(&x), t.param(&scale), t.param(&shift));
                // A layer norm.
                let centered = x - x.mean_axis(2).reshape([6, 4, 1]);
                let variance = centered.square().mean_axis(2).reshape([6, 4, 1]);
                let y = centered * (variance + 1e-5).rsqrt() * scale + shift;
                // And whatever else goes along axes.
                let y = (y * t.param(&column)).maximum(x).clamp(-2.0, 2.0);
                let z = Var::select(&mask, y, x) + y.sum_axis(0) - y.max_axis(0);
                let z = Var::concat(&[z.slice(1, 1..), z.slice(1, ..1)], 1);
                let z = z + z.log_sum_exp(1).reshape([6, 1, 5]) + z.norm_axis(2).reshape([6, 4, 1]);
                let z = Var::stack(&[z.flatten(), z.flatten()], 0);
                z.mean() + z.norm() + z.min()
            });
            assert_eq!(grads.count(), 4);
        })
    };
    assert!(step() > 0, "the first step makes the memory");
    for _ in 0..3 {
        assert_eq!(step(), 0);
    }
}

#[test]
fn prediction_makes_its_result_and_nothing_else() {
    let _alone = alone();
    parallel::set_num_threads(1);
    let model = Sequential::new().add(Linear::new(2, 16)).add(Tanh).add(Linear::new(16, 1));
    let x = Tensor::full([1, 2], 0.5);
    let mut kept = model.predict(&x);
    for _ in 0..3 {
        // The caller holds the last result, so this one needs memory: its elements and their count.
        let count = allocations(|| kept = model.predict(&x));
        assert!(count <= 2, "{count} allocations");
    }
    drop(kept);
    assert_eq!(allocations(|| drop(model.predict(&x))), 0);
}
