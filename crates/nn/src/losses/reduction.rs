//! [`Reduction`]: how the losses of samples become one number.

/// How the losses of the samples of a batch become one number, or that they stay apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Reduction {
    /// Their mean: the default.
    #[default]
    Mean,
    /// Their sum.
    Sum,
    /// None: a value for each sample or element.
    None,
}

impl Reduction {
    /// `x` reduced.
    pub(super) fn apply<T: fanin_tensor::Scalar>(
        self,
        x: crate::tape::Var<'_, T>,
    ) -> crate::tape::Var<'_, T> {
        match self {
            Self::Mean => x.mean(),
            Self::Sum => x.sum(),
            Self::None => x,
        }
    }
}
