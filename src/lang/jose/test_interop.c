/* Tokens of other implementations (tests/jose/gen_vectors.py): each is accepted, and refused with any byte changed;
 * what we sign ourselves verifies with the same keys. */
#include "lang/jose/claims.h"
#include "lang/jose/json.h"
#include "lang/jose/jws.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

typedef struct vector {
    kd_str maker, public, private, token;
    const kd_jose_alg *alg;
} vector;

static kd_jwk *read_key(kd_arena *arena, kd_str text)
{
    kd_jose_json json;
    kd_str error;
    assert_true(kd_jose_json_read(arena, text, &json, &error));
    kd_jwk *jwk = kd_jwk_create(arena, json.value, &error);
    if (!jwk)
        fail_msg("%.*s: %.*s", KD_FMT(text), KD_FMT(error));
    return jwk;
}

static bool accepts(kd_arena *arena, kd_str token, kd_jwk *jwk, const kd_jose_alg *alg)
{
    kd_jws jws;
    kd_str error;
    if (!kd_jws_parse(arena, token, &jws, &error) || !kd_str_eq(jws.alg, alg->name))
        return false;
    return kd_jws_verify(&jws, jwk, alg, &error);
}

/* Does a changed text mean the same bytes? Bits behind the last byte of a part mean nothing. */
static bool means_the_same(kd_arena *arena, kd_str a, kd_str b)
{
    kd_jws one, two;
    kd_str error;
    return kd_jws_parse(arena, a, &one, &error) && kd_jws_parse(arena, b, &two, &error) &&
           kd_str_eq(one.input, two.input) && kd_str_eq(one.signature, two.signature);
}

static void tamper(const vector *v, kd_jwk *jwk)
{
    static const char others[] = "AQ.=_ \x01~";
    char *text = malloc(v->token.n);
    memcpy(text, v->token.p, v->token.n);
    for (size_t i = 0; i < v->token.n; i++) {
        /* one other letter at each place, all kinds of bytes in turn */
        char was = text[i], now = others[i % (sizeof others - 1)];
        text[i] = now == was ? 'B' : now;
        kd_arena arena;
        kd_arena_init(&arena, NULL, 0);
        kd_str changed = kd_str_of(text, v->token.n);
        if (accepts(&arena, changed, jwk, v->alg) && !means_the_same(&arena, v->token, changed))
            fail_msg("%.*s, %.*s: byte %zu may be changed", KD_FMT(v->maker), KD_FMT(v->alg->name), i);
        kd_arena_reset(&arena);
        text[i] = was;
    }
    free(text);
}

typedef struct asker {
    const vector *vector;
    kd_jwk *jwk;
    pthread_t thread;
    unsigned good, bad; /* answers that are right */
} asker;

#define ASKERS 4
#define ASKED  3

static void *ask(void *object)
{
    asker *a = object;
    kd_arena arena;
    kd_arena_init(&arena, NULL, 0);
    kd_str good = a->vector->token, other = kd_arena_copy(&arena, good);
    char *dot = (char *)other.p + kd_str_rfind(other, '.');
    dot[1] = dot[1] == 'B' ? 'C' : 'B';
    for (int i = 0; i < ASKED; i++) {
        a->good += accepts(&arena, good, a->jwk, a->vector->alg);
        a->bad += !accepts(&arena, other, a->jwk, a->vector->alg);
    }
    kd_arena_reset(&arena);
    return NULL;
}

/* Threads that share a key which was not used before: what a key keeps from one use to the next is theirs in common. */
static void share(const vector *v, kd_jwk *jwk)
{
    asker askers[ASKERS];
    for (int i = 0; i < ASKERS; i++) {
        askers[i] = (asker){.vector = v, .jwk = jwk};
        assert_int_equal(pthread_create(&askers[i].thread, NULL, ask, &askers[i]), 0);
    }
    for (int i = 0; i < ASKERS; i++)
        pthread_join(askers[i].thread, NULL);
    for (int i = 0; i < ASKERS; i++)
        if (askers[i].good != ASKED || askers[i].bad != ASKED)
            fail_msg("%.*s, %.*s: thread %d: %u good, %u bad", KD_FMT(v->maker), KD_FMT(v->alg->name), i,
                     askers[i].good, askers[i].bad);
}

static void check(const vector *v)
{
    kd_arena arena;
    kd_jws jws;
    kd_claims claims;
    kd_str error;
    kd_arena_init(&arena, NULL, 0);
    kd_jwk *jwk = read_key(&arena, v->public), *private = read_key(&arena, v->private);
    share(v, jwk);
    if (!accepts(&arena, v->token, jwk, v->alg))
        fail_msg("%.*s, %.*s: not accepted", KD_FMT(v->maker), KD_FMT(v->alg->name));
    assert_true(kd_jws_parse(&arena, v->token, &jws, &error));
    assert_true(kd_str_eq(jws.kid, jwk->kid));
    assert_true(kd_claims_parse(&arena, jws.payload, &claims, &error));
    assert_true(kd_claims_have_role(claims.all, KD_STR("roles"), false, (kd_texts){(kd_str[]){KD_STR("y")}, 1}));
    if (jwk->type != KD_JWK_OCT) /* a private key in a set verifies nothing */
        assert_false(kd_jws_verify(&jws, private, v->alg, &error));
    tamper(v, jwk);
    kd_jws_signer signer;
    assert_true(kd_jws_signer_init(&signer, &arena, private, v->alg, KD_STR("JWT"), false));
    kd_str ours = kd_jws_sign(&signer, &arena, jws.payload, &error);
    assert_true(ours.p && accepts(&arena, ours, jwk, v->alg));
    for (size_t i = 0; kd_jose_alg_at(i); i++) /* no other algorithm takes it */
        if (kd_jose_alg_at(i) != v->alg)
            assert_false(kd_jwk_verify(jwk, kd_jose_alg_at(i), jws.input, jws.signature, &(bool){0}));
    assert_true(accepts(&arena, v->token, jwk, v->alg)); /* whatever the key was used for in between */
    kd_jwk_unref(jwk);
    kd_jwk_unref(private);
    kd_arena_reset(&arena);
}

static void test_vectors(void **state)
{
    (void)state;
    FILE *file = fopen("tests/jose/vectors.tsv", "r");
    if (!file)
        fail_msg("cannot open tests/jose/vectors.tsv: run the test in the repository's root");
    char *line = NULL;
    size_t cap = 0;
    ssize_t n;
    unsigned rows = 0;
    while ((n = getline(&line, &cap, file)) > 0) {
        kd_str rest = kd_str_of(line, (size_t)n - 1), name;
        vector v;
        assert_true(kd_str_split(&rest, '\t', &v.maker) && kd_str_split(&rest, '\t', &name) &&
                    kd_str_split(&rest, '\t', &v.public) && kd_str_split(&rest, '\t', &v.private) &&
                    kd_str_split(&rest, '\t', &v.token));
        assert_non_null(v.alg = kd_jose_alg_find(name));
        check(&v);
        rows++;
    }
    free(line);
    fclose(file);
    assert_int_equal(rows, 39);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_vectors)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
