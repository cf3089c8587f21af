#!/bin/sh
# The report of a run, from a journal that psql has filled: in words, JSON and CSV all three say the
# same, of the newest run or of the named one, and nothing foreign reaches the terminal as it was.
. "$(dirname "$0")/../lib.sh"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
td_start_postgres

# What the program says, and its exit code in the last line: `td WORD...`.
td() {
    "$TENANTDECK" -d "$TD_DATABASE" "$@" </dev/null 2>&1
    echo "exit $?"
}

like "$(td report)" 'has no journal.*' 'without a journal there is nothing to report'
td --yes journal create >"$work/journal"
like "$(td report)" 'the journal has no run' 'nor without a run'

td_psql "CREATE FUNCTION tenantdeck.fill_it() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
    CREATE TABLE public.sessions (id int);
    CREATE TRIGGER fill BEFORE INSERT ON public.sessions FOR EACH ROW EXECUTE FUNCTION tenantdeck.fill_it();
    INSERT INTO tenantdeck.plan (name, hash, kind, title, text, document)
    VALUES ('mentoring', repeat('a', 64), 'columns', 'Codes for all', '', '{}'),
           ('other', repeat('b', 64), 'columns', 'Another', '', '{}');
    INSERT INTO tenantdeck.run (generation, plan, verb, mode, state, os_user, host, ssh_client, program,
                                started_at, ended_at, trouble)
    SELECT m.generation, p.id, 'migrate', 'online', 'failed', 'anna', 'bastion', '10.1.2.3', '0.9',
           '2026-01-31 12:00:00+00', '2026-01-31 13:01:02+00', 'step fill has failed'
      FROM tenantdeck.meta m, tenantdeck.plan p WHERE p.name = 'mentoring';
    INSERT INTO tenantdeck.run (generation, plan, verb, mode, state, os_user, host, program, ended_at)
    SELECT m.generation, p.id, 'validate', 'online', 'done', 'berta', 'desk', '0.9',
           clock_timestamp() + interval '1 s'
      FROM tenantdeck.meta m, tenantdeck.plan p WHERE p.name = 'other';
    INSERT INTO tenantdeck.step (run, ordinal, name, type, state, done, total, rate, started_at, ended_at,
                                 trouble, sqlstate)
    VALUES (1, 1, 'columns', 'once', 'done', NULL, NULL, NULL, '2026-01-31 12:00:00+00',
            '2026-01-31 12:00:10+00', NULL, NULL),
           (1, 2, 'fill', 'batch', 'failed', 1234567, 2000000, 34567.8, '2026-01-31 12:00:10+00',
            '2026-01-31 13:01:00+00', E'a row \x1b[31mleads\nnowhere', '23503'),
           (1, 3, 'confirm', 'verify', 'waits', NULL, NULL, NULL, NULL, NULL, NULL, NULL);
    INSERT INTO tenantdeck.lease (plan, epoch, run) VALUES ('mentoring', 1, 1);
    INSERT INTO tenantdeck.checkpoint (step, unit, part, rows, epoch)
    VALUES (2, 'sessions', '1', 1000000, 1), (2, 'sessions', '2', 234567, 1);
    INSERT INTO tenantdeck.event (run, step, severity, source, text)
    VALUES (1, 2, 'warn', 'worker', 'waits for a lock on sessions'),
           (1, 2, 'info', 'worker', 'a batch is done'),
           (1, 2, 'error', 'worker', 'the fill has stopped');
    INSERT INTO tenantdeck.finding (run, step, check_group, check_name, subject, verdict, severity, count,
                                    message, samples, query, fix)
    VALUES (1, 2, 'references', 'orphans', 'session_attendees', 'fail', 'error', 12,
            'twelve rows lead nowhere', '[{\"id\": 7}, \"=cmd|calc\"]', 'SELECT 1', 'DELETE nothing'),
           (1, 2, 'structure', 'columns', '=sessions', 'pass', 'error', 0, 'the columns are there', NULL, NULL, NULL),
           (1, 2, 'structure', 'room', 'disk', 'unknown', 'warn', NULL, 'nobody can know', NULL, NULL, NULL);
    INSERT INTO tenantdeck.undo (generation, plan, run, step, ordinal, object_type, object, statement)
    SELECT generation, 'mentoring', 1, 1, 1, 'table column', 'public.sessions.tenant_code', 'SELECT 1'
      FROM tenantdeck.meta;
    INSERT INTO tenantdeck.parked (plan, unit, key, reason) VALUES ('mentoring', 'sessions', '{\"id\": 1}', 'none')" \
    >"$work/filled"
is "$(cat "$work/filled")" '' 'the journal is filled'

# ---- in words ----

words=$(td report --run 1)
like "$words" '^Run 1 of plan mentoring$' 'the named run'
for fact in "Hash +a{64}" 'Database +mentoring' 'Verb +migrate' 'Mode +online' 'State +failed' \
    'Who +anna@bastion' 'From +10\.1\.2\.3' 'Begun +2026-01-31T12:00:00Z' 'Took +1h01m' \
    '2 fill +failed +1,234,567 +34568/s +1h00m' 'SQLSTATE 23503' \
    'fail 1, unknown 1, warn 0, pass 1' 'fail +references, session_attendees: twelve rows lead nowhere \(12\)' \
    '^ +\{"id": ?7\}' 'fix: DELETE nothing' 'unknown +structure, disk' 'pass +structure, =sessions' \
    '1 errors, 1 warnings' 'warn +fill: waits for a lock' 'error +fill: the fill has stopped' \
    'columns +1 kept, 0 undone' '^- step .fill. is failed' '^- 1 steps have not been run: confirm' \
    '^- 1 checks have failed' '^- 1 checks could not be answered' "^- 1 rows of 'sessions' were left aside" \
    '^- 1 fill triggers are still there.*run release' '^exit 0'; do
    like "$words" "$fact" "the report says: $fact"
done
unlike "$words" 'a batch is done' 'what went well is no trouble'
is "$(printf '%s' "$words" | tr -d '\n' | LC_ALL=C grep -c '[[:cntrl:]]')" 0 'no byte of it steers a terminal'
like "$words" 'a row \\x1b\[31mleads\\nnowhere' 'it is shown instead'

like "$(td report)" '^Run 2 of plan other$' 'without a number it is the newest'
like "$(td -p "$TD_SRCDIR/data/plans/mentoring.plan" report)" '^Run 1 of plan mentoring$' \
    'with a plan its newest'
like "$(td report)" 'Still to do' 'every report ends with what is still to do'

# ---- JSON and CSV ----

json() {
    td report --run 1 --json | sed '$d' | python3 -c 'import json, sys; r = json.load(sys.stdin)["report"]; print('"$1"')'
}
is "$(json 'r["run"]["id"], r["plan"]["hash"] == "a" * 64, r["steps"][1]["changed"], r["steps"][1]["batches"]')" \
    '1 True 1234567 2' 'JSON has the same, and the checkpoints'
is "$(json 'len(r["findings"]), r["verdicts"]["fail"], r["undo"][0]["kept"], len(r["left_to_do"])')" \
    '3 1 1 6' 'its findings, undo records, and what is left to do'
is "$(json 'r["steps"][1]["trouble"] == "a row \x1b[31mleads\nnowhere"')" True 'in JSON a text is as it was'

td report --run 1 --csv | sed '$d' >"$work/report.csv"
is "$(python3 - "$work/report.csv" <<'PY'
import csv, sys
rows = list(csv.reader(open(sys.argv[1], newline="")))
print(set(map(len, rows)), rows[0])
print([r[3] for r in rows if r[:3] == ["steps", "2", "done"]])
print([r[3] for r in rows if r[0] == "findings" and r[2] == "subject"])
print([r[3] for r in rows if r[0] == "findings" and r[2] == "samples"][0])
print(sum(r[0] == "left_to_do" for r in rows))
print([r for r in rows if any(f[:1] in "=+-@" and f[:1] for f in r)])
PY
)" "{4} ['section', 'number', 'name', 'value']
['1234567']
['session_attendees', \"'=sessions\", 'disk']
[{\"id\":7},\"=cmd|calc\"]
6
[]" 'CSV has one line a fact, and nothing that a spreadsheet would run'

# ---- what is refused ----

like "$(td report --run 99)" 'the journal has no run 99' 'a run that is not there'
like "$(td report --run x)" 'exit 2' 'a run is a number'
like "$(td report --run 1 --csv --json)" 'exit 2' 'one answer at a time'

done_testing
