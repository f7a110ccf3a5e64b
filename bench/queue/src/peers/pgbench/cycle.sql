WITH due AS MATERIALIZED (
    SELECT id FROM job WHERE token IS NULL AND due_at <= now() ORDER BY due_at, id LIMIT :batch FOR UPDATE SKIP LOCKED
), leased AS (
    UPDATE job SET token = nextval('token'), expires_at = now() + interval '30 s' FROM due WHERE job.id = due.id
    RETURNING job.id, job.token
)
SELECT coalesce(array_agg(id), '{}') AS ids, coalesce(array_agg(token), '{}') AS tokens FROM leased \gset
UPDATE job SET token = NULL, expires_at = NULL, due_at = now()
  FROM unnest((:ids)::bigint[], (:tokens)::bigint[]) AS held (id, token)
 WHERE job.id = held.id AND job.token = held.token;
