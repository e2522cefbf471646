package main

import (
	"github.com/shopspring/decimal"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/order"
)

const (
	company     = order.CompanyID("larkspur")
	marketplace = order.MarketplaceID("ATVPDKIKX0DER")
)

// seller is the merchant's seller account.
func seller() amazon.Account {
	return amazon.Account{
		ID: "larkspur-us", Company: company, Merchant: "A2LARKSPURHOME", Region: amazon.NorthAmerica,
		Marketplaces: []order.MarketplaceID{marketplace},
	}
}

// The Amazon orders of the day, by what was bought.
const (
	mug     = "114-2048817-9921046"
	teaSet  = "114-7731950-1180225" // a kit: a pot and two cups
	sponge  = "111-5590243-6643818"
	vase    = "113-8842761-0375549"
	brush   = "112-4417305-2296613"
	lamps   = "114-0000006-0000006" // three of them
	rug     = "114-0000007-0000007" // with a promotion
	frame   = "114-0000008-0000008"
	tray    = "114-0000009-0000009"
	cushion = "114-0000010-0000010"

	// Not shipped when the day begins.
	kettle = "114-0000011-0000011"
	plates = "114-0000012-0000012" // four of them
	chair  = "114-0000013-0000013"
	clock  = "114-0000014-0000014"
	scarf  = "114-0000015-0000015"
)

// ordersOfTheDay are the orders as the host has them.
func ordersOfTheDay() []order.Order {
	set := line("114000000000029", "TEA-SET", 1, "60.00")
	set.Kit = []order.Part{{SKU: "TEA-POT", Quantity: 1, Share: usd("36")}, {SKU: "TEA-CUP", Quantity: 2, Share: usd("24")}}
	woven := line("114000000000078", "RUG-120", 1, "80.00")
	woven.Charges[order.Shipping], woven.Promotions = usd("5.99"), order.Amounts{order.Principal: usd("8.00"), order.Shipping: usd("5.99")}
	return []order.Order{
		shipped("SO-101", mug, line("114000000000011", "MUG-BLUE", 1, "24.90")),
		shipped("SO-102", teaSet, set),
		shipped("SO-103", sponge, line("114000000000037", "SPONGE-3", 1, "9.90")),
		shipped("SO-104", vase, line("114000000000045", "VASE-GREEN", 1, "64.20")),
		shipped("SO-105", brush, line("114000000000053", "BRUSH-2", 1, "7.50")),
		shipped("SO-106", lamps, line("114000000000061", "LAMP-DESK", 3, "100.00")),
		shipped("SO-107", rug, woven),
		shipped("SO-108", frame, line("114000000000086", "FRAME-OAK", 1, "31.00")),
		shipped("SO-109", tray, line("114000000000094", "TRAY-ASH", 1, "42.50")),
		shipped("SO-110", cushion, line("114000000000102", "CUSHION-45", 2, "38.00")),
		waiting("SO-111", kettle, line("114000000000110", "KETTLE-17", 1, "74.00")),
		waiting("SO-112", plates, line("114000000000128", "PLATE-26", 4, "50.00")),
		waiting("SO-113", chair, line("114000000000136", "CHAIR-FOLD", 1, "39.99")),
		waiting("SO-114", clock, line("114000000000144", "CLOCK-WALL", 1, "31.50")),
		waiting("SO-115", scarf, line("114000000000151", "SCARF-RED", 1, "19.00")),
	}
}

// line is a line with its price, and tax beside it.
func line(item, sku string, units int, price string) order.Line {
	salesTax := decimal.New(825, -4)
	return order.Line{
		Item: item, SKU: sku, Ordered: units, TaxModel: order.TaxNamed,
		Charges: order.Amounts{order.Principal: usd(price), order.Tax: usd(price).Mul(salesTax).Round(2)},
	}
}

// waiting is an order that still has to be shipped, shipped one that is.
func waiting(number, amazonNumber string, l order.Line) order.Order {
	return order.Order{
		ID: order.ID{Company: company, Number: number}, Amazon: amazonID(amazonNumber), Marketplace: marketplace, Currency: "USD",
		Fulfilment: order.ByMerchant, Status: order.StatusInProcess, Dropship: order.DropshipNone, Lines: []order.Line{l},
	}
}

func shipped(number, amazonNumber string, l order.Line) order.Order {
	l.Shipped = l.Ordered
	o := waiting(number, amazonNumber, l)
	o.Status = order.StatusCompleted
	return o
}

func amazonID(number string) order.AmazonID {
	return order.AmazonID{Account: seller().ID, Number: number}
}

func usd(amount string) decimal.Decimal { return decimal.RequireFromString(amount) }
