//! What only sources of CVS have, as it is typed: for the engine on this machine, or for the registry.

use crate::exit::Failure;
use clap::Args;
use codeimport_convert::CvsOptions;
use codeimport_core::{Charset, RcsType, cvs_url};
use codeimport_proto::registry::{self as wire, Source, source::Options};

/// What is not typed stays as it is.
#[derive(Args)]
pub(crate) struct CvsArgs {
    /// Which directory of a CVS repository; `.` for all of it. Needed where the address is a CVSROOT, such as
    /// :pserver:anonymous@host:/cvsroot or :ext:user@host:/cvsroot; URLs may name it behind `//`.
    #[arg(long, value_name = "DIRECTORY")]
    cvs_module: Option<String>,
    /// Keep texts as CVS stores them, instead of with bare keywords (-kk). Kept from the first run on.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    cvs_raw_keywords: Option<bool>,
    /// Charset of messages that are not UTF-8, such as iso-8859-2; default: windows-1252. Kept from the first run on.
    #[arg(long, value_name = "CHARSET")]
    cvs_charset: Option<String>,
}

impl CvsArgs {
    /// CVS, if something was typed that nothing else has.
    pub(crate) fn rcs_type(&self) -> Option<RcsType> {
        self.has_options().then_some(RcsType::Cvs)
    }

    /// The URL of an address as it was typed.
    pub(crate) fn url(&self, address: &str) -> Result<String, Failure> {
        let url = cvs_url(address, self.cvs_module.as_deref().unwrap_or_default());
        url.map_err(|error| match error.is_about_module() {
            true => Failure::usage(format!("--cvs-module {error}")),
            false => Failure::usage(format!("the address {address:?} {error}")),
        })
    }

    /// For the engine on this machine, which checks them here.
    pub(crate) fn options(&self) -> Result<CvsOptions, Failure> {
        let charset = Charset::parse(self.cvs_charset.as_deref().unwrap_or_default())
            .map_err(|error| Failure::usage(format!("--cvs-charset {error}")))?;
        Ok(CvsOptions { raw_keywords: self.cvs_raw_keywords.unwrap_or_default(), charset, ..CvsOptions::default() })
    }

    /// Changes a definition by what was typed. The registry checks it.
    pub(crate) fn change(&self, source: &mut Source) {
        if !self.has_options() {
            return;
        }
        if !matches!(source.options, Some(Options::Cvs(_))) {
            source.options = Some(Options::Cvs(wire::CvsOptions::default()));
        }
        if let Some(Options::Cvs(options)) = &mut source.options {
            if let Some(module) = &self.cvs_module {
                options.module.clone_from(module);
            }
            options.raw_keywords = self.cvs_raw_keywords.unwrap_or(options.raw_keywords);
            if let Some(charset) = &self.cvs_charset {
                options.charset.clone_from(charset);
            }
        }
    }

    /// Whether anything was typed.
    pub(crate) fn has_options(&self) -> bool {
        self.cvs_module.is_some() || self.cvs_raw_keywords.is_some() || self.cvs_charset.is_some()
    }
}
