//! What an answer means: conditions on it, and how to get a value out of it.
//!
//! A condition is a table whose entries must all hold; a list of tables holds if one of them does.
//!
//! ```toml
//! ok = { status = 200, json = { "/header" = { exists = true } } }
//! fail = [{ status = [400, 404] }, { json = { "/definite" = true } }]
//! ```
//!
//! `"/header"` is a JSON pointer (RFC 6901) into the body. An answer whose body is no JSON meets no
//! condition on JSON, and one that may have been cut off none on its body at all.

use std::collections::BTreeMap;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use checker::Value;
use regex::Regex;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::Value as Json;

use crate::Call;
use crate::clients::http::Answer;
use crate::clients::json::{can_be_read, from_json, readable};

/// One condition, or several of which one is enough. Without any, nothing meets it.
#[derive(Clone, Debug, Default)]
pub struct Conditions(Vec<Condition>);

/// What must all hold of an answer.
#[derive(Clone, Debug, Default, serde::Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Condition {
    /// Its status is one of these.
    status: Option<Statuses>,
    /// What is at these places of its body.
    json: BTreeMap<Pointer, Expected>,
    /// Its body is this text; blanks around it do not count.
    body: Option<String>,
    /// This text is in its body.
    contains: Option<String>,
    /// This expression matches somewhere in its body.
    matches: Option<Pattern>,
}

impl Conditions {
    /// Whether one of them holds.
    pub(crate) fn hold(&self, answer: &Seen<'_>) -> bool {
        self.0.iter().any(|condition| condition.holds(answer))
    }

    /// Whether nothing ever meets it.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Any answer whose status says success.
    pub(crate) fn success() -> Conditions {
        let status = Some(Statuses(vec![Status::Class(2)]));
        Conditions(vec![Condition { status, ..Condition::default() }])
    }
}

impl Condition {
    fn holds(&self, seen: &Seen<'_>) -> bool {
        let text = || seen.text.as_ref();
        self.status.as_ref().is_none_or(|statuses| statuses.hold(seen.answer.status))
            && (seen.is_whole || !self.asks_for_the_body())
            && self.json.iter().all(|(pointer, expected)| expected.holds(pointer, seen))
            && self.body.as_ref().is_none_or(|body| text().trim() == body.trim())
            && self.contains.as_ref().is_none_or(|part| text().contains(part.as_str()))
            && self.matches.as_ref().is_none_or(|pattern| pattern.0.is_match(text()))
    }

    fn is_empty(&self) -> bool {
        self.status.is_none() && !self.asks_for_the_body()
    }

    fn asks_for_the_body(&self) -> bool {
        !self.json.is_empty()
            || self.body.is_some()
            || self.contains.is_some()
            || self.matches.is_some()
    }
}

/// An answer, read as text and as JSON once.
pub(crate) struct Seen<'a> {
    pub(crate) answer: &'a Answer,
    text: std::borrow::Cow<'a, str>,
    json: Option<Json>,
    /// Nothing of the body can be missing.
    is_whole: bool,
}

impl<'a> Seen<'a> {
    pub(crate) fn of(answer: &'a Answer) -> Seen<'a> {
        let json = answer.json();
        // An object or a list ends with a bracket of its own; 12 may be half of 123.
        let ends_itself = json.as_ref().is_some_and(|json| json.is_object() || json.is_array());
        let is_whole = answer.is_delimited || ends_itself;
        Seen { answer, text: String::from_utf8_lossy(&answer.body), json, is_whole }
    }

    pub(crate) fn text(&self) -> &str {
        self.text.as_ref()
    }

    fn at(&self, pointer: &Pointer) -> Option<&Json> {
        self.json.as_ref()?.pointer(&pointer.0)
    }
}

/// A place in a JSON document, such as `/kvs/0/value`; the empty text is the whole document.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Deserialize)]
#[serde(try_from = "String")]
pub struct Pointer(String);

impl TryFrom<String> for Pointer {
    type Error = String;

    fn try_from(text: String) -> Result<Pointer, String> {
        if text.is_empty() || text.starts_with('/') {
            return Ok(Pointer(text));
        }
        Err(format!("{text:?} is no place in a document: begin with a slash, such as \"/{text}\""))
    }
}

/// What is expected at a place: a value, or a table that says what of it.
#[derive(Clone, Debug, serde::Deserialize)]
#[serde(try_from = "Json")]
struct Expected(Expectation);

#[derive(Clone, Debug, Default, serde::Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
struct Expectation {
    /// There is something, `null` included, or there is nothing.
    exists: Option<bool>,
    /// It is this.
    equals: Option<Json>,
    /// It is one of these.
    one_of: Option<Vec<Json>>,
    /// It is there, and none of these, nor `null`.
    not: Option<Vec<Json>>,
    /// It is there, and the same as what is at this other place.
    same_as: Option<Pointer>,
    /// It is a text, a number or a truth value, and this expression matches somewhere in it.
    matches: Option<Pattern>,
}

impl TryFrom<Json> for Expected {
    type Error = String;

    fn try_from(json: Json) -> Result<Expected, String> {
        if !json.is_object() {
            return Ok(Expected(Expectation { equals: Some(json), ..Expectation::default() }));
        }
        let expectation: Expectation =
            serde_json::from_value(json).map_err(|error| error.to_string())?;
        Ok(Expected(expectation))
    }
}

impl Expected {
    fn holds(&self, pointer: &Pointer, seen: &Seen<'_>) -> bool {
        let Expectation { exists, equals, one_of, not, same_as, matches } = &self.0;
        if seen.json.is_none() {
            return false;
        }
        let found = seen.at(pointer);
        let is = |test: &dyn Fn(&Json) -> bool| found.is_some_and(test);
        exists.is_none_or(|exists| found.is_some() == exists)
            && equals.as_ref().is_none_or(|equal| is(&|found| found == equal))
            && one_of.as_ref().is_none_or(|known| is(&|found| known.contains(found)))
            && (not.as_ref())
                .is_none_or(|known| is(&|found| !found.is_null() && !known.contains(found)))
            && same_as.as_ref().is_none_or(|other| found.is_some() && found == seen.at(other))
            && matches.as_ref().is_none_or(|pattern| {
                is(&|found| plain_text(found).is_some_and(|text| pattern.0.is_match(&text)))
            })
    }
}

/// A regular expression.
#[derive(Clone, Debug)]
pub struct Pattern(Regex);

impl Pattern {
    /// The expression's first group in a text, or all that it matches if it has none.
    pub fn find_in<'a>(&self, text: &'a str) -> Option<&'a str> {
        let groups = self.0.captures(text)?;
        groups.get(1).or_else(|| groups.get(0)).map(|found| found.as_str())
    }
}

impl<'de> Deserialize<'de> for Pattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Pattern, D::Error> {
        let text = String::deserialize(deserializer)?;
        Regex::new(&text).map(Pattern).map_err(D::Error::custom)
    }
}

/// Statuses, each a number or a class such as `"2xx"`.
#[derive(Clone, Debug)]
struct Statuses(Vec<Status>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Status {
    Exactly(u16),
    Class(u16),
}

impl Statuses {
    fn hold(&self, status: u16) -> bool {
        self.0.iter().any(|known| match known {
            Status::Exactly(known) => *known == status,
            Status::Class(class) => status / 100 == *class,
        })
    }
}

impl Status {
    fn parse(json: &Json) -> Option<Status> {
        match json {
            Json::Number(number) => {
                let status = u16::try_from(number.as_u64()?).ok()?;
                (100..600).contains(&status).then_some(Status::Exactly(status))
            }
            Json::String(text) => {
                let class = text.strip_suffix("xx")?.parse().ok()?;
                (1..6).contains(&class).then_some(Status::Class(class))
            }
            _ => None,
        }
    }
}

impl<'de> Deserialize<'de> for Statuses {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Statuses, D::Error> {
        let json = Json::deserialize(deserializer)?;
        let one = std::slice::from_ref(&json);
        let several = json.as_array().map_or(one, Vec::as_slice);
        let parse = |json: &Json| {
            Status::parse(json).ok_or_else(|| {
                D::Error::custom(format!("{json} is no status: write 200, \"2xx\" or a list"))
            })
        };
        several.iter().map(parse).collect::<Result<_, _>>().map(Statuses)
    }
}

impl<'de> Deserialize<'de> for Conditions {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Conditions, D::Error> {
        struct OneOrMany;
        impl<'de> Visitor<'de> for OneOrMany {
            type Value = Vec<Condition>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a condition such as { status = 200 }, or a list of them")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Vec<Condition>, A::Error> {
                Condition::deserialize(MapAccessDeserializer::new(map)).map(|one| vec![one])
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Vec<Condition>, A::Error> {
                let mut all = Vec::new();
                while let Some(one) = seq.next_element()? {
                    all.push(one);
                }
                Ok(all)
            }
        }
        let all = deserializer.deserialize_any(OneOrMany)?;
        if all.is_empty() || all.iter().any(Condition::is_empty) {
            return Err(D::Error::custom(
                "a condition that any answer meets: say what must hold, such as { status = 200 }",
            ));
        }
        Ok(Conditions(all))
    }
}

/// How to get a value out of an answer.
#[derive(Clone, Debug, Default, serde::Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Extract {
    /// The value is a list: one for each element of the list at this place.
    each: Option<Pointer>,
    /// Where it is in the body (or in the element); without it, the whole body is meant, as text.
    pointer: Option<Pointer>,
    /// It is what the first group of this expression matches in that.
    matches: Option<Pattern>,
    /// How it is packed, from the outside in.
    decode: Vec<Decode>,
    /// What it means that there is nothing at that place.
    absent: Option<Absent>,
}

/// A way in which values are packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Decode {
    /// Standard Base64 of a text.
    Base64,
    /// JSON in a text.
    Json,
    /// A whole number in a text; blanks around it do not count.
    Int,
}

/// What it means that there is nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Absent {
    /// Nobody has written yet.
    Nil,
    /// The list is empty.
    Empty,
}

impl Extract {
    /// The value that a read returns: of a register a number or nothing, of a set a list.
    ///
    /// # Errors
    /// What is wrong with the answer, or with the description of it.
    pub(crate) fn value(&self, call: &Call, seen: &Seen<'_>) -> Result<Value, String> {
        if !seen.is_whole {
            let cure = "let the server send Content-Length, chunks, or a JSON object";
            return Err(format!("the body ended with its connection, and may be cut off: {cure}"));
        }
        let json = self.json(seen)?;
        let value = from_json(&json).filter(|value| can_be_read(call, value));
        value.ok_or_else(|| {
            let cure = if json.is_string() { ": add decode = [\"int\"]" } else { "" };
            format!("read {json}, and a {} is {}{cure}", call.f, readable(call))
        })
    }

    /// The value as text, for people.
    pub(crate) fn text(&self, seen: &Seen<'_>) -> Option<String> {
        plain_text(&self.json(seen).ok()?)
    }

    /// The value as a number that counts something, however it is written.
    pub(crate) fn number(&self, seen: &Seen<'_>) -> Option<u64> {
        self.text(seen)?.trim().parse().ok()
    }

    fn json(&self, seen: &Seen<'_>) -> Result<Json, String> {
        let body = match (&self.pointer, &self.each, &seen.json) {
            (None, None, _) => return self.decoded(Json::String(seen.text().to_owned())),
            (_, _, Some(json)) => json,
            (_, _, None) => return Err("the body is no JSON".to_owned()),
        };
        let Some(each) = &self.each else { return self.at(body) };
        match body.pointer(&each.0) {
            Some(Json::Array(items)) => {
                items.iter().map(|item| self.at(item)).collect::<Result<_, _>>().map(Json::Array)
            }
            None | Some(Json::Null) if self.absent == Some(Absent::Empty) => {
                Ok(Json::Array(Vec::new()))
            }
            _ => Err(format!("there is no list at {:?}", each.0)),
        }
    }

    fn at(&self, json: &Json) -> Result<Json, String> {
        let whole = Pointer(String::new());
        let pointer = self.pointer.as_ref().unwrap_or(&whole);
        match (json.pointer(&pointer.0), self.absent) {
            (Some(found), _) => self.decoded(found.clone()),
            (None, Some(Absent::Nil)) => Ok(Json::Null),
            (None, Some(Absent::Empty)) if self.each.is_none() => Ok(Json::Array(Vec::new())),
            (None, _) => Err(format!("there is nothing at {:?}", pointer.0)),
        }
    }

    fn decoded(&self, mut json: Json) -> Result<Json, String> {
        if json.is_null() {
            return Ok(json);
        }
        if let Some(pattern) = &self.matches {
            let text = plain_text(&json).ok_or("only texts and numbers can be matched")?;
            match pattern.find_in(&text) {
                Some(found) => json = Json::String(found.to_owned()),
                None if self.absent == Some(Absent::Nil) => return Ok(Json::Null),
                None => return Err(format!("{text:?} is not as `matches` says")),
            }
        }
        self.decode.iter().try_fold(json, |json, decode| decode.undo(&json))
    }
}

impl Decode {
    fn undo(self, json: &Json) -> Result<Json, String> {
        let wrong = |what: &str| format!("{json} is no {what}");
        match self {
            Decode::Base64 => {
                let bytes = json.as_str().and_then(|text| BASE64.decode(text.trim()).ok());
                let text = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
                text.map(Json::String).ok_or_else(|| wrong("text in Base64"))
            }
            Decode::Json => {
                let parsed = json.as_str().and_then(|text| serde_json::from_str(text).ok());
                parsed.ok_or_else(|| wrong("JSON in a text"))
            }
            Decode::Int => {
                let number = plain_text(json).and_then(|text| text.trim().parse::<i64>().ok());
                number.map(Json::from).ok_or_else(|| wrong("whole number"))
            }
        }
    }
}

/// What is written without quotes or brackets.
fn plain_text(json: &Json) -> Option<String> {
    match json {
        Json::String(text) => Some(text.clone()),
        Json::Number(_) | Json::Bool(_) => Some(json.to_string()),
        Json::Null | Json::Array(_) | Json::Object(_) => None,
    }
}
