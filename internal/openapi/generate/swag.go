package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/getkin/kin-openapi/openapi2"
	"github.com/getkin/kin-openapi/openapi2conv"
	"github.com/getkin/kin-openapi/openapi3"
	"github.com/swaggo/swag/gen"
)

// lastWords keeps what swag prints, to show it when swag fails.
type lastWords struct{ bytes.Buffer }

// Printf implements swag's Debugger.
func (w *lastWords) Printf(format string, v ...any) { fmt.Fprintf(&w.Buffer, format+"\n", v...) }

// runSwag reads the annotations under source and returns docs.go, swagger.json and swagger.yaml.
func runSwag(source string) (map[string][]byte, error) {
	// swag names packages by asking go list in the working directory.
	here, err := os.Getwd()
	if err != nil {
		return nil, err
	}
	if err := os.Chdir(source); err != nil {
		return nil, err
	}
	defer func() { _ = os.Chdir(here) }()

	dirs, err := searched(source)
	if err != nil {
		return nil, err
	}
	words := &lastWords{}
	err = gen.New().Build(&gen.Config{
		Debugger:           words,
		SearchDir:          strings.Join(dirs, ","),
		MainAPIFile:        "doc.go",
		OutputDir:          "docs",
		OutputTypes:        []string{"go", "json", "yaml"},
		PropNamingStrategy: "snakecase",
		Strict:             true,
	})
	if err != nil {
		return nil, fmt.Errorf("%w\n%s", err, words)
	}
	files := map[string][]byte{}
	for _, name := range []string{"docs/docs.go", "docs/swagger.json", "docs/swagger.yaml"} {
		if files[name], err = os.ReadFile(filepath.Join(source, name)); err != nil {
			return nil, err
		}
	}
	return files, nil
}

// searched are the folders with annotations, first, and with the types they name. swag could look for the types itself, but
// then it reads the standard library as well. It learns a folder's import path from go list, which wants a Go file there.
func searched(source string) ([]string, error) {
	dirs := []string{"api"}
	for _, dir := range []string{"internal", "pkg"} {
		if _, err := os.Stat(filepath.Join(source, dir)); err != nil {
			continue
		}
		if err := os.WriteFile(filepath.Join(source, dir, "here.go"), []byte("package "+dir+"\n"), 0o600); err != nil {
			return nil, err
		}
		dirs = append(dirs, dir)
	}
	return dirs, nil
}

// convert turns Swagger 2.0 into OpenAPI 3.0.
func convert(swagger []byte) (*openapi3.T, error) {
	var doc openapi2.T
	if err := json.Unmarshal(swagger, &doc); err != nil {
		return nil, err
	}
	return openapi2conv.ToV3(&doc)
}
