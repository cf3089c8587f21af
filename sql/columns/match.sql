-- How a row is compared with the one that tells its codes, as work_columns (the triggers) and work_fill ask
-- it of `found`, the tables of the plan that are there; `tenantdeck sql work_fill` prints it in its place.
-- It ends with `match`: for each table that looks its codes up, the condition, as a template.
, users AS ( -- the table that tells a user's organization; no row: no table of the plan needs it
    SELECT m.doc ->> 'user_table' AS name, m.doc ->> 'user_column' AS user_column,
           m.doc ->> 'user_key' AS key_column, c.oid, greatest(c.reltuples, 0) AS rows,
           format('%I.%I', plan.schema, m.doc ->> 'user_table') AS relation
      FROM plan
     CROSS JOIN LATERAL (SELECT plan.mapping) AS m (doc)
      JOIN pg_class c ON c.relnamespace = plan.schema_oid AND c.relname = m.doc ->> 'user_table'
                     AND c.relkind = 'r'
     WHERE EXISTS (SELECT 1 FROM found WHERE found.source = 'user')
), attribute AS MATERIALIZED ( -- columns to compare by, and how each is written as text: a cast could
    -- run somebody's function where the type is not PostgreSQL's own, its output function could not
    SELECT a.attrelid AS oid, a.attname AS name, a.attnum, a.attcollation,
           format_type(a.atttypid, a.atttypmod) AS type,
           coalesce(nullif(y.typbasetype, 0), y.oid) AS type_oid,
           y.kind,
           CASE WHEN y.kind = 'string' AND a.attcollation <> 100
                THEN '%s::text COLLATE pg_catalog."default"'
                WHEN y.kind = 'foreign' THEN 'nullif(format(''%%s'', %s), '''')'
                ELSE '%s::text' END AS as_text
      FROM (SELECT oid FROM found UNION SELECT oid FROM users) AS r
      JOIN pg_attribute a ON a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped
      JOIN LATERAL (
           SELECT b.typbasetype, b.oid,
                  CASE WHEN coalesce(nullif(b.typbasetype, 0), b.oid)
                            IN ('text'::regtype, 'varchar'::regtype) THEN 'string'
                       WHEN coalesce(nullif(b.typbasetype, 0), b.oid)
                            IN ('int2'::regtype, 'int4'::regtype, 'int8'::regtype) THEN 'integer'
                       WHEN b.typnamespace = 'pg_catalog'::regnamespace THEN 'own'
                       ELSE 'foreign' END AS kind
             FROM pg_type b WHERE b.oid = a.atttypid) AS y ON true
), lookup AS ( -- the column a row is found by, and the one it is found in
    SELECT f.place, u.oid AS their_oid, u.user_column AS theirs, f.oid AS our_oid,
           f.source_column AS ours
      FROM found f JOIN users u ON f.source = 'user'
     UNION ALL
    SELECT f.place, p.oid, f.parent_column, f.oid, f.source_column
      FROM found f JOIN found p ON f.source = 'parent' AND p.name = f.parent_table
), match AS MATERIALIZED ( -- the comparison of the two; %1$s is their side, %2$s ours. An index on
    -- theirs must be of use; step preflight has refused what cannot be compared
    SELECT l.place, l.their_oid, theirs.attnum AS their_number,
           theirs.kind = 'integer' AND ours.kind = 'integer' AS by_number,
           theirs.as_text AS their_text,
           CASE WHEN theirs.kind = 'string' AND ours.kind = 'string'
                THEN '%1$s = %2$s' || CASE WHEN theirs.attcollation = ours.attcollation THEN ''
                                           ELSE replace(format(' COLLATE %I.%I', n.nspname, c.collname),
                                                        '%', '%%') END
                WHEN theirs.kind = 'integer' AND ours.kind = 'integer'
                     OR theirs.type_oid = ours.type_oid AND theirs.kind = 'own'
                THEN '%1$s = %2$s'
                ELSE replace(theirs.as_text, '%s', '%1$s') || ' = '
                     || replace(ours.as_text, '%s', '%2$s') END AS condition
      FROM lookup l
      JOIN attribute theirs ON theirs.oid = l.their_oid AND theirs.name = l.theirs
      JOIN attribute ours ON ours.oid = l.our_oid AND ours.name = l.ours
      LEFT JOIN pg_collation c ON c.oid = theirs.attcollation
      LEFT JOIN pg_namespace n ON n.oid = c.collnamespace
)
