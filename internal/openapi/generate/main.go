// Command generate makes openapi.yaml and docs/openapi.json (OpenAPI 3.1), and swag's own files in docs/, from the annotations in api/.
//
// The way: a copy of the source whose wire fields say in their tags what their Go types say (source.go), swag v1 over that
// copy (swag.go), a library's conversion to OpenAPI 3.0, and our raise to 3.1 with all that is the same for every operation
// (raise.go and the files beside it), and the webhooks by the table of types of events (webhooks.go). swag v2 emits 3.1 itself, but is a release candidate and needs most of the same raise.
// The output depends on the source alone, byte for byte.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"

	"github.com/rooftop-crm/rooftop/internal/events"
)

func main() {
	root := flag.String("root", ".", "the root of the module")
	flag.Parse()
	if err := generate(*root); err != nil {
		fmt.Fprintln(os.Stderr, "generate:", err)
		os.Exit(1)
	}
}

// generate writes docs/ and openapi.yaml under root.
func generate(root string) error {
	files, err := produce(root, events.Types())
	if err != nil {
		return err
	}
	for name, text := range files {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
			return err
		}
		if err := os.WriteFile(path, text, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// produce makes the files, by their names under root, and writes nothing there. types are those of the events that endpoints are sent.
func produce(root string, types []events.Type) (map[string][]byte, error) {
	root, err := filepath.Abs(root)
	if err != nil {
		return nil, err
	}
	source, err := annotatedCopy(root)
	if err != nil {
		return nil, fmt.Errorf("copy the source: %w", err)
	}
	defer func() { _ = os.RemoveAll(source) }()
	files, err := runSwag(source)
	if err != nil {
		return nil, fmt.Errorf("swag: %w", err)
	}
	converted, err := convert(files["docs/swagger.json"])
	if err != nil {
		return nil, fmt.Errorf("convert: %w", err)
	}
	doc, err := raise(converted, types)
	if err != nil {
		return nil, err
	}
	// For people and tools as YAML, for the program as JSON.
	if files["openapi.yaml"], err = render(doc); err != nil {
		return nil, fmt.Errorf("render: %w", err)
	}
	asJSON, err := json.Marshal(doc)
	if err != nil {
		return nil, fmt.Errorf("render: %w", err)
	}
	files["docs/openapi.json"] = append(asJSON, '\n')
	return files, nil
}
