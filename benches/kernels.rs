//! Measures every kernel and the limits of this machine: `cargo bench --bench kernels`.
//!
//! The ceiling of a product is the rate of multiply-adds whose operands are in registers. The ceiling of
//! one sample is the time to read all weights once. The ceiling of all other kernels is the rate of a copy in
//! a working set of the same size. `FANIN_NUM_THREADS=1` gives the tables for one thread. Prints Markdown,
//! which benches/KERNELS.md holds for some CPUs.

use std::hint::black_box;
use std::time::{Duration, Instant};

use fanin::tensor::gemm::{Mat, gemm, gemm_bias};
use fanin::tensor::map::{Function, apply, map, update};
use fanin::tensor::simd::{self, Isa, Kernel};
use fanin::tensor::vmath::Math;
use fanin::tensor::{Tensor, Write, parallel, reduce};

fn main() {
    // `cargo bench -- train` runs other benches only.
    let asked = std::env::args().skip(1).find(|arg| !arg.starts_with('-'));
    if asked.is_some_and(|name| !"kernels".contains(&name)) {
        return;
    }
    let bench = Bench { budget: Duration::from_millis(if quick() { 0 } else { 150 }) };
    println!("{} threads, {:?}\n", parallel::num_threads(), simd::level());
    bench.threads();
    bench.products();
    bench.one_sample();
    bench.streams();
}

/// `cargo bench -- --test` and `cargo test --benches` only check that it runs.
fn quick() -> bool {
    let given = |name| std::env::args().any(|arg| arg == name);
    given("--test") || !given("--bench")
}

struct Bench {
    budget: Duration,
}

impl Bench {
    /// The median time of a call within the budget, in nanoseconds.
    fn nanos(&self, mut f: impl FnMut()) -> f64 {
        f();
        let start = Instant::now();
        f();
        // The clock ticks every 20 ns, so time calls of some microseconds together.
        let calls = 1 + 20_000 / (start.elapsed().as_nanos() as usize + 1);
        let (start, mut times) = (Instant::now(), vec![]);
        while times.len() < 5 || start.elapsed() < self.budget {
            let start = Instant::now();
            (0..calls).for_each(|_| f());
            times.push(start.elapsed().as_nanos() as f64 / calls as f64);
            if self.budget.is_zero() {
                break;
            }
        }
        times.sort_by(f64::total_cmp);
        times[times.len() / 2]
    }

    fn threads(&self) {
        let n = parallel::num_threads();
        let nanos = self.nanos(|| parallel::run(n, |i| _ = black_box(i)));
        println!("A region of {n} pieces that do nothing: {nanos:.0} ns\n");
    }

    fn products(&self) {
        let peak = self.peak();
        println!(
            "| m, k, n | product | µs | GFLOP/s | of {peak:.0} |\n| --- | --- | --- | --- | --- |"
        );
        let shapes = [
            (32, 16, 16),
            (1, 784, 128),
            (64, 784, 128),
            (64, 128, 10),
            (128, 784, 512),
            (128, 512, 256),
            (256, 2500, 2000),
            (1024, 784, 512),
        ];
        for (m, k, n) in shapes {
            let (x, w, dy, bias) = (values(m * k), values(n * k), values(m * n), values(n));
            let (mut y, mut dx, mut dw) = (values(m * n), values(m * k), values(n * k));
            let (y, dx, dw) = (y.as_mut_slice(), dx.as_mut_slice(), dw.as_mut_slice());
            let x = Mat::new(x.as_slice(), m, k);
            let w = Mat::new(w.as_slice(), n, k);
            let dy = Mat::new(dy.as_slice(), m, n);
            let bias = bias.as_slice();
            let row = |what: &str, nanos: f64| {
                let rate = 2.0 * (m * k * n) as f64 / nanos;
                let share = 100.0 * rate / peak;
                println!(
                    "| {m}, {k}, {n} | {what} | {:.2} | {rate:.1} | {share:.0} % |",
                    nanos / 1e3
                );
            };
            row("X·Wᵀ + b", self.nanos(|| gemm_bias(x, w.t(), bias, y)));
            row("dY·W", self.nanos(|| gemm(dy, w, Write::Set, dx)));
            row("dYᵀ·X", self.nanos(|| gemm(dy.t(), x, Write::Set, dw)));
        }
        println!();
    }

    /// GFLOP/s of multiply-adds whose operands are in registers, on all threads.
    fn peak(&self) -> f64 {
        struct Peak;
        impl Kernel for Peak {
            type Output = f32;
            #[inline(always)]
            fn run<I: Isa>(self) -> f32 {
                let (mut sums, x) = ([[0.0f32; 16]; CHAINS], black_box(0.999));
                for _ in 0..ROUNDS {
                    for sum in sums.as_flattened_mut() {
                        *sum = I::mul_add(*sum, x, x);
                    }
                }
                sums.as_flattened().iter().sum()
            }
        }
        const CHAINS: usize = 12;
        const ROUNDS: usize = 20_000;
        let n = parallel::num_threads();
        let nanos = self.nanos(|| parallel::run(n, |_| _ = black_box(simd::dispatch(Peak))));
        (n * 2 * 16 * CHAINS * ROUNDS) as f64 / nanos
    }

    /// The products of one sample beside a loop that only reads the weights, each thread its part.
    fn one_sample(&self) {
        struct Read<'a>(&'a [f32]);
        impl Kernel for Read<'_> {
            type Output = f32;
            #[inline(always)]
            fn run<I: Isa>(self) -> f32 {
                // Four places at once: the CPU's prefetcher follows all of them.
                let (mut sums, quarter) = ([[0.0f32; 32]; 4], self.0.len() / 128 * 32);
                for at in (0..quarter).step_by(32) {
                    for (q, sums) in sums.iter_mut().enumerate() {
                        let x = &self.0[q * quarter + at..][..32];
                        sums.iter_mut().zip(x).for_each(|(sum, x)| *sum += x);
                    }
                }
                sums.as_flattened().iter().sum()
            }
        }
        println!(
            "| one sample of | MB of weights | µs to read them | GB/s | µs of the products | share of reading |\n\
             | --- | --- | --- | --- | --- | --- |"
        );
        for net in
            [&[784, 128, 10][..], &[784, 512, 256, 10], &[784, 2500, 2000, 1500, 1000, 500, 10]]
        {
            let total: usize = net.windows(2).map(|pair| pair[0] * pair[1]).sum();
            let all = values(total);
            let (all, threads) = (all.as_slice(), parallel::num_threads());
            let read = self.nanos(|| {
                parallel::run(threads, |i| {
                    let part = parallel::range(total, 16, threads, i);
                    black_box(simd::dispatch(Read(&all[part])));
                });
            });
            let weights: Vec<Tensor> =
                (net.windows(2)).map(|pair| values(pair[0] * pair[1])).collect();
            let mut h: Vec<Tensor> = net.iter().map(|&n| values(n)).collect();
            let products = self.nanos(|| {
                for (layer, w) in weights.iter().enumerate() {
                    let (x, y) = h.split_at_mut(layer + 1);
                    let w = Mat::new(w.as_slice(), net[layer + 1], net[layer]);
                    let x = Mat::new(x[layer].as_slice(), 1, net[layer]);
                    gemm(x, w.t(), Write::Set, y[0].as_mut_slice());
                }
            });
            let name = net.iter().map(usize::to_string).collect::<Vec<_>>().join("-");
            println!(
                "| {name} | {:.2} | {:.2} | {:.0} | {:.2} | {:.0} % |",
                4e-6 * total as f64,
                read / 1e3,
                4.0 * total as f64 / read,
                products / 1e3,
                100.0 * read / products
            );
        }
        println!();
    }

    /// Kernels that read and write slices, with working sets in the first, second and third cache
    /// and in memory.
    fn streams(&self) {
        println!(
            "| elements | kernel | µs | GB/s | of a copy's |\n| --- | --- | --- | --- | --- |"
        );
        for len in [2_048, 32_768, 524_288, 8_388_608] {
            let (x, g) = (values(len), values(len));
            let (mut y, mut m, mut v) = (values(len), values(len), Tensor::ones(len));
            let (x, g, y) = (x.as_slice(), g.as_slice(), y.as_mut_slice());
            let (m, v) = (m.as_mut_slice(), v.as_mut_slice());
            let copy = {
                let threads = parallel::num_threads();
                let pieces = if len < 8_192 { 1 } else { threads };
                let nanos = self.nanos(|| {
                    parallel::split_each([&mut *y], 16, pieces, |first, [y]| {
                        y.copy_from_slice(&x[first..first + y.len()]);
                    });
                });
                8.0 * len as f64 / nanos
            };
            let row = |what: &str, bytes: usize, nanos: f64| {
                let rate = (bytes * len) as f64 / nanos;
                let (share, micros) = (100.0 * rate / copy, nanos / 1e3);
                println!("| {len} | {what} | {micros:.2} | {rate:.1} | {share:.0} % |");
            };
            println!("| {len} | copy | {:.2} | {copy:.1} | |", 8.0 * len as f64 / copy / 1e3);
            let relu = |[x]: [f32; 1]| if x <= 0.0 { 0.0 } else { x };
            row("relu", 8, self.nanos(|| map([x], Write::Set, y, relu)));
            row("exp", 8, self.nanos(|| apply([x], Write::Set, y, Exp)));
            row("tanh", 8, self.nanos(|| apply([x], Write::Set, y, Tanh)));
            row("erf", 8, self.nanos(|| apply([x], Write::Set, y, Erf)));
            row("ln", 8, self.nanos(|| apply([g], Write::Set, y, Ln)));
            row("sum", 4, self.nanos(|| _ = black_box(reduce::sum(x))));
            let mut sums = vec![0.0; 128];
            row("sum of rows", 4, self.nanos(|| reduce::sum_rows(x, Write::Set, &mut sums)));
            let (mut top, mut log) = (vec![0.0; len / 16], vec![0.0; len / 16]);
            row("softmax of 16", 8, self.nanos(|| reduce::softmax(x, 16, y, &mut top, &mut log)));
            let sgd = |[p, m]: [f32; 2], [g]: [f32; 1]| {
                let m = 0.9 * m + g;
                [p - 1e-9 * m, m]
            };
            row("SGD with momentum", 20, self.nanos(|| update([&mut *y, &mut *m], [g], sgd)));
            let adam = |[p, m, v]: [f32; 3], [g]: [f32; 1]| {
                let (m, v) = (m + 0.1 * (g - m), 0.999 * v + 0.001 * g * g);
                [p - 1e-9 * m / (v.sqrt() + 1e-8), m, v]
            };
            let nanos = self.nanos(|| update([&mut *y, &mut *m, &mut *v], [g], adam));
            row("Adam", 28, nanos);
        }
    }
}

macro_rules! functions {
    ($($name:ident $method:ident)*) => {$(
        #[derive(Clone, Copy)]
        struct $name;
        impl Function<f32, 1> for $name {
            fn picos(&self) -> usize {
                400
            }
            #[inline(always)]
            fn at<I: Isa>(&self, [x]: [f32; 1]) -> f32 {
                x.$method::<I>()
            }
        }
    )*};
}
functions!(Exp vexp Tanh vtanh Erf verf Ln vln);

/// Irregular numbers in (0, 1). A tensor, because its memory is aligned as in a training.
fn values(len: usize) -> Tensor {
    (0..len).map(|i| (i * 7919 % 1009 + 1) as f32 / 1010.0).collect()
}
