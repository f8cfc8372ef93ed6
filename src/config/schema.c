#include "config/schema.h"

#include "config/builtin.h"
#include "text/json.h"

#define TABLES_MAX 512u

typedef struct writer {
    kd_buf *out;
    bool texts;
    const kd_fields *tables[TABLES_MAX]; /* those that were referred to, in the order of their definitions */
    unsigned n;
    bool failed;
} writer;

static void put(const writer *w, kd_str text)
{
    kd_buf_add(w->out, text);
}

#define PUT(w, literal) put(w, KD_STR(literal))

static void put_string(const writer *w, kd_str text)
{
    kd_json_emit_string(w->out, text, KD_ORIGIN_BYTES);
}

/* A fragment that is written with ' for ". */
static void put_fragment(const writer *w, const char *text)
{
    for (; *text; text++)
        kd_buf_byte(w->out, *text == '\'' ? '"' : *text);
}

static void put_comma(const writer *w)
{
    char last = w->out->n ? w->out->p[w->out->n - 1] : 0;
    if (last != '{' && last != '[')
        kd_buf_byte(w->out, ',');
}

/* ---- definitions */

/* The name of a table's definition: its own, with letters, digits and dashes only, and a number where two are alike. */
static void put_name(const writer *w, unsigned index)
{
    const char *name = w->tables[index]->name;
    unsigned same = 0;
    for (unsigned i = 0; i < index; i++)
        same += strcmp(w->tables[i]->name, name) == 0;
    for (; *name; name++) {
        uint8_t lower = kd_lower((uint8_t)*name);
        bool plain = (uint8_t)(lower - 'a') < 26 || (uint8_t)(lower - '0') < 10;
        kd_buf_byte(w->out, plain ? *name : '-');
    }
    if (same)
        kd_buf_printf(w->out, "-%u", same + 1);
}

static void put_reference(writer *w, const kd_fields *fields)
{
    unsigned i = 0;
    while (i < w->n && w->tables[i] != fields)
        i++;
    if (i == TABLES_MAX) {
        w->failed = true;
        return;
    }
    if (i == w->n)
        w->tables[w->n++] = fields;
    PUT(w, "\"$ref\":\"#/$defs/");
    put_name(w, i);
    kd_buf_byte(w->out, '"');
}

static const struct {
    uint8_t scope;
    const char *name, *lint;
    uint8_t shape;
} extras[] = {
    {KD_SCOPE_SERVICE, "service-extra-config", NULL, 0},
    {KD_SCOPE_ENDPOINT, "endpoint-extra-config", NULL, 0},
    {KD_SCOPE_BACKEND, "backend-extra-config", NULL, 0},
    {KD_SCOPE_WORKFLOW, "workflow-extra-config", NULL, 0},
    {KD_SCOPE_AGENT, "async-agent-extra-config", "'oneOf':[{'required':['async/amqp']},{'required':['async/kafka']}]",
     KD_SHAPE_OPEN | KD_SHAPE_UNTYPED},
};

static const char *extra_name(uint8_t scope)
{
    for (size_t i = 0; i < KD_COUNT(extras); i++)
        if (extras[i].scope == scope)
            return extras[i].name;
    return "";
}

/* ---- one key */

static void put_one_of(const writer *w, const char *list)
{
    kd_str rest = kd_str_from_c(list), item;
    PUT(w, "\"enum\":[");
    while (kd_str_split(&rest, '|', &item)) {
        put_comma(w);
        put_string(w, item);
    }
    PUT(w, "]");
}

/* The types of a key that takes several. */
static void put_types(const writer *w, uint8_t json)
{
    static const char *const names[] = {"null", "boolean", "number", "string", "array", "object"};
    PUT(w, "\"type\":[");
    for (unsigned type = KD_NODE_NULL; type <= KD_NODE_OBJECT; type++) {
        if (!(json & KD_JSON(type)))
            continue;
        put_comma(w);
        put_string(w, kd_str_from_c(names[type]));
    }
    PUT(w, "]");
}

static void put_type(writer *w, const kd_field *field, uint8_t scope)
{
    const kd_namespace *like = field->like ? kd_namespace_find(kd_str_from_c(field->like), KD_SCOPE_ENDPOINT) : NULL;
    const kd_fields *child = like && like->fields ? like->fields : field->child;
    switch ((kd_field_type)field->type) {
    case KD_FIELD_STRING:
        if (field->one_of)
            put_one_of(w, field->one_of);
        else
            PUT(w, "\"type\":\"string\"");
        break;
    case KD_FIELD_INT:
        PUT(w, "\"type\":\"integer\"");
        break;
    case KD_FIELD_BOOL:
        PUT(w, "\"type\":\"boolean\"");
        break;
    case KD_FIELD_FLOAT:
        PUT(w, "\"type\":\"number\"");
        break;
    case KD_FIELD_DURATION:
        PUT(w, "\"type\":\"string\",\"pattern\":\"^[0-9]+(ns|ms|us|µs|s|m|h)$\"");
        break;
    case KD_FIELD_STRINGS:
        PUT(w, "\"type\":\"array\",\"items\":{\"type\":\"string\"}");
        break;
    case KD_FIELD_UINTS:
        PUT(w, "\"type\":\"array\",\"items\":{\"type\":\"integer\"}");
        break;
    case KD_FIELD_OBJECT:
        if (child)
            put_reference(w, child);
        else
            PUT(w, "\"type\":\"object\"");
        break;
    case KD_FIELD_STRING_MAP:
        PUT(w, "\"type\":\"object\"");
        break;
    case KD_FIELD_OBJECTS:
        PUT(w, "\"type\":\"array\",\"items\":{");
        if (child)
            put_reference(w, child);
        PUT(w, "}");
        break;
    case KD_FIELD_EXTRA:
        kd_buf_printf(w->out, "\"$ref\":\"#/$defs/%s\"", extra_name(scope));
        break;
    case KD_FIELD_ANY:
    case KD_FIELD_REFUSED:
        break;
    }
}

static void put_field(writer *w, const kd_field *field, uint8_t scope)
{
    bool whole = field->lint && field->lint[0] == '{';
    put_comma(w);
    put_string(w, field->key);
    PUT(w, ":{");
    if (w->texts) {
        PUT(w, "\"description\":");
        put_string(w, kd_str_from_c(field->about));
        if (field->dflt) {
            PUT(w, ",\"default\":");
            put_string(w, kd_str_from_c(field->dflt));
        }
        if (field->flags & KD_FIELD_DEPRECATED)
            PUT(w, ",\"deprecated\":true");
    }
    size_t before = w->out->n;
    if (whole) {
        if (field->lint[1] != '}')
            put_comma(w);
        put_fragment(w, field->lint + 1); /* its closing brace closes ours */
        return;
    }
    put_comma(w);
    size_t start = w->out->n;
    if (field->json && !field->lint)
        put_types(w, field->json);
    else
        put_type(w, field, scope);
    if (field->lint) {
        if (w->out->n > start)
            put_comma(w);
        put_fragment(w, field->lint);
    }
    if (w->out->n == start)
        w->out->n = before; /* nothing is demanded: no comma either */
    PUT(w, "}");
}

/* ---- objects */

static void put_shape(const writer *w, uint8_t shape, const char *lint)
{
    if (!(shape & KD_SHAPE_UNTYPED))
        PUT(w, ",\"type\":\"object\"");
    if (!(shape & (KD_SHAPE_OPEN | KD_SHAPE_NO_COMMENTS)))
        PUT(w, ",\"patternProperties\":{\"^[@$_#]\":true}");
    if (!(shape & KD_SHAPE_OPEN))
        PUT(w, ",\"additionalProperties\":false");
    if (lint) {
        PUT(w, ",");
        put_fragment(w, lint);
    }
}

/* The members of an object's schema, without its braces. */
static void put_object(writer *w, const kd_fields *fields)
{
    PUT(w, "\"properties\":{");
    for (uint32_t i = 0; i < fields->n; i++)
        if (fields->v[i].type != KD_FIELD_REFUSED && !(fields->v[i].flags & KD_FIELD_UNLISTED))
            put_field(w, &fields->v[i], fields->scope);
    PUT(w, "}");
    put_shape(w, fields->shape, fields->lint);
}

static bool is_first(size_t i, kd_str name, uint8_t scope)
{
    for (size_t j = 0; j < i; j++)
        if (kd_str_eq(kd_namespace_at(j)->name, name) && (kd_namespace_at(j)->scopes & scope))
            return false;
    return true;
}

static void put_namespace(writer *w, const kd_namespace *ns)
{
    put_comma(w);
    put_string(w, ns->name);
    if (ns->lint && ns->lint[0] == '{') {
        PUT(w, ":");
        put_fragment(w, ns->lint);
        return;
    }
    PUT(w, ":{");
    const kd_namespace *like = ns->like ? kd_namespace_find(kd_str_from_c(ns->like), KD_SCOPE_ENDPOINT) : NULL;
    const kd_fields *fields = like ? like->fields : ns->fields;
    if (fields && ns->list) {
        PUT(w, "\"type\":\"array\",\"items\":{");
        put_reference(w, fields);
        PUT(w, "}");
    } else if (fields) {
        put_reference(w, fields);
    }
    if (ns->lint) {
        put_comma(w);
        put_fragment(w, ns->lint);
    }
    PUT(w, "}");
}

static void put_extra(writer *w, size_t which)
{
    const kd_namespace *ns;
    uint8_t scope = extras[which].scope;
    put_comma(w);
    put_string(w, kd_str_from_c(extras[which].name));
    PUT(w, ":{\"properties\":{");
    for (size_t i = 0; (ns = kd_namespace_at(i)); i++)
        if ((ns->scopes & scope) && !ns->unlisted && is_first(i, ns->name, scope))
            put_namespace(w, ns);
    PUT(w, "}");
    put_shape(w, extras[which].shape, extras[which].lint);
    PUT(w, "}");
}

bool kd_config_schema_write(kd_buf *out, bool texts)
{
    writer w = {.out = out, .texts = texts};
    PUT(&w, "{\"$schema\":\"https://json-schema.org/draft/2019-09/schema\",");
    put_object(&w, &kd_service_fields);
    PUT(&w, ",\"$defs\":{");
    for (size_t i = 0; i < KD_COUNT(extras); i++)
        put_extra(&w, i);
    /* a definition may refer to further ones: the list grows while it is written */
    for (unsigned i = 0; i < w.n; i++) {
        put_comma(&w);
        kd_buf_byte(out, '"');
        put_name(&w, i);
        PUT(&w, "\":{");
        put_object(&w, w.tables[i]);
        PUT(&w, "}");
    }
    PUT(&w, "}}");
    return !out->failed && !w.failed;
}
