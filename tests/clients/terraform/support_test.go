// Package clients_test runs HashiCorp's acceptance-test framework against the installed provider.
//
// The provider is no Go program: `init` takes it from a filesystem mirror (TF_CLI_CONFIG_FILE), as a user's machine
// does, and the engine starts it as a process of its own. TF_ACC_TERRAFORM_PATH names the engine.
package clients_test

import (
	"crypto/rand"
	"encoding/hex"
	"regexp"

	"github.com/hashicorp/go-version"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/tfversion"
)

const (
	database    = "polykomos_database.this"
	blueprint   = "polykomos_blueprint.this"
	application = "polykomos_blueprint_application.this"
	endpoint    = "polykomos_webhook_endpoint.this"
)

var (
	// What the API sends as an id: a UUID in lower case.
	aUUID         = knownvalue.StringRegexp(regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`))
	aConnection   = knownvalue.StringRegexp(regexp.MustCompile(`^postgresql://.+:.+@.+/.+$`))
	identitySince = version.Must(version.NewVersion("1.12.0"))
	queriesSince  = version.Must(version.NewVersion("1.14.0"))
)

// installed returns the provider that `init` installs from the mirror.
func installed() map[string]resource.ExternalProvider {
	return map[string]resource.ExternalProvider{"polykomos": {Source: "polykomos/polykomos"}}
}

// from skips the test on engines that are older than a version.
func from(since *version.Version) []tfversion.TerraformVersionCheck {
	return []tfversion.TerraformVersionCheck{tfversion.SkipBelow(since)}
}

// unique returns a name that no other test uses.
func unique(prefix string) string {
	random := make([]byte, 5)
	_, _ = rand.Read(random) // it never fails
	return prefix + "-" + hex.EncodeToString(random)
}
