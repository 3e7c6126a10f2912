//! Every operation, layer and loss against finite differences in `f64`, with random cotangents.

use fanin_nn::init::TorchRng;
use fanin_nn::init::rand::Rng;
use fanin_nn::layers::*;
use fanin_nn::tensor::{Scalar, Write, map::map};
use fanin_nn::{
    Backward, Linear, Module, Op, Param, Parameters, Sequential, Tape, Tensor, Var, gradcheck,
    gradcheck_at, gradcheck_module,
    losses::{CrossEntropy, Loss},
};

const TOLERANCE: f64 = 1e-6;

/// One line for each operation: name, shapes of its inputs, what it computes.
macro_rules! checks {
    ($($name:ident: [$($shape:expr),*] => |$x:ident| $y:expr;)*) => {
        $(
            #[test]
            fn $name() {
                for seed in [1, 2, 3] {
                    gradcheck(&[$(&$shape),*], seed, |_, $x| $y).assert_below(TOLERANCE);
                }
            }
        )*
    };
}

checks! {
    add: [[4, 7], [4, 7]] => |x| x[0] + x[1];
    subtract: [[4, 7], [4, 7]] => |x| x[0] - x[1];
    multiply: [[4, 7], [4, 7]] => |x| x[0] * x[1];
    negate: [[4, 7]] => |x| -x[0];
    numbers_on_either_side: [[4, 7]] => |x| (2.0 - (x[0] * 3.0 + 1.0) / 2.0) * 0.5 - 4.0 + (1.0 + 2.0 * x[0]);
    used_twice: [[4, 7]] => |x| x[0] * x[0] + x[0];
    broadcast_rows: [[4, 7], [7]] => |x| x[0] * x[1] + x[1];
    broadcast_columns: [[4, 1], [4, 7]] => |x| x[0] * x[1];
    broadcast_a_scalar: [[1], [4, 7]] => |x| x[0] * x[1];
    broadcast_no_axes: [[], [4, 7]] => |x| x[0] * x[1];
    broadcast_both_ways: [[4, 1], [7]] => |x| x[0] * x[1];
    broadcast_in_the_middle: [[2, 1, 3], [5, 1]] => |x| x[0] * x[1];
    broadcast_twice_the_same: [[4, 1], [4, 7]] => |x| x[0] * x[1] + x[0];
    expand: [[3, 1]] => |x| x[0].expand(&[2, 3, 4]);
    matmul: [[4, 7], [7, 3]] => |x| x[0].matmul(x[1]);
    matmul_of_itself: [[4, 4]] => |x| x[0].matmul(x[0]);
    matmul_one_row: [[1, 7], [7, 3]] => |x| x[0].matmul(x[1]);
    matmul_one_column: [[4, 7], [7, 1]] => |x| x[0].matmul(x[1]);
    matmul_large: [[33, 17], [17, 40]] => |x| x[0].matmul(x[1]);
    linear_without_bias: [[4, 7], [3, 7]] => |x| x[0].linear(x[1], None);
    linear_with_bias: [[4, 7], [3, 7], [3]] => |x| x[0].linear(x[1], Some(x[2]));
    linear_of_one_vector: [[7], [3, 7], [3]] => |x| x[0].linear(x[1], Some(x[2]));
    linear_of_three_axes: [[2, 4, 7], [3, 7], [3]] => |x| x[0].linear(x[1], Some(x[2]));
    linear_twice_with_one_weight: [[4, 7], [7, 7], [7]] => |x| {
        x[0].linear(x[1], Some(x[2])).linear(x[1], Some(x[2]))
    };
    add_scaled: [[4, 7], [1], [4, 7]] => |x| x[0].add_scaled(x[1], x[2]);
    add_scaled_no_axes: [[4, 7], []] => |x| x[0].add_scaled(x[1], x[0] * x[0]) + x[1];
    reshape: [[4, 6]] => |x| x[0].reshape([3, 8]);
    transpose: [[4, 7]] => |x| x[0].transpose() * 2.0;
    concat_rows: [[2, 3], [4, 3]] => |x| Var::concat(&[x[0], x[1], x[0]], 0);
    concat_columns: [[2, 3], [2, 5]] => |x| Var::concat(&[x[0], x[1]], 1);
    concat_in_the_middle: [[2, 3, 2], [2, 1, 2]] => |x| Var::concat(&[x[0], x[1]], 1);
    rows: [[5, 3]] => |x| x[0].rows(&[4, 0, 4, 2]);
    rows_of_a_vector: [[5]] => |x| x[0].rows(&[4, 0, 4]);
    sum: [[4, 7]] => |x| x[0].sum();
    mean: [[4, 7]] => |x| x[0].mean();
    sum_first_axis: [[4, 7]] => |x| x[0].sum_axis(0);
    sum_last_axis: [[4, 7]] => |x| x[0].sum_axis(1);
    sum_middle_axis: [[2, 3, 4]] => |x| x[0].sum_axis(1);
    mean_middle_axis: [[2, 3, 4]] => |x| x[0].mean_axis(1);
    relu: [[4, 7]] => |x| x[0].relu();
    leaky_relu: [[4, 7]] => |x| x[0].leaky_relu(0.1);
    tanh: [[4, 7]] => |x| x[0].tanh();
    sigmoid: [[4, 7]] => |x| x[0].sigmoid();
    gelu: [[4, 7]] => |x| x[0].gelu();
    gelu_tanh: [[4, 7]] => |x| x[0].gelu_tanh();
    silu: [[4, 7]] => |x| x[0].silu();
    elu: [[4, 7]] => |x| x[0].elu(0.7);
    selu: [[4, 7]] => |x| x[0].selu();
    softplus: [[4, 7]] => |x| x[0].softplus();
    exp: [[4, 7]] => |x| x[0].exp();
    square: [[4, 7]] => |x| x[0].square();
    abs: [[4, 7]] => |x| x[0].abs();
    sin: [[4, 7]] => |x| x[0].sin();
    cos: [[4, 7]] => |x| x[0].cos();
    powi: [[4, 7]] => |x| x[0].powi(3);
    powi_zero: [[4, 7]] => |x| x[0].powi(0) + x[0];
    clamp: [[4, 7]] => |x| x[0].clamp(-1.0, 0.5);
    maximum: [[4, 7], [4, 7]] => |x| x[0].maximum(x[1]);
    maximum_broadcast: [[4, 1], [7]] => |x| x[0].maximum(x[1]);
    minimum: [[4, 7], [4, 7]] => |x| x[0].minimum(x[1]);
    minimum_used_twice: [[4, 7], [4, 7]] => |x| x[0].minimum(x[1]) * x[0];
    max: [[4, 7]] => |x| x[0].max() + x[0].mean();
    min: [[4, 7]] => |x| x[0].min() + x[0].mean();
    max_first_axis: [[4, 7]] => |x| x[0].max_axis(0);
    max_last_axis: [[4, 7]] => |x| x[0].max_axis(1);
    min_middle_axis: [[2, 3, 4]] => |x| x[0].min_axis(1) + x[0].sum_axis(1);
    gather: [[4, 7]] => |x| x[0].gather(&[6, 0, 3, 3]);
    gather_added: [[4, 7]] => |x| x[0].gather(&[6, 0, 3, 3]) + x[0].sum_axis(1);
    slice_first_axis: [[4, 7]] => |x| x[0].slice(0, 1..3);
    slice_middle_axis: [[2, 3, 4]] => |x| x[0].slice(1, ..2) + x[0].slice(1, 1..);
    slice_of_nothing: [[4, 7]] => |x| Var::concat(&[x[0].slice(1, 2..2), x[0]], 1);
    stack_first_axis: [[2, 3], [2, 3]] => |x| Var::stack(&[x[0], x[1], x[0]], 0);
    stack_middle_axis: [[2, 3], [2, 3]] => |x| Var::stack(&[x[0], x[1]], 1);
    stack_last_axis: [[2, 3], [2, 3]] => |x| Var::stack(&[x[0], x[1]], 2);
    stack_numbers: [[], []] => |x| Var::stack(&[x[0], x[1]], 0);
    select: [[2, 3], [2, 3]] => |x| Var::select(&[true, false, true, true, false, false], x[0], x[1]);
    select_broadcast: [[2, 1], [3]] => |x| Var::select(&[true, false, true, true, false, false], x[0], x[1]) + x[0];
    norm: [[4, 7]] => |x| x[0].norm() + x[0].mean();
    norm_first_axis: [[4, 7]] => |x| x[0].norm_axis(0);
    norm_last_axis: [[4, 7]] => |x| x[0].norm_axis(1) + x[0].sum_axis(1);
    norm_middle_axis: [[2, 3, 4]] => |x| x[0].norm_axis(1);
    log_sum_exp_first_axis: [[4, 7]] => |x| x[0].log_sum_exp(0);
    log_sum_exp_last_axis: [[4, 7]] => |x| x[0].log_sum_exp(1) + x[0].sum_axis(1);
    log_sum_exp_middle_axis: [[2, 3, 4]] => |x| x[0].log_sum_exp(1);
    flatten: [[4, 3, 2]] => |x| x[0].flatten() * 2.0;
    assigning_operators: [[4, 7], [7]] => |x| {
        let mut y = x[0];
        y += x[1];
        y *= x[0];
        y -= x[1];
        y -= 0.5;
        y *= 2.0;
        y /= 3.0;
        y += 1.0;
        y
    };
    sum_of_an_iterator: [[4, 7], [7]] => |x| x.iter().map(|x| x.square()).sum::<Var<'_, f64>>();
    an_embedding_table: [[5, 3], [3]] => |x| {
        let ids = [4, 0, 4, 2, 4, 0];
        (x[0].rows(&ids) * x[1]).reshape([2, 9]).tanh() + x[0].sum()
    };
    softmax: [[4, 7]] => |x| x[0].softmax();
    log_softmax: [[4, 7]] => |x| x[0].log_softmax();
    cross_entropy: [[4, 7]] => |x| x[0].cross_entropy(&[6, 0, 3, 3]);
    cross_entropy_added: [[4, 7]] => |x| x[0].cross_entropy(&[6, 0, 3, 3]) + x[0].mean();
    cross_entropy_smoothed: [[4, 7]] => |x| CrossEntropy::new().label_smoothing(0.1).loss(x[0], &[6, 0, 3, 3][..]);
    pairwise_distance: [[4, 7], [4, 7]] => |x| x[0].pairwise_distance(x[1], 2.0);
    pairwise_distance_absolute: [[4, 7], [4, 7]] => |x| x[0].pairwise_distance(x[1], 1.0) + x[0].sum_axis(1);
    pairwise_distance_of_power_3: [[2, 3, 4], [2, 3, 4]] => |x| x[0].pairwise_distance(x[1], 3.0);
    pairwise_distance_largest: [[4, 7], [4, 7]] => |x| x[0].pairwise_distance(x[1], f64::INFINITY);
    cosine_similarity: [[4, 7], [4, 7]] => |x| x[0].cosine_similarity(x[1]) + x[1].sum_axis(1);
    cosine_similarity_of_one_vector: [[7], [7]] => |x| x[0].cosine_similarity(x[1]);
    mse: [[4, 7], [4, 7]] => |x| x[0].mse(x[1]);
    mse_of_one_with_itself_squared: [[4, 7]] => |x| x[0].mse(x[0] * x[0]);
}

/// Functions that are not defined, or too steep, everywhere.
#[test]
fn functions_of_positive_numbers() {
    let positive = || Tensor::from_vec([2, 3], vec![0.5, 1.0, 1.5, 2.0, 2.5, 3.0]);
    gradcheck_at(vec![positive()], 1, |_, x| x[0].ln()).assert_below(TOLERANCE);
    gradcheck_at(vec![positive()], 1, |_, x| x[0].sqrt()).assert_below(TOLERANCE);
    gradcheck_at(vec![positive()], 1, |_, x| 3.0 / x[0]).assert_below(TOLERANCE);
    gradcheck_at(vec![positive()], 1, |_, x| x[0].recip()).assert_below(TOLERANCE);
    gradcheck_at(vec![positive()], 1, |_, x| x[0].rsqrt()).assert_below(TOLERANCE);
    gradcheck_at(vec![positive()], 1, |_, x| x[0].powf(1.7)).assert_below(TOLERANCE);
    gradcheck_at(vec![positive()], 1, |_, x| x[0].powi(-3)).assert_below(TOLERANCE);
    gradcheck_at(vec![positive()], 1, |_, x| {
        let mut y = x[0];
        y /= x[0] * x[0];
        y
    })
    .assert_below(TOLERANCE);
    gradcheck_at(vec![positive(), positive()], 1, |_, x| x[0].square() / x[1])
        .assert_below(TOLERANCE);
}

#[test]
fn detach_cuts_the_way_back() {
    let p = Param::new(Tensor::from_vec(2, vec![3.0, 4.0]));
    let mut tape = Tape::<f64>::default();
    let (_, grads) = tape.value_and_grad(|t| (t.param(&p) * t.param(&p).detach()).sum());
    assert_eq!(grads.get(&p).unwrap().as_slice(), [3.0, 4.0]);
}

#[test]
fn layers() {
    gradcheck_module(Linear::new(5, 3).cast(), &[4, 5], 1).assert_below(TOLERANCE);
    let no_bias = Linear::builder(5, 3).no_bias().build().cast();
    gradcheck_module(no_bias, &[4, 5], 1).assert_below(TOLERANCE);
    gradcheck_module(Residual::<f64>::new(Linear::new(5, 5).cast()), &[4, 5], 1)
        .assert_below(TOLERANCE);
    gradcheck_module(Residual::<f64>::new(Linear::new(5, 5).cast()).scaled(0.3), &[4, 5], 1)
        .assert_below(TOLERANCE);
    gradcheck_module(Residual::<f64>::new(Linear::new(5, 5).cast()).learned(0.3), &[4, 5], 1)
        .assert_below(TOLERANCE);
    let mut fixup = FixupBranch::new(5, 7, 4, 3);
    // Away from its zeros, which would hide what is behind them.
    let mut rng = TorchRng::seed(1);
    fixup.visit_params_mut(&mut |_, p| {
        let values = p.value_mut().as_mut_slice().iter_mut();
        values.for_each(|w| *w = rng.random_range(0.1..1.0));
    });
    gradcheck_module(fixup.cast(), &[4, 5], 1).assert_below(TOLERANCE);
}

/// Where activations are steep, flat, saturated and near a kink. (At a kink there is no derivative.)
#[test]
fn activations_at_awkward_points() {
    const POINTS: [f64; 20] = [
        -300.0, -88.0, -40.0, -20.0, -9.0, -5.0, -2.0, -1.1, -0.3, -1e-3, 1e-3, 0.3, 1.1, 2.0, 5.0,
        9.0, 19.0, 40.0, 88.0, 300.0,
    ];
    for (name, layer, _) in all_activations::<f64>() {
        let x = Tensor::from_vec([4, 5], POINTS.to_vec());
        let check = gradcheck_at(vec![x], 1, |_, x| layer.forward(x[0]));
        assert!(check.worst() < TOLERANCE, "{name}: {check:?}");
        gradcheck_module(layer, &[4, 7], 2).assert_below(TOLERANCE);
    }
}

#[test]
fn a_network_of_layers() {
    let net = Sequential::<f64>::default()
        .add(Linear::new(5, 8).cast())
        .add(Gelu)
        .add(Linear::new(8, 8).cast())
        .add(Tanh)
        .add(Linear::new(8, 3).cast())
        .add(LogSoftmax);
    gradcheck_module(net, &[4, 5], 1).assert_below(TOLERANCE);
}

#[test]
fn a_users_layer_without_a_gradient_by_hand() {
    #[derive(Parameters)]
    struct Gated<T: Scalar> {
        inner: Linear<T>,
        gate: Option<Linear<T>>,
        scale: Param<T>,
    }
    impl<T: Scalar> Module<T> for Gated<T> {
        fn forward<'t>(&self, x: Var<'t, T>) -> Var<'t, T> {
            x + self.inner.forward(x) * self.gate.forward(x).sigmoid() * x.tape().param(&self.scale)
        }
    }
    let scale = Param::new(Tensor::from_vec(5, vec![0.1, -0.2, 0.3, 0.4, 1.5]));
    let layer =
        Gated { inner: Linear::new(5, 5).cast(), gate: Some(Linear::new(5, 5).cast()), scale };
    gradcheck_module(layer, &[4, 5], 1).assert_below(TOLERANCE);
}

/// The check itself must notice: a derivative that is wrong in one place, and one whose error a
/// cotangent of all ones would not see.
#[test]
fn wrong_gradients_are_found() {
    #[derive(Debug)]
    struct Wrong {
        swapped: bool,
    }
    impl Op<f64> for Wrong {
        fn backward(&self, cx: &mut Backward<'_, f64>) {
            let dy = cx.dy();
            let Some((write, dx)) = cx.grad(0) else { return };
            if self.swapped {
                map([dy], write, dx, |[dy]| dy);
                dx.reverse();
            } else {
                map([dy], write, dx, |[dy]| 1.00001 * dy);
            }
        }
    }
    for swapped in [true, false] {
        let check = gradcheck(&[&[4, 7]], 1, |t, x| {
            t.apply(Wrong { swapped }, &[x[0]], |cx| {
                let x = cx.input(0);
                map([x.as_slice()], Write::Set, cx.output(x.shape()), |[x]| x);
            })
        });
        assert!(check.worst() > 2e-6, "swapped: {swapped}: {check:?}");
    }
}
