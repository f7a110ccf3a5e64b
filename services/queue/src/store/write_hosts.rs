//! Writes what has changed of hosts, turns and lines, in one statement: each further one costs the server and us as much
//! as several rows.

use super::{locked_hosts::column, paired::paired, rows::position_name};
use crate::{
    host::Host,
    turns::{HostTurn, Line, LineId, TurnKey},
};
use codeimport_pg::Statement;

/// What has changed, of hosts that are locked.
pub(super) struct Changed<'h> {
    pub(super) hosts: Vec<&'h Host>,
    pub(super) turns: Vec<(TurnKey, &'h HostTurn)>,
    pub(super) lines: Vec<(LineId, &'h Line)>,
}

/// None if nothing has.
pub(super) fn write_hosts(changed: &Changed<'_>) -> Option<Statement> {
    let Changed { hosts, turns, lines } = changed;
    let nothing = hosts.is_empty() && turns.is_empty() && lines.is_empty();
    let statement = bind_hosts(Statement::new(WRITE_HOSTS), hosts)
        .bind(column(turns, |(key, _)| key.host_id.0))
        .bind(column(turns, |(key, _)| key.rcs_type.name()))
        .bind(column(turns, |(key, _)| key.requested))
        .bind(column(turns, |(_, turn)| turn.first_line_at))
        .bind(column(turns, |(_, turn)| turn.turn_at))
        .bind(column(lines, |(line_id, _)| line_id.0))
        .bind(column(lines, |(_, line)| line.head_due_at))
        .bind(column(lines, |(_, line)| line.turn_at));
    (!nothing).then_some(statement)
}

fn bind_hosts(statement: Statement, hosts: &[&Host]) -> Statement {
    statement
        .bind(column(hosts, |host| host.host_id.0))
        .bind(column(hosts, |host| i64::from(host.running_count)))
        .bind(column(hosts, |host| host.open_at))
        .bind(column(hosts, |host| position_name(host.breaker.position)))
        .bind(column(hosts, |host| i64::from(host.breaker.trouble_count)))
        .bind(column(hosts, |host| i64::from(host.breaker.opened_count)))
}

/// Hosts and lines come in the order of their numbers.
const WRITE_HOSTS: &str = concat!(
    "-- queue.write_hosts
WITH hosts AS (
    UPDATE source_host
       SET running_count = ",
    paired!("$2::bigint[]", "source_host.host_id" in "$1::bigint[]"),
    ", open_at = ",
    paired!("$3::timestamptz[]", "source_host.host_id" in "$1::bigint[]"),
    ", breaker = ",
    paired!("$4::name[]", "source_host.host_id" in "$1::bigint[]"),
    ", trouble_count = ",
    paired!("$5::bigint[]", "source_host.host_id" in "$1::bigint[]"),
    ", opened_count = ",
    paired!("$6::bigint[]", "source_host.host_id" in "$1::bigint[]"),
    "
     WHERE source_host.host_id = ANY ($1::bigint[])
), turns AS (
    UPDATE host_turn
       SET first_line_at = changed.first_line_at, turn_at = changed.turn_at
      FROM unnest($7::bigint[], $8::text[], $9::bool[], $10::timestamptz[], $11::timestamptz[])
           AS changed (host_id, rcs_type, requested, first_line_at, turn_at)
     WHERE host_turn.host_id = ANY ($7) AND host_turn.host_id = changed.host_id
       AND host_turn.rcs_type = changed.rcs_type AND host_turn.requested = changed.requested
)
UPDATE line
   SET head_due_at = ",
    paired!("$13::timestamptz[]", "line.line_id" in "$12::bigint[]"),
    ", turn_at = ",
    paired!("$14::timestamptz[]", "line.line_id" in "$12::bigint[]"),
    "
 WHERE line.line_id = ANY ($12::bigint[])"
);
