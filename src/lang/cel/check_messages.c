/* The messages that every CEL environment knows: protobuf's well-known ones. All but one make CEL's own values. */
#include "lang/cel/check.h"

#define WRAPPER(name, k) static const kd_cel_type name = {.kind = KD_CEL_K_##k, .nullable = true}
WRAPPER(bool_value, BOOL);
WRAPPER(bytes_value, BYTES);
WRAPPER(double_value, DOUBLE);
WRAPPER(int_value, INT);
WRAPPER(string_value, STRING);
WRAPPER(uint_value, UINT);

static const kd_cel_type dyn = {.kind = KD_CEL_K_DYN};
static const kd_cel_type string = {.kind = KD_CEL_K_STRING};
static const kd_cel_type list_value = {.kind = KD_CEL_K_LIST, .of = {&dyn}};
static const kd_cel_type struct_value = {.kind = KD_CEL_K_MAP, .of = {&string, &dyn}};

#define PREFIX "google.protobuf."
static const struct {
    kd_str name;
    const kd_cel_type *type;
} messages[] = {
    {KD_STR_INIT(PREFIX "Any"), KD_CEL_TYPE_OF(ANY)},
    {KD_STR_INIT(PREFIX "BoolValue"), &bool_value},
    {KD_STR_INIT(PREFIX "BytesValue"), &bytes_value},
    {KD_STR_INIT(PREFIX "DoubleValue"), &double_value},
    {KD_STR_INIT(PREFIX "Duration"), KD_CEL_TYPE_OF(DURATION)},
    {KD_STR_INIT(PREFIX "Empty"), KD_CEL_TYPE_OF(EMPTY)},
    {KD_STR_INIT(PREFIX "FloatValue"), &double_value},
    {KD_STR_INIT(PREFIX "Int32Value"), &int_value},
    {KD_STR_INIT(PREFIX "Int64Value"), &int_value},
    {KD_STR_INIT(PREFIX "ListValue"), &list_value},
    {KD_STR_INIT(PREFIX "StringValue"), &string_value},
    {KD_STR_INIT(PREFIX "Struct"), &struct_value},
    {KD_STR_INIT(PREFIX "Timestamp"), KD_CEL_TYPE_OF(TIMESTAMP)},
    {KD_STR_INIT(PREFIX "UInt32Value"), &uint_value},
    {KD_STR_INIT(PREFIX "UInt64Value"), &uint_value},
    {KD_STR_INIT(PREFIX "Value"), &dyn},
};

const kd_cel_type *kd_cel_message_type(kd_str name)
{
    for (size_t i = 0; i < KD_COUNT(messages); i++) {
        if (kd_str_eq(messages[i].name, name))
            return messages[i].type;
    }
    return NULL;
}

static const struct {
    uint8_t kind; /* of the type that the message makes */
    bool wrapper;
    kd_str field;
    const kd_cel_type *type;
} fields[] = {
    {KD_CEL_K_TIMESTAMP, false, KD_STR_INIT("seconds"), KD_CEL_TYPE_OF(INT)},
    {KD_CEL_K_TIMESTAMP, false, KD_STR_INIT("nanos"), KD_CEL_TYPE_OF(INT)},
    {KD_CEL_K_DURATION, false, KD_STR_INIT("seconds"), KD_CEL_TYPE_OF(INT)},
    {KD_CEL_K_DURATION, false, KD_STR_INIT("nanos"), KD_CEL_TYPE_OF(INT)},
    {KD_CEL_K_ANY, false, KD_STR_INIT("type_url"), KD_CEL_TYPE_OF(STRING)},
    {KD_CEL_K_ANY, false, KD_STR_INIT("value"), KD_CEL_TYPE_OF(BYTES)},
    {KD_CEL_K_BOOL, true, KD_STR_INIT("value"), KD_CEL_TYPE_OF(BOOL)},
    {KD_CEL_K_BYTES, true, KD_STR_INIT("value"), KD_CEL_TYPE_OF(BYTES)},
    {KD_CEL_K_DOUBLE, true, KD_STR_INIT("value"), KD_CEL_TYPE_OF(DOUBLE)},
    {KD_CEL_K_INT, true, KD_STR_INIT("value"), KD_CEL_TYPE_OF(INT)},
    {KD_CEL_K_STRING, true, KD_STR_INIT("value"), KD_CEL_TYPE_OF(STRING)},
    {KD_CEL_K_UINT, true, KD_STR_INIT("value"), KD_CEL_TYPE_OF(UINT)},
    {KD_CEL_K_LIST, false, KD_STR_INIT("values"), &list_value},
    {KD_CEL_K_MAP, false, KD_STR_INIT("fields"), &struct_value},
    {KD_CEL_K_DYN, false, KD_STR_INIT("null_value"), KD_CEL_TYPE_OF(INT)},
    {KD_CEL_K_DYN, false, KD_STR_INIT("number_value"), KD_CEL_TYPE_OF(DOUBLE)},
    {KD_CEL_K_DYN, false, KD_STR_INIT("string_value"), KD_CEL_TYPE_OF(STRING)},
    {KD_CEL_K_DYN, false, KD_STR_INIT("bool_value"), KD_CEL_TYPE_OF(BOOL)},
    {KD_CEL_K_DYN, false, KD_STR_INIT("struct_value"), &struct_value},
    {KD_CEL_K_DYN, false, KD_STR_INIT("list_value"), &list_value},
};

const kd_cel_type *kd_cel_message_field(const kd_cel_type *type, kd_str field)
{
    for (size_t i = 0; i < KD_COUNT(fields); i++) {
        if (fields[i].kind == type->kind && fields[i].wrapper == type->nullable && kd_str_eq(fields[i].field, field))
            return fields[i].type;
    }
    return NULL;
}
