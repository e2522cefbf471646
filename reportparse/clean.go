package reportparse

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf8"
)

// Eight bytes at a time, as one number in which the first byte is the lowest.
const (
	ones = 0x0101010101010101
	low7 = 0x7F * ones
	high = 0x80 * ones
)

// word is the beginning of s, with zeros behind its end.
func word(s string) (w uint64) {
	if len(s) >= 8 {
		return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
			uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
	}
	for i := range len(s) {
		w |= uint64(s[i]) << (8 * i)
	}
	return w
}

// zeros has the high bit of each byte of w that is zero.
func zeros(w uint64) uint64 { return ^((w&low7 + low7) | w) & high }

// ascii is how much of b, from its beginning, is ASCII.
func ascii(b []byte) int {
	i := 0
	for ; len(b)-i >= 8; i += 8 {
		if w := binary.LittleEndian.Uint64(b[i:]) & high; w != 0 {
			return i + bits.TrailingZeros64(w)/8
		}
	}
	for i < len(b) && b[i] < utf8.RuneSelf {
		i++
	}
	return i
}

// plain is how much of b, from its beginning, is ASCII without control
// characters.
func plain(b []byte) int {
	i := 0
	for len(b)-i >= 8 {
		w := binary.LittleEndian.Uint64(b[i:])
		// Beyond ASCII or below the space, but no TAB: there is one in most words.
		odd := (w | ^(w&low7 + (0x80-' ')*ones)) & high &^ zeros(w^'\t'*ones)
		if odd == 0 {
			i += 8
			continue
		}
		i += bits.TrailingZeros64(odd) / 8
		if b[i] != '\n' && b[i] != '\r' {
			return i
		}
		i++
	}
	for i < len(b) && b[i] < utf8.RuneSelf && !control(rune(b[i])) {
		i++
	}
	return i
}

// clean is how much of b, from its beginning, is UTF-8 without control
// characters and U+FFFD.
func clean(b []byte) int {
	i := 0
	for {
		i += plain(b[i:])
		r, size := utf8.DecodeRune(b[i:])
		if r == utf8.RuneError || control(r) {
			return i
		}
		i += size
	}
}

// control tells the characters that no cell means, and that XML forbids.
func control(r rune) bool {
	return r < ' ' && r != '\t' && r != '\n' && r != '\r' || r == 0xFFFE || r == 0xFFFF
}
