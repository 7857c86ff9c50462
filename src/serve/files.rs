//! Static files. In: a request, and the directory that is published. Out: the file that it names, or the page without its
//! `.html`. Hidden files are not published, and no link leads out of the directory.

use axum::body::Body;
use axum::extract::Request;
use axum::http::request::Parts;
use axum::http::uri::PathAndQuery;
use axum::http::{Response, StatusCode};
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

async fn at(directory: &AbsPath, path: &str, parts: &Parts) -> Option<Response<Body>> {
    let decoded = percent_decode_str(path).decode_utf8().ok()?;
    let is_hidden = |name: &str| name.starts_with('.') && name != WELL_KNOWN;
    if decoded.split('/').any(is_hidden) {
        return None;
    }
    let real = |path: &AbsPath| Some(Store::new(Disk).real(path).ok()?.path);
    if !real(&directory.join(decoded.trim_start_matches('/')))?.starts_with(&real(directory)?) {
        return None;
    }
    let mut parts = parts.clone();
    let mut uri = std::mem::take(&mut parts.uri).into_parts();
    uri.path_and_query = Some(PathAndQuery::try_from(path).ok()?);
    parts.uri = uri.try_into().ok()?;
    let response = ServeDir::new(&**directory).call(Request::from_parts(parts, Body::empty())).await.ok()?;
    let is_there = !matches!(response.status(), StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED);
    is_there.then(|| response.map(Body::new))
}
