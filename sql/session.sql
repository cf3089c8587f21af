-- Every connection of tenantdeck begins with the first two, in this order.

-- name: session_begin
-- Takes away what a role's or a database's defaults could do to session_pin itself: a statement
-- timeout that is too short for it, and serializable transactions, which a standby refuses and which
-- can wait for others (or make theirs fail) even where they only read.
SET default_transaction_isolation = 'read committed';
SET statement_timeout = 0;

-- name: session_pin
-- Pins what others could bend: the search path (so that no look-alike function of a hostile schema
-- is called), row security (a policy becomes an error, never a silent subset), the time zone, and
-- the timeouts. $1: statement timeout in ms, $2: lock timeout in ms, $3: on or off, read only.
-- So are the settings that bend what a literal says, how the catalog writes a definition and what of
-- it comes back: the undo compares definitions, letter for letter. idle_session_timeout would end a connection that only watches; jit would compile for seconds what
-- runs for milliseconds, as statements over the catalog do.
SELECT set_config('search_path', 'pg_catalog, pg_temp', false),
       set_config('row_security', 'off', false),
       set_config('TimeZone', 'UTC', false),
       set_config('client_encoding', -- where the server knows no encoding, any byte may come
                  CASE current_setting('server_encoding') WHEN 'SQL_ASCII' THEN 'SQL_ASCII'
                       ELSE 'UTF8' END, false),
       set_config('client_min_messages', 'notice', false),
       set_config('statement_timeout', $1, false),
       set_config('lock_timeout', $2, false),
       set_config('idle_session_timeout', '0', false),
       set_config('jit', 'off', false),
       set_config('standard_conforming_strings', 'on', false),
       set_config('backslash_quote', 'safe_encoding', false),
       set_config('quote_all_identifiers', 'off', false),
       set_config('transform_null_equals', 'off', false),
       set_config('array_nulls', 'on', false),
       set_config('xmloption', 'content', false),
       set_config('DateStyle', 'ISO, MDY', false),
       set_config('IntervalStyle', 'postgres', false),
       set_config('bytea_output', 'hex', false),
       set_config('extra_float_digits', '1', false),
       set_config('default_transaction_read_only', $3, false);

-- name: session_room
-- A comparison of every value looks each row up in a table of users or parents. Where work_mem is as small as
-- PostgreSQL has it by itself, that table is written to temporary files in parts, and each row with it.
SELECT set_config('work_mem', '64MB', false)
 WHERE pg_size_bytes(current_setting('work_mem')) < pg_size_bytes('64MB');

-- name: session_few
-- Beside an application a connection reads with one process: two connections are at it already.
SET max_parallel_workers_per_gather = 0;
