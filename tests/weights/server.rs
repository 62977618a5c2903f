//! An HTTP server of this machine that answers as a test tells it to, and remembers what it was asked.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// What was asked for.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Request {
    pub path: String,
    pub range: Option<String>,
    pub if_range: Option<String>,
}

/// What is answered.
pub struct Reply {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
    /// After so many bytes of the body the connection is closed, or left without a word.
    until: Option<(usize, Then)>,
}

#[derive(Clone, Copy, PartialEq)]
enum Then {
    Close,
    Hang,
}

impl Reply {
    pub fn status(status: u16) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: Vec::new(),
            until: None,
        }
    }

    pub fn whole(bytes: &[u8]) -> Self {
        Self {
            body: bytes.to_vec(),
            ..Self::status(200)
        }
    }

    /// What follows `from`.
    pub fn rest(bytes: &[u8], from: usize) -> Self {
        let range = format!("bytes {from}-{}/{}", bytes.len() - 1, bytes.len());
        Self {
            body: bytes[from..].to_vec(),
            ..Self::status(206)
        }
        .with("Content-Range", range)
    }

    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub fn cut_after(self, length: usize) -> Self {
        Self {
            until: Some((length, Then::Close)),
            ..self
        }
    }

    pub fn silent_after(self, length: usize) -> Self {
        Self {
            until: Some((length, Then::Hang)),
            ..self
        }
    }

    fn send(&self, stream: &mut TcpStream) -> std::io::Result<()> {
        let mut head = format!(
            "HTTP/1.1 {} -\r\nConnection: close\r\nContent-Length: {}\r\n",
            self.status,
            self.body.len()
        );
        for (name, value) in &self.headers {
            head += &format!("{name}: {value}\r\n");
        }
        stream.write_all(head.as_bytes())?;
        stream.write_all(b"\r\n")?;
        let (length, then) = self.until.unwrap_or((self.body.len(), Then::Close));
        stream.write_all(&self.body[..length])?;
        stream.flush()?;
        if then == Then::Hang {
            // Until the other side goes.
            let _ = stream.read(&mut [0]);
        }
        Ok(())
    }
}

/// A server; its thread ends with the test's process.
pub struct Server {
    /// `http://127.0.0.1:PORT/towers`
    pub address: String,
    heard: Arc<Mutex<Vec<Request>>>,
}

impl Server {
    /// Answers the first, second, ... request (from 0) with what `reply` makes of it.
    pub fn new(reply: impl Fn(usize, &Request) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}/towers", listener.local_addr().unwrap());
        let heard = Arc::new(Mutex::new(Vec::new()));
        let (reply, remembered) = (Arc::new(reply), heard.clone());
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (reply, heard) = (reply.clone(), remembered.clone());
                thread::spawn(move || {
                    let mut stream = stream.unwrap();
                    let request = read(&stream);
                    let nth = {
                        let mut heard = heard.lock().unwrap();
                        heard.push(request.clone());
                        heard.len() - 1
                    };
                    // A client may be gone before it has heard all.
                    let _ = reply(nth, &request).send(&mut stream);
                });
            }
        });
        Self { address, heard }
    }

    /// What was asked so far.
    pub fn heard(&self) -> Vec<Request> {
        self.heard.lock().unwrap().clone()
    }
}

/// An address of this machine where nobody listens.
pub fn nobody() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

fn read(stream: &TcpStream) -> Request {
    let mut request = Request::default();
    let lines = BufReader::new(stream).lines().map_while(Result::ok);
    for line in lines.take_while(|line| !line.is_empty()) {
        if let Some(rest) = line.strip_prefix("GET ") {
            rest.split(' ').next().unwrap_or_default().clone_into(&mut request.path);
        } else if let Some((name, value)) = line.split_once(": ") {
            match name.to_lowercase().as_str() {
                "range" => request.range = Some(value.to_owned()),
                "if-range" => request.if_range = Some(value.to_owned()),
                _ => {}
            }
        }
    }
    request
}
