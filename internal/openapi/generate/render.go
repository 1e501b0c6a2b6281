package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"go.yaml.in/yaml/v3"
)

// order is how the keys of an object come, so that the document reads from the general to the particular; keys that are
// not named here follow in the order of the alphabet.
var order = []string{
	"openapi", "info", "title", "version", "servers", "security", "tags",
	"operationId", "name", "in", "required", "url", "summary", "description", "parameters", "requestBody", "responses",
	"get", "put", "post", "patch", "delete", "$ref", "type", "format", "paths", "webhooks", "components",
}

// named are the objects whose keys are names rather than words of OpenAPI.
var named = []string{"paths", "webhooks", "schemas", "properties", "responses", "headers", "content"}

// render writes the document as YAML.
func render(doc node) ([]byte, error) {
	root, err := yamlNode(doc, false)
	if err != nil {
		return nil, err
	}
	root.HeadComment = "Generated from the annotations in api/ by make generate. Do not edit."
	var b bytes.Buffer
	enc := yaml.NewEncoder(&b)
	enc.SetIndent(2)
	if err := enc.Encode(root); err != nil {
		return nil, err
	}
	return b.Bytes(), enc.Close()
}

func yamlNode(v any, names bool) (*yaml.Node, error) {
	switch v := v.(type) {
	case node:
		out := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}
		keys := slices.Sorted(maps.Keys(v))
		if !names {
			slices.SortStableFunc(keys, func(a, b string) int { return place(a) - place(b) })
		}
		for _, key := range keys {
			value, err := yamlNode(v[key], !names && slices.Contains(named, key))
			if err != nil {
				return nil, err
			}
			name := &yaml.Node{}
			name.SetString(key)
			if isNumber(key) {
				name.Style = yaml.DoubleQuotedStyle
			}
			out.Content = append(out.Content, name, value)
		}
		return out, nil
	case []any:
		out := &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq"}
		for _, item := range v {
			value, err := yamlNode(item, false)
			if err != nil {
				return nil, err
			}
			out.Content = append(out.Content, value)
		}
		return out, nil
	case float64:
		text, err := json.Marshal(v)
		return &yaml.Node{Kind: yaml.ScalarNode, Value: string(text)}, err
	}
	out := &yaml.Node{}
	if err := out.Encode(v); err != nil {
		return nil, fmt.Errorf("%v: %w", v, err)
	}
	return out, nil
}

func place(key string) int {
	if i := slices.Index(order, key); i >= 0 {
		return i
	}
	return len(order)
}

func isNumber(s string) bool {
	return s != "" && s[0] >= '0' && s[0] <= '9'
}
