-- The roles to work with, for a DBA to read and to run once per stage.

-- name: grants
-- A psql script. Makes three roles and gives each what it needs, and no more: the observer watches,
-- the worker migrates, the on-call watches, asks a run to pause or stop, and ends blockers. Runs in
-- one transaction, may be run again, and takes nothing from a role that exists but what it gave. A
-- superuser runs it; passwords are yours to set (\password). Its head names stages and variables.

-- Stages:
--   tenantdeck sql grants | psql -v stage=1 DATABASE      before the migration
--   tenantdeck sql grants | psql -v stage=2 DATABASE      when the step `columns` is done
--   tenantdeck sql grants | psql -v stage=3 DATABASE      when the migration is over
--
-- Variables (psql -v NAME=VALUE), and what they are when they are not given:
--   stage     1, 2 or 3, as above: 1
--   observer, worker, oncall
--             the names of the roles: td_observer, td_worker, td_oncall
--   schema    where the application's tables are: public
--   plan      which plan's tables, by its name in the journal: all tables of the schema (stage 1), or
--             those that have the columns (stages 2 and 3)
--   columns   the columns that the worker fills: tenant_code organization_code
--   owner     the role that owns the tables: whoever owns them now
--   data      on: the observer may read the application's rows, for exact counts: off
--   triggers  on: the worker may set session_replication_role, so that the application's triggers
--             do not fire during the fill (PostgreSQL 15 and later): off
\set ON_ERROR_STOP on
\if :{?stage} \else \set stage 1 \endif
\if :{?observer} \else \set observer td_observer \endif
\if :{?worker} \else \set worker td_worker \endif
\if :{?oncall} \else \set oncall td_oncall \endif
\if :{?schema} \else \set schema public \endif
\if :{?plan} \else \set plan '' \endif
\if :{?columns} \else \set columns 'tenant_code organization_code' \endif
\if :{?owner} \else \set owner '' \endif
\if :{?data} \else \set data off \endif
\if :{?triggers} \else \set triggers off \endif

BEGIN;
SET LOCAL search_path = pg_catalog, pg_temp;
SET LOCAL lock_timeout = '5s';
SET LOCAL client_min_messages = warning;

SELECT :'stage' = '1' AS first, :'stage' = '2' AS second, :'stage' = '3' AS third,
       :'plan' <> '' AS has_plan,
       current_setting('server_version_num')::int >= 150000 AS can_grant_parameters,
       current_setting('server_version_num')::int >= 160000 AS can_limit_membership,
       EXISTS (SELECT 1 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                WHERE n.nspname = 'tenantdeck' AND c.relname = 'meta') AS has_journal
\gset

-- What must not go on. A statement that raises stops psql, and the transaction with it.
SELECT format('DO $do$ BEGIN RAISE EXCEPTION USING MESSAGE = %L; END $do$', reason)
  FROM (SELECT format('stage is 1, 2 or 3, not ''%s''', :'stage') AS reason
         WHERE :'stage' NOT IN ('1', '2', '3')
         UNION ALL
        SELECT 'observer, worker and oncall must be three different roles'
         WHERE (SELECT count(DISTINCT name)
                  FROM unnest(ARRAY[:'observer', :'worker', :'oncall']) AS name) < 3
         UNION ALL
        SELECT format('role "%s" exists and may more than it should; name another', rolname)
          FROM pg_roles
         WHERE rolname IN (:'observer', :'worker', :'oncall')
           AND (rolsuper OR rolcreaterole OR rolcreatedb OR rolreplication
                OR (rolbypassrls AND rolname <> :'worker'))
         UNION ALL
        SELECT format('there is no schema "%s"', :'schema')
         WHERE NOT EXISTS (SELECT 1 FROM pg_namespace WHERE nspname = :'schema')
         UNION ALL
        SELECT format('there is no role "%s"', :'owner')
         WHERE :'owner' <> '' AND NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = :'owner')
         UNION ALL
        SELECT 'a plan is looked up in the journal, and there is none'
         WHERE :'plan' <> '' AND NOT :'has_journal'::boolean) AS refused
 LIMIT 1
\gexec

-- The tables this is about: of the newest version of the plan, or by what the catalog has.
CREATE TEMPORARY TABLE planned ON COMMIT DROP AS
SELECT c.oid, c.relname, c.relowner, n.nspname
  FROM pg_class c
  JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE n.nspname = :'schema' AND c.relkind IN ('r', 'p') AND NOT c.relispartition;
\if :has_plan
SELECT format('DO $do$ BEGIN RAISE EXCEPTION USING MESSAGE = %L; END $do$',
              format('the journal knows no plan "%s"', :'plan'))
 WHERE NOT EXISTS (SELECT 1 FROM tenantdeck.plan WHERE name = :'plan')
\gexec
DELETE FROM pg_temp.planned
 WHERE relname NOT IN (SELECT t ->> 'name'
                         FROM (SELECT document FROM tenantdeck.plan
                                WHERE name = :'plan' ORDER BY id DESC LIMIT 1) AS newest,
                              jsonb_array_elements(document -> 'tables') AS t);
\endif

CREATE TEMPORARY TABLE planned_column ON COMMIT DROP AS
SELECT p.oid, p.nspname, p.relname, a.attname
  FROM pg_temp.planned p
  JOIN pg_attribute a ON a.attrelid = p.oid AND NOT a.attisdropped
   AND a.attname = ANY (string_to_array(:'columns', ' '));

\if :first
\echo 'stage 1: the roles'
SELECT format('CREATE ROLE %I LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS', name)
  FROM unnest(ARRAY[:'observer', :'worker', :'oncall']) AS name
 WHERE NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = name)
\gexec
GRANT CONNECT ON DATABASE :"DBNAME" TO :"observer", :"worker", :"oncall";

-- The observer: the server's statistics, and a session that changes nothing and waits for nobody.
GRANT pg_monitor TO :"observer";
ALTER ROLE :"observer" SET default_transaction_read_only = on;
ALTER ROLE :"observer" SET statement_timeout = '10s';
ALTER ROLE :"observer" SET lock_timeout = '200ms';
ALTER ROLE :"observer" SET idle_in_transaction_session_timeout = '60s';

-- The on-call: what the observer sees, and pg_cancel_backend() and pg_terminate_backend().
GRANT :"observer" TO :"oncall";
GRANT pg_signal_backend TO :"oncall";

-- The worker: the server's load, to throttle by; and the owner's rights, to change definitions. It
-- never says SET ROLE, so from PostgreSQL 16 on the membership must say that the rights are inherited.
GRANT pg_monitor TO :"worker";
ALTER ROLE :"worker" SET idle_in_transaction_session_timeout = '60s';
GRANT USAGE ON SCHEMA :"schema" TO :"worker";
CREATE TEMPORARY TABLE owning ON COMMIT DROP AS
SELECT r.rolname, r.rolsuper
  FROM pg_roles r
 WHERE CASE WHEN :'owner' <> '' THEN r.rolname = :'owner'
            ELSE r.oid IN (SELECT relowner FROM pg_temp.planned) END
   AND r.rolname <> :'worker';
SELECT format('GRANT %I TO %I', rolname, :'worker')
       || CASE WHEN :'can_limit_membership'::boolean THEN ' WITH INHERIT TRUE' ELSE '' END
  FROM pg_temp.owning
 WHERE NOT rolsuper
\gexec
-- To be a member of a superuser is to be one: that is never given here.
SELECT EXISTS (SELECT 1 FROM pg_temp.owning WHERE rolsuper) AS owner_is_superuser
\gset
\if :owner_is_superuser
\warn 'WARNING: tables belong to a superuser, and the worker was not made a member of it.'
\warn '         Give them to a role of the application (ALTER TABLE ... OWNER TO), then run this again.'
\endif

\if :triggers
\if :can_grant_parameters
GRANT SET ON PARAMETER session_replication_role TO :"worker";
\else
\warn 'WARNING: before PostgreSQL 15 only a superuser may set session_replication_role; it was not granted.'
\endif
\endif

\if :data
GRANT USAGE ON SCHEMA :"schema" TO :"observer";
SELECT format('GRANT SELECT ON %I.%I TO %I', nspname, relname, :'observer')
  FROM pg_temp.planned
\gexec
\endif

-- The journal. A later upgrade may add tables: its owner's default privileges cover those.
\if :has_journal
SELECT pg_get_userbyid(c.relowner) AS journal_owner
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE n.nspname = 'tenantdeck' AND c.relname = 'meta'
\gset
GRANT USAGE ON SCHEMA tenantdeck TO :"observer", :"worker", :"oncall";
GRANT SELECT ON ALL TABLES IN SCHEMA tenantdeck TO :"observer", :"worker";
ALTER DEFAULT PRIVILEGES FOR ROLE :"journal_owner" IN SCHEMA tenantdeck
    GRANT SELECT ON TABLES TO :"observer", :"worker";
-- Rows of the log, checkpoints, findings and undo records are added, never changed or removed.
GRANT INSERT ON tenantdeck.plan, tenantdeck.mapping, tenantdeck.run, tenantdeck.lease,
    tenantdeck.heartbeat, tenantdeck.step, tenantdeck.checkpoint, tenantdeck.event,
    tenantdeck.finding, tenantdeck.request, tenantdeck.undo, tenantdeck.child,
    tenantdeck.old_value, tenantdeck.parked, tenantdeck.requeue, tenantdeck.measure,
    tenantdeck.redis_change TO :"worker";
-- The functions of the triggers that fill new rows are made there.
GRANT CREATE ON SCHEMA tenantdeck TO :"worker";
-- The codes, and the lists of what is still to do, are the worker's own to change.
GRANT UPDATE, DELETE ON tenantdeck.mapping, tenantdeck.old_value, tenantdeck.parked,
    tenantdeck.requeue, tenantdeck.measure TO :"worker";
GRANT UPDATE ON tenantdeck.checkpoint TO :"worker";
GRANT UPDATE ON tenantdeck.run, tenantdeck.lease, tenantdeck.heartbeat, tenantdeck.step TO :"worker";
GRANT UPDATE (answered_at, answer) ON tenantdeck.request TO :"worker";
GRANT UPDATE (state, settled_at, settled_by) ON tenantdeck.undo TO :"worker";
GRANT UPDATE (ended_at, exit_code, signal) ON tenantdeck.child TO :"worker";
GRANT UPDATE ON tenantdeck.redis_change TO :"worker";
-- Not role, at, answer: who asked is what the server says, and only the worker answers.
GRANT INSERT (run, verb, argument, who) ON tenantdeck.request TO :"oncall";
\else
\warn 'WARNING: there is no journal yet; after `tenantdeck journal create` run this again.'
\endif
\endif

\if :second
\echo 'stage 2: the columns'
SELECT format('DO $do$ BEGIN RAISE EXCEPTION USING MESSAGE = %L; END $do$',
              format('no table of schema "%s" has one of the columns "%s": run the step columns first',
                     :'schema', :'columns'))
 WHERE NOT EXISTS (SELECT 1 FROM pg_temp.planned_column)
\gexec
-- The fill needs no more of the tables than this, so it runs without the owner's rights.
SELECT format('GRANT SELECT, UPDATE (%s) ON %I.%I TO %I',
              string_agg(quote_ident(attname), ', ' ORDER BY attname), nspname, relname, :'worker')
  FROM pg_temp.planned_column
 GROUP BY oid, nspname, relname
 ORDER BY relname
\gexec
\endif

\if :third
\echo 'stage 3: what the worker no longer needs'
SELECT format('REVOKE %I FROM %I', o.rolname, w.rolname)
  FROM pg_auth_members m
  JOIN pg_roles o ON o.oid = m.roleid
  JOIN pg_roles w ON w.oid = m.member
 WHERE w.rolname = :'worker'
   AND (o.rolname = :'owner' OR o.oid IN (SELECT relowner FROM pg_temp.planned))
\gexec
SELECT format('REVOKE UPDATE (%s) ON %I.%I FROM %I',
              string_agg(quote_ident(attname), ', ' ORDER BY attname), nspname, relname, :'worker')
  FROM pg_temp.planned_column
 WHERE EXISTS (SELECT 1 FROM pg_roles WHERE rolname = :'worker')
 GROUP BY oid, nspname, relname
\gexec
SELECT format('REVOKE CREATE ON SCHEMA tenantdeck FROM %I', :'worker')
 WHERE :'has_journal'::boolean AND EXISTS (SELECT 1 FROM pg_roles WHERE rolname = :'worker')
\gexec
SELECT format('REVOKE SET ON PARAMETER session_replication_role FROM %I', :'worker')
 WHERE :'can_grant_parameters'::boolean
   AND EXISTS (SELECT 1 FROM pg_roles WHERE rolname = :'worker')
\gexec
\endif

COMMIT;
\echo 'stage' :stage 'is done'
