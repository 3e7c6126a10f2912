//! The initializers, one family a file.

/// Every initializer, in one list: `initializers!(callback)` hands it to the macro `callback`.
///
/// A line is a file of this folder and what is in it: for each initializer its name in texts, its type,
/// the parameters that have no default, and one value, which has the defaults. The module, its
/// re-export, the variant of [`Scheme`](crate::Scheme) and the names all follow from this line.
macro_rules! initializers {
    ($callback:ident) => {
        $callback! {
            constant:
                "zeros" Zeros() = Zeros,
                "ones" Ones() = Ones,
                "constant" Constant("value") = Constant(0.0);
            uniform:
                "uniform" Uniform() = Uniform::new(0.0, 1.0),
                "fan_in_uniform" FanInUniform() = FanInUniform;
            normal: "normal" Normal() = Normal::new(0.0, 1.0);
            truncated: "trunc_normal" TruncatedNormal() = TruncatedNormal::std(1.0);
            xavier:
                "xavier_uniform" XavierUniform() = XavierUniform::default(),
                "xavier_normal" XavierNormal() = XavierNormal::default();
            kaiming:
                "kaiming_uniform" KaimingUniform() = KaimingUniform::default(),
                "kaiming_normal" KaimingNormal() = KaimingNormal::default();
            lecun:
                "lecun_uniform" LecunUniform() = LecunUniform,
                "lecun_untruncated_normal" LecunNormal() = LecunNormal;
            small_init: "small_init" SmallInit() = SmallInit;
            scaling: "variance_scaling" VarianceScaling() = VarianceScaling::default();
            orthogonal: "orthogonal" Orthogonal() = Orthogonal::default();
            auto: "auto" Auto() = Auto::default();
            identity:
                "identity" Identity() = Identity::default(),
                "dirac" Dirac() = Dirac::default();
            delta_orthogonal: "delta_orthogonal" DeltaOrthogonal() = DeltaOrthogonal::default();
            sparse:
                "sparse" Sparse("sparsity") = Sparse::new(0.0, 0.01),
                "sparse_rows" SparseRows() = SparseRows::default();
            nguyen_widrow: "nguyen_widrow" NguyenWidrow() = NguyenWidrow::default();
            biases:
                "log_prior" LogPrior("frequencies") = LogPrior::new([1.0]),
                "logit_prior" LogitPrior() = LogitPrior::default();
            zero_init: "zero_init" ZerO() = ZerO::default();
            idinit: "idinit" IdInit() = IdInit::default();
            looks_linear: "looks_linear" LooksLinear() = LooksLinear::default();
            randomized_asymmetric:
                "randomized_asymmetric" RandomizedAsymmetric() = RandomizedAsymmetric::default();
            sinusoidal: "sinusoidal" Sinusoidal() = Sinusoidal;
            siren: "siren" Siren() = Siren::default();
            depth_scaled: "depth_scaled" DepthScaled("branches") = DepthScaled::new(0.02, 1);
            fixup: "fixup" Fixup("branches", "layers") = Fixup::new(1, 2);
            random_walk: "random_walk" RandomWalk("value") = RandomWalk::Linear;
            edge_of_chaos:
                "edge_of_chaos" EdgeOfChaos("sigma_w") = EdgeOfChaos::with_sigmas(1.0, 0.0);
            from_distribution: ;
        }
    };
}
pub(crate) use initializers;

macro_rules! modules {
    ($($file:ident: $($name:literal $type:ident ($($needs:literal),*) = $example:expr),*;)*) => {
        $(
            mod $file;
            pub use $file::*;
        )*
    };
}
initializers!(modules);
