#include "gateway/module.h"
#include "gateway/registry.h"
#include "modules/auth/client-credentials/token.h"

#include "gateway/test_front.h"

extern const kd_module kd_module_auth_client_credentials;

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

static void test_form(void **state)
{
    static const kd_oauth_param own[] = {{KD_STR_INIT("audience"), KD_STR_INIT("a b")},
                                         {KD_STR_INIT("audience"), KD_STR_INIT("c")},
                                         {KD_STR_INIT("grant_type"), KD_STR_INIT("other")},
                                         {KD_STR_INIT("client_id"), KD_STR_INIT("mine")}},
                                scope[] = {{KD_STR_INIT("scope"), KD_STR_INIT("x")}},
                                none[] = {{KD_STR_INIT("grant_type"), {NULL, 0}}, {KD_STR_INIT("b"), {NULL, 0}}},
                                no_scope[] = {{KD_STR_INIT("scope"), {NULL, 0}}};
    static const struct {
        const char *scopes;
        const kd_oauth_param *params;
        uint32_t n;
        bool with_client;
        const char *form, *error;
    } cases[] = {
        {"", NULL, 0, false, "grant_type=client_credentials&scope=", NULL},
        {"a, b,,c", NULL, 0, false, "grant_type=client_credentials&scope=a++b++c", NULL},
        {"a", NULL, 0, true, "client_id=i%26d&client_secret=s%C3%A9&grant_type=client_credentials&scope=a", NULL},
        {"", own, 4, false, "audience=a+b&audience=c&client_id=mine&grant_type=other&scope=", NULL},
        {"", own, 4, true,
         "audience=a+b&audience=c&client_id=i%26d&client_secret=s%C3%A9&grant_type=other&scope=", NULL},
        {"", none, 2, false, "scope=", NULL},
        {"", no_scope, 1, false, NULL, "oauth2: cannot overwrite parameter \"scope\""},
        {"", scope, 1, false, NULL, "oauth2: cannot overwrite parameter \"scope\""},
    };
    for (size_t i = 0; i < KD_COUNT(cases); i++) {
        kd_oauth_client client = {.id = KD_STR("i&d"),
                                  .secret = KD_STR("s\xc3\xa9"),
                                  .scopes = kd_str_from_c(cases[i].scopes),
                                  .params = cases[i].params,
                                  .n_params = cases[i].n};
        kd_str form, error;
        bool ok = kd_oauth_form(&arena, &client, cases[i].with_client, &form, &error);
        assert_int_equal(ok, cases[i].form != NULL);
        kd_str want = kd_str_from_c(ok ? cases[i].form : cases[i].error), got = ok ? form : error;
        if (!kd_str_eq(want, got))
            fail_msg("%zu: %.*s", i, KD_FMT(got));
    }
}

static void test_basic(void **state)
{
    kd_oauth_client client = {.id = KD_STR("a b"), .secret = KD_STR("c:d")};
    assert_true(kd_str_eq(kd_oauth_basic(&arena, &client), KD_STR("Basic YStiOmMlM0Fk")));
}

#define FORM  "application/x-www-form-urlencoded"
#define HTML  "text/html"
#define JSON_ "application/json"

static void test_answers(void **state)
{
    static const struct {
        unsigned status;
        const char *type, *body, *authorization;
        int64_t expires_in;
        const char *error;
    } cases[] = {
        {200, JSON_, "{\"access_token\":\"t\"}", "Bearer t", 0, NULL},
        {200, "", "{\"access_token\":\"t\",\"token_type\":\"BEARER\",\"expires_in\":60}", "Bearer t", 60, NULL},
        {201, JSON_, "{\"Access_Token\":\"a\",\"ACCESS_TOKEN\":\"b\",\"token_type\":\"mac\"}", "MAC b", 0, NULL},
        {200, JSON_, "{\"access_token\":\"t\",\"token_type\":\"Own\",\"expires_in\":\"90\"}", "Own t", 90, NULL},
        {200, JSON_, "{\"access_token\":\"t\",\"expires_in\":null}", "Bearer t", 0, NULL},
        {200, JSON_, "{\"access_token\":\"t\",\"expires_in\":-5}", "Bearer t", -5, NULL},
        {200, JSON_, "{\"access_token\":\"t\",\"expires_in\":99999999999}", "Bearer t", INT32_MAX, NULL},
        {200, JSON_, "{\"access_token\":\"t\",\"expires_in\":1.5}", NULL, 0,
         "oauth2: cannot parse json: strconv.ParseInt: parsing \"1.5\": invalid syntax"},
        {200, JSON_, "{\"access_token\":\"t\",\"expires_in\":true}", NULL, 0,
         "oauth2: cannot parse json: json: cannot unmarshal bool into Go value of type json.Number"},
        {200, JSON_, "{\"access_token\":5}", NULL, 0,
         "oauth2: cannot parse json: json: cannot unmarshal number into Go struct field tokenJSON.access_token of type "
         "string"},
        {200, JSON_, "{}", NULL, 0, "oauth2: server response missing access_token"},
        {200, JSON_, "{\"error\":\"x\",\"access_token\":\"t\"}", NULL, 0, "oauth2: \"x\""},
        {400, JSON_, "{\"error\":\"a\",\"error_description\":\"b \\\"c\\\"\",\"error_uri\":\"d\"}", NULL, 0,
         "oauth2: \"a\" \"b \\\"c\\\"\" \"d\""},
        {500, HTML, "oops", NULL, 0, "oauth2: cannot fetch token: 500 Reason\nResponse: oops"},
        {302, JSON_, "{\"access_token\":\"t\"}", NULL, 0,
         "oauth2: cannot fetch token: 302 Reason\nResponse: {\"access_token\":\"t\"}"},
        {200, HTML, "<html>", NULL, 0,
         "oauth2: cannot parse json: invalid character '<' looking for beginning of value"},
        {200, JSON_, "", NULL, 0, "oauth2: cannot parse json: unexpected end of JSON input"},
        {200, JSON_, "[1]", NULL, 0,
         "oauth2: cannot parse json: json: cannot unmarshal array into Go value of type internal.tokenJSON"},
        {200, FORM, "access_token=a%20b&token_type=basic&expires_in=7", "Basic a b", 7, NULL},
        {200, "Text/Plain; charset=utf-8", "access_token=x&expires_in=1.5", "Bearer x", 0, NULL},
        {200, FORM, "error=no&access_token=x", NULL, 0, "oauth2: \"no\""},
        {200, FORM, "access_token=x&b=%zz1", NULL, 0, "oauth2: cannot parse response: invalid URL escape \"%zz\""},
        {200, FORM, "access_token=a;b=c", NULL, 0,
         "oauth2: cannot parse response: invalid semicolon separator in query"},
        {200, FORM, "{\"access_token\":\"t\"}", NULL, 0, "oauth2: server response missing access_token"},
    };
    for (size_t i = 0; i < KD_COUNT(cases); i++) {
        kd_oauth_token token = {.expires_in = 0};
        kd_str error = KD_STR("");
        bool ok = kd_oauth_read(&arena, cases[i].status, KD_STR("Reason"), kd_str_from_c(cases[i].type),
                                kd_str_from_c(cases[i].body), &token, &error);
        if (ok != (cases[i].authorization != NULL) ||
            !kd_str_eq(ok ? token.authorization : error, kd_str_from_c(ok ? cases[i].authorization : cases[i].error)) ||
            token.expires_in != cases[i].expires_in)
            fail_msg("%s: %.*s, %lld", cases[i].body, KD_FMT(ok ? token.authorization : error),
                     (long long)token.expires_in);
    }
}

/* Bytes that no field can carry stay in the token, so that sending it fails. */
static void test_odd_bytes(void **state)
{
    kd_oauth_token token;
    kd_str error, body = KD_STR("{\"access_token\":\"a\\u0000\\r\\nb\"}");
    assert_true(kd_oauth_read(&arena, 200, KD_STR("OK"), KD_STR(JSON_), body, &token, &error));
    assert_true(kd_str_eq(token.authorization, KD_STR("Bearer a\0\r\nb")));
}

static void test_renewal(void **state)
{
    static const struct {
        int64_t expires_in, ms_before;
    } cases[] = {{0, 0},      {-5, 0},      {11, 0},      {59, 0},       {60, 22500},
                 {90, 30000}, {250, 70000}, {251, 70000}, {3600, 70000}, {INT32_MAX, 70000}};
    for (size_t i = 0; i < KD_COUNT(cases); i++)
        assert_int_equal(kd_oauth_renewal(cases[i].expires_in), cases[i].ms_before * KD_MS);
}

/* ---- whole requests ---------------------------------------------------------------------------------------------- */

#define TOKEN   "HTTP/1.1 200 OK\r\nContent-Type: " JSON_ "\r\nContent-Length: 20\r\n\r\n{\"access_token\":\"t\"}"
#define REFUSES "HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n"
#define ANSWERS "HTTP/1.1 200 OK\r\nContent-Type: " JSON_ "\r\nContent-Length: 2\r\n\r\n{}"

/* Two requests at the same time: the second comes while the first waits for the token. */
static void ask_two(unsigned status[2])
{
    static test_front f[2];
    for (int i = 0; i < 2; i++) {
        front_init(&f[i], "GET /a HTTP/1.1\r\nHost: h\r\n\r\n", NULL);
        kd_exchange_handler.on_request(&gateway, &f[i].front);
    }
    for (int i = 0; i < 2; i++)
        run_out("/a", &f[i]);
    for (int i = 0; i < 2; i++)
        status[i] = f[i].status;
    front_fini(&f[0]);
    ledger_before = kd_ledger_used(KD_ACCOUNT_CHUNKS) - f[1].of_head.taken; /* the token stays */
    assert_let_go("/a", &f[1]);
    front_fini(&f[1]);
}

/* Each way of naming the client is tried once, and a failure is that of who asked. */
static void test_joined(void **state)
{
    static const scripted ok[] = {{.bytes = ANSWERS}}, refuses[] = {{.bytes = REFUSES}},
                          recovers[] = {{.bytes = REFUSES}, {.bytes = REFUSES}, {.bytes = TOKEN}};
    unsigned status[2];
    static const kd_module *const modules[] = {&kd_module_auth_client_credentials, NULL};
    kd_modules_register(modules);
    gateway_up("{\"version\":3,\"timeout\":\"1000h\",\"host\":[\"@1\"],\"extra_config\":{\"router\":{"
               "\"disable_access_log\":true}},\"endpoints\":[{\"endpoint\":\"/a\",\"backend\":[{\"url_pattern\":\"/"
               "a\",\"extra_config\":{\"auth/client-credentials\":{\"client_id\":\"i\",\"client_secret\":\"s\","
               "\"token_url\":\"@2/t\"}}}]}]}");
    forget(&one, ok, 1);
    forget(&two, refuses, 1);
    ask_two(status);
    assert_int_equal(status[0], 500);
    assert_int_equal(status[1], 500);
    assert_int_equal(two.requests, 4);
    forget_connections();
    forget(&one, ok, 1);
    forget(&two, recovers, 3);
    ask_two(status);
    assert_int_equal(status[0], 500);
    assert_int_equal(status[1], 200);
    assert_int_equal(two.requests, 3);
    forget_connections();
    gateway_down();
    assert_int_equal(kd_registry_count(), 0);
    kd_namespaces_register(NULL, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_renewal),
                                       cmocka_unit_test(test_joined),
                                       cmocka_unit_test_setup_teardown(test_odd_bytes, setup, teardown),
                                       cmocka_unit_test_setup_teardown(test_form, setup, teardown),
                                       cmocka_unit_test_setup_teardown(test_basic, setup, teardown),
                                       cmocka_unit_test_setup_teardown(test_answers, setup, teardown)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
