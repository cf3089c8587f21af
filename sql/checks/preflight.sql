-- May the migration begin? Asked of the catalog and of the server's own statistics: no row of the
-- application is read, no lock is taken that could make anybody wait, and nobody is waited for. What
-- the server does not tell this role is 'unknown', with what would let it tell.

-- name: check_preflight
-- Weighs the server, the rights of the role and the extensions before plan $1 (as JSON) begins in
-- mode $2, 'online' or 'window'. Answers one row a check: check_group, check_name, subject, severity
-- (how bad it would be), verdict (pass, warn, fail, unknown), count, message, samples (at most 5),
-- query, fix. Where the verdict is NULL, the query answers it, with count, message and samples.
WITH given AS MATERIALIZED (
    SELECT p.doc, $2::text = 'window' AS is_window,
           p.doc ->> 'schema' AS schema, n.oid AS schema_oid,
           (p.doc ->> 'distribute')::boolean AS is_distributed,
           me.rolname AS role, me.rolsuper AS is_super, me.rolconnlimit AS role_limit,
           d.datname AS database, d.oid AS database_oid, d.datconnlimit AS database_limit,
           d.datfrozenxid,
           current_setting('server_version_num')::int AS version,
           pg_is_in_recovery() AS is_standby
      FROM (SELECT $1::jsonb AS doc) AS p
      JOIN pg_roles me ON me.rolname = current_user
      JOIN pg_database d ON d.datname = current_database()
      LEFT JOIN pg_namespace n ON n.nspname = p.doc ->> 'schema'
), planned AS MATERIALIZED ( -- the plan's tables that are there
    SELECT t.place, c.oid, c.relname::text AS name, format('%I.%I', n.nspname, c.relname) AS quoted,
           c.relowner, c.relforcerowsecurity
      FROM given
     CROSS JOIN jsonb_array_elements(given.doc -> 'tables') WITH ORDINALITY AS t (doc, place)
      JOIN pg_class c ON c.relnamespace = given.schema_oid AND c.relname = t.doc ->> 'name'
                     AND c.relkind IN ('r', 'p')
      JOIN pg_namespace n ON n.oid = c.relnamespace
)

-- ---- the server ----

, server_version AS (
    SELECT 1 AS place, 'server' AS check_group, 'version' AS check_name,
           'PostgreSQL ' || current_setting('server_version') AS subject, 'error' AS severity,
           CASE WHEN version < 140000 THEN 'fail' WHEN version >= 180000 THEN 'warn' ELSE 'pass' END
               AS verdict,
           NULL::bigint AS count,
           CASE WHEN version < 140000 THEN 'the server is older than PostgreSQL 14, the oldest one '
                                           'that this is made for'
                WHEN version >= 180000 THEN 'the server is newer than PostgreSQL 17, the newest one '
                                            'that this was made for'
                ELSE 'the server is one of PostgreSQL 14 to 17' END AS message,
           NULL::jsonb AS samples, NULL::text AS query,
           CASE WHEN version >= 180000 THEN 'rehearse the whole plan on a copy first' END AS fix
      FROM given
), is_primary AS (
    SELECT 2, 'server', 'primary', database::text, 'error',
           CASE WHEN is_standby THEN 'fail' ELSE 'pass' END, NULL::bigint,
           CASE WHEN is_standby THEN 'the server is a standby, and takes no changes'
                ELSE 'the server is a primary' END,
           NULL::jsonb, NULL::text,
           CASE WHEN is_standby THEN 'connect to the primary; target_session_attrs=primary finds '
                                     'it among several hosts' END
      FROM given
), connections AS ( -- three are open when this is asked; the throttle and a helper want two more
    SELECT 3, 'server', 'connections', database::text, 'error',
           CASE WHEN room.free < 2 THEN 'fail' WHEN room.free < 5 THEN 'warn' ELSE 'pass' END,
           room.free,
           format('%s more connections are possible%s; the worker opens up to 2 beside those it has',
                  greatest(room.free, 0),
                  CASE WHEN room.free < 5 THEN ' (' || room.narrowest || ')' ELSE '' END),
           NULL::jsonb, NULL::text,
           CASE WHEN room.free < 5 THEN 'end sessions that nobody needs, or raise the limit' END
      FROM given
     CROSS JOIN LATERAL (
           SELECT one.free, one.narrowest
             FROM (SELECT count(*) AS all_used,
                          count(*) FILTER (WHERE datname = given.database) AS of_database,
                          count(*) FILTER (WHERE usename = given.role) AS of_role
                     FROM pg_stat_activity
                    WHERE datid IS NOT NULL AND usesysid IS NOT NULL) AS now
            CROSS JOIN LATERAL (VALUES
                  (current_setting('max_connections')::bigint - now.all_used
                   - CASE WHEN given.is_super THEN 0
                          ELSE current_setting('superuser_reserved_connections')::bigint
                               + coalesce(current_setting('reserved_connections', true)::bigint, 0)
                     END, 'max_connections'),
                  (CASE WHEN given.database_limit >= 0 AND NOT given.is_super
                        THEN given.database_limit - now.of_database END,
                   'the limit of the database'),
                  (CASE WHEN given.role_limit >= 0 AND NOT given.is_super
                        THEN given.role_limit - now.of_role END,
                   'the limit of the role')) AS one (free, narrowest)
            WHERE one.free IS NOT NULL
            ORDER BY one.free LIMIT 1) AS room
), durability AS (
    SELECT 4, 'server', 'durability', database::text, 'error',
           CASE WHEN bad.words IS NOT NULL THEN 'warn' ELSE 'pass' END, NULL::bigint,
           CASE WHEN bad.words IS NOT NULL
                THEN bad.words || ': a crash of its host can leave a database that cannot be read, '
                                  'and with it the journal'
                ELSE format('a commit is on disk when it is told; wal_level is %s',
                            current_setting('wal_level')) END,
           NULL::jsonb, NULL::text,
           CASE WHEN bad.words IS NOT NULL
                THEN 'ALTER SYSTEM RESET fsync; ALTER SYSTEM RESET full_page_writes; '
                     'SELECT pg_reload_conf();' END
      FROM given
     CROSS JOIN LATERAL (
           SELECT string_agg(name || ' is off', ' and ' ORDER BY name) AS words
             FROM pg_settings
            WHERE name IN ('fsync', 'full_page_writes') AND setting = 'off') AS bad
), frozen AS ( -- at 2 billion the server stops; every batch takes one number
    SELECT 5, 'server', 'transaction numbers', database::text, 'error',
           CASE WHEN age(datfrozenxid) > 1600000000 THEN 'fail'
                WHEN age(datfrozenxid) > 1000000000 THEN 'warn' ELSE 'pass' END,
           age(datfrozenxid)::bigint,
           format('the oldest transaction number is %s old; the server stops at about 2 billion',
                  trim(to_char(age(datfrozenxid), '999,999,999,999'))),
           NULL::jsonb, NULL::text,
           CASE WHEN age(datfrozenxid) > 1000000000
                THEN 'VACUUM (FREEZE) the oldest tables before' END
      FROM given
), default_setting AS ( -- what a session of this role in this database begins with
    SELECT s.name, s.reset_val,
           CASE s.name
           WHEN 'transaction_timeout' THEN s.reset_val <> '0'
           WHEN 'idle_in_transaction_session_timeout'
           THEN s.reset_val <> '0' AND s.reset_val::numeric < 10000
           ELSE s.reset_val = 'on' END AS hits_us
      FROM pg_settings s
     WHERE s.name IN ('statement_timeout', 'lock_timeout', 'idle_session_timeout',
                      'idle_in_transaction_session_timeout', 'transaction_timeout',
                      'default_transaction_read_only')
       AND s.reset_val NOT IN ('0', 'off')
), defaults AS (
    SELECT 6, 'server', 'defaults', role::text, 'warn',
           CASE WHEN bool_or(s.hits_us) THEN 'warn' ELSE 'pass' END, count(s.name),
           CASE WHEN bool_or(s.hits_us)
                THEN 'defaults of role, database or server could end our transactions: '
                     || string_agg(s.name || ' = ' || s.reset_val, ', ' ORDER BY s.name)
                            FILTER (WHERE s.hits_us)
                WHEN count(s.name) > 0
                THEN 'our sessions set these by themselves; commands of others that a plan runs '
                     'begin with ' || string_agg(s.name || ' = ' || s.reset_val, ', ' ORDER BY s.name)
                ELSE 'no time limit comes from role, database or server' END,
           NULL::jsonb, NULL::text,
           string_agg(format('ALTER ROLE %I IN DATABASE %I SET %s = %s;', given.role, given.database,
                             s.name, CASE s.reset_val WHEN 'on' THEN 'off' ELSE '0' END), ' '
                      ORDER BY s.name) FILTER (WHERE s.hits_us)
      FROM given LEFT JOIN default_setting s ON true
     GROUP BY given.role
)

-- ---- the rights of the role ----

, owning AS (
    SELECT 10, 'rights', 'owner', o.rolname::text, 'error',
           CASE WHEN pg_has_role(given.role, o.oid, 'USAGE') THEN 'pass' ELSE 'fail' END, count(*),
           format(CASE WHEN pg_has_role(given.role, o.oid, 'USAGE')
                       THEN '%s tables of the plan belong to ''%s'', whose rights ''%s'' has'
                       WHEN pg_has_role(given.role, o.oid, 'MEMBER')
                       THEN '%s tables of the plan belong to ''%s''; ''%s'' is a member of it, but '
                            'does not inherit its rights'
                       ELSE '%s tables of the plan belong to ''%s'', and ''%s'' is no member of it: '
                            'it cannot change their definition' END,
                  count(*), o.rolname, given.role),
           CASE WHEN NOT pg_has_role(given.role, o.oid, 'USAGE')
                THEN jsonb_path_query_array(jsonb_agg(to_jsonb(p.name) ORDER BY p.place),
                                            '$[0 to 4]') END,
           NULL::text,
           CASE WHEN pg_has_role(given.role, o.oid, 'USAGE') THEN NULL
                -- a member of a superuser is one: so the tables change hands instead
                WHEN o.rolsuper THEN string_agg(format('ALTER TABLE %s OWNER TO %I;', p.quoted,
                                                       given.role), ' ' ORDER BY p.place)
                WHEN pg_has_role(given.role, o.oid, 'MEMBER') AND given.version < 160000
                THEN format('ALTER ROLE %I INHERIT;', given.role)
                ELSE format('GRANT %I TO %I%s;', o.rolname, given.role,
                            CASE WHEN given.version >= 160000 THEN ' WITH INHERIT TRUE' ELSE '' END)
           END
      FROM given
     CROSS JOIN planned p
      JOIN pg_roles o ON o.oid = p.relowner
     GROUP BY o.oid, o.rolname, o.rolsuper, given.role, given.version
), schema_rights AS ( -- an index is refused to a table's owner who may not create in its schema
    SELECT 11, 'rights', 'schema', schema, 'error',
           CASE WHEN missing.words IS NULL THEN 'pass' ELSE 'fail' END, NULL::bigint,
           CASE WHEN missing.words IS NULL
                THEN format('''%s'' may use the schema and create in it', role)
                ELSE format('''%s'' lacks %s on the schema: no index could be built', role,
                            missing.words) END,
           NULL::jsonb, NULL::text,
           CASE WHEN missing.words IS NOT NULL
                THEN format('GRANT %s ON SCHEMA %I TO %I;', missing.words, schema, role) END
      FROM given
     CROSS JOIN LATERAL (
           SELECT nullif(concat_ws(', ',
                    CASE WHEN NOT has_schema_privilege(schema_oid, 'USAGE') THEN 'USAGE' END,
                    CASE WHEN NOT has_schema_privilege(schema_oid, 'CREATE') THEN 'CREATE' END), '')
               AS words) AS missing
     WHERE schema_oid IS NOT NULL
), database_rights AS (
    SELECT 12, 'rights', 'database', database::text, 'error',
           CASE WHEN has.lack_of_create THEN 'fail' WHEN has.journal OR has.may_create THEN 'pass'
                ELSE 'fail' END, NULL::bigint,
           CASE WHEN has.lack_of_create
                THEN format('''%s'' lacks CREATE on schema tenantdeck: the triggers that fill new rows could '
                            'not be made', role)
                WHEN has.journal THEN 'the schema of the journal is there'
                WHEN has.may_create THEN format('''%s'' may create the schema of the journal', role)
                ELSE format('''%s'' lacks CREATE on the database: the journal could not be made',
                            role) END,
           NULL::jsonb, NULL::text,
           CASE WHEN has.lack_of_create THEN format('GRANT CREATE ON SCHEMA tenantdeck TO %I;', role)
                WHEN NOT has.journal AND NOT has.may_create
                THEN format('GRANT CREATE ON DATABASE %I TO %I;', database, role) END
      FROM given
     CROSS JOIN LATERAL (
           SELECT count(n.oid) > 0 AS journal,
                  has_database_privilege(database_oid, 'CREATE') AS may_create,
                  NOT given.is_window
                  AND NOT coalesce(bool_and(has_schema_privilege(n.oid, 'CREATE')), true)
                      AS lack_of_create
             FROM pg_namespace n WHERE n.nspname = 'tenantdeck') AS has
), user_table_rights AS (
    SELECT 13, 'rights', 'user table', c.relname::text, 'error',
           CASE WHEN has_table_privilege(c.oid, 'SELECT') THEN 'pass' ELSE 'fail' END, NULL::bigint,
           format('''%s'' %s the table that tells each user''s organization', given.role,
                  CASE WHEN has_table_privilege(c.oid, 'SELECT') THEN 'may read'
                       ELSE 'may not read' END),
           NULL::jsonb, NULL::text,
           CASE WHEN NOT has_table_privilege(c.oid, 'SELECT')
                THEN format('GRANT SELECT ON %I.%I TO %I;', given.schema, c.relname, given.role) END
      FROM given
      JOIN pg_class c ON c.relnamespace = given.schema_oid
                     AND c.relname = given.doc -> 'mapping' ->> 'user_table'
), row_security AS (
    SELECT 14, 'rights', 'row security', given.schema, 'error',
           CASE WHEN count(p.oid) > 0 THEN 'fail' ELSE 'pass' END, count(p.oid),
           CASE WHEN count(p.oid) > 0
                THEN format('policies of %s tables bind ''%s'', so that it would not see all rows',
                            count(p.oid), given.role)
                ELSE format('no policy of a table of the plan binds ''%s''', given.role) END,
           jsonb_path_query_array(jsonb_agg(to_jsonb(p.name) ORDER BY p.place)
                                  FILTER (WHERE p.oid IS NOT NULL), '$[0 to 4]'),
           NULL::text,
           CASE WHEN count(p.oid) = 0 THEN NULL
                WHEN bool_and(p.relforcerowsecurity AND pg_has_role(given.role, p.relowner, 'USAGE'))
                THEN string_agg(format('ALTER TABLE %s NO FORCE ROW LEVEL SECURITY;', p.quoted), ' '
                                ORDER BY p.place)
                ELSE format('ALTER ROLE %I BYPASSRLS;', given.role) END
      FROM given
      LEFT JOIN planned p ON row_security_active(p.oid)
     GROUP BY given.schema, given.role
), update_trigger AS MATERIALIZED ( -- the application's own, that an UPDATE could fire
    SELECT p.place, p.name, p.quoted, t.tgname, t.tgenabled,
           to_jsonb(p.name || ': ' || t.tgname) AS sample
      FROM planned p
      JOIN pg_trigger t ON t.tgrelid = p.oid AND NOT t.tgisinternal AND t.tgenabled <> 'D'
                       AND t.tgtype & 16 <> 0
      JOIN pg_proc f ON f.oid = t.tgfoid
      LEFT JOIN pg_namespace n ON n.oid = f.pronamespace
     WHERE n.nspname IS DISTINCT FROM 'tenantdeck'
), quiet_words AS (
    SELECT given.role, given.version, given.is_super, count(t.tgname) AS number,
           format('''%s'' may set session_replication_role: the application''s triggers stay quiet '
                  'while rows are filled', given.role) AS may,
           CASE WHEN count(t.tgname) = 0
                THEN format('''%s'' may not set session_replication_role, and no trigger of the '
                            'plan''s tables needs it', given.role)
                ELSE format('''%s'' may not set session_replication_role, so %s triggers would fire '
                            'while rows are filled; %s', given.role, count(t.tgname),
                            CASE WHEN given.is_window THEN 'a table that is rewritten fires none'
                                 ELSE '--triggers lets them' END)
           END AS may_not,
           -- In a window few tables are filled by an UPDATE, and the fill refuses those itself.
           CASE WHEN count(t.tgname) = 0 THEN 'pass' WHEN given.is_window THEN 'warn' ELSE 'fail' END
               AS verdict,
           jsonb_path_query_array(jsonb_agg(t.sample ORDER BY t.place, t.tgname)
                                  FILTER (WHERE t.tgname IS NOT NULL), '$[0 to 4]') AS samples
      FROM given LEFT JOIN update_trigger t ON t.tgenabled = 'O'
     GROUP BY given.role, given.version, given.is_super, given.is_window
), quiet AS ( -- PostgreSQL 14 knows no has_parameter_privilege(), so a query asks it where it is
    SELECT 15, 'rights', 'triggers stay quiet', role::text, 'error',
           CASE WHEN is_super THEN 'pass' WHEN version < 150000 THEN verdict END,
           CASE WHEN is_super THEN 0 WHEN version < 150000 THEN number END,
           CASE WHEN is_super THEN may WHEN version < 150000 THEN may_not END,
           CASE WHEN NOT is_super AND version < 150000 THEN samples END,
           CASE WHEN NOT is_super AND version >= 150000 THEN
                format('SELECT CASE WHEN a.may THEN ''pass'' ELSE %L END AS verdict, '
                       'CASE WHEN a.may THEN 0 ELSE %s END AS count, '
                       'CASE WHEN a.may THEN %L ELSE %L END AS message, '
                       'CASE WHEN NOT a.may THEN %L::jsonb END AS samples '
                       'FROM (SELECT has_parameter_privilege(''session_replication_role'', ''SET'') '
                       'AS may) AS a', verdict, number, may, may_not, samples) END,
           CASE WHEN number = 0 OR is_super THEN NULL
                WHEN version >= 150000
                THEN format('GRANT SET ON PARAMETER session_replication_role TO %I;', role)
                ELSE 'before PostgreSQL 15 only a superuser may set it: let one run the fill, or '
                     'disable the triggers meanwhile' END
      FROM quiet_words
), loud AS (
    SELECT 16, 'surroundings', 'triggers that fire always', given.schema, 'warn',
           CASE WHEN count(t.tgname) > 0 THEN 'warn' ELSE 'pass' END, count(t.tgname),
           CASE WHEN count(t.tgname) > 0
                THEN format('%s triggers are ENABLE ALWAYS or ENABLE REPLICA: they fire while rows '
                            'are filled', count(t.tgname))
                ELSE 'no trigger of the plan''s tables is ENABLE ALWAYS or ENABLE REPLICA' END,
           jsonb_path_query_array(jsonb_agg(t.sample ORDER BY t.place, t.tgname)
                                  FILTER (WHERE t.tgname IS NOT NULL), '$[0 to 4]'),
           NULL::text,
           string_agg(format('ALTER TABLE %s DISABLE TRIGGER %I;', t.quoted, t.tgname), ' '
                      ORDER BY t.place, t.tgname) FILTER (WHERE t.tgname IS NOT NULL)
      FROM given LEFT JOIN update_trigger t ON t.tgenabled IN ('A', 'R')
     GROUP BY given.schema
), rules AS (
    SELECT 17, 'surroundings', 'rules', given.schema, 'error',
           CASE WHEN count(r.sample) > 0 THEN 'fail' ELSE 'pass' END, count(r.sample),
           CASE WHEN count(r.sample) > 0
                THEN format('%s rules put something else in the place of an UPDATE',
                            count(r.sample))
                ELSE 'no rule stands in the way of an UPDATE' END,
           jsonb_path_query_array(jsonb_agg(r.sample ORDER BY r.place)
                                  FILTER (WHERE r.sample IS NOT NULL), '$[0 to 4]'),
           NULL::text, string_agg(r.fix, ' ' ORDER BY r.place)
      FROM given
      LEFT JOIN LATERAL (
           SELECT p.place, to_jsonb(p.name || ': ' || w.rulename) AS sample,
                  format('ALTER TABLE %s DISABLE RULE %I;', p.quoted, w.rulename) AS fix
             FROM planned p
             JOIN pg_rewrite w ON w.ev_class = p.oid AND w.ev_type = '2' AND w.ev_enabled <> 'D'
           ) AS r ON true
     GROUP BY given.schema
), event_triggers AS (
    SELECT 18, 'surroundings', 'event triggers', given.database::text, 'warn',
           CASE WHEN count(e.evtname) > 0 THEN 'warn' ELSE 'pass' END, count(e.evtname),
           CASE WHEN count(e.evtname) > 0
                THEN format('%s event triggers fire when a definition is changed, and may refuse '
                            'it or wait', count(e.evtname))
                ELSE 'no event trigger fires when a definition is changed' END,
           jsonb_path_query_array(
               jsonb_agg(to_jsonb(format('%s: %s calls %s', e.evtname, e.evtevent, f.proname))
                         ORDER BY e.evtname)
                   FILTER (WHERE e.evtname IS NOT NULL), '$[0 to 4]'),
           NULL::text,
           string_agg(format('ALTER EVENT TRIGGER %I DISABLE;', e.evtname), ' ' ORDER BY e.evtname)
               FILTER (WHERE e.evtname IS NOT NULL)
      FROM given
      LEFT JOIN pg_event_trigger e ON e.evtenabled <> 'D'
      LEFT JOIN pg_proc f ON f.oid = e.evtfoid
     GROUP BY given.database
)

-- ---- extensions ----

, trigrams AS ( -- the views' search indexes are made of them
    SELECT 20, 'extensions', 'pg_trgm', 'pg_trgm', 'warn',
           CASE WHEN x.extversion IS NOT NULL THEN 'pass' ELSE 'warn' END, NULL::bigint,
           CASE WHEN x.extversion IS NOT NULL THEN format('pg_trgm %s is there', x.extversion)
                WHEN a.name IS NOT NULL THEN 'pg_trgm is not in this database, though the server '
                                             'has it: search indexes of views cannot be built'
                ELSE 'the server does not have pg_trgm: search indexes of views cannot be built' END,
           NULL::jsonb, NULL::text,
           CASE WHEN x.extversion IS NOT NULL THEN NULL
                WHEN a.name IS NOT NULL
                THEN format('CREATE EXTENSION pg_trgm WITH SCHEMA %I;', given.schema)
                ELSE 'install PostgreSQL''s contrib package on the server''s host' END
      FROM given
      LEFT JOIN pg_extension x ON x.extname = 'pg_trgm'
      LEFT JOIN pg_available_extensions a ON a.name = 'pg_trgm'
), citus AS ( -- two-phase commit over the nodes, and logical replication where it moves rows
    SELECT 21, 'extensions', 'citus', 'citus', 'error',
           CASE WHEN NOT given.is_distributed THEN CASE WHEN x.extversion IS NULL THEN 'pass'
                                                        ELSE 'warn' END
                WHEN x.extversion IS NULL THEN 'fail'
                WHEN lacks.words IS NOT NULL THEN 'warn' ELSE 'pass' END,
           NULL::bigint,
           CASE WHEN NOT given.is_distributed
                THEN CASE WHEN x.extversion IS NULL
                          THEN 'the plan does not distribute, so Citus is not needed'
                          ELSE format('Citus %s is there, and the plan does not distribute: tables '
                                      'that are distributed already cannot be filled in batches',
                                      x.extversion) END
                WHEN x.extversion IS NULL
                THEN 'the plan distributes its tables, and Citus is not in this database'
                WHEN lacks.words IS NOT NULL
                THEN format('Citus %s is there; without blocking writers it cannot distribute: %s',
                            x.extversion, lacks.words)
                ELSE format('Citus %s is there', x.extversion) END,
           NULL::jsonb, NULL::text,
           CASE WHEN given.is_distributed AND x.extversion IS NULL
                THEN 'put citus first in shared_preload_libraries, restart, CREATE EXTENSION citus;'
           END
      FROM given
      LEFT JOIN pg_extension x ON x.extname = 'citus'
     CROSS JOIN LATERAL (
           SELECT nullif(concat_ws(', ',
               CASE WHEN current_setting('wal_level') <> 'logical'
                    THEN 'wal_level is not logical' END,
               CASE WHEN current_setting('max_prepared_transactions') = '0'
                    THEN 'max_prepared_transactions is 0' END,
               CASE WHEN current_setting('output_plugin_libraries', true) NOT LIKE '%citus%'
                    THEN 'output_plugin_libraries lacks citus' END), '') AS words) AS lacks
)

SELECT f.check_group, f.check_name, f.subject, f.severity, f.verdict, f.count, f.message, f.samples,
       f.query, f.fix
  FROM (SELECT * FROM server_version UNION ALL SELECT * FROM is_primary
         UNION ALL SELECT * FROM connections UNION ALL SELECT * FROM durability
         UNION ALL SELECT * FROM frozen UNION ALL SELECT * FROM defaults
         UNION ALL SELECT * FROM owning UNION ALL SELECT * FROM schema_rights
         UNION ALL SELECT * FROM database_rights UNION ALL SELECT * FROM user_table_rights
         UNION ALL SELECT * FROM row_security UNION ALL SELECT * FROM quiet
         UNION ALL SELECT * FROM loud UNION ALL SELECT * FROM rules
         UNION ALL SELECT * FROM event_triggers UNION ALL SELECT * FROM trigrams
         UNION ALL SELECT * FROM citus) AS f
 ORDER BY f.place, f.subject;

-- name: preflight_session
-- Which backend answers, and whether it still has what our session has set: between two statements
-- of one connection neither changes, unless a pooler gives its backends to others meanwhile.
-- Answers: pid, is_pinned.
SELECT pg_backend_pid() AS pid,
       current_setting('search_path') = 'pg_catalog, pg_temp'
       AND current_setting('row_security') = 'off' AS is_pinned;

-- name: preflight_room
-- How much more disk plan $1 (as JSON) needs in mode $2, 'online' or 'window', by what the last vacuum
-- or analyze knew. Answers one row a tablespace, and one of the log: place, directory (NULL: not shown
-- to this role: pg_read_all_settings), is_local (the server is on the host of its client, as far as
-- it knows), need (bytes, at the same time; NULL: a table was never analysed), total (bytes of log
-- that are written in all; NULL for a tablespace).
WITH given AS MATERIALIZED (
    SELECT p.doc, $2::text = 'window' AS is_window, p.doc ->> 'schema' AS schema,
           current_setting('block_size')::bigint AS page,
           d.dattablespace AS tablespace,
           CASE WHEN pg_has_role(current_user, 'pg_read_all_settings', 'USAGE')
                THEN current_setting('data_directory') END AS directory
      FROM (SELECT $1::jsonb AS doc) AS p
      JOIN pg_database d ON d.datname = current_database()
), planned AS MATERIALIZED (
    SELECT coalesce(nullif(c.reltablespace, 0), given.tablespace) AS tablespace, given.is_window,
           CASE WHEN c.relpages > 0 OR c.reltuples >= 0 THEN c.relpages * given.page END AS heap,
           greatest(c.reltuples, 0)::bigint AS rows, t.doc,
           coalesce((SELECT sum(o.relpages) FROM pg_class o
                      WHERE o.oid = c.reltoastrelid
                         OR o.oid IN (SELECT i.indexrelid FROM pg_index i
                                       WHERE i.indrelid IN (c.oid, c.reltoastrelid))), 0)
               * given.page AS others
      FROM given
     CROSS JOIN jsonb_array_elements(given.doc -> 'tables') AS t (doc)
      JOIN pg_namespace n ON n.nspname = given.schema
      JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = t.doc ->> 'name'
                     AND c.relkind = 'r'
), weight AS ( -- an entry of an index: 16 bytes, and about 16 for each of its columns
    SELECT p.tablespace, p.is_window, p.heap, p.others,
           (SELECT coalesce(sum(p.rows * (16 + 16 * jsonb_array_length(k.key -> 'columns'))), 0)
              FROM (SELECT p.doc -> 'primary_key' UNION ALL
                    SELECT jsonb_array_elements(p.doc -> 'uniques') UNION ALL
                    SELECT jsonb_array_elements(p.doc -> 'indexes')) AS k (key)) AS new_indexes,
           row_number() OVER (PARTITION BY p.tablespace ORDER BY p.heap + p.others DESC) AS rank
      FROM planned p
), summed AS (
    SELECT w.tablespace,
           count(*) = count(w.heap) AS is_known,
           -- online rows find room beside themselves, mostly; in a window a table stands there
           -- twice until its rewrite is through, and two are rewritten at a time
           sum(w.new_indexes + CASE WHEN w.is_window THEN w.heap / 10
                                         + CASE WHEN w.rank <= 2 THEN w.heap + w.others ELSE 0 END
                                    ELSE w.heap / 2 END) AS need,
           sum(w.new_indexes + CASE WHEN w.is_window THEN w.heap + w.others
                                    ELSE w.heap * 5 / 2 END) AS log
      FROM weight w
     GROUP BY w.tablespace
)
SELECT 'tablespace ' || t.spcname AS place,
       coalesce(nullif(pg_tablespace_location(t.oid), ''), given.directory) AS directory,
       inet_server_addr() IS NULL AS is_local,
       CASE WHEN s.is_known THEN s.need::bigint END AS need, NULL::bigint AS total
  FROM summed s
  JOIN pg_tablespace t ON t.oid = s.tablespace
 CROSS JOIN given
 UNION ALL
SELECT 'the log', given.directory || '/pg_wal', inet_server_addr() IS NULL,
       CASE WHEN bool_and(s.is_known)
            THEN least(sum(s.log), 2 * pg_size_bytes(current_setting('max_wal_size')))::bigint END,
       CASE WHEN bool_and(s.is_known) THEN sum(s.log)::bigint END
  FROM given LEFT JOIN summed s ON true
 GROUP BY given.directory
 ORDER BY place DESC;
