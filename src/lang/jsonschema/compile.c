/* Keywords become a tree of nodes. What is no valid value of a keyword is ignored: the metaschema has refused it. */
#include "lang/jsonschema/own.h"

/* ---- nodes */

static kd_schema_node *queue(kd_jsonschema *schema, kd_schema_document *document, kd_str pointer, kd_value value)
{
    kd_schema_node *node = kd_map_get(&document->nodes, pointer);
    if (node)
        return node;
    if (schema->n_nodes == KD_JSONSCHEMA_NODES) {
        kd_schema_fail(schema, "more than %u schemas in one", KD_JSONSCHEMA_NODES);
        return NULL;
    }
    node = pointer.p ? KD_NEW(schema->arena, kd_schema_node) : NULL;
    if (!node || !kd_map_put(&document->nodes, pointer, node)) {
        kd_schema_out_of_memory(schema);
        return NULL;
    }
    *node = (kd_schema_node){.document = document, .pointer = pointer, .value = value, .boolean = -1};
    if (schema->last)
        schema->last->next = node;
    else
        schema->first = node;
    schema->last = node;
    schema->n_nodes++;
    return node;
}

/* The schema under a keyword, NULL when there is none. */
static kd_schema_node *one(kd_jsonschema *schema, const kd_schema_node *node, kd_str keyword)
{
    kd_value v = kd_value_get(node->value, keyword);
    if (v.type == KD_ABSENT)
        return NULL;
    return queue(schema, node->document, kd_schema_pointer(schema->arena, node->pointer, keyword), v);
}

static void list(kd_jsonschema *schema, const kd_schema_node *node, kd_str keyword, kd_schema_list *out)
{
    kd_value v = kd_value_get(node->value, keyword), item;
    kd_str key, at;
    if (v.type != KD_LIST || !v.n)
        return;
    at = kd_schema_pointer(schema->arena, node->pointer, keyword);
    out->v = KD_NEW_ARRAY(schema->arena, kd_schema_node *, v.n);
    if (!at.p || !out->v) {
        kd_schema_out_of_memory(schema);
        return;
    }
    for (kd_value_iter iter = kd_value_each(v); kd_value_next(&iter, &key, &item); out->n++)
        out->v[out->n] = queue(schema, node->document, kd_schema_pointer_index(schema->arena, at, out->n), item);
}

static kd_str *strings(kd_jsonschema *schema, kd_value v, uint32_t *n)
{
    kd_value item;
    kd_str key, *out;
    *n = 0;
    if (v.type != KD_LIST || !v.n)
        return NULL;
    out = KD_NEW_ARRAY(schema->arena, kd_str, v.n);
    if (!out)
        kd_schema_out_of_memory(schema);
    for (kd_value_iter iter = kd_value_each(v); out && kd_value_next(&iter, &key, &item);)
        if (item.type == KD_STRING)
            out[(*n)++] = kd_value_text(item);
    return out;
}

/* The members of an object of schemas; lists among them are lists of names where the keyword admits them. */
static bool members(kd_jsonschema *schema, const kd_schema_node *node, kd_str keyword, bool schemas, bool names,
                    kd_schema_members *out)
{
    kd_value v = kd_value_get(node->value, keyword), item;
    kd_str key, at;
    if (v.type != KD_OBJECT)
        return false;
    at = kd_schema_pointer(schema->arena, node->pointer, keyword);
    out->v = KD_NEW_ARRAY(schema->arena, kd_schema_member, v.n + 1);
    if (!at.p || !out->v)
        return kd_schema_out_of_memory(schema);
    for (kd_value_iter iter = kd_value_each(v); kd_value_next(&iter, &key, &item);) {
        kd_schema_member *m = &out->v[out->n];
        *m = (kd_schema_member){.key = key};
        if (item.type == KD_LIST && names)
            m->names = strings(schema, item, &m->n_names);
        else if (schemas)
            m->node = queue(schema, node->document, kd_schema_pointer(schema->arena, at, key), item);
        else
            continue;
        out->n++;
    }
    return out->n > 0;
}

/* ---- values of keywords */

static int64_t count_of(const kd_schema_node *node, kd_str keyword)
{
    kd_value v = kd_value_get(node->value, keyword);
    kd_decimal decimal;
    int64_t n;
    if (v.type != KD_NUMBER)
        return -1;
    kd_decimal_read(v, &decimal);
    return kd_decimal_to_int(&decimal, &n) && n >= 0 ? n : -1;
}

static bool flag_of(const kd_schema_node *node, kd_str keyword)
{
    kd_value v = kd_value_get(node->value, keyword);
    return v.type == KD_BOOL && v.boolean;
}

static bool is_false(const kd_schema_node *node, kd_str keyword)
{
    kd_value v = kd_value_get(node->value, keyword);
    return v.type == KD_BOOL && !v.boolean;
}

static bool has(const kd_schema_node *node, kd_str keyword)
{
    return kd_value_get(node->value, keyword).type != KD_ABSENT;
}

static void bound_of(kd_jsonschema *schema, const kd_schema_node *node, kd_str keyword, kd_schema_bound *out)
{
    out->value = kd_value_get(node->value, keyword);
    out->set = out->value.type == KD_NUMBER;
    if (out->set && out->value.origin == KD_ORIGIN_FLOAT64) {
        /* a decimal refers to the digits it was read from: they need a place that stays */
        kd_decimal_read(out->value, &out->decimal);
        kd_str text = kd_arena_copy(schema->arena, kd_str_from_c(out->decimal.text));
        if (!text.p)
            kd_schema_out_of_memory(schema);
        out->value = kd_value_literal(text);
    }
    if (out->set)
        kd_decimal_read(out->value, &out->decimal);
}

static kd_regex *regex_of(kd_jsonschema *schema, const kd_schema_node *node, kd_str keyword, kd_str expression)
{
    kd_str error;
    kd_regex *regex = kd_regex_compile(schema->arena, expression, &error);
    if (!regex) {
        kd_str at = kd_schema_location(schema->arena, node->document->url,
                                       kd_schema_pointer(schema->arena, node->pointer, keyword));
        kd_str shown = kd_schema_quoted(schema->arena, expression), where = kd_schema_quoted(schema->arena, at);
        kd_schema_fail(schema, "invalid regex %.*s at %.*s: %.*s", KD_FMT(shown), KD_FMT(where), KD_FMT(error));
        return NULL;
    }
    if (!KD_VEC_PUSH(schema->arena, &schema->regexes, regex)) {
        kd_regex_destroy(regex);
        kd_schema_out_of_memory(schema);
        return NULL;
    }
    return regex;
}

static uint8_t type_named(kd_str name)
{
    static const struct {
        kd_str name;
        uint8_t bit;
    } types[] = {
        {KD_STR_INIT("null"), KD_SCHEMA_NULL},     {KD_STR_INIT("boolean"), KD_SCHEMA_BOOLEAN},
        {KD_STR_INIT("number"), KD_SCHEMA_NUMBER}, {KD_STR_INIT("integer"), KD_SCHEMA_INTEGER},
        {KD_STR_INIT("string"), KD_SCHEMA_STRING}, {KD_STR_INIT("array"), KD_SCHEMA_ARRAY},
        {KD_STR_INIT("object"), KD_SCHEMA_OBJECT},
    };
    for (size_t i = 0; i < KD_COUNT(types); i++)
        if (kd_str_eq(types[i].name, name))
            return types[i].bit;
    return 0;
}

static uint8_t types_of(const kd_schema_node *node)
{
    kd_value v = kd_value_get(node->value, KD_STR("type")), item;
    kd_str key;
    uint8_t types = 0;
    if (v.type == KD_STRING)
        return type_named(kd_value_text(v));
    if (v.type != KD_LIST)
        return 0;
    for (kd_value_iter iter = kd_value_each(v); kd_value_next(&iter, &key, &item);)
        if (item.type == KD_STRING)
            types |= type_named(kd_value_text(item));
    return types;
}

/* ---- references */

static kd_schema_node *reference(kd_jsonschema *schema, kd_schema_node *node, kd_str keyword, kd_str *fragment)
{
    kd_value v = kd_value_get(node->value, keyword);
    kd_str url, pointer;
    kd_schema_document *document = node->document;
    const kd_schema_resource *target = NULL;
    if (v.type != KD_STRING || !kd_schema_resolve(schema, node->resource->id, kd_value_text(v), &url, fragment))
        return NULL;
    if (kd_str_eq(url, document->url))
        target = document->first;
    for (const kd_schema_resource *r = document->first; r && !target; r = r->next)
        if (kd_str_eq(r->id, url))
            target = r;
    if (!target) {
        document = kd_schema_document_of(schema, url);
        if (!document)
            return NULL;
        target = document->first;
    }
    if (!kd_schema_fragment(schema, document, target, *fragment, &pointer))
        return NULL;
    return queue(schema, document, pointer, KD_VALUE_ABSENT);
}

/* ---- groups of keywords */

#define GROUP(schema, type) ((type *)group(schema, sizeof(type)))

static void *group(kd_jsonschema *schema, size_t size)
{
    void *p = kd_arena_zero(schema->arena, size);
    if (!p)
        kd_schema_out_of_memory(schema);
    return p;
}

static void compile_properties(kd_jsonschema *schema, kd_schema_node *node, kd_schema_object *o)
{
    kd_schema_members properties = {NULL, 0};
    if (members(schema, node, KD_STR("properties"), true, false, &properties))
        o->has_properties = true;
    kd_map_init(&o->properties, schema->arena, properties.n ? properties.n : 1);
    for (uint32_t i = 0; i < properties.n; i++)
        if (!kd_map_put(&o->properties, properties.v[i].key, properties.v[i].node))
            kd_schema_out_of_memory(schema);
    members(schema, node, KD_STR("patternProperties"), true, false, &o->patterns);
    for (uint32_t i = 0; i < o->patterns.n && !schema->error.n; i++)
        o->patterns.v[i].pattern = regex_of(schema, node, KD_STR("patternProperties"), o->patterns.v[i].key);
    o->no_more = is_false(node, KD_STR("additionalProperties"));
    node->all_members = has(node, KD_STR("additionalProperties"));
    if (node->all_members && !o->no_more && !flag_of(node, KD_STR("additionalProperties")))
        o->more = one(schema, node, KD_STR("additionalProperties"));
}

static void compile_object(kd_jsonschema *schema, kd_schema_node *node, const kd_schema_dialect *dialect)
{
    kd_schema_object *o = GROUP(schema, kd_schema_object);
    if (!o)
        return;
    o->min = o->max = -1;
    kd_map_init(&o->properties, schema->arena, 1);
    node->object = o;
    if (kd_schema_has(dialect, KD_VOCAB_VALIDATION)) {
        o->min = count_of(node, KD_STR("minProperties"));
        o->max = count_of(node, KD_STR("maxProperties"));
        o->required = strings(schema, kd_value_get(node->value, KD_STR("required")), &o->n_required);
        if (node->draft >= KD_DRAFT_2019)
            members(schema, node, KD_STR("dependentRequired"), false, true, &o->dependent_required);
    }
    if (kd_schema_has(dialect, KD_VOCAB_APPLICATOR)) {
        compile_properties(schema, node, o);
        members(schema, node, KD_STR("dependencies"), true, true, &o->dependencies);
        if (node->draft >= KD_DRAFT_6)
            o->names = one(schema, node, KD_STR("propertyNames"));
        if (node->draft >= KD_DRAFT_2019)
            members(schema, node, KD_STR("dependentSchemas"), true, false, &o->dependent_schemas);
    }
    if (node->draft >= KD_DRAFT_2019 &&
        kd_schema_has(dialect, node->draft == KD_DRAFT_2019 ? KD_VOCAB_APPLICATOR : KD_VOCAB_UNEVALUATED))
        o->unevaluated = one(schema, node, KD_STR("unevaluatedProperties"));
    if (o->min < 0 && o->max < 0 && !o->n_required && !o->no_more && !o->has_properties && !o->patterns.n &&
        !o->dependencies.n && !o->dependent_schemas.n && !o->dependent_required.n && !o->more && !o->names &&
        !o->unevaluated && !node->all_members)
        node->object = NULL;
}

static void compile_items(kd_jsonschema *schema, kd_schema_node *node, kd_schema_array *a)
{
    if (node->draft >= KD_DRAFT_2020) {
        list(schema, node, KD_STR("prefixItems"), &a->prefix);
        a->items = one(schema, node, KD_STR("items"));
        node->all_items = a->items != NULL;
        node->n_items = a->prefix.n;
        return;
    }
    if (kd_value_get(node->value, KD_STR("items")).type != KD_LIST) {
        a->items = one(schema, node, KD_STR("items"));
        node->all_items = a->items != NULL;
        return;
    }
    list(schema, node, KD_STR("items"), &a->prefix);
    node->n_items = a->prefix.n;
    node->all_items = has(node, KD_STR("additionalItems"));
    a->no_more = is_false(node, KD_STR("additionalItems"));
    if (!a->no_more && !flag_of(node, KD_STR("additionalItems")))
        a->items = one(schema, node, KD_STR("additionalItems"));
}

static void compile_array(kd_jsonschema *schema, kd_schema_node *node, const kd_schema_dialect *dialect)
{
    kd_schema_array *a = GROUP(schema, kd_schema_array);
    if (!a)
        return;
    a->min = a->max = a->min_contains = a->max_contains = -1;
    node->array = a;
    if (kd_schema_has(dialect, KD_VOCAB_APPLICATOR)) {
        compile_items(schema, node, a);
        if (node->draft >= KD_DRAFT_6)
            a->contains = one(schema, node, KD_STR("contains"));
    }
    if (kd_schema_has(dialect, KD_VOCAB_VALIDATION)) {
        a->min = count_of(node, KD_STR("minItems"));
        a->max = count_of(node, KD_STR("maxItems"));
        a->unique = flag_of(node, KD_STR("uniqueItems"));
        if (a->contains && node->draft >= KD_DRAFT_2019) {
            a->min_contains = count_of(node, KD_STR("minContains"));
            a->max_contains = count_of(node, KD_STR("maxContains"));
        }
    }
    if (node->draft >= KD_DRAFT_2019 &&
        kd_schema_has(dialect, node->draft == KD_DRAFT_2019 ? KD_VOCAB_APPLICATOR : KD_VOCAB_UNEVALUATED))
        a->unevaluated = one(schema, node, KD_STR("unevaluatedItems"));
    if (a->min < 0 && a->max < 0 && !a->unique && !a->no_more && !a->prefix.n && !a->items && !a->contains &&
        !a->unevaluated)
        node->array = NULL;
}

static void compile_scalars(kd_jsonschema *schema, kd_schema_node *node)
{
    kd_schema_string s = {count_of(node, KD_STR("minLength")), count_of(node, KD_STR("maxLength")), NULL, KD_STR("")};
    kd_value pattern = kd_value_get(node->value, KD_STR("pattern"));
    if (pattern.type == KD_STRING) {
        s.expression = kd_value_text(pattern);
        s.pattern = regex_of(schema, node, KD_STR("pattern"), s.expression);
    }
    if ((s.min >= 0 || s.max >= 0 || s.pattern) && (node->string = GROUP(schema, kd_schema_string)))
        *node->string = s;
    kd_schema_number n;
    memset(&n, 0, sizeof(n));
    bound_of(schema, node, KD_STR("minimum"), &n.min);
    bound_of(schema, node, KD_STR("maximum"), &n.max);
    bound_of(schema, node, KD_STR("exclusiveMinimum"), &n.above);
    bound_of(schema, node, KD_STR("exclusiveMaximum"), &n.below);
    bound_of(schema, node, KD_STR("multipleOf"), &n.multiple);
    /* draft 4: a flag beside the bound */
    if (flag_of(node, KD_STR("exclusiveMinimum"))) {
        n.above = n.min;
        n.min.set = false;
    }
    if (flag_of(node, KD_STR("exclusiveMaximum"))) {
        n.below = n.max;
        n.max.set = false;
    }
    if ((n.min.set || n.max.set || n.above.set || n.below.set || n.multiple.set) &&
        (node->number = GROUP(schema, kd_schema_number)))
        *node->number = n;
}

static void compile_values(kd_jsonschema *schema, kd_schema_node *node)
{
    kd_value item;
    kd_str key;
    node->types = types_of(node);
    node->enumeration = kd_value_get(node->value, KD_STR("enum"));
    node->has_enum = node->enumeration.type == KD_LIST;
    if (node->has_enum)
        for (kd_value_iter iter = kd_value_each(node->enumeration); kd_value_next(&iter, &key, &item);)
            node->enum_types |= kd_schema_type(item);
    if (node->draft >= KD_DRAFT_6) {
        node->constant = kd_value_get(node->value, KD_STR("const"));
        node->has_constant = node->constant.type != KD_ABSENT;
    }
    compile_scalars(schema, node);
}

static void compile_logic(kd_jsonschema *schema, kd_schema_node *node)
{
    kd_schema_logic l;
    memset(&l, 0, sizeof(l));
    list(schema, node, KD_STR("allOf"), &l.all);
    list(schema, node, KD_STR("anyOf"), &l.any);
    list(schema, node, KD_STR("oneOf"), &l.one);
    l.not = one(schema, node, KD_STR("not"));
    if (node->draft >= KD_DRAFT_7 && has(node, KD_STR("if"))) {
        l.test = one(schema, node, KD_STR("if"));
        if (!is_false(node, KD_STR("if")))
            l.then = one(schema, node, KD_STR("then"));
        if (!flag_of(node, KD_STR("if")))
            l.otherwise = one(schema, node, KD_STR("else"));
    }
    if ((l.all.n || l.any.n || l.one.n || l.not || l.test) && (node->logic = GROUP(schema, kd_schema_logic)))
        *node->logic = l;
}

static void compile_references(kd_jsonschema *schema, kd_schema_node *node)
{
    kd_str fragment;
    node->ref = reference(schema, node, KD_STR("$ref"), &fragment);
    if (node->draft >= KD_DRAFT_2019) {
        node->recursive_ref = reference(schema, node, KD_STR("$recursiveRef"), &fragment);
        node->recursive_anchor = flag_of(node, KD_STR("$recursiveAnchor"));
    }
    if (node->draft < KD_DRAFT_2020)
        return;
    node->dynamic_ref = reference(schema, node, KD_STR("$dynamicRef"), &fragment);
    if (node->dynamic_ref && fragment.n && fragment.p[0] != '/')
        node->dynamic_name = fragment;
    kd_value anchor = kd_value_get(node->value, KD_STR("$dynamicAnchor"));
    if (anchor.type == KD_STRING)
        node->dynamic_anchor = kd_value_text(anchor);
}

static void compile_format(const kd_jsonschema *schema, kd_schema_node *node, const kd_schema_dialect *dialect)
{
    kd_value format = kd_value_get(node->value, KD_STR("format"));
    bool asserted = schema->source.assert_format || node->draft < KD_DRAFT_2019 ||
                    kd_schema_has(dialect, node->draft == KD_DRAFT_2019 ? KD_VOCAB_FORMAT : KD_VOCAB_ASSERTION);
    if (asserted && format.type == KD_STRING)
        node->format = kd_schema_format_find(kd_value_text(format));
}

static void compile_keywords(kd_jsonschema *schema, kd_schema_node *node)
{
    const kd_schema_dialect *dialect = &node->resource->dialect;
    compile_references(schema, node);
    if (node->draft < KD_DRAFT_2019 && node->ref)
        return;
    if (kd_schema_has(dialect, KD_VOCAB_APPLICATOR))
        compile_logic(schema, node);
    if (kd_schema_has(dialect, KD_VOCAB_VALIDATION))
        compile_values(schema, node);
    compile_object(schema, node, dialect);
    compile_array(schema, node, dialect);
    compile_format(schema, node, dialect);
}

static bool compile_dynamic_anchors(kd_jsonschema *schema, const kd_schema_node *node)
{
    kd_map_entry *entry;
    uint32_t at = 0;
    while ((entry = kd_map_next(&node->resource->dynamic_anchors, &at))) {
        const kd_str *pointer = entry->value;
        kd_schema_node *anchor = queue(schema, node->document, *pointer, KD_VALUE_ABSENT);
        if (!anchor || !kd_map_put(&node->resource->dynamic_nodes, entry->key, anchor))
            return kd_schema_out_of_memory(schema);
    }
    return true;
}

static bool compile_node(kd_jsonschema *schema, kd_schema_node *node)
{
    if (!kd_schema_ensure(schema, node->document, node->pointer))
        return false;
    if (node->value.type == KD_ABSENT && !kd_schema_lookup(schema, node->document, node->pointer, &node->value))
        return false;
    node->resource = kd_schema_resource_at(node->document, node->pointer);
    node->draft = node->resource->dialect.draft;
    node->base = queue(schema, node->document, node->resource->pointer, KD_VALUE_ABSENT);
    if (!node->base)
        return false;
    if (node->draft >= KD_DRAFT_2020 && node->base == node && !compile_dynamic_anchors(schema, node))
        return false;
    if (node->value.type == KD_BOOL)
        node->boolean = node->value.boolean;
    else if (node->value.type == KD_OBJECT && !node->value.n)
        node->boolean = 1;
    else if (node->value.type == KD_OBJECT)
        compile_keywords(schema, node);
    return !schema->error.n;
}

kd_schema_node *kd_schema_compile(kd_jsonschema *schema, kd_schema_document *document, kd_str pointer)
{
    kd_schema_node *last = schema->last, *node = queue(schema, document, pointer, KD_VALUE_ABSENT);
    if (!node)
        return NULL;
    for (kd_schema_node *next = last ? last->next : schema->first; next; next = next->next)
        if (!compile_node(schema, next))
            return NULL;
    return node;
}

/* ---- the whole */

kd_jsonschema *kd_jsonschema_compile(kd_arena *arena, const kd_jsonschema_source *source, kd_str *error)
{
    kd_jsonschema *schema = KD_NEW(arena, kd_jsonschema);
    *error = KD_STR("out of memory");
    if (!schema)
        return NULL;
    *schema = (kd_jsonschema){.arena = arena, .source = *source};
    if (!schema->source.draft)
        schema->source.draft = KD_DRAFT_2020;
    kd_schema_document *document = kd_schema_document_of(schema, source->url);
    schema->root = document ? kd_schema_compile(schema, document, KD_STR("")) : NULL;
    schema->location = kd_schema_location(arena, source->url, KD_STR(""));
    if (schema->root && schema->location.p)
        return schema;
    *error = schema->error;
    kd_jsonschema_destroy(schema);
    return NULL;
}

void kd_jsonschema_destroy(kd_jsonschema *schema)
{
    if (!schema)
        return;
    for (uint32_t i = 0; i < schema->regexes.n; i++)
        kd_regex_destroy(schema->regexes.p[i]);
    schema->regexes.n = 0;
}
