//! Values of columns, without a panic where a column is not what this program expects.

use crate::DbError;
use std::{fmt::Display, str::FromStr, time::Duration};
use tokio_postgres::{Row, types::FromSqlOwned};

/// A value of a column.
///
/// # Errors
///
/// If there is no such column, or it holds another type.
pub fn get<T: FromSqlOwned>(row: &Row, column: &'static str) -> Result<T, DbError> {
    Ok(row.try_get(column)?)
}

/// A value of a column that is stored as text.
///
/// # Errors
///
/// As [`get`], and if the text is none that this program knows.
pub fn parsed<T: FromStr<Err: Display>>(row: &Row, column: &'static str) -> Result<T, DbError> {
    parse(&get::<String>(row, column)?, column)
}

/// A value of a nullable column that is stored as text.
///
/// # Errors
///
/// As [`parsed`].
pub fn parsed_opt<T: FromStr<Err: Display>>(row: &Row, column: &'static str) -> Result<Option<T>, DbError> {
    get::<Option<String>>(row, column)?.map(|text| parse(&text, column)).transpose()
}

/// A count, which the schema keeps from being negative.
///
/// # Errors
///
/// As [`get`], and if it is negative all the same.
pub fn count(row: &Row, column: &'static str) -> Result<u32, DbError> {
    u32::try_from(get::<i32>(row, column)?).map_err(|error| DbError::decode(column, &error))
}

/// A span that is stored in milliseconds.
///
/// # Errors
///
/// As [`get`], and if it is negative.
pub fn millis(row: &Row, column: &'static str) -> Result<Duration, DbError> {
    to_span(get(row, column)?, column)
}

/// A span of a nullable column that is stored in milliseconds.
///
/// # Errors
///
/// As [`millis`].
pub fn millis_opt(row: &Row, column: &'static str) -> Result<Option<Duration>, DbError> {
    get::<Option<i64>>(row, column)?.map(|millis| to_span(millis, column)).transpose()
}

fn parse<T: FromStr<Err: Display>>(text: &str, column: &'static str) -> Result<T, DbError> {
    text.parse().map_err(|error: T::Err| DbError::decode(column, &error))
}

fn to_span(millis: i64, column: &'static str) -> Result<Duration, DbError> {
    u64::try_from(millis).map(Duration::from_millis).map_err(|error| DbError::decode(column, &error))
}
