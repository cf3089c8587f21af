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
-- include: codes.sql

, query AS (
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
           coalesce(move.by_hand,
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
