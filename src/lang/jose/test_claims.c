#include "lang/jose/claims.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static kd_arena arena;

static int setup(void **state)
{
    kd_arena_init(&arena, NULL, 0);
    return 0;
}

static int teardown(void **state)
{
    kd_arena_reset(&arena);
    return 0;
}

static kd_str text(const char *c)
{
    return kd_str_from_c(c);
}

#define AUDIENCE "go-jose/go-jose/jwt: expected string or array value to unmarshal to Audience"
#define DATE     "go-jose/go-jose/jwt: expected number value to unmarshal NumericDate"
#define STRING   "json: cannot unmarshal number into Go value of type string"
#define TWICE    "json: duplicate key 'a' in object"

static void test_types(void **state)
{
    static const struct {
        const char *payload, *error, *late; /* NULL: none */
    } cases[] = {
        {"{}", NULL, NULL},
        {" {\"sub\":null,\"exp\":null} ", NULL, NULL},
        {"null", NULL, NULL},
        {"{\"aud\":[]}", NULL, NULL},
        {"{\"exp\":1e3,\"nbf\":1.5,\"iat\":-1}", NULL, NULL},
        {"{\"x\":\"\\ud800\"}", NULL, NULL},
        {"{\"sub\":1}", STRING, NULL},
        {"{\"jti\":1}", STRING, NULL},
        {"{\"iss\":1}", STRING, NULL},
        {"{\"aud\":null}", AUDIENCE, NULL},
        {"{\"aud\":1}", AUDIENCE, NULL},
        {"{\"aud\":{}}", AUDIENCE, NULL},
        {"{\"aud\":[\"a\",1]}", AUDIENCE, NULL},
        {"{\"exp\":\"1\"}", DATE, NULL},
        {"{\"exp\":true}", DATE, NULL},
        {"{\"nbf\":[]}", DATE, NULL},
        {"{\"iat\":{}}", DATE, NULL},
        {"{\"exp\":1e999}", DATE, NULL},
        {"{\"a\":1,\"b\":2,\"a\":3}", TWICE, NULL},
        {"{\"d\":{\"a\":1,\"a\":1}}", NULL, TWICE},
        {"{\"d\":[{\"a\":1,\"b\":1,\"c\":1,\"d\":1,\"e\":1,\"f\":1,\"g\":1,\"h\":1,\"i\":1,\"j\":1,\"k\":1,\"l\":1,"
         "\"a\":1}]}",
         NULL, TWICE},
        {"{\"d\":1e999}", NULL, "json: cannot unmarshal number 1e999 into Go value of type float64"},
        {"", "unexpected end of JSON input", NULL},
        {"[]", "json: cannot unmarshal array into Go value of type jwt.Claims", NULL},
        {"\"a\"", "json: cannot unmarshal string into Go value of type jwt.Claims", NULL},
        {"{}{}", "invalid character '{' after top-level value", NULL},
        {"{\"a\"", "unexpected end of JSON input", NULL},
    };
    for (size_t i = 0; i < KD_COUNT(cases); i++) {
        kd_claims claims;
        kd_str error;
        bool good = kd_claims_parse(&arena, text(cases[i].payload), &claims, &error);
        if (good != !cases[i].error || (!good && !kd_str_eq(error, text(cases[i].error))))
            fail_msg("%s: %s%.*s", cases[i].payload, good ? "accepted" : "", good ? 0 : (int)error.n, error.p);
        if (good && (cases[i].late ? !kd_str_eq(claims.late_error, text(cases[i].late)) : claims.late_error.p != NULL))
            fail_msg("%s: late error %.*s", cases[i].payload, KD_FMT(claims.late_error));
    }
}

static void test_depth(void **state)
{
    enum { DEEP = 9000 };
    char payload[2 * DEEP + 16];
    kd_claims claims;
    kd_str error;
    size_t n = 5;
    memcpy(payload, "{\"a\":", 5);
    memset(payload + n, '[', DEEP);
    memset(payload + n + DEEP, ']', DEEP);
    n += 2 * DEEP;
    payload[n++] = '}';
    assert_true(kd_claims_parse(&arena, kd_str_of(payload, n), &claims, &error));
}

/* Now is 1000 s; half a second more in the second column. */
static void test_check(void **state)
{
    static const struct {
        const char *payload;
        int half, leeway;
        const char *issuer, *audience, *refusal; /* part of it; NULL: valid */
    } cases[] = {
        {"{}", 0, 1, "", "", NULL},
        {"{\"exp\":999}", 0, 1, "", "", NULL},
        {"{\"exp\":999}", 1, 1, "", "", "(exp)"},
        {"{\"exp\":998}", 0, 1, "", "", "(exp)"},
        {"{\"exp\":998.9}", 0, 1, "", "", "(exp)"},
        {"{\"exp\":998}", 0, 2, "", "", NULL},
        {"{\"exp\":0}", 0, 1, "", "", "(exp)"},
        {"{\"exp\":1e300}", 0, 1, "", "", "(exp)"},
        {"{\"exp\":-1e300}", 0, 1, "", "", "(exp)"},
        {"{\"exp\":9223372036854775807}", 0, 1, "", "", "(exp)"},
        {"{\"exp\":9e15}", 0, 1, "", "", NULL},
        {"{\"nbf\":1001}", 0, 1, "", "", NULL},
        {"{\"nbf\":1002}", 0, 1, "", "", "(nbf)"},
        {"{\"nbf\":1002}", 1, 1, "", "", "(nbf)"},
        {"{\"nbf\":1e300}", 0, 1, "", "", NULL},
        {"{\"iat\":1001}", 0, 1, "", "", NULL},
        {"{\"iat\":1002}", 0, 1, "", "", "field, token issued in the future (iat)"},
        {"{\"iss\":\"me\"}", 0, 1, "me", "", NULL},
        {"{\"iss\":\"Me\"}", 0, 1, "me", "", "(iss)"},
        {"{}", 0, 1, "me", "", "(iss)"},
        {"{\"aud\":\"a\"}", 0, 1, "", "a", NULL},
        {"{\"aud\":[\"b\",\"a\"]}", 0, 1, "", "a", NULL},
        {"{\"aud\":[\"b\"]}", 0, 1, "", "a", "(aud)"},
        {"{\"aud\":[]}", 0, 1, "", "a", "(aud)"},
        {"{\"exp\":0,\"iss\":\"x\"}", 0, 1, "me", "", "(iss)"},
    };
    for (size_t i = 0; i < KD_COUNT(cases); i++) {
        kd_claims claims;
        kd_str error, audience = text(cases[i].audience);
        assert_true(kd_claims_parse(&arena, text(cases[i].payload), &claims, &error));
        bool good =
            kd_claims_check(&claims, text(cases[i].issuer), (kd_texts){&audience, audience.n ? 1 : 0},
                            1000 * KD_SECOND + cases[i].half * KD_SECOND / 2, cases[i].leeway * KD_SECOND, &error);
        if (good != !cases[i].refusal || (!good && kd_str_search(error, text(cases[i].refusal)) < 0))
            fail_msg("%s: %d %.*s", cases[i].payload, good, KD_FMT(error));
    }
}

static kd_value claims_of(const char *payload)
{
    kd_claims claims;
    kd_str error;
    assert_true(kd_claims_parse(&arena, text(payload), &claims, &error));
    return claims.all;
}

static void test_roles(void **state)
{
    static const struct {
        const char *payload, *key;
        bool nested;
        const char *wanted[3];
        bool has;
    } cases[] = {
        {"{}", "roles", false, {NULL}, true},
        {"{}", "roles", false, {"a"}, false},
        {"{\"roles\":[\"b\",\"a\"]}", "roles", false, {"a"}, true},
        {"{\"roles\":[\"b\"]}", "roles", false, {"a", "b"}, true},
        {"{\"roles\":\"x a y\"}", "roles", false, {"a"}, true},
        {"{\"roles\":\"x,a\"}", "roles", false, {"a"}, false},
        {"{\"roles\":\"x  y\"}", "roles", false, {""}, true},
        {"{\"roles\":[]}", "roles", false, {"a"}, false},
        {"{\"roles\":[\"a\",1]}", "roles", false, {"a"}, true},
        {"{\"roles\":[1,\"a\"]}", "roles", false, {"a"}, false},
        {"{\"roles\":5}", "roles", false, {"5"}, false},
        {"{\"a.b\":[\"r\"]}", "a.b", false, {"r"}, true},
        {"{\"a\":{\"b\":[\"r\"]}}", "a.b", true, {"r"}, true},
        {"{\"a\":{\"b\":[\"r\"]}}", "a.b", false, {"r"}, false},
        {"{\"a\":[\"r\"]}", "a.b", true, {"r"}, false},
        {"{\"a\":{\"\":[\"r\"]}}", "a.", true, {"r"}, true},
    };
    for (size_t i = 0; i < KD_COUNT(cases); i++) {
        kd_str wanted[3];
        uint32_t n = 0;
        for (; n < 3 && cases[i].wanted[n]; n++)
            wanted[n] = text(cases[i].wanted[n]);
        if (kd_claims_have_role(claims_of(cases[i].payload), text(cases[i].key), cases[i].nested,
                                (kd_texts){wanted, n}) != cases[i].has)
            fail_msg("%s", cases[i].payload);
    }
}

static void test_scopes(void **state)
{
    static const struct {
        const char *payload, *key;
        bool any, all; /* of a and b */
    } cases[] = {
        {"{\"s\":\"a b c\"}", "s", true, true},
        {"{\"s\":\"b\"}", "s", true, false},
        {"{\"s\":[\"a\",\"b\"]}", "s", true, true},
        {"{\"s\":[\"c\"]}", "s", false, false},
        {"{\"s\":[]}", "s", false, false},
        {"{\"s\":[\"a\",\"b\",1]}", "s", false, false},
        {"{\"s\":{\"t\":\"a\"}}", "s.t", true, false},
        {"{\"s.t\":\"a\"}", "s.t", false, false},
        {"{\"http://x.y\":\"a\"}", "http://x.y", false, false},
        {"{}", "s", false, false},
        {"{\"s\":7}", "s", false, false},
    };
    const kd_str wanted[] = {KD_STR("a"), KD_STR("b")};
    for (size_t i = 0; i < KD_COUNT(cases); i++) {
        kd_value claims = claims_of(cases[i].payload);
        bool any = kd_claims_have_scopes(claims, text(cases[i].key), (kd_texts){wanted, 2}, false);
        bool all = kd_claims_have_scopes(claims, text(cases[i].key), (kd_texts){wanted, 2}, true);
        if (any != cases[i].any || all != cases[i].all)
            fail_msg("%s: %d %d", cases[i].payload, any, all);
    }
}

static void test_texts(void **state)
{
    static const struct {
        const char *json, *whole;
    } cases[] = {
        {"\"a b\"", "a b"},
        {"5", "5"},
        {"5.0000001", "5"},
        {"1.5", "1.500000"},
        {"-0.25", "-0.250000"},
        {"1e15", "1000000000000000"},
        {"1e300", "-9223372036854775808"},
        {"true", "true"},
        {"null", "null"},
        {"{\"b\":1,\"a\":\"<\"}", "{\"a\":\"\\u003c\",\"b\":1}"},
        {"[]", ""},
        {"[\"a\",\"b\"]", "a,b"},
        {"[1,1000000,1234567,1.5,true,null]", "1,1e+06,1.234567e+06,1.5,true,<nil>"},
        {"[{\"b\":1,\"a\":2},[1,\"x\"]]", "map[a:2 b:1],[1 x]"},
    };
    for (size_t i = 0; i < KD_COUNT(cases); i++) {
        kd_str payload = kd_arena_printf(&arena, "{\"v\":%s}", cases[i].json);
        kd_buf out;
        kd_buf_init(&out, 1000);
        kd_claim_text(&out, kd_value_get(claims_of(payload.p), KD_STR("v")));
        if (!kd_str_eq(kd_buf_str(&out), text(cases[i].whole)))
            fail_msg("%s: %.*s", cases[i].json, KD_FMT(kd_buf_str(&out)));
        kd_buf_fini(&out);
    }
    assert_true(kd_claims_is_path(KD_STR("a.b")));
    assert_false(kd_claims_is_path(KD_STR("http://a.b")));
    assert_false(kd_claims_is_path(KD_STR("a")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_types, setup, teardown),
        cmocka_unit_test_setup_teardown(test_depth, setup, teardown),
        cmocka_unit_test_setup_teardown(test_check, setup, teardown),
        cmocka_unit_test_setup_teardown(test_roles, setup, teardown),
        cmocka_unit_test_setup_teardown(test_scopes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_texts, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
