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

ask='send :rollback --all\r'
asked='wait type mentoring:'

refused 'what was typed before the question' 'send :rollback --all\rmentoring\r' "$asked" 'send \r'
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

refused 'Enter that is held down' "$ask" "$asked" 'send \r\r\r\r\r\r\r\r'
refused 'a letter that is held down' "$ask" "$asked" 'type mmmm' 'send \r'
refused 'the name of another database' "$ask" "$asked" 'type postgres' 'send \r'
refused 'a y where a name is wanted' "$ask" "$asked" 'type y' 'send \r'
refused 'a name whose a is of another alphabet' "$ask" "$asked" 'type ment\xd0\xbering' 'send \r'

cat >old.script <<'END'
clock 2026-01-31T12:00:00Z
settle
key :
type rollback --all
key Enter
wait type mentoring:
clock 2026-01-31T12:10:01Z
type mentoring
key Enter
expect the question is more than ten minutes old
END
exits 0 'an old question is a No' "$TENANTDECK" "${servers[@]}" --operator --script old.script
is "$(state)" "$before" 'and changes nothing'

# ---- what has changed since it was asked ----

cat >close <<'END'
psql -X -q -d postgres -c 'ALTER DATABASE mentoring ALLOW_CONNECTIONS false' -c "SELECT
    pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'mentoring'" >"$0.said" 2>&1
END
said=$(terminal 'wait to mentoring' "$ask" "$asked" 'type mentor' 'run sh close')
psql -X -q -d postgres -c 'ALTER DATABASE mentoring ALLOW_CONNECTIONS true'
like "$said" '^exit 0' 'a lost connection is a No' || td_note "$said"
is "$(state)" "$before" 'and changes nothing'

# The same name, and another database behind it.
psql -X -q -d postgres -c 'CREATE DATABASE twin TEMPLATE mentoring'
cat >exchange <<'END'
psql -X -q -d postgres -c "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'mentoring'" \
    -c 'ALTER DATABASE mentoring RENAME TO older' -c 'ALTER DATABASE twin RENAME TO mentoring' >"$0.said" 2>&1
END
refused 'a database that was swapped for another' "$ask" "$asked" 'type mentoring' 'run sh exchange' 'send \r'
psql -X -q -d postgres -c 'DROP DATABASE mentoring' -c 'ALTER DATABASE older RENAME TO mentoring'

said=$(printf '%s\n' 'wait to mentoring' "$ask" "$asked" 'type mentoring' 'signal HUP' end >script
    "$pty" 80x24 script "$TENANTDECK" "${servers[@]}" --operator 2>&1)
like "$said" '^exit 0' 'a hang-up leaves'
is "$(state)" "$before" 'and is a No'

# since NAME CHANGE BACK: the console is answered rightly, but CHANGE came before the answer.
since() {
    printf '%s\n' 'wait to mentoring' "$ask" "$asked" "run $2" 'type mentoring' 'send \r' 'wait exit 4' \
        'signal TERM' end >script
    said=$("$pty" 80x24 script "$TENANTDECK" "${servers[@]}" --operator 2>&1)
    like "$said" '^exit 0' "$1: refused in the console" || td_note "$said"
    sh -c "$3"
}
since 'the plan was edited' 'echo "# another" >>mentoring.plan' 'sed -i "\$d" mentoring.plan'
is "$(state)" "$before" 'nothing was taken back by the plan of before'
cat >between.sh <<END
'$TENANTDECK' -d '$TD_DATABASE' -p ./mentoring.plan validate >between 2>&1 </dev/null
true
END
since 'another run came between' 'sh between.sh' true
is "$(td_psql "SELECT count(*) FROM tenantdeck.run WHERE verb = 'rollback'")" 0 'nor beside the run of somebody else'
before=$(state)

# What a role is set to, and what it may, can change while somebody reads.
psql -X -q -d postgres -c 'CREATE ROLE bystander' -c 'CREATE ROLE dba SUPERUSER LOGIN' \
    -c 'GRANT ALL ON DATABASE mentoring TO bystander'
echo "psql -X -q -d mentoring -c 'ALTER ROLE dba SET role = bystander'" >becomes.sh
echo "psql -X -q -d mentoring -c 'ALTER ROLE dba NOSUPERUSER'" >loses.sh
whole=("${servers[@]}")
servers=(-d "${TD_DATABASE/postgres@/dba@}" -p ./mentoring.plan)
since 'the role is another one' 'sh becomes.sh' "psql -X -q -d mentoring -c 'ALTER ROLE dba RESET role'"
is "$(state)" "$before" 'nothing was taken back as somebody else'
since 'the role has lost its rights' 'sh loses.sh' true
is "$(td_psql "SELECT count(*) FROM tenantdeck.run WHERE verb = 'rollback'")" 0 'and nothing is begun'
exits 4 'at the command line likewise' "$TENANTDECK" "${servers[@]}" rollback --all --confirm=mentoring
like "$td_said" "role 'dba' may not read the journal" 'with a sentence that names it'
psql -X -q -d postgres -c 'ALTER ROLE dba SUPERUSER'
is "$(state)" "$before" 'nor taken back'
servers=("${whole[@]}")

# ---- put aside ----

# aside NAME LINE...: Ctrl-Z under a question, keys while nobody reads them, and `fg`: they are no answer and
# no keys of the panes, and the screen is right again. Only a job of a shell can be stopped at all.
cat >job.sh <<'END'
set -m
"$@"
echo "stopped with $?"
until [ -e go ]; do sleep 0.05; done
rm go
fg >/dev/null
END
aside() {
    local name=$1
    shift
    printf '%s\n' 'wait to mentoring' "$@" 'send \x1a' 'wait stopped with 148' 'send mentoring\ry\rqqq' 'run touch go' \
        'wait nothing was done' 'send ?' 'wait Help' 'send \e' 'wait quit' 'send q' end >script
    said=$("$pty" 80x24 script bash job.sh "$TENANTDECK" "${servers[@]}" --operator 2>&1)
    like "$said" '^exit 0' "Ctrl-Z under $name, and back" || td_note "$said"
    like "$said" '^screen restored' "and after that the terminal is as before $name"
    is "$(state)" "$before" "nothing typed ahead under $name is taken"
}
aside 'a y/N' 'send :migrate --no-backup\r' 'wait y/N:'
aside 'a typed name' "$ask" "$asked" 'type mentor'

# ---- the command line ----

# line STATUS NAME PTY-LINE...: the question of the command line, at a terminal.
line() {
    local status=$1 name=$2
    shift 2
    printf '%s\n' "$@" end >script
    said=$("$pty" 80x24 script "$TENANTDECK" "${servers[@]}" rollback --all 2>&1)
    like "$said" "^exit $status" "$name" || td_note "$said"
    is "$(state)" "$before" "$name: nothing has changed"
}
named='wait type the name of the database'
line 4 'Enter at the command line' "$named" 'send \r'
line 4 'a pasted name there' "$named" 'send \e[200~mentoring\e[201~\r'
line 4 'the right name there, in one burst' "$named" 'send mentoring\r' 'wait it has to be typed'
line 4 'a name typed there with a burst at its end' "$named" 'type ment' 'send oring\r' 'wait it has to be typed'
line 4 'Ctrl-C there' "$named" 'type mentoring' 'send \x03'
line 4 'Esc there' "$named" 'type mentoring' 'send \e'
line 4 'the end of the input there' "$named" 'send \x04'
line 4 'a plan that was edited meanwhile' "$named" 'run echo "# another" >>mentoring.plan' 'type mentoring' 'send \r'
sed -i '$d' mentoring.plan
psql -X -q -d postgres -c 'CREATE DATABASE twin TEMPLATE mentoring'
cat >swap <<'END'
psql -X -q -d postgres -c 'ALTER DATABASE mentoring RENAME TO older' -c 'ALTER DATABASE twin RENAME TO mentoring'
END
line 4 'a database that was swapped meanwhile' "$named" 'run sh swap' 'type mentoring' 'send \r' \
    'wait the database or the role has changed'
psql -X -q -d postgres -c 'DROP DATABASE mentoring' -c 'ALTER DATABASE older RENAME TO mentoring'

unasked() {
    exits "$1" "$2" setsid -w "$TENANTDECK" "${servers[@]}" "${@:3}" </dev/null
}
unasked 4 'nobody to ask is a No' rollback --all
unasked 4 '--yes does not answer it' rollback --all --yes
unasked 4 'a bare --confirm does not' rollback --all --confirm
unasked 4 'nor the name of another database' rollback --all --confirm=postgres
unasked 4 'nor upper case' rollback --all --confirm=MENTORING
unasked 4 'nor a blank too many' rollback --all '--confirm=mentoring '
unasked 4 'nor a part of the name' rollback --all --confirm=mentor
unasked 2 'nor --force' rollback --all --force --yes
unasked 4 'and migrate wants a y' migrate
said=$(yes mentoring | setsid -w "$TENANTDECK" "${servers[@]}" rollback --all 2>&1)
is "$?" 4 'yes | does not answer'
is "$(state)" "$before" 'and after all of it nothing has changed'

# ---- the two of them ----

cat >first.sh <<END
'$TENANTDECK' -d '$TD_DATABASE' -p ./mentoring.plan rollback --all --confirm=mentoring >first 2>&1 </dev/null
END

printf '%s\n' 'wait to mentoring' "$ask" "$asked" \
    "run sh first.sh" \
    'type mentoring' 'send \r' 'wait exit 4' 'signal TERM' end >script
said=$("$pty" 80x24 script "$TENANTDECK" "${servers[@]}" --operator 2>&1)
like "$said" '^exit 0' 'of two who say yes the second is refused' || td_note "$said"
is "$(td_psql "SELECT count(*) FROM tenantdeck.run WHERE verb = 'rollback'")" 1 'and it is taken back once'

done_testing
