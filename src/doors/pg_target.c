/* pg_target: where a connection leads to, by URL, keywords, service file and environment. */
#include "pg_parts.h"

#include "secret.h"

#include <string.h>

void pg_target_release(struct pg_target *target)
{
    str_wipe(target->conninfo);
    str_wipe(target->password);
    *target = (struct pg_target){0};
}

static bool S_is_connection_string(const char *conninfo)
{
    return strchr(conninfo, '=') || str_starts(conninfo, "postgres://") ||
           str_starts(conninfo, "postgresql://");
}

PQconninfoOption *pg_target_parse(const struct pg_target *target, struct err *err)
{
    const char *given = target->conninfo ? target->conninfo : "";
    char *wrong = NULL;
    PQconninfoOption *options;
    if (S_is_connection_string(given))
        options = PQconninfoParse(given, &wrong);
    else
        options = PQconndefaults();
    if (!options) {
        /* libpq repeats the part that it stumbled over, which may be of a password. */
        err_set(err, ERR_USAGE, "the connection string cannot be read%s%s",
                wrong && !secret_inside(given) ? ": " : "",
                wrong && !secret_inside(given) ? wrong : "");
        err_hint(err, "give a URL, keyword=value pairs, or the name of a database; in a URL, write "
                      "special characters as %%XX");
        PQfreemem(wrong);
    }
    return options;
}

const char *pg_target_option(const PQconninfoOption *options, const char *keyword)
{
    for (const PQconninfoOption *o = options; o && o->keyword; o++)
        if (str_is(o->keyword, keyword) && o->val && *o->val)
            return o->val;
    return NULL;
}

char *pg_target_describe(const struct pg_target *target)
{
    struct err ignored = {0};
    const char *given = target->conninfo ? target->conninfo : "";
    PQconninfoOption *options = pg_target_parse(target, &ignored);
    if (!options)
        return str_dup("(unreadable)");
    const char *database = pg_target_option(options, "dbname"),
               *host = pg_target_option(options, "host");
    const char *service = pg_target_option(options, "service");
    if (!S_is_connection_string(given) && *given)
        database = given;
    struct buf b = {0};
    if (service)
        buf_format(&b, "service %s", service);
    else
        buf_format(&b, "%s@%s", database ? database : "?", host && host[0] != '/' ? host : "local");
    PQconninfoFree(options);
    return buf_take(&b);
}

/*
 * libpq alone knows how URL, service file and variables add up. It is made to look at an address of
 * this host where nobody listens: what counts is what it has read before it tries.
 */
char *pg_target_database(const struct pg_target *target)
{
    const char *given = target->conninfo ? target->conninfo : "";
    const char *keywords[] = {"dbname", "host", "hostaddr", "port", NULL};
    const char *values[] = {*given ? given : NULL, "localhost", "127.0.0.1", "1", NULL};
    PGconn *conn = PQconnectStartParams(keywords, values, 1);
    char *name = str_dup(conn && PQdb(conn) ? PQdb(conn) : "");
    PQfinish(conn);
    return name;
}

static void S_add_setting(struct buf *out, const char *keyword, const char *value)
{
    buf_format(out, "%s%s='", out->len ? " " : "", keyword);
    for (const char *c = value; *c; c++) {
        if (*c == '\'' || *c == '\\')
            buf_add_char(out, '\\');
        buf_add_char(out, *c);
    }
    buf_add_char(out, '\'');
}

bool pg_target_elsewhere(const struct pg_target *target, const char *database,
                         struct pg_target *out, struct err *err)
{
    const char *given = target->conninfo ? target->conninfo : "";
    struct buf conninfo = {0};
    if (S_is_connection_string(given)) {
        PQconninfoOption *options = pg_target_parse(target, err);
        if (!options)
            return false;
        for (const PQconninfoOption *o = options; o->keyword; o++)
            if (o->val && *o->val && !str_is(o->keyword, "dbname"))
                S_add_setting(&conninfo, o->keyword, o->val);
        PQconninfoFree(options);
    }
    S_add_setting(&conninfo, "dbname", database);
    *out =
        (struct pg_target){.conninfo = buf_take(&conninfo), .password = str_dup(target->password)};
    return true;
}
