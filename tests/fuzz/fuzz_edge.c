/* What strangers send to the edge: Origin and the preflight's header names against a CORS policy, User-Agent against a
 * bot detector, Host and target against the way to https. The first byte chooses; answers are compared with plain
 * definitions of what is allowed. */
#include "modules/security/bot-detector/detector.h"
#include "modules/security/cors/policy.h"
#include "modules/security/http/rules.h"
#include "text/utf8.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const kd_str origins[] = {KD_STR_INIT("https://good.example"), KD_STR_INIT("https://*.sub.example"),
                                 KD_STR_INIT("http://localhost:*")};
static const kd_str names[] = {KD_STR_INIT("X-B"), KD_STR_INIT("authorization"), KD_STR_INIT("content-type"),
                               KD_STR_INIT("x-a")};
static const kd_str sorted[] = {KD_STR_INIT("authorization"), KD_STR_INIT("content-type"), KD_STR_INIT("x-a"),
                                KD_STR_INIT("x-b")};

static bool lies_between(kd_str s, kd_str head, kd_str tail)
{
    return s.n >= head.n + tail.n && kd_str_eq_ci(kd_str_head(s, head.n), head) &&
           kd_str_eq_ci(kd_str_from(s, s.n - tail.n), tail);
}

static void try_origin(const kd_cors_policy *policy, kd_str origin)
{
    bool allowed = kd_str_eq_ci(origin, origins[0]) ||
                   lies_between(origin, KD_STR("https://"), KD_STR(".sub.example")) ||
                   lies_between(origin, KD_STR("http://localhost:"), KD_STR(""));
    assert(kd_cors_policy_takes_origin(policy, origin) == allowed);
    assert(!kd_cors_policy_takes_all(policy));
}

/* Accepted lists name what is configured, in order, each once. */
static void try_names(const kd_cors_policy *policy, kd_str value)
{
    if (!kd_cors_policy_takes_headers(policy, (kd_cors_list){&value, 1}))
        return;
    size_t next = 0;
    kd_str name;
    while (kd_str_split(&value, ',', &name)) {
        name = kd_str_trim(name);
        if (!name.n)
            continue;
        while (next < KD_COUNT(sorted) && !kd_str_eq(name, sorted[next]))
            next++;
        assert(next++ < KD_COUNT(sorted));
    }
}

/* Every name in order is accepted, whatever is left out. */
static void try_subset(const kd_cors_policy *policy, uint8_t bits)
{
    char text[128];
    size_t n = 0;
    for (size_t i = 0; i < KD_COUNT(sorted); i++) {
        if (!(bits >> i & 1))
            continue;
        if (n)
            text[n++] = ',';
        memcpy(text + n, sorted[i].p, sorted[i].n);
        n += sorted[i].n;
    }
    kd_str value = {text, n};
    assert(kd_cors_policy_takes_headers(policy, (kd_cors_list){&value, 1}));
}

static void try_agent(kd_arena *arena, const kd_bot_detector *detector, kd_str agent)
{
    kd_bot_verdict verdict = kd_bot_detector_look(detector, agent);
    if (verdict != KD_BOT_ASK_PATTERNS) {
        assert((verdict == KD_BOT_YES) == kd_str_eq(agent, KD_STR("bad")));
        return;
    }
    kd_str text = kd_regex_text(arena, agent);
    assert(text.p && kd_utf8_valid(text));
    bool found = kd_str_search(agent, KD_STR("crawler")) >= 0;
    assert(kd_bot_detector_match(detector, text) == found);
}

static void try_redirect(kd_arena *arena, kd_str text)
{
    ptrdiff_t at = kd_str_find(text, ' ');
    kd_str host = at < 0 ? text : kd_str_head(text, (size_t)at),
           path = at < 0 ? KD_STR("/") : kd_str_from(text, (size_t)at + 1);
    kd_str url = kd_secure_https_url(arena, host, path, false, KD_STR(""));
    if (!url.p || (path.n && path.p[0] != '/'))
        return; /* a bad escape; no path that a request could have */
    assert(kd_str_starts(url, KD_STR("https://")));
    /* The host ends at the first slash, and nothing of it can begin a user, a path, a query or a fragment. */
    kd_str rest = kd_str_from(url, 8);
    ptrdiff_t slash = kd_str_find(rest, '/');
    kd_str written = slash < 0 ? rest : kd_str_head(rest, (size_t)slash);
    for (size_t i = 0; i < written.n; i++)
        assert((uint8_t)written.p[i] > 0x20 && (uint8_t)written.p[i] < 0x7f && !strchr("@/?#\\", written.p[i]));
    kd_str location = kd_secure_location(arena, url), page = kd_secure_page(arena, url);
    for (size_t i = 0; i < location.n; i++)
        assert((uint8_t)location.p[i] > 0x20 && (uint8_t)location.p[i] < 0x7f);
    size_t quotes = 0;
    for (size_t i = 0; i < page.n; i++)
        quotes += page.p[i] == '"';
    assert(quotes == 2 && page.n > 0);
}

static kd_bot_detector *detector_of(kd_arena *arena)
{
    static const kd_str deny[] = {KD_STR_INIT("bad")};
    static const kd_regex *patterns[1];
    kd_str error;
    if (!patterns[0])
        patterns[0] = kd_regex_compile(arena, KD_STR("crawler"), &error);
    kd_bot_options options = {.deny = deny, .n_deny = 1, .patterns = patterns, .n_patterns = 1};
    return kd_bot_detector_create(arena, &options);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static kd_arena kept;
    static const kd_cors_policy *policy;
    static const kd_bot_detector *detector;
    if (!policy) {
        kd_arena_init(&kept, NULL, 0);
        kd_cors_options options = {.origins = {origins, KD_COUNT(origins)}, .headers = {names, KD_COUNT(names)}};
        policy = kd_cors_policy_create(&kept, &options);
        detector = detector_of(&kept);
        assert(policy && detector);
    }
    if (size == 0)
        return 0;
    kd_arena arena;
    kd_arena_init(&arena, NULL, 0);
    kd_str text = {(const char *)data + 1, size - 1};
    switch (data[0] % 5) {
    case 0:
        try_origin(policy, text);
        break;
    case 1:
        try_names(policy, text);
        break;
    case 2:
        try_subset(policy, text.n ? (uint8_t)text.p[0] : 0);
        break;
    case 3:
        try_agent(&arena, detector, text);
        break;
    default:
        try_redirect(&arena, text);
    }
    kd_arena_reset(&arena);
    return 0;
}
