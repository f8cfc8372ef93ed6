#include "text/go/path.h"

/* Is s what Clean would return? Only then may it be handed back without a copy. */
static bool is_clean(kd_str s)
{
    if (s.n == 0)
        return false;
    if (s.n == 1)
        return true; /* "/", "." and any other single byte */
    if (s.p[s.n - 1] == '/')
        return false;
    bool leading_dots = s.p[0] != '/'; /* ".." stays only in front of a relative path */
    kd_str rest = s.p[0] == '/' ? kd_str_from(s, 1) : s, piece;
    while (kd_str_split(&rest, '/', &piece)) {
        if (piece.n == 0 || kd_str_eq(piece, KD_STR(".")))
            return false;
        if (!kd_str_eq(piece, KD_STR("..")))
            leading_dots = false;
        else if (!leading_dots)
            return false;
    }
    return true;
}

/* Writes the clean form of s, which is never longer than s, except "." for nothing. Returns its length. */
static size_t clean_into(char *to, kd_str s)
{
    bool rooted = s.n && s.p[0] == '/';
    size_t n = 0, floor = 0; /* ".." removes nothing below floor */
    if (rooted) {
        to[n++] = '/';
        floor = 1;
        s = kd_str_from(s, 1);
    }
    kd_str piece;
    while (kd_str_split(&s, '/', &piece)) {
        if (piece.n == 0 || kd_str_eq(piece, KD_STR(".")))
            continue;
        bool up = kd_str_eq(piece, KD_STR(".."));
        if (up && n > floor) {
            do
                n--;
            while (n > floor && to[n] != '/');
            continue;
        }
        if (up && rooted)
            continue;
        if (n > (rooted ? 1u : 0u))
            to[n++] = '/';
        memcpy(to + n, piece.p, piece.n);
        n += piece.n;
        if (up)
            floor = n;
    }
    if (n == 0)
        to[n++] = '.';
    return n;
}

kd_str kd_go_path_clean(kd_arena *arena, kd_str s)
{
    if (is_clean(s))
        return s;
    char *to = kd_arena_alloc(arena, s.n + 1);
    return to ? (kd_str){to, clean_into(to, s)} : (kd_str){NULL, 0};
}

kd_str kd_go_path_route(kd_arena *arena, kd_str s)
{
    if (s.n == 0)
        return KD_STR("/");
    bool slash = s.p[s.n - 1] == '/';
    if (s.p[0] == '/' && (s.n == 1 || (slash ? s.n > 2 && is_clean(kd_str_head(s, s.n - 1)) : is_clean(s))))
        return s;
    char *rooted = kd_arena_alloc(arena, s.n + 1), *to = kd_arena_alloc(arena, s.n + 3);
    if (!rooted || !to)
        return (kd_str){NULL, 0};
    rooted[0] = '/';
    memcpy(rooted + 1, s.p, s.n);
    size_t n = clean_into(to, (kd_str){rooted, s.n + 1});
    if (slash && to[n - 1] != '/')
        to[n++] = '/';
    return (kd_str){to, n};
}
