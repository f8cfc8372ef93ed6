#include "config/field.h"

#include "base/buf.h"
#include "text/go/duration.h"
#include "text/go/format.h"
#include "text/go/number.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define SUGGEST_MAX     64u /* keys of one object that a suggestion chooses from */
#define SHOWN_MAX       60  /* bytes of a wrong value that a message repeats */
#define NUMBER_TEXT_MAX 512u

/* ---- paths */

kd_str kd_path_text(kd_arena *arena, const kd_path *path, bool theirs)
{
    size_t n = 0;
    for (const kd_path *p = path; p; p = p->up)
        n += p->ours.p ? (theirs ? p->theirs.n : p->ours.n) + 1 : 12;
    char *text = kd_arena_alloc(arena, n + 1);
    if (!text)
        return KD_STR("");
    char *at = text + n; /* written from the end, because the chain leads upwards */
    for (const kd_path *p = path; p; p = p->up) {
        if (!p->ours.p) {
            char digits[20];
            size_t count = kd_u64_write(digits, p->index);
            *--at = ']';
            memcpy(at -= count, digits, count);
            *--at = '[';
            continue;
        }
        kd_str s = theirs ? p->theirs : p->ours;
        memcpy(at -= s.n, s.p, s.n);
        if (p->up)
            *--at = '.';
    }
    return kd_str_of(at, (size_t)(text + n - at));
}

void kd_walk_init(kd_walk *walk, kd_arena *arena, kd_errors *errors)
{
    *walk = (kd_walk){.arena = arena, .errors = errors};
}

void kd_walk_stop(kd_walk *walk, kd_error *error, kd_str compat)
{
    error->compat = compat;
    if (!compat.p)
        walk->no_memory = true;
    else if (!walk->stopper.n)
        walk->stopper = compat;
}

/* ---- findings */

static bool is_time(const kd_node *node)
{
    return node->type == KD_NODE_STRING && node->go;
}

static const char *found_text(kd_arena *arena, const kd_node *node)
{
    kd_str text;
    if (is_time(node))
        return "a date or time (in quotes it is a text)";
    switch (node->type) {
    case KD_NODE_STRING:
        text = kd_arena_printf(arena, "the string \"%.*s%s\"", node->text.n > SHOWN_MAX ? SHOWN_MAX : (int)node->text.n,
                               node->text.p, node->text.n > SHOWN_MAX ? "…" : "");
        break;
    case KD_NODE_NUMBER:
        text = kd_arena_printf(arena, "the number %.*s", KD_FMT(kd_str_head(node->text, SHOWN_MAX)));
        break;
    case KD_NODE_BOOL:
        return node->boolean ? "true" : "false";
    case KD_NODE_LIST:
        return "a list";
    case KD_NODE_OBJECT:
        return "an object";
    default:
        return "null";
    }
    return text.p ? text.p : "another value";
}

static const char *expected_text(const kd_field *field)
{
    switch ((kd_field_type)field->type) {
    case KD_FIELD_STRING:
        return "a text";
    case KD_FIELD_INT:
        return "an integer";
    case KD_FIELD_BOOL:
        return "true or false";
    case KD_FIELD_FLOAT:
        return "a number";
    case KD_FIELD_DURATION:
        return "a duration with unit such as \"2s\" or \"500ms\"";
    case KD_FIELD_STRINGS:
        return "a list of texts";
    case KD_FIELD_UINTS:
        return "a list of integers from 0 to 65535";
    case KD_FIELD_STRING_MAP:
        return "an object of texts";
    case KD_FIELD_OBJECT:
    case KD_FIELD_EXTRA:
        return "an object";
    case KD_FIELD_OBJECTS:
        return "a list of objects";
    case KD_FIELD_REFUSED:
        return "nothing: this key cannot be configured";
    case KD_FIELD_ANY:
        break;
    }
    return "a value";
}

/* The name of a node's type in Go. */
static const char *go_type(const kd_node *node)
{
    if (node->go)
        return node->go;
    switch (node->type) {
    case KD_NODE_STRING:
        return "string";
    case KD_NODE_NUMBER:
        return node->integer ? "int" : "float64";
    case KD_NODE_BOOL:
        return "bool";
    case KD_NODE_LIST:
        return "[]interface {}";
    case KD_NODE_OBJECT:
        return "map[string]interface {}";
    case KD_NODE_NULL:
        break;
    }
    return "invalid";
}

/* A refused value: our words now, KrakenD's line from the format behind them. Returns false. */
static bool refuse(kd_walk *w, const kd_node *node, const kd_path *path, const char *expected, const char *detail,
                   const char *compat_format, ...) KD_PRINTF(6, 7);

static bool refuse(kd_walk *w, const kd_node *node, const kd_path *path, const char *expected, const char *detail,
                   const char *compat_format, ...)
{
    char words[256];
    va_list args;
    va_start(args, compat_format);
    vsnprintf(words, sizeof(words), compat_format, args);
    va_end(args);
    kd_str theirs = kd_path_text(w->arena, path, true), ours = kd_path_text(w->arena, path, false);
    kd_str line = kd_arena_printf(w->arena, "'%.*s' %s", KD_FMT(theirs), words);
    kd_compat_line *entry = KD_NEW(w->arena, kd_compat_line);
    w->refused++;
    if (!line.p || !entry) {
        w->no_memory = true;
        return false;
    }
    entry->text = line;
    if (w->last)
        w->last->next = entry;
    else
        w->first = entry;
    w->last = entry;
    kd_error *e =
        kd_errors_add(w->errors, KD_SEVERITY_ERROR, node->at, ours, "expected %s, found %s%s%s%s", expected,
                      found_text(w->arena, node), detail ? " (" : "", detail ? detail : "", detail ? ")" : "");
    e->compat = line;
    return false;
}

bool kd_walk_refuse(kd_walk *w, const kd_node *node, const kd_path *path, const char *expected, const char *target)
{
    return refuse(w, node, path, expected, NULL, "expected type '%s', got unconvertible type '%s'", target,
                  go_type(node));
}

static bool no_memory(kd_walk *w)
{
    w->no_memory = true;
    return false;
}

/* ---- scalars (mapstructure's weak decoding) */

static int64_t truncate_number(const kd_node *node)
{
    int64_t exact;
    uint64_t above;
    kd_str error;
    double v = node->number;
    if (node->integer && kd_go_int_parse(node->text, &exact, &error))
        return exact;
    if (node->integer && kd_str_to_u64(node->text, UINT64_MAX, &above))
        return (int64_t)above;
    /* What the reference's machine makes of a number beyond the range. */
    if (!(v >= -9223372036854775808.0 && v < 9223372036854775808.0))
        return INT64_MIN;
    return (int64_t)v;
}

static bool decode_string(kd_walk *w, const kd_node *node, kd_str *out, const kd_path *path)
{
    if (kd_node_is_text(node)) {
        *out = node->text;
        return true;
    }
    if (node->type == KD_NODE_BOOL) {
        *out = node->boolean ? KD_STR("1") : KD_STR("0");
        return true;
    }
    if (node->type != KD_NODE_NUMBER)
        return kd_walk_refuse(w, node, path, "a text", "string");
    if (node->integer) {
        *out = node->text;
        return true;
    }
    kd_buf text;
    kd_buf_init(&text, NUMBER_TEXT_MAX);
    kd_go_float_f(&text, node->number);
    *out = text.failed ? (kd_str){NULL, 0} : kd_arena_copy(w->arena, kd_buf_str(&text));
    kd_buf_fini(&text);
    return out->p || no_memory(w);
}

static bool decode_int(kd_walk *w, const kd_node *node, int64_t *out, const kd_path *path)
{
    kd_str error = KD_STR("");
    if (is_time(node))
        return kd_walk_refuse(w, node, path, "an integer", "int");
    switch (node->type) {
    case KD_NODE_NUMBER:
        *out = truncate_number(node);
        return true;
    case KD_NODE_BOOL:
        *out = node->boolean;
        return true;
    case KD_NODE_STRING:
        if (node->text.n == 0 || kd_go_int_parse(node->text, out, &error))
            return true;
        return refuse(w, node, path, "an integer", NULL, "cannot parse value as 'int': strconv.ParseInt: %.*s",
                      KD_FMT(error));
    default:
        return kd_walk_refuse(w, node, path, "an integer", "int");
    }
}

static bool decode_bool(kd_walk *w, const kd_node *node, bool *out, const kd_path *path)
{
    if (is_time(node))
        return kd_walk_refuse(w, node, path, "true or false", "bool");
    switch (node->type) {
    case KD_NODE_BOOL:
        *out = node->boolean;
        return true;
    case KD_NODE_NUMBER:
        *out = node->number != 0;
        return true;
    case KD_NODE_STRING:
        if (node->text.n == 0 || kd_go_bool_parse(node->text, out))
            return true;
        return refuse(w, node, path, "true or false", NULL,
                      "cannot parse value as 'bool': strconv.ParseBool: invalid syntax");
    default:
        return kd_walk_refuse(w, node, path, "true or false", "bool");
    }
}

static bool decode_float(kd_walk *w, const kd_node *node, double *out, const kd_path *path)
{
    kd_str error = KD_STR("");
    if (is_time(node))
        return kd_walk_refuse(w, node, path, "a number", "float64");
    switch (node->type) {
    case KD_NODE_NUMBER:
        *out = node->number;
        return true;
    case KD_NODE_BOOL:
        *out = node->boolean;
        return true;
    case KD_NODE_STRING:
        if (node->text.n == 0 || kd_go_float_parse(node->text, out, &error))
            return true;
        return refuse(w, node, path, "a number", NULL, "cannot parse value as 'float64': strconv.ParseFloat: %.*s",
                      KD_FMT(error));
    default:
        return kd_walk_refuse(w, node, path, "a number", "float64");
    }
}

/* mapstructure cuts Go's text at its last blank, which mostly stands before the quoted value; a value that has blanks
 * itself is partly there. Bytes as package time quotes them. */
static kd_str duration_words(kd_walk *w, kd_str error, kd_str value)
{
    size_t n = value.n;
    while (n && value.p[n - 1] != ' ')
        n--;
    if (!n || kd_str_eq(error, KD_STR("time: unknown unit")))
        return error;
    char *to = kd_arena_alloc(w->arena, error.n + 2 + 4 * n);
    if (!to)
        return error;
    memcpy(to, error.p, error.n);
    char *at = to + error.n;
    *at++ = ' ';
    *at++ = '"';
    for (size_t i = 0; i + 1 < n; i++) {
        uint8_t c = (uint8_t)value.p[i];
        if (c < ' ' || c >= 0x80) {
            static const char digits[] = "0123456789abcdef";
            *at++ = '\\', *at++ = 'x', *at++ = digits[c >> 4], *at++ = digits[c & 15];
            continue;
        }
        if (c == '"' || c == '\\')
            *at++ = '\\';
        *at++ = (char)c;
    }
    return (kd_str){to, (size_t)(at - to)};
}

static bool decode_duration(kd_walk *w, const kd_node *node, kd_ns *out, const kd_path *path)
{
    static const char expected[] = "a duration with unit such as \"2s\" or \"500ms\"";
    kd_str error = KD_STR("");
    if (is_time(node))
        return kd_walk_refuse(w, node, path, expected, "time.Duration");
    switch (node->type) {
    case KD_NODE_NUMBER:
        *out = truncate_number(node);
        if (*out > 0 && *out < KD_MS)
            kd_errors_add(w->errors, KD_SEVERITY_WARNING, node->at, kd_path_text(w->arena, path, false),
                          "a number without unit means nanoseconds: %.*s is %lld ns", KD_FMT(node->text),
                          (long long)*out)
                ->suggestion = KD_STR("write a text with unit such as \"2s\"");
        return true;
    case KD_NODE_BOOL:
        *out = node->boolean;
        return true;
    case KD_NODE_STRING: {
        if (kd_go_duration_parse(node->text, out, &error))
            return true;
        char detail[64];
        snprintf(detail, sizeof(detail), "%.*s", KD_FMT(kd_str_from(error, sizeof("time: ") - 1)));
        return refuse(w, node, path, expected, detail, "%.*s", KD_FMT(duration_words(w, error, node->text)));
    }
    default:
        return kd_walk_refuse(w, node, path, expected, "time.Duration");
    }
}

/* ---- lists and maps */

/* The items of a list as mapstructure sees them: those of a list, none of an empty object, else the value itself. */
static const kd_node *list_items(const kd_node *node, uint32_t *n)
{
    if (node->type == KD_NODE_LIST) {
        *n = node->n;
        return node->first;
    }
    *n = node->type == KD_NODE_OBJECT && node->n == 0 ? 0 : 1;
    return *n ? node : NULL;
}

static bool decode_strings(kd_walk *w, const kd_node *node, kd_str_list *out, const kd_path *path)
{
    uint32_t n;
    const kd_node *item = list_items(node, &n);
    if (n == 0)
        return true;
    kd_str *v = KD_NEW_ARRAY(w->arena, kd_str, n);
    if (!v)
        return no_memory(w);
    bool ok = true;
    for (uint32_t i = 0; i < n; i++, item = item->next) {
        kd_path at = {.up = path, .index = i};
        v[i] = KD_STR("");
        if (item->type != KD_NODE_NULL)
            ok &= decode_string(w, item, &v[i], &at);
    }
    if (ok)
        out->v = v, out->n = n;
    return ok;
}

static bool decode_uints(kd_walk *w, const kd_node *node, kd_uint_list *out, const kd_path *path)
{
    uint32_t n;
    const kd_node *item = list_items(node, &n);
    if (n == 0)
        return true;
    uint16_t *v = KD_NEW_ARRAY(w->arena, uint16_t, n);
    if (!v)
        return no_memory(w);
    bool ok = true;
    for (uint32_t i = 0; i < n; i++, item = item->next) {
        kd_path at = {.up = path, .index = i};
        uint64_t number = 0;
        kd_str error;
        if (item->type == KD_NODE_NUMBER)
            number = (uint64_t)truncate_number(item);
        else if (item->type == KD_NODE_BOOL)
            number = item->boolean;
        else if (kd_node_is_text(item) && item->text.n && !kd_go_uint_parse(item->text, UINT16_MAX, &number, &error))
            ok = refuse(w, item, &at, "an integer from 0 to 65535", NULL,
                        "cannot parse value as 'uint16': strconv.ParseUint: %.*s", KD_FMT(error));
        else if (item->type == KD_NODE_LIST || item->type == KD_NODE_OBJECT || item->go)
            ok = kd_walk_refuse(w, item, &at, "an integer from 0 to 65535", "uint16");
        v[i] = (uint16_t)number;
    }
    if (ok)
        out->v = v, out->n = n;
    return ok;
}

static int by_from(const void *a, const void *b)
{
    return kd_str_cmp(((const kd_mapping *)a)->from, ((const kd_mapping *)b)->from);
}

static bool decode_map_members(kd_walk *w, const kd_node *object, kd_mapping_list *out, const kd_path *path)
{
    bool ok = true;
    uint32_t before = out->n; /* of a list of maps a later one overwrites */
    for (const kd_node *node = object->first; node; node = node->next) {
        kd_str label = kd_arena_printf(w->arena, "[%.*s]", KD_FMT(node->key));
        if (!label.p)
            return no_memory(w);
        /* mapstructure writes mapping[a], without the dot that precedes a field. */
        kd_path at = {.up = path->up,
                      .ours = kd_arena_printf(w->arena, "%.*s%.*s", KD_FMT(path->ours), KD_FMT(label)),
                      .theirs = kd_arena_printf(w->arena, "%.*s%.*s", KD_FMT(path->theirs), KD_FMT(label))};
        kd_mapping entry = {.from = node->key, .to = KD_STR("")};
        if (node->type != KD_NODE_NULL)
            ok &= decode_string(w, node, &entry.to, &at);
        uint32_t i = 0;
        while (i < before && !kd_str_eq(out->v[i].from, entry.from))
            i++;
        out->v[i < before ? i : out->n++] = entry;
    }
    return ok;
}

/* The maps of a list, of lists of them too, go into one; the first fault ends the list (mapstructure). */
static bool decode_map_list(kd_walk *w, const kd_node *list, kd_mapping_list *out, const kd_path *path)
{
    uint32_t i = 0;
    for (const kd_node *item = list->first; item; item = item->next, i++) {
        kd_path at = {.up = path, .index = i};
        bool ok = true;
        if (item->type == KD_NODE_OBJECT)
            ok = decode_map_members(w, item, out, &at);
        else if (item->type == KD_NODE_LIST)
            ok = decode_map_list(w, item, out, &at);
        else if (item->type != KD_NODE_NULL)
            ok = kd_walk_refuse(w, item, &at, "an object of texts", "map[string]string");
        if (!ok)
            return false;
    }
    return true;
}

uint32_t kd_node_map_room(const kd_node *node)
{
    if (node->type != KD_NODE_LIST)
        return node->type == KD_NODE_OBJECT ? node->n : 0;
    uint32_t room = 0;
    for (const kd_node *item = node->first; item; item = item->next)
        room += kd_node_map_room(item);
    return room;
}

static bool decode_string_map(kd_walk *w, const kd_node *node, kd_mapping_list *out, const kd_path *path)
{
    if (node->type != KD_NODE_OBJECT && node->type != KD_NODE_LIST)
        return kd_walk_refuse(w, node, path, "an object of texts", "map[string]string");
    uint32_t room = kd_node_map_room(node);
    out->v = KD_NEW_ARRAY(w->arena, kd_mapping, room ? room : 1);
    out->n = 0;
    if (!out->v)
        return no_memory(w);
    bool ok =
        node->type == KD_NODE_OBJECT ? decode_map_members(w, node, out, path) : decode_map_list(w, node, out, path);
    qsort(out->v, out->n, sizeof(kd_mapping), by_from);
    return ok;
}

/* ---- objects */

static const char *go_kind(const kd_node *node)
{
    return node->type == KD_NODE_LIST ? "slice" : go_type(node);
}

static bool decode_object(kd_walk *w, const kd_fields *fields, const kd_node *node, void *out, const kd_path *path)
{
    if (node->type != KD_NODE_OBJECT)
        return refuse(w, node, path, "an object", NULL, "expected a map or struct, got \"%s\"", go_kind(node));
    return kd_fields_decode(w, fields, node, out, path);
}

static bool decode_objects(kd_walk *w, const kd_fields *fields, const kd_node *node, kd_struct_list *out,
                           const kd_path *path)
{
    uint32_t n;
    const kd_node *item = list_items(node, &n);
    if (n == 0)
        return true;
    char *v = kd_arena_zero(w->arena, (size_t)fields->size * n);
    if (!v)
        return no_memory(w);
    out->v = v;
    out->n = n;
    bool ok = true;
    for (uint32_t i = 0; i < n; i++, item = item->next) {
        kd_path at = {.up = path, .index = i};
        char *to = v + (size_t)fields->size * i;
        /* A null is an empty one; the reference crashes of it where it wants one with a place of its own (an endpoint,
         * a backend, an agent): there it is refused like any other wrong type. */
        bool nothing = item->type == KD_NODE_NULL && fields->at_offset == KD_NO_OFFSET;
        bool good = nothing || decode_object(w, fields, item, to, &at);
        if (!good && item->type == KD_NODE_NULL && w->errors->last)
            w->errors->last->panics = true;
        if (good && fields->at_offset != KD_NO_OFFSET)
            memcpy(to + fields->at_offset, &item->at, sizeof(item->at));
        ok &= good;
    }
    return ok;
}

/* A struct that the model keeps as the tree's node: its values are checked all the same. */
static bool decode_node(kd_walk *w, const kd_field *field, const kd_node *node, const kd_node **out,
                        const kd_path *path)
{
    void *scratch = kd_arena_zero(w->arena, field->child->size);
    if (!scratch)
        return no_memory(w);
    *out = node;
    return decode_object(w, field->child, node, scratch, path);
}

static bool decode_value(kd_walk *w, const kd_field *field, uint8_t scope, const kd_node *node, void *to,
                         const kd_path *path)
{
    switch ((kd_field_type)field->type) {
    case KD_FIELD_STRING:
        return decode_string(w, node, to, path);
    case KD_FIELD_INT:
        return decode_int(w, node, to, path);
    case KD_FIELD_BOOL:
        return decode_bool(w, node, to, path);
    case KD_FIELD_FLOAT:
        return decode_float(w, node, to, path);
    case KD_FIELD_DURATION:
        return decode_duration(w, node, to, path);
    case KD_FIELD_STRINGS:
        return decode_strings(w, node, to, path);
    case KD_FIELD_UINTS:
        return decode_uints(w, node, to, path);
    case KD_FIELD_STRING_MAP:
        return decode_string_map(w, node, to, path);
    case KD_FIELD_OBJECT:
        return field->flags & KD_FIELD_NODE ? decode_node(w, field, node, to, path)
                                            : decode_object(w, field->child, node, to, path);
    case KD_FIELD_OBJECTS:
        return decode_objects(w, field->child, node, to, path);
    case KD_FIELD_EXTRA:
        if (node->type != KD_NODE_OBJECT && node->type != KD_NODE_LIST)
            return kd_walk_refuse(w, node, path, "an object", "config.ExtraConfig");
        return kd_extras_decode(w, node, scope, to, path);
    case KD_FIELD_ANY:
        *(const kd_node **)to = node;
        return true;
    case KD_FIELD_REFUSED:
        break;
    }
    return kd_walk_refuse(w, node, path, expected_text(field), "encoding.Decoder");
}

/* The member for a field: the exact key, else the first that differs in case only (spec/01 section 2.2). */
static const kd_node *member_of(const kd_node *object, const kd_field *field)
{
    const kd_node *folded = NULL;
    for (const kd_node *node = object->first; node; node = node->next) {
        if (node->key.n != field->key.n)
            continue;
        if (kd_str_eq(node->key, field->key))
            return node;
        if (!folded && kd_str_eq_ci(node->key, field->key))
            folded = node;
    }
    return folded;
}

bool kd_fields_decode(kd_walk *w, const kd_fields *fields, const kd_node *object, void *out, const kd_path *path)
{
    union {
        kd_struct_list list;
        kd_str_list strings;
        kd_extras extras;
        kd_ns number;
    } nowhere;
    bool ok = true;
    for (uint32_t i = 0; i < fields->n; i++) {
        const kd_field *field = &fields->v[i];
        const kd_node *node = member_of(object, field);
        if (!node || node->type == KD_NODE_NULL)
            continue;
        kd_path at = {.up = path, .ours = field->key, .theirs = field->key};
        if (field->go)
            at.theirs = kd_str_from_c(field->go);
        memset(&nowhere, 0, sizeof(nowhere));
        void *to = field->offset == KD_NO_OFFSET ? (void *)&nowhere : (char *)out + field->offset;
        ok &= decode_value(w, field, fields->scope, node, to, &at);
    }
    kd_fields_warn_unknown(w, fields, object, path);
    return ok && !w->no_memory;
}

/* ---- unknown keys and components */

static const kd_field *field_of(const kd_fields *fields, const kd_node *object, const kd_node *node)
{
    const kd_field *folded = NULL;
    for (uint32_t i = 0; i < fields->n; i++) {
        const kd_field *f = &fields->v[i];
        if (kd_str_eq(f->key, node->key) || (f->alias && kd_str_eq(kd_str_from_c(f->alias), node->key)))
            return f;
        if (!folded && kd_str_eq_ci(f->key, node->key))
            folded = f;
    }
    return folded && member_of(object, folded) == node ? folded : NULL;
}

static void warn_unknown(kd_walk *w, const kd_fields *fields, const kd_node *node, const kd_path *path)
{
    kd_str names[SUGGEST_MAX];
    size_t n = 0;
    kd_path at = {.up = path, .ours = node->key.p ? node->key : KD_STR("")};
    kd_error *e = kd_errors_add(w->errors, KD_SEVERITY_WARNING, node->key_at, kd_path_text(w->arena, &at, false),
                                "unknown key \"%.*s\" in the %s: it has no effect",
                                KD_FMT(kd_str_head(node->key, SHOWN_MAX)), fields->name);
    for (uint32_t i = 0; i < fields->n; i++) {
        const kd_field *f = &fields->v[i];
        if (f->former && kd_str_eq(kd_str_from_c(f->former), node->key)) {
            e->suggestion =
                kd_arena_printf(w->arena, "it was the name of earlier versions: write \"%.*s\"", KD_FMT(f->key));
            return;
        }
        if (n < SUGGEST_MAX && f->type != KD_FIELD_REFUSED && !f->go)
            names[n++] = f->key;
    }
    kd_str near = kd_suggest(node->key, names, n);
    const kd_fields *owner = kd_fields_owning(node->key, fields);
    /* a key of a core object is in the wrong place; one of a component's many keys may only look like a misspelt one */
    if (owner && (owner->size || !near.p))
        e->suggestion = kd_arena_printf(w->arena, "it is a key of the %s", owner->name);
    else if (near.p)
        e->suggestion = kd_arena_printf(w->arena, "did you mean \"%.*s\"?", KD_FMT(near));
}

void kd_fields_warn_unknown(kd_walk *w, const kd_fields *fields, const kd_node *object, const kd_path *path)
{
    for (const kd_node *node = object->first; node; node = node->next)
        if (!kd_key_is_comment(node->key) && !field_of(fields, object, node))
            warn_unknown(w, fields, node, path);
}

static uint8_t json_of(const kd_field *field)
{
    static const uint8_t by_type[] = {
        [KD_FIELD_STRING] = KD_JSON_STRING,
        [KD_FIELD_INT] = KD_JSON_NUMBER,
        [KD_FIELD_BOOL] = KD_JSON_BOOL,
        [KD_FIELD_FLOAT] = KD_JSON_NUMBER,
        [KD_FIELD_DURATION] = KD_JSON_STRING,
        [KD_FIELD_STRINGS] = KD_JSON_LIST,
        [KD_FIELD_UINTS] = KD_JSON_LIST,
        [KD_FIELD_STRING_MAP] = KD_JSON_OBJECT,
        [KD_FIELD_OBJECT] = KD_JSON_OBJECT,
        [KD_FIELD_OBJECTS] = KD_JSON_LIST,
        [KD_FIELD_EXTRA] = KD_JSON_OBJECT,
        [KD_FIELD_ANY] = KD_JSON_ANY,
        [KD_FIELD_REFUSED] = 0,
    };
    return field->json ? field->json : by_type[field->type];
}

static const char *consequence(const kd_field *field)
{
    switch ((kd_wrong)field->wrong) {
    case KD_WRONG_DROP_BLOCK:
        return "; most of the block is ignored because of it";
    case KD_WRONG_FAIL_START:
        return "; the start fails because of it";
    case KD_WRONG_ZERO:
        return "; it counts as not set";
    default:
        return "; the value is ignored";
    }
}

/* Is the text one of a list that '|' separates? */
static bool is_one_of(kd_str text, const char *list)
{
    kd_str rest = kd_str_from_c(list), item;
    while (kd_str_split(&rest, '|', &item))
        if (kd_str_eq_ci(item, text))
            return true;
    return false;
}

static void check_text(kd_walk *w, const kd_field *field, const kd_node *node, const kd_path *path)
{
    kd_str names[SUGGEST_MAX], rest = kd_str_from_c(field->one_of);
    size_t n = 0;
    if (is_one_of(node->text, field->one_of))
        return;
    kd_error *e =
        kd_errors_add(w->errors, KD_SEVERITY_WARNING, node->at, kd_path_text(w->arena, path, false),
                      "expected one of %s, found %s%s", field->one_of, found_text(w->arena, node), consequence(field));
    while (n < SUGGEST_MAX && kd_str_split(&rest, '|', &names[n]))
        n++;
    kd_str near = kd_suggest(node->text, names, n);
    if (near.p)
        e->suggestion = kd_arena_printf(w->arena, "did you mean \"%.*s\"?", KD_FMT(near));
}

static void check_duration(kd_walk *w, const kd_field *field, const kd_node *node, const kd_path *path)
{
    kd_ns duration;
    kd_str error;
    char least[KD_GO_DURATION_MAX];
    if (!kd_go_duration_parse(node->text, &duration, &error))
        kd_errors_add(w->errors, KD_SEVERITY_WARNING, node->at, kd_path_text(w->arena, path, false),
                      "expected %s, found %s%s", expected_text(field), found_text(w->arena, node), consequence(field));
    else if ((field->min || field->max) && (duration < field->min || duration > field->max))
        kd_errors_add(w->errors, KD_SEVERITY_WARNING, node->at, kd_path_text(w->arena, path, false),
                      "expected at least %.*s, found %.*s", (int)kd_go_duration_write(least, field->min), least,
                      KD_FMT(kd_str_head(node->text, SHOWN_MAX)));
}

static void check_value(kd_walk *w, const kd_field *field, const kd_node *node, const kd_path *path)
{
    if (!(json_of(field) & KD_JSON(node->type))) {
        if (node->type != KD_NODE_NULL)
            kd_errors_add(w->errors, KD_SEVERITY_WARNING, node->at, kd_path_text(w->arena, path, false),
                          "expected %s, found %s%s", expected_text(field), found_text(w->arena, node),
                          consequence(field));
        return;
    }
    if (node->type == KD_NODE_NUMBER && (field->min || field->max) &&
        (node->number < (double)field->min || node->number > (double)field->max))
        kd_errors_add(w->errors, KD_SEVERITY_WARNING, node->at, kd_path_text(w->arena, path, false),
                      "expected a number from %lld to %lld, found %.*s", (long long)field->min, (long long)field->max,
                      KD_FMT(kd_str_head(node->text, SHOWN_MAX)));
    else if (field->type == KD_FIELD_DURATION && node->type == KD_NODE_STRING)
        check_duration(w, field, node, path);
    else if (field->one_of && node->type == KD_NODE_STRING)
        check_text(w, field, node, path);
    else if (field->type == KD_FIELD_OBJECT && field->child && node->type == KD_NODE_OBJECT)
        kd_fields_check(w, field->child, node, path);
}

static void check_items(kd_walk *w, const kd_field *field, const kd_node *list, const kd_path *path)
{
    uint32_t i = 0;
    for (const kd_node *item = list->first; item; item = item->next, i++) {
        kd_path at = {.up = path, .index = i};
        if (field->type == KD_FIELD_OBJECTS && field->child && item->type == KD_NODE_OBJECT)
            kd_fields_check(w, field->child, item, &at);
        else if (field->type == KD_FIELD_STRINGS && item->type != KD_NODE_STRING)
            kd_errors_add(w->errors, KD_SEVERITY_WARNING, item->at, kd_path_text(w->arena, &at, false),
                          "expected a text, found %s", found_text(w->arena, item));
    }
}

void kd_fields_check(kd_walk *w, const kd_fields *fields, const kd_node *object, const kd_path *path)
{
    for (const kd_node *node = object->first; node; node = node->next) {
        if (kd_key_is_comment(node->key))
            continue;
        const kd_field *field = field_of(fields, object, node);
        if (!field) {
            warn_unknown(w, fields, node, path);
            continue;
        }
        kd_path at = {.up = path, .ours = node->key, .theirs = node->key};
        if (field->flags & KD_FIELD_DEPRECATED)
            kd_errors_add(w->errors, KD_SEVERITY_NOTE, node->key_at, kd_path_text(w->arena, &at, false),
                          "the key is deprecated: %s", field->about);
        check_value(w, field, node, &at);
        if (node->type == KD_NODE_LIST)
            check_items(w, field, node, &at);
    }
}
