package report

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxShown bounds a string from outside on a terminal, in runes.
const maxShown = 200

// clean makes s harmless on a terminal: control characters, escape sequences,
// bidirectional controls, invisible characters and broken UTF-8 are spelt out
// as \x1b or \u202e. Trojan Source (CVE-2021-42574) is why the bidirectional
// ones are among them.
func clean(s string) string { return cleanTo(s, maxShown) }

// cleanTo is clean with its own bound on the length.
func cleanTo(s string, most int) string {
	if harmless(s, most) {
		return s
	}
	var b strings.Builder
	runes := 0
	for i := 0; i < len(s); runes++ {
		if runes == most {
			b.WriteRune('…')
			break
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && n == 1:
			b.WriteString(`\x` + hexByte(s[i]))
		case visible(r):
			b.WriteRune(r)
		case r < 0x80:
			b.WriteString(`\x` + hexByte(byte(r)))
		default:
			quoted := strconv.QuoteRuneToASCII(r) // '\u202e'
			b.WriteString(quoted[1 : len(quoted)-1])
		}
		i += n
	}
	return b.String()
}

// harmless reports whether clean has nothing to do, which is nearly always.
func harmless(s string, most int) bool {
	if !utf8.ValidString(s) || utf8.RuneCountInString(s) > most {
		return false
	}
	for _, r := range s {
		if !visible(r) {
			return false
		}
	}
	return true
}

// visible reports whether r takes one place, or two, and moves nothing else.
// Combining marks are refused: stacked, they reach into other lines.
func visible(r rune) bool {
	return r == ' ' || unicode.IsPrint(r) && !unicode.Is(unicode.M, r)
}

func hexByte(c byte) string {
	const digits = "0123456789abcdef"
	return string([]byte{digits[c>>4], digits[c&0xf]})
}

// asciiOnly spells the symbols of the report in ASCII (look.md §6), and what
// has no spelling as a question mark.
func asciiOnly(s string) string {
	var b strings.Builder
	for _, r := range s {
		switch {
		case r < 0x80:
			b.WriteRune(r)
		case asciiSpelling[r] != "":
			b.WriteString(asciiSpelling[r])
		default:
			b.WriteByte('?')
		}
	}
	return b.String()
}

var asciiSpelling = map[rune]string{
	'✗': "x", '✓': "ok", '○': "(o)", '●': "o", '─': "-", '▶': ">", '◀': "<", '╌': ".", '│': "|",
	'µ': "u", '…': "...", '–': "-", '≥': ">=", '≤': "<=", '×': "x", '→': ">",
	'▁': ".", '▂': ":", '▃': "-", '▄': "=", '▅': "+", '▆': "*", '▇': "#", '█': "@",
}
