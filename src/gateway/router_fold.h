/* Letters without regard to case, as Go's unicode and strings packages see them: what gin's case repair of paths needs.
 * No memory, no state. */
#ifndef KD_GATEWAY_ROUTER_FOLD_H
#define KD_GATEWAY_ROUTER_FOLD_H

#include "base/bytes.h"

/* unicode.ToLower and unicode.ToUpper. */
uint32_t kd_rune_lower(uint32_t rune);
uint32_t kd_rune_upper(uint32_t rune);
/* strings.EqualFold: equal under Unicode simple folding. Bytes that are no UTF-8 all count as the same rune. */
bool kd_str_eq_fold(kd_str a, kd_str b);

#endif
