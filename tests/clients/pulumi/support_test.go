// Package clients_test runs Pulumi's framework for provider tests against the installed provider.
//
// The engine starts the provider from the directory that POLYKOMOS_PLUGINS names.
package clients_test

import (
	"os"
	"testing"

	"github.com/pulumi/providertest/pulumitest"
	"github.com/pulumi/providertest/pulumitest/opttest"
	"github.com/pulumi/pulumi/sdk/v3/go/auto"
)

// shop returns a new stack of testdata/programs/shop. Its backend and its program are in directories of their own.
func shop(t *testing.T, options ...opttest.Option) *pulumitest.PulumiTest {
	t.Helper()
	given := []opttest.Option{
		installed(),
		opttest.SkipInstall(), // there is nothing to download
		opttest.DisablePulumiVersionLog(),
	}
	return pulumitest.NewPulumiTest(t, "testdata/programs/shop", append(given, options...)...)
}

func installed() opttest.Option {
	return opttest.LocalProviderPath("polykomos", os.Getenv("POLYKOMOS_PLUGINS"))
}

func output(t *testing.T, result auto.UpResult, name string) any {
	t.Helper()
	found, ok := result.Outputs[name]
	if !ok {
		t.Fatalf("there is no output %q: %v", name, result.Outputs)
	}
	return found.Value
}
