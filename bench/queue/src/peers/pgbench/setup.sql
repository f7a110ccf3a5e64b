DROP TABLE IF EXISTS job;
DROP SEQUENCE IF EXISTS token;
CREATE TABLE job (
    id          bigint      PRIMARY KEY,
    due_at      timestamptz,
    token       bigint,
    expires_at  timestamptz,
    payload     text        NOT NULL
);
CREATE INDEX job_due ON job (due_at, id) WHERE token IS NULL;
CREATE SEQUENCE token;
INSERT INTO job SELECT n, now(), NULL, NULL, 'https://host.example/repository/' || n FROM generate_series(1, 100000) n;
VACUUM ANALYZE job;
