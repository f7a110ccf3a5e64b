-- Roles and schemas of codeimport: one of each for every service.
--
-- Run by an administrator, connected to the database that codeimport shall use; may be run again. Gives no
-- passwords: set them with ALTER ROLE, or use another way to log in. The embedded server runs this file as it is.
--
-- A service owns its schema and sees no other: a join across schemas would be an RPC that is missing.

DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'codeimport_queue') THEN
        CREATE ROLE codeimport_queue LOGIN;
    END IF;
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'codeimport_registry') THEN
        CREATE ROLE codeimport_registry LOGIN;
    END IF;
END
$$;

CREATE SCHEMA IF NOT EXISTS queue AUTHORIZATION codeimport_queue;
CREATE SCHEMA IF NOT EXISTS registry AUTHORIZATION codeimport_registry;

-- Nobody leaves anything in the schema that everybody may look into.
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
