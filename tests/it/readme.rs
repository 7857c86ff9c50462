//! The README is true: what it shows of fnzip is what fnzip prints. Its `console` blocks are run in
//! `fixtures/quickstart`; times, and the machine's own paths, may differ.

use std::fs;

use crate::support::{copy_tree, fixture, fnzip, repository, said, scratch};

/// A line without what differs from run to run.
fn stable(line: &str) -> String {
    let words: Vec<&str> = line.split_whitespace().collect();
    let timeless = words.iter().enumerate().map(|(index, word)| {
        let is_time =
            words.get(index + 1).is_some_and(|unit| matches!(*unit, "ms" | "s")) && word.parse::<f64>().is_ok();
        if is_time { "TIME" } else { word }
    });
    timeless.collect::<Vec<_>>().join(" ")
}

#[test]
fn what_it_shows_is_what_is_printed() {
    let readme = fs::read_to_string(repository().join("README.md")).unwrap();
    let scratch = scratch();
    copy_tree(&fixture("quickstart"), &scratch.path);
    let mut shown = 0;
    for block in readme.split("```console\n").skip(1) {
        let block = block.split("```").next().unwrap();
        for part in block.split("$ ").skip(1) {
            let (command, expected) = part.split_once('\n').unwrap_or((part, ""));
            let Some(words) = command.strip_prefix("fnzip ") else { continue };
            let said = said(fnzip(&scratch.path).env_remove("FNZIP_NODE_VERSION").args(words.split_whitespace()));
            let printed = format!("{}{}", said.err, said.out);
            let lines = |text: &str| text.lines().map(stable).filter(|line| !line.is_empty()).collect::<Vec<_>>();
            let (expected, printed) = (lines(expected), lines(&printed));
            // A block may show the beginning alone, if it says so.
            let printed = match expected.iter().position(|line| line == "…") {
                Some(cut) => [&printed[..cut], &["…".to_owned()]].concat(),
                None => printed,
            };
            assert_eq!(printed, expected, "$ {command}");
            shown += 1;
        }
    }
    assert!(shown >= 4, "the README shows fnzip at work");
}

/// The error that it shows is the one that is told.
#[test]
fn the_error_that_it_shows_is_what_is_printed() {
    let readme = fs::read_to_string(repository().join("README.md")).unwrap();
    let shown = readme.split("```text\n").nth(1).unwrap().split("```").next().unwrap();
    let site = scratch();
    site.file("netlify/functions/report/index.js", "exports.handler = require('../../../lib/mail.js').send\n");
    site.file("lib/mail.js", "const mail = require('nodemailer')\n");
    let said = said(fnzip(&site.path).arg("bundle"));
    assert!(said.err.starts_with(shown), "{}", said.err);
}

/// Of each option and each field of a result, as the npm package declares them, the table says whether it is the same.
#[test]
fn the_table_of_the_npm_package_has_every_name() {
    let readme = fs::read_to_string(repository().join("README.md")).unwrap();
    let rows = readme.split("| option, or field of a result |").nth(1).unwrap().lines().skip(2);
    let rows: Vec<Vec<&str>> =
        rows.take_while(|row| row.starts_with('|')).map(|row| row.split(" | ").collect()).collect();
    let told: Vec<&str> = rows.iter().flat_map(|row| row[0].split('`').skip(1).step_by(2)).collect();
    for row in &rows {
        assert!(matches!(row[1], "same" | "better" | "not"), "{row:?}");
    }
    let declared = fs::read_to_string(repository().join("npm/index.d.ts")).unwrap();
    for name in ["ZipFunctionOptions", "ZipServerOptions", "ListFunctionsOptions", "FunctionResult", "ServerResult"] {
        let body = declared.split(&format!("interface {name} {{\n")).nth(1).unwrap().split("\n}").next().unwrap();
        let fields = body.lines().filter_map(|line| line.strip_prefix("  ")?.split_once(": ")).map(|(field, _)| field);
        for field in fields.map(|field| field.trim_end_matches('?')).filter(|it| it.chars().all(char::is_alphanumeric))
        {
            let is_told = told.iter().any(|known| *known == field || known.starts_with(&format!("{field}.")));
            assert!(is_told, "the table says nothing of `{field}` of {name}");
        }
    }
}
