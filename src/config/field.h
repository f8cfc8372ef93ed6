/* Field tables: the single source of truth about every key of a configuration. From a table come decoding (with
 * KrakenD's coercions), findings with suggestions, and later the JSON schema, the reference pages and the forms.
 *
 * The core objects (service, endpoint, backend, agent, tls …) are decoded by kd_fields_decode as KrakenD's mapstructure
 * does (spec/01 section 2.2): a wrong value refuses the file. The blocks of extra_config are KrakenD components with
 * rules of their own: kd_fields_check compares them with their table and only warns. */
#ifndef KD_CONFIG_FIELD_H
#define KD_CONFIG_FIELD_H

#include "config/model.h"

typedef enum kd_field_type {
    KD_FIELD_STRING,     /* kd_str */
    KD_FIELD_INT,        /* int64_t */
    KD_FIELD_BOOL,       /* bool */
    KD_FIELD_FLOAT,      /* double */
    KD_FIELD_DURATION,   /* kd_ns */
    KD_FIELD_STRINGS,    /* kd_str_list */
    KD_FIELD_UINTS,      /* kd_uint_list of 16-bit numbers */
    KD_FIELD_STRING_MAP, /* kd_mapping_list, in order of the keys */
    KD_FIELD_OBJECT,     /* a struct of `child`; a `const kd_node *` when KD_FIELD_NODE is set */
    KD_FIELD_OBJECTS,    /* kd_struct_list: an array of structs of `child` */
    KD_FIELD_EXTRA,      /* kd_extras: extra_config */
    KD_FIELD_ANY,        /* const kd_node *: any JSON */
    KD_FIELD_REFUSED     /* nothing is accepted here but null: KrakenD fails on the key (spec/01 section 2.2) */
} kd_field_type;

/* What the targets of the composed types look like. */
typedef struct kd_uint_list {
    uint16_t *v;
    uint32_t n;
} kd_uint_list;

typedef struct kd_mapping_list {
    kd_mapping *v;
    uint32_t n;
} kd_mapping_list;

typedef struct kd_struct_list {
    void *v;
    uint32_t n;
} kd_struct_list;

/* Bits of kd_field.json: which JSON types a component takes (kd_fields_check). */
#define KD_JSON(type)  (1u << (type))
#define KD_JSON_STRING KD_JSON(KD_NODE_STRING)
#define KD_JSON_NUMBER KD_JSON(KD_NODE_NUMBER)
#define KD_JSON_BOOL   KD_JSON(KD_NODE_BOOL)
#define KD_JSON_LIST   KD_JSON(KD_NODE_LIST)
#define KD_JSON_OBJECT KD_JSON(KD_NODE_OBJECT)
#define KD_JSON_ANY    0x3fu

/* Where a field or namespace may stand. */
#define KD_SCOPE_SERVICE  1u
#define KD_SCOPE_ENDPOINT 2u
#define KD_SCOPE_BACKEND  4u
#define KD_SCOPE_AGENT    8u
#define KD_SCOPE_WORKFLOW 16u

/* How a value of an outer object reaches the inner ones. */
typedef enum kd_inherit { KD_INHERIT_NONE, KD_INHERIT_REPLACE, KD_INHERIT_MERGE } kd_inherit;

/* What a value of the wrong type does at run. */
typedef enum kd_wrong {
    KD_WRONG_REFUSE_FILE, /* the configuration is refused */
    KD_WRONG_IGNORE,      /* as if the key were absent */
    KD_WRONG_ZERO,        /* the type's zero value */
    KD_WRONG_DROP_BLOCK,  /* the whole block, or most of it, is ignored */
    KD_WRONG_FAIL_START   /* the process ends */
} kd_wrong;

/* What changing the value needs: nothing but the new generation, rebuilt process objects, or a new process. */
typedef enum kd_reload { KD_RELOAD_ADOPT, KD_RELOAD_REBUILD, KD_RELOAD_RESTART } kd_reload;

typedef enum kd_edition {
    KD_EDITION_CE,
    KD_EDITION_EE, /* KrakenD's Community Edition ignores it */
    KD_EDITION_OWN /* ours; KrakenD ignores it */
} kd_edition;

#define KD_FIELD_NODE       1u /* flag: the target keeps the tree's node, checked against `child` */
#define KD_FIELD_SECRET     2u /* flag: never shown */
#define KD_FIELD_DEPRECATED 4u
#define KD_FIELD_UNLISTED   8u         /* flag: works, but is not in the schema that `check` lints with */
#define KD_NO_OFFSET        UINT32_MAX /* checked, but kept nowhere */

typedef struct kd_fields kd_fields;

typedef struct kd_field {
    kd_str key;
    uint8_t type;       /* kd_field_type */
    uint8_t json;       /* accepted JSON types of a component's field; 0: what the type says */
    uint8_t flags;      /* KD_FIELD_NODE, KD_FIELD_SECRET … */
    uint8_t inherit;    /* kd_inherit */
    uint8_t wrong;      /* kd_wrong */
    uint8_t reload;     /* kd_reload */
    uint8_t edition;    /* kd_edition */
    uint32_t offset;    /* in the struct, or KD_NO_OFFSET */
    const char *go;     /* KrakenD's name in error paths where it is not the key */
    const char *alias;  /* other names that are accepted (components only), or NULL; one name */
    const char *former; /* a name of earlier versions that is not accepted any more, or NULL */
    const char *dflt;   /* the default, as people write it; NULL: none */
    int64_t min, max;   /* range of a number, or of a duration in nanoseconds; both 0: any */
    const char *one_of; /* a component's text has one of these values, in any case: "ip|header|param"; NULL: any */
    const kd_fields *child;
    const char *about; /* one sentence */
    const char *lint;  /* what the schema demands where that is not what `type` and `one_of` say: a JSON schema, or
                          members  that are added to it; written with ' for " */
    const char *like;  /* an object with the keys of this namespace where it stands in an endpoint; or NULL */
} kd_field;

/* Bits of kd_fields.shape: how the schema sees such an object. */
#define KD_SHAPE_OPEN        1u /* other keys may stand beside */
#define KD_SHAPE_NO_COMMENTS 2u /* not even keys that are comments */
#define KD_SHAPE_UNTYPED     4u /* what is no object is not refused */

struct kd_fields {
    const char *name;   /* of one such object: "endpoint" */
    uint8_t scope;      /* KD_SCOPE_* under which its extra_config is read */
    uint32_t size;      /* of the struct */
    uint32_t at_offset; /* of a const kd_location * that is set for each object without mistakes, or KD_NO_OFFSET */
    const kd_field *v;
    uint32_t n;
    uint8_t shape;    /* KD_SHAPE_* */
    const char *lint; /* members of its schema beyond the keys: "'required':['name']"; or NULL */
};

/* A namespace of extra_config. */
typedef struct kd_namespace {
    kd_str name;
    kd_str alias; /* the former name, also accepted; may be empty */
    uint8_t scopes;
    uint8_t edition;         /* kd_edition */
    bool guards_access;      /* ignoring it would let requests pass that should not */
    bool built;              /* available in this program */
    const kd_fields *fields; /* NULL: its keys are not checked */
    const char *lint;        /* as in kd_field, of the whole block; or NULL */
    bool list;               /* a list of such objects */
    bool unlisted;           /* works, but is not in the schema */
    const char *like;        /* an endpoint's namespace whose keys the schema takes where `fields` is NULL; or NULL */
} kd_namespace;

/* Modules announce what they are before the first configuration is loaded, each its own: their entries precede the
 * known table (same name and scope: theirs counts), at most 256. n = 0 forgets all. Borrowed for the life of the
 * process; not thread-safe. */
void kd_namespaces_register(const kd_namespace *entries, size_t n);
/* The namespace of that name or alias that may stand in `scope`; failing that, one that stands elsewhere; or NULL. */
const kd_namespace *kd_namespace_find(kd_str name, uint8_t scope);
/* The table of another object that has this key, or NULL: for a key that stands in the wrong place. */
const kd_fields *kd_fields_owning(kd_str key, const kd_fields *except);
/* The i-th known namespace, announced ones first, or NULL beyond the last. */
const kd_namespace *kd_namespace_at(size_t i);

/* A chain of path segments on the stack, printed only when something is wrong. */
typedef struct kd_path {
    const struct kd_path *up;
    kd_str ours, theirs; /* this segment as the file writes it and as KrakenD prints it; empty for an index */
    uint32_t index;
} kd_path;

typedef struct kd_compat_line {
    struct kd_compat_line *next;
    kd_str text;
} kd_compat_line;

/* A namespace that is not available, and how often it was found: it is reported once. */
typedef struct kd_missing {
    struct kd_missing *next;
    const struct kd_namespace *what;
    kd_error *finding;
    uint32_t places;
} kd_missing;

/* One walk over a tree. */
typedef struct kd_walk {
    kd_arena *arena;
    kd_errors *errors;
    kd_compat_line *first, *last; /* KrakenD's lines, in its order */
    uint32_t refused;             /* how many values were refused */
    kd_str stopper; /* KrakenD's text for the first error behind decoding; also when findings were dropped */
    kd_missing *missing;
    bool no_memory;
    bool ignore_ee; /* gateway/compat {"edition": "ce"} */
} kd_walk;

void kd_walk_init(kd_walk *walk, kd_arena *arena, kd_errors *errors);
/* How many members a map can get from an object, or from a list of objects and lists of them. */
uint32_t kd_node_map_room(const kd_node *node);
/* Sets what KrakenD says for an error; the first one stops it. */
void kd_walk_stop(kd_walk *walk, kd_error *error, kd_str compat);

/* Refuses a node as mapstructure does where it cannot convert it to the Go type `target`. Returns false. */
bool kd_walk_refuse(kd_walk *walk, const kd_node *node, const kd_path *path, const char *expected, const char *target);

/* Decodes an object into *out (cleared, of fields->size). Every refused value is a located error with KrakenD's line in
 * `compat`, in the order of the table; every unknown key a warning. False when something was refused or memory is out.
 */
bool kd_fields_decode(kd_walk *walk, const kd_fields *fields, const kd_node *object, void *out, const kd_path *path);
/* Compares a component's block with its table: warnings only. */
void kd_fields_check(kd_walk *walk, const kd_fields *fields, const kd_node *object, const kd_path *path);
/* Resolves an extra_config object: aliases, order, unknown and unavailable namespaces, each block's keys. */
bool kd_extras_decode(kd_walk *walk, const kd_node *node, uint8_t scope, kd_extras *out, const kd_path *path);
/* Adds to the findings about unavailable namespaces in how many more places they stand; called once, at the end. */
void kd_extras_finish(kd_walk *walk);
/* Warns of each member that `known` names do not contain. */
void kd_fields_warn_unknown(kd_walk *walk, const kd_fields *fields, const kd_node *object, const kd_path *path);

/* The path as text in the walk's arena: endpoints[0].backend[1].host. */
kd_str kd_path_text(kd_arena *arena, const kd_path *path, bool theirs);

/* Keys that are comments everywhere: they start with @ $ _ or #. */
static inline bool kd_key_is_comment(kd_str key)
{
    return key.n && (key.p[0] == '@' || key.p[0] == '$' || key.p[0] == '_' || key.p[0] == '#');
}

#endif
