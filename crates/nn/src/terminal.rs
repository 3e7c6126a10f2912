//! [`Terminal`]: how wide the output is, and which characters it shows.

use std::env;
use std::fmt::{self, Write as _};
use std::io::{self, IsTerminal, Write as _};

/// What text is written for: a number of columns, with colour or without, any characters or ASCII alone.
///
/// | | columns | colour | characters |
/// |---|---|---|---|
/// | a terminal | its own | yes, unless `NO_COLOR` is set | all |
/// | a terminal with `TERM=dumb` | its own | no | ASCII |
/// | a file or a pipe | 100 | no | all; ASCII with `TERM=dumb` |
///
/// Without the feature `terminal`, which fanin-train turns on, the system is not asked for the width.
/// `COLUMNS` is believed where the width is not known; without it a terminal has 80 columns. `CLICOLOR_FORCE` and `FORCE_COLOR`, unless they are `0`,
/// give colour to files and pipes.
///
/// # Example
/// ```
/// use fanin_nn::{Linear, Sequential, Terminal};
///
/// let model = Sequential::new().add(Linear::new(784, 128)).add(Linear::new(128, 10));
/// model.summary().print();                                    // as wide as the terminal
/// let text = model.summary().render(&Terminal::plain(60));    // for 60 columns, whatever is there
/// assert!(text.lines().all(|line| line.chars().count() <= 60));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terminal {
    columns: usize,
    colour: bool,
    unicode: bool,
    screen: bool,
}

/// Tables need some room.
const LEAST: usize = 40;

macro_rules! of_stream {
    ($stream:expr) => {{
        let out = $stream;
        #[cfg(all(feature = "terminal", any(unix, windows)))]
        let size = terminal_size::terminal_size_of(&out).map(|(width, _)| usize::from(width.0));
        #[cfg(not(all(feature = "terminal", any(unix, windows))))]
        let size = None;
        Terminal::of(out.is_terminal(), size, |name| env::var(name).ok())
    }};
}

impl Terminal {
    /// Text of this many columns, at least 40, with all characters and without colour. Nothing of the
    /// environment changes it.
    pub fn plain(columns: usize) -> Self {
        Self { columns: columns.max(LEAST), colour: false, unicode: true, screen: false }
    }

    /// The standard output.
    pub fn stdout() -> Self {
        of_stream!(io::stdout())
    }

    /// The standard error.
    pub fn stderr() -> Self {
        of_stream!(io::stderr())
    }

    /// What a stream is, by what the system and these variables say.
    fn of(screen: bool, size: Option<usize>, variable: impl Fn(&str) -> Option<String>) -> Self {
        let dumb = variable("TERM").is_some_and(|term| term == "dumb");
        let set = |name| variable(name).is_some_and(|value| !value.is_empty());
        let forced = ["CLICOLOR_FORCE", "FORCE_COLOR"]
            .iter()
            .any(|name| variable(name).is_some_and(|value| !value.is_empty() && value != "0"));
        let told = || variable("COLUMNS")?.parse().ok().filter(|&columns| columns > 0);
        let columns = size.filter(|&size| size > 0).or_else(told);
        let columns = columns.unwrap_or(if screen { 80 } else { 100 }).max(LEAST);
        let colour = !set("NO_COLOR") && !dumb && (screen || forced);
        Self { columns, colour, unicode: !dumb, screen }
    }

    /// With ASCII characters alone, and without colour.
    #[must_use]
    pub fn ascii(self) -> Self {
        Self { unicode: false, colour: false, ..self }
    }

    /// With colour.
    #[must_use]
    pub fn coloured(self) -> Self {
        Self { colour: true, ..self }
    }

    /// The number of columns.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// Whether there is colour.
    pub fn has_colour(&self) -> bool {
        self.colour
    }

    /// Whether all characters are shown; else those of ASCII.
    pub fn has_unicode(&self) -> bool {
        self.unicode
    }

    /// Whether a line can be written over: it is a terminal, and none with `TERM=dumb`.
    pub fn can_redraw(&self) -> bool {
        self.screen && self.unicode
    }

    /// The text in this colour.
    pub fn paint(&self, colour: Colour, text: &str) -> String {
        if self.colour { format!("\x1b[{}m{text}\x1b[0m", colour as u8) } else { text.into() }
    }

    /// The text in the characters that are shown. Arrows and letters of other alphabets get ASCII names.
    pub fn spell(&self, text: &str) -> String {
        if self.unicode || text.is_ascii() {
            return text.into();
        }
        let mut spelt = String::with_capacity(text.len());
        for c in text.chars() {
            if c.is_ascii() {
                spelt.push(c);
                continue;
            }
            spelt += match c {
                '→' => "->",
                '←' => "<-",
                '–' | '—' | '−' | '·' | '‐' => "-",
                '×' => "x",
                '±' => "+-",
                '√' => "sqrt ",
                '≤' => "<=",
                '≥' => ">=",
                '≈' => "~",
                '…' => "...",
                '✗' => "x",
                '✓' => "ok",
                '━' => "#",
                '∂' => "d",
                'φ' => "f",
                'σ' => "s",
                'π' => "pi",
                'ε' => "eps",
                'α' => "alpha",
                'β' => "beta",
                'γ' => "gamma",
                'λ' => "lambda",
                'μ' | 'µ' => "mu",
                '²' => "^2",
                'ᵀ' => "'",
                '‘' | '’' => "'",
                '“' | '”' => "\"",
                '\u{a0}' | '\u{202f}' => " ",
                _ => "?",
            };
        }
        spelt
    }

    /// Prints to the standard output.
    pub(crate) fn print(text: &str) {
        // A closed pipe is no reason to panic.
        let _ = writeln!(io::stdout(), "{}", text.trim_end_matches('\n'));
    }
}

/// A colour of the terminal, by its code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Colour {
    /// What is right.
    Green = 32,
    /// What is wrong.
    Red = 31,
    /// What is to be done.
    Cyan = 36,
    /// What matters less.
    Dim = 2,
}

/// How many columns a text without colours takes, where each character takes one: wide and combining
/// characters are not considered.
pub(crate) fn width(text: &str) -> usize {
    text.chars().count()
}

/// Breaks a text at spaces into lines of at most this width. A longer word is cut.
pub(crate) fn wrapped(text: &str, columns: usize) -> Vec<String> {
    let columns = columns.max(1);
    let (mut lines, mut line) = (vec![], String::new());
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        if !line.is_empty() && width(&line) + 1 + width(word) > columns {
            lines.push(std::mem::take(&mut line));
        }
        if !line.is_empty() {
            line.push(' ');
        }
        for c in word.chars() {
            if width(&line) == columns {
                lines.push(std::mem::take(&mut line));
            }
            line.push(c);
        }
    }
    if !line.is_empty() || lines.is_empty() {
        lines.push(line);
    }
    lines
}

/// What `Display` of a table is written for: `{:60}` is 60 columns, and `{:#}` is ASCII.
pub(crate) fn of_formatter(f: &fmt::Formatter<'_>) -> Terminal {
    let terminal = Terminal::plain(f.width().unwrap_or(100));
    if f.alternate() { terminal.ascii() } else { terminal }
}

/// Columns side by side: each has a heading, cells, and the side that they are aligned to.
pub(crate) struct Table {
    columns: Vec<Column>,
}

struct Column {
    heading: String,
    cells: Vec<String>,
    right: bool,
    /// With its gap to the column before.
    width: usize,
}

impl Table {
    pub(crate) fn new() -> Self {
        Self { columns: vec![] }
    }

    /// One more column of at least this width, with its gap to the one before.
    pub(crate) fn column(
        &mut self,
        terminal: &Terminal,
        heading: &str,
        right: bool,
        least: usize,
        cells: impl IntoIterator<Item = String>,
    ) {
        // A left-aligned column has its gap in front, a right-aligned one in its padding.
        let gap = if self.columns.is_empty() || right { "" } else { " " };
        let text = |cell: &str| gap.to_owned() + &terminal.spell(cell);
        let heading = text(heading);
        let cells: Vec<String> = cells.into_iter().map(|cell| text(&cell)).collect();
        let widths = cells.iter().chain([&heading]).map(|cell| width(cell) + 1);
        let width = widths.fold(least, usize::max);
        self.columns.push(Column { heading, cells, right, width });
    }

    /// The table in parts that are no wider than the terminal. Each part begins with the first column.
    pub(crate) fn render(&self, terminal: &Terminal) -> String {
        let Some((first, rest)) = self.columns.split_first() else { return String::new() };
        let (mut parts, mut sum) = (vec![vec![first]], first.width);
        for column in rest {
            if sum + column.width > terminal.columns() && parts[parts.len() - 1].len() > 1 {
                parts.push(vec![first]);
                sum = first.width;
            }
            sum += column.width;
            parts.last_mut().expect("one at least").push(column);
        }
        let parts = parts.iter().map(|part| {
            let mut text = String::new();
            let head = line(part, |column| &column.heading);
            writeln!(text, "{}", terminal.paint(Colour::Dim, &head)).expect("a String");
            for row in 0..first.cells.len() {
                writeln!(text, "{}", line(part, |column| &column.cells[row])).expect("a String");
            }
            text
        });
        parts.collect::<Vec<_>>().join("\n")
    }
}

/// A line of these columns, without spaces at its end.
fn line<'c>(columns: &[&'c Column], of: impl Fn(&'c Column) -> &'c String) -> String {
    let mut text = String::new();
    for column in columns {
        let (cell, width) = (of(column), column.width);
        let cell = if column.right { format!("{cell:>width$}") } else { format!("{cell:width$}") };
        text += &cell;
    }
    text.truncate(text.trim_end().len());
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(screen: bool, size: Option<usize>, set: &[(&str, &str)]) -> Terminal {
        Terminal::of(screen, size, |name| {
            let found = set.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn what_the_environment_says() {
        let terminal = of(true, Some(60), &[("COLUMNS", "200")]);
        assert_eq!(
            (terminal.columns(), terminal.has_colour(), terminal.has_unicode()),
            (60, true, true)
        );
        assert!(terminal.can_redraw());
        assert_eq!(of(true, None, &[("COLUMNS", "200")]).columns(), 200);
        assert_eq!((of(true, None, &[]).columns(), of(false, None, &[]).columns()), (80, 100));
        assert_eq!(
            (of(true, Some(0), &[]).columns(), of(true, Some(7), &[]).columns()),
            (80, LEAST)
        );
        // No colour if NO_COLOR is set or the output is not a terminal.
        assert!(!of(true, None, &[("NO_COLOR", "1")]).has_colour());
        assert!(of(true, None, &[("NO_COLOR", "")]).has_colour(), "empty is as if it were not set");
        assert!(!of(false, None, &[]).has_colour());
        for forced in ["CLICOLOR_FORCE", "FORCE_COLOR"] {
            assert!(of(false, None, &[(forced, "1")]).has_colour());
            assert!(!of(false, None, &[(forced, "0")]).has_colour());
            assert!(!of(false, None, &[(forced, "1"), ("NO_COLOR", "1")]).has_colour());
        }
        // A dumb terminal.
        for screen in [true, false] {
            let dumb = of(screen, Some(80), &[("TERM", "dumb"), ("FORCE_COLOR", "1")]);
            assert!(!dumb.has_colour() && !dumb.has_unicode() && !dumb.can_redraw());
        }
        assert!(!of(false, None, &[]).can_redraw());
    }

    /// Each of these tables, in each width, with and without colour and other characters.
    #[test]
    fn tables_fit_the_terminal() {
        use crate::diagnose::InitReport;
        use crate::init::manual_seed;
        use crate::layers::{LayerNorm, Relu};
        use crate::{Linear, Sequential, Tensor};

        manual_seed(1);
        let first = Sequential::new().add_named("a_layer_with_a_long_name", Linear::new(16, 1024));
        let hidden = |net: Sequential, _| {
            net.add(LayerNorm::new(1024)).add(Relu).add(Linear::new(1024, 1024))
        };
        let mut net = (0..2).fold(first, hidden).add(Linear::new(1024, 10));
        net.get_mut::<Linear>(0).unwrap().weight_mut().set_trainable(false);
        let x = Tensor::from_vec([8, 16], (0..8 * 16).map(|i| (i as f32).sin()).collect());
        let (summary, healthy) = (net.summary(), InitReport::new(&net, &x));
        let zeros = Linear::builder(16, 4).weight(crate::init::Zeros).build();
        let sick =
            InitReport::new(&Sequential::new().add(zeros).add(Relu).add(Linear::new(4, 2)), &x);
        assert!(!sick.is_healthy());
        for columns in [40, 60, 80, 100, 200] {
            let plain = Terminal::plain(columns);
            for (what, texts) in [
                ("summary", [plain, plain.ascii(), plain.coloured()].map(|t| summary.render(&t))),
                ("healthy", [plain, plain.ascii(), plain.coloured()].map(|t| healthy.render(&t))),
                ("sick", [plain, plain.ascii(), plain.coloured()].map(|t| sick.render(&t))),
            ] {
                let [plain, ascii, coloured] = texts;
                for text in [&plain, &ascii] {
                    assert!(!text.contains('\x1b'), "{text}");
                    let widest = text.lines().map(width).max().unwrap();
                    assert!(widest <= columns, "{what}, {columns}: {widest}\n{text}");
                    assert!(text.lines().all(|line| line.trim_end() == line), "{text}");
                }
                assert!(ascii.is_ascii() && !ascii.contains('?'), "{what}, {columns}:\n{ascii}");
                // Colours are all that is added.
                let mut bare = coloured.clone();
                for code in ["\x1b[0m", "\x1b[2m", "\x1b[31m", "\x1b[32m", "\x1b[36m"] {
                    bare = bare.replace(code, "");
                }
                assert!(bare == plain && coloured != plain, "{coloured}");
            }
            // Nothing is left out where there is little room.
            let text = healthy.render(&plain);
            for heading in ["in→out", "std w", "rms y", "rms g", "flat"] {
                let (table, _) = text.split_once("\nσ(w): ").unwrap();
                assert_eq!(table.matches(heading).count(), 1, "{heading}:\n{text}");
            }
            let text = summary.render(&plain);
            assert!(text.contains("(16384") && text.contains("frozen)"), "{text}");
            assert!(text.ends_with(" parameters"), "{text}");
        }
        // What Display gives does not depend on the environment.
        assert_eq!(format!("{summary:60}"), summary.render(&Terminal::plain(60)));
        assert_eq!(summary.to_string(), summary.render(&Terminal::plain(100)));
        assert_eq!(format!("{sick:#}"), sick.render(&Terminal::plain(100).ascii()));
    }

    #[test]
    fn text_without_other_alphabets() {
        let dumb = Terminal::plain(80).ascii();
        assert_eq!(dumb.spell("784→64, 2×3 ✗ 漢"), "784->64, 2x3 x ?");
        assert_eq!(Terminal::plain(80).spell("784→64"), "784→64");
        assert_eq!(dumb.paint(Colour::Red, "no"), "no");
        assert_eq!(Terminal::plain(80).coloured().paint(Colour::Red, "no"), "\x1b[31mno\x1b[0m");
    }

    #[test]
    fn lines_are_broken_at_spaces_and_long_words_anywhere() {
        assert_eq!(wrapped("ab cd efghijk l", 5), ["ab cd", "efghi", "jk l"]);
        assert_eq!(wrapped("", 5), [""]);
    }

    #[test]
    fn a_table_that_is_too_wide_is_in_parts() {
        let terminal = Terminal::plain(40);
        let mut table = Table::new();
        table.column(&terminal, "name", false, 0, ["a".into(), "bc".into()]);
        for heading in ["one", "two", "three"] {
            table.column(&terminal, heading, true, 14, ["1".into(), "2".into()]);
        }
        let text = table.render(&terminal);
        let line = |a: &str, b: &str| format!("{a:5}{b:>14}");
        let first = [line("name", "one"), line("a", "1"), line("bc", "2")];
        let first =
            first.iter().zip(["two", "1", "2"]).map(|(line, two)| format!("{line}{two:>14}\n"));
        let second = [line("name", "three"), line("a", "1"), line("bc", "2")];
        let want = format!("{}\n{}\n", first.collect::<String>(), second.join("\n"));
        assert_eq!(text, want);
    }
}
