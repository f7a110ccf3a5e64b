//! Which paths of a Subversion repository are branches and tags, as people write it down. Pure.
//!
//! Subversion knows only directories; what they mean is convention. A [`Layout`] says it for each project of a repository
//! in three answers: where the trunk is, below which directories each child is a branch, and below which each child is a
//! tag. What follows from it for a path is the engine's business.

use serde::{Deserialize, Serialize};
use std::{collections::BTreeSet, fmt, str::FromStr};

/// Where branches and tags are, for one project or several. Never without any project.
///
/// Paths are without slashes at the ends; in options they are from the source's address, in what is recorded and
/// converted by from the root of the repository.
///
/// As text: `standard`, `single`, or `trunk=PATH,branches=PATH,tags=PATH`, branches and tags as often as needed, a `/*` at
/// the end of them allowed. Of several projects each begins with `project=NAME`; one that says nothing else has its
/// trunk, branches and tags below the directory of that name. A comma in a path is written `%2C`, a percent sign `%25`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Layout(Vec<Project>);

/// Where the branches and tags of one project are. It has at least one of the three.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Project {
    /// Stands in front of its branches' and tags' names, with slashes if need be. Empty for an only project.
    pub name: String,
    /// The directory that is the main line, if there is one; empty for the root itself.
    pub trunk: Option<String>,
    /// Directories whose children are branches.
    pub branches: Vec<String>,
    /// Directories whose children are tags.
    pub tags: Vec<String>,
}

/// Why a text is no layout.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error(
    "is no layout: write standard, single, or trunk=PATH,branches=PATH,tags=PATH (branches and tags as often as needed; \
     project=NAME in front of each project's, if there are several). No path may be there twice, and no project's name \
     may begin another one's"
)]
pub struct InvalidLayout;

impl Project {
    /// `trunk`, `branches` and `tags` below a directory.
    #[must_use]
    pub fn standard(name: &str, directory: &str) -> Self {
        let below = |name: &str| join(directory, name);
        Self {
            name: name.to_owned(),
            trunk: Some(below("trunk")),
            branches: vec![below("branches")],
            tags: vec![below("tags")],
        }
    }

    /// The same, seen from further up.
    fn below(&self, prefix: &str) -> Self {
        let below = |path: &String| join(prefix, path);
        Self {
            name: self.name.clone(),
            trunk: self.trunk.as_ref().map(below),
            branches: self.branches.iter().map(below).collect(),
            tags: self.tags.iter().map(below).collect(),
        }
    }

    /// All its directories: trunk, and those whose children are branches or tags.
    fn paths(&self) -> impl Iterator<Item = &String> {
        self.trunk.iter().chain(&self.branches).chain(&self.tags)
    }
}

impl Layout {
    /// Several projects, or one.
    ///
    /// # Errors
    ///
    /// If there is none, one has no directory at all, a directory is there twice, or a name is missing or begins another.
    pub fn of_projects(projects: Vec<Project>) -> Result<Self, InvalidLayout> {
        let mut paths = BTreeSet::new();
        let distinct = projects.iter().flat_map(Project::paths).all(|path| paths.insert(path));
        let all_somewhere = projects.iter().all(|project| project.paths().next().is_some());
        // In order, whatever begins with a text stands right behind it.
        let mut names: Vec<_> = projects.iter().map(|project| format!("{}/", project.name)).collect();
        names.sort();
        let apart = names.windows(2).all(|pair| !pair[1].starts_with(&pair[0]) && pair[0] != "/");
        let valid = !projects.is_empty() && distinct && all_somewhere && apart;
        if valid { Ok(Self(projects)) } else { Err(InvalidLayout) }
    }

    /// `trunk`, `branches` and `tags` below a directory.
    #[must_use]
    pub fn standard(directory: &str) -> Self {
        Self(vec![Project::standard("", directory)])
    }

    /// One line of history: everything below a directory.
    #[must_use]
    pub fn single(path: &str) -> Self {
        Self(vec![Project { trunk: Some(path.to_owned()), ..Project::default() }])
    }

    /// The projects, in the order in which they were given.
    #[must_use]
    pub fn projects(&self) -> &[Project] {
        &self.0
    }

    /// Whether there is nothing but one line of history.
    #[must_use]
    pub fn is_single(&self) -> bool {
        matches!(&self.0[..], [only] if only.branches.is_empty() && only.tags.is_empty())
    }

    /// The same, seen from further up.
    #[must_use]
    pub fn below(&self, prefix: &str) -> Self {
        Self(self.0.iter().map(|project| project.below(prefix)).collect())
    }
}

impl FromStr for Layout {
    type Err = InvalidLayout;

    fn from_str(text: &str) -> Result<Self, InvalidLayout> {
        match text {
            "standard" => return Ok(Self::standard("")),
            "single" => return Ok(Self::single("")),
            _ => {}
        }
        let mut projects: Vec<Project> = Vec::new();
        for part in text.split(',') {
            let (word, value) = part.split_once('=').ok_or(InvalidLayout)?;
            let value = decode(value);
            let value = value.trim_matches('/');
            if word == "project" {
                projects.push(Project { name: name(value)?, ..Project::default() });
                continue;
            }
            if projects.is_empty() {
                projects.push(Project::default());
            }
            let Some(project) = projects.last_mut() else { return Err(InvalidLayout) };
            add(project, word, value)?;
        }
        Self::of_projects(projects.into_iter().map(complete).collect())
    }
}

/// Adds what `word=path` says.
fn add(project: &mut Project, word: &str, path: &str) -> Result<(), InvalidLayout> {
    let children_of = path.strip_suffix("/*").unwrap_or(path).to_owned();
    match word {
        "trunk" if project.trunk.is_none() => project.trunk = Some(path.to_owned()),
        "branches" if !children_of.is_empty() => project.branches.push(children_of),
        "tags" if !children_of.is_empty() => project.tags.push(children_of),
        _ => return Err(InvalidLayout),
    }
    Ok(())
}

/// A project of which only the name was said.
fn complete(project: Project) -> Project {
    let says_more = project.paths().next().is_some();
    if says_more { project } else { Project::standard(&project.name, &project.name) }
}

fn name(text: &str) -> Result<String, InvalidLayout> {
    if text.split('/').any(str::is_empty) { Err(InvalidLayout) } else { Ok(text.to_owned()) }
}

impl fmt::Display for Layout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Self::single("") {
            return f.write_str("single");
        }
        let parts: Vec<_> = self.0.iter().flat_map(parts).collect();
        f.write_str(&parts.join(","))
    }
}

/// A project as `word=value` parts.
fn parts(project: &Project) -> Vec<String> {
    let part = |word: &str, value: &String| format!("{word}={}", encode(value));
    let mut parts = Vec::new();
    if !project.name.is_empty() {
        parts.push(part("project", &project.name));
        if *project == Project::standard(&project.name, &project.name) {
            return parts;
        }
    }
    parts.extend(project.trunk.iter().map(|path| part("trunk", path)));
    parts.extend(project.branches.iter().map(|path| part("branches", path)));
    parts.extend(project.tags.iter().map(|path| part("tags", path)));
    parts
}

impl From<Layout> for String {
    fn from(layout: Layout) -> Self {
        layout.to_string()
    }
}

impl TryFrom<String> for Layout {
    type Error = InvalidLayout;

    fn try_from(text: String) -> Result<Self, InvalidLayout> {
        text.parse()
    }
}

fn join(directory: &str, path: &str) -> String {
    match (directory, path) {
        ("", path) | (path, "") => path.to_owned(),
        (directory, path) => format!("{directory}/{path}"),
    }
}

fn encode(path: &str) -> String {
    path.replace('%', "%25").replace(',', "%2C")
}

fn decode(text: &str) -> String {
    text.replace("%2C", ",").replace("%25", "%")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(text: &str) -> Layout {
        text.parse().unwrap_or_else(|InvalidLayout| panic!("{text} is a layout"))
    }

    #[test]
    fn a_layout_can_be_written_down_and_moved_below_a_directory() {
        let layout = written("trunk=main/,branches=/b,branches=more/b/*,tags=releases");
        let expected = Project {
            name: String::new(),
            trunk: Some("main".to_owned()),
            branches: vec!["b".to_owned(), "more/b".to_owned()],
            tags: vec!["releases".to_owned()],
        };
        assert_eq!(layout.projects(), [expected]);
        assert_eq!(written("standard").below("p"), Layout::standard("p"));
        assert_eq!(Layout::single("").below("p/q"), Layout::single("p/q"));
        assert_eq!(written("branches=b").projects()[0].trunk, None, "a trunk is no must");
    }

    #[test]
    fn several_projects_can_be_written_down() {
        let layout = written("project=a,project=libs/b,project=c,trunk=trunk/c,branches=branches/c");
        let c = Project {
            name: "c".to_owned(),
            trunk: Some("trunk/c".to_owned()),
            branches: vec!["branches/c".to_owned()],
            tags: Vec::new(),
        };
        assert_eq!(layout.projects(), [Project::standard("a", "a"), Project::standard("libs/b", "libs/b"), c]);
        assert_eq!(layout.below("p").projects()[1], Project::standard("libs/b", "p/libs/b"));
    }

    #[test]
    fn what_is_shown_is_read_back() {
        let texts = [
            "single",
            "trunk=trunk,branches=branches,tags=tags",
            "project=a,project=libs/b",
            "project=a,trunk=trunk/a,tags=tags/a,project=b,branches=x",
            "trunk=odd%2Cname,tags=50%2525",
            "trunk=",
        ];
        for text in texts {
            let layout = written(text);
            assert_eq!(written(&layout.to_string()), layout, "{text}");
        }
        assert_eq!(written(texts[3]).to_string(), texts[3]);
        assert_eq!(written("trunk=odd%2Cname").projects()[0].trunk.as_deref(), Some("odd,name"));
    }

    #[test]
    fn what_could_give_two_branches_one_name_is_no_layout() {
        let odd = [
            "",
            "auto",
            "trunk",
            "trunk=a,trunk=b",
            "trunk=a,branches=",
            "trunk=a,other=b",
            "trunk=a,branches=a",
            "project=",
            "project=a,project=a",
            "project=a,project=a/b",
            "project=a/b,project=a-b,project=a",
            "trunk=a,project=b",
            "project=a//b",
            "project=a,trunk=x,project=b,trunk=x",
        ];
        for odd in odd {
            assert_eq!(odd.parse::<Layout>(), Err(InvalidLayout), "{odd}");
        }
        assert!("project=a,project=a-b,project=ab".parse::<Layout>().is_ok());
    }
}
