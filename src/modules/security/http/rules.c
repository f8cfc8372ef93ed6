#include "modules/security/http/rules.h"

#include "base/buf.h"
#include "base/random.h"
#include "text/base64.h"
#include "text/go/header.h"
#include "text/go/quote.h"
#include "text/go/url.h"

#define URL_MAX     (1024u * 1024)
#define NONCE_BYTES 16

struct kd_secure_rules {
    const kd_str *hosts;
    const kd_regex *const *expressions;
    uint32_t n_hosts;
    kd_secure_field tls[KD_SECURE_FIELDS], plain[KD_SECURE_FIELDS];
    uint32_t n_tls, n_plain;
};

static const kd_str mark = KD_STR_INIT("$NONCE");

/* A value as Go writes one to the wire: line ends are blanks, and none stand at its ends. p is NULL without memory. */
static kd_str wire_value(kd_arena *arena, kd_str value)
{
    kd_str copy = kd_arena_copy(arena, value);
    for (size_t i = 0; copy.p && i < copy.n; i++)
        if (copy.p[i] == '\r' || copy.p[i] == '\n')
            ((char *)copy.p)[i] = ' ';
    return copy.p ? kd_str_trim(copy) : copy;
}

static void add_both(kd_secure_rules *rules, const char *name, kd_str value)
{
    kd_secure_field field = {kd_str_from_c(name), value, false};
    rules->plain[rules->n_plain++] = rules->tls[rules->n_tls++] = field;
}

static bool add_text(kd_secure_rules *rules, kd_arena *arena, const char *name, kd_str text)
{
    if (!text.n)
        return true;
    kd_str value = wire_value(arena, text);
    if (value.p && kd_go_header_valid_value(value))
        add_both(rules, name, value);
    return value.p != NULL;
}

static bool add_policy(kd_secure_rules *rules, kd_arena *arena, kd_str policy)
{
    uint32_t before = rules->n_tls;
    if (!add_text(rules, arena, "Content-Security-Policy", policy))
        return false;
    if (rules->n_tls > before && kd_str_search(policy, mark) >= 0)
        rules->tls[before].nonce = rules->plain[before].nonce = true;
    return true;
}

/* Strict-Transport-Security: only over TLS, unless it is forced (RFC 6797 section 7.2). */
static bool add_sts(kd_secure_rules *rules, kd_arena *arena, const kd_secure_options *options)
{
    if (!options->sts_seconds || options->development)
        return true;
    kd_str value = kd_arena_printf(arena, "max-age=%lld%s", (long long)options->sts_seconds,
                                   options->sts_subdomains ? "; includeSubDomains" : "");
    kd_secure_field field = {KD_STR("Strict-Transport-Security"), value, false};
    rules->tls[rules->n_tls++] = field;
    if (options->sts_on_plain)
        rules->plain[rules->n_plain++] = field;
    return value.p != NULL;
}

kd_secure_rules *kd_secure_rules_create(kd_arena *arena, const kd_secure_options *options)
{
    kd_secure_rules *rules = KD_NEW(arena, kd_secure_rules);
    if (!rules)
        return NULL;
    if (!options->development) {
        rules->hosts = options->hosts;
        rules->expressions = options->expressions;
        rules->n_hosts = options->n_hosts;
    }
    kd_str frames = options->frame_options.n ? options->frame_options
                    : options->deny_frames   ? KD_STR("DENY")
                                             : KD_STR("");
    if (!add_policy(rules, arena, options->content_security_policy) ||
        !add_text(rules, arena, "X-Frame-Options", frames) ||
        !add_text(rules, arena, "Referrer-Policy", options->referrer_policy))
        return NULL;
    if (options->no_sniff)
        add_both(rules, "X-Content-Type-Options", KD_STR("nosniff"));
    if (options->xss_filter)
        add_both(rules, "X-Xss-Protection", KD_STR("1; mode=block"));
    return add_sts(rules, arena, options) ? rules : NULL;
}

static bool fits(const kd_secure_rules *rules, kd_arena *arena, kd_str host)
{
    kd_str text = kd_regex_text(arena, host);
    for (uint32_t i = 0; text.p && i < rules->n_hosts; i++)
        if (kd_regex_match(rules->expressions[i], text))
            return true;
    return false;
}

bool kd_secure_rules_takes_host(const kd_secure_rules *rules, kd_arena *arena, kd_str host)
{
    if (rules->n_hosts && rules->expressions)
        return fits(rules, arena, host.p ? host : KD_STR(""));
    for (uint32_t i = 0; i < rules->n_hosts; i++)
        if (kd_str_eq_ci(rules->hosts[i], host))
            return true;
    return rules->n_hosts == 0;
}

const kd_secure_field *kd_secure_rules_fields(const kd_secure_rules *rules, bool tls, uint32_t *n)
{
    *n = tls ? rules->n_tls : rules->n_plain;
    return tls ? rules->tls : rules->plain;
}

/* What was collected, moved into the arena; p is NULL where it did not fit. */
static kd_str settle(kd_arena *arena, kd_buf *text)
{
    kd_str s = text->failed ? (kd_str){NULL, 0} : kd_arena_copy(arena, kd_buf_str(text));
    kd_buf_fini(text);
    return s;
}

kd_str kd_secure_nonce_value(kd_arena *arena, kd_str value)
{
    uint8_t secret[NONCE_BYTES];
    char nonce[KD_BASE64_ROOM(NONCE_BYTES)];
    if (!kd_random_secret(secret, sizeof secret))
        return (kd_str){NULL, 0};
    size_t n = kd_base64_write(nonce, kd_str_of((const char *)secret, sizeof secret), KD_BASE64_STANDARD);
    while (n && nonce[n - 1] == '=')
        n--;
    kd_buf text;
    kd_buf_init(&text, URL_MAX);
    for (;;) {
        ptrdiff_t at = kd_str_search(value, mark);
        kd_buf_add(&text, at < 0 ? value : kd_str_head(value, (size_t)at));
        if (at < 0)
            return settle(arena, &text);
        kd_buf_printf(&text, "'nonce-%.*s'", (int)n, nonce);
        value = kd_str_from(value, (size_t)at + mark.n);
    }
}

/* ---- to https ---------------------------------------------------------------------------------------------------- */

/* What Go leaves as it is in a host: RFC 3986 section 3.2.2, and what browsers send. */
static bool stands_in_host(uint8_t c)
{
    if ((uint8_t)(kd_lower(c) - 'a') < 26 || (uint8_t)(c - '0') < 10)
        return true;
    return c && strchr("-_.~!$&'()*+,;=:[]<>\"", c) != NULL;
}

static void put_escaped(kd_buf *out, kd_str s, bool (*stands)(uint8_t c), const char *hex)
{
    char *to = kd_buf_room(out, 3 * s.n);
    if (!to)
        return;
    for (size_t i = 0; i < s.n; i++) {
        uint8_t c = (uint8_t)s.p[i];
        if (stands(c)) {
            *to++ = (char)c;
        } else {
            *to++ = '%';
            *to++ = hex[c >> 4];
            *to++ = hex[c & 15];
        }
    }
    out->n = (size_t)(to - out->p);
}

kd_str kd_secure_https_url(kd_arena *arena, kd_str host, kd_str path, bool has_query, kd_str query)
{
    kd_str escaped, bad;
    if (!kd_go_url_escaped_path(arena, path, &escaped, &bad) || !escaped.p)
        return (kd_str){NULL, 0};
    kd_buf url;
    kd_buf_init(&url, URL_MAX);
    kd_buf_add(&url, KD_STR("https://"));
    put_escaped(&url, host, stands_in_host, "0123456789ABCDEF");
    if (escaped.n && escaped.p[0] != '/' && host.n)
        kd_buf_byte(&url, '/');
    kd_buf_add(&url, escaped);
    if (has_query)
        kd_buf_byte(&url, '?');
    kd_buf_add(&url, query);
    return settle(arena, &url);
}

static bool is_ascii(uint8_t c)
{
    return c < 0x80;
}

kd_str kd_secure_location(kd_arena *arena, kd_str url)
{
    kd_buf text;
    kd_buf_init(&text, 3 * URL_MAX);
    put_escaped(&text, url, is_ascii, "0123456789abcdef");
    return settle(arena, &text);
}

kd_str kd_secure_page(kd_arena *arena, kd_str url)
{
    kd_buf page;
    kd_buf_init(&page, 6 * URL_MAX);
    kd_buf_add(&page, KD_STR("<a href=\""));
    kd_go_html_escape(&page, url);
    kd_buf_add(&page, KD_STR("\">Moved Permanently</a>.\n\n"));
    return settle(arena, &page);
}
