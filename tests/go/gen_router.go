// Prints tests/go/router.txt: what gin 1.12, configured as KrakenD configures it, answers for random sets of routes and
// random paths. To run it, put it into a module that requires github.com/gin-gonic/gin v1.12.0:
//
//	go run gen_router.go -seed 20 -sets 250 -asks 22 > router.txt
//
// Lines of words separated by one space; bytes outside letters, digits and "/:*._-~" as %XX; "-" is an absent word:
//
//	S <options>                  a new set; t f m e: trailing slash, fixed path, 405, extra slash
//	R <method> <path>            a route; numbered from 0
//	E <text>                     the route before panics with this text; the set ends
//	Q <method> <path> <prefix> <query> <mark> <answer> <name=value>...
//
// The answer is F<number>, P<location> (with its status: P301:/x), A<allow> or N. The mark is "-" where gin's own answer
// stands. "L" is a redirect that leads back to the path itself, at once or over other redirects, and to no route between: here
// stands the route that a search of all routes finds, else 405 or 404. "A" is an Allow list that gin spoils with what the lookup before left behind: here stands the clean
// one. "O" is a Location that begins with two slashes, which browsers take for a host: here it is cleaned.
//
//go:build ignore

package main

import (
	"bufio"
	"flag"
	"fmt"
	"math/rand"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path"
	"strings"

	"github.com/gin-gonic/gin"
)

type route struct{ method, path string }

type answer struct {
	kind   string
	params []gin.Param
}

var (
	rng      *rand.Rand
	out      = bufio.NewWriter(os.Stdout)
	methods  = []string{"GET", "GET", "GET", "GET", "POST", "PUT", "DELETE", "CONNECT"}
	literals = []string{"a", "b", "ab", "abc", "abd", "foo", "fob", "Foo", "New", "x1", "ü", "Ü", "ü1", "日本", "straße",
		"kelvin", "ſet", "é", "è", "a.b", "v\\:1", "aé", "aè", "-", "f~"}
	names = []string{":x", ":y", ":id", ":x"}
	noise = []string{"%", "?", "#", " ", "é", "É", "\xff", "\u212a", "ſ", "S", "!", "'", "(", "[", ";", "&", "=", "\\", ":", "\x01"}
)

func pick(from []string) string { return from[rng.Intn(len(from))] }
func chance(percent int) bool   { return rng.Intn(100) < percent }

func word(s string) string {
	if s == "" {
		return "%"
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || strings.IndexByte("/:*._~", c) >= 0 ||
			c == '-' && len(s) > 1 {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

func randomRoute(vocabulary []string, odd bool) string {
	if chance(2) {
		return "/"
	}
	var b strings.Builder
	for n := 1 + rng.Intn(4); n > 0; n-- {
		b.WriteByte('/')
		switch k := rng.Intn(100); {
		case k < 38:
			b.WriteString(pick(names))
		case k < 44:
			b.WriteString(pick(vocabulary) + pick(names))
		case odd && k < 50:
			b.WriteString(pick([]string{":", "*", "a\\b", ":a:b", "*a*b", "a\\", "*z", ".", "..", ""}))
		default:
			b.WriteString(pick(vocabulary))
		}
	}
	switch k := rng.Intn(100); {
	case k < 8:
		b.WriteString("/*rest")
	case k < 20:
		b.WriteByte('/')
	}
	return b.String()
}

func mutate(p string) string {
	for n := rng.Intn(3); n > 0; n-- {
		at := rng.Intn(len(p) + 1)
		switch rng.Intn(11) {
		case 0:
			p = strings.ToUpper(p)
		case 1:
			p = strings.ToLower(p)
		case 2:
			p += "/"
		case 3:
			p = strings.TrimSuffix(p, "/")
		case 4:
			p = p[:at] + "/" + p[at:]
		case 5:
			p = p[:at] + pick(noise) + p[at:]
		case 6:
			p = strings.Replace(p, "/", pick([]string{"/./", "/../", "//", "/z/../", "/..", "/."}), 1+rng.Intn(2))
		case 7:
			if at < len(p) {
				p = p[:at] + p[at+1:]
			}
		case 8:
			p = p[:at]
		case 9:
			p = strings.Title(strings.ToLower(p)) //nolint
		case 10:
			p += pick([]string{"/.", "/..", "/a", "/foo/", "//"})
		}
	}
	if !strings.HasPrefix(p, "/") {
		p = "/" + p
	}
	return p
}

func randomPath(routes []route, vocabulary []string) string {
	if chance(15) {
		return mutate(randomRoute(vocabulary, true))
	}
	segments := strings.Split(routes[rng.Intn(len(routes))].path, "/")
	for i, s := range segments {
		if at := strings.IndexAny(s, ":*"); at >= 0 && !strings.Contains(s, "\\") {
			segments[i] = s[:at] + pick([]string{"7", "Val", "", pick(vocabulary), "a%2Fb", pick(vocabulary)})
		}
		segments[i] = strings.ReplaceAll(segments[i], "\\:", ":")
		if chance(12) {
			segments[i] = pick(vocabulary)
		}
	}
	return mutate(strings.Join(segments, "/"))
}

var seen answer

func build(routes []route, options string) (e *gin.Engine, text string) {
	defer func() {
		if r := recover(); r != nil {
			e, text = nil, fmt.Sprint(r)
		}
	}()
	e = gin.New()
	e.RedirectTrailingSlash = strings.Contains(options, "t")
	e.RedirectFixedPath = strings.Contains(options, "f")
	e.HandleMethodNotAllowed = strings.Contains(options, "m")
	e.RemoveExtraSlash = strings.Contains(options, "e")
	note := func(kind string) gin.HandlerFunc {
		return func(c *gin.Context) { seen = answer{kind, append([]gin.Param{}, c.Params...)} }
	}
	e.NoRoute(note("N"))
	e.NoMethod(note("A"))
	for i, r := range routes {
		e.Handle(r.method, r.path, note(fmt.Sprintf("F%d", i)))
	}
	// gin sizes its stack of skipped nodes by the slashes of the longest route and fails when it is too small.
	e.Handle("PADDING", strings.Repeat("/padding", 40), note("F"))
	return e, ""
}

func ask(e *gin.Engine, method, p, prefix, query string) (answer, string) {
	r := httptest.NewRequest(method, "/", nil)
	r.URL = &url.URL{Path: p}
	if query != "-" {
		r.URL.RawQuery, r.URL.ForceQuery = query, query == ""
	}
	if prefix != "-" {
		r.Header.Set("X-Forwarded-Prefix", prefix)
	}
	w := httptest.NewRecorder()
	seen = answer{}
	e.ServeHTTP(w, r)
	location := w.Header().Get("Location")
	switch {
	case w.Code == 301 || w.Code == 307:
		seen.kind = fmt.Sprintf("P%d:%s", w.Code, location)
	case seen.kind == "A":
		seen.kind += w.Header().Get("Allow")
	}
	return seen, location
}

// matches tells how a route takes a path: one letter for each byte, l for text, p for a parameter.
func matches(pattern, p string) (string, []gin.Param, bool) {
	var how strings.Builder
	var params []gin.Param
	for i := 0; i < len(pattern); {
		switch c := pattern[i]; {
		case c == ':' || c == '*':
			name := pattern[i+1:]
			value := p
			if c == ':' {
				name, _, _ = strings.Cut(name, "/")
				value, _, _ = strings.Cut(p, "/")
				if p == "" {
					return "", nil, false
				}
			} else {
				return "", nil, false // handled with its slash
			}
			i += 1 + len(name)
			params = append(params, gin.Param{Key: name, Value: value})
			how.WriteString(strings.Repeat("p", max(len(value), 1)))
			p = p[len(value):]
		case c == '/' && i+1 < len(pattern) && pattern[i+1] == '*':
			if !strings.HasPrefix(p, "/") {
				return "", nil, false
			}
			how.WriteString(strings.Repeat("p", len(p)))
			return how.String(), append(params, gin.Param{Key: pattern[i+2:], Value: p}), true
		default:
			if c == '\\' {
				i++
				c = ':'
			}
			if p == "" || p[0] != c {
				return "", nil, false
			}
			how.WriteByte('l')
			p, i = p[1:], i+1
		}
	}
	return how.String(), params, p == ""
}

func search(routes []route, method, p string) (answer, bool) {
	best, how := answer{}, ""
	for i, r := range routes {
		if r.method != method {
			continue
		}
		if h, params, ok := matches(r.path, p); ok && (how == "" || h < how) {
			best, how = answer{fmt.Sprintf("F%d", i), params}, h
		}
	}
	return best, how != ""
}

// others gives the clean Allow list: each method is asked alone.
func others(routes []route, method, p, options string) string {
	var allow []string
	asked := map[string]bool{method: true}
	for _, r := range routes {
		if asked[r.method] {
			continue
		}
		asked[r.method] = true
		var alone []route
		for _, other := range routes {
			if other.method == r.method {
				alone = append(alone, other)
			}
		}
		e, _ := build(alone, strings.Trim(options, "tfm"))
		if a, _ := ask(e, r.method, p, "-", "-"); strings.HasPrefix(a.kind, "F") {
			allow = append(allow, r.method)
		}
	}
	return strings.Join(allow, ", ")
}

func cleaned(p string) string {
	c := path.Clean(p)
	if strings.HasSuffix(p, "/") && c != "/" {
		c += "/"
	}
	return c
}

// goesRound follows gin's redirects: do they lead back, and is there a route at a place between?
func goesRound(e *gin.Engine, routes []route, method, p string) (circle, reaches bool) {
	at := p
	for hop := 0; hop < 4; hop++ {
		a, location := ask(e, method, at, "-", "-")
		if !strings.HasPrefix(a.kind, "P") {
			return false, false
		}
		target, _ := url.PathUnescape(location)
		if at = cleaned(target); at == p {
			return true, reaches
		}
		_, ok := search(routes, method, at)
		reaches = reaches || ok
	}
	return false, false
}

func show(method, p, prefix, query, mark string, a answer) {
	fmt.Fprintf(out, "Q %s %s %s %s %s %s", method, word(p), optional(prefix), optional(query), mark, word(a.kind))
	for _, param := range a.params {
		fmt.Fprintf(out, " %s=%s", word(param.Key), word(param.Value))
	}
	fmt.Fprintln(out)
}

func optional(s string) string {
	if s == "-" {
		return s
	}
	return word(s)
}

func judge(e *gin.Engine, routes []route, options, method, p, prefix, query string) {
	a, location := ask(e, method, p, prefix, query)
	mark := "-"
	fallThrough := strings.HasPrefix(a.kind, "A") || a.kind == "N"
	if strings.HasPrefix(a.kind, "P") {
		if circle, reaches := goesRound(e, routes, method, p); circle {
			if found, ok := search(routes, method, p); ok {
				show(method, p, prefix, query, "L", found)
				return
			}
			if !reaches {
				// The parameters of a failed lookup are not to be had from gin when it redirects.
				mark, fallThrough, a = "L", true, answer{"N", []gin.Param{{Key: "?", Value: "?"}}}
			}
		}
		if strings.HasPrefix(location, "//") && mark == "-" {
			mark = "O"
			path, rest, found := strings.Cut(location, "?")
			if found {
				rest = "?" + rest
			}
			a.kind = a.kind[:5] + cleaned(path) + rest
		}
	}
	if fallThrough && strings.Contains(options, "m") {
		clean := "N"
		if allow := others(routes, method, p, options); allow != "" {
			clean = "A" + allow
		}
		if clean != a.kind && mark == "-" {
			mark = "A"
		}
		a.kind = clean
	}
	show(method, p, prefix, query, mark, a)
}

func set(asks int) {
	options := ""
	for _, o := range "tfm" {
		if chance(85) {
			options += string(o)
		}
	}
	if chance(15) {
		options += "e"
	}
	var vocabulary []string
	for n := 2 + rng.Intn(6); n > 0; n-- {
		vocabulary = append(vocabulary, pick(literals))
	}
	fmt.Fprintf(out, "S %s-\n", options)
	panics := chance(25)
	var routes []route
	for n := 2 + rng.Intn(14); n > 0; n-- {
		r := route{pick(methods), randomRoute(vocabulary, panics)}
		e, text := build(append(routes[:len(routes):len(routes)], r), options)
		if e == nil && !panics {
			continue
		}
		fmt.Fprintf(out, "R %s %s\n", r.method, word(r.path))
		if e == nil {
			fmt.Fprintf(out, "E %s\n", word(text))
			return
		}
		routes = append(routes, r)
	}
	if panics || len(routes) == 0 {
		return
	}
	e, _ := build(routes, options)
	for ; asks > 0; asks-- {
		prefix, query := "-", "-"
		if chance(15) {
			prefix = pick([]string{"", "/", "/p", "p", "/a//b<script>/../c_d", "..", "//h", "/é/x-1/", ".", "<>"})
		}
		if chance(15) {
			query = pick([]string{"", "x=1", "a=/../b//c", "q=<b>&r=\"'", "é=%zz", "?"})
		}
		judge(e, routes, options, pick(methods), randomPath(routes, vocabulary), prefix, query)
	}
}

func main() {
	seed := flag.Int64("seed", 1, "")
	sets := flag.Int("sets", 200, "")
	asks := flag.Int("asks", 20, "")
	flag.Parse()
	gin.SetMode(gin.ReleaseMode)
	gin.DefaultWriter, gin.DefaultErrorWriter = nil, nil
	http.DefaultServeMux = nil
	rng = rand.New(rand.NewSource(*seed))
	for i := 0; i < *sets; i++ {
		set(*asks)
	}
	out.Flush()
}
