/* Texts and attribute values of XML, as encoding/xml reads them. */
#include "text/xml_text.h"

#include "text/utf8.h"

#include <stdio.h>

/* A text that is being read. What was read lies at start..to, what is still to be moved there at span..p. */
typedef struct reading {
    char *start, *to, *span;
    bool references; /* there are some, in a text that is left as it is written */
} reading;

static void move(kd_xml_scan *s, reading *r, char *until)
{
    size_t n = (size_t)(until - r->span);
    if (r->to != r->span && n)
        memmove(r->to, r->span, n);
    r->to += n;
}

/* ---- references -------------------------------------------------------------------------------------------------- */

/* What "#65" or "#x41", digits as they stand, is: false where it is no rune. */
static bool rune_of(kd_str digits, unsigned base, uint32_t *rune)
{
    uint64_t v = 0;
    for (size_t i = 0; i < digits.n; i++) {
        unsigned c = kd_lower((uint8_t)digits.p[i]);
        v = v * base + (c <= '9' ? c - '0' : c - 'a' + 10);
        if (v > 0x10ffff)
            return false;
    }
    *rune = v >= 0xd800 && v < 0xe000 ? KD_RUNE_BAD : (uint32_t)v;
    return digits.n > 0;
}

static bool named(kd_str name, uint32_t *rune)
{
    static const struct {
        kd_str name;
        char rune;
    } five[] = {{KD_STR_INIT("lt"), '<'},
                {KD_STR_INIT("gt"), '>'},
                {KD_STR_INIT("amp"), '&'},
                {KD_STR_INIT("apos"), '\''},
                {KD_STR_INIT("quot"), '"'}};
    for (size_t i = 0; i < KD_COUNT(five); i++)
        if (kd_str_eq(name, five[i].name)) {
            *rune = (uint8_t)five[i].rune;
            return true;
        }
    return false;
}

static bool is_digit(char c, bool hex)
{
    return (uint8_t)(c - '0') < 10 || (hex && (uint8_t)(kd_lower((uint8_t)c) - 'a') < 6);
}

typedef enum reference { KNOWN, UNKNOWN, CUT } reference;

/* Goes over a reference behind its '&'. CUT: the text ends in it. Of an unknown one *p is where it stops making sense.
 */
static reference read_reference(char **p, char *end, uint32_t *rune)
{
    bool number = *p < end && **p == '#', hex = number && end - *p > 1 && (*p)[1] == 'x';
    char *start = *p += number + hex;
    while (*p < end && (number ? is_digit(**p, hex) : kd_xml_byte_of_name((uint8_t) * *p)))
        ++*p;
    if (*p == end)
        return CUT;
    kd_str what = {start, (size_t)(*p - start)};
    if (**p != ';')
        return UNKNOWN;
    ++*p;
    return (number ? rune_of(what, hex ? 16 : 10, rune) : named(what, rune)) ? KNOWN : UNKNOWN;
}

static bool take_reference(kd_xml_scan *s, reading *r)
{
    char *amp = s->p++;
    uint32_t rune;
    reference what = read_reference(&s->p, s->end, &rune);
    bool known = what == KNOWN;
    if (what == CUT)
        return kd_xml_syntax_error(s, "unexpected EOF", KD_STR(""), "");
    if (!known && !s->lenient)
        return kd_xml_syntax_error(s, "invalid character entity ", (kd_str){amp, (size_t)(s->p - amp)},
                                   s->p[-1] == ';' && s->p > amp + 1 ? "" : " (no semicolon)");
    r->references = true;
    if (!s->raw) {
        char *end = s->p;
        s->p = amp;
        kd_xml_count_lines(s);
        move(s, r, known ? amp : end);
        if (known)
            r->to += kd_utf8_encode(r->to, rune);
        s->p = s->counted = end;
    }
    r->span = s->p;
    return true;
}

/* ---- runes ------------------------------------------------------------------------------------------------------- */

static bool allowed(uint32_t rune)
{
    return rune == '\t' || rune == '\n' || rune == '\r' || (rune >= 0x20 && rune <= 0xd7ff) ||
           (rune >= 0xe000 && rune <= 0xfffd) || rune >= 0x10000;
}

/* The rune at text.p[0], or that of the reference there. */
static size_t rune_at(kd_str text, bool references, uint32_t *rune)
{
    if (!references || text.p[0] != '&')
        return kd_utf8_decode(text.p, text.n, rune);
    char *p = (char *)text.p + 1;
    if (read_reference(&p, (char *)text.p + text.n, rune) == KNOWN)
        return (size_t)(p - text.p);
    *rune = '&';
    return 1;
}

static bool check_runes(kd_xml_scan *s, kd_str text, bool references)
{
    for (size_t i = 0; i < text.n;) {
        if ((uint8_t)text.p[i] - 0x20u < 0x5fu && (text.p[i] != '&' || !references)) {
            i++;
            continue;
        }
        uint32_t rune;
        size_t n = rune_at(kd_str_from(text, i), references, &rune);
        if (rune == KD_RUNE_BAD && n == 1)
            return kd_xml_syntax_error(s, "invalid UTF-8", KD_STR(""), "");
        if (!allowed(rune)) {
            char name[16];
            size_t length = (size_t)snprintf(name, sizeof(name), "U+%04X", rune);
            return kd_xml_syntax_error(s, "illegal character code ", (kd_str){name, length}, "");
        }
        i += n;
    }
    return true;
}

/* ---- texts ------------------------------------------------------------------------------------------------------- */

/* Bytes that need a look: < > & \r and both quotes. */
static bool is_special(uint8_t c)
{
    static const uint64_t set = 1ull << '<' | 1ull << '>' | 1ull << '&' | 1ull << '\r' | 1ull << '"' | 1ull << '\'';
    return c < 64 && (set >> c & 1);
}

static void take_return(kd_xml_scan *s, reading *r)
{
    bool pair = s->end - s->p > 1 && s->p[1] == '\n';
    if (!s->raw) {
        kd_xml_count_lines(s);
        move(s, r, s->p);
        *r->to++ = '\n';
        s->lines += pair;
    }
    s->p += 1 + pair;
    if (!s->raw)
        s->counted = s->p;
    r->span = s->p;
}

static bool finish(kd_xml_scan *s, reading *r, char *end, kd_str *out)
{
    if (s->raw) {
        *out = (kd_str){r->start, (size_t)(end - r->start)};
        return check_runes(s, *out, r->references);
    }
    if (r->to != r->span)
        kd_xml_count_lines(s);
    move(s, r, end);
    *out = (kd_str){r->start, (size_t)(r->to - r->start)};
    return check_runes(s, *out, false);
}

/* At a '>': does it end what "]]>" may end, or stand where it must not? */
static bool behind_brackets(const kd_xml_scan *s, const reading *r)
{
    return s->p - r->span >= 2 && s->p[-1] == ']' && s->p[-2] == ']';
}

bool kd_xml_read_text(kd_xml_scan *s, char quote, kd_str *out)
{
    reading r = {.start = s->p, .to = s->p, .span = s->p};
    bool cdata = quote == KD_XML_CDATA, plain = quote == KD_XML_PLAIN;
    for (;;) {
        while (s->p < s->end && !is_special((uint8_t)*s->p))
            s->p++;
        if (s->p == s->end) {
            if (cdata)
                return kd_xml_syntax_error(s, "unexpected EOF in CDATA section", KD_STR(""), "");
            return finish(s, &r, s->p, out);
        }
        char c = *s->p;
        if (c == '\r') {
            take_return(s, &r);
        } else if (c == '>' && (cdata || plain) && behind_brackets(s, &r)) {
            s->p++;
            return cdata ? finish(s, &r, s->p - 3, out)
                         : kd_xml_syntax_error(s, "unescaped ]]> not in CDATA section", KD_STR(""), "");
        } else if (c == '<' && plain) {
            return finish(s, &r, s->p, out);
        } else if (c == '<' && !cdata) {
            s->p++;
            return kd_xml_syntax_error(s, "unescaped < inside quoted string", KD_STR(""), "");
        } else if (c == quote && !plain) {
            char *end = s->p++;
            return finish(s, &r, end, out);
        } else if (c == '&' && !cdata) {
            if (!take_reference(s, &r))
                return false;
        } else {
            s->p++;
        }
    }
}
