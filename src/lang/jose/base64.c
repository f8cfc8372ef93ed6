#include "lang/jose/base64.h"

#include "text/base64.h"

#define BAD   0xff
#define BREAK 0xfe /* skipped */
#define END   0xfd /* '=' */

#define LETTERS                                                                                                        \
    ['A'] = 0, ['B'] = 1, ['C'] = 2, ['D'] = 3, ['E'] = 4, ['F'] = 5, ['G'] = 6, ['H'] = 7, ['I'] = 8, ['J'] = 9,      \
    ['K'] = 10, ['L'] = 11, ['M'] = 12, ['N'] = 13, ['O'] = 14, ['P'] = 15, ['Q'] = 16, ['R'] = 17, ['S'] = 18,        \
    ['T'] = 19, ['U'] = 20, ['V'] = 21, ['W'] = 22, ['X'] = 23, ['Y'] = 24, ['Z'] = 25, ['a'] = 26, ['b'] = 27,        \
    ['c'] = 28, ['d'] = 29, ['e'] = 30, ['f'] = 31, ['g'] = 32, ['h'] = 33, ['i'] = 34, ['j'] = 35, ['k'] = 36,        \
    ['l'] = 37, ['m'] = 38, ['n'] = 39, ['o'] = 40, ['p'] = 41, ['q'] = 42, ['r'] = 43, ['s'] = 44, ['t'] = 45,        \
    ['u'] = 46, ['v'] = 47, ['w'] = 48, ['x'] = 49, ['y'] = 50, ['z'] = 51, ['0'] = 52, ['1'] = 53, ['2'] = 54,        \
    ['3'] = 55, ['4'] = 56, ['5'] = 57, ['6'] = 58, ['7'] = 59, ['8'] = 60, ['9'] = 61, ['\r'] = BREAK,                \
    ['\n'] = BREAK, ['='] = END

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Woverride-init"
#ifdef __clang__
#pragma GCC diagnostic ignored "-Winitializer-overrides"
#endif
static const uint8_t url_values[256] = {[0 ... 255] = BAD, LETTERS, ['-'] = 62, ['_'] = 63};
static const uint8_t standard_values[256] = {[0 ... 255] = BAD, LETTERS, ['+'] = 62, ['/'] = 63};
#pragma GCC diagnostic pop

typedef struct reader {
    const uint8_t *values;
    kd_str text;
    size_t at;
    char *to;
    bool padded;
} reader;

/* The next digit behind line breaks: its value, END, BAD, or -1 at the end of the text. `at` is behind it. */
static int next_digit(reader *r)
{
    while (r->at < r->text.n) {
        uint8_t v = r->values[(uint8_t)r->text.p[r->at++]];
        if (v != BREAK)
            return v;
    }
    return -1;
}

/* What follows the first '=' of a padded text: Go wants two digits before it, as many '=' as are missing, and nothing
 * but line breaks behind. */
static bool read_padding(reader *r, unsigned digits, size_t *bad)
{
    *bad = r->at - 1;
    if (digits < 2)
        return false;
    if (digits == 2) {
        int c = next_digit(r);
        if (c != END) {
            *bad = c == -1 ? r->text.n : r->at - 2; /* Go names the byte before the one that is wrong */
            return false;
        }
    }
    if (next_digit(r) == -1)
        return true;
    *bad = r->at - 1;
    return false;
}

/* One group of up to four digits. False: *bad. *done: the text is over. */
static bool read_group(reader *r, bool *done, bool *canonical, size_t *bad)
{
    uint32_t bits = 0;
    unsigned n = 0;
    bool ended = false;
    while (n < 4 && !ended) {
        int c = next_digit(r);
        if (c == -1) {
            /* Go counts the digits of a group that is not finished as read */
            *bad = r->at - n;
            if (n == 1 || (r->padded && n))
                return false;
            ended = true;
        } else if (c == END && r->padded) {
            if (!read_padding(r, n, bad))
                return false;
            ended = true;
        } else if (c >= 64) {
            *bad = r->at - 1;
            return false;
        } else {
            bits = bits << 6 | (uint32_t)c;
            n++;
        }
    }
    *done = ended;
    unsigned bytes = n * 6 / 8, spare = n * 6 - bytes * 8;
    if (bits & ((1u << spare) - 1))
        *canonical = false;
    for (unsigned i = 0; i < bytes; i++)
        *r->to++ = (char)(bits >> (n * 6 - 8 * (i + 1)));
    return true;
}

/* Groups of four plain digits, as nearly all of every text is. */
static void read_plain(reader *r)
{
    if (r->at == r->text.n) /* which may be no text at all */
        return;
    const uint8_t *p = (const uint8_t *)r->text.p + r->at, *end = (const uint8_t *)r->text.p + r->text.n;
    char *to = r->to;
    for (; end - p >= 4; p += 4, to += 3) {
        uint8_t a = r->values[p[0]], b = r->values[p[1]], c = r->values[p[2]], d = r->values[p[3]];
        if ((a | b | c | d) >= 64)
            break;
        /* the fourth byte is written over by what follows: there is room for it */
        uint32_t bits = (uint32_t)a << 26 | (uint32_t)b << 20 | (uint32_t)c << 14 | (uint32_t)d << 8;
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
        bits = __builtin_bswap32(bits);
#endif
        memcpy(to, &bits, sizeof bits);
    }
    r->at = (size_t)((const char *)p - r->text.p);
    r->to = to;
}

static bool decode(kd_arena *arena, const uint8_t *values, bool padded, kd_str text, kd_str *out, kd_jose_base64 *info)
{
    char *to = kd_arena_alloc(arena, text.n / 4 * 3 + 4); /* read_plain writes one byte more than it reads */
    bool done = false;
    *info = (kd_jose_base64){.canonical = true};
    *out = (kd_str){NULL, 0};
    if (!to)
        return true;
    reader r = {.values = values, .text = text, .to = to, .padded = padded};
    while (!done) {
        read_plain(&r);
        if (!read_group(&r, &done, &info->canonical, &info->bad))
            return false;
    }
    *out = kd_str_of(to, (size_t)(r.to - to));
    size_t digits = out->n / 3 * 4 + (out->n % 3 ? out->n % 3 + 1 : 0);
    if (digits != text.n)
        info->canonical = false;
    return true;
}

bool kd_jose_base64url(kd_arena *arena, kd_str text, kd_str *out, kd_jose_base64 *info)
{
    kd_str whole = text;
    while (text.n && text.p[text.n - 1] == '=')
        text.n--;
    bool good = decode(arena, url_values, false, text, out, info);
    info->canonical = info->canonical && text.n == whole.n;
    return good;
}

bool kd_jose_base64url_padded(kd_arena *arena, kd_str text, kd_str *out, kd_jose_base64 *info)
{
    return decode(arena, url_values, true, text, out, info);
}

bool kd_jose_base64_padded(kd_arena *arena, kd_str text, kd_str *out, kd_jose_base64 *info)
{
    return decode(arena, standard_values, true, text, out, info);
}

kd_str kd_jose_base64_error(kd_arena *arena, const kd_jose_base64 *info)
{
    kd_str text = kd_arena_printf(arena, "illegal base64 data at input byte %zu", info->bad);
    return text.p ? text : KD_STR("illegal base64 data");
}

kd_str kd_jose_base64url_write(kd_arena *arena, kd_str bytes)
{
    char *to = kd_arena_alloc(arena, KD_BASE64_ROOM(bytes.n) + 1);
    return to ? kd_str_of(to, kd_base64_write(to, bytes, KD_BASE64_URL)) : (kd_str){NULL, 0};
}
