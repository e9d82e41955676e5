//! `checker serve`: a store over HTTP, for those who would rather not open files.
//!
//! Everything in a store works from the file system as well; this only hands files out. It reads
//! and never writes, knows GET and HEAD, and stays on loopback unless told otherwise. A path is
//! taken apart, not trusted: no component may begin with a dot, and what it leads to after all
//! links are followed must still lie in the store. On loopback a request must also be *for*
//! loopback, or any web page could read the store through its visitor's browser by pointing a name
//! of its own here. Left out: TLS, users, directory listings, and files over 256 MiB, which are
//! better opened where they lie.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result};
use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, Method, Response, StatusCode, Uri, header};
use tokio::net::TcpListener;

use crate::console::Console;
use crate::exit::{BadInput, Exit};
use crate::host_port::HostPort;
use crate::pages;

/// What is handed out whole, from memory.
const MOST_BYTES: u64 = 256 * 1024 * 1024;

/// A run that goes on is listed, too, and its folder has no page yet.
const NOT_FOUND: &str = "there is no such file in this store; a folder is shown by its report.html, \
                         which is written when its run has been judged\n";

/// Show a store in a browser: read-only, and to this machine alone unless told otherwise
///
/// The pages are files and open without it: `store/index.html`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  checker serve                           http://127.0.0.1:8080/
  checker serve store --bind 0.0.0.0:80   whoever reaches this machine may read every run")]
pub struct Args {
    /// The store
    #[arg(value_name = "STORE", default_value = "store")]
    store: PathBuf,
    /// Where to listen; port 0 takes a free one
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:8080")]
    bind: HostPort,
}

/// Serves until ctrl-c.
///
/// # Errors
/// When there is no such store, or nothing can listen there.
pub fn run(args: &Args, console: &Console) -> Result<Exit> {
    let store = std::fs::canonicalize(&args.store)
        .ok()
        .filter(|store| store.is_dir())
        .ok_or_else(|| BadInput(format!("{}: no such store", args.store.display())))?;
    let bind = args.bind.resolve().map_err(|error| BadInput(format!("--bind: {error}")))?;
    if !store.join("index.html").exists() {
        for warning in pages::of_store(&store) {
            console.say(format_args!("warning: {warning}"));
        }
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")?;
    runtime.block_on(serve(store, bind, console))
}

async fn serve(store: PathBuf, bind: SocketAddr, console: &Console) -> Result<Exit> {
    let listener = TcpListener::bind(bind)
        .await
        .map_err(|error| BadInput(format!("cannot listen at {bind}: {error}")))?;
    let at = listener.local_addr().context("finding the port")?;
    console.say(format_args!("http://{at}/ shows {}; ctrl-c ends it", store.display()));
    if !at.ip().is_loopback() {
        console.say("whoever reaches this machine may read every run");
    }
    let shared = Arc::new(Shared { store, only_loopback: at.ip().is_loopback() });
    let app = Router::new().fallback(answer).with_state(shared);
    let stop = async {
        // Without a handler for it, ctrl-c ends the process anyway.
        let _ = tokio::signal::ctrl_c().await;
    };
    axum::serve(listener, app).with_graceful_shutdown(stop).await.context("serving")?;
    Ok(Exit::Valid)
}

struct Shared {
    /// The store, all links followed.
    store: PathBuf,
    only_loopback: bool,
}

async fn answer(
    State(shared): State<Arc<Shared>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
) -> Response<Body> {
    if !matches!(method, Method::GET | Method::HEAD) {
        return plain(StatusCode::METHOD_NOT_ALLOWED, "this store is read-only\n");
    }
    if shared.only_loopback && !is_for_loopback(&headers) {
        return plain(StatusCode::MISDIRECTED_REQUEST, "this serves loopback alone\n");
    }
    match find(&shared.store, uri.path()) {
        Some(Found::Folder(to)) => {
            let mut response = plain(StatusCode::PERMANENT_REDIRECT, "");
            if let Ok(to) = to.parse() {
                response.headers_mut().insert(header::LOCATION, to);
            }
            response
        }
        Some(Found::File(path)) => file(&path).await,
        None => plain(StatusCode::NOT_FOUND, NOT_FOUND),
    }
}

/// Whether the name that the browser was given is this machine's own.
fn is_for_loopback(headers: &HeaderMap) -> bool {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    matches!(name, "localhost" | "[::1]" | "127.0.0.1")
}

/// What a path leads to.
#[derive(Debug, PartialEq)]
enum Found {
    File(PathBuf),
    /// Relative links in its page need the slash at the end.
    Folder(String),
}

/// What a path of a request leads to inside the store; nothing if it leads outside or nowhere.
fn find(store: &Path, path: &str) -> Option<Found> {
    let decoded = decode(path)?;
    let parts: Vec<&str> = decoded.split('/').filter(|part| !part.is_empty()).collect();
    if parts.iter().any(|part| part.starts_with('.') || part.contains(['\\', '\0'])) {
        return None;
    }
    let mut target = store.to_path_buf();
    target.extend(&parts);
    let target = std::fs::canonicalize(target).ok().filter(|path| path.starts_with(store))?;
    if target.is_file() {
        return Some(Found::File(target));
    }
    if !path.ends_with('/') {
        // Made of the parts: two slashes in front would name another machine.
        let path: String = parts.iter().map(|part| format!("/{}", encode(part))).collect();
        return Some(Found::Folder(format!("{path}/")));
    }
    let page = |name: &str| std::fs::canonicalize(target.join(name)).ok();
    let found = page("index.html").or_else(|| page("report.html"))?;
    (found.is_file() && found.starts_with(store)).then_some(Found::File(found))
}

/// Undoes percent-encoding, once.
fn decode(path: &str) -> Option<String> {
    let mut bytes = path.bytes();
    let mut out = Vec::with_capacity(path.len());
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            out.push(byte);
            continue;
        }
        let mut digit = || char::from(bytes.next()?).to_digit(16);
        let value = digit()? * 16 + digit()?;
        out.push(u8::try_from(value).ok()?);
    }
    String::from_utf8(out).ok()
}

fn encode(part: &str) -> String {
    crate::report::href(part).trim_start_matches("./").to_owned()
}

async fn file(path: &Path) -> Response<Body> {
    let length = tokio::fs::metadata(path).await.map_or(0, |found| found.len());
    if length > MOST_BYTES {
        let cure = "too large to be served; open it where it lies\n";
        return plain(StatusCode::PAYLOAD_TOO_LARGE, cure);
    }
    match tokio::fs::read(path).await {
        Ok(content) => respond(StatusCode::OK, content_type(path), Body::from(content)),
        Err(error) => plain(StatusCode::INTERNAL_SERVER_ERROR, &format!("{error}\n")),
    }
}

/// What a browser should take a file for: never more than it is.
fn content_type(path: &Path) -> &'static str {
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("html") => "text/html; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("json") => "application/json",
        Some("gz" | "zst") => "application/octet-stream",
        _ => "text/plain; charset=utf-8",
    }
}

fn plain(status: StatusCode, text: &str) -> Response<Body> {
    respond(status, "text/plain; charset=utf-8", Body::from(text.to_owned()))
}

fn respond(status: StatusCode, content_type: &'static str, body: Body) -> Response<Body> {
    Response::builder()
        .status(status)
        .header(header::CONTENT_TYPE, content_type)
        .header(header::X_CONTENT_TYPE_OPTIONS, "nosniff")
        .header(header::CACHE_CONTROL, "no-cache")
        .body(body)
        .expect("every header is a constant")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A store beside a secret, with a link to it and one within.
    fn store() -> (tempfile::TempDir, PathBuf) {
        let place = tempfile::tempdir().unwrap();
        let store = std::fs::canonicalize(place.path()).unwrap().join("store");
        let run = store.join("a b/1");
        std::fs::create_dir_all(&run).unwrap();
        std::fs::write(run.join("report.html"), "r").unwrap();
        std::fs::write(store.join("index.html"), "i").unwrap();
        std::fs::write(store.join(".lock"), "l").unwrap();
        std::fs::write(place.path().join("secret"), "s").unwrap();
        std::os::unix::fs::symlink("../secret", store.join("out")).unwrap();
        std::os::unix::fs::symlink("..", store.join("up")).unwrap();
        std::os::unix::fs::symlink("a b/1", store.join("latest")).unwrap();
        (place, store)
    }

    #[test]
    fn files_and_folders_of_the_store_are_found_through_its_own_links_too() {
        let (_place, store) = store();
        let report = Some(Found::File(store.join("a b/1/report.html")));
        assert_eq!(find(&store, "/"), Some(Found::File(store.join("index.html"))));
        assert_eq!(find(&store, "/a%20b/1/report.html"), report);
        assert_eq!(find(&store, "/latest/"), report);
        assert_eq!(find(&store, "/latest"), Some(Found::Folder("/latest/".into())));
        assert_eq!(find(&store, "//a%20b"), Some(Found::Folder("/a%20b/".into())));
    }

    #[test]
    fn nothing_outside_the_store_is_found_however_it_is_spelled() {
        let (_place, store) = store();
        for path in [
            "/../secret",
            "/%2e%2e/secret",
            "/..%2fsecret",
            "/%2e%2e%2fsecret",
            "/a%20b/../../secret",
            "/out",
            "/up/secret",
            "/up/",
            "/.lock",
            "/..\\secret",
            "/%00",
            "/%zz",
            "/%",
            "/nowhere",
        ] {
            assert_eq!(find(&store, path), None, "{path}");
        }
    }

    #[test]
    fn on_loopback_only_requests_for_loopback_are_answered() {
        let of = |host: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, host.parse().unwrap());
            is_for_loopback(&headers)
        };
        assert!(of("localhost:8080") && of("127.0.0.1") && of("[::1]:80"));
        assert!(!of("evil.example:8080") && !of("127.0.0.1.evil.example") && !of("[::1]evil"));
        assert!(!is_for_loopback(&HeaderMap::new()));
    }
}
