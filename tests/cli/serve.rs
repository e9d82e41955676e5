use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Stdio};

use crate::binary::command;

/// A server, gone at the end of the test.
struct Server {
    child: Child,
    address: String,
}

impl Server {
    fn of(store: &std::path::Path) -> Server {
        let mut child = command(&["serve", "--bind", "127.0.0.1:0"])
            .arg(store)
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary starts");
        let mut line = String::new();
        let said = child.stderr.take().expect("it was asked for");
        BufReader::new(said).read_line(&mut line).expect("it says where it listens");
        let address = line.strip_prefix("http://").and_then(|rest| rest.split('/').next());
        let address = address.unwrap_or_else(|| panic!("no address: {line}")).to_owned();
        Server { child, address }
    }

    fn ask(&self, request: &str, host: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).expect("it listens");
        write!(stream, "{request} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n")
            .expect("it reads");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("it answers");
        answer
    }

    fn get(&self, path: &str) -> String {
        self.ask(&format!("GET {path}"), &self.address)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Both fail for a server that has ended, which is what we want.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_store_is_served_read_only_and_nothing_beside_it() {
    let place = tempfile::tempdir().expect("a folder");
    fs::write(place.path().join("secret"), "secret").expect("a file beside the store");
    let store = place.path().join("store");
    fs::create_dir_all(store.join("run/1")).expect("a store");
    fs::write(store.join("run/1/report.html"), "<p>report").expect("a report");
    let server = Server::of(&store);
    let index = server.get("/");
    assert!(index.starts_with("HTTP/1.1 200") && index.contains("<h1>"), "{index}");
    let report = server.get("/run/1/");
    assert!(report.contains("text/html") && report.ends_with("<p>report"), "{report}");
    assert!(server.get("/run/1").contains("location: /run/1/"), "a folder has its slash");
    for path in ["/../secret", "/%2e%2e/secret", "/run/../../secret", "/nowhere"] {
        let answer = server.get(path);
        assert!(answer.starts_with("HTTP/1.1 404") && !answer.ends_with("secret"), "{answer}");
    }
    for method in ["POST /", "PUT /run/1/report.html", "DELETE /run/1/report.html"] {
        let answer = server.ask(method, &server.address);
        assert!(answer.starts_with("HTTP/1.1 405"), "{answer}");
    }
    let foreign = server.ask("GET /", "evil.example");
    assert!(foreign.starts_with("HTTP/1.1 421"), "{foreign}");
}
