#!/bin/bash
# log: the journal's events, a file that grows, and Redis's MONITOR: what is asked for comes, and no more;
# what is hostile in it does no harm; the console goes back through all of it.
. "$(dirname "$0")/../lib.sh"

work=$(mktemp -d /tmp/log.XXXXXX)
trap 'end_jobs; rm -rf "$work"' EXIT
end_jobs() {
    local job
    for job in $(jobs -p); do
        kill "$job" 2>/dev/null
    done
}
td_start_postgres
td_start_redis

run() {
    "$TENANTDECK" -d "$TD_DATABASE" "$@" </dev/null 2>&1
}

has() {
    grep -qE -- "$2" "$1"
}

# ---- the journal ----

exits 0 'without a journal' run log
like "$td_said" 'there is no journal' 'it says so'
run log -f >"$work/early" &
td_until 20 has "$work/early" 'it is waited for'
run journal create --yes >"$work/made"
td_until 20 has "$work/early" 'the journal was made'
ok $? 'whoever follows sees the first event of a journal that is made later'

td_psql "INSERT INTO tenantdeck.plan (name, hash, kind, text, document)
         VALUES ('site', repeat('0', 64), 'columns', '', '{}');
         INSERT INTO tenantdeck.run (generation, plan, verb, mode, state, os_user, host, program)
         SELECT generation, 1, 'migrate', 'online', 'running', 'x', 'x', 'x' FROM tenantdeck.meta, generate_series(1, 2);
         INSERT INTO tenantdeck.step (run, ordinal, name, type) VALUES (1, 1, 'fill', 'batch'), (2, 1, 'keys', 'once');
         INSERT INTO tenantdeck.event (run, step, severity, source, text)
         SELECT 1, 1, CASE WHEN g % 1000 = 0 THEN 'error' WHEN g % 100 = 0 THEN 'warn' ELSE 'info' END, 'worker',
                'number ' || g || CASE WHEN g % 50 = 0 THEN ' of ''sessions''' ELSE '' END
           FROM generate_series(1, 3000) AS g;
         INSERT INTO tenantdeck.event (run, step, severity, source, text)
         VALUES (2, 2, 'error', E'so\x1b[31mrce', E'\x1b]52;c;eA==\x07 \u202egnp\nINSERTED LINE')" >"$work/made" || td_bail "no events: $(cat "$work/made")"
is "$(run log | wc -l)" 20 'the last 20 events'
is "$(run log -n 5 | wc -l)" 5 'or as many as are asked for'
is "$(run log -n all | grep -c number)" 3000 'or all of them, page by page'
is "$(run log -n all --run 2 | wc -l)" 1 'of one run'
is "$(run log -n all --level error --run 1 | wc -l)" 3 'of a severity'
is "$(run log -n all --level warn --run 1 | wc -l)" 30 'or worse'
is "$(run log -n all --step keys | wc -l)" 1 'of a step'
is "$(run log -n all --table sessions | wc -l)" 60 'about a table'
is "$(run log -n all --grep 'NUMBER 7 ' | wc -l)$(run log -n all --grep 'Number 77' | wc -l)" 011 \
    'with a text, in any case, and no pattern'
is "$(run log --level warn --table sessions -n 2 --json | jq -c '[.events[] | [.severity, .step, .run]]')" \
    '[["warn","fill",1],["error","fill",1]]' 'and as JSON'
hostile=$(run log -n 1)
unlike "$hostile" $'\x1b|\x07|\xe2\x80\xae' 'hostile text in it does no harm'
like "$hostile" '\\x1b\]52;c;eA==\\x07 \\u202egnp\\nINSERTED LINE$' 'and cannot look like a line of its own'
exits 2 'a level is one of four' run log --level loud
exits 2 'lines are a number' run log --lines many
run log -f -n 0 --level warn >"$work/follow" &
run log -f -n 1 --json >"$work/follow.json" &
td_until 20 has "$work/follow.json" INSERTED
td_psql "INSERT INTO tenantdeck.event (severity, source, text) VALUES ('info', 'x', 'quiet'), ('warn', 'x', 'loud')" \
    >"$work/made"
td_until 20 has "$work/follow" loud
is "$(cat "$work/follow" | wc -l)" 1 'who follows hears what comes, and only what was asked for'
td_until 20 has "$work/follow.json" loud
is "$(jq -s length "$work/follow.json")" 3 'and as one JSON object a line'

# ---- the console goes back to the first event, with a bounded window, and to the end again ----

cat >"$work/back.script" <<END
settle
key 6 z
wait loud
key g
settle
wait the journal was made
expect paused, newer below
key Up
expect this is the beginning of the log
key F
settle
wait loud
reject newer below
key l
wait info or worse
key l
wait warn or worse
key l
settle
wait number 3000
key g
wait number 1000
expect error
reject number 900
key Esc
wait quiet
key f
type number 2950
key Enter
wait 1/1
key t
settle
expect step fill
key T
wait about sessions
END
cat >"$work/pages.script" <<END
settle
key 6 z
wait loud
key PgUp Space
$(for _ in $(seq 24); do echo 'key PgUp'; echo settle; done)
wait the journal was made
expect newer below
$(for _ in $(seq 24); do echo 'key PgDn'; echo settle; done)
wait loud
reject newer below
END
cat >"$work/tables.plan" <<'END'
[plan]
    name = site
    kind = columns
[mapping]
    file = codes.csv
    key = id
    default = tenant
[column "tenant_code"]
    type = varchar(20)
[table "sessions"]
    from = own id
END
printf 'id,tenant_code\n1,tenant\n' >"$work/codes.csv"
exits 0 'the console goes through the whole log, narrows it, and comes back' \
    run -p "$work/tables.plan" --script "$work/back.script"
exits 0 'or page by page, back and forth' run --script "$work/pages.script" --size 80x300

# ---- a file ----

log=$work/server.log
for i in $(seq 1 300); do
    echo "2026-01-01 10:00:00.$i UTC [4711] LOG:  line $i"
done >"$log"
printf '2026-01-01 UTC [1] app@db ERROR:  broken\n\tDETAIL of it\n2026-01-01 UTC [1] LOG:  fine\n' >>"$log"
is "$("$TENANTDECK" log "$log" | wc -l)" 20 'the last lines of a file'
is "$("$TENANTDECK" log -n all "$log" | wc -l)" 303 'or all of them'
is "$("$TENANTDECK" log -n all --level error "$log")" "2026-01-01 UTC [1] app@db ERROR:  broken
 DETAIL of it" 'only the grave ones, with what belongs to them'
is "$("$TENANTDECK" log -n all --json --grep 'line 299' "$log" | jq -c '.lines[0].severity')" '"info"' 'as JSON'
printf '%s\n' '2026-01-01 10:00:00.000 UTC,"a,b","db",1,"[local]",x.1,1,"SELECT",2026-01-01 UTC,1/2,0,FATAL,57P01,"bye",,,,,,,,,"psql","client backend",,0' \
    '{"timestamp":"x","error_severity":"WARNING","message":"careful"}' >"$work/other.log"
is "$("$TENANTDECK" log --json "$work/other.log" | jq -c '[.lines[].severity]')" '["error","warn"]' \
    'the severities of csvlog and jsonlog are known'
printf '\033]0;owned\007 \xff line\r\nno end' >"$work/evil.log"
is "$("$TENANTDECK" log "$work/evil.log")" $'\\x1b]0;owned\\x07 \xef\xbf\xbd line\nno end' 'what would steer a terminal is shown'
exits 1 'a file that is not there' "$TENANTDECK" log "$work/none.log"
exits 4 'what has no end is no file' "$TENANTDECK" log /dev/zero
exits 2 'a file has no steps' "$TENANTDECK" log --step fill "$log"

"$TENANTDECK" log -f -n 1 "$log" >"$work/tail" &
td_until 20 has "$work/tail" fine
printf 'half a ' >>"$log"
mv "$log" "$log.1"
echo 'line' >>"$log.1"
echo 'written last' >>"$log.1"
echo 'after rotation' >"$log"
td_until 20 has "$work/tail" 'after rotation'
like "$(cat "$work/tail")" '^half a line$' 'a line is shown when it is whole'
like "$(cat "$work/tail")" '^written last$' 'what is written after a rename is not lost'
like "$(cat "$work/tail")" '^-- the file was rotated' 'the new file goes on'
: >"$log"
td_until 20 has "$work/tail" 'the file was cut'
echo 'after cut' >>"$log"
td_until 20 has "$work/tail" '^after cut$'
ok $? 'and so it does when it was cut'
rm "$log"
td_until 20 has "$work/tail" 'the file is gone'
echo 'after all' >"$log"
td_until 20 has "$work/tail" '^after all$'
ok $? 'or is there again'

cat >"$work/file.script" <<END
settle
key :
type log -f $work/server.log
key Enter
wait after all
key Esc
END
exits 0 'the console shows a file, too' run --script "$work/file.script"

# ---- MONITOR ----

monitor() {
    "$TENANTDECK" -r "$TD_REDIS" log monitor "$@" </dev/null 2>&1
}

exits 4 'it is not done unasked' monitor 2
like "$td_said" 'meanwhile the server may be half as fast$' 'and the warning is given'
like "$td_said" 'keys and values of all tenants' 'with what is shown'
exits 2 'nor for long' monitor 3600 --yes
monitor 3 --yes >"$work/monitor" &
listener=$!
listens() {
    [ "$(td_redis client list | grep -c cmd=monitor)" = 1 ]
}
td_until 20 listens
td_redis SET "$(printf 'k\033[31m')" value >/dev/null
td_redis AUTH default canary-secret >/dev/null 2>&1
td_redis SET long "$(printf '%0500d' 7)" >/dev/null
wait "$listener"
ok $? 'it ends by itself'
said=$(cat "$work/monitor")
like "$said" '"SET" "k\\x1b\[31m" "value"' 'it shows what is sent'
unlike "$said" 'canary' 'but no password'
like "$said" '"AUTH" \(masked\)' 'and says that one was there'
unlike "$said" '0{400}' 'nor more of a line than is good'
like "$said" '^[0-9]+ commands$' 'and says how many there were'
is "$(td_redis client list | grep -c cmd=monitor)" 0 'its connection is gone'

done_testing
