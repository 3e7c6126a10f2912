//! [`Interrupt`]: Ctrl-C ends training after the current step.

/// Until it is dropped, Ctrl-C is noted instead of ending the process. A second one ends the process.
///
/// All trainings of the process see the same Ctrl-C.
pub(crate) struct Interrupt {
    active: bool,
}

impl Interrupt {
    /// Notes Ctrl-C from here on, if `wanted` and if the feature `ctrl-c` is on.
    pub(crate) fn begin(wanted: bool) -> Self {
        Self { active: wanted && signals::begin() }
    }

    /// Whether Ctrl-C was pressed while a training ran.
    #[inline]
    pub(crate) fn pressed(&self) -> bool {
        self.active && signals::pressed()
    }
}

impl Drop for Interrupt {
    fn drop(&mut self) {
        if self.active {
            signals::end();
        }
    }
}

#[cfg(all(unix, feature = "ctrl-c"))]
mod signals {
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::sync::{Arc, LazyLock, Mutex, PoisonError};

    use signal_hook::consts::SIGINT;
    use signal_hook::flag;

    /// Whether the next SIGINT ends the process: while no training runs, as it does by default, and
    /// in a training after the first SIGINT, which sets it.
    static ARMED: LazyLock<Arc<AtomicBool>> = LazyLock::new(|| Arc::new(AtomicBool::new(false)));

    struct State {
        /// How many trainings run.
        running: usize,
        /// Whether the handler is there, once a training has asked.
        installed: Option<bool>,
        /// What `ARMED` is while no training runs.
        at_rest: bool,
    }

    static STATE: Mutex<State> = Mutex::new(State { running: 0, installed: None, at_rest: false });

    /// What SIGINT did before the first training.
    #[derive(Clone, Copy, PartialEq, Eq)]
    enum Before {
        /// It ended the process.
        Default,
        /// It was ignored, as for a job in the background.
        Ignored,
        /// The program has a handler of its own.
        Caught,
    }

    /// Linux says it in a file. Elsewhere it is taken for the default.
    fn before() -> Before {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let has = |key: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(key));
            let bits = line.and_then(|bits| u64::from_str_radix(bits.trim(), 16).ok());
            bits.is_some_and(|bits| bits >> (SIGINT - 1) & 1 == 1)
        };
        match (has("SigIgn:"), has("SigCgt:")) {
            (true, _) => Before::Ignored,
            (_, true) => Before::Caught,
            _ => Before::Default,
        }
    }

    pub(super) fn begin() -> bool {
        let mut state = STATE.lock().unwrap_or_else(PoisonError::into_inner);
        let installed = match state.installed {
            Some(installed) => installed,
            None => {
                let before = before();
                state.at_rest = before == Before::Default;
                // The handler stays: the crate cannot put the default action back. At rest it does
                // what the default action does.
                let armed = || Arc::clone(&ARMED);
                let installed = before != Before::Ignored
                    && flag::register_conditional_default(SIGINT, armed()).is_ok()
                    && flag::register(SIGINT, armed()).is_ok();
                state.installed = Some(installed);
                installed
            }
        };
        if installed {
            if state.running == 0 {
                ARMED.store(false, Ordering::SeqCst);
            }
            state.running += 1;
        }
        installed
    }

    pub(super) fn end() {
        let mut state = STATE.lock().unwrap_or_else(PoisonError::into_inner);
        state.running -= 1;
        if state.running == 0 {
            ARMED.store(state.at_rest, Ordering::SeqCst);
        }
    }

    #[inline]
    pub(super) fn pressed() -> bool {
        ARMED.load(Ordering::Relaxed)
    }
}

#[cfg(not(all(unix, feature = "ctrl-c")))]
mod signals {
    pub(super) fn begin() -> bool {
        false
    }
    pub(super) fn end() {}
    pub(super) fn pressed() -> bool {
        false
    }
}
