#include "http/headers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static kd_arena arena;

static int setup(void **state)
{
    kd_arena_init(&arena, NULL, 0);
    return 0;
}

static int teardown(void **state)
{
    kd_arena_fail_after(0);
    kd_arena_reset(&arena);
    return 0;
}

static void every_token_is_found_by_its_name(void **state)
{
    for (unsigned i = KD_HEADER_OTHER + 1; i < KD_HEADER_COUNT; i++) {
        kd_str name = kd_token_name((kd_token)i);
        assert_true(name.n > 0);
        if (kd_token_of(name) != (kd_token)i)
            fail_msg("%.*s is at the wrong slot", KD_FMT(name));
    }
    assert_int_equal(kd_token_name(KD_HEADER_OTHER).n, 0);
}

static void other_names_have_no_token(void **state)
{
    static const char *const names[] = {"",
                                        "X",
                                        "host",
                                        "HOST",
                                        "Hosts",
                                        "X-Forwarded-Fog",
                                        "Accept\t",
                                        "Accept ",
                                        "Cookie",
                                        "X-Real-IP",
                                        "Content_Length",
                                        "Content-Lengt",
                                        "Tee",
                                        "\xff",
                                        "Datf",
                                        "Connectiom",
                                        "Vara"};
    for (size_t i = 0; i < KD_COUNT(names); i++) {
        kd_token token = kd_token_of(kd_str_from_c(names[i]));
        assert_int_equal(token, strcmp(names[i], "Cookie") ? KD_HEADER_OTHER : KD_HEADER_COOKIE);
    }
}

/* The list as "Name=value;Name=value". */
static const char *text_of(const kd_headers *h)
{
    static char text[4096];
    size_t at = 0;
    text[0] = 0;
    for (uint32_t i = 0; i < h->n; i++) {
        kd_str name = kd_header_name(&h->v[i]), value = kd_header_value(&h->v[i]);
        at += (size_t)snprintf(text + at, sizeof text - at, "%s%.*s=%.*s", i ? ";" : "", KD_FMT(name), KD_FMT(value));
        assert_true(at < sizeof text);
    }
    return text;
}

static void fill(kd_headers *h)
{
    kd_headers_init(h, &arena);
    assert_true(kd_headers_add(h, KD_STR("X-B"), KD_STR("1")));
    assert_true(kd_headers_add(h, KD_STR("Accept"), KD_STR("2")));
    assert_true(kd_headers_add_token(h, KD_HEADER_COOKIE, KD_STR("3")));
    assert_true(kd_headers_add(h, KD_STR("X-B"), KD_STR("4")));
    assert_true(kd_headers_add(h, KD_STR("Accept"), KD_STR("")));
}

static void fields_keep_their_order_and_duplicates(void **state)
{
    kd_headers h;
    fill(&h);
    assert_string_equal(text_of(&h), "X-B=1;Accept=2;Cookie=3;X-B=4;Accept=");
    assert_int_equal(h.v[1].token, KD_HEADER_ACCEPT);
    assert_int_equal(h.v[0].token, KD_HEADER_OTHER);
}

static void finding_gives_the_first(void **state)
{
    kd_headers h;
    fill(&h);
    assert_ptr_equal(kd_headers_find(&h, KD_HEADER_ACCEPT), &h.v[1]);
    assert_ptr_equal(kd_headers_find_name(&h, KD_STR("X-B")), &h.v[0]);
    assert_ptr_equal(kd_headers_find_name(&h, KD_STR("Cookie")), &h.v[2]);
    assert_null(kd_headers_find(&h, KD_HEADER_HOST));
    assert_true(kd_headers_say(&h, KD_HEADER_ACCEPT));
    assert_false(kd_headers_say(&h, KD_HEADER_HOST));
    assert_true(kd_headers_add(&h, KD_STR("Range"), KD_STR("")));
    assert_false(kd_headers_say(&h, KD_HEADER_RANGE));
    assert_null(kd_headers_find_name(&h, KD_STR("X-C")));
    assert_null(kd_headers_find_name(&h, KD_STR("x-b")));
}

static void setting_replaces_all(void **state)
{
    kd_headers h;
    fill(&h);
    assert_true(kd_headers_set(&h, KD_STR("X-B"), KD_STR("5")));
    assert_true(kd_headers_set(&h, KD_STR("Accept"), KD_STR("6")));
    assert_true(kd_headers_set(&h, KD_STR("X-New"), KD_STR("7")));
    assert_string_equal(text_of(&h), "X-B=5;Accept=6;Cookie=3;X-New=7");
}

static void removing_tells_how_many(void **state)
{
    kd_headers h;
    fill(&h);
    assert_int_equal(kd_headers_remove(&h, KD_STR("X-B")), 2);
    assert_int_equal(kd_headers_remove(&h, KD_STR("X-C")), 0);
    assert_int_equal(kd_headers_remove_token(&h, KD_HEADER_ACCEPT), 2);
    assert_int_equal(kd_headers_remove(&h, KD_STR("Cookie")), 1);
    assert_int_equal(h.n, 0);
    assert_int_equal(kd_headers_remove_token(&h, KD_HEADER_ACCEPT), 0);
}

/* Compares with a sort that is plainly right: by name, equal names by the number in their value. */
static void check_sorted(uint32_t n, unsigned seed, unsigned names)
{
    kd_headers h;
    kd_headers_init(&h, &arena);
    uint32_t *seen = kd_arena_zero(&arena, n * sizeof(uint32_t) + 1);
    assert_non_null(seen);
    for (uint32_t i = 0; i < n; i++) {
        seed = seed * 1103515245u + 12345u;
        unsigned pick = (seed >> 16) % names;
        /* Names that differ early, only behind the eighth byte, or by length alone. */
        kd_str name = kd_arena_printf(&arena,
                                      pick % 3 == 0   ? "A%u"
                                      : pick % 3 == 1 ? "Long-Name-%u"
                                                      : "Long-Name-%u-",
                                      pick);
        assert_true(kd_headers_add(&h, name, kd_arena_printf(&arena, "%u", i)));
    }
    kd_headers_sort(&h);
    assert_int_equal(h.n, n);
    uint64_t last = 0;
    for (uint32_t i = 0; i < n; i++) {
        uint64_t place;
        assert_true(kd_str_to_u64(kd_header_value(&h.v[i]), n - 1, &place));
        assert_int_equal(seen[place]++, 0);
        if (i > 0) {
            int order = kd_str_cmp(kd_header_name(&h.v[i - 1]), kd_header_name(&h.v[i]));
            assert_true(order < 0 || (order == 0 && last < place));
        }
        last = place;
    }
    kd_arena_reset(&arena);
}

static void sorting_is_stable_at_every_size(void **state)
{
    for (uint32_t n = 0; n < 140; n++)
        for (unsigned names = 1; names < 200; names = names * 3 + 1)
            check_sorted(n, n * 31 + names, names);
    check_sorted(20000, 7, 3);
    check_sorted(20000, 8, 100000);
}

/* An order that is remembered from one list is used for another only where it is right. */
static void the_order_is_that_of_sorting(void **state)
{
    static const char *const some[] = {"Accept",
                                       "Accept-Encoding",
                                       "X-Forwarded-For",
                                       "X-Forwarded-Host",
                                       "X-Forwarded-Via",
                                       "Te",
                                       "X-A",
                                       "X-Forwarded-Foo",
                                       "X-Krakend",
                                       "Date",
                                       "Vary",
                                       "Varying",
                                       "Etag",
                                       "Expect-It",
                                       "Expect-Me",
                                       "Access-Control-Allow-Credentials",
                                       "Access-Control-Allow-Origin",
                                       "Access-Control-Allow-Origin-",
                                       "Access-Control-Expose-Headers",
                                       "Zz"};
    kd_header_order last = {0};
    for (unsigned round = 0; round < 20000; round++) {
        kd_headers a, b;
        kd_headers_init(&a, &arena);
        kd_headers_init(&b, &arena);
        unsigned draw = round / 3, n = round % 40; /* three rounds with the same names */
        n = round % 7 == 0 ? n : 6;
        for (unsigned i = 0; i < n; i++) {
            draw = draw * 1103515245u + 12345u;
            kd_str name = kd_str_from_c(some[(draw >> 16) % KD_COUNT(some)]);
            kd_str value = kd_arena_printf(&arena, "%u", i);
            kd_headers_add(&a, name, value);
            kd_headers_add(&b, name, value);
        }
        const uint8_t *places = kd_headers_order(&a, &last);
        assert_int_equal(places == NULL, n > KD_ORDER_MAX);
        kd_headers_sort(&b);
        for (unsigned i = 0; i < n; i++) {
            const kd_header *header = &a.v[places ? places[i] : i];
            assert_true(kd_str_eq(kd_header_name(header), kd_header_name(&b.v[i])));
            assert_true(kd_str_eq(kd_header_value(header), kd_header_value(&b.v[i])));
        }
        if (round % 100 == 99)
            kd_arena_reset(&arena);
    }
}

static void without_memory_nothing_is_added(void **state)
{
    kd_headers h;
    kd_headers_init(&h, &arena);
    kd_arena_fail_after(1);
    assert_false(kd_headers_add(&h, KD_STR("A"), KD_STR("1")));
    assert_false(kd_headers_set(&h, KD_STR("A"), KD_STR("1")));
    assert_null(kd_headers_room(&h));
    assert_int_equal(h.n, 0);
    kd_arena_fail_after(0);
    assert_true(kd_headers_add(&h, KD_STR("A"), KD_STR("1")));
}

static void a_name_beyond_the_type_is_refused(void **state)
{
    static char name[UINT16_MAX + 1];
    memset(name, 'A', sizeof name);
    kd_headers h;
    kd_headers_init(&h, &arena);
    assert_false(kd_headers_add(&h, kd_str_of(name, sizeof name), KD_STR("1")));
    assert_true(kd_headers_add(&h, kd_str_of(name, sizeof name - 1), KD_STR("1")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_token_is_found_by_its_name, setup, teardown),
        cmocka_unit_test_setup_teardown(other_names_have_no_token, setup, teardown),
        cmocka_unit_test_setup_teardown(fields_keep_their_order_and_duplicates, setup, teardown),
        cmocka_unit_test_setup_teardown(finding_gives_the_first, setup, teardown),
        cmocka_unit_test_setup_teardown(setting_replaces_all, setup, teardown),
        cmocka_unit_test_setup_teardown(removing_tells_how_many, setup, teardown),
        cmocka_unit_test_setup_teardown(sorting_is_stable_at_every_size, setup, teardown),
        cmocka_unit_test_setup_teardown(the_order_is_that_of_sorting, setup, teardown),
        cmocka_unit_test_setup_teardown(without_memory_nothing_is_added, setup, teardown),
        cmocka_unit_test_setup_teardown(a_name_beyond_the_type_is_refused, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
