//! [`SweepResults`]: the scores of all trainings, and their means.

use std::fmt;

use super::{Interval, Scores, Trial};

/// The scores of the trainings of a [`Sweep`](crate::Sweep). It prints as a table of means and 95 %
/// intervals.
#[derive(Clone, Debug, PartialEq)]
pub struct SweepResults {
    /// The trainings that were done, in the order of [`Sweep::trials`](crate::Sweep::trials).
    pub runs: Vec<SweepRun>,
    /// Whether Ctrl-C ended the sweep before its end.
    pub interrupted: bool,
}

/// A training of a sweep that was done.
#[derive(Clone, Debug, PartialEq)]
pub struct SweepRun {
    /// What was trained.
    pub trial: Trial,
    /// Its scores.
    pub scores: Scores,
    /// How long it took.
    pub seconds: f64,
}

/// The trainings that differ in their seeds alone.
#[derive(Clone, Debug, PartialEq)]
pub struct SweepRow {
    /// What they have in common: the trial with the first seed.
    pub trial: Trial,
    /// The mean of each score, in the order of the scores.
    pub scores: Vec<(String, Interval)>,
}

impl SweepRow {
    /// The mean of a score.
    pub fn score(&self, name: &str) -> Option<Interval> {
        self.scores.iter().find(|(known, _)| known == name).map(|(_, interval)| *interval)
    }
}

impl SweepResults {
    /// The means over the seeds.
    pub fn rows(&self) -> Vec<SweepRow> {
        let same = |a: &Trial, b: &Trial| Trial { seed: b.seed, ..a.clone() } == *b;
        let mut groups: Vec<Vec<&SweepRun>> = vec![];
        for run in &self.runs {
            match groups.iter_mut().find(|group| same(&group[0].trial, &run.trial)) {
                Some(group) => group.push(run),
                None => groups.push(vec![run]),
            }
        }
        let row = |runs: Vec<&SweepRun>| {
            let names = runs[0].scores.iter().map(|(name, _)| name.to_owned());
            let of = |name: String| {
                let values = runs.iter().filter_map(|run| run.scores.get(&name));
                let interval = Interval::of(values);
                (name, interval)
            };
            SweepRow { trial: runs[0].trial.clone(), scores: names.map(of).collect() }
        };
        groups.into_iter().map(row).collect()
    }

    /// The row with the largest mean of a score, for a score that is better when it is larger.
    pub fn best(&self, score: &str) -> Option<SweepRow> {
        self.extreme(score, 1.0)
    }

    /// The row with the smallest mean of a score, such as a loss.
    pub fn lowest(&self, score: &str) -> Option<SweepRow> {
        self.extreme(score, -1.0)
    }

    fn extreme(&self, score: &str, sign: f64) -> Option<SweepRow> {
        let value = |row: &SweepRow| Some(row.score(score)?.mean).filter(|mean| !mean.is_nan());
        let rows = self.rows().into_iter().filter_map(|row| Some((sign * value(&row)?, row)));
        // Of equal means the first counts.
        let best = rows.reduce(|best, next| if next.0 > best.0 { next } else { best });
        best.map(|(_, row)| row)
    }

    /// All trainings as CSV: a row for each.
    pub fn to_csv(&self) -> String {
        let Some(first) = self.runs.first() else { return String::new() };
        let names: Vec<_> = first.scores.iter().map(|(name, _)| name).collect();
        let quoted = |text: &str| format!("\"{}\"", text.replace('"', "\"\""));
        let head = names.iter().map(|name| quoted(name)).collect::<Vec<_>>().join(",");
        let mut csv = format!("trial,seed,{head},seconds\n");
        for run in &self.runs {
            let value = |name: &&str| run.scores.get(name).map_or(String::new(), |x| x.to_string());
            let values = names.iter().map(value).collect::<Vec<_>>().join(",");
            let (trial, seed) = (quoted(&run.trial.name()), run.trial.seed);
            csv += &format!("{trial},{seed},{values},{}\n", run.seconds);
        }
        csv
    }
}

/// A row for each combination, with means and 95 % intervals over the seeds.
impl fmt::Display for SweepResults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows = self.rows();
        let Some(first) = rows.first() else { return writeln!(f, "no training was done") };
        let head =
            ["trial", "runs"].into_iter().chain(first.scores.iter().map(|(name, _)| &**name));
        let mut table: Vec<Vec<String>> = vec![head.map(str::to_owned).collect()];
        for row in &rows {
            let name = row.trial.name();
            let runs = row.scores.first().map_or(0, |(_, interval)| interval.count);
            let mut cells =
                vec![if name.is_empty() { "all".into() } else { name }, runs.to_string()];
            let shown = |name: &str| row.score(name).map_or("-".into(), |score| score.to_string());
            cells.extend(first.scores.iter().map(|(name, _)| shown(name)));
            table.push(cells);
        }
        let width = |column: usize| table.iter().map(|row| row[column].chars().count()).max();
        let widths: Vec<usize> = (0..table[0].len()).filter_map(width).collect();
        for row in &table {
            let mut text = format!("{:<width$}", row[0], width = widths[0]);
            for (cell, &width) in row.iter().zip(&widths).skip(1) {
                text += &format!("  {cell:>width$}");
            }
            writeln!(f, "{}", text.trim_end())?;
        }
        if self.interrupted {
            writeln!(f, "stopped by Ctrl-C")?;
        }
        Ok(())
    }
}
