//! [`History`]: what a training did, epoch by epoch.

mod plot;
mod record;
mod text;

use std::io::Read;
use std::path::Path;

use serde::{Deserialize, Serialize};

pub use record::{Epoch, Stopped};

use crate::{Error, Result};

/// What a training did, epoch by epoch: losses, metrics, rates and times, and why it ended.
///
/// It prints as a table, goes to JSON and CSV by [`save`](Self::save), comes back by [`load`](Self::load),
/// and draws itself by [`plot`](Self::plot). With serde it goes into any file.
///
/// # Example
/// ```
/// use fanin_datasets::Table;
/// use fanin_nn::losses::Mse;
/// use fanin_nn::{Adam, Linear, Sequential, Tensor};
/// use fanin_train::{History, Trainer};
///
/// let rows: Vec<[f32; 1]> = (0..64).map(|i| [i as f32 / 64.0]).collect();
/// let y: Vec<f32> = rows.iter().map(|row| 2.0 * row[0]).collect();
/// let table = Table::from_rows(rows, Tensor::from(y))?;
/// let mut model = Sequential::new().add(Linear::new(1, 1));
/// let history = Trainer::new(Mse::new(), Adam::new(0.01)).epochs(3).silent().fit_all(&mut model, &table)?;
///
/// assert_eq!(history.losses().len(), 3);
/// assert!(history.to_csv().starts_with("epoch,steps,samples,loss,"));
/// assert_eq!(History::from_json(&history.to_json())?, history);
/// assert!(history.to_svg().starts_with("<svg "));
/// println!("{history}");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct History {
    /// The epochs in their order. The last one may be incomplete.
    pub epochs: Vec<Epoch>,
    /// Why training ended.
    pub stopped: Stopped,
    /// The epoch, from 1, whose weights the model has, if [early stopping](crate::EarlyStopping) restored
    /// them.
    pub best_epoch: Option<usize>,
}

impl History {
    /// The last epoch.
    pub fn last(&self) -> Option<&Epoch> {
        self.epochs.last()
    }

    /// The epoch whose weights the model has: the [best one](Self::best_epoch) if early stopping restored
    /// it, else the last one.
    pub fn kept(&self) -> Option<&Epoch> {
        match self.best_epoch {
            Some(best) => self.epochs.iter().find(|epoch| epoch.number == best),
            None => self.last(),
        }
    }

    /// The training loss of each epoch.
    pub fn losses(&self) -> Vec<f64> {
        self.epochs.iter().map(|epoch| epoch.loss).collect()
    }

    /// The validation loss of each epoch that has one.
    pub fn valid_losses(&self) -> Vec<f64> {
        self.epochs.iter().filter_map(|epoch| epoch.valid_loss).collect()
    }

    /// A metric in each epoch that has it.
    pub fn metric(&self, name: &str) -> Vec<f64> {
        self.epochs.iter().filter_map(|epoch| epoch.metrics.get(name).copied()).collect()
    }

    /// The history as JSON. NaN and infinity become `null`.
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).expect("numbers and texts are JSON")
    }

    /// A history from JSON. `null` becomes NaN.
    ///
    /// # Errors
    /// If the text is not what [`to_json`](Self::to_json) writes.
    pub fn from_json(json: &str) -> Result<Self> {
        parse(json, "the text")
    }

    /// The epochs as CSV: a column for each number, a row for each epoch, empty where there is no number.
    pub fn to_csv(&self) -> String {
        text::csv(self)
    }

    /// Losses, metrics and the learning rate over the epochs, as one self-contained SVG. Its colours suit
    /// light and dark pages.
    pub fn to_svg(&self) -> String {
        plot::svg(self)
    }

    /// Writes [`to_svg`](Self::to_svg) to a file.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn plot(&self, path: impl AsRef<Path>) -> Result<()> {
        write(path.as_ref(), &self.to_svg())
    }

    /// Writes the history to a file: as CSV if its name ends in `.csv`, else as JSON.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        let is_csv = path.extension().is_some_and(|end| end.eq_ignore_ascii_case("csv"));
        write(path, &if is_csv { self.to_csv() } else { self.to_json() })
    }

    /// Reads a history that [`save`](Self::save) wrote as JSON.
    ///
    /// # Errors
    /// If the file cannot be read, or holds something else.
    pub fn load(path: impl AsRef<Path>) -> Result<Self> {
        /// A million epochs with ten metrics each.
        const MOST: u64 = 1 << 29;
        let path = path.as_ref();
        let read_error = |error| Error::of_file(path, "read", error);
        let file = fanin_files::open(path).map_err(read_error)?;
        let mut json = String::new();
        let read = file.take(MOST).read_to_string(&mut json);
        read.map_err(|source| read_error(source.into()))?;
        parse(&json, &path.display().to_string())
    }
}

fn parse(json: &str, of: &str) -> Result<History> {
    let not =
        |error: serde_json::Error| Error::NotAHistory { of: of.into(), why: error.to_string() };
    serde_json::from_str(json).map_err(not)
}

/// Writes a text to a file as a whole.
pub(crate) fn write(path: &Path, text: &str) -> Result<()> {
    let written = fanin_files::replace(path, |file| file.write_all(text.as_bytes()));
    written.map_err(|error| Error::of_file(path, "write", error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn history() -> History {
        let epoch = |number: usize| {
            let mut epoch = Epoch {
                number,
                steps: 10,
                samples: 320,
                loss: 1.0 / number as f64,
                valid_loss: (number < 4).then_some(2.0 / number as f64),
                rate: 0.1 * 0.5f64.powi(number as i32),
                seconds: 0.25,
                ..Epoch::default()
            };
            if number < 4 {
                epoch.metrics.insert("accuracy, top 1".into(), 0.5 + 0.1 * number as f64);
            }
            epoch
        };
        let epochs = (1..=4).map(epoch).collect();
        History { epochs, stopped: Stopped::Interrupted, best_epoch: Some(3) }
    }

    #[test]
    fn it_comes_back_from_json() {
        let history = history();
        assert_eq!(History::from_json(&history.to_json()).unwrap(), history);
        // Numbers with many digits, to the bit.
        let mut many = history.clone();
        for at in 0..1_000 {
            many.epochs[0].loss = f64::from(at).sqrt().sin() * 1.2927733659744265;
            assert_eq!(History::from_json(&many.to_json()).unwrap(), many);
        }
        let mut broken = history.clone();
        broken.epochs[1].metrics.insert("f1".into(), f64::NAN);
        broken.epochs[1].loss = f64::INFINITY;
        let back = History::from_json(&broken.to_json()).unwrap();
        assert!(back.epochs[1].metrics["f1"].is_nan() && back.epochs[1].loss.is_nan());
        let error = History::from_json("{\"epochs\": 3}").unwrap_err().to_string();
        assert!(error.starts_with("the text holds no history: "), "{error}");
    }

    #[test]
    fn every_byte_cut_and_changed() {
        let json = history().to_json();
        let read = |json: &str| match History::from_json(json) {
            Ok(history) => {
                drop((history.to_json(), history.to_csv(), history.to_svg(), history.to_string()));
            }
            Err(error) => assert!(error.to_string().len() < 300, "{error}"),
        };
        for at in 0..json.len() {
            read(&json[..at]);
            for byte in [b'0', b'9', b'-', b'e', b'"', b'{', b']', b',', b' ', b'x'] {
                let mut bytes = json.clone().into_bytes();
                bytes[at] = byte;
                read(std::str::from_utf8(&bytes).unwrap());
            }
        }
    }

    #[test]
    fn the_csv_has_a_column_for_each_number() {
        let csv = history().to_csv();
        let mut lines = csv.lines();
        let head = "epoch,steps,samples,loss,validation_loss,\"accuracy, top 1\",rate,seconds";
        assert_eq!(lines.next(), Some(head));
        assert_eq!(lines.next(), Some("1,10,320,1,2,0.6,0.05,0.25"));
        assert_eq!(lines.nth(2), Some("4,10,320,0.25,,,0.00625,0.25"));
        assert_eq!(lines.next(), None);
    }

    #[test]
    fn the_table_says_why_training_ended() {
        let table = history().to_string();
        assert!(table.starts_with("epoch"), "{table}");
        assert_eq!(table.lines().count(), 6);
        assert!(
            table.ends_with("stopped by Ctrl-C; the weights are those of epoch 3\n"),
            "{table}"
        );
    }

    #[test]
    fn the_plot_has_a_chart_for_losses_each_metric_and_the_rate() {
        let svg = history().to_svg();
        assert_eq!(svg.matches("<g ").count(), 3);
        for text in ["training", "validation", "accuracy, top 1", "learning rate", "epoch 3 kept"] {
            assert!(svg.contains(text), "{text}");
        }
        let mut constant = history();
        constant.epochs.iter_mut().for_each(|epoch| epoch.rate = 0.1);
        assert_eq!(constant.to_svg().matches("<g ").count(), 2);
        assert!(History::default().to_svg().ends_with("</svg>\n"));
    }

    #[test]
    fn files_by_their_names() {
        let folder = std::env::temp_dir().join(format!("fanin-history-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let history = history();
        for name in ["h.json", "h.csv", "h.svg"] {
            let path = folder.join(name);
            if name.ends_with("svg") { history.plot(&path) } else { history.save(&path) }.unwrap();
        }
        assert_eq!(History::load(folder.join("h.json")).unwrap(), history);
        assert_eq!(fs::read_to_string(folder.join("h.csv")).unwrap(), history.to_csv());
        let error = History::load(folder.join("h.csv")).unwrap_err().to_string();
        assert!(error.contains("h.csv holds no history"), "{error}");
        let error = History::load(folder.join("none.json")).unwrap_err().to_string();
        assert!(error.contains("none.json: cannot read"), "{error}");
        fs::remove_dir_all(folder).unwrap();
    }
}
