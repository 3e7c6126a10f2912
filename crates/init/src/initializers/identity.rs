//! Weights through which the signal passes unchanged: the identity, of matrices and of convolutions.

use ndarray::{ArrayViewMutD, Axis, Dimension};
use rand::RngCore;
use serde::{Deserialize, Serialize};

use crate::initializer::{or_panic, require};
use crate::scheme::fields;
use crate::{Gain, Initializer, ParamSpec};

/// `gain` on the main diagonal of a matrix, 0 elsewhere. With gain 1, as many inputs as possible
/// pass unchanged.
///
/// `w[i, j] = gain·[i = j]`. Nothing is drawn. The default gain is 1: `torch.nn.init.eye_`, Keras'
/// `Identity(gain)`. With a [`shift`](Self::shift) of s, input `j` goes to output `(j + s) mod out`:
/// Flux' `identity_init(gain, shift)` of a matrix. (Flux also shifts kernels.)
///
/// # Shapes
/// W (out, in), square or not; the diagonal has min(out, in) entries.
///
/// # Panics
/// `fill` panics unless the parameter has two dimensions.
///
/// # Example
/// ```
/// use fanin_init::{Identity, Initializer, ParamSpec, TorchRng};
///
/// let initializer = Identity::default().gain(0.5);
/// let w = initializer.draw(&ParamSpec::weight(3, 2), &[2, 3], &mut TorchRng::seed(0));
/// assert_eq!(w.as_slice().unwrap(), [0.5, 0.0, 0.0, 0.0, 0.5, 0.0]);
/// ```
///
/// # Reference
/// Le, Jaitly & Hinton 2015, "A simple way to initialize recurrent networks of rectified linear
/// units". The shift is that of `identity_init` in src/utils.jl of Flux (commit 0012473).
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Identity {
    /// The entries of the diagonal.
    pub gain: Gain,
    /// By how many outputs the diagonal is moved, around the end.
    pub shift: i64,
}

impl Identity {
    /// The same initializer with this gain.
    ///
    /// # Panics
    /// When the number is no [`Gain`].
    #[must_use]
    #[track_caller]
    pub fn gain(self, gain: impl Into<Gain>) -> Self {
        Identity { gain: gain.into(), ..self }
    }

    /// The same initializer, with the diagonal moved by this many outputs, around the end.
    ///
    /// # Example
    /// ```
    /// use fanin_init::{Identity, Initializer, ParamSpec, TorchRng};
    ///
    /// let initializer = Identity::default().shift(1);
    /// let w = initializer.draw(&ParamSpec::weight(2, 2), &[2, 2], &mut TorchRng::seed(0));
    /// assert_eq!(w.as_slice().unwrap(), [0.0, 1.0, 1.0, 0.0]);
    /// ```
    #[must_use]
    pub fn shift(self, outputs: i64) -> Self {
        Identity { shift: outputs, ..self }
    }
}

fields!(Identity { gain, shift });

impl Initializer for Identity {
    fn fill(&self, param: &ParamSpec, _: &mut dyn RngCore, mut values: ArrayViewMutD<'_, f32>) {
        require(self, param, values.shape());
        values.fill(0.0);
        let (outputs, inputs) = (values.len_of(Axis(0)), values.len_of(Axis(1)));
        if values.is_empty() {
            return;
        }
        // No matrix in memory has 2⁶³ rows.
        let shift = self.shift.rem_euclid(outputs as i64) as usize;
        for j in 0..outputs.min(inputs) {
            values[[(j + shift) % outputs, j].as_slice()] = self.gain.get() as f32;
        }
    }

    fn check(&self, param: &ParamSpec, shape: &[usize]) -> Result<(), String> {
        if shape.len() == 2 {
            return Ok(());
        }
        Err(format!("Identity: `{}` of shape {shape:?} must have two dimensions", param.name))
    }
}

/// The identity of a convolution: every channel's kernel is 1 at its centre, 0 elsewhere.
///
/// The outputs are divided into `groups` of equal size. Output `d` of each group passes on input
/// `d`, if there is one: `w[g·out/groups + d, d, k₁/2, …] = 1`, where halves are rounded down.
/// Nothing is drawn. It is `torch.nn.init.dirac_(groups)`.
///
/// # Shapes
/// W (out, in, k…) with one, two or three kernel dimensions; for a grouped convolution `in` counts
/// the inputs of one group, as in PyTorch.
///
/// # Panics
/// `fill` panics unless the parameter has 3, 4 or 5 dimensions and `out` is a multiple of `groups`.
///
/// # Example
/// ```
/// use fanin_init::{Dirac, Initializer, ParamSpec, TorchRng};
///
/// let shape = [2, 3, 3];
/// let spec = ParamSpec::for_weight_shape(&shape);
/// let w = Dirac::default().draw(&spec, &shape, &mut TorchRng::seed(0));
/// assert_eq!((w[[0, 0, 1]], w[[1, 1, 1]], w.sum()), (1.0, 1.0, 2.0));
/// ```
///
/// # Reference
/// Zagoruyko & Komodakis 2017, "DiracNets: training very deep neural networks without
/// skip-connections".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct Dirac {
    groups: usize,
}

impl Dirac {
    /// For a convolution of this many groups.
    ///
    /// # Panics
    /// When `groups` is 0.
    #[track_caller]
    pub fn new(groups: usize) -> Self {
        or_panic(Dirac { groups }.checked())
    }

    /// How many groups the outputs are divided into.
    pub fn groups(&self) -> usize {
        self.groups
    }

    fn checked(self) -> Result<Self, String> {
        let Dirac { groups } = self;
        if groups > 0 { Ok(self) } else { Err("Dirac: 0 groups are none".into()) }
    }
}

impl Default for Dirac {
    fn default() -> Self {
        Dirac { groups: 1 }
    }
}

fields!(Dirac { groups } checked);

impl Initializer for Dirac {
    fn fill(&self, param: &ParamSpec, _: &mut dyn RngCore, mut values: ArrayViewMutD<'_, f32>) {
        require(self, param, values.shape());
        values.fill(0.0);
        if values.is_empty() {
            return;
        }
        let mut centre = values.raw_dim();
        centre.as_array_view_mut().mapv_inplace(|size| size / 2);
        let outputs = values.len_of(Axis(0)) / self.groups;
        for group in 0..self.groups {
            for channel in 0..outputs.min(values.len_of(Axis(1))) {
                centre[0] = group * outputs + channel;
                centre[1] = channel;
                values[centre.slice()] = 1.0;
            }
        }
    }

    fn check(&self, param: &ParamSpec, shape: &[usize]) -> Result<(), String> {
        let name = &param.name;
        if !(3..=5).contains(&shape.len()) {
            return Err(format!(
                "Dirac: `{name}` of shape {shape:?} must have 3, 4 or 5 dimensions"
            ));
        }
        let (out, groups) = (shape[0], self.groups);
        if out % groups == 0 {
            return Ok(());
        }
        Err(format!("Dirac: the {out} outputs of `{name}` cannot be divided into {groups} groups"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::TorchRng;

    fn draw(initializer: &dyn Initializer, shape: &[usize]) -> ndarray::ArrayD<f32> {
        let mut rng = TorchRng::seed(1);
        let w = initializer.draw(&ParamSpec::weight(3, 2), shape, &mut rng);
        assert_eq!(rng, TorchRng::seed(1), "nothing is drawn");
        w
    }

    #[test]
    fn a_dirac_kernel_copies_its_input() {
        // Two groups of three outputs over two inputs: the third output of a group has none.
        let w = draw(&Dirac::new(2), &[6, 2, 4, 3]);
        for ((o, i, y, x), &value) in
            w.into_dimensionality::<ndarray::Ix4>().unwrap().indexed_iter()
        {
            let one = o % 3 == i && (y, x) == (2, 1);
            assert_eq!(value, f32::from(u8::from(one)), "{o} {i} {y} {x}");
        }
    }

    #[test]
    fn a_shift_goes_around_the_end() {
        // Flux.identity_init(3, 5; gain=2, shift=…), by circshift of the rows.
        let want = |rows: [usize; 3]| {
            let mut w = ndarray::Array2::zeros((3, 5));
            rows.into_iter().enumerate().for_each(|(j, i)| w[[i, j]] = 2.0);
            w.into_dyn()
        };
        for (shift, rows) in
            [(0, [0, 1, 2]), (1, [1, 2, 0]), (-1, [2, 0, 1]), (5, [2, 0, 1]), (i64::MIN, [1, 2, 0])]
        {
            let initializer = Identity::default().gain(2.0).shift(shift);
            assert_eq!(draw(&initializer, &[3, 5]), want(rows), "{shift}");
        }
        let tall = draw(&Identity::default().shift(-1), &[4, 2]);
        assert_eq!((tall[[3, 0]], tall[[0, 1]], tall.sum()), (1.0, 1.0, 2.0));
        assert_eq!(serde_json::from_str::<Identity>("{}").unwrap(), Identity::default());
    }

    #[test]
    fn empty_weights_are_filled() {
        for shape in [[0, 3, 3], [4, 0, 3], [4, 3, 0]] {
            assert!(draw(&Dirac::new(2), &shape).is_empty());
        }
        assert!(draw(&Identity::default(), &[0, 3]).is_empty());
    }

    #[test]
    #[should_panic(expected = "Identity: `bias` of shape [2] must have two dimensions")]
    fn a_bias_is_no_identity() {
        Identity::default().draw(&ParamSpec::bias(3, 2), &[2], &mut TorchRng::seed(0));
    }

    #[test]
    #[should_panic(expected = "Dirac: `weight` of shape [2, 3] must have 3, 4 or 5 dimensions")]
    fn a_matrix_is_no_convolution() {
        draw(&Dirac::default(), &[2, 3]);
    }

    #[test]
    #[should_panic(expected = "Dirac: the 5 outputs of `weight` cannot be divided into 2 groups")]
    fn groups_must_divide_the_outputs() {
        draw(&Dirac::new(2), &[5, 3, 3]);
    }

    #[test]
    #[should_panic(expected = "Dirac: 0 groups are none")]
    fn no_groups_are_refused() {
        Dirac::new(0);
    }

    #[test]
    fn serde_refuses_what_the_code_refuses() {
        let text = serde_json::to_string(&Dirac::new(3)).unwrap();
        assert_eq!(serde_json::from_str::<Dirac>(&text).unwrap(), Dirac::new(3));
        let error = serde_json::from_str::<Dirac>(r#"{"groups":0}"#).unwrap_err().to_string();
        assert!(error.contains("0 groups are none"), "{error}");
        let initializer = Identity::default().gain(0.5);
        let text = serde_json::to_string(&initializer).unwrap();
        assert_eq!(serde_json::from_str::<Identity>(&text).unwrap(), initializer);
        let error = serde_json::from_str::<Identity>(r#"{"gain":-1}"#).unwrap_err().to_string();
        assert!(error.contains("a gain of -1.0 is impossible"), "{error}");
    }
}
