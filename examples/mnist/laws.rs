//! The laws of `--init`: a name for the command line, and what it stands for.

use clap::ValueEnum;
use fanin::prelude::*;

#[derive(Clone, Copy, Debug, PartialEq, ValueEnum)]
pub(crate) enum Law {
    /// U(±1/√n) for n inputs, weights and biases alike: PyTorch's own
    Pytorch,
    /// All 0: no unit ever differs from another, so nothing is learnt
    Zeros,
    /// All 1
    Ones,
    /// U(0, 1)
    Uniform01,
    /// U(−0.5, 0.5)
    Uniform,
    /// U(±1/√n) for n inputs
    GeneralRule,
    /// N(0, 0.1²)
    Normal,
    /// N(0, 0.1²) without what is beyond ±0.2
    TruncatedNormal,
    /// Variance 2/(n + m) for n inputs and m outputs
    XavierUniform,
    /// The same variance, normal
    XavierNormal,
    /// Variance 2/n, for relu
    KaimingUniform,
    /// The same variance, normal
    KaimingNormal,
    /// Variance 1/n
    LecunUniform,
    /// The same variance, normal
    LecunNormal,
    /// Rows, or columns, at right angles
    Orthogonal,
}

impl Law {
    /// As the command line has it.
    pub(crate) fn name(self) -> String {
        self.to_possible_value().map_or_else(String::new, |value| value.get_name().into())
    }

    /// A layer with weights of this law.
    pub(crate) fn linear(self, inputs: usize, outputs: usize) -> Linear {
        if self == Self::Pytorch {
            return Linear::new(inputs, outputs);
        }
        let layer = Linear::builder(inputs, outputs).bias(Zeros);
        match self {
            Self::Pytorch | Self::GeneralRule => layer.weight(FanInUniform),
            Self::Zeros => layer.weight(Zeros),
            Self::Ones => layer.weight(Ones),
            Self::Uniform01 => layer.weight(Uniform::new(0.0, 1.0)),
            Self::Uniform => layer.weight(Uniform::new(-0.5, 0.5)),
            Self::Normal => layer.weight(Normal::new(0.0, 0.1)),
            Self::TruncatedNormal => layer.weight(TruncatedNormal::std(0.1)),
            Self::XavierUniform => layer.weight(XavierUniform::default()),
            Self::XavierNormal => layer.weight(XavierNormal::default()),
            Self::KaimingUniform => layer.weight(KaimingUniform::default()),
            Self::KaimingNormal => layer.weight(KaimingNormal::default()),
            Self::LecunUniform => layer.weight(LecunUniform),
            Self::LecunNormal => layer.weight(LecunNormal),
            Self::Orthogonal => layer.weight(Orthogonal::default()),
        }
        .build()
    }
}
