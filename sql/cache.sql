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
