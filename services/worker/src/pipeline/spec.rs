//! What a run has to do, in words of the domain.

use codeimport_convert::{
    BzrOptions, ConvertError, CvsOptions, HgOptions, Holder, ImportState, Login, Source, SourceOptions, Ssh,
    SvnOptions, Target, open_source, options_digest,
};
use codeimport_core::{AuthorMap, Charset, ImportId, InvalidLayout, Outcome, RefFilter, SourceUrl, Stage, TargetUrl};
use codeimport_proto::{
    convert::rcs_type_from_wire,
    registry::{self as wire, BazaarOptions, GetRunSpecResponse, MercurialOptions, source::Options},
};

/// One run's task, checked.
pub(crate) struct Spec {
    pub(crate) import_id: ImportId,
    pub(crate) source: Box<dyn Source>,
    pub(crate) target: Target,
    pub(crate) filter: RefFilter,
    pub(crate) options_digest: [u8; 32],
    /// The target's state as this run begins it.
    pub(crate) begin: ImportState,
    /// Digest of what the registry shows; empty if nothing was ever scanned.
    pub(crate) scanned_refs_digest: Vec<u8>,
    /// The registry wants all revisions told, not only new ones.
    pub(crate) scan_anew: bool,
}

impl Spec {
    /// Reads the registry's answer. The registry has checked all of it; a worker does not rely on that.
    pub(crate) fn from_wire(answer: GetRunSpecResponse, ssh: Ssh, holder: Holder) -> Result<Self, ConvertError> {
        let source = answer.source.unwrap_or_default();
        let rcs_type = rcs_type_from_wire(source.rcs_type).ok_or_else(|| invalid("its source has no known type"))?;
        let url = SourceUrl::parse(rcs_type, &source.url).map_err(|e| invalid(format!("the source's address {e}")))?;
        let target_url = answer.target.unwrap_or_default().url;
        let target = TargetUrl::parse(&target_url).map_err(|e| invalid(format!("the target's address {e}")))?;
        let patterns = answer.ref_filter.unwrap_or_default();
        let filter = RefFilter::new(patterns.include, patterns.exclude)
            .map_err(|e| invalid(format!("a pattern of its ref filter {e}")))?;
        let authors = AuthorMap::parse(&source.author_map).map_err(|e| invalid(format!("its author map {e}")))?;
        let login = answer.login.map(|login| Login::new(login.username, login.password));
        let others = SourceOptions { filter: filter.clone(), ssh, login, authors, ..SourceOptions::default() };
        let options = source_options(source.options, others)?;
        let options_digest = options_digest(&url, &options);
        Ok(Self {
            import_id: answer.import_id.parse().map_err(|e| invalid(format!("its id {e}")))?,
            source: open_source(&url, options),
            target: Target::new(target),
            filter,
            options_digest,
            begin: ImportState::begin(&url, options_digest, holder),
            scanned_refs_digest: answer.scanned_refs_digest,
            scan_anew: answer.scan_anew,
        })
    }
}

/// What only the source's type has.
fn source_options(options: Option<Options>, others: SourceOptions) -> Result<SourceOptions, ConvertError> {
    Ok(match options {
        None => others,
        Some(Options::Subversion(options)) => SourceOptions { svn: svn_options(&options)?, ..others },
        Some(Options::Cvs(options)) => SourceOptions { cvs: cvs_options(&options)?, ..others },
        Some(Options::Mercurial(MercurialOptions { keep_subrepos, freeze_rewritten })) => {
            SourceOptions { hg: HgOptions { keep_subrepos }, freeze_rewritten, ..others }
        }
        Some(Options::Bazaar(BazaarOptions { trailers, freeze_rewritten })) => {
            SourceOptions { bzr: BzrOptions { trailers }, freeze_rewritten, ..others }
        }
    })
}

fn svn_options(options: &wire::SubversionOptions) -> Result<SvnOptions, ConvertError> {
    let layout = match options.layout.as_str() {
        "" => None,
        text => Some(text.parse().map_err(|e: InvalidLayout| invalid(format!("its layout {e}")))?),
    };
    Ok(SvnOptions {
        layout,
        git_svn_id_trailers: options.git_svn_id_trailers,
        convert_ignores: options.convert_ignores,
        keep_externals: options.keep_externals,
        normalize_line_ends: options.normalize_line_ends,
    })
}

fn cvs_options(options: &wire::CvsOptions) -> Result<CvsOptions, ConvertError> {
    let charset = Charset::parse(&options.charset).map_err(|e| invalid(format!("its charset {e}")))?;
    Ok(CvsOptions { raw_keywords: options.raw_keywords, charset, ..CvsOptions::default() })
}

fn invalid(what: impl AsRef<str>) -> ConvertError {
    let text = format!("The import cannot be run as it is defined: {}.", what.as_ref());
    ConvertError::new(Outcome::Invalid, Stage::Probe, text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use codeimport_core::{FencingToken, RunId};
    use codeimport_proto::{
        common::RcsType,
        registry::{Source as WireSource, Target as WireTarget},
    };

    fn read(source_url: &str, target_url: &str) -> Result<Spec, ConvertError> {
        let source = WireSource { rcs_type: RcsType::Git.into(), url: source_url.to_owned(), ..Default::default() };
        let answer = GetRunSpecResponse {
            import_id: "example".to_owned(),
            source: Some(source),
            target: Some(WireTarget { url: target_url.to_owned() }),
            ..GetRunSpecResponse::default()
        };
        Spec::from_wire(answer, Ssh::Off, Holder { fencing_token: FencingToken(1), run_id: RunId(1) })
    }

    #[test]
    fn addresses_that_no_registry_should_send_are_refused_here_too() {
        assert!(read("https://host/x", "file:///srv/x.git").is_ok());
        for (source, target) in [
            ("file:///etc", "file:///srv/x.git"),
            ("ext::sh", "file:///srv/x.git"),
            ("https://host/--upload-pack=x", "file:///srv/x.git"),
            ("https://host/x", "ext::sh"),
            ("https://host/x", "file:///srv/../etc"),
        ] {
            let error = read(source, target).err().expect("refused");
            assert_eq!(error.outcome, Outcome::Invalid, "{source} {target}");
        }
    }
}
