//! One definition in a list: the fields that a person would type, in JSON and in CSV. Pure.

use crate::bulk::csv::Record;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// A definition. Everything but the address may be left out.
#[derive(Serialize, Deserialize, Default, Clone, PartialEq, Eq, Debug)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Entry {
    pub(crate) url: String,
    /// `git`, `svn`, `cvs`, `hg`, `bzr`; empty: what the address says.
    pub(crate) rcs: String,
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) target: String,
    pub(crate) owner: String,
    pub(crate) labels: BTreeMap<String, String>,
    /// Patterns.
    pub(crate) refs: Vec<String>,
    /// Patterns of what is left out.
    pub(crate) exclude_refs: Vec<String>,
    pub(crate) credential: String,
    pub(crate) assignee: String,
    /// From start to start of two runs: `6h`.
    pub(crate) interval: String,
    /// Both or none: then the interval follows the source between them.
    pub(crate) shortest_interval: String,
    pub(crate) longest_interval: String,
    /// As a file of `account = Name <address>` lines.
    pub(crate) author_map: String,
    pub(crate) layout: String,
    pub(crate) git_svn_id: bool,
    pub(crate) convert_ignores: bool,
    pub(crate) keep_externals: bool,
    pub(crate) normalize_line_ends: bool,
    pub(crate) cvs_module: String,
    pub(crate) cvs_raw_keywords: bool,
    pub(crate) cvs_charset: String,
    pub(crate) hg_keep_subrepos: bool,
    pub(crate) bzr_trailers: bool,
    /// Of Mercurial and Bazaar.
    pub(crate) freeze_rewritten: bool,
    /// Another import has the same source, on purpose.
    pub(crate) duplicate: bool,
}

/// How the value of a column is written in CSV.
#[derive(Clone, Copy)]
enum Form {
    Text,
    /// `true`, or nothing.
    Flag,
    /// With spaces between.
    Words,
    /// `key=value;key=value`
    Labels,
}

/// The fields in their order, named as in JSON, and how CSV has them.
const COLUMNS: [(&str, Form); 27] = [
    ("url", Form::Text),
    ("rcs", Form::Text),
    ("id", Form::Text),
    ("name", Form::Text),
    ("target", Form::Text),
    ("owner", Form::Text),
    ("labels", Form::Labels),
    ("refs", Form::Words),
    ("exclude_refs", Form::Words),
    ("credential", Form::Text),
    ("assignee", Form::Text),
    ("interval", Form::Text),
    ("shortest_interval", Form::Text),
    ("longest_interval", Form::Text),
    ("author_map", Form::Text),
    ("layout", Form::Text),
    ("git_svn_id", Form::Flag),
    ("convert_ignores", Form::Flag),
    ("keep_externals", Form::Flag),
    ("normalize_line_ends", Form::Flag),
    ("cvs_module", Form::Text),
    ("cvs_raw_keywords", Form::Flag),
    ("cvs_charset", Form::Text),
    ("hg_keep_subrepos", Form::Flag),
    ("bzr_trailers", Form::Flag),
    ("freeze_rewritten", Form::Flag),
    ("duplicate", Form::Flag),
];

/// The line of names that a dump in CSV begins with.
pub(crate) fn column_names() -> Vec<String> {
    COLUMNS.iter().map(|(name, _)| (*name).to_owned()).collect()
}

impl Entry {
    /// A line of JSON.
    pub(crate) fn from_json(line: &str) -> Result<Self, String> {
        serde_json::from_str(line).map_err(|error| error.to_string())
    }

    /// A line of JSON with what is not as it would be if it were left out.
    pub(crate) fn to_json(&self) -> String {
        let fields = self.fields();
        let said = COLUMNS.iter().map(|(name, _)| (name, &fields[*name])).filter(|(_, value)| !is_default(value));
        let members: Vec<_> = said.map(|(name, value)| format!("\"{name}\":{value}")).collect();
        format!("{{{}}}", members.join(","))
    }

    /// A record under a line of names.
    pub(crate) fn from_csv(names: &[String], record: &Record) -> Result<Self, String> {
        if record.fields.len() > names.len() {
            return Err(format!("has {} fields, but there are {} names", record.fields.len(), names.len()));
        }
        let mut fields = Map::new();
        for (name, text) in names.iter().zip(&record.fields).filter(|(_, text)| !text.is_empty()) {
            // A name that is none is told by whoever reads the fields, with those that there are.
            let form = COLUMNS.iter().find(|(known, _)| known == name).map_or(Form::Text, |(_, form)| *form);
            fields.insert(name.clone(), form.read(text)?);
        }
        serde_json::from_value(Value::Object(fields)).map_err(|error| error.to_string())
    }

    /// A record under [`column_names`].
    pub(crate) fn to_csv(&self) -> Vec<String> {
        let fields = self.fields();
        COLUMNS.iter().map(|(name, form)| form.write(&fields[*name])).collect()
    }

    fn fields(&self) -> Value {
        // Texts, flags, lists and maps of texts: writing them cannot fail.
        serde_json::to_value(self).unwrap_or_default()
    }
}

impl Form {
    fn read(self, text: &str) -> Result<Value, String> {
        Ok(match self {
            Self::Text => text.into(),
            Self::Flag => text.parse::<bool>().map_err(|_| format!("has {text:?} where true or false belongs"))?.into(),
            Self::Words => text.split_whitespace().collect(),
            Self::Labels => labels(text)?.into_iter().collect(),
        })
    }

    fn write(self, value: &Value) -> String {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        match self {
            Self::Text => text(value),
            Self::Flag if value == &Value::Bool(true) => "true".to_owned(),
            Self::Flag => String::new(),
            Self::Words => value.as_array().into_iter().flatten().map(text).collect::<Vec<_>>().join(" "),
            Self::Labels => {
                let pairs = value.as_object().into_iter().flatten();
                pairs.map(|(key, value)| format!("{key}={}", text(value))).collect::<Vec<_>>().join(";")
            }
        }
    }
}

/// Whether a field that is left out has this value.
fn is_default(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(flag) => !flag,
        Value::Number(_) => false,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
    }
}

/// `key=value;key=value`
fn labels(text: &str) -> Result<BTreeMap<String, String>, String> {
    let pairs = text.split(';').map(str::trim).filter(|pair| !pair.is_empty());
    let pairs = pairs.map(|pair| pair.split_once('=').ok_or_else(|| format!("has the label {pair:?} without a `=`")));
    pairs.map(|pair| pair.map(|(key, value)| (key.to_owned(), value.to_owned()))).collect()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::bulk::csv;

    /// With a value of its own in every field that sources of Subversion may have.
    pub(crate) fn full() -> Entry {
        Entry {
            url: "svn://host/r".to_owned(),
            rcs: "svn".to_owned(),
            id: "r".to_owned(),
            name: "A, \"b\"".to_owned(),
            target: "https://git.example.org/r".to_owned(),
            owner: "kernel".to_owned(),
            labels: [("team".to_owned(), "x=y".to_owned()), ("old".to_owned(), String::new())].into(),
            refs: vec!["refs/heads/*".to_owned(), "refs/tags/*".to_owned()],
            exclude_refs: vec!["refs/heads/tmp".to_owned()],
            credential: "svn-host".to_owned(),
            assignee: "olga".to_owned(),
            interval: "6h".to_owned(),
            shortest_interval: "10m".to_owned(),
            longest_interval: "48h".to_owned(),
            author_map: "ada = Ada <a@b>\nbob = Bob <b@b>\n".to_owned(),
            layout: "standard".to_owned(),
            git_svn_id: true,
            convert_ignores: true,
            keep_externals: true,
            normalize_line_ends: true,
            duplicate: true,
            ..Entry::default()
        }
    }

    #[test]
    fn an_entry_survives_both_forms() {
        let cvs = Entry { cvs_module: "m".into(), cvs_raw_keywords: true, cvs_charset: "koi8-r".into(), ..full() };
        let both = Entry { hg_keep_subrepos: true, bzr_trailers: true, freeze_rewritten: true, ..Entry::default() };
        for entry in [full(), cvs, both, Entry::default()] {
            assert_eq!(Entry::from_json(&entry.to_json()), Ok(entry.clone()));
            let record = csv::parse(&csv::write(&entry.to_csv())).pop();
            let record = record.unwrap_or_else(|| csv::Record { line: 1, fields: Vec::new() });
            assert_eq!(Entry::from_csv(&column_names(), &record), Ok(entry));
        }
    }

    #[test]
    fn json_has_only_what_differs_from_what_is_left_out() {
        let entry =
            Entry { url: "https://host/x".into(), git_svn_id: true, refs: vec!["a\"b".into()], ..Entry::default() };
        assert_eq!(entry.to_json(), r#"{"url":"https://host/x","refs":["a\"b"],"git_svn_id":true}"#);
    }

    #[test]
    fn every_field_has_its_column() {
        let fields = serde_json::to_value(full()).expect("plain values");
        let fields = fields.as_object().expect("an object");
        assert!(fields.len() == COLUMNS.len() && COLUMNS.iter().all(|(name, _)| fields.contains_key(*name)));
    }

    #[test]
    fn an_address_is_enough_and_what_is_wrong_is_named() {
        assert!(Entry::from_json(r#"{"url": "https://host/x"}"#).is_ok());
        assert!(Entry::from_json(r#"{"uri": "x"}"#).is_err_and(|error| error.contains("uri")));
        let csv = |names: &[&str], text: &str| {
            let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
            Entry::from_csv(&names, &csv::parse(text).remove(0))
        };
        assert!(csv(&["url", "colour"], "x,red").is_err_and(|error| error.contains("colour")));
        assert!(csv(&["url", "git_svn_id"], "x,maybe").is_err_and(|error| error.contains("maybe")));
        assert!(csv(&["url"], "x,y").is_err_and(|error| error.contains("2 fields")));
    }
}
