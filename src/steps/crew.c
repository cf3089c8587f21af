/*
 * crew: see crew.h. As in lane.c the callbacks of the connections only note what came; all
 * decisions are made between two turns of the loop.
 */
#include "crew.h"

#include <stdlib.h>

enum { HANDS = 2 };

enum hand_state { HAND_RESTS, HAND_WORKS, HAND_IS_ANSWERED };

struct hand {
    struct crew *crew;
    struct pg *pg;
    enum hand_state state;
    int piece;
    bool failed, cancelled;
    struct err err;
};

struct crew {
    struct run *run;
    const struct crew_work *work;
    struct hand hand[HANDS];
    int count;
    bool *begun; /* of each piece */
    bool failed;
    struct err err; /* the first one */
};

static void S_fail(struct crew *crew, const struct err *err)
{
    if (!crew->failed)
        crew->err = *err;
    crew->failed = true;
}

/* ---- one piece ---- */

static void S_answered(void *ctx, const struct pg_result *result, const struct err *err)
{
    struct hand *hand = ctx;
    const struct crew_work *work = hand->crew->work;
    hand->state = HAND_IS_ANSWERED;
    hand->failed = err != NULL;
    if (err)
        hand->err = *err;
    else if (work->answer)
        work->answer(work->ctx, hand->piece, result);
}

/* The run's functions speak to the connection of this hand for so long. */
static bool S_begin(struct hand *hand, struct err *err)
{
    struct run *run = hand->crew->run;
    const struct crew_work *work = hand->crew->work;
    struct pg *own = run->work;
    run->work = hand->pg;
    bool ok = !work->begin || work->begin(run, work->ctx, hand->piece, err);
    run->work = own;
    return ok;
}

static bool S_end(struct hand *hand, struct err *err)
{
    struct run *run = hand->crew->run;
    const struct crew_work *work = hand->crew->work;
    struct pg *own = run->work;
    run->work = hand->pg;
    bool ok = work->end(run, work->ctx, hand->piece, hand->failed ? &hand->err : NULL, err);
    run->work = own;
    return ok;
}

static void S_start(struct hand *hand, int piece)
{
    struct crew *crew = hand->crew;
    struct err err = {0};
    crew->begun[piece] = true;
    hand->piece = piece;
    hand->cancelled = false;
    bool ok = S_begin(hand, &err);
    if (ok && !pg_is_ready(hand->pg))
        ok = err_set(&err, ERR_LOST, "the connection to PostgreSQL was lost");
    if (!ok) {
        S_fail(crew, &err);
        return;
    }
    hand->state = HAND_WORKS;
    pg_query(hand->pg, crew->work->statement(crew->work->ctx, piece), NULL, 0, S_answered, hand);
}

static void S_finish(struct hand *hand)
{
    struct err err = {0};
    hand->state = HAND_RESTS;
    if (!S_end(hand, &err))
        S_fail(hand->crew, &err);
}

/* ---- who does what ---- */

static bool S_is_taken(const struct crew *crew, const char *unit)
{
    const struct crew_work *work = crew->work;
    for (int i = 0; i < crew->count; i++)
        if (crew->hand[i].state != HAND_RESTS &&
            str_is(work->unit(work->ctx, crew->hand[i].piece), unit))
            return true;
    return false;
}

static int S_find_piece(const struct crew *crew)
{
    const struct crew_work *work = crew->work;
    for (int piece = 0; piece < work->count; piece++) {
        const char *unit = work->unit ? work->unit(work->ctx, piece) : NULL;
        if (!crew->begun[piece] && !(unit && S_is_taken(crew, unit)))
            return piece;
    }
    return -1;
}

static void S_start_all(struct crew *crew)
{
    for (int i = 0; i < crew->count && !crew->failed; i++) {
        int piece = crew->hand[i].state == HAND_RESTS ? S_find_piece(crew) : -1;
        if (piece >= 0)
            S_start(&crew->hand[i], piece);
    }
}

static bool S_is_any(const struct crew *crew, enum hand_state state)
{
    for (int i = 0; i < crew->count; i++)
        if (crew->hand[i].state == state)
            return true;
    return false;
}

static void S_cancel_all(struct crew *crew)
{
    for (int i = 0; i < crew->count; i++) {
        struct hand *hand = &crew->hand[i];
        if (hand->state == HAND_WORKS && !hand->cancelled)
            pg_cancel(hand->pg);
        hand->cancelled = true;
    }
}

static bool S_is_all_begun(const struct crew *crew)
{
    for (int piece = 0; piece < crew->work->count; piece++)
        if (!crew->begun[piece])
            return false;
    return true;
}

static bool S_go(struct crew *crew, struct err *err)
{
    struct run *run = crew->run;
    for (;;) {
        for (int i = 0; i < crew->count; i++)
            if (crew->hand[i].state == HAND_IS_ANSWERED)
                S_finish(&crew->hand[i]);
        bool rests = crew->failed || run_is_hindered(run);
        if (!rests)
            S_start_all(crew);
        if (S_is_any(crew, HAND_IS_ANSWERED)) /* while another was begun or ended */
            continue;
        if (S_is_any(crew, HAND_WORKS)) {
            if (run->aborted || run->fenced)
                S_cancel_all(crew);
            loop_turn(run->loop, -1);
            continue;
        }
        if (crew->failed) {
            *err = crew->err;
            return false;
        }
        if (S_is_all_begun(crew))
            return true;
        if (rests && !run_breathe(run, err))
            return false;
    }
}

/* ---- all of them ---- */

/*
 * What is done by one alone is done as well; whether the server is there at all shows soon enough.
 */
static void S_add_hand(struct crew *crew)
{
    struct err err = {0};
    struct pg *pg;
    const char *lanes = run_option(crew->run, "lanes");
    if (crew->work->count < 2 || str_is(lanes, "1") || !run_connect(crew->run, "work", &pg, &err))
        return;
    crew->hand[crew->count++] = (struct hand){.crew = crew, .pg = pg};
}

bool crew_do(struct run *run, const struct crew_work *work, struct err *err)
{
    struct crew crew = {.run = run, .work = work, .count = 1};
    crew.hand[0] = (struct hand){.crew = &crew, .pg = run->work};
    crew.begun = mem_array((size_t)work->count, sizeof(*crew.begun));
    S_add_hand(&crew);
    bool ok = S_go(&crew, err);
    for (int i = 1; i < crew.count; i++)
        pg_free(crew.hand[i].pg);
    free(crew.begun);
    return ok;
}
