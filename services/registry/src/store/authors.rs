//! Authors: each name with its address once, for all imports.
//!
//! Ids are remembered by the process, as authors are never deleted and most commits are by few of them. They are written
//! durably and before the revisions that name them: an id that is remembered is an id that is there.

use super::{Signature, Store};
use codeimport_pg::{Client, DbError, row::get};
use ring::digest::{Context, SHA256};
use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, PoisonError},
};

/// Ids that are remembered at most; some 10 MB.
const CAPACITY: usize = 100_000;

/// SHA-256 of name, NUL, address.
type AuthorDigest = [u8; 32];

/// The ids that this process knows.
#[derive(Clone, Debug, Default)]
pub(super) struct AuthorIds(Arc<Mutex<HashMap<AuthorDigest, i64>>>);

impl AuthorIds {
    /// What is known of these, in their order.
    fn recall(&self, wanted: &[AuthorDigest]) -> Vec<Option<i64>> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        wanted.iter().map(|digest| known.get(digest).copied()).collect()
    }

    fn remember(&self, ids: &[(AuthorDigest, i64)]) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() + ids.len() > CAPACITY {
            known.clear();
        }
        known.extend(ids.iter().copied());
    }
}

/// What tells authors apart.
fn digest(signature: &Signature) -> AuthorDigest {
    let mut context = Context::new(&SHA256);
    context.update(signature.name.as_bytes());
    context.update(&[0]);
    context.update(signature.email.as_bytes());
    context.finish().as_ref().try_into().unwrap_or_default()
}

impl Store {
    /// The ids of these authors in their order. Who is new is stored.
    pub(super) async fn author_ids(&self, wanted: &[&Signature]) -> Result<Vec<i64>, DbError> {
        let digests: Vec<_> = wanted.iter().map(|signature| digest(signature)).collect();
        let known = self.author_ids.recall(&digests);
        let all = || digests.iter().zip(&known);
        // As a rule there are few of them, which is why they are sorted and the others are not.
        let unknown = all().zip(wanted).filter(|((_, id), _)| id.is_none()).map(|((digest, _), who)| (*digest, *who));
        let unknown: BTreeMap<_, _> = unknown.collect();
        let mut new = HashMap::new();
        if !unknown.is_empty() {
            let ids = put(&self.db.client().await?, &unknown).await?;
            self.author_ids.remember(&ids);
            new.extend(ids);
        }
        let id = |(digest, known): (_, &Option<i64>)| known.or_else(|| new.get(digest).copied());
        all().map(|one| id(one).ok_or_else(|| DbError::decode("digest", &"was not stored"))).collect()
    }
}

/// In order of their digests, so that two who store the same authors wait for each other and do not lock each other out.
async fn put(
    client: &Client,
    authors: &BTreeMap<AuthorDigest, &Signature>,
) -> Result<Vec<(AuthorDigest, i64)>, DbError> {
    const PUT: &str = "-- registry.put_authors
        INSERT INTO author (digest, name, email)
        SELECT new.digest, new.name, new.email
          FROM unnest($1::bytea[], $2::text[], $3::text[]) AS new (digest, name, email)
         ORDER BY new.digest
        ON CONFLICT (digest) DO NOTHING";
    const IDS: &str = "-- registry.author_ids\nSELECT digest, author_id FROM author WHERE digest = ANY ($1)";
    let digests: Vec<_> = authors.keys().map(AuthorDigest::as_slice).collect();
    let names: Vec<_> = authors.values().map(|author| author.name.as_str()).collect();
    let emails: Vec<_> = authors.values().map(|author| author.email.as_str()).collect();
    client.execute(PUT, &[&digests, &names, &emails]).await?;
    let rows = client.query(IDS, &[&digests]).await?;
    let id = |digest: Vec<u8>| digest.try_into().map_err(|_| DbError::decode("digest", &"is not 32 bytes long"));
    rows.iter().map(|row| Ok((id(get(row, "digest")?)?, get(row, "author_id")?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn author(name: &str, email: &str) -> Signature {
        Signature { name: name.to_owned(), email: email.to_owned(), time_s: 0, offset_minutes: 0 }
    }

    #[test]
    fn the_border_between_name_and_address_counts() {
        assert_ne!(digest(&author("ab", "c")), digest(&author("a", "bc")));
    }

    #[test]
    fn what_is_remembered_is_not_asked_again_and_does_not_grow_for_ever() {
        let ids = AuthorIds::default();
        let ada = author("ada", "");
        ids.remember(&[(digest(&ada), 7)]);
        let wanted = [digest(&ada), digest(&author("bob", ""))];
        assert_eq!(ids.recall(&wanted), [Some(7), None]);
        let many: Vec<_> = (0..CAPACITY).map(|n| (digest(&author(&n.to_string(), "")), 1)).collect();
        ids.remember(&many);
        assert_eq!(ids.recall(&wanted), [None, None]);
    }
}
