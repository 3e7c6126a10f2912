//! Measures the median time to fill a weight, in milliseconds. `benches/fill.py` compares it with
//! PyTorch.
//!
//! `cargo bench --bench fill`; with `-- --test` each fill runs once.

use std::time::Instant;

use fanin::init::ndarray::ArrayD;
use fanin::prelude::*;

fn main() {
    let rounds = if std::env::args().any(|arg| arg == "--test") { 1 } else { 15 };
    let cases: [(&str, usize, Box<dyn Initializer>); 4] = [
        ("uniform 4096", 4096, Box::new(Uniform::new(-0.1, 0.1))),
        ("normal 4096", 4096, Box::new(Normal::new(0.0, 0.1))),
        ("truncated 4096", 4096, Box::new(TruncatedNormal::new(0.0, 0.1, -0.2, 0.2))),
        ("orthogonal 1024", 1024, Box::new(Orthogonal::default())),
    ];
    for (name, n, initializer) in cases {
        let spec = ParamSpec::weight(n, n);
        let mut weight = ArrayD::zeros(vec![n, n]);
        let mut rng = TorchRng::seed(0);
        let mut times: Vec<f64> = (0..rounds)
            .map(|_| {
                let start = Instant::now();
                initializer.fill(&spec, &mut rng, weight.view_mut());
                start.elapsed().as_secs_f64() * 1e3
            })
            .collect();
        times.sort_by(f64::total_cmp);
        println!("{name} {:.2}", times[rounds / 2]);
    }
}
