-- Indexes: the plan's ordinary ones, and those that tenantdeck keeps for itself for a while. Nothing is
-- changed here; see not_null.sql for what a statement named work_... takes and answers.

-- name: work_indexes
-- Builds the plan's indexes; online without blocking a writer. An index of the same columns, kinds and
-- order that is there already serves, whatever its name; one that a broken build has left behind is
-- dropped first. $1 the plan, $2 the mode.
WITH plan AS MATERIALIZED (
    SELECT given.doc, given.doc ->> 'schema' AS schema, n.oid AS schema_oid,
           $2::text = 'online' AS online,
           CASE $2::text WHEN 'online' THEN 'CONCURRENTLY ' ELSE '' END AS concurrently
      FROM (SELECT $1::jsonb AS doc) AS given
      JOIN pg_namespace n ON n.nspname = given.doc ->> 'schema'
), wanted AS MATERIALIZED (
    SELECT t.place, k.number, c.oid, t.doc ->> 'name' AS unit, k.doc ->> 'name' AS given,
           format('%s_%s_idx', t.doc ->> 'name', l.joined) AS base,
           format(' ON %I.%I USING btree (%s)', plan.schema, t.doc ->> 'name', l.list) AS tail
      FROM plan
     CROSS JOIN jsonb_array_elements(plan.doc -> 'tables') WITH ORDINALITY AS t (doc, place)
      JOIN pg_class c ON c.relnamespace = plan.schema_oid AND c.relname = t.doc ->> 'name'
                     AND c.relkind = 'r'
     CROSS JOIN jsonb_array_elements(t.doc -> 'indexes') WITH ORDINALITY AS k (doc, number)
     CROSS JOIN LATERAL (
           SELECT string_agg(n.name, '_' ORDER BY n.place) AS joined,
                  string_agg(quote_ident(n.name), ', ' ORDER BY n.place) AS list
             FROM jsonb_array_elements_text(k.doc -> 'columns') WITH ORDINALITY AS n (name, place))
           AS l
), present AS MATERIALIZED (
    SELECT i.indrelid AS oid, i.indexrelid, x.relname::text AS name,
           i.indisvalid AND i.indisready AS is_whole, i.indisunique AS is_unique,
           substr(d.text, length(CASE WHEN i.indisunique THEN 'CREATE UNIQUE INDEX '
                                      ELSE 'CREATE INDEX ' END || quote_ident(x.relname)) + 1) AS tail
      FROM (SELECT DISTINCT oid FROM wanted) AS w
      JOIN pg_index i ON i.indrelid = w.oid AND i.indpred IS NULL
      JOIN pg_class x ON x.oid = i.indexrelid
     CROSS JOIN LATERAL (SELECT pg_get_indexdef(i.indexrelid) AS text) AS d
), named AS MATERIALIZED (
    SELECT w.*, coalesce(serving.name, chosen.name) AS name, serving.name IS NOT NULL AS is_there,
           format('%I.%I', plan.schema, coalesce(serving.name, chosen.name)) AS full_name,
           EXISTS (SELECT 1 FROM present b
                    WHERE b.oid = w.oid AND b.name = chosen.name AND NOT b.is_whole) AS is_broken
      FROM wanted w
     CROSS JOIN plan
      LEFT JOIN LATERAL (
           SELECT p.name FROM present p
            WHERE p.oid = w.oid AND p.is_whole AND starts_with(p.tail, w.tail)
              AND p.name NOT LIKE 'tenantdeck\_%'
            ORDER BY p.name <> w.given, p.is_unique, p.indexrelid LIMIT 1) AS serving ON true
     CROSS JOIN LATERAL ( -- 63 bytes, whole characters, and nothing else may bear the name
           SELECT coalesce(w.given,
                  (SELECT c.name
                     FROM generate_series(0, 9) AS t (number)
                    CROSS JOIN LATERAL (
                          SELECT CASE WHEN t.number = 0 AND octet_length(w.base) <= 63 THEN w.base
                                      ELSE (SELECT left(w.base, max(l))
                                              FROM generate_series(1, 54) AS l
                                             WHERE octet_length(left(w.base, l)) <= 54)
                                           || '_' || left(md5(w.base || t.number), 8) END AS name)
                          AS c
                    WHERE NOT EXISTS (
                              SELECT 1 FROM pg_class x
                               WHERE x.relnamespace = plan.schema_oid AND x.relname = c.name
                                 AND NOT EXISTS (SELECT 1 FROM present b
                                                  WHERE b.indexrelid = x.oid AND b.oid = w.oid
                                                    AND NOT b.is_whole AND NOT b.is_unique
                                                    AND starts_with(b.tail, w.tail)))
                    ORDER BY t.number LIMIT 1)) AS name) AS chosen
), item AS (
    SELECT n.place, n.number, 1 AS turn, n.unit, 'drop a leftover: ' || n.name AS part, false AS done,
           format('DROP INDEX %s%s', plan.concurrently, n.full_name) AS statement,
           CASE WHEN plan.online THEN 'SHARE UPDATE EXCLUSIVE' ELSE 'ACCESS EXCLUSIVE, for moments' END
               AS takes,
           '[]'::jsonb AS records
      FROM named n CROSS JOIN plan
     WHERE n.is_broken AND NOT n.is_there
     UNION ALL
    SELECT n.place, n.number, 2, n.unit, 'build ' || n.name, n.is_there,
           format('CREATE INDEX %s%I%s', plan.concurrently, n.name, n.tail),
           CASE WHEN plan.online THEN 'SHARE UPDATE EXCLUSIVE' ELSE 'SHARE' END
           || ', while the index is built',
           jsonb_build_array(jsonb_build_object(
               'type', 'index', 'object', n.full_name, 'definition', NULL,
               'statement', format('DROP INDEX %sIF EXISTS %s', plan.concurrently, n.full_name),
               'alone', plan.online))
      FROM named n CROSS JOIN plan
)
SELECT i.unit, i.part, i.done, plan.online AS alone, i.turn = 2 AS beside,
       CASE WHEN NOT i.done THEN i.statement END AS statement, i.takes,
       CASE WHEN i.done THEN '[]' ELSE i.records END AS records
  FROM item i CROSS JOIN plan
 ORDER BY i.turn, i.place, i.number;

-- name: work_release_lookups
-- For step release: drops the plain indexes that step keys has kept for statements of the old
-- application, which looked rows up by the old primary key alone. Before step keys has run it tells of
-- those that will be there. $1 the plan, $2 the mode.
WITH plan AS MATERIALIZED (
    SELECT given.doc, given.doc ->> 'schema' AS schema, n.oid AS schema_oid,
           $2::text = 'online' AS online,
           CASE $2::text WHEN 'online' THEN 'CONCURRENTLY ' ELSE '' END AS concurrently
      FROM (SELECT $1::jsonb AS doc) AS given
      JOIN pg_namespace n ON n.nspname = given.doc ->> 'schema'
), planned AS MATERIALIZED (
    SELECT t.place, t.doc, t.doc ->> 'name' AS unit, c.oid, n.name,
           format('%I.%I', plan.schema, t.doc ->> 'name') AS relation,
           format('%I.%I', plan.schema, n.name) AS full_name,
           (SELECT string_agg(quote_ident(k.name), ', ' ORDER BY k.place)
              FROM jsonb_array_elements_text(t.doc -> 'primary_key' -> 'columns')
                   WITH ORDINALITY AS k (name, place)) AS key_list
      FROM plan
     CROSS JOIN jsonb_array_elements(plan.doc -> 'tables') WITH ORDINALITY AS t (doc, place)
      JOIN pg_class c ON c.relnamespace = plan.schema_oid AND c.relname = t.doc ->> 'name'
                     AND c.relkind = 'r'
     CROSS JOIN LATERAL (
           SELECT CASE WHEN octet_length(f.text) <= 63 THEN f.text
                       ELSE (SELECT left(f.text, max(l)) FROM generate_series(1, 54) AS l
                              WHERE octet_length(left(f.text, l)) <= 54)
                            || '_' || left(md5(f.text), 8) END AS name
             FROM (SELECT 'tenantdeck_lookup_' || (t.doc ->> 'name') AS text) AS f) AS n
), present AS MATERIALIZED (
    SELECT i.indrelid AS oid, i.indexrelid, x.relname::text AS name, i.indisprimary AS is_primary,
           i.indpred IS NULL AND i.indisvalid AND i.indisready AS is_full,
           am.amname = 'btree' AS is_btree,
           (SELECT a.attname::text FROM pg_attribute a
             WHERE a.attrelid = i.indrelid AND a.attnum = i.indkey[0]) AS first_column,
           (SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY k.place)
              FROM unnest(i.indkey) WITH ORDINALITY AS k (number, place)
              JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.number
             WHERE k.place <= i.indnkeyatts) AS list,
           pg_get_indexdef(i.indexrelid) AS definition
      FROM planned p
      JOIN pg_index i ON i.indrelid = p.oid
      JOIN pg_class x ON x.oid = i.indexrelid
      JOIN pg_am am ON am.oid = x.relam
), lookup AS (
    SELECT p.*, kept.definition
      FROM planned p
      JOIN present kept ON kept.oid = p.oid AND kept.name = p.name
     UNION ALL -- it will be there: by the rule of work_keys
    SELECT p.*,
           format('CREATE INDEX %I ON %s USING btree (%s)', p.name, p.relation, old.list)
      FROM planned p
     CROSS JOIN plan
      JOIN present old ON old.oid = p.oid AND old.is_primary
     WHERE plan.online AND p.key_list <> old.list
       AND NOT EXISTS (SELECT 1 FROM present kept WHERE kept.oid = p.oid AND kept.name = p.name)
       AND p.doc -> 'primary_key' -> 'columns' ->> 0 <> old.first_column
       AND NOT EXISTS (SELECT 1 FROM jsonb_array_elements(p.doc -> 'uniques') AS u (doc)
                        WHERE u.doc -> 'columns' ->> 0 = old.first_column)
       AND NOT EXISTS (SELECT 1 FROM present r
                        WHERE r.oid = p.oid AND r.is_full AND r.is_btree
                          AND r.indexrelid <> old.indexrelid
                          AND r.first_column = old.first_column
                          AND NOT EXISTS (SELECT 1 FROM jsonb_array_elements(p.doc -> 'uniques')
                                                        AS u (doc)
                                           WHERE u.doc ->> 'replaces' = r.name))
)
SELECT l.unit, 'drop the lookup index' AS part, false AS done, plan.online AS alone,
       format('DROP INDEX %s%s', plan.concurrently, l.full_name) AS statement,
       CASE WHEN plan.online THEN 'SHARE UPDATE EXCLUSIVE' ELSE 'ACCESS EXCLUSIVE, for moments' END
           AS takes,
       -- Not the record of the index itself: that is the one of the step that built it.
       jsonb_build_array(jsonb_build_object(
           'type', 'lookup index', 'object', l.full_name, 'definition', l.definition,
           'statement', format('CREATE INDEX %sIF NOT EXISTS %s', plan.concurrently,
                               substr(l.definition, length('CREATE INDEX ') + 1)),
           'alone', plan.online)) AS records
  FROM lookup l CROSS JOIN plan
 ORDER BY l.place;
