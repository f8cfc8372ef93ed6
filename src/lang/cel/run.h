/* One evaluation: what eval.c, functions.c and functions_time.c share. Not for use outside this folder. */
#ifndef KD_LANG_CEL_RUN_H
#define KD_LANG_CEL_RUN_H

#include "lang/cel/ast.h"

typedef struct kd_cel_state {
    const kd_cel_program *program;
    const kd_cel_activation *activation;
    kd_arena *arena;
    kd_cel_value *locals; /* the variables of the macros around, by depth */
    uint32_t n_locals;
    uint32_t steps; /* left of the budget */
    uint32_t depth; /* of the walk, at most KD_CEL_STACK */
    bool spent;     /* the evaluation is at its end, by budget, memory or panic: no operator absorbs that */
} kd_cel_state;

/* Frames of the walk: what the parser lets nest takes a few each. */
#define KD_CEL_STACK (4u * KD_CEL_MAX_DEPTH)

/* Takes steps from the budget; false when it is used up. */
static inline bool kd_cel_spend(kd_cel_state *state, size_t steps)
{
    if (KD_LIKELY(steps < state->steps)) {
        state->steps -= (uint32_t)steps;
        return true;
    }
    state->steps = 0;
    state->spent = true;
    return false;
}

/* An error with a text made in the arena. */
kd_cel_value kd_cel_fail(kd_cel_state *state, const char *format, ...) KD_PRINTF(2, 3);
/* Errors with a text of their own: out of memory, out of budget. Both end the evaluation. */
kd_cel_value kd_cel_no_memory(kd_cel_state *state);
kd_cel_value kd_cel_out_of_budget(kd_cel_state *state);
/* Bytes as a map's key: Go panics, and cel-go makes an error of it, which ends the evaluation. */
kd_cel_value kd_cel_unhashable(kd_cel_state *state);
static inline kd_cel_value kd_cel_no_overload(void)
{
    return kd_cel_error(KD_STR("no such overload"));
}
/* "no such overload: name(int, string)", as cel-go's dispatch by types says it. */
kd_cel_value kd_cel_no_overload_of(kd_cel_state *state, kd_str name, const kd_cel_value *args, uint32_t n);

/* The name of a value's type: "int", "map", "google.protobuf.Timestamp". Static. */
kd_str kd_cel_type_name(kd_cel_type_id type);
/* The name of its type in cel-go's own code, as some messages have it: "types.Int". Static. */
kd_str kd_cel_go_type_name(kd_cel_value v);

/* Wraps data where it lies; it must live as long as the value. */
kd_cel_value kd_cel_value_at(const kd_value *v);
/* Entries of a map, items of a list; repeated keys of a document are counted once. */
size_t kd_cel_size_of(kd_cel_value v);
/* The member of a map, numbers found by value. False when there is none. Wrapped data is copied to the arena. */
bool kd_cel_map_get(kd_arena *arena, kd_cel_value map, kd_cel_value key, kd_cel_value *out);

/* Walks items of a list or keys of a map, repeated keys once. */
typedef struct kd_cel_walk {
    kd_cel_value of;
    kd_value_iter iter;
    uint32_t at;
} kd_cel_walk;
kd_cel_walk kd_cel_walk_of(kd_cel_value list_or_map);
/* An item is an error where there was no memory to wrap it. */
bool kd_cel_walk_next(kd_cel_walk *walk, kd_arena *arena, kd_cel_value *out);

/* Calls a strict function with its evaluated arguments, none an error; a receiver is the first. functions.c */
kd_cel_value kd_cel_apply(kd_cel_state *state, const kd_cel_expr *call, const kd_cel_value *args, uint32_t n);
/* The first constant of a tree that is an index and cannot be one, for which cel-go makes no program; NULL for none.
 * prepare.c */
const kd_cel_value *kd_cel_wrong_index(const kd_cel_expr *e);
/* operand[index] and operand.field: an error where there is none. `present` asks only whether it is there, and gives a
 * bool. functions.c */
kd_cel_value kd_cel_index(kd_cel_state *state, kd_cel_value operand, kd_cel_value index, bool present);
/* A message of a well-known type; values holds what its fields were given. message.c */
kd_cel_value kd_cel_message(kd_cel_state *state, const kd_cel_expr *message, const kd_cel_value *values);

/* Times: functions_time.c. `n` arguments, of which the first is a timestamp or duration. */
kd_cel_value kd_cel_time_part(kd_cel_state *state, const kd_cel_expr *call, const kd_cel_value *args, uint32_t n);
kd_cel_value kd_cel_timestamp_add(kd_cel_value timestamp, int64_t duration);
kd_cel_value kd_cel_timestamp_distance(kd_cel_value a, kd_cel_value b);
kd_cel_value kd_cel_timestamp_of(int64_t seconds);
/* As time.Parse of RFC 3339 and time.ParseDuration read them; false where Go returns an error. */
bool kd_cel_timestamp_parse(kd_str text, kd_cel_value *out);
bool kd_cel_duration_parse(kd_str text, kd_cel_value *out);
/* RFC 3339 with nanoseconds; seconds with an 's'. */
void kd_cel_timestamp_write(kd_buf *out, kd_cel_value v);
void kd_cel_duration_write(kd_buf *out, kd_cel_value v);
/* Go's Time.String and Duration.String, for %v. */
void kd_cel_timestamp_print(kd_buf *out, kd_cel_value v);

/* time.LoadLocation and the offset, in seconds east of UTC, that its clocks have at a time. False: *error is Go's text,
 * in the arena or static. A zone's file is read when it is first named; KD_CEL_MAX_ZONES of them are kept for good by
 * the process, those beyond are read again each time. zone.c */
#define KD_CEL_MAX_ZONES 64u
bool kd_cel_zone_offset(kd_cel_state *state, kd_str name, int64_t seconds, int64_t *offset, kd_cel_value *error);

/* -1, 0, 1, or 2 where a NaN forbids an order, or 3 where the types have none. */
int kd_cel_compare(kd_cel_value a, kd_cel_value b);

#endif
