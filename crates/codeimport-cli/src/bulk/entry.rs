//! One definition in a list: the fields that a person would type, in JSON and in CSV. Pure.

use crate::bulk::csv::Record;
use codeimport_convert::rcs_of_address;
use codeimport_core::RcsType;
use codeimport_proto::convert::{rcs_type_from_wire, rcs_type_to_wire};
use codeimport_proto::registry::{CreateImportRequest, Import, RefFilter, Source, Target};
use serde::{Deserialize, Serialize};
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
    /// Patterns; in CSV with spaces between.
    pub(crate) refs: Vec<String>,
    /// Patterns of what is left out.
    pub(crate) exclude_refs: Vec<String>,
    pub(crate) credential: String,
}

/// The columns of CSV, in their order.
pub(crate) const COLUMNS: [&str; 10] =
    ["url", "rcs", "id", "name", "target", "owner", "labels", "refs", "exclude_refs", "credential"];

impl Entry {
    /// A line of JSON.
    pub(crate) fn from_json(line: &str) -> Result<Self, String> {
        serde_json::from_str(line).map_err(|error| error.to_string())
    }

    /// A record under a line of names.
    pub(crate) fn from_csv(names: &[String], record: &Record) -> Result<Self, String> {
        if record.fields.len() > names.len() {
            return Err(format!("has {} fields, but there are {} names", record.fields.len(), names.len()));
        }
        let mut entry = Self::default();
        for (name, value) in names.iter().zip(&record.fields) {
            entry.set(name, value)?;
        }
        Ok(entry)
    }

    fn set(&mut self, name: &str, value: &str) -> Result<(), String> {
        match name {
            "url" => value.clone_into(&mut self.url),
            "rcs" => value.clone_into(&mut self.rcs),
            "id" => value.clone_into(&mut self.id),
            "name" => value.clone_into(&mut self.name),
            "target" => value.clone_into(&mut self.target),
            "owner" => value.clone_into(&mut self.owner),
            "credential" => value.clone_into(&mut self.credential),
            "labels" => self.labels = labels(value)?,
            "refs" => self.refs = words(value),
            "exclude_refs" => self.exclude_refs = words(value),
            other => return Err(format!("has a column {other:?}, which is none: use {}", COLUMNS.join(", "))),
        }
        Ok(())
    }

    /// A record under [`COLUMNS`].
    pub(crate) fn to_csv(&self) -> Vec<String> {
        let labels: Vec<_> = self.labels.iter().map(|(key, value)| format!("{key}={value}")).collect();
        vec![
            self.url.clone(),
            self.rcs.clone(),
            self.id.clone(),
            self.name.clone(),
            self.target.clone(),
            self.owner.clone(),
            labels.join(";"),
            self.refs.join(" "),
            self.exclude_refs.join(" "),
            self.credential.clone(),
        ]
    }

    /// What the registry is asked.
    pub(crate) fn request(self, allow_duplicate: bool) -> Result<CreateImportRequest, String> {
        let rcs_type = match self.rcs.as_str() {
            "" => rcs_of_address(&self.url).unwrap_or(RcsType::Git),
            name => name.parse().map_err(|error: codeimport_core::UnknownName| error.to_string())?,
        };
        let source = Source {
            rcs_type: rcs_type_to_wire(rcs_type).into(),
            url: self.url,
            credential_id: self.credential,
            ..Default::default()
        };
        let import = Import {
            display_name: self.name,
            source: Some(source),
            target: Some(Target { url: self.target }),
            ref_filter: Some(RefFilter { include: self.refs, exclude: self.exclude_refs }),
            owner: self.owner,
            labels: self.labels.into_iter().collect(),
            ..Default::default()
        };
        Ok(CreateImportRequest { import: Some(import), import_id: self.id, allow_duplicate, ..Default::default() })
    }
}

impl From<Import> for Entry {
    fn from(import: Import) -> Self {
        let source = import.source.unwrap_or_default();
        let filter = import.ref_filter.unwrap_or_default();
        Self {
            rcs: rcs_type_from_wire(source.rcs_type).map_or_else(String::new, |rcs| rcs.to_string()),
            url: source.url,
            id: import.import_id,
            name: import.display_name,
            target: import.target.unwrap_or_default().url,
            owner: import.owner,
            labels: import.labels.into_iter().collect(),
            refs: filter.include,
            exclude_refs: filter.exclude,
            credential: source.credential_id,
        }
    }
}

/// `key=value;key=value`
fn labels(text: &str) -> Result<BTreeMap<String, String>, String> {
    let pairs = text.split(';').map(str::trim).filter(|pair| !pair.is_empty());
    let pairs = pairs.map(|pair| pair.split_once('=').ok_or_else(|| format!("has the label {pair:?} without a `=`")));
    pairs.map(|pair| pair.map(|(key, value)| (key.to_owned(), value.to_owned()))).collect()
}

fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bulk::csv;

    fn entry() -> Entry {
        Entry {
            url: "svn://host/r".to_owned(),
            rcs: "svn".to_owned(),
            name: "A, \"b\"".to_owned(),
            labels: [("team".to_owned(), "x=y".to_owned()), ("old".to_owned(), String::new())].into(),
            refs: vec!["refs/heads/*".to_owned(), "refs/tags/*".to_owned()],
            ..Entry::default()
        }
    }

    #[test]
    fn an_entry_survives_both_forms_and_the_registry() {
        let json = serde_json::to_string(&entry()).expect("plain values");
        assert_eq!(Entry::from_json(&json), Ok(entry()));
        let names = COLUMNS.map(str::to_owned);
        let record = csv::parse(&csv::write(&entry().to_csv())).remove(0);
        assert_eq!(Entry::from_csv(&names, &record), Ok(entry()));
        let request = entry().request(true).expect("valid");
        assert!(request.allow_duplicate);
        assert_eq!(Entry::from(request.import.expect("import")), entry());
    }

    #[test]
    fn an_address_is_enough_and_what_is_wrong_is_named() {
        assert!(Entry::from_json(r#"{"url": "https://host/x"}"#).is_ok());
        assert!(Entry::from_json(r#"{"uri": "x"}"#).is_err_and(|error| error.contains("uri")));
        let names = ["url".to_owned(), "colour".to_owned()];
        let record = csv::parse("x,red").remove(0);
        assert!(Entry::from_csv(&names, &record).is_err_and(|error| error.contains("colour")));
        assert!(Entry { rcs: "sccs".to_owned(), ..Entry::default() }.request(false).is_err());
    }
}
