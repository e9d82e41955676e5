//! `checker verify`: what it accepts, what it refuses and how, and what it says must be believed.

use std::fs;
use std::io::Write as _;

use crate::binary::{Done, Folder, INVALID, UNKNOWN, VALID, checker, checker_reading};

/// A history with the certificate that `analyze` wrote of it.
struct Judged {
    folder: Folder,
    history: String,
    certificate: String,
}

impl Judged {
    fn of(text: &str, flags: &[&str]) -> Judged {
        let folder = Folder::new();
        let history = folder.file("history.edn", text);
        let certificate = folder.path("certificate.jsonl").display().to_string();
        let all = [&["analyze", &history, "--certificate", &certificate], flags].concat();
        let done = checker(&all);
        assert!([0, 1, 2].contains(&done.code), "{done:?}");
        Judged { folder, history, certificate }
    }

    fn verify(&self) -> Done {
        checker(&["verify", &self.history, &self.certificate])
    }

    /// The verification of a certificate in which something was replaced.
    fn forged(&self, from: &str, to: &str) -> Done {
        let text = fs::read_to_string(&self.certificate).expect("it was written");
        assert!(text.contains(from), "{from} is not in {text}");
        let forged = self.folder.file("forged.jsonl", text.replacen(from, to, 1));
        checker(&["verify", &self.history, &forged])
    }
}

fn refused(done: &Done, code: i32, why: &str) {
    assert_eq!(done.code, code, "{done:?}");
    assert_eq!(done.out, "", "{done:?}");
    assert!(done.err.contains(why), "{why}: {done:?}");
}

#[test]
fn right_proofs_are_proved_with_the_exit_code_of_their_verdict() {
    let valid = Judged::of(VALID, &[]).verify();
    assert_eq!(valid.code, 0, "{valid:?}");
    assert!(valid.out.starts_with("valid: proved\n"), "{valid:?}");
    let invalid = Judged::of(INVALID, &[]).verify();
    assert_eq!(invalid.code, 1, "{invalid:?}");
    assert!(invalid.out.starts_with("invalid: proved\n"), "{invalid:?}");
    let unknown = Judged::of(UNKNOWN, &[]).verify();
    assert_eq!(unknown.code, 2, "{unknown:?}");
    assert!(unknown.out.contains("nothing is proved of the whole"), "{unknown:?}");
}

#[test]
fn forged_proofs_are_refused() {
    let valid = Judged::of(VALID, &[]);
    refused(&valid.forged("[0,2]", "[2,0]"), 255, "does not hold");
    refused(&valid.forged("[0,2]", "[0]"), 255, "does not hold");
    let claim = "\"verdict\":\"valid\"";
    refused(&valid.forged(claim, "\"verdict\":\"invalid\""), 255, "the whole is invalid");
    // Another reading of the same order proves nothing either.
    refused(&valid.forged("\"init\":\"nil\"", "\"init\":\"[}\""), 254, "forged.jsonl");
    let another_key = valid.forged("\"keys\":\"none\"", "\"keys\":\"tuple\"");
    refused(&another_key, 255, "does not hold");
}

#[test]
fn a_proof_is_about_one_history_only() {
    let valid = Judged::of(VALID, &[]);
    let other = valid.folder.file("other.edn", VALID.replace(":value 1", ":value 2"));
    let done = checker(&["verify", &other, &valid.certificate]);
    refused(&done, 255, "it is about another history: the SHA-256 differs");
    let missing = checker(&["verify", "no-such.edn", &valid.certificate]);
    refused(&missing, 254, "no-such.edn cannot be read");
    let missing = checker(&["verify", &valid.history, "no-such.jsonl"]);
    refused(&missing, 254, "no-such.jsonl cannot be read");
}

/// Whether its operations are lines or not: the latter are read twice where there is a file.
#[test]
fn a_history_may_come_through_a_pipe() {
    for text in [VALID.to_owned(), VALID.replace(", ", ",\n")] {
        let valid = Judged::of(&text, &[]);
        let pipe = ["verify", "/dev/stdin", &valid.certificate];
        let done = checker_reading(&pipe, text.as_bytes());
        assert_eq!((done.code, &done.out), (0, &valid.verify().out), "{done:?}");
    }
}

#[test]
fn truncated_certificates_prove_nothing_wherever_they_end() {
    let valid = Judged::of(VALID, &[]);
    let text = fs::read(&valid.certificate).expect("it was written");
    // Only the line end at the very end says nothing.
    for length in 0..text.len() - 1 {
        if length % 7 != 0 && length + 20 < text.len() {
            continue;
        }
        let cut = valid.folder.file("cut.jsonl", &text[..length]);
        let done = checker(&["verify", &valid.history, &cut]);
        assert!([254, 255].contains(&done.code), "at {length}: {done:?}");
        assert!(done.out.is_empty() && done.err.contains("cut.jsonl"), "at {length}: {done:?}");
    }
}

#[test]
fn hostile_bytes_are_no_certificate() {
    let valid = Judged::of(VALID, &[]);
    let deep = b"{\"certificate\":".iter().copied().chain([b'['; 100_000]).collect::<Vec<u8>>();
    let bytes: [&[u8]; 7] = [
        b"",
        b"\n\n\n",
        b"\xff\xfe\x00\x01\x80",
        b"\x1f\x8b\x08\x00 not gzip at all",
        b"\x28\xb5\x2f\xfd\xff\xff\xff\xff",
        b"{\"certificate\":\"ordeal\",\"version\":99}\n",
        &deep,
    ];
    for bytes in bytes {
        let hostile = valid.folder.file("hostile", bytes);
        let done = checker(&["verify", &valid.history, &hostile]);
        refused(&done, 254, "hostile: the certificate cannot be read: ");
    }
    let history = checker(&["verify", &valid.history, &valid.history]);
    refused(&history, 254, "the certificate cannot be read");
}

#[test]
fn a_bomb_is_refused_with_what_it_may_unpack_to() {
    let member = |byte: u8| {
        let best = flate2::Compression::best();
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), best);
        encoder.write_all(&vec![byte; 1 << 20]).expect("memory takes every write");
        encoder.finish().expect("memory takes every write")
    };
    let valid = Judged::of(VALID, &[]);
    let bomb = valid.folder.file("bomb.gz", member(b'\n').repeat(100));
    let most = ["--unpacked", "10MiB"];
    let done = checker(&[&["verify", &valid.history, &bomb], &most[..]].concat());
    refused(
        &done,
        254,
        "bomb.gz: the certificate cannot be read: it unpacks to more than 10485760",
    );
}

#[test]
fn every_assumption_is_printed() {
    let init = VALID
        .replace(":ok, :process 1, :f :read, :value 1", ":ok, :process 1, :f :read, :value nil");
    let flags = ["--init", "1", "--failed-cas", "observe", "--nil-reads", "unknown"];
    let done = Judged::of(&init, &flags).verify();
    assert_eq!(done.code, 0, "{done:?}");
    let (_, believed) =
        done.out.split_once("believed, since no history can prove it:\n").expect("told");
    for said in [
        "the whole history is about one object",
        "the initial value is 1",
        "a read of nil says nothing",
        "a cas that failed by comparison saw another value",
        "what failed did not happen",
    ] {
        assert!(believed.contains(said), "{said}: {believed}");
    }
    let keyed = "\
{:index 0, :type :invoke, :process 0, :f :write, :value [7 1]}
{:index 1, :type :ok, :process 0, :f :write, :value [7 1]}
{:index 2, :type :invoke, :process 1, :f :read, :value [7 nil]}
{:index 3, :type :ok, :process 1, :f :read, :value [7 1]}
";
    let done = Judged::of(keyed, &[]).verify();
    for said in [
        "key 7 is valid, proved by",
        "a read of nil is a read of that value",
        "a failed cas says only",
    ] {
        assert!(done.out.contains(said), "{said}: {done:?}");
    }
    let keys =
        done.out.lines().any(|line| line.contains("[key value]") || line.contains("each key"));
    assert!(keys, "{done:?}");
}

#[test]
fn what_is_left_of_a_journal_is_proved_about_what_was_recovered() {
    let folder = Folder::new();
    let journal = folder.file(
        "history.jsonl",
        "{\"index\":0,\"time\":1,\"type\":\"invoke\",\"process\":0,\"f\":\"write\",\"value\":1}\n\
         {\"index\":1,\"time\":2,\"type\":\"ok\",\"process\":0,\"f\":\"write\",\"value\":1}\n\
         {\"index\":2,\"time\":3,\"type\":\"invoke\",\"process\":1,\"f\":\"read\",\"value\":null}\n\
         {\"index\":3,\"time\":4,\"type\":\"ok\",\"process\":1,\"f\":\"read\",\"value\":1}\n\
         {\"index\":4,\"time\":5,\"type\":\"invo",
    );
    let run = std::path::Path::new(&journal).parent().expect("a folder").display().to_string();
    let certificate = folder.path("proof.jsonl").display().to_string();
    let done = checker(&["analyze", &run, "--certificate", &certificate]);
    assert_eq!(done.code, 0, "{done:?}");
    let recovered = format!("{certificate}.history.edn");
    assert!(done.err.contains(&recovered), "{done:?}");
    let verified = checker(&["verify", &recovered, &certificate]);
    assert_eq!(verified.code, 0, "{verified:?}");
    let of_the_journal = checker(&["verify", &journal, &certificate]);
    refused(&of_the_journal, 255, "it is about another history");
}

#[test]
fn an_inferred_model_is_named_and_one_that_cannot_be_is_asked_for() {
    let done = checker_reading(&["analyze", "-"], VALID.as_bytes());
    assert_eq!(done.code, 0, "{done:?}");
    let told = done.out.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        told.contains("the model cas-register was inferred (functions: read, write)"),
        "{told}"
    );
    let pairs = VALID.replace(":value 1}", ":value [5 1]}");
    let done = checker_reading(&["analyze", "-", "--format", "json"], pairs.as_bytes());
    assert_eq!(done.code, 2, "{done:?}");
    let asked = "say --model cas-register, or --model versioned-register";
    assert!(done.out.contains(asked) && done.out.contains("\"ambiguous\""), "{done:?}");
    let done = checker_reading(&["analyze", "-", "--stream"], pairs.as_bytes());
    assert_eq!(done.code, 2, "{done:?}");
    assert!(done.out.contains(asked), "{done:?}");
    let named = ["analyze", "-", "--model", "cas-register"];
    assert_eq!(checker_reading(&named, pairs.as_bytes()).code, 0);
    let named = ["analyze", "-", "--model", "versioned-register"];
    assert_eq!(checker_reading(&named, pairs.as_bytes()).code, 1);
}
