//! Whether CommonJS asks for strict mode. Only what stands before the first statement is read.

/// Whether the code begins with the directive `"use strict"`, perhaps after others.
pub(crate) fn is_strict(code: &str) -> bool {
    let mut rest = code.strip_prefix('\u{feff}').unwrap_or(code);
    if rest.starts_with("#!") {
        rest = rest.find('\n').map_or("", |end| &rest[end..]);
    }
    loop {
        rest = blank(rest).0;
        let Some(quote) = rest.chars().next().filter(|first| matches!(first, '"' | '\'')) else { return false };
        let Some((text, after)) = string(&rest[1..], quote) else { return false };
        let (next, new_line) = blank(after);
        let ends = next.is_empty() || next.starts_with([';', '}']) || new_line && begins_statement(next);
        if !ends {
            return false;
        }
        if text == "use strict" {
            return true;
        }
        rest = next.strip_prefix(';').unwrap_or(next);
    }
}

/// Skips white space and comments; says whether a line ended among them.
fn blank(mut rest: &str) -> (&str, bool) {
    let mut new_line = false;
    loop {
        let trimmed = rest.trim_start_matches(|it: char| it.is_whitespace() || it == '\u{feff}');
        let skipped = &rest[..rest.len() - trimmed.len()];
        new_line |= skipped.contains(['\n', '\r', '\u{2028}', '\u{2029}']);
        let end = if trimmed.starts_with("//") {
            trimmed.find(['\n', '\r', '\u{2028}', '\u{2029}'])
        } else if trimmed.starts_with("/*") {
            trimmed.find("*/").map(|end| end + 2)
        } else {
            return (trimmed, new_line);
        };
        let (comment, after) = trimmed.split_at(end.unwrap_or(trimmed.len()));
        new_line |= comment.contains('\n');
        rest = after;
    }
}

/// The text of a string as it is written, and what comes after it.
fn string(rest: &str, quote: char) -> Option<(&str, &str)> {
    let mut escaped = false;
    for (at, character) in rest.char_indices() {
        match character {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '\n' => return None,
            _ if character == quote => return Some((&rest[..at], &rest[at + 1..])),
            _ => {}
        }
    }
    None
}

/// Whether a statement can begin here, as against the rest of an expression that began with the string.
fn begins_statement(next: &str) -> bool {
    let word = |word: &str| {
        let after = next.strip_prefix(word).and_then(|after| after.chars().next());
        after.is_some_and(|after| !after.is_alphanumeric() && !matches!(after, '_' | '$'))
    };
    let first = next.chars().next();
    let begins =
        first.is_some_and(|it| it.is_alphanumeric() || matches!(it, '_' | '$' | '"' | '\'' | '{' | '@' | '!' | '~'));
    begins && !next.starts_with("!=") && !word("in") && !word("instanceof")
}

#[cfg(test)]
mod tests {
    use super::is_strict;

    #[test]
    fn the_directive_is_found_where_it_is_one() {
        for code in [
            "'use strict'",
            "\"use strict\";exports.a = 1",
            "#!/usr/bin/env node\n// note\n/* two\nlines */ 'use strict'\nvar a",
            "'other'; 'use strict';",
            "'other'\n'use strict'\nexports.a = 1",
            "\u{feff}'use strict' // yes\nfoo()",
            "'use strict'\n!function () {}()",
            "'use strict'\ninstance()",
        ] {
            assert!(is_strict(code), "{code}");
        }
    }

    #[test]
    fn what_only_looks_like_it_is_none() {
        for code in [
            "",
            "exports.a = 'use strict'",
            "'use strict' + 1",
            "'use strict'\n(function () {})()",
            "'use strict'\n.length",
            "'use strict' in a",
            "'use strict'\nin a",
            "'use strict'\n!= 1",
            "'use\\x20strict'; 'other'",
            "var a; 'use strict'",
            "(function () { 'use strict' })()",
            "'use strict",
        ] {
            assert!(!is_strict(code), "{code}");
        }
    }
}
