//! Why an operation was not answered with a result, and what its client may conclude.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::command::NodeId;

/// Every way in which an operation ends without a result. The one question that matters to a
/// tester is whether the operation may still take effect: see [`Failure::is_definite`].
#[derive(Clone, Debug, thiserror::Error, Serialize, Deserialize)]
pub(crate) enum Failure {
    /// The request makes no sense.
    #[error("{0}")]
    Malformed(String),
    /// It was turned away before anything was sent or proposed.
    #[error("refused: {0}")]
    Refused(String),
    /// This node does not lead, and nothing was sent or proposed. Reads are redirected.
    #[error("not the leader")]
    NotLeader { leader: Option<NodeId> },
    /// It was sent or proposed, and then something went wrong. It may take effect, now or later.
    #[error("outcome unknown: {0}")]
    Unknown(String),
    /// The same, because time ran out.
    #[error("timed out")]
    TimedOut,
    /// A time-out that claims to be harmless ([`crate::Bug::FailButApplied`]).
    #[error("timed out, nothing was done")]
    TimedOutForSure,
}

impl Failure {
    /// Whether the operation certainly never takes effect. Only what was refused *before* it was
    /// proposed qualifies: an entry that its leader proposed, and dropped when it was deposed,
    /// may sit in the log of another node that becomes leader later.
    pub(crate) fn is_definite(&self) -> bool {
        match self {
            Self::Malformed(_)
            | Self::Refused(_)
            | Self::NotLeader { .. }
            | Self::TimedOutForSure => true,
            Self::Unknown(_) | Self::TimedOut => false,
        }
    }

    fn status(&self) -> StatusCode {
        match self {
            Self::Malformed(_) => StatusCode::BAD_REQUEST,
            Self::TimedOut | Self::TimedOutForSure => StatusCode::GATEWAY_TIMEOUT,
            Self::Refused(_) | Self::NotLeader { .. } | Self::Unknown(_) => {
                StatusCode::SERVICE_UNAVAILABLE
            }
        }
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let body = json!({ "error": self.to_string(), "definite": self.is_definite() });
        (self.status(), Json(body)).into_response()
    }
}

/// The answer to a read that another node must serve.
pub(crate) fn redirect(leader: NodeId, location: &str) -> Response {
    let body = json!({ "error": format!("node {leader} leads"), "definite": true });
    let mut response = (StatusCode::TEMPORARY_REDIRECT, Json(body)).into_response();
    if let Ok(location) = HeaderValue::from_str(location) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    response
}
