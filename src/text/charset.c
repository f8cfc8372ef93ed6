/* Character sets by the labels of the WHATWG's encoding standard, converted by the C library. */
#include "text/utf8.h"
#include "text/xml_token.h"

#include <errno.h>
#include <iconv.h>

typedef struct label {
    const char *name, *iconv;
} label;

static const label labels[] = {
#include "text/charset_labels.inc"
};

static const char *find(kd_str name)
{
    char lower[40];
    if (name.n >= sizeof(lower))
        return NULL;
    for (size_t i = 0; i < name.n; i++)
        lower[i] = (char)kd_lower((uint8_t)name.p[i]);
    lower[name.n] = '\0';
    size_t low = 0, high = KD_COUNT(labels);
    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = strcmp(lower, labels[middle].name);
        if (order == 0)
            return labels[middle].iconv;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

/* An upper bound of what a text takes in UTF-8: a byte above ASCII gives at most three, but where two bytes of ASCII
 * may be one character, every byte may count double. */
static size_t bound(kd_str text, bool pairs)
{
    size_t high = 0;
    for (size_t i = 0; i < text.n; i++)
        high += (uint8_t)text.p[i] >= 0x80 || text.p[i] == 0x1b;
    return pairs ? 2 * text.n + 2 * high + 8 : text.n + 2 * high + 8;
}

/* The windows sets give C1 control characters for the bytes from 0x80 on that they leave open; so says the WHATWG. */
static size_t put_unknown(char *to, const char *name, uint8_t c)
{
    bool windows = name[0] == 'C' && name[1] == 'P' && (name[2] == '1' || strcmp(name, "CP874") == 0);
    return kd_utf8_encode(to, windows && c >= 0x80 && c < 0xa0 ? c : KD_RUNE_BAD);
}

static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

kd_charset_result kd_charset_to_utf8(kd_arena *arena, kd_str name, kd_str text, kd_str *out)
{
    while (name.n && is_blank(name.p[0]))
        name = kd_str_from(name, 1);
    while (name.n && is_blank(name.p[name.n - 1]))
        name.n--;
    const char *from = find(name);
    iconv_t cd = from ? iconv_open("UTF-8", from) : (iconv_t)-1;
    if (cd == (iconv_t)-1)
        return KD_CHARSET_UNKNOWN;
    bool wide = strncmp(from, "UTF-16", 6) == 0;
    size_t room = bound(text, wide || strncmp(from, "ISO-2022", 8) == 0);
    char *to = kd_arena_alloc(arena, room), *at = to;
    char *in = (char *)text.p;
    size_t left = text.n;
    while (to && left && iconv(cd, &in, &left, &at, &room) == (size_t)-1) {
        if (errno == E2BIG || room < 4)
            break;
        size_t n = put_unknown(at, from, (uint8_t)*in);
        size_t skipped = wide && left > 1 ? 2 : 1;
        at += n;
        room -= n;
        in += skipped;
        left -= skipped;
    }
    iconv_close(cd);
    if (!to)
        return KD_CHARSET_NO_MEMORY;
    *out = (kd_str){to, (size_t)(at - to)};
    return KD_CHARSET_OK;
}
