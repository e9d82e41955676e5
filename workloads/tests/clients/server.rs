//! A server that misbehaves as it is told, and counts what reaches it.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What the server does with one request.
#[derive(Clone, Debug)]
pub(crate) enum Act {
    /// Writes these bytes, and leaves the connection open.
    Say(String),
    /// Writes these bytes after so many milliseconds.
    SayLate(u64, String),
    /// Writes these bytes, then closes.
    SayAndClose(String),
    /// Writes a byte at a time, one every 50 ms.
    Drip(String),
    /// Closes without a word.
    Close,
    /// Resets the connection without a word.
    Reset,
    /// Never answers.
    Ignore,
}

/// A running server; its acts are used up one a request, the last one again and again.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    seen: Arc<Seen>,
}

#[derive(Default)]
struct Seen {
    requests: Mutex<Vec<String>>,
    connections: AtomicUsize,
    open: AtomicUsize,
    most_open: AtomicUsize,
    script: Mutex<Vec<Act>>,
}

/// A whole HTTP answer with a JSON body.
pub(crate) fn answer(status: u16, body: &str) -> String {
    answer_with(status, "", body)
}

/// The same, with more header lines, each with its line end.
pub(crate) fn answer_with(status: u16, headers: &str, body: &str) -> String {
    let length = body.len();
    format!("HTTP/1.1 {status} X\r\n{headers}content-length: {length}\r\n\r\n{body}")
}

impl Server {
    pub(crate) async fn start(script: impl IntoIterator<Item = Act>) -> Server {
        let (listener, address) = listen().await;
        let seen = Arc::new(Seen::default());
        *seen.script.lock().expect("no test panics while it holds this") =
            script.into_iter().collect();
        let shared = Arc::clone(&seen);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                shared.connections.fetch_add(1, Ordering::SeqCst);
                let open = shared.open.fetch_add(1, Ordering::SeqCst) + 1;
                shared.most_open.fetch_max(open, Ordering::SeqCst);
                let shared = Arc::clone(&shared);
                tokio::spawn(async move {
                    serve(stream, &shared).await;
                    shared.open.fetch_sub(1, Ordering::SeqCst);
                });
            }
        });
        Server { address, seen }
    }

    /// An address at which nobody listens.
    pub(crate) async fn nobody() -> SocketAddr {
        listen().await.1
    }

    pub(crate) fn set_script(&self, script: impl IntoIterator<Item = Act>) {
        *self.seen.script.lock().expect("no test panics while it holds this") =
            script.into_iter().collect();
    }

    /// The first line and body of every request that arrived.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.seen.requests.lock().expect("no test panics while it holds this").clone()
    }

    pub(crate) fn connections(&self) -> usize {
        self.seen.connections.load(Ordering::SeqCst)
    }

    pub(crate) fn most_open(&self) -> usize {
        self.seen.most_open.load(Ordering::SeqCst)
    }

    /// Waits until so many connections are open, and says whether that came about.
    pub(crate) async fn comes_to_open(&self, wanted: usize) -> bool {
        let deadline = Instant::now() + Duration::from_secs(5);
        while self.seen.open.load(Ordering::SeqCst) != wanted {
            if Instant::now() > deadline {
                return false;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        true
    }
}

async fn listen() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback has a free port");
    let address = listener.local_addr().expect("a bound socket has an address");
    (listener, address)
}

async fn serve(mut stream: TcpStream, seen: &Seen) {
    let mut buffer = Vec::new();
    while let Some(request) = read_request(&mut stream, &mut buffer).await {
        seen.requests.lock().expect("no test panics while it holds this").push(request);
        let act = {
            let mut script = seen.script.lock().expect("no test panics while it holds this");
            if script.len() > 1 { script.remove(0) } else { script[0].clone() }
        };
        match act {
            Act::Say(text) => drop(stream.write_all(text.as_bytes()).await),
            Act::SayLate(delay_ms, text) => {
                tokio::time::sleep(Duration::from_millis(delay_ms)).await;
                drop(stream.write_all(text.as_bytes()).await);
            }
            Act::SayAndClose(text) => return drop(stream.write_all(text.as_bytes()).await),
            Act::Drip(text) => {
                for byte in text.as_bytes() {
                    if stream.write_all(&[*byte]).await.is_err() {
                        return;
                    }
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            }
            Act::Close => return,
            Act::Reset => return drop(stream.set_zero_linger()),
            Act::Ignore => {}
        }
    }
}

/// The next request, as its first line and its body with a space between.
async fn read_request(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Option<String> {
    loop {
        if let Some(end) = buffer.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&buffer[..end]).to_lowercase();
            let length = head
                .lines()
                .find_map(|line| line.strip_prefix("content-length:"))
                .map_or(0, |text| text.trim().parse().expect("a length"));
            if buffer.len() >= end + 4 + length {
                let first = head.lines().next().unwrap_or_default().to_owned();
                let body = String::from_utf8_lossy(&buffer[end + 4..end + 4 + length]).into_owned();
                buffer.drain(..end + 4 + length);
                return Some(format!("{first} {body}").trim_end().to_owned());
            }
        }
        if stream.read_buf(buffer).await.ok()? == 0 {
            return None;
        }
    }
}
