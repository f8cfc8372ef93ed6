/* Whole requests: a backend answers, objects leave as tokens. The signatures themselves: lang/jose. */
#include "gateway/module.h"
#include "gateway/registry.h"
#include "lang/jose/jws.h"

#include "gateway/test_front.h"

extern const kd_module kd_module_auth_signer;

#define JSON(n, body)                                                                                                  \
    "HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nX-Backend: b\r\nContent-Length: " n "\r\n\r\n" body
#define ANSWER "{\"t\":{\"b\":1.50,\"a\":\"<\"},\"u\":\"x\",\"v\":[1]}"
#define SET    "{\"keys\":[{\"kty\":\"oct\",\"kid\":\"a\",\"k\":\"c2VjcmV0\"}]}"

static const char config[] =
    "{\"version\":3,\"timeout\":\"1000h\",\"host\":[\"@1\"],\"extra_config\":{\"router\":{\"disable_access_log\":true}}"
    ","
    "\"endpoints\":["
    "{\"endpoint\":\"/s\",\"cache_ttl\":\"1h\",\"backend\":[{\"url_pattern\":\"/k\"}],\"extra_config\":{\"auth/"
    "signer\":{"
    "\"alg\":\"HS256\",\"kid\":\"a\",\"jwk_url\":\"@2/jwk\",\"disable_jwk_security\":true,"
    "\"keys_to_sign\":[\"t\",\"u\",\"v\",\"w\"]}}},"
    "{\"endpoint\":\"/late\",\"backend\":[{\"url_pattern\":\"/k\"}],\"extra_config\":{\"auth/signer\":{"
    "\"alg\":\"HS256\",\"kid\":\"a\",\"jwk_url\":\"@2/late\",\"disable_jwk_security\":true,\"keys_to_sign\":[\"t\"]}}},"
    "{\"endpoint\":\"/wrong\",\"backend\":[{\"url_pattern\":\"/k\"}],\"extra_config\":{\"auth/signer\":{"
    "\"alg\":\"HS256\",\"kid\":\"a\",\"jwk_url\":\"http://127.0.0.1/\",\"keys_to_sign\":[\"t\"]}}}"
    "]}";

static unsigned ask(const char *path, char *body, size_t room, bool *fields)
{
    static test_front f;
    char request[256];
    snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: h\r\n\r\n", path);
    front_init(&f, request, NULL);
    kd_exchange_handler.on_request(&gateway, &f.front);
    run_out(path, &f);
    ledger_before = kd_ledger_used(KD_ACCOUNT_CHUNKS) - f.of_head.taken; /* keys and tokens stay */
    assert_let_go(path, &f);
    snprintf(body, room, "%.*s", KD_FMT(kd_buf_str(&f.body)));
    kd_str all = kd_buf_str(&f.fields);
    *fields = kd_str_search(all, KD_STR("X-Krakend")) >= 0 || kd_str_search(all, KD_STR("Cache-Control")) >= 0 ||
              kd_str_search(all, KD_STR("X-Backend")) >= 0;
    unsigned status = f.status;
    front_fini(&f);
    return status;
}

static void serve(const char *answer, const char *keys)
{
    static scripted of_one, of_two;
    forget_connections();
    of_one = (scripted){.bytes = answer};
    of_two = (scripted){.bytes = keys};
    forget(&one, &of_one, 1);
    forget(&two, &of_two, 1);
}

/* The signature is right, and the payload is the object as Go writes it. */
static void assert_signed(const char *body)
{
    static const char before[] = "{\"t\":\"", after[] = "\",\"u\":\"x\",\"v\":[1]}";
    kd_arena arena;
    kd_jwk_list list;
    kd_jws jws;
    kd_str error, token = kd_str_from_c(body);
    kd_arena_init(&arena, NULL, 0);
    assert_true(kd_str_starts(token, kd_str_from_c(before)) && kd_str_ends(token, kd_str_from_c(after)));
    token = kd_str_of(token.p + sizeof before - 1, token.n - (sizeof before - 1) - (sizeof after - 1));
    assert_true(kd_jwk_list_read(&arena, KD_STR(SET), true, &list, &error));
    assert_true(kd_jws_parse(&arena, token, &jws, &error));
    assert_true(kd_jws_verify(&jws, list.v[0], kd_jose_alg_find(KD_STR("HS256")), &error));
    assert_true(kd_str_eq(jws.kid, KD_STR("a")));
    assert_true(kd_str_eq(jws.payload, KD_STR("{\"a\":\"\\u003c\",\"b\":1.50}")));
    kd_jwk_list_fini(&list);
    kd_arena_reset(&arena);
}

static void test_requests(void **state)
{
    static const char keys[] = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 49\r\n\r\n" SET;
    static const char nothing[] = "HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n";
    static const char answer[] = JSON("40", ANSWER);
    char body[1024];
    bool fields;
    static const kd_module *const modules[] = {&kd_module_auth_signer, NULL};
    kd_modules_register(modules);
    gateway_up(config);

    serve(answer, keys);
    assert_int_equal(ask("/s", body, sizeof body, &fields), 200);
    assert_signed(body);
    assert_false(fields);
    assert_int_equal(ask("/s", body, sizeof body, &fields), 200);
    assert_int_equal(two.requests, 1); /* the key is asked for once */

    serve(nothing, nothing);
    assert_int_equal(ask("/s", body, sizeof body, &fields), 400);
    assert_string_equal(body, "");
    assert_false(fields);

    serve(answer, nothing); /* without a key nobody is let in, and the backend is not asked */
    assert_int_equal(ask("/late", body, sizeof body, &fields), 401);
    assert_int_equal(ask("/wrong", body, sizeof body, &fields), 401);
    assert_int_equal(one.requests, 0);

    serve(answer, keys);
    gateway_down();
    assert_int_equal(kd_registry_count(), 0);
    kd_namespaces_register(NULL, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_requests)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
