//! Normal weights of which most are zero.

use ndarray::ArrayViewMutD;
use rand::RngCore;
use serde::{Deserialize, Serialize};

use crate::initializer::{or_panic, require};
use crate::random::draw;
use crate::random::permutation::permutation;
use crate::scheme::fields;
use crate::{Initializer, ParamSpec};

/// Normal with this standard deviation, then in every column `⌈sparsity·out⌉` entries set to 0.
///
/// The draw is `torch.nn.init.sparse_(sparsity, std)` after `torch.manual_seed`, bit for bit: the
/// normal numbers, then for each column a [`randperm`](crate::randperm) of its rows, whose first are set to 0.
/// (PyTorch draws the permutations from its default generator, even if it is given another.)
///
/// A column holds the weights of one input. So every input keeps the same number of connections,
/// but a unit may lose all of its own. Martens' paper limits the connections of each unit: that is
/// [`SparseRows`]. Each entry has mean 0 and variance `std²·(1 − ⌈sparsity·out⌉/out)`.
///
/// # Shapes
/// W (out, in).
///
/// # Panics
/// `fill` panics unless the parameter has two dimensions.
///
/// # Example
/// ```
/// use fanin_init::{Initializer, ParamSpec, Sparse, TorchRng};
///
/// let initializer = Sparse::new(0.9, 0.01);
/// let w = initializer.draw(&ParamSpec::weight(784, 128), &[128, 784], &mut TorchRng::seed(0));
/// // ⌈0.9 · 128⌉ = 116 zeros in each of 784 columns
/// assert_eq!(w.iter().filter(|&&x| x == 0.0).count(), 784 * 116);
/// ```
///
/// # Reference
/// After Martens 2010, "Deep learning via Hessian-free optimization", section 5.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct Sparse {
    sparsity: f64,
    std: f64,
}

impl Sparse {
    /// PyTorch's own `std` is 0.01.
    ///
    /// # Panics
    /// When `sparsity` is not from 0 to 1, or `std` is negative, or 10·`std` not finite in f32.
    #[track_caller]
    pub fn new(sparsity: f64, std: f64) -> Self {
        or_panic(Sparse { sparsity, std }.checked())
    }

    /// The part of each column that is 0, before it is rounded up to whole entries.
    pub fn sparsity(&self) -> f64 {
        self.sparsity
    }

    /// The standard deviation of the entries that are drawn.
    pub fn std(&self) -> f64 {
        self.std
    }

    fn checked(self) -> Result<Self, String> {
        let Sparse { sparsity, std } = self;
        if !(0.0..=1.0).contains(&sparsity) {
            return Err(format!("Sparse: the sparsity {sparsity:?} must be from 0 to 1"));
        }
        check_std("Sparse", std).map(|()| self)
    }
}

/// Normal with this standard deviation, but every unit has weights for only `inputs` of its inputs.
///
/// Each row keeps `inputs` entries, chosen at random, and has 0 elsewhere; a unit with fewer inputs
/// keeps all. With `inputs = k` out of n, each entry has mean 0 and variance `std²·k/n`, and a
/// unit's sum has `k·std²` times its inputs' second moment, however many inputs there are. The
/// default is Martens': 15 inputs and standard deviation 1, with biases of 0, or of 0.5 for tanh.
///
/// PyTorch's `sparse_` sets entries of each column to 0, not of each row: that is [`Sparse`].
///
/// # Shapes
/// W (out, in) or (out, in, k…), where the rows are (in·∏k) long.
///
/// # Panics
/// `fill` panics when the parameter has fewer than two dimensions.
///
/// # Example
/// ```
/// use fanin_init::{Initializer, ParamSpec, SparseRows, TorchRng};
///
/// let spec = ParamSpec::weight(784, 128);
/// let w = SparseRows::default().draw(&spec, &[128, 784], &mut TorchRng::seed(0));
/// for unit in w.outer_iter() {
///     assert_eq!(unit.iter().filter(|&&x| x != 0.0).count(), 15);
/// }
/// ```
///
/// # Reference
/// Martens 2010, "Deep learning via Hessian-free optimization", section 5.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct SparseRows {
    inputs: usize,
    std: f64,
}

impl SparseRows {
    /// Every unit has `inputs` weights that are not 0, of this standard deviation.
    ///
    /// # Panics
    /// When `inputs` is 0, or `std` is negative, or 10·`std` not finite in f32.
    #[track_caller]
    pub fn new(inputs: usize, std: f64) -> Self {
        or_panic(SparseRows { inputs, std }.checked())
    }

    /// The largest number of weights of a unit that are not 0.
    pub fn inputs(&self) -> usize {
        self.inputs
    }

    /// The standard deviation of the weights that are not 0.
    pub fn std(&self) -> f64 {
        self.std
    }

    fn checked(self) -> Result<Self, String> {
        let SparseRows { inputs, std } = self;
        if inputs == 0 {
            return Err("SparseRows: a unit that listens to 0 inputs learns nothing".into());
        }
        check_std("SparseRows", std).map(|()| self)
    }
}

impl Default for SparseRows {
    fn default() -> Self {
        SparseRows { inputs: 15, std: 1.0 }
    }
}

fn check_std(initializer: &str, std: f64) -> Result<(), String> {
    if draw::is_within_f32(0.0, std) && std >= 0.0 {
        return Ok(());
    }
    Err(format!(
        "{initializer}: the standard deviation {std:?} must be finite and not negative, and no number \
         overflow f32"
    ))
}

/// Refuses what [`permutation`] cannot put in order.
fn fits_a_permutation(initializer: &str, param: &ParamSpec, count: usize) -> Result<(), String> {
    if u32::try_from(count).is_ok() {
        return Ok(());
    }
    Err(format!(
        "{initializer}: {count} entries of `{}` are too many to choose from: at most 2³² − 1",
        param.name
    ))
}

fields!(Sparse { sparsity, std } checked);

impl Initializer for Sparse {
    fn fill(&self, param: &ParamSpec, rng: &mut dyn RngCore, values: ArrayViewMutD<'_, f32>) {
        require(self, param, values.shape());
        let (rows, columns) = (values.shape()[0], values.shape()[1]);
        let zeros = (self.sparsity * rows as f64).ceil() as usize;
        draw::in_order(values, &mut |values| {
            draw::normal(rng, values, 0.0, self.std);
            for column in 0..columns {
                for row in permutation(rows, rng).into_iter().take(zeros) {
                    values[row * columns + column] = 0.0;
                }
            }
        });
    }

    fn check(&self, param: &ParamSpec, shape: &[usize]) -> Result<(), String> {
        if let &[rows, _] = shape {
            return fits_a_permutation("Sparse", param, rows);
        }
        Err(format!("Sparse: `{}` of shape {shape:?} must have two dimensions", param.name))
    }

    /// The order of the rows of one column.
    fn scratch_bytes(&self, param: &ParamSpec) -> u64 {
        (param.fan_out as u64).saturating_mul(8)
    }
}

fields!(SparseRows { inputs, std } checked);

impl Initializer for SparseRows {
    fn fill(&self, param: &ParamSpec, rng: &mut dyn RngCore, values: ArrayViewMutD<'_, f32>) {
        require(self, param, values.shape());
        let length: usize = values.shape()[1..].iter().product();
        draw::in_order(values, &mut |values| {
            draw::normal(rng, values, 0.0, self.std);
            for row in values.chunks_mut(length.max(1)) {
                for input in permutation(length, rng).into_iter().skip(self.inputs) {
                    row[input] = 0.0;
                }
            }
        });
    }

    fn check(&self, param: &ParamSpec, shape: &[usize]) -> Result<(), String> {
        if let [_, entries @ ..] = shape
            && !entries.is_empty()
        {
            let length = entries.iter().copied().fold(1, usize::saturating_mul);
            return fits_a_permutation("SparseRows", param, length);
        }
        Err(format!(
            "SparseRows: `{}` of shape {shape:?} needs at least two dimensions",
            param.name
        ))
    }

    /// The order of the inputs of one unit.
    fn scratch_bytes(&self, param: &ParamSpec) -> u64 {
        (param.fan_in as u64).saturating_mul(8)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Normal, TorchRng};

    fn draw(initializer: &dyn Initializer, shape: &[usize]) -> ndarray::ArrayD<f32> {
        initializer.draw(&ParamSpec::weight(1, 1), shape, &mut TorchRng::seed(1))
    }

    #[test]
    fn what_is_not_zeroed_is_the_normal_draw() {
        let normal = draw(&Normal::new(0.0, 0.5), &[20, 30]);
        for initializer in [&Sparse::new(0.3, 0.5) as &dyn Initializer, &SparseRows::new(7, 0.5)] {
            let w = draw(initializer, &[20, 30]);
            assert!(w.iter().zip(&normal).all(|(&w, &z)| w == 0.0 || w == z), "{initializer:?}");
        }
    }

    #[test]
    fn columns_and_rows_have_their_zeros() {
        let zeros = |x: ndarray::ArrayViewD<'_, f32>| x.iter().filter(|&&x| x == 0.0).count();
        let w = draw(&Sparse::new(0.31, 1.0), &[20, 30]);
        assert!(w.axis_iter(ndarray::Axis(1)).all(|column| zeros(column) == 7), "⌈6.2⌉ of 20");
        let w = draw(&SparseRows::new(7, 1.0), &[20, 3, 2, 5]);
        assert!(w.outer_iter().all(|unit| zeros(unit) == 23));
        assert_eq!(zeros(draw(&SparseRows::new(40, 1.0), &[20, 30]).view()), 0, "only 30 inputs");
        for (sparsity, count) in [(0.0, 0), (1.0, 600), (1e-9, 30)] {
            assert_eq!(zeros(draw(&Sparse::new(sparsity, 1.0), &[20, 30]).view()), count);
        }
    }

    #[test]
    fn empty_weights_are_filled() {
        for shape in [[0, 3], [3, 0]] {
            assert!(draw(&Sparse::new(0.5, 1.0), &shape).is_empty());
            assert!(draw(&SparseRows::default(), &shape).is_empty());
        }
    }

    #[test]
    fn more_entries_than_a_permutation_has_are_refused() {
        let spec = ParamSpec::weight(1, 1);
        let error = Sparse::new(0.5, 1.0).check(&spec, &[1 << 33, 0]).unwrap_err();
        assert!(error.contains("Sparse: 8589934592 entries of `weight` are too many"), "{error}");
        let error = SparseRows::default().check(&spec, &[0, 1 << 20, 1 << 13]).unwrap_err();
        assert!(error.contains("SparseRows: 8589934592 entries"), "{error}");
        assert!(SparseRows::default().check(&spec, &[0, usize::MAX, 3]).is_err());
    }

    #[test]
    #[should_panic(expected = "Sparse: the sparsity 1.5 must be from 0 to 1")]
    fn too_sparse_is_refused() {
        Sparse::new(1.5, 0.01);
    }

    #[test]
    #[should_panic(expected = "SparseRows: the standard deviation NaN must be finite")]
    fn nan_is_refused() {
        SparseRows::new(15, f64::NAN);
    }

    #[test]
    #[should_panic(expected = "Sparse: `bias` of shape [4] must have two dimensions")]
    fn a_bias_is_refused() {
        Sparse::new(0.5, 1.0).draw(&ParamSpec::bias(3, 4), &[4], &mut TorchRng::seed(0));
    }

    #[test]
    #[should_panic(expected = "SparseRows: `bias` of shape [4] needs at least two dimensions")]
    fn a_bias_has_no_rows() {
        SparseRows::default().draw(&ParamSpec::bias(3, 4), &[4], &mut TorchRng::seed(0));
    }

    #[test]
    fn serde_refuses_what_the_code_refuses() {
        let initializer = Sparse::new(0.25, 0.5);
        let text = serde_json::to_string(&initializer).unwrap();
        assert_eq!(serde_json::from_str::<Sparse>(&text).unwrap(), initializer);
        for (bad, reason) in [
            (r#"{"sparsity":-0.5,"std":1}"#, "sparsity -0.5"),
            (r#"{"sparsity":0.5,"std":-1}"#, "standard deviation -1.0"),
        ] {
            let error = serde_json::from_str::<Sparse>(bad).unwrap_err().to_string();
            assert!(error.contains(reason), "{error}");
        }
        let initializer = SparseRows::new(3, 0.5);
        let text = serde_json::to_string(&initializer).unwrap();
        assert_eq!(serde_json::from_str::<SparseRows>(&text).unwrap(), initializer);
        for (bad, reason) in [
            (r#"{"inputs":0,"std":1}"#, "listens to 0 inputs"),
            (r#"{"inputs":3,"std":1e38}"#, "standard deviation 1e38"),
        ] {
            let error = serde_json::from_str::<SparseRows>(bad).unwrap_err().to_string();
            assert!(error.contains(reason), "{error}");
        }
    }
}
