//! The memory of values that are not recorded: it is used again as soon as a value is dead.

use fanin_tensor::{Scalar, Tensor};

use super::node::grow;

/// A value of at most this many bytes has memory of its node, as a recorded one: it is not worth the time
/// to give it back.
const OWN: usize = 4 << 10;

/// In place of a number: memory that is the node's own.
pub(super) const NO_SLOT: u32 = u32::MAX;

/// What a tape keeps after a prediction, however little the ones before needed, in bytes.
const KEPT: usize = 16 << 20;

/// Below this many bytes memory grows by doubling, so that batches that grow step by step rarely allocate.
const SMALL: usize = 1 << 20;

/// The most elements of a result's memory that the result does not use, apart from as many as it has.
const UNUSED: usize = 16;

/// Memory for the values of a step that is not recorded.
///
/// A value takes the free memory with the lowest number. So the same step takes the same memory for the
/// same values each time, and from its second time on it allocates nothing.
pub(super) struct Spare<T: Scalar> {
    slots: Vec<Slot<T>>,
    /// The numbers of those that no value has. The last one is taken next.
    free: Vec<u32>,
    /// The last result, if it was copied.
    result: Option<Tensor<T>>,
    /// Whether a value of this step has some of the memory.
    lends: bool,
}

struct Slot<T> {
    /// `None` while a value has it.
    memory: Option<Tensor<T>>,
    /// How many elements fit in.
    capacity: usize,
    /// The most elements that this step needed, and the step before.
    needed: [usize; 2],
}

once! {
    impl<T: Scalar> Spare<T> {
        pub(super) fn new() -> Self {
            Self { slots: vec![], free: vec![], result: None, lends: false }
        }

        /// Whether there has never been any memory.
        #[inline]
        pub(super) fn is_empty(&self) -> bool {
            self.slots.is_empty()
        }

        /// Whether a value of this step has some of the memory.
        #[inline]
        pub(super) fn lends(&self) -> bool {
            self.lends
        }

        /// Memory of this shape for a value: that which it has, or free memory, or new memory.
        pub(super) fn lend<'a, 's>(
            &mut self,
            value: &'a mut Option<Tensor<T>>,
            number: &'s mut u32,
            shape: &'s [usize],
        ) -> &'a mut [T] {
            self.lends = true;
            if value.is_none() {
                *number = self.free.pop().unwrap_or_else(|| {
                    self.slots.push(Slot { memory: None, capacity: 0, needed: [0; 2] });
                    self.slots.len() as u32 - 1
                });
                *value = self.slots[*number as usize].memory.take();
            }
            let slot = &mut self.slots[*number as usize];
            // If the product overflows, `reuse` refuses it.
            let len = shape.iter().fold(1usize, |len, &n| len.saturating_mul(n));
            slot.needed[0] = slot.needed[0].max(len);
            // The result of the previous step may share the memory.
            if len > slot.capacity || value.as_ref().is_none_or(Tensor::is_shared) {
                // Drop the old memory first, so that the two are never allocated at once.
                *value = None;
                let mut capacity = len.max(slot.capacity);
                if capacity < SMALL / size_of::<T>() && len > slot.capacity {
                    capacity = capacity.max(2 * slot.capacity);
                }
                slot.capacity = capacity;
                *value = Some(if capacity == len { Tensor::zeros(shape) } else { Tensor::zeros(capacity) });
            }
            grow(value, shape)
        }

        /// Takes the memory of a dead value.
        pub(super) fn take_back(&mut self, memory: Tensor<T>, number: u32) {
            self.slots[number as usize].memory = Some(memory);
            self.free.push(number);
        }

        /// The result of a step, which has the memory of this number. It is copied out of memory that is
        /// much larger: who keeps the result would keep all of that.
        pub(super) fn result<'a>(&mut self, value: &'a Tensor<T>, number: u32) -> Tensor<T> {
            let len = value.len();
            if self.slots[number as usize].capacity <= 2 * len + UNUSED {
                return value.clone();
            }
            grow(&mut self.result, value.shape()).copy_from_slice(value.as_slice());
            match &self.result {
                Some(small) if len * size_of::<T>() <= SMALL => small.clone(),
                _ => self.result.take().expect("it was just written"),
            }
        }

        /// Ends a step whose memory is all taken back. Of more than `KEPT` bytes, those stay that this
        /// step and the one before needed.
        pub(super) fn end_step(&mut self) {
            self.lends = false;
            self.free.clear();
            self.free.extend((0..self.slots.len() as u32).rev());
            let much = self.bytes() > KEPT;
            for slot in &mut self.slots {
                let [now, before] = slot.needed;
                if much && slot.capacity > 2 * now.min(before) {
                    (slot.memory, slot.capacity) = (None, 0);
                }
                slot.needed = [0, now];
            }
        }

        /// How many bytes there are.
        pub(super) fn bytes(&self) -> usize {
            self.slots.iter().map(|slot| slot.capacity).sum::<usize>() * size_of::<T>()
        }
    }
}

/// Memory of this shape for a value of a step that is not recorded. `own` keeps that of the node while
/// the value has other memory.
#[inline]
pub(super) fn memory<'a, T: Scalar>(
    spare: &mut Spare<T>,
    value: &'a mut Option<Tensor<T>>,
    own: &mut Option<Tensor<T>>,
    number: &mut u32,
    shape: &[usize],
) -> &'a mut [T] {
    let len = shape.iter().fold(1usize, |len, &n| len.saturating_mul(n));
    if *number == NO_SLOT && len <= OWN / size_of::<T>() {
        return grow(value, shape);
    }
    if *number == NO_SLOT {
        *own = value.take();
    }
    spare.lend(value, number, shape)
}
