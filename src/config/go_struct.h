/* Blocks of extra_config that KrakenD reads with Go's encoding/json into a struct (spec/02 section 0.2): names of
 * members match in any case, null leaves the zero value, unknown members are ignored, and a value of another type is
 * an error of the whole block, worded as Go words it. */
#ifndef KD_CONFIG_GO_STRUCT_H
#define KD_CONFIG_GO_STRUCT_H

#include "config/field.h"

typedef enum kd_go_type {
    KD_GO_STRING,   /* kd_str */
    KD_GO_BOOL,     /* bool */
    KD_GO_UINT32,   /* uint32_t */
    KD_GO_UINT,     /* uint64_t; above 2^53 no number of a configuration is exact, such are refused */
    KD_GO_INT,      /* int64_t, the same */
    KD_GO_FLOAT,    /* double */
    KD_GO_STRINGS,  /* kd_str_list */
    KD_GO_UINT16S,  /* kd_uint_list */
    KD_GO_BYTES,    /* kd_str: standard base64, decoded */
    KD_GO_STRINGS2, /* kd_go_strings2 */
} kd_go_type;

/* A list of lists of texts. */
typedef struct kd_go_strings2 {
    kd_str_list *v;
    uint32_t n;
} kd_go_strings2;

typedef struct kd_go_member {
    kd_str key;
    kd_go_type type;
    uint32_t offset;  /* in the struct */
    const char *path; /* NULL, or the embedded structs that Go names before the key: "Config.Config." */
} kd_go_member;

typedef struct kd_go_struct {
    const char *name, *package; /* "SignatureConfig", "jose" */
    const kd_go_member *v;
    uint32_t n;
} kd_go_struct;

/* Decodes into *out (cleared by the caller); texts are borrowed from the tree or lie in the arena. False: *error is the
 * first error in Go's words, in the arena (p is NULL without memory); what could be read is in *out all the same. */
bool kd_go_struct_decode(kd_arena *arena, const kd_go_struct *type, const kd_node *node, void *out, kd_str *error);

#endif
