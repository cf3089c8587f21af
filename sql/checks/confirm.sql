-- Has every row the codes that the mapping says? Asked after the fill, and again whenever somebody wants
-- to know. The codes are worked out anew from the mapping, along the whole way to the row where they
-- come from; nothing that the fill or its checkpoints have noted is believed.

-- name: check_confirm
-- One row a check for the tables of the plan ($1, as JSON) in mode $2 (online or window): check_group,
-- check_name, subject, severity, verdict, count, message, samples, query, fix. The comparison itself
-- stands in `query`, which answers verdict, count, message and samples and can be run in psql as it
-- is: it reads the table once, and a second time only where a row is not as it should be. Users that
-- changed their organization meanwhile (tenantdeck.requeue) and rows that belong to nobody
-- (tenantdeck.parked) are told apart. Rows are compared in number with the last measure before.
WITH RECURSIVE plan AS MATERIALIZED (
    SELECT given.doc,
           given.doc ->> 'name' AS name,
           given.doc ->> 'schema' AS schema,
           n.oid AS schema_oid,
           given.doc -> 'mapping' AS mapping,
           $2::text AS mode,
           max(c.doc ->> 'name') FILTER (WHERE c.doc ->> 'role' = 'tenant') AS tenant,
           max(c.doc ->> 'name') FILTER (WHERE c.doc ->> 'role' = 'organization') AS organization
      FROM (SELECT $1::jsonb AS doc) AS given
     CROSS JOIN jsonb_array_elements(given.doc -> 'columns') AS c (doc)
      LEFT JOIN pg_namespace n ON n.nspname = given.doc ->> 'schema'
     GROUP BY given.doc, n.oid
), planned AS MATERIALIZED ( -- the plan's tables, and what the catalog has under their names
    SELECT t.place, t.doc,
           t.doc ->> 'name' AS name,
           t.doc ->> 'source' AS source,
           t.doc ->> 'source_column' AS source_column,
           t.doc ->> 'parent_table' AS parent_table,
           t.doc ->> 'parent_column' AS parent_column,
           t.doc ->> 'orphans' AS orphans,
           (t.doc ->> 'optional')::boolean AS optional,
           format('%I.%I', plan.schema, t.doc ->> 'name') AS shown,
           c.oid
      FROM plan
     CROSS JOIN jsonb_array_elements(plan.doc -> 'tables') WITH ORDINALITY AS t (doc, place)
      LEFT JOIN pg_class c ON c.relnamespace = plan.schema_oid AND c.relkind IN ('r', 'p')
                          AND c.relname = t.doc ->> 'name'
), users AS ( -- the table that tells a user's organization; it need not be one of the plan's
    SELECT plan.mapping ->> 'user_table' AS name,
           plan.mapping ->> 'user_column' AS user_column,
           plan.mapping ->> 'user_key' AS user_key,
           format('%I.%I', plan.schema, plan.mapping ->> 'user_table') AS shown,
           c.oid
      FROM plan
      LEFT JOIN pg_class c ON c.relnamespace = plan.schema_oid AND c.relkind IN ('r', 'p')
                          AND c.relname = plan.mapping ->> 'user_table'
     WHERE plan.mapping ->> 'user_table' IS NOT NULL
), present AS MATERIALIZED ( -- the columns there are, and how each is written as text: a cast could run
    -- somebody's function where the type is not PostgreSQL's own, its output function could not
    SELECT a.attrelid AS oid, a.attname::text AS name, a.attnum AS number,
           coalesce(nullif(t.typbasetype, 0), t.oid) AS type_oid, a.attcollation AS collation,
           o.plain,
           CASE WHEN NOT o.plain THEN 'nullif(format(''%%s'', %s), '''')'
                WHEN a.attcollation NOT IN (0, 100) THEN '%s::text COLLATE "C"'
                ELSE '%s::text' END AS as_text
      FROM pg_attribute a
      JOIN pg_type t ON t.oid = a.atttypid
      JOIN pg_roles r ON r.oid = t.typowner
     CROSS JOIN LATERAL (SELECT r.rolsuper OR r.rolname = current_user AS plain) AS o
     WHERE a.attrelid IN (SELECT oid FROM planned UNION ALL SELECT oid FROM users)
       AND a.attnum > 0 AND NOT a.attisdropped
), single AS ( -- columns that hold each value once, so that a join by them multiplies no row
    SELECT i.indrelid AS oid, present.name
      FROM pg_index i
      JOIN present ON present.oid = i.indrelid AND present.number = i.indkey[0]
     WHERE i.indisunique AND i.indisvalid AND i.indimmediate AND i.indnkeyatts = 1
       AND i.indpred IS NULL
), pair AS MATERIALIZED ( -- how a row (%2$s) is compared with the one it is looked up in (%1$s)
    SELECT p.place,
           CASE WHEN theirs.plain AND ours.plain
                     AND (theirs.type_oid = ours.type_oid AND theirs.collation = ours.collation
                          OR (theirs.type_oid IN ('text'::regtype, 'varchar'::regtype)
                              AND ours.type_oid IN ('text'::regtype, 'varchar'::regtype)
                              AND theirs.collation = ours.collation)
                          OR (theirs.type_oid IN ('int2'::regtype, 'int4'::regtype, 'int8'::regtype)
                              AND ours.type_oid IN ('int2'::regtype, 'int4'::regtype,
                                                    'int8'::regtype)))
                THEN '%1$s = %2$s'
                ELSE replace(theirs.as_text, '%s', '%1$s') || ' = '
                     || replace(ours.as_text, '%s', '%2$s') END AS condition
      FROM planned p
      LEFT JOIN users u ON p.source = 'user'
      LEFT JOIN planned up ON p.source = 'parent' AND up.name = p.parent_table
      JOIN present ours ON ours.oid = p.oid AND ours.name = p.source_column
      JOIN present theirs ON theirs.oid = coalesce(u.oid, up.oid)
                         AND theirs.name = coalesce(u.user_column, p.parent_column)
)

-- ---- the way to the codes: t is the row, t1 its parent, t2 the parent's parent ----

, way AS ( -- before and after: what is put around the code that stands at the end of the way
    SELECT p.place, 0 AS level, p.name AS at, '' AS joins, '' AS tenant_before,
           '' AS organization_before, '' AS tenant_after, '' AS organization_after, true AS is_single,
           ARRAY[]::text[] AS missing, p.orphans = 'park' AS may_park
      FROM planned p WHERE p.oid IS NOT NULL
     UNION ALL
    SELECT w.place, w.level + 1, p.parent_table,
           w.joins || format(E'\n  LEFT JOIN %s AS t%s ON ', up.shown, w.level + 1)
           || coalesce(format(pair.condition, format('t%s.%I', w.level + 1, p.parent_column),
                              format('t%s.%I', nullif(w.level, 0), p.source_column)), 'false'),
           w.tenant_before || around.before,
           w.organization_before || around.before,
           CASE WHEN p.orphans = 'default'
                THEN format(', %L)', plan.mapping ->> 'default_tenant') ELSE ' END' END
           || w.tenant_after,
           CASE WHEN p.orphans = 'default'
                THEN format(', %L)', plan.mapping ->> 'default_organization') ELSE ' END' END
           || w.organization_after,
           w.is_single AND EXISTS (SELECT 1 FROM single s
                                    WHERE s.oid = up.oid AND s.name = p.parent_column),
           w.missing || ARRAY(
               SELECT format('%s.%s', n.table_name, n.column_name)
                 FROM (VALUES (p.oid, p.name, p.source_column),
                              (up.oid, up.name, p.parent_column)) AS n (oid, table_name, column_name)
                WHERE NOT EXISTS (SELECT 1 FROM present c
                                   WHERE c.oid = n.oid AND c.name = n.column_name)),
           w.may_park OR up.orphans = 'park'
      FROM way w
     CROSS JOIN plan
      JOIN planned p ON p.name = w.at AND p.source = 'parent'
      JOIN planned up ON up.name = p.parent_table AND up.oid IS NOT NULL
      LEFT JOIN pair ON pair.place = p.place
     CROSS JOIN LATERAL ( -- a parent that is not there has no codes, whatever stands behind it
           SELECT CASE WHEN p.orphans = 'default' THEN 'coalesce('
                       ELSE format('CASE WHEN t%s.%I IS NULL THEN NULL ELSE ', w.level + 1,
                                   p.parent_column) END AS before) AS around
     WHERE w.level < 32
), root AS ( -- where the way ends: the row that the mapping is asked for
    SELECT w.*, p.place AS root_place, p.source, p.oid, p.name, p.source_column,
           p.source = 'constant' AS is_constant, p.orphans = 'default' AS has_default,
           't' || coalesce(nullif(w.level, 0)::text, '') AS alias
      FROM way w JOIN planned p ON p.name = w.at AND p.source <> 'parent'
), route AS MATERIALIZED ( -- per table: the joins, and what the codes should be
    SELECT r.place, r.may_park,
           r.joins || coalesce(ending.joins, '') AS joins,
           r.tenant_before
           || CASE WHEN r.is_constant THEN format('%L', plan.mapping ->> 'default_tenant')
                   WHEN r.has_default
                   THEN format('coalesce(m.tenant_code, %L)', plan.mapping ->> 'default_tenant')
                   ELSE 'm.tenant_code' END
           || r.tenant_after AS tenant,
           r.organization_before
           || CASE WHEN r.is_constant THEN format('%L', plan.mapping ->> 'default_organization')
                   WHEN r.has_default
                   THEN format('coalesce(m.organization_code, %L)',
                               plan.mapping ->> 'default_organization')
                   ELSE 'm.organization_code' END
           || r.organization_after AS organization,
           ending.keys,
           r.is_single AND (r.source <> 'user'
                            OR EXISTS (SELECT 1 FROM single s
                                        WHERE s.oid = u.oid AND s.name = u.user_column)) AS is_single,
           r.missing || ARRAY(
               SELECT format('%s.%s', n.table_name, n.column_name)
                 FROM (VALUES (r.oid, r.name, r.source_column, true),
                              (u.oid, u.name, u.user_column, r.source = 'user'),
                              (u.oid, u.name, u.user_key, r.source = 'user'))
                      AS n (oid, table_name, column_name, is_used)
                WHERE NOT r.is_constant AND n.is_used
                  AND NOT EXISTS (SELECT 1 FROM present c
                                   WHERE c.oid = n.oid AND c.name = n.column_name)) AS missing
      FROM root r
     CROSS JOIN plan
      LEFT JOIN users u ON true
      LEFT JOIN pair ON pair.place = r.root_place
      LEFT JOIN present source ON source.oid = r.oid AND source.name = r.source_column
      LEFT JOIN present own_user ON r.name = u.name AND own_user.oid = r.oid
                                AND own_user.name = u.user_column
      LEFT JOIN present user_key ON user_key.oid = u.oid AND user_key.name = u.user_key
     CROSS JOIN LATERAL (
           SELECT r.alias || '.' || quote_ident(r.source_column) AS source_name,
                  format(source.as_text, r.alias || '.' || quote_ident(r.source_column)) AS source,
                  format(own_user.as_text, r.alias || '.' || quote_ident(u.user_column)) AS user_id,
                  format(user_key.as_text, 'u.' || quote_ident(u.user_key)) AS user_key) AS text
     CROSS JOIN LATERAL ( -- keys: under which of them the row may wait in tenantdeck.requeue
           SELECT CASE r.source
                  WHEN 'own' THEN
                      format(E'\n  LEFT JOIN tenantdeck.mapping AS m ON m.plan = %L AND m.key = ',
                             plan.name) || text.source
                  WHEN 'user' THEN
                      format(E'\n  LEFT JOIN %s AS u ON ', u.shown)
                      || format(pair.condition, 'u.' || quote_ident(u.user_column),
                                text.source_name)
                      || format(E'\n  LEFT JOIN tenantdeck.mapping AS m ON m.plan = %L AND m.key = ',
                                plan.name) || text.user_key END AS joins,
                  concat_ws(', ', 'coalesce(nullif(' || text.source || ', ''''), ''0'')',
                            text.user_id) AS keys) AS ending
)

-- ---- what is said of a table ----

, subject AS MATERIALIZED (
    SELECT p.place, p.name, p.shown, p.source, p.parent_table, p.oid, route.joins, route.tenant,
           route.organization, route.is_single, route.may_park,
           route.keys,
           p.doc -> 'columns' ? plan.tenant AS has_tenant,
           coalesce(p.doc -> 'columns' ? plan.organization, false) AS has_organization,
           route.missing || ARRAY( -- of the plan's own columns
               SELECT format('%s.%s', p.name, w.name)
                 FROM jsonb_array_elements_text(p.doc -> 'columns') AS w (name)
                WHERE NOT EXISTS (SELECT 1 FROM present c
                                   WHERE c.oid = p.oid AND c.name = w.name AND c.plain))
           || ARRAY(SELECT format('%s.%s', up.name, w.name) -- and of those that the parent's are told by
                      FROM planned up,
                           jsonb_array_elements_text(p.doc -> 'columns') AS w (name)
                     WHERE up.name = p.parent_table AND up.doc -> 'columns' ? w.name
                       AND NOT EXISTS (SELECT 1 FROM present c
                                        WHERE c.oid = up.oid AND c.name = w.name AND c.plain))
               AS missing
      FROM planned p CROSS JOIN plan
      JOIN route ON route.place = p.place
), compared AS ( -- the pieces of the query; a code that the table does not get is not compared
    SELECT s.*,
           concat_ws(' AND ',
               CASE WHEN s.has_tenant THEN format('t.%I = %s', plan.tenant, s.tenant) END,
               CASE WHEN s.has_organization
                    THEN format('t.%I = %s', plan.organization, s.organization) END) AS quick,
           -- The organization may have no code; a row without a tenant is never right.
           concat_ws(' AND ',
               CASE WHEN s.has_tenant THEN format('t.%I = %s', plan.tenant, s.tenant) END,
               CASE WHEN s.has_organization
                    THEN format(CASE WHEN s.has_tenant THEN 't.%I IS NOT DISTINCT FROM %s'
                                     ELSE 't.%I = %s' END, plan.organization, s.organization) END)
               AS exact,
           coalesce((SELECT string_agg(format('t.%I IS NULL', w.name), ' OR ')
                       FROM jsonb_array_elements_text(p.doc -> 'columns') AS w (name)), 'false')
               AS empty,
           -- The parent's own columns, as they are; where it has none of them nothing can differ.
           CASE WHEN s.source = 'parent' THEN
               (SELECT string_agg(format('t1.%I IS NOT DISTINCT FROM t.%1$I', w.name), ' AND ')
                  FROM jsonb_array_elements_text(p.doc -> 'columns') AS w (name)
                  JOIN planned up ON up.name = s.parent_table AND up.doc -> 'columns' ? w.name) END
               AS like_parent,
           code.sets, code.found, code.differs,
           (SELECT string_agg(format('%L, t.%I', c.name, c.name), ', ' ORDER BY c.number)
              FROM present c
             WHERE c.oid = s.oid AND c.plain
               AND (p.doc -> 'columns' ? c.name OR c.name = p.source_column
                    OR EXISTS (SELECT 1 FROM pg_index i
                                WHERE i.indrelid = s.oid AND i.indisprimary
                                  AND c.number = ANY (i.indkey)))) AS row_columns,
           before.rows AS rows_before
      FROM subject s
      JOIN planned p ON p.place = s.place
     CROSS JOIN plan
     CROSS JOIN LATERAL (
           SELECT string_agg(format('%I = f.%s', v.name, v.role), ', ') AS sets,
                  string_agg(format('%s AS %s', v.code, v.role), ', ') AS found,
                  string_agg(format('f.%s IS NOT NULL', v.role), ' AND ')
                  || ' AND (' || string_agg(format('x.%I IS DISTINCT FROM f.%s', v.name, v.role), ' OR ')
                  || ')' AS differs
             FROM (VALUES (plan.tenant, 'tenant', s.tenant, s.has_tenant),
                          (plan.organization, 'organization', s.organization, s.has_organization))
                  AS v (name, role, code, is_wanted)
            WHERE v.is_wanted) AS code
      LEFT JOIN LATERAL ( -- the newest measure of this plan
           SELECT m.value AS rows
             FROM tenantdeck.measure m
             JOIN tenantdeck.run r ON r.id = m.run
             JOIN tenantdeck.plan k ON k.id = r.plan
             JOIN tenantdeck.meta ON meta.generation = r.generation
            WHERE k.name = plan.name AND m.unit = s.name AND m.name = 'rows before'
            ORDER BY m.run DESC LIMIT 1) AS before ON true
), query AS (
    SELECT c.place, format($query$WITH counted AS MATERIALIZED ( -- every row, and the codes it should have
    SELECT %19$s AS tenant, count(*) AS rows, count(*) FILTER (WHERE (%2$s) IS NOT TRUE) AS off
      FROM %1$s AS t%3$s
     GROUP BY 1
), odd AS MATERIALIZED ( -- only where there are any: those that are not as they should be
    SELECT t.ctid AS row, bool_or(%6$s) AS is_empty,
           max(%7$s) AS tenant, max(%8$s) AS organization,
           coalesce(bool_or(%9$s), true) AS is_like_parent,
           bool_or(EXISTS (SELECT 1 FROM tenantdeck.requeue
                            WHERE plan = %11$L AND key IN (%10$s))) AS waits
      FROM %1$s AS t%3$s
     WHERE (SELECT sum(off) FROM counted) > 0%4$s
     GROUP BY t.ctid
    HAVING NOT bool_or((%5$s) IS TRUE)
), sorted AS ( -- one reason for each
    SELECT row, tenant, organization,
           CASE WHEN waits THEN 'the user has another organization now'
                WHEN tenant IS NULL AND is_empty AND %12$L::boolean THEN 'put aside'
                WHEN is_empty THEN 'no codes'
                WHEN NOT is_like_parent THEN 'other codes than the parent'
                ELSE 'other codes than the mapping' END AS reason
      FROM odd
), told AS (
    SELECT %13$s AS total,
           count(*) FILTER (WHERE reason = 'no codes') AS empty,
           count(*) FILTER (WHERE reason = 'other codes than the mapping') AS other,
           count(*) FILTER (WHERE reason = 'other codes than the parent') AS unlike,
           count(*) FILTER (WHERE reason = 'the user has another organization now') AS waits,
           count(*) FILTER (WHERE reason = 'put aside') AS parked,
           (SELECT count(*) FROM tenantdeck.parked WHERE plan = %11$L AND unit = %14$L) AS noted,
           %15$s::bigint AS rows_before
      FROM sorted
), judged AS (
    SELECT *, empty + other + unlike AS wrong, greatest(parked - noted, 0) AS unnoted,
           total - rows_before AS difference
      FROM told
)
SELECT CASE WHEN wrong + unnoted > 0 OR (difference <> 0 AND %16$L = 'window') THEN 'fail'
            WHEN waits + parked > 0 OR difference < 0 THEN 'warn'
            ELSE 'pass' END AS verdict,
       CASE WHEN wrong + waits + parked > 0 THEN wrong + waits + parked ELSE total END AS count,
       concat_ws('; ',
           CASE WHEN wrong + waits + parked = 0
                THEN format('all %%s rows have the codes of the mapping', total)
                ELSE format('of %%s rows', total) END,
           'without codes: ' || nullif(empty, 0),
           'with other codes than the mapping says: ' || nullif(other, 0),
           format('with other codes than their row in %%s: ', %17$L) || nullif(unlike, 0),
           'of users who changed their organization meanwhile, to be filled again: '
               || nullif(waits, 0),
           'put aside, of no tenant: ' || nullif(parked, 0),
           'of these not noted in tenantdeck.parked: ' || nullif(unnoted, 0),
           CASE WHEN parked > 0
                THEN 'as long as they have no codes, the old primary key stays and codes may be NULL' END,
           CASE WHEN difference > 0 THEN format('%%s more than before', difference)
                WHEN difference < 0 THEN format('%%s fewer than before', - difference)
                WHEN difference = 0 THEN 'as many as before' END) AS message,
       CASE WHEN wrong + waits + parked > 0 THEN
           (SELECT jsonb_agg(jsonb_build_object('why', s.reason%18$s,
                                                'should be', concat_ws(' ', s.tenant, s.organization)))
              FROM (SELECT * FROM sorted
                     ORDER BY reason IN ('the user has another organization now', 'put aside'), row
                     LIMIT 5) AS s
              JOIN %1$s AS t ON t.ctid = s.row)
       ELSE (SELECT jsonb_agg(jsonb_build_object('tenant', largest.tenant, 'rows', largest.rows))
               FROM (SELECT tenant, rows FROM counted ORDER BY rows DESC, tenant LIMIT 5) AS largest)
       END AS samples
  FROM judged$query$,
               c.shown, coalesce(nullif(c.quick, ''), 'true'), c.joins,
               -- Where a join could multiply a row, one match that is right is enough.
               CASE WHEN c.is_single
                    THEN format(E'\n       AND (%s) IS NOT TRUE', coalesce(nullif(c.quick, ''), 'true'))
                    ELSE '' END,
               coalesce(nullif(c.exact, ''), 'true'), c.empty,
               CASE WHEN c.has_tenant THEN c.tenant ELSE 'NULL::text' END,
               CASE WHEN c.has_organization THEN c.organization ELSE 'NULL::text' END,
               coalesce(c.like_parent, 'NULL::boolean'), coalesce(nullif(c.keys, ''), 'NULL'),
               plan.name, c.may_park,
               CASE WHEN c.is_single THEN '(SELECT coalesce(sum(rows), 0)::bigint FROM counted)'
                    ELSE format('(SELECT count(*) FROM %s)', c.shown) END,
               c.name, coalesce(c.rows_before::text, 'NULL'), plan.mode,
               coalesce(c.parent_table, ''), ', ' || c.row_columns,
               CASE WHEN c.has_tenant THEN format('t.%I', plan.tenant) ELSE 'NULL::text' END) AS text,
           -- Sets right what can be known; a key of the application's may stand in its way.
           format(E'UPDATE %1$s AS x SET %2$s\n  FROM (SELECT t.ctid AS row, %3$s FROM %1$s AS t%4$s) AS f\n'
                  ' WHERE x.ctid = f.row AND %5$s',
                  c.shown, c.sets, c.found, c.joins, c.differs) AS fix
      FROM compared c CROSS JOIN plan
     WHERE cardinality(c.missing) = 0
), mapping AS ( -- whether there is anything to compare with
    SELECT count(*) AS keys, count(DISTINCT m.tenant_code) AS tenants
      FROM plan JOIN tenantdeck.mapping m ON m.plan = plan.name
)
SELECT found.check_group, found.check_name, found.subject, found.severity, found.verdict, found.count,
       found.message, found.samples, found.query, found.fix
  FROM (
    SELECT 0::bigint AS place, 'completeness' AS check_group, 'mapping' AS check_name,
           plan.name AS subject, 'error' AS severity,
           CASE WHEN mapping.keys > 0 THEN 'pass' ELSE 'fail' END AS verdict,
           mapping.keys AS count,
           CASE WHEN mapping.keys > 0
                THEN format('%s keys lead to %s tenants', mapping.keys, mapping.tenants)
                ELSE 'the journal has no codes of this plan: step mapping has not loaded them' END
               AS message,
           NULL::jsonb AS samples,
           format('SELECT * FROM tenantdeck.mapping WHERE plan = %L ORDER BY key', plan.name) AS query,
           NULL::text AS fix
      FROM plan CROSS JOIN mapping
     WHERE EXISTS (SELECT 1 FROM planned WHERE source <> 'constant')
     UNION ALL
    SELECT p.place, 'completeness', 'codes', p.name,
           CASE WHEN p.oid IS NULL AND p.optional THEN 'info' ELSE 'error' END,
           CASE WHEN p.oid IS NULL AND p.optional THEN 'pass'
                WHEN p.oid IS NULL OR c.place IS NULL THEN 'fail'
                WHEN query.text IS NULL THEN
                    CASE WHEN lacking.names IS NULL THEN 'unknown' ELSE 'fail' END END,
           NULL,
           CASE WHEN p.oid IS NULL AND p.optional
                THEN 'is not in this database; the plan calls it optional'
                WHEN p.oid IS NULL THEN 'is not in this database'
                WHEN c.place IS NULL THEN 'a table that its codes come from is not in this database'
                WHEN query.text IS NULL AND lacking.names IS NOT NULL
                THEN format('there is no column %s', lacking.names)
                WHEN query.text IS NULL
                THEN format('not compared: %s is of a type that somebody else could have bent',
                            array_to_string(c.missing, ', '))
                WHEN mapping.keys = 0 AND p.source <> 'constant'
                THEN 'the journal has no codes to compare with' END,
           NULL, query.text, query.fix
      FROM planned p
     CROSS JOIN plan CROSS JOIN mapping
      LEFT JOIN compared c ON c.place = p.place
      LEFT JOIN query ON query.place = p.place
      LEFT JOIN LATERAL (
           SELECT string_agg(DISTINCT w.name, ', ') AS names
             FROM unnest(c.missing) AS w (name)
            WHERE NOT EXISTS (SELECT 1 FROM present a
                                JOIN planned t ON t.oid = a.oid
                               WHERE format('%s.%s', t.name, a.name) = w.name)
              AND NOT EXISTS (SELECT 1 FROM present a JOIN users u ON u.oid = a.oid
                               WHERE format('%s.%s', u.name, a.name) = w.name)) AS lacking ON true
       ) AS found
 ORDER BY found.place;
