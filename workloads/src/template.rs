//! The small language in which a described system's command lines, files and requests are written.
//!
//! ```text
//! http://{client}                              a variable
//! {value|json|base64}                          and what is done to it, from left to right
//! {base64:{key}/{value}}                        the same for a text, variables and all
//! {members(,):{node}=http://{peer}}            the same for every member, separated by commas
//! {others( ):{number}={peer}}                  for every member but this one
//! {env:TOKEN}                                  from the tester's own environment
//! {{ and }}                                    braces themselves; a list cannot hold one
//! ```
//!
//! There are no conditions, no defaults and no expressions: what needs those is a program, and has a
//! place of its own (an external client, a start script). The language is strict instead. Each
//! text has a [`Scope`] that knows its variables, and a name that is none of them, a filter that does
//! not exist or a brace without its partner is an error where the text is *read*, with its place
//! and what could be meant: a run must not find out at its first cut that a name was misspelt.
//!
//! What a text stands for is only known when it is rendered: see [`Lookup`]. Rendering fails for
//! one reason alone: nothing (`nil`) was to be put into a text.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::de::{Deserialize, Deserializer, Error as _};
use serde_json::Value as Json;

/// The variables that a text may use.
pub trait Scope {
    /// What the text is, for messages: "the text about a member".
    const ABOUT: &'static str;
    /// Each variable's name and what it stands for.
    const VARIABLES: &'static [(&'static str, &'static str)];
    /// Whether there are members to go through.
    const HAS_MEMBERS: bool;
}

/// Texts about one member of the cluster: its command line, its files, the requests of the tester.
#[derive(Clone, Copy, Debug)]
pub enum OfMember {}

impl Scope for OfMember {
    const ABOUT: &'static str = "a member";
    const VARIABLES: &'static [(&'static str, &'static str)] = &[
        ("node", "its name: n1"),
        ("number", "its number, from 1"),
        ("index", "its number, from 0"),
        ("nodes", "how many members there are"),
        ("client", "where it serves clients: HOST:PORT"),
        ("host", "the host in that"),
        ("client_port", "the port in that"),
        ("peer", "where other members reach it, as seen by the member that is told: HOST:PORT"),
        ("peer_host", "the host in that"),
        ("peer_port", "the port in that"),
        ("data", "its data folder, empty before the run, kept over restarts"),
        ("log", "the file its output goes to"),
        ("folder", "the folder of the description"),
        ("checker", "the tester's own program"),
        ("run", "tells this run's cluster from every other"),
    ];
    const HAS_MEMBERS: bool = true;
}

/// Texts about where one member serves clients: how it is asked how it is.
#[derive(Clone, Copy, Debug)]
pub enum OfEndpoint {}

impl Scope for OfEndpoint {
    const ABOUT: &'static str = "an endpoint";
    const VARIABLES: &'static [(&'static str, &'static str)] = &[
        ("client", "where it serves clients: HOST:PORT"),
        ("host", "the host in that"),
        ("client_port", "the port in that"),
    ];
    const HAS_MEMBERS: bool = false;
}

/// Texts about a member of which nothing is known but its number.
#[derive(Clone, Copy, Debug)]
pub enum OfNumber {}

impl Scope for OfNumber {
    const ABOUT: &'static str = "a service";
    const VARIABLES: &'static [(&'static str, &'static str)] = &[
        ("node", "its name: n1"),
        ("number", "its number, from 1"),
        ("index", "the same, from 0"),
    ];
    const HAS_MEMBERS: bool = false;
}

/// Texts about a node that something else runs.
#[derive(Clone, Copy, Debug)]
pub enum OfAttached {}

impl Scope for OfAttached {
    const ABOUT: &'static str = "a node that is attached to";
    const VARIABLES: &'static [(&'static str, &'static str)] = &[
        ("node", "its name: n1"),
        ("number", "its number, from 1"),
        ("index", "its number, from 0"),
        ("client", "where it serves clients: HOST:PORT"),
        ("host", "the host that was given for it"),
        ("client_port", "the port that was given for it"),
        ("folder", "the folder of the description"),
    ];
    const HAS_MEMBERS: bool = false;
}

/// Texts about what one node hears of another one.
#[derive(Clone, Copy, Debug)]
pub enum OfLink {}

impl Scope for OfLink {
    const ABOUT: &'static str = "a link between nodes that are attached to";
    const VARIABLES: &'static [(&'static str, &'static str)] = &[
        ("node", "the name of the node that hears: n1"),
        ("number", "its number, from 1"),
        ("index", "its number, from 0"),
        ("client", "where it serves clients: HOST:PORT"),
        ("host", "the host that was given for it"),
        ("client_port", "the port that was given for it"),
        ("folder", "the folder of the description"),
        ("other", "the name of the node that is heard: n2"),
        ("other_number", "its number, from 1"),
        ("other_host", "the host that was given for it"),
        ("other_client_port", "the port that was given for it"),
    ];
    const HAS_MEMBERS: bool = false;
}

/// Texts about a client program: how it is started.
#[derive(Clone, Copy, Debug)]
pub enum OfClient {}

impl Scope for OfClient {
    const ABOUT: &'static str = "a client program";
    const VARIABLES: &'static [(&'static str, &'static str)] =
        &[("folder", "the folder of the description"), ("checker", "the tester's own program")];
    const HAS_MEMBERS: bool = false;
}

/// Texts about one operation of a client.
#[derive(Clone, Copy, Debug)]
pub enum OfCall {}

impl Scope for OfCall {
    const ABOUT: &'static str = "an operation";
    const VARIABLES: &'static [(&'static str, &'static str)] = &[
        ("key", "the name of what is operated on, the run's own"),
        ("value", "the argument"),
        ("old", "of a compare-and-set: what must be there"),
        ("new", "of a compare-and-set: what is to be there"),
        ("process", "the client's number"),
        ("node", "the name of the member that is asked: n1"),
    ];
    const HAS_MEMBERS: bool = false;
}

/// Which members a list goes through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// All of them, the one the text is about included.
    Members,
    /// All but that one.
    Others,
}

/// Gives variables their values; knows every name of its scope.
pub trait Lookup {
    /// The value of a variable.
    fn get(&self, name: &str) -> Json;

    /// The same for other members, in the order of the nodes.
    fn each(&self, who: Who) -> Vec<Box<dyn Lookup + '_>> {
        let _ = who;
        Vec::new()
    }
}

/// Why a text is no template.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("in {text:?}, character {place}: {what}; {cure}")]
pub struct TemplateError {
    text: String,
    place: usize,
    what: String,
    cure: String,
}

/// Why a template cannot be rendered now.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{{{name}}} is nil, which has no text: use {{{name}|json}}, or describe that case apart")]
pub struct RenderError {
    name: String,
}

/// A text with variables.
pub struct Template<S> {
    text: String,
    parts: Vec<Part>,
    scope: PhantomData<fn(S)>,
}

#[derive(Clone, Debug)]
enum Part {
    Text(String),
    Variable { name: String, filters: Vec<Filter> },
    Filtered { filter: Filter, parts: Vec<Part> },
    Each { who: Who, separator: String, parts: Vec<Part> },
}

/// What can be done to a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Filter {
    /// As JSON: the text `a` as `"a"`, nothing as `null`.
    Json,
    /// Standard Base64 with padding.
    Base64,
    /// Everything but letters, digits and `-._~` as `%XX`.
    Url,
}

const FILTERS: &[(&str, Filter)] =
    &[("json", Filter::Json), ("base64", Filter::Base64), ("url", Filter::Url)];

impl<S: Scope> Template<S> {
    /// Reads a text.
    ///
    /// # Errors
    /// At the first place that is not as the module's head says.
    pub fn parse(text: &str) -> Result<Template<S>, TemplateError> {
        let mut reader = Reader { text, at: 0, scope: PhantomData::<fn(S)> };
        let parts = reader.parts(Until::End)?;
        Ok(Template { text: text.to_owned(), parts, scope: PhantomData })
    }

    /// The text as it was written.
    pub fn source(&self) -> &str {
        &self.text
    }

    /// Whether the text uses this variable.
    pub fn uses(&self, variable: &str) -> bool {
        fn any(parts: &[Part], variable: &str) -> bool {
            parts.iter().any(|part| match part {
                Part::Text(_) => false,
                Part::Variable { name, .. } => name == variable,
                Part::Filtered { parts, .. } | Part::Each { parts, .. } => any(parts, variable),
            })
        }
        any(&self.parts, variable)
    }

    /// The text with every variable replaced.
    ///
    /// # Errors
    /// When a variable is nothing and not made into JSON.
    pub fn render(&self, values: &dyn Lookup) -> Result<String, RenderError> {
        rendered(&self.parts, values)
    }

    /// The same as JSON: a text that is one variable and nothing else keeps its type, so that
    /// `"{value}"` becomes `5` or `null`.
    ///
    /// # Errors
    /// As [`render`](Template::render).
    pub fn render_json(&self, values: &dyn Lookup) -> Result<Json, RenderError> {
        match self.parts.as_slice() {
            [Part::Variable { name, filters }] if filters.is_empty() => Ok(values.get(name)),
            parts => rendered(parts, values).map(Json::String),
        }
    }
}

impl<S> Clone for Template<S> {
    fn clone(&self) -> Self {
        Template { text: self.text.clone(), parts: self.parts.clone(), scope: PhantomData }
    }
}

impl<S> fmt::Debug for Template<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.text)
    }
}

impl<'de, S: Scope> Deserialize<'de> for Template<S> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<str>::deserialize(deserializer)?;
        Template::parse(&text).map_err(D::Error::custom)
    }
}

fn rendered(parts: &[Part], values: &dyn Lookup) -> Result<String, RenderError> {
    let mut text = String::new();
    for part in parts {
        match part {
            Part::Text(fixed) => text.push_str(fixed),
            Part::Variable { name, filters } => {
                text.push_str(&filtered(name, &values.get(name), filters)?);
            }
            Part::Filtered { filter, parts } => {
                text.push_str(&filter.apply(rendered(parts, values)?));
            }
            Part::Each { who, separator, parts } => {
                let each: Result<Vec<String>, RenderError> =
                    values.each(*who).iter().map(|one| rendered(parts, one.as_ref())).collect();
                text.push_str(&each?.join(separator));
            }
        }
    }
    Ok(text)
}

fn filtered(name: &str, value: &Json, filters: &[Filter]) -> Result<String, RenderError> {
    let (mut text, rest) = match (filters, value) {
        ([Filter::Json, rest @ ..], value) => (value.to_string(), rest),
        (_, Json::Null) => return Err(RenderError { name: name.to_owned() }),
        (filters, Json::String(text)) => (text.clone(), filters),
        (filters, value) => (value.to_string(), filters),
    };
    for filter in rest {
        text = filter.apply(text);
    }
    Ok(text)
}

impl Filter {
    fn apply(self, text: String) -> String {
        match self {
            Filter::Json => Json::String(text).to_string(),
            Filter::Base64 => BASE64.encode(&text),
            Filter::Url => percent_encoded(&text),
        }
    }
}

fn percent_encoded(text: &str) -> String {
    use fmt::Write as _;
    text.bytes().fold(String::new(), |mut encoded, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            let _ = write!(encoded, "%{byte:02X}");
        }
        encoded
    })
}

/// Where a list of parts ends.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Until {
    End,
    /// At the brace that closes a list.
    Brace,
}

struct Reader<'a, S> {
    text: &'a str,
    at: usize,
    scope: PhantomData<fn(S)>,
}

impl<'a, S: Scope> Reader<'a, S> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn error(&self, what: impl Into<String>, cure: impl Into<String>) -> TemplateError {
        let place = self.text[..self.at].chars().count() + 1;
        TemplateError { text: self.text.to_owned(), place, what: what.into(), cure: cure.into() }
    }

    fn parts(&mut self, until: Until) -> Result<Vec<Part>, TemplateError> {
        let mut parts = Vec::new();
        let mut fixed = String::new();
        loop {
            let rest = self.rest();
            let Some(next) = rest.find(['{', '}']) else {
                if until == Until::Brace {
                    return Err(self.error("what begins here has no end", "close it with }"));
                }
                fixed.push_str(rest);
                break;
            };
            fixed.push_str(&rest[..next]);
            self.at += next;
            let rest = self.rest();
            if until == Until::Brace && rest.starts_with('}') {
                break;
            } else if rest.starts_with("{{") || rest.starts_with("}}") {
                fixed.push_str(&rest[..1]);
                self.at += 2;
            } else if rest.starts_with('}') {
                return Err(self.error("} closes nothing", "write }} for a brace"));
            } else {
                self.at += 1;
                flush(&mut fixed, &mut parts);
                parts.push(self.braced(until)?);
            }
        }
        flush(&mut fixed, &mut parts);
        Ok(parts)
    }

    /// What is between braces; the opening one has been read, the closing one is read here.
    fn braced(&mut self, outer: Until) -> Result<Part, TemplateError> {
        let lists = [("members(", Who::Members), ("others(", Who::Others)];
        for (word, who) in lists {
            if self.rest().starts_with(word) {
                return self.list(word, who, outer);
            }
        }
        for (word, filter) in FILTERS {
            if self.rest().strip_prefix(word).is_some_and(|rest| rest.starts_with(':')) {
                self.at += word.len() + 1;
                let parts = self.parts(Until::Brace)?;
                self.at += 1;
                return Ok(Part::Filtered { filter: *filter, parts });
            }
        }
        let Some(end) = self.rest().find('}') else {
            return Err(self.error("{ is not closed", "write {{ for a brace, or close it with }"));
        };
        let inner = &self.rest()[..end];
        let part = match inner.strip_prefix("env:") {
            Some(name) => self.environment(name)?,
            None => self.variable(inner)?,
        };
        self.at += end + 1;
        Ok(part)
    }

    fn environment(&self, name: &str) -> Result<Part, TemplateError> {
        std::env::var(name).map(Part::Text).map_err(|_| {
            let what = format!("the environment variable {name:?} is not set");
            self.error(what, format!("export {name}=… before the tester is started"))
        })
    }

    fn variable(&self, inner: &str) -> Result<Part, TemplateError> {
        let mut words = inner.split('|');
        let name = words.next().unwrap_or_default();
        if !S::VARIABLES.iter().any(|(known, _)| *known == name) {
            let about = S::ABOUT;
            let what = format!("{{{name}}} is no variable of {about}");
            return Err(self.error(what, there_is(S::VARIABLES.iter().map(|(known, _)| *known))));
        }
        let filter = |word: &str| match FILTERS.iter().find(|(known, _)| *known == word) {
            Some((_, filter)) => Ok(*filter),
            None => Err(self.error(
                format!("{word:?} is nothing that can be done to a value"),
                there_is(FILTERS.iter().map(|(known, _)| *known)),
            )),
        };
        let filters = words.map(filter).collect::<Result<_, _>>()?;
        Ok(Part::Variable { name: name.to_owned(), filters })
    }

    fn list(&mut self, word: &str, who: Who, outer: Until) -> Result<Part, TemplateError> {
        const SHAPE: &str = "write {members(SEPARATOR):TEXT}, such as {members(,):{node}={peer}}";
        if !S::HAS_MEMBERS {
            let what = format!("there are no members to go through in a text about {}", S::ABOUT);
            return Err(self.error(what, "members are for command lines and files"));
        }
        if outer == Until::Brace {
            return Err(self.error("a list inside a list", "one is enough"));
        }
        let separator_at = self.at + word.len();
        let Some(length) = self.text[separator_at..].find("):") else {
            return Err(self.error("the list has no separator", SHAPE));
        };
        let separator = self.text[separator_at..separator_at + length].to_owned();
        self.at = separator_at + length + "):".len();
        let parts = self.parts(Until::Brace)?;
        self.at += 1;
        Ok(Part::Each { who, separator, parts })
    }
}

fn flush(fixed: &mut String, parts: &mut Vec<Part>) {
    if !fixed.is_empty() {
        parts.push(Part::Text(std::mem::take(fixed)));
    }
}

fn there_is<'a>(names: impl Iterator<Item = &'a str>) -> String {
    format!("there is: {}", names.collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    struct Fixed(Json);

    impl Lookup for Fixed {
        fn get(&self, name: &str) -> Json {
            self.0[name].clone()
        }

        fn each(&self, who: Who) -> Vec<Box<dyn Lookup + '_>> {
            let first = if who == Who::Members { 1 } else { 2 };
            let one = |n| json!({ "node": format!("n{n}"), "peer": format!("h:{n}") });
            (first..=3).map(|n| Box::new(Fixed(one(n))) as Box<dyn Lookup>).collect()
        }
    }

    fn member(text: &str) -> String {
        let template = Template::<OfMember>::parse(text).unwrap();
        template.render(&Fixed(json!({ "node": "n1", "number": 1 }))).unwrap()
    }

    fn wrong(text: &str) -> String {
        Template::<OfMember>::parse(text).unwrap_err().to_string()
    }

    #[test]
    fn variables_lists_and_braces_are_replaced() {
        assert_eq!(member("{node}-{number}"), "n1-1");
        assert_eq!(member("a{{b}}"), "a{b}");
        let all = member("{members(,):{node}=http://{peer}}");
        assert_eq!(all, "n1=http://h:1,n2=http://h:2,n3=http://h:3");
        assert_eq!(member("[{others(, ):\"{peer}\"}]"), r#"["h:2", "h:3"]"#);
        assert_eq!(member("{{{others( ):{node}}}}"), "{n2 n3}");
    }

    #[test]
    fn filters_are_applied_from_left_to_right() {
        let render = |text: &str, value: Json| {
            Template::<OfCall>::parse(text).unwrap().render(&Fixed(json!({ "value": value })))
        };
        assert_eq!(render("{value|json|base64}", json!(5)).unwrap(), "NQ==");
        assert_eq!(render("{value|json}", json!("a")).unwrap(), r#""a""#);
        assert_eq!(render("{value|url}", json!("a b/ü")).unwrap(), "a%20b%2F%C3%BC");
        assert_eq!(render("{value|json}", Json::Null).unwrap(), "null");
        assert_eq!(render("{base64:a/{value}}", json!(5)).unwrap(), "YS81");
        assert!(render("v={value}", Json::Null).unwrap_err().to_string().contains("{value|json}"));
    }

    #[test]
    fn a_variable_alone_keeps_its_type_in_json() {
        let json_of = |text: &str, value: Json| {
            let template = Template::<OfCall>::parse(text).unwrap();
            template.render_json(&Fixed(json!({ "value": value }))).unwrap()
        };
        assert_eq!(json_of("{value}", json!(5)), json!(5));
        assert_eq!(json_of("{value}", Json::Null), Json::Null);
        assert_eq!(json_of("v{value}", json!(5)), json!("v5"));
        assert_eq!(json_of("{value|json}", json!(5)), json!("5"));
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place_and_a_cure() {
        let unknown = wrong("http://{nod}");
        assert!(unknown.contains("character 9: {nod} is no variable of a member"), "{unknown}");
        assert!(unknown.contains("there is: node, number"), "{unknown}");
        assert!(wrong("{node|base32}").contains("there is: json, base64, url"));
        assert!(wrong("{node").contains("close it with }"));
        assert!(wrong("node}").contains("write }} for a brace"));
        assert!(wrong("{members:{node}}").contains("{members:{node} is no variable"));
        assert!(wrong("{members(,){node}}").contains("SEPARATOR"));
        assert!(wrong("{members(,):{node}").contains("has no end"));
        assert!(wrong("{env:ORDEAL_NO_SUCH_VARIABLE}").contains("export ORDEAL_NO_SUCH_VARIABLE"));
        let call = Template::<OfCall>::parse("{members(,):{node}}").unwrap_err().to_string();
        assert!(call.contains("no members"), "{call}");
    }
}
