//! Names that Subversion ignores, in Git's words. Pure.

/// The `.gitignore` of a directory with these properties; none if nothing is ignored.
///
/// `svn:ignore` is about the directory alone, so its patterns get a slash in front; `svn:global-ignores` is about all below it. A
/// pattern with a slash matches nothing in Subversion, and is left out.
pub(crate) fn gitignore(ignore: Option<&[u8]>, global: Option<&[u8]>) -> Option<Vec<u8>> {
    let is_line_end = |b: &u8| matches!(b, b'\n' | b'\r');
    let own = ignore.unwrap_or_default().split(is_line_end).filter_map(|pattern| line(b"/", pattern));
    let all = global.unwrap_or_default().split(u8::is_ascii_whitespace).filter_map(|pattern| line(b"", pattern));
    let lines: Vec<u8> = own.chain(all).flatten().collect();
    (!lines.is_empty()).then_some(lines)
}

fn line(prefix: &[u8], pattern: &[u8]) -> Option<Vec<u8>> {
    if pattern.is_empty() || pattern.contains(&b'/') {
        return None;
    }
    let mut line = prefix.to_vec();
    // In front of a pattern these two mean something to Git.
    if prefix.is_empty() && matches!(pattern[0], b'!' | b'#') {
        line.push(b'\\');
    }
    let kept = pattern.len() - pattern.iter().rev().take_while(|b| **b == b' ').count();
    line.extend_from_slice(&pattern[..kept]);
    // Git drops spaces at the end, unless they are quoted.
    line.extend_from_slice(&b"\\ ".repeat(pattern.len() - kept));
    line.push(b'\n');
    Some(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_keep_their_meaning() {
        let shown = |ignore: &str, global: &str| {
            gitignore(Some(ignore.as_bytes()), Some(global.as_bytes()))
                .map(|text| String::from_utf8(text).expect("text"))
        };
        assert_eq!(shown("*.o\r\nbuild\n\n#x\na b \nno/match", "").as_deref(), Some("/*.o\n/build\n/#x\n/a b\\ \n"));
        assert_eq!(shown("", "*.tmp !x\n#y").as_deref(), Some("*.tmp\n\\!x\n\\#y\n"));
        assert_eq!(shown("\n", " "), None);
        assert_eq!(gitignore(None, None), None);
    }
}
