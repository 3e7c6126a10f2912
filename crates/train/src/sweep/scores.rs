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
