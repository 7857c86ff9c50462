//! Functions that the clock calls (spec: serve.md "scheduled"). In: their cron expressions, in UTC. Out: the calls that the
//! platform makes.

use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{DateTime, SecondsFormat, Utc};
use croner::Cron;
use serde_json::{Value, json};

use super::function::{Function, Kind};
use super::log::Start;
use super::reply::Invocation;
use super::{Call, Server};
use crate::manifest::now;

const MINUTE: u64 = 60_000;

/// A cron expression as the platform reads it: of six fields the first, the seconds, is not looked at.
pub(super) fn parse(expression: &str) -> Option<Cron> {
    let fields: Vec<&str> = expression.split_whitespace().collect();
    let fields = if fields.len() == 6 { &fields[1..] } else { &fields };
    fields.join(" ").parse().ok()
}

/// Calls each function whenever its time has come.
pub(super) async fn run(server: Arc<Server>) {
    loop {
        let minute = (now() / MINUTE + 1) * MINUTE;
        tokio::time::sleep(Duration::from_millis(minute.saturating_sub(now()))).await;
        let Some(time) = time(minute) else { continue };
        for function in server.site().functions() {
            let is_due =
                matches!(&function.kind, Kind::Schedule(cron) if cron.is_time_matching(&time).unwrap_or(false));
            if is_due {
                tokio::spawn(call(server.clone(), function.clone()));
            }
        }
    }
}

async fn call(server: Arc<Server>, function: Arc<Function>) {
    let path = format!("/.netlify/functions/{}", function.name);
    let headers = json!({ "content-type": "application/json", "host": "localhost" });
    let event = json!({
        "path": path, "httpMethod": "POST", "queryStringParameters": {}, "multiValueQueryStringParameters": {},
        "headers": headers, "multiValueHeaders": {}, "rawUrl": format!("http://localhost{path}"), "rawQuery": "",
    });
    let invocation =
        Invocation { event: as_scheduled(event, &function), client_context: None, time: server.options.time };
    let since = Instant::now();
    let answered = function.invoke(invocation).await;
    if let Err(fault) = &answered.what {
        server.log.failed(&function.name, fault);
    }
    let call = Call {
        function: function.name.clone(),
        method: "POST".to_owned(),
        path,
        status: if answered.what.is_ok() { 200 } else { 500 },
        milliseconds: since.elapsed().as_secs_f64() * 1000.0,
        start: Start::of(&answered),
        at: now(),
    };
    server.tell(&call);
    server.keep(call);
}

/// An event as a scheduled function gets it, whatever it was.
pub(super) fn as_scheduled(mut event: Value, function: &Function) -> Value {
    let Kind::Schedule(cron) = &function.kind else { return event };
    let next = time(now()).and_then(|time| cron.find_next_occurrence(&time, false).ok());
    let next = next.map(|next| next.to_rfc3339_opts(SecondsFormat::Millis, true));
    event["httpMethod"] = "POST".into();
    event["body"] = json!({ "next_run": next }).to_string().into();
    event["isBase64Encoded"] = false.into();
    event["headers"]["user-agent"] = "Netlify Clockwork".into();
    event["headers"]["X-NF-Event"] = "schedule".into();
    event
}

fn time(milliseconds: u64) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp_millis(i64::try_from(milliseconds).ok()?)
}
