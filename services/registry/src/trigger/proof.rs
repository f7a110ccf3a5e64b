//! How a push proves where it comes from, in the shapes of GitHub, GitLab and Gitea, and in a plain one. Pure but for the
//! making of secrets. Every comparison takes as long whether it succeeds or not.

use axum::http::{HeaderMap, header::AUTHORIZATION};
use codeimport_kit::config::Secret;
use ring::{
    hmac,
    rand::{SecureRandom as _, SystemRandom},
};

const SECRET_LEN: usize = 32;

/// What the source knows.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TriggerSecret(Secret);

/// What a request has to show.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Proof {
    /// HMAC-SHA256 over the body, by the secret: GitHub, Gitea.
    Signature(Vec<u8>),
    /// The secret itself: GitLab, and the plain shape.
    Token(Secret),
}

/// A body on its way through, with what it has to prove.
pub struct Check {
    secret: TriggerSecret,
    proof: Proof,
    seen: hmac::Context,
}

impl TriggerSecret {
    /// A new one; none if the machine has no randomness to give.
    #[must_use]
    pub fn generate() -> Option<Self> {
        let mut bytes = [0; SECRET_LEN];
        SystemRandom::new().fill(&mut bytes).ok()?;
        Some(Self(hex::encode(bytes).into()))
    }

    /// As it was shown and is stored.
    #[must_use]
    pub fn from_text(text: String) -> Self {
        Self(text.into())
    }

    /// For the one who creates it, once; and for the seal.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose()
    }

    /// Begins to check a proof.
    #[must_use]
    pub fn check(self, proof: Proof) -> Check {
        let seen = hmac::Context::with_key(&self.key());
        Check { secret: self, proof, seen }
    }

    fn key(&self) -> hmac::Key {
        hmac::Key::new(hmac::HMAC_SHA256, self.expose().as_bytes())
    }
}

impl Check {
    /// Takes the next part of the body.
    pub fn update(&mut self, part: &[u8]) {
        self.seen.update(part);
    }

    /// Whether the body, now whole, comes from somebody who knows the secret.
    #[must_use]
    pub fn finish(self) -> bool {
        match &self.proof {
            Proof::Signature(shown) => are_equal(shown, self.seen.sign().as_ref()),
            Proof::Token(shown) => are_equal(shown.expose().as_bytes(), self.secret.expose().as_bytes()),
        }
    }
}

/// Compares digests of both, so that not even their lengths show in the time that it takes.
fn are_equal(one: &[u8], other: &[u8]) -> bool {
    let key = hmac::Key::new(hmac::HMAC_SHA256, b"codeimport trigger");
    hmac::verify(&key, one, hmac::sign(&key, other).as_ref()).is_ok()
}

impl Proof {
    /// What a request shows; none if it shows nothing. Gitea sends GitHub's header besides its own.
    #[must_use]
    pub fn of(headers: &HeaderMap) -> Option<Self> {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        if let Some(signature) = text("x-hub-signature-256") {
            return signature.strip_prefix("sha256=").and_then(Self::signature);
        }
        if let Some(signature) = text("x-gitea-signature") {
            return Self::signature(signature);
        }
        let bearer = || text(AUTHORIZATION.as_str())?.strip_prefix("Bearer ");
        text("x-gitlab-token").or_else(bearer).map(|token| Self::Token(token.trim().into()))
    }

    fn signature(digits: &str) -> Option<Self> {
        hex::decode(digits).ok().map(Self::Signature)
    }
}

/// Whether refs may have changed. A request that does not say what it tells is about that.
#[must_use]
pub fn is_push(headers: &HeaderMap) -> bool {
    const HEADERS: [&str; 3] = ["x-gitea-event", "x-github-event", "x-gitlab-event"];
    const PUSHES: [&str; 5] = ["push", "create", "delete", "Push Hook", "Tag Push Hook"];
    let said = HEADERS.iter().find_map(|name| headers.get(*name)).and_then(|value| value.to_str().ok());
    said.is_none_or(|said| PUSHES.contains(&said))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().expect("name"), value.parse().expect("value"))).collect()
    }

    fn proves(pairs: &[(&'static str, &str)], body: &[u8]) -> bool {
        let secret = TriggerSecret::from_text("It's a Secret to Everybody".to_owned());
        let Some(proof) = Proof::of(&headers(pairs)) else { return false };
        let mut check = secret.check(proof);
        body.chunks(3).for_each(|part| check.update(part));
        check.finish()
    }

    #[test]
    fn each_host_proves_a_push_in_its_own_way() {
        // The example of GitHub's manual.
        const DIGEST: &str = "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
        let body = b"Hello, World!";
        assert!(proves(&[("x-hub-signature-256", &format!("sha256={DIGEST}"))], body));
        assert!(proves(&[("x-gitea-signature", DIGEST)], body));
        assert!(proves(&[("x-gitlab-token", "It's a Secret to Everybody")], body));
        assert!(proves(&[("authorization", "Bearer It's a Secret to Everybody")], body));
        assert!(!proves(&[("x-gitea-signature", DIGEST)], b"Hello, world!"), "another body");
        assert!(!proves(&[("x-gitea-signature", &DIGEST[2..])], body));
        assert!(!proves(&[("x-gitlab-token", "It's a Secret")], body));
        for nothing in
            [("x-hub-signature-256", DIGEST), ("x-gitea-signature", "no digits"), ("authorization", "Basic x")]
        {
            assert!(!proves(&[nothing], body), "{nothing:?}");
        }
        assert!(!proves(&[], body));
    }

    #[test]
    fn only_what_may_change_refs_is_a_push() {
        for event in ["push", "create", "delete"] {
            assert!(is_push(&headers(&[("x-github-event", event)])), "{event}");
        }
        assert!(is_push(&headers(&[("x-gitlab-event", "Tag Push Hook")])) && is_push(&headers(&[])));
        for event in ["ping", "issues", "star"] {
            assert!(!is_push(&headers(&[("x-gitea-event", event), ("x-github-event", event)])), "{event}");
        }
    }

    #[test]
    fn secrets_differ_and_do_not_show() {
        let (one, other) = (TriggerSecret::generate().expect("random"), TriggerSecret::generate().expect("random"));
        assert_ne!(one, other);
        assert!(!format!("{one:?}").contains(one.expose()));
    }
}
