//! The edge of chaos: gradients neither vanish nor explode with depth.

use std::cell::Cell;

use ndarray::ArrayViewMutD;
use rand::RngCore;
use serde::{Deserialize, Serialize};

use crate::initializer::{or_panic, require, weight_or_bias};
use crate::numerics::quadrature::checked_expectation;
use crate::random::draw;
use crate::scheme::fields;
use crate::{Fan, Initializer, Nonlinearity, ParamKind, ParamSpec};

/// Weights N(0, σ_w²/fan_in) and biases N(0, σ_b²), with σ_w such that gradients neither vanish nor
/// explode with depth.
///
/// At width ∞ a signal's variance settles at `q = σ_w²·E[φ(√q·z)²] + σ_b²`, and from layer to layer
/// gradients grow by `χ = σ_w²·E[φ′(√q·z)²]`, z ~ N(0, 1). Given φ and σ_b, both equations are
/// solved for q and σ_w with χ = 1. The same initializer serves weight and bias: set it for both.
///
/// # Panics
/// `fill` panics when a weight's fan is 0.
///
/// # Example
/// ```
/// use fanin_init::{EdgeOfChaos, Nonlinearity};
///
/// let initializer = EdgeOfChaos::new(Nonlinearity::Tanh, 0.05f64.sqrt());
/// assert!((initializer.sigma_w().powi(2) - 1.76).abs() < 0.005);   // Schoenholz et al. 2017, figure 5
/// assert!((EdgeOfChaos::new(Nonlinearity::Relu, 0.0).sigma_w() - 2f64.sqrt()).abs() < 1e-9);
/// ```
///
/// # Reference
/// Poole et al. 2016, equations 3 and 5; Schoenholz et al. 2017, section 3; Hayou et al. 2019,
/// definition 2.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct EdgeOfChaos {
    sigma_w: f64,
    sigma_b: f64,
}

impl EdgeOfChaos {
    /// Solves for this activation and this standard deviation of the biases.
    ///
    /// # Panics
    /// When `sigma_b` is negative or not finite, or no σ_w solves: ReLU has its edge at σ_b = 0 alone.
    /// Or when a signal would not settle there, but grow: GELU, SiLU and Mish need a σ_b above 0.42,
    /// 0.75 and 0.31.
    #[track_caller]
    pub fn new(activation: Nonlinearity, sigma_b: f64) -> Self {
        or_panic(EdgeOfChaos::solved(activation, sigma_b))
    }

    pub(crate) fn solved(activation: Nonlinearity, sigma_b: f64) -> Result<Self, String> {
        thread_local! {
            // A description has the same text for the weight and the bias of every layer.
            static LAST: Cell<Option<(Nonlinearity, EdgeOfChaos)>> = const { Cell::new(None) };
        }
        if let Some((of, solved)) = LAST.get()
            && (of, solved.sigma_b) == (activation, sigma_b)
        {
            return Ok(solved);
        }
        let (moment, slope_moment) =
            (|q: f64| activation.moment(q.sqrt()), |q: f64| activation.slope_moment(q.sqrt()));
        let solved = solve(&moment, &slope_moment, sigma_b)?;
        LAST.set(Some((activation, solved)));
        Ok(solved)
    }

    /// Solves for any function, given its derivative.
    ///
    /// # Panics
    /// As [`new`](Self::new).
    ///
    /// # Example
    /// ```
    /// use fanin_init::EdgeOfChaos;
    ///
    /// let arctan = EdgeOfChaos::of(f64::atan, |x| 1.0 / (1.0 + x * x), 0.1);
    /// assert!(arctan.sigma_w() > 1.0);
    /// ```
    #[track_caller]
    pub fn of(value: impl Fn(f64) -> f64, slope: impl Fn(f64) -> f64, sigma_b: f64) -> Self {
        let moment = |q: f64| checked_expectation(&|z| value(q.sqrt() * z).powi(2));
        let slope_moment = |q: f64| checked_expectation(&|z| slope(q.sqrt() * z).powi(2));
        or_panic(solve(&moment, &slope_moment, sigma_b))
    }

    /// With two standard deviations that are known already.
    ///
    /// # Panics
    /// When `sigma_w` is not positive, `sigma_b` negative, or either not finite in f32.
    #[track_caller]
    pub fn with_sigmas(sigma_w: f64, sigma_b: f64) -> Self {
        or_panic(EdgeOfChaos { sigma_w, sigma_b }.checked())
    }

    /// A weight's standard deviation is this, divided by √fan_in.
    pub fn sigma_w(&self) -> f64 {
        self.sigma_w
    }

    /// A bias's standard deviation.
    pub fn sigma_b(&self) -> f64 {
        self.sigma_b
    }

    fn checked(self) -> Result<Self, String> {
        let EdgeOfChaos { sigma_w, sigma_b } = self;
        if !(1e-30..=1e30).contains(&sigma_w) {
            Err(format!("EdgeOfChaos: σ_w = {sigma_w:?} must be from 1e-30 to 1e30"))
        } else if !(0.0..=1e30).contains(&sigma_b) {
            Err(format!("EdgeOfChaos: σ_b = {sigma_b:?} must be from 0 to 1e30"))
        } else {
            Ok(self)
        }
    }
}

/// `E[φ(√q·z)²]`, or the same of φ′, for any q.
type Moment<'f> = &'f dyn Fn(f64) -> Result<f64, String>;

/// For every q, χ = 1 gives σ_w², and what is left of q must be σ_b². The result is for the
/// smallest such q to which a larger signal returns.
fn solve(
    moment: Moment<'_>,
    slope_moment: Moment<'_>,
    sigma_b: f64,
) -> Result<EdgeOfChaos, String> {
    EdgeOfChaos { sigma_w: 1.0, sigma_b }.checked()?;
    let named = |reason: String| format!("EdgeOfChaos: {reason}");
    let moment = |q: f64| moment(q).map_err(named);
    let sigma_w_squared = |q: f64| slope_moment(q).map(f64::recip).map_err(named);
    // What is left of q, minus σ_b², relative to q.
    let excess =
        |q: f64| Ok::<_, String>((q - sigma_w_squared(q)? * moment(q)? - sigma_b * sigma_b) / q);
    // Whether a signal of variance `above` grows for ever with the σ_w² that belongs to q.
    let grows = |q: f64, above: f64| {
        let next = sigma_w_squared(q)? * moment(above)? + sigma_b * sigma_b;
        Ok::<_, String>(next > above * (1.0 + 1e-6))
    };
    let mut unsettled = false;
    // Without biases the edge is at q → 0, where the activation is as good as linear, or leaky.
    const SMALL: f64 = 1e-16;
    if sigma_b == 0.0 && excess(SMALL)?.abs() < 1e-6 {
        if !grows(SMALL, 1e-4)? {
            return EdgeOfChaos { sigma_w: sigma_w_squared(SMALL)?.sqrt(), sigma_b }.checked();
        }
        unsettled = true;
    }
    // Up to 10⁵: for larger q, the part of the activation near 0 is too narrow for the quadrature.
    let grid = (0..=130).map(|i| 1e-8 * 10f64.powf(f64::from(i) / 10.0));
    let mut below: Option<(f64, f64)> = None;
    for q in grid {
        let e = excess(q)?;
        // Near 0 the sign is that of rounding. For ReLU this is so at every q.
        if e.abs() < 1e-12 {
            continue;
        }
        if let Some((lower, e_lower)) = below
            && (e < 0.0) != (e_lower < 0.0)
        {
            let (mut low, mut high) = (lower, q);
            for _ in 0..100 {
                let middle = 0.5 * (low + high);
                if middle == low || middle == high {
                    break;
                }
                let same_side = (excess(middle)? < 0.0) == (e_lower < 0.0);
                if same_side { low = middle } else { high = middle }
            }
            if !grows(low, 1.01 * low)? {
                return EdgeOfChaos { sigma_w: sigma_w_squared(low)?.sqrt(), sigma_b }.checked();
            }
            unsettled = true;
        }
        below = e.is_finite().then_some((q, e));
    }
    Err(if unsettled {
        format!(
            "EdgeOfChaos: on the edge that this activation has with σ_b = {sigma_b:?}, signals \
             above a certain size grow from layer to layer; try a larger σ_b"
        )
    } else {
        format!(
            "EdgeOfChaos: this activation has no edge of chaos with σ_b = {sigma_b:?}; try another \
             σ_b (for ReLU and leaky ReLU it must be 0)"
        )
    })
}

fields!(EdgeOfChaos { sigma_w, sigma_b } checked);

impl Initializer for EdgeOfChaos {
    fn fill(&self, param: &ParamSpec, rng: &mut dyn RngCore, values: ArrayViewMutD<'_, f32>) {
        require(self, param, values.shape());
        let std = match param.kind {
            ParamKind::Bias => self.sigma_b,
            _ => self.sigma_w / (param.fan_in as f64).sqrt(),
        };
        draw::fill_normal(rng, values, 0.0, std);
    }

    fn check(&self, param: &ParamSpec, shape: &[usize]) -> Result<(), String> {
        weight_or_bias("EdgeOfChaos", param)?;
        match param.kind {
            ParamKind::Bias => Ok(()),
            _ => Fan::In.check("EdgeOfChaos", param, shape),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{TorchRng, expectation};

    #[test]
    fn the_points_that_scipy_finds() {
        // By scipy 1.17's `quad` and `brentq`; and where the solution is known.
        for (phi, sigma_b, sigma_w) in [
            (Nonlinearity::Tanh, 0.05f64.sqrt(), 1.327_009_660_7),
            (Nonlinearity::Tanh, 0.2, 1.304_145_840_1),
            (Nonlinearity::Silu, 1.0, 1.402_512_418_0),
            (Nonlinearity::Gelu, 0.5, 1.399_868_216_4),
            (Nonlinearity::Elu(1.0), 0.2, 1.229_251_124_1),
            (Nonlinearity::Tanh, 0.0, 1.0),
            (Nonlinearity::Relu, 0.0, 2f64.sqrt()),
            (Nonlinearity::Linear, 0.0, 1.0),
            (Nonlinearity::Softsign, 0.0, 1.0),
            (Nonlinearity::Elu(1.0), 0.0, 1.0),
            (Nonlinearity::Elu(0.3), 0.0, (2.0 / 1.09f64).sqrt()),
            (Nonlinearity::Sin(30.0), 0.0, 1.0 / 30.0),
        ] {
            let initializer = EdgeOfChaos::new(phi, sigma_b);
            assert!(
                (initializer.sigma_w - sigma_w).abs() < 3e-8,
                "{phi:?}, {sigma_b}: {}",
                initializer.sigma_w
            );
        }
    }

    #[test]
    fn both_equations_hold() {
        let phi = Nonlinearity::Tanh;
        let initializer = EdgeOfChaos::new(phi, 0.3);
        // The variance settles at its fixed point; there gradients keep their size.
        let mut q = 1.0;
        for _ in 0..3000 {
            q = initializer.sigma_w.powi(2) * expectation(|z| phi.value(f64::sqrt(q) * z).powi(2))
                + 0.09;
        }
        let chi =
            initializer.sigma_w.powi(2) * expectation(|z| phi.slope(f64::sqrt(q) * z).powi(2));
        assert!((chi - 1.0).abs() < 1e-9, "{chi}");
    }

    #[test]
    #[should_panic(expected = "no edge of chaos with σ_b = 0.1; try another σ_b (for ReLU")]
    fn relu_has_no_edge_with_biases() {
        EdgeOfChaos::new(Nonlinearity::Relu, 0.1);
    }

    #[test]
    fn what_would_grow_is_refused() {
        for (phi, sigma_b) in [
            (Nonlinearity::Gelu, 0.0),
            (Nonlinearity::Silu, 0.2),
            (Nonlinearity::Silu, 0.74),
            (Nonlinearity::Mish, 0.3),
            (Nonlinearity::Gelu, 0.41),
        ] {
            let error = EdgeOfChaos::solved(phi, sigma_b).unwrap_err();
            assert!(error.contains("grow from layer to layer; try a larger σ_b"), "{error}");
        }
        for (phi, sigma_b) in
            [(Nonlinearity::Silu, 0.76), (Nonlinearity::Mish, 0.32), (Nonlinearity::Gelu, 0.43)]
        {
            assert!(EdgeOfChaos::solved(phi, sigma_b).is_ok(), "{phi:?}, {sigma_b}");
        }
        let error = EdgeOfChaos::solved(Nonlinearity::Softplus, 0.0).unwrap_err();
        assert!(error.contains("no edge of chaos"), "{error}");
    }

    #[test]
    fn a_sine_scales_with_its_frequency() {
        // sin(ωx) with σ_b is sin(x) with ωσ_b, and weights divided by ω.
        for (omega, sigma_b) in [(30.0, 0.01), (150.0, 2.0), (0.1, 1.0)] {
            let one = EdgeOfChaos::new(Nonlinearity::Sin(1.0), omega * sigma_b).sigma_w;
            let sigma_w = EdgeOfChaos::new(Nonlinearity::Sin(omega), sigma_b).sigma_w;
            assert!((sigma_w * omega / one - 1.0).abs() < 1e-9, "{omega}, {sigma_b}: {sigma_w}");
        }
        // Where all angles are equally likely, σ_w²·ω²/2 = 1.
        let sigma_w = EdgeOfChaos::new(Nonlinearity::Sin(5000.0), 0.1).sigma_w;
        assert!((sigma_w * 5000.0 / 2f64.sqrt() - 1.0).abs() < 1e-9, "{sigma_w}");
    }

    #[test]
    fn the_last_solution_is_kept_for_its_own_activation_and_sigma() {
        let solve = |a: f64, sigma_b| EdgeOfChaos::new(Nonlinearity::Elu(a), sigma_b).sigma_w;
        let first = solve(1.0, 0.2);
        assert_eq!(solve(1.0, 0.2), first);
        assert_ne!(solve(1.0, 0.3), first);
        assert_ne!(solve(0.5, 0.2), first);
        assert_eq!(solve(1.0, 0.2), first);
    }

    #[test]
    #[should_panic(expected = "EdgeOfChaos: the activation turns too often")]
    fn what_cannot_be_integrated_is_refused_at_once() {
        EdgeOfChaos::new(Nonlinearity::Sin(1e12), 0.1);
    }

    #[test]
    #[should_panic(expected = "σ_b = -1.0 must be from 0")]
    fn a_negative_sigma_is_refused() {
        EdgeOfChaos::new(Nonlinearity::Tanh, -1.0);
    }

    #[test]
    fn weights_and_biases_have_spreads_of_their_own() {
        let initializer = EdgeOfChaos::with_sigmas(1.5, 0.25);
        let mut rng = TorchRng::seed(3);
        let w = initializer.draw(&ParamSpec::weight(300, 200), &[200, 300], &mut rng);
        assert!((w.std(0.0) * 300f32.sqrt() - 1.5).abs() < 0.02);
        let b = initializer.draw(&ParamSpec::bias(300, 20_000), &[20_000], &mut rng);
        assert!((b.std(0.0) - 0.25).abs() < 0.006);
    }

    #[test]
    fn scales_shifts_and_embeddings_are_refused() {
        let initializer = EdgeOfChaos::with_sigmas(1.5, 0.25);
        for spec in [ParamSpec::scale_of(4), ParamSpec::shift_of(4), ParamSpec::embedding(4)] {
            let error = initializer.check(&spec, &[4]).unwrap_err();
            assert!(error.contains("is neither a weight nor a bias"), "{error}");
        }
    }

    #[test]
    fn serde_refuses_what_the_code_refuses() {
        let initializer = EdgeOfChaos::with_sigmas(1.5, 0.25);
        let text = serde_json::to_string(&initializer).unwrap();
        assert_eq!(serde_json::from_str::<EdgeOfChaos>(&text).unwrap(), initializer);
        let error = serde_json::from_str::<EdgeOfChaos>(&text.replace("1.5", "0")).unwrap_err();
        assert!(error.to_string().contains("σ_w = 0.0 must be from"), "{error}");
    }

    #[test]
    fn a_place_without_a_root_is_no_edge() {
        // Signals grow at the only edge. Beyond it they would not, but there the equations have no solution.
        let cube = |x: f64| x.tanh().powi(3);
        let slope = |x: f64| 3.0 * x.tanh().powi(2) * (1.0 - x.tanh().powi(2));
        let moment = |q: f64| Ok(expectation(|z| cube(q.sqrt() * z).powi(2)));
        let slope_moment = |q: f64| Ok(expectation(|z| slope(q.sqrt() * z).powi(2)));
        let error = solve(&moment, &slope_moment, 0.02f64.sqrt()).unwrap_err();
        assert!(error.contains("grow from layer to layer; try a larger σ_b"), "{error}");
    }

    #[test]
    fn an_edge_where_the_excess_falls() {
        // The excess is 0 at q = 1/20, where signals grow, and at q = 20, where they return.
        let excess = |q: f64| 0.2 * (1.0 - (q.ln() / 20f64.ln()).powi(2));
        let slope_moment = |q: f64| Ok((-q.ln().powi(2)).exp());
        let moment = |q: f64| Ok((-q.ln().powi(2)).exp() * (q - 0.01 - q * excess(q)));
        let sigma_w = solve(&moment, &slope_moment, 0.1).unwrap().sigma_w;
        let known = (0.5 * 20f64.ln().powi(2)).exp();
        assert!((sigma_w / known - 1.0).abs() < 1e-9, "{sigma_w} is not {known}");
    }
}
