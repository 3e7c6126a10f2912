//! [`Scores`]: what a training of a sweep is judged by.

use crate::history::{History, Stopped};

/// The numbers that a training of a [`Sweep`](crate::Sweep) is judged by, with their names.
///
/// A [`History`] gives the losses and metrics of the epoch whose weights the model has; a number is called
/// `score`.
///
/// # Example
/// ```
/// use fanin_train::Scores;
///
/// let scores = Scores::from([("accuracy", 0.75), ("seconds", 3.0)]);
/// assert_eq!(scores.get("accuracy"), Some(0.75));
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scores {
    scores: Vec<(String, f64)>,
    /// Whether Ctrl-C ended the training before its end.
    interrupted: bool,
}

impl Scores {
    /// The score with this name.
    pub fn get(&self, name: &str) -> Option<f64> {
        self.iter().find(|(known, _)| *known == name).map(|(_, value)| value)
    }

    /// Names and numbers, in their order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, f64)> {
        self.scores.iter().map(|(name, value)| (&**name, *value))
    }

    /// As text from which [`read`](Scores::read) makes the same scores, to the bit.
    pub(super) fn write(&self) -> String {
        // JSON has no NaN, so numbers are texts as well.
        let pairs: Vec<_> = self.iter().map(|(name, value)| (name, value.to_string())).collect();
        serde_json::to_string(&pairs).expect("texts become JSON")
    }

    pub(super) fn read(text: &str) -> Option<Self> {
        let pairs: Vec<(String, String)> = serde_json::from_str(text).ok()?;
        let number = |(name, value): (String, String)| Some((name, value.parse().ok()?));
        let scores = pairs.into_iter().map(number).collect::<Option<Vec<_>>>()?;
        Some(Self { scores, interrupted: false })
    }

    pub(super) fn is_interrupted(&self) -> bool {
        self.interrupted
    }
}

impl From<History> for Scores {
    fn from(history: History) -> Self {
        Self::from(&history)
    }
}

impl From<&History> for Scores {
    fn from(history: &History) -> Self {
        let mut scores = vec![];
        if let Some(epoch) = history.kept() {
            scores.push(("loss".to_owned(), epoch.loss));
            scores.extend(epoch.valid_loss.map(|loss| ("validation".to_owned(), loss)));
            scores.extend(epoch.metrics.iter().map(|(name, value)| (name.clone(), *value)));
        }
        Self { scores, interrupted: history.stopped == Stopped::Interrupted }
    }
}

impl From<f64> for Scores {
    fn from(score: f64) -> Self {
        Self::from([("score", score)])
    }
}

impl<N: Into<String>, const LEN: usize> From<[(N, f64); LEN]> for Scores {
    fn from(scores: [(N, f64); LEN]) -> Self {
        let scores = scores.into_iter().map(|(name, score)| (name.into(), score)).collect();
        Self { scores, interrupted: false }
    }
}

impl From<Vec<(String, f64)>> for Scores {
    fn from(scores: Vec<(String, f64)>) -> Self {
        Self { scores, interrupted: false }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_come_back_to_the_bit() {
        let values = [0.1 + 0.2, -0.0, 1e-310, f64::MAX, f64::INFINITY, 1.0 / 3.0];
        let scores: Vec<_> =
            values.iter().map(|value| (format!("a \"{value}\"\n"), *value)).collect();
        let back = Scores::read(&Scores::from(scores.clone()).write()).unwrap();
        for ((name, value), (want, bits)) in back.iter().zip(scores) {
            assert_eq!((name, value.to_bits()), (&*want, bits.to_bits()));
        }
        let nan = Scores::read(&Scores::from(f64::NAN).write()).unwrap();
        assert!(nan.get("score").unwrap().is_nan());
        assert!(Scores::read("[[\"a\",\"b\"]]").is_none() && Scores::read("{}").is_none());
    }
}
