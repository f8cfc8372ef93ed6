#include "modules/security/bot-detector/detector.h"

#include "base/map.h"

struct kd_bot_detector {
    kd_map agents;    /* the value is `bot` or `human` */
    uint64_t lengths; /* of the agents, modulo 64: most that come are told apart by it */
    const kd_regex *const *patterns;
    uint32_t n_patterns;
    bool empty_is_bot;
};

static const char human, bot;

static uint64_t length_bit(kd_str agent)
{
    return (uint64_t)1 << (agent.n & 63);
}

static bool note(kd_bot_detector *detector, const kd_str *v, uint32_t n, const char *what)
{
    bool ok = true;
    for (uint32_t i = 0; i < n && ok; i++) {
        detector->lengths |= length_bit(v[i]);
        ok = kd_map_put(&detector->agents, v[i], (void *)what);
    }
    return ok;
}

kd_bot_detector *kd_bot_detector_create(kd_arena *arena, const kd_bot_options *options)
{
    kd_bot_detector *detector = KD_NEW(arena, kd_bot_detector);
    if (!detector)
        return NULL;
    kd_map_init(&detector->agents, arena, UINT32_MAX);
    detector->patterns = options->patterns;
    detector->n_patterns = options->n_patterns;
    detector->empty_is_bot = options->empty_is_bot;
    bool ok = note(detector, options->deny, options->n_deny, &bot) &&
              note(detector, options->allow, options->n_allow, &human);
    return ok ? detector : NULL;
}

kd_bot_verdict kd_bot_detector_look(const kd_bot_detector *detector, kd_str agent)
{
    if (agent.n == 0)
        return detector->empty_is_bot ? KD_BOT_YES : KD_BOT_NO;
    const char *what = detector->lengths & length_bit(agent) ? kd_map_get(&detector->agents, agent) : NULL;
    if (what)
        return what == &bot ? KD_BOT_YES : KD_BOT_NO;
    return detector->n_patterns ? KD_BOT_ASK_PATTERNS : KD_BOT_NO;
}

bool kd_bot_detector_match(const kd_bot_detector *detector, kd_str text)
{
    for (uint32_t i = 0; i < detector->n_patterns; i++)
        if (kd_regex_match(detector->patterns[i], text))
            return true;
    return false;
}
