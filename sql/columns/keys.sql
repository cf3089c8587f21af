-- Keys: the statements that put primary keys and unique indexes with the tenant in the place of those
-- without, and which of them are still to be run. Nothing is changed here; see not_null.sql for what
-- such a statement takes and answers.
--
-- A new key is built beside the old one under a name that begins with tenantdeck_new_; then one short
-- transaction per table drops the old ones and puts the new ones in place, under the old names: who
-- names a constraint goes on finding it. On the way back an old key is built as tenantdeck_old_... first.

-- name: work_keys
-- Builds the new keys, then swaps them in. A new key takes over what the old one had: its WHERE, its
-- storage, being a constraint or an index, deferred or not, REPLICA IDENTITY and CLUSTER marks. Foreign
-- keys that lead to an old key give way to those of the plan in the same transaction, with their
-- actions. Nothing is dropped with CASCADE: what depends on an old key and has no place in the plan is
-- answered as an item 'refused' that nobody can run; 'takes' is the reason. Online, a column of a new
-- primary key that may be NULL is proved first, and a plain index is kept for whoever looks rows up by
-- the old primary key alone, until step release. $1 the plan, $2 the mode.
WITH plan AS MATERIALIZED (
    SELECT given.doc, given.doc ->> 'schema' AS schema, n.oid AS schema_oid,
           (given.doc ->> 'distribute')::boolean AS distribute,
           $2::text = 'online' AS online,
           CASE $2::text WHEN 'online' THEN 'CONCURRENTLY ' ELSE '' END AS concurrently,
           current_setting('server_version_num')::integer AS version,
           ARRAY(SELECT c.doc ->> 'name' FROM jsonb_array_elements(given.doc -> 'columns') AS c (doc))
               AS columns
      FROM (SELECT $1::jsonb AS doc) AS given
      JOIN pg_namespace n ON n.nspname = given.doc ->> 'schema'
), planned AS MATERIALIZED (
    SELECT t.place, t.doc, t.doc ->> 'name' AS unit, c.oid,
           format('%I.%I', plan.schema, t.doc ->> 'name') AS relation
      FROM plan
     CROSS JOIN jsonb_array_elements(plan.doc -> 'tables') WITH ORDINALITY AS t (doc, place)
      JOIN pg_class c ON c.relnamespace = plan.schema_oid AND c.relname = t.doc ->> 'name'
                     AND c.relkind = 'r'
), present AS MATERIALIZED ( -- the indexes of these tables today
    SELECT i.indrelid AS oid, i.indexrelid, x.relname::text AS name,
           i.indisunique AS is_unique, i.indisprimary AS is_primary,
           i.indisvalid AND i.indisready AS is_whole,
           i.indisreplident AS is_identity, i.indisclustered AS is_clustered,
           pg_get_expr(i.indpred, i.indrelid) AS condition,
           con.oid AS constraint_oid, con.conname::text AS constraint_name,
           CASE WHEN con.condeferrable THEN ' DEFERRABLE' ELSE '' END
           || CASE WHEN con.condeferred THEN ' INITIALLY DEFERRED' ELSE '' END AS deferral,
           ARRAY(SELECT a.attname::text
                   FROM unnest(i.indkey) WITH ORDINALITY AS k (number, place)
                   LEFT JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.number
                  WHERE k.place <= i.indnkeyatts ORDER BY k.place) AS columns,
           ARRAY(SELECT a.attname::text
                   FROM unnest(i.indkey) WITH ORDINALITY AS k (number, place)
                   JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.number
                  WHERE k.place > i.indnkeyatts ORDER BY k.place) AS included,
           -- What a new key takes over; the member is not there before PostgreSQL 15.
           CASE WHEN (to_jsonb(i) ->> 'indnullsnotdistinct')::boolean
                THEN ' NULLS NOT DISTINCT' ELSE '' END AS nulls,
           coalesce(' WITH (' || array_to_string(x.reloptions, ', ') || ')', '')
           || coalesce(' TABLESPACE ' || quote_ident(s.spcname), '') AS storage,
           -- The definition from ' ON ' on; pg_get_indexdef() leaves the tablespace out.
           substr(left(d.text, length(d.text) - length(w.text)),
                  length(CASE WHEN i.indisunique THEN 'CREATE UNIQUE INDEX ' ELSE 'CREATE INDEX ' END
                         || quote_ident(x.relname)) + 1)
           || coalesce(' TABLESPACE ' || quote_ident(s.spcname), '') || w.text AS tail,
           d.text AS definition
      FROM planned p
      JOIN pg_index i ON i.indrelid = p.oid
      JOIN pg_class x ON x.oid = i.indexrelid
      LEFT JOIN pg_tablespace s ON s.oid = x.reltablespace
      LEFT JOIN pg_constraint con ON con.conindid = i.indexrelid AND con.conrelid = p.oid
                                 AND con.contype IN ('p', 'u')
     CROSS JOIN LATERAL (SELECT pg_get_indexdef(i.indexrelid) AS text) AS d
     CROSS JOIN LATERAL (SELECT coalesce(' WHERE ' || pg_get_expr(i.indpred, i.indrelid), '')
                                    AS text) AS w
), plan_key AS ( -- the keys of the plan
    SELECT p.place, p.oid, p.unit, p.relation, k.number, k.number = 0 AS is_primary,
           k.doc ->> 'name' AS given, k.doc ->> 'replaces' AS replaces, c.columns, c.joined,
           format(' ON %s USING btree (%s)', p.relation, c.list) AS body
      FROM planned p
     CROSS JOIN LATERAL (
           SELECT 0::bigint AS number, p.doc -> 'primary_key' AS doc
            UNION ALL
           SELECT u.number, u.doc
             FROM jsonb_array_elements(p.doc -> 'uniques') WITH ORDINALITY AS u (doc, number)) AS k
     CROSS JOIN LATERAL (
           SELECT array_agg(n.name ORDER BY n.place) AS columns,
                  string_agg(n.name, '_' ORDER BY n.place) AS joined,
                  string_agg(quote_ident(n.name), ', ' ORDER BY n.place) AS list
             FROM jsonb_array_elements_text(k.doc -> 'columns') WITH ORDINALITY AS n (name, place))
           AS c
     WHERE c.columns IS NOT NULL
), matched AS MATERIALIZED ( -- a key of the plan, what goes for it, and what is there of it already
    SELECT k.*, plan.schema, plan.schema_oid, plan.online, plan.concurrently,
           old.indexrelid AS old_index, old.name AS old_name,
           old.constraint_oid AS old_constraint, old.constraint_name AS old_constraint_name,
           old.columns AS old_columns, old.condition, old.tail AS old_tail,
           old.definition AS old_definition, old.deferral AS old_deferral,
           coalesce(old.is_identity, false) AS was_identity,
           coalesce(old.is_clustered, false) AS was_clustered,
           CASE WHEN EXISTS (SELECT 1 FROM planned c
                             CROSS JOIN jsonb_array_elements(c.doc -> 'references') AS r (doc)
                             WHERE r.doc ->> 'table' = k.unit
                               AND r.doc -> 'target' @> to_jsonb(k.columns)
                               AND r.doc -> 'target' <@ to_jsonb(k.columns))
                THEN '' -- no foreign key may lead to a key that is checked late
                ELSE coalesce(old.deferral, '') END AS deferral,
           k.body
           || coalesce((SELECT ' INCLUDE (' || string_agg(quote_ident(i.name), ', ' ORDER BY i.place)
                               || ')'
                          FROM unnest(old.included) WITH ORDINALITY AS i (name, place)
                         WHERE i.name <> ALL (k.columns)), '')
           || coalesce(old.nulls || old.storage, '') || coalesce(' WHERE ' || old.condition, '')
               AS new_tail,
           k.is_primary OR old.constraint_oid IS NOT NULL AS is_constraint,
           k.is_primary OR old.indexrelid IS NOT NULL AS is_swapped,
           final.name AS final,
           base.text AS base
      FROM plan_key k
     CROSS JOIN plan
      LEFT JOIN present old ON old.oid = k.oid AND NOT starts_with(old.tail, k.body)
                           AND CASE WHEN k.is_primary THEN old.is_primary
                                    ELSE old.name = k.replaces AND NOT old.is_primary END
      LEFT JOIN LATERAL (
           SELECT f.name
             FROM present f
            WHERE f.oid = k.oid AND f.is_whole AND f.is_unique AND f.is_primary = k.is_primary
              AND starts_with(f.tail, k.body) AND f.name NOT LIKE 'tenantdeck\_%'
              AND (f.condition IS NULL OR f.condition = old.condition
                   OR (k.replaces IS NOT NULL AND old.indexrelid IS NULL))
            ORDER BY f.constraint_oid NULLS LAST, f.indexrelid
            LIMIT 1) AS final ON true
     CROSS JOIN LATERAL (
           SELECT CASE WHEN k.is_primary THEN k.unit || '_pkey'
                       ELSE format('%s_%s_key', k.unit, k.joined) END AS text) AS base
), named AS MATERIALIZED ( -- with the name that it will have, and the one it is built under
    SELECT m.*, goal.name AS goal,
           CASE WHEN m.is_swapped THEN new_name.cut ELSE goal.name END AS made,
           old_name.cut AS back,
           CASE WHEN m.is_primary THEN 'primary key' ELSE 'unique ' || goal.name END AS label
      FROM matched m
     CROSS JOIN LATERAL ( -- 63 bytes, whole characters, and nothing else may bear the name
           SELECT coalesce(m.final, m.given, m.old_constraint_name, m.old_name,
                  (SELECT c.name
                     FROM generate_series(0, 9) AS t (number)
                    CROSS JOIN LATERAL (
                          SELECT CASE WHEN t.number = 0 AND octet_length(m.base) <= 63 THEN m.base
                                      ELSE (SELECT left(m.base, max(l))
                                              FROM generate_series(1, 54) AS l
                                             WHERE octet_length(left(m.base, l)) <= 54)
                                           || '_' || left(md5(m.base || t.number), 8) END AS name)
                          AS c
                    WHERE NOT EXISTS (
                              SELECT 1 FROM pg_class x
                               WHERE x.relnamespace = m.schema_oid AND x.relname = c.name
                                 AND NOT EXISTS (SELECT 1 FROM present b
                                                  WHERE b.indexrelid = x.oid AND b.oid = m.oid
                                                    AND b.is_unique AND NOT b.is_primary
                                                    AND NOT b.is_whole
                                                    AND starts_with(b.tail, m.body)))
                    ORDER BY t.number LIMIT 1)) AS name) AS goal
     CROSS JOIN LATERAL (
           SELECT CASE WHEN octet_length(f.text) <= 63 THEN f.text
                       ELSE (SELECT left(f.text, max(l)) FROM generate_series(1, 54) AS l
                              WHERE octet_length(left(f.text, l)) <= 54)
                            || '_' || left(md5(f.text), 8) END AS cut
             FROM (SELECT 'tenantdeck_new_' || goal.name AS text) AS f) AS new_name
     CROSS JOIN LATERAL (
           SELECT CASE WHEN octet_length(f.text) <= 63 THEN f.text
                       ELSE (SELECT left(f.text, max(l)) FROM generate_series(1, 54) AS l
                              WHERE octet_length(left(f.text, l)) <= 54)
                            || '_' || left(md5(f.text), 8) END AS cut
             FROM (SELECT 'tenantdeck_old_' || m.old_name AS text) AS f) AS old_name
), key AS MATERIALIZED (
    SELECT n.*, n.final IS NULL AS is_pending,
           n.final IS NULL OR n.old_index IS NOT NULL AS is_unswapped,
           built.name IS NOT NULL AS is_built,
           format('%I.%I', n.schema, n.made) AS made_name,
           format('%I.%I', n.schema, n.goal) AS goal_name,
           quote_ident(n.schema) || '.' || quote_ident(n.old_name) AS old_index_name,
           quote_ident(n.schema) || '.' || quote_ident(n.back) AS back_name
      FROM named n
      LEFT JOIN present built ON n.final IS NULL AND built.oid = n.oid AND built.name = n.made
                             AND built.is_whole AND built.is_unique
                             AND starts_with(built.tail, n.body)
                             AND built.condition IS NOT DISTINCT FROM n.condition
), nullable AS MATERIALIZED ( -- columns of a new primary key that are not the plan's, and may be NULL
    SELECT k.oid, c.names,
           (SELECT string_agg(format('%I IS NOT NULL', n), ' AND ') FROM unnest(c.names) AS n)
               AS condition,
           (SELECT string_agg(format('ALTER COLUMN %I SET NOT NULL', n), ', ')
              FROM unnest(c.names) AS n) AS setting
      FROM key k
     CROSS JOIN plan
     CROSS JOIN LATERAL (
           SELECT array_agg(a.attname::text ORDER BY a.attnum) AS names
             FROM pg_attribute a
            WHERE a.attrelid = k.oid AND NOT a.attnotnull AND NOT a.attisdropped
              AND a.attname = ANY (k.columns) AND a.attname <> ALL (plan.columns)) AS c
     WHERE k.is_primary AND k.is_pending AND c.names IS NOT NULL
), proof AS ( -- of those columns
    SELECT p.oid, c.conname IS NOT NULL AS exists, coalesce(c.convalidated, false) AS is_valid
      FROM planned p
      LEFT JOIN pg_constraint c ON c.conrelid = p.oid AND c.contype = 'c'
                               AND c.conname = 'tenantdeck_key_proof'
), lookup AS ( -- kept for whoever looks rows up by the old primary key
    SELECT k.place, k.oid, k.unit, k.relation, n.name, present.is_whole,
           format('%I.%I', k.schema, n.name) AS full_name,
           CASE WHEN k.is_unswapped THEN
               format('CREATE INDEX CONCURRENTLY %I ON %s USING btree (%s)', n.name, k.relation,
                      (SELECT string_agg(quote_ident(c.name), ', ' ORDER BY c.place)
                         FROM unnest(k.old_columns) WITH ORDINALITY AS c (name, place))) END
               AS statement
      FROM key k
     CROSS JOIN LATERAL (
           SELECT CASE WHEN octet_length(f.text) <= 63 THEN f.text
                       ELSE (SELECT left(f.text, max(l)) FROM generate_series(1, 54) AS l
                              WHERE octet_length(left(f.text, l)) <= 54)
                            || '_' || left(md5(f.text), 8) END AS name
             FROM (SELECT 'tenantdeck_lookup_' || k.unit AS text) AS f) AS n
      LEFT JOIN present ON present.oid = k.oid AND present.name = n.name
     WHERE k.is_primary AND k.online
       AND (present.is_whole
            OR (k.old_index IS NOT NULL AND k.is_unswapped
                -- An index of the plan does not count: it is built a step later.
                AND NOT EXISTS (SELECT 1 FROM key other
                                 WHERE other.oid = k.oid AND other.condition IS NULL
                                   AND other.columns[1] = k.old_columns[1])
                AND NOT EXISTS (SELECT 1 FROM present r
                                 WHERE r.oid = k.oid AND r.is_whole AND r.condition IS NULL
                                   AND r.columns[1] = k.old_columns[1]
                                   AND r.tail LIKE '% USING btree %'
                                   AND NOT EXISTS (SELECT 1 FROM key gone
                                                    WHERE gone.old_index = r.indexrelid))))
), reference AS ( -- the plan's foreign keys
    SELECT c.place, c.oid, c.unit, c.relation, r.place AS number, t.oid AS target_oid,
           ARRAY(SELECT jsonb_array_elements_text(r.doc -> 'target')) AS target,
           format('FOREIGN KEY (%s) REFERENCES %s(%s)', own.list, t.relation, target.list)
               AS definition,
           format('%s_%s_fkey', c.unit, own.joined) AS base
      FROM planned c
     CROSS JOIN jsonb_array_elements(c.doc -> 'references') WITH ORDINALITY AS r (doc, place)
      JOIN planned t ON t.unit = r.doc ->> 'table'
     CROSS JOIN LATERAL (
           SELECT string_agg(quote_ident(n.name), ', ' ORDER BY n.place) AS list,
                  string_agg(n.name, '_' ORDER BY n.place) AS joined
             FROM jsonb_array_elements_text(r.doc -> 'columns') WITH ORDINALITY AS n (name, place))
           AS own
     CROSS JOIN LATERAL (
           SELECT string_agg(quote_ident(n.name), ', ' ORDER BY n.place) AS list
             FROM jsonb_array_elements_text(r.doc -> 'target') WITH ORDINALITY AS n (name, place))
           AS target
), dependent AS MATERIALIZED ( -- foreign keys that lead to an old key, and what takes their place
    SELECT k.place, k.oid, k.unit, k.number AS key_number, f.oid AS constraint_oid,
           f.conname::text AS name, f.convalidated, f.confdeltype, f.confupdtype, f.confmatchtype,
           f.condeferrable, cardinality(f.conkey) AS width,
           format('%I.%I', n.nspname, c.relname) AS relation, c.relname::text AS table_name,
           pg_get_constraintdef(f.oid) AS definition,
           instead.definition AS new_definition, instead.base AS new_base,
           CASE f.confdeltype
               WHEN 'a' THEN '' WHEN 'r' THEN ' ON DELETE RESTRICT' WHEN 'c' THEN ' ON DELETE CASCADE'
               ELSE CASE f.confdeltype WHEN 'n' THEN ' ON DELETE SET NULL (' -- never the tenant
                                       ELSE ' ON DELETE SET DEFAULT (' END
                    || (SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum)
                          FROM pg_attribute a
                         WHERE a.attrelid = f.conrelid
                           AND a.attnum = ANY (coalesce(
                                   (SELECT array_agg(v::smallint)
                                      FROM jsonb_array_elements_text(
                                               nullif(to_jsonb(f) -> 'confdelsetcols', 'null')) AS v),
                                   f.conkey)))
                    || ')' END
           || CASE f.confupdtype WHEN 'r' THEN ' ON UPDATE RESTRICT'
                                 WHEN 'c' THEN ' ON UPDATE CASCADE' ELSE '' END
           || CASE WHEN f.condeferrable THEN ' DEFERRABLE' ELSE '' END
           || CASE WHEN f.condeferred THEN ' INITIALLY DEFERRED' ELSE '' END AS actions
      FROM key k
      JOIN pg_constraint f ON f.contype = 'f' AND f.conindid = k.old_index
      JOIN pg_class c ON c.oid = f.conrelid
      JOIN pg_namespace n ON n.oid = c.relnamespace
      LEFT JOIN LATERAL (
           SELECT r.* FROM reference r
            WHERE r.oid = f.conrelid AND r.target_oid = f.confrelid AND k.old_columns <@ r.target
            ORDER BY r.number LIMIT 1) AS instead ON true
     WHERE k.is_unswapped
), successor AS MATERIALIZED ( -- the foreign keys that are made in the transaction of the swap
    SELECT DISTINCT ON (d.oid, d.relation, d.new_definition) d.*, name_of.new_name
      FROM dependent d
     CROSS JOIN plan
     CROSS JOIN LATERAL (
           SELECT c.name AS new_name
             FROM generate_series(0, 9) AS t (number)
            CROSS JOIN LATERAL (
                  SELECT CASE WHEN t.number = 0 AND octet_length(d.new_base) <= 63 THEN d.new_base
                              ELSE (SELECT left(d.new_base, max(l)) FROM generate_series(1, 54) AS l
                                     WHERE octet_length(left(d.new_base, l)) <= 54)
                                   || '_' || left(md5(d.new_base || t.number), 8) END AS name) AS c
            WHERE NOT EXISTS (SELECT 1 FROM pg_constraint x
                               WHERE x.conrelid = d.relation::regclass AND x.conname = c.name)
            ORDER BY t.number LIMIT 1) AS name_of
     WHERE d.new_definition IS NOT NULL AND NOT plan.distribute
       AND NOT EXISTS (SELECT 1 FROM pg_constraint x
                        WHERE x.contype = 'f' AND x.conrelid = d.relation::regclass
                          AND starts_with(pg_get_constraintdef(x.oid), d.new_definition))
     ORDER BY d.oid, d.relation, d.new_definition, d.constraint_oid
), obstacle AS ( -- what would have to be dropped, and has no place in the plan
    SELECT d.place, d.unit,
           format('foreign key ''%s'' of ''%s'' depends on the old key, and the plan has none to take '
                  'its place', d.name, d.table_name) AS reason
      FROM dependent d WHERE d.new_definition IS NULL
     UNION ALL
    SELECT d.place, d.unit,
           format('foreign key ''%s'' of ''%s'' %s, which one with the tenant cannot do %s', d.name,
                  d.table_name,
                  CASE WHEN d.confmatchtype = 'f' AND d.width > 1 THEN 'says MATCH FULL'
                       WHEN d.confupdtype IN ('n', 'd') THEN 'empties columns ON UPDATE'
                       WHEN plan.distribute THEN 'has actions or is deferred'
                       ELSE 'empties columns ON DELETE' END,
                  CASE WHEN plan.distribute THEN 'on Citus' ELSE 'here' END)
      FROM dependent d CROSS JOIN plan
     WHERE d.new_definition IS NOT NULL
       AND ((d.confmatchtype = 'f' AND d.width > 1) OR d.confupdtype IN ('n', 'd')
            OR (d.confdeltype IN ('n', 'd') AND plan.version < 150000)
            OR (plan.distribute AND (d.confdeltype <> 'a' OR d.confupdtype <> 'a'
                                     OR d.condeferrable)))
     UNION ALL
    SELECT DISTINCT k.place, k.unit, format('view ''%s'' groups by the old key alone', v.relname)
      FROM key k
      JOIN pg_depend d ON d.refclassid = 'pg_constraint'::regclass AND d.refobjid = k.old_constraint
                      AND d.classid = 'pg_rewrite'::regclass
      JOIN pg_rewrite w ON w.oid = d.objid
      JOIN pg_class v ON v.oid = w.ev_class
     WHERE k.is_unswapped
), leftover AS ( -- indexes of ours that are no use: broken off, or made for another plan or an undo
    SELECT p.place, p.unit, i.name, format('%I.%I', plan.schema, i.name) AS full_name
      FROM planned p
     CROSS JOIN plan
      JOIN present i ON i.oid = p.oid
     WHERE (i.name LIKE 'tenantdeck\_new\_%' OR i.name LIKE 'tenantdeck\_old\_%'
            OR (i.name LIKE 'tenantdeck\_lookup\_%' AND NOT i.is_whole)
            OR (NOT i.is_whole AND EXISTS (SELECT 1 FROM key k
                                            WHERE k.oid = i.oid AND k.is_pending
                                              AND k.made = i.name)))
       AND NOT EXISTS (SELECT 1 FROM key k
                        WHERE k.oid = i.oid AND k.is_built AND k.made = i.name)
), building AS ( -- the statement that builds a key
    SELECT k.*, format('CREATE UNIQUE INDEX %s%I%s', k.concurrently, k.made, k.new_tail) AS statement
      FROM key k WHERE k.is_pending
), change AS ( -- what a table's constraints undergo, in one ALTER TABLE
    SELECT k.oid, string_agg(c.command, ', ' ORDER BY k.number, c.turn) AS commands
      FROM key k
     CROSS JOIN LATERAL (
           SELECT 1 AS turn, format('DROP CONSTRAINT %I', k.old_constraint_name) AS command
            WHERE k.old_constraint IS NOT NULL
            UNION ALL
           SELECT 2, format('ADD CONSTRAINT %I %s USING INDEX %I%s', k.goal,
                            CASE WHEN k.is_primary THEN 'PRIMARY KEY' ELSE 'UNIQUE' END, k.made,
                            k.deferral)
            WHERE k.is_pending AND k.is_constraint) AS c
     WHERE k.is_unswapped
     GROUP BY k.oid
), command AS ( -- the swap of a table, command by command
    SELECT d.oid, 1 AS turn, 0::bigint AS number,
           format('ALTER TABLE %s DROP CONSTRAINT %I', d.relation, d.name) AS text
      FROM dependent d WHERE d.new_definition IS NOT NULL
     UNION ALL
    SELECT c.oid, 2, 0, format('ALTER TABLE %s %s', p.relation, c.commands)
      FROM change c JOIN planned p ON p.oid = c.oid
     UNION ALL
    SELECT k.oid, 3, k.number * 2, 'DROP INDEX ' || k.old_index_name
      FROM key k
     WHERE k.is_unswapped AND k.old_index IS NOT NULL AND k.old_constraint IS NULL
     UNION ALL
    SELECT k.oid, 3, k.number * 2 + 1, format('ALTER INDEX %s RENAME TO %I', k.made_name, k.goal)
      FROM key k WHERE k.is_pending AND k.is_swapped AND NOT k.is_constraint
     UNION ALL
    SELECT k.oid, 4, k.number, format('ALTER TABLE %s CLUSTER ON %I', k.relation, k.goal)
      FROM key k WHERE k.is_unswapped AND k.was_clustered
     UNION ALL
    SELECT k.oid, 5, k.number,
           format('ALTER TABLE %s REPLICA IDENTITY %s', k.relation,
                  -- An index that may hold NULL, or only some rows, identifies no row.
                  CASE WHEN k.is_primary
                            OR (k.condition IS NULL AND k.deferral = ''
                                AND NOT EXISTS (SELECT 1 FROM unnest(k.columns) AS c (name)
                                                WHERE c.name = ANY (plan.columns)
                                                  AND NOT p.doc -> 'not_null' ? c.name))
                       THEN format('USING INDEX %I', k.goal) ELSE 'DEFAULT' END)
      FROM key k CROSS JOIN plan JOIN planned p ON p.oid = k.oid
     WHERE k.is_unswapped AND k.was_identity
     UNION ALL
    SELECT s.oid, 6, 0,
           format('ALTER TABLE %s ADD CONSTRAINT %I %s%s NOT VALID', s.relation, s.new_name,
                  s.new_definition, s.actions)
      FROM successor s
), swap AS ( -- of one table
    SELECT k.place, k.oid, k.unit, k.relation, bool_and(NOT k.is_unswapped) AS done,
           (SELECT string_agg(c.text, E';\n' ORDER BY c.turn, c.number, c.text)
              FROM command c WHERE c.oid = k.oid) AS statement
      FROM key k
     WHERE k.is_swapped OR (k.replaces IS NOT NULL AND NOT k.is_pending)
     GROUP BY k.place, k.oid, k.unit, k.relation
)

-- ---- what restores what was there; the last one is replayed first ----

, kept AS ( -- what an old key would lose beside its definition
    SELECT k.oid, k.number,
           coalesce(string_agg(E';\n' || l.text, '' ORDER BY l.turn, l.text), '') AS text
      FROM key k
      LEFT JOIN LATERAL (
           SELECT 1 AS turn, format('COMMENT ON CONSTRAINT %I ON %s IS %L', k.old_constraint_name,
                                    k.relation, obj_description(k.old_constraint, 'pg_constraint'))
               AS text
            WHERE obj_description(k.old_constraint, 'pg_constraint') IS NOT NULL
            UNION ALL
           SELECT 2, format('COMMENT ON INDEX %s IS %L', k.old_index_name,
                            obj_description(k.old_index, 'pg_class'))
            WHERE obj_description(k.old_index, 'pg_class') IS NOT NULL
            UNION ALL
           SELECT 3, format('ALTER INDEX %s ALTER COLUMN %s SET STATISTICS %s', k.old_index_name,
                            a.attnum, a.attstattarget)
             FROM pg_attribute a WHERE a.attrelid = k.old_index AND a.attstattarget >= 0
            UNION ALL
           SELECT 4, format('ALTER INDEX %s DEPENDS ON EXTENSION %I', k.old_index_name, e.extname)
             FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid
            WHERE d.classid = 'pg_class'::regclass AND d.objid = k.old_index AND d.deptype = 'x'
              AND d.refclassid = 'pg_extension'::regclass
            UNION ALL
           SELECT 5, format('ALTER TABLE %s CLUSTER ON %I', k.relation, k.old_name)
            WHERE k.was_clustered
            UNION ALL
           SELECT 6, format('ALTER TABLE %s REPLICA IDENTITY USING INDEX %I', k.relation, k.old_name)
            WHERE k.was_identity) AS l ON true
     WHERE k.old_index IS NOT NULL
     GROUP BY k.oid, k.number
), record AS (
    SELECT b.oid, b.label || ': build' AS part, 1 AS turn, b.number, 1 AS place, 'index' AS type,
           b.made_name AS object, NULL AS definition,
           format('DROP INDEX %sIF EXISTS %s', b.concurrently, b.made_name) AS statement,
           b.online AS alone
      FROM building b
     UNION ALL
    SELECT n.oid, CASE WHEN plan.online THEN 'primary key: set NOT NULL' ELSE 'swap' END, 1, 0, m.place,
           'column not null', format('%s.%I', p.relation, m.name), NULL,
           format('ALTER TABLE %s ALTER COLUMN %I DROP NOT NULL', p.relation, m.name), false
      FROM nullable n JOIN planned p ON p.oid = n.oid
     CROSS JOIN plan
     CROSS JOIN unnest(n.names) WITH ORDINALITY AS m (name, place)
     UNION ALL
    SELECT l.oid, 'lookup: build', 1, 0, 1, 'index', l.full_name, NULL,
           'DROP INDEX CONCURRENTLY IF EXISTS ' || l.full_name, true
      FROM lookup l
     UNION ALL -- a foreign key comes back like the new ones came: bound at once, then proved
    SELECT d.oid, 'swap', 2, 0, 1, 'foreign key proof', format('%I on %s', d.name, d.relation),
           NULL, format('ALTER TABLE %s VALIDATE CONSTRAINT %I', d.relation, d.name), false
      FROM dependent d WHERE d.new_definition IS NOT NULL AND d.convalidated
     UNION ALL
    SELECT d.oid, 'swap', 3, 0, 1, 'table constraint', format('%I on %s', d.name, d.relation),
           d.definition,
           format('ALTER TABLE %s ADD CONSTRAINT %I %s%s', d.relation, d.name, d.definition,
                  CASE WHEN d.convalidated THEN ' NOT VALID' ELSE '' END)
           || CASE WHEN obj_description(d.constraint_oid, 'pg_constraint') IS NOT NULL
                   THEN format(E';\nCOMMENT ON CONSTRAINT %I ON %s IS %L', d.name, d.relation,
                               obj_description(d.constraint_oid, 'pg_constraint')) ELSE '' END,
           false
      FROM dependent d WHERE d.new_definition IS NOT NULL
     UNION ALL -- what comes under another name, or in nothing's place
    SELECT k.oid, 'swap', 4, k.number, 0,
           CASE WHEN k.is_constraint THEN 'table constraint' ELSE 'index' END,
           CASE WHEN k.is_constraint THEN format('%I on %s', k.goal, k.relation)
                ELSE k.goal_name END,
           NULL,
           CASE WHEN k.is_constraint
                THEN format('ALTER TABLE %s DROP CONSTRAINT IF EXISTS %I', k.relation, k.goal)
                ELSE 'DROP INDEX IF EXISTS ' || k.goal_name END,
           false
      FROM key k
     WHERE k.is_pending AND k.is_swapped AND k.goal IS DISTINCT FROM k.old_name
     UNION ALL
    SELECT k.oid, 'swap', 4, k.number, 1,
           CASE WHEN k.old_constraint IS NULL THEN 'index' ELSE 'table constraint' END,
           CASE WHEN k.old_constraint IS NULL THEN k.old_index_name
                ELSE format('%I on %s', k.old_constraint_name, k.relation) END,
           coalesce(pg_get_constraintdef(k.old_constraint), k.old_definition),
           CASE WHEN k.online THEN ''
                ELSE format(E'CREATE UNIQUE INDEX %I%s;\n', k.back, k.old_tail) END
           || CASE WHEN k.old_constraint IS NOT NULL THEN
                  format('ALTER TABLE %s %sADD CONSTRAINT %I %s USING INDEX %I%s', k.relation,
                         CASE WHEN k.is_pending
                              THEN format('DROP CONSTRAINT IF EXISTS %I, ', k.goal) ELSE '' END,
                         k.old_constraint_name,
                         CASE WHEN k.is_primary THEN 'PRIMARY KEY' ELSE 'UNIQUE' END, k.back,
                         k.old_deferral)
              ELSE CASE WHEN k.is_pending
                        THEN format(E'DROP INDEX IF EXISTS %s;\n', k.goal_name) ELSE '' END
                   || format('ALTER INDEX %s RENAME TO %I', k.back_name, k.old_name) END
           || kept.text,
           false
      FROM key k JOIN kept ON kept.oid = k.oid AND kept.number = k.number
     WHERE k.is_unswapped AND k.old_index IS NOT NULL
     UNION ALL
    SELECT k.oid, 'swap', 4, k.number, 2, 'index', k.back_name, NULL,
           format('CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS %I%s', k.back, k.old_tail), true
      FROM key k WHERE k.online AND k.is_unswapped AND k.old_index IS NOT NULL
     UNION ALL
    SELECT s.oid, 'swap', 5, 0, 1, 'table constraint', format('%I on %s', s.new_name, s.relation),
           NULL, format('ALTER TABLE %s DROP CONSTRAINT IF EXISTS %I', s.relation, s.new_name), false
      FROM successor s
), records AS (
    SELECT r.oid, r.part,
           jsonb_agg(jsonb_build_object('type', r.type, 'object', r.object,
                                        'definition', r.definition, 'statement', r.statement,
                                        'alone', r.alone)
                     ORDER BY r.turn, r.number, r.place, r.object) AS list
      FROM record r
     GROUP BY r.oid, r.part
)

-- ---- the items ----

, item AS (
    SELECT o.place, 0 AS turn, 0::bigint AS number, NULL::oid AS oid, o.unit, 'refused' AS part,
           false AS done, false AS alone, false AS beside, NULL AS statement,
           string_agg(o.reason, '; ' ORDER BY o.reason) AS takes
      FROM obstacle o GROUP BY o.place, o.unit
     UNION ALL
    SELECT l.place, 1, 0, NULL, l.unit, 'drop a leftover: ' || l.name, false, plan.online, false,
           format('DROP INDEX %s%s', plan.concurrently, l.full_name),
           CASE WHEN plan.online THEN 'SHARE UPDATE EXCLUSIVE' ELSE 'ACCESS EXCLUSIVE, for moments' END
      FROM leftover l CROSS JOIN plan
     UNION ALL
    SELECT p.place, 2, t.number, p.oid, p.unit, 'primary key: ' || t.part,
           CASE t.number WHEN 1 THEN n.oid IS NULL OR f.exists
                         WHEN 2 THEN n.oid IS NULL OR f.is_valid
                         WHEN 3 THEN n.oid IS NULL
                         ELSE n.oid IS NULL AND NOT f.exists END,
           false, false,
           format('ALTER TABLE %s ', p.relation)
           || CASE t.number WHEN 1 THEN 'ADD CONSTRAINT tenantdeck_key_proof CHECK ('
                                        || n.condition || ') NOT VALID'
                            WHEN 2 THEN 'VALIDATE CONSTRAINT tenantdeck_key_proof'
                            WHEN 3 THEN n.setting
                            ELSE 'DROP CONSTRAINT tenantdeck_key_proof' END,
           CASE t.number WHEN 2 THEN 'SHARE UPDATE EXCLUSIVE, while the table is read'
                         ELSE 'ACCESS EXCLUSIVE, for moments' END
      FROM planned p
      JOIN proof f ON f.oid = p.oid
      LEFT JOIN nullable n ON n.oid = p.oid
     CROSS JOIN plan
     CROSS JOIN (VALUES (1, 'prove for new rows'), (2, 'prove for all rows'), (3, 'set NOT NULL'),
                        (4, 'drop the proof')) AS t (number, part)
     WHERE plan.online AND (n.oid IS NOT NULL OR f.exists)
     UNION ALL
    SELECT k.place, 3, k.number, k.oid, k.unit, k.label || ': build', b.oid IS NULL OR k.is_built,
           -- One with a WHERE is waited for by all others that are built CONCURRENTLY.
           k.online, NOT k.online OR k.condition IS NULL, b.statement,
           CASE WHEN k.online THEN 'SHARE UPDATE EXCLUSIVE' ELSE 'SHARE' END
           || ', while the index is built'
      FROM key k LEFT JOIN building b ON b.oid = k.oid AND b.number = k.number
     UNION ALL
    SELECT l.place, 4, 0, l.oid, l.unit, 'lookup: build', coalesce(l.is_whole, false), true, true,
           l.statement, 'SHARE UPDATE EXCLUSIVE, while the index is built'
      FROM lookup l
     UNION ALL
    SELECT s.place, 5, 0, s.oid, s.unit, 'swap', s.done, false, false, s.statement,
           'ACCESS EXCLUSIVE, for moments'
           || coalesce((SELECT ', also of ' || string_agg(DISTINCT d.relation, ', ')
                          FROM dependent d
                         WHERE d.oid = s.oid AND d.relation <> s.relation), '')
      FROM swap s
)
SELECT i.unit, i.part, i.done, i.alone, i.beside,
       CASE WHEN NOT i.done THEN i.statement END AS statement, i.takes, coalesce(r.list, '[]') AS records
  FROM item i
  LEFT JOIN records r ON r.oid = i.oid AND r.part = i.part
 ORDER BY CASE WHEN i.turn < 3 THEN 0 WHEN i.turn < 5 THEN 1 ELSE 2 END, -- all that is built, then the swaps
          NOT i.beside, i.place, i.turn, i.number, i.part;
