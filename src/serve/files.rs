//! Static files. In: a request, and the directory that is published. Out: the file that it names, or the page without its
//! `.html`. Hidden files are not published, and no link leads out of the directory.

use std::path::is_separator;

use axum::body::Body;
use axum::extract::Request;
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use axum::http::uri::PathAndQuery;
use axum::http::{HeaderValue, Response, StatusCode};
use percent_encoding::percent_decode_str;
use tower_http::services::ServeDir;
use tower_service::Service;

use crate::fs::Disk;
use crate::path::AbsPath;
use crate::store::Store;

/// The one hidden directory that is for everybody (RFC 8615).
const WELL_KNOWN: &str = ".well-known";

/// The file that a request is for.
pub(super) async fn file(directory: &AbsPath, parts: &Parts) -> Option<Response<Body>> {
    let path = parts.uri.path();
    let page = format!("{}.html", path.trim_end_matches('/'));
    match at(directory, path, parts).await {
        Some(found) => Some(found),
        None => at(directory, &page, parts).await,
    }
}

/// Text is UTF-8, unless it says otherwise itself.
fn as_utf8(mut response: Response<Body>) -> Response<Body> {
    if let Some(kind) = response.headers_mut().get_mut(CONTENT_TYPE)
        && kind.as_bytes().starts_with(b"text/")
        && let Ok(with_charset) = HeaderValue::from_bytes(&[kind.as_bytes(), b"; charset=utf-8"].concat())
    {
        *kind = with_charset;
    }
    response
}

async fn at(directory: &AbsPath, path: &str, parts: &Parts) -> Option<Response<Body>> {
    let decoded = percent_decode_str(path).decode_utf8().ok()?;
    let is_hidden = |name: &str| name.starts_with('.') && name != WELL_KNOWN;
    if decoded.split(is_separator).any(is_hidden) {
        return None;
    }
    let store = Store::new(Disk);
    let real = |path: &AbsPath| Some(store.real(path).ok()?.path);
    let found = real(&directory.join(decoded.trim_start_matches('/')))?;
    let found = if store.is_dir(&found) { real(&found.child("index.html"))? } else { found };
    if !found.starts_with(&real(directory)?) {
        return None;
    }
    let mut parts = parts.clone();
    let mut uri = std::mem::take(&mut parts.uri).into_parts();
    let query = uri.path_and_query.as_ref().and_then(|it| it.query()).map(|query| format!("?{query}"));
    uri.path_and_query = Some(PathAndQuery::try_from(format!("{path}{}", query.unwrap_or_default())).ok()?);
    parts.uri = uri.try_into().ok()?;
    let response = ServeDir::new(&**directory).call(Request::from_parts(parts, Body::empty())).await.ok()?;
    let is_there = !matches!(response.status(), StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED);
    is_there.then(|| as_utf8(response.map(Body::new)))
}
