package main

import (
	"context"
	"time"
)

// timetable is what people do in a part of the day, and when.
type timetable []struct {
	at    time.Time
	name  string // of the step, in JSON
	title string
	do    func(context.Context) error
}

// today is a time of the day; below zero hours, of one before.
func today(hour, minute int) time.Time {
	return time.Date(2026, time.November, 17, hour, minute, 0, 0, time.UTC)
}

// follow lives through a timetable.
func (d *day) follow(ctx context.Context, part string, plan timetable) error {
	d.part(part)
	for _, s := range plan {
		if err := d.until(ctx, s.at); err != nil {
			return err
		}
		d.step(s.name, s.at.Format("15:04")+"  "+s.title)
		if err := s.do(ctx); err != nil {
			return err
		}
	}
	return nil
}

// until lets the host's worker work until a time. It does as Desk.Run does, a step
// whenever one is due, but moves the clock instead of waiting.
func (d *day) until(ctx context.Context, at time.Time) error {
	for {
		next, err := d.desk.Step(ctx)
		if err != nil {
			return err
		}
		now := d.clock.Now()
		if !now.Before(at) {
			return nil
		}
		d.clock.Advance(max(time.Second, min(next.Sub(now), at.Sub(now))))
	}
}
