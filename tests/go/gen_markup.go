// Writes the tables that src/text reads markup with: the runes of XML names (as encoding/xml has them), the labels of
// character sets (WHATWG, as golang.org/x/text has them) and the entities of HTML (as package html has them).
// In a module that requires golang.org/x/text: go run gen_markup.go DIRECTORY (src/text)
package main

import (
	"encoding/xml"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"sort"
	"strconv"
	"strings"
	"unicode"

	"golang.org/x/text/encoding/htmlindex"
)

// What iconv calls the character sets of several bytes. UTF-8 and "replacement" are read without it.
var iconvNames = map[string]string{
	"utf-8": "UTF-8", "gbk": "GB18030", "gb18030": "GB18030", "big5": "BIG5-HKSCS", "euc-jp": "EUC-JP",
	"iso-2022-jp": "ISO-2022-JP", "shift_jis": "CP932", "euc-kr": "CP949", "utf-16be": "UTF-16BE",
	"utf-16le": "UTF-16LE", "replacement": "",
}

type lines struct {
	file   *os.File
	column int
}

func create(name, about string) *lines {
	file, err := os.Create(filepath.Join(os.Args[1], name))
	if err != nil {
		panic(err)
	}
	fmt.Fprintf(file, "/* %s; written by tests/go/gen_markup.go. */\n", about)
	return &lines{file: file}
}

func (l *lines) put(text string) {
	if l.column > 0 && l.column+1+len(text) > 119 {
		fmt.Fprintln(l.file)
		l.column = 0
	}
	if l.column > 0 {
		fmt.Fprint(l.file, " ")
		l.column++
	}
	fmt.Fprint(l.file, text)
	l.column += len(text)
}

func (l *lines) close() {
	fmt.Fprintln(l.file)
	l.file.Close()
}

func isName(name string) bool {
	_, err := xml.NewDecoder(strings.NewReader("<" + name + "/>")).Token()
	return err == nil
}

// Kind of a rune in a name: 2 may begin one, 1 may follow, 0 neither.
func kind(r rune) int {
	switch {
	case r >= 0xd800 && r < 0xe000:
		return 0
	case isName(string(r)):
		return 2
	case isName("a" + string(r)):
		return 1
	}
	return 0
}

func names() {
	out := create("xml_names.inc", "Runes of XML names from U+0080 on: first, last, 1 where the range may begin a name")
	for r := rune(0x80); r <= unicode.MaxRune; r++ {
		k := kind(r)
		if k == 0 {
			continue
		}
		first := r
		for r < unicode.MaxRune && kind(r+1) == k {
			r++
		}
		out.put(fmt.Sprintf("{0x%x, 0x%x, %d},", first, r, k-1))
	}
	out.close()
}

func read(path string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		panic(err)
	}
	return string(text)
}

func charsets() {
	path := os.Getenv("HTMLINDEX") // tables.go of golang.org/x/text/encoding/htmlindex
	found := regexp.MustCompile(`(?m)^\t"([^"]+)":\s+\w+,`).FindAllStringSubmatch(read(path), -1)
	var rows, single []string
	place := map[string]int{}
	for _, row := range found {
		e, err := htmlindex.Get(row[1])
		if err != nil {
			continue
		}
		name, _ := htmlindex.Name(e)
		if to, known := iconvNames[name]; known {
			rows = append(rows, fmt.Sprintf("{%q, %q, 0},", row[1], to))
			continue
		}
		if _, seen := place[name]; !seen {
			place[name] = len(single)
			single = append(single, name)
		}
		rows = append(rows, fmt.Sprintf("{%q, NULL, %d},", row[1], place[name]))
	}
	sort.Strings(rows)
	out := create("charset_labels.inc", "Labels of character sets, sorted, what iconv calls them, else their row of charset_bytes.inc")
	for _, row := range rows {
		out.put(row)
	}
	out.close()
	out = create("charset_bytes.inc", "The runes of the bytes from 0x80 on, a row for each character set of one byte")
	for _, name := range single {
		e, _ := htmlindex.Get(name)
		for c := 0x80; c < 0x100; c++ {
			text, _ := e.NewDecoder().String(string([]byte{byte(c)}))
			field := fmt.Sprintf("0x%x,", []rune(text)[0])
			if c == 0x80 {
				field = "{" + field
			}
			if c == 0xff {
				field = strings.TrimSuffix(field, ",") + "},"
			}
			out.put(field)
		}
	}
	out.close()
}

func entities() {
	text := read(filepath.Join(runtime.GOROOT(), "src/html/entity.go"))
	one := regexp.MustCompile(`(?m)^\s+"([A-Za-z0-9]+;?)":\s+'\\([uU])([0-9A-Fa-f]+)',`).FindAllStringSubmatch(text, -1)
	two := regexp.MustCompile(`(?m)^\s+"([A-Za-z0-9]+;?)":\s+\{'\\u([0-9A-Fa-f]+)', '\\u([0-9A-Fa-f]+)'\},`).
		FindAllStringSubmatch(text, -1)
	runes := map[string][2]int64{}
	for _, row := range one {
		a, _ := strconv.ParseInt(row[3], 16, 32)
		runes[row[1]] = [2]int64{a, 0}
	}
	for _, row := range two {
		a, _ := strconv.ParseInt(row[2], 16, 32)
		b, _ := strconv.ParseInt(row[3], 16, 32)
		runes[row[1]] = [2]int64{a, b}
	}
	var all []string
	for name := range runes {
		all = append(all, name)
	}
	sort.Strings(all)
	out := create("html_entities.inc", "Entities of HTML, sorted, with the ';' where they need it")
	for _, name := range all {
		r := runes[name]
		out.put(fmt.Sprintf("{%q, 0x%x, 0x%x},", name, r[0], r[1]))
	}
	out.close()
	fmt.Fprintln(os.Stderr, len(all), "entities")
}

func main() {
	names()
	charsets()
	entities()
}
