#include "lang/jsonschema/own.h"

#include "text/go/format.h"
#include "text/go/quote.h"

#define QUOTE_MAX (16u << 20)

/* Go's %q with its double quotes bare, its single ones escaped, and single ones around: replaced over the whole text,
 * the closing quote included, as the library does. */
void kd_schema_quote(kd_buf *out, kd_str text)
{
    kd_buf quoted;
    kd_buf_init(&quoted, QUOTE_MAX);
    kd_go_quote(&quoted, text);
    size_t start = out->n;
    for (size_t i = 0; i < quoted.n; i++) {
        if (quoted.p[i] == '\\' && i + 1 < quoted.n && quoted.p[i + 1] == '"')
            i++;
        if (quoted.p[i] == '\'')
            kd_buf_byte(out, '\\');
        kd_buf_byte(out, quoted.p[i]);
    }
    out->failed |= quoted.failed;
    if (out->n >= start + 2)
        out->p[start] = out->p[out->n - 1] = '\'';
    kd_buf_fini(&quoted);
}

void kd_schema_quote_list(kd_buf *out, const kd_str *texts, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        if (i)
            kd_buf_add(out, KD_STR(", "));
        kd_schema_quote(out, texts[i]);
    }
}

void kd_schema_print_types(kd_buf *out, uint8_t types)
{
    bool first = true;
    for (uint8_t bit = KD_SCHEMA_NULL; bit <= KD_SCHEMA_OBJECT; bit = (uint8_t)(bit << 1)) {
        if (!(types & bit))
            continue;
        if (!first)
            kd_buf_add(out, KD_STR(" or "));
        kd_buf_add(out, kd_str_from_c(kd_schema_type_name(bit)));
        first = false;
    }
}

static void print_value(kd_buf *out, kd_value v)
{
    if (v.type == KD_STRING)
        kd_schema_quote(out, kd_value_text(v));
    else if (v.type == KD_NUMBER && v.origin == KD_ORIGIN_FLOAT64)
        kd_go_float_json(out, v.number);
    else
        kd_go_value_v(out, v);
}

static bool is_scalar(kd_value v)
{
    return v.type != KD_LIST && v.type != KD_OBJECT;
}

void kd_schema_print_values(kd_buf *out, kd_value values, bool constant)
{
    kd_value item;
    kd_str key;
    bool first = true;
    if (constant) {
        if (!is_scalar(values)) {
            kd_buf_add(out, KD_STR("'const' failed"));
            return;
        }
        kd_buf_add(out, KD_STR("value must be "));
        print_value(out, values);
        return;
    }
    for (kd_value_iter iter = kd_value_each(values); kd_value_next(&iter, &key, &item);) {
        if (!is_scalar(item)) {
            kd_buf_add(out, KD_STR("'enum' failed"));
            return;
        }
    }
    kd_buf_add(out, values.n == 1 ? KD_STR("value must be ") : KD_STR("value must be one of "));
    for (kd_value_iter iter = kd_value_each(values); kd_value_next(&iter, &key, &item); first = false) {
        if (!first)
            kd_buf_add(out, KD_STR(", "));
        print_value(out, item);
    }
}

/* ---- the tree */

static void print_fault(kd_buf *out, const kd_jsonschema_fault *fault, unsigned indent)
{
    if (!(fault->reference && fault->first && fault->first == fault->last)) {
        kd_buf_byte(out, '\n');
        for (unsigned i = 1; i < indent; i++)
            kd_buf_add(out, KD_STR("  "));
        kd_buf_add(out, KD_STR("- at "));
        kd_schema_quote(out, fault->pointer);
        kd_buf_add(out, KD_STR(": "));
        kd_buf_add(out, fault->message);
        indent++;
    }
    for (const kd_jsonschema_fault *cause = fault->first; cause; cause = cause->next)
        print_fault(out, cause, indent);
}

void kd_jsonschema_print(kd_buf *out, const kd_jsonschema_fault *root, bool first_line)
{
    size_t start = out->n;
    if (first_line)
        kd_buf_add(out, root->message);
    for (const kd_jsonschema_fault *cause = root->first; cause; cause = cause->next)
        print_fault(out, cause, 1);
    if (!first_line && out->n > start) {
        memmove(out->p + start, out->p + start + 1, out->n - start - 1);
        out->n--;
    }
}
