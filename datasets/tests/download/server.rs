//! A server on 127.0.0.1 that misbehaves as it is told.

use std::io::{self, BufRead, BufReader, ErrorKind, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::FILE;

/// How a server answers.
#[derive(Clone, Debug)]
pub enum Serve {
    /// The file, or the rest that is asked for.
    Right,
    /// Files by name, as they are asked for.
    Folder(Vec<(String, Vec<u8>)>),
    /// The same, in small pieces with pauses.
    Slowly,
    /// The same, but at most this many bytes; then the connection is closed.
    CutOff(usize),
    /// A byte now and then.
    Drip,
    /// The right length in the header, and no file.
    HangInBody,
    /// No answer at all.
    Hang,
    /// Closes the connection at once.
    Close,
    /// A header that promises more bytes than the file has, and these bytes.
    Longer,
    /// A header that promises fewer, and those.
    Shorter,
    /// No length in the header, and more bytes than the file has, without end.
    Endless,
    /// No length in the header, and fewer bytes.
    ShorterUncounted,
    /// No length in the header, chunks, and the file.
    Chunks,
    /// Another file, of the same length.
    Another,
    /// Another file, and no ranges.
    AnotherWhole,
    /// The whole file, whatever range is asked for.
    IgnoresRange,
    /// Another range than the one that is asked for.
    WrongRange,
    /// A range, of a file that has another length.
    ChangedRange,
    /// A range of no known whole.
    OpenRange,
    /// This status, and a page of text.
    Status(u16),
    /// Redirects here.
    To(String),
    /// Redirects to this location, and serves whatever has `elsewhere` in its path.
    Moved(&'static str),
    /// Redirects here, with a page that has no end.
    ToEndless(String),
    /// Redirects to itself.
    Loop,
    /// No HTTP.
    Garbage,
    /// A header without end.
    EndlessHeader,
}

/// A request: its path, and the first byte that it asks for.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    pub path: String,
    pub range: Option<usize>,
}

pub struct Server {
    address: SocketAddr,
    inner: Arc<Inner>,
    accepting: Option<JoinHandle<()>>,
}

struct Inner {
    serve: Serve,
    content: Vec<u8>,
    requests: Mutex<Vec<Request>>,
    /// The targets of CONNECT.
    tunnels: Mutex<Vec<String>>,
    /// The status that CONNECT gets.
    tunnel: u16,
    ends: AtomicBool,
}

impl Server {
    pub fn new(serve: Serve, content: &[u8]) -> Self {
        Self::with_tunnel(serve, content, 200)
    }

    /// A server that is a proxy too: what comes through its tunnels it answers itself.
    pub fn with_tunnel(serve: Serve, content: &[u8], tunnel: u16) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let inner = Arc::new(Inner {
            serve,
            content: content.to_vec(),
            requests: Mutex::default(),
            tunnels: Mutex::default(),
            tunnel,
            ends: AtomicBool::new(false),
        });
        let shared = inner.clone();
        let accepting = thread::spawn(move || {
            let mut connections = vec![];
            while let Ok((stream, _)) = listener.accept() {
                if shared.ends.load(Ordering::Relaxed) {
                    break;
                }
                assert!(connections.len() < 64, "a client that asks without end");
                let shared = shared.clone();
                // A client may close the connection at any time.
                connections.push(thread::spawn(move || drop(shared.connection(stream))));
            }
            for connection in connections {
                connection.join().unwrap();
            }
        });
        Self { address, inner, accepting: Some(accepting) }
    }

    /// The folder that has the file.
    pub fn url(&self) -> String {
        format!("http://{}/data", self.address)
    }

    /// Its address, as that of a proxy.
    pub fn proxy(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn requests(&self) -> Vec<Request> {
        self.inner.requests.lock().unwrap().clone()
    }

    pub fn tunnels(&self) -> Vec<String> {
        self.inner.tunnels.lock().unwrap().clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.inner.ends.store(true, Ordering::Relaxed);
        let _ = TcpStream::connect(self.address);
        let _ = self.accepting.take().unwrap().join();
    }
}

/// The URL of a folder that nobody serves. The system gives this port to no listener that takes any.
pub fn nobody() -> String {
    "http://127.0.0.1:1/data".into()
}

impl Inner {
    fn connection(&self, stream: TcpStream) -> io::Result<()> {
        stream.set_read_timeout(Some(Duration::from_secs(5)))?;
        stream.set_write_timeout(Some(Duration::from_secs(5)))?;
        let mut reader = BufReader::new(stream.try_clone()?);
        let mut stream = stream;
        let mut line = String::new();
        reader.read_line(&mut line)?;
        if let Some(target) = line.strip_prefix("CONNECT ") {
            self.tunnels.lock().unwrap().push(target.split(' ').next().unwrap().to_owned());
            header(&mut reader)?;
            write!(stream, "HTTP/1.1 {} Tunnel\r\n\r\n", self.tunnel)?;
            line.clear();
            reader.read_line(&mut line)?;
        }
        if !line.starts_with("GET ") {
            return Ok(());
        }
        let path = line.split(' ').nth(1).unwrap().to_owned();
        let (range, is_plain) = header(&mut reader)?;
        if !is_plain {
            // A server may pack what is asked for without this.
            return write!(stream, "HTTP/1.1 406 Packed\r\nContent-Length: 0\r\n\r\n");
        }
        self.requests.lock().unwrap().push(Request { path: path.clone(), range });
        self.answer(&mut stream, &path, range)
    }

    fn answer(&self, to: &mut TcpStream, path: &str, range: Option<usize>) -> io::Result<()> {
        let whole = &*self.content;
        let len = whole.len();
        match &self.serve {
            Serve::Right => {
                let body = start(to, whole, range)?;
                to.write_all(body)
            }
            Serve::Folder(files) => {
                let name = path.rsplit('/').next().unwrap();
                let (_, whole) = files.iter().find(|(known, _)| known == name).unwrap();
                let body = start(to, whole, range)?;
                to.write_all(body)
            }
            Serve::Slowly => {
                let body = start(to, whole, range)?;
                for piece in body.chunks(len / 16) {
                    to.write_all(piece)?;
                    thread::sleep(Duration::from_millis(20));
                }
                Ok(())
            }
            Serve::CutOff(after) => {
                let body = start(to, whole, range)?;
                to.write_all(&body[..body.len().min(*after)])
            }
            Serve::Drip => {
                let body = start(to, whole, range)?;
                body.iter().take_while(|_| self.pause(50)).try_for_each(|byte| {
                    to.write_all(&[*byte])?;
                    to.flush()
                })
            }
            Serve::HangInBody => {
                start(to, whole, range)?;
                self.hang();
                Ok(())
            }
            Serve::Hang => {
                self.hang();
                Ok(())
            }
            Serve::Close => Ok(()),
            Serve::Longer => {
                write!(to, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", len + 10)?;
                to.write_all(whole)?;
                to.write_all(&[0; 10])
            }
            Serve::Shorter => {
                write!(to, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", len - 10)?;
                to.write_all(&whole[..len - 10])
            }
            Serve::Endless => {
                write!(to, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")?;
                self.without_end(to, whole)
            }
            Serve::ShorterUncounted => {
                write!(to, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")?;
                to.write_all(&whole[..len - 10])
            }
            Serve::Chunks => {
                write!(to, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")?;
                for piece in whole.chunks(10_000) {
                    write!(to, "{:x}\r\n", piece.len())?;
                    to.write_all(piece)?;
                    write!(to, "\r\n")?;
                }
                write!(to, "0\r\n\r\n")
            }
            Serve::Another => {
                let other: Vec<u8> = whole.iter().map(|byte| !byte).collect();
                let body = start(to, &other, range)?;
                to.write_all(body)
            }
            Serve::AnotherWhole => {
                let other: Vec<u8> = whole.iter().map(|byte| !byte).collect();
                let body = start(to, &other, None)?;
                to.write_all(body)
            }
            Serve::IgnoresRange => {
                let body = start(to, whole, None)?;
                to.write_all(body)
            }
            Serve::WrongRange => match range {
                Some(at) => {
                    let body = start(to, whole, Some(at / 2))?;
                    to.write_all(body)
                }
                None => {
                    let body = start(to, whole, None)?;
                    to.write_all(body)
                }
            },
            Serve::ChangedRange => {
                let longer = [whole, &[0; 7]].concat();
                let body = start(to, &longer, range)?;
                to.write_all(body)
            }
            Serve::OpenRange => {
                let (at, last) = (range.unwrap_or(0), len - 1);
                write!(to, "HTTP/1.1 206 Partial Content\r\nContent-Length: {}\r\n", len - at)?;
                write!(to, "Content-Range: bytes {at}-{last}/*\r\n\r\n")?;
                to.write_all(&whole[at..])
            }
            Serve::Status(status) => {
                let page = "<html>no such file</html>";
                write!(to, "HTTP/1.1 {status} Whatever\r\nContent-Length: {}\r\n", page.len())?;
                write!(to, "\r\n{page}")
            }
            Serve::To(folder) => {
                write!(to, "HTTP/1.1 302 Found\r\nLocation: {folder}/{FILE}\r\n")?;
                write!(to, "Content-Length: 0\r\n\r\n")
            }
            Serve::Moved(location) if !path.contains("elsewhere") => {
                let location = location.replace("HOST", &to.local_addr()?.to_string());
                write!(
                    to,
                    "HTTP/1.1 307 Moved\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n"
                )
            }
            Serve::Moved(_) => {
                let body = start(to, whole, range)?;
                to.write_all(body)
            }
            Serve::ToEndless(folder) => {
                write!(to, "HTTP/1.1 302 Found\r\nLocation: {folder}/{FILE}\r\n\r\n")?;
                self.without_end(to, whole)
            }
            Serve::Loop => {
                write!(to, "HTTP/1.1 302 Found\r\nLocation: {path}\r\nContent-Length: 0\r\n\r\n")
            }
            Serve::Garbage => to.write_all(b"\x16\x03\x01 this is no HTTP\r\n\r\n\xff\xfe\x00\x01"),
            Serve::EndlessHeader => {
                write!(to, "HTTP/1.1 200 OK\r\n")?;
                self.without_end(to, format!("X-Filler: {}\r\n", "x".repeat(1_000)).as_bytes())
            }
        }
    }

    /// Waits; false if the server ends.
    fn pause(&self, milliseconds: u64) -> bool {
        thread::sleep(Duration::from_millis(milliseconds));
        !self.ends.load(Ordering::Relaxed)
    }

    /// Writes the same again and again, until the client has enough.
    fn without_end(&self, to: &mut TcpStream, bytes: &[u8]) -> io::Result<()> {
        let begun = Instant::now();
        while self.pause(0) && begun.elapsed() < Duration::from_secs(8) {
            to.write_all(bytes)?;
        }
        Ok(())
    }

    fn hang(&self) {
        let begun = Instant::now();
        while self.pause(10) && begun.elapsed() < Duration::from_secs(20) {}
    }
}

/// Reads the header of a request: the first byte of its range, and whether the file must come unpacked.
fn header(from: &mut impl BufRead) -> io::Result<(Option<usize>, bool)> {
    let (mut range, mut is_plain, mut line) = (None, false, String::new());
    loop {
        line.clear();
        if from.read_line(&mut line)? == 0 {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        let text = line.trim_end().to_ascii_lowercase();
        if text.is_empty() {
            return Ok((range, is_plain));
        }
        is_plain |= text == "accept-encoding: identity";
        if let Some(bytes) = text.strip_prefix("range: bytes=") {
            range = bytes.strip_suffix('-').and_then(|first| first.parse().ok());
        }
    }
}

/// Writes the header for a file or the rest of it; the bytes that are to follow.
fn start<'c>(to: &mut TcpStream, whole: &'c [u8], range: Option<usize>) -> io::Result<&'c [u8]> {
    let len = whole.len();
    let Some(at) = range else {
        write!(to, "HTTP/1.1 200 OK\r\nContent-Length: {len}\r\n\r\n")?;
        return Ok(whole);
    };
    if at >= len {
        write!(to, "HTTP/1.1 416 Range Not Satisfiable\r\nContent-Length: 0\r\n\r\n")?;
        return Ok(&[]);
    }
    write!(to, "HTTP/1.1 206 Partial Content\r\nContent-Length: {}\r\n", len - at)?;
    write!(to, "Content-Range: bytes {at}-{}/{len}\r\n\r\n", len - 1)?;
    Ok(&whole[at..])
}
