package clients_test

import (
	"os"
	"testing"

	"github.com/pulumi/providertest/pulumitest/assertpreview"
	"github.com/pulumi/providertest/pulumitest/assertrefresh"
	"github.com/pulumi/providertest/pulumitest/assertup"
	"github.com/pulumi/providertest/pulumitest/opttest"
	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"
)

// After an update there is nothing to do: in a preview, in a refresh, in a second update.
func TestStackIsSettledAfterAnUpdate(t *testing.T) {
	stack := shop(t)
	first := stack.Up(t)
	assertup.HasNoDeletes(t, first)
	assertpreview.HasNoChanges(t, stack.Preview(t))
	assertrefresh.HasNoChanges(t, stack.Refresh(t))
	assertup.HasNoChanges(t, stack.Up(t))
}

// A changed limit is an update of one database; its UUID stays.
func TestLimitIsChangedInPlace(t *testing.T) {
	stack := shop(t)
	first := stack.Up(t)
	stack.SetConfig(t, "limit", "6")
	preview := stack.Preview(t)
	assertpreview.HasNoReplacements(t, preview)
	assertpreview.HasNoDeletes(t, preview)
	if updates := preview.ChangeSummary[apitype.OpUpdate]; updates != 1 {
		t.Errorf("%d resources are updated, not 1: %v", updates, preview.ChangeSummary)
	}
	second := stack.Up(t)
	if output(t, first, "uuid") != output(t, second, "uuid") {
		t.Error("another database was made")
	}
	if limit := output(t, second, "limit"); limit != 6.0 {
		t.Errorf("the limit is %v, not 6", limit)
	}
	assertrefresh.HasNoChanges(t, stack.Refresh(t))
}

// A provider that runs already is attached to, as one does with a debugger in it.
func TestProviderIsAttached(t *testing.T) {
	stack := shop(t, opttest.AttachProviderBinary("polykomos", os.Getenv("POLYKOMOS_PLUGINS")))
	stack.Up(t)
	assertpreview.HasNoChanges(t, stack.Preview(t))
}
