package clients_test

import (
	"os"
	"testing"

	"github.com/pulumi/providertest"
	"github.com/pulumi/providertest/optproviderupgrade"
	"github.com/pulumi/providertest/pulumitest/assertpreview"
	"github.com/pulumi/providertest/pulumitest/opttest"
)

// What a release before left is up to date for today's provider. testdata/recorded has the stack and the calls that
// were recorded of each release. To record one: install it, and name its directory of plugins in POLYKOMOS_BASELINE.
func TestStacksOfEarlierReleasesNeedNoChange(t *testing.T) {
	for _, release := range []string{"0.1.0"} {
		t.Run(release, func(t *testing.T) {
			var options []optproviderupgrade.PreviewProviderUpgradeOpt
			if baseline := os.Getenv("POLYKOMOS_BASELINE"); baseline != "" {
				old := opttest.LocalProviderPath("polykomos", baseline)
				options = append(options, optproviderupgrade.BaselineOpts(old))
			}
			preview := providertest.PreviewProviderUpgrade(t, shop(t), "polykomos", release, options...)
			assertpreview.HasNoChanges(t, preview)
		})
	}
}
