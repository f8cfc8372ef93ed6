#include "modules/security/cors/policy.h"

#include <stdlib.h>
#include <string.h>

#define BLANKS_MAX 1  /* around a name */
#define EMPTY_MAX  16 /* empty names of one request */

typedef struct entry {
    kd_str head, tail; /* around the asterisk; an origin without one is all head */
    uint32_t mark;     /* of an origin without one */
    bool open;
} entry;

struct kd_cors_policy {
    bool all_origins, all_headers;
    const entry *origins;
    uint32_t n_origins;
    uint32_t *places; /* of the origins without an asterisk, plus one, by their marks; 0: free */
    uint32_t mask;    /* how many places there are, less one: at least half are free */
    kd_cors_list methods;
    const kd_str *names; /* small letters, sorted, each once */
    uint32_t n_names;
    size_t longest; /* of them */
};

static const kd_str star = KD_STR_INIT("*");
static const kd_str simple_methods[] = {KD_STR_INIT("GET"), KD_STR_INIT("POST"), KD_STR_INIT("HEAD")};

static bool has_star(kd_cors_list list)
{
    for (uint32_t i = 0; i < list.n; i++)
        if (kd_str_eq(list.v[i], star))
            return true;
    return false;
}

static kd_str small_letters(kd_arena *arena, kd_str s)
{
    kd_str copy = kd_arena_copy(arena, s);
    for (size_t i = 0; copy.p && i < copy.n; i++)
        ((char *)copy.p)[i] = (char)kd_lower((uint8_t)copy.p[i]);
    return copy;
}

/* Tells most texts of one length apart, where comparing each with the whole list would look at their common beginnings.
 */
static uint32_t mark_of(kd_str s)
{
    uint64_t mark = s.n, word;
    if (s.n < sizeof word)
        return (uint32_t)mark;
    for (size_t i = 0; i + sizeof word < s.n; i += sizeof word) {
        memcpy(&word, s.p + i, sizeof word);
        mark = (mark ^ word) * 0x9E3779B97F4A7C15u;
        mark ^= mark >> 32;
    }
    memcpy(&word, s.p + s.n - sizeof word, sizeof word);
    mark = (mark ^ word) * 0x9E3779B97F4A7C15u;
    mark ^= mark >> 32;
    return (uint32_t)mark;
}

static bool read_places(kd_cors_policy *policy, kd_arena *arena)
{
    size_t n = 2;
    while (n < 2 * (size_t)policy->n_origins)
        n *= 2;
    if (n > UINT32_MAX)
        return false;
    policy->places = KD_NEW_ARRAY(arena, uint32_t, n);
    policy->mask = (uint32_t)n - 1;
    for (uint32_t i = 0; policy->places && i < policy->n_origins; i++) {
        uint32_t at = policy->origins[i].mark & policy->mask;
        if (policy->origins[i].open)
            continue;
        while (policy->places[at])
            at = (at + 1) & policy->mask;
        policy->places[at] = i + 1;
    }
    return policy->places != NULL;
}

static bool read_origins(kd_cors_policy *policy, kd_arena *arena, kd_cors_list list)
{
    policy->all_origins = list.n == 0 || has_star(list);
    if (policy->all_origins)
        return true;
    entry *origins = KD_NEW_ARRAY(arena, entry, list.n);
    for (uint32_t i = 0; origins && i < list.n; i++) {
        kd_str text = small_letters(arena, list.v[i]);
        ptrdiff_t at = text.p ? kd_str_find(text, '*') : -1;
        if (!text.p)
            return false;
        origins[i] = (entry){.head = text, .tail = KD_STR(""), .mark = mark_of(text), .open = at >= 0};
        if (at >= 0) {
            origins[i].head = kd_str_head(text, (size_t)at);
            origins[i].tail = kd_str_from(text, (size_t)at + 1);
        }
    }
    policy->origins = origins;
    policy->n_origins = list.n;
    return origins && read_places(policy, arena);
}

static int by_bytes(const void *a, const void *b)
{
    return kd_str_cmp(*(const kd_str *)a, *(const kd_str *)b);
}

static bool read_names(kd_cors_policy *policy, kd_arena *arena, kd_cors_list list)
{
    policy->all_headers = list.n == 0 || has_star(list);
    if (policy->all_headers)
        return true;
    kd_str *names = KD_NEW_ARRAY(arena, kd_str, list.n);
    for (uint32_t i = 0; names && i < list.n; i++) {
        names[i] = small_letters(arena, list.v[i]);
        if (!names[i].p)
            return false;
        if (names[i].n > policy->longest)
            policy->longest = names[i].n;
    }
    if (!names)
        return false;
    qsort(names, list.n, sizeof *names, by_bytes);
    for (uint32_t i = 0; i < list.n; i++)
        if (i == 0 || !kd_str_eq(names[i], names[policy->n_names - 1]))
            names[policy->n_names++] = names[i];
    policy->names = names;
    return true;
}

kd_cors_policy *kd_cors_policy_create(kd_arena *arena, const kd_cors_options *options)
{
    kd_cors_policy *policy = KD_NEW(arena, kd_cors_policy);
    if (!policy || !read_origins(policy, arena, options->origins) || !read_names(policy, arena, options->headers))
        return NULL;
    policy->methods = options->methods.n ? options->methods : (kd_cors_list){simple_methods, KD_COUNT(simple_methods)};
    return policy;
}

bool kd_cors_policy_takes_all(const kd_cors_policy *policy)
{
    return policy->all_origins;
}

ptrdiff_t kd_cors_policy_place(const kd_cors_policy *policy, kd_str origin)
{
    if (policy->n_origins <= 1) {
        const entry *only = policy->origins;
        return policy->n_origins && !only->open && kd_str_eq(only->head, origin) ? 0 : -1;
    }
    uint32_t mark = mark_of(origin), at = mark & policy->mask;
    for (; policy->places[at]; at = (at + 1) & policy->mask) {
        const entry *o = &policy->origins[policy->places[at] - 1];
        if (o->mark == mark && kd_str_eq(o->head, origin))
            return (ptrdiff_t)policy->places[at] - 1;
    }
    return -1;
}

uint32_t kd_cors_policy_origins(const kd_cors_policy *policy)
{
    return policy->n_origins;
}

kd_str kd_cors_policy_origin(const kd_cors_policy *policy, uint32_t i)
{
    return policy->origins[i].open ? (kd_str){NULL, 0} : policy->origins[i].head;
}

static bool fits(const entry *o, kd_str s)
{
    if (!o->open)
        return kd_str_eq_ci(s, o->head);
    return s.n >= o->head.n + o->tail.n && kd_str_eq_ci(kd_str_head(s, o->head.n), o->head) &&
           kd_str_eq_ci(kd_str_from(s, s.n - o->tail.n), o->tail);
}

bool kd_cors_policy_takes_origin(const kd_cors_policy *policy, kd_str origin)
{
    if (policy->all_origins || kd_cors_policy_place(policy, origin) >= 0)
        return true;
    /* browsers send origins in small letters: this is for others, for asterisks, and for those that are not let in */
    for (uint32_t i = 0; i < policy->n_origins; i++)
        if (fits(&policy->origins[i], origin))
            return true;
    return false;
}

bool kd_cors_policy_takes_method(const kd_cors_policy *policy, kd_str method)
{
    for (uint32_t i = 0; i < policy->methods.n; i++)
        if (kd_str_eq(method, policy->methods.v[i]))
            return true;
    return kd_str_eq(method, KD_STR("OPTIONS"));
}

/* ---- the names that a preflight asks for ------------------------------------------------------------------------- */

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* Takes at most BLANKS_MAX blanks from either end. False: there are more, and something behind them. */
static bool trim(kd_str *s)
{
    size_t from = 0, to = s->n;
    while (to && is_blank(s->p[to - 1]))
        to--;
    if (to && s->n - to > BLANKS_MAX)
        return false;
    if (!to && s->n > BLANKS_MAX + 1)
        return false;
    while (from < to && is_blank(s->p[from]))
        from++;
    if (from > BLANKS_MAX)
        return false;
    *s = kd_str_of(s->p + from, to - from);
    return true;
}

/* The place of a name among the known ones, or -1. */
static int64_t place(const kd_cors_policy *policy, kd_str name)
{
    const kd_str *found = bsearch(&name, policy->names, policy->n_names, sizeof name, by_bytes);
    return found ? found - policy->names : -1;
}

typedef struct progress {
    int64_t last; /* the place of the name before */
    unsigned empty;
} progress;

static bool takes_value(const kd_cors_policy *policy, kd_str value, progress *so_far)
{
    /* no name is longer, so that no more is looked at before the next comma */
    size_t window = policy->longest + 2 * BLANKS_MAX + 1;
    for (bool more = true; more;) {
        ptrdiff_t comma = kd_str_find(kd_str_head(value, window), ',');
        kd_str name = comma >= 0 ? kd_str_head(value, (size_t)comma) : value;
        more = comma >= 0;
        if (more)
            value = kd_str_from(value, (size_t)comma + 1);
        if (!trim(&name))
            return false;
        if (name.n == 0) {
            if (++so_far->empty > EMPTY_MAX)
                return false;
            continue;
        }
        int64_t at = place(policy, name);
        if (at <= so_far->last)
            return false;
        so_far->last = at;
    }
    return true;
}

bool kd_cors_policy_takes_headers(const kd_cors_policy *policy, kd_cors_list values)
{
    progress so_far = {.last = -1};
    bool ok = true;
    for (uint32_t i = 0; i < values.n && ok && !policy->all_headers; i++)
        ok = takes_value(policy, values.v[i], &so_far);
    return ok;
}
