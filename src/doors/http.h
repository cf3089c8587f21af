/*
 * http: the only door to libcurl: one request after the other to one place, in the loop.
 *
 * Certificates are checked, TLS 1.2 is the least, and no redirection is followed: the token goes to
 * the host that was named and to no other, in a header, and stands in no log.
 */
#ifndef TD_HTTP_H
#define TD_HTTP_H

#include "err.h"
#include "loop.h"

struct http;

/* `cacert` as in struct redis_target. NULL with err: libcurl could not be set up. */
struct http *http_new(struct loop *loop, const char *url, const char *token, const char *cacert,
                      struct err *err);
void http_free(struct http *http); /* NULL is fine; what is under way is not told */

/* err: no answer came. Else the status ("200") and the body, which is borrowed. */
typedef void http_done_fn(void *ctx, long status, const char *body, size_t len,
                          const struct err *err);

/* Only one at a time. The body is copied. `done` may free the http. */
void http_post(struct http *http, const char *body, size_t len, http_done_fn *done, void *ctx);
/* The same to another address at the same place, with a body of bytes that is no JSON. */
void http_post_bytes(struct http *http, const char *url, const char *bytes, size_t len,
                     http_done_fn *done, void *ctx);

#endif
