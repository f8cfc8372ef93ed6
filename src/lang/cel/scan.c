#include "lang/cel/scan.h"

#include "base/vec.h"

#define REPLACEMENT "\xEF\xBF\xBD"

/* Bytes of the code point at p, 0 when it is none. */
static size_t code_point(const char *p, const char *end)
{
    const uint8_t *u = (const uint8_t *)p;
    size_t room = (size_t)(end - p);
    if (u[0] < 0x80)
        return 1;
    size_t n = u[0] < 0xC2 ? 0 : u[0] < 0xE0 ? 2 : u[0] < 0xF0 ? 3 : u[0] < 0xF5 ? 4 : 0;
    if (!n || n > room)
        return 0;
    for (size_t i = 1; i < n; i++) {
        if ((u[i] & 0xC0) != 0x80)
            return 0;
    }
    bool narrow = (u[0] == 0xE0 && u[1] < 0xA0) || (u[0] == 0xED && u[1] >= 0xA0) || (u[0] == 0xF0 && u[1] < 0x90) ||
                  (u[0] == 0xF4 && u[1] >= 0x90);
    return narrow ? 0 : n;
}

static bool repair(kd_arena *arena, kd_str *text)
{
    size_t broken = 0;
    const char *end = text->p + text->n;
    for (const char *p = text->p; p < end;) {
        size_t n = code_point(p, end);
        broken += n == 0;
        p += n ? n : 1;
    }
    char *to = kd_arena_alloc(arena, text->n + 2 * broken + 1);
    if (!to)
        return false;
    size_t at = 0;
    for (const char *p = text->p; p < end;) {
        size_t n = code_point(p, end);
        memcpy(to + at, n ? p : REPLACEMENT, n ? n : 3);
        at += n ? n : 3;
        p += n ? n : 1;
    }
    to[at] = 0;
    *text = kd_str_of(to, at);
    return true;
}

bool kd_cel_source_prepare(kd_arena *arena, kd_cel_source *source, uint32_t *n_points)
{
    if (!repair(arena, &source->text))
        return false;
    KD_VEC(uint32_t) lines = {0};
    if (!KD_VEC_PUSH(arena, &lines, 0u))
        return false;
    uint32_t points = 0;
    for (size_t i = 0; i < source->text.n; i++) {
        points += (source->text.p[i] & 0xC0) != 0x80;
        if (source->text.p[i] == '\n' && !KD_VEC_PUSH(arena, &lines, points))
            return false;
    }
    source->lines = lines.p;
    source->n_lines = lines.n;
    *n_points = points;
    return true;
}

kd_str kd_cel_show(kd_arena *arena, kd_str text)
{
    char *to = kd_arena_alloc(arena, 2 * text.n + 1);
    if (!to)
        return (kd_str){0};
    size_t n = 0;
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        char escaped = c == '\t' ? 't' : c == '\n' ? 'n' : c == '\r' ? 'r' : 0;
        if (escaped)
            to[n++] = '\\';
        to[n++] = escaped ? escaped : c;
    }
    return kd_str_of(to, n);
}

/* One attempt at a token. `end` is where the longest token ends, `stuck` the character at which the search for a longer
 * one ended: what is no token is skipped up to and with it. */
typedef struct attempt {
    const char *end, *stuck;
    uint8_t kind;
} attempt;

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_hex(char c)
{
    return is_digit(c) || (kd_lower((uint8_t)c) >= 'a' && kd_lower((uint8_t)c) <= 'f');
}

static bool is_letter(char c)
{
    return c == '_' || (kd_lower((uint8_t)c) >= 'a' && kd_lower((uint8_t)c) <= 'z');
}

/* Behind the escape that begins at p; NULL with *stuck where it is wrong. */
static const char *escape(const char *p, const char *limit, const char **stuck)
{
    p++;
    *stuck = p;
    if (p == limit)
        return NULL;
    if (memchr("abfnrtv\"'\\?`", *p, 12))
        return p + 1;
    size_t digits = *p == 'x' || *p == 'X' ? 2 : *p == 'u' ? 4 : *p == 'U' ? 8 : 0;
    if (!digits && !(*p >= '0' && *p <= '3'))
        return NULL;
    bool octal = !digits;
    digits = octal ? 2 : digits;
    for (p++; digits; digits--, p++) {
        *stuck = p;
        if (p == limit || !(octal ? *p >= '0' && *p <= '7' : is_hex(*p)))
            return NULL;
    }
    return p;
}

/* Behind the closing quotes, `quotes` (1 or 3) of them, of the string whose text begins at p; NULL with *stuck. */
static const char *string_body(const char *p, const char *limit, char quote, unsigned quotes, bool raw,
                               const char **stuck)
{
    while (p < limit) {
        *stuck = p;
        if (*p == quote && (quotes == 1 || (limit - p >= 3 && p[1] == quote && p[2] == quote)))
            return p + quotes;
        if (quotes == 1 && (*p == '\n' || *p == '\r'))
            return NULL;
        if (!raw && *p == '\\') {
            p = escape(p, limit, stuck);
            if (!p)
                return NULL;
        } else {
            p++;
        }
    }
    *stuck = limit;
    return NULL;
}

/* A string at p, its prefix letters passed. */
static void scan_string(const char *p, const char *limit, bool raw, uint8_t kind, attempt *out)
{
    const char *stuck = p;
    const char *end = string_body(p + 1, limit, *p, 1, raw, &stuck);
    if (limit - p >= 3 && p[1] == *p && p[2] == *p) {
        const char *longer = string_body(p + 3, limit, *p, 3, raw, &stuck);
        end = longer ? longer : end;
    }
    if (end)
        *out = (attempt){.end = end, .kind = kind};
    else if (!out->end)
        out->stuck = stuck;
}

static const char *skip_digits(const char *p, const char *limit)
{
    while (p < limit && is_digit(*p))
        p++;
    return p;
}

static const char *exponent(const char *p, const char *limit)
{
    if (p == limit || kd_lower((uint8_t)*p) != 'e')
        return p;
    const char *digits = p + 1;
    if (digits < limit && (*digits == '+' || *digits == '-'))
        digits++;
    const char *end = skip_digits(digits, limit);
    return end > digits ? end : p;
}

static void scan_number(const char *p, const char *limit, attempt *out)
{
    const char *end = skip_digits(p, limit);
    out->kind = KD_CEL_T_INT;
    if (limit - p > 2 && p[0] == '0' && p[1] == 'x' && is_hex(p[2])) {
        for (end = p + 2; end < limit && is_hex(*end);)
            end++;
    } else if (limit - end > 1 && *end == '.' && is_digit(end[1])) {
        out->kind = KD_CEL_T_FLOAT;
        end = exponent(skip_digits(end + 1, limit), limit);
    } else if (exponent(end, limit) > end) {
        out->kind = KD_CEL_T_FLOAT;
        end = exponent(end, limit);
    }
    if (out->kind == KD_CEL_T_INT && end < limit && kd_lower((uint8_t)*end) == 'u') {
        out->kind = KD_CEL_T_UINT;
        end++;
    }
    out->end = end;
}

static void scan_word(const char *p, const char *limit, attempt *out)
{
    static const struct {
        kd_str word;
        uint8_t kind;
    } words[] = {{KD_STR_INIT("in"), KD_CEL_T_IN},
                 {KD_STR_INIT("true"), KD_CEL_T_TRUE},
                 {KD_STR_INIT("false"), KD_CEL_T_FALSE},
                 {KD_STR_INIT("null"), KD_CEL_T_NULL}};
    const char *end = p;
    while (end < limit && (is_letter(*end) || is_digit(*end)))
        end++;
    *out = (attempt){.end = end, .kind = KD_CEL_T_IDENTIFIER};
    for (size_t i = 0; i < KD_COUNT(words); i++) {
        if (kd_str_eq(words[i].word, kd_str_of(p, (size_t)(end - p))))
            out->kind = words[i].kind;
    }
    const char *quote = p;
    bool bytes = *quote == 'b' || *quote == 'B';
    quote += bytes;
    bool raw = quote < limit && (*quote == 'r' || *quote == 'R');
    quote += raw;
    if (quote < limit && (*quote == '"' || *quote == '\''))
        scan_string(quote, limit, raw, bytes ? KD_CEL_T_BYTES : KD_CEL_T_STRING, out);
}

static void scan_escaped(const char *p, const char *limit, attempt *out)
{
    const char *end = p + 1;
    while (end < limit && (is_letter(*end) || is_digit(*end) || memchr(".-/ ", *end, 4)))
        end++;
    if (end < limit && *end == '`' && end > p + 1)
        *out = (attempt){.end = end + 1, .kind = KD_CEL_T_ESCAPED};
    else
        out->stuck = end;
}

static void scan_sign(const char *p, const char *limit, attempt *out)
{
    static const struct {
        char text[3];
        uint8_t kind;
    } signs[] = {
        {"==", KD_CEL_T_EQUALS},      {"!=", KD_CEL_T_NOT_EQUALS},
        {"<=", KD_CEL_T_LESS_EQUALS}, {">=", KD_CEL_T_GREATER_EQUALS},
        {"&&", KD_CEL_T_AND},         {"||", KD_CEL_T_OR},
        {"<", KD_CEL_T_LESS},         {">", KD_CEL_T_GREATER},
        {"[", KD_CEL_T_LBRACKET},     {"]", KD_CEL_T_RBRACKET},
        {"{", KD_CEL_T_LBRACE},       {"}", KD_CEL_T_RBRACE},
        {"(", KD_CEL_T_LPAREN},       {")", KD_CEL_T_RPAREN},
        {".", KD_CEL_T_DOT},          {",", KD_CEL_T_COMMA},
        {"-", KD_CEL_T_MINUS},        {"!", KD_CEL_T_EXCLAM},
        {"?", KD_CEL_T_QUESTION},     {":", KD_CEL_T_COLON},
        {"+", KD_CEL_T_PLUS},         {"*", KD_CEL_T_STAR},
        {"/", KD_CEL_T_SLASH},        {"%", KD_CEL_T_PERCENT},
    };
    for (size_t i = 0; i < KD_COUNT(signs); i++) {
        size_t n = strlen(signs[i].text);
        if ((size_t)(limit - p) >= n && !memcmp(p, signs[i].text, n)) {
            *out = (attempt){.end = p + n, .kind = signs[i].kind};
            return;
        }
    }
    out->stuck = *p == '=' || *p == '&' || *p == '|' ? p + 1 : p;
}

static attempt scan_one(const char *p, const char *limit)
{
    attempt out = {0};
    if (is_letter(*p))
        scan_word(p, limit, &out);
    else if (is_digit(*p) || (*p == '.' && limit - p > 1 && is_digit(p[1])))
        scan_number(p, limit, &out);
    else if (*p == '"' || *p == '\'')
        scan_string(p, limit, false, KD_CEL_T_STRING, &out);
    else if (*p == '`')
        scan_escaped(p, limit, &out);
    else
        scan_sign(p, limit, &out);
    return out;
}

/* Behind blanks and comments. */
static const char *skip_hidden(const char *p, const char *limit)
{
    while (p < limit) {
        if (memchr("\t \r\n\f", *p, 5)) {
            p++;
        } else if (limit - p > 1 && p[0] == '/' && p[1] == '/') {
            while (p < limit && *p != '\n')
                p++;
        } else {
            break;
        }
    }
    return p;
}

/* Reports the bytes from p up to and with the character at `stuck`, as they are; returns them. */
static kd_str refuse(kd_arena *arena, kd_cel_findings *findings, uint32_t offset, const char *p, const char *stuck,
                     const char *limit)
{
    const char *end = stuck < limit ? stuck + code_point(stuck, limit) : limit;
    kd_str refused = kd_str_of(p, (size_t)(end - p));
    kd_str text = kd_arena_printf(arena, "Syntax error: token recognition error at: '%.*s'", KD_FMT(refused));
    kd_cel_findings_add(findings, offset, text);
    return text.p ? refused : text;
}

bool kd_cel_scan(kd_arena *arena, const kd_cel_source *source, kd_cel_findings *findings, kd_cel_tokens *tokens)
{
    KD_VEC(kd_cel_token) list = {0};
    KD_VEC(kd_str) refused = {0};
    const char *p = source->text.p, *limit = p + source->text.n, *counted = p;
    for (uint32_t offset = 0;;) {
        p = skip_hidden(p, limit);
        for (; counted < p; counted++)
            offset += (*counted & 0xC0) != 0x80;
        attempt one = p < limit ? scan_one(p, limit) : (attempt){.end = p, .kind = KD_CEL_T_EOF};
        if (one.end) {
            kd_str text = kd_str_of(p, (size_t)(one.end - p));
            if (!KD_VEC_PUSH(arena, &list, ((kd_cel_token){.offset = offset, .kind = one.kind, .text = text}))) {
                *findings = (kd_cel_findings){0};
                return false;
            }
            if (one.kind == KD_CEL_T_EOF)
                break;
            p = one.end;
        } else if (findings->n == KD_CEL_MAX_FINDINGS) {
            kd_cel_findings_add(findings, offset, KD_STR("Syntax error: More than 100 syntax errors"));
            return false;
        } else {
            kd_str text = refuse(arena, findings, offset, p, one.stuck, limit);
            if (!text.p || !KD_VEC_PUSH(arena, &refused, text)) {
                *findings = (kd_cel_findings){0};
                return false;
            }
            p = text.p + text.n;
        }
    }
    *tokens = (kd_cel_tokens){list.p, list.n, refused.p, refused.n};
    return true;
}
