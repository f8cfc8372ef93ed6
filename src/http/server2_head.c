#include "http/server2_head.h"

#include "http/scan_field.h"
#include "http/scan_target.h"

#define FIELD_OVERHEAD 32u
#define NAME_ON_STACK  64u

enum { METHOD = 1, SCHEME = 2, AUTHORITY = 4, PATH = 8 };

/* In the order in which net/http looks for them. */
static const struct {
    kd_str name;  /* as it comes */
    kd_str words; /* the refusal */
} of_connections[] = {
    {KD_STR_INIT("connection"), KD_STR_INIT("request header \"Connection\" is not valid in HTTP/2\n")},
    {KD_STR_INIT("keep-alive"), KD_STR_INIT("request header \"Keep-Alive\" is not valid in HTTP/2\n")},
    {KD_STR_INIT("proxy-connection"), KD_STR_INIT("request header \"Proxy-Connection\" is not valid in HTTP/2\n")},
    {KD_STR_INIT("transfer-encoding"), KD_STR_INIT("request header \"Transfer-Encoding\" is not valid in HTTP/2\n")},
    {KD_STR_INIT("upgrade"), KD_STR_INIT("request header \"Upgrade\" is not valid in HTTP/2\n")},
};

void kd_head2_init(kd_head2 *h, kd_request_head *head, kd_arena *arena, size_t limit)
{
    *h = (kd_head2){.head = head, .arena = arena, .left = limit};
    h->authority = h->field_host = h->expect = KD_STR("");
    *head = (kd_request_head){.minor = 1, .keep_alive = true};
    head->authority = head->host = KD_STR("");
    kd_headers_init(&head->headers, arena);
}

/* A token without capital letters (RFC 9113 section 8.2.1). */
static bool is_name(kd_str name)
{
    for (size_t i = 0; i < name.n; i++)
        if (!kd_scan_is(name.p[i], KD_SCAN_TOKEN) || (uint8_t)(name.p[i] - 'A') < 26)
            return false;
    return name.n > 0;
}

static bool is_value(kd_str value)
{
    for (size_t i = 0; i < value.n; i++)
        if (kd_scan_is(value.p[i], KD_SCAN_CONTROL))
            return false;
    return true;
}

static kd_str keep(kd_head2 *h, kd_str s)
{
    kd_str copy = kd_arena_copy(h->arena, s);
    if (copy.p)
        return copy;
    h->no_memory = true;
    return KD_STR("");
}

static void take_pseudo(kd_head2 *h, kd_str name, kd_str value)
{
    static const struct {
        kd_str name;
        uint8_t bit;
    } known[] = {{KD_STR_INIT(":method"), METHOD},
                 {KD_STR_INIT(":scheme"), SCHEME},
                 {KD_STR_INIT(":authority"), AUTHORITY},
                 {KD_STR_INIT(":path"), PATH}};
    unsigned i = 0;
    while (i < KD_COUNT(known) && !kd_str_eq(known[i].name, name))
        i++;
    if (i == KD_COUNT(known) || h->regular || (h->pseudo & known[i].bit)) {
        h->malformed = true;
        return;
    }
    h->pseudo |= known[i].bit;
    value = keep(h, value);
    switch (known[i].bit) {
    case METHOD:
        h->head->method_text = value;
        break;
    case SCHEME:
        h->scheme = value;
        break;
    case AUTHORITY:
        h->authority = value;
        break;
    default:
        h->path = value;
        break;
    }
}

/* A field that may not come in HTTP/2 (RFC 9113 section 8.2.2). */
static bool is_of_connection(kd_head2 *h, kd_str name)
{
    for (unsigned i = 0; i < KD_COUNT(of_connections); i++)
        if (kd_str_eq(of_connections[i].name, name)) {
            h->connection |= (uint8_t)(1u << i);
            return true;
        }
    return false;
}

/* Notes what the gateway itself has to know. False: the field does not stand in the list. */
static bool note(kd_head2 *h, kd_token token, kd_str value)
{
    switch (token) {
    case KD_HEADER_HOST:
        h->n_hosts++;
        h->field_host = value;
        return false;
    case KD_HEADER_CONTENT_LENGTH:
        if (h->n_lengths++)
            h->lengths_differ |= !kd_str_eq(h->length, value);
        else
            h->length = value;
        return h->n_lengths == 1;
    case KD_HEADER_TE:
        h->te_bad |= h->n_te++ || (value.n && !kd_str_eq(value, KD_STR("trailers")));
        return true;
    case KD_HEADER_EXPECT:
        if (!h->expect.n)
            h->expect = value;
        return true;
    case KD_HEADER_COOKIE:
        h->n_cookies++;
        return true;
    case KD_HEADER_TRAILER:
        return false;
    default:
        return true;
    }
}

static void take_field(kd_head2 *h, kd_str name, kd_str value)
{
    char small[NAME_ON_STACK];
    char *canonical = name.n <= sizeof small ? small : kd_arena_alloc(h->arena, name.n);
    value = keep(h, kd_str_trim(value));
    if (!canonical || h->no_memory) {
        h->no_memory = true;
        return;
    }
    memcpy(canonical, name.p, name.n);
    kd_scan_canonical(canonical, canonical + name.n);
    kd_str text = {canonical, name.n};
    kd_token token = kd_token_of(text);
    if (!note(h, token, value))
        return;
    if (token)
        text = kd_token_name(token);
    else if (canonical == small)
        text = keep(h, text);
    kd_header *field = h->no_memory ? NULL : kd_headers_room(&h->head->headers);
    if (!field) {
        h->no_memory = true;
        return;
    }
    *field = (kd_header){.name = text.p,
                         .name_n = (uint16_t)text.n,
                         .value = value.p,
                         .value_n = (uint32_t)value.n,
                         .token = (uint8_t)token,
                         .flags = KD_HEADER_CHECKED};
    h->head->headers.n++;
}

void kd_head2_field(kd_head2 *h, kd_str name, kd_str value)
{
    if (h->malformed || h->too_large || h->no_memory)
        return;
    bool pseudo = name.n && name.p[0] == ':';
    if (!is_value(value) || (!pseudo && !is_name(name))) {
        h->malformed = true;
        return;
    }
    if (name.n > UINT16_MAX || name.n + FIELD_OVERHEAD > h->left || value.n > h->left - name.n - FIELD_OVERHEAD) {
        h->too_large = true;
        return;
    }
    h->left -= name.n + FIELD_OVERHEAD + value.n;
    h->head->size += name.n + value.n;
    if (pseudo) {
        take_pseudo(h, name, value);
        return;
    }
    h->regular = true;
    if (!is_of_connection(h, name))
        take_field(h, name, value);
}

/* RFC 9113 section 8.3.1 and 8.5. */
static bool target_good(kd_head2 *h)
{
    kd_request_head *head = h->head;
    for (size_t i = 0; i < head->method_text.n; i++)
        if (!kd_scan_is(head->method_text.p[i], KD_SCAN_TOKEN))
            return false;
    head->method = kd_method_of(head->method_text);
    if (head->method == KD_METHOD_CONNECT) {
        if (h->pseudo != (METHOD | AUTHORITY) || !h->authority.n)
            return false;
        head->target = h->authority;
    } else {
        bool scheme = kd_str_eq(h->scheme, KD_STR("http")) || kd_str_eq(h->scheme, KD_STR("https"));
        if (!head->method_text.n || !scheme || !h->path.n || (h->path.p[0] != '/' && !kd_str_eq(h->path, KD_STR("*"))))
            return false;
        head->target = h->path;
    }
    for (size_t i = 0; i < head->target.n; i++)
        if (!kd_scan_is(head->target.p[i], KD_SCAN_TARGET))
            return false;
    return kd_scan_target(head);
}

static bool host_good(kd_head2 *h)
{
    if (h->n_hosts > 1 || (h->n_hosts && h->authority.n && !kd_str_eq_ci(h->authority, h->field_host)))
        return false;
    h->head->host = h->authority.n ? h->authority : h->field_host;
    return kd_scan_host_valid(h->head->host);
}

static bool framing_good(kd_head2 *h, bool body_follows)
{
    kd_request_head *head = h->head;
    head->framing = body_follows ? KD_FRAMING_CHUNKED : KD_FRAMING_NONE;
    if (!h->n_lengths)
        return true;
    if (h->lengths_differ || !kd_scan_length(h->length, &head->length) || (!body_follows && head->length))
        return false;
    head->framing = KD_FRAMING_LENGTH;
    return true;
}

/* A cookie that came in crumbs is one field again (RFC 9113 section 8.2.3). */
static bool join_cookies(kd_head2 *h)
{
    kd_headers *list = &h->head->headers;
    size_t size = 0;
    for (uint32_t i = 0; i < list->n; i++)
        if (list->v[i].token == KD_HEADER_COOKIE)
            size += list->v[i].value_n + 2u;
    char *text = kd_arena_alloc(h->arena, size), *to = text;
    if (!text)
        return false;
    uint32_t n = 0;
    kd_header *first = NULL;
    for (uint32_t i = 0; i < list->n; i++) {
        kd_header field = list->v[i];
        if (field.token != KD_HEADER_COOKIE) {
            list->v[n++] = field;
            continue;
        }
        if (first) {
            *to++ = ';';
            *to++ = ' ';
        } else {
            first = &list->v[n];
            list->v[n++] = field;
        }
        memcpy(to, field.value, field.value_n);
        to += field.value_n;
    }
    list->n = n;
    first->value = text;
    first->value_n = (uint32_t)(to - text);
    return true;
}

static bool refused(const kd_head2 *h, kd_str *text)
{
    for (unsigned i = 0; i < KD_COUNT(of_connections); i++)
        if (h->connection & (1u << i)) {
            *text = of_connections[i].words;
            return true;
        }
    if (h->te_bad)
        *text = KD_STR("request header \"TE\" may only be \"trailers\" in HTTP/2\n");
    return h->te_bad;
}

kd_head2_result kd_head2_finish(kd_head2 *h, bool body_follows, kd_str *text)
{
    *text = KD_STR("");
    if (h->no_memory)
        return KD_HEAD2_NO_MEMORY;
    if (h->malformed || !target_good(h))
        return KD_HEAD2_MALFORMED;
    if (h->too_large)
        return KD_HEAD2_TOO_LARGE;
    if (!host_good(h) || !framing_good(h, body_follows))
        return KD_HEAD2_MALFORMED;
    if (refused(h, text))
        return KD_HEAD2_REFUSED;
    if (h->expect.n && kd_scan_has_word(h->expect, KD_STR("100-continue"))) {
        h->head->expect_continue = body_follows;
        kd_headers_remove_token(&h->head->headers, KD_HEADER_EXPECT);
    }
    if (h->n_cookies > 1 && !join_cookies(h))
        return KD_HEAD2_NO_MEMORY;
    return KD_HEAD2_GOOD;
}

bool kd_head2_trailer_good(kd_str name, kd_str value)
{
    if (!is_name(name) || !is_value(value))
        return false;
    for (unsigned i = 0; i < KD_COUNT(of_connections); i++)
        if (kd_str_eq(of_connections[i].name, name))
            return false;
    return true;
}
