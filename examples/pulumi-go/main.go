// The program that `pulumi up` runs.
package main

import (
	"polykomos-shop/shop"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

func main() {
	pulumi.Run(shop.Shop)
}
