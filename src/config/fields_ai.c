#include "config/builtin.h"
#include "config/fields.h"

/* AI gateway: models as backends, tools for models (spec/03). */

static const kd_field anthropic_v1_variables[] = {
    {KD_KEY("extra_payload", OBJECT, "Members that are added to the provider's request as they are.")},
    {KD_KEY("max_tokens", INT, "Most tokens of an answer."), .dflt = "1024"},
    {KD_KEY("model", STRING, "Name of the model.")},
    {KD_KEY("stop_sequences", STRINGS, "Texts at which the model stops.")},
    {KD_KEY("temperature", FLOAT, "How random the answers are."), .lint = "'maximum':2,'minimum':0"},
    {KD_KEY("top_k", INT, "Only so many of the likeliest tokens are drawn from.")},
    {KD_KEY("top_p", FLOAT, "Only the likeliest tokens that reach this sum are drawn from.")},
};
static const kd_fields anthropic_v1_variables_fields =
    KD_TABLE("model settings", KD_SCOPE_SERVICE | KD_SCOPE_ENDPOINT | KD_SCOPE_BACKEND, anthropic_v1_variables,
             .shape = KD_SHAPE_OPEN, .lint = "'required':['model']");

static const kd_field anthropic_v1[] = {
    {KD_KEY("credentials", STRING, "The key of the provider's account."), .flags = KD_FIELD_SECRET},
    {KD_KEY("debug", BOOL, "Logs what is done, in detail."), .dflt = "false"},
    {KD_KEY("input_template", STRING, "Template file that makes the provider's request, instead of the built-in one.")},
    {KD_KEY("output_template", STRING, "Template file that makes the answer, instead of the built-in one.")},
    {KD_KEY("variables", OBJECT, "Settings of the model."), .child = &anthropic_v1_variables_fields},
};
static const kd_fields anthropic_v1_fields =
    KD_TABLE("v1 block", KD_SCOPE_SERVICE | KD_SCOPE_ENDPOINT | KD_SCOPE_BACKEND, anthropic_v1,
             .lint = "'required':['credentials','variables']");

static const kd_field anthropic[] = {
    {KD_KEY("v1", OBJECT, "Version 1 of the provider's interface."), .child = &anthropic_v1_fields},
};
static const kd_fields anthropic_fields =
    KD_TABLE("anthropic block", KD_SCOPE_SERVICE | KD_SCOPE_ENDPOINT | KD_SCOPE_BACKEND, anthropic,
             .lint = "'maxProperties':1,'minProperties':1");

static const kd_field gemini_v1beta_variables[] = {
    {KD_KEY("candidate_count", INT, "How many answers are asked for."), .dflt = "1"},
    {KD_KEY("extra_payload", OBJECT, "Members that are added to the provider's request as they are.")},
    {KD_KEY("max_output_tokens", INT, "Most tokens of an answer.")},
    {KD_KEY("stop_sequences", STRINGS, "Texts at which the model stops.")},
    {KD_KEY("temperature", FLOAT, "How random the answers are."), .lint = "'maximum':2,'minimum':0"},
    {KD_KEY("top_k", INT, "Only so many of the likeliest tokens are drawn from.")},
    {KD_KEY("top_p", FLOAT, "Only the likeliest tokens that reach this sum are drawn from.")},
};
static const kd_fields gemini_v1beta_variables_fields =
    KD_TABLE("model settings", KD_SCOPE_SERVICE | KD_SCOPE_ENDPOINT | KD_SCOPE_BACKEND, gemini_v1beta_variables,
             .shape = KD_SHAPE_OPEN);

static const kd_field gemini_v1beta[] = {
    {KD_KEY("credentials", STRING, "The key of the provider's account."), .flags = KD_FIELD_SECRET},
    {KD_KEY("debug", BOOL, "Logs what is done, in detail."), .dflt = "false"},
    {KD_KEY("input_template", STRING, "Template file that makes the provider's request, instead of the built-in one.")},
    {KD_KEY("output_template", STRING, "Template file that makes the answer, instead of the built-in one.")},
    {KD_KEY("variables", OBJECT, "Settings of the model."), .child = &gemini_v1beta_variables_fields},
};
static const kd_fields gemini_v1beta_fields =
    KD_TABLE("v1beta block", KD_SCOPE_SERVICE | KD_SCOPE_ENDPOINT | KD_SCOPE_BACKEND, gemini_v1beta,
             .lint = "'required':['credentials']");

static const kd_field gemini[] = {
    {KD_KEY("v1beta", OBJECT, "Version 1beta of the provider's interface."), .child = &gemini_v1beta_fields},
};
static const kd_fields gemini_fields = KD_TABLE("gemini block", KD_SCOPE_SERVICE | KD_SCOPE_ENDPOINT | KD_SCOPE_BACKEND,
                                                gemini, .lint = "'maxProperties':1,'minProperties':1");

static const kd_field mistral_v1_variables[] = {
    {KD_KEY("extra_payload", OBJECT, "Members that are added to the provider's request as they are.")},
    {KD_KEY("max_tokens", INT, "Most tokens of an answer.")},
    {KD_KEY("model", STRING, "Name of the model.")},
    {KD_KEY("n", INT, "How many answers are asked for."), .dflt = "1"},
    {KD_KEY("random_seed", INT, "Equal seeds give equal answers.")},
    {KD_KEY("safe_prompt", BOOL, "Puts a safety text before the conversation."), .dflt = "false"},
    {KD_KEY("stop", STRINGS, "Texts at which the model stops.")},
    {KD_KEY("temperature", FLOAT, "How random the answers are."), .lint = "'maximum':2,'minimum':0"},
    {KD_KEY("top_p", FLOAT, "Only the likeliest tokens that reach this sum are drawn from.")},
};
static const kd_fields mistral_v1_variables_fields =
    KD_TABLE("model settings", KD_SCOPE_SERVICE | KD_SCOPE_ENDPOINT | KD_SCOPE_BACKEND, mistral_v1_variables,
             .shape = KD_SHAPE_OPEN, .lint = "'required':['model']");

static const kd_field mistral_v1[] = {
    {KD_KEY("credentials", STRING, "The key of the provider's account."), .flags = KD_FIELD_SECRET},
    {KD_KEY("debug", BOOL, "Logs what is done, in detail."), .dflt = "false"},
    {KD_KEY("input_template", STRING, "Template file that makes the provider's request, instead of the built-in one.")},
    {KD_KEY("output_template", STRING, "Template file that makes the answer, instead of the built-in one.")},
    {KD_KEY("variables", OBJECT, "Settings of the model."), .child = &mistral_v1_variables_fields},
};
static const kd_fields mistral_v1_fields =
    KD_TABLE("v1 block", KD_SCOPE_SERVICE | KD_SCOPE_ENDPOINT | KD_SCOPE_BACKEND, mistral_v1, .shape = KD_SHAPE_UNTYPED,
             .lint = "'required':['credentials','variables']");

static const kd_field mistral[] = {
    {KD_KEY("v1", OBJECT, "Version 1 of the provider's interface."), .child = &mistral_v1_fields},
};
static const kd_fields mistral_fields =
    KD_TABLE("mistral block", KD_SCOPE_SERVICE | KD_SCOPE_ENDPOINT | KD_SCOPE_BACKEND, mistral,
             .lint = "'maxProperties':1,'minProperties':1");

static const kd_field openai_v1_variables[] = {
    {KD_KEY("extra_payload", OBJECT, "Members that are added to the provider's request as they are.")},
    {KD_KEY("max_output_tokens", INT, "Most tokens of an answer.")},
    {KD_KEY("model", STRING, "Name of the model.")},
    {KD_KEY("temperature", FLOAT, "How random the answers are."), .lint = "'maximum':2,'minimum':0"},
    {KD_KEY("top_p", FLOAT, "Only the likeliest tokens that reach this sum are drawn from."),
     .lint = "'maximum':1,'minimum':0"},
    {KD_KEY("truncation", STRING, "What happens to a conversation that is too long."), .dflt = "disabled",
     .one_of = "auto|disabled"},
};
static const kd_fields openai_v1_variables_fields =
    KD_TABLE("model settings", KD_SCOPE_SERVICE | KD_SCOPE_ENDPOINT | KD_SCOPE_BACKEND, openai_v1_variables,
             .shape = KD_SHAPE_OPEN, .lint = "'required':['model']");

static const kd_field openai_v1[] = {
    {KD_KEY("credentials", STRING, "The key of the provider's account."), .flags = KD_FIELD_SECRET},
    {KD_KEY("debug", BOOL, "Logs what is done, in detail."), .dflt = "false"},
    {KD_KEY("input_template", STRING, "Template file that makes the provider's request, instead of the built-in one.")},
    {KD_KEY("output_template", STRING, "Template file that makes the answer, instead of the built-in one.")},
    {KD_KEY("variables", OBJECT, "Settings of the model."), .child = &openai_v1_variables_fields},
};
static const kd_fields openai_v1_fields =
    KD_TABLE("v1 block", KD_SCOPE_SERVICE | KD_SCOPE_ENDPOINT | KD_SCOPE_BACKEND, openai_v1, .shape = KD_SHAPE_UNTYPED,
             .lint = "'required':['credentials','variables']");

static const kd_field openai[] = {
    {KD_KEY("v1", OBJECT, "Version 1 of the provider's interface."), .child = &openai_v1_fields},
};
static const kd_fields openai_fields = KD_TABLE("openai block", KD_SCOPE_SERVICE | KD_SCOPE_ENDPOINT | KD_SCOPE_BACKEND,
                                                openai, .lint = "'maxProperties':1,'minProperties':1");

static const kd_field bedrock_v1_variables[] = {
    {KD_KEY("extra_payload", OBJECT, "Members that are added to the provider's request as they are.")},
    {KD_KEY("max_tokens", INT, "Most tokens of an answer.")},
    {KD_KEY("stop_sequences", STRINGS, "Texts at which the model stops.")},
    {KD_KEY("temperature", FLOAT, "How random the answers are."), .lint = "'maximum':2,'minimum':0"},
    {KD_KEY("top_k", INT, "Only so many of the likeliest tokens are drawn from.")},
    {KD_KEY("top_p", FLOAT, "Only the likeliest tokens that reach this sum are drawn from.")},
};
static const kd_fields bedrock_v1_variables_fields =
    KD_TABLE("model settings", KD_SCOPE_SERVICE | KD_SCOPE_ENDPOINT | KD_SCOPE_BACKEND, bedrock_v1_variables);

static const kd_field bedrock_v1[] = {
    {KD_KEY("credentials", STRING, "The key of the provider's account."), .flags = KD_FIELD_SECRET},
    {KD_KEY("debug", BOOL, "Logs what is done, in detail."), .dflt = "false"},
    {KD_KEY("input_template", STRING, "Template file that makes the provider's request, instead of the built-in one.")},
    {KD_KEY("output_template", STRING, "Template file that makes the answer, instead of the built-in one.")},
    {KD_KEY("variables", OBJECT, "Settings of the model."), .child = &bedrock_v1_variables_fields},
};
static const kd_fields bedrock_v1_fields =
    KD_TABLE("v1 block", KD_SCOPE_SERVICE | KD_SCOPE_ENDPOINT | KD_SCOPE_BACKEND, bedrock_v1, .shape = KD_SHAPE_UNTYPED,
             .lint = "'required':['credentials','variables']");

static const kd_field bedrock[] = {
    {KD_KEY("v1", OBJECT, "Version 1 of the provider's interface."), .child = &bedrock_v1_fields},
};
static const kd_fields bedrock_fields =
    KD_TABLE("bedrock block", KD_SCOPE_SERVICE | KD_SCOPE_ENDPOINT | KD_SCOPE_BACKEND, bedrock,
             .lint = "'maxProperties':1,'minProperties':1");

static const kd_field ai_llm[] = {
    {KD_KEY("anthropic", OBJECT, "Talks to Anthropic."), .child = &anthropic_fields},
    {KD_KEY("gemini", OBJECT, "Talks to Google Gemini."), .child = &gemini_fields},
    {KD_KEY("mistral", OBJECT, "Talks to Mistral."), .child = &mistral_fields},
    {KD_KEY("openai", OBJECT, "Talks to OpenAI, or what speaks its language."), .child = &openai_fields},
    {KD_KEY("bedrock", OBJECT, "Talks to AWS Bedrock."), .child = &bedrock_fields},
};
const kd_fields kd_ai_llm_fields = KD_TABLE("ai/llm block", KD_SCOPE_BACKEND, ai_llm, .lint = "'maxProperties':1");

static const kd_field ai_mcp_servers_tools_annotations[] = {
    {KD_KEY("destructive_hint", BOOL, "The tool may destroy something."), .dflt = "false"},
    {KD_KEY("idempotent_hint", BOOL, "Calling the tool again changes nothing more."), .dflt = "false"},
    {KD_KEY("open_world_hint", BOOL, "The tool reaches beyond its own system."), .dflt = "false"},
    {KD_KEY("read_only_hint", BOOL, "The tool changes nothing."), .dflt = "false"},
};
static const kd_fields ai_mcp_servers_tools_annotations_fields = KD_TABLE(
    "annotations block", KD_SCOPE_SERVICE | KD_SCOPE_ENDPOINT | KD_SCOPE_BACKEND, ai_mcp_servers_tools_annotations);

static const kd_field ai_mcp_servers_tools[] = {
    {KD_KEY("title", STRING, "Name of the tool, for people.")},
    {KD_KEY("description", STRING, "What the tool does; models decide by it.")},
    {KD_KEY("type", STRING, "What the tool gives back."), .dflt = "text", .one_of = "text|audio|image"},
    {KD_KEY("annotations", OBJECT, "Hints for clients."), .child = &ai_mcp_servers_tools_annotations_fields},
    {KD_KEY("input_headers", STRINGS, "Headers that are passed on; \"*\": all."), .lint = "'uniqueItems':true"},
    {KD_KEY("input_schema", OBJECT, "JSON schema of the arguments.")},
    {KD_KEY("name", STRING, "Name of the tool, for programs.")},
    {KD_KEY("output_schema", OBJECT, "JSON schema of the result.")},
    {KD_KEY("return_error_msg", BOOL, "Shows the error's text to the model."), .dflt = "false"},
    {KD_KEY("workflow", OBJECT, "What is done when the tool is called."), .child = &kd_workflow_fields,
     .lint = "'type':'object'"},
};
static const kd_fields ai_mcp_servers_tools_fields =
    KD_TABLE("tool entry", KD_SCOPE_SERVICE | KD_SCOPE_ENDPOINT | KD_SCOPE_BACKEND, ai_mcp_servers_tools,
             .lint = "'required':['name','title','description','workflow']");

static const kd_field ai_mcp_servers[] = {
    {KD_KEY("title", STRING, "Name of the server, for people.")},
    {KD_KEY("instructions", STRING, "What a model should know about the server.")},
    {KD_KEY("json_response", BOOL, "Answers with JSON instead of a stream of events."), .dflt = "false"},
    {KD_KEY("name", STRING, "Name of the server, for programs and for the endpoints.")},
    {KD_KEY("ping_period", DURATION, "Time between two signs of life on an open stream; 0: none."), .dflt = "0s"},
    {KD_KEY("stateless", BOOL, "Keeps no sessions."), .dflt = "false"},
    {KD_KEY("tools", OBJECTS, "What the server offers."), .child = &ai_mcp_servers_tools_fields},
    {KD_KEY("version", STRING, "Version that the server tells.")},
};
static const kd_fields ai_mcp_servers_fields =
    KD_TABLE("server entry", KD_SCOPE_SERVICE | KD_SCOPE_ENDPOINT | KD_SCOPE_BACKEND, ai_mcp_servers,
             .lint = "'required':['name','version','title']");

static const kd_field ai_mcp[] = {
    {KD_KEY("servers", OBJECTS, "Model context servers that endpoints can show."), .child = &ai_mcp_servers_fields},
};
const kd_fields kd_ai_mcp_fields =
    KD_TABLE("ai/mcp block", KD_SCOPE_SERVICE, ai_mcp, .shape = KD_SHAPE_OPEN, .lint = "'required':['servers']");

static const kd_field ai_mcp_endpoint[] = {
    {KD_KEY("server_name", ANY, "Name of the server that this endpoint shows.")},
};
const kd_fields kd_ai_mcp_endpoint_fields =
    KD_TABLE("endpoint's ai/mcp block", KD_SCOPE_ENDPOINT, ai_mcp_endpoint, .lint = "'required':['server_name']");
