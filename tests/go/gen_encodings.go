// Writes the tables of what Go's libraries make of XML, YAML, feeds and dates, which the unit tests of src/text read.
// In a module that requires github.com/clbanning/mxj/v2 v2.7.0, github.com/goccy/go-yaml v1.19.2,
// github.com/mmcdole/gofeed v1.2.1 and golang.org/x/net v0.51.0: TZ=UTC ZONEINFO=/nonexistent go run gen_encodings.go DIRECTORY
//
// The form of the tables is that of gen_text.go.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/clbanning/mxj/v2"
	"github.com/goccy/go-yaml"
	"github.com/mmcdole/gofeed"
	"golang.org/x/net/html/charset"
)

var random = rand.New(rand.NewSource(1))

func escape(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if c := s[i]; c < 0x20 || c > 0x7e || c == '\\' {
			fmt.Fprintf(&b, "\\x%02x", c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

type table struct {
	file *os.File
	out  *bufio.Writer
	seen map[string]bool
}

func create(name string) *table {
	file, err := os.Create(filepath.Join(os.Args[1], name))
	if err != nil {
		panic(err)
	}
	return &table{file, bufio.NewWriter(file), map[string]bool{}}
}

func (t *table) row(fields ...string) {
	for i := range fields {
		fields[i] = escape(fields[i])
	}
	line := strings.Join(fields, "\t")
	if !t.seen[line] {
		fmt.Fprintln(t.out, line)
	}
	t.seen[line] = true
}

func (t *table) close() {
	t.out.Flush()
	t.file.Close()
}

func count(usual int) int {
	if n, err := strconv.Atoi(os.Getenv("ROWS")); err == nil {
		return n
	}
	return usual
}

func pick(from []string) string { return from[random.Intn(len(from))] }

func join(pieces []string, most int) string {
	var b strings.Builder
	for n := 1 + random.Intn(most); n > 0; n-- {
		b.WriteString(pick(pieces))
	}
	return b.String()
}

func marshal(v interface{}) string {
	text, err := json.Marshal(v)
	if err != nil {
		return "ERR " + err.Error()
	}
	return string(text)
}

// ---- XML in

var xmlPieces = []string{"<a>", "</a>", "<a>", "</a>", "<b>", "</b>", "<a x='1'>", "<b y=\"2\" x='3'>", "<c/>", "<c z=''/>",
	"text", " ", "\n", "\r\n", "\r", "\t x \b", "&lt;", "&gt;", "&amp;", "&quot;", "&apos;", "&#65;", "&#x42;", "&#xD800;", "&#0;",
	"&nbsp;", "&", "& ", "&;", "&#;", "&#x;", "&#x110000;", "&#12a;", "]]>", "]]", "]", ">", "<![CDATA[", "<![CDATA[c]]>", "<![CDA",
	"<!--", "-->", "<!-- c -->", "<!-- - -->", "--", "<?pi x?>", "<?pi", "?>", "<!DOCTYPE a>", "<!DOCTYPE a [<!ENTITY e 'v'> ]>",
	"<!x '>' \"<\" <!-- ' --> >", "<!", "é", "日本", "😀", "\xff", "\xc3", "\x00", "\x01", "\x7f", "\ufffe", "\u00a0", "<n:a>", "</n:a>",
	"<n:b n:x='1' xmlns:n='u'>", "</n:b>", "<:a>", "<a:>", "</:a>", "<a:b:c>", "<1>", "<é>", "</é>", "<-a>", "<a-b.c_1>", "</a-b.c_1>", "<",
	"</", "</a >", "</a\n>", "</a x>", "< a>", "<a\n\tx\r\n=\n'v\r\nw'\n>", "<a x>", "<a x=1>", "<a x='<'>", "<a x='&lt;&#10;'>",
	"<a x='1'y='2'>", "<a x='1' x='2'>", "<a/ >", "<a x='", "'", "\"", "=", "/", "<a xmlns='u'>", "<a xml:lang='en'>"}

var xmlHeads = []string{"", "", "", "", "", "<?xml version='1.0'?>", "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n",
	"<?xml version='1.1'?>", "<?xml version='1.0' encoding='iso-8859-1'?>", "<?xml encoding=\"macintosh\"?>",
	"<?xml encoding='klingon'?>", "<?xml version = '1.1' version=1 encoding=\"utf8\"?>", "\ufeff", "text", "<?xml encoding='utf-16le'?>",
	"<?xml encoding=' Windows-1252 '?>", "<?xml encoding='windows-1253'?>", "<?xml encoding='koi8-r'?>", "<?xml encoding='x-user-defined'?>",
	"<?xml encoding='iso-2022-kr'?>", "<?xml encoding='iso-8859-15'?>"}

func xmlDocument() string {
	switch random.Intn(3) {
	case 0:
		return pick(xmlHeads) + join(xmlPieces, 12)
	case 1:
		return pick(xmlHeads) + "<r>" + join(xmlPieces[:60], 12) + "</r>"
	}
	return pick(xmlHeads) + xmlElement(3)
}

// A well-formed element.
func xmlElement(depth int) string {
	name := pick([]string{"a", "b", "c", "n:a"})
	s := "<" + name
	for _, attr := range []string{" x='1'", " y=\"&amp;\"", " n:x=''"} {
		if random.Intn(4) == 0 {
			s += attr
		}
	}
	if random.Intn(6) == 0 {
		return s + "/>"
	}
	s += ">"
	for n := random.Intn(5); n > 0 && depth > 0; n-- {
		switch random.Intn(4) {
		case 0:
			s += pick([]string{"text", " x ", "\n", "<!-- c -->", "<![CDATA[ d ]]>", "e&#32;", "\r\ny"})
		default:
			s += xmlElement(depth - 1)
		}
	}
	return s + "</" + name + ">"
}

func xmlDecode() {
	t := create("xml_decode.tsv")
	for i := 0; i < count(900); i++ {
		document := xmlDocument()
		v, err := mxj.NewMapXmlReader(strings.NewReader(document))
		if err != nil {
			t.row(document, "ERR "+err.Error())
		} else {
			t.row(document, marshal(v))
		}
	}
	t.close()
}

// ---- XML and YAML out

var jsonTexts = []string{"x", "", "a b", "<&>'\"", "é", "true", "no", "~", "1", "1.5", "-3", "0x1F", "1e5", "12:30", "12:30:45",
	"2020-01-01", "2020-01-01T10:00:00Z", "- x", "x: y", "x:", "x #y", "a\nb", "a\n", "a\n\n", "\n", "a\n\nb", " a", "a ", "[x", "{", "`", "-",
	"--", "#", "\\", "*a", "a-b", "?", "=", "a\tb", "a\r\nb", "日本", "0o7", "007", "+1", "1_000", "_1", ".5", "1.", "1.2.3", ".inf", "null",
	"99999999999999999999", "99999999999999999999x", "1.0e999", "+-5", "-+5", "++1.5", "0X1.8p1", "2001-12-14 21:59:43.1",
	"2001-12-14t21:59:43.10-05:00", "9:5", "24:00", "2020-13-01", "a\n b\n", "a\n  \n", "x\n\n\ny", "y", "Yes", "oN", "0b101", "0b2", "08",
	"0", "00", "1-", "x:y", "::", "a -b", "a- b", "@", "%"}

var jsonNumbers = []string{"0", "-0", "1", "1.0", "1e3", "1E-2", "123456789012345678901234567890", "-2.50"}
var jsonKeys = []string{"a", "b", "c", "item", "-k", "-id", "#text", "y", "a b", "é", "1", "x: y"}

func jsonValue(depth int, keys []string) string {
	switch n := random.Intn(10); {
	case n < 3 && depth > 0:
		return jsonObject(depth-1, keys)
	case n < 5 && depth > 0:
		var items []string
		for k := random.Intn(4); k > 0; k-- {
			items = append(items, jsonValue(depth-1, keys))
		}
		return "[" + strings.Join(items, ",") + "]"
	case n < 6:
		return pick([]string{"null", "true", "false"})
	case n < 7:
		return pick(jsonNumbers)
	}
	return marshal(pick(jsonTexts))
}

func jsonObject(depth int, keys []string) string {
	var members []string
	for n := random.Intn(5); n > 0; n-- {
		members = append(members, marshal(pick(keys))+":"+jsonValue(depth, keys))
	}
	return "{" + strings.Join(members, ",") + "}"
}

func parse(text string) map[string]interface{} {
	var v map[string]interface{}
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	if err := decoder.Decode(&v); err != nil {
		panic(text)
	}
	return v
}

// Where the gateway writes something else on purpose: "#text" that is null or a container.
func differs(v interface{}) bool {
	switch v := v.(type) {
	case map[string]interface{}:
		for key, value := range v {
			if key == "#text" {
				switch value.(type) {
				case string, json.Number, bool:
				default:
					return true
				}
			}
			if differs(value) {
				return true
			}
		}
	case []interface{}:
		for _, value := range v {
			if differs(value) {
				return true
			}
		}
	}
	return false
}

func xmlEmit() {
	t := create("xml_emit.tsv")
	for i := 0; i < count(600); i++ {
		document := jsonObject(3, jsonKeys)
		v := parse(document)
		if differs(v) {
			continue
		}
		text, err := mxj.Map(v).Xml()
		if err != nil {
			text = nil
		}
		t.row(document, string(text))
	}
	t.close()
}

func yamlEmit() {
	t := create("yaml_emit.tsv")
	put := func(document string) {
		text, err := yaml.Marshal(parse(document))
		if err != nil {
			panic(err)
		}
		t.row(document, string(text))
	}
	for _, text := range jsonTexts {
		put("{" + marshal("k") + ":" + marshal(text) + "}")
		if !strings.ContainsAny(text, "\r\n") {
			put("{" + marshal(text) + ":1}")
		}
		put("{\"k\":[" + marshal(text) + ",[" + marshal(text) + "]]}")
	}
	for i := 0; i < count(500); i++ {
		put(jsonObject(4, jsonKeys))
	}
	t.close()
}

// ---- dates

var layouts = []string{time.RFC822, time.RFC822Z, time.RFC3339, time.UnixDate, time.RubyDate, time.RFC850, time.RFC1123Z, time.ANSIC,
	"Mon, 2 Jan 2006 15:4:5 -0700 GMT", "Mon Jan 02, 2006 3:04 pm", "Mon, 02 Jan 2006 15:04:05 MST-07:00", "Mon, 02 Jan 2006 15:04:05 -07",
	"2006-01-02T15:04:05-07:00:00", "2006-01-02 00:00:00.0 15:04:05.0 -0700", "6/1/2 15:04", "January 2, 2006, 3:04 p.m.",
	"Mon Jan 02 2006 15:04:05 GMT-0700 (MST)", "Mon,02 January 2006 14:04:05 MST", "2006-01-02T15:04:05.999999999Z07:00", "15:4",
	"Jan 02 2006 03:04:05PM", "2006-1-2", "02 Monday, Jan 2006 15:04", "Mon, 2 Jan 15:04:05 MST"}

func mutate(s string) string {
	b := []byte(s)
	for n := random.Intn(3); n > 0 && len(b) > 0; n-- {
		at := random.Intn(len(b))
		switch random.Intn(4) {
		case 0:
			b[at] = pick([]string{"0", "1", "9", " ", ":", "-", "+", "Z", "a", ".", ","})[0]
		case 1:
			b = append(b[:at], b[at+1:]...)
		case 2:
			b = append(b[:at], append([]byte(pick([]string{"1", " ", ".5", "Z", "T"})), b[at:]...)...)
		default:
			if b[at] >= 'a' && b[at] <= 'z' || b[at] >= 'A' && b[at] <= 'Z' {
				b[at] ^= 0x20
			}
		}
	}
	return string(b)
}

func dates() {
	t := create("time_layout.tsv")
	zones := []*time.Location{time.UTC, time.FixedZone("EST", -5*3600), time.FixedZone("GMT+3", 3*3600), time.FixedZone("CEST", 7200)}
	for i := 0; i < count(1500); i++ {
		at := time.Unix(random.Int63n(4e9)-1e9, random.Int63n(3)*123456789).In(zones[random.Intn(len(zones))])
		layout := pick(layouts)
		text := mutate(at.Format(layout))
		if random.Intn(8) == 0 {
			layout = pick(layouts)
		}
		parsed, err := time.Parse(layout, text)
		if err != nil {
			t.row(layout, text, "0")
			continue
		}
		out, err := parsed.MarshalJSON()
		if err != nil {
			out = []byte(`""`)
		}
		t.row(layout, text, "1", strconv.FormatInt(parsed.Unix(), 10), strings.Trim(string(out), `"`))
	}
	t.close()
}

// ---- feeds

var feedTexts = []string{"T", "", " x ", "a &amp; b", "&lt;b&gt;", "<![CDATA[<p>One</p>]]>", "pre <![CDATA[x]]> post <![CDATA[y]]>", "<b>raw</b>",
	"a@x.org (Ann B)", "Ann B (a@x.org)", "Ann", "a@x.org", "a (b) c", "a@b@c", "Ann  (a@x)", "&nbsp;&copy;&hellip;", "&notit; &amp &#x41;&#150;", "é",
	"Tue, 10 Jun 2003 04:00:00 GMT", "2003-12-13T18:30:02+01:00", "Tue, 03 Jun 2003 09:39:21 EST", "2003-06-02", "not a date", "c1,c2",
	"<!-- c -->z", "a<br/>b", "http://e.org/x", "../rel?q#f", "&bogus; x;", "QUJD"}

func element(name string, attrs string) string {
	return "<" + name + attrs + ">" + pick(feedTexts) + "</" + name + ">"
}

var rssNames = []string{"title", "description", "link", "author", "pubDate", "guid", "category", "content:encoded", "comments", "source",
	"dc:creator", "dc:date", "dc:title", "dc:subject", "itunes:author", "itunes:keywords", "media:thumbnail", "other", "Title", "x:y"}
var channelNames = []string{"title", "description", "link", "language", "copyright", "managingEditor", "webMaster", "pubDate", "lastBuildDate",
	"category", "generator", "ttl", "dc:rights", "dc:language", "dc:date", "itunes:author", "itunes:keywords", "atom:link", "odd"}
var atomNames = []string{"title", "id", "summary", "updated", "published", "content", "rights", "subtitle", "logo", "icon", "issued", "modified",
	"media:x", "odd", "tagline"}
var atomAttrs = []string{"", "", "", " type='html'", " type='text'", " type='xhtml'", " mode='escaped'", " type='image/png'", " xml:base='http://b.org/d/'"}

const spaces = ` xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:dc="http://purl.org/dc/elements/1.1/"` +
	` xmlns:media="http://search.yahoo.com/mrss/" xmlns:itunes="http://www.itunes.com/DTDs/PodCast-1.0.dtd" xmlns:atom="http://www.w3.org/2005/Atom"`

func rssItem() string {
	s := "<item>"
	for n := random.Intn(7); n > 0; n-- {
		s += element(pick(rssNames), "")
	}
	if random.Intn(4) == 0 {
		s += "<enclosure url='u' length='1' type='t'/><itunes:image href='i'/>"
	}
	if random.Intn(6) == 0 {
		s += "<media:group><media:content url='a'><media:title>x</media:title></media:content><media:content/>t</media:group>"
	}
	return s + "</item>"
}

func rss() string {
	s := "<rss version='2.0'" + spaces + "><channel>"
	for n := random.Intn(7); n > 0; n-- {
		s += element(pick(channelNames), "")
	}
	if random.Intn(3) == 0 {
		s += "<image><url>i</url><title>t</title></image>"
	}
	if random.Intn(5) == 0 {
		s += "<itunes:category text='A'><itunes:category text='B'/></itunes:category><itunes:image href='i2'/><skipDays><day>Mon</day></skipDays>"
	}
	for n := random.Intn(3); n > 0; n-- {
		s += rssItem()
	}
	s += "</channel>"
	if random.Intn(5) == 0 {
		s += rssItem()
	}
	return s + "</rss>"
}

func atomMembers() string {
	s := ""
	for n := random.Intn(7); n > 0; n-- {
		s += element(pick(atomNames), pick(atomAttrs))
	}
	if random.Intn(3) == 0 {
		s += "<author><name>" + pick(feedTexts) + "</name><email>e</email><uri>u</uri></author><category term='c'/>"
	}
	if random.Intn(3) == 0 {
		s += "<link href='rel'/><link rel='self' href='/s'/><link rel='enclosure' href='e' length='1'/>"
	}
	if random.Intn(4) == 0 {
		s += "<content type='xhtml'><div xmlns='http://www.w3.org/1999/xhtml'>" +
			pick([]string{"<p>a &amp; b</p>", "x<br/>y", "<ul><li>1</li><li>2</li></ul>", "<a href='q'>l</a>", "<img src=\"i.png\" alt='&quot;'/>",
				"<table><tr><td>1</td></tr></table>", "<pre>\n\nx</pre>", "<P CLASS='x'>Up</P>", "<!-- c --><em>e</em>"}) + "</div></content>"
	}
	return s
}

func atom() string {
	s := "<feed xmlns='http://www.w3.org/2005/Atom' xml:lang='en'" + pick([]string{"", " xml:base='http://e.org/base'"}) +
		" xmlns:media='http://search.yahoo.com/mrss/'>" + atomMembers()
	for n := random.Intn(3); n > 0; n-- {
		s += "<entry" + pick([]string{"", " xml:base='http://f.org/'"}) + ">" + atomMembers() + pick([]string{"", "<source><title>s</title></source>"}) + "</entry>"
	}
	return s + "</feed>"
}

func jsonFeed() string {
	names := []string{"id", "url", "external_url", "title", "content_html", "content_text", "summary", "image", "banner_image", "date_published", "Date_Modified"}
	item := func() string {
		members := []string{}
		for n := random.Intn(6); n > 0; n-- {
			members = append(members, marshal(pick(names))+":"+marshal(pick(feedTexts)))
		}
		members = append(members, pick([]string{`"tags":["a","b"]`, `"author":{"name":"Ann (a@x.org)"}`, `"authors":[{"name":"Bob"}]`, `"authors":[]`,
			`"attachments":[{"url":"u","mime_type":"m","duration_in_seconds":7},{}]`, `"tags":null`}))
		return "{" + strings.Join(members, ",") + "}"
	}
	return `{"version":"1","title":` + marshal(pick(feedTexts)) + pick([]string{"", `,"icon":"i"`, `,"author":{"name":"A"}`, `,"language":"en"`, `,"x":1`}) +
		`,"items":[` + pick([]string{"", item(), item() + "," + item()}) + `]}` + pick([]string{"", "", "", " \n", " x"})
}

func feeds() {
	t := create("feed.tsv")
	for i := 0; i < count(300); i++ {
		var document string
		switch random.Intn(7) {
		case 0, 1:
			document = rss()
		case 2, 3:
			document = atom()
		case 4:
			document = jsonFeed()
		case 5:
			document = pick([]string{rss(), atom()})
			document = document[:random.Intn(len(document)+1)]
		default:
			document = pick([]string{rss(), atom()})
			at := random.Intn(len(document))
			document = document[:at] + pick(xmlPieces) + document[at:]
		}
		feed, err := gofeed.NewParser().Parse(bytes.NewReader([]byte(document)))
		if err != nil {
			t.row(document, "ERR "+err.Error())
			continue
		}
		data := map[string]interface{}{"items": feed.Items, "author": feed.Author, "categories": feed.Categories, "custom": feed.Custom,
			"copyright": feed.Copyright, "description": feed.Description, "type": feed.FeedType, "language": feed.Language,
			"title": feed.Title, "published": feed.Published, "updated": feed.Updated}
		if feed.Image != nil {
			data["img_url"] = feed.Image.URL
		}
		t.row(document, marshal(data))
	}
	t.close()
}

func main() {
	mxj.XmlCharsetReader = charset.NewReaderLabel
	mxj.XMLEscapeChars(true)
	xmlDecode()
	xmlEmit()
	yamlEmit()
	dates()
	feeds()
}
