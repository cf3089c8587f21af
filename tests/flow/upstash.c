/*
 * upstash: a server that speaks as Upstash's REST does, for scripts: POST /pipeline, and POST
 * /COMMAND/ARGUMENT... with the last argument as the body, in front of a real Redis, over HTTP or,
 * with a certificate, over HTTPS.
 *
 *     upstash PORT REDIS-SOCKET TOKEN [CERTIFICATE KEY]
 *
 * Strings are in base64 when the request asks for it, unless UPSTASH_PLAIN is set. "ro-TOKEN" may
 * only read. INFO, CLUSTER and CLIENT are not on offer. Each request's first line and the names of
 * its commands go to the standard output. It ends with its parent.
 */
#include <arpa/inet.h>
#include <ctype.h>
#include <hiredis/hiredis.h>
#include <jansson.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/prctl.h>
#include <unistd.h>

enum { REQUEST_MAX = 4 * 1024 * 1024 };

static const char *S_token, *S_socket;

struct peer {
    int fd;
    SSL *ssl; /* NULL: plain */
    redisContext *redis;
};

static int S_receive(struct peer *peer, char *bytes, int size)
{
    return peer->ssl ? SSL_read(peer->ssl, bytes, size)
                     : (int)recv(peer->fd, bytes, (size_t)size, 0);
}

static void S_send(struct peer *peer, const char *bytes, size_t size)
{
    for (size_t sent = 0; sent < size;) {
        int now = peer->ssl ? SSL_write(peer->ssl, bytes + sent, (int)(size - sent))
                            : (int)send(peer->fd, bytes + sent, size - sent, MSG_NOSIGNAL);
        if (now <= 0)
            exit(0);
        sent += (size_t)now;
    }
}

/* ---- replies into JSON ---- */

static json_t *S_string(const redisReply *reply, bool base64)
{
    if (!base64) {
        json_t *text = json_stringn(reply->str, reply->len);
        return text ? text : json_string("\xef\xbf\xbd");
    }
    unsigned char *encoded = malloc(reply->len * 2 + 8);
    EVP_EncodeBlock(encoded, (const unsigned char *)reply->str, (int)reply->len);
    json_t *text = json_string((const char *)encoded);
    free(encoded);
    return text;
}

static json_t *S_value(const redisReply *reply, bool base64)
{
    json_t *list;
    switch (reply->type) {
    case REDIS_REPLY_STATUS:
        return strcmp(reply->str, "OK") == 0 ? json_string("OK") : S_string(reply, base64);
    case REDIS_REPLY_STRING:
        return S_string(reply, base64);
    case REDIS_REPLY_INTEGER:
        return json_integer(reply->integer);
    case REDIS_REPLY_ARRAY:
        list = json_array();
        for (size_t i = 0; i < reply->elements; i++)
            json_array_append_new(list, S_value(reply->element[i], base64));
        return list;
    default:
        return json_null();
    }
}

static bool S_is_one_of(const char *word, const char *const *words)
{
    while (*words && strcasecmp(word, *words) != 0)
        words++;
    return *words != NULL;
}

static json_t *S_run_words(struct peer *peer, size_t argc, const char **argv, const size_t *lengths,
                           bool base64, bool read_only)
{
    static const char *const absent[] = {"INFO", "CLUSTER", "CLIENT", NULL};
    static const char *const writes[] = {"SET", "UNLINK", "DEL", "SCAN", "FLUSHDB", NULL};
    const char *name = argv[0];
    printf("  %s\n", name);
    if (S_is_one_of(name, absent))
        return json_pack("{s:o}", "error",
                         json_sprintf("ERR Command is not available: '%s'. See "
                                      "https://upstash.com/docs/redis/overall/rediscompatibility",
                                      name));
    if (read_only && S_is_one_of(name, writes))
        return json_pack(
            "{s:o}", "error",
            json_sprintf("NOPERM this user has no permissions to run the '%s' command", name));
    redisReply *reply = redisCommandArgv(peer->redis, (int)argc, argv, lengths);
    if (!reply)
        exit(1);
    json_t *answer = reply->type == REDIS_REPLY_ERROR
                         ? json_pack("{s:s}", "error", reply->str)
                         : json_pack("{s:o}", "result", S_value(reply, base64));
    freeReplyObject(reply);
    return answer;
}

static json_t *S_run(struct peer *peer, const json_t *command, bool base64, bool read_only)
{
    const char *argv[64];
    size_t lengths[64], argc = json_array_size(command);
    for (size_t i = 0; i < argc && i < 64; i++) {
        argv[i] = json_string_value(json_array_get(command, i));
        lengths[i] = json_string_length(json_array_get(command, i));
    }
    return S_run_words(peer, argc, argv, lengths, base64, read_only);
}

/* "/SET/a%20key" with the value as the body. */
static json_t *S_run_path(struct peer *peer, const char *head, const char *body, size_t len,
                          bool base64, bool read_only)
{
    char path[4096];
    const char *argv[64];
    size_t lengths[64], argc = 0;
    snprintf(path, sizeof(path), "%.*s", (int)strcspn(head + 6, " "), head + 6);
    for (char *rest = path, *word; argc < 63 && (word = strsep(&rest, "/"));) {
        char *to = word;
        argv[argc] = word;
        for (const char *from = word; *from; from++) {
            unsigned byte = (unsigned char)*from;
            if (*from == '%' && sscanf(from + 1, "%2x", &byte) == 1)
                from += 2;
            *to++ = (char)byte;
        }
        lengths[argc++] = (size_t)(to - word);
        *to = '\0';
    }
    argv[argc] = body;
    lengths[argc++] = len;
    return S_run_words(peer, argc, argv, lengths, base64, read_only);
}

/* ---- HTTP ---- */

static void S_answer(struct peer *peer, int status, json_t *body)
{
    char head[256], *text = json_dumps(body, JSON_COMPACT);
    int len = snprintf(head, sizeof(head),
                       "HTTP/1.1 %d X\r\nContent-Type: application/json\r\n"
                       "Content-Length: %zu\r\n\r\n",
                       status, strlen(text));
    S_send(peer, head, (size_t)len);
    S_send(peer, text, strlen(text));
    free(text);
    json_decref(body);
}

static const char *S_header(const char *head, const char *name)
{
    const char *at = strcasestr(head, name);
    return at ? at + strlen(name) : NULL;
}

static void S_serve(struct peer *peer, const char *head, const char *body, size_t len)
{
    const char *bearer = S_header(head, "\r\nAuthorization: Bearer ");
    size_t token = bearer ? strcspn(bearer, "\r") : 0;
    bool read_only = token > 3 && strncmp(bearer, "ro-", 3) == 0;
    const char *shown = read_only ? bearer + 3 : bearer;
    token -= read_only ? 3 : 0;
    printf("%.*s\n", (int)strcspn(head, "\r"), head);
    if (!bearer || token != strlen(S_token) || strncmp(shown, S_token, token) != 0) {
        S_answer(peer, 401, json_pack("{s:s}", "error", "WRONGPASS invalid or missing auth token"));
        return;
    }
    bool base64 = S_header(head, "\r\nUpstash-Encoding: base64") && !getenv("UPSTASH_PLAIN");
    if (strncmp(head, "POST /pipeline ", 15) != 0 && strncmp(head, "POST / ", 7) != 0) {
        json_t *one = S_run_path(peer, head, body, len, base64, read_only);
        S_answer(peer, json_object_get(one, "error") ? 400 : 200, one);
        fflush(stdout);
        return;
    }
    json_t *commands = json_loadb(body, len, 0, NULL), *answers = json_array();
    if (strncmp(head, "POST /pipeline ", 15) != 0 || !json_is_array(commands)) {
        S_answer(peer, 400, json_pack("{s:s}", "error", "ERR failed to parse pipeline request"));
    } else {
        for (size_t i = 0; i < json_array_size(commands); i++)
            json_array_append_new(answers,
                                  S_run(peer, json_array_get(commands, i), base64, read_only));
        S_answer(peer, 200, json_incref(answers));
    }
    fflush(stdout);
    json_decref(commands);
    json_decref(answers);
}

/* One connection: request after request, until it ends. */
static void S_talk(struct peer *peer)
{
    static char bytes[REQUEST_MAX + 1];
    size_t have = 0;
    for (int got; (got = S_receive(peer, bytes + have, REQUEST_MAX - (int)have)) > 0;) {
        have += (size_t)got;
        bytes[have] = '\0';
        char *end = strstr(bytes, "\r\n\r\n");
        const char *length = end ? S_header(bytes, "\r\nContent-Length: ") : NULL;
        size_t head = end ? (size_t)(end - bytes) + 4 : 0,
               body = length ? strtoul(length, NULL, 10) : 0;
        if (!end || have < head + body)
            continue;
        S_serve(peer, bytes, bytes + head, body);
        have = 0; /* libcurl sends the next one only after the answer */
    }
}

static void S_accept(int fd, SSL_CTX *context)
{
    struct peer peer = {.fd = fd};
    peer.redis = redisConnectUnix(S_socket);
    if (context) {
        peer.ssl = SSL_new(context);
        SSL_set_fd(peer.ssl, fd);
        if (SSL_accept(peer.ssl) != 1)
            exit(0);
    }
    if (!peer.redis || peer.redis->err)
        exit(1);
    S_talk(&peer);
    redisFree(peer.redis);
    SSL_free(peer.ssl);
    exit(0);
}

int main(int argc, char **argv)
{
    if (argc != 4 && argc != 6)
        return 2;
    SSL_CTX *context = NULL;
    S_socket = argv[2];
    S_token = argv[3];
    if (argc == 6) {
        context = SSL_CTX_new(TLS_server_method());
        if (SSL_CTX_use_certificate_chain_file(context, argv[4]) != 1 ||
            SSL_CTX_use_PrivateKey_file(context, argv[5], SSL_FILETYPE_PEM) != 1)
            return 1;
    }
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)atoi(argv[1])),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int on = 1, listener = socket(AF_INET, SOCK_STREAM, 0);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (bind(listener, (struct sockaddr *)&address, sizeof(address)) != 0 ||
        listen(listener, 16) != 0)
        return 1;
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    signal(SIGCHLD, SIG_IGN);
    for (;;) {
        int fd = accept(listener, NULL, NULL);
        if (fd >= 0 && fork() == 0) {
            prctl(PR_SET_PDEATHSIG, SIGTERM);
            close(listener);
            S_accept(fd, context);
        }
        close(fd);
    }
}
