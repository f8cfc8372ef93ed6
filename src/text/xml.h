/* XML documents as data and back: what the library mxj 2.7.0 makes of them in KrakenD (spec/01 sections 6.4 and 9.2).
 */
#ifndef KD_TEXT_XML_H
#define KD_TEXT_XML_H

#include "base/buf.h"
#include "text/value.h"

typedef enum kd_xml_result { KD_XML_READ, KD_XML_BAD, KD_XML_OUT_OF_MEMORY } kd_xml_result;

/* Reads the first element of text[0..n) into {"root": …}: attributes as "-name", text as "#text" or as the element's
 * whole value, repeated children as lists, every value a string. What follows that element is not looked at. The text
 * is changed in place and must outlive the value, whose nodes lie in the arena. Nesting is bounded (text/xml_token.h).
 * KD_XML_BAD: *error is the text that KrakenD logs ("EOF", "xml.Decoder.Token() - XML syntax error on line 1: …"), in
 * the arena or static. */
kd_xml_result kd_xml_read(kd_arena *arena, char *text, size_t n, kd_value *out, kd_str *error);

/* Appends v, which is an object (anything else counts as an empty one), as mxj's Map.Xml prints it: no declaration, no
 * white space; one member that is no list of scalars is the root, else everything stands in <doc>. A list or an object
 * as an attribute's value empties the answer, as in KrakenD. Where KrakenD writes broken XML this differs: bytes that a
 * name cannot have become '_', characters that XML cannot have become U+FFFD, null as "#text" is nothing, a list there
 * is joined by spaces. False without memory or when out->failed. */
bool kd_xml_emit(kd_buf *out, kd_value v);

#endif
