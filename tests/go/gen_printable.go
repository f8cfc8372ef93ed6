// Writes src/text/go/printable.inc: the runes that Go's strconv.IsPrint holds for printable, as sorted ranges.
// go run tests/go/gen_printable.go > src/text/go/printable.inc
package main

import (
	"fmt"
	"strconv"
	"unicode"
)

func main() {
	fmt.Printf("/* Printable runes from U+0080 on, Unicode %s; written by tests/go/gen_printable.go. */\n", unicode.Version)
	column := 0
	for r := rune(0x80); r <= unicode.MaxRune; r++ {
		if !strconv.IsPrint(r) {
			continue
		}
		first := r
		for r < unicode.MaxRune && strconv.IsPrint(r+1) {
			r++
		}
		text := fmt.Sprintf("{0x%x, 0x%x},", first, r)
		if column+1+len(text) > 119 {
			fmt.Println()
			column = 0
		}
		if column > 0 {
			fmt.Print(" ")
			column++
		}
		fmt.Print(text)
		column += len(text)
	}
	fmt.Println()
}
