#include "gateway/logging.h"

static bool level_of(kd_str name, kd_level *level)
{
    static const struct {
        kd_str name;
        kd_level level;
    } levels[] = {
        {KD_STR_INIT("CRITICAL"), KD_LOG_CRITICAL}, {KD_STR_INIT("ERROR"), KD_LOG_ERROR},
        {KD_STR_INIT("WARNING"), KD_LOG_WARNING},   {KD_STR_INIT("NOTICE"), KD_LOG_WARNING},
        {KD_STR_INIT("INFO"), KD_LOG_INFO},         {KD_STR_INIT("DEBUG"), KD_LOG_DEBUG},
    };
    for (size_t i = 0; i < KD_COUNT(levels); i++)
        if (kd_str_eq_ci(name, levels[i].name)) {
            *level = levels[i].level;
            return true;
        }
    return false;
}

static bool is_on(const kd_node *block, kd_str key)
{
    const kd_node *node = kd_node_typed(block, key, KD_NODE_BOOL);
    return node && node->boolean;
}

static kd_str text_of(const kd_node *block, kd_str key)
{
    const kd_node *node = kd_node_typed(block, key, KD_NODE_STRING);
    return node ? node->text : KD_STR("");
}

void kd_logging_resolve(const kd_service *service, kd_log_settings *out, bool *improved, kd_str *error, kd_str *note)
{
    *out = (kd_log_settings){.format = KD_FORMAT_BASIC, .level = KD_LOG_DEBUG};
    *improved = false;
    *error = *note = KD_STR("");
    const kd_node *block = kd_extra_find(&service->extra, KD_STR("telemetry/logging"));
    if (!block || block->type != KD_NODE_OBJECT)
        return;
    bool standard = is_on(block, KD_STR("stdout"));
    kd_level level = KD_LOG_DEBUG;
    if (standard && !level_of(text_of(block, KD_STR("level")), &level)) {
        *error = KD_STR("logger: invalid log level");
        return;
    }
    *improved = true;
    kd_str format = text_of(block, KD_STR("format"));
    if (kd_str_eq(format, KD_STR("logstash")) || kd_str_eq(format, KD_STR("custom")))
        *note = KD_STR("telemetry/logging: this version writes the format \"default\" only");
    else if (is_on(block, KD_STR("syslog")))
        *note = KD_STR("telemetry/logging: syslog is not available in this version");
    *out = (kd_log_settings){
        .format = KD_FORMAT_DEFAULT, .level = level, .silent = !standard, .prefix = text_of(block, KD_STR("prefix"))};
}
