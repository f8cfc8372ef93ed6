// Prints tests/go/client_ip.txt: addresses and networks as Go's net package reads them, and client addresses as gin 1.12
// finds them. To run it, put it into a module that requires github.com/gin-gonic/gin v1.12.0.
//
// Lines of words separated by tabs, each a Go string literal:
//
//	I <text> <net.IP.String, or nothing>
//	N <network> <address> <in or out, or nothing when the network is refused>
//	C <peer> <answer> <n: trusted proxies> <proxy>... <header name> <header value>...
//
//go:build ignore

package main

import (
	"bufio"
	"fmt"
	"math/rand"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"

	"github.com/gin-gonic/gin"
)

var (
	rng       = rand.New(rand.NewSource(1))
	out       = bufio.NewWriter(os.Stdout)
	addresses = []string{"1.1.1.1", "10.1.2.3", "10.200.0.1", "127.0.0.1", "192.168.7.255", "::1", "2001:db8::1", "fe80::1",
		"2001:db8:0:0:1:0:0:1", "::ffff:9.9.9.9", "::ffff:10.1.2.3", "1:2:3:4:5:6:7:8", "::", "0.0.0.0", "1::", "a:b::c:0:0:d",
		"2001:db8::1.2.3.4", "1:2:3:4:5:6:1.2.3.4", "0:0:0:0:0:ffff:0102:0304", "255.255.255.255", "0:1:0:1:0:1:0:1"}
	parts = []string{":", "::", ".", "0", "1", "01", "ffff", "FfFf", "12345", "256", "1.2.3.4", "%eth0", " ", "/", "g", "-1", "+1",
		"\u00a0", "\t", "", "1.2.3", "1.2.3.4.5"}
)

func pick(from []string) string { return from[rng.Intn(len(from))] }
func chance(percent int) bool   { return rng.Intn(100) < percent }

func address() string {
	a := pick(addresses)
	for chance(25) {
		at := rng.Intn(len(a) + 1)
		if chance(40) && at < len(a) {
			a = a[:at] + a[at+1:]
		} else {
			a = a[:at] + pick(parts) + a[at:]
		}
	}
	return a
}

func network() string {
	if chance(20) {
		return pick(addresses)
	}
	return address() + "/" + pick([]string{"0", "1", "7", "8", "9", "16", "24", "31", "32", "33", "64", "95", "96", "97", "104",
		"120", "127", "128", "129", "08", "", "x", "+8", "-1", "8/8"})
}

// mappedAlone: gin takes a proxy like ::ffff:1.2.3.4 for the network ::/32, we take it for the address.
func mappedAlone(n string) bool {
	return strings.Contains(n, ":") && net.ParseIP(n).To4() != nil
}

func row(words ...string) {
	for i, w := range words {
		if i > 0 {
			out.WriteByte('\t')
			w = fmt.Sprintf("%q", w)
			w = strings.ReplaceAll(w, "\u00a0", `\u00a0`)
		}
		out.WriteString(w)
	}
	out.WriteByte('\n')
}

func trusts(proxies []string, a string) (string, bool) {
	e := gin.New()
	e.RemoteIPHeaders = []string{"X"}
	if err := e.SetTrustedProxies(proxies); err != nil {
		return "", false
	}
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.RemoteAddr = net.JoinHostPort(a, "1")
	r.Header.Set("X", "4.4.4.4")
	if client(e, r) == "4.4.4.4" {
		return "in", true
	}
	return "out", true
}

func client(e *gin.Engine, r *http.Request) (ip string) {
	e.NoRoute(func(c *gin.Context) { ip = c.ClientIP() })
	e.ServeHTTP(httptest.NewRecorder(), r)
	return ip
}

func list() string {
	var items []string
	for n := 1 + rng.Intn(4); n > 0; n-- {
		item := pick(addresses)
		switch rng.Intn(12) {
		case 0:
			item = address()
		case 1:
			item = ""
		case 2:
			item = " " + item + pick([]string{" ", "\t", "\u00a0", "\u3000"})
		case 3:
			item += pick([]string{":80", "x"})
		}
		items = append(items, item)
	}
	return strings.Join(items, pick([]string{",", ", "}))
}

func ask() {
	var proxies []string
	for n := rng.Intn(4); n > 0; n-- {
		n := network()
		if mappedAlone(n) {
			continue
		}
		proxies = append(proxies, n)
	}
	if chance(20) {
		proxies = []string{"0.0.0.0/0", "::/0"}
	}
	e := gin.New()
	e.SetTrustedProxies(proxies) //nolint
	e.RemoteIPHeaders = []string{"X-Forwarded-For", "X-Real-Ip", "Cf-Connecting-Ip"}
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	peer := pick(addresses)
	if chance(10) {
		peer = address()
	}
	r.RemoteAddr = "[" + peer + "]:1"
	if strings.TrimSpace(peer) != peer || strings.ContainsAny(peer, "%[]") {
		return
	}
	words := []string{"C", peer, "", fmt.Sprint(len(proxies))}
	words = append(words, proxies...)
	for n := rng.Intn(4); n > 0; n-- {
		name, value := pick(append([]string{"Other"}, e.RemoteIPHeaders...)), list()
		r.Header.Add(name, value)
		words = append(words, name, value)
	}
	words[2] = client(e, r)
	row(words...)
}

func main() {
	gin.SetMode(gin.ReleaseMode)
	for i := 0; i < 400; i++ {
		a := address()
		printed := ""
		if ip := net.ParseIP(a); ip != nil {
			printed = ip.String()
		}
		row("I", a, printed)
	}
	for i := 0; i < 400; i++ {
		n, a := network(), pick(addresses)
		if mappedAlone(n) {
			continue
		}
		answer, ok := trusts([]string{n}, a)
		if !ok {
			answer = ""
		}
		row("N", n, a, answer)
	}
	for i := 0; i < 900; i++ {
		ask()
	}
	out.Flush()
}
