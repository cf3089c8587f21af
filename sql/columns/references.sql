-- References: the plan's foreign keys. Nothing is changed here; see not_null.sql for what a statement
-- named work_... takes and answers.

-- name: work_foreign_keys
-- Adds the plan's foreign keys. Online they bind new rows at once (NOT VALID), then are proved for the
-- old ones while everybody writes on. A foreign key of the same columns that is there already is kept,
-- and proved if it was not; one that takes the place of an older one is made by step keys, since the two
-- are swapped together with the key that they lead to. Citus cannot prove one later where the tenant is
-- a varchar, so there it is added and proved at once. $1 the plan, $2 the mode.
WITH plan AS MATERIALIZED (
    SELECT given.doc, given.doc ->> 'schema' AS schema, n.oid AS schema_oid,
           (given.doc ->> 'distribute')::boolean AS distribute,
           $2::text = 'online' AND NOT (given.doc ->> 'distribute')::boolean AS in_two
      FROM (SELECT $1::jsonb AS doc) AS given
      JOIN pg_namespace n ON n.nspname = given.doc ->> 'schema'
), planned AS MATERIALIZED (
    SELECT t.place, t.doc, t.doc ->> 'name' AS unit, c.oid,
           format('%I.%I', plan.schema, t.doc ->> 'name') AS relation
      FROM plan
     CROSS JOIN jsonb_array_elements(plan.doc -> 'tables') WITH ORDINALITY AS t (doc, place)
      JOIN pg_class c ON c.relnamespace = plan.schema_oid AND c.relname = t.doc ->> 'name'
                     AND c.relkind = 'r'
), wanted AS MATERIALIZED (
    SELECT c.place, r.place AS number, c.oid, c.unit, c.relation, t.oid AS target_oid,
           t.relation AS target_relation, t.doc AS target_doc, l.pairs, l.target,
           format('FOREIGN KEY (%s) REFERENCES %s(%s)', l.list, t.relation, l.target_list)
               AS definition,
           format('%s_%s_fkey', c.unit, l.joined) AS base
      FROM planned c
     CROSS JOIN jsonb_array_elements(c.doc -> 'references') WITH ORDINALITY AS r (doc, place)
      JOIN planned t ON t.unit = r.doc ->> 'table'
     CROSS JOIN LATERAL (
           SELECT string_agg(n.name, '_' ORDER BY n.place) AS joined,
                  string_agg(quote_ident(n.name), ', ' ORDER BY n.place) AS list,
                  string_agg(quote_ident(n.target), ', ' ORDER BY n.place) AS target_list,
                  array_agg(n.target) AS target,
                  array_agg(ARRAY[n.name, n.target] ORDER BY n.name, n.target) AS pairs
             FROM ROWS FROM (jsonb_array_elements_text(r.doc -> 'columns'),
                             jsonb_array_elements_text(r.doc -> 'target'))
                  WITH ORDINALITY AS n (name, target, place)) AS l
), present AS MATERIALIZED (
    SELECT f.oid, f.conrelid, f.confrelid, f.conname::text AS name, f.convalidated, f.conindid,
           (SELECT array_agg(ARRAY[a.attname::text, b.attname::text]
                             ORDER BY a.attname::text, b.attname::text)
              FROM unnest(f.conkey, f.confkey) AS k (own, target)
              JOIN pg_attribute a ON a.attrelid = f.conrelid AND a.attnum = k.own
              JOIN pg_attribute b ON b.attrelid = f.confrelid AND b.attnum = k.target) AS pairs
      FROM pg_constraint f
     WHERE f.contype = 'f' AND f.conrelid IN (SELECT oid FROM planned)
), named AS MATERIALIZED (
    SELECT w.*, found.name IS NOT NULL AS is_there, coalesce(found.convalidated, false) AS is_valid,
           coalesce(found.name,
               (SELECT c.name
                  FROM generate_series(0, 9) AS t (number)
                 CROSS JOIN LATERAL (
                       SELECT CASE WHEN t.number = 0 AND octet_length(w.base) <= 63 THEN w.base
                                   ELSE (SELECT left(w.base, max(l)) FROM generate_series(1, 54) AS l
                                          WHERE octet_length(left(w.base, l)) <= 54)
                                        || '_' || left(md5(w.base || t.number), 8) END AS name) AS c
                 WHERE NOT EXISTS (SELECT 1 FROM pg_constraint x
                                    WHERE x.conrelid = w.oid AND x.conname = c.name)
                 ORDER BY t.number LIMIT 1)) AS name,
           found.name IS NULL AND NOT plan.distribute AND EXISTS ( -- an older one leads to a key that goes
               SELECT 1
                 FROM present f
                 JOIN pg_index i ON i.indexrelid = f.conindid
                 JOIN pg_class x ON x.oid = i.indexrelid
                CROSS JOIN LATERAL (
                      SELECT array_agg(a.attname::text ORDER BY k.place) AS columns
                        FROM unnest(i.indkey) WITH ORDINALITY AS k (number, place)
                        JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.number
                       WHERE k.place <= i.indnkeyatts) AS old
                WHERE f.conrelid = w.oid AND f.confrelid = w.target_oid AND old.columns <@ w.target
                  AND EXISTS (SELECT 1
                                FROM (SELECT w.target_doc -> 'primary_key' AS key, true AS is_primary
                                       UNION ALL
                                      SELECT u.key, false
                                        FROM jsonb_array_elements(w.target_doc -> 'uniques') AS u (key))
                                     AS k
                               WHERE k.is_primary = i.indisprimary
                                 AND (k.is_primary OR k.key ->> 'replaces' = x.relname)
                                 AND k.key -> 'columns' NOT IN ('[]', to_jsonb(old.columns))))
               AS is_made_by_keys
      FROM wanted w
     CROSS JOIN plan
      LEFT JOIN LATERAL (
           SELECT f.name, f.convalidated FROM present f
            WHERE f.conrelid = w.oid AND f.confrelid = w.target_oid AND f.pairs = w.pairs
            ORDER BY NOT f.convalidated, f.oid LIMIT 1) AS found ON true
), record AS (
    SELECT n.oid, n.number,
           jsonb_build_object(
               'type', 'table constraint', 'object', format('%I on %s', n.name, n.relation),
               'definition', NULL,
               'statement', format('ALTER TABLE %s DROP CONSTRAINT IF EXISTS %I', n.relation, n.name),
               'alone', false) AS entry
      FROM named n WHERE NOT n.is_there AND NOT n.is_made_by_keys
), item AS (
    SELECT n.place, n.number, 1 AS turn, n.unit, n.name || ': add, for new rows' AS part,
           n.is_there AS done,
           format('ALTER TABLE %s ADD CONSTRAINT %I %s NOT VALID', n.relation, n.name, n.definition)
               AS statement,
           format('SHARE ROW EXCLUSIVE on it and on %s, for moments', n.target_relation) AS takes,
           coalesce((SELECT jsonb_build_array(r.entry) FROM record r
                      WHERE r.oid = n.oid AND r.number = n.number), '[]') AS records
      FROM named n CROSS JOIN plan
     WHERE plan.in_two AND NOT n.is_made_by_keys
     UNION ALL
    SELECT n.place, n.number, 2, n.unit, n.name || ': prove, for all rows', n.is_valid,
           format('ALTER TABLE %s VALIDATE CONSTRAINT %I', n.relation, n.name),
           format('SHARE UPDATE EXCLUSIVE on it, ROW SHARE on %s, while the rows are compared',
                  n.target_relation), '[]'
      FROM named n CROSS JOIN plan
     WHERE plan.in_two
     UNION ALL
    SELECT n.place, 0, 1, n.unit, 'foreign keys', bool_and(n.is_valid),
           format('ALTER TABLE %s ', n.relation)
           || string_agg(CASE WHEN n.is_there OR n.is_made_by_keys
                              THEN format('VALIDATE CONSTRAINT %I', n.name)
                              ELSE format('ADD CONSTRAINT %I %s', n.name, n.definition) END, ', '
                         ORDER BY n.number) FILTER (WHERE NOT n.is_valid),
           'SHARE ROW EXCLUSIVE on it and on '
           || string_agg(DISTINCT n.target_relation, ', ') || ', while the rows are compared',
           coalesce((SELECT jsonb_agg(r.entry ORDER BY r.number) FROM record r WHERE r.oid = n.oid),
                    '[]')
      FROM named n CROSS JOIN plan
     WHERE NOT plan.in_two
     GROUP BY n.place, n.oid, n.unit, n.relation
)
SELECT i.unit, i.part, i.done, false AS alone, CASE WHEN NOT i.done THEN i.statement END AS statement,
       i.takes, i.records
  FROM item i
 ORDER BY i.place, i.number, i.turn;
