#include "lang/jsonschema/own.h"

#include <stdarg.h>
#include <stdio.h>

#define MESSAGE_MAX (4u << 20)
#define FEW_MEMBERS 16u /* up to here a name is looked for one by one */

/* Stands for any fault where only the verdict counts. */
static kd_jsonschema_fault quiet_fault;

static kd_jsonschema_fault *apply(kd_schema_frame *f);

bool kd_schema_step(kd_schema_run *run)
{
    if (run->steps)
        run->steps--;
    run->exhausted |= run->steps == 0;
    return !run->exhausted && !run->no_memory;
}

/* ---- values */

static kd_member *find_member(const kd_schema_instance *at, kd_str name, uint32_t n)
{
    if (at->by_name.used)
        return kd_map_get(&at->by_name, name);
    for (uint32_t i = 0; i < n; i++)
        if (kd_str_eq(at->members[i].key, name))
            return &at->members[i];
    return NULL;
}

bool kd_schema_member_of(const kd_schema_instance *at, kd_str name)
{
    return find_member(at, name, at->n_members) != NULL;
}

bool kd_schema_view(kd_schema_frame *f)
{
    kd_schema_instance *at = f->at;
    kd_str key;
    kd_value value;
    if (at->viewed)
        return true;
    at->viewed = true;
    at->members = KD_NEW_ARRAY(f->run->arena, kd_member, at->value.n + 1);
    kd_map_init(&at->by_name, f->run->arena, at->value.n + 1);
    if (!at->members) {
        f->run->no_memory = true;
        return false;
    }
    bool many = at->value.n > FEW_MEMBERS;
    for (kd_value_iter iter = kd_value_each(at->value); kd_value_next(&iter, &key, &value);) {
        kd_member *known = find_member(at, key, at->n_members);
        if (known) {
            known->value = value; /* the last one counts */
            continue;
        }
        kd_member *member = &at->members[at->n_members++];
        *member = (kd_member){key, value};
        if (many && !kd_map_put(&at->by_name, key, member)) {
            f->run->no_memory = true;
            return false;
        }
    }
    return true;
}

static kd_str pointer_of(kd_arena *arena, const kd_schema_instance *at)
{
    if (!at->up)
        return KD_STR("");
    kd_str up = pointer_of(arena, at->up);
    return at->key.p ? kd_schema_pointer(arena, up, at->key) : kd_schema_pointer_index(arena, up, at->index);
}

/* ---- what nobody has looked at */

static void left_from(kd_schema_frame *f, bool needed)
{
    uint32_t n = 0, from = 0;
    const kd_schema_node *node = f->node;
    if (f->at->value.type == KD_OBJECT && !node->all_members &&
        (needed || (node->object && node->object->unevaluated)) && kd_schema_view(f)) {
        n = f->at->n_members;
    } else if (f->at->value.type == KD_LIST && !node->all_items &&
               (needed || (node->array && node->array->unevaluated))) {
        n = f->at->value.n;
        from = node->n_items;
    }
    if (from >= n)
        return;
    f->left.words = (n + 63) / 64;
    f->left.bits = KD_NEW_ARRAY(f->run->arena, uint64_t, f->left.words);
    if (!f->left.bits) {
        f->run->no_memory = true;
        return;
    }
    for (uint32_t i = from; i < n; i++)
        f->left.bits[i / 64] |= (uint64_t)1 << i % 64;
}

void kd_schema_left_take(kd_schema_left *left, uint32_t i)
{
    if (left->bits && i / 64 < left->words)
        left->bits[i / 64] &= ~((uint64_t)1 << i % 64);
}

bool kd_schema_left_any(const kd_schema_left *left)
{
    for (uint32_t i = 0; left->bits && i < left->words; i++)
        if (left->bits[i])
            return true;
    return false;
}

/* What the inner schema has looked at counts for the outer one. */
static void left_merge(kd_schema_left *left, const kd_schema_left *inner)
{
    for (uint32_t i = 0; left->bits && i < left->words; i++)
        left->bits[i] &= inner->bits && i < inner->words ? inner->bits[i] : 0;
}

/* ---- faults */

kd_buf *kd_schema_say(kd_schema_frame *f)
{
    f->run->text.n = 0;
    return &f->run->text;
}

void kd_schema_chain(kd_jsonschema_fault **first, kd_jsonschema_fault **last, kd_jsonschema_fault *fault)
{
    if (!fault || fault == &quiet_fault)
        return;
    fault->next = NULL;
    if (*last)
        (*last)->next = fault;
    else
        *first = fault;
    *last = fault;
}

static kd_jsonschema_fault *make(kd_schema_frame *f, kd_str pointer, kd_str message)
{
    if (f->quiet || ++f->run->faults > KD_JSONSCHEMA_FAULTS)
        return &quiet_fault;
    kd_jsonschema_fault *fault = KD_NEW(f->run->arena, kd_jsonschema_fault);
    if (!fault || !pointer.p || !message.p) {
        f->run->no_memory = true;
        return &quiet_fault;
    }
    *fault = (kd_jsonschema_fault){.pointer = pointer, .message = message};
    return fault;
}

static kd_jsonschema_fault *make_here(kd_schema_frame *f, kd_str message)
{
    return make(f, f->quiet ? KD_STR("") : pointer_of(f->run->arena, f->at), message);
}

static kd_str said(kd_schema_frame *f)
{
    if (f->quiet)
        return KD_STR("");
    if (f->run->text.failed)
        f->run->no_memory = true;
    return kd_arena_copy(f->run->arena, kd_buf_str(&f->run->text));
}

void kd_schema_add_fault(kd_schema_frame *f, kd_jsonschema_fault *fault)
{
    if (!fault)
        return;
    f->n++;
    kd_schema_chain(&f->first, &f->last, fault);
}

void kd_schema_add(kd_schema_frame *f, kd_jsonschema_fault *causes)
{
    kd_jsonschema_fault *fault = make_here(f, said(f));
    if (fault != &quiet_fault) {
        fault->first = causes;
        for (fault->last = causes; fault->last && fault->last->next;)
            fault->last = fault->last->next;
    }
    kd_schema_add_fault(f, fault);
}

void kd_schema_addf(kd_schema_frame *f, const char *format, ...)
{
    if (!f->quiet) {
        char text[512];
        va_list list;
        va_start(list, format);
        vsnprintf(text, sizeof(text), format, list);
        va_end(list);
        kd_buf_add(kd_schema_say(f), kd_str_from_c(text));
    }
    kd_schema_add(f, NULL);
}

/* The one fault, or all of them in a group. */
static kd_jsonschema_fault *verdict(kd_schema_frame *f)
{
    if (f->n == 0)
        return NULL;
    if (f->first == f->last)
        return f->first ? f->first : &quiet_fault;
    kd_jsonschema_fault *group = make_here(f, KD_STR("validation failed"));
    if (group == &quiet_fault)
        return group;
    group->group = true;
    group->first = f->first;
    group->last = f->last;
    return group;
}

/* ---- metaschemas: a value that is a schema with an identity is judged by its own */

static const kd_schema_node *meta_node(kd_schema_run *run, const kd_schema_dialect *dialect)
{
    kd_jsonschema *metas = run->metas;
    kd_str url = kd_metaschema_url(dialect->draft), part;
    if (!dialect->vocabularies) {
        kd_schema_document *document = kd_schema_document_of(metas, url);
        return document ? kd_schema_compile(metas, document, KD_STR("")) : NULL;
    }
    kd_schema_node *all = KD_NEW(metas->arena, kd_schema_node);
    kd_schema_logic *logic = KD_NEW(metas->arena, kd_schema_logic);
    kd_schema_resource *resource = KD_NEW(metas->arena, kd_schema_resource);
    kd_schema_document *own = KD_NEW(metas->arena, kd_schema_document);
    if (!all || !logic || !resource || !own)
        return NULL;
    logic->all.v = KD_NEW_ARRAY(metas->arena, kd_schema_node *, 16);
    own->url = KD_STR("urn:mem:metaschema");
    *all = (kd_schema_node){
        .document = own, .resource = resource, .base = all, .draft = dialect->draft, .boolean = -1, .logic = logic};
    kd_map_init(&resource->dynamic_nodes, metas->arena, 1);
    if (dialect->draft == KD_DRAFT_2020) {
        all->dynamic_anchor = KD_STR("meta");
        if (!kd_map_put(&resource->dynamic_nodes, all->dynamic_anchor, all))
            return NULL;
    }
    unsigned bit;
    for (unsigned i = 0; logic->all.v && (part = kd_metaschema_part(i, &bit)).p; i++) {
        if (!(dialect->vocabularies & bit))
            continue;
        kd_str full = kd_arena_printf(metas->arena, "%.*smeta/%.*s", (int)(url.n - 6), url.p, KD_FMT(part));
        kd_schema_document *document = full.p ? kd_schema_document_of(metas, full) : NULL;
        kd_schema_node *node = document ? kd_schema_compile(metas, document, KD_STR("")) : NULL;
        if (!node)
            return NULL;
        logic->all.v[logic->all.n++] = node;
    }
    return all;
}

static void choose_meta(kd_schema_frame *f)
{
    if (!f->run->metas || f->node != f->meta)
        return;
    kd_str pointer = pointer_of(f->run->arena, f->at);
    const kd_schema_resource *resource = pointer.p ? kd_schema_resource_of(f->run->document, pointer) : NULL;
    if (!resource)
        return;
    const kd_schema_node *node = meta_node(f->run, &resource->dialect);
    if (!node)
        f->run->no_memory = true;
    else
        f->meta = f->node = node;
}

/* ---- subschemas */

static kd_schema_frame frame_below(kd_schema_frame *f, const kd_schema_node *node, kd_schema_instance *at)
{
    return (kd_schema_frame){
        .run = f->run, .up = f, .at = at, .scope = node, .node = node, .meta = f->meta, .quiet = f->quiet};
}

static kd_jsonschema_fault *apply_self(kd_schema_frame *f, const kd_schema_node *node, bool quiet, const char *by)
{
    kd_schema_frame inner = frame_below(f, node, f->at);
    inner.quiet |= quiet;
    inner.by = by;
    left_from(&inner, kd_schema_left_any(&f->left));
    choose_meta(&inner);
    kd_jsonschema_fault *fault = apply(&inner);
    if (!fault)
        left_merge(&f->left, &inner.left);
    return fault;
}

kd_jsonschema_fault *kd_schema_self(kd_schema_frame *f, const kd_schema_node *node, bool quiet)
{
    return apply_self(f, node, quiet, NULL);
}

kd_jsonschema_fault *kd_schema_inner(kd_schema_frame *f, const kd_schema_node *node, kd_value value, kd_str key,
                                     uint32_t index)
{
    if (node->boolean == 1)
        return NULL;
    kd_schema_instance at = {.up = f->at, .value = value, .key = key, .index = index};
    kd_schema_frame inner = frame_below(f, node, &at);
    left_from(&inner, false);
    choose_meta(&inner);
    return apply(&inner);
}

kd_jsonschema_fault *kd_schema_apart(kd_schema_frame *f, const kd_schema_node *node, kd_value value)
{
    kd_schema_instance at = {.value = value};
    kd_schema_frame inner = frame_below(f, node, &at);
    inner.up = NULL;
    left_from(&inner, false);
    choose_meta(&inner);
    kd_jsonschema_fault *fault = apply(&inner);
    if (!fault || f->quiet)
        return fault;
    kd_buf *say = kd_schema_say(f);
    kd_buf_add(say, KD_STR("invalid propertyName "));
    kd_schema_quote(say, kd_value_text(value));
    kd_jsonschema_fault *whole = make(f, KD_STR(""), said(f));
    if (whole != &quiet_fault && fault->group) {
        whole->first = fault->first;
        whole->last = fault->last;
    } else if (whole != &quiet_fault) {
        kd_schema_chain(&whole->first, &whole->last, fault);
    }
    return whole;
}

/* ---- references */

static kd_jsonschema_fault *follow(kd_schema_frame *f, const kd_schema_node *node, const char *by)
{
    kd_jsonschema_fault *fault = apply_self(f, node, false, by);
    if (!fault)
        return NULL;
    kd_jsonschema_fault *reference = make_here(f, KD_STR("validation failed"));
    if (reference == &quiet_fault)
        return reference;
    reference->reference = true;
    if (fault->group) {
        reference->first = fault->first;
        reference->last = fault->last;
    } else {
        kd_schema_chain(&reference->first, &reference->last, fault);
    }
    return reference;
}

/* $recursiveRef (2019-09): the outermost schema on the way whose resource has a recursive anchor. */
static void follow_recursive(kd_schema_frame *f)
{
    const kd_schema_node *node = f->node->recursive_ref;
    if (!node)
        return;
    if (node->recursive_anchor)
        for (const kd_schema_frame *s = f; s; s = s->up)
            if (s->scope->base && s->scope->base->recursive_anchor)
                node = s->scope;
    kd_schema_add_fault(f, follow(f, node, "$recursiveRef"));
}

/* $dynamicRef (2020-12): the outermost resource on the way that has the anchor. */
static void follow_dynamic(kd_schema_frame *f)
{
    const kd_schema_node *node = f->node->dynamic_ref;
    kd_str name = f->node->dynamic_name;
    if (!node)
        return;
    if (name.n && kd_str_eq(node->dynamic_anchor, name)) {
        for (const kd_schema_frame *s = f; s; s = s->up) {
            const kd_schema_node *found =
                s->scope->resource ? kd_map_get(&s->scope->resource->dynamic_nodes, name) : NULL;
            if (found)
                node = found;
        }
    }
    kd_schema_add_fault(f, follow(f, node, "$dynamicRef"));
}

/* ---- one schema */

static kd_str location_of(kd_arena *arena, const kd_schema_node *node)
{
    return kd_schema_location(arena, node->document->url, node->pointer);
}

/* The keywords that lead from the outermost schema to this one. */
static kd_str way_to(kd_arena *arena, const kd_schema_frame *f)
{
    if (!f->up)
        return KD_STR("");
    kd_str up = way_to(arena, f->up);
    if (f->by)
        return kd_arena_printf(arena, "%.*s/%s", KD_FMT(up), f->by);
    kd_str here = location_of(arena, f->scope), outer = location_of(arena, f->up->scope);
    return kd_arena_printf(arena, "%.*s%.*s", KD_FMT(up), KD_FMT(kd_str_from(here, outer.n)));
}

static kd_jsonschema_fault *fault_cycle(kd_schema_frame *f, const kd_schema_frame *same)
{
    if (!f->quiet) {
        kd_arena *arena = f->run->arena;
        kd_str shown = kd_schema_quoted(arena, location_of(arena, f->node));
        kd_str first = way_to(arena, f), second = way_to(arena, same);
        kd_buf_printf(kd_schema_say(f), "both %.*s and %.*s resolve to %.*s causing reference cycle", KD_FMT(first),
                      KD_FMT(second), KD_FMT(shown));
    }
    kd_schema_add(f, NULL);
    return verdict(f);
}

/* The same schema further up on the same value, or NULL. */
static const kd_schema_frame *find_cycle(const kd_schema_frame *f)
{
    for (const kd_schema_frame *s = f->up; s && s->at == f->at; s = s->up)
        if (s->scope == f->scope)
            return s;
    return NULL;
}

static bool is_integer(kd_value v)
{
    kd_decimal decimal;
    if (v.type != KD_NUMBER)
        return false;
    kd_decimal_read(v, &decimal);
    return kd_decimal_is_integer(&decimal);
}

/* type, const, enum and format end the matter at once. False: a fault was added. */
static bool check_kind(kd_schema_frame *f)
{
    const kd_schema_node *node = f->node;
    kd_value v = f->at->value;
    uint8_t type = kd_schema_type(v);
    kd_str why;
    if (node->types && !(node->types & type) && !((node->types & KD_SCHEMA_INTEGER) && is_integer(v))) {
        if (!f->quiet) {
            kd_buf_printf(kd_schema_say(f), "got %s, want ", kd_schema_type_name(type));
            kd_schema_print_types(&f->run->text, node->types);
        }
        kd_schema_add(f, NULL);
    } else if (node->has_constant && !kd_schema_equal(v, node->constant, &f->run->steps)) {
        if (!f->quiet)
            kd_schema_print_values(kd_schema_say(f), node->constant, true);
        kd_schema_add(f, NULL);
    } else if (node->has_enum) {
        kd_value item;
        kd_str key;
        bool found = false;
        if (node->enum_types & type)
            for (kd_value_iter iter = kd_value_each(node->enumeration); !found && kd_value_next(&iter, &key, &item);)
                found = kd_schema_equal(v, item, &f->run->steps);
        if (!found) {
            if (!f->quiet)
                kd_schema_print_values(kd_schema_say(f), node->enumeration, false);
            kd_schema_add(f, NULL);
        }
    }
    if (!f->n && node->format && v.type == KD_STRING &&
        !kd_schema_format_check(node->format, f->run->arena, kd_value_text(v), &why)) {
        if (!f->quiet) {
            kd_schema_quote(kd_schema_say(f), kd_value_text(v));
            kd_buf_printf(&f->run->text, " is not valid %.*s: ", KD_FMT(kd_schema_format_name(node->format)));
            kd_buf_add(&f->run->text, why);
        }
        kd_schema_add(f, NULL);
    }
    return f->n == 0;
}

static void check_left(kd_schema_frame *f)
{
    const kd_schema_node *node = f->node;
    kd_value v = f->at->value, item;
    kd_str key;
    uint32_t i = 0;
    if (v.type == KD_OBJECT && node->object && node->object->unevaluated) {
        for (; f->left.bits && i < f->at->n_members; i++)
            if (f->left.bits[i / 64] >> i % 64 & 1)
                kd_schema_add_fault(f, kd_schema_inner(f, node->object->unevaluated, f->at->members[i].value,
                                                       f->at->members[i].key, 0));
        f->left.bits = NULL;
    } else if (v.type == KD_LIST && node->array && node->array->unevaluated) {
        for (kd_value_iter iter = kd_value_each(v); f->left.bits && kd_value_next(&iter, &key, &item); i++)
            if (f->left.bits[i / 64] >> i % 64 & 1)
                kd_schema_add_fault(f, kd_schema_inner(f, node->array->unevaluated, item, (kd_str){NULL, 0}, i));
        f->left.bits = NULL;
    }
}

static void check_by_type(kd_schema_frame *f)
{
    const kd_schema_node *node = f->node;
    switch ((kd_value_type)f->at->value.type) {
    case KD_OBJECT:
        if (node->object && kd_schema_view(f))
            kd_schema_check_object(f, node->object);
        break;
    case KD_LIST:
        if (node->array)
            kd_schema_check_array(f, node->array);
        break;
    case KD_STRING:
        if (node->string)
            kd_schema_check_string(f, node->string);
        break;
    case KD_NUMBER:
        if (node->number)
            kd_schema_check_number(f, node->number);
        break;
    default:
        break;
    }
}

static kd_jsonschema_fault *apply_keywords(kd_schema_frame *f)
{
    const kd_schema_node *node = f->node;
    const kd_schema_frame *same = find_cycle(f);
    if (same)
        return fault_cycle(f, same);
    if (!check_kind(f))
        return verdict(f);
    if (node->ref) {
        kd_schema_add_fault(f, follow(f, node->ref, "$ref"));
        if (node->draft < KD_DRAFT_2019)
            return verdict(f);
    }
    check_by_type(f);
    if (!f->n || !f->quiet) {
        follow_recursive(f);
        follow_dynamic(f);
        if (node->logic)
            kd_schema_check_logic(f, node->logic);
        check_left(f);
    }
    return verdict(f);
}

static kd_jsonschema_fault *apply(kd_schema_frame *f)
{
    if (f->node->boolean == 1)
        return NULL;
    if (!kd_schema_step(f->run))
        return &quiet_fault;
    if (f->node->boolean == 0) {
        kd_schema_addf(f, "false schema");
        return verdict(f);
    }
    if (f->run->depth == KD_JSONSCHEMA_DEPTH) {
        f->run->exhausted = true;
        return &quiet_fault;
    }
    f->run->depth++;
    kd_jsonschema_fault *fault = apply_keywords(f);
    f->run->depth--;
    return fault;
}

/* ---- the whole */

/* The root of the tree: names the schema, holds the faults. */
static kd_jsonschema_fault *root_of(kd_schema_frame *f, kd_str location, kd_jsonschema_fault *fault)
{
    f->run->faults = 0;
    kd_buf_add(kd_schema_say(f), KD_STR("jsonschema validation failed with "));
    kd_schema_quote(&f->run->text, location);
    kd_jsonschema_fault *root = make(f, KD_STR(""), said(f));
    if (fault->group) {
        root->first = fault->first;
        root->last = fault->last;
    } else {
        kd_schema_chain(&root->first, &root->last, fault);
    }
    return root;
}

kd_jsonschema_result kd_jsonschema_validate(const kd_jsonschema *schema, kd_arena *arena, kd_value value,
                                            const kd_jsonschema_fault **faults)
{
    kd_schema_run run = {.arena = arena, .steps = KD_JSONSCHEMA_STEPS};
    kd_schema_instance at = {.value = value};
    kd_schema_frame f = {.run = &run, .at = &at, .scope = schema->root, .node = schema->root, .quiet = !faults};
    kd_buf_init(&run.text, MESSAGE_MAX);
    left_from(&f, false);
    kd_jsonschema_fault *fault = apply(&f);
    if (fault && faults && !run.exhausted && !run.no_memory)
        *faults = root_of(&f, schema->location, fault);
    kd_buf_fini(&run.text);
    if (run.no_memory)
        return KD_JSONSCHEMA_NO_MEMORY;
    if (run.exhausted || !run.steps)
        return KD_JSONSCHEMA_TOO_MUCH;
    return fault ? KD_JSONSCHEMA_INVALID : KD_JSONSCHEMA_VALID;
}

/* What the metaschema has to say; in a scratch arena, because nothing of it is needed later. */
static bool judge(kd_jsonschema *schema, kd_jsonschema *metas, const kd_schema_document *document, kd_str pointer,
                  kd_value value)
{
    kd_schema_run run = {.arena = metas->arena, .metas = metas, .document = document, .steps = KD_JSONSCHEMA_STEPS};
    kd_schema_instance at = {.value = value};
    kd_schema_frame f = {.run = &run, .at = &at};
    f.meta = f.scope = f.node = meta_node(&run, &kd_schema_resource_at(document, pointer)->dialect);
    if (!f.node)
        return kd_schema_out_of_memory(schema);
    kd_buf_init(&run.text, MESSAGE_MAX);
    left_from(&f, false);
    kd_jsonschema_fault *fault = apply(&f);
    bool judged = !run.exhausted && !run.no_memory;
    if (fault && judged) {
        kd_str url = f.node->document->url;
        const kd_jsonschema_fault *root = root_of(
            &f, f.node->value.type == KD_ABSENT ? url : kd_schema_location(metas->arena, url, KD_STR("")), fault);
        kd_str where = kd_schema_quoted(schema->arena, kd_schema_location(schema->arena, document->url, pointer));
        run.text.n = 0;
        if (judged && !run.no_memory)
            kd_jsonschema_print(&run.text, root, true);
        kd_schema_fail(schema, "%.*s is not valid against metaschema: %.*s", KD_FMT(where),
                       KD_FMT(kd_buf_str(&run.text)));
    }
    kd_buf_fini(&run.text);
    if (run.no_memory)
        return kd_schema_out_of_memory(schema);
    if (run.exhausted)
        return kd_schema_fail(schema, "the schema is too large or nested too deeply");
    return !fault;
}

bool kd_schema_validate_schema(kd_jsonschema *schema, const kd_schema_document *document, kd_str pointer,
                               kd_value value)
{
    kd_arena scratch;
    kd_arena_init(&scratch, NULL, 0);
    kd_jsonschema metas = {.arena = &scratch, .trusted = true};
    metas.source.draft = KD_DRAFT_2020;
    metas.source.assert_format = true;
    bool valid = judge(schema, &metas, document, pointer, value);
    kd_jsonschema_destroy(&metas);
    kd_arena_reset(&scratch);
    return valid;
}
