-- What the steps on Redis ask PostgreSQL: whose keys may be there, and what is set to warm the cache.

-- name: cache_codes
-- The codes that a key of plan $1 may carry: those of its mapping, and the default tenant $2 with the
-- default organization $3 (each may be NULL). Answers: tenant, organization (NULL: the plan has none).
SELECT m.tenant_code AS tenant, m.organization_code AS organization
  FROM tenantdeck.mapping m
 WHERE m.plan = $1::text
 UNION
SELECT $2::text, $3::text
 WHERE $2::text IS NOT NULL;

-- name: cache_warm_begin
-- Opens the transaction in which a warming query is run: it may read only, and sees one moment.
BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;

-- name: cache_warm_query
-- Sets the warming query $1 for cache_warm_rows, until the end of the transaction.
SELECT set_config('tenantdeck.warm_query', $1, true);

-- name: cache_warm_rows
-- The next 500 rows of the warming query, or none at its end. The first call opens a cursor for it:
-- the server takes exactly one query for a cursor, so that a file with more than that is refused, and
-- so is one that writes. Where no query is set it is one of no rows.
DO $$
    DECLARE
        warm refcursor := 'tenantdeck_warm';
    BEGIN
        IF NOT EXISTS (SELECT 1 FROM pg_catalog.pg_cursors WHERE name = 'tenantdeck_warm') THEN
            OPEN warm NO SCROLL FOR EXECUTE
                COALESCE(NULLIF(pg_catalog.current_setting('tenantdeck.warm_query', true), ''),
                         'SELECT NULL::text AS value WHERE false');
        END IF;
    END
$$;
FETCH FORWARD 500 FROM tenantdeck_warm;

-- name: cache_warm_end
-- Ends the transaction of a warming query.
ROLLBACK;

-- name: cache_note
-- Notes in the log of the journal what a person has changed in Redis. $1: severity, $2: the text.
INSERT INTO tenantdeck.event (severity, source, text) VALUES ($1, 'redis', $2);

-- name: redis_change_may
-- May this role keep in the journal what it changes in Redis?
SELECT has_table_privilege('tenantdeck.redis_change', 'INSERT')
       AND has_table_privilege('tenantdeck.redis_change', 'SELECT')
       AND has_table_privilege('tenantdeck.redis_change', 'UPDATE') AS may;

-- name: redis_change_open
-- The change of sort $2 in the Redis $1 that was cut off, if there is one, and the lock that keeps
-- others from it while this session lives; `mine` is false while another holds it. `same`: it was the
-- same intent as $3. No row: nothing was cut off.
SELECT l.mine, c.id, c.intent = $3::jsonb AS same, c.intent::text AS intent, c.who, c.attempts,
       c.acted IS NOT NULL AS acted,
       to_char(c.meant_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS"Z"') AS meant_at
  FROM (SELECT pg_catalog.pg_try_advisory_lock(
                   pg_catalog.hashtextextended('tenantdeck ' || $2::text || ' ' || $1::text, 0)) AS mine,
               pg_catalog.set_config('idle_session_timeout', '0', false) AS patient) l
  LEFT JOIN tenantdeck.redis_change c
         ON c.server = $1::text AND c.what = $2::text AND c.ended_at IS NULL;

-- name: redis_change_mean
-- Notes what is about to be done in the Redis $1: $2 is clear, rekey or ttl, $3 the intent, $4 who.
INSERT INTO tenantdeck.redis_change (server, what, intent, who)
VALUES ($1, $2, $3::jsonb, $4)
RETURNING id;

-- name: redis_change_again
-- The change $1 was cut off, and is begun again.
UPDATE tenantdeck.redis_change
   SET attempts = attempts + 1, again_at = clock_timestamp(), acted = NULL, acted_at = NULL
 WHERE id = $1::bigint AND ended_at IS NULL
RETURNING id;

-- name: redis_change_acted
-- All that the change $1 meant is done; $2 counts it. It was not looked at yet.
UPDATE tenantdeck.redis_change SET acted = $2::jsonb, acted_at = clock_timestamp()
 WHERE id = $1::bigint AND ended_at IS NULL
RETURNING id;

-- name: redis_change_end
-- What became of the change $1, by a look at Redis: $2.
UPDATE tenantdeck.redis_change SET result = $2, ended_at = clock_timestamp()
 WHERE id = $1::bigint AND ended_at IS NULL
RETURNING id;

-- name: key_codes_there
-- Has step mapping loaded codes of plan $1 into this database?
SELECT CASE WHEN to_regclass('tenantdeck.mapping') IS NULL THEN false
            ELSE query_to_xml(format('SELECT 1 FROM tenantdeck.mapping WHERE plan = %L LIMIT 1', $1::text),
                              false, false, '')::text LIKE '%<row%'
       END AS there;

-- name: key_rows_query
-- Writes the query that tells which texts stand in no row of schema $1, table $2, column $3: it takes
-- them as a JSON array, and answers the places of those that are missing, from 1. A text is made the
-- column's value, so that an index of the column serves; what cannot be one is missing. No row: there
-- is no such table or column.
SELECT format('SELECT k.at FROM jsonb_array_elements_text($1::jsonb) WITH ORDINALITY AS k (value, at) '
              'WHERE NOT EXISTS (SELECT 1 FROM %I.%I t WHERE %s) ORDER BY k.at',
              n.nspname, c.relname,
              CASE WHEN a.atttypid IN ('int2'::regtype, 'int4'::regtype, 'int8'::regtype)
                   THEN format('t.%I = CASE WHEN k.value ~ ''^-?[0-9]{1,18}$'' THEN k.value::bigint END', a.attname)
                   WHEN a.atttypid = 'uuid'::regtype
                   THEN format('t.%I = CASE WHEN k.value ~* ''^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'' '
                               'THEN k.value::uuid END', a.attname)
                   WHEN a.atttypid IN ('text'::regtype, 'varchar'::regtype)
                   THEN format('t.%I = k.value', a.attname)
                   ELSE format('t.%I::text = k.value', a.attname)
              END) AS query
  FROM pg_catalog.pg_namespace n
  JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid
  JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid
 WHERE n.nspname = $1::text AND c.relname = $2::text AND a.attname = $3::text
   AND c.relkind IN ('r', 'p', 'v', 'm', 'f') AND a.attnum > 0 AND NOT a.attisdropped;
