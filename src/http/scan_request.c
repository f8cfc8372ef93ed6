#include "http/scan.h"

#include "http/scan_field.h"
#include "http/scan_target.h"

/* What the fields say about framing and connection, gathered while scanning and judged at the end of the head, because
 * net/http reports what the whole head shows in an order of its own. */
typedef struct facts {
    kd_str host, length, expect;
    unsigned hosts, lengths, codings;
    uint8_t major;
    bool lengths_differ, coding_chunked;
    bool close, keep;
    bool no_cache, pragma, cache_control;
    bool bad_trailer, space_in_name, folded_host;
} facts;

static const kd_str methods[] = {
    [KD_METHOD_OTHER] = KD_STR_INIT(""),          [KD_METHOD_GET] = KD_STR_INIT("GET"),
    [KD_METHOD_HEAD] = KD_STR_INIT("HEAD"),       [KD_METHOD_POST] = KD_STR_INIT("POST"),
    [KD_METHOD_PUT] = KD_STR_INIT("PUT"),         [KD_METHOD_PATCH] = KD_STR_INIT("PATCH"),
    [KD_METHOD_DELETE] = KD_STR_INIT("DELETE"),   [KD_METHOD_OPTIONS] = KD_STR_INIT("OPTIONS"),
    [KD_METHOD_CONNECT] = KD_STR_INIT("CONNECT"), [KD_METHOD_TRACE] = KD_STR_INIT("TRACE"),
};

kd_method kd_method_of(kd_str exact)
{
    for (unsigned i = KD_METHOD_GET; i < KD_COUNT(methods); i++)
        if (kd_str_eq(methods[i], exact))
            return (kd_method)i;
    return KD_METHOD_OTHER;
}

static kd_scan_result refuse(kd_scan_error *error, uint16_t status, kd_str detail)
{
    *error = (kd_scan_error){.status = status, .detail = detail};
    return KD_SCAN_ERROR;
}

static kd_scan_result malformed(kd_scan_error *error)
{
    return refuse(error, 400, (kd_str){"", 0});
}

/* The line at `line` is not good so far: an error once it is complete. Judging it earlier would make the answer depend
 * on how the bytes were cut. */
static kd_scan_result bad_line(const char *line, const char *end, kd_scan_error *error)
{
    return memchr(line, '\n', (size_t)(end - line)) ? malformed(error) : KD_SCAN_MORE;
}

/* The first byte from p on that no target may hold, or `end`. */
static char *target_end(char *p, char *end)
{
#ifdef __SSE2__
    while (end - p >= 16) {
        __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)p);
        __m128i low = _mm_cmpeq_epi8(_mm_min_epu8(bytes, _mm_set1_epi8(0x20)), bytes);
        __m128i del = _mm_cmpeq_epi8(bytes, _mm_set1_epi8(0x7f));
        unsigned found = (unsigned)_mm_movemask_epi8(_mm_or_si128(low, del));
        if (found)
            return p + __builtin_ctz(found);
        p += 16;
    }
#endif
    while (p < end && kd_scan_is(*p, KD_SCAN_TARGET))
        p++;
    return p;
}

/* `method SP target SP HTTP/d.d CRLF` at p; *next is the line behind it. */
static kd_scan_result request_line(char *p, char *end, kd_request_head *head, facts *f, char **next,
                                   kd_scan_error *error)
{
    char *line = p;
    while (p < end && kd_scan_is(*p, KD_SCAN_TOKEN))
        p++;
    if (p == end || *p != ' ' || p == line)
        return bad_line(line, end, error);
    head->method_text = (kd_str){line, (size_t)(p - line)};
    head->method = kd_method_of(head->method_text);
    char *target = ++p;
    p = target_end(p, end);
    if (p == end || *p != ' ')
        return bad_line(line, end, error);
    head->target = (kd_str){target, (size_t)(p - target)};
    p++;
    if (end - p < 10 || memcmp(p, "HTTP/", 5) != 0 || (uint8_t)(p[5] - '0') > 9 || p[6] != '.' ||
        (uint8_t)(p[7] - '0') > 9 || p[8] != '\r' || p[9] != '\n' || !kd_scan_target(head))
        return bad_line(line, end, error);
    f->major = (uint8_t)(p[5] - '0');
    head->minor = f->major == 1 ? p[7] != '0' : f->major > 1;
    *next = p + 10;
    return KD_SCAN_DONE;
}

static void note_length(facts *f, kd_str value)
{
    if (f->lengths++ == 0)
        f->length = value;
    else if (!kd_str_eq(f->length, value))
        f->lengths_differ = true;
}

/* Keeps what the field says. False when it is not to stand in the list. */
static bool note(facts *f, kd_token token, kd_str value)
{
    switch (token) {
    case KD_HEADER_HOST:
        f->host = value;
        f->hosts++;
        return false;
    case KD_HEADER_CONTENT_LENGTH:
        note_length(f, value);
        return f->lengths == 1;
    case KD_HEADER_TRANSFER_ENCODING:
        f->codings++;
        f->coding_chunked = kd_str_eq_ci(value, KD_STR("chunked"));
        return false;
    case KD_HEADER_CONNECTION:
        kd_scan_connection(value, &f->close, &f->keep);
        return true;
    case KD_HEADER_EXPECT:
        if (!f->expect.p)
            f->expect = value;
        return true;
    case KD_HEADER_PRAGMA:
        if (!f->pragma)
            f->no_cache = kd_str_eq(value, KD_STR("no-cache"));
        f->pragma = true;
        return true;
    case KD_HEADER_CACHE_CONTROL:
        f->cache_control = true;
        return true;
    case KD_HEADER_TRAILER: {
        kd_token key;
        f->bad_trailer |= kd_scan_trailer_bad(value, &key);
        return true;
    }
    default:
        return true;
    }
}

/* A line that is not of the plain form: the error that it is, or a name that holds spaces, which is told only when the
 * rest of the head is good. */
static kd_scan_result odd_line(char *p, char *end, kd_token before, facts *f, char **next, kd_scan_error *error)
{
    char *lf = memchr(p, '\n', (size_t)(end - p));
    if (!lf)
        return KD_SCAN_MORE;
    if (kd_scan_is_space(*p))
        return before == KD_HEADER_HOST ? refuse(error, 400, KD_STR("malformed Host header")) : malformed(error);
    char *at = p;
    while (*at == ' ' || kd_scan_is(*at, KD_SCAN_TOKEN))
        at++;
    if (at == p || *at != ':')
        return malformed(error);
    if (at - p > UINT16_MAX)
        return refuse(error, 431, (kd_str){"", 0});
    at = kd_scan_value_end(at + 1, end);
    if (end - at < 2 || at[0] != '\r' || at[1] != '\n')
        return malformed(error);
    f->space_in_name = true;
    *next = at + 2;
    return KD_SCAN_DONE;
}

static kd_scan_result fields(char *p, char *end, kd_request_head *head, facts *f, char **next, kd_scan_error *error)
{
    kd_token token = KD_HEADER_OTHER;
    for (unsigned line = 0; KD_LIKELY(end - p >= 2 && !(p[0] == '\r' && p[1] == '\n')); line++) {
        kd_scan_field field;
        if (KD_LIKELY(kd_scan_field_known(p, end, &head->headers, line, &field))) {
            token = field.token;
        } else if (KD_LIKELY(kd_scan_field_plain(p, end, &field))) {
            token = kd_token_of((kd_str){field.name, (size_t)(field.name_end - field.name)});
            kd_scan_remember(&head->headers, line, &field, token);
        } else {
            kd_scan_result result = odd_line(p, end, token, f, &p, error);
            if (result != KD_SCAN_DONE)
                return result;
            token = KD_HEADER_OTHER;
            continue;
        }
        kd_str value = {field.value, (size_t)(field.value_end - field.value)};
        if (token == KD_HEADER_OTHER || note(f, token, value))
            if (!kd_scan_append(&head->headers, &field, token, KD_HEADER_CHECKED))
                return KD_SCAN_NO_MEMORY;
        p = field.next;
    }
    if (end - p < 2)
        return p < end && *p == '\n' ? malformed(error) : KD_SCAN_MORE;
    *next = p + 2;
    return KD_SCAN_DONE;
}

/* Decides how the body is delimited. Every form that two parsers could read differently is refused (RFC 9112 section
 * 6.3); a coding that we do not know is a 501, as in net/http. */
static kd_scan_result framing(kd_request_head *head, const facts *f, kd_scan_error *error)
{
    head->framing = KD_FRAMING_NONE;
    head->length = 0;
    if (f->codings && head->minor) {
        if (f->codings > 1 || !f->coding_chunked) {
            *error = (kd_scan_error){.status = 501, .unsupported = KD_STR("Unsupported transfer encoding")};
            return KD_SCAN_ERROR;
        }
        head->framing = KD_FRAMING_CHUNKED;
    }
    if (f->codings && (!head->minor || f->lengths))
        return malformed(error);
    if (f->lengths) {
        if (f->lengths_differ || !kd_scan_length(f->length, &head->length))
            return malformed(error);
        head->framing = KD_FRAMING_LENGTH;
    }
    if (head->framing == KD_FRAMING_CHUNKED && f->bad_trailer)
        return malformed(error);
    return KD_SCAN_DONE;
}

static kd_scan_result check(kd_request_head *head, const facts *f, kd_scan_error *error)
{
    if (f->hosts > 1)
        return malformed(error);
    kd_scan_result result = framing(head, f, error);
    if (result != KD_SCAN_DONE)
        return result;
    if (f->major != 1) {
        /* The preface of HTTP/2 where that is not spoken. */
        if (kd_str_eq(head->method_text, KD_STR("PRI")))
            return malformed(error);
        return refuse(error, 505, KD_STR("unsupported protocol version"));
    }
    if (head->minor && !f->hosts && head->method != KD_METHOD_CONNECT)
        return refuse(error, 400, KD_STR("missing required Host header"));
    if (!kd_scan_host_valid(f->host))
        return refuse(error, 400, KD_STR("malformed Host header"));
    if (f->space_in_name)
        return refuse(error, 400, KD_STR("invalid header name"));
    return KD_SCAN_DONE;
}

static kd_scan_result conclude(kd_request_head *head, const facts *f)
{
    head->host = head->authority.n ? head->authority : f->host;
    head->keep_alive = head->minor ? !f->close : f->keep && !f->close;
    bool has_body = head->framing == KD_FRAMING_CHUNKED || head->length > 0;
    bool expects = f->expect.n && kd_scan_has_word(f->expect, KD_STR("100-continue"));
    head->expect_continue = expects && head->minor && has_body;
    head->expect_other = f->expect.n && !expects;
    if (f->no_cache && !f->cache_control &&
        !kd_headers_add_token(&head->headers, KD_HEADER_CACHE_CONTROL, KD_STR("no-cache")))
        return KD_SCAN_NO_MEMORY;
    return KD_SCAN_DONE;
}

static kd_scan_result scan(char *buf, char *end, kd_request_head *head, kd_scan_error *error)
{
    facts f = {.host = {"", 0}, .expect = {NULL, 0}};
    char *at = buf;
    *head = (kd_request_head){.headers = head->headers};
    head->headers.n = 0;
    kd_scan_result result = request_line(buf, end, head, &f, &at, error);
    if (result == KD_SCAN_DONE)
        result = fields(at, end, head, &f, &at, error);
    if (result != KD_SCAN_DONE)
        return result;
    head->size = (size_t)(at - buf);
    result = check(head, &f, error);
    return result == KD_SCAN_DONE ? conclude(head, &f) : result;
}

kd_scan_result kd_scan_request(char *buf, size_t n, size_t seen, size_t limit, kd_request_head *head,
                               kd_scan_error *error)
{
    if (limit > UINT32_MAX)
        limit = UINT32_MAX;
    size_t bound = n < limit ? n : limit;
    kd_scan_result result = KD_SCAN_MORE;
    if (!seen || kd_scan_look(buf, bound, seen, false) == KD_SCAN_NEWS_SCAN)
        result = scan(buf, buf + bound, head, error);
    if (result == KD_SCAN_MORE && n >= limit)
        return refuse(error, 431, (kd_str){"", 0});
    return result;
}
