//! The most memory that a process has had at once, as the kernel keeps it (`VmHWM`).

use std::fs;

/// Name and peak of a process, in bytes; `self` for this one.
pub(crate) fn peak_of(pid: &str) -> Option<(String, u64)> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let field = |name: &str| status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(str::trim);
    let kilobytes: u64 = field("VmHWM")?.strip_suffix(" kB")?.parse().ok()?;
    Some((field("Name")?.to_owned(), kilobytes * 1024))
}
