/* GraphQL: the input is a mutation's body, or (first byte a newline) the variables of a query. What is sent is valid
 * JSON that says the same when it is read and sent once more, and its numbers print as they read. */
#include "modules/backend/graphql/operation.h"
#include "text/json.h"

#include <assert.h>

#define INPUT_MAX 16384

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static kd_buf out, again, scratch;

static bool read_json(kd_arena *arena, kd_str text, kd_value *v)
{
    kd_str error;
    char *copy = kd_arena_zero(arena, text.n + KD_JSON_PAD);
    if (text.n)
        memcpy(copy, text.p, text.n);
    return kd_json_read(NULL, arena, copy, text.n, v, &error) == KD_JSON_OK;
}

static void write(const kd_graphql *g, kd_value variables, kd_buf *to)
{
    kd_buf_reset(to, SIZE_MAX);
    kd_graphql_write_body(g, variables, to);
    assert(!to->failed);
}

static void try_mutation(kd_arena *arena, kd_str body)
{
    kd_graphql g = {.mutation = true, .query = body, .name = KD_STR("N"), .variables = KD_VALUE_NULL}, bare = g;
    kd_value v, sent;
    kd_str error = {0};
    assert(read_json(arena, KD_STR("{\"a\":\"{id}\",\"z\":[1.5]}"), &g.variables));
    assert(kd_graphql_prepare(&g, arena) && kd_graphql_prepare(&bare, arena));
    kd_graphql_result result = kd_graphql_read(&g, arena, body, &scratch, &v, &error);
    assert(result != KD_GRAPHQL_NO_MEMORY);
    if (result == KD_GRAPHQL_BAD_BODY) {
        assert(error.n);
        return;
    }
    write(&g, v, &out);
    assert(read_json(arena, kd_buf_str(&out), &sent));
    kd_value variables = kd_value_get(sent, KD_STR("variables"));
    assert(kd_value_get(variables, KD_STR("a")).type != KD_ABSENT &&
           kd_value_get(variables, KD_STR("z")).type != KD_ABSENT);
    kd_buf_reset(&again, SIZE_MAX);
    kd_json_emit(&again, variables, NULL);
    kd_str text = kd_arena_copy(arena, kd_buf_str(&again));
    assert(kd_graphql_read(&g, arena, text, &scratch, &v, &error) == KD_GRAPHQL_OK);
    write(&g, v, &again);
    assert(kd_str_eq(kd_buf_str(&out), kd_buf_str(&again)));
    assert(kd_graphql_read(&bare, arena, body, &scratch, &v, &error) == KD_GRAPHQL_OK);
}

static void try_query(kd_arena *arena, kd_str variables)
{
    kd_graphql g = {.query = KD_STR("{ a }"), .variables = KD_VALUE_NULL};
    kd_value sent;
    if (!read_json(arena, variables, &g.variables) || g.variables.type != KD_OBJECT)
        return;
    if (!kd_graphql_prepare(&g, arena))
        return; /* a number that no float64 holds: no configuration has one */
    kd_str *values = kd_arena_zero(arena, (g.n_places + 1) * sizeof *values);
    for (uint32_t i = 0; i < g.n_places; i++)
        values[i] = g.places[i].param;
    kd_value filled = kd_graphql_fill(&g, arena, values);
    write(&g, filled, &out);
    assert(!g.constant.p || kd_str_eq(g.constant, kd_buf_str(&out)));
    assert(read_json(arena, kd_buf_str(&out), &sent));
    for (uint32_t i = 0; i < g.n_places; i++)
        assert(kd_str_eq(kd_value_text(kd_value_get(kd_value_get(sent, KD_STR("variables")), g.places[i].key)),
                         g.places[i].param));
    kd_buf_reset(&out, SIZE_MAX);
    kd_graphql_write_query(&g, filled, &scratch, &out);
    for (size_t i = 0; i < out.n; i++)
        assert((uint8_t)out.p[i] > ' ' && (uint8_t)out.p[i] < 0x7f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!out.max) {
        kd_buf_init(&out, 1 << 24);
        kd_buf_init(&again, 1 << 24);
        kd_buf_init(&scratch, 1 << 24);
    }
    if (size > INPUT_MAX)
        return 0;
    kd_str input = {(const char *)data, size};
    kd_arena arena;
    kd_arena_init(&arena, NULL, 0);
    if (size && data[0] == '\n')
        try_query(&arena, kd_str_from(input, 1));
    else
        try_mutation(&arena, input);
    kd_arena_reset(&arena);
    return 0;
}
