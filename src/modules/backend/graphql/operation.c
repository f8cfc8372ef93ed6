#include "modules/backend/graphql/operation.h"

#include "text/go/format.h"
#include "text/go/number.h"
#include "text/go/url.h"
#include "text/json.h"
#include "text/json_go.h"

#include <math.h>

/* ---- numbers ----------------------------------------------------------------------------------------------------- */

/* The end of the string that begins at `at`. */
static size_t string_end(kd_str json, size_t at)
{
    for (at++; at < json.n && json.p[at] != '"'; at++)
        if (json.p[at] == '\\')
            at++;
    return at + 1 < json.n ? at + 1 : json.n;
}

static bool is_number_byte(char c)
{
    return (c >= '0' && c <= '9') || c == '-' || c == '+' || c == '.' || c == 'e' || c == 'E';
}

bool kd_graphql_float_numbers(kd_str json, kd_buf *out, kd_str *number)
{
    for (size_t at = 0, end; at < json.n; at = end) {
        char c = json.p[at];
        end = at + 1;
        if (c == '"') {
            end = string_end(json, at);
        } else if (c == '-' || (c >= '0' && c <= '9')) {
            double v;
            kd_str error;
            while (end < json.n && is_number_byte(json.p[end]))
                end++;
            *number = kd_str_of(json.p + at, end - at);
            if (!kd_go_float_parse(*number, &v, &error) || isinf(v))
                return false;
            kd_go_float_json(out, v);
            continue;
        }
        kd_buf_add(out, kd_str_of(json.p + at, end - at));
    }
    return true;
}

/* The value of a valid JSON text with float64 numbers, in the arena; KD_ABSENT without memory. *number.n is set where
 * one is out of range. */
static kd_value read_floats(kd_arena *arena, kd_str json, kd_buf *scratch, kd_str *number)
{
    kd_value v = KD_VALUE_ABSENT;
    kd_str error;
    scratch->n = 0;
    *number = KD_STR("");
    if (!kd_graphql_float_numbers(json, scratch, number))
        return v;
    *number = KD_STR("");
    char *text = scratch->failed ? NULL : kd_arena_alloc(arena, scratch->n + KD_JSON_PAD);
    if (!text || !scratch->n)
        return v;
    memcpy(text, scratch->p, scratch->n);
    memset(text + scratch->n, 0, KD_JSON_PAD);
    if (kd_json_read(NULL, arena, text, scratch->n, &v, &error) != KD_JSON_OK)
        return KD_VALUE_ABSENT;
    return v;
}

/* ---- preparing --------------------------------------------------------------------------------------------------- */

/* "{param}" with at least one byte between the braces: KrakenD fails on "{}", here it is text. */
static bool is_place(kd_value v)
{
    kd_str s = v.type == KD_STRING ? kd_value_text(v) : KD_STR("");
    return s.n > 2 && s.p[0] == '{' && s.p[s.n - 1] == '}';
}

static bool find_places(kd_graphql *g, kd_arena *arena)
{
    kd_str key;
    kd_value value;
    g->places = KD_NEW_ARRAY(arena, kd_graphql_place, g->variables.n + (size_t)1);
    if (!g->places)
        return false;
    for (kd_value_iter iter = kd_value_each(g->variables); kd_value_next(&iter, &key, &value);) {
        if (!is_place(value))
            continue;
        kd_str text = kd_value_text(value), param = kd_arena_copy(arena, kd_str_of(text.p + 1, text.n - 2));
        if (!param.p)
            return false;
        ((char *)param.p)[0] = (char)kd_upper((uint8_t)param.p[0]);
        g->places[g->n_places++] = (kd_graphql_place){key, param};
    }
    return true;
}

bool kd_graphql_prepare(kd_graphql *g, kd_arena *arena)
{
    kd_buf text, scratch;
    kd_str number;
    bool ok = true;
    kd_buf_init(&text, 64u * 1024 * 1024);
    kd_buf_init(&scratch, 64u * 1024 * 1024);
    if (g->variables.type == KD_OBJECT) {
        kd_json_emit(&text, g->variables, NULL);
        g->variables = text.failed ? KD_VALUE_ABSENT : read_floats(arena, kd_buf_str(&text), &scratch, &number);
        ok = g->variables.type == KD_OBJECT && (g->mutation || find_places(g, arena));
    }
    if (ok && !g->mutation && !g->n_places) {
        kd_buf_reset(&text, SIZE_MAX);
        kd_graphql_write_body(g, g->variables, &text);
        g->constant = text.failed ? (kd_str){NULL, 0} : kd_arena_copy(arena, kd_buf_str(&text));
        ok = g->constant.p != NULL;
    }
    kd_buf_fini(&text);
    kd_buf_fini(&scratch);
    return ok;
}

/* ---- variables of a request -------------------------------------------------------------------------------------- */

kd_value kd_graphql_fill(const kd_graphql *g, kd_arena *arena, const kd_str *values)
{
    if (!g->n_places)
        return g->variables;
    kd_object *filled = kd_object_copy(arena, g->variables);
    for (uint32_t i = 0; filled && i < g->n_places; i++)
        if (!kd_object_set(filled, arena, g->places[i].key, kd_value_string(values[i], KD_ORIGIN_BYTES)))
            filled = NULL;
    return filled ? kd_value_object(filled) : KD_VALUE_ABSENT;
}

/* json.Unmarshal looks at the whole text first. False: *error says what is wrong with it, or p is NULL. */
static bool is_valid(kd_arena *arena, kd_str body, kd_str *error)
{
    kd_json_scan scan;
    bool valid = kd_json_scan_text(body, &scan);
    if (valid) {
        size_t at = scan.end;
        while (at < body.n && (body.p[at] == ' ' ||
                               (body.p[at] >= '\t' && body.p[at] <= '\r' && body.p[at] != '\v' && body.p[at] != '\f')))
            at++;
        if (at == body.n)
            return true;
        scan.byte = (uint8_t)body.p[at];
        scan.context = "after top-level value";
    } else if (!scan.context) {
        *error = KD_STR("unexpected end of JSON input");
        return false;
    }
    kd_buf text;
    kd_buf_init(&text, KD_JSON_ERROR_MAX * 4);
    kd_json_scan_error(&scan, &text);
    *error = kd_arena_copy(arena, kd_buf_str(&text));
    kd_buf_fini(&text);
    return false;
}

static kd_graphql_result refuse(kd_str text, kd_str *error)
{
    *error = text;
    return text.p ? KD_GRAPHQL_BAD_BODY : KD_GRAPHQL_NO_MEMORY;
}

kd_graphql_result kd_graphql_read(const kd_graphql *g, kd_arena *arena, kd_str body, kd_buf *scratch, kd_value *out,
                                  kd_str *error)
{
    kd_str number;
    kd_buf_reset(scratch, SIZE_MAX);
    if (!is_valid(arena, body, error))
        return refuse(*error, error);
    kd_value v = read_floats(arena, body, scratch, &number);
    if (number.n)
        return refuse(
            kd_arena_printf(arena, "json: cannot unmarshal number %.*s into Go value of type float64", KD_FMT(number)),
            error);
    if (v.type == KD_ABSENT)
        return KD_GRAPHQL_NO_MEMORY;
    if (v.type == KD_NULL && g->variables.type == KD_OBJECT && g->variables.n)
        return refuse(KD_STR("a JSON object is expected, not null"), error); /* KrakenD fails on it */
    if (v.type != KD_OBJECT && v.type != KD_NULL)
        return refuse(kd_arena_printf(arena,
                                      "json: cannot unmarshal %.*s into Go value of type map[string]interface {}",
                                      KD_FMT(kd_json_type_name(v))),
                      error);
    *out = v;
    if (v.type == KD_NULL || g->variables.type != KD_OBJECT)
        return KD_GRAPHQL_OK;
    kd_object *all = kd_object_copy(arena, v);
    kd_str key;
    kd_value value;
    for (kd_value_iter iter = kd_value_each(g->variables); all && kd_value_next(&iter, &key, &value);)
        if (kd_value_get(v, key).type == KD_ABSENT && !kd_object_set(all, arena, key, value))
            all = NULL;
    if (!all)
        return KD_GRAPHQL_NO_MEMORY;
    *out = kd_value_object(all);
    return KD_GRAPHQL_OK;
}

/* ---- writing ----------------------------------------------------------------------------------------------------- */

void kd_graphql_write_body(const kd_graphql *g, kd_value variables, kd_buf *out)
{
    kd_buf_add(out, KD_STR("{\"query\":"));
    kd_json_emit_string(out, g->query, KD_ORIGIN_BYTES);
    if (g->name.n) {
        kd_buf_add(out, KD_STR(",\"operationName\":"));
        kd_json_emit_string(out, g->name, KD_ORIGIN_BYTES);
    }
    if (variables.type == KD_OBJECT && variables.n) {
        kd_buf_add(out, KD_STR(",\"variables\":"));
        kd_json_emit(out, variables, NULL);
    }
    kd_buf_byte(out, '}');
}

void kd_graphql_write_query(const kd_graphql *g, kd_value variables, kd_buf *scratch, kd_buf *out)
{
    if (g->name.n) {
        kd_buf_add(out, KD_STR("operationName="));
        kd_go_url_escape(out, g->name, KD_ESCAPE_QUERY);
        kd_buf_byte(out, '&');
    }
    kd_buf_add(out, KD_STR("query="));
    kd_go_url_escape(out, g->query, KD_ESCAPE_QUERY);
    if (variables.type == KD_OBJECT && variables.n) {
        kd_buf_reset(scratch, SIZE_MAX);
        kd_json_emit(scratch, variables, NULL);
        kd_buf_add(out, KD_STR("&variables="));
        kd_go_url_escape(out, kd_buf_str(scratch), KD_ESCAPE_QUERY);
        out->failed |= scratch->failed;
    }
}
