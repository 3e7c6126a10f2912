//! The parameters of a layer, drawn by the initializers of its builder.

use fanin_init::rand::RngCore;
use fanin_init::{Initializer, ParamSpec, default_rng};
use fanin_tensor::Tensor;

use crate::param::Param;

/// A parameter to be drawn.
pub(super) struct Draw<'a> {
    pub(super) initializer: &'a dyn Initializer,
    pub(super) spec: ParamSpec,
    pub(super) shape: &'a [usize],
}

/// Draws a weight, then a bias, from a generator or from the thread's default one.
///
/// # Panics
/// **Panics** if an initializer cannot fill its parameter, with the layer's name and the reason.
#[track_caller]
pub(super) fn draw(
    layer: impl Fn() -> String,
    weight: Draw<'_>,
    bias: Option<Draw<'_>>,
    rng: Option<&mut dyn RngCore>,
) -> (Param, Option<Param>) {
    // Both are checked before anything is drawn.
    for Draw { initializer, spec, shape } in std::iter::once(&weight).chain(&bias) {
        if let Err(reason) = initializer.check(spec, shape) {
            panic!("{}: {reason}", layer());
        }
    }
    let both = |rng: &mut dyn RngCore| {
        let weight = weight.parameter(rng);
        (weight, bias.map(|bias| bias.parameter(rng)))
    };
    match rng {
        Some(rng) => both(rng),
        // The default generator is borrowed for each draw: an initializer may use it too.
        None => both(&mut default_rng()),
    }
}

impl Draw<'_> {
    fn parameter(self, rng: &mut dyn RngCore) -> Param {
        let mut values = Tensor::zeros(self.shape);
        self.initializer.fill(&self.spec, rng, values.view_mut());
        let mut param = Param::with_spec(Tensor::zeros(0), self.spec);
        let text = format!("{:?}", self.initializer).into();
        param.begin(values, self.initializer.awaits_activation(), Some(text));
        param
    }
}
