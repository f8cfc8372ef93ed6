#include "config/builtin.h"
#include "config/fields.h"

/* Logins of clients, and of the gateway at backends (spec/02). */

static const kd_field api_keys_keys[] = {
    {KD_KEY("key", STRING, "The key, or its hash."), .flags = KD_FIELD_SECRET},
    {KD_KEY("roles", STRINGS, "Roles of whoever has the key.")},
};
static const kd_fields api_keys_keys_fields =
    KD_TABLE("key entry", KD_SCOPE_SERVICE | KD_SCOPE_ENDPOINT | KD_SCOPE_BACKEND, api_keys_keys);

static const kd_field api_keys[] = {
    {KD_KEY("hash", STRING, "How keys are stored in this file."), .dflt = "plain",
     .one_of = "plain|fnv128|sha256|sha1"},
    {KD_KEY("identifier", STRING, "Header or query parameter with the key."), .dflt = "Authorization"},
    {KD_KEY("keys", OBJECTS, "The keys."), .child = &api_keys_keys_fields},
    {KD_KEY("propagate_role", STRING, "Header that tells backends the first role; empty: none.")},
    {KD_KEY("salt", STRING, "Text that is put before a key before it is hashed."), .flags = KD_FIELD_SECRET},
    {KD_KEY("strategy", STRING, "Where it is looked for."), .dflt = "header", .one_of = "header|query_string"},
};
const kd_fields kd_api_keys_fields =
    KD_TABLE("auth/api-keys block", KD_SCOPE_SERVICE, api_keys, .lint = "'required':['keys']");

static const kd_field api_keys_endpoint[] = {
    {KD_KEY("client_max_rate", FLOAT, "Requests per second for each key; 0: any number.")},
    {KD_KEY("identifier", STRING, "Header or query parameter with the key.")},
    {KD_KEY("roles", STRINGS, "Roles that may enter.")},
    {KD_KEY("strategy", STRING, "Where it is looked for."), .one_of = "header|query_string"},
};
const kd_fields kd_api_keys_endpoint_fields =
    KD_TABLE("endpoint's auth/api-keys block", KD_SCOPE_ENDPOINT, api_keys_endpoint, .lint = "'required':['roles']");

static const kd_field aws_sigv4[] = {
    {KD_KEY("assume_role_arn", STRING, "Role to take before signing.")},
    {KD_KEY("debug", BOOL, "Logs what is done, in detail."), .dflt = "false"},
    {KD_KEY("region", STRING, "Region of the service.")},
    {KD_KEY("service", STRING, "Name of the service in signatures.")},
    {KD_KEY("sts_region", STRING, "Region of the token service.")},
};
const kd_fields kd_aws_sigv4_fields =
    KD_TABLE("auth/aws-sigv4 block", KD_SCOPE_BACKEND, aws_sigv4, .lint = "'required':['region','service']");

static const kd_field auth_basic[] = {
    {KD_KEY("htpasswd_path", STRING, "File of users and password hashes, as Apache writes it.")},
    {KD_KEY("users", OBJECT, "Users and their password hashes."), .flags = KD_FIELD_SECRET,
     .lint = "'patternProperties':{'(.*)':{'type':'string'}},'additionalProperties':false"},
};
const kd_fields kd_auth_basic_fields = KD_TABLE("auth/basic block", KD_SCOPE_SERVICE | KD_SCOPE_ENDPOINT, auth_basic);

static const kd_field auth_gcp[] = {
    {KD_KEY("audience", STRING, "URL of the service that is called.")},
    {KD_KEY("credentials_file", STRING, "File with the account's credentials.")},
    {KD_KEY("credentials_json", OBJECT, "The account's credentials."), .flags = KD_FIELD_SECRET},
    {KD_KEY("custom_claims", OBJECT, "Further claims of the tokens.")},
    {KD_KEY("s2s_auth_header", STRING, "Header for the token, where Authorization is taken.")},
};
const kd_fields kd_auth_gcp_fields =
    KD_TABLE("auth/gcp block", KD_SCOPE_BACKEND, auth_gcp,
             .lint = "'anyOf':[{'required':['audience']},{'required':['audience','credentials_file']},{'required':['"
                     "audience','credentials_json']}]");

static const kd_field auth_ntlm[] = {
    {KD_KEY("password", STRING, "Password of the user."), .flags = KD_FIELD_SECRET},
    {KD_KEY("user", STRING, "Name of the user.")},
};
const kd_fields kd_auth_ntlm_fields =
    KD_TABLE("auth/ntlm block", KD_SCOPE_BACKEND, auth_ntlm, .lint = "'required':['user','password']");
