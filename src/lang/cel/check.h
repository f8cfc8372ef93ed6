/* What the checker's files share. Not for use outside this folder. */
#ifndef KD_LANG_CEL_CHECK_H
#define KD_LANG_CEL_CHECK_H

#include "lang/cel/types.h"

/* The type of a call's result; NULL when no overload takes the arguments (the receiver is the first). `mixed`: numbers
 * of different types may be compared. */
const kd_cel_type *kd_cel_overload(kd_cel_unifier *unifier, kd_cel_function function, bool method, bool mixed,
                                   const kd_cel_type *const *args, uint32_t n);

/* A message that cel-go knows by itself: the type that it makes. NULL for another name. */
const kd_cel_type *kd_cel_message_type(kd_str name);
/* The type of a field of what makes `type`; NULL when it has no such field. */
const kd_cel_type *kd_cel_message_field(const kd_cel_type *type, kd_str field);

#endif
