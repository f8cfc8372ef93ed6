/* Flatmap: moving, joining and deleting parts of decoded data by paths (spec/01 section 9.5, spec/05 section 5). A path
 * is a list of labels split at '.'; the label of a list's item is its index; '*' stands for every label of its level.
 */
#ifndef KD_TEXT_FLATMAP_H
#define KD_TEXT_FLATMAP_H

#include "text/value.h"

/* Compiled operations; immutable once all are added. */
typedef struct kd_flatmap kd_flatmap;

typedef enum kd_flatmap_result {
    KD_FLATMAP_OK,
    KD_FLATMAP_SHORT, /* a move or append has fewer than two arguments: KrakenD panics, we fail the answer */
    KD_FLATMAP_NO_MEMORY
} kd_flatmap_result;

/* Room for max_ops operations. NULL without memory. */
kd_flatmap *kd_flatmap_create(kd_arena *arena, uint32_t max_ops);
/* Adds `move` (source, destination), `append` (source, destination) or `del` (paths); any other type does nothing, but
 * counts. Texts are borrowed; an argument with p == NULL is none. False without memory or beyond max_ops. */
bool kd_flatmap_add(kd_flatmap *map, kd_arena *arena, kd_str type, const kd_str *args, uint32_t n_args);
/* How many operations there are. */
uint32_t kd_flatmap_count(const kd_flatmap *map);
/* Is there a move or append with fewer than two arguments? */
bool kd_flatmap_is_short(const kd_flatmap *map);

/* Applies the operations in order to an object; anything else, and an empty object, passes as it is. Only what the
 * paths touch is taken apart; the rest of *out shares `data`. What loses its last member becomes null, the whole too.
 * The members of a typed object cannot be reached. */
kd_flatmap_result kd_flatmap_apply(const kd_flatmap *map, kd_arena *arena, kd_value data, kd_value *out);

#endif
