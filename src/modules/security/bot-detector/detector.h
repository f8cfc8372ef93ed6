/* Is this a bot? By the User-Agent it sends, as KrakenD decides (spec/02 section 10). */
#ifndef KD_MODULES_SECURITY_BOT_DETECTOR_DETECTOR_H
#define KD_MODULES_SECURITY_BOT_DETECTOR_DETECTOR_H

#include "lang/regex/regex.h"

typedef struct kd_bot_options {
    const kd_str *allow, *deny; /* exact */
    uint32_t n_allow, n_deny;
    const kd_regex *const *patterns; /* found anywhere in the text */
    uint32_t n_patterns;
    bool empty_is_bot; /* also where the field is missing */
} kd_bot_options;

typedef struct kd_bot_detector kd_bot_detector;

typedef enum kd_bot_verdict { KD_BOT_NO, KD_BOT_YES, KD_BOT_ASK_PATTERNS } kd_bot_verdict;

/* Lies in the arena; texts and expressions are borrowed. NULL without memory. */
kd_bot_detector *kd_bot_detector_create(kd_arena *arena, const kd_bot_options *options);
/* What the lists say: those allowed go before those denied. */
kd_bot_verdict kd_bot_detector_look(const kd_bot_detector *detector, kd_str agent);
/* What the patterns say. The text is valid UTF-8 (kd_regex_text). */
bool kd_bot_detector_match(const kd_bot_detector *detector, kd_str text);

#endif
