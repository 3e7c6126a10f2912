//! [`Agent`]: the HTTP client, and its words for what went wrong.

use std::env;
use std::time::Duration;

use ureq::http::{Response, Uri};
use ureq::{Body, Timeout};

use crate::error::{Error, Result};

/// The most redirects that are followed.
const REDIRECTS: usize = 5;

/// The variables that name a proxy, in the order of ureq.
const VARIABLES: [&str; 6] =
    ["ALL_PROXY", "all_proxy", "HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"];

/// Which proxy to use.
pub(super) enum Proxy {
    Environment,
    Url(String),
    None,
}

/// An HTTP client with its limits.
pub(super) struct Agent {
    agent: ureq::Agent,
    pub(super) timeout: Duration,
    proxy: Option<ureq::Proxy>,
}

impl Agent {
    pub(super) fn new(proxy: &Proxy, timeout: Duration) -> Result<Self> {
        let proxy = match proxy {
            Proxy::None => None,
            Proxy::Url(url) => {
                let named = || Error::Proxy { name: "Download::proxy" };
                Some(ureq::Proxy::new(url).map_err(|_| named())?)
            }
            Proxy::Environment => {
                let found = ureq::Proxy::try_from_env();
                let set = |name: &&&str| env::var_os(name).is_some_and(|value| !value.is_empty());
                // Without the proxy, the request would leave by a way that the user has excluded.
                if let (None, Some(name)) = (&found, VARIABLES.iter().find(set)) {
                    return Err(Error::Proxy { name });
                }
                found
            }
        };
        let wait = Some(timeout);
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            // `get` follows redirects. The client would read their bodies, however long they are.
            .max_redirects(0)
            .timeout_resolve(wait)
            .timeout_connect(wait)
            .timeout_send_request(wait)
            .timeout_recv_response(wait)
            .timeout_per_read(wait)
            // A connection that a server has closed meanwhile would look like a mirror that is down.
            .max_idle_connections(0)
            .user_agent(concat!("fanin/", env!("CARGO_PKG_VERSION")))
            .proxy(proxy.clone())
            .build();
        Ok(Self { agent: config.into(), timeout, proxy })
    }

    /// Asks for a file, from this byte on, and follows redirects. The error is why there is no answer.
    pub(super) fn get(&self, url: &str, from: u64) -> std::result::Result<Response<Body>, String> {
        let mut url = url.to_owned();
        for _ in 0..=REDIRECTS {
            let response = self.ask(&url, from)?;
            match redirect(&response, &url) {
                Some(next) => url = next,
                None => return Ok(response),
            }
        }
        Err(format!("redirected more than {REDIRECTS} times"))
    }

    fn ask(&self, url: &str, from: u64) -> std::result::Result<Response<Body>, String> {
        // Without this header, some servers compress the file once more.
        let mut request = self.agent.get(url).header("Accept-Encoding", "identity");
        if from > 0 {
            request = request.header("Range", format!("bytes={from}-"));
        }
        request.call().map_err(|error| self.cause(error))
    }

    /// Why a mirror did not serve.
    pub(super) fn cause(&self, error: ureq::Error) -> String {
        use std::io::ErrorKind::{ConnectionReset, UnexpectedEof};
        let seconds = self.timeout.as_secs_f64();
        match error {
            ureq::Error::Timeout(Timeout::Resolve) => format!("was not found within {seconds} s"),
            ureq::Error::Timeout(Timeout::Connect) => {
                format!("took no connection within {seconds} s")
            }
            ureq::Error::Timeout(_) => format!("sent nothing for {seconds} s"),
            ureq::Error::HostNotFound => "was not found: no such host".into(),
            ureq::Error::ConnectProxyFailed(why) => format!("was refused by the proxy: {why}"),
            ureq::Error::Io(error) if matches!(error.kind(), UnexpectedEof | ConnectionReset) => {
                "closed the connection".into()
            }
            ureq::Error::Io(error) => format!("failed: {error}"),
            other => format!("gave no file: {other}"),
        }
    }

    /// What to do when no mirror has served.
    pub(super) fn advice(&self) -> String {
        match &self.proxy {
            Some(proxy) => {
                let (host, port) = (proxy.host(), proxy.port());
                format!("check the connection and the proxy {host}:{port}")
            }
            None => "check the connection, set HTTPS_PROXY to http://HOST:PORT if there is a proxy"
                .into(),
        }
    }
}

/// Where a response sends to.
fn redirect(response: &Response<Body>, from: &str) -> Option<String> {
    let is_redirect = matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308);
    let location = response.headers().get("Location").filter(|_| is_redirect)?.to_str().ok()?;
    (!location.is_empty()).then(|| join(from, location))?
}

/// The URL that a location means on a page. It may lack scheme, host, and the beginning of its path.
fn join(page: &str, location: &str) -> Option<String> {
    let scheme_ends = location.find("://");
    if scheme_ends.is_some_and(|at| location[..at].bytes().all(|b| b.is_ascii_alphanumeric())) {
        return Some(location.to_owned());
    }
    let page: Uri = page.parse().ok()?;
    let (scheme, host, path) = (page.scheme_str()?, page.authority()?, page.path());
    let folder = &path[..path.rfind('/').map_or(0, |at| at + 1)];
    Some(match location {
        _ if location.starts_with("//") => format!("{scheme}:{location}"),
        _ if location.starts_with('/') => format!("{scheme}://{host}{location}"),
        _ if location.starts_with('?') => format!("{scheme}://{host}{path}{location}"),
        _ => format!("{scheme}://{host}{folder}{location}"),
    })
}
