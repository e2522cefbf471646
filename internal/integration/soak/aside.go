package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/amazon/amazontest"
	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/refund"
	"github.com/takebackhq/takeback/refund/settlement"
)

// aside is a refund that was made past the library: in Seller Central, where staff
// may record it, or by Amazon.
type aside struct {
	record   refund.Recorded
	by       amazon.Actor
	recorded bool // somebody has begun to
	known    bool // somebody knows that it is recorded
}

// past has a refund made past the library.
func (r *run) past() error {
	o := r.world.host.orders[r.random.IntN(len(r.world.host.orders))]
	if o.Lines[0].Shipped == 0 {
		return nil
	}
	r.figures.Faults++
	// All of ours are of whole ten cents, or of more than a dollar.
	made := &aside{by: amazon.ActorMerchant, record: refund.Recorded{
		Order: o.Amazon, Lines: []refund.RecordedLine{{Item: o.Lines[0].Item, Amounts: order.Amounts{order.Principal: cents(1 + r.random.IntN(9))}}},
		Reference: fmt.Sprintf("case %d", len(r.world.aside)+1), By: "clerk", Why: "made in Seller Central",
	}}
	if r.chance(0.3) {
		made.by = amazon.ActorAmazon
	}
	if r.chance(0.5) {
		made.record.At = r.clock.Add(-time.Minute) // by a clock that may be before all others
	}
	r.tell("refund by %s: %s of order %s", made.by, made.record.Lines[0].Amounts, o.Amazon)
	if err := r.world.fake.Refund(made.by, o.Amazon.Number, o.Lines[0].Item, made.record.Lines[0].Amounts); err != nil {
		return nil //nolint:nilerr // nothing is left of the item, so that Amazon takes no more
	}
	r.world.aside = append(r.world.aside, made)
	return nil
}

// record enters some refund that was made in Seller Central, or one again.
func (r *run) record(ctx context.Context, d desk) error {
	if len(r.world.aside) == 0 {
		return nil
	}
	made := r.world.aside[r.random.IntN(len(r.world.aside))]
	if made.by != amazon.ActorMerchant {
		return nil
	}
	made.recorded = true // perhaps, if this fails; staff see to it in the end
	_, err := d.Refunds.Record(ctx, made.record)
	made.known = made.known || err == nil
	return err
}

// recordRest enters what somebody began to and does not know to be there.
func (r *run) recordRest(ctx context.Context, d desk) error {
	var errs []error
	for _, made := range r.world.aside {
		if made.recorded && !made.known {
			_, err := d.Refunds.Record(ctx, made.record)
			made.known = err == nil
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// approve agrees to what is above its clerk's limit.
func (r *run) approve(ctx context.Context, d desk) error {
	es, err := d.Queue.Entries(ctx, awaitingApproval)
	if err != nil {
		return err
	}
	var errs []error
	for _, e := range es {
		asked, err := d.Refunds.Refund(ctx, e.ID)
		if err == nil {
			_, err = d.Refunds.Approve(ctx, e.ID, asked.Content(), "supervisor", "seen")
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// period is a settlement, of the time since the last one of its account.
type period struct {
	account amazon.Account
	file    amazontest.ReportFile
	meta    amazon.ReportMeta
	tried   bool // by somebody who began to import it
	known   bool // to somebody who has imported it
}

// closePeriod has Amazon settle with an account up to now.
func (r *run) closePeriod(a amazon.Account) error {
	w := r.world
	from, to := w.closed[a.ID], r.clock.Add(w.skew)
	if from.IsZero() {
		from = began.AddDate(0, 0, -30)
	}
	if to.Sub(from) < time.Minute {
		return nil
	}
	file, err := w.fake.Settle(amazontest.Settlement{
		Seller: a.Merchant, Marketplace: marketplace, Start: from, End: to, OwnIDs: r.chance(0.5),
	})
	if err != nil {
		return err
	}
	w.closed[a.ID] = file.End
	w.periods = append(w.periods, &period{account: a, file: file, meta: amazon.ReportMeta{Name: fmt.Sprintf("settlement %d", len(w.periods)+1), AsOf: to}})
	r.tell("Amazon settles with %s up to %s", a.ID, to.Format(told))
	return nil
}

// settle imports some settlement, or one again.
func (r *run) importPeriod(ctx context.Context, d desk) error {
	if len(r.world.periods) == 0 {
		return nil
	}
	return r.importSettlement(ctx, d, r.world.periods[r.random.IntN(len(r.world.periods))])
}

func (r *run) importSettlement(ctx context.Context, d desk, p *period) error {
	p.tried = true
	in, err := d.Settlements.Import(ctx, p.account, settlement.AmazonFormat, p.meta, strings.NewReader(string(p.file.Body)))
	r.tell("  %s of %s: %v, known %d, matched anew %d", p.meta.Name, p.account.ID, in.Bookings, in.Known, in.Rematched)
	p.known = p.known || err == nil
	return err
}

// closeBooks has Amazon settle with everybody, and imports what nobody has.
func (r *run) closeBooks(ctx context.Context, d desk) error {
	r.pass(time.Minute) // what was paid at this very moment is in it too
	var errs []error
	for _, a := range r.world.accounts {
		errs = append(errs, r.closePeriod(a))
	}
	for _, i := range r.random.Perm(len(r.world.periods)) {
		if p := r.world.periods[i]; !p.known {
			errs = append(errs, r.importSettlement(ctx, d, p))
		}
	}
	return errors.Join(errs...)
}
