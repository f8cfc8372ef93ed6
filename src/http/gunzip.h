/* Streaming gunzip (RFC 1952) with memory from an arena. Concatenated members are one stream, as in Go. */
#ifndef KD_HTTP_GUNZIP_H
#define KD_HTTP_GUNZIP_H

#include "base/arena.h"

typedef struct kd_gunzip kd_gunzip;

typedef enum kd_gunzip_result { KD_GUNZIP_MORE, KD_GUNZIP_END, KD_GUNZIP_ERROR, KD_GUNZIP_STOPPED } kd_gunzip_result;

/* NULL without memory. About 48 KB of the arena. */
kd_gunzip *kd_gunzip_begin(kd_arena *arena);
/* Feeds compressed bytes; on_piece gets each inflated piece (at most 16 KB) and may stop by returning false. END: a
 * member is complete and no byte of another has come. `end`: no more input follows. STOPPED: the rest of the input is
 * kept; the next call goes on with it, whatever it is given. */
kd_gunzip_result kd_gunzip_feed(kd_gunzip *gunzip, kd_str in, bool end, bool (*on_piece)(void *owner, kd_str piece),
                                void *owner);
/* Is input kept back because the consumer stopped? */
bool kd_gunzip_stopped(const kd_gunzip *gunzip);
/* After KD_GUNZIP_ERROR, or END missing: Go's words ("gzip: invalid header", "unexpected EOF", "EOF" …); static. */
kd_str kd_gunzip_error(const kd_gunzip *gunzip);
/* Releases what zlib holds. */
void kd_gunzip_end(kd_gunzip *gunzip);

#endif
