#!/bin/sh
# Each library has one door, the core knows no screen, and no SQL stands in C: asked of the source
# and of the linker, so that a new file cannot quietly make a second door.
. "$(dirname "$0")/../lib.sh"
cd "$TD_SRCDIR" || exit 1

# The files among those given that match a pattern, in one line.
who_has() {
    pattern=$1
    shift
    grep -lE "$pattern" "$@" | sort | tr '\n' ' ' | sed 's/ $//'
}

is "$(who_has '#include *[<"](postgresql/)?libpq' src/*/*.[ch] ui/*.[ch])" 'src/doors/pg_parts.h' \
    'only pg_parts.h includes libpq'
is "$(who_has '#include *[<"]pg_parts' src/*/*.[ch] ui/*.[ch])" \
    'src/doors/pg.c src/doors/pg_connect.c src/doors/pg_target.c' 'and only the files of its door include that'
is "$(who_has '#include *[<"]hiredis' src/*/*.[ch] ui/*.[ch])" 'src/doors/redis_parts.h' \
    'only redis_parts.h includes hiredis'
is "$(who_has '#include *[<"]redis_parts' src/*/*.[ch] ui/*.[ch] | tr ' ' '\n' |
    grep -vE '^src/doors/(redis_[a-z]+\.[ch]|redis\.c|wire_rest\.c)$')" '' 'and only the files of its door include that'
is "$(who_has '#include *[<"]openssl/(ssl|x509|bio)' src/*/*.[ch] ui/*.[ch])" 'src/doors/wire_tls.c' \
    'only wire_tls.c speaks TLS'
is "$(who_has '#include *[<"]curl/' src/*/*.[ch] ui/*.[ch] | tr ' ' '\n' | grep -vx 'src/doors/http.c')" '' \
    'and only http.c could include libcurl'
is "$(who_has '#include *[<"]csv\.h' src/*/*.[ch] ui/*.[ch])" 'src/doors/csvmap.c' \
    'only csvmap.c includes libcsv'
is "$(who_has '#include *[<"](ncursesw?/)?(n?curses|panel|form|menu|term|tic)(es)?\.h' src/*/*.[ch] ui/*.[ch])" \
    'ui/screen.c ui/screen_keys.c' 'only the two files of the screen include curses'

# Two more wait, where no loop turns: the demo's guard is a process of its own, and the password is
# asked before anything is connected.
is "$(who_has '[^_[:alnum:]]p?poll\(&?[a-z]|[^_[:alnum:]](p?select|epoll_p?wait)\(' src/*/*.c ui/*.c)" \
    'src/base/loop.c src/demo/demo_servers.c ui/askpass.c' \
    'only loop.c polls (and the guard of the demo, and the question for a password)'

# A header that src/ includes stands in src/: nothing leads back to the faces.
foreign=$(sed -n 's/^#include "\([^"]*\)".*/\1/p' src/*/*.[ch] | sort -u | while read -r header; do
    ls src/*/"$header" >/dev/null 2>&1 || echo "$header"
done)
is "$foreign" '' 'src/ includes only what stands in src/'
both=$(for header in ui/*.h; do ls src/*/"${header#ui/}" 2>/dev/null; done)
is "$both" '' 'no header of ui/ has the name of one of src/'

# The rooms stand on one another: a file includes only from its own room and from those below it.
rooms='base doors plan session run steps worker watch show demo verb'
below=
for room in $rooms; do
    below="$below $room"
    astray=$(sed -n 's/^#include "\([^"]*\)".*/\1/p' src/"$room"/*.[ch] | sort -u | while read -r header; do
        for one in $below; do
            [ -f "src/$one/$header" ] && continue 2
        done
        echo "$header"
    done)
    is "$astray" '' "src/$room includes only from its own room and those below"
done
is "$(ls src | tr '\n' ' ')" "$(printf '%s\n' $rooms | sort | tr '\n' ' ')" 'there is no other room'

# Statements start a literal with an SQL command in capitals; one word alone is a command of Redis.
commands='SELECT|WITH|INSERT INTO|UPDATE|DELETE FROM|ALTER|CREATE|DROP|GRANT|REVOKE|TRUNCATE|COPY'
commands="$commands|VACUUM|ANALYZE|LOCK|SET|SHOW|BEGIN|COMMIT|ROLLBACK|LISTEN|NOTIFY|EXPLAIN"
is "$(grep -nE "\"[[:space:](]*($commands)[ ;][^\"]" src/*/*.c ui/*.c)" '' 'no statement stands in C'
is "$(grep -nE 'pg_(run|query)\([^,]*, *"' src/*/*.c ui/*.c)" '' 'no statement is sent from a literal'

# What curses defines and what the core wants have nothing in common.
curses=$(ldd "$TD_BUILDDIR/tenantdeck" | sed -n 's/.*=> \(.*\/lib\(ncurses\|curses\|tinfo\)w\{0,1\}\.so[^ ]*\).*/\1/p')
like "$curses" 'ncurses' 'the program is linked with curses, so there is something to look for'
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for library in $curses; do nm -D --defined-only "$library"; done |
    sed 's/@.*//' | awk 'NF == 3 && $2 ~ /[TBDRVW]/ { print $3 }' | sort -u >"$work/curses"
nm -u "$TD_BUILDDIR/libtenantdeck.a" 2>/dev/null | awk 'NF == 2 && $1 == "U" { print $2 }' |
    sort -u >"$work/core"
like "$(cat "$work/curses")" 'wrefresh' 'the symbols of curses can be read'
like "$(cat "$work/core")" 'PQsendQuery' 'the symbols that the core wants can be read'
is "$(comm -12 "$work/curses" "$work/core")" '' 'the core wants no symbol of curses'

done_testing
