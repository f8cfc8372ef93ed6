// Rewrites tests/go/cel.tsv: what the library that KrakenD evaluates expressions with says of each expression there.
// In a module that requires github.com/google/cel-go v0.26.1: go run gen_cel.go <cel.tsv >new.tsv
//
// Columns: expression; OK, SYNTAX or CHECK; the type of what is OK, the text of what is not. Bytes outside of printable
// ASCII, and backslashes, as \xNN. The variables are those that src/lang/cel/test_cel.c declares.
//
//go:build ignore

package main

import (
	"bufio"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/google/cel-go/cel"
)

func put(s string) string {
	var b strings.Builder
	for _, c := range []byte(s) {
		if c < ' ' || c > '~' || c == '\\' {
			fmt.Fprintf(&b, `\x%02x`, c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

func get(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' {
			b.WriteByte(s[i])
			continue
		}
		v, err := strconv.ParseUint(s[i+2:i+4], 16, 8)
		if err != nil {
			panic(s)
		}
		b.WriteByte(byte(v))
		i += 3
	}
	return b.String()
}

func main() {
	env, err := cel.NewEnv(
		cel.Variable("s", cel.StringType), cel.Variable("b", cel.BoolType), cel.Variable("i", cel.IntType),
		cel.Variable("u", cel.UintType), cel.Variable("f", cel.DoubleType), cel.Variable("y", cel.BytesType),
		cel.Variable("d", cel.DynType), cel.Variable("t", cel.TimestampType), cel.Variable("r", cel.DurationType),
		cel.Variable("l", cel.ListType(cel.DynType)), cel.Variable("m", cel.MapType(cel.StringType, cel.StringType)),
		cel.Variable("ml", cel.MapType(cel.StringType, cel.ListType(cel.StringType))),
		cel.Variable("md", cel.MapType(cel.StringType, cel.DynType)), cel.Variable("q.v", cel.IntType))
	if err != nil {
		panic(err)
	}
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(nil, 1<<20)
	for in.Scan() {
		expression := get(strings.SplitN(in.Text(), "\t", 2)[0])
		outcome, text := "OK", ""
		if ast, issues := env.Parse(expression); issues.Err() != nil {
			outcome, text = "SYNTAX", issues.Err().Error()
		} else if checked, issues := env.Check(ast); issues.Err() != nil {
			outcome, text = "CHECK", issues.Err().Error()
		} else {
			text = cel.FormatCELType(checked.OutputType())
		}
		fmt.Printf("%s\t%s\t%s\n", put(expression), outcome, put(text))
	}
}
