//! How a source is read: checked, stored, told to the worker, and in the trail.

use crate::harness::{Registry, create_request, token, violated_fields};
use codeimport_proto::{
    common::RcsType,
    registry::{
        BazaarOptions, CreateImportRequest, CvsOptions, GetRunSpecRequest, Import, ListImportsRequest,
        MercurialOptions, Source, SubversionOptions, UpdateImportRequest, source::Options,
    },
};

const AUTHORS: &str = "# ours\nada = Ada Lovelace <ada@example.org>\n";

fn subversion(options: SubversionOptions, author_map: &str) -> Source {
    Source {
        rcs_type: RcsType::Subversion.into(),
        url: "svn://host/r".to_owned(),
        options: Some(Options::Subversion(options)),
        author_map: author_map.to_owned(),
        ..Default::default()
    }
}

fn all_chosen() -> SubversionOptions {
    SubversionOptions {
        layout: "trunk=main,branches=b".to_owned(),
        git_svn_id_trailers: true,
        convert_ignores: true,
        keep_externals: true,
        normalize_line_ends: true,
    }
}

fn create(source: Source) -> CreateImportRequest {
    CreateImportRequest { import: Some(Import { source: Some(source), ..Default::default() }), ..create_request("a") }
}

fn update(source: Source, paths: &[&str]) -> UpdateImportRequest {
    UpdateImportRequest {
        import_id: "a".to_owned(),
        import: Some(Import { source: Some(source), ..Default::default() }),
        update_paths: paths.iter().map(|path| (*path).to_owned()).collect(),
        ..Default::default()
    }
}

#[tokio::test]
async fn options_are_stored_told_to_the_worker_and_left_out_of_lists_where_they_are_large() {
    let mut registry = Registry::start().await;
    let source = subversion(all_chosen(), AUTHORS);
    registry.imports.create_import(create(source.clone())).await.expect("valid");
    assert_eq!(registry.get("a").await.source, Some(source.clone()));
    let spec = registry.runs.get_run_spec(GetRunSpecRequest { lease_token: token("a", 1) }).await;
    assert_eq!(spec.expect("held").into_inner().source, Some(source.clone()));
    let listed = registry.imports.list_imports(ListImportsRequest::default()).await.expect("listed").into_inner();
    let listed = listed.imports[0].source.clone().expect("a source");
    assert_eq!(listed, Source { author_map: String::new(), ..source });
}

#[tokio::test]
async fn options_of_another_type_and_wrong_ones_are_named() {
    let mut registry = Registry::start().await;
    let mut git = subversion(all_chosen(), AUTHORS);
    (git.rcs_type, git.url) = (RcsType::Git.into(), "https://host/r".to_owned());
    let fields = violated_fields(registry.imports.create_import(create(git)).await);
    assert_eq!(fields, ["import.source.subversion", "import.source.author_map"]);
    let odd = SubversionOptions { layout: "odd".to_owned(), ..Default::default() };
    let fields = violated_fields(registry.imports.create_import(create(subversion(odd, "no identity\n"))).await);
    assert_eq!(fields, ["import.source.subversion.layout", "import.source.author_map"]);
}

#[tokio::test]
async fn changed_options_are_in_the_trail_and_make_the_import_due() {
    let mut registry = Registry::start().await;
    registry.imports.create_import(create(subversion(SubversionOptions::default(), AUTHORS))).await.expect("valid");
    let before = registry.store.import(&"a".parse().expect("id")).await.expect("stored");

    let options = SubversionOptions { layout: "single".to_owned(), ..Default::default() };
    registry.imports.update_import(update(subversion(options, ""), &["source"])).await.expect("valid");
    let source = registry.get("a").await.source.expect("a source");
    assert_eq!(source.author_map, AUTHORS, "`source` leaves the author map as it is");
    registry.imports.update_import(update(subversion(all_chosen(), ""), &["source.author_map"])).await.expect("valid");
    let source = registry.get("a").await.source.expect("a source");
    assert_eq!(source.author_map, "");
    assert!(matches!(source.options, Some(Options::Subversion(options)) if options.layout == "single"));

    let events = registry.events("a").await;
    let changed: Vec<_> = events[1..].iter().flat_map(|event| &event.changes).map(|c| c.path.as_str()).collect();
    assert_eq!(changed, ["source.subversion.layout", "source.author_map"]);
    let after = registry.store.import(&"a".parse().expect("id")).await.expect("stored");
    assert!(after.resumed_generation > before.resumed_generation);
}

/// A source of Mercurial and one of Bazaar, with all that can be chosen, and with people as they are written there.
fn distributed() -> [Source; 2] {
    let mercurial = Options::Mercurial(MercurialOptions { keep_subrepos: true, freeze_rewritten: true });
    let bazaar = Options::Bazaar(BazaarOptions { trailers: true, freeze_rewritten: true });
    [(RcsType::Mercurial, "https://host/r", mercurial), (RcsType::Bazaar, "bzr://host/r", bazaar)].map(
        |(rcs_type, url, options)| Source {
            rcs_type: rcs_type.into(),
            url: url.to_owned(),
            options: Some(options),
            author_map: "Ada <ada@old> = Ada Lovelace <ada@example.org>\n".to_owned(),
            ..Default::default()
        },
    )
}

#[tokio::test]
async fn options_and_people_of_mercurial_and_bazaar_are_stored_and_told_to_the_worker() {
    for source in distributed() {
        let mut registry = Registry::start().await;
        registry.imports.create_import(create(source.clone())).await.expect("valid");
        assert_eq!(registry.get("a").await.source, Some(source.clone()));
        let spec = registry.runs.get_run_spec(GetRunSpecRequest { lease_token: token("a", 1) }).await;
        assert_eq!(spec.expect("held").into_inner().source, Some(source));
    }
}

#[tokio::test]
async fn options_of_mercurial_are_none_of_bazaar_and_the_other_way_round() {
    let mut registry = Registry::start().await;
    let [mercurial, bazaar] = distributed();
    let mixed = Source { options: bazaar.options, ..mercurial.clone() };
    let fields = violated_fields(registry.imports.create_import(create(mixed)).await);
    assert_eq!(fields, ["import.source.bazaar"]);
    let mixed = Source { options: mercurial.options, ..bazaar };
    let fields = violated_fields(registry.imports.create_import(create(mixed)).await);
    assert_eq!(fields, ["import.source.mercurial"]);
}

fn cvs(url: &str, module: &str, charset: &str) -> Source {
    let options = CvsOptions { module: module.to_owned(), raw_keywords: true, charset: charset.to_owned() };
    Source {
        rcs_type: RcsType::Cvs.into(),
        url: url.to_owned(),
        options: Some(Options::Cvs(options)),
        ..Default::default()
    }
}

#[tokio::test]
async fn a_cvs_root_and_its_module_become_one_address_that_stays_when_it_is_sent_back() {
    let mut registry = Registry::start().await;
    let root = cvs(":pserver:anonymous@host:/cvsroot", "m", "koi8-r");
    registry.imports.create_import(create(root)).await.expect("valid");
    let source = registry.get("a").await.source.expect("a source");
    assert_eq!(source, cvs("pserver://host/cvsroot//m", "m", "koi8-r"));
    registry.imports.update_import(update(source, &["source"])).await.expect("valid");
    assert_eq!(registry.events("a").await.len(), 1, "nothing has changed");
    let spec = registry.runs.get_run_spec(GetRunSpecRequest { lease_token: token("a", 1) }).await;
    assert_eq!(spec.expect("held").into_inner().source, Some(cvs("pserver://host/cvsroot//m", "m", "koi8-r")));
}

#[tokio::test]
async fn what_is_wrong_with_a_cvs_root_is_told_with_its_field() {
    let mut registry = Registry::start().await;
    let long = "d/".repeat(600);
    for (source, fields) in [
        (cvs(":local:/cvsroot", "m", ""), ["import.source.url"]),
        (cvs("file:///cvsroot//m", "", ""), ["import.source.url"]),
        (cvs("/cvsroot", "m", ""), ["import.source.url"]),
        (cvs(":kserver:host:/r", "m", ""), ["import.source.url"]),
        (cvs(":pserver:127.1:/r", "m", ""), ["import.source.url"]),
        (cvs(":pserver:host:/r", "", ""), ["import.source.cvs.module"]),
        (cvs(":pserver:host:/r", "-d", ""), ["import.source.cvs.module"]),
        (cvs(":pserver:host:/r", &long, ""), ["import.source.cvs.module"]),
        (cvs("pserver://host/r//m", "n", ""), ["import.source.cvs.module"]),
        (cvs("pserver://host/r//m", "", "odd"), ["import.source.cvs.charset"]),
    ] {
        let told = violated_fields(registry.imports.create_import(create(source.clone())).await);
        assert_eq!(told, fields, "{source:?}");
    }
}
