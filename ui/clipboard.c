/* clipboard: see clipboard.h. */
#include "clipboard.h"

#include "screen.h"

static void S_add_base64(struct buf *out, const unsigned char *bytes, size_t length)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < length; i += 3) {
        unsigned group = (unsigned)bytes[i] << 16;
        group |= i + 1 < length ? (unsigned)bytes[i + 1] << 8 : 0;
        group |= i + 2 < length ? (unsigned)bytes[i + 2] : 0;
        buf_add_char(out, digits[group >> 18]);
        buf_add_char(out, digits[group >> 12 & 63]);
        buf_add_char(out, i + 1 < length ? digits[group >> 6 & 63] : '=');
        buf_add_char(out, i + 2 < length ? digits[group & 63] : '=');
    }
}

bool clipboard_put(const char *text, size_t length, struct err *err)
{
    struct buf sequence = {0};
    if (!length)
        return err_set(err, ERR_FAILED, "there is no text in it");
    if (length > CLIPBOARD_MOST)
        return err_set(err, ERR_FAILED,
                       "%zu bytes are more than the %d that are sent to a clipboard", length,
                       CLIPBOARD_MOST);
    buf_add(&sequence, "\033]52;c;");
    S_add_base64(&sequence, (const unsigned char *)text, length);
    buf_add(&sequence, "\033\\");
    bool sent = screen_send(buf_text(&sequence));
    buf_release(&sequence);
    return sent || err_set(err, ERR_FAILED, "this terminal is not of a type that has a clipboard");
}
