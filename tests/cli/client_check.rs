//! `checker client-check` on clients that are right, and on clients that are wrong in one way each.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::binary::{Done, checker, command};

#[test]
fn clients_over_http_have_nothing_wrong() {
    for system in ["sandbox", "scenarios/systems/sandbox.toml", "scenarios/systems/etcd.toml"] {
        let done = checker(&["client-check", "--system", system, "--timeout", "300ms"]);
        assert_eq!(done.code, 0, "{system}: {done:?}");
        assert!(!done.out.contains("!!") && !done.out.contains("--  "), "{system}: {done:?}");
    }
}

#[test]
fn the_example_in_python_has_nothing_wrong() {
    let client = ["python3", "examples/client/sandbox_client.py"];
    if std::process::Command::new(client[0]).arg("--version").output().is_err() {
        return; // The other tests here need a shell only.
    }
    let member = OneMember::start();
    let check = ["client-check", "--timeout", "500ms", "--endpoint", &member.endpoint, "--"];
    let done = checker(&[&check[..], &client].concat());
    assert_eq!(done.code, 0, "{done:?}");
    assert!(!done.out.contains("!!") && !done.out.contains("--  a write"), "{done:?}");
    assert!(done.out.contains("can be trusted"), "{done:?}");
}

#[test]
fn a_member_may_be_given_by_name() {
    let member = OneMember::start();
    let port = member.endpoint.rsplit_once(':').expect("an address and a port").1;
    let named = format!("localhost:{port}");
    let check =
        |endpoint: &str| checker(&["client-check", "--system", "sandbox", "--endpoint", endpoint]);
    let done = check(&named);
    assert_eq!(done.code, 0, "{done:?}");
    assert!(done.out.contains("can be trusted"), "{done:?}");
    let nowhere = check("no-such-host.invalid:2379");
    assert_eq!(nowhere.code, 254, "{nowhere:?}");
    assert!(nowhere.err.contains("--endpoint: no address of no-such-host.invalid"), "{nowhere:?}");
}

/// A sandbox of one member, which ends with this.
struct OneMember {
    process: Child,
    endpoint: String,
    _data: TempDir,
}

impl OneMember {
    fn start() -> OneMember {
        let free = || {
            let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
            listener.local_addr().expect("it is bound").to_string()
        };
        let (endpoint, peer) = (free(), free());
        let data = tempfile::tempdir().expect("a folder");
        let path = data.path().display().to_string();
        let member = ["sandbox-node", "--id", "1", "--client", &endpoint, "--peer", &peer];
        let process = command(&[&member[..], &["--data", &path]].concat())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the binary starts");
        let member = OneMember { process, endpoint, _data: data };
        let deadline = Instant::now() + Duration::from_secs(30);
        while !member.leads() {
            assert!(Instant::now() < deadline, "one member elects itself");
            // Between two looks; the deadline bounds it.
            std::thread::sleep(Duration::from_millis(20));
        }
        member
    }

    fn leads(&self) -> bool {
        let ask = || -> std::io::Result<String> {
            let mut stream = TcpStream::connect(&self.endpoint)?;
            write!(stream, "GET /status HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")?;
            let mut answer = String::new();
            stream.read_to_string(&mut answer)?;
            Ok(answer)
        };
        ask().is_ok_and(|answer| answer.contains("\"leader\":1"))
    }
}

impl Drop for OneMember {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn with_an_endpoint_clients_also_write_and_read() {
    let member = OneMember::start();
    let described = "scenarios/systems/sandbox.toml";
    for (system, workload) in [("sandbox", "register"), (described, "register"), (described, "set")]
    {
        let check = ["client-check", "--system", system, "--workload", workload];
        let done = checker(&[&check[..], &["--endpoint", &member.endpoint]].concat());
        assert_eq!(done.code, 0, "{system} {workload}: {done:?}");
        assert!(done.out.contains("can be trusted"), "{done:?}");
    }
    // A client of another system.
    let etcd = "scenarios/systems/etcd.toml";
    let done = checker(&["client-check", "--system", etcd, "--endpoint", &member.endpoint]);
    assert_wrong(&done, &["!! a write of 1", "http-404", "look at what is sent"]);
}

/// A shell script as client, whose answer to every invocation is `reply` with the number in it.
fn script(reply: &str) -> Done {
    let script = format!(
        "id=0; while read line; do case $line in *'\"close\"'*) exit;; \
         *'\"open\"'*) echo '{{\"id\":0,\"type\":\"ok\",\"protocol\":1}}';; \
         *) {reply};; esac; id=$((id+1)); done"
    );
    checker(&["client-check", "--timeout", "300ms", "--", "sh", "-c", &script])
}

fn assert_wrong(done: &Done, said: &[&str]) {
    assert_eq!(done.code, 1, "{done:?}");
    let text = done.out.split_whitespace().collect::<Vec<_>>().join(" ");
    for said in said {
        assert!(text.contains(said), "{said}: {done:?}");
    }
}

#[test]
fn a_client_that_always_says_ok_is_wrong() {
    let done = script(r#"echo "{\"id\":$id,\"type\":\"ok\",\"value\":1}""#);
    assert_wrong(&done, &["!! a function that it does not know ok", "unsupported"]);
}

#[test]
fn a_client_that_fails_what_may_have_happened_is_wrong() {
    let connect = "exec 3<>/dev/tcp/127.0.0.1/$port; echo hello >&3";
    let client = format!(
        "while read line; do case $line in *'\"close\"'*) exit;; \
         *'\"open\"'*) port=${{line##*endpoint\\\":\\\"127.0.0.1:}}; port=${{port%%\\\"*}}; \
         echo '{{\"id\":0,\"type\":\"ok\",\"protocol\":1}}';; \
         *) {{ {connect}; }} 2>/dev/null; id=${{line##*\\\"id\\\":}}; id=${{id%%\\}}*}}; \
         echo \"{{\\\"id\\\":$id,\\\"type\\\":\\\"fail\\\"}}\";; esac; done"
    );
    let done = checker(&["client-check", "--timeout", "300ms", "--", "bash", "-c", &client]);
    assert_wrong(&done, &["!! a write to a silent endpoint fail", "may take effect", "say info"]);
}

#[test]
fn a_client_that_talks_unasked_is_wrong() {
    let reply = r#"echo "{\"id\":$id,\"type\":\"fail\"}"; echo "done with $id""#;
    assert_wrong(&script(reply), &["that is no answer", "done with 1"]);
}

#[test]
fn a_program_that_does_not_open_is_wrong_and_nothing_else_is_asked() {
    for (program, said) in [
        (&["/no/such/program"][..], "cannot start"),
        (&["false"], "exit status: 1"),
        (&["cat"], "that is no answer"),
    ] {
        let done = checker(&[&["client-check", "--"], program].concat());
        assert_wrong(&done, &[said]);
        assert_eq!(done.out.matches("!!").count(), 2, "{done:?}");
    }
}

#[test]
fn what_is_checked_has_to_be_said() {
    assert_eq!(checker(&["client-check"]).code, 254);
    assert_eq!(checker(&["client-check", "--system", "no-such-system"]).code, 254);
    let both = ["client-check", "--system", "etcd", "--", "cat"];
    assert_eq!(checker(&both).code, 254);
}
