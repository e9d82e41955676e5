//! One child process and the conversation with it: a line of JSON there, a line of JSON back.
//!
//! The conversation is over at the first thing that should not be: a child that ends, says nothing
//! in time, or says what is no answer. Nobody knows then what it did with the request, and a
//! second chance could only take an old answer for a new one.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value as Json, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};
use tokio::time::{Instant, timeout, timeout_at};

/// The version of the protocol that is spoken here.
pub const PROTOCOL: u64 = 1;

/// The longest line that is read; a set's final read is the longest that is meant to come.
const LONGEST_LINE_BYTES: u64 = 64 << 20;

/// How long a child may take to end when it is asked to.
const CLOSE_WITHIN: Duration = Duration::from_secs(1);

/// The program that is a client.
#[derive(Clone, Debug)]
pub struct Program {
    /// Its file and its arguments.
    pub words: Vec<String>,
    /// Where it is started.
    pub dir: PathBuf,
}

/// What a child is told when it is started.
#[derive(Clone, Debug)]
pub struct Opening {
    /// The number of the node that it is to talk to, from 0.
    pub node: usize,
    /// Where each node serves clients.
    pub endpoints: Vec<SocketAddr>,
    /// The process that it is.
    pub process: u64,
    /// What it will be asked to do.
    pub workload: String,
}

/// What a child answers.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reply {
    /// The number of the request.
    pub id: u64,
    /// How it ended.
    #[serde(rename = "type")]
    pub kind: ReplyKind,
    /// What was read.
    #[serde(default, deserialize_with = "present")]
    pub value: Option<Json>,
    /// Why it failed.
    pub error: Option<String>,
    /// In the answer to `open`: the version that the child speaks.
    pub protocol: Option<u64>,
}

/// A `null` that is there is a value.
fn present<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Json>, D::Error> {
    Json::deserialize(deserializer).map(Some)
}

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ReplyKind {
    /// It took effect.
    Ok,
    /// It certainly did not.
    Fail,
    /// Nobody knows.
    Info,
}

/// Why a conversation is over.
#[derive(Debug, thiserror::Error)]
pub enum Broken {
    /// There is no such program, or it cannot be run.
    #[error("cannot start `{program}`: {source}")]
    NotStarted {
        /// Which.
        program: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// It ended.
    #[error("it ended ({how}){}", said(last_words))]
    Died {
        /// Its status.
        how: String,
        /// The last line that it wrote to standard error.
        last_words: String,
    },
    /// It said nothing in time.
    #[error("no answer within {0:?}")]
    Silent(Duration),
    /// It said something else.
    #[error("{why}, in the line {line}")]
    Garbage {
        /// What is wrong.
        why: String,
        /// What it said, shortened.
        line: String,
    },
}

fn said(last_words: &str) -> String {
    if last_words.is_empty() { String::new() } else { format!(", saying: {last_words}") }
}

/// A child that has been opened.
pub struct Session {
    child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
    last_words: Arc<Mutex<String>>,
    next_id: u64,
}

impl Session {
    /// Starts the program and tells it whom to talk to.
    ///
    /// # Errors
    /// When it does not come to speak our protocol within that time.
    pub async fn start(
        program: &Program,
        opening: &Opening,
        timeout_ms: u64,
        within: Duration,
    ) -> Result<Session, Broken> {
        let (file, args) = program.words.split_first().map_or(("", &[][..]), |(f, a)| (f, a));
        let not_started = |source| Broken::NotStarted { program: file.to_owned(), source };
        let mut child = Command::new(file)
            .args(args)
            .current_dir(&program.dir)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(not_started)?;
        let piped = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let (Some(stdin), Some(stdout), Some(stderr)) = piped else {
            return Err(not_started(std::io::Error::other("it has no pipes")));
        };
        let last_words = Arc::new(Mutex::new(String::new()));
        tokio::spawn(listen(stderr, last_words.clone()));
        let stdout = BufReader::new(stdout);
        let mut session = Session { child, stdin, stdout, last_words, next_id: 0 };
        session.open(opening, timeout_ms, within).await?;
        Ok(session)
    }

    async fn open(
        &mut self,
        opening: &Opening,
        timeout_ms: u64,
        within: Duration,
    ) -> Result<(), Broken> {
        let Opening { node, endpoints, process, workload } = opening;
        let names: Vec<String> = endpoints.iter().map(SocketAddr::to_string).collect();
        let request = json!({
            "type": "open",
            "protocol": PROTOCOL,
            "node": format!("n{}", node + 1),
            "endpoint": names[*node],
            "endpoints": names,
            "process": process,
            "workload": workload,
            "timeout_ms": timeout_ms,
        });
        let reply = self.ask(request, within).await?;
        let speaks = reply.protocol.unwrap_or(0);
        if reply.kind != ReplyKind::Ok || speaks != PROTOCOL {
            let said = reply.error.unwrap_or_else(|| format!("protocol {speaks}"));
            let why = format!("it must answer `open` with ok and \"protocol\": {PROTOCOL}");
            return Err(Broken::Garbage { why, line: said });
        }
        Ok(())
    }

    /// Sends one request, an object, with the next number, and waits for its answer.
    ///
    /// # Errors
    /// Whatever else happens; the session is of no more use then.
    pub async fn ask(&mut self, mut request: Json, within: Duration) -> Result<Reply, Broken> {
        let id = self.next_id;
        self.next_id += 1;
        request["id"] = json!(id);
        let deadline = Instant::now() + within;
        let line = format!("{request}\n");
        let sent = timeout_at(deadline, async {
            self.stdin.write_all(line.as_bytes()).await?;
            self.stdin.flush().await
        });
        match sent.await {
            Ok(Ok(())) => {}
            Ok(Err(_closed)) => return Err(self.died().await),
            Err(_elapsed) => return Err(Broken::Silent(within)),
        }
        loop {
            let line = match timeout_at(deadline, self.line()).await {
                Ok(Some(line)) => line,
                Ok(None) => return Err(self.died().await),
                Err(_elapsed) => return Err(Broken::Silent(within)),
            };
            let reply = parse(&line)?;
            match reply.id.cmp(&id) {
                std::cmp::Ordering::Equal => return Ok(reply),
                // What was given up is of no interest any more.
                std::cmp::Ordering::Less => {}
                std::cmp::Ordering::Greater => {
                    let why = format!("an answer to request {}, and {id} is the last", reply.id);
                    return Err(Broken::Garbage { why, line: shortened(&line) });
                }
            }
        }
    }

    /// Whether the child is still there.
    pub fn is_alive(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Asks the child to end, and sees to it. Says whether it did so by itself.
    pub async fn close(mut self) -> bool {
        let line = format!("{}\n", json!({ "id": self.next_id, "type": "close" }));
        // A child that is gone already needs no telling.
        let _ = timeout(CLOSE_WITHIN, self.stdin.write_all(line.as_bytes())).await;
        self.end_of_input().await
    }

    /// Closes its standard input, as the death of the tester would, and says whether it ended.
    pub async fn end_of_input(self) -> bool {
        let Session { mut child, stdin, .. } = self;
        drop(stdin);
        let ended = timeout(CLOSE_WITHIN, child.wait()).await;
        if ended.is_err() {
            let _ = child.kill().await;
        }
        ended.is_ok()
    }

    /// The next line that nobody asked for, if one comes within this time.
    pub async fn says_more(&mut self, within: Duration) -> Option<String> {
        timeout(within, self.line()).await.ok().flatten().map(|line| shortened(&line))
    }

    /// The next line, if there is a whole one.
    async fn line(&mut self) -> Option<Vec<u8>> {
        let mut line = Vec::new();
        let mut limited = (&mut self.stdout).take(LONGEST_LINE_BYTES);
        let read = limited.read_until(b'\n', &mut line).await;
        read.is_ok_and(|_| line.ends_with(b"\n")).then_some(line)
    }

    async fn died(&mut self) -> Broken {
        let how = match timeout(CLOSE_WITHIN, self.child.wait()).await {
            Ok(Ok(status)) => status.to_string(),
            _ => "its standard output".to_owned(),
        };
        let last_words = self.last_words.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Broken::Died { how, last_words }
    }
}

fn parse(line: &[u8]) -> Result<Reply, Broken> {
    serde_json::from_slice(line).map_err(|error| {
        let why = format!("that is no answer ({error})");
        Broken::Garbage { why, line: shortened(line) }
    })
}

fn shortened(line: &[u8]) -> String {
    const LONGEST_CHARS: usize = 120;
    String::from_utf8_lossy(line).trim().chars().take(LONGEST_CHARS).collect()
}

/// Remembers the last line that the child wrote for people.
async fn listen(stderr: ChildStderr, last_words: Arc<Mutex<String>>) {
    let mut lines = BufReader::new(stderr).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        if !line.trim().is_empty() {
            *last_words.lock().unwrap_or_else(PoisonError::into_inner) = line;
        }
    }
}
