// Package rooftop holds the description of the API, so that the program serves, and the tests check, the very files that
// clients read. Everything else is in api/, cmd/, pkg/ and internal/.
package rooftop

import _ "embed"

var (
	//go:embed openapi.yaml
	openAPIYAML []byte
	//go:embed docs/openapi.json
	openAPIJSON []byte
)

// OpenAPIYAML is openapi.yaml. The caller must not change it.
func OpenAPIYAML() []byte { return openAPIYAML }

// OpenAPIJSON is the same document as JSON. The caller must not change it.
func OpenAPIJSON() []byte { return openAPIJSON }
