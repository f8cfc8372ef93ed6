/* JSON Schema, drafts 4, 6, 7, 2019-09 and 2020-12, with the results and the words of the library that KrakenD uses
 * (spec/05 section 4, spec/04 section 2). Compiled once, then immutable: any number of threads may validate with it.
 * No I/O: documents that a schema refers to come from the caller; the metaschemas are built in.
 *
 * What differs from that library: failing members of an object are reported in the order of the document, not in a
 * random one; items behind `prefixItems` are reported by their own index; contentEncoding and its kin are never
 * asserted (KrakenD does not enable them). */
#ifndef KD_LANG_JSONSCHEMA_JSONSCHEMA_H
#define KD_LANG_JSONSCHEMA_JSONSCHEMA_H

#include "base/buf.h"
#include "text/value.h"

#define KD_JSONSCHEMA_STEPS  8000000u /* of one validation: subschemas, members and items looked at */
#define KD_JSONSCHEMA_DEPTH  1000u    /* subschemas within each other while validating */
#define KD_JSONSCHEMA_FAULTS 4000u    /* that one validation keeps; more only count as one fault more */
#define KD_JSONSCHEMA_NODES  100000u  /* subschemas of one compiled schema */

typedef struct kd_jsonschema kd_jsonschema;

typedef enum kd_jsonschema_draft {
    KD_DRAFT_4 = 4,
    KD_DRAFT_6 = 6,
    KD_DRAFT_7 = 7,
    KD_DRAFT_2019 = 2019,
    KD_DRAFT_2020 = 2020
} kd_jsonschema_draft;

typedef struct kd_jsonschema_source {
    kd_str url;                /* absolute, without fragment: "file:///etc/schema.json" */
    kd_value schema;           /* its bytes outlive the compiled schema */
    kd_jsonschema_draft draft; /* where $schema names none; 0: 2020-12 */
    bool assert_format;        /* also where the draft takes `format` for an annotation */
    /* The document of another absolute URL, in `arena` or outliving it. False: *error says why. NULL: there is none. */
    bool (*load)(void *context, kd_arena *arena, kd_str url, kd_value *out, kd_str *error);
    void *context;
} kd_jsonschema_source;

/* Compiles a schema. NULL: *error is the library's text (`"file:///s.json#" is not valid against metaschema: …`), or
 * says that memory is out; in the arena or static. */
kd_jsonschema *kd_jsonschema_compile(kd_arena *arena, const kd_jsonschema_source *source, kd_str *error);
/* Frees what is not in the arena. NULL is allowed. */
void kd_jsonschema_destroy(kd_jsonschema *schema);

typedef enum kd_jsonschema_result {
    KD_JSONSCHEMA_VALID,
    KD_JSONSCHEMA_INVALID,
    KD_JSONSCHEMA_TOO_MUCH, /* a bound of this page was reached: neither valid nor invalid is known */
    KD_JSONSCHEMA_NO_MEMORY
} kd_jsonschema_result;

/* A tree of what is wrong. */
typedef struct kd_jsonschema_fault {
    struct kd_jsonschema_fault *next, *first, *last; /* the next sibling; the causes */
    kd_str pointer;                                  /* JSON pointer of the value: "/extra_config/security~1cors" */
    kd_str message;                                  /* "got string, want integer" */
    bool reference;                                  /* stands for a $ref: shown only where it has several causes */
    bool group;                                      /* holds several faults of one subschema together */
} kd_jsonschema_fault;

/* Validates a value. `faults` may be NULL; else it is set where the value is invalid: the root of the tree, in the
 * arena, which also serves for scratch. */
kd_jsonschema_result kd_jsonschema_validate(const kd_jsonschema *schema, kd_arena *arena, kd_value value,
                                            const kd_jsonschema_fault **faults);
/* The library's text of a tree, many lines, no line end behind the last; `first_line`: with "jsonschema validation
 * failed with 'URL#'", which is the root's message. */
void kd_jsonschema_print(kd_buf *out, const kd_jsonschema_fault *root, bool first_line);

#endif
