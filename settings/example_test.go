package settings_test

import (
	"fmt"

	"github.com/takebackhq/takeback/settings"
)

// The client queues everything and submits it automatically; one company wants
// to look at each request first.
func ExampleResolve() {
	client := settings.Values{
		settings.Queue:           true,
		settings.AutoSubmit:      true,
		settings.DownloadReturns: true,
	}
	careful := settings.Values{settings.AutoSubmit: false}

	fmt.Println(settings.Resolve(client, nil).Mode())
	fmt.Println(settings.Resolve(client, careful).Mode())
	// Output:
	// Auto
	// Manual
}

// Settings imported from another system come under several spellings.
func ExampleParseName() {
	imported := map[string]bool{"Queue Amazon Order Refunds": true}

	values := settings.Values{}
	for spelling, on := range imported {
		name, err := settings.ParseName(spelling)
		if err != nil {
			fmt.Println(err)
			return
		}
		values[name] = on
	}
	fmt.Println(values)
	// Output:
	// map[Queue Amazon Order Refunds and Cancellations:true]
}
