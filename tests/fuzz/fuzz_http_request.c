/* The request scanner beside llhttp in its strict form. Whenever ours accepts a head, llhttp must accept it with the
 * same method, target, fields, framing and size, and the other way round, except for what the two tables below name.
 * And the answer must not depend on how the bytes arrive. */
#include "fuzz_scan.h"

#include <llhttp.h>

#define FIELDS_MAX 4096u

typedef struct oracle {
    enum { ORACLE_MORE, ORACLE_ACCEPTS, ORACLE_REFUSES } verdict;
    llhttp_t parser;
    kd_str url;
    kd_str names[FIELDS_MAX], values[FIELDS_MAX];
    size_t n;
    size_t size;
    bool name_open, value_open;
} oracle;

static oracle llhttp;

/* llhttp hands out spans; pieces of one element follow each other in the buffer. */
static void extend(kd_str *span, const char *at, size_t n)
{
    if (span->p)
        span->n = (size_t)(at + n - span->p);
    else
        *span = (kd_str){at, n};
}

static int on_url(llhttp_t *parser, const char *at, size_t n)
{
    extend(&llhttp.url, at, n);
    return 0;
}

static int on_field(llhttp_t *parser, const char *at, size_t n)
{
    CLAIM(llhttp.n < FIELDS_MAX);
    extend(&llhttp.names[llhttp.n], at, n);
    return 0;
}

static int on_value(llhttp_t *parser, const char *at, size_t n)
{
    CLAIM(llhttp.n < FIELDS_MAX);
    extend(&llhttp.values[llhttp.n], at, n);
    return 0;
}

static int on_value_complete(llhttp_t *parser)
{
    llhttp.values[llhttp.n] = kd_str_trim(llhttp.values[llhttp.n]);
    llhttp.n++;
    CLAIM(llhttp.n < FIELDS_MAX);
    llhttp.names[llhttp.n] = llhttp.values[llhttp.n] = (kd_str){NULL, 0};
    return 0;
}

static int on_headers_complete(llhttp_t *parser)
{
    return HPE_PAUSED;
}

static void ask_oracle(const char *in, size_t n)
{
    llhttp_settings_t settings;
    llhttp_settings_init(&settings);
    settings.on_url = on_url;
    settings.on_header_field = on_field;
    settings.on_header_value = on_value;
    settings.on_header_value_complete = on_value_complete;
    settings.on_headers_complete = on_headers_complete;
    llhttp.url = llhttp.names[0] = llhttp.values[0] = (kd_str){NULL, 0};
    llhttp.n = 0;
    llhttp_init(&llhttp.parser, HTTP_REQUEST, &settings);
    llhttp_errno_t error = llhttp_execute(&llhttp.parser, in, n);
    llhttp.verdict = error == HPE_OK ? ORACLE_MORE : ORACLE_REFUSES;
    if (error != HPE_PAUSED)
        return;
    llhttp.size = (size_t)(llhttp_get_error_pos(&llhttp.parser) - in);
    /* It judges an unknown coding only behind the pause. */
    bool unknown_coding = (llhttp.parser.flags & F_TRANSFER_ENCODING) && !(llhttp.parser.flags & F_CHUNKED);
    llhttp.verdict = unknown_coding ? ORACLE_REFUSES : ORACLE_ACCEPTS;
}

static size_t count(const char *name)
{
    size_t n = 0;
    for (size_t i = 0; i < llhttp.n; i++)
        n += kd_str_eq_ci(llhttp.names[i], kd_str_from_c(name));
    return n;
}

static kd_str value_of(const char *name)
{
    for (size_t i = 0; i < llhttp.n; i++)
        if (kd_str_eq_ci(llhttp.names[i], kd_str_from_c(name)))
            return llhttp.values[i];
    return (kd_str){NULL, 0};
}

/* ---- Ours refuses, llhttp accepts. */

/* It skips empty lines in front (RFC 9112 section 2.2 allows that); net/http and we do not. */
static bool empty_line_first(kd_str in)
{
    return in.n && (in.p[0] == '\r' || in.p[0] == '\n');
}

/* It lets several spaces stand between the parts of the request line. */
static bool line_spaced(kd_str in)
{
    size_t spaces = 0;
    for (size_t i = 0; i < in.n && in.p[i] != '\n'; i++)
        spaces += in.p[i] == ' ';
    return spaces > 2;
}

/* It does not look at Host: missing, repeated, or with bytes that no host has. */
static bool host_faulty(kd_str in)
{
    kd_str host = value_of("Host");
    if (count("Host") != 1)
        return true;
    for (size_t i = 0; i < host.n; i++)
        if (!strchr("!$%&'()*+-.:;=_~", host.p[i]) && (uint8_t)((host.p[i] | 0x20) - 'a') > 25 &&
            (uint8_t)(host.p[i] - '0') > 9)
            return true; /* brackets too: where they may stand is a matter of the unit tests */
    return false;
}

/* It knows lists of codings and codings under HTTP/1.0. */
static bool coding_odd(kd_str in)
{
    size_t n = count("Transfer-Encoding");
    return n > 1 || (n == 1 && (!kd_str_eq_ci(value_of("Transfer-Encoding"), KD_STR("chunked")) ||
                                llhttp.parser.http_minor == 0 || llhttp.parser.http_major != 1));
}

static bool version_other(kd_str in)
{
    return llhttp.parser.http_major != 1;
}

/* Its lengths have 64 bits, Go's and ours 63. */
static bool length_huge(kd_str in)
{
    return count("Content-Length") && llhttp.parser.content_length > INT64_MAX;
}

static bool trailer_of_framing(kd_str in)
{
    return count("Trailer") && count("Transfer-Encoding");
}

/* It does not check escapes, and lets a tab and a form feed into a target. */
static bool target_faulty(kd_str in)
{
    ptrdiff_t mark = kd_str_find(llhttp.url, '?');
    kd_str path = mark < 0 ? llhttp.url : kd_str_head(llhttp.url, (size_t)mark);
    for (size_t i = 0; i < llhttp.url.n; i++)
        if ((uint8_t)llhttp.url.p[i] <= 0x20)
            return true;
    for (size_t i = 0; i < path.n; i++)
        if (path.p[i] == '%' && (path.n - i < 3 || !strchr("0123456789abcdefABCDEF", path.p[i + 1]) ||
                                 !strchr("0123456789abcdefABCDEF", path.p[i + 2])))
            return true;
    return false;
}

/* Other forms than origin-form: schemes and authorities that we refuse are rows of the unit tests. */
static bool target_not_origin(kd_str in)
{
    return llhttp.url.n == 0 || llhttp.url.p[0] != '/';
}

static bool above_limit(kd_str in)
{
    return llhttp.size > LIMIT;
}

static bool (*const we_may_refuse[])(kd_str) = {
    empty_line_first, line_spaced,        host_faulty,   coding_odd,        version_other,
    length_huge,      trailer_of_framing, target_faulty, target_not_origin, above_limit,
};

/* ---- Ours accepts, llhttp refuses. */

static bool method_unknown(const scan *s)
{
    static const char *const known[] = {
#define XX(number, name, string) #string,
        HTTP_METHOD_MAP(XX)
#undef XX
    };
    for (size_t i = 0; i < KD_COUNT(known); i++)
        if (kd_str_eq(s->request.method_text, kd_str_from_c(known[i])))
            return false;
    return true;
}

/* HTTP/1.2 and above are served like 1.1. */
static bool minor_above_1(const scan *s)
{
    const char *line_end = memchr(s->buf, '\r', s->request.size);
    return line_end[-1] > '1';
}

/* Equal Content-Length lines count as one. It stops within the second, so they are counted in our copy of the head. */
static bool lengths_repeated(const scan *s)
{
    static const kd_str name = KD_STR_INIT("\nContent-Length:");
    kd_str head = {s->buf, s->request.size};
    ptrdiff_t first = kd_str_search(head, name);
    return first >= 0 && kd_str_search(kd_str_from(head, (size_t)first + 1), name) >= 0;
}

/* CONNECT is routed like any method; bytes beyond ASCII stay in targets; a '#' is a byte like others. */
static bool target_tolerated(const scan *s)
{
    kd_str target = s->request.target;
    if (s->request.method == KD_METHOD_CONNECT)
        return true;
    for (size_t i = 0; i < target.n; i++)
        if ((uint8_t)target.p[i] >= 0x80 || target.p[i] == '#')
            return true;
    return false;
}

static bool (*const it_may_refuse[])(const scan *) = {method_unknown, minor_above_1, lengths_repeated,
                                                      target_tolerated};

static bool may_refuse(kd_str in)
{
    for (size_t i = 0; i < KD_COUNT(we_may_refuse); i++)
        if (we_may_refuse[i](in))
            return true;
    return false;
}

static bool oracle_may_refuse(const scan *s)
{
    for (size_t i = 0; i < KD_COUNT(it_may_refuse); i++)
        if (it_may_refuse[i](s))
            return true;
    return false;
}

/* Both accept: is it the same request? */
static void claim_same_request(const scan *s)
{
    const kd_request_head *head = &s->request;
    const kd_headers *headers = &head->headers;
    CLAIM(head->size == llhttp.size);
    CLAIM(kd_str_eq(head->method_text, kd_str_from_c(llhttp_method_name(llhttp_get_method(&llhttp.parser)))));
    CLAIM(kd_str_eq(head->target, llhttp.url));
    CLAIM(head->minor == llhttp.parser.http_minor);
    bool chunked = llhttp.parser.flags & F_CHUNKED, length = llhttp.parser.flags & F_CONTENT_LENGTH;
    CLAIM(chunked == (head->framing == KD_FRAMING_CHUNKED));
    CLAIM(length == (head->framing == KD_FRAMING_LENGTH));
    CLAIM(!length || head->length == llhttp.parser.content_length);
    uint32_t at = 0;
    for (size_t i = 0; i < llhttp.n; i++) {
        if (kd_str_eq_ci(llhttp.names[i], KD_STR("Host"))) {
            CLAIM(head->authority.n || kd_str_eq(head->host, llhttp.values[i]));
        } else if (!kd_str_eq_ci(llhttp.names[i], KD_STR("Transfer-Encoding"))) {
            CLAIM(at < headers->n);
            CLAIM(kd_str_eq_ci(kd_header_name(&headers->v[at]), llhttp.names[i]));
            CLAIM(kd_str_eq(kd_header_value(&headers->v[at]), llhttp.values[i]));
            at++;
        }
    }
    /* The one field that we add. */
    if (at < headers->n)
        CLAIM(headers->v[at++].token == KD_HEADER_CACHE_CONTROL && kd_str_eq(value_of("Pragma"), KD_STR("no-cache")) &&
              !count("Cache-Control"));
    CLAIM(at == headers->n);
}

static void claim_sound_request(const scan *s)
{
    const kd_request_head *head = &s->request;
    claim_sound_headers(&head->headers);
    CLAIM(head->method_text.n > 0 && head->target.n > 0 && head->size <= LIMIT);
    CLAIM(head->method == kd_method_of(head->method_text));
    for (size_t i = 0; i < head->target.n; i++)
        CLAIM((uint8_t)head->target.p[i] > 0x20 && head->target.p[i] != 0x7f);
    CLAIM(head->path_plain == (kd_str_find(head->path, '%') < 0));
    CLAIM(head->path.n == 0 || head->path.p[0] == '/' || kd_str_eq(head->path, KD_STR("*")));
    CLAIM(head->framing != KD_FRAMING_CLOSE && head->length <= INT64_MAX);
    CLAIM(!kd_headers_find(&head->headers, KD_HEADER_HOST));
    CLAIM(!kd_headers_find(&head->headers, KD_HEADER_TRANSFER_ENCODING));
    CLAIM(!kd_headers_find(&head->headers, KD_HEADER_CONTENT_LENGTH) == (head->framing != KD_FRAMING_LENGTH));
}

static void claim_same_scan(const scan *a, const scan *b)
{
    const kd_request_head *x = &a->request, *y = &b->request;
    CLAIM(a->result == b->result);
    if (a->result == KD_SCAN_ERROR) {
        CLAIM(a->refusal.status == b->refusal.status);
        CLAIM(kd_str_eq(a->refusal.detail, b->refusal.detail));
        CLAIM(kd_str_eq(a->refusal.unsupported, b->refusal.unsupported));
    }
    if (a->result != KD_SCAN_DONE)
        return;
    CLAIM(x->size == y->size && x->minor == y->minor && x->keep_alive == y->keep_alive && x->framing == y->framing);
    CLAIM(x->length == y->length && x->method == y->method && x->has_query == y->has_query);
    CLAIM(x->expect_continue == y->expect_continue && x->expect_other == y->expect_other);
    CLAIM(kd_str_eq(x->method_text, y->method_text) && kd_str_eq(x->target, y->target));
    CLAIM(kd_str_eq(x->authority, y->authority) && kd_str_eq(x->path, y->path) && kd_str_eq(x->query, y->query));
    CLAIM(kd_str_eq(x->host, y->host) && x->path_plain == y->path_plain);
    claim_same_headers(&x->headers, &y->headers);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    if (n > 3 * FIELDS_MAX)
        return 0;
    scan whole, pieces;
    scan_init(&whole);
    scan_call(&whole, data, n, 0, true, KD_METHOD_GET);
    for (unsigned seed = n > 300; seed < 4; seed++) {
        scan_in_pieces(&pieces, data, n, seed, true, KD_METHOD_GET);
        claim_same_scan(&whole, &pieces);
        scan_fini(&pieces);
    }
    ask_oracle((const char *)data, n);
    if (whole.result == KD_SCAN_DONE) {
        claim_sound_request(&whole);
        if (llhttp.verdict == ORACLE_ACCEPTS)
            claim_same_request(&whole);
        else
            CLAIM(oracle_may_refuse(&whole));
    } else if (llhttp.verdict == ORACLE_ACCEPTS) {
        CLAIM(may_refuse((kd_str){(const char *)data, n}));
    }
    scan_fini(&whole);
    return 0;
}
