-- Secrets of the registry's own: what webhooks are signed with, what triggers are proven with. Sealed: who reads the database
-- reads none of them.
--
-- Lock: new table, none. Roll back: DROP TABLE secret; webhooks and triggers need new ones then.

CREATE TABLE secret (
    -- Whose it is; what is sealed is bound to it.
    name   text COLLATE "C" PRIMARY KEY,
    -- Which key sealed it, and what came of it: nonce, ciphertext, tag.
    key_id text  NOT NULL,
    sealed bytea NOT NULL,

    CONSTRAINT secret_is_sealed CHECK (octet_length(sealed) >= 28)
);

-- For registry.secrets_of_other_keys: what has to be sealed anew after a key was added.
CREATE INDEX secret_by_key ON secret (key_id);
