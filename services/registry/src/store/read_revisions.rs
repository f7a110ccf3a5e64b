//! Reads revisions: pages of a list, and single ones. No page walks over history: what a ref leads to is known as spans of numbers, and a
//! page is cut out of them. Why: docs/decisions/0006.

use super::{Revision, Signature, Store, change_import, rows};
use crate::{
    error::RegistryError,
    reach::{Span, Spans, Window},
};
use codeimport_core::ImportId;
use codeimport_pg::{DbError, Row, ToSql, row::get};

/// Which revisions are wanted, apart from the ref.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct RevisionFilter {
    /// In name or address of the author; empty: any.
    pub author: String,
    /// In the message; empty: any.
    pub text: String,
    /// Committer date not before this, in seconds since 1970.
    pub from_s: Option<i64>,
    /// Committer date before this.
    pub until_s: Option<i64>,
}

/// What a list of revisions is cut out of.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct RevisionList {
    /// The history. With another one, pages do not fit together.
    pub history_id: i64,
    /// Numbers of the revisions in the list.
    pub spans: Spans,
}

/// The columns that [`revision`] reads, of a page that is called so.
macro_rules! revision_columns {
    () => {
        "page.commit_no, page.commit_id, page.parent_ids, page.author_time_s, page.author_offset_minutes, \
         page.committer_time_s, page.committer_offset_minutes, page.message, author.name AS author_name, \
         author.email AS author_email, committer.name AS committer_name, committer.email AS committer_email"
    };
}

/// The people of a page, looked up one by one: the planner must not think of reading the whole table. The table is kept full by
/// `put_revisions`; LEFT, so that a revision is shown whatever has happened to it.
macro_rules! people {
    () => {
        " LEFT JOIN LATERAL (SELECT name, email FROM author WHERE author_id = page.author_id OFFSET 0) AS author ON true
          LEFT JOIN LATERAL (SELECT name, email FROM author WHERE author_id = page.committer_id OFFSET 0) AS committer
            ON true"
    };
}

impl RevisionFilter {
    /// Whether it lets everything through.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl Store {
    /// What the revisions of a ref are cut out of, or of all refs if `reference` is empty; without those that another ref leads to, if
    /// `except` names one; only those that a run brought, unless `run_id` is 0.
    ///
    /// # Errors
    ///
    /// `ImportNotFound`.
    pub async fn revision_list(
        &self,
        import_id: &ImportId,
        reference: &str,
        except: &str,
        run_id: i64,
    ) -> Result<RevisionList, RegistryError> {
        const SQL: &str = "-- registry.revision_list
            SELECT coalesce(scan.history_id, 0) AS history_id,
                   coalesce(CASE WHEN $2 = '' THEN scan.shown ELSE ref.reach END, '') AS spans,
                   coalesce(other.reach, '') AS without,
                   CASE WHEN $3::bigint = 0 THEN 1 ELSE coalesce(swap.first_no, 0) END AS low,
                   CASE WHEN $3::bigint = 0 THEN coalesce(scan.last_no, 0) ELSE coalesce(swap.last_no, -1) END AS high
              FROM import
              LEFT JOIN scan ON scan.import_id = import.import_id
              LEFT JOIN ref ON ref.import_id = import.import_id AND ref.name = $2
              LEFT JOIN ref AS other ON other.import_id = import.import_id AND other.name = $4
              LEFT JOIN swap ON swap.import_id = import.import_id AND swap.run_id = $3
                            AND swap.history_id = scan.history_id
             WHERE import.import_id = $1
             ORDER BY swap.swap_number DESC NULLS LAST
             LIMIT 1";
        let row = self.db.client().await?.query_opt(SQL, &[&import_id.as_str(), &reference, &run_id, &except]).await?;
        let row = row.ok_or_else(|| change_import::not_found(import_id))?;
        let spans = rows::spans(&row, "spans")?.within(get(&row, "low")?, get(&row, "high")?);
        let spans = spans.without(&rows::spans(&row, "without")?);
        Ok(RevisionList { history_id: get(&row, "history_id")?, spans })
    }

    /// At most `limit` revisions of a window that a filter lets through, newest first, with their numbers.
    ///
    /// # Errors
    ///
    /// Only of the database.
    pub async fn revisions_in(
        &self,
        history_id: i64,
        window: &Window,
        filter: &RevisionFilter,
        limit: u32,
    ) -> Result<Vec<(i64, Revision)>, DbError> {
        const ALL: &str = concat!(
            "-- registry.list_revisions\n",
            "SELECT ",
            revision_columns!(),
            " FROM unnest($2::bigint[], $3::bigint[]) AS span (low, high)
             CROSS JOIN LATERAL (
                   SELECT * FROM revision
                    WHERE history_id = $1 AND commit_no BETWEEN span.low AND span.high OFFSET 0) AS page",
            people!(),
            " ORDER BY page.commit_no DESC LIMIT $4"
        );
        const FILTERED: &str = concat!(
            "-- registry.list_filtered_revisions\n",
            "SELECT ",
            revision_columns!(),
            " FROM unnest($2::bigint[], $3::bigint[]) AS span (low, high)
             CROSS JOIN LATERAL (
                   SELECT * FROM revision
                    WHERE history_id = $1 AND commit_no BETWEEN span.low AND span.high
                      AND committer_time_s >= coalesce($5, committer_time_s)
                      AND ($6::bigint IS NULL OR committer_time_s < $6)
                      AND ($7 = '' OR position(lower($7) IN lower(message)) > 0) OFFSET 0) AS page",
            people!(),
            " WHERE $8 = '' OR position(lower($8) IN lower(author.name || ' ' || author.email)) > 0
              ORDER BY page.commit_no DESC LIMIT $4"
        );
        let lows: Vec<_> = window.spans.iter().map(|span: &Span| span.low).collect();
        let highs: Vec<_> = window.spans.iter().map(|span| span.high).collect();
        let limit = i64::from(limit);
        let values: [&(dyn ToSql + Sync); 8] =
            [&history_id, &lows, &highs, &limit, &filter.from_s, &filter.until_s, &filter.text, &filter.author];
        let (sql, values) = if filter.is_empty() { (ALL, &values[..4]) } else { (FILTERED, &values[..]) };
        let rows = self.db.client().await?.query(sql, values).await?;
        rows.iter().map(|row| Ok((get(row, "commit_no")?, revision(row)?))).collect()
    }

    /// One revision that is shown; none if no ref leads to it.
    ///
    /// # Errors
    ///
    /// `ImportNotFound`.
    pub async fn revision(
        &self,
        import_id: &ImportId,
        commit_id: &[u8; 20],
    ) -> Result<Option<Revision>, RegistryError> {
        const SQL: &str = concat!(
            "-- registry.get_revision\n",
            "SELECT ",
            revision_columns!(),
            " FROM import
              LEFT JOIN scan ON scan.import_id = import.import_id
              LEFT JOIN revision AS page
                ON page.history_id = scan.history_id AND page.commit_id = $2 AND page.commit_no <= scan.last_no",
            people!(),
            " WHERE import.import_id = $1"
        );
        let row = self.db.client().await?.query_opt(SQL, &[&import_id.as_str(), &commit_id.as_slice()]).await?;
        let row = row.ok_or_else(|| change_import::not_found(import_id))?;
        let is_there = get::<Option<i64>>(&row, "commit_no")?.is_some();
        Ok(if is_there { Some(revision(&row)?) } else { None })
    }
}

fn revision(row: &Row) -> Result<Revision, DbError> {
    Ok(Revision {
        commit_id: rows::object_id(row, "commit_id")?,
        parent_ids: rows::object_ids(row, "parent_ids")?,
        author: Signature {
            name: get::<Option<_>>(row, "author_name")?.unwrap_or_default(),
            email: get::<Option<_>>(row, "author_email")?.unwrap_or_default(),
            time_s: get(row, "author_time_s")?,
            offset_minutes: get(row, "author_offset_minutes")?,
        },
        committer: Signature {
            name: get::<Option<_>>(row, "committer_name")?.unwrap_or_default(),
            email: get::<Option<_>>(row, "committer_email")?.unwrap_or_default(),
            time_s: get(row, "committer_time_s")?,
            offset_minutes: get(row, "committer_offset_minutes")?,
        },
        message: get(row, "message")?,
    })
}
