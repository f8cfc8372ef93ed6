/* gateway/limits: sizes, defaults, what is refused. */
#include "gateway/limits.h"

#include "base/cpu.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static void parses_sizes(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t bytes; /* 0: refused */
    } table[] = {
        {"1", 1},
        {"100", 100},
        {"100B", 100},
        {"1KB", 1024},
        {"64MB", 64 << 20},
        {"64mb", 64 << 20},
        {"64 MB", 64 << 20},
        {"64MiB", 64 << 20},
        {"64m", 64 << 20},
        {"2G", 2ull << 30},
        {"1TB", 1ull << 40},
        {"8388607TB", 8388607ull << 40},
        {"", 0},
        {"0", 0},
        {"0MB", 0},
        {"MB", 0},
        {"-1", 0},
        {"1.5GB", 0},
        {"64XB", 0},
        {"64MBs", 0},
        {"64iB", 0},
        {"8388608TB", 0},
        {"99999999999999999999", 0},
        {"64MB64", 0},
    };
    for (size_t i = 0; i < KD_COUNT(table); i++) {
        uint64_t bytes = 0;
        bool ok = kd_limits_parse_size(kd_str_from_c(table[i].text), &bytes);
        if (ok != (table[i].bytes != 0) || (ok && bytes != table[i].bytes))
            fail_msg("\"%s\": %d, %llu", table[i].text, ok, (unsigned long long)bytes);
    }
}

/* A block with these members: a JSON object's text, or NULL for none at all. */
static bool load(const char *block, kd_limits *out, kd_errors *errors, kd_arena *arena)
{
    static kd_location here = {.line = 1, .column = 1};
    kd_node members[8] = {0}, object = {.type = KD_NODE_OBJECT, .at = &here, .first = NULL};
    kd_extra extra = {KD_STR("gateway/limits"), &object};
    kd_service service = {.extra = {&extra, block ? 1 : 0}};
    kd_str rest = kd_str_from_c(block ? block : ""), pair, key;
    size_t n = 0;
    /* "key=number key='text'": numbers bare, texts in quotes. */
    while (rest.n && kd_str_split(&rest, ' ', &pair)) {
        assert_true(kd_str_split(&pair, '=', &key));
        bool text = pair.p[0] == '\'';
        members[n] = (kd_node){.type = text ? KD_NODE_STRING : KD_NODE_NUMBER, .key = key, .at = &here};
        members[n].text = text ? kd_str_of(pair.p + 1, pair.n - 2) : pair;
        members[n].number = text ? 0 : strtod(pair.p, NULL);
        if (n)
            members[n - 1].next = &members[n];
        n++;
    }
    object.first = n ? members : NULL;
    kd_arena_init(arena, NULL, 0);
    kd_errors_init(errors, arena, 10);
    return kd_limits_load(&service, out, errors);
}

static void reads_blocks(void **state)
{
    (void)state;
    kd_limits limits;
    kd_errors errors;
    kd_arena arena;
    assert_true(load(NULL, &limits, &errors, &arena));
    assert_int_equal(kd_cpu_default_ceiling(), limits.max_memory);
    assert_true(!limits.memory_given && !limits.max_connections && !limits.max_requests && !limits.max_body_size &&
                !limits.max_header_bytes);
    kd_arena_reset(&arena);
    assert_true(
        load("max_memory='64MB' max_connections=10 max_requests=20 max_header_bytes='8KB' max_body_size=1000000",
             &limits, &errors, &arena));
    assert_int_equal(64 << 20, limits.max_memory);
    assert_int_equal(10, limits.max_connections);
    assert_int_equal(20, limits.max_requests);
    assert_int_equal(8192, limits.max_header_bytes);
    assert_int_equal(1000000, limits.max_body_size);
    assert_true(limits.memory_given && limits.socket_buffer > 0);
    assert_true(limits.exchange_cost >= 2 * limits.socket_buffer);
    kd_arena_reset(&arena);
    /* With plenty of memory the system sizes the buffers of sockets. */
    assert_true(load("max_memory='16GB'", &limits, &errors, &arena));
    assert_int_equal(0, limits.socket_buffer);
    kd_arena_reset(&arena);
}

static void refuses_nonsense(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "max_memory='lots'",  "max_memory='1MB'",      "max_memory=1000",      "max_memory=-1",
        "max_connections=-1", "max_connections='ten'", "max_connections=1.5",  "max_requests=1e10",
        "max_body_size='0'",  "max_body_size=0",       "max_header_bytes='x'",
    };
    for (size_t i = 0; i < KD_COUNT(wrong); i++) {
        kd_limits limits;
        kd_errors errors;
        kd_arena arena;
        bool ok = load(wrong[i], &limits, &errors, &arena);
        if (ok || errors.errors != 1 || !errors.first->at)
            fail_msg("%s: %d, %u errors", wrong[i], ok, errors.errors);
        kd_arena_reset(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(parses_sizes), cmocka_unit_test(reads_blocks),
                                       cmocka_unit_test(refuses_nonsense)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
