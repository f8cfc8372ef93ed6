/* What the two halves of the XML scanner share: bytes, errors, texts. For text/xml_token.c and text/xml_text.c. */
#ifndef KD_TEXT_XML_TEXT_H
#define KD_TEXT_XML_TEXT_H

#include "text/xml_token.h"

/* What a text ends at, but for the end of the document. */
#define KD_XML_PLAIN 0   /* the next '<' */
#define KD_XML_CDATA ']' /* "]]>" */

/* Reads up to the end that `quote` names (else that quote) and behind it; '<' stays. Line breaks become '\n' and
 * references are replaced, in place, unless scan->raw. False: the scan is refused or has no memory. */
bool kd_xml_read_text(kd_xml_scan *scan, char quote, kd_str *out);

/* The next byte; false at the end of the document, which is an error then. */
bool kd_xml_byte(kd_xml_scan *scan, char *c);
/* May the byte stand in a name? Bytes above ASCII may, until the whole name is looked at. */
static inline bool kd_xml_byte_of_name(uint8_t c)
{
    return (uint8_t)((c | 0x20) - 'a') < 26 || (uint8_t)(c - '0') < 10 || c == '_' || c == ':' || c == '.' ||
           c == '-' || c >= 0x80;
}

/* Adds the line breaks before the present place to scan->lines. Must be called before bytes are changed. */
void kd_xml_count_lines(kd_xml_scan *scan);
/* "XML syntax error on line N: " and the three parts. False, for the caller to return, as the next. */
bool kd_xml_syntax_error(kd_xml_scan *scan, const char *before, kd_str name, const char *after);
bool kd_xml_no_memory(kd_xml_scan *scan);

#endif
