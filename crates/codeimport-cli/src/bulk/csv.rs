//! Comma-separated values as RFC 4180 has them: a record may have line ends in its quoted fields. Pure.

/// A record, and the line that it begins on.
pub(crate) struct Record {
    pub(crate) line: usize,
    pub(crate) fields: Vec<String>,
}

/// Reads all records. Empty lines are passed over. A quote that is not closed is closed by the end.
pub(crate) fn parse(text: &str) -> Vec<Record> {
    let mut parser = Parser { records: Vec::new(), fields: Vec::new(), field: String::new(), line: 1, begun_on: 1 };
    let mut chars = text.chars().peekable();
    let mut quoted = false;
    while let Some(c) = chars.next() {
        match (c, quoted) {
            ('"', true) if chars.peek() == Some(&'"') => parser.field.extend(chars.next()),
            ('"', true) => quoted = false,
            ('"', false) if parser.field.is_empty() => quoted = true,
            (',', false) => parser.end_field(),
            ('\n', false) => parser.end_record(),
            ('\r', false) if chars.peek() == Some(&'\n') => {}
            (c, _) => parser.field.push(c),
        }
        parser.line += usize::from(c == '\n');
        if parser.is_between_records() {
            parser.begun_on = parser.line;
        }
    }
    parser.end_record();
    parser.records
}

struct Parser {
    records: Vec<Record>,
    fields: Vec<String>,
    field: String,
    line: usize,
    begun_on: usize,
}

impl Parser {
    fn end_field(&mut self) {
        self.fields.push(std::mem::take(&mut self.field));
    }

    fn end_record(&mut self) {
        if !self.is_between_records() {
            self.end_field();
            let fields = std::mem::take(&mut self.fields);
            self.records.push(Record { line: self.begun_on, fields });
        }
    }

    fn is_between_records(&self) -> bool {
        self.fields.is_empty() && self.field.is_empty()
    }
}

/// Writes a record, without its line end.
pub(crate) fn write(fields: &[String]) -> String {
    fields.iter().map(|field| quoted(field)).collect::<Vec<_>>().join(",")
}

fn quoted(field: &str) -> String {
    if field.contains(['"', ',', '\n', '\r']) {
        format!("\"{}\"", field.replace('"', "\"\""))
    } else {
        field.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_as_it_was() {
        let records =
            [vec!["a".to_owned(), "b, \"c\"\nd".to_owned()], vec![String::new(), "é".to_owned()], vec!["x".to_owned()]];
        let text = records.iter().map(|record| write(record)).collect::<Vec<_>>().join("\r\n");
        let read = parse(&text);
        assert_eq!(read.iter().map(|record| record.fields.clone()).collect::<Vec<_>>(), records);
        assert_eq!(read.iter().map(|record| record.line).collect::<Vec<_>>(), [1, 3, 4]);
    }

    #[test]
    fn odd_texts_are_read_somehow() {
        assert!(parse("").is_empty() && parse("\n\n").is_empty());
        assert_eq!(parse("\n\na,\"b").pop().map(|r| (r.line, r.fields)), Some((3, vec!["a".into(), "b".into()])));
    }
}
