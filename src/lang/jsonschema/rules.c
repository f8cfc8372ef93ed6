#include "lang/jsonschema/own.h"

#include "text/utf8.h"

static void add_count(kd_schema_frame *f, const char *keyword, int64_t got, int64_t want)
{
    if (!f->quiet) {
        kd_buf *say = kd_schema_say(f);
        kd_buf_printf(say, "%s: got ", keyword);
        kd_decimal_print_int(say, got);
        kd_buf_add(say, KD_STR(", want "));
        kd_decimal_print_int(say, want);
    }
    kd_schema_add(f, NULL);
}

/* ---- objects */

/* Adds a fault where names are missing: `by` is the member that demands them, or p is NULL. */
static void check_missing(kd_schema_frame *f, const kd_str *names, uint32_t n, kd_str by)
{
    uint32_t missing = 0;
    kd_buf *say = f->quiet ? NULL : kd_schema_say(f);
    for (uint32_t i = 0; i < n && kd_schema_step(f->run); i++) {
        if (kd_schema_member_of(f->at, names[i]))
            continue;
        if (say && missing)
            kd_buf_add(say, KD_STR(", "));
        if (say)
            kd_schema_quote(say, names[i]);
        missing++;
    }
    if (!missing)
        return;
    if (say) {
        kd_str list = kd_arena_copy(f->run->arena, kd_buf_str(say));
        say->n = 0;
        if (by.p) {
            kd_buf_printf(say, "properties %.*s required, if ", KD_FMT(list));
            kd_schema_quote(say, by);
            kd_buf_add(say, KD_STR(" exists"));
        } else {
            kd_buf_add(say, missing == 1 ? KD_STR("missing property ") : KD_STR("missing properties "));
            kd_buf_add(say, list);
        }
    }
    kd_schema_add(f, NULL);
}

static void check_dependent(kd_schema_frame *f, const kd_schema_members *dependent)
{
    for (uint32_t i = 0; i < dependent->n; i++) {
        const kd_schema_member *m = &dependent->v[i];
        if (!kd_schema_member_of(f->at, m->key))
            continue;
        if (m->node)
            kd_schema_add_fault(f, kd_schema_self(f, m->node, false));
        else
            check_missing(f, m->names, m->n_names, m->key);
    }
}

/* True when a keyword has looked at the member. */
static bool check_member(kd_schema_frame *f, const kd_schema_object *rules, const kd_member *member)
{
    bool looked_at = false;
    const kd_schema_node *node = rules->has_properties ? kd_map_get(&rules->properties, member->key) : NULL;
    if (node) {
        looked_at = true;
        kd_schema_add_fault(f, kd_schema_inner(f, node, member->value, member->key, 0));
    }
    for (uint32_t i = 0; i < rules->patterns.n && kd_schema_step(f->run); i++) {
        kd_str text = kd_regex_text(f->run->arena, member->key);
        if (!text.p) {
            f->run->no_memory = true;
            return true;
        }
        if (kd_regex_match(rules->patterns.v[i].pattern, text)) {
            looked_at = true;
            kd_schema_add_fault(f, kd_schema_inner(f, rules->patterns.v[i].node, member->value, member->key, 0));
        }
    }
    if (!looked_at && rules->more) {
        looked_at = true;
        kd_schema_add_fault(f, kd_schema_inner(f, rules->more, member->value, member->key, 0));
    }
    return looked_at;
}

static void check_members(kd_schema_frame *f, const kd_schema_object *rules)
{
    kd_schema_instance *at = f->at;
    uint32_t n = 0;
    kd_str *refused = rules->no_more && !f->quiet ? KD_NEW_ARRAY(f->run->arena, kd_str, at->n_members + 1) : NULL;
    if (rules->no_more && !f->quiet && !refused) {
        f->run->no_memory = true;
        return;
    }
    for (uint32_t i = 0; i < at->n_members && kd_schema_step(f->run); i++) {
        if (f->quiet && f->n)
            return;
        if (check_member(f, rules, &at->members[i])) {
            kd_schema_left_take(&f->left, i);
        } else if (rules->no_more) {
            if (refused)
                refused[n] = at->members[i].key;
            n++;
        }
    }
    if (!n)
        return;
    if (refused) {
        kd_buf *say = kd_schema_say(f);
        kd_buf_add(say, KD_STR("additional properties "));
        kd_schema_quote_list(say, refused, n);
        kd_buf_add(say, KD_STR(" not allowed"));
    }
    kd_schema_add(f, NULL);
}

void kd_schema_check_object(kd_schema_frame *f, const kd_schema_object *rules)
{
    kd_schema_instance *at = f->at;
    if (rules->min >= 0 && at->n_members < rules->min)
        add_count(f, "minProperties", at->n_members, rules->min);
    if (rules->max >= 0 && at->n_members > rules->max)
        add_count(f, "maxProperties", at->n_members, rules->max);
    check_missing(f, rules->required, rules->n_required, (kd_str){NULL, 0});
    if (f->quiet && f->n)
        return;
    check_dependent(f, &rules->dependencies);
    check_members(f, rules);
    for (uint32_t i = 0; rules->names && i < at->n_members && kd_schema_step(f->run); i++)
        kd_schema_add_fault(f,
                            kd_schema_apart(f, rules->names, kd_value_string(at->members[i].key, KD_ORIGIN_DECODED)));
    check_dependent(f, &rules->dependent_schemas);
    check_dependent(f, &rules->dependent_required);
}

/* ---- lists */

static void check_items(kd_schema_frame *f, const kd_schema_array *rules)
{
    kd_str key, none = {NULL, 0};
    kd_value item;
    uint32_t i = 0;
    if (!rules->prefix.n && !rules->items)
        return;
    for (kd_value_iter iter = kd_value_each(f->at->value); kd_value_next(&iter, &key, &item); i++) {
        const kd_schema_node *node = i < rules->prefix.n ? rules->prefix.v[i] : rules->items;
        if (!node || !kd_schema_step(f->run))
            return;
        kd_schema_add_fault(f, kd_schema_inner(f, node, item, none, i));
    }
}

/* " 0 2" after what a contains rule says. */
static void say_indexes(kd_buf *say, const uint32_t *matched, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        kd_buf_printf(say, i ? " %u" : "%u", matched[i]);
}

static void add_contains(kd_schema_frame *f, const char *which, int64_t want, const uint32_t *matched, uint32_t n,
                         kd_jsonschema_fault *causes)
{
    if (!f->quiet) {
        kd_buf *say = kd_schema_say(f);
        kd_buf_printf(say, "%s ", which);
        kd_decimal_print_int(say, want);
        if (n) {
            kd_buf_add(say, KD_STR(" items required to match contains schema, but matched "));
            kd_decimal_print_int(say, n);
            kd_buf_add(say, KD_STR(" items at "));
            say_indexes(say, matched, n);
        } else {
            kd_buf_add(say, KD_STR(" items required to match contains schema, but none matched"));
        }
    }
    kd_schema_add(f, causes);
}

static void check_contains(kd_schema_frame *f, const kd_schema_array *rules)
{
    kd_jsonschema_fault *first = NULL, *last = NULL;
    kd_str key, none = {NULL, 0};
    kd_value item;
    uint32_t i = 0, n = 0, *matched = KD_NEW_ARRAY(f->run->arena, uint32_t, f->at->value.n + 1);
    if (!matched) {
        f->run->no_memory = true;
        return;
    }
    for (kd_value_iter iter = kd_value_each(f->at->value); kd_value_next(&iter, &key, &item); i++) {
        if (!kd_schema_step(f->run))
            return;
        kd_jsonschema_fault *fault = kd_schema_inner(f, rules->contains, item, none, i);
        if (fault) {
            kd_schema_chain(&first, &last, fault);
            continue;
        }
        matched[n++] = i;
        if (f->node->draft >= KD_DRAFT_2020)
            kd_schema_left_take(&f->left, i);
    }
    if (rules->min_contains >= 0) {
        if (n < rules->min_contains)
            add_contains(f, "min", rules->min_contains, matched, n, first);
    } else if (n == 0) {
        if (!f->quiet)
            kd_buf_add(kd_schema_say(f), KD_STR("no items match contains schema"));
        kd_schema_add(f, first);
    }
    if (rules->max_contains >= 0 && n > rules->max_contains)
        add_contains(f, "max", rules->max_contains, matched, n, NULL);
}

void kd_schema_check_array(kd_schema_frame *f, const kd_schema_array *rules)
{
    kd_value list = f->at->value;
    uint32_t i, j;
    if (rules->min >= 0 && list.n < rules->min)
        add_count(f, "minItems", list.n, rules->min);
    if (rules->max >= 0 && list.n > rules->max)
        add_count(f, "maxItems", list.n, rules->max);
    if (rules->unique && kd_schema_duplicates(list, f->run->arena, &f->run->steps, &i, &j))
        kd_schema_addf(f, "items at %u and %u are equal", i, j);
    check_items(f, rules);
    if (rules->no_more && list.n > rules->prefix.n) {
        if (!f->quiet) {
            kd_buf_add(kd_schema_say(f), KD_STR("last "));
            kd_decimal_print_int(&f->run->text, list.n - rules->prefix.n);
            kd_buf_add(&f->run->text, KD_STR(" additionalItem(s) not allowed"));
        }
        kd_schema_add(f, NULL);
    }
    if (rules->contains)
        check_contains(f, rules);
}

/* ---- texts and numbers */

static int64_t count_runes(kd_str s)
{
    int64_t n = 0;
    uint32_t rune;
    for (size_t i = 0; i < s.n; n++)
        i += kd_utf8_decode(s.p + i, s.n - i, &rune);
    return n;
}

void kd_schema_check_string(kd_schema_frame *f, const kd_schema_string *rules)
{
    kd_str s = kd_value_text(f->at->value);
    int64_t n = rules->min >= 0 || rules->max >= 0 ? count_runes(s) : 0;
    if (rules->min >= 0 && n < rules->min)
        add_count(f, "minLength", n, rules->min);
    if (rules->max >= 0 && n > rules->max)
        add_count(f, "maxLength", n, rules->max);
    if (!rules->pattern)
        return;
    kd_str text = kd_regex_text(f->run->arena, s);
    if (!text.p) {
        f->run->no_memory = true;
        return;
    }
    if (kd_regex_match(rules->pattern, text))
        return;
    if (!f->quiet) {
        kd_buf *say = kd_schema_say(f);
        kd_schema_quote(say, s);
        kd_buf_add(say, KD_STR(" does not match pattern "));
        kd_schema_quote(say, rules->expression);
    }
    kd_schema_add(f, NULL);
}

static void add_number(kd_schema_frame *f, const char *keyword, const kd_schema_bound *bound)
{
    if (!f->quiet) {
        kd_buf *say = kd_schema_say(f);
        kd_buf_printf(say, "%s: got ", keyword);
        kd_decimal_print(say, f->at->value);
        kd_buf_add(say, KD_STR(", want "));
        kd_decimal_print(say, bound->value);
    }
    kd_schema_add(f, NULL);
}

void kd_schema_check_number(kd_schema_frame *f, const kd_schema_number *rules)
{
    kd_decimal d;
    kd_decimal_read(f->at->value, &d);
    if (rules->min.set && kd_decimal_cmp(&d, &rules->min.decimal) < 0)
        add_number(f, "minimum", &rules->min);
    if (rules->max.set && kd_decimal_cmp(&d, &rules->max.decimal) > 0)
        add_number(f, "maximum", &rules->max);
    if (rules->above.set && kd_decimal_cmp(&d, &rules->above.decimal) <= 0)
        add_number(f, "exclusiveMinimum", &rules->above);
    if (rules->below.set && kd_decimal_cmp(&d, &rules->below.decimal) >= 0)
        add_number(f, "exclusiveMaximum", &rules->below);
    if (rules->multiple.set && !kd_decimal_multiple(&d, &rules->multiple.decimal, f->run->arena))
        add_number(f, "multipleOf", &rules->multiple);
}

/* ---- schemas about schemas */

static void add_words(kd_schema_frame *f, kd_str words, kd_jsonschema_fault *causes)
{
    if (!f->quiet)
        kd_buf_add(kd_schema_say(f), words);
    kd_schema_add(f, causes);
}

static void check_all(kd_schema_frame *f, const kd_schema_list *all)
{
    kd_jsonschema_fault *first = NULL, *last = NULL;
    bool failed = false;
    for (uint32_t i = 0; i < all->n && !(failed && f->quiet); i++) {
        kd_jsonschema_fault *fault = kd_schema_self(f, all->v[i], false);
        failed |= fault != NULL;
        kd_schema_chain(&first, &last, fault);
    }
    if (failed)
        add_words(f, KD_STR("'allOf' failed"), first);
}

static void check_any(kd_schema_frame *f, const kd_schema_list *any)
{
    kd_jsonschema_fault *first = NULL, *last = NULL;
    bool matched = any->n == 0;
    for (uint32_t i = 0; i < any->n; i++) {
        kd_jsonschema_fault *fault = kd_schema_self(f, any->v[i], false);
        kd_schema_chain(&first, &last, fault);
        matched |= fault == NULL;
        /* the others may still look at what is left */
        if (!fault && !kd_schema_left_any(&f->left))
            break;
    }
    if (!matched)
        add_words(f, KD_STR("'anyOf' failed"), first);
}

static void check_one(kd_schema_frame *f, const kd_schema_list *one)
{
    kd_jsonschema_fault *first = NULL, *last = NULL;
    uint32_t matched = UINT32_MAX;
    for (uint32_t i = 0; i < one->n; i++) {
        kd_jsonschema_fault *fault = kd_schema_self(f, one->v[i], matched != UINT32_MAX);
        if (fault) {
            if (matched == UINT32_MAX)
                kd_schema_chain(&first, &last, fault);
            continue;
        }
        if (matched != UINT32_MAX) {
            kd_schema_addf(f, "'oneOf' failed, subschemas %u, %u matched", matched, i);
            return;
        }
        matched = i;
    }
    if (one->n && matched == UINT32_MAX)
        add_words(f, KD_STR("'oneOf' failed, none matched"), first);
}

void kd_schema_check_logic(kd_schema_frame *f, const kd_schema_logic *rules)
{
    if (rules->not &&!kd_schema_self(f, rules->not, true))
        add_words(f, KD_STR("'not' failed"), NULL);
    check_all(f, &rules->all);
    check_any(f, &rules->any);
    check_one(f, &rules->one);
    if (!rules->test)
        return;
    const kd_schema_node *node = kd_schema_self(f, rules->test, true) ? rules->otherwise : rules->then;
    if (node)
        kd_schema_add_fault(f, kd_schema_self(f, node, false));
}
