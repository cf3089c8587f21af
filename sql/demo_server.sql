-- What the demo asks of a server around its sample.

-- name: demo_server_database
-- Makes the demo's database; only ever on a server that the demo has started itself.
CREATE DATABASE mentoring;

-- name: demo_server_role
-- An ordinary login that owns nothing, as the service has one; only on the demo's own server.
CREATE ROLE app LOGIN;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO app;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO app;

-- name: demo_target_tables
-- May the sample be loaded here? Only where no schema holds a relation that somebody has made.
-- Answers: one row, how many there are and the name of one of them. What belongs to an extension
-- does not count.
SELECT count(*) AS relations, min(format('%I.%I', n.nspname, c.relname)) AS example
  FROM pg_class AS c
  JOIN pg_namespace AS n ON n.oid = c.relnamespace
 WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
   AND n.nspname NOT IN ('pg_catalog', 'information_schema')
   AND n.nspname NOT LIKE 'pg\_toast%' AND n.nspname NOT LIKE 'pg\_temp%'
   AND NOT EXISTS (SELECT FROM pg_depend AS d
                    WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid
                      AND d.deptype = 'e');
