/*
 * frame: the border of a pane or a reader, with its title, its figures and its position in it.
 *
 * The texts are clean. A small screen has only the top line of a frame, which then carries the
 * position as well.
 */
#ifndef TD_FRAME_H
#define TD_FRAME_H

#include "layout.h"

struct frame_texts {
    const char *title;  /* top left */
    const char *remark; /* after the title: filter, "paused"; "" for none */
    enum mood remark_mood;
    const char *figures;  /* top right, cut when there is no room; "" for none */
    const char *position; /* bottom right, "12/26"; "" for none */
    const char *footer;   /* bottom left: what ~ means; "" for none */
};

void frame_draw(struct box box, enum layout_frame frame, bool focused,
                const struct frame_texts *texts);

#endif
