#!/bin/bash
# confirm: ways around a confirmation, on a pseudo terminal: each of them is a No, and changes nothing.
set -u
. "$(dirname "$0")/../lib.sh"

pty=$TD_BUILDDIR/tests/screen/pty
work=$(mktemp -d /tmp/td-test-XXXXXX)
trap 'rm -rf "$work"' EXIT
mkdir "$work/home"
export HOME=$work/home XDG_CONFIG_HOME=$work/home XDG_STATE_HOME=$work/home NO_COLOR=1
unset DATABASE_URL DEV_DATABASE_URL PROD_DATABASE_URL REDIS_HOST NODE_ENV APPLICATION_ENV

td_start_postgres
td_load_demo 0.02
cp "$TENANTDECK_DATADIR"/plans/mentoring* "$work"
cd "$work" || exit 1
printf '%s\n' 'organization_id,organization_code,tenant_code' >data_codes.csv
td_psql "SELECT organization_id || ',org_' || organization_id || ',tenant_1' FROM organization_extension" \
    >>data_codes.csv
servers=(-d "$TD_DATABASE" -p ./mentoring.plan)
"$TENANTDECK" "${servers[@]}" migrate --yes --no-backup --to columns >said 2>&1 ||
    td_bail "the run could not be made: $(cat said)"

# terminal LINE...: what pty says about a console under this script.
terminal() {
    printf '%s\n' "$@" 'wait nothing was done' 'signal TERM' end >script
    "$pty" 80x24 script "$TENANTDECK" "${servers[@]}" --operator 2>&1
}

# Every change would leave a run, or a column less.
state() {
    td_psql "SELECT count(*), max(id) FROM tenantdeck.run
             UNION ALL SELECT count(*), NULL FROM pg_attribute
                        WHERE attname = 'tenant_code' AND NOT attisdropped"
}
before=$(state)

# refused NAME LINE...: this is a No, the console says so, and nothing has changed.
refused() {
    local name=$1 said
    shift
    said=$(terminal 'wait quit' 'wait to mentoring' "$@")
    like "$said" '^exit 0' "$name is a No" || td_note "$said"
    [ "$(state)" = "$before" ] || ok 1 "$name changes nothing"
}

ask='send :rollback\r'
asked='wait type mentoring:'

refused 'what was typed before the question' 'send :rollback\rmentoring\r' "$asked" 'send \r'
refused 'a pasted name' "$ask" "$asked" 'send \e[200~mentoring\e[201~'
refused 'a pasted name with its Enter' "$ask" "$asked" 'send \e[200~mentoring\r\e[201~'
refused 'a name that comes in one burst' "$ask" "$asked" 'send mentoring' 
refused 'a burst with its Enter' "$ask" "$asked" 'send mentoring\r'
refused 'a y in one burst with its Enter' 'send :migrate\r' 'wait y/N:' 'send y\r'
refused 'Enter' "$ask" "$asked" 'send \r'
refused 'Esc' "$ask" "$asked" 'type mentoring' 'send \e'
refused 'Ctrl-C' "$ask" "$asked" 'type mentoring' 'send \x03'
refused 'a window of another size' "$ask" "$asked" 'type mentoring' 'size 100x30'
refused 'upper case' "$ask" "$asked" 'type Mentoring' 'send \r'
refused 'a blank after it' "$ask" "$asked" 'type mentoring ' 'send \r'
refused 'the beginning of the name' "$ask" "$asked" 'type mentorin' 'send \r'
refused 'a mouse' "$ask" "$asked" 'send \e[<0;10;24M\e[<0;10;24m' 'send \r'

done_testing
