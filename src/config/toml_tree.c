#include "config/toml_tree.h"

#include "text/toml.h"

typedef struct converter {
    kd_arena *arena;
    kd_str file;
} converter;

static const kd_location *location(const converter *c, kd_toml_place place)
{
    kd_location *at = KD_NEW(c->arena, kd_location);
    if (at)
        *at = (kd_location){.file = c->file, .line = place.line, .column = place.column};
    return at;
}

/* go-toml's types of local dates and times. */
static const char *local_type(kd_str text)
{
    bool date = text.n > 4 && text.p[4] == '-';
    bool time = kd_str_find(text, ':') >= 0;
    return date && time ? "toml.LocalDateTime" : date ? "toml.LocalDate" : "toml.LocalTime";
}

static void set_value(kd_node *node, const kd_toml_node *toml)
{
    static const kd_node_type types[] = {
        [KD_TOML_STRING] = KD_NODE_STRING, [KD_TOML_INTEGER] = KD_NODE_NUMBER, [KD_TOML_FLOAT] = KD_NODE_NUMBER,
        [KD_TOML_BOOL] = KD_NODE_BOOL,     [KD_TOML_TIME] = KD_NODE_STRING,    [KD_TOML_LOCAL_TIME] = KD_NODE_STRING,
        [KD_TOML_LIST] = KD_NODE_LIST,     [KD_TOML_TABLE] = KD_NODE_OBJECT,
    };
    node->type = types[toml->kind];
    node->boolean = toml->boolean;
    node->number = toml->number;
    node->text = toml->text;
    if (toml->kind == KD_TOML_INTEGER) {
        node->integer = true;
        node->go = toml->large ? "uint64" : "int64";
    } else if (toml->kind == KD_TOML_TIME) {
        node->go = "time.Time";
    } else if (toml->kind == KD_TOML_LOCAL_TIME) {
        node->go = local_type(toml->text);
    }
}

/* The depth is bounded by the reader. NULL without memory. */
static kd_node *convert(const converter *c, const kd_toml_node *toml)
{
    kd_node *node = KD_NEW(c->arena, kd_node);
    if (!node)
        return NULL;
    set_value(node, toml);
    node->key = toml->key;
    node->at = location(c, toml->at);
    if (toml->key.p && toml->key_at.line)
        node->key_at = location(c, toml->key_at);
    if (!node->at)
        return NULL;
    kd_node **link = &node->first;
    for (const kd_toml_node *child = toml->first; child; child = child->next) {
        *link = convert(c, child);
        if (!*link)
            return NULL;
        link = &(*link)->next;
        node->n++;
    }
    return node;
}

kd_node *kd_toml_tree_read(kd_arena *arena, kd_str file, kd_str text, kd_errors *errors, kd_str *compat)
{
    kd_toml_error error;
    converter c = {.arena = arena, .file = file};
    const kd_toml_node *root = kd_toml_read(arena, text, &error);
    *compat = KD_STR("out of memory");
    if (root)
        return convert(&c, root);
    if (!error.message.n)
        return NULL;
    *compat = error.compat;
    kd_errors_add(errors, KD_SEVERITY_ERROR, location(&c, error.at), KD_STR(""), "%.*s", KD_FMT(error.message))
        ->compat = error.compat;
    return NULL;
}
