#include "config/builtin.h"
#include "config/fields.h"

/* What the exports to OpenAPI and Postman tell of endpoints (spec/04 section 16). */

static const kd_field openapi_header_definition[] = {
    {KD_KEY("description", STRING, "What people should know about it.")},
    {KD_KEY("type", STRING, "Type of the value."), .dflt = "string",
     .one_of = "integer|string|boolean|object|array|float|date-time"},
    {KD_KEY("enum", ANY, "The values that may be given."),
     .lint = "{'type':'array','items':{'type':['array','boolean','integer','number','object','string']}}"},
    {KD_KEY("required", BOOL, "It must be given."), .dflt = "false"},
    {KD_KEY("hide", BOOL, "Leaves it out of the document."), .dflt = "false"},
    {KD_KEY("name", STRING, "Name of the header.")},
};
static const kd_fields openapi_header_definition_fields =
    KD_TABLE("header_definition entry", KD_SCOPE_SERVICE | KD_SCOPE_ENDPOINT, openapi_header_definition,
             .lint = "'required':['name']");

static const kd_field openapi_param_definition[] = {
    {KD_KEY("description", STRING, "What people should know about it.")},
    {KD_KEY("examples", OBJECT, "Examples by name."),
     .lint = "'patternProperties':{'^.*$':{'type':['string','number','boolean','array','object']}}"},
    {KD_KEY("type", STRING, "Type of the value."), .dflt = "string",
     .one_of = "integer|number|string|boolean|object|array|float|date-time"},
    {KD_KEY("enum", ANY, "The values that may be given."),
     .lint = "{'type':'array','items':{'type':['array','boolean','integer','number','object','string']}}"},
    {KD_KEY("format", STRING, "Format of the value."),
     .lint = "{'enum':['int32','int64','float','double','date','date-time','byte','uuid','']}"},
    {KD_KEY("required", BOOL, "It must be given."), .dflt = "true"},
    {KD_KEY("example", ANY, "An example."), .lint = "{'type':['string','number','boolean','array','object']}"},
    {KD_KEY("hide", BOOL, "Leaves it out of the document."), .dflt = "false"},
    {KD_KEY("name", STRING, "Name of the path parameter.")},
};
static const kd_fields openapi_param_definition_fields =
    KD_TABLE("param_definition entry", KD_SCOPE_SERVICE | KD_SCOPE_ENDPOINT, openapi_param_definition,
             .lint = "'required':['name']");

static const kd_field openapi_query_definition[] = {
    {KD_KEY("description", STRING, "What people should know about it.")},
    {KD_KEY("type", STRING, "Type of the value."), .dflt = "string",
     .one_of = "integer|number|string|boolean|object|array|float|date-time"},
    {KD_KEY("enum", ANY, "The values that may be given."),
     .lint = "{'type':'array','items':{'type':['array','boolean','integer','number','object','string']}}"},
    {KD_KEY("format", STRING, "Format of the value."),
     .lint = "{'enum':['int32','int64','float','double','date','date-time','byte','uuid','']}"},
    {KD_KEY("required", BOOL, "It must be given."), .dflt = "true"},
    {KD_KEY("hide", BOOL, "Leaves it out of the document."), .dflt = "false"},
    {KD_KEY("name", STRING, "Name of the query parameter.")},
    {KD_KEY("example", ANY, "An example."),
     .lint = "{'type':['string','object','array','boolean','integer','null','number']}"},
};
static const kd_fields openapi_query_definition_fields =
    KD_TABLE("query_definition entry", KD_SCOPE_SERVICE | KD_SCOPE_ENDPOINT, openapi_query_definition,
             .lint = "'required':['name']");

static const kd_field openapi_request_definition[] = {
    {KD_KEY("description", STRING, "What people should know about it.")},
    {KD_KEY("content_type", STRING, "Media type of the body.")},
    {KD_KEY("example", ANY, "An example of the body."),
     .lint = "{'type':['string','object','array','boolean','integer','null','number']}"},
    {KD_KEY("examples", OBJECT, "Examples of the body by name."),
     .lint = "'additionalProperties':{'type':['string','object','array','boolean','integer','null','number']}"},
    {KD_KEY("example_schema", ANY, "JSON schema of the body."), .lint = "{'type':['string','object']}"},
    {KD_KEY("ref", STRING, "Reference to a schema of components_schemas.")},
};
static const kd_fields openapi_request_definition_fields =
    KD_TABLE("request_definition entry", KD_SCOPE_SERVICE | KD_SCOPE_ENDPOINT, openapi_request_definition,
             .shape = KD_SHAPE_UNTYPED, .lint = "'required':['content_type']");

static const kd_field openapi_servers[] = {
    {KD_KEY("description", STRING, "What people should know about it.")},
    {KD_KEY("url", ANY, "Address of the server."), .lint = "{'type':['string','object']}"},
    {KD_KEY("variables", OBJECT, "Variables of the address."),
     .lint = "'patternProperties':{'^.*$':{'type':['string','object']}}"},
};
static const kd_fields openapi_servers_fields =
    KD_TABLE("server entry", KD_SCOPE_SERVICE | KD_SCOPE_ENDPOINT, openapi_servers, .lint = "'required':['url']");

static const kd_field openapi_tag_definition[] = {
    {KD_KEY("description", STRING, "What people should know about it.")},
    {KD_KEY("name", STRING, "Name of the tag.")},
};
static const kd_fields openapi_tag_definition_fields =
    KD_TABLE("tag_definition entry", KD_SCOPE_SERVICE | KD_SCOPE_ENDPOINT, openapi_tag_definition,
             .lint = "'required':['name']");

static const kd_field openapi[] = {
    {KD_KEY("description", STRING, "What people should know about it.")},
    {KD_KEY("audience", STRINGS, "Who sees it; export selects by these names.")},
    {KD_KEY("base_path", STRING, "Path before all endpoints.")},
    {KD_KEY("components_schemas", OBJECT, "Schemas that definitions refer to."),
     .lint = "'patternProperties':{'.*':{'type':['string','object']}}"},
    {KD_KEY("contact_email", STRING, "Mail address for questions.")},
    {KD_KEY("contact_name", STRING, "Name of whoever answers questions.")},
    {KD_KEY("contact_url", STRING, "Page for questions.")},
    {KD_KEY("cookie_name", STRING, "Name of the cookie with a token."), .dflt = "SESSIONID"},
    {KD_KEY("custom_security_schemes", OBJECT, "Further security schemes of the document."),
     .lint = "'patternProperties':{'^.*$':{'type':'object'}}"},
    {KD_KEY("disable_default_response_definitions", BOOL, "Adds no answers that nobody defined."), .dflt = "false"},
    {KD_KEY("example", ANY, "An example of the answer."), .lint = "{'type':['object','string']}"},
    {KD_KEY("header_definition", OBJECTS, "The headers of a request."), .child = &openapi_header_definition_fields},
    {KD_KEY("host", STRING, "Host of the service.")},
    {KD_KEY("jwt_key", STRING, "Name of the security scheme for tokens."), .dflt = "KrakenD-JWT"},
    {KD_KEY("license_name", STRING, "Name of the licence.")},
    {KD_KEY("license_url", STRING, "Text of the licence.")},
    {KD_KEY("operation_id", STRING, "Name of the operation.")},
    {KD_KEY("param_definition", OBJECTS, "The path parameters."), .child = &openapi_param_definition_fields},
    {KD_KEY("query_definition", OBJECTS, "The query parameters."), .child = &openapi_query_definition_fields},
    {KD_KEY("request_definition", OBJECTS, "The bodies of a request."), .child = &openapi_request_definition_fields},
    {KD_KEY("response_definition", OBJECT, "The answers, by status."),
     .lint = "'patternProperties':{'default|^[0-9]+$':{'type':'object','properties':{'description':{'type':'string'},'"
             "content_type':{'type':'string'},'example':{'type':['string','object','array','boolean','integer','null','"
             "number']},'examples':{'type':'object','additionalProperties':{'type':['string','object','array','boolean'"
             ",'integer','null','number']}},'example_schema':{'type':['string','object']},'ref':{'type':'string'}},'"
             "patternProperties':{'^[@$_#]':true},'additionalProperties':false}},'additionalProperties':false"},
    {KD_KEY("schemes", STRINGS, "Schemes of the service's address."), .dflt = "[\"http\"]"},
    {KD_KEY("servers", OBJECTS, "Where the service is."), .child = &openapi_servers_fields},
    {KD_KEY("summary", STRING, "One line about it.")},
    {KD_KEY("tag_definition", OBJECTS, "The tags and what they mean."), .child = &openapi_tag_definition_fields},
    {KD_KEY("tags", STRINGS, "Groups that the endpoint belongs to.")},
    {KD_KEY("terms_of_service", STRING, "Page with the terms.")},
    {KD_KEY("version", STRING, "Version of the interface.")},
};
const kd_fields kd_openapi_fields =
    KD_TABLE("documentation/openapi block", KD_SCOPE_SERVICE | KD_SCOPE_ENDPOINT, openapi);

static const kd_field postman_folder[] = {
    {KD_KEY("description", ANY, "What people should know about the folder.")},
    {KD_KEY("name", STRING, "Name of the folder.")},
};
static const kd_fields postman_folder_fields =
    KD_TABLE("folder entry", KD_SCOPE_SERVICE | KD_SCOPE_ENDPOINT, postman_folder, .shape = KD_SHAPE_NO_COMMENTS,
             .lint = "'required':['name']");

static const kd_field postman[] = {
    {KD_KEY("description", STRING, "What people should know about it.")},
    {KD_KEY("folder", OBJECTS, "Folders of the collection."), .child = &postman_folder_fields},
    {KD_KEY("name", STRING, "Name of the collection.")},
    {KD_KEY("version", STRING, "Version of the collection."), .lint = "'pattern':'^[0-9].[0-9].[0-9]+$'"},
};
const kd_fields kd_postman_fields = KD_TABLE("documentation/postman block", KD_SCOPE_SERVICE, postman);

static const kd_field postman_endpoint[] = {
    {KD_KEY("description", STRING, "What people should know about it.")},
    {KD_KEY("folder", STRING, "Folder that the endpoint stands in.")},
    {KD_KEY("name", STRING, "Name of the request.")},
};
const kd_fields kd_postman_endpoint_fields =
    KD_TABLE("endpoint's documentation/postman block", KD_SCOPE_ENDPOINT, postman_endpoint);
