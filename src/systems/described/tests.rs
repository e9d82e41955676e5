use std::ffi::OsString;

use nemesis::env::{EnvOptions, Environment, RunId, local::Local};

use super::*;
use crate::systems::sandbox::Sandbox;

const SANDBOX: &str = include_str!("../../../scenarios/systems/sandbox.toml");
const ETCD: &str = include_str!("../../../scenarios/systems/etcd.toml");

const DOCUMENTATION: &str = include_str!("../../../docs/systems.md");

/// A description with `from` replaced by `to`.
fn read(text: &str, from: &str, to: &str) -> Result<Described> {
    assert!(text.contains(from), "{from:?} is not in the description");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mine.toml");
    std::fs::write(&path, text.replacen(from, to, 1)).unwrap();
    Described::read(&path)
}

fn wrong(from: &str, to: &str) -> String {
    let Err(error) = read(SANDBOX, from, to) else { panic!("{to:?} was accepted") };
    let said = format!("{error:#}");
    assert!(said.contains("mine.toml"), "{said}");
    said
}

#[test]
fn a_mistake_is_said_with_its_line_and_what_there_is() {
    let said = wrong("stop-grace", "stop-grac");
    assert!(said.contains("line 2") && said.contains("`stop-grac`"), "{said}");
    assert!(said.contains("stop-grace"), "{said}");
    let said = wrong("{client}", "{clent}");
    assert!(
        said.contains("line ") && said.contains("{clent} is no variable of a member"),
        "{said}"
    );
    let said = wrong("{ others =", "{ other =");
    assert!(said.contains("`members` or `others`"), "{said}");
    let said = wrong("GET /status", "/status");
    assert!(said.contains("write a method and a path"), "{said}");
    let said = wrong("GET /status", "GET https://{client}/status");
    assert!(said.contains("HTTPS is not spoken") && said.contains("line "), "{said}");
    let said = wrong("status = 200", "status = 2000");
    assert!(said.contains("2000 is no status"), "{said}");
    let said = wrong("exists = true", "exist = true");
    assert!(said.contains("unknown field `exist`"), "{said}");
    let said = wrong("{ status = 200 }", "{}");
    assert!(said.contains("any answer meets"), "{said}");
    let said = wrong("\"/value\" }\nerror", "\"value\" }\nerror");
    assert!(said.contains("begin with a slash"), "{said}");
}

#[test]
fn the_example_of_the_documentation_is_sound() {
    let (_, rest) = DOCUMENTATION.split_once("```toml\n").expect("the example begins");
    let (example, _) = rest.split_once("```").expect("the example ends");
    let example = read(example, "/value", "/value").unwrap();
    example.require().unwrap();
    example.serves(workloads::find("register").unwrap()).unwrap();
    assert!(example.finds_leaders());
}

#[test]
fn what_no_single_entry_shows_is_said_with_its_table() {
    let said = wrong("value = { pointer = \"/value\" }\n", "");
    assert!(said.contains("[functions.register.read]: nothing says where the value is"), "{said}");
    let mismatch = "mismatch = { status = 200, json = { \"/swapped\" = false } }";
    let said = wrong(mismatch, "nil = { status = 404 }");
    assert!(said.contains("[functions.register.cas]: nil is for read"), "{said}");
    let add = "[functions.set.add]\n";
    let said = wrong(add, &format!("{add}mismatch = {{ status = 409 }}\n"));
    assert!(said.contains("[functions.set.add]: mismatch is for cas"), "{said}");
    let said = wrong("[functions.register.read]", "[functions.register.raed]");
    assert!(
        said.contains("[functions.register.raed]") && said.contains("read, write, cas"),
        "{said}"
    );
    let said = wrong("[functions.set.add]", "[functions.sets.add]");
    assert!(said.contains("no workload \"sets\""), "{said}");
    let said = wrong("[client]", "[client]\ncommand = [\"x\"]");
    assert!(said.contains("two clients"), "{said}");
}

#[test]
fn a_workload_is_served_if_all_its_functions_are_described() {
    let register = workloads::find("register").unwrap();
    let whole = read(SANDBOX, "/value", "/value").unwrap();
    assert!(whole.serves(register).is_ok() && whole.finds_leaders());
    let part = read(SANDBOX, "functions.register.cas]", "functions.register.cas-nil]").unwrap();
    let said = part.serves(register).unwrap_err().to_string();
    assert!(said.contains("add [functions.register.cas]"), "{said}");
}

#[test]
fn functions_of_a_bug_replace_those_of_the_same_name() {
    let etcd = read(ETCD, "/value", "/value").unwrap();
    let body = |bug| format!("{:?}", etcd.functions("register", bug)["read"]);
    assert!(!body(None).contains("serializable"));
    assert!(body(Some("serializable-reads")).contains("serializable"));
    assert_eq!(etcd.functions("register", Some("serializable-reads")).len(), 4);
    assert_eq!(etcd.flaws()[0].name, "serializable-reads");
}

#[test]
fn a_service_is_named_after_its_node() {
    let etcd =
        read(ETCD, "[ready]", "[docker]\nservice = 'etcd-{number}'\nclient-port = 2379\n[ready]");
    assert_eq!(etcd.unwrap().service(NodeId(2)), Some(("etcd-2".to_owned(), 2379)));
}

async fn three_nodes(peers: PeerAddresses) -> Local {
    Local::open(&EnvOptions { nodes: 3, run: RunId::fresh(), peers }).await.unwrap()
}

fn member<'a>(env: &'a dyn Environment, folder: &Path, bug: Option<&'a str>) -> Member<'a> {
    let (data, log) = (folder.join("data"), folder.join("node.log"));
    Member { node: NodeId(2), env, data, log, bug, nonce: 10 }
}

#[tokio::test]
async fn the_described_sandbox_is_started_as_the_built_in_one() {
    let folder = tempfile::tempdir().unwrap();
    let env = three_nodes(PeerAddresses::PerPair).await;
    let described = read(SANDBOX, "/value", "/value").unwrap();
    assert_eq!(described.peers(), PeerAddresses::PerPair);
    for bug in [None, Some("stale-read")] {
        let member = member(&env, folder.path(), bug);
        let (ours, theirs) = (described.launch(&member), Sandbox.launch(&member));
        let (ours, theirs) = (ours.unwrap(), theirs.unwrap());
        assert_eq!((&ours.program, &ours.dir), (&theirs.program, &theirs.dir));
        assert_eq!(sorted(ours.args), sorted(theirs.args), "in whatever order");
    }
    env.teardown().await.unwrap();
}

fn sorted(mut args: Vec<OsString>) -> Vec<OsString> {
    args.sort();
    args
}

#[tokio::test]
async fn files_are_written_and_variables_of_the_environment_set_before_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let env = three_nodes(PeerAddresses::Advertised).await;
    let more = "env = { WHO = '{node} of {nodes}' }\n\
                files = [{ path = 'conf/mine.ini', text = 'all = {members( ):{number}}' }]\n\
                stop-grace";
    let described = read(SANDBOX, "stop-grace", more).unwrap();
    let member = member(&env, folder.path(), None);
    let launch = described.launch(&member).unwrap();
    assert_eq!(launch.env, [("WHO".to_owned(), "n2 of 3".to_owned())]);
    let file = std::fs::read_to_string(member.data.join("conf/mine.ini")).unwrap();
    assert_eq!(file, "all = 1 2 3");
    env.teardown().await.unwrap();
}

#[tokio::test]
async fn a_program_that_is_not_there_is_said_with_how_to_get_it() {
    let install = "program = 'no-such-program'\ninstall = 'apt-get install it'";
    let described = read(SANDBOX, "program = \"{checker}\"", install).unwrap();
    let said = described.require().unwrap_err().to_string();
    assert!(said.contains("no-such-program in $PATH: apt-get install it"), "{said}");
}

#[tokio::test]
async fn a_member_that_does_not_come_up_is_said_with_what_it_lacks() {
    let folder = tempfile::tempdir().unwrap();
    let env = three_nodes(PeerAddresses::Advertised).await;
    for (ready, lacks) in [
        ("tcp = 'client'", "refused"),
        ("file = '{data}/up'", "there is no file"),
        ("log = 'serving at'", "no line of its log"),
        ("http = { request = 'GET /' }", "connection-refused"),
    ] {
        let within = format!("within = '0s'\n{ready}\n");
        let described =
            read(SANDBOX, "within = \"30s\"\nhttp = { request = \"GET /status\" }\n", &within);
        let member = member(&env, folder.path(), None);
        std::fs::write(&member.log, "starting\n").unwrap();
        let said = described.unwrap().form(&[member]).await.unwrap_err().to_string();
        assert!(said.starts_with("n2 is not ready ([ready])"), "{said}");
        assert!(said.contains(lacks) && said.contains("node.log"), "{said}");
    }
    env.teardown().await.unwrap();
}

#[tokio::test]
async fn the_version_and_the_forming_of_a_cluster_may_be_commands() {
    let folder = tempfile::tempdir().unwrap();
    let env = three_nodes(PeerAddresses::Advertised).await;
    let form = |member: &str| {
        format!(
            "[ready]\nlog = '^up$'\n[version]\ncommand = ['echo', 'store v1.2.3']\nmatches = 'v(.*)'\n\
             [form]\non = 'each'\nwithin = '0s'\ncommand = ['test', '{{node}}', '=', '{member}']"
        )
    };
    let ready = "[ready]\nwithin = \"30s\"\nhttp = { request = \"GET /status\" }\n";
    let log = folder.path().join("node.log");
    std::fs::write(&log, "starting\nup\n").unwrap();
    let good = read(SANDBOX, ready, &form("n2")).unwrap();
    good.form(&[member(&env, folder.path(), None)]).await.unwrap();
    assert_eq!(good.version.get().map(String::as_str), Some("1.2.3"));
    let bad = read(SANDBOX, ready, &form("n1")).unwrap();
    let said = bad.form(&[member(&env, folder.path(), None)]).await.unwrap_err().to_string();
    assert!(said.contains("was not formed ([form], n2): `test n2 = n1`"), "{said}");
    env.teardown().await.unwrap();
}
