use std::io::{self, Read, Write};
use std::thread;
use std::time::{Duration, Instant};

use mareva_model::{Fault, Refusal};
use ureq::http::{Response, StatusCode, header};
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem};
use ureq::{Agent, Body as HttpBody};

use super::receipt::{Receipt, Tags};
use crate::config::{ListFetch, ListFile, read_bytes};
use crate::replay::WholeFile;

/// Waits before a server that does not answer, or says that it cannot, is asked again.
const WAITS: [Duration; 3] = [Duration::from_millis(500), Duration::from_secs(2), Duration::from_secs(8)];
/// Longest wait for a connection.
const CONNECT: Duration = Duration::from_secs(15);
/// Longest wait for an answer to begin, and for its next bytes.
const ANSWER: Duration = Duration::from_secs(60);
/// Longest time that a list may take with all that proves it and however often it is asked for: 1 GiB at 10 Mbit/s.
const WHOLE: Duration = Duration::from_secs(900);
/// Bytes of a file of certificates.
const MAX_CERTIFICATES: u64 = 8 << 20;

/// Asks the server of one list.
pub struct Client<'a> {
    agent: Agent,
    key: &'a str,
    source: &'a ListFetch,
    /// When it gives up.
    until: Instant,
}

/// What a server sent.
#[derive(Debug)]
pub enum Body {
    /// Nothing: it is as it was.
    Unchanged,
    /// All of it.
    Sent { tags: Tags, bytes: u64 },
}

/// Why there is no answer.
struct Trouble {
    reason: String,
    remedy: &'static str,
    /// Whether it may pass.
    passes: bool,
}

impl Trouble {
    fn final_one(reason: String, remedy: &'static str) -> Self {
        Self { reason, remedy, passes: false }
    }
}

impl<'a> Client<'a> {
    pub fn new(file: &'a ListFile, source: &'a ListFetch) -> Result<Self, Refusal> {
        let mut tls = TlsConfig::builder();
        if let Some(path) = &source.ca_file {
            let place = format!("{}.fetch.ca_file", file.key);
            let bad = |reason: String| Refusal::one(&place, reason, "name a PEM file with the certificates to trust");
            let bytes = read_bytes(path, MAX_CERTIFICATES).map_err(|error| bad(format!("cannot be read: {error}")))?;
            let items: Result<Vec<PemItem<'_>>, _> = parse_pem(&bytes).collect();
            let items = items.map_err(|error| bad(format!("is no PEM: {error}")))?;
            let certificates: Vec<Certificate<'static>> = items
                .into_iter()
                .filter_map(|item| if let PemItem::Certificate(one) = item { Some(one.to_owned()) } else { None })
                .collect();
            if certificates.is_empty() {
                return Err(bad("holds no certificate".to_owned()));
            }
            tls = tls.root_certs(RootCerts::new_with_certs(&certificates));
        }
        let config = Agent::config_builder()
            .http_status_as_error(false)
            // A redirect does not lead away from TLS either.
            .https_only(true)
            .max_redirects(5)
            .timeout_connect(Some(CONNECT))
            .timeout_recv_response(Some(ANSWER))
            .timeout_per_read(Some(ANSWER))
            .user_agent(concat!("mareva/", env!("CARGO_PKG_VERSION")))
            .tls_config(tls.build())
            .build();
        Ok(Self { agent: config.new_agent(), key: &file.key, source, until: Instant::now() + WHOLE })
    }

    /// Gets the list, unless it is what `receipt` is of.
    pub fn download(&self, receipt: Option<&Receipt>, out: &mut WholeFile) -> Result<Body, Refusal> {
        let most = self.source.max_mib << 20;
        self.try_often(self.key, || {
            out.restart().map_err(|error| Trouble::final_one(error.to_string(), "make room there"))?;
            let tags = receipt.map(|receipt| receipt.tags.clone()).unwrap_or_default();
            let answer = self.ask(&self.source.url, &tags)?;
            if answer.status() == StatusCode::NOT_MODIFIED {
                return Ok(Body::Unchanged);
            }
            let said = |name| Some(answer.headers().get(name)?.to_str().ok()?.to_owned());
            let tags = Tags { etag: said(header::ETAG), last_modified: said(header::LAST_MODIFIED) };
            let is_proven = self.source.sha256.is_some() || self.source.public_key.is_some();
            if !is_proven && !says_its_end(&answer) {
                let reason = "comes without its length, so that nobody knows whether it was cut off".to_owned();
                return Err(Trouble::final_one(reason, "write sha256 or public_key, which show it"));
            }
            let bytes = copy(answer, most, out)?;
            Ok(Body::Sent { tags, bytes })
        })
    }

    /// Gets a short text.
    pub fn text(&self, url: &str, key: &str, most: u64) -> Result<String, Refusal> {
        self.try_often(key, || {
            let mut bytes = Vec::new();
            copy(self.ask(url, &Tags::default())?, most, &mut bytes)?;
            let no_text = "name the file that holds it";
            String::from_utf8(bytes).map_err(|_| Trouble::final_one("is no text".to_owned(), no_text))
        })
    }

    fn try_often<T>(&self, key: &str, mut get: impl FnMut() -> Result<T, Trouble>) -> Result<T, Refusal> {
        let mut waits = WAITS.iter();
        loop {
            let Trouble { reason, remedy, passes } = match get() {
                Ok(got) => return Ok(got),
                Err(trouble) => trouble,
            };
            match waits.next().filter(|_| passes) {
                Some(wait) => {
                    tracing::warn!(place = key, reason, "trying again");
                    thread::sleep(*wait);
                }
                None => return Err(Refusal(vec![Fault::new(key, reason, remedy)])),
            }
        }
    }

    fn ask(&self, url: &str, tags: &Tags) -> Result<Response<HttpBody>, Trouble> {
        let left = self.until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            let reason = format!("takes longer than {} minutes", WHOLE.as_secs() / 60);
            return Err(Trouble::final_one(reason, "try again later"));
        }
        let mut request = self.agent.get(url).config().timeout_global(Some(left)).build();
        for (name, value) in [(header::IF_NONE_MATCH, &tags.etag), (header::IF_MODIFIED_SINCE, &tags.last_modified)] {
            if let Some(value) = value {
                request = request.header(name, value);
            }
        }
        let answer = request.call().map_err(|error| trouble_of(&error))?;
        let status = answer.status();
        if status == StatusCode::OK || status == StatusCode::NOT_MODIFIED {
            return Ok(answer);
        }
        // RFC 9110, 15.6, and 15.5.9 and RFC 6585 for those of the client that may pass.
        let passes = status.is_server_error() || [408, 425, 429].contains(&status.as_u16());
        let remedy = match status.as_u16() {
            401 | 403 => "ask its publisher for access; a token is part of the URL",
            404 | 410 => "look up where its publisher has it now, and write that URL",
            _ => "try again later, and look at what its publisher says",
        };
        Err(Trouble { reason: format!("its server answers {status}"), remedy, passes })
    }
}

/// Whether an answer says where it ends (RFC 9112, 6.3): of any other one the end and a cut look alike.
fn says_its_end(answer: &Response<HttpBody>) -> bool {
    let says = |name, what: &str| {
        let values = answer.headers().get_all(name).iter().filter_map(|value| value.to_str().ok());
        values.into_iter().any(|value| value.to_ascii_lowercase().contains(what))
    };
    says(header::TRANSFER_ENCODING, "chunked") || answer.headers().contains_key(header::CONTENT_LENGTH)
}

/// Copies an answer of at most so many bytes, all that it says it has.
fn copy(answer: Response<HttpBody>, most: u64, out: &mut impl Write) -> Result<u64, Trouble> {
    let too_large = |bytes: String| {
        let reason = format!("is {bytes} bytes, and {most} are allowed");
        Trouble::final_one(reason, "raise max_mib if a list can be that large; else its server sends something else")
    };
    let said = answer.headers().get(header::CONTENT_LENGTH);
    let said = said.and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if let Some(said) = said.filter(|said| *said > most) {
        return Err(too_large(said.to_string()));
    }
    let mut body = answer.into_body().into_reader();
    let (mut bytes, mut buffer) = (0_u64, vec![0; 64 << 10]);
    loop {
        let read = body.read(&mut buffer).map_err(|error| Trouble {
            reason: format!("breaks off after {bytes} bytes: {error}"),
            remedy: "try again later",
            passes: true,
        })?;
        if read == 0 {
            break;
        }
        bytes += read as u64;
        if bytes > most {
            return Err(too_large(format!("more than {most}")));
        }
        out.write_all(&buffer[..read]).map_err(|error| {
            Trouble::final_one(
                format!("cannot be written: {error}"),
                "make room there, or check the folder and its permissions",
            )
        })?;
    }
    match said.filter(|said| *said != bytes) {
        Some(said) => Err(Trouble {
            reason: format!("breaks off after {bytes} bytes of {said}"),
            remedy: "try again later",
            passes: true,
        }),
        None => Ok(bytes),
    }
}

fn trouble_of(error: &ureq::Error) -> Trouble {
    let (remedy, passes) = match error {
        ureq::Error::BadUri(_) | ureq::Error::RequireHttpsOnly(_) => ("write an https:// URL", false),
        ureq::Error::Tls(_) | ureq::Error::Rustls(_) | ureq::Error::Pem(_) => {
            ("check its certificate; where a proxy of your own stands between, name its certificate as ca_file", false)
        }
        ureq::Error::HostNotFound => ("check the name of its server, and the network", true),
        ureq::Error::TooManyRedirects | ureq::Error::RedirectFailed => {
            ("look up where its publisher has it now", false)
        }
        _ => ("check the network, and whether its server is up", true),
    };
    // Certificates that do not fit come as errors of the socket.
    let of_tls = matches!(error, ureq::Error::Io(inner) if inner.kind() == io::ErrorKind::InvalidData);
    let reason = match error {
        ureq::Error::RequireHttpsOnly(_) => "leads to a URL without TLS".to_owned(),
        ureq::Error::Io(_)
        | ureq::Error::Timeout(_)
        | ureq::Error::HostNotFound
        | ureq::Error::ConnectionFailed
        | ureq::Error::TooManyRedirects
        | ureq::Error::Tls(_)
        | ureq::Error::Rustls(_)
        | ureq::Error::Pem(_) => format!("cannot be got: {error}"),
        // What they say may show a URL, and that a token.
        ureq::Error::BadUri(_) => "is no URL".to_owned(),
        ureq::Error::ConnectProxyFailed(_) => "cannot be got: the proxy refuses".to_owned(),
        _ => "cannot be got: its server does not speak HTTP as it should".to_owned(),
    };
    if of_tls {
        let remedy = "check its certificate; where a proxy of your own stands between, name its certificate as ca_file";
        return Trouble::final_one(reason, remedy);
    }
    Trouble { reason, remedy, passes }
}
