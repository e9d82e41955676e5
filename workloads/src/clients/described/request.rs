//! Requests as a description writes them: `POST /v3/kv/put`, header lines, and a body that is
//! either a text or a TOML table that becomes JSON.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value as Json;

use crate::clients::http::{Body, Method, Request};
use crate::template::{Lookup, RenderError, Scope, Template, TemplateError};

/// Header lines by name.
pub type Headers<S> = BTreeMap<String, Template<S>>;

/// `METHOD /path`.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "String", bound = "S: Scope")]
pub struct RequestLine<S: Scope> {
    method: Method,
    path: Template<S>,
}

/// Why a text is no request line.
#[derive(Clone, Debug, thiserror::Error)]
pub enum RequestLineError {
    /// Not two words of which the second begins with a slash.
    #[error("{0:?} is no request: write a method and a path, such as GET /kv/{{key}}")]
    Shape(String),
    /// The path is a whole address.
    #[error(
        "{0:?} is a whole address, and nodes are called by plain HTTP where the tester finds them: write \
         the path alone. HTTPS is not spoken: put a proxy, or a client program ([client] command), that \
         speaks it on this machine in between"
    )]
    Address(String),
    /// The method has characters that none has.
    #[error("{0:?} is no method: write GET, PUT, POST, DELETE, …")]
    Method(String),
    /// The path is no template.
    #[error(transparent)]
    Path(#[from] TemplateError),
}

impl<S: Scope> TryFrom<String> for RequestLine<S> {
    type Error = RequestLineError;

    fn try_from(text: String) -> Result<Self, RequestLineError> {
        let shape = || RequestLineError::Shape(text.clone());
        let (method, path) = text.split_once(' ').ok_or_else(shape)?;
        let is_method = !method.is_empty() && method.chars().all(|c| c.is_ascii_uppercase());
        let known = Method::from_bytes(method.as_bytes()).ok().filter(|_| is_method);
        let method = known.ok_or_else(|| RequestLineError::Method(method.to_owned()))?;
        if path.contains("://") && !path.starts_with('/') {
            return Err(RequestLineError::Address(path.to_owned()));
        }
        if !path.starts_with('/') || path.contains(' ') {
            return Err(shape());
        }
        Ok(RequestLine { method, path: Template::parse(path)? })
    }
}

/// What a request carries.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "Json", bound = "S: Scope")]
pub enum BodyTemplate<S: Scope> {
    /// A text, sent as it is rendered.
    Text(Template<S>),
    /// A table or a list, sent as JSON; its texts are templates.
    Json(JsonTemplate<S>),
}

/// JSON whose texts are templates.
#[derive(Clone, Debug)]
pub enum JsonTemplate<S> {
    /// A number, a truth value.
    Fixed(Json),
    /// A text.
    Text(Template<S>),
    /// A list.
    List(Vec<JsonTemplate<S>>),
    /// An object; its keys are as they are.
    Object(Vec<(String, JsonTemplate<S>)>),
}

impl<S: Scope> TryFrom<Json> for BodyTemplate<S> {
    type Error = TemplateError;

    fn try_from(json: Json) -> Result<Self, TemplateError> {
        Ok(match json {
            Json::String(text) => BodyTemplate::Text(Template::parse(&text)?),
            json => BodyTemplate::Json(JsonTemplate::parse(json)?),
        })
    }
}

impl<S: Scope> JsonTemplate<S> {
    fn parse(json: Json) -> Result<Self, TemplateError> {
        Ok(match json {
            Json::String(text) => JsonTemplate::Text(Template::parse(&text)?),
            Json::Array(items) => JsonTemplate::List(
                items.into_iter().map(JsonTemplate::parse).collect::<Result<_, _>>()?,
            ),
            Json::Object(entries) => JsonTemplate::Object(
                (entries.into_iter())
                    .map(|(key, value)| Ok((key, JsonTemplate::parse(value)?)))
                    .collect::<Result<_, TemplateError>>()?,
            ),
            fixed => JsonTemplate::Fixed(fixed),
        })
    }

    fn render(&self, values: &dyn Lookup) -> Result<Json, RenderError> {
        Ok(match self {
            JsonTemplate::Fixed(json) => json.clone(),
            JsonTemplate::Text(text) => text.render_json(values)?,
            JsonTemplate::List(items) => {
                Json::Array(items.iter().map(|item| item.render(values)).collect::<Result<_, _>>()?)
            }
            JsonTemplate::Object(entries) => Json::Object(
                (entries.iter())
                    .map(|(key, value)| Ok((key.clone(), value.render(values)?)))
                    .collect::<Result<_, RenderError>>()?,
            ),
        })
    }
}

/// Why there is no request to send.
#[derive(Clone, Debug, thiserror::Error)]
pub enum UnsendableError {
    /// A variable was nothing.
    #[error(transparent)]
    Render(#[from] RenderError),
    /// A rendered header line is none.
    #[error("a header is no header line: letters, digits and - in names, no line ends in values")]
    Header,
}

/// A request, rendered; `headers` go in the order given, later ones replacing earlier ones.
pub(super) fn build<S: Scope>(
    line: &RequestLine<S>,
    headers: &[&Headers<S>],
    body: Option<&BodyTemplate<S>>,
    values: &dyn Lookup,
) -> Result<Request, UnsendableError> {
    let body = match body {
        None => None,
        Some(BodyTemplate::Text(text)) => Some(Body::Text(text.render(values)?)),
        Some(BodyTemplate::Json(json)) => Some(Body::Json(json.render(values)?)),
    };
    let mut lines = Vec::new();
    for (name, value) in headers.iter().flat_map(|headers| headers.iter()) {
        lines.push((name.clone(), value.render(values)?));
    }
    let request = Request::new(line.method.clone(), line.path.render(values)?, body);
    request.with_headers(&lines).ok_or(UnsendableError::Header)
}
