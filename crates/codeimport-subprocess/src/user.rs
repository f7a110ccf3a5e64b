//! Who a program runs as.

use std::fs;

/// A user of this machine, as `/etc/passwd` has it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct User {
    /// Login name.
    pub name: String,
    /// Numeric id.
    pub uid: u32,
    /// Id of the primary group.
    pub gid: u32,
}

impl User {
    /// Looks a local user up by name. Users from a directory service are not found.
    #[must_use]
    pub fn find(name: &str) -> Option<Self> {
        fs::read_to_string("/etc/passwd").ok()?.lines().filter_map(parse_passwd_line).find(|user| user.name == name)
    }
}

/// Whether this process may become somebody else.
#[must_use]
pub fn current_user_is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// `name:password:uid:gid:…` (passwd(5)).
fn parse_passwd_line(line: &str) -> Option<User> {
    let mut fields = line.split(':');
    let name = fields.next()?.to_owned();
    let _password = fields.next()?;
    Some(User { name, uid: fields.next()?.parse().ok()?, gid: fields.next()?.parse().ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_passwd_line_gives_name_and_numbers() {
        let user = parse_passwd_line("postgres:x:101:104:PostgreSQL administrator,,,:/var/lib/postgresql:/bin/bash");
        assert_eq!(user, Some(User { name: "postgres".to_owned(), uid: 101, gid: 104 }));
        assert_eq!(parse_passwd_line("# comment"), None);
    }

    #[test]
    fn root_is_found_and_nobody_invented_is_not() {
        assert_eq!(User::find("root").map(|user| user.uid), Some(0));
        assert_eq!(User::find("no-such-user-here"), None);
    }
}
