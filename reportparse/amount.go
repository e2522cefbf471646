package reportparse

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"

	"github.com/shopspring/decimal"
)

// Amount is a number as a report writes it: exact, with the decimals it was
// written with, and absent where the cell is blank or the column is not there.
// The zero value is absent, which is not zero. It takes no memory of its own,
// so that files of a million amounts can be read and added up without garbage;
// [Amount.Decimal] makes the number that money is reckoned with.
type Amount struct {
	units    int64 // of the last decimal
	decimals uint8
	valid    bool
}

// maxDecimals is what an int64 has room for.
const maxDecimals = 18

// NewAmount is units × 10^-decimals: NewAmount(635, 2) is 6.35. Decimals beyond
// 18 make an absent amount.
func NewAmount(units int64, decimals uint8) Amount {
	if decimals > maxDecimals {
		return Amount{}
	}
	return Amount{units, decimals, true}
}

// Valid tells whether there is an amount.
func (a Amount) Valid() bool { return a.valid }

// Units is the number as [NewAmount] takes it, to reckon with integers: 6.35 is
// 635 and 2. Both are zero if there is none.
func (a Amount) Units() (units int64, decimals uint8) { return a.units, a.decimals }

// Decimal is the number; zero if there is none.
func (a Amount) Decimal() decimal.Decimal { return decimal.New(a.units, -int32(a.decimals)) }

// NullDecimal is the number; not valid if there is none.
func (a Amount) NullDecimal() decimal.NullDecimal {
	return decimal.NullDecimal{Decimal: a.Decimal(), Valid: a.valid}
}

// Equal tells whether both are the same number, however many decimals they are
// written with, or both absent.
func (a Amount) Equal(b Amount) bool {
	return a.valid == b.valid && (a == b || a.Decimal().Equal(b.Decimal()))
}

// String writes the number with a point and the decimals it came with, as in
// "-60.00"; "" if there is none.
func (a Amount) String() string { return string(a.append(nil)) }

func (a Amount) append(b []byte) []byte {
	if !a.valid {
		return b
	}
	if a.units < 0 {
		b = append(b, '-')
	}
	digits := strconv.FormatUint(magnitude(a.units), 10)
	if lead := int(a.decimals) + 1 - len(digits); lead > 0 {
		digits = strings.Repeat("0", lead) + digits
	}
	point := len(digits) - int(a.decimals)
	b = append(b, digits[:point]...)
	if a.decimals > 0 {
		b = append(append(b, '.'), digits[point:]...)
	}
	return b
}

func magnitude(n int64) uint64 {
	if n < 0 {
		return -uint64(n)
	}
	return uint64(n)
}

// MarshalJSON writes the number as text, as in "-60.00", for JSON's own numbers
// are floats to many readers; null if there is none.
func (a Amount) MarshalJSON() ([]byte, error) {
	if !a.valid {
		return []byte("null"), nil
	}
	return append(a.append([]byte{'"'}), '"'), nil
}

// UnmarshalJSON reads what MarshalJSON writes, and plain numbers without an
// exponent.
func (a *Amount) UnmarshalJSON(b []byte) error {
	if string(b) == "null" {
		*a = Amount{}
		return nil
	}
	d, err := decimal.NewFromString(string(bytes.Trim(b, `"`)))
	if err != nil {
		return fmt.Errorf("amount %s: expected a number as text, such as \"12.50\": %w", clip(string(b)), err)
	}
	if bytes.ContainsAny(b, "eE") || d.Exponent() < -maxDecimals || !d.Coefficient().IsInt64() {
		return fmt.Errorf("amount %s: expected at most %d digits and no exponent", clip(string(b)), maxDecimals)
	}
	*a = NewAmount(d.Coefficient().Int64(), uint8(-d.Exponent()))
	return nil
}
