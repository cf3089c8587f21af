#!/bin/sh
# Every statement that the program can send, as `tenantdeck sql` prints it, is taken by a real
# server: what asks or changes rows is prepared, what defines is carried out in a copy of the sample
# database that is thrown away. psql alone does it, as a DBA would; and since the search path is the
# one of the program's sessions, a name without its schema is an error here.
. "$(dirname "$0")/../lib.sh"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
td_start_postgres
PGOPTIONS='-c search_path=pg_catalog,pg_temp -c row_security=off -c client_min_messages=warning'
export PGOPTIONS

statement() {
    "$TENANTDECK" sql "$1"
}

# psql that stops at the first error; what it says is kept for the test's message.
run_psql() {
    psql -X -q -At -v ON_ERROR_STOP=1 "$@" >"$work/out" 2>&1
}

troubles() {
    grep -E 'ERROR|FATAL|PANIC' "$work/out"
}

# ---- what can be said of the texts alone ----

"$TENANTDECK" sql | sed -n 's/^\([a-z][a-z0-9_]*\)  (\([^:]*\):[0-9]*)$/\1 \2/p' >"$work/list"
# shellcheck disable=SC2086 # several names, without blanks
files=$(sed 's/.* //' "$work/list" | sort -u)
is "$(wc -l <"$work/list")" "$(cd "$TD_SRCDIR/sql" && grep -h '^-- name: ' $files | wc -l)" \
    'the list has every statement of the files'

# A text without its blank lines, which the embedding does not keep at either end.
lines_of() {
    sed -e 's/[[:space:]]*$//' -e '/^$/d'
}

# in_file NAME FILE: its lines, with what it includes in its place, from the first line on that is no heading.
in_file() {
    awk -v name="$1" -v directory="$TD_SRCDIR/sql/$(dirname "$2")" '
        /^-- name: / { on = $3 == name }
        on && /^-- include: / {
            begun = 0
            while ((getline line < (directory "/" $3)) > 0) {
                begun = begun || line !~ /^--/
                if (begun)
                    print line
            }
            next
        }
        on' "$TD_SRCDIR/sql/$2"
}

while read -r name file; do
    statement "$name" >"$work/$name.sql"
    lines_of <"$work/$name.sql" >"$work/printed"
    in_file "$name" "$file" | lines_of >"$work/in_file"
    cmp -s "$work/printed" "$work/in_file"
    ok $? "$name is printed as it stands in $file"
    sed -n 2p "$work/$name.sql" | grep -q '^-- [A-Z]'
    ok $? "$name says what it is for"
done <"$work/list"

# ---- the set-up: the sample, and the journal ----

dropdb mentoring # the statement that makes it is among the tested
createdb contract
cat "$work/demo_mentoring_schema.sql" "$work/demo_mentoring_data.sql" |
    run_psql -v scale=0.01 -v dirty=true contract
is "$?: $(troubles)" '0: ' 'the sample is made by psql alone'
journal=$(grep -c '^journal_upgrade_' "$work/list")
for version in $(seq "$journal"); do
    run_psql -1 -f "$work/journal_upgrade_$version.sql" contract
    is "$?: $(troubles)" '0: ' "psql alone brings the journal to version $version"
done
[ "$journal" -gt 0 ]
ok $? 'there is a journal to be made'

# ---- each of them ----

# Commands of a text: lines that end with a semicolon outside of $$ quotes and comments. One with
# parameters can only be one command, whatever its quotes hold.
commands() {
    sed 's/--.*//' "$1" | awk '{ quoted += gsub(/\$[a-z]*\$/, "&") }
        /\$[0-9]/ { parameters = 1 }
        /;[ \t]*$/ && quoted % 2 == 0 { n++ } END { print parameters ? 1 : n + 0 }'
}

first_word() {
    sed -e '/^--/d' -e '/^[[:space:]]*$/d' "$1" | sed -n '1s/^\([A-Za-z\\]*\).*/\1/p'
}

# Prepared by the text itself, so that psql puts its variables in first.
prepare() {
    { echo 'PREPARE contract AS'; sed '/^--/d' "$1"; } >"$work/prepare.sql"
    run_psql -v schema=public -v table=sessions -v column=id -v plan=p -f "$work/prepare.sql" contract
}

# Carried out in a copy; in a transaction that is rolled back, but where it has one of its own.
carry_out() {
    createdb -T contract copy
    if grep -qE '^(BEGIN|COMMIT|ROLLBACK|CREATE DATABASE)' "$1"; then
        run_psql -f "$1" copy
    else
        { echo 'BEGIN;'; cat "$1"; echo 'ROLLBACK;'; } >"$work/carry_out.sql"
        run_psql -v schema=public -v table=sessions -v column=id -f "$work/carry_out.sql" copy
    fi
    result=$?
    dropdb --force copy
    return $result
}

while read -r name file; do
    sql=$work/$name.sql
    count=$(commands "$sql")
    case $name in
    journal_upgrade_* | demo_mentoring_schema | demo_mentoring_data)
        continue # carried out above, in their order
        ;;
    esac
    if grep -q '^-- A psql script' "$sql"; then
        [ -x "$TD_SRCDIR/tests/contract/$name.sh" ]
        ok $? "$name is a psql script, and has a test of its own"
        continue
    fi
    case $(first_word "$sql") in
    SELECT | WITH | INSERT | UPDATE | DELETE | MERGE | VALUES | TABLE) kind=$count ;;
    *) kind=definition ;;
    esac
    if [ "$kind" = 1 ]; then
        prepare "$sql"
        is "$?: $(troubles)" '0: ' "$name can be prepared"
    else
        sed '/^--/d' "$sql" | grep -qE '\$[0-9]'
        ok $((! $?)) "$name has several commands or defines, so it takes no parameters"
        carry_out "$sql"
        is "$?: $(troubles)" '0: ' "$name can be carried out"
    fi
done <"$work/list"

done_testing
