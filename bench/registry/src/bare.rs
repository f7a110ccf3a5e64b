//! What PostgreSQL does by itself: COPY of the same rows into the same tables, by the server from its own disk.

use crate::house::House;
use std::time::{Duration, Instant};

/// Tables that a scan fills with every revision.
const TABLES: [&str; 3] = ["author", "history_author", "revision"];

/// Copies what the scan has stored into tables alike, and returns how long that took.
pub async fn copy(house: &House) -> anyhow::Result<Duration> {
    let client = house.db.client().await?;
    let mut took = Duration::ZERO;
    for table in TABLES {
        let file = house.folder.join(table).display().to_string();
        client.execute(&format!("COPY {table} TO '{file}' (FORMAT binary)"), &[]).await?;
        client.execute(&format!("CREATE TABLE bare_{table} (LIKE {table} INCLUDING ALL)"), &[]).await?;
        let started = Instant::now();
        client.execute(&format!("COPY bare_{table} FROM '{file}' (FORMAT binary)"), &[]).await?;
        took += started.elapsed();
        client.execute(&format!("DROP TABLE bare_{table}"), &[]).await?;
        std::fs::remove_file(file)?;
    }
    Ok(took)
}
