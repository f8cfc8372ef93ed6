#include "http/gunzip.h"

#include <zlib.h>

#define PIECE (16u * 1024)

struct kd_gunzip {
    z_stream z;
    kd_arena *arena;
    kd_str error;
    char *kept; /* input left over when the consumer stopped */
    size_t kept_n, kept_cap;
    bool full; /* the last piece filled its room: zlib may hold more */
    bool stopped, stopped_end;
    bool between; /* a member has ended, none has begun since */
    bool any;
    bool failed, ended;
    char piece[PIECE];
};

static voidpf allocate(voidpf arena, uInt items, uInt size)
{
    return kd_arena_alloc(arena, (size_t)items * size);
}

static void release(voidpf arena, voidpf p)
{
    (void)arena, (void)p;
}

kd_gunzip *kd_gunzip_begin(kd_arena *arena)
{
    kd_gunzip *gunzip = kd_arena_alloc(arena, sizeof *gunzip);
    if (!gunzip)
        return NULL;
    memset(gunzip, 0, offsetof(kd_gunzip, piece));
    gunzip->z.zalloc = allocate;
    gunzip->z.zfree = release;
    gunzip->z.opaque = arena;
    gunzip->arena = arena;
    return inflateInit2(&gunzip->z, 15 + 16) == Z_OK ? gunzip : NULL;
}

static kd_gunzip_result fail(kd_gunzip *gunzip, kd_str error)
{
    gunzip->failed = true;
    gunzip->error = error;
    return KD_GUNZIP_ERROR;
}

static kd_gunzip_result at_end(kd_gunzip *gunzip, bool end)
{
    if (gunzip->between)
        return KD_GUNZIP_END;
    if (!end)
        return KD_GUNZIP_MORE;
    return fail(gunzip, gunzip->any ? KD_STR("unexpected EOF") : KD_STR("EOF"));
}

/* Keeps the input that a stopped consumer left. */
static kd_gunzip_result stop(kd_gunzip *gunzip, bool end)
{
    z_stream *z = &gunzip->z;
    if (gunzip->kept_cap < z->avail_in) {
        /* At least doubled: what is given up in the arena stays less than what is held. */
        size_t cap = gunzip->kept_cap * 2 > z->avail_in ? gunzip->kept_cap * 2 : z->avail_in;
        gunzip->kept = kd_arena_alloc(gunzip->arena, cap);
        gunzip->kept_cap = gunzip->kept ? cap : 0;
        if (!gunzip->kept)
            return fail(gunzip, KD_STR("gzip: out of memory"));
    }
    if (z->avail_in)
        memmove(gunzip->kept, z->next_in, z->avail_in);
    gunzip->kept_n = z->avail_in;
    gunzip->stopped_end = end;
    gunzip->stopped = true;
    return KD_GUNZIP_STOPPED;
}

static kd_gunzip_result inflate_error(kd_gunzip *gunzip, bool end)
{
    const z_stream *z = &gunzip->z;
    if (end && z->total_out == 0 && z->total_in + z->avail_in < 10) /* Go reads the ten bytes of the header first */
        return fail(gunzip, KD_STR("unexpected EOF"));
    if (z->total_out == 0 && z->total_in < 10)
        return fail(gunzip, KD_STR("gzip: invalid header"));
    if (z->msg && strstr(z->msg, "check"))
        return fail(gunzip, KD_STR("gzip: invalid checksum"));
    return fail(gunzip, KD_STR("flate: corrupt input"));
}

kd_gunzip_result kd_gunzip_feed(kd_gunzip *gunzip, kd_str in, bool end, bool (*on_piece)(void *owner, kd_str piece),
                                void *owner)
{
    if (gunzip->failed)
        return KD_GUNZIP_ERROR;
    z_stream *z = &gunzip->z;
    if (gunzip->stopped) {
        in = (kd_str){gunzip->kept, gunzip->kept_n};
        end = gunzip->stopped_end;
        gunzip->stopped = false;
    }
    z->next_in = (Bytef *)(uintptr_t)in.p;
    z->avail_in = (uInt)in.n;
    z->avail_out = gunzip->full ? 0 : 1;
    while (z->avail_in || z->avail_out == 0) {
        if (gunzip->between) {
            inflateReset(z);
            gunzip->between = false;
        }
        gunzip->any = true;
        z->next_out = (Bytef *)gunzip->piece;
        z->avail_out = PIECE;
        int result = inflate(z, Z_NO_FLUSH);
        size_t n = PIECE - z->avail_out;
        gunzip->full = z->avail_out == 0;
        if (result == Z_STREAM_END)
            gunzip->between = true, gunzip->full = false;
        else if (result != Z_OK && result != Z_BUF_ERROR)
            return result == Z_DATA_ERROR ? inflate_error(gunzip, end) : fail(gunzip, KD_STR("gzip: out of memory"));
        if (n && !on_piece(owner, (kd_str){gunzip->piece, n}))
            return stop(gunzip, end);
        if (n == 0 && (result == Z_BUF_ERROR || !z->avail_in))
            break;
        if (gunzip->between && !z->avail_in)
            break;
    }
    return at_end(gunzip, end);
}

bool kd_gunzip_stopped(const kd_gunzip *gunzip)
{
    return gunzip->stopped;
}

kd_str kd_gunzip_error(const kd_gunzip *gunzip)
{
    return gunzip->error;
}

void kd_gunzip_end(kd_gunzip *gunzip)
{
    if (!gunzip->ended)
        inflateEnd(&gunzip->z);
    gunzip->ended = true;
}
