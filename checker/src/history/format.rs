//! Which notation a history is in.

use std::path::Path;

/// The notations in which histories are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// EDN, as Jepsen writes it.
    Edn,
    /// One JSON object a line: our journal.
    Jsonl,
    /// A JSON array of objects, as elle-cli reads it. Both JSON readers accept both.
    Json,
    /// Lines for people: `history.txt` and old Jepsen logs.
    Log,
}

impl Format {
    /// What the name of a file promises; a `.gz` behind it does not matter. `None` where the name
    /// says nothing (`.txt` is used for everything).
    pub fn of_path(path: &Path) -> Option<Format> {
        let mut name = path.file_name()?.to_str()?.to_ascii_lowercase();
        if let Some(bare) = name.strip_suffix(".gz") {
            name.truncate(bare.len());
        }
        match name.rsplit_once('.')?.1 {
            "edn" => Some(Format::Edn),
            "jsonl" | "ndjson" => Some(Format::Jsonl),
            "json" => Some(Format::Json),
            "log" => Some(Format::Log),
            _ => None,
        }
    }

    /// What the first bytes look like.
    pub fn sniff(text: &[u8]) -> Format {
        let blank = |byte: &u8| byte.is_ascii_whitespace() || *byte == b',';
        let mut bytes = text.iter().filter(|byte| !blank(byte));
        match (bytes.next(), bytes.next(), bytes.next()) {
            (Some(b'{'), Some(b'"'), _) => Format::Jsonl,
            (Some(b'['), Some(b'{'), Some(b'"')) => Format::Json,
            (Some(b'{' | b'[' | b'(' | b'#' | b';') | None, _, _) => Format::Edn,
            _ => Format::Log,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_decides_and_gz_does_not_matter() {
        let of = |name: &str| Format::of_path(Path::new(name));
        assert_eq!(of("a/history.edn"), Some(Format::Edn));
        assert_eq!(of("a/history.EDN.gz"), Some(Format::Edn));
        assert_eq!(of("history.jsonl"), Some(Format::Jsonl));
        assert_eq!(of("history.json"), Some(Format::Json));
        assert_eq!(of("etcd_000.log"), Some(Format::Log));
        assert_eq!(of("history.txt"), None);
        assert_eq!(of("edn"), None);
    }

    #[test]
    fn without_a_telling_name_the_first_bytes_decide() {
        assert_eq!(Format::sniff(b" {:type :ok}"), Format::Edn);
        assert_eq!(Format::sniff(b"[{:type :ok}]"), Format::Edn);
        assert_eq!(Format::sniff(b"; a comment"), Format::Edn);
        assert_eq!(Format::sniff(b""), Format::Edn);
        assert_eq!(Format::sniff(b"{\"type\":\"ok\"}"), Format::Jsonl);
        assert_eq!(Format::sniff(b"[\n {\"type\":\"ok\"}]"), Format::Json);
        assert_eq!(Format::sniff(b"0\t:invoke\t:read\tnil"), Format::Log);
        assert_eq!(Format::sniff(b"INFO  jepsen.util - 0"), Format::Log);
        assert_eq!(Format::sniff(b":nemesis :info :start nil"), Format::Log);
    }
}
