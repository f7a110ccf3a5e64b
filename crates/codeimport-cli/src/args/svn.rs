//! How a Subversion repository becomes a Git one, as it is typed: for the engine on this machine, or for the registry.

use crate::exit::Failure;
use clap::Args;
use codeimport_convert::{SourceOptions, SvnOptions};
use codeimport_core::{AuthorMap, Layout};
use codeimport_proto::registry::{Source, SubversionOptions, source::Options};
use std::path::PathBuf;

/// What a layout is called that is found out by the first run.
const AUTO: &str = "auto";

/// Options of `convert`, `import create` and `import update`. What is not typed stays as it is.
#[derive(Args)]
pub(crate) struct SvnArgs {
    /// What is a branch: auto, standard, single, or trunk=PATH,branches=PATH,tags=PATH; of several projects each with
    /// project=NAME in front. As `preview` proposes it; see docs/subversion.md. Kept from the first run on.
    #[arg(long, value_name = "LAYOUT")]
    layout: Option<String>,
    /// File of `account = Name <address>` lines. Accounts that are not in it keep their names.
    #[arg(long, alias = "authors", value_name = "FILE")]
    author_map: Option<PathBuf>,
    /// End each message with the line that git-svn writes.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    git_svn_id: Option<bool>,
    /// Write .gitignore files that say what svn:ignore does.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    convert_ignores: Option<bool>,
    /// Keep what svn:externals says, in a file.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    keep_externals: Option<bool>,
    /// Store text with the line ends that svn:eol-style asks for.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    normalize_line_ends: Option<bool>,
}

impl SvnArgs {
    /// For the engine on this machine, which checks them here.
    pub(crate) fn source_options(&self) -> Result<SourceOptions, Failure> {
        let layout = match self.layout.as_deref() {
            None | Some(AUTO) => None,
            Some(text) => {
                Some(text.parse::<Layout>().map_err(|error| Failure::usage(format!("--layout {text:?} {error}")))?)
            }
        };
        let authors = match (&self.author_map, self.author_map_text()?) {
            (Some(file), Some(text)) => AuthorMap::parse(&text)
                .map_err(|error| Failure::usage(format!("the author map {} {error}", file.display())))?,
            _ => AuthorMap::default(),
        };
        let svn = SvnOptions {
            layout,
            git_svn_id_trailers: self.git_svn_id.unwrap_or_default(),
            convert_ignores: self.convert_ignores.unwrap_or_default(),
            keep_externals: self.keep_externals.unwrap_or_default(),
            normalize_line_ends: self.normalize_line_ends.unwrap_or_default(),
        };
        Ok(SourceOptions { authors, svn, ..SourceOptions::default() })
    }

    /// Changes a definition by what was typed. The registry checks it.
    pub(crate) fn change(&self, source: &mut Source) -> Result<(), Failure> {
        if let Some(text) = self.author_map_text()? {
            source.author_map = text;
        }
        if !self.has_options() {
            return Ok(());
        }
        if !matches!(source.options, Some(Options::Subversion(_))) {
            source.options = Some(Options::Subversion(SubversionOptions::default()));
        }
        let Some(Options::Subversion(options)) = &mut source.options else { return Ok(()) };
        if let Some(layout) = &self.layout {
            options.layout = if layout == AUTO { String::new() } else { layout.clone() };
        }
        let set = |option: &mut bool, typed: Option<bool>| *option = typed.unwrap_or(*option);
        set(&mut options.git_svn_id_trailers, self.git_svn_id);
        set(&mut options.convert_ignores, self.convert_ignores);
        set(&mut options.keep_externals, self.keep_externals);
        set(&mut options.normalize_line_ends, self.normalize_line_ends);
        Ok(())
    }

    /// Whether an author map was typed.
    pub(crate) fn has_author_map(&self) -> bool {
        self.author_map.is_some()
    }

    /// Whether anything but an author map was typed.
    pub(crate) fn has_options(&self) -> bool {
        let flags = [self.git_svn_id, self.convert_ignores, self.keep_externals, self.normalize_line_ends];
        self.layout.is_some() || flags.iter().any(Option::is_some)
    }

    fn author_map_text(&self) -> Result<Option<String>, Failure> {
        let Some(file) = &self.author_map else { return Ok(None) };
        let text = std::fs::read_to_string(file);
        text.map(Some).map_err(|error| Failure::usage(format!("cannot read {}: {error}", file.display())))
    }
}
