// Prints tests/go/regex.tsv: what Go's regexp takes, refuses and finds. Columns: expression, Go's error or empty, text, the
// spans of the first match ("0,3 -,- 1,2") or "-". Bytes outside of printable ASCII, and backslashes, as \xNN.
//
//	go run tests/go/gen_regex.go >tests/go/regex.tsv
//
//go:build ignore

package main

import (
	"fmt"
	"regexp"
	"strings"
)

var refused = []string{
	"(", ")", "a)", "(a", "(a))", "((a)", "[", "[a", "[]a", "[a-", "[z-a]", "[a-\\d]", "[\\d-z]", "[:alpha:]", "[[:word:]]", "[[:foo:]]",
	"[^]", "[]", "[]]", "[^]a]", "\\", "a\\", "\\8", "\\1", "\\07", "\\0", "\\01", "\\c", "\\C", "[\\C]", "\\\\C", "\\QC\\C\\E", "\\y", "\\Z", "\\z", "\\A", "\\G", "\\b",
	"\\x", "\\x4", "\\x41", "\\x{41}", "\\x{110000}", "\\x{10FFFF}", "\\x{", "\\x{g}", "\\u0041", "\\p", "\\pN", "\\p{N}", "\\p{Greek}",
	"\\p{^Greek}", "\\P{Greek}", "\\p{Nope}", "\\pX", "\\p{", "[\\p{Lu}]", "[\\p{Nope}]", "*", "+", "?", "a**", "a*+", "a+*", "a??", "a???", "a+?+",
	"|*", "(*)", "(|+)", "^*", "$*", "x{2}", "x{2,}", "x{2,3}", "x{3,2}", "x{1001}", "x{1000}", "x{,3}", "x{a}", "x{2", "{2}", "x{2}{3}",
	"(x{2}){501}", "(x{100}){10}", "((x{10}){10}){10}", "((x{10}){10}){11}", "(?i)a", "(?i", "(?", "(?:", "(?:a)", "(?i:a)", "(?z)", "(?i-s:a)", "(?-i)A", "(?--i)A",
	"(?i)(?s", "(?s)a.b", "(?m)^a$", "(?U)a+", "(?x)a", "(?P<n>a)", "(?P<n>a)(?P<n>b)", "(?P<n", "(?P<>a)", "(?P<a b>a)", "(?P=n)", "(?P>n)",
	"(?<n>a)", "(?<n>a)(?<m>b)", "(?<n>a)(?<n>b)", "(?<n", "(?<>a)", "(?<=a)b", "(?<!a)b", "(?=a)", "a(?=b)", "a(?!b)", "(?>a)", "(?#c)", "(?R)", "[(?<n>]",
	"\\(?<n>", "\\Q(?<n>\\E", "\\Qa.b", "\\Qab\\E+", "\\E", "a|b", "", "|", "a||b", "(|a)*", "(a|b)*c", "\\d\\D\\w\\W\\s\\S", "[\\d\\s]", "[^\\d]",
	"\\a\\f\\t\\n\\r\\v", "\xff", "a\xffb", "[\xff]", "(?i)\xff", "\\\xff", "é", "[é-ü]", "(?i)É", "(?i)k", "(?i)ſ",
	"\\-", "\\_", "\\ ", "\\é", "\\/", "a{0}", "a{0,0}", "(a{0})*", "$^", "^$", "^", "$", "\\B", "^^a$$", "(((((((((((a)))))))))))", "[[:alpha:]", "[[.a.]]",
	"[[=a=]]", "[a-a]", "[a-b-c]", "[--a]", "[-a]", "[a-]", "[+--]", "[\\-a]", "[\\]]", "[\\x41-\\x43]", "[\\a]", "[\\b]", "[\\Q]", ".*", ".+?", "(?s).", "(?i:a)b",
	"(?:(?:(?:a)))", "a{2}b{3}", "^curl/[0-9.]+$", "(Pingdom.com_bot_version_).*", "(?i)crawler", "(?i)(bot|spider|slurp)", "^(Mozilla|Opera)/\\d",
	"^.*bot", "^\\S+@\\S+$", "(a+)+$", "(a|aa)+$", "(x+x+)+y", "^a|b$", "^^x\\.org$$", "(a*)*", "(a*)+", "(a|b)?c", "\\bword\\b", "[[:^alpha:]]", "[[:digit:]a]",
	"\\p{greek}", "\\p{Letter}+", "\\P{letter}", "\\p{^LETTER}", "[\\p{Decimal_Number}x]", "\\p{ l-u }", "\\p{digit}", "\\p{any}", "\\p{uppercase letter}", "\\p{}", "\\p{^}", "\\Q\\p{Letter}\\E",
	"\\pL+", "\\PL", "[^a-zA-Z]", "(?i)straße", "\\x{1F600}", "[\\x{1F600}-\\x{1F64F}]",
}

var texts = []string{"", "a", "b", "ab", "aab", "xyz", "A", "a.b", "a\nb", "12 ab", "(?<n>a", "curl/7.88.1", "xcurl/7.1", "The CRAWLER", "my Pingdom.com_bot_version_2",
	"Googlebot/2.1", "\xff bot", "bot\x80", "\xf0\x9f\x98\x80", "É", "é", "K", "\u212a", "ſ", "S", "a word.", "www.x.org", "x.org", "aaaaaaaaaaaaaaaaaaaaaaaaaaaab",
	"a\xffb", "\xef\xbf\xbd", "STRASSE", "strasse", "straße", "Mozilla/5.0", "\x00", "\t", "[", "\\C"}

func put(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] < 0x20 || s[i] >= 0x7f || s[i] == '\\' {
			fmt.Fprintf(&b, "\\x%02x", s[i])
		} else {
			b.WriteByte(s[i])
		}
	}
	return b.String()
}

func main() {
	for _, e := range refused {
		r, err := regexp.Compile(e)
		if err != nil {
			fmt.Printf("%s\t%s\n", put(e), put(err.Error()))
			continue
		}
		for _, t := range texts {
			if strings.Contains(e, "\\B") && strings.ContainsFunc(t, func(r rune) bool { return r >= 0x80 }) {
				continue // RE2 lets \B match within the bytes of a rune
			}
			found := r.FindStringSubmatchIndex(strings.ToValidUTF8(t, "\ufffd"))
			if !r.MatchString(t) != (found == nil) {
				panic(e)
			}
			out := make([]string, 0, len(found)/2)
			for i := 0; i < len(found); i += 2 {
				if found[i] < 0 {
					out = append(out, "-,-")
				} else {
					out = append(out, fmt.Sprintf("%d,%d", found[i], found[i+1]))
				}
			}
			if found == nil {
				out = []string{"-"}
			}
			fmt.Printf("%s\t\t%s\t%s\n", put(e), put(t), strings.Join(out, " "))
		}
	}
}
