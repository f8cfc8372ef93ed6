#include "modules/qos/http-cache/control.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* "Name: value" lines with '\n' between them. */
static void read_fields(kd_headers *out, kd_arena *arena, const char *lines)
{
    kd_str rest = kd_str_from_c(lines), line;
    kd_headers_init(out, arena);
    while (rest.n && kd_str_split(&rest, '\n', &line)) {
        ptrdiff_t colon = kd_str_find(line, ':');
        assert_true(kd_headers_add(out, kd_str_head(line, (size_t)colon), kd_str_from(line, (size_t)colon + 2)));
    }
}

#define NOON "Date: Mon, 02 Jan 2023 12:00:00 GMT\n"
#define AT   1672660800 /* that date */

typedef struct freshness_case {
    const char *answer, *request;
    int after; /* seconds */
    kd_cache_freshness fresh;
} freshness_case;

static const freshness_case cases[] = {
    /* max-age, Expires, neither */
    {NOON "Cache-Control: max-age=60", "", 59, KD_CACHE_FRESH},
    {NOON "Cache-Control: max-age=60", "", 60, KD_CACHE_STALE},
    {NOON "Cache-Control: public, max-age=60, must-revalidate", "", 59, KD_CACHE_FRESH},
    {NOON "Cache-Control: private, max-age=60", "", 59, KD_CACHE_FRESH},
    {NOON "Expires: Mon, 02 Jan 2023 12:01:00 GMT", "", 59, KD_CACHE_FRESH},
    {NOON "Expires: Mon, 02 Jan 2023 12:01:00 GMT", "", 60, KD_CACHE_STALE},
    {NOON "Expires: 0", "", 0, KD_CACHE_STALE},
    {NOON "X: y", "", 0, KD_CACHE_STALE},
    /* max-age counts, not Expires, even when it cannot be read */
    {NOON "Cache-Control: max-age=10\nExpires: Mon, 02 Jan 2023 13:00:00 GMT", "", 20, KD_CACHE_STALE},
    {NOON "Cache-Control: max-age=\"60\"\nExpires: Mon, 02 Jan 2023 13:00:00 GMT", "", 1, KD_CACHE_STALE},
    {NOON "Cache-Control: max-age=99999999999\nExpires: Mon, 02 Jan 2023 13:00:00 GMT", "", 1, KD_CACHE_STALE},
    {NOON "Cache-Control: max-age=9223372036", "", 1000000, KD_CACHE_FRESH},
    {NOON "Cache-Control: max-age=-1", "", 0, KD_CACHE_STALE},
    {NOON "Cache-Control: max-age=", "", 0, KD_CACHE_STALE},
    {NOON "Cache-Control: max-age= 60", "", 0, KD_CACHE_STALE},
    {NOON "Cache-Control: max-age =60", "", 0, KD_CACHE_FRESH},
    {NOON "Cache-Control: max-age=1.5", "", 1, KD_CACHE_FRESH},
    {NOON "Cache-Control: max-age=60=70", "", 65, KD_CACHE_STALE},
    {NOON "Cache-Control: max-age=10,max-age=60", "", 30, KD_CACHE_FRESH},
    /* names are case-sensitive, and the first line counts */
    {NOON "Cache-Control: Max-Age=60", "", 0, KD_CACHE_STALE},
    {NOON "Cache-Control: public\nCache-Control: max-age=60", "", 0, KD_CACHE_STALE},
    {NOON "Cache-Control: s-maxage=60", "", 0, KD_CACHE_STALE},
    /* a Date is needed; Age is nothing */
    {"Cache-Control: max-age=60", "", 0, KD_CACHE_STALE},
    {"Date: yesterday\nCache-Control: max-age=60", "", 0, KD_CACHE_STALE},
    {NOON "Age: 100\nCache-Control: max-age=60", "", 0, KD_CACHE_FRESH},
    {NOON "Cache-Control: max-age=60", "", -1000, KD_CACHE_FRESH},
    {"Date: Fri, 31 Dec 9999 23:59:59 GMT\nCache-Control: max-age=1", "", 0, KD_CACHE_FRESH},
    {"Date: Mon, 02 Jan 0001 23:59:59 GMT\nCache-Control: max-age=9223372036", "", 0, KD_CACHE_STALE},
    /* no-cache on either side */
    {NOON "Cache-Control: no-cache, max-age=60", "", 0, KD_CACHE_STALE},
    {NOON "Cache-Control: max-age=60", "no-cache", 0, KD_CACHE_TRANSPARENT},
    {NOON "Cache-Control: no-cache", "no-cache", 0, KD_CACHE_TRANSPARENT},
    {NOON "Cache-Control: no-cache", "only-if-cached", 0, KD_CACHE_STALE},
    {NOON "Cache-Control: max-age=60", "only-if-cached", 1000, KD_CACHE_FRESH},
    {"X: y", "only-if-cached", 1000, KD_CACHE_FRESH},
    {NOON "Cache-Control: max-age=60", "no-store", 1, KD_CACHE_FRESH},
    /* the request's max-age takes the place of the answer's */
    {NOON "Cache-Control: max-age=60", "max-age=10", 20, KD_CACHE_STALE},
    {NOON "Cache-Control: max-age=60", "max-age=1000", 500, KD_CACHE_FRESH},
    {NOON "Cache-Control: max-age=60", "max-age=x", 0, KD_CACHE_STALE},
    {NOON "X: y", "max-age=1000", 500, KD_CACHE_FRESH},
    {NOON "Cache-Control: max-age=60", "min-fresh=30", 29, KD_CACHE_FRESH},
    {NOON "Cache-Control: max-age=60", "min-fresh=30", 30, KD_CACHE_STALE},
    {NOON "Cache-Control: max-age=60", "min-fresh=x", 50, KD_CACHE_FRESH},
    {NOON "Cache-Control: max-age=60", "max-stale", 100000, KD_CACHE_FRESH},
    {NOON "Cache-Control: max-age=60", "max-stale=30", 89, KD_CACHE_FRESH},
    {NOON "Cache-Control: max-age=60", "max-stale=30", 90, KD_CACHE_STALE},
    {NOON "Cache-Control: max-age=60", "max-stale=30, max-age=0", 20, KD_CACHE_FRESH},
};

static void test_freshness(void **state)
{
    for (size_t i = 0; i < KD_COUNT(cases); i++) {
        kd_arena arena;
        kd_headers answer, request;
        char line[100];
        kd_arena_init(&arena, NULL, 0);
        snprintf(line, sizeof line, "Cache-Control: %s", cases[i].request);
        read_fields(&answer, &arena, cases[i].answer);
        read_fields(&request, &arena, line);
        kd_cache_facts facts = kd_cache_facts_read(&answer);
        kd_cache_control control = kd_cache_control_read(&request);
        kd_ns now = (AT + (int64_t)cases[i].after) * KD_SECOND;
        kd_cache_freshness fresh = kd_cache_fresh(&facts, *cases[i].request ? &control : NULL, now);
        if (fresh != cases[i].fresh)
            fail_msg("case %zu: %s | %s: %d", i, cases[i].answer, cases[i].request, fresh);
        if (!*cases[i].request && fresh == KD_CACHE_FRESH && !kd_cache_is_useful(&facts, now))
            fail_msg("case %zu: fresh, but of no use", i);
        kd_arena_reset(&arena);
    }
}

static void test_stands_in(void **state)
{
    static const struct {
        const char *answer, *request;
        int after;
        bool yes;
    } table[] = {
        {NOON "Cache-Control: max-age=60", "", 0, false},
        {NOON "Cache-Control: stale-if-error", "", 100000, true},
        {NOON "Cache-Control: stale-if-error=100", "", 99, true},
        {NOON "Cache-Control: stale-if-error=100", "", 100, false},
        {NOON "Cache-Control: stale-if-error=x", "stale-if-error", 0, false},
        {"Cache-Control: stale-if-error=100", "", 0, false},
        {"Cache-Control: stale-if-error", "", 0, true},
        {NOON "X: y", "stale-if-error", 0, true},
        {NOON "X: y", "stale-if-error=100", 99, true},
        {NOON "Cache-Control: stale-if-error=10", "stale-if-error=100", 50, true},
        {NOON "Cache-Control: stale-if-error=100", "stale-if-error=10", 50, false},
        {NOON "X: y", "stale-if-error=x", 0, false},
    };
    for (size_t i = 0; i < KD_COUNT(table); i++) {
        kd_arena arena;
        kd_headers answer, request;
        char line[100];
        kd_arena_init(&arena, NULL, 0);
        snprintf(line, sizeof line, "Cache-Control: %s", table[i].request);
        read_fields(&answer, &arena, table[i].answer);
        read_fields(&request, &arena, line);
        kd_cache_facts facts = kd_cache_facts_read(&answer);
        kd_cache_control control = kd_cache_control_read(&request);
        kd_ns now = (AT + (int64_t)table[i].after) * KD_SECOND;
        if (kd_cache_stands_in(&facts, *table[i].request ? &control : NULL, now) != table[i].yes)
            fail_msg("case %zu: %s | %s", i, table[i].answer, table[i].request);
        kd_arena_reset(&arena);
    }
}

static void test_useful(void **state)
{
    static const struct {
        const char *answer;
        bool yes;
    } table[] = {
        {"X: y", false},
        {NOON "X: y", false},
        {NOON "Cache-Control: max-age=10", false}, /* over already */
        {NOON "Cache-Control: max-age=1000", true},
        {"Cache-Control: max-age=1000", false},
        {"Etag: x", true},
        {"Etag:  ", false},
        {"Last-Modified: x", true},
        {"Cache-Control: stale-if-error", true},
        {NOON "Cache-Control: no-cache, max-age=1000", false},
    };
    for (size_t i = 0; i < KD_COUNT(table); i++) {
        kd_arena arena;
        kd_headers answer;
        kd_arena_init(&arena, NULL, 0);
        read_fields(&answer, &arena, table[i].answer);
        for (uint32_t k = 0; k < answer.n; k++)
            answer.v[k].value_n = (uint32_t)kd_str_trim(kd_header_value(&answer.v[k])).n;
        kd_cache_facts facts = kd_cache_facts_read(&answer);
        if (kd_cache_is_useful(&facts, (AT + (int64_t)100) * KD_SECOND) != table[i].yes)
            fail_msg("case %zu: %s", i, table[i].answer);
        kd_arena_reset(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_freshness), cmocka_unit_test(test_stands_in),
                                       cmocka_unit_test(test_useful)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
