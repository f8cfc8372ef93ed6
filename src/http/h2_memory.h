/* nghttp2's memory on one worker: counted in the ledger's account for HTTP/2, and recycled, so that a request takes
 * nothing from the system. Blocks of up to 1 KB come from free lists, at most KD_H2_KEPT bytes of which are kept. */
#ifndef KD_HTTP_H2_MEMORY_H
#define KD_HTTP_H2_MEMORY_H

#include "base/bytes.h"

#include <nghttp2/nghttp2.h>

#define KD_H2_CLASSES 5u            /* of 64, 128, … 1024 bytes */
#define KD_H2_KEPT    (256u * 1024) /* free blocks that are kept for the next request */

typedef struct kd_h2_memory {
    nghttp2_mem mem; /* what nghttp2 is given; its user data is this object, which must stay in place */
    struct kd_h2_block *free[KD_H2_CLASSES];
    size_t kept;   /* bytes in the free lists */
    size_t in_use; /* bytes handed out, block heads included */
    size_t credit; /* bytes reserved in the ledger that nothing stands for */
} kd_h2_memory;

void kd_h2_memory_init(kd_h2_memory *memory);
/* After everything was given back. */
void kd_h2_memory_fini(kd_h2_memory *memory);

#endif
