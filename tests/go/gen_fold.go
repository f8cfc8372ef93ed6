// Prints src/gateway/router_fold_table.inc: how Go's unicode package lowers, raises and folds every rune, as runs.
//
//	go run tests/go/gen_fold.go | clang-format --assume-filename=x.h > src/gateway/router_fold_table.inc
//
//go:build ignore

package main

import (
	"fmt"
	"unicode"
)

type run struct {
	first, last, step, delta int32
}

// fold gives one representative, the smallest, for all runes that strings.EqualFold takes for the same.
func fold(r rune) rune {
	least := r
	for next := unicode.SimpleFold(r); next != r; next = unicode.SimpleFold(next) {
		least = min(least, next)
	}
	return least
}

func runs(f func(rune) rune) []run {
	var out []run
	for r := rune(0); r <= unicode.MaxRune; r++ {
		delta := f(r) - r
		if delta == 0 {
			continue
		}
		if n := len(out); n > 0 && out[n-1].delta == delta {
			last := &out[n-1]
			if last.first == last.last && r-last.last <= 2 {
				last.step, last.last = r-last.last, r
				continue
			}
			if r-last.last == last.step {
				last.last = r
				continue
			}
		}
		out = append(out, run{r, r, 1, delta})
	}
	return out
}

func show(name, about string, list []run) {
	fmt.Printf("/* %s */\nstatic const fold_run %s[] = {\n", about, name)
	for i, r := range list {
		fmt.Printf("{0x%X, 0x%X, %d, %d},", r.first, r.last, r.step, r.delta)
		if i%6 == 5 {
			fmt.Println()
		}
	}
	fmt.Print("};\n\n")
}

func main() {
	fmt.Printf("/* Simple case mappings of Unicode %s, printed by tests/go/gen_fold.go: runs of runes, every `step`-th from\n"+
		" * `first` to `last`, that differ from their mapping by `delta`. Sorted, without overlap. */\n\n", unicode.Version)
	show("to_lower", "unicode.ToLower", runs(unicode.ToLower))
	show("to_upper", "unicode.ToUpper", runs(unicode.ToUpper))
	show("to_least", "the smallest rune of the same unicode.SimpleFold orbit", runs(fold))
}
