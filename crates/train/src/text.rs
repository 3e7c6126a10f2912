//! Numbers as people read them.

/// A number with four significant digits, and thousands apart: `0.0312`, `6,400`, `1.2e-5`.
pub(crate) fn number(x: f64) -> String {
    let size = x.abs();
    if !x.is_finite() {
        return x.to_string();
    }
    match size {
        0.0 => "0".into(),
        _ if !(1e-3..1e9).contains(&size) => format!("{x:.2e}"),
        _ if size < 10.0 => format!("{x:.4}"),
        _ if size < 100.0 => format!("{x:.2}"),
        _ if size < 1000.0 => format!("{x:.1}"),
        _ => thousands(x),
    }
}

fn thousands(x: f64) -> String {
    let digits = format!("{:.0}", x.abs());
    let mut text = if x < 0.0 { "-".to_owned() } else { String::new() };
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `0.4 s`, `12 s`, `3 min 05 s`, `2 h 07 min`.
pub(crate) fn duration(seconds: f64) -> String {
    if !seconds.is_finite() {
        return "? s".into();
    }
    let whole = seconds.round() as u64;
    match whole {
        _ if seconds < 9.95 => format!("{seconds:.1} s"),
        0..60 => format!("{whole} s"),
        60..3600 => format!("{} min {:02} s", whole / 60, whole % 60),
        _ => format!("{} h {:02} min", whole / 3600, whole % 3600 / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_times() {
        let shown = [0.0, 0.5, -12.345, 123.45, 59_100.4, 1.2e-5, 3e12, f64::NAN].map(number);
        assert_eq!(
            shown,
            ["0", "0.5000", "-12.35", "123.5", "59,100", "1.20e-5", "3.00e12", "NaN"]
        );
        let shown = [0.42, 12.4, 59.6, 185.0, 7_620.0, f64::INFINITY].map(duration);
        assert_eq!(shown, ["0.4 s", "12 s", "1 min 00 s", "3 min 05 s", "2 h 07 min", "? s"]);
    }
}
