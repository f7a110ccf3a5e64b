-- What sources are read with, sealed: who reads the database reads no password.
--
-- Lock: new table; SHARE ROW EXCLUSIVE on import for a moment, for the foreign key. Roll back: drop the constraint and the
-- table; imports that use a credential end with FORBIDDEN then.

CREATE TABLE credential (
    credential_id text COLLATE "C" PRIMARY KEY,
    -- For people.
    description   text        NOT NULL,
    -- Who may use it: a person or a team.
    owner         text        NOT NULL,
    -- Handed out only for sources whose address begins with this.
    url_prefix    text        NOT NULL,
    -- Made of a user name in an import's address; goes with that import.
    is_implicit   boolean     NOT NULL,
    -- Rises with each rotation.
    version       integer     NOT NULL DEFAULT 1,
    -- Which key sealed it, and what came of it: nonce, ciphertext, tag. Bound to id and version.
    key_id        text        NOT NULL,
    sealed        bytea       NOT NULL,
    created_at    timestamptz NOT NULL DEFAULT now(),
    rotated_at    timestamptz NOT NULL DEFAULT now(),

    CONSTRAINT credential_id_is_plain CHECK (credential_id ~ '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$'),
    CONSTRAINT credential_version_rises CHECK (version >= 1),
    CONSTRAINT credential_is_sealed CHECK (octet_length(sealed) >= 28)
);

-- For registry.credentials_of_other_keys: what has to be sealed anew after a key was added.
CREATE INDEX credential_by_key ON credential (key_id);

-- Deferred: an import and the credential that its address held are written in one transaction, in any order.
ALTER TABLE import
    ADD CONSTRAINT import_credential_exists
        FOREIGN KEY (credential_id) REFERENCES credential (credential_id) DEFERRABLE INITIALLY DEFERRED;
