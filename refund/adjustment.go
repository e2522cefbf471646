package refund

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/takebackhq/takeback/queue"
)

// Adjustment names one line of a refund in one attempt, or one item of a part that
// is cancelled, as the message to Amazon does that offers it.
type Adjustment struct {
	Entry   queue.EntryID // the refund or the cancellation
	Line    int           // its place among the lines, from 0
	Attempt int           // 1 is the first
}

// String is what travels as MerchantAdjustmentItemID, such as "RFABC-1-1": it
// counts lines from 1.
func (a Adjustment) String() string { return fmt.Sprintf("%s-%d-%d", a.Entry, a.Line+1, a.Attempt) }

// ParseAdjustmentID reads an ID that a message carried, as a settlement may give it
// back; false for any other, such as a number of Amazon's.
func ParseAdjustmentID(id string) (Adjustment, bool) {
	parts := strings.Split(id, "-")
	if ours := strings.HasPrefix(id, "RF") || strings.HasPrefix(id, "CN"); !ours || len(parts) != 3 {
		return Adjustment{}, false
	}
	line, bad := strconv.Atoi(parts[1])
	attempt, worse := strconv.Atoi(parts[2])
	a := Adjustment{Entry: queue.EntryID(parts[0]), Line: line - 1, Attempt: attempt}
	return a, bad == nil && worse == nil && line > 0 && attempt > 0 && a.String() == id
}
