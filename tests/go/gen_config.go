// Writes the tables of YAML and TOML documents that the unit tests of src/config read: what the parsers of KrakenD's
// configuration make of each.
// In a module that requires go.yaml.in/yaml/v3, github.com/pelletier/go-toml v1 and github.com/knadh/koanf/maps:
// go run gen_config.go DIRECTORY (tests/go), or FILE.yaml, FILE.toml … for what single files give.
//
// A line is a case: the document, then the JSON of what was decoded, or "error" and the parser's text; bytes outside the
// printable ASCII range, and the backslash, are \xNN.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/knadh/koanf/maps"
	"github.com/pelletier/go-toml"
	"go.yaml.in/yaml/v3"
)

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

func readYAML(text string) (map[string]interface{}, error) {
	var out map[string]interface{}
	err := yaml.Unmarshal([]byte(text), &out)
	return out, err
}

func readTOML(text string) (map[string]interface{}, error) {
	tree, err := toml.LoadBytes([]byte(text))
	if err != nil {
		return nil, err
	}
	return tree.ToMap(), nil
}

type reader func(string) (map[string]interface{}, error)

func result(read reader, text string) (kind, value string) {
	defer func() {
		if r := recover(); r != nil {
			kind, value = "panic", fmt.Sprint(r)
		}
	}()
	out, err := read(text)
	if err != nil {
		return "error", err.Error()
	}
	if out == nil {
		out = map[string]interface{}{}
	}
	maps.IntfaceKeysToStrings(out)
	var b strings.Builder
	e := json.NewEncoder(&b)
	if err := e.Encode(out); err != nil {
		return "json", err.Error()
	}
	return "ok", strings.TrimSpace(b.String())
}

func write(dir, name string, read reader, documents []string) {
	f, err := os.Create(filepath.Join(dir, name))
	if err != nil {
		panic(err)
	}
	w := bufio.NewWriter(f)
	seen := map[string]bool{}
	for _, d := range documents {
		if seen[d] {
			continue
		}
		seen[d] = true
		kind, value := result(read, d)
		if kind == "json" || kind == "panic" { // infinities have no JSON
			continue
		}
		fmt.Fprintf(w, "%s\t%s\t%s\n", escape(d), kind, escape(value))
	}
	w.Flush()
	f.Close()
}

var scalars = strings.Split(`~|null|Null|NULL|nUll|true|True|TRUE|tRue|false|False|yes|no|on|off|y|n|Y|N|0|-0|+0|1|-1|+1|007|08|0x1f|0X1F|`+
	`0x|0b101|0B1|-0b11|0o17|0O17|-0o17|017|1_000|_1|1__0|1_|9223372036854775807|9223372036854775808|18446744073709551615|`+
	`18446744073709551616|-9223372036854775808|-9223372036854775809|0xffffffffffffffff|0x1ffffffffffffffff|1.5|1.|.5|-.5|+.5|.|-|+|1e3|1E3|1e+3|1e-3|`+
	`1e|1.5e3|1_0.5|.5_0|1.2.3|1:30|190:20:30|2024-01-02|2024-1-2|2024-13-02|2024-02-30|2023-02-29|2024-02-29|2024-01-02T03:04:05Z|2024-01-02t3:4:5.5z|2024-01-02t3:4:5.5Z|`+
	`2024-01-02T03:04:05+02:00|2024-01-02T03:04:05-00:30|2024-01-02T03:04:05.123456789123Z|2024-01-02 03:04:05|2024-01-02 03:04:05.50|2024-01-02 03:04:05Z|`+
	`2024-01-02 03:04|2024-01-02T03:04:05|20240102|2024-01|0001-01-01|9999-12-31|10000-01-01|2024-01-02T24:00:00Z|2024-01-02T03:04:05+24:00|`+
	`2024-01-02T03:04:05,5Z|2024-01-02T03:04:05+2:00|2024-01-02T03:04:05+0200|-2024-01-02|=|<<|a<<|!!str 5|!!str true|!!int 5|!!int "5"|!!int 5.0|!!int x|!!float 5|!!float 1.5|!!float x|`+
	`!!bool true|!!bool yes|!!null ~|!!null x|!!timestamp 2024-01-02|!!timestamp "2024-01-02"|!!timestamp x|!!binary aGk=|!!binary "aGk"|!!binary aGVsbG8=|!custom x|!custom 5|`+
	`! 5|! x|"5"|'5'|"true"|"\u00e9\n"|'it''s'|"a\x41\t"|é|a b  c|a #c|a# c|"a"|''|""|[]|{}|[a, b]|[1, "2", true, ~]|{a: 1, "b": 2}|{a: , b: }|{a, b}|[a: 1]|`+
	`[[1], [2]]|*a|&a x|&a [1]|!!map {a: 1}|!!seq [1]|!!set {a, b}|0.1|1e400|-1e400|1e308|0e0|00|-00|+0x1f|-0x1f|0x1F_FF|123456789012345678901234567890|1.0|100.0|1e21|1e20|`+
	`"a\`+"\n"+`b"|%|a:b|a: b|a:|-a|?a|? a|:a|@a|a@b|/a/{id}|{id}|http://a:80/x|10s|1m|500ms|"\/"|"\e"|'|"|[a|{a`, "|")

var yamlDocuments = []string{
	"", "\n", "# only a comment\n", "---\n", "---\n...\n", "--- ~\n", "null\n", "version: 3\n", "a", "5", "[a]", "- a\n", "true",
	"2024-01-02", "1234567890123", "\"text that is long\"", "%YAML 1.2\n---\na: 1\n", "%YAML 2.0\n---\na: 1\n", "%TAG ! tag:x,2000:\n---\na: !b c\n",
	"a: 1\nb: 2\n", "a: 1\na: 2\n", "a: 1\na: 2\na: 3\nb: 1\nb: 2\n", "a:\n  b: 1\n  b: 2\n", "a:\n  b: 1\n  b: 2\nc: 1\nc: 2\n", "1: a\n1: b\n", "1: a\n01: b\n", "~: a\nb: c\n", "true: a\n",
	"1.5: a\n", "0x10: a\n", "2024-01-02: a\n", "x:\n  1: a\n", "x:\n  ~: a\n", "x:\n  true: a\n  True: b\n", "x:\n  0x10: a\n  b: c\n", "x:\n  1.5: a\n", "x:\n  1e3: a\n  .5: b\n", "x:\n  [a]: b\n", "x:\n  {a: b}: c\n", "[a]: b\n", "? a\n: b\n", "? [a]\n: b\n", "x: {[a]: b, [c]: d}\n",
	"a: &x 1\nb: *x\n", "a: &x [1, 2]\nb: *x\nc: [*x, *x]\n", "a: &x {b: 1}\nc:\n  <<: *x\n  d: 2\n", "a: &x {b: 1, d: 9}\nc:\n  d: 2\n  <<: *x\n",
	"a: &x {b: 1}\ny: &y {b: 2, c: 3}\nz:\n  <<: [*x, *y]\n", "a: &x {b: 1}\ny: &y {b: 2, c: 3}\nz:\n  <<: [*y, *x]\n  e: 1\n", "z:\n  <<: {a: 1}\n  b: 2\n", "z:\n  <<: [{a: 1}, {a: 2, b: 3}]\n",
	"z:\n  <<: 5\n", "z:\n  <<: [5]\n", "z:\n  <<: ~\n", "a: &x 5\nz:\n  <<: *x\n", "a: &x [1]\nz:\n  <<: *x\n", "a: &x [1]\nz:\n  <<: [*x]\n", "z:\n  \"<<\": 1\n", "z:\n  '<<': {a: 1}\n", "z:\n  <<: {a: 1}\n  <<: {b: 2}\n", "<<: {a: 1}\nb: 2\n", "x: &x {1: a}\n<<: *x\n", "x: &x {1: a}\ny:\n  <<: *x\n  1: b\n",
	"a: &x {b: 1, <<: {c: 2, d: 3}}\nz:\n  <<: *x\n  d: 4\n", "x: &x {a: ~}\ny:\n  <<: *x\n", "y:\n  a: ~\n  <<: {a: 1}\n", "a: *x\n", "a: &x\n  b: *x\n", "a: &x [*x]\n", "a: &x {<<: *x}\n", "a: &x 1\na2: &x 2\nb: *x\n", "&k a: 1\nb: *k\n", "&k a: 1\n*k : 2\n", "x:\n  &k a: 1\ny:\n  *k : 2\n",
	"a: |\n  x\n  y\n", "a: |-\n  x\n", "a: |+\n  x\n\n", "a: >\n  x\n  y\n\n  z\n", "a: >-\n  x\n  y\n", "a: |2\n    x\n", "a: x\n  y\n", "a: \"x\n  y\"\n", "a: 'x\n\n  y'\n",
	"a: 1\n---\nb: 2\n", "a: 1\n...\nb: 2\n", "a: 1\n---\n*x\n", "a: [1,\n 2,]\n", "a: {b: 1,}\n", "a: [1 2]\n", "a: [1\nb: 2\n", "a: {b\n", "a: 1\n\tb: 2\n", "\ta: 1\n", "a:\n\t- b\n", "a:\tb\n", "a: b: c\n", "a: - b\n", "- a\nb: c\n", "a: 1\n- b\n", "a: 1\n b: 2\n", "a:\n  - b\n - c\n", "a: 'x\n", "a: \"x\\q\"\n", "a: \"\\uD800\"\n", "a: @x\n", "a: `x`\n", "a: %x\n", "a: &\n", "a: *\n", "a: !<x y\n", "a: !!int\n", "a: !e!x y\n", "a: ]\n", "a: }\n", "a: ,\n", "}\n", "a: \x01\n", "a: \xff\n", "\xef\xbb\xbfa: 1\n", "a: \x7f\n", "a: \u00a0b\n", "a: \u2028b\n", "a: b\r\nc: d\r\n", "a: b\rc: d\r", "a: |\r\n  x\r\n  y\r\n", "a: \u0085b: c\n",
	"a: 1 # c\nb: #c\n  2\n", "a:\n- 1\n- 2\nb:\n  - 3\n", "a:\n- - 1\n  - 2\n- b: 1\n  c: 2\n", "a: {b: [1, {c: d}], e: f}\n", "? |\n  x\n: y\n", "a:\n  ? b\n  ? c\n", "a: \"\"\nb: ''\n", "\"a b\": 1\n'c': 2\n", "a: [a, b, c: d]\n", "a: [\"b\":c]\n", "{\"version\":3,\"endpoints\":[{\"endpoint\":\"/a\",\"timeout\":\"1s\"}]}", "{\n\t\"a\": 1\n}\n", "{\"a\":\t1}", "[1, 2", "a: b c: d\n", "a\n:\n  b\n", "a: !!str\n", "a: !!str &x\nb: *x\n", "a: !!null\n", "a: &x !!str 5\nb: *x\n", "a: -\n", "a: - \n", "a: --- b\n", "a: 1\n--- \n", "a:\n  --- b\n", "!!map {a: 1}", "!!str a", "!!int 5", "&x a", "*x",
}

var tomlDocuments = []string{
	"", "\n", "# c\n", "a = 1", "a=1\n", "a = 1 # c\n", "a = 1\nb = 2\n", "a = 1\na = 2\n", "a = \"x\"\n", "a = 'x\\y'\n", "a = \"\\t\\n\\\"\\\\\\u00e9\\U0001F600\"\n", "a = \"\\x\"\n", "a = \"\\ud800\"\n",
	"a = \"\"\"\nx\ny\"\"\"\n", "a = '''\nx\\\ny'''\n", "a = \"\"\"x \\\n   y\"\"\"\n", "a = \"\"\"x\"\"\"\"\"\n", "a = \"\"\"\"x\"\"\"\n", "a = ''''x''''\n", "a = \"x\n", "a = 'x\n", "a = \"\"\"x\n", "a = '''x\n", "a = \"a\tb\"\n", "a = \"a\x01b\"\n",
	"a = 0\n", "a = +1\n", "a = -1\n", "a = 1_000\n", "a = 1__0\n", "a = _1\n", "a = 1_\n", "a = 01\n", "a = 0x1F\n", "a = 0xdead_beef\n", "a = 0o17\n", "a = 0b101\n", "a = 0x\n", "a = +0x1\n", "a = 9223372036854775807\n", "a = -9223372036854775808\n", "a = 9223372036854775808\n",
	"a = 1.5\n", "a = +1.5\n", "a = -0.0\n", "a = 1e3\n", "a = 1.5e-3\n", "a = 1E+3\n", "a = 1.\n", "a = .5\n", "a = 1.e3\n", "a = 1_0.5\n", "a = inf\n", "a = nan\n", "a = true\n", "a = false\n", "a = True\n", "a = x\n", "a = \n", "a =", "a\n", "= 1\n", "a = 1 b = 2\n", "a 1\n",
	"a = 1979-05-27T07:32:00Z\n", "a = 1979-05-27T00:32:00-07:00\n", "a = 1979-05-27T00:32:00.999999-07:00\n", "a = 1979-05-27 07:32:00Z\n", "a = 1979-05-27T07:32:00\n", "a = 1979-05-27T00:32:00.5\n", "a = 1979-05-27\n", "a = 07:32:00\n", "a = 00:32:00.999999\n", "a = 1979-13-27\n", "a = 1979-05-32\n", "a = 1979-05-27T25:00:00Z\n", "a = 1979-05-27 \nb = 1\n", "a = 1979-05-27t07:32:00z\n",
	"a = []\n", "a = [1, 2]\n", "a = [1, 2,]\n", "a = [\n1, # c\n2\n]\n", "a = [1 2]\n", "a = [1,,2]\n", "a = [,]\n", "a = [1, \"x\"]\n", "a = [[1], [\"x\"]]\n", "a = [1\n", "a = [\n", "a = [{b = 1}, {b = 2}]\n", "a = ]\n",
	"a = {}\n", "a = {b = 1}\n", "a = {b = 1, c = 2}\n", "a = {b = 1,}\n", "a = {b = 1\n}\n", "a = {b = 1 c = 2}\n", "a = {b.c = 1}\n", "a = {b = 1, b = 2}\n", "a = {b = {c = [1, 2]}}\n", "a = {\n", "a = {b}\n",
	"a.b = 1\n", "a.b = 1\na.c = 2\n", "a . b = 1\n", "a.\"b.c\" = 1\n", "\"a\" = 1\n", "'a b' = 1\n", "\"\" = 1\n", "a..b = 1\n", ".a = 1\n", "a. = 1\n", "a = 1\na.b = 2\n", "a.b = 1\na = 2\n", "1 = 2\n", "1.2 = 3\n", "a-b_c = 1\n", "a b = 1\n", "a:b = 1\n", "version: 3\n", "é = 1\n", "a! = 1\n",
	"[a]\nb = 1\n", "[a]\n[a]\n", "[a]\nb = 1\n[c]\nb = 2\n", "[a.b]\nc = 1\n", "[a.b]\nc = 1\n[a]\nd = 2\n", "[a]\nd = 2\n[a.b]\nc = 1\n", "[ a . b ]\nc = 1\n", "[\"a.b\"]\nc = 1\n", "[]\n", "[a\n", "[a]]\n", "[a] b = 1\n", "[a] # c\nb = 1\n", "[a.]\n", "[.a]\n", "a = 1\n[a]\n", "a = 1\n[a.b]\n", "a = {b = 1}\n[a]\n", "a = {b = 1}\n[a.c]\nd = 1\n", "a = {b = 1}\na.c = 2\n", "[a]\nb.c = 1\n[a.b]\nd = 1\n", "[a]\nb.c = 1\n[a.b.e]\nd = 1\n", "[a.b]\nx = 1\n[a]\nb.y = 2\n",
	"[[a]]\nb = 1\n[[a]]\nb = 2\n", "[[a]]\n[[a]]\n", "[[a]]\nb = 1\n[[a.c]]\nd = 1\n[[a.c]]\nd = 2\n[[a]]\nb = 2\n[[a.c]]\nd = 3\n", "[[a]]\n[a.b]\nc = 1\n[[a]]\n[a.b]\nc = 2\n", "[[a.b]]\nc = 1\n", "[a]\n[[a]]\n", "[[a]]\n[a]\n", "a = [1]\n[[a]]\n", "a = []\n[[a]]\n", "[[a]\n", "[[a]] x\n", "[[a.b]]\n[a]\nc = 1\n", "[a.b]\n[[a]]\n", "[[a]]\nb = 1\n[a.b]\n",
	"version = 3\nhost = [\"a\"\n", "version = 3\nname = unquoted\n", "a = 1\r\nb = 2\r\n", "a = 1\rb = 2\r", "\xef\xbb\xbfa = 1\n", "a = \"\xff\"\n", "# \xff\n", "a = \"\\\n\"\n", "x = \"é\"\ny = z\n", "a = \"é\" z\n",
}

func main() {
	if len(os.Args) == 2 && filepath.Ext(os.Args[1]) == "" {
		for _, s := range scalars {
			yamlDocuments = append(yamlDocuments, "v: "+s+"\n", "v: ["+s+"]\n", "v:\n- "+s+"\n", s+": 1\n", "k:\n  "+s+": 1\n")
		}
		write(os.Args[1], "config_yaml.tsv", readYAML, yamlDocuments)
		write(os.Args[1], "config_toml.tsv", readTOML, tomlDocuments)
		return
	}
	for _, name := range os.Args[1:] {
		text, err := os.ReadFile(name)
		if err != nil {
			panic(err)
		}
		read := readYAML
		if filepath.Ext(name) == ".toml" {
			read = readTOML
		}
		kind, value := result(read, string(text))
		fmt.Printf("%s\t%s\t%s\n", name, kind, escape(value))
	}
}
