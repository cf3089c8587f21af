-- Backups: what a dump has to hold, and how a database is put in another's place.
--
-- A dump is made by pg_dump in the snapshot of a transaction of ours, which counts the rows of the
-- tables meanwhile; so the figures beside the dump are those of the dump. A restore fills a database
-- of another name, compares, and swaps the two names in one transaction: the old one is kept.

-- name: backup_begin
-- Opens the transaction whose snapshot the dump is made of. Nothing may end it before the dump has:
-- so no timeout of the role counts, and a lock is not waited for longer than a minute.
BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
SET LOCAL statement_timeout = 0;
SET LOCAL idle_in_transaction_session_timeout = 0;
SET LOCAL lock_timeout = '60s';

-- name: backup_end
-- Ends what backup_begin began; it has only read.
ROLLBACK;

-- name: backup_snapshot
-- What the snapshot is of: snapshot (the name pg_dump takes), taken_at, database, oid, role, server
-- (its identity, NULL where it is not told), version and size of the database in bytes (NULL: the
-- role may not ask).
SELECT pg_export_snapshot() AS snapshot,
       to_char(transaction_timestamp(), 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS taken_at,
       to_char(transaction_timestamp(), 'YYYYMMDD_HH24MISS') AS stamp,
       current_database() AS database,
       session_user AS role,
       substring(CASE WHEN has_function_privilege('pg_catalog.pg_control_system()', 'EXECUTE')
                      THEN query_to_xml('SELECT system_identifier FROM pg_catalog.pg_control_system()',
                                        false, false, '')::text
                 END FROM '<system_identifier>(-?\d+)</system_identifier>') AS server,
       current_setting('server_version_num') AS version,
       CASE WHEN has_database_privilege(current_database(), 'CONNECT')
            THEN pg_database_size(current_database()) END AS size;

-- name: backup_tables
-- The tables whose rows are counted, with the statement that does it. $1: the plan; NULL: all tables
-- that a dump holds. A partitioned table stands for its partitions, which hold the rows; foreign
-- tables are dumped without theirs, and what an extension made comes with the extension. Answers:
-- oid, schema, name, holds_rows (the dump must have data of it, too), statement (NULL without rows).
WITH RECURSIVE wanted AS (
    SELECT c.oid
      FROM pg_class c
      JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relkind IN ('r', 'p', 'f')
       AND c.relpersistence <> 't'
       AND CASE WHEN $1::jsonb IS NULL
                THEN n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'tenantdeck')
                ELSE n.nspname = $1::jsonb ->> 'schema'
                     AND c.relname IN (SELECT t ->> 'name'
                                         FROM jsonb_array_elements($1::jsonb -> 'tables') AS t)
           END
       AND NOT EXISTS (SELECT 1 FROM pg_depend e
                        WHERE e.classid = 'pg_class'::regclass AND e.objid = c.oid
                          AND e.deptype = 'e')
     UNION
    SELECT i.inhrelid
      FROM wanted
      JOIN pg_inherits i ON i.inhparent = wanted.oid
)
SELECT c.oid,
       n.nspname AS schema,
       c.relname AS name,
       c.relkind = 'r' AS holds_rows,
       CASE c.relkind
       WHEN 'r' THEN format('SELECT count(*) FROM %s%I.%I',
                            CASE WHEN c.relhassubclass THEN 'ONLY ' ELSE '' END,
                            n.nspname, c.relname)
       END AS statement
  FROM wanted
  JOIN pg_class c ON c.oid = wanted.oid
  JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind IN ('r', 'p', 'f')
 ORDER BY n.nspname, c.relname;

-- name: backup_bound
-- What stands on the application's tables and needs the journal, which a dump leaves out: the fill
-- triggers. A restore must leave them out, too. Answers: class and oid (as pg_restore lists them),
-- what (in words).
SELECT 'pg_trigger'::regclass::oid AS class,
       t.oid,
       format('trigger %I on %I.%I', t.tgname, n.nspname, c.relname) AS what
  FROM pg_trigger t
  JOIN pg_class c ON c.oid = t.tgrelid
  JOIN pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_proc p ON p.oid = t.tgfoid
 WHERE NOT t.tgisinternal
   AND n.nspname <> 'tenantdeck'
   AND p.pronamespace = (SELECT oid FROM pg_namespace WHERE nspname = 'tenantdeck')
 ORDER BY n.nspname, c.relname, t.tgname;

-- name: backup_properties
-- What belongs to database $1 and stands in no dump of it: owner, encoding, locale, connection limit,
-- settings of ALTER DATABASE and ALTER ROLE ... IN DATABASE, grants, comment, security labels. Answers
-- no row or one: oid, properties (JSON). Names that a server version does not know are left out.
SELECT d.oid,
       jsonb_build_object(
           'owner', pg_get_userbyid(d.datdba),
           'encoding', pg_encoding_to_char(d.encoding),
           'collate', d.datcollate,
           'ctype', d.datctype,
           'provider', COALESCE(to_jsonb(d) ->> 'datlocprovider', 'c'),
           'locale', COALESCE(to_jsonb(d) ->> 'datlocale', to_jsonb(d) ->> 'daticulocale'),
           'rules', to_jsonb(d) ->> 'daticurules',
           'tablespace', (SELECT s.spcname FROM pg_tablespace s WHERE s.oid = d.dattablespace),
           'connection_limit', d.datconnlimit,
           'template', d.datistemplate,
           'comment', shobj_description(d.oid, 'pg_database'),
           'settings', (SELECT COALESCE(jsonb_agg(jsonb_build_object(
                                   'role', r.rolname,
                                   'name', split_part(set, '=', 1),
                                   'value', substr(set, strpos(set, '=') + 1))
                               ORDER BY r.rolname NULLS FIRST, set), '[]')
                          FROM pg_db_role_setting s
                          LEFT JOIN pg_roles r ON r.oid = s.setrole
                         CROSS JOIN unnest(s.setconfig) AS set
                         WHERE s.setdatabase = d.oid AND (s.setrole = 0 OR r.oid IS NOT NULL)),
           'grants', CASE WHEN d.datacl IS NOT NULL
                     THEN (SELECT COALESCE(jsonb_agg(jsonb_build_object(
                                      'grantee', CASE WHEN a.grantee <> 0
                                                      THEN pg_get_userbyid(a.grantee) END,
                                      'privilege', a.privilege_type,
                                      'grantable', a.is_grantable)
                                  ORDER BY a.ordinality), '[]')
                             FROM aclexplode(d.datacl) WITH ORDINALITY AS a) END,
           'labels', (SELECT COALESCE(jsonb_agg(jsonb_build_object('provider', l.provider,
                                                                   'label', l.label)
                                      ORDER BY l.provider), '[]')
                        FROM pg_shseclabel l
                       WHERE l.classoid = 'pg_database'::regclass AND l.objoid = d.oid)
       ) AS properties
  FROM pg_database d
 WHERE d.datname = $1;

-- name: restore_server
-- Where we are: server (its identity, NULL where it is not told), role, stamp (for names).
SELECT substring(CASE WHEN has_function_privilege('pg_catalog.pg_control_system()', 'EXECUTE')
                      THEN query_to_xml('SELECT system_identifier FROM pg_catalog.pg_control_system()',
                                        false, false, '')::text
                 END FROM '<system_identifier>(-?\d+)</system_identifier>') AS server,
       session_user AS role,
       to_char(clock_timestamp(), 'YYYYMMDD_HH24MISS') AS stamp;

-- name: restore_database
-- The OID of database $1; no row when there is none.
SELECT oid FROM pg_database WHERE datname = $1;

-- name: restore_size
-- The size of database $1 in bytes, while it is filled.
SELECT pg_database_size(oid) AS size FROM pg_database WHERE datname = $1;

-- name: restore_names
-- Names for the restore of database $1 with stamp $2, none longer than the server takes, and none that a
-- database has: what is not ours is neither filled nor dropped. Answers: scratch (it is filled first)
-- and before (what the old one will be called); no row when all are taken.
WITH RECURSIVE cut AS (
    SELECT $1::text AS base
     UNION ALL
    SELECT left(base, -1)
      FROM cut
     WHERE octet_length(base) > 63 - octet_length('_restore_' || $2::text || '_9')
), names AS (
    SELECT n, base || '_restore_' || $2::text || suffix AS scratch,
           base || '_before_' || $2::text || suffix AS before
      FROM (SELECT base FROM cut ORDER BY octet_length(base) LIMIT 1) AS shortest
     CROSS JOIN generate_series(1, 9) AS n
     CROSS JOIN LATERAL (SELECT CASE WHEN n > 1 THEN '_' || n ELSE '' END AS suffix) AS ending
)
SELECT scratch, before
  FROM names
 WHERE NOT EXISTS (SELECT 1 FROM pg_database d WHERE d.datname IN (scratch, before))
 ORDER BY n
 LIMIT 1;

-- name: restore_create
-- The statement that creates database $2 with the properties $1 of backup_properties.
SELECT format('CREATE DATABASE %I TEMPLATE template0 ENCODING %L LC_COLLATE %L LC_CTYPE %L',
              $2::text, p ->> 'encoding', p ->> 'collate', p ->> 'ctype')
       || CASE p ->> 'provider'
          WHEN 'i' THEN format(' LOCALE_PROVIDER icu ICU_LOCALE %L', p ->> 'locale')
                        || CASE WHEN p ->> 'rules' IS NULL THEN ''
                                ELSE format(' ICU_RULES %L', p ->> 'rules') END
          WHEN 'b' THEN format(' LOCALE_PROVIDER builtin BUILTIN_LOCALE %L', p ->> 'locale')
          ELSE '' END
       || format(' OWNER %I', p ->> 'owner')
       || CASE WHEN p ->> 'tablespace' <> 'pg_default'
               THEN format(' TABLESPACE %I', p ->> 'tablespace') ELSE '' END
       AS statement
  FROM (SELECT $1::jsonb AS p) AS given;

-- name: restore_settings
-- The statements that give database $2 what else stands in the properties $1, in order. A setting that
-- is a list of names (search_path) is taken apart, since its parts are quoted one by one.
WITH given AS (
    SELECT $1::jsonb AS p, $2::text AS name
), settings AS (
    SELECT s.ordinality,
           CASE WHEN s.one ->> 'role' IS NULL THEN format('ALTER DATABASE %I', name)
                ELSE format('ALTER ROLE %I IN DATABASE %I', s.one ->> 'role', name) END
           || format(' SET %s TO ',
                     (SELECT string_agg(format('%I', part), '.')
                        FROM unnest(string_to_array(s.one ->> 'name', '.')) AS part))
           || CASE WHEN lower(s.one ->> 'name') IN ('local_preload_libraries', 'search_path',
                                                    'session_preload_libraries', 'temp_tablespaces')
                   THEN COALESCE((SELECT string_agg(quote_literal(COALESCE(replace(m[1], '""', '"'),
                                                                           m[2])), ', ')
                                    FROM regexp_matches(s.one ->> 'value',
                                                        '"((?:[^"]|"")*)"|([^,\s"]+)', 'g') AS m),
                                 '''''')
                   ELSE quote_literal(s.one ->> 'value') END AS statement
      FROM given
     CROSS JOIN jsonb_array_elements(p -> 'settings') WITH ORDINALITY AS s (one, ordinality)
), grants AS (
    SELECT g.ordinality,
           format('GRANT %s ON DATABASE %I TO %s%s', g.one ->> 'privilege', name,
                  COALESCE(quote_ident(g.one ->> 'grantee'), 'PUBLIC'),
                  CASE WHEN (g.one ->> 'grantable')::boolean THEN ' WITH GRANT OPTION' ELSE '' END)
           AS statement
      FROM given
     CROSS JOIN jsonb_array_elements(CASE jsonb_typeof(p -> 'grants') WHEN 'array'
                                     THEN p -> 'grants' ELSE '[]' END)
           WITH ORDINALITY AS g (one, ordinality)
)
SELECT statement
  FROM (SELECT 1 AS part, ordinality, statement FROM settings
        UNION ALL
        SELECT 2, 0, format('REVOKE ALL ON DATABASE %I FROM PUBLIC, %I', name, p ->> 'owner')
          FROM given WHERE jsonb_typeof(p -> 'grants') = 'array'
        UNION ALL
        SELECT 3, ordinality, statement FROM grants
        UNION ALL
        SELECT 4, 0, format('COMMENT ON DATABASE %I IS %L', name, p ->> 'comment')
          FROM given WHERE p ->> 'comment' IS NOT NULL
        UNION ALL
        SELECT 5, l.ordinality, format('SECURITY LABEL FOR %I ON DATABASE %I IS %L',
                                       l.one ->> 'provider', name, l.one ->> 'label')
          FROM given
         CROSS JOIN jsonb_array_elements(p -> 'labels') WITH ORDINALITY AS l (one, ordinality)
        UNION ALL
        SELECT 6, 0, format('ALTER DATABASE %I IS_TEMPLATE true', name)
          FROM given WHERE (p ->> 'template')::boolean
        UNION ALL
        SELECT 7, 0, format('ALTER DATABASE %I CONNECTION LIMIT %s', name,
                            (p ->> 'connection_limit')::integer)
          FROM given WHERE (p ->> 'connection_limit')::integer <> -1) AS all_of_them
 ORDER BY part, ordinality;

-- name: restore_sessions
-- Who is in database $1, so that it cannot be renamed: sessions, and transactions prepared for a
-- two-phase commit. Answers: who, in words, and whether it is a session of tenantdeck (ours).
SELECT format('pid %s, %s from %s (%s), %s', a.pid, COALESCE(a.usename, '?'),
              COALESCE(host(a.client_addr), 'this host'),
              COALESCE(NULLIF(a.application_name, ''), a.backend_type, '?'),
              COALESCE(a.state, '?')) AS who,
       COALESCE(a.application_name LIKE 'tenantdeck %', false) AS ours
  FROM pg_stat_activity a
 WHERE a.datname = $1
   AND a.pid <> pg_backend_pid()
   AND a.backend_type IS DISTINCT FROM 'autovacuum worker'
UNION ALL
SELECT format('prepared transaction %L of %s', x.gid, x.owner), false
  FROM pg_prepared_xacts x
 WHERE x.database = $1;

-- name: restore_slots
-- What is bound to database $1 itself and stays with the old one when the names are swapped:
-- logical replication slots and subscriptions. Answers: what, in words.
SELECT format('replication slot %I', s.slot_name) AS what
  FROM pg_replication_slots s
 WHERE s.database = $1
UNION ALL
SELECT format('subscription %I', s.subname)
  FROM pg_subscription s
  JOIN pg_database d ON d.oid = s.subdbid
 WHERE d.datname = $1;

-- name: restore_analyze
-- The planner's statistics, which no dump holds.
ANALYZE;

-- name: restore_swap_begin
-- Opens the transaction that swaps the names: both are renamed, or none is. A session that comes in
-- meanwhile waits, and then finds the name gone or new.
BEGIN ISOLATION LEVEL READ COMMITTED;
SET LOCAL lock_timeout = '10s';
SET LOCAL statement_timeout = '60s';

-- name: restore_swap_end
-- Ends what restore_swap_begin began.
COMMIT;

-- name: restore_swap_rollback
-- Gives up what restore_swap_begin began: both databases have the names they had.
ROLLBACK;

-- name: restore_rename
-- The statement that renames database $1 to $2.
SELECT format('ALTER DATABASE %I RENAME TO %I', $1::text, $2::text) AS statement;

-- name: restore_drop
-- The statement that drops database $1, as long as its OID is $2: no row when it is another one.
SELECT format('DROP DATABASE %I', d.datname) AS statement
  FROM pg_database d
 WHERE d.datname = $1 AND d.oid = $2::oid;

-- name: restore_note
-- Writes into the new journal what became of the old one. $1: the sentence.
INSERT INTO tenantdeck.event (severity, source, text)
VALUES ('warn', 'restore', $1);
