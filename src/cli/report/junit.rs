//! What a verification found, as JUnit's XML: a test case a function, which fails if it has an error. The form is what
//! CI systems read of it: `testsuite`, `testcase`, `failure`, `system-out`.

use std::fmt::Write;

use crate::diagnostic::{Diagnostic, Severity};
use crate::verify::Verified;

/// The report.
pub(in crate::cli) fn report(verified: &Verified) -> String {
    let of = |name: Option<&str>| -> Vec<&Diagnostic> {
        verified.findings.iter().filter(|finding| finding.function.as_deref() == name).collect()
    };
    let mut cases: Vec<(&str, Vec<&Diagnostic>)> =
        verified.functions.iter().map(|(name, _)| (name.as_str(), of(Some(name)))).collect();
    let is_known = |finding: &&Diagnostic| {
        let function = finding.function.as_deref();
        verified.functions.iter().any(|(name, _)| Some(name.as_str()) == function)
    };
    let others: Vec<&Diagnostic> = verified.findings.iter().filter(|finding| !is_known(finding)).collect();
    if !others.is_empty() {
        cases.push(("manifest", others));
    }
    let failures = cases.iter().filter(|(_, findings)| fails(findings)).count();
    let mut xml = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let _ = writeln!(
        xml,
        "<testsuites>\n  <testsuite name=\"fnzip verify\" tests=\"{}\" failures=\"{failures}\">",
        cases.len()
    );
    for (name, findings) in cases {
        let _ = writeln!(xml, "    <testcase classname=\"fnzip.verify\" name=\"{}\">", escaped(name));
        let (errors, rest): (Vec<_>, Vec<_>) =
            findings.into_iter().partition(|finding| finding.severity == Severity::Error);
        if let Some(first) = errors.first() {
            let (message, all) = (escaped(&first.message), escaped(&lines(&errors)));
            let _ = writeln!(xml, "      <failure type=\"{}\" message=\"{message}\">{all}</failure>", first.code);
        }
        if !rest.is_empty() {
            let _ = writeln!(xml, "      <system-out>{}</system-out>", escaped(&lines(&rest)));
        }
        xml += "    </testcase>\n";
    }
    xml + "  </testsuite>\n</testsuites>\n"
}

fn fails(findings: &[&Diagnostic]) -> bool {
    findings.iter().any(|finding| finding.severity == Severity::Error)
}

fn lines(findings: &[&Diagnostic]) -> String {
    let line = |finding: &&Diagnostic| {
        let place = finding.path.as_ref().map(|path| format!("{path}: ")).unwrap_or_default();
        let hint = finding.hint.as_ref().map(|hint| format!(" (hint: {hint})")).unwrap_or_default();
        format!("{}: {place}{}{hint}", finding.severity, finding.message)
    };
    findings.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// What XML takes, of characters that it does not take a mark.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out += "&amp;",
            '<' => out += "&lt;",
            '>' => out += "&gt;",
            '"' => out += "&quot;",
            '\n' | '\t' => out.push(character),
            '\u{0}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            _ => out.push(character),
        }
    }
    out
}
