-- Is the migrated database as the plan says? Asked of the catalog, so that it takes milliseconds on any
-- size; what the rows hold is check_confirm's question. Nothing that the run has noted of its own
-- success is believed: of the journal only the undo records are read, for what was there before.

-- name: check_validate
-- One row a check, in the order of the plan ($1, as JSON) in mode $2 (online or window): check_group,
-- check_name, subject, severity, verdict, count, message, samples, query, fix. A table has one row for
-- its structure (columns, types, NOT NULL, primary key, the trigger that fills new rows), one for its
-- indexes (unique and other ones, none invalid, no uniqueness lost), and one for its foreign keys.
WITH plan AS MATERIALIZED (
    SELECT given.doc,
           given.doc ->> 'name' AS name,
           given.doc ->> 'schema' AS schema,
           quote_ident(given.doc ->> 'schema') AS quoted_schema,
           n.oid AS schema_oid,
           (given.doc ->> 'distribute')::boolean AS distribute,
           $2::text = 'online' AS online,
           max(c.doc ->> 'name') FILTER (WHERE c.doc ->> 'role' = 'tenant') AS tenant,
           array_agg(c.doc ->> 'name') AS columns,
           -- After step release the application fills the columns itself.
           EXISTS (SELECT 1
                     FROM tenantdeck.step s
                     JOIN tenantdeck.run r ON r.id = s.run
                     JOIN tenantdeck.plan k ON k.id = r.plan
                     JOIN tenantdeck.meta ON meta.generation = r.generation
                    WHERE k.name = given.doc ->> 'name' AND s.name = 'release'
                      AND s.state = 'done') AS released,
           EXISTS (SELECT 1 FROM pg_extension WHERE extname = 'citus') AS has_citus
      FROM (SELECT $1::jsonb AS doc) AS given
     CROSS JOIN jsonb_array_elements(given.doc -> 'columns') AS c (doc)
      LEFT JOIN pg_namespace n ON n.nspname = given.doc ->> 'schema'
     GROUP BY given.doc, n.oid
), planned AS MATERIALIZED ( -- the plan's tables, and what the catalog has under their names
    SELECT t.place, t.doc, t.doc ->> 'name' AS name,
           (t.doc ->> 'optional')::boolean AS optional,
           format('%I.%I', plan.schema, t.doc ->> 'name') AS shown,
           c.oid
      FROM plan
     CROSS JOIN jsonb_array_elements(plan.doc -> 'tables') WITH ORDINALITY AS t (doc, place)
      LEFT JOIN pg_class c ON c.relnamespace = plan.schema_oid AND c.relkind IN ('r', 'p')
                          AND c.relname = t.doc ->> 'name'
), present AS MATERIALIZED ( -- every index these tables have; of an expression the column is NULL
    SELECT p.place, p.oid, p.shown, i.indexrelid, x.relname::text AS name,
           format('%I.%I', plan.schema, x.relname) AS full_name,
           i.indisprimary AS is_primary, i.indisunique AS is_unique,
           i.indisvalid AND i.indisready AS is_valid,
           pg_get_expr(i.indpred, i.indrelid) AS condition,
           ARRAY(SELECT a.attname::text
                   FROM unnest(i.indkey) WITH ORDINALITY AS k (number, place)
                   LEFT JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.number
                                           AND k.number > 0
                  WHERE k.place <= i.indnkeyatts ORDER BY k.place) AS columns
      FROM planned p
     CROSS JOIN plan
      JOIN pg_index i ON i.indrelid = p.oid
      JOIN pg_class x ON x.oid = i.indexrelid
), undone AS MATERIALIZED ( -- the unique indexes and constraints that were there before
    SELECT p.place, p.oid, u.object,
           coalesce(substring(u.object FROM '^(.*) on '), u.object) AS name,
           substring(u.definition FROM ' WHERE (.*)$') AS condition,
           -- The first parentheses: the columns. With others inside it is an expression.
           substring(u.definition FROM '^(?:CREATE UNIQUE INDEX .* USING btree|PRIMARY KEY|UNIQUE(?: NULLS NOT DISTINCT)?) '
                                       '\(((?:"(?:[^"]|"")*"|[^()"])*)\)') AS list
      FROM plan
      JOIN tenantdeck.undo u ON u.plan = plan.name AND u.state <> 'undone'
      JOIN tenantdeck.meta ON meta.generation = u.generation
      JOIN planned p ON CASE u.object_type
                        WHEN 'index' THEN strpos(u.definition, ' ON ' || p.shown || ' USING ') > 0
                        ELSE right(u.object, length(p.shown) + 4) = ' on ' || p.shown END
     WHERE (u.object_type = 'index' AND u.definition LIKE 'CREATE UNIQUE INDEX %'
            OR u.object_type = 'table constraint'
               AND (u.definition LIKE 'PRIMARY KEY %' OR u.definition LIKE 'UNIQUE %'))
       AND p.oid IS NOT NULL
), old_key AS MATERIALIZED (
    SELECT u.*,
           ARRAY(SELECT CASE WHEN c.word LIKE '"%'
                             THEN replace(substr(c.word, 2, length(c.word) - 2), '""', '"')
                             ELSE c.word END
                   FROM regexp_matches(u.list, '(?:^|, )("(?:[^"]|"")*"|[^ ,"]+)', 'g') AS m (words)
                  CROSS JOIN LATERAL (SELECT m.words[1] AS word) AS c) AS columns
      FROM undone u
), plan_key AS MATERIALIZED ( -- every key and index of the plan
    SELECT p.place, p.oid, p.shown, k.purpose, k.number, k.doc ->> 'name' AS name,
           k.doc ->> 'replaces' AS replaces, c.columns, c.list
      FROM planned p
     CROSS JOIN LATERAL (
           SELECT 'primary key' AS purpose, 0::bigint AS number, p.doc -> 'primary_key' AS doc
            UNION ALL
           SELECT 'unique index', u.number, u.doc
             FROM jsonb_array_elements(p.doc -> 'uniques') WITH ORDINALITY AS u (doc, number)
            UNION ALL
           SELECT 'index', x.number, x.doc
             FROM jsonb_array_elements(p.doc -> 'indexes') WITH ORDINALITY AS x (doc, number)) AS k
     CROSS JOIN LATERAL (
           SELECT array_agg(n.name ORDER BY n.place) AS columns,
                  string_agg(quote_ident(n.name), ', ' ORDER BY n.place) AS list
             FROM jsonb_array_elements_text(k.doc -> 'columns') WITH ORDINALITY AS n (name, place))
           AS c
     WHERE p.oid IS NOT NULL AND c.columns IS NOT NULL
), made AS MATERIALIZED ( -- and the index that is it; one that replaces another has its WHERE
    SELECT k.*, o.condition AS old_condition, found.name AS found_name, found.is_valid
      FROM plan_key k
     CROSS JOIN plan
      LEFT JOIN old_key o ON o.place = k.place
                         AND (o.object = plan.quoted_schema || '.' || quote_ident(k.replaces)
                              OR o.name = quote_ident(k.replaces)) -- a constraint
      LEFT JOIN LATERAL (
           SELECT i.name, i.is_valid
             FROM present i
            WHERE i.oid = k.oid AND i.columns = k.columns
              AND i.is_primary = (k.purpose = 'primary key')
              AND (i.is_unique OR k.purpose = 'index')
              AND (k.name IS NULL OR k.name = i.name OR k.purpose <> 'index')
              AND CASE WHEN o.object IS NOT NULL THEN i.condition IS NOT DISTINCT FROM o.condition
                       WHEN k.replaces IS NOT NULL THEN true
                       ELSE i.condition IS NULL END
            ORDER BY i.is_valid DESC, i.indexrelid LIMIT 1) AS found ON true
), reference AS MATERIALIZED ( -- the plan's foreign keys, and the constraints that are they
    SELECT p.place, p.oid, p.shown, f.place AS number, t.shown AS target_shown,
           ARRAY(SELECT jsonb_array_elements_text(f.doc -> 'columns')) AS columns,
           ARRAY(SELECT jsonb_array_elements_text(f.doc -> 'target')) AS target,
           ARRAY(SELECT format('%I = %I', c.name, g.name)
                   FROM jsonb_array_elements_text(f.doc -> 'columns') WITH ORDINALITY AS c (name, place)
                   JOIN jsonb_array_elements_text(f.doc -> 'target') WITH ORDINALITY AS g (name, place)
                     ON g.place = c.place) AS pairs,
           f.doc ->> 'table' AS target_name, t.oid AS target_oid
      FROM planned p
     CROSS JOIN jsonb_array_elements(p.doc -> 'references') WITH ORDINALITY AS f (doc, place)
      JOIN planned t ON t.name = f.doc ->> 'table'
     WHERE p.oid IS NOT NULL
), foreign_key AS MATERIALIZED (
    SELECT c.conrelid AS oid, c.confrelid AS target_oid, c.conname::text AS name, c.convalidated,
           ARRAY(SELECT format('%I = %I', a.attname, g.attname)
                   FROM unnest(c.conkey, c.confkey) AS k (number, target)
                   JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = k.number
                   JOIN pg_attribute g ON g.attrelid = c.confrelid AND g.attnum = k.target) AS pairs
      FROM pg_constraint c JOIN planned p ON p.oid = c.conrelid
     WHERE c.contype = 'f'
), linked AS (
    SELECT r.*, f.name AS found_name, f.convalidated
      FROM reference r
      LEFT JOIN LATERAL (
           SELECT f.name, f.convalidated
             FROM foreign_key f
            WHERE f.oid = r.oid AND f.target_oid = r.target_oid
              AND f.pairs @> r.pairs AND f.pairs <@ r.pairs
            ORDER BY f.convalidated DESC LIMIT 1) AS f ON true
), trigger AS ( -- ours: their function stands in the journal's schema
    SELECT t.tgrelid AS oid, t.tgname::text AS name, -- BEFORE INSERT, and switched on
           t.tgenabled <> 'D' AND t.tgtype & 2 <> 0 AND t.tgtype & 4 <> 0 AS fills
      FROM planned p
      JOIN pg_trigger t ON t.tgrelid = p.oid AND NOT t.tgisinternal
      JOIN pg_proc f ON f.oid = t.tgfoid
      JOIN pg_namespace n ON n.oid = f.pronamespace
     WHERE n.nspname = 'tenantdeck'
)

-- ---- what is wrong: place, group, verdict, the thing, a sentence, what mends it ----

, column_problem AS (
    SELECT p.place, 'structure' AS check_group, 'fail' AS verdict, w.name AS thing,
           CASE WHEN a.attname IS NULL THEN format('there is no column %I', w.name)
                WHEN format_type(a.atttypid, a.atttypmod) <> w.type
                THEN format('%I is %s, not %s', w.name, format_type(a.atttypid, a.atttypmod), w.type)
                ELSE format('%I may be NULL', w.name) END AS message,
           CASE WHEN a.attname IS NULL
                THEN format('ALTER TABLE %s ADD COLUMN %I %s', p.shown, w.name, w.type)
                WHEN format_type(a.atttypid, a.atttypmod) = w.type
                THEN format('ALTER TABLE %s ALTER COLUMN %I SET NOT NULL', p.shown, w.name) END AS fix
      FROM planned p
     CROSS JOIN plan
     CROSS JOIN LATERAL (
           SELECT c.doc ->> 'name' AS name,
                  replace(c.doc ->> 'type', 'varchar', 'character varying') AS type
             FROM jsonb_array_elements(plan.doc -> 'columns') AS c (doc)
            WHERE p.doc -> 'columns' ? (c.doc ->> 'name')) AS w
      LEFT JOIN pg_attribute a ON a.attrelid = p.oid AND a.attname = w.name AND a.attnum > 0
                              AND NOT a.attisdropped
     WHERE p.oid IS NOT NULL
       AND (a.attname IS NULL OR format_type(a.atttypid, a.atttypmod) <> w.type
            OR (p.doc -> 'not_null' ? w.name AND NOT a.attnotnull))
), key_problem AS ( -- the primary key is a matter of structure, the others of indexes
    SELECT m.place, CASE m.purpose WHEN 'primary key' THEN 'structure' ELSE 'indexes' END, 'fail',
           coalesce(m.found_name, m.list),
           CASE WHEN m.found_name IS NOT NULL
                THEN format('%s %I (%s) is not valid', m.purpose, m.found_name, m.list)
                WHEN m.purpose = 'primary key' THEN
                    format('its primary key is %s, not (%s)',
                           coalesce((SELECT format('(%s)', array_to_string(i.columns, ', '))
                                       FROM present i WHERE i.oid = m.oid AND i.is_primary), 'none'),
                           m.list)
                ELSE format('there is no %s (%s)%s', m.purpose, m.list,
                            ' WHERE ' || m.old_condition) END,
           CASE WHEN m.purpose = 'index' THEN
               format('CREATE INDEX CONCURRENTLY ON %s (%s)', m.shown, m.list)
                WHEN m.purpose = 'unique index'
                     AND (m.replaces IS NULL OR m.old_condition IS NOT NULL) THEN
               format('CREATE UNIQUE INDEX CONCURRENTLY ON %s (%s)%s', m.shown, m.list,
                      ' WHERE ' || m.old_condition) END
      FROM made m WHERE m.found_name IS NULL OR NOT m.is_valid
), tenantless AS ( -- unique over all tenants: two of them cannot have the same values
    SELECT i.place, 'indexes', CASE WHEN plan.distribute THEN 'fail' ELSE 'warn' END, i.name,
           format('unique index %I (%s) holds over all tenants', i.name,
                  array_to_string(i.columns, ', ', 'an expression')),
           NULL
      FROM present i CROSS JOIN plan
     WHERE i.is_unique AND NOT i.is_primary AND i.is_valid
       AND plan.tenant = ANY (i.columns) IS NOT TRUE
), invalid AS ( -- what a cancelled CREATE INDEX CONCURRENTLY leaves: it costs, and serves nobody
    SELECT i.place, 'indexes', 'fail', i.name, format('index %I is not valid', i.name),
           format('DROP INDEX CONCURRENTLY %s', i.full_name)
      FROM present i
     WHERE NOT i.is_valid
       AND NOT EXISTS (SELECT 1 FROM made m WHERE m.oid = i.oid AND m.found_name = i.name)
), lost AS ( -- nothing refuses any more what an old key refused
    SELECT o.place, 'indexes',
           CASE WHEN o.list IS NOT NULL
                     AND EXISTS (SELECT 1 FROM plan_key k
                                  WHERE k.place = o.place AND k.purpose <> 'index'
                                    AND k.columns <@ (o.columns || plan.columns)) THEN 'fail'
                ELSE 'warn' END,
           o.name,
           CASE WHEN o.list IS NULL
                THEN format('whether something keeps unique what %s did is not known: it had an '
                            'expression', o.name)
                ELSE format('nothing keeps unique what %s (%s) did', o.name, o.list) END,
           NULL
      FROM old_key o CROSS JOIN plan
     WHERE NOT EXISTS (SELECT 1 FROM present i
                        WHERE i.oid = o.oid AND i.is_unique AND i.is_valid
                          AND o.list IS NOT NULL AND i.columns <@ (o.columns || plan.columns)
                          AND (i.condition IS NULL OR i.condition = o.condition))
), leftover AS ( -- ours, by their names; some of them serve until release
    SELECT i.place, 'indexes', CASE WHEN i.name LIKE 'tenantdeck\_lookup\_%' THEN 'warn' ELSE 'fail' END,
           i.name,
           CASE WHEN i.name LIKE 'tenantdeck\_lookup\_%'
                THEN format('index %I of the migration is still there after release', i.name)
                ELSE format('index %I was built and not put in place', i.name) END,
           format('DROP INDEX CONCURRENTLY %s', i.full_name)
      FROM present i CROSS JOIN plan
     WHERE i.is_valid
       AND (i.name LIKE 'tenantdeck\_new\_%' OR i.name LIKE 'tenantdeck\_old\_%'
            OR (i.name LIKE 'tenantdeck\_lookup\_%' AND plan.released))
     UNION ALL
    SELECT p.place, 'structure', 'warn', c.conname::text,
           format('constraint %I of the migration is still there', c.conname),
           format('ALTER TABLE %s DROP CONSTRAINT %I', p.shown, c.conname)
      FROM planned p JOIN pg_constraint c ON c.conrelid = p.oid AND c.contype = 'c'
     WHERE c.conname LIKE 'tenantdeck\_%'
), reference_problem AS (
    SELECT l.place, 'references', 'fail', coalesce(l.found_name, array_to_string(l.columns, ', ')),
           CASE WHEN l.found_name IS NULL
                THEN format('there is no foreign key (%s) to %s (%s)',
                            array_to_string(l.columns, ', '), l.target_name,
                            array_to_string(l.target, ', '))
                ELSE format('foreign key %I is not proved for the rows that were there before',
                            l.found_name) END,
           CASE WHEN l.found_name IS NULL
                THEN format('ALTER TABLE %s ADD FOREIGN KEY (%s) REFERENCES %s (%s) NOT VALID', l.shown,
                            (SELECT string_agg(quote_ident(c), ', ') FROM unnest(l.columns) AS c),
                            l.target_shown,
                            (SELECT string_agg(quote_ident(c), ', ') FROM unnest(l.target) AS c))
                ELSE format('ALTER TABLE %s VALIDATE CONSTRAINT %I', l.shown, l.found_name) END
      FROM linked l WHERE l.convalidated IS NOT TRUE
), unproved AS ( -- and any other foreign key of these tables
    SELECT p.place, 'references', 'warn', f.name,
           format('foreign key %I is not proved for the rows that were there before', f.name),
           format('ALTER TABLE %s VALIDATE CONSTRAINT %I', p.shown, f.name)
      FROM foreign_key f JOIN planned p ON p.oid = f.oid
     WHERE NOT f.convalidated
       AND NOT EXISTS (SELECT 1 FROM linked l WHERE l.oid = f.oid AND l.found_name = f.name)
), trigger_problem AS ( -- on Citus there are none, since it takes no table that has one
    SELECT p.place, 'structure', 'fail', 'trigger',
           'no trigger fills the codes of rows that the application writes without them', NULL
      FROM planned p CROSS JOIN plan
     WHERE p.oid IS NOT NULL AND plan.online AND NOT plan.released AND NOT plan.distribute
       AND NOT EXISTS (SELECT 1 FROM trigger t WHERE t.oid = p.oid AND t.fills)
     UNION ALL
    SELECT p.place, 'structure', 'fail', 'trigger',
           'no trigger notes the users who change their organization', NULL
      FROM planned p CROSS JOIN plan
     WHERE p.oid IS NOT NULL AND plan.online AND NOT plan.released AND NOT plan.distribute
       AND p.name = plan.doc -> 'mapping' ->> 'user_table'
       AND EXISTS (SELECT 1 FROM planned o WHERE o.doc ->> 'source' = 'user' AND o.oid IS NOT NULL)
       AND NOT EXISTS (SELECT 1 FROM trigger t WHERE t.oid = p.oid AND NOT t.fills)
     UNION ALL
    SELECT p.place, 'structure', 'warn', t.name,
           CASE WHEN plan.online AND plan.released
                THEN format('trigger %I is still there after release', t.name)
                ELSE format('trigger %I is there, which only an online run has', t.name) END,
           format('DROP TRIGGER %I ON %s', t.name, p.shown)
      FROM planned p CROSS JOIN plan JOIN trigger t ON t.oid = p.oid
     WHERE NOT plan.online OR plan.released OR plan.distribute
), problem AS MATERIALIZED ( -- the gravest first
    SELECT 1 AS turn, * FROM column_problem UNION ALL SELECT 2, * FROM key_problem
     UNION ALL SELECT 3, * FROM lost UNION ALL SELECT 4, * FROM invalid
     UNION ALL SELECT 5, * FROM reference_problem UNION ALL SELECT 6, * FROM trigger_problem
     UNION ALL SELECT 7, * FROM tenantless UNION ALL SELECT 8, * FROM leftover
     UNION ALL SELECT 9, * FROM unproved
), judged AS ( -- one row a table and group
    SELECT g.place, g.check_group, max(b.verdict) IS NULL AS passes,
           CASE WHEN bool_or(b.verdict = 'fail') THEN 'fail' ELSE 'warn' END AS verdict,
           count(b.thing) AS problems,
           string_agg(b.message, '; ' ORDER BY b.turn, b.message) AS message,
           string_agg(b.fix || ';', E'\n' ORDER BY b.turn, b.message) AS fix,
           (SELECT jsonb_agg(first.thing)
              FROM (SELECT DISTINCT l.thing FROM problem l
                     WHERE l.place = g.place AND l.check_group = g.check_group
                     ORDER BY l.thing LIMIT 5) AS first) AS samples
      FROM (SELECT p.place, n.name AS check_group
              FROM planned p
             CROSS JOIN (VALUES ('structure'), ('indexes'), ('references')) AS n (name)
             WHERE p.oid IS NOT NULL
               AND CASE n.name
                   WHEN 'structure' THEN true
                   WHEN 'indexes' THEN EXISTS (SELECT 1 FROM present i WHERE i.oid = p.oid)
                                       OR EXISTS (SELECT 1 FROM plan_key k WHERE k.place = p.place)
                   ELSE EXISTS (SELECT 1 FROM reference r WHERE r.place = p.place)
                        OR EXISTS (SELECT 1 FROM unproved u WHERE u.place = p.place) END) AS g
      LEFT JOIN problem b ON b.place = g.place AND b.check_group = g.check_group
     GROUP BY g.place, g.check_group
), passed AS ( -- what is said where nothing is wrong
    SELECT p.place, 'structure' AS check_group,
           concat_ws('; ',
               (SELECT string_agg(format('%s%s', w.name,
                                         CASE WHEN a.attnotnull THEN ' NOT NULL' ELSE '' END), ', '
                                  ORDER BY a.attnum)
                  FROM jsonb_array_elements_text(p.doc -> 'columns') AS w (name)
                  JOIN pg_attribute a ON a.attrelid = p.oid AND a.attname = w.name),
               (SELECT format('primary key (%s)', m.list)
                  FROM made m WHERE m.place = p.place AND m.purpose = 'primary key'),
               (SELECT 'new rows are filled by a trigger'
                 WHERE EXISTS (SELECT 1 FROM trigger t WHERE t.oid = p.oid AND t.fills))) AS message
      FROM planned p
     UNION ALL
    SELECT p.place, 'indexes',
           (SELECT format('%s unique, %s other; all valid, no uniqueness lost',
                          count(*) FILTER (WHERE i.is_unique), count(*) FILTER (WHERE NOT i.is_unique))
              FROM present i WHERE i.oid = p.oid)
      FROM planned p
     UNION ALL
    SELECT l.place, 'references',
           string_agg(format('%I leads to %s and is proved', l.found_name, l.target_name), '; ')
      FROM linked l WHERE l.found_name IS NOT NULL GROUP BY l.place
)
SELECT found.check_group, found.check_name, found.subject, found.severity, found.verdict, found.count,
       found.message, found.samples, found.query, found.fix
  FROM (
    SELECT p.place, 0 AS turn, 'structure' AS check_group, 'table' AS check_name, p.name AS subject,
           CASE WHEN p.optional THEN 'info' ELSE 'error' END AS severity,
           CASE WHEN p.optional THEN 'pass' ELSE 'fail' END AS verdict, NULL::bigint AS count,
           CASE WHEN p.optional THEN 'is not in this database; the plan calls it optional'
                ELSE 'is not in this database' END AS message,
           NULL::jsonb AS samples, NULL::text AS query, NULL::text AS fix
      FROM planned p WHERE p.oid IS NULL
     UNION ALL
    SELECT j.place, CASE j.check_group WHEN 'structure' THEN 1 WHEN 'indexes' THEN 2 ELSE 3 END,
           j.check_group,
           CASE j.check_group WHEN 'structure' THEN 'columns and primary key'
                              WHEN 'indexes' THEN 'indexes' ELSE 'foreign keys' END,
           p.name,
           CASE WHEN j.verdict = 'warn' AND NOT j.passes THEN 'warn' ELSE 'error' END,
           CASE WHEN j.passes THEN 'pass' ELSE j.verdict END,
           CASE WHEN NOT j.passes THEN j.problems END,
           coalesce(CASE WHEN j.passes THEN passed.message ELSE j.message END, 'as planned'),
           j.samples,
           CASE j.check_group
           WHEN 'structure' THEN
               format('SELECT attname, format_type(atttypid, atttypmod), attnotnull FROM pg_attribute '
                      'WHERE attrelid = %L::regclass AND attnum > 0 AND NOT attisdropped '
                      'ORDER BY attnum', p.shown)
           WHEN 'indexes' THEN
               format('SELECT pg_get_indexdef(indexrelid), indisvalid FROM pg_index '
                      'WHERE indrelid = %L::regclass ORDER BY indexrelid', p.shown)
           ELSE format('SELECT conname, pg_get_constraintdef(oid), convalidated FROM pg_constraint '
                       'WHERE conrelid = %L::regclass AND contype = ''f'' ORDER BY conname', p.shown)
           END,
           j.fix
      FROM judged j
      JOIN planned p ON p.place = j.place
      LEFT JOIN passed ON passed.place = j.place AND passed.check_group = j.check_group
     UNION ALL -- over the whole plan: who could see another tenant's rows by way of a key
    SELECT 1000000, 0, 'isolation', 'keys with the tenant', plan.name, 'error',
           CASE WHEN count(*) FILTER (WHERE NOT i.has_tenant AND i.is_replaced) > 0 THEN 'fail'
                WHEN count(*) FILTER (WHERE NOT i.has_tenant) > 0 THEN 'warn'
                WHEN count(i.has_tenant) = 0 THEN 'unknown' ELSE 'pass' END,
           CASE WHEN count(*) FILTER (WHERE NOT i.has_tenant) > 0
                THEN count(*) FILTER (WHERE NOT i.has_tenant) ELSE count(i.has_tenant) END,
           CASE WHEN count(*) FILTER (WHERE NOT i.has_tenant) > 0
                THEN format('%s of %s unique keys hold over all tenants',
                            count(*) FILTER (WHERE NOT i.has_tenant), count(i.has_tenant))
                WHEN count(i.has_tenant) = 0 THEN 'no table has a unique key'
                ELSE format('each of %s unique keys has %s', count(i.has_tenant), plan.tenant) END,
           (SELECT jsonb_agg(few.name)
              FROM (SELECT o.name FROM present o
                     WHERE o.is_unique AND plan.tenant = ANY (o.columns) IS NOT TRUE
                     ORDER BY o.place, o.name LIMIT 5) AS few),
           NULL, NULL
      FROM plan
      LEFT JOIN (SELECT o.is_primary AND EXISTS (SELECT 1 FROM plan_key k
                                                  WHERE k.place = o.place
                                                    AND k.purpose = 'primary key') AS is_replaced,
                        coalesce(plan.tenant = ANY (o.columns), false) AS has_tenant
                   FROM present o CROSS JOIN plan
                  WHERE o.is_unique) AS i ON true
     GROUP BY plan.name, plan.tenant
     UNION ALL -- read from a table of Citus, so it is not even named where there is none
    SELECT 1000001, 0, 'structure', 'distribution', plan.name, 'error',
           CASE WHEN NOT plan.has_citus THEN 'fail' END, NULL,
           CASE WHEN NOT plan.has_citus
                THEN 'the plan spreads the tables over a cluster, and Citus is not installed here' END,
           NULL,
           CASE WHEN plan.has_citus THEN
               format($query$WITH planned (name) AS (
    VALUES %s
), found AS (
    SELECT p.name, c.colocationid AS colocation_id,
           pg_catalog.column_to_column_name(c.logicalrelid, c.partkey) = %L AS by_tenant
      FROM planned p
      LEFT JOIN pg_catalog.pg_dist_partition c ON c.logicalrelid = p.name::regclass
                                              AND c.partmethod = 'h'
), told AS (
    SELECT count(*) AS tables, count(DISTINCT colocation_id) AS groups,
           count(*) FILTER (WHERE by_tenant IS NOT TRUE) AS others,
           (SELECT jsonb_agg(few.name)
              FROM (SELECT name FROM found WHERE by_tenant IS NOT TRUE LIMIT 5) AS few) AS samples
      FROM found
)
SELECT CASE WHEN others > 0 OR groups > 1 THEN 'fail' ELSE 'pass' END AS verdict,
       CASE WHEN others > 0 THEN others ELSE tables END AS count,
       CASE WHEN others > 0 THEN format('%%s of %%s tables are not distributed by %%s', others, tables, %2$L)
            WHEN groups > 1 THEN format('%%s tables stand in %%s groups and are not colocated', tables, groups)
            ELSE format('%%s tables are distributed by %%s, in one group', tables, %2$L) END AS message,
       samples
  FROM told$query$,
                      (SELECT string_agg(format('(%L)', p.shown), ', ' ORDER BY p.place)
                         FROM planned p WHERE p.oid IS NOT NULL),
                      plan.tenant) END,
           NULL
      FROM plan WHERE plan.distribute
       ) AS found
 ORDER BY found.place, found.turn, found.check_name;
