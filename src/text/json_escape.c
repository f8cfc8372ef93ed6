#include "text/json_escape.h"

#include "text/json.h"
#include "text/utf8.h"

#define BLOCK 1024 /* strings are escaped in blocks, so that the room asked for is not far beyond what is needed */

char *kd_json_escape_special(char *to, const char **at, const char *end)
{
    static const char hex[] = "0123456789abcdef";
    const char *s = (*at)++;
    uint8_t c = (uint8_t)*s;
    if (c == 0xe2) {
        if (end - s > 2 && (uint8_t)s[1] == 0x80 && ((uint8_t)s[2] & 0xfe) == 0xa8) {
            memcpy(to, "\\u2028", 6);
            to[5] = (char)('8' + ((uint8_t)s[2] & 1));
            *at = s + 3;
            return to + 6;
        }
        *to = (char)c;
        return to + 1;
    }
    const char *letter = c < 0x20 ? strchr("\bb\ff\nn\rr\tt", c) : NULL;
    if (c == '"' || c == '\\' || (letter && c)) {
        to[0] = '\\';
        to[1] = c < 0x20 ? letter[1] : (char)c;
        return to + 2;
    }
    memcpy(to, "\\u00", 4);
    to[4] = hex[c >> 4];
    to[5] = hex[c & 15];
    return to + 6;
}

/* Appends the escaped text without ever asking for more room than it takes, and without looking behind it. */
static void put_text_exact(kd_buf *out, const char *s, const char *end)
{
    char block[48] = {0}, escaped[6 * 48 + KD_JSON_BEHIND];
    while (s < end && !out->failed) {
        size_t n = (size_t)(end - s) < 16 ? (size_t)(end - s) : 16,
               seen = (size_t)(end - s) < 18 ? (size_t)(end - s) : 18;
        memcpy(block, s, seen);
        const char *at = block;
        char *to = kd_json_escape(escaped, &at, block + n, block + seen);
        kd_buf_add(out, (kd_str){escaped, (size_t)(to - escaped)});
        s += at - block;
    }
}

/* Appends the escaped text; bytes behind it are not touched. */
static void put_text(kd_buf *out, const char *s, const char *end)
{
    while (end - s > 2 * KD_JSON_BEHIND) {
        /* All but the last bytes, so that looking 16 bytes ahead stays inside. */
        const char *stop = end - s > BLOCK ? s + BLOCK - KD_JSON_BEHIND : end - KD_JSON_BEHIND;
        size_t most = 6 * (size_t)(stop - s + 3) + KD_JSON_BEHIND;
        if (most > out->max - out->n)
            break;
        char *to = kd_buf_room(out, most);
        if (!to)
            return;
        out->n += (size_t)(kd_json_escape(to, &s, stop, end) - to);
    }
    put_text_exact(out, s, end);
}

/* The same for a text that may hold bytes which are not UTF-8. */
static void put_bytes(kd_buf *out, kd_str s)
{
    const char *at = s.p, *end = s.p + s.n, *from = at;
    while (at < end) {
        uint32_t rune;
        size_t n = (uint8_t)*at < 0x80 ? 1 : kd_utf8_decode(at, (size_t)(end - at), &rune);
        if (n == 1 && (uint8_t)*at >= 0x80) {
            put_text(out, from, at);
            kd_buf_add(out, KD_STR("\\ufffd"));
            from = at + 1;
        }
        at += n;
    }
    put_text(out, from, end);
}

void kd_json_emit_string(kd_buf *out, kd_str s, kd_origin origin)
{
    kd_buf_byte(out, '"');
    if (s.n && origin == KD_ORIGIN_BYTES)
        put_bytes(out, s);
    else if (s.n)
        put_text(out, s.p, s.p + s.n);
    kd_buf_byte(out, '"');
}
