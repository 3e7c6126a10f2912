//! Random changes of a corpus.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

/// No case may take longer.
const LIMIT: Duration = Duration::from_secs(10);

/// Runs a target on as many changed files of its corpus as `FANIN_CASES` says.
pub(crate) fn read_many(name: &str, run: fn(&[u8])) {
    let cases: u64 = match std::env::var("FANIN_CASES") {
        Ok(text) => text.parse().expect("FANIN_CASES is a number"),
        Err(_) => 1000,
    };
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let corpus = corpus(&fuzz.join("corpus").join(name));
    let current = Mutex::new(vec![]);
    let begun = Instant::now();
    thread::scope(|scope| {
        let (progress, watched) = channel();
        let (name, current) = (name.to_owned(), &current);
        let artifact = fuzz.join("artifacts").join(&name);
        let keep = move |bytes: &[u8]| -> PathBuf {
            fs::create_dir_all(&artifact).expect("the folder of artifacts");
            let file = artifact.join(format!("{:08x}", crc32fast::hash(bytes)));
            fs::write(&file, bytes).expect("the artifact");
            file
        };
        let watchdog = keep.clone();
        scope.spawn(move || {
            loop {
                match watched.recv_timeout(LIMIT) {
                    Ok(()) => {}
                    Err(RecvTimeoutError::Disconnected) => return,
                    Err(RecvTimeoutError::Timeout) => {
                        eprintln!("{name} hangs: {}", watchdog(&current.lock().unwrap()).display());
                        std::process::exit(1);
                    }
                }
            }
        });
        let mut rng = Rng(1);
        for case in 0..cases {
            let bytes = rng.change(&corpus);
            // Not for each case: the watchdog's lock and wake-up would cost more than most cases.
            if case % 64 == 0 {
                let _ = progress.send(());
            }
            current.lock().unwrap().clone_from(&bytes);
            if let Err(panic) = catch_unwind(AssertUnwindSafe(|| run(&bytes))) {
                eprintln!("case {case}: {}", keep(&bytes).display());
                std::panic::resume_unwind(panic);
            }
        }
    });
    eprintln!(
        "{name}: {cases} cases in {:.0} s, {} files",
        begun.elapsed().as_secs_f64(),
        corpus.len()
    );
}

fn corpus(folder: &Path) -> Vec<Vec<u8>> {
    let files =
        fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut files: Vec<_> = files.map(|file| file.unwrap().path()).collect();
    files.sort();
    let corpus: Vec<_> = files.iter().map(|file| fs::read(file).unwrap()).collect();
    assert!(!corpus.is_empty(), "{}: no file", folder.display());
    corpus
}

/// SplitMix64.
struct Rng(u64);

impl Rng {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: usize) -> usize {
        (self.next() % n.max(1) as u64) as usize
    }

    /// A file of the corpus with a few changes: bits, bytes and numbers changed, parts left out, copied, and
    /// taken from another file.
    fn change(&mut self, corpus: &[Vec<u8>]) -> Vec<u8> {
        let mut bytes = corpus[self.below(corpus.len())].clone();
        for _ in 0..1 + self.below(5) {
            let at = self.below(bytes.len() + 1);
            let to = (at + self.below(12)).min(bytes.len());
            match self.below(8) {
                0 => bytes[at..to].fill([0, 0xff][self.below(2)]),
                1 => drop(bytes.drain(at..to)),
                2 => bytes.truncate(at),
                3 | 4 => {
                    let other = &corpus[self.below(corpus.len())];
                    let from = self.below(other.len() + 1);
                    let end = (from + self.below(64)).min(other.len());
                    let part = &other[from..end];
                    bytes.splice(at..at, part.iter().copied());
                }
                5 if at < bytes.len() => bytes[at] ^= 1 << self.below(8),
                6 if at < bytes.len() => {
                    bytes[at] = bytes[at].wrapping_add([1, 255][self.below(2)]);
                }
                _ => bytes[at..to].iter_mut().for_each(|byte| *byte = self.next() as u8),
            }
        }
        bytes
    }
}
