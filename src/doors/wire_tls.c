/*
 * wire_tls: a wire over TLS, and the only door to OpenSSL. It lies on a socket wire.
 *
 * TLS 1.2 or later, or nothing: the certificate must lead to a CA that is trusted (the system's, or
 * those of `cacert`) and be made out to the host that was named. There is no switch to look away
 * and no way back to an open connection: what cannot be proved is told, with what to do.
 */
#include "wire_parts.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { SHAKE_MS = 5000 }; /* a server that speaks no TLS may wait for the end of our first line */

struct tls_wire {
    struct wire wire; /* the first: a pointer to one is a pointer to the other */
    struct loop *loop;
    const struct redis_target *target;
    struct wire_owner owner;
    struct wire *inner;
    SSL_CTX *context;
    SSL *ssl;
    bool open;
    struct err lost; /* what the inner wire has said below OpenSSL */
    struct timer *failing, *patience;
    struct err failure;
};

static struct tls_wire *S_self(struct wire *wire)
{
    return (struct tls_wire *)wire;
}

/* ---- OpenSSL's bytes go over the inner wire ---- */

static int S_bio_write(BIO *bio, const char *bytes, int size)
{
    struct tls_wire *wire = BIO_get_data(bio);
    ssize_t moved = wire_write(wire->inner, bytes, (size_t)size, &wire->lost);
    BIO_clear_retry_flags(bio);
    if (moved == 0)
        BIO_set_retry_write(bio);
    return moved > 0 ? (int)moved : -1;
}

static int S_bio_read(BIO *bio, char *bytes, int size)
{
    struct tls_wire *wire = BIO_get_data(bio);
    ssize_t moved = wire_read(wire->inner, bytes, (size_t)size, &wire->lost);
    BIO_clear_retry_flags(bio);
    if (moved == 0)
        BIO_set_retry_read(bio);
    return moved > 0 ? (int)moved : -1;
}

static long S_bio_ctrl(BIO *bio, int command, long number, void *pointer)
{
    (void)bio;
    (void)number;
    (void)pointer;
    return command == BIO_CTRL_FLUSH;
}

/* Made once, and kept as long as the program runs. */
static BIO_METHOD *S_bio_method(void)
{
    static BIO_METHOD *method;
    if (method)
        return method;
    method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "wire");
    if (!method)
        die("out of memory: OpenSSL could not be set up");
    BIO_meth_set_write(method, S_bio_write);
    BIO_meth_set_read(method, S_bio_read);
    BIO_meth_set_ctrl(method, S_bio_ctrl);
    return method;
}

/* ---- what we trust, and who we are ---- */

/* OpenSSL's own words for what went wrong last, as the end of a sentence. */
static const char *S_reason(void)
{
    const char *reason = ERR_reason_error_string(ERR_peek_last_error());
    return reason ? reason : "no reason is known";
}

static bool S_trust(SSL_CTX *context, const struct redis_target *target, struct err *err)
{
    struct stat found;
    const char *path = target->cacert;
    if (!path && SSL_CTX_set_default_verify_paths(context) == 1)
        return true;
    bool directory = path && stat(path, &found) == 0 && S_ISDIR(found.st_mode);
    if (path && SSL_CTX_load_verify_locations(context, directory ? NULL : path,
                                              directory ? path : NULL) == 1)
        return true;
    err_set(err, ERR_REFUSED, "the certificates to trust cannot be read from '%s': %s",
            path ? path : "the system's store", S_reason());
    return err_hint(err,
                    "'cacert' names a file in PEM form, or a directory that c_rehash has seen");
}

static bool S_identify(SSL_CTX *context, const struct redis_target *target, struct err *err)
{
    if (!target->cert)
        return true;
    const char *key = target->key ? target->key : target->cert;
    if (SSL_CTX_use_certificate_chain_file(context, target->cert) != 1)
        return err_set(err, ERR_REFUSED, "the certificate '%s' for Redis cannot be read: %s",
                       target->cert, S_reason());
    if (SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) != 1 ||
        SSL_CTX_check_private_key(context) != 1)
        return err_set(err, ERR_REFUSED, "the key '%s' for Redis does not fit its certificate: %s",
                       key, S_reason());
    return true;
}

/* A key with a passphrase would ask at the terminal, and hold the loop. */
static int S_no_passphrase(char *bytes, int size, int writing, void *ctx)
{
    (void)bytes;
    (void)size;
    (void)writing;
    (void)ctx;
    return -1;
}

static bool S_make_context(struct tls_wire *wire, struct err *err)
{
    ERR_clear_error();
    wire->context = SSL_CTX_new(TLS_client_method());
    if (!wire->context)
        return err_set(err, ERR_FAILED, "OpenSSL could not be set up: %s", S_reason());
    SSL_CTX_set_min_proto_version(wire->context, TLS1_2_VERSION);
    SSL_CTX_set_verify(wire->context, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_default_passwd_cb(wire->context, S_no_passphrase);
    SSL_CTX_set_mode(wire->context,
                     SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    return S_trust(wire->context, wire->target, err) &&
           S_identify(wire->context, wire->target, err);
}

static const char *S_name(const struct redis_target *target)
{
    return target->tls_name ? target->tls_name : target->host;
}

static bool S_is_address(const char *name)
{
    struct in6_addr bytes;
    return inet_pton(AF_INET, name, &bytes) == 1 || inet_pton(AF_INET6, name, &bytes) == 1;
}

/* The name is checked by OpenSSL as a part of the chain; an address has no SNI. */
static bool S_expect_name(SSL *ssl, const char *name)
{
    if (S_is_address(name))
        return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), name) == 1;
    SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    return SSL_set1_host(ssl, name) == 1 && SSL_set_tlsext_host_name(ssl, name) == 1;
}

static bool S_make_ssl(struct tls_wire *wire, struct err *err)
{
    ERR_clear_error();
    wire->ssl = SSL_new(wire->context);
    BIO *bio = wire->ssl ? BIO_new(S_bio_method()) : NULL;
    if (!bio || !S_expect_name(wire->ssl, S_name(wire->target))) {
        BIO_free(bio);
        return err_set(err, ERR_FAILED, "OpenSSL could not be set up: %s", S_reason());
    }
    BIO_set_data(bio, wire);
    BIO_set_init(bio, 1);
    SSL_set_bio(wire->ssl, bio, bio);
    return true;
}

/* ---- what went wrong ---- */

static bool S_tell_certificate(const struct tls_wire *wire, long verdict, struct err *err)
{
    const char *name = S_name(wire->target), *words = X509_verify_cert_error_string(verdict);
    char *where = redis_target_describe(wire->target);
    err_set(err, ERR_LOST, "the certificate of Redis at %s is not accepted: %s; nothing was sent",
            where, words);
    free(where);
    switch (verdict) {
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
        return err_hint(err,
                        "it is not made out to '%s': name the host as its certificate does, or "
                        "say which name it has with ?sni=NAME",
                        name);
    case X509_V_ERR_CERT_HAS_EXPIRED:
    case X509_V_ERR_CERT_NOT_YET_VALID:
        return err_hint(err, "have it renewed, and compare the clocks of both machines");
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
        return err_hint(err, "its CA is not known here: name the CA's certificate with "
                             "?cacert=FILE, or 'cacert' in the deck");
    default:
        return err_hint(err, "`openssl s_client -connect %s:%d -showcerts` shows it",
                        wire->target->host, wire->target->port);
    }
}

/* The alerts of a server and the surprises of a handshake, by OpenSSL's number for them. */
static const struct {
    int reason;
    const char *cause, *remedy;
} S_surprises[] = {
    {SSL_R_WRONG_VERSION_NUMBER, "it does not speak TLS on this port",
     "name its tls-port, or write redis:// if the way there is safe without"},
    {SSL_R_UNSUPPORTED_PROTOCOL, "it speaks no TLS 1.2 or later", "set tls-protocols there"},
    {SSL_R_TLSV1_ALERT_PROTOCOL_VERSION, "it speaks no TLS 1.2 or later",
     "set tls-protocols there"},
    {SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED, "it wants a certificate of ours",
     "name one with ?cert=FILE&key=FILE, or 'cert' and 'key' in the deck"},
    {SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE, "it refuses the handshake",
     "does it want a certificate of ours? ?cert=FILE&key=FILE; else compare tls-ciphers"},
    {SSL_R_TLSV1_ALERT_UNKNOWN_CA, "it does not know the CA of our certificate",
     "tls-ca-cert-file there must have the CA of the certificate that 'cert' names"},
    {SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED, "our certificate has expired", "have it renewed"},
    {SSL_R_SSLV3_ALERT_BAD_CERTIFICATE, "it does not accept our certificate",
     "tls-ca-cert-file there must have the CA of the certificate that 'cert' names"},
};

static bool S_tell_surprise(const struct tls_wire *wire, struct err *err)
{
    unsigned long code = ERR_peek_last_error();
    char *where = redis_target_describe(wire->target);
    const char *cause = S_reason(),
               *remedy = "tls-port and the tls-… settings of redis.conf decide";
    for (size_t i = 0; i < ARRAY_LEN(S_surprises); i++)
        if (code && ERR_GET_REASON(code) == S_surprises[i].reason) {
            cause = S_surprises[i].cause;
            remedy = S_surprises[i].remedy;
        }
    err_set(err, ERR_LOST, "no TLS connection to Redis at %s: %s", where, cause);
    free(where);
    return err_hint(err, "%s", remedy);
}

/* `result` of an SSL call that has failed; false with what there is to say of it. */
static bool S_tell(struct tls_wire *wire, struct err *err)
{
    long verdict = wire->open ? X509_V_OK : SSL_get_verify_result(wire->ssl);
    if (verdict != X509_V_OK)
        return S_tell_certificate(wire, verdict, err);
    if (ERR_peek_last_error())
        return S_tell_surprise(wire, err);
    if (wire->lost.kind != ERR_NONE)
        *err = wire->lost;
    else
        err_set(err, ERR_LOST, "Redis closed the connection");
    if (!wire->open) {
        err_context(err, "no TLS connection");
        err_hint(err, "does this port speak TLS? tls-port of redis.conf is the one that does");
    }
    return false;
}

/* ---- opening ---- */

static void S_shake(struct tls_wire *wire)
{
    struct err err = {0};
    ERR_clear_error();
    int done = SSL_connect(wire->ssl);
    int wants = done == 1 ? SSL_ERROR_NONE : SSL_get_error(wire->ssl, done);
    if (wants == SSL_ERROR_WANT_READ || wants == SSL_ERROR_WANT_WRITE) {
        wire_want_write(wire->inner, wants == SSL_ERROR_WANT_WRITE);
        return;
    }
    if (done != 1)
        S_tell(wire, &err);
    loop_cancel(wire->patience);
    wire->patience = NULL;
    wire->open = done == 1;
    wire->owner.opened(wire->owner.ctx, wire->open ? NULL : &err);
}

static void S_shook_too_long(void *arg)
{
    struct tls_wire *wire = arg;
    struct err err = {0};
    wire->patience = NULL;
    char *where = redis_target_describe(wire->target);
    err_set(&err, ERR_LOST, "no TLS connection to Redis at %s: it has not answered our hello",
            where);
    err_hint(&err, "does this port speak TLS? tls-port of redis.conf is the one that does");
    free(where);
    wire->owner.opened(wire->owner.ctx, &err);
}

static void S_on_inner_open(void *arg, const struct err *err)
{
    struct tls_wire *wire = arg;
    struct err failure = {0};
    if (err || !S_make_ssl(wire, &failure))
        wire->owner.opened(wire->owner.ctx, err ? err : &failure);
    else {
        wire->patience = loop_after(wire->loop, SHAKE_MS, S_shook_too_long, wire);
        S_shake(wire);
    }
}

static void S_on_inner_ready(void *arg)
{
    struct tls_wire *wire = arg;
    if (wire->open)
        wire->owner.ready(wire->owner.ctx);
    else
        S_shake(wire);
}

static void S_tell_failure(void *arg)
{
    struct tls_wire *wire = arg;
    wire->failing = NULL;
    wire->owner.opened(wire->owner.ctx, &wire->failure);
}

/* ---- as a wire ---- */

static void S_close(struct wire *base)
{
    struct tls_wire *wire = S_self(base);
    loop_cancel(wire->failing);
    loop_cancel(wire->patience);
    SSL_free(wire->ssl); /* no farewell: Redis needs none, and it could not be waited for */
    SSL_CTX_free(wire->context);
    wire_close(wire->inner);
    free(wire);
}

static void S_want_write(struct wire *base, bool wanted)
{
    wire_want_write(S_self(base)->inner, wanted);
}

/* 0: nothing at the moment; -1: it is gone, and err says why. */
static ssize_t S_stopped(struct tls_wire *wire, int result, struct err *err)
{
    int wants = SSL_get_error(wire->ssl, result);
    if (wants == SSL_ERROR_WANT_READ || wants == SSL_ERROR_WANT_WRITE)
        return 0;
    S_tell(wire, err);
    return -1;
}

/* Whole records only: what OpenSSL kept for itself, no poll() would tell of. */
static ssize_t S_read(struct wire *base, void *bytes, size_t size, struct err *err)
{
    struct tls_wire *wire = S_self(base);
    size_t moved = 0;
    while (size - moved >= SSL3_RT_MAX_PLAIN_LENGTH) {
        ERR_clear_error();
        int got = SSL_read(wire->ssl, (char *)bytes + moved, SSL3_RT_MAX_PLAIN_LENGTH);
        if (got <= 0 && moved)
            break;
        if (got <= 0)
            return S_stopped(wire, got, err);
        moved += (size_t)got;
    }
    return (ssize_t)moved;
}

static ssize_t S_write(struct wire *base, const void *bytes, size_t size, struct err *err)
{
    struct tls_wire *wire = S_self(base);
    ERR_clear_error();
    int moved = SSL_write(wire->ssl, bytes, size > INT32_MAX ? INT32_MAX : (int)size);
    return moved > 0 ? moved : S_stopped(wire, moved, err);
}

static const struct wire_kind S_tls = {
    .close = S_close, .want_write = S_want_write, .read = S_read, .write = S_write};

struct wire *wire_tls_open(struct loop *loop, const struct redis_target *target,
                           const struct wire_owner *owner)
{
    struct tls_wire *wire = mem_new(sizeof(*wire));
    *wire = (struct tls_wire){.wire.kind = &S_tls, .loop = loop, .target = target, .owner = *owner};
    struct wire_owner us = {.opened = S_on_inner_open, .ready = S_on_inner_ready, .ctx = wire};
    if (S_make_context(wire, &wire->failure))
        wire->inner = wire_socket_open(loop, target, &us);
    else
        wire->failing = loop_after(loop, 0, S_tell_failure, wire);
    return &wire->wire;
}
