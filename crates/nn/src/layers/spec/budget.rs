//! [`Budget`]: the memory of a description, added up before any of it is allocated.

use std::fmt;

/// What a network takes so far, and what it may take.
pub(super) struct Budget {
    limit: u64,
    /// All parameters.
    parameters: u128,
    /// The working memory of the initializer that needs most. They run one after the other.
    work: u128,
}

impl Budget {
    pub(super) fn new(limit: u64) -> Self {
        Self { limit, parameters: 0, work: 0 }
    }

    /// Adds a parameter of this shape, whose initializer needs `work` bytes while it draws.
    pub(super) fn tensor(&mut self, shape: &[usize], work: u64) -> Result<(), String> {
        // An axis of 0 counts as 1. The product of all other axes must fit into an address, too.
        let sizes = shape.iter().map(|&size| size.max(1) as u128);
        let numbers = sizes.fold(1u128, u128::saturating_mul);
        let bytes = numbers.saturating_mul(size_of::<f32>() as u128);
        self.parameters = self.parameters.saturating_add(bytes);
        self.work = self.work.max(work.into());
        let total = self.total();
        if total <= u128::from(self.limit) {
            return Ok(());
        }
        let work = match self.work {
            0 => String::new(),
            work => format!(", of which its initializers need {} at a time", Bytes(work)),
        };
        Err(format!(
            "with it the network takes {} bytes{work}, more than the limit of {}; make it smaller, \
             or build it with Sequential::from_spec_with_limit and a larger limit",
            Bytes(total),
            Bytes(self.limit.into())
        ))
    }

    /// Whether one sample of a layer's output may be computed: the parameters do not bound it.
    pub(super) fn output(&self, features: usize) -> Result<(), String> {
        let bytes = features as u128 * size_of::<f32>() as u128;
        if bytes <= u128::from(self.limit) {
            return Ok(());
        }
        Err(format!(
            "it gives {features} features, which take {} bytes a sample, more than the limit of {}; \
             make it smaller, or build it with Sequential::from_spec_with_limit and a larger limit",
            Bytes(bytes),
            Bytes(self.limit.into())
        ))
    }

    /// Asks the system for all the memory, and gives it back.
    pub(super) fn reserve(&self) -> Result<(), String> {
        let total = usize::try_from(self.total()).unwrap_or(usize::MAX);
        match Vec::<u8>::new().try_reserve_exact(total) {
            Ok(()) => Ok(()),
            Err(_) => Err(format!(
                "with it the network takes {} bytes, and the system has no memory for them; make it \
                 smaller",
                Bytes(self.total())
            )),
        }
    }

    fn total(&self) -> u128 {
        self.parameters.saturating_add(self.work)
    }
}

/// A number as prose shows it: `60,000`.
struct Bytes(u128);

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 > u64::MAX.into() {
            return f.write_str("2^64 or more");
        }
        let digits = self.0.to_string();
        for (i, digit) in digits.chars().enumerate() {
            if i > 0 && (digits.len() - i).is_multiple_of(3) {
                f.write_str(",")?;
            }
            write!(f, "{digit}")?;
        }
        Ok(())
    }
}
