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
-- include: way.sql

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
           CASE WHEN s.has_tenant THEN format('t.%I', plan.tenant) ELSE 'NULL::text' END AS tenant_now,
           code.sets, code.found, code.differs,
           (SELECT string_agg(format('%L, t.%I', c.name, c.name), ', ' ORDER BY c.number)
              FROM present c
             WHERE c.oid = s.oid AND c.plain
               AND (p.doc -> 'columns' ? c.name OR c.name = p.source_column
                    OR EXISTS (SELECT 1 FROM pg_index i
                                WHERE i.indrelid = s.oid AND i.indisprimary
                                  AND c.number = ANY (i.indkey)))) AS row_columns,
           before.rows AS rows_before, before.commands
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
           SELECT m.value AS rows,
                  (SELECT string_agg(DISTINCT c.command, ', ') -- of others, which may write rows
                     FROM tenantdeck.child c
                     JOIN tenantdeck.step s ON s.id = c.step AND s.name IN ('schema-new', 'seed')
                    WHERE c.kind = 'process' AND c.run >= m.run) AS commands
             FROM tenantdeck.measure m
             JOIN tenantdeck.run r ON r.id = m.run
             JOIN tenantdeck.plan k ON k.id = r.plan
             JOIN tenantdeck.meta ON meta.generation = r.generation
            WHERE k.name = plan.name AND m.unit = s.name AND m.name = 'rows before'
            ORDER BY m.run DESC LIMIT 1) AS before ON true
), beneath AS ( -- on a cluster: the tables whose rows lead to a table's rows go along with them
    SELECT c.place, c.place AS of, 0 AS depth FROM compared c CROSS JOIN plan WHERE plan.distribute
     UNION
    SELECT b.place, p.place, b.depth + 1
      FROM beneath b
      JOIN planned up ON up.place = b.of
      JOIN planned p ON p.name <> up.name
       AND EXISTS (SELECT 1 FROM jsonb_array_elements(p.doc -> 'references') AS r (doc)
                    WHERE r.doc ->> 'table' = up.name)
     WHERE b.depth < 20
), piece AS ( -- the statements for each of them; a row without a key of its own cannot be told
    SELECT b.place, c.shown, max(b.depth) AS depth, b.of,
           c.place IS NOT NULL AND key.names IS NOT NULL AS is_known, key.has_tenant,
           format(E'CREATE TEMP TABLE %1$s ON COMMIT DROP AS\nSELECT %2$s%3$s%4$s\n  FROM %5$s AS t%6$s\n'
                  ' GROUP BY %2$s\nHAVING NOT bool_or((%7$s) IS TRUE) AND min(%8$s) = max(%8$s)%9$s',
                  it.moved, key.names, format(', max(%s) AS tenant_to', c.tenant),
                  CASE WHEN c.has_organization
                       THEN format(', max(%s) AS organization_to', c.organization) END,
                  c.shown, c.joins, c.exact, c.tenant,
                  CASE WHEN c.has_organization
                       THEN format(E'\n   AND min(%1$s) IS NOT DISTINCT FROM max(%1$s)', c.organization) END)
               AS look,
           format(E'INSERT INTO %s (%s)%s\nSELECT %s\n  FROM %s AS t JOIN %s AS m ON %s\n'
                  ' WHERE m.tenant_to <> t.%I', c.shown, col.names,
                  CASE WHEN col.has_identity THEN ' OVERRIDING SYSTEM VALUE' END, col.sources, c.shown,
                  it.moved, key.same, plan.tenant) AS insertion,
           CASE WHEN c.has_organization THEN
               format(E'UPDATE %s AS t SET %I = m.organization_to\n  FROM %s AS m\n'
                      ' WHERE %s AND m.tenant_to = t.%I', c.shown, plan.organization, it.moved, key.same,
                      plan.tenant) END AS correction,
           format(E'DELETE FROM %s AS t USING %s AS m\n WHERE %s AND m.tenant_to <> t.%I',
                  c.shown, it.moved, key.same, plan.tenant) AS deletion
      FROM beneath b
     CROSS JOIN plan
      LEFT JOIN compared c ON c.place = b.of AND c.has_tenant AND cardinality(c.missing) = 0
     CROSS JOIN LATERAL (SELECT 'tenantdeck_moved_' || b.of AS moved) AS it
      LEFT JOIN LATERAL (
           SELECT string_agg(format('t.%I', p.name), ', ' ORDER BY p.number) AS names,
                  string_agg(format('t.%I = m.%1$I', p.name), ' AND ' ORDER BY p.number) AS same,
                  bool_or(p.name = plan.tenant) AS has_tenant
             FROM pg_index i
             JOIN present p ON p.oid = i.indrelid AND p.number = ANY (i.indkey)
            WHERE i.indrelid = c.oid AND i.indisprimary) AS key ON true
      LEFT JOIN LATERAL (
           SELECT string_agg(format('%I', a.attname), ', ' ORDER BY a.attnum) AS names,
                  string_agg(CASE a.attname WHEN plan.tenant THEN 'm.tenant_to'
                                            WHEN plan.organization THEN 'm.organization_to'
                                            ELSE format('t.%I', a.attname) END,
                             ', ' ORDER BY a.attnum) AS sources,
                  bool_or(a.attidentity = 'a') AS has_identity
             FROM pg_attribute a
            WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
              AND a.attgenerated = '') AS col ON true
     GROUP BY b.place, b.of, c.place, c.shown, c.tenant, c.organization, c.has_organization, c.joins,
              c.exact, it.moved, key.names, key.same, key.has_tenant, col.names, col.sources, col.has_identity,
              plan.tenant, plan.organization
), move AS ( -- top down the rows are written anew, from below the old ones go: no key is ever without its row
    SELECT p.place,
           CASE WHEN bool_and(p.is_known) THEN concat(
               E'-- To be run by hand, in psql on the coordinator: a row of another tenant belongs to another shard.\n'
               '-- What leads to it goes along. Writers wait; what fails leaves all as it was. Rows that two\n'
               '-- parents claim stay as they are, and are found again.\nBEGIN;\n'
               'SET LOCAL citus.multi_shard_modify_mode TO ''sequential'';\n',
               format(E'LOCK TABLE %s IN SHARE ROW EXCLUSIVE MODE;\n',
                      string_agg(p.shown, ', ' ORDER BY p.depth, p.of)),
               string_agg(concat(p.look, E';\n'), '' ORDER BY p.depth, p.of),
               string_agg(concat(p.insertion, E';\n', p.correction || E';\n'), '' ORDER BY p.depth, p.of),
               string_agg(concat(p.deletion, E';\n'), '' ORDER BY p.depth DESC, p.of), 'COMMIT')
           ELSE '-- Not told: one of the tables that would be changed has no primary key, or not all columns.'
           END AS text
      FROM piece p
     GROUP BY p.place -- as long as a key lacks the tenant its table is not spread, and an UPDATE does
    HAVING bool_and(p.has_tenant) IS NOT false
), query AS (
    SELECT c.place, format($query$WITH counted AS MATERIALIZED ( -- every row, and the codes it should have
    SELECT %19$s AS tenant, count(*) AS rows, count(*) FILTER (WHERE (%2$s) IS NOT TRUE) AS off
      FROM %1$s AS t%3$s
     GROUP BY 1
), odd AS MATERIALIZED ( -- only where there are any: those that are not as they should be
    SELECT %10$s AS row, bool_or(%6$s) AS is_empty,
           max(%7$s) AS tenant, max(%8$s) AS organization,
           coalesce(bool_or(%9$s), true) AS is_like_parent,
           bool_or(%20$s) AS waits
      FROM %1$s AS t%3$s
     WHERE %21$s%4$s
     GROUP BY 1
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
SELECT CASE WHEN wrong + unnoted > 0 OR (difference <> 0 AND %16$L = 'window'
                                          AND (difference < 0 OR %23$L IS NULL)) THEN 'fail'
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
           CASE WHEN difference > 0 THEN format('%%s more than before%%s', difference,
                                                 ', and ''' || %23$L || ''' was run since')
                WHEN difference < 0 THEN format('%%s fewer than before', - difference)
                WHEN difference = 0 THEN 'as many as before' END) AS message,
       CASE WHEN wrong + waits + parked > 0 THEN
           (SELECT jsonb_agg(jsonb_build_object('why', s.reason) || %18$s
                             || jsonb_build_object('should be', concat_ws(' ', s.tenant, s.organization)))
              FROM (SELECT * FROM sorted
                     ORDER BY reason IN ('the user has another organization now', 'put aside'), row
                     LIMIT 5) AS s%22$s)
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
               coalesce(c.like_parent, 'NULL::boolean'), kind.row, plan.name, c.may_park,
               CASE WHEN c.is_single THEN '(SELECT coalesce(sum(rows), 0)::bigint FROM counted)'
                    ELSE format('(SELECT count(*) FROM %s)', c.shown) END,
               c.name, coalesce(c.rows_before::text, 'NULL'), plan.mode,
               coalesce(c.parent_table, ''), kind.sample,
               c.tenant_now, kind.waits, kind.only, kind.again, c.commands) AS text,
           -- Sets right what can be known; a key of the application's may stand in its way. Where a row is
           -- moved to another shard by it, it is no UPDATE.
           coalesce(move.text,
               format(E'UPDATE %1$s AS x SET %2$s\n'
                      '  FROM (SELECT t.ctid AS row, %3$s FROM %1$s AS t%4$s) AS f\n'
                      ' WHERE x.ctid = f.row AND %5$s',
                      c.shown, c.sets, c.found, c.joins, c.differs)) AS fix
      FROM compared c CROSS JOIN plan
      LEFT JOIN move ON move.place = c.place
     CROSS JOIN LATERAL ( -- what tells a row, and in which of them it is worth while to look again
           SELECT 't.ctid' AS row, format('jsonb_build_object(%s)', c.row_columns) AS sample,
                  format(E'EXISTS (SELECT 1 FROM tenantdeck.requeue\n'
                         '                            WHERE plan = %L AND key IN (%s))', plan.name,
                         coalesce(nullif(c.keys, ''), 'NULL')) AS waits,
                  '(SELECT sum(off) FROM counted) > 0' AS only,
                  format(E'\n              JOIN %s AS t ON t.ctid = s.row', c.shown) AS again
            WHERE NOT plan.distribute
            UNION ALL
           -- Each shard of Citus has a ctid of its own kind, and its planner refuses the condition above.
           -- Nobody is noted to be filled again, since it has no triggers.
           SELECT format('jsonb_build_object(%s)', c.row_columns), 's.row', 'false',
                  format('coalesce(%s::text, '''') IN (SELECT coalesce(tenant::text, '''') FROM counted '
                         'WHERE off > 0)', c.tenant_now), ''
            WHERE plan.distribute) AS kind
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
