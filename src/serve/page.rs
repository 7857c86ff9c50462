//! Pages for people, and the same for tools. In: what is served, and what was called. Out: HTML, JSON or text.

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use serde_json::{Value, json};

use super::function::{Function, Kind};
use super::reply::Answered;
use super::{Server, answer, front};

const STYLE: &str = include_str!("page.css");

/// Is it a browser that asks?
pub(super) fn wants_page(headers: &HeaderMap) -> bool {
    headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok()).is_some_and(|it| it.contains("text/html"))
}

/// What is served.
pub(super) fn page(server: &Server, headers: &HeaderMap) -> Response<Body> {
    let facts = facts(server);
    if wants_page(headers) {
        return html(StatusCode::OK, "Functions", &list(&facts));
    }
    let text = serde_json::to_string_pretty(&facts).unwrap_or_default() + "\n";
    of_type(StatusCode::OK, "application/json", text)
}

fn facts(server: &Server) -> Value {
    let functions: Vec<Value> = server.site().functions().map(|function| fact(function)).collect();
    json!({ "functions": functions, "calls": *server.calls(), "jobs": server.jobs.shown() })
}

fn fact(function: &Function) -> Value {
    json!({
        "name": function.name,
        "kind": kind(function),
        "version": if function.is_second { 2 } else { 1 },
        "addresses": function.addresses(),
        "remarks": function.remarks(),
        "processes": function.processes(),
        "failure": function.why_broken(),
    })
}

fn kind(function: &Function) -> &'static str {
    match function.kind {
        Kind::Request => "synchronous",
        Kind::Background => "background",
        Kind::Schedule(_) => "scheduled",
    }
}

fn list(facts: &Value) -> String {
    let rows = |key: &str| facts[key].as_array().cloned().unwrap_or_default();
    let text = |value: &Value| escaped(&value.as_str().map_or_else(|| value.to_string(), str::to_owned));
    let functions = rows("functions").into_iter().map(|row| {
        let addresses = row["addresses"].as_array().into_iter().flatten().filter_map(Value::as_str);
        let link = |address: &str| {
            let is_pattern = address.contains([':', '*', '(']);
            let shown = escaped(address);
            if is_pattern { format!("<code>{shown}</code>") } else { format!("<a href=\"{shown}\">{shown}</a>") }
        };
        let links = addresses.map(link).collect::<Vec<_>>().join("<br>");
        let failure = row["failure"].as_str().map(|why| format!("<pre class=bad>{}</pre>", escaped(why)));
        let remarks = row["remarks"].as_array().into_iter().flatten().filter_map(Value::as_str);
        let kind = std::iter::once(text(&row["kind"])).chain(remarks.map(escaped)).collect::<Vec<_>>().join("<br>");
        let cells = [text(&row["name"]), links + &failure.unwrap_or_default(), kind, text(&row["processes"])];
        cells_of(&cells)
    });
    let functions = table(&["function", "address", "kind", "processes"], functions);
    let calls = rows("calls").into_iter().map(|row| {
        let time = format!("{:.1} ms", row["milliseconds"].as_f64().unwrap_or_default());
        let request = format!("{} {}", text(&row["method"]), text(&row["path"]));
        let start = row["start"].as_str().filter(|start| *start != "none").unwrap_or_default().to_owned();
        cells_of(&[text(&row["status"]), request, text(&row["function"]), time, start])
    });
    let calls = table(&["status", "request", "function", "time", "process"], calls);
    let jobs = rows("jobs").into_iter().map(|row| {
        let failure = row["failure"].as_str().map(escaped).unwrap_or_default();
        cells_of(&[text(&row["id"]), text(&row["function"]), text(&row["state"]), text(&row["attempts"]), failure])
    });
    let jobs = table(&["job", "function", "state", "attempts", "failure"], jobs);
    format!("{functions}<h2>Last calls</h2>{calls}<h2>In the background</h2>{jobs}")
}

fn cells_of(cells: &[String]) -> String {
    cells.iter().map(|cell| format!("<td>{cell}</td>")).collect()
}

fn table(titles: &[&str], rows: impl Iterator<Item = String>) -> String {
    let rows: String = rows.map(|row| format!("<tr>{row}</tr>")).collect();
    if rows.is_empty() {
        return "<p>None yet.</p>".to_owned();
    }
    let titles: String = titles.iter().map(|title| format!("<th>{title}</th>")).collect();
    format!("<table><thead><tr>{titles}</tr></thead><tbody>{rows}</tbody></table>")
}

/// Why a function has not answered.
pub(super) fn failure(function: &Function, words: &str) -> Response<Body> {
    let (title, words) = (format!("{} has failed", escaped(&function.name)), escaped(words));
    html(StatusCode::INTERNAL_SERVER_ERROR, &title, &format!("<pre class=bad>{words}</pre>"))
}

/// What a visitor of a scheduled function is told: there are none where it is deployed.
pub(super) fn scheduled(
    function: &Function,
    answered: Answered,
    server: &Server,
    headers: &HeaderMap,
) -> Response<Body> {
    let mut words = format!(
        "`{}` is a scheduled function. It has been called as its schedule does; deployed, it has no address.\n",
        function.name
    );
    let status = match &answered.what {
        Err(fault) => {
            server.log.failed(&function.name, fault);
            words += &format!("\nIt has failed:\n\n{}\n", answer::words(fault));
            StatusCode::INTERNAL_SERVER_ERROR
        }
        Ok(_) => StatusCode::OK,
    };
    if wants_page(headers) {
        return html(status, &escaped(&function.name), &format!("<pre>{}</pre>", escaped(&words)));
    }
    front::text(status, &words)
}

fn html(status: StatusCode, title: &str, body: &str) -> Response<Body> {
    let page = format!(
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content=\"width=device-width\">\
         <title>{title}</title><link rel=icon href=\"data:,\"><style>{STYLE}</style><main><h1>{title}</h1>{body}</main></html>\n"
    );
    of_type(status, "text/html; charset=utf-8", page)
}

pub(super) fn of_type(status: StatusCode, kind: &'static str, text: String) -> Response<Body> {
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}

/// As text in HTML, also within quotes.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
