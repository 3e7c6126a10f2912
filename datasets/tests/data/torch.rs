//! Orders and pixels are torch's, by golden/torch.txt, which golden/make.py wrote with torch.

use fanin_datasets::{Dataset, Pixels};
use fanin_init::{TorchRng, manual_seed};
use flate2::Crc;

const GOLDEN: &str = include_str!("../../golden/torch.txt");

/// The lines of one kind, as words.
fn golden(kind: &str) -> Vec<Vec<&'static str>> {
    let lines = GOLDEN.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    let lines: Vec<_> = lines.filter(|words| words.first() == Some(&kind)).collect();
    assert!(!lines.is_empty());
    lines
}

/// Images whose four pixels are their index.
fn numbered(n: u32) -> Dataset {
    let images = (0..n).flat_map(u32::to_le_bytes).collect();
    Dataset::from_parts(images, 4, vec![0; n as usize], 1).unwrap()
}

fn crc(order: &[u32]) -> String {
    let mut crc = Crc::new();
    order.iter().for_each(|i| crc.update(&i.to_le_bytes()));
    format!("{:08x}", crc.sum())
}

/// The order in which numbered images come, and how many batches they come in.
fn order<'a>(
    batches: impl ExactSizeIterator<Item = (fanin_tensor::Tensor, Vec<usize>)> + 'a,
) -> (Vec<u32>, usize) {
    let promised = batches.len();
    let mut came = 0;
    let mut order = Vec::new();
    for (x, _) in batches {
        came += 1;
        order.extend(
            x.as_slice()
                .chunks(4)
                .map(|x| x.iter().rev().fold(0, |n, byte| n << 8 | (byte * 255.0).round() as u32)),
        );
    }
    assert_eq!(promised, came);
    (order, came)
}

#[test]
fn shuffled_batches_come_in_the_order_of_torchs_loader() {
    for line in golden("epoch") {
        let [seed, n, size, epoch, batches] = [1, 2, 3, 4, 5].map(|i| line[i].parse().unwrap());
        let data = numbered(n);
        let (mut own, size) = (TorchRng::seed(seed.into()), size as usize);
        manual_seed(seed.into());
        for _ in 1..epoch {
            // An earlier epoch draws its order even if no batch of it is used.
            let _ = data.batches(size).shuffle();
            let _ = data.batches(size).shuffle_with(&mut own);
        }
        let (default, count) = order(data.batches(size).shuffle());
        assert_eq!(count, batches as usize);
        assert_eq!(order(data.batches(size).shuffle_with(&mut own)).0, default);

        let first: Vec<u32> = line[7..].iter().map(|i| i.parse().unwrap()).collect();
        assert_eq!(default[..first.len()], first, "seed {seed}, epoch {epoch} of {n}");
        assert_eq!(crc(&default), line[6], "seed {seed}, epoch {epoch} of {n}");
    }
}

#[test]
fn pixels_have_torchs_bits() {
    let data = Dataset::from_parts((0..=255).collect(), 256, vec![0], 1).unwrap();
    for line in golden("pixels") {
        let [mean, std] = [1, 2].map(|i| line[i].parse::<f32>().unwrap());
        let want: Vec<u32> =
            line[3..].iter().map(|b| u32::from_str_radix(b, 16).unwrap()).collect();
        let bits = |x: &[f32]| x.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
        assert_eq!(want.len(), 256);

        let normal = data.clone().normalize(mean, std);
        assert_eq!(bits(normal.tensors().0.as_slice()), want);
        assert_eq!(bits(normal.batches(1).next().unwrap().0.as_slice()), want);
        assert_eq!(bits(normal.batches(1).shuffle().next().unwrap().0.as_slice()), want);
        let of_batch = data.batches(1).normalize(mean, std).next().unwrap().0;
        assert_eq!(bits(of_batch.as_slice()), want);
        let how = Pixels::normalized(mean, std);
        assert_eq!(bits(&(0..=255).map(|p| how.value(p)).collect::<Vec<_>>()), want);
        if (mean, std) == (0.0, 1.0) {
            assert_eq!(bits(data.tensors().0.as_slice()), want);
            assert_eq!(bits(&(0..=255u8).map(|p| f32::from(p) / 255.0).collect::<Vec<_>>()), want);
        }
    }
}
