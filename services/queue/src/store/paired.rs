//! How a statement for many rows finds for each row what belongs to it, without a join.
//!
//! A batch comes as one array per column. Joined with the table as a set of rows, it leaves the planner a choice, and where
//! the table was small when it chose, it compares all rows with all: a batch of a hundred then costs ten times what it
//! should, one of four hundred forty times. Here the rows are read by their keys, and each finds its place in the batch by a
//! binary search in the array of keys, which is sorted: so the cost rises with the rows, whatever the planner knew.

/// The element of an array of the batch that belongs to a row: of its column with the key, and the array of keys, sorted.
///
/// Names are given as `name[]`, whose elements all have the same size (at most 63 bytes, as an import's id has): an array of
/// texts would be walked to the element.
macro_rules! paired {
    ($array:literal, $key:literal in $keys:literal) => {
        concat!("(", $array, ")[width_bucket(", $key, ", ", $keys, ")]")
    };
}
pub(super) use paired;

/// Leases by all three parts of their names: run ids, fencing tokens (sorted, by which a lease finds its place in the
/// batch) and import ids are the first three parameters. A token that is not in the batch finds the place of the next lower
/// one: so it is compared, too.
macro_rules! named_leases {
    () => {
        concat!(
            "lease.run_id = ANY ($1::bigint[]) AND lease.fencing_token = ",
            crate::store::paired::paired!("$2::bigint[]", "lease.fencing_token" in "$2::bigint[]"),
            " AND lease.run_id = ",
            crate::store::paired::paired!("$1::bigint[]", "lease.fencing_token" in "$2::bigint[]"),
            " AND lease.job_id = ",
            crate::store::paired::paired!("$3::name[]", "lease.fencing_token" in "$2::bigint[]")
        )
    };
}
pub(super) use named_leases;
