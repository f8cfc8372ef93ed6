#include "http/scan_field.h"

#define C KD_SCAN_CONTROL
#define R KD_SCAN_TARGET                                  /* in a target only */
#define T (KD_SCAN_TOKEN | KD_SCAN_TARGET)                /* # ^ and the like: not in a host */
#define H (KD_SCAN_HOST | KD_SCAN_TARGET)                 /* ( ) : ; = [ ]: not in a token */
#define A (KD_SCAN_TOKEN | KD_SCAN_HOST | KD_SCAN_TARGET) /* letters, digits and what else stands in all three */

/* clang-format off */
const uint8_t kd_scan_class[256] = {
    C, C, C, C, C, C, C, C, C, 0, C, C, C, C, C, C, /* 0x00 */
    C, C, C, C, C, C, C, C, C, C, C, C, C, C, C, C, /* 0x10 */
    0, A, R, T, A, A, A, A, H, H, A, A, R, A, A, R, /* 0x20 */
    A, A, A, A, A, A, A, A, A, A, H, H, R, H, R, R, /* 0x30 */
    R, A, A, A, A, A, A, A, A, A, A, A, A, A, A, A, /* 0x40 */
    A, A, A, A, A, A, A, A, A, A, A, H, R, H, T, A, /* 0x50 */
    T, A, A, A, A, A, A, A, A, A, A, A, A, A, A, A, /* 0x60 */
    A, A, A, A, A, A, A, A, A, A, A, R, T, R, A, C, /* 0x70 */
    R, R, R, R, R, R, R, R, R, R, R, R, R, R, R, R, /* 0x80 */
    R, R, R, R, R, R, R, R, R, R, R, R, R, R, R, R, /* 0x90 */
    R, R, R, R, R, R, R, R, R, R, R, R, R, R, R, R, /* 0xa0 */
    R, R, R, R, R, R, R, R, R, R, R, R, R, R, R, R, /* 0xb0 */
    R, R, R, R, R, R, R, R, R, R, R, R, R, R, R, R, /* 0xc0 */
    R, R, R, R, R, R, R, R, R, R, R, R, R, R, R, R, /* 0xd0 */
    R, R, R, R, R, R, R, R, R, R, R, R, R, R, R, R, /* 0xe0 */
    R, R, R, R, R, R, R, R, R, R, R, R, R, R, R, R, /* 0xf0 */
};
/* clang-format on */

#undef C
#undef R
#undef T
#undef H
#undef A

bool kd_scan_has_end(const char *p, const char *end)
{
    while (p < end && (p = memchr(p, '\n', (size_t)(end - p)))) {
        p++;
        if (p < end && (*p == '\n' || (*p == '\r' && p + 1 < end && p[1] == '\n')))
            return true;
    }
    return false;
}

/* Can the complete line p..lf be part of a good head? True only when the scanner would go on behind it; false costs a
 * scan of the head. */
static bool is_harmless(const char *p, const char *lf, bool tolerant)
{
    const char *end = lf;
    if (end > p && end[-1] == '\r')
        end--;
    else if (!tolerant)
        return false;
    const char *at = p;
    if (tolerant && p < end && kd_scan_is_space(*p)) {
        /* A folded line has no name. */
    } else {
        while (at < end && (*at == ' ' || kd_scan_is(*at, KD_SCAN_TOKEN)))
            at++;
        if (at == p || at == end || *at != ':' || *p == ' ' || at - p > UINT16_MAX)
            return false;
    }
    for (; at < end; at++)
        if (kd_scan_is(*at, KD_SCAN_CONTROL))
            return false;
    return true;
}

kd_scan_news kd_scan_look(const char *buf, size_t n, size_t seen, bool tolerant)
{
    const char *end = buf + n;
    const char *lf = seen < n ? memchr(buf + seen, '\n', n - seen) : NULL;
    if (!lf)
        return KD_SCAN_NEWS_NONE;
    /* An end may have begun with up to two bytes of the former call. */
    if (kd_scan_has_end(buf + (seen > 2 ? seen - 2 : 0), end))
        return KD_SCAN_NEWS_SCAN;
    const char *before = memrchr(buf, '\n', seen);
    if (!before)
        return KD_SCAN_NEWS_SCAN; /* the first line is complete: request or status line */
    const char *first_field = (const char *)memchr(buf, '\n', n) + 1;
    for (const char *line = before + 1; lf; line = lf + 1, lf = memchr(line, '\n', (size_t)(end - line)))
        if (!is_harmless(line, lf, tolerant && line != first_field))
            return KD_SCAN_NEWS_SCAN;
    return KD_SCAN_NEWS_NONE;
}

void kd_scan_connection(kd_str value, bool *close, bool *keep)
{
    static const kd_str word_close = KD_STR_INIT("close"), word_keep = KD_STR_INIT("keep-alive");
    kd_str item;
    if (KD_LIKELY(kd_str_eq(value, word_keep))) {
        *keep = true;
        return;
    }
    while (kd_str_split(&value, ',', &item)) {
        item = kd_str_trim(item);
        *close |= kd_str_eq_ci(item, word_close);
        *keep |= kd_str_eq_ci(item, word_keep);
    }
}

bool kd_scan_has_word(kd_str value, kd_str word)
{
    for (size_t i = 0; i < value.n;) {
        size_t from = i;
        while (i < value.n && value.p[i] != ',' && !kd_scan_is_space(value.p[i]))
            i++;
        if (kd_str_eq_ci((kd_str){value.p + from, i - from}, word))
            return true;
        i++;
    }
    return false;
}

bool kd_scan_trailer_bad(kd_str value, kd_token *key)
{
    static const kd_token bad[] = {KD_HEADER_TRANSFER_ENCODING, KD_HEADER_TRAILER, KD_HEADER_CONTENT_LENGTH};
    kd_str item;
    while (kd_str_split(&value, ',', &item))
        for (size_t i = 0; i < KD_COUNT(bad); i++)
            if (kd_str_eq_ci(kd_str_trim(item), kd_token_name(bad[i]))) {
                *key = bad[i];
                return true;
            }
    return false;
}

bool kd_scan_length(kd_str value, uint64_t *length)
{
    return kd_str_to_u64(value, INT64_MAX, length);
}
