//! Endpoints that misbehave, and count what reaches them.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::AbortHandle;

/// How an endpoint misbehaves once a request has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Manner {
    /// It never answers.
    Silent,
    /// It closes the connection.
    HangsUp,
    /// It answers what no protocol allows, and closes the connection.
    Babbles,
}

/// Nothing that a database would say.
const NONSENSE: &[u8] = b"\x00\xff nonsense \r\n\r\n";

/// A running endpoint; it ends with this.
pub(super) struct Fake {
    pub(super) address: SocketAddr,
    asked: Arc<AtomicUsize>,
    task: AbortHandle,
}

impl Fake {
    /// Opens one on loopback.
    pub(super) async fn open(manner: Manner) -> io::Result<Fake> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let asked = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&asked);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(misbehave(stream, manner, Arc::clone(&counter)));
            }
        });
        Ok(Fake { address, asked, task: task.abort_handle() })
    }

    /// On how many connections a request came.
    pub(super) fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn misbehave(mut stream: TcpStream, manner: Manner, asked: Arc<AtomicUsize>) {
    let mut buffer = [0; 4096];
    if !stream.read(&mut buffer).await.is_ok_and(|count| count > 0) {
        return;
    }
    asked.fetch_add(1, Ordering::SeqCst);
    match manner {
        Manner::Silent => while stream.read(&mut buffer).await.is_ok_and(|count| count > 0) {},
        Manner::HangsUp => {}
        // Whether it arrives is the client's affair.
        Manner::Babbles => drop(stream.write_all(NONSENSE).await),
    }
}

/// A port at which nobody listens, kept from everybody else as long as this lives.
pub(super) struct Nobody {
    pub(super) address: SocketAddr,
    _bound: TcpSocket,
}

impl Nobody {
    pub(super) fn open() -> io::Result<Nobody> {
        let socket = TcpSocket::new_v4()?;
        socket.bind((Ipv4Addr::LOCALHOST, 0).into())?;
        Ok(Nobody { address: socket.local_addr()?, _bound: socket })
    }
}
