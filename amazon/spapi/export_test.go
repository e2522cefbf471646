package spapi

// Limited returns the client with smaller limits on what it reads, in bytes. The
// tests unpack what goes beyond them, for which the real ones are too large.
func (c *Client) Limited(answer, document int64) *Client {
	view := *c
	view.maxAnswer, view.maxDocument = answer, document
	return &view
}
