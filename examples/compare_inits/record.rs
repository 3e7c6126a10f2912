//! A run as text and back: what a journal keeps of it, and what one process sends to another. Floats are
//! written so that they come back to the bit.

use std::fmt::{Display, Write};
use std::str::{FromStr, SplitAsciiWhitespace};

use crate::probe::{Layer, Snapshot};
use crate::train::{Epoch, Run};

/// The numbers of a run, each list behind its length.
pub(crate) fn write(run: &Run) -> String {
    let mut text = Text(String::new());
    text.list(&run.losses, |text, loss| text.word(loss));
    text.list(&run.epochs, |text, epoch| {
        [epoch.loss, epoch.validation, epoch.test].iter().for_each(|x| text.word(x));
    });
    for snapshot in [&run.before, &run.after] {
        text.list(&snapshot.layers, |text, layer| {
            [layer.signal, layer.gradient, layer.dead].iter().for_each(|x| text.word(x));
            text.word(&layer.distinct);
        });
        text.list(snapshot.weights.as_slice(), |text, weights| {
            text.list(weights, |text, weight| text.word(weight));
        });
    }
    text.0
}

/// A run from its text; `None` if this is none.
pub(crate) fn read(text: &str) -> Option<Run> {
    let mut words = Words(text.split_ascii_whitespace());
    let losses = words.list(Words::word)?;
    let epochs = words.list(|words| {
        Some(Epoch { loss: words.word()?, validation: words.word()?, test: words.word()? })
    })?;
    let mut snapshot = || {
        let layers = words.list(|words| {
            let [signal, gradient, dead] = [words.word()?, words.word()?, words.word()?];
            Some(Layer { signal, gradient, dead, distinct: words.word()? })
        })?;
        let weights = words.list(|words| words.list(Words::word))?.pop();
        Some(Snapshot { layers, weights })
    };
    let (before, after) = (snapshot()?, snapshot()?);
    words.0.next().is_none().then_some(Run { losses, epochs, before, after })
}

struct Text(String);

impl Text {
    fn word(&mut self, word: &impl Display) {
        write!(self.0, "{word} ").expect("a String");
    }

    fn list<T>(&mut self, items: &[T], each: impl Fn(&mut Self, &T)) {
        self.word(&items.len());
        items.iter().for_each(|item| each(self, item));
    }
}

struct Words<'t>(SplitAsciiWhitespace<'t>);

impl Words<'_> {
    fn word<T: FromStr>(&mut self) -> Option<T> {
        self.0.next()?.parse().ok()
    }

    fn list<T>(&mut self, each: impl Fn(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        let length: usize = self.word()?;
        (0..length).map(|_| each(self)).collect()
    }
}
