package amazon_test

import (
	"fmt"

	"github.com/shopspring/decimal"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/order"
)

func ExampleEncode() {
	reason, err := amazon.ReasonCustomerReturn.Refund()
	if err != nil {
		fmt.Println(err)
		return
	}
	refund := amazon.Adjustment{
		Order:        "111-1234567-1234567",
		Item:         "12345678901234",
		AdjustmentID: "rf-2026-000017-1",
		Reason:       reason,
		Currency:     "USD",
		Amounts: order.Amounts{
			order.Principal: decimal.RequireFromString("19.99"),
			order.Tax:       decimal.RequireFromString("1.65"),
		},
	}
	doc, err := amazon.Encode("A1EXAMPLESELLER", amazon.RefundFeed, []amazon.Numbered{{ID: 41, Message: refund}})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Print(string(doc))
	// Output:
	// <?xml version="1.0" encoding="UTF-8"?>
	// <AmazonEnvelope xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:noNamespaceSchemaLocation="amzn-envelope.xsd">
	//   <Header>
	//     <DocumentVersion>1.01</DocumentVersion>
	//     <MerchantIdentifier>A1EXAMPLESELLER</MerchantIdentifier>
	//   </Header>
	//   <MessageType>OrderAdjustment</MessageType>
	//   <Message>
	//     <MessageID>41</MessageID>
	//     <OrderAdjustment>
	//       <AmazonOrderID>111-1234567-1234567</AmazonOrderID>
	//       <AdjustedItem>
	//         <AmazonOrderItemCode>12345678901234</AmazonOrderItemCode>
	//         <MerchantAdjustmentItemID>rf-2026-000017-1</MerchantAdjustmentItemID>
	//         <AdjustmentReason>CustomerReturn</AdjustmentReason>
	//         <ItemPriceAdjustments>
	//           <Component><Type>Principal</Type><Amount currency="USD">19.99</Amount></Component>
	//           <Component><Type>Tax</Type><Amount currency="USD">1.65</Amount></Component>
	//         </ItemPriceAdjustments>
	//       </AdjustedItem>
	//     </OrderAdjustment>
	//   </Message>
	// </AmazonEnvelope>
}

func ExampleProcessingReport_Outcomes() {
	report := amazon.ProcessingReport{
		StatusCode: "Complete",
		Summary:    &amazon.Summary{Processed: 2, Successful: 1, WithError: 1},
		Results:    []amazon.Result{{MessageID: 42, ResultCode: "Error", Code: 18028, Description: "The order was not found."}},
	}
	outcomes := report.Outcomes([]amazon.MessageID{41, 42})
	fmt.Println(41, outcomes[41].Verdict)
	fmt.Println(42, outcomes[42].Verdict, outcomes[42].Code, outcomes[42].Text)

	// The same report about three messages does not tell what became of the others.
	outcomes = report.Outcomes([]amazon.MessageID{41, 42, 43})
	fmt.Println(41, outcomes[41].Verdict)
	fmt.Println(42, outcomes[42].Verdict)
	// Output:
	// 41 Accepted
	// 42 Refused 18028 The order was not found.
	// 41 Unknown
	// 42 Refused
}
