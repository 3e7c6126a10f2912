//! The head of an `.npy` file: `{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }`.

use fanin_tensor::Scalar;

use crate::element::Element;
use crate::error::shown;

const MAGIC: &[u8] = b"\x93NUMPY";
/// NumPy's own limit for a head, with what precedes it.
pub(super) const LONGEST: usize = 10_000 + 12;

/// What an array is.
pub(super) struct Header {
    pub(super) element: Result<Element, String>,
    pub(super) big_endian: bool,
    pub(super) fortran: bool,
    pub(super) shape: Vec<usize>,
    /// Where the elements begin.
    pub(super) len: usize,
}

impl Header {
    pub(super) fn read(bytes: &[u8]) -> Result<Self, String> {
        let cut = || "ends within its head; save it again".to_owned();
        let rest = bytes.strip_prefix(MAGIC).ok_or("is no array of NumPy: its magic is missing")?;
        let &[major, _minor, ref rest @ ..] = rest else { return Err(cut()) };
        let (len, rest) = match (major, rest) {
            (1, &[a, b, ref rest @ ..]) => (u32::from(u16::from_le_bytes([a, b])), rest),
            (2 | 3, &[a, b, c, d, ref rest @ ..]) => (u32::from_le_bytes([a, b, c, d]), rest),
            (1..=3, _) => return Err(cut()),
            _ => {
                return Err(format!("is of version {major} of the format, and 1 to 3 can be read"));
            }
        };
        let text = usize::try_from(len).ok().and_then(|len| rest.get(..len)).ok_or_else(cut)?;
        let start = bytes.len() - rest.len() + text.len();
        let wrong = || {
            let text = String::from_utf8_lossy(&text[..text.len().min(200)]).into_owned();
            format!("has a head that cannot be read: {}", shown(&text))
        };
        let mut header = Text(text).header().ok_or_else(wrong)?;
        header.len = start;
        Ok(header)
    }
}

/// What is left to read of a dictionary in Python's notation.
struct Text<'t>(&'t [u8]);

impl<'t> Text<'t> {
    fn header(mut self) -> Option<Header> {
        let (mut descr, mut fortran, mut shape) = (None, None, None);
        self.token(b"{")?;
        while self.token(b"}").is_none() {
            let key = self.string()?;
            self.token(b":")?;
            match key {
                b"descr" if descr.is_none() => descr = Some(self.descr()?),
                b"fortran_order" if fortran.is_none() => {
                    fortran = Some(self.token(b"True").is_some());
                    if fortran == Some(false) {
                        self.token(b"False")?;
                    }
                }
                b"shape" if shape.is_none() => shape = Some(self.shape()?),
                _ => return None,
            }
            if self.token(b",").is_none() {
                self.token(b"}")?;
                break;
            }
        }
        self.space();
        let (element, big_endian) = descr?;
        let header = Header { element, big_endian, fortran: fortran?, shape: shape?, len: 0 };
        self.0.is_empty().then_some(header)
    }

    fn space(&mut self) {
        self.0 = self.0.trim_ascii_start();
    }

    fn token(&mut self, token: &[u8]) -> Option<()> {
        self.space();
        self.0 = self.0.strip_prefix(token)?;
        Some(())
    }

    fn string(&mut self) -> Option<&'t [u8]> {
        self.space();
        let (&quote, rest) = self.0.split_first().filter(|(quote, _)| b"'\"".contains(quote))?;
        let end = rest.iter().position(|&byte| byte == quote)?;
        self.0 = &rest[end + 1..];
        Some(&rest[..end])
    }

    /// `'<f4'`, or a list of fields, which is no element.
    fn descr(&mut self) -> Option<(Result<Element, String>, bool)> {
        self.space();
        if self.0.first() == Some(&b'[') {
            let end = self.0.iter().position(|&byte| byte == b']')?;
            self.0 = &self.0[end + 1..];
            return Some((Err("elements with fields".into()), false));
        }
        let text = self.string()?;
        let (order, code) = match text {
            [order @ (b'<' | b'>' | b'|' | b'='), code @ ..] => (*order, code),
            code => (b'=', code),
        };
        let element = match code {
            b"f2" => Ok(Element::F16),
            b"f4" => Ok(Element::F32),
            b"f8" => Ok(Element::F64),
            [kind @ (b'i' | b'u'), size @ (b'1' | b'2' | b'4' | b'8')] => {
                let size = usize::from(size - b'0');
                Ok(if *kind == b'i' { Element::Int(size) } else { Element::Uint(size) })
            }
            b"O" => Err("Python objects (save numbers, not dtype=object)".into()),
            _ => Err(format!("elements of type {}", shown(&String::from_utf8_lossy(text)))),
        };
        // `=` is the writer's order, which is little-endian nearly everywhere.
        Some((element, order == b'>'))
    }

    /// `(3, 4)`, `(3,)`, `()`.
    fn shape(&mut self) -> Option<Vec<usize>> {
        /// NumPy has at most 64 axes.
        const AXES: usize = 64;
        let mut shape = vec![];
        self.token(b"(")?;
        while self.token(b")").is_none() {
            self.space();
            let digits = self.0.iter().take_while(|byte| byte.is_ascii_digit()).count();
            let number = std::str::from_utf8(&self.0[..digits]).ok()?;
            shape.push(number.parse().ok()?);
            self.0 = &self.0[digits..];
            // Python 2 wrote long numbers so.
            let _ = self.token(b"L");
            if self.token(b",").is_none() {
                self.token(b")")?;
                break;
            }
        }
        (shape.len() <= AXES).then_some(shape)
    }
}

/// The head of a row-major array of `T`, filled so that the elements begin at a multiple of 64.
pub(super) fn head<T: Scalar>(shape: &[usize]) -> Vec<u8> {
    let code = if T::IS_F32 { "<f4" } else { "<f8" };
    let shape = match shape {
        [size] => format!("({size},)"),
        sizes => format!("({})", sizes.iter().map(usize::to_string).collect::<Vec<_>>().join(", ")),
    };
    let mut text = format!("{{'descr': '{code}', 'fortran_order': False, 'shape': {shape}, }}");
    let before = MAGIC.len() + 4;
    while !(before + text.len() + 1).is_multiple_of(64) {
        text.push(' ');
    }
    text.push('\n');
    let mut bytes = MAGIC.to_vec();
    bytes.extend([1, 0]);
    let len = u16::try_from(text.len()).expect("a shape of some axes is short");
    bytes.extend(len.to_le_bytes());
    bytes.extend(text.bytes());
    bytes
}
