//! Several processes train one model: the bits of one process. Threads stand for the processes here;
//! crates/mpi has the same with MPI.

#[path = "trainer/common.rs"]
mod common;

use std::sync::{Arc, Barrier, Mutex};

use fanin_datasets::Table;
use fanin_nn::init::manual_seed;
use fanin_nn::layers::{BatchNorm1d, Dropout, Relu};
use fanin_nn::losses::CrossEntropy;
use fanin_nn::{Adam, AdamW, Linear, Module, Optimizer, Parameters, Sequential, Tensor};
use fanin_train::metrics::Accuracy;
use fanin_train::schedule::CosineAnnealing;
use fanin_train::{
    Checkpoints, DataParallel, EarlyStopping, Error, History, OneProcess, Processes, Result,
    Stopped, Sum, Trainer,
};

use common::{classes, network, values};

/// A thread that stands for a process.
#[derive(Clone)]
struct Thread {
    rank: usize,
    board: Arc<Board>,
}

/// Numbers, bytes and counts.
type Said = (Vec<f32>, Vec<u8>, Vec<usize>);

/// What each process has to say, for all to see.
struct Board {
    said: Mutex<Vec<Said>>,
    barrier: Barrier,
}

impl Thread {
    fn all(&self, values: &[f32], bytes: &[u8], counts: &[usize]) -> Vec<Said> {
        self.board.said.lock().unwrap()[self.rank] =
            (values.to_vec(), bytes.to_vec(), counts.to_vec());
        self.board.barrier.wait();
        let all = self.board.said.lock().unwrap().clone();
        self.board.barrier.wait();
        all
    }
}

impl Processes for Thread {
    fn rank(&self) -> usize {
        self.rank
    }
    fn size(&self) -> usize {
        self.board.said.lock().unwrap().len()
    }
    fn gather(&mut self, own: &[u8], counts: &[usize], all: &mut [u8]) -> Result<()> {
        let said = self.all(&[], own, &[]);
        assert!(said.iter().zip(counts).all(|((_, bytes, _), count)| bytes.len() == *count));
        all.copy_from_slice(&said.into_iter().flat_map(|said| said.1).collect::<Vec<_>>());
        Ok(())
    }
    fn gather_values(&mut self, own: &[f32], counts: &[usize], all: &mut [f32]) -> Result<()> {
        let said = self.all(own, &[], &[]);
        assert!(said.iter().zip(counts).all(|((values, ..), count)| values.len() == *count));
        all.copy_from_slice(&said.into_iter().flat_map(|said| said.0).collect::<Vec<_>>());
        Ok(())
    }
    fn exchange(
        &mut self,
        send: &[f32],
        send_counts: &[usize],
        receive: &mut [f32],
        receive_counts: &[usize],
    ) -> Result<()> {
        let mut at = 0;
        for ((values, _, counts), expected) in
            self.all(send, &[], send_counts).iter().zip(receive_counts)
        {
            let start: usize = counts[..self.rank].iter().sum();
            assert_eq!(counts[self.rank], *expected);
            receive[at..at + expected].copy_from_slice(&values[start..start + expected]);
            at += expected;
        }
        assert_eq!(at, receive.len());
        Ok(())
    }
    /// From the last process to the first: another order than one process has.
    fn sum(&mut self, values: &mut [f32]) -> Result<()> {
        let said = self.all(values, &[], &[]);
        values.fill(0.0);
        for (other, ..) in said.iter().rev() {
            values.iter_mut().zip(other).for_each(|(sum, v)| *sum += v);
        }
        Ok(())
    }
    fn broadcast(&mut self, root: usize, bytes: &mut [u8]) -> Result<()> {
        let said = self.all(&[], bytes, &[]);
        bytes.copy_from_slice(&said[root].1);
        Ok(())
    }
}

/// What each of `size` processes returns.
fn on<R: Send>(size: usize, f: impl Fn(Thread) -> R + Sync) -> Vec<R> {
    let said = Mutex::new(vec![Default::default(); size]);
    let board = Arc::new(Board { said, barrier: Barrier::new(size) });
    std::thread::scope(|scope| {
        let start = |rank| {
            let thread = Thread { rank, board: board.clone() };
            let f = &f;
            scope.spawn(move || f(thread))
        };
        let threads: Vec<_> = (0..size).map(start).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

/// The same as all others.
fn one<R: PartialEq + std::fmt::Debug>(results: Vec<R>) -> R {
    assert!(results.iter().all(|result| *result == results[0]), "{results:?}");
    results.into_iter().next().unwrap()
}

/// A network without random numbers. There is no bias before the normalization: its gradient would be 0 but for
/// rounding, which Adam makes steps of.
fn plain() -> Sequential {
    manual_seed(1);
    Sequential::new()
        .add(Linear::builder(4, 9).no_bias().build())
        .add(BatchNorm1d::new(9))
        .add(Relu)
        .add(Linear::new(9, 3))
}

type ByAdam = Trainer<'static, CrossEntropy, AdamW, [usize]>;

fn trainer(batch: usize) -> ByAdam {
    Trainer::new(CrossEntropy::new(), AdamW::new(0.01))
        .epochs(3)
        .batch(batch)
        .clip_norm(0.5)
        .silent()
}

/// Weights and buffers, losses.
type Trained = (Vec<Tensor>, Vec<f64>);

fn trained(model: &Sequential, history: &History) -> Trained {
    (values(model), history.losses())
}

fn fit(mut model: Sequential, mut trainer: ByAdam) -> Trained {
    let history = trainer.fit(&mut model, &classes(47), &classes(20)).unwrap();
    trained(&model, &history)
}

#[test]
fn any_number_of_processes_gives_the_bits_of_accumulation() {
    // The last batches are 11 samples in parts of 3, and 7 in parts of 5, of which two are empty.
    for (batch, micro) in [(12, 3), (20, 5)] {
        let one_process = fit(plain(), trainer(micro).accumulate(4));
        for size in 1..=4 {
            let several = on(size, |thread| {
                let parallel = DataParallel::new(thread, Sum::Exact).micro_batches(4);
                fit(plain(), trainer(batch).data_parallel(parallel))
            });
            assert_eq!(one(several), one_process, "{size} processes, batches of {batch}");
        }
    }
    // Accumulation over batches, too.
    let one_process = fit(plain(), trainer(6).accumulate(4));
    let several = on(3, |thread| {
        let parallel = DataParallel::new(thread, Sum::Exact).micro_batches(2);
        fit(plain(), trainer(12).accumulate(2).data_parallel(parallel))
    });
    assert_eq!(one(several), one_process);
}

#[test]
fn dropout_and_running_statistics_do_not_depend_on_the_number_of_processes() {
    let of = |size, seed| {
        one(on(size, |thread| {
            let mut trainer = trainer(12);
            let model = network();
            manual_seed(seed);
            trainer = trainer.data_parallel(DataParallel::new(thread, Sum::Exact).micro_batches(4));
            fit(model, trainer)
        }))
    };
    let alone = of(1, 5);
    for size in 2..=4 {
        assert_eq!(of(size, 5), alone, "{size} processes");
    }
    assert_ne!(of(2, 6), alone);
}

/// Batch normalization over the whole batch: the network that one process trains on it, but for rounding.
#[test]
fn synchronized_batch_normalization_is_that_of_the_whole_batch() {
    let of = |size: usize, sync: bool| {
        one(on(size, |thread| {
            let parallel = DataParallel::new(thread, Sum::Exact).sync_batch_norm(sync);
            fit(plain(), trainer(12).data_parallel(parallel))
        }))
    };
    let whole = fit(plain(), trainer(12));
    let worst = |(weights, losses): &Trained| {
        let pairs = weights.iter().zip(&whole.0).flat_map(|(a, b)| {
            a.as_slice().iter().zip(b.as_slice()).map(|(a, b)| f64::from(a - b).abs())
        });
        let losses = losses.iter().zip(&whole.1).map(|(a, b)| (a - b).abs());
        pairs.chain(losses).fold(0.0, f64::max)
    };
    // The last batch has 11 samples, which no number of processes divides.
    for size in [2, 3, 4, 5] {
        let (synchronized, local) = (worst(&of(size, true)), worst(&of(size, false)));
        assert!(synchronized < 2e-4, "{size} processes: {synchronized}");
        assert!(local > 1e-2, "{size} processes: {local}");
    }
    assert_eq!(of(1, true), whole);
}

/// Values and gradients in f64, so that nothing hides in rounding: γ, β, the input and the statistics.
#[test]
fn the_backward_pass_of_synchronized_batch_normalization() {
    use fanin_nn::{BatchParts, NewF64, Tape};
    use std::sync::mpsc::channel;
    /// The layer's input is `a·x` with a parameter a, so that its gradient says what reaches the input.
    #[derive(Parameters)]
    #[parameters(f64)]
    struct Scaled {
        a: fanin_nn::Param<f64>,
        norm: BatchNorm1d<f64>,
    }
    let model = || Scaled {
        a: fanin_nn::Param::weight(Tensor::from_vec([1, 3], vec![0.5, -1.5, 2.0]), 3, 3),
        norm: BatchNorm1d::new(3).cast(),
    };
    let x = |rows: std::ops::Range<usize>| {
        let number = |i: usize| ((i * 7919 + 31) % 97) as f64 / 97.0 + (i % 3) as f64;
        let values = (3 * rows.start..3 * rows.end).map(number).collect();
        Tensor::from_vec([rows.len(), 3], values)
    };
    let gradients = |rows: std::ops::Range<usize>| {
        let (model, mut tape) = (model(), Tape::<f64>::new());
        let (loss, grads) = tape.value_and_grad(|t| {
            let y = model.norm.forward(t.input(&x(rows)) * t.param(&model.a));
            (y * y * y + y).square().mean()
        });
        let of = |path: &str| grads.get(model.param(path)).unwrap().as_slice().to_vec();
        ([vec![loss], of("a"), of("norm.weight"), of("norm.bias")]).concat()
    };
    let whole = gradients(0..10);
    // Parts of 3 and 7 rows, each of which tells the other its sums.
    let parts = [0..3, 3..10];
    let ((to_b, from_a), (to_a, from_b)) = (channel::<Vec<f64>>(), channel::<Vec<f64>>());
    let (ends, mut others) = ([(to_b, from_b), (to_a, from_a)], vec![]);
    std::thread::scope(|scope| {
        let threads: Vec<_> = ends
            .into_iter()
            .zip(parts.clone())
            .map(|((to, from), rows)| {
                let gradients = &gradients;
                scope.spawn(move || {
                    let parts = BatchParts::new(rows.start == 0, move |sums| {
                        to.send(sums.to_vec()).unwrap();
                        let other = from.recv().unwrap();
                        sums.iter_mut().zip(other).for_each(|(sum, other)| *sum += other);
                    });
                    let _entered = parts.enter();
                    gradients(rows)
                })
            })
            .collect();
        others.extend(threads.into_iter().map(|thread| thread.join().unwrap()));
    });
    let weights = parts.map(|rows| rows.len() as f64 / 10.0);
    for (at, whole) in whole.iter().enumerate() {
        let both = weights[0] * others[0][at] + weights[1] * others[1][at];
        assert!((both - whole).abs() < 1e-9 * whole.abs().max(1.0), "{at}: {both} {whole}");
    }
}

#[test]
fn masks_differ_between_micro_batches_and_steps() {
    let ones = Table::from_tensors(Tensor::ones([8, 4]), vec![0; 8]);
    let seen = Mutex::new(vec![]);
    on(2, |thread| {
        manual_seed(3);
        let mut model = Sequential::new().add(Dropout::new(0.5)).add(Linear::new(4, 2));
        let mut parallel = DataParallel::new(thread, Sum::Exact).micro_batches(4);
        let mut adam = Adam::new(0.0);
        for step in 0..2 {
            for part in parallel.parts(8) {
                let mut drawn = vec![];
                parallel.add(&model, &part, |t| {
                    let y = t.input(&Tensor::ones([64, 1])).dropout(0.5);
                    drawn = y.value().as_slice().to_vec();
                    model.forward(t.input(ones.inputs())).cross_entropy(&[0; 8])
                });
                seen.lock().unwrap().push((step, part.number(), drawn));
            }
            let (_, grads) = parallel.mean(&model).unwrap();
            adam.step(&mut model, grads);
        }
    });
    let seen = seen.into_inner().unwrap();
    assert_eq!(seen.len(), 8);
    for (i, a) in seen.iter().enumerate() {
        assert!(seen[..i].iter().all(|b| a.2 != b.2), "{a:?}");
    }
}

#[test]
fn the_fast_sum_differs_by_rounding_alone() {
    let (weights, losses) = fit(plain(), trainer(3).accumulate(4));
    for size in 2..=4 {
        let fast = on(size, |thread| {
            let parallel = DataParallel::new(thread, Sum::Fast).micro_batches(4);
            fit(plain(), trainer(12).data_parallel(parallel))
        });
        let (other, others) = one(fast);
        for (a, b) in losses.iter().zip(&others) {
            assert!((a - b).abs() < 1e-5, "{a} {b}");
        }
        let numbers =
            |all: &[Tensor]| all.iter().flat_map(|x| x.as_slice().to_vec()).collect::<Vec<_>>();
        let (weights, other) = (numbers(&weights), numbers(&other));
        let both = weights.iter().zip(&other);
        assert!(both.clone().all(|(a, b)| (a - b).abs() < 1e-3));
        // It is another order of addition, so this test would see what changes nothing.
        assert!(size == 2 || both.clone().any(|(a, b)| a != b));
    }
}

#[test]
fn a_batch_with_fewer_samples_than_processes() {
    let fit = |thread: Thread| {
        manual_seed(2);
        let mut model = Sequential::new().add(Linear::new(4, 3));
        let parallel = DataParallel::new(thread, Sum::Exact).micro_batches(4);
        let mut trainer = trainer(3).data_parallel(parallel);
        let history = trainer.fit_all(&mut model, &classes(7)).unwrap();
        trained(&model, &history)
    };
    assert_eq!(one(on(4, fit)), one(on(1, fit)));
}

#[test]
fn batches_of_fit_batches_are_dealt_out() {
    let data = classes(47);
    let fit = |mut trainer: ByAdam| {
        let mut model = plain();
        let batches = |_| data.batches_shuffled();
        let history = trainer.fit_batches(&mut model, batches, &classes(20)).unwrap();
        trained(&model, &history)
    };
    let alone = fit(trainer(1).accumulate(4));
    let several = on(3, |thread| {
        fit(trainer(1).accumulate(4).data_parallel(DataParallel::new(thread, Sum::Exact)))
    });
    assert_eq!(one(several), alone);
}

trait Shuffled {
    fn batches_shuffled(&self) -> Vec<(Tensor, Vec<usize>)>;
}

impl Shuffled for Table<Vec<usize>> {
    fn batches_shuffled(&self) -> Vec<(Tensor, Vec<usize>)> {
        self.batches(5).shuffle().collect()
    }
}

#[test]
fn a_loop_by_hand_is_the_trainer() {
    use fanin_datasets::{Buffers, Data};
    let data = classes(47);
    let of_trainer = one(on(2, |thread| {
        let mut model = network();
        let parallel = DataParallel::new(thread, Sum::Exact).micro_batches(4);
        let mut trainer = Trainer::new(CrossEntropy::new(), AdamW::new(0.01));
        trainer = trainer.epochs(2).batch(12).silent().data_parallel(parallel);
        trainer.fit_all(&mut model, &data).unwrap();
        values(&model)
    }));
    let by_hand = one(on(2, |thread| {
        let mut model = network();
        let mut parallel = DataParallel::new(thread, Sum::Exact).micro_batches(4);
        parallel.check(&model).unwrap();
        let mut adam = AdamW::new(0.01);
        let samples: Vec<usize> = (0..47).collect();
        for _ in 0..2 {
            for batch in samples.batches(12).shuffle() {
                for part in parallel.parts(batch.len()) {
                    let (x, y) = data.gather(&batch[part.samples()], &mut Buffers::default());
                    parallel.add(&model, &part, |t| model.forward(t.input(&x)).cross_entropy(&y));
                }
                let (loss, grads) = parallel.mean(&model).unwrap();
                assert!(loss.is_finite());
                adam.step(&mut model, grads);
            }
        }
        values(&model)
    }));
    assert_eq!(by_hand, of_trainer);
}

#[test]
fn one_process_is_the_others() {
    let parallel = |processes| DataParallel::new(processes, Sum::Exact).micro_batches(4);
    let alone = fit(network(), trainer(12).data_parallel(parallel(OneProcess)));
    let several = on(2, |thread| {
        let parallel = DataParallel::new(thread, Sum::Exact).micro_batches(4);
        fit(network(), trainer(12).data_parallel(parallel))
    });
    assert_eq!(one(several), alone);
}

/// The error of each process.
fn errors(size: usize, f: impl Fn(Thread) -> Result<History> + Sync) -> String {
    one(on(size, |thread| f(thread).unwrap_err().to_string()))
}

#[test]
fn processes_that_differ_are_named() {
    let with_model = |make: &(dyn Fn(usize) -> Sequential + Sync)| {
        errors(3, |thread| {
            let mut model = make(thread.rank);
            let mut trainer = trainer(12).data_parallel(DataParallel::new(thread, Sum::Fast));
            trainer.fit_all(&mut model, &classes(47))
        })
    };
    let error = with_model(&|rank| {
        manual_seed(if rank == 2 { 9 } else { 1 });
        Sequential::new().add(Linear::new(4, 3))
    });
    assert!(
        error.starts_with("process 2 has other weights") && error.contains("manual_seed"),
        "{error}"
    );
    let error = with_model(&|rank| {
        manual_seed(1);
        let model = Sequential::new().add(Linear::new(4, 3));
        if rank == 0 { model.add(Relu) } else { model.add(Linear::new(3, 3)) }
    });
    assert!(error.starts_with("processes 1 and 2 have a model of other parameters"), "{error}");

    let error = errors(2, |thread| {
        let epochs = 2 + thread.rank;
        let parallel = DataParallel::new(thread, Sum::Fast);
        trainer(12).epochs(epochs).data_parallel(parallel).fit_all(&mut plain(), &classes(47))
    });
    assert!(error.starts_with("process 1 has other options"), "{error}");
    let error = errors(2, |thread| {
        let samples = 47 + thread.rank;
        let parallel = DataParallel::new(thread, Sum::Fast);
        trainer(12).data_parallel(parallel).fit_all(&mut plain(), &classes(samples))
    });
    assert!(error.starts_with("process 1 has other training samples"), "{error}");
    let error = errors(2, |thread| {
        let parallel = DataParallel::new(thread.clone(), Sum::Fast).micro_batches(2 + thread.rank);
        trainer(12).data_parallel(parallel).fit_all(&mut plain(), &classes(47))
    });
    assert!(error.starts_with("process 1 has another number of micro-batches"), "{error}");
}

#[test]
fn a_model_that_one_process_changes_is_named_after_the_epoch() {
    let error = errors(2, |thread| {
        let rank = thread.rank;
        trainer(12)
            .on_step(move |step| {
                if rank == 1 && step.step == 2 {
                    step.model.visit_params_mut(&mut |_, param| {
                        param.value_mut().as_mut_slice()[0] += 1.0;
                    });
                }
            })
            .data_parallel(DataParallel::new(thread, Sum::Fast))
            .fit_all(&mut plain(), &classes(47))
    });
    assert!(
        error.starts_with("process 1 has other weights than process 0 after the epoch"),
        "{error}"
    );
}

#[test]
fn what_cannot_work_is_refused() {
    let error = errors(3, |thread| {
        let parallel = DataParallel::new(thread, Sum::Exact).micro_batches(2);
        trainer(12).data_parallel(parallel).fit_all(&mut plain(), &classes(47))
    });
    assert_eq!(
        error,
        "micro_batches(2): 3 processes need a micro-batch each: write micro_batches(3), or start 2 processes"
    );
    let error = errors(2, |thread| {
        let parallel = DataParallel::new(thread, Sum::Exact);
        let batches = |_| classes(47).batches_shuffled();
        trainer(1).data_parallel(parallel).fit_batches(&mut plain(), batches, &classes(9))
    });
    assert!(error.starts_with("accumulate(1)") && error.contains("write accumulate(2)"), "{error}");
    let error = errors(2, |thread| {
        let parallel = DataParallel::new(thread, Sum::Exact);
        let trainer = trainer(12).metric(Accuracy::new());
        trainer.data_parallel(parallel).fit_all(&mut plain(), &classes(47))
    });
    assert!(error.starts_with("metric accuracy") && error.contains("validation"), "{error}");
    let synchronized = |batch: usize, micro: usize| {
        errors(3, |thread| {
            let parallel = DataParallel::new(thread, Sum::Exact).micro_batches(micro);
            let parallel = parallel.sync_batch_norm(true);
            trainer(batch).data_parallel(parallel).fit_all(&mut plain(), &classes(47))
        })
    };
    assert!(synchronized(9, 3).contains("the last batch of an epoch has 2 samples"));
    assert!(synchronized(12, 6).contains("write micro_batches(3)"));
    let parallel = DataParallel::new(OneProcess, Sum::Exact).micro_batches(0);
    let error = trainer(12).data_parallel(parallel).fit_all(&mut plain(), &classes(9)).unwrap_err();
    assert_eq!(error.to_string(), "micro_batches(0): give at least 1");
}

#[test]
fn all_processes_end_alike() {
    // A loss that is not finite, in a micro-batch of process 1 alone.
    let error = errors(2, |thread| {
        let mut x = classes(24).inputs().clone();
        x.as_mut_slice()[4 * 20] = f32::INFINITY;
        let data = Table::from_tensors(x, (0..24).map(|i| i % 3).collect::<Vec<_>>());
        let parallel = DataParallel::new(thread, Sum::Exact).micro_batches(4);
        trainer(24).shuffle(false).data_parallel(parallel).fit_all(&mut plain(), &data)
    });
    assert!(
        error.starts_with("epoch 1, step 1: the loss is NaN: ") && error.contains("input"),
        "{error}"
    );

    // A callback of one process ends training in all of them, after the same step.
    let steps = on(3, |thread| {
        let rank = thread.rank;
        let mut model = plain();
        let trainer = trainer(12).on_step(move |step| {
            if rank == 1 && step.step == 5 {
                step.stop();
            }
        });
        let mut trainer = trainer.data_parallel(DataParallel::new(thread, Sum::Exact));
        let history = trainer.fit_all(&mut model, &classes(47)).unwrap();
        (history.stopped, history.epochs.iter().map(|epoch| epoch.steps).sum::<usize>())
    });
    assert_eq!(one(steps), (Stopped::Callback, 5));

    // So does one that looks at an epoch, and the rate is that of process 0.
    let rates = on(2, |thread| {
        let rank = thread.rank;
        let trainer = trainer(12).on_epoch(move |end| {
            if rank == 0 {
                end.set_rate(0.005);
            }
            if rank == 1 && end.epoch.number == 2 {
                end.stop();
            }
        });
        let mut trainer = trainer.data_parallel(DataParallel::new(thread, Sum::Exact));
        let history = trainer.fit_all(&mut plain(), &classes(47)).unwrap();
        history.epochs.iter().map(|epoch| epoch.rate).collect::<Vec<_>>()
    });
    assert_eq!(one(rates), [0.01, 0.005]);
}

#[test]
fn early_stopping_metrics_and_averages_are_those_of_one_process() {
    let fit = |parallel: DataParallel| {
        let mut model = network();
        let history = trainer(12)
            .epochs(8)
            .metric(Accuracy::new())
            .average_weights(0.9)
            .schedule(CosineAnnealing::new(32))
            .early_stopping(EarlyStopping::patience(2))
            .data_parallel(parallel)
            .fit(&mut model, &classes(47), &classes(20))
            .unwrap();
        let accuracies = history.metric("accuracy");
        (trained(&model, &history), accuracies, history.best_epoch, history.stopped)
    };
    let parallel = |thread| DataParallel::new(thread, Sum::Exact).micro_batches(4);
    assert_eq!(
        one(on(4, |thread| fit(parallel(thread)))),
        one(on(1, |thread| fit(parallel(thread))))
    );
}

#[test]
fn another_number_of_processes_goes_on_from_a_checkpoint() {
    let dir = std::env::temp_dir().join(format!("fanin-parallel-{}", std::process::id()));
    let checkpoints = Checkpoints::new(&dir).every_steps(3);
    let parallel = |thread| DataParallel::new(thread, Sum::Exact).micro_batches(4);
    let whole = one(on(2, |thread| fit(network(), trainer(12).data_parallel(parallel(thread)))));
    // Stopped in the second epoch.
    on(2, |thread| {
        let trainer = trainer(12).on_step(|step| {
            if step.step == 7 {
                step.stop();
            }
        });
        let trainer = trainer.checkpoints(checkpoints.clone());
        fit(network(), trainer.data_parallel(parallel(thread)));
    });
    // The others do not see the directory.
    for size in [3, 1] {
        let resumed = on(size, |thread| {
            let dir = if thread.rank == 0 { dir.clone() } else { dir.join("nowhere") };
            let trainer = trainer(12).on_step(|_| {}).checkpoints(Checkpoints::new(dir)).resume();
            fit(network(), trainer.data_parallel(parallel(thread)))
        });
        assert_eq!(one(resumed), whole, "{size} processes");
        let files = checkpoints.files().unwrap();
        for file in files.iter().filter(|file| !file.ends_with("step-000000007.fanin")) {
            std::fs::remove_file(file).unwrap();
        }
    }
    std::fs::remove_dir_all(&dir).unwrap();
}

#[test]
fn all_processes_learn_that_the_first_cannot_save() {
    let file = std::env::temp_dir().join(format!("fanin-parallel-{}.txt", std::process::id()));
    std::fs::write(&file, "no directory").unwrap();
    let all = on(2, |thread| {
        let parallel = DataParallel::new(thread, Sum::Exact);
        let mut trainer = trainer(12).checkpoints(Checkpoints::new(&file)).data_parallel(parallel);
        trainer.fit_all(&mut plain(), &classes(47)).unwrap_err()
    });
    std::fs::remove_file(&file).unwrap();
    assert!(matches!(all[0], Error::Io { .. }), "{all:?}");
    assert!(all[1].to_string().starts_with("process 0 has failed: "), "{all:?}");
}
