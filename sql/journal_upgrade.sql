-- The journal's tables. Version N is made from version N - 1 by the statement journal_upgrade_N, never
-- by editing an older one: what stands in a released upgrade has been run somewhere.

-- name: journal_upgrade_1
-- Makes the journal. Several commands without parameters: `tenantdeck sql journal_upgrade_1 |
-- psql -1 -v ON_ERROR_STOP=1` does what the program does. A schema that a DBA has made for the role
-- is used as it is. Once there, the commands end with an error and change nothing.
DO $$
BEGIN
    IF NOT EXISTS (SELECT 1 FROM pg_catalog.pg_namespace WHERE nspname = 'tenantdeck') THEN
        CREATE SCHEMA tenantdeck;
    END IF;
END
$$;

-- The comment is for whoever wonders in psql; a schema made by somebody else keeps its own.
DO $$
BEGIN
    COMMENT ON SCHEMA tenantdeck IS
        'Journal of tenantdeck: runs, checkpoints, undo records. See tenantdeck-journal(7).';
EXCEPTION WHEN insufficient_privilege THEN
    NULL;
END
$$;

-- A journal that was copied along with its database must not be taken for the original's: so it
-- keeps the identity of server and database. Some services do not let a role ask: then NULL.
CREATE FUNCTION tenantdeck.server_identity() RETURNS bigint
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN (SELECT system_identifier FROM pg_catalog.pg_control_system());
EXCEPTION WHEN insufficient_privilege THEN
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION tenantdeck.server_identity() IS
    'The identity of this server cluster, NULL where it is not told';

-- Some records must never change: what undo restores, and who did what. A unique key stops only a
-- second INSERT; this stops an UPDATE, a DELETE and a TRUNCATE too, also those of the owner's slips.
CREATE FUNCTION tenantdeck.refuse_change() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RAISE EXCEPTION 'rows of tenantdeck.% are written once', TG_TABLE_NAME
        USING ERRCODE = 'integrity_constraint_violation',
              HINT = 'tenantdeck-journal(7) says how old rows are removed on purpose.';
END
$$;
COMMENT ON FUNCTION tenantdeck.refuse_change() IS
    'Trigger: the row, or the table, is written once';

-- The worker listens, so that a request is seen at once; the row alone would do, a little later.
-- The console and psql insert alike, so the word goes out here.
CREATE FUNCTION tenantdeck.announce_request() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM pg_catalog.pg_notify('tenantdeck', NEW.run || ' ' || NEW.verb);
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION tenantdeck.announce_request() IS
    'Trigger: tells the worker by NOTIFY tenantdeck that a request is there';

CREATE TABLE tenantdeck.meta (
    one               boolean     NOT NULL DEFAULT true PRIMARY KEY CHECK (one),
    version           integer     NOT NULL CHECK (version > 0),
    generation        uuid        NOT NULL DEFAULT gen_random_uuid(),
    database_name     name        NOT NULL DEFAULT current_database(),
    database_oid      oid         NOT NULL,
    system_identifier bigint,
    program           text,
    created_at        timestamptz NOT NULL DEFAULT now(),
    created_by        name        NOT NULL DEFAULT session_user,
    upgraded_at       timestamptz NOT NULL DEFAULT now(),
    upgraded_by       name        NOT NULL DEFAULT session_user
);
COMMENT ON TABLE tenantdeck.meta IS 'What this journal is: one row';
COMMENT ON COLUMN tenantdeck.meta.one IS 'Always true: keeps the table at one row';
COMMENT ON COLUMN tenantdeck.meta.version IS 'Version of this schema; a newer one than the program knows is refused';
COMMENT ON COLUMN tenantdeck.meta.generation IS 'Identity of this journal; a new one begins when the database turns out to be a copy';
COMMENT ON COLUMN tenantdeck.meta.database_name IS 'Name of the database when the generation began';
COMMENT ON COLUMN tenantdeck.meta.database_oid IS 'OID of the database when the generation began: another one means a copy';
COMMENT ON COLUMN tenantdeck.meta.system_identifier IS 'Identity of the server cluster when the generation began; NULL: not told';
COMMENT ON COLUMN tenantdeck.meta.program IS 'Version of tenantdeck that made or upgraded the schema; NULL: psql did';
COMMENT ON COLUMN tenantdeck.meta.created_at IS 'When the schema was made';
COMMENT ON COLUMN tenantdeck.meta.created_by IS 'Database role that made it';
COMMENT ON COLUMN tenantdeck.meta.upgraded_at IS 'When it was last upgraded';
COMMENT ON COLUMN tenantdeck.meta.upgraded_by IS 'Database role that did so';

CREATE TABLE tenantdeck.plan (
    id        bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name      text        NOT NULL CHECK (name <> ''),
    hash      text        NOT NULL UNIQUE CHECK (hash ~ '^[0-9a-f]{64}$'),
    kind      text        NOT NULL CHECK (kind IN ('columns', 'import', 'registry', 'cache')),
    title     text        NOT NULL DEFAULT '',
    text      text        NOT NULL,
    document  jsonb       NOT NULL,
    loaded_at timestamptz NOT NULL DEFAULT now(),
    loaded_by name        NOT NULL DEFAULT session_user
);
CREATE INDEX plan_by_name ON tenantdeck.plan (name, id);
COMMENT ON TABLE tenantdeck.plan IS 'Every version of every plan that was ever run';
COMMENT ON COLUMN tenantdeck.plan.id IS 'Number of this version of the plan';
COMMENT ON COLUMN tenantdeck.plan.name IS 'Name of the plan; its versions share it';
COMMENT ON COLUMN tenantdeck.plan.hash IS 'SHA-256 of the plan file and its mapping file, in hex';
COMMENT ON COLUMN tenantdeck.plan.kind IS 'columns, import, registry or cache';
COMMENT ON COLUMN tenantdeck.plan.title IS 'What the plan says of itself';
COMMENT ON COLUMN tenantdeck.plan.text IS 'The plan file as it was, byte for byte';
COMMENT ON COLUMN tenantdeck.plan.document IS 'The same as JSON; the statements of the steps are generated from it';
COMMENT ON COLUMN tenantdeck.plan.loaded_at IS 'When it was loaded';
COMMENT ON COLUMN tenantdeck.plan.loaded_by IS 'Database role that loaded it';

CREATE TABLE tenantdeck.mapping (
    plan              bigint NOT NULL REFERENCES tenantdeck.plan,
    key               text   NOT NULL CHECK (key <> ''),
    organization_code text   CHECK (organization_code <> ''),
    tenant_code       text   NOT NULL CHECK (tenant_code <> ''),
    PRIMARY KEY (plan, key)
);
COMMENT ON TABLE tenantdeck.mapping IS 'The mapping file as it was loaded for a plan: key to codes';
COMMENT ON COLUMN tenantdeck.mapping.plan IS 'The version of the plan it belongs to';
COMMENT ON COLUMN tenantdeck.mapping.key IS 'The key of the file, as text: an organization or a user id';
COMMENT ON COLUMN tenantdeck.mapping.organization_code IS 'Its organization code; NULL: the plan has none';
COMMENT ON COLUMN tenantdeck.mapping.tenant_code IS 'Its tenant code';

CREATE TABLE tenantdeck.run (
    id         bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    generation uuid        NOT NULL,
    plan       bigint      NOT NULL REFERENCES tenantdeck.plan,
    verb       text        NOT NULL CHECK (verb <> ''),
    mode       text        NOT NULL CHECK (mode IN ('online', 'window')),
    state      text        NOT NULL CHECK (state IN ('starting', 'running', 'paused', 'held',
                                                     'stopped', 'failed', 'done',
                                                     'undoing', 'undone')),
    os_user    text        NOT NULL,
    host       text        NOT NULL,
    ssh_client inet,
    role       name        NOT NULL DEFAULT session_user,
    pid        integer     CHECK (pid > 0),
    program    text        NOT NULL,
    started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    ended_at   timestamptz CHECK (ended_at >= started_at),
    trouble    text,
    log_file   text,
    CHECK (ended_at IS NOT NULL OR state NOT IN ('done', 'undone'))
);
CREATE INDEX run_by_plan ON tenantdeck.run (plan, id);
COMMENT ON TABLE tenantdeck.run IS 'Every execution of a plan, or of some of its steps';
COMMENT ON COLUMN tenantdeck.run.id IS 'Number of the run';
COMMENT ON COLUMN tenantdeck.run.generation IS 'meta.generation when it began; runs of another generation are never resumed';
COMMENT ON COLUMN tenantdeck.run.plan IS 'The version of the plan that is run';
COMMENT ON COLUMN tenantdeck.run.verb IS 'What was asked for: migrate, validate, rollback, run STEP';
COMMENT ON COLUMN tenantdeck.run.mode IS 'online: beside the application; window: the application is stopped';
COMMENT ON COLUMN tenantdeck.run.state IS 'starting, running, paused and held (before a point of no return) are open; stopped and failed can be resumed; done; undoing, undone';
COMMENT ON COLUMN tenantdeck.run.os_user IS 'Who began it: the user on the host';
COMMENT ON COLUMN tenantdeck.run.host IS 'The host the worker runs on';
COMMENT ON COLUMN tenantdeck.run.ssh_client IS 'Where that user came from; NULL: not over SSH';
COMMENT ON COLUMN tenantdeck.run.role IS 'The database role it logged in with';
COMMENT ON COLUMN tenantdeck.run.pid IS 'Process number of the worker on that host; NULL: not started yet';
COMMENT ON COLUMN tenantdeck.run.program IS 'Version of tenantdeck that runs it';
COMMENT ON COLUMN tenantdeck.run.started_at IS 'When it began';
COMMENT ON COLUMN tenantdeck.run.ended_at IS 'When it ended; NULL: it has not';
COMMENT ON COLUMN tenantdeck.run.trouble IS 'Why it failed or stopped, in a sentence';
COMMENT ON COLUMN tenantdeck.run.log_file IS 'The log of the worker on that host';

CREATE TABLE tenantdeck.lease (
    plan          text        PRIMARY KEY CHECK (plan <> ''),
    epoch         bigint      NOT NULL CHECK (epoch > 0),
    run           bigint      REFERENCES tenantdeck.run,
    host          text,
    pid           integer     CHECK (pid > 0),
    backend_pid   integer     CHECK (backend_pid > 0),
    backend_start timestamptz,
    claimed_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
    released_at   timestamptz,
    CHECK ((backend_pid IS NULL) = (backend_start IS NULL))
);
CREATE INDEX lease_by_run ON tenantdeck.lease (run);
COMMENT ON TABLE tenantdeck.lease IS 'Who may run a plan: each claim raises the epoch, each batch locks the row FOR SHARE and matches it';
COMMENT ON COLUMN tenantdeck.lease.plan IS 'Name of the plan: two versions of one plan exclude each other';
COMMENT ON COLUMN tenantdeck.lease.epoch IS 'Raised at each claim; a worker with an older one commits nothing';
COMMENT ON COLUMN tenantdeck.lease.run IS 'The run that holds it; NULL: free';
COMMENT ON COLUMN tenantdeck.lease.host IS 'The host of its worker';
COMMENT ON COLUMN tenantdeck.lease.pid IS 'Process number of its worker there';
COMMENT ON COLUMN tenantdeck.lease.backend_pid IS 'Backend of its lock connection, which holds the advisory lock';
COMMENT ON COLUMN tenantdeck.lease.backend_start IS 'When that backend began: process numbers come again, this does not';
COMMENT ON COLUMN tenantdeck.lease.claimed_at IS 'When it was claimed';
COMMENT ON COLUMN tenantdeck.lease.released_at IS 'When it was given back in order; NULL: it is held, or its holder died';

-- A row of its own: a heartbeat must never wait for a batch that has the lease FOR SHARE.
CREATE TABLE tenantdeck.heartbeat (
    run   bigint      PRIMARY KEY REFERENCES tenantdeck.run,
    epoch bigint      NOT NULL CHECK (epoch > 0),
    at    timestamptz NOT NULL DEFAULT clock_timestamp()
) WITH (fillfactor = 10);
COMMENT ON TABLE tenantdeck.heartbeat IS 'The last sign of life of each run, every two seconds; older than 15 seconds means trouble';
COMMENT ON COLUMN tenantdeck.heartbeat.run IS 'The run that lives';
COMMENT ON COLUMN tenantdeck.heartbeat.epoch IS 'The epoch its worker believes in';
COMMENT ON COLUMN tenantdeck.heartbeat.at IS 'When, by the clock of the server';

CREATE TABLE tenantdeck.step (
    id         bigint           GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    run        bigint           NOT NULL REFERENCES tenantdeck.run,
    ordinal    integer          NOT NULL CHECK (ordinal > 0),
    name       text             NOT NULL CHECK (name <> ''),
    type       text             NOT NULL CHECK (type IN ('once', 'batch', 'rewrite', 'copy',
                                                         'scan', 'verify', 'outside')),
    state      text             NOT NULL DEFAULT 'waits'
                                CHECK (state IN ('waits', 'runs', 'paused', 'done', 'failed',
                                                 'undone', 'skipped')),
    done       bigint           CHECK (done >= 0),
    total      bigint           CHECK (total >= 0),
    rate       double precision CHECK (rate >= 0),
    started_at timestamptz,
    ended_at   timestamptz      CHECK (ended_at >= started_at),
    trouble    text,
    sqlstate   text             CHECK (sqlstate ~ '^[0-9A-Z]{5}$'),
    throttled  text,
    UNIQUE (run, ordinal),
    UNIQUE (run, name)
) WITH (fillfactor = 50);
COMMENT ON TABLE tenantdeck.step IS 'The steps of each run, in order';
COMMENT ON COLUMN tenantdeck.step.id IS 'Number of the step in this journal';
COMMENT ON COLUMN tenantdeck.step.run IS 'The run it belongs to';
COMMENT ON COLUMN tenantdeck.step.ordinal IS 'Its place in the run, from 1';
COMMENT ON COLUMN tenantdeck.step.name IS 'Its name: columns, fill, not-null, ...';
COMMENT ON COLUMN tenantdeck.step.type IS 'How it works: once, batch, rewrite, copy, scan, verify or outside (somebody else''s command)';
COMMENT ON COLUMN tenantdeck.step.state IS 'waits, runs, paused, done (read back from the database), failed, undone or skipped';
COMMENT ON COLUMN tenantdeck.step.done IS 'Rows so far; NULL: not known';
COMMENT ON COLUMN tenantdeck.step.total IS 'Rows in all; NULL: not known';
COMMENT ON COLUMN tenantdeck.step.rate IS 'Rows a second, lately; NULL: not known';
COMMENT ON COLUMN tenantdeck.step.started_at IS 'When it began';
COMMENT ON COLUMN tenantdeck.step.ended_at IS 'When it ended; NULL: it has not';
COMMENT ON COLUMN tenantdeck.step.trouble IS 'Why it failed: what, where, what is unchanged, what to do';
COMMENT ON COLUMN tenantdeck.step.sqlstate IS 'SQLSTATE of that failure; NULL: it was none of the database';
COMMENT ON COLUMN tenantdeck.step.throttled IS 'Why it waits just now: lag, load, a lock; NULL: it does not';

CREATE TABLE tenantdeck.checkpoint (
    step  bigint      NOT NULL REFERENCES tenantdeck.step,
    unit  text        NOT NULL CHECK (unit <> ''),
    part  text        NOT NULL CHECK (part <> ''),
    next  text,
    rows  bigint      NOT NULL CHECK (rows >= 0),
    epoch bigint      NOT NULL CHECK (epoch > 0),
    at    timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (step, unit, part)
);
COMMENT ON TABLE tenantdeck.checkpoint IS 'Batches that are done, each written in the transaction of its rows; the key makes a batch that commits twice impossible';
COMMENT ON COLUMN tenantdeck.checkpoint.step IS 'The step, and with it the run';
COMMENT ON COLUMN tenantdeck.checkpoint.unit IS 'What is worked through: a table, a file, a Redis server';
COMMENT ON COLUMN tenantdeck.checkpoint.part IS 'Which part of it: a range of blocks and the pass, a range of keys, lines';
COMMENT ON COLUMN tenantdeck.checkpoint.next IS 'Where the next batch begins; NULL: the unit is through';
COMMENT ON COLUMN tenantdeck.checkpoint.rows IS 'Rows that this batch changed';
COMMENT ON COLUMN tenantdeck.checkpoint.epoch IS 'lease.epoch of the worker that did it, matched in the same transaction';
COMMENT ON COLUMN tenantdeck.checkpoint.at IS 'When it was written';

CREATE TABLE tenantdeck.event (
    id       bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at       timestamptz NOT NULL DEFAULT clock_timestamp(),
    run      bigint      REFERENCES tenantdeck.run,
    step     bigint      REFERENCES tenantdeck.step,
    severity text        NOT NULL CHECK (severity IN ('debug', 'info', 'warn', 'error')),
    source   text        NOT NULL CHECK (source <> ''),
    role     name        NOT NULL DEFAULT session_user,
    text     text        NOT NULL
);
CREATE INDEX event_by_run ON tenantdeck.event (run, id);
CREATE TRIGGER event_is_written_once BEFORE UPDATE OR DELETE OR TRUNCATE ON tenantdeck.event
    FOR EACH STATEMENT EXECUTE FUNCTION tenantdeck.refuse_change();
-- ALWAYS: the fill sets session_replication_role = replica, which silences ordinary triggers.
ALTER TABLE tenantdeck.event ENABLE ALWAYS TRIGGER event_is_written_once;
COMMENT ON TABLE tenantdeck.event IS 'The log: what happened, who did it; rows are only ever added';
COMMENT ON COLUMN tenantdeck.event.id IS 'Number of the event; later ones have higher numbers';
COMMENT ON COLUMN tenantdeck.event.at IS 'When, by the clock of the server';
COMMENT ON COLUMN tenantdeck.event.run IS 'The run it belongs to; NULL: none';
COMMENT ON COLUMN tenantdeck.event.step IS 'The step it belongs to; NULL: none';
COMMENT ON COLUMN tenantdeck.event.severity IS 'debug, info, warn or error';
COMMENT ON COLUMN tenantdeck.event.source IS 'Who speaks: worker, journal, database, redis, an outside command';
COMMENT ON COLUMN tenantdeck.event.role IS 'The database role that wrote it';
COMMENT ON COLUMN tenantdeck.event.text IS 'What happened; raw, as servers and files gave it';

CREATE TABLE tenantdeck.finding (
    id          bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    run         bigint      NOT NULL REFERENCES tenantdeck.run,
    step        bigint      REFERENCES tenantdeck.step,
    check_group text        NOT NULL CHECK (check_group <> ''),
    check_name  text        NOT NULL CHECK (check_name <> ''),
    subject     text        NOT NULL,
    verdict     text        NOT NULL CHECK (verdict IN ('pass', 'warn', 'fail', 'unknown')),
    severity    text        NOT NULL CHECK (severity IN ('debug', 'info', 'warn', 'error')),
    count       bigint      CHECK (count >= 0),
    message     text        NOT NULL,
    samples     jsonb       CHECK (jsonb_typeof(samples) = 'array'),
    query       text,
    fix         text,
    at          timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX finding_by_run ON tenantdeck.finding (run, id);
COMMENT ON TABLE tenantdeck.finding IS 'What the checks of a run found, the good results too';
COMMENT ON COLUMN tenantdeck.finding.id IS 'Number of the finding';
COMMENT ON COLUMN tenantdeck.finding.run IS 'The run that looked';
COMMENT ON COLUMN tenantdeck.finding.step IS 'The step that looked; NULL: a check outside of the steps';
COMMENT ON COLUMN tenantdeck.finding.check_group IS 'What sort of check: plan, mapping, structure, completeness, ...';
COMMENT ON COLUMN tenantdeck.finding.check_name IS 'Name of the check: that of its statement in sql/checks';
COMMENT ON COLUMN tenantdeck.finding.subject IS 'What was looked at: a table, a file, a key template';
COMMENT ON COLUMN tenantdeck.finding.verdict IS 'pass, warn, fail, or unknown where it could not be found out';
COMMENT ON COLUMN tenantdeck.finding.severity IS 'How bad it would be: debug, info, warn or error';
COMMENT ON COLUMN tenantdeck.finding.count IS 'Rows or keys concerned; NULL: not known';
COMMENT ON COLUMN tenantdeck.finding.message IS 'The result in a sentence';
COMMENT ON COLUMN tenantdeck.finding.samples IS 'Some of the rows concerned, an array';
COMMENT ON COLUMN tenantdeck.finding.query IS 'The SQL that found it, to be run again';
COMMENT ON COLUMN tenantdeck.finding.fix IS 'The SQL that would mend it; NULL: none is known';
COMMENT ON COLUMN tenantdeck.finding.at IS 'When it was found';

CREATE TABLE tenantdeck.request (
    id          bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    run         bigint      NOT NULL REFERENCES tenantdeck.run,
    verb        text        NOT NULL CHECK (verb IN ('pause', 'resume', 'stop', 'abort',
                                                     'throttle', 'hold')),
    argument    jsonb       NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(argument) = 'object'),
    who         text        NOT NULL DEFAULT session_user,
    role        name        NOT NULL DEFAULT session_user,
    at          timestamptz NOT NULL DEFAULT clock_timestamp(),
    answered_at timestamptz CHECK (answered_at >= at),
    answer      text,
    CHECK ((answered_at IS NULL) = (answer IS NULL))
);
CREATE INDEX request_by_run ON tenantdeck.request (run, id);
CREATE INDEX request_open ON tenantdeck.request (run, id) WHERE answered_at IS NULL;
CREATE TRIGGER request_is_announced AFTER INSERT ON tenantdeck.request
    FOR EACH ROW EXECUTE FUNCTION tenantdeck.announce_request();
ALTER TABLE tenantdeck.request ENABLE ALWAYS TRIGGER request_is_announced;
COMMENT ON TABLE tenantdeck.request IS 'What people ask of a running worker, and what it answered; it reads them between batches';
COMMENT ON COLUMN tenantdeck.request.id IS 'Number of the request';
COMMENT ON COLUMN tenantdeck.request.run IS 'The run it is meant for';
COMMENT ON COLUMN tenantdeck.request.verb IS 'pause, resume, stop and hold act at the border of a batch; abort cancels the running statement; throttle sets limits';
COMMENT ON COLUMN tenantdeck.request.argument IS 'Details, as a JSON object: the limits of throttle, the step to hold before';
COMMENT ON COLUMN tenantdeck.request.who IS 'Who asks: user and host';
COMMENT ON COLUMN tenantdeck.request.role IS 'The database role that wrote it';
COMMENT ON COLUMN tenantdeck.request.at IS 'When it was written';
COMMENT ON COLUMN tenantdeck.request.answered_at IS 'When the worker took it up; NULL: it has not yet';
COMMENT ON COLUMN tenantdeck.request.answer IS 'What the worker did about it, in a sentence';

CREATE TABLE tenantdeck.undo (
    id          bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    generation  uuid        NOT NULL,
    plan        text        NOT NULL CHECK (plan <> ''),
    run         bigint      NOT NULL REFERENCES tenantdeck.run,
    step        bigint      NOT NULL REFERENCES tenantdeck.step,
    ordinal     integer     NOT NULL CHECK (ordinal > 0),
    object_type text        NOT NULL CHECK (object_type <> ''),
    object      text        NOT NULL CHECK (object <> ''),
    definition  text,
    statement   text        NOT NULL CHECK (statement <> ''),
    state       text        NOT NULL DEFAULT 'kept' CHECK (state IN ('kept', 'undone', 'dropped')),
    recorded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    settled_at  timestamptz CHECK (settled_at >= recorded_at),
    settled_by  bigint      REFERENCES tenantdeck.run,
    UNIQUE (step, ordinal),
    CHECK ((state = 'kept') = (settled_at IS NULL))
);
-- The first record of an object counts: what a second run finds there is its own predecessor's work.
-- Writers say ON CONFLICT DO NOTHING; an object may be recorded again once it has been restored.
CREATE UNIQUE INDEX undo_first_counts ON tenantdeck.undo (generation, plan, object_type, object)
    WHERE state = 'kept';
CREATE INDEX undo_by_run ON tenantdeck.undo (run, id);
-- Only the settling columns may ever change, and only once.
CREATE TRIGGER undo_is_written_once BEFORE UPDATE ON tenantdeck.undo
    FOR EACH ROW
    WHEN (OLD.state <> 'kept'
          OR ROW(NEW.id, NEW.generation, NEW.plan, NEW.run, NEW.step, NEW.ordinal, NEW.object_type,
                 NEW.object, NEW.definition, NEW.statement, NEW.recorded_at)
             IS DISTINCT FROM
             ROW(OLD.id, OLD.generation, OLD.plan, OLD.run, OLD.step, OLD.ordinal, OLD.object_type,
                 OLD.object, OLD.definition, OLD.statement, OLD.recorded_at))
    EXECUTE FUNCTION tenantdeck.refuse_change();
CREATE TRIGGER undo_stays BEFORE DELETE OR TRUNCATE ON tenantdeck.undo
    FOR EACH STATEMENT EXECUTE FUNCTION tenantdeck.refuse_change();
ALTER TABLE tenantdeck.undo ENABLE ALWAYS TRIGGER undo_is_written_once;
ALTER TABLE tenantdeck.undo ENABLE ALWAYS TRIGGER undo_stays;
COMMENT ON TABLE tenantdeck.undo IS 'How everything was before, and what restores it: read from the catalog and written in the transaction of the change';
COMMENT ON COLUMN tenantdeck.undo.id IS 'Number of the record';
COMMENT ON COLUMN tenantdeck.undo.generation IS 'meta.generation when it was written';
COMMENT ON COLUMN tenantdeck.undo.plan IS 'Name of the plan: each plan undoes its own changes';
COMMENT ON COLUMN tenantdeck.undo.run IS 'The run that changed the object';
COMMENT ON COLUMN tenantdeck.undo.step IS 'The step that changed it';
COMMENT ON COLUMN tenantdeck.undo.ordinal IS 'Order within the step; undo goes backwards';
COMMENT ON COLUMN tenantdeck.undo.object_type IS 'What it is, as in pg_identify_object(): table constraint, index, table column, ...';
COMMENT ON COLUMN tenantdeck.undo.object IS 'Which one, as in pg_identify_object()';
COMMENT ON COLUMN tenantdeck.undo.definition IS 'Its definition before the change, from the catalog; NULL: it did not exist';
COMMENT ON COLUMN tenantdeck.undo.statement IS 'The SQL that restores it';
COMMENT ON COLUMN tenantdeck.undo.state IS 'kept, undone, or dropped: given up, since only a restore takes it back';
COMMENT ON COLUMN tenantdeck.undo.recorded_at IS 'When it was written';
COMMENT ON COLUMN tenantdeck.undo.settled_at IS 'When it was undone or given up; NULL: it is kept';
COMMENT ON COLUMN tenantdeck.undo.settled_by IS 'The run that did so';

CREATE TABLE tenantdeck.child (
    id            bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    run           bigint      NOT NULL REFERENCES tenantdeck.run,
    step          bigint      REFERENCES tenantdeck.step,
    kind          text        NOT NULL CHECK (kind IN ('process', 'backend')),
    pid           integer     NOT NULL CHECK (pid > 0),
    backend_start timestamptz,
    host          text,
    boot_id       uuid,
    start_ticks   bigint,
    command       text        NOT NULL,
    intent_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
    ended_at      timestamptz CHECK (ended_at >= intent_at),
    exit_code     integer,
    signal        integer,
    CHECK (CASE kind
           WHEN 'backend' THEN backend_start IS NOT NULL
           ELSE host IS NOT NULL AND boot_id IS NOT NULL AND start_ticks IS NOT NULL END),
    CHECK (exit_code IS NULL OR signal IS NULL)
);
CREATE INDEX child_open ON tenantdeck.child (run) WHERE ended_at IS NULL;
COMMENT ON TABLE tenantdeck.child IS 'Own backends and outside commands at work; a takeover ends these first, and only these, each only if pid and start agree';
COMMENT ON COLUMN tenantdeck.child.id IS 'Number of the entry';
COMMENT ON COLUMN tenantdeck.child.run IS 'The run that began it';
COMMENT ON COLUMN tenantdeck.child.step IS 'The step that began it; NULL: a connection of the whole run';
COMMENT ON COLUMN tenantdeck.child.kind IS 'process: a command on the host of the worker; backend: a connection to PostgreSQL';
COMMENT ON COLUMN tenantdeck.child.pid IS 'Process number there';
COMMENT ON COLUMN tenantdeck.child.backend_start IS 'Of a backend: pg_stat_activity.backend_start';
COMMENT ON COLUMN tenantdeck.child.host IS 'Of a process: its host';
COMMENT ON COLUMN tenantdeck.child.boot_id IS 'Of a process: the boot of that host it belongs to';
COMMENT ON COLUMN tenantdeck.child.start_ticks IS 'Of a process: its start in clock ticks since that boot';
COMMENT ON COLUMN tenantdeck.child.command IS 'What it does, without secrets';
COMMENT ON COLUMN tenantdeck.child.intent_at IS 'When it was noted, before the work was handed to it';
COMMENT ON COLUMN tenantdeck.child.ended_at IS 'When its end was seen; NULL: it has not been';
COMMENT ON COLUMN tenantdeck.child.exit_code IS 'Exit code of a process';
COMMENT ON COLUMN tenantdeck.child.signal IS 'The signal that ended a process';

REVOKE ALL ON ALL TABLES IN SCHEMA tenantdeck FROM PUBLIC;

INSERT INTO tenantdeck.meta (version, database_oid, system_identifier)
SELECT 1, d.oid, tenantdeck.server_identity()
  FROM pg_catalog.pg_database d
 WHERE d.datname = current_database();
INSERT INTO tenantdeck.event (severity, source, text)
VALUES ('info', 'journal', 'the journal was made');

-- name: journal_upgrade_2
-- What the worker needs beside version 1. The codes are kept under the name of their plan, since the
-- fill triggers go on reading them while the next version of a plan is looked at; an undo record says
-- whether its statement must run outside of a transaction; a run keeps its options, so that a resume
-- goes on with the same. Old values, parked rows and users whose rows have to be looked at again have
-- tables of their own.
DROP TABLE tenantdeck.mapping;
CREATE TABLE tenantdeck.mapping (
    plan              text NOT NULL CHECK (plan <> ''),
    key               text NOT NULL CHECK (key <> ''),
    organization_code text CHECK (organization_code <> ''),
    tenant_code       text NOT NULL CHECK (tenant_code <> ''),
    PRIMARY KEY (plan, key)
);
COMMENT ON TABLE tenantdeck.mapping IS 'The codes that the fill and its triggers go by: the mapping file as step mapping read it';
COMMENT ON COLUMN tenantdeck.mapping.plan IS 'Name of the plan it belongs to';
COMMENT ON COLUMN tenantdeck.mapping.key IS 'The key of the file, as text: an organization or a user id';
COMMENT ON COLUMN tenantdeck.mapping.organization_code IS 'Its organization code; NULL: the plan has none';
COMMENT ON COLUMN tenantdeck.mapping.tenant_code IS 'Its tenant code';

ALTER TABLE tenantdeck.run ADD COLUMN options jsonb NOT NULL DEFAULT '{}'
    CHECK (jsonb_typeof(options) = 'object');
COMMENT ON COLUMN tenantdeck.run.options IS 'What it was told beside its mode: limits, directories; a resume goes on with the same';

ALTER TABLE tenantdeck.undo ADD COLUMN alone boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN tenantdeck.undo.alone IS 'The statement must run outside of a transaction: CONCURRENTLY, Citus, a command';
DROP TRIGGER undo_is_written_once ON tenantdeck.undo;
CREATE TRIGGER undo_is_written_once BEFORE UPDATE ON tenantdeck.undo
    FOR EACH ROW
    WHEN (OLD.state <> 'kept'
          OR ROW(NEW.id, NEW.generation, NEW.plan, NEW.run, NEW.step, NEW.ordinal, NEW.object_type,
                 NEW.object, NEW.definition, NEW.statement, NEW.alone, NEW.recorded_at)
             IS DISTINCT FROM
             ROW(OLD.id, OLD.generation, OLD.plan, OLD.run, OLD.step, OLD.ordinal, OLD.object_type,
                 OLD.object, OLD.definition, OLD.statement, OLD.alone, OLD.recorded_at))
    EXECUTE FUNCTION tenantdeck.refuse_change();
ALTER TABLE tenantdeck.undo ENABLE ALWAYS TRIGGER undo_is_written_once;

CREATE TABLE tenantdeck.old_value (
    plan      text  NOT NULL CHECK (plan <> ''),
    unit      text  NOT NULL CHECK (unit <> ''),
    key       jsonb NOT NULL,
    value     jsonb NOT NULL,
    PRIMARY KEY (plan, unit, key)
);
COMMENT ON TABLE tenantdeck.old_value IS 'What a column that was there before held, of the rows that the fill has changed';
COMMENT ON COLUMN tenantdeck.old_value.plan IS 'Name of the plan';
COMMENT ON COLUMN tenantdeck.old_value.unit IS 'The table';
COMMENT ON COLUMN tenantdeck.old_value.key IS 'The columns of its primary key, with their values';
COMMENT ON COLUMN tenantdeck.old_value.value IS 'The columns of the plan, with what they held';

CREATE TABLE tenantdeck.parked (
    plan   text        NOT NULL CHECK (plan <> ''),
    unit   text        NOT NULL CHECK (unit <> ''),
    key    jsonb       NOT NULL,
    reason text        NOT NULL,
    at     timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (plan, unit, key)
);
COMMENT ON TABLE tenantdeck.parked IS 'Rows that a step left aside, with the reason: they belong to no tenant yet';
COMMENT ON COLUMN tenantdeck.parked.plan IS 'Name of the plan';
COMMENT ON COLUMN tenantdeck.parked.unit IS 'The table';
COMMENT ON COLUMN tenantdeck.parked.key IS 'The columns of its primary key, with their values';
COMMENT ON COLUMN tenantdeck.parked.reason IS 'Why no code could be found';
COMMENT ON COLUMN tenantdeck.parked.at IS 'When it was left aside';

CREATE TABLE tenantdeck.requeue (
    plan text        NOT NULL CHECK (plan <> ''),
    key  text        NOT NULL CHECK (key <> ''),
    at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (plan, key)
);
COMMENT ON TABLE tenantdeck.requeue IS 'Users who changed their organization meanwhile: the fill looks at their rows again';
COMMENT ON COLUMN tenantdeck.requeue.plan IS 'Name of the plan';
COMMENT ON COLUMN tenantdeck.requeue.key IS 'The user id, as text';
COMMENT ON COLUMN tenantdeck.requeue.at IS 'When it changed first';

CREATE TABLE tenantdeck.measure (
    run   bigint      NOT NULL REFERENCES tenantdeck.run,
    unit  text        NOT NULL CHECK (unit <> ''),
    name  text        NOT NULL CHECK (name <> ''),
    value bigint      NOT NULL,
    at    timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (run, unit, name)
);
COMMENT ON TABLE tenantdeck.measure IS 'Figures that a later step compares with: rows of each table before';
COMMENT ON COLUMN tenantdeck.measure.run IS 'The run that measured';
COMMENT ON COLUMN tenantdeck.measure.unit IS 'The table';
COMMENT ON COLUMN tenantdeck.measure.name IS 'What was measured: rows before';
COMMENT ON COLUMN tenantdeck.measure.value IS 'The figure';
COMMENT ON COLUMN tenantdeck.measure.at IS 'When';

REVOKE ALL ON ALL TABLES IN SCHEMA tenantdeck FROM PUBLIC;
UPDATE tenantdeck.meta SET version = 2;
INSERT INTO tenantdeck.event (severity, source, text)
VALUES ('info', 'journal', 'the journal was brought to version 2');

-- name: journal_upgrade_3
-- What the verbs of the cache change in Redis, outside of any run: what was meant, that it was done,
-- and what was found afterwards, each noted before the next is begun. One that has no end was cut off;
-- there is at most one of a sort for one Redis.
CREATE TABLE tenantdeck.redis_change (
    id       bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    server   text        NOT NULL CHECK (server <> ''),
    what     text        NOT NULL CHECK (what IN ('clear', 'rekey', 'ttl')),
    intent   jsonb       NOT NULL CHECK (jsonb_typeof(intent) = 'object'),
    who      text        NOT NULL,
    role     name        NOT NULL DEFAULT session_user,
    attempts integer     NOT NULL DEFAULT 1 CHECK (attempts > 0),
    acted    jsonb       CHECK (jsonb_typeof(acted) = 'object'),
    result   text        CHECK (result <> ''),
    meant_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    again_at timestamptz,
    acted_at timestamptz,
    ended_at timestamptz,
    CHECK ((acted IS NULL) = (acted_at IS NULL)),
    CHECK ((result IS NULL) = (ended_at IS NULL))
);
CREATE UNIQUE INDEX redis_change_open ON tenantdeck.redis_change (server, what)
    WHERE ended_at IS NULL;
COMMENT ON TABLE tenantdeck.redis_change IS 'Changes of keys in Redis outside of a run: intent, act, confirmation';
COMMENT ON COLUMN tenantdeck.redis_change.id IS 'Number of the change';
COMMENT ON COLUMN tenantdeck.redis_change.server IS 'The Redis, as host:port/database; of one on the host itself with the host''s name before it';
COMMENT ON COLUMN tenantdeck.redis_change.what IS 'clear, rekey or ttl';
COMMENT ON COLUMN tenantdeck.redis_change.intent IS 'Which keys were meant, and what was to become of them; written before the first is touched';
COMMENT ON COLUMN tenantdeck.redis_change.who IS 'Who meant it, user@host';
COMMENT ON COLUMN tenantdeck.redis_change.role IS 'Database role that wrote it';
COMMENT ON COLUMN tenantdeck.redis_change.attempts IS 'How many times it was begun: more than once when it was cut off';
COMMENT ON COLUMN tenantdeck.redis_change.acted IS 'Counts of what was done in the last attempt, written before it is looked at anew';
COMMENT ON COLUMN tenantdeck.redis_change.result IS 'What became of it, from a look at Redis afterwards; NULL: not ended';
COMMENT ON COLUMN tenantdeck.redis_change.meant_at IS 'When it was meant';
COMMENT ON COLUMN tenantdeck.redis_change.again_at IS 'When it was last begun again';
COMMENT ON COLUMN tenantdeck.redis_change.acted_at IS 'When all was done';
COMMENT ON COLUMN tenantdeck.redis_change.ended_at IS 'When it was looked at, or given up; NULL: under way, or cut off';

REVOKE ALL ON tenantdeck.redis_change FROM PUBLIC;
UPDATE tenantdeck.meta SET version = 3;
INSERT INTO tenantdeck.event (severity, source, text)
VALUES ('info', 'journal', 'the journal was brought to version 3');
