// Command deploy runs the program by the Automation API: as `pulumi up` and `pulumi destroy` do, without Pulumi's Go host.
//
//	deploy up|destroy STACK
package main

import (
	"context"
	"fmt"
	"os"

	"polykomos-shop/shop"

	"github.com/pulumi/pulumi/sdk/v3/go/auto"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optdestroy"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optup"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: deploy up|destroy STACK")
		os.Exit(2)
	}
	if err := run(context.Background(), os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "deploy:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, command, name string) error {
	stack, err := auto.UpsertStackInlineSource(ctx, name, "polykomos-shop", shop.Shop, auto.WorkDir("."))
	if err != nil {
		return err
	}
	switch command {
	case "up":
		_, err = stack.Up(ctx, optup.ProgressStreams(os.Stdout))
	case "destroy":
		_, err = stack.Destroy(ctx, optdestroy.ProgressStreams(os.Stdout))
	default:
		err = fmt.Errorf("%s is neither up nor destroy", command)
	}
	return err
}
