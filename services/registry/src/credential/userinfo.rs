//! User names and passwords in addresses: taken out, so that the address can be shown. Pure.

use super::Login;
use url::Url;

/// The address without user name and password, and what they were; none if there are none.
///
/// Under SSH the user name is a part of the address and no secret. A text that is no URL is left to who checks addresses.
#[must_use]
pub fn take_userinfo(text: &str) -> (String, Option<Login>) {
    let unchanged = || (text.to_owned(), None);
    let Ok(mut url) = Url::parse(text) else { return unchanged() };
    let has_userinfo = !url.username().is_empty() || url.password().is_some();
    if !has_userinfo || is_ssh(&url) || text.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return unchanged();
    }
    let login = Login {
        username: codeimport_core::decode_percent(url.username()).into(),
        password: codeimport_core::decode_percent(url.password().unwrap_or_default()).into(),
    };
    match url.set_username("").and_then(|()| url.set_password(None)) {
        Ok(()) => (url.to_string(), Some(login)),
        Err(()) => unchanged(),
    }
}

/// By itself or below another protocol.
fn is_ssh(url: &Url) -> bool {
    url.scheme() == "ssh" || url.scheme().ends_with("+ssh")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_loses_its_secret_and_nothing_else() {
        let (url, login) = take_userinfo("https://ada:p%40ss%3Aw@host:8443/a/b.git");
        let login = login.expect("a login");
        assert_eq!(url, "https://host:8443/a/b.git");
        assert_eq!((login.username.expose(), login.password.expose()), ("ada", "p@ss:w"));
        let (url, login) = take_userinfo("svn://token@host/r");
        assert_eq!((url.as_str(), login.expect("a login").username.expose()), ("svn://host/r", "token"));
    }

    #[test]
    fn other_addresses_stay_as_they_are() {
        for text in
            ["https://host/a@b", "no url", "svn+ssh://me@host/r", "ssh://me@host//r", "https://a:b@host/x\n", ""]
        {
            assert_eq!(take_userinfo(text), (text.to_owned(), None));
        }
    }
}
