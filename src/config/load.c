#include "config/load.h"

#include "config/builtin.h"
#include "config/env.h"
#include "config/file.h"
#include "config/json_tree.h"
#include "config/keep.h"
#include "config/load_bytes.h"
#include "config/model_init.h"
#include "config/toml_tree.h"
#include "config/yaml_tree.h"

#include <malloc.h>

static bool read_file(kd_arena *arena, const char *path, kd_str *text, kd_errors *errors, kd_str *compat)
{
    if (kd_file_read(arena, path, KD_CONFIG_SIZE_MAX, text, compat))
        return true;
    kd_errors_add(errors, KD_SEVERITY_ERROR, NULL, KD_STR(""), "cannot read the configuration file: %.*s",
                  KD_FMT(*compat))
        ->compat = *compat;
    return false;
}

/* ---- from the text to the model */

typedef struct loading {
    kd_arena *arena; /* of what is kept */
    kd_arena *work;  /* of everything else */
    const kd_load_options *options;
    kd_errors *errors;
    kd_walk walk;
    kd_loaded *out;
} loading;

static void refuse(loading *l, kd_str compat)
{
    kd_str whole = kd_arena_printf(l->work, "'%s': %.*s", l->options->path, KD_FMT(compat));
    l->out->status = KD_LOAD_REFUSED;
    l->out->service = NULL;
    l->out->compat = whole.p ? whole : KD_STR("out of memory");
}

static void refuse_without_memory(loading *l)
{
    kd_errors_add(l->errors, KD_SEVERITY_ERROR, NULL, KD_STR(""), "out of memory");
    refuse(l, KD_STR("out of memory"));
}

/* The last extension chooses the format, in exact case; everything else is JSON (spec/04 section 4.1). */
static kd_node *read_tree(loading *l, kd_str path, kd_str text, kd_str *compat)
{
    if (kd_str_ends(path, KD_STR(".yml")) || kd_str_ends(path, KD_STR(".yaml")))
        return kd_yaml_tree_read(l->work, path, text, l->errors, compat);
    if (kd_str_ends(path, KD_STR(".toml")))
        return kd_toml_tree_read(l->work, path, text, l->errors, compat);
    return kd_json_tree_read(l->work, path, text, l->errors, compat);
}

/* mapstructure's lines, joined as KrakenD joins them. */
static kd_str decode_errors(loading *l)
{
    static const kd_str head = KD_STR_INIT("decoding failed due to the following error(s):\n");
    size_t n = head.n;
    for (const kd_compat_line *line = l->walk.first; line; line = line->next)
        n += line->text.n + 1;
    char *text = kd_arena_alloc(l->work, n + 1), *to = text;
    if (!text)
        return KD_STR("out of memory");
    memcpy(to, head.p, head.n);
    to += head.n;
    for (const kd_compat_line *line = l->walk.first; line; line = line->next) {
        *to++ = '\n';
        memcpy(to, line->text.p, line->text.n);
        to += line->text.n;
    }
    return kd_str_of(text, n);
}

/* gateway/compat {"edition": "ce"} is looked at before anything else: it decides which namespaces exist. */
static bool wants_ce(const kd_node *root)
{
    const kd_node *extra = kd_node_get(root, KD_STR("extra_config"));
    const kd_node *edition = kd_node_get(kd_node_get(extra, KD_STR("gateway/compat")), KD_STR("edition"));
    return edition && edition->type == KD_NODE_STRING && kd_str_eq(edition->text, KD_STR("ce"));
}

static void resolve(loading *l, kd_service_draft *draft, const kd_node *root, kd_severity conflicts)
{
    if (!kd_model_init(&l->walk, draft, root)) {
        refuse_without_memory(l);
        return;
    }
    kd_extras_finish(&l->walk);
    if (l->walk.refused) {
        kd_env_advise(l->work, l->errors, root);
        refuse(l, decode_errors(l));
        return;
    }
    if (l->walk.stopper.n) {
        refuse(l, l->walk.stopper);
        return;
    }
    int found = kd_model_conflicts(&l->walk, &draft->service, conflicts);
    if (found < 0) {
        refuse_without_memory(l);
        return;
    }
    l->out->service = kd_service_keep(l->arena, l->work, draft);
    if (!l->out->service) {
        refuse_without_memory(l);
        return;
    }
    if (found && conflicts == KD_SEVERITY_ERROR) {
        l->out->status = KD_LOAD_CONFLICTS;
        l->out->compat = l->walk.stopper;
    }
}

static void decode(loading *l, kd_node *root, kd_severity conflicts)
{
    kd_service_draft *draft = KD_NEW(l->work, kd_service_draft);
    kd_str file = kd_arena_copy(l->work, kd_str_from_c(l->options->path));
    kd_walk_init(&l->walk, l->work, l->errors);
    if (!draft || !file.p || !kd_env_overlay(l->work, l->options->environ, root)) {
        refuse_without_memory(l);
        return;
    }
    draft->service.arena = l->work; /* until it is kept */
    draft->service.file = file;
    l->walk.ignore_ee = wants_ce(root);
    kd_fields_decode(&l->walk, &kd_service_fields, root, draft, NULL);
    if (l->walk.no_memory)
        refuse_without_memory(l);
    else
        resolve(l, draft, root, conflicts);
}

static void load_text(loading *l, kd_str text, kd_severity conflicts)
{
    kd_str path = kd_arena_copy(l->work, kd_str_from_c(l->options->path)), compat = KD_STR("");
    uint32_t before = l->errors->errors;
    l->out->text = text;
    l->out->empty = !text.n;
    if (!path.p) {
        refuse_without_memory(l);
        return;
    }
    kd_node *root = read_tree(l, path, text, &compat);
    l->out->tree = root;
    if (root)
        decode(l, root, conflicts);
    else if (l->errors->errors == before)
        refuse_without_memory(l);
    else
        refuse(l, compat);
}

void kd_config_load_bytes(kd_arena *arena, kd_arena *work, const kd_load_options *options, kd_str text,
                          kd_severity conflicts, kd_errors *errors, kd_loaded *out)
{
    *out = (kd_loaded){0};
    loading l = {.arena = arena, .work = work, .options = options, .errors = errors, .out = out};
    kd_error *last = errors->last;
    load_text(&l, text, conflicts);
    if (errors->arena != work)
        kd_errors_keep(errors, last);
}

void kd_config_load_file(kd_arena *arena, kd_arena *work, const kd_load_options *options, kd_severity conflicts,
                         kd_errors *errors, kd_loaded *out)
{
    *out = (kd_loaded){0};
    loading l = {.arena = arena, .work = work, .options = options, .errors = errors, .out = out};
    kd_str text = KD_STR(""), compat = KD_STR("");
    kd_error *last = errors->last;
    uint32_t before = errors->errors;
    if (read_file(work, options->path, &text, errors, &compat))
        load_text(&l, text, conflicts);
    else if (errors->errors == before)
        refuse_without_memory(&l);
    else
        refuse(&l, compat);
    if (errors->arena != work)
        kd_errors_keep(errors, last);
}

kd_service *kd_config_load(kd_arena *arena, const kd_load_options *options, kd_errors *errors, kd_str *compat)
{
    kd_arena work;
    kd_loaded loaded;
    kd_arena_init(&work, NULL, 0);
    kd_config_load_file(arena, &work, options, KD_SEVERITY_ERROR, errors, &loaded);
    *compat = loaded.compat.n ? kd_arena_copy(errors->arena, loaded.compat) : KD_STR("");
    if (!compat->p)
        *compat = KD_STR("out of memory");
    kd_config_work_end(&work);
    return loaded.status == KD_LOAD_OK ? loaded.service : NULL;
}

void kd_config_work_end(kd_arena *work)
{
    kd_arena_reset(work);
#ifdef __GLIBC__
    malloc_trim(0); /* a load takes much for a moment: the system gets it back */
#endif
}
