//! Every layer against finite differences in `f64`.

use fanin_nn::init::manual_seed;
use fanin_nn::layers::*;
use fanin_nn::{Linear, Module, Parameters, Sequential, Tape, Var, gradcheck_module};

const TOLERANCE: f64 = 1e-6;

#[test]
fn normalizations() {
    let check = |layer: &dyn Fn() -> Sequential, shape: &[usize]| {
        gradcheck_module(layer().cast::<f64>(), shape, 3).assert_below(TOLERANCE);
    };
    let of = |layer: LayerNorm| move || Sequential::new().add(layer.clone());
    check(&of(LayerNorm::new(7)), &[4, 7]);
    check(&of(LayerNorm::new(7).bias(false)), &[2, 3, 7]);
    check(&of(LayerNorm::new(7).affine(false)), &[4, 7]);
    check(&of(LayerNorm::new(1300).bias(false)), &[2, 1300]);
    let of = |layer: RmsNorm| move || Sequential::new().add(layer.clone());
    check(&of(RmsNorm::new(7)), &[4, 7]);
    check(&of(RmsNorm::new(7).affine(false).epsilon(0.1)), &[2, 2, 7]);
    check(&of(RmsNorm::new(1300)), &[2, 1300]);
    let of = |layer: GroupNorm| move || Sequential::new().add(layer.clone());
    check(&of(GroupNorm::new(3, 12)), &[4, 12]);
    check(&of(GroupNorm::new(2, 12).affine(false)), &[2, 2, 12]);
    check(&of(GroupNorm::new(1, 12)), &[12]);
    let of = |layer: BatchNorm1d| move || Sequential::new().add(layer.clone());
    check(&of(BatchNorm1d::new(7).affine(false)), &[5, 7]);
    check(&of(BatchNorm1d::new(7).cumulative()), &[5, 7]);
    check(&of(BatchNorm1d::new(3).track_running_stats(false)), &[5, 2, 3]);
}

#[test]
fn weights_in_other_parametrizations() {
    manual_seed(1);
    let normed = WeightNorm::new(Linear::new(5, 3)).cast::<f64>();
    gradcheck_module(normed, &[4, 5], 1).assert_below(TOLERANCE);
    let wide = WeightNorm::new(Linear::builder(1300, 2).no_bias().build()).cast::<f64>();
    gradcheck_module(wide, &[2, 1300], 1).assert_below(TOLERANCE);
    for [inputs, outputs] in [[5, 3], [3, 5], [1, 4]] {
        // Where the power iteration has ended, u and v do not change with W to first order.
        let layer = SpectralNorm::new(Linear::new(inputs, outputs)).cast::<f64>().iterations(300);
        gradcheck_module(layer, &[4, inputs], 1).assert_below(TOLERANCE);
    }
}

/// A bag of a table whose weights, or a factor, come from the input.
#[derive(Parameters)]
#[parameters(f64)]
struct Bags {
    bags: EmbeddingBag<f64>,
    #[parameters(skip)]
    weighted: bool,
}

impl Module<f64> for Bags {
    fn forward<'t>(&self, x: Var<'t, f64>) -> Var<'t, f64> {
        let (ids, offsets) = ([1, 4, 1, 0, 2, 2], [0, 2, 2, 5]);
        match self.weighted {
            true => self.bags.forward_weighted(x.tape(), &ids, &offsets, x),
            false => self.bags.forward(x.tape(), &ids, &offsets) * x.sum(),
        }
    }
}

#[test]
fn bags_of_vectors() {
    for mode in [BagMode::Sum, BagMode::Mean, BagMode::Max] {
        for padding in [0, 3] {
            let table = Embedding::builder(5, 3).padding_idx(padding).build();
            let mut bags = EmbeddingBag::of(table).mode(mode).cast::<f64>();
            // The row of the padding has no gradient, though it is looked up.
            bags.table_mut().weight_mut().value_mut().as_mut_slice()[..3].fill(0.5);
            let weighted = mode == BagMode::Sum && padding == 3;
            gradcheck_module(Bags { bags, weighted }, &[6], 2).assert_below(TOLERANCE);
        }
    }
}

#[test]
fn branches() {
    manual_seed(2);
    let branch = || Sequential::new().add(Linear::new(5, 3)).add(Tanh);
    let wide = Parallel::new().add(branch()).add(Identity).add(Linear::new(5, 2));
    gradcheck_module(wide.cast::<f64>(), &[4, 5], 1).assert_below(TOLERANCE);
    let added = Parallel::sum().add(branch()).add(Linear::new(5, 3)).add(branch());
    gradcheck_module(added.cast::<f64>(), &[2, 2, 5], 1).assert_below(TOLERANCE);
    let reshaped =
        Sequential::new().add(Flatten).add(Unflatten::new(&[3, 2])).add(Linear::new(2, 4));
    gradcheck_module(reshaped.cast::<f64>(), &[4, 2, 3], 1).assert_below(TOLERANCE);
    let square = Lambda::<f64>::new("square", |x| x * x);
    gradcheck_module(square, &[4, 5], 1).assert_below(TOLERANCE);
}

/// The gradient of a row that is shortened is that of the short row.
#[test]
fn a_largest_norm_has_no_part_in_the_gradient() {
    let ids = [2, 0, 2];
    let table = Embedding::builder(3, 4).max_norm(0.5).build();
    let mut tape = Tape::new();
    let (_, grads) = tape.value_and_grad(|t| (table.forward(t, &ids) * 3.0).sum());
    let grad = grads.get(table.named_params()[0].1).unwrap();
    assert_eq!(grad.as_slice(), [3.0, 3.0, 3.0, 3.0, 0.0, 0.0, 0.0, 0.0, 6.0, 6.0, 6.0, 6.0]);
}
