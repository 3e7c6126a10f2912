//! [`Progress`]: bars on a terminal, lines elsewhere.

use std::cell::Cell;
use std::io::{self, Write};
use std::time::{Duration, Instant};

use fanin_nn::{Colour, Terminal};

use crate::history::Epoch;
use crate::text::{duration, number};

/// What a trainer shows of its progress.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Show {
    /// Bars if the standard error is a terminal, else lines.
    Auto,
    /// A line for each epoch.
    Lines,
    Nothing,
}

thread_local! {
    /// Whether trainers of this thread show nothing unless they are told to: in a sweep many run at a
    /// time.
    static QUIET: Cell<bool> = const { Cell::new(false) };
}

/// Sets whether trainers of this thread show nothing, unless they are told to.
pub(crate) fn set_quiet(quiet: bool) {
    QUIET.set(quiet);
}

/// The least time between two writes to a terminal.
const PAUSE: Duration = Duration::from_millis(100);

/// Up to this many epochs have a line each on a terminal. If there are more, one line shows the last.
const LINES: usize = 100;

/// The progress of a training, on the standard error.
pub(crate) struct Progress {
    kind: Kind,
    epochs: usize,
    begun: Instant,
    drawn: Instant,
    /// Whether the terminal's last line is one to be written over.
    open: bool,
    /// The losses and metrics of the epoch before.
    last: String,
    terminal: Terminal,
    /// Whether the terminal is asked for its width before each line, because users change it.
    asks: bool,
    to: Box<dyn Write>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Bar,
    Lines,
    Nothing,
}

impl Progress {
    pub(crate) fn new(show: Show, epochs: usize) -> Self {
        let terminal = Terminal::stderr();
        let kind = match show {
            Show::Nothing => Kind::Nothing,
            Show::Lines => Kind::Lines,
            Show::Auto if QUIET.get() => Kind::Nothing,
            Show::Auto if terminal.can_redraw() => Kind::Bar,
            Show::Auto => Kind::Lines,
        };
        Self { asks: true, ..Self::of(kind, epochs, terminal, Box::new(io::stderr())) }
    }

    fn of(kind: Kind, epochs: usize, terminal: Terminal, to: Box<dyn Write>) -> Self {
        let (now, last) = (Instant::now(), String::new());
        Self { kind, epochs, begun: now, drawn: now, open: false, last, terminal, asks: false, to }
    }

    /// After a step: the mean loss of the epoch so far, and when the epoch began.
    #[inline]
    pub(crate) fn step(
        &mut self,
        epoch: usize,
        step: usize,
        steps: Option<usize>,
        samples: usize,
        loss: f64,
        clock: Instant,
    ) {
        if self.kind == Kind::Bar {
            let now = Instant::now();
            if now - self.drawn >= PAUSE {
                self.drawn = now;
                let seconds = (now - clock).as_secs_f64();
                let state =
                    State { epoch, epochs: self.epochs, step, steps, samples, seconds, loss };
                let elapsed = (now - self.begun).as_secs_f64();
                self.ask();
                self.draw(&state.bar(elapsed, &self.last, &self.terminal), false);
            }
        }
    }

    /// After an epoch.
    pub(crate) fn epoch(&mut self, epoch: &Epoch) {
        match self.kind {
            Kind::Nothing => {}
            Kind::Lines => {
                let line = line(epoch, self.epochs, usize::MAX);
                self.say(&format!("{}\n", self.terminal.spell(&line)));
            }
            Kind::Bar => {
                self.last = values(epoch);
                let now = Instant::now();
                let is_last = epoch.number == self.epochs;
                // The line of an epoch stays, unless there are too many.
                if self.epochs <= LINES || is_last || now - self.drawn >= PAUSE {
                    self.drawn = now;
                    self.ask();
                    let line = line(epoch, self.epochs, self.terminal.columns());
                    self.draw(&line, self.epochs <= LINES || is_last);
                }
            }
        }
    }

    /// After the last epoch.
    pub(crate) fn end(&mut self) {
        if self.open {
            self.say("\n");
            self.open = false;
        }
    }

    fn ask(&mut self) {
        if self.asks {
            self.terminal = Terminal::stderr();
        }
    }

    /// Writes over the terminal's last line. A line that is too long for the terminal is cut by it.
    fn draw(&mut self, text: &str, keep: bool) {
        let end = if keep { "\n" } else { "" };
        self.say(&format!("\r\x1b[K\x1b[?7l{text}\x1b[?7h{end}"));
        self.open = !keep;
    }

    /// Nobody may be listening, and training goes on.
    fn say(&mut self, text: &str) {
        let _ = self.to.write_all(text.as_bytes());
        let _ = self.to.flush();
    }
}

/// A moment in an epoch.
struct State {
    epoch: usize,
    epochs: usize,
    step: usize,
    steps: Option<usize>,
    samples: usize,
    /// Since the epoch began.
    seconds: f64,
    loss: f64,
}

impl State {
    /// `epoch 3/20 ━━━━━━━━········ 412/938  loss 0.1312  59,100 samples/s  12 s left  (before: …)`
    ///
    /// If the line is too wide, it loses its end, then the samples. Then the bar gets shorter, and at last the
    /// time is left out.
    fn bar(&self, elapsed: f64, last: &str, terminal: &Terminal) -> String {
        let head = format!("epoch {}/{} ", self.epoch, self.epochs);
        let steps = self.steps.filter(|&steps| steps > 0);
        let place = match steps {
            Some(steps) => format!(" {}/{steps}", self.step),
            None => format!("step {}", self.step),
        };
        let loss = format!("  loss {}", number(self.loss));
        let rate = self.samples as f64 / self.seconds.max(1e-9);
        let rate = format!("  {} samples/s", number(rate));
        let left = steps.map_or(String::new(), |steps| {
            let done = (self.epoch - 1) as f64 + self.step as f64 / steps as f64;
            let left = elapsed * (self.epochs as f64 / done.max(1e-9) - 1.0);
            format!("  {} left", duration(left))
        });
        let before = if last.is_empty() { String::new() } else { format!("  (before: {last})") };

        let columns = |text: &str| text.chars().count();
        let fixed = [&head, &place, &loss].map(|text| columns(text)).iter().sum::<usize>();
        let room = terminal.columns().saturating_sub(fixed);
        let width = match room.saturating_sub(columns(&left)) {
            _ if steps.is_none() => 0,
            // There is no room for the remaining time.
            0..5 => room.min(20),
            beside => beside.min(20),
        };
        let mut used = fixed + width;
        let mut fits = |text: String| {
            let fits = used + columns(&text) <= terminal.columns();
            used += if fits { columns(&text) } else { 0 };
            if fits { text } else { String::new() }
        };
        let (left, rate) = (fits(left), fits(rate));
        let before = fits(before);
        let full = steps.map_or(0, |steps| {
            ((self.step as f64 / steps as f64).min(1.0) * width as f64) as usize
        });
        let done = terminal.paint(Colour::Green, &"━".repeat(full));
        let bar = if width > 0 { done + &"·".repeat(width - full) } else { String::new() };
        format!("{head}{bar}{place}{loss}{rate}{left}{before}")
    }
}

/// `epoch  3/20  loss 0.1312  validation 0.1544  accuracy 0.9561  59,100 samples/s  1.0 s`
///
/// If the line is too wide, it loses the samples, then the time, then the last metrics.
fn line(epoch: &Epoch, epochs: usize, columns: usize) -> String {
    let width = epochs.to_string().len();
    let rate = epoch.samples as f64 / epoch.seconds.max(1e-9);
    let (rate, time) = (format!("  {} samples/s", number(rate)), duration(epoch.seconds));
    let head = format!("epoch {:width$}/{epochs}  {}", epoch.number, values(epoch));
    let whole = [format!("{head}{rate}  {time}"), format!("{head}  {time}"), head.clone()];
    let fits = |text: &&String| text.chars().count() <= columns;
    match whole.iter().find(fits) {
        Some(line) => line.clone(),
        None => head.chars().take(columns - 1).chain(['…']).collect(),
    }
}

/// `loss 0.1312  validation 0.1544  accuracy 0.9561`
fn values(epoch: &Epoch) -> String {
    let mut text = format!("loss {}", number(epoch.loss));
    if let Some(loss) = epoch.valid_loss {
        text += &format!("  validation {}", number(loss));
    }
    for (name, value) in &epoch.metrics {
        text += &format!("  {name} {}", number(*value));
    }
    text
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::rc::Rc;
    use std::thread::sleep;

    use super::*;

    #[derive(Clone, Default)]
    struct Screen(Rc<RefCell<Vec<u8>>>);

    impl Write for Screen {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.borrow_mut().write(bytes)
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Screen {
        fn take(&self) -> String {
            String::from_utf8(self.0.take()).unwrap()
        }
    }

    /// Epochs of 1,000 steps, which take no time.
    fn show(kind: Kind, epochs: usize) -> (Progress, Screen) {
        let screen = Screen::default();
        (Progress::of(kind, epochs, Terminal::plain(100), Box::new(screen.clone())), screen)
    }

    #[test]
    fn a_terminal_is_written_to_ten_times_a_second_at_most() {
        let (mut progress, terminal) = show(Kind::Bar, 2);
        let clock = Instant::now();
        let steps = |progress: &mut Progress| {
            (1..=1_000).for_each(|at| progress.step(1, at, Some(1_000), at, 0.5, clock));
        };
        steps(&mut progress);
        sleep(PAUSE);
        let quick = terminal.take();
        steps(&mut progress);
        let text = terminal.take();
        let drawn = quick.matches('\r').count() + text.matches('\r').count();
        let most = clock.elapsed().as_millis() / PAUSE.as_millis();
        assert!((1..=most as usize).contains(&drawn), "{drawn} times");
        assert!(
            text.starts_with("\r\x1b[K\x1b[?7lepoch 1/2 ·") && text.ends_with("\x1b[?7h"),
            "{text}"
        );
        // The line of the epoch takes the place of the bar, and stays.
        progress.epoch(&Epoch { number: 1, ..Epoch::default() });
        assert!(terminal.take().ends_with("\x1b[?7h\n"));
        progress.end();
        assert_eq!(terminal.take(), "");
    }

    #[test]
    fn of_many_epochs_one_line_shows_the_last() {
        let (mut progress, terminal) = show(Kind::Bar, 1_000);
        sleep(PAUSE);
        progress.epoch(&Epoch { number: 1, ..Epoch::default() });
        let text = terminal.take();
        assert!(text.contains("epoch    1/1000") && !text.contains('\n'), "{text}");
        progress.end();
        assert_eq!(terminal.take(), "\n");
    }

    #[test]
    fn lines_are_one_for_each_epoch_and_silence_is_silent() {
        for (kind, lines) in [(Kind::Lines, 3), (Kind::Nothing, 0)] {
            let (mut progress, terminal) = show(kind, 3);
            for number in 1..=3 {
                progress.step(number, 1, Some(1), 1, 0.5, Instant::now() - 2 * PAUSE);
                progress.epoch(&Epoch { number, ..Epoch::default() });
            }
            progress.end();
            assert_eq!(terminal.take().matches('\n').count(), lines);
        }
    }

    #[test]
    fn a_bar_says_what_is_done_and_what_is_left() {
        let state = State {
            epoch: 2,
            epochs: 4,
            step: 50,
            steps: Some(100),
            samples: 3_200,
            seconds: 0.5,
            loss: 0.25,
        };
        let bar = state.bar(1.5, "loss 0.5", &Terminal::plain(100));
        assert_eq!(
            bar,
            "epoch 2/4 ━━━━━━━━━━·········· 50/100  loss 0.2500  6,400 samples/s  2.5 s left  \
             (before: loss 0.5)"
        );
        let unknown = State { steps: None, ..state };
        assert!(
            unknown
                .bar(1.5, "", &Terminal::plain(100))
                .starts_with("epoch 2/4 step 50  loss 0.2500")
        );
    }

    #[test]
    fn an_epoch_is_a_line() {
        let mut epoch = Epoch {
            number: 3,
            loss: 0.5,
            valid_loss: Some(0.625),
            samples: 1_000,
            seconds: 2.0,
            ..Epoch::default()
        };
        epoch.metrics.insert("accuracy".into(), 0.75);
        assert_eq!(
            line(&epoch, 20, usize::MAX),
            "epoch  3/20  loss 0.5000  validation 0.6250  accuracy 0.7500  500.0 samples/s  2.0 s"
        );
    }

    /// The text without its colours.
    fn bare(text: &str) -> String {
        let mut pieces = text.split('\x1b');
        let first = pieces.next().unwrap_or_default().to_owned();
        pieces.fold(first, |text, piece| text + piece.split_once('m').unwrap().1)
    }

    #[test]
    fn bars_and_lines_fit_the_terminal() {
        let (mut epoch, seconds) = (Epoch { number: 99, loss: 0.5, ..Epoch::default() }, 0.5);
        epoch.valid_loss = Some(0.25);
        for name in ["accuracy", "precision", "recall"] {
            epoch.metrics.insert(name.into(), 0.75);
        }
        let last = values(&epoch);
        for columns in [40, 60, 80, 200] {
            for steps in [Some(12_345), None] {
                for coloured in [false, true] {
                    let plain = Terminal::plain(columns);
                    let terminal = if coloured { plain.coloured() } else { plain };
                    let state = State {
                        epoch: 99,
                        epochs: 100,
                        step: 6_789,
                        steps,
                        samples: 1_000_000,
                        seconds,
                        loss: 0.125,
                    };
                    let bar = state.bar(1e5, &last, &terminal);
                    assert_eq!(bar.contains('\x1b'), coloured && steps.is_some(), "{bar}");
                    let bar = bare(&bar);
                    assert!(bar.chars().count() <= columns, "{columns}: {bar}");
                    assert!(bar.contains("6789") && bar.contains("loss 0.1250"), "{bar}");
                    assert_eq!(bar.contains("(before: loss 0.5000"), columns == 200, "{bar}");
                    let left = steps.is_some() && columns > 40;
                    assert_eq!(bar.contains(" left"), left, "{columns}: {bar}");
                }
            }
            let line = line(&epoch, 100, columns);
            assert!(line.chars().count() <= columns, "{columns}: {line}");
            assert!(line.starts_with("epoch  99/100  loss 0.5000"), "{line}");
            assert_eq!(line.contains("samples/s"), columns == 200, "{line}");
        }
    }

    #[test]
    fn a_file_gets_no_control_characters_and_a_dumb_terminal_ascii() {
        for terminal in [Terminal::plain(60), Terminal::plain(60).ascii()] {
            let screen = Screen::default();
            let mut progress = Progress::of(Kind::Lines, 2, terminal, Box::new(screen.clone()));
            progress.step(1, 1, Some(2), 1, 0.5, Instant::now() - 2 * PAUSE);
            let mut epoch = Epoch { number: 1, ..Epoch::default() };
            epoch.metrics.insert("Fläche→".into(), 0.75);
            progress.epoch(&epoch);
            progress.end();
            let text = screen.take();
            assert!(!text.contains(['\x1b', '\r']) && text.ends_with('\n'), "{text:?}");
            assert_eq!(text.is_ascii(), !terminal.has_unicode(), "{text}");
            assert!(
                text.contains(if terminal.has_unicode() { "Fläche→" } else { "Fl?che->" }),
                "{text}"
            );
        }
    }
}
