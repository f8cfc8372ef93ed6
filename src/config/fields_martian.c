#include "config/builtin.h"
#include "config/fields.h"

/* The modifiers of requests and answers that KrakenD has of Martian (spec/05). */

static const kd_field martian_body_modifier[] = {
    {KD_KEY("body", STRING, "The new body, in base64.")},
    {KD_KEY("contentType", STRING, "The new Content-Type.")},
    {KD_KEY("scope", ANY, "Whether requests, answers or both are changed."),
     .lint = "{'enum':[['request','response'],['request'],['response']]}"},
};
static const kd_fields martian_body_modifier_fields =
    KD_TABLE("body.Modifier block", KD_SCOPE_BACKEND, martian_body_modifier, .shape = KD_SHAPE_OPEN,
             .lint = "'required':['scope','body']");

static const kd_field martian_cookie_filter[] = {
    {KD_KEY("else", OBJECT, "What is done otherwise."), .child = &kd_martian_fields},
    {KD_KEY("modifier", OBJECT, "What is done."), .child = &kd_martian_fields},
    {KD_KEY("name", STRING, "Name of the cookie.")},
    {KD_KEY("scope", ANY, "Whether requests, answers or both are changed."), .lint = "{'const':['request']}"},
    {KD_KEY("value", ANY, "Value of the cookie.")},
};
static const kd_fields martian_cookie_filter_fields =
    KD_TABLE("cookie.Filter block", KD_SCOPE_BACKEND, martian_cookie_filter, .shape = KD_SHAPE_OPEN,
             .lint = "'required':['scope','modifier','name']");

static const kd_field martian_cookie_modifier[] = {
    {KD_KEY("domain", STRING, "Domain of the cookie.")},
    {KD_KEY("expires", STRING, "When the cookie ends, as a date of RFC 3339.")},
    {KD_KEY("httpOnly", BOOL, "Scripts do not see the cookie."), .dflt = "false"},
    {KD_KEY("maxAge", INT, "Lifetime of the cookie in seconds."), .dflt = "0"},
    {KD_KEY("name", STRING, "Name of the cookie.")},
    {KD_KEY("path", STRING, "Path of the cookie.")},
    {KD_KEY("scope", ANY, "Whether requests, answers or both are changed."),
     .lint = "{'enum':[['request','response'],['request'],['response']]}"},
    {KD_KEY("secure", BOOL, "The cookie needs TLS."), .dflt = "false"},
    {KD_KEY("value", STRING, "Value of the cookie.")},
};
static const kd_fields martian_cookie_modifier_fields =
    KD_TABLE("cookie.Modifier block", KD_SCOPE_BACKEND, martian_cookie_modifier, .shape = KD_SHAPE_OPEN,
             .lint = "'required':['scope','name','value']");

static const kd_field martian_fifo_group[] = {
    {KD_KEY("aggregateErrors", BOOL, "Goes on after an error and reports all of them."), .dflt = "false"},
    {KD_KEY("modifiers", OBJECTS, "What is done, one after the other."), .child = &kd_martian_fields},
    {KD_KEY("scope", ANY, "Whether requests, answers or both are changed."),
     .lint = "{'enum':[['request','response'],['request'],['response']]}"},
};
static const kd_fields martian_fifo_group_fields =
    KD_TABLE("fifo.Group block", KD_SCOPE_BACKEND, martian_fifo_group, .shape = KD_SHAPE_OPEN,
             .lint = "'required':['scope','modifiers']");

static const kd_field martian_header_append[] = {
    {KD_KEY("name", STRING, "Name of the header.")},
    {KD_KEY("scope", ANY, "Whether requests, answers or both are changed."),
     .lint = "{'enum':[['request','response'],['request'],['response']]}"},
    {KD_KEY("value", STRING, "Value of the header.")},
};
static const kd_fields martian_header_append_fields =
    KD_TABLE("header.Append block", KD_SCOPE_BACKEND, martian_header_append, .shape = KD_SHAPE_OPEN,
             .lint = "'required':['scope','name','value']");

static const kd_field martian_header_blacklist[] = {
    {KD_KEY("names", STRINGS, "Headers that are removed.")},
    {KD_KEY("scope", ANY, "Whether requests, answers or both are changed."),
     .lint = "{'enum':[['request','response'],['request'],['response']]}"},
};
static const kd_fields martian_header_blacklist_fields =
    KD_TABLE("header.Blacklist block", KD_SCOPE_BACKEND, martian_header_blacklist, .shape = KD_SHAPE_OPEN,
             .lint = "'required':['scope','names']");

static const kd_field martian_header_copy[] = {
    {KD_KEY("from", STRING, "Header that is copied.")},
    {KD_KEY("scope", ANY, "Whether requests, answers or both are changed."),
     .lint = "{'enum':[['request','response'],['request'],['response']]}"},
    {KD_KEY("to", STRING, "Header that it is copied to.")},
};
static const kd_fields martian_header_copy_fields =
    KD_TABLE("header.Copy block", KD_SCOPE_BACKEND, martian_header_copy, .shape = KD_SHAPE_OPEN,
             .lint = "'required':['scope','from','to']");

static const kd_field martian_header_filter[] = {
    {KD_KEY("else", OBJECT, "What is done otherwise."), .child = &kd_martian_fields},
    {KD_KEY("modifier", OBJECT, "What is done."), .child = &kd_martian_fields},
    {KD_KEY("name", STRING, "Name that is looked for.")},
    {KD_KEY("scope", ANY, "Whether requests, answers or both are changed."),
     .lint = "{'enum':[['request','response'],['request'],['response']]}"},
    {KD_KEY("value", STRING, "Value that it must have; none: any.")},
};
static const kd_fields martian_header_filter_fields =
    KD_TABLE("header.Filter block", KD_SCOPE_BACKEND, martian_header_filter, .shape = KD_SHAPE_OPEN,
             .lint = "'required':['scope','modifier','name']");

static const kd_field martian_header_id[] = {
    {KD_KEY("header", STRING, "Header that gets a new id."), .dflt = "X-Krakend-Id"},
    {KD_KEY("scope", ANY, "Whether requests, answers or both are changed."), .lint = "{'const':['request']}"},
};
static const kd_fields martian_header_id_fields = KD_TABLE("header.Id block", KD_SCOPE_BACKEND, martian_header_id,
                                                           .shape = KD_SHAPE_OPEN, .lint = "'required':['scope']");

static const kd_field martian_header_regexfilter[] = {
    {KD_KEY("header", STRING, "Header that is looked at.")},
    {KD_KEY("modifier", OBJECT, "What is done."), .child = &kd_martian_fields},
    {KD_KEY("regex", STRING, "Expression that must match.")},
    {KD_KEY("scope", ANY, "Whether requests, answers or both are changed."),
     .lint = "{'enum':[['request','response'],['request'],['response']]}"},
};
static const kd_fields martian_header_regexfilter_fields =
    KD_TABLE("header.RegexFilter block", KD_SCOPE_BACKEND, martian_header_regexfilter, .shape = KD_SHAPE_OPEN,
             .lint = "'required':['scope','modifier','header','regex']");

static const kd_field martian_port_filter[] = {
    {KD_KEY("else", OBJECT, "What is done otherwise."), .child = &kd_martian_fields},
    {KD_KEY("modifier", OBJECT, "What is done."), .child = &kd_martian_fields},
    {KD_KEY("port", INT, "Port that the URL must have.")},
    {KD_KEY("scope", ANY, "Whether requests, answers or both are changed."), .lint = "{'const':['request']}"},
};
static const kd_fields martian_port_filter_fields =
    KD_TABLE("port.Filter block", KD_SCOPE_BACKEND, martian_port_filter, .shape = KD_SHAPE_OPEN,
             .lint = "'required':['scope','modifier','port']");

static const kd_field martian_port_modifier[] = {
    {KD_KEY("defaultForScheme", BOOL, "Takes the scheme's usual port.")},
    {KD_KEY("port", INT, "The new port.")},
    {KD_KEY("remove", BOOL, "Removes the port.")},
    {KD_KEY("scope", ANY, "Whether requests, answers or both are changed."), .lint = "{'const':['request']}"},
};
static const kd_fields martian_port_modifier_fields =
    KD_TABLE("port.Modifier block", KD_SCOPE_BACKEND, martian_port_modifier, .shape = KD_SHAPE_OPEN,
             .lint = "'oneOf':[{'required':['scope','port']},{'required':['scope','defaultForScheme']},{'required':['"
                     "scope','remove']}]");

static const kd_field martian_priority_group_modifiers[] = {
    {KD_KEY("modifier", OBJECT, "What is done."), .child = &kd_martian_fields},
    {KD_KEY("priority", INT, "The highest number is first.")},
};
static const kd_fields martian_priority_group_modifiers_fields =
    KD_TABLE("modifier entry", KD_SCOPE_BACKEND, martian_priority_group_modifiers,
             .shape = KD_SHAPE_UNTYPED | KD_SHAPE_OPEN, .lint = "'required':['priority','modifier']");

static const kd_field martian_priority_group[] = {
    {KD_KEY("modifiers", OBJECTS, "What is done, one after the other."),
     .child = &martian_priority_group_modifiers_fields},
    {KD_KEY("scope", ANY, "Whether requests, answers or both are changed."),
     .lint = "{'enum':[['request','response'],['request'],['response']]}"},
};
static const kd_fields martian_priority_group_fields =
    KD_TABLE("priority.Group block", KD_SCOPE_BACKEND, martian_priority_group, .shape = KD_SHAPE_OPEN,
             .lint = "'required':['scope','modifiers']");

static const kd_field martian_querystring_modifier[] = {
    {KD_KEY("name", STRING, "Name of the parameter.")},
    {KD_KEY("scope", ANY, "Whether requests, answers or both are changed."), .lint = "{'const':['request']}"},
    {KD_KEY("value", STRING, "Value of the parameter.")},
};
static const kd_fields martian_querystring_modifier_fields =
    KD_TABLE("querystring.Modifier block", KD_SCOPE_BACKEND, martian_querystring_modifier, .shape = KD_SHAPE_OPEN,
             .lint = "'required':['scope','name','value']");

static const kd_field martian_stash_modifier[] = {
    {KD_KEY("headerName", STRING, "Header that keeps the URL.")},
    {KD_KEY("scope", ANY, "Whether requests, answers or both are changed."),
     .lint = "{'enum':[['request','response'],['request'],['response']]}"},
};
static const kd_fields martian_stash_modifier_fields =
    KD_TABLE("stash.Modifier block", KD_SCOPE_BACKEND, martian_stash_modifier, .shape = KD_SHAPE_OPEN,
             .lint = "'required':['scope','headerName']");

static const kd_field martian_url_filter[] = {
    {KD_KEY("else", OBJECT, "What is done otherwise."), .child = &kd_martian_fields},
    {KD_KEY("host", STRING, "Host that the URL must have.")},
    {KD_KEY("modifier", OBJECT, "What is done."), .child = &kd_martian_fields},
    {KD_KEY("path", STRING, "Path that the URL must have.")},
    {KD_KEY("query", STRING, "Query that the URL must have.")},
    {KD_KEY("scheme", STRING, "Scheme that the URL must have.")},
    {KD_KEY("scope", ANY, "Whether requests, answers or both are changed."),
     .lint = "{'enum':[['request','response'],['request'],['response']]}"},
};
static const kd_fields martian_url_filter_fields =
    KD_TABLE("url.Filter block", KD_SCOPE_BACKEND, martian_url_filter, .shape = KD_SHAPE_OPEN,
             .lint = "'required':['scope','modifier']");

static const kd_field martian_url_modifier[] = {
    {KD_KEY("host", STRING, "The new host.")},
    {KD_KEY("path", STRING, "The new path.")},
    {KD_KEY("query", STRING, "The new query.")},
    {KD_KEY("scheme", STRING, "The new scheme.")},
    {KD_KEY("scope", ANY, "Whether requests, answers or both are changed."), .lint = "{'const':['request']}"},
};
static const kd_fields martian_url_modifier_fields =
    KD_TABLE("url.Modifier block", KD_SCOPE_BACKEND, martian_url_modifier, .shape = KD_SHAPE_OPEN,
             .lint = "'required':['scope']");

static const kd_field martian_url_regexfilter[] = {
    {KD_KEY("else", OBJECT, "What is done otherwise."), .child = &kd_martian_fields},
    {KD_KEY("modifier", OBJECT, "What is done."), .child = &kd_martian_fields},
    {KD_KEY("regex", STRING, "Expression that must match.")},
    {KD_KEY("scope", ANY, "Whether requests, answers or both are changed."), .lint = "{'const':['request']}"},
};
static const kd_fields martian_url_regexfilter_fields =
    KD_TABLE("url.RegexFilter block", KD_SCOPE_BACKEND, martian_url_regexfilter, .shape = KD_SHAPE_OPEN,
             .lint = "'required':['scope','modifier','regex']");

static const kd_field martian[] = {
    {KD_KEY("body.Modifier", OBJECT, "Replaces the body."), .child = &martian_body_modifier_fields},
    {KD_KEY("cookie.Filter", OBJECT, "Acts where a cookie is there."), .child = &martian_cookie_filter_fields},
    {KD_KEY("cookie.Modifier", OBJECT, "Sets a cookie."), .child = &martian_cookie_modifier_fields},
    {KD_KEY("fifo.Group", OBJECT, "Several, one after the other."), .child = &martian_fifo_group_fields},
    {KD_KEY("header.Append", OBJECT, "Adds a value to a header."), .child = &martian_header_append_fields},
    {KD_KEY("header.Blacklist", OBJECT, "Removes headers."), .child = &martian_header_blacklist_fields},
    {KD_KEY("header.Copy", OBJECT, "Copies a header."), .child = &martian_header_copy_fields},
    {KD_KEY("header.Filter", OBJECT, "Acts where a header is there."), .child = &martian_header_filter_fields},
    {KD_KEY("header.Id", OBJECT, "Sets a header to a new id."), .child = &martian_header_id_fields},
    {KD_KEY("header.Modifier", OBJECT, "Sets a header."), .child = &martian_header_append_fields},
    {KD_KEY("header.RegexFilter", OBJECT, "Acts where a header matches."), .child = &martian_header_regexfilter_fields},
    {KD_KEY("port.Filter", OBJECT, "Acts where the URL has a port."), .child = &martian_port_filter_fields},
    {KD_KEY("port.Modifier", OBJECT, "Changes the port."), .child = &martian_port_modifier_fields},
    {KD_KEY("priority.Group", OBJECT, "Several, the most important first."), .child = &martian_priority_group_fields},
    {KD_KEY("querystring.Filter", OBJECT, "Acts where a parameter is there."), .child = &martian_header_filter_fields},
    {KD_KEY("querystring.Modifier", OBJECT, "Sets a parameter."), .child = &martian_querystring_modifier_fields},
    {KD_KEY("stash.Modifier", OBJECT, "Keeps the URL in a header."), .child = &martian_stash_modifier_fields},
    {KD_KEY("url.Filter", OBJECT, "Acts where the URL is as given."), .child = &martian_url_filter_fields},
    {KD_KEY("url.Modifier", OBJECT, "Changes the URL."), .child = &martian_url_modifier_fields},
    {KD_KEY("url.RegexFilter", OBJECT, "Acts where the URL matches."), .child = &martian_url_regexfilter_fields},
};
const kd_fields kd_martian_fields = KD_TABLE("modifier/martian block", KD_SCOPE_BACKEND, martian,
                                             .shape = KD_SHAPE_NO_COMMENTS, .lint = "'maxProperties':1");
