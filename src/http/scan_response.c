#include "http/scan.h"

#include "http/scan_field.h"
#include "text/go/quote.h"

/* net/http's transport puts this in front of everything it finds wrong with a head. */
#define BROKEN "net/http: HTTP/1.x transport connection broken: "
/* How much of a bad line goes into an error text: a head may be megabytes, a log line should not. */
#define QUOTED_MAX 1024u

typedef struct facts {
    kd_str length, coding; /* the first Content-Length and Transfer-Encoding */
    kd_token bad_trailer;
    unsigned lengths, codings;
    uint8_t major;
    bool lengths_differ;
    bool close, keep;
    bool no_cache, pragma, cache_control;
    bool odd; /* read with tolerance in a way that another parser might not share */
} facts;

typedef struct scanner {
    char *end;
    kd_response_head *head;
    kd_str *error;
    facts f;
} scanner;

static kd_scan_result fail(scanner *s, kd_str text)
{
    *s->error = text;
    return text.p ? KD_SCAN_ERROR : KD_SCAN_NO_MEMORY;
}

/* An error that ends with the line as it is. */
static kd_scan_result fail_line(scanner *s, const char *text, kd_str line)
{
    line = kd_str_head(line, QUOTED_MAX);
    return fail(s, kd_arena_printf(s->head->headers.arena, BROKEN "%s%.*s", text, KD_FMT(line)));
}

/* A buffer for quoted text in the arena. Quoting makes at most four bytes of one, so it never has to grow. */
static bool quoting(scanner *s, kd_buf *quoted)
{
    size_t room = 8 * QUOTED_MAX;
    *quoted = (kd_buf){.p = kd_arena_alloc(s->head->headers.arena, room), .cap = room, .max = room};
    return quoted->p != NULL;
}

/* An error that ends with the quoted value (Go's %q). */
static kd_scan_result fail_value(scanner *s, const char *text, kd_str value)
{
    kd_buf quoted;
    if (!quoting(s, &quoted))
        return KD_SCAN_NO_MEMORY;
    kd_go_quote(&quoted, kd_str_head(value, QUOTED_MAX));
    return fail(s, kd_arena_printf(s->head->headers.arena, BROKEN "%s%.*s", text, KD_FMT(kd_buf_str(&quoted))));
}

/* An error that ends with the quoted values of all fields of that token, `first` before them unless its p is NULL. */
static kd_scan_result fail_list(scanner *s, const char *text, kd_token token, kd_str first)
{
    const kd_headers *headers = &s->head->headers;
    kd_buf quoted;
    if (!quoting(s, &quoted))
        return KD_SCAN_NO_MEMORY;
    size_t left = QUOTED_MAX - (first.n < QUOTED_MAX ? first.n : QUOTED_MAX);
    if (first.p)
        kd_go_quote(&quoted, kd_str_head(first, QUOTED_MAX));
    for (uint32_t i = 0; i < headers->n && left; i++) {
        if (headers->v[i].token != token)
            continue;
        kd_str value = kd_str_head(kd_header_value(&headers->v[i]), left - 1);
        left -= value.n + 1;
        if (quoted.n)
            kd_buf_byte(&quoted, ' ');
        kd_go_quote(&quoted, value);
    }
    return fail(s, kd_arena_printf(s->head->headers.arena, BROKEN "%s[%.*s]", text, KD_FMT(kd_buf_str(&quoted))));
}

/* The line p..lf without its end, which may be CRLF or LF. */
static kd_str line_of(const char *p, const char *lf)
{
    return (kd_str){p, (size_t)(lf > p && lf[-1] == '\r' ? lf - 1 - p : lf - p)};
}

/* A reason that could carry control bytes on is left out: it decides nothing. */
static kd_str reason_of(kd_str reason)
{
    for (size_t i = 0; i < reason.n; i++)
        if (kd_scan_is(reason.p[i], KD_SCAN_CONTROL))
            return (kd_str){reason.p, 0};
    return reason;
}

/* `HTTP/d.d SP+ ddd [SP reason]`, in the order in which net/http looks at it. */
static kd_scan_result status_line(scanner *s, char *p, char **next)
{
    char *lf = memchr(p, '\n', (size_t)(s->end - p));
    if (!lf)
        return KD_SCAN_MORE;
    kd_str line = line_of(p, lf), version, rest = line;
    ptrdiff_t space = kd_str_find(line, ' ');
    if (space < 0)
        return fail_value(s, "malformed HTTP response ", line);
    version = kd_str_head(line, (size_t)space);
    rest = kd_str_from(line, (size_t)space);
    while (rest.n && *rest.p == ' ')
        rest = kd_str_from(rest, 1);
    space = kd_str_find(rest, ' ');
    kd_str code = space < 0 ? rest : kd_str_head(rest, (size_t)space);
    uint64_t status;
    if (code.n != 3 || !kd_str_to_u64(code, 999, &status))
        return fail_value(s, "malformed HTTP status code ", code);
    if (version.n != 8 || memcmp(version.p, "HTTP/", 5) != 0 || version.p[6] != '.' ||
        (uint8_t)(version.p[5] - '0') > 9 || (uint8_t)(version.p[7] - '0') > 9)
        return fail_value(s, "malformed HTTP version ", version);
    s->f.major = (uint8_t)(version.p[5] - '0');
    s->head->status = (uint16_t)status;
    s->head->minor = s->f.major == 1 ? version.p[7] != '0' : s->f.major > 1;
    s->head->reason = reason_of(space < 0 ? (kd_str){rest.p + rest.n, 0} : kd_str_from(rest, (size_t)space + 1));
    *next = lf + 1;
    return KD_SCAN_DONE;
}

/* Keeps what the field says. False when it is not to stand in the list. Repeated framing fields do until the end: an
 * error names them all. */
static bool note(facts *f, kd_token token, kd_str value)
{
    switch (token) {
    case KD_HEADER_CONTENT_LENGTH:
        if (f->lengths++ == 0)
            f->length = value;
        f->lengths_differ |= !kd_str_eq(f->length, value);
        return true;
    case KD_HEADER_TRANSFER_ENCODING:
        if (f->codings++ == 0)
            f->coding = value;
        return f->codings > 1;
    case KD_HEADER_CONNECTION:
        kd_scan_connection(value, &f->close, &f->keep);
        return true;
    case KD_HEADER_PRAGMA:
        if (!f->pragma)
            f->no_cache = kd_str_eq(value, KD_STR("no-cache"));
        f->pragma = true;
        return true;
    case KD_HEADER_CACHE_CONTROL:
        f->cache_control = true;
        return true;
    case KD_HEADER_TRAILER:
        if (!f->bad_trailer)
            kd_scan_trailer_bad(value, &f->bad_trailer);
        return true;
    default:
        return true;
    }
}

static bool append(scanner *s, kd_scan_field *field, kd_token token, unsigned flags)
{
    kd_str value = {field->value, (size_t)(field->value_end - field->value)};
    if (token != KD_HEADER_OTHER && !note(&s->f, token, value))
        return true;
    return kd_scan_append(&s->head->headers, field, token, flags);
}

/* Joins the folded lines from `next` on to the value, each with one space (RFC 9112 section 5.2). This moves bytes, so
 * the head must be complete: MORE when it is not. */
static kd_scan_result unfold(scanner *s, kd_scan_field *field)
{
    if (!kd_scan_has_end(field->next - 1, s->end))
        return KD_SCAN_MORE;
    s->f.odd = true;
    while (kd_scan_is_space(*field->next)) {
        char *lf = memchr(field->next, '\n', (size_t)(s->end - field->next));
        kd_str line = line_of(field->next, lf);
        field->next = lf + 1;
        for (size_t i = 0; i < line.n; i++)
            if (kd_scan_is(line.p[i], KD_SCAN_CONTROL))
                return fail_line(s, "malformed MIME header line: ", kd_str_trim(line));
        line = kd_str_trim(line);
        *field->value_end++ = ' ';
        memmove(field->value_end, line.p, line.n);
        field->value_end += line.n;
    }
    kd_scan_trim(field);
    return KD_SCAN_DONE;
}

/* Reads a field line that is not of the plain form: ended by LF alone, folded, with a space in its name; or an error.
 * *end_of_head is set at an empty line. */
static kd_scan_result odd_line(scanner *s, char *p, bool first, kd_scan_field *field, bool *end_of_head)
{
    char *lf = memchr(p, '\n', (size_t)(s->end - p));
    if (!lf)
        return KD_SCAN_MORE;
    kd_str line = line_of(p, lf);
    *field = (kd_scan_field){.name = p, .next = lf + 1};
    if (line.n == 0) {
        *end_of_head = true;
        return KD_SCAN_DONE;
    }
    /* Later lines that start with a space were joined to the line before. */
    if (first && kd_scan_is_space(*p))
        return fail_line(s, "malformed MIME header initial line: ", line);
    ptrdiff_t colon = kd_str_find(line, ':');
    if (colon < 0)
        return fail_value(s, "malformed MIME header: missing colon: ", line);
    field->name_end = p + colon;
    field->value = field->name_end + 1;
    field->value_end = p + line.n;
    bool good = colon > 0 && colon <= UINT16_MAX;
    for (char *at = p; at < field->name_end; at++)
        good &= *at == ' ' || kd_scan_is(*at, KD_SCAN_TOKEN);
    if (!good || kd_scan_value_end(field->value, field->value_end) != field->value_end)
        return fail_line(s, "malformed MIME header line: ", kd_str_trim(line));
    kd_scan_trim(field);
    return KD_SCAN_DONE;
}

static kd_scan_result one_field(scanner *s, char *p, unsigned line, kd_scan_field *field, bool *end_of_head)
{
    bool known = kd_scan_field_known(p, s->end, &s->head->headers, line, field);
    bool canonical = known || kd_scan_field_plain(p, s->end, field);
    kd_token token = known ? field->token : KD_HEADER_OTHER;
    unsigned flags = canonical ? KD_HEADER_CHECKED : 0;
    if (KD_UNLIKELY(!canonical)) {
        kd_scan_result result = odd_line(s, p, line == 0, field, end_of_head);
        if (result != KD_SCAN_DONE || *end_of_head)
            return result;
        /* A name with spaces stays as it is and means nothing to us, but it might to others. */
        canonical = !memchr(p, ' ', (size_t)(field->name_end - p));
        s->f.odd |= !canonical;
        if (canonical)
            kd_scan_canonical(p, field->name_end);
    }
    if (KD_UNLIKELY(field->next < s->end && kd_scan_is_space(*field->next))) {
        kd_scan_result result = unfold(s, field);
        if (result != KD_SCAN_DONE)
            return result;
        flags = 0;
    }
    if (KD_UNLIKELY(canonical && !known)) {
        token = kd_token_of((kd_str){field->name, (size_t)(field->name_end - field->name)});
        if (flags)
            kd_scan_remember(&s->head->headers, line, field, token);
    }
    return append(s, field, token, flags) ? KD_SCAN_DONE : KD_SCAN_NO_MEMORY;
}

static kd_scan_result fields(scanner *s, char *p, char **next)
{
    bool end_of_head = false;
    kd_scan_field field;
    for (unsigned line = 0;; line++) {
        if (s->end - p >= 2 && p[0] == '\r' && p[1] == '\n') {
            *next = p + 2;
            return KD_SCAN_DONE;
        }
        kd_scan_result result = one_field(s, p, line, &field, &end_of_head);
        if (result != KD_SCAN_DONE)
            return result;
        p = field.next;
        if (end_of_head) {
            *next = p;
            return KD_SCAN_DONE;
        }
    }
}

/* Content-Length and Transfer-Encoding as net/http judges them; *length is set when there is a usable Content-Length.
 */
static kd_scan_result check(scanner *s, bool *chunked, uint64_t *length)
{
    facts *f = &s->f;
    *chunked = f->codings && s->head->minor; /* HTTP/1.0 has no codings: ignored there */
    if (*chunked && f->codings > 1)
        return fail_list(s, "too many transfer encodings: ", KD_HEADER_TRANSFER_ENCODING, f->coding);
    if (*chunked && !kd_str_eq_ci(f->coding, KD_STR("chunked")))
        return fail_value(s, "unsupported transfer encoding: ", f->coding);
    if (f->lengths_differ)
        return fail_list(s, "http: message cannot contain multiple Content-Length headers; got ",
                         KD_HEADER_CONTENT_LENGTH, (kd_str){NULL, 0});
    if (f->lengths && f->length.n == 0)
        return fail_value(s, "invalid empty Content-Length ", f->length);
    if (f->lengths && !kd_scan_length(f->length, length))
        return fail_value(s, "bad Content-Length ", f->length);
    if (*chunked && f->bad_trailer)
        return fail_value(s, "bad trailer key ", kd_token_name(f->bad_trailer));
    return KD_SCAN_DONE;
}

/* Fills in framing and keep_alive. A connection stays usable only where every parser would find the next answer at the
 * same place. */
static void frame(scanner *s, kd_method method, bool chunked, uint64_t length)
{
    kd_response_head *head = s->head;
    const facts *f = &s->f;
    bool no_body = head->status / 100 == 1 || head->status == 204;
    bool ambiguous = f->odd || (f->codings && (f->lengths || !chunked)) || (no_body && (f->codings || length));
    head->keep_alive = !ambiguous && f->major == 1 && head->status != 101 && !f->close && (head->minor || f->keep);
    head->length = 0;
    if (no_body || head->status == 304 || method == KD_METHOD_HEAD) {
        head->framing = KD_FRAMING_NONE;
    } else if (chunked) {
        head->framing = KD_FRAMING_CHUNKED;
    } else if (f->lengths) {
        head->framing = KD_FRAMING_LENGTH;
        head->length = length;
    } else {
        head->framing = KD_FRAMING_CLOSE;
        head->keep_alive = false;
    }
}

static kd_scan_result conclude(scanner *s, kd_method method)
{
    kd_headers *headers = &s->head->headers;
    bool chunked;
    uint64_t length = 0;
    kd_scan_result result = check(s, &chunked, &length);
    if (result != KD_SCAN_DONE)
        return result;
    frame(s, method, chunked, length);
    if (s->f.codings > 1)
        kd_headers_remove_token(headers, KD_HEADER_TRANSFER_ENCODING);
    if (chunked && s->f.lengths)
        kd_headers_remove_token(headers, KD_HEADER_CONTENT_LENGTH);
    else if (s->f.lengths > 1 && !kd_headers_set(headers, KD_STR("Content-Length"), s->f.length))
        return KD_SCAN_NO_MEMORY;
    if (s->f.close)
        kd_headers_remove_token(headers, KD_HEADER_CONNECTION);
    if (s->f.no_cache && !s->f.cache_control &&
        !kd_headers_add_token(headers, KD_HEADER_CACHE_CONTROL, KD_STR("no-cache")))
        return KD_SCAN_NO_MEMORY;
    return KD_SCAN_DONE;
}

static kd_scan_result scan(char *buf, char *end, kd_method method, kd_response_head *head, kd_str *error)
{
    scanner s = {.end = end, .head = head, .error = error};
    char *at = buf;
    *head = (kd_response_head){.headers = head->headers};
    head->headers.n = 0;
    kd_scan_result result = status_line(&s, buf, &at);
    if (result == KD_SCAN_DONE)
        result = fields(&s, at, &at);
    if (result != KD_SCAN_DONE)
        return result;
    head->size = (size_t)(at - buf);
    return conclude(&s, method);
}

kd_scan_result kd_scan_response(char *buf, size_t n, size_t seen, size_t limit, kd_method method,
                                kd_response_head *head, kd_str *error)
{
    if (limit > UINT32_MAX)
        limit = UINT32_MAX;
    size_t bound = n < limit ? n : limit;
    kd_scan_result result = KD_SCAN_MORE;
    if (!seen || kd_scan_look(buf, bound, seen, true) == KD_SCAN_NEWS_SCAN)
        result = scan(buf, buf + bound, method, head, error);
    if (result == KD_SCAN_MORE && n >= limit) {
        *error = kd_arena_printf(head->headers.arena,
                                 BROKEN "net/http: server response headers exceeded %zu bytes; aborted", limit);
        return error->p ? KD_SCAN_ERROR : KD_SCAN_NO_MEMORY;
    }
    return result;
}
