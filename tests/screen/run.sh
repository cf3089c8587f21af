#!/bin/bash
# run: plays each script here on a virtual screen and compares what it shows with NAME.screen.
#
#     tests/screen/run.sh [NAME...]        only these scripts
#
# A script says `dumps NAME` for a picture in each of the three sizes that matter, from one play.
# Comments in a script say how it is played: `# size: 80x24 60x15` (once for each; 80x24),
# `# options: --ascii`, `# servers: demo` (or prod, hostile, down, sessions, blocked, kept with a backup, and the runs
# held, filling_up, failed, migrated, undone; demo). With TD_SCREENS=write the
# expected screens are written instead of compared; look at their diff before it is committed.
set -u
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../runs.sh"
. "$(dirname "$0")/../server.sh"

here=$TD_SRCDIR/tests/screen
work=$(mktemp -d /tmp/td-test-XXXXXX)
trap 'rm -rf "$work"' EXIT
mkdir "$work/home"
export HOME=$work/home XDG_CONFIG_HOME=$work/home NO_COLOR=
unset DATABASE_URL DEV_DATABASE_URL PROD_DATABASE_URL REDIS_HOST NODE_ENV APPLICATION_ENV

# ---- the servers, and what must not change from day to day in them ----

make_codes() {
    td_psql "SELECT 'organization_id,organization_code,tenant_code'
             UNION ALL SELECT organization_id || ',org_' || organization_id || ',tenant_' ||
                    (organization_id::bigint % 3) FROM organization_extension" >"$work/data_codes.csv"
}

# Keys over their time would become fewer with each second that the test takes.
settle_keys() {
    td_redis --raw keys '*' | while read -r key; do
        case $key in
        sessions:*) echo "EXPIRE $key 900000" ;;
        *) [ "$(td_redis ttl "$key")" -lt 0 ] || echo "EXPIRE $key 80000" ;;
        esac
    done | td_redis >/dev/null
}

make_hostile() {
    psql -X -q -d postgres -c 'CREATE DATABASE hostile TEMPLATE mentoring' &&
        psql -X -q -d hostile -f "$here/hostile.sql"
}

scripts=()
for script in "$here"/*.script; do
    [ $# -eq 0 ] || [[ " $* " == *" $(basename "$script" .script) "* ]] || continue
    scripts+=("$script")
done
[ ${#scripts[@]} -gt 0 ] || td_bail "no script is called $*"

needs_runs() {
    grep -qE '^# servers: (held|filling_up|failed|migrated|undone|poison)' "${scripts[@]}"
}

cp "$TENANTDECK_DATADIR"/plans/mentoring* "$work"
td_start_postgres
td_start_redis
td_load_demo 0.1
make_codes
settle_keys
td_psql 'ANALYZE' >/dev/null
make_hostile || td_bail 'the hostile database could not be made'
! needs_runs || trap 'td_end_runs; rm -rf "$work"' EXIT
! needs_runs || td_make_runs || td_bail "the runs could not be made: $(cat "$work/said")"
printf '[deck]\n    environment = PROD\n    plan = mentoring.plan\n[database "main"]\n%s\n%s\n' \
    "    conninfo = host=$PGHOST user=postgres dbname=mentoring" \
    '[redis "main"]' >"$work/prod.conf"
printf '    url = %s\n' "$TD_REDIS" >>"$work/prod.conf"
chmod 600 "$work/prod.conf"

# A run that failed, whose every text wants to steer the terminal: event, error, finding, tenant code.
make_poison() {
    psql -X -q -d postgres -c 'CREATE DATABASE poison TEMPLATE failed' &&
        psql -X -q -v ON_ERROR_STOP=1 -d poison -f "$here/poison.sql" || return 1
    sed 's/data_codes.csv/poison_codes.csv/' "$work/mentoring.plan" >"$work/poison.plan"
    cat "$here/poison_codes.csv" >"$work/poison_codes.csv"
}
! needs_runs || make_poison || td_bail 'the poisoned database could not be made'

# A database with a backup of it, both under names that are always the same.
make_kept() {
    psql -X -q -d postgres -c 'CREATE DATABASE kept TEMPLATE mentoring' || return 1
    (cd "$work" && "$TENANTDECK" -d dbname=kept -p ./mentoring.plan --yes backup create --directory=kept) \
        >"$work/said" 2>&1 || return 1
    for file in "$work"/kept/kept_*; do
        mv "$file" "$work/kept/kept_20260101_120000.${file##*.}"
    done
}
! grep -q '^# servers: kept' "${scripts[@]}" || make_kept || td_bail "no backup could be made: $(cat "$work/said")"

# ---- playing ----

directive() {
    sed -n "s/^# $1: //p" "$2"
}

# Directories get a name of the same width; versions stand in the banner, which is not filled up;
# the memory of keys is estimated from some of them, in the order that Redis names them.
hide_volatile() {
    sed -E -e 's#/tmp/(td-test|tenantdeck)-[A-Za-z0-9]{6}#/tmp/\1-XXXXXX#g' -e 's#/state-[A-Za-z0-9]{6}/#/state-XXXXXX/#g' \
        -e 's/PG [0-9]+(\.[0-9]+)?/PG N/' -e 's/Redis [0-9]+\.[0-9.]+/Redis N/' \
        -e 's/ (~[0-9]\.[0-9]| ~[0-9]{2}) kB/ ~N.N kB/g' \
        -e '/   (now|room)  |of .kept., |kept_(restore|before)_| rows, whole/s/[0-9]/N/g' \
        -e 's/the backup took [0-9.]{3,4}s/the backup took N.Ns/'
}

servers_of() {
    case $1 in
    prod) servers=(--deck prod.conf) ;;
    hostile) servers=(-d "${TD_DATABASE/mentoring/hostile}" -r "$TD_REDIS" -p ./mentoring.plan) ;;
    down) servers=(-d 'postgresql://postgres@/mentoring?host=/tmp/td-test-absent'
        -r unix:///tmp/td-test-absent/redis.sock -p ./mentoring.plan) ;;
    sessions) servers=(demo sessions --scale 0.1) ;;
    blocked) servers=(-d "${TD_DATABASE/mentoring/blocked}" -p ./mentoring.plan) ;;
    poison) servers=(-d "${TD_DATABASE/mentoring/poison}" -p ./poison.plan) ;;
    held | filling_up | failed | migrated | undone | kept)
        servers=(-d "${TD_DATABASE/mentoring/$1}" -p ./mentoring.plan)
        ;;
    *) servers=(-d "$TD_DATABASE" -r "$TD_REDIS" -p ./mentoring.plan) ;;
    esac
}

# play SCRIPT SIZE: with a state directory of its own, for the console remembers how it was left.
play() {
    local script=$1 size=$2 state
    local -a options
    state=$(mktemp -d "$work/state-XXXXXX")
    read -ra options <<<"$(directive options "$script")"
    servers_of "$(directive servers "$script")"
    (cd "$work" && XDG_STATE_HOME=$state "$TENANTDECK" "${servers[@]}" ${options[@]+"${options[@]}"} \
        --script "$script" --size "$size" 2>"$state/said") || {
        echo "=== exit status $? at $size"
        cat "$state/said"
    }
}

play_all_sizes() {
    local -a sizes
    read -ra sizes <<<"$(directive size "$1")"
    for size in "${sizes[@]:-80x24}"; do
        play "$1" "$size"
    done | hide_volatile >"$work/$(basename "$1" .script).got"
}

# ---- sessions that wait for each other: all of the server sees them, so these are played alone ----

is_blocked() {
    grep -q '^# servers: blocked' "$1"
}

waits_in_blocked() {
    PGAPPNAME=$1 psql -X -q -d blocked -c "$2" >"$work/$1.waits" 2>&1 &
    td_until 20 waiting_pid "$1" || td_bail "session '$1' does not wait: $(cat "$work/$1.waits")"
}

pid_of() {
    psql -X -q -At -d blocked -c "SELECT pid FROM pg_stat_activity WHERE application_name = '$1'" | grep .
}

waiting_pid() {
    psql -X -q -At -d blocked -c "SELECT l.pid FROM pg_locks l JOIN pg_stat_activity a USING (pid)
        WHERE NOT l.granted AND a.application_name = '$1'" | grep .
}

begin_blocked() {
    psql -X -q -d postgres -c 'CREATE DATABASE blocked TEMPLATE hostile' || td_bail 'no database to block in'
    TD_DATABASE=${TD_DATABASE/mentoring/blocked} in_session holder BEGIN \
        'UPDATE public.sessions SET title = title WHERE id = (SELECT min(id) FROM public.sessions)'
    waits_in_blocked alter 'ALTER TABLE public.sessions ADD extra int'
    waits_in_blocked 'tenantdeck fills' 'SELECT count(*) FROM public.sessions'
    waits_in_blocked evil $'SELECT /* \e]52;c;eA==\a \u202egnp \xc2\x9b */ 1 FROM public.sessions'
}

# A pid may have any width, and a cell keeps its own; ages and beginnings are those of today.
hide_sessions() {
    local -a rules
    local session pid blanks name=0
    for session in holder alter 'tenantdeck fills' evil; do
        pid=$(pid_of "$session") name=$((name + 1))
        blanks=$(printf '%*s' $((${#pid} - 2)) '')
        rules+=(-e "s/$pid( {2}|│|\$)/P$name$blanks\\1/g" -e "s/$pid ─/P$name ${blanks// /─}─/" -e "s/$pid/P$name/g")
    done
    sed -E "${rules[@]}" -e 's/20[0-9-]{8} [0-9:]+(\.[0-9]+)?\+00 *(│?)$/TIME\2/' -e 's/for ([0-9]m)?[0-9.]+s/for N/g' \
        -e 's/^(│? ?(waits|transaction|statement) +)[0-9.m]+s *(│?)$/\1N\3/' -e 's/(P[0-9]) +$/\1/' -e '/no Redis/b' \
        -e 's/ [0-9]\.[0-9]s/    N/g' -e 's/ [0-9]{2}s/   N/g' -e 's/ [0-9]m[0-9]{2}s/     N/g'
}

# As many at a time as there are processors; the servers are the same for all of them.
for script in "${scripts[@]}"; do
    while [ "$(jobs -rp | wc -l)" -ge "$(nproc)" ]; do
        wait -n
    done
    is_blocked "$script" || play_all_sizes "$script" &
done
wait
for script in "${scripts[@]}"; do
    is_blocked "$script" || continue
    [ -e "$work/holder.pid" ] || begin_blocked
    play_all_sizes "$script"
    hide_sessions <"$work/$(basename "$script" .script).got" >"$work/hidden"
    mv "$work/hidden" "$work/$(basename "$script" .script).got"
done
end_sessions

for script in "${scripts[@]}"; do
    name=$(basename "$script" .script)
    if [ "${TD_SCREENS:-}" = write ]; then
        cp "$work/$name.got" "$here/$name.screen"
    fi
    ! grep -q '^=== ' "$work/$name.got" && cmp -s "$here/$name.screen" "$work/$name.got"
    ok $? "$name" || td_note "$(diff -u "$here/$name.screen" "$work/$name.got" | head -n 80)"
done

# ---- what the scripts have left behind ----

if [ -e "$work/write.got" ]; then
    is "$(stat -c %a "$work/written.txt" 2>&1)" 600 'a written file is for its owner alone'
    like "$(cat "$work/written.txt" 2>&1)" '^session_attendees ' 'it has the rows of the pane'
fi
exits 1 'a script that fails says so' "$TENANTDECK" --script "$here/fails.txt" --size 80x24
like "$td_said" 'fails.txt:3: the screen has no .nowhere to be seen.' 'with its line'

done_testing
