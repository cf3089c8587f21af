/* outside_wait: see outside_wait.h. */
#include "outside_wait.h"

#include "await.h"

static struct await S_await(void)
{
    return (struct await){.statement = "outside_sessions",
                          .reason = "for the server to end what a command has begun that is gone"};
}

/* Begun anew with another connection: those of the first look may have ended meanwhile. */
static bool S_attempt(struct run *run, void *ctx, struct err *err)
{
    (void)ctx;
    struct await await = S_await();
    bool ok = await_ends(run, &await, err);
    await_release(&await);
    return ok;
}

bool outside_wait(struct run *run, struct err *err)
{
    return run_try(run, S_attempt, NULL, "see what commands have left to the server", err);
}

bool outside_has_ended(struct run *run)
{
    struct err ignored = {0};
    struct await await = S_await();
    bool told = await_look(run, &await, &ignored);
    if (await.count)
        run_say(run, "warn", run->step->def->name,
                "the server goes on with what the command has begun (%s); the next run waits for "
                "its end",
                await.names);
    bool ended = told && !await.count;
    await_release(&await);
    return ended;
}
