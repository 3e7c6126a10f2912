//! Where the parameters and buffers of a step are, by identity.

/// A map from identities to positions that is emptied at every step and then allocates nothing.
///
/// A network of 4,000 layers asks 8,000 times a step. A list that is looked through would make a step
/// quadratic in the number of layers.
pub(super) struct Ids {
    /// Open addressing with linear probing. The length is 0 or a power of two that is at least twice
    /// the number of identities.
    entries: Vec<Entry>,
    len: usize,
    /// Entries of other rounds are empty. It is never 0, which a new entry has.
    round: u32,
}

#[derive(Clone, Copy, Default)]
struct Entry {
    id: u64,
    round: u32,
    position: u32,
}

impl Ids {
    pub(super) fn new() -> Self {
        Self { entries: vec![], len: 0, round: 1 }
    }

    /// Removes all identities and keeps the memory.
    pub(super) fn clear(&mut self) {
        self.len = 0;
        self.round = self.round.wrapping_add(1);
        if self.round == 0 {
            self.entries.fill(Entry::default());
            self.round = 1;
        }
    }

    /// The position of an identity.
    #[inline]
    pub(super) fn get(&self, id: u64) -> Option<usize> {
        if self.entries.is_empty() {
            return None;
        }
        let entry = self.entries[self.find(id)];
        (entry.round == self.round).then_some(entry.position as usize)
    }

    /// Adds an identity that is not in the map.
    pub(super) fn insert(&mut self, id: u64, position: usize) {
        if 2 * (self.len + 1) > self.entries.len() {
            let entries = vec![Entry::default(); (2 * self.entries.len()).max(16)];
            let old = std::mem::replace(&mut self.entries, entries);
            for entry in old.into_iter().filter(|entry| entry.round == self.round) {
                let at = self.find(entry.id);
                self.entries[at] = entry;
            }
        }
        let at = self.find(id);
        self.entries[at] = Entry { id, round: self.round, position: position as u32 };
        self.len += 1;
    }

    /// The entry of an identity, or the empty one where it belongs.
    #[inline]
    fn find(&self, id: u64) -> usize {
        let mask = self.entries.len() - 1;
        let mut at = home(id, mask);
        while self.entries[at].round == self.round && self.entries[at].id != id {
            at = (at + 1) & mask;
        }
        at
    }
}

/// Where an identity is looked for first. Identities are mostly in a row; multiplication by the golden
/// ratio spreads these, and those of several models, over the upper bits of the product (Knuth 1973,
/// section 6.4).
#[inline]
fn home(id: u64, mask: usize) -> usize {
    (id.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> mask.leading_zeros()) as usize & mask
}

/// For each identity the positions of its items, in their order.
pub(super) struct Chains {
    /// The first item of each.
    first: Ids,
    items: Vec<Item>,
}

struct Item {
    /// The next item of the same identity.
    next: Option<u32>,
    /// In a first item: the last item of the same identity.
    last: u32,
}

impl Chains {
    pub(super) fn new() -> Self {
        Self { first: Ids::new(), items: vec![] }
    }

    /// Removes all items and keeps the memory.
    pub(super) fn clear(&mut self) {
        self.first.clear();
        self.items.clear();
    }

    /// Adds the next item.
    pub(super) fn push(&mut self, id: u64) {
        let at = self.items.len();
        match self.first.get(id) {
            Some(first) => {
                let last = std::mem::replace(&mut self.items[first].last, at as u32);
                self.items[last as usize].next = Some(at as u32);
            }
            None => self.first.insert(id, at),
        }
        self.items.push(Item { next: None, last: at as u32 });
    }

    /// The positions of an identity's items.
    pub(super) fn of(&self, id: u64) -> impl Iterator<Item = usize> + '_ {
        let next = |at: &usize| self.items[*at].next.map(|next| next as usize);
        std::iter::successors(self.first.get(id), next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identities_are_found_in_their_own_round_alone() {
        let mut ids = Ids::new();
        for round in 0..5u64 {
            assert_eq!(ids.get(3), None);
            for (position, id) in (3..200).step_by(1 + round as usize).enumerate() {
                assert_eq!(ids.get(id), None);
                ids.insert(id, position);
                assert_eq!((ids.get(id), ids.get(3)), (Some(position), Some(0)));
            }
            ids.clear();
        }
        ids.insert(7, 1);
        ids.round = u32::MAX;
        assert_eq!(ids.get(7), None);
        ids.insert(8, 2);
        ids.clear();
        assert_eq!((ids.get(7), ids.get(8)), (None, None));
    }

    /// Identities of one model, and of one of many that were built in turn.
    #[test]
    fn an_identity_is_found_after_few_comparisons() {
        for step in [1, 2, 3, 4, 7, 64, 1000, 1 << 12, 1 << 20] {
            let mut ids = Ids::new();
            (0..50_000).for_each(|i| ids.insert(i * step, i as usize));
            let mask = ids.entries.len() - 1;
            let comparisons =
                |i: u64| (ids.find(i * step).wrapping_sub(home(i * step, mask)) & mask) + 1;
            let all = (0..50_000).map(comparisons).sum::<usize>();
            assert!(all < 4 * 50_000, "{step}: {all} comparisons");
        }
    }

    #[test]
    fn items_of_an_identity_are_in_their_order() {
        let mut chains = Chains::new();
        for _ in 0..2 {
            [5, 9, 5, 5, 9, 1].into_iter().for_each(|id| chains.push(id));
            assert_eq!(chains.of(5).collect::<Vec<_>>(), [0, 2, 3]);
            assert_eq!(chains.of(9).collect::<Vec<_>>(), [1, 4]);
            assert_eq!(chains.of(1).collect::<Vec<_>>(), [5]);
            assert_eq!(chains.of(2).count(), 0);
            chains.clear();
        }
    }
}
