//! The editor commands of one revision, as an svn server words them. Pure.
//!
//! ```text
//! open-root (( rev? ) d0)   open-dir | add-dir (path parent d1 ( rev? | from rev ))   change-dir-prop (d1 name ( value? ))
//! delete-entry (path ( rev? ) parent)   close-dir (d1)
//! open-file | add-file (path parent f1 ( rev? | from rev ))   apply-textdelta (f1 ( base-md5? ))   textdelta-chunk (f1 bytes)
//! textdelta-end (f1)   change-file-prop (f1 name ( value? ))   close-file (f1 ( md5? ))
//! ```

use super::super::editor::{Editor, copy_of};
use super::item::Item;
use crate::source::svn::records::CopyFrom;

/// Follows one command; `None` says that it makes no sense.
pub(super) fn follow(editor: &mut Editor<Vec<u8>>, command: &str, parameters: &mut [Item]) -> Option<()> {
    match (command, parameters) {
        ("open-root", [_, token, ..]) => editor.open_dir(name(token)?, b""),
        ("delete-entry", [path, ..]) => {
            editor.delete(path.bytes()?);
            Some(())
        }
        ("open-dir", [path, _, token, ..]) => editor.open_dir(name(token)?, path.bytes()?),
        ("add-dir", [path, _, token, from, ..]) => editor.add_dir(name(token)?, path.bytes()?, copy_from(from)?),
        ("open-file", [path, _, token, ..]) => editor.open_file(name(token)?, path.bytes()?),
        ("add-file", [path, _, token, from, ..]) => editor.add_file(name(token)?, path.bytes()?, copy_from(from)?),
        ("change-dir-prop" | "change-file-prop", [token, prop, value, ..]) => {
            editor.change_prop(&name(token)?, prop.bytes()?, optional_bytes(value)?)
        }
        ("apply-textdelta", [token, base, ..]) => editor.begin_text(&name(token)?, optional_text(base)?),
        ("textdelta-chunk", [token, Item::String(chunk), ..]) => editor.add_text(&name(token)?, chunk),
        ("close-file", [token, md5, ..]) => editor.close_file(&name(token)?, optional_text(md5)?),
        ("close-dir", [token, ..]) => editor.close_dir(&name(token)?),
        // What the account may not see, and what is said only for form's sake.
        ("textdelta-end" | "absent-dir" | "absent-file" | "target-rev" | "close-edit" | "abort-edit", _) => Some(()),
        _ => None,
    }
}

/// What the server calls a directory or file that is open.
fn name(token: &Item) -> Option<Vec<u8>> {
    Some(token.bytes()?.to_vec())
}

/// `( )` or `( from rev )`.
fn copy_from(item: &Item) -> Option<Option<CopyFrom>> {
    match item.list()? {
        [] => Some(None),
        [path, revision, ..] => Some(Some(copy_of(path.bytes()?, revision.number()?))),
        [_] => None,
    }
}

fn optional_bytes(item: &Item) -> Option<Option<&[u8]>> {
    match item.list()? {
        [] => Some(None),
        [bytes, ..] => Some(Some(bytes.bytes()?)),
    }
}

fn optional_text(item: &Item) -> Option<Option<String>> {
    match item.list()? {
        [] => Some(None),
        [text, ..] => Some(Some(text.text()?.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many records some commands tell; none if they make no sense.
    fn told(commands: &str) -> Option<usize> {
        let (mut editor, mut input) = (Editor::default(), commands.as_bytes());
        while !input.is_empty() {
            let Ok(Item::List(mut items)) = Item::read(&mut input, 1 << 20) else { panic!("{commands}") };
            let [Item::Word(command), Item::List(parameters)] = &mut items[..] else { panic!("{commands}") };
            follow(&mut editor, command, parameters)?;
        }
        assert!(editor.is_done(), "{commands}");
        Some(std::iter::from_fn(|| editor.take()).count())
    }

    #[test]
    fn every_command_is_understood() {
        let commands = "( open-root ( ( ) 1:r ) ) ( delete-entry ( 1:a ( ) 1:r ) ) ( add-dir ( 1:a 1:r 1:d ( 2:/b 3 ) ) ) \
                        ( change-dir-prop ( 1:d 1:p ( 1:v ) ) ) ( add-file ( 3:a/f 1:d 1:f ( ) ) ) ( apply-textdelta ( 1:f ( ) ) ) \
                        ( textdelta-chunk ( 1:f 4:SVN0 ) ) ( textdelta-end ( 1:f ) ) ( close-file ( 1:f ( 1:5 ) ) ) ( close-dir ( 1:d ) ) \
                        ( open-file ( 1:g 1:r 1:f ( ) ) ) ( change-file-prop ( 1:f 1:p ( ) ) ) ( close-file ( 1:f ( ) ) ) ( close-dir ( 1:r ) ) ";
        assert_eq!(told(commands), Some(5));
    }

    #[test]
    fn commands_about_nothing_make_no_sense() {
        for command in
            ["( close-dir ( 1:r ) ) ", "( textdelta-chunk ( 1:f 1:x ) ) ", "( dance ( ) ) ", "( add-dir ( ) ) "]
        {
            assert_eq!(told(command), None, "{command}");
        }
    }
}
