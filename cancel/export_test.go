package cancel

// Found is what the readers of orders and reports call.
var Found = (*Service).found
