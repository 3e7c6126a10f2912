//! What processes agree on: that they train the same model in the same way.

use std::hash::{DefaultHasher, Hash, Hasher};

use fanin_nn::{Buffer, Param, ParamPath, Parameters, Visitor};
use fanin_tensor::Tensor;

use super::Processes;
use crate::{Error, Result};

/// The words of all processes; every process gives as many.
pub(crate) fn words(processes: &mut dyn Processes, own: &[u64]) -> Result<Vec<Vec<u64>>> {
    let (size, each) = (processes.size(), 8 * own.len());
    if own.is_empty() {
        return Ok(vec![vec![]; size]);
    }
    let own: Vec<u8> = own.iter().flat_map(|word| word.to_le_bytes()).collect();
    let mut all = vec![0; size * each];
    processes.gather(&own, &vec![each; size], &mut all)?;
    let word = |bytes: &[u8]| u64::from_le_bytes(bytes.try_into().expect("8 bytes"));
    Ok(all.chunks(each).map(|one| one.chunks_exact(8).map(word).collect()).collect())
}

/// Bytes of process `root`, whose number only it needs to know.
pub(crate) fn bytes(
    processes: &mut dyn Processes,
    root: usize,
    own: Option<Vec<u8>>,
) -> Result<Vec<u8>> {
    let mut length = (own.as_ref().map_or(0, Vec::len) as u64).to_le_bytes();
    processes.broadcast(root, &mut length)?;
    let mut bytes = own.unwrap_or_default();
    bytes.resize(u64::from_le_bytes(length) as usize, 0);
    processes.broadcast(root, &mut bytes)?;
    Ok(bytes)
}

/// An error that names the processes that have something else than process 0: `what` has a number of each
/// thing, and what to do if it differs.
pub(crate) fn same(processes: &mut dyn Processes, what: &[(u64, &str)]) -> Result<()> {
    let own: Vec<u64> = what.iter().map(|(number, _)| *number).collect();
    let all = words(processes, &own)?;
    for (at, (_, advice)) in what.iter().enumerate() {
        let differs = |rank: &usize| all[*rank][at] != all[0][at];
        let ranks: Vec<usize> = (1..all.len()).filter(differs).collect();
        if !ranks.is_empty() {
            return Err(Error::Processes { why: format!("{} {advice}", names(&ranks)) });
        }
    }
    Ok(())
}

/// `process 3 has`, `processes 1, 2 and 5 have`.
fn names(ranks: &[usize]) -> String {
    match ranks {
        [one] => format!("process {one} has"),
        [some @ .., last] if some.len() < 8 => {
            let some: Vec<_> = some.iter().map(usize::to_string).collect();
            format!("processes {} and {last} have", some.join(", "))
        }
        _ => format!("processes {}, {} and {} others have", ranks[0], ranks[1], ranks.len() - 2),
    }
}

/// A number that differs where something does.
pub(crate) fn number(of: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    of.hash(&mut hasher);
    hasher.finish()
}

/// Numbers for the names and shapes of a model, and for its values.
pub(crate) fn model(model: &dyn Parameters) -> [u64; 2] {
    struct Both([DefaultHasher; 2]);
    impl Both {
        fn take(&mut self, path: &ParamPath<'_>, trainable: bool, value: &Tensor) {
            (path.to_string(), trainable, value.shape()).hash(&mut self.0[0]);
            value.as_slice().iter().for_each(|v| self.0[1].write_u32(v.to_bits()));
        }
    }
    impl<'m> Visitor<'m> for Both {
        fn param(&mut self, path: &ParamPath<'_>, param: &'m Param) {
            self.take(path, param.is_trainable(), param.value());
        }
        fn buffer(&mut self, path: &ParamPath<'_>, buffer: &'m Buffer) {
            self.take(path, false, buffer.value());
        }
    }
    let mut both = Both(Default::default());
    model.visit(&ParamPath::ROOT, &mut both);
    both.0.map(|hasher| hasher.finish())
}
