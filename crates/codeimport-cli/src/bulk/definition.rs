//! An entry of a list as the registry is asked for it, and back. Pure.

use super::entry::Entry;
use codeimport_convert::rcs_of_address;
use codeimport_core::{RcsType, UnknownName};
use codeimport_proto::convert::{rcs_type_from_wire, rcs_type_to_wire};
use codeimport_proto::registry::{
    AdaptiveInterval, BazaarOptions, CreateImportRequest, CvsOptions, Import, MercurialOptions, RefFilter, Source,
    SubversionOptions, Target, source::Options,
};
use jiff::SignedDuration;

impl Entry {
    /// What the registry is asked.
    pub(crate) fn request(self, allow_duplicate: bool) -> Result<CreateImportRequest, String> {
        let source = self.source()?;
        let import = Import {
            source: Some(source),
            update_interval: span("interval", &self.interval)?,
            adaptive_interval: self.adaptive_interval()?,
            display_name: self.name,
            target: Some(Target { url: self.target }),
            ref_filter: Some(RefFilter { include: self.refs, exclude: self.exclude_refs }),
            owner: self.owner,
            assignee: self.assignee,
            labels: self.labels.into_iter().collect(),
            ..Default::default()
        };
        let allow_duplicate = allow_duplicate || self.duplicate;
        Ok(CreateImportRequest { import: Some(import), import_id: self.id, allow_duplicate, ..Default::default() })
    }

    fn source(&self) -> Result<Source, String> {
        let rcs_type = match self.rcs.as_str() {
            "" => rcs_of_address(&self.url).unwrap_or(RcsType::Git),
            name => name.parse().map_err(|error: UnknownName| error.to_string())?,
        };
        Ok(Source {
            rcs_type: rcs_type_to_wire(rcs_type).into(),
            url: self.url.clone(),
            options: self.options(rcs_type)?,
            author_map: self.author_map.clone(),
            credential_id: self.credential.clone(),
        })
    }

    /// Whether they fit the type of the source, the registry says.
    fn options(&self, rcs_type: RcsType) -> Result<Option<Options>, String> {
        let freezes = |of: RcsType| self.freeze_rewritten && rcs_type == of;
        if self.freeze_rewritten && !matches!(rcs_type, RcsType::Mercurial | RcsType::Bazaar) {
            return Err("has freeze_rewritten, which is for Mercurial and Bazaar".to_owned());
        }
        let (subversion, cvs) = (self.subversion(), self.cvs());
        let mercurial =
            MercurialOptions { keep_subrepos: self.hg_keep_subrepos, freeze_rewritten: freezes(RcsType::Mercurial) };
        let bazaar = BazaarOptions { trailers: self.bzr_trailers, freeze_rewritten: freezes(RcsType::Bazaar) };
        let of_types = [
            (subversion != SubversionOptions::default()).then_some(Options::Subversion(subversion)),
            (cvs != CvsOptions::default()).then_some(Options::Cvs(cvs)),
            (mercurial != MercurialOptions::default()).then_some(Options::Mercurial(mercurial)),
            (bazaar != BazaarOptions::default()).then_some(Options::Bazaar(bazaar)),
        ];
        let mut chosen = of_types.into_iter().flatten();
        match (chosen.next(), chosen.next()) {
            (_, Some(_)) => Err("has options of more than one system".to_owned()),
            (options, None) => Ok(options),
        }
    }

    fn subversion(&self) -> SubversionOptions {
        SubversionOptions {
            layout: self.layout.clone(),
            git_svn_id_trailers: self.git_svn_id,
            convert_ignores: self.convert_ignores,
            keep_externals: self.keep_externals,
            normalize_line_ends: self.normalize_line_ends,
        }
    }

    fn cvs(&self) -> CvsOptions {
        CvsOptions {
            module: self.cvs_module.clone(),
            raw_keywords: self.cvs_raw_keywords,
            charset: self.cvs_charset.clone(),
        }
    }

    fn adaptive_interval(&self) -> Result<Option<AdaptiveInterval>, String> {
        let shortest = span("shortest_interval", &self.shortest_interval)?;
        let longest = span("longest_interval", &self.longest_interval)?;
        let is_set = shortest.is_some() || longest.is_some();
        Ok(is_set.then_some(AdaptiveInterval { shortest, longest }))
    }
}

impl From<Import> for Entry {
    fn from(import: Import) -> Self {
        let source = import.source.unwrap_or_default();
        let filter = import.ref_filter.unwrap_or_default();
        let bounds = import.adaptive_interval.unwrap_or_default();
        let (mut svn, mut cvs) = <(SubversionOptions, CvsOptions)>::default();
        let (mut hg, mut bzr) = <(MercurialOptions, BazaarOptions)>::default();
        match source.options {
            Some(Options::Subversion(options)) => svn = options,
            Some(Options::Cvs(options)) => cvs = options,
            Some(Options::Mercurial(options)) => hg = options,
            Some(Options::Bazaar(options)) => bzr = options,
            None => {}
        }
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
            assignee: import.assignee,
            interval: text(import.update_interval),
            shortest_interval: text(bounds.shortest),
            longest_interval: text(bounds.longest),
            author_map: source.author_map,
            layout: svn.layout,
            git_svn_id: svn.git_svn_id_trailers,
            convert_ignores: svn.convert_ignores,
            keep_externals: svn.keep_externals,
            normalize_line_ends: svn.normalize_line_ends,
            cvs_module: cvs.module,
            cvs_raw_keywords: cvs.raw_keywords,
            cvs_charset: cvs.charset,
            hg_keep_subrepos: hg.keep_subrepos,
            bzr_trailers: bzr.trailers,
            freeze_rewritten: hg.freeze_rewritten || bzr.freeze_rewritten,
            duplicate: import.is_duplicate,
        }
    }
}

/// `6h`, `90s`, `1h 30m`; nothing is nothing.
fn span(field: &str, text: &str) -> Result<Option<prost_types::Duration>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    let span: SignedDuration = text.parse().map_err(|_| format!("has {text:?} as {field}: write it as 6h or 90s"))?;
    Ok(Some(prost_types::Duration { seconds: span.as_secs(), nanos: span.subsec_nanos() }))
}

fn text(span: Option<prost_types::Duration>) -> String {
    span.map_or_else(String::new, |span| format!("{:#}", SignedDuration::new(span.seconds, span.nanos)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bulk::entry::tests::full;

    #[test]
    fn an_entry_is_the_same_after_the_registry() {
        let request = full().request(false).expect("valid");
        assert!(request.allow_duplicate, "it says so itself");
        let import = Import { import_id: request.import_id, is_duplicate: true, ..request.import.expect("import") };
        assert_eq!(Entry::from(import), full());
        for rcs in ["hg", "bzr"] {
            let entry =
                Entry { rcs: rcs.into(), url: "https://host/r".into(), freeze_rewritten: true, ..Entry::default() };
            let import = entry.clone().request(false).expect("valid").import.expect("import");
            assert_eq!(Entry::from(import), entry);
        }
    }

    #[test]
    fn what_cannot_be_is_refused_before_it_is_sent() {
        let refused = |entry: Entry| entry.request(false).expect_err("refused");
        assert!(refused(Entry { rcs: "sccs".into(), ..Entry::default() }).contains("sccs"));
        assert!(refused(Entry { interval: "often".into(), ..Entry::default() }).contains("often"));
        let both = Entry { layout: "single".into(), cvs_module: "m".into(), ..Entry::default() };
        assert!(refused(both).contains("more than one system"));
        let frozen = Entry { url: "svn://host/r".into(), freeze_rewritten: true, ..Entry::default() };
        assert!(refused(frozen).contains("freeze_rewritten"));
    }
}
