/* What `check` says of values in tls and client_tls that do not do what people expect. */
#include "config/load_bytes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define KEYS "\"keys\":[{\"public_key\":\"a\",\"private_key\":\"b\"}]"

static void test_findings(void **state)
{
    static const struct {
        const char *root; /* members of the root */
        const char *key, *message;
    } cases[] = {
        {"\"tls\":{" KEYS "}", NULL, NULL},
        {"\"tls\":{" KEYS ",\"min_version\":\"TLS12\",\"max_version\":\"TLS13\"}", NULL, NULL},
        {"\"tls\":{" KEYS ",\"min_version\":\"\"}", NULL, NULL},
        {"\"tls\":{" KEYS ",\"min_version\":\"SSL3.0\"}", NULL, NULL},
        {"\"tls\":{" KEYS ",\"min_version\":\"tls12\"}", "tls.min_version",
         "expected TLS10, TLS11, TLS12 or TLS13, found \"tls12\": TLS 1.3 is used"},
        {"\"tls\":{" KEYS ",\"max_version\":\"TLS12\"}", "tls.max_version",
         "no version lies between min_version, which is TLS 1.3 where nothing else is said, and this: every handshake "
         "fails"},
        {"\"tls\":{" KEYS ",\"curve_preferences\":[29,4588]}", "tls.curve_preferences",
         "4588 is not available: it has no effect"},
        {"\"tls\":{" KEYS ",\"min_version\":\"TLS12\",\"cipher_suites\":[49199,158]}", "tls.cipher_suites",
         "158 is not available: it has no effect"},
        {"\"tls\":{" KEYS ",\"min_version\":\"TLS12\",\"cipher_suites\":[4865,4866,4867]}", "tls.cipher_suites",
         "HTTP/2 needs 49199 or 49195 among them: the gateway does not start"},
        {"\"tls\":{" KEYS ",\"cipher_suites\":[4865]}", "tls.cipher_suites",
         "the suites of TLS 1.3 cannot be chosen, and no other version is spoken: this has no effect"},
        {"\"tls\":{}", "tls", "public key not defined: the gateway does not start"},
        {"\"tls\":{\"disabled\":true,\"min_version\":\"x\"}", NULL, NULL},
        {"\"tls\":{\"keys\":[{\"private_key\":\"b\"}]}", "tls.keys",
         "public key not defined: the gateway does not start"},
        {"\"tls\":{\"keys\":[{\"public_key\":\"b\"}]}", "tls.keys",
         "private key not defined: the gateway does not start"},
        {"\"tls\":{" KEYS ",\"public_key\":\"c\"}", "tls.public_key",
         "private key not defined: the gateway does not start"},
        {"\"tls\":{" KEYS ",\"private_key\":\"c\"}", "tls", "public key not defined: the gateway does not start"},
        {"\"tls\":{\"public_key\":\"a\",\"private_key\":\"b\"}", NULL, NULL},
        {"\"client_tls\":{\"min_version\":\"1.2\"}", "client_tls.min_version",
         "expected TLS10, TLS11, TLS12 or TLS13, found \"1.2\": TLS 1.3 is used"},
        {"\"client_tls\":{\"curve_preferences\":[1]}", "client_tls.curve_preferences",
         "1 is not available: it has no effect"},
    };
    for (size_t i = 0; i < KD_COUNT(cases); i++) {
        kd_arena arena;
        kd_errors errors;
        kd_loaded loaded;
        kd_load_options options = {.path = "f.json"};
        kd_arena_init(&arena, NULL, 0);
        kd_errors_init(&errors, &arena, 100);
        kd_str text = kd_arena_printf(&arena, "{\"version\":3,%s}", cases[i].root);
        kd_config_load_bytes(&arena, &arena, &options, text, KD_SEVERITY_ERROR, &errors, &loaded);
        assert_non_null(loaded.service);
        assert_int_equal(errors.count, cases[i].key ? 1 : 0);
        if (cases[i].key) {
            assert_int_equal(errors.first->severity, KD_SEVERITY_WARNING);
            assert_non_null(errors.first->at);
            if (!kd_str_eq(errors.first->key, kd_str_from_c(cases[i].key)) ||
                !kd_str_eq(errors.first->message, kd_str_from_c(cases[i].message)))
                fail_msg("%s: got %.*s: %.*s", cases[i].root, KD_FMT(errors.first->key), KD_FMT(errors.first->message));
        }
        kd_arena_reset(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_findings)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
