//! What the terminal shows: a bar while an epoch runs, and digits.

use std::io::{IsTerminal, stderr, stdout};

use fanin::datasets::Dataset;
use indicatif::{ProgressBar, ProgressStyle};

/// `println!`, but for a reader who has gone: `mnist --save m | head` shall train to its end.
macro_rules! say {
    ($($line:tt)*) => {{
        use std::io::Write;
        let _ = writeln!(std::io::stdout(), $($line)*);
    }};
}

/// A bar over the images of an epoch; a hidden one where the output goes to a file or a pipe.
pub(crate) fn bar(epoch: usize, images: usize) -> ProgressBar {
    if !(stderr().is_terminal() && stdout().is_terminal()) {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("epoch {prefix:>3}  {bar:30}  {msg}")
        .expect("the template is sound");
    let bar = ProgressBar::new(images as u64).with_style(style);
    bar.with_prefix(epoch.to_string())
}

/// Three test digits that are read rightly, and three that are not, side by side.
pub(crate) fn digits(test: &Dataset, read: &[usize]) {
    for (right, verb) in [(true, "read as"), (false, "WRONGLY read as")] {
        let all: Vec<usize> =
            (0..test.len()).filter(|&i| (read[i] == test.label(i)) == right).collect();
        // From all over the set: the bundled digits are sorted, so the first ones would be alike.
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

/// The middle of an image: the edges of MNIST's are empty.
const WIDTH: usize = 22;
const HEIGHT: usize = 22;

/// Two rows of pixels to a line of text, the ink in half blocks.
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
