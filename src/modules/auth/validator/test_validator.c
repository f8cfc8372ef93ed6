/* The rooms' parts by themselves, then whole requests with a key server and a backend that follow scripts. */
#include "config/json_tree.h"
#include "gateway/module.h"
#include "gateway/registry.h"
#include "lang/jose/base64.h"
#include "modules/auth/validator/extract.h"
#include "modules/auth/validator/memory.h"
#include "modules/auth/validator/options.h"
#include "modules/auth/validator/store.h"

#include "gateway/test_front.h"

extern const kd_module kd_module_auth_validator;

/* ---- parts ------------------------------------------------------------------------------------------------------- */

static kd_str text(const char *c)
{
    return kd_str_from_c(c);
}

static void test_extract(void **state)
{
    static const struct {
        const char *field, *token;
    } fields[] = {
        {"Bearer abc", "abc"}, {"bEARER abc", "abc"},  {"Bearer  abc", " abc"},        {"abc", "abc"},
        {"Bearer", "Bearer"},  {"Bearer ", "Bearer "}, {"Bearer\tabc", "Bearer\tabc"}, {"Basic abc", "Basic abc"},
    };
    static const struct {
        const char *field, *token; /* NULL: none */
    } cookies[] = {
        {"t=abc", "abc"},     {"a=1; t=abc; t=def", "abc"},
        {"t=\"abc\"", "abc"}, {"t=a b,c", "a b,c"},
        {"t=a\\b; t=c", "c"}, {"t=\"a; t=c", "c"},
        {"T=abc", NULL},      {"tt=abc", NULL},
        {";; t=abc", "abc"},  {"t", ""},
        {"", NULL},           {" t = abc ", " abc"},
        {"t=a\x7f", NULL},    {"t=a=b==", "a=b=="},
    };
    for (size_t i = 0; i < KD_COUNT(fields); i++)
        if (!kd_str_eq(kd_token_of_field(text(fields[i].field)), text(fields[i].token)))
            fail_msg("%s", fields[i].field);
    for (size_t i = 0; i < KD_COUNT(cookies); i++) {
        kd_str token;
        bool found = kd_token_of_cookies(text(cookies[i].field), KD_STR("t"), &token);
        if (found != (cookies[i].token != NULL) || (found && !kd_str_eq(token, text(cookies[i].token))))
            fail_msg("%s: %d", cookies[i].field, found);
    }
    kd_str token;
    assert_false(kd_token_of_cookies(KD_STR("a b=x"), KD_STR("a b"), &token));
    assert_false(kd_token_of_cookies(KD_STR("t[]=x"), KD_STR("t[]"), &token));
}

static kd_remembered *keep(kd_token_memory *memory, kd_str token)
{
    kd_remembered *entry = kd_token_memory_begin(memory, token);
    assert_non_null(entry);
    kd_token_memory_keep(memory, entry);
    return entry;
}

static void test_memory(void **state)
{
    size_t before = kd_ledger_used(KD_ACCOUNT_CACHES);
    kd_token_memory *memory = kd_token_memory_create();
    char name[32];
    assert_null(kd_token_memory_find(memory, KD_STR("a")));
    for (unsigned i = 0; i < KD_MEMORY_TOKENS + 10; i++) {
        int n = snprintf(name, sizeof name, "token %u", i);
        kd_token_memory_unuse(memory, keep(memory, kd_str_of(name, (size_t)n)));
        kd_remembered *first = i < KD_MEMORY_TOKENS ? kd_token_memory_find(memory, KD_STR("token 0")) : NULL;
        if (first) /* so the others are older */
            kd_token_memory_unuse(memory, first);
    }
    assert_in_range(kd_token_memory_count(memory), 1, KD_MEMORY_TOKENS);
    assert_null(kd_token_memory_find(memory, KD_STR("token 1")));
    kd_remembered *used = kd_token_memory_find(memory, KD_STR("token 0"));
    assert_non_null(used);
    kd_token_memory_forget(memory, used);
    assert_null(kd_token_memory_find(memory, KD_STR("token 0")));
    assert_true(kd_str_eq(used->token, KD_STR("token 0"))); /* it stays for who uses it */
    kd_token_memory_unuse(memory, used);
    static char large[KD_MEMORY_TOKEN + 1];
    memset(large, 'x', sizeof large);
    assert_null(kd_token_memory_begin(memory, kd_str_of(large, sizeof large)));
    kd_token_memory_drop(kd_token_memory_begin(memory, KD_STR("dropped")));
    kd_token_memory_destroy(memory);
    assert_int_equal(kd_ledger_used(KD_ACCOUNT_CACHES), before);
}

static void test_options(void **state)
{
    static const struct {
        const char *block, *error; /* NULL: it is read */
    } cases[] = {
        {"{\"alg\":\"RS256\",\"jwk_url\":\"https://a\"}", NULL},
        {"{\"ALG\":\"RS256\",\"Jwk_Url\":\"https://a\",\"cache_duration\":1e3,\"unknown\":5,\"issuer\":null}", NULL},
        {"{\"jwk_url\":\"http://a\"}", "JWK client is using an insecure connection to the JWK service"},
        {"{\"jwk_url\":\"HTTPS://a\"}", "JWK client is using an insecure connection to the JWK service"},
        {"{}", "JWK client is using an insecure connection to the JWK service"},
        {"null", "JWK client is using an insecure connection to the JWK service"},
        {"\"RS256\"", "json: cannot unmarshal string into Go value of type jose.SignatureConfig"},
        {"{\"cache\":\"yes\"}",
         "json: cannot unmarshal string into Go struct field SignatureConfig.cache of type bool"},
        {"{\"audience\":\"me\"}",
         "json: cannot unmarshal string into Go struct field SignatureConfig.audience of type []string"},
        {"{\"audience\":[1]}",
         "json: cannot unmarshal number into Go struct field SignatureConfig.audience of type string"},
        {"{\"cache_duration\":1.5}",
         "json: cannot unmarshal number 1.5 into Go struct field SignatureConfig.cache_duration of type uint32"},
        {"{\"cache_duration\":-1}",
         "json: cannot unmarshal number -1 into Go struct field SignatureConfig.cache_duration of type uint32"},
        {"{\"cipher_suites\":[70000]}",
         "json: cannot unmarshal number 70000 into Go struct field SignatureConfig.cipher_suites of type uint16"},
        {"{\"cypher_key\":\"_-==\"}", "illegal base64 data at input byte 0"},
        {"{\"propagate_claims\":[\"a\"]}",
         "json: cannot unmarshal string into Go struct field SignatureConfig.propagate_claims of type []string"},
        {"{\"roles\":{},\"alg\":1}",
         "json: cannot unmarshal number into Go struct field SignatureConfig.alg of type string"},
    };
    for (size_t i = 0; i < KD_COUNT(cases); i++) {
        kd_arena arena;
        kd_errors errors;
        kd_str compat, error;
        kd_validator_options o;
        kd_arena_init(&arena, NULL, 0);
        kd_errors_init(&errors, &arena, 5);
        kd_str file = kd_arena_printf(&arena, "{\"b\":%s}", cases[i].block);
        const kd_node *node = kd_node_get(kd_json_tree_read(&arena, KD_STR("f"), file, &errors, &compat), KD_STR("b"));
        assert_non_null(node);
        bool good = kd_validator_options_read(&arena, node, &o, &error);
        if (good != !cases[i].error || (!good && !kd_str_eq(error, text(cases[i].error))))
            fail_msg("%s: %d %.*s", cases[i].block, good, good ? 0 : (int)error.n, error.p);
        if (good) {
            assert_true(kd_str_eq(o.alg, KD_STR("RS256")) && kd_str_eq(o.roles_key, KD_STR("roles")));
            assert_int_equal(o.leeway, KD_SECOND);
        }
        kd_arena_reset(&arena);
    }
}

static void test_sets(void **state)
{
    kd_arena arena;
    kd_jwk_list one_list, two_list;
    kd_str error;
    kd_arena_init(&arena, NULL, 0);
    assert_true(
        kd_jwk_list_read(&arena,
                         KD_STR("{\"keys\":[{\"kty\":\"oct\",\"k\":\"AA\",\"kid\":\"a\"},{\"kty\":\"oct\",\"k\":"
                                "\"AQ\",\"kid\":\"b\"},{\"kty\":\"oct\",\"k\":\"Ag\",\"kid\":\"b\"}]}"),
                         true, &one_list, &error));
    assert_true(kd_jwk_list_read(&arena, KD_STR("{\"keys\":[{\"kty\":\"oct\",\"k\":\"Aw\",\"kid\":\"a\"}]}"), true,
                                 &two_list, &error));
    kd_jwk_set *first = kd_jwk_set_create(&one_list, NULL, 100, 50);
    const kd_jwk_entry *b = kd_jwk_set_find(first, KD_JOSE_BY_KID, KD_STR("b"));
    assert_true(b && b->jwk == one_list.v[2]); /* the last of equal names */
    assert_null(kd_jwk_set_find(first, KD_JOSE_BY_KID, KD_STR("c")));
    assert_non_null(kd_jwk_set_find(first, KD_JOSE_BY_X5T, KD_STR("")));
    kd_jwk_set *second = kd_jwk_set_create(&two_list, first, 150, 50),
               *third = kd_jwk_set_create(&two_list, second, 151, 50);
    assert_ptr_equal(kd_jwk_set_find(second, KD_JOSE_BY_KID, KD_STR("a"))->jwk, two_list.v[0]);
    b = kd_jwk_set_find(second, KD_JOSE_BY_KID, KD_STR("b"));
    assert_true(b && b->seen == 100); /* not in the document any more, but its time is not over */
    assert_null(kd_jwk_set_find(third, KD_JOSE_BY_KID, KD_STR("b")));
    kd_source_value_unref(&first->base);
    kd_source_value_unref(&second->base);
    kd_source_value_unref(&third->base);
    kd_jwk_list_fini(&one_list);
    kd_jwk_list_fini(&two_list);
    kd_arena_reset(&arena);
}

static void test_budget(void **state)
{
    kd_jwk_store store = {0};
    unsigned n = 0;
    kd_ns now = 1000 * KD_SECOND;
    for (unsigned i = 0; i < 10000; i++)
        n += kd_jwk_store_allows(&store, now);
    assert_int_equal(n, 20);
    assert_false(kd_jwk_store_allows(&store, now + 199 * KD_MS));
    assert_true(kd_jwk_store_allows(&store, now + 200 * KD_MS));
    assert_false(kd_jwk_store_allows(&store, now + 200 * KD_MS));
}

/* ---- whole requests ---------------------------------------------------------------------------------------------- */

/* HS256 with the key "secret": {"sub":"a","roles":["x"],"exp":4102444800}. */
#define HEAD_A     "eyJhbGciOiJIUzI1NiIsImtpZCI6ImEifQ"
#define TOKEN_A    HEAD_A ".eyJzdWIiOiJhIiwicm9sZXMiOlsieCJdLCJleHAiOjQxMDI0NDQ4MDB9.@"
#define JSON(body) "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: " body

#define SET     "{\"keys\":[{\"kty\":\"oct\",\"kid\":\"a\",\"k\":\"c2VjcmV0\"}]}"
#define GIVES   JSON("49\r\n\r\n" SET)
#define OK      JSON("2\r\n\r\n{}")
#define REFUSES "HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n"

static const char config[] =
    "{\"version\":3,\"timeout\":\"1000h\",\"host\":[\"@1\"],\"extra_config\":{\"router\":{\"disable_access_log\":true}}"
    ","
    "\"endpoints\":["
    "{\"endpoint\":\"/kept\",\"backend\":[{\"url_pattern\":\"/k\"}],\"extra_config\":{\"auth/"
    "validator\":{\"alg\":\"HS256\","
    "\"jwk_url\":\"@2/jwk\",\"disable_jwk_security\":true,\"cache\":true,\"roles\":[\"x\"]}}},"
    "{\"endpoint\":\"/asked\",\"backend\":[{\"url_pattern\":\"/a/{JWT.sub}\"}],\"extra_config\":{\"auth/validator\":{"
    "\"alg\":\"HS256\",\"jwk_url\":\"@2/other\",\"disable_jwk_security\":true,\"roles\":[\"x\"]}}},"
    "{\"endpoint\":\"/cool\",\"backend\":[{\"url_pattern\":\"/c\"}],\"extra_config\":{\"auth/"
    "validator\":{\"alg\":\"HS256\","
    "\"jwk_url\":\"@2/cool\",\"disable_jwk_security\":true,\"failed_jwk_key_cooldown\":\"1h\"}}},"
    "{\"endpoint\":\"/broken\",\"backend\":[{\"url_pattern\":\"/k\"}],\"extra_config\":{\"auth/"
    "validator\":{\"alg\":\"HS256\"}}}"
    "]}";

/* The token of TOKEN_A's head and payload with its signature, or with another one. */
static const char *signed_token(bool good)
{
    static char token[512];
    kd_arena arena;
    kd_jwk_list list;
    kd_str error, input = kd_str_head(KD_STR(TOKEN_A), sizeof TOKEN_A - 3), signature;
    char bytes[KD_JWK_SIGNATURE_MAX];
    kd_arena_init(&arena, NULL, 0);
    assert_true(kd_jwk_list_read(&arena, KD_STR(SET), true, &list, &error));
    size_t n = kd_jwk_sign(list.v[0], kd_jose_alg_find(KD_STR("HS256")), input, bytes);
    bytes[0] ^= !good;
    signature = kd_jose_base64url_write(&arena, kd_str_of(bytes, n));
    assert_non_null(signature.p);
    snprintf(token, sizeof token, "%.*s.%.*s", KD_FMT(input), KD_FMT(signature));
    kd_jwk_list_fini(&list);
    kd_arena_reset(&arena);
    return token;
}

static unsigned ask(const char *path, const char *token)
{
    static test_front f;
    char request[1024];
    snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: h\r\n%s%s%s\r\n", path,
             token ? "Authorization: Bearer " : "", token ? token : "", token ? "\r\n" : "");
    front_init(&f, request, NULL);
    kd_exchange_handler.on_request(&gateway, &f.front);
    run_out(path, &f);
    ledger_before = kd_ledger_used(KD_ACCOUNT_CHUNKS) - f.of_head.taken; /* keys and tokens stay */
    assert_let_go(path, &f);
    unsigned status = f.status;
    if (status == 401 || status == 403) { /* nothing but the status */
        assert_int_equal(f.body.n, 0);
        if (kd_str_search(kd_buf_str(&f.fields), KD_STR("X-Krakend")) >= 0)
            fail_msg("%s: %.*s", path, KD_FMT(kd_buf_str(&f.fields)));
    }
    front_fini(&f);
    return status;
}

/* Two requests at the same time: the second comes while the first waits for the key server. */
static void ask_two(const char *path, const char *token, unsigned status[2])
{
    static test_front f[2];
    char request[2][1024];
    for (int i = 0; i < 2; i++) {
        snprintf(request[i], sizeof request[i], "GET %s HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer %s\r\n\r\n", path,
                 token);
        front_init(&f[i], request[i], NULL);
        kd_exchange_handler.on_request(&gateway, &f[i].front);
    }
    for (int i = 0; i < 2; i++)
        run_out(path, &f[i]);
    for (int i = 0; i < 2; i++) {
        status[i] = f[i].status;
        front_fini(&f[i]);
    }
}

static void serve(const scripted *keys, size_t n)
{
    static const scripted ok[] = {{.bytes = OK}};
    forget_connections();
    forget(&one, ok, 1);
    forget(&two, keys, n);
}

static void test_requests(void **state)
{
    static const scripted gives[] = {{.bytes = GIVES}}, refuses[] = {{.bytes = REFUSES}};
    char good[512], bad[512];
    snprintf(good, sizeof good, "%s", signed_token(true));
    snprintf(bad, sizeof bad, "%s", signed_token(false));
    static const kd_module *const modules[] = {&kd_module_auth_validator, NULL};
    kd_modules_register(modules);
    gateway_up(config);

    serve(gives, 1);
    assert_int_equal(ask("/kept", NULL), 401);
    assert_int_equal(two.requests, 0); /* nobody asks for a key without a token */
    assert_int_equal(ask("/kept", bad), 401);
    assert_int_equal(ask("/kept", good), 200);
    assert_int_equal(ask("/kept", good), 200);
    assert_int_equal(ask("/kept", bad), 401);
    assert_int_equal(two.requests, 1);
    assert_int_equal(one.requests, 2);
    assert_int_equal(ask("/broken", good), 401);

    serve(gives, 1); /* without cache: a fetch for each token, verified before or not */
    assert_int_equal(ask("/asked", good), 200);
    assert_int_equal(ask("/asked", good), 200);
    assert_int_equal(two.requests, 2);
    serve(refuses, 1);
    assert_int_equal(ask("/asked", good), 401);
    assert_int_equal(ask("/kept", good), 200); /* the keys are kept */

    /* who came while a fetch was under way has not been asked for by it: once more, but not for ever */
    static const scripted recovers[] = {{.bytes = REFUSES}, {.bytes = GIVES}};
    unsigned status[2];
    serve(recovers, 2);
    ask_two("/asked", good, status);
    assert_int_equal(status[0], 401);
    assert_int_equal(status[1], 200);
    assert_int_equal(two.requests, 2);
    serve(refuses, 1);
    ask_two("/asked", good, status);
    assert_int_equal(status[1], 401);
    assert_int_equal(two.requests, 2);

    serve(refuses, 1);
    assert_int_equal(ask("/cool", good), 401);
    assert_int_equal(two.requests, 1);
    serve(gives, 1);
    assert_int_equal(ask("/cool", good), 401); /* for an hour */
    assert_int_equal(two.requests, 0);

    serve(gives, 1);
    gateway_down();
    assert_int_equal(kd_registry_count(), 0);
    kd_namespaces_register(NULL, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_extract), cmocka_unit_test(test_memory), cmocka_unit_test(test_options),
        cmocka_unit_test(test_sets),    cmocka_unit_test(test_budget), cmocka_unit_test(test_requests),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
