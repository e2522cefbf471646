package amazontest

import (
	"slices"
	"strings"
)

// resource is what a Restricted Data Token opens.
type resource struct{ Method, Path string }

// restrictedTypes are the reports that hold a buyer's personal data (page "Tokens
// API use case guide").
var restrictedTypes = []string{
	"GET_AMAZON_FULFILLED_SHIPMENTS_DATA_INVOICING",
	"GET_AMAZON_FULFILLED_SHIPMENTS_DATA_TAX",
	"GET_EASYSHIP_DOCUMENTS",
	"GET_FLAT_FILE_ACTIONABLE_ORDER_DATA_SHIPPING",
	"GET_FLAT_FILE_ORDER_REPORT_DATA_INVOICING",
	"GET_FLAT_FILE_ORDER_REPORT_DATA_SHIPPING",
	"GET_FLAT_FILE_ORDER_REPORT_DATA_TAX",
	"GET_GST_MTR_B2B_CUSTOM",
	"GET_ORDER_REPORT_DATA_INVOICING",
	"GET_ORDER_REPORT_DATA_SHIPPING",
	"GET_ORDER_REPORT_DATA_TAX",
	"GET_VAT_TRANSACTION_DATA",
	"SC_VAT_TAX_REPORT",
}

// restricts tells whether a document is that of a restricted report.
func (a *account) restricts(document string) bool {
	return slices.ContainsFunc(a.Reports, func(report *job) bool {
		return report.Result == document && slices.Contains(restrictedTypes, report.Type)
	})
}

// createRestrictedDataToken gives out a token for documents of restricted
// reports, the only restricted resources that this server has.
func (s *Server) createRestrictedDataToken(r *request, a *account) answer {
	var ask struct {
		TargetApplication   string `json:"targetApplication"`
		RestrictedResources []struct {
			Method       string   `json:"method"`
			Path         string   `json:"path"`
			DataElements []string `json:"dataElements"`
		} `json:"restrictedResources"`
	}
	if refused, ok := r.json(&ask); !ok {
		return refused
	}
	if n := len(ask.RestrictedResources); n < 1 || n > 50 {
		return invalid("restrictedResources: %d given, want 1 to 50", n)
	}
	var opens []resource
	for _, res := range ask.RestrictedResources {
		document, ok := strings.CutPrefix(res.Path, "/reports/2021-06-30/documents/")
		switch {
		case res.Method != "GET" || !ok:
			return invalid("restrictedResources: %s %s is not a restricted resource of this server; want GET /reports/2021-06-30/documents/ and a document ID",
				res.Method, res.Path)
		case len(res.DataElements) > 0:
			return invalid("restrictedResources: %s has no dataElements", res.Path)
		case !a.restricts(document):
			return invalid("Invalid or unsupported document ID found")
		}
		opens = append(opens, resource{res.Method, res.Path})
	}
	access := s.books.give("Atz.sprdt|", token{Seller: a.Merchant, Expires: r.now.Add(tokenLife), Resources: opens})
	return jsonAnswer(200, map[string]any{"restrictedDataToken": access, "expiresIn": int(tokenLife.Seconds())})
}

// getReportDocument wants a Restricted Data Token for the document of a
// restricted report.
func (s *Server) getReportDocument(r *request, a *account) answer {
	if a.restricts(r.id) && !r.restricted {
		return denied("Unauthorized", "")
	}
	return s.getDocument(r, a)
}
