// Package docs stands in for a module that the module index does not hand out. The provider uses it to describe itself
// for its documentation alone, which nothing here asks for.
package docs

type Example struct {
	Header, Description, HCL string
}

type ImportId struct {
	Format, ExampleId, ExampleCmdArg string
	ExampleBlk        string
}

type ProviderRenderOption struct{ Examples []Example }

type DataSourceRenderOption struct{ Examples []Example }

type EphemeralResourceRenderOption struct{ Examples []Example }

type ResourceRenderOption struct {
	Examples, IdentityExamples []Example
	ImportId                   *ImportId
}

type (
	ProviderWithRenderOption          any
	DataSourceWithRenderOption        any
	EphemeralResourceWithRenderOption any
	ResourceWithRenderOption          any
)
