//! What the environment says about who started the process.

/// Variables in which launchers say how many processes they have started: Open MPI's mpirun, MPICH's and
/// Intel's (PMI), MVAPICH's, and srun. `SLURM_NTASKS` is not among them: it is set in a batch script too,
/// where a program without srun is one process.
const VARIABLES: [&str; 4] =
    ["OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "MV2_COMM_WORLD_SIZE", "SLURM_STEP_NUM_TASKS"];

/// The first variable that says more than one, and how many.
pub(crate) fn processes(
    variable: impl Fn(&'static str) -> Option<String>,
) -> Option<(&'static str, usize)> {
    VARIABLES.into_iter().find_map(|name| {
        let processes = variable(name)?.trim().parse().ok()?;
        (processes > 1).then_some((name, processes))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_launcher_of_several_processes_is_seen() {
        let of = |name: &'static str, value: &'static str| {
            processes(|asked| (asked == name).then(|| value.to_owned()))
        };
        assert_eq!(of("PMI_SIZE", "4"), Some(("PMI_SIZE", 4)));
        assert_eq!(of("SLURM_STEP_NUM_TASKS", "16"), Some(("SLURM_STEP_NUM_TASKS", 16)));
        assert_eq!(of("PMI_SIZE", "1"), None);
        assert_eq!(of("PMI_SIZE", "many"), None);
        assert_eq!(of("SLURM_NTASKS", "16"), None);
    }
}
