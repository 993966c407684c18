// Package mapping reads a provider's Terraform mapping with the Terraform bridge's own code, as `pulumi convert` does.
package mapping

import (
	"encoding/json"
	"os"
	"testing"

	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfbridge"
	shim "github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfshim"
	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfshim/util"
)

// A name is what the bridge makes of one attribute: Pulumi's name, and the Terraform name that leads back from it.
type name struct {
	Pulumi string `json:"pulumi"`
	Back   string `json:"back"`
	Type   string `json:"type"`
}

type entry struct {
	Token string          `json:"token"`
	Names map[string]name `json:"names"`
}

// collect adds the names of a schema's attributes, and those of the objects below them, to found.
func collect(found map[string]name, path string, attributes shim.SchemaMap, infos map[string]*tfbridge.SchemaInfo) {
	attributes.Range(func(attribute string, schema shim.Schema) bool {
		pulumi := tfbridge.TerraformToPulumiNameV2(attribute, attributes, infos)
		found[path+attribute] = name{
			Pulumi: pulumi,
			Back:   tfbridge.PulumiToTerraformName(pulumi, attributes, infos),
			Type:   schema.Type().String(),
		}
		info := infos[attribute]
		if info == nil {
			info = &tfbridge.SchemaInfo{}
		}
		below(found, path+attribute+".", schema, info)
		return true
	})
}

// below follows a schema to the objects in it, as the bridge does (propertyPathToSchemaPathInner).
func below(found map[string]name, path string, schema shim.Schema, info *tfbridge.SchemaInfo) {
	if object, ok := util.CastToTypeObject(schema); ok {
		collect(found, path, object, info.Fields)
		return
	}
	inner := info.Elem
	if inner == nil {
		inner = &tfbridge.SchemaInfo{}
	}
	switch element := schema.Elem().(type) {
	case shim.Resource:
		collect(found, path, element.Schema(), inner.Fields)
	case shim.Schema:
		below(found, path, element, inner)
	}
}

// TestNamesOfTheMapping reads the mapping in the file POLYKOMOS_MAPPING. It writes into POLYKOMOS_NAMES the token of each
// resource and data source, and the names of its attributes; those of nested objects have a path.
func TestNamesOfTheMapping(t *testing.T) {
	file, err := os.Open(os.Getenv("POLYKOMOS_MAPPING"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var mapping tfbridge.MarshallableProviderInfo
	decoder := json.NewDecoder(file)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&mapping); err != nil {
		t.Fatal(err)
	}
	info := mapping.Unmarshal()
	found := map[string]entry{"": {Token: info.Name + "@" + info.Version, Names: map[string]name{}}}
	collect(found[""].Names, "", info.P.Schema(), info.Config)
	for each, resource := range info.Resources {
		found[each] = entry{Token: resource.Tok.String(), Names: map[string]name{}}
		collect(found[each].Names, "", info.P.ResourcesMap().Get(each).Schema(), resource.Fields)
	}
	for each, source := range info.DataSources {
		key := "data." + each
		found[key] = entry{Token: source.Tok.String(), Names: map[string]name{}}
		collect(found[key].Names, "", info.P.DataSourcesMap().Get(each).Schema(), source.Fields)
	}
	written, err := json.Marshal(found)
	if err == nil {
		err = os.WriteFile(os.Getenv("POLYKOMOS_NAMES"), written, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}
