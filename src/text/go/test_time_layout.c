/* time.Parse and Time.MarshalJSON against Go (table by tests/go/gen_encodings.go). */
#include "text/go/fixed.h"
#include "text/go/time_layout.h"
#include "text/test_table.h"

static void parse_as_go(void **state)
{
    table t = table_open("time_layout.tsv");
    while (table_next(&t)) {
        kd_go_time at;
        bool good = kd_go_time_parse(t.field[0], t.field[1], &at);
        if (good != kd_str_eq(t.field[2], KD_STR("1")))
            fail_msg("row %u: '%.*s' as '%.*s'", t.rows, KD_FMT(t.field[1]), KD_FMT(t.field[0]));
        if (!good)
            continue;
        table_check(&t, at.seconds == table_number(t.field[3]), "seconds");
        char room[64];
        kd_buf text = kd_buf_over(room, sizeof(room));
        kd_go_time_rfc3339(&text, &at);
        table_compare(&t, kd_buf_str(&text), t.field[4], "RFC 3339");
    }
}

static void years_beyond_rfc3339_are_not_written(void **state)
{
    char room[64];
    kd_buf text = kd_buf_over(room, sizeof(room));
    assert_false(kd_go_time_rfc3339(&text, &(kd_go_time){.seconds = 253402300800}));
    assert_false(kd_go_time_rfc3339(&text, &(kd_go_time){.offset = 24 * 3600}));
    assert_int_equal(text.n, 0);
    assert_true(kd_go_time_rfc3339(&text, &(kd_go_time){.seconds = 253402300799, .nanos = 120000000}));
    assert_true(kd_str_eq(kd_buf_str(&text), KD_STR("9999-12-31T23:59:59.12Z")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parse_as_go),
        cmocka_unit_test(years_beyond_rfc3339_are_not_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
