/*
 * tally: whose rows and keys they are: counts of tables by tenant, through the plan's mapping.
 *
 * Before the migration a row's tenant follows from its organization, after it from its own tenant
 * code; both kinds of counts arrive here as (organization key, tenant, rows). What fits no tenant
 * is kept under a name of its own and shown, never dropped: sums agree with the tables.
 */
#ifndef TD_TALLY_H
#define TD_TALLY_H

#include "plan.h"

struct tally;

/* Reads the mapping once, if the plan has one; a missing file leaves the tally without tenants. */
struct tally *tally_new(const struct plan *plan); /* borrows the plan */
void tally_free(struct tally *tally);             /* NULL is fine */

/* A new count of one table replaces the one before. */
void tally_start(struct tally *tally, size_t table, int64_t at);
/* `key` is the mapping's key (organization), `tenant` the row's own code; either may be NULL. */
void tally_add(struct tally *tally, size_t table, const char *key, const char *tenant,
               int64_t rows);

/* Which tenant an organization code or a tenant code belongs to; -1: nobody's, or ambiguous. */
int64_t tally_of_organization(const struct tally *tally, const char *code);
int64_t tally_of_tenant(const struct tally *tally, const char *code);

size_t tally_tenants(const struct tally *tally);
const char *tally_code(const struct tally *tally, size_t tenant);
bool tally_is_known(const struct tally *tally, size_t tenant); /* false: "(unmapped)" */
size_t tally_organizations(const struct tally *tally, size_t tenant, const char *const **codes);
/* Rows of one tenant in one table; -1 before that table was counted. */
int64_t tally_rows(const struct tally *tally, size_t tenant, size_t table);
int64_t tally_counted_at(const struct tally *tally, size_t table); /* -1: not yet */

#endif
