#include "text/flatmap.h"
#include "text/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

/* Operations as text: type and arguments split at ' ', operations at ';'. "-" is an argument that is no string. */
static const kd_flatmap *compile(kd_arena *arena, const char *text)
{
    kd_flatmap *map = kd_flatmap_create(arena, 16);
    assert_non_null(map);
    kd_str rest = kd_str_from_c(text), op, word, args[8];
    while (rest.n && kd_str_split(&rest, ';', &op)) {
        uint32_t n = 0;
        kd_str type = {0}, words = op;
        assert_true(kd_str_split(&words, ' ', &type));
        while (words.p && kd_str_split(&words, ' ', &word))
            args[n++] = kd_str_eq(word, KD_STR("-")) ? (kd_str){NULL, 0} : word;
        assert_true(kd_flatmap_add(map, arena, type, args, n));
    }
    return map;
}

static kd_value decode(kd_arena *arena, kd_json_pool *pool, const char *text)
{
    size_t n = strlen(text);
    char *copy = kd_arena_zero(arena, n + KD_JSON_PAD);
    kd_value v;
    kd_str error;
    memcpy(copy, text, n);
    assert_int_equal(kd_json_read(pool, arena, copy, n, &v, &error), KD_JSON_OK);
    return v;
}

static void check(const char *data, const char *ops, const char *want)
{
    kd_arena arena;
    kd_json_pool pool;
    kd_buf out;
    kd_value v;
    kd_arena_init(&arena, NULL, 0);
    kd_json_pool_init(&pool, 0);
    kd_buf_init(&out, 1 << 20);
    const kd_flatmap *map = compile(&arena, ops);
    assert_int_equal(kd_flatmap_apply(map, &arena, decode(&arena, &pool, data), &v), KD_FLATMAP_OK);
    assert_true(kd_json_emit(&out, v, NULL));
    if (!kd_str_eq(kd_buf_str(&out), kd_str_from_c(want)))
        fail_msg("%s on %s: %.*s, want %s", ops, data, KD_FMT(kd_buf_str(&out)), want);
    kd_buf_fini(&out);
    kd_json_pool_fini(&pool);
    kd_arena_reset(&arena);
}

typedef struct row {
    const char *data, *ops, *want;
} row;

static void check_all(const row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++)
        check(rows[i].data, rows[i].ops, rows[i].want);
}

#define ABC  "{\"a\":{\"b\":1,\"c\":{\"d\":2,\"e\":3}},\"s\":\"x\"}"
#define ROWS "{\"l\":[{\"k\":1,\"v\":{\"n\":\"one\"}},{\"k\":2,\"v\":{\"n\":\"two\"}},{\"q\":9}]}"

static void test_delete(void **state)
{
    (void)state;
    static const row rows[] = {
        {ABC, "del a.b", "{\"a\":{\"c\":{\"d\":2,\"e\":3}},\"s\":\"x\"}"},
        {ABC, "del a s", "null"},
        {ABC, "del *", "null"},
        {ABC, "del a.*", "{\"a\":null,\"s\":\"x\"}"},
        {ABC, "del a.c.d a.c.e", "{\"a\":{\"b\":1,\"c\":null},\"s\":\"x\"}"},
        {ABC, "del a.*.d", "{\"a\":{\"b\":1,\"c\":{\"e\":3}},\"s\":\"x\"}"},
        {ABC, "del", ABC},
        {ABC, "del -", ABC},
        {ABC, "del nope s.x a.b.c", ABC},
        {ABC, "DEL a;copy a s", ABC},
        {ROWS, "del l.*.v l.*.q", "{\"l\":[{\"k\":1},{\"k\":2},null]}"},
        {ROWS, "del l.1", "{\"l\":[{\"k\":1,\"v\":{\"n\":\"one\"}},{\"q\":9}]}"},
        {ROWS, "del l.0 l.1", "{\"l\":[{\"q\":9}]}"}, /* what follows keeps its label */
        {ROWS, "del l.3 l.01", ROWS},
        {ROWS, "del l.*", "{\"l\":null}"},
        {"{\"e\":[],\"o\":{},\"n\":null}", "del e.0 e.* o.x o.*", "{\"e\":[],\"n\":null,\"o\":{}}"},
        {"{}", "del *", "{}"},
        {"{\"a\":1,\"a\":2}", "del b", "{\"a\":2}"},
        {"{\"a\":{\"b\":1,\"b\":2}}", "del a.c", "{\"a\":{\"b\":2}}"},
    };
    check_all(rows, KD_COUNT(rows));
}

static void test_move(void **state)
{
    (void)state;
    static const row rows[] = {
        /* equally long: a new name in the same place */
        {ABC, "move s t", "{\"a\":{\"b\":1,\"c\":{\"d\":2,\"e\":3}},\"t\":\"x\"}"},
        {ABC, "move a.b x.y", "{\"a\":{\"c\":{\"d\":2,\"e\":3},\"y\":1},\"s\":\"x\"}"},
        {ABC, "move a.b a.c", "{\"a\":{\"c\":1},\"s\":\"x\"}"}, /* the moved one wins */
        {ABC, "move a.c a.b", "{\"a\":{\"b\":{\"d\":2,\"e\":3}},\"s\":\"x\"}"},
        {ABC, "move s s", ABC},
        {ROWS, "move l.*.k l.*.id;del l.*.v", "{\"l\":[{\"id\":1},{\"id\":2},{\"q\":9}]}"},
        {"{\"l\":[1,2]}", "move l.0 l.1", "{\"l\":[1,2]}"}, /* items have no names that could collide */
        /* shorter: upwards */
        {ABC, "move a.b b", "{\"a\":{\"c\":{\"d\":2,\"e\":3}},\"b\":1,\"s\":\"x\"}"},
        {ABC, "move a.c.d a.d", "{\"a\":{\"b\":1,\"c\":{\"e\":3},\"d\":2},\"s\":\"x\"}"},
        {ABC, "move a.c.d nope.d", "{\"a\":{\"b\":1,\"c\":{\"e\":3}},\"d\":2,\"s\":\"x\"}"},
        {ABC, "move a.b s", "{\"a\":{\"c\":{\"d\":2,\"e\":3}},\"s\":1}"},
        {ABC, "move a.c.d s.d", "{\"a\":{\"b\":1,\"c\":{\"e\":3}},\"s\":{\"d\":2}}"},
        {ROWS, "move l.*.v.n l.*.n",
         "{\"l\":[{\"k\":1,\"n\":\"one\",\"v\":null},{\"k\":2,\"n\":\"two\",\"v\":null},{\"q\":9}]}"},
        {ROWS, "move l.*.k k;del l", "{\"k\":2}"}, /* the last one wins */
        {ROWS, "move l.0 first;del l.*.v", "{\"first\":{\"k\":1,\"v\":{\"n\":\"one\"}},\"l\":[{\"k\":2},{\"q\":9}]}"},
        {"{\"l\":[[1],[2]]}", "move l.0.0 l.x", "{\"l\":[null,[2],1]}"}, /* into a list: its last item */
        /* each sibling of a '*' at any depth keeps its own */
        {"{\"x\":{\"y\":{\"w\":{\"p\":{\"a\":{\"b\":1}},\"q\":{\"a\":{\"b\":2}}}}}}", "move x.y.w.*.a.b x.y.w.*.b",
         "{\"x\":{\"y\":{\"w\":{\"p\":{\"a\":null,\"b\":1},\"q\":{\"a\":null,\"b\":2}}}}}"},
        /* longer: downwards */
        {"{\"id\":1}", "move id m.n.id", "{\"m\":{\"n\":{\"id\":1}}}"},
        {"{\"id\":1}", "move id id.id", "{\"id\":{\"id\":1}}"},
        {ABC, "move s a.s", "{\"a\":{\"b\":1,\"c\":{\"d\":2,\"e\":3},\"s\":\"x\"}}"},
        {ABC, "move a.b a.c.b", "{\"a\":{\"c\":{\"b\":1,\"d\":2,\"e\":3}},\"s\":\"x\"}"},
        {ABC, "move s a.b.s", "{\"a\":{\"b\":{\"s\":\"x\"},\"c\":{\"d\":2,\"e\":3}}}"}, /* a scalar gives way */
        {ROWS, "move l.*.k l.*.id.v;del l.*.v", "{\"l\":[{\"id\":{\"v\":1}},{\"id\":{\"v\":2}},{\"q\":9}]}"},
        /* nothing to move */
        {ABC, "move nope x;move a.nope y;move s.x z;move a.* y.z", ABC},
        {"{\"id\":1}", "move id x;move x y.z;move y.z w", "{\"w\":1,\"y\":null}"},
        {"{\"n\":null}", "move n m", "{\"m\":null}"},
    };
    check_all(rows, KD_COUNT(rows));
}

/* A leaf that becomes a container by what is moved into it. */
static void test_leaves(void **state)
{
    (void)state;
    static const row rows[] = {
        {"{\"l\":[],\"a\":{\"b\":{\"c\":1}}}", "move a.b.c l.x", "{\"a\":{\"b\":null},\"l\":[1]}"},
        {"{\"l\":{},\"a\":{\"b\":{\"c\":1}}}", "move a.b.c l.x", "{\"a\":{\"b\":null},\"l\":{\"x\":1}}"},
        {"{\"l\":7,\"a\":{\"b\":{\"c\":1}}}", "move a.b.c l.x", "{\"a\":{\"b\":null},\"l\":{\"x\":1}}"},
        {"{\"l\":7,\"a\":{\"b\":{\"c\":1}}}", "move a.b.c l.x;del l.x", "{\"a\":{\"b\":null},\"l\":7}"},
        {"{\"l\":[],\"a\":{\"b\":{\"c\":1}}}", "move a.b.c l.x;del l.*", "{\"a\":{\"b\":null},\"l\":[]}"},
    };
    check_all(rows, KD_COUNT(rows));
}

static void test_append(void **state)
{
    (void)state;
    static const row rows[] = {
        {"{\"m\":[7,8],\"n\":[9]}", "append n m", "{\"m\":[7,8,9]}"},
        {"{\"m\":[7,8],\"n\":[9]}", "append m n", "{\"n\":[9,7,8]}"},
        {"{\"m\":[7],\"n\":[]}", "append n m", "{\"m\":[7]}"},
        {"{\"m\":[7],\"n\":[]}", "append m n", "{\"n\":[7]}"},
        {"{\"m\":[],\"n\":[]}", "append m n", "{\"n\":[]}"},
        {"{\"m\":[7]}", "append m nope;append nope m", "{\"m\":[7]}"},
        {"{\"m\":[7],\"s\":\"x\",\"o\":{}}", "append m s;append s m;append m o;append o m",
         "{\"m\":[7],\"o\":{},\"s\":\"x\"}"},
        {"{\"m\":[7]}", "append m m", "null"},
        {"{\"m\":[1,2,3],\"n\":[4]}", "del m.1;append n m", "{\"m\":[1,3,4]}"}, /* no shuffling */
        {"{\"m\":[1],\"n\":[2],\"p\":[3]}", "append n m;append p m;del m.1", "{\"m\":[1,3]}"},
        {"{\"d\":{\"r\":[{\"i\":[1]},{\"i\":[2]}]}}", "append d.r.1.i d.r.0.i", "{\"d\":{\"r\":[{\"i\":[1,2]},null]}}"},
        {"{\"a\":{\"x\":{\"id\":1},\"y\":{\"id\":2},\"z\":{}},\"ids\":[0]}", "append a.*.id ids",
         "{\"a\":{\"x\":null,\"y\":null,\"z\":{}},\"ids\":[0,1,2,null]}"},
        {"{\"l\":[[1],[2]],\"m\":[9]}", "append m l.*", "{\"l\":[[1],[2],[[1],[2],9]]}"},
        {"{\"l\":[{\"i\":1},{}],\"m\":[9]}", "append m l.*.i", "{\"l\":[{\"i\":1},{},{\"i\":[1,null,9]}]}"},
        {"{\"b\":1,\"a\":2}", "append * *", "null"},
        {"{\"o\":{\"p\":{\"b\":1,\"a\":2}},\"l\":[]}", "append o.p.* l", "{\"l\":[2,1],\"o\":{\"p\":null}}"},
        {"{\"l\":[[1],[2]]}", "append l.1 l.0", "{\"l\":[[1,2]]}"},
        {"{\"l\":[[1],[2]]}", "append l l.0", "null"},
        {"{\"l\":[[1],[2]]}", "append l.0 l", "{\"l\":[[2],1]}"},
        {"{\"l\":[1,2],\"m\":3}", "append l.* l", "{\"l\":null,\"m\":3}"},
    };
    check_all(rows, KD_COUNT(rows));
}

/* The object of return_error_details cannot be entered; what is not an object passes. */
static void test_opaque(void **state)
{
    (void)state;
    kd_arena arena;
    kd_arena_init(&arena, NULL, 0);
    kd_object *typed = kd_object_create(&arena, 1), *data = kd_object_create(&arena, 1);
    typed->typed = true;
    assert_true(kd_object_set(typed, &arena, KD_STR("code"), kd_value_bool(true)));
    assert_true(kd_object_set(data, &arena, KD_STR("e"), kd_value_object(typed)));
    const kd_flatmap *map = compile(&arena, "move e.code code;del e.*");
    kd_value out;
    assert_int_equal(kd_flatmap_apply(map, &arena, kd_value_object(data), &out), KD_FLATMAP_OK);
    assert_int_equal(out.n, 1);
    assert_true(kd_value_get(kd_value_get(out, KD_STR("e")), KD_STR("code")).boolean);
    assert_int_equal(kd_flatmap_apply(compile(&arena, "del *"), &arena, KD_VALUE_NULL, &out), KD_FLATMAP_OK);
    assert_int_equal(out.type, KD_NULL);
    kd_arena_reset(&arena);
}

static void test_short(void **state)
{
    (void)state;
    static const char *const ops[] = {"move a", "move", "append a", "append - a", "move a -", "del x;move a"};
    kd_arena arena;
    kd_json_pool pool;
    kd_arena_init(&arena, NULL, 0);
    kd_json_pool_init(&pool, 0);
    kd_value v = decode(&arena, &pool, ABC), out;
    for (size_t i = 0; i < KD_COUNT(ops); i++) {
        const kd_flatmap *map = compile(&arena, ops[i]);
        assert_true(kd_flatmap_is_short(map));
        assert_int_equal(kd_flatmap_apply(map, &arena, v, &out), KD_FLATMAP_SHORT);
        /* Data that holds nothing is not looked at. */
        assert_int_equal(kd_flatmap_apply(map, &arena, decode(&arena, &pool, "{}"), &out), KD_FLATMAP_OK);
    }
    assert_false(kd_flatmap_is_short(compile(&arena, "del;move a b;copy")));
    assert_int_equal(kd_flatmap_count(compile(&arena, "del;move a b;copy")), 3);
    kd_flatmap *full = kd_flatmap_create(&arena, 1);
    assert_true(kd_flatmap_add(full, &arena, KD_STR("del"), NULL, 0));
    assert_false(kd_flatmap_add(full, &arena, KD_STR("del"), NULL, 0));
    kd_json_pool_fini(&pool);
    kd_arena_reset(&arena);
}

/* Every allocation fails once: the answer is an error or the right one, and nothing is read that is not there. */
static void test_no_memory(void **state)
{
    (void)state;
    static const char ops[] = "move l.*.v.n l.*.n;move l.*.k k.x.y;append l l;del z.*";
    kd_arena arena, work;
    kd_json_pool pool;
    kd_arena_init(&arena, NULL, 0);
    kd_json_pool_init(&pool, 0);
    const kd_flatmap *map = compile(&arena, ops);
    kd_value v = decode(&arena, &pool, ROWS), out;
    unsigned failures = 0;
    for (size_t limit = 512;; limit += 64) {
        kd_arena_init(&work, NULL, limit);
        kd_flatmap_result result = kd_flatmap_apply(map, &work, v, &out);
        kd_arena_reset(&work);
        if (result == KD_FLATMAP_OK)
            break;
        assert_int_equal(result, KD_FLATMAP_NO_MEMORY);
        failures++;
    }
    assert_true(failures > 0);
    kd_json_pool_fini(&pool);
    kd_arena_reset(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_delete),    cmocka_unit_test(test_move),   cmocka_unit_test(test_append),
        cmocka_unit_test(test_leaves),    cmocka_unit_test(test_opaque), cmocka_unit_test(test_short),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
