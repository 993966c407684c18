// The provider that ours is measured against (tests/bench): as little as the Go framework allows, one resource without
// an API behind it.
package main

import (
	"context"
	"log"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

type baseline struct{}

func (baseline) Metadata(_ context.Context, _ provider.MetadataRequest, reply *provider.MetadataResponse) {
	reply.TypeName = "baseline"
}
func (baseline) Schema(context.Context, provider.SchemaRequest, *provider.SchemaResponse) {}
func (baseline) Configure(context.Context, provider.ConfigureRequest, *provider.ConfigureResponse) {
}
func (baseline) DataSources(context.Context) []func() datasource.DataSource { return nil }
func (baseline) Resources(context.Context) []func() resource.Resource {
	return []func() resource.Resource{func() resource.Resource { return thing{} }}
}

type thing struct{}

type model struct {
	ID          types.String  `tfsdk:"id"`
	Name        types.String  `tfsdk:"name"`
	Region      types.String  `tfsdk:"region"`
	Plan        types.String  `tfsdk:"plan"`
	Host        types.String  `tfsdk:"host"`
	Password    types.String  `tfsdk:"password"`
	Connections types.Int64   `tfsdk:"connections"`
	StorageGB   types.Float64 `tfsdk:"storage_gb"`
}

func (thing) Metadata(_ context.Context, _ resource.MetadataRequest, reply *resource.MetadataResponse) {
	reply.TypeName = "baseline_thing"
}

func (thing) Schema(_ context.Context, _ resource.SchemaRequest, reply *resource.SchemaResponse) {
	keep := []planmodifier.String{stringplanmodifier.UseStateForUnknown()}
	computed := schema.StringAttribute{Computed: true, PlanModifiers: keep}
	reply.Schema = schema.Schema{Attributes: map[string]schema.Attribute{
		"id":          computed,
		"name":        schema.StringAttribute{Required: true},
		"region":      schema.StringAttribute{Optional: true, Computed: true, PlanModifiers: keep},
		"plan":        schema.StringAttribute{Optional: true, Computed: true, PlanModifiers: keep},
		"host":        computed,
		"password":    schema.StringAttribute{Computed: true, Sensitive: true, PlanModifiers: keep},
		"connections": schema.Int64Attribute{Optional: true},
		"storage_gb":  schema.Float64Attribute{Optional: true},
	}}
}

func (thing) Create(ctx context.Context, request resource.CreateRequest, reply *resource.CreateResponse) {
	var given model
	reply.Diagnostics.Append(request.Plan.Get(ctx, &given)...)
	given.ID = types.StringValue("thing-" + given.Name.ValueString())
	given.Region = types.StringValue("us-east-1")
	given.Plan = types.StringValue("free")
	given.Host = types.StringValue("127.0.0.1")
	given.Password = types.StringValue("secret")
	reply.Diagnostics.Append(reply.State.Set(ctx, given)...)
}

func (thing) Read(context.Context, resource.ReadRequest, *resource.ReadResponse) {}

func (thing) Update(ctx context.Context, request resource.UpdateRequest, reply *resource.UpdateResponse) {
	var given model
	reply.Diagnostics.Append(request.Plan.Get(ctx, &given)...)
	reply.Diagnostics.Append(reply.State.Set(ctx, given)...)
}

func (thing) Delete(context.Context, resource.DeleteRequest, *resource.DeleteResponse) {}

func (thing) ImportState(ctx context.Context, request resource.ImportStateRequest, reply *resource.ImportStateResponse) {
	resource.ImportStatePassthroughID(ctx, path.Root("id"), request, reply)
}

func main() {
	options := providerserver.ServeOpts{Address: "registry.terraform.io/polykomos/baseline"}
	if err := providerserver.Serve(context.Background(), func() provider.Provider { return baseline{} }, options); err != nil {
		log.Fatal(err)
	}
}
