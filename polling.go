package takeback

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/amazon/reportpoll"
	"github.com/takebackhq/takeback/settings"
)

// Polling says how often reports are asked for, of each account. Zero durations take
// their defaults. Whatever is polled can be handed in by a person as well: to Import
// of the same service.
type Polling struct {
	// Off has nothing polled: the host hands reports in by itself.
	Off bool

	// Returns are the returns reports of companies with the setting
	// [settings.DownloadReturns]. Defaults to 4 hours.
	Returns time.Duration

	// Orders are the reports of unshipped orders and of all orders that changed,
	// which tell of buyers' wishes to cancel. Defaults to 1 hour.
	Orders time.Duration

	// Settlements are made by Amazon, and looked for. Defaults to 12 hours.
	Settlements time.Duration
}

// sinks take the reports.
type sinks struct{ returns, orders, settlements reportpoll.Sink }

const day = 24 * time.Hour

// jobs are what is polled. The names of jobs have their cursors, and never change.
func (p Polling) jobs(source settings.Source, to sinks) ([]reportpoll.Job, error) {
	for _, field := range []struct {
		name  string
		every time.Duration
	}{{"Returns", p.Returns}, {"Orders", p.Orders}, {"Settlements", p.Settlements}} {
		if field.every < 0 {
			return nil, fmt.Errorf("takeback: Config.Polling.%s is %s, want how often: zero takes the default, and Off polls nothing", field.name, field.every)
		}
	}
	if p.Off {
		return nil, nil
	}
	everyOrders := cmp.Or(p.Orders, time.Hour)
	return []reportpoll.Job{
		{
			// A row changes for weeks after it was there first: tracking, status, claims.
			Name: "returns", Every: cmp.Or(p.Returns, 4*time.Hour), Overlap: 55 * day, First: 5 * day, Sink: to.returns,
			Types: []amazon.ReportType{amazon.ReturnsFlatReport, amazon.ReturnsXMLReport},
			Wanted: func(ctx context.Context, a amazon.Account) (bool, error) {
				of, err := source.Settings(ctx, a.Company)
				return of.DownloadReturns, err
			},
		},
		{
			// An order may wait for weeks until its buyer changes their mind.
			Name: "unshipped-orders", Every: everyOrders, Overlap: 30 * day, First: day, Sink: to.orders,
			Types: []amazon.ReportType{amazon.UnshippedOrdersReport},
		},
		{
			Name: "all-orders", Every: everyOrders, Overlap: day, First: 29 * day, Sink: to.orders,
			Types: []amazon.ReportType{amazon.AllOrdersReport},
		},
		{
			Name: "settlements", Every: cmp.Or(p.Settlements, 12*time.Hour), ListOnly: true, Sink: to.settlements,
			Types: []amazon.ReportType{amazon.SettlementReport, amazon.SettlementV1Report, amazon.SettlementXMLReport},
		},
	}, nil
}
