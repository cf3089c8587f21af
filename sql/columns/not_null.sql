-- NOT NULL: which statements set it, and which of them are still to be run. Nothing is changed here.
--
-- Like every statement named work_...: $1 is the plan as JSON, $2 'online' or 'window'. Answers the
-- items in the order to be done: unit (the table), part, done (the catalog has it already), alone (must
-- run outside a transaction), statement, takes (its lock), records (what restores what was there); and
-- where items may be done at the same time as others that say so: beside.

-- name: plan_without_parked
-- What of the plan ($1) can be had while rows are put aside (orphans = park): their tables keep the old
-- primary key, their codes may be NULL, and no foreign key leads there. Answers: document.
SELECT jsonb_set($1::jsonb, '{tables}', coalesce((
           SELECT jsonb_agg(
                      t.doc
                      || CASE WHEN parked.units ? (t.doc ->> 'name')
                              THEN '{"not_null": [], "primary_key":
                                     {"name": null, "replaces": null, "columns": []}}'::jsonb
                              ELSE '{}' END
                      || jsonb_build_object('references', coalesce((
                             SELECT jsonb_agg(f.doc ORDER BY f.place)
                               FROM jsonb_array_elements(t.doc -> 'references')
                                    WITH ORDINALITY AS f (doc, place)
                              WHERE NOT parked.units ? (f.doc ->> 'table')), '[]'))
                      ORDER BY t.place)
             FROM jsonb_array_elements($1::jsonb -> 'tables') WITH ORDINALITY AS t (doc, place)),
           '[]')) AS document
  FROM (SELECT coalesce(jsonb_agg(DISTINCT q.unit), '[]') AS units
          FROM tenantdeck.parked AS q WHERE q.plan = $1::jsonb ->> 'name') AS parked;

-- name: work_not_null
-- Sets NOT NULL where the plan says so. Online, a CHECK that is not yet valid binds new rows at once,
-- then is proved for the old ones while everybody writes on; with the proof at hand SET NOT NULL reads
-- no row. It must be a statement of its own: an ALTER that drops the proof too drops it first, and then
-- reads the whole table under its lock. In a window SET NOT NULL reads the table itself, of two tables
-- at the same time. $1 the plan, $2 the mode.
WITH plan AS MATERIALIZED (
    SELECT given.doc, given.doc ->> 'schema' AS schema, $2::text = 'online' AS online,
           n.oid AS schema_oid
      FROM (SELECT $1::jsonb AS doc) AS given
      JOIN pg_namespace n ON n.nspname = given.doc ->> 'schema'
), wanted AS MATERIALIZED ( -- a table, and its columns that are to be NOT NULL
    SELECT t.place, c.oid, t.doc ->> 'name' AS unit, plan.online,
           format('%I.%I', plan.schema, t.doc ->> 'name') AS relation,
           -- The columns are in its name: the proof of others is no proof of these.
           'tenantdeck_proof_' || left(md5(w.names::text), 8) AS proof,
           w.condition, w.setting, w.missing
      FROM plan
     CROSS JOIN jsonb_array_elements(plan.doc -> 'tables') WITH ORDINALITY AS t (doc, place)
      JOIN pg_class c ON c.relnamespace = plan.schema_oid AND c.relname = t.doc ->> 'name'
                     AND c.relkind = 'r'
     CROSS JOIN LATERAL (
           SELECT array_agg(n.name ORDER BY n.place) AS names,
                  string_agg(format('%I IS NOT NULL', n.name), ' AND ' ORDER BY n.place)
                      AS condition,
                  string_agg(format('ALTER COLUMN %I SET NOT NULL', n.name), ', '
                             ORDER BY n.place) AS setting,
                  array_agg(n.name ORDER BY n.place)
                      FILTER (WHERE a.attnotnull IS NOT TRUE) AS missing
             FROM jsonb_array_elements_text(t.doc -> 'not_null') WITH ORDINALITY AS n (name, place)
             LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = n.name
                                     AND NOT a.attisdropped) AS w
     WHERE w.names IS NOT NULL
), leftover AS ( -- proofs of ours, also of an attempt that went by other columns
    SELECT c.conrelid AS oid, c.conname::text AS name, c.convalidated AS is_valid
      FROM wanted w
      JOIN pg_constraint c ON c.conrelid = w.oid AND c.contype = 'c'
                          AND c.conname LIKE 'tenantdeck\_proof\_%'
), item AS (
    SELECT w.place, 1 AS turn, w.unit, 'prove: for new rows' AS part,
           w.missing IS NULL OR l.name IS NOT NULL AS done,
           format('ALTER TABLE %s ADD CONSTRAINT %I CHECK (%s) NOT VALID', w.relation, w.proof,
                  w.condition) AS statement,
           'ACCESS EXCLUSIVE, for moments' AS takes,
           jsonb_build_array(jsonb_build_object(
               'type', 'table constraint', 'object', format('%I on %s', w.proof, w.relation),
               'definition', NULL,
               'statement', format('ALTER TABLE %s DROP CONSTRAINT IF EXISTS %I', w.relation,
                                   w.proof),
               'alone', false)) AS records
      FROM wanted w LEFT JOIN leftover l ON l.oid = w.oid AND l.name = w.proof
     WHERE w.online
     UNION ALL
    SELECT w.place, 2, w.unit, 'prove: for all rows', w.missing IS NULL OR coalesce(l.is_valid, false),
           format('ALTER TABLE %s VALIDATE CONSTRAINT %I', w.relation, w.proof),
           'SHARE UPDATE EXCLUSIVE, while the table is read', '[]'
      FROM wanted w LEFT JOIN leftover l ON l.oid = w.oid AND l.name = w.proof
     WHERE w.online
     UNION ALL
    SELECT w.place, 3, w.unit, 'set NOT NULL', w.missing IS NULL,
           format('ALTER TABLE %s %s', w.relation, w.setting),
           CASE WHEN w.online THEN 'ACCESS EXCLUSIVE, for moments'
                ELSE 'ACCESS EXCLUSIVE, while the table is read' END,
           -- Not the record of the column itself: that is the one of the step that added it.
           coalesce((SELECT jsonb_agg(jsonb_build_object(
                                'type', 'column not null', 'object', format('%s.%I', w.relation, m.name),
                                'definition', NULL,
                                'statement', format('ALTER TABLE %s ALTER COLUMN %I DROP NOT NULL',
                                                    w.relation, m.name),
                                'alone', false) ORDER BY m.place)
                       FROM unnest(w.missing) WITH ORDINALITY AS m (name, place)), '[]')
      FROM wanted w
     UNION ALL
    SELECT w.place, 4, w.unit, 'drop the proof', w.missing IS NULL AND l.name IS NULL,
           format('ALTER TABLE %s DROP CONSTRAINT %I', w.relation, w.proof),
           'ACCESS EXCLUSIVE, for moments', '[]'
      FROM wanted w LEFT JOIN leftover l ON l.oid = w.oid AND l.name = w.proof
     WHERE w.online
     UNION ALL
    SELECT w.place, 5, w.unit, 'drop a leftover: ' || l.name, false,
           format('ALTER TABLE %s DROP CONSTRAINT %I', w.relation, l.name),
           'ACCESS EXCLUSIVE, for moments', '[]'
      FROM wanted w JOIN leftover l ON l.oid = w.oid
     WHERE NOT (w.online AND l.name = w.proof)
)
SELECT i.unit, i.part, i.done, false AS alone, i.turn = 3 AND NOT plan.online AS beside,
       i.statement, i.takes, i.records
  FROM item i CROSS JOIN plan
 ORDER BY i.place, i.turn, i.part;
