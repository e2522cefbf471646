package memory_test

import (
	"testing"

	"github.com/takebackhq/takeback"
	"github.com/takebackhq/takeback/store/memory"
	"github.com/takebackhq/takeback/store/storetest"
)

func TestStore(t *testing.T) {
	storetest.Run(t, func(*testing.T) takeback.Store { return memory.New() })
}
