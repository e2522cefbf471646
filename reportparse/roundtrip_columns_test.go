package reportparse_test

import (
	"slices"

	"pgregory.net/rapid"

	"github.com/takebackhq/takeback/reportparse"
)

// column is one column of a row: how it gets a value, and how that is written.
type column struct {
	name   string
	path   string             // of its element in XML, within the record; "": XML does not have it
	types  []reportparse.Type // that have it; nil: all
	seldom bool               // nothing is missing without it
	money  bool               // of which a row has one

	draw  func(*rapid.T, *style)
	write func(*rapid.T, *style) string // "": blank
}

// col is a column whose values go to a field of the row.
func col[V comparable](name string, v values[V], to *V) column {
	_, money := any(to).(*reportparse.Amount)
	return column{
		money: money,
		name:  name,
		draw:  func(t *rapid.T, s *style) { *to = v.draw(t, s) },
		write: func(t *rapid.T, s *style) string {
			var blank V
			if *to == blank {
				return ""
			}
			return v.write(t, s, *to)
		},
	}
}

func (c column) at(path string) column { c.path = path; return c }

func (c column) in(types ...reportparse.Type) column { c.types = types; return c }

func (c column) extra() column { c.seldom = true; return c }

func (c column) of(t reportparse.Type) bool { return c.types == nil || slices.Contains(c.types, t) }

func returnColumns(r *reportparse.Return) []column {
	return []column{
		col("Order ID", orderIDs, &r.OrderID).at("order_id"),
		col("Order date", dates, &r.OrderDate).at("order_date"),
		col("Return request date", dates, &r.RequestDate).at("return_request_date"),
		col("Return request status", words, &r.Status).at("return_request_status"),
		col("Amazon RMA ID", words, &r.RMAID).at("amazon_rma_id"),
		col("Merchant RMA ID", words, &r.MerchantRMAID).at("merchant_rma_id"),
		col("Label type", words, &r.LabelType).at("label_details/label_type"),
		col("Label cost", prices, &r.LabelCost).at("label_details/label_cost"),
		col("Currency code", currencies, &r.Currency).at("label_details/currency_code"),
		col("Return carrier", words, &r.Carrier).at("label_details/return_carrier"),
		col("Tracking ID", words, &r.TrackingID).at("label_details/tracking_id"),
		col("Label to be paid by", words, &r.LabelPaidBy).at("label_to_be_paid_by"),
		col("A-to-Z Claim", flags, &r.AToZClaim).at("a_to_z_claim"),
		col("Is prime", flags, &r.IsPrime).at("is_prime"),
		col("ASIN", words, &r.ASIN).at("item_details/asin"),
		col("Merchant SKU", words, &r.SKU).at("item_details/merchant_sku"),
		col("Item Name", words, &r.ItemName).at("item_details/item_name"),
		col("Return quantity", units, &r.Quantity).at("item_details/return_quantity"),
		col("Return Reason", words, &r.Reason).at("item_details/return_reason_code"),
		col("In policy", flags, &r.InPolicy).at("item_details/in_policy"),
		col("Return type", words, &r.ReturnType).at("return_type"),
		col("Resolution", words, &r.Resolution).at("item_details/resolution"),
		col("Invoice number", words, &r.InvoiceNumber).at("invoice_number"),
		col("Return delivery date", dates, &r.DeliveryDate).at("return_delivery_date"),
		col("Order Amount", prices, &r.OrderAmount).at("order_amount"),
		col("Order quantity", units, &r.OrderQuantity).at("order_quantity"),
		col("SafeT Action reason", words, &r.SafeTReason).at("safet_action_reason"),
		col("SafeT claim id", words, &r.SafeTClaimID).at("safet_claim_id"),
		col("SafeT claim state", words, &r.SafeTState).at("safet_claim_state"),
		col("SafeT claim creation time", dates, &r.SafeTCreatedAt).at("safet_claim_creation_time"),
		col("SafeT claim reimbursement amount", prices, &r.SafeTReimbursement).at("safet_claim_reimbursement_amount"),
		col("Refunded Amount", prices, &r.RefundedAmount).at("item_details/refund_amount"),
		col("Order Item ID", itemIDs, &r.OrderItemID).at("item_details/order_item_id").extra(),
		col("Category", words, &r.Category).at("item_details/category").extra(),
	}
}

func orderColumns(o *reportparse.OrderItem) []column {
	return []column{
		col("order-id", orderIDs, &o.OrderID).at("AmazonOrderID"),
		col("order-item-id", words, &o.OrderItemID).at("Item/AmazonOrderItemCode"),
		col("purchase-date", dates, &o.PurchaseDate).at("OrderDate"),
		col("payments-date", dates, &o.PaymentsDate),
		col("reporting-date", dates, &o.ReportingDate).in(reportparse.TypeUnshippedOrders),
		col("promise-date", dates, &o.PromiseDate).in(reportparse.TypeUnshippedOrders),
		col("days-past-promise", wholes, &o.DaysPastPromise).in(reportparse.TypeUnshippedOrders),
		col("buyer-email", words, &o.Buyer.Email).at("BillingData/BuyerEmailAddress"),
		col("buyer-name", words, &o.Buyer.Name).at("BillingData/BuyerName"),
		col("buyer-phone-number", words, &o.Buyer.Phone).at("BillingData/BuyerPhoneNumber"),
		col("sku", words, &o.SKU).at("Item/SKU"),
		col("product-name", words, &o.ProductName).at("Item/Title"),
		col("quantity-purchased", tallies, &o.Quantity).at("Item/Quantity"),
		col("quantity-shipped", tallies, &o.QuantityShipped).in(reportparse.TypeUnshippedOrders),
		col("quantity-to-ship", tallies, &o.QuantityToShip).in(reportparse.TypeUnshippedOrders),
		col("currency", currencies, &o.Currency).at("Item/@currency").in(reportparse.TypeOrders),
		col("item-price", prices, &o.ItemPrice).at("Item/ItemPrice/Component=Principal").in(reportparse.TypeOrders),
		col("item-tax", prices, &o.ItemTax).at("Item/ItemPrice/Component=Tax").in(reportparse.TypeOrders),
		col("shipping-price", prices, &o.ShippingPrice).at("Item/ItemPrice/Component=Shipping").in(reportparse.TypeOrders),
		col("shipping-tax", prices, &o.ShippingTax).at("Item/ItemPrice/Component=ShippingTax").in(reportparse.TypeOrders),
		col("ship-service-level", words, &o.ShipServiceLevel).at("FulfillmentData/FulfillmentServiceLevel"),
		col("recipient-name", words, &o.ShipTo.Name).at("FulfillmentData/Address/Name"),
		col("ship-address-1", words, &o.ShipTo.Line1).at("FulfillmentData/Address/AddressFieldOne"),
		col("ship-address-2", words, &o.ShipTo.Line2).at("FulfillmentData/Address/AddressFieldTwo"),
		col("ship-address-3", words, &o.ShipTo.Line3).at("FulfillmentData/Address/AddressFieldThree"),
		col("ship-city", words, &o.ShipTo.City).at("FulfillmentData/Address/City"),
		col("ship-state", words, &o.ShipTo.State).at("FulfillmentData/Address/StateOrRegion"),
		col("ship-postal-code", words, &o.ShipTo.PostalCode).at("FulfillmentData/Address/PostalCode"),
		col("ship-country", words, &o.ShipTo.Country).at("FulfillmentData/Address/CountryCode"),
		col("ship-phone-number", words, &o.ShipTo.Phone).at("FulfillmentData/Address/PhoneNumber").in(reportparse.TypeOrders),
		col("delivery-start-date", words, &o.Delivery.Start).in(reportparse.TypeOrders),
		col("delivery-end-date", words, &o.Delivery.End).in(reportparse.TypeOrders),
		col("delivery-time-zone", words, &o.Delivery.TimeZone).in(reportparse.TypeOrders),
		col("delivery-Instructions", words, &o.Delivery.Instructions).in(reportparse.TypeOrders),
		col("sales-channel", words, &o.SalesChannel).in(reportparse.TypeOrders),
		col("is-business-order", flags, &o.IsBusinessOrder).at("IsBusinessOrder"),
		col("purchase-order-number", words, &o.PurchaseOrderNumber),
		col("price-designation", words, &o.PriceDesignation),
		col("is-prime", flags, &o.IsPrime).in(reportparse.TypeUnshippedOrders),
		col("is-sold-by-ab", flags, &o.IsSoldByAB).in(reportparse.TypeOrders),
		col("is-buyer-requested-cancellation", flags, &o.BuyerRequestedCancel).at("Item/IsBuyerRequestedCancellation"),
		col("buyer-requested-cancel-reason", words, &o.BuyerCancelReason).at("Item/BuyerRequestedCancelReason"),
		col("item-promotion-discount", prices, &o.ItemPromotionDiscount).at("Item/Promotion/Component=Principal").in(reportparse.TypeOrders),
		col("item-promotion-id", words, &o.ItemPromotionID).in(reportparse.TypeOrders),
		col("ship-promotion-discount", prices, &o.ShipPromotionDiscount).at("Item/Promotion/Component=Shipping").in(reportparse.TypeOrders),
		col("ship-promotion-id", words, &o.ShipPromotionID).in(reportparse.TypeOrders),
		col("bill-address-1", words, &o.BillTo.Line1).at("BillingData/Address/AddressFieldOne").in(reportparse.TypeOrders),
		col("bill-address-2", words, &o.BillTo.Line2).at("BillingData/Address/AddressFieldTwo").in(reportparse.TypeOrders),
		col("bill-address-3", words, &o.BillTo.Line3).at("BillingData/Address/AddressFieldThree").in(reportparse.TypeOrders),
		col("bill-city", words, &o.BillTo.City).at("BillingData/Address/City").in(reportparse.TypeOrders),
		col("bill-state", words, &o.BillTo.State).at("BillingData/Address/StateOrRegion").in(reportparse.TypeOrders),
		col("bill-postal-code", words, &o.BillTo.PostalCode).at("BillingData/Address/PostalCode").in(reportparse.TypeOrders),
		col("bill-country", words, &o.BillTo.Country).at("BillingData/Address/CountryCode").in(reportparse.TypeOrders),
		col("buyer-company-name", words, &o.Buyer.Company).in(reportparse.TypeOrders),
		col("buyer-tax-registration-id", words, &o.Buyer.TaxRegistrationID).in(reportparse.TypeOrders),
		col("buyer-tax-registration-country", words, &o.Buyer.TaxRegistrationCountry).in(reportparse.TypeOrders),
		col("buyer-tax-registration-type", words, &o.Buyer.TaxRegistrationType).in(reportparse.TypeOrders),
		col("payment-method-details", words, &o.PaymentMethodDetails).in(reportparse.TypeOrders),
		col("customized-url", words, &o.CustomizedURL).extra(),
		col("customized-page", words, &o.CustomizedPage).extra(),
		col("is-global-express", flags, &o.IsGlobalExpress).extra(),
		col("is-premium-order", flags, &o.IsPremiumOrder).extra(),
		col("is-iba", flags, &o.IsIba).at("IsIba").extra(),
		col("is-replacement-order", flags, &o.IsReplacementOrder).extra(),
		col("is-exchange-order", flags, &o.IsExchangeOrder).extra(),
		col("original-order-id", words, &o.OriginalOrderID).extra(),
		col("is-transparency", flags, &o.IsTransparency).extra(),
		col("default-ship-from-address-name", words, &o.ShipFrom.Name).extra(),
		col("default-ship-from-address-field-1", words, &o.ShipFrom.Line1).extra(),
		col("default-ship-from-address-field-2", words, &o.ShipFrom.Line2).extra(),
		col("default-ship-from-address-field-3", words, &o.ShipFrom.Line3).extra(),
		col("default-ship-from-city", words, &o.ShipFrom.City).extra(),
		col("default-ship-from-state", words, &o.ShipFrom.State).extra(),
		col("default-ship-from-country", words, &o.ShipFrom.Country).extra(),
		col("default-ship-from-postal-code", words, &o.ShipFrom.PostalCode).extra(),
		col("is-ispu-order", flags, &o.IsISPUOrder).extra(),
		col("store-chain-store-id", words, &o.StoreChainStoreID).extra(),
		col("ioss-number", words, &o.IOSSNumber).extra(),
		col("is-shipping-settings-automation-enabled", flags, &o.ShippingSettingsAutomation).extra(),
		col("ssa-carrier", words, &o.AutomationCarrier).extra(),
		col("ssa-ship-method", words, &o.AutomationShipMethod).extra(),
		col("tax-collection-model", words, &o.TaxCollectionModel).extra(),
		col("tax-collection-responsible-party", words, &o.TaxCollectionParty).extra(),
		col("verge-of-cancellation", words, &o.VergeOfCancellation).extra(),
		col("verge-of-lateShipment", words, &o.VergeOfLateShipment).extra(),
		col("signature-confirmation-recommended", words, &o.SignatureConfirmation).extra(),
		col("buyer-identification-number", words, &o.Buyer.IdentificationNumber).extra(),
		col("buyer-identification-type", words, &o.Buyer.IdentificationType).extra(),
		col("amazon-programs", words, &o.AmazonPrograms).extra(),
		col("delivery-preferred-time", words, &o.Delivery.PreferredTime).extra(),
		col("drop-off-location", words, &o.Delivery.DropOffLocation).extra(),
		col("pallet-delivery", words, &o.Delivery.Pallet).extra(),
		col("shipment-status", words, &o.ShipmentStatus).extra(),
		col("gift-wrap-price", prices, &o.GiftWrapPrice).at("Item/ItemPrice/Component=GiftWrap").extra(),
		col("gift-wrap-tax", prices, &o.GiftWrapTax).at("Item/ItemPrice/Component=GiftWrapTax").extra(),
		col("gift-wrap-type", words, &o.GiftWrapType).at("Item/GiftWrapLevel").extra(),
		col("gift-message-text", words, &o.GiftMessageText).at("Item/GiftMessageText").extra(),
		col("payment-method", words, &o.PaymentMethod).extra(),
		col("already-paid", words, &o.AlreadyPaid).extra(),
		col("is-amazon-invoiced", flags, &o.IsAmazonInvoiced).extra(),
		col("vat-exclusive-item-price", prices, &o.VATExclusiveItemPrice).extra(),
		col("vat-exclusive-shipping-price", prices, &o.VATExclusiveShippingPrice).extra(),
		col("vat-exclusive-giftwrap-price", prices, &o.VATExclusiveGiftWrapPrice).extra(),
		col("bill-name", words, &o.BillTo.Name).at("BillingData/Address/Name").extra(),
		col("order-posted-date", dates, &o.PostedDate).at("OrderPostedDate").extra(),
		col("bill-phone-number", words, &o.BillTo.Phone).at("BillingData/Address/PhoneNumber").extra(),
		col("fulfillment-method", words, &o.FulfillmentMethod).at("FulfillmentData/FulfillmentMethod").extra(),
		col("product-tax-code", words, &o.ProductTaxCode).at("Item/ProductTaxCode").extra(),
		col("merchant-promotion-id", words, &o.MerchantPromotionID).at("Item/Promotion/MerchantPromotionID").extra(),
		col("promotion-claim-code", words, &o.PromotionClaimCode).at("Item/Promotion/PromotionClaimCode").extra(),
	}
}

func allOrdersColumns(o *reportparse.AllOrdersItem) []column {
	return []column{
		col("amazon-order-id", orderIDs, &o.OrderID).at("AmazonOrderID"),
		col("merchant-order-id", words, &o.MerchantOrderID).at("MerchantOrderID"),
		col("purchase-date", dates, &o.PurchaseDate).at("PurchaseDate"),
		col("last-updated-date", dates, &o.LastUpdatedDate).at("LastUpdatedDate"),
		col("order-status", words, &o.OrderStatus).at("OrderStatus"),
		col("fulfillment-channel", words, &o.FulfillmentChannel).at("FulfillmentData/FulfillmentChannel"),
		col("sales-channel", words, &o.SalesChannel).at("SalesChannel"),
		col("order-channel", words, &o.OrderChannel),
		col("ship-service-level", words, &o.ShipServiceLevel).at("FulfillmentData/ShipServiceLevel"),
		col("product-name", words, &o.ProductName).at("OrderItem/ProductName"),
		col("sku", words, &o.SKU).at("OrderItem/SKU"),
		col("asin", words, &o.ASIN).at("OrderItem/ASIN"),
		col("item-status", words, &o.ItemStatus).at("OrderItem/ItemStatus"),
		col("quantity", tallies, &o.Quantity).at("OrderItem/Quantity"),
		col("currency", currencies, &o.Currency).at("OrderItem/@currency"),
		col("item-price", prices, &o.ItemPrice).at("OrderItem/ItemPrice/Component=Principal"),
		col("item-tax", prices, &o.ItemTax).at("OrderItem/ItemPrice/Component=Tax"),
		col("shipping-price", prices, &o.ShippingPrice).at("OrderItem/ItemPrice/Component=Shipping"),
		col("shipping-tax", prices, &o.ShippingTax).at("OrderItem/ItemPrice/Component=ShippingTax"),
		col("gift-wrap-price", prices, &o.GiftWrapPrice).at("OrderItem/ItemPrice/Component=GiftWrap"),
		col("gift-wrap-tax", prices, &o.GiftWrapTax).at("OrderItem/ItemPrice/Component=GiftWrapTax"),
		col("item-promotion-discount", prices, &o.ItemPromotionDiscount).at("OrderItem/Promotion/ItemPromotionDiscount"),
		col("ship-promotion-discount", prices, &o.ShipPromotionDiscount).at("OrderItem/Promotion/ShipPromotionDiscount"),
		col("ship-city", words, &o.ShipTo.City).at("FulfillmentData/Address/City"),
		col("ship-state", words, &o.ShipTo.State).at("FulfillmentData/Address/State"),
		col("ship-postal-code", words, &o.ShipTo.PostalCode).at("FulfillmentData/Address/PostalCode"),
		col("ship-country", words, &o.ShipTo.Country).at("FulfillmentData/Address/Country"),
		col("promotion-ids", words, &o.PromotionIDs).at("OrderItem/Promotion/PromotionIDs"),
		col("is-business-order", flags, &o.IsBusinessOrder).at("IsBusinessOrder"),
		col("purchase-order-number", words, &o.PurchaseOrderNumber),
		col("price-designation", words, &o.PriceDesignation),
		col("is-buyer-requested-cancellation", flags, &o.BuyerRequestedCancel).at("OrderItem/IsBuyerRequestedCancellation"),
		col("buyer-requested-cancel-reason", words, &o.BuyerCancelReason).at("OrderItem/BuyerRequestedCancel/Reason"),
		col("url", words, &o.URL).extra(),
		col("number-of-items", tallies, &o.NumberOfItems).at("OrderItem/NumberOfItems").extra(),
		col("tax-collection-model", words, &o.TaxCollectionModel).extra(),
		col("tax-collection-responsible-party", words, &o.TaxCollectionParty).extra(),
		col("address-type", words, &o.AddressType).at("FulfillmentData/Address/AddressType").extra(),
		col("cpf", words, &o.CPF).extra(),
		col("fulfilled-by", words, &o.FulfilledBy).extra(),
		col("buyer-company-name", words, &o.Buyer.Company).extra(),
		col("buyer-tax-registration-id", words, &o.Buyer.TaxRegistrationID).extra(),
		col("buyer-tax-registration-country", words, &o.Buyer.TaxRegistrationCountry).extra(),
		col("buyer-tax-registration-type", words, &o.Buyer.TaxRegistrationType).extra(),
		col("is-replacement-order", flags, &o.IsReplacementOrder).extra(),
		col("is-exchange-order", flags, &o.IsExchangeOrder).extra(),
		col("original-order-id", words, &o.OriginalOrderID).extra(),
		col("is-amazon-invoiced", flags, &o.IsAmazonInvoiced).extra(),
		col("vat-exclusive-item-price", prices, &o.VATExclusiveItemPrice).extra(),
		col("vat-exclusive-shipping-price", prices, &o.VATExclusiveShippingPrice).extra(),
		col("vat-exclusive-giftwrap-price", prices, &o.VATExclusiveGiftWrapPrice).extra(),
		col("is-iba", flags, &o.IsIba).extra(),
		col("is-transparency", flags, &o.IsTransparency).extra(),
		col("ioss-number", words, &o.IOSSNumber).extra(),
		col("order-invoice-type", words, &o.OrderInvoiceType).extra(),
		col("signature-confirmation-recommended", words, &o.SignatureConfirmation).extra(),
		col("order-item-id", words, &o.OrderItemID).at("OrderItem/AmazonOrderItemCode").extra(),
	}
}

func fbaColumns(r *reportparse.FBAReturn) []column {
	return []column{
		col("return-date", dates, &r.ReturnDate),
		col("order-id", orderIDs, &r.OrderID),
		col("sku", words, &r.SKU),
		col("asin", words, &r.ASIN),
		col("fnsku", words, &r.FNSKU),
		col("product-name", words, &r.ProductName),
		col("quantity", units, &r.Quantity),
		col("fulfillment-center-id", words, &r.FulfillmentCenter),
		col("detailed-disposition", words, &r.Disposition),
		col("reason", words, &r.Reason),
		col("status", words, &r.Status),
		col("license-plate-number", words, &r.LicensePlate),
		col("customer-comments", words, &r.Comments),
	}
}

func settlementColumns(r *reportparse.SettlementRow) []column {
	v1 := r.V1
	if v1 == nil {
		v1 = &reportparse.SettlementV1{}
	}
	return []column{
		col("settlement-id", settlementIDs, &r.SettlementID),
		col("settlement-start-date", moments, &r.StartDate),
		col("settlement-end-date", moments, &r.EndDate),
		col("deposit-date", moments, &r.DepositDate),
		col("total-amount", prices, &r.Total),
		col("currency", currencies, &r.Currency),
		col("transaction-type", words, &r.TransactionType),
		col("order-id", words, &r.OrderID).at("AmazonOrderID"),
		col("merchant-order-id", words, &r.MerchantOrderID).at("MerchantOrderID"),
		col("adjustment-id", words, &r.AdjustmentID).at("AdjustmentID"),
		col("shipment-id", words, &r.ShipmentID).at("ShipmentID"),
		col("marketplace-name", words, &r.Marketplace).at("MarketplaceName"),
		col("amount-type", words, &r.AmountType).in(reportparse.TypeSettlement, reportparse.TypeSettlementXML),
		col("amount-description", words, &r.AmountDescription).in(reportparse.TypeSettlement, reportparse.TypeSettlementXML),
		col("amount", prices, &r.Amount).in(reportparse.TypeSettlement, reportparse.TypeSettlementXML),
		col("shipment-fee-type", words, &v1.ShipmentFeeType).in(reportparse.TypeSettlementV1),
		col("shipment-fee-amount", prices, &v1.ShipmentFee).in(reportparse.TypeSettlementV1),
		col("order-fee-type", words, &v1.OrderFeeType).in(reportparse.TypeSettlementV1),
		col("order-fee-amount", prices, &v1.OrderFee).in(reportparse.TypeSettlementV1),
		col("fulfillment-id", words, &r.FulfillmentID).at("Fulfillment/MerchantFulfillmentID"),
		col("posted-date", days, &r.PostedDate).at("Fulfillment/PostedDate"),
		col("posted-date-time", moments, &r.PostedAt).in(reportparse.TypeSettlement),
		col("order-item-code", words, &r.OrderItemCode).at("Fulfillment/Item/AmazonOrderItemCode"),
		col("merchant-order-item-id", words, &r.MerchantOrderItemID),
		col("merchant-adjustment-item-id", words, &r.MerchantAdjustmentItemID),
		col("sku", words, &r.SKU).at("Fulfillment/Item/SKU"),
		col("quantity-purchased", tallies, &r.Quantity).at("Fulfillment/Item/Quantity"),
		col("price-type", words, &v1.PriceType).in(reportparse.TypeSettlementV1),
		col("price-amount", prices, &v1.Price).in(reportparse.TypeSettlementV1),
		col("item-related-fee-type", words, &v1.ItemFeeType).in(reportparse.TypeSettlementV1),
		col("item-related-fee-amount", prices, &v1.ItemFee).in(reportparse.TypeSettlementV1),
		col("misc-fee-amount", prices, &v1.MiscFee).in(reportparse.TypeSettlementV1),
		col("other-fee-amount", prices, &v1.OtherFee).in(reportparse.TypeSettlementV1),
		col("other-fee-reason-description", words, &v1.OtherFeeReason).in(reportparse.TypeSettlementV1),
		col("promotion-id", words, &r.PromotionID),
		col("promotion-type", words, &v1.PromotionType).in(reportparse.TypeSettlementV1),
		col("promotion-amount", prices, &v1.Promotion).in(reportparse.TypeSettlementV1),
		col("direct-payment-type", words, &v1.DirectPaymentType).in(reportparse.TypeSettlementV1),
		col("direct-payment-amount", prices, &v1.DirectPayment).in(reportparse.TypeSettlementV1),
		col("other-amount", prices, &v1.Other).in(reportparse.TypeSettlementV1),
	}
}
