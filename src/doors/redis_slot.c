/*
 * redis_slot: the slot of a key in a cluster: CRC16/XMODEM of its tag, or of the whole key; and a
 * command with many keys, cut by slot, since a cluster takes no other.
 */
#include "redis_parts.h"

#include <stdlib.h>
#include <string.h>

enum { POLYNOMIAL = 0x1021 };

static uint16_t S_crc16(const char *bytes, size_t len)
{
    uint16_t crc = 0;
    for (size_t i = 0; i < len; i++) {
        crc ^= (uint16_t)((unsigned char)bytes[i] << 8);
        for (int bit = 0; bit < 8; bit++)
            crc = (uint16_t)(crc & 0x8000 ? crc << 1 ^ POLYNOMIAL : crc << 1);
    }
    return crc;
}

/* "{tag}": from the first '{' to the first '}' after it, unless nothing stands between. */
unsigned redis_slot(const char *key, size_t len)
{
    const char *open = memchr(key, '{', len);
    const char *close = open ? memchr(open, '}', len - (size_t)(open - key)) : NULL;
    if (close && close > open + 1) {
        key = open + 1;
        len = (size_t)(close - key);
    }
    return S_crc16(key, len) % REDIS_SLOTS;
}

/* ---- many keys ---- */

struct placed { /* a key, by its number */
    unsigned slot;
    size_t key;
};

static int S_compare(const void *a, const void *b)
{
    const struct placed *left = a, *right = b;
    if (left->slot != right->slot)
        return left->slot < right->slot ? -1 : 1;
    return left->key < right->key ? -1 : left->key > right->key;
}

/* In a single server everything lives in one place. */
static struct placed *S_place(const struct redis *redis, size_t count, const char *const *keys,
                              const size_t *lengths)
{
    struct placed *placed = mem_array(count, sizeof(*placed));
    bool cluster = redis_is_cluster(redis);
    for (size_t i = 0; i < count; i++) {
        size_t len = lengths ? lengths[i] : strlen(keys[i]);
        placed[i] = (struct placed){cluster ? redis_slot(keys[i], len) : 0, i};
    }
    if (cluster)
        qsort(placed, count, sizeof(*placed), S_compare);
    return placed;
}

size_t redis_send_keys(struct redis *redis, const char *command, size_t count,
                       const char *const *keys, const size_t *lengths, redis_done_fn *done,
                       void *ctx)
{
    size_t sent = 0;
    if (!count)
        return 0;
    struct placed *placed = S_place(redis, count, keys, lengths);
    const char **argv = mem_array(count + 1, sizeof(*argv));
    size_t *sizes = mem_array(count + 1, sizeof(*sizes));
    argv[0] = command;
    sizes[0] = strlen(command);
    for (size_t first = 0, end; first < count; first = end, sent++) {
        for (end = first; end < count && placed[end].slot == placed[first].slot; end++) {
            const char *key = keys[placed[end].key];
            argv[1 + end - first] = key;
            sizes[1 + end - first] = lengths ? lengths[placed[end].key] : strlen(key);
        }
        redis_send(redis, (int)(end - first) + 1, argv, sizes, done, ctx);
    }
    free(placed);
    free(argv);
    free(sizes);
    return sent;
}
