// Writes the tables of real Go behaviour that the unit tests of src/text read.
// cd tests/go && go run gen_text.go
//
// A line is a case, its fields separated by tabs; bytes outside the printable ASCII range, and the backslash, are \xNN.
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io"
	"math"
	"math/rand"
	"net/http"
	"net/textproto"
	"net/url"
	"os"
	"path"
	"strconv"
	"strings"
	"time"
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
	w    *bufio.Writer
	seen map[string]bool
}

func create(name string) *table {
	f, err := os.Create(name)
	if err != nil {
		panic(err)
	}
	return &table{f, bufio.NewWriter(f), map[string]bool{}}
}

func (t *table) row(fields ...string) {
	for i, f := range fields {
		fields[i] = escape(f)
	}
	line := strings.Join(fields, "\t")
	if !t.seen[line] {
		t.seen[line] = true
		fmt.Fprintln(t.w, line)
	}
}

func (t *table) close() {
	t.w.Flush()
	t.file.Close()
}

// A few changes to a seed, out of the bytes that matter.
func mutate(seeds []string, alphabet string, n int) []string {
	out := append([]string{}, seeds...)
	for range n {
		b := []byte(seeds[random.Intn(len(seeds))])
		for range 1 + random.Intn(3) {
			at := random.Intn(len(b) + 1)
			c := alphabet[random.Intn(len(alphabet))]
			switch {
			case random.Intn(3) == 0 && at < len(b):
				b = append(b[:at], b[at+1:]...)
			case random.Intn(2) == 0 && at < len(b):
				b[at] = c
			default:
				b = append(b[:at], append([]byte{c}, b[at:]...)...)
			}
		}
		out = append(out, string(b))
	}
	return out
}

func result(err error) string {
	if err == nil {
		return "ok"
	}
	return err.Error()
}

func urls() {
	t := create("url_escape.tsv")
	for c := range 256 {
		s := string([]byte{byte(c)})
		t.row(s, url.QueryEscape(s), url.PathEscape(s), (&url.URL{Path: "/" + s}).EscapedPath()[1:])
	}
	seeds := []string{"", "a b", "é/ü", "a%20b", "%", "%z", "%zz", "%4", "%41%5a", "100%", "a+b", "%2f%2F", "\xff\x00", "a%00b", "~-_.!*'()"}
	for _, s := range mutate(seeds, "%4aA+ z/\x80", 200) {
		t.row(s, url.QueryEscape(s), url.PathEscape(s), (&url.URL{Path: "/" + s}).EscapedPath()[1:])
	}
	t.close()

	t = create("url_unescape.tsv")
	for _, s := range mutate(seeds, "%4aA+ z/\x80", 300) {
		q, qe := url.QueryUnescape(s)
		p, pe := url.PathUnescape(s)
		t.row(s, result(qe), q, result(pe), p)
	}
	t.close()

	t = create("url_query.tsv")
	seeds = []string{"", "a=1", "b=2&a=1&b=1", "a;b=1&c=2", "&&a&", "=v", "a=%zz&b=%41", "a+b=c+d", "d", "a=b=c", "%26=%3d&z", "x=1&X=2&%78=3", "é=ü", "a=%e9", "a[]=1&a[]=2", "a=&a=2&a"}
	for _, s := range mutate(seeds, "&=;%4+ab1\xc3", 400) {
		v, _ := url.ParseQuery(s)
		t.row(s, v.Encode())
	}
	for _, n := range []int{10, 17, 33, 100, 500} {
		items := []string{}
		for range n {
			items = append(items, fmt.Sprintf("k%d=%d", random.Intn(n/3+1), random.Intn(1000)))
		}
		s := strings.Join(items, "&")
		v, _ := url.ParseQuery(s)
		t.row(s, v.Encode())
	}
	t.close()

	t = create("url_path.tsv")
	seeds = []string{"/", "", "/a(b)", "/a(b) c", "/a%2fb", "/é", "/%c3%a9", "/a[b]", "/x/..", "/map[d:deep]", "/map[k:v n:map[d:deep]]", "/{{.X}}", "/a;b,c@d:e", "/%3Cnil%3E", "/a\"b", "/!$&'()*+,;=:@", "/a%zz", "/%", "/a%2", "/~_-."}
	for _, s := range mutate(seeds, "%2F()[] {}\"<>é!*", 300) {
		s = strings.ReplaceAll(strings.ReplaceAll(s, "?", ""), "#", "")
		if u, err := url.Parse("http://h/" + s); err != nil {
			t.row("/"+s, result(errors.Unwrap(err)), "")
		} else {
			t.row("/"+s, "ok", u.EscapedPath())
		}
	}
	t.close()

	hosts := []string{"http://h", "http://h:80/", "https://u:p@h/x?y=1#f", "http://u@h", "http://:p@h", "http://@h/", "http://u%40:p%3a@h", "http://[::1]:80/a", "http://[fe80::1%25en0]/", "http://[fe80::1%25%41]/", "http://[1.2.3.4]/", "http://[::ffff:1.2.3.4]/", "http://[1:2:3:4:5:6:7:8]/", "http://[1::2::3]/", "http://[]", "http://[::1", "http://h:8a/", "http://h:/", "http://a:b:80/", "redis://a:1,b:2/", "http://h%41/", "http://h%e9/", "http://h /", "http://é/", "mailto:a@b", "127.0.0.1:80/b", "http://h/a%zz", "\x01", "http://h/\x7f", ":x", "1http://h", "HTTP://H/p", "//h/p", "///p", "/p?q", "/p?", "?", "?a=b", "", "*", "a/b:c", "a:b/c", "http:/p", "http:///p", "http:p", "http://h?x", "http://h#f", "http://h/#%zz", "http://h/a b", "http://h/?a b", "http://h//x//y", "http://h/a?b?c", "http://h??", "http://u%zz@h", "http://u:%4:x@h", "http://u%4:p@h", "http://u\x80@h", "http://u^@h/", "http://[::%25]/", "http://[:::]/", "http://[12345::]/", "http://[::1.2.3]/", "http://[::1.2.3.256]/", "http://[::01.2.3.4]/", "http://[1:2:3:4:5:6:7:8::]/", "http://[1:2:3:4:5:6:7]/", "http://[1:2]/", "http://[::g]/", "http://[1%25]/", "http://[::1]x/", "http://a[::1]/", "http://[1:2:3:4:5:6:7:8:9]/", "http://[1:2:3:4:5:6:7:1.2.3.4]/", "http://[1.2.3:4]/", "http://[::1.2..3]/", "http://[1:]/", "http://[::1:]/", "http://[::1%]/", "file:///etc/x", "http://h:80:90", "ftp://a:b:c/", "http://<h>/", "http://h\"/", "http://h`/", "http://h%25/", "http://[a]:1]:80/"}
	alphabet := ":/?#[]@%25aG.1 \x80"
	t = create("url_parse.tsv")
	for _, s := range mutate(hosts, alphabet, 1500) {
		u, err := url.Parse(s)
		if err != nil {
			t.row(s, err.Error())
			continue
		}
		userinfo, has := "", "no"
		if u.User != nil {
			has = "user"
			userinfo = u.User.Username()
			if p, ok := u.User.Password(); ok {
				userinfo += ":" + p
			}
		}
		if u.ForceQuery || u.RawQuery != "" {
			has += "+query"
		}
		t.row(s, "ok", u.Scheme, has, userinfo, u.Host, u.Opaque+u.EscapedPath(), u.RawQuery)
	}
	t.close()

	t = create("url_resolve.tsv")
	bases := []string{"http://a/b/c/d;p?q", "http://h", "http://h/", "http://u:p@h/x/y?z", "https://[::1]:8/a/b/", "http://h/a%2fb/c d?x", "http://h/../a", "mailto:x", "http://u@h"}
	refs := []string{"g:h", "g", "./g", "g/", "/g", "//g", "?y", "g?y", "#s", "g#s", "g?y#s", ";x", "g;x", "", ".", "./", "..", "../", "../g", "../..", "../../", "../../g", "../../../g", "/./g", "/../g", "g.", ".g", "g..", "..g", "./../g", "./g/.", "g/./h", "g/../h", "g;x=1/./y", "g;x=1/../y", "http:g", "http://x", "http://x/a/../b", "//u:p@x/", "?", "a b", "é", "%zz", "a:b", "http:/p", "/a%2f..", "*", "mailto:y", "//", "///x", "a//b", "/a/b/../../..", "x/..", "http://h:a/", "/p?a=b?c", "http:", "//[::1%25e]/", "/%2e%2e/x"}
	for _, b := range bases {
		base, err := url.Parse(b)
		if err != nil {
			panic(err)
		}
		for _, r := range append(append([]string{}, refs...), mutate(refs, "./?#:@%a ", 60)...) {
			u, err := base.Parse(r)
			if err != nil {
				t.row(b, r, err.Error())
				continue
			}
			u.Fragment, u.RawFragment = "", ""
			t.row(b, r, "ok", u.String())
		}
	}
	t.close()
}

func paths() {
	t := create("path.tsv")
	seeds := []string{"", "/", ".", "..", "a", "/a", "a/", "/a/", "a/b", "//", "///a//b//", "/./a", "/../a", "a/..", "a/../..", "../a", "../../a/..", "/a/./b/../c", "/.../a", "..a/b", "a..", "/a/b/..", "/a/..", "./a", "a/./", "../", "/..", "/:id/*x", "//a", "a//"}
	for _, s := range mutate(seeds, "/.ab", 400) {
		joined := "/"
		if s != "" {
			joined = path.Join("/", s)
			if s[len(s)-1] == '/' && joined[len(joined)-1] != '/' {
				joined += "/"
			}
		}
		t.row(s, path.Clean(s), joined)
	}
	t.close()
}

func durations() {
	t := create("duration_parse.tsv")
	seeds := []string{"", "0", "+0", "-0", "00", "0.", ".", "1", "1s", "-1s", "+1s", "1.5h", ".5s", "1.s", "1h2m3.5s", "1us", "1µs", "1μs", "3000h", "9223372036854775807ns", "9223372036854775808ns", "-9223372036854775808ns", "-9223372036854775809ns", "2562047h47m16.854775807s", "2562047h47m16.854775808s", "1d", "1 s", "s", "-", "+", "1e3s", "0.333333333333333333333h", "1.0000000000000000000000001s", "1ms1ms", "--1s", "1sx", "1S", "0.9223372036854775807h", "1m0.5s", "9007199254740993ns", "0.1ns", "0.9ns", "1.9ns", "1h1", "1..5s", "100000000000000000000ns", "1,5s", "0x1s", "1s ", " 1s", "١s", "1\xb5s", "2540400h10m10s", "0.100000000000000000000h", "0.830103483285477580700h"}
	for _, s := range mutate(seeds, "0159.smhnuµ+-", 500) {
		d, err := time.ParseDuration(s)
		what := "ok"
		if err != nil {
			what = err.Error()
			for _, short := range []string{"time: invalid duration", "time: missing unit in duration", "time: unknown unit"} {
				if strings.HasPrefix(what, short) {
					what = short
				}
			}
		}
		t.row(s, what, strconv.FormatInt(int64(d), 10))
	}
	t.close()

	t = create("duration_string.tsv")
	values := []int64{0, 1, 999, 1000, 1001, 1100, 999999, 1000000, 1000001, 1500000, 999999999, 1e9, 1e9 + 1, 59e9, 60e9, 60e9 + 5e8, 3600e9, 3661e9, 1e18, math.MaxInt64, math.MinInt64, math.MinInt64 + 1, 4529, 12345678, 1234567890, 61234567890, 10000, 100000}
	for range 400 {
		values = append(values, random.Int63()>>random.Intn(63))
	}
	for _, v := range values {
		for _, d := range []time.Duration{time.Duration(v), time.Duration(-v)} {
			g := d
			switch {
			case d > time.Minute:
				g = d.Truncate(10 * time.Second)
			case d > time.Second:
				g = d.Truncate(10 * time.Millisecond)
			case d > time.Millisecond:
				g = d.Truncate(10 * time.Microsecond)
			}
			t.row(strconv.FormatInt(int64(d), 10), d.String(), strconv.FormatInt(int64(g), 10))
		}
	}
	t.close()
}

func headers() {
	t := create("header.tsv")
	seeds := []string{"", "x-API-key", "WWW-authenticate", "ETag", "X-KRAKEND", "content-type", "a b", "é", "a:", "-", "--a", "a-", "a_b-c", "1a-2b", "X-\x00", "!#$%&'*+-.^_`|~", "host ", " host", "TE", "x--Y"}
	for c := range 256 {
		seeds = append(seeds, "aB"+string([]byte{byte(c)})+"cD")
	}
	for _, s := range mutate(seeds, "aZ-_ :\x80é", 200) {
		canonical := textproto.CanonicalMIMEHeaderKey(s)
		name, value := "yes", "yes"
		if s == "" || strings.ContainsFunc(s, func(r rune) bool {
			return r >= 0x80 || !(r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || strings.ContainsRune("!#$%&'*+-.^_`|~", r))
		}) {
			name = "no"
		}
		for i := range len(s) {
			if s[i] < 0x20 && s[i] != '\t' || s[i] == 0x7f {
				value = "no"
			}
		}
		t.row(s, canonical, name, value)
	}
	t.close()
}

func numbers() {
	cause := func(err error) string {
		if err == nil {
			return "ok"
		}
		return errors.Unwrap(err).Error()
	}
	t := create("int.tsv")
	seeds := []string{"", "0", "-0", "+1", "1_000", "_1", "1_", "1__0", "0x1F", "0X_1f", "0x", "0x_", "0b101", "0B2", "0o17", "017", "08", "0_7", "0_", "9223372036854775807", "9223372036854775808", "-9223372036854775808", "-9223372036854775809", "18446744073709551616", "99999999999999999999x", "1.5", "1e3", " 1", "1 ", "--1", "+-1", "-", "+", "0xg", "0b", "0o", "x1", "0x8000000000000000", "-0x8000000000000000", "0777777777777777777777", "١"}
	for _, s := range mutate(seeds, "0179_xobefXB+-. ", 500) {
		v, err := strconv.ParseInt(s, 0, 64)
		if err != nil {
			v = 0
		}
		t.row(s, cause(err), strconv.FormatInt(v, 10))
	}
	t.close()

	t = create("float.tsv")
	seeds = []string{"", "0", "-0", "1.5", ".5", "5.", ".", "1e3", "1E+3", "1e-3", "1e", "1e+", "e1", "inf", "+Inf", "-INFINITY", "infinit", "nan", "NaN", "-nan", "+nan", "1e308", "1e309", "-1e400", "1e-400", "4.9e-324", "2.4703282292062327208e-324", "2.4703282292062328e-324", "1.7976931348623158e308", "1.7976931348623159e308", "0x1p4", "0x1.8p0", "0x1", "0x.8p1", "0xp1", "0x1p", "0x1p-1074", "0x1p-1075", "0x1.8p-1075", "0x1p1024", "0x1.fffffffffffff8p1023", "0x1.fffffffffffff7fp1023", "1_000.5", "0x_1p4", "0x1_0p4", "1_e3", "0x1p1_0", "1e1_0", "9007199254740993", "9007199254740992.999999999999999999999999", "9007199254740993.00000000000000000000000000000000000001", "123456789012345678901234567890", "1..2", "1.2.3", " 1", "1 ", "0x1.00000000000008p0", "0x1.000000000000081p0", "0x1.0000000000000800000000000000000000001p0", "infinity1", "1e99999", "1e-99999", "0e99999", "1e10000000000000000000", "00001", "0x00.01p8", "1f", "1d"}
	seeds = append(seeds, "0."+strings.Repeat("0", 900)+"1e900", "9007199254740993."+strings.Repeat("0", 900)+"1", "0x"+strings.Repeat("1", 300)+"p-1100", "0x1.00000000000008"+strings.Repeat("0", 900)+"1p0")
	for _, s := range mutate(seeds, "0159.eEpxXaf_+-in", 800) {
		// Beyond 800 digits before the point Go itself loses the scale; we do not.
		if at := strings.IndexAny(s+"e", ".eE"); at > 790 {
			continue
		}
		v, err := strconv.ParseFloat(s, 64)
		if err != nil {
			v = 0
		}
		if math.IsNaN(v) {
			v = math.NaN()
		}
		t.row(s, cause(err), fmt.Sprintf("%016x", math.Float64bits(v)))
	}
	t.close()

	t = create("bool.tsv")
	for _, s := range []string{"1", "t", "T", "true", "TRUE", "True", "0", "f", "F", "false", "FALSE", "False", "", "yes", "tRUE", "2", "01", " true", "fALSE", "n", "on"} {
		v, err := strconv.ParseBool(s)
		t.row(s, cause(err), strconv.FormatBool(v))
	}
	t.close()
}

func quotes() {
	t := create("quote.tsv")
	for c := range 256 {
		t.row(string([]byte{byte(c)}), strconv.Quote(string([]byte{byte(c)})), html.EscapeString(string([]byte{byte(c)})))
	}
	for r := rune(0x80); r < 0x11000; r++ {
		if r < 0x800 && r%3 == 0 || r%97 == 0 || r >= 0x2000 && r < 0x2070 || r >= 0xfff0 && r < 0x10010 {
			t.row(string(r), strconv.Quote(string(r)), html.EscapeString(string(r)))
		}
	}
	seeds := []string{"", "a\"b\\c", "\xed\xa0\x80", "\xe2\x82", "\xf0\x9f\x98\x80", "\xf4\x90\x80\x80", "\xc0\x80", "\ufffd", "\u2028", "<a href='x'>&\"", "\a\b\f\n\r\t\v\x00\x1b\x7f", "日本語", "\U000e0001", "\U0010ffff", "\xf8\x88\x80\x80\x80", "\u00ad", "\u3000"}
	for _, s := range mutate(seeds, "\x80\xc3\xe2\xf0\x9f\xa9a\"<", 300) {
		t.row(s, strconv.Quote(s), html.EscapeString(s))
	}
	t.close()

	// What encoding/json calls a byte, out of its own error text.
	t = create("json_byte.tsv")
	for c := range 256 {
		var v any
		err := json.Unmarshal([]byte{'{', byte(c)}, &v)
		if err == nil || !strings.HasPrefix(err.Error(), "invalid character ") {
			err = json.Unmarshal([]byte{'f', byte(c)}, &v)
		}
		if name, found := strings.CutPrefix(err.Error(), "invalid character "); found {
			if at := strings.LastIndex(name, "' "); at >= 0 {
				t.row(strconv.Itoa(c), name[:at+1])
			}
		}
	}
	t.close()
}

func sniffs() {
	t := create("sniff.tsv")
	seeds := []string{"", " ", "hello", "{\"a\":1}", "<html>", "<HTML >", "  <html>", "<html", "<htmlx>", "<!DOCTYPE html>", "<!doctype HTML x", "<!--x-->", "<!-- x", "<a >", "<b>", "<body>", "<br>", "<p>x", "<script>", "<title>", "<?xml version", " <?xml", "%PDF-1", "%!PS-Adobe-3", "\xfe\xff\x00a", "\xff\xfea\x00", "\xef\xbb\xbfabc", "\xef\xbb\xbf", "\x00\x00\x01\x00x", "\x00\x00\x02\x00", "BM", "GIF87a", "GIF89a.", "RIFF1234WEBPVP8", "\x89PNG\r\n\x1a\n", "\xff\xd8\xff", "FORM1234AIFF", "ID3", "OggS\x00", "MThd\x00\x00\x00\x06", "RIFF1234AVI ", "RIFF1234WAVE", "\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom", "\x00\x00\x00\x14ftypisom\x00\x00\x00\x00mp41", "\x00\x00\x00\x10ftypisommp41", "\x00\x00\x00\x0cftypmp4x", "\x1a\x45\xdf\xa3", "\x00\x01\x00\x00", "OTTO", "ttcf", "wOFF", "wOF2", "\x1f\x8b\x08", "PK\x03\x04", "Rar!\x1a\x07\x00", "Rar!\x1a\x07\x01\x00", "\x00asm", "\x01\x02", "abc\x00", "abc\x1b", "\xff\xff", "é", "\x0c<html>", "\x0b<html>"}
	seeds = append(seeds, strings.Repeat("\x00", 34)+"LP", strings.Repeat("x", 34)+"LP", strings.Repeat("a", 511)+"\x01", strings.Repeat("a", 512)+"\x01", strings.Repeat(" ", 510)+"<p>", strings.Repeat(" ", 509)+"<p>")
	for _, s := range mutate(seeds, "<>! \x00\x01aA-", 600) {
		t.row(s, http.DetectContentType([]byte(s)))
	}
	t.close()
}

func floats() {
	t := create("float_print.tsv")
	values := []float64{0, math.Copysign(0, -1), 1, -1, 0.1, 100, 123456, 1234567, 1e5, 1e6, 1e20, 1e21, 1e22, 123456789, 1e-4, 1e-5, 1e-6, 1e-7, 0.000001234, 1.5, 42, 16777216, 3.4028235e38, 3.5e38, 1e-45, 1e-46, 5e-324, math.MaxFloat64, math.SmallestNonzeroFloat64, 2.2250738585072014e-308, 9007199254740993, 0.3, 1.0 / 3, math.Pi, math.Inf(1), math.Inf(-1), math.NaN(), 1e300, 1e-300, 1e99, 1e-99, 1e100, 999999.5, 999999, 9.5e20}
	for e := -1074; e < 1024; e++ {
		if e%3 != 0 && (e < -160 || e > 130) {
			continue
		}
		values = append(values, math.Ldexp(1, e))
	}
	for range 400 {
		values = append(values, math.Ldexp(float64(random.Intn(4096)), -random.Intn(40))) // many exact ties
	}
	for range 1000 {
		values = append(values, math.Float64frombits(random.Uint64()))
		values = append(values, math.Round(random.Float64()*1e6)/math.Pow10(random.Intn(8)))
	}
	for _, v := range values {
		if math.IsNaN(v) {
			v = math.NaN()
		}
		j, err := json.Marshal(v)
		if err != nil {
			j = []byte("null") // Go refuses the whole document
		}
		t.row(fmt.Sprintf("%016x", math.Float64bits(v)), string(j), fmt.Sprintf("%v", v), strconv.FormatFloat(v, 'E', -1, 32), strconv.FormatFloat(v, 'f', -1, 64))
	}
	t.close()
}

// A random document, valid but for its mutations.
func document(depth int) string {
	words := []string{"a", "b", "id", "name", "x<y", "a&b", "été", "\\u00e9", "\\n", "\\\"", "\\ud83d\\ude00", "\\ud800", "\\udc00\\ud800", "\u2028", "日本", "", "longer-than-eight", "longer-than-sixteen-bytes", "\\/", "\xff", "\xed\xa0\x80", "\xe2\x82", "\\u0000", "\x7f", "\\b\\f\\t\\r", "\\u2029", "\ufffd", "aa", "ab", "prefix-0", "prefix-1"}
	numbers := []string{"0", "-0", "1", "12", "1.0", "1e3", "-1.5E-7", "1e400", "123456789012345678901234567890", "0.10", "100000000000000000000000000000000.5"}
	switch k := random.Intn(10); {
	case depth > 0 && k < 3:
		n := random.Intn(6)
		if depth == 3 && random.Intn(4) == 0 {
			n = 40
		}
		parts := []string{}
		for i := range n {
			key := words[random.Intn(len(words))]
			if n == 40 && random.Intn(3) > 0 {
				key = fmt.Sprintf("k%d", (i*7)%40)
			}
			parts = append(parts, `"`+key+`":`+document(depth-1))
		}
		return "{" + strings.Join(parts, ", ") + "}"
	case depth > 0 && k < 5:
		parts := []string{}
		for range random.Intn(5) {
			parts = append(parts, document(depth-1))
		}
		return "[" + strings.Join(parts, " ,") + "]"
	case k < 7:
		return `"` + words[random.Intn(len(words))] + words[random.Intn(len(words))] + `"`
	case k < 9:
		return numbers[random.Intn(len(numbers))]
	default:
		return []string{"true", "false", "null"}[random.Intn(3)]
	}
}

func documents() {
	t := create("json.tsv")
	seeds := []string{"", " ", "\n\t ", "null", "nullx", "12 apples", "12apples", "0123", "-", "-0", "1.", "1.e5", "1e", "1e+", "01", "tru", "trux", "nul", "fals", "falsy", "\xef\xbb\xbf{}", "{", "{}", "[]", "[1,2", "[1 2]", "[1,]", "[,1]", "{,}", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{\"a\":1 \"b\":2}", "{1:2}", "\"abc", "\"a\nb\"", "\"a\\qb\"", "\"\\u12g4\"", "\"\\u12", "\"\\ud800\"", "\"\\ud800\\ud800\\udc00\"", "\"\\ud800\\u0041\"", "\"\\udc00\"", "\"\\ud800x\"", "\"\\ud800\\n\"", "\"\xff\xfe\"", "\"\xe2\x82\"", "\"\xed\xa0\x80\"", "\"\xf4\x90\x80\x80\"", "{\"\xff\":1,\"\xfe\":2}", "{\"a\":1,\"a\":2,\"b\":{\"c\":1},\"b\":[]}", "\"\x7f\"", "\"\x00\"", "\x00", "[1]\x00", "{}x", "{\"a\":1}}", "[[[]]]", "]", "}", ":", ",", "'a'", "NaN", "Infinity", "+1", ".5", "\"\\\"", "\"\\", "{\"a\":tru", "[nul]", "[truE]", "[fAlse]", "[nuLl]", "[nulx]", "[1.5.5]", "[1e5e]", "[-a]", "[1.a]", "[1ea]", "/*x*/1", "[1]//", "\"\\u0000\"", "\"\u2028<>&\"", "{\"b\":1,\"a\":2}", "1e400", "[1e400,-1E-400]", "{\"é\":\"\\u00e9\"}", "\xa0", "é", "{\"a\" 1}", "{\"a\":1;}", "[1;2]", "{'a':1}", "{a:1}", "{\"a\":\"b\"\"c\"}", "\"\\ud83d\\ude00\"", "\"\\uD83D\\uDE00\"", "\"\\ud83d\\ude0\"", "true false", "truefalse", "\"a\"\"b\"", "[]]", "{\"a\":[1,{\"b\":null}],\"A\":true}"}
	for _, n := range []int{9999, 10000, 10001, 10005} {
		t.depth(n, "[", "]", "")
		t.depth(n, "{\"a\":", "}", "1")
		t.depth(n, "[", "", "")
	}
	for range 700 {
		if s := document(3); len(s) < 1500 {
			seeds = append(seeds, s)
		}
	}
	for _, s := range mutate(seeds, "{}[]:,\"\\u0e1.-+tfn \n\x00\xff\xe2\x80", 2500) {
		t.document(s)
	}
	t.close()
}

// What a decoder with UseNumber makes of the first value of s: its text as Marshal and as %v print it.
func decode(s string) (string, string, string) {
	d := json.NewDecoder(strings.NewReader(s))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		if err == io.EOF {
			return "EOF", "", ""
		}
		return err.Error(), "", ""
	}
	out, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return "ok", string(out), fmt.Sprintf("%v", v)
}

func (t *table) document(s string) {
	what, out, v := decode(s)
	t.row(s, what, out, v)
}

// n times open, the middle, n times close: only the recipe is written.
func (t *table) depth(n int, open, end, middle string) {
	what, _, _ := decode(strings.Repeat(open, n) + middle + strings.Repeat(end, n))
	t.row("deep", strconv.Itoa(n), open, middle, end, what)
}

func main() {
	urls()
	paths()
	durations()
	headers()
	numbers()
	quotes()
	sniffs()
	floats()
	documents()
}
