-- Distribution: the statements that spread the plan's tables over a Citus cluster, by tenant. Nothing is
-- changed here; see not_null.sql for what a statement named work_... takes and answers.
--
-- A server without Citus knows none of its catalogs, and the statement has to be understood there, too;
-- so they are read by way of query_to_xml(), which looks at a text only when it runs.

-- name: work_distribute
-- Drops the fill triggers (Citus takes no table with any), makes ids that a sequence gives bigint where
-- tables may be rewritten, and distributes all tables in one group, those that others lead to first.
-- Online the rows are copied while everybody writes on; in a window writers wait, and the rows that stay
-- on the coordinator's disk, unseen, are removed. What Citus would refuse is answered as an item
-- 'refused' whose 'takes' is the reason. $1 the plan, $2 the mode.
WITH RECURSIVE plan AS MATERIALIZED (
    SELECT given.doc, given.doc ->> 'schema' AS schema, n.oid AS schema_oid,
           $2::text = 'online' AS online, tenant.name AS tenant, tenant.type,
           citus.extversion IS NOT NULL AS has_citus,
           CASE WHEN citus.extversion IS NOT NULL THEN
               substring(query_to_xml('SELECT groupid FROM pg_catalog.pg_dist_local_group', false,
                                      false, '')::text FROM '<groupid>(-?\d+)</groupid>') = '0' END
               AS is_coordinator,
           CASE WHEN citus.extversion IS NOT NULL THEN
               query_to_xml(format(
                   'SELECT p.logicalrelid::oid AS relation, p.partmethod AS method, '
                   'p.repmodel AS model, p.colocationid AS colocation, coalesce('
                   'pg_catalog.column_to_column_name(p.logicalrelid, p.partkey) = %L, false)::text '
                   'AS by_tenant FROM pg_catalog.pg_dist_partition p', tenant.name), false, false,
                   '')::text END AS partitions,
           CASE WHEN citus.extversion IS NOT NULL THEN
               query_to_xml(format(
                   'SELECT 1 AS remains FROM pg_catalog.pg_dist_cleanup u, pg_catalog.pg_class c '
                   'WHERE c.relnamespace = %L::regnamespace AND c.oid IN '
                   '(SELECT logicalrelid FROM pg_catalog.pg_dist_partition) '
                   'AND starts_with(u.object_name, format(''%%I.%%I'', %L::text, c.relname || ''_'')) '
                   'LIMIT 1', quote_ident(given.doc ->> 'schema'), given.doc ->> 'schema'), false,
                   false, '')::text LIKE '%<remains>%' END AS has_remains
      FROM (SELECT $1::jsonb AS doc) AS given
      JOIN pg_namespace n ON n.nspname = given.doc ->> 'schema'
     CROSS JOIN LATERAL (SELECT c.doc ->> 'name' AS name, (c.doc ->> 'type')::regtype::oid AS type
                           FROM jsonb_array_elements(given.doc -> 'columns') AS c (doc)
                          WHERE c.doc ->> 'role' = 'tenant') AS tenant
      LEFT JOIN pg_extension citus ON citus.extname = 'citus'
), spread AS MATERIALIZED ( -- what Citus knows of
    SELECT m[1]::oid AS oid, m[2] = 'h' AND m[5] = 'true' AS is_done,
           m[2] = 'n' AND m[3] = 't' AS is_reference,
           m[2] = 'n' AND m[3] <> 't' AND m[4] = '0' AS is_leftover
      FROM plan
     CROSS JOIN regexp_matches(plan.partitions,
                    '<relation>(\d+)</relation>\s*<method>(.)</method>\s*<model>(.)</model>\s*'
                    '<colocation>(\d+)</colocation>\s*<by_tenant>(true|false)</by_tenant>', 'g') AS m
), planned AS MATERIALIZED (
    SELECT t.place, t.doc, t.doc ->> 'name' AS unit, c.oid,
           format('%I.%I', plan.schema, t.doc ->> 'name') AS relation,
           coalesce(s.is_done, false) AS is_done, coalesce(s.is_leftover, false) AS is_leftover,
           s.oid IS NOT NULL AND NOT s.is_done AND NOT s.is_leftover AS is_otherwise
      FROM plan
     CROSS JOIN jsonb_array_elements(plan.doc -> 'tables') WITH ORDINALITY AS t (doc, place)
      JOIN pg_class c ON c.relnamespace = plan.schema_oid AND c.relname = t.doc ->> 'name'
                     AND c.relkind = 'r'
      LEFT JOIN spread s ON s.oid = c.oid
), depth AS ( -- how many tables a table leads to, one after the other
    SELECT p.unit, 0 AS depth FROM planned p
     UNION
    SELECT p.unit, d.depth + 1
      FROM depth d
      JOIN planned p ON p.unit <> d.unit
       AND EXISTS (SELECT 1 FROM jsonb_array_elements(p.doc -> 'references') AS r (doc)
                    WHERE r.doc ->> 'table' = d.unit)
     WHERE d.depth < 20
), ranked AS MATERIALIZED (
    SELECT p.*, row_number() OVER (ORDER BY max(d.depth), p.place) AS turn,
           first_value(p.relation) OVER (ORDER BY max(d.depth), p.place) AS first_relation
      FROM planned p JOIN depth d ON d.unit = p.unit
     GROUP BY p.place, p.doc, p.unit, p.oid, p.relation, p.is_done, p.is_leftover, p.is_otherwise
), going AS ( -- keys that step keys replaces
    SELECT i.indexrelid
      FROM planned p
      JOIN pg_index i ON i.indrelid = p.oid
      JOIN pg_class x ON x.oid = i.indexrelid
     WHERE (i.indisprimary AND jsonb_array_length(p.doc -> 'primary_key' -> 'columns') > 0)
        OR EXISTS (SELECT 1 FROM jsonb_array_elements(p.doc -> 'uniques') AS u (doc)
                    WHERE u.doc ->> 'replaces' = x.relname)
), foreign_key AS ( -- that stay: no key they lead to is replaced
    SELECT f.oid, f.conname::text AS name, f.conrelid, f.confrelid, c.relname AS table_name,
           t.relname AS target_name,
           EXISTS (SELECT 1 FROM plan JOIN pg_attribute a ON a.attname = plan.tenant
                    WHERE a.attrelid = f.conrelid AND a.attnum = ANY (f.conkey)) AS has_tenant
      FROM pg_constraint f
      JOIN pg_class c ON c.oid = f.conrelid
      JOIN pg_class t ON t.oid = f.confrelid
     WHERE f.contype = 'f' AND f.conindid NOT IN (SELECT indexrelid FROM going)
       AND (f.conrelid IN (SELECT oid FROM planned) OR f.confrelid IN (SELECT oid FROM planned))
), number AS MATERIALIZED ( -- ids that a sequence gives, and are too narrow for a cluster
    SELECT p.oid, a.attname::text AS name, format_type(a.atttypid, a.atttypmod) AS type,
           a.attidentity <> '' AS is_identity,
           CASE WHEN a.attidentity = '' THEN pg_get_serial_sequence(p.relation, a.attname) END
               AS sequence,
           EXISTS (SELECT 1 FROM pg_depend d
                    WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = p.oid
                      AND d.refobjsubid = a.attnum
                      AND d.classid IN ('pg_rewrite'::regclass, 'pg_policy'::regclass)) AS is_viewed
      FROM planned p
      JOIN pg_attribute a ON a.attrelid = p.oid AND a.attnum > 0 AND NOT a.attisdropped
                         AND a.atttypid IN ('integer'::regtype, 'smallint'::regtype)
     WHERE NOT p.is_done
       AND (a.attidentity <> '' OR pg_get_serial_sequence(p.relation, a.attname) IS NOT NULL)
), widened AS MATERIALIZED ( -- those, and the columns that lead to them
    SELECT n.oid, n.name, n.type, n.sequence FROM number n WHERE NOT n.is_viewed
     UNION
    SELECT p.oid, pair.name, format_type(a.atttypid, a.atttypmod), NULL
      FROM planned p
     CROSS JOIN jsonb_array_elements(p.doc -> 'references') AS r (doc)
      JOIN planned t ON t.unit = r.doc ->> 'table'
     CROSS JOIN LATERAL ROWS FROM (jsonb_array_elements_text(r.doc -> 'columns'),
                                   jsonb_array_elements_text(r.doc -> 'target'))
                        AS pair (name, target)
      JOIN pg_attribute a ON a.attrelid = p.oid AND a.attname = pair.name
                         AND a.atttypid IN ('integer'::regtype, 'smallint'::regtype)
     WHERE NOT p.is_done
       AND NOT EXISTS (SELECT 1 FROM number n WHERE n.oid = p.oid AND n.name = pair.name)
       AND NOT EXISTS (SELECT 1 FROM pg_depend d
                        WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = p.oid
                          AND d.refobjsubid = a.attnum
                          AND d.classid IN ('pg_rewrite'::regclass, 'pg_policy'::regclass))
       AND EXISTS (SELECT 1 FROM pg_attribute b
                    WHERE b.attrelid = t.oid AND b.attname = pair.target
                      AND (b.atttypid = 'bigint'::regtype
                           OR EXISTS (SELECT 1 FROM number n
                                       WHERE n.oid = t.oid AND n.name = pair.target
                                         AND NOT n.is_viewed)))
), viewed AS ( -- a materialized view's indexes are gone once a table under it has come back
    WITH RECURSIVE above AS (
        SELECT p.oid AS base, p.oid FROM planned p
         UNION
        SELECT a.base, w.ev_class
          FROM above a
          JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = a.oid
                          AND d.classid = 'pg_rewrite'::regclass
          JOIN pg_rewrite w ON w.oid = d.objid AND w.ev_class <> a.oid
    )
    SELECT a.base, format('%I.%I', n.nspname, x.relname) AS object,
           pg_get_indexdef(x.oid) AS definition,
           CASE WHEN i.indisunique THEN 'CREATE UNIQUE INDEX ' ELSE 'CREATE INDEX ' END AS creates
      FROM above a
      JOIN pg_class c ON c.oid = a.oid AND c.relkind = 'm'
      JOIN pg_index i ON i.indrelid = c.oid
      JOIN pg_class x ON x.oid = i.indexrelid
      JOIN pg_namespace n ON n.oid = x.relnamespace
), our_trigger AS ( -- those that are there, and, before step columns has run, those that will be
    SELECT p.place, p.unit, p.relation, g.oid, g.tgname::text AS name, g.tgenabled AS enabled
      FROM planned p
      JOIN pg_trigger g ON g.tgrelid = p.oid AND NOT g.tgisinternal
      JOIN pg_proc f ON f.oid = g.tgfoid
      JOIN pg_namespace n ON n.oid = f.pronamespace AND n.nspname = 'tenantdeck'
     WHERE NOT p.is_done
     UNION ALL
    SELECT p.place, p.unit, p.relation, NULL, purpose || '_' || (plan.doc ->> 'name'), NULL
      FROM planned p
     CROSS JOIN plan
     CROSS JOIN (VALUES ('tenantdeck_fill'), ('tenantdeck_requeue')) AS made (purpose)
     WHERE plan.online
       AND (purpose = 'tenantdeck_fill' OR plan.doc -> 'mapping' ->> 'user_table' = p.unit)
       AND NOT EXISTS (SELECT 1 FROM pg_attribute a
                        WHERE a.attrelid = p.oid AND a.attname = plan.tenant
                          AND NOT a.attisdropped)
), obstacle AS (
    SELECT 0::bigint AS place, plan.schema AS unit,
           'this database has no extension ''citus''; CREATE EXTENSION citus on every node, or take '
           '''distribute'' out of the plan' AS reason
      FROM plan WHERE NOT plan.has_citus
     UNION ALL
    SELECT 0, plan.schema, 'this node is a worker of the cluster; connect to the coordinator'
      FROM plan WHERE NOT plan.is_coordinator
     UNION ALL
    SELECT 0, plan.schema,
           'rows can be copied beside writers only with wal_level = logical'
           || CASE WHEN s.setting IS NOT NULL THEN ' and citus in output_plugin_libraries' ELSE '' END
           || '; in a window it needs neither'
      FROM plan
      LEFT JOIN pg_settings s ON s.name = 'output_plugin_libraries'
     WHERE plan.online AND plan.has_citus
       AND (current_setting('wal_level') <> 'logical'
            OR NOT 'citus' = ANY (regexp_split_to_array(s.setting, '\s*,\s*')))
     UNION ALL
    SELECT p.place, p.unit, 'it is distributed already, but not by ' || plan.tenant
           || '; bring it back with undistribute_table() first'
      FROM planned p CROSS JOIN plan WHERE p.is_otherwise
     UNION ALL
    SELECT p.place, p.unit,
           format('its column ''%s'' is %s, and all tables of a group need the same type',
                  plan.tenant, format_type(a.atttypid, a.atttypmod))
      FROM planned p
     CROSS JOIN plan
      JOIN pg_attribute a ON a.attrelid = p.oid AND a.attname = plan.tenant AND NOT a.attisdropped
     WHERE a.atttypid <> plan.type AND NOT p.is_done
     UNION ALL
    SELECT p.place, p.unit,
           format('unique index ''%s'' lacks %s; name it in the plan as ''replacing''', x.relname,
                  plan.tenant)
      FROM planned p
     CROSS JOIN plan
      JOIN pg_index i ON i.indrelid = p.oid AND (i.indisunique OR i.indisexclusion)
      JOIN pg_class x ON x.oid = i.indexrelid
     WHERE NOT p.is_done AND x.relname NOT LIKE 'tenantdeck\_%'
       AND NOT EXISTS (SELECT 1 FROM pg_attribute a
                        WHERE a.attrelid = p.oid AND a.attname = plan.tenant
                          AND a.attnum = ANY (i.indkey[0:i.indnkeyatts - 1]))
       AND i.indexrelid NOT IN (SELECT indexrelid FROM going)
     UNION ALL
    SELECT p.place, p.unit, format('trigger ''%s'' would have to go', g.tgname)
      FROM planned p
      JOIN pg_trigger g ON g.tgrelid = p.oid AND NOT g.tgisinternal
      JOIN pg_proc f ON f.oid = g.tgfoid
      LEFT JOIN pg_namespace n ON n.oid = f.pronamespace
     WHERE NOT p.is_done AND n.nspname IS DISTINCT FROM 'tenantdeck'
     UNION ALL
    SELECT p.place, p.unit,
           CASE WHEN own.oid IS NULL
                THEN format('foreign key ''%s'' of ''%s'', which the plan does not distribute, leads '
                            'to it', f.name, f.table_name)
                WHEN target.oid IS NULL
                THEN format('foreign key ''%s'' leads to ''%s'', which is not distributed: make that a '
                            'reference table', f.name, f.target_name)
                WHEN NOT f.has_tenant THEN format('foreign key ''%s'' lacks %s', f.name, plan.tenant)
                ELSE format('foreign key ''%s'' is there before; rows can be copied beside writers only '
                            'without', f.name) END
      FROM foreign_key f
     CROSS JOIN plan
      LEFT JOIN planned own ON own.oid = f.conrelid
      LEFT JOIN planned target ON target.oid = f.confrelid
      JOIN planned p ON p.oid = coalesce(own.oid, target.oid)
     WHERE NOT p.is_done
       AND (own.oid IS NULL OR NOT f.has_tenant OR plan.online
            OR target.oid IS NULL)
       AND NOT (own.oid IS NOT NULL AND target.oid IS NULL
                AND EXISTS (SELECT 1 FROM spread s
                             WHERE s.oid = f.confrelid AND (s.is_reference OR s.is_done)))
     UNION ALL
    SELECT p.place, p.unit,
           format('its identity column ''%s'' is %s, and Citus wants bigint', n.name, n.type)
      FROM number n JOIN planned p ON p.oid = n.oid CROSS JOIN plan
     WHERE n.is_identity AND (plan.online OR n.is_viewed)
), item AS (
    SELECT -1::bigint AS turn, 0 AS number, o.place, o.unit, 'refused' AS part, false AS done,
           false AS alone, NULL AS statement, string_agg(o.reason, '; ' ORDER BY o.reason) AS takes,
           '[]'::jsonb AS records
      FROM obstacle o GROUP BY o.place, o.unit
     UNION ALL
    SELECT 0, 1, g.place, g.unit, 'drop trigger ' || g.name, false, false,
           format('DROP TRIGGER %I ON %s', g.name, g.relation), 'ACCESS EXCLUSIVE, for moments',
           -- Not the record of the trigger itself: that is the one of the step that made it.
           CASE WHEN g.oid IS NULL THEN '[]' ELSE jsonb_build_array(jsonb_build_object(
               'type', 'trigger dropped', 'object', format('%I on %s', g.name, g.relation),
               'definition', pg_get_triggerdef(g.oid),
               'statement', regexp_replace(pg_get_triggerdef(g.oid), '^CREATE TRIGGER',
                                           'CREATE OR REPLACE TRIGGER')
                            || CASE g.enabled WHEN 'O' THEN ''
                                    ELSE format(E';\nALTER TABLE %s %s TRIGGER %I', g.relation,
                                                CASE g.enabled WHEN 'A' THEN 'ENABLE ALWAYS'
                                                     WHEN 'R' THEN 'ENABLE REPLICA'
                                                     ELSE 'DISABLE' END, g.name) END,
               'alone', false)) END
      FROM our_trigger g
     UNION ALL
    SELECT 0, 2, p.place, p.unit, 'ids become bigint', false, false,
           -- Citus refuses to change a sequence that it has known, also of a table that was brought back,
           -- unless it does not look.
           format(E'SET LOCAL citus.enable_ddl_propagation TO off;\nALTER TABLE %s %s', p.relation,
                  string_agg(format('ALTER COLUMN %I TYPE bigint', w.name), ', ' ORDER BY w.name))
           || coalesce(string_agg(E';\nALTER SEQUENCE ' || w.sequence || ' AS bigint', ''
                                  ORDER BY w.name), ''),
           'ACCESS EXCLUSIVE, while the table is rewritten',
           jsonb_agg(jsonb_build_object(
               'type', 'column type', 'object', format('%s.%I', p.relation, w.name),
               'definition', w.type,
               'statement', format(E'SET LOCAL citus.enable_ddl_propagation TO off;\n'
                                   'ALTER TABLE %s ALTER COLUMN %I TYPE %s', p.relation, w.name,
                                   w.type)
                            || coalesce(E';\nALTER SEQUENCE ' || w.sequence || ' AS ' || w.type,
                                        ''),
               'alone', false) ORDER BY w.name)
      FROM planned p JOIN widened w ON w.oid = p.oid CROSS JOIN plan
     WHERE NOT plan.online
     GROUP BY p.place, p.unit, p.relation
     UNION ALL
    SELECT 0, 3, p.place, p.unit, 'clear a copy that broke off', false, true,
           'CALL pg_catalog.citus_cleanup_orphaned_resources()', 'none that others wait for', '[]'
      FROM planned p WHERE p.is_leftover
     UNION ALL
    SELECT 0, 4, p.place, p.unit, 'take back a copy that broke off', false, false,
           format('SELECT pg_catalog.undistribute_table(%L)', p.relation),
           'EXCLUSIVE, while rows are copied: reads go on, writes wait', '[]'
      FROM planned p WHERE p.is_leftover
     UNION ALL
    SELECT r.turn, 5, r.place, r.unit, 'distribute', r.is_done, plan.online,
           format('SELECT pg_catalog.create_distributed_table%s(%L, %L, colocate_with => %L)',
                  CASE WHEN plan.online THEN '_concurrently' ELSE '' END, r.relation, plan.tenant,
                  CASE WHEN r.relation = r.first_relation THEN 'none' ELSE r.first_relation END),
           CASE WHEN plan.online THEN 'SHARE UPDATE EXCLUSIVE, while rows are copied'
                ELSE 'EXCLUSIVE, while rows are copied: reads go on, writes wait' END
           || coalesce((SELECT format('; %s stays %s, so that only the coordinator can give ids',
                                      string_agg(n.name, ', '), min(n.type))
                          FROM number n
                         WHERE n.oid = r.oid AND (plan.online OR n.is_viewed)
                        HAVING count(*) > 0), ''),
           coalesce((SELECT jsonb_agg(jsonb_build_object(
                                'type', 'index', 'object', v.object, 'definition', v.definition,
                                'statement', v.creates || 'IF NOT EXISTS '
                                             || substr(v.definition, length(v.creates) + 1),
                                'alone', false) ORDER BY v.object)
                       FROM viewed v WHERE v.base = r.oid), '[]')
           || jsonb_build_array(jsonb_build_object(
               'type', 'distribution', 'object', r.relation, 'definition', NULL,
               'statement', format('SELECT pg_catalog.undistribute_table(p.logicalrelid%s) '
                                   'FROM pg_catalog.pg_dist_partition p '
                                   'WHERE p.logicalrelid = %L::regclass',
                                   CASE WHEN EXISTS (SELECT 1 FROM foreign_key f
                                                      WHERE r.oid IN (f.conrelid, f.confrelid))
                                        THEN ', cascade_via_foreign_keys => true' ELSE '' END,
                                   r.relation),
               'alone', false))
      FROM ranked r CROSS JOIN plan
     UNION ALL -- Citus does it by itself, some time; until then they are tables that nobody knows
    SELECT 1000000, 6, 0, plan.schema, 'clear what the copies have left',
           NOT EXISTS (SELECT 1 FROM ranked r WHERE NOT r.is_done)
               AND plan.has_remains IS NOT TRUE, true,
           'CALL pg_catalog.citus_cleanup_orphaned_resources()', 'none that others wait for', '[]'
      FROM plan WHERE plan.online
     UNION ALL
    SELECT 1000000 + r.turn, 6, r.place, r.unit, 'remove the rows left on the coordinator',
           r.is_done AND pg_relation_size(r.oid) = 0, false,
           format('SELECT pg_catalog.truncate_local_data_after_distributing_table(%L)', r.relation),
           'ACCESS EXCLUSIVE on what is left, which nobody sees', '[]'
      FROM ranked r CROSS JOIN plan WHERE NOT plan.online
)
SELECT i.unit, i.part, i.done, i.alone, CASE WHEN NOT i.done THEN i.statement END AS statement,
       i.takes, CASE WHEN i.done THEN '[]' ELSE i.records END AS records
  FROM item i
 ORDER BY i.turn, i.place, i.number, i.part;
