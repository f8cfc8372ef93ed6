/* Character sets by the labels of the WHATWG's encoding standard: those of one byte from tables, the others by the C
 * library. */
#include "text/utf8.h"
#include "text/xml_token.h"

#include <errno.h>
#include <iconv.h>

typedef struct label {
    const char *name;
    const char *iconv; /* NULL: a set of one byte; empty: nothing of it is read */
    uint8_t bytes;
} label;

static const label labels[] = {
#include "text/charset_labels.inc"
};

static const uint16_t bytes[][128] = {
#include "text/charset_bytes.inc"
};

static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static const label *find(kd_str name)
{
    char lower[40];
    while (name.n && is_blank(name.p[0]))
        name = kd_str_from(name, 1);
    while (name.n && is_blank(name.p[name.n - 1]))
        name.n--;
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
            return &labels[middle];
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

static size_t from_bytes(char *to, kd_str text, const uint16_t *high)
{
    char *at = to;
    for (size_t i = 0; i < text.n; i++) {
        uint8_t c = (uint8_t)text.p[i];
        if (c < 0x80)
            *at++ = (char)c;
        else
            at += kd_utf8_encode(at, high[c - 0x80]);
    }
    return (size_t)(at - to);
}

static size_t from_utf8(char *to, kd_str text)
{
    char *at = to;
    for (size_t i = 0; i < text.n;) {
        uint32_t rune;
        i += kd_utf8_decode(text.p + i, text.n - i, &rune);
        at += kd_utf8_encode(at, rune);
    }
    return (size_t)(at - to);
}

static size_t from_iconv(iconv_t cd, char *to, size_t room, kd_str text, bool wide)
{
    char *in = (char *)text.p, *at = to;
    size_t left = text.n;
    while (left && iconv(cd, &in, &left, &at, &room) == (size_t)-1) {
        if (errno == E2BIG || room < 4)
            break;
        /* What cannot follow the first byte goes with it, unless it is ASCII. */
        bool lead = (uint8_t)*in > 0x80 && (uint8_t)*in<0xff, two = left> 1 && (wide || (lead && (in[1] & 0x80)));
        size_t n = kd_utf8_encode(at, KD_RUNE_BAD), skipped = two ? 2 : 1;
        at += n;
        room -= n;
        in += skipped;
        left -= skipped;
    }
    return (size_t)(at - to);
}

kd_charset_result kd_charset_to_utf8(kd_arena *arena, kd_str name, kd_str text, kd_str *out)
{
    const label *set = find(name);
    if (!set)
        return KD_CHARSET_UNKNOWN;
    bool none = set->iconv && !*set->iconv, utf8 = set->iconv && strcmp(set->iconv, "UTF-8") == 0;
    bool library = set->iconv && !none && !utf8, wide = library && strncmp(set->iconv, "UTF-16", 6) == 0;
    iconv_t cd = library ? iconv_open("UTF-8", set->iconv) : (iconv_t)-1;
    if (library && cd == (iconv_t)-1)
        return KD_CHARSET_UNKNOWN;
    size_t room = bound(text, wide || (library && strncmp(set->iconv, "ISO-2022", 8) == 0));
    char *to = kd_arena_alloc(arena, room);
    if (to && none)
        *out = (kd_str){to, text.n ? kd_utf8_encode(to, KD_RUNE_BAD) : 0};
    else if (to && library)
        *out = (kd_str){to, from_iconv(cd, to, room, text, wide)};
    else if (to)
        *out = (kd_str){to, utf8 ? from_utf8(to, text) : from_bytes(to, text, bytes[set->bytes])};
    if (library)
        iconv_close(cd);
    return to ? KD_CHARSET_OK : KD_CHARSET_NO_MEMORY;
}
