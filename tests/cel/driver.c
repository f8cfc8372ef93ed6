/* Evaluates expressions for tests/cel/run.py: a JSON object on each line of the standard input, one on each line of the
 * output. In: {"expr", "container", "unchecked", "vars": [{"name", "type", "value"}]}; a value is {"int": "5"},
 * {"double": "1.5"}, {"string": "hex"}, {"list": [...]}, {"map": [[key, value], ...]} and so on. Out: {"ok": value,
 * "type": ...} or {"error"|"check"|"syntax": text in hex}. */
#include <stdio.h>
#include <stdlib.h>

#include "lang/cel/cel.h"
#include "text/go/number.h"
#include "text/json.h"

typedef struct binding {
    kd_cel_value value;
    bool has;
} binding;

static binding bindings[KD_CEL_MAX_VARIABLES];

static bool resolve(void *context, uint32_t variable, kd_cel_value *value)
{
    *value = bindings[variable].value;
    return bindings[variable].has;
}

static kd_str text_of(kd_value object, const char *key)
{
    kd_value v = kd_value_get(object, kd_str_from_c(key));
    return v.type == KD_STRING ? kd_value_text(v) : KD_STR("");
}

static bool flag_of(kd_value object, const char *key)
{
    kd_value v = kd_value_get(object, kd_str_from_c(key));
    return v.type == KD_BOOL && v.boolean;
}

static kd_str unhex(kd_arena *arena, kd_str s)
{
    char *p = kd_arena_alloc(arena, s.n / 2 + 1);
    for (size_t i = 0; p && i < s.n / 2; i++) {
        char pair[3] = {s.p[2 * i], s.p[2 * i + 1], 0};
        p[i] = (char)strtol(pair, NULL, 16);
    }
    return (kd_str){p, s.n / 2};
}

static kd_cel_value read_value(kd_arena *arena, kd_value v);

static kd_cel_value read_items(kd_arena *arena, kd_value list)
{
    kd_cel_value *items = KD_NEW_ARRAY(arena, kd_cel_value, list.n + 1);
    kd_str key;
    kd_value item;
    uint32_t n = 0;
    for (kd_value_iter iter = kd_value_each(list); items && kd_value_next(&iter, &key, &item);)
        items[n++] = read_value(arena, item);
    return (kd_cel_value){.type = KD_CEL_LIST, .n = n, .items = items};
}

static kd_cel_value read_map(kd_arena *arena, kd_value list)
{
    kd_cel_map *map = KD_NEW(arena, kd_cel_map);
    kd_cel_entry *entries = KD_NEW_ARRAY(arena, kd_cel_entry, list.n + 1);
    kd_str key;
    kd_value item;
    for (kd_value_iter iter = kd_value_each(list); map && entries && kd_value_next(&iter, &key, &item);) {
        kd_cel_value pair = read_items(arena, item);
        if (pair.n == 2)
            entries[map->n++] = (kd_cel_entry){pair.items[0], pair.items[1]};
    }
    if (map)
        map->entries = entries;
    return (kd_cel_value){.type = KD_CEL_MAP, .map = map};
}

static kd_cel_value read_value(kd_arena *arena, kd_value v)
{
    kd_str kind, text, error;
    kd_value of;
    kd_cel_value out = {.type = KD_CEL_NULL};
    kd_value_iter iter = kd_value_each(v);
    if (!kd_value_next(&iter, &kind, &of))
        return out;
    text = of.type == KD_STRING ? kd_value_text(of) : KD_STR("");
    if (kd_str_eq(kind, KD_STR("bool")))
        return kd_cel_bool(kd_str_eq(text, KD_STR("true")));
    if (kd_str_eq(kind, KD_STR("int"))) {
        out.type = KD_CEL_INT;
        kd_go_int_parse(text, &out.i, &error);
    } else if (kd_str_eq(kind, KD_STR("uint"))) {
        out.type = KD_CEL_UINT;
        kd_str_to_u64(text, UINT64_MAX, &out.u);
    } else if (kd_str_eq(kind, KD_STR("double"))) {
        out.type = KD_CEL_DOUBLE;
        kd_go_float_parse(text, &out.d, &error);
    } else if (kd_str_eq(kind, KD_STR("string")) || kd_str_eq(kind, KD_STR("bytes"))) {
        out = kd_cel_string(unhex(arena, text));
        out.type = kd_str_eq(kind, KD_STR("bytes")) ? KD_CEL_BYTES : KD_CEL_STRING;
    } else if (kd_str_eq(kind, KD_STR("list"))) {
        return read_items(arena, of);
    } else if (kd_str_eq(kind, KD_STR("map"))) {
        return read_map(arena, of);
    }
    return out;
}

static void put_hex(kd_str s)
{
    for (size_t i = 0; i < s.n; i++)
        printf("%02x", (uint8_t)s.p[i]);
}

static void put_text(const char *kind, kd_str s)
{
    printf("{\"%s\":\"", kind);
    put_hex(s);
    printf("\"}");
}

/* Items of a list that data or an expression made: reached as an expression would. */
static void put_value(kd_cel_value v)
{
    switch ((kd_cel_type_id)v.type) {
    case KD_CEL_NULL:
        printf("{\"null\":\"\"}");
        break;
    case KD_CEL_BOOL:
        printf("{\"bool\":\"%s\"}", v.boolean ? "true" : "false");
        break;
    case KD_CEL_INT:
        printf("{\"int\":\"%lld\"}", (long long)v.i);
        break;
    case KD_CEL_UINT:
        printf("{\"uint\":\"%llu\"}", (unsigned long long)v.u);
        break;
    case KD_CEL_DOUBLE:
        printf("{\"double\":\"%.17g\"}", v.d);
        break;
    case KD_CEL_DURATION:
        printf("{\"duration\":\"%lld\"}", (long long)v.i);
        break;
    case KD_CEL_TIMESTAMP:
        printf("{\"timestamp\":\"%lld.%09u\"}", (long long)v.i, v.n);
        break;
    case KD_CEL_ERROR:
        put_text("error", kd_cel_text(v));
        break;
    case KD_CEL_STRING:
        put_text("string", kd_cel_text(v));
        break;
    case KD_CEL_BYTES:
        put_text("bytes", kd_cel_text(v));
        break;
    case KD_CEL_TYPE:
        put_text("type", kd_cel_text(v));
        break;
    case KD_CEL_LIST:
        printf("{\"list\":[");
        for (uint32_t i = 0; i < v.n && !v.wrapped; i++) {
            printf(i ? "," : "");
            put_value(v.items[i]);
        }
        printf("]}");
        break;
    case KD_CEL_MAP:
        printf("{\"map\":[");
        for (uint32_t i = 0; !v.wrapped && i < v.map->n; i++) {
            printf(i ? ",[" : "[");
            put_value(v.map->entries[i].key);
            printf(",");
            put_value(v.map->entries[i].value);
            printf("]");
        }
        printf("]}");
        break;
    }
}

static kd_cel_declared declared_of(kd_str name)
{
    static const kd_str names[] = {
        KD_STR_INIT("bool"),
        KD_STR_INIT("int"),
        KD_STR_INIT("uint"),
        KD_STR_INIT("double"),
        KD_STR_INIT("string"),
        KD_STR_INIT("bytes"),
        KD_STR_INIT("dyn"),
        KD_STR_INIT("timestamp"),
        KD_STR_INIT("duration"),
        KD_STR_INIT("list(dyn)"),
        KD_STR_INIT("map(string, string)"),
        KD_STR_INIT("map(string, list(string))"),
        KD_STR_INIT("map(string, dyn)"),
    };
    for (size_t i = 0; i < KD_COUNT(names); i++)
        if (kd_str_eq(name, names[i]))
            return (kd_cel_declared)i;
    return KD_CEL_DECLARED_DYN;
}

static void evaluate(kd_arena *arena, kd_value in)
{
    static kd_cel_variable variables[KD_CEL_MAX_VARIABLES];
    kd_cel_environment environment = {
        .variables = variables, .container = text_of(in, "container"), .unchecked = flag_of(in, "unchecked")};
    kd_str key, error;
    kd_value item;
    kd_value_iter iter = kd_value_each(kd_value_get(in, KD_STR("vars")));
    while (environment.n_variables < KD_CEL_MAX_VARIABLES && kd_value_next(&iter, &key, &item)) {
        uint32_t at = environment.n_variables++;
        kd_value v = kd_value_get(item, KD_STR("value"));
        variables[at] = (kd_cel_variable){text_of(item, "name"), declared_of(text_of(item, "type"))};
        bindings[at] = (binding){read_value(arena, v), v.type == KD_OBJECT};
    }
    kd_cel_program *program;
    kd_cel_outcome outcome = kd_cel_compile(arena, &environment, unhex(arena, text_of(in, "expr")), &program, &error);
    if (outcome != KD_CEL_OK) {
        bool parsed = outcome == KD_CEL_SYNTAX && !kd_str_starts(error, KD_STR("ERROR: ")); /* but made no program */
        put_text(parsed ? "error" : outcome == KD_CEL_SYNTAX ? "syntax" : "check", error);
        return;
    }
    kd_cel_activation activation = {.resolve = resolve, .arena = arena};
    kd_cel_value v = kd_cel_run(program, &activation);
    if (v.type == KD_CEL_ERROR) {
        put_value(v);
        return;
    }
    kd_str type = kd_cel_program_type(program, arena);
    printf("{\"ok\":");
    put_value(v);
    printf(",\"type\":\"%.*s\"}", KD_FMT(type));
}

int main(void)
{
    char *line = NULL;
    size_t cap = 0;
    for (ssize_t n; (n = getline(&line, &cap, stdin)) >= 0;) {
        kd_arena arena;
        kd_value in;
        kd_str error;
        kd_arena_init(&arena, NULL, 0);
        if (kd_json_read_all(&arena, (kd_str){line, (size_t)n}, &in, &error) != KD_JSON_OK)
            return EXIT_FAILURE;
        evaluate(&arena, in);
        putchar('\n');
        fflush(stdout);
        kd_arena_reset(&arena);
    }
    free(line);
    return EXIT_SUCCESS;
}
