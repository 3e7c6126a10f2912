//! [`PlanReport`]: what a plan would do with each parameter of a model.

use std::fmt;

use fanin_init::ParamKind;
use fanin_tensor::Scalar;

use super::{InitError, InitPlan, Kept, initializers, kept};
use crate::parameters::Parameters;

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
    pub outcome: PlanOutcome,
}

/// What a plan does with a parameter.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PlanOutcome {
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

impl InitPlan {
    /// What the plan would do with each parameter of a model. Prints as a table.
    ///
    /// # Errors
    /// Those of [`Parameters::init`](crate::Parameters::init).
    ///
    /// # Example
    /// ```
    /// use fanin_nn::init::{KaimingNormal, Zeros};
    /// use fanin_nn::layers::{FixupBranch, Residual};
    /// use fanin_nn::{InitPlan, Linear, Sequential};
    ///
    /// let model =
    ///     Sequential::new().add(Linear::new(4, 8)).add(Residual::new(FixupBranch::new(8, 8, 1, 2)));
    /// let plan = InitPlan::new().weights(KaimingNormal::default()).biases(Zeros);
    /// let report = plan.report(&model)?;
    /// println!("{report}");
    /// assert_eq!(report.rows()[2].to_string(), "1.branch.layers.0.weight: kept, set on purpose");
    /// # Ok::<(), fanin_nn::InitError>(())
    /// ```
    pub fn report<T: Scalar>(
        &self,
        model: &(impl Parameters<T> + ?Sized),
    ) -> Result<PlanReport, InitError> {
        let params = model.named_params();
        let initializers = initializers(self, &params)?;
        Ok(PlanReport::new(params.iter().zip(initializers).map(|((path, param), initializer)| {
            let outcome = match (initializer, kept(param)) {
                (Some(initializer), _) => PlanOutcome::Drawn(format!("{initializer:?}")),
                (None, Some(kept)) => kept.into(),
                (None, None) => PlanOutcome::NotSelected,
            };
            PlanRow { path: path.clone(), kind: param.spec().kind, outcome }
        })))
    }
}

impl From<Kept> for PlanOutcome {
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

impl fmt::Display for PlanOutcome {
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
