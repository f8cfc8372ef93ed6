/* Profiles: one for equal settings and files, another when a file has changed, and what is left out of them. */
#include "net/test_tls.h"

#include "base/log.h"
#include "net/tls_common.h"

static made authority, leaf, other;

static int setup(void **state)
{
    strcpy(test_folder, "/tmp/kd-tls-XXXXXX");
    if (!mkdtemp(test_folder))
        return -1;
    authority = make_certificate(&(recipe){.name = "Authority", .authority = true}, NULL);
    leaf = make_certificate(&(recipe){.name = "leaf"}, &authority);
    other = make_certificate(&(recipe){.name = "other"}, &authority);
    return 0;
}

static int teardown(void **state)
{
    char command[128];
    made_fini(&authority);
    made_fini(&leaf);
    made_fini(&other);
    snprintf(command, sizeof command, "rm -rf %s", test_folder);
    return system(command);
}

/* The settings' own profile is told from another by its number. */
static uint32_t number_of(const kd_tls_options *options)
{
    kd_tls_profile *profile = kd_tls_profile_acquire(options);
    assert_non_null(profile);
    uint32_t number = kd_tls_profile_id(profile);
    assert_int_not_equal(number, 0);
    kd_tls_profile_release(profile);
    return number;
}

static void test_content(void **state)
{
    static const uint16_t curves[] = {23, 24}, suites[] = {0xc02b};
    char path[128];
    write_pem("ca.pem", &authority, false, NULL);
    kd_str file = test_path(path, "ca.pem");
    kd_tls_options options = {.configured = true, .no_system_roots = true, .roots = &file, .n_roots = 1};
    kd_tls_profile *held = kd_tls_profile_acquire(&options);
    uint32_t number = kd_tls_profile_id(held);
    assert_int_equal(number_of(&options), number);
    assert_ptr_equal(kd_tls_profile_acquire(&options), held);
    kd_tls_profile_release(held);
    kd_tls_options changed[8];
    for (size_t i = 0; i < KD_COUNT(changed); i++)
        changed[i] = options;
    changed[0].insecure = true;
    changed[1].min_version = KD_STR("TLS12");
    changed[2].max_version = KD_STR("TLS12");
    changed[3].curves = curves, changed[3].n_curves = 2;
    changed[4].curves = curves, changed[4].n_curves = 1;
    changed[5].suites = suites, changed[5].n_suites = 1;
    changed[6].n_roots = 0;
    changed[7].configured = false;
    for (size_t i = 0; i < KD_COUNT(changed); i++)
        assert_int_not_equal(number_of(&changed[i]), number);
    /* A renewed file makes a new profile, although its path is the same. */
    write_pem("ca.pem", &other, false, NULL);
    assert_int_not_equal(number_of(&options), number);
    write_pem("ca.pem", &authority, false, NULL);
    assert_int_equal(number_of(&options), number);
    kd_tls_profile_release(held);
    assert_int_not_equal(number_of(&options), number); /* the last use was given up: made anew, numbers do not return */
    kd_tls_profile_release(NULL);
}

/* What the profile says about its files, as the log gets it. */
static void problems_of(const kd_tls_options *options, char *to, size_t size)
{
    int pipe_ends[2];
    assert_int_equal(pipe(pipe_ends), 0);
    assert_true(kd_log_start(pipe_ends[1], 1 << 16));
    kd_tls_profile *profile = kd_tls_profile_acquire(options);
    assert_non_null(profile);
    kd_tls_profile_log(profile);
    kd_tls_profile_release(profile);
    kd_log_stop();
    close(pipe_ends[1]);
    size_t n = 0;
    ssize_t got;
    while ((got = read(pipe_ends[0], to + n, size - 1 - n)) > 0)
        n += (size_t)got;
    to[n] = 0;
    close(pipe_ends[0]);
}

static void expect_problem(const kd_tls_options *options, const char *expected)
{
    char text[2048];
    problems_of(options, text, sizeof text);
    if (!*expected) {
        assert_string_equal(text, "");
        return;
    }
    assert_non_null(strstr(text, "ERROR: [SERVICE: HTTP Server] "));
    if (!strstr(text, expected))
        assert_string_equal(text, expected);
}

static void test_certificates(void **state)
{
    static const struct {
        const char *certificate, *key, *problem;
    } cases[] = {
        {"leaf.pem", "leaf.key", ""},
        {"nope.pem", "leaf.key", "/nope.pem: no such file or directory"},
        {"leaf.pem", "nope.key", "/nope.key: no such file or directory"},
        {"leaf.pem", "other.key", ": tls: private key does not match public key"},
        {"leaf.key", "leaf.key", ", but did find a private key; PEM inputs may have been switched"},
        {"leaf.pem", "leaf.pem", ": tls: found a certificate rather than a key in the PEM for the private key"},
        {"leaf.pem", "locked.key", ": tls: failed to parse private key"}, /* nobody is asked for the pass phrase */
        {"leaf.pem", "", ": is a directory"},
    };
    write_pem("leaf.pem", &leaf, false, NULL);
    write_pem("leaf.key", &leaf, true, NULL);
    write_pem("other.key", &other, true, NULL);
    write_pem("locked.key", &leaf, true, "secret");
    for (size_t i = 0; i < KD_COUNT(cases); i++) {
        char paths[2][128];
        kd_tls_files files = {test_path(paths[0], cases[i].certificate), test_path(paths[1], cases[i].key)};
        kd_tls_options options = {
            .configured = true, .no_system_roots = true, .certificates = &files, .n_certificates = 1};
        expect_problem(&options, cases[i].problem);
    }
}

static void test_settings(void **state)
{
    static const uint16_t unknown_suite[] = {0xc02b, 5}, unknown_curve[] = {4588};
    char path[128], empty[128];
    write_pem("not-a-certificate.pem", &leaf, true, NULL);
    kd_str missing = test_path(path, "missing.pem"), wrong = test_path(empty, "not-a-certificate.pem");
    kd_tls_options options = {.configured = true, .no_system_roots = true};
    expect_problem(&options, "");
    options.roots = &missing, options.n_roots = 1;
    expect_problem(&options, "/missing.pem: no such file or directory");
    options.roots = &wrong;
    expect_problem(&options, "/not-a-certificate.pem: no certificate found");
    options.n_roots = 0;
    options.suites = unknown_suite, options.n_suites = 2;
    expect_problem(&options, "Cipher suite 5 is not available");
    options.n_suites = 0;
    options.curves = unknown_curve, options.n_curves = 1;
    expect_problem(&options, "Curve 4588 is not available");
    kd_tls_profile *profile = kd_tls_profile_acquire(&options);
    assert_non_null(profile);
    assert_string_equal(kd_tls_profile_broken(profile), "tls: no supported elliptic curves for ECDHE");
    kd_tls_profile_release(profile);
    options.no_system_roots = false;
    options.n_curves = 0;
    setenv("SSL_CERT_FILE", "/nowhere/at.all", 1);
    setenv("SSL_CERT_DIR", "/nowhere", 1);
    expect_problem(&options, "Cannot load system CA pool: no certificate found");
    /* The folders are read as well. */
    write_pem("ca.pem", &authority, false, NULL);
    setenv("SSL_CERT_DIR", test_folder, 1);
    expect_problem(&options, "");
    unsetenv("SSL_CERT_FILE");
    unsetenv("SSL_CERT_DIR");
}

/* Uses come and go on several threads while the profile is used and unused. */
static void *come_and_go(void *of)
{
    kd_tls_options options = {.configured = true, .no_system_roots = true};
    for (int i = 0; i < 200; i++) {
        kd_tls_profile *profile = kd_tls_profile_acquire(&options);
        kd_tls_profile *again = kd_tls_profile_acquire(&options);
        if (profile != again)
            *(bool *)of = false;
        kd_tls_profile_release(profile);
        kd_tls_profile_release(again);
    }
    return NULL;
}

static void test_threads(void **state)
{
    pthread_t threads[4];
    bool ok[4] = {true, true, true, true};
    for (size_t i = 0; i < KD_COUNT(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, come_and_go, &ok[i]), 0);
    for (size_t i = 0; i < KD_COUNT(threads); i++) {
        pthread_join(threads[i], NULL);
        assert_true(ok[i]);
    }
}

static void test_default(void **state)
{
    kd_tls_profile *profile = kd_tls_profile_default();
    assert_non_null(profile);
    assert_ptr_equal(kd_tls_profile_default(), profile);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_content), cmocka_unit_test(test_certificates), cmocka_unit_test(test_settings),
        cmocka_unit_test(test_threads), cmocka_unit_test(test_default),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
