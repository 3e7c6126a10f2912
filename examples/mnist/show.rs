//! Terminal output: a progress bar during an epoch, and digits.

use std::io::{IsTerminal, stderr, stdout};
use std::time::{Duration, Instant};

use fanin::datasets::Dataset;

/// `println!` that ignores a closed pipe: `mnist --save m | head` trains to the end.
macro_rules! say {
    ($($line:tt)*) => {{
        use std::io::Write;
        let _ = writeln!(std::io::stdout(), $($line)*);
    }};
}

/// A progress bar for an epoch. It is invisible if the output goes to a file or a pipe.
pub(crate) struct Bar {
    epoch: usize,
    images: usize,
    /// The time of the last update; `None` if the bar is invisible.
    shown: Option<Instant>,
}

impl Bar {
    /// The time between two updates: smooth to the eye, and without cost to the training.
    const PAUSE: Duration = Duration::from_millis(60);

    pub(crate) fn new(epoch: usize, images: usize) -> Self {
        let seen = stderr().is_terminal() && stdout().is_terminal();
        Self { epoch, images, shown: seen.then(Instant::now) }
    }

    /// Shows the number of images seen and the text of `status`.
    pub(crate) fn set(&mut self, seen: usize, status: impl FnOnce() -> String) {
        if self.shown.is_some_and(|shown| shown.elapsed() >= Self::PAUSE) {
            let full = "█".repeat(30 * seen / self.images);
            eprint!("\repoch {:>3}  {full:░<30}  {:<36}", self.epoch, status());
            self.shown = Some(Instant::now());
        }
    }

    /// Erases the bar.
    pub(crate) fn clear(&self) {
        if self.shown.is_some() {
            eprint!("\r{:79}\r", "");
        }
    }
}

/// Prints three test digits that are classified correctly and three that are not, side by side.
pub(crate) fn digits(test: &Dataset, read: &[usize]) {
    for (right, verb) in [(true, "read as"), (false, "WRONGLY read as")] {
        let all: Vec<usize> =
            (0..test.len()).filter(|&i| (read[i] == test.label(i)) == right).collect();
        // Samples from all over the set, because the bundled digits are sorted by class.
        let some = (0..all.len().min(3)).map(|n| all[(2 * n + 1) * all.len() / 6]);
        let pictures: Vec<_> = some
            .map(|i| {
                let title = format!("a {}, {verb} {}", test.label(i), read[i]);
                let mut lines = picture(test.image(i));
                lines.push(format!("{title:WIDTH$}"));
                lines
            })
            .collect();
        for line in 0..pictures.first().map_or(0, Vec::len) {
            let parts: Vec<&str> = pictures.iter().map(|picture| &*picture[line]).collect();
            say!("{}", parts.join("  ").trim_end());
        }
        say!();
    }
}

/// The size of the middle of an image. The edges of MNIST's images are empty.
const WIDTH: usize = 22;
const HEIGHT: usize = 22;

/// Draws two rows of pixels in one line of text by half blocks.
fn picture(image: &[u8]) -> Vec<String> {
    let (rows, columns) = ((28 - HEIGHT) / 2, (28 - WIDTH) / 2);
    let ink = |row: usize, column: usize| image[(row + rows) * 28 + column + columns] >= 96;
    (0..HEIGHT)
        .step_by(2)
        .map(|row| {
            let blocks = (0..WIDTH).map(|column| match (ink(row, column), ink(row + 1, column)) {
                (true, true) => '█',
                (true, false) => '▀',
                (false, true) => '▄',
                (false, false) => ' ',
            });
            blocks.collect()
        })
        .collect()
}
