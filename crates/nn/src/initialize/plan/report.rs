//! [`PlanReport`]: what a plan would do with each parameter of a model.

use std::fmt;

use fanin_init::ParamKind;

use super::Kept;

/// What an [`InitPlan`](super::InitPlan) would do with each parameter of a model, in order. Made by
/// [`InitPlan::report`](super::InitPlan::report); prints as a table.
#[derive(Clone, Debug, PartialEq)]
pub struct PlanReport {
    rows: Vec<PlanRow>,
}

/// One parameter of a [`PlanReport`].
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq)]
pub struct PlanRow {
    /// The parameter's path.
    pub path: String,
    /// The kind that its layer states.
    pub kind: ParamKind,
    /// What the plan does with it.
    pub outcome: Outcome,
}

/// What a plan does with a parameter.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is drawn by this initializer.
    Drawn(String),
    /// It keeps its value, because no entry selects it.
    NotSelected,
    /// It keeps its value, because it is frozen.
    Frozen,
    /// It keeps its value, because it is [protected](crate::Param::set_protected).
    OnPurpose,
    /// It keeps its value, because it is a scale or a shift.
    ScaleOrShift,
}

impl From<Kept> for Outcome {
    fn from(kept: Kept) -> Self {
        match kept {
            Kept::Frozen => Self::Frozen,
            Kept::OnPurpose => Self::OnPurpose,
            Kept::ScaleOrShift => Self::ScaleOrShift,
        }
    }
}

impl PlanReport {
    pub(super) fn new(rows: impl Iterator<Item = PlanRow>) -> Self {
        Self { rows: rows.collect() }
    }

    /// The parameters in order.
    pub fn rows(&self) -> &[PlanRow] {
        &self.rows
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Drawn(initializer) => initializer,
            Self::NotSelected => "kept, not selected",
            Self::Frozen => "kept, frozen",
            Self::OnPurpose => "kept, set on purpose",
            Self::ScaleOrShift => "kept, a scale or shift",
        })
    }
}

impl fmt::Display for PlanRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.outcome)
    }
}

impl fmt::Display for PlanReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self.rows.iter().map(|row| row.path.chars().count()).fold(9, usize::max);
        writeln!(f, "{:width$}  {:9}  plan", "parameter", "kind")?;
        for PlanRow { path, kind, outcome } in &self.rows {
            let kind = format!("{kind:?}").to_lowercase();
            writeln!(f, "{path:width$}  {kind:9}  {outcome}")?;
        }
        Ok(())
    }
}
