//! Runs as a worker does them: a cache that may be lost, and a target that is another repository.

use codeimport_convert::{
    Cache, Carried, ConvertError, Holder, ImportState, PublishError, SourceOptions, SourceState, Target, Watch,
    open_source, options_digest,
};
use codeimport_core::{FencingToken, ImportId, RunId, SourceUrl, TargetUrl};
use std::path::Path;

/// One run into `target.git` in a folder, with the cache of that name beside it. `number` tells runs apart.
pub(crate) fn run(
    folder: &Path,
    cache: &str,
    number: i64,
    url: &SourceUrl,
    options: &SourceOptions,
) -> Result<SourceState, ConvertError> {
    let watch = Watch::none();
    let id: ImportId = cache.parse().expect("valid");
    let cache = Cache::open(&folder.join("caches"), &id, &watch).expect("cache opens");
    let target = Target::new(TargetUrl::local(&folder.join("target.git")).expect("valid"));
    let seen = target.read(&options.filter, &cache, &watch)?;
    let carried = seen.carried.map(|Carried { tree, .. }| tree);
    let wanted = open_source(url, options.clone()).fetch(&cache, carried, &watch)?;
    let holder = Holder { fencing_token: FencingToken(number), run_id: RunId(number) };
    let begin = ImportState::begin(url, options_digest(url, options), holder);
    match target.publish(&begin, &seen, &wanted, &options.filter, &cache, &watch) {
        Ok(_) => Ok(wanted),
        Err(PublishError::Failed(error)) => Err(error),
        Err(other) => panic!("{other}"),
    }
}
