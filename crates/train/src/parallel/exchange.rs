//! [`Exchange`]: the gradients of micro-batches, of this process and of the others, become one sum.
//!
//! A step has two rounds. In the first, every process learns of each micro-batch how many samples and which
//! loss it has, which parameters have a gradient, and the updates of buffers. In the second, gradients are
//! summed.
//!
//! [`Sum::Exact`]: `((g₀ + g₁) + g₂) + …` in the order of the micro-batches, as one process adds them up.
//! Process q owns the q-th part of the vector. It receives that part of every micro-batch, adds them in
//! their order, and sends the sum to all.
//!
//! [`Sum::Fast`]: each process adds its own, and what connects the processes adds these sums.

use std::ops::Range;

use fanin_nn::{FlatLayout, FlatUpdate, GradientSum, Gradients, Parameters};

use super::{Processes, Sum};
use crate::Result;

/// What all processes learn of a micro-batch.
#[derive(Clone, Default)]
struct Head {
    samples: usize,
    loss: f32,
    /// Which parameters have a gradient.
    present: Vec<bool>,
    /// Updates of buffers, encoded.
    updates: Vec<u8>,
}

/// The micro-batches of process `rank`.
pub(super) fn share(rank: usize, size: usize, micro_batches: usize) -> Range<usize> {
    rank * micro_batches / size..(rank + 1) * micro_batches / size
}

#[derive(Default)]
pub(super) struct Exchange {
    layout: Option<FlatLayout>,
    /// Those of this process until [`tell`](Self::tell), then those of all.
    heads: Vec<Head>,
    /// Which micro-batches this process has computed, and their gradients. The rest of the vectors is
    /// memory for later steps.
    own: Vec<usize>,
    flats: Vec<Vec<f32>>,
    /// Bytes for the updates of a micro-batch; as many as the largest has needed.
    capacity: usize,
    sent: Vec<f32>,
    received: Vec<f32>,
    /// The sum of this process's part, and of all.
    part: Vec<f32>,
    flat: Vec<f32>,
    sum: GradientSum,
}

impl Exchange {
    /// Begins a step with this many micro-batches.
    pub(super) fn begin(&mut self, model: &dyn Parameters, micro_batches: usize) {
        let layout = FlatLayout::of(model);
        let head = Head { present: vec![false; layout.num_params()], ..Head::default() };
        self.heads.clear();
        self.heads.resize(micro_batches, head);
        self.own.clear();
        self.layout = Some(layout);
    }

    fn layout(&self) -> &FlatLayout {
        self.layout.as_ref().expect("a step has begun")
    }

    /// How many micro-batches the step has; 0 before the first step.
    pub(super) fn micro_batches(&self) -> usize {
        self.heads.len()
    }

    /// Takes the gradients of a micro-batch of this process. They come in ascending order.
    pub(super) fn add(&mut self, k: usize, samples: usize, loss: f32, grads: &Gradients<'_>) {
        let layout = self.layout.as_ref().expect("a step has begun");
        if self.own.len() == self.flats.len() {
            self.flats.push(vec![]);
        }
        let (head, flat) = (&mut self.heads[k], &mut self.flats[self.own.len()]);
        self.own.push(k);
        flat.resize(layout.len(), 0.0);
        (head.samples, head.loss) = (samples, loss);
        grads.write_flat(layout, flat, &mut head.present);
        grads.each_update(layout, &mut |update| encode(update, &mut head.updates));
    }

    /// The first round. Returns whether a process has raised its flag.
    pub(super) fn tell(&mut self, processes: &mut dyn Processes, flag: bool) -> Result<bool> {
        let (rank, size, micro_batches) = (processes.rank(), processes.size(), self.heads.len());
        if size == 1 {
            return Ok(flag);
        }
        let params = self.layout().num_params();
        loop {
            let each = 12 + params.div_ceil(8) + self.capacity;
            let counts: Vec<usize> =
                (0..size).map(|p| 1 + each * share(p, size, micro_batches).len()).collect();
            let mut own = Vec::with_capacity(counts[rank]);
            own.push(u8::from(flag));
            for head in &self.heads[share(rank, size, micro_batches)] {
                head.write(self.capacity, &mut own);
            }
            let mut all = vec![0; counts.iter().sum()];
            processes.gather(&own, &counts, &mut all)?;
            let (mut flags, mut needed, mut rest) = (false, 0, &all[..]);
            let mut heads = vec![];
            for count in counts {
                let (bytes, others) = rest.split_at(count);
                rest = others;
                flags |= bytes[0] != 0;
                for bytes in bytes[1..].chunks_exact(each) {
                    let (head, length) = Head::read(bytes, params);
                    needed = length.max(needed);
                    heads.push(head);
                }
            }
            // Some updates had no room. All processes see this, and try again with more room.
            if needed <= self.capacity {
                self.heads = heads;
                return Ok(flags);
            }
            self.capacity = needed;
        }
    }

    /// Samples and loss of each micro-batch that has samples, and which it is.
    pub(super) fn losses(&self) -> impl Iterator<Item = (usize, usize, f32)> + '_ {
        let heads = self.heads.iter().enumerate();
        heads.filter(|(_, head)| head.samples > 0).map(|(k, head)| (k, head.samples, head.loss))
    }

    /// The second round: the gradient of the mean over all samples.
    pub(super) fn combine(
        &mut self,
        processes: &mut dyn Processes,
        sum: Sum,
    ) -> Result<Gradients<'_>> {
        let (rank, size, micro_batches) = (processes.rank(), processes.size(), self.heads.len());
        let layout = self.layout.as_ref().expect("a step has begun");
        let heads = &self.heads;
        let (first, samples) = match self.losses().next() {
            Some((_, first, _)) => (first, self.losses().map(|(_, samples, _)| samples).sum()),
            None => (1, 1),
        };
        let term = |k: usize| {
            // Micro-batches are mostly of one size, and then the sum needs one factor alone.
            let count = heads[k].samples;
            let factor = (count != first).then(|| count as f32 / first as f32);
            (factor, &heads[k].present[..])
        };
        let own = || self.own.iter().zip(&self.flats).map(|(&k, flat)| (term(k), &flat[..]));
        let len = layout.len();
        self.flat.resize(len, 0.0);
        if size == 1 {
            add_up(layout, 0..len, own(), &mut self.flat);
        } else if sum == Sum::Fast {
            self.flat.fill(0.0);
            add_up(layout, 0..len, own(), &mut self.flat);
            processes.sum(&mut self.flat)?;
        } else {
            let part = |p: usize| p * len / size..(p + 1) * len / size;
            let mine = part(rank);
            let filled = |p: usize| {
                share(p, size, micro_batches).filter(|&k| heads[k].samples > 0).collect::<Vec<_>>()
            };
            let send_counts: Vec<_> = (0..size).map(|q| self.own.len() * part(q).len()).collect();
            let receive_counts: Vec<_> = (0..size).map(|p| filled(p).len() * mine.len()).collect();
            self.sent.clear();
            for q in 0..size {
                for (_, flat) in own() {
                    self.sent.extend_from_slice(&flat[part(q)]);
                }
            }
            self.received.resize(receive_counts.iter().sum(), 0.0);
            let received = &mut self.received[..];
            processes.exchange(&self.sent, &send_counts, received, &receive_counts)?;
            self.part.resize(mine.len(), 0.0);
            let terms = (0..size).flat_map(filled).enumerate();
            let received = &self.received;
            let terms = terms.map(|(at, k)| (term(k), &received[at * mine.len()..][..mine.len()]));
            add_up(layout, mine.clone(), terms, &mut self.part);
            let counts: Vec<_> = (0..size).map(|p| part(p).len()).collect();
            processes.gather_values(&self.part, &counts, &mut self.flat)?;
        }
        let mut present = vec![false; layout.num_params()];
        for head in heads {
            present.iter_mut().zip(&head.present).for_each(|(any, this)| *any |= this);
        }
        self.sum.set_flat(layout, &self.flat, &present);
        let updates = heads.iter().flat_map(|head| decode(&head.updates));
        updates.for_each(|(update, value)| {
            self.sum.push_update(layout, FlatUpdate { value: &value, ..update });
        });
        let mut grads = self.sum.gradients();
        grads.scale(first as f32 / samples as f32);
        Ok(grads)
    }
}

/// `sum = Σ factor · term` in the order of the terms, of this range of the vector. A parameter begins with the
/// first term that has it, as in a [`GradientSum`]: `0 + −0` would be another zero.
fn add_up<'a>(
    layout: &FlatLayout,
    range: Range<usize>,
    terms: impl Iterator<Item = ((Option<f32>, &'a [bool]), &'a [f32])>,
    sum: &mut [f32],
) {
    let mut begun = vec![false; layout.num_params()];
    for ((factor, present), values) in terms {
        for (param, piece) in layout.pieces(range.clone()).filter(|(param, _)| present[*param]) {
            let (sum, values) = (&mut sum[piece.clone()], &values[piece]);
            let both = sum.iter_mut().zip(values);
            match (std::mem::replace(&mut begun[param], true), factor) {
                (false, None) => sum.copy_from_slice(values),
                (false, Some(factor)) => both.for_each(|(sum, &g)| *sum = factor * g),
                (true, None) => both.for_each(|(sum, &g)| *sum += g),
                (true, Some(factor)) => both.for_each(|(sum, &g)| *sum += factor * g),
            }
        }
    }
}

impl Head {
    /// Samples, loss, length of the updates, a bit for each parameter, the updates.
    fn write(&self, capacity: usize, to: &mut Vec<u8>) {
        to.extend((self.samples as u32).to_le_bytes());
        to.extend(self.loss.to_bits().to_le_bytes());
        to.extend((self.updates.len() as u32).to_le_bytes());
        for bits in self.present.chunks(8) {
            to.push(bits.iter().rev().fold(0, |byte, &bit| byte << 1 | u8::from(bit)));
        }
        let room = to.len() + capacity;
        if self.updates.len() <= capacity {
            to.extend(&self.updates);
        }
        to.resize(room, 0);
    }

    /// The head, and how many bytes its updates need.
    fn read(bytes: &[u8], params: usize) -> (Self, usize) {
        let word = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().expect("4 bytes"));
        let length = word(8) as usize;
        let present = (0..params).map(|i| bytes[12 + i / 8] >> (i % 8) & 1 == 1).collect();
        let updates = bytes[12 + params.div_ceil(8)..].get(..length).unwrap_or_default().to_vec();
        let (samples, loss) = (word(0) as usize, f32::from_bits(word(4)));
        (Self { samples, loss, present, updates }, length)
    }
}

/// Place, kind, keep, factor, length and value of an update, in words.
fn encode(update: FlatUpdate<'_>, to: &mut Vec<u8>) {
    let FlatUpdate { place, keep, factor, averages, value } = update;
    let head =
        [place as u32, averages.into(), keep.to_bits(), factor.to_bits(), value.len() as u32];
    head.into_iter().chain(value.iter().map(|v| v.to_bits())).for_each(|word| {
        to.extend(word.to_le_bytes());
    });
}

/// The updates of a micro-batch, each without its value, and the value.
fn decode(bytes: &[u8]) -> Vec<(FlatUpdate<'static>, Vec<f32>)> {
    let words = bytes.chunks_exact(4).map(|word| u32::from_le_bytes(word.try_into().expect("4")));
    let (mut words, mut updates) = (words, vec![]);
    while let Some(place) = words.next() {
        let mut next = || words.next().unwrap_or_default();
        let (averages, keep, factor) =
            (next() != 0, f32::from_bits(next()), f32::from_bits(next()));
        let length = next() as usize;
        let value = words.by_ref().take(length).map(f32::from_bits).collect();
        let place = place as usize;
        updates.push((FlatUpdate { place, keep, factor, averages, value: &[] }, value));
    }
    updates
}
