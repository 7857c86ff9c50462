//! Small changes to finished code, all made at once, and what they do to the lines of its source map.

use std::ops::Range;

use oxc_sourcemap::Token;
use rolldown_sourcemap::SourceMap;

/// The changes to one file.
#[derive(Debug, Default)]
pub(crate) struct Edits {
    /// Lines that go above all code, below a hashbang.
    pub above: Vec<String>,
    /// Bytes within a line and what takes their place. Columns after it move, so it is the last thing in its line that
    /// a source map knows. Sorted.
    pub inside: Vec<(Range<usize>, &'static str)>,
    /// Bytes that go, with the rest of their lines. Sorted.
    pub gone: Vec<Range<usize>>,
}

impl Edits {
    /// The code with all changes, and where each of its lines (from 0) is now, if it is still there.
    pub(crate) fn apply(&self, code: &str) -> (String, Vec<Option<u32>>) {
        let mut result = String::with_capacity(code.len() + 256);
        let mut lines = Vec::new();
        let mut count = 0;
        let mut at = 0;
        let (mut gone, mut inside) = (self.gone.iter().peekable(), self.inside.iter().peekable());
        let first = usize::from(code.starts_with("#!"));
        for (number, line) in code.split_inclusive('\n').enumerate() {
            let end = at + line.len();
            if number == first {
                for line in &self.above {
                    result.push_str(line);
                    result.push('\n');
                    count += 1;
                }
            }
            while gone.next_if(|gone| gone.end <= at).is_some() {}
            if gone.peek().is_some_and(|gone| gone.start < end) {
                lines.push(None);
            } else {
                let mut from = at;
                while let Some((place, text)) = inside.next_if(|(place, _)| place.start < end) {
                    result.push_str(&code[from..place.start]);
                    result.push_str(text);
                    from = place.end;
                }
                result.push_str(&code[from..end]);
                lines.push(Some(count));
                count += 1;
            }
            at = end;
        }
        if !result.ends_with('\n') {
            result.push('\n');
        }
        (result, lines)
    }
}

/// The map of code whose lines have moved.
pub(crate) fn move_lines(map: SourceMap, lines: &[Option<u32>]) -> SourceMap {
    let mut parts = map.into_parts();
    let moved = parts.tokens.iter().filter_map(|token| {
        let line = lines.get(token.get_dst_line() as usize).copied().flatten()?;
        let (column, source, name) = (token.get_dst_col(), token.get_source_id(), token.get_name_id());
        Some(Token::new(line, column, token.get_src_line(), token.get_src_col(), source, name))
    });
    parts.tokens = moved.collect();
    // What was worked out beforehand about the tokens holds no longer.
    parts.token_chunks = None;
    SourceMap::from_parts(parts)
}

#[cfg(test)]
mod tests {
    use super::Edits;

    #[test]
    fn lines_go_above_the_code_but_below_a_hashbang() {
        let edits = Edits { above: vec!["x".into()], ..Edits::default() };
        assert_eq!(edits.apply("a\nb"), ("x\na\nb\n".into(), vec![Some(1), Some(2)]));
        assert_eq!(edits.apply("#!a\nb\n"), ("#!a\nx\nb\n".into(), vec![Some(0), Some(2)]));
    }

    #[test]
    fn what_goes_takes_its_lines_along() {
        let gone = std::iter::once(2..7).collect();
        let edits = Edits { inside: vec![(8..8, "!")], gone, ..Edits::default() };
        assert_eq!(edits.apply("a\nbb\ncc\nd\n"), ("a\n!d\n".into(), vec![Some(0), None, None, Some(1)]));
    }
}
