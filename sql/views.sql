-- Step `views`: the materialized views of each tenant, from a site's .sql files.
--
-- A file is run under scratch names, :"m_sessions" being tenantdeck_scratch_1, say; then the catalog
-- tells what it has made, and whether just that stands under the tenant's own names already. If not,
-- the scratch takes its place by renaming, in the same transaction. $1 of the statements is the
-- schema, $2 the names: [{"scratch": "tenantdeck_scratch_1", "name": "north_m_sessions"}, ...].

-- name: views_tenants
-- The tenants of plan $1: those of its mapping, and its default tenant $2 (NULL: it has none). Answers:
-- tenant.
SELECT m.tenant_code AS tenant FROM tenantdeck.mapping m WHERE m.plan = $1::text
 UNION
SELECT $2::text WHERE $2::text IS NOT NULL
 ORDER BY 1;

-- name: views_state
-- What the file has made under the scratch names. One row a name, in their order: name, kind ('m' a
-- materialized view, 'i' an index, NULL nothing), same (that stands under its own name already: the
-- view with its query, comment and indexes), trouble (why it cannot take that name; NULL: it can).
WITH item AS (
    SELECT i.place, i.doc ->> 'scratch' AS scratch, i.doc ->> 'name' AS name, s.oid AS made,
           s.relkind AS kind, f.oid AS there, f.relkind AS there_kind
      FROM pg_namespace n
     CROSS JOIN jsonb_array_elements($2::jsonb) WITH ORDINALITY AS i (doc, place)
      LEFT JOIN pg_class s ON s.relnamespace = n.oid AND s.relname = i.doc ->> 'scratch'
      LEFT JOIN pg_class f ON f.relnamespace = n.oid AND f.relname = i.doc ->> 'name'
     WHERE n.nspname = $1::text
), indexed AS ( -- of the views, by the names that the indexes shall have
    SELECT x.indrelid, item.place IS NULL AS unnamed,
           jsonb_build_array(COALESCE(item.name, c.relname::text), x.indisunique,
                             substring(pg_get_indexdef(c.oid) FROM ' USING .*$'),
                             obj_description(c.oid, 'pg_class')) AS shape
      FROM pg_index x
      JOIN pg_class c ON c.oid = x.indexrelid
      LEFT JOIN item ON item.scratch = c.relname::text
     WHERE x.indrelid IN (SELECT made FROM item UNION SELECT there FROM item)
), shaped AS (
    SELECT item.*,
           (SELECT jsonb_agg(shape ORDER BY shape) FROM indexed WHERE indrelid = made) AS made_indexes,
           (SELECT jsonb_agg(shape ORDER BY shape) FROM indexed WHERE indrelid = there)
               AS there_indexes,
           (SELECT bool_or(unnamed) FROM indexed WHERE indrelid = made) AS unnamed
      FROM item
)
SELECT name,
       kind::text AS kind,
       CASE WHEN kind = 'm'
            THEN there_kind IS NOT DISTINCT FROM 'm'
                 AND pg_get_viewdef(made) IS NOT DISTINCT FROM pg_get_viewdef(there)
                 AND obj_description(made, 'pg_class')
                     IS NOT DISTINCT FROM obj_description(there, 'pg_class')
                 AND made_indexes IS NOT DISTINCT FROM there_indexes
            ELSE there IS NOT NULL
       END AS same,
       CASE WHEN kind IS NULL
            THEN 'the file makes nothing of this name'
            WHEN kind NOT IN ('m', 'i')
            THEN 'the file makes something else of it than a materialized view or an index'
            WHEN unnamed
            THEN 'an index on it has no name of its own, as in CREATE INDEX :"NAME" ON'
            WHEN kind = 'm' AND there IS NOT NULL AND there_kind <> 'm'
            THEN 'something else than a materialized view has this name'
            WHEN kind = 'i' AND there IS NOT NULL
                 AND NOT EXISTS (SELECT 1 FROM pg_index x
                                   JOIN item view ON view.there = x.indrelid AND view.kind = 'm'
                                  WHERE x.indexrelid = shaped.there)
            THEN 'something else than an index of the same views has this name'
       END AS trouble
  FROM shaped
 ORDER BY place;

-- name: views_records
-- Undo records (for step_keep) of the views that are about to stand under the names: one that is not
-- there is dropped by undo; one that is comes back with its query, indexes, owner, comments and rights.
WITH view AS (
    SELECT i.place, format('%I.%I', n.nspname, i.doc ->> 'name') AS shown, f.*,
           pg_get_userbyid(f.relowner) AS owner
      FROM pg_namespace n
     CROSS JOIN jsonb_array_elements($2::jsonb) WITH ORDINALITY AS i (doc, place)
      JOIN pg_class s ON s.relnamespace = n.oid AND s.relname = i.doc ->> 'scratch'
                     AND s.relkind = 'm'
      LEFT JOIN pg_class f ON f.relnamespace = n.oid AND f.relname = i.doc ->> 'name'
     WHERE n.nspname = $1::text
), written AS (
    SELECT view.place, view.shown,
           CASE WHEN view.oid IS NOT NULL THEN concat_ws(E'\n',
               format('CREATE MATERIALIZED VIEW %s%s%s AS%s WITH %s;', shown,
                      ' WITH (' || array_to_string(reloptions, ', ') || ')',
                      (SELECT format(' TABLESPACE %I', t.spcname) FROM pg_tablespace t
                        WHERE t.oid = view.reltablespace),
                      E'\n' || rtrim(pg_get_viewdef(view.oid), E'; \n'),
                      CASE WHEN relispopulated THEN 'DATA' ELSE 'NO DATA' END),
               (SELECT string_agg(pg_get_indexdef(x.indexrelid) || ';', E'\n'
                                  ORDER BY x.indexrelid)
                  FROM pg_index x WHERE x.indrelid = view.oid),
               (SELECT format('ALTER MATERIALIZED VIEW %s CLUSTER ON %I;', shown, c.relname)
                  FROM pg_index x JOIN pg_class c ON c.oid = x.indexrelid
                 WHERE x.indrelid = view.oid AND x.indisclustered),
               format('COMMENT ON MATERIALIZED VIEW %s IS %L;', shown,
                      obj_description(view.oid, 'pg_class')),
               (SELECT string_agg(format('COMMENT ON COLUMN %s.%I IS %L;', shown, a.attname,
                                         d.description), E'\n' ORDER BY a.attnum)
                  FROM pg_description d JOIN pg_attribute a ON a.attrelid = d.objoid
                                                           AND a.attnum = d.objsubid
                 WHERE d.classoid = 'pg_class'::regclass AND d.objoid = view.oid
                   AND d.objsubid > 0),
               (SELECT string_agg(format('COMMENT ON INDEX %s IS %L;', x.indexrelid::regclass,
                                         obj_description(x.indexrelid, 'pg_class')), E'\n'
                                  ORDER BY x.indexrelid)
                  FROM pg_index x
                 WHERE x.indrelid = view.oid
                   AND obj_description(x.indexrelid, 'pg_class') IS NOT NULL),
               format('ALTER MATERIALIZED VIEW %s OWNER TO %I;', shown, owner),
               (SELECT string_agg(format('GRANT %s ON %s TO %s%s;', g.privilege_type, shown,
                                         CASE g.grantee WHEN 0 THEN 'PUBLIC'
                                              ELSE g.grantee::regrole::text END,
                                         CASE WHEN g.is_grantable THEN ' WITH GRANT OPTION'
                                              ELSE '' END), E'\n')
                  FROM aclexplode(view.relacl) AS g WHERE g.grantee <> view.relowner))
           END AS definition
      FROM view
)
SELECT COALESCE(jsonb_agg(jsonb_build_object(
           'type', 'materialized view', 'object', shown, 'definition', definition,
           'statement', concat_ws(E'\n', format('DROP MATERIALIZED VIEW IF EXISTS %s;', shown),
                                  definition),
           'alone', false) ORDER BY place), '[]')::text AS records
  FROM written;

-- name: views_swap
-- What puts the scratch into its place, in order: the views are filled first, which takes time and
-- blocks nobody; then the old ones go and the names change, which takes a moment. $3 is the plan: a
-- view belongs to the owner of the one before or of the plan's tables, who can refresh it, as far as
-- we may give it away. Answers: statement.
WITH item AS (
    SELECT i.place, i.doc ->> 'name' AS name, s.oid AS made, s.relkind AS kind, s.relispopulated,
           format('%I.%I', n.nspname, s.relname) AS scratch, f.oid AS there,
           format('%I.%I', n.nspname, i.doc ->> 'name') AS shown, f.relkind AS there_kind,
           r.rolname AS owner
      FROM pg_namespace n
     CROSS JOIN jsonb_array_elements($2::jsonb) WITH ORDINALITY AS i (doc, place)
      JOIN pg_class s ON s.relnamespace = n.oid AND s.relname = i.doc ->> 'scratch'
      LEFT JOIN pg_class f ON f.relnamespace = n.oid AND f.relname = i.doc ->> 'name'
      LEFT JOIN pg_roles r
             ON r.oid = COALESCE(f.relowner,
                    (SELECT mode() WITHIN GROUP (ORDER BY c.relowner)
                       FROM jsonb_array_elements($3::jsonb -> 'tables') AS t
                       JOIN pg_class c ON c.oid = to_regclass(
                                format('%I.%I', $3::jsonb ->> 'schema', t ->> 'name'))))
            AND pg_has_role(r.oid, 'MEMBER')
            AND has_schema_privilege(r.oid, n.oid, 'CREATE')
     WHERE n.nspname = $1::text
), work AS (
    SELECT 1 AS turn, made::bigint AS place, format('REFRESH MATERIALIZED VIEW %s', scratch) AS statement
      FROM item WHERE kind = 'm' AND NOT relispopulated
     UNION ALL
    SELECT 2, made::bigint, format('ALTER MATERIALIZED VIEW %s OWNER TO %I', scratch, owner)
      FROM item WHERE kind = 'm' AND owner <> current_user
     UNION ALL
    SELECT 3, -there::bigint, format('DROP MATERIALIZED VIEW %s', shown)
      FROM item WHERE kind = 'm' AND there_kind = 'm'
     UNION ALL
    SELECT 4, place, format('ALTER %s %s RENAME TO %I',
                            CASE kind WHEN 'm' THEN 'MATERIALIZED VIEW' ELSE 'INDEX' END, scratch,
                            name)
      FROM item
)
SELECT statement FROM work ORDER BY turn, place;

-- name: views_refresh
-- Brings views that are there already up to date: beside their readers where a unique index allows
-- that. Answers: statement.
SELECT format('REFRESH MATERIALIZED VIEW %s%I.%I',
              CASE WHEN c.relispopulated
                    AND EXISTS (SELECT 1 FROM pg_index x
                                 WHERE x.indrelid = c.oid AND x.indisunique AND x.indisvalid
                                   AND x.indpred IS NULL AND x.indexprs IS NULL)
                   THEN 'CONCURRENTLY ' ELSE '' END, n.nspname, c.relname) AS statement
  FROM pg_namespace n
 CROSS JOIN jsonb_array_elements($2::jsonb) WITH ORDINALITY AS i (doc, place)
  JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = i.doc ->> 'name' AND c.relkind = 'm'
 WHERE n.nspname = $1::text
 ORDER BY i.place;

-- name: views_missing
-- Asked after the commit: names under which nothing stands, or a view that was never filled, or of
-- which the scratch is left. Answers: names (NULL: all is well).
SELECT string_agg(i.doc ->> 'name', ', ') AS names
  FROM jsonb_array_elements($2::jsonb) AS i (doc)
  LEFT JOIN pg_class c
         ON c.oid = to_regclass(format('%I.%I', $1::text, i.doc ->> 'name'))
 WHERE c.oid IS NULL
    OR (c.relkind = 'm' AND NOT c.relispopulated)
    OR to_regclass(format('%I.%I', $1::text, i.doc ->> 'scratch')) IS NOT NULL;

-- name: views_global
-- Materialized views of schema $1 that have a name of $2 (a JSON array: m_sessions, ...) without a
-- tenant's: they are from before and hold the rows of all tenants. Answers: name, statement (what
-- would drop it).
SELECT c.relname::text AS name, format('DROP MATERIALIZED VIEW %I.%I', n.nspname, c.relname) AS statement
  FROM jsonb_array_elements_text($2::jsonb) AS wanted
  JOIN pg_namespace n ON n.nspname = $1::text
  JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = wanted AND c.relkind = 'm'
 ORDER BY 1;
