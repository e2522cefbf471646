module github.com/takebackhq/takeback/internal/integration

go 1.25.0

require (
	github.com/takebackhq/takeback v0.0.0
	modernc.org/sqlite v1.59.0
)

replace github.com/takebackhq/takeback => ../../
