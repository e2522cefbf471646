package main

import (
	"io"

	"github.com/takebackhq/takeback/reportparse"
)

// The two ways in which package reportparse reads.
const (
	reused = "reused"
	kept   = "kept"
)

func settlementReused(in io.Reader) (digest, error) {
	r, err := reportparse.Settlement(in, reportparse.Options{})
	if err != nil {
		return digest{}, err
	}
	return readReused(r.Reader, (*digest).ourPayment)
}

func settlementKept(in io.Reader) (digest, error) {
	r, err := reportparse.Settlement(in, reportparse.Options{})
	if err != nil {
		return digest{}, err
	}
	return readKept(r.Reader, (*digest).ourPayment)
}

func returnsReused(in io.Reader) (digest, error) {
	r, err := reportparse.Returns(in, reportparse.Options{})
	if err != nil {
		return digest{}, err
	}
	return readReused(r, (*digest).ourReturn)
}

func returnsKept(in io.Reader) (digest, error) {
	r, err := reportparse.Returns(in, reportparse.Options{})
	if err != nil {
		return digest{}, err
	}
	return readKept(r, (*digest).ourReturn)
}

// readReused reads with one row that is used again.
func readReused[T any](r *reportparse.Reader[T], take func(*digest, *T)) (d digest, err error) {
	var row T
	for {
		if err := r.Next(&row); err == io.EOF {
			return d, nil
		} else if err != nil {
			return d, err
		}
		take(&d, &row)
	}
}

// readKept reads rows that may be kept.
func readKept[T any](r *reportparse.Reader[T], take func(*digest, *T)) (d digest, err error) {
	var row T // outside of the loop, where a pointer to it costs no allocation for each
	for given, err := range r.All() {
		if err != nil {
			return d, err
		}
		row = given
		take(&d, &row)
	}
	return d, nil
}

func (d *digest) ourPayment(r *reportparse.SettlementRow) {
	d.Rows++
	d.Units += r.Quantity
	d.amount(r.Amount)
	d.time(r.PostedAt)
}

func (d *digest) ourReturn(r *reportparse.Return) {
	d.Rows++
	d.Units += r.Quantity
	d.amount(r.OrderAmount)
	d.amount(r.RefundedAmount)
	d.amount(r.LabelCost)
	d.time(r.OrderDate)
	d.time(r.RequestDate)
	d.time(r.DeliveryDate)
}

// amount adds one up that has at most two decimals.
func (d *digest) amount(a reportparse.Amount) {
	units, decimals := a.Units()
	for ; decimals < 2; decimals++ {
		units *= 10
	}
	d.Hundredths += units
}
