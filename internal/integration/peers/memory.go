package main

import (
	"bytes"
	"context"
	"io"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"strconv"

	"github.com/takebackhq/takeback/reportparse"
)

// memory is the most that the process held while it read a settlement that was
// made while it was read, above what it held before.
type memory struct {
	Rows     int   `json:"rows"`
	Bytes    int64 `json:"bytes"`
	Go       int64 `json:"go_above_baseline"`       // what the Go runtime has from the system
	Resident int64 `json:"resident_above_baseline"` // as the system sees it; 0 where it does not tell
}

// memoryGoal is what reading a file of any size may hold.
const memoryGoal = 32 << 20

// peak reads a settlement of some rows, and watches the memory.
func peak(ctx context.Context, rows int) (memory, error) {
	debug.FreeOSMemory()
	baseGo, baseResident := held(), resident()
	in := &counter{in: settlement(rows)}
	m := memory{Rows: rows}
	r, err := reportparse.Settlement(in, reportparse.Options{})
	if err != nil {
		return m, err
	}
	var row reportparse.SettlementRow
	for n := 0; ; n++ {
		if err := r.Next(&row); err == io.EOF {
			m.Bytes = in.read
			return m, nil
		} else if err != nil {
			return m, err
		}
		if n%1000 == 0 {
			m.Go = max(m.Go, held()-baseGo)
		}
		if n%20_000 == 0 {
			if err := ctx.Err(); err != nil {
				return m, err
			}
			m.Resident = max(m.Resident, resident()-baseResident)
		}
	}
}

// held is the memory that the Go runtime has and has not given back.
func held() int64 {
	samples := []metrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
	metrics.Read(samples)
	return int64(samples[0].Value.Uint64() - samples[1].Value.Uint64())
}

// resident is the memory of the process as Linux sees it; 0 elsewhere.
func resident() int64 {
	status, _ := os.ReadFile("/proc/self/status")
	_, rest, _ := bytes.Cut(status, []byte("VmRSS:"))
	words := bytes.Fields(rest)
	if len(words) == 0 {
		return 0
	}
	kilobytes, _ := strconv.ParseInt(string(words[0]), 10, 64)
	return kilobytes << 10
}

// counter counts what is read.
type counter struct {
	in   io.Reader
	read int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.in.Read(p)
	c.read += int64(n)
	return n, err
}
