#!/bin/bash
# cli: the command line against real servers: exit statuses, JSON, the ways to connect, passwords
# that must not be seen anywhere, and help that knows every verb.
#
# It has a cluster of its own, since it wants one that asks for passwords.
set -u
. "$(dirname "$0")/../lib.sh"

canary=canary-$RANDOM-pw
work=$(mktemp -d /tmp/cli.XXXXXX)
export HOME=$work XDG_CONFIG_HOME=$work/config
unset PGHOST PGPORT PGUSER PGDATABASE PGPASSWORD PGSERVICE PGPASSFILE TENANTDECK_DECK NO_COLOR
unset DATABASE_URL DEV_DATABASE_URL REDIS_HOST NODE_ENV
