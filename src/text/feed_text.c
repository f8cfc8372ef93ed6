#include "text/feed_text.h"

#include "text/go/fixed.h"
#include "text/utf8.h"

static bool is_space(uint32_t r)
{
    return r == ' ' || (r >= '\t' && r <= '\r') || r == 0x85 || r == 0xa0 || r == 0x1680 ||
           (r >= 0x2000 && r <= 0x200a) || r == 0x2028 || r == 0x2029 || r == 0x202f || r == 0x205f || r == 0x3000;
}

kd_str kd_feed_trim(kd_str s)
{
    uint32_t rune;
    for (size_t n; s.n && (n = kd_utf8_decode(s.p, s.n, &rune)) && is_space(rune);)
        s = kd_str_from(s, n);
    while (s.n) {
        size_t n = 1;
        while (n < 4 && n < s.n && ((uint8_t)s.p[s.n - n] & 0xc0) == 0x80)
            n++;
        if (kd_utf8_decode(s.p + s.n - n, n, &rune) != n || !is_space(rune))
            break;
        s.n -= n;
    }
    return s;
}

/* ---- entities ---------------------------------------------------------------------------------------------------- */

typedef struct entity {
    char name[32];
    uint32_t first, second; /* runes; second is 0 where there is one */
} entity;

static const entity entities[] = {
#include "text/html_entities.inc"
};

/* The longest name that needs no ';'. */
#define LONGEST_BARE 6

static const entity *find_entity(kd_str name)
{
    size_t low = 0, high = KD_COUNT(entities);
    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = kd_str_cmp(name, kd_str_from_c(entities[middle].name));
        if (order == 0)
            return &entities[middle];
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

static void put_rune(kd_buf *out, uint32_t rune)
{
    char *to = kd_buf_room(out, 4);
    if (to)
        out->n += kd_utf8_encode(to, rune);
}

static void put_entity(kd_buf *out, const entity *e)
{
    put_rune(out, e->first);
    if (e->second)
        put_rune(out, e->second);
}

/* What HTML takes the numbers 0x80 to 0x9f for: Windows-1252. */
static const uint16_t c1[32] = {0x20ac, 0x81,   0x201a, 0x192,  0x201e, 0x2026, 0x2020, 0x2021, 0x2c6,  0x2030, 0x160,
                                0x2039, 0x152,  0x8d,   0x17d,  0x8f,   0x90,   0x2018, 0x2019, 0x201c, 0x201d, 0x2022,
                                0x2013, 0x2014, 0x2dc,  0x2122, 0x161,  0x203a, 0x153,  0x9d,   0x17e,  0x178};

/* "&#…" at s: how many bytes it takes; 0 where it is none. */
static size_t put_number(kd_buf *out, kd_str s)
{
    if (s.n <= 3)
        return 0;
    bool hex = s.p[2] == 'x' || s.p[2] == 'X';
    size_t i = 2 + hex;
    uint32_t x = 0;
    for (; i < s.n; i++) {
        uint32_t c = kd_lower((uint8_t)s.p[i]);
        if (c >= '0' && c <= '9')
            x = x * (hex ? 16 : 10) + c - '0';
        else if (hex && c >= 'a' && c <= 'f')
            x = x * 16 + c - 'a' + 10;
        else
            break;
    }
    if (i < s.n && s.p[i] == ';')
        i++;
    if (i <= 3)
        return 0;
    if (x >= 0x80 && x <= 0x9f)
        x = c1[x - 0x80];
    else if (x == 0 || x > 0x10ffff || (x >= 0xd800 && x < 0xe000))
        x = KD_RUNE_BAD;
    put_rune(out, x);
    return i;
}

/* "&name…" at s: as above. */
static size_t put_named(kd_buf *out, kd_str s, bool attribute)
{
    size_t i = 1;
    while (i < s.n && ((uint8_t)(kd_lower((uint8_t)s.p[i]) - 'a') < 26 || (uint8_t)(s.p[i] - '0') < 10))
        i++;
    if (i < s.n && s.p[i] == ';')
        i++;
    kd_str name = {s.p + 1, i - 1};
    if (!name.n || (attribute && name.p[name.n - 1] != ';' && i < s.n && s.p[i] == '='))
        return 0;
    const entity *e = find_entity(name);
    for (size_t n = name.n - 1 < LONGEST_BARE ? name.n - 1 : LONGEST_BARE; !e && !attribute && n > 1; n--)
        if ((e = find_entity(kd_str_head(name, n))))
            i = n + 1;
    if (!e)
        return 0;
    put_entity(out, e);
    return i;
}

static void unescape(kd_buf *out, kd_str s, bool attribute)
{
    while (s.n) {
        ptrdiff_t at = kd_str_find(s, '&');
        kd_buf_add(out, at < 0 ? s : kd_str_head(s, (size_t)at));
        if (at < 0)
            return;
        s = kd_str_from(s, (size_t)at);
        size_t n = s.n > 1 && s.p[1] == '#' ? put_number(out, s) : put_named(out, s, attribute);
        if (!n) {
            kd_buf_byte(out, '&');
            n = 1;
        }
        s = kd_str_from(s, n);
    }
}

/* Room for what a text may grow to: an entity of five bytes gives at most six. */
static kd_buf room_for(kd_arena *arena, kd_str s)
{
    return kd_buf_in_arena(arena, s.n + s.n / 4 + 16);
}

kd_str kd_feed_unescape(kd_arena *arena, kd_str s, bool attribute)
{
    if (kd_str_find(s, '&') < 0)
        return s;
    kd_buf out = room_for(arena, s);
    if (!out.failed)
        unescape(&out, s, attribute);
    return kd_buf_whole(&out);
}

static void decode(kd_buf *out, kd_str s)
{
    while (s.n) {
        ptrdiff_t at = kd_str_find(s, '&'), end;
        kd_buf_add(out, at < 0 ? s : kd_str_head(s, (size_t)at));
        if (at < 0)
            return;
        s = kd_str_from(s, (size_t)at);
        end = kd_str_find(s, ';');
        if (s.n == 1 || end < 0 || kd_str_find(kd_str_head(s, (size_t)end), ' ') >= 0) {
            kd_buf_add(out, s);
            return;
        }
        unescape(out, kd_str_head(s, (size_t)end + 1), false);
        s = kd_str_from(s, (size_t)end + 1);
    }
}

kd_str kd_feed_entities(kd_arena *arena, kd_str s)
{
    if (kd_str_find(s, '&') < 0)
        return s;
    kd_buf out = room_for(arena, s);
    if (!out.failed)
        decode(&out, s);
    return kd_buf_whole(&out);
}

/* ---- CDATA ------------------------------------------------------------------------------------------------------- */

bool kd_feed_has_cdata(kd_str s)
{
    return kd_str_search(s, KD_STR("<![CDATA[")) >= 0;
}

kd_str kd_feed_plain(kd_arena *arena, kd_str s)
{
    if (!kd_feed_has_cdata(s))
        return kd_feed_entities(arena, s);
    kd_buf out = room_for(arena, s);
    for (size_t at = 0; at < s.n && !out.failed;) {
        kd_str rest = kd_str_from(s, at);
        ptrdiff_t start = kd_str_search(rest, KD_STR("<![CDATA["));
        ptrdiff_t end = start < 0 ? -1 : kd_str_search(kd_str_from(rest, (size_t)start), KD_STR("]]>"));
        if (end < 0) {
            decode(&out, rest);
            break;
        }
        end += start;
        kd_buf_add(&out, kd_str_from(kd_str_head(rest, (size_t)end), (size_t)start + 9));
        /* gofeed adds where it stood to where the section ended, counted from the text's beginning. */
        at += at + (size_t)end + 3;
    }
    return kd_buf_whole(&out);
}

/* ---- base64 ------------------------------------------------------------------------------------------------------ */

static int base64_digit(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

bool kd_feed_base64(kd_arena *arena, kd_str s, kd_str *out)
{
    char *to = kd_arena_alloc(arena, s.n + 1), *at = to;
    uint32_t bits = 0;
    unsigned n = 0, padding = 0;
    *out = (kd_str){NULL, 0};
    for (size_t i = 0; to && i < s.n; i++) {
        char c = s.p[i];
        int digit = base64_digit(c);
        if (c == '\r' || c == '\n')
            continue;
        if (c == '=' ? n % 4 < 2 : digit < 0 || padding)
            return false;
        padding += c == '=';
        bits = bits << 6 | (digit < 0 ? 0 : (uint32_t)digit);
        if (++n % 4 == 0) {
            *at++ = (char)(bits >> 16);
            *at++ = (char)(bits >> 8);
            *at++ = (char)bits;
        }
        if (padding && n % 4 == 0) {
            at -= padding;
            n = 0;
        }
    }
    if (!to)
        return true;
    if (n % 4)
        return false;
    *out = (kd_str){to, (size_t)(at - to)};
    return true;
}

/* ---- persons ----------------------------------------------------------------------------------------------------- */

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\f' || c == '\r';
}

static bool mail_and_name(kd_str s, kd_str *name, kd_str *mail)
{
    ptrdiff_t at = kd_str_find(s, '@');
    if (at < 1 || s.p[s.n - 1] != ')')
        return false;
    size_t end = (size_t)at + 1;
    while (end < s.n && !is_blank(s.p[end]))
        end++;
    size_t open = end;
    while (open < s.n && is_blank(s.p[open]))
        open++;
    if (end == (size_t)at + 1 || open == end || open == s.n || s.p[open] != '(' || open + 2 > s.n - 1)
        return false;
    *mail = kd_str_head(s, end);
    *name = kd_str_from(kd_str_head(s, s.n - 1), open + 1);
    return kd_str_find(*name, '@') < 0;
}

static bool name_and_mail(kd_str s, kd_str *name, kd_str *mail)
{
    ptrdiff_t at = kd_str_find(s, '@');
    if (at < 1 || (size_t)at + 2 >= s.n || kd_str_find(kd_str_from(s, (size_t)at), ')') != (ptrdiff_t)s.n - 1 - at)
        return false;
    for (size_t open = (size_t)at - 1; open-- > 2;) {
        if (s.p[open] != '(' || !is_blank(s.p[open - 1]))
            continue;
        *name = kd_str_head(s, open - 1);
        *mail = kd_str_from(kd_str_head(s, s.n - 1), open + 1);
        return true;
    }
    return false;
}

void kd_feed_person(kd_str s, kd_str *name, kd_str *mail)
{
    *name = *mail = KD_STR("");
    if (mail_and_name(s, name, mail) || name_and_mail(s, name, mail))
        return;
    *name = *mail = KD_STR("");
    ptrdiff_t at = kd_str_find(s, '@');
    if (kd_str_find(s, '(') >= 0 || kd_str_find(s, ')') >= 0)
        return;
    if (at < 0)
        *name = s;
    else if (at > 0 && (size_t)at + 1 < s.n && kd_str_rfind(s, '@') == at)
        *mail = s;
}

/* ---- dates ------------------------------------------------------------------------------------------------------- */

static const struct {
    kd_str layout;
    bool named; /* of the second kind: the whole text is read again where the zone is known, and that is UTC alone */
} layouts[] = {
#include "text/feed_dates.inc"
};

bool kd_feed_date(kd_str s, kd_go_time *out)
{
    kd_str date = kd_feed_trim(s);
    if (!date.n)
        return false;
    for (size_t i = 0; i < KD_COUNT(layouts); i++)
        if (kd_go_time_parse(layouts[i].layout, date, out) && (!layouts[i].named || !out->utc || date.n == s.n))
            return true;
    return false;
}
