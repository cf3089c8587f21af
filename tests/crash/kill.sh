#!/bin/sh
# The worker is killed at every point of every step; the same command then goes on, and what comes out
# is what comes out of a run that nobody disturbed: same definitions, same rows, no row filled twice,
# nothing left over.
#
# A few of the points by default; TD_CRASH=all takes every one (make check-crash).
. "$(dirname "$0")/../lib.sh"

grep -q TENANTDECK_FAILPOINT "$TENANTDECK" || {
    skip 'the worker is killed at its failpoints' 'this program was built without them'
    done_testing
    exit
}

. "$TD_SRCDIR/tests/migration.sh"
td_start_postgres
td_start_redis
td_load_demo 0.02
td_prepare_migration

# Every change of an attendee is counted, by a trigger that fires whatever the session says.
psql -X -q <<'SQL'
CREATE TABLE public.counted (id integer);
CREATE FUNCTION public.count_it() RETURNS trigger LANGUAGE plpgsql
    AS 'BEGIN INSERT INTO public.counted VALUES (OLD.id); RETURN NULL; END';
CREATE TRIGGER count_it AFTER UPDATE ON public.session_attendees
    FOR EACH ROW EXECUTE FUNCTION public.count_it();
ALTER TABLE public.session_attendees ENABLE ALWAYS TRIGGER count_it;
SQL
psql -X -q -d postgres -c 'ALTER DATABASE mentoring RENAME TO pristine'

picture() {
    td_schema "$1"
    td_rows "$1"
}

migrate() {
    td_migrated=$1
    shift
    td_on "$td_migrated" migrate --no-backup "$mode" "$@"
}

kill_at() {
    step=$1 point=$2 count=$3 name="$mode, killed in $1 at $2 ($3)"
    td_fresh victim
    TENANTDECK_FAILPOINT=$step:$point:$count
    export TENANTDECK_FAILPOINT
    migrate victim --detach >"$work/killed"
    unset TENANTDECK_FAILPOINT
    td_until 120 td_no_worker victim
    if [ "$(td_ask victim "SELECT string_agg(state, ' ') FROM tenantdeck.run")" = 'done' ]; then
        [ "${TD_CRASH:-}" = all ] || ok 1 "$name: the point was passed"
        return
    fi
    is "$(td_ask victim "SELECT count(*) FROM tenantdeck.run WHERE state IN ('done', 'failed')")" 0 \
        "$name: nothing says how it ended"
    migrate victim >"$work/resumed"
    ok $? "$name: the same command goes on to the end" || td_note "$(tail -n 5 "$work/resumed")"
    picture victim >"$work/picture"
    cmp -s "$work/reference-$mode" "$work/picture"
    ok $? "$name: the result is that of an undisturbed run" ||
        td_note "$(diff "$work/reference-$mode" "$work/picture" | head -n 10)"
    is "$(td_ask victim 'SELECT count(*) - count(DISTINCT id) FROM public.counted')" 0 \
        "$name: no row was filled twice"
    is "$(td_leftovers victim)" '' "$name: nothing is left over"
}

for mode in --online --window; do
    td_fresh victim
    migrate victim >"$work/undisturbed"
    ok $? "$mode: an undisturbed run" || td_bail "$(cat "$work/undisturbed")"
    picture victim >"$work/reference-$mode"
    is "$(td_leftovers victim)" '' "$mode: and it leaves nothing over"
    if [ "${TD_CRASH:-}" = all ]; then
        for step in preflight mapping integrity columns fill confirm not-null keys indexes \
            foreign-keys functions views cache-clear validate report; do
            for point in K1 K2 K3 K4 K5 K6 K7; do
                kill_at $step $point 1
                [ $step != fill ] || kill_at $step $point 20
            done
        done
    elif [ "$mode" = --online ]; then
        for at in 'mapping K4 1' 'columns K3 2' 'fill K2 1' 'fill K3 5' 'fill K5 3' 'fill K6 9' 'fill K7 1' \
            'keys K2 1' 'keys K3 1' 'keys K4 1' 'keys K6 2' 'foreign-keys K6 1' 'validate K7 1'; do
            # shellcheck disable=SC2086 # three words
            kill_at $at
        done
    else
        for at in 'fill K3 1' 'fill K4 2' 'keys K4 1'; do
            # shellcheck disable=SC2086 # three words
            kill_at $at
        done
    fi
done

done_testing
