/* What the files of lang/jsonschema share. */
#ifndef KD_LANG_JSONSCHEMA_OWN_H
#define KD_LANG_JSONSCHEMA_OWN_H

#include "base/map.h"
#include "base/vec.h"
#include "lang/jsonschema/jsonschema.h"
#include "lang/jsonschema/number.h"
#include "lang/regex/regex.h"

#define KD_SCHEMA_NEST 500u /* schemas within each other, as a document writes them */

/* ---- documents */

/* What the vocabularies of a metaschema switch on (drafts 2019-09 and 2020-12). */
enum {
    KD_VOCAB_CORE = 1,
    KD_VOCAB_APPLICATOR = 2,
    KD_VOCAB_UNEVALUATED = 4,
    KD_VOCAB_VALIDATION = 8,
    KD_VOCAB_META = 16,
    KD_VOCAB_FORMAT = 32, /* 2019-09 */
    KD_VOCAB_ANNOTATION = 64,
    KD_VOCAB_ASSERTION = 128,
    KD_VOCAB_CONTENT = 256
};

typedef struct kd_schema_dialect {
    kd_jsonschema_draft draft;
    uint16_t vocabularies; /* 0: those of the draft */
} kd_schema_dialect;

/* A document, or a schema within one that has an identity of its own. */
typedef struct kd_schema_resource {
    struct kd_schema_resource *next;
    kd_str pointer; /* in its document */
    kd_str id;      /* absolute URL */
    kd_schema_dialect dialect;
    kd_map anchors;         /* name → kd_str * of a pointer */
    kd_map dynamic_anchors; /* the dynamic ones of them */
    kd_map dynamic_nodes;   /* name → kd_schema_node *, once compiled */
} kd_schema_resource;

typedef struct kd_schema_document {
    struct kd_schema_document *next;
    kd_str url;
    kd_value value;
    kd_schema_resource *first, *last; /* the first is the document's own */
    kd_map seen;                      /* pointers whose resources and anchors are known */
    kd_map nodes;                     /* pointer → kd_schema_node * */
} kd_schema_document;

/* ---- compiled schemas */

/* Bits of `types`, in the order in which the library names them. */
enum {
    KD_SCHEMA_NULL = 1,
    KD_SCHEMA_BOOLEAN = 2,
    KD_SCHEMA_NUMBER = 4,
    KD_SCHEMA_INTEGER = 8,
    KD_SCHEMA_STRING = 16,
    KD_SCHEMA_ARRAY = 32,
    KD_SCHEMA_OBJECT = 64
};

typedef struct kd_schema_node kd_schema_node;
typedef struct kd_schema_format kd_schema_format;

typedef struct kd_schema_list {
    kd_schema_node **v;
    uint32_t n;
} kd_schema_list;

/* A schema under the name of a member; `names` where the keyword lists names instead (node is NULL). */
typedef struct kd_schema_member {
    kd_str key;
    kd_schema_node *node;
    kd_str *names;
    uint32_t n_names;
    kd_regex *pattern; /* of patternProperties */
} kd_schema_member;

typedef struct kd_schema_members {
    kd_schema_member *v;
    uint32_t n;
} kd_schema_members;

/* Bounds that count: -1 where there is none. */
typedef struct kd_schema_object {
    int64_t min, max;
    kd_str *required;
    uint32_t n_required;
    bool no_more; /* additionalProperties: false */
    bool has_properties;
    kd_map properties; /* name → kd_schema_node * */
    kd_schema_members patterns, dependencies, dependent_schemas, dependent_required;
    kd_schema_node *more, *names, *unevaluated;
} kd_schema_object;

typedef struct kd_schema_array {
    int64_t min, max, min_contains, max_contains;
    bool unique, no_more, has_prefix;
    kd_schema_list prefix; /* prefixItems, or `items` as a list */
    kd_schema_node *items; /* every item; with a prefix, those behind it */
    kd_schema_node *contains, *unevaluated;
} kd_schema_array;

typedef struct kd_schema_string {
    int64_t min, max;
    kd_regex *pattern;
    kd_str expression;
} kd_schema_string;

typedef struct kd_schema_bound {
    bool set;
    kd_value value;
    kd_decimal decimal;
} kd_schema_bound;

typedef struct kd_schema_number {
    kd_schema_bound min, max, above, below, multiple;
} kd_schema_number;

typedef struct kd_schema_logic {
    kd_schema_list all, any, one;
    kd_schema_node * not, *test, *then, *otherwise;
} kd_schema_logic;

struct kd_schema_node {
    kd_schema_document *document;
    kd_str pointer;
    kd_value value;
    kd_schema_resource *resource;
    kd_schema_node *base; /* the resource's own schema */
    kd_schema_node *next; /* in the order of compiling */
    kd_jsonschema_draft draft;
    int8_t boolean; /* the schema true or false; -1: an object */
    uint8_t types, enum_types;
    bool has_constant, has_enum, recursive_anchor;
    bool all_members, all_items; /* leaves no member, no item unevaluated */
    uint32_t n_items;            /* so many items at least are evaluated */
    kd_value constant, enumeration;
    const kd_schema_format *format;
    kd_schema_node *ref, *recursive_ref, *dynamic_ref;
    kd_str dynamic_name, dynamic_anchor; /* fragment of dynamic_ref that is an anchor; own $dynamicAnchor */
    kd_schema_object *object;            /* NULL: no such keyword */
    kd_schema_array *array;
    kd_schema_string *string;
    kd_schema_number *number;
    kd_schema_logic *logic;
};

struct kd_jsonschema {
    kd_arena *arena;
    kd_jsonschema_source source;
    kd_schema_document *documents;
    kd_schema_node *first, *last; /* all, in the order in which they are compiled */
    uint32_t n_nodes;
    kd_schema_node *root;
    kd_str location; /* of the root */
    KD_VEC(kd_regex *) regexes;
    bool trusted; /* of metaschemas: nothing is validated */
    bool no_memory;
    kd_str error;
};

/* ---- location.c */

/* Sets the compiler's error, the first one counts. Returns false. */
bool kd_schema_fail(kd_jsonschema *schema, const char *format, ...) KD_PRINTF(2, 3);
bool kd_schema_out_of_memory(kd_jsonschema *schema);
/* A text in Go's %q; p is NULL without memory. */
kd_str kd_schema_quoted(kd_arena *arena, kd_str text);
/* url#fragment, the fragment's segments escaped; p is NULL without memory. */
kd_str kd_schema_location(kd_arena *arena, kd_str url, kd_str pointer);
/* pointer/token, with ~ and / of the token escaped; p is NULL without memory. */
kd_str kd_schema_pointer(kd_arena *arena, kd_str pointer, kd_str token);
kd_str kd_schema_pointer_index(kd_arena *arena, kd_str pointer, uint64_t index);
/* Resolves a reference against an absolute URL (RFC 3986 section 5.2): *url without fragment, *fragment decoded. */
bool kd_schema_resolve(kd_jsonschema *schema, kd_str base, kd_str reference, kd_str *url, kd_str *fragment);
/* The value at a pointer of a document. False: the error is set. */
bool kd_schema_lookup(kd_jsonschema *schema, const kd_schema_document *document, kd_str pointer, kd_value *out);

/* ---- documents.c */

/* The document of a URL, loaded if need be and validated against its metaschema. NULL: the error is set. */
kd_schema_document *kd_schema_document_of(kd_jsonschema *schema, kd_str url);
/* The innermost resource around a pointer. */
kd_schema_resource *kd_schema_resource_at(const kd_schema_document *document, kd_str pointer);
/* The resource with exactly that pointer, or NULL. */
kd_schema_resource *kd_schema_resource_of(const kd_schema_document *document, kd_str pointer);
/* Where a fragment of a resource points to. False: the error is set. */
bool kd_schema_fragment(kd_jsonschema *schema, const kd_schema_document *document, const kd_schema_resource *resource,
                        kd_str fragment, kd_str *pointer);
/* Makes a schema known that stands where the draft expects none, such as below an unknown keyword. */
bool kd_schema_ensure(kd_jsonschema *schema, kd_schema_document *document, kd_str pointer);
bool kd_schema_has(const kd_schema_dialect *dialect, unsigned vocabulary);

/* ---- metaschema.c */

/* The text of a built-in document, without its NUL; p is NULL for another URL. */
kd_str kd_metaschema_text(kd_str url);
/* The draft that a $schema names, 0 for another URL. */
kd_jsonschema_draft kd_metaschema_draft(kd_str url);
kd_str kd_metaschema_url(kd_jsonschema_draft draft);
/* Bit of a vocabulary's URL in that draft, 0 for an unknown one. */
unsigned kd_metaschema_vocabulary(kd_jsonschema_draft draft, kd_str url);
/* The name of the i-th vocabulary ("core") and its bit; p is NULL beyond the last. */
kd_str kd_metaschema_part(unsigned i, unsigned *bit);

/* ---- compile.c */

/* The compiled schema at a pointer of a document, with all that it refers to. NULL: the error is set. */
kd_schema_node *kd_schema_compile(kd_jsonschema *schema, kd_schema_document *document, kd_str pointer);

/* ---- validate.c */

/* Validates the schema at a pointer of a document against its metaschema. False: the error is set. */
bool kd_schema_validate_schema(kd_jsonschema *schema, const kd_schema_document *document, kd_str pointer,
                               kd_value value);

/* ---- equal.c */

uint8_t kd_schema_type(kd_value value); /* one bit; numbers are KD_SCHEMA_NUMBER */
const char *kd_schema_type_name(uint8_t bit);
/* `steps` is counted down; at 0 the answer means nothing. */
bool kd_schema_equal(kd_value a, kd_value b, uint32_t *steps);
/* Two equal items; false when there are none, memory is out, or `steps` are used up. */
bool kd_schema_duplicates(kd_value list, kd_arena *arena, uint32_t *steps, uint32_t *first, uint32_t *second);

/* ---- format.c */

/* NULL for a format that is not known. */
const kd_schema_format *kd_schema_format_find(kd_str name);
kd_str kd_schema_format_name(const kd_schema_format *format);
/* False: *why says what is wrong, in the arena or static. */
bool kd_schema_format_check(const kd_schema_format *format, kd_arena *arena, kd_str text, kd_str *why);

/* ---- message.c */

/* 'text' as the library quotes it. */
void kd_schema_quote(kd_buf *out, kd_str text);
/* 'a', 'b' */
void kd_schema_quote_list(kd_buf *out, const kd_str *texts, uint32_t n);
/* "null or integer" */
void kd_schema_print_types(kd_buf *out, uint8_t types);
/* "value must be one of 'a', 3"; a single value for const. */
void kd_schema_print_values(kd_buf *out, kd_value values, bool constant);

/* ---- a validation that runs: validate.c, rules.c */

/* A value on the way down, once for all schemas that look at it. */
typedef struct kd_schema_instance {
    const struct kd_schema_instance *up;
    kd_value value;
    kd_str key;         /* of a member; p is NULL for an item and the root */
    uint32_t index;     /* of an item */
    bool viewed;        /* the members below are known */
    uint32_t n_members; /* of an object, without what a later duplicate replaces */
    kd_member *members;
    kd_map by_name; /* of large objects: name → kd_member * */
} kd_schema_instance;

typedef struct kd_schema_run {
    kd_arena *arena;
    kd_jsonschema *metas;               /* where metaschemas are compiled; NULL: this is no metaschema's run */
    const kd_schema_document *document; /* whose schemas are the values, with metas */
    kd_buf text;                        /* of the message being written */
    uint32_t steps, depth, faults;
    bool exhausted, no_memory;
} kd_schema_run;

/* Which members or items no schema has looked at; bits is NULL: none is left, or nobody asks. */
typedef struct kd_schema_left {
    uint64_t *bits;
    uint32_t words;
} kd_schema_left;

/* One schema on one value. */
typedef struct kd_schema_frame {
    kd_schema_run *run;
    const struct kd_schema_frame *up; /* NULL: a validation of its own */
    kd_schema_instance *at;
    const kd_schema_node *scope; /* as the outer schema names it */
    const kd_schema_node *node;  /* what is applied: another metaschema where the value chooses one */
    const kd_schema_node *meta;
    kd_schema_left left;
    const char *by; /* the keyword that refers to it, or NULL */
    bool quiet;     /* only whether it is valid counts */
    kd_jsonschema_fault *first, *last;
    uint32_t n;
} kd_schema_frame;

/* The members of an object. False without memory. */
bool kd_schema_view(kd_schema_frame *f);
bool kd_schema_member_of(const kd_schema_instance *at, kd_str name);
/* Takes one step; false when the budget is gone. */
bool kd_schema_step(kd_schema_run *run);
/* Empties the run's text, for a message. */
kd_buf *kd_schema_say(kd_schema_frame *f);
/* Adds the fault whose message stands in the run's text, with causes; addf words it by itself. */
void kd_schema_add(kd_schema_frame *f, kd_jsonschema_fault *causes);
void kd_schema_addf(kd_schema_frame *f, const char *format, ...) KD_PRINTF(2, 3);
/* Adds a fault of a subschema; NULL is allowed. */
void kd_schema_add_fault(kd_schema_frame *f, kd_jsonschema_fault *fault);
/* Appends to a chain of causes; the quiet fault is dropped. */
void kd_schema_chain(kd_jsonschema_fault **first, kd_jsonschema_fault **last, kd_jsonschema_fault *fault);
/* Another schema on the same value, and one on a member or item: NULL where it is valid. */
kd_jsonschema_fault *kd_schema_self(kd_schema_frame *f, const kd_schema_node *node, bool quiet);
kd_jsonschema_fault *kd_schema_inner(kd_schema_frame *f, const kd_schema_node *node, kd_value value, kd_str key,
                                     uint32_t index);
/* A validation of its own: of a member's name. */
kd_jsonschema_fault *kd_schema_apart(kd_schema_frame *f, const kd_schema_node *node, kd_value value);

void kd_schema_left_take(kd_schema_left *left, uint32_t i);
bool kd_schema_left_any(const kd_schema_left *left);

void kd_schema_check_object(kd_schema_frame *f, const kd_schema_object *rules);
void kd_schema_check_array(kd_schema_frame *f, const kd_schema_array *rules);
void kd_schema_check_string(kd_schema_frame *f, const kd_schema_string *rules);
void kd_schema_check_number(kd_schema_frame *f, const kd_schema_number *rules);
void kd_schema_check_logic(kd_schema_frame *f, const kd_schema_logic *rules);

#endif
