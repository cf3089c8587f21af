/* http: see http.h. libcurl's multi interface, with our loop in the place of its own. */
#include "http.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum {
    CONNECT_MS = 10000,
    ANSWER_MS = 30000,
    BODY_MAX = 64 * 1024 * 1024, /* a server that has gone mad must not fill the memory */
};

struct http {
    struct loop *loop;
    CURLM *multi;
    CURL *easy;
    char *url;
    struct curl_slist *headers, *byte_headers; /* for JSON, and for what is none */
    struct timer *timer;
    struct buf sent, body;
    bool too_long;
    char reason[CURL_ERROR_SIZE];
    http_done_fn *done;
    void *ctx;
};

/* ---- the end of a request ---- */

static void S_tell(struct http *http, CURLcode code, struct err *err)
{
    const char *reason = *http->reason ? http->reason : curl_easy_strerror(code);
    err_set(err, ERR_LOST, "no answer over HTTP: %s",
            http->too_long ? "it is longer than 64 MB" : reason);
    if (code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CACERT_BADFILE)
        err_hint(err, "its certificate is not accepted, and nothing was sent: is the host right? "
                      "a CA of your own is named with 'cacert' in the deck");
    else if (code == CURLE_COULDNT_RESOLVE_HOST)
        err_hint(err, "check UPSTASH_REDIS_REST_URL, and the machine's resolver");
    else
        err_hint(err, "check the address, the network, and the status page of the provider");
}

/* The last thing that is done with a `http`: the one who is told may free it. */
static void S_finish(struct http *http, CURLcode code)
{
    struct err err = {0};
    long status = 0;
    http_done_fn *done = http->done;
    curl_easy_getinfo(http->easy, CURLINFO_RESPONSE_CODE, &status);
    curl_multi_remove_handle(http->multi, http->easy);
    http->done = NULL;
    if (code != CURLE_OK)
        S_tell(http, code, &err);
    done(http->ctx, status, buf_text(&http->body), http->body.len, code == CURLE_OK ? NULL : &err);
}

static void S_look(struct http *http)
{
    int left;
    CURLMsg *message = curl_multi_info_read(http->multi, &left);
    if (message && message->msg == CURLMSG_DONE)
        S_finish(http, message->data.result);
}

/* ---- libcurl in our loop ---- */

struct socket_watch {
    struct http *http;
    curl_socket_t fd;
    struct watch *watch;
};

static void S_on_socket(void *arg, short revents)
{
    struct socket_watch *socket = arg;
    struct http *http = socket->http;
    int running, bits = (revents & POLLIN ? CURL_CSELECT_IN : 0) |
                        (revents & POLLOUT ? CURL_CSELECT_OUT : 0) |
                        (revents & (POLLERR | POLLHUP) ? CURL_CSELECT_ERR : 0);
    curl_multi_socket_action(http->multi, socket->fd, bits, &running);
    S_look(http);
}

static void S_on_timer(void *arg)
{
    struct http *http = arg;
    int running;
    http->timer = NULL;
    curl_multi_socket_action(http->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    S_look(http);
}

static int S_set_timer(CURLM *multi, long ms, void *arg)
{
    (void)multi;
    struct http *http = arg;
    loop_cancel(http->timer);
    http->timer = ms >= 0 ? loop_after(http->loop, ms, S_on_timer, http) : NULL;
    return 0;
}

static int S_set_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *known)
{
    (void)easy;
    struct http *http = arg;
    struct socket_watch *socket = known;
    short events =
        (short)((what & CURL_POLL_IN ? POLLIN : 0) | (what & CURL_POLL_OUT ? POLLOUT : 0));
    if (what == CURL_POLL_REMOVE) {
        if (socket)
            loop_unwatch(socket->watch);
        free(socket);
        return 0;
    }
    if (!socket) {
        socket = mem_new(sizeof(*socket));
        *socket = (struct socket_watch){.http = http, .fd = fd};
        socket->watch = loop_watch(http->loop, fd, events, S_on_socket, socket);
        curl_multi_assign(http->multi, fd, socket);
    }
    loop_rewatch(socket->watch, fd, events);
    return 0;
}

static size_t S_take_body(char *bytes, size_t size, size_t count, void *arg)
{
    struct http *http = arg;
    http->too_long = http->body.len + size * count > BODY_MAX;
    if (http->too_long)
        return 0; /* which ends the request */
    buf_add_mem(&http->body, bytes, size * count);
    return size * count;
}

/* ---- set-up ---- */

static void S_trust(CURL *easy, const char *cacert)
{
    struct stat found;
    bool directory = cacert && stat(cacert, &found) == 0 && S_ISDIR(found.st_mode);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
    curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    if (cacert) /* these, and not the system's beside them */
        curl_easy_setopt(easy, CURLOPT_CAINFO, directory ? NULL : cacert);
    if (cacert)
        curl_easy_setopt(easy, CURLOPT_CAPATH, directory ? cacert : NULL);
}

static struct curl_slist *S_headers(const char *type, const char *token)
{
    char *bearer = str_format("Authorization: Bearer %s", token);
    struct curl_slist *headers = curl_slist_append(NULL, type);
    headers = curl_slist_append(headers, "Upstash-Encoding: base64");
    headers = curl_slist_append(headers, "Expect:");
    headers = curl_slist_append(headers, bearer);
    str_wipe(bearer);
    return headers;
}

static void S_free_headers(struct curl_slist *headers)
{
    for (struct curl_slist *header = headers; header; header = header->next)
        mem_wipe(header->data, strlen(header->data));
    curl_slist_free_all(headers);
}

static void S_set_up(struct http *http, const char *url, const char *token, const char *cacert)
{
    CURL *easy = http->easy;
    http->url = str_dup(url);
    http->headers = S_headers("Content-Type: application/json", token);
    http->byte_headers = S_headers("Content-Type: application/octet-stream", token);
    S_trust(easy, cacert);
#if LIBCURL_VERSION_NUM >= 0x075500
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, str_starts(url, "https:") ? "https" : "http");
#else
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS,
                     (long)(str_starts(url, "https:") ? CURLPROTO_HTTPS : CURLPROTO_HTTP));
#endif
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)ANSWER_MS);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, http->reason);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, S_take_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, http);
    curl_multi_setopt(http->multi, CURLMOPT_SOCKETFUNCTION, S_set_socket);
    curl_multi_setopt(http->multi, CURLMOPT_SOCKETDATA, http);
    curl_multi_setopt(http->multi, CURLMOPT_TIMERFUNCTION, S_set_timer);
    curl_multi_setopt(http->multi, CURLMOPT_TIMERDATA, http);
}

struct http *http_new(struct loop *loop, const char *url, const char *token, const char *cacert,
                      struct err *err)
{
    struct http *http = mem_new(sizeof(*http));
    http->loop = loop;
    http->multi = curl_multi_init();
    http->easy = curl_easy_init();
    if (!http->multi || !http->easy) {
        http_free(http);
        err_set(err, ERR_FAILED, "libcurl could not be set up");
        return NULL;
    }
    S_set_up(http, url, token, cacert);
    return http;
}

void http_free(struct http *http)
{
    if (!http)
        return;
    if (http->done)
        curl_multi_remove_handle(http->multi, http->easy);
    curl_easy_cleanup(http->easy);
    curl_multi_cleanup(http->multi); /* closes its sockets, and so ends their watches */
    loop_cancel(http->timer);
    S_free_headers(http->headers);
    S_free_headers(http->byte_headers);
    free(http->url);
    mem_wipe(http->sent.text, http->sent.cap);
    mem_wipe(http->body.text, http->body.cap);
    buf_release(&http->sent);
    buf_release(&http->body);
    free(http);
}

static void S_post(struct http *http, const char *body, size_t len, http_done_fn *done, void *ctx)
{
    if (http->done)
        die("a request over HTTP was made while another one is under way");
    buf_clear(&http->sent);
    buf_clear(&http->body);
    buf_add_mem(&http->sent, body, len);
    http->too_long = false;
    *http->reason = '\0';
    http->done = done;
    http->ctx = ctx;
    curl_easy_setopt(http->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)len);
    curl_easy_setopt(http->easy, CURLOPT_POSTFIELDS, buf_text(&http->sent));
    curl_multi_add_handle(http->multi, http->easy);
}

void http_post(struct http *http, const char *body, size_t len, http_done_fn *done, void *ctx)
{
    curl_easy_setopt(http->easy, CURLOPT_URL, http->url);
    curl_easy_setopt(http->easy, CURLOPT_HTTPHEADER, http->headers);
    S_post(http, body, len, done, ctx);
}

void http_post_bytes(struct http *http, const char *url, const char *bytes, size_t len,
                     http_done_fn *done, void *ctx)
{
    curl_easy_setopt(http->easy, CURLOPT_URL, url);
    curl_easy_setopt(http->easy, CURLOPT_HTTPHEADER, http->byte_headers);
    S_post(http, bytes, len, done, ctx);
}
