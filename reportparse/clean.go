package reportparse

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf8"
)

// ascii is how much of b, from its beginning, is ASCII.
func ascii(b []byte) int {
	i := 0
	for i < len(b) && b[i] < utf8.RuneSelf {
		i++
	}
	return i
}

// cleanASCII is how much of b, from its beginning, is ASCII without control
// characters. It adds where the TABs and the ends of lines are to marks, raised
// by base: the one look at every byte of a file serves to cut it up, too.
func cleanASCII(b []byte, base int, marks []int32) (int, []int32) {
	const (
		ones = 0x0101010101010101 // eight bytes as one number
		high = 0x80 * ones
	)
	i := 0
	for ; len(b)-i >= 8; i += 8 {
		w := binary.LittleEndian.Uint64(b[i:])
		// The high bit of each byte that is below the space or beyond ASCII.
		odd := (w | ^(w&^high + (0x80-' ')*ones)) & high
		for ; odd != 0; odd &= odd - 1 {
			at := i + bits.TrailingZeros64(odd)/8
			if !mark(b[at]) {
				return at, marks
			}
			marks = append(marks, int32(base+at))
		}
	}
	for ; i < len(b) && b[i] < utf8.RuneSelf && !control(rune(b[i])); i++ {
		if mark(b[i]) {
			marks = append(marks, int32(base+i))
		}
	}
	return i, marks
}

func mark(c byte) bool { return c == '\t' || c == '\n' || c == '\r' }

// cleanUTF8 is cleanASCII for UTF-8 without control characters and U+FFFD.
func cleanUTF8(b []byte, base int, marks []int32) (n int, _ []int32) {
	for {
		var more int
		more, marks = cleanASCII(b[n:], base+n, marks)
		n += more
		r, size := utf8.DecodeRune(b[n:])
		if r == utf8.RuneError || control(r) {
			return n, marks
		}
		n += size
	}
}

// control tells the characters that no cell means: those that XML forbids, and
// the byte order mark, which stands within a file that was joined of several.
func control(r rune) bool {
	return r < ' ' && r != '\t' && r != '\n' && r != '\r' || r == 0xFEFF || r == 0xFFFE || r == 0xFFFF
}
