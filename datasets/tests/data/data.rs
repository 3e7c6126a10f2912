//! Batches of anything that implements `Data`: tensors, arrays, tuples, tables, a user's own type.

use std::sync::Arc;

use fanin_datasets::{Augment, Batches, Buffers, Data, Dataset, Table, Tensor};
use fanin_init::rand::RngCore;
use fanin_init::{TorchRng, manual_seed};
use fanin_tensor::ndarray::{Array1, Array2, Array3};

use crate::common::{bits, panic_of};

/// The order of ten samples after `manual_seed(42)`, in which torch's loader of golden/torch.txt
/// gives them.
const ORDER: [usize; 10] = [8, 0, 9, 1, 4, 5, 6, 3, 2, 7];

/// Ten rows `[i, 10 i]` with the target `100 i`.
fn ten() -> Table {
    let x = (0..10).flat_map(|i| [i as f32, 10.0 * i as f32]).collect();
    let y = (0..10).map(|i| 100.0 * i as f32).collect::<Vec<_>>();
    Table::from_tensors(Tensor::from_vec([10, 2], x), Tensor::from(y))
}

#[test]
fn rows_with_float_targets_come_in_the_order_of_torchs_loader() {
    manual_seed(42);
    let table = ten();
    let batches: Vec<_> = table.batches(3).shuffle().collect();
    let lengths: Vec<_> = batches.iter().map(|(x, _)| x.shape()[0]).collect();
    assert_eq!(lengths, [3, 3, 3, 1]);
    for ((x, y), order) in batches.iter().zip(ORDER.chunks(3)) {
        assert_eq!(y.shape(), [order.len(), 1]);
        let rows: Vec<f32> = order.iter().flat_map(|&i| [i as f32, 10.0 * i as f32]).collect();
        let targets: Vec<f32> = order.iter().map(|&i| 100.0 * i as f32).collect();
        assert_eq!((x.as_slice(), y.as_slice()), (&*rows, &*targets));
    }
}

#[test]
fn the_order_above_is_that_of_the_golden_file() {
    let golden = include_str!("../../golden/torch.txt");
    let line = golden.lines().find(|line| line.starts_with("epoch 42 10 3 1 ")).unwrap();
    let order: Vec<usize> = line.split(' ').skip(7).map(|i| i.parse().unwrap()).collect();
    assert_eq!(order, ORDER);
}

/// The bits of batches of inputs and targets.
fn seen(batches: impl Iterator<Item = (Tensor, Tensor)>) -> Vec<[Vec<u32>; 2]> {
    batches.map(|(x, y)| [bits(&x), bits(&y)]).collect()
}

/// Adds a number to each value, and at times draws another.
fn noise(row: &mut [f32], _: &[usize], rng: &mut dyn RngCore) {
    row.iter_mut().for_each(|value| *value += (rng.next_u32() % 1000) as f32);
    if rng.next_u32().is_multiple_of(2) {
        rng.next_u32();
    }
}

#[test]
fn a_tables_prefetched_batches_have_the_same_bits() {
    let table = ten();
    for (size, augment) in [(3, false), (3, true), (10, true), (1, true)] {
        let make = || {
            manual_seed(5);
            let batches = table.batches(size).shuffle();
            if augment { batches.augment(noise) } else { batches }
        };
        let here = seen(make());
        assert_eq!(seen(make().prefetch()), here);
        assert_eq!(here.len(), 10usize.div_ceil(size));
    }
}

#[test]
fn a_change_to_a_table_gets_its_inputs_and_goes_from_row_to_row() {
    let table = ten();
    let change = |row: &mut [f32], shape: &[usize], rng: &mut dyn RngCore| {
        assert_eq!(shape, [2]);
        row[1] = rng.next_u32() as f32;
    };
    let batches = table.batches(4).augment_with(change, &mut TorchRng::seed(9));
    let mut own = TorchRng::seed(TorchRng::seed(9).next_u64());
    let mut i = 0;
    for (x, y) in batches {
        for (row, target) in x.as_slice().chunks(2).zip(y.as_slice()) {
            assert_eq!((row, *target), (&[i as f32, own.next_u32() as f32][..], 100.0 * i as f32));
            i += 1;
        }
    }
    assert_eq!(i, 10);
    assert_eq!(table.inputs().as_slice()[..4], [0.0, 0.0, 1.0, 10.0], "the table stays as it is");
}

/// The batches of 3 and what they sum up to, for data whose batch is one tensor.
fn rows<D: Data<Batch = Tensor>>(batches: Batches<'_, D>) -> Vec<(Vec<usize>, Vec<f32>)> {
    batches.map(|x| (x.shape().to_vec(), x.as_slice().to_vec())).collect()
}

#[test]
fn tensors_and_arrays_give_their_rows() {
    let values: Vec<f32> = (0..20).map(|i| i as f32).collect();
    let tensor = Tensor::from_vec([5, 2, 2], values.clone());
    let want = rows(tensor.batches(3));
    assert_eq!(want[0], (vec![3, 2, 2], values[..12].to_vec()));
    assert_eq!(want[1], (vec![2, 2, 2], values[12..].to_vec()));

    let array = Array3::from_shape_vec((5, 2, 2), values.clone()).unwrap();
    assert_eq!(rows(array.batches(3)), want);
    // Rows of an array in column-major order are not contiguous.
    let columns = Array2::from_shape_vec((4, 5), values.clone()).unwrap().reversed_axes();
    assert_eq!(columns.batches(2).next().unwrap().as_slice(), [0., 5., 10., 15., 1., 6., 11., 16.]);

    let line = Array1::from(values);
    assert_eq!(rows(line.batches(15))[1], (vec![5], vec![15., 16., 17., 18., 19.]));
    assert_eq!(rows(Tensor::<f32>::zeros([2, 0]).batches(1)), vec![(vec![1, 0], vec![]); 2]);

    manual_seed(42);
    let order: Vec<f32> = Tensor::from((0..10).map(|i| i as f32).collect::<Vec<_>>())
        .batches(4)
        .shuffle()
        .flat_map(Tensor::into_vec)
        .collect();
    assert_eq!(order, ORDER.map(|i| i as f32));
}

#[test]
fn the_members_of_a_tuple_go_together() {
    let x = Tensor::from_vec([4, 1], vec![0.0, 1.0, 2.0, 3.0]);
    let names = ["zero", "one", "two", "three"].map(String::from).to_vec();
    let data = (x.clone(), names.clone(), vec![0usize, 1, 2, 3]);
    for (x, names, labels) in data.batches(3).shuffle() {
        for ((x, name), label) in x.as_slice().iter().zip(names).zip(labels) {
            assert_eq!((*x as usize, name), (label, data.1[label].clone()));
        }
    }
    let pair = Arc::new((x, names));
    assert_eq!(
        pair.batches(3).prefetch().map(|(_, names)| names.len()).collect::<Vec<_>>(),
        [3, 1]
    );
    let borrowed = &pair;
    assert_eq!(Data::batches(&borrowed, 4).next(), pair.batches(4).next());
}

#[test]
fn each_tensor_of_a_batch_uses_its_own_memory_again() {
    let data = (Tensor::ones([90, 7]), Tensor::zeros([90, 3]));
    let place = |x: &Tensor| x.as_slice().as_ptr();
    let mut batches = data.batches(10);
    let (x, y) = batches.next().unwrap();
    let first = [place(&x), place(&y)];
    drop((x, y));
    assert!(batches.all(|(x, y)| [place(&x), place(&y)] == first));

    let kept: Vec<_> = data.batches(10).collect();
    assert!(kept.iter().all(|(x, y)| x.as_slice() == [1.0; 70] && y.as_slice() == [0.0; 30]));
}

/// Data of a user's own: the sample `i` is the number `i`, and the batch is a sum.
#[derive(Clone)]
struct Sums(usize);

impl Data for Sums {
    type Batch = usize;
    fn num_samples(&self) -> usize {
        self.0
    }
    fn gather(&self, indices: &[usize], _: &mut Buffers) -> usize {
        indices.iter().sum()
    }
}

#[test]
fn a_users_type_is_shuffled_and_prefetched_as_all_others() {
    assert_eq!(Sums(10).batches(4).collect::<Vec<_>>(), [6, 22, 17]);
    manual_seed(42);
    let sums: Vec<_> = Sums(10).batches(3).shuffle().prefetch().collect();
    assert_eq!(sums, ORDER.chunks(3).map(|part| part.iter().sum()).collect::<Vec<usize>>());
    assert_eq!(Sums(10).batches(4).drop_last().len(), 2);
}

#[test]
fn images_augmented_through_the_trait_equal_those_of_a_pass() {
    let data = Dataset::from_parts((0..24).collect(), [2, 2], vec![0, 1, 2, 0, 1, 2], 3).unwrap();
    let (x, y) = data.gather_augmented(&[4, 1], &mut Buffers::default(), &mut |image, shape| {
        assert_eq!(shape, [2, 2]);
        image[0] = 1.0;
    });
    let want: Vec<f32> =
        [255, 17, 18, 19, 255, 5, 6, 7].iter().map(|&p| p as f32 / 255.0).collect();
    assert_eq!((x.as_slice(), y), (&*want, vec![1, 1]));
}

#[test]
fn mistakes_panic_at_the_callers_line() {
    let check = |(message, file, line): (String, String, u32), expected: u32, text: &str| {
        assert_eq!((file.as_str(), line), (file!(), expected), "{message}");
        assert!(message.contains(text), "{message}");
    };
    let pair = (Tensor::ones([3, 2]), vec![0; 4]);
    check(panic_of(|| drop(pair.batches(2))), line!(), "[3, 4] samples");
    let three = (vec![0; 2], vec![0; 2], vec![0; 1]);
    check(panic_of(|| drop(three.batches(2))), line!(), "[2, 2, 1] samples");
    check(panic_of(|| drop(Tensor::scalar(1.0f32).batches(2))), line!(), "no axis");
    check(panic_of(|| drop(Sums(1).batches(0))), line!(), "a batch of 0 samples");
}
