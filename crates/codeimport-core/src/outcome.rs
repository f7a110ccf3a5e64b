//! How a run ends, and in which stage: values, not errors.
//!
//! The table in [`Outcome`]'s methods is the only place that says what an outcome means for the
//! schedule; queue, registry and command line all ask here.

/// A stored or typed name that is none of the enum's.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{name:?} is none of: {known}")]
pub struct UnknownName {
    /// The names there are, for people.
    pub known: String,
    /// The name that is none of them.
    pub name: String,
}

/// Declares an enum whose variants have one name each, the same in SQL, log, metric, JSON and command line.
macro_rules! named_enum {
    ($(#[$doc:meta])* pub enum $enum:ident { $($(#[$vdoc:meta])* $variant:ident = $name:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, serde::Serialize, serde::Deserialize)]
        pub enum $enum { $($(#[$vdoc])* #[serde(rename = $name)] $variant,)+ }

        impl $enum {
            /// All values, in order of declaration.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The one name of this value, wherever it is stored or shown.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }
        }

        impl std::str::FromStr for $enum {
            type Err = UnknownName;

            fn from_str(name: &str) -> Result<Self, UnknownName> {
                match name {
                    $($name => Ok(Self::$variant),)+
                    _ => Err(UnknownName { known: [$($name,)+].join(", "), name: name.to_owned() }),
                }
            }
        }

        impl std::fmt::Display for $enum {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.name())
            }
        }
    };
}
pub(crate) use named_enum;

named_enum! {
    /// How a run ended.
    pub enum Outcome {
        /// Something new was converted, published and scanned.
        Success = "success",
        /// The source has nothing new; nothing was written anywhere.
        NoChange = "no_change",
        /// A bounded piece of the work is published, more is to do.
        Partial = "partial",
        /// codeimport itself failed.
        Failure = "failure",
        /// There is no such repository, or it speaks another protocol.
        Invalid = "invalid",
        /// The source uses a feature that cannot be converted.
        UnsupportedFeature = "unsupported_feature",
        /// Policy refuses this source or this target.
        Forbidden = "forbidden",
        /// The source answers, but its data is corrupt.
        RemoteBroken = "remote_broken",
        /// The source or target host could not be reached.
        Unavailable = "unavailable",
        /// The host asks for fewer requests.
        Throttled = "throttled",
        /// The source asks for a credential, or refuses the one given.
        Authentication = "authentication",
        /// The lease expired and the queue took the job back.
        Reclaimed = "reclaimed",
        /// The run was cancelled.
        Cancelled = "cancelled",
        /// The worker gave the job back unfinished.
        Released = "released",
    }
}

impl Outcome {
    /// Whether source and target are in step after this run.
    #[must_use]
    pub fn is_success(self) -> bool {
        matches!(self, Self::Success | Self::NoChange)
    }

    /// Whether the outcome brings the import one step closer to FAILING.
    ///
    /// A host that is away or throttles, a worker that died and a person who cancelled say nothing about the import.
    #[must_use]
    pub fn is_counted(self) -> bool {
        self.is_permanent() || matches!(self, Self::Failure | Self::RemoteBroken)
    }

    /// Whether trying again cannot help until a person has changed something.
    #[must_use]
    pub fn is_permanent(self) -> bool {
        matches!(self, Self::Invalid | Self::UnsupportedFeature | Self::Forbidden | Self::Authentication)
    }

    /// Whether a worker may report it. The others are the queue's own findings.
    #[must_use]
    pub fn is_reportable(self) -> bool {
        !matches!(self, Self::Reclaimed | Self::Released)
    }

    /// What a person should do about it, in one sentence; none where all is well.
    #[must_use]
    pub fn advice(self) -> Option<&'static str> {
        match self {
            Self::Success | Self::NoChange | Self::Partial | Self::Cancelled | Self::Released => None,
            Self::Failure => Some("This is a fault of codeimport: read the run's log, and report it."),
            Self::Invalid => Some("Check the URL and the type of the source, correct the import, then retry it."),
            Self::UnsupportedFeature => {
                Some("The source cannot be converted as it is; see the run's log for the feature.")
            }
            Self::Forbidden => Some("Ask an operator to allow this address, or choose another one."),
            Self::RemoteBroken => Some("Tell the owner of the source that its repository is damaged."),
            Self::Unavailable => {
                Some("Check that the host is up and reachable from the worker; it is tried again by itself.")
            }
            Self::Throttled => Some("Nothing to do: the host asked for a pause and is tried again later."),
            Self::Authentication => Some("Give the import a credential that may read the source, then retry it."),
            Self::Reclaimed => Some("Nothing to do: the worker went silent and another one takes over."),
        }
    }
}

named_enum! {
    /// The part of a run that is under way.
    pub enum Stage {
        /// Asks the source whether there is anything new.
        Probe = "probe",
        /// Reads history from the source.
        Fetch = "fetch",
        /// Turns foreign history into Git objects.
        Convert = "convert",
        /// Pushes objects and refs to the target.
        Publish = "publish",
        /// Tells the registry what the target now has.
        Scan = "scan",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_leads_back_to_its_value() {
        for outcome in Outcome::ALL {
            assert_eq!(outcome.name().parse(), Ok(*outcome));
        }
        assert!("SUCCESS".parse::<Outcome>().is_err(), "names are lower case everywhere");
    }

    #[test]
    fn an_outcome_that_stops_an_import_tells_what_to_do() {
        for outcome in Outcome::ALL.iter().filter(|o| o.is_counted()) {
            assert!(outcome.advice().is_some(), "{outcome}");
        }
    }

    #[test]
    fn no_good_outcome_is_counted() {
        for outcome in Outcome::ALL.iter().filter(|o| o.is_success()) {
            assert!(!outcome.is_counted(), "{outcome}");
        }
    }
}
