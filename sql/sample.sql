-- What the console asks while it looks: the catalog and the server's own statistics only, so that
-- a refresh costs milliseconds on any size of database, takes no lock on a table, and waits for
-- nobody. Rows are never read here; what counts them exactly is made by sample_tables and runs on
-- its own connection, when somebody wants it or when the table is small.

-- name: sample_server
-- Who we are, and where. Answers one row: version ("15.18"), role, database ("mentoring@db1").
SELECT split_part(current_setting('server_version'), ' ', 1) AS version,
       current_user || CASE WHEN pg_is_in_recovery() THEN ' (standby)' ELSE '' END AS role,
       current_database() || '@'
           || coalesce(host(inet_server_addr()), 'local')
           || coalesce(nullif(':' || inet_server_port(), ':5432'), '') AS database;

-- name: sample_tables
-- Each table of the plan ($1, as JSON): is it there, how full is it, by estimate, and how would it
-- be counted. Answers: ordinal (its place in the plan, from 0), exists, has_tenant,
-- has_organization, rows, with_tenant, with_organization (estimates; NULL: not known),
-- estimated_at (ms since 1970; NULL: never analysed), pages and bytes (heap; heap with indexes and
-- TOAST, as of the last vacuum; bytes NULL: there was none), changes (equal while no row has
-- changed), primary_key, count_sql.
--
-- The sizes come from pg_class and not from pg_total_relation_size(), which would wait behind an
-- ALTER TABLE. count_sql finds a row's key of the mapping by the plan's own rules: its own column,
-- its user's, or its parent's, and so on upwards.
WITH RECURSIVE plan AS (
    SELECT $1::jsonb AS doc
), wanted AS (
    SELECT t.ordinal - 1 AS ordinal,
           t.doc ->> 'name' AS name,
           t.doc ->> 'source' AS source,
           t.doc ->> 'source_column' AS source_column,
           t.doc ->> 'parent_table' AS parent_table,
           t.doc ->> 'parent_column' AS parent_column,
           plan.doc ->> 'schema' AS schema
      FROM plan, jsonb_array_elements(plan.doc -> 'tables') WITH ORDINALITY AS t (doc, ordinal)
), code AS ( -- the names of the two columns
    SELECT max(c.doc ->> 'name') FILTER (WHERE c.doc ->> 'role' = 'tenant') AS tenant,
           max(c.doc ->> 'name') FILTER (WHERE c.doc ->> 'role' = 'organization') AS organization
      FROM plan, jsonb_array_elements(plan.doc -> 'columns') AS c (doc)
), users AS ( -- where a user's organization stands
    SELECT plan.doc -> 'mapping' ->> 'user_table' AS table_name,
           plan.doc -> 'mapping' ->> 'user_column' AS column_name,
           plan.doc -> 'mapping' ->> 'user_key' AS key_name
      FROM plan
), found AS (
    SELECT w.*, c.oid, c.relkind,
           coalesce(c.relkind IN ('r', 'p'), false) AS exists,
           EXISTS (SELECT 1 FROM pg_attribute a
                    WHERE a.attrelid = c.oid AND a.attname = code.tenant
                      AND NOT a.attisdropped) AS has_tenant,
           EXISTS (SELECT 1 FROM pg_attribute a
                    WHERE a.attrelid = c.oid AND a.attname = code.organization
                      AND NOT a.attisdropped) AS has_organization
      FROM wanted w
     CROSS JOIN code
      LEFT JOIN pg_namespace n ON n.nspname = w.schema
      LEFT JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = w.name
), family AS ( -- a table with its partitions or heirs: a count of it reads them all
    SELECT f.oid AS root, f.oid FROM found f WHERE f.exists
     UNION
    SELECT family.root, i.inhrelid FROM family JOIN pg_inherits i ON i.inhparent = family.oid
), weight AS ( -- what the server knows of a family, by its last vacuum and by its counters
    SELECT family.root AS oid,
           count(*) > 1 AS has_heirs,
           sum(CASE WHEN pg_stat_get_live_tuples(c.oid) > 0 THEN pg_stat_get_live_tuples(c.oid)
                    WHEN c.reltuples >= 0 AND c.relkind <> 'p' THEN c.reltuples::bigint
               END)::bigint AS rows,
           sum(greatest(c.relpages, 0))::bigint AS pages,
           bool_or(c.relkind <> 'p' AND (c.reltuples >= 0 OR c.relpages > 0)) AS was_measured,
           sum((SELECT sum(greatest(part.relpages, 0)) FROM pg_class part
                 WHERE part.oid IN (c.oid, c.reltoastrelid)
                    OR part.oid IN (SELECT i.indexrelid FROM pg_index i
                                     WHERE i.indrelid = c.oid)))::bigint AS all_pages,
           min(greatest(pg_stat_get_last_analyze_time(c.oid),
                        pg_stat_get_last_autoanalyze_time(c.oid))) AS analysed_at,
           concat_ws(' ', count(*), sum(c.oid::bigint), sum(c.relfilenode::bigint),
                     sum(pg_stat_get_tuples_inserted(c.oid)),
                     sum(pg_stat_get_tuples_updated(c.oid)),
                     sum(pg_stat_get_tuples_deleted(c.oid)),
                     -- where rows come or go without being counted, every record may be one
                     CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn()
                          WHEN current_setting('track_counts') = 'off'
                          THEN pg_current_wal_insert_lsn() END) AS changes
      FROM family JOIN pg_class c ON c.oid = family.oid
     GROUP BY family.root
), plain AS ( -- columns whose type nobody can have bent: only a type's owner can add a cast to it
    SELECT a.attrelid AS oid, a.attname AS column_name
      FROM pg_attribute a
      JOIN pg_type t ON t.oid = a.atttypid
      JOIN pg_roles r ON r.oid = t.typowner
     WHERE (r.rolsuper OR r.rolname = current_user) AND a.attnum > 0 AND NOT a.attisdropped
), single AS ( -- columns that hold each value once, so that a join by them multiplies no row
    SELECT i.indrelid AS oid, a.attname AS column_name
      FROM pg_index i
      JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
     WHERE i.indisunique AND i.indisvalid AND i.indnkeyatts = 1 AND i.indpred IS NULL
), target AS ( -- what a join by a parent's or a user's column reads: the table, or one row a value
    SELECT r.name, r.column_name,
           (SELECT count(*) = 2 FROM plain CROSS JOIN users
             WHERE plain.oid = r.oid
               AND plain.column_name IN (users.column_name, users.key_name)) AS plain_key,
           CASE WHEN EXISTS (SELECT 1 FROM single
                              WHERE single.oid = r.oid AND single.column_name = r.column_name)
                THEN format('%I.%I', r.schema, r.name)
                ELSE format('(SELECT DISTINCT ON (%I) * FROM %I.%I)', r.column_name, r.schema,
                            r.name) END AS source
      FROM (SELECT DISTINCT p.name, c.parent_column AS column_name, p.oid, p.schema
              FROM found c JOIN found p ON p.name = c.parent_table AND p.exists
             WHERE c.source = 'parent'
             UNION
            SELECT users.table_name, users.column_name, k.oid, n.nspname
              FROM plan CROSS JOIN users
              JOIN pg_namespace n ON n.nspname = plan.doc ->> 'schema'
              -- not a view: its functions would run with our rights, and unasked
              JOIN pg_class k ON k.relnamespace = n.oid AND k.relname = users.table_name
                             AND k.relkind IN ('r', 'p')) AS r
), chain AS ( -- from each table up to the one that knows its key: the joins on the way
    SELECT f.ordinal, 0 AS depth, f.source, f.source_column, f.parent_table, f.parent_column,
           f.schema, f.oid, ''::text COLLATE "C" AS joins
      FROM found f
     UNION ALL
    SELECT c.ordinal, c.depth + 1, p.source, p.source_column, p.parent_table, p.parent_column,
           c.schema, p.oid,
           c.joins || format(E'\n  LEFT JOIN %s AS t%s ON t%s.%I = t%s.%I',
                             target.source, c.depth + 1, c.depth + 1, c.parent_column,
                             c.depth, c.source_column)
      FROM chain c
      JOIN found p ON p.name = c.parent_table AND p.exists
      JOIN target ON target.name = c.parent_table AND target.column_name = c.parent_column
      JOIN plain theirs ON theirs.oid = p.oid AND theirs.column_name = c.parent_column
      JOIN plain ours ON ours.oid = c.oid AND ours.column_name = c.source_column
     WHERE c.source = 'parent' AND c.depth < 8
), route AS ( -- the end of each chain; no joins: it leads nowhere, or through a type of somebody's
    SELECT DISTINCT ON (c.ordinal) c.ordinal,
           c.joins || CASE WHEN c.source = 'parent' THEN NULL
                           WHEN c.source <> 'constant' AND ours.oid IS NULL THEN NULL
                           WHEN c.source = 'user'
                           THEN E'\n  LEFT JOIN ' || target.source
                                || format(' AS u ON u.%I = t%s.%I', users.column_name, c.depth,
                                          c.source_column)
                           ELSE '' END AS joins,
           CASE c.source WHEN 'own' THEN format('t%s.%I::text', c.depth, c.source_column)
                         WHEN 'user' THEN format('u.%I::text', users.key_name)
                         ELSE 'NULL::text' END AS key
      FROM chain c
     CROSS JOIN users
      LEFT JOIN target ON target.name = users.table_name
                      AND target.column_name = users.column_name
                      AND target.plain_key
      LEFT JOIN plain ours ON ours.oid = c.oid AND ours.column_name = c.source_column
     ORDER BY c.ordinal, c.depth DESC
)
SELECT f.ordinal,
       f.exists,
       f.has_tenant,
       f.has_organization,
       weight.rows,
       CASE WHEN f.has_tenant THEN
           (SELECT round(weight.rows * (1 - known.null_frac))::bigint FROM pg_stats known
             WHERE known.schemaname = f.schema AND known.tablename = f.name
               AND known.inherited = weight.has_heirs AND known.attname = code.tenant) END AS with_tenant,
       CASE WHEN f.has_organization THEN
           (SELECT round(weight.rows * (1 - known.null_frac))::bigint FROM pg_stats known
             WHERE known.schemaname = f.schema AND known.tablename = f.name
               AND known.inherited = weight.has_heirs AND known.attname = code.organization) END AS with_organization,
       (extract(epoch FROM weight.analysed_at) * 1000)::bigint AS estimated_at,
       CASE WHEN weight.has_heirs OR f.relkind = 'p' THEN 2147483647 -- many small ones are not small
            -- what was loaded since the last vacuum has no pages yet: 200 rows to a page, at most
            ELSE greatest(weight.pages, weight.rows / 200, 0) END AS pages,
       CASE WHEN weight.was_measured
            THEN weight.all_pages * current_setting('block_size')::bigint END AS bytes,
       concat_ws(' ', weight.changes, f.has_tenant, f.has_organization) AS changes,
       coalesce((SELECT string_agg(a.attname, ', ' ORDER BY k.place)
                   FROM pg_index i, unnest(i.indkey) WITH ORDINALITY AS k (number, place),
                        pg_attribute a
                  WHERE i.indrelid = f.oid AND i.indisprimary
                    AND a.attrelid = f.oid AND a.attnum = k.number), '') AS primary_key,
       -- NULL when a table on the way is not there, or when a cast could be somebody's function,
       -- which would run with our rights: then it cannot be counted
       CASE WHEN f.exists AND route.joins IS NOT NULL
                 AND (NOT f.has_tenant OR EXISTS (SELECT 1 FROM plain WHERE plain.oid = f.oid
                                                     AND plain.column_name = code.tenant)) THEN
       format(E'SELECT %s AS key, %s AS tenant, count(*), %s, %s\n  FROM %I.%I AS t0%s\n'
              ' GROUP BY 1, 2',
              route.key,
              CASE WHEN f.has_tenant THEN format('t0.%I::text', code.tenant) ELSE 'NULL::text' END,
              CASE WHEN f.has_tenant THEN format('count(t0.%I)', code.tenant) ELSE '0' END,
              CASE WHEN f.has_organization THEN format('count(t0.%I)', code.organization)
                   ELSE '0' END,
              f.schema, f.name, route.joins) END AS count_sql
  FROM found f
 CROSS JOIN code
  JOIN route ON route.ordinal = f.ordinal
  LEFT JOIN weight ON weight.oid = f.oid
 ORDER BY f.ordinal;
