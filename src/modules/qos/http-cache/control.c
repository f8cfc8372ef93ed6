#include "modules/qos/http-cache/control.h"

#include "text/go/duration.h"
#include "text/go/time_layout.h"

static kd_str trim_spaces(kd_str s)
{
    while (s.n && s.p[0] == ' ')
        s = kd_str_from(s, 1);
    while (s.n && s.p[s.n - 1] == ' ')
        s.n--;
    return s;
}

static void set(kd_cache_control *c, kd_str name, kd_str value)
{
    if (kd_str_eq(name, KD_STR("no-cache")))
        c->no_cache = true;
    else if (kd_str_eq(name, KD_STR("no-store")))
        c->no_store = true;
    else if (kd_str_eq(name, KD_STR("only-if-cached")))
        c->only_if_cached = true;
    else if (kd_str_eq(name, KD_STR("max-age")))
        c->max_age = value;
    else if (kd_str_eq(name, KD_STR("min-fresh")))
        c->min_fresh = value;
    else if (kd_str_eq(name, KD_STR("max-stale")))
        c->max_stale = value;
    else if (kd_str_eq(name, KD_STR("stale-if-error")))
        c->stale_if_error = value;
}

kd_cache_control kd_cache_control_read(const kd_headers *headers)
{
    kd_cache_control c = {0};
    const kd_header *h = kd_headers_find(headers, KD_HEADER_CACHE_CONTROL);
    kd_str rest = h ? kd_header_value(h) : (kd_str){NULL, 0}, part, name, value;
    while (rest.p && kd_str_split(&rest, ',', &part)) {
        part = trim_spaces(part);
        if (!part.n)
            continue;
        kd_str_split(&part, '=', &name);
        if (part.p)
            kd_str_split(&part, '=', &value); /* what follows a second '=' counts for nothing */
        else
            value = KD_STR("");
        set(&c, trim_spaces(name), value);
    }
    return c;
}

/* A count of seconds as Go reads "<text>s": fractions count, and so do units. */
static bool read_seconds(kd_str text, kd_ns *out)
{
    char with_unit[64];
    kd_str error;
    if (text.n >= sizeof with_unit)
        return false;
    if (text.n)
        memcpy(with_unit, text.p, text.n);
    with_unit[text.n] = 's';
    return kd_go_duration_parse(kd_str_of(with_unit, text.n + 1), out, &error);
}

static bool read_date(kd_str text, int64_t *seconds)
{
    kd_go_time t;
    if (!text.n || !kd_go_time_parse(KD_STR("Mon, 02 Jan 2006 15:04:05 MST"), text, &t))
        return false;
    *seconds = t.seconds;
    return true;
}

/* a - b in nanoseconds, within what the type holds. */
static kd_ns seconds_between(int64_t a, int64_t b)
{
    const int64_t most = INT64_MAX / KD_SECOND;
    int64_t d = a - b;
    return d > most ? INT64_MAX : d < -most ? INT64_MIN : d * KD_SECOND;
}

static kd_str first(const kd_headers *headers, kd_str name)
{
    const kd_header *h = kd_headers_find_name(headers, name);
    return h ? kd_header_value(h) : KD_STR("");
}

kd_cache_facts kd_cache_facts_read(const kd_headers *headers)
{
    kd_cache_control c = kd_cache_control_read(headers);
    kd_cache_facts f = {.no_cache = c.no_cache, .no_store = c.no_store};
    const kd_header *date = kd_headers_find(headers, KD_HEADER_DATE);
    int64_t expires;
    f.dated = date && read_date(kd_header_value(date), &f.date);
    if (c.max_age.p) {
        if (!read_seconds(c.max_age, &f.lifetime))
            f.lifetime = 0;
    } else if (f.dated && read_date(first(headers, KD_STR("Expires")), &expires)) {
        f.lifetime = seconds_between(expires, f.date);
    }
    f.validates = first(headers, KD_STR("Etag")).n || first(headers, KD_STR("Last-Modified")).n;
    f.varies = kd_headers_find(headers, KD_HEADER_VARY) != NULL;
    if (c.stale_if_error.p)
        f.stale_if_error = !c.stale_if_error.n                            ? KD_STALE_ALWAYS
                           : read_seconds(c.stale_if_error, &f.stale_for) ? KD_STALE_FOR
                                                                          : KD_STALE_BAD;
    return f;
}

static kd_ns age_of(const kd_cache_facts *f, kd_ns now)
{
    kd_ns whole = seconds_between(now / KD_SECOND, f->date);
    return whole == INT64_MAX || whole == INT64_MIN ? whole : whole + now % KD_SECOND;
}

static kd_ns plus(kd_ns a, kd_ns b)
{
    kd_ns sum;
    return __builtin_add_overflow(a, b, &sum) ? (b > 0 ? INT64_MAX : INT64_MIN) : sum;
}

kd_cache_freshness kd_cache_fresh(const kd_cache_facts *f, const kd_cache_control *request, kd_ns now)
{
    static const kd_cache_control none;
    const kd_cache_control *r = request ? request : &none;
    if (r->no_cache)
        return KD_CACHE_TRANSPARENT;
    if (f->no_cache)
        return KD_CACHE_STALE;
    if (r->only_if_cached)
        return KD_CACHE_FRESH;
    if (!f->dated)
        return KD_CACHE_STALE;
    kd_ns age = age_of(f, now), lifetime = f->lifetime, more;
    if (r->max_age.p && !read_seconds(r->max_age, &lifetime))
        lifetime = 0;
    if (r->min_fresh.p && read_seconds(r->min_fresh, &more))
        age = plus(age, more);
    if (r->max_stale.p && !r->max_stale.n)
        return KD_CACHE_FRESH;
    if (r->max_stale.p && read_seconds(r->max_stale, &more))
        age = plus(age, -more);
    return lifetime > age ? KD_CACHE_FRESH : KD_CACHE_STALE;
}

bool kd_cache_stands_in(const kd_cache_facts *f, const kd_cache_control *request, kd_ns now)
{
    kd_ns lifetime = f->stale_if_error == KD_STALE_FOR ? f->stale_for : -1;
    if (f->stale_if_error == KD_STALE_BAD)
        return false;
    if (f->stale_if_error == KD_STALE_ALWAYS)
        return true;
    if (request && request->stale_if_error.p) {
        if (!request->stale_if_error.n)
            return true;
        if (!read_seconds(request->stale_if_error, &lifetime))
            return false;
    }
    return lifetime >= 0 && f->dated && lifetime > age_of(f, now);
}

bool kd_cache_is_useful(const kd_cache_facts *f, kd_ns now)
{
    return f->validates || kd_cache_stands_in(f, NULL, now) || kd_cache_fresh(f, NULL, now) == KD_CACHE_FRESH;
}
