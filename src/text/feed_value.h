/* The one shape that all feeds get, and what it is made of. */
#ifndef KD_TEXT_FEED_VALUE_H
#define KD_TEXT_FEED_VALUE_H

#include "base/vec.h"
#include "text/feed.h"
#include "text/feed_pull.h"
#include "text/go/time_layout.h"

typedef KD_VEC(kd_value) kd_feed_list;
typedef KD_VEC(kd_member) kd_feed_members;

/* The text that was read last, and the last that was a date: as in gofeed these may be two. */
typedef struct kd_feed_when {
    kd_str text;
    kd_go_time at;
    bool known;
} kd_feed_when;

/* Lists that are empty, texts that are empty and values that are KD_ABSENT do not appear. */
typedef struct kd_feed_item {
    kd_str title, description, content, link, guid;
    kd_feed_list links, authors, categories, enclosures;
    kd_feed_when updated, published;
    kd_value author, image, dc, itunes, extensions, custom;
} kd_feed_item;

typedef struct kd_feed {
    kd_str title, description, language, copyright, published, updated;
    kd_value author;         /* KD_ABSENT: null */
    kd_value image;          /* the URL, or KD_ABSENT */
    kd_feed_list categories; /* empty: null */
    kd_feed_list items;
} kd_feed;

/* An element of another namespace. */
typedef struct kd_feed_extension {
    kd_str prefix, name;
    kd_value value;
} kd_feed_extension;
typedef KD_VEC(kd_feed_extension) kd_feed_extensions;

/* Takes one more text of a date. */
void kd_feed_when_take(kd_feed_when *when, kd_str text);

/* The readers of each kind, from the root's start tag on. False: pull->error. */
bool kd_feed_rss(kd_pull *pull, kd_feed *out);
bool kd_feed_atom(kd_pull *pull, kd_feed *out);
/* The reader of JSON feeds: KD_FEED_BAD with *error. */
kd_feed_result kd_feed_json(kd_arena *arena, char *text, size_t n, kd_feed *out, kd_str *error);

/* The makers below return a value of type KD_ABSENT, or false, when there is no memory. */
kd_value kd_feed_item_value(kd_arena *arena, const kd_feed_item *item);
kd_value kd_feed_value(kd_arena *arena, const kd_feed *feed, kd_str type);
kd_value kd_feed_text_value(kd_str s);
bool kd_feed_list_add(kd_arena *arena, kd_feed_list *list, kd_value v);
/* A typed object of the texts that are not empty; n of them. */
kd_value kd_feed_texts_value(kd_arena *arena, const kd_str *names, const kd_str *texts, size_t n);
/* {name, email} of a text (text/feed_text.h). */
kd_value kd_feed_person_value(kd_arena *arena, kd_str text);
/* An object of members sorted by key, of equal keys the last one. */
kd_value kd_feed_members_value(kd_arena *arena, const kd_feed_members *members);

/* Reads the element that was just begun as {name, value, attrs, children} and adds it. */
bool kd_feed_read_extension(kd_pull *pull, kd_feed_extensions *to);
/* prefix → name → list. */
kd_value kd_feed_extensions_value(kd_arena *arena, const kd_feed_extensions *extensions);
/* Dublin Core's and iTunes' elements as gofeed lists them, of the values above; KD_ABSENT where there are none. False
 * without memory. */
bool kd_feed_dc(kd_arena *arena, kd_value extensions, kd_value *out);
bool kd_feed_itunes(kd_arena *arena, kd_value extensions, kd_value *out);
/* The first value of the element; *found tells whether there is one. */
kd_str kd_feed_first(kd_value extensions, kd_str prefix, kd_str name, bool *found);

#endif
