//! A server of lists: what it answers, and whether it is whole or signed, is up to the test.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// What is answered to a request for a path.
#[derive(Debug, Clone)]
pub enum Answer {
    /// All of it, under an entity tag of its own.
    Whole(Vec<u8>),
    /// Nothing but this status, and perhaps where to look.
    Status(u16, Option<String>),
    /// Less than is said.
    CutOff(Vec<u8>),
    /// So many bytes are said to come, and begin to.
    Says(u64),
    /// All of it, up to the end of the connection.
    Unbounded(Vec<u8>),
    /// Bytes without end.
    Endless,
}

/// The server. It runs until the process ends.
#[derive(Debug)]
pub struct HttpsServer {
    port: u16,
    certificate: String,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    answers: BTreeMap<String, Answer>,
    /// Path and entity tag of each request.
    asked: Vec<(String, Option<String>)>,
}

impl HttpsServer {
    /// A server with a certificate of its own.
    pub fn start() -> Self {
        let rcgen::CertifiedKey { cert, signing_key } =
            rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(signing_key.serialize_der()));
        let chain = vec![CertificateDer::from(cert.der().to_vec())];
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let config = Arc::new(config.with_no_client_auth().with_single_cert(chain, key).unwrap());
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (port, state) = (listener.local_addr().unwrap().port(), Arc::new(Mutex::new(State::default())));
        let shared = state.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (config, state) = (config.clone(), shared.clone());
                // Whoever is answered may hang up at any time.
                thread::spawn(move || drop(serve(stream, config, &state)));
            }
        });
        Self { port, certificate: cert.pem(), state }
    }

    /// The certificate in PEM.
    pub fn certificate(&self) -> &str {
        &self.certificate
    }

    /// The URL of a path.
    pub fn url(&self, path: &str) -> String {
        format!("https://localhost:{}{path}", self.port)
    }

    /// Answers a path so from now on.
    pub fn answer(&self, path: &str, answer: Answer) {
        self.state.lock().unwrap().answers.insert(path.to_owned(), answer);
    }

    /// Path and entity tag of the requests since the last call.
    pub fn asked(&self) -> Vec<(String, Option<String>)> {
        std::mem::take(&mut self.state.lock().unwrap().asked)
    }
}

fn serve(stream: TcpStream, config: Arc<ServerConfig>, state: &Mutex<State>) -> std::io::Result<()> {
    let connection = ServerConnection::new(config).map_err(std::io::Error::other)?;
    let mut stream = BufReader::new(StreamOwned::new(connection, stream));
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line)? == 0 || line.trim().is_empty() {
            break;
        }
        lines.push(line.trim().to_owned());
    }
    let path = lines.first().and_then(|line| line.split(' ').nth(1)).unwrap_or_default().to_owned();
    let tag = lines.iter().find_map(|line| {
        let (name, value) = line.split_once(": ")?;
        name.eq_ignore_ascii_case("if-none-match").then(|| value.to_owned())
    });
    let answer = {
        let mut state = state.lock().unwrap();
        state.asked.push((path.clone(), tag.clone()));
        state.answers.get(&path).cloned()
    };
    let out = stream.get_mut();
    let mut head = |text: String| write!(out, "HTTP/1.1 {text}\r\nConnection: close\r\n\r\n");
    match answer.unwrap_or(Answer::Status(404, None)) {
        Answer::Whole(body) => {
            let own = format!("\"{}\"", mareva_model::digest(&body));
            if tag.as_ref() == Some(&own) {
                head("304 Not Modified".to_owned())?;
            } else {
                head(format!("200 OK\r\nETag: {own}\r\nContent-Length: {}", body.len()))?;
                out.write_all(&body)?;
            }
        }
        Answer::Status(status, to) => {
            let location = to.map_or_else(String::new, |to| format!("\r\nLocation: {to}"));
            head(format!("{status} So{location}\r\nContent-Length: 0"))?;
        }
        Answer::CutOff(body) => {
            head(format!("200 OK\r\nContent-Length: {}", body.len() * 2))?;
            out.write_all(&body)?;
        }
        Answer::Says(bytes) => {
            head(format!("200 OK\r\nContent-Length: {bytes}"))?;
            out.write_all(&[b' '; 1024])?;
        }
        Answer::Unbounded(body) => {
            head("200 OK".to_owned())?;
            out.write_all(&body)?;
        }
        Answer::Endless => {
            head("200 OK".to_owned())?;
            loop {
                out.write_all(&[b' '; 1 << 16])?;
            }
        }
    }
    out.conn.send_close_notify();
    out.flush()
}
