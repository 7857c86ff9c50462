//! What is saved is served, and what was begun is finished.

use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use super::Serving;
use super::site::site;
use crate::support::{fnzip, full, said, skipped};
use crate::toolchains::has;

fn handler(body: &str) -> String {
    format!("exports.handler = async () => ({{ statusCode: 200, body: '{body} ' + process.pid }})\n")
}

#[test]
fn what_is_saved_is_served_and_the_others_stay() {
    let serving = Serving::of(
        &[("netlify/functions/one.js", &handler("first")), ("netlify/functions/two.js", &handler("other"))],
        &[],
    );
    let other = serving.call("two").body;
    assert!(serving.call("one").body.starts_with("first "));
    serving.site.file("netlify/functions/one.js", handler("second"));
    serving.get_until("/.netlify/functions/one", |answer| answer.body.starts_with("second "));
    assert_eq!(serving.call("two").body, other, "its process is the same");
    serving.site.file("netlify/functions/new/index.js", handler("new"));
    serving.get_until("/.netlify/functions/new", |answer| answer.status == 200);
    std::fs::remove_file(serving.site.path.join("netlify/functions/two.js")).unwrap();
    serving.get_until("/.netlify/functions/two", |answer| answer.status == 404);
}

#[test]
fn what_does_not_build_is_told_until_it_does() {
    let serving = Serving::of(&[("netlify/functions/one.js", &handler("first"))], &[]);
    assert!(serving.call("one").body.starts_with("first "));
    serving.site.file("netlify/functions/one.js", "exports.handler = async () => {\n");
    let answer = serving.get_until("/.netlify/functions/one", |answer| answer.status == 500);
    assert!(answer.body.contains("one.js:"), "{answer:?}");
    serving.site.file("netlify.toml", "[functions\n");
    thread::sleep(Duration::from_millis(300));
    serving.site.file("netlify/functions/one.js", handler("mended"));
    thread::sleep(Duration::from_millis(300));
    assert_eq!(serving.call("one").status, 500, "the last that could be built is served");
    serving.site.file("netlify.toml", "");
    serving.get_until("/.netlify/functions/one", |answer| answer.body.starts_with("mended "));
}

#[test]
fn what_is_wrong_is_not_told_again_because_its_log_has_grown() {
    let broken = "exports.handler = async () => {\n";
    let serving = Serving::of(&[("netlify/functions/broken.js", broken)], &[]);
    for line in 0..5 {
        serving.site.file("serve.log", line.to_string());
        thread::sleep(Duration::from_millis(100));
    }
    let said = serving.said();
    assert!(said.iter().all(|line| !line.contains("failed")), "{said:#?}");
    serving.site.file("netlify/functions/broken.js", format!("\n{broken}"));
    serving.until("failed broken");
}

#[test]
fn what_was_begun_is_finished_by_whom_it_was_begun() {
    let slow = "exports.handler = async () => { await new Promise((done) => setTimeout(done, 1500)); return { statusCode: 200, body: require('./word.js') } }\n";
    let files =
        [("netlify/functions/slow/index.js", slow), ("netlify/functions/slow/word.js", "module.exports = 'old'\n")];
    let serving = Serving::of(&files, &[]);
    serving.call("slow");
    let begun = thread::scope(|scope| {
        let begun = scope.spawn(|| serving.call("slow"));
        thread::sleep(Duration::from_millis(200));
        serving.site.file("netlify/functions/slow/word.js", "module.exports = 'new'\n");
        begun.join().unwrap()
    });
    assert_eq!((begun.status, begun.body.as_str()), (200, "old"));
    serving.until("built slow");
    assert_eq!(serving.call("slow").body, "new");
}

#[test]
fn the_environment_of_a_site_is_followed() {
    let handler = "exports.handler = async () => ({ statusCode: 200, body: process.env.WORD ?? 'none' })\n";
    let serving = Serving::of(&[("netlify/functions/word.js", handler), (".env", "WORD=first\n")], &[]);
    assert_eq!(serving.call("word").body, "first");
    serving.site.file(".env", "WORD=second\n");
    serving.get_until("/.netlify/functions/word", |answer| answer.body == "second");
}

#[test]
fn what_was_built_elsewhere_is_served_as_it_is() {
    let site = site(&[("netlify/functions/one.js", &handler("first"))]);
    for format in ["zip", "tar", "none"] {
        assert_eq!(said(fnzip(&site.path).args(["bundle", "--format", format, "--out", format])).status, 0);
    }
    for format in ["zip", "tar", "none"] {
        let copy = super::site::site(&[]);
        crate::support::copy_tree(&site.path.join(format), &copy.path.join("built"));
        let serving = Serving::start(copy, &["--dist", "built"]);
        assert!(serving.call("one").body.starts_with("first "), "{format}");
    }
}

#[test]
fn archives_are_served_as_they_are() {
    let second = "export default async () => new Response('second')\nexport const config = { path: '/second' }\n";
    let site = site(&[
        ("netlify/functions/one.js", &handler("first")),
        ("netlify/functions/two.mjs", second),
        ("netlify/functions/three.js", &handler("third")),
    ]);
    for format in ["zip", "tar", "none"] {
        assert_eq!(said(fnzip(&site.path).args(["bundle", "--format", format, "--out", format])).status, 0);
    }
    for archives in [["zip/one.zip", "zip/two.zip"], ["tar/one.tgz", "tar/two.tgz"], ["none/one", "none/two"]] {
        let copy = super::site::site(&[]);
        for format in ["zip", "tar", "none"] {
            crate::support::copy_tree(&site.path.join(format), &copy.path.child(format));
        }
        let serving = Serving::start(copy, &["--dist", archives[0], archives[1]]);
        assert!(serving.call("one").body.starts_with("first "), "{archives:?}");
        assert_eq!(serving.get("/second").body, "second", "the manifest beside it knows its address: {archives:?}");
        assert_eq!(serving.call("three").status, 404, "{archives:?}");
    }
    // By itself, and then another.
    let alone = super::site::site(&[]);
    std::fs::copy(site.path.join("zip/one.zip"), alone.path.child("alone.zip")).unwrap();
    // What a function is called is part of the archive.
    let serving = Serving::start(alone, &["--dist", "alone.zip"]);
    assert!(serving.call("alone").body.contains("nothing in the archive that the platform would start"));
    std::fs::rename(serving.site.path.child("alone.zip"), serving.site.path.child("one.zip")).unwrap();
    let serving =
        Serving::start(super::site::site(&[]), &["--dist", serving.site.path.child("one.zip").to_str().unwrap()]);
    assert!(serving.call("one").body.starts_with("first "));
}

#[test]
fn an_archive_of_another_packager_that_is_replaced_is_served() {
    let site = site(&[("netlify/functions/one.js", &handler("first"))]);
    let build = || {
        assert_eq!(
            said(fnzip(&site.path).args(["bundle", "--out", "built", "--manifest", "elsewhere.json"])).status,
            0
        );
    };
    build();
    let dist = site.path.child("built");
    let serving = Serving::start(super::site::site(&[]), &["--dist", dist.to_str().unwrap()]);
    assert!(serving.call("one").body.starts_with("first "));
    site.file("netlify/functions/one.js", handler("second"));
    build();
    serving.until("built one");
    assert!(serving.call("one").body.starts_with("second "));
}

#[test]
fn an_archive_that_is_replaced_is_served_whatever_the_manifest_says() {
    let site = site(&[("netlify/functions/one.js", &handler("first"))]);
    let build = |out: &str| assert_eq!(said(fnzip(&site.path).args(["bundle", "--out", out])).status, 0);
    build("built");
    site.file("netlify/functions/one.js", handler("second"));
    build("other");
    let serving = Serving::start(super::site::site(&[]), &["--dist", site.path.join("built").to_str().unwrap()]);
    assert!(serving.call("one").body.starts_with("first "));
    std::fs::copy(site.path.join("other/one.zip"), site.path.join("built/one.zip")).unwrap();
    serving.get_until("/.netlify/functions/one", |answer| answer.body.starts_with("second "));
}

#[test]
fn what_is_no_archive_is_refused() {
    let site = site(&[("a/one.zip", ""), ("b/one.zip", "")]);
    let refused = |dist: &[&str]| {
        let said = said(fnzip(&site.path).arg("serve").args(["--port", "0", "--dist"]).args(dist));
        assert_eq!(said.status, 2, "{}", said.err);
        said.err
    };
    assert!(refused(&["nothing"]).contains("nothing: there is no such file or directory"));
    assert!(refused(&["package.json"]).contains("package.json: is neither an archive nor a program"));
    assert!(refused(&["a", "b/one.zip"]).contains("b/one.zip: there is another function `one`"));
}

#[test]
fn two_servers_of_a_site_leave_each_other_alone() {
    let files = [
        ("netlify/functions/one.js", &*handler("one")),
        ("netlify/functions/two.js", &*handler("two")),
        ("other/three.js", &*handler("three")),
    ];
    let all = Serving::of(&files, &[]);
    let site = all.site.path.to_str().unwrap();
    let other = Serving::start(crate::support::scratch(), &["-C", site, &format!("{site}/other")]);
    let only = Serving::start(crate::support::scratch(), &["-C", site, "--only", "two"]);
    let answers = |serving: &Serving| ["one", "two", "three"].map(|name| serving.call(name).status);
    assert_eq!(answers(&all), [200, 200, 404]);
    assert_eq!(answers(&other), [404, 404, 200]);
    assert_eq!(answers(&only), [404, 200, 404]);
    all.site.file("netlify/functions/two.js", handler("again"));
    for serving in [&all, &only] {
        serving.get_until("/.netlify/functions/two", |answer| answer.body.starts_with("again "));
    }
}

#[test]
fn an_archive_that_is_back_is_served() {
    let serving = Serving::of(&[("netlify/functions/one.js", &handler("first"))], &[]);
    let archive = serving.site.path.join(".netlify/fnzip-serve/one.zip");
    std::fs::rename(&archive, serving.site.path.child("one.zip")).unwrap();
    let answer = serving.call("one");
    assert_eq!(answer.status, 500);
    assert!(answer.body.contains("one.zip: there is no such file or directory"), "{answer:?}");
    std::fs::rename(serving.site.path.child("one.zip"), &archive).unwrap();
    assert!(serving.call("one").body.starts_with("first "));
}

#[test]
fn what_a_build_says_is_said_once() {
    let unusual = "exports.handler = async () => ({ statusCode: 200, body: require(process.env.NOTHING) })\n";
    let missing = "exports.handler = () => require('missing')\n";
    let files = [
        ("netlify/functions/one.js", &*handler("first")),
        ("netlify/functions/two.js", unusual),
        ("netlify/functions/three.js", missing),
    ];
    let serving = Serving::of(&files, &[]);
    serving.said();
    serving.site.file("netlify/functions/one.js", handler("second"));
    let mut said = serving.said();
    while !said.iter().any(|line| line.contains("built one")) {
        thread::sleep(Duration::from_millis(10));
        said.extend(serving.said());
    }
    assert_eq!(said.iter().filter(|line| line.contains("missing")).count(), 0, "{said:#?}");
    // What is refused is told, and so is its end.
    serving.site.file("netlify.toml", "[functions\n");
    let refused = serving.until("error");
    assert!(refused.starts_with("error[configuration]: netlify.toml"), "{refused}");
    serving.site.file("netlify.toml", "");
    serving.until("(netlify.toml)");
    serving.site.file("netlify.toml", "[functions.one]\nschedule = \"@daily\"\n");
    serving.until("(netlify.toml)");
    assert!(serving.call("one").body.contains("is a scheduled function"), "the archive is the same, its row is not");
    std::fs::remove_file(serving.site.path.join("netlify/functions/three.js")).unwrap();
    serving.until("removed three");
    serving.site.file(".env", "A=b\n");
    let line = serving.until("(.env)");
    assert!(line.starts_with("looked again in "), "{line}");
}

#[test]
fn a_port_that_is_taken_is_told() {
    let serving = Serving::of(&[("netlify/functions/one.js", &handler("first"))], &[]);
    let said = said(fnzip(&serving.site.path).args(["serve", "--port", &serving.port.to_string()]));
    assert_eq!(said.status, 2);
    assert!(said.err.contains("--port names another"), "{}", said.err);
}

#[test]
fn the_clock_calls_who_is_due() {
    if !full() {
        return skipped("it waits for the next minute");
    }
    let handler = "exports.handler = async (event) => console.log('called', event.body)\n";
    let toml = "[functions.often]\nschedule = \"* * * * *\"\n[functions.never]\nschedule = \"0 0 29 2 *\"\n";
    let files =
        [("netlify.toml", toml), ("netlify/functions/often.js", handler), ("netlify/functions/never.js", handler)];
    let serving = Serving::of(&files, &["--run-schedules"]);
    let line = serving.until("called");
    assert!(line.starts_with("[often] called {\"next_run\":\""), "{line}");
}

#[test]
fn programs_are_served_too() {
    if !full() || !has("go") {
        return;
    }
    let site = crate::support::scratch();
    crate::support::copy_tree(&crate::support::fixture("go"), &site.path);
    // There it has a schedule.
    site.file("netlify.toml", "");
    let serving = Serving::start(site, &[]);
    let answer = serving.get("/.netlify/functions/greeting?name=Ada");
    assert_eq!((answer.status, answer.body.as_str()), (200, "Hello, Ada!"));
    let answer = serving.call("greeting");
    assert_eq!(answer.status, 500);
    assert!(answer.body.contains("nobody to greet"), "{answer:?}");
    let headers = [("content-type", "application/json")];
    assert_eq!(serving.ask("POST", "/.netlify/functions/counter-background", &headers, b"{}").status, 202);
    serving.until("job 1: done");
}

#[test]
fn what_happens_is_told_to_tools_as_json() {
    let handler = "exports.handler = async (event) => { console.log('a line'); if (event.rawQuery) throw new Error('no'); return { statusCode: 200 } }\n";
    let serving = Serving::of(&[("netlify/functions/one.js", handler)], &["--json"]);
    serving.call("one");
    serving.get("/.netlify/functions/one?x");
    let mut told: Vec<Value> = Vec::new();
    while told.iter().filter(|said| said["event"] == "answered").count() < 2 {
        let line = serving.until("{\"event\":");
        told.push(serde_json::from_str(&line).unwrap());
    }
    serving.site.file("netlify/functions/one.js", "exports.handler = async () => ({ statusCode: 204 })\n");
    told.push(serde_json::from_str(&serving.until("{\"event\":\"built\"")).unwrap());
    let of = |event: &str| told.iter().find(|said| said["event"] == event).unwrap();
    let built = of("built");
    assert_eq!((&built["built"], &built["failed"], &built["removed"]), (&json!(["one"]), &json!([]), &json!([])));
    assert_eq!(built["changed"], json!(["netlify/functions/one.js"]));
    let answered = of("answered");
    let facts = ["method", "path", "function", "status", "start"].map(|key| answered[key].clone());
    assert_eq!(json!(facts), json!(["GET", "/.netlify/functions/one", "one", 200, "cold"]));
    assert!(answered["time"].as_f64().is_some_and(|seconds| seconds > 0.0), "{answered}");
    assert_eq!((&of("printed")["function"], &of("printed")["line"]), (&json!("one"), &json!("a line")));
    assert_eq!(of("failed")["message"], "Error: no");
}
