#include "config/builtin.h"
#include "config/fields.h"

/* The built-in plugins of KrakenD (spec/03). */

static const kd_field plugin_client[] = {
    {KD_KEY("name", STRING, "Name of the plugin.")},
};
const kd_fields kd_plugin_client_fields =
    KD_TABLE("plugin/http-client block", KD_SCOPE_BACKEND, plugin_client, .shape = KD_SHAPE_OPEN);

static const kd_field geoip[] = {
    {KD_KEY("citydb_path", STRING, "File of the city database.")},
};
static const kd_fields geoip_fields =
    KD_TABLE("geoip block", KD_SCOPE_SERVICE | KD_SCOPE_ENDPOINT | KD_SCOPE_BACKEND | KD_SCOPE_WORKFLOW, geoip,
             .lint = "'required':['citydb_path']");

static const kd_field ip_filter[] = {
    {KD_KEY("CIDR", STRINGS, "Networks that the list is made of.")},
    {KD_KEY("allow", BOOL, "The list tells who may enter, not who may not."), .dflt = "false"},
    {KD_KEY("client_ip_headers", STRINGS, "Headers with the client's address.")},
    {KD_KEY("trusted_proxies", STRINGS, "Networks whose headers are believed.")},
};
static const kd_fields ip_filter_fields =
    KD_TABLE("ip-filter block", KD_SCOPE_SERVICE | KD_SCOPE_ENDPOINT | KD_SCOPE_BACKEND | KD_SCOPE_WORKFLOW, ip_filter,
             .lint = "'required':['CIDR','allow']");

static const kd_field jwk_aggregator[] = {
    {KD_KEY("cache", BOOL, "Keeps the keys as long as their servers say.")},
    {KD_KEY("origins", STRINGS, "Key servers whose keys are put together.")},
    {KD_KEY("port", INT, "Port that serves the keys.")},
};
static const kd_fields jwk_aggregator_fields =
    KD_TABLE("jwk-aggregator block", KD_SCOPE_SERVICE | KD_SCOPE_ENDPOINT | KD_SCOPE_BACKEND | KD_SCOPE_WORKFLOW,
             jwk_aggregator, .lint = "'required':['port','origins']");

static const kd_field redis_ratelimit[] = {
    {KD_KEY("burst", INT, "How many requests may come at once.")},
    {KD_KEY("host", STRING, "Address of Redis.")},
    {KD_KEY("period", DURATION, "In which time.")},
    {KD_KEY("rate", INT, "How many requests.")},
    {KD_KEY("tokenizer", STRING, "Who is counted."), .one_of = "jwt|ip|url|path|header|param|cookie"},
    {KD_KEY("tokenizer_field", STRING, "Name of the claim, header, parameter or cookie.")},
};
static const kd_fields redis_ratelimit_fields =
    KD_TABLE("redis-ratelimit block", KD_SCOPE_SERVICE | KD_SCOPE_ENDPOINT | KD_SCOPE_BACKEND | KD_SCOPE_WORKFLOW,
             redis_ratelimit, .lint = "'required':['host','tokenizer','burst','rate','period']");

static const kd_field static_filesystem[] = {
    {KD_KEY("path", STRING, "Folder whose files are served.")},
    {KD_KEY("prefix", STRING, "Path under which they are served.")},
    {KD_KEY("skip", STRINGS, "Paths that are served as if there were no files.")},
};
static const kd_fields static_filesystem_fields =
    KD_TABLE("static-filesystem block", KD_SCOPE_SERVICE | KD_SCOPE_ENDPOINT | KD_SCOPE_BACKEND | KD_SCOPE_WORKFLOW,
             static_filesystem, .lint = "'required':['prefix','path']");

static const kd_field url_rewrite[] = {
    {KD_KEY("literal", OBJECT, "Paths and what they become.")},
    {KD_KEY("regexp", ANY, "Expressions and what their matches become."),
     .lint = "{'type':'array','items':{'type':'array','items':{'type':'string'}}}"},
};
static const kd_fields url_rewrite_fields =
    KD_TABLE("url-rewrite block", KD_SCOPE_SERVICE | KD_SCOPE_ENDPOINT | KD_SCOPE_BACKEND | KD_SCOPE_WORKFLOW,
             url_rewrite, .lint = "'anyOf':[{'required':['literal']},{'required':['regexp']}]");

static const kd_field virtualhost[] = {
    {KD_KEY("hosts", STRINGS, "Hosts that are served.")},
};
static const kd_fields virtualhost_fields =
    KD_TABLE("virtualhost block", KD_SCOPE_SERVICE | KD_SCOPE_ENDPOINT | KD_SCOPE_BACKEND | KD_SCOPE_WORKFLOW,
             virtualhost, .lint = "'required':['hosts']");

static const kd_field wildcard[] = {
    {KD_KEY("endpoints", OBJECT, "Endpoints and the prefixes that lead to them.")},
};
static const kd_fields wildcard_fields =
    KD_TABLE("wildcard block", KD_SCOPE_SERVICE | KD_SCOPE_ENDPOINT | KD_SCOPE_BACKEND | KD_SCOPE_WORKFLOW, wildcard,
             .lint = "'required':['endpoints']");

static const kd_field plugin_server[] = {
    {KD_KEY("geoip", OBJECT, "Tells backends where clients are."), .child = &geoip_fields},
    {KD_KEY("ip-filter", OBJECT, "Lets clients in by their address."), .child = &ip_filter_fields},
    {KD_KEY("jwk-aggregator", OBJECT, "Serves the keys of several key servers as one."),
     .child = &jwk_aggregator_fields},
    {KD_KEY("name", STRINGS, "Names of the plugins, in their order.")},
    {KD_KEY("redis-ratelimit", OBJECT, "Limits requests, counted in Redis."), .flags = KD_FIELD_DEPRECATED,
     .child = &redis_ratelimit_fields},
    {KD_KEY("static-filesystem", OBJECT, "Serves files."), .flags = KD_FIELD_DEPRECATED,
     .child = &static_filesystem_fields},
    {KD_KEY("url-rewrite", OBJECT, "Changes paths before routing."), .child = &url_rewrite_fields},
    {KD_KEY("virtualhost", OBJECT, "Routes by Host."), .flags = KD_FIELD_DEPRECATED, .child = &virtualhost_fields},
    {KD_KEY("wildcard", OBJECT, "Endpoints with open ends."), .flags = KD_FIELD_DEPRECATED, .child = &wildcard_fields},
};
const kd_fields kd_plugin_server_fields = KD_TABLE("plugin/http-server block", KD_SCOPE_SERVICE, plugin_server,
                                                   .shape = KD_SHAPE_OPEN, .lint = "'required':['name']");

static const kd_field plugin_middleware[] = {
    {KD_KEY("name", STRINGS, "Names of the plugins, in their order.")},
};
const kd_fields kd_plugin_middleware_fields =
    KD_TABLE("plugin/middleware block", KD_SCOPE_ENDPOINT | KD_SCOPE_BACKEND, plugin_middleware, .shape = KD_SHAPE_OPEN,
             .lint = "'required':['name']");

static const kd_fields content_replacer_fields = {
    .name = "content-replacer block",
    .scope = KD_SCOPE_SERVICE | KD_SCOPE_ENDPOINT | KD_SCOPE_BACKEND | KD_SCOPE_WORKFLOW,
    .at_offset = KD_NO_OFFSET,
    .shape = KD_SHAPE_OPEN,
    .lint = "'minProperties':1,'additionalProperties':{'type':'object','required':['find','replace'],'properties':{'"
            "find':{'type':'string'},'regexp':{'type':'boolean'},'replace':{'type':'string'}},'patternProperties':{'^[@"
            "$_#]':true},'additionalProperties':false}"};

static const kd_field response_schema_validator_error[] = {
    {KD_KEY("body", STRING, "Body of the answer instead of the error.")},
    {KD_KEY("status", INT, "Status of the answer."), .dflt = "500"},
};
static const kd_fields response_schema_validator_error_fields =
    KD_TABLE("error block", KD_SCOPE_SERVICE | KD_SCOPE_ENDPOINT | KD_SCOPE_BACKEND | KD_SCOPE_WORKFLOW,
             response_schema_validator_error);

static const kd_field response_schema_validator[] = {
    {KD_KEY("error", OBJECT, "The answer when the data is not valid."),
     .child = &response_schema_validator_error_fields},
    {KD_KEY("schema", OBJECT, "JSON schema of the answer's data.")},
};
static const kd_fields response_schema_validator_fields = KD_TABLE(
    "response-schema-validator block", KD_SCOPE_SERVICE | KD_SCOPE_ENDPOINT | KD_SCOPE_BACKEND | KD_SCOPE_WORKFLOW,
    response_schema_validator, .lint = "'required':['schema']");

static const kd_field plugin_modifier[] = {
    {KD_KEY("content-replacer", OBJECT, "Replaces texts in answers, by field."), .child = &content_replacer_fields},
    {KD_KEY("ip-filter", OBJECT, "Lets clients in by their address."), .child = &ip_filter_fields},
    {KD_KEY("name", STRINGS, "Names of the plugins, in their order.")},
    {KD_KEY("response-schema-validator", OBJECT, "Compares answers with a JSON schema."),
     .child = &response_schema_validator_fields},
};
const kd_fields kd_plugin_modifier_fields =
    KD_TABLE("plugin/req-resp-modifier block", KD_SCOPE_ENDPOINT | KD_SCOPE_BACKEND | KD_SCOPE_WORKFLOW,
             plugin_modifier, .shape = KD_SHAPE_OPEN);
